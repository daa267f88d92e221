//! The far sides' notices on their way to us: lost, late, twice, out of order, old, altered, forged, at the wrong door.

use rand::Rng;

use crate::app::Woken;
use crate::ids::PaymentId;
use crate::sandbox::{Letter, Sandbox};

use super::SimulationError;
use super::acts::{self, Act, Kind};
use super::faults::strikes;
use super::forgery::{Odd, forge};
use super::run::Run;
use super::{Sabotage, gate::Work};

/// Old notices kept to come again.
const OLD: usize = 64;

/// What is handed over at our door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Handed {
    pub gateway: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Handed {
    fn of(letter: &Letter) -> Handed {
        Handed {
            gateway: letter.gateway().to_owned(),
            headers: letter.headers.clone(),
            body: letter.body().to_vec(),
        }
    }
}

impl Run {
    /// A notice, and what befalls it.
    pub(super) async fn handed_over(
        &mut self,
        woken: &Woken,
        far: &Sandbox,
    ) -> Result<Option<Act>, SimulationError> {
        let chosen = self.dice.random_range(0..self.mail.len());
        let letter = self.mail.remove(chosen);
        let handed = Handed::of(&letter);
        let life = self.life_of(&handed);
        let forged = letter.forged();
        if self.faulty() {
            if strikes(&mut self.dice, self.rates.notice_late) {
                self.mail.push(letter);
                return Ok(None);
            }
            if strikes(&mut self.dice, self.rates.notice_lost) {
                let number = life.map(|life| self.lives[life].number);
                self.trace.step(format!("life {number:?} notice lost"));
                self.counts.faults += 1;
                far.mark(letter, true).await?;
                return Ok(None);
            }
            if strikes(&mut self.dice, self.rates.notice_forged) {
                self.mail.push(letter);
                let mut other = forge(&mut self.dice, &handed);
                let forged = other != handed;
                if self.sabotaged(Sabotage::TrustForged) {
                    other = handed;
                }
                return Ok(Some(self.heard_beside(woken, life, other, forged)));
            }
            if strikes(&mut self.dice, self.rates.notice_odd)
                && let Some(act) = self.odd(woken, far, &letter).await?
            {
                self.mail.push(letter);
                return Ok(Some(act));
            }
            if strikes(&mut self.dice, self.rates.notice_twice) {
                self.mail.push(letter);
                return Ok(Some(self.heard_beside(woken, life, handed, forged)));
            }
            if !self.old.is_empty() && strikes(&mut self.dice, self.rates.notice_old) {
                self.mail.push(letter);
                let old = self.old[self.dice.random_range(0..self.old.len())].clone();
                let life = self.life_of(&old);
                return Ok(Some(self.heard_beside(woken, life, old, false)));
            }
        }
        if !forged && self.old.len() < OLD {
            self.old.push(handed.clone());
        } else if !forged {
            let place = self.dice.random_range(0..OLD);
            self.old[place] = handed.clone();
        }
        let work = self.heard(woken, handed);
        Ok(Some(self.act(Kind::Hear { letter: Some(Box::new(letter)), life, forged }, work)))
    }

    /// Handed over by somebody else than the far side: it does not wait for what becomes of it.
    fn heard_beside(&mut self, woken: &Woken, life: Option<usize>, handed: Handed, forged: bool) -> Act {
        self.counts.faults += 1;
        let work = self.heard(woken, handed);
        self.act(Kind::Hear { letter: None, life, forged }, work)
    }

    /// Truly signed, and no notice that can be believed: malformed, another merchant's, about a payment nobody here knows.
    async fn odd(
        &mut self,
        woken: &Woken,
        far: &Sandbox,
        letter: &Letter,
    ) -> Result<Option<Act>, SimulationError> {
        let handed = Handed::of(letter);
        let Ok(genuine) = std::str::from_utf8(&handed.body) else { return Ok(None) };
        let life = self.life_of(&handed);
        let odd = Odd::draw(&mut self.dice);
        let own = life.map(|life| self.lives[life].name.clone());
        let unknown = self.world.ids().mint::<PaymentId>().to_string();
        let Some(body) = odd.body(genuine, own.as_deref(), &unknown) else { return Ok(None) };
        let names = (odd == Odd::Unknown).then(|| body.clone());
        let other = woken.seeded.other.gateways.get(&handed.gateway);
        let key = if handed.gateway == "paypal" { "webhook_id" } else { "partner_id" };
        let receiver = other.and_then(|client| client.get(key)).filter(|_| odd == Odd::Elsewhere);
        let written = far.rewritten(letter, body, receiver.map(String::as_str)).await?;
        self.trace.note(format!("odd notice {odd:?}"));
        let mut act = self.heard_beside(woken, life, Handed::of(&written), odd.is_malformed());
        act.names = names;
        Ok(Some(act))
    }

    fn heard(&self, woken: &Woken, handed: Handed) -> Work {
        acts::hear(woken, &self.world.clock, &handed.gateway, handed.headers, handed.body)
    }

    fn life_of(&self, handed: &Handed) -> Option<usize> {
        let body = String::from_utf8_lossy(&handed.body);
        self.lives.iter().position(|life| body.contains(&life.name))
    }
}
