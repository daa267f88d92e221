//! As much of JSON Schema 2020-12 as our own document uses, and stricter in one thing: a member that the schema does not
//! name is a misfit even where the schema would let it pass, so that an answer cannot grow behind the document's back.

use regex::Regex;
use serde_json::Value;

/// What is wrong with `value` by `schema`.
pub fn misfits(root: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = vec![];
    check(root, schema, value, "$", &mut found);
    found
}

fn is_a(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no such type: {other}"),
    }
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(target) = schema["$ref"].as_str() {
        let target = root.pointer(&target[1..]).unwrap_or_else(|| panic!("{target}"));
        check(root, target, value, at, found);
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => vec![],
    };
    if !kinds.is_empty() && !kinds.iter().any(|kind| is_a(kind, value)) {
        found.push(format!("{at} is no {kinds:?}: {value}"));
        return;
    }
    if let Some(words) = schema["enum"].as_array().filter(|words| !words.contains(value)) {
        found.push(format!("{at} is none of {words:?}: {value}"));
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        check(root, part, value, at, found);
    }
    for word in ["oneOf", "anyOf"] {
        let Some(ways) = schema[word].as_array() else { continue };
        let faults: Vec<Vec<String>> = ways
            .iter()
            .map(|way| {
                let mut faults = vec![];
                check(root, way, value, at, &mut faults);
                faults
            })
            .collect();
        let fitting = faults.iter().filter(|faults| faults.is_empty()).count();
        if fitting == 0 || (word == "oneOf" && fitting > 1) {
            found.push(format!("{at} fits {fitting} of {word}: {faults:?}"));
        }
    }
    match value {
        Value::String(text) => check_text(schema, text, at, found),
        Value::Number(number) => {
            let below =
                schema["minimum"].as_i64().zip(number.as_i64()).is_some_and(|(least, number)| number < least);
            if below {
                found.push(format!("{at}: {number} is too small"));
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate().filter(|_| schema["items"].is_object()) {
                check(root, &schema["items"], item, &format!("{at}[{index}]"), found);
            }
        }
        Value::Object(members) => {
            for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                if !members.contains_key(name) {
                    found.push(format!("{at}.{name} is missing"));
                }
            }
            for (name, member) in members {
                let place = format!("{at}.{name}");
                match (&schema["properties"][name], &schema["additionalProperties"]) {
                    (inner @ Value::Object(_), _) | (Value::Null, inner @ Value::Object(_)) => {
                        check(root, inner, member, &place, found);
                    }
                    (_, Value::Bool(true)) => {}
                    _ if schema.get("properties").is_some() && !is_extensible(schema) => {
                        found.push(format!("{place} is not in the schema"));
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

/// Problem documents have members of their own for some codes (RFC 9457).
fn is_extensible(schema: &Value) -> bool {
    schema["properties"].get("request_id").is_some() && schema["properties"].get("instance").is_some()
}

fn check_text(schema: &Value, text: &str, at: &str, found: &mut Vec<String>) {
    if let Some(pattern) = schema["pattern"].as_str()
        && !Regex::new(pattern).unwrap().is_match(text)
    {
        found.push(format!("{at}: `{text}` does not match {pattern}"));
    }
    let formed = match schema["format"].as_str() {
        Some("date-time") => chrono::DateTime::parse_from_rfc3339(text).is_ok(),
        Some("date") => chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok(),
        _ => true,
    };
    if !formed {
        found.push(format!("{at}: `{text}` is no {}", schema["format"]));
    }
    let length = text.chars().count() as u64;
    if schema["minLength"].as_u64().is_some_and(|least| length < least)
        || schema["maxLength"].as_u64().is_some_and(|most| length > most)
    {
        found.push(format!("{at}: {length} characters"));
    }
}
