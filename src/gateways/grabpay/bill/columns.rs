//! Which column is which, how amounts and times are written, and which word means what: the account setting `report`.
//!
//! ```json
//! {"delimiter": "|", "transaction": "Txn ID", "fee": "MDR", "amounts": "minor", "types": {"Sale": "payment"}}
//! ```

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::domain::reconciliation::BillKind;

/// Names of the report's columns and its habits; each has a default.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Columns {
    /// One character between cells.
    pub delimiter: char,
    /// Grab's id of the movement.
    pub transaction: String,
    /// Our reference.
    pub partner: String,
    /// A refund's charge. May be absent.
    pub origin: String,
    /// Who is paid. May be absent.
    pub merchant: String,
    /// What it is.
    pub kind: String,
    /// What moved; negative went out.
    pub gross: String,
    /// What Grab took. May be absent.
    pub fee: String,
    /// The tax on it. May be absent.
    pub tax: String,
    /// Gross less fee less tax: checked on every row.
    pub net: String,
    /// ISO 4217.
    pub currency: String,
    /// When, in the report's zone unless the format names one.
    pub at: String,
    /// `decimal` (12.34) or `minor` (1234).
    pub amounts: Amounts,
    /// As `strftime` writes it.
    pub time: String,
    /// Fees are written as negative amounts.
    pub fees_are_negative: bool,
    /// The report's words and what they mean; a word that is not here is unknown.
    pub types: BTreeMap<String, Word>,
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
            currency: "Currency".into(),
            at: "Transaction Time".into(),
            amounts: Amounts::Decimal,
            time: "%Y-%m-%d %H:%M:%S".into(),
            fees_are_negative: false,
            types: types.into_iter().map(|(word, kind)| (word.to_owned(), kind)).collect(),
            trailer: "TOTAL".into(),
        }
    }
}
