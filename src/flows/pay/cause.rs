//! Why we know what a report says, and what is kept as evidence of it.

use serde_json::json;

use crate::domain::fx::Country;
use crate::domain::orders::{PaymentReport, ReportKind, ReportSource};
pub(in crate::flows) use crate::gateways::call::sha256;
use crate::ids::NoticeId;

/// Why we know what a report says.
#[derive(Debug, Clone)]
pub struct Cause {
    /// Who said it.
    pub source: ReportSource,
    /// The notice that made us ask, to be settled with the effect.
    pub notice: Option<NoticeRef>,
}

/// A notice as the cause of a question.
#[derive(Debug, Clone)]
pub struct NoticeRef {
    /// The notice.
    pub id: NoticeId,
    /// The version of its row.
    pub version: i64,
    /// SHA-256 of its body.
    pub body_sha256: String,
}

impl Cause {
    /// A report of this source, without a notice.
    pub fn of(source: ReportSource) -> Cause {
        Cause { source, notice: None }
    }
}

/// What the timeline keeps of a report, and its hash: of the notice's bytes where there is one.
pub(super) fn evidence(report: &PaymentReport, cause: &Cause) -> (String, serde_json::Value) {
    let said = match &report.kind {
        ReportKind::Captured(capture) => json!({
            "capture_ref": capture.capture_ref, "amount": capture.amount, "fee": capture.fee, "at": capture.at,
            "receivable": capture.receivable.map(|(amount, _)| amount),
            "payer_country": capture.payer_country.map(Country::code),
        }),
        ReportKind::Authorised { amount } => json!({ "amount": amount }),
        ReportKind::Stated { amount } => json!({ "amount": amount }),
        ReportKind::Failed { code } | ReportKind::Cancelled { code } => json!({ "code": code }),
        ReportKind::Pending { reason, expected, person_by } => {
            json!({ "reason": reason, "expected": expected, "person_by": person_by })
        }
        ReportKind::Unknown { raw } => json!({ "raw": raw }),
        ReportKind::RequiresAction | ReportKind::Expired | ReportKind::NotFound => json!({}),
    };
    let mut detail = json!({
        "report": report.kind.as_str(), "said": said, "account": report.account,
        "gateway_ref": report.gateway_ref, "request_ref": report.request_ref,
        "notice": cause.notice.as_ref().map(|notice| notice.id),
    });
    let hash = match &cause.notice {
        Some(notice) => notice.body_sha256.clone(),
        None => sha256(detail.to_string().as_bytes()),
    };
    // Not part of what is hashed: an answer that says the same in other bytes is no news.
    if let Some(answer) = &report.answer_sha256 {
        detail["answer_sha256"] = answer.as_str().into();
    }
    (hash, detail)
}
