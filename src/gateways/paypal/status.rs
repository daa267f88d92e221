//! PayPal's words for how things stand: their word → ours. A word that is not here is `None`: never success, never a
//! default.

use crate::domain::orders::RefundStatus;

/// How an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderStatus {
    /// The shopper has not agreed.
    Open,
    /// Agreed, not paid: we capture.
    Approved,
    /// Called off.
    Voided,
    /// Every unit is processed; the captures say how.
    Processed,
}

/// How a capture stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaptureStatus {
    /// The money is on the balance, or was before it was refunded.
    Taken,
    /// Not yet decided.
    Waiting,
    /// Taken once; the shopper complains and PayPal holds it back.
    Held,
    /// Taken once; the shopper's bank took it back.
    TakenBack,
    /// Refused.
    Refused,
}

/// Order words.
pub const ORDERS: &[(&str, OrderStatus)] = &[
    ("CREATED", OrderStatus::Open),
    ("SAVED", OrderStatus::Open),
    ("PAYER_ACTION_REQUIRED", OrderStatus::Open),
    ("APPROVED", OrderStatus::Approved),
    ("VOIDED", OrderStatus::Voided),
    ("COMPLETED", OrderStatus::Processed),
];

/// Capture words, `PENDING` aside.
pub const CAPTURES: &[(&str, CaptureStatus)] = &[
    ("COMPLETED", CaptureStatus::Taken),
    ("PARTIALLY_REFUNDED", CaptureStatus::Taken),
    ("REFUNDED", CaptureStatus::Taken),
    ("DECLINED", CaptureStatus::Refused),
    ("FAILED", CaptureStatus::Refused),
];

/// Why a capture is `PENDING`: three reasons speak of money that was taken and goes back.
pub const PENDING: &[(&str, CaptureStatus)] = &[
    ("ECHECK", CaptureStatus::Waiting),
    ("INTERNATIONAL_WITHDRAWAL", CaptureStatus::Waiting),
    ("OTHER", CaptureStatus::Waiting),
    ("PENDING_REVIEW", CaptureStatus::Waiting),
    ("RECEIVING_PREFERENCE_MANDATES_MANUAL_ACTION", CaptureStatus::Waiting),
    ("TRANSACTION_APPROVED_AWAITING_FUNDING", CaptureStatus::Waiting),
    ("UNILATERAL", CaptureStatus::Waiting),
    ("VERIFICATION_REQUIRED", CaptureStatus::Waiting),
    ("BUYER_COMPLAINT", CaptureStatus::Held),
    ("CHARGEBACK", CaptureStatus::TakenBack),
    ("REFUNDED", CaptureStatus::Taken),
];

/// Whether a `PENDING` capture waits until the payee accepts it: a currency that the account does not hold, an address
/// that has no account yet.
pub fn waits_for_a_person(reason: &str) -> bool {
    ["RECEIVING_PREFERENCE_MANDATES_MANUAL_ACTION", "UNILATERAL"].contains(&reason)
}

/// Refund words.
pub const REFUNDS: &[&str] = &["PENDING", "COMPLETED", "FAILED", "CANCELLED"];

/// How a payout stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayoutWord {
    /// Nobody has the money yet, and it may still be ours.
    Waiting,
    /// The payee has it.
    Paid,
    /// Debited; the payee has no account that takes it yet.
    Unclaimed,
    /// Refused before any debit.
    Refused,
    /// Debited once, and back.
    Back,
}

/// Payout words.
pub const PAYOUTS: &[(&str, PayoutWord)] = &[
    ("PENDING", PayoutWord::Waiting),
    ("ONHOLD", PayoutWord::Waiting),
    ("SUCCESS", PayoutWord::Paid),
    ("UNCLAIMED", PayoutWord::Unclaimed),
    ("FAILED", PayoutWord::Refused),
    ("BLOCKED", PayoutWord::Refused),
    ("RETURNED", PayoutWord::Back),
    ("REFUNDED", PayoutWord::Back),
    ("REVERSED", PayoutWord::Back),
];

/// Batch words, and whether the whole batch is refused. `SUCCESS` says that it was worked off, not that anybody was paid.
pub const PAYOUT_BATCHES: &[(&str, bool)] =
    &[("PENDING", false), ("PROCESSING", false), ("SUCCESS", false), ("DENIED", true), ("CANCELED", true)];

fn find<T: Copy>(table: &[(&str, T)], word: &str) -> Option<T> {
    table.iter().find(|(known, _)| *known == word).map(|(_, ours)| *ours)
}

/// An order's word.
pub fn order(word: &str) -> Option<OrderStatus> {
    find(ORDERS, word)
}

/// A capture's word with its reason; `PENDING` without a reason, or with a new one, waits: it is no success.
pub fn capture(word: &str, reason: Option<&str>) -> Option<CaptureStatus> {
    match (word, reason) {
        ("PENDING", Some(reason)) => Some(find(PENDING, reason).unwrap_or(CaptureStatus::Waiting)),
        ("PENDING", None) => Some(CaptureStatus::Waiting),
        _ => find(CAPTURES, word),
    }
}

/// A refund's word.
pub fn refund(word: &str) -> RefundStatus {
    match word {
        "PENDING" => RefundStatus::Pending,
        "COMPLETED" => RefundStatus::Succeeded,
        "FAILED" | "CANCELLED" => RefundStatus::Failed { code: word.to_owned() },
        _ => RefundStatus::Unknown { raw: word.to_owned() },
    }
}

/// A payout's word.
pub fn payout(word: &str) -> Option<PayoutWord> {
    find(PAYOUTS, word)
}

/// Whether a batch of payouts is refused as a whole.
pub fn payout_batch_refused(word: &str) -> Option<bool> {
    find(PAYOUT_BATCHES, word)
}
