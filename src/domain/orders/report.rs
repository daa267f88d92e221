//! What a gateway says: one shape for callback, query, bill line and operator.
//!
//! [`PaymentReport`] tells how the payment stands; [`MoneyReport`] tells single facts of money around it. Both are
//! *claims*: the flow holds amount, currency and account against our own record before anything follows from them.

use chrono::{DateTime, Utc};

use crate::domain::disputes::DisputeReport;
use crate::domain::fx::Country;
use crate::money::{Money, Rate};

/// Where a report came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportSource {
    /// The gateway's notice, confirmed by a query.
    Callback,
    /// The shopper came back.
    Return,
    /// We asked on our own.
    Poll,
    /// The answer to our own call (create, complete, refund).
    Call,
    /// A line of a bill.
    Bill,
    /// A person.
    Operator,
}

impl ReportSource {
    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            ReportSource::Callback => "callback",
            ReportSource::Return => "return",
            ReportSource::Poll => "poll",
            ReportSource::Call => "call",
            ReportSource::Bill => "bill",
            ReportSource::Operator => "operator",
        }
    }

    /// Reads the stored word.
    pub fn find(text: &str) -> Option<ReportSource> {
        use ReportSource::{Bill, Call, Callback, Operator, Poll, Return};
        [Callback, Return, Poll, Call, Bill, Operator].into_iter().find(|source| source.as_str() == text)
    }
}

/// How a gateway says a payment stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentReport {
    /// The gateway's id of the payment (PayPal order id, GrabPay txID), where it names one.
    pub gateway_ref: Option<String>,
    /// The id we sent, as the gateway echoes it; `None` where the answer does not carry it.
    pub request_ref: Option<String>,
    /// The receiving account the gateway names (PayPal `payee.merchant_id`); `None` where it names none.
    pub account: Option<String>,
    /// What it says.
    pub kind: ReportKind,
    /// Refunds the gateway lists with the payment, each whole.
    pub refunds: Vec<RefundReport>,
    /// Other facts of money that came with the answer.
    pub money: Vec<MoneyReport>,
    /// Disputes that came with the answer, each whole.
    pub disputes: Vec<DisputeReport>,
    /// SHA-256 of the answer's body as it came, hexadecimal: the evidence of all of this. `None` where nothing was
    /// answered, as of an order that has lapsed.
    pub answer_sha256: Option<String>,
}

impl PaymentReport {
    /// A report of `kind` alone.
    pub fn of(kind: ReportKind) -> PaymentReport {
        PaymentReport {
            gateway_ref: None,
            request_ref: None,
            account: None,
            kind,
            refunds: vec![],
            money: vec![],
            disputes: vec![],
            answer_sha256: None,
        }
    }
}

/// The statement itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReportKind {
    /// The shopper has not agreed yet.
    RequiresAction,
    /// Under way at the gateway.
    Pending {
        /// The gateway's own word, for the timeline.
        reason: String,
        /// What is on its way to us: the shopper has paid, the gateway has not credited it yet. `None` where nothing
        /// was taken so far.
        expected: Option<Money>,
        /// A person has to act at the gateway, by then; else it gives the money back.
        person_by: Option<DateTime<Utc>>,
    },
    /// The shopper agreed; the money is taken only when *we* call `complete_payment`.
    Authorised {
        /// The amount agreed to, where the gateway names it.
        amount: Option<Money>,
    },
    /// The gateway holds the money for us.
    Captured(Capture),
    /// Refused for good.
    Failed {
        /// The gateway's code.
        code: String,
    },
    /// The shopper or the gateway called it off.
    Cancelled {
        /// The gateway's code.
        code: String,
    },
    /// Nobody acted in time.
    Expired,
    /// A notice names this amount. It is evidence and says nothing of how the payment stands.
    Stated {
        /// The amount.
        amount: Money,
    },
    /// The gateway knows no such payment.
    NotFound,
    /// A word this adapter does not know: never success, never a default.
    Unknown {
        /// The word.
        raw: String,
    },
}

impl ReportKind {
    /// The word of the timeline.
    pub fn as_str(&self) -> &'static str {
        match self {
            ReportKind::RequiresAction => "requires_action",
            ReportKind::Pending { .. } => "pending",
            ReportKind::Authorised { .. } => "authorized",
            ReportKind::Captured(_) => "captured",
            ReportKind::Failed { .. } => "failed",
            ReportKind::Cancelled { .. } => "cancelled",
            ReportKind::Expired => "expired",
            ReportKind::Stated { .. } => "stated",
            ReportKind::NotFound => "not_found",
            ReportKind::Unknown { .. } => "unknown",
        }
    }
}

/// A capture: the fact of money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// The gateway's id of the capture; one capture is booked once, for ever, under it.
    pub capture_ref: String,
    /// Gross.
    pub amount: Money,
    /// The gateway's own fee, where the capture names it (PayPal); `None` where it is known only by contract (GrabPay).
    pub fee: Option<Money>,
    /// What the gateway credits after converting it itself, and at which rate.
    pub receivable: Option<(Money, Rate)>,
    /// Where the payer is at home, where the gateway names it (PayPal); `None` where it does not (GrabPay).
    pub payer_country: Option<Country>,
    /// When the gateway took it.
    pub at: DateTime<Utc>,
}

/// One refund as the gateway tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundReport {
    /// The gateway's id.
    pub refund_ref: String,
    /// Our id as echoed (PayPal `custom_id`/`invoice_id`, GrabPay `partnerTxID`); `None` for a refund made elsewhere.
    pub request_ref: Option<String>,
    /// How much goes back to the shopper.
    pub amount: Money,
    /// The part of its fee that the gateway gave back; `None` where it does not say.
    pub fee_returned: Option<Money>,
    /// What it changed for that, where its balance is in another currency; `None` also where it does not say.
    pub exchanged: Option<Exchanged>,
    /// How it stands.
    pub status: RefundStatus,
    /// When.
    pub at: DateTime<Utc>,
}

/// What a gateway changed within its own balance, in order to take one amount and give another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchanged {
    sold: Money,
    bought: Money,
}

impl Exchanged {
    /// `sold` for `bought`; `None` unless both are above zero and of two currencies.
    pub fn try_new(sold: Money, bought: Money) -> Option<Exchanged> {
        let two = sold.currency() != bought.currency() && sold.is_positive() && bought.is_positive();
        two.then_some(Exchanged { sold, bought })
    }

    /// What left the balance.
    pub fn sold(&self) -> Money {
        self.sold
    }

    /// What came to it.
    pub fn bought(&self) -> Money {
        self.bought
    }
}

/// How a refund stands at the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundStatus {
    /// Under way.
    Pending,
    /// Paid out.
    Succeeded,
    /// Refused for good.
    Failed {
        /// The gateway's code.
        code: String,
    },
    /// The gateway's balance is too small; it may be asked again later.
    AwaitingFunds,
    /// A word this adapter does not know.
    Unknown {
        /// The word.
        raw: String,
    },
}

/// A single fact of money at the gateway, under the gateway's own id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MoneyReport {
    /// A fee charged apart from a capture.
    Fee {
        /// The gateway's id of the charge.
        reference: String,
        /// How much was charged.
        amount: Money,
        /// When.
        at: DateTime<Utc>,
    },
    /// Part of the balance is held back.
    Held {
        /// The gateway's id of the hold.
        reference: String,
        /// How much.
        amount: Money,
        /// The gateway's word: `dispute`, `reserve`, `review`.
        reason: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// A hold ended.
    Released {
        /// The id of the hold.
        reference: String,
        /// How much.
        amount: Money,
        /// As in the hold.
        reason: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// The gateway took captured money back.
    Reversed {
        /// The gateway's id of the reversal.
        reference: String,
        /// How much.
        amount: Money,
        /// When.
        at: DateTime<Utc>,
    },
}
