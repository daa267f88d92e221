//! See lib.rs.

/// Keys, suppliers and payout accounts, with the audit trail.
pub mod onboard;
