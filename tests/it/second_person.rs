//! What takes two persons takes two hands: whoever made the other's key may be the one who uses it. On SQLite and PostgreSQL.

use serde_json::{Value, json};

use crate::app::{Answer, TestApp};
use crate::engines::on_each_engine;
use crate::withholding::{joined, paid_out, rail, sold};

/// The keys of a case: a first hand, one that is the same person's, and a true second person's.
struct Hands {
    first: String,
    same: String,
    second: String,
}

fn done(answer: Answer) -> Value {
    assert!(answer.status < 300, "{} {}", answer.status, answer.text);
    answer.json()
}

/// What has a path and a body, under an idempotency key.
async fn post(app: &TestApp, key: &str, path: &str, once: &str, body: &Value) -> Answer {
    let request = app.request("POST", path).bearer_auth(key.to_owned());
    app.send(request.header("Idempotency-Key", once.to_owned()).json(body)).await
}

/// An administrator makes a key of its own and one of another user's: whichever of the two speaks first, the other is no
/// second person.
async fn cases(app: &TestApp) -> [Hands; 2] {
    let own = done(app.post("admin", "/v1/keys", &json!({"name": "own", "scopes": ["finance"]})).await);
    let puppet = json!({"name": "puppet", "scopes": ["finance"], "new_user": "Puppet"});
    let puppet = done(app.post("admin", "/v1/keys", &puppet).await);
    let [own, puppet] = [own, puppet].map(|key| key["key"].as_str().unwrap().to_owned());
    let second = app.key("checker");
    [
        Hands { first: own.clone(), same: puppet.clone(), second: second.clone() },
        Hands { first: puppet, same: own, second },
    ]
}

/// The first hand begins at `first`, and its own other hand ends nothing at `second`; a second person does. Answers the end.
async fn takes_two(app: &TestApp, hands: &Hands, once: &str, second: (&str, &Value)) -> Value {
    let (path, body) = second;
    for (key, code) in [(&hands.first, "four_eyes"), (&hands.same, "one_hand")] {
        let refused = post(app, key, path, &format!("{once}-{code}"), body).await;
        assert_eq!((refused.status, refused.code().as_str()), (403, code), "{path}: {}", refused.text);
    }
    done(post(app, &hands.second, path, &format!("{once}-second"), body).await)
}

fn money(amount: &str, currency: &str) -> Value {
    json!({"amount": amount, "currency": currency})
}

/// A payment that is captured at another amount than was asked, and the finding about it.
async fn finding(app: &TestApp, order: &str) -> String {
    let odd = app.pay("paypal", order).await["id"].as_str().unwrap().to_owned();
    done(app.post("storefront", "/v1/sandbox/scenarios/wrong_amount", &json!({"payment": odd})).await);
    let page = format!("/v1/sandbox/payments/{odd}");
    done(app.post("storefront", &page, &json!({"shopper": "approve"})).await);
    for _ in 0..100 {
        let found = app.get("finance", "/v1/findings?state=open").await.json();
        let about = found["data"].as_array().unwrap().iter().find(|one| one["payment"] == json!(odd));
        if let Some(id) = about.and_then(|one| one["id"].as_str()) {
            return id.to_owned();
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("no finding came");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_made_the_others_key_decides_nothing_alone() {
    on_each_engine("one hand", async |database| {
        if database.portable {
            return;
        }
        let settings =
            [("database.url", database.url.as_str()), ("payouts.withholding.appointed_by", "BIR")];
        let app = TestApp::with(&settings).await;
        let cases = cases(&app).await;
        rail(&app).await;
        let supplier = joined(&app, "shoes", None).await;
        let bank = json!({"name": "bpi", "kind": "client", "currency": "PHP", "country": "PH", "number": "0012345678",
            "bic": "BOPIPHMM"});
        let bank = done(app.post("finance", "/v1/bank-accounts", &bank).await);
        for (nth, hands) in cases.iter().enumerate() {
            let once = |what: &str| format!("{what}-{nth}");
            // A finding.
            let path = format!("/v1/findings/{}/resolve", finding(&app, &once("odd")).await);
            let body = json!({"action": "send_back", "reason": "too little"});
            let proposed = done(post(&app, &hands.first, &path, &once("f"), &body).await);
            assert_eq!(proposed["needs_second_user"], true, "{proposed}");
            assert_eq!(takes_two(&app, hands, &once("f"), (&path, &body)).await["state"], "resolved");

            // A journal.
            let fund = json!({"reason": "from PayPal to BPI", "template": {"template": "lines", "lines": [
                {"account": 1010, "owner": "bpi", "direction": "debit", "amount": money("1000.00", "PHP")},
                {"account": 4010, "owner": "", "direction": "credit", "amount": money("1000.00", "PHP")},
            ]}});
            let draft = done(post(&app, &hands.first, "/v1/journals", &once("j"), &fund).await);
            let path = format!("/v1/journals/{}/approve", draft["id"].as_str().unwrap());
            assert_eq!(takes_two(&app, hands, &once("j"), (&path, &json!({}))).await["state"], "booked");

            // A payment of withheld tax.
            sold(&app, &once("sale"), &supplier).await;
            app.advance("2d").await;
            paid_out(&app, &once("plan")).await;
            let certificates = app.get("finance", "/v1/withholding-certificates").await.json();
            let certificate = certificates["data"].as_array().unwrap().last().unwrap().clone();
            let input = json!({"authority": "BIR", "period": certificate["period"], "bank_account": bank["id"]});
            let path = "/v1/withholding-remittances";
            let proposed = done(post(&app, &hands.first, path, &once("r"), &input).await);
            let path = format!("{path}/{}/approve", proposed["id"].as_str().unwrap());
            assert_eq!(takes_two(&app, hands, &once("r"), (&path, &json!({}))).await["state"], "booked");

            // The close of a period.
            let entries = certificate["entries"].as_array().unwrap();
            let until = json!({"until": entries.last().unwrap()["booked_at"].as_str().unwrap()[..10]});
            app.advance("2d").await;
            let path = "/v1/periods/close";
            let proposed = done(post(&app, &hands.first, path, &once("c"), &until).await);
            assert_eq!(proposed["needs_second_user"], true, "{proposed}");
            assert_eq!(takes_two(&app, hands, &once("c"), (path, &until)).await["state"], "closed");
        }
        app.stop().await;
    })
    .await;
}
