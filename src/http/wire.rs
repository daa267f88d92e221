//! The values of the API's bodies and how they are read: amounts, ids, currencies with a code for each fault.
//!
//! Answers are written by the nouns' own `Serialize`; these types exist for what comes in, where every fault needs its
//! code and amounts are above zero unless a field says otherwise.

use std::borrow::Cow;
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, Utc};
use rust_decimal::Decimal;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;
use utoipa::openapi::schema::{ObjectBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::country::Country;
use crate::domain::merchants::is_account_name;
use crate::flows::price::TOKEN_PREFIX;
use crate::ids::{Id, IdError, QuoteId, parse_id};
use crate::money::{Currency, Money, MoneyError};

use crate::store::Seek;

use super::misread::coded;
use super::problem::{Code, Problem};
use super::schemas::{ListObject, text};

/// `{"amount":"12.34","currency":"SGD"}`, zero or above.
#[derive(Debug, Clone, Copy)]
pub struct MoneyIn(pub Money);

impl<'de> Deserialize<'de> for MoneyIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields, expecting = "an object with `amount` and `currency`")]
        struct ApiMoney {
            amount: AmountIn,
            currency: CurrencyIn,
        }
        let wire = ApiMoney::deserialize(deserializer)?;
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
        AmountText::deserialize(deserializer).map(|text| AmountIn(text.0.0.into_owned()))
    }
}

/// The same, where it stands in the body.
#[derive(Debug)]
pub struct AmountText<'a>(pub Text<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for AmountText<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?;
        if !Money::is_plain(&text.0) || text.0.len() > 40 {
            let shown: String = text.0.chars().take(40).collect();
            return Err(coded(
                Code::InvalidAmount,
                "",
                format_args!(
                    "`{shown}` is not an amount; write digits with an optional decimal point, such as \"12.34\""
                ),
            ));
        }
        Ok(AmountText(text))
    }
}

/// A text that stays where it stands in the body, unless something in it is escaped.
#[derive(Debug)]
pub struct Text<'a>(pub Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InPlace;
        impl<'de> serde::de::Visitor<'de> for InPlace {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
            fn visit_string<E>(self, text: String) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text)))
            }
        }
        deserializer.deserialize_str(InPlace)
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
        /// Reads the code where it stands, without a copy.
        struct CodeText;
        impl serde::de::Visitor<'_> for CodeText {
            type Value = CurrencyIn;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<CurrencyIn, E> {
                let found = Currency::from_str(text).map(CurrencyIn);
                found.map_err(|error| coded(Code::UnknownCurrency, "", error))
            }
        }
        deserializer.deserialize_str(CodeText)
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

/// A promised price: the id of a stored quote, or a token that stands for one.
#[derive(Debug, Clone)]
pub enum QuoteIn {
    /// Stored.
    Id(QuoteId),
    /// Signed; not verified yet.
    Token(String),
}

impl<'de> Deserialize<'de> for QuoteIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        // No id has forty letters, and no token as few, however it was written off.
        if text.starts_with(TOKEN_PREFIX) || text.len() > 40 {
            return Ok(QuoteIn::Token(text.into_owned()));
        }
        parse_id(&text).map(QuoteIn::Id).map_err(|error| {
            let code = Problem::from(error.clone()).code();
            coded(code, "", error)
        })
    }
}

/// A text that must not be seen again.
#[derive(Debug)]
pub struct SecretIn(pub SecretString);

impl<'de> Deserialize<'de> for SecretIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| SecretIn(SecretString::from(text)))
    }
}

/// Reads an id out of a path or query.
///
/// # Errors
/// `wrong_id_type`, `malformed_id` at `param`.
pub fn id<T: Id>(param: &str, text: &str) -> Result<T, Problem> {
    parse_id(text).map_err(|error| Problem::from(error).at(param))
}

/// Reads an id out of a path: one of another kind is an error of the caller's, one that is no id is not found.
///
/// # Errors
/// `wrong_id_type`, `not_found`.
pub fn path_id<T: Id>(text: &str, what: &str) -> Result<T, Problem> {
    parse_id(text).map_err(|error| match error {
        IdError::WrongType { .. } => Problem::from(error).at("id"),
        IdError::Malformed { .. } => Problem::not_found(what),
    })
}

/// A name for people: 1 to 100 characters, none of them a control or direction character.
///
/// # Errors
/// `invalid_body` at `param`.
pub fn label(param: &str, text: String) -> Result<String, Problem> {
    let turns = |letter: char| matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{feff}');
    let fine = !text.trim().is_empty()
        && text.chars().count() <= 100
        && !text.chars().any(|letter| letter.is_control() || turns(letter));
    if fine {
        return Ok(text);
    }
    let detail = "1 to 100 characters without control and direction characters belong here";
    Err(Problem::new(Code::InvalidBody, detail).at(param))
}

/// A tax number: 1 to 35 letters, digits and signs of ASCII, as camt.053 has room for.
///
/// # Errors
/// `invalid_body` at `param`.
pub fn tax_number(param: &str, text: String) -> Result<String, Problem> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b" -./".contains(&byte);
    if (1..=35).contains(&text.len()) && text.trim() == text && text.bytes().all(fits) {
        return Ok(text);
    }
    let detail = "a tax number has 1 to 35 letters, digits, blanks and - . / between them";
    Err(Problem::new(Code::InvalidBody, detail).at(param))
}

/// A country of ISO 3166 that the table knows.
///
/// # Errors
/// `invalid_body` at `param`.
pub fn country(param: &str, text: String) -> Result<String, Problem> {
    let known = Country::find(&text);
    known.map_err(|error| Problem::new(Code::InvalidBody, error.to_string()).at(param))?;
    Ok(text)
}

/// A browser's origin: scheme, host and perhaps a port, nothing behind.
///
/// # Errors
/// `invalid_body` at `param`.
pub fn origin(param: &str, text: String) -> Result<String, Problem> {
    let exact = url::Url::parse(&text).is_ok_and(|url| url.origin().ascii_serialization() == text);
    if exact && (text.starts_with("https://") || text.starts_with("http://")) {
        return Ok(text);
    }
    Err(Problem::new(Code::InvalidBody, "an origin looks like https://shop.example, with nothing behind it")
        .at(param))
}

/// The number of an account: 4 to 64 printable characters.
///
/// # Errors
/// `invalid_body` at `param`, without the number.
pub fn account_number(param: &str, SecretIn(number): SecretIn) -> Result<SecretString, Problem> {
    let text = number.expose_secret();
    if (4..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return Ok(number);
    }
    Err(Problem::new(Code::InvalidBody, "4 to 64 printable ASCII characters belong here").at(param))
}

/// The name of an account in the books: small letters, digits and hyphens.
///
/// # Errors
/// `invalid_body` at `param`.
pub fn account_name(param: &str, text: String) -> Result<String, Problem> {
    if is_account_name(&text) {
        return Ok(text);
    }
    let detail = "1 to 40 small letters, digits and hyphens belong here, no hyphen at either end";
    Err(Problem::new(Code::InvalidBody, detail).at(param))
}

/// Names of accounts, each once.
///
/// # Errors
/// `invalid_body` at the place of the first that is none or occurs before.
pub fn names(param: &str, texts: Vec<String>) -> Result<Vec<String>, Problem> {
    if texts.len() > 100 {
        return Err(Problem::new(Code::InvalidBody, "at most 100 names belong here").at(param));
    }
    for (index, text) in texts.iter().enumerate() {
        let place = format!("{param}[{index}]");
        if texts[..index].contains(text) {
            return Err(Problem::new(Code::InvalidBody, format!("`{text}` occurs twice")).at(place));
        }
        if text.is_empty() || text.len() > 100 {
            return Err(Problem::new(Code::InvalidBody, "the name of an account belongs here").at(place));
        }
    }
    Ok(texts)
}

/// Rows of a page: 1 to 100, 20 when nothing is asked.
///
/// # Errors
/// `invalid_parameter` at `limit`.
pub fn limit(text: Option<&str>) -> Result<usize, Problem> {
    let Some(text) = text else { return Ok(20) };
    text.parse().ok().filter(|limit| (1..=100).contains(limit)).ok_or_else(|| {
        Problem::new(Code::InvalidParameter, "`limit` is a whole number from 1 to 100").at("limit")
    })
}

/// RFC 3339 in UTC with a `Z`, to the microsecond where there is one.
pub fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    #[schema(inline, value_type = ListObject)]
    object: &'static str,
    /// The rows.
    pub data: Vec<T>,
    /// Whether more lie beyond the last.
    pub has_more: bool,
}

impl<T> Page<T> {
    /// From rows that are the page.
    pub fn whole(rows: Vec<T>, has_more: bool) -> Page<T> {
        Page { object: "list", data: rows, has_more }
    }

    /// From rows in reading order, one more than the page holds or fewer; the page is in the list's order.
    pub fn of<K>(mut rows: Vec<T>, limit: usize, seek: &Seek<K>) -> Page<T> {
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        if seek.is_backwards() {
            rows.reverse();
        }
        Page { object: "list", data: rows, has_more }
    }
}

impl PartialSchema for MoneyIn {
    fn schema() -> RefOr<Schema> {
        let object = ObjectBuilder::new()
            .property("amount", AmountIn::schema())
            .required("amount")
            .property("currency", Ref::from_schema_name("Currency"))
            .required("currency")
            .additional_properties(Some(utoipa::openapi::schema::AdditionalProperties::FreeForm(false)))
            .examples([json!({"amount": "12.34", "currency": "SGD"})]);
        RefOr::T(Schema::Object(object.build()))
    }
}

impl ToSchema for MoneyIn {
    fn name() -> Cow<'static, str> {
        "MoneyInput".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push(("Currency".to_owned(), Currency::schema()));
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
