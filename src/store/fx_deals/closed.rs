//! What deals closed, and what that came to.

use chrono::{DateTime, Utc};
use sqlx::any::AnyRow;

use crate::domain::fx_book::{Closing, Pair};
use crate::ids::{FxDealId, MerchantId, PaymentId};
use crate::money::Money;
use crate::store::row::Row;
use crate::store::{Store, StoreError};

/// A closing as it was stored: with its deal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredClosing {
    /// The deal.
    pub deal: FxDealId,
    /// Its place among the deal's.
    pub nth: i64,
    /// What met.
    pub closing: Closing,
    /// The result.
    pub realized: Money,
    /// When.
    pub at: DateTime<Utc>,
}

/// The results of a period, by pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairResult {
    /// The pair.
    pub pair: Pair,
    /// What lots gained.
    pub gain: Money,
    /// What lots lost.
    pub loss: Money,
    /// How many closings.
    pub closings: i64,
}

impl Store {
    /// What a deal closed, lot by lot.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn fx_closings_of(&self, deal: FxDealId) -> Result<Vec<StoredClosing>, StoreError> {
        let query = sqlx::query("SELECT * FROM fx_closing WHERE deal_id = $1 ORDER BY nth");
        self.all(query.bind(deal.to_string()), read_closing).await
    }

    /// What was closed from `from` on and before `until`, of one `payment` where one is named, `limit` of it behind
    /// `(deal, nth)`, in the order of deals.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn fx_closings(
        &self,
        merchant: MerchantId,
        (from, until): (DateTime<Utc>, DateTime<Utc>),
        payment: Option<PaymentId>,
        after: Option<(FxDealId, i64)>,
        limit: i64,
    ) -> Result<Vec<StoredClosing>, StoreError> {
        let (deal, nth) = after.map_or((String::new(), 0), |(deal, nth)| (deal.to_string(), nth));
        let query = sqlx::query(
            "SELECT * FROM fx_closing WHERE merchant_id = $1 AND recorded_at >= $2 AND recorded_at < $3
             AND (deal_id, nth) > ($4, $5) AND ($6 = '' OR subject = $6) ORDER BY deal_id, nth LIMIT $7",
        );
        let query = query
            .bind(merchant.to_string())
            .bind(from.timestamp_micros())
            .bind(until.timestamp_micros())
            .bind(deal)
            .bind(nth)
            .bind(payment.map(|payment| payment.to_string()).unwrap_or_default())
            .bind(limit);
        self.all(query, read_closing).await
    }

    /// The sums of what was closed from `from` on and before `until`, of one `payment` where one is named.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn fx_results(
        &self,
        merchant: MerchantId,
        (from, until): (DateTime<Utc>, DateTime<Utc>),
        payment: Option<PaymentId>,
    ) -> Result<Vec<PairResult>, StoreError> {
        let query = sqlx::query(
            "SELECT pair, COUNT(*) AS closings,
                    CAST(SUM(CASE WHEN realized > 0 THEN realized ELSE 0 END) AS BIGINT) AS gain,
                    CAST(SUM(CASE WHEN realized < 0 THEN -realized ELSE 0 END) AS BIGINT) AS loss
             FROM fx_closing WHERE merchant_id = $1 AND recorded_at >= $2 AND recorded_at < $3
             AND ($4 = '' OR subject = $4)
             GROUP BY pair ORDER BY pair",
        );
        let query = query
            .bind(merchant.to_string())
            .bind(from.timestamp_micros())
            .bind(until.timestamp_micros())
            .bind(payment.map(|payment| payment.to_string()).unwrap_or_default());
        self.all(query, |row| {
            let row = Row::of("fx_closing", row);
            let pair: Pair = row.parse("pair")?;
            Ok(PairResult {
                pair,
                gain: Money::from_minor(row.int("gain")?, pair.quote()),
                loss: Money::from_minor(row.int("loss")?, pair.quote()),
                closings: row.int("closings")?,
            })
        })
        .await
    }
}

pub(super) fn read_closing(row: &AnyRow) -> Result<StoredClosing, StoreError> {
    let row = Row::of("fx_closing", row);
    let pair: Pair = row.parse("pair")?;
    let quote = |column| row.int(column).map(|minor| Money::from_minor(minor, pair.quote()));
    let by = match row.optional("by_transaction")? {
        Some(by) => Some((by, row.int("by_number")?)),
        None => None,
    };
    Ok(StoredClosing {
        deal: row.parse("deal_id")?,
        nth: row.int("nth")?,
        closing: Closing {
            pair,
            lot: row.parse("lot")?,
            lot_number: row.int("lot_number")?,
            subject: row.optional_text("subject")?,
            by,
            base: Money::from_minor(row.int("base")?, pair.base()),
            lot_quote: quote("lot_quote")?,
            by_quote: quote("by_quote")?,
        },
        realized: quote("realized")?,
        at: row.time("recorded_at")?,
    })
}
