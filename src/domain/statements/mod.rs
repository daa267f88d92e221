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
//!
//! What a statement says is one [`Heading`], its lines and their [`Totals`]; every [`Form`] is a writer of these.

mod availability;
mod balance;
mod entry;
mod form;
mod forms;
mod heading;
mod narrative;
mod period;
mod statement;
mod tally;

pub use availability::Availability;
pub use balance::{BalanceError, Bucket, Reserve, SupplierBalance};
pub use entry::{Footing, Side, StatementEntry, cut_to_whole_transactions};
pub use form::{Dates, Form};
pub use forms::{
    FormError, IssuedLines, QUICKBOOKS_ROWS, QuickBooks, StatementPdf, StatementText, StatementXlsx,
    TextForm, harmless,
};
pub use heading::{Heading, Issue, Letterhead, Party};
pub use narrative::narrative;
pub use period::{Period, PeriodError, first_instant, start_of_day};
pub use statement::{Statement, StatementError};
pub use tally::{Tally, Totals};
