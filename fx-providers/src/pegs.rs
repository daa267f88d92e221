//! Currencies that are fixed to another by law or agreement: a factor that no market moves.
//!
//! The crate brings the type and the reading, not the table: which pegs hold is for whoever answers for the money to
//! say. A table is any text that serde reads, with one `peg` after another:
//!
//! ```
//! use fx_providers::{Code, pegs::PegTable};
//! let table: PegTable = toml::from_str(r#"
//!     [[peg]]
//!     currency = "MOP"
//!     anchor = "HKD"
//!     rate = "1.03"
//!     authority = "Monetary Authority of Macao"
//!     since = "1977-04-07"
//! "#)?;
//! assert_eq!(table.of(Code::parse("MOP")?).map(|peg| peg.rate.to_string()).as_deref(), Some("1.03"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A rate is a text: as a TOML or JSON number it would have passed through binary floating point, so a number is refused.
//! Refused too: an unknown field, a currency twice or fixed to itself, a circle, a peg without its authority.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::{Code, parse_rate};

/// One unit of the anchor is worth so many units of the currency.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Row")]
pub struct Peg {
    /// What is fixed …
    pub currency: Code,
    /// … to what.
    pub anchor: Code,
    /// Units of `currency` for one unit of `anchor`, exact.
    pub rate: Decimal,
    /// Whose word it is.
    pub authority: String,
    /// The day from which it holds, where the table says.
    pub since: Option<NaiveDate>,
}

/// All pegs, by currency.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Rows")]
pub struct PegTable(BTreeMap<Code, Peg>);

/// Why a table cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PegError {
    /// A code that is none.
    #[error(transparent)]
    Code(#[from] crate::CodeError),
    /// A rate that is none.
    #[error("the peg of {0} has no exact rate: write digits in quotes, above 0 and below 10^9")]
    Rate(Code),
    /// A day that is none.
    #[error("the peg of {0} holds since no date: write YYYY-MM-DD")]
    Since(Code),
    /// Nobody stands behind it.
    #[error("the peg of {0} names no authority")]
    Authority(Code),
    /// Fixed to two others.
    #[error("{0} is fixed twice")]
    Twice(Code),
    /// Fixed to itself, straight or by way of others.
    #[error("{0} is fixed to itself")]
    Circle(Code),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    currency: String,
    anchor: String,
    rate: String,
    authority: String,
    since: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows {
    peg: Vec<Peg>,
}

impl TryFrom<Row> for Peg {
    type Error = PegError;
    fn try_from(row: Row) -> Result<Peg, PegError> {
        let (currency, anchor) = (Code::parse(&row.currency)?, Code::parse(&row.anchor)?);
        let day = |text: String| text.parse().map_err(|_| PegError::Since(currency));
        if row.authority.trim().is_empty() {
            return Err(PegError::Authority(currency));
        }
        Ok(Peg {
            currency,
            anchor,
            rate: parse_rate(&row.rate).ok_or(PegError::Rate(currency))?,
            authority: row.authority,
            since: row.since.map(day).transpose()?,
        })
    }
}

impl TryFrom<Rows> for PegTable {
    type Error = PegError;
    fn try_from(rows: Rows) -> Result<PegTable, PegError> {
        PegTable::new(rows.peg)
    }
}

impl PegTable {
    /// From pegs.
    ///
    /// # Errors
    /// [`PegError::Twice`], [`PegError::Circle`].
    pub fn new(pegs: impl IntoIterator<Item = Peg>) -> Result<PegTable, PegError> {
        let mut table = BTreeMap::new();
        for peg in pegs {
            let currency = peg.currency;
            if table.insert(currency, peg).is_some() {
                return Err(PegError::Twice(currency));
            }
        }
        for start in table.keys() {
            let mut at = *start;
            // Whoever is still walking after as many steps as there are pegs walks in a circle.
            let steps = table.len() + 1;
            let walked = (0..steps).take_while(|_| match table.get(&at) {
                Some(peg) => {
                    at = peg.anchor;
                    true
                }
                None => false,
            });
            if walked.count() == steps {
                return Err(PegError::Circle(*start));
            }
        }
        Ok(PegTable(table))
    }

    /// The peg of a currency.
    pub fn of(&self, currency: Code) -> Option<&Peg> {
        self.0.get(&currency)
    }

    /// All, by currency.
    pub fn iter(&self) -> impl Iterator<Item = &Peg> {
        self.0.values()
    }
}
