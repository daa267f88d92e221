//! Since when a balance has been there: a contract's payment term counts from its oldest money.

use chrono::NaiveDate;

use crate::money::Money;

/// The day on which the oldest part of a balance became available, as what was paid was the oldest each time. `arrivals`: what
/// became available of this currency, the newest first. `None` where they do not come to the balance.
pub fn oldest_day(
    balance: Money,
    arrivals: impl IntoIterator<Item = (NaiveDate, Money)>,
) -> Option<NaiveDate> {
    let (mut left, mut oldest) = (balance.minor(), None::<NaiveDate>);
    for (day, amount) in arrivals {
        // Booked late, it was there before what stands behind it.
        let sooner = oldest.map_or(day, |oldest| oldest.min(day));
        if amount.minor() >= left {
            return Some(sooner);
        }
        left -= amount.minor().max(0);
        oldest = Some(sooner);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    #[test]
    fn what_was_paid_was_the_oldest() {
        let usd = |minor| Money::from_minor(minor, Currency::known("USD"));
        let day = |day| NaiveDate::from_ymd_opt(2026, 12, day).unwrap();
        let arrivals = [(day(9), usd(300)), (day(5), usd(200)), (day(7), usd(100)), (day(1), usd(400))];
        for (balance, oldest) in [
            (1, Some(9)),
            (300, Some(9)),
            (301, Some(5)),
            // What was booked behind the seventh had been there since the fifth.
            (501, Some(5)),
            (601, Some(1)),
            (1_000, Some(1)),
            (1_001, None),
        ] {
            assert_eq!(oldest_day(usd(balance), arrivals), oldest.map(day), "{balance}");
        }
        assert_eq!(oldest_day(usd(1), []), None);
    }
}
