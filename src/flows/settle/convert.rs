//! Suppliers' own currencies: the rates of the moment, and conversions that had to wait for one.
//!
//! A capture is never refused for want of a rate. With a stale one the conversion is done and marked stale where that is
//! allowed (sandbox), else the share stays in the payment's currency until a job finds a fresh rate.

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

use super::asked::{charge_of, waiting};
use super::unrated::Unrated;
use super::{SettleError, Settlements, broken, post};

/// Settlements that are read at once.
const PAGE: u32 = 100;

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
    pub(super) fn mid(&self, base: Currency, quote: Currency) -> Option<MarketRate> {
        let market = self.0.rates.mid(base, quote).ok()?;
        (!market.stale || self.0.allow_stale_reference).then_some(market)
    }

    /// What suppliers need that settle in another currency than `shared`; nothing where the contract fixes the rate later.
    pub(super) async fn exchanges(
        &self,
        account: &GatewayAccount,
        suppliers: Vec<SupplierId>,
        merchant: MerchantId,
        shared: Currency,
    ) -> Result<Exchanges, SettleError> {
        let mut exchanges = Exchanges::default();
        if account.fx_point != FxPoint::Capture {
            return Ok(exchanges);
        }
        for supplier in suppliers {
            let Some(known) = self.0.store.supplier(merchant, supplier).await? else { continue };
            let currency = known.value.currency;
            if currency == shared {
                continue;
            }
            let market = self.mid(shared, currency);
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
    /// [`SettleError`].
    pub async fn convert_waiting_through(&self, rows: &dyn Commits) -> Result<usize, SettleError> {
        let (mut moved, mut behind, mut unrated) = (0, None, Unrated::default());
        loop {
            // Those whose pair has no rate do not keep the ones behind them waiting.
            let page = self.0.store.waiting_settlements(behind, PAGE).await?;
            let Some(last) = page.last() else { return Ok(moved) };
            behind = Some((last.value.created_at, last.value.id));
            for record in page {
                moved += usize::from(self.convert_one(record, rows, &mut unrated).await?);
            }
        }
    }

    async fn convert_one(
        &self,
        record: Versioned<SettlementRecord>,
        rows: &dyn Commits,
        unrated: &mut Unrated,
    ) -> Result<bool, SettleError> {
        let Some(payment) = self.0.store.payment(record.value.payment).await? else { return Ok(false) };
        let accounts = self.0.store.gateway_accounts().await?;
        let Some(account) =
            accounts.into_iter().find(|stored| stored.value.account.id == payment.value.account)
        else {
            return Ok(false);
        };
        let mut settlement: Settlement = serde_json::from_str(&record.value.frozen).map_err(broken)?;
        let inputs: Option<Inputs> =
            record.value.inputs.as_deref().map(serde_json::from_str).transpose().map_err(broken)?;
        let mut later = vec![];
        let mut evidence: Vec<RateEvidence> = serde_json::from_str(&record.value.rates).map_err(broken)?;
        let source = payment.value.state.taken().map(|taken| taken.capture_ref.clone()).unwrap_or_default();
        let subject = payment.value.id.to_string();
        let booking =
            self.booking(&payment.value, &account.value.account, &source, &subject, self.0.clock.now());
        let merchant = self.merchant(payment.value.merchant).await?;
        let charge = charge_of(
            &payment.value,
            &account.value.account,
            &merchant,
            None,
            settlement.gross,
            record.value.created_at,
        );
        let spread = self.0.fees.markup(&charge).map_err(broken)?;
        // A refund decided since raised the payment's version: what is converted is what is left.
        let back = self.given_back(payment.value.id).await?;
        let mut change = Change::new();
        let waited = settlement.pending_conversions.len();
        for supplier in settlement.pending_conversions.clone() {
            let Some(known) = self.0.store.supplier(payment.value.merchant, supplier).await? else {
                continue;
            };
            let pair = (settlement.shared_currency(), known.value.currency);
            let Some(market) = self.mid(pair.0, pair.1) else {
                self.tell_of_unrated(unrated, &account.value.account, &record.value, pair).await?;
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
            let conversion = settlement.convert_pending(supplier, market.rate, spread, refunded);
            if let Some(conversion) = conversion.map_err(broken)? {
                evidence.push(RateEvidence::from(&market));
                post(&mut change, conversion.book(&booking))?;
            }
        }
        if settlement.pending_conversions.len() == waited {
            return Ok(false);
        }
        change.require(&PAYMENT, payment.value.id, payment.version);
        let inputs = inputs.map(|mut inputs| {
            inputs.later.extend(later);
            serde_json::to_string(&inputs)
        });
        let after = SettlementRecord {
            inputs: inputs.transpose().map_err(broken)?,
            lines: serde_json::to_string(&settlement.lines).map_err(broken)?,
            frozen: serde_json::to_string(&settlement).map_err(broken)?,
            waiting: waiting(&settlement)?,
            rates: serde_json::to_string(&evidence).map_err(broken)?,
            ..record.value
        };
        change.update_settlement(&after, record.version);
        match rows.commit(change).await {
            Ok(_) => Ok(true),
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
