//! Every integration test, in one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod books;
mod conformance;
mod engines;
mod prices;
mod reference_rates;
mod pay_crash;
mod pay_hear;
mod pay_start;
mod pay_world;
mod store_ledger;
mod store_open;
mod store_verify;
mod scenarios;
mod prices;
mod reference_rates;
mod store_writer;
mod tidy;
mod traps;
mod money_scenarios;
mod worked_examples;
//! The integration tests: one binary, one module per subject.
mod sandbox;
