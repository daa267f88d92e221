//! GrabPay's money: whole minor units by Grab's own table (IDR has two decimals there, VND none).

use crate::gateways::precision::Decimals;
use crate::money::{Currency, Money};

/// Currencies of One-Time Charge, with Grab's decimals. VND belongs to Moca's accounts. One merchant account holds one
/// currency at Grab: name it in the account setting `currencies`.
pub const DECIMALS: &[Decimals] = &[("IDR", 2), ("MYR", 2), ("PHP", 2), ("SGD", 2), ("THB", 2), ("VND", 0)];

/// The whole number Grab wants; `None` where it takes no such currency or amount.
pub fn write(amount: Money) -> Option<i64> {
    let decimals = decimals(amount.currency())?;
    let step = 10_i64.pow(amount.currency().exponent().checked_sub(decimals)?);
    (amount.minor() > 0 && amount.minor() % step == 0).then(|| amount.minor() / step)
}

/// Reads Grab's whole number; `None` beyond what the ledger takes.
pub fn read(units: i64, currency: Currency) -> Option<Money> {
    let step = 10_i64.pow(currency.exponent().checked_sub(decimals(currency)?)?);
    let minor = units.checked_mul(step)?;
    (minor.unsigned_abs() <= Money::INPUT_LIMIT.unsigned_abs()).then(|| Money::from_minor(minor, currency))
}

fn decimals(currency: Currency) -> Option<u32> {
    DECIMALS.iter().find(|(code, _)| *code == currency.code()).map(|(_, decimals)| *decimals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_units_there_and_back() {
        for (code, minor, units) in [
            ("SGD", 1234, Some(1234)),
            ("IDR", 1_500_000, Some(1_500_000)),
            ("VND", 50_000, Some(50_000)),
            ("SGD", 0, None),
            ("SGD", -5, None),
            ("USD", 100, None),
        ] {
            let currency = Currency::find(code).unwrap();
            let amount = Money::from_minor(minor, currency);
            assert_eq!(write(amount), units, "{code} {minor}");
            if let Some(units) = units {
                assert_eq!(read(units, currency), Some(amount));
            }
        }
        assert_eq!(read(i64::MAX, Currency::find("SGD").unwrap()), None);
    }
}
