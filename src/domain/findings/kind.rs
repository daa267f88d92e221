//! What can disagree, and which decisions each kind takes.

use serde::{Deserialize, Serialize};

use super::Action;

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
    /// What is booked here stands in no bill within the cut-off; a payment of withheld tax, of a gateway's invoice or of a
    /// market deal in no bank statement.
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
    /// The bank took back a deposit that it had credited: it is on its way again, or lost. Or a payment of withheld tax, or
    /// of a gateway's invoice, came back: it is owed again.
    DepositReversed,
    /// A bank's statement does not go on where the one before it ended.
    StatementGap,
    /// Whether a rail took a batch of payouts is not known.
    PayoutUnknown,
    /// A rail says of a payout what cannot be.
    PayoutDiffers,
}

impl FindingKind {
    /// Every kind.
    pub const ALL: [FindingKind; 35] = [
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
        FindingKind::DepositReversed,
        FindingKind::StatementGap,
        FindingKind::PayoutUnknown,
        FindingKind::PayoutDiffers,
    ];

    /// Whether a period is not closed over it: money or books that nobody has explained. The others wait for a person
    /// without that: where the money is, is known, or a check of its own holds it against a limit of its own.
    pub fn holds_up_a_close(self) -> bool {
        match self {
            FindingKind::AmountDiffers
            | FindingKind::CurrencyDiffers
            | FindingKind::AccountDiffers
            | FindingKind::ReferenceDiffers
            | FindingKind::DoublePayment
            | FindingKind::Indivisible
            | FindingKind::UnknownPayment
            | FindingKind::RefundElsewhere
            | FindingKind::RefundDiffers
            | FindingKind::Reversed
            | FindingKind::UnexplainedFee
            | FindingKind::OutcomeUnknown
            | FindingKind::BooksDiffer
            | FindingKind::PaidUnknownHere
            | FindingKind::MissingThere
            | FindingKind::BillAmount
            | FindingKind::BillCurrency
            | FindingKind::BillFee
            | FindingKind::BillStatus
            | FindingKind::BillDuplicate
            | FindingKind::UnknownMovement
            | FindingKind::BatchDiffers
            | FindingKind::DepositShort
            | FindingKind::DepositOver
            | FindingKind::BankUnexplained
            | FindingKind::DepositReversed
            | FindingKind::StatementGap
            | FindingKind::PayoutUnknown
            | FindingKind::PayoutDiffers => true,
            // The money is where the books say: held (1120), charged (5010), or not yet taken at all.
            FindingKind::GatewayHold
            | FindingKind::FeeDrift
            | FindingKind::ActionNeeded
            | FindingKind::DisputeDeadline => false,
            // Checks of their own: by amount, and shown without holding anything up.
            FindingKind::BalanceDiffers | FindingKind::ClientMoneyShort => false,
        }
    }

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
            FindingKind::DepositReversed => "deposit_reversed",
            FindingKind::StatementGap => "statement_gap",
            FindingKind::PayoutUnknown => "payout_unknown",
            FindingKind::PayoutDiffers => "payout_differs",
        }
    }

    /// Money that a shopper paid can go back or be taken, and is dismissed only where none came (the flow sees to
    /// that); money that left, or is merely held, can only be explained or taken into the books.
    pub(super) fn allows(self, action: Action) -> bool {
        match self {
            FindingKind::AmountDiffers
            | FindingKind::CurrencyDiffers
            | FindingKind::Indivisible
            | FindingKind::DoublePayment => true,
            // It is somebody's: it goes back, is given to a payment, or is the platform's.
            FindingKind::PaidUnknownHere => action != Action::Dismiss,
            FindingKind::RefundElsewhere
            | FindingKind::UnknownMovement
            | FindingKind::DepositShort
            | FindingKind::DepositOver => action == Action::Adopt,
            // Taken as never sent: the suppliers have their balances back. Dismissed once its end is known.
            FindingKind::PayoutUnknown => action != Action::SendBack,
            FindingKind::Reversed => action != Action::SendBack,
            // What the rail paid otherwise stands in suspense, or nothing does.
            FindingKind::BankUnexplained | FindingKind::PayoutDiffers => action != Action::SendBack,
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
            | FindingKind::DepositReversed
            | FindingKind::StatementGap => action == Action::Dismiss,
        }
    }
}
