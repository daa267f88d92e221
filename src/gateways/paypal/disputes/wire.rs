//! Disputes v1: PayPal's names, no logic.

use serde::{Deserialize, Serialize};

use super::super::wire::Amount;

#[derive(Debug, Clone, Deserialize)]
pub struct Dispute {
    pub dispute_id: String,
    pub create_time: Option<String>,
    pub update_time: Option<String>,
    #[serde(default)]
    pub disputed_transactions: Vec<Transaction>,
    pub reason: Option<String>,
    pub status: Option<String>,
    pub dispute_amount: Option<Amount>,
    pub dispute_outcome: Option<Outcome>,
    #[serde(default)]
    pub money_movements: Vec<Movement>,
    pub dispute_life_cycle_stage: Option<String>,
    pub seller_response_due_date: Option<String>,
    #[serde(default)]
    pub evidences: Vec<Handed>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Transaction {
    pub seller_transaction_id: Option<String>,
    pub transaction_status: Option<String>,
    pub invoice_number: Option<String>,
    pub custom: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Outcome {
    pub outcome_code: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Movement {
    pub affected_party: Option<String>,
    pub amount: Option<Amount>,
    pub initiated_time: Option<String>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub reason: Option<String>,
}

/// Evidence as PayPal shows it.
#[derive(Debug, Clone, Deserialize)]
pub struct Handed {
    pub notes: Option<String>,
    pub source: Option<String>,
}

/// `GET /v1/customer/disputes`.
#[derive(Debug, Deserialize)]
pub struct Search {
    #[serde(default)]
    pub items: Vec<Found>,
    #[serde(default)]
    pub links: Vec<super::super::wire::Link>,
}

#[derive(Debug, Deserialize)]
pub struct Found {
    pub dispute_id: String,
}

/// `POST …/provide-evidence`.
#[derive(Debug, Serialize)]
pub struct Provide<'a> {
    pub evidences: [Handing<'a>; 1],
}

#[derive(Debug, Serialize)]
pub struct Handing<'a> {
    pub evidence_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence_info: Option<Info<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<DocumentRef<'a>>,
    pub notes: String,
}

#[derive(Debug, Serialize)]
pub struct Info<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tracking_info: Vec<TrackingInfo<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub refund_ids: &'a [String],
}

#[derive(Debug, Serialize)]
pub struct TrackingInfo<'a> {
    pub carrier_name: &'a str,
    pub tracking_number: &'a str,
}

#[derive(Debug, Serialize)]
pub struct DocumentRef<'a> {
    pub name: &'a str,
    pub url: &'a str,
}

/// `POST …/accept-claim`.
#[derive(Debug, Serialize)]
pub struct Accept<'a> {
    pub accept_claim_type: &'static str,
    pub note: &'a str,
}

/// What an act is answered with: links, of no interest.
#[derive(Debug, Deserialize)]
pub struct Acted {}
