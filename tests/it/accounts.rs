//! Accounts at banks and rails: whose they are, what of them is shown, what is no account.

use serde_json::{Value, json};
use straits::domain::merchants::{BankAccount, BankAccountKind, Funding, RailAccount};
use straits::ids::IdSource;
use straits::store::bank_accounts::StoredBankAccount;
use straits::store::{Change, CommitError, Seek};

use crate::app::TestApp;
use crate::engines::on_each_engine;

fn dbs() -> Value {
    json!({"name": "dbs", "kind": "client", "currency": "SGD", "country": "SG", "number": "003-901234-5",
           "bic": "dbsssgsg", "statement_id": "0039012345SGD"})
}

#[actix_web::test]
async fn a_sandbox_begins_with_client_and_own_accounts_and_a_rail() {
    let app = TestApp::start().await;
    let banks = app.get("finance", "/v1/bank-accounts?limit=100").await.json();
    let rows = banks["data"].as_array().unwrap();
    for currency in ["SGD", "MYR", "PHP", "THB", "IDR", "USD", "CNY", "VND", "EUR"] {
        for (kind, code) in [("client", 1010), ("own", 1000)] {
            let found: Vec<_> =
                rows.iter().filter(|row| row["currency"] == currency && row["kind"] == kind).collect();
            assert_eq!(found.len(), 1, "{kind} {currency}");
            let name = found[0]["name"].as_str().unwrap();
            assert_eq!(found[0]["ledger_account"], format!("{code}[{name}]"));
            let swept = kind == "client" && !["USD", "CNY", "VND", "EUR"].contains(&currency);
            assert_eq!(found[0]["sweeps"], if swept { json!(["grabpay-sg"]) } else { json!([]) });
        }
    }
    let rails = app.get("finance", "/v1/rail-accounts").await.json();
    assert_eq!(rails["data"][0]["funding"], json!({"gateway_account": "paypal"}));
    app.stop().await;
}

#[actix_web::test]
async fn an_account_is_its_merchants_alone_and_its_number_is_never_shown() {
    let app = TestApp::start().await;
    let made = app.post("finance", "/v1/bank-accounts", &dbs()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let account = made.json();
    assert_eq!((&account["hint"], &account["bic"]), (&json!("34-5"), &json!("DBSSSGSG")));
    let id = account["id"].as_str().unwrap();
    let path = format!("/v1/bank-accounts/{id}");
    let shown = app.get("admin", &path).await;
    let listed = app.get("finance", "/v1/bank-accounts?limit=100").await;
    for answer in [&made, &shown, &listed] {
        assert!(!answer.text.contains("003901") && !answer.text.contains("003-901"), "{}", answer.text);
    }
    let audit = app.get("admin", "/v1/audit").await;
    assert!(audit.text.contains("bank_account.added") && !audit.text.contains("003-901"));
    assert_eq!(app.get("other.finance", &path).await.status, 404);
    assert_eq!(app.get("storefront", &path).await.status, 403);
    let theirs = app.get("other.finance", "/v1/bank-accounts?limit=100").await;
    assert!(!theirs.text.contains(id));
    // The other merchant may use the name; this one may use it once for each kind and currency.
    assert_eq!(app.post("other.finance", "/v1/bank-accounts", &dbs()).await.status, 201);
    let again = app.post("finance", "/v1/bank-accounts", &dbs()).await;
    assert_eq!((again.status, again.code()), (409, "name_taken".to_owned()));
    for (field, value) in [("kind", "own"), ("currency", "MYR")] {
        let mut other = dbs();
        other[field] = json!(value);
        assert_eq!(app.post("finance", "/v1/bank-accounts", &other).await.status, 201, "{field}");
    }
    let rail =
        json!({"name": "dbs-file", "rail": "pain001", "currency": "SGD", "funding": {"bank_account": id}});
    let made = app.post("admin", "/v1/rail-accounts", &rail).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let made = format!("/v1/rail-accounts/{}", made.json()["id"].as_str().unwrap());
    assert_eq!(app.get("finance", &made).await.status, 200);
    assert_eq!(app.get("other.finance", &made).await.status, 404);
    assert_eq!(app.post("other.finance", "/v1/rail-accounts", &rail).await.status, 404);
    app.stop().await;
}

#[actix_web::test]
async fn a_country_is_one_of_the_table_wherever_it_is_given() {
    let app = TestApp::start().await;
    let supplier = app.supplier("TH");
    let (one, accounts) = (format!("/v1/suppliers/{supplier}"), format!("/v1/suppliers/{supplier}/accounts"));
    let number = json!({"kind": "bank", "currency": "THB", "holder": "Ceramics", "number": "1234567890"});
    for (method, path, body) in [
        ("POST", "/v1/suppliers", json!({"name": "Ceramics", "currency": "THB"})),
        ("PATCH", &one, json!({})),
        ("POST", &accounts, number),
    ] {
        for (country, taken) in [("ZZ", false), ("EU", false), ("XX", false), ("th", false), ("TH", true)] {
            let mut body = body.clone();
            body["country"] = json!(country);
            let answer = app.send(app.keyed(method, "finance", path).json(&body)).await;
            assert_eq!(answer.status < 300, taken, "{method} {path} {country}: {}", answer.text);
            if !taken {
                let told = answer.json();
                assert_eq!((&told["code"], &told["param"]), (&json!("invalid_body"), &json!("country")));
                assert!(told["detail"].as_str().unwrap().contains(country), "{told}");
            }
        }
    }
    app.stop().await;
}

#[actix_web::test]
async fn what_is_no_account_is_refused_where_it_is_wrong() {
    let app = TestApp::start().await;
    let mut count = 0;
    for (field, value, code, param) in [
        ("name", json!("DBS, Singapore"), "invalid_body", "name"),
        ("name", json!("grabpay-sg"), "name_taken", "name"),
        ("kind", json!("escrow"), "invalid_body", "kind"),
        ("bic", json!("DBS"), "invalid_body", "bic"),
        ("bic", Value::Null, "missing_field", "bic"),
        ("number", json!("1"), "invalid_body", "number"),
        ("number", Value::Null, "missing_field", "iban"),
        ("iban", json!("DE89370400440532013000"), "invalid_body", "number"),
        ("country", json!("Singapore"), "invalid_body", "country"),
        ("country", json!("ZZ"), "invalid_body", "country"),
        ("sweeps", json!(["grabpay-my"]), "unprocessable", "sweeps"),
        ("sweeps", json!(["grabpay-sg"]), "unprocessable", "sweeps"),
        ("sweeps", json!(["paypal", "paypal"]), "invalid_body", "sweeps[1]"),
    ] {
        let mut body = dbs();
        body[field] = value.clone();
        let answer = app.post("finance", "/v1/bank-accounts", &body).await;
        let seen = (answer.code(), answer.json()["param"].clone());
        assert_eq!(seen, (code.to_owned(), json!(param)), "{field} {value}: {}", answer.text);
        count += 1;
    }
    assert_eq!(count, 13);
    let iban = |iban: &str, country: &str| json!({"name": "db", "kind": "own", "currency": "EUR", "country": country, "iban": iban});
    for (text, country) in [("DE89370400440532013001", "DE"), ("DE89370400440532013000", "FR"), ("DE", "DE")]
    {
        let answer = app.post("finance", "/v1/bank-accounts", &iban(text, country)).await;
        assert_eq!(
            (answer.code(), answer.json()["param"].clone()),
            ("invalid_body".to_owned(), json!("iban"))
        );
        assert!(!answer.text.contains("370400440"), "{}", answer.text);
    }
    let good = app.post("finance", "/v1/bank-accounts", &iban("DE89 3704 0044 0532 0130 00", "DE")).await;
    assert_eq!(good.json()["hint"], "3000", "{}", good.text);
    let own = good.json()["id"].clone();
    for (field, value, code) in [
        ("rail", json!("pigeon"), "invalid_body"),
        ("funding", json!({"gateway_account": "stripe"}), "unprocessable"),
        ("funding", json!({"bank_account": own}), "unprocessable"),
        ("funding", json!({"bank_account": "bac_01kb0000000000000000000000"}), "not_found"),
        ("funding", json!({"purse": "mine"}), "invalid_body"),
        ("name", json!("paypal-payouts"), "name_taken"),
    ] {
        let mut body = json!({"name": "eur", "rail": "paypal_payouts", "currency": "USD", "funding": {"gateway_account": "paypal"}});
        body[field] = value.clone();
        let answer = app.post("finance", "/v1/rail-accounts", &body).await;
        assert_eq!(answer.code(), code, "{field} {value}: {}", answer.text);
    }
    app.stop().await;
}

#[tokio::test]
async fn rows_read_back_as_they_were_written_and_names_are_unique() {
    on_each_engine("accounts", async |database| {
        let store = database.open().await;
        let ids = IdSource::random(database.clock.clone());
        let (merchant, stranger) = (ids.mint(), ids.mint());
        let bank = |kind, name: &str| StoredBankAccount {
            account: BankAccount {
                id: ids.mint(),
                merchant,
                name: name.to_owned(),
                kind,
                currency: "SGD".parse().unwrap(),
                country: "SG".to_owned(),
                bic: None,
                hint: "2345".to_owned(),
                sweeps: vec!["grabpay-sg".to_owned()],
                address: None,
                created_at: database.clock.now(),
            },
            sealed: vec![1, 2, 3],
        };
        let (client, own) = (bank(BankAccountKind::Client, "dbs"), bank(BankAccountKind::Own, "dbs"));
        let rail = RailAccount {
            id: ids.mint(),
            merchant,
            name: "file".to_owned(),
            rail: "csv".to_owned(),
            currency: "SGD".parse().unwrap(),
            funding: Funding::BankAccount(client.account.id),
            created_at: database.clock.now(),
        };
        let mut change = Change::new();
        change.insert_bank_account(&client).insert_bank_account(&own).insert_rail_account(&rail);
        store.commit(change).await.unwrap();
        let mut twice = Change::new();
        twice.insert_bank_account(&bank(BankAccountKind::Client, "dbs"));
        assert!(matches!(store.commit(twice).await, Err(CommitError::LostUpdate { .. })));
        assert_eq!(store.all_bank_accounts(merchant).await.unwrap(), [client.clone(), own.clone()]);
        assert_eq!(store.all_bank_accounts(stranger).await.unwrap(), []);
        assert_eq!(store.bank_account(stranger, own.account.id).await.unwrap(), None);
        let after = Seek::After(client.account.id);
        assert_eq!(store.bank_accounts(merchant, after, 5).await.unwrap(), std::slice::from_ref(&own));
        let before = Seek::Before(own.account.id);
        assert_eq!(store.bank_accounts(merchant, before, 5).await.unwrap(), [client]);
        assert_eq!(store.rail_account(merchant, rail.id).await.unwrap().as_ref(), Some(&rail));
        assert_eq!(store.rail_account(stranger, rail.id).await.unwrap(), None);
        assert_eq!(store.rail_accounts(merchant, Seek::Start, 5).await.unwrap(), [rail]);
        store.close().await;
    })
    .await;
}
