//! One payout and its states: `held → sent → paid | unclaimed | failed | returned`, `unknown` until somebody knows.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::ledger::journal::PayoutBooking;
use crate::ids::{MerchantId, PayoutBatchId, PayoutId, PlanId, RailAccountId, SupplierAccountId, SupplierId};
use crate::money::Money;

use super::fault::FaultFound;

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
    /// By whose fault it came back short, where users have said so.
    pub fault: Option<FaultFound>,
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
        /// What the payee got, where that is not what was instructed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reached: Option<Money>,
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

    /// What left the paying account, where it is still away; of what came back the books know it.
    pub fn debited(&self) -> Option<Money> {
        match self {
            PayoutState::Paid { debited, .. } | PayoutState::Unclaimed { debited, .. } => Some(*debited),
            _ => None,
        }
    }

    /// Whether its money has not left, as far as is known.
    pub fn not_debited(&self) -> bool {
        matches!(self, PayoutState::Held | PayoutState::Sent | PayoutState::Unknown)
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
            fault: None,
            created_at: from_micros(0),
            updated_at: from_micros(0),
        }
    }
}
