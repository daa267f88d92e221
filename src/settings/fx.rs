//! The section `[fx]`, with the files it names.

use std::sync::Arc;

use toml::Value;

use super::{Mode, Reader, SettingsError};
use crate::domain::fx::{Endings, FxSettings, Thresholds, ThresholdsError};

impl Reader<'_> {
    /// The section as its own type reads it; empty texts are left out, and "sandbox" is decided here.
    pub(super) fn fx(&self, mode: Mode) -> Result<FxSettings, SettingsError> {
        let stale = self.word(
            "fx.allow_stale_reference",
            &[("sandbox", mode == Mode::Sandbox), ("always", true), ("never", false)],
        )?;
        let mut section = toml::Table::new();
        let files = ["price_endings", "thresholds"];
        let kept = |(key, value): &(&str, &Value)| value.as_str() != Some("") && !files.contains(key);
        for (key, value) in self.0.below("fx").filter(kept) {
            match key.split_once('.') {
                Some((name, inner)) => {
                    let table = section.entry(name).or_insert_with(|| Value::Table(toml::Table::new()));
                    if let Value::Table(table) = table {
                        table.insert(inner.to_owned(), value.clone());
                    }
                }
                None => {
                    section.insert(key.to_owned(), value.clone());
                }
            }
        }
        section.insert("allow_stale_reference".to_owned(), Value::Boolean(stale));
        let mut fx: FxSettings =
            section.try_into().map_err(|error: toml::de::Error| self.bad("fx", error.message()))?;
        if let Some((file, text)) = self.own_file("fx.price_endings")? {
            let read = Endings::read(&text, &file);
            fx.endings = Arc::new(read.map_err(|error| SettingsError::File {
                why: format!("`{}` {} (setting fx.price_endings)", error.key, error.why),
                file,
            })?);
        }
        if let Some((file, text)) = self.own_file("fx.thresholds")? {
            let why = |error: ThresholdsError| format!("{error} (setting fx.thresholds)");
            let read = Thresholds::read(&text);
            let read = read.map_err(|error| SettingsError::File { why: why(error), file })?;
            fx.thresholds = Some(Arc::new(read));
        }
        Ok(fx)
    }
}
