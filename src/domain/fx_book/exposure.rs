//! What is open, by pair and age, and what it would come to at a rate: a report that posts nothing.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::money::{Currency, Money, Rate, RateError, Rounding};

use super::lot::Lot;
use super::pair::Pair;

/// How long something has been open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Age {
    /// Less than a day.
    UnderOneDay,
    /// A day or more, less than seven.
    UnderSevenDays,
    /// Seven days or more, less than thirty.
    UnderThirtyDays,
    /// Thirty days or more.
    ThirtyDaysOrMore,
}

impl Age {
    /// Every age, youngest first.
    pub const ALL: [Age; 4] =
        [Age::UnderOneDay, Age::UnderSevenDays, Age::UnderThirtyDays, Age::ThirtyDaysOrMore];

    fn of(since: DateTime<Utc>, now: DateTime<Utc>) -> Age {
        match (now - since).num_days() {
            ..1 => Age::UnderOneDay,
            1..7 => Age::UnderSevenDays,
            7..30 => Age::UnderThirtyDays,
            30.. => Age::ThirtyDaysOrMore,
        }
    }
}

/// The open position of a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposure {
    /// The pair.
    pub pair: Pair,
    /// Long above zero, short below.
    pub base: Money,
    /// What was paid for it, below zero; what it brought, above.
    pub quote: Money,
    /// Long lots alone.
    pub long: Money,
    /// Short lots alone, without the sign.
    pub short: Money,
    /// How many lots.
    pub lots: usize,
    /// Since when the oldest is open.
    pub oldest: DateTime<Utc>,
    /// The open amount by age.
    pub ages: Vec<(Age, Money)>,
}

impl Exposure {
    /// What one unit of the base cost on average, to ten digits behind the point; `None` where nothing is open on
    /// balance, or where cost and amount have one sign.
    pub fn average_cost(&self) -> Option<Decimal> {
        let average = -self.quote.amount().checked_div(self.base.amount())?;
        average.is_sign_positive().then(|| average.round_dp(10).normalize())
    }

    /// What closing everything at `mid` would gain, rounded half up; a loss is below zero.
    ///
    /// ```
    /// # use straits::{domain::fx_book::{Exposure, Pair}, money::{Currency, Money, Rate}, clock::from_micros};
    /// # let [usd, cny] = ["USD", "CNY"].map(|code| Currency::find(code).unwrap());
    /// # let money = |text, currency| Money::parse(text, currency).unwrap();
    /// # let (long, short, oldest) = (money("1000.00", usd), money("0", usd), from_micros(0));
    /// let open = Exposure {
    ///     pair: Pair::of(usd, cny).unwrap(),
    ///     base: money("1000.00", usd),
    ///     quote: money("7100.00", cny).negated(),
    /// #   long, short, lots: 1, oldest, ages: vec![],
    /// };
    /// let unrealized = open.unrealized(Rate::parse(usd, cny, "7.05").unwrap()).unwrap();
    /// assert_eq!(unrealized, money("50.00", cny).negated());
    /// ```
    ///
    /// # Errors
    /// [`RateError`] where the rate is of another pair.
    pub fn unrealized(&self, mid: Rate) -> Result<Money, RateError> {
        let worth = mid.convert(self.base)?.round(Rounding::HalfUp);
        worth.checked_add(self.quote).map_err(|_| RateError::TooLarge(self.pair.quote()))
    }
}

/// What is open in one currency, whatever it is open against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrencyExposure {
    /// Long above zero, short below; its currency is the one it is about.
    pub open: Money,
    /// The same by age.
    pub ages: Vec<(Age, Money)>,
}

/// Open lots by currency: both sides of each, so that what is long in one currency is short in another.
///
/// # Errors
/// [`crate::money::MoneyError`].
pub fn by_currency(
    lots: &[Lot],
    now: DateTime<Utc>,
) -> Result<Vec<CurrencyExposure>, crate::money::MoneyError> {
    let mut currencies: BTreeMap<Currency, [Money; Age::ALL.len()]> = BTreeMap::new();
    for lot in lots {
        let age = Age::of(lot.at, now);
        for amount in [lot.base, lot.quote] {
            let nothing = Money::zero(amount.currency());
            let ages = currencies.entry(amount.currency()).or_insert([nothing; Age::ALL.len()]);
            for (own, open) in Age::ALL.iter().zip(ages) {
                if *own == age {
                    *open = open.checked_add(amount)?;
                }
            }
        }
    }
    let whole = currencies.into_iter().map(|(currency, ages)| {
        Ok(CurrencyExposure {
            open: Money::sum(currency, ages)?,
            ages: Age::ALL.into_iter().zip(ages).collect(),
        })
    });
    whole.collect()
}

/// Open lots by pair.
///
/// # Errors
/// [`crate::money::MoneyError`].
pub fn exposures(lots: &[Lot], now: DateTime<Utc>) -> Result<Vec<Exposure>, crate::money::MoneyError> {
    let mut pairs: Vec<Pair> = lots.iter().map(|lot| lot.pair).collect();
    pairs.sort_by_key(ToString::to_string);
    pairs.dedup();
    let mut exposures = Vec::with_capacity(pairs.len());
    for pair in pairs {
        let own: Vec<&Lot> = lots.iter().filter(|lot| lot.pair == pair).collect();
        let sum = |filter: &dyn Fn(&&&Lot) -> bool| {
            Money::sum(pair.base(), own.iter().filter(filter).map(|lot| lot.base))
        };
        let mut ages = Vec::with_capacity(Age::ALL.len());
        for age in Age::ALL {
            ages.push((age, sum(&|lot| Age::of(lot.at, now) == age)?));
        }
        exposures.push(Exposure {
            pair,
            base: sum(&|_| true)?,
            quote: Money::sum(pair.quote(), own.iter().map(|lot| lot.quote))?,
            long: sum(&|lot| lot.base.is_positive())?,
            short: sum(&|lot| lot.base.is_negative())?.abs(),
            lots: own.len(),
            oldest: own.iter().map(|lot| lot.at).min().unwrap_or(now),
            ages,
        });
    }
    Ok(exposures)
}
