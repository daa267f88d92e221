//! Two currencies, always named in one order: the market's, so that both directions are one position.

use std::fmt;
use std::str::FromStr;

use crate::money::{Currency, CurrencyError};

/// The market's order of the currencies that come first; every other one stands behind them, by the alphabet.
const FIRST: [&str; 6] = ["EUR", "GBP", "AUD", "NZD", "USD", "CAD"];

/// A pair: `USDCNY`, amounts of the base at a cost in the quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    base: Currency,
    quote: Currency,
}

impl Pair {
    /// The pair of two currencies; `None` for one.
    ///
    /// ```
    /// # use straits::{domain::fx_book::Pair, money::Currency};
    /// let [usd, cny] = ["USD", "CNY"].map(|code| Currency::find(code).unwrap());
    /// assert_eq!(Pair::of(cny, usd).unwrap().to_string(), "USDCNY");
    /// assert_eq!(Pair::of(cny, cny), None);
    /// ```
    pub fn of(one: Currency, other: Currency) -> Option<Pair> {
        let rank = |currency: Currency| {
            let code = currency.to_string();
            let first = FIRST.iter().position(|known| *known == code).unwrap_or(FIRST.len());
            (first, code)
        };
        match rank(one).cmp(&rank(other)) {
            std::cmp::Ordering::Less => Some(Pair { base: one, quote: other }),
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Greater => Some(Pair { base: other, quote: one }),
        }
    }

    /// What a conversion left whose other leg came to nothing (VND 100 are USD 0.00): an amount without a cost.
    pub fn alone(currency: Currency) -> Pair {
        Pair { base: currency, quote: currency }
    }

    /// Whether it is an amount without a cost.
    pub fn is_alone(self) -> bool {
        self.base == self.quote
    }

    /// What amounts are of.
    pub fn base(self) -> Currency {
        self.base
    }

    /// What cost and results are in.
    pub fn quote(self) -> Currency {
        self.quote
    }
}

/// The ledger's dimension: `USDCNY`; `VND` for an amount without a cost.
impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_alone() {
            return write!(f, "{}", self.base);
        }
        write!(f, "{}{}", self.base, self.quote)
    }
}

impl FromStr for Pair {
    type Err = CurrencyError;
    fn from_str(text: &str) -> Result<Pair, CurrencyError> {
        let (base, quote) = text.split_at_checked(3).unwrap_or((text, ""));
        if quote.is_empty() {
            return Ok(Pair::alone(base.parse()?));
        }
        Ok(Pair { base: base.parse()?, quote: quote.parse()? })
    }
}

impl serde::Serialize for Pair {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
