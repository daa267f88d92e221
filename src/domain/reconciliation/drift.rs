//! What a gateway really charges, learned from the lines of a bill, beside what the contract says.
//!
//! Per day of the bill, currency and terms (method and contract) only sums are kept, in whole numbers; days add up to
//! months. A line whose charge is the contract's exact fee rounded otherwise (less than a minor unit from it, for each
//! rule) is rounding; every other difference is drift, and its reference is kept. So always
//! `charged = agreed + rounding + drift`, to the minor unit.
//!
//! Percentage and fixed part are the least squares of all lines; slope and intercept are rounded once, half up, to a
//! millionth and to a tenth of a minor unit. Where there are fewer than [`SMALL_SAMPLE`] lines, or all of one amount,
//! nothing is learned, and the answer says why; money and lines are told all the same. Taxes are left out on both sides.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::bill::BillLine;
use super::terms::{Expected, TermsId};
use crate::money::Currency;

/// Fewer payments teach no percentage, and fewer drifting ones are told without a finding.
pub const SMALL_SAMPLE: i128 = 5;
/// References kept of one day's drifting lines.
const REFERENCES: usize = 20;

/// Sums over the payments of one day or month, currency and terms.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FeeSums {
    /// Payments.
    #[serde(with = "text")]
    pub lines: i128,
    #[serde(with = "text")]
    gross: i128,
    /// Of what was charged, without tax.
    #[serde(with = "text")]
    pub charged: i128,
    /// Of gross × charged.
    #[serde(with = "text")]
    product: i128,
    /// Of gross².
    #[serde(with = "text")]
    square: i128,
    /// Of what the contract says.
    #[serde(with = "text")]
    pub agreed: i128,
    /// Charged less agreed where only the rounding differs.
    #[serde(with = "text")]
    pub rounding: i128,
    /// How many those are.
    #[serde(with = "text")]
    pub rounded: i128,
    /// Charged less agreed of all others that differ.
    #[serde(with = "text")]
    pub drift: i128,
    /// How many those are.
    #[serde(with = "text")]
    pub drifting: i128,
    /// The first of them, by the gateway's reference.
    pub references: Vec<String>,
}

/// What was learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Learned {
    /// Millionths of the gross: 44,000 are 4.4 percent.
    pub percent_millionths: i64,
    /// Tenths of a minor unit, beside the percentage.
    pub fixed_tenths: i64,
}

/// Why nothing was learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotLearned {
    /// Fewer than five payments.
    SmallSample,
    /// All payments have one amount.
    OneAmount,
    /// The sums are beyond what is counted.
    TooLarge,
}

/// What a bill teaches: sums by day, currency and terms.
#[derive(Debug, Clone)]
pub struct FeeLessons {
    zone: Tz,
    by_day: BTreeMap<(NaiveDate, Currency, TermsId), FeeSums>,
}

impl FeeLessons {
    /// Nothing yet; days are cut in `zone`.
    pub fn of(zone: Tz) -> FeeLessons {
        FeeLessons { zone, by_day: BTreeMap::new() }
    }

    /// A line of a payment.
    pub fn learn(&mut self, line: &BillLine, expected: Expected) {
        let day = line.at.with_timezone(&self.zone).date_naive();
        let sums = self.by_day.entry((day, line.gross.currency(), expected.terms)).or_default();
        sums.add(line.gross.minor(), line.fee.minor(), expected, &line.gateway_ref);
    }

    /// The sums, by day, currency and terms.
    pub fn by_day(&self) -> impl Iterator<Item = (&(NaiveDate, Currency, TermsId), &FeeSums)> {
        self.by_day.iter()
    }
}

impl FeeSums {
    /// One payment, in minor units.
    pub fn add(&mut self, gross: i64, charged: i64, expected: Expected, reference: &str) {
        let (x, y, agreed) = (i128::from(gross), i128::from(charged), i128::from(expected.fee));
        self.lines += 1;
        self.gross += x;
        self.charged += y;
        self.product += x * y;
        self.square += x * x;
        self.agreed += agreed;
        let difference = y - agreed;
        if (-i128::from(expected.below)..=i128::from(expected.above)).contains(&difference) {
            self.rounding += difference;
            self.rounded += i128::from(difference != 0);
        } else {
            self.drift += difference;
            self.drifting += 1;
            if self.references.len() < REFERENCES {
                self.references.push(reference.to_owned());
            }
        }
    }

    /// Another day's sums on top.
    pub fn merge(&mut self, other: &FeeSums) {
        let FeeSums { lines, gross, charged, product, square, agreed, rounding, rounded, .. } = other;
        self.lines += lines;
        self.gross += gross;
        self.charged += charged;
        self.product += product;
        self.square += square;
        self.agreed += agreed;
        self.rounding += rounding;
        self.rounded += rounded;
        self.drift += other.drift;
        self.drifting += other.drifting;
        let room = REFERENCES.saturating_sub(self.references.len());
        self.references.extend(other.references.iter().take(room).cloned());
    }

    /// Percentage and fixed part of what was charged.
    ///
    /// # Errors
    /// [`NotLearned`].
    pub fn learned(&self) -> Result<Learned, NotLearned> {
        if self.lines < SMALL_SAMPLE {
            return Err(NotLearned::SmallSample);
        }
        let spread = self.lines.checked_mul(self.square).zip(self.gross.checked_mul(self.gross));
        let spread = spread.map(|(all, own)| all - own).ok_or(NotLearned::TooLarge)?;
        if spread == 0 {
            return Err(NotLearned::OneAmount);
        }
        self.fitted(spread).ok_or(NotLearned::TooLarge)
    }

    fn fitted(&self, spread: i128) -> Option<Learned> {
        let with =
            self.lines.checked_mul(self.product)?.checked_sub(self.gross.checked_mul(self.charged)?)?;
        let slope = rounded(with.checked_mul(1_000_000)?, spread)?;
        let rest = self.charged.checked_mul(1_000_000)?.checked_sub(self.gross.checked_mul(slope)?)?;
        let fixed = rounded(rest.checked_mul(10)?, self.lines.checked_mul(1_000_000)?)?;
        Some(Learned {
            percent_millionths: i64::try_from(slope).ok()?,
            fixed_tenths: i64::try_from(fixed).ok()?,
        })
    }
}

/// Half up; `None` for a division by nothing.
fn rounded(value: i128, by: i128) -> Option<i128> {
    let doubled = value.checked_mul(2)?.checked_add(by)?;
    (by > 0).then(|| doubled.div_euclid(by * 2))
}

/// Numbers that JSON's readers would cut, as text.
mod text {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &i128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i128, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
