//! Every form of a statement through HTTP, on both engines: suppliers of random movements and names of many scripts; all
//! forms say the same, an issued statement begins where the one before it ended, and a supplier's key reads its own only.

mod random;
mod readers;

use chrono::NaiveDate;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use straits::clock::Clock;
use straits::domain::ledger::{Account, AccountCode, JournalEvent, LedgerTransaction, Owner, Posting};
use straits::ids::{IdSource, MerchantId, PaymentId, SupplierId};
use straits::money::{Currency, Money};
use straits::store::Change;

use crate::app::TestApp;
use crate::engines::{TestDatabase, on_each_engine};

use readers::{Told, read};

/// Name, currency, number of sales; the last one has nothing, and the fourth more than a PDF lists.
const SUPPLIERS: [(&str, &str, i64); 9] = [
    ("深圳市腾讯计算机系统有限公司", "CNY", 12),
    ("บริษัท จำกัด (มหาชน)", "THB", 30),
    ("Nguyễn Thị Ánh", "VND", 7),
    ("=SUM(A1) & <Söhne>", "KWD", 2_100),
    ("+Plus Ltd", "USD", 3),
    ("-Minus \"Ltd\"", "JPY", 3),
    ("@Café 😀 喆", "EUR", 3),
    ("שלום עולם", "SGD", 3),
    ("Idle Ltd", "MYR", 0),
];

const FORMS: [&str; 9] =
    ["json", "csv", "xlsx", "pdf", "camt053", "ofx", "xero", "quickbooks", "quickbooks4"];

/// Sales and refunds of random amounts, against an account that nobody compares with the outside.
async fn fill(database: &TestDatabase, merchant: MerchantId, suppliers: &[(SupplierId, &str, i64)]) {
    let store = database.open().await;
    let ids = IdSource::random(database.clock.clone());
    let mut random = StdRng::seed_from_u64(7);
    for &(supplier, code, count) in suppliers {
        let currency = Currency::find(code).unwrap();
        let mut balance = 0;
        let places: Vec<i64> = (0..count).collect();
        for chunk in places.chunks(700) {
            let mut change = Change::new();
            for place in chunk {
                let back = balance > 0 && random.random_range(0..3) == 0;
                let minor =
                    if back { random.random_range(1..=balance) } else { random.random_range(1..9_000_000) };
                balance += if back { -minor } else { minor };
                let amount = Money::from_minor(minor, currency);
                let other = Account::new(AccountCode::ROUNDING, Owner::of("paypal"));
                let pending = Account::new(AccountCode::SUPPLIER_PENDING, Owner::of(supplier));
                let (event, postings) = if back {
                    let postings = vec![Posting::debit(pending, amount), Posting::credit(other, amount)];
                    (JournalEvent::RefundDecided, postings)
                } else {
                    (
                        JournalEvent::Split,
                        vec![Posting::debit(other, amount), Posting::credit(pending, amount)],
                    )
                };
                let (id, source, at) = (ids.mint(), format!("{supplier} {place}"), database.clock.now());
                let booked = LedgerTransaction::try_new(id, merchant, event, source, at, postings).unwrap();
                change.post(booked.about(ids.mint::<PaymentId>()));
            }
            store.commit(change).await.unwrap();
        }
    }
    store.close().await;
}

async fn bytes(app: &TestApp, key: &str, path: &str) -> (u16, String, Vec<u8>) {
    let answer = app.keyed("GET", key, path).send().await.unwrap();
    let status = answer.status().as_u16();
    let name = answer.headers().get("content-disposition").map(|name| name.to_str().unwrap().to_owned());
    (status, name.unwrap_or_default(), answer.bytes().await.unwrap().to_vec())
}

/// All forms under one path say what its JSON says.
async fn all_say_the_same(app: &TestApp, path: &str) -> Value {
    let between = if path.contains('?') { '&' } else { '?' };
    let answer = app.get("finance", &format!("{path}{between}format=json")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let json = answer.json();
    let told = Told::from_json(&json);
    for form in FORMS.into_iter().skip(1) {
        let whole = format!("{path}{between}format={form}");
        if form.starts_with("quickbooks") && told.lines.len() > 1_000 {
            let refused = app.get("finance", &whole).await;
            assert_eq!((refused.status, refused.code()), (422, "statement_too_long".to_owned()));
            let mut lines = 0;
            for part in 1..=told.lines.len().div_ceil(1_000) {
                let (status, name, file) = bytes(app, "finance", &format!("{whole}&part={part}")).await;
                assert!(status == 200 && name.contains(&format!("part-{part}.quickbooks.csv")), "{name}");
                lines += file.iter().filter(|&&byte| byte == b'\n').count() - 1;
            }
            assert_eq!(lines, told.lines.len());
            continue;
        }
        let (status, name, file) = bytes(app, "finance", &whole).await;
        assert_eq!(status, 200, "{form}: {}", String::from_utf8_lossy(&file));
        assert!(name.starts_with("attachment; filename=\"statement-"), "{form}: {name}");
        read(form, &file, &json, &told);
    }
    json
}

#[actix_web::test]
async fn every_form_says_the_same() {
    on_each_engine("every_form_says_the_same", async |database| {
        let folder = tempfile::tempdir().unwrap();
        let more = [("database.url", database.url.as_str())];
        let app = TestApp::on(folder.path(), &more).await;
        let merchant: MerchantId = app.sandbox["merchant"].as_str().unwrap().parse().unwrap();
        let mut suppliers = Vec::new();
        for (name, currency, count) in SUPPLIERS {
            let body = json!({"name": name, "country": "SG", "currency": currency, "tax_number": "91440300-708461136T"});
            let made = app.post("finance", "/v1/suppliers", &body).await;
            assert_eq!(made.status, 201, "{}", made.text);
            suppliers.push((made.json()["id"].as_str().unwrap().parse::<SupplierId>().unwrap(), currency, count));
        }
        app.stop().await;
        // The ledger's time is the machine's, as the program's is.
        let mut past = TestDatabase::existing(database.url.clone());
        past.clock = Clock::system();
        fill(&past, merchant, &suppliers).await;

        let app = TestApp::on(folder.path(), &more).await;
        for ((name, _, count), (supplier, ..)) in SUPPLIERS.iter().zip(&suppliers) {
            let path = format!("/v1/suppliers/{supplier}/statements?from=2026-01-01&to=2030-12-31");
            let json = all_say_the_same(&app, &path).await;
            assert_eq!(json["entries"].as_array().unwrap().len(), *count as usize);
            assert_eq!((&json["number"], json["holder"]["name"].as_str()), (&Value::Null, Some(*name)));
            assert!(json["ledger_head"].as_str().unwrap().len() > 64);
        }

        issued(&app, &suppliers).await;
        rights(&app, &suppliers).await;
        app.stop().await;
    })
    .await;
}

/// Two periods are closed: the first with everything in it, the second without movement.
async fn issued(app: &TestApp, suppliers: &[(SupplierId, &str, i64)]) {
    for round in 0..2 {
        let answer = app.post("finance", "/v1/sandbox/clock", &json!({"advance": "1d"})).await;
        assert!(answer.status < 300, "{}", answer.text);
        let now = app.get("finance", "/v1/sandbox/clock").await.json();
        let now: chrono::DateTime<chrono::Utc> = now["now"].as_str().unwrap().parse().unwrap();
        let until: NaiveDate = now.date_naive() - chrono::TimeDelta::days(1);
        for key in ["finance", "checker"] {
            let body = json!({"until": until.to_string()});
            let answer = app.post_once(key, "/v1/periods/close", &format!("{key}{round}"), &body).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
    }
    for ((name, ..), (supplier, currency, count)) in SUPPLIERS.iter().zip(suppliers) {
        let list = app.get("finance", &format!("/v1/statements?supplier={supplier}")).await.json();
        let list: Vec<Value> = list["data"].as_array().unwrap().clone();
        assert_eq!(list.len(), 2, "{name}: {list:#?}");
        assert_eq!(list[0]["closing"], list[1]["opening"], "{name}");
        assert_eq!((&list[0]["entries"], &list[1]["entries"]), (&json!(count), &json!(0)), "{name}");
        assert_eq!((&list[0]["lines"], &list[1]["lines"]), (&json!(count), &json!(0)), "{name}");
        assert_eq!(
            (&list[0]["currency"], list[0]["holder"]["name"].as_str()),
            (&json!(currency), Some(*name))
        );
        // Renamed meanwhile: what was issued says what it said.
        let path = format!("/v1/suppliers/{supplier}");
        let renamed = app.send(app.keyed("PATCH", "finance", &path).json(&json!({"name": "Another"}))).await;
        assert_eq!(renamed.status, 200, "{}", renamed.text);
        for statement in &list {
            let path = format!("/v1/statements/{}/file", statement["id"].as_str().unwrap());
            let json = all_say_the_same(app, &path).await;
            assert_eq!(json["holder"]["name"].as_str(), Some(*name));
            for key in ["number", "opening", "closing", "sha256", "ledger_head"] {
                assert_eq!(json[key], statement[key], "{name}: {key}");
            }
            let (_, _, csv) = bytes(app, "finance", &path).await;
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &csv);
            let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(statement["sha256"], json!(hex));
        }
    }
}

/// A supplier's key reads its own statements in every form, and nobody else's in any.
async fn rights(app: &TestApp, suppliers: &[(SupplierId, &str, i64)]) {
    let (own, other) = (suppliers[4].0, suppliers[5].0);
    let made =
        app.post("admin", "/v1/keys", &json!({"name": "own", "scopes": [format!("supplier:{own}")]})).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json();
    let key = made["key"].as_str().or(made["secret"].as_str()).or(made["text"].as_str()).unwrap().to_owned();
    let get = async |path: String| app.send(app.request("GET", &path).bearer_auth(&key)).await.status;
    let first = async |supplier: SupplierId| {
        let list = app.get("finance", &format!("/v1/statements?supplier={supplier}")).await.json();
        list["data"][0]["id"].as_str().unwrap().to_owned()
    };
    for (supplier, status) in [(own, 200), (other, 404)] {
        let issued = first(supplier).await;
        for form in FORMS {
            let live =
                format!("/v1/suppliers/{supplier}/statements?from=2026-01-01&to=2030-12-31&format={form}");
            assert_eq!(get(live).await, status, "{form}");
            assert_eq!(get(format!("/v1/statements/{issued}/file?format={form}")).await, status, "{form}");
        }
    }
    let path = format!("/v1/suppliers/{own}/statements?from=2026-01-01&to=2026-12-31&format=docx");
    assert_eq!(app.get("finance", &path).await.status, 406);
}
