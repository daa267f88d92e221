//! The verbs: load, ask a noun, call the world, write. Nothing foreign happens inside a write: intent, commit, call, result.

/// Keys, suppliers and payout accounts, with the audit trail.
pub mod onboard;
/// A round of questions to gateways.
mod rounds;
/// Taking a payment: start, hear, ask, complete, cancel, recover.
pub mod pay;
/// Showing and promising prices: localise, rates, quotes.
pub mod price;
/// Tax withheld from suppliers: counted, withheld, certified, paid to its authority.
pub mod withholding;
/// What happens to money: captures divided, refunds and other facts booked, differences found.
pub mod settle;
/// Paying back: decide, write down, send once.
pub mod refund;
/// Answering disputes, and watching their deadlines.
pub mod dispute;
/// Shares become payable at the start of a business day, once their money is there.
pub mod release;
/// Paying suppliers: what can be paid, two persons, each call made once.
pub mod pay_out;
/// After a restore: ask before anything is sent.
pub mod catch_up;
/// A gateway's bill against the books.
pub mod reconcile;
/// Goods were delivered: deferred commission is earned.
pub mod deliver;
/// Gateways pay out, banks say what arrived.
pub mod deposits;
/// Market deals: recorded, held against what is open, reported.
pub mod fx_book;
/// What does not agree is decided by one user or two.
pub mod findings;
/// Whether what is held for others covers what is owed to them.
pub mod client_money;
/// What a supplier is told.
pub mod issue_statement;
/// Telling merchants what happened.
pub mod webhooks;
/// Manual journals: one user drafts, another books.
pub mod journals;
/// A period is looked at, closed by two users, and its statements are issued.
pub mod close_period;
/// The books for a general ledger, with differences in its functional currency.
pub mod export_gl;
/// What was settled is computed again from what was kept.
pub mod replay;
