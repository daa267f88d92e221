//! One batch: one transaction that reads what its changes depend on, decides change by change in their order, and
//! writes what was accepted in as few statements as it can.

use std::collections::HashMap;

use crate::clock::from_micros;
use crate::domain::ledger::chain::{EntryFields, TransactionFields};
use crate::domain::ledger::{BlockHash, BlockHasher};
use crate::store::change::{Column, Insert, Kind, Table};
use crate::store::periods::PERIOD_CLOSE;
use crate::store::{Change, CommitError, Committed, Value};

use super::books::{AccountKey, Booked, Books, Head};
use super::guards::Guards;
use super::places::Places;
use super::session::Session;
use super::statement::{Insertion, Revision, Row, StatementError};
use super::tables;
use super::trail::Trails;

/// What became of each change, in order.
pub(super) type Outcomes = Vec<Result<Committed, CommitError>>;

/// Who writes which batch when.
#[derive(Debug, Clone)]
pub(super) struct Stamp {
    pub writer: String,
    pub batch: String,
    /// Business time, microseconds.
    pub now: i64,
}

/// A batch that was written and waits for COMMIT.
#[derive(Debug)]
pub(super) struct Written {
    pub outcomes: Outcomes,
    /// Accounts whose ids may be remembered once the batch stands.
    pub accounts: Vec<(AccountKey, i64)>,
}

/// Everything between BEGIN and COMMIT.
pub(super) async fn write(
    session: &mut Session,
    changes: &[Change],
    stamp: &Stamp,
    known: &HashMap<AccountKey, i64>,
) -> Result<Written, StatementError> {
    let head = lock_head(session).await?;
    let mut guards = Guards::read(session, changes).await?;
    let mut trails = Trails::read(session, changes).await?;
    let transactions = changes.iter().flat_map(|change| &change.transactions);
    let mut books = Books::read(session, head, transactions, known).await?;

    // The ledger's own time never goes back, whatever the clocks of several processes say.
    let recorded_at = stamp.now.max(head.recorded_at);
    let mut accepted = Vec::with_capacity(changes.len());
    let outcomes = changes
        .iter()
        .map(|change| {
            guards.check(change)?;
            books.post(&change.transactions)?;
            guards.accept(change);
            trails.note(&change.notes);
            accepted.push(change);
            let block = (!change.transactions.is_empty()).then_some(head.seq + 1);
            Ok(Committed { block, recorded_at: from_micros(recorded_at) })
        })
        .collect();

    let mut places = Places::read(session, &accepted).await?;
    insert_rows(session, &accepted, &mut places).await?;
    places.write(session).await?;
    update_rows(session, &accepted).await?;
    remove_rows(session, &accepted).await?;
    trails.write(session).await?;
    if !books.posted.is_empty() {
        write_books(session, &books, head, recorded_at).await?;
    } else if let Some(closed_at) = accepted.iter().copied().filter_map(closed_at).max()
        && closed_at > head.recorded_at
    {
        // Nobody books before a close any more: a writer whose clock is behind takes its time from the head.
        move_head(session, Head { recorded_at: closed_at, ..head }).await?;
    }
    let note = vec![stamp.writer.as_str().into(), stamp.batch.as_str().into(), recorded_at.into()];
    expect_all(tables::MOVE_WRITER.table, 1, session.revise(&tables::MOVE_WRITER, &[note]).await?)?;

    let accounts = books.moved.iter().chain(&books.opened).map(|(id, key)| (key.clone(), *id)).collect();
    Ok(Written { outcomes, accounts })
}

/// Locks the row that every writer passes, and reads it.
pub(super) async fn lock_head(session: &mut Session) -> Result<Head, StatementError> {
    let rows = session.look_up(&tables::HEAD, &[vec![1.into()]]).await?;
    let head = rows.into_iter().next().and_then(|row| match row.as_slice() {
        [Value::Int(seq), Value::Bytes(hash), Value::Int(number), Value::Int(accounts), Value::Int(at)] => {
            let hash = BlockHash::from_bytes(hash)?;
            Some(Head { seq: *seq, hash, number: *number, accounts: *accounts, recorded_at: *at })
        }
        _ => None,
    });
    head.ok_or(StatementError { table: "ledger_head", error: sqlx::Error::RowNotFound })
}

async fn insert_rows(
    session: &mut Session,
    changes: &[&Change],
    places: &mut Places,
) -> Result<(), StatementError> {
    let mut groups: Vec<(Insertion, Vec<Row>)> = Vec::new();
    for insert in changes.iter().flat_map(|change| &change.inserts) {
        let (name, columns, values, version) = match insert {
            Insert::Row { table, values } => (table.name, table.columns, values, Some(1)),
            Insert::Entry { log, values } => (log.name, log.columns, values, None),
        };
        let mut row: Row = values.iter().cloned().chain(version.map(Value::Int)).collect();
        places.give(name, &mut row);
        match groups.iter_mut().find(|(insertion, _)| insertion.table == name) {
            Some((_, rows)) => rows.push(row),
            None => {
                let version = version.map(|_| Column { name: "version", kind: Kind::Int });
                let columns = columns.iter().copied().chain(version).collect();
                groups.push((Insertion { table: name, columns }, vec![row]));
            }
        }
    }
    for (insertion, rows) in &groups {
        session.insert(insertion, rows).await?;
    }
    Ok(())
}

async fn update_rows(session: &mut Session, changes: &[&Change]) -> Result<(), StatementError> {
    let mut groups: HashMap<Revision, Vec<Row>> = HashMap::new();
    for change in changes {
        for (table, id, version, set) in merged(change) {
            let set_columns = |name| table.columns.iter().find(|column| column.name == name).copied();
            let (set, values): (Vec<Column>, Row) =
                set.into_iter().filter_map(|(name, value)| Some((set_columns(name)?, value))).unzip();
            let revision =
                Revision { table: table.name, key: table.columns[0], versioned: true, set, removes: false };
            let row = [Value::from(id), version.into()].into_iter().chain(values).collect();
            groups.entry(revision).or_default().push(row);
        }
    }
    for (revision, rows) in &groups {
        expect_all(revision.table, rows.len(), session.revise(revision, rows).await?)?;
    }
    Ok(())
}

async fn remove_rows(session: &mut Session, changes: &[&Change]) -> Result<(), StatementError> {
    let mut groups: HashMap<Revision, Vec<Row>> = HashMap::new();
    for removal in changes.iter().flat_map(|change| &change.removals) {
        let (table, key) = (removal.table.name, removal.table.columns[0]);
        let revision = Revision { table, key, versioned: true, set: vec![], removes: true };
        groups
            .entry(revision)
            .or_default()
            .push(vec![Value::from(removal.id.as_str()), removal.version.into()]);
    }
    for (revision, rows) in &groups {
        expect_all(revision.table, rows.len(), session.revise(revision, rows).await?)?;
    }
    Ok(())
}

type MergedUpdate<'c> = (&'static Table, &'c str, i64, Vec<(&'static str, Value)>);

/// A change may name a row twice; it is written once, the later word winning.
fn merged(change: &Change) -> Vec<MergedUpdate<'_>> {
    let mut updates: Vec<MergedUpdate<'_>> = Vec::with_capacity(change.updates.len());
    for update in &change.updates {
        let same = |known: &&mut MergedUpdate<'_>| known.0.name == update.table.name && known.1 == update.id;
        let Some((_, _, _, set)) = updates.iter_mut().find(same) else {
            updates.push((update.table, &update.id, update.version, update.set.clone()));
            continue;
        };
        for (name, value) in &update.set {
            match set.iter_mut().find(|(known, _)| known == name) {
                Some((_, old)) => *old = value.clone(),
                None => set.push((name, value.clone())),
            }
        }
    }
    updates
}

async fn write_books(
    session: &mut Session,
    books: &Books<'_>,
    head: Head,
    recorded_at: i64,
) -> Result<(), StatementError> {
    let opened = books.opened.iter().filter_map(|(id, key)| {
        let standing = books.standing(key)?;
        Some([key.row(), vec![(*id).into(), standing.balance.into(), standing.seq.into()]].concat())
    });
    session.insert(&tables::NEW_ACCOUNTS, &opened.collect::<Vec<_>>()).await?;
    let dimensions = books.opened.iter().flat_map(|(id, key)| {
        let merchant = key.merchant;
        key.account
            .owner
            .as_str()
            .split(',')
            .filter(|dimension| !dimension.is_empty())
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .map(move |dimension| vec![Value::text(merchant), dimension.into(), (*id).into()])
    });
    session.insert(&tables::NEW_DIMENSIONS, &dimensions.collect::<Vec<_>>()).await?;
    let moved: Vec<Row> = books
        .moved
        .iter()
        .filter_map(|(id, key)| {
            let standing = books.standing(key)?;
            Some(vec![(*id).into(), standing.balance.into(), standing.seq.into()])
        })
        .collect();
    expect_all(
        tables::MOVE_ACCOUNTS.table,
        moved.len(),
        session.revise(&tables::MOVE_ACCOUNTS, &moved).await?,
    )?;

    let seq = head.seq + 1;
    let transactions: Vec<Row> =
        books.posted.iter().map(|booked| transaction_row(booked, seq, recorded_at)).collect();
    session.insert(&tables::NEW_TRANSACTIONS, &transactions).await?;
    let entries: Vec<Row> = books.posted.iter().flat_map(entry_rows).collect();
    session.insert(&tables::NEW_ENTRIES, &entries).await?;

    let hash = hash_block(seq, head.hash, recorded_at, &books.posted);
    let previous = Value::Bytes(head.hash.as_bytes().to_vec());
    let own = Value::Bytes(hash.as_bytes().to_vec());
    let count = books.head.number - head.number;
    let block = vec![seq.into(), previous, own, (head.number + 1).into(), count.into(), recorded_at.into()];
    session.insert(&tables::NEW_BLOCK, &[block]).await?;
    move_head(session, Head { seq, hash, recorded_at, ..books.head }).await
}

async fn move_head(session: &mut Session, head: Head) -> Result<(), StatementError> {
    let moved = vec![
        1.into(),
        head.seq.into(),
        Value::Bytes(head.hash.as_bytes().to_vec()),
        head.number.into(),
        head.accounts.into(),
        head.recorded_at.into(),
    ];
    expect_all(tables::MOVE_HEAD.table, 1, session.revise(&tables::MOVE_HEAD, &[moved]).await?)
}

/// When a change closes a period.
fn closed_at(change: &Change) -> Option<i64> {
    let closes = change.updates.iter().filter(|update| update.table.name == PERIOD_CLOSE.name);
    closes.flat_map(|update| &update.set).find_map(|(name, value)| match value {
        Value::Int(at) if *name == "closed_at" => Some(*at),
        _ => None,
    })
}

fn transaction_row(booked: &Booked<'_>, block: i64, recorded_at: i64) -> Row {
    let transaction = booked.transaction;
    vec![
        booked.number.into(),
        Value::text(transaction.id()),
        Value::text(transaction.merchant()),
        transaction.event().as_str().into(),
        transaction.source().into(),
        transaction.subject().into(),
        transaction.effective_at().into(),
        recorded_at.into(),
        block.into(),
    ]
}

fn entry_rows<'b>(booked: &'b Booked<'_>) -> impl Iterator<Item = Row> + 'b {
    booked.entries.iter().map(|entry| {
        vec![
            entry.standing.id.into(),
            entry.standing.seq.into(),
            booked.number.into(),
            entry.position.into(),
            entry.amount.into(),
            entry.standing.balance.into(),
        ]
    })
}

fn hash_block(seq: i64, previous: BlockHash, recorded_at: i64, posted: &[Booked<'_>]) -> BlockHash {
    let mut hasher = BlockHasher::new(seq, previous, recorded_at);
    for booked in posted {
        let transaction = booked.transaction;
        hasher.transaction(&TransactionFields {
            number: booked.number,
            id: &transaction.id().to_string(),
            merchant: &transaction.merchant().to_string(),
            event: transaction.event().as_str(),
            source: transaction.source(),
            subject: transaction.subject(),
            effective_at: transaction.effective_at().timestamp_micros(),
        });
        for entry in &booked.entries {
            hasher.entry(&EntryFields {
                position: entry.position,
                account_id: entry.standing.id,
                code: i64::from(entry.key.account.code.number()),
                owner: entry.key.account.owner.as_str(),
                currency: entry.key.currency.code(),
                layer: entry.key.layer.number(),
                seq: entry.standing.seq,
                amount: entry.amount,
                balance_after: entry.standing.balance,
            });
        }
    }
    hasher.finish()
}

/// Every row was checked under the lock; one that is missing now means that somebody writes beside the writer.
pub(super) fn expect_all(table: &'static str, expected: usize, found: u64) -> Result<(), StatementError> {
    if u64::try_from(expected) == Ok(found) {
        return Ok(());
    }
    Err(StatementError { table, error: sqlx::Error::RowNotFound })
}
