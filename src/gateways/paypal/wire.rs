//! PayPal's names, no logic. Unknown members are tolerated, absent ones are `None`.

use serde::{Deserialize, Serialize};

/// Order ids are capital letters and digits, at most 36.
pub fn is_order_id(text: &str) -> bool {
    (1..=36).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

/// `{"currency_code":"USD","value":"10.00"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    pub currency_code: String,
    pub value: String,
}

/// `POST /v2/checkout/orders`.
#[derive(Debug, Serialize)]
pub struct OrderRequest<'a> {
    pub intent: &'static str,
    pub purchase_units: [PurchaseUnitRequest<'a>; 1],
    pub payment_source: PaymentSource<'a>,
}

#[derive(Debug, Serialize)]
pub struct PurchaseUnitRequest<'a> {
    pub reference_id: &'static str,
    pub custom_id: &'a str,
    pub invoice_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub description: &'a str,
    pub amount: Amount,
    pub payee: PayeeRequest<'a>,
}

#[derive(Debug, Serialize)]
pub struct PayeeRequest<'a> {
    pub merchant_id: &'a str,
}

#[derive(Debug, Serialize)]
pub struct PaymentSource<'a> {
    pub paypal: Wallet<'a>,
}

#[derive(Debug, Serialize)]
pub struct Wallet<'a> {
    pub experience_context: ExperienceContext<'a>,
}

#[derive(Debug, Serialize)]
pub struct ExperienceContext<'a> {
    pub return_url: &'a str,
    pub cancel_url: &'a str,
    pub user_action: &'static str,
    pub shipping_preference: &'static str,
}

/// `POST /v2/payments/captures/{id}/refund`.
#[derive(Debug, Serialize)]
pub struct RefundBody<'a> {
    pub amount: Amount,
    pub custom_id: &'a str,
    pub invoice_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub note_to_payer: &'a str,
}

/// An order, as created, read or captured.
#[derive(Debug, Clone, Deserialize)]
pub struct Order {
    pub id: String,
    pub status: Option<String>,
    #[serde(default)]
    pub purchase_units: Vec<PurchaseUnit>,
    /// Who approved it; the older member.
    pub payer: Option<Payer>,
    /// How it was paid.
    pub payment_source: Option<PaidWith>,
    #[serde(default)]
    pub links: Vec<Link>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct PaidWith {
    pub paypal: Option<Payer>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Payer {
    pub address: Option<PayerAddress>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct PayerAddress {
    pub country_code: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct PurchaseUnit {
    pub custom_id: Option<String>,
    pub amount: Option<Amount>,
    pub payee: Option<Payee>,
    #[serde(default)]
    pub payments: Payments,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Payee {
    pub merchant_id: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub struct Payments {
    #[serde(default)]
    pub captures: Vec<Capture>,
    #[serde(default)]
    pub refunds: Vec<Refund>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Capture {
    pub id: String,
    pub status: String,
    pub status_details: Option<StatusDetails>,
    pub amount: Option<Amount>,
    pub seller_receivable_breakdown: Option<Receivable>,
    pub create_time: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct StatusDetails {
    pub reason: Option<String>,
}

/// What PayPal really took and credited.
#[derive(Debug, Clone, Deserialize)]
pub struct Receivable {
    pub paypal_fee: Option<Amount>,
    pub receivable_amount: Option<Amount>,
    pub exchange_rate: Option<ExchangeRate>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct ExchangeRate {
    pub source_currency: Option<String>,
    pub target_currency: Option<String>,
    pub value: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Refund {
    pub id: String,
    pub status: String,
    pub amount: Option<Amount>,
    pub custom_id: Option<String>,
    pub seller_payable_breakdown: Option<Payable>,
    pub create_time: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Payable {
    pub paypal_fee: Option<Amount>,
    pub net_amount_breakdown: Option<Vec<Converted>>,
}

/// What was taken from the account in another currency than the refund's.
#[derive(Debug, Clone, Deserialize)]
pub struct Converted {
    pub payable_amount: Option<Amount>,
    pub converted_amount: Option<Amount>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Link {
    pub rel: String,
    pub href: String,
}

/// `POST /v1/oauth2/token`.
#[derive(Deserialize)]
pub struct TokenAnswer {
    pub access_token: String,
    pub expires_in: i64,
}

/// The error envelope, and the token endpoint's own (`error`, `error_description`).
#[derive(Debug, Default, Deserialize)]
pub struct Problem {
    pub name: Option<String>,
    pub message: Option<String>,
    pub debug_id: Option<String>,
    #[serde(default)]
    pub details: Vec<ProblemDetail>,
    #[serde(default)]
    pub links: Vec<ProblemLink>,
    pub error: Option<String>,
    pub error_description: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct ProblemDetail {
    pub issue: Option<String>,
    pub description: Option<String>,
    pub field: Option<String>,
    /// Payouts: the batch that is there already.
    #[serde(default)]
    pub link: Vec<ProblemLink>,
}

#[derive(Debug, Deserialize)]
pub struct ProblemLink {
    pub href: Option<String>,
}

/// A webhook event.
#[derive(Debug, Deserialize)]
pub struct Event {
    pub id: String,
    pub event_type: String,
    #[serde(default)]
    pub resource: Resource,
}

/// Orders, captures, refunds, disputes and payouts, as far as they say what they are about.
#[derive(Debug, Default, Deserialize)]
pub struct Resource {
    pub batch_header: Option<NamedBatch>,
    pub payout_batch_id: Option<String>,
    pub sender_batch_id: Option<String>,
    pub payout_item: Option<NamedItem>,
    pub id: Option<String>,
    pub dispute_id: Option<String>,
    pub custom_id: Option<String>,
    pub invoice_id: Option<String>,
    pub supplementary_data: Option<SupplementaryData>,
    #[serde(default)]
    pub purchase_units: Vec<PurchaseUnit>,
    #[serde(default)]
    pub links: Vec<NamedLink>,
}

#[derive(Debug, Deserialize)]
pub struct NamedLink {
    pub rel: Option<String>,
    pub href: Option<String>,
}

impl Resource {
    /// The capture that a refund is of, by the link to what is above it.
    pub fn capture_above(&self) -> Option<String> {
        let above = self.links.iter().find(|link| link.rel.as_deref() == Some("up"))?;
        let (_, id) = above.href.as_deref()?.rsplit_once("/captures/")?;
        let plain = (1..=40).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        plain.then(|| id.to_owned())
    }
}

#[derive(Debug, Deserialize)]
pub struct NamedBatch {
    pub payout_batch_id: Option<String>,
    pub sender_batch_header: Option<SenderBatch>,
}

#[derive(Debug, Deserialize)]
pub struct SenderBatch {
    pub sender_batch_id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct NamedItem {
    pub sender_item_id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct SupplementaryData {
    pub related_ids: Option<RelatedIds>,
}

#[derive(Debug, Deserialize)]
pub struct RelatedIds {
    pub order_id: Option<String>,
}

/// The answer to `verify-webhook-signature`.
#[derive(Debug, Deserialize)]
pub struct Verdict {
    pub verification_status: String,
}
