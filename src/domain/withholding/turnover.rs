//! A supplier's gross sales as tax sees them: what shoppers were charged for its part of a payment, before the gateway's
//! fee, commission and their taxes; what payers bear of a fee is part of what they were charged.
//!
//! A sale counts when it is released, less what was refunded of it until then; later refunds lower it when they are
//! decided, a refund that fails gives back. Charge-backs lower nothing: no goods came back, and the rules speak of returns.
//! A sale in another currency than the one the supplier is paid in counts at the settlement's own rates (the gateway's,
//! mid of ours), the whole payment rounded once, half up, so that what is refunded in parts sums to what was sold.

use serde::{Deserialize, Serialize};

use crate::domain::refunds::Refund;
use crate::domain::settlement::{Settlement, SettlementError};
use crate::ids::{PaymentId, SupplierId};
use crate::money::{Currency, Money, MoneyError, Rate, Rounding};

/// What stands of a sale for one supplier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gross {
    /// What the payer was charged for its part and has not got back, in the payment's currency.
    pub charged: Money,
    /// The same in the currency the supplier is paid in.
    pub base: Money,
}

/// What stands of a supplier's part in a payment after these refunds.
///
/// # Errors
/// [`SettlementError`] when an amount does not fit.
pub fn gross_of(
    settlement: &Settlement,
    refunds: &[Refund],
    supplier: SupplierId,
) -> Result<Gross, SettlementError> {
    let own = |index: usize| settlement.parts.get(index).is_some_and(|part| part.supplier == Some(supplier));
    let mut charged = Money::zero(settlement.gross.currency());
    for (_, part) in settlement.parts.iter().enumerate().filter(|(index, _)| own(*index)) {
        charged = charged.checked_add(part.charged)?;
    }
    for refund in refunds {
        for (_, part) in refund.parts.iter().enumerate().filter(|(index, _)| own(*index)) {
            charged = charged.checked_sub(part.charged)?;
        }
    }
    let converted = settlement.conversions.iter().find(|conversion| conversion.supplier == supplier);
    let by_gateway = settlement.received.as_ref().map(|received| (received.rate, received.to.currency()));
    let by_us = converted.map(|conversion| (conversion.mid, conversion.paid.currency()));
    let steps: Vec<_> = by_gateway.into_iter().chain(by_us).collect();
    let Some((_, last)) = steps.last() else { return Ok(Gross { charged, base: charged }) };
    let value = steps.iter().map(|(rate, _)| *rate).product();
    let rate = Rate::try_new(charged.currency(), *last, value)?;
    Ok(Gross { charged, base: rate.convert(charged)?.round(Rounding::HalfUp) })
}

/// What moved a turnover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SaleKind {
    /// A sale became available.
    Sale,
    /// A refund of a counted sale was decided; below zero where one failed.
    Refund,
}

/// A supplier's turnover in one currency: everything that was ever counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turnover {
    /// How many rows it is the sum of.
    pub nth: i64,
    /// Sales.
    pub sold: Money,
    /// Refunds of them.
    pub refunded: Money,
}

/// One row of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Whose.
    pub supplier: SupplierId,
    /// Of which payment.
    pub payment: PaymentId,
    /// A sale or a refund.
    pub kind: SaleKind,
    /// How much.
    pub gross: Gross,
    /// The turnover with it.
    pub after: Turnover,
}

impl Turnover {
    /// Before anything was counted.
    pub fn none(currency: Currency) -> Turnover {
        Turnover { nth: 0, sold: Money::zero(currency), refunded: Money::zero(currency) }
    }

    /// The next row: what changed of a payment's gross. The first one of a payment is its sale.
    ///
    /// # Errors
    /// [`MoneyError`] when a sum does not fit.
    pub fn count(
        self,
        supplier: SupplierId,
        payment: PaymentId,
        stands: Gross,
        counted: Option<Gross>,
    ) -> Result<Option<Counted>, MoneyError> {
        let (kind, gross) = match counted {
            None => (SaleKind::Sale, stands),
            Some(before) => {
                let charged = before.charged.checked_sub(stands.charged)?;
                let base = before.base.checked_sub(stands.base)?;
                (SaleKind::Refund, Gross { charged, base })
            }
        };
        if gross.charged.is_zero() && gross.base.is_zero() {
            return Ok(None);
        }
        let mut after = Turnover { nth: self.nth + 1, ..self };
        let sum = match kind {
            SaleKind::Sale => &mut after.sold,
            SaleKind::Refund => &mut after.refunded,
        };
        *sum = sum.checked_add(gross.base)?;
        Ok(Some(Counted { supplier, payment, kind, gross, after }))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::fees::Commission;
    use crate::domain::merchants::{FundsFlow, FxPoint, Recharge, Recognise, Role};
    use crate::domain::refunds::{KeptFee, PartRefund};
    use crate::domain::settlement::{Contract, Exchange, GatewayFee, SettlementInput, settle};
    use crate::domain::splits::{Agreement, Terms};
    use crate::ids::Id;
    use crate::money::BasisPoints;

    fn usd(minor: i64) -> Money {
        Money::from_minor(minor, Currency::find("USD").unwrap())
    }

    fn supplier(nth: u128) -> SupplierId {
        SupplierId::from_bits(nth)
    }

    /// USD 100.00 with a fee of 4.90: sold in items by two suppliers, the second in a currency of its own.
    fn settlement(terms: &str, own: Option<&str>, received: Option<(&str, &str)>) -> Settlement {
        let terms: Terms = serde_json::from_str(
            &terms
                .replace("\"A\"", &format!("\"{}\"", supplier(1)))
                .replace("\"B\"", &format!("\"{}\"", supplier(2))),
        )
        .unwrap();
        let to = |code: &str, rate: &str| {
            Rate::parse(usd(0).currency(), Currency::find(code).unwrap(), rate).unwrap()
        };
        let exchange = |code: &str| Exchange {
            currency: Currency::find(code).unwrap(),
            mid: Some(to(code, "7.123")),
            spread: BasisPoints(50),
        };
        let exchanges = BTreeMap::from_iter(own.map(|code| (supplier(2), exchange(code))));
        let received = received.map(|(code, rate)| {
            let rate = to(code, rate);
            (rate.convert(usd(9_510)).unwrap().round(Rounding::HalfUp), rate)
        });
        settle(&SettlementInput {
            contract: &Contract {
                role: Role::Agent,
                recognise: Recognise::Capture,
                jurisdiction: "SG".into(),
                gateway: "paypal".into(),
                account: "paypal".into(),
                funds_flow: FundsFlow::PlatformCollects,
                recharge: Recharge::Actual,
                fx_point: FxPoint::Capture,
            },
            agreement: &Agreement::try_new(terms, usd(10_000)).unwrap(),
            fee: GatewayFee::Charged { amount: usd(490), scheduled: vec![] },
            received,
            received_mid: None,
            commission: Commission::none(),
            exchanges: &exchanges,
        })
        .unwrap()
    }

    /// A refund of so much of each part.
    fn refund(charged: &[i64]) -> Refund {
        let part = |charged: &i64| PartRefund {
            charged: usd(*charged),
            fee_borne: usd(0),
            fee_absorbed: usd(0),
            share: usd(0),
            commission: usd(0),
            tax: usd(0),
            from_deferred: usd(0),
        };
        Refund {
            amount: usd(charged.iter().sum()),
            lines: vec![],
            parts: charged.iter().map(part).collect(),
            conversions: vec![],
            fee_owner: KeptFee::AsBorne,
            movements: vec![],
        }
    }

    const ITEMS: &str = r#"{"fee_bearer":"suppliers","platform_fee":{"percent":"10"},"items":[
        {"ref":"a","amount":{"amount":"70.01","currency":"USD"},"supplier":"A"},
        {"ref":"b","amount":{"amount":"29.99","currency":"USD"},"supplier":"B"}]}"#;
    const SPLITS: &str = r#"{"fee_bearer":"suppliers","platform_fee":{"percent":"10"},"splits":[
        {"supplier":"A","share":{"percent":"60"}},{"supplier":"B","share":{"remainder":true}}]}"#;

    #[test]
    fn the_base_is_what_shoppers_paid_before_fees_and_commission() {
        let gross = |settlement: &Settlement, refunds: &[Refund], nth| {
            let gross = gross_of(settlement, refunds, supplier(nth)).unwrap();
            (gross.charged.minor(), gross.base.to_string())
        };
        let items = settlement(ITEMS, Some("CNY"), None);
        // 29.99 × 7.123 = 213.61877, at mid: what the spread takes is a charge, not a smaller sale.
        assert_eq!(gross(&items, &[], 1), (7_001, "USD 70.01".into()));
        assert_eq!(gross(&items, &[], 2), (2_999, "CNY 213.62".into()));
        assert_eq!(gross(&items, &[refund(&[0, 999])], 2), (2_000, "CNY 142.46".into()));
        assert_eq!(gross(&items, &[refund(&[0, 999]), refund(&[7_001, 2_000])], 2), (0, "CNY 0.00".into()));
        // Splits take the whole of what was paid among themselves, by their shares.
        let splits = settlement(SPLITS, None, None);
        let of = |nth| gross(&splits, &[], nth).0;
        assert_eq!((of(1) + of(2), of(1)), (10_000, 6_000));
        // The gateway's own rate, where it converted.
        let converted = settlement(ITEMS, None, Some(("SGD", "1.3")));
        assert_eq!(gross(&converted, &[], 1), (7_001, "SGD 91.01".into()));
        assert_eq!(gross(&converted, &[], 3), (0, "SGD 0.00".into()));
    }

    #[test]
    fn the_first_row_is_the_sale_and_later_ones_refund_it() {
        let payment = PaymentId::from_bits(7);
        let gross = |minor| Gross { charged: usd(minor), base: usd(minor) };
        let none = Turnover::none(usd(0).currency());
        let sale = none.count(supplier(1), payment, gross(10_000), None).unwrap().unwrap();
        assert_eq!(
            (sale.kind, sale.after),
            (SaleKind::Sale, Turnover { nth: 1, sold: usd(10_000), refunded: usd(0) })
        );
        assert_eq!(sale.after.count(supplier(1), payment, gross(10_000), Some(gross(10_000))), Ok(None));
        let back =
            sale.after.count(supplier(1), payment, gross(6_000), Some(gross(10_000))).unwrap().unwrap();
        assert_eq!((back.kind, back.gross), (SaleKind::Refund, gross(4_000)));
        let failed =
            back.after.count(supplier(1), payment, gross(10_000), Some(gross(6_000))).unwrap().unwrap();
        assert_eq!(failed.gross, gross(-4_000));
        assert_eq!(failed.after, Turnover { nth: 3, sold: usd(10_000), refunded: usd(0) });
    }
}
