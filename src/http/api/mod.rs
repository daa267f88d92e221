//! Handlers: parse, call a flow, answer.

pub mod audit;
pub mod keys;
pub mod operations;
pub mod suppliers;
