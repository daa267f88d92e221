//! What `/openapi.json` says of values whose shape is not derived: ids, money and figures, words of a closed list, and
//! answers that nouns and flows write by their own hand. A test (`tests/it/openapi.rs`) holds real answers against them.
#![expect(dead_code, reason = "these types describe; nobody makes one")]

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::json;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::fees::{Bearer, Figure};
use crate::domain::findings::{FindingKind, FindingState};
use crate::domain::orders::{Conflict, Customer, PaymentState};
use crate::domain::refunds::RefundLineKind;
use crate::domain::settlement::LineKind;
use crate::domain::splits::{Item, PlatformFee, Share, ShareBase, Split};
use crate::domain::statements::Side;
use crate::flows::pay::{CapturedView, FailureView};
use crate::gateways::NextAction;
use crate::ids::{
    AuditId, FindingId, Id, KeyId, PaymentId, QuoteId, RefundId, ReportId, RequestId, SettlementId,
    SupplierAccountId, SupplierId, TransactionId, UserId,
};
use crate::money::{AllocationPolicy, Currency, Money, Percent};

fn schema(object: ObjectBuilder) -> RefOr<Schema> {
    RefOr::T(Schema::Object(object.build()))
}

/// A text of a certain form.
pub(super) fn text(example: &str, pattern: &str, words: &str) -> RefOr<Schema> {
    schema(
        ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::String))
            .pattern(Some(pattern))
            .examples([json!(example)])
            .description(Some(words)),
    )
}

macro_rules! texts {
    ($($type:ident $example:literal $pattern:literal $words:literal;)*) => {$(
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> { text($example, $pattern, $words) }
        }
        impl ToSchema for $type {
            fn name() -> Cow<'static, str> { stringify!($type).into() }
        }
    )*};
}

texts! {
    Currency "SGD" "^[A-Z]{3}$" "An alphabetic code of ISO 4217.";
    Percent "12.5" r"^[0-9]+(\.[0-9]+)?$" "Percent, 0 to 1000, at most 8 decimals.";
    Figure "10.00" r"^[0-9]+(\.[0-9]+)?$" "A decimal of the payment's currency, zero or above.";
}

macro_rules! ids {
    ($($type:ident)*) => {$(
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                let example = $type::from_bits(0x019a_c8e0_0000_7000_8000_0000_0000_0001).to_string();
                let pattern = format!("^{}_[0-9a-hjkmnp-tv-z]{{26}}$", $type::PREFIX);
                text(&example, &pattern, "An id as it was answered.")
            }
        }
        impl ToSchema for $type {
            fn name() -> Cow<'static, str> { stringify!($type).into() }
        }
    )*};
}

ids! {
    AuditId FindingId KeyId PaymentId QuoteId RefundId ReportId RequestId SettlementId SupplierAccountId SupplierId
    TransactionId UserId
}

macro_rules! words {
    ($($(#[$doc:meta])* $type:ident $words:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $type {}
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                schema(ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).enum_values(Some($words)))
            }
        }
        impl ToSchema for $type {
            fn name() -> Cow<'static, str> { stringify!($type).into() }
        }
    )*};
}

words! {
    /// Where a payment stands.
    PaymentStateWord PaymentState::WORDS;
    /// Where a refund stands.
    RefundStateWord ["pending", "awaiting_funds", "succeeded", "failed"];
    /// How far a finding is.
    FindingStateWord ["open", "proposed", "resolved"];
    /// Who reported.
    ReportSourceWord ["callback", "return", "poll", "call", "bill", "operator"];
    /// `pk` for browsers, `sk` for servers.
    KeyKindWord ["pk", "sk"];
    /// Sandbox mode is `test`.
    EnvironmentWord ["test", "live"];
    /// A side of an account.
    DirectionWord ["debit", "credit"];
    /// A layer of the books.
    LayerWord ["pending", "posted"];
    /// A statement's form.
    StatementFormat ["json", "csv"];
    /// `list`.
    ListObject ["list"];
    /// `payment`.
    PaymentObject ["payment"];
    /// `refund`.
    RefundObject ["refund"];
    /// `finding`.
    FindingObject ["finding"];
    /// `settlement`.
    SettlementObject ["settlement"];
    /// `transaction`.
    TransactionObject ["transaction"];
    /// `supplier`.
    SupplierObject ["supplier"];
    /// `supplier_account`.
    AccountObject ["supplier_account"];
    /// `key`.
    KeyObject ["key"];
}

impl PartialSchema for Money {
    fn schema() -> RefOr<Schema> {
        let amount = text(
            "12.34",
            r"^-?[0-9]+(\.[0-9]+)?$",
            "A decimal as a string, with exactly the currency's decimals of ISO 4217.",
        );
        schema(
            ObjectBuilder::new()
                .property("amount", amount)
                .required("amount")
                .property("currency", Ref::from_schema_name("Currency"))
                .required("currency")
                .additional_properties(Some(AdditionalProperties::FreeForm(false)))
                .examples([json!({"amount": "12.34", "currency": "SGD"})]),
        )
    }
}

impl ToSchema for Money {
    fn name() -> Cow<'static, str> {
        "Money".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push(("Currency".to_owned(), Currency::schema()));
    }
}

/// A document of somebody else's: its members are not ours to describe.
#[derive(Debug)]
pub enum Foreign {}

impl PartialSchema for Foreign {
    fn schema() -> RefOr<Schema> {
        let words = "A JSON object of somebody else's making: its members are not ours to describe.";
        schema(
            ObjectBuilder::new()
                .description(Some(words))
                .additional_properties(Some(AdditionalProperties::FreeForm(true))),
        )
    }
}

impl ToSchema for Foreign {
    fn name() -> Cow<'static, str> {
        "Foreign".into()
    }
}

/// The merchant's own notes.
#[derive(Debug)]
pub enum Metadata {}

impl PartialSchema for Metadata {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).max_length(Some(500));
        let words = "At most 50 texts of at most 500 characters, under names of at most 40.";
        schema(
            ObjectBuilder::new()
                .description(Some(words))
                .max_properties(Some(50))
                .additional_properties(Some(Schema::Object(text.build())))
                .examples([json!({"cart": "c-7"})]),
        )
    }
}

impl ToSchema for Metadata {
    fn name() -> Cow<'static, str> {
        "Metadata".into()
    }
}

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
    /// The disputes, as the gateway tells them.
    disputes: Vec<Foreign>,
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
    /// In words.
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
    /// The gateway account's name.
    gateway_account: String,
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
    /// The balance after the last entry.
    closing: Money,
    /// Whether more entries lie beyond this page.
    has_more: bool,
    /// The head of the ledger's hash chain when it was read.
    #[schema(required)]
    ledger_head: Option<String>,
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
