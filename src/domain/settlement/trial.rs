//! Whether an agreement can be kept at all: asked before anybody pays, because captured money is never refused.
//!
//! | who bears the gateway's fee | what is tried |
//! |---|---|
//! | suppliers or payer, and the rules tell it | the division with the fee by contract: what a preview shows |
//! | the platform, or whoever, and no rule tells it | commission and shares by themselves: what no fee could mend |
//! | anybody, where the gateway converts | nothing: shares are rounded in a currency and at a rate not known yet |

use crate::domain::fees::Bearer;
use crate::domain::splits::{Pot, Share, ShareBase, Split};
use crate::money::Money;

use super::settle::{SettlementError, SettlementInput, cost, settle};

/// Refuses what could not be divided once it is captured. `input.fee` is what the rules say of it, `input.received` is
/// nothing; what the gateway `converts` at capture is the capture's to decide.
///
/// # Errors
/// [`SettlementError`].
pub fn check_divisible(input: &SettlementInput<'_>, converts: bool) -> Result<(), SettlementError> {
    let (agreement, gross) = (input.agreement, input.agreement.amount());
    if converts {
        return Ok(());
    }
    let cost = cost(input)?;
    if cost.suppliers_bear.is_positive() || cost.payer_bears.is_positive() {
        return settle(input).map(|_| ());
    }
    let commission = agreement.commission(input.commission.clone());
    let bends = |split: &Split| matches!(&split.share, Share::Percent { of, .. } if *of != ShareBase::Net);
    let bends = commission.is_of_net() || agreement.terms().splits.iter().any(bends);
    if agreement.fee_bearer() == Some(Bearer::Suppliers) && bends {
        // A fee that no rule tells comes off a share of gross and off a commission of net: it may make room.
        return Ok(());
    }
    // The kindest case. What suppliers or payer bear only lessens what is shared, so nothing of it; and all of the
    // charge borne by the platform, because a share of what is received is the smaller for it.
    let zero = Money::zero(gross.currency());
    let kindest = Pot {
        charged: gross,
        fee: gross,
        suppliers_bear: zero,
        payer_bears: zero,
        payer_tax: zero,
        received: None,
    };
    agreement.divide(&kindest, &commission)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::fees::{Bearer, Commission, FeeBook, FeeLine};
    use crate::domain::merchants::{
        AvailableWhen, FundsFlow, FxPoint, GatewayAccount, Merchant, Recharge, Recognise, Role,
        SettlementMode,
    };
    use crate::domain::settlement::{Contract, GatewayFee};
    use crate::domain::splits::{Agreement, Terms};
    use crate::ids::{Id, SupplierId};
    use crate::money::Currency;

    fn merchant() -> Merchant {
        Merchant {
            id: Id::from_bits(1),
            name: "Shop".into(),
            role: Role::Agent,
            zone: chrono_tz::UTC,
            recognise: Recognise::Capture,
            return_origins: vec![],
            tax_jurisdiction: "SG".into(),
            tax_number: None,
        }
    }

    fn account(holds: &[&str]) -> GatewayAccount {
        GatewayAccount {
            id: Id::from_bits(2),
            merchant: Id::from_bits(1),
            gateway: "paypal".into(),
            name: "paypal".into(),
            funds_flow: FundsFlow::PlatformCollects,
            recharge: Recharge::Actual,
            unreturned_fee: None,
            available_when: AvailableWhen::GatewayAvailable,
            fx_point: FxPoint::default(),
            settlement: SettlementMode::NetAtCapture,
            holds: holds.iter().map(|code| Currency::find(code).unwrap()).collect(),
        }
    }

    fn with<T>(
        terms: serde_json::Value,
        minor: i64,
        (holds, fee): (&[&str], GatewayFee),
        what: fn(&SettlementInput<'_>, bool) -> T,
    ) -> Option<T> {
        let terms: Terms = serde_json::from_value(terms).unwrap();
        let agreement = Agreement::try_new(terms, Money::from_minor(minor, Currency::known("USD"))).ok()?;
        let account = account(holds);
        let input = SettlementInput {
            contract: &Contract::of(&merchant(), &account),
            agreement: &agreement,
            fee,
            received: None,
            received_mid: None,
            commission: Commission::none(),
            exchanges: &BTreeMap::new(),
        };
        Some(what(&input, account.converts(agreement.amount().currency())))
    }

    fn terms(shares: &[serde_json::Value], fee: serde_json::Value, bearer: &str) -> serde_json::Value {
        let splits: Vec<_> = shares
            .iter()
            .zip(1_u128..)
            .map(|(share, of)| serde_json::json!({"supplier": SupplierId::from_bits(of), "share": share}))
            .collect();
        serde_json::json!({"splits": splits, "platform_fee": fee, "fee_bearer": bearer})
    }

    /// 0.94 of 10.00.
    fn scheduled() -> Vec<FeeLine> {
        let rule = r#"[{"name":"r","kind":"gateway","percent":"4.4","fixed":"0.50"}]"#;
        let charge = crate::domain::fees::Charge {
            gateway: "paypal",
            account: "paypal",
            method: None,
            market: None,
            payer_country: None,
            date: chrono::NaiveDate::default(),
            gross: Money::from_minor(1_000, Currency::known("USD")),
        };
        FeeBook::of(serde_json::from_str(rule).unwrap()).assess(&charge).unwrap()
    }

    #[test]
    fn what_is_not_known_yet_is_not_refused() {
        let all = terms(&[serde_json::json!({"fixed": "10.00"})], serde_json::Value::Null, "suppliers");
        let more = terms(&[serde_json::json!({"fixed": "10.01"})], serde_json::Value::Null, "platform");
        let tried = |terms: &serde_json::Value, holds: &[&str], lines| {
            with(terms.clone(), 1_000, (holds, GatewayFee::Accrued(lines)), |input, converts| {
                check_divisible(input, converts).is_ok()
            })
        };
        for (terms, holds, lines, passes, what) in [
            (&all, &[][..], scheduled(), false, "the fee by contract leaves less than the shares"),
            (&all, &["USD", "EUR"], scheduled(), false, "the same where the currency is held"),
            (&all, &[], vec![], true, "no rule tells the fee"),
            (&all, &["EUR"], scheduled(), true, "the gateway converts"),
            (&more, &[], vec![], false, "no fee mends it"),
            (&more, &["JPY"], vec![], true, "10.01 may be rounded to what 10.00 is"),
        ] {
            assert_eq!(tried(terms, holds, lines), Some(passes), "{what}");
        }
    }

    proptest! {
        /// What is refused whatever the fee is, really has no fee that mends it.
        #[test]
        fn no_fee_mends_what_is_refused_at_every_fee(
            shares in prop::collection::vec((0_u8..3, 0_u32..900, 0_u8..3, prop::option::of(0_u32..400)), 1..4),
            remainder: bool,
            (percent, fixed, of_net) in (0_u32..110, 0_u32..300, any::<bool>()),
            minor in 1_i64..1_500,
            fees in prop::collection::vec(0_i64..1_000, 8),
        ) {
            let text = |cents: u32| format!("{}.{:02}", cents / 100, cents % 100);
            let mut split: Vec<_> = shares.iter().map(|&(kind, value, of, minimum)| match kind {
                0 => serde_json::json!({"fixed": text(value)}),
                _ => serde_json::json!({
                    "percent": text(value * 10 % 10_000), "of": (["net", "gross", "received"][usize::from(of)]),
                    "minimum": minimum.map(text),
                }),
            }).collect();
            if remainder {
                split.push(serde_json::json!({"remainder": true}));
            }
            let base = if of_net { "net" } else { "gross" };
            let fee = serde_json::json!({"percent": percent.to_string(), "fixed": text(fixed), "of": base});
            for bearer in [Bearer::Platform, Bearer::Suppliers, Bearer::Payer] {
                let bearer = serde_json::to_value(bearer).unwrap();
                let terms = terms(&split, fee.clone(), bearer.as_str().unwrap());
                let unknown = (&[][..], GatewayFee::Accrued(vec![]));
                let passes = |input: &SettlementInput<'_>, converts| check_divisible(input, converts).is_ok();
                if with(terms.clone(), minor, unknown, passes) != Some(false) {
                    continue;
                }
                for part in &fees {
                    // Below the whole: a fee of everything leaves nothing to divide wrongly.
                    let taken = part * minor / 1_000;
                    let amount = Money::from_minor(taken, Currency::known("USD"));
                    let charged = GatewayFee::Charged { amount, scheduled: vec![] };
                    let settled = with(terms.clone(), minor, (&[], charged), |input, _| settle(input).is_ok());
                    prop_assert_eq!(settled, Some(false), "{:?} at a fee of {}", bearer, taken);
                }
            }
        }
    }
}
