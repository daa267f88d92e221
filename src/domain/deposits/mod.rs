//! Money is three-way: our ledger, the gateway's report, the bank's line. A gateway pays a batch out (a *gateway
//! settlement*), it is in transit (1140) until a bank statement shows it, and only then it is received.
//!
//! | mode | paid out | fee |
//! |---|---|---|
//! | `net_at_capture` | what captures left | came off each capture (PayPal) |
//! | `net_in_batch` | gross less refunds, chargebacks, fee, tax | comes off the batch (GrabPay): accruals are trued up by it |
//! | `gross_then_invoice` | gross less refunds, chargebacks | invoiced, paid from the merchant's own account |

mod bank_statement;
mod batch;
mod extent;
mod fee_charge;
mod gateway_settlement;
mod matching;
mod remitted;
mod reversal;
mod true_up;

pub use bank_statement::{BankLine, LineState, ReadLine, ReadStatement, StatementFault};
pub use batch::{BatchError, BatchItem, ItemKind, ReportedBatch};
pub use extent::{Extent, apart};
pub use fee_charge::{FeeCharge, FeeReturn};
pub use gateway_settlement::{DepositState, GatewaySettlement};
pub use matching::{Match, Sent, find_match, names_deposit};
pub use remitted::{NEAR_DAYS, find_remittance, find_returned, find_taken, names_remittance};
pub use reversal::{Earlier, find_reversed};
pub use true_up::{Accrued, FeeDifference, compare};
