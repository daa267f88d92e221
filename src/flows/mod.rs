//! See lib.rs.

/// Keys, suppliers and payout accounts, with the audit trail.
pub mod onboard;
//! The verbs: load, ask a noun, call the world, write. Nothing foreign happens inside a write: intent, commit, call, result.

/// Taking a payment: start, hear, ask, complete, cancel, recover.
pub mod pay;
