//! Disputes: what the payer's complaint does, and what it does to money.

mod dispute;
mod evidence;
mod purse;
mod report;
mod state;

pub use dispute::{BookedMovement, Dispute, DisputeMoney, Hold};
pub use evidence::{Answer, AnswerKind, AnswerOutcome, Document, Evidence, EvidenceError, Tracking};
pub use purse::Purse;
pub use report::{DisputeMovement, DisputeReport, MovementKind};
pub use state::DisputeState;
