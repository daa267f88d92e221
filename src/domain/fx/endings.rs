//! How a converted price ends: exact, on a step, on a charm ending, or as cash can pay it; rules per currency, and per
//! market where a country has its own, from `config/price-endings.toml` or the operator's file.
//!
//! One idea covers all published rule sets: the price is a multiple of a step plus one of its endings. A plain step has
//! the one ending 0; "up to the next half, less ten cents" is the step 0.50 with the ending −0.10. A rule goes up, so
//! that no price falls below what it costs, unless it says `nearest`. A price never moves more than the rule's
//! `max_shift_bps` from the exact one: charm falls back to step, step to the exact amount rounded up to the price tag's
//! digits. A rule's `min_price` holds whatever else does. What is above zero is never sold for nothing: one step of the price
//! tag is the least. Rules hold per unit, before any quantity.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::Country;
use crate::money::{Currency, Money, MoneyError, Rounding, Unrounded};

/// Rule sets as files.
mod read;

pub use read::EndingsError;
use read::Rules;

/// How a price ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PriceRounding {
    /// Half up at the digits of the currency's price tags (CLDR), never nothing.
    #[default]
    Exact,
    /// On the market's step.
    Step,
    /// On the market's ending.
    Charm,
    /// To the nearest amount that can be paid in cash, by the rules' own steps (MYR 0.05, NZD 0.10) or else the CLDR's (CHF 0.05,
    /// SEK 1, HUF 5); half up, never nothing.
    Cash,
}

/// One rule: from this price on, multiples of `step` plus one of `endings`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// The lowest exact price the rule is for.
    from: Decimal,
    /// Zero: the price stays exact, half up at the digits of price tags.
    step: Decimal,
    /// Added to a multiple of the step; may be negative.
    endings: Vec<Decimal>,
    mode: EndingMode,
    /// No price of the rule is lower.
    min_price: Option<Decimal>,
    /// The furthest a price may move; none: the rule set's own.
    max_shift_bps: Option<u16>,
}

/// Which way a rule goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndingMode {
    /// The next price of the rule that is not below.
    #[default]
    Up,
    /// The nearest price of the rule above zero, the higher one on a tie.
    Nearest,
}

/// The rules of every currency and market.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endings {
    max_shift_bps: u16,
    rules: Rules,
}

/// A price and the rule that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The price.
    pub price: Money,
    /// In words: `charm THB: 9 + n × 10, up`.
    pub rule: Cow<'static, str>,
    /// Whether it would have come to nothing, and is the least price instead.
    pub lifted: bool,
}

static BUNDLED: LazyLock<Result<Arc<Endings>, EndingsError>> = LazyLock::new(|| {
    Endings::read(include_str!("../../../config/price-endings.toml"), "config/price-endings.toml")
        .map(Arc::new)
});

impl Ending {
    /// The smallest price of the rule that is not below `value`; without a step the value itself.
    pub fn up(&self, value: Decimal) -> Option<Decimal> {
        self.grid(value, Decimal::ceil).into_iter().min()
    }

    fn down(&self, value: Decimal) -> Option<Decimal> {
        self.grid(value, Decimal::floor)
            .into_iter()
            .filter(|price| price.is_sign_positive() && !price.is_zero())
            .max()
    }

    /// Where the rule puts `value`.
    pub fn apply(&self, value: Decimal) -> Option<Decimal> {
        let up = self.up(value)?;
        let price = match (self.mode, self.down(value)) {
            (EndingMode::Nearest, Some(down)) if value - down < up - value => down,
            _ => up,
        };
        match self.min_price {
            Some(floor) if price < floor => self.up(floor),
            _ => Some(price),
        }
    }

    fn grid(&self, value: Decimal, to: fn(&Decimal) -> Decimal) -> Vec<Decimal> {
        if self.step.is_zero() {
            return vec![value];
        }
        let on = |ending: &Decimal| {
            let steps = to(&value.checked_sub(*ending)?.checked_div(self.step)?);
            steps.checked_mul(self.step)?.checked_add(*ending)
        };
        self.endings.iter().filter_map(on).collect()
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endings: Vec<String> = self.endings.iter().map(Decimal::to_string).collect();
        let mode = if self.mode == EndingMode::Nearest { "nearest" } else { "up" };
        write!(f, "{} + n × {}, {mode}", endings.join(" or "), self.step)
    }
}

impl Endings {
    /// The rules that are compiled in.
    ///
    /// # Errors
    /// [`EndingsError`]; a test excludes it.
    pub fn bundled() -> Result<Arc<Endings>, EndingsError> {
        BUNDLED.clone()
    }

    /// The same where nobody can be told of a fault: then no rules at all.
    pub fn shipped() -> Arc<Endings> {
        Endings::bundled().unwrap_or_else(|_| Arc::new(Endings { max_shift_bps: 0, rules: Rules::default() }))
    }

    /// The price of an exact converted amount in a market; `None`: no country is known.
    ///
    /// # Errors
    /// [`MoneyError::TooLarge`].
    pub fn price(
        &self,
        exact: Unrounded,
        rounding: PriceRounding,
        market: Option<Country>,
    ) -> Result<Ended, MoneyError> {
        let currency = exact.currency();
        if rounding == PriceRounding::Exact
            && let Some(price) = exact.round_to(currency.display_digits(), Rounding::HalfUp)
            && price.minor().unsigned_abs() <= Money::INPUT_LIMIT.unsigned_abs()
        {
            return Ok(Ended::half_up(price, exact.value()));
        }
        let value = exact.value();
        if let PriceRounding::Cash = rounding {
            return cash(value, currency, self.rules.cash_step(currency));
        }
        let rules = self.rules.of(market, currency);
        let tiers = match (rules, rounding) {
            (Some(rules), PriceRounding::Step) => vec![("step", &rules.step)],
            (Some(rules), PriceRounding::Charm) => vec![("charm", &rules.charm), ("step", &rules.step)],
            _ => vec![],
        };
        let digits = currency.display_digits();
        for (tier, rules) in tiers {
            if rule_for(value, rules).is_some_and(|rule| rule.step.is_zero()) {
                let price = Money::try_new(Rounding::HalfUp.apply(value, digits), currency)?;
                return Ok(Ended::half_up(price, value));
            }
            if let Some((price, rule)) = self.end(value, rules) {
                let place = market.filter(|market| self.rules.has_own(*market, currency));
                let place = place.map(|market| format!("{market} ")).unwrap_or_default();
                let rule = format!("{tier} {place}{currency}: {rule}");
                let (price, lifted) = (Money::try_new(price, currency)?, is_lifted(value, digits));
                return Ok(Ended { price, rule: rule.into(), lifted });
            }
        }
        if rounding == PriceRounding::Exact {
            let price = Money::try_new(Rounding::HalfUp.apply(value, digits), currency)?;
            return Ok(Ended::half_up(price, value));
        }
        // What a rule could not take is still not sold below what it costs.
        let price = Money::try_new(Rounding::Up.apply(value, digits), currency)?;
        let rule = format!("exact {currency}: up at {digits} decimals").into();
        Ok(Ended { price, rule, lifted: is_lifted(value, digits) })
    }

    /// The ending of the rule for this price, unless it moves the price too far. Zero and negative amounts stay.
    fn end<'r>(&self, exact: Decimal, rules: &'r [Ending]) -> Option<(Decimal, &'r Ending)> {
        let rule = rule_for(exact, rules)?;
        let price = rule.apply(exact)?;
        let shift = rule.max_shift_bps.unwrap_or(self.max_shift_bps);
        let limit = exact.checked_mul(Decimal::new(i64::from(shift), 4))?;
        let near = (price - exact).abs() <= limit;
        let lifted = rule.min_price.is_some_and(|floor| exact < floor);
        (exact > Decimal::ZERO && (near || lifted)).then_some((price, rule))
    }
}

/// Whether what is above zero would be nothing on a price tag, were it not lifted.
fn is_lifted(value: Decimal, digits: u32) -> bool {
    value > Decimal::ZERO && Rounding::HalfUp.apply(value, digits).is_zero()
}

/// The last rule that is not above a price.
fn rule_for(exact: Decimal, rules: &[Ending]) -> Option<&Ending> {
    rules.iter().rev().find(|rule| rule.from <= exact)
}

impl Ended {
    /// An exact price, half up at the digits of price tags; what is above zero never becomes nothing.
    fn half_up(price: Money, exact: Decimal) -> Ended {
        match price.is_zero() && exact > Decimal::ZERO {
            true => Ended::least(price.currency()),
            false => Ended { price, rule: Cow::Borrowed(half_up(price.currency())), lifted: false },
        }
    }

    /// The least price there is: one step of the currency's price tags.
    pub fn least(currency: Currency) -> Ended {
        let finer = currency.exponent().saturating_sub(currency.display_digits());
        let price = Money::from_minor(10_i64.pow(finer), currency);
        let rule = words(currency).map_or("exact: least", |words| &words.least);
        Ended { price, rule: Cow::Borrowed(rule), lifted: true }
    }
}

/// What is said of exact prices in a currency. The words are written once.
struct Words {
    half_up: String,
    least: String,
}

fn words(currency: Currency) -> Option<&'static Words> {
    static WORDS: LazyLock<HashMap<Currency, Words>> = LazyLock::new(|| {
        let words = |currency: Currency| {
            let digits = currency.display_digits();
            Words {
                half_up: format!("exact {currency}: half up at {digits} decimals"),
                least: format!("exact {currency}: least {}", Decimal::new(1, digits)),
            }
        };
        Currency::all().map(|currency| (currency, words(currency))).collect()
    });
    WORDS.get(&currency)
}

/// What is said of a price that is exact: half up at the digits of price tags.
pub fn half_up(currency: Currency) -> &'static str {
    words(currency).map_or("exact: half up", |words| &words.half_up)
}

/// The nearest amount of cash, half up; what is above zero never becomes nothing.
fn cash(value: Decimal, currency: Currency, step: Decimal) -> Result<Ended, MoneyError> {
    let steps = Rounding::HalfUp.apply(value.checked_div(step).unwrap_or_default(), 0);
    let steps = if steps.is_zero() && value > Decimal::ZERO { Decimal::ONE } else { steps };
    let price = steps.checked_mul(step).ok_or(MoneyError::TooLarge { currency })?;
    let rule = format!("cash {currency}: nearest {}, half up", step.normalize());
    let lifted = is_lifted(value, currency.display_digits());
    Ok(Ended { price: Money::try_new(price, currency)?, rule: rule.into(), lifted })
}

#[cfg(test)]
mod tests;
