//! One file per thing that happens: each builds the postings of one business event.
//!
//! Every builder takes the [`Booking`] (whose book, which account at the gateway, which fact) and the event's amounts,
//! and gives a balanced transaction, or `None` where all amounts are zero. Amounts may be signed; a negative one is
//! posted above zero on the other side. The postings are those of the chart's scenarios (J01 …), named in each file.
//!
//! # To add an event
//! 1. A variant of `JournalEvent`. 2. A file here with its builder and a property test that it balances.

mod bank_borne;
mod bank_credited;
mod bank_matched;
mod bank_reversed;
mod bank_unexplained;
mod booking;
mod capture_expected;
mod captured;
mod captured_twice;
mod captured_unmatched;
mod chargeback_reversed;
mod charged_back;
mod converted_by_gateway;
mod converted_internal;
mod delivered;
mod dispute_fee_charged;
mod dispute_fee_recharged;
mod dispute_fee_returned;
mod dispute_fee_unborne;
mod dispute_held;
mod dispute_released;
mod expectation_ended;
mod fee_accrued;
mod fee_borne;
mod fee_charged;
mod fee_invoiced;
mod fee_returned;
mod fee_trued_up;
mod gateway_held;
mod gateway_released;
mod gateway_settled;
mod manual;
mod refund_confirmed;
mod refund_decided;
mod refund_failed;
mod released;
mod reversed;
mod split;
mod suspense_booked;
mod suspense_resolved;
mod topped_up;

pub use bank_borne::bank_borne;
pub use bank_credited::{Deposit, bank_credited};
pub use bank_matched::bank_matched;
pub use bank_reversed::bank_reversed;
pub use bank_unexplained::bank_unexplained;
pub use booking::{Booking, Fact, Movement};
pub use capture_expected::capture_expected;
pub use captured::captured;
pub use captured_twice::captured_twice;
pub use captured_unmatched::captured_unmatched;
pub use chargeback_reversed::chargeback_reversed;
pub use charged_back::charged_back;
pub use converted_by_gateway::converted_by_gateway;
pub use converted_internal::{InternalConversion, converted_internal};
pub use delivered::delivered;
pub use dispute_fee_charged::dispute_fee_charged;
pub use dispute_fee_recharged::dispute_fee_recharged;
pub use dispute_fee_returned::dispute_fee_returned;
pub use dispute_fee_unborne::dispute_fee_unborne;
pub use dispute_held::dispute_held;
pub use dispute_released::dispute_released;
pub use expectation_ended::expectation_ended;
pub use fee_accrued::fee_accrued;
pub use fee_borne::fee_borne;
pub use fee_charged::{ChargedFee, fee_charged};
pub use fee_invoiced::fee_invoiced;
pub use fee_returned::fee_returned;
pub use fee_trued_up::{TruedUp, fee_trued_up};
pub use gateway_held::gateway_held;
pub use gateway_released::gateway_released;
pub use gateway_settled::gateway_settled;
pub use manual::manual;
pub use refund_confirmed::refund_confirmed;
pub use refund_decided::refund_decided;
pub use refund_failed::refund_failed;
pub use released::released;
pub use reversed::reversed;
pub use split::{SplitAmounts, split};
pub use suspense_booked::suspense_booked;
pub use suspense_resolved::{Resolution, suspense_resolved};
pub use topped_up::topped_up;
