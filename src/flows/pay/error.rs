//! Why a payment is not started, moved or found, in the words of the API.

use chrono::{DateTime, Utc};

use crate::gateways::{GatewayError, Unchargeable};
use crate::ids::PaymentId;
use crate::store::{CommitError, StoreError};

use super::{QuoteRefused, SettleError};

/// Why the flow did not do what was asked. Cheap to clone: callers that share one answer share its error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PayError {
    /// No such payment of this merchant.
    #[error("there is no such payment")]
    UnknownPayment,
    /// The merchant has no account at this gateway.
    #[error("there is no account at a gateway `{0}`")]
    UnknownGateway(String),
    /// The gateway cannot hold the amount.
    #[error("{why}")]
    Unchargeable {
        /// Why, with the nearest amount where there is one.
        why: Unchargeable,
        /// The merchant's gateways that can.
        able: Vec<String>,
    },
    /// The amount is not above zero.
    #[error("the amount must be above zero")]
    AmountNotPositive,
    /// The order reference is no reference.
    #[error("an order_ref has 1 to 127 visible characters")]
    BadOrderRef,
    /// The shopper may not be sent there.
    #[error("return_url {0}")]
    BadReturnUrl(&'static str),
    /// The order has a living payment.
    #[error("the order has a payment already: {payment}")]
    OrderRefTaken {
        /// That payment.
        payment: PaymentId,
    },
    /// No such quote.
    #[error("there is no such quote")]
    UnknownQuote,
    /// The quote is used.
    #[error("the quote is used by {by}")]
    QuoteUsed {
        /// By which payment.
        by: PaymentId,
    },
    /// The quote's time is over.
    #[error("the quote expired at {at}")]
    QuoteExpired {
        /// When.
        at: DateTime<Utc>,
    },
    /// The terms are no agreement.
    #[error("{why}")]
    Terms {
        /// The problem's code.
        code: &'static str,
        /// The field it is about.
        param: Option<String>,
        /// What is wrong.
        why: String,
    },
    /// It is too late to call the payment off.
    #[error("the payment is {state} and cannot be cancelled")]
    NotCancellable {
        /// Where it stands.
        state: &'static str,
    },
    /// The money is being taken right now.
    #[error("the payment is being completed at the gateway")]
    BeingCompleted,
    /// What came back with the shopper is not this payment's.
    #[error("the return is refused: {0}")]
    ReturnRefused(String),
    /// A row that came with the request was changed by somebody else: read it again.
    #[error("{table} was changed by somebody else")]
    Superseded {
        /// The table.
        table: &'static str,
    },
    /// The gateway did not say how the payment stands.
    #[error("{0}")]
    Gateway(#[from] GatewayError),
    /// Nothing is sent: the database was restored and the gateways are still being asked.
    #[error(
        "the database was restored from a backup and the gateways are being asked what has happened since; until then nothing is sent"
    )]
    Held,
    /// The database, the writer or the vault did not serve; nothing was promised.
    #[error("{0}")]
    Unavailable(String),
}

impl PayError {
    /// Something of ours did not serve.
    pub(super) fn unavailable(error: impl std::fmt::Display) -> PayError {
        PayError::Unavailable(error.to_string())
    }

    /// The problem's code.
    pub fn code(&self) -> &'static str {
        match self {
            PayError::UnknownPayment => "not_found",
            PayError::UnknownGateway(_) => "gateway_unknown",
            PayError::Unchargeable { why: Unchargeable::Precision { .. }, .. } => "gateway_precision",
            PayError::Unchargeable { why: Unchargeable::Currency { .. }, .. } => "currency_not_supported",
            PayError::AmountNotPositive => "amount_not_positive",
            PayError::BadOrderRef => "order_ref_invalid",
            PayError::BadReturnUrl(_) => "return_url_not_allowed",
            PayError::OrderRefTaken { .. } => "order_ref_taken",
            PayError::UnknownQuote => "quote_not_found",
            PayError::QuoteUsed { .. } => "quote_used",
            PayError::QuoteExpired { .. } => "quote_expired",
            PayError::Terms { code, .. } => code,
            PayError::NotCancellable { .. } => "payment_not_cancellable",
            PayError::BeingCompleted => "payment_being_completed",
            PayError::ReturnRefused(_) => "return_refused",
            PayError::Superseded { .. } => "superseded",
            PayError::Gateway(GatewayError::Throttled { .. }) => "gateway_throttled",
            PayError::Gateway(_) => "gateway_unavailable",
            PayError::Held | PayError::Unavailable(_) => "unavailable",
        }
    }
}

impl From<StoreError> for PayError {
    fn from(error: StoreError) -> PayError {
        PayError::unavailable(error)
    }
}

impl From<CommitError> for PayError {
    fn from(error: CommitError) -> PayError {
        match error {
            CommitError::LostUpdate { table, .. } => PayError::Superseded { table },
            other => PayError::unavailable(other),
        }
    }
}

impl From<SettleError> for PayError {
    fn from(error: SettleError) -> PayError {
        match error {
            SettleError::Refused { code, param, why } => PayError::Terms { code, param, why },
            SettleError::Commit(error) => error.into(),
            other => PayError::unavailable(other),
        }
    }
}

impl From<QuoteRefused> for PayError {
    fn from(error: QuoteRefused) -> PayError {
        match error {
            QuoteRefused::Unknown => PayError::UnknownQuote,
            QuoteRefused::Used { by } => PayError::QuoteUsed { by },
            QuoteRefused::Expired { at } => PayError::QuoteExpired { at },
            QuoteRefused::Store(error) => error.into(),
        }
    }
}
