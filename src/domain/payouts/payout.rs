//! One payout and its states: `held → sent → paid | unclaimed | failed | returned`, `unknown` until somebody knows.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::ledger::journal::PayoutBooking;
use crate::ids::{MerchantId, PayoutBatchId, PayoutId, PlanId, RailAccountId, SupplierAccountId, SupplierId};
use crate::money::Money;

use super::report::{PayoutReport, PayoutStatus};

/// A payout, as it was approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payout {
    /// Its id; as text the rail's key of it (PayPal `sender_item_id`, ISO 20022 `EndToEndId`).
    pub id: PayoutId,
    /// Whose book.
    pub merchant: MerchantId,
    /// The plan it was approved in.
    pub plan: PlanId,
    /// The call it goes out with.
    pub batch: PayoutBatchId,
    /// Who is paid.
    pub supplier: SupplierId,
    /// To which account.
    pub account: SupplierAccountId,
    /// Over which rail account.
    pub rail_account: RailAccountId,
    /// The ledger accounts it moves between.
    pub booking: PayoutBooking,
    /// What is to reach the payee.
    pub amount: Money,
    /// The fee inside the supplier's balance; zero where the platform bears it.
    pub borne: Money,
    /// ISO 20022 purpose or the rail's own code, where the corridor wants one.
    pub purpose: Option<String>,
    /// The rail's id, once known.
    pub rail_ref: Option<String>,
    /// How it stands.
    pub state: PayoutState,
    /// What the rail charged so far.
    pub charged: Option<Money>,
    /// When it was instructed.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// Who bears the rail's fee; ISO 20022 `DEBT`, `CRED`, `SHAR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeeBearer {
    /// The platform: the payee gets the whole.
    Platform,
    /// The supplier: the fee is inside its balance.
    Supplier,
    /// Each its own bank's.
    Shared,
}

/// How a payout stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum PayoutState {
    /// Instructed and its money set aside; not sent.
    Held,
    /// The rail has it.
    Sent,
    /// Sent, and nobody knows what came of it.
    Unknown,
    /// The payee has it.
    Paid {
        /// What was debited.
        debited: Money,
        /// When.
        at: DateTime<Utc>,
    },
    /// Debited; the payee has not taken it.
    Unclaimed {
        /// What was debited.
        debited: Money,
        /// When.
        at: DateTime<Utc>,
    },
    /// Refused before any debit: the supplier has its balance back.
    Failed {
        /// The rail's code.
        code: String,
        /// Its words.
        reason: String,
    },
    /// It came back: the supplier has what is said here.
    Returned {
        /// What arrived.
        arrived: Money,
        /// When.
        at: DateTime<Utc>,
        /// The rail's words.
        reason: String,
    },
}

/// What a report means for a payout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PayoutTransition {
    /// It moves through these states, in order; each has its postings.
    Advance(Vec<PayoutState>),
    /// Nothing new.
    AlreadyThere,
    /// The rail says what cannot be: a person decides.
    Conflict {
        /// What differs, in words.
        why: String,
    },
}

impl PayoutState {
    /// The word of the API and the store.
    pub fn as_str(&self) -> &'static str {
        match self {
            PayoutState::Held => "held",
            PayoutState::Sent => "sent",
            PayoutState::Unknown => "unknown",
            PayoutState::Paid { .. } => "paid",
            PayoutState::Unclaimed { .. } => "unclaimed",
            PayoutState::Failed { .. } => "failed",
            PayoutState::Returned { .. } => "returned",
        }
    }

    /// Whether the rail still has something to say that moves money.
    pub fn is_open(&self) -> bool {
        matches!(
            self,
            PayoutState::Held | PayoutState::Sent | PayoutState::Unknown | PayoutState::Unclaimed { .. }
        )
    }

    /// Whether its money has not left, as far as is known.
    pub fn not_debited(&self) -> bool {
        matches!(self, PayoutState::Held | PayoutState::Sent | PayoutState::Unknown)
    }
}

impl Payout {
    /// What a report means.
    pub fn apply(&self, report: &PayoutReport) -> PayoutTransition {
        use PayoutState as S;
        let at = report.at;
        let conflict = |why: String| PayoutTransition::Conflict { why };
        let advance = |state: PayoutState| PayoutTransition::Advance(vec![state]);
        let contradicts = |says: &str| {
            conflict(format!("it is `{}` here and the rail now says {says}", self.state.as_str()))
        };
        if let Some(why) = self.strange(&report.status) {
            return conflict(why);
        }
        match (&self.state, &report.status) {
            (_, PayoutStatus::Unknown { .. }) => PayoutTransition::AlreadyThere,
            (S::Held | S::Unknown, PayoutStatus::Pending) => advance(S::Sent),
            (_, PayoutStatus::Pending) => PayoutTransition::AlreadyThere,
            (state, PayoutStatus::Paid { debited }) => match state {
                S::Paid { .. } => PayoutTransition::AlreadyThere,
                S::Failed { .. } | S::Returned { .. } => contradicts("paid"),
                _ => advance(S::Paid { debited: *debited, at }),
            },
            (state, PayoutStatus::Unclaimed { debited }) => match state {
                state if state.not_debited() => advance(S::Unclaimed { debited: *debited, at }),
                S::Failed { .. } => contradicts("unclaimed"),
                _ => PayoutTransition::AlreadyThere,
            },
            (state, PayoutStatus::Failed { code, reason }) => match state {
                state if state.not_debited() => {
                    advance(S::Failed { code: code.clone(), reason: reason.clone() })
                }
                S::Failed { .. } => PayoutTransition::AlreadyThere,
                _ => contradicts(&format!("failed: {code}")),
            },
            (state, PayoutStatus::Returned { debited, arrived, reason }) => {
                let returned = S::Returned { arrived: *arrived, at, reason: reason.clone() };
                match state {
                    S::Paid { .. } | S::Unclaimed { .. } => advance(returned),
                    // The debit was never told: it happened before the return.
                    state if state.not_debited() => {
                        PayoutTransition::Advance(vec![S::Paid { debited: *debited, at }, returned])
                    }
                    S::Returned { .. } => PayoutTransition::AlreadyThere,
                    _ => contradicts("returned"),
                }
            }
        }
    }

    /// Amounts that cannot be this payout's.
    fn strange(&self, status: &PayoutStatus) -> Option<String> {
        let debited = match status {
            PayoutStatus::Paid { debited } | PayoutStatus::Unclaimed { debited } => debited,
            PayoutStatus::Returned { debited, arrived, .. } => {
                if !arrived.is_positive() {
                    return Some(format!("{arrived} is said to have come back"));
                }
                debited
            }
            _ => return None,
        };
        let other = debited.currency() == self.amount.currency() && *debited != self.amount;
        other.then(|| format!("{} was instructed and {debited} debited", self.amount))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::clock::{Clock, from_micros};
    use crate::domain::ledger::{Account, AccountCode, Owner};
    use crate::ids::IdSource;
    use crate::money::Currency;

    pub fn usd(minor: i64) -> Money {
        Money::from_minor(minor, Currency::find("USD").unwrap())
    }

    pub fn payout(state: PayoutState) -> Payout {
        let ids = IdSource::seeded(Clock::fixed(from_micros(1_795_000_000_000_000)), 7);
        let cash = Account::new(AccountCode::GATEWAY_BALANCE, Owner::of("paypal"));
        let supplier = ids.mint();
        Payout {
            id: ids.mint(),
            merchant: ids.mint(),
            plan: ids.mint(),
            batch: ids.mint(),
            supplier,
            account: ids.mint(),
            rail_account: ids.mint(),
            booking: PayoutBooking { supplier, rail: "paypal".into(), fees: cash.clone(), cash },
            amount: usd(50_000),
            borne: usd(0),
            purpose: None,
            rail_ref: None,
            state,
            charged: None,
            created_at: from_micros(0),
            updated_at: from_micros(0),
        }
    }

    pub fn report(status: PayoutStatus) -> PayoutReport {
        PayoutReport {
            payout: payout(PayoutState::Held).id,
            rail_ref: None,
            status,
            fee: None,
            at: from_micros(5),
        }
    }

    #[test]
    fn a_payout_moves_one_way_and_says_when_news_contradict() {
        let debited = usd(50_000);
        let at = from_micros(5);
        let paid = || PayoutState::Paid { debited, at };
        let unclaimed = || PayoutState::Unclaimed { debited, at };
        let failed = || PayoutState::Failed { code: "X".into(), reason: String::new() };
        let back = || PayoutState::Returned { arrived: usd(48_750), at, reason: String::new() };
        let says_paid = || PayoutStatus::Paid { debited };
        let says_failed = || PayoutStatus::Failed { code: "X".into(), reason: String::new() };
        let says_back = || PayoutStatus::Returned { debited, arrived: usd(48_750), reason: String::new() };
        let table: Vec<(PayoutState, PayoutStatus, &str)> = vec![
            (PayoutState::Held, PayoutStatus::Pending, "sent"),
            (PayoutState::Unknown, PayoutStatus::Pending, "sent"),
            (PayoutState::Sent, PayoutStatus::Pending, "there"),
            (PayoutState::Sent, PayoutStatus::Unknown { raw: "?".into() }, "there"),
            (PayoutState::Held, says_paid(), "paid"),
            (PayoutState::Unknown, says_failed(), "failed"),
            (PayoutState::Sent, PayoutStatus::Unclaimed { debited }, "unclaimed"),
            (unclaimed(), says_paid(), "paid"),
            (unclaimed(), says_back(), "returned"),
            (PayoutState::Sent, says_back(), "paid returned"),
            (paid(), says_back(), "returned"),
            (paid(), says_failed(), "conflict"),
            (paid(), PayoutStatus::Unclaimed { debited }, "there"),
            (failed(), says_paid(), "conflict"),
            (failed(), says_failed(), "there"),
            (back(), says_paid(), "conflict"),
            (back(), says_back(), "there"),
            (PayoutState::Sent, PayoutStatus::Paid { debited: usd(49_999) }, "conflict"),
        ];
        for (state, status, expected) in table {
            let seen = match payout(state.clone()).apply(&report(status.clone())) {
                PayoutTransition::Advance(states) => {
                    states.iter().map(PayoutState::as_str).collect::<Vec<_>>().join(" ")
                }
                PayoutTransition::AlreadyThere => "there".to_owned(),
                PayoutTransition::Conflict { .. } => "conflict".to_owned(),
            };
            assert_eq!(seen, expected, "{state:?} + {status:?}");
        }
    }
}
