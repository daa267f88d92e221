//! Paying back: decided from the frozen settlement, written down with its postings, sent once under its own reference.
//!
//! ```text
//! request ─► decide (pure) ─► one change: refund, intent, postings ─► gateway ─► apply_refund_report
//!                                                    recover ─► query first ─────┘
//! ```
//!
//! It counts against what was captured from the moment it is written down. A call whose outcome is unknown is asked
//! about, never sent under a second reference.

mod error;
mod send;
mod unseen;

use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::crash::{Point, point};
use crate::domain::ledger::journal::Booking;
use crate::domain::merchants::GatewayAccount;
use crate::domain::orders::refund::{Refund, RefundKind, RefundState};
use crate::domain::orders::{Holder, Intent, IntentKind, Payment, PaymentState, ReportSource, Taken};
use crate::domain::refunds::{self, FxDifference, RefundRequest, RefundTerms, decide};
use crate::domain::settlement::{Delivery, Settlement};
use crate::ids::{IdSource, MerchantId, PaymentId, RefundId, SupplierId};
use crate::money::{Currency, Money};
use crate::store::settlements::{SETTLEMENT, SettlementRecord};
use crate::store::{Change, CommitError, Store, Versioned};

use super::pay::Pay;
use super::rounds::Rounds;
use super::settle::{Settlements, refund_view};
use super::withholding::Event;

pub use error::RefundFlowError;

/// How often a decision is taken again after somebody else was faster.
const DECISIONS: usize = 16;

/// What is asked for: `{"amount"?,"items"?,"allocation"?,"reason"?,"fx_difference"?}`.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundInput {
    /// In the payment's currency; absent: all that is left, or what the named parts come to.
    #[schema(nullable = false)]
    #[serde(default, deserialize_with = "named")]
    pub amount: Option<Money>,
    /// Whole items by their `ref`.
    #[schema(min_items = 1)]
    #[serde(default, deserialize_with = "at_least_one")]
    pub items: Vec<String>,
    /// How much of whose part.
    #[schema(min_items = 1)]
    #[serde(default, deserialize_with = "at_least_one")]
    pub allocation: Vec<refunds::Allocation>,
    /// Why, for the shopper and the books.
    #[serde(default)]
    pub reason: String,
    /// Who bears a rate that moved since a share was converted.
    #[serde(default)]
    pub fx_difference: FxBearer,
}

/// A refund that names nothing is of everything: so a field that is there names something, `null` and `[]` are refused.
fn named<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

fn at_least_one<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let list = Vec::<T>::deserialize(deserializer)?;
    if list.is_empty() {
        return Err(D::Error::custom(
            "an empty list names nothing; leave the field out to refund all that is left",
        ));
    }
    Ok(list)
}

/// Who bears a rate that moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FxBearer {
    /// The platform: the share goes back at its own rate.
    #[default]
    Platform,
    /// The supplier: the share goes back at today's rate.
    Supplier,
    /// The shopper: not offered, because who cancels lawfully gets back what was paid.
    Customer,
}

/// The flow of a refund; clones share it.
#[derive(Debug, Clone)]
pub struct Refunding(Arc<Parts>, Arc<Rounds>);

/// What it works with.
#[derive(Debug)]
pub struct Parts {
    /// Reads, and the one writer.
    pub store: Store,
    /// Ids.
    pub ids: IdSource,
    /// Payments: requests, secrets, gateway accounts.
    pub pay: Pay,
    /// The money side.
    pub settlements: Settlements,
    /// Who we are to leases.
    pub holder: Holder,
    /// Business time.
    pub clock: crate::clock::Clock,
}

/// A payment as a refund finds it.
struct Ground {
    payment: Versioned<Payment>,
    taken: Taken,
    account: GatewayAccount,
    record: Versioned<SettlementRecord>,
    settlement: Settlement,
    earlier: Vec<refunds::Refund>,
    deliveries: Vec<Delivery>,
}

impl Refunding {
    /// The flow over its parts.
    pub fn new(parts: Parts) -> Refunding {
        Refunding(Arc::new(parts), Arc::default())
    }

    /// The same; its rounds take one refund after the other.
    pub fn one_by_one(parts: Parts) -> Refunding {
        Refunding(Arc::new(parts), Arc::new(Rounds::one_by_one()))
    }

    /// Decides a refund, writes it down with `extra`, and sends it. The answer says how it stands by then; `id` is
    /// minted by the caller, who may have promised it.
    ///
    /// # Errors
    /// [`RefundFlowError`]; nothing was promised.
    pub async fn request(
        &self,
        merchant: MerchantId,
        payment: PaymentId,
        id: RefundId,
        input: &RefundInput,
        extra: Change,
    ) -> Result<Refund, RefundFlowError> {
        if input.fx_difference == FxBearer::Customer {
            return Err(RefundFlowError::CustomerBears);
        }
        self.ask_first(merchant, payment).await?;
        let foreign = extra.tables();
        for _ in 0..DECISIONS {
            let ground = self.ground(merchant, payment).await?;
            self.nothing_went_back_elsewhere(&ground.payment.value, ground.taken.amount).await?;
            let decision = self.decide(&ground, input).await?;
            let (mut change, refund) = self.decided(&ground, id, &decision, &input.reason).await?;
            self.intend(&mut change, &refund);
            // Every decision raises the payment's version: two taken side by side cannot both stand.
            let payment = Payment { updated_at: refund.created_at, ..ground.payment.value.clone() };
            change.update_payment(&payment, ground.payment.version);
            change.extend(extra.clone());
            point(Point::RefundDecided).await;
            match self.0.store.commit(change).await {
                Ok(_) => {
                    point(Point::RefundIntended).await;
                    self.send_written(refund.id).await;
                    return self.get(merchant, refund.id).await;
                }
                Err(CommitError::LostUpdate { table, .. }) if foreign.contains(&table) => {
                    return Err(RefundFlowError::Superseded { table });
                }
                // Somebody was faster with this payment or these balances: decide again from what stands now.
                Err(CommitError::LostUpdate { .. } | CommitError::BelowFloor { .. }) => {}
                Err(error) => return Err(RefundFlowError::unavailable(error)),
            }
        }
        Err(RefundFlowError::Unavailable(format!("{payment} met {DECISIONS} other changes in a row")))
    }

    /// The change that takes a refund made at the gateway as one of this payment's: decided as any other, and done.
    ///
    /// # Errors
    /// [`RefundFlowError`].
    pub(in crate::flows) async fn adopt(
        &self,
        merchant: MerchantId,
        payment: PaymentId,
        id: RefundId,
        input: &RefundInput,
        refund_ref: &str,
    ) -> Result<(Change, Refund), RefundFlowError> {
        let ground = self.ground(merchant, payment).await?;
        let decision = self.decide(&ground, input).await?;
        let (mut change, mut refund) = self.decided(&ground, id, &decision, &input.reason).await?;
        refund.refund_ref = Some(refund_ref.to_owned());
        refund.state = RefundState::Succeeded;
        change.insert_refund(&refund);
        let settlements = &self.0.settlements;
        settlements.count_refund(&mut change, &ground.payment, &refund, ReportSource::Operator).await?;
        let subject = refund.id.to_string();
        settlements.tell(&mut change, merchant, "refund.succeeded", &subject, refund_view(&refund));
        Ok((change, refund))
    }

    /// A refund of this merchant.
    ///
    /// # Errors
    /// [`RefundFlowError::Unknown`].
    pub async fn get(&self, merchant: MerchantId, id: RefundId) -> Result<Refund, RefundFlowError> {
        let found = self.0.store.refund(merchant, id).await?;
        found.map(|refund| refund.value).ok_or(RefundFlowError::Unknown("refund"))
    }

    /// Everything a decision follows from, as it stands now.
    async fn ground(&self, merchant: MerchantId, id: PaymentId) -> Result<Ground, RefundFlowError> {
        let payment = self.0.store.payment(id).await?.filter(|payment| payment.value.merchant == merchant);
        let payment = payment.ok_or(RefundFlowError::Unknown("payment"))?;
        let Some(taken) = payment.value.state.taken().cloned() else {
            return Err(match payment.value.state {
                PaymentState::InReview { held: Some(_), .. } => RefundFlowError::Undivided,
                ref state => RefundFlowError::NotCaptured { state: state.as_str() },
            });
        };
        let open = self.0.pay.accounts().find(payment.value.account);
        let open = open.ok_or_else(|| RefundFlowError::NotSupported(payment.value.gateway.clone()))?;
        if open.gateway.refunds().is_none() {
            return Err(RefundFlowError::NotSupported(payment.value.gateway.clone()));
        }
        let record = self.0.store.settlement_of(id).await?.ok_or(RefundFlowError::Undivided)?;
        let settlement = serde_json::from_str(&record.value.frozen).map_err(RefundFlowError::unavailable)?;
        let deliveries =
            serde_json::from_str(&record.value.delivered).map_err(RefundFlowError::unavailable)?;
        let earlier = self.0.settlements.given_back(id).await.map_err(RefundFlowError::unavailable)?;
        Ok(Ground { payment, taken, account: open.account.clone(), record, settlement, earlier, deliveries })
    }

    async fn decide(&self, ground: &Ground, input: &RefundInput) -> Result<refunds::Refund, RefundFlowError> {
        let (record, settlement, earlier) = (&ground.record.value, &ground.settlement, &ground.earlier);
        let purse = self.0.settlements.purse(record, settlement, earlier, None).await;
        let purse = purse.map_err(RefundFlowError::unavailable)?;
        let fx_difference = match input.fx_difference {
            FxBearer::Supplier => FxDifference::Supplier(self.rates_of(&ground.settlement)),
            FxBearer::Platform | FxBearer::Customer => FxDifference::Platform,
        };
        let of = |supplier: SupplierId, currency: Currency| purse.funds(supplier, currency);
        let terms = RefundTerms {
            settlement: &ground.settlement,
            account: &ground.account,
            earlier: &ground.earlier,
            deliveries: &ground.deliveries,
            funds: &of,
            fx_difference,
        };
        let request = RefundRequest {
            amount: input.amount,
            items: input.items.clone(),
            allocation: input.allocation.clone(),
        };
        Ok(decide(&request, &terms)?)
    }

    fn rates_of(&self, settlement: &Settlement) -> Vec<crate::money::Rate> {
        let pairs = settlement
            .conversions
            .iter()
            .map(|conversion| (conversion.from.currency(), conversion.paid.currency()));
        pairs.filter_map(|(from, to)| self.0.settlements.mid(from, to)).map(|market| market.rate).collect()
    }

    /// The postings of a decision, on the settlement it was taken from, and the refund to be written with them.
    async fn decided(
        &self,
        ground: &Ground,
        id: RefundId,
        decision: &refunds::Refund,
        reason: &str,
    ) -> Result<(Change, Refund), RefundFlowError> {
        let now = self.0.clock.now();
        let payment = &ground.payment.value;
        let refund = Refund {
            id,
            merchant: payment.merchant,
            payment: payment.id,
            kind: RefundKind::Settlement,
            amount: decision.amount,
            reason: reason.to_owned(),
            capture_ref: ground.taken.capture_ref.clone(),
            refund_ref: None,
            state: RefundState::Pending,
            decided: serde_json::to_string(decision).map_err(RefundFlowError::unavailable)?,
            created_at: now,
            updated_at: now,
        };
        let (source, subject) = (id.to_string(), payment.id.to_string());
        let booking = Booking {
            ids: &self.0.ids,
            merchant: payment.merchant,
            account: &ground.account,
            source: &source,
            subject: &subject,
            at: now,
        };
        let mut change = Change::new();
        change.extend(
            decision
                .decided(&booking)
                .map_err(RefundFlowError::unavailable)?
                .map(Change::posting)
                .unwrap_or_default(),
        );
        change.require(&SETTLEMENT, ground.record.value.id, ground.record.version);
        let lowered = Event::Refunded(decision);
        let counted = self.0.settlements.count_sale(&mut change, &ground.record.value, lowered).await;
        counted.map_err(RefundFlowError::unavailable)?;
        Ok((change, refund))
    }

    /// A refund and the call that will be made for it, leased by us.
    pub(in crate::flows) fn intend(&self, change: &mut Change, refund: &Refund) {
        let kind = IntentKind::Refund(refund.id);
        let intent = Intent::leased(
            self.0.ids.mint(),
            refund.merchant,
            refund.payment,
            kind,
            self.0.holder,
            refund.created_at,
        );
        change.insert_refund(refund);
        change.insert_intent(&intent);
    }

    /// The answer of the API.
    pub fn view(refund: &Refund) -> serde_json::Value {
        refund_view(refund)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_is_something() {
        let read = serde_json::from_str::<RefundInput>;
        assert_eq!(read("{}").unwrap().amount, None);
        assert_eq!(read(r#"{"items":["a"]}"#).unwrap().items, ["a"]);
        for nothing in [r#"{"amount":null}"#, r#"{"items":[]}"#, r#"{"allocation":[]}"#, r#"{"items":null}"#]
        {
            assert!(read(nothing).is_err(), "{nothing} would refund everything");
        }
    }
}
