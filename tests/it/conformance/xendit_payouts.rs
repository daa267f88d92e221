//! Payouts at Xendit: the adapter against answers written out here, from its pages on Payouts v2.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use chrono::DateTime;
use serde_json::{Value, json};
use straits::clock::Clock;
use straits::domain::merchants::PayoutAccountKind;
use straits::domain::payouts::{FeeBearer, PayoutStatus};
use straits::gateways::{
    AccountSettings, Context, Creditor, Gateway, GatewayError, PayoutBatchReport, PayoutBatchRequest,
    PayoutOrder, Trust, call, registry,
};
use straits::ids::{IdSource, PayoutBatchId, PayoutId};
use straits::money::Money;

use super::bench::{START_S, is_not_sent, is_unknown, money};
use super::line::{self, Outcome, Reply, Request};

const ID: &str = "disb-571f3644d2b4edf0745e9703";

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

/// A word, its failure code, and whether a status is what they mean.
type Case<'a> = (&'static str, Option<&'static str>, &'a dyn Fn(&PayoutStatus) -> bool);

#[derive(Default)]
struct Far {
    fault: Option<Fault>,
    /// What was sent, with its key.
    sent: Option<(String, Value)>,
    /// The same, as it came.
    raw: String,
    posts: usize,
    asked: Vec<String>,
    cancelled: Vec<String>,
    word: &'static str,
    failure: Option<&'static str>,
    /// Changes a payout's text before it is shown.
    retouch: Option<(&'static str, &'static str)>,
    as_page: bool,
    twice: bool,
    fee_refused: bool,
    complaints: Vec<String>,
}

fn problem(status: u16, code: &str) -> Reply {
    Reply::json(status, &json!({"error_code": code, "message": "words", "errors": []}))
}

impl Far {
    fn answer(&mut self, request: &Request) -> Outcome {
        let path = request.target.strip_prefix("/mount/xendit").unwrap_or_default();
        // base64 of `xnd_key:`.
        if request.header("authorization") != Some("Basic eG5kX2tleTo=") {
            self.complaints.push(format!("no key: {request:?}"));
        }
        self.asked.push(format!("{} {}", request.method, path));
        let fault = self.fault.take();
        if let Some(Fault::Refused(reply)) = fault {
            self.posts += usize::from(request.method == "POST");
            return Outcome::Answer(reply);
        }
        let (bare, query) = path.split_once('?').unwrap_or((path, ""));
        let query: BTreeMap<String, String> =
            url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let reply = match (request.method.as_str(), bare) {
            ("POST", "/v2/payouts") => self.create(request),
            ("GET", "/v2/payouts") => self.list(&query),
            ("GET", "/transactions") => self.transactions(&query),
            ("POST", path) if path.ends_with("/cancel") => {
                self.cancelled.push(path.to_owned());
                match self.word {
                    "ACCEPTED" => Reply::of(200, "application/json", self.payout()),
                    _ => problem(400, "PAYOUT_NOT_CANCELLABLE"),
                }
            }
            _ => problem(404, "DATA_NOT_FOUND"),
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
        self.raw = String::from_utf8_lossy(&request.body).into_owned();
        let (key, body) = (request.header("idempotency-key").unwrap_or_default().to_owned(), request.json());
        if key.is_empty() || body["reference_id"] != key.as_str() {
            self.complaints.push(format!("key {key:?}, reference {}", body["reference_id"]));
        }
        match &self.sent {
            Some((known, before)) if *known == key && *before != body => {
                self.complaints.push("another body under the same key".into());
                return problem(409, "DUPLICATE_ERROR");
            }
            _ => {}
        }
        self.sent = Some((key, body));
        Reply::of(200, "application/json", self.payout())
    }

    /// The payout that was sent; its amount is the digits that were sent.
    fn payout(&self) -> String {
        let (_, sent) = self.sent.as_ref().unwrap();
        let mut shown = sent.clone();
        shown["id"] = ID.into();
        shown["status"] = self.word.into();
        shown["created"] = "2026-11-28T02:00:00Z".into();
        shown["updated"] = "2026-11-28T02:00:03.250Z".into();
        shown["business_id"] = "5f27a14a9bf05c73dd040bc8".into();
        shown["a_member_of_tomorrow"] = json!([1]);
        if let Some(code) = self.failure {
            shown["failure_code"] = code.into();
        }
        let text = shown.to_string();
        self.retouch.map_or(text.clone(), |(from, to)| {
            assert!(text.contains(from), "{from} in {text}");
            text.replace(from, to)
        })
    }

    fn list(&self, query: &BTreeMap<String, String>) -> Reply {
        let known = self.sent.as_ref().is_some_and(|(_, sent)| sent["reference_id"] == query["reference_id"]);
        let mut rows = if known { self.payout() } else { String::new() };
        if self.twice {
            rows = format!("{rows},{}", rows.replace(ID, "disb-another"));
        }
        let body = match self.as_page {
            true => format!("{{\"data\":[{rows}],\"has_more\":false,\"links\":{{}}}}"),
            false => format!("[{rows}]"),
        };
        Reply::of(200, "application/json", body)
    }

    fn transactions(&self, query: &BTreeMap<String, String>) -> Reply {
        if self.fee_refused {
            return problem(403, "REQUEST_FORBIDDEN_ERROR");
        }
        assert_eq!(query["types"], "DISBURSEMENT");
        let row = |product: &str, fee: &str| {
            format!(
                "{{\"id\":\"txn_1\",\"product_id\":\"{product}\",\"reference_id\":\"{}\",\"type\":\"DISBURSEMENT\",\"currency\":\"IDR\",\"amount\":10000,\"fee\":{{\"xendit_fee\":{fee},\"value_added_tax\":545.05,\"status\":\"COMPLETED\"}}}}",
                query["reference_id"]
            )
        };
        // Another payout's movement under the same reference is not this one's.
        let rows = [row(ID, "4954.95"), row("disb-another", "99")].join(",");
        Reply::of(200, "application/json", format!("{{\"has_more\":false,\"data\":[{rows}],\"links\":[]}}"))
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
        let far = Arc::new(Mutex::new(Far { word: "ACCEPTED", ..Far::default() }));
        let reached = far.clone();
        let answer = move |request: Request| reached.lock().unwrap().answer(&request);
        let address = line::listen(Arc::new(Mutex::new(answer)));
        let build = |base: String| {
            let public = json!({"base_url": base});
            let secrets = [("secret_key", "xnd_key"), ("callback_token", "token")];
            let account = AccountSettings {
                name: "xendit".into(),
                public: public.as_object().unwrap().clone(),
                secrets: secrets.map(|(key, text)| (key.to_owned(), vec![text.into()])).into(),
            };
            registry::build("xendit", &account, &context).unwrap()
        };
        Desk {
            gateway: build(format!("http://{address}/mount/xendit")),
            unreachable: build(format!("http://{}", line::nobody())),
            far,
            ids,
        }
    }

    fn order(&self, amount: Money, bank: &str) -> PayoutOrder {
        PayoutOrder {
            payout: self.ids.mint::<PayoutId>(),
            rail_ref: None,
            amount,
            creditor: Creditor {
                name: "Budi Santoso".into(),
                country: "ID".into(),
                town: None,
                kind: PayoutAccountKind::Bank,
                number: "0012345678".into(),
                bank_code: Some(bank.into()),
            },
            note: "November".into(),
            purpose: None,
            bearer: Some(FeeBearer::Platform),
        }
    }

    fn of(&self, orders: Vec<PayoutOrder>) -> PayoutBatchRequest {
        let batch: PayoutBatchId = self.ids.mint();
        PayoutBatchRequest {
            batch,
            request_ref: batch.to_string(),
            rail_ref: None,
            orders,
            debtor: None,
            execute_on: Default::default(),
            made_at: Default::default(),
            carried: None,
        }
    }

    fn batch(&self) -> PayoutBatchRequest {
        self.of(vec![self.order(money("IDR", 1_000_000), "014")])
    }

    async fn send(&self, batch: &PayoutBatchRequest) -> Result<PayoutBatchReport, GatewayError> {
        self.gateway.payouts().unwrap().send(batch).await
    }

    async fn query(&self, batch: &PayoutBatchRequest) -> Result<Option<PayoutBatchReport>, GatewayError> {
        self.gateway.payouts().unwrap().query(batch).await
    }

    fn far(&self) -> std::sync::MutexGuard<'_, Far> {
        self.far.lock().unwrap()
    }

    fn nothing_was_wrong(&self) {
        assert_eq!(self.far().complaints, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_payout_is_sent_under_its_own_key_and_found_under_its_reference() {
    let desk = Desk::open();
    let batch = desk.batch();
    let report = desk.send(&batch).await.unwrap();
    let payout = batch.orders[0].payout;
    assert_eq!((report.rail_ref.as_deref(), report.payouts.len()), (Some(ID), 1));
    assert_eq!((report.payouts[0].payout, &report.payouts[0].status), (payout, &PayoutStatus::Pending));
    let (key, sent) = desk.far().sent.clone().unwrap();
    assert_eq!(key, payout.to_string());
    let properties = json!({"account_holder_name": "Budi Santoso", "account_number": "0012345678"});
    let expected = json!({
        "reference_id": key, "channel_code": "ID_BCA", "channel_properties": properties, "amount": 10000,
        "currency": "IDR", "description": "November",
    });
    assert_eq!(sent, expected);
    for as_page in [false, true] {
        (desk.far().as_page, desk.far().word) = (as_page, "SUCCEEDED");
        let found = desk.query(&batch).await.unwrap().unwrap();
        assert_eq!(found.payouts[0].status, PayoutStatus::Paid { debited: money("IDR", 1_000_000) });
        assert_eq!(found.payouts[0].fee, Some(money("IDR", 550_000)), "the fee and its tax");
    }
    // A key that may not read transactions tells no fee, and holds nothing up.
    desk.far().fee_refused = true;
    assert_eq!(desk.query(&batch).await.unwrap().unwrap().payouts[0].fee, None);
    desk.nothing_was_wrong();
    assert_eq!(desk.query(&desk.batch()).await, Ok(None), "what it does not know");
}

#[tokio::test]
async fn xendits_own_decimals_and_channels_are_written() {
    let desk = Desk::open();
    for (amount, bank, digits, channel) in [
        (money("IDR", 1_234_500), "CENAIDJAXXX", "12345", "ID_BCA"),
        (money("PHP", 111), "PH_GCASH", "1.11", "PH_GCASH"),
        (money("THB", 100), "014", "1.00", "TH_SCB"),
        (money("VND", 50_000), "BIDVVNVX", "50000", "VN_BIDV"),
        (money("MYR", 12_345_678_901), "MBBEMYKL", "123456789.01", "MY_MAYBANK"),
    ] {
        *desk.far() = Far { word: "ACCEPTED", ..Far::default() };
        let request = desk.of(vec![desk.order(amount, bank)]);
        desk.send(&request).await.unwrap();
        assert!(desk.far().raw.contains(&format!("\"amount\":{digits},")), "{}", desk.far().raw);
        assert_eq!(desk.far().sent.clone().unwrap().1["channel_code"], channel);
    }
}

#[tokio::test]
async fn what_xendit_cannot_pay_is_refused_before_it_is_sent() {
    let desk = Desk::open();
    let idr = || money("IDR", 1_000_000);
    let edited = |edit: fn(&mut Creditor)| {
        let mut order = desk.order(idr(), "014");
        edit(&mut order.creditor);
        order
    };
    for (why, order) in [
        ("parts of a rupiah", desk.order(money("IDR", 1_000_050), "014")),
        ("another currency", desk.order(money("USD", 100), "014")),
        ("nothing", desk.order(money("PHP", 0), "PH_BDO")),
        ("a bank nobody knows", desk.order(idr(), "999")),
        ("another country's bank", desk.order(money("PHP", 100), "ID_BCA")),
        ("no bank", edited(|payee| payee.bank_code = None)),
        ("an address", edited(|payee| payee.kind = PayoutAccountKind::Paypal)),
        ("no number", edited(|payee| payee.number = "12 34\r\n".into())),
        ("a long name", edited(|payee| payee.name = "x".repeat(101))),
    ] {
        let result = desk.send(&desk.of(vec![order])).await;
        let Err(GatewayError::Refused { retry_later: false, code, message }) = result else {
            panic!("{why}: {result:?}")
        };
        assert_eq!(code, "not_payable", "{why}");
        assert!(!message.contains("0012345678"), "{why}: {message}");
    }
    for orders in [vec![], vec![desk.order(idr(), "014"), desk.order(idr(), "014")]] {
        let result = desk.send(&desk.of(orders)).await;
        assert!(is_not_sent(&result), "{result:?}");
    }
    assert_eq!((desk.far().posts, desk.gateway.payouts().unwrap().batch_limit()), (0, 1));
}

#[tokio::test]
async fn whatever_happens_to_the_answer_it_is_asked_about_and_never_sent_twice() {
    let (paid, unknown) = (Some(PayoutStatus::Pending), None);
    for (why, fault, found) in [
        ("lost", Fault::Lost, &paid),
        ("slow", Fault::Slow, &paid),
        ("cut short", Fault::CutShort, &paid),
        ("500", Fault::Refused(problem(500, "SERVER_ERROR")), &unknown),
        ("503", Fault::Refused(Reply::of(503, "text/html", "")), &unknown),
        ("HTML", Fault::Refused(Reply::of(200, "text/html", "<html>")), &unknown),
        ("another shape", Fault::Refused(Reply::json(200, &json!({"id": 1}))), &unknown),
        ("no envelope", Fault::Refused(Reply::json(400, &json!({}))), &unknown),
        ("no such address", Fault::Refused(problem(404, "DATA_NOT_FOUND")), &unknown),
        ("the key is known, the payout is not", Fault::Refused(problem(409, "DUPLICATE_ERROR")), &unknown),
    ] {
        let desk = Desk::open();
        desk.far().fault = Some(fault);
        let batch = desk.batch();
        let result = desk.send(&batch).await;
        assert!(is_unknown(&result), "{why}: {result:?}");
        let asked = desk.query(&batch).await.unwrap().map(|report| report.payouts[0].status.clone());
        assert_eq!(&asked, found, "{why}");
        assert_eq!(desk.far().posts, 1, "{why}");
    }
    let desk = Desk::open();
    let result = desk.unreachable.payouts().unwrap().send(&desk.batch()).await;
    assert!(is_not_sent(&result), "{result:?}");
    desk.far().fault = Some(Fault::Refused(Reply::of(429, "text/html", "").with("retry-after", "7")));
    let result = desk.send(&desk.batch()).await;
    assert_eq!(result, Err(GatewayError::Throttled { retry_after_s: Some(7) }));
    // The key is known and so is the payout: that one is it.
    let batch = desk.batch();
    desk.send(&batch).await.unwrap();
    (desk.far().fault, desk.far().word) =
        (Some(Fault::Refused(problem(409, "IDEMPOTENCY_ERROR"))), "REQUESTED");
    assert_eq!(desk.send(&batch).await.unwrap().payouts[0].status, PayoutStatus::Pending);
}

#[tokio::test]
async fn a_refusal_says_whether_it_may_be_tried_again() {
    for (status, code, later) in [
        (400, "API_VALIDATION_ERROR", false),
        (400, "MINIMUM_TRANSFER_LIMIT_ERROR", false),
        (400, "INSUFFICIENT_BALANCE", true),
        (400, "CHANNEL_UNAVAILABLE", true),
        (401, "INVALID_API_KEY", true),
        (403, "REQUEST_FORBIDDEN_ERROR", true),
    ] {
        let desk = Desk::open();
        desk.far().fault = Some(Fault::Refused(problem(status, code)));
        let result = desk.send(&desk.batch()).await;
        let Err(GatewayError::Refused { retry_later, .. }) = result else { panic!("{code}: {result:?}") };
        assert_eq!(retry_later, later, "{code}");
    }
}

#[tokio::test]
async fn every_word_has_its_meaning_and_what_cannot_be_is_not_believed() {
    let desk = Desk::open();
    let batch = desk.batch();
    desk.send(&batch).await.unwrap();
    let back = |status: &PayoutStatus| matches!(status, PayoutStatus::Returned { arrived, .. } if *arrived == money("IDR", 1_000_000));
    let cases: [Case<'_>; 8] = [
        ("REQUESTED", None, &|status| *status == PayoutStatus::Pending),
        ("LOCKED", None, &|status| *status == PayoutStatus::Pending),
        ("PENDING_COMPLIANCE_ASSESSMENT", None, &|status| *status == PayoutStatus::Pending),
        (
            "FAILED",
            Some("INVALID_DESTINATION"),
            &|status| matches!(status, PayoutStatus::Failed { code, .. } if code == "INVALID_DESTINATION"),
        ),
        ("CANCELLED", None, &|status| matches!(status, PayoutStatus::Failed { .. })),
        ("COMPLIANCE_REJECTED", None, &|status| matches!(status, PayoutStatus::Failed { .. })),
        ("REVERSED", Some("INVALID_DESTINATION"), &back),
        ("A_WORD_OF_TOMORROW", None, &|status| matches!(status, PayoutStatus::Unknown { .. })),
    ];
    for (word, failure, fits) in cases {
        (desk.far().word, desk.far().failure) = (word, failure);
        let told = desk.query(&batch).await.unwrap().unwrap().payouts.remove(0);
        assert!(fits(&told.status), "{word}: {told:?}");
        assert_eq!(told.at.to_rfc3339(), "2026-11-28T02:00:03.250+00:00");
    }
    (desk.far().word, desk.far().failure) = ("SUCCEEDED", None);
    desk.far().retouch = Some(("\"amount\":10000", "\"amount\":1000"));
    let told = desk.query(&batch).await.unwrap().unwrap().payouts.remove(0);
    let stated = money("IDR", 100_000);
    assert_eq!((told.status, told.stated), (PayoutStatus::Paid { debited: stated }, Some(stated)));
    for retouch in [
        ("\"amount\":10000", "\"amount\":1e4"),
        ("\"amount\":10000", "\"amount\":\"10000\""),
        (ID, "../../balance"),
        ("2026-11-28T02:00:03.250Z", "yesterday"),
        ("\"status\":", "\"amount\":1,\"status\":"),
    ] {
        desk.far().retouch = Some(retouch);
        let told = desk.query(&batch).await;
        assert!(is_unknown(&told), "{retouch:?}: {told:?}");
    }
    (desk.far().retouch, desk.far().twice) = (None, true);
    assert!(is_unknown(&desk.query(&batch).await), "two under one reference");
    desk.nothing_was_wrong();
}

#[tokio::test]
async fn what_waits_is_called_back_and_what_was_sent_on_is_not() {
    let desk = Desk::open();
    let batch = desk.batch();
    desk.send(&batch).await.unwrap();
    let rail = desk.gateway.payouts().unwrap();
    assert!(rail.calls_back());
    rail.take_back(&batch, &batch.orders[0]).await.unwrap();
    assert_eq!(desk.far().cancelled, [format!("/v2/payouts/{ID}/cancel")]);
    desk.far().word = "REQUESTED";
    let late = rail.take_back(&batch, &batch.orders[0]).await;
    assert!(matches!(late, Err(GatewayError::Refused { retry_later: false, .. })), "{late:?}");
    let stranger = desk.batch();
    assert!(is_unknown(&rail.take_back(&stranger, &stranger.orders[0]).await));
}

#[tokio::test]
async fn no_payment_is_ever_started() {
    let desk = Desk::open();
    assert!(desk.gateway.currencies().is_empty());
    assert!(desk.gateway.check_amount(money("IDR", 1_000_000)).is_err());
    assert!(desk.gateway.refunds().is_none() && desk.gateway.bills().is_none());
    assert!(desk.far().asked.is_empty());
}
