//! A payer complains at PayPal: the money is held or taken, we answer or not, somebody decides.

use rand::Rng;
use rand::rngs::StdRng;

use crate::app::Woken;
use crate::domain::disputes::{AnswerKind, Evidence};
use crate::ids::{DisputeAnswerId, DisputeId, IdSource};
use crate::sandbox::{Sandbox, Scenario, Target};

use super::SimulationError;
use super::acts::Kind;
use super::books;
use super::run::Run;

/// A complaint as the world means it to go, and how far it is.
#[derive(Debug, Clone)]
pub(super) struct Complaint {
    begins: Scenario,
    ends: Scenario,
    /// Under which id we answer.
    pub answer: DisputeAnswerId,
    answers: bool,
    accepts: bool,
    pub begun: bool,
    pub answered: bool,
    ended: bool,
}

impl Complaint {
    pub(super) fn draw(dice: &mut StdRng, ids: &IdSource) -> Complaint {
        const ENDS: [Scenario; 3] =
            [Scenario::DisputeWon, Scenario::DisputeLost, Scenario::DisputePaidByGateway];
        Complaint {
            begins: if dice.random_bool(0.5) { Scenario::DisputeOpened } else { Scenario::ChargebackFee },
            ends: ENDS[dice.random_range(0..ENDS.len())],
            answer: ids.mint(),
            answers: dice.random_bool(0.7),
            accepts: dice.random_bool(0.3),
            begun: false,
            answered: false,
            ended: false,
        }
    }

    /// What happens next about a payment that was taken.
    pub(super) fn next_move(&self, place: usize, ours: Option<DisputeId>, faulty: bool) -> Option<Kind> {
        match (self.begun, self.ended) {
            (false, _) => faulty.then_some(Kind::Complain(place)),
            (true, true) => None,
            (true, false) if self.answers && !self.answered && ours.is_some() => Some(Kind::Reply(place)),
            (true, false) => Some(Kind::Decide(place)),
        }
    }

    /// What we say.
    pub(super) fn says(&self) -> AnswerKind {
        if self.accepts {
            return AnswerKind::Accept { note: "simulated".to_owned() };
        }
        let notes = "It was delivered.".to_owned();
        let (tracking, refund_ids, documents) = (vec![], vec![], vec![]);
        let evidence = Evidence { kind: "OTHER".to_owned(), notes, tracking, refund_ids, documents };
        AnswerKind::Evidence { evidence }
    }
}

impl Run {
    /// The payer complains, where there is still money to complain about.
    pub(super) async fn complained(&mut self, place: usize, far: &Sandbox) -> Result<(), SimulationError> {
        if !self.dice.random_bool(0.2) {
            return Ok(());
        }
        let life = &mut self.lives[place];
        let deal = self.truth.of(&life.name);
        let back = deal.given_back.values().chain(deal.promised.values());
        let back: i64 = back.map(|back| back.amount.minor()).sum();
        let taken: i64 = deal.takings.values().map(|taking| taking.amount.minor()).sum();
        let Some(complaint) = life.complaint.as_mut() else { return Ok(()) };
        if taken <= back {
            life.complaint = None;
            return Ok(());
        }
        complaint.begun = true;
        far.arm(complaint.begins, Target::Payment(life.name.clone())).await?;
        self.trace.step(format!("life {} complaint {:?}", life.number, complaint.begins));
        self.counts.disputes += 1;
        self.knock = true;
        Ok(())
    }

    /// Somebody decides it, unless that has happened.
    pub(super) async fn decided(
        &mut self,
        place: usize,
        woken: &Woken,
        far: &Sandbox,
    ) -> Result<(), SimulationError> {
        if self.faulty() && !self.dice.random_bool(0.1) {
            return Ok(());
        }
        self.look_at_complaint(place, woken, far).await?;
        let life = &mut self.lives[place];
        let Some(complaint) = life.complaint.as_mut() else { return Ok(()) };
        complaint.ended = true;
        let open = self.truth.of(&life.name).disputes.values().any(|dispute| dispute.open);
        if open {
            far.arm(complaint.ends, Target::Payment(life.name.clone())).await?;
            self.trace.step(format!("life {} decided {:?}", life.number, complaint.ends));
            self.knock = true;
        }
        Ok(())
    }

    /// What PayPal has of the disputes about a life.
    pub(super) async fn look_at_complaint(
        &mut self,
        place: usize,
        woken: &Woken,
        far: &Sandbox,
    ) -> Result<(), SimulationError> {
        let life = &self.lives[place];
        if !life.complaint.as_ref().is_some_and(|complaint| complaint.begun) {
            return Ok(());
        }
        let name = &life.name;
        let captures: Vec<String> = self.truth.of(name).takings.keys().cloned().collect();
        for capture in captures {
            let list = format!("/v1/customer/disputes?disputed_transaction_id={capture}&page_size=50");
            let found = books::paypal(woken, far, &list).await?;
            for dispute in found["items"].as_array().into_iter().flatten() {
                let dispute = dispute["dispute_id"].as_str().unwrap_or_default();
                let shown = books::paypal(woken, far, &format!("/v1/customer/disputes/{dispute}")).await?;
                self.truth.disputed(name, &shown);
            }
        }
        Ok(())
    }
}
