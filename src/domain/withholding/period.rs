//! The months and quarters that authorities count in: `2026-11`, `2026-Q4`.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How long a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cycle {
    /// A month.
    Month,
    /// Three months from January, April, July or October on.
    Quarter,
}

impl Cycle {
    /// The period that a day lies in.
    pub fn period(self, day: NaiveDate) -> TaxPeriod {
        TaxPeriod::of(self, day)
    }
}

/// One period; days are those of the merchant's zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaxPeriod {
    first: NaiveDate,
    months: u32,
}

/// What is no period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no period; write a month as 2026-11, a quarter as 2026-Q4")]
pub struct TaxPeriodError(pub String);

impl TaxPeriod {
    /// The period that a day lies in.
    pub fn of(cycle: Cycle, day: NaiveDate) -> TaxPeriod {
        let (months, month) = match cycle {
            Cycle::Month => (1, day.month()),
            Cycle::Quarter => (3, (day.month() - 1) / 3 * 3 + 1),
        };
        // The first of a month exists in every year that has the day.
        let first = NaiveDate::from_ymd_opt(day.year(), month, 1).unwrap_or(day);
        TaxPeriod { first, months }
    }

    /// How long it is.
    pub fn cycle(self) -> Cycle {
        if self.months == 1 { Cycle::Month } else { Cycle::Quarter }
    }

    /// Its first day.
    pub fn first(self) -> NaiveDate {
        self.first
    }

    /// Its last day.
    pub fn last(self) -> NaiveDate {
        let next = self.first.checked_add_months(Months::new(self.months));
        next.and_then(|next| next.checked_sub_days(Days::new(1))).unwrap_or(self.first)
    }
}

impl fmt::Display for TaxPeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month) = (self.first.year(), self.first.month());
        match self.months {
            1 => write!(f, "{year:04}-{month:02}"),
            _ => write!(f, "{year:04}-Q{}", (month - 1) / 3 + 1),
        }
    }
}

impl FromStr for TaxPeriod {
    type Err = TaxPeriodError;

    fn from_str(text: &str) -> Result<TaxPeriod, TaxPeriodError> {
        let read = || {
            let (year, rest) = text.split_once('-')?;
            let (cycle, month) = match rest.strip_prefix('Q') {
                Some(quarter) => {
                    (Cycle::Quarter, quarter.parse::<u32>().ok()?.checked_mul(3)?.checked_sub(2)?)
                }
                None => (Cycle::Month, rest.parse().ok()?),
            };
            let period = TaxPeriod::of(cycle, NaiveDate::from_ymd_opt(year.parse().ok()?, month, 1)?);
            (period.to_string() == text).then_some(period)
        };
        read().ok_or_else(|| TaxPeriodError(text.chars().take(20).collect()))
    }
}

impl Serialize for TaxPeriod {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TaxPeriod {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<TaxPeriod, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_lie_in_their_months_and_quarters() {
        let table = [
            ("2026-11-30", Cycle::Month, "2026-11", "2026-11-01", "2026-11-30"),
            ("2026-11-30", Cycle::Quarter, "2026-Q4", "2026-10-01", "2026-12-31"),
            ("2028-02-29", Cycle::Month, "2028-02", "2028-02-01", "2028-02-29"),
            ("2028-02-29", Cycle::Quarter, "2028-Q1", "2028-01-01", "2028-03-31"),
        ];
        for (day, cycle, name, first, last) in table {
            let period = TaxPeriod::of(cycle, day.parse().unwrap());
            let shown = (period.to_string(), period.first().to_string(), period.last().to_string());
            assert_eq!(shown, (name.to_owned(), first.to_owned(), last.to_owned()), "{day}");
            assert_eq!(name.parse(), Ok(period));
        }
        for none in ["2026", "2026-13", "2026-Q5", "2026-Q0", "2026-1", "2026-q1", "", "26-01", "2026-+1"] {
            assert!(none.parse::<TaxPeriod>().is_err(), "{none}");
        }
    }
}
