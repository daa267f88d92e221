//! The smallest amount that leaves a target after the gateway's fee.
//!
//! What is left, `h(g) = g − fee(g)`, rises with `g` except for two things: it may fall where a price band begins, and
//! several rules that round at the same cent make it fall by at most that many cents. So each stretch between bands is
//! searched by halving with that slack, which never skips a solution, and the last few cents are tried one by one.
//!
//! Where percentages come close to 100 % these cents are many, and a caller's own rules may have many bands. The rules
//! and bands looked at are counted, and beyond a limit the search says that it gave up: it never holds a caller up.

use std::cell::Cell;

use crate::money::Money;

use super::charge::Charge;
use super::error::FeeError;
use super::figure::Denomination;
use super::schedule::FeeBook;

/// Rules and bands priced in one search: some hundreds for a contract, some tenths of a second at the most.
const PRICED_MAX: usize = 20_000;

/// The smallest gross with `gross − fee(gross) ≥ target`; `charge.gross` only names the currency.
///
/// # Errors
/// [`FeeError::Unreachable`] when no amount leaves the target or none was found in time, otherwise as
/// [`FeeBook::assess`].
pub fn gross_up(book: &FeeBook, charge: &Charge<'_>, target: Money) -> Result<Money, FeeError> {
    let currency = target.currency();
    let effort: usize = book.rules_at(charge).map(|rule| 1 + rule.tiers.len()).sum();
    let spent = Cell::new(0_usize);
    let left = |minor: i64| -> Result<i64, FeeError> {
        spent.set(spent.get() + effort);
        if spent.get() > PRICED_MAX.max(effort) {
            return Err(FeeError::Unreachable(target));
        }
        let gross = Money::from_minor(minor, currency);
        let fees = book.assess(&Charge { gross, ..*charge })?;
        Ok(fees.iter().fold(minor, |left, line| left - line.amount.minor()))
    };
    let slack = 2 * i64::try_from(book.rules_at(charge).count()).unwrap_or(0) + 2;
    let bands = band_starts(book, charge, target)?;
    for (index, &first) in bands.iter().enumerate() {
        let last = bands.get(index + 1).map_or(Money::INPUT_LIMIT, |next| next - 1);
        if let Some(gross) = smallest_in(first.max(target.minor()), last, target.minor(), slack, &left)? {
            return Ok(Money::from_minor(gross, currency));
        }
    }
    Err(FeeError::Unreachable(target))
}

/// The smallest solution within `[first, last]`, a stretch without a band's beginning.
fn smallest_in(
    first: i64,
    last: i64,
    target: i64,
    slack: i64,
    left: &dyn Fn(i64) -> Result<i64, FeeError>,
) -> Result<Option<i64>, FeeError> {
    if first > last {
        return Ok(None);
    }
    let near = |gross: i64| Ok::<bool, FeeError>(left(gross)? >= target - slack);
    // Widen before halving, so that no fee is assessed on amounts far beyond the answer.
    let (mut below, mut above) = (first - 1, first);
    while !near(above)? {
        if above == last {
            return Ok(None);
        }
        below = above;
        above = above.saturating_mul(2).clamp(above + 1, last);
    }
    while above - below > 1 {
        let middle = below + (above - below) / 2;
        if near(middle)? { above = middle } else { below = middle }
    }
    for gross in above..=last {
        if left(gross)? >= target {
            return Ok(Some(gross));
        }
    }
    Ok(None)
}

/// Where price bands begin, in minor units, from the smallest amount on.
fn band_starts(book: &FeeBook, charge: &Charge<'_>, target: Money) -> Result<Vec<i64>, FeeError> {
    let denomination = Denomination::of(target.currency());
    let mut starts = vec![1];
    for rule in book.rules_at(charge) {
        for tier in &rule.tiers {
            let from = tier.from.money(denomination);
            let from = from.map_err(|source| FeeError::Figure { rule: rule.name.clone(), source })?;
            starts.push(from.minor().max(1));
        }
    }
    starts.sort_unstable();
    starts.dedup();
    Ok(starts)
}

impl FeeBook {
    fn rules_at<'a>(&'a self, charge: &'a Charge<'_>) -> impl Iterator<Item = &'a super::FeeRule> {
        self.schedules().iter().flat_map(|schedule| &schedule.rules).filter(|rule| rule.when.matches(charge))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::fees::FeeRule;
    use crate::money::Currency;

    fn charge<'a>(gross: Money) -> Charge<'a> {
        let date = chrono::NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
        let (gateway, account) = ("paypal", "paypal");
        Charge { gateway, account, method: None, market: None, payer_country: None, date, gross }
    }

    fn left(book: &FeeBook, gross: Money) -> i64 {
        let fees = book.assess(&charge(gross)).unwrap();
        fees.iter().fold(gross.minor(), |left, line| left - line.amount.minor())
    }

    fn rules(json: &str) -> FeeBook {
        FeeBook::of(serde_json::from_str::<Vec<FeeRule>>(json).unwrap())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Against trying every amount in turn.
        #[test]
        fn finds_the_smallest_gross(
            percent in 0_u32..2_000,
            other in 0_u32..1_000,
            fixed in 0_u32..200,
            minimum in 0_u32..100,
            cap in 100_u32..3_000,
            tax in 0_u32..25,
            band in 1_u32..1_500,
            band_percent in 0_u32..2_000,
            target in 1_i64..1_200,
        ) {
            let cents = |value: u32| format!("{}.{:02}", value / 100, value % 100);
            let book = rules(&format!(
                r#"[{{"name":"a","kind":"gateway","percent":"{}","fixed":"{}","minimum":"{}","cap":"{}",
                     "tiers":[{{"from":"{}","percent":"{}"}}]}},
                    {{"name":"b","kind":"scheme","percent":"{}"}},
                    {{"name":"t","kind":"tax","percent":"{tax}"}}]"#,
                cents(percent), cents(fixed), cents(minimum), cents(cap), cents(band), cents(band_percent), cents(other),
            ));
            let usd = Currency::find("USD").unwrap();
            let target = Money::from_minor(target, usd);
            let tried = (target.minor()..1_000_000).find(|&minor| left(&book, Money::from_minor(minor, usd)) >= target.minor());
            let found = gross_up(&book, &charge(target), target).unwrap();
            prop_assert_eq!(Some(found.minor()), tried);
        }
    }

    #[test]
    fn a_band_that_costs_more_is_stepped_over_only_where_it_must_be() {
        // Above 10.00 the fee jumps from 0.10 to 2.00: what is left falls from 9.89 to 8.00 at 10.00.
        let book = rules(
            r#"[{"name":"a","kind":"gateway","tiers":[{"from":"0","fixed":"0.10"},{"from":"10.00","fixed":"2.00"}]}]"#,
        );
        let usd = Currency::find("USD").unwrap();
        for (target, gross) in [(989, 999), (990, 1190), (800, 810)] {
            let target = Money::from_minor(target, usd);
            assert_eq!(gross_up(&book, &charge(target), target).unwrap().minor(), gross);
        }
    }

    #[test]
    fn a_search_that_would_take_too_long_says_so() {
        let usd = Currency::find("USD").unwrap();
        let target = Money::from_minor(10_000, usd);
        let bands: Vec<String> =
            (0..5_000).map(|from| format!(r#"{{"from":"{from}","percent":"99.9999"}}"#)).collect();
        let tables = [
            r#"[{"name":"a","kind":"gateway","percent":"99.9999"}]"#.to_owned(),
            format!(r#"[{{"name":"a","kind":"gateway","tiers":[{}]}}]"#, bands.join(",")),
        ];
        for table in tables {
            assert_eq!(gross_up(&rules(&table), &charge(target), target), Err(FeeError::Unreachable(target)));
        }
        // Steep, but within reach: 1,000.00 less 99 %.
        let steep = rules(r#"[{"name":"a","kind":"gateway","percent":"99"}]"#);
        let ten = Money::from_minor(1_000, usd);
        let gross = gross_up(&steep, &charge(ten), ten).unwrap();
        assert!(
            left(&steep, gross) >= 1_000 && left(&steep, Money::from_minor(gross.minor() - 1, usd)) < 1_000
        );
    }

    #[test]
    fn percentages_of_a_hundred_leave_nothing() {
        let book = rules(
            r#"[{"name":"a","kind":"gateway","percent":"60"},{"name":"b","kind":"scheme","percent":"40"}]"#,
        );
        let target = Money::from_minor(1, Currency::find("USD").unwrap());
        assert_eq!(gross_up(&book, &charge(target), target), Err(FeeError::Unreachable(target)));
    }
}
