//! What begins next: a life's next move, a notice, a duty.

use chrono::{DateTime, TimeDelta, Utc};
use rand::Rng;

use crate::app::Woken;
use crate::sandbox::{Sandbox, Scenario, Shopper, Target};
use crate::store::Store;

use super::acts::{self, Act, Kind};
use super::faults::strikes;
use super::life::Billed;
use super::run::{Phase, Run};
use super::{Sabotage, SimulationError};

impl Run {
    /// Something new: a life's next move, a notice, a duty.
    pub(super) async fn begin(
        &mut self,
        store: &Store,
        woken: &Woken,
        far: &Sandbox,
    ) -> Result<Option<Act>, SimulationError> {
        let mut moves = self.moves();
        if moves.is_empty() {
            return Ok(None);
        }
        let chosen = self.dice.random_range(0..moves.len());
        let kind = moves.swap_remove(chosen);
        let now = self.world.clock.now();
        let work = match &kind {
            Kind::Start(place) => {
                self.armed(*place, far).await?;
                acts::start(woken, store, &self.lives[*place])
            }
            Kind::Back(place) => {
                if self.visited(*place, far).await {
                    return Ok(None);
                }
                let life = &mut self.lives[*place];
                let Some(at) = life.way_back.take() else { return Ok(None) };
                acts::back(woken, life.gateway, &at)
            }
            Kind::Cancel(place) => {
                self.lives[*place].cancels = false;
                acts::cancel(woken, self.lives[*place].id)
            }
            Kind::Sync(place) => acts::sync(woken, self.lives[*place].id),
            Kind::Refund(place) => {
                let life = &mut self.lives[*place];
                let refund = life.refunds[life.refunded];
                life.refunded += 1;
                acts::refund(woken, &self.lives[*place], refund)
            }
            Kind::Resolve(place) => acts::resolve(woken, store, self.lives[*place].id),
            Kind::Complain(place) => return self.complained(*place, far).await.map(|()| None),
            Kind::Decide(place) => return self.decided(*place, woken, far).await.map(|()| None),
            Kind::Clear(place) => return self.cleared(*place, woken, far).await.map(|()| None),
            Kind::GiveBack(place) => return self.gave_back(*place, far).await.map(|()| None),
            Kind::Reply(place) => {
                let life = &mut self.lives[*place];
                let (Some(dispute), Some(complaint)) = (life.seen.waits_for_us, &mut life.complaint) else {
                    return Ok(None);
                };
                complaint.answered = true;
                acts::reply(woken, dispute, complaint)
            }
            Kind::Disputes => {
                self.due.disputes = now + TimeDelta::minutes(2);
                acts::disputes(woken)
            }
            Kind::CatchUp => {
                // One after the other, as a job does it: due again when this one has ended.
                self.due.catch_up = DateTime::<Utc>::MAX_UTC;
                acts::catch_up(woken, store)
            }
            Kind::Bills => {
                self.due.bills = now + TimeDelta::minutes(4);
                acts::bills(woken, store, &self.world.clock)
            }
            Kind::Hear { .. } => return self.handed_over(woken, far).await,
            Kind::Drain => {
                self.due.drain = now + TimeDelta::seconds(15);
                acts::drain(woken)
            }
            Kind::Ask => {
                self.due.ask = now + TimeDelta::minutes(2);
                acts::ask(woken)
            }
            Kind::Refunds => {
                self.due.refunds = now + TimeDelta::minutes(2);
                acts::refunds(woken)
            }
        };
        if let Some(life) = kind.life() {
            self.lives[life].busy += 1;
        }
        Ok(Some(self.act(kind, work)))
    }

    /// What could begin now.
    fn moves(&mut self) -> Vec<Kind> {
        let now = self.world.clock.now();
        let mut moves: Vec<Kind> = vec![];
        let faulty = self.faulty();
        for (place, life) in self.lives.iter().enumerate() {
            moves.extend(life.next_move(place, now, faulty));
            moves.extend(self.clears(place));
        }
        if !self.mail.is_empty() {
            moves.push(Kind::Hear { letter: None, life: None, forged: false });
            moves.push(Kind::Hear { letter: None, life: None, forged: false });
        }
        let asks = !self.sabotaged(Sabotage::NeverAsk);
        if strikes(&mut self.dice, 20) {
            let place = self.dice.random_range(0..self.lives.len());
            let known = self.lives[place].seen.state.is_some();
            moves.extend(known.then_some(Kind::Sync(place)));
        }
        moves.extend((now >= self.due.drain).then_some(Kind::Drain));
        moves.extend((asks && now >= self.due.ask).then_some(Kind::Ask));
        moves.extend((asks && now >= self.due.refunds).then_some(Kind::Refunds));
        moves.extend((asks && now >= self.due.disputes).then_some(Kind::Disputes));
        moves.extend((self.restored && now >= self.due.catch_up).then_some(Kind::CatchUp));
        moves.extend((asks && now >= self.due.bills).then_some(Kind::Bills));
        moves
    }

    /// What the far side is to do with a payment that it is asked for now.
    async fn armed(&mut self, place: usize, far: &Sandbox) -> Result<(), SimulationError> {
        let life = &mut self.lives[place];
        life.started = true;
        let scenario = match (life.wrong_amount, life.poor, life.billed == Billed::Less) {
            (true, ..) => Some(Scenario::WrongAmount),
            (_, true, _) => Some(Scenario::InsufficientBalance),
            (.., true) => Some(Scenario::BillDiffers),
            _ => None,
        };
        if let Some(scenario) = scenario.filter(|_| !life.armed) {
            life.armed = true;
            far.arm(scenario, Target::Payment(life.name.clone())).await?;
        }
        if let Some(delay) = life.delays.at_paypal(&life.name) {
            far.delay_paypal(&delay).await?;
        }
        Ok(())
    }

    pub(super) fn act(&mut self, kind: Kind, work: super::gate::Work) -> Act {
        self.acts += 1;
        Act { who: self.acts, kind, work, stopped: false, stalls: None, about: None, names: None }
    }

    /// The shopper's visit to the page, when it is still to be made; then the way back comes later, or never.
    async fn visited(&mut self, place: usize, far: &Sandbox) -> bool {
        let life = &mut self.lives[place];
        let Some(page) = life.seen.next_action.clone().filter(|_| life.way_back.is_none()) else {
            return false;
        };
        life.visits += 1;
        self.knock = true;
        let sent_to = far.shopper_at(&page, life.shopper).await;
        let lost = sent_to.is_some()
            && matches!(self.phase, Phase::Faulty(_))
            && strikes(&mut self.dice, self.rates.return_lost);
        let life = &mut self.lives[place];
        life.way_back = sent_to.filter(|_| !lost);
        let came = life.way_back.is_some();
        self.trace.step(format!("life {} shopper {:?} back {came} lost {lost}", life.number, life.shopper));
        if life.shopper == Shopper::Abandon || life.way_back.is_none() {
            life.visits = life.visits.max(2);
        }
        true
    }
}
