//! A one-time charge and how it stands.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::super::book::Record;
use super::super::scenario::Faults;
use crate::money::Money;

/// The `request` of a charge is good for this long, until the shopper decides.
const REQUEST_LIFE: TimeDelta = TimeDelta::minutes(20);
/// After the shopper agreed the merchant has this long to complete.
const COMPLETE_WITHIN: TimeDelta = TimeDelta::minutes(10);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum ChargeState {
    /// The shopper has not decided.
    AwaitingConsent,
    /// The shopper agreed; the money is held.
    Authorised { at: DateTime<Utc> },
    /// The money moved.
    Captured { at: DateTime<Utc> },
    /// The wallet refused.
    Failed { reason: String },
    /// The shopper refused.
    Cancelled { reason: String },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Charge {
    /// Grab's `txID`, 32 hexadecimal digits.
    pub tx_id: String,
    pub partner_id: String,
    pub partner_tx_id: String,
    pub partner_group_tx_id: String,
    pub merchant_id: String,
    pub amount: Money,
    pub description: String,
    pub state: ChargeState,
    pub refunded: Money,
    pub created: DateTime<Utc>,
    pub faults: Faults,
}

impl Record for Charge {
    const KIND: &'static str = "grabpay.charge";
    fn id(&self) -> &str {
        &self.tx_id
    }
    fn alias(&self) -> Option<&str> {
        Some(&self.partner_tx_id)
    }
}

/// Grab's words for where a charge stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    pub tx_status: &'static str,
    pub reason: String,
}

impl Charge {
    /// As Grab would answer at `now`: what nobody finished in time is cancelled, and held money is free again.
    pub(super) fn standing(&self, now: DateTime<Utc>) -> Standing {
        let standing = |tx_status, reason: &str| Standing { tx_status, reason: reason.to_owned() };
        match &self.state {
            ChargeState::AwaitingConsent if now >= self.created + REQUEST_LIFE => {
                standing("cancelled", "auth_expired")
            }
            ChargeState::AwaitingConsent => standing("processing", "pending_user_consent"),
            ChargeState::Authorised { at } if now >= *at + COMPLETE_WITHIN => {
                standing("cancelled", "auth_expired")
            }
            ChargeState::Authorised { .. } => standing("authorised", "pending_capture"),
            ChargeState::Captured { .. } => standing("success", ""),
            ChargeState::Failed { reason } => standing("failed", reason),
            ChargeState::Cancelled { reason } => standing("cancelled", reason),
        }
    }

    /// The shopper can still decide.
    pub(super) fn awaits_consent(&self, now: DateTime<Utc>) -> bool {
        matches!(self.state, ChargeState::AwaitingConsent) && now < self.created + REQUEST_LIFE
    }
}

/// A refund; always done at once or refused.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Refund {
    pub tx_id: String,
    pub partner_id: String,
    pub partner_tx_id: String,
    pub partner_group_tx_id: String,
    pub origin_tx_id: String,
    pub amount: Money,
    pub description: String,
    pub at: DateTime<Utc>,
}

impl Record for Refund {
    const KIND: &'static str = "grabpay.refund";
    fn id(&self) -> &str {
        &self.tx_id
    }
    fn alias(&self) -> Option<&str> {
        Some(&self.partner_tx_id)
    }
}
