//! The same through the program's doors: a GrabPay day is swept, the far side's bank credits it, finance reads it in.

use serde_json::{Value, json};

use crate::app::TestApp;

async fn paid(app: &TestApp, order: &str) {
    let payment = app.pay("grabpay", order).await;
    let id = payment["id"].as_str().unwrap();
    let path = format!("/v1/sandbox/payments/{id}");
    let answer = app.post("storefront", &path, &json!({"shopper": "approve"})).await;
    assert_eq!((answer.status, &answer.json()["state"]), (200, &json!("captured")), "{}", answer.text);
}

/// The bank's statement of today by the business clock.
async fn statement(app: &TestApp) -> String {
    let now = app.get("finance", "/v1/sandbox/clock").await.json()["now"].as_str().unwrap().to_owned();
    let day = chrono::DateTime::parse_from_rfc3339(&now).unwrap();
    let day = day.with_timezone(&chrono::FixedOffset::east_opt(8 * 3600).unwrap()).date_naive();
    let url = app.sandbox["banks"]["SGD"]["statements"]
        .as_str()
        .unwrap()
        .strip_prefix(&app.url)
        .unwrap()
        .to_owned();
    let answer = app.send(app.request("GET", &format!("{url}/{day}"))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.text
}

async fn read_in(app: &TestApp, key: &str, once: &str, kind: &str, file: &str) -> crate::app::Answer {
    let request = app.keyed("POST", key, "/v1/bank-statements").header("Idempotency-Key", once.to_owned());
    app.send(request.header("Content-Type", kind.to_owned()).body(file.to_owned())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_grabpay_reaches_the_bank_and_falls_short() {
    let app = TestApp::start().await;
    let arm = app.post("finance", "/v1/sandbox/scenarios/deposit_short", &json!({"next": 1})).await;
    assert_eq!(arm.status, 200, "{}", arm.text);
    paid(&app, "o-1").await;
    app.post("finance", "/v1/sandbox/clock", &json!({"advance": "1d"})).await;
    let file = statement(&app).await;
    let reference = file.split("<EndToEndId>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    // Grab keeps 1.8 percent.
    let batch = json!({"gateway": "grabpay", "reference": reference, "currency": "SGD",
        "closed_at": "2099-01-01T00:00:00Z", "paid_at": "2026-11-28T00:00:00Z", "gross": "100.00", "fee": "1.80", "net": "98.20"});
    let recorded = app.post_once("finance", "/v1/gateway-settlements", "b-1", &batch).await;
    assert_eq!(recorded.status, 201, "{}", recorded.text);
    let id = recorded.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(recorded.json()["items"][0]["kind"], "capture");
    let again = app.post_once("finance", "/v1/gateway-settlements", "b-1", &batch).await;
    assert_eq!((again.status, again.json()["id"].as_str()), (201, Some(id.as_str())));
    let read = read_in(&app, "finance", "s-1", "application/xml", &file).await;
    assert_eq!(read.status, 201, "{}", read.text);
    let entry = &read.json()["data"][0]["entries"][0];
    assert_eq!((&entry["state"], &entry["amount"]["amount"]), (&json!("matched"), &json!("97.70")));
    assert_eq!(entry["gateway_settlements"], json!([id]));
    let shown = app.get("finance", &format!("/v1/gateway-settlements/{id}")).await.json();
    assert_eq!((&shown["state"], &shown["missing"]["amount"]), (&json!("short"), &json!("0.50")));
    let findings = app.get("finance", "/v1/findings?state=open").await.json();
    let kinds: Vec<&Value> = findings["data"].as_array().unwrap().iter().map(|row| &row["kind"]).collect();
    assert!(kinds.contains(&&json!("deposit_short")), "{kinds:?}");
    // The same file under another key, and another merchant's file.
    let twice = read_in(&app, "finance", "s-2", "application/xml", &file).await;
    assert_eq!(twice.json()["data"][0]["id"], read.json()["data"][0]["id"]);
    let theirs = read_in(&app, "other.finance", "s-3", "application/xml", &file).await;
    assert_eq!((theirs.status, theirs.code()), (404, "not_found".to_owned()));
    for path in [
        format!("/v1/gateway-settlements/{id}"),
        format!("/v1/bank-statements/{}", read.json()["data"][0]["id"].as_str().unwrap()),
    ] {
        assert_eq!(app.get("finance", &path).await.status, 200, "{path}");
        assert_eq!(app.get("other.finance", &path).await.status, 404, "{path}");
    }
    // GrabPay's share becomes payable on the day after its money came.
    let balances = format!("/v1/suppliers/{}/balances", app.supplier("TH"));
    let before = app.get("finance", &balances).await.text;
    app.post("finance", "/v1/sandbox/clock", &json!({"advance": "2d"})).await;
    let after = app.get("finance", &balances).await;
    assert_ne!(after.text, before, "nothing was released");
    let verify = app.get("finance", "/v1/ledger/verify").await.json();
    assert_eq!(verify["ok"], true, "{verify}");
    app.stop().await;
}

/// A busy shop's day is bigger than other bodies may be; what is wrong far down is still told by its line.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_may_be_bigger_than_other_bodies() {
    let app = TestApp::start().await;
    let account = app.sandbox["banks"]["SGD"]["account"].as_str().unwrap().to_owned();
    // Notes between the fields: long, and of no line.
    let padding = ":86:NOTHING OF MONEY, ONLY WORDS THAT FILL THE FILE\r\n".repeat(60_000);
    let file = |closing: &str| {
        format!(
            ":20:BIG\r\n:25:{account}\r\n:28C:1\r\n:60F:C261127SGD0,\r\n{padding}:61:261128C12,50NTRFREF//B-1\r\n:62F:{closing}\r\n-"
        )
    };
    let good = file("C261128SGD12,50");
    assert!(good.len() > 2 << 20);
    let broken = read_in(&app, "finance", "b-1", "text/plain", &file("X261128SGD12,50")).await;
    assert_eq!((broken.status, broken.code()), (422, "statement_unreadable".to_owned()), "{}", broken.text);
    assert!(broken.text.contains("line 60006, :62F:"), "{}", broken.text);
    let read = read_in(&app, "finance", "b-2", "text/plain", &good).await;
    assert_eq!((read.status, &read.json()["data"][0]["lines"]), (201, &json!(1)), "{}", read.text);
    let again = read_in(&app, "finance", "b-2", "text/plain", &good).await;
    assert_eq!((again.status, again.text), (201, read.text));
    let other = read_in(&app, "finance", "b-2", "text/plain", &good.replace("B-1", "B-2")).await;
    assert_eq!(other.code(), "idempotency_key_reused");
    // Nothing of it is left lying about.
    let left = std::fs::read_dir(app.folder().join("bills")).unwrap().count();
    assert_eq!(left, 0);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_none_are_refused_and_forms_told_apart() {
    let app = TestApp::start().await;
    let account = app.sandbox["banks"]["SGD"]["account"].as_str().unwrap().to_owned();
    let mt940 = format!(
        ":20:X\r\n:25:{account}\r\n:28C:1\r\n:60F:C261127SGD0,\r\n:61:261128C12,50NTRFREF//B-1\r\n:86:HELLO\r\n:62F:C261128SGD12,50\r\n-"
    );
    let read = read_in(&app, "finance", "m-1", "text/plain", &mt940).await;
    assert_eq!((read.status, &read.json()["data"][0]["format"]), (201, &json!("mt940")), "{}", read.text);
    assert_eq!(read.json()["data"][0]["entries"][0]["state"], "suspense");
    let banks = app.get("finance", "/v1/bank-accounts?limit=100").await.json();
    let find = |currency: &str, kind: &str| {
        let rows = banks["data"].as_array().unwrap();
        let row = rows.iter().find(|row| row["currency"] == currency && row["kind"] == kind).unwrap();
        row["id"].as_str().unwrap().to_owned()
    };
    let path =
        |bank: &str, columns: &str| format!("/v1/bank-statements?bank_account={bank}&columns={columns}");
    let csv = "Posting Date,Paid In\n2026-11-28,7.00\n";
    let send = |path: String, once: &str, kind: &str, body: &str| {
        let request = app.keyed("POST", "finance", &path).header("Idempotency-Key", once.to_owned());
        app.send(request.header("Content-Type", kind.to_owned()).body(body.to_owned()))
    };
    let columns = "date%3DPosting%20Date%3Bcredit%3DPaid%20In";
    let read = send(path(&find("MYR", "client"), columns), "c-1", "text/csv", csv).await;
    assert_eq!((read.status, &read.json()["data"][0]["lines"]), (201, &json!(1)), "{}", read.text);
    for (path, kind, body, status, code) in [
        ("/v1/bank-statements".to_owned(), "text/csv", csv, 400, "invalid_parameter"),
        ("/v1/bank-statements".to_owned(), "application/json", "{}", 415, "unsupported_media_type"),
        ("/v1/bank-statements".to_owned(), "application/xml", "<Document/>", 422, "statement_unreadable"),
        (
            "/v1/bank-statements".to_owned(),
            "application/xml",
            "<!DOCTYPE x [<!ENTITY y 'z'>]><Document>&y;</Document>",
            422,
            "statement_unreadable",
        ),
        (
            "/v1/bank-statements".to_owned(),
            "text/plain",
            ":20:X\n:25:77\n:60F:C261127SGD0,\n:62F:C261127SGD1,\n",
            422,
            "statement_unreadable",
        ),
        (
            "/v1/bank-statements".to_owned(),
            "text/plain",
            ":20:X\n:25:7777777\n:60F:C261127SGD0,\n:62F:C261127SGD0,\n",
            404,
            "not_found",
        ),
        (path(&find("MYR", "client"), "colour%3Dx"), "text/csv", csv, 400, "invalid_parameter"),
        (path("bac_01kb0000000000000000000000", columns), "text/csv", csv, 404, "not_found"),
    ] {
        let answer = send(path.clone(), "x-1", kind, body).await;
        assert_eq!(
            (answer.status, answer.code()),
            (status, code.to_owned()),
            "{path} {body}: {}",
            answer.text
        );
    }
    app.stop().await;
}

/// Which account a file is of and which of its columns is what are parts of the question: a key stands for all of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_sent_with_its_account_and_its_columns() {
    let app = TestApp::start().await;
    let banks = app.get("finance", "/v1/bank-accounts?limit=100").await.json();
    let client = |currency: &str| {
        let rows = banks["data"].as_array().unwrap();
        let row = rows.iter().find(|row| row["currency"] == currency && row["kind"] == "client").unwrap();
        row["id"].as_str().unwrap().to_owned()
    };
    let (ringgit, dollars) = (client("MYR"), client("SGD"));
    let (ringgit, dollars) = (ringgit.as_str(), dollars.as_str());
    let csv = "Date,Amount,Details,Note\n2026-11-28,7.00,a sale,n-1\n";
    let send = async |bank: &str, columns: &str, once: &str| {
        let path = format!("/v1/bank-statements?bank_account={bank}&columns={columns}");
        let request = app.keyed("POST", "finance", &path).header("Idempotency-Key", once.to_owned());
        let answer = app.send(request.header("Content-Type", "text/csv").body(csv)).await;
        let id = answer.json()["data"][0]["id"].as_str().unwrap_or_default().to_owned();
        (answer.status, answer.code(), id)
    };
    let (status, _, first) = send(ringgit, "", "k-1").await;
    assert_eq!(status, 201);
    assert_eq!(send(ringgit, "", "k-1").await, (201, String::new(), first.clone()));
    for (bank, columns) in [(ringgit, "text%3Dnote"), (dollars, "")] {
        let (status, code, _) = send(bank, columns, "k-1").await;
        assert_eq!((status, code.as_str()), (422, "idempotency_key_reused"));
    }
    let (status, code, _) = send(ringgit, "text%3Dnote", "k-2").await;
    assert_eq!((status, code.as_str()), (409, "statement_read_otherwise"));
    // Asked anew it is answered alike and noted anew; the refused key stands for nothing.
    assert_eq!(send(ringgit, "", "k-2").await, (201, String::new(), first.clone()));
    let (status, _, second) = send(dollars, "", "k-3").await;
    assert!(status == 201 && second != first, "{status} {second}");
    let shown = app.get("finance", &format!("/v1/bank-statements/{second}")).await.json();
    let amount = &shown["entries"][0]["amount"];
    assert_eq!((&shown["bank_account"], &amount["currency"]), (&json!(dollars), &json!("SGD")));
    let audit = app.get("admin", "/v1/audit?limit=100").await.json();
    let noted = audit["data"].as_array().unwrap().iter().filter(|row| row["action"] == "bank_statement.read");
    assert_eq!(noted.count(), 3, "{audit}");
    app.stop().await;
}
