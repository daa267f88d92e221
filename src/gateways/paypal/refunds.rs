//! Refunds of a capture.
//!
//! The refund carries our refund's id as `custom_id` and our payment's as `invoice_id`, so that a notice about it
//! names the payment and the order's list of refunds names the refund.

use async_trait::async_trait;
use chrono::TimeDelta;

use super::api::{Said, request_id};
use super::errors::Class;
use super::{PayPal, amount, reports, wire};
use crate::domain::orders::RefundReport;
use crate::gateways::{GatewayError, GatewaySecrets, PaymentRequest, RefundRequest, Refunds, text};

/// PayPal takes refunds this long after the capture.
const WINDOW: TimeDelta = TimeDelta::days(180);
const NOTE_LIMIT: usize = 255;

#[async_trait]
impl Refunds for PayPal {
    /// An order lists its refunds.
    fn tells_of_all(&self) -> bool {
        true
    }

    async fn refund(
        &self,
        payment: &PaymentRequest,
        _secrets: &GatewaySecrets,
        request: &RefundRequest,
    ) -> Result<RefundReport, GatewayError> {
        // A capture is younger than its payment by the life of an order at most.
        if self.clock.now() > payment.created_at + super::ORDER_LIFE + WINDOW {
            return Err(GatewayError::Refused {
                code: "REFUND_TIME_LIMIT_EXCEEDED".into(),
                message: "PayPal takes refunds for 180 days".into(),
                retry_later: false,
            });
        }
        if !wire::is_order_id(&request.capture_ref) {
            return Err(GatewayError::NotSent("not a capture id".into()));
        }
        let body = wire::RefundBody {
            amount: amount::write(request.amount)
                .ok_or_else(|| GatewayError::NotSent(format!("PayPal cannot write {}", request.amount)))?,
            custom_id: &request.request_ref,
            invoice_id: &payment.request_ref,
            note_to_payer: text::shorten(&request.reason, NOTE_LIMIT),
        };
        let body = serde_json::to_vec(&body).map_err(|error| GatewayError::NotSent(error.to_string()))?;
        let id = request_id(&request.request_ref, "refund")?;
        let path = format!("/v2/payments/captures/{}/refund", request.capture_ref);
        match self.api.post::<wire::Refund>(&path, Some(&id), body).await? {
            Said::No(refusal) if refusal.class == Class::AskOrder => {
                // Everything is refunded: by this very refund, or by others.
                let found = self.find_refund(payment, request).await;
                let found = found.map_err(|error| GatewayError::OutcomeUnknown(error.to_string()))?;
                found.ok_or_else(|| refusal.into_error())
            }
            said => self.own(said.granted()?, request),
        }
    }

    async fn query_refund(
        &self,
        payment: &PaymentRequest,
        _secrets: &GatewaySecrets,
        request: &RefundRequest,
    ) -> Result<Option<RefundReport>, GatewayError> {
        let Some(reference) = request.refund_ref.as_deref().filter(|reference| wire::is_order_id(reference))
        else {
            return self.find_refund(payment, request).await;
        };
        match self.api.get::<wire::Refund>(&format!("/v2/payments/refunds/{reference}")).await? {
            Said::Yes(refund, _) => self.own(refund, request).map(Some),
            Said::Nothing => Ok(None),
            Said::No(refusal) => Err(refusal.into_error()),
        }
    }
}

impl PayPal {
    /// Our refund among those the order lists. Asking moves nothing, unlike repeating the refund.
    async fn find_refund(
        &self,
        payment: &PaymentRequest,
        request: &RefundRequest,
    ) -> Result<Option<RefundReport>, GatewayError> {
        let order = payment.gateway_ref.as_deref().filter(|known| *known != request.capture_ref);
        let order = match order {
            Some(order) => order.to_owned(),
            None => self.order_of(&request.capture_ref).await?,
        };
        let order = self.get_order(&order).await?.granted()?;
        let mut refunds = order.purchase_units.iter().flat_map(|unit| &unit.payments.refunds);
        let ours = refunds.find(|refund| refund.custom_id.as_deref() == Some(&request.request_ref));
        ours.map(|refund| reports::refund(refund, &self.clock)).transpose()
    }

    /// The order of a capture. Money that nobody here asked for is known by its capture alone.
    async fn order_of(&self, capture_ref: &str) -> Result<String, GatewayError> {
        let unknown = || GatewayError::NotSent("the order id is not known".into());
        if !wire::is_order_id(capture_ref) {
            return Err(unknown());
        }
        let path = format!("/v2/payments/captures/{capture_ref}");
        let capture = self.api.get::<wire::Resource>(&path).await?.granted()?;
        let related = capture.supplementary_data.and_then(|data| data.related_ids);
        related.and_then(|related| related.order_id).ok_or_else(unknown)
    }

    /// The answer to our own call is about our refund even where it does not repeat the reference.
    fn own(&self, refund: wire::Refund, request: &RefundRequest) -> Result<RefundReport, GatewayError> {
        let refund = wire::Refund {
            custom_id: refund.custom_id.or_else(|| Some(request.request_ref.clone())),
            amount: refund.amount.or_else(|| amount::write(request.amount)),
            ..refund
        };
        reports::refund(&refund, &self.clock)
    }
}
