//! As much of JSON Schema as PayPal's OpenAPI files use, to hold our requests against them. The files are read from
//! `STRAITS_REFERENCE_DIR`; without it nothing is held against anything, and the test says so.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

static FILES: LazyLock<Option<BTreeMap<&str, Value>>> = LazyLock::new(|| {
    let Some(folder) = std::env::var_os("STRAITS_REFERENCE_DIR") else {
        println!(
            "skipped: STRAITS_REFERENCE_DIR is not set, requests are not held against PayPal's OpenAPI files"
        );
        return None;
    };
    let folder = PathBuf::from(folder).join("gateways/paypal-openapi");
    let names = [
        "checkout_orders_v2",
        "payments_payment_v2",
        "payments_payouts_batch_v1",
        "notifications_webhooks_v1",
    ];
    let read = |name: &'static str| {
        let text = std::fs::read(folder.join(name).with_extension("json")).unwrap();
        (name, serde_json::from_slice(&text).unwrap())
    };
    Some(names.into_iter().map(read).collect())
});

/// What is wrong with `value` by the schema `name` of `file`.
pub fn complaints(file: &str, name: &str, value: &Value) -> Vec<String> {
    let Some(files) = FILES.as_ref() else { return vec![] };
    let root = &files[file];
    let mut found = Vec::new();
    check(root, &root["components"]["schemas"][name], value, name, &mut found);
    found
}

/// What is wrong with an answer of a far side; members that only PayPal writes are in their place there.
pub fn answer_complaints(file: &str, name: &str, value: &Value) -> Vec<String> {
    let mut found = complaints(file, name, value);
    found.retain(|complaint| !complaint.ends_with("only PayPal writes this"));
    found
}

/// The words an enumeration of `file` has; `None` without the file.
pub fn words(file: &str, name: &str) -> Option<BTreeSet<String>> {
    let words = FILES.as_ref()?[file]["components"]["schemas"][name]["enum"].as_array()?;
    Some(words.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(place) => resolve(root, root.pointer(&place[1..]).unwrap_or_else(|| panic!("{place}"))),
        None => schema,
    }
}

/// A schema and everything it is made of.
fn parts<'a>(root: &'a Value, schema: &'a Value, into: &mut Vec<&'a Value>) {
    let schema = resolve(root, schema);
    into.push(schema);
    for part in schema["allOf"].as_array().into_iter().flatten() {
        parts(root, part, into);
    }
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    assert!(schema.is_object(), "no schema at {at}");
    let mut all = Vec::new();
    parts(root, schema, &mut all);
    for part in &all {
        check_one(part, value, at, found);
    }
    if let Some(object) = value.as_object() {
        let known: BTreeSet<&String> = all
            .iter()
            .filter_map(|part| part["properties"].as_object())
            .flat_map(|names| names.keys())
            .collect();
        for (name, member) in object {
            if !known.is_empty() && !known.contains(name) {
                found.push(format!("{at}.{name}: no such member"));
            }
            for part in &all {
                if let Some(inner) = part["properties"].get(name) {
                    check(root, inner, member, &format!("{at}.{name}"), found);
                }
            }
        }
    }
    for (place, item) in value.as_array().into_iter().flatten().enumerate() {
        for part in all.iter().filter(|part| part["items"].is_object()) {
            check(root, &part["items"], item, &format!("{at}[{place}]"), found);
        }
    }
}

fn check_one(schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let mut say = |what: String| found.push(format!("{at}: {what}"));
    let fits = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        _ => true,
    };
    if !fits {
        say(format!("{value} is not of type {}", schema["type"]));
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.is_object() && value.get(name).is_none() {
            say(format!("`{name}` is required"));
        }
    }
    if schema["readOnly"] == true {
        say("only PayPal writes this".into());
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        say(format!("{value} is not one of {words:?}"));
    }
    let limit = |name: &str| schema[name].as_u64().and_then(|limit| usize::try_from(limit).ok());
    let (size, shortest, longest) = match value {
        Value::String(text) => (text.chars().count(), limit("minLength"), limit("maxLength")),
        Value::Array(items) => (items.len(), limit("minItems"), limit("maxItems")),
        _ => return,
    };
    if shortest.is_some_and(|limit| size < limit) || longest.is_some_and(|limit| size > limit) {
        say(format!("{size} is not within {shortest:?}..{longest:?}"));
    }
    if let (Some(pattern), Some(text)) = (schema["pattern"].as_str(), value.as_str())
        && !matches(pattern, text, at)
    {
        say(format!("{text} does not match {pattern}"));
    }
}

/// One of PayPal's patterns looks ahead, which `regex` does not: "not digits alone".
fn matches(pattern: &str, text: &str, at: &str) -> bool {
    let (pattern, digits_alone) = match pattern.strip_prefix(r"^(?!\d+$)") {
        Some(rest) => (format!("^{rest}"), text.bytes().all(|byte| byte.is_ascii_digit())),
        None => (pattern.to_owned(), false),
    };
    !digits_alone && Regex::new(&pattern).unwrap_or_else(|error| panic!("{at}: {error}")).is_match(text)
}

#[test]
fn a_wrong_request_is_found() {
    if FILES.is_none() {
        return;
    }
    let order = |change: fn(&mut Value)| {
        let mut order = serde_json::json!({
            "intent": "CAPTURE",
            "purchase_units": [{"amount": {"currency_code": "USD", "value": "1.00"}}],
        });
        change(&mut order);
        complaints("checkout_orders_v2", "order_request", &order)
    };
    assert_eq!(order(|_| ()), Vec::<String>::new());
    for (why, change) in [
        ("missing", (|order| drop(order.as_object_mut().unwrap().remove("intent"))) as fn(&mut Value)),
        ("enum", |order| order["intent"] = "TAKE".into()),
        ("unknown", |order| order["colour"] = "red".into()),
        ("pattern", |order| order["purchase_units"][0]["amount"]["value"] = "1,00".into()),
        ("type", |order| order["purchase_units"][0]["amount"]["value"] = 1.into()),
        ("length", |order| order["purchase_units"][0]["custom_id"] = "x".repeat(128).into()),
        ("items", |order| order["purchase_units"] = serde_json::json!([])),
    ] {
        assert_eq!(order(change).len(), 1, "{why}: {:?}", order(change));
    }
}
