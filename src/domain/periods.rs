//! Closed periods: what was looked at before, and what may no longer change.
//!
//! Nothing can be booked into a closed period: a transaction's booking time is the moment it is written. What closing
//! adds is a promise about the other date. Manual journals are no longer dated into it, its statements are issued, and
//! whatever is heard later stands in the open period with its own value date.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{MerchantId, PeriodId, UserId};
use crate::money::{Currency, Money};

/// A period that is, or is to be, closed: everything booked up to a date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeriodClose {
    /// Its id.
    pub id: PeriodId,
    /// Whose books.
    pub merchant: MerchantId,
    /// Its last booking date, in the merchant's zone.
    pub until: NaiveDate,
    /// That zone.
    pub zone: chrono_tz::Tz,
    /// The instant at which it is over.
    pub ends_before: DateTime<Utc>,
    /// How far the decision is.
    pub state: CloseState,
    /// What was looked at.
    pub checks: Vec<CloseCheck>,
    /// Who proposed it.
    pub proposed_by: UserId,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// How far the decision is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CloseState {
    /// It waits for another user.
    Proposed,
    /// Closed for good.
    Closed {
        /// Who confirmed it.
        by: UserId,
        /// When.
        at: DateTime<Utc>,
        /// The last transaction booked in it.
        last_number: i64,
        /// Where the hash chain stood.
        ledger_head: String,
        /// How many statements were issued with it.
        statements: i64,
    },
}

impl CloseState {
    /// The word of the API and the store.
    pub fn as_str(&self) -> &'static str {
        match self {
            CloseState::Proposed => "proposed",
            CloseState::Closed { .. } => "closed",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CloseCheck {
    /// Its name: `unexplained`, `in_transit`, `findings`, `bank_statements`, `gateway_balance`, `gateway_balance_age`,
    /// `client_money`, `verify`.
    pub name: String,
    /// Of which currency, where it is about one.
    #[schema(required)]
    pub currency: Option<Currency>,
    /// Whether it is within its limit.
    pub ok: bool,
    /// Whether the period can be closed without it.
    pub blocks: bool,
    /// The money it found.
    #[schema(required)]
    pub amount: Option<Money>,
    /// What was found, and the limit.
    pub detail: String,
}

/// How much may be unexplained when a period is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CloseLimits {
    /// Minor units in suspense, in each currency.
    pub unexplained_minor: i64,
    /// Days that money may be on its way.
    pub transit_days: i64,
    /// Findings about money that may be open.
    pub open_findings: i64,
}
