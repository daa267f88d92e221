//! What the business may change about buffers: `[fx.volatility]`, `[fx.coverage]`, `[fx.weekend]`, `[fx.buffer_bps]`.

use std::fmt;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Deserializer};

use super::{Lock, RateKind};
use crate::money::BasisPoints;

/// Everything a buffer is priced by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BufferPolicy {
    /// How volatility is measured and bounded.
    pub volatility: VolatilitySettings,
    /// Which share of promises is to be covered.
    pub coverage: Coverage,
    /// The closed market.
    pub weekend: Weekend,
    /// Without history.
    pub defaults: LockBuffers,
}

/// How volatility is measured and bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VolatilitySettings {
    /// λ: what a day's variance is worth a day later.
    pub decay: Decay,
    /// Fewer moves than this are too little history; so many seed the mean.
    pub minimum_moves: u16,
    /// Moves older than so many do not count.
    pub history_moves: u16,
    /// Minutes from the shopper's payment to our own deal.
    pub settlement_lag_min: u16,
    /// The least a promise costs.
    pub floor_bps: u16,
    /// The most it costs, the weekend apart.
    pub cap_bps: u16,
    /// What happens where it would cost more.
    pub at_cap: AtCap,
}

impl Default for VolatilitySettings {
    fn default() -> VolatilitySettings {
        VolatilitySettings {
            decay: Decay(9_700),
            minimum_moves: 20,
            history_moves: 250,
            settlement_lag_min: 15,
            floor_bps: 3,
            cap_bps: 1_000,
            at_cap: AtCap::Hold,
        }
    }
}

/// A promise that would cost more than the cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AtCap {
    /// Is made at the cap, and says so.
    Hold,
    /// Is not made: 422 `lock_too_long`.
    Refuse,
}

/// Above 0 and below 1, to four decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decay(u32);

impl Decay {
    /// In ten-thousandths.
    pub fn ten_thousandths(self) -> u32 {
        self.0
    }
}

/// How many σ: above 0, at most 100, to three decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Factor(u32);

impl Factor {
    /// In thousandths.
    pub fn thousandths(self) -> u32 {
        self.0
    }

    /// As a decimal without idle zeros.
    pub fn value(self) -> Decimal {
        Decimal::new(i64::from(self.0), 3).normalize()
    }
}

/// Not one of our decimals.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a decimal above 0, {} {most}, with at most {digits} decimals", if *inclusive { "at most" } else { "below" })]
pub struct DecimalError {
    text: String,
    most: u32,
    inclusive: bool,
    digits: u32,
}

impl std::str::FromStr for Decay {
    type Err = DecimalError;
    fn from_str(text: &str) -> Result<Decay, DecimalError> {
        let refuse = || DecimalError { text: text.to_owned(), most: 1, inclusive: false, digits: 4 };
        let units = scaled(text, 4).filter(|units| (1..10_000).contains(units)).ok_or_else(refuse)?;
        Ok(Decay(units))
    }
}

impl std::str::FromStr for Factor {
    type Err = DecimalError;
    fn from_str(text: &str) -> Result<Factor, DecimalError> {
        let refuse = || DecimalError { text: text.to_owned(), most: 100, inclusive: true, digits: 3 };
        let units = scaled(text, 3).filter(|units| (1..=100_000).contains(units)).ok_or_else(refuse)?;
        Ok(Factor(units))
    }
}

/// A decimal as a whole number of 10^-digits.
fn scaled(text: &str, digits: u32) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let value: Decimal = text.parse().ok().filter(|_| plain)?;
    let units = value.checked_mul(Decimal::from(10_u32.pow(digits)))?;
    units.is_integer().then(|| units.to_u32()).flatten()
}

/// Which share of promises the buffer is to cover, by lock, and how many σ that takes. k is data: the figures behind the
/// defaults are in ARCHITECTURE.md, and `straits fx backtest` recomputes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Coverage {
    /// Five minutes.
    #[serde(rename = "5m")]
    pub five_minutes: Target,
    /// Thirty minutes.
    #[serde(rename = "30m")]
    pub thirty_minutes: Target,
    /// One hour.
    #[serde(rename = "1h")]
    pub one_hour: Target,
    /// One day.
    #[serde(rename = "24h")]
    pub one_day: Target,
    /// σ for 90 percent.
    pub k_90: Factor,
    /// σ for 95 percent.
    pub k_95: Factor,
    /// σ for 99 percent.
    pub k_99: Factor,
}

/// A share that there is a k for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// 90 percent.
    Ninety,
    /// 95 percent.
    NinetyFive,
    /// 99 percent.
    NinetyNine,
}

impl Target {
    /// As a whole number of percent.
    pub fn percent(self) -> u8 {
        match self {
            Target::Ninety => 90,
            Target::NinetyFive => 95,
            Target::NinetyNine => 99,
        }
    }
}

impl Coverage {
    /// The share a lock is to cover.
    pub fn target(&self, lock: Lock) -> Target {
        match lock {
            Lock::FiveMinutes => self.five_minutes,
            Lock::ThirtyMinutes => self.thirty_minutes,
            Lock::OneHour => self.one_hour,
            Lock::OneDay => self.one_day,
        }
    }

    /// The σ it takes.
    pub fn k(&self, target: Target) -> Factor {
        match target {
            Target::Ninety => self.k_90,
            Target::NinetyFive => self.k_95,
            Target::NinetyNine => self.k_99,
        }
    }
}

impl Default for Coverage {
    fn default() -> Coverage {
        let target = Target::NinetyFive;
        Coverage {
            five_minutes: target,
            thirty_minutes: target,
            one_hour: target,
            one_day: target,
            k_90: Factor(1_650),
            k_95: Factor(2_200),
            k_99: Factor(3_500),
        }
    }
}

/// The closed market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Weekend {
    /// On top of a promise that meets the closed time.
    pub bps: u16,
    /// Which shown prices carry it too while the market is closed.
    pub in_prices: WeekendPrices,
}

impl Default for Weekend {
    fn default() -> Weekend {
        Weekend { bps: 25, in_prices: WeekendPrices::Live }
    }
}

/// Which shown prices carry the weekend premium. By default those at running rates: a reference rate is the same number
/// on Friday evening and on Sunday, and a price made of it would jump by the clock alone. Quotes always carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeekendPrices {
    /// All.
    Always,
    /// Those at running rates.
    Live,
    /// None.
    Never,
}

impl Weekend {
    /// The premium of a shown price at a rate of this kind, while the market is closed.
    pub fn in_prices_at(&self, kind: RateKind) -> BasisPoints {
        let due = match self.in_prices {
            WeekendPrices::Always => true,
            WeekendPrices::Live => kind == RateKind::Mid,
            WeekendPrices::Never => false,
        };
        BasisPoints(if due { i32::from(self.bps) } else { 0 })
    }
}

/// The buffer of each lock where a pair has too little history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LockBuffers {
    /// Five minutes.
    #[serde(rename = "5m")]
    pub five_minutes: u16,
    /// Thirty minutes.
    #[serde(rename = "30m")]
    pub thirty_minutes: u16,
    /// One hour.
    #[serde(rename = "1h")]
    pub one_hour: u16,
    /// One day.
    #[serde(rename = "24h")]
    pub one_day: u16,
}

/// The 95th percentile of one day's move of Asian currencies against the dollar is 40 to 110 basis points (ECB, three
/// years); shorter locks by the square root of time.
impl Default for LockBuffers {
    fn default() -> LockBuffers {
        LockBuffers { five_minutes: 5, thirty_minutes: 15, one_hour: 20, one_day: 100 }
    }
}

impl LockBuffers {
    /// Of a lock.
    pub fn of(&self, lock: Lock) -> BasisPoints {
        BasisPoints(i32::from(match lock {
            Lock::FiveMinutes => self.five_minutes,
            Lock::ThirtyMinutes => self.thirty_minutes,
            Lock::OneHour => self.one_hour,
            Lock::OneDay => self.one_day,
        }))
    }
}

fn parsed<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr<Err: fmt::Display>,
{
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

impl<'de> Deserialize<'de> for Decay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Decay, D::Error> {
        parsed(deserializer)
    }
}

impl<'de> Deserialize<'de> for Factor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Factor, D::Error> {
        parsed(deserializer)
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Target, D::Error> {
        match u64::deserialize(deserializer)? {
            90 => Ok(Target::Ninety),
            95 => Ok(Target::NinetyFive),
            99 => Ok(Target::NinetyNine),
            other => {
                let words = format!("{other} percent is no target; there is a k for 90, 95 and 99");
                Err(serde::de::Error::custom(words))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_whole_or_refused() {
        assert_eq!("0.97".parse(), Ok(Decay(9_700)));
        assert_eq!("0.9701".parse(), Ok(Decay(9_701)));
        assert_eq!("2.2".parse::<Factor>().map(Factor::value), Ok(Decimal::new(22, 1)));
        for text in ["0", "1", "1.0", "0.97001", "-0.5", "x", "", "9e-1", "+0.5"] {
            assert!(text.parse::<Decay>().is_err(), "{text}");
        }
        for text in ["0", "100.001", "2.2001", "-1"] {
            assert!(text.parse::<Factor>().is_err(), "{text}");
        }
        let words = "1".parse::<Decay>().unwrap_err().to_string();
        assert_eq!(words, "`1` is not a decimal above 0, below 1, with at most 4 decimals");
    }

    #[test]
    fn k_follows_from_the_target_of_the_lock() {
        let coverage: Coverage = toml::from_str("\"24h\" = 99\nk_99 = \"3.1\"").unwrap();
        assert_eq!(coverage.k(coverage.target(Lock::OneDay)).thousandths(), 3_100);
        assert_eq!(coverage.k(coverage.target(Lock::OneHour)).thousandths(), 2_200);
        for text in ["\"24h\" = 97", "k_99 = 3.1", "k_97 = \"3\"", "\"2h\" = 95"] {
            assert!(toml::from_str::<Coverage>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shown_prices_carry_the_weekend_as_the_setting_says() {
        for (setting, live, reference) in [("always", 25, 25), ("live", 25, 0), ("never", 0, 0)] {
            let weekend: Weekend = toml::from_str(&format!("in_prices = \"{setting}\"")).unwrap();
            let pair = (weekend.in_prices_at(RateKind::Mid).0, weekend.in_prices_at(RateKind::Reference).0);
            assert_eq!(pair, (live, reference), "{setting}");
        }
    }
}
