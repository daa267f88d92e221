//! What the books have of one movement at the gateway, small enough that a million of them fit beside each other.

use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::bill::BillKind;
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
    /// A payout to a supplier, or its return.
    Payout,
    /// Anything else.
    Other,
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
            BillKind::Payout | BillKind::PayoutReturned => Class::Payout,
            BillKind::Deposit | BillKind::Adjustment | BillKind::Unknown { .. } => Class::Other,
            BillKind::Authorisation => return None,
        })
    }
}

/// A reference as 128 bits: two hashes with different beginnings. That two of a million references meet is as likely as
/// a machine's own error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Key(u64, u64);

impl Key {
    /// No reference; equal to none.
    pub const NONE: Key = Key(0, 0);

    /// Of a reference.
    pub fn of(reference: &str) -> Key {
        let half = |begins: u8| {
            let mut hasher = DefaultHasher::new();
            begins.hash(&mut hasher);
            reference.hash(&mut hasher);
            hasher.finish()
        };
        Key(half(1).max(1), half(2))
    }
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
}
