//! ISO 4217 currencies, from `config/currencies.csv`, the authority.
//!
//! Three exponents are kept apart: the *ledger's* (ISO 4217, what is posted), the *display's* (CLDR: IDR has two
//! decimals in the books and none on a price tag) and the *gateway's* (a setting of each adapter: PayPal takes HUF and
//! TWD without decimals). Metals, test codes and other codes without a minor unit are not currencies here.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use chrono::NaiveDate;

/// A currency that can be held and posted. Ordered by code.
///
/// ```
/// use straits::money::Currency;
/// let idr = Currency::find("IDR")?;
/// assert_eq!((idr.exponent(), idr.display_digits()), (2, 0));
/// assert_eq!(
///     Currency::find("usd").unwrap_err().to_string(),
///     "`usd` is not a currency of ISO 4217 with a minor unit; write three capital letters such as SGD"
/// );
/// # Ok::<(), straits::money::CurrencyError>(())
/// ```
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
    cash_step_minor: u32,
    /// The last day of a currency that is no more.
    last_day: Option<NaiveDate>,
}

/// The text is not a currency that Straits can hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a currency of ISO 4217 with a minor unit; write three capital letters such as SGD")]
pub struct CurrencyError(pub String);

static TABLE: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let mut rows = read_table(include_str!("../../config/currencies.csv"));
    rows.extend(include_str!("../../config/currencies-ended.csv").lines().filter_map(read_ended));
    rows.sort_by(|a, b| a.code.cmp(&b.code));
    rows
});

/// Where each of the 26³ codes stands in the table: prices come by the thousand, each with a currency or two.
static PLACES: LazyLock<Vec<Place>> = LazyLock::new(|| {
    let mut places = vec![Place { ever: NOWHERE, today: NOWHERE }; 26 * 26 * 26];
    for (row, index) in TABLE.iter().zip(0_u16..) {
        if let Some(place) = place(&row.code) {
            let today = if row.last_day.is_none() { index } else { NOWHERE };
            places[place] = Place { ever: index, today };
        }
    }
    places
});

/// Where a code stands, among all that ever were and among those that there are.
#[derive(Debug, Clone, Copy)]
struct Place {
    ever: u16,
    today: u16,
}

const NOWHERE: u16 = u16::MAX;

/// `AAA` is 0, `AAB` 1; three capital letters and nothing else.
fn place(code: &str) -> Option<usize> {
    let letters = <[u8; 3]>::try_from(code.as_bytes()).ok()?;
    letters.iter().try_fold(0, |place, letter| {
        letter.is_ascii_uppercase().then(|| place * 26 + usize::from(letter - b'A'))
    })
}

/// Comments, the header and rows without a minor unit are left out; a test holds the counts against the file.
fn read_table(text: &str) -> Vec<Row> {
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    rows.filter_map(read_row).collect()
}

/// `code,numeric,iso_exponent,name,last_day`.
fn read_ended(line: &str) -> Option<Row> {
    let fields: Vec<&str> = line.split(',').collect();
    let [code, numeric, exponent, name, last_day] = fields[..] else { return None };
    let iso_exponent = exponent.parse().ok()?;
    Some(Row {
        code: code.to_owned(),
        numeric: numeric.to_owned(),
        name: name.to_owned(),
        iso_exponent,
        display_digits: iso_exponent,
        cash_rounding_minor: 0,
        cash_step_minor: 1,
        last_day: Some(last_day.parse().ok()?),
    })
}

/// `code,numeric,iso_exponent,name,cldr_display_digits,cldr_cash_digits,cldr_cash_rounding_in_minor`; the name may
/// hold commas inside quotes, so the columns behind it are counted from the right.
fn read_row(line: &str) -> Option<Row> {
    let mut front = line.splitn(4, ',');
    let code = front.next()?.to_owned();
    let numeric = front.next()?.to_owned();
    let iso_exponent: u32 = front.next()?.parse().ok()?;
    let mut back = front.next()?.rsplitn(4, ',');
    let cash_rounding: u32 = back.next()?.parse().ok()?;
    let cash_digits: u32 = back.next()?.parse().ok()?;
    let display_digits = back.next()?.parse().ok()?;
    let cash_unit = 10_u32.checked_pow(iso_exponent.saturating_sub(cash_digits))?;
    let name = back.next()?.trim_matches('"').to_owned();
    (code.len() == 3).then_some(Row {
        code,
        numeric,
        name,
        iso_exponent,
        display_digits,
        // HUF: 5 of its last cash digit, the whole forint, are 500 minor units.
        cash_rounding_minor: cash_rounding.checked_mul(cash_unit)?,
        // SEK has no step beside its cash digits: the whole krona.
        cash_step_minor: cash_rounding.max(1).checked_mul(cash_unit)?,
        last_day: None,
    })
}

impl Currency {
    /// Every currency there is today, by code.
    pub fn all() -> impl Iterator<Item = Currency> {
        Currency::all_ever().filter(|currency| currency.last_day().is_none())
    }

    /// The same with those that are no more.
    pub fn all_ever() -> impl Iterator<Item = Currency> {
        (0..u16::try_from(TABLE.len()).unwrap_or(u16::MAX)).map(Currency)
    }

    /// Finds a currency by its alphabetic code; exact, upper case.
    ///
    /// # Errors
    /// [`CurrencyError`] with the text that was given.
    pub fn find(code: &str) -> Result<Currency, CurrencyError> {
        Currency::at(place(code).map(|place| PLACES[place].today), code)
    }

    /// The same, among those that are no more as well: for rates of past days, never for money.
    ///
    /// # Errors
    /// [`CurrencyError`] with the text that was given.
    pub fn find_ever(code: &str) -> Result<Currency, CurrencyError> {
        Currency::at(place(code).map(|place| PLACES[place].ever), code)
    }

    #[inline]
    fn at(index: Option<u16>, code: &str) -> Result<Currency, CurrencyError> {
        let found = index.filter(|index| *index != NOWHERE);
        found.map(Currency).ok_or_else(|| CurrencyError(code.chars().take(16).collect()))
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

    /// The last day it was a currency, for one that is no more.
    pub fn last_day(self) -> Option<NaiveDate> {
        self.row().last_day
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

    /// What cash amounts are multiples of, in minor units: CHF 5, SEK 100, HUF 500, USD 1.
    pub fn cash_step_minor(self) -> u32 {
        self.row().cash_step_minor
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

/// What `rusty-money` needs to know to compute with our currencies: the exponent is ours. Its formatter is not used, so
/// symbol and locale only keep it well defined.
impl rusty_money::FormattableCurrency for Currency {
    fn to_string(&self) -> String {
        self.code().to_owned()
    }
    fn exponent(&self) -> u32 {
        Currency::exponent(*self)
    }
    fn code(&self) -> &'static str {
        Currency::code(*self)
    }
    fn locale(&self) -> rusty_money::Locale {
        rusty_money::Locale::EnUs
    }
    fn symbol(&self) -> &'static str {
        Currency::code(*self)
    }
    fn symbol_first(&self) -> bool {
        true
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

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(exponent: u32) -> Vec<&'static str> {
        Currency::all().filter(|currency| currency.exponent() == exponent).map(Currency::code).collect()
    }

    #[test]
    fn the_table_is_iso_list_one_of_2026() {
        assert_eq!(Currency::all().count(), 165);
        assert_eq!((codes(2).len(), codes(0).len()), (139, 17));
        assert_eq!(codes(3), ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]);
        assert_eq!(codes(4), ["CLF", "UYW"]);
    }

    #[test]
    fn codes_are_unique_sorted_and_found() {
        let all: Vec<Currency> = Currency::all().collect();
        assert!(all.windows(2).all(|pair| pair[0].code() < pair[1].code()));
        for currency in all {
            assert_eq!(Currency::find(currency.code()), Ok(currency));
            assert!(currency.numeric().len() == 3 && !currency.name().is_empty(), "{currency}");
        }
    }

    #[test]
    fn ended_currencies_are_found_only_where_they_are_asked_for() {
        let ended: Vec<Currency> =
            ["BGN", "CYP", "EEK", "HRK", "LTL", "LVL", "MTL", "ROL", "SIT", "SKK", "TRL"]
                .map(|code| Currency::find_ever(code).unwrap())
                .to_vec();
        assert!(ended.iter().all(|currency| currency.last_day().is_some()));
        assert_eq!(TABLE.len(), 165 + ended.len());
        assert_eq!(Currency::find_ever("SGD"), Currency::find("SGD"));
        assert!(Currency::find_ever("XAU").is_err() && Currency::find("CYP").is_err());
    }

    #[test]
    fn every_row_that_is_left_out_has_no_minor_unit() {
        let text = include_str!("../../config/currencies.csv");
        let rows = text.lines().filter(|line| !line.starts_with('#')).skip(1);
        let (kept, left_out): (Vec<&str>, Vec<&str>) = rows.partition(|line| read_row(line).is_some());
        assert_eq!((kept.len(), left_out.len()), (165, 13));
        assert!(left_out.iter().all(|line| line.contains(",N.A.,")), "{left_out:?}");
    }

    #[test]
    fn refuses_metals_retired_codes_and_other_writing() {
        for code in
            ["XAU", "XXX", "XTS", "XDR", "ANG", "HRK", "BGN", "usd", "US", "USDT", "", " USD", "ＵＳＤ"]
        {
            assert_eq!(Currency::find(code), Err(CurrencyError(code.to_owned())));
        }
    }

    #[test]
    fn books_price_tags_and_cash_differ() {
        let find = |code| Currency::find(code).unwrap();
        #[rustfmt::skip]
        let table = [
            ("IDR", 2, 0, None), ("HUF", 2, 0, Some(500)), ("IQD", 3, 0, None), ("CHF", 2, 2, Some(5)),
            ("DKK", 2, 2, Some(50)), ("JPY", 0, 0, None), ("VND", 0, 0, None), ("KWD", 3, 3, None),
        ];
        for (code, ledger, display, cash) in table {
            let currency = find(code);
            let digits = (currency.exponent(), currency.display_digits(), currency.cash_rounding_minor());
            assert_eq!(digits, (ledger, display, cash), "{code}");
        }
        let differing = Currency::all().filter(|currency| currency.exponent() != currency.display_digits());
        assert_eq!(differing.count(), 16);
    }

    #[test]
    fn a_name_may_hold_commas() {
        let row = read_row("XYZ,999,2,\"Dollar, of nowhere\",1,0,5").unwrap();
        assert_eq!(
            (row.name.as_str(), row.display_digits, row.cash_rounding_minor),
            ("Dollar, of nowhere", 1, 500)
        );
    }

    #[test]
    fn reads_and_writes_its_code() {
        let sgd = Currency::find("SGD").unwrap();
        assert_eq!(serde_json::to_string(&sgd).unwrap(), "\"SGD\"");
        assert_eq!(serde_json::from_str::<Currency>("\"SGD\"").unwrap(), sgd);
        assert!(serde_json::from_str::<Currency>("702").is_err());
    }
}
