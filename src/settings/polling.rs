//! When gateways are asked about open payments: the shipped ladders, or the operator's own file.

use std::sync::Arc;

use crate::domain::orders::{Ladders, LaddersError};

use super::{Reader, SettingsError};

/// Where the file is named.
const FILE: &str = "polling.ladders";

impl Reader<'_> {
    pub(super) fn polling(&self) -> Result<Arc<Ladders>, SettingsError> {
        let file = self.text(FILE);
        let failed = |why: String| SettingsError::File { file: file.to_owned(), why };
        let read = |text: &str| {
            Ladders::read(text).map_err(|error: LaddersError| failed(format!("{error} (setting {FILE})")))
        };
        if file.is_empty() {
            let shipped = Ladders::shipped().map_err(|error| failed(format!("config/polling.toml: {error}")));
            return shipped.map(Arc::new);
        }
        let text =
            std::fs::read_to_string(file).map_err(|error| failed(format!("{error} (setting {FILE})")))?;
        read(&text).map(Arc::new)
    }
}
