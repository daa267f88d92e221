//! Answers about withheld tax: certificates, payments to authorities.

use chrono::{DateTime, NaiveDate, Utc};
use utoipa::ToSchema;

use crate::domain::withholding::RemittanceLine;
use crate::ids::{BankAccountId, BankLineId, PayoutId, RemittanceId, SupplierId, UserId};
use crate::money::{Currency, Money, Percent};

use super::{CertificateObject, RemittanceObject, RemittanceStateWord};

/// What was withheld from a supplier under one rule in one period: `withheld = due − credit_before + credit`.
#[derive(Debug, ToSchema)]
pub struct WithholdingCertificate {
    /// Its number.
    #[schema(example = "ph-remittance.2026-Q4.PHP.sup_01kb0000000000000000000000")]
    id: String,
    #[schema(inline)]
    object: CertificateObject,
    #[schema(example = "BIR")]
    authority: String,
    #[schema(example = "ph-remittance")]
    rule: String,
    #[schema(example = "2026-Q4")]
    period: String,
    /// Its first day, in the merchant's zone.
    from: NaiveDate,
    /// Its last day.
    to: NaiveDate,
    /// Whether the period is over: nothing of it changes any more.
    r#final: bool,
    issuer: TaxParty,
    holder: TaxPerson,
    supplier: SupplierId,
    currency: Currency,
    /// Gross sales, as shoppers were charged for them.
    sold: Money,
    /// Refunds of what was sold, in this period or before; those of sales that were never taxed lower nothing and are not among
    /// them.
    refunded: Money,
    /// The difference without what was sold exempt; below zero where more was refunded than sold.
    base: Money,
    /// The tax on it.
    due: Money,
    /// What had been withheld too much before the period.
    credit_before: Money,
    /// What is too much at its end, set against what is withheld next.
    credit: Money,
    withheld: Money,
    /// Of it, paid to the authority.
    remitted: Money,
    is_remitted: bool,
    /// Oldest first.
    entries: Vec<WithholdingEntry>,
}

/// Who withheld.
#[derive(Debug, ToSchema)]
pub struct TaxParty {
    name: String,
    #[schema(required)]
    tax_number: Option<String>,
}

/// From whom.
#[derive(Debug, ToSchema)]
pub struct TaxPerson {
    name: String,
    #[schema(required)]
    tax_number: Option<String>,
    country: String,
}

/// One payout's part of a certificate, under one text of the rule: refunds give back under the text of their sales.
#[derive(Debug, ToSchema)]
pub struct WithholdingEntry {
    payout: PayoutId,
    booked_at: DateTime<Utc>,
    sold: Money,
    refunded: Money,
    base: Money,
    due: Money,
    withheld: Money,
    /// What is too much from here on.
    credit: Money,
    percent: Percent,
    /// The part of the gross sale that is taxed.
    #[schema(example = "0.5")]
    share_of_base: String,
    /// The rule's text.
    #[schema(example = "3f2a9b1c0d4e")]
    rule_version: String,
}

/// A payment of withheld tax to its authority, without its lines.
#[derive(Debug, ToSchema)]
pub struct WithholdingRemittanceSummary {
    id: RemittanceId,
    #[schema(inline)]
    object: RemittanceObject,
    state: RemittanceStateWord,
    #[schema(example = "BIR")]
    authority: String,
    #[schema(example = "2026-Q4")]
    period: String,
    bank_account: BankAccountId,
    /// The bank's or the authority's own.
    reference: String,
    /// The bank's line that debited it, once a statement has it.
    #[schema(required)]
    bank_line: Option<BankLineId>,
    total: Money,
    /// How many suppliers and rules.
    #[schema(maximum = 1000)]
    line_count: u32,
    proposed_by: UserId,
    /// Who booked or rejected it; never the same user, unless it was taken back.
    #[schema(required)]
    decided_by: Option<UserId>,
    #[schema(required)]
    decided_at: Option<DateTime<Utc>>,
    /// The bank's line that brought it back: its tax is owed again.
    #[schema(required)]
    returned_line: Option<BankLineId>,
    /// From when that money counts.
    #[schema(required)]
    returned_at: Option<DateTime<Utc>>,
    /// Who said that the line is it; none where the line says so itself.
    #[schema(required)]
    returned_by: Option<UserId>,
    created_at: DateTime<Utc>,
}

/// A payment of withheld tax to its authority.
#[derive(Debug, ToSchema)]
pub struct WithholdingRemittance {
    id: RemittanceId,
    #[schema(inline)]
    object: RemittanceObject,
    state: RemittanceStateWord,
    #[schema(example = "BIR")]
    authority: String,
    #[schema(example = "2026-Q4")]
    period: String,
    bank_account: BankAccountId,
    /// The bank's or the authority's own.
    reference: String,
    /// The bank's line that debited it, once a statement has it.
    #[schema(required)]
    bank_line: Option<BankLineId>,
    total: Money,
    /// How many suppliers and rules.
    #[schema(maximum = 1000)]
    line_count: u32,
    #[schema(max_items = 1000)]
    lines: Vec<RemittanceLine>,
    proposed_by: UserId,
    /// Who booked or rejected it; never the same user, unless it was taken back.
    #[schema(required)]
    decided_by: Option<UserId>,
    #[schema(required)]
    decided_at: Option<DateTime<Utc>>,
    /// The bank's line that brought it back: its tax is owed again.
    #[schema(required)]
    returned_line: Option<BankLineId>,
    /// From when that money counts.
    #[schema(required)]
    returned_at: Option<DateTime<Utc>>,
    /// Who said that the line is it; none where the line says so itself.
    #[schema(required)]
    returned_by: Option<UserId>,
    created_at: DateTime<Utc>,
}
