//! What the readers share: one sheet of rates while it is read, what can be wrong with it, and its times.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, Utc};
use rust_decimal::Decimal;

use crate::calendar::market_time;
use crate::json::Value;
use crate::number::read_number_per;
use crate::{Code, SourceError};

/// What is wrong with an answer, before it is said whose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// It is not what it should be.
    Malformed(String),
    /// It is a refusal.
    Refused(Refusal),
}

/// No, in a source's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub code: String,
    pub message: String,
}

impl Flaw {
    pub fn new(why: impl Into<String>) -> Flaw {
        Flaw::Malformed(why.into())
    }

    /// The same, with the source's name.
    pub fn of(self, source_name: &'static str) -> SourceError {
        match self {
            Flaw::Malformed(why) => SourceError::Malformed { source_name, why: one_line(&why) },
            Flaw::Refused(Refusal { code, message }) => SourceError::Refused { source_name, code, message },
        }
    }
}

impl Refusal {
    pub fn new(code: &str, message: &str) -> Refusal {
        Refusal { code: one_line(code), message: one_line(message) }
    }
}

/// A stranger's words as one short line.
fn one_line(words: &str) -> String {
    let clean: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// One base and what it buys (or what the others cost in it).
#[derive(Debug)]
pub(crate) struct Sheet {
    pub base: Code,
    rates: BTreeMap<Code, Decimal>,
}

impl Sheet {
    pub fn new(base: Code) -> Sheet {
        Sheet { base, rates: BTreeMap::new() }
    }

    /// A sheet of an object of codes and rates. Coins and funds whose names are no codes ([`is_ticker`]) are passed over:
    /// they are none of the currencies anybody asked for.
    pub fn of(base: Code, members: &BTreeMap<String, Value>) -> Result<Sheet, Flaw> {
        let mut sheet = Sheet::new(base);
        for (name, value) in members.iter().filter(|(name, _)| !is_ticker(name)) {
            sheet.enter(name, rate(name, value))?;
        }
        Ok(sheet)
    }

    /// Adds a rate as it was read. A wrong one refuses the whole sheet, but not that of money which is no more: inflation
    /// ate it and a successor replaced it, and some sources carry it on at hundreds of billions to the euro.
    pub fn enter(&mut self, name: &str, read: Result<Decimal, Flaw>) -> Result<(), Flaw> {
        match read {
            Err(_) if matches!(name, "VEB" | "VEF" | "ZWC" | "ZWD" | "ZWN" | "ZWR" | "ZWL") => Ok(()),
            read => self.add(code(name)?, read?),
        }
    }

    /// Adds a rate. The base's own is left out after a look: it has to be one.
    pub fn add(&mut self, code: Code, rate: Decimal) -> Result<(), Flaw> {
        if code == self.base {
            return match rate == Decimal::ONE {
                true => Ok(()),
                false => Err(Flaw::new(format!("1 {code} is said to be {rate} {code}"))),
            };
        }
        match self.rates.insert(code, rate) {
            None => Ok(()),
            Some(_) => Err(Flaw::new(format!("{code} occurs twice"))),
        }
    }

    /// The rates; at least one.
    pub fn close(self) -> Result<BTreeMap<Code, Decimal>, Flaw> {
        match self.rates.is_empty() {
            true => Err(Flaw::new("it holds no rate")),
            false => Ok(self.rates),
        }
    }
}

/// Whether a name is that of a coin or fund rather than a currency: `USDT`, `AVAX`, `VEF_BLKMKT`.
pub(crate) fn is_ticker(name: &str) -> bool {
    let ticker = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    (4..=16).contains(&name.len()) && name.bytes().all(ticker)
}

/// A currency code.
pub(crate) fn code(text: &str) -> Result<Code, Flaw> {
    Code::parse(text).map_err(|error| Flaw::new(error.to_string()))
}

/// The rate of `name`, a JSON number.
pub(crate) fn rate(name: &str, value: &Value) -> Result<Decimal, Flaw> {
    rate_per(name, value, 0)
}

/// The same per 10^`power` units.
pub(crate) fn rate_per(name: &str, value: &Value, power: u32) -> Result<Decimal, Flaw> {
    match value {
        Value::Number(text) => decimal(name, text, power),
        other => Err(Flaw::new(format!("{name} has the rate {}", kind(other)))),
    }
}

/// The rate of `name` from a text.
pub(crate) fn decimal(name: &str, text: &str, power: u32) -> Result<Decimal, Flaw> {
    read_number_per(text, power).map_err(|error| {
        let (name, text): (String, String) =
            (name.chars().take(16).collect(), text.chars().take(32).collect());
        Flaw::new(format!("{name} has the rate `{text}`, which {error}"))
    })
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "of true or false",
        Value::Number(_) => "of a number",
        Value::Text(_) => "of a text",
        Value::List(_) => "of a list",
        Value::Object(_) => "of an object",
    }
}

/// The source's own middle, or where it gives none the exact middle of bid and ask (which may have a digit more). The
/// middle lies between them.
pub(crate) fn middle(
    name: &str,
    bid: Option<Decimal>,
    mid: Option<Decimal>,
    ask: Option<Decimal>,
) -> Result<Decimal, Flaw> {
    let mid = match (mid, bid, ask) {
        (Some(mid), ..) => mid,
        (None, Some(bid), Some(ask)) => (bid + ask) * Decimal::new(5, 1),
        _ => return Err(Flaw::new(format!("{name} has no rate"))),
    };
    match bid.is_none_or(|bid| bid <= mid) && ask.is_none_or(|ask| mid <= ask) {
        true => Ok(mid),
        false => Err(Flaw::new(format!("{name} has a middle outside bid and ask"))),
    }
}

/// A date as `YYYY-MM-DD`, no more than two days ahead of `fetched_at`: a bank in the east may already write tomorrow.
pub(crate) fn date(text: &str, fetched_at: DateTime<Utc>) -> Result<NaiveDate, Flaw> {
    let day = Some(text)
        .filter(|text| text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'))
        .and_then(|text| text.parse::<NaiveDate>().ok());
    let day = day.ok_or_else(|| {
        let text: String = text.chars().take(16).collect();
        Flaw::new(format!("`{text}` is not a date"))
    })?;
    known(day, fetched_at).map(|()| day)
}

/// A point in time that was told, no more than two days ahead.
pub(crate) fn moment(at: DateTime<Utc>, fetched_at: DateTime<Utc>) -> Result<DateTime<Utc>, Flaw> {
    known(at.date_naive(), fetched_at).map(|()| at)
}

/// The point in time `name` in seconds since 1970.
pub(crate) fn unix(value: &Value, name: &str, fetched_at: DateTime<Utc>) -> Result<DateTime<Utc>, Flaw> {
    let at = DateTime::from_timestamp(value.integer(name)?, 0);
    moment(at.ok_or_else(|| Flaw::new(format!("`{name}` is no point in time")))?, fetched_at)
}

fn known(day: NaiveDate, fetched_at: DateTime<Utc>) -> Result<(), Flaw> {
    let horizon = fetched_at.date_naive() + Days::new(2);
    if day > horizon {
        return Err(Flaw::new(format!("{day} lies ahead")));
    }
    // No source here reaches further back; a zero or a clock in other units shows.
    match Some(day) < NaiveDate::from_ymd_opt(1999, 1, 1) {
        true => Err(Flaw::new(format!("{day} lies before any rate"))),
        false => Ok(()),
    }
}

/// When the market was where the numbers say that were published at `at`: not after they were read, not while it is
/// closed.
pub(crate) fn market(at: DateTime<Utc>, fetched_at: DateTime<Utc>) -> DateTime<Utc> {
    market_time(at.min(fetched_at))
}
