//! What a gateway charges apart from its payouts, over HTTP, and the bill handed in by the command line.

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::engines::on_each_engine;
use crate::program;

const CHARGES: &str = "/v1/fee-charges";

async fn sold(app: &TestApp, count: usize) {
    for order in 0..count {
        let once = format!("sold-{order}");
        let body = json!({
            "order_ref": once, "amount": {"amount": "10.20", "currency": "SGD"}, "gateway": "grabpay",
            "splits": [{"supplier": app.supplier("SG"), "share": {"remainder": true}}],
        });
        let paid = app.post_once("storefront", "/v1/payments", &once, &body).await;
        assert_eq!(paid.status, 201, "{}", paid.text);
        let path = format!("/v1/sandbox/payments/{}", paid.json()["id"].as_str().unwrap());
        let shown = app.post("storefront", &path, &json!({"shopper": "approve"})).await;
        assert_eq!(shown.json()["state"], "captured", "{}", shown.text);
    }
}

/// A statement of the own account with these lines: amount with its sign's letter, reference.
async fn read(app: &TestApp, number: u32, opening: &str, closing: &str, lines: &[(&str, &str)]) -> Value {
    let day = moment(app).await[2..10].replace('-', "");
    let lines: String = lines.iter().map(|(sum, named)| format!(":61:{day}{sum}NTRF{named}\r\n")).collect();
    let file = format!(
        ":20:S{number}\r\n:25:DE89370400440532013000\r\n:28C:{number}\r\n:60F:C{day}SGD{opening}\r\n{lines}:62F:C{day}SGD{closing}\r\n-"
    );
    let once = format!("statement-{number}");
    let request = app.keyed("POST", "finance", "/v1/bank-statements").header("Idempotency-Key", once);
    let read = app.send(request.header("Content-Type", "text/plain").body(file)).await;
    assert_eq!(read.status, 201, "{}", read.text);
    read.json()["data"][0]["entries"].clone()
}

async fn moment(app: &TestApp) -> String {
    app.get("finance", "/v1/sandbox/clock").await.json()["now"].as_str().unwrap().to_owned()
}

fn invoice(reference: &str, at: &str, fee: &str, tax: &str) -> Value {
    json!({"gateway": "grabpay", "reference": reference, "currency": "SGD", "charged_at": at, "fee": fee,
        "tax": tax, "paid_from": "ops"})
}

/// J08 over HTTP, on the gateway that the issue names: the invoice first, then its debit; and the other way round.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invoice_and_its_debit_are_one_whichever_comes_first() {
    on_each_engine("an_invoice_and_its_debit", async |database| {
        let url = database.url.as_str();
        let app =
            TestApp::with(&[("database.url", url), ("gateways.grabpay.settlement", "gross_then_invoice")])
                .await;
        let bank = json!({"name": "ops", "kind": "own", "currency": "SGD", "country": "DE",
            "iban": "DE89370400440532013000"});
        let made = app.post("finance", "/v1/bank-accounts", &bank).await;
        assert!(made.status < 300, "{}", made.text);
        let bank = made.json()["id"].clone();
        sold(&app, 5).await;
        read(&app, 1, "0,", "100,", &[("C100,", "CAPITAL")]).await;

        let at = moment(&app).await;
        let first = app.post_once("finance", CHARGES, "c-1", &invoice("INV-0001", &at, "0.92", "0.08")).await;
        assert_eq!(first.status, 201, "{}", first.text);
        let first = first.json();
        assert_eq!((&first["captures"], &first["paid_from"]), (&json!(5), &bank), "{first:#}");
        let accrued = first["accrued"]["amount"].as_str().unwrap();
        assert_ne!(accrued, "0.00", "{first:#}");
        // The same again, by its key and by its reference; other figures are another matter.
        for once in ["c-1", "c-2"] {
            let again =
                app.post_once("finance", CHARGES, once, &invoice("INV-0001", &at, "0.92", "0.08")).await;
            assert_eq!((again.status, &again.json()["id"]), (201, &first["id"]), "{}", again.text);
        }
        let other = app.post_once("finance", CHARGES, "c-3", &invoice("INV-0001", &at, "0.93", "0.08")).await;
        assert_eq!((other.status, other.code().as_str()), (409, "batch_differs"), "{}", other.text);
        let mut strange = invoice("INV-0009", &at, "0.10", "0.00");
        strange["paid_from"] = json!("nobody");
        assert_eq!(app.post_once("finance", CHARGES, "c-4", &strange).await.status, 404);

        for (field, value, answer) in [
            ("charged_at", json!("2099-01-01T00:00:00Z"), (400, "charged_at")),
            ("captures", json!(["a", "a"]), (400, "captures[1]")),
            ("captures", json!(["nobody"]), (422, "captures[0]")),
        ] {
            let mut odd = invoice("INV-0008", &at, "0.10", "0.00");
            odd[field] = value;
            let refused = app.post_once("finance", CHARGES, "odd", &odd).await;
            let param = refused.json()["param"].as_str().unwrap().to_owned();
            assert_eq!((refused.status, param.as_str()), answer, "{}", refused.text);
        }

        let entries = read(&app, 2, "100,", "99,", &[("D1,", "INV-0001")]).await;
        assert_eq!(entries[0]["state"], "fee_paid", "{entries:#}");
        let shown = app.get("finance", &format!("{CHARGES}/{}", first["id"].as_str().unwrap())).await.json();
        assert_eq!(shown["bank_line"], entries[0]["id"], "{shown:#}");

        // The debit first: it waits in suspense until the invoice explains it. It names nothing.
        let entries = read(&app, 3, "99,", "98,50", &[("D0,50", "DIRECT DEBIT")]).await;
        assert_eq!(entries[0]["state"], "suspense", "{entries:#}");
        let at = moment(&app).await;
        let second =
            app.post_once("finance", CHARGES, "c-5", &invoice("INV-0002", &at, "0.50", "0.00")).await;
        assert_eq!(second.status, 201, "{}", second.text);
        assert_eq!(second.json()["bank_line"], entries[0]["id"], "{}", second.text);
        let listed = app.get("finance", CHARGES).await.json();
        assert_eq!(listed["data"].as_array().unwrap().len(), 2, "{listed:#}");

        // The bank takes the first debit back, by a reversal; then what was paid again comes back by name, and is paid once
        // more. The books have the invoice once.
        let reversed = read(&app, 4, "98,50", "99,50", &[("RD1,", "INV-0001")]).await;
        assert_eq!(reversed[0]["state"], "reversing", "{reversed:#}");
        let path = format!("{CHARGES}/{}", first["id"].as_str().unwrap());
        let unpaid = app.get("finance", &path).await.json();
        assert!(unpaid["bank_line"].is_null(), "{unpaid:#}");
        let open = async || {
            let found = app.get("finance", "/v1/findings?kind=deposit_reversed&state=open").await.json();
            found["data"].as_array().unwrap().clone()
        };
        assert_eq!(open().await.len(), 1, "{:#?}", open().await);
        assert!(open().await[0]["detail"].as_str().unwrap().contains("INV-0001 is unpaid again"));
        for (asked, param) in [("kind=nonsense", "kind"), ("payment=nonsense", "payment")] {
            let refused = app.get("finance", &format!("/v1/findings?{asked}")).await;
            assert_eq!((refused.status, &refused.json()["param"]), (400, &json!(param)), "{}", refused.text);
        }
        let nobodys = "/v1/findings?payment=pay_01kb0000000000000000000000&state=open";
        assert_eq!(app.get("finance", nobodys).await.json()["data"], json!([]));
        // The bank has it, and it is owed.
        let stands = async |code: u64| {
            let trial = app.get("finance", "/v1/ledger/trial-balance").await.json();
            let line = trial["lines"].as_array().unwrap().iter().find(|line| line["code"] == code).cloned();
            line.map(|line| line["amount"]["amount"].as_str().unwrap().to_owned())
        };
        assert_eq!(stands(1000).await.as_deref(), Some("99.50"));
        assert_eq!(stands(2310).await.as_deref(), Some("1.00"));
        app.advance("1d").await;
        let paid = read(&app, 5, "99,50", "98,50", &[("D1,", "INV-0001")]).await;
        assert_eq!(paid[0]["state"], "fee_paid", "{paid:#}");
        assert!(open().await.is_empty(), "{:#?}", open().await);
        let back = read(&app, 6, "98,50", "99,50", &[("C1,", "INV-0001")]).await;
        assert_eq!(back[0]["state"], "reversing", "{back:#}");
        assert_eq!(open().await.len(), 1, "{:#?}", open().await);
        app.advance("1d").await;
        // Paid again without a word, near the day on which it came back.
        app.advance("8d").await;
        let late = read(&app, 7, "99,50", "98,50", &[("D1,", "DIRECT DEBIT")]).await;
        assert_eq!(late[0]["state"], "suspense", "{late:#}");
        let back = read(&app, 8, "98,50", "99,50", &[("RD1,", "DIRECT DEBIT")]).await;
        assert_eq!(back[0]["state"], "reversing", "{back:#}");
        let paid = read(&app, 9, "99,50", "98,50", &[("D1,", "INV-0001")]).await;
        assert_eq!(paid[0]["state"], "fee_paid", "{paid:#}");
        assert_eq!((stands(1000).await.as_deref(), stands(2310).await), (Some("98.50"), None));
        assert!(open().await.is_empty(), "{:#?}", open().await);

        // Only the capital that nobody explained is left, once; its finding stands beside it.
        let suspense = app.get("finance", "/v1/ledger/suspense").await.json();
        let accounts = suspense["accounts"].as_array().unwrap();
        let items: Vec<&Value> =
            accounts.iter().flat_map(|account| account["items"].as_array().unwrap()).collect();
        assert_eq!(items.len(), 1, "{suspense:#}");
        assert_eq!(items[0]["amount"]["amount"], "100.00", "{suspense:#}");
        assert_eq!(items[0]["findings"][0]["kind"], "bank_unexplained", "{suspense:#}");
        let trial = app.get("finance", "/v1/ledger/trial-balance").await.json();
        let own = trial["lines"].as_array().unwrap().iter().find(|line| line["code"] == 1000).unwrap();
        assert_eq!(own["amount"]["amount"], "98.50", "{trial:#}");
        assert_eq!((&trial["by"], &trial["balances"]), (&json!("booked"), &json!(true)), "{trial:#}");
        for total in trial["totals"].as_array().unwrap() {
            assert_eq!(total["debit"], total["credit"], "{trial:#}");
        }
        let verify = app.get("finance", "/v1/ledger/verify").await.json();
        assert_eq!(verify["ok"], true, "{verify:#}");
        // An invoice whose debit never comes is asked about, until it comes.
        let at = moment(&app).await;
        let third = app.post_once("finance", CHARGES, "c-6", &invoice("INV-0003", &at, "0.10", "0.00")).await;
        assert_eq!(third.status, 201, "{}", third.text);
        let missed = async |state: &str| {
            let path = format!("/v1/findings?kind=missing_there&state={state}");
            app.get("finance", &path).await.json()["data"].as_array().unwrap().clone()
        };
        app.advance("7d").await;
        read(&app, 10, "98,50", "98,49", &[("D0,01", "CHARGE")]).await;
        assert!(missed("open").await.is_empty());
        app.advance("1d").await;
        read(&app, 11, "98,49", "98,48", &[("D0,01", "CHARGE")]).await;
        let open = missed("open").await;
        assert_eq!((open.len(), &open[0]["fact"]), (1, &third.json()["id"]), "{open:#?}");
        let paid = read(&app, 12, "98,48", "98,38", &[("D0,10", "INV-0003")]).await;
        assert_eq!(paid[0]["state"], "fee_paid", "{paid:#}");
        assert_eq!((missed("open").await.len(), missed("resolved").await.len()), (0, 1));
        app.stop().await;
    })
    .await;
}

/// What a batch told of a capture's fee no report tells again, and what a report told no line of a bill books again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_fee_is_charged_twice() {
    let app = TestApp::start().await;
    sold(&app, 2).await;
    let at = moment(&app).await;
    let payments = app.get("storefront", "/v1/payments?limit=100").await.json();
    let path = format!("/v1/payments/{}", payments["data"][0]["id"].as_str().unwrap());
    let settlement = app.get("finance", &format!("{path}/settlement")).await.json();
    assert_eq!(settlement["gross"]["amount"], "10.20", "{settlement:#}");
    let batch = json!({"gateway": "grabpay", "reference": "PO-1", "currency": "SGD", "closed_at": at, "paid_at": at,
        "gross": "20.40", "fee": "0.36", "net": "20.04"});
    let sent = app.post_once("finance", "/v1/gateway-settlements", "b-1", &batch).await;
    assert_eq!(sent.status, 201, "{}", sent.text);
    let captures: Vec<Value> =
        sent.json()["items"].as_array().unwrap().iter().map(|item| item["reference"].clone()).collect();
    assert_eq!(captures.len(), 2, "{}", sent.text);
    let report = |reference: &str, captures: Value| {
        json!({"gateway": "grabpay", "reference": reference, "currency": "SGD", "charged_at": at, "fee": "0.30",
            "captures": captures})
    };
    let named = app.post_once("finance", CHARGES, "c-1", &report("R-1", json!([captures[0]]))).await;
    assert_eq!((named.status, named.code().as_str()), (409, "batch_differs"), "{}", named.text);
    let open = app.post_once("finance", CHARGES, "c-2", &report("R-2", json!([]))).await;
    assert_eq!((open.status, &open.json()["captures"]), (201, &json!(0)), "{}", open.text);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_items_are_read_page_by_page_and_a_day_ends_in_the_merchants_zone() {
    let app = TestApp::start().await;
    let bank = json!({"name": "ops", "kind": "own", "currency": "SGD", "country": "DE",
        "iban": "DE89370400440532013000"});
    assert!(app.post("finance", "/v1/bank-accounts", &bank).await.status < 300);
    let lines: Vec<(String, String)> = (1..=5).map(|n| (format!("C{n},"), format!("GIFT-{n}"))).collect();
    let lines: Vec<(&str, &str)> = lines.iter().map(|(sum, named)| (sum.as_str(), named.as_str())).collect();
    read(&app, 1, "0,", "15,", &lines).await;
    let page = async |more: &str| app.get("finance", &format!("/v1/ledger/suspense{more}")).await;
    let whole = page("").await.json();
    let account = whole["accounts"][0]["account"].as_str().unwrap().to_owned();
    let subjects = |page: &Value| -> Vec<String> {
        let items = page["accounts"][0]["items"].as_array().unwrap();
        items.iter().map(|item| item["subject"].as_str().unwrap().to_owned()).collect()
    };
    let all = subjects(&whole);
    assert_eq!(all.len(), 5, "{whole:#}");
    let of = format!("account={}&currency=SGD", account.replace('[', "%5B").replace(']', "%5D"));
    let (mut seen, mut after) = (vec![], String::new());
    loop {
        let shown = page(&format!("?{of}&limit=2{after}")).await.json();
        seen.extend(subjects(&shown));
        assert_eq!(shown["accounts"][0]["total"]["amount"], "15.00", "{shown:#}");
        if shown["accounts"][0]["has_more"] == false {
            break;
        }
        after = format!("&starting_after={}", seen.last().unwrap());
    }
    assert_eq!(seen, all);
    for (more, param) in
        [("?limit=0", "limit"), ("?limit=1001", "limit"), ("?starting_after=x", "starting_after")]
    {
        let refused = page(more).await;
        assert_eq!((refused.status, &refused.json()["param"]), (400, &json!(param)), "{}", refused.text);
    }
    let gone = page(&format!("?{of}&starting_after=bln_nothing")).await;
    assert_eq!(gone.status, 400, "{}", gone.text);

    let trial = app.get("finance", "/v1/ledger/trial-balance?as_of=2026-11-27&by=value").await.json();
    assert_eq!(trial["by"], "value", "{trial:#}");
    let zone: chrono_tz::Tz = trial["zone"].as_str().unwrap().parse().unwrap();
    let end = straits::domain::statements::first_instant("2026-11-28".parse().unwrap(), zone);
    let shown: chrono::DateTime<chrono::Utc> = trial["as_of"].as_str().unwrap().parse().unwrap();
    assert_eq!(end - shown, chrono::TimeDelta::microseconds(1), "{trial:#}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bill_is_handed_in_and_a_scenario_rehearsed_by_the_command_line() {
    let app = TestApp::start().await;
    sold(&app, 2).await;
    let folder = app.folder();
    let data = folder.display().to_string();
    let run = |arguments: &[&str]| {
        let arguments = [arguments, &["--data-dir", &data]].concat();
        program::run(folder, &[], &arguments)
    };
    let charge = json!({"gateway": "grabpay", "reference": "FEE-77", "currency": "SGD",
        "charged_at": "2026-11-28T02:00:00.123456789Z", "fee": "5.00"});
    for once in ["c-1", "c-2"] {
        let told = app.post_once("finance", CHARGES, once, &charge).await;
        assert_eq!(told.status, 201, "finer than it is kept, and told twice: {}", told.text);
    }
    // Its own line in a bill books nothing. Two sales of which the bill knows neither, and one that the books do not know.
    let bill = "Transaction ID|Partner Transaction ID|Original Transaction ID|Merchant ID|Type|Gross Amount|MDR Fee|Tax|Net Amount|Currency|Transaction Time\n\
                0123456789abcdef0123456789abcdef|stranger-1|||Payment|5.00|0.09|0.00|4.91|SGD|2026-11-28 10:00:00\n\
                FEE-77||||Adjustment|-5.00|0.00|0.00|-5.00|SGD|2026-11-28 10:00:00\nTOTAL|2|-0.09\n";
    let path = folder.join("bill.csv");
    std::fs::write(&path, bill).unwrap();
    let file = path.display().to_string();
    let found = tokio::task::block_in_place(|| run(&["reconcile", "--gateway", "grabpay", &file, "--json"]));
    let words = String::from_utf8_lossy(&found.stderr).into_owned();
    assert_eq!(found.status.code(), Some(1), "what is open is a fault found: {words}");
    let told: Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!((&told["state"], &told["lines"]), (&json!("done"), &json!(2)), "{told:#}");
    assert_eq!((&told["by_kind"]["fee_charge"], &told["open"]), (&json!(1), &json!(1)), "{told:#}");
    let found = tokio::task::block_in_place(|| run(&["reconcile", "--gateway", "nobody", &file]));
    assert_eq!(found.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&found.stderr).contains("gateway_unknown"));
    let usage = tokio::task::block_in_place(|| run(&["reconcile", "--gateway", "grabpay"]));
    assert_eq!(usage.status.code(), Some(2), "a file or a day belongs there");

    // Nobody can be paid yet; what a plan says is told all the same.
    let drafted = tokio::task::block_in_place(|| run(&["pay-out", "plan", "--json"]));
    let plan: Value = serde_json::from_slice(&drafted.stdout).unwrap();
    assert_eq!((&plan["state"], &plan["payouts"]), (&json!("draft"), &json!(0)), "{plan:#}");
    let id = plan["id"].as_str().unwrap();
    let shown = tokio::task::block_in_place(|| run(&["pay-out", "show", id]));
    let said = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(said.starts_with(id) && said.contains("0 payouts"), "{said}");
    let refused = tokio::task::block_in_place(|| run(&["pay-out", "approve", id, "--hash", "0"]));
    assert_eq!(refused.status.code(), Some(1));
    assert!(!String::from_utf8_lossy(&refused.stderr).is_empty());

    let rehearsed = tokio::task::block_in_place(|| run(&["trigger", "duplicate_callback"]));
    let said = String::from_utf8_lossy(&rehearsed.stdout).into_owned();
    assert!(said.starts_with("duplicate_callback  pay_") && said.contains("captured"), "{said}");
    app.stop().await;
}
