//! A dispute: an object of its own beside the payment, many for one payment.
//!
//! Two things are kept apart. *How it stands* is the gateway's newest word. *What it did to money* is a list of facts,
//! each booked once: a hold and its end, money taken and given back, fees. A word moves no money.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::ledger::journal::Movement;
use crate::domain::refunds::Refund;
use crate::ids::{DisputeId, GatewayAccountId, MerchantId, PaymentId};
use crate::money::{Money, MoneyError};

use super::report::{DisputeMovement, DisputeReport, MovementKind};
use super::state::DisputeState;

/// A dispute about a captured payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    /// Its id.
    pub id: DisputeId,
    /// Whose.
    pub merchant: MerchantId,
    /// About which payment.
    pub payment: PaymentId,
    /// Where.
    pub account: GatewayAccountId,
    /// The gateway: `paypal`.
    pub gateway: String,
    /// The gateway's id of it.
    pub gateway_ref: String,
    /// The capture in dispute.
    pub capture_ref: String,
    /// How much the payer disputes.
    pub amount: Money,
    /// The gateway's word for why.
    pub reason: String,
    /// The gateway's word for how far it has gone.
    pub stage: Option<String>,
    /// How it stands.
    pub state: DisputeState,
    /// The gateway's own word for that.
    pub word: String,
    /// Until when we may answer.
    pub deadline: Option<DateTime<Utc>>,
    /// What it did to money.
    pub money: DisputeMoney,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// When it last changed at the gateway.
    pub updated_at: DateTime<Utc>,
    /// When we heard that it was decided.
    pub closed_at: Option<DateTime<Utc>>,
}

/// What a dispute did to money, as far as it is booked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisputeMoney {
    /// How often a hold began: names the next one.
    pub holds: u32,
    /// The hold that stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// Every movement that was told, in the order it was booked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub booked: Vec<BookedMovement>,
    /// What of shares that came free went against the debt that refunds had made meanwhile: of 2100 and 2110 to 1200.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settled: Vec<Movement>,
}

/// A hold that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Under which name the gateway's side is booked.
    pub source: String,
    /// How much the gateway holds.
    pub amount: Money,
    /// Why, as it was first told: where it stands in 1120.
    #[serde(default = "of_a_dispute")]
    pub reason: String,
    /// From which of the suppliers' buckets what went to 2130; the way back is the reverse.
    pub suppliers: Vec<Movement>,
}

impl Hold {
    /// What a dispute holds.
    pub const DISPUTE: &str = "dispute";
}

fn of_a_dispute() -> String {
    Hold::DISPUTE.to_owned()
}

/// A movement, and what it was booked as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookedMovement {
    /// As the gateway told it.
    #[serde(flatten)]
    pub told: DisputeMovement,
    /// What it took back from whom, while that stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charged: Option<Refund>,
    /// What of it nobody could be charged with, and stands in suspense: above zero what was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aside: Option<Money>,
    /// What of a fee suppliers were made to bear, while that stands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recharged: Vec<Movement>,
    /// How much of it was in the books already, as a capture or a bill told it before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Money>,
}

impl BookedMovement {
    /// A movement that moved nobody's share.
    pub fn of(told: DisputeMovement) -> BookedMovement {
        BookedMovement { told, charged: None, aside: None, recharged: vec![], before: None }
    }
}

impl Dispute {
    /// A dispute that is heard of for the first time. A word that is not known is read as somebody else's turn.
    pub fn opened(
        id: DisputeId,
        merchant: MerchantId,
        payment: PaymentId,
        (account, gateway): (GatewayAccountId, &str),
        report: &DisputeReport,
    ) -> Dispute {
        Dispute {
            id,
            merchant,
            payment,
            account,
            gateway: gateway.to_owned(),
            gateway_ref: report.gateway_ref.clone(),
            capture_ref: report.capture_ref.clone(),
            amount: report.amount,
            reason: report.reason.clone(),
            stage: report.stage.clone(),
            state: report.state.unwrap_or(DisputeState::UnderReview),
            word: report.word.clone(),
            deadline: report.deadline,
            money: DisputeMoney::default(),
            opened_at: report.opened_at,
            updated_at: report.updated_at,
            closed_at: None,
        }
    }

    /// The dispute as the gateway tells it now. An answer that is older than what is known says nothing about how it
    /// stands; the movements it lists are facts all the same.
    #[must_use]
    pub fn heard(&self, report: &DisputeReport, now: DateTime<Utc>) -> Dispute {
        let mut after = self.clone();
        if report.updated_at >= self.updated_at {
            after.amount = report.amount;
            after.reason.clone_from(&report.reason);
            after.stage.clone_from(&report.stage);
            after.state = report.state.unwrap_or(self.state);
            after.word.clone_from(&report.word);
            after.deadline = report.deadline.filter(|_| after.state.is_open());
            after.updated_at = report.updated_at;
        }
        after.closed_at = match (after.state.is_open(), self.closed_at) {
            (true, _) => None,
            (false, Some(at)) => Some(at),
            (false, None) => Some(now),
        };
        after
    }

    /// What a report tells that is not booked: movements come without ids, so equal ones are counted.
    pub fn unbooked(&self, report: &DisputeReport) -> Vec<DisputeMovement> {
        let mut known: Vec<&DisputeMovement> = self.money.booked.iter().map(|booked| &booked.told).collect();
        let fresh = report.movements.iter().filter(|told| match known.iter().position(|seen| seen == told) {
            Some(place) => {
                known.swap_remove(place);
                false
            }
            None => true,
        });
        fresh.cloned().collect()
    }

    /// Under which name its next movement is booked.
    pub fn next_fact(&self) -> String {
        self.fact(self.money.booked.len())
    }

    /// The names under which its movements are booked, in their order.
    pub fn facts(&self) -> impl Iterator<Item = String> {
        (0..self.money.booked.len()).map(|place| self.fact(place))
    }

    fn fact(&self, place: usize) -> String {
        format!("{}#{}", self.gateway_ref, place + 1)
    }

    /// What it took back from the parties and has not given back: counted like refunds.
    pub fn charged(&self) -> impl Iterator<Item = &Refund> {
        self.money.booked.iter().filter_map(|booked| booked.charged.as_ref())
    }

    /// How much was taken and not given back.
    ///
    /// # Errors
    /// [`MoneyError`]; none for what fits into a payment.
    pub fn taken(&self) -> Result<Money, MoneyError> {
        self.sum(MovementKind::Taken, MovementKind::Returned)
    }

    /// How much the gateway charged for it and kept, in the disputed currency.
    ///
    /// # Errors
    /// [`MoneyError`].
    pub fn fee(&self) -> Result<Money, MoneyError> {
        self.sum(MovementKind::Fee, MovementKind::FeeReturned)
    }

    fn sum(&self, plus: MovementKind, minus: MovementKind) -> Result<Money, MoneyError> {
        let currency = self.amount.currency();
        let of = |kind| {
            let told = self.money.booked.iter().map(|booked| &booked.told);
            let told = told.filter(move |told| told.kind == kind && told.amount.currency() == currency);
            Money::sum(currency, told.map(|told| told.amount))
        };
        of(plus)?.checked_sub(of(minus)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, from_micros};
    use crate::ids::IdSource;
    use crate::money::Currency;

    fn usd(minor: i64) -> Money {
        Money::from_minor(minor, Currency::find("USD").unwrap())
    }

    fn report(state: DisputeState, second: i64, movements: Vec<DisputeMovement>) -> DisputeReport {
        DisputeReport {
            gateway_ref: "PP-D-1".into(),
            capture_ref: "CAP".into(),
            request_ref: None,
            amount: usd(10_000),
            reason: "UNAUTHORISED".into(),
            stage: None,
            state: Some(state),
            word: "W".into(),
            deadline: Some(from_micros(9)),
            held: false,
            movements,
            answers: vec![],
            opened_at: from_micros(0),
            updated_at: from_micros(second * 1_000_000),
        }
    }

    fn moved(kind: MovementKind, minor: i64) -> DisputeMovement {
        DisputeMovement { kind, amount: usd(minor), at: from_micros(5) }
    }

    fn dispute(report: &DisputeReport) -> Dispute {
        let ids = IdSource::seeded(Clock::fixed(from_micros(1_795_000_000_000_000)), 3);
        Dispute::opened(ids.mint(), ids.mint(), ids.mint(), (ids.mint(), "paypal"), report)
    }

    #[test]
    fn the_newest_word_counts_and_an_appeal_opens_it_again() {
        use DisputeState as S;
        let now = from_micros(77);
        let first = dispute(&report(S::NeedsResponse, 10, vec![]));
        assert!(first.deadline.is_some() && first.closed_at.is_none());
        let lost = first.heard(&report(S::Lost, 20, vec![]), now);
        assert_eq!((lost.state, lost.deadline, lost.closed_at), (S::Lost, None, Some(now)));
        let late = lost.heard(&report(S::NeedsResponse, 15, vec![]), now);
        assert_eq!(late, lost, "older news is overtaken");
        let appealed = lost.heard(&report(S::UnderReview, 30, vec![]), now);
        assert_eq!((appealed.state, appealed.closed_at), (S::UnderReview, None));
        let unknown = DisputeReport { state: None, ..report(S::Won, 40, vec![]) };
        assert_eq!(appealed.heard(&unknown, now).state, S::UnderReview, "a new word is no verdict");
    }

    #[test]
    fn equal_movements_are_counted_not_confused() {
        use MovementKind as K;
        let mut dispute = dispute(&report(DisputeState::UnderReview, 1, vec![]));
        let told = report(
            DisputeState::Lost,
            2,
            vec![moved(K::Taken, 100), moved(K::Taken, 100), moved(K::Returned, 60), moved(K::Fee, 20)],
        );
        let fresh = dispute.unbooked(&told);
        assert_eq!(fresh.len(), 4);
        for told in fresh {
            dispute.money.booked.push(BookedMovement::of(told));
        }
        assert!(dispute.unbooked(&told).is_empty());
        assert_eq!((dispute.taken().unwrap(), dispute.fee().unwrap()), (usd(140), usd(20)));
        assert_eq!(dispute.next_fact(), "PP-D-1#5");
    }
}
