//! How a dispute stands.

use serde::{Deserialize, Serialize};

/// How a dispute stands. It may go to and fro between the first two, and an appeal opens a decided one again; the
/// payment stays captured all the while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DisputeState {
    /// It is our turn: evidence, or acceptance.
    NeedsResponse,
    /// The gateway, or the payer, has it.
    UnderReview,
    /// Decided for us, or called off by the payer.
    Won,
    /// Decided for the payer.
    Lost,
    /// We accepted it.
    Accepted,
    /// The gateway pays the payer out of its own pocket.
    PaidByGateway,
}

impl DisputeState {
    /// Every state.
    pub const ALL: [DisputeState; 6] = [
        DisputeState::NeedsResponse,
        DisputeState::UnderReview,
        DisputeState::Won,
        DisputeState::Lost,
        DisputeState::Accepted,
        DisputeState::PaidByGateway,
    ];

    /// The word of the API and the store.
    pub fn as_str(self) -> &'static str {
        match self {
            DisputeState::NeedsResponse => "needs_response",
            DisputeState::UnderReview => "under_review",
            DisputeState::Won => "won",
            DisputeState::Lost => "lost",
            DisputeState::Accepted => "accepted",
            DisputeState::PaidByGateway => "paid_by_gateway",
        }
    }

    /// Reads the stored word.
    pub fn find(word: &str) -> Option<DisputeState> {
        DisputeState::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Still to be decided.
    pub fn is_open(self) -> bool {
        matches!(self, DisputeState::NeedsResponse | DisputeState::UnderReview)
    }
}
