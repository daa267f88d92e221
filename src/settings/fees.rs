//! Fee schedules of the operator's own, in place of the shipped ones or beside them.

use std::path::Path;

use crate::domain::fees::FeeBook;
use crate::money::Percent;

use super::{Reader, SettingsError};

/// Where the folder is named.
const FOLDER: &str = "fees.folder";
/// How much a fee may be above its contract.
const TOLERANCE: &str = "fees.tolerance_percent";

impl Reader<'_> {
    /// Percent of a payment that its gateway's fee may be above the contract without a finding of its own.
    pub(super) fn fee_tolerance(&self) -> Result<Percent, SettingsError> {
        let percent: u32 = self.number(TOLERANCE, 0, 100)?;
        Percent::try_new(percent.into()).map_err(|_| self.bad(TOLERANCE, "is no percentage"))
    }

    /// The schedules in force: the shipped ones, and every `*.toml` of the folder. One whose `name` is a shipped one's
    /// takes its place.
    pub(super) fn fees(&self) -> Result<FeeBook, SettingsError> {
        let folder = self.text(FOLDER);
        let shipped = FeeBook::shipped().clone();
        if folder.is_empty() {
            return Ok(shipped);
        }
        let unreadable = |file: &Path, why: &dyn std::fmt::Display| SettingsError::File {
            file: file.display().to_string(),
            why: format!("{why} (setting {FOLDER})"),
        };
        let folder = Path::new(folder);
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(|error| unreadable(folder, &error))? {
            let file = entry.map_err(|error| unreadable(folder, &error))?.path();
            if file.extension().is_some_and(|kind| kind == "toml") {
                files.push(file);
            }
        }
        files.sort();
        let mut own = FeeBook::default();
        for file in files {
            let text = std::fs::read_to_string(&file).map_err(|error| unreadable(&file, &error))?;
            let name = file.display().to_string();
            let book = FeeBook::read(&[(&name, &text)]).map_err(|error| unreadable(&file, &error))?;
            let twice =
                book.schedules().iter().find(|new| own.schedules().iter().any(|old| old.name == new.name));
            if let Some(twice) = twice {
                let why = format!("another file of the folder has the schedule `{}` already", twice.name);
                return Err(unreadable(&file, &why));
            }
            own = own.with(book);
        }
        Ok(shipped.with(own))
    }
}
