//! A run and what it found, as the API answers them and as they are stored.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::reconciliation::{BillLine, Fact, FeeSums, FeeTerms, Grade, NotLearned};
use crate::ids::{FindingId, PaymentId, ReconciliationId};
use crate::money::{Currency, Money};
use crate::store::reconciliations::{Run, RunItem};

/// A run of a bill against the books.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunView {
    id: ReconciliationId,
    /// `reconciliation`.
    object: &'static str,
    /// The gateway.
    gateway: String,
    /// The account at it.
    gateway_account: String,
    /// `pull`: the gateway was asked; `file`: a person brought it.
    source: String,
    /// `running`, `done` or `failed`.
    state: String,
    /// The first day of the bill, in the gateway's zone.
    #[schema(required)]
    first_day: Option<NaiveDate>,
    /// The last.
    #[schema(required)]
    last_day: Option<NaiveDate>,
    /// Why it failed.
    #[schema(required)]
    detail: Option<String>,
    /// SHA-256 of a file.
    #[schema(required)]
    bill_sha256: Option<String>,
    /// Lines read.
    lines: i64,
    /// Lines that agree.
    matched: i64,
    /// Differences repaired.
    repaired: i64,
    /// Differences that wait.
    open: i64,
    /// How many of each kind.
    by_kind: BTreeMap<String, i64>,
    /// What the gateway charged in the months of the bill's days, by all bills of them read until this one.
    fees: Vec<LearnedFee>,
    /// Whether it only lists what differs: all of it is `open`, nobody was asked and nothing was booked.
    dry_run: bool,
    started_at: DateTime<Utc>,
    #[schema(required)]
    ended_at: Option<DateTime<Utc>>,
}

/// What a gateway charged for the payments of one month, currency and method under one contract, by the bills read so
/// far. `charged` is `agreed` and `rounding` and `drift` together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LearnedFee {
    /// In the gateway's zone: `2026-11`.
    #[schema(example = "2026-11")]
    pub(super) month: String,
    currency: Currency,
    /// The gateway's method; `unknown` where our record of the payment names none, or no payment here is meant.
    method: String,
    /// Payments it was learned from.
    payments: i64,
    /// What the fee rules come to; `null` where none applies.
    #[schema(required)]
    contract: Option<FeeTermsView>,
    /// What the payments' fees come to, by least squares; `null` where that cannot be told.
    #[schema(required)]
    pub(super) learned: Option<FeeTermsView>,
    /// Why it cannot.
    #[schema(required)]
    not_learned: Option<NotLearned>,
    /// All of it, without tax.
    charged: Money,
    /// What the contract says of the same payments.
    agreed: Money,
    /// Charged less agreed where only a minor unit was rounded otherwise.
    rounding: Money,
    /// Payments of which that is so.
    rounded_payments: i64,
    /// Charged less agreed of every other payment that differs.
    pub(super) drift: Money,
    /// How many those are.
    drifting_payments: i64,
    /// The first 20 of them, by the gateway's reference.
    drifting: Vec<String>,
    /// The finding, once five payments drift.
    #[schema(required)]
    pub(super) finding: Option<FindingId>,
}

/// A percentage and a fixed part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = FeeTerms)]
pub struct FeeTermsView {
    /// Of the gross.
    #[schema(example = "4.4")]
    pub(super) percent: String,
    /// In the currency, beside the percentage.
    #[schema(example = "0.5")]
    pub(super) fixed: String,
}

/// One thing a run found, with its evidence and the repair made or proposed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ItemView {
    /// `reconciliation_finding`.
    object: &'static str,
    /// Its place in the run, from 1; what `starting_after` takes.
    position: i64,
    /// What does not agree.
    kind: String,
    /// How sure the repair is.
    grade: Grade,
    /// The finding that waits for a decision.
    #[schema(required)]
    finding: Option<FindingId>,
    /// Why, and what was done.
    evidence: Evidence,
}

/// Why, and what was done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = BillEvidence)]
pub struct Evidence {
    /// What the bill says.
    #[schema(required)]
    pub(super) line: Option<LineView>,
    /// What the books have.
    #[schema(required)]
    pub(super) booked: Option<BookedView>,
    /// The payment it is about.
    #[schema(required)]
    pub(super) payment: Option<PaymentId>,
    /// `reference` or `content`.
    #[schema(required)]
    pub(super) matched_by: Option<String>,
    /// What the gateway answered when it was asked.
    #[schema(required)]
    pub(super) query: Option<String>,
    /// SHA-256 of that answer's body as it came.
    #[serde(default)]
    #[schema(required)]
    pub(super) query_sha256: Option<String>,
    /// SHA-256 of the body of every notice of the gateway that was heard about the payment, in the order of the timeline.
    #[serde(default)]
    pub(super) notices: Vec<String>,
    /// What was done.
    #[schema(required)]
    pub(super) repair: Option<String>,
}

/// A line of a bill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LineView {
    gateway_ref: String,
    #[schema(required)]
    related_ref: Option<String>,
    #[schema(required)]
    our_ref: Option<String>,
    kind: String,
    gross: Money,
    fee: Money,
    tax: Money,
    net: Money,
    at: DateTime<Utc>,
    account: String,
    /// Of the line's bytes as the gateway wrote them.
    sha256: String,
}

/// What the books have of a movement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BookedView {
    gross: Money,
    /// `null` where it is accrued by contract.
    #[schema(required)]
    fee: Option<Money>,
    at: DateTime<Utc>,
    /// The ledger's transaction.
    transaction_number: i64,
}

impl RunView {
    /// The answer of the API.
    pub fn of(run: &Run) -> RunView {
        let (first_day, last_day) = run.days.unzip();
        RunView {
            id: run.id,
            object: "reconciliation",
            gateway: run.gateway.clone(),
            gateway_account: run.account_name.clone(),
            source: run.source.clone(),
            state: run.state.clone(),
            first_day,
            last_day,
            detail: run.detail.clone(),
            bill_sha256: run.bill_sha256.clone(),
            lines: run.lines,
            matched: run.matched,
            repaired: run.repaired,
            open: run.open,
            by_kind: serde_json::from_str(&run.by_kind).unwrap_or_default(),
            fees: serde_json::from_str(&run.drift).unwrap_or_default(),
            dry_run: run.dry_run,
            started_at: run.started_at,
            ended_at: run.ended_at,
        }
    }

    /// Its id, for paging.
    pub fn id(&self) -> ReconciliationId {
        self.id
    }
}

impl ItemView {
    /// The answer of the API.
    pub fn of(item: &RunItem) -> ItemView {
        let grades = [Grade::Automatic, Grade::Flagged, Grade::Waits, Grade::Listed];
        ItemView {
            object: "reconciliation_finding",
            position: item.position,
            kind: item.kind.clone(),
            grade: grades.into_iter().find(|grade| grade.as_str() == item.grade).unwrap_or(Grade::Waits),
            finding: item.finding.as_deref().and_then(|id| id.parse().ok()),
            evidence: serde_json::from_str(&item.body).unwrap_or_default(),
        }
    }
}

impl From<&BillLine> for LineView {
    fn from(line: &BillLine) -> LineView {
        LineView {
            gateway_ref: line.gateway_ref.clone(),
            related_ref: line.related_ref.clone(),
            our_ref: line.our_ref.clone(),
            kind: line.kind.as_str().to_owned(),
            gross: line.gross,
            fee: line.fee,
            tax: line.tax,
            net: line.net(),
            at: line.at,
            account: line.account.clone(),
            sha256: line.hash.to_string(),
        }
    }
}

impl From<&Fact> for BookedView {
    fn from(fact: &Fact) -> BookedView {
        BookedView {
            gross: fact.gross,
            fee: fact.fee.map(|fee| Money::from_minor(fee, fact.gross.currency())),
            at: fact.at,
            transaction_number: fact.number,
        }
    }
}

impl LearnedFee {
    pub(super) fn of(currency: Currency, month: &str, terms: &FeeTerms, sums: &FeeSums) -> LearnedFee {
        let decimal = |value: i64, decimals: u32| Decimal::new(value, decimals).normalize().to_string();
        let whole = |value: i128| i64::try_from(value).unwrap_or(i64::MAX);
        let money = |value: i128| Money::from_minor(whole(value), currency);
        // Without a contract nothing differs from one.
        let beside = |value: i128| if terms.contract.is_some() { value } else { 0 };
        let learned = sums.learned();
        LearnedFee {
            month: month.to_owned(),
            currency,
            method: terms.method.clone(),
            payments: whole(sums.lines),
            contract: terms.contract.map(|contract| FeeTermsView {
                percent: contract.percent.to_string(),
                fixed: contract.fixed.to_string(),
            }),
            learned: learned.ok().map(|learned| FeeTermsView {
                percent: decimal(learned.percent_millionths, 4),
                fixed: decimal(learned.fixed_tenths, currency.exponent() + 1),
            }),
            not_learned: learned.err(),
            charged: money(sums.charged),
            agreed: money(if terms.contract.is_some() { sums.agreed } else { sums.charged }),
            rounding: money(beside(sums.rounding)),
            rounded_payments: whole(beside(sums.rounded)),
            drift: money(beside(sums.drift)),
            drifting_payments: whole(beside(sums.drifting)),
            drifting: if terms.contract.is_some() { sums.references.clone() } else { vec![] },
            finding: None,
        }
    }
}
