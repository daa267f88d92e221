//! Payments v2: captures, and what they bring to the account.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::book::{Record, Session};
use super::super::scenario::Scenario;
use super::super::{Sandbox, SandboxError, serial};
use super::account::{self, Movement};
use super::delay::PayPalDelay;
use super::envelope::{Answer, Refusal};
use super::order::{Order, Unit};
use super::{App, Call, amount, disputes, events, orders, stamp};
use crate::money::{Currency, Money};

/// A capture that waits for the payee's decision is denied after this.
const PENDING_LIFE: TimeDelta = TimeDelta::days(30);
/// What a capture in a currency that the account does not hold waits for.
const BY_HAND: &str = "RECEIVING_PREFERENCE_MANDATES_MANUAL_ACTION";

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum CaptureState {
    /// It is decided later: [`Capture::waits_for`] says on what.
    Pending,
    /// Credited.
    Completed(Credit),
    /// The decision did not come.
    Declined,
}

/// What a capture brought.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Credit {
    pub fee: Money,
    pub net: Money,
    /// In the account's currency, with the rate, where PayPal converted.
    pub received: Option<(Money, Decimal)>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Capture {
    pub id: String,
    pub client_id: String,
    pub order_id: String,
    pub reference_id: String,
    pub amount: Money,
    pub is_final: bool,
    pub custom_id: Option<String>,
    pub invoice_id: Option<String>,
    pub state: CaptureState,
    /// Why it waits or waited; without it the account does not hold the currency and PayPal names no rate, so that the
    /// payee has to decide.
    #[serde(default)]
    pub waits_for: Option<String>,
    pub refunded: Money,
    pub created: DateTime<Utc>,
    pub updated: DateTime<Utc>,
}

impl Record for Capture {
    const KIND: &'static str = "paypal.capture";
    fn id(&self) -> &str {
        &self.id
    }
    fn alias(&self) -> Option<&str> {
        Some(&self.order_id)
    }
    fn due(&self) -> Option<DateTime<Utc>> {
        matches!(self.state, CaptureState::Pending).then_some(self.created + PENDING_LIFE)
    }
}

/// An invoice number that was paid; unique for the payee.
#[derive(Serialize, Deserialize)]
struct Invoice {
    id: String,
    capture_id: String,
}

impl Record for Invoice {
    const KIND: &'static str = "paypal.invoice";
    fn id(&self) -> &str {
        &self.id
    }
}

impl Capture {
    fn status(&self) -> &'static str {
        match self.state {
            CaptureState::Pending => "PENDING",
            CaptureState::Declined => "DECLINED",
            CaptureState::Completed(_) if self.refunded == self.amount => "REFUNDED",
            CaptureState::Completed(_) if self.refunded.is_positive() => "PARTIALLY_REFUNDED",
            CaptureState::Completed(_) => "COMPLETED",
        }
    }

    /// As `GET /v2/payments/captures/{id}` shows it.
    pub(super) fn represent(&self, call: &Call<'_>) -> Value {
        self.resource(call.sandbox, &call.app.merchant_id)
    }

    /// The same for a notice's `resource`.
    pub(super) fn resource(&self, sandbox: &Sandbox, merchant_id: &str) -> Value {
        let mut shown = json!({
            "id": self.id,
            "status": self.status(),
            "amount": amount::write(self.amount),
            "final_capture": self.is_final,
            "seller_protection": {"status": "ELIGIBLE",
                "dispute_categories": ["ITEM_NOT_RECEIVED", "UNAUTHORIZED_TRANSACTION"]},
            "payee": {"merchant_id": merchant_id},
            "supplementary_data": {"related_ids": {"order_id": self.order_id}},
            "create_time": stamp(self.created),
            "update_time": stamp(self.updated),
            "links": [
                link(sandbox, "self", "GET", &format!("/v2/payments/captures/{}", self.id)),
                link(sandbox, "refund", "POST", &format!("/v2/payments/captures/{}/refund", self.id)),
                link(sandbox, "up", "GET", &format!("/v2/checkout/orders/{}", self.order_id)),
            ],
        });
        set(&mut shown, "custom_id", self.custom_id.as_deref());
        set(&mut shown, "invoice_id", self.invoice_id.as_deref());
        match &self.state {
            CaptureState::Pending => {
                let reason = self.waits_for.as_deref().unwrap_or(BY_HAND);
                shown["status_details"] = json!({ "reason": reason });
            }
            CaptureState::Declined => {}
            CaptureState::Completed(credit) => {
                let mut breakdown = json!({
                    "gross_amount": amount::write(self.amount),
                    "paypal_fee": amount::write(credit.fee),
                    "net_amount": amount::write(credit.net),
                });
                if let Some((received, rate)) = credit.received {
                    breakdown["receivable_amount"] = amount::write(received);
                    breakdown["exchange_rate"] =
                        exchange_rate(self.amount.currency(), received.currency(), rate);
                }
                shown["seller_receivable_breakdown"] = breakdown;
            }
        }
        shown
    }
}

/// What is to be captured.
pub(super) struct Taking<'a> {
    pub order: &'a Order,
    pub unit: &'a Unit,
    pub asked: Money,
    pub invoice_id: Option<String>,
    pub is_final: bool,
}

/// Captures: fee, conversion, account, notice.
pub(super) async fn take(call: &mut Call<'_>, taking: Taking<'_>) -> Result<Capture, Refusal> {
    let Taking { order, unit, asked, invoice_id, is_final } = taking;
    let wrong = order.faults.has(Scenario::WrongAmount);
    let amount = if wrong { amount::tenth(asked) } else { asked };
    let waits_for = PayPalDelay::of(&mut call.session, unit.custom_id.as_deref()).await?.capture;
    let state = match waits_for {
        Some(_) => CaptureState::Pending,
        None => credit(&call.app, amount)?.map_or(CaptureState::Pending, CaptureState::Completed),
    };
    let capture = Capture {
        id: serial::capitals(&call.sandbox.ids, 17),
        client_id: call.app.client_id.clone(),
        order_id: order.id.clone(),
        reference_id: unit.reference_id.clone(),
        amount,
        is_final,
        custom_id: unit.custom_id.clone(),
        invoice_id,
        state,
        waits_for,
        refunded: Money::zero(amount.currency()),
        created: call.now,
        updated: call.now,
    };
    if let Some(invoice_id) = &capture.invoice_id {
        reserve_invoice(call, invoice_id, &capture.id).await?;
    }
    if let CaptureState::Completed(credit) = &capture.state {
        let differs = order.faults.has(Scenario::BillDiffers);
        let movement = Movement::of_capture(&capture, order, credit, differs);
        account::book(&mut call.session, &call.app, call.sandbox, movement).await?;
    }
    call.session.put(&capture).await?;
    let event = match capture.state {
        CaptureState::Pending => "PAYMENT.CAPTURE.PENDING",
        _ => "PAYMENT.CAPTURE.COMPLETED",
    };
    let resource = capture.represent(call);
    events::announce(call.sandbox, &mut call.session, order, event, "capture", resource).await?;
    for scenario in Scenario::DISPUTES.into_iter().filter(|scenario| order.faults.has(*scenario)) {
        disputes::strike(call.sandbox, &mut call.session, order, scenario).await?;
    }
    Ok(capture)
}

/// `GET /v2/payments/captures/{id}`.
pub(super) async fn show(call: &mut Call<'_>, id: &str) -> Result<Answer, Refusal> {
    let capture = own(call, id).await?;
    Ok(Answer::ok(capture.represent(call)))
}

/// The caller's own capture.
pub(super) async fn own(call: &mut Call<'_>, id: &str) -> Result<Capture, Refusal> {
    let capture: Capture = call.session.find(id).await?.ok_or_else(Refusal::not_found)?;
    if capture.client_id == call.app.client_id { Ok(capture) } else { Err(Refusal::forbidden()) }
}

async fn reserve_invoice(call: &mut Call<'_>, invoice_id: &str, capture_id: &str) -> Result<(), Refusal> {
    let id = format!("{} {invoice_id}", call.app.merchant_id);
    if call.session.find::<Invoice>(&id).await?.is_some() {
        return Err(Refusal::unprocessable("DUPLICATE_INVOICE_ID"));
    }
    Ok(call.session.put(&Invoice { id, capture_id: capture_id.to_owned() }).await?)
}

/// What the account gets for a captured amount; `None` when the payee has to decide first.
fn credit(app: &App, amount: Money) -> Result<Option<Credit>, Refusal> {
    let Credit { fee, net, .. } = accepted(app, amount)?;
    if app.holds.is_empty() || app.holds.contains(&amount.currency()) {
        return Ok(Some(Credit { fee, net, received: None }));
    }
    let received = converted(app, net)?;
    Ok(received.map(|received| Credit { fee, net, received: Some(received) }))
}

/// The same where the payee accepts it as it comes.
pub(super) fn accepted(app: &App, amount: Money) -> Result<Credit, Refusal> {
    let exact = amount.amount() * app.percent.fraction() + app.fixed;
    let fee = amount::round(exact, amount.currency()).ok_or_else(Refusal::internal)?;
    let fee = Money::from_minor(fee.minor().min(amount.minor()), amount.currency());
    let net = Money::from_minor(amount.minor() - fee.minor(), amount.currency());
    Ok(Credit { fee, net, received: None })
}

/// In the currency the account holds instead, with the rate; `None` when it holds this one or no rate is named.
pub(super) fn converted(app: &App, amount: Money) -> Result<Option<(Money, Decimal)>, Refusal> {
    if app.holds.is_empty() || app.holds.contains(&amount.currency()) {
        return Ok(None);
    }
    let rate = app.rates.iter().find(|(from, to, _)| *from == amount.currency() && app.holds.contains(to));
    let Some((_, to, rate)) = rate else { return Ok(None) };
    let received = amount::round(amount.amount() * rate, *to).ok_or_else(Refusal::internal)?;
    Ok(Some((received, *rate)))
}

/// `exchange_rate` as PayPal writes it.
pub(super) fn exchange_rate(from: Currency, to: Currency, rate: Decimal) -> Value {
    json!({"source_currency": from, "target_currency": to, "value": rate.normalize().to_string()})
}

/// Shows a member that is there.
pub(super) fn set(shown: &mut Value, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        shown[name] = json!(value);
    }
}

pub(super) fn link(sandbox: &Sandbox, rel: &str, method: &str, path: &str) -> Value {
    json!({"href": format!("{}{path}", sandbox.paypal_url()), "rel": rel, "method": method})
}

/// Denies captures whose payee did not decide in time; disputes that nobody answered are lost.
pub(in super::super) async fn lapse(
    sandbox: &Sandbox,
    session: &mut Session,
    now: DateTime<Utc>,
) -> Result<(), SandboxError> {
    for mut capture in session.due::<Capture>(now, u32::MAX).await? {
        capture.state = CaptureState::Declined;
        capture.updated = now;
        session.put(&capture).await?;
        let Some(order) = session.find::<Order>(&capture.order_id).await? else { continue };
        let app = orders::app_of(session, &order).await?;
        let resource = capture.resource(sandbox, &app.merchant_id);
        events::announce(sandbox, session, &order, "PAYMENT.CAPTURE.DENIED", "capture", resource).await?;
    }
    disputes::lapse(sandbox, session, now).await
}
