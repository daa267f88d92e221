//! Why a rule cannot be read, or a fee not be had.

use crate::money::{Currency, Money};

use super::figure::FigureError;

/// Why a rule cannot be read or a fee not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeeError {
    /// The file does not read.
    #[error("fee schedule {file}: {why}")]
    Unreadable {
        /// Which file.
        file: String,
        /// Where and why.
        why: String,
    },
    /// A rule of a file without `source` or `trust`.
    #[error(
        "fee schedule {file}: rule `{rule}` lacks `{key}`; say where its numbers come from and how far to believe them"
    )]
    Unsourced {
        /// Which file.
        file: String,
        /// Which rule.
        rule: String,
        /// Which key.
        key: &'static str,
    },
    /// A figure that the payment's currency cannot hold.
    #[error("fee rule `{rule}`: {source}")]
    Figure {
        /// Which rule.
        rule: String,
        /// Why.
        source: FigureError,
    },
    /// A figure that names no currency and does not fit every one.
    #[error(
        "fee rule `{rule}` names no `when.currency`, so it applies to {currency} too: {source}; name the currency of its figures"
    )]
    NoCurrency {
        /// Which rule.
        rule: String,
        /// A currency that cannot hold the figure.
        currency: Currency,
        /// Why.
        source: FigureError,
    },
    /// `minimum` is above `cap`.
    #[error("fee rule `{0}`: its minimum is above its cap")]
    MinimumAboveCap(String),
    /// A spread finer than a basis point, or one that is not a percentage alone.
    #[error("fee rule `{0}`: an fx_markup is a percentage in whole basis points below 100, such as \"0.5\"")]
    Markup(String),
    /// The fee does not fit the ledger.
    #[error("fee rule `{0}`: the fee is too large")]
    TooLarge(String),
    /// No gross amount leaves the target, or none was found in the time that a search may take.
    #[error(
        "no amount was found that leaves {0} after the gateway's fee: its percentages reach or nearly reach 100 %, or it has thousands of bands"
    )]
    Unreachable(Money),
}
