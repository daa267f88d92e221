//! Payouts through the whole program: a sale, a plan of two persons, PayPal's far side paying, and who may see what.

mod days;
mod funding;
mod reserves;
mod seats;
mod sheets;
mod waiting;

use serde_json::{Value, json};

use crate::app::{Answer, TestApp};
use crate::engines::on_each_engine;

async fn done(answer: Answer) -> Value {
    assert!(answer.status < 300, "{} {}", answer.status, answer.text);
    answer.json()
}

/// A sale of USD 100.00, all of it the Vietnamese supplier's but the fee, released.
async fn sold(app: &TestApp, order: &str, supplier: &str) {
    let body = json!({
        "order_ref": order, "amount": {"amount": "100.00", "currency": "USD"}, "gateway": "paypal",
        "fee_bearer": "platform",
        "splits": [{"supplier": supplier, "share": {"percent": "80"}}],
    });
    let paid = done(app.post_once("storefront", "/v1/payments", order, &body).await).await;
    let path = format!("/v1/sandbox/payments/{}", paid["id"].as_str().unwrap());
    done(app.post("storefront", &path, &json!({"shopper": "approve"})).await).await;
}

/// A supplier settled in dollars, paid at this address.
async fn joined(app: &TestApp, name: &str, address: &str) -> String {
    let body = json!({"name": name, "country": "US", "currency": "USD"});
    let supplier = done(app.post("finance", "/v1/suppliers", &body).await).await;
    let id = supplier["id"].as_str().unwrap().to_owned();
    let body = json!({
        "kind": "paypal", "country": "US", "currency": "USD", "holder": name, "number": address,
    });
    done(app.post("finance", &format!("/v1/suppliers/{id}/accounts"), &body).await).await;
    id
}

async fn plan(app: &TestApp, key: &str) -> Value {
    done(app.post_once("maker", "/v1/payout-plans", key, &json!({})).await).await
}

async fn say(app: &TestApp, who: &str, plan: &Value, word: &str, body: Value) -> Answer {
    let path = format!("/v1/payout-plans/{}/{word}", plan["id"].as_str().unwrap());
    app.post_once(who, &path, &format!("{who}-{word}-{}", body), &body).await
}

/// The download holds before the program that a person runs, and not with a digit changed.
async fn checked(app: &TestApp, drafted: &Value) {
    let path = format!("/v1/payout-plans/{}/certificate", drafted["id"].as_str().unwrap());
    assert_eq!(app.get("supplier", &path).await.code(), "key_scope");
    assert_eq!(app.get("other.finance", &path).await.status, 404);
    let text = app.get("finance", &path).await.text;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("certificate.json");
    let check = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let program = env!("CARGO_BIN_EXE_straits");
        let ran = std::process::Command::new(program).args(["plan", "check"]).arg(&file).output().unwrap();
        (ran.status.success(), String::from_utf8_lossy(&ran.stdout).into_owned())
    };
    let (holds, said) = check(&text);
    let proof = &drafted["proof"];
    assert!(holds && said.contains(proof["plan"].as_str().unwrap()), "{said}");
    assert!(
        said.contains(&format!("under the dated route table shown ({})", proof["routes"].as_str().unwrap()))
    );
    let (holds, said) = check(&text.replacen("\"debit\":\"1", "\"debit\":\"2", 1));
    assert!(!holds && said.starts_with("refused"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn suppliers_are_paid_by_two_persons_and_paypal() {
    let app = TestApp::start().await;
    let good = joined(&app, "Good Goods", "good@example.com").await;
    let late = joined(&app, "Late Lamps", "unclaimed.lamps@example.com").await;
    for (order, supplier) in [("o-1", &good), ("o-2", &good), ("o-3", &late)] {
        sold(&app, order, supplier).await;
    }
    app.advance("2d").await;
    let drafted = plan(&app, "p-1").await;
    assert_eq!(drafted["lines"].as_array().unwrap().len(), 2, "{drafted:#}");
    assert_eq!(drafted["totals"][0]["gross"], json!({"amount": "240.00", "currency": "USD"}));
    assert_eq!(drafted["funding"][0]["needed"], json!({"amount": "244.80", "currency": "USD"}));
    // The same key and body, the same plan.
    assert_eq!(plan(&app, "p-1").await["id"], drafted["id"]);
    checked(&app, &drafted).await;

    let hash = json!({"hash": drafted["hash"]});
    done(say(&app, "maker", &drafted, "submit", json!({})).await).await;
    let refused = say(&app, "maker", &drafted, "approve", hash.clone()).await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "four_eyes"));
    let other = json!({"hash": "0".repeat(64)});
    let refused = say(&app, "checker", &drafted, "approve", other).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "plan_changed"));
    for stranger in ["storefront", "supplier", "admin"] {
        let refused = say(&app, stranger, &drafted, "approve", hash.clone()).await;
        assert_eq!(refused.code(), "key_scope", "{stranger}");
    }
    let path = format!("/v1/payout-plans/{}", drafted["id"].as_str().unwrap());
    assert_eq!(app.get("other.finance", &path).await.status, 404);
    done(say(&app, "checker", &drafted, "approve", hash).await).await;
    done(say(&app, "maker", &drafted, "execute", json!({})).await).await;
    app.advance("10s").await;
    app.advance("10m").await;

    let shown = done(app.get("finance", &path).await).await;
    assert_eq!(shown["state"], "executing", "{:#}", shown["progress"]);
    assert_eq!((&shown["progress"]["paid"], &shown["progress"]["unclaimed"]), (&json!(1), &json!(1)));
    let payouts = done(app.get("finance", "/v1/payouts").await).await;
    let payouts = payouts["data"].as_array().unwrap().clone();
    let of = |supplier: &str| payouts.iter().find(|payout| payout["supplier"] == supplier).unwrap().clone();
    assert_eq!(of(&good)["charged"], json!({"amount": "3.20", "currency": "USD"}));
    let detail = format!("/v1/payouts/{}", of(&late)["id"].as_str().unwrap());
    let shown = done(app.get("finance", &detail).await).await;
    assert_eq!((&shown["state"], &shown["attempts"]["sent"]), (&json!("unclaimed"), &json!(1)), "{shown:#}");
    // A supplier's key sees its own: none of these.
    assert_eq!(app.get("supplier", &detail).await.status, 404);
    assert_eq!(done(app.get("supplier", "/v1/payouts").await).await["data"], json!([]));
    let foreign = format!("/v1/payouts?supplier={good}");
    assert_eq!(app.get("supplier", &foreign).await.status, 404);

    // Nobody takes it: after thirty days it is back, and the supplier's again.
    app.advance("31d").await;
    let shown = done(app.get("finance", &path).await).await;
    assert_eq!(shown["state"], "partially_failed", "{:#}", shown["progress"]);
    let balances = done(app.get("finance", &format!("/v1/suppliers/{late}/balances")).await).await;
    assert!(balances.to_string().contains("80.00"), "{balances:#}");
    // Bills of all these days were held against the books meanwhile: payouts, returns and their fees agree.
    let findings = done(app.get("finance", "/v1/findings").await).await;
    assert_eq!(findings["data"], json!([]), "{findings:#}");
    let runs = done(app.get("finance", "/v1/reconciliations?limit=100").await).await;
    let named: i64 =
        runs["data"].as_array().unwrap().iter().map(|run| run["matched"].as_i64().unwrap()).sum();
    assert!(named >= 6, "{runs:#}");
    let told = done(app.get("finance", "/v1/events?limit=100").await).await;
    let kinds: Vec<&str> =
        told["data"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect();
    for kind in ["payout_plan.scheduled", "payout_plan.partially_failed", "payout.paid", "payout.returned"] {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }
    assert_eq!(done(app.get("finance", "/v1/ledger/verify").await).await["ok"], true);
    app.stop().await;
}

async fn statement(app: &TestApp, days_back: i64) -> String {
    let now = app.get("finance", "/v1/sandbox/clock").await.json()["now"].as_str().unwrap().to_owned();
    let zone = chrono::FixedOffset::east_opt(8 * 3600).unwrap();
    let day = chrono::DateTime::parse_from_rfc3339(&now).unwrap().with_timezone(&zone).date_naive();
    let day = day - chrono::TimeDelta::days(days_back);
    let url = app.sandbox["banks"]["SGD"]["statements"].as_str().unwrap().to_owned();
    let url = url.strip_prefix(&app.url).unwrap().to_owned();
    let answer = app.send(app.request("GET", &format!("{url}/{day}"))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.text
}

async fn read_in(app: &TestApp, once: &str, file: String) -> Value {
    let request =
        app.keyed("POST", "finance", "/v1/bank-statements").header("Idempotency-Key", once.to_owned());
    done(app.send(request.header("Content-Type", "application/xml").body(file)).await).await
}

/// Sold by GrabPay, swept to the bank, paid out by the bank's channel, and told by its statement.
#[tokio::test(flavor = "multi_thread")]
async fn suppliers_are_paid_by_a_bank_and_its_statement_says_so() {
    let app = TestApp::start().await;
    let mut suppliers = vec![];
    for name in ["Paid Pots", "Return Rugs", "Reject Rings"] {
        let body = json!({"name": name, "country": "SG", "currency": "SGD"});
        let supplier = done(app.post("finance", "/v1/suppliers", &body).await).await;
        let id = supplier["id"].as_str().unwrap().to_owned();
        let body = json!({"kind": "bank", "country": "SG", "currency": "SGD", "holder": name,
                          "number": "0012345678", "bank_code": "DBSSSGSG"});
        done(app.post("finance", &format!("/v1/suppliers/{id}/accounts"), &body).await).await;
        let terms = app.keyed("PATCH", "finance", &format!("/v1/suppliers/{id}/payout-terms"));
        done(app.send(terms.json(&json!({"town": "Singapore", "purpose": "SUPP"}))).await).await;
        for (odd, param) in [
            (json!({"purpose": "é<bad code"}), "purpose"),
            (json!({"known_until": "2099-01-01T00:00:00Z"}), "known_until"),
            (json!({"known": true, "known_until": "2020-01-01T00:00:00Z"}), "known_until"),
        ] {
            let terms = app.keyed("PATCH", "finance", &format!("/v1/suppliers/{id}/payout-terms"));
            let refused = app.send(terms.json(&odd)).await;
            assert_eq!((refused.status, &refused.json()["param"]), (400, &json!(param)), "{odd}");
        }
        suppliers.push(id);
    }
    let share = |supplier: &String| json!({"supplier": supplier, "share": {"percent": "25"}});
    let body = json!({
        "order_ref": "o-1", "amount": {"amount": "400.00", "currency": "SGD"}, "gateway": "grabpay",
        "splits": suppliers.iter().map(share).collect::<Vec<_>>(),
    });
    let paid = done(app.post_once("storefront", "/v1/payments", "o-1", &body).await).await;
    let path = format!("/v1/sandbox/payments/{}", paid["id"].as_str().unwrap());
    done(app.post("storefront", &path, &json!({"shopper": "approve"})).await).await;
    app.advance("1d").await;
    let swept = statement(&app, 0).await;
    let reference = swept.split("<EndToEndId>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let batch = json!({"gateway": "grabpay", "reference": reference, "currency": "SGD",
        "closed_at": "2099-01-01T00:00:00Z", "paid_at": "2026-11-28T00:00:00Z", "gross": "400.00", "fee": "7.20", "net": "392.80"});
    done(app.post_once("finance", "/v1/gateway-settlements", "b-1", &batch).await).await;
    read_in(&app, "s-1", swept).await;
    app.advance("2d").await;

    let banks = done(app.get("finance", "/v1/bank-accounts?limit=100").await).await;
    let client = |row: &&Value| row["currency"] == "SGD" && row["kind"] == "client";
    let bank = banks["data"].as_array().unwrap().iter().find(client).unwrap()["id"].clone();
    let body =
        json!({"name": "sgd-bank", "rail": "pain001", "currency": "SGD", "funding": {"bank_account": bank}});
    done(app.post("finance", "/v1/rail-accounts", &body).await).await;
    let drafted = plan(&app, "p-1").await;
    assert_eq!(drafted["lines"].as_array().unwrap().len(), 3, "{drafted:#}");
    let path = format!("/v1/payout-plans/{}", drafted["id"].as_str().unwrap());
    let no_file = async |why: &str| {
        let refused = app.get("finance", &format!("{path}/pain001")).await;
        assert_eq!((refused.status, refused.code().as_str()), (409, "wrong_state"), "{}", refused.text);
        assert!(refused.json()["detail"].as_str().unwrap().contains(why), "{}", refused.text);
    };
    no_file("`draft`").await;
    done(say(&app, "maker", &drafted, "submit", json!({})).await).await;
    done(say(&app, "checker", &drafted, "approve", json!({"hash": drafted["hash"]})).await).await;
    no_file("`scheduled`").await;
    let other = app.get("finance", &format!("{path}/csv")).await;
    assert_eq!(
        (other.status, other.json()["param"].clone()),
        (400, json!("id")),
        "it pays nothing by such files"
    );
    done(say(&app, "maker", &drafted, "execute", json!({})).await).await;
    app.advance("5m").await;
    let shown = done(app.get("finance", &path).await).await;
    // The bank says ACSC of two, and no money has moved in the books.
    assert_eq!(
        (&shown["progress"]["sent"], &shown["progress"]["failed"]),
        (&json!(2), &json!(1)),
        "{shown:#}"
    );
    let file = app.get("finance", &format!("{path}/pain001")).await;
    // The bank has refused one of them since; the file is the one that it was sent, under the same id.
    let listed = done(app.get("finance", "/v1/payouts").await).await;
    let detail = format!("/v1/payouts/{}", listed["data"][0]["id"].as_str().unwrap());
    let batch =
        done(app.get("finance", &detail).await).await["attempts"]["reference"].as_str().unwrap().to_owned();
    // In letters that banks carry.
    let message = batch.replace('_', "-");
    assert!(file.text.contains(&format!("<MsgId>{message}</MsgId>")), "{}", file.text);
    assert!(file.text.contains("<NbOfTxs>3</NbOfTxs><CtrlSum>300.00</CtrlSum>"), "{}", file.text);
    let named = app.get("finance", &format!("{path}/pain001?batch={batch}")).await;
    assert_eq!(named.text, file.text);
    let strange = app.get("finance", &format!("{path}/pain001?batch=pob_01kb0000000000000000000000")).await;
    assert_eq!(strange.status, 404, "{}", strange.text);
    // As it was approved, whatever the terms say by now.
    let terms = app.keyed("PATCH", "finance", &format!("/v1/suppliers/{}/payout-terms", suppliers[0]));
    done(app.send(terms.json(&json!({"town": "Lagos", "purpose": "GDDS"}))).await).await;
    assert_eq!(file.text, app.get("finance", &format!("{path}/pain001")).await.text);

    let booked = read_in(&app, "s-2", statement(&app, 0).await).await;
    let states: Vec<&Value> =
        booked["data"][0]["entries"].as_array().unwrap().iter().map(|entry| &entry["state"]).collect();
    assert_eq!(states, [&json!("paid_out"), &json!("paid_out")], "{booked:#}");
    app.advance("1d").await;
    let back = read_in(&app, "s-3", statement(&app, 0).await).await;
    assert_eq!(back["data"][0]["entries"][0]["state"], "paid_out", "{back:#}");
    app.advance("5m").await;
    let shown = done(app.get("finance", &path).await).await;
    let progress = &shown["progress"];
    assert_eq!(
        (&progress["paid"], &progress["returned"], &shown["state"]),
        (&json!(1), &json!(1), &json!("partially_failed"))
    );
    let listed = done(app.get("finance", &format!("/v1/payouts?supplier={}", suppliers[1])).await).await;
    let returned = &listed["data"][0];
    assert_eq!(returned["returned"], json!({"amount": "87.50", "currency": "SGD"}), "{listed:#}");
    // What had left stays told, by the list, by itself and to who is notified.
    assert_eq!(returned["debited"], json!({"amount": "100.00", "currency": "SGD"}), "{listed:#}");
    let alone =
        done(app.get("finance", &format!("/v1/payouts/{}", returned["id"].as_str().unwrap())).await).await;
    assert_eq!(alone["debited"], returned["debited"], "{alone:#}");
    let told = done(app.get("finance", "/v1/events?limit=100").await).await;
    let told =
        told["data"].as_array().unwrap().iter().find(|event| event["type"] == "payout.returned").unwrap();
    assert_eq!(told["data"]["debited"], returned["debited"], "{told:#}");
    // It is the supplier's fault until two users say that it was the platform's: then it has the rest too.
    assert_eq!(returned["fault"], Value::Null);
    let fault = format!("/v1/payouts/{}/fault", returned["id"].as_str().unwrap());
    let said = async |who: &str, once: &str, whose: &str| {
        app.post_once(who, &fault, once, &json!({"fault": whose})).await
    };
    assert_eq!(said("maker", "f-0", "supplier").await.code(), "wrong_state", "nobody said otherwise");
    let proposed = done(said("maker", "f-1", "platform").await).await;
    assert_eq!(
        (&proposed["fault"]["fault"], &proposed["fault"]["confirmed_by"]),
        (&json!("platform"), &Value::Null)
    );
    assert_eq!(said("maker", "f-2", "platform").await.code(), "four_eyes");
    let available = async || {
        let path = format!("/v1/suppliers/{}/balances", suppliers[1]);
        done(app.get("finance", &path).await).await["data"][0]["available"]["amount"].clone()
    };
    assert_eq!(available().await, "87.50");
    let confirmed = done(said("checker", "f-3", "platform").await).await;
    assert_eq!(confirmed["fault"]["proposed_by"], proposed["fault"]["proposed_by"]);
    assert!(confirmed["fault"]["confirmed_by"].is_string(), "{confirmed:#}");
    assert_eq!(available().await, "100.00");
    let again = done(said("checker", "f-3", "platform").await).await;
    assert_eq!((&again, available().await), (&confirmed, json!("100.00")));
    assert_eq!(said("maker", "f-4", "supplier").await.code(), "wrong_state");
    let accounts = app.get("finance", "/v1/ledger/accounts?limit=100").await.json();
    let costs = accounts["data"].as_array().unwrap().iter().find(|row| row["account"] == "5020[sgd-bank]");
    assert!(costs.is_some_and(|row| row.to_string().contains("12.50")), "{accounts:#}");
    let listed = done(app.get("finance", &format!("/v1/payouts?supplier={}", suppliers[2])).await).await;
    assert_eq!((&listed["data"][0]["state"], &listed["data"][0]["code"]), (&json!("failed"), &json!("AC04")));
    let findings = done(app.get("finance", "/v1/findings?state=open").await).await;
    assert_eq!(findings["data"], json!([]), "{findings:#}");
    assert_eq!(done(app.get("finance", "/v1/ledger/verify").await).await["ok"], true);
    app.stop().await;
}

/// Saved over HTTP, run by the program's own jobs: a draft that its maker cannot approve.
#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_drafts_and_its_maker_does_not_approve() {
    let app = TestApp::start().await;
    let good = joined(&app, "Good Goods", "good@example.com").await;
    sold(&app, "o-1", &good).await;
    // Before its share is released there is nothing to draft, and no plan that pays nobody.
    app.advance("2d").await;
    let body = json!({"name": "daily", "cron": "0 9 * * *", "zone": "Asia/Singapore"});
    let saved = done(app.post_once("maker", "/v1/payout-schedules", "s-1", &body).await).await;
    let again = done(app.post_once("maker", "/v1/payout-schedules", "s-1", &body).await).await;
    assert_eq!((&saved["id"], saved["dates"].as_array().unwrap().len()), (&again["id"], 5));
    app.advance("3d").await;

    let path = format!("/v1/payout-schedules/{}", saved["id"].as_str().unwrap());
    let shown = done(app.get("finance", &path).await).await;
    let runs = shown["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 3, "{shown:#}");
    assert!(runs.iter().all(|run| run["outcome"] == "drafted"), "{shown:#}");
    let plan = format!("/v1/payout-plans/{}", runs[0]["plan"].as_str().unwrap());
    let drafted = done(app.get("finance", &plan).await).await;
    assert_eq!((&drafted["state"], &drafted["made_by"]), (&json!("draft"), &saved["made_by"]));
    assert_eq!(drafted["schedule"], saved["id"]);
    assert_eq!(drafted["totals"][0]["gross"], json!({"amount": "80.00", "currency": "USD"}));
    let events = done(app.get("finance", "/v1/events?limit=100").await).await;
    let told = events["data"].as_array().unwrap().iter();
    assert_eq!(told.filter(|event| event["type"] == "payout_plan.drafted").count(), 3);

    done(say(&app, "maker", &drafted, "submit", json!({})).await).await;
    let own = say(&app, "maker", &drafted, "approve", json!({"hash": drafted["hash"]})).await;
    assert_eq!((own.status, own.code().as_str()), (403, "four_eyes"));
    done(say(&app, "checker", &drafted, "approve", json!({"hash": drafted["hash"]})).await).await;

    done(app.send(app.keyed("DELETE", "maker", &path)).await).await;
    app.advance("2d").await;
    let shown = done(app.get("finance", &path).await).await;
    assert_eq!((shown["state"].as_str(), shown["runs"].as_array().unwrap().len()), (Some("deleted"), 3));
    app.stop().await;
}

/// What is looked at before it is saved saves nothing; names are for people and change nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_is_previewed_named_and_renamed() {
    let app = TestApp::start().await;
    let preview = async |body: &Value| app.post("maker", "/v1/payout-schedules/preview", body).await;
    let body = json!({"name": "Fridays", "cron": "0 15 * * 5", "zone": "Asia/Singapore",
                      "holidays": {"rule": "after", "currencies": ["SGD"]}});
    let shown = done(preview(&body).await).await;
    assert_eq!(shown["object"], "payout_schedule_preview");
    let dates = shown["dates"].as_array().unwrap();
    let made = dates.iter().filter(|date| date["at"] != Value::Null).count();
    assert!(made == 5 && dates.iter().all(|date| date["wanted"].is_string()), "{shown:#}");
    assert!(dates[0]["local"].as_str().unwrap().contains("T15:00:00+08:00"), "{shown:#}");
    let listed = done(app.get("finance", "/v1/payout-schedules").await).await;
    assert_eq!(listed["data"], json!([]), "a preview saves nothing");
    let with = |field: &str, value: Value| {
        let mut body = body.clone();
        body[field] = value;
        body
    };
    let odd = [
        ("name", json!("")),
        ("name", json!("a\u{202e}b")),
        ("name", json!("x".repeat(101))),
        ("cron", json!("* 15 * * 5")),
        ("zone", json!("Asia/Nowhere")),
        ("suppliers", json!([])),
    ];
    for (nth, (field, value)) in odd.into_iter().enumerate() {
        let odd = with(field, value);
        let refused = preview(&odd).await;
        assert_eq!((refused.status, refused.json()["param"].clone()), (400, json!(field)), "{odd}");
        let refused = app.post_once("maker", "/v1/payout-schedules", &format!("odd-{nth}"), &odd).await;
        assert_eq!((refused.status, refused.json()["param"].clone()), (400, json!(field)), "{odd}");
    }
    assert_eq!(preview(&with("nmae", json!("x"))).await.code(), "unknown_field");

    let saved = done(app.post_once("maker", "/v1/payout-schedules", "s-1", &body).await).await;
    assert_eq!(saved["dates"], shown["dates"], "what was shown is what is saved");
    let path = format!("/v1/payout-schedules/{}", saved["id"].as_str().unwrap());
    let change = async |body: Value| app.send(app.keyed("PATCH", "checker", &path).json(&body)).await;
    let renamed = done(change(json!({"name": "Paydays"})).await).await;
    assert_eq!((&renamed["name"], &renamed["made_by"]), (&json!("Paydays"), &saved["made_by"]));
    assert_eq!((&renamed["next"], &renamed["dates"]), (&saved["next"], &saved["dates"]));
    for odd in ["", "a\u{202e}b"] {
        let refused = change(json!({"name": odd})).await;
        assert_eq!((refused.status, refused.json()["param"].clone()), (400, json!("name")), "{odd:?}");
    }
    let narrowed = done(change(json!({"currencies": ["USD"]})).await).await;
    assert_eq!(narrowed["made_by"].as_array().unwrap().len(), 2, "whoever changes its content is a maker");
    let freed = done(change(json!({"currencies": null})).await).await;
    assert_eq!((&freed["currencies"], &freed["name"]), (&Value::Null, &json!("Paydays")));
    app.stop().await;
}

/// An administrator with a finance key of another user's in hand is still one person.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_made_the_others_key_is_no_second_person() {
    let app = TestApp::start().await;
    let good = joined(&app, "Good Goods", "good@example.com").await;
    sold(&app, "o-1", &good).await;
    app.advance("2d").await;
    let body = json!({"name": "own", "scopes": ["finance"]});
    let own = done(app.post("admin", "/v1/keys", &body).await).await;
    let body = json!({"name": "puppet", "scopes": ["finance"], "new_user": "Puppet"});
    let puppet = done(app.post("admin", "/v1/keys", &body).await).await;
    assert_eq!((&own["made_by"], &puppet["made_by"]), (&own["user"], &own["user"]));
    assert_ne!(puppet["user"], own["user"]);
    let text = |key: &Value| key["key"].as_str().unwrap().to_owned();
    let post = async |key: &str, path: &str, once: &str, body: &Value| {
        let request = app.request("POST", path).bearer_auth(key.to_owned());
        app.send(request.header("Idempotency-Key", once.to_owned()).json(body)).await
    };
    let hands = [text(&own), text(&puppet)];
    for (once, maker, checker) in [("1", &hands[0], &hands[1]), ("2", &hands[1], &hands[0])] {
        let plan = done(post(maker, "/v1/payout-plans", once, &json!({})).await).await;
        let path = format!("/v1/payout-plans/{}", plan["id"].as_str().unwrap());
        done(post(maker, &format!("{path}/submit"), once, &json!({})).await).await;
        let hash = json!({"hash": plan["hash"]});
        let refused = post(checker, &format!("{path}/approve"), once, &hash).await;
        assert_eq!((refused.status, refused.code().as_str()), (403, "one_hand"), "{}", refused.text);
        done(say(&app, "checker", &plan, "approve", hash).await).await;
    }
    app.stop().await;
}

/// Whoever takes a supplier over changes the contact first, then the account: the contact of before is named in both.
#[tokio::test(flavor = "multi_thread")]
async fn the_contact_of_before_is_named_when_account_or_contact_change() {
    on_each_engine("payout contacts", async |database| {
        if database.portable {
            return;
        }
        let app = TestApp::with(&[("database.url", database.url.as_str())]).await;
        let body = json!({"name": "Lamps", "country": "US", "currency": "USD", "payout_contact": "old@lamps.example"});
        let supplier = done(app.post("finance", "/v1/suppliers", &body).await).await;
        assert_eq!(supplier["payout_contact"], "old@lamps.example");
        let path = format!("/v1/suppliers/{}", supplier["id"].as_str().unwrap());
        let add = async |number: &str| {
            let body = json!({"kind": "paypal", "country": "US", "currency": "USD", "holder": "Lamps", "number": number});
            done(app.post("finance", &format!("{path}/accounts"), &body).await).await
        };
        let told = async |kind: &str| {
            let events = done(app.get("finance", "/v1/events?limit=100").await).await;
            let all = events["data"].as_array().unwrap().clone();
            all.into_iter().filter(|event| event["type"] == kind).collect::<Vec<Value>>()
        };
        add("lamps@example.com").await;
        assert_eq!(told("supplier.payout_account.changed").await, Vec::<Value>::new(), "the first changes nothing");
        for bad in ["", "lamps", "a@b", "a b@c.d", "a@b.c,d@e.f", "a@b@c.d", "<a@b.c>"] {
            let refused = app.send(app.keyed("PATCH", "finance", &path).json(&json!({"payout_contact": bad}))).await;
            assert_eq!((refused.status, refused.json()["param"].clone()), (400, json!("payout_contact")), "{bad}");
        }
        let contact = json!({"payout_contact": "thief@elsewhere.example"});
        let changed = done(app.send(app.keyed("PATCH", "finance", &path).json(&contact)).await).await;
        assert_eq!(changed["payout_contact"], "thief@elsewhere.example");
        let one = told("supplier.payout_contact.changed").await.remove(0);
        assert_eq!(one["data"]["notify"], json!(["old@lamps.example"]), "{one:#}");
        assert_eq!(one["data"]["payout_contact"], "thief@elsewhere.example");
        let second = add("thief@example.com").await;
        let one = told("supplier.payout_account.changed").await.remove(0);
        let both = json!(["old@lamps.example", "thief@elsewhere.example"]);
        assert_eq!((&one["data"]["notify"], &one["data"]["account"]["id"]), (&both, &second["id"]), "{one:#}");
        assert!(!one.to_string().contains("thief@example.com"), "numbers stay sealed: {one}");
        // The same again changes nothing; after thirty days only the contact that counts is told.
        done(app.send(app.keyed("PATCH", "finance", &path).json(&contact)).await).await;
        assert_eq!(told("supplier.payout_contact.changed").await.len(), 1);
        app.advance("31d").await;
        add("third@example.com").await;
        let all = told("supplier.payout_account.changed").await;
        let last = all.iter().map(|event| &event["data"]["notify"]).find(|notify| **notify != both);
        assert_eq!(last, Some(&json!(["thief@elsewhere.example"])), "{all:#?}");
        app.stop().await;
    })
    .await;
}
