//! The names of Payouts v1, no logic. Its amounts say `currency` where the rest of PayPal says `currency_code`.

use serde::{Deserialize, Serialize};

use super::super::wire::SenderBatch;

/// `{"currency":"USD","value":"9.87"}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PayoutAmount {
    pub currency: String,
    pub value: String,
}

/// `POST /v1/payments/payouts`. Never shown: it holds the payees' addresses.
#[derive(Serialize)]
pub struct BatchRequest<'a> {
    pub sender_batch_header: SenderBatchHeader<'a>,
    pub items: Vec<ItemRequest<'a>>,
}

#[derive(Serialize)]
pub struct SenderBatchHeader<'a> {
    pub sender_batch_id: &'a str,
}

#[derive(Serialize)]
pub struct ItemRequest<'a> {
    pub recipient_type: &'static str,
    pub receiver: &'a str,
    pub amount: PayoutAmount,
    pub sender_item_id: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub note: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<&'a str>,
}

/// The answer to a batch that was taken on.
#[derive(Debug, Deserialize)]
pub struct Created {
    pub batch_header: BatchHeader,
}

#[derive(Debug, Deserialize)]
pub struct BatchHeader {
    pub payout_batch_id: String,
    pub batch_status: String,
    pub sender_batch_header: Option<SenderBatch>,
}

/// One page of a batch.
#[derive(Debug, Deserialize)]
pub struct Page {
    pub batch_header: BatchHeader,
    pub total_pages: Option<u32>,
    #[serde(default)]
    pub items: Vec<Item>,
}

/// One payout of a batch, or alone.
#[derive(Debug, Deserialize)]
pub struct Item {
    pub payout_item_id: String,
    pub transaction_status: Option<String>,
    pub payout_item_fee: Option<PayoutAmount>,
    pub payout_item: ItemDetail,
    pub currency_conversion: Option<Conversion>,
    pub time_processed: Option<String>,
    pub errors: Option<ItemError>,
}

#[derive(Debug, Deserialize)]
pub struct ItemDetail {
    pub amount: PayoutAmount,
    pub sender_item_id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct Conversion {
    pub from_amount: Option<PayoutAmount>,
}

/// Why an item is not paid.
#[derive(Debug, Deserialize)]
pub struct ItemError {
    pub name: Option<String>,
    pub message: Option<String>,
}
