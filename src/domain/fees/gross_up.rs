//! The smallest amount that leaves a target after the gateway's fee.
//!
//! What is left, `h(g) = g − fee(g)`, rises with `g` except for two things: it may fall where a price band begins, and
//! several rules that round at the same cent make it fall by at most that many cents. So each stretch between bands is
//! searched by halving with that slack, which never skips a solution, and the last few cents are tried one by one.

use crate::money::Money;

use super::figure::Denomination;
use super::schedule::{Charge, FeeBook, FeeError};

/// Cents tried one by one at the end; more are needed only where percentages come close to 100 %.
const CENTS_TRIED_MAX: i64 = 100_000;

/// The smallest gross with `gross − fee(gross) ≥ target`; `charge.gross` only names the currency.
///
/// # Errors
/// [`FeeError::Unreachable`] when no amount leaves the target, otherwise as [`FeeBook::assess`].
pub fn gross_up(book: &FeeBook, charge: &Charge<'_>, target: Money) -> Result<Money, FeeError> {
    let currency = target.currency();
    let left = |minor: i64| -> Result<i64, FeeError> {
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
    for gross in above..=last.min(above + CENTS_TRIED_MAX) {
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
