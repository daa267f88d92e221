//! What a rail says about one payout, in our words.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::PayoutId;
use crate::money::Money;

/// What a rail said about one payout at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayoutReport {
    /// Our payout.
    pub payout: PayoutId,
    /// The rail's id of it, where it gives one.
    pub rail_ref: Option<String>,
    /// How it stands there.
    pub status: PayoutStatus,
    /// The amount that the rail says it was asked to pay, where it says one.
    pub stated: Option<Money>,
    /// What the rail charged for it so far; below zero where it gave a charge back; `None`: it does not say.
    pub fee: Option<Money>,
    /// When the rail says it happened, else when it said so.
    pub at: DateTime<Utc>,
}

/// How a payout stands at the rail. `debited` is what left the paying account, in its currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PayoutStatus {
    /// Taken on; no money has moved. A bank's acceptance (pain.002 `ACCP`, `ACSC` without a booked entry) is this.
    Pending,
    /// The payee has it.
    Paid {
        /// What was debited.
        debited: Money,
    },
    /// Debited; the payee has not taken it yet.
    Unclaimed {
        /// What was debited.
        debited: Money,
    },
    /// A definite no before any debit.
    Failed {
        /// The rail's code.
        code: String,
        /// Its words.
        reason: String,
    },
    /// It had been debited and came back.
    Returned {
        /// What was debited before, where the rail says so.
        debited: Money,
        /// What arrived, after the fees of those on the way.
        arrived: Money,
        /// The rail's words.
        reason: String,
    },
    /// A word that the adapter's table does not have: nothing is concluded from it.
    Unknown {
        /// The word.
        raw: String,
    },
}

/// Whose fault a return is, and so who bears what is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReturnFault {
    /// The supplier gave a wrong account or did not take it: it gets back what arrived.
    Supplier,
    /// The platform erred: it makes up the difference.
    Platform,
}
