//! Answers about payouts: plans, payouts, terms, limits.

use chrono::{DateTime, Utc};
use utoipa::ToSchema;

use crate::domain::payouts::{
    Excluded, FaultFound, FeeBearer, FundingNeed, HoldCode, Line, Pot, Proof, Reserve, SetOffConsent, Total,
};
use crate::domain::treasury::Netted;
use crate::domain::withholding::SupplierClass;
use crate::ids::{
    PayoutBatchId, PayoutId, PayoutScheduleId, PlanId, RailAccountId, SupplierAccountId, SupplierId, UserId,
};
use crate::money::{Currency, Money, Percent};

use super::{
    ApproverLimitObject, OutcomeWord, PayoutObject, PayoutStateWord, PayoutTermsObject, PlanObject,
    PlanStateWord,
};

/// A plan of payouts, without its lines.
#[derive(Debug, ToSchema)]
pub struct PayoutPlanSummary {
    id: PlanId,
    #[schema(inline)]
    object: PlanObject,
    state: PlanStateWord,
    /// SHA-256 of its content: what an approval is of.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    hash: String,
    /// The moment it is of.
    as_of: DateTime<Utc>,
    /// How many it pays.
    payouts: i64,
    /// By currency.
    totals: Vec<Total>,
    /// Everybody who gave it its content; none of them approves it.
    made_by: Vec<UserId>,
    #[schema(required)]
    submitted_by: Option<UserId>,
    #[schema(required)]
    approved_by: Option<UserId>,
    #[schema(required)]
    approved_at: Option<DateTime<Utc>>,
    /// Who rejected, cancelled or stopped it.
    #[schema(required)]
    ended_by: Option<UserId>,
    /// Why it was rejected.
    #[schema(required)]
    reason: Option<String>,
    /// The schedule that drafted it, where no person did.
    #[schema(required)]
    schedule: Option<PayoutScheduleId>,
    created_at: DateTime<Utc>,
}

/// A plan of payouts.
#[derive(Debug, ToSchema)]
pub struct PayoutPlan {
    id: PlanId,
    #[schema(inline)]
    object: PlanObject,
    state: PlanStateWord,
    /// SHA-256 of its content: what an approval is of.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    hash: String,
    /// The moment it is of.
    as_of: DateTime<Utc>,
    /// How many it pays.
    payouts: i64,
    /// By currency.
    totals: Vec<Total>,
    /// Everybody who gave it its content; none of them approves it.
    made_by: Vec<UserId>,
    #[schema(required)]
    submitted_by: Option<UserId>,
    #[schema(required)]
    approved_by: Option<UserId>,
    #[schema(required)]
    approved_at: Option<DateTime<Utc>>,
    /// Who rejected, cancelled or stopped it.
    #[schema(required)]
    ended_by: Option<UserId>,
    /// Why it was rejected.
    #[schema(required)]
    reason: Option<String>,
    /// The schedule that drafted it, where no person did.
    #[schema(required)]
    schedule: Option<PayoutScheduleId>,
    created_at: DateTime<Utc>,
    /// What is paid.
    lines: Vec<Line>,
    /// What is not, and why.
    excluded: Vec<Excluded>,
    /// What has to lie on each paying account, what is missing there, and by when.
    funding: Vec<FundingNeed>,
    /// The money behind the paying accounts as the content has it: with it, the content can be put together and hashed anew.
    pots: Vec<Pot>,
    proof: Proof,
    /// The merchant's own positions by currency, set against each other before anything is bought.
    netting: Vec<Netted>,
    progress: PlanProgress,
}

/// How many payouts are in each state.
#[derive(Debug, ToSchema)]
pub struct PlanProgress {
    /// Not yet written down.
    waiting: i64,
    held: i64,
    sent: i64,
    unknown: i64,
    paid: i64,
    unclaimed: i64,
    failed: i64,
    returned: i64,
}

/// A payout.
#[derive(Debug, ToSchema)]
pub struct Payout {
    /// Also the rail's key of it.
    id: PayoutId,
    #[schema(inline)]
    object: PayoutObject,
    state: PayoutStateWord,
    plan: PlanId,
    supplier: SupplierId,
    account: SupplierAccountId,
    rail_account: RailAccountId,
    /// What is to reach the payee.
    amount: Money,
    /// The fee inside its balance.
    fee_inside: Money,
    /// What left the paying account, also once it came back.
    #[schema(required)]
    debited: Option<Money>,
    /// What the payee got, where that is not `amount`.
    #[schema(required)]
    reached: Option<Money>,
    /// What came back.
    #[schema(required)]
    returned: Option<Money>,
    /// By whose fault it came back short, as users said; null: the supplier's, which has what arrived.
    #[schema(required)]
    fault: Option<FaultFound>,
    /// What the rail charged so far.
    #[schema(required)]
    charged: Option<Money>,
    /// Why it failed.
    #[schema(required)]
    code: Option<String>,
    /// In words.
    #[schema(required)]
    reason: Option<String>,
    /// When the rail says it happened.
    #[schema(required)]
    at: Option<DateTime<Utc>>,
    #[schema(required)]
    purpose: Option<String>,
    #[schema(required)]
    rail_reference: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// A payout with the call it went out with.
#[derive(Debug, ToSchema)]
pub struct PayoutDetail {
    /// Also the rail's key of it.
    id: PayoutId,
    #[schema(inline)]
    object: PayoutObject,
    state: PayoutStateWord,
    plan: PlanId,
    supplier: SupplierId,
    account: SupplierAccountId,
    rail_account: RailAccountId,
    /// What is to reach the payee.
    amount: Money,
    /// The fee inside its balance.
    fee_inside: Money,
    /// What left the paying account, also once it came back.
    #[schema(required)]
    debited: Option<Money>,
    /// What the payee got, where that is not `amount`.
    #[schema(required)]
    reached: Option<Money>,
    /// What came back.
    #[schema(required)]
    returned: Option<Money>,
    /// By whose fault it came back short, as users said; null: the supplier's, which has what arrived.
    #[schema(required)]
    fault: Option<FaultFound>,
    /// What the rail charged so far.
    #[schema(required)]
    charged: Option<Money>,
    /// Why it failed.
    #[schema(required)]
    code: Option<String>,
    /// In words.
    #[schema(required)]
    reason: Option<String>,
    /// When the rail says it happened.
    #[schema(required)]
    at: Option<DateTime<Utc>>,
    #[schema(required)]
    purpose: Option<String>,
    #[schema(required)]
    rail_reference: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    attempts: PayoutAttempts,
}

/// The call a payout went out with.
#[derive(Debug, ToSchema)]
pub struct PayoutAttempts {
    /// How often the call was made; never again while its outcome is unknown.
    sent: i64,
    outcome: OutcomeWord,
    /// The rail's words.
    #[schema(required)]
    detail: Option<String>,
    /// The reference sent to the rail.
    reference: PayoutBatchId,
    /// The rail's id of the call.
    #[schema(required)]
    rail_reference: Option<String>,
    /// When the rail was last asked.
    #[schema(required)]
    asked_at: Option<DateTime<Utc>>,
}

/// On what terms a supplier is paid out.
#[derive(Debug, ToSchema)]
pub struct PayoutTerms {
    #[schema(inline)]
    object: PayoutTermsObject,
    supplier: SupplierId,
    holds: Vec<PayoutHold>,
    #[schema(required)]
    known: Option<KnownSupplier>,
    #[schema(required)]
    reserve: Option<Reserve>,
    #[schema(required)]
    debt_cap: Option<Percent>,
    /// The supplier's word that debts in other currencies are set off too.
    #[schema(required)]
    set_off: Option<SetOffConsent>,
    #[schema(required)]
    rail_account: Option<RailAccountId>,
    #[schema(required)]
    fee_bearer: Option<FeeBearer>,
    minimum: Vec<Money>,
    #[schema(required)]
    purpose: Option<String>,
    #[schema(required)]
    town: Option<String>,
    #[schema(required)]
    tax_class: Option<SupplierClass>,
    /// The contract's payment term.
    #[schema(required)]
    payment_term_days: Option<u16>,
}

/// A hold on payouts.
#[derive(Debug, ToSchema)]
pub struct PayoutHold {
    code: HoldCode,
    /// Of one currency, or all.
    #[schema(required)]
    currency: Option<Currency>,
    note: String,
    by: UserId,
    at: DateTime<Utc>,
}

/// Whose papers were looked at.
#[derive(Debug, ToSchema)]
pub struct KnownSupplier {
    by: UserId,
    at: DateTime<Utc>,
    /// When they lapse.
    #[schema(required)]
    until: Option<DateTime<Utc>>,
}

/// What a user may approve.
#[derive(Debug, ToSchema)]
pub struct ApproverLimit {
    #[schema(inline)]
    object: ApproverLimitObject,
    user: UserId,
    /// Of one plan, by currency; other currencies are none that the user may approve.
    limits: Vec<Money>,
}
