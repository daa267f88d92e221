//! The running program's reconciliations, over HTTP and against its own far sides: a bill that differs, a file handed
//! in, a refund that waits for the next day's takings, payouts that become gateway settlements.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::engines::on_each_engine;

async fn now(app: &TestApp) -> DateTime<Utc> {
    let clock = app.get("finance", "/v1/sandbox/clock").await.json();
    clock["now"].as_str().unwrap().parse().unwrap()
}

async fn day_in(app: &TestApp, zone: chrono_tz::Tz) -> NaiveDate {
    now(app).await.with_timezone(&zone).date_naive()
}

async fn advance(app: &TestApp, step: &str) {
    let answer = app.post("finance", "/v1/sandbox/clock", &json!({"advance": step})).await;
    assert!(matches!(answer.status, 200 | 202), "{}", answer.text);
}

/// A payment that was paid.
async fn paid(app: &TestApp, gateway: &str, order: &str) -> String {
    let id = app.pay(gateway, order).await["id"].as_str().unwrap().to_owned();
    let page = format!("/v1/sandbox/payments/{id}");
    let answer = app.post("storefront", &page, &json!({"shopper": "approve"})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let path = format!("/v1/payments/{id}");
    until(app, &path, |payment| payment["state"] == "captured").await;
    id
}

/// Asks until it holds.
async fn until(app: &TestApp, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..200 {
        let answer = app.get("finance", path).await.json();
        if holds(&answer) {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{path}: {}", app.get("finance", path).await.text);
}

async fn ended(app: &TestApp, begun: &Value) -> Value {
    let path = format!("/v1/reconciliations/{}", begun["id"].as_str().unwrap());
    until(app, &path, |run| run["state"] != "running").await
}

async fn by_day(app: &TestApp, gateway: &str, day: NaiveDate) -> Value {
    let body = json!({"gateway": gateway, "date": day.to_string()});
    let answer = app.post("finance", "/v1/reconciliations", &body).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    ended(app, &answer.json()).await
}

async fn hand_in(app: &TestApp, parts: &[(&str, &[u8])]) -> crate::app::Answer {
    let mut body = Vec::new();
    for (name, bytes) in parts {
        body.extend_from_slice(
            format!("--frontier\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n").as_bytes(),
        );
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--frontier--\r\n");
    let request = app
        .keyed("POST", "finance", "/v1/reconciliations")
        .header("content-type", "multipart/form-data; boundary=frontier")
        .body(body);
    app.send(request).await
}

/// PayPal's settlement report of a day, as its far side serves it.
async fn settlement_report(app: &TestApp, day: NaiveDate) -> String {
    let paypal = &app.sandbox["gateways"]["paypal"];
    let text = |key: &str| paypal[key].as_str().unwrap().to_owned();
    let client = app.request("POST", "/sandbox/paypal/v1/oauth2/token");
    let client = client.basic_auth(text("client_id"), Some(text("client_secret")));
    let token = app.send(client.form(&[("grant_type", "client_credentials")])).await.json();
    let path = format!("/sandbox/paypal/ppreports/outgoing/STL-{}.01.009.CSV", day.format("%Y%m%d"));
    let file = app.request("GET", &path).bearer_auth(token["access_token"].as_str().unwrap());
    let file = app.send(file).await;
    assert_eq!(file.status, 200, "{}", file.text);
    file.text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bill_that_differs_is_found_by_day_and_by_file() {
    on_each_engine("a_bill_that_differs_is_found_by_day_and_by_file", async |database| {
        let app = TestApp::with(&[("database.url", database.url.as_str())]).await;
        let armed = app.post("storefront", "/v1/sandbox/scenarios/bill_differs", &json!({"next": 1})).await;
        assert!(armed.status < 300, "{}", armed.text);
        let payment = paid(&app, "paypal", "differs").await;
        paid(&app, "paypal", "agrees").await;
        let day = day_in(&app, chrono_tz::America::Los_Angeles).await;
        advance(&app, "2d").await;

        let run = by_day(&app, "paypal", day).await;
        assert_eq!(
            (&run["state"], &run["lines"], &run["by_kind"]),
            (&json!("done"), &json!(2), &json!({"amount": 1})),
            "{run}"
        );
        assert_eq!((&run["matched"], &run["open"], &run["repaired"]), (&json!(1), &json!(1), &json!(0)));
        // What the gateway charged, beside the contract, of the payment whose amount agrees: the payer is in Singapore,
        // and the far side charges as for one abroad.
        let fee = &run["fees"][0];
        assert_eq!(fee["month"], json!(day.format("%Y-%m").to_string()), "{run}");
        assert_eq!(
            (&fee["method"], &fee["payments"], &fee["not_learned"], &fee["learned"]),
            (&json!("unknown"), &json!(1), &json!("small_sample"), &Value::Null)
        );
        assert_eq!(fee["contract"], json!({"percent": "3.9", "fixed": "0.5"}));
        assert_eq!((&fee["charged"]["amount"], &fee["drift"]["amount"]), (&json!("4.90"), &json!("0.50")));
        let path = format!("/v1/reconciliations/{}/findings", run["id"].as_str().unwrap());
        let found = app.get("finance", &path).await.json();
        let item = &found["data"][0];
        assert_eq!(
            (&item["kind"], &item["grade"], &item["evidence"]["payment"]),
            (&json!("amount"), &json!("waits"), &json!(payment))
        );
        assert_eq!(
            (&item["evidence"]["line"]["gross"]["amount"], &item["evidence"]["booked"]["gross"]["amount"]),
            (&json!("99.99"), &json!("100.00"))
        );
        assert_eq!(
            item["evidence"]["query"], "captured, SGD 100.00",
            "the gateway's other channel agrees with the books"
        );
        // With the hash of that answer, and of each notice that told of the payment.
        let is_hash = |value: &Value| {
            value
                .as_str()
                .is_some_and(|text| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
        };
        assert!(is_hash(&item["evidence"]["query_sha256"]), "{item}");
        let timeline = app.get("finance", &format!("/v1/payments/{payment}")).await.json();
        let timeline = timeline["timeline"].as_array().unwrap();
        let notices: Vec<&Value> = timeline
            .iter()
            // What was done on the occasion of a notice has the hash of its own answer.
            .filter(|entry| entry["source"] == "callback" && !entry["detail"]["notice"].is_null())
            .map(|entry| &entry["evidence"])
            .collect();
        assert_eq!(item["evidence"]["notices"].as_array().unwrap().iter().collect::<Vec<_>>(), notices);
        assert!(!notices.is_empty() && notices.iter().all(|hash| is_hash(hash)), "{notices:?}");
        let finding = format!("/v1/findings/{}", item["finding"].as_str().unwrap());
        assert_eq!(app.get("finance", &finding).await.json()["kind"], "bill_amount");

        // The same day as the gateway's file, streamed in a form.
        let file = settlement_report(&app, day).await;
        let answer = hand_in(&app, &[("gateway", b"paypal"), ("file", file.as_bytes())]).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        let run = ended(&app, &answer.json()).await;
        assert_eq!(
            (&run["state"], &run["lines"], &run["by_kind"]),
            (&json!("done"), &json!(2), &json!({"amount": 1})),
            "{run}"
        );
        assert_eq!(run["first_day"], json!(day.to_string()));
        assert_eq!(run["bill_sha256"].as_str().unwrap().len(), 64);

        // A file that was cut is none.
        let cut = &file.as_bytes()[..file.len() - 9];
        let answer = hand_in(&app, &[("gateway", b"paypal"), ("file", cut)]).await;
        let run = ended(&app, &answer.json()).await;
        assert_eq!((&run["state"], &run["lines"]), (&json!("failed"), &json!(0)), "{run}");
        assert!(run["detail"].as_str().unwrap().contains("add up"), "{run}");

        // Forms that are none, and whose business it is.
        for (parts, code) in [
            (vec![("gateway", b"paypal".as_slice())], "missing_field"),
            (vec![("file", b"x".as_slice())], "missing_field"),
            (vec![("gateway", b"paypal".as_slice()), ("colour", b"red")], "unknown_field"),
            (vec![("gateway", b"nobody".as_slice()), ("file", b"x")], "gateway_unknown"),
        ] {
            let answer = hand_in(&app, &parts).await;
            assert_eq!(answer.code(), code, "{}", answer.text);
        }
        let path = format!("/v1/reconciliations/{}", run["id"].as_str().unwrap());
        assert_eq!(app.get("other.finance", &path).await.status, 404);
        assert_eq!(app.get("other.finance", &format!("{path}/findings")).await.status, 404);
        assert_eq!(app.get("storefront", &path).await.status, 403);
        // The gateway's own balance is what the books have: the bill alone differs.
        let findings = app.get("finance", "/v1/findings?limit=100").await.json();
        let kinds: Vec<_> =
            findings["data"].as_array().unwrap().iter().map(|finding| &finding["kind"]).collect();
        assert!(!kinds.contains(&&json!("balance_differs")), "{kinds:?}");
        app.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_says_what_differs_and_nothing_follows() {
    on_each_engine("a_dry_run_says_what_differs_and_nothing_follows", async |database| {
        let app = TestApp::with(&[("database.url", database.url.as_str())]).await;
        let armed = app.post("storefront", "/v1/sandbox/scenarios/bill_differs", &json!({"next": 1})).await;
        assert!(armed.status < 300, "{}", armed.text);
        let payment = paid(&app, "paypal", "differs").await;
        paid(&app, "paypal", "agrees").await;
        let day = day_in(&app, chrono_tz::America::Los_Angeles).await;
        advance(&app, "2d").await;
        let file = settlement_report(&app, day).await;
        let parts = [("gateway", b"paypal".as_slice()), ("file", file.as_bytes())];
        let timeline = format!("/v1/payments/{payment}");
        let before = app.get("finance", &timeline).await.json();

        let by_form = hand_in(&app, &[&[("dry_run", b"true".as_slice())], parts.as_slice()].concat()).await;
        let body = json!({"gateway": "paypal", "date": day.to_string(), "dry_run": true});
        let by_day = app.post("finance", "/v1/reconciliations", &body).await;
        for answer in [by_form, by_day] {
            assert_eq!((answer.status, &answer.json()["dry_run"]), (202, &json!(true)), "{}", answer.text);
            let run = ended(&app, &answer.json()).await;
            assert_eq!(
                (&run["state"], &run["lines"], &run["matched"], &run["by_kind"]),
                (&json!("done"), &json!(2), &json!(1), &json!({"amount": 1})),
                "{run}"
            );
            assert_eq!((&run["open"], &run["repaired"]), (&json!(1), &json!(0)));
            let path = format!("/v1/reconciliations/{}/findings", run["id"].as_str().unwrap());
            let item = app.get("finance", &path).await.json()["data"][0].clone();
            assert_eq!(
                (&item["kind"], &item["grade"], &item["finding"], &item["evidence"]["query"]),
                (&json!("amount"), &json!("listed"), &Value::Null, &Value::Null)
            );
            assert_eq!(
                (
                    &item["evidence"]["line"]["gross"]["amount"],
                    &item["evidence"]["booked"]["gross"]["amount"]
                ),
                (&json!("99.99"), &json!("100.00"))
            );
        }
        assert_eq!(app.get("finance", &timeline).await.json()["state"], before["state"]);

        let answer = hand_in(&app, &[&[("dry_run", b"perhaps".as_slice())], parts.as_slice()].concat()).await;
        assert_eq!(answer.code(), "invalid_body", "{}", answer.text);
        app.stop().await;
    })
    .await;
}

/// Its answer has a second; the file comes for longer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_may_be_on_its_way_for_longer_than_an_answer_takes() {
    let app = TestApp::with(&[("limits.request_seconds", "1")]).await;
    let head = "--frontier\r\nContent-Disposition: form-data; name=\"gateway\"\r\n\r\npaypal\r\n--frontier\r\n\
                Content-Disposition: form-data; name=\"file\"; filename=\"bill\"\r\n\r\n";
    let parts = [head, "no bill", " at all", "\r\n--frontier--\r\n"];
    let slowly = futures_util::stream::iter(parts).then(async |part| {
        tokio::time::sleep(Duration::from_millis(600)).await;
        Ok::<_, std::io::Error>(part)
    });
    let request = app
        .keyed("POST", "finance", "/v1/reconciliations")
        .header("content-type", "multipart/form-data; boundary=frontier")
        .body(reqwest::Body::wrap_stream(slowly));
    let answer = app.send(request).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    assert_eq!(ended(&app, &answer.json()).await["state"], "failed");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_that_is_not_over_is_not_asked_for() {
    on_each_engine("a_day_that_is_not_over_is_not_asked_for", async |database| {
        let app = TestApp::with(&[("database.url", database.url.as_str())]).await;
        let zone = chrono_tz::America::Los_Angeles;
        let today = day_in(&app, zone).await;
        for day in [today, today + chrono::Days::new(1)] {
            let body = json!({"gateway": "paypal", "date": day.to_string()});
            let answer = app.post("finance", "/v1/reconciliations", &body).await;
            assert_eq!((answer.status, answer.code().as_str()), (422, "unprocessable"), "{}", answer.text);
            let from = straits::gateways::bills::bounds(day, zone).1 + chrono::TimeDelta::hours(12);
            let from = from.format("%Y-%m-%dT%H:%M:%SZ").to_string();
            assert!(answer.json()["detail"].as_str().unwrap().contains(&from), "{}", answer.text);
            assert_eq!(answer.json()["param"], "date");
        }
        let runs = app.get("finance", "/v1/reconciliations?limit=100").await.json();
        let dates = runs["data"].as_array().unwrap().iter().map(|run| run["first_day"].clone());
        let dates: Vec<Value> = dates.collect();
        assert!(!dates.contains(&json!(today.to_string())), "{dates:?}");
        advance(&app, "2d").await;
        assert_eq!(by_day(&app, "paypal", today).await["state"], "done");
        app.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_after_the_sweep_waits_for_the_next_days_takings() {
    on_each_engine("a_refund_after_the_sweep_waits_for_the_next_days_takings", async |database| {
        let app = TestApp::with(&[("database.url", database.url.as_str())]).await;
        let first = paid(&app, "grabpay", "swept").await;
        advance(&app, "1d").await;
        // J13: the wallet is empty. Refused for want of funds is not refused.
        let body = json!({"amount": {"amount": "20.00", "currency": "SGD"}});
        let path = format!("/v1/payments/{first}/refunds");
        let refund = app.post_once("storefront", &path, "back", &body).await;
        assert!(refund.status < 300, "{}", refund.text);
        let path = format!("/v1/refunds/{}", refund.json()["id"].as_str().unwrap());
        until(&app, &path, |refund| refund["state"] == "awaiting_funds").await;
        paid(&app, "grabpay", "next-day").await;
        advance(&app, "5m").await;
        until(&app, &path, |refund| refund["state"] == "succeeded").await;
        // The sweeps are payouts of the bill, and the duty has recorded them.
        advance(&app, "3d").await;
        let path = "/v1/reconciliations?limit=100";
        let runs = until(&app, path, |runs| {
            let all = runs["data"].as_array().into_iter().flatten();
            all.filter(|run| run["by_kind"]["gateway_settlement"] == 1).count() == 2
        })
        .await;
        for run in runs["data"].as_array().unwrap() {
            assert_eq!((&run["state"], &run["open"]), (&json!("done"), &json!(0)), "{run}");
        }
        let verify = app.get("finance", "/v1/ledger/verify").await.json();
        assert_eq!(verify["ok"], true, "{verify}");
        app.stop().await;
    })
    .await;
}

/// The runs of a gateway: day and state, the newest state of each day.
async fn days(app: &TestApp, gateway: &str) -> std::collections::BTreeMap<String, String> {
    let runs = app.get("finance", "/v1/reconciliations?limit=100").await.json();
    let all = runs["data"].as_array().unwrap().iter().filter(|run| run["gateway"] == gateway);
    let mut days: Vec<(String, String, String)> = all
        .map(|run| {
            let text = |key: &str| run[key].as_str().unwrap_or_default().to_owned();
            (text("id"), text("first_day"), text("state"))
        })
        .collect();
    days.sort();
    days.into_iter().map(|(_, day, state)| (day, state)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_takes_no_bill_holds_up_no_other_account() {
    on_each_engine("a_folder_that_takes_no_bill_holds_up_no_other_account", async |database| {
        let app = TestApp::with(&[("database.url", database.url.as_str())]).await;
        paid(&app, "grabpay", "by-file").await;
        paid(&app, "paypal", "by-page").await;
        // A file stands where the folder of the bills should be: GrabPay's cannot be fetched, PayPal's need no file.
        let bills = app.folder().join("bills");
        // The service may make it anew at that moment.
        while std::fs::write(&bills, b"in the way").is_err() {
            let _ = std::fs::remove_dir_all(&bills);
        }
        advance(&app, "2d").await;
        let begun = std::time::Instant::now();
        loop {
            let (files, pages) = (days(&app, "grabpay").await, days(&app, "paypal").await);
            // Days that were read before the file stood there may be done.
            let failed = files.values().next_back().is_some_and(|state| state == "failed");
            if failed && pages.values().filter(|state| *state == "done").count() >= 3 {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "{files:?} {pages:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let runs = app.get("finance", "/v1/reconciliations?limit=100").await.json();
        // The first of them may have been at its file when the folder went.
        let failed = runs["data"].as_array().unwrap().iter().filter(|run| run["state"] == "failed");
        let told = |run: &Value| run["detail"].as_str().unwrap().contains("not available");
        assert!(failed.clone().any(told), "{:?}", failed.collect::<Vec<_>>());
        // The duty is told to have failed, and why; then it is mended, and the days are made up for.
        let store = database.open().await;
        let begun = std::time::Instant::now();
        loop {
            let jobs = store.open_jobs(100).await.unwrap();
            let duty = jobs.iter().find(|job| job.value.kind == "reconcile_bills").unwrap();
            let why = duty.value.last_error.clone().unwrap_or_default();
            if why.contains("grabpay") && why.contains("not available") {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "{why}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        store.close().await;
        std::fs::remove_file(&bills).unwrap();
        advance(&app, "1d").await;
        let begun = std::time::Instant::now();
        loop {
            let files = days(&app, "grabpay").await;
            if files.len() >= 3 && files.values().rev().take(3).all(|state| state == "done") {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "{files:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let store = database.open().await;
        let begun = std::time::Instant::now();
        loop {
            let jobs = store.open_jobs(100).await.unwrap();
            let duty = jobs.iter().find(|job| job.value.kind == "reconcile_bills").unwrap();
            let Some(error) = &duty.value.last_error else { break };
            assert!(begun.elapsed() < Duration::from_secs(20), "{error}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        store.close().await;
        app.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stands_in_suspense_is_shown_with_its_finding() {
    on_each_engine("what_stands_in_suspense_is_shown_with_its_finding", async |database| {
        let app = TestApp::with(&[("database.url", database.url.as_str())]).await;
        let today = day_in(&app, chrono_tz::Asia::Singapore).await;
        advance(&app, "2d").await;
        // GrabPay's report names a payment that no one here knows.
        let report = format!(
            "Transaction ID|Partner Transaction ID|Type|Gross Amount|MDR Fee|Tax|Net Amount|Currency|Transaction Time\n\
             GHOST-1||Payment|25.00|0.45|0.00|24.55|SGD|{today} 10:00:00\nTOTAL|1|24.55\n"
        );
        let answer = hand_in(&app, &[("gateway", b"grabpay"), ("file", report.as_bytes())]).await;
        let run = ended(&app, &answer.json()).await;
        assert_eq!((&run["state"], &run["by_kind"]), (&json!("done"), &json!({"paid_unknown_here": 1})), "{run}");
        // The bank's statement has a credit that no gateway sent.
        let account = app.sandbox["banks"]["SGD"]["account"].as_str().unwrap();
        let day = today.format("%y%m%d");
        let statement = format!(
            ":20:S\r\n:25:{account}\r\n:28C:1\r\n:60F:C{day}SGD0,\r\n:61:{day}C12,50NTRFREF//B-1\r\n:62F:C{day}SGD12,50\r\n-"
        );
        let request = app.keyed("POST", "finance", "/v1/bank-statements").header("Idempotency-Key", "s-1");
        let read = app.send(request.header("Content-Type", "text/plain").body(statement)).await;
        assert_eq!(read.status, 201, "{}", read.text);

        let shown = async || {
            let suspense = app.get("finance", "/v1/ledger/suspense").await.json();
            let mut shown = vec![];
            for account in suspense["accounts"].as_array().unwrap() {
                for item in account["items"].as_array().unwrap() {
                    for finding in item["findings"].as_array().unwrap() {
                        let path = format!("/v1/findings/{}", finding["id"].as_str().unwrap());
                        let finding = app.get("finance", &path).await.json();
                        let text = |value: &Value| value.as_str().unwrap().to_owned();
                        shown.push((text(&finding["kind"]), text(&item["amount"]["amount"]), finding["id"].clone()));
                    }
                    assert_eq!(item["findings"].as_array().unwrap().len(), 1, "{suspense:#}");
                }
            }
            shown.sort_by_key(|(kind, ..)| kind.clone());
            shown
        };
        let found = shown().await;
        let told: Vec<_> = found.iter().map(|(kind, amount, _)| (kind.as_str(), amount.as_str())).collect();
        assert_eq!(told, [("bank_unexplained", "12.50"), ("paid_unknown_here", "25.00")]);
        // What two persons have taken is not shown any more.
        let path = format!("/v1/findings/{}/resolve", found[1].2.as_str().unwrap());
        for key in ["maker", "checker"] {
            let answer = app.post_once(key, &path, key, &json!({"action": "adopt", "reason": "looked at"})).await;
            assert!(answer.status < 300, "{}", answer.text);
        }
        let kinds: Vec<String> = shown().await.into_iter().map(|(kind, ..)| kind).collect();
        assert_eq!(kinds, ["bank_unexplained"]);
        app.stop().await;
    })
    .await;
}
