//! Answers of the finance office: journals, periods, issued statements.

use chrono::{DateTime, NaiveDate, Utc};
use utoipa::ToSchema;

use crate::domain::journals::JournalLine;
use crate::domain::periods::CloseCheck;
use crate::domain::statements::Party;
use crate::ids::{JournalId, PeriodId, StatementId, SupplierId, TransactionId, UserId};
use crate::money::{Currency, Money};

use super::{JournalObject, JournalStateWord, PeriodObject, PeriodStateWord, StatementObject, TemplateWord};

/// A manual journal.
#[derive(Debug, ToSchema)]
pub struct Journal {
    id: JournalId,
    #[schema(inline)]
    object: JournalObject,
    state: JournalStateWord,
    template: TemplateWord,
    /// Why.
    reason: String,
    /// When it happened, a day in the merchant's zone.
    value_date: NaiveDate,
    lines: Vec<JournalLine>,
    /// The journal it undoes.
    #[schema(required)]
    reverses: Option<JournalId>,
    /// Who drafted it.
    proposed_by: UserId,
    /// Who booked or rejected it; never the same user, unless it was taken back.
    #[schema(required)]
    decided_by: Option<UserId>,
    #[schema(required)]
    decided_at: Option<DateTime<Utc>>,
    /// As which transaction it stands in the ledger.
    #[schema(required)]
    transaction: Option<TransactionId>,
    created_at: DateTime<Utc>,
}

/// A period that is, or is to be, closed.
#[derive(Debug, ToSchema)]
pub struct Period {
    id: PeriodId,
    #[schema(inline)]
    object: PeriodObject,
    state: PeriodStateWord,
    /// Its last booking date, in the zone.
    until: NaiveDate,
    #[schema(example = "Asia/Singapore")]
    zone: String,
    /// The instant at which it is over.
    ends_before: DateTime<Utc>,
    /// What was looked at, last before the decision.
    checks: Vec<CloseCheck>,
    /// Whether another user's word is wanted.
    needs_second_user: bool,
    proposed_by: UserId,
    #[schema(required)]
    confirmed_by: Option<UserId>,
    #[schema(required)]
    closed_at: Option<DateTime<Utc>>,
    /// Where the ledger's hash chain stood.
    #[schema(required)]
    ledger_head: Option<String>,
    /// How many statements were issued with it.
    #[schema(required)]
    statements: Option<i64>,
    created_at: DateTime<Utc>,
}

/// A statement as it was issued with a closed period: its bytes never change.
#[derive(Debug, ToSchema)]
pub struct IssuedStatement {
    id: StatementId,
    #[schema(inline)]
    object: StatementObject,
    /// From 1, without gaps.
    number: i64,
    period: PeriodId,
    /// The merchant as it was; null on statements that were issued before names were kept.
    #[schema(required)]
    issuer: Option<Party>,
    /// The supplier as it was.
    #[schema(required)]
    holder: Option<Party>,
    supplier: SupplierId,
    currency: Currency,
    from: NaiveDate,
    to: NaiveDate,
    #[schema(example = "Asia/Singapore")]
    zone: String,
    opening: Money,
    closing: Money,
    /// Ledger entries behind it.
    entries: i64,
    /// Its lines, of which one may be of several entries; null on statements that were issued before that was kept.
    #[schema(required)]
    lines: Option<i64>,
    /// The head of the ledger's hash chain when it was issued.
    #[schema(required)]
    ledger_head: Option<String>,
    /// Of its CSV, byte for byte.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    sha256: String,
    issued_at: DateTime<Utc>,
}
