//! How an amount is written: pattern, marks and symbol of a locale, from `config/text/` (made from the CLDR's files).
//!
//! The digits are ours, the manners CLDR's: grouping by the pattern (`#,##,##0.00` in Hindi) and from the length on that
//! the language groups at (`1234,50 €` in Spanish, `12.345,50 €`), the pattern of what is below zero, the currency's
//! price-tag digits, a no-break space where a symbol of letters meets a digit (`Rp 20.000`, `THB 713.40`). An amount
//! finer than the price tag shows its ledger digits: money is never hidden.

use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::money::{Currency, Money};

/// A locale of the table: `th`, `zh-TW`, `en-SG`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Locale(&'static Row);

/// How the currency is named beside an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CurrencyMark {
    /// The mark that cannot be mistaken in that language: `US$`, `฿`; the ISO code where there is none.
    #[default]
    Symbol,
    /// The shortest mark: `$` for every dollar. For pages that name the currency elsewhere.
    Narrow,
    /// The ISO code.
    Code,
}

#[derive(PartialEq, Eq)]
struct Row {
    tag: &'static str,
    positive: Pattern,
    negative: Pattern,
    primary: usize,
    secondary: usize,
    decimal: &'static str,
    group: &'static str,
    /// Digits that must stand before the last group for the number to be grouped at all.
    minimum_grouping: usize,
    /// Marks by currency, sorted; a currency that is absent is written by its code.
    symbols: Vec<(Currency, &'static str)>,
    /// Narrow marks, where they differ from `symbols`.
    narrow: Vec<(Currency, &'static str)>,
}

/// What stands around the number.
#[derive(PartialEq, Eq)]
struct Pattern {
    before: &'static str,
    after: &'static str,
}

static TABLE: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let locales = include_str!("../../../config/text/locales.csv");
    rows(locales).skip(1).filter_map(read_row).collect()
});

fn rows(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().filter(|line| !line.starts_with('#'))
}

/// `locale;positive;negative;decimal;group;minimum_grouping`; rows that do not parse are left out, and a test holds the
/// count against the file.
fn read_row(line: &'static str) -> Option<Row> {
    let mut fields = line.split(';');
    let (tag, positive, negative) = (fields.next()?, fields.next()?, fields.next()?);
    let (decimal, group) = (fields.next()?, fields.next()?);
    let minimum_grouping = fields.next()?.parse().ok()?;
    let number = positive.trim_matches(|mark: char| !"#,0.".contains(mark));
    let around = |pattern: &'static str| {
        let (before, after) = pattern.split_once(number)?;
        Some(Pattern { before, after })
    };
    let whole = number.split('.').next()?;
    let mut groups = whole.rsplit(',').map(str::len);
    let primary = groups.next()?;
    // The left-most part of the pattern only opens the number; with one group mark both sizes are the same.
    let secondary = groups.next().filter(|_| whole.matches(',').count() > 1).unwrap_or(primary);
    Some(Row {
        tag,
        positive: around(positive)?,
        negative: around(negative)?,
        primary,
        secondary,
        decimal,
        group,
        minimum_grouping,
        symbols: read_marks(tag, include_str!("../../../config/text/symbols.csv")),
        narrow: read_marks(tag, include_str!("../../../config/text/narrow.csv")),
    })
}

fn read_marks(tag: &str, text: &'static str) -> Vec<(Currency, &'static str)> {
    let mut lines = rows(text);
    let column = lines.next().and_then(|head| head.split(';').position(|name| name == tag));
    let cell = |line: &'static str| {
        let currency = Currency::find(line.split(';').next()?).ok()?;
        let mark = line.split(';').nth(column?).filter(|mark| !mark.is_empty())?;
        Some((currency, mark))
    };
    let mut marks: Vec<_> = lines.filter_map(cell).collect();
    marks.sort();
    marks
}

fn mark_of(marks: &[(Currency, &'static str)], currency: Currency) -> Option<&'static str> {
    let place = marks.binary_search_by(|(own, _)| own.cmp(&currency)).ok()?;
    marks.get(place).map(|(_, mark)| *mark)
}

/// Whether a mark's letter needs a blank beside a digit: it is no symbol (CLDR, `currencySpacing`). Of the table's marks
/// those end in letters, in a full stop, or in the invisible space of the Cape Verde escudo.
fn is_wordlike(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '.' || letter == '\u{200b}'
}

const NO_BREAK: char = '\u{a0}';

impl Pattern {
    /// What stands before the number.
    fn open(&self, mark: &str, text: &mut String) {
        write_around(self.before, mark, text);
        if self.before.ends_with('¤') && mark.ends_with(is_wordlike) {
            text.push(NO_BREAK);
        }
    }

    /// What stands behind it.
    fn close(&self, mark: &str, text: &mut String) {
        if self.after.starts_with('¤') && mark.starts_with(is_wordlike) {
            text.push(NO_BREAK);
        }
        write_around(self.after, mark, text);
    }
}

fn write_around(pattern: &str, mark: &str, text: &mut String) {
    match pattern.split_once('¤') {
        Some((before, after)) => [before, mark, after].iter().for_each(|part| text.push_str(part)),
        None => text.push_str(pattern),
    }
}

impl Locale {
    /// English, where nothing else is known.
    pub fn english() -> Locale {
        Locale(&TABLE[0])
    }

    /// Every locale of the table.
    pub fn all() -> impl Iterator<Item = Locale> {
        TABLE.iter().map(Locale)
    }

    /// The best match for a language tag (BCP 47): `th-TH` → `th`, `en-GB` → `en-GB`, `zh-Hant-HK` → `zh-HK`,
    /// `es-PE` → `es-MX`, `tl` → `fil`. `None` when the language is not in the table.
    pub fn find(tag: &str) -> Option<Locale> {
        let mut parts = tag.split(['-', '_']);
        let language = parts.next()?.to_ascii_lowercase();
        let rest: Vec<String> = parts.map(str::to_ascii_uppercase).collect();
        let has = |part: &str| rest.iter().any(|own| own == part);
        let region = rest.iter().find(|part| part.len() == 2 || part.as_str() == "419").map(String::as_str);
        let traditional = has("HANT") || (!has("HANS") && (has("TW") || has("HK") || has("MO")));
        let wanted = match (language.as_str(), region) {
            ("zh" | "yue", Some("HK" | "MO")) if traditional => "zh-HK",
            ("zh" | "yue", _) if traditional => "zh-TW",
            ("zh", _) => "zh-CN",
            ("pt", None | Some("BR")) => "pt-BR",
            ("pt", Some(_)) => "pt-PT",
            // Where Spanish writes `1,234.50`; elsewhere (Argentina, Chile, Colombia …) it writes as in Spain.
            (
                "es",
                Some(
                    "419" | "BZ" | "CU" | "DO" | "GT" | "HN" | "MX" | "NI" | "PA" | "PE" | "PR" | "SV" | "US",
                ),
            ) => "es-MX",
            // CLDR's aliases of retired and macro codes.
            ("tl", _) => "fil",
            ("in", _) => "id",
            ("no", _) => "nb",
            (language, region) => {
                let exact = region.map(|region| format!("{language}-{region}"));
                let known = |tag: &str| Locale::all().find(|locale| locale.tag() == tag);
                return exact.and_then(|tag| known(&tag)).or_else(|| known(language));
            }
        };
        Locale::all().find(|locale| locale.tag() == wanted)
    }

    /// Its tag: `zh-TW`.
    pub fn tag(self) -> &'static str {
        self.0.tag
    }

    /// The currency's mark in this locale: a symbol, or the ISO code.
    pub fn symbol(self, currency: Currency) -> &'static str {
        self.mark(currency, CurrencyMark::Symbol)
    }

    fn mark(self, currency: Currency, mark: CurrencyMark) -> &'static str {
        let Row { symbols, narrow, .. } = self.0;
        let symbol = || mark_of(symbols, currency);
        let found = match mark {
            CurrencyMark::Symbol => symbol(),
            CurrencyMark::Narrow => mark_of(narrow, currency).or_else(symbol),
            CurrencyMark::Code => None,
        };
        found.unwrap_or_else(|| currency.code())
    }

    /// Writes an amount: `฿713.40`, `1.234,50 €`.
    pub fn write(self, money: Money) -> String {
        self.write_with(money, CurrencyMark::Symbol)
    }

    /// The same with another mark: `$713.40`, `USD 713.40`.
    pub fn write_with(self, money: Money, mark: CurrencyMark) -> String {
        let row = self.0;
        let pattern = if money.is_negative() { &row.negative } else { &row.positive };
        let mark = self.mark(money.currency(), mark);
        let mut text = String::with_capacity(40);
        pattern.open(mark, &mut text);
        self.number(money.abs(), &mut text);
        pattern.close(mark, &mut text);
        text
    }

    fn number(self, money: Money, text: &mut String) {
        let row = self.0;
        let digits = money.digits();
        let (whole, fraction) = digits.parts();
        // An amount finer than the price tag shows its ledger digits.
        let shown = money.currency().display_digits() as usize;
        let (tag, finer) = fraction.split_at(shown.min(fraction.len()));
        let fraction = if finer.bytes().all(|digit| digit == b'0') { tag } else { fraction };
        if whole.len() >= row.primary + row.minimum_grouping {
            let (front, last) = whole.split_at(whole.len() - row.primary);
            let (first, groups) = front.split_at((front.len() - 1) % row.secondary + 1);
            text.push_str(first);
            for place in (0..groups.len()).step_by(row.secondary) {
                text.push_str(row.group);
                text.push_str(&groups[place..place + row.secondary]);
            }
            text.push_str(row.group);
            text.push_str(last);
        } else {
            text.push_str(whole);
        }
        if !fraction.is_empty() {
            text.push_str(row.decimal);
            text.push_str(fraction);
        }
    }
}

impl fmt::Debug for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_file_is_a_locale() {
        let rows = rows(include_str!("../../../config/text/locales.csv")).count() - 1;
        assert_eq!((Locale::all().count(), Locale::english().tag()), (rows, "en"));
    }

    /// Expected texts: what `Intl.NumberFormat(locale, {style: "currency", currency})` writes with the same CLDR.
    #[test]
    fn amounts_as_cldr_writes_them() {
        for (locale, amount, currency, expected) in [
            ("th", "713.40", "THB", "฿713.40"),
            ("en", "713.40", "THB", "THB\u{a0}713.40"),
            ("en", "1234567.50", "USD", "$1,234,567.50"),
            ("en-SG", "12.30", "SGD", "$12.30"),
            ("en-SG", "12.30", "USD", "US$12.30"),
            ("en", "12.30", "SGD", "SGD\u{a0}12.30"),
            ("zh-CN", "1234.50", "CNY", "¥1,234.50"),
            ("zh-CN", "1234", "JPY", "JP¥1,234"),
            ("zh-TW", "1234.00", "TWD", "$1,234.00"),
            ("ms", "1234.50", "MYR", "RM\u{a0}1,234.50"),
            ("id", "20000.00", "IDR", "Rp\u{a0}20.000"),
            ("vi", "1234567", "VND", "1.234.567\u{a0}₫"),
            ("fil", "1234.50", "PHP", "₱1,234.50"),
            ("ja", "1234567", "JPY", "￥1,234,567"),
            ("ja", "12.00", "CNY", "元\u{a0}12.00"),
            ("ko", "1234567", "KRW", "₩1,234,567"),
            ("hi", "1234567.00", "INR", "₹12,34,567.00"),
            ("de", "1234.50", "EUR", "1.234,50\u{a0}€"),
            ("fr", "1234567.50", "EUR", "1\u{202f}234\u{202f}567,50\u{a0}€"),
            ("fr", "12.00", "USD", "12,00\u{a0}$US"),
            ("en", "-5.00", "USD", "-$5.00"),
            ("en", "0.00", "USD", "$0.00"),
            ("en", "1.234", "KWD", "KWD\u{a0}1.234"),
            ("id", "20000.50", "IDR", "Rp\u{a0}20.000,50"),
            ("hi", "123.00", "INR", "₹123.00"),
            ("es", "1234.50", "EUR", "1234,50\u{a0}€"),
            ("es", "12345.50", "EUR", "12.345,50\u{a0}€"),
            ("de-CH", "-1234.50", "CHF", "CHF-1'234.50"),
            ("nl", "-1234.50", "EUR", "€\u{a0}-1.234,50"),
            ("sv", "-1234.50", "SEK", "\u{2212}1\u{a0}234,50\u{a0}kr"),
        ] {
            let money = Money::parse(amount, Currency::find(currency).unwrap()).unwrap();
            assert_eq!(Locale::find(locale).unwrap().write(money), expected);
        }
    }

    #[test]
    fn tags_find_their_locale() {
        for (tag, expected) in [
            ("th-TH", Some("th")),
            ("en-SG", Some("en-SG")),
            ("en-GB", Some("en-GB")),
            ("en-US", Some("en")),
            ("en-ZA", Some("en")),
            ("zh", Some("zh-CN")),
            ("zh-Hans-SG", Some("zh-CN")),
            ("zh-Hant", Some("zh-TW")),
            ("zh-HK", Some("zh-HK")),
            ("ZH_hant_hk", Some("zh-HK")),
            ("zh-Hant-MY", Some("zh-TW")),
            ("tl", Some("fil")),
            ("pt-BR", Some("pt-BR")),
            ("pt-AO", Some("pt-PT")),
            ("es-AR", Some("es")),
            ("es-PE", Some("es-MX")),
            ("es-ES", Some("es")),
            ("fr-BE", Some("fr")),
            ("ar", None),
            ("my-MM", None),
            ("", None),
            ("*", None),
        ] {
            assert_eq!(Locale::find(tag).map(Locale::tag), expected, "{tag}");
        }
    }
}
