//! The merchant's own prices: an amount fixed for an article in a currency wins over any conversion.
//!
//! An entry holds in one currency, in one country of it or everywhere, from a moment on and perhaps until another.
//! Where several hold, the country's own wins, then the one that began last, then the one written last: a new price is
//! a new entry, and the old one stays for whoever asks what was shown. Nothing is rounded and nothing put on top.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};

use super::Country;
use crate::ids::{FixedPriceId, MerchantId};
use crate::money::{Currency, Money};

/// A shop's own name of an article: 1 to 100 characters, no control characters, no blanks around.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sku(String);

/// The text is no name of an article.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a sku has 1 to 100 characters, no control characters and no blanks around it")]
pub struct SkuError;

impl Sku {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Sku {
    type Err = SkuError;
    fn from_str(text: &str) -> Result<Sku, SkuError> {
        let plain = text.trim() == text && !text.chars().any(char::is_control);
        match plain && (1..=100).contains(&text.chars().count()) {
            true => Ok(Sku(text.to_owned())),
            false => Err(SkuError),
        }
    }
}

impl fmt::Display for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixedPrice {
    /// Its id.
    pub id: FixedPriceId,
    /// Whose.
    pub merchant: MerchantId,
    /// Of what.
    pub sku: Sku,
    /// In this country only; none: wherever the currency is shown.
    pub country: Option<Country>,
    /// The price; above zero.
    pub price: Money,
    /// Its first moment.
    pub valid_from: DateTime<Utc>,
    /// Its end, which is no longer part of it.
    pub valid_until: Option<DateTime<Utc>>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it was taken back; it then holds no longer.
    pub withdrawn_at: Option<DateTime<Utc>>,
}

/// Why there is no such entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FixedPriceError {
    /// Nothing, or less.
    #[error("a fixed price is above zero, got {0}")]
    NotPositive(Money),
    /// It would end before it begins.
    #[error("`valid_until` is not after `valid_from`")]
    Empty,
}

impl FixedPrice {
    /// Holds an entry against what entries must be.
    ///
    /// # Errors
    /// [`FixedPriceError`].
    pub fn check(self) -> Result<FixedPrice, FixedPriceError> {
        if !self.price.is_positive() {
            return Err(FixedPriceError::NotPositive(self.price));
        }
        match self.valid_until {
            Some(end) if end <= self.valid_from => Err(FixedPriceError::Empty),
            _ => Ok(self),
        }
    }

    fn holds(&self, now: DateTime<Utc>) -> bool {
        self.withdrawn_at.is_none() && self.valid_from <= now && self.valid_until.is_none_or(|end| now < end)
    }
}

/// The entries of the articles of one question.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriceBook(HashMap<(Sku, Currency), Vec<FixedPrice>>);

impl PriceBook {
    /// A book of these entries.
    pub fn new(entries: impl IntoIterator<Item = FixedPrice>) -> PriceBook {
        let mut book: HashMap<_, Vec<FixedPrice>> = HashMap::new();
        for entry in entries {
            book.entry((entry.sku.clone(), entry.price.currency())).or_default().push(entry);
        }
        PriceBook(book)
    }

    /// The price that holds at `now` for an article shown in a currency to a country.
    pub fn price(
        &self,
        sku: &Sku,
        currency: Currency,
        country: Option<Country>,
        now: DateTime<Utc>,
    ) -> Option<&FixedPrice> {
        let entries = self.0.get(&(sku.clone(), currency))?;
        let here = |entry: &&FixedPrice| entry.country.is_none() || entry.country == country;
        let holding = entries.iter().filter(|entry| entry.holds(now)).filter(here);
        holding.max_by_key(|entry| (entry.country.is_some(), entry.valid_from, entry.id))
    }

    /// When, after `now`, an entry of the book next begins or ends: until then answers from it stay as they are.
    pub fn next_change(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let moments = self.0.values().flatten().filter(|entry| entry.withdrawn_at.is_none());
        let moments = moments.flat_map(|entry| [Some(entry.valid_from), entry.valid_until]);
        moments.flatten().filter(|moment| *moment > now).min()
    }

    /// Whether some price of it depends on the country.
    pub fn knows_countries(&self) -> bool {
        self.0.values().flatten().any(|entry| entry.country.is_some())
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::clock::{Clock, from_micros};
    use crate::ids::IdSource;

    fn now() -> DateTime<Utc> {
        from_micros(1_795_000_000_000_000)
    }

    fn ids() -> IdSource {
        IdSource::seeded(Clock::fixed(now()), 5)
    }

    fn entry(
        ids: &IdSource,
        amount: &str,
        code: &str,
        country: Option<&str>,
        from_h: i64,
        until_h: Option<i64>,
    ) -> FixedPrice {
        FixedPrice {
            id: ids.mint(),
            merchant: ids.mint(),
            sku: "mug".parse().unwrap(),
            country: country.map(|code| Country::find(code).unwrap()),
            price: Money::parse(amount, Currency::find(code).unwrap()).unwrap(),
            valid_from: now() + TimeDelta::hours(from_h),
            valid_until: until_h.map(|hours| now() + TimeDelta::hours(hours)),
            created_at: now(),
            withdrawn_at: None,
        }
    }

    #[test]
    fn the_country_wins_then_what_began_last_then_what_was_written_last() {
        let ids = ids();
        let mut withdrawn = entry(&ids, "1.00", "THB", Some("TH"), -1, None);
        withdrawn.withdrawn_at = Some(now());
        let book = PriceBook::new([
            entry(&ids, "690.00", "THB", None, -48, None),
            entry(&ids, "650.00", "THB", None, -2, None),
            entry(&ids, "655.00", "THB", None, -2, None),
            entry(&ids, "600.00", "THB", None, 1, None),
            entry(&ids, "590.00", "THB", Some("TH"), -72, Some(2)),
            entry(&ids, "19.00", "SGD", Some("SG"), -1, Some(0)),
            withdrawn,
        ]);
        let price = |code: &str, country: Option<&str>, hours: i64| {
            let country = country.map(|code| Country::find(code).unwrap());
            let at = now() + TimeDelta::hours(hours);
            let found = book.price(&"mug".parse().unwrap(), Currency::find(code).unwrap(), country, at);
            found.map(|entry| entry.price.amount().to_string())
        };
        for (code, country, hours, expected) in [
            ("THB", None, 0, Some("655.00")),
            ("THB", Some("SG"), 0, Some("655.00")),
            ("THB", Some("TH"), 0, Some("590.00")),
            ("THB", Some("TH"), 2, Some("600.00")),
            ("THB", None, -3, Some("690.00")),
            ("THB", None, -49, None),
            // Its end is no longer part of it, and no other country's price is taken.
            ("SGD", Some("SG"), 0, None),
            ("SGD", Some("MY"), -1, None),
            ("USD", None, 0, None),
        ] {
            assert_eq!(price(code, country, hours).as_deref(), expected, "{code} {country:?} {hours}");
        }
        assert_eq!(book.next_change(now()), Some(now() + TimeDelta::hours(1)));
        assert!(book.knows_countries());
    }

    #[test]
    fn entries_that_cannot_hold_are_refused() {
        let ids = ids();
        assert_eq!(entry(&ids, "1.00", "THB", None, 1, Some(1)).check(), Err(FixedPriceError::Empty));
        assert!(matches!(
            entry(&ids, "0.00", "THB", None, 0, None).check(),
            Err(FixedPriceError::NotPositive(_))
        ));
        assert!(entry(&ids, "0.01", "THB", None, 0, Some(1)).check().is_ok());
        for text in ["", " mug", "mug ", "a\nb", &"x".repeat(101)] {
            assert!(text.parse::<Sku>().is_err(), "{text:?}");
        }
        assert!("杯子 1/2".parse::<Sku>().is_ok());
    }
}
