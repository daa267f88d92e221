//! What a price is for a shopper: which currency, at which rate, ending how, written how, and promised how long.
//!
//! | noun | says |
//! |---|---|
//! | [`Country`] | its currency and its languages |
//! | [`MarketRate`] | a rate with everything an auditor asks about it |
//! | [`Publication`], [`consensus`] | what one source said, and what several together say |
//! | [`Shopper`] | which currency is shown, and why that one |
//! | [`PriceRounding`], [`Endings`] | how a converted price ends |
//! | [`Locale`] | how an amount is written |
//! | [`PriceBook`] | the merchant's own prices, which win over conversion |
//! | [`Quote`] | a price promised to one shopper until a moment |
//! | [`Volatility`], [`Buffer`] | how much a pair moves, and what a promise in it costs |

/// How a converted price ends.
mod endings;
/// A rate and where it comes from.
mod market;
/// Amounts in words and marks of a locale.
mod text;
/// Which currency is shown.
mod display;
/// When the market is open.
pub mod week;
/// What the business may change about buffers.
mod policy;
/// How much a pair moves in a day.
mod volatility;
/// What a promise costs.
mod buffer;
/// Whether buffers covered what came.
pub mod backtest;
/// The sources by name.
mod sources;
/// One publication of one source.
mod publication;
/// How far sources may differ.
mod thresholds;
/// What several sources together say.
pub mod consensus;
/// What the business may change.
mod settings;
/// The merchant's own prices.
mod price_book;
/// A promised price.
mod quote;

pub use super::country::{Country, CountryError};
pub use buffer::{Buffer, BufferSource, LockTooLong};
pub use display::{Display, ResolvedBy, Shopper};
pub use endings::{Ended, Ending, EndingMode, Endings, EndingsError, PriceRounding, half_up};
pub use market::{MarketRate, Provenance, RateKind};
pub use policy::{
    AtCap, BufferPolicy, Coverage, Decay, Factor, LockBuffers, Target, VolatilitySettings, Weekend,
    WeekendPrices,
};
pub use price_book::{FixedPrice, FixedPriceError, PriceBook, Sku, SkuError};
pub use publication::{Due, Publication, Quoted, Quotient};
pub use quote::{Fixed, Lock, LockError, Quote, QuoteError, QuoteState, QuoteTerms, QuoteUse, Unit};
pub use settings::FxSettings;
pub use sources::{SourceKey, SourceName, SourceNameError};
pub use text::{CurrencyMark, Locale, Written};
pub use thresholds::{PairClass, Thresholds, ThresholdsError};
pub use volatility::{Move, Volatility};
