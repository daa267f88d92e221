//! Why terms are no agreement, or cannot be kept.

use crate::domain::fees::{FeeError, FigureError};
use crate::money::{AllocateError, Currency, Money, MoneyError, Percent};

/// Why terms are no agreement, or cannot be kept. [`SplitError::param`] names the place in the request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// The amount is zero or less.
    #[error("{0} cannot be divided; the amount must be above zero")]
    NothingToDivide(Money),
    /// One supplier twice.
    #[error(
        "splits[{0}].supplier: this supplier has a share already, and each has one; two of a kind can be added up, a `percent` has a `minimum` and a `cap`, and what is due in full beside it is an item of kind `shipping` or `tax`"
    )]
    SupplierTwice(usize),
    /// Two shares take what is left.
    #[error("splits[{0}]: there is already a remainder share; only one can take what is left")]
    TwoRemainders(usize),
    /// Percentages of one base exceed 100.
    #[error("splits: the percentages of {base} sum to {sum}; together they may not exceed 100 %")]
    RatiosExceed {
        /// `net`, `gross` or `received`.
        base: &'static str,
        /// Their sum.
        sum: Percent,
    },
    /// A minimum above its cap.
    #[error("splits[{0}].share: its minimum is above its cap")]
    MinimumAboveCap(usize),
    /// A figure the currency cannot hold.
    #[error("{param}: {source}")]
    Figure {
        /// Where.
        param: String,
        /// Why.
        source: FigureError,
    },
    /// An item of zero or less.
    #[error("items[{index}].amount: {amount} is not above zero")]
    ItemNotPositive {
        /// Which.
        index: usize,
        /// How much.
        amount: Money,
    },
    /// An item in another currency.
    #[error("items[{index}].amount: {given} in a payment in {expected}")]
    ItemCurrency {
        /// Which.
        index: usize,
        /// Its currency.
        given: Currency,
        /// The payment's.
        expected: Currency,
    },
    /// Two items of one name.
    #[error(
        "items[{index}].ref: `{reference}` is already the name of another item; refunds could not tell them apart"
    )]
    ItemTwice {
        /// Which.
        index: usize,
        /// The name.
        reference: String,
    },
    /// Items do not sum to the amount.
    #[error("items: they sum to {sum}, the amount is {amount}")]
    ItemsDoNotSum {
        /// Their sum.
        sum: Money,
        /// The payment's amount.
        amount: Money,
    },
    /// A split whose supplier sells nothing here.
    #[error("splits[{0}].supplier: none of the items is this supplier's")]
    SupplierWithoutItem(usize),
    /// What comes off first exceeds what is there.
    #[error(
        "platform_fee: commission and tax {commission} and the suppliers' part of the gateway's fee {borne} leave nothing of {gross}"
    )]
    NegativeNet {
        /// What there is.
        gross: Money,
        /// Commission with its tax.
        commission: Money,
        /// What the suppliers bear.
        borne: Money,
    },
    /// The gateway's fee, borne by the payer, exceeds the charge.
    #[error("fee_bearer: the gateway's fee {fee} is not inside the charged {gross}")]
    FeeExceedsCharge {
        /// The fee.
        fee: Money,
        /// The charge.
        gross: Money,
    },
    /// The shares exceed what is there to share.
    #[error("splits: the shares come to {shares}, but {net} is there to share")]
    SharesExceedNet {
        /// Their sum.
        shares: Money,
        /// What is there.
        net: Money,
    },
    /// A minimum cannot be paid.
    #[error(
        "splits[{index}].share.minimum: {minimum} cannot be paid out of the {net} that is there to share"
    )]
    MinimumExceedsNet {
        /// Which split.
        index: usize,
        /// Its minimum.
        minimum: Money,
        /// What is there.
        net: Money,
    },
    /// A commission rule.
    #[error(transparent)]
    Fee(#[from] FeeError),
    /// Sums beyond the ledger.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// Weights beyond exact arithmetic.
    #[error(transparent)]
    Allocate(#[from] AllocateError),
}

impl SplitError {
    /// The problem's code.
    pub fn code(&self) -> &'static str {
        match self {
            SplitError::Figure { source, .. } => source.code(),
            _ => "invalid_split",
        }
    }

    /// The place in the request: `splits[1].share.minimum`.
    pub fn param(&self) -> String {
        match self {
            SplitError::NothingToDivide(_) | SplitError::Money(_) => "amount".to_owned(),
            SplitError::SupplierTwice(index) | SplitError::SupplierWithoutItem(index) => {
                format!("splits[{index}].supplier")
            }
            SplitError::TwoRemainders(index) => format!("splits[{index}].share.remainder"),
            SplitError::MinimumAboveCap(index) | SplitError::MinimumExceedsNet { index, .. } => {
                format!("splits[{index}].share.minimum")
            }
            SplitError::RatiosExceed { .. }
            | SplitError::SharesExceedNet { .. }
            | SplitError::Allocate(_) => "splits".to_owned(),
            SplitError::Figure { param, .. } => param.clone(),
            SplitError::ItemNotPositive { index, .. } | SplitError::ItemCurrency { index, .. } => {
                format!("items[{index}].amount")
            }
            SplitError::ItemTwice { index, .. } => format!("items[{index}].ref"),
            SplitError::ItemsDoNotSum { .. } => "items".to_owned(),
            SplitError::NegativeNet { .. } => "platform_fee".to_owned(),
            SplitError::FeeExceedsCharge { .. } => "fee_bearer".to_owned(),
            SplitError::Fee(_) => "fees".to_owned(),
        }
    }
}
