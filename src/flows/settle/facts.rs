//! Facts of money beside captures and refunds: fees charged apart, holds, releases, reversals.
//!
//! Each is booked once, under the gateway's own reference. What nobody has explained opens a finding with it; the end
//! of the last hold answers those that holds opened.

use std::collections::BTreeMap;

use crate::crash::{Point, point};
use crate::domain::findings::{Finding, FindingKind, FindingState};
use crate::domain::ledger::journal::{self, ChargedFee};
use crate::domain::ledger::{AccountCode, Direction};
use crate::domain::merchants::GatewayAccount;
use crate::domain::orders::{MoneyReport, Payment};
use crate::flows::pay::PaymentView;
use crate::money::{Currency, Money};
use crate::store::{Change, CommitError, TransactionFilter, Versioned};

use super::{SettleError, Settlements, broken, post};

/// How often a decision is taken again after somebody else was faster.
const DECISIONS: usize = 8;

impl Settlements {
    pub(super) async fn book_fact(
        &self,
        payment: &Payment,
        account: &GatewayAccount,
        report: &MoneyReport,
    ) -> Result<(), SettleError> {
        for _ in 0..DECISIONS {
            let Some(change) = self.fact(payment, account, report).await? else { return Ok(()) };
            point(Point::FactRead).await;
            match self.0.store.commit(change).await {
                // Booked before, by another door or an earlier report.
                Ok(_) | Err(CommitError::AlreadyBooked { .. }) => {
                    point(Point::FactRecorded).await;
                    return Ok(());
                }
                // Somebody decided about a hold, or told the same.
                Err(CommitError::LostUpdate { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(SettleError::Broken(format!("{}: a fact met {DECISIONS} other changes in a row", payment.id)))
    }

    /// What such a fact writes; `None` where it is in the books under another name.
    async fn fact(
        &self,
        payment: &Payment,
        account: &GatewayAccount,
        report: &MoneyReport,
    ) -> Result<Option<Change>, SettleError> {
        let subject = payment.id.to_string();
        let mut change = Change::new();
        match report {
            MoneyReport::Fee { reference, amount, at } if amount.is_negative() => {
                let booking = self.booking(payment, account, reference, &subject, *at);
                post(&mut change, journal::fee_returned(&booking, amount.negated(), &[]))?;
                let why = "given back apart from any refund";
                let kind = FindingKind::UnexplainedFee;
                self.explain(&mut change, kind, account, payment, reference, amount.negated(), why).await?;
            }
            MoneyReport::Fee { reference, amount, at } => {
                let merchant = self.merchant(payment.merchant).await?;
                let booking = self.booking(payment, account, reference, &subject, *at);
                let tax = Money::zero(amount.currency());
                let charged = ChargedFee {
                    fee: *amount,
                    tax,
                    expected: *amount,
                    jurisdiction: &merchant.tax_jurisdiction,
                };
                post(&mut change, journal::fee_charged(&booking, &charged))?;
                self.explain(
                    &mut change,
                    FindingKind::UnexplainedFee,
                    account,
                    payment,
                    reference,
                    *amount,
                    "charged apart from the capture",
                )
                .await?;
            }
            MoneyReport::Held { reference, amount, reason, at } => {
                let booking = self.booking(payment, account, reference, &subject, *at);
                post(&mut change, journal::gateway_held(&booking, *amount, reason))?;
                self.tell_fact(&mut change, "payment.held", payment, reference, *amount, reason)?;
                self.explain(
                    &mut change,
                    FindingKind::GatewayHold,
                    account,
                    payment,
                    reference,
                    *amount,
                    reason,
                )
                .await?;
            }
            MoneyReport::Released { reference, amount, reason, at } => {
                let booking = self.booking(payment, account, reference, &subject, *at);
                post(&mut change, journal::gateway_released(&booking, *amount, reason))?;
                self.tell_fact(&mut change, "payment.released", payment, reference, *amount, reason)?;
                self.answer_holds(&mut change, payment).await?;
            }
            MoneyReport::Reversed { reference, amount, at } => {
                // A bill may have told it, or a part of it, under a name of its own.
                let told = self.told_by_bills(payment, reference, *amount).await?;
                let amount = amount.checked_sub(told).map_err(broken)?;
                if amount.is_zero() {
                    return Ok(None);
                }
                let booking = self.booking(payment, account, reference, &subject, *at);
                post(&mut change, journal::reversed(&booking, amount))?;
                let (kind, why) = (FindingKind::Reversed, "taken back by the gateway");
                self.explain(&mut change, kind, account, payment, reference, amount, why).await?;
            }
        }
        Ok(Some(change))
    }

    /// Once nothing of a payment is held any more (1120), `change` included, what was asked about its holds is answered,
    /// and its shares wait for nobody. While something is, the questions are written anew as they stand: of two ends told
    /// side by side, one looks again.
    pub(in crate::flows) async fn answer_holds(
        &self,
        change: &mut Change,
        payment: &Payment,
    ) -> Result<(), SettleError> {
        let mut asked = self.0.store.findings_of(payment.merchant, payment.id).await?;
        asked.retain(|Versioned { value: Finding { kind, state, .. }, .. }| {
            *kind == FindingKind::GatewayHold && !matches!(state, FindingState::Resolved { .. })
        });
        if asked.is_empty() {
            return Ok(());
        }
        let is_held = self.is_held(change, payment).await?;
        for finding in &asked {
            match is_held {
                true => {
                    change.decide_finding(finding, &finding.value.state);
                }
                false => {
                    self.close_explained(change, finding, "the gateway holds nothing of it any more", None)
                }
            }
        }
        Ok(())
    }

    /// Whether any of it stands in 1120 once `change` is written.
    async fn is_held(&self, change: &Change, payment: &Payment) -> Result<bool, SettleError> {
        let subject = Some(payment.id.to_string());
        let filter = TransactionFilter { subject, limit: 1_000, ..TransactionFilter::default() };
        let booked = self.0.store.ledger_transactions(payment.merchant, &filter).await?;
        let entries = booked.iter().flat_map(|row| &row.entries);
        let entries = entries.map(|entry| (entry.account.code, entry.direction, entry.amount));
        let postings = change.transactions().iter().flat_map(|transaction| transaction.postings());
        let postings = postings.map(|posting| (posting.account.code, posting.direction, posting.amount));
        let moved = entries.chain(postings).filter(|(code, ..)| *code == AccountCode::GATEWAY_HELD);
        let mut held: BTreeMap<Currency, Money> = BTreeMap::new();
        for (_, direction, amount) in moved {
            let sum = held.entry(amount.currency()).or_insert(Money::zero(amount.currency()));
            *sum = match direction {
                Direction::Debit => sum.checked_add(amount),
                Direction::Credit => sum.checked_sub(amount),
            }
            .map_err(broken)?;
        }
        Ok(held.values().any(|sum| sum.is_positive()))
    }

    /// How much of what a capture says was taken back bills have told before.
    async fn told_by_bills(
        &self,
        payment: &Payment,
        reference: &str,
        amount: Money,
    ) -> Result<Money, SettleError> {
        let own = payment.state.taken().is_some_and(|taken| taken.capture_ref == reference);
        let (merchant, kind) = (payment.merchant, FindingKind::Reversed);
        if !own || self.0.store.finding_about(merchant, kind, reference).await?.is_some() {
            return Ok(Money::zero(amount.currency()));
        }
        let findings = self.0.store.findings_of(merchant, payment.id).await?;
        // A dispute's own are booked as what the dispute moved.
        let told = findings
            .iter()
            .map(|found| &found.value)
            .filter(|found| found.kind == kind && !found.fact.contains('#'));
        // Below zero it came back.
        let told = told.filter_map(|found| found.amount);
        let told = told.filter(|told| told.currency() == amount.currency() && told.is_positive());
        Money::sum(amount.currency(), told).and_then(|told| told.min(amount)).map_err(broken)
    }

    /// The payment with what the gateway did to its money.
    pub(super) fn tell_fact(
        &self,
        change: &mut Change,
        event: &str,
        payment: &Payment,
        reference: &str,
        amount: Money,
        reason: &str,
    ) -> Result<(), SettleError> {
        let mut data = serde_json::to_value(PaymentView::of(payment)).map_err(broken)?;
        data["hold"] = serde_json::json!({ "reference": reference, "amount": amount, "reason": reason });
        self.tell(change, payment.merchant, event, &payment.id.to_string(), data);
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "a finding has this many sides")]
    async fn explain(
        &self,
        change: &mut Change,
        kind: FindingKind,
        account: &GatewayAccount,
        payment: &Payment,
        fact: &str,
        amount: Money,
        detail: &str,
    ) -> Result<(), SettleError> {
        let mut finding = self.finding(kind, account, fact, Some(amount), format!("{amount}: {detail}"));
        finding.payment = Some(payment.id.to_string());
        self.open(change, finding).await
    }
}
