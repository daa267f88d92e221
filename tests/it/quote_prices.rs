//! Quotes of prices as they were shown: endings, lines, the price book meanwhile, and what was promised by older programs.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use straits::domain::fx::{Endings, PriceRounding};
use straits::flows::pay::Quotes;
use straits::flows::price::{QuoteQuestion, TokenRefused};
use straits::ids::MerchantId;
use straits::money::Rate;
use straits::store::Change;

use crate::app::{Answer, TestApp};
use crate::engines::on_each_engine;
use crate::prices::{bundled, currency, money, pricing, promise, stand_at};

fn price(amount: &str, currency: &str) -> Value {
    json!({"amount": amount, "currency": currency})
}

async fn quoted(app: &TestApp, once: &str, body: Value) -> Answer {
    app.post_once("publishable", "/v1/quotes", once, &body).await
}

async fn paid(app: &TestApp, quote: &Value, order: &str) -> Answer {
    let body = json!({"order_ref": order, "quote": quote, "gateway": "paypal"});
    app.post_once("storefront", "/v1/payments", order, &body).await
}

async fn fixed(app: &TestApp, once: &str, amount: &str) -> Value {
    let entries = json!({"entries": [{"sku": "mug", "price": price(amount, "SGD")}]});
    let made = app.post_once("storefront", "/v1/price-book", once, &entries).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.json()["data"][0].clone()
}

#[tokio::test]
async fn a_step_charm_or_cash_price_is_promised_and_paid() {
    on_each_engine("quoted endings", async |database| {
        let app = TestApp::with(&[("database.url", database.url.as_str()), ("fx.rounding", "charm")]).await;
        let items = json!([
            {"sku": "cup", "amount": "19.90", "currency": "USD"},
            {"amount": "199.00", "currency": "USD"},
        ]);
        // The bundled rates grow old and the market closes at weekends: what the rule makes of the answer's own rate.
        let ended = |quote: &Value, rounding: PriceRounding| -> Vec<Value> {
            let text = quote["rate"]["final"].as_str().unwrap();
            let rate = Rate::parse(currency("USD"), currency("SGD"), text).unwrap();
            let end = |amount: &str| {
                let exact = rate.convert(money(amount, "USD")).unwrap();
                let ended = Endings::shipped().price(exact, rounding, None).unwrap();
                json!(ended.price)
            };
            vec![end("19.90"), end("199.00")]
        };
        for (rounding, meant, last) in [
            (json!("exact"), PriceRounding::Exact, ""),
            (json!("step"), PriceRounding::Step, "00"),
            (json!("charm"), PriceRounding::Charm, "90"),
            (json!("cash"), PriceRounding::Cash, ""),
            (Value::Null, PriceRounding::Charm, "90"),
        ] {
            for form in ["stored", "token"] {
                let once = format!("{form}-{rounding}").replace('"', "");
                let mut body = json!({"items": items, "to": "SGD", "form": form});
                if !rounding.is_null() {
                    body["rounding"] = rounding.clone();
                }
                let quote = quoted(&app, &once, body).await;
                assert_eq!(quote.status, 201, "{}", quote.text);
                let quote = quote.json();
                assert_eq!(quote["rounding"], json!(meant));
                let items = quote["items"].as_array().unwrap();
                let own: Vec<Value> = items.iter().map(|line| line["to"].clone()).collect();
                assert_eq!(own, ended(&quote, meant), "{once}");
                assert!(own[0]["amount"].as_str().unwrap().ends_with(last), "{once} {own:?}");
                assert_eq!(
                    (&quote["items"][0]["sku"], &quote["items"][0]["source"]),
                    (&json!("cup"), &json!("converted"))
                );
                let named = if form == "token" { &quote["token"] } else { &quote["id"] };
                let payment = paid(&app, named, &once).await;
                assert_eq!(payment.status, 201, "{}", payment.text);
                assert_eq!(payment.json()["amount"], quote["to"], "{once}");
                let kept = app
                    .get("publishable", &format!("/v1/quotes/{}", quote["id"].as_str().unwrap()))
                    .await
                    .json();
                for member in ["rounding", "items", "to", "rate"] {
                    assert_eq!(kept[member], quote[member], "{once} {member}");
                }
            }
        }
        let odd =
            quoted(&app, "odd", json!({"items": items, "to": "SGD", "rounding": "psychological"})).await;
        assert_eq!((odd.status, odd.code().as_str()), (400, "invalid_body"), "{}", odd.text);
        assert!(odd.text.contains("charm"), "the words there are: {}", odd.text);
        app.stop().await;
    })
    .await;
}

#[actix_web::test]
async fn a_pages_token_ends_when_the_price_book_has_another_price() {
    let app = TestApp::start().await;
    let first = fixed(&app, "k1", "25.00").await;
    let ask = async |once: &str, more: Value| {
        let mut body = json!({"items": [{"sku": "mug", "amount": "19.90", "currency": "USD"}], "to": "SGD"});
        body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        quoted(&app, once, body).await.json()
    };
    let page = ask("page", json!({"form": "token", "reusable": true})).await;
    let once = ask("once", json!({"form": "token"})).await;
    let stored = ask("stored", json!({})).await;
    let line = json!([{"sku": "mug", "from": price("19.90", "USD"), "to": price("25.00", "SGD"), "source": "price_book"}]);
    for quote in [&page, &once, &stored] {
        assert_eq!(quote["items"], line);
    }
    assert_eq!(paid(&app, &page["token"], "order-1").await.json()["amount"], price("25.00", "SGD"));
    // The same price anew changes nothing for those who were shown it.
    fixed(&app, "k2", "25.00").await;
    assert_eq!(paid(&app, &page["token"], "order-2").await.status, 201);

    fixed(&app, "k3", "27.00").await;
    let refused = paid(&app, &page["token"], "order-3").await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "quote_price_changed"), "{}", refused.text);
    let fresh = refused.json()["quote"].clone();
    assert_eq!((&fresh["to"], &fresh["state"]), (&price("27.00", "SGD"), &json!("open")));
    assert_eq!(paid(&app, &fresh["id"], "order-3").await.json()["amount"], price("27.00", "SGD"));
    // What one shopper was promised stands.
    for (order, named) in [("order-4", &once["token"]), ("order-5", &stored["id"])] {
        assert_eq!(paid(&app, named, order).await.json()["amount"], price("25.00", "SGD"), "{order}");
    }

    // A price that is fixed only after the page was made, and one that is taken back, are other prices too.
    let cup = json!({"items": [{"sku": "cup", "amount": "19.90", "currency": "USD"}], "to": "SGD", "form": "token", "reusable": true});
    let cup = quoted(&app, "cup", cup).await.json();
    let entries = json!({"entries": [{"sku": "cup", "price": price("1.00", "SGD"), "country": "SG"}]});
    assert_eq!(app.post_once("storefront", "/v1/price-book", "k4", &entries).await.status, 201);
    assert_eq!(
        paid(&app, &cup["token"], "order-6").await.status,
        201,
        "another country's price is not the page's"
    );
    let entries = json!({"entries": [{"sku": "cup", "price": price("1.00", "SGD")}]});
    assert_eq!(app.post_once("storefront", "/v1/price-book", "k5", &entries).await.status, 201);
    assert_eq!(paid(&app, &cup["token"], "order-7").await.code(), "quote_price_changed");
    assert_eq!(first["sku"], "mug");
    app.stop().await;
}

#[actix_web::test]
async fn a_quote_finds_the_shopper_where_the_shown_price_does() {
    let app = TestApp::start().await;
    let entries = json!({"entries": [
        {"sku": "mug", "price": price("690.00", "THB")},
        {"sku": "mug", "price": price("650.00", "THB"), "country": "TH"},
    ]});
    assert_eq!(app.post_once("storefront", "/v1/price-book", "k", &entries).await.status, 201);
    for (language, expected) in [("th-TH,th;q=0.9", "650.00"), ("th", "690.00")] {
        let path = "/v1/prices?amount=19.90&currency=USD&sku=mug&to=THB";
        let shown = app.send(app.keyed("GET", "publishable", path).header("Accept-Language", language)).await;
        assert_eq!(shown.json()["items"][0]["price"]["amount"], expected, "{language}");
        let body = json!({"items": [{"sku": "mug", "amount": "19.90", "currency": "USD"}], "to": "THB"});
        let asked = app.keyed("POST", "publishable", "/v1/quotes").header("Accept-Language", language);
        let quote = app.send(asked.header("Idempotency-Key", format!("l{expected}")).json(&body)).await;
        assert_eq!(quote.json()["to"]["amount"], expected, "{language}: {}", quote.text);
    }
    app.stop().await;
}

#[actix_web::test]
async fn an_amount_that_the_gateway_cannot_charge_makes_a_quote_indicative() {
    let app = TestApp::start().await;
    for (rounding, gateways, indicative) in [("exact", json!([]), true), ("cash", json!(["paypal"]), false)] {
        // PayPal takes whole dollars of Taiwan only.
        let body =
            json!({"from": price("600.50", "TWD"), "to": "TWD", "rounding": rounding, "gateway": "paypal"});
        let quote = quoted(&app, rounding, body).await.json();
        assert_eq!(
            (&quote["chargeable_at"], &quote["indicative"]),
            (&gateways, &json!(indicative)),
            "{quote}"
        );
    }
    let body = json!({"from": price("19.90", "USD"), "to": "THB", "gateway": "nobody"});
    let refused = quoted(&app, "nobody", body).await;
    assert_eq!((refused.status, refused.code().as_str()), (422, "gateway_unknown"));
    app.stop().await;
}

#[actix_web::test]
async fn a_token_that_nobody_could_send_back_is_not_made() {
    let app = TestApp::start().await;
    let cart = |units: usize, sku: usize| {
        let unit =
            |place: usize| json!({"sku": format!("{place:0sku$}"), "amount": "19.90", "currency": "USD"});
        json!({"items": (0..units).map(unit).collect::<Vec<_>>(), "to": "SGD", "form": "token"})
    };
    let long = quoted(&app, "long", cart(1_000, 100)).await;
    assert_eq!((long.status, long.code().as_str()), (422, "unprocessable"), "{}", long.text);
    assert_eq!(long.json()["param"], "items");
    let fits = quoted(&app, "fits", cart(300, 100)).await;
    assert_eq!(paid(&app, &fits.json()["token"], "order-1").await.status, 201, "{}", fits.text);
    let plain: Vec<Value> = vec![price("999999999.99", "USD"); 1_000];
    let plain = quoted(&app, "plain", json!({"items": plain, "to": "SGD", "form": "token"})).await;
    assert_eq!(plain.status, 201, "a thousand units without articles fit: {}", plain.text);
    app.stop().await;
}

/// As the program wrote them before quotes kept how their prices end: `[1990]`, no `rounding`.
#[tokio::test]
async fn what_an_older_program_promised_is_still_paid() {
    on_each_engine("older quotes", async |database| {
        stand_at(&database.clock, "2026-10-30T17:00:00Z");
        let store = database.open().await;
        let mut pricing = pricing(store.clone(), &database.clock, bundled());
        pricing.allow_stale_reference = true;
        let merchant: MerchantId = pricing.ids.mint();
        let asked = promise(merchant, &[("19.90", "USD")], "THB");
        let now = database.clock.now();

        let stored = pricing.promise(&asked, Change::new()).await.unwrap();
        let older = "UPDATE quote SET rounding = NULL, units = '[1990]'";
        sqlx::query(older).execute(&mut database.connect().await).await.unwrap();
        let read = pricing.quote(merchant, stored.id).await.unwrap().unwrap();
        assert_eq!((read.rounding, read.units[0].promised), (PriceRounding::Exact, None));
        let (amount, change) = store.take(merchant, stored.id, pricing.ids.mint(), now).await.unwrap();
        store.commit(change).await.unwrap();
        assert_eq!(amount, stored.to);

        let made = pricing.promise_by_token(pricing.ids.mint(), &asked, false).await.unwrap();
        let signed_anew = |edit: &dyn Fn(&mut Value)| {
            let letters = made.token.as_deref().unwrap().strip_prefix("qtk_").unwrap();
            let bytes = URL_SAFE_NO_PAD.decode(letters).unwrap();
            let mut claims: Value = serde_json::from_slice(&bytes[5..bytes.len() - 32]).unwrap();
            edit(&mut claims);
            let mut bytes = [&bytes[..5], &serde_json::to_vec(&claims).unwrap()].concat();
            let (_, signature) = pricing.signer.sign(&bytes).unwrap();
            bytes.extend(signature);
            format!("qtk_{}", URL_SAFE_NO_PAD.encode(bytes))
        };
        let older = signed_anew(&|claims| {
            claims.as_object_mut().unwrap().remove("rounding").unwrap();
            claims["units"] = json!([1990]);
        });
        let read = pricing.read_token(merchant, &older).unwrap();
        assert_eq!((read.to, read.rounding), (made.to, PriceRounding::Exact));
        // One whose units are not what it promises was made by no program of ours.
        let odd = signed_anew(&|claims| claims["units"] = json!([[1990, 1]]));
        assert_eq!(pricing.read_token(merchant, &odd).unwrap_err(), TokenRefused::Invalid);

        let charm = QuoteQuestion { rounding: Some(PriceRounding::Charm), ..asked };
        let made = pricing.promise_by_token(pricing.ids.mint(), &charm, true).await.unwrap();
        let read = pricing.accept_token(merchant, made.token.as_deref().unwrap()).await.unwrap();
        assert_eq!((read.rounding, read.to), (PriceRounding::Charm, money("679.00", "THB")));
        store.close().await;
    })
    .await;
}

/// What the price book fixes is shown where no rate is known; the refusal of a quote says what to do, and that works.
#[tokio::test]
async fn a_fixed_price_without_a_rate_is_quoted_in_its_own_currency() {
    let app = TestApp::start().await;
    let entries = json!({"entries": [{"sku": "mug", "price": price("6.125", "LYD")}]});
    let made = app.post_once("storefront", "/v1/price-book", "lyd", &entries).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let item = |amount: &str, currency: &str| json!({"sku": "mug", "amount": amount, "currency": currency});
    let shown = app
        .post_once(
            "publishable",
            "/v1/prices",
            "shown",
            &json!({"items": [item("19.90", "USD")], "to": "LYD"}),
        )
        .await;
    assert_eq!(
        (shown.status, &shown.json()["items"][0]["price"]),
        (200, &price("6.125", "LYD")),
        "{}",
        shown.text
    );
    for form in ["stored", "token"] {
        let ask = async |once: &str, item: Value| {
            let body = json!({"items": [item], "to": "LYD", "form": form});
            quoted(&app, &format!("{form}-{once}"), body).await
        };
        let refused = ask("dollars", item("19.90", "USD")).await;
        assert_eq!((refused.status, refused.code().as_str()), (422, "rate_unavailable"), "{}", refused.text);
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("amounts in LYD, or send LYD 6.125 as `amount`"), "{detail}");
        let quote = ask("dinars", item("6.500", "LYD")).await;
        assert_eq!(quote.status, 201, "{}", quote.text);
        assert_eq!(quote.json()["to"], price("6.125", "LYD"));
    }
    app.stop().await;
}
