//! A gateway's own decimals, where they are fewer than the ledger's.

use super::Unchargeable;
use crate::money::{Currency, Money};

/// A currency and the decimals a gateway takes it with.
pub(super) type Decimals = (&'static str, u32);

/// Whether `amount` is a whole number of the gateway's units, in a currency of this account. The nearest amount is
/// rounded half up and never nothing.
pub(super) fn check(
    gateway: &'static str,
    taken: &[(Currency, u32)],
    amount: Money,
) -> Result<(), Unchargeable> {
    let currency = amount.currency();
    let step = step(taken, currency).ok_or(Unchargeable::Currency { gateway, currency })?;
    if amount.minor() % step == 0 {
        return Ok(());
    }
    let nearest = amount.minor().saturating_add(step / 2).div_euclid(step).max(1) * step;
    Err(Unchargeable::Precision { gateway, nearest: Money::from_minor(nearest, currency) })
}

/// The gateway's unit in minor units of a currency of this account.
pub(super) fn step(taken: &[(Currency, u32)], currency: Currency) -> Option<i64> {
    let (_, decimals) = taken.iter().find(|(taken, _)| *taken == currency)?;
    Some(10_i64.pow(currency.exponent().saturating_sub(*decimals)))
}

/// The rows of `table` that `wanted` names; all without a wish. Codes of the tables are ISO 4217's.
pub(super) fn taken(table: &[Decimals], wanted: Option<&[Currency]>) -> Vec<(Currency, u32)> {
    let known = table.iter().filter_map(|(code, decimals)| Some((Currency::find(code).ok()?, *decimals)));
    known.filter(|(currency, _)| wanted.is_none_or(|list| list.contains(currency))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_nearest_amount() {
        let huf = Currency::find("HUF").unwrap();
        let taken = taken(&[("HUF", 0), ("SGD", 2)], None);
        for (minor, nearest) in [(10_050, 10_100), (10_049, 10_000), (10_001, 10_000), (1, 100), (99, 100)] {
            let amount = Money::from_minor(minor, huf);
            let nearest = Money::from_minor(nearest, huf);
            assert_eq!(check("g", &taken, amount), Err(Unchargeable::Precision { gateway: "g", nearest }));
            assert_eq!(check("g", &taken, nearest), Ok(()));
        }
        let usd = Money::from_minor(100, Currency::find("USD").unwrap());
        assert!(matches!(check("g", &taken, usd), Err(Unchargeable::Currency { .. })));
    }
}
