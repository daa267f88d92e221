//! Charges: init, status, complete, and reading what Grab answers as a report.

use reqwest::Method;
use url::Url;

use super::api::Said;
use super::errors::Class;
use super::secrets::Kept;
use super::status::{self, ChargeStatus};
use super::{CONSENT_LIFE, GrabPay, amount, sign, wire};
use crate::domain::orders::{Capture, PaymentReport, ReportKind};
use crate::gateways::{GatewayError, GatewaySecrets, NextAction, PaymentRequest, PaymentSession, text};
use crate::money::{Currency, Money};

const DESCRIPTION_LIMIT: usize = 255;

impl GrabPay {
    pub(super) async fn init(&self, request: &PaymentRequest) -> Result<PaymentSession, GatewayError> {
        let answer = self.ask_init(request).await?.granted()?;
        self.session(request, &answer)
    }

    /// What the shopper opens is told in the first answer only: repeated, an init that arrived is refused and only its
    /// status is told. One that never arrived is opened now, under the same reference.
    pub(super) async fn init_again(
        &self,
        request: &PaymentRequest,
    ) -> Result<Option<PaymentSession>, GatewayError> {
        match self.ask_init(request).await? {
            Said::No(refusal) if refusal.class == Class::AskStatus => Ok(None),
            said => self.session(request, &said.granted()?).map(Some),
        }
    }

    async fn ask_init(&self, request: &PaymentRequest) -> Result<Said<wire::InitAnswer>, GatewayError> {
        if !wire::is_partner_ref(&request.request_ref) {
            return Err(GatewayError::NotSent("the reference is not one GrabPay takes".into()));
        }
        let body = wire::Init {
            partner_group_tx_id: &request.request_ref,
            partner_tx_id: &request.request_ref,
            amount: amount::write(request.amount)
                .ok_or_else(|| GatewayError::NotSent(format!("GrabPay cannot write {}", request.amount)))?,
            currency: request.amount.currency().code(),
            description: description(request),
            merchant_id: &self.merchant_id,
        };
        let path = format!("{}/charge/init", self.country.prefix());
        self.api.signed(Method::POST, &path, Some(&body)).await
    }

    fn session(
        &self,
        request: &PaymentRequest,
        answer: &wire::InitAnswer,
    ) -> Result<PaymentSession, GatewayError> {
        let random = || sign::random_text(self.ids.random_bytes());
        let kept = Kept::new(random(), format!("{}.{}", request.request_ref, random()), random());
        Ok(PaymentSession {
            gateway_ref: None,
            next_action: NextAction::Redirect { url: self.authorize_url(request, &kept, &answer.request)? },
            secrets: kept.seal(),
            expires_at: self.api.clock.now() + CONSENT_LIFE,
        })
    }

    /// Where the shopper consents.
    fn authorize_url(
        &self,
        request: &PaymentRequest,
        kept: &Kept,
        charge: &str,
    ) -> Result<String, GatewayError> {
        let base = self.api.address("/grabid/v1/oauth2/authorize");
        let mut url = Url::parse(&base).map_err(|error| GatewayError::NotSent(error.to_string()))?;
        let context = format!(
            "consent_ctx:countryCode={},currency={}",
            self.country.code(),
            request.amount.currency().code()
        );
        url.query_pairs_mut()
            .append_pair("acr_values", &context)
            .append_pair("client_id", &self.client_id)
            .append_pair("code_challenge", &sign::challenge(&kept.code_verifier))
            .append_pair("code_challenge_method", "S256")
            .append_pair("nonce", &kept.nonce)
            .append_pair("redirect_uri", &request.return_url)
            .append_pair("request", charge)
            .append_pair("response_type", "code")
            .append_pair("scope", self.country.scope())
            .append_pair("state", &kept.state);
        Ok(url.into())
    }

    pub(super) fn status_path(&self, request: &PaymentRequest) -> String {
        let currency = request.amount.currency();
        format!(
            "{}/one-time-charge/{}/status?currency={currency}",
            self.country.prefix(),
            request.request_ref
        )
    }

    pub(super) async fn look_up(&self, request: &PaymentRequest) -> Result<PaymentReport, GatewayError> {
        if !wire::is_partner_ref(&request.request_ref) {
            return Err(GatewayError::NotSent("the reference is not one GrabPay knows".into()));
        }
        match self.api.signed(Method::GET, &self.status_path(request), None::<&()>).await? {
            Said::Yes(charge, sha256) => {
                Ok(PaymentReport { answer_sha256: Some(sha256), ..self.report(request, charge)? })
            }
            Said::Nothing(_) => Ok(PaymentReport::of(ReportKind::NotFound)),
            Said::No(refusal) => Err(refusal.into_error()),
        }
    }

    /// Takes the money.
    pub(super) async fn complete(
        &self,
        request: &PaymentRequest,
        secrets: &GatewaySecrets,
    ) -> Result<PaymentReport, GatewayError> {
        let token = self.token(request, secrets).await?;
        let path = format!("{}/charge/complete", self.country.prefix());
        let body = wire::Complete { partner_tx_id: &request.request_ref };
        let said: Said<wire::Charge> = self.api.bearer(Method::POST, &path, Some(&body), &token).await?;
        self.report(request, said.granted()?)
    }

    /// Grab's status names no amount: a success under our reference is the charge as it was opened, whole. Where an
    /// answer does name amount, currency or merchant, those are told, and the flow holds them against ours.
    fn report(&self, request: &PaymentRequest, charge: wire::Charge) -> Result<PaymentReport, GatewayError> {
        let amount = stated(charge.amount, charge.currency.as_deref(), request.amount)?;
        let reason = charge.reason.filter(|reason| !reason.is_empty());
        let code = || reason.clone().unwrap_or_else(|| charge.tx_status.clone());
        let gateway_ref = charge.tx_id.filter(|id| !id.is_empty());
        let kind = match status::charge(&charge.tx_status, reason.as_deref()) {
            Some(ChargeStatus::Open) => ReportKind::RequiresAction,
            Some(ChargeStatus::Waiting) => {
                ReportKind::Pending { reason: code(), expected: None, person_by: None }
            }
            Some(ChargeStatus::Consented) => ReportKind::Authorised { amount: Some(amount) },
            Some(ChargeStatus::Taken) => ReportKind::Captured(Capture {
                capture_ref: gateway_ref
                    .clone()
                    .ok_or_else(|| GatewayError::OutcomeUnknown("a success without a txID".into()))?,
                amount,
                fee: None,
                receivable: None,
                // Grab names no country of the wallet.
                payer_country: None,
                at: self.api.clock.now(),
            }),
            Some(ChargeStatus::Refused) => ReportKind::Failed { code: code() },
            Some(ChargeStatus::CalledOff) => ReportKind::Cancelled { code: code() },
            Some(ChargeStatus::Lapsed) => ReportKind::Expired,
            None => ReportKind::Unknown { raw: charge.tx_status.clone() },
        };
        Ok(PaymentReport {
            gateway_ref,
            request_ref: charge.partner_tx_id,
            account: charge.merchant_id,
            kind,
            refunds: vec![],
            money: vec![],
            disputes: vec![],
            answer_sha256: None,
        })
    }
}

/// The amount an answer names, else the one it is about.
pub(super) fn stated(
    units: Option<i64>,
    currency: Option<&str>,
    asked: Money,
) -> Result<Money, GatewayError> {
    let currency = match currency {
        None => asked.currency(),
        Some(code) => {
            Currency::find(code).map_err(|error| GatewayError::OutcomeUnknown(error.to_string()))?
        }
    };
    match units {
        None if currency == asked.currency() => Ok(asked),
        None => Err(GatewayError::OutcomeUnknown("another currency, and no amount".into())),
        Some(units) => amount::read(units, currency)
            .ok_or_else(|| GatewayError::OutcomeUnknown(format!("{units} {currency} is not an amount"))),
    }
}

fn description(request: &PaymentRequest) -> &str {
    let line = request.description.trim();
    text::shorten(if line.is_empty() { &request.request_ref } else { line }, DESCRIPTION_LIMIT)
}
