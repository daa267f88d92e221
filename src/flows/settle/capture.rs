//! A capture becomes postings: divided where it is what was asked, in suspense or owed back where it is not.

use crate::domain::fees::FeeKind;
use crate::domain::findings::FindingKind;
use crate::domain::ledger::journal::{self, Booking, ChargedFee};
use crate::domain::merchants::GatewayAccount;
use crate::domain::orders::refund::{Refund, RefundKind};
use crate::domain::orders::{Capture, Held, Payment, PaymentState};
use crate::domain::settlement::{Contract, Inputs, InputsError, Received, Settlement};
use crate::domain::splits::Terms;
use crate::money::Money;
use crate::store::Change;
use crate::store::settlements::SettlementRecord;

use super::asked::{Waiting, charge};
use super::convert::RateEvidence;
use super::told::Told;
use super::{CaptureStanding, SettleError, Settlements, broken, post};

/// A computed settlement with everything it follows from.
struct Divided {
    settlement: Settlement,
    inputs: Inputs,
    evidence: Vec<RateEvidence>,
}

impl Settlements {
    pub(super) async fn settle_capture(
        &self,
        payment: &Payment,
        account: &GatewayAccount,
        capture: &Capture,
        standing: CaptureStanding,
    ) -> Result<Change, SettleError> {
        // What a payment has in review is its own, whoever told of it first.
        let told = match held_before(payment, capture) {
            Some(_) => None,
            None => self.told_before(payment, capture).await?,
        };
        let told = match told {
            Some(Told::Decided) => return self.decided_before(payment, account, capture).await,
            Some(Told::Aside(held)) => Some(held),
            None => None,
        };
        let held = held_before(payment, capture).or(told.as_ref());
        let mut change = match standing {
            CaptureStanding::Matched | CaptureStanding::Late => {
                let goes_back = match held {
                    Some(held) => self.goes_back(payment, held).await?,
                    None => None,
                };
                let computed = match goes_back {
                    Some(why) => Err(why),
                    None => self.compute(payment, account, capture).await?,
                };
                match computed {
                    Ok(divided) => self.divide(payment, account, capture, held, divided).await?,
                    Err(why) => {
                        let why = (FindingKind::Indivisible, why);
                        self.set_aside(payment, account, capture, held, why).await?
                    }
                }
            }
            CaptureStanding::SecondOfOrder => {
                let why = format!("order {} is paid already by another payment", payment.order_ref);
                let why = (FindingKind::DoublePayment, why);
                self.set_aside(payment, account, capture, held, why).await?
            }
            // It stands in suspense since a bill told of it.
            CaptureStanding::Mismatch if held.is_some() => Change::new(),
            CaptureStanding::Mismatch => {
                let mut change = Change::new();
                let subject = payment.id.to_string();
                let booking = self.booking(payment, account, &capture.capture_ref, &subject, capture.at);
                post(&mut change, journal::captured_unmatched(&booking, capture.amount))?;
                self.book_undivided_fee(&mut change, &booking, payment, account, capture).await?;
                change
            }
        };
        self.watch_fee(&mut change, payment, account, capture).await?;
        self.explain_told(&mut change, payment, capture, held.is_some()).await?;
        Ok(change)
    }

    /// Why money that stands aside is not divided: two persons have decided that it goes back.
    async fn goes_back(&self, payment: &Payment, held: &Held) -> Result<Option<String>, SettleError> {
        let refunds = self.0.store.refunds_of(payment.id).await?;
        let of_it = |refund: &&Refund| {
            refund.kind != RefundKind::Settlement && refund.capture_ref == held.capture_ref && refund.counts()
        };
        let refund = refunds.iter().map(|refund| &refund.value).find(of_it);
        Ok(refund.map(|refund| {
            let Refund { id, amount, .. } = refund;
            format!("{amount} of it goes back as {id}, which was decided before the gateway corrected itself")
        }))
    }

    /// The settlement of a capture, and what it was computed from; the inner error says why it cannot be divided.
    async fn compute(
        &self,
        payment: &Payment,
        account: &GatewayAccount,
        capture: &Capture,
    ) -> Result<Result<Divided, String>, SettleError> {
        let merchant = self.merchant(payment.merchant).await?;
        let terms: Terms = serde_json::from_value(payment.terms.clone()).map_err(broken)?;
        let charge = charge(payment, account, &merchant, capture);
        let shared = capture.receivable.map_or(capture.amount, |(received, _)| received).currency();
        let exchanges = self.exchanges(account, terms.suppliers(), payment.merchant, shared).await?;
        let received = capture.receivable.map(|(amount, rate)| {
            let mid = self.mid(capture.amount.currency(), amount.currency());
            Received { amount, rate: rate.into(), mid: mid.map(|market| market.rate.into()) }
        });
        let inputs = Inputs {
            fees: self.fees_kept().await?,
            contract: Contract::of(&merchant, account),
            method: charge.method.map(str::to_owned),
            payer_country: charge.payer_country.map(str::to_owned),
            date: charge.date,
            terms,
            amount: capture.amount,
            charged: capture.fee,
            received,
            exchanges: exchanges.by_supplier,
            later: vec![],
        };
        match inputs.settle(&self.0.fees) {
            Ok(settlement) => Ok(Ok(Divided { settlement, inputs, evidence: exchanges.evidence })),
            Err(error @ InputsError::Fee(_)) => Err(broken(error)),
            Err(error) => Ok(Err(error.to_string())),
        }
    }

    /// Books a divided capture and writes its settlement down.
    async fn divide(
        &self,
        payment: &Payment,
        account: &GatewayAccount,
        capture: &Capture,
        held: Option<&Held>,
        divided: Divided,
    ) -> Result<Change, SettleError> {
        let settlement = &divided.settlement;
        let subject = payment.id.to_string();
        let booking = self.booking(payment, account, &capture.capture_ref, &subject, capture.at);
        let mut change = Change::new();
        let transactions = match held {
            None => settlement.book(&booking).map_err(broken)?,
            Some(held) => {
                self.out_of_suspense(&mut change, &booking, held, capture.amount)?;
                self.correct_fee(&mut change, &booking, settlement).await?;
                settlement.book_division(&booking).map_err(broken)?
            }
        };
        for transaction in transactions {
            change.post(transaction);
        }
        self.write_down(&mut change, payment, &divided)?;
        Ok(change)
    }

    /// Divides money that stood aside and is in clearing by now, as of the day of its capture; the inner error says why it
    /// cannot be divided.
    pub(in crate::flows) async fn divide_adopted(
        &self,
        payment: &Payment,
        account: &GatewayAccount,
        capture: &Capture,
        booking: &Booking<'_>,
    ) -> Result<Result<Change, String>, SettleError> {
        let divided = match self.compute(payment, account, capture).await? {
            Ok(computed) => computed,
            Err(why) => return Ok(Err(why)),
        };
        let mut change = Change::new();
        // An accrued one waits for what the gateway charges.
        if !divided.settlement.fee_accrued {
            self.correct_fee(&mut change, booking, &divided.settlement).await?;
        }
        for transaction in divided.settlement.book_division(booking).map_err(broken)? {
            change.post(transaction);
        }
        self.write_down(&mut change, payment, &divided)?;
        Ok(Ok(change))
    }

    /// The settlement's row and event.
    fn write_down(
        &self,
        change: &mut Change,
        payment: &Payment,
        Divided { settlement, inputs, evidence }: &Divided,
    ) -> Result<(), SettleError> {
        let record = SettlementRecord {
            id: self.0.ids.mint(),
            merchant: payment.merchant,
            payment: payment.id,
            gross: settlement.gross,
            lines: serde_json::to_string(&settlement.lines).map_err(broken)?,
            frozen: serde_json::to_string(settlement).map_err(broken)?,
            waiting: Waiting::at_capture(settlement, inputs.contract.fx_point, self.0.clock.now())
                .stored()?,
            delivered: "[]".to_owned(),
            rates: serde_json::to_string(evidence).map_err(broken)?,
            fee_version: settlement.fee_version(),
            engine: settlement.engine.clone(),
            created_at: self.0.clock.now(),
            released_at: None,
            released: vec![],
            inputs: Some(serde_json::to_string(inputs).map_err(broken)?),
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
        held: Option<&Held>,
        (kind, why): (FindingKind, String),
    ) -> Result<Change, SettleError> {
        let mut change = Change::new();
        let subject = payment.id.to_string();
        let booking = self.booking(payment, account, &capture.capture_ref, &subject, capture.at);
        if let Some(held) = held {
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

/// The money of this capture, if it stands in suspense since an earlier report.
fn held_before<'a>(payment: &'a Payment, capture: &Capture) -> Option<&'a Held> {
    match &payment.state {
        PaymentState::InReview { held: Some(held), .. } if held.capture_ref == capture.capture_ref => {
            Some(held)
        }
        _ => None,
    }
}
