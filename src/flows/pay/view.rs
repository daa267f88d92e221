//! A payment as the API, events and webhooks show it.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::orders::{Conflict, Customer, Payment, PaymentState, TimelineEntry};
use crate::ids::{PaymentId, QuoteId, ReportId};
use crate::money::Money;

/// A payment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PaymentView {
    /// Its id.
    pub id: PaymentId,
    /// `payment`.
    pub object: &'static str,
    /// Where it stands.
    pub state: &'static str,
    /// The merchant's order number.
    pub order_ref: String,
    /// What is taken.
    pub amount: Money,
    /// The locked price it came from.
    pub quote: Option<QuoteId>,
    /// The gateway.
    pub gateway: String,
    /// The gateway's method.
    pub method: Option<String>,
    /// Our reference, as the gateway knows it.
    pub gateway_request_ref: String,
    /// The gateway's reference.
    pub gateway_ref: Option<String>,
    /// What the shopper does next, while there is something to do.
    pub next_action: Option<serde_json::Value>,
    /// The capture.
    pub captured: Option<CapturedView>,
    /// How much went back, once something was captured.
    pub refunded: Option<Money>,
    /// Captured after the payment had ended.
    pub late: bool,
    /// Whether a dispute is open.
    pub disputed: bool,
    /// The disputes.
    pub disputes: Vec<serde_json::Value>,
    /// Why it failed or was cancelled.
    pub failure: Option<FailureView>,
    /// What differs, while a person looks.
    pub review: Option<Conflict>,
    /// How the money is divided.
    #[serde(flatten)]
    pub terms: serde_json::Value,
    /// The shopper.
    pub customer: Customer,
    /// Where the shopper goes in the end.
    pub return_url: Option<String>,
    /// The merchant's own notes.
    pub metadata: serde_json::Value,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When the gateway lets it lapse.
    pub expires_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Each report, its source, when, and the hash of its evidence; only for one payment, never in lists or events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeline: Option<Vec<TimelineView>>,
}

/// A capture.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct CapturedView {
    /// How much.
    pub amount: Money,
    /// The gateway's id of it.
    pub capture_ref: String,
    /// When the gateway took it.
    pub at: DateTime<Utc>,
}

/// Why a payment ended without money.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct FailureView {
    /// The gateway's code, or `merchant`.
    pub code: String,
}

/// A line of the timeline.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct TimelineView {
    /// Its id.
    pub id: ReportId,
    /// Who said it: `callback`, `return`, `poll`, `call`, `bill`, `operator`.
    pub source: &'static str,
    /// What was said.
    pub report: String,
    /// The payment's state after it.
    pub state: String,
    /// When it was written down.
    pub at: DateTime<Utc>,
    /// SHA-256 of what was said.
    pub evidence: String,
    /// What was said, as far as it matters.
    #[schema(value_type = Object)]
    pub detail: serde_json::Value,
}

impl PaymentView {
    /// A payment without its timeline.
    pub fn of(payment: &Payment) -> PaymentView {
        let state = &payment.state;
        let taken = state.taken();
        PaymentView {
            id: payment.id,
            object: "payment",
            state: state.as_str(),
            order_ref: payment.order_ref.clone(),
            amount: payment.amount,
            quote: payment.quote,
            gateway: payment.gateway.clone(),
            method: payment.method.clone(),
            gateway_request_ref: payment.request_ref(),
            gateway_ref: payment.gateway_ref.clone(),
            next_action: payment.next_action.clone().filter(|_| state.is_open()),
            captured: taken.map(|taken| CapturedView {
                amount: taken.amount,
                capture_ref: taken.capture_ref.clone(),
                at: taken.at,
            }),
            refunded: state.refunded(),
            late: taken.is_some_and(|taken| taken.late),
            disputed: payment.disputed,
            disputes: vec![],
            failure: match state {
                PaymentState::Failed { code } | PaymentState::Cancelled { code, .. } => {
                    Some(FailureView { code: code.clone() })
                }
                _ => None,
            },
            review: match state {
                PaymentState::InReview { why, .. } => Some(why.clone()),
                _ => None,
            },
            terms: payment.terms.clone(),
            customer: payment.customer.clone(),
            return_url: payment.return_url.clone(),
            metadata: payment.metadata.clone(),
            created_at: payment.created_at,
            expires_at: payment.expires_at,
            updated_at: payment.updated_at,
            timeline: None,
        }
    }

    /// With its history.
    #[must_use]
    pub fn with_timeline(self, entries: &[TimelineEntry]) -> PaymentView {
        let line = |entry: &TimelineEntry| TimelineView {
            id: entry.id,
            source: entry.source.as_str(),
            report: entry.kind.clone(),
            state: entry.state.clone(),
            at: entry.at,
            evidence: entry.evidence.clone(),
            detail: entry.detail.clone(),
        };
        PaymentView { timeline: Some(entries.iter().map(line).collect()), ..self }
    }
}
