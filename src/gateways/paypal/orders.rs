//! Orders: opening one, asking about one, capturing one.

use chrono::{DateTime, Utc};

use super::api::{Said, request_id};
use super::errors::Class;
use super::status::{self, CaptureStatus, OrderStatus};
use super::{ORDER_LIFE, PayPal, amount, reports, wire};
use crate::domain::fx::Country;
use crate::domain::orders::{Capture, MoneyReport, PaymentReport, ReportKind};
use crate::gateways::{GatewayError, GatewaySecrets, NextAction, PaymentRequest, PaymentSession, text};

const DESCRIPTION_LIMIT: usize = 127;

/// Where the shopper approves the order; `None` when it names no such place.
fn session(order: wire::Order, expires_at: DateTime<Utc>) -> Option<PaymentSession> {
    let approve = order.links.into_iter().find(|link| link.rel == "payer-action" || link.rel == "approve")?;
    Some(PaymentSession {
        gateway_ref: Some(order.id),
        next_action: NextAction::Redirect { url: approve.href },
        secrets: GatewaySecrets::default(),
        expires_at,
    })
}

impl PayPal {
    pub(super) async fn open_order(&self, request: &PaymentRequest) -> Result<PaymentSession, GatewayError> {
        let order = self.create(request).await?.granted()?;
        let id = order.id.clone();
        session(order, self.clock.now() + ORDER_LIFE)
            .ok_or_else(|| GatewayError::OutcomeUnknown(format!("order {id} came without an approval link")))
    }

    /// The order shows its links to whoever asks for it; while its id is unknown the creation is repeated under its own
    /// request id, which PayPal answers with the first order. `None` once it has lapsed.
    pub(super) async fn find_order(
        &self,
        request: &PaymentRequest,
    ) -> Result<Option<PaymentSession>, GatewayError> {
        let until = request.created_at + ORDER_LIFE;
        if self.clock.now() >= until {
            return Ok(None);
        }
        let said = match &request.gateway_ref {
            Some(order) => self.get_order(order).await?,
            None => self.create(request).await?,
        };
        match said {
            Said::Nothing => Ok(None),
            said => Ok(session(said.granted()?, until)),
        }
    }

    async fn create(&self, request: &PaymentRequest) -> Result<Said<wire::Order>, GatewayError> {
        let body = self.order_body(request)?;
        let id = request_id(&request.request_ref, "order")?;
        self.api.post("/v2/checkout/orders", Some(&id), body).await
    }

    /// The same request always gives the same bytes: PayPal holds a repeated id against the first body.
    fn order_body(&self, request: &PaymentRequest) -> Result<Vec<u8>, GatewayError> {
        let impossible = |why: String| GatewayError::NotSent(why);
        let order = wire::OrderRequest {
            intent: "CAPTURE",
            purchase_units: [wire::PurchaseUnitRequest {
                reference_id: "default",
                custom_id: &request.request_ref,
                invoice_id: &request.request_ref,
                description: text::shorten(&request.description, DESCRIPTION_LIMIT),
                amount: amount::write(request.amount)
                    .ok_or_else(|| impossible(format!("PayPal cannot write {}", request.amount)))?,
                payee: wire::PayeeRequest { merchant_id: &self.merchant_id },
            }],
            payment_source: wire::PaymentSource {
                paypal: wire::Wallet {
                    experience_context: wire::ExperienceContext {
                        return_url: &request.return_url,
                        // The shopper who turns back comes without `PayerID`; the order says that nothing was agreed.
                        cancel_url: &request.return_url,
                        user_action: "PAY_NOW",
                        shipping_preference: "NO_SHIPPING",
                    },
                },
            },
        };
        serde_json::to_vec(&order).map_err(|error| impossible(error.to_string()))
    }

    /// Asks for the order. While its id is unknown (the answer to its creation was lost) the creation is repeated
    /// under its own request id, which PayPal answers with the first order; it moves no money.
    pub(super) async fn look_up(&self, request: &PaymentRequest) -> Result<PaymentReport, GatewayError> {
        let lapsed = self.clock.now() >= request.created_at + ORDER_LIFE;
        let said = match &request.gateway_ref {
            Some(order) => self.get_order(order).await?,
            // Nobody was ever shown this order, so nobody approved it.
            None if lapsed => return Ok(PaymentReport::of(ReportKind::Expired)),
            None => self.create(request).await?,
        };
        match said {
            Said::Yes(order, sha256) => {
                Ok(PaymentReport { answer_sha256: Some(sha256), ..self.report(order).await? })
            }
            Said::Nothing if lapsed => Ok(PaymentReport::of(ReportKind::Expired)),
            Said::Nothing => Ok(PaymentReport::of(ReportKind::NotFound)),
            Said::No(refusal) => Err(refusal.into_error()),
        }
    }

    pub(super) async fn get_order(&self, order: &str) -> Result<Said<wire::Order>, GatewayError> {
        if !wire::is_order_id(order) {
            return Err(GatewayError::NotSent("not an order id".into()));
        }
        self.api.get(&format!("/v2/checkout/orders/{order}")).await
    }

    /// Takes the money. Where PayPal says that it was taken before, the order tells how.
    pub(super) async fn capture(&self, request: &PaymentRequest) -> Result<PaymentReport, GatewayError> {
        let order = request.gateway_ref.as_deref().filter(|order| wire::is_order_id(order));
        let order = order.ok_or_else(|| GatewayError::NotSent("the order id is not known yet".into()))?;
        let id = request_id(&request.request_ref, "capture")?;
        let path = format!("/v2/checkout/orders/{order}/capture");
        match self.api.post::<wire::Order>(&path, Some(&id), b"{}".to_vec()).await? {
            Said::No(refusal) if refusal.class == Class::AskOrder => {
                let order = self.get_order(order).await.and_then(Said::granted);
                // A failed question leaves the capture itself in the dark.
                self.report(order.map_err(|error| GatewayError::OutcomeUnknown(error.to_string()))?).await
            }
            said => self.report(said.granted()?).await,
        }
    }

    /// Reads an order. Payee and references are told as PayPal names them; the flow holds them against ours.
    async fn report(&self, order: wire::Order) -> Result<PaymentReport, GatewayError> {
        let unit = order.purchase_units.first();
        let payer_country = reports::payer_country(&order);
        let mut report = PaymentReport {
            gateway_ref: Some(order.id.clone()),
            request_ref: unit.and_then(|unit| unit.custom_id.clone()),
            account: unit.and_then(|unit| unit.payee.as_ref()).and_then(|payee| payee.merchant_id.clone()),
            kind: ReportKind::RequiresAction,
            refunds: vec![],
            money: vec![],
            disputes: vec![],
            answer_sha256: None,
        };
        if let Some(unit) = unit {
            let refunds = unit.payments.refunds.iter().map(|refund| reports::refund(refund, &self.clock));
            report.refunds = refunds.collect::<Result<_, _>>()?;
        }
        if let Some(capture) = unit.and_then(|unit| reports::telling(&unit.payments.captures)) {
            self.report_capture(capture.clone(), payer_country, &mut report).await?;
            return Ok(report);
        }
        let word = order.status.as_deref().unwrap_or_default();
        report.kind = match status::order(word) {
            Some(OrderStatus::Open) => ReportKind::RequiresAction,
            Some(OrderStatus::Approved) => {
                let amount = unit.and_then(|unit| unit.amount.as_ref()).map(amount::read).transpose();
                ReportKind::Authorised { amount: amount.map_err(GatewayError::OutcomeUnknown)? }
            }
            Some(OrderStatus::Voided) => ReportKind::Cancelled { code: word.to_owned() },
            // Processed, but no capture came with it: not for us to guess.
            Some(OrderStatus::Processed) => ReportKind::Unknown { raw: "COMPLETED without a capture".into() },
            None => ReportKind::Unknown { raw: word.to_owned() },
        };
        Ok(report)
    }

    async fn report_capture(
        &self,
        mut capture: wire::Capture,
        payer_country: Option<Country>,
        report: &mut PaymentReport,
    ) -> Result<(), GatewayError> {
        let reason = capture.status_details.as_ref().and_then(|details| details.reason.clone());
        let Some(stands) = status::capture(&capture.status, reason.as_deref()) else {
            report.kind = ReportKind::Unknown { raw: capture.status };
            return Ok(());
        };
        match stands {
            CaptureStatus::Waiting => {
                let now = self.clock.now();
                report.kind =
                    reports::waiting(capture, reason, &now).map_err(GatewayError::OutcomeUnknown)?;
                return Ok(());
            }
            CaptureStatus::Refused => {
                report.kind = ReportKind::Failed { code: reason.unwrap_or(capture.status) };
                return Ok(());
            }
            CaptureStatus::Taken | CaptureStatus::Held | CaptureStatus::TakenBack => {}
        }
        if capture.status == "COMPLETED" && capture.seller_receivable_breakdown.is_none() {
            // The capture itself names its fee where the order left it out. A failed question is asked again: what is
            // settled without its fee stays so.
            let unknown = |error: GatewayError| GatewayError::OutcomeUnknown(error.to_string());
            if let Said::Yes(whole, _) = self.get_capture(&capture.id).await.map_err(unknown)? {
                capture.seller_receivable_breakdown = whole.seller_receivable_breakdown;
            }
        }
        let taken = reports::capture(&capture, &self.clock.now()).map_err(GatewayError::OutcomeUnknown)?;
        let taken = Capture { payer_country, ..taken };
        let (reference, amount, at) = (capture.id, taken.amount, taken.at);
        if matches!(stands, CaptureStatus::Held | CaptureStatus::TakenBack) {
            report.disputes = self.disputes_about(&reference).await?;
        }
        match stands {
            // The disputes say what is held and what was taken.
            _ if !report.disputes.is_empty() => {}
            CaptureStatus::Held => {
                report.money.push(MoneyReport::Held { reference, amount, reason: "dispute".into(), at });
            }
            CaptureStatus::TakenBack => report.money.push(MoneyReport::Reversed { reference, amount, at }),
            _ => {}
        }
        report.kind = ReportKind::Captured(taken);
        Ok(())
    }

    async fn get_capture(&self, capture: &str) -> Result<Said<wire::Capture>, GatewayError> {
        self.api.get(&format!("/v2/payments/captures/{capture}")).await
    }
}
