//! Money: amounts that can be posted, exact results that cannot yet, rates, and the one way to divide a whole.
//!
//! | type | holds | refuses |
//! |---|---|---|
//! | [`Currency`] | an ISO 4217 code of `config/currencies.csv`, with its three exponents | unknown codes, codes without a minor unit |
//! | [`Money`] | a whole number of minor units | more decimals than the currency has, mixing currencies |
//! | [`Unrounded`] | the exact result of a rate or percentage | being posted or serialised; the only exit is [`Unrounded::round`] |
//! | [`Rate`] | units of the quote currency for one unit of base | zero, negatives |
//!
//! Arithmetic is `rust_decimal`'s; `rusty-money` is kept behind [`Money`] because its parser, its exponents and its
//! allocator do not do what a ledger needs (each observed trap has a regression test in `tests/it/traps.rs`).

mod allocate;
mod amount;
mod currency;
mod percent;
mod rate;
mod unrounded;

pub use allocate::{AllocateError, AllocationPolicy, allocate};
pub use amount::{Money, MoneyError};
pub use currency::{Currency, CurrencyError};
pub use percent::{BasisPoints, Percent, PercentError};
pub use rate::{Rate, RateError};
pub use unrounded::{Rounding, Unrounded};
