//! The calls: take a batch on, show it page by page, show one payout, cancel one that waits for its payee.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::super::super::scenario::{self, Armed, Scenario, Target};
use super::super::super::serial;
use super::super::envelope::{Answer, Refusal, problem};
use super::super::{Call, account, amount, captures, search};
use super::read::{self, Sent, SentItem};
use super::{Batch, BatchState, Item, ItemState, work};
use crate::money::Money;

/// A `sender_batch_id` may be used again after this.
const REMEMBERED: TimeDelta = TimeDelta::days(30);

/// `POST /v1/payments/payouts`.
pub(in super::super) async fn create(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    work::work_off(call.sandbox, &mut call.session, call.now).await?;
    let sent = match read::read(&call.object(true)?) {
        Ok(sent) => sent,
        Err(details) => {
            let (name, message) = ("VALIDATION_ERROR", "Invalid request - see details");
            return Ok(problem(call.sandbox, 400, name, message, details));
        }
    };
    let key = format!("{} {}", call.app.merchant_id, sent.sender_batch_id);
    let known = call.session.under::<Batch>(&key).await?;
    if let Some(known) = known.iter().rfind(|known| call.now < known.created + REMEMBERED) {
        let link = json!({"href": call.href(&known.path()), "rel": "self", "method": "GET",
                          "encType": "application/json"});
        let detail = json!({"field": "SENDER_BATCH_ID", "location": "body",
                            "issue": "Batch with given sender_batch_id already exists", "link": [link]});
        return Ok(problem(call.sandbox, 400, "USER_BUSINESS_ERROR", "User business error.", vec![detail]));
    }
    let mut faults = scenario::faults_for(&mut call.session, &[&sent.sender_batch_id]).await?;
    if faults.has(Scenario::InsufficientBalance) {
        // Only the first try finds the account empty; what else was armed waits for the next.
        for other in Scenario::ALL.into_iter().filter(|other| faults.has(*other)) {
            if other != Scenario::InsufficientBalance {
                let target = Target::Payment(sent.sender_batch_id.clone());
                call.session.put(&Armed::new(call.sandbox, other, target)).await?;
            }
        }
        return Ok(no_funds(call));
    }
    let Sent { sender_batch_id, header, items } = sent;
    let id = serial::capitals(&call.sandbox.ids, 13);
    let wrong = faults.has(Scenario::WrongAmount);
    let mut made = Vec::with_capacity(items.len());
    for item in items {
        let Some(item) = take_on(call, &id, item, wrong)? else { return Ok(no_funds(call)) };
        made.push(item);
    }
    let Some(first) = made.first() else { return Err(Refusal::internal()) };
    let (currency, costs_in) = (first.amount.currency(), first.cost().currency());
    let sum = |of: fn(&Item) -> i64| made.iter().map(of).sum::<i64>();
    let cost = Money::from_minor(sum(|item| item.cost().minor()), costs_in);
    if account::available(&mut call.session, &call.app, costs_in).await? < cost.minor() {
        return Ok(no_funds(call));
    }
    account::withhold(&mut call.session, &call.app, cost, true).await?;
    let broken = faults.strikes(Scenario::TimeoutAfterSuccess, "payouts");
    let batch = Batch {
        id,
        client_id: call.app.client_id.clone(),
        key,
        sender_batch_id,
        header,
        state: BatchState::Pending,
        amount: Money::from_minor(sum(|item| item.amount.minor()), currency),
        fees: Money::from_minor(sum(|item| item.fee.minor()), currency),
        faults,
        created: call.now,
        completed: None,
        due: Some(call.now + work::BEGINS),
    };
    for item in &made {
        call.session.put(item).await?;
    }
    call.session.put(&batch).await?;
    if batch.faults.has(Scenario::ForgedCallback) {
        super::forge(call.sandbox, &mut call.session, &batch).await?;
    }
    let shown = json!({
        "batch_header": {"payout_batch_id": batch.id, "batch_status": batch.state.word(),
                         "sender_batch_header": batch.header},
        "links": [call.link("self", "GET", &batch.path())],
    });
    Ok(Answer::created(shown).broken_if(broken))
}

/// One payout with its fee and, where the account does not hold the currency, what it costs instead. `None`: the account
/// holds neither the currency nor one it is bought with.
fn take_on(call: &Call<'_>, batch_id: &str, item: SentItem, wrong: bool) -> Result<Option<Item>, Refusal> {
    let paid = if wrong { amount::tenth(item.amount) } else { item.amount };
    let fee = call.app.payout_fee.of(paid).ok_or_else(Refusal::internal)?;
    let converted = captures::converted(&call.app, paid)?;
    if converted.is_none() && !call.app.holds.is_empty() && !call.app.holds.contains(&paid.currency()) {
        return Ok(None);
    }
    let converted_fee = captures::converted(&call.app, fee)?.map(|(fee, _)| fee);
    Ok(Some(Item {
        id: serial::capitals(&call.sandbox.ids, 13),
        batch_id: batch_id.to_owned(),
        sender_item_id: item.sender_item_id,
        sent: item.sent,
        receiver: item.receiver,
        amount: paid,
        fee,
        converted,
        converted_fee,
        state: ItemState::Pending,
        transaction_id: None,
        activity_id: serial::capitals(&call.sandbox.ids, 17),
        processed: None,
        due: None,
    }))
}

fn no_funds(call: &Call<'_>) -> Answer {
    let message = "Sender does not have sufficient funds. Please add funds and retry.";
    problem(call.sandbox, 422, "INSUFFICIENT_FUNDS", message, vec![])
}

/// `GET /v1/payments/payouts/{id}`: up to 1,000 payouts of it.
pub(in super::super) async fn show(call: &mut Call<'_>, id: &str) -> Result<Answer, Refusal> {
    work::work_off(call.sandbox, &mut call.session, call.now).await?;
    let batch = own(call, id).await?;
    let page_size = search::number(call, "page_size", 1_000, 1_000)?;
    let page = search::number(call, "page", 1, 1_000)?;
    let items: Vec<Item> = call.session.under(&batch.id).await?;
    let shown: Vec<Value> = items
        .iter()
        .skip((page - 1) * page_size)
        .take(page_size)
        .map(|item| item.represent(call.sandbox))
        .collect();
    let mut answer = json!({"batch_header": batch.represent(), "items": shown,
                            "links": [call.link("self", "GET", &batch.path())]});
    if call.query("total_required").as_deref() == Some("true") {
        answer["total_items"] = json!(items.len());
        answer["total_pages"] = json!(items.len().div_ceil(page_size));
    }
    Ok(Answer::ok(answer))
}

/// `GET /v1/payments/payouts-item/{id}`.
pub(in super::super) async fn show_item(call: &mut Call<'_>, id: &str) -> Result<Answer, Refusal> {
    work::work_off(call.sandbox, &mut call.session, call.now).await?;
    let (batch, item) = own_item(call, id).await?;
    Ok(Answer::ok(item.resource(call.sandbox, &batch)))
}

/// `POST /v1/payments/payouts-item/{id}/cancel`: only while nobody has claimed it.
pub(in super::super) async fn cancel(call: &mut Call<'_>, id: &str) -> Result<Answer, Refusal> {
    work::work_off(call.sandbox, &mut call.session, call.now).await?;
    let (mut batch, mut item) = own_item(call, id).await?;
    if item.state != ItemState::Unclaimed {
        // The name is known, its exact shape is not published.
        let message = "Item cannot be cancelled, it is not unclaimed.";
        return Ok(problem(call.sandbox, 400, "ITEM_INCORRECT_STATUS", message, vec![]));
    }
    let broken = batch.faults.strikes(Scenario::TimeoutAfterSuccess, "cancel");
    call.session.put(&batch).await?;
    let (app, now) = (call.app.clone(), call.now);
    let work = work::Work { sandbox: call.sandbox, app, batch: &batch };
    work.back(&mut call.session, &mut item, ItemState::Returned, now).await?;
    work.tell_item(&mut call.session, &item, "CANCELED").await?;
    Ok(Answer::ok(item.resource(call.sandbox, &batch)).broken_if(broken))
}

async fn own(call: &mut Call<'_>, id: &str) -> Result<Batch, Refusal> {
    let batch: Batch = call.session.find(id).await?.ok_or_else(Refusal::not_found)?;
    if batch.client_id == call.app.client_id { Ok(batch) } else { Err(Refusal::forbidden()) }
}

async fn own_item(call: &mut Call<'_>, id: &str) -> Result<(Batch, Item), Refusal> {
    let item: Item = call.session.find(id).await?.ok_or_else(Refusal::not_found)?;
    Ok((own(call, &item.batch_id).await?, item))
}
