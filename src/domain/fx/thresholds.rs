//! How far sources may differ and how far a rate may move at once, by class of currency: `config/fx/thresholds.toml`, or the
//! operator's file.

use std::sync::{Arc, LazyLock};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use crate::money::Currency;

/// The limits of one class of currencies against the pivot.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairClass {
    /// `major`.
    pub name: String,
    currencies: Vec<Currency>,
    /// Median absolute deviations from the median …
    pub mad_multiple: u32,
    /// … and at least so many basis points: beyond both, outvoted; beyond this alone, where half stand together and fewer with
    /// the one.
    pub floor_bps: u32,
    /// Basis points between two sources that raise an alarm; within them one confirms the other.
    pub alarm_bps: u32,
    /// Basis points that two references of the same half day may be apart.
    pub reference_bps: u32,
    /// Basis points from the last accepted rate that hold a new one back.
    pub jump_bps: u32,
    /// Basis points beyond which only a second source confirms.
    pub absurd_bps: u32,
    /// Minutes that one source must repeat a jump.
    pub confirm_minutes: u32,
    /// Its own intervals that a source may stand still while others move.
    pub frozen_intervals: u32,
}

impl PairClass {
    /// Basis points that the rate may move in this time without being held back: with the square root of the days.
    pub fn jump_within(&self, time: TimeDelta) -> u32 {
        self.jump_bps.saturating_mul(root_of_days(time))
    }

    /// Basis points that two references may be apart which were drawn at these times: `reference_bps` within half a day, and
    /// on one day, for many a source tells its day and no hour; else twice as many, and more with the square root of the
    /// days.
    pub fn reference_within(&self, one: DateTime<Utc>, other: DateTime<Utc>) -> u32 {
        let time = (one - other).abs();
        let near = time <= TimeDelta::hours(12) || one.date_naive() == other.date_naive();
        let factor = if near { 1 } else { 2 * root_of_days(time) };
        self.reference_bps.saturating_mul(factor)
    }
}

/// Of whole days, one at least.
fn root_of_days(time: TimeDelta) -> u32 {
    u32::try_from(time.num_days().clamp(1, 10_000).isqrt()).unwrap_or(1)
}

/// Every class; the last one takes every currency that no other names.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// When the limits were drawn.
    pub checked: toml::value::Datetime,
    /// What they were drawn from.
    pub source: String,
    class: Vec<PairClass>,
}

/// Why thresholds cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the thresholds of rates: {0}")]
pub struct ThresholdsError(String);

static SHIPPED: LazyLock<Result<Arc<Thresholds>, ThresholdsError>> =
    LazyLock::new(|| Thresholds::read(include_str!("../../../config/fx/thresholds.toml")).map(Arc::new));

impl Thresholds {
    /// Those that are compiled in.
    ///
    /// # Errors
    /// [`ThresholdsError`]; a test excludes it.
    pub fn shipped() -> Result<Arc<Thresholds>, ThresholdsError> {
        SHIPPED.clone()
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`ThresholdsError`]: an unknown key, no class, a currency in two classes, a limit of zero, an absurd move
    /// below a jump.
    pub fn read(text: &str) -> Result<Thresholds, ThresholdsError> {
        let read: Thresholds =
            toml::from_str(text).map_err(|error| ThresholdsError(error.message().to_owned()))?;
        let Some((rest, named)) = read.class.split_last() else {
            return Err(ThresholdsError("no class".into()));
        };
        if !rest.currencies.is_empty() {
            return Err(ThresholdsError(format!(
                "the last class, `{}`, takes what is left and names nobody",
                rest.name
            )));
        }
        let mut all: Vec<Currency> =
            named.iter().flat_map(|class| class.currencies.iter().copied()).collect();
        all.sort();
        if let Some(twice) = all.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(ThresholdsError(format!("{} is in two classes", twice[0])));
        }
        let limits = |class: &PairClass| {
            [
                class.mad_multiple,
                class.floor_bps,
                class.alarm_bps,
                class.reference_bps,
                class.jump_bps,
                class.absurd_bps,
                class.frozen_intervals,
            ]
        };
        if let Some(class) = read.class.iter().find(|class| class.absurd_bps < class.jump_bps) {
            let why = "has an `absurd_bps` below its `jump_bps`: no source could confirm a jump";
            return Err(ThresholdsError(format!("`{}` {why}", class.name)));
        }
        match read.class.iter().find(|class| limits(class).contains(&0)) {
            Some(class) => Err(ThresholdsError(format!("`{}` has a limit of zero", class.name))),
            None => Ok(read),
        }
    }

    /// The class of a currency.
    pub fn of(&self, currency: Currency) -> Option<&PairClass> {
        self.class.iter().find(|class| class.currencies.contains(&currency)).or(self.class.last())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_reads_and_knows_every_currency() {
        let thresholds = Thresholds::shipped().unwrap();
        for (code, class) in
            [("USD", "major"), ("THB", "asian"), ("HKD", "pegged"), ("BRL", "exotic"), ("KHR", "exotic")]
        {
            assert_eq!(thresholds.of(Currency::find(code).unwrap()).unwrap().name, class, "{code}");
        }
    }

    #[test]
    fn refuses_what_cannot_be_meant() {
        let good = include_str!("../../../config/fx/thresholds.toml");
        for (from, to, why) in [
            ("alarm_bps = 300", "alarm = 300", "unknown field"),
            ("floor_bps = 50\n", "floor_bps = 0\n", "limit of zero"),
            ("\"DKK\", \"HKD\"", "\"SGD\", \"HKD\"", "SGD is in two classes"),
            ("currencies = []", "currencies = [\"BRL\"]", "names nobody"),
            ("checked = 2026-11-28", "", "missing field `checked`"),
        ] {
            let bad = good.replace(from, to);
            assert_ne!(bad, good, "{from}");
            let error = Thresholds::read(&bad).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
