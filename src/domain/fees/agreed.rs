//! A gateway's own fee by contract, as the one percentage and the one fixed part that its rules come to.

use rust_decimal::Decimal;

use crate::money::{Money, Percent};

use super::assess::GATEWAY_KINDS;
use super::charge::Charge;
use super::error::FeeError;
use super::figure::Denomination;
use super::rule::FeeBase;
use super::schedule::FeeBook;

/// What the contract says of one charge, without tax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgreedFee {
    /// Percent of the gross, all rules together; 0 where a minimum or cap ruled.
    pub percent: Decimal,
    /// In the charge's currency, all rules together; the minimum or cap where one ruled.
    pub fixed: Decimal,
    /// The fee, each rule rounded as it says.
    pub fee: Money,
    /// By how many minor units the same exact fee may be less when each rule is rounded otherwise.
    pub below: u8,
    /// The same upwards.
    pub above: u8,
}

impl FeeBook {
    /// What the gateway takes of this charge by contract, without tax; `None` where no rule of a gateway's fee applies.
    ///
    /// # Errors
    /// [`FeeError`].
    pub fn agreed(&self, charge: &Charge<'_>) -> Result<Option<AgreedFee>, FeeError> {
        let currency = charge.gross.currency();
        let digits = Decimal::from(10_u32.pow(currency.exponent()));
        let (mut fraction, mut fixed) = (Decimal::ZERO, Decimal::ZERO);
        let (mut fee, mut lowest, mut highest) = (0_i64, Decimal::ZERO, Decimal::ZERO);
        let mut applies = false;
        for kind in GATEWAY_KINDS {
            for (_, rule) in self.select(kind, charge) {
                let too_large = || FeeError::TooLarge(rule.name.clone());
                let of_net = rule.of == FeeBase::Net;
                let taken = if of_net { fee } else { 0 };
                let net = charge.gross.minor().checked_sub(taken).ok_or_else(too_large)?;
                let priced = rule.price(Money::from_minor(net, currency), Denomination::of(currency))?;
                let (share, own, exact) = match priced.bound {
                    None => {
                        (priced.percent.map_or(Decimal::ZERO, Percent::fraction), priced.fixed, priced.exact)
                    }
                    Some(_) => (Decimal::ZERO, priced.amount, priced.amount.amount()),
                };
                // Of what the rules before leave: share × (gross − fraction × gross − fixed).
                let before = if of_net { (fraction, fixed) } else { (Decimal::ZERO, Decimal::ZERO) };
                fixed += own.amount() - share * before.1;
                fraction += share * (Decimal::ONE - before.0);
                let minor = exact.checked_mul(digits).ok_or_else(too_large)?;
                (lowest, highest) = (lowest + minor.floor(), highest + minor.ceil());
                fee = fee.checked_add(priced.amount.minor()).ok_or_else(too_large)?;
                applies = true;
            }
        }
        let apart = |units: Decimal| u8::try_from(units).unwrap_or(u8::MAX);
        Ok(applies.then(|| AgreedFee {
            percent: (fraction * Decimal::ONE_HUNDRED).normalize(),
            fixed: fixed.normalize(),
            fee: Money::from_minor(fee, currency),
            below: apart(Decimal::from(fee) - lowest),
            above: apart(highest - Decimal::from(fee)),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    fn agreed(rules: &str, gross: i64) -> Option<(String, String, i64, u8, u8)> {
        let book = FeeBook::of(serde_json::from_str(rules).unwrap());
        let charge = Charge {
            gateway: "paypal",
            account: "paypal",
            method: None,
            market: None,
            payer_country: None,
            date: chrono::NaiveDate::from_ymd_opt(2026, 11, 23).unwrap(),
            gross: Money::from_minor(gross, Currency::find("SGD").unwrap()),
        };
        let assessed = book.assess(&charge).unwrap();
        let agreed = book.agreed(&charge).unwrap()?;
        let gateways: i64 =
            assessed.iter().filter(|line| line.kind.is_gateways()).map(|line| line.amount.minor()).sum();
        assert_eq!(agreed.fee.minor(), gateways, "the books accrue the same");
        let AgreedFee { percent, fixed, fee, below, above } = agreed;
        Some((percent.to_string(), fixed.to_string(), fee.minor(), below, above))
    }

    #[test]
    fn rules_come_to_one_percentage_and_one_fixed_part() {
        let fee = r#"{"name":"fee","kind":"gateway","percent":"4.4","fixed":"0.50""#;
        let told = |percent: &str, fixed: &str, fee, below, above| {
            Some((percent.to_owned(), fixed.to_owned(), fee, below, above))
        };
        for (rules, gross, expected) in [
            (format!("[{fee}}}]"), 10_000, told("4.4", "0.5", 490, 0, 0)),
            // 94.044 minor units: rounded up it is 95; 94.88: rounded down it is 94.
            (format!("[{fee}}}]"), 1_001, told("4.4", "0.5", 94, 0, 1)),
            (format!("[{fee}}}]"), 1_020, told("4.4", "0.5", 95, 1, 0)),
            (format!("[{fee},\"minimum\":\"6.00\"}}]"), 10_000, told("0", "6", 600, 0, 0)),
            (format!("[{fee},\"cap\":\"2.00\"}}]"), 10_000, told("0", "2", 200, 0, 0)),
            // 10 % + 1.00, then 10 % of what is left: 9 % − 0.10 on top.
            (
                r#"[{"name":"a","kind":"gateway","percent":"10","fixed":"1"},
                    {"name":"b","kind":"scheme","percent":"10","of":"net"}]"#
                    .to_owned(),
                10_000,
                told("19", "0.9", 1_990, 0, 0),
            ),
            (r#"[{"name":"t","kind":"tax","percent":"9"}]"#.to_owned(), 10_000, None),
        ] {
            assert_eq!(agreed(&rules, gross), expected, "{rules} of {gross}");
        }
    }
}
