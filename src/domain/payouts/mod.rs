//! Payouts: one supplier, one rail, one amount, and what became of it.
//!
//! A payout is written down with its postings before anything is sent; what the rail says later moves it one way only.
//! Instructed is not paid: cash moves when the rail debits. An outcome that nobody knows is asked about, never sent again.

mod batch;
mod book;
mod payout;
mod report;

pub use batch::PayoutBatch;
pub use book::{postings, undone};
pub use payout::{FeeBearer, Payout, PayoutState, PayoutTransition};
pub use report::{PayoutReport, PayoutStatus, ReturnFault};
