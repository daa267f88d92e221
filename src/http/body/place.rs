//! A node of a body's tree as a deserializer that keeps the way to it.

use serde::Deserialize as _;
use serde::de::value::StringDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde_json::Value;

use crate::http::misread::{Fault, Step};
use crate::http::wire::MoneyIn;

/// A node of the tree, as a deserializer that keeps the path.
#[derive(Clone, Copy)]
pub(super) struct Place<'a>(pub &'a Value);

impl<'a, 'de> Deserializer<'de> for Place<'a> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(flag) => visitor.visit_bool(*flag),
            // PostgreSQL cannot hold it, and no honest text has it.
            Value::String(text) if text.contains('\0') => Err(Fault::custom("a text cannot hold U+0000")),
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

    /// Serde would also read a list, as the fields in their order: a name left out could not be seen there.
    /// An amount of a noun's own type knows what is wrong but not the API's code for it: it is read once more as ours.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if self.0.is_array() || self.0.is_null() {
            let words = format!("an object belongs here; known are {}", fields.join(", "));
            return Err(Fault::custom(words));
        }
        let read = self.deserialize_any(visitor);
        if fields == ["amount", "currency"] && name != "ApiMoney" {
            MoneyIn::deserialize(self)?;
        }
        read
    }

    super::tree::forward_scalars! { str string seq identifier }
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
        if name.contains('\0') {
            return Err(Fault::custom("a name cannot hold U+0000"));
        }
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
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        Place(self.0.value).deserialize_struct("", fields, visitor).map_err(|fault| fault.below(self.step()))
    }
}
