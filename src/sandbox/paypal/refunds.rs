//! Payments v2: refunds of captures. The fee stays with PayPal, and the account may go below zero.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::book::{Record, Session};
use super::super::scenario::Scenario;
use super::super::{Sandbox, serial};
use super::account::{self, Movement};
use super::captures::{self, Capture, CaptureState};
use super::delay::PayPalDelay;
use super::envelope::{Answer, Refusal};
use super::order::{Order, refuse_amount};
use super::{App, Call, amount, disputes, events, stamp};
use crate::money::Money;

/// Refunds are taken this long after the capture.
const REFUND_WINDOW: TimeDelta = TimeDelta::days(180);

/// How a refund stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum RefundState {
    /// Paid.
    #[default]
    Completed,
    /// It is decided later; nothing has left the account.
    Pending,
    /// Nothing will.
    Failed,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Refund {
    pub id: String,
    client_id: String,
    capture_id: String,
    pub amount: Money,
    /// Refunded in all, this one included.
    total: Money,
    /// Taken from the account in its own currency, with the rate, where PayPal converted.
    paid: Option<(Money, Decimal)>,
    custom_id: Option<String>,
    invoice_id: Option<String>,
    note_to_payer: Option<String>,
    created: DateTime<Utc>,
    #[serde(default)]
    pub state: RefundState,
}

impl Record for Refund {
    const KIND: &'static str = "paypal.refund";
    fn id(&self) -> &str {
        &self.id
    }
    fn alias(&self) -> Option<&str> {
        Some(&self.capture_id)
    }
}

impl Refund {
    /// As `GET /v2/payments/refunds/{id}` shows it, and a notice's `resource`.
    pub(super) fn represent(&self, sandbox: &Sandbox) -> Value {
        let fee = Money::zero(self.amount.currency());
        let mut breakdown = json!({
            "gross_amount": amount::write(self.amount),
            "paypal_fee": amount::write(fee),
            "net_amount": amount::write(self.amount),
            "total_refunded_amount": amount::write(self.total),
        });
        if let Some((paid, rate)) = self.paid {
            breakdown["net_amount_breakdown"] = json!([{
                "payable_amount": amount::write(self.amount),
                "converted_amount": amount::write(paid),
                "exchange_rate": captures::exchange_rate(self.amount.currency(), paid.currency(), rate),
            }]);
        }
        let mut shown = json!({
            "id": self.id,
            "status": self.status(),
            "amount": amount::write(self.amount),
            "seller_payable_breakdown": breakdown,
            "create_time": stamp(self.created),
            "update_time": stamp(self.created),
            "links": self.links(sandbox),
        });
        if self.state == RefundState::Pending {
            shown["status_details"] = json!({"reason": "ECHECK"});
        }
        captures::set(&mut shown, "custom_id", self.custom_id.as_deref());
        captures::set(&mut shown, "invoice_id", self.invoice_id.as_deref());
        captures::set(&mut shown, "note_to_payer", self.note_to_payer.as_deref());
        shown
    }

    fn status(&self) -> &'static str {
        match self.state {
            RefundState::Completed => "COMPLETED",
            RefundState::Pending => "PENDING",
            RefundState::Failed => "FAILED",
        }
    }

    fn links(&self, sandbox: &Sandbox) -> Value {
        json!([
            captures::link(sandbox, "self", "GET", &format!("/v2/payments/refunds/{}", self.id)),
            captures::link(sandbox, "up", "GET", &format!("/v2/payments/captures/{}", self.capture_id)),
        ])
    }

    /// One that the merchant makes at PayPal's own pages: it carries what its capture carries.
    pub(super) fn by_hand(id: String, capture: &Capture, amount: Money, now: DateTime<Utc>) -> Refund {
        Refund {
            id,
            client_id: capture.client_id.clone(),
            capture_id: capture.id.clone(),
            amount,
            total: capture.refunded,
            paid: None,
            custom_id: capture.custom_id.clone(),
            invoice_id: capture.invoice_id.clone(),
            note_to_payer: None,
            created: now,
            state: RefundState::Pending,
        }
    }

    /// Its money leaves the account now.
    pub(super) async fn pay(
        &mut self,
        session: &mut Session,
        (sandbox, app): (&Sandbox, &App),
        capture: &Capture,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        self.paid = captures::converted(app, self.amount)?;
        self.state = RefundState::Completed;
        let movement = Movement::of_refund(&self.id, capture, self.amount, self.paid, now);
        account::book(session, app, sandbox, movement).await
    }
}

/// `GET /v2/payments/refunds/{id}`.
pub(super) async fn show(call: &mut Call<'_>, id: &str) -> Result<Answer, Refusal> {
    let refund: Refund = call.session.find(id).await?.ok_or_else(Refusal::not_found)?;
    if refund.client_id != call.app.client_id {
        return Err(Refusal::forbidden());
    }
    Ok(Answer::ok(refund.represent(call.sandbox)))
}

/// `POST /v2/payments/captures/{id}/refund`: the amount named, else all that is left. The fee stays with PayPal; the
/// account may go below zero.
pub(super) async fn create(call: &mut Call<'_>, id: &str) -> Result<Answer, Refusal> {
    let body = call.object(false)?;
    let mut capture = captures::own(call, id).await?;
    match capture.state {
        CaptureState::Pending => {
            return Err(Refusal::unprocessable("PENDING_CAPTURE"));
        }
        CaptureState::Declined => {
            return Err(Refusal::unprocessable("REFUND_NOT_ALLOWED"));
        }
        CaptureState::Completed(_) => {}
    }
    let (taken, disputed) = disputes::standing(&mut call.session, &capture).await?;
    if taken > 0 && taken + capture.refunded.minor() >= capture.amount.minor() {
        return Err(Refusal::unprocessable("REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK"));
    }
    let left = Money::from_minor(
        capture.amount.minor() - capture.refunded.minor() - taken,
        capture.amount.currency(),
    );
    if left.is_zero() {
        return Err(Refusal::unprocessable("CAPTURE_FULLY_REFUNDED"));
    }
    if call.now > capture.created + REFUND_WINDOW {
        return Err(Refusal::unprocessable("REFUND_TIME_LIMIT_EXCEEDED"));
    }
    let asked = match body.get("amount") {
        Some(sent) => amount::read(Some(sent), "/amount", false).map_err(refuse_amount)?,
        None => left,
    };
    if asked.currency() != capture.amount.currency() {
        return Err(Refusal::unprocessable("REFUND_CAPTURE_CURRENCY_MISMATCH"));
    }
    if asked.minor() > left.minor() {
        return Err(Refusal::unprocessable("REFUND_AMOUNT_EXCEEDED"));
    }
    if disputed && asked != left {
        return Err(Refusal::unprocessable("TRANSACTION_DISPUTED"));
    }
    let mut order: Order = call.session.find(&capture.order_id).await?.ok_or_else(Refusal::internal)?;
    if order.faults.strikes(Scenario::InsufficientBalance, "funds") {
        call.session.put(&order).await?;
        return Ok(Refusal::unprocessable("REFUND_FAILED_INSUFFICIENT_FUNDS").answer(call.sandbox));
    }
    if order.faults.strikes(Scenario::RefundRefused, "refund") {
        call.session.put(&order).await?;
        return Ok(Refusal::unprocessable("REFUND_NOT_ALLOWED").answer(call.sandbox));
    }
    capture.refunded = Money::from_minor(capture.refunded.minor() + asked.minor(), asked.currency());
    capture.updated = call.now;
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let waits = PayPalDelay::of(&mut call.session, capture.custom_id.as_deref()).await?.refunds;
    let mut refund = Refund {
        id: serial::capitals(&call.sandbox.ids, 17),
        client_id: call.app.client_id.clone(),
        capture_id: capture.id.clone(),
        amount: asked,
        total: capture.refunded,
        paid: None,
        custom_id: text("custom_id").or_else(|| capture.custom_id.clone()),
        invoice_id: text("invoice_id"),
        note_to_payer: text("note_to_payer"),
        created: call.now,
        state: RefundState::Pending,
    };
    if !waits {
        refund.pay(&mut call.session, (call.sandbox, &call.app), &capture, call.now).await?;
    }
    let broken = order.faults.strikes(Scenario::TimeoutAfterSuccess, "refund");
    call.session.put(&order).await?;
    call.session.put(&capture).await?;
    call.session.put(&refund).await?;
    let resource = refund.represent(call.sandbox);
    let name = if waits { "PAYMENT.REFUND.PENDING" } else { "PAYMENT.CAPTURE.REFUNDED" };
    events::announce(call.sandbox, &mut call.session, &order, name, "refund", resource.clone()).await?;
    let shown = if call.wants_representation() {
        resource
    } else {
        json!({"id": refund.id, "status": refund.status(), "links": refund.links(call.sandbox)})
    };
    Ok(Answer::created(shown).broken_if(broken))
}

/// What was paid back of a capture, as an order lists it.
pub(super) async fn refunds_of(call: &mut Call<'_>, capture_id: &str) -> Result<Vec<Value>, Refusal> {
    let refunds: Vec<Refund> = call.session.under(capture_id).await?;
    Ok(refunds.iter().map(|refund| refund.represent(call.sandbox)).collect())
}
