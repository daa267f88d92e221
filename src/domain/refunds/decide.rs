//! The decision: a request meets the frozen settlement, earlier refunds and what the suppliers hold.

use serde::{Deserialize, Serialize};

use crate::domain::fees::Bearer;
use crate::domain::ledger::journal::Movement;
use crate::domain::merchants::{FeeOwner, GatewayAccount};
use crate::domain::settlement::{Conversion, Delivery, Settlement};
use crate::ids::SupplierId;
use crate::money::{Currency, Money, MoneyError, Rounding};

use super::lines::{RefundLine, lines};
use super::mirror::{ConversionRefund, KeptFee, PartRefund, mirror_conversion, mirror_part};
use super::movements::{Funds, FxDifference, Mirror};
use super::request::{RefundError, RefundRequest};

/// Everything a refund follows from.
pub struct RefundTerms<'a> {
    /// As frozen at capture.
    pub settlement: &'a Settlement,
    /// Where the money was captured.
    pub account: &'a GatewayAccount,
    /// Refunds that stand: all but the failed ones.
    pub earlier: &'a [Refund],
    /// What has been delivered.
    pub deliveries: &'a [Delivery],
    /// What a supplier's buckets hold.
    pub funds: &'a dyn Fn(SupplierId, Currency) -> Funds,
    /// Who bears a change of rate.
    pub fx_difference: FxDifference,
}

impl std::fmt::Debug for RefundTerms<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RefundTerms").field("account", &self.account.name).finish_non_exhaustive()
    }
}

/// A decided refund; stored whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// What goes back to the shopper.
    pub amount: Money,
    /// Who gives what, summing to the amount; conversions stand outside the sum.
    pub lines: Vec<RefundLine>,
    /// In the order of the settlement's parts.
    pub parts: Vec<PartRefund>,
    /// Of converted shares.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conversions: Vec<ConversionRefund>,
    /// Who bears the fee that the gateway keeps.
    pub fee_owner: KeptFee,
    /// What is posted now, and undone if the refund fails; once it is paid, also what a returned fee gave back of it.
    pub movements: Vec<Movement>,
}

impl Refund {
    /// Money that was never divided goes back whole: no lines, no parts, only where it stood.
    pub fn undivided(amount: Money, movements: Vec<Movement>) -> Refund {
        let fee_owner = KeptFee::Platform;
        Refund { amount, lines: vec![], parts: vec![], conversions: vec![], fee_owner, movements }
    }
}

/// Decides a refund; [`Refund::decided`] books it.
///
/// # Errors
/// [`RefundError`].
pub fn decide(request: &RefundRequest, terms: &RefundTerms<'_>) -> Result<Refund, RefundError> {
    let settlement = terms.settlement;
    let currency = settlement.gross.currency();
    let earlier = |index: usize| -> Vec<&PartRefund> {
        terms.earlier.iter().filter_map(|refund| refund.parts.get(index)).collect()
    };
    let mut left = Vec::with_capacity(settlement.parts.len());
    for (index, part) in settlement.parts.iter().enumerate() {
        let gone = Money::sum(currency, earlier(index).iter().map(|refund| refund.charged))?;
        left.push(part.charged.checked_sub(gone)?);
    }
    let charged = request.resolve(settlement, &left)?;
    let mut parts = Vec::with_capacity(charged.len());
    for (index, (part, charged)) in settlement.parts.iter().zip(&charged).enumerate() {
        let earlier = earlier(index);
        let undone = Money::sum(part.share.currency(), earlier.iter().map(|refund| refund.from_deferred))?;
        let deferred = settlement.deferred(index, terms.deliveries, undone)?;
        parts.push(mirror_part(settlement, part, *charged, &earlier, deferred)?);
    }
    let conversions = mirror_conversions(terms, &parts)?;
    let amount = Money::sum(currency, charged)?;
    let fee_owner = match (terms.account.unreturned_fee, settlement.fee_bearer) {
        (Some(FeeOwner::Supplier), _) => KeptFee::Supplier,
        (None, Bearer::Suppliers) => KeptFee::AsBorne,
        (Some(FeeOwner::Platform), _) | (None, Bearer::Platform | Bearer::Payer) => KeptFee::Platform,
    };
    let mirror = Mirror {
        settlement,
        account: terms.account,
        amount,
        parts: &parts,
        conversions: &conversions,
        fee_owner,
    };
    let movements = mirror.movements(terms.funds)?;
    let lines = lines(settlement, &parts, &conversions, fee_owner)?;
    Ok(Refund { amount, lines, parts, conversions, fee_owner, movements })
}

fn mirror_conversions(
    terms: &RefundTerms<'_>,
    parts: &[PartRefund],
) -> Result<Vec<ConversionRefund>, RefundError> {
    let mut mirrored: Vec<ConversionRefund> = Vec::new();
    for conversion in deals(terms.settlement)? {
        let supplier = conversion.supplier;
        let (from, to) = (conversion.from.currency(), conversion.paid.currency());
        let own =
            terms.settlement.parts.iter().zip(parts).filter(|(part, _)| part.supplier == Some(supplier));
        let share = Money::sum(from, own.map(|(_, refund)| refund.share))?;
        let by_others = mirrored.iter().filter(|mirror| mirror.supplier == supplier);
        let share = share.checked_sub(Money::sum(from, by_others.map(|mirror| mirror.from))?)?;
        let earlier: Vec<&ConversionRefund> = terms
            .earlier
            .iter()
            .flat_map(|refund| &refund.conversions)
            .filter(|refund| refund.supplier == supplier && refund.paid.currency() == to)
            .collect();
        let mut mirror = mirror_conversion(&conversion, share, &earlier)?;
        if let FxDifference::Supplier(rates) = &terms.fx_difference {
            let rate = rates.iter().find(|rate| rate.base() == from && rate.quote() == to);
            let now = rate.ok_or(RefundError::RateMissing { from, to })?.convert(mirror.from)?;
            mirror = mirror.at(now.round(Rounding::HalfUp));
        }
        mirrored.push(mirror);
    }
    mirrored.retain(|mirror| !mirror.from.is_zero());
    Ok(mirrored)
}

/// The settlement's conversions, those of one share into one currency as one: a part that was converted by itself goes back
/// with the rest.
fn deals(settlement: &Settlement) -> Result<Vec<Conversion>, MoneyError> {
    let mut deals: Vec<Conversion> = Vec::new();
    for conversion in &settlement.conversions {
        let same = |deal: &&mut Conversion| {
            deal.supplier == conversion.supplier && deal.paid.currency() == conversion.paid.currency()
        };
        match deals.iter_mut().find(same) {
            Some(deal) => {
                deal.from = deal.from.checked_add(conversion.from)?;
                deal.at_mid = deal.at_mid.checked_add(conversion.at_mid)?;
                deal.paid = deal.paid.checked_add(conversion.paid)?;
            }
            None => deals.push(conversion.clone()),
        }
    }
    Ok(deals)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::clock::{Clock, from_micros};
    use crate::domain::fees::Commission;
    use crate::domain::ledger::journal::Booking;
    use crate::domain::ledger::{Account, AccountCode, Owner};
    use crate::domain::merchants::{
        AvailableWhen, FundsFlow, FxPoint, Merchant, Recharge, Recognise, Role, SettlementMode,
    };
    use crate::domain::refunds::own_pending;
    use crate::domain::settlement::{Contract, Exchange, GatewayFee, SettlementInput, settle};
    use crate::domain::splits::{Agreement, Terms};
    use crate::ids::{Id, IdSource};
    use crate::money::{BasisPoints, Rate};

    const TERMS: &str = r#"{"fee_bearer":"BEARER","platform_fee":{"percent":"7.3","tax":"9"},"splits":[
        {"supplier":"sup_00000000000000000000000001","share":{"percent":"61.7"}},
        {"supplier":"sup_00000000000000000000000002","share":{"remainder":true}}]}"#;

    proptest! {
        /// Any sequence of partial refunds, some of which fail, then the rest: each balances, and when everything has
        /// gone back, every amount of every part has, to the cent.
        #[test]
        fn refunds_sum_to_what_was_charged(
            gross in 100_i64..100_000,
            fee in 0_i64..50,
            steps in prop::collection::vec((1_u128..3, 1_i64..30_000, any::<bool>()), 0..6),
            bearer in prop_oneof![Just("platform"), Just("suppliers"), Just("payer")],
            owner in prop_oneof![Just(None), Just(Some(FeeOwner::Supplier)), Just(Some(FeeOwner::Platform))],
            converted: bool,
            gateway_converts: bool,
        ) {
            let ids = IdSource::seeded(Clock::fixed(from_micros(1_795_000_000_000_000)), 1);
            let merchant = Merchant {
                id: ids.mint(),
                name: String::new(),
                role: Role::Agent,
                zone: chrono_tz::UTC,
                recognise: Recognise::Delivered,
                return_origins: vec![],
                tax_jurisdiction: "SG".into(),
                tax_number: None,
            };
            let account = GatewayAccount {
                id: ids.mint(),
                merchant: merchant.id,
                gateway: "paypal".into(),
                name: "paypal".into(),
                funds_flow: FundsFlow::PlatformCollects,
                recharge: Recharge::Actual,
                unreturned_fee: owner,
                available_when: AvailableWhen::GatewayAvailable,
                fx_point: FxPoint::Capture,
                settlement: SettlementMode::NetAtCapture,
                holds: vec![],
            };
            let [usd, eur, cny] = ["USD", "EUR", "CNY"].map(|code| Currency::find(code).unwrap());
            let gross = Money::from_minor(gross, usd);
            let terms: Terms = serde_json::from_str(&TERMS.replace("BEARER", bearer)).unwrap();
            let agreement = Agreement::try_new(terms, gross).unwrap();
            let exchange =
                Exchange { currency: cny, mid: Rate::parse(usd, cny, "7.12").ok(), spread: BasisPoints(50) };
            let exchanges = BTreeMap::from_iter(converted.then_some((SupplierId::from_bits(1), exchange)));
            let rate = Rate::parse(usd, eur, "0.9137").unwrap();
            let fee = Money::from_minor(fee, usd);
            let received = rate.convert(gross.checked_sub(fee).unwrap()).unwrap().round(Rounding::HalfUp);
            let settlement = settle(&SettlementInput {
                contract: &Contract::of(&merchant, &account),
                agreement: &agreement,
                fee: GatewayFee::Charged { amount: fee, scheduled: vec![] },
                received: gateway_converts.then_some((received, rate)),
                received_mid: None,
                commission: Commission::none(),
                exchanges: &exchanges,
            }).unwrap();
            let booking = Booking {
                ids: &ids,
                merchant: merchant.id,
                account: &account,
                source: "c",
                subject: "p",
                at: from_micros(1_795_000_000_000_000),
            };
            for transaction in settlement.book(&booking).unwrap() {
                prop_assert!(transaction.postings().len() >= 2);
            }
            let mut standing: Vec<Refund> = Vec::new();
            let requests = steps.into_iter().map(|(supplier, minor, fails)| {
                let supplier = SupplierId::from_bits(supplier);
                let amount = Money::from_minor(minor, usd);
                let allocation = vec![crate::domain::refunds::Allocation { supplier, amount }];
                (RefundRequest { allocation, ..RefundRequest::default() }, fails)
            });
            for (request, fails) in requests.chain([(RefundRequest::default(), false)]) {
                let funds = |supplier: SupplierId, currency: Currency| Funds {
                    own: vec![(
                        Account::new(AccountCode::SUPPLIER_PENDING, Owner::of(supplier)),
                        own_pending(&settlement, &standing, supplier, currency).unwrap(),
                    )],
                    available: Money::zero(currency),
                };
                let refund = match decide(&request, &RefundTerms {
                    settlement: &settlement,
                    account: &account,
                    earlier: &standing,
                    deliveries: &[],
                    funds: &funds,
                    fx_difference: FxDifference::Platform,
                }) {
                    Ok(refund) => refund,
                    Err(RefundError::TooMuch { .. } | RefundError::NothingLeft) => continue,
                    Err(error) => return Err(TestCaseError::fail(error.to_string())),
                };
                prop_assert!(refund.decided(&booking).unwrap().is_some());
                if !fails {
                    standing.push(refund);
                }
            }
            for (index, part) in settlement.parts.iter().enumerate() {
                let sum = |of: fn(&PartRefund) -> Money, like: Money| {
                    Money::sum(like.currency(), standing.iter().map(|refund| of(&refund.parts[index]))).unwrap()
                };
                prop_assert_eq!(sum(|refund| refund.charged, part.charged), part.charged);
                prop_assert_eq!(sum(|refund| refund.share, part.share), part.share);
                prop_assert_eq!(sum(|refund| refund.commission, part.share), part.commission);
                prop_assert_eq!(sum(|refund| refund.tax, part.share), part.tax);
                prop_assert_eq!(sum(|refund| refund.fee_borne, part.charged), part.fee_borne);
                prop_assert_eq!(sum(|refund| refund.fee_absorbed, part.charged), part.fee_absorbed);
                prop_assert_eq!(sum(|refund| refund.from_deferred, part.share), part.commission);
            }
            for conversion in &settlement.conversions {
                let mirrored = standing.iter().flat_map(|refund| &refund.conversions);
                let paid = Money::sum(cny, mirrored.map(|refund| refund.paid)).unwrap();
                prop_assert_eq!(paid, conversion.paid);
            }
        }
    }
}
