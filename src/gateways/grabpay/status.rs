//! Grab's words for how things stand: `txStatus` and `reason` → ours. New reasons are tolerated under a known status;
//! a new status is unknown: never success, never a default. Only `success` and `failed` are final.

use crate::domain::orders::RefundStatus;

/// How a charge stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChargeStatus {
    /// The shopper has not agreed.
    Open,
    /// Under way at Grab.
    Waiting,
    /// Agreed, not paid: we complete, within ten minutes.
    Consented,
    /// The money is in the merchant's wallet.
    Taken,
    /// Refused.
    Refused,
    /// Called off.
    CalledOff,
    /// Nobody completed in time.
    Lapsed,
}

/// `(txStatus, reason)`; `*` stands for every reason not named above it.
pub const CHARGES: &[(&str, &str, ChargeStatus)] = &[
    ("init", "*", ChargeStatus::Open),
    ("processing", "pending_user_consent", ChargeStatus::Open),
    ("processing", "pending_capture", ChargeStatus::Consented),
    ("processing", "authorising", ChargeStatus::Waiting),
    ("processing", "capturing", ChargeStatus::Waiting),
    ("processing", "cancelling", ChargeStatus::Waiting),
    ("processing", "*", ChargeStatus::Waiting),
    ("authorised", "*", ChargeStatus::Consented),
    ("success", "*", ChargeStatus::Taken),
    // The first attempt stands under this reference; this answer says nothing about it.
    ("failed", "transaction_already_exist", ChargeStatus::Waiting),
    ("failed", "*", ChargeStatus::Refused),
    ("authorisation_declined", "*", ChargeStatus::Refused),
    ("cancelled", "auth_expired", ChargeStatus::Lapsed),
    ("cancelled", "*", ChargeStatus::CalledOff),
];

/// Refund words.
pub const REFUNDS: &[&str] = &["success", "processing", "failed"];

/// A charge's words.
pub fn charge(tx_status: &str, reason: Option<&str>) -> Option<ChargeStatus> {
    let reason = reason.unwrap_or_default();
    let fits = |(status, why, _): &&(&str, &str, ChargeStatus)| {
        *status == tx_status && (*why == "*" || *why == reason)
    };
    CHARGES.iter().find(fits).map(|(_, _, ours)| *ours)
}

/// A refund's words.
pub fn refund(tx_status: &str, reason: Option<&str>) -> RefundStatus {
    match (tx_status, reason) {
        ("success", _) => RefundStatus::Succeeded,
        ("processing", _) => RefundStatus::Pending,
        ("failed", Some("merchant_insufficient_balance")) => RefundStatus::AwaitingFunds,
        ("failed", reason) => RefundStatus::Failed { code: reason.unwrap_or("failed").to_owned() },
        (other, _) => RefundStatus::Unknown { raw: other.to_owned() },
    }
}
