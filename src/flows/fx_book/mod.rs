//! The book of exchange deals: what is open, what deals were made, what they came to.
//!
//! A deal is a record of what a bank did, one change: its conversion, everything it closes, the result, the bank's
//! charge. It is decided on the lots as they stand; the merchant's row of the book lets no two deals close one lot.
//! Reports post nothing.

mod places;
mod rates;
mod record;
mod report;
mod unnamed;

use std::sync::Arc;

use crate::clock::Clock;
use crate::domain::fx_book::{CoverError, DealError};
use crate::domain::statements::PeriodError;
use crate::ids::{FxDealId, IdSource};
use crate::rates::{RateBook, RatesError};
use crate::store::{CommitError, Store, StoreError};

use super::deposits::{DepositError, Deposits};

pub use rates::{OrderRates, QuotedRate, SettledRate};
pub use record::{NewDeal, NewLeg, NewPlace};
pub use report::{Line, Position, Results, Revaluation};

/// The flow; clones share what it works with.
#[derive(Debug, Clone)]
pub struct FxBook {
    /// Reads, and the one writer.
    pub store: Store,
    /// Ids.
    pub ids: IdSource,
    /// Business time.
    pub clock: Clock,
    /// Mid rates, for what is open.
    pub rates: Arc<RateBook>,
    /// Lines of banks that a deal explains.
    pub deposits: Deposits,
}

/// Why nothing was written, or shown.
#[derive(Debug, thiserror::Error)]
pub enum FxBookError {
    /// No such deal of this merchant.
    #[error("there is no such deal")]
    Unknown,
    /// The amounts are no deal.
    #[error(transparent)]
    Deal(#[from] DealError),
    /// It does not fit what is open.
    #[error(transparent)]
    Cover(#[from] CoverError),
    /// Something that the request names is not there or does not fit.
    #[error("{why}")]
    Refused {
        /// Where in the request.
        param: String,
        /// What is wrong there.
        why: String,
    },
    /// The bank's reference is recorded.
    #[error("the deal `{bank_ref}` is recorded as {deal}; a reference is recorded once")]
    Recorded {
        /// The bank's reference.
        bank_ref: String,
        /// The deal.
        deal: FxDealId,
    },
    /// Its day lies in a closed period.
    #[error("{date} lies in the period closed until {until}")]
    PeriodClosed {
        /// The value date.
        date: chrono::NaiveDate,
        /// The last closed day.
        until: chrono::NaiveDate,
    },
    /// Others were faster, again and again.
    #[error("other deals were recorded at the same time; nothing was done")]
    Superseded,
    /// The dates are no period.
    #[error(transparent)]
    Period(#[from] PeriodError),
    /// No rates of that day.
    #[error(transparent)]
    Rates(#[from] RatesError),
    /// What is stored does not read.
    #[error("the book does not read: {0}")]
    Broken(String),
    /// The writer refused: floors, races.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The books cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A bank's line could not be explained.
    #[error(transparent)]
    Deposit(#[from] DepositError),
}

/// What should never happen to figures that were booked.
fn broken(error: impl std::fmt::Display) -> FxBookError {
    FxBookError::Broken(error.to_string())
}
