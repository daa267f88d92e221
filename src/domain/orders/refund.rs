//! A refund: decided here, sent once under its own reference, settled by what the gateway says.
//!
//! It counts against the captured amount from the moment it is decided. A gateway whose balance is too small has not
//! refused: the refund waits for funds and is asked again. Only a definite no undoes what was decided.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{MerchantId, PaymentId, RefundId};
use crate::money::Money;

use super::report::{RefundReport, RefundStatus};

/// A refund of a payment's money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// Its id; as text it is also the reference sent to the gateway.
    pub id: RefundId,
    /// Whose book.
    pub merchant: MerchantId,
    /// Of which payment.
    pub payment: PaymentId,
    /// What is undone by it.
    pub kind: RefundKind,
    /// How much goes back to the shopper.
    pub amount: Money,
    /// Why.
    pub reason: String,
    /// The capture that goes back.
    pub capture_ref: String,
    /// The gateway's id, once known.
    pub refund_ref: Option<String>,
    /// How it stands.
    pub state: RefundState,
    /// What was decided, as computed: the answer's lines and the numbers later refunds build on (JSON).
    pub decided: String,
    /// When it was decided.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// What a refund undoes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundKind {
    /// Part of a settlement.
    Settlement,
    /// Money in suspense that nobody was entitled to.
    Suspense,
    /// A second payment of one order.
    Duplicate,
}

impl RefundKind {
    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            RefundKind::Settlement => "settlement",
            RefundKind::Suspense => "suspense",
            RefundKind::Duplicate => "duplicate",
        }
    }

    /// Reads the stored word.
    pub fn find(word: &str) -> Option<RefundKind> {
        [RefundKind::Settlement, RefundKind::Suspense, RefundKind::Duplicate]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// How a refund stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundState {
    /// Decided; sent, or about to be.
    Pending,
    /// The gateway's balance is too small; asked again later.
    AwaitingFunds,
    /// The shopper has the money.
    Succeeded,
    /// Refused for good.
    Failed {
        /// The gateway's code.
        code: String,
    },
}

/// What a report means for a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundTransition {
    /// It moves.
    Advance(RefundState),
    /// Nothing new.
    AlreadyThere,
    /// The gateway names another amount than was sent, or takes back what it confirmed.
    Conflict {
        /// What differs, in words.
        why: String,
    },
}

impl RefundState {
    /// The word of the API and the store.
    pub fn as_str(&self) -> &'static str {
        match self {
            RefundState::Pending => "pending",
            RefundState::AwaitingFunds => "awaiting_funds",
            RefundState::Succeeded => "succeeded",
            RefundState::Failed { .. } => "failed",
        }
    }

    /// Still to be settled by the gateway.
    pub fn is_open(&self) -> bool {
        matches!(self, RefundState::Pending | RefundState::AwaitingFunds)
    }
}

impl Refund {
    /// Whether it counts against what was captured: everything but a definite failure.
    pub fn counts(&self) -> bool {
        !matches!(self.state, RefundState::Failed { .. })
    }

    /// What a report means.
    pub fn apply(&self, report: &RefundReport) -> RefundTransition {
        if report.amount != self.amount {
            return RefundTransition::Conflict {
                why: format!("sent {}, the gateway says {}", self.amount, report.amount),
            };
        }
        let reported = match &report.status {
            RefundStatus::Pending => RefundState::Pending,
            RefundStatus::Succeeded => RefundState::Succeeded,
            RefundStatus::Failed { code } => RefundState::Failed { code: code.clone() },
            RefundStatus::AwaitingFunds => RefundState::AwaitingFunds,
            RefundStatus::Unknown { .. } => return RefundTransition::AlreadyThere,
        };
        match (&self.state, reported) {
            (now, next) if *now == next => RefundTransition::AlreadyThere,
            (now, next) if now.is_open() => RefundTransition::Advance(next),
            (RefundState::Succeeded, RefundState::Failed { code }) => RefundTransition::Conflict {
                why: format!("it had succeeded, the gateway now says failed: {code}"),
            },
            (RefundState::Failed { .. }, RefundState::Succeeded) => RefundTransition::Conflict {
                why: "it had failed, the gateway now says it was paid".to_owned(),
            },
            _ => RefundTransition::AlreadyThere,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, from_micros};
    use crate::ids::IdSource;
    use crate::money::Currency;

    fn refund(state: RefundState) -> Refund {
        let ids = IdSource::seeded(Clock::fixed(from_micros(1_795_000_000_000_000)), 3);
        Refund {
            id: ids.mint(),
            merchant: ids.mint(),
            payment: ids.mint(),
            kind: RefundKind::Settlement,
            amount: Money::from_minor(4_000, Currency::find("USD").unwrap()),
            reason: String::new(),
            capture_ref: "CAP".into(),
            refund_ref: None,
            state,
            decided: String::new(),
            created_at: from_micros(0),
            updated_at: from_micros(0),
        }
    }

    fn report(minor: i64, status: RefundStatus) -> RefundReport {
        RefundReport {
            refund_ref: "R-1".into(),
            request_ref: None,
            amount: Money::from_minor(minor, Currency::find("USD").unwrap()),
            fee_returned: None,
            exchanged: None,
            status,
            at: from_micros(9),
        }
    }

    #[test]
    fn a_refund_moves_once_and_says_when_news_contradict() {
        let failed = || RefundState::Failed { code: "X".into() };
        let says_failed = || RefundStatus::Failed { code: "X".into() };
        let table = [
            (RefundState::Pending, RefundStatus::Succeeded, "advance"),
            (RefundState::Pending, RefundStatus::AwaitingFunds, "advance"),
            (RefundState::AwaitingFunds, RefundStatus::Pending, "advance"),
            (RefundState::AwaitingFunds, RefundStatus::Succeeded, "advance"),
            (RefundState::Pending, says_failed(), "advance"),
            (RefundState::Pending, RefundStatus::Pending, "there"),
            (RefundState::Pending, RefundStatus::Unknown { raw: "?".into() }, "there"),
            (RefundState::Succeeded, RefundStatus::Pending, "there"),
            (RefundState::Succeeded, says_failed(), "conflict"),
            (failed(), RefundStatus::Succeeded, "conflict"),
            (failed(), says_failed(), "there"),
        ];
        for (state, status, expected) in table {
            let word = match refund(state.clone()).apply(&report(4_000, status.clone())) {
                RefundTransition::Advance(_) => "advance",
                RefundTransition::AlreadyThere => "there",
                RefundTransition::Conflict { .. } => "conflict",
            };
            assert_eq!(word, expected, "{state:?} + {status:?}");
        }
    }

    #[test]
    fn another_amount_is_never_ours() {
        assert!(matches!(
            refund(RefundState::Pending).apply(&report(3_999, RefundStatus::Succeeded)),
            RefundTransition::Conflict { .. }
        ));
    }
}
