//! What is heard of one currency, and what becomes of each who said it.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

use super::{LooksLike, RateKind};

/// What one source says of one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The source.
    pub source: Arc<str>,
    /// Its place; 0 is the first, no two are the same.
    pub rank: usize,
    /// What its numbers claim to be.
    pub kind: RateKind,
    /// Whether it answers only where no other reference source has the currency.
    pub fills_gaps: bool,
    /// Units of the currency for one of the pivot; `None` where the published numbers give none (a zero, an overflow).
    pub value: Option<Decimal>,
    /// The market's time.
    pub as_of: DateTime<Utc>,
    /// Whether no newer numbers should be there.
    pub fresh: bool,
    /// Since when its numbers are the same, by our clock.
    pub unchanged_since: DateTime<Utc>,
    /// How often it renews them; none for a daily reference.
    pub interval: Option<TimeDelta>,
}

/// The rate accepted last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastGood {
    /// Units of the currency for one of the pivot.
    pub value: Decimal,
    /// The market's time.
    pub as_of: DateTime<Utc>,
}

/// A jump that was not believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Who said it.
    pub source: Arc<str>,
    /// Units of the currency for one of the pivot.
    pub value: Decimal,
    /// Its market time.
    pub as_of: DateTime<Utc>,
    /// When it was heard first.
    pub since: DateTime<Utc>,
}

/// What became of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// The accepted rate is its number.
    Used,
    /// It had a vote and is near enough.
    Agreed,
    /// Ranked below the one that answers.
    Outranked,
    /// Too far from the one that answers, and too few sources to say who is wrong; or a reference that running sources
    /// left behind: an alarm.
    Disagrees {
        /// Basis points allowed.
        limit_bps: u32,
    },
    /// Too far from the median of four or more, or from a reference that as many stand by.
    Outvoted {
        /// Basis points allowed.
        limit_bps: u32,
        /// What it looks like.
        looks_like: Option<LooksLike>,
    },
    /// Too far from the last accepted rate and not confirmed.
    HeldBack {
        /// Basis points allowed.
        limit_bps: u32,
        /// When it was heard first.
        since: DateTime<Utc>,
        /// What it looks like.
        looks_like: Option<LooksLike>,
    },
    /// Its numbers stand still while others move.
    Frozen {
        /// Since when.
        since: DateTime<Utc>,
    },
    /// Newer numbers should have been there.
    Stale,
    /// No rate: zero, or beyond the range.
    Refused,
}

/// What became of a source, and how far it is from the accepted rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Verdict {
    /// What became of it.
    pub standing: Standing,
    /// Basis points from the accepted rate, signed; at most ±`i32::MAX`.
    pub deviation_bps: Option<i32>,
}

/// Whose number is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Accepted {
    /// That of the observation at this place.
    Source(usize),
    /// Nobody's: the last accepted rate stands.
    LastKnownGood,
    /// There is no rate.
    Nothing,
}

/// The judgement of one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Whose number is accepted.
    pub accepted: Accepted,
    /// What became of each, in the order of the observations.
    pub verdicts: Vec<Verdict>,
}
