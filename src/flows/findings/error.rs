//! Why a finding is not decided, in the words and codes of the API.

use crate::domain::access::NotSecond;
use crate::domain::findings::FindingError;
use crate::flows::pay::SettleError;
use crate::flows::refund::RefundFlowError;
use crate::money::Money;
use crate::store::StoreError;

/// Why a decision is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// No such finding of this merchant.
    #[error("there is no such finding")]
    Unknown,
    /// The decision does not fit, or takes another user.
    #[error(transparent)]
    Refused(#[from] FindingError),
    /// Money stands aside; it cannot be explained away.
    #[error("{0} stands in the books for this finding; send it back or adopt it")]
    MoneyHeld(Money),
    /// There is no money to move.
    #[error("no money stands in the books for this finding; it can be dismissed")]
    NoMoney,
    /// The payment cannot have it.
    #[error("the payment cannot have this money: {0}")]
    NotIts(&'static str),
    /// The bank may have paid it.
    #[error("{0}; decide about that line first")]
    Debited(String),
    /// The agreement cannot divide it.
    #[error("the agreement of the payment cannot divide it: {0}")]
    Indivisible(String),
    /// The refund does not fit the settlement.
    #[error(transparent)]
    Refund(#[from] RefundFlowError),
    /// Somebody was faster: read again.
    #[error("{table} was changed by somebody else")]
    Superseded {
        /// The table.
        table: &'static str,
    },
    /// Try again.
    #[error("{0}")]
    Unavailable(String),
}

impl ResolveError {
    pub(super) fn unavailable(error: impl std::fmt::Display) -> ResolveError {
        ResolveError::Unavailable(error.to_string())
    }

    /// The problem's code.
    pub fn code(&self) -> &'static str {
        match self {
            ResolveError::Unknown => "not_found",
            ResolveError::Refused(FindingError::NotSecond(NotSecond::FourEyes(_))) => "four_eyes",
            ResolveError::Refused(FindingError::NotSecond(NotSecond::OneHand { .. })) => "one_hand",
            ResolveError::Refused(FindingError::AlreadyResolved(_)) => "finding_resolved",
            ResolveError::Refused(
                FindingError::NotApplicable { .. }
                | FindingError::NothingToAllocate
                | FindingError::NothingToGive,
            )
            | ResolveError::MoneyHeld(_)
            | ResolveError::NoMoney
            | ResolveError::NotIts(_)
            | ResolveError::Debited(_)
            | ResolveError::Indivisible(_) => "action_not_applicable",
            ResolveError::Refund(error) => error.code(),
            ResolveError::Superseded { .. } => "superseded",
            ResolveError::Unavailable(_) => "unavailable",
        }
    }
}

impl From<SettleError> for ResolveError {
    fn from(error: SettleError) -> ResolveError {
        ResolveError::unavailable(error)
    }
}

impl From<StoreError> for ResolveError {
    fn from(error: StoreError) -> ResolveError {
        ResolveError::unavailable(error)
    }
}
