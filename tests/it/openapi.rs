//! `/openapi.json` says everything and nothing wrong: every field has a schema, every reference leads somewhere, every
//! example and every answer of the running program fits what is written there.

mod fit;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::app::{Answer, TestApp};
use crate::callbacks::senders::Grab;
use fit::misfits;

/// What is open on purpose.
const OPEN: [(&str, &str); 3] = [
    ("Foreign", "documents of gateways and of OpenAPI itself: not ours to describe"),
    ("NextAction.oneOf[3].payload", "what the gateway's own SDK wants"),
    ("Metadata", "the merchant's own names"),
];

/// Schemas anywhere below, with their places.
fn schemas<'a>(value: &'a Value, at: &str, found: &mut Vec<(String, &'a Value)>) {
    let Some(schema) = value.as_object() else { return };
    found.push((at.to_owned(), value));
    for (name, inner) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        schemas(inner, &format!("{at}.{name}"), found);
    }
    for word in ["oneOf", "anyOf", "allOf", "prefixItems"] {
        for (index, inner) in schema.get(word).and_then(Value::as_array).into_iter().flatten().enumerate() {
            schemas(inner, &format!("{at}.{word}[{index}]"), found);
        }
    }
    for word in ["items", "additionalProperties"] {
        schemas(schema.get(word).unwrap_or(&Value::Null), &format!("{at}.{word}"), found);
    }
}

/// Every place that has a schema: components, parameters, bodies, answers, headers.
fn places(document: &Value) -> Vec<(String, &Value)> {
    let mut places = vec![];
    let members = |value: &'static str, of: &Value| -> Vec<String> {
        of[value].as_object().map(|all| all.keys().cloned().collect()).unwrap_or_default()
    };
    for name in members("schemas", &document["components"]) {
        places.push((name.clone(), &document["components"]["schemas"][&name]));
    }
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let at = format!("{method} {path}");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                places.push((format!("{at} {}", parameter["name"]), &parameter["schema"]));
            }
            let request = operation["requestBody"]["content"].as_object().into_iter().flatten();
            let answers = operation["responses"].as_object().unwrap().values();
            let answers = answers.filter_map(|answer| answer["content"].as_object()).flatten();
            for (kind, content) in request.chain(answers) {
                places.push((format!("{at} {kind}"), &content["schema"]));
            }
        }
    }
    places
}

fn is_typed(schema: &Value) -> bool {
    ["$ref", "type", "oneOf", "anyOf", "allOf", "enum"].iter().any(|word| schema.get(word).is_some())
}

fn is_object(schema: &Value) -> bool {
    let kind = &schema["type"];
    kind == "object" || kind.as_array().is_some_and(|kinds| kinds.contains(&json!("object")))
}

#[actix_web::test]
async fn no_place_is_left_open_and_every_reference_leads_somewhere() {
    let app = TestApp::start().await;
    let document = app.get("", "/openapi.json").await.json();
    let mut found = vec![];
    for (at, schema) in places(&document) {
        schemas(schema, &at, &mut found);
    }
    assert!(found.len() > 300, "{}", found.len());
    for (at, schema) in &found {
        if let Some(target) = schema["$ref"].as_str() {
            assert!(document.pointer(&target[1..]).is_some(), "{at}: {target} leads nowhere");
        }
        assert!(is_typed(schema), "{at} says nothing: {schema}");
        let says = schema.get("properties").is_some() || schema["additionalProperties"].is_object();
        let open = OPEN.iter().any(|(name, _)| at == name);
        assert!(!is_object(schema) || says || open, "{at} is an object without members");
    }
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap());
    let ids: Vec<&str> =
        operations.map(|(_, operation)| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{ids:?}");
    app.stop().await;
}

#[actix_web::test]
async fn every_example_fits_its_schema() {
    let app = TestApp::start().await;
    let document = app.get("", "/openapi.json").await.json();
    let mut seen = 0;
    let mut hold = |schema: &Value, example: &Value, at: &str| {
        seen += 1;
        let faults = misfits(&document, schema, example);
        assert!(faults.is_empty(), "{at}: {example}: {faults:#?}");
    };
    let mut found = vec![];
    for (at, schema) in places(&document) {
        schemas(schema, &at, &mut found);
    }
    for (at, schema) in &found {
        let several = schema["examples"].as_array().into_iter().flatten();
        several.chain(schema.get("example")).for_each(|example| hold(schema, example, at));
    }
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let request = operation["requestBody"]["content"].as_object().into_iter().flatten();
            let answers = operation["responses"].as_object().unwrap().values();
            let answers = answers.filter_map(|answer| answer["content"].as_object()).flatten();
            let contents = request.chain(answers).map(|(_, content)| content);
            for shown in contents.chain(parameters) {
                let several = shown["examples"].as_object().into_iter().flatten();
                let several = several.map(|(_, example)| &example["value"]).chain(shown.get("example"));
                several.for_each(|example| hold(&shown["schema"], example, &format!("{method} {path}")));
            }
        }
    }
    assert!(seen > 200, "{seen}");
    app.stop().await;
}

/// Holds answers against the document, and remembers which operations were seen.
struct Holder<'a> {
    app: &'a TestApp,
    document: Value,
    seen: BTreeSet<String>,
}

impl Holder<'_> {
    fn hold(&mut self, method: &str, path: &str, template: &str, answer: &Answer) -> Value {
        let operation = &self.document["paths"][template][method];
        assert!(operation.is_object(), "{method} {template} is not in the document");
        let declared = &operation["responses"][answer.status.to_string()];
        let text = &answer.text;
        assert!(declared.is_object(), "{method} {path}: {} is not declared: {text}", answer.status);
        let kind = answer.header("content-type").split(';').next().unwrap_or_default();
        let schema = &declared["content"][kind]["schema"];
        assert!(schema.is_object(), "{method} {path}: {kind} is not declared");
        let body = if kind.ends_with("json") { answer.json() } else { json!(text) };
        let faults = misfits(&self.document, schema, &body);
        assert!(faults.is_empty(), "{method} {path} {}: {faults:#?}\n{body:#}", answer.status);
        if answer.status < 300 {
            self.seen.insert(format!("{method} {template}"));
        }
        body
    }

    async fn get(&mut self, key: &str, path: &str, template: &str) -> Value {
        let answer = self.app.get(key, path).await;
        self.hold("get", path, template, &answer)
    }

    async fn post(&mut self, key: &str, path: &str, template: &str, body: Value) -> Value {
        let once = format!("k{}", self.app.get("", "/livez").await.header("x-request-id"));
        let answer = self.app.post_once(key, path, &once, &body).await;
        self.hold("post", path, template, &answer)
    }
}

fn id(of: &Value) -> String {
    of["id"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_program_answers_is_what_the_document_says() {
    let limits = [
        ("close.unexplained_minor", "1000000000"),
        ("close.open_findings", "1000"),
        ("payouts.withholding.appointed_by", "BIR"),
    ];
    let app = TestApp::with(&limits).await;
    let document = app.get("", "/openapi.json").await.json();
    let mut is = Holder { app: &app, document, seen: BTreeSet::new() };
    for path in ["/livez", "/readyz", "/metrics", "/version", "/openapi.json", "/problems"] {
        is.get("", path, path).await;
    }
    is.get("", "/problems/too_precise", "/problems/{code}").await;
    is.get("", "/problems/none", "/problems/{code}").await;
    is.get("publishable", "/v1/rates/sources", "/v1/rates/sources").await;
    is.get("publishable", "/v1/rates?base=USD", "/v1/rates").await;
    is.get("publishable", "/v1/rates?base=USD&quotes=THB", "/v1/rates").await;
    is.get("publishable", "/v1/prices?amount=19.90&currency=USD&country=TH", "/v1/prices").await;
    is.get("publishable", "/v1/prices?amount=19.901&currency=USD", "/v1/prices").await;
    let items = json!({"items": [{"sku": "a", "amount": "1.00", "currency": "USD"}, {"amount": "2.00", "currency": "SGD"}], "to": "THB"});
    is.post("storefront", "/v1/prices", "/v1/prices", items).await;
    let wanted = json!({"from": {"amount": "19.90", "currency": "SGD"}, "to": "SGD", "lock": "30m"});
    let quote = is.post("publishable", "/v1/quotes", "/v1/quotes", wanted).await;
    is.get("publishable", &format!("/v1/quotes/{}", id(&quote)), "/v1/quotes/{id}").await;

    let wanted = json!({"from": {"amount": "19.90", "currency": "SGD"}, "to": "THB", "form": "token"});
    is.post("publishable", "/v1/quotes", "/v1/quotes", wanted).await;
    let fixed =
        json!({"entries": [{"sku": "a", "price": {"amount": "690.00", "currency": "THB"}, "country": "TH"}]});
    let book = is.post("storefront", "/v1/price-book", "/v1/price-book", fixed).await;
    is.get("storefront", "/v1/price-book?sku=a", "/v1/price-book").await;
    let priced = "/v1/prices?amount=19.90&currency=USD&country=TH&sku=a";
    is.get("publishable", priced, "/v1/prices").await;
    let several =
        json!({"items": [{"sku": "a", "amount": "19.90", "currency": "USD"}], "to": "THB", "country": "TH"});
    let quote = is.post("storefront", "/v1/quotes", "/v1/quotes", several).await;
    is.get("storefront", &format!("/v1/quotes/{}", id(&quote)), "/v1/quotes/{id}").await;
    let shown = json!({"price": {"amount": "19.90", "currency": "USD"}, "sku": "a"});
    let embed = is.post("storefront", "/v1/prices/embeds", "/v1/prices/embeds", shown).await;
    let path = embed["url"].as_str().unwrap().strip_prefix(&app.url).unwrap().to_owned();
    is.get("", &format!("{path}?to=THB"), "/v1/prices/embeds/{token}").await;
    let entry = format!("/v1/price-book/{}", id(&book["data"][0]));
    let withdrawn = app.send(app.keyed("DELETE", "storefront", &entry)).await;
    is.hold("delete", &entry, "/v1/price-book/{id}", &withdrawn);

    // Its bill will state a cent less.
    let differs = "/v1/sandbox/scenarios/bill_differs";
    is.post("finance", differs, "/v1/sandbox/scenarios/{name}", json!({"next": 1})).await;
    let (thai, vietnamese) = (app.supplier("TH"), app.supplier("VN"));
    let order = json!({
        "order_ref": "doc-1", "amount": {"amount": "100.00", "currency": "SGD"}, "gateway": "paypal",
        "splits": [{"supplier": thai, "share": {"percent": "50", "cap": "60.00"}}, {"supplier": vietnamese, "share": {"fixed": "10.00"}}],
        "platform_fee": {"percent": "10"}, "customer": {"ip": "203.0.113.7", "ref": "c-1"}, "metadata": {"cart": "7"},
    });
    let paid = id(&is.post("storefront", "/v1/payments", "/v1/payments", order.clone()).await);
    is.post("storefront", "/v1/payments", "/v1/payments", order).await;
    let approve = json!({"shopper": "approve"});
    let (page, of) = (format!("/v1/sandbox/payments/{paid}"), "/v1/sandbox/payments/{id}");
    is.post("storefront", &page, of, approve.clone()).await;
    is.post("storefront", &page, of, json!({"shopper": "decline"})).await;
    let open = id(&app.pay("grabpay", "doc-2").await);
    let (one, all) = ("/v1/payments/{id}", "/v1/payments");
    is.get("storefront", &format!("{all}/{paid}"), one).await;
    is.get("storefront", &format!("{all}/{open}"), one).await;
    is.get("storefront", &format!("{all}?state=captured"), all).await;
    is.post("storefront", &format!("{all}/{paid}/sync"), "/v1/payments/{id}/sync", json!({})).await;
    is.post("storefront", &format!("{all}/{paid}/cancel"), "/v1/payments/{id}/cancel", json!({})).await;
    is.post("storefront", &format!("{all}/{open}/cancel"), "/v1/payments/{id}/cancel", json!({})).await;
    is.get("storefront", &format!("{all}/{open}"), one).await;
    is.get("finance", &format!("{all}/{paid}/settlement"), "/v1/payments/{id}/settlement").await;
    is.post("storefront", &format!("{all}/{paid}/deliver"), "/v1/payments/{id}/deliver", json!({})).await;
    let part = json!({"amount": {"amount": "10.00", "currency": "SGD"}, "reason": "damaged", "allocation": [{"supplier": thai, "amount": {"amount": "10.00", "currency": "SGD"}}]});
    let refunds = format!("{all}/{paid}/refunds");
    let refund = is.post("storefront", &refunds, "/v1/payments/{id}/refunds", part).await;
    is.get("storefront", &format!("/v1/refunds/{}", id(&refund)), "/v1/refunds/{id}").await;
    is.get("storefront", &format!("{all}/{paid}"), one).await;
    let preview = json!({"amount": {"amount": "100.00", "currency": "SGD"}, "gateway": "paypal", "splits": [{"supplier": thai, "share": {"remainder": true}}], "rates": [{"base": "SGD", "quote": "THB", "rate": "25.5"}]});
    is.post("finance", "/v1/settlements/preview", "/v1/settlements/preview", preview).await;

    // A notice that states another amount opens a finding.
    let other = id(&app.pay("grabpay", "doc-3").await);
    let grab = Grab::of(&app.sandbox["gateways"]["grabpay"]);
    let notice = grab.notice(&grab.body(&other, "Capture", "success", 1_000, "SGD"));
    for (headers, status) in [(&notice.headers[..], 200), (&[][..], 401)] {
        let mut request = app.request("POST", "/v1/notifications/grabpay").body(notice.body.clone());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = app.send(request).await;
        assert_eq!(answer.status, status);
        is.hold("post", "/v1/notifications/grabpay", "/v1/notifications/{gateway}", &answer);
    }
    let findings = is.get("finance", "/v1/findings", "/v1/findings").await;
    let finding = id(&findings["data"][0]);
    is.get("finance", &format!("/v1/findings/{finding}"), "/v1/findings/{id}").await;
    let resolve = format!("/v1/findings/{finding}/resolve");
    for (key, action) in
        [("finance", "dismiss"), ("finance", "send_back"), ("finance", "send_back"), ("checker", "send_back")]
    {
        let word = json!({"action": action, "reason": "explained"});
        is.post(key, &resolve, "/v1/findings/{id}/resolve", word).await;
    }
    is.get("finance", &format!("/v1/findings/{finding}"), "/v1/findings/{id}").await;

    let chargeback = format!("/v1/sandbox/scenarios/{}", "dispute_opened");
    let whole = id(&app.pay("paypal", "doc-4").await);
    is.post("storefront", &format!("/v1/sandbox/payments/{whole}"), of, approve.clone()).await;
    is.post("finance", &chargeback, "/v1/sandbox/scenarios/{name}", json!({"payment": whole})).await;
    is.post("finance", "/v1/sandbox/clock", "/v1/sandbox/clock", json!({"advance": "1s"})).await;
    is.get("storefront", &format!("{all}/{whole}"), one).await;
    is.get("storefront", &format!("{all}?state=captured"), all).await;
    let disputes = is.get("finance", "/v1/disputes?state=open", "/v1/disputes").await;
    let dispute = format!("/v1/disputes/{}", id(&disputes["data"][0]));
    let proof = json!({"notes": "signed for", "documents": [{"name": "note.pdf", "url": "https://shop.example/note.pdf"}]});
    let evidence = "/v1/disputes/{id}/evidence";
    is.post("finance", &format!("{dispute}/evidence"), evidence, proof.clone()).await;
    is.post("finance", &format!("{dispute}/evidence"), evidence, proof).await;
    is.post("finance", &format!("{dispute}/accept"), "/v1/disputes/{id}/accept", json!({})).await;
    is.get("finance", &dispute, "/v1/disputes/{id}").await;
    is.get("finance", "/v1/ledger/client-money", "/v1/ledger/client-money").await;
    is.get("finance", "/v1/ledger/client-money?as_of=2026-11-01", "/v1/ledger/client-money").await;
    let runs = "/v1/reconciliations";
    let now = is.get("finance", "/v1/sandbox/clock", "/v1/sandbox/clock").await;
    let now: chrono::DateTime<chrono::Utc> = now["now"].as_str().unwrap().parse().unwrap();
    let day = now.with_timezone(&chrono_tz::America::Los_Angeles).date_naive().to_string();
    // Before its bill is complete, and once it is.
    let asked = json!({"gateway": "paypal", "date": day});
    is.post("finance", runs, runs, asked.clone()).await;
    is.post("finance", runs, runs, json!({"gateway": "paypal", "date": "yesterday"})).await;
    is.get("finance", runs, runs).await;

    is.get("finance", "/v1/ledger/accounts?limit=100", "/v1/ledger/accounts").await;
    let booked = is.get("finance", "/v1/ledger/transactions", "/v1/ledger/transactions").await;
    let (transaction, of) = (id(&booked["data"][0]), "/v1/ledger/transactions/{id}");
    is.get("finance", &format!("/v1/ledger/transactions/{transaction}"), of).await;
    is.get("finance", "/v1/ledger/trial-balance", "/v1/ledger/trial-balance").await;
    is.get("finance", "/v1/ledger/verify", "/v1/ledger/verify").await;

    let suppliers = "/v1/suppliers";
    is.get("finance", suppliers, suppliers).await;
    let new = json!({"name": "Hanoi Silk", "country": "VN", "currency": "VND"});
    let made = id(&is.post("finance", suppliers, suppliers, new).await);
    is.get("finance", &format!("{suppliers}/{made}"), "/v1/suppliers/{id}").await;
    let change =
        app.keyed("PATCH", "finance", &format!("{suppliers}/{made}")).json(&json!({"name": "Hue Silk"}));
    is.hold("patch", suppliers, "/v1/suppliers/{id}", &app.send(change).await);
    let account = json!({"kind": "bank", "country": "VN", "currency": "VND", "holder": "Hue Silk", "number": "1234567890"});
    let accounts = format!("{suppliers}/{made}/accounts");
    is.post("finance", &accounts, "/v1/suppliers/{id}/accounts", account).await;
    is.get("finance", &accounts, "/v1/suppliers/{id}/accounts").await;
    is.get("finance", &format!("{suppliers}/{thai}/balances"), "/v1/suppliers/{id}/balances").await;
    let statement = format!("{suppliers}/{thai}/statements?from=2026-01-01&to=2030-12-31");
    is.get("finance", &statement, "/v1/suppliers/{id}/statements").await;
    is.get("finance", &format!("{statement}&format=csv"), "/v1/suppliers/{id}/statements").await;
    is.get("finance", &format!("{statement}&format=docx"), "/v1/suppliers/{id}/statements").await;

    let banks = "/v1/bank-accounts";
    let bank = json!({"name": "uob", "kind": "client", "currency": "SGD", "country": "DE", "iban": "DE89370400440532013000"});
    let made = id(&is.post("finance", banks, banks, bank.clone()).await);
    is.post("finance", banks, banks, bank).await;
    is.get("finance", banks, banks).await;
    is.get("finance", &format!("{banks}/{made}"), "/v1/bank-accounts/{id}").await;
    let settlements = "/v1/gateway-settlements";
    // Not on its way for so long that no period can be closed.
    let clock = is.get("finance", "/v1/sandbox/clock", "/v1/sandbox/clock").await;
    let now: chrono::DateTime<chrono::Utc> = clock["now"].as_str().unwrap().parse().unwrap();
    let paid_at = (now - chrono::TimeDelta::hours(12)).to_rfc3339();
    let batch = json!({"gateway": "grabpay", "reference": "GP-20261127-1", "currency": "SGD", "closed_at": "2026-11-27T16:00:00Z",
        "paid_at": paid_at, "gross": "10.00", "fee": "0.50", "net": "9.50",
        "items": [{"kind": "capture", "reference": "x-1", "amount": "10.00"}]});
    let settled = id(&is.post("finance", settlements, settlements, batch.clone()).await);
    let broken = json!({"gateway": "grabpay", "reference": "b", "currency": "SGD", "closed_at": "2026-11-27T16:00:00Z", "gross": "10.00", "net": "9.50"});
    is.post("finance", settlements, settlements, broken).await;
    is.get("finance", &format!("{settlements}?state=in_transit"), settlements).await;
    is.get("finance", &format!("{settlements}/{settled}"), "/v1/gateway-settlements/{id}").await;
    let charges = "/v1/fee-charges";
    let report = json!({"gateway": "grabpay", "reference": "REPORT-1", "currency": "SGD", "charged_at": "2026-11-28T04:00:00Z",
        "fee": "0.10"});
    let charged = id(&is.post("finance", charges, charges, report).await);
    is.post("finance", charges, charges, json!({"gateway": "nobody", "reference": "r", "currency": "SGD"}))
        .await;
    is.get("finance", charges, charges).await;
    is.get("finance", &format!("{charges}/{charged}"), "/v1/fee-charges/{id}").await;
    let statements = "/v1/bank-statements";
    let number = app.sandbox["banks"]["SGD"]["account"].as_str().unwrap();
    let file = format!(
        ":20:X\r\n:25:{number}\r\n:60F:C261127SGD0,\r\n:61:261128C12,50NTRFREF//B-1\r\n:62F:C261128SGD12,50\r\n-"
    );
    let send = app.keyed("POST", "finance", statements).header("Idempotency-Key", "file-1");
    let read = app.send(send.header("Content-Type", "text/plain").body(file)).await;
    let read = is.hold("post", statements, statements, &read);
    is.get("finance", statements, statements).await;
    let statement = format!("{statements}/{}", id(&read["data"][0]));
    is.get("finance", &statement, "/v1/bank-statements/{id}").await;
    let rails = "/v1/rail-accounts";
    let rail =
        json!({"name": "uob-file", "rail": "pain001", "currency": "SGD", "funding": {"bank_account": made}});
    let made = id(&is.post("admin", rails, rails, rail.clone()).await);
    is.post("admin", rails, rails, rail).await;
    is.get("finance", rails, rails).await;
    is.get("finance", &format!("{rails}/{made}"), "/v1/rail-accounts/{id}").await;

    let events = is.get("finance", "/v1/events", "/v1/events").await;
    is.get("finance", &format!("/v1/events/{}", id(&events["data"][0])), "/v1/events/{id}").await;
    is.get(
        "finance",
        &format!("/v1/events?ending_before={}", "evt_01kb0000000000000000000000"),
        "/v1/events",
    )
    .await;
    let hooks = "/v1/webhooks";
    let new = json!({"url": "http://127.0.0.1:9/hook", "events": ["payment.captured", "refund.*"], "description": "desk"});
    let endpoint = id(&is.post("admin", hooks, hooks, new).await);
    is.post("admin", hooks, hooks, json!({"url": "https://169.254.169.254/"})).await;
    is.get("admin", hooks, hooks).await;
    let (one, of) = (format!("{hooks}/{endpoint}"), "/v1/webhooks/{id}");
    is.get("admin", &one, of).await;
    let change = app.keyed("PATCH", "admin", &one).json(&json!({"events": []}));
    is.hold("patch", &one, of, &app.send(change).await);
    let rotate = json!({"overlap_hours": 1});
    is.post("admin", &format!("{one}/rotate-secret"), "/v1/webhooks/{id}/rotate-secret", rotate).await;
    let test = is.post("admin", &format!("{one}/test"), "/v1/webhooks/{id}/test", json!({})).await;
    let tried = format!("{one}/deliveries");
    for _ in 0..100 {
        let deliveries = is.get("admin", &tried, "/v1/webhooks/{id}/deliveries").await;
        if deliveries["data"][0]["attempts"] != json!(0) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let resend = format!("{tried}/{}/retry", id(&test));
    is.post("admin", &resend, "/v1/webhooks/{id}/deliveries/{delivery}/retry", json!({})).await;
    is.hold("delete", &one, of, &app.send(app.keyed("DELETE", "admin", &one)).await);
    is.get("admin", "/v1/keys", "/v1/keys").await;
    let key =
        id(&is.post("admin", "/v1/keys", "/v1/keys", json!({"name": "web", "scopes": ["storefront"]})).await);
    let revoke = app.send(app.keyed("DELETE", "admin", &format!("/v1/keys/{key}"))).await;
    is.hold("delete", "/v1/keys", "/v1/keys/{id}", &revoke);
    is.get("admin", "/v1/audit?limit=100", "/v1/audit").await;
    is.get("finance", "/v1/sandbox/clock", "/v1/sandbox/clock").await;
    is.post("finance", "/v1/sandbox/clock", "/v1/sandbox/clock", json!({"advance": "1s"})).await;
    let scenario = "/v1/sandbox/scenarios/{name}";
    is.post("finance", "/v1/sandbox/scenarios/lost_callback", scenario, json!({"next": 1})).await;

    is.post("finance", "/v1/sandbox/clock", "/v1/sandbox/clock", json!({"advance": "1d"})).await;
    let mut journals = vec![];
    let fund = json!({"template": "lines", "lines": [
        {"account": 1000, "owner": "bank-sgd", "direction": "debit", "amount": {"amount": "5.00", "currency": "SGD"}},
        {"account": 4010, "direction": "credit", "amount": {"amount": "5.00", "currency": "SGD"}}]});
    let top_up =
        json!({"template": "top_up", "bank": "bank-sgd", "amount": {"amount": "2.00", "currency": "SGD"}});
    for template in [fund, top_up] {
        let draft = json!({"reason": "own money", "template": template});
        journals.push(id(&is.post("finance", "/v1/journals", "/v1/journals", draft).await));
    }
    let bad = json!({"reason": "x", "template": {"template": "lines", "lines": []}});
    is.post("finance", "/v1/journals", "/v1/journals", bad).await;
    let approve = "/v1/journals/{id}/approve";
    is.post("finance", &format!("/v1/journals/{}/approve", journals[0]), approve, Value::Null).await;
    is.post("checker", &format!("/v1/journals/{}/approve", journals[0]), approve, Value::Null).await;
    let reject = format!("/v1/journals/{}/reject", journals[1]);
    is.post("finance", &reject, "/v1/journals/{id}/reject", Value::Null).await;
    is.get("finance", &format!("/v1/journals/{}", journals[0]), "/v1/journals/{id}").await;
    is.get("finance", "/v1/journals?state=booked", "/v1/journals").await;
    is.get("finance", "/v1/ledger/suspense", "/v1/ledger/suspense").await;
    is.get("finance", "/v1/ledger/ageing", "/v1/ledger/ageing").await;
    is.get("finance", "/v1/ledger/trial-balance?by=value", "/v1/ledger/trial-balance").await;
    let clock = is.get("finance", "/v1/sandbox/clock", "/v1/sandbox/clock").await;
    let now: chrono::DateTime<chrono::Utc> = clock["now"].as_str().unwrap().parse().unwrap();
    let until = (now.date_naive() - chrono::TimeDelta::days(1)).to_string();
    is.get("finance", &format!("/v1/periods/checks?until={until}"), "/v1/periods/checks").await;
    is.get("finance", "/v1/periods/checks?until=2099-01-01", "/v1/periods/checks").await;
    for key in ["finance", "finance", "checker", "checker"] {
        is.post(key, "/v1/periods/close", "/v1/periods/close", json!({"until": until})).await;
    }
    is.get("finance", "/v1/periods", "/v1/periods").await;
    let issued = is.get("finance", "/v1/statements", "/v1/statements").await;
    let statement = format!("/v1/statements/{}", id(&issued["data"][0]));
    is.get("finance", &statement, "/v1/statements/{id}").await;
    is.get("finance", &format!("{statement}/file"), "/v1/statements/{id}/file").await;

    positions(&mut is, now.date_naive()).await;
    payouts(&mut is).await;
    let run = format!("{runs}/{}", id(&is.post("finance", runs, runs, asked).await));
    while is.get("finance", &run, "/v1/reconciliations/{id}").await["state"] == "running" {
        tokio::task::yield_now().await;
    }
    let found = format!("{run}/findings");
    let found = is.get("finance", &found, "/v1/reconciliations/{id}/findings").await;
    assert_eq!(found["data"][0]["kind"], "amount", "{found}");
    // What a key may not, and what nobody may.
    is.get("storefront", "/v1/keys", "/v1/keys").await;
    is.get("", "/v1/keys", "/v1/keys").await;
    is.get("admin", "/v1/keys?limit=0", "/v1/keys").await;
    is.get("finance", "/v1/findings/fnd_01kb0000000000000000000000", "/v1/findings/{id}").await;
    is.get("finance", "/v1/findings/pay_01kb0000000000000000000000", "/v1/findings/{id}").await;

    let every = is.document["paths"].as_object().unwrap().iter();
    let every = every.flat_map(|(path, item)| {
        item.as_object().unwrap().keys().map(move |method| format!("{method} {path}"))
    });
    let gateways =
        |operation: &String| operation.contains("/v1/notifications") || operation.contains("/v1/returns");
    let unseen: Vec<String> =
        every.filter(|operation| !is.seen.contains(operation) && !gateways(operation)).collect();
    assert!(unseen.is_empty(), "no good answer was seen of {unseen:?}");
    app.stop().await;
}

/// PayPal changed a dollar at our word; what that leaves open, and the books for a general ledger.
async fn positions(is: &mut Holder<'_>, today: chrono::NaiveDate) {
    let deals = "/v1/fx/deals";
    let at_paypal = json!([{"gateway_account": "paypal"}]);
    let deal = json!({
        "sold": {"amount": "1.00", "currency": "SGD"}, "bought": {"amount": "0.75", "currency": "USD"},
        "value_date": today, "bank_ref": "FX-1", "own_position": true, "paid_from": at_paypal, "paid_into": at_paypal,
    });
    let made = id(&is.post("finance", deals, deals, deal).await);
    is.get("finance", deals, deals).await;
    is.get("finance", &format!("{deals}/{made}"), "/v1/fx/deals/{id}").await;
    is.get("finance", "/v1/fx/exposure", "/v1/fx/exposure").await;
    is.get("finance", "/v1/fx/revaluation", "/v1/fx/revaluation").await;
    let period = format!("from={}&to={today}", today - chrono::TimeDelta::days(30));
    is.get("finance", &format!("/v1/fx/results?{period}"), "/v1/fx/results").await;
    let books = format!("/v1/exports/gl?{period}&functional=SGD");
    is.get("finance", &books, "/v1/exports/gl").await;
}

/// A supplier settled in dollars with an account and a share of a sale that is released.
async fn payee(is: &mut Holder<'_>, order: &str, country: &str, account: Value) -> String {
    let body = json!({"name": order, "country": country, "currency": "USD"});
    let supplier = id(&is.post("finance", "/v1/suppliers", "/v1/suppliers", body).await);
    let path = format!("/v1/suppliers/{supplier}/accounts");
    is.post("finance", &path, "/v1/suppliers/{id}/accounts", account).await;
    let body = json!({
        "order_ref": order, "amount": {"amount": "50.00", "currency": "USD"}, "gateway": "paypal",
        "splits": [{"supplier": supplier, "share": {"percent": "80"}}],
    });
    let payment = id(&is.post("storefront", "/v1/payments", "/v1/payments", body).await);
    let shopper = format!("/v1/sandbox/payments/{payment}");
    is.post("storefront", &shopper, "/v1/sandbox/payments/{id}", json!({"shopper": "approve"})).await;
    supplier
}

/// Payouts: by PayPal, by a bank's file and by a sheet; approved, edited, refused, called off, stopped.
async fn schedules(is: &mut Holder<'_>) {
    let (all, preview, one) =
        ("/v1/payout-schedules", "/v1/payout-schedules/preview", "/v1/payout-schedules/{id}");
    let fridays = json!({
        "name": "Fridays", "cron": "0 15 * * 5", "zone": "Asia/Singapore",
        "holidays": {"rule": "after", "currencies": ["SGD"]},
        "minimum": [{"amount": "50.00", "currency": "USD"}],
    });
    let dates = is.post("finance", preview, preview, fridays.clone()).await;
    assert!(dates["dates"].as_array().unwrap().len() >= 5, "{dates:#}");
    for (field, value) in [("cron", "*/5 15 * * 5"), ("zone", "Asia/Singapor")] {
        let mut wrong = fridays.clone();
        wrong[field] = json!(value);
        let refused = is.post("finance", preview, preview, wrong).await;
        assert_eq!(
            (refused["status"].as_u64(), refused["param"].as_str()),
            (Some(400), Some(field)),
            "{refused:#}"
        );
    }
    let saved = is.post("finance", all, all, fridays).await;
    assert_eq!(saved["dates"], dates["dates"]);
    is.get("finance", all, all).await;
    let path = format!("{all}/{}", id(&saved));
    is.get("finance", &path, one).await;
    let pause = is.app.keyed("PATCH", "finance", &path).json(&json!({"paused": true}));
    let answer = is.app.send(pause).await;
    assert_eq!(is.hold("patch", &path, one, &answer)["state"], "paused");
    let answer = is.app.send(is.app.keyed("DELETE", "finance", &path)).await;
    is.hold("delete", &path, one, &answer);
}

async fn payouts(is: &mut Holder<'_>) {
    let paypal = json!({"kind": "paypal", "country": "US", "currency": "USD", "holder": "U", "number": "unclaimed.u@example.com"});
    let bank = json!({"kind": "bank", "country": "US", "currency": "USD", "holder": "B", "number": "12345678", "bank_code": "026009593"});
    let late = payee(is, "pays-1", "US", paypal).await;
    let by_file = payee(is, "pays-2", "US", bank.clone()).await;
    let by_sheet = payee(is, "pays-3", "PH", bank).await;
    let banks = is.get("finance", "/v1/bank-accounts?limit=100", "/v1/bank-accounts").await;
    let usd = |row: &&Value| row["currency"] == "USD" && row["kind"] == "client";
    let usd = id(banks["data"].as_array().unwrap().iter().find(usd).unwrap());
    let (terms, mut sheet) = ("/v1/suppliers/{id}/payout-terms", String::new());
    for (supplier, rail, name) in [(&by_file, "pain001", "usd-bank"), (&by_sheet, "csv", "usd-sheet")] {
        let body = json!({"name": name, "rail": rail, "currency": "USD", "funding": {"bank_account": usd}});
        let account = id(&is.post("finance", "/v1/rail-accounts", "/v1/rail-accounts", body).await);
        sheet.clone_from(&account);
        let path = format!("/v1/suppliers/{supplier}/payout-terms");
        let body = json!({"rail_account": account, "town": "New York", "known": true,
                          "holds": [], "reserve": {"percent": "10", "days": 90}, "payment_term_days": 30});
        let answer = is.app.send(is.app.keyed("PATCH", "finance", &path).json(&body)).await;
        is.hold("patch", &path, terms, &answer);
        is.get("finance", &path, terms).await;
    }
    let keys = is.get("admin", "/v1/keys?limit=100", "/v1/keys").await;
    let checker = |row: &&Value| row["name"] == "checker";
    let user = keys["data"].as_array().unwrap().iter().find(checker).unwrap()["user"].clone();
    let limit = json!({"user": user, "limits": [{"amount": "9000.00", "currency": "USD"}]});
    is.post("admin", "/v1/approver-limits", "/v1/approver-limits", limit).await;
    is.get("finance", "/v1/approver-limits", "/v1/approver-limits").await;
    schedules(is).await;
    is.post("finance", "/v1/sandbox/clock", "/v1/sandbox/clock", json!({"advance": "2d"})).await;

    let plans = "/v1/payout-plans";
    let draft = async |is: &mut Holder<'_>| is.post("maker", plans, plans, json!({})).await;
    let word =
        |plan: &Value, word: &str| (format!("{plans}/{}/{word}", id(plan)), format!("{plans}/{{id}}/{word}"));
    let plan = draft(is).await;
    assert_eq!(plan["lines"].as_array().unwrap().len(), 3, "{plan:#}");
    let (path, at) = word(&plan, "drop");
    is.post("maker", &path, &at, json!({"supplier": late, "currency": "USD"})).await;
    // With money that costs something, and too little of it for the second one out of that account.
    let limit = json!({"amount": "50.00", "currency": "USD"});
    let way =
        json!({"rail_account": sheet, "from": "HSBC", "sells": "SGD", "limit": limit, "spread_bps": 20});
    let funded = is.post("maker", plans, plans, json!({"top_ups": [way], "max_wait_days": 5})).await;
    let lacks = |row: &Value| row["reason"] == "no_funds";
    assert!(funded["excluded"].as_array().unwrap().iter().any(lacks), "{funded:#}");
    assert!(funded["funding"].to_string().contains("HSBC"), "{funded:#}");
    let way = json!({"rail_account": "rac_01kb0000000000000000000000", "from": "HSBC", "sells": "SGD", "limit": limit});
    is.post("maker", plans, plans, json!({"top_ups": [way]})).await;
    let (path, at) = word(&plan, "submit");
    is.post("maker", &path, &at, Value::Null).await;
    let (path, at) = word(&plan, "reject");
    is.post("checker", &path, &at, json!({"reason": "another day"})).await;
    let plan = draft(is).await;
    let (path, at) = word(&plan, "cancel");
    is.post("maker", &path, &at, Value::Null).await;
    let plan = draft(is).await;
    let hash = json!({"hash": plan["hash"]});
    for (who, said, body) in [
        ("maker", "submit", Value::Null),
        ("maker", "approve", hash.clone()),
        ("checker", "approve", json!({"hash": "0"})),
        ("checker", "approve", hash),
        ("maker", "execute", Value::Null),
    ] {
        let (path, at) = word(&plan, said);
        is.post(who, &path, &at, body).await;
    }
    for _ in 0..3 {
        is.post("finance", "/v1/sandbox/clock", "/v1/sandbox/clock", json!({"advance": "5m"})).await;
    }
    is.get("finance", &format!("{plans}/{}", id(&plan)), "/v1/payout-plans/{id}").await;
    is.get("finance", "/v1/payout-plans?state=executing", plans).await;
    for said in ["certificate", "pain001", "csv"] {
        let (path, at) = word(&plan, said);
        is.get("finance", &path, &at).await;
    }
    reported(is, &format!("{plans}/{}", id(&plan))).await;
    came_back_short(is, &by_file, &usd).await;
    let (path, at) = word(&plan, "csv?template=none");
    is.get("finance", &path, at.trim_end_matches("?template=none")).await;
    let listed = is.get("finance", &format!("/v1/payouts?supplier={late}"), "/v1/payouts").await;
    let one = format!("/v1/payouts/{}", id(&listed["data"][0]));
    let shown = is.get("finance", &one, "/v1/payouts/{id}").await;
    assert_eq!(shown["state"], "unclaimed", "{shown:#}");
    is.post("finance", &format!("{one}/stop"), "/v1/payouts/{id}/stop", Value::Null).await;
    withholding(is, &usd).await;
}

/// The bank pays a payout of its file and brings it back short: by the platform's fault, as two users say.
async fn came_back_short(is: &mut Holder<'_>, supplier: &str, bank: &str) {
    let listed = is.get("finance", &format!("/v1/payouts?supplier={supplier}"), "/v1/payouts").await;
    let (one, sent) = (id(&listed["data"][0]), &listed["data"][0]["amount"]["amount"]);
    let shown = is.get("finance", &format!("/v1/bank-accounts/{bank}"), "/v1/bank-accounts/{id}").await;
    let fund = json!({"reason": "from the operating account", "template": {"template": "lines", "lines": [
        {"account": 1010, "owner": shown["name"], "direction": "debit", "amount": {"amount": sent, "currency": "USD"}},
        {"account": 4010, "direction": "credit", "amount": {"amount": sent, "currency": "USD"}}]}});
    let journal = id(&is.post("finance", "/v1/journals", "/v1/journals", fund).await);
    let approve = format!("/v1/journals/{journal}/approve");
    is.post("checker", &approve, "/v1/journals/{id}/approve", Value::Null).await;
    let statements = "/v1/bank-statements";
    let (at, day) = (
        format!("{statements}?bank_account={bank}"),
        &listed["data"][0]["created_at"].as_str().unwrap()[..10],
    );
    let (sent, named) = (sent.as_str().unwrap(), one.replace('_', "-"));
    let csv = format!("Date,Amount,Details\n{day},-{sent},{named}\n{day},1.00,{named}\n");
    let read = is.app.keyed("POST", "finance", &at).header("Content-Type", "text/csv");
    let answer = is.app.send(read.header("Idempotency-Key", "csv-short").body(csv)).await;
    is.hold("post", &at, statements, &answer);
    let (path, template) = (format!("/v1/payouts/{one}/fault"), "/v1/payouts/{id}/fault");
    for who in ["maker", "maker", "checker"] {
        is.post(who, &path, template, json!({"fault": "platform"})).await;
    }
}

/// What a bank says of a plan's file: of another one, and of this one.
async fn reported(is: &mut Holder<'_>, plan: &str) {
    let file = is.app.get("finance", &format!("{plan}/pain001")).await.text;
    let message = file.split_once("<MsgId>").unwrap().1.split_once('<').unwrap().0.to_owned();
    let (path, template) = (format!("{plan}/pain002"), "/v1/payout-plans/{id}/pain002");
    for (key, message) in [("report-1", "another"), ("report-2", message.as_str())] {
        let report = format!(
            "<Document><CstmrPmtStsRpt><OrgnlGrpInfAndSts><OrgnlMsgId>{message}</OrgnlMsgId><GrpSts>ACCP</GrpSts>\
             </OrgnlGrpInfAndSts></CstmrPmtStsRpt></Document>"
        );
        let told = is.app.keyed("POST", "finance", &path).header("Idempotency-Key", key);
        let answer = is.app.send(told.header("Content-Type", "application/xml").body(report)).await;
        is.hold("post", &path, template, &answer);
    }
}

/// What the payout to Manila withheld; proposed to be paid, taken back, paid.
async fn withholding(is: &mut Holder<'_>, bank: &str) {
    let (all, one) = ("/v1/withholding-certificates", "/v1/withholding-certificates/{number}");
    let listed = is.get("finance", all, all).await;
    let certificate = listed["data"][0].clone();
    assert_eq!(certificate["withheld"], json!({"amount": "0.25", "currency": "USD"}), "{listed:#}");
    is.get("finance", &format!("{all}/{}", id(&certificate)), one).await;
    is.get("finance", &format!("{all}?period=none"), all).await;
    let shown = is.get("finance", &format!("/v1/bank-accounts/{bank}"), "/v1/bank-accounts/{id}").await;
    let fund = json!({"reason": "from the operating account", "template": {"template": "lines", "lines": [
        {"account": 1010, "owner": shown["name"], "direction": "debit", "amount": {"amount": "5.00", "currency": "USD"}},
        {"account": 4010, "direction": "credit", "amount": {"amount": "5.00", "currency": "USD"}}]}});
    let journal = id(&is.post("finance", "/v1/journals", "/v1/journals", fund).await);
    let approve = format!("/v1/journals/{journal}/approve");
    is.post("checker", &approve, "/v1/journals/{id}/approve", Value::Null).await;
    let all = "/v1/withholding-remittances";
    let body = json!({"authority": "BIR", "period": certificate["period"], "bank_account": bank, "reference": "1601-EQ"});
    is.post("finance", all, all, json!({"authority": "DJP", "period": "2026-11", "bank_account": bank}))
        .await;
    for (who, word) in [("maker", "reject"), ("checker", "approve")] {
        let made = id(&is.post("maker", all, all, body.clone()).await);
        let path = format!("{all}/{made}");
        is.post(who, &format!("{path}/{word}"), &format!("{all}/{{id}}/{word}"), Value::Null).await;
        is.get("finance", &path, &format!("{all}/{{id}}")).await;
        if word == "approve" {
            returned(is, bank, &path).await;
        }
    }
    is.get("finance", all, all).await;
}

/// The bank brings the payment back with a credit that names nothing.
async fn returned(is: &mut Holder<'_>, bank: &str, path: &str) {
    let statements = "/v1/bank-statements";
    let at = format!("{statements}?bank_account={bank}");
    let day = is.get("finance", path, "/v1/withholding-remittances/{id}").await["created_at"].clone();
    let day = &day.as_str().unwrap()[..10];
    let csv = format!("Date,Amount,Details\n{day},-0.25,1601-EQ\n{day},0.25,back\n");
    let read = is.app.keyed("POST", "finance", &at).header("Content-Type", "text/csv");
    let answer = is.app.send(read.header("Idempotency-Key", "csv-back").body(csv)).await;
    let read = is.hold("post", &at, statements, &answer);
    let line = json!({"bank_line": read["data"][0]["entries"][1]["id"]});
    let (said, template) = (format!("{path}/returned"), "/v1/withholding-remittances/{id}/returned");
    for _ in ["once", "twice"] {
        is.post("finance", &said, template, line.clone()).await;
    }
}
