//! A change: what a flow hands the writer. All of it happens, or none.
//!
//! A flow reads without a transaction, decides, and describes the result: rows to insert, rows to update, transactions
//! to post. The preconditions follow from the description: an insert needs its unique keys free, an update needs the
//! version it was read at, a transaction needs its source unbooked and its floors respected, and [`Change::require`]
//! adds the version of a row that was only read. A change whose precondition fails is left out and its caller hears
//! `LostUpdate`: read again, decide again.
//!
//! Tables are described once, here by [`Table`] (rows with a version) and [`Log`] (append-only: there is no way to
//! build an update of a log). Rows are removed only where `retention.rs` says so: there is no other way to build it.

use crate::domain::access::AuditNote;
use crate::domain::ledger::LedgerTransaction;

/// The kind of a column. Amounts, times (microseconds) and flags are `Int`; ids, rates, JSON are `Text`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// BIGINT.
    Int,
    /// TEXT.
    Text,
    /// BLOB or BYTEA.
    Bytes,
}

/// A value of a column.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// BIGINT.
    Int(i64),
    /// TEXT.
    Text(String),
    /// BLOB or BYTEA.
    Bytes(Vec<u8>),
}

/// One column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
}

impl Column {
    /// A TEXT column.
    pub const fn text(name: &'static str) -> Column {
        Column { name, kind: Kind::Text }
    }

    /// A BIGINT column.
    pub const fn int(name: &'static str) -> Column {
        Column { name, kind: Kind::Int }
    }

    /// A BLOB or BYTEA column.
    pub const fn bytes(name: &'static str) -> Column {
        Column { name, kind: Kind::Bytes }
    }
}

/// A table whose rows change: it has a `version BIGINT` column that every update checks and raises. The first column
/// is the primary key; `version` is not listed.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Every column but `version`, the primary key (TEXT) first.
    pub columns: &'static [Column],
    /// Unique keys besides the primary key, by column index, that an insert must find free. NULL in any column of a
    /// key frees the row of it.
    pub unique: &'static [&'static [usize]],
}

/// A table whose rows never change.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Log {
    /// Its name.
    pub name: &'static str,
    /// Every column.
    pub columns: &'static [Column],
    /// Unique keys by column index that an insert must find free.
    pub unique: &'static [&'static [usize]],
}

/// A new row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Insert {
    /// Into a table with versions; the row begins at version 1.
    Row {
        /// The table.
        table: &'static Table,
        /// One value for each column.
        values: Vec<Value>,
    },
    /// Into a log.
    Entry {
        /// The log.
        log: &'static Log,
        /// One value for each column.
        values: Vec<Value>,
    },
}

/// A conditional update of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// The table.
    pub table: &'static Table,
    /// The primary key.
    pub id: String,
    /// The version the caller read; the row gets the next one.
    pub version: i64,
    /// Columns by name with their new values.
    pub set: Vec<(&'static str, Value)>,
}

/// A row whose time is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Removal {
    pub table: &'static Table,
    pub id: String,
    /// The version it was read at.
    pub version: i64,
}

/// The version of a row that was read and must still stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The table.
    pub table: &'static Table,
    /// The primary key.
    pub id: String,
    /// The version the caller read.
    pub version: i64,
}

/// What a flow hands the writer.
#[derive(Debug, Clone, Default)]
pub struct Change {
    pub(super) inserts: Vec<Insert>,
    pub(super) updates: Vec<Update>,
    pub(super) removals: Vec<Removal>,
    pub(super) requirements: Vec<Requirement>,
    pub(super) transactions: Vec<LedgerTransaction>,
    pub(super) notes: Vec<AuditNote>,
}

impl Change {
    /// An empty change.
    pub fn new() -> Change {
        Change::default()
    }

    /// Adds a row to a table with versions.
    pub fn insert(&mut self, table: &'static Table, values: Vec<Value>) -> &mut Change {
        debug_assert_eq!(table.columns.len(), values.len(), "{}", table.name);
        self.inserts.push(Insert::Row { table, values });
        self
    }

    /// Adds a row to a log.
    pub fn append(&mut self, log: &'static Log, values: Vec<Value>) -> &mut Change {
        debug_assert_eq!(log.columns.len(), values.len(), "{}", log.name);
        self.inserts.push(Insert::Entry { log, values });
        self
    }

    /// Updates the row `id` if it still has `version`.
    pub fn update(
        &mut self,
        table: &'static Table,
        id: impl ToString,
        version: i64,
        set: Vec<(&'static str, Value)>,
    ) -> &mut Change {
        self.updates.push(Update { table, id: id.to_string(), version, set });
        self
    }

    /// Requires that the row `id` still has `version`.
    pub fn require(&mut self, table: &'static Table, id: impl ToString, version: i64) -> &mut Change {
        self.requirements.push(Requirement { table, id: id.to_string(), version });
        self
    }

    /// Posts a transaction.
    pub fn post(&mut self, transaction: LedgerTransaction) -> &mut Change {
        self.transactions.push(transaction);
        self
    }

    /// Writes a line of the audit trail with it; the writer gives it its place in the chain.
    pub fn audit(&mut self, note: AuditNote) -> &mut Change {
        self.notes.push(note);
        self
    }

    /// Takes over everything of another change.
    pub fn extend(&mut self, other: Change) -> &mut Change {
        self.inserts.extend(other.inserts);
        self.updates.extend(other.updates);
        self.removals.extend(other.removals);
        self.requirements.extend(other.requirements);
        self.transactions.extend(other.transactions);
        self.notes.extend(other.notes);
        self
    }

    /// A change that posts one transaction.
    pub fn posting(transaction: LedgerTransaction) -> Change {
        Change { transactions: vec![transaction], ..Change::default() }
    }

    /// The tables it writes or depends on: whose loss is the business of whoever brought it.
    pub fn tables(&self) -> Vec<&'static str> {
        let inserts = self.inserts.iter().map(|insert| match insert {
            Insert::Row { table, .. } => table.name,
            Insert::Entry { log, .. } => log.name,
        });
        let updates = self.updates.iter().map(|update| update.table.name);
        let removals = self.removals.iter().map(|removal| removal.table.name);
        let requirements = self.requirements.iter().map(|requirement| requirement.table.name);
        inserts.chain(updates).chain(removals).chain(requirements).collect()
    }

    /// Whether it raises the version of a row of this table.
    pub fn updates(&self, table: &Table) -> bool {
        self.updates.iter().any(|update| update.table.name == table.name)
    }

    /// The transactions to be posted, for previews and tests.
    pub fn transactions(&self) -> &[LedgerTransaction] {
        &self.transactions
    }

    /// Whether it would write nothing.
    pub fn is_empty(&self) -> bool {
        self.inserts.is_empty()
            && self.updates.is_empty()
            && self.removals.is_empty()
            && self.transactions.is_empty()
            && self.notes.is_empty()
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Int(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Int(i64::from(value))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Value {
        Value::Text(value)
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Value {
        Value::Bytes(value)
    }
}

impl From<chrono::DateTime<chrono::Utc>> for Value {
    fn from(value: chrono::DateTime<chrono::Utc>) -> Value {
        Value::Int(value.timestamp_micros())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

impl Value {
    /// An id, a currency, a decimal: whatever is stored as its text.
    pub fn text(value: impl ToString) -> Value {
        Value::Text(value.to_string())
    }
}
