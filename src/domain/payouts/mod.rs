//! Payouts: one supplier, one rail, one amount, and what became of it.
//!
//! A plan says who is paid what and why others are not; two persons and one hash let it be executed. A payout is written
//! down with its postings before anything is sent; what the rail says later moves it one way only. Instructed is not paid:
//! cash moves when the rail debits. An outcome that nobody knows is asked about, never sent again.

mod asked;
mod batch;
mod book;
mod document;
mod fault;
mod hear;
mod lines;
mod lowest;
mod offer;
mod oldest;
mod payable;
mod payout;
mod plan;
mod proof;
mod report;
mod set_off;
mod state;
mod terms;
mod top_up;
#[cfg(test)]
mod tests;

pub use crate::domain::merchants::DebtorAddress;

pub use batch::{Carried, PayoutBatch};
pub use book::{postings, undone};
pub use document::{FundingNeed, Line, Next, PlanDocument, Told, Total};
pub use fault::{FaultError, FaultFound, made_up};
pub use hear::PayoutTransition;
pub use lowest::{Draft, Drafted};
pub use offer::Offer;
pub use oldest::oldest_day;
pub use payable::{Excluded, FIRST_UNDER_WAY, Payable, Payee, PayoutRules, Standing, reached};
pub use payout::{FeeBearer, Payout, PayoutState};
pub use plan::{PayoutPlan, PlanError};
pub use proof::{BatchFee, Pot, Proof};
pub use report::{PayoutReport, PayoutStatus, ReturnFault};
pub use set_off::{ForeignDebt, SetOff, SetOffConsent};
pub use state::{Approval, PlanState, Stop};
pub use terms::{Hold, HoldCode, Known, PayoutTerms, Reserve};
pub use top_up::{TopUps, ToppedUp};
