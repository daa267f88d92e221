//! Every integration test, in one binary: one module per subject.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod app;
mod auth;
mod books;
mod conformance;
mod engines;
mod http_manners;
mod idempotency;
mod jobs;
mod lists;
mod live;
mod log;
mod money_scenarios;
mod pay_crash;
mod pay_hear;
mod pay_start;
mod pay_world;
mod prices;
mod program;
mod readme;
mod reference_rates;
mod sandbox;
mod scenarios;
mod settings;
mod store_crash;
mod store_faults;
mod store_ledger;
mod store_open;
mod store_verify;
mod store_writer;
mod tidy;
mod traps;
mod watch;
mod worked_examples;
