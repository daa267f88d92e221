//! Straits: one service that prices, takes payments, splits, keeps the books and tells suppliers what they earned.
//!
//! The modules are listed bottom-up: a module uses only those above it in this list. A test (`tests/it/tidy.rs`)
//! reads this file and names every line that breaks the rule.

/// Places between two steps where a process may die; nothing unless a test asks for them.
pub mod crash;
/// The only source of time.
pub mod clock;
/// Prefixed, sortable, typed ids, and where their randomness comes from.
pub mod ids;
/// Currency, amount, rate, rounding, allocation: exact decimals.
pub mod money;
/// Secrets at rest: sealed under the master key.
pub mod vault;
/// The nouns of the trade: pure, deterministic, no I/O.
pub mod domain;
/// Statements of banks as banks write them: camt.053, MT940, CSV.
pub mod banks;
/// Configuration and environment as typed settings; refuses at start.
pub mod settings;
/// The only module that knows SQL: reads, and one writer for every write.
pub mod store;
/// The rate book: sources, snapshot, cross rates.
pub mod rates;
/// Client address and country.
pub mod geo;
/// One folder per payment gateway, all behind one trait.
pub mod gateways;
/// Payout rails that are no gateway's: banks by ISO 20022 files, CSV.
pub mod rails;
/// The verbs: load, ask a noun, call the world, write.
pub mod flows;
/// Which flow runs when: leased job rows.
pub mod jobs;
/// The gateways' far side, for demo, rehearsal and tests.
pub mod sandbox;
/// The HTTP edge: routes, callers, problems.
pub mod http;
/// Builds everything once.
pub mod app;
/// Whole payments' lives from one seed, with everything that can go wrong.
pub mod simulator;
/// The command line.
pub mod cli;
