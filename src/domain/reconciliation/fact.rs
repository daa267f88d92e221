//! What the books have of one movement at the gateway, small enough that a million of them fit beside each other.

use std::hash::Hasher;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

use super::bill::BillKind;
use super::terms::Expected;
use crate::money::Money;

/// Which movements can be the same: a refund is never a payment, however their references look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A shopper's payment.
    Payment,
    /// A payment paid back.
    Refund,
    /// Captured money taken back by the gateway or the shopper's bank.
    Reversal,
    /// A fee of its own.
    Fee,
    /// One side of a conversion; its reference is the movement that was converted.
    Conversion,
    /// A part of the balance put aside or freed.
    Hold,
    /// Paid out to the merchant's bank.
    Settlement,
    /// A payout to a supplier.
    Payout,
    /// One that came back.
    PayoutReturned,
    /// Anything else.
    Other,
    /// What an earlier reading of a bill put aside, whatever it is: its gross is what stands in suspense of it.
    Aside,
}

impl BillKind {
    /// The class of a line's movement; `None` where none moved.
    pub fn class(&self) -> Option<Class> {
        Some(match self {
            BillKind::Payment => Class::Payment,
            BillKind::Refund => Class::Refund,
            BillKind::Reversal | BillKind::Chargeback | BillKind::ChargebackReversed => Class::Reversal,
            BillKind::Fee | BillKind::DisputeFee => Class::Fee,
            BillKind::Conversion => Class::Conversion,
            BillKind::Hold | BillKind::HoldReleased | BillKind::Reserve => Class::Hold,
            BillKind::Withdrawal | BillKind::Sweep => Class::Settlement,
            BillKind::Payout => Class::Payout,
            BillKind::PayoutReturned => Class::PayoutReturned,
            BillKind::Deposit | BillKind::Adjustment | BillKind::Unknown { .. } => Class::Other,
            BillKind::Authorisation => return None,
        })
    }
}

/// A reference as 128 bits: two hashes with different beginnings. That two of a million references meet is as likely as
/// a machine's own error. The pool keeps it, so the hash is named: SipHash-1-3 without a key, over the number of the half,
/// the reference's bytes and `0xff`. That is what the standard library's hasher gave when the first rows were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Key(u64, u64);

impl Key {
    /// No reference; equal to none.
    pub const NONE: Key = Key(0, 0);

    /// Of a reference.
    pub fn of(reference: &str) -> Key {
        let half = |begins: u8| {
            let mut hasher = SipHasher13::new();
            hasher.write(&[begins]);
            hasher.write(reference.as_bytes());
            hasher.write(&[0xff]);
            hasher.finish()
        };
        Key(half(1).max(1), half(2))
    }
}

/// What the bill at hand has to do with a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It stands in the bill's days, or behind them within the cut-off.
    Fresh,
    /// No bill has named it yet, and one should.
    Waiting,
    /// A line may name it; nobody misses it here.
    Optional,
}

/// What the books have of one movement at the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fact {
    /// Of the gateway's reference.
    pub key: Key,
    /// Of the reference we sent, where one was sent.
    pub ours: Key,
    /// What it can be the same as.
    pub class: Class,
    /// What moved before fees, from the account's side.
    pub gross: Money,
    /// What was booked of the gateway's fee, tax included, in minor units of the same currency; `None` where the books
    /// accrue it and the batch trues it up.
    pub fee: Option<i64>,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// The ledger's transaction: where to look it up.
    pub number: i64,
    /// What a bill of these days has to do with it.
    pub standing: Standing,
    /// Of a payment whose fee is to be learned: what the contract says of it.
    pub expected: Option<Expected>,
}

#[cfg(test)]
mod tests {
    use std::hash::{DefaultHasher, Hash};

    use super::*;

    /// Rows of before were written with the standard hasher: they keep their meaning. Should a later compiler's hasher
    /// differ, drop `as_written` and keep the numbers.
    #[test]
    fn a_key_is_what_the_pool_was_written_with() {
        for reference in ["", "CAP-1", "42311647XV020574X", "pay_\u{e9}/\u{4e2d}#1"] {
            let as_written = |begins: u8| {
                let mut hasher = DefaultHasher::new();
                begins.hash(&mut hasher);
                reference.hash(&mut hasher);
                hasher.finish()
            };
            assert_eq!(Key::of(reference), Key(as_written(1).max(1), as_written(2)), "{reference}");
        }
        assert_eq!(Key::of("42311647XV020574X"), Key(0x864a_4e8c_e5c7_f6c4, 0x0c93_ebf7_5c22_2618));
    }
}
