//! How the rate sources are doing, as `/v1/rates/sources` answers it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::Pricing;
use crate::domain::fx::RateKind;
use crate::domain::fx::consensus::{LooksLike, Standing};
use crate::money::Currency;
use crate::rates::{Breaker, Outvoted, RateBook, SourceReport, word};

/// Every source, by rank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SourcesAnswer {
    /// `list`.
    #[schema(example = "list")]
    pub object: &'static str,
    /// The currency that every number is compared against.
    #[schema(value_type = String, example = "EUR")]
    pub pivot: Currency,
    /// The sources, first ranked first.
    pub data: Vec<SourceAnswer>,
}

/// One source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SourceAnswer {
    /// Its name in the settings.
    #[schema(example = "ecb")]
    pub name: String,
    /// Its place; 1 is the first.
    pub rank: usize,
    /// Whether it is asked over the network; else it is compiled in.
    pub live: bool,
    /// `reference` or `mid`; none before its first answer.
    #[schema(value_type = Option<String>, example = "reference")]
    pub kind: Option<RateKind>,
    /// The market time of its newest numbers.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub as_of: Option<DateTime<Utc>>,
    /// When they were read.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub fetched_at: Option<DateTime<Utc>>,
    /// Seconds from `as_of` to now.
    pub age_s: Option<i64>,
    /// Whether newer numbers should be there.
    pub stale: bool,
    /// SHA-256 of the answer they came in.
    #[schema(example = "sha256:…")]
    pub evidence: Option<String>,
    /// Whether it may be asked; none for what is compiled in.
    pub breaker: Option<BreakerAnswer>,
    /// When it was asked last.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_asked: Option<DateTime<Utc>>,
    /// When it answered last.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_success: Option<DateTime<Utc>>,
    /// What went wrong last, whether or not it answered since.
    pub last_error: Option<LastError>,
    /// When it is asked next.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_ask: Option<DateTime<Utc>>,
    /// What it announces beside its rates.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
    /// Currencies it has.
    pub currencies: usize,
    /// Currencies whose accepted rate is its number.
    pub used: usize,
    /// Numbers of it that are not believed, and why.
    pub not_believed: Vec<NotBelieved>,
}

/// A circuit breaker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BreakerAnswer {
    /// `closed`: asked at its pace; `open`: left alone until `until`; `half_open`: being tried once.
    #[schema(example = "closed")]
    pub state: &'static str,
    /// Failures in a row.
    pub failures: u32,
    /// Since when it is not closed.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<DateTime<Utc>>,
    /// When it is tried again.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<DateTime<Utc>>,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LastError {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: DateTime<Utc>,
    /// In words.
    #[schema(example = "ecb cannot be reached: connection refused")]
    pub message: String,
}

/// A number that is not believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NotBelieved {
    /// The currency.
    #[schema(value_type = String, example = "SGD")]
    pub currency: Currency,
    /// `outvoted`: too far from the median of four or more, or from a fresh reference that at least as many stand by;
    /// `disagrees`: too far from the one that answers, among too few to say who is wrong, or a reference that running
    /// sources left behind; `held_back`: too far from the last accepted rate and not confirmed; `frozen`: standing
    /// still while others move; `refused`: no number above zero.
    #[schema(example = "outvoted")]
    pub what: &'static str,
    /// Its number: units for one of the pivot.
    #[schema(example = "142.82")]
    pub value: Option<String>,
    /// Basis points from the accepted rate.
    pub deviation_bps: Option<i32>,
    /// Basis points that would have been allowed.
    pub limit_bps: Option<u32>,
    /// `inverted` or `unit_error`, where it looks like one.
    #[schema(value_type = Option<String>, example = "unit_error")]
    pub looks_like: Option<LooksLike>,
    /// Since when it is held back or stands still.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<DateTime<Utc>>,
}

impl SourceAnswer {
    fn of(report: SourceReport, now: DateTime<Utc>) -> SourceAnswer {
        SourceAnswer {
            name: report.provider,
            rank: report.rank,
            live: report.live,
            kind: report.kind,
            as_of: report.as_of,
            fetched_at: report.fetched_at,
            age_s: report.as_of.map(|as_of| (now - as_of).num_seconds()),
            stale: report.stale,
            evidence: report.evidence,
            breaker: report.breaker.map(BreakerAnswer::from),
            last_asked: report.last_asked,
            last_success: report.last_answer,
            last_error: report.last_error.map(|(at, message)| LastError { at, message }),
            next_ask: report.next_ask,
            notices: report.notices,
            currencies: report.offers,
            used: report.used,
            not_believed: report.outvoted.into_iter().map(NotBelieved::from).collect(),
        }
    }
}

impl From<Breaker> for BreakerAnswer {
    fn from(breaker: Breaker) -> BreakerAnswer {
        let (state, since, until) = match breaker {
            Breaker::Closed { .. } => ("closed", None, None),
            Breaker::Open { since, until, .. } => ("open", Some(since), Some(until)),
            Breaker::HalfOpen { since, .. } => ("half_open", Some(since), None),
        };
        BreakerAnswer { state, failures: breaker.failures(), since, until }
    }
}

impl From<Outvoted> for NotBelieved {
    fn from(outvoted: Outvoted) -> NotBelieved {
        let standing = outvoted.verdict.standing;
        let (limit_bps, looks_like, since) = match standing {
            Standing::Disagrees { limit_bps } => (Some(limit_bps), None, None),
            Standing::Outvoted { limit_bps, looks_like } => (Some(limit_bps), looks_like, None),
            Standing::HeldBack { limit_bps, since, looks_like } => (Some(limit_bps), looks_like, Some(since)),
            Standing::Frozen { since } => (None, None, Some(since)),
            _ => (None, None, None),
        };
        NotBelieved {
            currency: outvoted.currency,
            what: word(standing),
            value: outvoted.value.map(|value| value.to_string()),
            deviation_bps: outvoted.verdict.deviation_bps,
            limit_bps,
            looks_like,
            since,
        }
    }
}

impl SourcesAnswer {
    /// How every source of a book is doing.
    pub fn of(rates: &RateBook, now: DateTime<Utc>) -> SourcesAnswer {
        let data = rates.report().into_iter().map(|report| SourceAnswer::of(report, now)).collect();
        SourcesAnswer { object: "list", pivot: Currency::known("EUR"), data }
    }
}

impl Pricing {
    /// How every source is doing.
    pub fn list_sources(&self) -> SourcesAnswer {
        SourcesAnswer::of(&self.rates, self.clock.now())
    }
}
