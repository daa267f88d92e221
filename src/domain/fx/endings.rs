//! How a converted price ends: exact, on a step, or on a charm ending; rules per currency from
//! `config/price-endings.toml`.
//!
//! One idea covers all published rule sets: the price is the next multiple of a step plus one of its endings. A plain
//! step has the one ending 0; "up to the next half, less ten cents" is the step 0.50 with the ending −0.10. A price
//! never moves more than `max_shift_bps` from the exact one: charm falls back to step, step to exact. Rules hold per
//! unit, before any quantity.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::money::{Currency, Money, MoneyError, Rounding, Unrounded};

/// How a price ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PriceRounding {
    /// Half up at the digits of the currency's price tags (CLDR).
    #[default]
    Exact,
    /// Up to the market's step.
    Step,
    /// On the market's ending.
    Charm,
}

/// One rule: from this price on, multiples of `step` plus one of `endings`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ending {
    /// The lowest exact price the rule is for.
    #[serde(with = "rust_decimal::serde::str")]
    from: Decimal,
    /// Zero: no rounding.
    #[serde(with = "rust_decimal::serde::str")]
    step: Decimal,
    /// Added to a multiple of the step; may be negative.
    #[serde(default)]
    endings: Vec<EndingText>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
struct EndingText(#[serde(with = "rust_decimal::serde::str")] Decimal);

/// The rules of every currency.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Endings {
    max_shift_bps: u16,
    #[serde(flatten)]
    currencies: BTreeMap<Currency, Rules>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    #[serde(default)]
    step: Vec<Ending>,
    #[serde(default)]
    charm: Vec<Ending>,
}

/// The file is not a rule set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("price endings: {0}")]
pub struct EndingsError(String);

static BUNDLED: LazyLock<Result<Endings, EndingsError>> =
    LazyLock::new(|| Endings::read(include_str!("../../../config/price-endings.toml")));

impl Ending {
    /// The smallest price of the rule that is not below `value`; without a step the value itself.
    pub fn up(&self, value: Decimal) -> Option<Decimal> {
        if self.step.is_zero() {
            return Some(value);
        }
        let zero = [EndingText(Decimal::ZERO)];
        let endings = if self.endings.is_empty() { &zero[..] } else { &self.endings };
        endings.iter().filter_map(|ending| self.next(value, ending.0)).min()
    }

    fn next(&self, value: Decimal, ending: Decimal) -> Option<Decimal> {
        let steps = value.checked_sub(ending)?.checked_div(self.step)?.ceil();
        steps.checked_mul(self.step)?.checked_add(ending)
    }
}

impl Endings {
    /// The rules that are compiled in.
    ///
    /// # Errors
    /// [`EndingsError`]; a test excludes it.
    pub fn bundled() -> Result<&'static Endings, EndingsError> {
        BUNDLED.as_ref().map_err(Clone::clone)
    }

    /// Reads a rule set.
    ///
    /// # Errors
    /// [`EndingsError`]: unknown currency or key, a number that is no text, a negative step.
    pub fn read(text: &str) -> Result<Endings, EndingsError> {
        let endings: Endings = toml::from_str(text).map_err(|error| EndingsError(error.to_string()))?;
        let rules = endings.currencies.iter().flat_map(|(currency, rules)| {
            rules.step.iter().chain(&rules.charm).map(move |rule| (currency, rule))
        });
        for (currency, rule) in rules {
            if rule.step.is_sign_negative() || rule.step.scale() > currency.exponent() {
                return Err(EndingsError(format!("{currency}: the step {} cannot be paid", rule.step)));
            }
        }
        Ok(endings)
    }

    /// The price of an exact converted amount.
    ///
    /// # Errors
    /// [`MoneyError::TooLarge`].
    pub fn price(&self, exact: Unrounded, rounding: PriceRounding) -> Result<Money, MoneyError> {
        let currency = exact.currency();
        let rules = self.currencies.get(&currency);
        let tiers = match (rules, rounding) {
            (None, _) | (_, PriceRounding::Exact) => [None, None],
            (Some(rules), PriceRounding::Step) => [Some(&rules.step), None],
            (Some(rules), PriceRounding::Charm) => [Some(&rules.charm), Some(&rules.step)],
        };
        let ended = tiers.into_iter().flatten().find_map(|rules| self.end(exact.value(), rules));
        let plain = || Rounding::HalfUp.apply(exact.value(), currency.display_digits());
        Money::try_new(ended.unwrap_or_else(plain), currency)
    }

    /// The ending of the rule for this price, unless it moves the price too far. Zero and negative amounts stay.
    fn end(&self, exact: Decimal, rules: &[Ending]) -> Option<Decimal> {
        let rule = rules.iter().rev().find(|rule| rule.from <= exact)?;
        let price = rule.up(exact)?;
        let limit = exact.checked_mul(Decimal::new(i64::from(self.max_shift_bps), 4))?;
        (exact > Decimal::ZERO && (price - exact).abs() <= limit).then_some(price)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(step: &str, endings: &[&str]) -> Ending {
        let decimal = |text: &str| text.parse::<Decimal>().unwrap();
        let endings = endings.iter().map(|text| EndingText(decimal(text))).collect();
        Ending { from: Decimal::ZERO, step: decimal(step), endings }
    }

    #[test]
    fn published_rule_sets() {
        // WooCommerce Payments: up to the step, then the charm (P01, P03, P05); Huawei: endings in tenths (P07).
        let tenths = ["0.00", "0.06", "0.09"];
        for (value, step, endings, expected) in [
            ("5.2499", "0", &[][..], "5.2499"),
            ("5.2499", "0.25", &[], "5.25"),
            ("5.2500", "0.25", &[], "5.25"),
            ("5.2501", "0.25", &[], "5.50"),
            ("4.9999", "1", &[], "5"),
            ("5", "1", &[], "5"),
            ("5.0001", "1", &[], "6"),
            ("7.08099", "0.50", &["-0.10"], "7.40"),
            ("7.08099", "0.50", &[], "7.50"),
            ("7.08099", "0", &[], "7.08099"),
            ("1.213", "0.10", &tenths, "1.26"),
            ("1.264", "0.10", &tenths, "1.29"),
            ("1.2967", "0.10", &tenths, "1.30"),
            ("5.02", "1", &[], "6"),
        ] {
            let value: Decimal = value.parse().unwrap();
            assert_eq!(rule(step, endings).up(value), expected.parse().ok(), "{value} on {step} {endings:?}");
        }
    }

    fn priced(amount: &str, currency: &str, rounding: PriceRounding) -> String {
        let currency = Currency::known(match currency {
            "THB" => "THB",
            "IDR" => "IDR",
            "KWD" => "KWD",
            "USD" => "USD",
            _ => "VND",
        });
        // A rate of the wanted size applied to one unit gives any exact amount.
        let one = Money::parse("1", Currency::known("EUR")).unwrap();
        let rate = crate::money::Rate::parse(one.currency(), currency, amount).unwrap();
        Endings::bundled().unwrap().price(rate.convert(one).unwrap(), rounding).unwrap().to_string()
    }

    #[test]
    fn the_shipped_rules() {
        use PriceRounding::{Charm, Exact, Step};
        for (amount, currency, rounding, expected) in [
            ("713.4031", "THB", Exact, "THB 713.40"),
            ("713.4031", "THB", Step, "THB 714.00"),
            ("713.4031", "THB", Charm, "THB 719.00"),
            ("1200.5", "THB", Step, "THB 1210.00"),
            // 9 would move it by 30 %: the step is taken; the step of 1 would move it by 25 %: exact.
            ("13.2", "THB", Charm, "THB 13.20"),
            ("62.3", "THB", Charm, "THB 63.00"),
            ("181493.7", "IDR", Exact, "IDR 181494.00"),
            ("181493.7", "IDR", Step, "IDR 182000.00"),
            ("285123.4", "IDR", Charm, "IDR 289000.00"),
            ("19.234", "USD", Charm, "USD 19.24"),
            ("19.55", "USD", Charm, "USD 19.99"),
            ("26.01", "USD", Step, "USD 26.01"),
            ("99.01", "USD", Step, "USD 100.00"),
            ("586622.8", "VND", Charm, "VND 589000"),
            ("1.23456", "KWD", Charm, "KWD 1.235"),
        ] {
            assert_eq!(priced(amount, currency, rounding), expected, "{amount} {rounding:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_below_the_exact_price_and_never_moved_too_far(minor in 1_i64..2_000_000_000, which in 0_usize..22) {
            let endings = Endings::bundled().unwrap();
            let currency = *endings.currencies.keys().nth(which % endings.currencies.len()).unwrap();
            let amount = Decimal::new(minor, 4);
            let one = Money::parse("1", Currency::known("KWD")).unwrap();
            let exact = crate::money::Rate::try_new(one.currency(), currency, amount).unwrap().convert(one).unwrap();
            for rounding in [PriceRounding::Step, PriceRounding::Charm] {
                let price = endings.price(exact, rounding).unwrap().amount();
                let half_unit = Decimal::new(5, currency.display_digits() + 1);
                let shift = (price - amount).abs();
                proptest::prop_assert!(price >= amount || shift <= half_unit, "{amount} {currency} became {price}");
                let limit = amount * Decimal::new(i64::from(endings.max_shift_bps), 4);
                proptest::prop_assert!(shift <= limit || shift <= half_unit, "{amount} {currency} became {price}");
            }
        }
    }

    #[test]
    fn refuses_what_cannot_be_paid_or_read() {
        for text in [
            "max_shift_bps = 1\n[JPY]\nstep = [{ from = \"0\", step = \"0.5\" }]",
            "max_shift_bps = 1\n[USD]\nstep = [{ from = \"0\", step = \"-1\" }]",
            "max_shift_bps = 1\n[USD]\nstep = [{ from = \"0\", step = 1.0 }]",
            "max_shift_bps = 1\n[XXX]\nstep = []",
            "max_shift_bps = 1\n[USD]\nsteps = []",
            "[USD]\nstep = []",
        ] {
            assert!(Endings::read(text).is_err(), "{text}");
        }
    }
}
