//! Shares become payable: 2100 to 2110, a transaction of its own at the start of the merchant's next business day.
//!
//! | `available_when` | money counts as there |
//! |---|---|
//! | `gateway_available` | captured and divided, and the gateway holds nothing back |
//! | `bank_received` | its payout was credited by the bank |
//! | `calendar` | with the day: the platform lends its own money, and finance moves it to the client account |
//!
//! What a supplier's terms keep back goes to its reserve (2120) instead, for so many days; the reserve is told apart by
//! its day. A share with a dispute, an open finding or a conversion that waits stays pending; one that the rate of this moment
//! binds (`fx_point = available`) is converted first, and waits where there is none; one that the payout's rate binds stays
//! pending until a payout plan is drafted. A business day is a day in the merchant's zone; where a gateway account has a
//! cut-off or calendars, they decide what counts as a day's and which days are good ([`Availability`]).
//!
//! [`Availability`]: crate::domain::statements::Availability

use std::collections::BTreeMap;

use crate::clock::Clock;
use crate::domain::findings::FindingKind;
use crate::domain::ledger::journal::{self, Booking, Fact};
use crate::domain::merchants::{AvailableWhen, FxPoint, GatewayAccount, Merchant};
use crate::domain::refunds::own_pending;
use crate::domain::settlement::Settlement;
use crate::ids::{IdSource, SupplierId};
use crate::money::{Currency, Money};
use crate::store::payments::PAYMENT;
use crate::store::settlements::{Released, SettlementRecord};
use crate::store::{Change, CommitError, Store, StoreError, Versioned};

mod payout;
mod reserves;

use super::pay::{Accounts, OpenAccount};
use super::settle::{Settlements, given_back};
use super::withholding::{Counting, Event, Withholding};

/// Payments released by one transaction.
const AT_ONCE: u32 = 200;

/// The flow; clones share what it works with.
#[derive(Debug, Clone)]
pub struct Releasing {
    /// Reads, and the one writer.
    pub store: Store,
    /// Ids.
    pub ids: IdSource,
    /// Business time.
    pub clock: Clock,
    /// Gateway accounts.
    pub accounts: Accounts,
    /// Counts what is released as turnover.
    pub withholding: Withholding,
    /// Converts what this moment's rate binds.
    pub settlements: Settlements,
}

/// Why nothing was released; what is left over is looked at again.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The writer.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// What is stored does not read, or does not sum.
    #[error("{0}")]
    Broken(String),
}

fn broken(error: impl std::fmt::Display) -> ReleaseError {
    ReleaseError::Broken(error.to_string())
}

impl Releasing {
    /// Releases what may be released by now, and answers for how many payments.
    ///
    /// # Errors
    /// [`ReleaseError`], the first one: it keeps back its own gateway account or merchant's reserves, and nothing else.
    pub async fn release_due(&self) -> Result<usize, ReleaseError> {
        let (mut count, mut first) = (0, None);
        for merchant in self.store.merchants().await? {
            if let Err(error) = self.release_reserves(&merchant).await {
                tracing::warn!(merchant = %merchant.id, %error, "reserves stay where they are");
                first.get_or_insert(error);
            }
            let accounts = self.accounts.all();
            let own = accounts.iter().filter(|open| open.account.merchant == merchant.id);
            for open in own.filter(|open| open.account.lands_here()) {
                match self.release_of(open, &merchant).await {
                    Ok(done) => count += done,
                    Err(error) => {
                        tracing::warn!(account = open.account.name, %error, "shares stay pending");
                        first.get_or_insert(error);
                    }
                }
            }
        }
        first.map_or(Ok(count), Err)
    }

    /// The same of one gateway account.
    async fn release_of(&self, open: &OpenAccount, merchant: &Merchant) -> Result<usize, ReleaseError> {
        let account = &open.account;
        let before = open.available.taken_before(self.clock.now(), merchant.zone);
        let at_bank = account.available_when == AvailableWhen::BankReceived;
        let mut count = 0;
        loop {
            let due = self.store.releasable_settlements(account, before, at_bank, AT_ONCE).await?;
            let full = due.len() == AT_ONCE as usize;
            let (ready, waits) = self.convert(due).await?;
            let done = self.release(account, ready).await?;
            count += done;
            if !full || done + waits == 0 {
                return Ok(count);
            }
        }
    }

    /// What this moment's rate binds is converted. Answers what is to be released, and how many wait for a rate from now on.
    async fn convert(
        &self,
        due: Vec<Versioned<SettlementRecord>>,
    ) -> Result<(Vec<Versioned<SettlementRecord>>, usize), ReleaseError> {
        let (mut ready, mut waits) = (Vec::with_capacity(due.len()), 0);
        for row in due {
            let id = row.value.payment;
            match self.settlements.convert_released(row).await {
                Ok(Some(row)) => ready.push(row),
                Ok(None) => {
                    let now = self.store.settlement_of(id).await?;
                    waits += usize::from(now.is_some_and(|row| row.value.waiting.is_some()));
                }
                Err(error) => tracing::error!(payment = %id, %error, "a share is not converted"),
            }
        }
        Ok((ready, waits))
    }

    /// Releases these together; where somebody was faster with one of them, one by one.
    async fn release(
        &self,
        account: &GatewayAccount,
        due: Vec<Versioned<SettlementRecord>>,
    ) -> Result<usize, ReleaseError> {
        if due.is_empty() {
            return Ok(0);
        }
        match self.store.commit(self.change(account, &due).await?).await {
            Ok(_) => return Ok(due.len()),
            Err(
                CommitError::LostUpdate { .. }
                | CommitError::BelowFloor { .. }
                | CommitError::AlreadyBooked { .. },
            ) => {}
            Err(error) => return Err(error.into()),
        }
        let mut count = 0;
        for one in due {
            let change = self.change(account, std::slice::from_ref(&one)).await?;
            match self.store.commit(change).await {
                Ok(_) => count += 1,
                Err(CommitError::LostUpdate { .. }) => {}
                Err(error @ (CommitError::BelowFloor { .. } | CommitError::AlreadyBooked { .. })) => {
                    self.leave_to_a_person(account, &one.value, &error).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(count)
    }

    /// A finding, which keeps the share pending until somebody has seen to it: the books have it not as it was divided.
    async fn leave_to_a_person(
        &self,
        account: &GatewayAccount,
        record: &SettlementRecord,
        error: &CommitError,
    ) -> Result<(), ReleaseError> {
        let payment = record.payment.to_string();
        tracing::error!(%error, payment, "a share cannot be released");
        let fact = format!("{payment}/release");
        let kind = FindingKind::ActionNeeded;
        let detail = format!("what suppliers have of {payment} cannot become available: {error}");
        let mut finding = self.settlements.finding(kind, account, &fact, None, detail);
        finding.payment = Some(payment);
        let mut change = Change::new();
        self.settlements.open(&mut change, finding).await.map_err(broken)?;
        if change.is_empty() {
            return Ok(());
        }
        match self.store.commit(change).await {
            // Somebody else found it at the same time.
            Ok(_) | Err(CommitError::AlreadyBooked { .. } | CommitError::LostUpdate { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// One transaction for each supplier and currency, and the row of each payment.
    async fn change(
        &self,
        account: &GatewayAccount,
        due: &[Versioned<SettlementRecord>],
    ) -> Result<Change, ReleaseError> {
        let now = self.clock.now();
        let mut change = Change::new();
        let mut sums: BTreeMap<(SupplierId, Currency), Money> = BTreeMap::new();
        let mut counting = Counting::default();
        let mut first = None;
        for row in due {
            let payment = self.store.payment(row.value.payment).await?;
            let payment = payment.ok_or_else(|| broken(format!("{} is gone", row.value.payment)))?;
            // What is held for a dispute is not pending; it comes back when that ends.
            if payment.value.disputed {
                continue;
            }
            first.get_or_insert((row.value.id, row.version));
            // Every refund decided raises it: what one takes is not released beside it.
            change.require(&PAYMENT, payment.value.id, payment.version);
            let later = self.settlements.unconverted(&row.value, FxPoint::Payout).await.map_err(broken)?;
            let waiting = self.settlements.until_payout(&later).map_err(broken)?;
            let mut record = SettlementRecord { released_at: Some(now), waiting, ..row.value.clone() };
            let stays = |supplier: SupplierId, left: Money| {
                let mut later = later.iter();
                later.any(|of| of.supplier == supplier && of.left.currency() == left.currency())
            };
            for (supplier, left) in self.left(&row.value).await? {
                if stays(supplier, left) {
                    continue;
                }
                let sum = sums.entry((supplier, left.currency())).or_insert(Money::zero(left.currency()));
                *sum = sum.checked_add(left).map_err(broken)?;
                let before = record.released_of(supplier, left.currency());
                record
                    .released
                    .retain(|of| of.supplier != supplier || of.amount.currency() != left.currency());
                let amount = before.checked_add(left).map_err(broken)?;
                record.released.push(Released { supplier, amount });
            }
            let but: Vec<SupplierId> = later.iter().map(|of| of.supplier).collect();
            let event = Event::Released { but: &but };
            let counted = self.withholding.count(&mut counting, &mut change, &row.value, event).await;
            counted.map_err(broken)?;
            change.release_settlement(&record, row.version);
        }
        let Some((first, version)) = first else { return Ok(change) };
        for ((supplier, currency), amount) in sums {
            // The first of those released here, at its version: released again after a failed refund, it is another fact,
            // and one that a dispute kept back has its own yet to come.
            let source = format!("{first}/{version}/{supplier}/{currency}");
            let subject = match due {
                [one] => one.value.payment.to_string(),
                _ => supplier.to_string(),
            };
            let (ids, merchant) = (&self.ids, account.merchant);
            let booking = Booking { ids, merchant, account, source: &source, subject: &subject, at: now };
            let fact = Fact { ids, merchant, source: &source, subject: &subject, at: now };
            let kept = self.keep_back(&mut change, &fact, supplier, amount).await?;
            let rest = amount.checked_sub(kept).map_err(broken)?;
            if let Some(transaction) = journal::released(&booking, supplier, rest).map_err(broken)? {
                change.post(transaction);
            }
        }
        Ok(change)
    }

    /// What is left pending of a payment's own shares.
    async fn left(&self, record: &SettlementRecord) -> Result<Vec<(SupplierId, Money)>, ReleaseError> {
        let settlement: Settlement = serde_json::from_str(&record.frozen).map_err(broken)?;
        let back = given_back(&self.store, record.payment).await.map_err(broken)?;
        let shared = settlement.shared_currency();
        let parts = settlement.parts.iter().filter_map(|part| Some((part.supplier?, shared)));
        let converted = settlement.conversions.iter().map(|one| (one.supplier, one.paid.currency()));
        let places: std::collections::BTreeSet<(SupplierId, Currency)> = parts.chain(converted).collect();
        let mut left = vec![];
        for (supplier, currency) in places {
            let own = own_pending(&settlement, &back, supplier, currency).map_err(broken)?;
            let rest = own.checked_sub(record.released_of(supplier, currency)).map_err(broken)?;
            if rest.is_positive() {
                left.push((supplier, rest));
            }
        }
        Ok(left)
    }
}
