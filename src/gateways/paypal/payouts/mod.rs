//! Payouts v1: one call sends a batch, one question reads it back page by page.
//!
//! Our batch's reference is the `sender_batch_id`, our payout's id the `sender_item_id`. PayPal refuses a
//! `sender_batch_id` it has seen in the last 30 days and names the batch that is there, so a repeated send never pays
//! twice; but a batch is read by PayPal's own id only. While that id is unknown there is nothing to ask, and the
//! outcome stays unknown. A batch's `SUCCESS` says that it was worked off; each item has its own word.
//!
//! Unverified: what comes back of a converted payout is taken to be what was debited (the item does not say); fees are
//! what the item names, never computed. A payout that PayPal cannot be asked for (an amount with more decimals than it
//! has, no e-mail address) is left out of the call and has failed; it holds up no other.

mod report;
mod wire;

use std::collections::BTreeMap;

use async_trait::async_trait;
use secrecy::ExposeSecret;

use super::api::{Said, request_id};
use super::errors::Refusal;
use super::{PayPal, amount};
use crate::domain::merchants::PayoutAccountKind;
use crate::domain::payouts::{PayoutReport, PayoutStatus};
use crate::gateways::{
    About, GatewayError, PayoutBatchReport, PayoutBatchRequest, PayoutOrder, Payouts, text,
};
use crate::ids::PayoutId;
use crate::money::Currency;

/// PayPal takes this many in one call.
const BATCH: usize = 15_000;
/// PayPal's pages may be 1,000 long; so many items may pass the longest answer we read.
const PAGE: u32 = 500;
/// No batch has more pages.
const PAGES: u32 = 30;
const RECEIVER_LIMIT: usize = 127;
/// PayPal joins the notes of batch and item, 1,000 characters in all, and repeats them in every answer.
const NOTE_LIMIT: usize = 255;
const BATCH_PATH: &str = "/v1/payments/payouts/";
/// The code of a payout that was left out of its call.
const NOT_PAYABLE: &str = "not_payable";

/// PayPal's purposes.
const PURPOSES: [&str; 9] = [
    "AWARDS",
    "PRIZES",
    "DONATIONS",
    "GOODS",
    "SERVICES",
    "REBATES",
    "CASHBACK",
    "DISCOUNTS",
    "NON_GOODS_OR_SERVICES",
];

/// Ids of batches and items: letters and digits, `-` and `_`, at most 30.
fn is_payout_ref(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=30).contains(&text.len()) && text.bytes().all(fits)
}

/// What an event is about.
pub(super) fn about(resource: &super::wire::Resource) -> About {
    let header = resource.batch_header.as_ref();
    let named = header.and_then(|header| header.sender_batch_header.as_ref()?.sender_batch_id.as_ref());
    let batch = named.or(resource.sender_batch_id.as_ref()).and_then(|id| id.parse().ok());
    let theirs = header.and_then(|header| header.payout_batch_id.as_ref());
    let batch_ref = theirs.or(resource.payout_batch_id.as_ref()).filter(|id| is_payout_ref(id)).cloned();
    let item = resource.payout_item.as_ref().and_then(|item| item.sender_item_id.as_ref()?.parse().ok());
    if batch.is_none() && batch_ref.is_none() && item.is_none() {
        return About::Other;
    }
    About::Payouts { batch, batch_ref, item }
}

#[async_trait]
impl Payouts for PayPal {
    fn batch_limit(&self) -> usize {
        BATCH
    }

    fn payout_currencies(&self) -> Vec<Currency> {
        self.taken.iter().map(|(currency, _)| *currency).collect()
    }

    async fn send(&self, batch: &PayoutBatchRequest) -> Result<PayoutBatchReport, GatewayError> {
        let body = body(batch)?;
        let id = request_id(&batch.request_ref, "payouts")?;
        match self.api.post::<wire::Created>("/v1/payments/payouts", Some(&id), body).await? {
            Said::No(refusal) if is_duplicate(&refusal) => self.already_there(batch, &refusal).await,
            said => {
                let header = said.granted()?.batch_header;
                own_batch(&header, batch)?;
                let payouts = batch.orders.iter().map(|order| {
                    let status = unpayable(order).unwrap_or_else(|| report::of_batch(&header.batch_status));
                    PayoutReport {
                        payout: order.payout,
                        rail_ref: None,
                        status,
                        stated: None,
                        fee: None,
                        at: self.clock.now(),
                    }
                });
                Ok(PayoutBatchReport { payouts: payouts.collect(), rail_ref: Some(header.payout_batch_id) })
            }
        }
    }

    async fn query(&self, batch: &PayoutBatchRequest) -> Result<Option<PayoutBatchReport>, GatewayError> {
        let Some(reference) = batch.rail_ref.as_deref() else {
            return Err(GatewayError::OutcomeUnknown(
                "PayPal finds a batch of payouts by its own id only, and that has not reached us; look for the batch in \
                 PayPal's activity or wait for its notice"
                    .into(),
            ));
        };
        self.read_batch(batch, reference).await.map(Some)
    }

    async fn take_back(&self, _batch: &PayoutBatchRequest, order: &PayoutOrder) -> Result<(), GatewayError> {
        let reference = order.rail_ref.as_deref().filter(|reference| is_payout_ref(reference));
        let reference = reference.ok_or_else(|| {
            GatewayError::NotSent("PayPal's id of the payout is not known; ask first".into())
        })?;
        let path = format!("/v1/payments/payouts-item/{reference}/cancel");
        let id = request_id(&order.payout.to_string(), "cancel")?;
        self.api.post::<wire::Item>(&path, Some(&id), b"{}".to_vec()).await?.granted().map(|_| ())
    }
}

impl PayPal {
    /// PayPal has a batch under our reference: this one.
    async fn already_there(
        &self,
        batch: &PayoutBatchRequest,
        refusal: &Refusal,
    ) -> Result<PayoutBatchReport, GatewayError> {
        let named = refusal.links.iter().find_map(|link| {
            let at = link.find(BATCH_PATH)? + BATCH_PATH.len();
            let reference = link[at..].split(['?', '#', '/']).next()?;
            is_payout_ref(reference).then(|| reference.to_owned())
        });
        let reference = named.ok_or_else(|| {
            GatewayError::OutcomeUnknown("PayPal has a batch under our reference and does not name it".into())
        })?;
        match self.read_batch(batch, &reference).await {
            Ok(report) => Ok(report),
            // Its id is worth keeping even where its payouts cannot be read just now.
            Err(error) => {
                tracing::warn!(batch = %batch.batch, %error, "a batch that is there already is not read yet");
                Ok(PayoutBatchReport { rail_ref: Some(reference), payouts: vec![] })
            }
        }
    }

    /// Every page of a batch.
    async fn read_batch(
        &self,
        batch: &PayoutBatchRequest,
        reference: &str,
    ) -> Result<PayoutBatchReport, GatewayError> {
        if !is_payout_ref(reference) {
            return Err(GatewayError::NotSent("not an id of a batch of payouts".into()));
        }
        let orders: BTreeMap<PayoutId, &PayoutOrder> =
            batch.orders.iter().map(|order| (order.payout, order)).collect();
        let mut payouts: BTreeMap<PayoutId, PayoutReport> = BTreeMap::new();
        let mut refused = None;
        for number in 1..=PAGES {
            let path = format!("{BATCH_PATH}{reference}?page={number}&page_size={PAGE}&total_required=true");
            let page: wire::Page = match self.api.get(&path).await? {
                // It was there once: that is no "never arrived".
                Said::Nothing => {
                    return Err(GatewayError::OutcomeUnknown(format!(
                        "PayPal does not show batch {reference} any more"
                    )));
                }
                said => said.granted()?,
            };
            own_batch(&page.batch_header, batch)?;
            let last = page.total_pages.map_or(page.items.len() < PAGE as usize, |pages| number >= pages);
            let status = report::of_batch(&page.batch_header.batch_status);
            refused = matches!(status, PayoutStatus::Failed { .. }).then_some(status);
            for item in page.items {
                let named = item.payout_item.sender_item_id.as_ref().and_then(|id| id.parse().ok());
                let Some(order) = named.and_then(|id: PayoutId| orders.get(&id)) else {
                    tracing::warn!(batch = %batch.batch, item = item.payout_item_id, "not a payout we asked for");
                    continue;
                };
                let told = report::of_item(&item, order, refused.as_ref(), self.clock.now());
                let told = told.map_err(GatewayError::OutcomeUnknown)?;
                let before = payouts.get(&order.payout).and_then(|before| before.rail_ref.clone());
                if before.is_some_and(|before| Some(before) != told.rail_ref) {
                    return Err(GatewayError::OutcomeUnknown(format!(
                        "PayPal lists payout {} twice",
                        order.payout
                    )));
                }
                payouts.insert(order.payout, told);
            }
            if last {
                break;
            }
        }
        for order in &batch.orders {
            // A refused batch may list nothing; what was left out of the call is never listed.
            let Some(status) = unpayable(order).or_else(|| refused.clone()) else { continue };
            payouts.entry(order.payout).or_insert_with(|| PayoutReport {
                payout: order.payout,
                rail_ref: None,
                status,
                stated: None,
                fee: None,
                at: self.clock.now(),
            });
        }
        Ok(PayoutBatchReport {
            rail_ref: Some(reference.to_owned()),
            payouts: payouts.into_values().collect(),
        })
    }
}

/// The `sender_batch_id` is taken. A request id whose first body was another one is the same news, without a name.
fn is_duplicate(refusal: &Refusal) -> bool {
    let about_batch =
        refusal.field.as_deref().is_some_and(|field| field.to_ascii_uppercase().ends_with("SENDER_BATCH_ID"));
    let linked = refusal.links.iter().any(|link| link.contains(BATCH_PATH));
    (refusal.name == "USER_BUSINESS_ERROR" && (about_batch || linked))
        || refusal.name == "DUPLICATE_TRANSACTION"
        || refusal.code == "DUPLICATE_REQUEST_ID"
}

/// The answer is about our batch.
fn own_batch(header: &wire::BatchHeader, batch: &PayoutBatchRequest) -> Result<(), GatewayError> {
    let named = header.sender_batch_header.as_ref().and_then(|header| header.sender_batch_id.as_deref());
    if named.is_some_and(|named| named != batch.request_ref) {
        return Err(GatewayError::OutcomeUnknown("the answer is about another batch of payouts".into()));
    }
    if !is_payout_ref(&header.payout_batch_id) {
        return Err(GatewayError::OutcomeUnknown("the batch of payouts has no id".into()));
    }
    Ok(())
}

/// The call's body, or why PayPal cannot be asked for it.
fn body(batch: &PayoutBatchRequest) -> Result<Vec<u8>, GatewayError> {
    let not_sent = |why: String| Err(GatewayError::NotSent(why));
    let Some(first) = batch.orders.first() else { return not_sent("a batch without payouts".into()) };
    if batch.orders.len() > BATCH {
        return not_sent(format!("{} payouts in one batch; PayPal takes {BATCH}", batch.orders.len()));
    }
    let currency = first.amount.currency();
    if let Some(other) = batch.orders.iter().find(|order| order.amount.currency() != currency) {
        return not_sent(format!("{} is not in the batch's currency {currency}", other.payout));
    }
    let mut items = Vec::with_capacity(batch.orders.len());
    let mut refused = None;
    for order in &batch.orders {
        match item(order) {
            Ok(item) => items.push(item),
            Err(why) => refused = refused.or(Some(why)),
        }
    }
    if let (true, Some(message)) = (items.is_empty(), refused) {
        let message = format!("none of it can be asked for: {message}");
        return Err(GatewayError::Refused { code: NOT_PAYABLE.to_owned(), message, retry_later: false });
    }
    let sender_batch_header = wire::SenderBatchHeader { sender_batch_id: &batch.request_ref };
    let written = serde_json::to_vec(&wire::BatchRequest { sender_batch_header, items });
    written.map_err(|error| GatewayError::NotSent(error.to_string()))
}

/// One payout in PayPal's words, or why PayPal cannot pay it: that one is left out of the call and has failed, the others
/// do not wait for it.
fn item(order: &PayoutOrder) -> Result<wire::ItemRequest<'_>, String> {
    if order.creditor.kind != PayoutAccountKind::Paypal {
        return Err(format!("{} does not go to a PayPal account; PayPal pays no other", order.payout));
    }
    let receiver = order.creditor.number.expose_secret();
    if receiver.len() > RECEIVER_LIMIT || !receiver.contains('@') {
        let why = format!("no e-mail address of at most {RECEIVER_LIMIT} bytes");
        return Err(format!("the account of {} is {why}", order.payout));
    }
    let written = amount::write(order.amount).filter(|_| order.amount.is_positive());
    let written = written.ok_or_else(|| format!("PayPal cannot pay {}", order.amount))?;
    Ok(wire::ItemRequest {
        recipient_type: "EMAIL",
        receiver,
        amount: wire::PayoutAmount { currency: written.currency_code, value: written.value },
        sender_item_id: order.payout.to_string(),
        note: text::shorten(&order.note, NOTE_LIMIT),
        purpose: order.purpose.as_deref().filter(|purpose| PURPOSES.contains(purpose)),
    })
}

/// What a payout has failed with that PayPal cannot be asked for; nothing for any other.
fn unpayable(order: &PayoutOrder) -> Option<PayoutStatus> {
    let reason = item(order).err()?;
    Some(PayoutStatus::Failed { code: NOT_PAYABLE.to_owned(), reason })
}
