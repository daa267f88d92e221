//! A rate of the market, with everything an auditor asks about it.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::RateSetId;
use crate::money::{Currency, Rate};

/// What a number claims to be.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RateKind {
    /// Published once a day for information; nobody deals at it.
    Reference,
    /// Between what dealers bid and ask, now.
    Mid,
}

/// One pair at one moment. A direct pair has the source's own digits; a cross was divided once, at use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarketRate {
    /// The rate.
    pub rate: Rate,
    /// The weakest claim among its legs: reference when any leg is.
    pub kind: RateKind,
    /// From base to quote, by way of the pivot and of pegs' anchors: `USD EUR SGD BND`.
    pub path: Vec<Currency>,
    /// Whose numbers they are, in the order of the path; none within one currency.
    pub providers: Vec<String>,
    /// When the older leg was true in the market.
    pub as_of: DateTime<Utc>,
    /// When the leg read longest ago was read.
    pub fetched_at: DateTime<Utc>,
    /// The moment asked about: now, or the end of a past day.
    pub at: DateTime<Utc>,
    /// Whether newer numbers should have been there at that moment.
    pub stale: bool,
    /// SHA-256 of each provider's answer, in the order of `providers`: `sha256:…`.
    pub evidence: Vec<String>,
    /// The snapshot it was taken from.
    pub snapshot: RateSetId,
}

impl MarketRate {
    /// How old the older leg was at the moment asked about.
    pub fn age(&self) -> TimeDelta {
        (self.at - self.as_of).max(TimeDelta::zero())
    }
}
