//! Which column is which, how amounts and times are written, and which word means what: the account setting `report`.
//!
//! ```json
//! {"delimiter": "|", "transaction": "Txn ID", "fee": "MDR", "amounts": "minor", "types": {"Sale": "payment"}}
//! ```

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::domain::reconciliation::{BillKind, LineStatus};

/// Names of the report's columns and its habits; each has a default.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Columns {
    /// One character between cells.
    pub delimiter: char,
    /// Grab's id of the movement.
    pub transaction: String,
    /// Our reference. May be absent: then charges are known by Grab's id alone.
    pub partner: String,
    /// A refund's charge. May be absent.
    pub origin: String,
    /// Who is paid. May be absent.
    pub merchant: String,
    /// What it is.
    pub kind: String,
    /// What moved; negative went out, unless `unsigned`.
    pub gross: String,
    /// What Grab took. May be absent.
    pub fee: String,
    /// The tax on it. May be absent.
    pub tax: String,
    /// Gross less fee less tax: checked on every row. May be absent.
    pub net: String,
    /// How far it is: a word of `statuses`. May be absent: every row is done.
    pub status: String,
    /// ISO 4217.
    pub currency: String,
    /// When, in the report's zone unless the format names one.
    pub at: String,
    /// `decimal` (12.34) or `minor` (1234).
    pub amounts: Amounts,
    /// As `strftime` writes it.
    pub time: String,
    /// A mark between groups of digits, as in `1,234.50`; `""`: there is none.
    pub grouping: String,
    /// Rows before the header that say something else.
    pub prolog: u32,
    /// What goes out is written without a sign: the type says which way.
    pub unsigned: bool,
    /// Fees are written as negative amounts.
    pub fees_are_negative: bool,
    /// The report's words and what they mean; a word that is not here is unknown.
    pub types: BTreeMap<String, Word>,
    /// The report's words of `status`; a row with another is refused.
    pub statuses: BTreeMap<String, Status>,
    /// The first cell of the last row, which states the number of rows and the sum of net; `""`: the file has none, and
    /// then only its last line break shows that it is whole.
    pub trailer: String,
}

/// How amounts are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Amounts {
    /// Major units with a point.
    Decimal,
    /// Whole minor units.
    Minor,
}

/// How far a row can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Done.
    Settled,
    /// Not final.
    Pending,
    /// Refused; moved nothing.
    Failed,
}

impl Status {
    /// The same in our words.
    pub fn line(self) -> LineStatus {
        match self {
            Status::Settled => LineStatus::Settled,
            Status::Pending => LineStatus::Pending,
            Status::Failed => LineStatus::Denied,
        }
    }
}

/// What a report's word can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// A charge.
    Payment,
    /// Paid back by us.
    Refund,
    /// Taken back otherwise.
    Reversal,
    /// Taken back by the shopper's bank.
    Chargeback,
    /// A fee of its own.
    Fee,
    /// A correction.
    Adjustment,
    /// Put aside or freed.
    Hold,
    /// Paid out to the bank.
    Payout,
}

impl Word {
    /// Whether it goes out, where a report writes no signs.
    pub fn goes_out(self) -> bool {
        matches!(self, Word::Refund | Word::Reversal | Word::Chargeback | Word::Payout)
    }

    /// The same in our words.
    pub fn kind(self) -> BillKind {
        match self {
            Word::Payment => BillKind::Payment,
            Word::Refund => BillKind::Refund,
            Word::Reversal => BillKind::Reversal,
            Word::Chargeback => BillKind::Chargeback,
            Word::Fee => BillKind::Fee,
            Word::Adjustment => BillKind::Adjustment,
            Word::Hold => BillKind::Hold,
            Word::Payout => BillKind::Withdrawal,
        }
    }
}

impl Default for Columns {
    fn default() -> Columns {
        let types = [
            ("Payment", Word::Payment),
            ("Refund", Word::Refund),
            ("Chargeback", Word::Chargeback),
            ("Adjustment", Word::Adjustment),
            ("Payout", Word::Payout),
        ];
        let statuses = [
            ("SETTLED", Status::Settled),
            ("SUCCESS", Status::Settled),
            ("COMPLETED", Status::Settled),
            ("PENDING", Status::Pending),
            ("FAILED", Status::Failed),
        ];
        Columns {
            delimiter: '|',
            transaction: "Transaction ID".into(),
            partner: "Partner Transaction ID".into(),
            origin: "Original Transaction ID".into(),
            merchant: "Merchant ID".into(),
            kind: "Type".into(),
            gross: "Gross Amount".into(),
            fee: "MDR Fee".into(),
            tax: "Tax".into(),
            net: "Net Amount".into(),
            status: "Status".into(),
            currency: "Currency".into(),
            at: "Transaction Time".into(),
            amounts: Amounts::Decimal,
            time: "%Y-%m-%d %H:%M:%S".into(),
            grouping: String::new(),
            prolog: 0,
            unsigned: false,
            fees_are_negative: false,
            types: types.into_iter().map(|(word, kind)| (word.to_owned(), kind)).collect(),
            statuses: statuses.into_iter().map(|(word, status)| (word.to_owned(), status)).collect(),
            trailer: "TOTAL".into(),
        }
    }
}
