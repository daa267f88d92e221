//! What happens to money: captures are divided, refunds and other facts booked, differences found.
//!
//! Two times are kept apart. *The fact of money is booked at once*, because the gateway holds it whatever we think of
//! it; *the entitlement only when matched* to what was asked. What does not match stands in suspense (2900) with an open
//! finding, so that the gateway's balance and ours always agree.
//!
//! Every fact is booked under the gateway's own reference of it: the ledger refuses a second booking, so that a report
//! may come twice, late, or from two doors at once.

mod agree;
mod asked;
mod capture;
mod convert;
mod correct;
mod differ;
mod dispute;
mod exchanged;
mod expect;
mod facts;
mod ground;
mod refunds;
mod rules;
mod told;
mod undone;
mod unrated;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::clock::Clock;
use crate::domain::disputes::DisputeReport;
use crate::domain::fees::FeeBook;
use crate::domain::findings::{Finding, FindingKind, FindingState};
use crate::domain::ledger::journal::Booking;
use crate::domain::ledger::{LedgerError, LedgerTransaction};
use crate::domain::merchants::{GatewayAccount, Merchant};
use crate::domain::orders::{Capture, Conflict, Intent, MoneyReport, Payment, RefundReport, ReportSource};
use crate::ids::{IdSource, MerchantId};
use crate::money::{Money, Percent};
use crate::rates::RateBook;
use crate::store::inbox::Notice;
use crate::store::outbox::Event;
use crate::store::settlements::SettlementRecord;
use crate::store::{Change, Store, Versioned};

use super::pay::{CaptureStanding, Expectation, SettleError, Settles};
use super::withholding::{Counting, Event as SaleEvent, Withholding};

pub(in crate::flows) use convert::Unconverted;
pub(in crate::flows) use ground::given_back;
pub use refunds::refund_view;

/// The money side; clones share it.
#[derive(Debug, Clone)]
pub struct Settlements(Arc<Parts>, Arc<rules::Rules>);

/// What it works with.
#[derive(Debug)]
pub struct Parts {
    /// Reads, and the one writer.
    pub store: Store,
    /// Business time.
    pub clock: Clock,
    /// Ids.
    pub ids: IdSource,
    /// Rates of the moment.
    pub rates: Arc<RateBook>,
    /// Fee rules.
    pub fees: FeeBook,
    /// How much of a payment a gateway may take beyond its contract before somebody is told.
    pub fee_tolerance: Percent,
    /// Sales and refunds as tax counts them.
    pub withholding: Withholding,
    /// A stale reference rate still converts, and is marked so; else the conversion waits.
    pub allow_stale_reference: bool,
}

impl Settlements {
    /// The money side over its parts.
    pub fn new(parts: Parts) -> Settlements {
        let rules = rules::Rules::of(&parts.fees);
        Settlements(Arc::new(parts), Arc::new(rules))
    }

    fn booking<'a>(
        &'a self,
        payment: &'a Payment,
        account: &'a GatewayAccount,
        source: &'a str,
        subject: &'a str,
        at: DateTime<Utc>,
    ) -> Booking<'a> {
        Booking { ids: &self.0.ids, merchant: payment.merchant, account, source, subject, at }
    }

    /// What a refund changes of the turnovers that tax is withheld of.
    pub(in crate::flows) async fn count_sale(
        &self,
        change: &mut Change,
        record: &SettlementRecord,
        event: SaleEvent<'_>,
    ) -> Result<(), SettleError> {
        let counted = self.0.withholding.count(&mut Counting::default(), change, record, event).await;
        counted.map_err(broken)
    }

    async fn merchant(&self, id: MerchantId) -> Result<Merchant, SettleError> {
        let merchant = self.0.store.merchant(id).await?;
        merchant.ok_or_else(|| SettleError::Broken(format!("{id} is gone, and its payments are not")))
    }

    /// Opens a finding in `change`, unless one of this kind about this fact was opened before.
    pub(in crate::flows) async fn open(
        &self,
        change: &mut Change,
        finding: Finding,
    ) -> Result<(), SettleError> {
        if self.0.store.finding_about(finding.merchant, finding.kind, &finding.fact).await?.is_some() {
            return Ok(());
        }
        change.open_finding(&finding);
        self.tell(
            change,
            finding.merchant,
            "finding.opened",
            &finding.id.to_string(),
            finding_data(&finding),
        );
        Ok(())
    }

    /// The same where money was just put aside: what was decided about this fact before was not about that money.
    pub(in crate::flows) async fn open_again(
        &self,
        change: &mut Change,
        finding: Finding,
    ) -> Result<(), SettleError> {
        let known = self.0.store.finding_about(finding.merchant, finding.kind, &finding.fact).await?;
        match known {
            Some(decided) if matches!(decided.value.state, FindingState::Resolved { .. }) => {
                self.reopen_finding(change, &decided);
            }
            // Whoever dismisses it now has not seen this money.
            Some(open) => {
                change.require_finding(&open);
            }
            None => self.open(change, finding).await?,
        }
        Ok(())
    }

    fn reopen_finding(&self, change: &mut Change, decided: &Versioned<Finding>) {
        change.decide_finding(decided, &FindingState::Open);
        let finding = Finding { state: FindingState::Open, ..decided.value.clone() };
        let data = finding_data(&finding);
        self.tell(change, finding.merchant, "finding.opened", &finding.id.to_string(), data);
    }

    pub(in crate::flows) fn finding(
        &self,
        kind: FindingKind,
        account: &GatewayAccount,
        fact: &str,
        amount: Option<Money>,
        detail: String,
    ) -> Finding {
        Finding {
            id: self.0.ids.mint(),
            merchant: account.merchant,
            kind,
            gateway_account: account.name.clone(),
            payment: None,
            fact: fact.to_owned(),
            amount,
            detail,
            state: FindingState::Open,
            opened_at: self.0.clock.now(),
        }
    }

    pub(in crate::flows) fn tell(
        &self,
        change: &mut Change,
        merchant: MerchantId,
        kind: &str,
        subject: &str,
        data: serde_json::Value,
    ) {
        change.tell(&Event {
            id: self.0.ids.mint(),
            merchant,
            kind: kind.to_owned(),
            subject: subject.to_owned(),
            data,
            created_at: self.0.clock.now(),
        });
    }
}

/// A finding as its events and answers show it.
pub fn finding_data(finding: &Finding) -> serde_json::Value {
    let account = Some(&finding.gateway_account).filter(|account| !account.is_empty());
    serde_json::json!({
        "id": finding.id, "kind": finding.kind, "gateway_account": account,
        "payment": finding.payment, "fact": finding.fact, "amount": finding.amount, "detail": finding.detail,
        "decision": finding.state, "opened_at": finding.opened_at,
    })
}

/// Posts what is not nothing.
fn post(
    change: &mut Change,
    built: Result<Option<LedgerTransaction>, LedgerError>,
) -> Result<(), SettleError> {
    if let Some(transaction) = built.map_err(broken)? {
        change.post(transaction);
    }
    Ok(())
}

/// Postings of ours that do not balance, or amounts that do not fit: nothing is written.
fn broken(error: impl std::fmt::Display) -> SettleError {
    SettleError::Broken(error.to_string())
}

#[async_trait]
impl Settles for Settlements {
    async fn agree(
        &self,
        merchant: &Merchant,
        account: &GatewayAccount,
        method: Option<&str>,
        amount: Money,
        terms: serde_json::Value,
    ) -> Result<serde_json::Value, SettleError> {
        self.agree_terms(merchant, account, method, amount, terms).await
    }

    async fn settle(
        &self,
        payment: &Payment,
        account: &GatewayAccount,
        capture: &Capture,
        standing: CaptureStanding,
    ) -> Result<Change, SettleError> {
        self.settle_capture(payment, account, capture, standing).await
    }

    async fn differs(
        &self,
        payment: &Payment,
        account: &GatewayAccount,
        why: &Conflict,
        evidence: &str,
        aside: bool,
    ) -> Result<Change, SettleError> {
        self.open_difference(payment, account, why, evidence, aside).await
    }

    async fn expect(
        &self,
        payment: &Payment,
        account: &GatewayAccount,
        news: Expectation,
    ) -> Result<Change, SettleError> {
        self.book_expectation(payment, account, news)
    }

    async fn action_needed(
        &self,
        payment: &Payment,
        account: &GatewayAccount,
        reason: &str,
        by: DateTime<Utc>,
    ) -> Result<Change, SettleError> {
        self.open_action(payment, account, reason, by).await
    }

    async fn unknown_payment(
        &self,
        account: &GatewayAccount,
        notice: &Notice,
    ) -> Result<Change, SettleError> {
        self.open_stranger(account, notice).await
    }

    async fn unknown_outcome(
        &self,
        account: &GatewayAccount,
        intent: &Intent,
    ) -> Result<Change, SettleError> {
        self.open_unknown(account, intent).await
    }

    async fn apply_refund_report(
        &self,
        payment: &Versioned<Payment>,
        account: &GatewayAccount,
        refund: &RefundReport,
        source: ReportSource,
    ) -> Result<(), SettleError> {
        self.apply_refund(payment, account, refund, source).await
    }

    async fn apply_dispute_report(
        &self,
        account: &GatewayAccount,
        report: &DisputeReport,
        source: ReportSource,
    ) -> Result<bool, SettleError> {
        self.hear_dispute(account, report, source).await
    }

    async fn apply_money_report(
        &self,
        payment: &Versioned<Payment>,
        account: &GatewayAccount,
        report: &MoneyReport,
        _source: ReportSource,
    ) -> Result<(), SettleError> {
        self.book_fact(&payment.value, account, report).await
    }
}
