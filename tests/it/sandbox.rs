//! The gateways' far side, driven over HTTP by clients that share no code with it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a stage that fails must say so")]

mod adapters;
mod bills;
mod durability;
mod grabpay;
pub mod grabpay_client;
mod paypal;
mod paypal_client;
mod paypal_notices;
mod payouts;
mod scenarios;
mod stage;
mod xendit;
