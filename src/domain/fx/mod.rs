//! What a price is for a shopper: which currency, at which rate, ending how, written how, and promised how long.
//!
//! | noun | says |
//! |---|---|
//! | [`Country`] | its currency and its languages |
//! | [`MarketRate`] | a rate with everything an auditor asks about it |
//! | [`Shopper`] | which currency is shown, and why that one |
//! | [`PriceRounding`], [`Endings`] | how a converted price ends |
//! | [`Locale`] | how an amount is written |
//! | [`Quote`] | a price promised to one shopper until a moment |

/// How a converted price ends.
mod endings;
/// A rate and where it comes from.
mod market;
/// Amounts in words and marks of a locale.
mod text;
/// Which currency is shown.
mod display;
/// What the business may change.
mod settings;
/// A promised price.
mod quote;

pub use super::country::{Country, CountryError};
pub use display::{Display, ResolvedBy, Shopper};
pub use endings::{Ending, Endings, EndingsError, PriceRounding};
pub use market::{MarketRate, RateKind};
pub use quote::{Lock, LockError, Quote, QuoteError, QuoteState, QuoteTerms, QuoteUse};
pub use settings::{FxSettings, LockBuffers, SourceName};
pub use text::Locale;
