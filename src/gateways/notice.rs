//! What comes to us unasked: the gateway's notices and the shopper's way back. Nothing here is believed before the
//! adapter says so, and what it says is only which payment to ask about.

use chrono::{DateTime, Utc};

use crate::ids::{PayoutBatchId, PayoutId};
use crate::money::Money;

/// What came back with the shopper, or with an `Authorised` notice: query parameters, checked by the adapter.
#[derive(Debug, Clone, Default)]
pub struct ReturnParameters(pub Vec<(String, String)>);

impl ReturnParameters {
    /// The value of a parameter that occurs exactly once.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let first = values.next()?;
        values.next().is_none().then_some(first)
    }
}

/// A notice as it arrived.
#[derive(Debug, Clone)]
pub struct RawNotification<'a> {
    /// `POST`.
    pub method: &'a str,
    /// Path and query as the gateway signed them: without our mount prefix where the far side does not know it.
    pub path_and_query: &'a str,
    /// Header names in lower case with their raw values, in order.
    pub headers: &'a [(String, String)],
    /// The body, byte for byte.
    pub body: &'a [u8],
    /// When it arrived, by the wall.
    pub received_at: DateTime<Utc>,
}

impl RawNotification<'_> {
    /// The value of a header that occurs exactly once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let first = values.next()?;
        values.next().is_none().then_some(first)
    }
}

/// A notice that was verified: only [`Gateway::verify`] makes one. It names what to ask about; it decides nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The gateway's id of the event, where it has one.
    pub event_ref: Option<String>,
    /// The gateway's word for what happened.
    pub event_type: String,
    /// Which payment to ask about.
    pub about: About,
    /// The amount that was promised or taken, where the notice names one and the gateway's answers do not: it is held
    /// against what was asked.
    pub stated: Option<Money>,
}

/// What a notice is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// A payment, by our reference or the gateway's (at least one is known).
    Payment {
        /// The reference we sent.
        request_ref: Option<String>,
        /// The gateway's id.
        gateway_ref: Option<String>,
    },
    /// A dispute, by the gateway's id of it.
    Dispute {
        /// The gateway's id.
        dispute_ref: String,
    },
    /// A batch of payouts, or one of them. Names that are not ours are left out; at least one is known.
    Payouts {
        /// Our batch.
        batch: Option<PayoutBatchId>,
        /// The gateway's id of the batch.
        batch_ref: Option<String>,
        /// Our payout.
        item: Option<PayoutId>,
    },
    /// Nothing this part of Straits acts on (account news): kept, answered.
    Other,
}

/// Why a notice is refused.
#[derive(Debug, thiserror::Error)]
pub enum NotificationError {
    /// Signature, freshness, sender or certificate is wrong.
    #[error("the notice is not genuine: {0}")]
    Forged(String),
    /// It cannot be read: not the gateway's format, doubled names.
    #[error("the notice cannot be read: {0}")]
    Malformed(String),
    /// It could not be checked just now (certificate host down): the gateway is asked to send it again.
    #[error("the notice could not be checked: {0}")]
    Unavailable(String),
}

/// What the gateway wants to hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Its content type.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}
