//! Every integration test, in one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod engines;
mod jobs;
mod pay_crash;
mod pay_hear;
mod pay_start;
mod pay_world;
mod store_writer;
mod tidy;
mod traps;
