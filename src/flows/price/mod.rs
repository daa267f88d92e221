//! Showing and promising prices.
//!
//! A shown price moves nothing and promises nothing; a quote promises, and is the only thing here that is stored. All
//! items of one answer rest on one snapshot of the rate book.

/// Who can charge a price.
mod charging;
/// The price book.
mod fixed;
/// Rates, as `/v1/rates` answers them.
mod listing;
/// Prices in a shopper's currency.
mod localise;
/// What is added to a pair's rate, remembered.
mod pairs;
/// Promises.
mod promise;
/// Price books in memory.
mod shelf;
/// Promises that are not stored.
mod token;
/// Where rates come from, as `/v1/rates/sources` answers it.
mod sources;

use std::sync::Arc;

use crate::clock::Clock;
use crate::domain::fx::{EndingsError, FxSettings, LockTooLong, QuoteError};
use crate::ids::IdSource;
use crate::money::{Currency, Money, MoneyError, RateError};
use crate::rates::{RateBook, RatesError, Volatilities};
use crate::store::{CommitError, Store, StoreError};
use crate::vault::Signer;

pub use charging::{ChargedInstead, able};
pub use fixed::{EntryRefused, NewFixedPrice};
pub use listing::{RateAnswer, RatesAnswer, RatesQuestion};
pub use localise::{FallbackReason, Item, PriceSource, PricedItem, PricesAnswer, PricesQuestion};
pub use pairs::{AppliedRate, Pairs, ToldRate};
pub use promise::{QuoteAnswer, QuoteLine, QuoteQuestion, QuoteRate};
pub use shelf::Shelf;
pub use sources::{BreakerAnswer, LastError, NotBelieved, SourceAnswer, SourcesAnswer};
pub use token::{TOKEN_PREFIX, TokenNotTaken, TokenRefused};

/// What the verbs of this module need.
#[derive(Debug, Clone)]
pub struct Pricing {
    /// The rates.
    pub rates: Arc<RateBook>,
    /// How much each pair moves.
    pub volatilities: Arc<Volatilities>,
    /// Pairs with what is added to them, as long as they hold.
    pub pairs: Arc<Pairs>,
    /// Price books in memory.
    pub shelf: Arc<Shelf>,
    /// Signs tokens.
    pub signer: Signer,
    /// What the business may change.
    pub settings: Arc<FxSettings>,
    /// Whether a quote may rest on a stale reference rate; it is then indicative.
    pub allow_stale_reference: bool,
    /// The database, for quotes.
    pub store: Store,
    /// Business time.
    pub clock: Clock,
    /// New ids.
    pub ids: IdSource,
}

/// Why there is no price.
#[derive(Debug, thiserror::Error)]
pub enum PriceError {
    /// Nothing to price.
    #[error("at least one item is needed")]
    NoItems,
    /// Too much at once.
    #[error("{given} items; at most {} can be priced at once", Pricing::MAX_ITEMS)]
    TooManyItems {
        /// How many.
        given: usize,
    },
    /// No source has a rate for the currency.
    #[error("there is no rate for {0}")]
    NoRate(Currency),
    /// Every price is fixed, and a quote would still have to state a rate that nobody has.
    #[error(
        "there is no rate for {missing}, and a quote states the one between its currencies; fixed prices need none: \
         give the items' own amounts in {}, or send {to} as `amount` of the payment, without a quote",
        to.currency()
    )]
    FixedWithoutRate {
        /// The currency without a rate.
        missing: Currency,
        /// What the fixed prices come to.
        to: Money,
    },
    /// A price may not be promised from rates this old: 503 `rates_stale`.
    #[error("the rates are too old to promise a price")]
    RatesStale,
    /// The pair moves too much for so long a promise.
    #[error(transparent)]
    LockTooLong(#[from] LockTooLong),
    /// So many units that nobody could send the token back.
    #[error(
        "a token of {units} units has {letters} letters, and {most} are the most: ask for fewer, or for a stored quote"
    )]
    TokenTooLong {
        /// How many units.
        units: usize,
        /// How long it is.
        letters: usize,
        /// How long it may be.
        most: usize,
    },
    /// A token could not be made.
    #[error("a token could not be made: {0}")]
    Token(String),
    /// Tomorrow's rates.
    #[error("{0} has not come yet")]
    FutureDate(chrono::NaiveDate),
    /// Rates of a day before there were any.
    #[error("there are no rates of {date}; the first are of {first}")]
    BeforeFirst {
        /// What was asked.
        date: chrono::NaiveDate,
        /// The first day that has any.
        first: chrono::NaiveDate,
    },
    /// An entry of the price book cannot be.
    #[error(transparent)]
    Entry(EntryRefused),
    /// The promise cannot be made.
    #[error(transparent)]
    Quote(#[from] QuoteError),
    /// The amount does not fit.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// The rate does not fit.
    #[error(transparent)]
    Rate(#[from] RateError),
    /// Configuration that is compiled in.
    #[error(transparent)]
    Endings(#[from] EndingsError),
    /// The rate book.
    #[error(transparent)]
    Rates(RatesError),
    /// The database did not read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database did not write.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<RatesError> for PriceError {
    fn from(error: RatesError) -> PriceError {
        match error {
            RatesError::NoRate(currency) => PriceError::NoRate(currency),
            RatesError::Future(date) => PriceError::FutureDate(date),
            RatesError::BeforeFirst { date, first } => PriceError::BeforeFirst { date, first },
            RatesError::Rate(error) => PriceError::Rate(error),
            other => PriceError::Rates(other),
        }
    }
}

impl Pricing {
    /// Items of one question.
    pub const MAX_ITEMS: usize = 1_000;
}
