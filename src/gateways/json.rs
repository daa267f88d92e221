//! Strict JSON for what comes from outside.
//!
//! A signature is over bytes, the business reads values: both must see the same thing. So a body with a doubled member
//! name is refused (parsers disagree on which one counts), as are lone surrogates, a byte order mark, numbers beyond
//! what can be held, nesting deeper than 32 and anything after the end. Unknown members are tolerated: gateways add
//! some without notice. Amounts are read by the wire types as text or as `i64`, never as a floating number.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};

const DEPTH: u8 = 32;

/// Why a body is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

/// Reads `bytes` as `T` after [`check`].
///
/// # Errors
/// [`Unreadable`], with the place but never the content.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Unreadable> {
    check(bytes)?;
    serde_json::from_slice(bytes).map_err(|error| {
        let text = error.to_string();
        // A member's name is ours. Any other fault of shape quotes the value, which may be somebody's name or secret.
        let ours = text.starts_with("missing field");
        let place = || format!("a value of another kind at line {} column {}", error.line(), error.column());
        Unreadable(if ours { text } else { place() })
    })
}

/// Refuses what two parsers could read differently.
///
/// # Errors
/// [`Unreadable`].
pub fn check(bytes: &[u8]) -> Result<(), Unreadable> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    Strict { depth: 0 }
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end())
        .map_err(|error| Unreadable(error.to_string()))
}

/// Walks one value; keeps nothing but the names of the object it is in.
#[derive(Clone, Copy)]
struct Strict {
    depth: u8,
}

impl Strict {
    fn deeper<E: serde::de::Error>(self) -> Result<Strict, E> {
        if self.depth == DEPTH {
            return Err(E::custom("nested deeper than 32"));
        }
        Ok(Strict { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = ();
    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        while items.next_element_seed(inner)?.is_some() {}
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if !names.insert(name) {
                return Err(A::Error::custom("a member name occurs twice"));
            }
            members.next_value_seed(inner)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_two_parsers_read_differently() {
        let deep = format!("{}1{}", "[".repeat(33), "]".repeat(33));
        let bottomless = "[".repeat(200_000);
        for (why, body) in [
            ("doubled", r#"{"amount":1,"amount":100}"#),
            ("doubled by escape", r#"{"amount":1,"\u0061mount":100}"#),
            ("doubled within", r#"{"a":[{"b":1,"b":1}]}"#),
            ("byte order mark", "\u{feff}{}"),
            ("lone surrogate", r#"{"a":"\ud800"}"#),
            ("lone surrogate in a name", r#"{"\udc00":1}"#),
            ("number beyond reach", r#"{"a":1e400}"#),
            ("second value", r#"{} {}"#),
            ("comment", r#"{/* */}"#),
            ("cut short", r#"{"a":"#),
            ("control character", "{\"a\":\"\u{1}\"}"),
            ("empty", ""),
            ("deep", &deep),
            ("bottomless", &bottomless),
        ] {
            assert!(check(body.as_bytes()).is_err(), "{why}");
        }
        assert!(check(b"{\"a\":\"\xff\"}").is_err(), "not UTF-8");
    }

    #[test]
    fn tolerates_unknown_members_and_the_same_name_on_two_levels() {
        #[derive(serde::Deserialize, Debug, PartialEq)]
        struct Wire {
            amount: i64,
        }
        let body = br#"{"amount":9007199254740993,"new":{"amount":null,"list":[1,2.5,true,"x"]}}"#;
        assert_eq!(read::<Wire>(body), Ok(Wire { amount: 9_007_199_254_740_993 }));
        assert!(read::<Wire>(br#"{"amount":1.5}"#).is_err(), "an integer is never read from a float");
    }

    #[test]
    fn a_fault_names_its_place_and_never_the_content() {
        #[derive(serde::Deserialize, Debug)]
        struct Wire {
            #[expect(dead_code, reason = "only the reading is tested")]
            amount: i64,
        }
        let fault = |body: &str| read::<Wire>(body.as_bytes()).unwrap_err().to_string();
        assert_eq!(fault(r#"{"amount":"Somchai"}"#), "a value of another kind at line 1 column 19");
        assert_eq!(fault("{}"), "missing field `amount` at line 1 column 2");
    }
}
