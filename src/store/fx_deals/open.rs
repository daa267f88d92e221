//! What is open: lots read off the position account, less what closings took.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use crate::domain::fx_book::{FxDeal, Lot, Pair, lots};
use crate::domain::ledger::{AccountCode, AccountEntry, Layer, Place};
use crate::ids::{FxDealId, MerchantId, TransactionId};
use crate::money::Money;
use crate::store::{EXPORT_PAGE, Store, StoreError};

use super::closed::{StoredClosing, read_closing};
use super::read_deal;

/// A merchant's open lots, as of one moment.
#[derive(Debug, Clone, Default)]
pub struct OpenLots {
    /// In booking order.
    pub lots: Vec<Lot>,
    /// The version of the merchant's row in the book; 0 before its first deal.
    pub version: i64,
    /// The number of the last transaction that was read.
    pub upto: i64,
}

impl Store {
    /// What is open of a merchant's lots, now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_lots(&self, merchant: MerchantId) -> Result<OpenLots, StoreError> {
        loop {
            let (closed_upto, version) = self.fx_book(merchant).await?;
            let upto = self.last_transaction_number().await?;
            let open = self.lots_between(merchant, closed_upto, upto, |_| true).await?;
            // A deal in between: its closings may be here and its own lot not.
            if self.fx_book(merchant).await?.1 == version {
                return Ok(OpenLots { lots: open, version, upto });
            }
        }
    }

    /// What was open once transaction `upto` stood. Reads every entry of the position account up to there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_lots_at(&self, merchant: MerchantId, upto: i64) -> Result<OpenLots, StoreError> {
        let entries = self.position_entries(merchant, 0, upto).await?;
        let by_then: HashSet<&str> = entries.iter().map(|entry| entry.source.as_str()).collect();
        let lots = self.open_of(merchant, &entries, 0, |deal| by_then.contains(deal)).await?;
        Ok(OpenLots { lots, version: 0, upto })
    }

    async fn lots_between(
        &self,
        merchant: MerchantId,
        from: i64,
        upto: i64,
        counts: impl Fn(&str) -> bool,
    ) -> Result<Vec<Lot>, StoreError> {
        let entries = self.position_entries(merchant, from, upto).await?;
        self.open_of(merchant, &entries, from, counts).await
    }

    /// The lots of entries behind `from`, less what the closings took whose deal `counts`.
    async fn open_of(
        &self,
        merchant: MerchantId,
        entries: &[AccountEntry],
        from: i64,
        counts: impl Fn(&str) -> bool,
    ) -> Result<Vec<Lot>, StoreError> {
        let too_large = |error: crate::money::MoneyError| StoreError::Unreadable {
            table: "ledger_entry",
            key: merchant.to_string(),
            why: error.to_string(),
        };
        let mut open = lots(entries).map_err(too_large)?;
        let mut places: HashMap<(TransactionId, Pair), usize> = HashMap::with_capacity(open.len());
        for (at, lot) in open.iter().enumerate() {
            places.insert((lot.transaction, lot.pair), at);
        }
        for stored in self.fx_closings_behind(merchant, from).await? {
            if !counts(&stored.deal.to_string()) {
                continue;
            }
            let closing = &stored.closing;
            let of = |id: TransactionId| places.get(&(id, closing.pair)).copied();
            let lot = of(closing.lot).map(|at| (at, closing.lot_quote));
            let by = closing.by.and_then(|(id, _)| of(id)).map(|at| (at, closing.by_quote));
            for (at, quote) in lot.into_iter().chain(by) {
                if closing.pair.is_alone() {
                    open[at].base = Money::zero(closing.pair.base());
                } else {
                    open[at].reduce(closing.base, quote).map_err(too_large)?;
                }
            }
        }
        let first = entries.iter().map(|entry| entry.recorded_at).min();
        if let Some(first) = first.filter(|_| entries.iter().any(|entry| is_deal(&entry.source))) {
            for (transaction, pair, base, quote) in self.fx_deals_closed(merchant, first).await? {
                if let Some(at) = places.get(&(transaction, pair)) {
                    open[*at].reduce(base, quote).map_err(too_large)?;
                }
            }
        }
        open.retain(|lot| !lot.base.is_zero() || !lot.quote.is_zero());
        Ok(open)
    }

    async fn position_entries(
        &self,
        merchant: MerchantId,
        from: i64,
        upto: i64,
    ) -> Result<Vec<AccountEntry>, StoreError> {
        let accounts = self.ledger_balances(merchant, AccountCode::FX_POSITION, "").await?;
        let accounts: Vec<i64> =
            accounts.iter().filter(|row| row.layer == Layer::Posted).map(|row| row.id).collect();
        let mut entries: Vec<AccountEntry> = Vec::new();
        let mut place = Place::after(from);
        if accounts.is_empty() {
            return Ok(entries);
        }
        loop {
            let page = self.account_entries(&accounts, place, upto, EXPORT_PAGE).await?;
            let Some(last) = page.last() else { return Ok(entries) };
            place = last.place;
            entries.extend(page);
        }
    }

    async fn fx_book(&self, merchant: MerchantId) -> Result<(i64, i64), StoreError> {
        let query = sqlx::query_as::<_, (i64, i64)>(
            "SELECT closed_upto, version FROM fx_book WHERE merchant_id = $1",
        );
        let row = query.bind(merchant.to_string()).fetch_optional(self.reads()).await?;
        Ok(row.unwrap_or((0, 0)))
    }

    /// Closings in which a lot behind `from` took part.
    async fn fx_closings_behind(
        &self,
        merchant: MerchantId,
        from: i64,
    ) -> Result<Vec<StoredClosing>, StoreError> {
        let query = sqlx::query(
            "SELECT * FROM fx_closing WHERE merchant_id = $1 AND lot_number > $2
             UNION SELECT * FROM fx_closing WHERE merchant_id = $1 AND by_number IS NOT NULL AND by_number > $2",
        );
        self.all(query.bind(merchant.to_string()).bind(from), read_closing).await
    }

    /// What of deals recorded since closed something: their transaction, and the parts of their own legs.
    async fn fx_deals_closed(
        &self,
        merchant: MerchantId,
        since: DateTime<Utc>,
    ) -> Result<Vec<(TransactionId, Pair, Money, Money)>, StoreError> {
        // A deal is recorded just before it is booked, never a day before.
        let since = since - chrono::TimeDelta::days(1);
        let query = sqlx::query("SELECT * FROM fx_deal WHERE merchant_id = $1 AND recorded_at >= $2");
        let query = query.bind(merchant.to_string()).bind(since.timestamp_micros());
        let deals = self.all(query, read_deal).await?;
        let closed = |deal: FxDeal| (deal.transaction, deal.pair(), deal.closed_base, deal.closed_quote);
        Ok(deals.into_iter().map(closed).collect())
    }
}

fn is_deal(source: &str) -> bool {
    source.parse::<FxDealId>().is_ok()
}
