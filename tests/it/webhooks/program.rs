//! The real program: endpoints by the API, real payments, the reference library's own verifier.

use secrecy::SecretString;
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use super::receiver::{Heard, Receiver, Say};
use crate::app::TestApp;
use crate::kill::server::Server;

const ENDPOINTS: &str = "/v1/webhooks";

fn verified(secret: &Value, heard: &Heard) -> bool {
    let secret = SecretString::from(secret.as_str().unwrap());
    let verifier = Webhook::new(secrecy::ExposeSecret::expose_secret(&secret)).unwrap();
    verifier.verify(&heard.body, &heard.headers).is_ok()
}

async fn create(app: &TestApp, key: &str, body: &Value) -> Value {
    let answer = app.post(key, ENDPOINTS, body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_told_signed_and_as_the_api_shows_it() {
    let app = TestApp::start().await;
    let (receiver, refunds) = (Receiver::start().await, Receiver::start().await);
    let made = create(&app, "finance", &json!({"url": receiver.url, "description": "desk"})).await;
    let filter = json!({"url": refunds.url, "events": ["refund.*", "finding.opened", "refund.*"]});
    let only = create(&app, "admin", &filter).await;
    assert_eq!(only["events"], json!(["finding.opened", "refund.*"]));
    let payment = app.pay("paypal", "told-1").await;
    let page = format!("/v1/sandbox/payments/{}", payment["id"].as_str().unwrap());
    app.post("storefront", &page, &json!({"shopper": "approve"})).await;
    let heard = receiver.wait_for(3).await;
    let mut types = receiver.types();
    types.sort_unstable();
    assert_eq!(types, ["payment.captured", "payment.requires_action", "settlement.created"]);
    for heard in &heard {
        assert!(verified(&made["secret"], heard));
        assert!(!verified(&only["secret"], heard));
        let mut forged = heard.clone();
        forged.body[10] ^= 1;
        assert!(!verified(&made["secret"], &forged));
        let shown = app.get("finance", &format!("/v1/events/{}", heard.header("webhook-id"))).await;
        assert_eq!(shown.text.as_bytes(), heard.body, "the signed bytes are the API's own");
    }
    let refund = format!("/v1/payments/{}/refunds", payment["id"].as_str().unwrap());
    let refund = app.post_once("storefront", &refund, "told-1-back", &json!({})).await;
    assert_eq!(refund.status, 201, "{}", refund.text);
    assert_eq!(refunds.wait_for(1).await[0].json()["type"], json!("refund.succeeded"));
    receiver.wait_for(4).await;

    // The list goes on where a reader stopped, and ends.
    let all = app.get("finance", "/v1/events?limit=100").await.json();
    let ids: Vec<&str> =
        all["data"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect();
    let (mut walked, mut last) = (vec![*ids.last().unwrap()], ids.last().unwrap().to_string());
    let pages: Vec<Value> = {
        let mut pages = vec![];
        loop {
            let page = app.get("finance", &format!("/v1/events?limit=2&ending_before={last}")).await.json();
            let more = page["has_more"] == json!(true);
            if let Some(first) = page["data"][0]["id"].as_str() {
                last = first.to_owned();
            }
            pages.push(page);
            if !more {
                break pages;
            }
        }
    };
    for page in &pages {
        walked.extend(page["data"].as_array().unwrap().iter().rev().map(|row| row["id"].as_str().unwrap()));
    }
    walked.reverse();
    assert_eq!(walked, ids);

    // Whoever belongs to another merchant finds nothing of it.
    let endpoint = format!("{ENDPOINTS}/{}", made["id"].as_str().unwrap());
    let deliveries = app.get("finance", &format!("{endpoint}/deliveries")).await.json();
    let delivery = deliveries["data"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(deliveries["data"].as_array().unwrap().len(), 4);
    let event = format!("/v1/events/{}", ids[0]);
    for (method, path) in [
        ("GET", endpoint.clone()),
        ("DELETE", endpoint.clone()),
        ("GET", format!("{endpoint}/deliveries")),
        ("POST", format!("{endpoint}/test")),
        ("POST", format!("{endpoint}/deliveries/{delivery}/retry")),
        ("GET", event),
    ] {
        let answer = app.send(app.keyed(method, "other.admin", &path)).await;
        assert_eq!((answer.status, answer.code()), (404, "not_found".to_owned()), "{method} {path}");
    }
    let strange = app.get("other.admin", &format!("/v1/events?ending_before={}", ids[0])).await;
    assert_eq!(strange.status, 400);
    assert_eq!(app.get("other.admin", "/v1/events").await.json()["data"], json!([]));
    for key in ["publishable", "supplier"] {
        assert_eq!(app.get(key, "/v1/events").await.status, 403, "{key}");
        assert_eq!(app.get(key, ENDPOINTS).await.status, 403, "{key}");
    }

    // Tried out, rotated, sent again.
    let test = app.post("admin", &format!("{endpoint}/test"), &json!({})).await;
    assert_eq!((test.status, test.json()["state"].clone()), (202, json!("pending")));
    assert_eq!(receiver.wait_for(5).await[4].json()["type"], json!("webhook_endpoint.test"));
    let rotated = app.post("admin", &format!("{endpoint}/rotate-secret"), &json!({"overlap_hours": 1})).await;
    let rotated = rotated.json();
    assert!(rotated["previous_secret_until"].is_string() && rotated["secret"] != made["secret"]);
    let again = app.post("admin", &format!("{endpoint}/deliveries/{delivery}/retry"), &json!({})).await;
    assert_eq!(again.status, 202, "{}", again.text);
    let heard = receiver.wait_for(6).await.pop().unwrap();
    assert!(verified(&made["secret"], &heard) && verified(&rotated["secret"], &heard));
    assert_eq!(refunds.heard().len(), 1, "a test goes to one endpoint only");
    let shown = app.get("admin", &endpoint).await.text;
    assert!(!shown.contains("whsec_"), "{shown}");
    app.stop().await;
}

/// What others earn and what is not understood about money is not for whoever holds the shop's key.
#[tokio::test(flavor = "multi_thread")]
async fn a_shops_key_hears_of_its_own_business_only() {
    let app = TestApp::start().await;
    let arm = app.post("finance", "/v1/sandbox/scenarios/wrong_amount", &json!({"next": 1})).await;
    assert_eq!(arm.status, 200, "{}", arm.text);
    let receiver = Receiver::start().await;
    let own = create(&app, "storefront", &json!({"url": receiver.url})).await;
    assert_eq!(own["events"], json!(["payment.*", "dispute.*", "refund.*"]));
    let all = create(&app, "finance", &json!({"url": receiver.url, "description": "all"})).await;
    for order in ["heard-1", "heard-2"] {
        let payment = app.pay("paypal", order).await;
        let page = format!("/v1/sandbox/payments/{}", payment["id"].as_str().unwrap());
        app.post("storefront", &page, &json!({"shopper": "approve"})).await;
    }
    let listed = async |key: &str, behind: &str| {
        let page = app.get(key, &format!("/v1/events?limit=100{behind}")).await.json();
        page["data"].as_array().unwrap().clone()
    };
    let office = listed("finance", "").await;
    let is_own = |event: &&Value| !event["type"].as_str().unwrap().starts_with(['f', 's']);
    let (shop, rest): (Vec<&Value>, Vec<&Value>) = office.iter().partition(is_own);
    let kinds: Vec<&str> = rest.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"finding.opened") && kinds.contains(&"settlement.created"), "{kinds:?}");
    let seen = listed("storefront", "").await;
    assert_eq!(seen.iter().collect::<Vec<_>>(), shop, "the rest is passed over");
    let first = seen.last().unwrap()["id"].as_str().unwrap();
    assert_eq!(listed("storefront", &format!("&ending_before={first}")).await.len(), seen.len() - 1);
    for event in rest {
        let id = event["id"].as_str().unwrap();
        assert_eq!(app.get("finance", &format!("/v1/events/{id}")).await.status, 200);
        assert_eq!(app.get("storefront", &format!("/v1/events/{id}")).await.code(), "not_found");
        let behind = app.get("storefront", &format!("/v1/events?ending_before={id}")).await;
        assert_eq!(behind.code(), "invalid_parameter");
    }
    // Nor by asking for it, nor by turning somebody else's endpoint to itself.
    let all = format!("{ENDPOINTS}/{}", all["id"].as_str().unwrap());
    let own = format!("{ENDPOINTS}/{}", own["id"].as_str().unwrap());
    // Handed on a moment after it happened.
    let begun = std::time::Instant::now();
    let delivery = loop {
        let heard = app.get("finance", &format!("{all}/deliveries")).await.json();
        if let Some(id) = heard["data"][0]["id"].as_str() {
            break id.to_owned();
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(10), "it was told of nothing");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    for (method, path, body) in [
        ("POST", ENDPOINTS.to_owned(), json!({"url": receiver.url, "events": ["refund.*", "finding.*"]})),
        ("PATCH", own.clone(), json!({"events": ["settlement.created"]})),
        ("PATCH", all.clone(), json!({"url": receiver.url})),
        ("POST", format!("{all}/rotate-secret"), json!({})),
        ("POST", format!("{all}/test"), json!({})),
        ("DELETE", all.clone(), json!({})),
        ("GET", all.clone(), json!({})),
        ("GET", format!("{all}/deliveries"), json!({})),
        ("POST", format!("{all}/deliveries/{delivery}/retry"), json!({})),
    ] {
        let answer = app.send(app.keyed(method, "storefront", &path).json(&body)).await;
        assert_eq!((answer.status, answer.code()), (403, "key_scope".to_owned()), "{method} {path} {body}");
    }
    // Nor where it is: its address may carry a token. A page of one is a page of what may be seen.
    let listed = async |key: &str| {
        let page = app.get(key, &format!("{ENDPOINTS}?limit=1")).await.json();
        let ids: Vec<Value> = page["data"].as_array().unwrap().iter().map(|row| row["id"].clone()).collect();
        (ids, page["has_more"].clone())
    };
    let (seen, more) = listed("storefront").await;
    assert_eq!((seen.len(), more), (1, json!(false)));
    assert!(own.ends_with(seen[0].as_str().unwrap()), "{seen:?}");
    assert_eq!(listed("finance").await.1, json!(true));
    assert_eq!(app.get("storefront", &own).await.status, 200);
    let answer = app.send(app.keyed("PATCH", "storefront", &own).json(&json!({"events": []}))).await;
    assert_eq!(answer.json()["events"], json!(["payment.*", "dispute.*", "refund.*"]), "{}", answer.text);
    assert_eq!(app.get("storefront", &format!("{own}/deliveries")).await.status, 200);
    assert_eq!(app.send(app.keyed("DELETE", "storefront", &own)).await.status, 200);
    assert_eq!(app.send(app.keyed("DELETE", "finance", &all)).await.status, 200);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_registered_is_judged_in_words() {
    let app = TestApp::start().await;
    let refused = async |body: Value| {
        let answer = app.post("admin", ENDPOINTS, &body).await;
        (answer.status, answer.code(), answer.json()["param"].as_str().unwrap_or_default().to_owned())
    };
    let url = |code: &str| (422, code.to_owned(), "url".to_owned());
    for address in [
        "https://169.254.169.254/",
        "http://shop.example/",
        "https://10.0.0.1/",
        "https://user@shop.example/",
        "https://shop.example:8443/",
    ] {
        assert_eq!(refused(json!({ "url": address })).await, url("webhook_url_refused"), "{address}");
    }
    let wrong = json!({"url": "https://8.8.8.8/", "events": ["payment.captured", "payment.caught"]});
    assert_eq!(refused(wrong).await, (400, "invalid_body".into(), "events[1]".into()));
    let wrong = json!({"url": "https://8.8.8.8/", "secret": "mine"});
    assert_eq!(refused(wrong).await, (400, "unknown_field".into(), "secret".into()));
    let mut last = Value::Null;
    for _ in 0..16 {
        last = create(&app, "admin", &json!({"url": "https://8.8.8.8/hook"})).await;
    }
    let one_more = refused(json!({"url": "https://8.8.8.8/hook"})).await;
    assert_eq!((one_more.0, one_more.1.as_str()), (409, "too_many_endpoints"));
    let endpoint = format!("{ENDPOINTS}/{}", last["id"].as_str().unwrap());
    let patch = async |body: Value| app.send(app.keyed("PATCH", "admin", &endpoint).json(&body)).await;
    assert_eq!(
        patch(json!({"url": "https://127.0.0.1.nip.invalid./"})).await.status,
        200,
        "it leads nowhere yet"
    );
    assert_eq!(patch(json!({"url": "https://[fd00::1]/"})).await.code(), "webhook_url_refused");
    let off = patch(json!({"enabled": false, "events": ["payment.*"], "description": "off"})).await.json();
    assert_eq!((&off["state"], &off["disabled_reason"]), (&json!("disabled"), &json!("asked")));
    let test = app.post("admin", &format!("{endpoint}/test"), &json!({})).await;
    assert_eq!(test.code(), "endpoint_disabled");
    let too_long =
        app.post("admin", &format!("{endpoint}/rotate-secret"), &json!({"overlap_hours": 169})).await;
    assert_eq!(too_long.status, 400);
    assert_eq!(app.send(app.keyed("DELETE", "admin", &endpoint)).await.json()["state"], json!("deleted"));
    assert_eq!(app.get("admin", &endpoint).await.status, 404);
    let listed = app.get("admin", &format!("{ENDPOINTS}?limit=100")).await.json();
    assert_eq!(listed["data"].as_array().unwrap().len(), 15);
    let metrics = app.get("", "/metrics").await.text;
    assert!(metrics.contains("straits_webhooks_pending ") && metrics.contains("straits_webhooks_failed "));
    app.stop().await;
}

/// Business time makes a retry due; the way of the test clock passes it.
#[tokio::test(flavor = "multi_thread")]
async fn the_test_clock_brings_the_retries() {
    let app = TestApp::start().await;
    let receiver = Receiver::start().await;
    let made = create(&app, "admin", &json!({"url": receiver.url})).await;
    receiver.say([Say::with(429, "retry-after: 7200\r\n"), Say::status(500)]);
    let endpoint = format!("{ENDPOINTS}/{}", made["id"].as_str().unwrap());
    app.post("admin", &format!("{endpoint}/test"), &json!({})).await;
    receiver.wait_for(1).await;
    let moved = app.post("admin", "/v1/sandbox/clock", &json!({"advance": "3d"})).await;
    assert_eq!(moved.status, 200, "{}", moved.text);
    let heard = receiver.wait_for(3).await;
    assert!(heard.iter().all(|heard| verified(&made["secret"], heard)), "the signature's time is the wall's");
    let deliveries = app.get("admin", &format!("{endpoint}/deliveries")).await.json();
    let tries = deliveries["data"][0]["tries"].as_array().unwrap();
    let statuses: Vec<_> = tries.iter().rev().map(|row| row["status"].clone()).collect();
    assert_eq!(statuses, [json!(429), json!(500), json!(204)]);
    app.stop().await;
}

/// Killed between the call and its record, the next run makes the call again under the same id.
#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_call_and_record_tells_again() {
    let mut server = Server::start(None).await;
    let receiver = Receiver::start().await;
    receiver.say([Say::Nothing]);
    let call = async |server: &Server, method: reqwest::Method, path: &str, body: Option<Value>| {
        server.client().call(method, path, "admin", None, body).await
    };
    let wanted = json!({"url": receiver.url});
    let (status, made) = call(&server, reqwest::Method::POST, ENDPOINTS, Some(wanted)).await;
    assert_eq!(status, 201, "{made}");
    let endpoint = format!("{ENDPOINTS}/{}", made["id"].as_str().unwrap());
    let (status, _) =
        call(&server, reqwest::Method::POST, &format!("{endpoint}/test"), Some(json!({}))).await;
    assert_eq!(status, 202);
    receiver.wait_for(1).await;
    server.kill();
    server.boot().await;
    let heard = receiver.wait_for(2).await;
    assert_eq!(heard[0].header("webhook-id"), heard[1].header("webhook-id"));
    assert!(heard[0].body == heard[1].body && verified(&made["secret"], &heard[1]));
}
