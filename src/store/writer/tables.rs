//! The ledger's own tables as the writer sees them.

use std::sync::LazyLock;

use crate::store::change::{Column, Kind};

use super::statement::{Insertion, Lookup, Revision};

const fn int(name: &'static str) -> Column {
    Column { name, kind: Kind::Int }
}

const fn text(name: &'static str) -> Column {
    Column { name, kind: Kind::Text }
}

const fn bytes(name: &'static str) -> Column {
    Column { name, kind: Kind::Bytes }
}

fn account_key() -> Vec<Column> {
    vec![text("merchant_id"), int("code"), text("owner"), text("currency"), int("layer")]
}

/// Which facts are booked.
pub(super) static FACTS: LazyLock<Lookup> = LazyLock::new(|| {
    let key = vec![text("merchant_id"), text("event"), text("source")];
    Lookup { table: "ledger_transaction", columns: key.clone(), key, lock: false }
});

/// Account ids by what tells accounts apart; the id is the last column.
pub(super) static ACCOUNT_IDS: LazyLock<Lookup> = LazyLock::new(|| {
    let columns = account_key().into_iter().chain([int("id")]).collect();
    Lookup { table: "ledger_account", key: account_key(), columns, lock: false }
});

/// Balances by id, locked in the order of the ids.
pub(super) static BALANCES: LazyLock<Lookup> = LazyLock::new(|| Lookup {
    table: "ledger_account",
    key: vec![int("id")],
    columns: vec![int("id"), int("balance"), int("seq")],
    lock: true,
});

/// The head row, locked: every writer of every process passes here one by one.
pub(super) static HEAD: LazyLock<Lookup> = LazyLock::new(|| Lookup {
    table: "ledger_head",
    key: vec![int("id")],
    columns: vec![int("seq"), bytes("hash"), int("number"), int("accounts"), int("recorded_at")],
    lock: true,
});

/// The place of the event that was told last; read and moved behind the head row's lock.
pub(super) static EVENT_HEAD: LazyLock<Lookup> = LazyLock::new(|| Lookup {
    table: "event_head",
    key: vec![int("id")],
    columns: vec![int("seq")],
    lock: false,
});

pub(super) static MOVE_EVENT_HEAD: LazyLock<Revision> = LazyLock::new(|| Revision {
    table: "event_head",
    key: int("id"),
    versioned: false,
    set: vec![int("seq")],
    removes: false,
});

/// The batch a writer wrote last.
pub(super) static LAST_BATCH: LazyLock<Lookup> = LazyLock::new(|| Lookup {
    table: "writer_batch",
    key: vec![text("writer")],
    columns: vec![text("batch")],
    lock: false,
});

fn audit_head() -> Vec<Column> {
    vec![text("merchant_id"), int("seq"), bytes("hash")]
}

/// Where the audit trails end.
pub(super) static AUDIT_HEADS: LazyLock<Lookup> = LazyLock::new(|| Lookup {
    table: "audit_head",
    key: vec![text("merchant_id")],
    columns: audit_head(),
    lock: false,
});

pub(super) static NEW_AUDIT_HEADS: LazyLock<Insertion> =
    LazyLock::new(|| Insertion { table: "audit_head", columns: audit_head() });

pub(super) static MOVE_AUDIT_HEADS: LazyLock<Revision> = LazyLock::new(|| Revision {
    table: "audit_head",
    key: text("merchant_id"),
    versioned: false,
    set: vec![int("seq"), bytes("hash")],
    removes: false,
});

pub(super) static NEW_ACCOUNTS: LazyLock<Insertion> = LazyLock::new(|| Insertion {
    table: "ledger_account",
    columns: account_key().into_iter().chain([int("id"), int("balance"), int("seq")]).collect(),
});

pub(super) static NEW_DIMENSIONS: LazyLock<Insertion> = LazyLock::new(|| Insertion {
    table: "ledger_dimension",
    columns: vec![text("merchant_id"), text("dimension"), int("account_id")],
});

pub(super) static NEW_TRANSACTIONS: LazyLock<Insertion> = LazyLock::new(|| Insertion {
    table: "ledger_transaction",
    columns: vec![
        int("number"),
        text("id"),
        text("merchant_id"),
        text("event"),
        text("source"),
        text("subject"),
        int("effective_at"),
        int("recorded_at"),
        int("block"),
    ],
});

pub(super) static NEW_ENTRIES: LazyLock<Insertion> = LazyLock::new(|| Insertion {
    table: "ledger_entry",
    columns: vec![
        int("account_id"),
        int("seq"),
        int("transaction_number"),
        int("position"),
        int("amount"),
        int("balance_after"),
    ],
});

pub(super) static NEW_BLOCK: LazyLock<Insertion> = LazyLock::new(|| Insertion {
    table: "ledger_block",
    columns: vec![
        int("seq"),
        bytes("prev_hash"),
        bytes("hash"),
        int("first_transaction"),
        int("transactions"),
        int("recorded_at"),
    ],
});

pub(super) static NEW_WRITER: LazyLock<Insertion> = LazyLock::new(|| Insertion {
    table: "writer_batch",
    columns: vec![text("writer"), text("batch"), int("recorded_at")],
});

pub(super) static NEW_HEAD: LazyLock<Insertion> = LazyLock::new(|| Insertion {
    table: "ledger_head",
    columns: vec![int("id"), int("seq"), bytes("hash"), int("number"), int("accounts"), int("recorded_at")],
});

pub(super) static MOVE_ACCOUNTS: LazyLock<Revision> = LazyLock::new(|| Revision {
    table: "ledger_account",
    key: int("id"),
    versioned: false,
    set: vec![int("balance"), int("seq")],
    removes: false,
});

pub(super) static MOVE_HEAD: LazyLock<Revision> = LazyLock::new(|| Revision {
    table: "ledger_head",
    key: int("id"),
    versioned: false,
    set: vec![int("seq"), bytes("hash"), int("number"), int("accounts"), int("recorded_at")],
    removes: false,
});

pub(super) static MOVE_WRITER: LazyLock<Revision> = LazyLock::new(|| Revision {
    table: "writer_batch",
    key: text("writer"),
    versioned: false,
    set: vec![text("batch"), int("recorded_at")],
    removes: false,
});
