//! What PayPal decides later, a capture or a refund, and what the merchant gives back at PayPal's own pages.

use rand::Rng;
use rand::rngs::StdRng;

use crate::app::Woken;
use crate::domain::findings::FindingKind;
use crate::money::Money;
use crate::sandbox::{PayPalDelay, Sandbox};

use super::SimulationError;
use super::acts::Kind;
use super::books;
use super::run::{Phase, Run};

/// What PayPal says a capture waits for.
const REASONS: [&str; 4] =
    ["ECHECK", "PENDING_REVIEW", "RECEIVING_PREFERENCE_MANDATES_MANUAL_ACTION", "SOMETHING_NEW"];

/// What of a life is decided later, as the world means it to go.
#[derive(Debug, Clone, Default)]
pub(super) struct Delays {
    /// Why its capture waits, where it does.
    capture: Option<&'static str>,
    /// Its refunds wait.
    refunds: bool,
    /// Nothing is decided before everything else has lapsed.
    late: bool,
    /// What goes back at PayPal's own pages, in hundredths; once. Of what suppliers share all that is left, since nobody
    /// here says whose part it is.
    by_hand: Option<u32>,
    /// Something went back there, and nobody has looked at the payment since.
    pub unseen: bool,
}

impl Delays {
    pub(super) fn draw(dice: &mut StdRng, shared: bool) -> Delays {
        let capture = (dice.random_range(0..5) == 0).then(|| REASONS[dice.random_range(0..REASONS.len())]);
        Delays {
            capture,
            refunds: dice.random_range(0..4) == 0,
            late: dice.random_range(0..4) == 0,
            by_hand: (dice.random_range(0..8) == 0)
                .then(|| if shared { 100 } else { dice.random_range(1..=100) }),
            unseen: false,
        }
    }

    /// Its money comes when nothing that takes a second turn with us may begin any more.
    pub(super) fn brings_money_late(&self) -> bool {
        self.late && self.capture.is_some()
    }

    /// What PayPal is told of it.
    pub(super) fn at_paypal(&self, payment: &str) -> Option<PayPalDelay> {
        (self.capture.is_some() || self.refunds).then(|| PayPalDelay {
            payment: payment.to_owned(),
            capture: self.capture.map(str::to_owned),
            refunds: self.refunds,
        })
    }

    /// What happens next about a payment that was taken.
    pub(super) fn next_move(&self, place: usize, faulty: bool) -> Option<Kind> {
        match (faulty, self.by_hand) {
            (true, Some(_)) => Some(Kind::GiveBack(place)),
            (false, _) if self.unseen => Some(Kind::Sync(place)),
            _ => None,
        }
    }
}

impl Run {
    /// Whether something of this life is to be decided now.
    pub(super) fn clears(&self, place: usize) -> Option<Kind> {
        let life = &self.lives[place];
        let early = life.delays.late && !matches!(self.phase, Phase::Lapsed(_));
        (!early && self.truth.of(&life.name).waits()).then_some(Kind::Clear(place))
    }

    /// PayPal decides.
    pub(super) async fn cleared(
        &mut self,
        place: usize,
        woken: &Woken,
        far: &Sandbox,
    ) -> Result<(), SimulationError> {
        if self.faulty() && !self.dice.random_bool(0.1) {
            return Ok(());
        }
        let granted = self.dice.random_bool(0.7);
        let life = &self.lives[place];
        self.trace.step(format!("life {} is decided at PayPal: {granted}", life.number));
        far.decide_paypal(&life.name, granted).await?;
        let deal = self.truth.of(&life.name);
        let captures: Vec<String> = deal.waiting.keys().cloned().collect();
        let refunds: Vec<String> = deal.promised.keys().cloned().collect();
        for capture in captures {
            let said = books::paypal(woken, far, &format!("/v2/payments/captures/{capture}")).await?;
            self.truth.paypal_capture(&life.name, &said);
        }
        for refund in refunds {
            let said = books::paypal(woken, far, &format!("/v2/payments/refunds/{refund}")).await?;
            self.truth.paypal_refund_decided(&life.name, &said);
        }
        self.counts.delays += 1;
        self.knock = true;
        Ok(())
    }

    /// The merchant gives back at PayPal's own pages, where something is left.
    pub(super) async fn gave_back(&mut self, place: usize, far: &Sandbox) -> Result<(), SimulationError> {
        if !self.dice.random_bool(0.2) {
            return Ok(());
        }
        let life = &mut self.lives[place];
        let Some(part) = life.delays.by_hand.take() else { return Ok(()) };
        let amount = i128::from(life.amount.minor()) * i128::from(part) / 100;
        let amount = Money::from_minor(i64::try_from(amount).unwrap_or(1).max(1), life.amount.currency());
        let Some((given, amount)) = far.give_back_at_paypal(&life.name, amount).await? else {
            return Ok(());
        };
        life.delays.unseen = true;
        self.trace.step(format!("life {} {amount} back at PayPal's own pages as {given}", life.number));
        self.truth.gave_back_there(&life.name, &given, amount);
        self.planted_now(FindingKind::RefundElsewhere, given);
        self.knock = true;
        Ok(())
    }
}
