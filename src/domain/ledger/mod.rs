//! Double entry per merchant, currency and layer.

pub mod account;
pub mod chain;
pub mod journal;
pub mod transaction;

pub use account::{Account, AccountCode, AccountError, Chart, Owner};
pub use chain::{BlockHash, BlockHasher, ChainHead};
pub use transaction::{Direction, JournalEvent, Layer, LedgerError, LedgerTransaction, Posting};
