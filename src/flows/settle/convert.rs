//! Suppliers' own currencies: the rates of the moment, and conversions that had to wait for one.
//!
//! A capture is never refused for want of a rate. With a stale one the conversion is done and marked stale where that is
//! allowed (sandbox), else the share stays in the payment's currency until a job finds a fresh rate.
//!
//! The contract says which moment's rate binds the supplier (`fx_point`), the one of the day of the capture for good.
//! `available`: the share stays in the payment's currency until it is to be released, is converted before it is, and where
//! there is no rate then it waits for one and is not released. `payout`: the same with the draft of a payout plan, which
//! releases it; without a rate it stays pending, and the plan says so.

use serde::{Deserialize, Serialize};

use crate::domain::fx::MarketRate;
use crate::domain::merchants::{FxPoint, GatewayAccount};
use crate::domain::refunds;
use crate::domain::settlement::{Inputs, LaterConversion, Mid, Settlement};
use crate::flows::pay::Commits;
use crate::ids::{MerchantId, SupplierId};
use crate::money::{Currency, Money, MoneyError};
use crate::store::payments::PAYMENT;
use crate::store::settlements::SettlementRecord;
use crate::store::{Change, CommitError, Versioned};

use super::asked::{Waiting, charge_of};
use super::unrated::Unrated;
use super::{SettleError, Settlements, broken, post};

/// Settlements that are read at once.
const PAGE: u32 = 100;
/// How often a settlement to be released is looked at again.
const DECISIONS: usize = 8;

/// The rates a settlement needs, and where they are from.
#[derive(Debug, Default)]
pub(super) struct Exchanges {
    pub(super) by_supplier: Vec<(SupplierId, Currency, Option<Mid>)>,
    pub(super) evidence: Vec<RateEvidence>,
}

/// Where a rate came from, kept with the settlement that used it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RateEvidence {
    base: Currency,
    quote: Currency,
    rate: String,
    providers: Vec<String>,
    as_of: chrono::DateTime<chrono::Utc>,
    fetched_at: chrono::DateTime<chrono::Utc>,
    stale: bool,
    evidence: Vec<String>,
}

impl From<&MarketRate> for RateEvidence {
    fn from(market: &MarketRate) -> RateEvidence {
        RateEvidence {
            base: market.rate.base(),
            quote: market.rate.quote(),
            rate: market.rate.value().to_string(),
            providers: market.providers.clone(),
            as_of: market.as_of,
            fetched_at: market.fetched_at,
            stale: market.stale,
            evidence: market.evidence.clone(),
        }
    }
}

impl Settlements {
    /// A rate fit to convert by, if there is one now.
    pub(in crate::flows) fn mid(&self, base: Currency, quote: Currency) -> Option<MarketRate> {
        let market = self.0.rates.mid(base, quote).ok()?;
        (!market.stale || self.0.allow_stale_reference).then_some(market)
    }

    /// What suppliers need that settle in another currency than `shared`; no rate yet where the contract binds a later one.
    pub(super) async fn exchanges(
        &self,
        account: &GatewayAccount,
        suppliers: Vec<SupplierId>,
        merchant: MerchantId,
        shared: Currency,
    ) -> Result<Exchanges, SettleError> {
        let mut exchanges = Exchanges::default();
        for supplier in suppliers {
            let Some(known) = self.0.store.supplier(merchant, supplier).await? else { continue };
            let currency = known.value.currency;
            if currency == shared {
                continue;
            }
            let market = match account.fx_point {
                FxPoint::Capture => self.mid(shared, currency),
                FxPoint::Available | FxPoint::Payout => None,
            };
            exchanges.evidence.extend(market.as_ref().map(RateEvidence::from));
            exchanges.by_supplier.push((supplier, currency, market.map(|market| market.rate.into())));
        }
        Ok(exchanges)
    }

    /// Converts what had to wait, where there is a rate by now. Answers how many settlements moved.
    ///
    /// # Errors
    /// [`SettleError`].
    pub async fn convert_waiting(&self) -> Result<usize, SettleError> {
        self.convert_waiting_through(&self.0.store).await
    }

    /// The same, each conversion booked through `rows`: under a lease that is lost nothing is.
    ///
    /// # Errors
    /// [`SettleError`], the first one: it keeps back its own settlement and no other.
    pub async fn convert_waiting_through(&self, rows: &dyn Commits) -> Result<usize, SettleError> {
        let (mut moved, mut behind, mut unrated, mut first) = (0, None, Unrated::default(), None);
        loop {
            // Those whose pair has no rate do not keep the ones behind them waiting.
            let page = self.0.store.waiting_settlements(behind, PAGE).await?;
            let Some(last) = page.last() else { break };
            behind = Some((last.value.created_at, last.value.id));
            for record in page {
                let payment = record.value.payment;
                let converted = match Waiting::of(&record.value) {
                    Ok(Some(waiting)) => self.convert_one(record, waiting, rows, &mut unrated).await,
                    Ok(None) => continue,
                    Err(error) => Err(error),
                };
                match converted {
                    Ok(one) => moved += usize::from(one),
                    Err(error) => {
                        tracing::warn!(%payment, %error, "what waits for a rate is not converted");
                        first.get_or_insert(error);
                    }
                }
            }
        }
        self.tell_of_unrated(unrated).await?;
        first.map_or(Ok(moved), Err)
    }

    /// Converts what the contract binds at the rate of the moment it becomes available, before it does. Answers the settlement
    /// as it is then to be released; `None` where something stays unconverted, which waits for a rate from now on.
    pub(in crate::flows) async fn convert_released(
        &self,
        mut record: Versioned<SettlementRecord>,
    ) -> Result<Option<Versioned<SettlementRecord>>, SettleError> {
        for _ in 0..DECISIONS {
            let suppliers = self.unconverted(&record.value, FxPoint::Available).await?;
            if suppliers.is_empty() {
                return Ok(Some(record));
            }
            let suppliers = suppliers.into_iter().map(|share| share.supplier).collect();
            let waiting = Waiting { since: self.0.clock.now(), suppliers };
            let id = record.value.payment;
            let done = self.convert_one(record, waiting, &self.0.store, &mut Unrated::default()).await?;
            let again = self.0.store.settlement_of(id).await?;
            // What a refund gives back to the share meanwhile is looked at again.
            match again.filter(|again| done && again.value.waiting.is_none()) {
                Some(again) => record = again,
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Converts these suppliers' shares as they are about to be paid out. Whose rate is not to be had stays as it was.
    pub(in crate::flows) async fn convert_paid_out(
        &self,
        record: Versioned<SettlementRecord>,
        suppliers: Vec<SupplierId>,
    ) -> Result<bool, SettleError> {
        let waiting = Waiting { since: self.0.clock.now(), suppliers };
        self.convert_one(record, waiting, &self.0.store, &mut Unrated::default()).await
    }

    /// As it is stored with a settlement: these wait for a payout's rate.
    pub(in crate::flows) fn until_payout(
        &self,
        shares: &[Unconverted],
    ) -> Result<Option<String>, SettleError> {
        let suppliers = shares.iter().map(|share| share.supplier).collect();
        Waiting { since: self.0.clock.now(), suppliers }.stored()
    }

    /// Shares that are pending in the shared currency though the contract has them converted at `point`: all of them, or what a
    /// refund or a dispute gave back since.
    pub(in crate::flows) async fn unconverted(
        &self,
        record: &SettlementRecord,
        point: FxPoint,
    ) -> Result<Vec<Unconverted>, SettleError> {
        let Some(inputs) = inputs_of(record)?.filter(|inputs| inputs.contract.fx_point == point) else {
            return Ok(vec![]);
        };
        // What the gateway converted is not converted again.
        if inputs.received.is_some() || inputs.exchanges.is_empty() {
            return Ok(vec![]);
        }
        let settlement: Settlement = serde_json::from_str(&record.frozen).map_err(broken)?;
        let (shared, back) = (settlement.shared_currency(), self.given_back(record.payment).await?);
        let mut shares = vec![];
        for (supplier, _, _) in inputs.exchanges {
            let left = refunds::own_pending(&settlement, &back, supplier, shared).map_err(broken)?;
            let left = left.checked_sub(record.released_of(supplier, shared)).map_err(broken)?;
            let known = self.0.store.supplier(record.merchant, supplier).await?;
            let into = known.map_or(shared, |known| known.value.currency);
            if left.is_positive() && into != shared {
                shares.push(Unconverted { supplier, left, into });
            }
        }
        Ok(shares)
    }

    /// Converts those of whom there is a rate, and writes down who waits for one. Answers whether any share was.
    async fn convert_one(
        &self,
        record: Versioned<SettlementRecord>,
        waited: Waiting,
        rows: &dyn Commits,
        unrated: &mut Unrated,
    ) -> Result<bool, SettleError> {
        let Some(payment) = self.0.store.payment(record.value.payment).await? else {
            return Ok(false);
        };
        let accounts = self.0.store.gateway_accounts().await?;
        let Some(account) =
            accounts.into_iter().find(|stored| stored.value.account.id == payment.value.account)
        else {
            return Ok(false);
        };
        let account = account.value.account;
        let mut settlement: Settlement = serde_json::from_str(&record.value.frozen).map_err(broken)?;
        let inputs = inputs_of(&record.value)?;
        let point = inputs.as_ref().map_or(FxPoint::Capture, |inputs| inputs.contract.fx_point);
        // What is held for a dispute comes free when that ends, if it does, and has that moment's rate.
        if payment.value.disputed && !point.is_capture() {
            return Ok(false);
        }
        let mut later = vec![];
        let mut evidence: Vec<RateEvidence> = serde_json::from_str(&record.value.rates).map_err(broken)?;
        let source = payment.value.state.taken().map(|taken| taken.capture_ref.clone()).unwrap_or_default();
        let subject = payment.value.id.to_string();
        let booking = self.booking(&payment.value, &account, &source, &subject, self.0.clock.now());
        let merchant = self.merchant(payment.value.merchant).await?;
        let charge =
            charge_of(&payment.value, &account, &merchant, None, settlement.gross, record.value.created_at);
        let spread = self.0.fees.markup(&charge).map_err(broken)?;
        // A refund decided since raised the payment's version: what is converted is what is left.
        let back = self.given_back(payment.value.id).await?;
        let mut change = Change::new();
        let mut waits = Waiting { suppliers: vec![], ..waited };
        for supplier in waited.suppliers {
            let Some(known) = self.0.store.supplier(payment.value.merchant, supplier).await? else {
                waits.suppliers.push(supplier);
                continue;
            };
            let pair = (settlement.shared_currency(), known.value.currency);
            // It is settled in what it has by now.
            if pair.0 == pair.1 {
                continue;
            }
            let Some(market) = self.mid(pair.0, pair.1) else {
                unrated.meet(&account, payment.value.id, pair, waits.since);
                waits.suppliers.push(supplier);
                continue;
            };
            let refunded = share_taken(&settlement, &back, supplier).map_err(broken)?;
            later.push(LaterConversion {
                supplier,
                currency: known.value.currency,
                mid: market.rate.into(),
                spread_bps: spread.0,
                refunded,
            });
            let conversion = settlement.convert_pending(supplier, market.rate, spread, refunded, point);
            if let Some(conversion) = conversion.map_err(broken)? {
                evidence.push(RateEvidence::from(&market));
                let own = settlement.conversions.iter().filter(|deal| deal.supplier == supplier);
                post(&mut change, conversion.book(&booking, own.count()))?;
            }
        }
        let waiting = match point {
            FxPoint::Payout => record.value.waiting.clone(),
            FxPoint::Capture | FxPoint::Available => waits.stored()?,
        };
        if later.is_empty() && waiting == record.value.waiting {
            return Ok(false);
        }
        let done = !later.is_empty();
        change.require(&PAYMENT, payment.value.id, payment.version);
        let inputs = inputs.map(|mut inputs| {
            inputs.later.extend(later);
            serde_json::to_string(&inputs)
        });
        let after = SettlementRecord {
            inputs: inputs.transpose().map_err(broken)?,
            lines: serde_json::to_string(&settlement.lines).map_err(broken)?,
            frozen: serde_json::to_string(&settlement).map_err(broken)?,
            waiting,
            rates: serde_json::to_string(&evidence).map_err(broken)?,
            ..record.value
        };
        change.update_settlement(&after, record.version);
        match rows.commit(change).await {
            Ok(_) => Ok(done),
            // Another instance did it, or a refund took part of the share: read again next time.
            Err(
                CommitError::LostUpdate { .. }
                | CommitError::AlreadyBooked { .. }
                | CommitError::BelowFloor { .. },
            ) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// A share that its contract has converted later than at capture.
#[derive(Debug, Clone, Copy)]
pub(in crate::flows) struct Unconverted {
    pub(in crate::flows) supplier: SupplierId,
    /// What is left of it.
    pub(in crate::flows) left: Money,
    /// What it becomes.
    pub(in crate::flows) into: Currency,
}

fn inputs_of(record: &SettlementRecord) -> Result<Option<Inputs>, SettleError> {
    record.inputs.as_deref().map(serde_json::from_str).transpose().map_err(broken)
}

/// What refunds and disputes took of a supplier's share out of its pending bucket, the fee that it bears on them too: no
/// more than what is left is there to convert.
fn share_taken(
    settlement: &Settlement,
    back: &[refunds::Refund],
    supplier: SupplierId,
) -> Result<Money, MoneyError> {
    let shared = settlement.shared_currency();
    let own = settlement.parts.iter().filter(|part| part.supplier == Some(supplier));
    let share = Money::sum(shared, own.map(|part| part.share))?;
    share.checked_sub(refunds::own_pending(settlement, back, supplier, shared)?)
}
