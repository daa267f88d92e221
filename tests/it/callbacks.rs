//! What comes to the notification addresses of the running program, meant well or not: whatever it is, a payment has one
//! effect in the ledger, and the books verify after each.

pub mod senders;

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::engines::on_each_engine;
use senders::{Grab, Notice, paypal_notices};

const GRABPAY: &str = "/v1/notifications/grabpay";
const PAYPAL: &str = "/v1/notifications/paypal";

/// The program with the folder it works in.
struct Door {
    app: TestApp,
    folder: tempfile::TempDir,
}

impl Door {
    async fn open(settings: &[(&'static str, &str)]) -> Door {
        let folder = tempfile::tempdir().unwrap();
        Door { app: TestApp::on(folder.path(), settings).await, folder }
    }

    /// Brings a notice; the status it is answered with.
    async fn bring(&self, path: &str, notice: &Notice) -> u16 {
        let mut request = self.app.request("POST", path).body(notice.body.clone());
        for (name, value) in &notice.headers {
            request = request.header(name, value);
        }
        self.app.send(request).await.status
    }

    async fn state(&self, id: &str) -> String {
        let payment = self.app.get("storefront", &format!("/v1/payments/{id}")).await.json();
        payment["state"].as_str().unwrap().to_owned()
    }

    async fn approve(&self, id: &str) {
        let path = format!("/v1/sandbox/payments/{id}");
        let answer = self.app.post("storefront", &path, &json!({"shopper": "approve"})).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }

    async fn paid(&self, gateway: &str, order: &str) -> String {
        let id = self.started(gateway, order).await;
        self.approve(&id).await;
        assert_eq!(self.state(&id).await, "captured");
        id
    }

    async fn started(&self, gateway: &str, order: &str) -> String {
        self.app.pay(gateway, order).await["id"].as_str().unwrap().to_owned()
    }

    /// The events booked about a payment; on the way the books are verified.
    async fn booked(&self, id: &str) -> Vec<String> {
        let verified = self.app.get("finance", "/v1/ledger/verify").await.json();
        assert_eq!(verified["ok"], true, "{verified:#}");
        let path = format!("/v1/ledger/transactions?subject={id}&limit=100");
        let page = self.app.get("finance", &path).await.json();
        let word = |transaction: &Value| transaction["event"].as_str().unwrap().to_owned();
        page["data"].as_array().unwrap().iter().map(word).collect()
    }

    /// The kinds of a merchant's findings about a payment (of all, without one).
    async fn findings(&self, finance: &str, payment: Option<&str>) -> Vec<String> {
        let page = self.app.get(finance, "/v1/findings?limit=100").await.json();
        let about = |finding: &&Value| payment.is_none_or(|payment| finding["payment"] == payment);
        let kind = |finding: &Value| finding["kind"].as_str().unwrap().to_owned();
        page["data"].as_array().unwrap().iter().filter(about).map(kind).collect()
    }
}

fn once(events: &[String]) -> bool {
    events.iter().filter(|event| *event == "captured").count() == 1
}

#[tokio::test(flavor = "multi_thread")]
async fn what_grabpay_did_not_sign_is_refused_and_changes_nothing() {
    let door = Door::open(&[]).await;
    let id = door.started("grabpay", "order-1").await;
    let grab = Grab::of(&door.app.sandbox["gateways"]["grabpay"]);
    let body = grab.body(&id, "Capture", "success", 10_000, "SGD");
    let genuine = grab.notice(&body);
    let doubled = format!(r#"{{"txStatus":"failed",{}"#, &body[1..]);
    let forged = [
        ("no signature", genuine.without("authorization")),
        ("an empty signature", genuine.with("authorization", &format!("{}:", grab.partner_id))),
        ("another secret", Grab { secret: "guess".into(), ..grab.clone() }.notice(&body)),
        ("an empty secret", Grab { secret: String::new(), ..grab.clone() }.notice(&body)),
        ("another partner's name", Grab { partner_id: "partner-9".into(), ..grab.clone() }.notice(&body)),
        ("six minutes old", grab.notice_at(&body, -360, GRABPAY)),
        ("six minutes early", grab.notice_at(&body, 360, GRABPAY)),
        ("signed for another address", grab.notice_at(&body, 0, PAYPAL)),
        ("one more blank", Notice { body: format!("{body} "), ..genuine.clone() }),
        ("another amount", Notice { body: body.replace("10000", "1"), ..genuine.clone() }),
        ("an empty body", Notice { body: String::new(), ..genuine.clone() }),
        ("doubled members, well signed", grab.notice(&doubled)),
        ("no JSON, well signed", grab.notice("txType=Capture")),
    ];
    for (what, notice) in &forged {
        assert_eq!(door.bring(GRABPAY, notice).await, 401, "{what}");
    }
    assert_eq!(door.bring(PAYPAL, &genuine).await, 401, "at another gateway's door");
    assert_eq!(door.bring("/v1/notifications/nopay", &genuine).await, 404);
    assert_eq!(door.state(&id).await, "requires_action");
    assert!(door.booked(&id).await.is_empty() && door.findings("finance", None).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn genuine_notices_of_grabpay_in_any_order_and_number_have_one_effect() {
    let door = Door::open(&[]).await;
    let grab = Grab::of(&door.app.sandbox["gateways"]["grabpay"]);
    let id = door.started("grabpay", "order-1").await;
    // It claims a capture that has not happened: the gateway is asked, and nothing is captured.
    let early = grab.notice(&grab.body(&id, "Capture", "success", 10_000, "SGD"));
    assert_eq!(door.bring(GRABPAY, &early).await, 200);
    assert_eq!((door.state(&id).await.as_str(), door.booked(&id).await.len()), ("requires_action", 0));
    door.approve(&id).await;
    let effect = door.booked(&id).await;
    assert!(once(&effect), "{effect:?}");
    for (kind, status) in [("Capture", "success"), ("Auth", "authorised"), ("Init", "processing")] {
        let notice = grab.notice(&grab.body(&id, kind, status, 10_000, "SGD"));
        assert_eq!(door.bring(GRABPAY, &notice).await, 200, "{kind} comes late");
    }
    let same = join_all((0..100).map(|_| door.bring(GRABPAY, &early))).await;
    let notices: Vec<Notice> = (0..100).map(|nth| grab.notice(&grab.numbered(&id, nth))).collect();
    let alike = join_all(notices.iter().map(|notice| door.bring(GRABPAY, notice))).await;
    assert!(same.iter().chain(&alike).all(|status| *status == 200), "{same:?} {alike:?}");
    assert_eq!((door.state(&id).await.as_str(), door.booked(&id).await), ("captured", effect));
    assert!(door.findings("finance", None).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_amount_is_looked_into_and_the_right_answer_captures() {
    let door = Door::open(&[]).await;
    let grab = Grab::of(&door.app.sandbox["gateways"]["grabpay"]);
    for (order, cents, currency, kind) in
        [("order-1", 1, "SGD", "amount_differs"), ("order-2", 10_000, "USD", "currency_differs")]
    {
        let id = door.started("grabpay", order).await;
        let wrong = grab.notice(&grab.body(&id, "Capture", "success", cents, currency));
        assert_eq!(door.bring(GRABPAY, &wrong).await, 200, "the sender hears success");
        assert_eq!((door.state(&id).await.as_str(), door.booked(&id).await.len()), ("in_review", 0));
        assert_eq!(door.findings("finance", Some(&id)).await, [kind]);
        door.approve(&id).await;
        assert_eq!(door.state(&id).await, "captured");
        assert!(once(&door.booked(&id).await));
    }
    // After the capture: a finding, once, and no change of state.
    let id = door.paid("grabpay", "order-3").await;
    let effect = door.booked(&id).await;
    for cents in [1, 2] {
        let wrong = grab.notice(&grab.body(&id, "Capture", "success", cents, "SGD"));
        assert_eq!(door.bring(GRABPAY, &wrong).await, 200);
    }
    assert_eq!((door.state(&id).await.as_str(), door.booked(&id).await), ("captured", effect));
    assert_eq!(door.findings("finance", Some(&id)).await, ["amount_differs"]);
    // The far side itself states a tenth while the wallet moves all of it.
    let id = door.started("grabpay", "order-4").await;
    let path = "/v1/sandbox/scenarios/wrong_amount";
    assert_eq!(door.app.post("storefront", path, &json!({"payment": id})).await.status, 200);
    door.approve(&id).await;
    for _ in 0..50 {
        if !door.findings("finance", Some(&id)).await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(door.findings("finance", Some(&id)).await, ["amount_differs"]);
    assert_eq!(door.state(&id).await, "captured");
    assert!(once(&door.booked(&id).await));
}

/// J26 by its routes: the wrong money is sent back by two users, and the shopper pays the same order anew.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_wrong_money_went_back_is_paid_anew() {
    on_each_engine("an_order_whose_wrong_money_went_back_is_paid_anew", async |database| {
        let door = Door::open(&[("database.url", &database.url)]).await;
        let armed =
            door.app.post("storefront", "/v1/sandbox/scenarios/wrong_amount", &json!({"next": 1})).await;
        assert_eq!(armed.status, 200, "{}", armed.text);
        let first = door.started("paypal", "order-1").await;
        door.approve(&first).await;
        assert_eq!(door.state(&first).await, "in_review");
        let page = door.app.get("finance", "/v1/findings?state=open").await.json();
        let finding = page["data"][0]["id"].as_str().unwrap();
        for (user, state) in [("maker", "proposed"), ("checker", "resolved")] {
            let word = json!({"action": "send_back", "reason": "a tenth of it"});
            let path = format!("/v1/findings/{finding}/resolve");
            let answer = door.app.post_once(user, &path, user, &word).await;
            assert_eq!(answer.json()["state"], state, "{}", answer.text);
        }
        for _ in 0..100 {
            if door.state(&first).await == "cancelled" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let shown = door.app.get("storefront", &format!("/v1/payments/{first}")).await.json();
        assert_eq!((&shown["state"], &shown["failure"]["code"]), (&json!("cancelled"), &json!("sent_back")));

        let supplier = door.app.supplier("TH");
        let body = json!({
            "order_ref": "order-1", "amount": {"amount": "100.00", "currency": "SGD"}, "gateway": "paypal",
            "splits": [{"supplier": supplier, "share": {"percent": "80"}}],
        });
        let second = door.app.post_once("storefront", "/v1/payments", "once-more", &body).await;
        assert_eq!(second.status, 201, "{}", second.text);
        let second = second.json()["id"].as_str().unwrap().to_owned();
        door.approve(&second).await;
        assert_eq!(door.state(&second).await, "captured");
        // The old capture is told of once more.
        let effects = (door.booked(&first).await, door.booked(&second).await);
        for notice in paypal_notices(door.folder.path(), &door.app.url).await {
            assert_eq!(door.bring(PAYPAL, &notice).await, 200);
        }
        door.app.post("storefront", &format!("/v1/payments/{first}/sync"), &json!({})).await;
        assert_eq!(
            (door.state(&first).await.as_str(), door.state(&second).await.as_str()),
            ("cancelled", "captured")
        );
        assert_eq!((door.booked(&first).await, door.booked(&second).await), effects);
        assert!(
            door.app.get("finance", "/v1/findings?state=open").await.json()["data"]
                .as_array()
                .unwrap()
                .is_empty()
        );
        door.app.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_merchants_notice_is_that_merchants_matter() {
    let door = Door::open(&[]).await;
    let other = Grab::of(&door.app.sandbox["other"]["gateways"]["grabpay"]);
    let id = door.started("grabpay", "order-1").await;
    let notice = other.notice(&other.body(&id, "Capture", "success", 10_000, "SGD"));
    assert_eq!(door.bring(GRABPAY, &notice).await, 200, "it is genuine");
    assert_eq!((door.state(&id).await.as_str(), door.booked(&id).await.len()), ("requires_action", 0));
    assert!(door.findings("finance", None).await.is_empty());
    assert_eq!(door.findings("other.finance", None).await, ["unknown_payment"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_of_paypal_is_believed_as_it_was_sent_or_not_at_all() {
    let door = Door::open(&[]).await;
    let id = door.paid("paypal", "order-1").await;
    // Agreed to, captured.
    let mut notices = paypal_notices(door.folder.path(), &door.app.url).await;
    while notices.len() < 2 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        notices = paypal_notices(door.folder.path(), &door.app.url).await;
    }
    let effect = door.booked(&id).await;
    assert!(once(&effect), "{effect:?}");
    for genuine in notices.iter().rev() {
        let again = join_all((0..30).map(|_| door.bring(PAYPAL, genuine))).await;
        assert!(again.iter().all(|status| *status == 200), "{again:?}");
        let forged = [
            ("no signature", genuine.without("paypal-transmission-sig")),
            ("another signature", genuine.with("paypal-transmission-sig", &"A".repeat(344))),
            ("another time", genuine.with("paypal-transmission-time", "2020-01-01T00:00:00Z")),
            (
                "another transmission",
                genuine.with("paypal-transmission-id", "6f1a7c6e-0000-11ee-8000-000000000000"),
            ),
            ("a weaker algorithm", genuine.with("paypal-auth-algo", "SHA1withRSA")),
            ("somebody's certificate", genuine.with("paypal-cert-url", "https://evil.example/certs/CERT-1")),
            ("another amount", Notice { body: genuine.body.replace("100.00", "1.00"), ..genuine.clone() }),
            (
                "doubled members",
                Notice { body: format!(r#"{{"id":"WH-9",{}"#, &genuine.body[1..]), ..genuine.clone() },
            ),
        ];
        for (what, notice) in &forged {
            let same = notice.body == genuine.body && notice.headers == genuine.headers;
            assert!(!door.bring(PAYPAL, notice).await.eq(&200) || same, "{what}");
        }
        assert_eq!((door.state(&id).await.as_str(), &door.booked(&id).await), ("captured", &effect));
    }
    assert!(door.findings("finance", None).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_too_large_too_slow_or_encoded_are_not_taken() {
    let door = Door::open(&[("limits.body_seconds", "1")]).await;
    let grab = Grab::of(&door.app.sandbox["gateways"]["grabpay"]);
    let id = door.started("grabpay", "order-1").await;
    let body = grab.body(&id, "Capture", "success", 10_000, "SGD");
    let large = grab.notice(&format!("{body}{}", " ".repeat(2 << 20)));
    assert_eq!(door.bring(GRABPAY, &large).await, 413);
    assert_eq!(door.bring(GRABPAY, &grab.notice(&body).with("content-encoding", "gzip")).await, 415);
    assert_eq!(senders::slowly(&door.app.url, GRABPAY, 1, 100).await, 408);
    assert_eq!((door.state(&id).await.as_str(), door.booked(&id).await.len()), ("requires_action", 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_take_no_more_room_than_they_are_given_and_nobody_is_shut_out_for_long() {
    let door = Door::open(&[("limits.body_seconds", "2"), ("limits.notifications_in_flight_mib", "1")]).await;
    let hog = tokio::spawn({
        let url = door.app.url.clone();
        async move { senders::slowly(&url, GRABPAY, 700 << 10, 800 << 10).await }
    });
    let grab = Grab::of(&door.app.sandbox["gateways"]["grabpay"]);
    let large = Notice { body: " ".repeat(700 << 10), ..grab.notice("{}") };
    let begun = std::time::Instant::now();
    // Whichever comes first has the room; the other waits for it, and is not answered before.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let answered = door.bring(GRABPAY, &large).await;
    assert!(begun.elapsed() > Duration::from_millis(1_500), "it waited for room: {:?}", begun.elapsed());
    assert!([401, 408].contains(&answered), "{answered}");
    assert_eq!(hog.await.unwrap(), 408);
    let id = door.paid("grabpay", "order-1").await;
    let genuine = grab.notice(&grab.body(&id, "Capture", "success", 10_000, "SGD"));
    assert_eq!(door.bring(GRABPAY, &genuine).await, 200, "the room is free again");
}
