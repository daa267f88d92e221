//! What PayPal takes for a payout.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::super::amount;
use crate::money::{Currency, Money, Percent};

/// A percentage of the payout in its currency, rounded half up to PayPal's digits and capped; or a flat amount where
/// the currency has one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PayPalPayoutFee {
    /// Of the payout.
    pub percent: Percent,
    /// Most for one payout, one amount for each currency; a currency without one has no cap.
    pub caps: Vec<Money>,
    /// Instead of the percentage, one amount for each currency: 0.25 USD for payouts within the United States.
    pub flat: Vec<Money>,
}

impl Default for PayPalPayoutFee {
    /// 2 %, at most 20 USD: the price of a payout across a border.
    fn default() -> PayPalPayoutFee {
        let cap = Currency::find("USD").map(|usd| Money::from_minor(2_000, usd));
        let percent = Percent::try_new(Decimal::TWO).unwrap_or_default();
        PayPalPayoutFee { percent, caps: cap.into_iter().collect(), flat: vec![] }
    }
}

impl PayPalPayoutFee {
    /// The fee of one payout; `None` beyond what an account holds.
    pub(super) fn of(&self, paid: Money) -> Option<Money> {
        let of =
            |amounts: &[Money]| amounts.iter().find(|money| money.currency() == paid.currency()).copied();
        if let Some(flat) = of(&self.flat) {
            return Some(flat);
        }
        let fee = amount::round(paid.amount() * self.percent.fraction(), paid.currency())?;
        let cap = of(&self.caps).map_or(fee.minor(), |cap| cap.minor().min(fee.minor()));
        Some(Money::from_minor(cap, paid.currency()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_rounded_and_capped_and_a_flat_fee_is_itself() {
        let money = |code: &str, minor: i64| Money::from_minor(minor, Currency::find(code).unwrap());
        let fee = PayPalPayoutFee { flat: vec![money("GBP", 25)], ..PayPalPayoutFee::default() };
        for (paid, taken) in [
            (money("USD", 10_000), money("USD", 200)),
            (money("USD", 25), money("USD", 1)),
            (money("USD", 24), money("USD", 0)),
            (money("USD", 500_000), money("USD", 2_000)),
            (money("JPY", 1_025), money("JPY", 21)),
            (money("TWD", 102_500), money("TWD", 2_100)),
            (money("EUR", 500_000), money("EUR", 10_000)),
            (money("GBP", 500_000), money("GBP", 25)),
        ] {
            assert_eq!(fee.of(paid), Some(taken), "{paid}");
        }
    }
}
