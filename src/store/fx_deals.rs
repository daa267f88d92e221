//! Market deals and what they closed. Lots are not stored: they are read off the position account.

use sqlx::any::AnyRow;

use chrono::{DateTime, NaiveDate, Utc};

use crate::domain::fx_book::{Closing, FxDeal, Leg, Lot, Pair, lots};
use crate::domain::ledger::{AccountCode, AccountEntry, Layer};
use crate::ids::{BankAccountId, BankLineId, FxDealId, MerchantId, TransactionId};
use crate::money::Money;

use super::row::Row;
use super::words::{self, json, word};
use super::{Change, Column, EXPORT_PAGE, Log, Seek, Store, StoreError, Table, Value, Versioned};

/// Deals.
pub static FX_DEAL: Log = Log {
    name: "fx_deal",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("kind"),
        Column::int("sold"),
        Column::text("sold_currency"),
        Column::int("bought"),
        Column::text("bought_currency"),
        Column::text("legs"),
        Column::text("value_date"),
        Column::text("bank_ref"),
        Column::int("named"),
        Column::int("closed_base"),
        Column::int("closed_quote"),
        Column::text("transaction_id"),
        Column::text("recorded_by"),
        Column::int("recorded_at"),
    ],
    unique: &[&[0], &[1, 9]],
};

/// What they closed.
pub static FX_CLOSING: Log = Log {
    name: "fx_closing",
    columns: &[
        Column::text("deal_id"),
        Column::int("nth"),
        Column::text("merchant_id"),
        Column::text("pair"),
        Column::text("lot"),
        Column::int("lot_number"),
        Column::text("by_transaction"),
        Column::int("by_number"),
        Column::int("base"),
        Column::int("lot_quote"),
        Column::int("by_quote"),
        Column::int("realized"),
        Column::text("subject"),
        Column::int("recorded_at"),
    ],
    unique: &[&[0, 1]],
};

/// How far a merchant's positions are closed.
pub static FX_BOOK: Table = Table {
    name: "fx_book",
    columns: &[Column::text("merchant_id"), Column::int("closed_upto")],
    unique: &[],
};

/// What deals move at bank accounts.
pub static FX_BANK_LEG: Table = Table {
    name: "fx_bank_leg",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("deal_id"),
        Column::text("bank_account_id"),
        Column::int("amount"),
        Column::text("currency"),
        Column::text("value_date"),
        Column::text("bank_ref"),
        Column::text("line_id"),
    ],
    unique: &[],
};

/// A deal's legs as they are stored.
#[derive(serde::Serialize, serde::Deserialize)]
struct Legs {
    paid_from: Vec<Leg>,
    paid_into: Vec<Leg>,
    charge: Option<Leg>,
}

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

/// What a deal moves at a bank account and no statement has said yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BankLeg {
    /// Its row.
    pub id: String,
    /// The deal.
    pub deal: FxDealId,
    /// The bank's reference of the deal.
    pub bank_ref: String,
    /// When it moved.
    pub value_date: NaiveDate,
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

impl Change {
    /// A deal with everything it closed; `open` is what it was decided on.
    pub fn insert_fx_deal(
        &mut self,
        deal: &FxDeal,
        closings: &[(Closing, Money)],
        open: &OpenLots,
        closed_upto: i64,
    ) -> &mut Change {
        let legs = Legs {
            paid_from: deal.paid_from.clone(),
            paid_into: deal.paid_into.clone(),
            charge: deal.charge.clone(),
        };
        self.append(
            &FX_DEAL,
            vec![
                Value::text(deal.id),
                Value::text(deal.merchant),
                word(&deal.kind),
                deal.sold.minor().into(),
                Value::text(deal.sold.currency()),
                deal.bought.minor().into(),
                Value::text(deal.bought.currency()),
                json(&legs),
                Value::text(deal.value_date),
                deal.bank_ref.as_str().into(),
                deal.named.into(),
                deal.closed_base.minor().into(),
                deal.closed_quote.minor().into(),
                Value::text(deal.transaction),
                Value::text(deal.recorded_by),
                deal.recorded_at.into(),
            ],
        );
        for (nth, (closing, realized)) in (1_i64..).zip(closings) {
            self.append(
                &FX_CLOSING,
                vec![
                    Value::text(deal.id),
                    nth.into(),
                    Value::text(deal.merchant),
                    Value::text(closing.pair),
                    Value::text(closing.lot),
                    closing.lot_number.into(),
                    closing.by.map(|(id, _)| Value::text(id)).into(),
                    closing.by.map(|(_, number)| number).into(),
                    closing.base.minor().into(),
                    closing.lot_quote.minor().into(),
                    closing.by_quote.minor().into(),
                    realized.minor().into(),
                    closing.subject.clone().into(),
                    deal.recorded_at.into(),
                ],
            );
        }
        match open.version {
            0 => self.insert(&FX_BOOK, vec![Value::text(deal.merchant), closed_upto.into()]),
            version => {
                let set = vec![("closed_upto", closed_upto.into())];
                self.update(&FX_BOOK, deal.merchant, version, set)
            }
        }
    }

    /// What a deal moves at a bank account: above zero is paid in. `line` says so already, or none does yet.
    pub fn insert_fx_bank_leg(
        &mut self,
        deal: &FxDeal,
        nth: usize,
        account: BankAccountId,
        amount: Money,
        line: Option<BankLineId>,
    ) -> &mut Change {
        self.insert(
            &FX_BANK_LEG,
            vec![
                Value::Text(format!("{}/{nth}", deal.id)),
                Value::text(deal.merchant),
                Value::text(deal.id),
                Value::text(account),
                amount.minor().into(),
                Value::text(amount.currency()),
                Value::text(deal.value_date),
                deal.bank_ref.as_str().into(),
                line.map(Value::text).into(),
            ],
        )
    }

    /// A bank's line says what a deal moved.
    pub fn fx_bank_leg_seen(&mut self, leg: &Versioned<BankLeg>, line: BankLineId) -> &mut Change {
        self.update(&FX_BANK_LEG, &leg.value.id, leg.version, vec![("line_id", Value::text(line))])
    }
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
        let by_then: std::collections::HashSet<&str> =
            entries.iter().map(|entry| entry.source.as_str()).collect();
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
        let mut places: std::collections::HashMap<(TransactionId, Pair), usize> =
            std::collections::HashMap::with_capacity(open.len());
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
        let mut place = crate::domain::ledger::Place::after(from);
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

    /// A merchant's deal.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn fx_deal(&self, merchant: MerchantId, id: FxDealId) -> Result<Option<FxDeal>, StoreError> {
        let query = sqlx::query("SELECT * FROM fx_deal WHERE merchant_id = $1 AND id = $2")
            .bind(merchant.to_string())
            .bind(id.to_string());
        self.one(query, read_deal).await
    }

    /// A merchant's deal by the bank's reference.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn fx_deal_by_reference(
        &self,
        merchant: MerchantId,
        bank_ref: &str,
    ) -> Result<Option<FxDeal>, StoreError> {
        let query = sqlx::query("SELECT * FROM fx_deal WHERE merchant_id = $1 AND bank_ref = $2")
            .bind(merchant.to_string())
            .bind(bank_ref.to_owned());
        self.one(query, read_deal).await
    }

    /// A merchant's deals in reading order, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn fx_deals(
        &self,
        merchant: MerchantId,
        seek: Seek<FxDealId>,
        limit: i64,
    ) -> Result<Vec<FxDeal>, StoreError> {
        let sql = match seek.is_backwards() {
            false => "SELECT * FROM fx_deal WHERE merchant_id = $1 AND id > $2 ORDER BY id LIMIT $3",
            true => "SELECT * FROM fx_deal WHERE merchant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        };
        let query = sqlx::query(sql)
            .bind(merchant.to_string())
            .bind(seek.key().map(ToString::to_string).unwrap_or_default())
            .bind(limit);
        self.all(query, read_deal).await
    }

    /// What a deal closed, lot by lot.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn fx_closings_of(&self, deal: FxDealId) -> Result<Vec<StoredClosing>, StoreError> {
        let query = sqlx::query("SELECT * FROM fx_closing WHERE deal_id = $1 ORDER BY nth");
        self.all(query.bind(deal.to_string()), read_closing).await
    }

    /// What was closed from `from` on and before `until`, `limit` of it behind `(deal, nth)`, in the order of deals.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn fx_closings(
        &self,
        merchant: MerchantId,
        (from, until): (DateTime<Utc>, DateTime<Utc>),
        after: Option<(FxDealId, i64)>,
        limit: i64,
    ) -> Result<Vec<StoredClosing>, StoreError> {
        let (deal, nth) = after.map_or((String::new(), 0), |(deal, nth)| (deal.to_string(), nth));
        let query = sqlx::query(
            "SELECT * FROM fx_closing WHERE merchant_id = $1 AND recorded_at >= $2 AND recorded_at < $3
             AND (deal_id, nth) > ($4, $5) ORDER BY deal_id, nth LIMIT $6",
        );
        let query = query
            .bind(merchant.to_string())
            .bind(from.timestamp_micros())
            .bind(until.timestamp_micros())
            .bind(deal)
            .bind(nth)
            .bind(limit);
        self.all(query, read_closing).await
    }

    /// The sums of what was closed from `from` on and before `until`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn fx_results(
        &self,
        merchant: MerchantId,
        (from, until): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<Vec<PairResult>, StoreError> {
        let query = sqlx::query(
            "SELECT pair, COUNT(*) AS closings,
                    CAST(SUM(CASE WHEN realized > 0 THEN realized ELSE 0 END) AS BIGINT) AS gain,
                    CAST(SUM(CASE WHEN realized < 0 THEN -realized ELSE 0 END) AS BIGINT) AS loss
             FROM fx_closing WHERE merchant_id = $1 AND recorded_at >= $2 AND recorded_at < $3
             GROUP BY pair ORDER BY pair",
        );
        let query =
            query.bind(merchant.to_string()).bind(from.timestamp_micros()).bind(until.timestamp_micros());
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

    /// What deals moved at a bank account by this amount and no statement has said yet.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_fx_bank_legs(
        &self,
        account: BankAccountId,
        amount: Money,
    ) -> Result<Vec<Versioned<BankLeg>>, StoreError> {
        let query = sqlx::query(
            "SELECT * FROM fx_bank_leg WHERE bank_account_id = $1 AND amount = $2 AND currency = $3
             AND line_id IS NULL ORDER BY id",
        );
        let query = query.bind(account.to_string()).bind(amount.minor()).bind(amount.currency().to_string());
        self.all(query, |row| {
            let row = Row::of("fx_bank_leg", row);
            let leg = BankLeg {
                id: row.text("id")?,
                deal: row.parse("deal_id")?,
                bank_ref: row.text("bank_ref")?,
                value_date: row.parse("value_date")?,
            };
            row.versioned(leg)
        })
        .await
    }
}

fn is_deal(source: &str) -> bool {
    source.parse::<FxDealId>().is_ok()
}

fn read_deal(row: &AnyRow) -> Result<FxDeal, StoreError> {
    let row = Row::of("fx_deal", row);
    let (sold, bought) = (row.money("sold", "sold_currency")?, row.money("bought", "bought_currency")?);
    let pair = Pair::of(sold.currency(), bought.currency());
    let pair = pair.ok_or_else(|| row.unreadable("bought_currency", "is what was sold"))?;
    let legs: Legs = row.json("legs")?;
    Ok(FxDeal {
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        kind: words::read(&row, "kind")?,
        sold,
        bought,
        paid_from: legs.paid_from,
        paid_into: legs.paid_into,
        charge: legs.charge,
        value_date: row.parse("value_date")?,
        bank_ref: row.text("bank_ref")?,
        named: row.flag("named")?,
        closed_base: Money::from_minor(row.int("closed_base")?, pair.base()),
        closed_quote: Money::from_minor(row.int("closed_quote")?, pair.quote()),
        transaction: row.parse("transaction_id")?,
        recorded_by: row.parse("recorded_by")?,
        recorded_at: row.time("recorded_at")?,
    })
}

fn read_closing(row: &AnyRow) -> Result<StoredClosing, StoreError> {
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
