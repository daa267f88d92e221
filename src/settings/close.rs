//! How much may be unexplained when a period is closed.

use crate::domain::periods::CloseLimits;

use super::{Reader, SettingsError};

impl Reader<'_> {
    /// The limits of a close.
    pub(super) fn close_limits(&self) -> Result<CloseLimits, SettingsError> {
        Ok(CloseLimits {
            unexplained_minor: self.number("close.unexplained_minor", 0, 1_000_000_000)?,
            transit_days: self.number("close.transit_days", 0, 60)?,
            open_findings: self.number("close.open_findings", 0, 1_000_000)?,
        })
    }
}
