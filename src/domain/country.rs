//! Countries (ISO 3166-1 alpha-2), each with its currency and languages, from `config/countries.csv`.
//!
//! The currency is the first legal tender in circulation by CLDR 48: Bulgaria has the euro since 2026, Lesotho the
//! rand. Codes that name no place on earth (`XX`, `T1`, `EU`, `AP`) are not countries here.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use crate::money::Currency;

/// A country of the table. Ordered by code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country(u16);

struct Row {
    code: &'static str,
    currency: Currency,
    languages: Vec<&'static str>,
}

/// The text names no country.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no country of ISO 3166 with a currency; write two capital letters such as SG")]
pub struct CountryError(pub String);

static TABLE: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let text = include_str!("../../config/countries.csv");
    let mut rows: Vec<Row> = text.lines().skip(1).filter_map(read_row).collect();
    rows.sort_by_key(|row| row.code);
    rows
});

/// `country,currency,languages`; rows that do not parse are left out, and a test holds the count against the file.
fn read_row(line: &'static str) -> Option<Row> {
    let mut fields = line.split(',');
    let code = fields.next().filter(|code| code.len() == 2)?;
    let currency = Currency::find(fields.next()?).ok()?;
    Some(Row { code, currency, languages: fields.next()?.split(' ').collect() })
}

impl Country {
    /// Every country of the table, by code.
    pub fn all() -> impl Iterator<Item = Country> {
        (0..u16::try_from(TABLE.len()).unwrap_or(u16::MAX)).map(Country)
    }

    /// Finds a country by its code; exact, upper case.
    ///
    /// # Errors
    /// [`CountryError`] with the text that was given.
    pub fn find(code: &str) -> Result<Country, CountryError> {
        TABLE
            .binary_search_by_key(&code, |row| row.code)
            .ok()
            .and_then(|index| u16::try_from(index).ok())
            .map(Country)
            .ok_or_else(|| CountryError(code.chars().take(8).collect()))
    }

    /// The code: `SG`.
    pub fn code(self) -> &'static str {
        self.row().code
    }

    /// The currency in circulation.
    pub fn currency(self) -> Currency {
        self.row().currency
    }

    /// Its languages, the most spoken official one first: `th`, `zh-Hant`.
    pub fn languages(self) -> &'static [&'static str] {
        &self.row().languages
    }

    fn row(self) -> &'static Row {
        &TABLE[usize::from(self.0)]
    }
}

impl FromStr for Country {
    type Err = CountryError;
    fn from_str(code: &str) -> Result<Country, CountryError> {
        Country::find(code)
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl serde::Serialize for Country {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> serde::Deserialize<'de> for Country {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_file_is_a_country() {
        let rows = include_str!("../../config/countries.csv").lines().count() - 1;
        assert_eq!(Country::all().count(), rows);
        assert!(Country::all().all(|country| Country::find(country.code()) == Ok(country)));
        assert!(Country::all().all(|country| !country.languages()[0].is_empty()));
    }

    #[test]
    fn currencies_of_countries_that_changed_or_share() {
        for (country, currency, language) in [
            ("SG", "SGD", "en"),
            ("TH", "THB", "th"),
            ("VN", "VND", "vi"),
            ("BG", "EUR", "bg"),
            ("HR", "EUR", "hr"),
            ("XK", "EUR", "sq"),
            ("CW", "XCG", "pap"),
            ("TL", "USD", "pt"),
            ("KH", "KHR", "km"),
            ("TW", "TWD", "zh-Hant"),
            ("CH", "CHF", "de"),
        ] {
            let country = Country::find(country).unwrap();
            assert_eq!((country.currency().code(), country.languages()[0]), (currency, language));
        }
    }

    #[test]
    fn what_edges_and_registries_write_for_nowhere_is_no_country() {
        for code in ["", "XX", "T1", "A1", "A2", "EU", "AP", "ZZ", "sg", "SGP", "S"] {
            assert!(Country::find(code).is_err(), "{code}");
        }
    }

    /// ISO 3166-1, all 249.
    const ISO: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS \
        BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET \
        FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO \
        IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH \
        MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM \
        PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG \
        TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

    #[test]
    fn every_country_of_iso_has_a_currency_of_iso() {
        let codes: Vec<&str> = ISO.split_whitespace().collect();
        assert_eq!(codes.len(), 249);
        let missing: Vec<&str> = codes.iter().copied().filter(|code| Country::find(code).is_err()).collect();
        assert_eq!(missing, ["AQ"], "nobody's money is Antarctica's");
        let beyond: Vec<&str> =
            Country::all().map(Country::code).filter(|code| !codes.contains(code)).collect();
        assert_eq!(beyond, ["AC", "DG", "EA", "IC", "TA", "XK"], "islands of others, and Kosovo");
    }

    #[test]
    fn the_euro_and_the_dollar_are_where_they_circulate() {
        let with = |currency: &str| -> Vec<&str> {
            let all = Country::all().filter(|country| country.currency().code() == currency);
            all.map(Country::code).collect()
        };
        let euro = "AD AT AX BE BG BL CY DE EA EE ES FI FR GF GP GR HR IC IE IT LT LU LV MC ME MF MQ MT NL PM PT RE SI \
            SK SM TF VA XK YT";
        assert_eq!(with("EUR"), euro.split_whitespace().collect::<Vec<_>>());
        let dollar = "AS BQ DG EC FM GU IO MH MP PR PW SV TC TL UM US VG VI";
        assert_eq!(with("USD"), dollar.split_whitespace().collect::<Vec<_>>());
        assert_eq!(with("XCG"), ["CW", "SX"]);
        for own in ["CZK", "DKK", "HUF", "PLN", "RON", "SEK"] {
            assert!(!with(own).is_empty(), "{own}: in the Union, and not in the euro");
        }
    }
}
