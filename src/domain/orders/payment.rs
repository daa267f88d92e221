//! A payment: one attempt to take one amount for one order at one gateway.
//!
//! Everything it was agreed on is frozen at the start: amount, account, and the [`Payment::terms`] by which the money is
//! later divided. Only [`PaymentState`], the gateway's own references and what follows from them change. A second attempt
//! for the same order is a second payment.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::fx::Country;
use crate::ids::{GatewayAccountId, MerchantId, PaymentId, QuoteId, ReportId};
use crate::money::Money;

use super::conflict::Asked;
use super::report::ReportSource;
use super::state::PaymentState;

/// One attempt to take one amount for one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Its id; its text is the reference sent to the gateway.
    pub id: PaymentId,
    /// Whose.
    pub merchant: MerchantId,
    /// The merchant's own order number; one living payment each.
    pub order_ref: String,
    /// What is taken.
    pub amount: Money,
    /// The locked price it came from.
    pub quote: Option<QuoteId>,
    /// The gateway: `paypal`.
    pub gateway: String,
    /// The merchant's account there.
    pub account: GatewayAccountId,
    /// The gateway's method, where it has several.
    pub method: Option<String>,
    /// The gateway's id, once known.
    pub gateway_ref: Option<String>,
    /// How the money is divided when it comes: items, splits, platform fee, policies, as agreed and never changed.
    pub terms: serde_json::Value,
    /// What the shopper let us know, kept to the least.
    pub customer: Customer,
    /// Where the payer is at home, as the gateway named it with the first capture; never changed afterwards, because
    /// fees were assessed by it.
    pub payer_country: Option<Country>,
    /// Where the shopper goes in the end.
    pub return_url: Option<String>,
    /// The merchant's own notes; an object.
    pub metadata: serde_json::Value,
    /// What the shopper does next, as the gateway's adapter wrote it.
    pub next_action: Option<serde_json::Value>,
    /// What the adapter must remember about it.
    pub secrets: Option<SealedSecrets>,
    /// Where it stands.
    pub state: PaymentState,
    /// Whether a dispute is open; a dispute is an object of its own and no state.
    pub disputed: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// After this the gateway lets it lapse.
    pub expires_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// The shopper, as far as the merchant says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Customer {
    /// The address the shopper came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "203.0.113.7")]
    pub ip: Option<std::net::IpAddr>,
    /// A telephone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The merchant's own name for the shopper.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// The adapter's secrets of one payment, sealed; opening them needs the master key and the payment's id.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSecrets(pub Vec<u8>);

impl fmt::Debug for SealedSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedSecrets({} bytes)", self.0.len())
    }
}

/// One line of a payment's history: what was said, by whom, and what it changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineEntry {
    /// Its id.
    pub id: ReportId,
    /// Who said it.
    pub source: ReportSource,
    /// The report's word: `captured`, `amount_differs`.
    pub kind: String,
    /// The payment's state after it.
    pub state: String,
    /// SHA-256 of what was said, hexadecimal: of the notice's bytes or of `detail`.
    pub evidence: String,
    /// What was said, as far as it matters.
    pub detail: serde_json::Value,
    /// When we wrote it down.
    pub at: DateTime<Utc>,
}

impl Payment {
    /// The reference sent to the gateway: one per payment, never a second one.
    pub fn request_ref(&self) -> String {
        self.id.to_string()
    }

    /// Whether its time is over.
    pub fn lapsed(&self, now: DateTime<Utc>) -> bool {
        self.expires_at <= now
    }

    /// What reports are held against; `receiver` is our account as the gateway names it.
    pub fn asked(&self, receiver: Option<&str>, now: DateTime<Utc>) -> Asked {
        Asked {
            amount: self.amount,
            request_ref: self.request_ref(),
            receiver: receiver.map(str::to_owned),
            lapsed: self.lapsed(now),
        }
    }
}
