//! Goods were delivered: commission that was deferred at capture is earned (2300 → 4000).

use crate::clock::Clock;
use crate::crash::{Point, point};
use crate::domain::ledger::journal::{self, Booking};
use crate::domain::refunds::from_deferred;
use crate::domain::settlement::{Delivery, DeliveryError, Settlement, deliver};
use crate::ids::{IdSource, MerchantId, PaymentId};
use crate::store::payments::PAYMENT;
use crate::store::settlements::SettlementRecord;
use crate::store::{Change, CommitError, Store, StoreError, Versioned};

use super::pay::Pay;
use super::settle::given_back;

const DECISIONS: usize = 8;

/// The flow; clones share what it works with.
#[derive(Debug, Clone)]
pub struct Delivering {
    /// Reads, and the one writer.
    pub store: Store,
    /// Ids.
    pub ids: IdSource,
    /// Business time.
    pub clock: Clock,
    /// Gateway accounts.
    pub pay: Pay,
}

/// Why a delivery is not taken.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// No such payment of this merchant.
    #[error("there is no such payment")]
    Unknown,
    /// Nothing was captured and divided.
    #[error("the payment has no settlement; only what was captured can be delivered")]
    NotSettled,
    /// An item that is none.
    #[error(transparent)]
    Refused(#[from] DeliveryError),
    /// A row that came with the request was changed by somebody else.
    #[error("{table} was changed by somebody else")]
    Superseded {
        /// The table.
        table: &'static str,
    },
    /// Try again.
    #[error("{0}")]
    Unavailable(String),
}

impl From<StoreError> for DeliverError {
    fn from(error: StoreError) -> DeliverError {
        DeliverError::Unavailable(error.to_string())
    }
}

impl DeliverError {
    fn unavailable(error: impl std::fmt::Display) -> DeliverError {
        DeliverError::Unavailable(error.to_string())
    }
}

impl Delivering {
    /// Marks `items` (empty: everything) as delivered, writes it down, and answers what it earned. `with` is given the
    /// delivery's name, `pay_…/2`, and makes what is written together with it.
    ///
    /// # Errors
    /// [`DeliverError`].
    pub async fn deliver(
        &self,
        merchant: MerchantId,
        id: PaymentId,
        items: &[String],
        with: impl Fn(&str) -> Change,
    ) -> Result<Delivery, DeliverError> {
        for _ in 0..DECISIONS {
            let payment = self.store.payment(id).await?.filter(|payment| payment.value.merchant == merchant);
            let Versioned { value: payment, version } = payment.ok_or(DeliverError::Unknown)?;
            let record = self.store.settlement_of(id).await?.ok_or(DeliverError::NotSettled)?;
            let settlement: Settlement =
                serde_json::from_str(&record.value.frozen).map_err(DeliverError::unavailable)?;
            let mut deliveries: Vec<Delivery> =
                serde_json::from_str(&record.value.delivered).map_err(DeliverError::unavailable)?;
            let back = given_back(&self.store, id).await.map_err(DeliverError::unavailable)?;
            let undone = from_deferred(&settlement, &back).map_err(DeliverError::unavailable)?;
            let delivery = deliver(&settlement, items, &deliveries, &undone)?;
            deliveries.push(delivery.clone());
            let account = self.pay.accounts().find(payment.account).ok_or(DeliverError::NotSettled)?;
            let (subject, source) = (id.to_string(), format!("{id}/{}", deliveries.len()));
            let (ids, at) = (&self.ids, self.clock.now());
            let booking =
                Booking { ids, merchant, account: &account.account, source: &source, subject: &subject, at };
            let posted =
                journal::delivered(&booking, delivery.commission, delivery.own_sales, settlement.role);
            let mut change =
                posted.map_err(DeliverError::unavailable)?.map(Change::posting).unwrap_or_default();
            let delivered = serde_json::to_string(&deliveries).map_err(DeliverError::unavailable)?;
            change.update_settlement(&SettlementRecord { delivered, ..record.value }, record.version);
            // Every refund decided and every dispute raises it: what one takes is never earned beside it.
            change.require(&PAYMENT, id, version);
            let extra = with(&source);
            let foreign = extra.tables();
            change.extend(extra);
            point(Point::DeliverDecided).await;
            match self.store.commit(change).await {
                Ok(_) => {
                    point(Point::DeliverRecorded).await;
                    return Ok(delivery);
                }
                Err(CommitError::LostUpdate { table, .. }) if foreign.contains(&table) => {
                    return Err(DeliverError::Superseded { table });
                }
                Err(
                    CommitError::LostUpdate { .. }
                    | CommitError::AlreadyBooked { .. }
                    | CommitError::BelowFloor { .. },
                ) => {}
                Err(error) => return Err(DeliverError::unavailable(error)),
            }
        }
        Err(DeliverError::Unavailable(format!("{id} met {DECISIONS} other changes in a row")))
    }

    /// What a delivery earned, by its name.
    ///
    /// # Errors
    /// [`DeliverError::Unknown`].
    pub async fn delivered(&self, merchant: MerchantId, name: &str) -> Result<Delivery, DeliverError> {
        let named = name.split_once('/').and_then(|(payment, number)| {
            Some((payment.parse::<PaymentId>().ok()?, number.parse::<usize>().ok()?.checked_sub(1)?))
        });
        let (payment, index) = named.ok_or(DeliverError::Unknown)?;
        let record = self.store.settlement_of(payment).await?.ok_or(DeliverError::Unknown)?.value;
        let deliveries: Vec<Delivery> =
            serde_json::from_str(&record.delivered).map_err(DeliverError::unavailable)?;
        let found = deliveries.into_iter().nth(index).filter(|_| record.merchant == merchant);
        found.ok_or(DeliverError::Unknown)
    }
}
