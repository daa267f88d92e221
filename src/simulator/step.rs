//! One step: who is on next, and what befalls them.

use chrono::TimeDelta;
use rand::Rng;

use crate::app::Woken;
use crate::crash::Verdict;
use crate::sandbox::{Sandbox, Scenario, Shopper, Target};
use crate::store::Store;

use super::acts::{self, Act, Kind};
use super::books;
use super::check;
use super::faults::strikes;
use super::gate::{Ended, Parked, Stop};
use super::run::{End, Phase, Run};
use super::way;
use super::{Broken, Sabotage, SimulationError};

/// Actions under way at once.
const ABREAST: usize = 6;
/// Everything is looked at after so many steps.
const WHOLE_LOOK: u64 = 1_000;

impl Run {
    pub(super) fn faulty(&self) -> bool {
        matches!(self.phase, Phase::Faulty(_))
    }

    /// Step after step until the phase is over or the process dies.
    pub(super) async fn steps(
        &mut self,
        store: &Store,
        programs: &[Woken],
        far: &Sandbox,
    ) -> Result<End, SimulationError> {
        let mut acts: Vec<Act> = vec![];
        let mut stopping = false;
        self.stir();
        loop {
            let now = self.world.clock.now();
            let (Phase::Faulty(until) | Phase::Calm(until) | Phase::Lapsed(until)) = self.phase;
            if acts.is_empty() && now >= until {
                return Ok(End::Over);
            }
            if acts.is_empty() && stopping {
                return Ok(End::Stopped);
            }
            if !stopping && self.faulty() && self.dice.random_range(0..10_000) < self.rates.stop {
                self.trace.note("the process is asked to stop".to_owned());
                stopping = true;
            }
            if std::mem::take(&mut self.knock) {
                self.mail.extend(far.letters().await?);
            }
            let fresh = acts.len() < ABREAST && now < until && self.dice.random_bool(0.4);
            let program = self.any(programs);
            if (fresh || acts.is_empty())
                && !stopping
                && let Some(act) = self.begin(store, program, far).await?
            {
                acts.push(act);
                continue;
            }
            let ready: Vec<usize> = (0..acts.len()).filter(|&place| !acts[place].is_stalled(now)).collect();
            let stalled = ready.len() < acts.len();
            if ready.is_empty() || strikes(&mut self.dice, if stalled { 150 } else { 30 }) {
                let most = if ready.is_empty() { 15_000 } else { 4_000 };
                let passes = self.dice.random_range(1..most);
                self.world.pass(TimeDelta::milliseconds(passes));
                self.knock = true;
                self.trace.note(format!("passes {passes}"));
                continue;
            }
            let place = ready[self.dice.random_range(0..ready.len())];
            if self.faulty() && self.dice.random_range(0..10_000) < self.rates.stall {
                let stalls = self.dice.random_range(20..240);
                self.trace.note(format!("{} stalls for {stalls} s", acts[place].kind.word()));
                acts[place].stalls = Some(now + TimeDelta::seconds(stalls));
                self.counts.faults += 1;
                continue;
            }
            let before = self.gate.commits();
            let down = self.faulty() && self.dice.random_range(0..10_000) < self.rates.down;
            if down {
                self.trace.note("the database is down".to_owned());
                self.world.database_down();
            }
            let end = self.step(&mut acts, place, far).await?;
            if down {
                self.stir();
            }
            if let Some(end) = end {
                return Ok(end);
            }
            let wrote = self.gate.commits() > before;
            let about = acts.get(place).and_then(|act| act.kind.life().or(act.about));
            if let Some(found) = self.after(store, &programs[0], wrote, about).await? {
                return Ok(End::Broken(found));
            }
            acts.retain(|act| !act.stopped);
        }
    }

    /// One of the programs: whatever somebody wants next comes to it.
    fn any<'a>(&mut self, programs: &'a [Woken]) -> &'a Woken {
        match programs {
            [only] => only,
            _ => &programs[self.dice.random_range(0..programs.len())],
        }
    }

    /// What must hold after a step.
    async fn after(
        &mut self,
        store: &Store,
        woken: &Woken,
        wrote: bool,
        about: Option<usize>,
    ) -> Result<Option<Broken>, SimulationError> {
        if let Some(url) = self.astray.take() {
            let what = format!("somebody was asked at {url}");
            return Ok(Some(Broken { invariant: "A16", what, steps: vec![] }));
        }
        if !wrote || self.lives.is_empty() {
            return Ok(None);
        }
        let merchant = woken.seeded.default.merchant;
        let some = usize::try_from(self.trace.steps).unwrap_or(0) % self.lives.len();
        let life = &mut self.lives[about.unwrap_or(some)];
        let before = life.seen.state;
        let found = check::look(store, merchant, &self.truth, life).await?;
        if life.seen.state != before {
            let line = format!("life {} is {}", life.number, life.seen.state.unwrap_or("none"));
            self.trace.note(line);
        }
        if found.is_some() || self.trace.steps < self.checked_at + WHOLE_LOOK {
            return Ok(found);
        }
        self.checked_at = self.trace.steps;
        self.rest();
        let found = books::verified(store, false).await?;
        self.stir();
        Ok(found)
    }

    /// Lets one action on.
    async fn step(
        &mut self,
        acts: &mut [Act],
        place: usize,
        far: &Sandbox,
    ) -> Result<Option<End>, SimulationError> {
        let act = &mut acts[place];
        let life = act.kind.life().and_then(|life| self.lives.get(life)).map(|life| life.number);
        let name = match life {
            Some(number) => format!("life {number} {}", act.kind.word()),
            None => act.kind.word().to_owned(),
        };
        let parked = self.gate.take(act.who);
        if let Some(parked) = &parked
            && self.faulty()
            && self.dice.random_range(0..10_000) < self.rates.death
        {
            let at = match parked {
                Parked::Point(point, _) => point.as_str(),
                Parked::Sent(..) => "request in hand",
                Parked::Answered(..) => "answer on its way",
                Parked::Resumed(_) => "behind a lock",
            };
            self.trace.step(format!("{name} the process dies at {at}"));
            return Ok(Some(End::Died));
        }
        let on = match parked {
            None => "on".to_owned(),
            Some(Parked::Point(point, go)) => {
                let _ = go.send(Verdict::GoOn);
                point.as_str().to_owned()
            }
            Some(Parked::Resumed(go)) => {
                let _ = go.send(());
                "lock".to_owned()
            }
            Some(Parked::Answered(answer, go)) => {
                let _ = go.send(answer);
                "answered".to_owned()
            }
            Some(Parked::Sent(request, go)) => {
                let direct = way::direct(&request);
                let bills = matches!(act.kind, Kind::Bills);
                let (words, answer) = self.carried(direct.clone(), far, bills).await;
                act.about = self.life_in(&direct).or(act.about);
                self.gate.put(act.who, Parked::Answered(answer, go));
                self.trace.step(format!("{name} sends {words}"));
                return Ok(None);
            }
        };
        let stop = self.gate.run(act.who, &mut act.work).await;
        match stop {
            Stop::Parked => self.trace.step(format!("{name} {on}")),
            Stop::Blocked => self.trace.step(format!("{name} {on}, waits")),
            Stop::Dead(point) => {
                self.trace.step(format!("{name} {on}, the process dies at {}", point.as_str()));
                return Ok(Some(End::Died));
            }
            Stop::Ended(ended) => {
                self.trace.step(format!("{name} {on}, ended: {}", ended.words));
                act.stopped = true;
                if ended.accepted {
                    self.strangers.extend(act.names.take());
                }
                let kind = std::mem::replace(&mut act.kind, Kind::Drain);
                let about = kind.life();
                let found = self.ended(kind, &ended, far).await?;
                // Whose rows it touched is still to be looked at.
                if let Some(life) = about {
                    act.kind = Kind::Sync(life);
                }
                return Ok(found.map(End::Broken));
            }
        }
        Ok(None)
    }

    /// An action is over.
    async fn ended(
        &mut self,
        kind: Kind,
        ended: &Ended,
        far: &Sandbox,
    ) -> Result<Option<Broken>, SimulationError> {
        if let (Some(life), false) = (kind.life(), matches!(kind, Kind::Hear { .. })) {
            self.lives[life].busy = self.lives[life].busy.saturating_sub(1);
        }
        if let Kind::Resolve(_) = kind {
            self.counts.repairs += u64::from(ended.words.contains("resolved"));
        }
        // A question that another had put before is shared, and was not answered: from now on each is.
        if matches!((&kind, self.phase), (Kind::Bills, Phase::Lapsed(_))) && ended.words.contains("done") {
            self.ghosts.iter_mut().for_each(|ghost| ghost.mute = false);
        }
        let Kind::Hear { letter, forged, life } = kind else { return Ok(None) };
        if forged && ended.accepted {
            let what = format!("life {}: a forged notice was accepted", life.unwrap_or_default());
            return Ok(Some(Broken { invariant: "A5", what, steps: vec![] }));
        }
        if let Some(letter) = letter {
            far.mark(*letter, ended.accepted).await?;
        }
        Ok(None)
    }

    /// Something new: a life's next move, a notice, a duty.
    async fn begin(
        &mut self,
        store: &Store,
        woken: &Woken,
        far: &Sandbox,
    ) -> Result<Option<Act>, SimulationError> {
        let now = self.world.clock.now();
        let mut moves: Vec<Kind> = vec![];
        let faulty = self.faulty();
        for (place, life) in self.lives.iter().enumerate() {
            moves.extend(life.next_move(place, now, faulty));
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
        moves.extend((asks && now >= self.due.bills).then_some(Kind::Bills));
        if moves.is_empty() {
            return Ok(None);
        }
        let chosen = self.dice.random_range(0..moves.len());
        let kind = moves.swap_remove(chosen);
        let work = match &kind {
            Kind::Start(place) => {
                let life = &mut self.lives[*place];
                life.started = true;
                let scenario = match (life.wrong_amount, life.poor, life.billed_less) {
                    (true, ..) => Some(Scenario::WrongAmount),
                    (_, true, _) => Some(Scenario::InsufficientBalance),
                    (.., true) => Some(Scenario::BillDiffers),
                    _ => None,
                };
                if let Some(scenario) = scenario.filter(|_| !life.armed) {
                    life.armed = true;
                    far.arm(scenario, Target::Payment(life.id.to_string())).await?;
                }
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
