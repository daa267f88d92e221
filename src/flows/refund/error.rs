//! Why a refund is not made, in the words and codes of the API.

use chrono::NaiveDate;

use crate::domain::refunds::RefundError;
use crate::flows::pay::{PayError, SettleError};
use crate::flows::rounds::InVain;
use crate::gateways::GatewayError;
use crate::ids::FindingId;
use crate::money::Money;
use crate::store::StoreError;

/// Why a refund is not made.
#[derive(Debug, thiserror::Error)]
pub enum RefundFlowError {
    /// Nothing of this merchant under that id.
    #[error("there is no such {0}")]
    Unknown(&'static str),
    /// There is no money to give back.
    #[error("the payment is {state}; only captured money can go back")]
    NotCaptured {
        /// Where it stands.
        state: &'static str,
    },
    /// The money stands aside and waits for a decision.
    #[error(
        "the money of this payment was never divided; it goes back by resolving its finding with send_back"
    )]
    Undivided,
    /// Money of it went back and not by us, as far as is known: it may be this very refund.
    #[error(
        "{amount} of this payment went back as {refund_ref}, and not by us; finding {finding} has to be resolved before more goes back"
    )]
    Elsewhere {
        /// The finding.
        finding: FindingId,
        /// The gateway's name of it.
        refund_ref: String,
        /// How much.
        amount: Money,
    },
    /// Only a bill would tell whether it was given back between a backup and its restore.
    #[error(
        "the database was restored from a backup, and only {gateway}'s bills tell what went back in between: money of this \
         payment goes back once the bills of {first} to {last} are read, each after its day is over"
    )]
    BillsFirst {
        /// The gateway.
        gateway: String,
        /// The first day whose bill was not read.
        first: NaiveDate,
        /// The day of the restore.
        last: NaiveDate,
    },
    /// The gateway has no refunds.
    #[error("{0} cannot pay back")]
    NotSupported(String),
    /// `fx_difference: customer`.
    #[error("the shopper gets back what was paid; fx_difference is platform or supplier")]
    CustomerBears,
    /// The request does not fit the settlement.
    #[error(transparent)]
    Refused(#[from] RefundError),
    /// A row that came with the request was changed by somebody else.
    #[error("{table} was changed by somebody else")]
    Superseded {
        /// The table.
        table: &'static str,
    },
    /// The gateway did not say; what is written down is taken up again.
    #[error("{0}")]
    Gateway(#[from] GatewayError),
    /// Nothing is sent: the database was restored and the gateways are still being asked.
    #[error(
        "the database was restored from a backup and the gateways are being asked what has happened since; until then nothing is sent"
    )]
    Held,
    /// Nothing was promised: try again.
    #[error("{0}")]
    Unavailable(String),
}

impl RefundFlowError {
    pub(super) fn unavailable(error: impl std::fmt::Display) -> RefundFlowError {
        RefundFlowError::Unavailable(error.to_string())
    }

    /// The problem's code.
    pub fn code(&self) -> &'static str {
        match self {
            RefundFlowError::Unknown(_) => "not_found",
            RefundFlowError::NotCaptured { .. } => "payment_not_captured",
            RefundFlowError::Undivided => "payment_undivided",
            RefundFlowError::Elsewhere { .. } => "refund_elsewhere",
            RefundFlowError::BillsFirst { .. } => "bills_first",
            RefundFlowError::NotSupported(_) => "refund_not_supported",
            RefundFlowError::CustomerBears => "fx_difference_invalid",
            RefundFlowError::Refused(RefundError::AllocationRequired { .. }) => "allocation_required",
            RefundFlowError::Refused(RefundError::TooMuch { .. } | RefundError::NothingLeft) => {
                "refund_exceeds_captured"
            }
            RefundFlowError::Refused(_) => "refund_invalid",
            RefundFlowError::Superseded { .. } => "superseded",
            RefundFlowError::Gateway(_) | RefundFlowError::Held | RefundFlowError::Unavailable(_) => {
                "unavailable"
            }
        }
    }

    /// The place in the request.
    pub fn param(&self) -> Option<&'static str> {
        match self {
            RefundFlowError::CustomerBears => Some("fx_difference"),
            RefundFlowError::Refused(error) => Some(error.param()),
            _ => None,
        }
    }
}

impl From<StoreError> for RefundFlowError {
    fn from(error: StoreError) -> RefundFlowError {
        RefundFlowError::unavailable(error)
    }
}

impl From<SettleError> for RefundFlowError {
    fn from(error: SettleError) -> RefundFlowError {
        RefundFlowError::unavailable(error)
    }
}

impl From<PayError> for RefundFlowError {
    fn from(error: PayError) -> RefundFlowError {
        RefundFlowError::unavailable(error)
    }
}

impl From<RefundFlowError> for InVain {
    fn from(error: RefundFlowError) -> InVain {
        let refused = |error: &GatewayError| matches!(error, GatewayError::Refused { .. });
        let silent = matches!(&error, RefundFlowError::Gateway(error) if !refused(error));
        InVain { silent, why: error.to_string() }
    }
}
