//! A capture becomes postings: divided where it is what was asked, in suspense or owed back where it is not.

use crate::domain::fees::{FeeKind, FeeLine};
use crate::domain::findings::FindingKind;
use crate::domain::ledger::journal::{self, Booking, ChargedFee};
use crate::domain::merchants::GatewayAccount;
use crate::domain::orders::{Capture, Held, Payment, PaymentState};
use crate::domain::settlement::{GatewayFee, LineKind, Settlement, SettlementInput, settle};
use crate::domain::splits::Agreement;
use crate::money::Money;
use crate::store::Change;
use crate::store::settlements::SettlementRecord;

use super::asked::{charge, waiting};
use super::convert::Exchanges;
use super::{CaptureStanding, SettleError, Settlements, broken, post};

impl Settlements {
    pub(super) async fn settle_capture(
        &self,
        payment: &Payment,
        account: &GatewayAccount,
        capture: &Capture,
        standing: CaptureStanding,
    ) -> Result<Change, SettleError> {
        match standing {
            CaptureStanding::Matched | CaptureStanding::Late => match self
                .compute(payment, account, capture)
                .await?
            {
                Ok(divided) => self.divide(payment, account, capture, divided).await,
                Err(why) => self.set_aside(payment, account, capture, FindingKind::Indivisible, why).await,
            },
            CaptureStanding::SecondOfOrder => {
                let why = format!("order {} is paid already by another payment", payment.order_ref);
                self.set_aside(payment, account, capture, FindingKind::DoublePayment, why).await
            }
            CaptureStanding::Mismatch => {
                let mut change = Change::new();
                let subject = payment.id.to_string();
                let booking = self.booking(payment, account, &capture.capture_ref, &subject, capture.at);
                post(&mut change, journal::captured_unmatched(&booking, capture.amount))?;
                self.book_undivided_fee(&mut change, &booking, payment, account, capture).await?;
                Ok(change)
            }
        }
    }

    /// The settlement of a capture, and what it was computed from; the inner error says why it cannot be divided.
    async fn compute(
        &self,
        payment: &Payment,
        account: &GatewayAccount,
        capture: &Capture,
    ) -> Result<Result<(Settlement, Exchanges), String>, SettleError> {
        let merchant = self.merchant(payment.merchant).await?;
        let terms = serde_json::from_value(payment.terms.clone()).map_err(broken)?;
        let agreement = match Agreement::try_new(terms, capture.amount) {
            Ok(agreement) => agreement,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let charge = charge(payment, account, &merchant, capture);
        let fees = &self.0.fees;
        let shared = capture.receivable.map_or(capture.amount, |(received, _)| received).currency();
        let spread = fees.markup(&charge).map_err(broken)?;
        let exchanges =
            self.exchanges(account, agreement.suppliers(), payment.merchant, shared, spread).await?;
        let received_mid = capture
            .receivable
            .and_then(|(received, _)| self.mid(capture.amount.currency(), received.currency()));
        let scheduled = fees.assess(&charge).map_err(broken)?;
        let input = SettlementInput {
            merchant: &merchant,
            account,
            agreement: &agreement,
            fee: gateway_fee(capture, scheduled),
            received: capture.receivable,
            received_mid: received_mid.map(|market| market.rate),
            commission: fees.commission(&charge),
            exchanges: &exchanges.by_supplier,
        };
        Ok(settle(&input).map(|settlement| (settlement, exchanges)).map_err(|error| error.to_string()))
    }

    /// Books a divided capture and writes its settlement down.
    async fn divide(
        &self,
        payment: &Payment,
        account: &GatewayAccount,
        capture: &Capture,
        (settlement, exchanges): (Settlement, Exchanges),
    ) -> Result<Change, SettleError> {
        let subject = payment.id.to_string();
        let booking = self.booking(payment, account, &capture.capture_ref, &subject, capture.at);
        let mut change = Change::new();
        let transactions = match held_before(payment, capture) {
            None => settlement.book(&booking).map_err(broken)?,
            Some(held) => {
                self.out_of_suspense(&mut change, &booking, held, capture.amount)?;
                self.correct_fee(&mut change, &booking, &settlement).await?;
                settlement.book_division(&booking).map_err(broken)?
            }
        };
        for transaction in transactions {
            change.post(transaction);
        }
        self.write_down(&mut change, payment, &settlement, &exchanges)?;
        Ok(change)
    }

    /// Divides money that stood aside and is in clearing by now; the inner error says why it cannot be divided.
    pub(in crate::flows) async fn divide_adopted(
        &self,
        payment: &Payment,
        account: &GatewayAccount,
        capture: &Capture,
        booking: &Booking<'_>,
    ) -> Result<Result<Change, String>, SettleError> {
        let (settlement, exchanges) = match self.compute(payment, account, capture).await? {
            Ok(computed) => computed,
            Err(why) => return Ok(Err(why)),
        };
        let mut change = Change::new();
        for transaction in settlement.book_division(booking).map_err(broken)? {
            change.post(transaction);
        }
        self.write_down(&mut change, payment, &settlement, &exchanges)?;
        Ok(Ok(change))
    }

    /// The settlement's row and event.
    fn write_down(
        &self,
        change: &mut Change,
        payment: &Payment,
        settlement: &Settlement,
        exchanges: &Exchanges,
    ) -> Result<(), SettleError> {
        let record = SettlementRecord {
            id: self.0.ids.mint(),
            merchant: payment.merchant,
            payment: payment.id,
            gross: settlement.gross,
            lines: serde_json::to_string(&settlement.lines).map_err(broken)?,
            frozen: serde_json::to_string(settlement).map_err(broken)?,
            waiting: waiting(settlement)?,
            delivered: "[]".to_owned(),
            rates: serde_json::to_string(&exchanges.evidence).map_err(broken)?,
            fee_version: fee_version(settlement),
            engine: settlement.engine.clone(),
            created_at: self.0.clock.now(),
            released_at: None,
            released: vec![],
        };
        change.insert_settlement(&record);
        let data = serde_json::json!({ "id": record.id, "payment": payment.id, "gross": settlement.gross, "lines": settlement.lines });
        self.tell(change, payment.merchant, "settlement.created", &payment.id.to_string(), data);
        Ok(())
    }

    /// Money that is ours to hold and nobody's to have: a second payment is owed back (2010), what cannot be divided
    /// stands in suspense (2900).
    async fn set_aside(
        &self,
        payment: &Payment,
        account: &GatewayAccount,
        capture: &Capture,
        kind: FindingKind,
        why: String,
    ) -> Result<Change, SettleError> {
        let mut change = Change::new();
        let subject = payment.id.to_string();
        let booking = self.booking(payment, account, &capture.capture_ref, &subject, capture.at);
        if let Some(held) = held_before(payment, capture) {
            let difference = capture.amount.checked_sub(held.amount).map_err(broken)?;
            post(&mut change, journal::suspense_booked(&booking, difference))?;
        } else {
            post(
                &mut change,
                match kind {
                    FindingKind::DoublePayment => journal::captured_twice(&booking, capture.amount),
                    _ => journal::captured_unmatched(&booking, capture.amount),
                },
            )?;
            self.book_undivided_fee(&mut change, &booking, payment, account, capture).await?;
        }
        let mut finding = self.finding(kind, account, &capture.capture_ref, Some(capture.amount), why);
        finding.payment = Some(subject.clone());
        self.open(&mut change, finding).await?;
        Ok(change)
    }

    /// What the gateway took of money that is not divided: the platform's cost.
    async fn book_undivided_fee(
        &self,
        change: &mut Change,
        booking: &Booking<'_>,
        payment: &Payment,
        account: &GatewayAccount,
        capture: &Capture,
    ) -> Result<(), SettleError> {
        let merchant = self.merchant(payment.merchant).await?;
        let jurisdiction = &merchant.tax_jurisdiction;
        if let Some(fee) = capture.fee {
            let charged = ChargedFee { fee, tax: Money::zero(fee.currency()), expected: fee, jurisdiction };
            return post(change, journal::fee_charged(booking, &charged));
        }
        let lines = self.0.fees.assess(&charge(payment, account, &merchant, capture)).map_err(broken)?;
        let sum = |tax: bool| {
            let lines = lines.iter().filter(|line| (line.kind == FeeKind::Tax) == tax);
            Money::sum(capture.amount.currency(), lines.map(|line| line.amount)).map_err(broken)
        };
        post(change, journal::fee_accrued(booking, sum(false)?, sum(true)?, jurisdiction))
    }
}

fn gateway_fee(capture: &Capture, scheduled: Vec<FeeLine>) -> GatewayFee {
    match capture.fee {
        Some(amount) => GatewayFee::Charged { amount, scheduled },
        None => GatewayFee::Accrued(scheduled),
    }
}

/// The money of this capture, if it stands in suspense since an earlier report.
fn held_before<'a>(payment: &'a Payment, capture: &Capture) -> Option<&'a Held> {
    match &payment.state {
        PaymentState::InReview { held: Some(held), .. } if held.capture_ref == capture.capture_ref => {
            Some(held)
        }
        _ => None,
    }
}

/// Which rules the fees came from: `gateway fee@3f2a…, commission@9b1c…`.
fn fee_version(settlement: &Settlement) -> String {
    let fees = settlement
        .lines
        .iter()
        .filter(|line| matches!(line.kind, LineKind::GatewayFee | LineKind::PlatformFee));
    fees.map(|line| format!("{}@{}", line.rule, line.rule_version)).collect::<Vec<_>>().join(", ")
}
