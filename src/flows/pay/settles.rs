//! The money side as the payment flow sees it.

use std::fmt::Debug;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::domain::disputes::DisputeReport;
use crate::domain::merchants::{GatewayAccount, Merchant};
use crate::domain::orders::{Capture, Conflict, Intent, MoneyReport, Payment, RefundReport, ReportSource};
use crate::money::Money;
use crate::store::inbox::Notice;
use crate::store::{Change, CommitError, StoreError, Versioned};

/// What a capture is, seen from the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaptureStanding {
    /// What was asked: divide it.
    Matched,
    /// What was asked, after the payment had ended: divide it, and flag it.
    Late,
    /// What was asked, but another payment settled the order: owed back to the shopper (2010), never divided (J27).
    SecondOfOrder,
    /// Not what was asked: suspense (2900) and a finding (J26).
    Mismatch,
}

/// What is expected of a payment that the gateway has taken and not credited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expectation {
    /// It is on its way.
    Begins(Money),
    /// It came, or it will not come.
    Ends(Money),
}

/// The money side of a payment.
///
/// The flow calls these between reading and writing, possibly more than once for one fact: it decides again when it
/// loses a race, and a report may come twice. What is posted is therefore named by the gateway's own reference of the
/// fact, and the ledger refuses a second booking.
#[async_trait]
pub trait Settles: Send + Sync + Debug {
    /// Checks, before anything is stored, how a payment's money is to be divided. `terms` are the payment's items,
    /// splits, policies and platform fee as the merchant gave them; the answer is frozen with the payment and is what
    /// [`Settles::settle`] later works by. What could not be divided once it is captured is refused, as far as that is
    /// known; `method` is the gateway's, where the payment names one.
    ///
    /// # Errors
    /// [`SettleError::Refused`] names the code and the parameter.
    async fn agree(
        &self,
        merchant: &Merchant,
        account: &GatewayAccount,
        method: Option<&str>,
        amount: Money,
        terms: serde_json::Value,
    ) -> Result<serde_json::Value, SettleError>;

    /// The postings, settlement and findings of a capture, to be written with the payment's new state. It must not
    /// touch the payment's row, its timeline or its events. It may not refuse money: what cannot be divided goes to
    /// suspense with a finding, because the gateway holds it whatever we think of it.
    ///
    /// `payment` is as it was before this report. If it is in review and holds money under the same `capture_ref`
    /// ([`crate::domain::orders::Held`]), the gateway has corrected itself: that money leaves suspense first.
    ///
    /// # Errors
    /// [`SettleError`]; the report is applied again later.
    async fn settle(
        &self,
        payment: &Payment,
        account: &GatewayAccount,
        capture: &Capture,
        standing: CaptureStanding,
    ) -> Result<Change, SettleError>;

    /// The finding that a report is not about what was asked; empty if there is one already. For a capture that is
    /// money of ours, [`Settles::settle`] is called too, as [`CaptureStanding::Mismatch`]; with `aside` that is just now,
    /// and a finding that was decided when there was no such money is open again.
    ///
    /// # Errors
    /// [`SettleError`].
    async fn differs(
        &self,
        payment: &Payment,
        account: &GatewayAccount,
        why: &Conflict,
        evidence: &str,
        aside: bool,
    ) -> Result<Change, SettleError>;

    /// What is expected of a payment begins or ends: entries in the pending layer, once each for a payment, and nothing
    /// else. `payment` is as it was before this report.
    ///
    /// # Errors
    /// [`SettleError`].
    async fn expect(
        &self,
        payment: &Payment,
        account: &GatewayAccount,
        news: Expectation,
    ) -> Result<Change, SettleError>;

    /// The finding that the gateway holds a payment's money until a person acts there; empty if there is one already.
    ///
    /// # Errors
    /// [`SettleError`].
    async fn action_needed(
        &self,
        payment: &Payment,
        account: &GatewayAccount,
        reason: &str,
        by: DateTime<Utc>,
    ) -> Result<Change, SettleError>;

    /// The finding that a genuine notice is about a payment we do not know; empty if there is one already.
    ///
    /// # Errors
    /// [`SettleError`].
    async fn unknown_payment(&self, account: &GatewayAccount, notice: &Notice)
    -> Result<Change, SettleError>;

    /// The finding that nobody can say any more what came of a call of ours; empty if there is one already.
    ///
    /// # Errors
    /// [`SettleError`].
    async fn unknown_outcome(&self, account: &GatewayAccount, intent: &Intent)
    -> Result<Change, SettleError>;

    /// Applies one refund as the gateway lists it. It reads, decides and commits by itself (the refund's row, the
    /// payment's refunded total, postings, events), and does nothing for what is known.
    ///
    /// # Errors
    /// [`SettleError`]; the report is applied again later.
    async fn apply_refund_report(
        &self,
        payment: &Versioned<Payment>,
        account: &GatewayAccount,
        refund: &RefundReport,
        source: ReportSource,
    ) -> Result<(), SettleError>;

    /// Applies what a gateway says about a dispute: the dispute's row, what it did to money, the payment's flag, events.
    /// It reads, decides and commits by itself, and does nothing for what is known. `false`: it is about no payment of
    /// this account.
    ///
    /// # Errors
    /// [`SettleError`]; the report is applied again later.
    async fn apply_dispute_report(
        &self,
        account: &GatewayAccount,
        report: &DisputeReport,
        source: ReportSource,
    ) -> Result<bool, SettleError>;

    /// Applies another fact of money: a fee charged apart, a hold, a release, a reversal. It commits by itself and does
    /// nothing for what is known.
    ///
    /// # Errors
    /// [`SettleError`]; the report is applied again later.
    async fn apply_money_report(
        &self,
        payment: &Versioned<Payment>,
        account: &GatewayAccount,
        report: &MoneyReport,
        source: ReportSource,
    ) -> Result<(), SettleError>;
}

/// Why the money side did not answer.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// The terms are no agreement.
    #[error("{why}")]
    Refused {
        /// The problem's code: `splits_exceed_amount`.
        code: &'static str,
        /// The field it is about: `splits[1].share.percent`.
        param: Option<String>,
        /// What is wrong.
        why: String,
    },
    /// It could not read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It could not write.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// It found its own records contradict each other.
    #[error("{0}")]
    Broken(String),
}
