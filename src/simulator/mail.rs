//! The far sides' notices on their way to us: lost, late, twice, out of order, old, altered, forged, at the wrong door.

use rand::Rng;
use rand::rngs::StdRng;

use crate::app::Woken;
use crate::sandbox::{Letter, Sandbox};

use super::SimulationError;
use super::acts::{self, Act, Kind};
use super::faults::strikes;
use super::run::Run;
use super::{Sabotage, gate::Work};

/// Old notices kept to come again.
const OLD: usize = 64;

/// What is handed over at our door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Handed {
    gateway: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
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

    fn heard(&self, woken: &Woken, handed: Handed) -> Work {
        acts::hear(woken, &self.world.clock, &handed.gateway, handed.headers, handed.body)
    }

    fn life_of(&self, handed: &Handed) -> Option<usize> {
        let body = String::from_utf8_lossy(&handed.body);
        self.lives.iter().position(|life| body.contains(&life.id.to_string()))
    }
}

/// What is not the gateway's notice any more.
fn forge(dice: &mut StdRng, genuine: &Handed) -> Handed {
    let mut forged = genuine.clone();
    let signs = |name: &str| name == "authorization" || name == "paypal-transmission-sig";
    match dice.random_range(0..6) {
        // Another number under the same signature.
        0 | 1 => {
            let digits = (0..forged.body.len()).filter(|&at| forged.body[at].is_ascii_digit());
            let digits: Vec<usize> = digits.collect();
            if let Some(&at) = digits.get(dice.random_range(0..digits.len().max(1))) {
                forged.body[at] = if forged.body[at] == b'9' { b'1' } else { forged.body[at] + 1 };
            }
        }
        // The same body under another signature.
        2 => {
            for (_, value) in forged.headers.iter_mut().filter(|(name, _)| signs(name)) {
                let flipped = if value.ends_with("AA==") { "BB==" } else { "AA==" };
                let kept = value.len().saturating_sub(4);
                value.truncate(kept);
                value.push_str(flipped);
            }
        }
        // Under none.
        3 => forged.headers.retain(|(name, _)| !signs(name)),
        // A member said twice.
        4 => {
            let doubled = [b"{\"status\":\"success\",", &forged.body[1..]].concat();
            forged.body = doubled;
        }
        // At another gateway's door.
        _ => {
            let other = if genuine.gateway == "paypal" { "grabpay" } else { "paypal" };
            other.clone_into(&mut forged.gateway);
        }
    }
    forged
}
