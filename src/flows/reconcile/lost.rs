//! What a program that ended left behind: runs that go on nowhere, files that nobody reads any more.

use chrono::{DateTime, TimeDelta, Utc};

use crate::store::reconciliations::Run;
use crate::store::{Change, Versioned};

use super::{ReconcileError, Reconciling};

/// A bill is read in minutes; after so long nobody is at it.
const LOST_AFTER: TimeDelta = TimeDelta::hours(6);

impl Reconciling {
    /// Runs that a program which ended left behind are failed, and the files it left are removed: also those of runs that
    /// it did not come to write down.
    ///
    /// # Errors
    /// [`ReconcileError::Unavailable`].
    pub async fn give_up_lost(&self) -> Result<usize, ReconcileError> {
        let before = self.0.clock.now() - LOST_AFTER;
        let lost = self.0.store.running_reconciliations(before).await?;
        let count = lost.len();
        for run in lost {
            let detail = Some("the program ended before the bill was read; hand it in again".to_owned());
            let ended_at = Some(self.0.clock.now());
            let value = Run { state: "failed".to_owned(), detail, ended_at, ..run.value };
            let mut change = Change::new();
            change.update_reconciliation(&Versioned { value, version: run.version });
            self.commit(change).await?;
        }
        self.clear_left_files(self.0.clock.wall() - LOST_AFTER)?;
        Ok(count)
    }

    fn clear_left_files(&self, before: DateTime<Utc>) -> Result<(), ReconcileError> {
        let found = match std::fs::read_dir(&self.0.folder) {
            Ok(found) => found,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(ReconcileError::unavailable(error)),
        };
        for entry in found {
            let entry = entry.map_err(ReconcileError::unavailable)?;
            let left =
                |file: std::fs::Metadata| file.modified().is_ok_and(|at| DateTime::<Utc>::from(at) < before);
            let bill = entry.path().extension().is_some_and(|extension| extension == "bill");
            // Another program may remove it at the same moment.
            if bill && entry.metadata().is_ok_and(left) && std::fs::remove_file(entry.path()).is_ok() {
                tracing::info!(file = ?entry.file_name(), "a bill that was never read to its end is removed");
            }
        }
        Ok(())
    }
}
