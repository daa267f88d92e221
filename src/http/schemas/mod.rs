//! What `/openapi.json` says of values whose shape is not derived: ids, money and figures, words of a closed list, and
//! answers that nouns and flows write by their own hand. A test (`tests/it/openapi.rs`) holds real answers against them.
#![expect(dead_code, reason = "these types describe; nobody makes one")]

mod answers;
mod certificate;
mod office;
mod payouts;
mod schedules;
mod withholding;

use std::borrow::Cow;

use serde_json::json;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::country::Country;
use crate::domain::deposits::{DepositState, LineState};
use crate::domain::fees::Figure;
use crate::domain::orders::PaymentState;
use crate::domain::payouts::PlanState;
use crate::domain::statements::{Dates, Form};
use crate::domain::treasury::{RunOutcome, ScheduleState};
use crate::domain::webhooks::{EVENT_GROUPS, EVENT_TYPES};
use crate::ids::{
    AuditId, BankAccountId, BankLineId, BankStatementId, DisputeAnswerId, DisputeId, EventId, FeeChargeId,
    FindingId, FixedPriceId, FxDealId, GatewaySettlementId, Id, JournalId, KeyId, PaymentId, PayoutBatchId,
    PayoutId, PayoutScheduleId, PeriodId, PlanId, QuoteId, RailAccountId, ReconciliationId, RefundId,
    RemittanceId, ReportId, RequestId, SettlementId, StatementId, SupplierAccountId, SupplierId,
    TransactionId, UserId, WebhookDeliveryId, WebhookEndpointId,
};
use crate::money::{Currency, Money, Percent};

pub use answers::{Dispute, Finding, Payment, Refund, SettlementLine, Statement};
pub use certificate::PlanCertificate;
pub use office::{IssuedStatement, Journal, Period};
pub use payouts::{ApproverLimit, Payout, PayoutDetail, PayoutPlan, PayoutPlanSummary, PayoutTerms};
pub use schedules::{PayoutSchedule, PayoutScheduleDetail, PayoutSchedulePreview};
pub use withholding::{WithholdingCertificate, WithholdingRemittance, WithholdingRemittanceSummary};

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
    Country "SG" "^[A-Z]{2}$" "A country of ISO 3166, alpha-2.";
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
    AuditId BankAccountId BankLineId BankStatementId DisputeAnswerId DisputeId EventId FeeChargeId FindingId FixedPriceId
    FxDealId GatewaySettlementId JournalId KeyId PaymentId PayoutBatchId PayoutId PayoutScheduleId PeriodId PlanId QuoteId RailAccountId ReconciliationId RefundId RemittanceId
    ReportId RequestId SettlementId StatementId SupplierAccountId SupplierId TransactionId UserId
    WebhookDeliveryId WebhookEndpointId
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
    /// Which disputes: `open` for all that are not decided.
    DisputeFilterWord ["open", "needs_response", "under_review", "won", "lost", "accepted", "paid_by_gateway"];
    /// What was said in a dispute.
    AnswerWord ["evidence", "accept"];
    /// What came of what was said in a dispute.
    AnswerOutcomeWord ["open", "done", "refused", "not_sent", "unknown"];
    /// Where a journal stands.
    JournalStateWord ["draft", "booked", "rejected"];
    /// From which template a journal was made.
    TemplateWord ["lines", "top_up", "allowance", "write_off", "recovery", "reversal"];
    /// `journal`.
    JournalObject ["journal"];
    /// Where the closing of a period stands; `superseded`: a later day was closed before anybody confirmed it.
    PeriodStateWord ["proposed", "closed", "superseded"];
    /// `period`.
    PeriodObject ["period"];
    /// `statement`.
    StatementObject ["statement"];
    /// Which date rules a trial balance.
    DateWord ["booked", "value"];
    /// `dispute`.
    DisputeObject ["dispute"];
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
    StatementFormat Form::WORDS;
    /// How dates are written.
    DatesWord Dates::WORDS;
    /// Whether it is told anything.
    WebhookEndpointStateWord ["enabled", "disabled", "deleted"];
    /// Why it is disabled.
    WebhookReasonWord ["asked", "gone", "failing"];
    /// How far a delivery is.
    WebhookDeliveryStateWord ["pending", "delivered", "failed"];
    /// An event, or all of a group.
    EventFilterWord event_filters();
    /// `event`.
    EventObject ["event"];
    /// `webhook_endpoint`.
    WebhookEndpointObject ["webhook_endpoint"];
    /// `webhook_delivery`.
    WebhookDeliveryObject ["webhook_delivery"];
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
    /// `bank_account`.
    BankAccountObject ["bank_account"];
    /// `bank_statement`.
    BankStatementObject ["bank_statement"];
    /// Whether all lines of a bank's statement are taken.
    BankStatementState ["complete", "incomplete"];
    /// How a bank's file is written.
    BankStatementFormat ["camt053", "camt054", "mt940", "csv"];
    /// What came of a bank's line.
    LineStateWord LineState::WORDS;
    /// `gateway_settlement`.
    GatewaySettlementObject ["gateway_settlement"];
    /// `fee_charge`.
    FeeChargeObject ["fee_charge"];
    /// Where a payout's money is.
    DepositStateWord DepositState::WORDS;
    /// How far a plan of payouts is.
    PlanStateWord PlanState::WORDS;
    /// `payout_plan`.
    PlanObject ["payout_plan"];
    /// Whether a schedule runs.
    ScheduleStateWord ScheduleState::WORDS;
    /// `payout_schedule`.
    ScheduleObject ["payout_schedule"];
    /// `payout_schedule_preview`.
    SchedulePreviewObject ["payout_schedule_preview"];
    /// What becomes of a date.
    ScheduleDateWord ["planned", "moved", "skipped"];
    /// What came of a date.
    ScheduleRunWord RunOutcome::WORDS;
    /// How a payout stands.
    PayoutStateWord ["held", "sent", "unknown", "paid", "unclaimed", "failed", "returned"];
    /// `payout`.
    PayoutObject ["payout"];
    /// What came of a call to a rail.
    OutcomeWord ["open", "done", "refused", "unknown"];
    /// `payout_terms`.
    PayoutTermsObject ["payout_terms"];
    /// `approver_limit`.
    ApproverLimitObject ["approver_limit"];
    /// `fx_deal`.
    FxDealObject ["fx_deal"];
    /// How a deal chose what it closed.
    MethodWord ["fifo", "named"];
    /// How lots are closed: the oldest first, unless a deal names what it covers.
    FxMethodWord ["fifo_or_named"];
    /// Who changed the money: we with a supplier, a bank, a gateway.
    ConversionKindWord ["internal", "market", "gateway"];
    /// `rail_account`.
    RailAccountObject ["rail_account"];
    /// `key`.
    KeyObject ["key"];
    /// `fixed_price`.
    FixedPriceObject ["fixed_price"];
    /// `withholding_certificate`.
    CertificateObject ["withholding_certificate"];
    /// `withholding_remittance`.
    RemittanceObject ["withholding_remittance"];
    /// How far a payment to an authority is.
    RemittanceStateWord ["proposed", "booked", "returned", "rejected"];
    /// `price_embed`.
    EmbedObject ["price_embed"];
}

fn event_filters() -> Vec<String> {
    let groups = EVENT_GROUPS.iter().map(|group| format!("{group}.*"));
    EVENT_TYPES.iter().map(ToString::to_string).chain(groups).collect()
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
