//! Xendit's names, no logic. Amounts are JSON numbers and kept as their digits.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// `POST /v2/payouts`. Never shown: it holds the payee's account.
#[derive(Serialize)]
pub struct CreatePayout<'a> {
    pub reference_id: String,
    pub channel_code: String,
    pub channel_properties: ChannelProperties<'a>,
    pub amount: Box<RawValue>,
    pub currency: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub description: &'a str,
}

#[derive(Serialize)]
pub struct ChannelProperties<'a> {
    pub account_holder_name: &'a str,
    pub account_number: &'a str,
}

/// A payout, as every answer shows it.
#[derive(Debug, Deserialize)]
pub struct Payout {
    pub id: String,
    pub reference_id: String,
    pub status: String,
    pub amount: Box<RawValue>,
    pub currency: String,
    pub failure_code: Option<String>,
    pub updated: Option<String>,
}

/// Payouts of a reference: the pages show a bare list, the clients a page of one.
#[derive(Debug, Deserialize)]
pub struct Page<T> {
    #[serde(default = "Vec::new")]
    pub data: Vec<T>,
    pub has_more: Option<bool>,
}

/// A movement of the balance.
#[derive(Debug, Deserialize)]
pub struct Transaction {
    pub product_id: Option<String>,
    pub reference_id: Option<String>,
    pub currency: Option<String>,
    pub fee: Option<Fee>,
}

/// What Xendit takes for it.
#[derive(Debug, Deserialize)]
pub struct Fee {
    pub xendit_fee: Box<RawValue>,
    pub value_added_tax: Box<RawValue>,
    pub status: Option<String>,
}

/// A refusal.
#[derive(Debug, Deserialize)]
pub struct Problem {
    pub error_code: Option<String>,
    pub message: Option<String>,
}

/// A webhook.
#[derive(Debug, Deserialize)]
pub struct Event {
    pub event: String,
    pub business_id: Option<String>,
    pub data: EventData,
}

#[derive(Debug, Deserialize)]
pub struct EventData {
    pub id: Option<String>,
    pub reference_id: Option<String>,
}
