//! A general ledger's own account numbers: the shipped ones, or the operator's file.

use std::sync::Arc;

use crate::domain::general_ledger::{GlAccounts, GlAccountsError};

use super::{Reader, SettingsError};

/// Where the file is named.
const FILE: &str = "exports.gl_accounts";

impl Reader<'_> {
    pub(super) fn gl_accounts(&self) -> Result<Arc<GlAccounts>, SettingsError> {
        let file = self.text(FILE);
        let failed = |why: String| SettingsError::File { file: file.to_owned(), why };
        let unread = |error: GlAccountsError| failed(format!("{error} (setting {FILE})"));
        if file.is_empty() {
            return GlAccounts::shipped().map(Arc::new).map_err(unread);
        }
        let text =
            std::fs::read_to_string(file).map_err(|error| failed(format!("{error} (setting {FILE})")))?;
        GlAccounts::read(&text).map(Arc::new).map_err(unread)
    }
}
