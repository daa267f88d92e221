//! Findings: what does not agree, until a person decides.
//!
//! A finding is opened by whatever noticed the difference and holds the money it is about in suspense. `dismiss` takes
//! one person, because it moves nothing. `send_back` and `adopt` move money and take two: the first call proposes, a
//! second user's call with the same action confirms. A proposal can be replaced by anyone, confirmed only by another.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::refunds::Allocation;
use crate::ids::{FindingId, MerchantId, UserId};
use crate::money::Money;

/// What does not agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// The gateway holds another amount than was asked.
    AmountDiffers,
    /// The gateway holds another currency than was asked.
    CurrencyDiffers,
    /// The money went to another receiving account than ours.
    AccountDiffers,
    /// The gateway names another payment's reference.
    ReferenceDiffers,
    /// The gateway holds money for an order that another payment has paid already.
    DoublePayment,
    /// The gateway holds what was asked, and the agreement cannot divide it.
    Indivisible,
    /// A notice names a payment that this book does not know.
    UnknownPayment,
    /// A refund was made at the gateway and not here.
    RefundElsewhere,
    /// The gateway contradicts what is known of a refund.
    RefundDiffers,
    /// The gateway took captured money back.
    Reversed,
    /// The gateway holds back part of its balance.
    GatewayHold,
    /// A fee was charged that no payment explains.
    UnexplainedFee,
    /// Nobody knows what came of a call to the gateway, and it may no longer be repeated.
    OutcomeUnknown,
    /// The gateway takes a payment's money only when a person acts there.
    ActionNeeded,
    /// A dispute waits for our answer, and its deadline is near.
    DisputeDeadline,
    /// The money held for others is less than what is owed to them.
    ClientMoneyShort,
    /// A supplier's entries do not lead to the ledger's own balance: nothing is told of them.
    BooksDiffer,
    /// A bill names a payment that is unknown here.
    PaidUnknownHere,
    /// What is booked here stands in no bill within the cut-off.
    MissingThere,
    /// A bill states another amount.
    BillAmount,
    /// A bill states another currency.
    BillCurrency,
    /// A bill states another fee.
    BillFee,
    /// A bill says paid or final, the gateway's answer does not, or the other way round.
    BillStatus,
    /// A bill names one movement twice.
    BillDuplicate,
    /// A bill names a movement that nothing here explains.
    UnknownMovement,
    /// The gateway's own balance is not what the books have there.
    BalanceDiffers,
    /// A gateway's batch settles what is not known here, or not like this.
    BatchDiffers,
    /// A gateway charges another fee than its contract says.
    FeeDrift,
    /// The bank credited less than the gateway sent, and nobody says why.
    DepositShort,
    /// The bank credited more than the gateway sent.
    DepositOver,
    /// Money moved at the bank and nobody knows why.
    BankUnexplained,
    /// A bank's statement does not go on where the one before it ended.
    StatementGap,
}

impl FindingKind {
    /// Every kind.
    pub const ALL: [FindingKind; 32] = [
        FindingKind::AmountDiffers,
        FindingKind::CurrencyDiffers,
        FindingKind::AccountDiffers,
        FindingKind::ReferenceDiffers,
        FindingKind::DoublePayment,
        FindingKind::Indivisible,
        FindingKind::UnknownPayment,
        FindingKind::RefundElsewhere,
        FindingKind::RefundDiffers,
        FindingKind::Reversed,
        FindingKind::GatewayHold,
        FindingKind::UnexplainedFee,
        FindingKind::OutcomeUnknown,
        FindingKind::ActionNeeded,
        FindingKind::DisputeDeadline,
        FindingKind::ClientMoneyShort,
        FindingKind::BooksDiffer,
        FindingKind::PaidUnknownHere,
        FindingKind::MissingThere,
        FindingKind::BillAmount,
        FindingKind::BillCurrency,
        FindingKind::BillFee,
        FindingKind::BillStatus,
        FindingKind::BillDuplicate,
        FindingKind::UnknownMovement,
        FindingKind::BalanceDiffers,
        FindingKind::BatchDiffers,
        FindingKind::FeeDrift,
        FindingKind::DepositShort,
        FindingKind::DepositOver,
        FindingKind::BankUnexplained,
        FindingKind::StatementGap,
    ];

    /// Whether money of a payment may stand aside for it.
    pub fn is_about_a_payment(self) -> bool {
        self.allows(Action::SendBack)
    }

    /// Reads the stored word.
    pub fn find(word: &str) -> Option<FindingKind> {
        FindingKind::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            FindingKind::AmountDiffers => "amount_differs",
            FindingKind::CurrencyDiffers => "currency_differs",
            FindingKind::AccountDiffers => "account_differs",
            FindingKind::ReferenceDiffers => "reference_differs",
            FindingKind::DoublePayment => "double_payment",
            FindingKind::Indivisible => "indivisible",
            FindingKind::UnknownPayment => "unknown_payment",
            FindingKind::RefundElsewhere => "refund_elsewhere",
            FindingKind::RefundDiffers => "refund_differs",
            FindingKind::Reversed => "reversed",
            FindingKind::GatewayHold => "gateway_hold",
            FindingKind::UnexplainedFee => "unexplained_fee",
            FindingKind::OutcomeUnknown => "outcome_unknown",
            FindingKind::ActionNeeded => "action_needed",
            FindingKind::DisputeDeadline => "dispute_deadline",
            FindingKind::ClientMoneyShort => "client_money_short",
            FindingKind::BooksDiffer => "books_differ",
            FindingKind::PaidUnknownHere => "paid_unknown_here",
            FindingKind::MissingThere => "missing_there",
            FindingKind::BillAmount => "bill_amount",
            FindingKind::BillCurrency => "bill_currency",
            FindingKind::BillFee => "bill_fee",
            FindingKind::BillStatus => "bill_status",
            FindingKind::BillDuplicate => "bill_duplicate",
            FindingKind::UnknownMovement => "unknown_movement",
            FindingKind::BalanceDiffers => "balance_differs",
            FindingKind::BatchDiffers => "batch_differs",
            FindingKind::FeeDrift => "fee_drift",
            FindingKind::DepositShort => "deposit_short",
            FindingKind::DepositOver => "deposit_over",
            FindingKind::BankUnexplained => "bank_unexplained",
            FindingKind::StatementGap => "statement_gap",
        }
    }
}

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
    /// The proposer cannot confirm.
    #[error("{0} proposed this action; another user has to confirm it")]
    FourEyes(UserId),
    /// Only a refund made at the gateway is adopted in parts.
    #[error("an allocation only belongs to `adopt` of a finding of kind `refund_elsewhere`")]
    NothingToAllocate,
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
    /// `user` asks for `action`, a refund made elsewhere divided by `allocation`. A second user confirms by the same
    /// action and the same allocation, or by naming none; another one is a new proposal.
    ///
    /// # Errors
    /// [`FindingError`].
    pub fn decide(
        &self,
        user: UserId,
        action: Action,
        allocation: &[Allocation],
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
        let reason = reason.to_owned();
        if !action.takes_two() {
            return Ok(Decision::Carry(FindingState::Resolved {
                action,
                allocation: vec![],
                proposed_by: user,
                confirmed_by: user,
                reason,
                at,
            }));
        }
        match &self.state {
            FindingState::Proposed { action: proposed, allocation: parts, by, reason: first, .. }
                if *proposed == action && (allocation.is_empty() || allocation == parts.as_slice()) =>
            {
                if *by == user {
                    return Err(FindingError::FourEyes(user));
                }
                let reason = if reason.is_empty() { first.clone() } else { format!("{first}; {reason}") };
                Ok(Decision::Carry(FindingState::Resolved {
                    action,
                    allocation: parts.clone(),
                    proposed_by: *by,
                    confirmed_by: user,
                    reason,
                    at,
                }))
            }
            _ => {
                let allocation = allocation.to_vec();
                Ok(Decision::Proposed(FindingState::Proposed { action, allocation, by: user, reason, at }))
            }
        }
    }
}

impl FindingKind {
    /// Money that a shopper paid can go back or be taken, and is dismissed only where none came (the flow sees to
    /// that); money that left, or is merely held, can only be explained or taken into the books.
    fn allows(self, action: Action) -> bool {
        match self {
            FindingKind::AmountDiffers
            | FindingKind::CurrencyDiffers
            | FindingKind::Indivisible
            | FindingKind::DoublePayment => true,
            FindingKind::RefundElsewhere
            | FindingKind::PaidUnknownHere
            | FindingKind::UnknownMovement
            | FindingKind::DepositShort
            | FindingKind::DepositOver => action == Action::Adopt,
            FindingKind::Reversed => action != Action::SendBack,
            FindingKind::BankUnexplained => matches!(action, Action::Adopt | Action::Dismiss),
            FindingKind::AccountDiffers
            | FindingKind::RefundDiffers
            | FindingKind::ReferenceDiffers
            | FindingKind::UnknownPayment
            | FindingKind::GatewayHold
            | FindingKind::UnexplainedFee
            | FindingKind::OutcomeUnknown
            | FindingKind::ActionNeeded
            | FindingKind::DisputeDeadline
            | FindingKind::ClientMoneyShort
            | FindingKind::BooksDiffer
            | FindingKind::MissingThere
            | FindingKind::BillAmount
            | FindingKind::BillCurrency
            | FindingKind::BillFee
            | FindingKind::BillStatus
            | FindingKind::BillDuplicate
            | FindingKind::BalanceDiffers
            | FindingKind::BatchDiffers
            | FindingKind::FeeDrift
            | FindingKind::StatementGap => action == Action::Dismiss,
        }
    }
}

#[cfg(test)]
mod tests;
