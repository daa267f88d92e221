//! What a gateway says about refunds: ours move on, strangers' are booked to suspense and found.
//!
//! A refund was posted when it was decided (the parties' shares against 2020). Here the gateway's word follows: paid out
//! (2020 against the gateway's balance), a fee that came back after all, or a definite no, which undoes the decision.

use crate::crash::{Point, point};
use crate::domain::findings::{Action, Finding, FindingKind, FindingState};
use crate::domain::ledger::journal;
use crate::domain::merchants::GatewayAccount;
use crate::domain::orders::refund::{Refund, RefundKind, RefundState, RefundTransition};
use crate::domain::orders::{
    Intent, IntentKind, Outcome, Payment, PaymentState, RefundReport, RefundStatus, ReportSource,
    TimelineEntry, Transition,
};
use crate::domain::refunds;
use crate::flows::pay::{PaymentView, Quotes, sha256};
use crate::ids::RefundId;
use crate::money::Money;
use crate::store::{Change, CommitError, Versioned};

use super::undone::without;
use super::{SaleEvent, SettleError, Settlements, broken, post};

/// How often a decision is taken again after somebody else was faster.
const DECISIONS: usize = 8;

impl Settlements {
    pub(super) async fn apply_refund(
        &self,
        payment: &Versioned<Payment>,
        account: &GatewayAccount,
        report: &RefundReport,
        source: ReportSource,
    ) -> Result<(), SettleError> {
        let mut payment = payment.clone();
        for _ in 0..DECISIONS {
            let known = self.refund_meant(&payment.value, report).await?;
            let change = match known {
                Some(refund) => self.advance_refund(&payment, account, &refund, report, source).await?,
                None => self.stranger(&payment.value, account, report).await?,
            };
            if change.is_empty() {
                return Ok(());
            }
            point(Point::RefundReported).await;
            match self.0.store.commit(change).await {
                Ok(_) => {
                    point(Point::RefundRecorded).await;
                    return Ok(());
                }
                Err(
                    CommitError::LostUpdate { .. }
                    | CommitError::AlreadyBooked { .. }
                    | CommitError::BelowFloor { .. }
                    | CommitError::Unknown(_),
                ) => {}
                Err(error) => return Err(error.into()),
            }
            let id = payment.value.id;
            let again = self.0.store.payment(id).await?;
            payment = again.ok_or_else(|| SettleError::Broken(format!("{id} is gone")))?;
        }
        Err(SettleError::Broken(format!(
            "refund {}: met {DECISIONS} other changes in a row",
            report.refund_ref
        )))
    }

    /// Our refund that a report is about: by the reference we sent, else by the gateway's own.
    async fn refund_meant(
        &self,
        payment: &Payment,
        report: &RefundReport,
    ) -> Result<Option<Versioned<Refund>>, SettleError> {
        let ours = report.request_ref.as_deref().and_then(|text| text.parse::<RefundId>().ok());
        let refunds = self.0.store.refunds_of(payment.id).await?;
        let of = |refund: &&Versioned<Refund>| {
            ours == Some(refund.value.id)
                || refund.value.refund_ref.as_deref() == Some(report.refund_ref.as_str())
        };
        Ok(refunds.iter().find(of).cloned())
    }

    /// The change that a report makes to a refund of ours; empty where it says nothing new.
    async fn advance_refund(
        &self,
        payment: &Versioned<Payment>,
        account: &GatewayAccount,
        refund: &Versioned<Refund>,
        report: &RefundReport,
        source: ReportSource,
    ) -> Result<Change, SettleError> {
        let mut change = Change::new();
        let now = self.0.clock.now();
        let id = refund.value.id.to_string();
        let state = match refund.value.apply(report) {
            RefundTransition::Advance(state) => state,
            RefundTransition::AlreadyThere => return self.note_refund(payment, refund, report).await,
            RefundTransition::Conflict { why } => {
                let mut finding =
                    self.finding(FindingKind::RefundDiffers, account, &id, Some(report.amount), why);
                finding.payment = Some(payment.value.id.to_string());
                self.open(&mut change, finding).await?;
                return Ok(change);
            }
        };
        let subject = payment.value.id.to_string();
        let booking = self.booking(&payment.value, account, &id, &subject, report.at);
        let mut decided: refunds::Refund = serde_json::from_str(&refund.value.decided).map_err(broken)?;
        let mut after = Refund { state, updated_at: now, ..refund.value.clone() };
        // What waits for funds has no name at the gateway yet.
        if after.refund_ref.is_none() && after.state != RefundState::AwaitingFunds {
            after.refund_ref = Some(report.refund_ref.clone());
        }
        match &after.state {
            RefundState::Succeeded => {
                post(&mut change, decided.confirmed(&booking))?;
                self.exchanged(&mut change, &payment.value, account, report).await?;
                if let Some(returned) = report.fee_returned.filter(|fee| fee.is_positive()) {
                    let borne = decided.fee_borne(returned).map_err(broken)?;
                    let to_suppliers = self.undone(&after, &borne).await?;
                    post(&mut change, journal::fee_returned(&booking, returned, &to_suppliers))?;
                    decided.movements.extend(to_suppliers);
                    after.decided = serde_json::to_string(&decided).map_err(broken)?;
                    self.pend_again(&mut change, &after).await?;
                }
                self.count_refund(&mut change, payment, &after, source).await?;
            }
            RefundState::Failed { .. } => {
                let undone = self.undone(&after, &decided.movements).await?;
                post(&mut change, journal::refund_failed(&booking, &undone))?;
                self.reopen(&mut change, &after).await?;
                if let Some(record) = self.0.store.settlement_of(after.payment).await? {
                    Settlements::pend(&mut change, &record);
                    let mut back = self.given_back(after.payment).await?;
                    without(&mut back, &decided);
                    self.earn_again(&mut change, &payment.value, account, &record, &back)?;
                    let fails = SaleEvent::RefundFailed(after.id);
                    self.count_sale(&mut change, &record.value, fails).await?;
                }
            }
            RefundState::Pending | RefundState::AwaitingFunds => {}
        }
        change.update_refund(&after, refund.version);
        self.settle_intent(&mut change, payment, &after).await?;
        if let RefundState::Succeeded | RefundState::Failed { .. } | RefundState::AwaitingFunds = after.state
        {
            let event = format!("refund.{}", after.state.as_str());
            self.tell(&mut change, after.merchant, &event, &id, refund_view(&after));
        }
        Ok(change)
    }

    /// Shares that went back to what is pending become payable with the next release.
    async fn pend_again(&self, change: &mut Change, refund: &Refund) -> Result<(), SettleError> {
        if let Some(record) = self.0.store.settlement_of(refund.payment).await? {
            Settlements::pend(change, &record);
        }
        Ok(())
    }

    /// Money that was to be sent back stands aside again: so does its question.
    async fn reopen(&self, change: &mut Change, refund: &Refund) -> Result<(), SettleError> {
        if refund.kind == RefundKind::Settlement {
            return Ok(());
        }
        let findings = self.0.store.findings_of(refund.merchant, refund.payment).await?;
        let sent_back = |finding: &&Versioned<Finding>| {
            matches!(finding.value.state, FindingState::Resolved { action: Action::SendBack, .. })
        };
        let named = findings.iter().filter(sent_back).find(|found| found.value.fact == refund.capture_ref);
        if let Some(finding) = named.or_else(|| findings.iter().find(sent_back)) {
            self.reopen_finding(change, finding);
        }
        Ok(())
    }

    /// News that moves nothing may still name the gateway's id of an open refund, and answers our call.
    async fn note_refund(
        &self,
        payment: &Versioned<Payment>,
        refund: &Versioned<Refund>,
        report: &RefundReport,
    ) -> Result<Change, SettleError> {
        let mut change = Change::new();
        if !refund.value.state.is_open() || matches!(report.status, RefundStatus::Unknown { .. }) {
            return Ok(change);
        }
        if refund.value.refund_ref.is_none() {
            let refund_ref = Some(report.refund_ref.clone());
            let named = Refund { refund_ref, updated_at: self.0.clock.now(), ..refund.value.clone() };
            change.update_refund(&named, refund.version);
        }
        self.settle_intent(&mut change, payment, &refund.value).await?;
        Ok(change)
    }

    /// The payment's own state: how much of it has gone back by now; one whose money only stood aside ends, and its order
    /// and its quote are free again.
    pub(in crate::flows) async fn count_refund(
        &self,
        change: &mut Change,
        payment: &Versioned<Payment>,
        refund: &Refund,
        source: ReportSource,
    ) -> Result<(), SettleError> {
        let taken = payment.value.state.taken().filter(|taken| taken.capture_ref == refund.capture_ref);
        let Some(taken) = taken else {
            if let Transition::Advance(state) = payment.value.state.send_back(&refund.capture_ref) {
                let after = self.gone_back(change, payment, state, refund, source, "sent_back");
                if let Some(quote) = after.quote {
                    let free = self.0.store.give_back(quote, after.id, after.updated_at).await?;
                    change.extend(free);
                }
                let data = serde_json::to_value(PaymentView::of(&after)).map_err(broken)?;
                self.tell(change, after.merchant, "payment.cancelled", &after.id.to_string(), data);
            }
            return Ok(());
        };
        let all = self.0.store.refunds_of(payment.value.id).await?;
        let paid = all.iter().filter(|other| {
            other.value.state == RefundState::Succeeded
                && other.value.id != refund.id
                && other.value.capture_ref == taken.capture_ref
        });
        let before =
            Money::sum(refund.amount.currency(), paid.map(|other| other.value.amount)).map_err(broken)?;
        let total = before.checked_add(refund.amount).map_err(broken)?;
        let Transition::Advance(state) = payment.value.state.refund(total) else { return Ok(()) };
        self.gone_back(change, payment, state, refund, source, "refunded");
        Ok(())
    }

    /// The payment as a refund leaves it, with its line of the timeline.
    fn gone_back(
        &self,
        change: &mut Change,
        payment: &Versioned<Payment>,
        state: PaymentState,
        refund: &Refund,
        source: ReportSource,
        kind: &str,
    ) -> Payment {
        let now = self.0.clock.now();
        let after = Payment { state, updated_at: now, ..payment.value.clone() };
        let detail = serde_json::json!({ "refund": refund.id, "amount": refund.amount, "refund_ref": refund.refund_ref });
        let entry = TimelineEntry {
            id: self.0.ids.mint(),
            source,
            kind: kind.to_owned(),
            state: after.state.as_str().to_owned(),
            evidence: sha256(detail.to_string().as_bytes()),
            detail,
            at: now,
        };
        change.update_payment(&after, payment.version);
        change.report_payment(&after, &entry);
        after
    }

    /// What came of the call, written with its effect.
    async fn settle_intent(
        &self,
        change: &mut Change,
        payment: &Versioned<Payment>,
        refund: &Refund,
    ) -> Result<(), SettleError> {
        let intents = self.0.store.intents_of(payment.value.id).await?;
        let own = intents.into_iter().find(|intent| intent.value.kind == IntentKind::Refund(refund.id));
        let Some(intent) = own.filter(|intent| intent.value.unsettled()) else { return Ok(()) };
        let outcome = match &refund.state {
            RefundState::Succeeded | RefundState::Pending => Outcome::Done,
            RefundState::Failed { .. } => Outcome::Refused,
            // Nothing happened: the same call is made again when there may be funds.
            RefundState::AwaitingFunds => Outcome::Open,
        };
        if intent.value.outcome != outcome || intent.value.lease.is_some() {
            change.update_intent(&Intent { outcome, lease: None, ..intent.value }, intent.version);
        }
        Ok(())
    }

    /// A refund that was not made here: the money has left, so that is booked; whose it was, a person says.
    async fn stranger(
        &self,
        payment: &Payment,
        account: &GatewayAccount,
        report: &RefundReport,
    ) -> Result<Change, SettleError> {
        let mut change = Change::new();
        let known = self
            .0
            .store
            .finding_about(account.merchant, FindingKind::RefundElsewhere, &report.refund_ref)
            .await?;
        if report.status != RefundStatus::Succeeded || known.is_some() {
            return Ok(change);
        }
        let subject = payment.id.to_string();
        let booking = self.booking(payment, account, &report.refund_ref, &subject, report.at);
        post(&mut change, journal::suspense_booked(&booking, report.amount.negated()))?;
        self.exchanged(&mut change, payment, account, report).await?;
        if let Some(returned) = report.fee_returned.filter(|fee| fee.is_positive()) {
            post(&mut change, journal::fee_returned(&booking, returned, &[]))?;
        }
        let detail = format!("{} went back as {}, and not by us", report.amount, report.refund_ref);
        let mut finding = self.finding(
            FindingKind::RefundElsewhere,
            account,
            &report.refund_ref,
            Some(report.amount),
            detail,
        );
        finding.payment = Some(subject);
        self.open(&mut change, finding).await?;
        Ok(change)
    }
}

/// A refund as events and answers show it.
pub fn refund_view(refund: &Refund) -> serde_json::Value {
    let decided: serde_json::Value = serde_json::from_str(&refund.decided).unwrap_or_default();
    let failure = match &refund.state {
        RefundState::Failed { code } => Some(code),
        _ => None,
    };
    serde_json::json!({
        "id": refund.id, "object": "refund", "payment": refund.payment, "state": refund.state.as_str(),
        "amount": refund.amount, "reason": refund.reason, "lines": decided.get("lines").cloned().unwrap_or_else(|| serde_json::json!([])),
        "refund_ref": refund.refund_ref, "failure": failure, "created_at": refund.created_at, "updated_at": refund.updated_at,
    })
}
