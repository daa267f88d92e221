//! Market deals and what they closed. Lots are not stored: they are read off the position account.

mod closed;
mod open;

use chrono::NaiveDate;
use sqlx::any::AnyRow;

use crate::domain::fx_book::{Closing, FxDeal, Leg, Pair};
use crate::ids::{BankAccountId, BankLineId, FxDealId, MerchantId};
use crate::money::Money;

use super::row::Row;
use super::words::{self, json, word};
use super::{Change, Column, Log, Seek, Store, StoreError, Table, Value, Versioned};

pub use closed::{PairResult, StoredClosing};
pub use open::OpenLots;

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

/// What a deal moves at a bank account and no statement has said yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BankLeg {
    /// Its row.
    pub id: String,
    /// The deal.
    pub deal: FxDealId,
    /// The bank's reference of the deal.
    pub bank_ref: String,
    /// How much; above zero is paid in.
    pub amount: Money,
    /// When it moved.
    pub value_date: NaiveDate,
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

    /// No line shows what a deal moved: whoever finds one at the same time loses, and looks again.
    pub fn fx_bank_leg_missed(&mut self, leg: &Versioned<BankLeg>) -> &mut Change {
        self.update(&FX_BANK_LEG, &leg.value.id, leg.version, vec![("line_id", Value::Null)])
    }
}

impl Store {
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
}

impl Store {
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
        self.all(query, read_leg).await
    }

    /// What deals of up to a day moved at a bank account and no statement has said yet, oldest first; without what a
    /// finding says is missing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn fx_bank_legs_unseen(
        &self,
        account: BankAccountId,
        upto: NaiveDate,
        limit: i64,
    ) -> Result<Vec<Versioned<BankLeg>>, StoreError> {
        let query = sqlx::query(
            "SELECT l.* FROM fx_bank_leg l WHERE l.bank_account_id = $1 AND l.line_id IS NULL AND l.value_date <= $2
             AND NOT EXISTS (SELECT 1 FROM finding f WHERE f.merchant_id = l.merchant_id
                 AND f.kind = 'missing_there' AND f.fact = l.id)
             ORDER BY l.value_date, l.id LIMIT $3",
        );
        self.all(query.bind(account.to_string()).bind(upto.to_string()).bind(limit), read_leg).await
    }
}

fn read_leg(row: &AnyRow) -> Result<Versioned<BankLeg>, StoreError> {
    let row = Row::of("fx_bank_leg", row);
    row.versioned(BankLeg {
        id: row.text("id")?,
        deal: row.parse("deal_id")?,
        bank_ref: row.text("bank_ref")?,
        amount: row.money("amount", "currency")?,
        value_date: row.parse("value_date")?,
    })
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
