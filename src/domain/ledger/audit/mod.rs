//! Going over the books: what must be true of blocks, transactions, entries and accounts, whoever reads them and from
//! where. The store feeds rows in their order; nothing here holds more than one block's worth of state.
//!
//! [`ChainAudit`] walks blocks in order and recomputes each hash; [`AccountAudit`] walks accounts in order and follows
//! each balance entry by entry. Both keep the first fault they meet: behind a break nothing can be trusted anyway.

mod accounts;
mod chain;

pub use accounts::{AccountAudit, StoredAccount};
pub use chain::{ChainAudit, StoredBlock, StoredEntry};

use serde::Serialize;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// Whether it holds.
    pub ok: bool,
    /// What was seen, or what is wrong and where.
    pub detail: String,
}

impl Check {
    /// Holds unless there is a fault.
    pub fn new(name: &'static str, seen: impl Into<String>, fault: Option<String>) -> Check {
        Check { name, ok: fault.is_none(), detail: fault.unwrap_or_else(|| seen.into()) }
    }
}
