//! Money: amounts that can be posted, exact results that cannot yet, rates, and the one way to divide a whole.
//!
//! | type | holds | refuses |
//! |---|---|---|
//! | [`Currency`] | an ISO 4217 code of `config/currencies.csv`, with its three exponents | unknown codes, codes without a minor unit |
//! | [`Money`] | a whole number of minor units | more decimals than the currency has, mixing currencies |
//! | [`Unrounded`] | the exact result of a rate or percentage | being posted or serialised; the only exit is [`Unrounded::round`] |
//! | [`Rate`] | units of the quote currency for one unit of base, to 18 significant digits | zero, negatives, 10^9 and above |
//! | [`Repricing`] | a rate and a rounding, for amounts by the million | other currencies than its own |
//! | [`Percent`], [`BasisPoints`] | exact decimals | negative percentages, more than 8 decimals |
//! | [`AllocationPolicy`] | who gets what rounding down leaves over | negative weights, nothing to divide by |
//!
//! Decimals are `rust_decimal`'s, sums and the step to minor units `rusty-money`'s over our own currency table (the
//! head of `amount.rs` says what of it is used, what not, and why). Each observed trap of both crates has a regression
//! test in `tests/it/traps.rs`.

mod allocate;
mod amount;
mod currency;
mod digits;
mod percent;
mod rate;
mod reprice;
mod unrounded;

pub use allocate::{AllocateError, AllocationPolicy, allocate};
pub use amount::{Money, MoneyError};
pub use currency::{Currency, CurrencyError};
pub use digits::{Digits, ExactDigits};
pub use percent::{BasisPoints, Percent, PercentError};
pub use rate::{Rate, RateError};
pub use reprice::Repricing;
pub use unrounded::{Rounding, Unrounded};
