//! Every integration test, in one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod engines;
mod prices;
mod reference_rates;
mod store_writer;
mod tidy;
mod traps;
