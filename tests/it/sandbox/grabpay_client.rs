//! A small client of GrabPay, written from its documentation.

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use straits::sandbox::Shopper;
use url::Url;

use super::paypal_client::text;
use super::stage::{GRAB_CLIENT, PARTNER, Stage};

/// A client of GrabPay's One-Time Charge API.
pub struct GrabClient<'a> {
    pub stage: &'a Stage,
    pub partner_secret: &'a str,
    pub client_secret: &'a str,
}

/// What a merchant keeps of one charge.
pub struct Flow {
    pub reference: String,
    pub page: String,
    pub verifier: String,
    pub tx_id: String,
}

const INIT: &str = "/grabpay/partner/v2/charge/init";
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

impl GrabClient<'_> {
    /// A call signed by HMAC, as documented.
    pub async fn signed(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let date = http_date(self.stage.clock.wall());
        self.signed_as(method, path, body, &date, path, body).await
    }

    /// The same with a date, path and body signed other than those sent.
    pub async fn signed_as(
        &self,
        method: &str,
        path: &str,
        body: &str,
        date: &str,
        signed_path: &str,
        signed_body: &str,
    ) -> (u16, Value) {
        let digest = match signed_body {
            "" => String::new(),
            body => STANDARD.encode(digest::digest(&digest::SHA256, body.as_bytes())),
        };
        let message = format!("{method}\napplication/json\n{date}\n{signed_path}\n{digest}\n");
        let signature = STANDARD.encode(mac(self.partner_secret, &message));
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let call = self.stage.http.request(method, format!("{}/sandbox/grabpay{path}", self.stage.url));
        let call = call
            .header("Content-Type", "application/json")
            .header("Date", date)
            .header("Authorization", format!("{PARTNER}:{signature}"))
            .body(body.to_owned());
        read(call.send().await.unwrap()).await
    }

    /// A call by bearer with a fresh proof of possession. `Err` when the connection broke.
    pub async fn try_bearer(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: Option<Value>,
    ) -> Result<(u16, Value), reqwest::Error> {
        let made = self.stage.clock.wall().timestamp();
        let sig = URL_SAFE_NO_PAD.encode(mac(self.client_secret, &format!("{made}{token}")));
        let proof = URL_SAFE_NO_PAD.encode(json!({"sig": sig, "time_since_epoch": made}).to_string());
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let call = self.stage.http.request(method, format!("{}/sandbox/grabpay{path}", self.stage.url));
        let mut call = call.bearer_auth(token).header("X-GID-AUX-POP", proof);
        if let Some(body) = body {
            call = call.json(&body);
        }
        Ok(read(call.send().await?).await)
    }

    pub async fn bearer(&self, method: &str, path: &str, token: &str, body: Option<Value>) -> (u16, Value) {
        self.try_bearer(method, path, token, body).await.unwrap()
    }

    pub fn init_body(reference: &str, code: &str, minor: i64) -> String {
        json!({"partnerTxID": reference, "partnerGroupTxID": reference, "amount": minor, "currency": code,
               "merchantID": "merchant-sg", "description": "Two lamps"})
        .to_string()
    }

    /// A charge and the address of its page.
    pub async fn init(&self, reference: &str, code: &str, minor: i64) -> Flow {
        let (status, answer) =
            self.signed("POST", INIT, &GrabClient::init_body(reference, code, minor)).await;
        assert_eq!(status, 200, "{answer}");
        let request = text(&answer["request"]);
        let claims = URL_SAFE_NO_PAD.decode(request.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, VERIFIER.as_bytes()));
        let page = Url::parse_with_params(
            &format!("{}/sandbox/grabpay/grabid/v1/oauth2/authorize", self.stage.url),
            [
                ("acr_values", format!("consent_ctx:countryCode=SG,currency={code}").as_str()),
                ("client_id", GRAB_CLIENT),
                ("code_challenge", &challenge),
                ("code_challenge_method", "S256"),
                ("nonce", "nonce-1"),
                ("redirect_uri", self.stage.door_url("returns", "grabpay").as_str()),
                ("request", &request),
                ("response_type", "code"),
                ("scope", "openid payment.one_time_charge"),
                ("state", "state-1"),
            ],
        );
        Flow {
            reference: reference.into(),
            page: page.unwrap().into(),
            verifier: VERIFIER.into(),
            tx_id: text(&claims["txID"]),
        }
    }

    pub async fn status(&self, flow: &Flow) -> Value {
        let path = format!("/grabpay/partner/v2/one-time-charge/{}/status?currency=SGD", flow.reference);
        let (status, answer) = self.signed("GET", &path, "").await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    pub async fn exchange(&self, flow: &Flow, code: &str) -> (u16, Value) {
        let body = json!({"grant_type": "authorization_code", "client_id": GRAB_CLIENT,
                          "client_secret": self.client_secret, "code_verifier": flow.verifier,
                          "redirect_uri": self.stage.door_url("returns", "grabpay").as_str(), "code": code});
        let address = format!("{}/sandbox/grabpay/grabid/v1/oauth2/token", self.stage.url);
        read(self.stage.http.post(address).json(&body).send().await.unwrap()).await
    }

    /// The token of a charge its shopper agreed to.
    pub async fn token(&self, flow: &Flow) -> String {
        let code = text(&self.status(flow).await["oAuthCode"]);
        let (status, answer) = self.exchange(flow, &code).await;
        assert_eq!(status, 200, "{answer}");
        text(&answer["access_token"])
    }

    pub async fn complete(&self, flow: &Flow, token: &str) -> (u16, Value) {
        let body = json!({"partnerTxID": flow.reference});
        self.bearer("POST", "/grabpay/partner/v2/charge/complete", token, Some(body)).await
    }

    /// Initiated, agreed to, completed: the flow and its token.
    pub async fn paid(&self, reference: &str, minor: i64) -> (Flow, String) {
        let flow = self.init(reference, "SGD", minor).await;
        self.stage.shop(&flow.page, Shopper::Approve).await;
        let token = self.token(&flow).await;
        let (status, answer) = self.complete(&flow, &token).await;
        assert_eq!((status, &answer["txStatus"]), (200, &json!("success")), "{answer}");
        (flow, token)
    }

    pub fn refund_body(flow: &Flow, reference: &str, minor: i64) -> Value {
        json!({"partnerTxID": reference, "partnerGroupTxID": flow.reference, "amount": minor,
               "currency": "SGD", "merchantID": "merchant-sg", "originTxID": flow.tx_id,
               "description": "returned"})
    }

    pub async fn refund(&self, flow: &Flow, token: &str, reference: &str, minor: i64) -> (u16, Value) {
        let body = GrabClient::refund_body(flow, reference, minor);
        self.bearer("POST", "/grabpay/partner/v2/refund", token, Some(body)).await
    }
}

async fn read(answer: reqwest::Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null))
}

pub fn mac(secret: &str, message: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hmac::sign(&key, message.as_bytes()).as_ref().to_vec()
}

pub fn http_date(at: DateTime<Utc>) -> String {
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
