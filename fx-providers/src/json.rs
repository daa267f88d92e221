//! A strict reader of JSON for what strangers send.
//!
//! Refused: anything but UTF-8, more than [`BODY_LIMIT`] bytes, more than [`VALUE_LIMIT`] values or [`DEPTH_LIMIT`]
//! levels, a member name twice in one object (which of the two rates would count?), lone surrogates, anything after the
//! end. An HTML page and a cut answer are called what they are. Numbers stay text: they never pass through binary
//! floating point. A byte order mark at the start is passed over; members nobody asked for are read as strictly as the
//! others and then ignored.

use std::collections::BTreeMap;
use std::fmt;

use rust_decimal::Decimal;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::sheet::Flaw;

/// No known answer is larger than a fifth of it.
pub(crate) const BODY_LIMIT: usize = 4 << 20;
/// No known answer has more than a quarter of it; each value costs memory.
pub(crate) const VALUE_LIMIT: usize = 250_000;
/// No known answer is deeper than six.
pub(crate) const DEPTH_LIMIT: usize = 16;

/// The members of an object.
pub(crate) type Object = BTreeMap<String, Value>;

/// A JSON value whose numbers are their own text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Value>),
    Object(Object),
}

/// Reads a whole answer.
pub(crate) fn read(body: &[u8]) -> Result<Value, Flaw> {
    if body.len() > BODY_LIMIT {
        return Err(Flaw::new(format!("more than {BODY_LIMIT} bytes")));
    }
    let text = std::str::from_utf8(body).map_err(|_| Flaw::new("it is not UTF-8"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_ascii();
    if text.is_empty() {
        return Err(Flaw::new("it is empty"));
    }
    if text.starts_with('<') {
        return Err(Flaw::new("it is an HTML page"));
    }
    // Values are parted by commas; those inside texts are counted too, which does no harm.
    if text.bytes().filter(|byte| *byte == b',').count() > VALUE_LIMIT {
        return Err(Flaw::new(format!("more than {VALUE_LIMIT} values")));
    }
    let raw: &RawValue = serde_json::from_str(text).map_err(flaw)?;
    descend(raw, DEPTH_LIMIT)
}

fn descend(raw: &RawValue, levels: usize) -> Result<Value, Flaw> {
    let text = raw.get();
    let Some(below) = levels.checked_sub(1) else {
        return Err(Flaw::new(format!("it is nested deeper than {DEPTH_LIMIT} levels")));
    };
    Ok(match text.as_bytes().first() {
        Some(b'{') => {
            let Members(members) = serde_json::from_str(text).map_err(flaw)?;
            let members = members.into_iter().map(|(name, raw)| Ok((name, descend(raw, below)?)));
            Value::Object(members.collect::<Result<_, Flaw>>()?)
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text).map_err(flaw)?;
            Value::List(items.into_iter().map(|raw| descend(raw, below)).collect::<Result<_, _>>()?)
        }
        Some(b'"') => Value::Text(serde_json::from_str(text).map_err(flaw)?),
        Some(b't') => Value::Bool(true),
        Some(b'f') => Value::Bool(false),
        Some(b'n') => Value::Null,
        _ => Value::Number(text.to_owned()),
    })
}

/// The members as they stand, each name once.
struct Members<'a>(BTreeMap<String, &'a RawValue>);

impl<'de> serde::Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = BTreeMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    let value = map.next_value()?;
                    if let Some(twice) = members.insert(name.clone(), value).map(|_| name) {
                        let name: String = twice.chars().take(32).collect();
                        return Err(A::Error::custom(format!("`{name}` occurs twice")));
                    }
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

fn flaw(error: serde_json::Error) -> Flaw {
    match error.classify() {
        Category::Eof => Flaw::new("it is cut off"),
        Category::Data => {
            let told = error.to_string();
            // serde_json adds where in the fragment; that says nothing about the whole answer.
            Flaw::new(told.split(" at line ").next().unwrap_or_default())
        }
        Category::Syntax | Category::Io => Flaw::new(format!("it is not JSON: {error}")),
    }
}

impl Value {
    /// A member that has to be there.
    pub fn member(&self, name: &str) -> Result<&Value, Flaw> {
        self.optional(name).ok_or_else(|| Flaw::new(format!("`{name}` is missing")))
    }

    /// A member that may be absent or null.
    pub fn optional(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Object(members) => members.get(name).filter(|value| **value != Value::Null),
            _ => None,
        }
    }

    /// The members of the object `name`.
    pub fn object(&self, name: &str) -> Result<&Object, Flaw> {
        match self.member(name)? {
            Value::Object(members) => Ok(members),
            _ => Err(Flaw::new(format!("`{name}` is not an object"))),
        }
    }

    /// The items of the list `name`.
    pub fn list(&self, name: &str) -> Result<&[Value], Flaw> {
        match self.member(name)? {
            Value::List(items) => Ok(items),
            _ => Err(Flaw::new(format!("`{name}` is not a list"))),
        }
    }

    /// The text `name`.
    pub fn text(&self, name: &str) -> Result<&str, Flaw> {
        match self.member(name)? {
            Value::Text(text) => Ok(text),
            _ => Err(Flaw::new(format!("`{name}` is not a text"))),
        }
    }

    /// The whole number `name`, in whatever spelling: `1793372400`, `1793372400.0`, `1.7933724E9`.
    pub fn integer(&self, name: &str) -> Result<i64, Flaw> {
        let spelt = |text: &str| {
            let number = text.parse().or_else(|_| Decimal::from_scientific(text)).ok();
            let number = number.filter(Decimal::is_integer)?;
            i64::try_from(number.trunc()).ok()
        };
        let number = match self.member(name)? {
            Value::Number(text) => text.parse().ok().or_else(|| spelt(text)),
            _ => None,
        };
        number.ok_or_else(|| Flaw::new(format!("`{name}` is not a whole number")))
    }

    /// A text or a number as text, for error codes that are sometimes one and sometimes the other.
    pub fn words(&self, name: &str) -> Option<&str> {
        match self.optional(name) {
            Some(Value::Text(text) | Value::Number(text)) => Some(text),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(body: impl AsRef<[u8]>) -> String {
        match read(body.as_ref()) {
            Err(Flaw::Malformed(why)) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn numbers_keep_their_text() {
        let value =
            read("\u{feff} {\"a\": 3.9300000000000002, \"b\": [1e-7, -0, 1E400], \"c\": null} ".as_bytes());
        let value = value.unwrap();
        assert_eq!(value.member("a"), Ok(&Value::Number("3.9300000000000002".into())));
        let texts = ["1e-7", "-0", "1E400"].map(|text| Value::Number(text.into()));
        assert_eq!(value.list("b"), Ok(&texts[..]));
        assert_eq!(value.optional("c"), None);
    }

    #[test]
    fn what_strangers_send_is_called_what_it_is() {
        for (body, expected) in [
            ("", "it is empty"),
            ("  \n", "it is empty"),
            ("<!doctype html><p>", "it is an HTML page"),
            ("{\"a\":1", "it is cut off"),
            ("{\"a\":\"b", "it is cut off"),
            ("[1,", "it is cut off"),
            ("{\"a\":{\"b\":1,\"b\":2}}", "`b` occurs twice"),
            ("{\"a\":1,\"\\u0061\":2}", "`a` occurs twice"),
        ] {
            assert_eq!(why(body), expected, "{body}");
        }
        for body in [
            "Service Unavailable",
            "{\"a\":NaN}",
            "{\"a\":Infinity}",
            "{\"a\":01}",
            "{\"a\":.5}",
            "{\"a\":+1}",
            "{'a':1}",
            "{\"a\":1,}",
            "{} {}",
            "{\"a\":\"\\ud800\"}",
            "{\"\\udc00\":1}",
            "{\"a\":\"\u{1}\"}",
        ] {
            assert!(why(body).starts_with("it is not JSON"), "{body}: {}", why(body));
        }
        assert_eq!(why(b"\x1f\x8b\x08"), "it is not UTF-8");
        assert_eq!(why("[".repeat(1 << 20)), "it is cut off");
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(why(deep), "it is nested deeper than 16 levels");
        assert_eq!(why(format!("[{}1]", "1,".repeat(VALUE_LIMIT + 1))), "more than 250000 values");
        assert_eq!(why(vec![b' '; BODY_LIMIT + 1]), "more than 4194304 bytes");
    }
}
