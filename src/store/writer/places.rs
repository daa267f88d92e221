//! The places of a batch's events, given behind the head row's lock that all writers pass: they grow in the order in
//! which batches commit, whatever the ids of the events and the clocks of several processes say.

use crate::store::change::Insert;
use crate::store::outbox::EVENT;
use crate::store::{Change, Value};

use super::batch::expect_all;
use super::session::Session;
use super::statement::{Row, StatementError};
use super::tables;

/// The next place, where the batch tells anything.
#[derive(Debug)]
pub(super) struct Places(Option<i64>);

impl Places {
    /// Reads where the order ends, if any of these changes tells an event.
    pub async fn read(session: &mut Session, changes: &[&Change]) -> Result<Places, StatementError> {
        let tells = |insert: &Insert| matches!(insert, Insert::Entry { log, .. } if log.name == EVENT.name);
        if !changes.iter().flat_map(|change| &change.inserts).any(tells) {
            return Ok(Places(None));
        }
        let rows = session.look_up(&tables::EVENT_HEAD, &[vec![1.into()]]).await?;
        let last = rows.into_iter().flatten().find_map(|value| match value {
            Value::Int(last) => Some(last),
            _ => None,
        });
        let missing = StatementError { table: "event_head", error: sqlx::Error::RowNotFound };
        last.map(|last| Places(Some(last))).ok_or(missing)
    }

    /// Gives a row of the event table its place.
    pub fn give(&mut self, table: &str, row: &mut Row) {
        if let (true, Some(last), Some(place)) = (table == EVENT.name, &mut self.0, row.last_mut()) {
            *last += 1;
            *place = Value::Int(*last);
        }
    }

    /// Writes where the order ends now.
    pub async fn write(self, session: &mut Session) -> Result<(), StatementError> {
        let Some(last) = self.0 else { return Ok(()) };
        let moved = vec![1.into(), last.into()];
        expect_all("event_head", 1, session.revise(&tables::MOVE_EVENT_HEAD, &[moved]).await?)
    }
}
