//! An order and what PayPal demands of it.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::book::Record;
use super::super::scenario::Faults;
use super::amount::{self, AmountFault};
use super::envelope::{Detail, Refusal};
use super::{Call, stamp};
use crate::money::{Currency, Money};

/// How long the shopper has to approve, and then the merchant to capture.
const APPROVAL_LIFE: TimeDelta = TimeDelta::hours(3);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Intent {
    Capture,
    Authorize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum OrderStatus {
    Created,
    PayerActionRequired,
    Approved,
    Completed,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Order {
    pub id: String,
    pub client_id: String,
    /// The caller's reference: `custom_id`, else `invoice_id` of the first unit.
    pub reference: Option<String>,
    pub intent: Intent,
    pub status: OrderStatus,
    pub units: Vec<Unit>,
    /// `payment_source` was named at creation.
    pub with_source: bool,
    /// Where the account that approved it is at home.
    #[serde(default = "home")]
    pub payer_country: String,
    pub return_url: Option<String>,
    pub cancel_url: Option<String>,
    pub created: DateTime<Utc>,
    pub updated: DateTime<Utc>,
    /// The token in the page that was shown last; good for one decision.
    pub page_token: Option<String>,
    pub faults: Faults,
}

/// One purchase unit: as it was sent, and what was read from it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Unit {
    pub reference_id: String,
    pub amount: Money,
    pub custom_id: Option<String>,
    pub invoice_id: Option<String>,
    pub sent: Map<String, Value>,
}

/// The sandbox's shopper is at home in Singapore, unless told otherwise.
pub(super) fn home() -> String {
    "SG".to_owned()
}

impl Record for Order {
    const KIND: &'static str = "paypal.order";
    fn id(&self) -> &str {
        &self.id
    }
    fn alias(&self) -> Option<&str> {
        self.reference.as_deref()
    }
}

impl Order {
    /// Nobody approved it, or nobody captured it, in time: PayPal no longer knows it.
    pub(super) fn has_lapsed(&self, now: DateTime<Utc>) -> bool {
        self.status != OrderStatus::Completed && now >= self.updated.max(self.created) + APPROVAL_LIFE
    }

    /// A shopper can still act on it.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.status, OrderStatus::Created | OrderStatus::PayerActionRequired)
    }

    /// The whole order, with the payments of each unit.
    pub(super) fn represent(&self, call: &Call<'_>, payments: &[(String, Value)]) -> Value {
        let units: Vec<Value> = self
            .units
            .iter()
            .map(|unit| {
                let mut shown = unit.sent.clone();
                shown.insert("reference_id".into(), json!(unit.reference_id));
                let payee = json!({"merchant_id": call.app.merchant_id});
                shown.entry("payee").or_insert(payee);
                if let Some((_, made)) = payments.iter().find(|(id, _)| *id == unit.reference_id) {
                    shown.insert("payments".into(), made.clone());
                }
                Value::Object(shown)
            })
            .collect();
        let mut order = self.brief(call);
        order["intent"] = json!(self.intent);
        order["purchase_units"] = Value::Array(units);
        order["create_time"] = json!(stamp(self.created));
        order["update_time"] = json!(stamp(self.updated));
        order
    }

    /// Id, status, who pays, links: what `return=minimal` shows.
    pub(super) fn brief(&self, call: &Call<'_>) -> Value {
        let mut order = json!({"id": self.id, "status": self.status, "links": self.links(call)});
        let approved = matches!(self.status, OrderStatus::Approved | OrderStatus::Completed);
        if approved {
            let name = json!({"given_name": "Sandbox", "surname": "Shopper"});
            order["payer"] = json!({"name": name, "email_address": "shopper@example.com",
                                    "payer_id": PAYER, "address": {"country_code": self.payer_country}});
            order["payment_source"] = json!({"paypal": {
                "email_address": "shopper@example.com", "account_id": PAYER, "account_status": "VERIFIED",
                "name": name, "address": {"country_code": self.payer_country}}});
        } else if self.with_source {
            order["payment_source"] = json!({"paypal": {}});
        }
        order
    }

    fn links(&self, call: &Call<'_>) -> Value {
        let path = format!("/v2/checkout/orders/{}", self.id);
        let mut links = vec![call.link("self", "GET", &path)];
        if self.is_open() {
            let rel = if self.with_source { "payer-action" } else { "approve" };
            links.push(call.link(rel, "GET", &format!("/checkoutnow?token={}", self.id)));
        }
        if self.status != OrderStatus::Completed {
            let action = if self.intent == Intent::Capture { "capture" } else { "authorize" };
            links.push(call.link("update", "PATCH", &path));
            links.push(call.link(action, "POST", &format!("{path}/{action}")));
        }
        Value::Array(links)
    }
}

/// The one shopper there is.
pub(super) const PAYER: &str = "SHQPPERSANDBX";

/// Reads and checks `purchase_units`.
pub(super) fn units(body: &Value, merchant_id: &str) -> Result<Vec<Unit>, Refusal> {
    let sent = body.get("purchase_units").and_then(Value::as_array).filter(|units| !units.is_empty());
    let sent = sent.ok_or_else(|| Refusal::invalid_at("/purchase_units", "MISSING_REQUIRED_PARAMETER"))?;
    if sent.len() > 10 {
        return Err(Refusal::invalid_at("/purchase_units", "INVALID_ARRAY_MAX_ITEMS"));
    }
    let several = sent.len() > 1;
    let mut units = Vec::with_capacity(sent.len());
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut currency: Option<Currency> = None;
    for (index, unit) in sent.iter().enumerate() {
        let field = format!("/purchase_units/{index}");
        let unit = read_unit(unit, &field, merchant_id, several)?;
        if !seen.insert(unit.reference_id.clone()) {
            return Err(Refusal::unprocessable("DUPLICATE_REFERENCE_ID"));
        }
        if *currency.get_or_insert(unit.amount.currency()) != unit.amount.currency() {
            return Err(Refusal::unprocessable("MULTI_CURRENCY_ORDER"));
        }
        units.push(unit);
    }
    Ok(units)
}

/// Reads and checks one purchase unit.
pub(super) fn read_unit(
    sent: &Value,
    field: &str,
    merchant_id: &str,
    several: bool,
) -> Result<Unit, Refusal> {
    let invalid = |part: &str, issue: &'static str| Refusal::invalid_at(&format!("{field}{part}"), issue);
    let object = sent.as_object().ok_or_else(|| invalid("", "INVALID_PARAMETER_SYNTAX"))?;
    let limits = [
        ("reference_id", 256),
        ("custom_id", 255),
        ("invoice_id", 127),
        ("description", 127),
        ("soft_descriptor", 22),
    ];
    for (name, limit) in limits {
        match object.get(name) {
            None => {}
            Some(Value::String(text)) if (1..=limit).contains(&text.chars().count()) => {}
            Some(Value::String(_)) => {
                return Err(invalid(&format!("/{name}"), "INVALID_STRING_LENGTH"));
            }
            Some(_) => {
                return Err(invalid(&format!("/{name}"), "INVALID_PARAMETER_SYNTAX"));
            }
        }
    }
    let text = |name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
    let reference_id = match text("reference_id") {
        Some(reference) => reference,
        None if several => {
            return Err(Refusal::unprocessable("REFERENCE_ID_REQUIRED"));
        }
        None => "default".to_owned(),
    };
    let amount =
        amount::read(object.get("amount"), &format!("{field}/amount"), false).map_err(refuse_amount)?;
    check_breakdown(object, amount, field)?;
    let payee = object.get("payee").and_then(|payee| payee.get("merchant_id")).and_then(Value::as_str);
    if payee.is_some_and(|payee| payee != merchant_id) {
        return Err(Refusal::unprocessable("PAYEE_ACCOUNT_INVALID"));
    }
    Ok(Unit {
        reference_id,
        amount,
        custom_id: text("custom_id"),
        invoice_id: text("invoice_id"),
        sent: object.clone(),
    })
}

pub(super) fn refuse_amount(fault: AmountFault) -> Refusal {
    match fault {
        AmountFault::Schema(detail) => Refusal::invalid(vec![detail]),
        AmountFault::Rule(detail) => Refusal::unprocessable_all(vec![detail]),
    }
}

/// `value = item_total + tax_total + shipping + handling + insurance − shipping_discount − discount`, and the items
/// sum to `item_total` and `tax_total`.
fn check_breakdown(unit: &Map<String, Value>, amount: Money, field: &str) -> Result<(), Refusal> {
    let breakdown = unit.get("amount").and_then(|amount| amount.get("breakdown"));
    let part = |name: &str| -> Result<Option<Money>, Refusal> {
        let Some(sent) = breakdown.and_then(|breakdown| breakdown.get(name)) else { return Ok(None) };
        let field = format!("{field}/amount/breakdown/{name}");
        let money = amount::read(Some(sent), &field, true).map_err(refuse_amount)?;
        if money.currency() != amount.currency() {
            return Err(Refusal::unprocessable_all(vec![Detail::at(field, "CURRENCY_MISMATCH")]));
        }
        Ok(Some(money))
    };
    let sum = |names: &[&str]| -> Result<i64, Refusal> {
        names.iter().try_fold(0, |sum, name| Ok(sum + part(name)?.map_or(0, Money::minor)))
    };
    if breakdown.is_some() {
        let added = sum(&["item_total", "tax_total", "shipping", "handling", "insurance"])?;
        let taken = sum(&["shipping_discount", "discount"])?;
        if added - taken != amount.minor() {
            let detail = Detail::at(format!("{field}/amount/value"), "AMOUNT_MISMATCH");
            return Err(Refusal::unprocessable_all(vec![detail]));
        }
    }
    let Some(items) = unit.get("items").and_then(Value::as_array) else { return Ok(()) };
    for (name, total, required, mismatch) in [
        ("unit_amount", "item_total", "ITEM_TOTAL_REQUIRED", "ITEM_TOTAL_MISMATCH"),
        ("tax", "tax_total", "TAX_TOTAL_REQUIRED", "TAX_TOTAL_MISMATCH"),
    ] {
        let Some(items_sum) = items_sum(items, name, amount.currency(), field)? else { continue };
        let wrong = match part(total)? {
            None => Some(required),
            Some(stated) if stated.minor() != items_sum => Some(mismatch),
            Some(_) => None,
        };
        if let Some(issue) = wrong {
            let field = format!("{field}/amount/breakdown/{total}");
            return Err(Refusal::unprocessable_all(vec![Detail::at(field, issue)]));
        }
    }
    Ok(())
}

/// Σ item[name] × quantity in minor units; `None` when no item has it.
fn items_sum(items: &[Value], name: &str, currency: Currency, field: &str) -> Result<Option<i64>, Refusal> {
    let mut sum = None;
    for (index, item) in items.iter().enumerate() {
        let field = format!("{field}/items/{index}");
        let quantity = item.get("quantity").and_then(Value::as_str).and_then(|text| text.parse::<u32>().ok());
        let Some(quantity) = quantity else {
            return Err(Refusal::invalid_at(&format!("{field}/quantity"), "INVALID_PARAMETER_SYNTAX"));
        };
        if item.get(name).is_none() && name != "unit_amount" {
            continue;
        }
        let money = amount::read(item.get(name), &format!("{field}/{name}"), true).map_err(refuse_amount)?;
        if money.currency() != currency {
            return Err(Refusal::unprocessable("CURRENCY_MISMATCH"));
        }
        sum = Some(sum.unwrap_or(0) + money.minor().saturating_mul(i64::from(quantity)));
    }
    Ok(sum)
}
