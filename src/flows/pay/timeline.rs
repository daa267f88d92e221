//! Lines of the timeline that no gateway's report is behind: what we did, and what a person asked for.

use crate::domain::orders::{Payment, ReportSource, TimelineEntry};
use crate::store::Change;

use super::Pay;
use super::cause::sha256;

impl Pay {
    /// A line of the timeline about our own call.
    pub(super) fn note(&self, change: &mut Change, payment: &Payment, kind: &str, detail: serde_json::Value) {
        self.note_from(change, ReportSource::Call, payment, kind, detail);
    }

    /// A line of the timeline that no gateway's report is behind.
    pub(super) fn note_from(
        &self,
        change: &mut Change,
        source: ReportSource,
        payment: &Payment,
        kind: &str,
        detail: serde_json::Value,
    ) {
        let entry = TimelineEntry {
            id: self.0.ids.mint(),
            source,
            kind: kind.to_owned(),
            state: payment.state.as_str().to_owned(),
            evidence: sha256(detail.to_string().as_bytes()),
            detail,
            at: self.0.clock.now(),
        };
        change.report_payment(payment, &entry);
    }
}
