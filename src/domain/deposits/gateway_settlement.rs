//! A gateway settlement: one payout of a gateway, from its report to the bank's line.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::merchants::SettlementMode;
use crate::ids::{BankLineId, GatewaySettlementId, MerchantId};
use crate::money::Money;

use super::batch::ReportedBatch;

/// A payout of a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewaySettlement {
    /// Its id.
    pub id: GatewaySettlementId,
    /// Whose book.
    pub merchant: MerchantId,
    /// The gateway account's name, the ledger's dimension.
    pub gateway_account: String,
    /// How the gateway pays out.
    pub mode: SettlementMode,
    /// What the gateway said; its items are kept apart.
    pub batch: ReportedBatch,
    /// Fee and tax that were accrued for its captures.
    pub accrued: Money,
    /// The charged fee beyond the accrued one, where that is rounding (5080).
    pub rounding: Money,
    /// The same where it is drift (5010).
    pub drift: Money,
    /// Where its money is.
    pub state: DepositState,
    /// When it was first written down.
    pub recorded_at: DateTime<Utc>,
}

/// Where a payout's money is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum DepositState {
    /// The gateway has closed the batch and not sent it: nothing is booked.
    Expected,
    /// Sent (1140), and not on a bank statement yet.
    InTransit,
    /// The bank credited it, whole.
    Received {
        /// The line that says so; none where there was nothing to send, or where a market deal changed it on arrival.
        line: Option<BankLineId>,
        /// When the bank credited it.
        at: DateTime<Utc>,
    },
    /// The bank credited less: 1140 is cleared, what is missing is explained as a charge or stands in suspense.
    Short {
        /// The line that says so.
        line: BankLineId,
        /// When the bank credited it.
        at: DateTime<Utc>,
        /// What is missing and unexplained; zero where the bank named its charge.
        missing: Money,
    },
}

impl DepositState {
    /// Every word.
    pub const WORDS: [&'static str; 4] = ["expected", "in_transit", "received", "short"];

    /// The stored word.
    pub fn as_str(&self) -> &'static str {
        match self {
            DepositState::Expected => "expected",
            DepositState::InTransit => "in_transit",
            DepositState::Received { .. } => "received",
            DepositState::Short { .. } => "short",
        }
    }

    /// When the bank credited it, if it has.
    pub fn received_at(&self) -> Option<DateTime<Utc>> {
        match self {
            DepositState::Received { at, .. } | DepositState::Short { at, .. } => Some(*at),
            DepositState::Expected | DepositState::InTransit => None,
        }
    }

    /// The bank's line, if there is one.
    pub fn line(&self) -> Option<BankLineId> {
        match self {
            DepositState::Received { line, .. } => *line,
            DepositState::Short { line, .. } => Some(*line),
            DepositState::Expected | DepositState::InTransit => None,
        }
    }
}

impl GatewaySettlement {
    /// What the bank's line is expected to name.
    pub fn deposit_reference(&self) -> &str {
        self.batch.deposit_reference.as_deref().unwrap_or(&self.batch.reference)
    }

    /// How long its money has been on the way, or was.
    pub fn age(&self, now: DateTime<Utc>) -> TimeDelta {
        let since = self.batch.paid_at.unwrap_or(self.batch.closed_at);
        (self.state.received_at().unwrap_or(now) - since).max(TimeDelta::zero())
    }
}
