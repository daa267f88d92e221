//! Every integration test, in one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod money_scenarios;
mod worked_examples;
