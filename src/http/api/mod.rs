//! Handlers: parse, call a flow, answer.

pub mod audit;
pub mod bank_accounts;
pub mod client_money;
pub mod disputes;
pub mod bank_statements;
pub mod embeds;
pub mod events;
pub mod findings;
pub mod gateway_settlements;
pub mod journals;
pub mod keys;
pub mod ledger;
pub mod open_items;
pub mod operations;
pub mod payments;
pub mod periods;
pub mod price_book;
pub mod prices;
pub mod quotes;
pub mod rail_accounts;
pub mod rates;
pub mod sandbox;
pub mod settlements;
pub mod statements;
pub mod suppliers;
pub mod webhooks;
