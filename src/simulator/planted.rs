//! Differences planted in PayPal's bills: each must be found within its time, and nothing else.
//!
//! A round's day is over for PayPal, and its bill is read, at the end of the next round; what no bill names is missed once
//! the cut-off of three days is over.

use rand::Rng;

use crate::app::Woken;
use crate::domain::findings::{Finding, FindingKind};
use crate::ids::MerchantId;
use crate::money::{Currency, Money};
use crate::sandbox::{Sandbox, SeededMovement};
use crate::store::findings::FindingFilter;
use crate::store::{Seek, Store};

use super::life::{Billed, Life};
use super::run::Run;
use super::{Broken, SimulationError};

/// Rounds after which a bill was read.
const READ: u64 = 1;
/// Rounds after which what no bill names is missed.
const MISSED: u64 = 6;

/// A difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Planted {
    kind: FindingKind,
    /// A payment, or a movement's reference.
    about: String,
    round: u64,
    found: bool,
}

impl Planted {
    fn tells(&self, finding: &Finding) -> bool {
        let about = finding.payment.as_deref() == Some(&self.about) || finding.fact == self.about;
        finding.kind == self.kind && about
    }

    fn is_due(&self, round: u64) -> bool {
        let within = if self.kind == FindingKind::MissingThere { MISSED } else { READ };
        round >= self.round + within
    }
}

impl Run {
    /// Somebody else takes money with the merchant's account.
    pub(super) async fn stranger(&mut self, woken: &Woken, far: &Sandbox) -> Result<(), SimulationError> {
        let Some(client) = woken.seeded.default.gateways.get("paypal") else { return Ok(()) };
        let number = self.dice.random_range(0..u64::MAX);
        let reference = format!("S{:016X}", number & 0x0fff_ffff_ffff_ffff);
        let amount = Money::from_minor(self.dice.random_range(1_000..90_000), Currency::known("USD"));
        let fee = Money::from_minor(amount.minor() / 25, amount.currency());
        let movement = SeededMovement {
            transaction_id: reference.clone(),
            reference_id: None,
            code: "T0006",
            gross: amount,
            fee: Some(fee.negated()),
            custom_id: Some(format!("elsewhere-{number}")),
            at: self.world.clock.now(),
        };
        let day = self.world.clock.now().date_naive();
        far.seed_paypal(&client["merchant_id"], day, &[movement]).await?;
        self.truth.takes(&reference, &reference, amount, fee);
        self.trace.note(format!("a stranger takes {amount} as {reference}"));
        let (kind, round) = (FindingKind::PaidUnknownHere, self.rounds);
        self.planted.push(Planted { kind, about: reference.clone(), round, found: false });
        self.strange.push((round, reference));
        Ok(())
    }

    /// What a life that is over leaves in the bills.
    pub(super) fn plant(&mut self, life: &Life) {
        let (about, round) = (life.name.clone(), self.rounds);
        let deal = self.truth.of(&about);
        if deal.takings.is_empty() || life.gateway != "paypal" {
            return;
        }
        let as_asked = !life.wrong_amount && !life.poor;
        let kind = match life.billed {
            Billed::Not => FindingKind::MissingThere,
            Billed::Twice => FindingKind::BillDuplicate,
            Billed::Less if as_asked => FindingKind::BillAmount,
            Billed::Dearer if as_asked => FindingKind::BillFee,
            Billed::Truly | Billed::Less | Billed::Dearer => return,
        };
        if kind != FindingKind::BillAmount {
            self.misbilled.extend(deal.takings.keys().map(|taking| (taking.clone(), life.billed)));
        }
        self.planted.push(Planted { kind, about, round, found: false });
    }

    /// A difference that the next bill has, at the latest.
    pub(super) fn planted_now(&mut self, kind: FindingKind, about: String) {
        self.planted.push(Planted { kind, about, round: self.rounds, found: false });
    }

    /// The findings that were opened since this was asked last.
    pub(super) async fn opened(
        &mut self,
        store: &Store,
        merchant: MerchantId,
    ) -> Result<Vec<Finding>, SimulationError> {
        let seek = self.read_to.map_or(Seek::Start, Seek::After);
        let opened = store.findings(merchant, FindingFilter::default(), seek, u32::MAX).await?;
        self.read_to = opened.last().map(|finding| finding.id).or(self.read_to);
        Ok(opened)
    }

    /// Whether what was planted was found in time, and nothing else.
    pub(super) fn differences(&mut self, opened: &[Finding]) -> Option<Broken> {
        let of_bills = |finding: &&Finding| {
            use FindingKind as F;
            matches!(
                finding.kind,
                F::PaidUnknownHere
                    | F::MissingThere
                    | F::BillAmount
                    | F::BillCurrency
                    | F::BillFee
                    | F::BillStatus
                    | F::BillDuplicate
                    | F::UnknownMovement
                    | F::RefundElsewhere
                    | F::BatchDiffers
            )
        };
        let broken = |what: String| Some(Broken { invariant: "B25", what, steps: vec![] });
        for finding in opened.iter().filter(of_bills) {
            let quiet = finding.payment.as_ref().is_some_and(|payment| self.quiet.contains(payment));
            if quiet && finding.kind == FindingKind::BillStatus {
                continue;
            }
            let mut planted = false;
            for other in self.planted.iter_mut().filter(|other| other.tells(finding)) {
                (planted, other.found) = (true, true);
            }
            if !planted {
                let (kind, fact) = (finding.kind.as_str(), &finding.fact);
                return broken(format!(
                    "a bill is said to differ and does not: {kind} {fact} {}",
                    finding.detail
                ));
            }
        }
        let mut missed = self.planted.iter().filter(|planted| !planted.found && planted.is_due(self.rounds));
        missed.next().and_then(|planted| broken(format!("nobody found {planted:?}")))
    }
}
