//! A JSON tree whose objects name each field once.

use std::fmt;

use serde::de::{self, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::http::misread::MARK;

/// Every kind of number, and what no body asks for by name, is whatever stands there; so are the kinds named.
macro_rules! forward_scalars {
    ($($kinds:tt)*) => {
        serde::forward_to_deserialize_any! {
            $($kinds)* bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct
            tuple tuple_struct map ignored_any
        }
    };
}
pub(super) use forward_scalars;

/// A JSON tree whose objects name each field once.
pub(super) struct Tree(pub Value);

impl<'de> de::Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(TreeVisitor).map(Tree)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut tree = vec![];
        while let Some(Tree(item)) = items.next_element()? {
            tree.push(item);
        }
        Ok(Value::Array(tree))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut tree = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            if tree.contains_key(&name) {
                return Err(A::Error::custom(format_args!("{name}{MARK}")));
            }
            let Tree(value) = fields.next_value()?;
            tree.insert(name, value);
        }
        Ok(Value::Object(tree))
    }
}
