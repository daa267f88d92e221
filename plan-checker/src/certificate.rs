//! The certificate as it is written. Every key is needed or named as optional; an unknown one is refused.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A whole number written as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Whole(pub i128);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number: i128 = text.parse().map_err(serde::de::Error::custom)?;
        // One way to write each number.
        if number.to_string() != text {
            return Err(serde::de::Error::custom(format!("`{text}` is not written as a whole number")));
        }
        Ok(Whole(number))
    }
}

/// A day, `2026-12-02`: in this form texts are in the order of days.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(String);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let shape = |(place, byte): (usize, u8)| {
            if matches!(place, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() }
        };
        if text.len() == 10 && text.bytes().enumerate().all(shape) {
            return Ok(Day(text));
        }
        Err(serde::de::Error::custom(format!("`{text}` is not written as a day")))
    }
}

impl Tariff {
    /// The first of its figures that is below zero, which none may be.
    pub fn below_zero(&self) -> Option<&'static str> {
        let own = [
            ("fixed", Some(self.fixed)),
            ("minimum", self.minimum),
            ("cap", self.cap),
            ("lifting", Some(self.lifting)),
            ("minimum_item", Some(self.minimum_item)),
            ("maximum_item", self.maximum_item),
            ("step", Some(self.step)),
            ("batch_fee", Some(self.batch_fee)),
        ];
        let bands =
            self.bands.iter().flat_map(|band| [("bands", Some(band.from)), ("bands", Some(band.fixed))]);
        own.into_iter()
            .chain(bands)
            .find(|(_, figure)| figure.is_some_and(|own| own.0 < 0))
            .map(|(key, _)| key)
    }

    /// Whether it is in force on a day.
    pub fn in_force(&self, day: &Day) -> bool {
        self.from <= *day && self.until.as_ref().is_none_or(|until| day <= until)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope<'a> {
    pub digest: String,
    #[serde(borrow)]
    pub body: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    pub format: String,
    pub plan: String,
    pub at: String,
    pub table: String,
    pub home: String,
    pub units: Whole,
    pub unpaid: Whole,
    pub exponents: BTreeMap<String, u32>,
    pub mids: BTreeMap<String, String>,
    pub routes: Vec<Tariff>,
    pub parts: Vec<Part>,
    pub cost: Whole,
    pub bound: Whole,
    pub gap: Whole,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tariff {
    pub name: String,
    pub source: String,
    pub target: String,
    pub fixed: Whole,
    pub percent: String,
    pub minimum: Option<Whole>,
    pub cap: Option<Whole>,
    pub rounding: Rounding,
    pub fee_of: FeeOf,
    pub bearer: Bearer,
    pub lifting: Whole,
    pub spread_bps: u32,
    pub minimum_item: Whole,
    pub maximum_item: Option<Whole>,
    pub step: Whole,
    pub batch_size: Option<u32>,
    pub batch_fee: Whole,
    pub from: Day,
    pub until: Option<Day>,
    pub bands: Vec<Band>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    pub from: Whole,
    pub fixed: Whole,
    pub percent: String,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    HalfUp,
    HalfEven,
    Up,
    Down,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum FeeOf {
    Sent,
    Gross,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
pub enum Bearer {
    #[serde(rename = "DEBT")]
    Debtor,
    #[serde(rename = "CRED")]
    Creditor,
    #[serde(rename = "SHAR")]
    Shared,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    pub resources: Vec<Resource>,
    pub suppliers: Vec<Supplier>,
    pub nodes: Vec<Node>,
    pub prices: Vec<Whole>,
    pub root: Whole,
    pub cost: Whole,
    pub bound: Whole,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Resource {
    Account {
        name: String,
        currency: String,
        available: Whole,
        top_ups: Vec<TopUp>,
    },
    Batches {
        route: usize,
        account: usize,
        #[serde(default)]
        through: Option<String>,
    },
    Heads {
        account: usize,
    },
    Unpaid {
        currency: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopUp {
    pub fixed: Whole,
    pub spread_bps: u32,
    pub limit: Whole,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Supplier {
    pub supplier: String,
    pub currency: String,
    pub net: Whole,
    pub later: Whole,
    #[serde(default)]
    pub bearer: Option<Bearer>,
    #[serde(default)]
    pub through: Option<String>,
    pub alternatives: Vec<Alternative>,
    pub chosen: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alternative {
    pub route: Option<usize>,
    #[serde(default)]
    pub account: Option<usize>,
    /// Which of the supplier's accounts is paid to, where it has several.
    #[serde(default)]
    pub payee: Option<String>,
    #[serde(default)]
    pub waits: Option<String>,
    #[serde(default)]
    pub all: Option<Whole>,
    #[serde(default)]
    pub instructed: Option<Day>,
    pub items: Vec<(u32, Whole)>,
    pub fee: Whole,
    pub debit: Whole,
    pub cost: Whole,
    #[serde(default)]
    pub ruled_out: Option<String>,
    #[serde(default)]
    pub not_taken: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Node {
    Modes {
        resource: usize,
        at: usize,
        low: usize,
        high: usize,
    },
    Choice {
        supplier: usize,
        choice: usize,
        take: usize,
        leave: usize,
    },
    Apart {
        prices: BTreeMap<String, Whole>,
        blocks: BTreeMap<String, usize>,
        bound: Whole,
    },
    Narrow {
        prices: Vec<Whole>,
        at_least: Whole,
        rest: usize,
    },
    Leaf {
        prices: Vec<Whole>,
        bound: Whole,
        #[serde(default)]
        at_least: Option<Whole>,
        #[serde(default)]
        table: Option<Table>,
    },
}

/// Over an account's money in classes, and counts of which so many numbers are told apart.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    pub account: usize,
    pub counts: Vec<(usize, usize)>,
    pub width: Whole,
    pub classes: usize,
}
