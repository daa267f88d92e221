//! Closed periods, and the statements issued with them, byte for byte.

use std::io::Read;

use chrono::{DateTime, NaiveDate, Utc};
use flate2::Compression;
use flate2::read::{ZlibDecoder, ZlibEncoder};
use sqlx::any::AnyRow;

use crate::domain::periods::{CloseState, PeriodClose};
use crate::domain::statements::Letterhead;
use crate::ids::{MerchantId, PeriodId, StatementId, SupplierId};
use crate::money::Money;

use super::row::Row;
use super::{Change, Column, Log, Seek, Store, StoreError, Table, Value, Versioned};

/// Periods; one for each last day.
pub static PERIOD_CLOSE: Table = Table {
    name: "period_close",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("until"),
        Column::text("zone"),
        Column::int("ends_before"),
        Column::text("state"),
        Column::text("checks"),
        Column::text("decision"),
        Column::text("proposed_by"),
        Column::int("created_at"),
        Column::int("closed_at"),
        Column::int("last_number"),
    ],
    unique: &[&[1, 2]],
};

/// Statements as they were issued.
pub static ISSUED_STATEMENT: Log = Log {
    name: "issued_statement",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::int("number"),
        Column::text("period_id"),
        Column::text("supplier_id"),
        Column::text("currency"),
        Column::text("from_date"),
        Column::text("to_date"),
        Column::text("zone"),
        Column::int("opening"),
        Column::int("closing"),
        Column::int("entries"),
        Column::int("after_number"),
        Column::int("upto_number"),
        Column::text("sha256"),
        Column::bytes("body"),
        Column::int("issued_at"),
        Column::text("letterhead"),
        Column::int("lines"),
    ],
    unique: &[&[1, 2]],
};

/// A statement as it was issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedStatement {
    /// Its id.
    pub id: StatementId,
    /// Whose book.
    pub merchant: MerchantId,
    /// Its number, from 1 without gaps for each merchant.
    pub number: i64,
    /// With which period.
    pub period: PeriodId,
    /// Whose statement.
    pub supplier: SupplierId,
    /// First booking date.
    pub from: NaiveDate,
    /// Last booking date.
    pub to: NaiveDate,
    /// The zone of the dates.
    pub zone: String,
    /// What the supplier had before the first entry.
    pub opening: Money,
    /// And behind the last.
    pub closing: Money,
    /// How many ledger entries it has.
    pub entries: i64,
    /// How many lines it has; `None`: issued before that was kept.
    pub lines: Option<i64>,
    /// It begins behind this transaction.
    pub after_number: i64,
    /// And ends with this one.
    pub upto_number: i64,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
    /// When it was issued.
    pub issued_at: DateTime<Utc>,
    /// Who issued it to whom, as they were; `None`: issued before that was kept.
    pub letterhead: Option<Letterhead>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, merchant_id, until, zone, ends_before, checks, decision, proposed_by, created_at, version ",
            "FROM period_close ",
            $rest
        )
    };
}

const STATEMENT: &str =
    "SELECT id, merchant_id, number, period_id, supplier_id, currency, from_date, to_date, zone,
    opening, closing, entries, after_number, upto_number, sha256, issued_at, letterhead, lines FROM issued_statement";

impl Change {
    /// Writes a proposal to close down.
    pub fn propose_close(&mut self, close: &PeriodClose) -> &mut Change {
        let [at, number] = closed(&close.state);
        self.insert(
            &PERIOD_CLOSE,
            vec![
                Value::text(close.id),
                Value::text(close.merchant),
                Value::text(close.until),
                close.zone.name().into(),
                close.ends_before.into(),
                close.state.as_str().into(),
                checks(close),
                decision(&close.state),
                Value::text(close.proposed_by),
                close.created_at.into(),
                at,
                number,
            ],
        )
    }

    /// Writes that the period is closed, with what was looked at last.
    pub fn close_period(&mut self, close: &PeriodClose, version: i64) -> &mut Change {
        let [at, number] = closed(&close.state);
        let set = vec![
            ("state", close.state.as_str().into()),
            ("checks", checks(close)),
            ("decision", decision(&close.state)),
            ("closed_at", at),
            ("last_number", number),
        ];
        self.update(&PERIOD_CLOSE, close.id, version, set)
    }

    /// Issues a statement: these bytes, for ever.
    pub fn issue_statement(&mut self, issued: &IssuedStatement, body: &[u8]) -> &mut Change {
        let mut small = Vec::new();
        // Reading from memory cannot fail.
        let _ = ZlibEncoder::new(body, Compression::default()).read_to_end(&mut small);
        self.append(
            &ISSUED_STATEMENT,
            vec![
                Value::text(issued.id),
                Value::text(issued.merchant),
                issued.number.into(),
                Value::text(issued.period),
                Value::text(issued.supplier),
                issued.opening.currency().code().into(),
                Value::text(issued.from),
                Value::text(issued.to),
                issued.zone.as_str().into(),
                issued.opening.minor().into(),
                issued.closing.minor().into(),
                issued.entries.into(),
                issued.after_number.into(),
                issued.upto_number.into(),
                issued.sha256.as_str().into(),
                small.into(),
                issued.issued_at.into(),
                super::words::json(&issued.letterhead),
                issued.lines.into(),
            ],
        )
    }
}

/// When it was closed, and by which transaction; nothing while it is proposed.
fn closed(state: &CloseState) -> [Value; 2] {
    match state {
        CloseState::Proposed => [Value::Null, Value::Null],
        CloseState::Closed { at, last_number, .. } => [(*at).into(), (*last_number).into()],
    }
}

fn checks(close: &PeriodClose) -> Value {
    // Plain data: serialising it to a string cannot fail.
    Value::Text(serde_json::to_string(&close.checks).unwrap_or_default())
}

fn decision(state: &CloseState) -> Value {
    // Plain data: serialising it to a string cannot fail.
    Value::Text(serde_json::to_string(state).unwrap_or_default())
}

impl Store {
    /// The period that ends with this day, proposed or closed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn period_until(
        &self,
        merchant: MerchantId,
        until: NaiveDate,
    ) -> Result<Option<Versioned<PeriodClose>>, StoreError> {
        let query = sqlx::query(select!("WHERE merchant_id = $1 AND until = $2"))
            .bind(merchant.to_string())
            .bind(until.to_string());
        self.one(query, read).await
    }

    /// Proposals to close a period that has this day in it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn proposals_over(
        &self,
        merchant: MerchantId,
        day: NaiveDate,
    ) -> Result<Vec<Versioned<PeriodClose>>, StoreError> {
        let query = sqlx::query(select!("WHERE merchant_id = $1 AND state = 'proposed' AND until >= $2"))
            .bind(merchant.to_string())
            .bind(day.to_string());
        self.all(query, read).await
    }

    /// The period that was closed last.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn last_closed(
        &self,
        merchant: MerchantId,
    ) -> Result<Option<Versioned<PeriodClose>>, StoreError> {
        let query =
            sqlx::query(select!("WHERE merchant_id = $1 AND state = 'closed' ORDER BY until DESC LIMIT 1"))
                .bind(merchant.to_string());
        self.one(query, read).await
    }

    /// One period of a merchant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn period(
        &self,
        merchant: MerchantId,
        id: PeriodId,
    ) -> Result<Option<Versioned<PeriodClose>>, StoreError> {
        let query = sqlx::query(select!("WHERE merchant_id = $1 AND id = $2"))
            .bind(merchant.to_string())
            .bind(id.to_string());
        self.one(query, read).await
    }

    /// A merchant's periods by id, newest last; in reading order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn periods(
        &self,
        merchant: MerchantId,
        seek: Seek<PeriodId>,
        limit: u32,
    ) -> Result<Vec<PeriodClose>, StoreError> {
        let sql = match seek.is_backwards() {
            false => select!("WHERE merchant_id = $1 AND id > $2 ORDER BY id LIMIT $3"),
            true => select!("WHERE merchant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"),
        };
        let query = sqlx::query(sql)
            .bind(merchant.to_string())
            .bind(seek.key().map(ToString::to_string).unwrap_or_default())
            .bind(i64::from(limit));
        self.all(query, |row| read(row).map(|period| period.value)).await
    }

    /// When a merchant's first transaction was booked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn first_booked(&self, merchant: MerchantId) -> Result<Option<DateTime<Utc>>, StoreError> {
        let row =
            sqlx::query("SELECT MIN(recorded_at) AS first FROM ledger_transaction WHERE merchant_id = $1")
                .bind(merchant.to_string())
                .fetch_one(self.reads())
                .await?;
        Row::of("ledger_transaction", &row).optional_time("first")
    }

    /// The number of the statement issued last; 0 before the first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn last_statement_number(&self, merchant: MerchantId) -> Result<i64, StoreError> {
        let row = sqlx::query(
            "SELECT CAST(COALESCE(MAX(number), 0) AS BIGINT) AS last FROM issued_statement WHERE merchant_id = $1",
        )
        .bind(merchant.to_string())
        .fetch_one(self.reads())
        .await?;
        Row::of("issued_statement", &row).int("last")
    }

    /// One issued statement of a merchant, with its bytes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn issued_statement(
        &self,
        merchant: MerchantId,
        id: StatementId,
    ) -> Result<Option<(IssuedStatement, Vec<u8>)>, StoreError> {
        let sql = STATEMENT.replacen(" FROM", ", body FROM", 1);
        let query = sqlx::query(sqlx::AssertSqlSafe(format!("{sql} WHERE merchant_id = $1 AND id = $2")))
            .bind(merchant.to_string())
            .bind(id.to_string());
        self.one(query, |row| {
            let issued = read_statement(row)?;
            let row = Row::of("issued_statement", row);
            let mut body = Vec::new();
            let small = row.bytes("body")?;
            ZlibDecoder::new(&small[..])
                .read_to_end(&mut body)
                .map_err(|error| row.unreadable("body", error))?;
            Ok((issued, body))
        })
        .await
    }

    /// A merchant's issued statements by id, newest last, of one supplier where one is named; in reading order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn issued_statements(
        &self,
        merchant: MerchantId,
        supplier: Option<SupplierId>,
        seek: Seek<StatementId>,
        limit: u32,
    ) -> Result<Vec<IssuedStatement>, StoreError> {
        let (beyond, way) = if seek.is_backwards() { ("<", "DESC") } else { (">", "ASC") };
        let sql = format!(
            "{STATEMENT} WHERE merchant_id = $1 AND ($2 = '' OR supplier_id = $2) AND id {beyond} $3
             ORDER BY id {way} LIMIT $4"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(merchant.to_string())
            .bind(supplier.map(|id| id.to_string()).unwrap_or_default())
            .bind(seek.key().map(ToString::to_string).unwrap_or_default())
            .bind(i64::from(limit));
        self.all(query, read_statement).await
    }
}

fn read(row: &AnyRow) -> Result<Versioned<PeriodClose>, StoreError> {
    let row = Row::of("period_close", row);
    row.versioned(PeriodClose {
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        until: row.parse("until")?,
        zone: row.parse("zone")?,
        ends_before: row.time("ends_before")?,
        state: row.json("decision")?,
        checks: row.json("checks")?,
        proposed_by: row.parse("proposed_by")?,
        created_at: row.time("created_at")?,
    })
}

pub(super) fn read_statement(row: &AnyRow) -> Result<IssuedStatement, StoreError> {
    let row = Row::of("issued_statement", row);
    Ok(IssuedStatement {
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        number: row.int("number")?,
        period: row.parse("period_id")?,
        supplier: row.parse("supplier_id")?,
        from: row.parse("from_date")?,
        to: row.parse("to_date")?,
        zone: row.text("zone")?,
        opening: row.money("opening", "currency")?,
        closing: row.money("closing", "currency")?,
        entries: row.int("entries")?,
        after_number: row.int("after_number")?,
        upto_number: row.int("upto_number")?,
        sha256: row.text("sha256")?,
        issued_at: row.time("issued_at")?,
        letterhead: row.json("letterhead")?,
        lines: row.optional_int("lines")?,
    })
}
