//! Handlers: parse, call a flow, answer.

pub mod audit;
pub mod bank_accounts;
pub mod embeds;
pub mod findings;
pub mod keys;
pub mod ledger;
pub mod operations;
pub mod payments;
pub mod price_book;
pub mod prices;
pub mod quotes;
pub mod rail_accounts;
pub mod rates;
pub mod reconciliations;
pub mod sandbox;
pub mod settlements;
pub mod statements;
pub mod suppliers;
