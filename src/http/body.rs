//! Strict JSON bodies: what was sent is understood whole, or refused with the place and a code.
//!
//! Refused: bodies over the limit or sent too slowly, `Content-Encoding`, another `Content-Type`, anything after the
//! document, doubled names, unknown fields, numbers where an amount belongs. [`read`] first builds the tree (which is
//! where doubled names show), then deserialises from it, adding the path on the way up: `splits[1].share.percent`.

use std::fmt;

use serde::Deserialize as _;
use serde::de::value::StringDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer,
    MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
};
use serde_json::{Map, Value};

use super::problem::{Code, Problem};
use super::wire::MoneyIn;

/// Separates a code from its words in an error raised by a wire type, see [`coded`].
const MARK: char = '\u{1f}';

/// An error for a wire type's `Deserialize` that carries its code to the answer; `field` names the part of the value
/// that is at fault, or is empty.
pub fn coded<E: de::Error>(code: Code, field: &str, detail: impl fmt::Display) -> E {
    E::custom(format_args!("{}{MARK}{field}{MARK}{detail}", code.as_str()))
}

/// Reads a body.
///
/// # Errors
/// A [`Problem`] with code, place and words.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    from_tree(&tree(bytes)?)
}

/// The tree of a body, without doubled names.
///
/// # Errors
/// `invalid_json`, `duplicate_field`.
pub fn tree(bytes: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice::<Tree>(bytes).map(|tree| tree.0).map_err(|error| {
        let text = error.to_string();
        match text.split_once(MARK) {
            Some((name, place)) => {
                let detail = format!("`{name}` occurs twice in one object{place}");
                Problem::new(Code::DuplicateField, detail).at(name)
            }
            None => Problem::new(Code::InvalidJson, text),
        }
    })
}

/// Reads a tree.
///
/// # Errors
/// As [`read`].
pub fn from_tree<T: DeserializeOwned>(tree: &Value) -> Result<T, Problem> {
    T::deserialize(Place(tree)).map_err(Fault::into_problem)
}

/// A fault and the way to it, innermost step first.
#[derive(Debug)]
struct Fault {
    code: Code,
    detail: String,
    path: Vec<Step>,
    numeric: bool,
}

#[derive(Debug)]
enum Step {
    Field(String),
    Item(usize),
}

impl Fault {
    fn new(code: Code, detail: String) -> Fault {
        Fault { code, detail, path: vec![], numeric: false }
    }

    /// An id of a noun's own type: its words are [`crate::ids::IdError`]'s, which tell another kind from no id at all.
    fn of_id(self, value: &Value) -> Fault {
        let kinds = ["expected an id that begins with", "expected `"];
        if self.code != Code::InvalidBody || !value.is_string() || !self.path.is_empty() {
            return self;
        }
        match kinds.map(|words| self.detail.starts_with(words)) {
            [true, _] => Fault { code: Code::WrongIdType, ..self },
            [_, true] => Fault { code: Code::MalformedId, ..self },
            _ => self,
        }
    }

    fn below(mut self, step: Step) -> Fault {
        self.path.push(step);
        self
    }

    fn into_problem(self) -> Problem {
        let mut param = String::new();
        for step in self.path.iter().rev() {
            match step {
                Step::Field(name) if param.is_empty() => param.push_str(name),
                Step::Field(name) => {
                    param.push('.');
                    param.push_str(name);
                }
                Step::Item(index) => param.push_str(&format!("[{index}]")),
            }
        }
        let amount = matches!(self.path.first(), Some(Step::Field(name)) if is_amount(name));
        let problem = if self.numeric && amount {
            let detail = "an amount is a string such as \"12.34\", never a JSON number";
            Problem::new(Code::AmountMustBeString, detail)
        } else {
            Problem::new(self.code, self.detail)
        };
        if param.is_empty() { problem } else { problem.at(param) }
    }
}

/// Fields that carry decimals as strings.
fn is_amount(name: &str) -> bool {
    ["amount", "fixed", "percent", "minimum", "cap", "rate", "tax"].contains(&name)
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(words: T) -> Fault {
        let text = words.to_string();
        let mut parts = text.splitn(3, MARK);
        match (parts.next().and_then(Code::find), parts.next(), parts.next()) {
            (Some(code), Some(""), Some(detail)) => Fault::new(code, detail.to_owned()),
            (Some(code), Some(field), Some(detail)) => {
                Fault::new(code, detail.to_owned()).below(Step::Field(field.to_owned()))
            }
            _ => Fault::new(Code::InvalidBody, text),
        }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Fault {
        let numeric = matches!(found, Unexpected::Float(_) | Unexpected::Signed(_) | Unexpected::Unsigned(_));
        Fault {
            numeric,
            ..Fault::new(Code::InvalidBody, format!("this is {found}, {expected} belongs here"))
        }
    }

    fn unknown_variant(given: &str, known: &'static [&'static str]) -> Fault {
        Fault::new(Code::InvalidBody, format!("`{given}` is none of {}", known.join(", ")))
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Fault {
        let detail = format!("`{field}` is not known here; known are {}", known.join(", "));
        Fault::new(Code::UnknownField, detail).below(Step::Field(field.to_owned()))
    }

    fn missing_field(field: &'static str) -> Fault {
        Fault::new(Code::MissingField, format!("`{field}` is missing")).below(Step::Field(field.to_owned()))
    }

    fn duplicate_field(field: &'static str) -> Fault {
        Fault::new(Code::DuplicateField, format!("`{field}` occurs twice"))
            .below(Step::Field(field.to_owned()))
    }
}

/// A node of the tree, as a deserializer that keeps the path.
#[derive(Clone, Copy)]
struct Place<'a>(&'a Value);

impl<'a, 'de> Deserializer<'de> for Place<'a> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(flag) => visitor.visit_bool(*flag),
            Value::String(text) => visitor.visit_str(text),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), ..) => visitor.visit_u64(number),
                (_, Some(number), _) => visitor.visit_i64(number),
                (.., Some(number)) => visitor.visit_f64(number),
                _ => Err(Fault::custom("the number cannot be held")),
            },
            Value::Array(items) => visitor.visit_seq(Items(items.iter().enumerate())),
            Value::Object(fields) => visitor.visit_map(Fields { left: fields.iter(), current: None }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.0 {
            Value::String(word) => visitor.visit_enum(word.as_str().into_deserializer()),
            Value::Object(fields) => match fields.iter().next() {
                Some((name, value)) if fields.len() == 1 => visitor.visit_enum(Variant { name, value }),
                _ => Err(Fault::custom("exactly one field belongs here")),
            },
            _ => Err(Fault::custom("a word or an object with one field belongs here")),
        }
    }

    /// An amount of a noun's own type knows what is wrong but not the API's code for it: it is read once more as ours.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let read = self.deserialize_any(visitor);
        if fields == ["amount", "currency"] && name != "ApiMoney" {
            MoneyIn::deserialize(self)?;
        }
        read
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq
        tuple tuple_struct map identifier ignored_any
    }
}

struct Items<'a>(std::iter::Enumerate<std::slice::Iter<'a, Value>>);

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some((index, value)) = self.0.next() else { return Ok(None) };
        seed.deserialize(Place(value)).map(Some).map_err(|fault| fault.below(Step::Item(index)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

struct Fields<'a> {
    left: serde_json::map::Iter<'a>,
    current: Option<(&'a String, &'a Value)>,
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        self.current = self.left.next();
        let Some((name, _)) = self.current else { return Ok(None) };
        seed.deserialize(StringDeserializer::<Fault>::new(name.clone())).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Fault> {
        let Some((name, value)) = self.current.take() else {
            return Err(Fault::custom("a value without a name"));
        };
        seed.deserialize(Place(value)).map_err(|fault| fault.of_id(value).below(Step::Field(name.clone())))
    }
}

struct Variant<'a> {
    name: &'a str,
    value: &'a Value,
}

impl<'a, 'de> EnumAccess<'de> for Variant<'a> {
    type Error = Fault;
    type Variant = VariantBody<'a>;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, VariantBody<'a>), Fault> {
        let name = seed.deserialize(self.name.into_deserializer())?;
        Ok((name, VariantBody(self)))
    }
}

struct VariantBody<'a>(Variant<'a>);

impl VariantBody<'_> {
    fn step(&self) -> Step {
        Step::Field(self.0.name.to_owned())
    }
}

impl<'de> VariantAccess<'de> for VariantBody<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        seed.deserialize(Place(self.0.value)).map_err(|fault| fault.below(self.step()))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        Place(self.0.value).deserialize_any(visitor).map_err(|fault| fault.below(self.step()))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        Place(self.0.value).deserialize_any(visitor).map_err(|fault| fault.below(self.step()))
    }
}

/// A JSON tree whose objects name each field once.
struct Tree(Value);

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::wire::{AmountIn, IdIn, MoneyIn};
    use crate::ids::SupplierId;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        amount: MoneyIn,
        #[serde(default)]
        splits: Vec<Split>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Split {
        supplier: IdIn<SupplierId>,
        share: Share,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    #[expect(dead_code, reason = "only that it is read counts here")]
    enum Share {
        Fixed(AmountIn),
        Remainder(bool),
    }

    #[test]
    fn every_fault_has_its_code_and_its_place() {
        let sup = "sup_01kaw000000000000000000000";
        let body =
            |rest: &str| format!(r#"{{"amount":{{"amount":"1.00","currency":"SGD"}},"splits":[{rest}]}}"#);
        let rows = [
            (
                r#"{"amount":{"amount":1.5,"currency":"SGD"}}"#.to_owned(),
                Code::AmountMustBeString,
                "amount.amount",
            ),
            (
                r#"{"amount":{"amount":1,"currency":"SGD"}}"#.to_owned(),
                Code::AmountMustBeString,
                "amount.amount",
            ),
            (r#"{"amount":5}"#.to_owned(), Code::AmountMustBeString, "amount"),
            (
                r#"{"amount":{"amount":"1.005","currency":"SGD"}}"#.to_owned(),
                Code::TooPrecise,
                "amount.amount",
            ),
            (
                r#"{"amount":{"amount":"1e3","currency":"SGD"}}"#.to_owned(),
                Code::InvalidAmount,
                "amount.amount",
            ),
            (
                r#"{"amount":{"amount":"1,000","currency":"SGD"}}"#.to_owned(),
                Code::InvalidAmount,
                "amount.amount",
            ),
            (
                r#"{"amount":{"amount":"１２","currency":"SGD"}}"#.to_owned(),
                Code::InvalidAmount,
                "amount.amount",
            ),
            (
                r#"{"amount":{"amount":"-1.00","currency":"SGD"}}"#.to_owned(),
                Code::InvalidAmount,
                "amount.amount",
            ),
            (
                r#"{"amount":{"amount":"1","currency":"sgd"}}"#.to_owned(),
                Code::UnknownCurrency,
                "amount.currency",
            ),
            (r#"{"amount":{"amount":"1"}}"#.to_owned(), Code::MissingField, "amount.currency"),
            (r#"{"amuont":"1"}"#.to_owned(), Code::UnknownField, "amuont"),
            (r#"{"amount":1,"amount":2}"#.to_owned(), Code::DuplicateField, "amount"),
            (r"{}".to_owned(), Code::MissingField, "amount"),
            (r#"{"amount""#.to_owned(), Code::InvalidJson, ""),
            (r"{} {}".to_owned(), Code::InvalidJson, ""),
            (
                body(&format!(r#"{{"supplier":"{sup}","share":{{"fixed":5}}}}"#)),
                Code::AmountMustBeString,
                "splits[0].share.fixed",
            ),
            (
                body(&format!(r#"{{"supplier":"{sup}","share":{{"fix":"5"}}}}"#)),
                Code::InvalidBody,
                "splits[0].share",
            ),
            (
                body(&format!(r#"{{"supplier":"{}"}}"#, sup.replace("sup", "pay"))),
                Code::WrongIdType,
                "splits[0].supplier",
            ),
            (body(r#"{"supplier":"sup_x"}"#), Code::MalformedId, "splits[0].supplier"),
        ];
        for (text, code, param) in rows {
            let problem = read::<Body>(text.as_bytes()).unwrap_err();
            let document = problem.document("", "", "");
            assert_eq!(problem.code(), code, "{text}: {problem}");
            assert_eq!(document["param"].as_str().unwrap_or(""), param, "{text}");
        }
    }

    #[test]
    fn the_nouns_own_types_get_the_same_codes() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Nouns {
            #[expect(dead_code, reason = "only the reading is tested")]
            amount: crate::money::Money,
            #[expect(dead_code, reason = "only the reading is tested")]
            supplier: SupplierId,
        }
        let rows = [
            (r#"{"amount":{"amount":"1.005","currency":"SGD"}}"#, Code::TooPrecise, "amount.amount"),
            (r#"{"amount":{"amount":1,"currency":"SGD"}}"#, Code::AmountMustBeString, "amount.amount"),
            (r#"{"amount":{"amount":"-1","currency":"SGD"}}"#, Code::InvalidAmount, "amount.amount"),
            (r#"{"amount":{"amount":"1","currency":"XXX"}}"#, Code::UnknownCurrency, "amount.currency"),
            (r#"{"supplier":"pay_01kaw000000000000000000000"}"#, Code::WrongIdType, "supplier"),
            (r#"{"supplier":"sup_x"}"#, Code::MalformedId, "supplier"),
        ];
        for (text, code, param) in rows {
            let problem = read::<Nouns>(text.as_bytes()).unwrap_err();
            let document = problem.document("", "", "");
            assert_eq!((problem.code(), document["param"].as_str()), (code, Some(param)), "{text}");
        }
    }

    #[test]
    fn a_whole_body_is_read() {
        let text = r#"{"amount":{"amount":"12.30","currency":"SGD"},"splits":[{"supplier":"sup_01kaw000000000000000000000","share":{"remainder":true}}]}"#;
        let body = read::<Body>(text.as_bytes()).unwrap();
        assert_eq!(body.amount.0.minor(), 1_230);
        assert!(matches!(body.splits[0].share, Share::Remainder(true)));
        assert_eq!(body.splits[0].supplier.0.to_string(), "sup_01kaw000000000000000000000");
    }
}
