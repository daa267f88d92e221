//! Every integration test, in one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod books;
mod engines;
mod pay_crash;
mod pay_hear;
mod pay_start;
mod pay_world;
mod store_crash;
mod store_faults;
mod store_ledger;
mod store_open;
mod store_verify;
mod store_writer;
mod tidy;
mod traps;
