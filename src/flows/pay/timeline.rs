//! What the timeline keeps: who said what, what it changed, and the hash of what was said.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::json;

use crate::domain::orders::{Payment, PaymentReport, ReportKind, ReportSource, TimelineEntry};
use crate::store::Change;

use super::Pay;
use super::apply::Cause;

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

/// What the timeline keeps of a report, and its hash: of the notice's bytes where there is one.
pub(super) fn evidence(report: &PaymentReport, cause: &Cause) -> (String, serde_json::Value) {
    let said = match &report.kind {
        ReportKind::Captured(capture) => json!({
            "capture_ref": capture.capture_ref, "amount": capture.amount, "fee": capture.fee, "at": capture.at,
            "receivable": capture.receivable.map(|(amount, _)| amount),
        }),
        ReportKind::Authorised { amount } => json!({ "amount": amount }),
        ReportKind::Failed { code } | ReportKind::Cancelled { code } => json!({ "code": code }),
        ReportKind::Pending { reason } => json!({ "reason": reason }),
        ReportKind::Unknown { raw } => json!({ "raw": raw }),
        ReportKind::RequiresAction | ReportKind::Expired | ReportKind::NotFound => json!({}),
    };
    let detail = json!({
        "report": report.kind.as_str(), "said": said, "account": report.account,
        "gateway_ref": report.gateway_ref, "request_ref": report.request_ref,
        "notice": cause.notice.as_ref().map(|notice| notice.id),
    });
    let hash = match &cause.notice {
        Some(notice) => notice.body_sha256.clone(),
        None => sha256(detail.to_string().as_bytes()),
    };
    (hash, detail)
}

/// SHA-256, hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write;
    digest(&SHA256, bytes).as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
