//! A plan's certificate, as `straits plan check` reads it. Whole numbers are texts: minor units of the currency that stands
//! beside them, costs in units of which a minor unit of `home` has 10^9.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::treasury::{Bearer, FeeBase};
use crate::money::{Currency, Rounding};

/// What proves a plan: lowest cost under the dated route table in it, bound and gap stated.
#[derive(Debug, ToSchema)]
pub struct PlanCertificate {
    /// SHA-256 of the body as it is written here, without blanks between tokens.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    digest: String,
    body: CertificateBody,
}

/// What is recomputed.
#[derive(Debug, ToSchema)]
pub struct CertificateBody {
    #[schema(example = "straits-plan-certificate-6")]
    format: String,
    /// The planner's hash of the plan, as in the plan's `proof`.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    plan: String,
    at: DateTime<Utc>,
    /// Version of the route table.
    table: String,
    /// What costs are stated in.
    home: Currency,
    /// Cost units of one minor unit of it.
    units: String,
    /// What leaving a supplier unpaid counts, above any cost.
    unpaid: String,
    /// Decimals by currency.
    exponents: BTreeMap<String, u32>,
    /// Frozen rates by currency: units of `home` for one.
    mids: BTreeMap<String, String>,
    routes: Vec<CertificateRoute>,
    parts: Vec<CertificatePart>,
    cost: String,
    bound: String,
    gap: String,
}

/// A route's tariff: figures in minor units of the source currency, item limits in the target currency's.
#[derive(Debug, ToSchema)]
pub struct CertificateRoute {
    name: String,
    source: Currency,
    target: Currency,
    fixed: String,
    percent: String,
    #[schema(required)]
    minimum: Option<String>,
    #[schema(required)]
    cap: Option<String>,
    rounding: Rounding,
    fee_of: FeeBase,
    bearer: Bearer,
    lifting: String,
    spread_bps: u32,
    minimum_item: String,
    #[schema(required)]
    maximum_item: Option<String>,
    /// What every item is a whole multiple of.
    step: String,
    #[schema(required)]
    batch_size: Option<u32>,
    batch_fee: String,
    bands: Vec<CertificateBand>,
    /// The first day on which it takes items.
    from: NaiveDate,
    /// The last one.
    #[schema(required)]
    until: Option<NaiveDate>,
}

/// Figures from an amount on.
#[derive(Debug, ToSchema)]
pub struct CertificateBand {
    from: String,
    fixed: String,
    percent: String,
}

/// Suppliers that share money or batches, and the proof of their part.
#[derive(Debug, ToSchema)]
pub struct CertificatePart {
    resources: Vec<CertificateResource>,
    suppliers: Vec<CertificateSupplier>,
    /// A tree whose leaves cover every plan.
    nodes: Vec<CertificateNode>,
    /// What one more minor unit, or one more item of a batch, would save.
    prices: Vec<String>,
    root: String,
    cost: String,
    bound: String,
}

/// What suppliers share.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum CertificateResource {
    /// Money.
    Account { name: String, currency: Currency, available: String, top_ups: Vec<CertificateTopUp> },
    /// Batches with a fee: of one route, out of one account of the part, over one rail account.
    Batches { route: u64, account: u64, through: Option<String> },
    /// How many suppliers draw on an account.
    Heads { account: u64 },
    /// How many suppliers of a currency are left unpaid.
    Unpaid { currency: Currency },
}

/// A way to add money.
#[derive(Debug, Serialize, ToSchema)]
pub struct CertificateTopUp {
    fixed: String,
    spread_bps: u32,
    limit: String,
}

/// One supplier in one currency.
#[derive(Debug, ToSchema)]
pub struct CertificateSupplier {
    supplier: String,
    currency: Currency,
    net: String,
    /// What its later part costs, where waiting was allowed.
    later: String,
    /// Where its terms override the routes'.
    bearer: Option<Bearer>,
    /// The rail account that its terms name.
    through: Option<String>,
    alternatives: Vec<CertificateAlternative>,
    /// The place of the one that was taken.
    chosen: u64,
}

/// One way to pay it, or the last: not to.
#[derive(Debug, ToSchema)]
pub struct CertificateAlternative {
    /// The place of its route.
    #[schema(required)]
    route: Option<u64>,
    /// Which of its accounts is paid, where it has several.
    payee: Option<String>,
    /// The place of the paying account among the part's resources.
    account: Option<u64>,
    /// Until when it would wait.
    waits: Option<NaiveDate>,
    /// What it would pay then.
    all: Option<String>,
    /// The day on which the route takes it.
    instructed: Option<NaiveDate>,
    /// Rows of how many items and how much each is.
    #[schema(value_type = Vec<Vec<CountOrAmount>>)]
    items: Vec<Vec<CountOrAmount>>,
    fee: String,
    debit: String,
    cost: String,
    /// What took it out before any price was compared.
    #[schema(example = "other_country")]
    ruled_out: Option<String>,
    /// `dearer`, or `dearer_at_prices` where only scarcity makes it so.
    not_taken: Option<String>,
}

/// How many, or how much.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum CountOrAmount {
    /// How many.
    Count(u32),
    /// How much each.
    Amount(String),
}

/// A node of the proof.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum CertificateNode {
    /// Divided by how a resource is had.
    Modes { resource: u64, at: u64, low: u64, high: u64 },
    /// Divided by whether a supplier takes an alternative.
    Choice { supplier: u64, choice: u64, take: u64, leave: u64 },
    /// Currencies apart, at prices of what they share.
    Apart { prices: BTreeMap<String, String>, blocks: BTreeMap<String, u64>, bound: String },
    /// Prices that prove a bound.
    Leaf { prices: Vec<String>, bound: String, at_least: Option<String> },
}
