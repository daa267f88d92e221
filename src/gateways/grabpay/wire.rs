//! Grab's names, no logic. Unknown members are tolerated, absent ones are `None`.

use serde::{Deserialize, Serialize};

/// Partner references: letters, digits, `-` and `_`, at most 32.
pub fn is_partner_ref(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// `POST charge/init`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Init<'a> {
    #[serde(rename = "partnerGroupTxID")]
    pub partner_group_tx_id: &'a str,
    #[serde(rename = "partnerTxID")]
    pub partner_tx_id: &'a str,
    pub amount: i64,
    pub currency: &'a str,
    pub description: &'a str,
    #[serde(rename = "merchantID")]
    pub merchant_id: &'a str,
}

/// Its answer: an unsigned token the shopper's browser carries on.
#[derive(Debug, Deserialize)]
pub struct InitAnswer {
    pub request: String,
}

/// `POST charge/complete`.
#[derive(Debug, Serialize)]
pub struct Complete<'a> {
    #[serde(rename = "partnerTxID")]
    pub partner_tx_id: &'a str,
}

/// How a charge stands: the answer to complete and to both status calls.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Charge {
    #[serde(rename = "txID")]
    pub tx_id: Option<String>,
    #[serde(rename = "partnerTxID")]
    pub partner_tx_id: Option<String>,
    #[serde(rename = "merchantID")]
    pub merchant_id: Option<String>,
    #[serde(rename = "oAuthCode")]
    pub oauth_code: Option<String>,
    pub tx_status: String,
    pub reason: Option<String>,
    pub amount: Option<i64>,
    pub currency: Option<String>,
}

/// `POST /grabid/v1/oauth2/token`.
#[derive(Serialize)]
pub struct TokenRequest<'a> {
    pub grant_type: &'static str,
    pub client_id: &'a str,
    pub client_secret: &'a str,
    pub code_verifier: &'a str,
    pub redirect_uri: &'a str,
    pub code: &'a str,
}

#[derive(Deserialize)]
pub struct TokenAnswer {
    pub access_token: String,
    pub expires_in: i64,
}

/// `POST refund`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Refund<'a> {
    #[serde(rename = "partnerGroupTxID")]
    pub partner_group_tx_id: &'a str,
    #[serde(rename = "partnerTxID")]
    pub partner_tx_id: &'a str,
    pub amount: i64,
    pub currency: &'a str,
    #[serde(rename = "merchantID")]
    pub merchant_id: &'a str,
    pub description: &'a str,
    #[serde(rename = "originTxID")]
    pub origin_tx_id: &'a str,
}

/// How a refund stands.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refunded {
    #[serde(rename = "txID")]
    pub tx_id: Option<String>,
    pub tx_status: String,
    pub reason: Option<String>,
    pub amount: Option<i64>,
    pub currency: Option<String>,
}

/// An error body: `reason` from the partner API, `error` from GrabID.
#[derive(Debug, Deserialize)]
pub struct Problem {
    pub reason: Option<String>,
    pub error: Option<String>,
    #[serde(alias = "error_description")]
    pub message: Option<String>,
}

/// A notice.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    pub tx_type: String,
    pub tx_status: String,
    #[serde(rename = "partnerID")]
    pub partner_id: Option<String>,
    #[serde(rename = "partnerTxID")]
    pub partner_tx_id: String,
    #[serde(rename = "txID")]
    pub tx_id: Option<String>,
    #[serde(rename = "origTxID")]
    pub orig_tx_id: Option<String>,
    pub amount: Option<i64>,
    pub currency: Option<String>,
    pub payload: Option<NoticePayload>,
}

#[derive(Debug, Deserialize)]
pub struct NoticePayload {
    #[serde(rename = "partnerGroupTxID")]
    pub partner_group_tx_id: Option<String>,
}
