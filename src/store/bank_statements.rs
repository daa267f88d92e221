//! Bank statements that were read, and their lines.

mod open;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::any::AnyRow;

use crate::domain::deposits::{BankLine, LineState, ReadLine};
use crate::ids::{BankAccountId, BankLineId, BankStatementId, MerchantId};
use crate::money::{Currency, Money};

use super::row::Row;
use super::words::json;
use super::{Change, Column, Seek, Store, StoreError, Table, Value, Versioned};

/// Statements.
pub static BANK_STATEMENT: Table = Table {
    name: "bank_statement",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("bank_account_id"),
        Column::text("file_hash"),
        Column::int("place"),
        Column::text("format"),
        Column::text("reference"),
        Column::text("currency"),
        Column::int("opening"),
        Column::int("closing"),
        Column::text("from_on"),
        Column::text("to_on"),
        Column::int("line_count"),
        Column::int("pending_count"),
        Column::int("recorded_at"),
        Column::int("read_at"),
    ],
    unique: &[&[1, 2, 3, 4]],
};

/// Lines.
pub static BANK_LINE: Table = Table {
    name: "bank_line",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("bank_account_id"),
        Column::text("line_key"),
        Column::text("statement_id"),
        Column::int("amount"),
        Column::int("charges"),
        Column::text("currency"),
        Column::text("booked_on"),
        Column::text("value_on"),
        Column::int("is_reversal"),
        Column::text("reference"),
        Column::text("names"),
        Column::text("said"),
        Column::text("state"),
        Column::text("state_detail"),
        Column::int("recorded_at"),
    ],
    unique: &[&[2, 3]],
};

/// A statement as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BankStatement {
    /// Its id.
    pub id: BankStatementId,
    /// Whose book.
    pub merchant: MerchantId,
    /// Of which account.
    pub bank_account: BankAccountId,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub file_hash: String,
    /// Its place in the file.
    pub place: i64,
    /// `camt053`, `camt054`, `mt940`, `csv`.
    pub format: String,
    /// The bank's own name of it.
    pub reference: String,
    /// The currency.
    pub currency: Currency,
    /// The booked balance before the first line.
    pub opening: Option<Money>,
    /// The booked balance after the last line.
    pub closing: Option<Money>,
    /// The day of its first booked line.
    pub from_on: Option<NaiveDate>,
    /// The day of its last booked line.
    pub to_on: Option<NaiveDate>,
    /// Booked lines.
    pub line_count: i64,
    /// Announced lines: not kept.
    pub pending_count: i64,
    /// When it was written down.
    pub recorded_at: DateTime<Utc>,
    /// When all of its lines were taken; `None` while they are, and where the program ended in the middle of them.
    pub read_at: Option<DateTime<Utc>>,
}

impl Change {
    /// All lines of a statement are taken.
    pub fn bank_statement_is_read(&mut self, id: BankStatementId, at: DateTime<Utc>) -> &mut Change {
        // Nothing else of it ever changes.
        self.update(&BANK_STATEMENT, id, 1, vec![("read_at", at.into())])
    }

    /// A statement that was read.
    pub fn insert_bank_statement(&mut self, statement: &BankStatement) -> &mut Change {
        self.insert(
            &BANK_STATEMENT,
            vec![
                Value::text(statement.id),
                Value::text(statement.merchant),
                Value::text(statement.bank_account),
                statement.file_hash.as_str().into(),
                statement.place.into(),
                statement.format.as_str().into(),
                statement.reference.as_str().into(),
                Value::text(statement.currency),
                statement.opening.map(Money::minor).into(),
                statement.closing.map(Money::minor).into(),
                statement.from_on.map(Value::text).into(),
                statement.to_on.map(Value::text).into(),
                statement.line_count.into(),
                statement.pending_count.into(),
                statement.recorded_at.into(),
                statement.read_at.into(),
            ],
        )
    }

    /// A line that was read; `key` tells it apart at its account.
    pub fn insert_bank_line(&mut self, line: &BankLine, key: &str) -> &mut Change {
        let read = &line.line;
        self.insert(
            &BANK_LINE,
            vec![
                Value::text(line.id),
                Value::text(line.merchant),
                Value::text(line.bank_account),
                key.into(),
                Value::text(line.statement),
                read.amount.minor().into(),
                read.charges.minor().into(),
                Value::text(read.amount.currency()),
                Value::text(read.booked_on),
                Value::text(read.value_on),
                read.reversal.into(),
                read.reference.clone().into(),
                json(&read.names),
                read.text.as_str().into(),
                line.state.as_str().into(),
                json(&line.state),
                line.recorded_at.into(),
            ],
        )
    }

    /// What came of a line later.
    pub fn update_bank_line(&mut self, line: &Versioned<BankLine>) -> &mut Change {
        let state = &line.value.state;
        let set = vec![("state", state.as_str().into()), ("state_detail", json(state))];
        self.update(&BANK_LINE, line.value.id, line.version, set)
    }
}

impl Store {
    /// A merchant's statement.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn bank_statement(
        &self,
        merchant: MerchantId,
        id: BankStatementId,
    ) -> Result<Option<BankStatement>, StoreError> {
        let query = sqlx::query("SELECT * FROM bank_statement WHERE merchant_id = $1 AND id = $2")
            .bind(merchant.to_string())
            .bind(id.to_string());
        self.one(query, read_statement).await
    }

    /// The statements that a file held, in its order, of each account that it was read for.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn bank_statements_of(
        &self,
        merchant: MerchantId,
        file_hash: &str,
    ) -> Result<Vec<BankStatement>, StoreError> {
        let query = sqlx::query(
            "SELECT * FROM bank_statement WHERE merchant_id = $1 AND file_hash = $2 ORDER BY place, id",
        )
        .bind(merchant.to_string())
        .bind(file_hash.to_owned());
        self.all(query, read_statement).await
    }

    /// A merchant's statements in reading order, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn bank_statements(
        &self,
        merchant: MerchantId,
        seek: Seek<BankStatementId>,
        limit: i64,
    ) -> Result<Vec<BankStatement>, StoreError> {
        let sql = match seek.is_backwards() {
            false => "SELECT * FROM bank_statement WHERE merchant_id = $1 AND id > $2 ORDER BY id LIMIT $3",
            true => {
                "SELECT * FROM bank_statement WHERE merchant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"
            }
        };
        let query = sqlx::query(sql)
            .bind(merchant.to_string())
            .bind(seek.key().map(ToString::to_string).unwrap_or_default())
            .bind(limit);
        self.all(query, read_statement).await
    }

    /// The statement of the same account before this one, with its balance: by the days they reach to.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn bank_statement_before(
        &self,
        statement: &BankStatement,
    ) -> Result<Option<BankStatement>, StoreError> {
        let Some(to_on) = statement.to_on else { return Ok(None) };
        let query = sqlx::query(
            "SELECT * FROM bank_statement WHERE bank_account_id = $1 AND closing IS NOT NULL
             AND (to_on < $2 OR (to_on = $2 AND id < $3)) ORDER BY to_on DESC, id DESC LIMIT 1",
        )
        .bind(statement.bank_account.to_string())
        .bind(to_on.to_string())
        .bind(statement.id.to_string());
        self.one(query, read_statement).await
    }

    /// The other statements of its account that print lines of its days.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn bank_statements_beside(
        &self,
        statement: &BankStatement,
        limit: i64,
    ) -> Result<Vec<BankStatement>, StoreError> {
        let (Some(from_on), Some(to_on)) = (statement.from_on, statement.to_on) else { return Ok(vec![]) };
        let query = sqlx::query(
            "SELECT * FROM bank_statement WHERE bank_account_id = $1 AND to_on >= $2 AND from_on <= $3 AND id <> $4
             ORDER BY to_on, id LIMIT $5",
        )
        .bind(statement.bank_account.to_string())
        .bind(from_on.to_string())
        .bind(to_on.to_string())
        .bind(statement.id.to_string())
        .bind(limit);
        self.all(query, read_statement).await
    }

    /// The lines that were first read in a statement, in its order, behind an id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn bank_lines_of(
        &self,
        statement: BankStatementId,
        limit: i64,
    ) -> Result<Vec<Versioned<BankLine>>, StoreError> {
        let query = sqlx::query("SELECT * FROM bank_line WHERE statement_id = $1 ORDER BY id LIMIT $2")
            .bind(statement.to_string())
            .bind(limit);
        self.all(query, read_line).await
    }

    /// A line by what tells it apart at its account.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn bank_line_by_key(
        &self,
        account: BankAccountId,
        key: &str,
    ) -> Result<Option<Versioned<BankLine>>, StoreError> {
        let query = sqlx::query("SELECT * FROM bank_line WHERE bank_account_id = $1 AND line_key = $2")
            .bind(account.to_string())
            .bind(key.to_owned());
        self.one(query, read_line).await
    }

    /// A merchant's line.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn bank_line(
        &self,
        merchant: MerchantId,
        id: BankLineId,
    ) -> Result<Option<Versioned<BankLine>>, StoreError> {
        let query = sqlx::query("SELECT * FROM bank_line WHERE merchant_id = $1 AND id = $2")
            .bind(merchant.to_string())
            .bind(id.to_string());
        self.one(query, read_line).await
    }

    /// The lines of an account up to a day that moved exactly this amount, newest first; those that were taken back
    /// are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn bank_lines_of_amount(
        &self,
        account: BankAccountId,
        amount: Money,
        upto: NaiveDate,
        limit: i64,
    ) -> Result<Vec<Versioned<BankLine>>, StoreError> {
        let query = sqlx::query(
            "SELECT * FROM bank_line WHERE bank_account_id = $1 AND amount = $2 AND currency = $3
             AND booked_on <= $4 AND is_reversal = 0 AND state <> 'reversed'
             ORDER BY booked_on DESC, id DESC LIMIT $5",
        )
        .bind(account.to_string())
        .bind(amount.minor())
        .bind(amount.currency().to_string())
        .bind(upto.to_string())
        .bind(limit);
        self.all(query, read_line).await
    }
}

fn read_statement(row: &AnyRow) -> Result<BankStatement, StoreError> {
    let row = Row::of("bank_statement", row);
    let currency = row.parse("currency")?;
    Ok(BankStatement {
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        bank_account: row.parse("bank_account_id")?,
        file_hash: row.text("file_hash")?,
        place: row.int("place")?,
        format: row.text("format")?,
        reference: row.text("reference")?,
        currency,
        opening: row.optional_money("opening", "currency")?,
        closing: row.optional_money("closing", "currency")?,
        from_on: row.optional("from_on")?,
        to_on: row.optional("to_on")?,
        line_count: row.int("line_count")?,
        pending_count: row.int("pending_count")?,
        recorded_at: row.time("recorded_at")?,
        read_at: row.optional_time("read_at")?,
    })
}

fn read_line(row: &AnyRow) -> Result<Versioned<BankLine>, StoreError> {
    let row = Row::of("bank_line", row);
    let state: LineState = row.json("state_detail")?;
    let line = ReadLine {
        reference: row.optional_text("reference")?,
        amount: row.money("amount", "currency")?,
        booked_on: row.parse("booked_on")?,
        value_on: row.parse("value_on")?,
        pending: false,
        reversal: row.flag("is_reversal")?,
        charges: row.money("charges", "currency")?,
        names: row.json("names")?,
        text: row.text("said")?,
        former: None,
    };
    row.versioned(BankLine {
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        bank_account: row.parse("bank_account_id")?,
        statement: row.parse("statement_id")?,
        line,
        state,
        recorded_at: row.time("recorded_at")?,
    })
}
