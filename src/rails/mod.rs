//! Payout rails that are no gateway's: banks by ISO 20022 files, over a channel or by a person's hand, and plain CSV.
//!
//! A file is the same bytes however often it is written: everything in it comes from what was approved. What a bank
//! answers (pain.002) is its word on the instruction and never money: cash is booked when its statement (camt.053) names
//! the payout, by the same door as every report.

mod bank_id;
mod by_hand;
mod channel;
mod charges;
mod letters;
mod pain001;
mod pain002;
mod said;
mod sheet;

pub use bank_id::{bank_id, bank_ids_of};
pub use by_hand::ByHand;
pub use channel::BankChannel;
pub use letters::latin;
pub use pain001::{WriteError, write as write_pain001};
pub use pain002::{
    Level, ReadSum, StatusCount, StatusError, StatusReport, TransactionStatus, read as read_pain002,
};
pub use said::{SaidError, held_against, said};
pub use sheet::{COLUMNS, SheetError, Template, write as write_sheet};
