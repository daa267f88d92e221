//! A batch as it is sent, checked as a whole: one fault refuses all of it.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::super::amount;
use crate::money::Money;

/// Most payouts in one batch.
const MOST: usize = 15_000;

/// What was sent.
pub(super) struct Sent {
    pub sender_batch_id: String,
    pub header: Map<String, Value>,
    pub items: Vec<SentItem>,
}

pub(super) struct SentItem {
    pub sender_item_id: Option<String>,
    pub receiver: String,
    pub amount: Money,
    pub sent: Map<String, Value>,
}

/// Reads a batch.
///
/// # Errors
/// PayPal's `details`.
pub(super) fn read(body: &Value) -> Result<Sent, Vec<Value>> {
    let one = |field: &str, issue: &str| vec![fault(field, issue)];
    let header = body.get("sender_batch_header").and_then(Value::as_object);
    let header = header.ok_or_else(|| one("sender_batch_header", "Required field is missing"))?;
    let text = |name: &str, longest: usize| match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if text.chars().count() <= longest => Ok(Some(text.clone())),
        Some(_) => Err(one(&format!("sender_batch_header.{name}"), "Field is too long or no text")),
    };
    let sender_batch_id = text("sender_batch_id", 256)?.filter(|id| !id.is_empty());
    let sender_batch_id = sender_batch_id
        .ok_or_else(|| one("sender_batch_header.sender_batch_id", "Required field is missing"))?;
    text("email_subject", 255)?;
    text("email_message", 1_000)?;
    text("note", 1_000)?;
    let kind = text("recipient_type", 13)?;
    let items = body.get("items").and_then(Value::as_array).filter(|items| !items.is_empty());
    let items = items.ok_or_else(|| one("items", "Required field is missing"))?;
    if items.len() > MOST {
        return Err(one("items", "Too many items"));
    }
    let (mut read, mut faults) = (Vec::with_capacity(items.len()), Vec::new());
    for (place, item) in items.iter().enumerate() {
        match read_item(item, place, kind.as_deref()) {
            Ok(item) => read.push(item),
            Err(found) => faults.push(found),
        }
    }
    let mut ids = HashSet::new();
    for (place, item) in read.iter().enumerate() {
        if item.sender_item_id.as_ref().is_some_and(|id| !ids.insert(id)) {
            faults.push(fault(&format!("items[{place}].sender_item_id"), "Duplicate sender_item_id"));
        }
        if item.amount.currency() != read[0].amount.currency() {
            faults
                .push(fault(&format!("items[{place}].amount.currency"), "Multiple currencies in one batch"));
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(Sent { sender_batch_id, header: header.clone(), items: read })
}

fn read_item(item: &Value, place: usize, kind: Option<&str>) -> Result<SentItem, Value> {
    let at = |field: &str, issue: &str| fault(&format!("items[{place}]{field}"), issue);
    let sent = item.as_object().ok_or_else(|| at("", "Item is invalid"))?;
    let text = |name: &str, longest: usize| match sent.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if text.chars().count() <= longest => Ok(Some(text.as_str())),
        Some(_) => Err(at(&format!(".{name}"), "Field is too long or no text")),
    };
    let receiver = text("receiver", 127)?.ok_or_else(|| at(".receiver", "Required field is missing"))?;
    let fits = match text("recipient_type", 13)?.or(kind).unwrap_or("EMAIL") {
        "EMAIL" => {
            receiver.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
        }
        "PAYPAL_ID" => (1..=13).contains(&receiver.len()),
        "PHONE" => return Err(at(".recipient_type", "PHONE is not supported in the sandbox")),
        _ => return Err(at(".recipient_type", "Recipient type is invalid")),
    };
    if !fits {
        return Err(at(".receiver", "Receiver is invalid or does not match with type"));
    }
    text("note", 4_000)?;
    let named = sent.get("amount").ok_or_else(|| at(".amount", "Required field is missing"))?;
    let value = json!({"currency_code": named.get("currency"), "value": named.get("value")});
    let amount = amount::read(Some(&value), "", false)
        .map_err(|_| at(".amount", "Amount is invalid or not supported for the currency"))?;
    Ok(SentItem {
        sender_item_id: text("sender_item_id", 63)?.map(str::to_owned),
        receiver: receiver.to_owned(),
        amount,
        sent: sent.clone(),
    })
}

fn fault(field: &str, issue: &str) -> Value {
    json!({"field": field, "location": "body", "issue": issue})
}
