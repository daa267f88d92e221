//! Findings: what does not agree, until a person decides.
//!
//! A finding is opened by whatever noticed the difference and holds the money it is about in suspense. `dismiss` takes
//! one person, because it moves nothing. `send_back` and `adopt` move money and take two: the first call proposes, a
//! second person's call with the same action confirms. A proposal can be replaced by anyone, confirmed only by another.

mod kind;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::access::{Hand, NotSecond};
use crate::domain::refunds::Allocation;
use crate::ids::{FindingId, MerchantId, PaymentId, UserId};
use crate::money::Money;

pub use kind::FindingKind;

/// What can be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The shopper gets the money back.
    SendBack,
    /// The money is taken as what it should have been.
    Adopt,
    /// Nothing is moved; the difference is explained.
    Dismiss,
}

impl Action {
    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::SendBack => "send_back",
            Action::Adopt => "adopt",
            Action::Dismiss => "dismiss",
        }
    }

    /// Whether it moves money and so takes two users.
    pub fn takes_two(self) -> bool {
        self != Action::Dismiss
    }
}

/// What somebody asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish<'a> {
    /// What is to be done.
    pub action: Action,
    /// Whose part how much of a refund made elsewhere is.
    pub allocation: &'a [Allocation],
    /// Whose money it is: the payment that gets what nobody here was known to have paid.
    pub payment: Option<PaymentId>,
}

impl From<Action> for Wish<'_> {
    fn from(action: Action) -> Self {
        Wish { action, allocation: &[], payment: None }
    }
}

/// How far the decision is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum FindingState {
    /// Nobody has decided.
    Open,
    /// One user proposed an action that takes two.
    Proposed {
        /// What.
        action: Action,
        /// How it is divided, where the proposal says so: what is confirmed is exactly this.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        allocation: Vec<Allocation>,
        /// The payment whose money it is to be, where the proposal names one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        payment: Option<PaymentId>,
        /// Who.
        by: UserId,
        /// Why.
        reason: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// Decided.
    Resolved {
        /// What.
        action: Action,
        /// How it was divided, where the proposal said so.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        allocation: Vec<Allocation>,
        /// The payment whose money it is, where the proposal named one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        payment: Option<PaymentId>,
        /// Who proposed it; the same as `confirmed_by` where one user is enough.
        proposed_by: UserId,
        /// Who decided.
        confirmed_by: UserId,
        /// Why.
        reason: String,
        /// When.
        at: DateTime<Utc>,
    },
}

impl FindingState {
    /// The stored word.
    pub fn as_str(&self) -> &'static str {
        match self {
            FindingState::Open => "open",
            FindingState::Proposed { .. } => "proposed",
            FindingState::Resolved { .. } => "resolved",
        }
    }

    /// What came later explained it, and nobody has to decide any more: the service's own word.
    pub fn explained(service: UserId, reason: &str, at: DateTime<Utc>) -> FindingState {
        FindingState::Resolved {
            action: Action::Dismiss,
            allocation: vec![],
            payment: None,
            proposed_by: service,
            confirmed_by: service,
            reason: reason.to_owned(),
            at,
        }
    }
}

/// Something that does not agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its id.
    pub id: FindingId,
    /// Whose book.
    pub merchant: MerchantId,
    /// What does not agree.
    pub kind: FindingKind,
    /// The gateway account's or bank account's name, the ledger's dimension; empty where neither is concerned.
    pub gateway_account: String,
    /// The payment it is about, where one is known.
    pub payment: Option<String>,
    /// The fact at the gateway: a capture's or refund's reference; for the books themselves, supplier and currency.
    pub fact: String,
    /// The money it is about.
    pub amount: Option<Money>,
    /// What was seen, in words.
    pub detail: String,
    /// How far the decision is.
    pub state: FindingState,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
}

/// Why a decision cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FindingError {
    /// Somebody decided before.
    #[error("the finding was resolved with `{}`", .0.as_str())]
    AlreadyResolved(Action),
    /// Whoever proposed it cannot confirm.
    #[error(transparent)]
    NotSecond(#[from] NotSecond),
    /// Only a refund made at the gateway is adopted in parts.
    #[error("an allocation only belongs to `adopt` of a finding of kind `refund_elsewhere`")]
    NothingToAllocate,
    /// Only money that nobody here was known to have paid is given to a payment.
    #[error("a payment only belongs to `adopt` of a finding of kind `paid_unknown_here`")]
    NothingToGive,
    /// The action makes no sense for this kind.
    #[error("`{}` does not apply to a finding of kind `{}`", action.as_str(), kind.as_str())]
    NotApplicable {
        /// The action.
        action: Action,
        /// The kind.
        kind: FindingKind,
    },
}

/// What a decision leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Written down; another user has to confirm.
    Proposed(FindingState),
    /// Final: the action is to be carried out with this state.
    Carry(FindingState),
}

impl Finding {
    /// `hand` asks for `wish`. A second person confirms by the same action and the same allocation or payment, or by naming
    /// none; another one is a new proposal. `issuers`: who else made keys of the proposer's.
    ///
    /// # Errors
    /// [`FindingError`].
    pub fn decide(
        &self,
        hand: Hand,
        issuers: &[UserId],
        Wish { action, allocation, payment }: Wish<'_>,
        reason: &str,
        at: DateTime<Utc>,
    ) -> Result<Decision, FindingError> {
        if let FindingState::Resolved { action, .. } = self.state {
            return Err(FindingError::AlreadyResolved(action));
        }
        if !self.kind.allows(action) {
            return Err(FindingError::NotApplicable { action, kind: self.kind });
        }
        if !allocation.is_empty() && (self.kind, action) != (FindingKind::RefundElsewhere, Action::Adopt) {
            return Err(FindingError::NothingToAllocate);
        }
        if payment.is_some() && (self.kind, action) != (FindingKind::PaidUnknownHere, Action::Adopt) {
            return Err(FindingError::NothingToGive);
        }
        let (user, reason) = (hand.user, reason.to_owned());
        if !action.takes_two() {
            return Ok(Decision::Carry(FindingState::Resolved {
                action,
                allocation: vec![],
                payment: None,
                proposed_by: user,
                confirmed_by: user,
                reason,
                at,
            }));
        }
        match &self.state {
            FindingState::Proposed {
                action: proposed,
                allocation: parts,
                payment: whose,
                by,
                reason: first,
                ..
            } if *proposed == action
                && (allocation.is_empty() || allocation == parts.as_slice())
                && (payment.is_none() || payment == *whose) =>
            {
                hand.is_second(&[*by], issuers)?;
                let reason = if reason.is_empty() { first.clone() } else { format!("{first}; {reason}") };
                Ok(Decision::Carry(FindingState::Resolved {
                    action,
                    allocation: parts.clone(),
                    payment: *whose,
                    proposed_by: *by,
                    confirmed_by: user,
                    reason,
                    at,
                }))
            }
            _ => {
                let allocation = allocation.to_vec();
                let proposed = FindingState::Proposed { action, allocation, payment, by: user, reason, at };
                Ok(Decision::Proposed(proposed))
            }
        }
    }
}

#[cfg(test)]
mod tests;
