//! How far a plan is, and on whose word.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::UserId;

/// How far a plan is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum PlanState {
    /// It can be edited.
    Draft,
    /// It waits for another user.
    InApproval {
        /// Who submitted it.
        by: UserId,
        /// When.
        at: DateTime<Utc>,
    },
    /// Approved, nothing sent.
    Scheduled {
        /// By whom, and what exactly.
        approval: Approval,
    },
    /// Calls are being made.
    Executing {
        /// The approval.
        approval: Approval,
        /// Who began.
        by: UserId,
        /// When.
        since: DateTime<Utc>,
        /// How many of its lines are written down as payouts.
        instructed: usize,
        /// Who stopped what was not yet sent.
        stopped: Option<Stop>,
    },
    /// Every payee has it.
    Completed {
        /// The approval.
        approval: Approval,
        /// When the last one was known.
        at: DateTime<Utc>,
    },
    /// Some came to nothing; each says why.
    PartiallyFailed {
        /// The approval.
        approval: Approval,
        /// When the last one was known.
        at: DateTime<Utc>,
    },
    /// Refused by another user.
    Rejected {
        /// Who.
        by: UserId,
        /// When.
        at: DateTime<Utc>,
        /// Why.
        reason: String,
    },
    /// Called off before anything was sent.
    Cancelled {
        /// Who.
        by: UserId,
        /// When.
        at: DateTime<Utc>,
    },
}

/// One user's word on a content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub by: UserId,
    /// When.
    pub at: DateTime<Utc>,
    /// Of what.
    pub hash: String,
}

/// Who stopped, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// Who.
    pub by: UserId,
    /// When.
    pub at: DateTime<Utc>,
}

impl PlanState {
    /// The word of the API and the store.
    pub fn as_str(&self) -> &'static str {
        match self {
            PlanState::Draft => "draft",
            PlanState::InApproval { .. } => "in_approval",
            PlanState::Scheduled { .. } => "scheduled",
            PlanState::Executing { .. } => "executing",
            PlanState::Completed { .. } => "completed",
            PlanState::PartiallyFailed { .. } => "partially_failed",
            PlanState::Rejected { .. } => "rejected",
            PlanState::Cancelled { .. } => "cancelled",
        }
    }

    /// Every word.
    pub const WORDS: [&str; 8] = [
        "draft",
        "in_approval",
        "scheduled",
        "executing",
        "completed",
        "partially_failed",
        "rejected",
        "cancelled",
    ];

    /// The approval it stands on.
    pub fn approval(&self) -> Option<&Approval> {
        match self {
            PlanState::Scheduled { approval }
            | PlanState::Executing { approval, .. }
            | PlanState::Completed { approval, .. }
            | PlanState::PartiallyFailed { approval, .. } => Some(approval),
            _ => None,
        }
    }
}
