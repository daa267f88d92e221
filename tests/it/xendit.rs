//! Payouts over Xendit through the whole program: its far side, its notices, and what becomes of them in the books.

use serde_json::{Value, json};

use crate::app::{Answer, TestApp};
use crate::engines::on_each_engine;

async fn done(answer: Answer) -> Value {
    assert!(answer.status < 300, "{} {}", answer.status, answer.text);
    answer.json()
}

/// Suppliers settled in rupiah, each with a bank account held under a name.
async fn joined(app: &TestApp, holder: &str, bank_code: &str) -> String {
    let body = json!({"name": holder, "country": "ID", "currency": "IDR"});
    let supplier = done(app.post("finance", "/v1/suppliers", &body).await).await;
    let id = supplier["id"].as_str().unwrap().to_owned();
    let body = json!({"kind": "bank", "country": "ID", "currency": "IDR", "holder": holder,
                      "number": "0012345678", "bank_code": bank_code});
    done(app.post("finance", &format!("/v1/suppliers/{id}/accounts"), &body).await).await;
    id
}

fn line(account: u16, owner: &str, direction: &str, amount: &str) -> Value {
    json!({"account": account, "owner": owner, "direction": direction,
           "amount": {"amount": amount, "currency": "IDR"}})
}

async fn journal(app: &TestApp, once: &str, lines: Vec<Value>) {
    let body = json!({"reason": once, "template": {"template": "lines", "lines": lines}});
    let draft = done(app.post_once("maker", "/v1/journals", once, &body).await).await;
    let path = format!("/v1/journals/{}/approve", draft["id"].as_str().unwrap());
    done(app.post_once("checker", &path, once, &json!({})).await).await;
}

/// So many rupiah on the float, at the far side and, where wanted, in the books.
async fn top_up(app: &TestApp, once: &str, whole: i64, booked: bool) {
    let key = app.sandbox["gateways"]["xendit"]["secret_key"].as_str().unwrap().to_owned();
    let request = app.request("POST", "/sandbox/xendit/topups").basic_auth(key, Some(""));
    done(app.send(request.json(&json!({"currency": "IDR", "amount": whole}))).await).await;
    if booked {
        let amount = format!("{whole}.00");
        journal(
            app,
            once,
            vec![line(1150, "xendit", "debit", &amount), line(5090, "opening", "credit", &amount)],
        )
        .await;
    }
}

async fn owed(app: &TestApp, once: &str, suppliers: &[&String], amount: &str) {
    for (nth, supplier) in suppliers.iter().enumerate() {
        let lines = vec![line(5090, "opening", "debit", amount), line(2110, supplier, "credit", amount)];
        journal(app, &format!("{once}-{nth}"), lines).await;
    }
}

/// A plan of two persons, begun.
async fn executed(app: &TestApp, once: &str) -> (String, Value) {
    let drafted = done(app.post_once("maker", "/v1/payout-plans", once, &json!({})).await).await;
    let path = format!("/v1/payout-plans/{}", drafted["id"].as_str().unwrap());
    let say = async |who: &str, word: &str, body: Value| {
        done(app.post_once(who, &format!("{path}/{word}"), &format!("{once}-{word}"), &body).await).await
    };
    say("maker", "submit", json!({})).await;
    say("checker", "approve", json!({"hash": drafted["hash"]})).await;
    say("maker", "execute", json!({})).await;
    (path, drafted)
}

async fn payout_of(app: &TestApp, supplier: &str) -> Value {
    let listed = done(app.get("finance", &format!("/v1/payouts?supplier={supplier}")).await).await;
    listed["data"][0].clone()
}

async fn standing(app: &TestApp, account: &str) -> String {
    let trial = done(app.get("finance", "/v1/ledger/trial-balance").await).await;
    let text = trial.to_string();
    assert!(text.contains(account), "{trial:#}");
    text
}

async fn rail(app: &TestApp) {
    let body = json!({"name": "xendit-idr", "rail": "xendit", "currency": "IDR",
                      "funding": {"gateway_account": "xendit"}});
    done(app.post("finance", "/v1/rail-accounts", &body).await).await;
    for (rail, account) in [("xendit", "paypal"), ("paypal_payouts", "xendit"), ("xendit", "grabpay-sg")] {
        let body = json!({"name": "wrong", "rail": rail, "currency": "IDR", "funding": {"gateway_account": account}});
        let refused = app.post("finance", "/v1/rail-accounts", &body).await;
        assert_eq!(refused.status, 422, "{rail} from {account}: {}", refused.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn suppliers_in_indonesia_are_paid_over_xendit() {
    on_each_engine("xendit payouts", async |database| {
        if database.portable {
            return;
        }
        let app = TestApp::with(&[("database.url", database.url.as_str())]).await;
        rail(&app).await;
        let mut suppliers = vec![];
        for (holder, bank) in [
            ("Paid Pots", "014"),
            ("Fail Fans", "CENAIDJA"),
            ("Reverse Rugs", "ID_BCA"),
            ("Offline Oils", "014"),
            ("Lost Lamps", "999"),
        ] {
            suppliers.push(joined(&app, holder, bank).await);
        }
        owed(&app, "owed", &suppliers.iter().collect::<Vec<_>>(), "100000.75").await;
        top_up(&app, "float", 1_000_000, true).await;
        let (path, drafted) = executed(&app, "p-1").await;
        // Parts of a rupiah are not paid.
        assert_eq!(
            drafted["totals"][0]["gross"],
            json!({"amount": "500000.00", "currency": "IDR"}),
            "{drafted:#}"
        );
        app.advance("10s").await;
        app.advance("20s").await;
        let shown = done(app.get("finance", &path).await).await;
        let progress = &shown["progress"];
        assert_eq!(
            (&progress["failed"], &progress["paid"], &progress["sent"]),
            (&json!(2), &json!(2), &json!(1)),
            "{shown:#}"
        );
        let paid = payout_of(&app, &suppliers[0]).await;
        assert_eq!(paid["charged"], json!({"amount": "5500.00", "currency": "IDR"}), "{paid:#}");
        assert_eq!(payout_of(&app, &suppliers[1]).await["code"], "INVALID_DESTINATION");
        let unpayable = payout_of(&app, &suppliers[4]).await;
        assert_eq!(unpayable["code"], "not_payable", "{unpayable:#}");
        // What waits for its bank is called back; what was paid is not.
        let stop = async |supplier: &str, once: &str| {
            let id = payout_of(&app, supplier).await["id"].as_str().unwrap().to_owned();
            app.post_once("finance", &format!("/v1/payouts/{id}/stop"), once, &json!({})).await
        };
        assert_eq!(stop(&suppliers[0], "late").await.status, 409);
        let called = done(stop(&suppliers[3], "early").await).await;
        assert_eq!(
            (&called["state"], &called["code"]),
            (&json!("failed"), &json!("CANCELLED")),
            "{called:#}"
        );
        app.advance("5m").await;
        let back = payout_of(&app, &suppliers[2]).await;
        assert_eq!(
            (&back["state"], &back["returned"]),
            (&json!("returned"), &json!({"amount": "100000.00", "currency": "IDR"})),
            "{back:#}"
        );
        let shown = done(app.get("finance", &path).await).await;
        assert_eq!(shown["state"], "partially_failed", "{:#}", shown["progress"]);
        // One is gone, two fees with it: the float at the far side and in the books are one.
        standing(&app, "889000.00").await;
        let key = app.sandbox["gateways"]["xendit"]["secret_key"].as_str().unwrap().to_owned();
        let far = app.request("GET", "/sandbox/xendit/balance?currency=IDR").basic_auth(key, Some(""));
        assert_eq!(done(app.send(far).await).await["balance"], 889_000);
        for (nth, expected) in
            [(0, "0.75"), (1, "100000.75"), (2, "100000.75"), (3, "100000.75"), (4, "100000.75")]
        {
            let path = format!("/v1/suppliers/{}/balances", suppliers[nth]);
            let balances = done(app.get("finance", &path).await).await;
            assert!(balances.to_string().contains(&format!("\"{expected}\"")), "{nth}: {balances:#}");
        }
        assert_eq!(done(app.get("finance", "/v1/findings").await).await["data"], json!([]));
        assert_eq!(done(app.get("finance", "/v1/ledger/verify").await).await["ok"], true);
        app.stop().await;
    })
    .await;
}

/// Answers and notices lost, forged and repeated: it is asked about, and paid once.
#[tokio::test(flavor = "multi_thread")]
async fn faults_on_the_way_to_xendit_pay_nobody_twice() {
    on_each_engine("xendit faults", async |database| {
        if database.portable {
            return;
        }
        let app = TestApp::with(&[("database.url", database.url.as_str())]).await;
        rail(&app).await;
        top_up(&app, "float", 10_000_000, true).await;
        for (nth, faults) in [
            &["lost_callback"][..],
            &["timeout_after_success"],
            &["timeout_after_success", "lost_callback"],
            &["forged_callback", "duplicate_callback"],
            &["insufficient_balance"],
        ]
        .into_iter()
        .enumerate()
        {
            let supplier = joined(&app, "Steady Stones", "014").await;
            owed(&app, &format!("owed-{nth}"), &[&supplier], "200000.00").await;
            for fault in faults {
                done(
                    app.post("finance", &format!("/v1/sandbox/scenarios/{fault}"), &json!({"next": 1})).await,
                )
                .await;
            }
            let (path, _) = executed(&app, &format!("p-{nth}")).await;
            for _ in 0..8 {
                app.advance("3m").await;
            }
            let shown = done(app.get("finance", &path).await).await;
            assert_eq!(shown["state"], "completed", "{faults:?}: {shown:#}");
            let paid = payout_of(&app, &supplier).await;
            assert_eq!(paid["charged"], json!({"amount": "5500.00", "currency": "IDR"}), "{faults:?}");
        }
        let left = 10_000_000 - 5 * 205_500;
        standing(&app, &format!("{left}.00")).await;
        let key = app.sandbox["gateways"]["xendit"]["secret_key"].as_str().unwrap().to_owned();
        let far = app.request("GET", "/sandbox/xendit/balance?currency=IDR").basic_auth(key, Some(""));
        assert_eq!(done(app.send(far).await).await["balance"], left);
        assert_eq!(done(app.get("finance", "/v1/findings").await).await["data"], json!([]));
        assert_eq!(done(app.get("finance", "/v1/ledger/verify").await).await["ok"], true);
        app.stop().await;
    })
    .await;
}

/// Xendit pays out of money that the books do not have there: a person is told, and once it is booked the rest follows.
#[tokio::test(flavor = "multi_thread")]
async fn a_float_that_nobody_booked_is_a_persons_matter_and_then_goes_on() {
    let app = TestApp::start().await;
    rail(&app).await;
    let supplier = joined(&app, "Paid Pots", "014").await;
    owed(&app, "owed", &[&supplier], "100000.00").await;
    top_up(&app, "float", 1_000_000, false).await;
    let (path, _) = executed(&app, "p-1").await;
    app.advance("10s").await;
    app.advance("5m").await;
    assert_eq!(payout_of(&app, &supplier).await["state"], "sent");
    let findings = done(app.get("finance", "/v1/findings").await).await;
    assert_eq!(findings["data"].as_array().unwrap().len(), 1, "{findings:#}");
    assert_eq!(findings["data"][0]["kind"], "action_needed", "{findings:#}");
    let amount = "1000000.00";
    journal(
        &app,
        "float",
        vec![line(1150, "xendit", "debit", amount), line(5090, "opening", "credit", amount)],
    )
    .await;
    app.advance("5m").await;
    assert_eq!(payout_of(&app, &supplier).await["state"], "paid");
    assert_eq!(done(app.get("finance", &path).await).await["state"], "completed");
    assert_eq!(done(app.get("finance", "/v1/ledger/verify").await).await["ok"], true);
    app.stop().await;
}
