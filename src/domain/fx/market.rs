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

/// Where a rate comes from, as it is kept for the audit trail with whatever was promised from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    kind: RateKind,
    path: Vec<Currency>,
    providers: Vec<String>,
    as_of: DateTime<Utc>,
    fetched_at: DateTime<Utc>,
    stale: bool,
    evidence: Vec<String>,
    snapshot: RateSetId,
}

impl Provenance {
    /// Of a rate.
    pub fn of(market: &MarketRate) -> Provenance {
        Provenance {
            kind: market.kind,
            path: market.path.clone(),
            providers: market.providers.clone(),
            as_of: market.as_of,
            fetched_at: market.fetched_at,
            stale: market.stale,
            evidence: market.evidence.clone(),
            snapshot: market.snapshot,
        }
    }

    /// The rate that was taken at `at`.
    pub fn market(self, rate: Rate, at: DateTime<Utc>) -> MarketRate {
        let Provenance { kind, path, providers, as_of, fetched_at, stale, evidence, snapshot } = self;
        MarketRate { rate, kind, path, providers, as_of, fetched_at, at, stale, evidence, snapshot }
    }
}

impl MarketRate {
    /// How old the older leg was at the moment asked about.
    pub fn age(&self) -> TimeDelta {
        (self.at - self.as_of).max(TimeDelta::zero())
    }
}
