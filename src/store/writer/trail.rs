//! The audit trails as a batch continues them: every accepted note gets the next place of its merchant's chain, under
//! the head row's lock that all writers pass.

use std::collections::BTreeMap;

use crate::domain::access::{AuditEntry, AuditHead, AuditNote};
use crate::ids::MerchantId;
use crate::store::audit::{self, AUDIT_ENTRY};
use crate::store::{Change, Value};

use super::session::Session;
use super::statement::{Insertion, Row, StatementError};
use super::tables;

/// The trails that a batch's notes belong to.
#[derive(Debug, Default)]
pub(super) struct Trails {
    ends: BTreeMap<MerchantId, End>,
    entries: Vec<Row>,
}

#[derive(Debug)]
struct End {
    head: AuditHead,
    stored: bool,
    moved: bool,
}

impl Trails {
    /// Reads where the trails end.
    pub async fn read(session: &mut Session, changes: &[Change]) -> Result<Trails, StatementError> {
        let mut ends: BTreeMap<MerchantId, End> = BTreeMap::new();
        for note in changes.iter().flat_map(|change| &change.notes) {
            let start = End { head: AuditHead::START, stored: false, moved: false };
            ends.entry(note.actor.merchant).or_insert(start);
        }
        let keys: Vec<Row> = ends.keys().map(|merchant| vec![Value::text(merchant)]).collect();
        for row in session.look_up(&tables::AUDIT_HEADS, &keys).await? {
            if let [Value::Text(merchant), Value::Int(seq), Value::Bytes(hash)] = row.as_slice()
                && let (Ok(merchant), Ok(hash)) = (merchant.parse(), <[u8; 32]>::try_from(hash.as_slice()))
            {
                let head = AuditHead { seq: *seq, hash };
                ends.insert(merchant, End { head, stored: true, moved: false });
            }
        }
        Ok(Trails { ends, entries: Vec::new() })
    }

    /// Gives the notes of an accepted change their places.
    pub fn note(&mut self, notes: &[AuditNote]) {
        for note in notes {
            let Some(end) = self.ends.get_mut(&note.actor.merchant) else { continue };
            let entry = AuditEntry { seq: end.head.seq + 1, note: note.clone(), previous: end.head.hash };
            end.head = AuditHead { seq: entry.seq, hash: entry.hash() };
            end.moved = true;
            self.entries.push(audit::row(&entry));
        }
    }

    /// Writes the entries and the new ends.
    pub async fn write(self, session: &mut Session) -> Result<(), StatementError> {
        let entries = Insertion { table: AUDIT_ENTRY.name, columns: AUDIT_ENTRY.columns.to_vec() };
        session.insert(&entries, &self.entries).await?;
        let moved = self.ends.iter().filter(|(_, end)| end.moved);
        let (old, new): (Vec<_>, Vec<_>) = moved.partition(|(_, end)| end.stored);
        let row = |(merchant, end): (&MerchantId, &End)| -> Row {
            vec![Value::text(merchant), end.head.seq.into(), end.head.hash.to_vec().into()]
        };
        session.insert(&tables::NEW_AUDIT_HEADS, &new.into_iter().map(row).collect::<Vec<_>>()).await?;
        let old: Vec<Row> = old.into_iter().map(row).collect();
        super::batch::expect_all(
            "audit_head",
            old.len(),
            session.revise(&tables::MOVE_AUDIT_HEADS, &old).await?,
        )
    }
}
