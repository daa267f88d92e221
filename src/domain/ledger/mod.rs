//! Double entry per merchant, currency and layer.

pub mod account;
pub mod ageing;
pub mod audit;
pub mod balance;
pub mod chain;
pub mod client_money;
pub mod journal;
pub mod transaction;

pub use account::{Account, AccountCode, AccountError, Chart, Owner};
pub use ageing::OpenItem;
pub use balance::{
    AccountBalance, AccountEntry, Place, PostedEntry, PostedTransaction, TrialBalance, TrialLine, TrialTotal,
};
pub use chain::{BlockHash, BlockHasher, ChainHead};
pub use client_money::ClientMoney;
pub use transaction::{Direction, JournalEvent, Layer, LedgerError, LedgerTransaction, Posting};
