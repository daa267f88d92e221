//! ISO 4217 currencies, from `config/currencies.csv`, the authority.
//!
//! Three exponents are kept apart: the *ledger's* (ISO 4217, what is posted), the *display's* (CLDR: IDR has two
//! decimals in the books and none on a price tag) and the *gateway's* (a setting of each adapter: PayPal takes HUF and
//! TWD without decimals). Metals, test codes and other codes without a minor unit are not currencies here.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

/// A currency that can be held and posted. Ordered by code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency(u16);

#[derive(Debug)]
struct Row {
    code: String,
    numeric: String,
    name: String,
    iso_exponent: u32,
    display_digits: u32,
    cash_rounding_minor: u32,
}

/// The text is not a currency that Straits can hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a currency of ISO 4217 with a minor unit; write three capital letters such as SGD")]
pub struct CurrencyError(pub String);

static TABLE: LazyLock<Vec<Row>> = LazyLock::new(|| read_table(include_str!("../../config/currencies.csv")));

/// Rows that do not parse are left out; a test holds the count against the file.
fn read_table(text: &str) -> Vec<Row> {
    let mut rows: Vec<Row> = text.lines().skip(1).filter_map(read_row).collect();
    rows.sort_by(|a, b| a.code.cmp(&b.code));
    rows
}

/// `code,numeric,iso_exponent,name,cldr_display_digits,cldr_cash_digits,cldr_cash_rounding_in_minor`; the name may
/// hold commas inside quotes, so the columns behind it are counted from the right.
fn read_row(line: &str) -> Option<Row> {
    let mut front = line.splitn(4, ',');
    let code = front.next()?.to_owned();
    let numeric = front.next()?.to_owned();
    let iso_exponent = front.next()?.parse().ok()?;
    let mut back = front.next()?.rsplitn(4, ',');
    let cash_rounding_minor = back.next()?.parse().ok()?;
    let _cash_digits = back.next()?;
    let display_digits = back.next()?.parse().ok()?;
    let name = back.next()?.trim_matches('"').to_owned();
    (code.len() == 3).then_some(Row {
        code,
        numeric,
        name,
        iso_exponent,
        display_digits,
        cash_rounding_minor,
    })
}

impl Currency {
    /// Every currency of the table, by code.
    pub fn all() -> impl Iterator<Item = Currency> {
        (0..u16::try_from(TABLE.len()).unwrap_or(u16::MAX)).map(Currency)
    }

    /// Finds a currency by its alphabetic code; exact, upper case.
    ///
    /// # Errors
    /// [`CurrencyError`] with the text that was given.
    pub fn find(code: &str) -> Result<Currency, CurrencyError> {
        TABLE
            .binary_search_by(|row| row.code.as_str().cmp(code))
            .ok()
            .and_then(|index| u16::try_from(index).ok())
            .map(Currency)
            .ok_or_else(|| CurrencyError(code.chars().take(16).collect()))
    }

    /// A currency that this program itself names, such as a pivot or a default; a test holds that the table has it.
    pub fn known(code: &'static str) -> Currency {
        debug_assert!(Currency::find(code).is_ok(), "{code}");
        Currency::find(code).unwrap_or(Currency(0))
    }

    /// The alphabetic code: `SGD`.
    pub fn code(self) -> &'static str {
        &self.row().code
    }

    /// The numeric code as ISO writes it: `702`.
    pub fn numeric(self) -> &'static str {
        &self.row().numeric
    }

    /// The English name.
    pub fn name(self) -> &'static str {
        &self.row().name
    }

    /// Decimals in the ledger and on the API: ISO 4217's minor unit.
    pub fn exponent(self) -> u32 {
        self.row().iso_exponent
    }

    /// Decimals on a price tag (CLDR).
    pub fn display_digits(self) -> u32 {
        self.row().display_digits
    }

    /// The step of cash payments in minor units (CLDR), if the currency has one.
    pub fn cash_rounding_minor(self) -> Option<u32> {
        Some(self.row().cash_rounding_minor).filter(|&step| step > 0)
    }

    fn row(self) -> &'static Row {
        &TABLE[usize::from(self.0)]
    }
}

impl FromStr for Currency {
    type Err = CurrencyError;
    fn from_str(code: &str) -> Result<Currency, CurrencyError> {
        Currency::find(code)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl serde::Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> serde::Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
