//! The values of the API's bodies and how they are read: amounts, ids, currencies with a code for each fault.
//!
//! Answers are written by the nouns' own `Serialize`; these types exist for what comes in, where every fault needs its
//! code and amounts are above zero unless a field says otherwise.

use std::borrow::Cow;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::ids::{Id, parse_id};
use crate::money::{Currency, Money, MoneyError};

use super::body::coded;
use super::problem::{Code, Problem};

/// `{"amount":"12.34","currency":"SGD"}`, zero or above.
#[derive(Debug, Clone, Copy)]
pub struct MoneyIn(pub Money);

impl<'de> Deserialize<'de> for MoneyIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Wire {
            amount: AmountIn,
            currency: CurrencyIn,
        }
        let wire = Wire::deserialize(deserializer)?;
        let currency = wire.currency.0;
        Money::parse(&wire.amount.0, currency)
            .map(MoneyIn)
            .map_err(|error| coded(code_of(&error), "amount", error))
    }
}

fn code_of(error: &MoneyError) -> Code {
    Problem::from(error.clone()).code()
}

/// A decimal amount as text, zero or above, whose currency stands elsewhere.
#[derive(Debug, Clone)]
pub struct AmountIn(pub String);

impl<'de> Deserialize<'de> for AmountIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let plain = match text.split_once('.') {
            None => digits(&text),
            Some((whole, fraction)) => digits(whole) && digits(fraction),
        };
        if !plain || text.len() > 40 {
            let shown: String = text.chars().take(40).collect();
            return Err(coded(
                Code::InvalidAmount,
                "",
                format_args!(
                    "`{shown}` is not an amount; write digits with an optional decimal point, such as \"12.34\""
                ),
            ));
        }
        Ok(AmountIn(text.into_owned()))
    }
}

impl AmountIn {
    /// With its currency.
    ///
    /// # Errors
    /// `too_precise`, `amount_too_large`.
    pub fn in_currency(&self, currency: Currency) -> Result<Money, Problem> {
        Ok(Money::parse(&self.0, currency)?)
    }

    /// As a plain decimal: a percentage or a rate.
    ///
    /// # Errors
    /// `invalid_amount` beyond 28 digits.
    pub fn decimal(&self) -> Result<Decimal, Problem> {
        Decimal::from_str_exact(&self.0)
            .map_err(|_| Problem::new(Code::InvalidAmount, "the number has more than 28 digits"))
    }
}

/// An alphabetic code of ISO 4217.
#[derive(Debug, Clone, Copy)]
pub struct CurrencyIn(pub Currency);

impl<'de> Deserialize<'de> for CurrencyIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        Currency::from_str(&text).map(CurrencyIn).map_err(|error| coded(Code::UnknownCurrency, "", error))
    }
}

/// An id of one kind.
#[derive(Debug, Clone, Copy)]
pub struct IdIn<T>(pub T);

impl<'de, T: Id> Deserialize<'de> for IdIn<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        parse_id(&text).map(IdIn).map_err(|error| {
            let code = Problem::from(error.clone()).code();
            coded(code, "", error)
        })
    }
}

/// Reads an id out of a path or query.
///
/// # Errors
/// `wrong_id_type`, `malformed_id` at `param`.
pub fn id<T: Id>(param: &str, text: &str) -> Result<T, Problem> {
    parse_id(text).map_err(|error| Problem::from(error).at(param))
}

/// A page of a list.
#[derive(Debug, Serialize)]
pub struct Page<T> {
    object: &'static str,
    /// The rows.
    pub data: Vec<T>,
    /// Whether more lie beyond the last.
    pub has_more: bool,
}

impl<T> Page<T> {
    /// From one row more than the page holds, or fewer.
    pub fn of(mut rows: Vec<T>, limit: usize) -> Page<T> {
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        Page { object: "list", data: rows, has_more }
    }
}

fn text(example: &str, pattern: &str, words: &str) -> RefOr<Schema> {
    let schema = ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .pattern(Some(pattern))
        .examples([json!(example)])
        .description(Some(words));
    RefOr::T(Schema::Object(schema.build()))
}

impl PartialSchema for MoneyIn {
    fn schema() -> RefOr<Schema> {
        let object = ObjectBuilder::new()
            .property("amount", AmountIn::schema())
            .required("amount")
            .property("currency", CurrencyIn::schema())
            .required("currency")
            .additional_properties(Some(utoipa::openapi::schema::AdditionalProperties::FreeForm(false)))
            .examples([json!({"amount": "12.34", "currency": "SGD"})]);
        RefOr::T(Schema::Object(object.build()))
    }
}

impl ToSchema for MoneyIn {
    fn name() -> Cow<'static, str> {
        "Money".into()
    }
}

impl PartialSchema for AmountIn {
    fn schema() -> RefOr<Schema> {
        text("12.34", r"^[0-9]+(\.[0-9]+)?$", "A decimal as a string, with at most the currency's decimals.")
    }
}

impl ToSchema for AmountIn {
    fn name() -> Cow<'static, str> {
        "Amount".into()
    }
}

impl PartialSchema for CurrencyIn {
    fn schema() -> RefOr<Schema> {
        text("SGD", "^[A-Z]{3}$", "An alphabetic code of ISO 4217.")
    }
}

impl ToSchema for CurrencyIn {
    fn name() -> Cow<'static, str> {
        "Currency".into()
    }
}

impl<T: Id> PartialSchema for IdIn<T> {
    fn schema() -> RefOr<Schema> {
        let example = T::from_bits(0x019a_c8e0_0000_7000_8000_0000_0000_0001).to_string();
        text(&example, &format!("^{}_[0-9a-hjkmnp-tv-z]{{26}}$", T::PREFIX), "An id as it was answered.")
    }
}

impl<T: Id> ToSchema for IdIn<T> {
    fn name() -> Cow<'static, str> {
        format!("{}_id", T::PREFIX).into()
    }
}
