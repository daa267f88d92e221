//! The nouns of the trade, bottom-up: pure, deterministic, no I/O, no clock of their own.

/// Countries, their currencies and languages.
pub mod country;
/// Who is who: merchants, gateway accounts, suppliers.
pub mod merchants;
/// Who may do what: keys, scopes, users, the audit trail's entry.
pub mod access;
/// Double entry: accounts, balanced transactions, journal events, the hash chain.
pub mod ledger;
/// Manual journals: drafted by one user, booked by another.
pub mod journals;
/// Closed periods.
pub mod periods;
/// What a payment costs: dated fee schedules and their assessment.
pub mod fees;
/// Who gets what of a payment.
pub mod splits;
/// One captured payment, divided: its lines, its postings, its delivery.
pub mod settlement;
/// What a refund takes back, from whom, to the cent.
pub mod refunds;
/// Tax withheld from suppliers for authorities: dated rules, turnover, certificates.
pub mod withholding;
/// Quotes, display currency, price endings.
pub mod fx;
/// Disputes: the payer's complaint, and what it does to money.
pub mod disputes;
/// Payments: what gateways report, and the state machine that decides what it means.
pub mod orders;
/// Paying out: routes, netting, the plan of the lowest cost and its certificate.
pub mod treasury;
/// Payouts to suppliers: what was instructed, and what became of it.
pub mod payouts;
/// Gateways paying out, and banks saying what arrived.
pub mod deposits;
/// Open positions in currencies, market deals, and what they came to.
pub mod fx_book;
/// The books by a merchant's own account numbers, in its functional currency.
pub mod general_ledger;
/// What does not agree, until a person decides.
pub mod findings;
/// What a gateway's bill says against what the books say.
pub mod reconciliation;
/// What a supplier sees: balances and statements that foot.
pub mod statements;
/// Who wants to hear of which events, and how each telling goes.
pub mod webhooks;
