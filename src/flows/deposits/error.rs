//! Why money between gateway and bank is not booked, in the words and codes of the API.

use crate::domain::deposits::BatchError;
use crate::ids::BankStatementId;
use crate::money::{Currency, Money};
use crate::store::StoreError;

/// Why a batch, a report of fees or a bank statement is not taken.
#[derive(Debug, thiserror::Error)]
pub enum DepositError {
    /// The batch contradicts itself.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The same reference with other figures.
    #[error("`{reference}` was recorded before with another `{field}`; a batch does not change")]
    Differs {
        /// The gateway's reference.
        reference: String,
        /// What differs.
        field: &'static str,
    },
    /// One of its facts is part of another batch.
    #[error("{0} was settled by another batch before")]
    SettledBefore(String),
    /// A report of fees names what is no capture in its currency.
    #[error("`{reference}` is no capture in {currency} at this account")]
    NoCapture {
        /// Its place among those named.
        place: usize,
        /// What was named.
        reference: String,
        /// The report's currency.
        currency: Currency,
    },
    /// A bill told of it before.
    #[error("a bill told of `{0}` before, and it is booked as its finding says: decide about that finding")]
    Billed(String),
    /// More than one batch may have.
    #[error("a batch has at most {0} items")]
    TooMany(i64),
    /// A sent batch of less than nothing.
    #[error("a batch that was sent pays out nothing or more")]
    NothingToSend,
    /// No such account.
    #[error("there is no such {0}")]
    Unknown(&'static str),
    /// A statement's account by more than one of the merchant's numbers.
    #[error("`{account}` may be two of your bank accounts; say which in `bank_account`")]
    Ambiguous {
        /// The account as the bank names it.
        account: String,
    },
    /// Its lines were taken as others.
    #[error(
        "the file was read before, as {0}, and with these columns its lines are others: each would be booked once more; \
         send it with the columns of then"
    )]
    ReadOtherwise(BankStatementId),
    /// A row that came with the request was changed by somebody else.
    #[error("{table} was changed by somebody else")]
    Superseded {
        /// The table.
        table: &'static str,
    },
    /// A batch frees what the books do not have as held in reserve.
    #[error(
        "`{reference}` releases {released}, and the books do not hold as much in reserve at this account; report the batch \
             that held it first, or this one without `released`: the gateway's bill tells of a hold's end"
    )]
    ReleasesMore {
        /// The gateway's reference.
        reference: String,
        /// What it releases.
        released: Money,
    },
    /// Not enough there to pay it from.
    #[error("account {0} does not hold enough")]
    NotEnough(String),
    /// Try again.
    #[error("{0}")]
    Unavailable(String),
}

impl DepositError {
    pub(super) fn unavailable(error: impl std::fmt::Display) -> DepositError {
        DepositError::Unavailable(error.to_string())
    }
}

impl From<StoreError> for DepositError {
    fn from(error: StoreError) -> DepositError {
        DepositError::unavailable(error)
    }
}
