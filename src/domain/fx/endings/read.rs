//! Rule sets as files: every fault names the file, the key and why.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Deserialize;
use toml::{Table, Value};

use super::{Ending, EndingMode, Endings};
use crate::domain::fx::Country;
use crate::money::{Currency, Money};

/// The file is not a rule set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {}{why}", if key.is_empty() { String::new() } else { format!("`{key}` ") })]
pub struct EndingsError {
    /// The file.
    pub file: String,
    /// Where in it: `market.SG.USD.charm[1].step`.
    pub key: String,
    /// What is wrong there.
    pub why: String,
}

/// Rules by currency, and by country and currency where a market has its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Rules {
    everywhere: BTreeMap<Currency, Tiers>,
    markets: BTreeMap<(Country, Currency), Tiers>,
    /// What a till takes, where the file says.
    cash: BTreeMap<Currency, Decimal>,
}

/// The rules of one currency, lowest price first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Tiers {
    pub step: Vec<Ending>,
    pub charm: Vec<Ending>,
}

impl Rules {
    /// The market's own rules, else the currency's.
    pub fn of(&self, market: Option<Country>, currency: Currency) -> Option<&Tiers> {
        let own = market.and_then(|market| self.markets.get(&(market, currency)));
        own.or_else(|| self.everywhere.get(&currency))
    }

    /// The smallest amount of cash.
    pub fn cash_step(&self, currency: Currency) -> Decimal {
        let cldr = || Money::from_minor(i64::from(currency.cash_step_minor()), currency).amount();
        self.cash.get(&currency).copied().unwrap_or_else(cldr)
    }

    /// Whether the market has rules of its own.
    pub fn has_own(&self, market: Country, currency: Currency) -> bool {
        self.markets.contains_key(&(market, currency))
    }

    /// The currencies with rules that hold everywhere.
    #[cfg(test)]
    pub fn currencies(&self) -> impl Iterator<Item = Currency> {
        self.everywhere.keys().copied()
    }
}

/// One rule as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    from: String,
    step: String,
    #[serde(default)]
    endings: Vec<String>,
    #[serde(default)]
    mode: EndingMode,
    min_price: Option<String>,
    max_shift_bps: Option<u16>,
}

impl Endings {
    /// Reads a rule set; `file` is named in refusals.
    ///
    /// # Errors
    /// [`EndingsError`]: an unknown currency, country or key, a number that is no text, a step that cannot be paid,
    /// rules out of order.
    pub fn read(text: &str, file: &str) -> Result<Endings, EndingsError> {
        read(text).map_err(|Fault { key, why }| EndingsError { file: file.to_owned(), key, why })
    }
}

struct Fault {
    key: String,
    why: String,
}

fn fault(key: impl Into<String>, why: impl ToString) -> Fault {
    Fault { key: key.into(), why: why.to_string() }
}

fn read(text: &str) -> Result<Endings, Fault> {
    let table: Table =
        text.parse().map_err(|error: toml::de::Error| fault("", error.to_string().trim_end()))?;
    let shift = table.get("max_shift_bps").ok_or_else(|| fault("max_shift_bps", "is missing"))?;
    let max_shift_bps =
        shift.clone().try_into().map_err(|_| fault("max_shift_bps", "is no number of basis points"))?;
    let mut rules = Rules::default();
    for (key, value) in table.iter().filter(|(key, _)| key.as_str() != "max_shift_bps") {
        if key == "cash" {
            for (code, value) in inner(key, value)? {
                let key = format!("cash.{code}");
                let currency = currency(&key, code)?;
                rules.cash.insert(currency, cash_step(&key, currency, value)?);
            }
        } else if key == "market" {
            for (country, value) in inner(key, value)? {
                let key = format!("market.{country}");
                let market = Country::find(country).map_err(|error| fault(&key, error))?;
                for (code, value) in inner(&key, value)? {
                    let key = format!("{key}.{code}");
                    rules.markets.insert((market, currency(&key, code)?), tiers(&key, code, value)?);
                }
            }
        } else {
            rules.everywhere.insert(currency(key, key)?, tiers(key, key, value)?);
        }
    }
    Ok(Endings { max_shift_bps, rules })
}

fn inner<'v>(key: &str, value: &'v Value) -> Result<&'v Table, Fault> {
    value.as_table().ok_or_else(|| fault(key, "is no table"))
}

fn currency(key: &str, code: &str) -> Result<Currency, Fault> {
    Currency::find(code).map_err(|error| fault(key, error))
}

fn tiers(key: &str, code: &str, value: &Value) -> Result<Tiers, Fault> {
    let mut tiers = Tiers::default();
    for (name, value) in inner(key, value)? {
        let key = format!("{key}.{name}");
        let rows = value.as_array().ok_or_else(|| fault(&key, "is no list of rules"))?;
        let mut rules = Vec::with_capacity(rows.len());
        for (index, row) in rows.iter().enumerate() {
            let place = format!("{key}[{index}]");
            let rule = rule(&place, currency(&key, code)?, row)?;
            if name == "charm" && rule.endings.iter().all(Decimal::is_zero) && !rule.step.is_zero() {
                return Err(fault(format!("{place}.endings"), "names no ending; that is a rule of `step`"));
            }
            rules.push(rule);
        }
        if rules.first().is_none_or(|first| !first.from.is_zero()) {
            return Err(fault(&key, "has no rule from \"0\" on; leave the tier out where none is wanted"));
        }
        if let Some(index) = (1..rules.len()).find(|&index| rules[index - 1].from >= rules[index].from) {
            return Err(fault(format!("{key}[{index}].from"), "is not above the rule before it"));
        }
        match name.as_str() {
            "step" => tiers.step = rules,
            "charm" => tiers.charm = rules,
            _ => return Err(fault(key, "is unknown; `step` and `charm` are the tiers")),
        }
    }
    Ok(tiers)
}

fn cash_step(key: &str, currency: Currency, value: &Value) -> Result<Decimal, Fault> {
    let text = value.as_str().ok_or_else(|| fault(key, "is no text"))?;
    let step = Decimal::from_str_exact(text).map_err(|_| fault(key, format!("= `{text}` is no decimal")))?;
    if step <= Decimal::ZERO {
        return Err(fault(key, format!("= `{text}` is not above zero")));
    }
    match step.normalize().scale() > currency.exponent() {
        true => Err(fault(key, format!("= `{text}` is finer than {currency} can be paid"))),
        false => Ok(step),
    }
}

fn rule(key: &str, currency: Currency, row: &Value) -> Result<Ending, Fault> {
    let written: Written =
        row.clone().try_into().map_err(|error: toml::de::Error| fault(key, error.message()))?;
    let number = |name: &str, text: &str| {
        let key = format!("{key}.{name}");
        let value =
            Decimal::from_str_exact(text).map_err(|_| fault(&key, format!("= `{text}` is no decimal")))?;
        match value.normalize().scale() > currency.exponent() {
            true => Err(fault(&key, format!("= `{text}` is finer than {currency} can be paid"))),
            false => Ok(value),
        }
    };
    let positive = |name: &str, text: &str| {
        let value = number(name, text)?;
        match value.is_sign_negative() {
            true => Err(fault(format!("{key}.{name}"), format!("= `{text}` is below zero"))),
            false => Ok(value),
        }
    };
    let alone = written.endings.is_empty() && written.min_price.is_none() && written.max_shift_bps.is_none();
    if number("step", &written.step)?.is_zero() && !alone {
        return Err(fault(format!("{key}.step"), "= `0` leaves the price exact: it has nothing beside it"));
    }
    let mut endings =
        written.endings.iter().map(|text| number("endings", text)).collect::<Result<Vec<_>, _>>()?;
    if endings.is_empty() {
        endings.push(Decimal::ZERO);
    }
    Ok(Ending {
        from: positive("from", &written.from)?,
        step: positive("step", &written.step)?,
        endings,
        mode: written.mode,
        min_price: written.min_price.as_deref().map(|text| positive("min_price", text)).transpose()?,
        max_shift_bps: written.max_shift_bps,
    })
}
