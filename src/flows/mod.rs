//! The verbs: load, ask a noun, call the world, write. Nothing foreign happens inside a write: intent, commit, call, result.

/// Keys, suppliers and payout accounts, with the audit trail.
pub mod onboard;
/// A round of questions to gateways.
mod rounds;
/// Taking a payment: start, hear, ask, complete, cancel, recover.
pub mod pay;
/// Showing and promising prices: localise, rates, quotes.
pub mod price;
/// What happens to money: captures divided, refunds and other facts booked, differences found.
pub mod settle;
/// Paying back: decide, write down, send once.
pub mod refund;
/// A gateway's bill against the books.
pub mod reconcile;
/// Goods were delivered: deferred commission is earned.
pub mod deliver;
/// Shares become payable at the start of a business day, once their money is there.
pub mod release;
/// Gateways pay out, banks say what arrived.
pub mod deposits;
/// What does not agree is decided by one user or two.
pub mod findings;
/// What a supplier is told.
pub mod issue_statement;
