//! What a supplier sees: balances, and statements that foot.
//!
//! A supplier's money lies in six buckets (2100 … 2150) less what it owes (1200); a statement shows their sum, per
//! currency. One ledger transaction is one line: its net effect on that sum. A transaction that only moves money
//! between the supplier's own buckets (pending → available, available → in transit) nets to zero and is no line: the
//! supplier neither earned nor lost by it, and two opposite lines of one amount would read like a sale and its refund.
//! Where the money lies is the balance's matter, which names every bucket.
//!
//! Lines run in the order of the ledger. `booked_on` is the day of recording, `value_date` the day it happened, both
//! in the merchant's zone; late news enters the open period, an issued statement never changes.

mod balance;
mod csv;
mod entry;
mod narrative;
mod period;
mod statement;

pub use balance::{BalanceError, Bucket, SupplierBalance};
pub use csv::{CsvError, StatementCsv};
pub use entry::{Footing, Side, StatementEntry, cut_to_whole_transactions};
pub use narrative::narrative;
pub use period::{Period, PeriodError, start_of_day};
pub use statement::{Statement, StatementError};
