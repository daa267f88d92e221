//! Refunds of a charge, in the shopper's name: they need the token that the charge was completed with.
//!
//! The refund is grouped under the payment's reference, so that a notice about it names the payment.

use async_trait::async_trait;
use reqwest::Method;

use super::api::Said;
use super::charge::stated;
use super::errors::Class;
use super::token::NO_CONSENT;
use super::{CONSENT_LIFE, GrabPay, amount, status, wire};
use crate::domain::orders::{RefundReport, RefundStatus};
use crate::gateways::{GatewayError, GatewaySecrets, PaymentRequest, RefundRequest, Refunds, text};

const DESCRIPTION_LIMIT: usize = 255;

#[async_trait]
impl Refunds for GrabPay {
    /// A charge's status names none.
    fn tells_of_all(&self) -> bool {
        false
    }

    async fn refund(
        &self,
        payment: &PaymentRequest,
        secrets: &GatewaySecrets,
        request: &RefundRequest,
    ) -> Result<RefundReport, GatewayError> {
        // A charge is younger than its payment by the life of a consent at most.
        if self.api.clock.now() > payment.created_at + CONSENT_LIFE + self.country.refund_window() {
            return Err(GatewayError::Refused {
                code: "refund_window_closed".into(),
                message: format!(
                    "GrabPay takes refunds for {} days",
                    self.country.refund_window().num_days()
                ),
                retry_later: false,
            });
        }
        if !wire::is_partner_ref(&request.request_ref) {
            return Err(GatewayError::NotSent("the reference is not one GrabPay takes".into()));
        }
        let reason = request.reason.trim();
        let body = wire::Refund {
            partner_group_tx_id: &payment.request_ref,
            partner_tx_id: &request.request_ref,
            amount: amount::write(request.amount)
                .ok_or_else(|| GatewayError::NotSent(format!("GrabPay cannot write {}", request.amount)))?,
            currency: request.amount.currency().code(),
            merchant_id: &self.merchant_id,
            description: text::shorten(if reason.is_empty() { "refund" } else { reason }, DESCRIPTION_LIMIT),
            origin_tx_id: &request.capture_ref,
        };
        let token = self.kept_token(payment, secrets).await?;
        let path = format!("{}/refund", self.country.prefix());
        match self.api.bearer::<wire::Refunded>(Method::POST, &path, Some(&body), &token).await? {
            Said::No(refusal) if refusal.class == Class::AskStatus => {
                let found = self.query_refund(payment, secrets, request).await;
                let unknown = |why: String| GatewayError::OutcomeUnknown(why);
                found.map_err(|error| unknown(error.to_string()))?.ok_or_else(|| unknown(refusal.code))
            }
            // Nothing is kept at Grab, but the refund is not lost: the next day's takings fund it.
            Said::No(refusal)
                if status::refund("failed", Some(&refusal.code)) == RefundStatus::AwaitingFunds =>
            {
                Ok(self.awaiting_funds(request))
            }
            said => self.refund_report(said.granted()?, request),
        }
    }

    async fn query_refund(
        &self,
        payment: &PaymentRequest,
        secrets: &GatewaySecrets,
        request: &RefundRequest,
    ) -> Result<Option<RefundReport>, GatewayError> {
        if !wire::is_partner_ref(&request.request_ref) {
            return Err(GatewayError::NotSent("the reference is not one GrabPay knows".into()));
        }
        let token = self.kept_token(payment, secrets).await?;
        let currency = request.amount.currency();
        let path =
            format!("{}/refund/{}/status?currency={currency}", self.country.prefix(), request.request_ref);
        match self.api.bearer::<wire::Refunded>(Method::GET, &path, None::<&()>, &token).await? {
            Said::Yes(refund, _) => self.refund_report(refund, request).map(Some),
            Said::Nothing(_) => Ok(None),
            Said::No(refusal) => Err(refusal.into_error()),
        }
    }
}

impl GrabPay {
    /// The token the charge was completed with. A backup of before has none, and no code buys a second one.
    async fn kept_token(
        &self,
        payment: &PaymentRequest,
        secrets: &GatewaySecrets,
    ) -> Result<String, GatewayError> {
        let lost = || {
            GatewayError::Refused {
            code: "session_lost".into(),
            message: "the shopper's session of this payment is not kept here any more; GrabPay's own portal gives back"
                .into(),
            retry_later: false,
        }
        };
        if secrets.0.is_empty() {
            return Err(lost());
        }
        match self.token(payment, secrets).await {
            Err(GatewayError::Refused { code, .. }) if code == NO_CONSENT => Err(lost()),
            other => other,
        }
    }

    fn awaiting_funds(&self, request: &RefundRequest) -> RefundReport {
        RefundReport {
            refund_ref: request.request_ref.clone(),
            request_ref: Some(request.request_ref.clone()),
            amount: request.amount,
            fee_returned: None,
            exchanged: None,
            status: RefundStatus::AwaitingFunds,
            at: self.api.clock.now(),
        }
    }

    /// Both answers are about the refund we named; its amount is ours unless Grab names another.
    fn refund_report(
        &self,
        refund: wire::Refunded,
        request: &RefundRequest,
    ) -> Result<RefundReport, GatewayError> {
        Ok(RefundReport {
            refund_ref: refund.tx_id.unwrap_or_else(|| request.request_ref.clone()),
            request_ref: Some(request.request_ref.clone()),
            amount: stated(refund.amount, refund.currency.as_deref(), request.amount)?,
            fee_returned: None,
            exchanged: None,
            status: status::refund(&refund.tx_status, refund.reason.as_deref()),
            at: self.api.clock.now(),
        })
    }
}
