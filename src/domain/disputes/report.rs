//! What a gateway says about a dispute.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::money::Money;

use super::state::DisputeState;

/// A dispute as the gateway tells it, whole: what it tells later replaces what it told before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisputeReport {
    /// The gateway's id of the dispute.
    pub gateway_ref: String,
    /// The capture in dispute.
    pub capture_ref: String,
    /// Our reference of the payment, where the gateway echoes it.
    pub request_ref: Option<String>,
    /// How much the payer disputes, in the payment's currency.
    pub amount: Money,
    /// The gateway's word for why.
    pub reason: String,
    /// The gateway's word for how far it has gone: `INQUIRY`, `CHARGEBACK`.
    pub stage: Option<String>,
    /// How it stands; `None` for a word the adapter does not know.
    pub state: Option<DisputeState>,
    /// The gateway's own word for how it stands or ended.
    pub word: String,
    /// Until when we may answer, while it is our turn.
    pub deadline: Option<DateTime<Utc>>,
    /// Whether the gateway holds the disputed amount on our balance.
    pub held: bool,
    /// Every movement of our money, oldest first.
    pub movements: Vec<DisputeMovement>,
    /// What we said, as the gateway repeats it: our own references are found in it.
    pub answers: Vec<String>,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// When it last changed at the gateway.
    pub updated_at: DateTime<Utc>,
}

/// A movement of our balance at the gateway because of a dispute. Gateways give them no id of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisputeMovement {
    /// What moved.
    pub kind: MovementKind,
    /// How much, above zero.
    pub amount: Money,
    /// When.
    pub at: DateTime<Utc>,
}

/// What a movement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MovementKind {
    /// Captured money was taken.
    Taken,
    /// It was given back.
    Returned,
    /// The gateway charged a fee for the dispute.
    Fee,
    /// It gave such a fee back.
    FeeReturned,
    /// It took money for a reason the adapter does not know.
    OtherTaken,
    /// It gave money for a reason the adapter does not know.
    OtherGiven,
}
