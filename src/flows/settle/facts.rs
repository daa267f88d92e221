//! Facts of money beside captures and refunds: fees charged apart, holds, releases, reversals.
//!
//! Each is booked once, under the gateway's own reference. What nobody has explained opens a finding with it.

use crate::crash::{Point, point};
use crate::domain::findings::FindingKind;
use crate::domain::ledger::journal::{self, ChargedFee};
use crate::domain::merchants::GatewayAccount;
use crate::domain::orders::{MoneyReport, Payment};
use crate::flows::pay::PaymentView;
use crate::money::Money;
use crate::store::{Change, CommitError};

use super::{SettleError, Settlements, broken, post};

impl Settlements {
    pub(super) async fn book_fact(
        &self,
        payment: &Payment,
        account: &GatewayAccount,
        report: &MoneyReport,
    ) -> Result<(), SettleError> {
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
            }
            // A bill told it under a name of its own.
            MoneyReport::Reversed { reference, amount, .. }
                if self.is_told(payment, reference, *amount).await? =>
            {
                return Ok(());
            }
            MoneyReport::Reversed { reference, amount, at } => {
                let booking = self.booking(payment, account, reference, &subject, *at);
                post(&mut change, journal::reversed(&booking, *amount))?;
                self.explain(
                    &mut change,
                    FindingKind::Reversed,
                    account,
                    payment,
                    reference,
                    *amount,
                    "taken back by the gateway",
                )
                .await?;
            }
        }
        point(Point::FactRead).await;
        match self.0.store.commit(change).await {
            // Booked before, by another door or an earlier report.
            Ok(_) | Err(CommitError::AlreadyBooked { .. }) => {
                point(Point::FactRecorded).await;
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a capture says that money was taken back which a bill has told before.
    async fn is_told(&self, payment: &Payment, reference: &str, amount: Money) -> Result<bool, SettleError> {
        let own = payment.state.taken().is_some_and(|taken| taken.capture_ref == reference);
        let (merchant, kind) = (payment.merchant, FindingKind::Reversed);
        if !own || self.0.store.finding_about(merchant, kind, reference).await?.is_some() {
            return Ok(false);
        }
        let findings = self.0.store.findings_of(merchant, payment.id).await?;
        // A dispute's own are booked as what the dispute moved.
        let told = findings
            .iter()
            .map(|found| &found.value)
            .filter(|found| found.kind == kind && !found.fact.contains('#'));
        let told = told.filter_map(|found| found.amount).filter(|told| told.currency() == amount.currency());
        let told = Money::sum(amount.currency(), told).map_err(broken)?;
        Ok(told.minor() >= amount.minor())
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
