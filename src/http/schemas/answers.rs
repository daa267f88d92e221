//! Answers whose JSON is written by nouns and flows: payments, refunds, settlement lines, findings, statements.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, Utc};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use crate::domain::disputes::{DisputeState, Evidence};
use crate::domain::fees::{Bearer, Figure};
use crate::domain::findings::{FindingKind, FindingState};
use crate::domain::orders::{Conflict, Customer};
use crate::domain::refunds::RefundLineKind;
use crate::domain::settlement::LineKind;
use crate::domain::splits::{Item, PlatformFee, Share, ShareBase, Split};
use crate::domain::statements::{Party, Side, Totals};
use crate::flows::pay::{CapturedView, FailureView};
use crate::gateways::NextAction;
use crate::ids::{
    DisputeAnswerId, DisputeId, FindingId, PaymentId, QuoteId, RefundId, ReportId, SupplierId, TransactionId,
};
use crate::money::{AllocationPolicy, Currency, Money, Percent};

use super::{
    AnswerOutcomeWord, AnswerWord, DisputeObject, FindingObject, FindingStateWord, Foreign, Metadata,
    PaymentObject, PaymentStateWord, RefundObject, RefundStateWord, ReportSourceWord,
};

/// How much a supplier gets: exactly one of the three.
#[derive(ToSchema)]
#[serde(untagged)]
enum Shares {
    /// This much.
    Fixed { fixed: Figure },
    /// A part of the base.
    Percent {
        percent: Percent,
        /// The base; `net` without it.
        #[schema(nullable = false)]
        of: Option<ShareBase>,
        /// At most.
        cap: Option<Figure>,
        /// At least.
        minimum: Option<Figure>,
    },
    /// What is left.
    Remainder {
        /// `true`.
        remainder: bool,
    },
}

impl PartialSchema for Share {
    fn schema() -> RefOr<Schema> {
        Shares::schema()
    }
}

impl ToSchema for Share {
    fn name() -> Cow<'static, str> {
        "Share".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Shares::schemas(schemas);
    }
}

/// A payment.
#[derive(Debug, ToSchema)]
pub struct Payment {
    id: PaymentId,
    #[schema(inline)]
    object: PaymentObject,
    state: PaymentStateWord,
    /// The merchant's order number.
    order_ref: String,
    /// What is taken.
    amount: Money,
    /// The locked price it came from.
    #[schema(required)]
    quote: Option<QuoteId>,
    /// The gateway.
    gateway: String,
    /// The gateway's method.
    #[schema(required)]
    method: Option<String>,
    /// Our reference, as the gateway knows it.
    gateway_request_ref: String,
    /// The gateway's reference.
    #[schema(required)]
    gateway_ref: Option<String>,
    /// What the shopper does next, while there is something to do.
    #[schema(required)]
    next_action: Option<NextAction>,
    /// The capture.
    #[schema(required)]
    captured: Option<CapturedView>,
    /// How much went back, once something was captured.
    #[schema(required)]
    refunded: Option<Money>,
    /// Captured after the payment had ended.
    late: bool,
    /// Whether a dispute is open.
    disputed: bool,
    /// The disputes about it, decided ones too; in events none.
    disputes: Vec<Dispute>,
    /// Why it failed or was cancelled.
    #[schema(required)]
    failure: Option<FailureView>,
    /// What differs, while a person looks.
    #[schema(required)]
    review: Option<Conflict>,
    /// Who gets what.
    splits: Vec<Split>,
    /// Where the minor units go that rounding leaves over.
    split_policy: AllocationPolicy,
    /// Who bears the gateway's fee, where the payment says.
    #[schema(nullable = false)]
    fee_bearer: Option<Bearer>,
    /// The platform's commission, where the payment says.
    #[schema(nullable = false)]
    platform_fee: Option<PlatformFee>,
    /// What was sold, where the payment says.
    #[schema(nullable = false)]
    items: Option<Vec<Item>>,
    /// The shopper, as far as the shop says.
    customer: Customer,
    /// Where the shopper goes in the end.
    #[schema(required)]
    return_url: Option<String>,
    metadata: Metadata,
    created_at: DateTime<Utc>,
    /// When the gateway lets it lapse.
    expires_at: DateTime<Utc>,
    /// When it last changed.
    updated_at: DateTime<Utc>,
    /// Each report, oldest first; only of one payment, never in lists.
    #[schema(nullable = false)]
    timeline: Option<Vec<PaymentReport>>,
}

/// A dispute.
#[derive(Debug, ToSchema)]
pub struct Dispute {
    id: DisputeId,
    #[schema(inline)]
    object: DisputeObject,
    payment: PaymentId,
    gateway: String,
    /// The gateway's id of it.
    gateway_ref: String,
    /// The capture in dispute.
    capture_ref: String,
    state: DisputeState,
    /// The gateway's own word for that.
    gateway_state: String,
    /// The gateway's word for why.
    reason: String,
    /// The gateway's word for how far it has gone.
    #[schema(required)]
    stage: Option<String>,
    /// What the payer disputes.
    amount: Money,
    /// What the gateway holds of our balance because of it.
    #[schema(required)]
    held: Option<Money>,
    /// What it took and has not given back.
    taken: Money,
    /// What it charged for it and kept, in the disputed currency.
    fee: Money,
    /// Until when it has to be answered, while it is our turn.
    #[schema(required)]
    deadline: Option<DateTime<Utc>>,
    opened_at: DateTime<Utc>,
    /// When it last changed at the gateway.
    updated_at: DateTime<Utc>,
    /// When we heard that it was decided.
    #[schema(required)]
    closed_at: Option<DateTime<Utc>>,
    /// What we said; only of one dispute, never in lists.
    #[schema(nullable = false)]
    answers: Option<Vec<DisputeAnswer>>,
}

/// Something we said in a dispute.
#[derive(Debug, ToSchema)]
struct DisputeAnswer {
    id: DisputeAnswerId,
    #[schema(inline)]
    kind: AnswerWord,
    /// What came of it.
    outcome: AnswerOutcomeWord,
    /// The evidence.
    #[schema(required)]
    evidence: Option<Evidence>,
    /// What was said with an acceptance.
    #[schema(required)]
    note: Option<String>,
    created_at: DateTime<Utc>,
}

/// A report about a payment.
#[derive(Debug, ToSchema)]
struct PaymentReport {
    id: ReportId,
    /// Who said it.
    source: ReportSourceWord,
    /// What was said.
    report: String,
    /// The payment's state after it.
    state: PaymentStateWord,
    /// When it was written down.
    at: DateTime<Utc>,
    /// SHA-256 of what was said, in hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    evidence: String,
    /// What was said, as far as it matters.
    detail: Foreign,
}

/// A refund.
#[derive(Debug, ToSchema)]
pub struct Refund {
    id: RefundId,
    #[schema(inline)]
    object: RefundObject,
    payment: PaymentId,
    #[schema(inline)]
    state: RefundStateWord,
    /// What goes back to the payer.
    amount: Money,
    /// Why.
    reason: String,
    /// Who gives how much of it.
    lines: Vec<RefundLine>,
    /// The gateway's id of it.
    #[schema(required)]
    refund_ref: Option<String>,
    /// The gateway's code, where it failed.
    #[schema(required)]
    failure: Option<String>,
    created_at: DateTime<Utc>,
    /// When it last changed.
    updated_at: DateTime<Utc>,
}

/// One line of a refund.
#[derive(Debug, ToSchema)]
struct RefundLine {
    kind: RefundLineKind,
    /// Who gives it: `platform` or a supplier's id.
    to: String,
    amount: Money,
    /// The settlement's rule that it mirrors.
    rule: String,
    /// Its version: a hash.
    rule_version: String,
    /// The arithmetic.
    #[schema(example = "85.10 × 40.00 / 100.00 = 34.04 of the share")]
    explain: String,
    /// For conversions: what was converted.
    #[schema(nullable = false)]
    from: Option<Money>,
    /// For conversions: units of the new currency for one of the old.
    #[schema(nullable = false, pattern = r"^[0-9]+(\.[0-9]+)?$")]
    rate: Option<String>,
    /// For conversions: the mid rate, where one is known.
    #[schema(nullable = false, pattern = r"^[0-9]+(\.[0-9]+)?$")]
    mid: Option<String>,
    /// For conversions: the difference to mid, in the new currency.
    #[schema(nullable = false)]
    spread: Option<Money>,
}

/// One line of a settlement.
#[derive(Debug, ToSchema)]
pub struct SettlementLine {
    kind: LineKind,
    /// The gateway account, `platform`, or a supplier's id.
    to: String,
    amount: Money,
    /// The rule that says so.
    rule: String,
    /// Its version: a hash.
    rule_version: String,
    /// The arithmetic.
    #[schema(example = "4.4 % × 100.00 + 0.50 = 4.90")]
    explain: String,
    /// For conversions: what was converted.
    #[schema(nullable = false)]
    from: Option<Money>,
    /// For conversions: units of the new currency for one of the old.
    #[schema(nullable = false, pattern = r"^[0-9]+(\.[0-9]+)?$")]
    rate: Option<String>,
    /// For conversions: the mid rate, where one is known.
    #[schema(nullable = false, pattern = r"^[0-9]+(\.[0-9]+)?$")]
    mid: Option<String>,
    /// For conversions: the difference to mid, in the new currency.
    #[schema(nullable = false)]
    spread: Option<Money>,
}

/// Something that does not agree.
#[derive(Debug, ToSchema)]
pub struct Finding {
    id: FindingId,
    #[schema(inline)]
    object: FindingObject,
    kind: FindingKind,
    state: FindingStateWord,
    /// Whether a proposal waits for another user's confirmation.
    needs_second_user: bool,
    /// The gateway account's name, where a gateway is concerned.
    #[schema(required)]
    gateway_account: Option<String>,
    /// The payment it is about, where one is known.
    #[schema(required)]
    payment: Option<String>,
    /// The fact at the gateway: a capture's or refund's reference.
    fact: String,
    /// The money it is about.
    #[schema(required)]
    amount: Option<Money>,
    /// What was seen, in words.
    detail: String,
    /// How far the decision is, and whose.
    decision: FindingState,
    opened_at: DateTime<Utc>,
}

/// A supplier's statement: opening and entries lead to closing.
#[derive(Debug, ToSchema)]
pub struct Statement {
    /// Its number; null where it was not issued.
    #[schema(required)]
    number: Option<i64>,
    issuer: Party,
    holder: Party,
    supplier: SupplierId,
    /// First booking date.
    from: NaiveDate,
    /// Last booking date.
    to: NaiveDate,
    /// The zone of the dates.
    #[schema(example = "Asia/Singapore")]
    zone: String,
    currency: Currency,
    /// The balance before the first entry.
    opening: Money,
    entries: Vec<StatementLine>,
    /// The balance after the last entry; of a page, after the last one on it.
    closing: Money,
    totals: Totals,
    /// Whether more entries lie beyond this page.
    has_more: bool,
    /// The head of the ledger's hash chain when it was read.
    #[schema(required)]
    ledger_head: Option<String>,
    /// Of the CSV that was issued; null where it was not.
    #[schema(required, pattern = "^[0-9a-f]{64}$")]
    sha256: Option<String>,
}

/// One entry of a statement; what it is about stands under its own name.
#[derive(Debug, ToSchema)]
struct StatementLine {
    booked_on: NaiveDate,
    value_date: NaiveDate,
    direction: Side,
    /// Zero or above.
    amount: Money,
    narrative: String,
    /// The ledger's transaction behind it.
    transaction: TransactionId,
    #[schema(nullable = false)]
    payment: Option<PaymentId>,
    #[schema(nullable = false)]
    refund: Option<RefundId>,
    #[schema(nullable = false)]
    payout: Option<String>,
    #[schema(nullable = false)]
    finding: Option<FindingId>,
    /// Anything else it is about.
    #[schema(nullable = false)]
    subject: Option<String>,
    /// The balance after it.
    balance: Money,
}
