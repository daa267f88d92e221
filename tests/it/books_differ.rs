//! Books that contradict themselves are told to nobody: the answer is refused, an export under way breaks off, and one
//! finding for each supplier and currency says so, on both engines.

use serde_json::{Value, json};
use sqlx::{AnyConnection, AssertSqlSafe};
use straits::clock::Clock;
use straits::domain::ledger::{Account, AccountCode, JournalEvent, LedgerTransaction, Owner, Posting};
use straits::ids::{IdSource, MerchantId, SupplierId};
use straits::money::{Currency, Money};
use straits::store::Change;

use crate::app::TestApp;
use crate::engines::{TestDatabase, on_each_engine};

/// More entries than one page of an export has.
const MANY: i64 = 5_100;

/// What a test does behind the program's back, by the country of the supplier whose account it is.
const TAMPERINGS: [(&str, &str); 3] = [
    ("TH", "UPDATE ledger_entry SET amount = amount - 1 WHERE seq = 2 AND account_id = "),
    ("SG", "UPDATE ledger_entry SET balance_after = balance_after - 1 WHERE seq = 3 AND account_id = "),
    // The sum is as it was; the last line is booked in another year.
    (
        "US",
        "UPDATE ledger_transaction SET recorded_at = 1 WHERE number = (SELECT MAX(transaction_number)
            FROM ledger_entry WHERE account_id = ",
    ),
];

/// Earnings of three suppliers in their own currencies, the last one's many.
async fn fill(database: &TestDatabase, merchant: MerchantId, suppliers: [(SupplierId, &str, i64); 3]) {
    let store = database.open().await;
    let ids = IdSource::random(database.clock.clone());
    for (supplier, code, count) in suppliers {
        let amount = Money::from_minor(100, Currency::find(code).unwrap());
        let places: Vec<i64> = (0..count).collect();
        for chunk in places.chunks(1_000) {
            let mut change = Change::new();
            for place in chunk {
                let postings = vec![
                    Posting::debit(Account::new(AccountCode::GATEWAY_BALANCE, Owner::of("paypal")), amount),
                    Posting::credit(Account::new(AccountCode::SUPPLIER_PENDING, Owner::of(supplier)), amount),
                ];
                let source = format!("{supplier} {place}");
                let (id, at) = (ids.mint(), database.clock.now());
                change.post(
                    LedgerTransaction::try_new(id, merchant, JournalEvent::Split, source, at, postings)
                        .unwrap(),
                );
            }
            store.commit(change).await.unwrap();
        }
    }
    store.close().await;
}

async fn run(connection: &mut AnyConnection, sql: &str) {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await.unwrap();
    assert!(done.rows_affected() > 0, "{sql} changed nothing");
}

async fn tamper(database: &TestDatabase, suppliers: [(SupplierId, &str, i64); 3]) {
    let mut connection = database.connect().await;
    for ((supplier, ..), (country, sql)) in suppliers.into_iter().zip(TAMPERINGS) {
        let account = format!("(SELECT id FROM ledger_account WHERE owner = '{supplier}')");
        let end = if country == "US" { ")" } else { "" };
        run(&mut connection, &format!("{sql}{account}{end}")).await;
    }
    sqlx::Connection::close(connection).await.unwrap();
}

async fn findings(app: &TestApp) -> Vec<Value> {
    let found = app.get("finance", "/v1/findings?limit=100").await.json();
    let found = found["data"].as_array().unwrap().iter();
    // Money that was never at the gateway is found too, by the comparison of balances.
    found.filter(|finding| finding["kind"] == "books_differ").cloned().collect()
}

/// An export as far as it comes, and whether it came to its end.
async fn export(app: &TestApp, path: &str) -> (u16, String, bool) {
    let mut answer = app.keyed("GET", "finance", path).send().await.unwrap();
    let (status, mut text) = (answer.status().as_u16(), String::new());
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => text.push_str(std::str::from_utf8(&chunk).unwrap()),
            Ok(None) => return (status, text, true),
            Err(_) => return (status, text, false),
        }
    }
}

#[actix_web::test]
async fn what_does_not_foot_is_refused_and_found_once() {
    on_each_engine("what_does_not_foot_is_refused_and_found_once", async |database| {
        let folder = tempfile::tempdir().unwrap();
        let more = [("database.url", database.url.as_str())];
        let app = TestApp::on(folder.path(), &more).await;
        let merchant: MerchantId = app.sandbox["merchant"].as_str().unwrap().parse().unwrap();
        let of = |country: &str| app.supplier(country).parse::<SupplierId>().unwrap();
        let suppliers = [(of("TH"), "THB", 3), (of("SG"), "SGD", 3), (of("US"), "USD", MANY)];
        app.stop().await;
        // The ledger's time is the machine's, as the program's is.
        let mut past = TestDatabase::existing(database.url.clone());
        past.clock = Clock::system();
        fill(&past, merchant, suppliers).await;

        let app = TestApp::on(folder.path(), &more).await;
        let path = |supplier: SupplierId, form: &str| {
            format!("/v1/suppliers/{supplier}/statements?from=2026-01-01&to=2030-12-31&format={form}")
        };
        for (supplier, _, count) in suppliers {
            let (status, text, whole) = export(&app, &path(supplier, "csv")).await;
            assert!(status == 200 && whole && text.contains(&format!("\n#END,{count},")), "{status} {whole}");
        }
        assert!(findings(&app).await.is_empty());
        tamper(database, suppliers).await;
        for round in 0..2 {
            for (supplier, currency, count) in suppliers {
                let told = app.get("finance", &path(supplier, "json")).await;
                assert_eq!((told.status, told.code().as_str()), (500, "books_differ"), "{currency}");
                let (status, text, whole) = export(&app, &path(supplier, "csv")).await;
                assert!(!text.contains("#END"), "{currency}");
                if count == MANY {
                    // The first page went out before the difference showed.
                    assert_eq!((status, whole), (200, false), "{} bytes", text.len());
                    assert!(text.lines().count() > 4_900, "{}", text.lines().count());
                } else {
                    assert_eq!((status, whole), (500, true));
                }
                let found = findings(&app).await;
                let own = format!("{supplier} {currency}");
                let own: Vec<_> = found.iter().filter(|finding| finding["fact"] == own.as_str()).collect();
                assert_eq!(own.len(), 1, "round {round}: {found:?}");
                assert_eq!((&own[0]["kind"], &own[0]["state"]), (&json!("books_differ"), &json!("open")));
                assert!(own[0]["gateway_account"].is_null() && own[0]["detail"].as_str().unwrap().len() > 20);
            }
        }
        let found = findings(&app).await;
        assert_eq!(found.len(), 3);
        // Explained away while nothing was mended: it opens again, and is no second one.
        let body = json!({"action": "dismiss", "reason": "a person looked"});
        let resolve = format!("/v1/findings/{}/resolve", found[0]["id"].as_str().unwrap());
        let dismissed = app.post_once("finance", &resolve, "dismiss", &body).await;
        assert_eq!(dismissed.status, 200, "{}", dismissed.text);
        assert_eq!(app.get("finance", &path(suppliers[0].0, "json")).await.status, 500);
        let again = findings(&app).await;
        assert!(again.len() == 3 && again.iter().all(|finding| finding["state"] == "open"), "{again:?}");
        app.stop().await;
    })
    .await;
}
