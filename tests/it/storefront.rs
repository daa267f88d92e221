//! What a storefront asks, over HTTP: fixed prices, who can charge, what caches may keep, embeds, the documented fetch.

use std::process::Command;

use serde_json::{Value, json};
use straits::domain::fx::Thresholds;
use straits::money::Currency;

use crate::app::{Answer, TestApp};

async fn fix(app: &TestApp, key: &str, once: &str, entries: Value) -> Answer {
    app.post_once(key, "/v1/price-book", once, &json!({ "entries": entries })).await
}

fn price(amount: &str, currency: &str) -> Value {
    json!({"amount": amount, "currency": currency})
}

async fn shown(app: &TestApp, query: &str) -> Value {
    let answer = app.get("storefront", &format!("/v1/prices?amount=19.90&currency=USD&{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

#[actix_web::test]
async fn a_fixed_price_wins_over_conversion_and_a_countrys_own_over_that() {
    let app = TestApp::start().await;
    let entries = json!([
        {"sku": "mug", "price": price("690.00", "THB")},
        {"sku": "mug", "price": price("650.00", "THB"), "country": "TH"},
        {"sku": "mug", "price": price("25.00", "USD"), "country": "SG"},
        {"sku": "cup", "price": price("99.00", "THB"), "valid_from": "2999-01-01T00:00:00Z"},
    ]);
    let made = fix(&app, "storefront", "spring", entries.clone()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let again = fix(&app, "storefront", "spring", entries).await;
    assert_eq!((again.header("idempotent-replayed"), &again.text), ("true", &made.text));

    for (query, expected, source) in [
        ("sku=mug&to=THB&country=JP", "690.00", "price_book"),
        ("sku=mug&country=TH", "650.00", "price_book"),
        ("sku=mug&to=USD&country=SG", "25.00", "price_book"),
        ("sku=mug&to=USD&country=TH", "19.90", "as_given"),
        ("sku=mug&to=SGD&country=TH", "25.44", "converted"),
        ("sku=cup&country=TH", "671.22", "converted"),
        ("country=TH", "671.22", "converted"),
    ] {
        let answer = shown(&app, query).await;
        let item = &answer["items"][0];
        assert_eq!(
            (&item["price"]["amount"], &item["source"]),
            (&json!(expected), &json!(source)),
            "{query}"
        );
        assert_eq!((answer["rule"].is_string(), item.get("rule")), (source == "converted", None), "{query}");
    }
    // Another merchant has a book of its own.
    let path = "/v1/prices?amount=19.90&currency=USD&sku=mug&country=TH";
    assert_eq!(app.get("other.storefront", path).await.json()["items"][0]["source"], "converted");

    // Many at once, fixed and converted, and a currency that no source has a rate for.
    let made = fix(&app, "finance", "kes", json!([{"sku": "mug", "price": price("5500.00", "KES")}])).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let items = json!([{"sku": "mug", "amount": "19.90", "currency": "USD"}, {"sku": "cup", "amount": "19.90", "currency": "USD"}]);
    let many = app.post("storefront", "/v1/prices", &json!({"items": items, "country": "TH"})).await.json();
    assert_eq!(many["items"][0]["price"], price("650.00", "THB"));
    assert_eq!(many["items"][1]["price"], price("671.22", "THB"));
    let kenya = shown(&app, "sku=mug&country=KE").await;
    assert_eq!((&kenya["items"][0]["price"], kenya.get("rate")), (&price("5500.00", "KES"), None));
    assert_eq!(kenya.get("fallback_reason"), None);
    let fallen = app.post("storefront", "/v1/prices", &json!({"items": items, "country": "KE"})).await.json();
    assert_eq!((&fallen["currency"], &fallen["fallback_reason"]), (&json!("USD"), &json!("no_rate")));
    app.stop().await;
}

#[actix_web::test]
async fn a_quote_promises_what_was_shown() {
    let app = TestApp::start().await;
    let entries = json!([
        {"sku": "mug", "price": price("690.00", "THB")},
        {"sku": "mug", "price": price("650.00", "THB"), "country": "TH"},
    ]);
    assert_eq!(fix(&app, "storefront", "k", entries).await.status, 201);
    let items =
        json!([{"sku": "mug", "amount": "19.90", "currency": "USD"}, {"amount": "0.00", "currency": "USD"}]);
    for (country, expected) in [(json!("TH"), "650.00"), (json!("SG"), "690.00"), (Value::Null, "690.00")] {
        let body = json!({"items": items, "to": "THB", "country": country});
        let quote = app
            .post_once("storefront", "/v1/quotes", &format!("quote-{country}").replace('"', ""), &body)
            .await;
        assert_eq!(quote.status, 201, "{}", quote.text);
        let quote = quote.json();
        assert_eq!(
            (&quote["from"], &quote["to"]),
            (&price("19.90", "USD"), &price(expected, "THB")),
            "{country}"
        );
        let read =
            app.get("storefront", &format!("/v1/quotes/{}", quote["id"].as_str().unwrap())).await.json();
        assert_eq!((&read["to"], &read["rate"]), (&quote["to"], &quote["rate"]));
    }
    // A browser's own address says the country; a server's does not.
    let body = json!({"items": items, "to": "THB"});
    let from_bangkok = app.keyed("POST", "publishable", "/v1/quotes");
    let from_bangkok =
        from_bangkok.header("X-Forwarded-For", "1.46.0.1").header("Idempotency-Key", "bangkok").json(&body);
    assert_eq!(app.send(from_bangkok).await.json()["to"], price("650.00", "THB"));
    let bad = json!({"items": [{"sku": " ", "amount": "1.00", "currency": "USD"}], "to": "THB"});
    let refused = app.post_once("storefront", "/v1/quotes", "bad", &bad).await;
    assert_eq!((refused.status, &refused.json()["param"]), (400, &json!("items[0].sku")));
    app.stop().await;
}

#[actix_web::test]
async fn the_book_is_listed_withdrawn_and_guarded() {
    let app = TestApp::start().await;
    let entry = |place: i32| json!({"sku": format!("a{place}"), "price": price("1.00", "SGD")});
    let entries: Vec<Value> = (1..=5).map(entry).collect();
    assert_eq!(fix(&app, "storefront", "five", json!(entries)).await.status, 201);
    let made = fix(&app, "storefront", "one", json!([{"sku": "a1", "price": price("30.00", "THB")}])).await;
    let id = made.json()["data"][0]["id"].as_str().unwrap().to_owned();

    let page = app.get("finance", "/v1/price-book?limit=2").await.json();
    assert_eq!((page["data"].as_array().unwrap().len(), &page["has_more"]), (2, &json!(true)));
    let second = page["data"][1]["id"].as_str().unwrap();
    let next = app.get("finance", &format!("/v1/price-book?limit=100&starting_after={second}")).await.json();
    assert_eq!((next["data"].as_array().unwrap().len(), &next["has_more"]), (4, &json!(false)));
    let back = app.get("finance", &format!("/v1/price-book?ending_before={second}")).await.json();
    assert_eq!(back["data"][0]["sku"], "a1");
    for (query, count) in [("sku=a1", 2), ("currency=THB", 1), ("sku=a1&currency=SGD", 1), ("sku=zz", 0)] {
        let found = app.get("finance", &format!("/v1/price-book?{query}")).await.json();
        assert_eq!(found["data"].as_array().unwrap().len(), count, "{query}");
    }

    let path = format!("/v1/price-book/{id}");
    assert_eq!(app.send(app.keyed("DELETE", "other.storefront", &path)).await.status, 404);
    let query = "/v1/prices?amount=1.00&currency=SGD&to=THB&sku=a1";
    assert_eq!(app.get("storefront", query).await.json()["items"][0]["source"], "price_book");
    let gone = app.send(app.keyed("DELETE", "storefront", &path)).await;
    assert!(gone.status == 200 && gone.json()["withdrawn_at"].is_string(), "{}", gone.text);
    let twice = app.send(app.keyed("DELETE", "storefront", &path)).await.json();
    assert_eq!(twice["withdrawn_at"], gone.json()["withdrawn_at"]);
    assert_eq!(app.get("storefront", query).await.json()["items"][0]["source"], "converted");
    let audit = app.get("admin", "/v1/audit").await.json();
    let rows = audit["data"].as_array().unwrap();
    let actions: Vec<&str> = rows.iter().filter_map(|row| row["action"].as_str()).collect();
    assert_eq!(actions, ["price_book.fixed", "price_book.fixed", "price_book.withdrawn"]);

    let (one, nothing) = (price("1.00", "SGD"), price("0.00", "SGD"));
    let moment = "2026-11-23T00:00:00Z";
    for (entries, param) in [
        (json!([{"sku": "a", "price": nothing}]), "entries[0].price.amount"),
        (json!([{"sku": "", "price": one}]), "entries[0].sku"),
        (json!([{"sku": "a", "price": one, "country": "XX"}]), "entries[0].country"),
        (json!([{"sku": "a", "price": one, "valid_from": "soon"}]), "entries[0].valid_from"),
        (
            json!([{"sku": "a", "price": one, "valid_from": moment, "valid_until": moment}]),
            "entries[0].valid_until",
        ),
        (json!([]), "items"),
    ] {
        let refused = fix(&app, "storefront", param, entries).await;
        assert_eq!((refused.status, &refused.json()["param"]), (400, &json!(param)), "{}", refused.text);
    }
    let thousands: Vec<Value> = (0..1001).map(|_| json!({"sku": "a", "price": one})).collect();
    assert_eq!(fix(&app, "storefront", "many", json!(thousands)).await.code(), "too_many_items");
    let thousand = fix(&app, "storefront", "thousand", json!(thousands[..1000])).await;
    assert_eq!(thousand.status, 201, "{}", thousand.text);
    let without = app.post("storefront", "/v1/price-book", &json!({"entries": []})).await;
    assert_eq!(without.code(), "idempotency_key_required");
    app.stop().await;
}

#[actix_web::test]
async fn a_price_says_who_can_charge_it_and_what_is_charged_instead() {
    let app = TestApp::start().await;
    let thai = shown(&app, "country=TH").await;
    assert_eq!(thai["chargeable_at"], json!(["grabpay", "paypal"]));
    let item = &thai["items"][0];
    assert_eq!((item.get("chargeable_at"), item.get("charged_instead")), (None, None));
    // Nobody takes dong: the shop's own price is what will be charged (M21).
    let dong = shown(&app, "to=VND").await;
    assert_eq!(dong["chargeable_at"], json!([]));
    let instead = json!({"price": price("19.90", "USD"), "chargeable_at": ["paypal"]});
    assert_eq!(dong["items"][0]["charged_instead"], instead);
    // PayPal takes Taiwan's dollars without decimals (P09): the nearest amount.
    let taiwan = app.get("storefront", "/v1/prices?amount=199.50&currency=TWD&to=TWD").await.json();
    assert_eq!(taiwan["chargeable_at"], json!(["paypal"]));
    assert_eq!(taiwan["items"][0]["chargeable_at"], json!([]));
    assert_eq!(taiwan["items"][0]["charged_instead"]["price"], price("200.00", "TWD"));
    let whole = app.get("storefront", "/v1/prices?amount=200.00&currency=TWD&to=TWD").await.json();
    assert_eq!(whole["items"][0].get("chargeable_at"), None);
    app.stop().await;
}

/// What `Cache-Control` and `Vary` of a GET are.
async fn policy(app: &TestApp, request: reqwest::RequestBuilder) -> (String, String) {
    let answer = app.send(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let vary = answer.headers.get_all("vary").iter().map(|value| value.to_str().unwrap().to_owned());
    (answer.header("cache-control").to_owned(), vary.collect::<Vec<_>>().join(", ").to_lowercase())
}

#[actix_web::test]
async fn shared_caches_keep_only_what_the_address_says_whole() {
    let app = TestApp::start().await;
    let base = "/v1/prices?amount=19.90&currency=USD";
    for (key, more, control, reads, not) in [
        (
            "publishable",
            "&to=THB&country=TH&locale=th",
            "public, max-age=300",
            "authorization",
            "accept-language",
        ),
        ("publishable", "&to=THB&country=TH", "public, max-age=300", "accept-language", "x-forwarded-for"),
        (
            "publishable",
            "&to=THB&country=TH&locale=xx",
            "public, max-age=300",
            "accept-language",
            "cf-ipcountry",
        ),
        (
            "storefront",
            "&to=THB&country=TH&locale=th",
            "private, max-age=60",
            "authorization",
            "x-forwarded-for",
        ),
        (
            "publishable",
            "&to=THB&locale=th",
            "private, max-age=60",
            "x-forwarded-for, cf-ipcountry",
            "nothing",
        ),
        ("publishable", "&country=TH&locale=th", "private, max-age=60", "authorization", "x-forwarded-for"),
        ("publishable", "", "private, max-age=60", "x-forwarded-for", "nothing"),
    ] {
        let (found, vary) = policy(&app, app.keyed("GET", key, &format!("{base}{more}"))).await;
        assert_eq!(found, control, "{key} {more}");
        let right = vary.contains(reads) && vary.contains("origin") && !vary.contains(not);
        assert!(right, "{key} {more}: {vary}");
    }
    let body = json!({"items": [{"amount": "1.00", "currency": "USD"}], "to": "THB", "country": "TH"});
    let many = app.post("publishable", "/v1/prices", &body).await;
    assert_eq!(many.header("cache-control"), "no-store");

    // The end of a fixed price ends what is kept of it.
    let now = app.get("storefront", "/v1/sandbox/clock").await.json()["now"].as_str().unwrap().to_owned();
    let now: chrono::DateTime<chrono::Utc> = now.parse().unwrap();
    let until = (now + chrono::TimeDelta::seconds(40)).to_rfc3339();
    let entry = json!([{"sku": "mug", "price": price("690.00", "THB"), "valid_until": until}]);
    assert_eq!(fix(&app, "storefront", "soon", entry).await.status, 201);
    let path = format!("{base}&to=THB&country=TH&locale=th&sku=mug");
    let (found, _) = policy(&app, app.keyed("GET", "publishable", &path)).await;
    let seconds: u64 = found.strip_prefix("public, max-age=").unwrap().parse().unwrap();
    assert!((30..40).contains(&seconds), "{found}");
    app.stop().await;
}

#[actix_web::test]
async fn what_did_not_change_is_not_sent_again() {
    let app = TestApp::start().await;
    let path = "/v1/prices?amount=19.90&currency=USD&to=THB&country=TH&locale=th";
    let first = app.get("publishable", path).await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.len() == 34, "{tag}");
    for (sent, status) in [
        (tag.clone(), 304),
        (format!("\"other\", W/{tag}"), 304),
        ("*".to_owned(), 304),
        ("\"other\"".to_owned(), 200),
    ] {
        let answer = app.send(app.keyed("GET", "publishable", path).header("If-None-Match", &sent)).await;
        assert_eq!((answer.status, answer.text.is_empty()), (status, status == 304), "{sent}");
        assert_eq!(
            (answer.header("etag"), answer.header("cache-control")),
            (tag.as_str(), "public, max-age=300")
        );
        assert!(answer.header("vary").contains("Authorization"));
    }
    assert_ne!(app.get("publishable", &path.replace("19.90", "19.91")).await.header("etag"), tag);
    app.stop().await;
}

#[actix_web::test]
async fn rates_are_kept_and_asked_for_again_as_prices_are() {
    let app = TestApp::start().await;
    for path in ["/v1/rates?base=USD&quotes=SGD,THB", "/v1/rates?base=USD&quotes=THB&date=2026-10-30"] {
        for (key, control) in [("publishable", "public, max-age=300"), ("storefront", "private, max-age=60")]
        {
            let (found, vary) = policy(&app, app.keyed("GET", key, path)).await;
            assert_eq!((found.as_str(), vary.as_str()), (control, "authorization, origin"), "{key} {path}");
        }
    }
    let path = "/v1/rates?base=USD&quotes=SGD,THB";
    let first = app.get("publishable", path).await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with("W/\"") && tag.len() == 36, "{tag}");
    // The base itself and what is pegged to it are true at any moment.
    let timeless =
        ["/v1/rates?base=USD&quotes=SGD,USD", "/v1/rates?base=AED&quotes=USD", "/v1/rates?base=USD"];
    let mut tags = Vec::new();
    for path in timeless {
        tags.push(app.get("publishable", path).await.header("etag").to_owned());
    }
    // Later the rates are older by their age alone.
    let age = |answer: &Value| answer["rates"][0]["age_s"].as_i64().unwrap();
    let later = json!({"advance": "90s"});
    assert_eq!(app.post("storefront", "/v1/sandbox/clock", &later).await.status, 200);
    let again = app.get("publishable", path).await;
    assert!(age(&again.json()) >= age(&first.json()) + 90);
    assert_eq!(again.header("etag"), tag);
    for (path, tag) in timeless.into_iter().zip(&tags) {
        assert_eq!(app.get("publishable", path).await.header("etag"), tag, "{path}");
    }
    for (sent, status) in [(tag.clone(), 304), ("\"other\"".to_owned(), 200)] {
        let answer = app.send(app.keyed("GET", "publishable", path).header("If-None-Match", &sent)).await;
        assert_eq!((answer.status, answer.header("etag")), (status, tag.as_str()), "{sent}");
    }
    assert_ne!(app.get("publishable", "/v1/rates?base=USD&quotes=SGD").await.header("etag"), tag);
    app.stop().await;
}

#[actix_web::test]
async fn browsers_of_allowed_origins_ask_and_no_others() {
    let app = TestApp::start().await;
    let body = json!({"name": "window", "kind": "pk", "origins": ["https://shop.example"]});
    let key = app.post("admin", "/v1/keys", &body).await.json()["key"].as_str().unwrap().to_owned();
    let path = "/v1/prices?amount=19.90&currency=USD&to=THB&country=TH";
    let ask =
        |origin: &str| app.request("GET", path).bearer_auth(key.clone()).header("Origin", origin.to_owned());
    let good = app.send(ask("https://shop.example")).await;
    assert_eq!((good.status, good.header("access-control-allow-origin")), (200, "https://shop.example"));
    assert_eq!(good.header("access-control-allow-credentials"), "");
    assert!(good.header("access-control-expose-headers").to_lowercase().contains("etag"));
    let (_, vary) = policy(&app, ask("https://shop.example")).await;
    assert!(vary.contains("origin"), "{vary}");
    assert_eq!(app.send(ask("https://evil.example")).await.status, 403);

    let preflight = app.request("OPTIONS", path).header("Origin", "https://shop.example");
    let preflight = preflight.header("Access-Control-Request-Method", "GET");
    let allowed =
        app.send(preflight.header("Access-Control-Request-Headers", "authorization,if-none-match")).await;
    assert_eq!((allowed.status, allowed.header("access-control-max-age")), (200, "600"));
    assert_eq!(allowed.header("access-control-allow-credentials"), "");
    app.stop().await;
}

#[actix_web::test]
async fn a_page_shows_a_price_without_a_script_and_without_a_key() {
    let app = TestApp::start().await;
    let body = json!({"price": price("19.90", "USD"), "sku": "mug"});
    let made = app.post("storefront", "/v1/prices/embeds", &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let (url, html) =
        (made.json()["url"].as_str().unwrap().to_owned(), made.json()["html"].as_str().unwrap().to_owned());
    assert!(html.starts_with("<iframe src=\"") && html.contains(&url) && !html.contains("script"));
    // An address is random text: two letters and a dash stand in it now and then.
    assert!(!url.contains("pk_test_") && !url.contains("sk_test_"));
    let path = url.strip_prefix(&app.url).unwrap().to_owned();

    let page = app.get("", &format!("{path}?to=THB&country=TH&locale=th")).await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, "text/html; charset=utf-8"),
        "{}",
        page.text
    );
    assert!(page.text.contains("<data value=\"671.22 THB\">฿671.22</data>"), "{}", page.text);
    assert!(page.text.len() + html.len() <= 3 * 1024 && !page.text.to_lowercase().contains("<script"));
    assert_eq!(page.header("cache-control"), "public, max-age=300");
    assert!(!page.header("vary").contains("Authorization"), "{}", page.header("vary"));
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors *"), "{policy}");
    assert_eq!(page.header("x-frame-options"), "");
    let bangkok = app.request("GET", &path).header("X-Forwarded-For", "1.46.0.1");
    let bangkok = app.send(bangkok).await;
    assert!(bangkok.text.contains("671.22 THB") && bangkok.header("cache-control").starts_with("private"));

    assert_eq!(
        fix(&app, "storefront", "k", json!([{"sku": "mug", "price": price("690.00", "THB")}])).await.status,
        201
    );
    assert!(app.get("", &format!("{path}?to=THB")).await.text.contains("690.00 THB"));

    // Nobody makes or bends an address without the master key.
    let bent = format!("{}{}", &path[..path.len() - 1], if path.ends_with('A') { "B" } else { "A" });
    for path in [bent.as_str(), "/v1/prices/embeds/AAAA", "/v1/prices/embeds/%00"] {
        assert_eq!(app.get("", path).await.status, 404, "{path}");
    }
    assert_eq!(app.get("", &format!("{path}?key=pk_test_x")).await.code(), "unknown_field");
    assert_eq!(app.post("publishable", "/v1/prices/embeds", &body).await.code(), "key_scope");
    app.stop().await;
}

#[actix_web::test]
async fn texts_name_the_currency_as_asked_and_cash_is_cash() {
    let app = TestApp::start().await;
    for (more, text) in [
        ("to=USD&locale=en-SG", "US$19.90"),
        ("to=USD&locale=en-SG&symbol=narrow", "$19.90"),
        ("to=USD&locale=en-SG&symbol=code", "USD\u{a0}19.90"),
        ("to=CHF&locale=de-CH&rounding=cash", "CHF\u{a0}"),
    ] {
        let answer = shown(&app, more).await;
        let item = &answer["items"][0];
        let written = item["text"].as_str().unwrap();
        assert!(written.starts_with(text), "{more}: {written}");
        if more.contains("cash") {
            assert_eq!(answer["rule"], "cash CHF: nearest 0.05, half up");
            let amount = item["price"]["amount"].as_str().unwrap();
            assert!(amount.ends_with('0') || amount.ends_with('5'), "{amount}");
        }
    }
    app.stop().await;
}

#[actix_web::test]
async fn an_operators_endings_hold_in_their_market_or_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.toml");
    let rules = "max_shift_bps = 300\n[THB]\nstep = [{ from = \"0\", step = \"1\" }]\n[market.TH.THB]\nstep = [{ from = \"0\", step = \"5\" }]\n";
    std::fs::write(&file, rules).unwrap();
    let path = file.display().to_string();
    let app = TestApp::with(&[("fx.price_endings", &path)]).await;
    let thai = shown(&app, "country=TH&rounding=step").await;
    assert_eq!(
        (&thai["items"][0]["price"], &thai["rule"]),
        (&price("675.00", "THB"), &json!("step TH THB: 0 + n × 5, up"))
    );
    let abroad = shown(&app, "to=THB&country=SG&rounding=step").await;
    assert_eq!(
        (&abroad["items"][0]["price"], &abroad["rule"]),
        (&price("672.00", "THB"), &json!("step THB: 0 + n × 1, up"))
    );
    app.stop().await;

    std::fs::write(&file, rules.replace("step = \"5\"", "step = \"0.005\"")).unwrap();
    let refused =
        crate::app::settings(folder.path(), &[("fx.price_endings", &path)]).unwrap_err().to_string();
    assert!(refused.contains("own.toml") && refused.contains("market.TH.THB.step[0].step"), "{refused}");
}

/// Of two sources that differ by half a percent an operator may want to hear; limits of his own are used, or refused by name.
#[actix_web::test]
async fn an_operators_thresholds_hold_or_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("limits.toml");
    let shipped = include_str!("../../config/fx/thresholds.toml");
    std::fs::write(&file, shipped.replacen("jump_bps = 300", "jump_bps = 77", 1)).unwrap();
    let path = file.display().to_string();
    let own = crate::app::settings(folder.path(), &[("fx.thresholds", &path)]).unwrap().fx;
    let dollar = Currency::known("USD");
    let limit = |thresholds: &Thresholds| thresholds.of(dollar).unwrap().jump_bps;
    assert_eq!(limit(own.thresholds.as_deref().unwrap()), 77);
    assert_eq!(limit(&Thresholds::shipped().unwrap()), 300);

    std::fs::write(&file, shipped.replace("alarm_bps", "alarm")).unwrap();
    let refused = crate::app::settings(folder.path(), &[("fx.thresholds", &path)]).unwrap_err().to_string();
    assert!(refused.contains("limits.toml") && refused.contains("fx.thresholds"), "{refused}");
    let missing = crate::app::settings(folder.path(), &[("fx.thresholds", "nowhere.toml")]).unwrap_err();
    assert!(missing.to_string().contains("nowhere.toml"), "{missing}");
}

/// The example of `GET /v1/prices` in `/openapi.json`, run by Node against the server.
#[actix_web::test]
async fn the_documented_fetch_works() {
    let app = TestApp::start().await;
    let document = app.get("", "/openapi.json").await.json();
    let words = document["paths"]["/v1/prices"]["get"]["description"].as_str().unwrap().to_owned();
    let code = words.split("```js\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    assert!(readme.contains(code), "README and /openapi.json show the same example");
    let script = format!("const url = {:?}, key = {:?};\n{code}", app.url, app.key("publishable"));
    let run = tokio::task::spawn_blocking(move || {
        Command::new("node").args(["--input-type=module", "-e", &script]).output()
    });
    match run.await.unwrap() {
        Err(error) => eprintln!("skipped: node cannot be run: {error}"),
        Ok(done) => {
            let printed = String::from_utf8_lossy(&done.stdout).into_owned();
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
            assert_eq!(printed.trim(), "฿671.22 { amount: '671.22', currency: 'THB' }");
        }
    }
    app.stop().await;
}
