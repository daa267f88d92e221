//! That a database was restored, and how far the gateways were asked since: a word it remembers about itself.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Change, Store, StoreError, Versioned};
use crate::ids::PaymentId;

/// Its key among the settings.
pub(super) const RESTORED: &str = "restored";

/// A restore, and what was asked since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// How far it has come.
    pub phase: Phase,
    /// When the backup was taken.
    pub taken_at: DateTime<Utc>,
    /// Where books that had been restored before were backed up: when the earliest of these backups was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_taken_at: Option<DateTime<Utc>>,
    /// When it was put back.
    pub restored_at: DateTime<Utc>,
    /// Where the books stood.
    pub head: String,
    /// The last payment that was asked about in [`Phase::Payments`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<PaymentId>,
}

/// How far a restore has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Its rows are loaded and not checked: such a database is not served.
    Loading,
    /// Nothing is sent: the gateways are asked what became of every open call and payment.
    Intents,
    /// That is known. Payments that had ended are asked about, for what happened to them since the backup.
    Payments,
    /// Nothing is left to ask.
    Done,
}

impl Restored {
    /// From when on something may have happened that these books do not know of.
    pub fn gap_from(&self) -> DateTime<Utc> {
        self.first_taken_at.unwrap_or(self.taken_at)
    }

    pub(super) fn to_text(&self) -> Result<String, StoreError> {
        serde_json::to_string(self).map_err(|error| unreadable(&error))
    }
}

impl Store {
    /// Whether this database was restored, and how far the gateways were asked since.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn restored(&self) -> Result<Option<Versioned<Restored>>, StoreError> {
        let Some(row) = self.setting(RESTORED).await? else { return Ok(None) };
        let value = serde_json::from_str(&row.value).map_err(|error| unreadable(&error))?;
        Ok(Some(Versioned { value, version: row.version }))
    }
}

impl Change {
    /// Writes how far a restore has come; `before` is what [`Store::restored`] answered.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`], which a plain record cannot cause.
    pub fn set_restored(
        &mut self,
        restored: &Restored,
        before: &Versioned<Restored>,
    ) -> Result<&mut Change, StoreError> {
        let row = Versioned { value: String::new(), version: before.version };
        Ok(self.set_setting(RESTORED, restored.to_text()?, Some(&row)))
    }
}

fn unreadable(error: &serde_json::Error) -> StoreError {
    StoreError::Unreadable { table: "setting", key: RESTORED.to_owned(), why: error.to_string() }
}
