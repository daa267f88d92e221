//! Disputes v1: the payer complains, the money is held or taken, evidence is handed in, somebody decides.
//!
//! A complaint (`INQUIRY`) holds the money; a charge-back takes it at once and costs a fee. Whoever does not answer in
//! ten days has lost. Movements are told without ids, as at PayPal.

mod calls;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::book::{Record, Session};
use super::super::scenario::Scenario;
use super::super::{Sandbox, SandboxError, serial};
use super::account::{self, Movement};
use super::captures::{self, Capture, CaptureState};
use super::envelope::Refusal;
use super::order::Order;
use super::{App, amount, events, orders, stamp};

use crate::money::Money;
pub(super) use calls::{accept_claim, adjudicate, list, provide_evidence, require_evidence, show};

/// The seller answers within this, or has lost.
const PATIENCE: TimeDelta = TimeDelta::days(10);
/// What a charge-back costs, in units of its currency.
const FEE_UNITS: i64 = 20;

const WAITING: &str = "WAITING_FOR_SELLER_RESPONSE";
const REVIEW: &str = "UNDER_REVIEW";
const RESOLVED: &str = "RESOLVED";

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Dispute {
    id: String,
    client_id: String,
    capture_id: String,
    amount: Money,
    reason: String,
    stage: String,
    status: String,
    outcome: Option<String>,
    /// The money is on the account and cannot be used.
    held: bool,
    /// Taken and not given back.
    taken: bool,
    movements: Vec<Moved>,
    evidences: Vec<Value>,
    created: DateTime<Utc>,
    updated: DateTime<Utc>,
    due: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Moved {
    amount: Money,
    debit: bool,
    reason: String,
    at: DateTime<Utc>,
}

impl Record for Dispute {
    const KIND: &'static str = "paypal.dispute";
    fn id(&self) -> &str {
        &self.id
    }
    fn alias(&self) -> Option<&str> {
        Some(&self.capture_id)
    }
    fn due(&self) -> Option<DateTime<Utc>> {
        self.due.filter(|_| self.status == WAITING)
    }
}

/// Everything a dispute moves with.
struct Case<'a> {
    sandbox: &'a Sandbox,
    app: App,
    order: Order,
    capture: Capture,
}

impl Dispute {
    fn is_open(&self) -> bool {
        self.status != RESOLVED
    }

    fn represent(&self, sandbox: &Sandbox, capture: &Capture) -> Value {
        let status = match (self.held, self.taken) {
            (true, _) => "HELD",
            (_, true) => "REVERSED",
            _ => "COMPLETED",
        };
        let mut transaction = json!({
            "seller_transaction_id": capture.id,
            "create_time": stamp(capture.created),
            "transaction_status": status,
            "gross_amount": amount::write(capture.amount),
        });
        captures::set(&mut transaction, "custom", capture.custom_id.as_deref());
        captures::set(&mut transaction, "invoice_number", capture.invoice_id.as_deref());
        let movements: Vec<Value> = self
            .movements
            .iter()
            .map(|moved| {
                json!({"affected_party": "SELLER", "amount": amount::write(moved.amount), "reason": moved.reason,
                       "initiated_time": stamp(moved.at), "type": if moved.debit { "DEBIT" } else { "CREDIT" }})
            })
            .collect();
        let href = format!("{}/v1/customer/disputes/{}", sandbox.paypal_url(), self.id);
        let mut shown = json!({
            "dispute_id": self.id,
            "create_time": stamp(self.created),
            "update_time": stamp(self.updated),
            "disputed_transactions": [transaction],
            "reason": self.reason,
            "status": self.status,
            "dispute_amount": amount::write(self.amount),
            "dispute_life_cycle_stage": self.stage,
            "dispute_channel": "INTERNAL",
            "links": [{"href": href, "rel": "self", "method": "GET"}],
        });
        if !movements.is_empty() {
            shown["money_movements"] = Value::Array(movements);
        }
        if !self.evidences.is_empty() {
            shown["evidences"] = Value::Array(self.evidences.clone());
        }
        if let Some(outcome) = &self.outcome {
            shown["dispute_outcome"] = json!({"outcome_code": outcome});
        }
        if let Some(due) = self.due.filter(|_| self.status == WAITING) {
            shown["seller_response_due_date"] = json!(stamp(due));
        }
        shown
    }

    fn begin(case: &Case<'_>, chargeback: bool) -> Dispute {
        let now = case.sandbox.clock.now();
        let left = case.capture.amount.minor() - case.capture.refunded.minor();
        Dispute {
            id: format!("PP-D-{}", serial::capitals(&case.sandbox.ids, 12)),
            client_id: case.app.client_id.clone(),
            capture_id: case.capture.id.clone(),
            amount: Money::from_minor(left, case.capture.amount.currency()),
            reason: if chargeback { "UNAUTHORISED" } else { "MERCHANDISE_OR_SERVICE_NOT_RECEIVED" }
                .to_owned(),
            stage: if chargeback { "CHARGEBACK" } else { "INQUIRY" }.to_owned(),
            status: WAITING.to_owned(),
            outcome: None,
            held: false,
            taken: false,
            movements: vec![],
            evidences: vec![],
            created: now,
            updated: now,
            due: Some(now + PATIENCE),
        }
    }

    /// The account loses (or gets back) so much.
    async fn moves(
        &mut self,
        case: &Case<'_>,
        session: &mut Session,
        (debit, reason): (bool, &str),
        amount: Money,
    ) -> Result<(), Refusal> {
        let at = case.sandbox.clock.now();
        let code = match (reason, debit) {
            ("CHARGEBACK_FEE", _) => "T0106",
            (_, true) => "T1106",
            (_, false) => "T1202",
        };
        let signed = if debit { amount.negated() } else { amount };
        let id = serial::capitals(&case.sandbox.ids, 17);
        let converted = captures::converted(&case.app, signed)?;
        let movement = Movement::of_dispute(&id, &case.capture, code, signed, converted, at);
        account::book(session, &case.app, case.sandbox, movement).await?;
        self.movements.push(Moved { amount, debit, reason: reason.to_owned(), at });
        Ok(())
    }

    async fn holds(&mut self, case: &Case<'_>, session: &mut Session, held: bool) -> Result<(), Refusal> {
        if self.held != held {
            account::withhold(session, &case.app, self.amount, held).await?;
            self.held = held;
        }
        Ok(())
    }

    /// It is decided: what was held is free, and the money goes where the outcome says.
    async fn resolve(
        &mut self,
        case: &Case<'_>,
        session: &mut Session,
        outcome: &str,
    ) -> Result<(), Refusal> {
        self.holds(case, session, false).await?;
        let against = matches!(outcome, "RESOLVED_BUYER_FAVOUR" | "ACCEPTED");
        if against != self.taken {
            self.moves(case, session, (against, "DISPUTE_SETTLEMENT"), self.amount).await?;
            self.taken = against;
        }
        self.status = RESOLVED.to_owned();
        self.outcome = Some(outcome.to_owned());
        self.due = None;
        Ok(())
    }

    /// Written down and told.
    async fn tell(&mut self, case: &Case<'_>, session: &mut Session, name: &str) -> Result<(), Refusal> {
        self.updated = case.sandbox.clock.now();
        session.put(self).await?;
        let resource = self.represent(case.sandbox, &case.capture);
        Ok(events::announce(case.sandbox, session, &case.order, name, "dispute", resource).await?)
    }
}

/// A scenario strikes an order: at once where it is captured. `false`: there is nothing to dispute yet.
pub(super) async fn strike(
    sandbox: &Sandbox,
    session: &mut Session,
    order: &Order,
    scenario: Scenario,
) -> Result<bool, SandboxError> {
    let taken = session.under::<Capture>(&order.id).await?;
    let Some(capture) = taken.into_iter().find(|capture| matches!(capture.state, CaptureState::Completed(_)))
    else {
        return Ok(false);
    };
    let app = orders::app_of(session, order).await?;
    let case = Case { sandbox, app, order: order.clone(), capture };
    let struck = struck(&case, session, scenario).await;
    struck.map_err(|_| SandboxError::Setting("the dispute could not be written down".to_owned()))?;
    Ok(true)
}

async fn struck(case: &Case<'_>, session: &mut Session, scenario: Scenario) -> Result<(), Refusal> {
    let known = session.under::<Dispute>(&case.capture.id).await?.into_iter().rfind(Dispute::is_open);
    let fresh = known.is_none();
    let chargeback = scenario == Scenario::ChargebackFee;
    let mut dispute = known.unwrap_or_else(|| Dispute::begin(case, chargeback));
    if chargeback && !dispute.taken {
        dispute.holds(case, session, false).await?;
        dispute.stage = "CHARGEBACK".to_owned();
        dispute.moves(case, session, (true, "DISPUTE_SETTLEMENT"), dispute.amount).await?;
        dispute.taken = true;
        let fee = Money::from_minor(
            FEE_UNITS * 10_i64.pow(dispute.amount.currency().exponent()),
            dispute.amount.currency(),
        );
        dispute.moves(case, session, (true, "CHARGEBACK_FEE"), fee).await?;
    } else if fresh {
        dispute.holds(case, session, true).await?;
    }
    if fresh {
        dispute.tell(case, session, "CUSTOMER.DISPUTE.CREATED").await?;
    }
    let outcome = match scenario {
        Scenario::DisputeWon => "RESOLVED_SELLER_FAVOUR",
        Scenario::DisputeLost => "RESOLVED_BUYER_FAVOUR",
        Scenario::DisputePaidByGateway => "RESOLVED_WITH_PAYOUT",
        _ if fresh => return Ok(()),
        _ => return dispute.tell(case, session, "CUSTOMER.DISPUTE.UPDATED").await,
    };
    dispute.resolve(case, session, outcome).await?;
    dispute.tell(case, session, "CUSTOMER.DISPUTE.RESOLVED").await
}

/// Disputes that nobody answered in time are the payer's.
pub(super) async fn lapse(
    sandbox: &Sandbox,
    session: &mut Session,
    now: DateTime<Utc>,
) -> Result<(), SandboxError> {
    for mut dispute in session.due::<Dispute>(now, u32::MAX).await? {
        let Some(capture) = session.find::<Capture>(&dispute.capture_id).await? else { continue };
        let Some(order) = session.find::<Order>(&capture.order_id).await? else { continue };
        let app = orders::app_of(session, &order).await?;
        let case = Case { sandbox, app, order, capture };
        let lost = async {
            dispute.resolve(&case, session, "RESOLVED_BUYER_FAVOUR").await?;
            dispute.tell(&case, session, "CUSTOMER.DISPUTE.RESOLVED").await
        };
        lost.await.map_err(|_| SandboxError::Setting("a dispute could not lapse".to_owned()))?;
    }
    Ok(())
}

/// What disputes took of a capture and did not give back, and whether one is open.
pub(super) async fn standing(session: &mut Session, capture: &Capture) -> Result<(i64, bool), SandboxError> {
    let disputes = session.under::<Dispute>(&capture.id).await?;
    let taken = disputes.iter().filter(|dispute| dispute.taken).map(|dispute| dispute.amount.minor()).sum();
    Ok((taken, disputes.iter().any(Dispute::is_open)))
}
