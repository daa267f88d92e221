//! What must hold before rows are written: versions unmoved, unique keys free. Read once for a whole batch, then kept
//! up to date in memory as its changes are accepted one by one.

use std::collections::{HashMap, HashSet};

use crate::store::change::{Column, Insert, Kind, Table};
use crate::store::{Change, CommitError, Value};

use super::session::Session;
use super::statement::{Lookup, Row, StatementError};

const VERSION: Column = Column { name: "version", kind: Kind::Int };

/// A unique key of a table, by column index.
type Key = (&'static str, Vec<usize>);

/// The guards of a batch.
#[derive(Debug, Default)]
pub(super) struct Guards {
    versions: HashMap<(&'static str, String), i64>,
    revised: HashSet<(&'static str, String)>,
    taken: HashMap<Key, HashSet<Row>>,
}

impl Guards {
    /// Reads every row version and key that any of these changes depends on.
    pub async fn read(session: &mut Session, changes: &[Change]) -> Result<Guards, StatementError> {
        let mut guards = Guards::default();
        for (table, ids) in versions_needed(changes) {
            let lookup = Lookup {
                table: table.name,
                key: vec![table.columns[0]],
                columns: vec![table.columns[0], VERSION],
                lock: false,
            };
            let keys: Vec<Row> = ids.into_iter().map(|id| vec![Value::from(id)]).collect();
            for row in session.look_up(&lookup, &keys).await? {
                if let [Value::Text(id), Value::Int(version)] = row.as_slice() {
                    guards.versions.insert((table.name, id.clone()), *version);
                }
            }
        }
        for ((table, indexes), (columns, wanted)) in keys_needed(changes) {
            let key: Vec<Column> = indexes.iter().map(|&index| columns[index]).collect();
            let lookup = Lookup { table, columns: key.clone(), key, lock: false };
            let wanted: Vec<Row> = wanted.into_iter().collect();
            let found = session.look_up(&lookup, &wanted).await?;
            guards.taken.insert((table, indexes), found.into_iter().collect());
        }
        Ok(guards)
    }

    /// Whether the rows of a change may be written now.
    pub fn check(&self, change: &Change) -> Result<(), CommitError> {
        for update in &change.updates {
            self.check_version(update.table, &update.id, update.version, change)?;
            let unknown = |name: &&str| !update.table.columns.iter().any(|column| column.name == *name);
            if let Some(name) = update.set.iter().map(|(name, _)| *name).find(unknown) {
                let why = format!("{} has no column {name}", update.table.name);
                return Err(CommitError::Unavailable(why));
            }
        }
        for removal in &change.removals {
            self.check_version(removal.table, &removal.id, removal.version, change)?;
        }
        for requirement in &change.requirements {
            self.check_version(requirement.table, &requirement.id, requirement.version, change)?;
        }
        for insert in &change.inserts {
            let (name, columns, values) = parts(insert);
            if columns.len() != values.len() {
                let why = format!("{name} has {} columns, the row {} values", columns.len(), values.len());
                return Err(CommitError::Unavailable(why));
            }
        }
        let mut own: HashSet<(Key, Row)> = HashSet::new();
        for (key, row) in change.inserts.iter().flat_map(keys_of) {
            let taken = self.taken.get(&key).is_some_and(|rows| rows.contains(&row));
            if taken || !own.insert((key.clone(), row.clone())) {
                return Err(CommitError::LostUpdate { table: key.0, key: spell(&row) });
            }
        }
        Ok(())
    }

    /// Takes note of an accepted change.
    pub fn accept(&mut self, change: &Change) {
        for insert in &change.inserts {
            if let Insert::Row { table, values } = insert
                && let Some(Value::Text(id)) = values.first()
            {
                self.versions.insert((table.name, id.clone()), 1);
            }
            for (key, row) in keys_of(insert) {
                self.taken.entry(key).or_default().insert(row);
            }
        }
        for update in &change.updates {
            self.versions.insert((update.table.name, update.id.clone()), update.version + 1);
            self.revised.insert((update.table.name, update.id.clone()));
        }
        // Its unique keys stay taken until the batch stands: rows are inserted before any is removed.
        for removal in &change.removals {
            self.versions.remove(&(removal.table.name, removal.id.clone()));
        }
    }

    /// A row written earlier in this batch is as good as changed by somebody else: its reader cannot have seen it.
    fn check_version(
        &self,
        table: &'static Table,
        id: &str,
        version: i64,
        change: &Change,
    ) -> Result<(), CommitError> {
        let place = (table.name, id.to_owned());
        let stands = self.versions.get(&place) == Some(&version) && !self.revised.contains(&place);
        let own = || version == 1 && change.inserts.iter().any(|insert| inserts_row(insert, table, id));
        if stands || own() {
            return Ok(());
        }
        Err(CommitError::LostUpdate { table: table.name, key: id.to_owned() })
    }
}

/// Where a new row goes, its columns and its values.
fn parts(insert: &Insert) -> (&'static str, &'static [Column], &Row) {
    match insert {
        Insert::Row { table, values } => (table.name, table.columns, values),
        Insert::Entry { log, values } => (log.name, log.columns, values),
    }
}

fn inserts_row(insert: &Insert, wanted: &'static Table, id: &str) -> bool {
    match insert {
        Insert::Row { table, values } => {
            table.name == wanted.name && matches!(values.first(), Some(Value::Text(key)) if key == id)
        }
        Insert::Entry { .. } => false,
    }
}

fn versions_needed(changes: &[Change]) -> Vec<(&'static Table, HashSet<String>)> {
    let mut needed: Vec<(&'static Table, HashSet<String>)> = Vec::new();
    for change in changes {
        let updates = change.updates.iter().map(|update| (update.table, &update.id));
        let removals = change.removals.iter().map(|row| (row.table, &row.id));
        let requirements = change.requirements.iter().map(|row| (row.table, &row.id));
        for (table, id) in updates.chain(removals).chain(requirements) {
            match needed.iter_mut().find(|(known, _)| known.name == table.name) {
                Some((_, ids)) => {
                    ids.insert(id.clone());
                }
                None => needed.push((table, HashSet::from([id.clone()]))),
            }
        }
    }
    needed
}

fn keys_needed(changes: &[Change]) -> HashMap<Key, (&'static [Column], HashSet<Row>)> {
    let mut needed: HashMap<Key, (&'static [Column], HashSet<Row>)> = HashMap::new();
    for insert in changes.iter().flat_map(|change| &change.inserts) {
        let (_, columns, _) = parts(insert);
        for (key, row) in keys_of(insert) {
            needed.entry(key).or_insert_with(|| (columns, HashSet::new())).1.insert(row);
        }
    }
    needed
}

/// The unique keys of a new row with their values; a key with a NULL in it binds nobody.
fn keys_of(insert: &Insert) -> Vec<(Key, Row)> {
    let (name, unique, values, primary) = match insert {
        Insert::Row { table, values } => (table.name, table.unique, values, Some(vec![0])),
        Insert::Entry { log, values } => (log.name, log.unique, values, None),
    };
    let keys = primary.into_iter().chain(unique.iter().map(|indexes| indexes.to_vec()));
    keys.map(|indexes| {
        // A row that is too short has no such key; the database refuses it.
        let value = |&index: &usize| values.get(index).cloned().unwrap_or(Value::Null);
        let row: Row = indexes.iter().map(value).collect();
        ((name, indexes), row)
    })
    .filter(|(_, row)| !row.contains(&Value::Null))
    .collect()
}

fn spell(row: &Row) -> String {
    let words = row.iter().map(|value| match value {
        Value::Null => String::new(),
        Value::Int(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::Bytes(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    });
    words.collect::<Vec<_>>().join(", ")
}
