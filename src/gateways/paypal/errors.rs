//! PayPal's issues, and which of the four outcomes each one is.
//!
//! The first detail's `issue` decides, else the envelope's `name`. Source: the error lists of `orders.capture` and
//! `captures.refund` in the specification.

use super::wire::Problem;
use crate::gateways::GatewayError;

/// What a refusal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// It happened, or is happening: the order says how it stands.
    AskOrder,
    /// Nothing happened; it may succeed later without a new decision of ours.
    Later,
    /// Nothing happened and nothing will.
    Never,
}

const ISSUES: &[(&str, Class)] = &[
    ("ORDER_ALREADY_CAPTURED", Class::AskOrder),
    ("ORDER_ALREADY_AUTHORIZED", Class::AskOrder),
    ("ORDER_COMPLETION_IN_PROGRESS", Class::AskOrder),
    ("CAPTURE_FULLY_REFUNDED", Class::AskOrder),
    ("PREVIOUSLY_CAPTURED", Class::AskOrder),
    ("PREVIOUSLY_VOIDED", Class::AskOrder),
    ("DUPLICATE_INVOICE_ID", Class::AskOrder),
    // The shopper acts, then the same call succeeds.
    ("ORDER_NOT_APPROVED", Class::Later),
    ("PAYER_ACTION_REQUIRED", Class::Later),
    ("INSTRUMENT_DECLINED", Class::Later),
    ("REDIRECT_PAYER_FOR_ALTERNATE_FUNDING", Class::Later),
    ("PAYER_CANNOT_PAY", Class::Later),
    // Funds or time.
    ("PENDING_CAPTURE", Class::Later),
    ("REFUND_FAILED_INSUFFICIENT_FUNDS", Class::Later),
    ("INSUFFICIENT_FUNDS", Class::Later),
    // The operator's matter: an approved payment is not thrown away for a wrong secret.
    ("AUTHENTICATION_FAILURE", Class::Later),
    ("invalid_token", Class::Later),
    ("invalid_client", Class::Later),
];

/// A refusal, read.
#[derive(Debug)]
pub(super) struct Refusal {
    pub code: String,
    /// The envelope's name, where the code is a detail's issue.
    pub name: String,
    /// The field the first detail is about.
    pub field: Option<String>,
    /// Where PayPal says to look.
    pub links: Vec<String>,
    pub message: String,
    pub class: Class,
}

impl Refusal {
    pub fn of(problem: &Problem) -> Refusal {
        let detail = problem.details.first();
        let name = problem.name.as_deref().or(problem.error.as_deref());
        let code = detail.and_then(|detail| detail.issue.as_deref()).or(name).unwrap_or("UNNAMED");
        let message = [
            detail.and_then(|detail| detail.description.as_deref()),
            problem.message.as_deref(),
            problem.error_description.as_deref(),
        ];
        let mut message = message.into_iter().flatten().next().unwrap_or_default().to_owned();
        if let Some(field) = detail.and_then(|detail| detail.field.as_deref()) {
            message = format!("{message} ({field})");
        }
        if let Some(debug_id) = &problem.debug_id {
            tracing::info!(code, debug_id, "PayPal refused");
        }
        let class = |word: &str| ISSUES.iter().find(|(issue, _)| *issue == word).map(|(_, class)| *class);
        // An issue of the Payouts API is a sentence, its word is the name.
        let class = class(code).or_else(|| class(name?)).unwrap_or(Class::Never);
        let links = problem.details.iter().flat_map(|detail| &detail.link).chain(&problem.links);
        Refusal {
            code: code.to_owned(),
            name: name.unwrap_or_default().to_owned(),
            field: detail.and_then(|detail| detail.field.clone()),
            links: links.filter_map(|link| link.href.clone()).collect(),
            message,
            class,
        }
    }

    /// Whether PayPal answered without an error of its own making.
    pub fn is_unnamed(&self) -> bool {
        self.code == "UNNAMED"
    }

    /// Our credentials or permissions, not what was asked.
    pub fn is_account_matter(&self) -> bool {
        let names = ["AUTHENTICATION_FAILURE", "invalid_token", "PERMISSION_DENIED", "NOT_AUTHORIZED"];
        names.contains(&self.code.as_str())
    }

    pub fn into_error(self) -> GatewayError {
        let retry_later = self.class == Class::Later;
        GatewayError::Refused { code: self.code, message: self.message, retry_later }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: &str) -> Refusal {
        Refusal::of(&serde_json::from_str(body).unwrap())
    }

    #[test]
    fn the_first_issue_decides_then_the_name() {
        let of = |body: &str| {
            let refusal = refusal(body);
            (refusal.code, refusal.class)
        };
        let capture = include_str!("fixtures/error_order_already_captured.json");
        assert_eq!(of(capture), ("ORDER_ALREADY_CAPTURED".into(), Class::AskOrder));
        let refund = include_str!("fixtures/error_refund_insufficient_funds.json");
        assert_eq!(of(refund), ("REFUND_FAILED_INSUFFICIENT_FUNDS".into(), Class::Later));
        let token = r#"{"error":"invalid_client","error_description":"Client Authentication failed"}"#;
        assert_eq!(of(token), ("invalid_client".into(), Class::Later));
        assert_eq!(of(r#"{"name":"NOT_AUTHORIZED"}"#), ("NOT_AUTHORIZED".into(), Class::Never));
        assert!(refusal("{}").is_unnamed());
    }

    #[test]
    fn what_is_permanent_is_never_tried_again() {
        for issue in [
            "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED",
            "COMPLIANCE_VIOLATION",
            "TRANSACTION_REFUSED",
            "PAYEE_BLOCKED_TRANSACTION",
            "PAYER_ACCOUNT_LOCKED_OR_CLOSED",
            "PERMISSION_DENIED",
            "REFUND_AMOUNT_EXCEEDED",
            "REFUND_TIME_LIMIT_EXCEEDED",
            "REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK",
            "DECIMALS_NOT_SUPPORTED",
            "AN_ISSUE_OF_TOMORROW",
        ] {
            let error = refusal(&format!(r#"{{"details":[{{"issue":"{issue}"}}]}}"#)).into_error();
            assert!(matches!(error, GatewayError::Refused { retry_later: false, .. }), "{issue}");
        }
    }
}
