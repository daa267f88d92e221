//! Orders v2: create, show, patch, capture, authorise.

use serde_json::{Value, json};
use url::Url;

use super::super::book::Session;
use super::super::scenario::{Scenario, faults_for};
use super::super::{Sandbox, SandboxError, serial};
use super::captures::{Capture, Taking};
use super::envelope::{Answer, Refusal};
use super::order::{self, Intent, Order, OrderStatus};
use super::{App, Call, authorizations, captures, disputes, events, refunds};

/// `POST /v2/checkout/orders`.
pub(super) async fn create(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let body = call.object(true)?;
    let source = body.get("payment_source").filter(|source| !source.is_null());
    if source.is_some() && call.header("paypal-request-id").is_none() {
        return Err(Refusal::invalid_at("PayPal-Request-Id", "PAYPAL_REQUEST_ID_REQUIRED"));
    }
    let intent = match body.get("intent").and_then(Value::as_str) {
        Some("CAPTURE") => Intent::Capture,
        Some("AUTHORIZE") => Intent::Authorize,
        Some(_) => {
            return Err(Refusal::invalid_at("/intent", "INVALID_PARAMETER_VALUE"));
        }
        None => {
            return Err(Refusal::invalid_at("/intent", "MISSING_REQUIRED_PARAMETER"));
        }
    };
    let units = order::units(&body, &call.app.merchant_id)?;
    let experience = source
        .and_then(|source| source.get("paypal"))
        .and_then(|paypal| paypal.get("experience_context"))
        .or_else(|| body.get("application_context"));
    let return_url = address(experience, "return_url")?;
    let cancel_url = address(experience, "cancel_url")?;
    let reference = units.first().and_then(|unit| unit.custom_id.clone().or_else(|| unit.invoice_id.clone()));
    let id = serial::capitals(&call.sandbox.ids, 17);
    let mut references = vec![id.as_str()];
    references.extend(
        units.iter().flat_map(|unit| [&unit.custom_id, &unit.invoice_id]).flatten().map(String::as_str),
    );
    let faults = faults_for(&mut call.session, &references).await?;
    let order = Order {
        client_id: call.app.client_id.clone(),
        reference,
        intent,
        status: if source.is_some() { OrderStatus::PayerActionRequired } else { OrderStatus::Created },
        units,
        with_source: source.is_some(),
        payer_country: order::home(),
        return_url,
        cancel_url,
        created: call.now,
        updated: call.now,
        page_token: None,
        faults,
        id,
    };
    call.session.put(&order).await?;
    if order.faults.has(Scenario::ForgedCallback) {
        events::forge(call.sandbox, &mut call.session, &order).await?;
    }
    let shown = if call.wants_representation() { order.represent(call, &[]) } else { order.brief(call) };
    Ok(Answer::created(shown))
}

/// `GET /v2/checkout/orders/{id}`.
pub(super) async fn show(call: &mut Call<'_>, id: &str) -> Result<Answer, Refusal> {
    let order = own(call, id).await?;
    let payments = payments_of(call, &order).await?;
    Ok(Answer::ok(order.represent(call, &payments)))
}

/// `PATCH /v2/checkout/orders/{id}`: `custom_id`, `invoice_id`, `description`, `soft_descriptor` and `amount` of a
/// unit, until it is captured.
pub(super) async fn patch(call: &mut Call<'_>, id: &str) -> Result<Answer, Refusal> {
    let mut order = own(call, id).await?;
    if order.status == OrderStatus::Completed {
        return Err(Refusal::unprocessable("ORDER_ALREADY_COMPLETED"));
    }
    let malformed = || Refusal::invalid_at("/", "MALFORMED_REQUEST_JSON");
    let operations: Vec<Value> = serde_json::from_slice(call.body).map_err(|_| malformed())?;
    for operation in &operations {
        let text = |name: &str| operation.get(name).and_then(Value::as_str);
        let path = text("path").ok_or_else(|| Refusal::unprocessable("PATCH_PATH_REQUIRED"))?;
        let (unit, field) = patch_target(path)
            .and_then(|(reference, field)| {
                order.units.iter_mut().find(|unit| unit.reference_id == reference).map(|unit| (unit, field))
            })
            .ok_or_else(|| Refusal::invalid_at(path, "FIELD_NOT_PATCHABLE"))?;
        match (text("op"), operation.get("value")) {
            (Some("add" | "replace"), Some(value)) => {
                unit.sent.insert(field.to_owned(), value.clone());
            }
            (Some("remove"), _) if field != "amount" => {
                unit.sent.remove(field);
            }
            (Some("add" | "replace"), None) => {
                return Err(Refusal::unprocessable("PATCH_VALUE_REQUIRED"));
            }
            _ => {
                return Err(Refusal::invalid_at(path, "INVALID_PATCH_OPERATION"));
            }
        }
        let sent = Value::Object(unit.sent.clone());
        *unit = order::read_unit(&sent, "/purchase_units/0", &call.app.merchant_id, false)?;
    }
    order.reference =
        order.units.first().and_then(|unit| unit.custom_id.clone().or_else(|| unit.invoice_id.clone()));
    call.session.put(&order).await?;
    Ok(Answer::empty(204))
}

/// `/purchase_units/@reference_id=='default'/custom_id` → (`default`, `custom_id`).
fn patch_target(path: &str) -> Option<(&str, &str)> {
    let rest = path.strip_prefix("/purchase_units/@reference_id=='")?;
    let (reference, field) = rest.split_once("'/")?;
    let fields = ["amount", "custom_id", "invoice_id", "description", "soft_descriptor"];
    fields.contains(&field).then_some((reference, field))
}

/// `POST /v2/checkout/orders/{id}/capture`.
pub(super) async fn capture(call: &mut Call<'_>, id: &str) -> Result<Answer, Refusal> {
    call.object(false)?;
    let mut order = own(call, id).await?;
    if let Some(declined) = refuse_unready(call, &mut order, Intent::Capture).await? {
        return Ok(declined);
    }
    for unit in order.units.clone() {
        let (asked, invoice_id) = (unit.amount, unit.invoice_id.clone());
        let taking = Taking { order: &order, unit: &unit, asked, invoice_id, is_final: true };
        captures::take(call, taking).await?;
    }
    finish(call, order, "capture").await
}

/// `POST /v2/checkout/orders/{id}/authorize`.
pub(super) async fn authorize(call: &mut Call<'_>, id: &str) -> Result<Answer, Refusal> {
    call.object(false)?;
    let mut order = own(call, id).await?;
    if let Some(declined) = refuse_unready(call, &mut order, Intent::Authorize).await? {
        return Ok(declined);
    }
    for unit in &order.units {
        authorizations::create(call, &order, unit).await?;
    }
    finish(call, order, "authorize").await
}

/// Only an approved order of the right intent goes on. A shopper who cannot pay sends it back to the page, which is
/// the one refusal that leaves something behind.
async fn refuse_unready(
    call: &mut Call<'_>,
    order: &mut Order,
    intent: Intent,
) -> Result<Option<Answer>, Refusal> {
    if order.intent != intent {
        return Err(Refusal::unprocessable("ACTION_DOES_NOT_MATCH_INTENT"));
    }
    match (order.status, intent) {
        (OrderStatus::Approved, _) => {}
        (OrderStatus::Completed, Intent::Capture) => {
            return Err(Refusal::unprocessable("ORDER_ALREADY_CAPTURED"));
        }
        (OrderStatus::Completed, Intent::Authorize) => {
            return Err(Refusal::unprocessable("ORDER_ALREADY_AUTHORIZED"));
        }
        _ => {
            return Err(Refusal::unprocessable("ORDER_NOT_APPROVED"));
        }
    }
    if !order.faults.strikes(Scenario::InsufficientBalance, "funds") {
        return Ok(None);
    }
    order.status = OrderStatus::PayerActionRequired;
    order.updated = call.now;
    call.session.put(order).await?;
    Ok(Some(Refusal::unprocessable("INSTRUMENT_DECLINED").answer(call.sandbox)))
}

async fn finish(call: &mut Call<'_>, mut order: Order, done: &str) -> Result<Answer, Refusal> {
    order.status = OrderStatus::Completed;
    order.updated = call.now;
    let broken = order.faults.strikes(Scenario::TimeoutAfterSuccess, done);
    call.session.put(&order).await?;
    let payments = payments_of(call, &order).await?;
    let shown = if call.wants_representation() {
        order.represent(call, &payments)
    } else {
        let mut brief = order.brief(call);
        let unit = |(reference, made): &(String, Value)| json!({"reference_id": reference, "payments": made});
        brief["purchase_units"] = Value::Array(payments.iter().map(unit).collect());
        brief
    };
    Ok(Answer::created(shown).broken_if(broken))
}

/// `payments` of each unit, by its `reference_id`.
async fn payments_of(call: &mut Call<'_>, order: &Order) -> Result<Vec<(String, Value)>, Refusal> {
    let captures: Vec<Capture> = call.session.under(&order.id).await?;
    let authorizations = authorizations::of_order(call, &order.id).await?;
    let mut shown = Vec::new();
    for unit in &order.units {
        let mut made = serde_json::Map::new();
        let own = captures.iter().filter(|capture| capture.reference_id == unit.reference_id);
        let (mut taken, mut refunds) = (Vec::new(), Vec::new());
        for capture in own {
            taken.push(capture.represent(call));
            refunds.extend(refunds::refunds_of(call, &capture.id).await?);
        }
        for (name, list) in [("captures", taken), ("refunds", refunds)] {
            if !list.is_empty() {
                made.insert(name.into(), Value::Array(list));
            }
        }
        let authorized: Vec<Value> = authorizations
            .iter()
            .filter(|authorization| authorization.reference_id == unit.reference_id)
            .map(|authorization| authorization.represent(call))
            .collect();
        if !authorized.is_empty() {
            made.insert("authorizations".into(), Value::Array(authorized));
        }
        if !made.is_empty() {
            shown.push((unit.reference_id.clone(), Value::Object(made)));
        }
    }
    Ok(shown)
}

/// The caller's own order, unless it has lapsed.
async fn own(call: &mut Call<'_>, id: &str) -> Result<Order, Refusal> {
    let order: Order = call.session.find(id).await?.ok_or_else(Refusal::not_found)?;
    if order.client_id != call.app.client_id {
        return Err(Refusal::forbidden());
    }
    if order.has_lapsed(call.now) { Err(Refusal::not_found()) } else { Ok(order) }
}

fn address(experience: Option<&Value>, name: &str) -> Result<Option<String>, Refusal> {
    let Some(sent) = experience.and_then(|experience| experience.get(name)) else { return Ok(None) };
    let url = sent.as_str().filter(|text| Url::parse(text).is_ok_and(|url| url.has_host()));
    url.map(|url| Some(url.to_owned())).ok_or_else(|| {
        let field = format!("/payment_source/paypal/experience_context/{name}");
        Refusal::invalid_at(&field, "INVALID_PARAMETER_SYNTAX")
    })
}

/// Arms a scenario for an order that is already known; false when none is.
pub(in super::super) async fn arm(
    sandbox: &Sandbox,
    session: &mut Session,
    reference: &str,
    scenario: Scenario,
) -> Result<bool, SandboxError> {
    let Some(mut order) = find(session, reference).await? else { return Ok(false) };
    order.faults.arm(scenario);
    session.put(&order).await?;
    if scenario == Scenario::ForgedCallback {
        events::forge(sandbox, session, &order).await?;
    }
    if Scenario::DISPUTES.contains(&scenario) {
        disputes::strike(sandbox, session, &order, scenario).await?;
    }
    Ok(true)
}

/// The order with this id or, newest first, this reference.
pub(super) async fn find(session: &mut Session, reference: &str) -> Result<Option<Order>, SandboxError> {
    match session.find::<Order>(reference).await? {
        Some(order) => Ok(Some(order)),
        None => Ok(session.under::<Order>(reference).await?.pop()),
    }
}

/// The app an order belongs to.
pub(super) async fn app_of(session: &mut Session, order: &Order) -> Result<App, SandboxError> {
    let app = session.find::<App>(&order.client_id).await?;
    app.ok_or_else(|| SandboxError::Setting(format!("the app of PayPal order {} is gone", order.id)))
}
