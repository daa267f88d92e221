//! Payouts at PayPal: the adapter against answers written out here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use chrono::DateTime;
use serde_json::{Value, json};
use straits::clock::Clock;
use straits::domain::merchants::PayoutAccountKind;
use straits::domain::payouts::{FeeBearer, PayoutStatus};
use straits::gateways::paypal::status;
use straits::gateways::{
    Context, Creditor, Gateway, GatewayError, PayoutBatchReport, PayoutBatchRequest, PayoutOrder, Trust,
    call, registry,
};
use straits::ids::{IdSource, PayoutBatchId, PayoutId};

use super::bench::{START_S, is_not_sent, is_unknown, money};
use super::line::{self, Outcome, Reply, Request};
use super::openapi;
use super::paypal::account;

const BATCH: &str = "Q6K2CE4GQ36MQ";
const SPEC: &str = "payments_payouts_batch_v1";

static HTTP: LazyLock<reqwest::Client> =
    LazyLock::new(|| call::client_within(Duration::from_secs(3)).unwrap());

/// What comes instead of an answer, once.
#[derive(Clone)]
enum Fault {
    /// Takes effect, the answer is lost.
    Lost,
    Slow,
    CutShort,
    /// No effect; this comes back.
    Refused(Reply),
}

#[derive(Default)]
struct Far {
    fault: Option<Fault>,
    /// The batch as it was sent.
    sent: Option<Value>,
    posts: usize,
    cancelled: Vec<String>,
    pages: Vec<String>,
    batch_word: Option<&'static str>,
    /// Changes each item before it is shown.
    retouch: Option<fn(usize, &mut Value)>,
    named: Option<&'static str>,
    duplicate_names_it: bool,
    lists_nothing: bool,
    complaints: Vec<String>,
}

fn problem(status: u16, name: &str, details: Value) -> Reply {
    let body = json!({"name": name, "message": "words", "debug_id": "f701090abdcb2", "details": details,
                      "information_link": "https://developer.paypal.com/docs", "links": []});
    Reply::json(status, &body)
}

impl Far {
    fn answer(&mut self, request: &Request) -> Outcome {
        let path = request.target.strip_prefix("/mount/paypal").unwrap_or_default();
        if path == "/v1/oauth2/token" {
            let token = json!({"access_token": "A21AA", "token_type": "Bearer", "expires_in": 32400});
            return Outcome::Answer(Reply::json(200, &token));
        }
        if request.header("authorization") != Some("Bearer A21AA") {
            self.complaints.push(format!("no bearer: {request:?}"));
        }
        let fault = self.fault.take();
        if let Some(Fault::Refused(reply)) = fault {
            self.posts += usize::from(path == "/v1/payments/payouts");
            return Outcome::Answer(reply);
        }
        let reply = match (request.method.as_str(), path) {
            ("POST", "/v1/payments/payouts") => self.create(request),
            ("GET", path) if path.starts_with(&format!("/v1/payments/payouts/{BATCH}?")) => self.page(path),
            ("POST", path) if path.ends_with("/cancel") => self.cancel(path),
            _ => problem(404, "RESOURCE_NOT_FOUND", json!([{"issue": "INVALID_RESOURCE_ID"}])),
        };
        match fault {
            Some(Fault::Lost) => Outcome::BreakOff,
            Some(Fault::Slow) => Outcome::Hang,
            Some(Fault::CutShort) => Outcome::CutShort(reply),
            _ => Outcome::Answer(reply),
        }
    }

    fn create(&mut self, request: &Request) -> Reply {
        self.posts += 1;
        let body = request.json();
        // Held against the file item by item: one of each kind is enough of a long batch.
        let mut shown = body.clone();
        if let Some(items) = shown["items"].as_array_mut() {
            items.truncate(10);
        }
        self.complaints.extend(openapi::complaints(SPEC, "create_payout_request", &shown));
        let reference = body["sender_batch_header"]["sender_batch_id"].as_str().unwrap_or_default();
        if request.header("paypal-request-id") != Some(&format!("{reference}-payouts")) {
            self.complaints.push(format!("request id: {:?}", request.headers));
        }
        if let Some(before) = &self.sent {
            if *before != body {
                self.complaints.push("another body under the same reference".into());
            }
            let href = format!("https://api-m.paypal.com/v1/payments/payouts/{BATCH}");
            let mut detail = json!({"field": "SENDER_BATCH_ID", "location": "body",
                                    "issue": "Batch with given sender_batch_id already exists"});
            if self.duplicate_names_it {
                detail["link"] =
                    json!([{"href": href, "rel": "self", "method": "GET", "encType": "application/json"}]);
            }
            return problem(400, "USER_BUSINESS_ERROR", json!([detail]));
        }
        self.sent = Some(body);
        Reply::json(201, &json!({"batch_header": self.header(), "links": []}))
    }

    fn header(&self) -> Value {
        let sent = self.sent.as_ref().unwrap();
        let mut header = json!({"payout_batch_id": BATCH, "batch_status": self.batch_word.unwrap_or("PENDING"),
                                "sender_batch_header": sent["sender_batch_header"]});
        if let Some(named) = self.named {
            header["sender_batch_header"]["sender_batch_id"] = named.into();
        }
        header
    }

    fn page(&mut self, path: &str) -> Reply {
        self.pages.push(path.to_owned());
        let query = url::Url::parse(&format!("http://x{path}")).unwrap();
        let query: BTreeMap<String, String> = query.query_pairs().into_owned().collect();
        let (page, size): (usize, usize) =
            (query["page"].parse().unwrap(), query["page_size"].parse().unwrap());
        assert!(page >= 1 && (1..=1000).contains(&size));
        assert_eq!(query["total_required"], "true");
        let sent = self.sent.as_ref().unwrap()["items"].as_array().unwrap();
        let shown = sent.iter().enumerate().skip((page - 1) * size).take(size).map(|(place, item)| {
            let mut shown = json!({
                "payout_item_id": format!("ITEM{place}"), "transaction_id": format!("{place:017}"),
                "activity_id": "0E158638XS0329106", "transaction_status": "SUCCESS",
                "payout_item_fee": {"currency": "USD", "value": "0.25"}, "payout_batch_id": BATCH,
                "payout_item": item, "time_processed": "2026-11-23T02:00:03Z", "a_member_of_tomorrow": [1],
                "links": [{"href": format!("https://api-m.paypal.com/v1/payments/payouts-item/ITEM{place}"),
                           "rel": "item", "method": "GET", "encType": "application/json"}],
            });
            if let Some(retouch) = self.retouch {
                retouch(place, &mut shown);
            }
            shown
        });
        let items: Vec<Value> = if self.lists_nothing { vec![] } else { shown.collect() };
        let pages = sent.len().div_ceil(size);
        Reply::json(
            200,
            &json!({"total_items": sent.len(), "total_pages": pages, "batch_header": self.header(), "items": items}),
        )
    }

    fn cancel(&mut self, path: &str) -> Reply {
        let id = path.strip_prefix("/v1/payments/payouts-item/").unwrap().strip_suffix("/cancel").unwrap();
        if id == "CLAIMED" {
            return problem(400, "ITEM_INCORRECT_STATUS", json!([]));
        }
        self.cancelled.push(id.to_owned());
        let item = json!({"currency": "USD", "value": "10.00"});
        Reply::json(
            200,
            &json!({"payout_item_id": id, "payout_batch_id": BATCH, "transaction_status": "RETURNED",
                    "payout_item": {"amount": item, "receiver": "a@example.com"}}),
        )
    }
}

struct Desk {
    gateway: Arc<dyn Gateway>,
    unreachable: Arc<dyn Gateway>,
    far: Arc<Mutex<Far>>,
    ids: IdSource,
}

impl Desk {
    fn open() -> Desk {
        let clock = Clock::fixed(DateTime::from_timestamp(START_S, 0).unwrap());
        let ids = IdSource::seeded(clock.clone(), 9);
        let context = Context {
            http: HTTP.clone().into(),
            clock,
            ids: ids.clone(),
            trust: Trust::StraitsSandbox { root_der: super::signer::PKI.root_der.clone() },
        };
        let far = Arc::new(Mutex::new(Far { duplicate_names_it: true, ..Far::default() }));
        let reached = far.clone();
        let answer = move |request: Request| reached.lock().unwrap().answer(&request);
        let address = line::listen(Arc::new(Mutex::new(answer)));
        let build = |base: String| registry::build("paypal", &account(&base, "self"), &context).unwrap();
        Desk {
            gateway: build(format!("http://{address}/mount/paypal")),
            unreachable: build(format!("http://{}", line::nobody())),
            far,
            ids,
        }
    }

    fn order(&self, amount: straits::money::Money, receiver: &str) -> PayoutOrder {
        PayoutOrder {
            payout: self.ids.mint::<PayoutId>(),
            rail_ref: None,
            amount,
            creditor: Creditor {
                name: "Saigon Lanterns".into(),
                country: "VN".into(),
                town: None,
                kind: PayoutAccountKind::Paypal,
                number: receiver.to_owned().into(),
                bank_code: None,
            },
            note: "November, two lanterns 灯笼".into(),
            purpose: Some("GOODS".into()),
            bearer: Some(FeeBearer::Platform),
        }
    }

    fn batch(&self, n: usize) -> PayoutBatchRequest {
        let batch: PayoutBatchId = self.ids.mint();
        let orders = (0..n).map(|n| {
            self.order(money("USD", 1000 + i64::try_from(n).unwrap()), &format!("payee{n}@example.com"))
        });
        PayoutBatchRequest {
            batch,
            request_ref: batch.to_string(),
            rail_ref: None,
            orders: orders.collect(),
            debtor: None,
            execute_on: Default::default(),
            made_at: Default::default(),
            carried: None,
        }
    }

    async fn send(&self, batch: &PayoutBatchRequest) -> Result<PayoutBatchReport, GatewayError> {
        self.gateway.payouts().unwrap().send(batch).await
    }

    async fn query(&self, batch: &PayoutBatchRequest) -> Result<Option<PayoutBatchReport>, GatewayError> {
        self.gateway.payouts().unwrap().query(batch).await
    }

    /// Sent; the batch as it is known from then on.
    async fn sent(&self, n: usize) -> PayoutBatchRequest {
        let batch = self.batch(n);
        let report = self.send(&batch).await.unwrap();
        PayoutBatchRequest { rail_ref: report.rail_ref, ..batch }
    }

    fn far(&self) -> std::sync::MutexGuard<'_, Far> {
        self.far.lock().unwrap()
    }

    fn nothing_was_wrong(&self) {
        assert_eq!(self.far().complaints, Vec::<String>::new());
    }
}

fn word(status: &PayoutStatus) -> &'static str {
    match status {
        PayoutStatus::Pending => "pending",
        PayoutStatus::Paid { .. } => "paid",
        PayoutStatus::Unclaimed { .. } => "unclaimed",
        PayoutStatus::Failed { .. } => "failed",
        PayoutStatus::Returned { .. } => "returned",
        PayoutStatus::Unknown { .. } => "unknown",
    }
}

#[tokio::test]
async fn a_batch_is_sent_once_under_our_reference_and_waits() {
    let desk = Desk::open();
    let batch = desk.batch(3);
    let report = desk.send(&batch).await.unwrap();
    assert_eq!(report.rail_ref.as_deref(), Some(BATCH));
    let told: Vec<_> = report.payouts.iter().map(|told| (told.payout, word(&told.status))).collect();
    let asked: Vec<_> = batch.orders.iter().map(|order| (order.payout, "pending")).collect();
    assert_eq!(told, asked);
    let sent = desk.far().sent.clone().unwrap();
    let item = &sent["items"][1];
    assert_eq!(item["amount"], json!({"currency": "USD", "value": "10.01"}));
    assert_eq!(item["sender_item_id"], batch.orders[1].payout.to_string());
    assert_eq!((&item["receiver"], &item["purpose"]), (&json!("payee1@example.com"), &json!("GOODS")));
    desk.nothing_was_wrong();
}

#[tokio::test]
async fn paypals_own_decimals_are_written() {
    let desk = Desk::open();
    for (code, minor, value) in [("JPY", 1200, "1200"), ("TWD", 12_300, "123"), ("EUR", 5, "0.05")] {
        *desk.far() = Far::default();
        let batch = PayoutBatchRequest {
            orders: vec![desk.order(money(code, minor), "payee@example.com")],
            ..desk.batch(0)
        };
        desk.send(&batch).await.unwrap();
        let amount = desk.far().sent.clone().unwrap()["items"][0]["amount"].clone();
        assert_eq!(amount, json!({"currency": code, "value": value}));
        desk.nothing_was_wrong();
    }
}

#[tokio::test]
async fn what_paypal_cannot_pay_is_not_sent() {
    let desk = Desk::open();
    let one = |order: PayoutOrder| PayoutBatchRequest { orders: vec![order], ..desk.batch(0) };
    let fine = || desk.order(money("USD", 1000), "payee@example.com");
    let mut bank = fine();
    bank.creditor.kind = PayoutAccountKind::Iban;
    let others = [
        ("a bank account", bank),
        ("no address", desk.order(money("USD", 1), "QYR5Z8XDVJNXQ")),
        ("a long address", desk.order(money("USD", 1), &format!("{}@example.com", "x".repeat(127)))),
        ("decimals", desk.order(money("HUF", 10_050), "payee@example.com")),
        ("a currency", desk.order(money("VND", 10_000), "payee@example.com")),
        ("no amount", desk.order(money("USD", 0), "payee@example.com")),
    ];
    let shown = |order: &PayoutOrder| secrecy::ExposeSecret::expose_secret(&order.creditor.number).to_owned();
    for (why, order) in others {
        let address = shown(&order);
        let result = desk.send(&one(order)).await;
        let Err(GatewayError::Refused { retry_later: false, .. }) = &result else {
            panic!("{why}: {result:?}")
        };
        assert!(!format!("{result:?}").contains(&address), "{why}");
    }
    let mut mixed = desk.batch(2);
    mixed.orders[1].amount = money("EUR", 1000);
    for (why, batch) in
        [("nothing", desk.batch(0)), ("too many", desk.batch(15_001)), ("two currencies", mixed)]
    {
        let result = desk.send(&batch).await;
        assert!(is_not_sent(&result), "{why}: {result:?}");
        let address = batch.orders.first().map(shown);
        assert!(!address.is_some_and(|address| format!("{result:?}").contains(&address)), "{why}");
    }
    assert_eq!(desk.far().posts, 0);
    assert_eq!(desk.gateway.payouts().unwrap().batch_limit(), 15_000);
}

/// One payout that PayPal cannot pay holds up no other, however often the batch is asked about.
#[tokio::test]
async fn what_paypal_cannot_pay_is_left_out_and_has_failed() {
    let desk = Desk::open();
    for (code, odd, fine) in [("TWD", 12_345, 12_300), ("HUF", 980_392, 980_300)] {
        *desk.far() = Far::default();
        let order = |minor| desk.order(money(code, minor), "payee@example.com");
        let orders = vec![order(fine), order(odd), order(fine)];
        let batch = PayoutBatchRequest { orders, ..desk.batch(0) };
        let told = |report: &PayoutBatchReport| -> Vec<(PayoutId, &'static str)> {
            let of = |told: &straits::domain::payouts::PayoutReport| (told.payout, word(&told.status));
            report.payouts.iter().map(of).collect()
        };
        let ids: Vec<PayoutId> = batch.orders.iter().map(|order| order.payout).collect();
        let report = desk.send(&batch).await.unwrap();
        assert_eq!(told(&report), [(ids[0], "pending"), (ids[1], "failed"), (ids[2], "pending")], "{code}");
        let sent = desk.far().sent.clone().unwrap()["items"].as_array().unwrap().len();
        assert_eq!((sent, desk.far().posts), (2, 1), "{code}");
        let asked = PayoutBatchRequest { rail_ref: report.rail_ref, ..batch };
        let report = desk.query(&asked).await.unwrap().unwrap();
        let failed: Vec<_> = told(&report).into_iter().filter(|(_, word)| *word == "failed").collect();
        assert_eq!(failed, [(ids[1], "failed")], "{code}");
        desk.nothing_was_wrong();
    }
}

#[tokio::test]
async fn whatever_happens_to_the_answer_nothing_is_sent_twice() {
    let html = || Reply::of(200, "text/html", "<html>");
    let other = |named| {
        json!({"batch_header": {"payout_batch_id": named, "batch_status": "PENDING",
                                                "sender_batch_header": {"sender_batch_id": "pob_other"}}})
    };
    for (why, fault) in [
        ("lost", Fault::Lost),
        ("slow", Fault::Slow),
        ("cut short", Fault::CutShort),
        ("500", Fault::Refused(problem(500, "INTERNAL_ERROR", json!([])))),
        ("HTML", Fault::Refused(html())),
        ("another shape", Fault::Refused(Reply::json(201, &json!({"batch": 1})))),
        ("another batch", Fault::Refused(Reply::json(201, &other(BATCH)))),
        ("no id", Fault::Refused(Reply::json(201, &other("../x")))),
        ("no envelope", Fault::Refused(Reply::json(400, &json!({})))),
        ("under way", Fault::Refused(problem(409, "RESOURCE_CONFLICT", json!([])))),
        ("request id known", Fault::Refused(problem(422, "X", json!([{"issue": "DUPLICATE_REQUEST_ID"}])))),
    ] {
        let desk = Desk::open();
        desk.far().fault = Some(fault);
        let batch = desk.batch(1);
        let result = desk.send(&batch).await;
        assert!(is_unknown(&result), "{why}: {result:?}");
        // Our reference alone finds nothing: it stays unknown, and nobody is asked.
        let asked = desk.query(&batch).await;
        assert!(is_unknown(&asked), "{why}: {asked:?}");
        let far = desk.far();
        assert_eq!((far.posts, far.pages.len()), (1, 0), "{why}");
    }
    let desk = Desk::open();
    let result = desk.unreachable.payouts().unwrap().send(&desk.batch(1)).await;
    assert!(is_not_sent(&result), "{result:?}");
    desk.far().fault = Some(Fault::Refused(Reply::of(429, "text/html", "").with("retry-after", "7")));
    let result = desk.send(&desk.batch(1)).await;
    assert_eq!(result, Err(GatewayError::Throttled { retry_after_s: Some(7) }));
}

#[tokio::test]
async fn a_refusal_says_whether_it_may_be_tried_again() {
    for (status, name, details, later) in [
        (422, "INSUFFICIENT_FUNDS", json!([]), true),
        (
            400,
            "VALIDATION_ERROR",
            json!([{"field": "items[0].receiver", "issue": "Receiver is invalid"}]),
            false,
        ),
        (403, "AUTHORIZATION_ERROR", json!([]), false),
        (403, "SENDER_RESTRICTED", json!([]), false),
    ] {
        let desk = Desk::open();
        desk.far().fault = Some(Fault::Refused(problem(status, name, details)));
        let result = desk.send(&desk.batch(1)).await;
        let Err(GatewayError::Refused { retry_later, .. }) = result else { panic!("{name}: {result:?}") };
        assert_eq!(retry_later, later, "{name}");
    }
}

#[tokio::test]
async fn a_duplicate_is_the_batch_that_is_there() {
    let desk = Desk::open();
    let batch = desk.batch(2);
    desk.far().fault = Some(Fault::Lost);
    assert!(is_unknown(&desk.send(&batch).await));
    let found = desk.send(&batch).await.unwrap();
    assert_eq!(found.rail_ref.as_deref(), Some(BATCH));
    assert_eq!(found.payouts.iter().filter(|told| word(&told.status) == "paid").count(), 2);
    desk.far().named = Some("pob_somebody_elses");
    let other = desk.send(&batch).await.unwrap();
    assert_eq!(
        (other.rail_ref.as_deref(), other.payouts.len()),
        (Some(BATCH), 0),
        "nothing of it is believed"
    );
    desk.far().duplicate_names_it = false;
    let nameless = desk.send(&batch).await;
    assert!(is_unknown(&nameless), "{nameless:?}");
    desk.nothing_was_wrong();
}

#[tokio::test]
async fn every_word_has_its_meaning_and_others_none() {
    let words = [
        ("PENDING", "pending"),
        ("ONHOLD", "pending"),
        ("SUCCESS", "paid"),
        ("UNCLAIMED", "unclaimed"),
        ("FAILED", "failed"),
        ("BLOCKED", "failed"),
        ("RETURNED", "returned"),
        ("REFUNDED", "returned"),
        ("REVERSED", "returned"),
        ("NEW", "unknown"),
    ];
    fn retouch(place: usize, item: &mut Value) {
        let words = [
            "PENDING",
            "ONHOLD",
            "SUCCESS",
            "UNCLAIMED",
            "FAILED",
            "BLOCKED",
            "RETURNED",
            "REFUNDED",
            "REVERSED",
            "NEW",
        ];
        item["transaction_status"] = words[place].into();
    }
    let table: BTreeSet<String> = status::PAYOUTS.iter().map(|(word, _)| (*word).to_owned()).collect();
    let told: BTreeSet<String> =
        words.iter().map(|(word, _)| (*word).to_owned()).filter(|word| word != "NEW").collect();
    assert_eq!(table, told);
    assert!(openapi::words(SPEC, "transaction_enum").is_none_or(|published| published == table));
    let batches: BTreeSet<String> =
        status::PAYOUT_BATCHES.iter().map(|(word, _)| (*word).to_owned()).collect();
    assert!(openapi::words(SPEC, "batch_enum").is_none_or(|published| published == batches));

    let desk = Desk::open();
    desk.far().retouch = Some(retouch);
    let batch = desk.sent(words.len()).await;
    let report = desk.query(&batch).await.unwrap().unwrap();
    for (order, (theirs, ours)) in batch.orders.iter().zip(words) {
        let told = report.payouts.iter().find(|told| told.payout == order.payout).unwrap();
        assert_eq!(word(&told.status), ours, "{theirs}");
        let moved = ["paid", "unclaimed", "returned"].contains(&ours);
        assert_eq!(told.fee, moved.then(|| money("USD", 25)), "{theirs}");
        match &told.status {
            PayoutStatus::Paid { debited } | PayoutStatus::Unclaimed { debited } => {
                assert_eq!(*debited, order.amount)
            }
            PayoutStatus::Returned { arrived, .. } => assert_eq!(*arrived, order.amount),
            _ => {}
        }
    }
    // A batch that is refused fails what waits and what it does not list; what was paid stays paid.
    for (theirs, waits) in
        [("PROCESSING", "pending"), ("SUCCESS", "pending"), ("DENIED", "failed"), ("CANCELED", "failed")]
    {
        desk.far().batch_word = Some(theirs);
        let report = desk.query(&batch).await.unwrap().unwrap();
        let of = |place: usize| {
            let told = report.payouts.iter().find(|told| told.payout == batch.orders[place].payout);
            word(&told.unwrap().status)
        };
        assert_eq!((of(0), of(1), of(2), of(9)), (waits, waits, "paid", "unknown"), "{theirs}");
    }
    desk.far().lists_nothing = true;
    let report = desk.query(&batch).await.unwrap().unwrap();
    assert_eq!(report.payouts.iter().filter(|told| word(&told.status) == "failed").count(), words.len());
}

#[tokio::test]
async fn two_thousand_five_hundred_payouts_are_read_to_the_last() {
    let desk = Desk::open();
    let batch = desk.sent(2_500).await;
    let report = desk.query(&batch).await.unwrap().unwrap();
    let told: BTreeMap<PayoutId, _> = report.payouts.iter().map(|told| (told.payout, told)).collect();
    assert_eq!((report.payouts.len(), told.len()), (2_500, 2_500));
    for (place, order) in batch.orders.iter().enumerate() {
        let told = told[&order.payout];
        assert_eq!(told.status, PayoutStatus::Paid { debited: order.amount });
        assert_eq!(told.rail_ref, Some(format!("ITEM{place}")));
    }
    assert_eq!(desk.far().pages.len(), 5);
    // A page that fails is no end of the list.
    desk.far().fault = Some(Fault::CutShort);
    assert!(is_unknown(&desk.query(&batch).await));
    desk.nothing_was_wrong();
}

#[tokio::test]
async fn what_does_not_agree_is_told_as_it_is_or_proves_nothing() {
    let desk = Desk::open();
    let batch = desk.sent(2).await;
    desk.far().retouch = Some(|place, item| {
        if place == 0 {
            item["payout_item"]["amount"]["value"] = "1.00".into();
        }
    });
    let report = desk.query(&batch).await.unwrap().unwrap();
    let of = |order: &PayoutOrder| report.payouts.iter().find(|told| told.payout == order.payout).unwrap();
    let (other, whole) = (of(&batch.orders[0]), of(&batch.orders[1]));
    assert_eq!((word(&other.status), other.stated), ("paid", Some(money("USD", 100))));
    assert_eq!((word(&whole.status), whole.stated), ("paid", Some(batch.orders[1].amount)));
    // Whose it is not is left out; the same payout under two ids is believed by nobody.
    desk.far().retouch = Some(|_, item| item["payout_item"]["sender_item_id"] = "4711".into());
    assert_eq!(desk.query(&batch).await.unwrap().unwrap().payouts.len(), 0);
    let twice = batch.orders[0].payout.to_string();
    let mut sent = desk.far().sent.clone().unwrap();
    sent["items"][1]["sender_item_id"] = twice.into();
    sent["items"][1]["amount"]["value"] = "10.00".into();
    desk.far().sent = Some(sent);
    desk.far().retouch = None;
    assert!(is_unknown(&desk.query(&batch).await));
    for retouch in [
        (|_, item| item["payout_item"]["amount"]["value"] = "1e1".into()) as fn(usize, &mut Value),
        |_, item| item["payout_item"]["amount"]["value"] = json!(10.0),
        |_, item| item["time_processed"] = "yesterday".into(),
        |_, item| drop(item.as_object_mut().unwrap().remove("payout_item")),
    ] {
        desk.far().retouch = Some(retouch);
        assert!(is_unknown(&desk.query(&batch).await));
    }
    // A batch PayPal once named and shows no more is not one that never arrived.
    let gone = PayoutBatchRequest { rail_ref: Some("GONE".into()), ..batch.clone() };
    assert!(is_unknown(&desk.query(&gone).await));
    let odd = PayoutBatchRequest { rail_ref: Some("../../v2".into()), ..batch };
    assert!(is_not_sent(&desk.query(&odd).await));
}

#[tokio::test]
async fn a_payout_nobody_claimed_is_taken_back_by_its_own_id() {
    let desk = Desk::open();
    let batch = desk.sent(1).await;
    let payouts = desk.gateway.payouts().unwrap();
    let with = |reference: Option<&str>| PayoutOrder {
        rail_ref: reference.map(str::to_owned),
        ..batch.orders[0].clone()
    };
    payouts.take_back(&batch, &with(Some("8AELMXH8UB2P8"))).await.unwrap();
    assert_eq!(desk.far().cancelled, ["8AELMXH8UB2P8"]);
    let claimed = payouts.take_back(&batch, &with(Some("CLAIMED"))).await;
    let Err(GatewayError::Refused { code, retry_later: false, .. }) = &claimed else { panic!("{claimed:?}") };
    assert_eq!(code, "ITEM_INCORRECT_STATUS");
    for reference in [None, Some("a/b")] {
        let result = payouts.take_back(&batch, &with(reference)).await;
        assert!(is_not_sent(&result), "{result:?}");
    }
    desk.far().fault = Some(Fault::Lost);
    assert!(is_unknown(&payouts.take_back(&batch, &with(Some("8AELMXH8UB2P8"))).await));
}
