//! PayPal's words for disputes: their word → ours. A word that is not here is `None`: no verdict.

use crate::domain::disputes::{DisputeState, MovementKind};

/// A dispute that is not resolved.
pub const STATUS: &[(&str, DisputeState)] = &[
    ("OPEN", DisputeState::NeedsResponse),
    ("WAITING_FOR_SELLER_RESPONSE", DisputeState::NeedsResponse),
    ("WAITING_FOR_BUYER_RESPONSE", DisputeState::UnderReview),
    ("UNDER_REVIEW", DisputeState::UnderReview),
    ("OTHER", DisputeState::UnderReview),
];

/// How a resolved one ended. `RESOLVED_WITH_PAYOUT` is read as: PayPal pays the payer, no refund of ours (not verified;
/// the movements say what it did to money).
pub const OUTCOMES: &[(&str, DisputeState)] = &[
    ("RESOLVED_SELLER_FAVOUR", DisputeState::Won),
    ("CANCELED_BY_BUYER", DisputeState::Won),
    ("DENIED", DisputeState::Won),
    ("RESOLVED_BUYER_FAVOUR", DisputeState::Lost),
    ("ACCEPTED", DisputeState::Accepted),
    ("RESOLVED_WITH_PAYOUT", DisputeState::PaidByGateway),
];

/// A word of `status`, with the outcome's where it is resolved; and the word that tells most.
pub fn state(status: &str, outcome: Option<&str>) -> (Option<DisputeState>, String) {
    let find = |table: &[(&str, DisputeState)], word: &str| {
        table.iter().find(|(known, _)| *known == word).map(|(_, state)| *state)
    };
    if status != "RESOLVED" {
        return (find(STATUS, status), status.to_owned());
    }
    match outcome {
        Some(word) => (find(OUTCOMES, word), word.to_owned()),
        None => (None, status.to_owned()),
    }
}

/// A movement of the seller's money, by its reason and side.
pub fn movement(reason: &str, debit: bool) -> MovementKind {
    match (reason, debit) {
        ("DISPUTE_SETTLEMENT", true) => MovementKind::Taken,
        ("DISPUTE_SETTLEMENT", false) => MovementKind::Returned,
        ("DISPUTE_FEE" | "CHARGEBACK_FEE" | "DISPUTE_SETTLEMENT_FEE", true) => MovementKind::Fee,
        ("DISPUTE_FEE" | "CHARGEBACK_FEE" | "DISPUTE_SETTLEMENT_FEE", false) => MovementKind::FeeReturned,
        (_, true) => MovementKind::OtherTaken,
        (_, false) => MovementKind::OtherGiven,
    }
}
