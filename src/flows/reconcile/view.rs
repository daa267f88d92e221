//! A run and what it found, as the API answers them and as they are stored.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::reconciliation::{BillLine, Fact, FeeSums, Grade};
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
    /// What the gateway charged, learned from the bill's payments.
    fees: Vec<LearnedFee>,
    started_at: DateTime<Utc>,
    #[schema(required)]
    ended_at: Option<DateTime<Utc>>,
}

/// What a gateway charged for the payments of one currency: a percentage and a fixed part, by least squares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LearnedFee {
    currency: Currency,
    /// Payments it was learned from.
    payments: i64,
    /// Percent; `null` where all payments have one amount.
    #[schema(required)]
    percent: Option<String>,
    /// In the currency, beside the percentage.
    #[schema(required)]
    fixed: Option<String>,
    /// All of it.
    charged: Money,
    /// Charged less booked.
    drift: Money,
    /// Payments whose fee is not what the books have.
    drifting_payments: i64,
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
        let grades = [Grade::Automatic, Grade::Flagged, Grade::Waits];
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

/// What the gateway charged, learned from the bill's payments.
pub(super) fn learned(fees: &BTreeMap<Currency, FeeSums>) -> Vec<LearnedFee> {
    let decimal =
        |value: i64, decimals: u32| rust_decimal::Decimal::new(value, decimals).normalize().to_string();
    let whole = |value: i128| i64::try_from(value).unwrap_or(i64::MAX);
    let row = |(currency, sums): (&Currency, &FeeSums)| {
        let learned = sums.learned();
        LearnedFee {
            currency: *currency,
            payments: whole(sums.lines),
            percent: learned.percent_millionths.map(|millionths| decimal(millionths, 4)),
            fixed: learned.fixed_tenths.map(|tenths| decimal(tenths, currency.exponent() + 1)),
            charged: Money::from_minor(whole(sums.charged), *currency),
            drift: Money::from_minor(learned.money, *currency),
            drifting_payments: learned.lines,
        }
    };
    fees.iter().map(row).collect()
}
