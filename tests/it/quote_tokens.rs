//! Tokens: signed promises for pages in caches. Replay, edit, expiry and another merchant are refused, each by its code.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use secrecy::SecretString;
use serde_json::{Value, json};
use straits::clock::Clock;
use straits::flows::pay::{QuoteRefused, Quotes};
use straits::flows::price::TokenRefused;
use straits::ids::{MerchantId, PaymentId};
use straits::store::CommitError;
use straits::vault::{Signer, Vault};

use crate::app::{Answer, TestApp};
use crate::engines::{TestDatabase, on_each_engine};
use crate::prices::{bundled, pricing, promise};

#[tokio::test]
async fn a_token_is_refused_whatever_bit_of_it_is_turned() {
    let database = TestDatabase::sqlite();
    let clock = Clock::fixed("2026-10-30T17:00:00Z".parse().unwrap());
    let mut pricing = pricing(database.open().await, &clock, bundled());
    let (merchant, stranger): (MerchantId, MerchantId) = (pricing.ids.mint(), pricing.ids.mint());
    let asked = promise(merchant, &[("19.90", "USD"), ("5.00", "USD")], "THB");
    let answer = pricing.promise_by_token(pricing.ids.mint(), &asked, false).await.unwrap();
    let token = answer.token.clone().unwrap();
    let letters = token.strip_prefix("qtk_").unwrap();

    let read = pricing.read_token(merchant, &token).unwrap();
    assert_eq!((read.id, read.from, read.to), (answer.id, answer.from, answer.to));
    assert_eq!((read.expires_at, read.buffer.clone()), (answer.expires_at, answer.rate.buffer.clone()));
    assert_eq!((read.market.providers.as_slice(), read.market.evidence.len()), (&["ecb".into()][..], 1));
    assert_eq!(pricing.read_token(stranger, &token).unwrap_err(), TokenRefused::OtherMerchant);

    let refused = |text: &str, what: &str| {
        assert_eq!(pricing.read_token(merchant, text).unwrap_err(), TokenRefused::Invalid, "{what}");
    };
    let bytes = URL_SAFE_NO_PAD.decode(letters).unwrap();
    for place in 0..bytes.len() * 8 {
        let mut turned = bytes.clone();
        turned[place / 8] ^= 1 << (place % 8);
        refused(&format!("qtk_{}", URL_SAFE_NO_PAD.encode(&turned)), &format!("bit {place}"));
    }
    // Every letter replaced, in the text: idle bits of the last letter are no second spelling.
    for place in 0..letters.len() {
        for other in ['A', 'B', 'Q', '_', '=', '+', '.', ' ', 'é'] {
            let mut changed: Vec<char> = letters.chars().collect();
            if changed[place] != other {
                changed[place] = other;
                let changed: String = changed.into_iter().collect();
                refused(&format!("qtk_{changed}"), &format!("letter {place}: {other}"));
            }
        }
    }
    for length in 0..letters.len() {
        refused(&format!("qtk_{}", &letters[..length]), &format!("cut at {length}"));
    }
    for text in ["", "qtk_", "qtk", letters, &format!("{token}="), &format!("{token}A"), &format!(" {token}")]
    {
        refused(text, text);
    }
    refused(&format!("qtk_{}", "A".repeat(70_000)), "too long");

    // Signed by somebody else, claims and all.
    let foreign = Vault::new(&SecretString::from("08".repeat(32)), pricing.ids.clone()).unwrap();
    pricing.signer = Signer::new(foreign.signing_secrets());
    assert_eq!(pricing.read_token(merchant, &token).unwrap_err(), TokenRefused::Invalid);
}

#[tokio::test]
async fn a_token_pays_once_and_a_reusable_one_until_it_expires() {
    on_each_engine("tokens", async |database| {
        let store = database.open().await;
        let mut pricing = pricing(store.clone(), &database.clock, bundled());
        pricing.allow_stale_reference = true;
        let merchant: MerchantId = pricing.ids.mint();
        let (first, second): (PaymentId, PaymentId) = (pricing.ids.mint(), pricing.ids.mint());
        let asked = promise(merchant, &[("19.90", "USD")], "THB");
        let answer = pricing.promise_by_token(pricing.ids.mint(), &asked, false).await.unwrap();
        assert!(store.quote(merchant, answer.id).await.unwrap().is_none(), "nothing is stored");
        let promised = pricing.read_token(merchant, &answer.token.unwrap()).unwrap();
        let now = || database.clock.now();

        // Two decide at once: one of the two changes is left out.
        let (amount, one) = store.redeem(&promised, first, now()).await.unwrap();
        let (_, other) = store.redeem(&promised, second, now()).await.unwrap();
        assert_eq!(amount, answer.to);
        store.commit(one).await.unwrap();
        let lost = store.commit(other).await.unwrap_err();
        assert!(matches!(lost, CommitError::LostUpdate { table: "quote", .. }), "{lost}");
        let replayed = store.redeem(&promised, second, now()).await;
        assert!(matches!(replayed, Err(QuoteRefused::Used { by }) if by == first), "{replayed:?}");
        let kept = store.quote(merchant, answer.id).await.unwrap().unwrap().value;
        assert_eq!((kept.token, kept.used.map(|used| used.payment)), (Some(answer.id), Some(first)));
        assert_eq!(
            (kept.market.clone(), kept.buffer.clone()),
            (promised.market.clone(), promised.buffer.clone())
        );

        // Its payment ends without money: the token pays again, once.
        store.commit(store.give_back(answer.id, first, now()).await.unwrap()).await.unwrap();
        let (_, again) = store.redeem(&promised, second, now()).await.unwrap();
        store.commit(again).await.unwrap();
        let replayed = store.redeem(&promised, first, now()).await;
        assert!(matches!(replayed, Err(QuoteRefused::Used { by }) if by == second), "{replayed:?}");

        // A reusable one: a quote for each payment, all naming the token.
        let page = pricing.promise_by_token(pricing.ids.mint(), &asked, true).await.unwrap();
        let token = page.token.unwrap();
        for _ in 0..3 {
            let quote = pricing.read_token(merchant, &token).unwrap();
            assert_ne!(quote.id, page.id);
            let (amount, change) = store.redeem(&quote, pricing.ids.mint(), now()).await.unwrap();
            store.commit(change).await.unwrap();
            let kept = store.quote(merchant, quote.id).await.unwrap().unwrap().value;
            assert_eq!((amount, kept.token), (page.to, Some(page.id)));
        }
        database.tick(TimeDelta::minutes(30));
        let last = pricing.read_token(merchant, &token).unwrap();
        assert!(store.redeem(&last, pricing.ids.mint(), now()).await.is_ok(), "the last moment counts");
        database.tick(TimeDelta::microseconds(1));
        let late = pricing.read_token(merchant, &token).unwrap();
        let refused = store.redeem(&late, pricing.ids.mint(), now()).await;
        assert!(matches!(refused, Err(QuoteRefused::Expired { at }) if at == page.expires_at));
        store.close().await;
    })
    .await;
}

fn pay(quote: &Value, order_ref: &str) -> Value {
    json!({ "order_ref": order_ref, "quote": quote, "gateway": "paypal" })
}

async fn ask(app: &TestApp, more: Value) -> Answer {
    let mut body = json!({"from": {"amount": "19.90", "currency": "USD"}, "to": "SGD"});
    body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    app.post_once("publishable", "/v1/quotes", &more.to_string().replace(' ', ""), &body).await
}

#[actix_web::test]
async fn over_the_api_each_refusal_has_its_own_code() {
    let app = TestApp::start().await;
    let answer = ask(&app, json!({"form": "token"})).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let quote = answer.json();
    let (token, id) = (quote["token"].clone(), quote["id"].as_str().unwrap().to_owned());
    assert_eq!((&quote["reusable"], &quote["state"]), (&json!(false), &json!("open")));
    let buffer = &quote["rate"]["buffer"];
    for part in ["volatility_bps", "floor_bps", "weekend_bps", "sigma", "k", "lag_s", "history_days"] {
        assert!(!buffer[part].is_null(), "{part}: {buffer}");
    }
    assert_eq!(app.get("publishable", &format!("/v1/quotes/{id}")).await.status, 404, "not stored yet");

    let theirs = app.post_once("other.storefront", "/v1/payments", "t0", &pay(&token, "order-1")).await;
    assert_eq!((theirs.status, theirs.code().as_str()), (403, "quote_of_other_merchant"));
    let mut edited = token.as_str().unwrap().to_owned();
    let letter = edited.pop().unwrap();
    edited.push(if letter == 'A' { 'B' } else { 'A' });
    let forged = app.post_once("storefront", "/v1/payments", "t1", &pay(&json!(edited), "order-1")).await;
    assert_eq!((forged.status, forged.code().as_str()), (400, "quote_token_invalid"));

    let paid = app.post_once("storefront", "/v1/payments", "t2", &pay(&token, "order-1")).await;
    assert_eq!(paid.status, 201, "{}", paid.text);
    assert_eq!((&paid.json()["amount"], &paid.json()["quote"]), (&quote["to"], &quote["id"]));
    let again = app.post_once("storefront", "/v1/payments", "t2", &pay(&token, "order-1")).await;
    assert_eq!((again.status, again.text.as_str()), (201, paid.text.as_str()), "the same request");
    let replay = app.post_once("storefront", "/v1/payments", "t3", &pay(&token, "order-2")).await;
    assert_eq!((replay.status, replay.code().as_str()), (409, "quote_used"), "{}", replay.text);
    let stored = app.get("publishable", &format!("/v1/quotes/{id}")).await.json();
    assert_eq!((&stored["state"], &stored["rate"]), (&json!("used"), &quote["rate"]));

    let page = ask(&app, json!({"form": "token", "reusable": true, "lock": "5m"})).await.json();
    for order in ["order-3", "order-4"] {
        let paid = app.post_once("storefront", "/v1/payments", order, &pay(&page["token"], order)).await;
        assert_eq!((paid.status, &paid.json()["amount"]), (201, &page["to"]), "{}", paid.text);
    }
    let moved = app.post("admin", "/v1/sandbox/clock", &json!({"advance": "6m"})).await;
    assert_eq!(moved.status, 200, "{}", moved.text);
    let late = app.post_once("storefront", "/v1/payments", "t5", &pay(&page["token"], "order-5")).await;
    assert_eq!((late.status, late.code().as_str()), (409, "quote_expired"), "{}", late.text);
    assert_eq!(late.json()["quote"]["state"], "open", "with a fresh quote");

    let mixed = ask(&app, json!({"reusable": true})).await;
    assert_eq!((mixed.status, mixed.code().as_str()), (400, "invalid_body"), "{}", mixed.text);
    app.stop().await;
}

#[tokio::test]
async fn of_sixty_four_payments_at_once_one_has_the_quote() {
    on_each_engine("64 payments of one quote", async |database| {
        let app = TestApp::with(&[("database.url", database.url.as_str())]).await;
        for more in [json!({}), json!({"form": "token"})] {
            let quote = ask(&app, more.clone()).await;
            assert_eq!(quote.status, 201, "{}", quote.text);
            let quote = quote.json();
            let named = if quote["token"].is_null() { &quote["id"] } else { &quote["token"] };
            let form = if quote["token"].is_null() { "stored" } else { "token" };
            let bodies: Vec<(String, Value)> = (0..64)
                .map(|number| format!("{form}-{number}"))
                .map(|order| (order.clone(), pay(named, &order)))
                .collect();
            let asked =
                bodies.iter().map(|(order, body)| app.post_once("storefront", "/v1/payments", order, body));
            let answers = futures_util::future::join_all(asked).await;
            let won: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 201).collect();
            assert_eq!(won.len(), 1, "{form}");
            assert_eq!(won[0].json()["quote"], quote["id"]);
            for lost in answers.iter().filter(|answer| answer.status != 201) {
                assert_eq!((lost.status, lost.code().as_str()), (409, "quote_used"), "{}", lost.text);
            }
        }
        app.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_token_outlives_the_rotation_of_the_master_key() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::on(folder.path(), &[]).await;
    let token = ask(&app, json!({"form": "token", "lock": "24h"})).await.json()["token"].clone();
    app.stop().await;
    let key = || std::fs::read_to_string(folder.path().join("master.key")).unwrap();
    let before = key();
    for _ in 0..2 {
        let rotated = crate::program::run(
            folder.path(),
            &[("STRAITS_DATA_DIR", folder.path().to_str().unwrap())],
            &["keys", "rotate"],
        );
        assert!(rotated.status.success(), "{}", String::from_utf8_lossy(&rotated.stderr));
    }
    assert!(!key().contains(before.trim()), "the old key is gone");
    let app = TestApp::on(folder.path(), &[]).await;
    let paid = app.post_once("storefront", "/v1/payments", "r1", &pay(&token, "order-1")).await;
    assert_eq!(paid.status, 201, "{}", paid.text);
    app.stop().await;
}
