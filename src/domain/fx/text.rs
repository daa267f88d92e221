//! How an amount is written: pattern, marks and symbol of a locale, from `config/text/` (made from the CLDR's files).
//!
//! The digits are ours, the manners CLDR's: grouping by the pattern (`#,##,##0.00` in Hindi) and from the length on that
//! the language groups at (`1234,50 €` in Spanish, `12.345,50 €`), the pattern of what is below zero, the currency's
//! price-tag digits, a no-break space where a symbol of letters meets a digit (`Rp 20.000`, `THB 713.40`). An amount
//! finer than the price tag shows its ledger digits: money is never hidden.

mod number;

use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::money::{Currency, Digits, Money};

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
    symbols: Vec<(Currency, Mark)>,
    /// Narrow marks, where they differ from `symbols`.
    narrow: Vec<(Currency, Mark)>,
}

/// What stands for a currency beside a number.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Mark {
    text: &'static str,
    /// Whether a blank belongs between a number and its beginning.
    begins_wordlike: bool,
    /// The same of its end.
    ends_wordlike: bool,
}

impl Mark {
    fn of(text: &'static str) -> Mark {
        Mark {
            text,
            begins_wordlike: text.starts_with(is_wordlike),
            ends_wordlike: text.ends_with(is_wordlike),
        }
    }
}

/// What stands around the number.
#[derive(PartialEq, Eq)]
struct Pattern {
    before: Around,
    after: Around,
}

/// One side of it: a text, or the mark's place between two.
#[derive(PartialEq, Eq)]
struct Around {
    left: &'static str,
    has_mark: bool,
    right: &'static str,
}

impl Around {
    fn of(pattern: &'static str) -> Around {
        match pattern.split_once('¤') {
            Some((left, right)) => Around { left, has_mark: true, right },
            None => Around { left: pattern, has_mark: false, right: "" },
        }
    }

    fn write(&self, mark: &str, text: &mut Vec<u8>) {
        text.extend_from_slice(self.left.as_bytes());
        if self.has_mark {
            text.extend_from_slice(mark.as_bytes());
            text.extend_from_slice(self.right.as_bytes());
        }
    }
}

/// An amount to be written in the manner of a locale, when it is wanted and where.
#[derive(Clone, Copy)]
pub struct Written {
    locale: Locale,
    mark: &'static Mark,
    money: Money,
}

static TABLE: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let locales = include_str!("../../../config/text/locales.csv");
    rows(locales).skip(1).filter_map(read_row).collect()
});

/// The ISO code of every currency as a mark, sorted.
static CODES: LazyLock<Vec<(Currency, Mark)>> =
    LazyLock::new(|| Currency::all_ever().map(|currency| (currency, Mark::of(currency.code()))).collect());

/// CLDR's mark of a currency nobody knows; every one has its code.
static ANY: Mark = Mark { text: "¤", begins_wordlike: false, ends_wordlike: false };

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
        Some(Pattern { before: Around::of(before), after: Around::of(after) })
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

fn read_marks(tag: &str, text: &'static str) -> Vec<(Currency, Mark)> {
    let mut lines = rows(text);
    let column = lines.next().and_then(|head| head.split(';').position(|name| name == tag));
    let cell = |line: &'static str| {
        let currency = Currency::find(line.split(';').next()?).ok()?;
        let mark = line.split(';').nth(column?).filter(|mark| !mark.is_empty())?;
        Some((currency, Mark::of(mark)))
    };
    let mut marks: Vec<_> = lines.filter_map(cell).collect();
    marks.sort_by_key(|(currency, _)| *currency);
    marks
}

fn mark_of(marks: &'static [(Currency, Mark)], currency: Currency) -> Option<&'static Mark> {
    let place = marks.binary_search_by(|(own, _)| own.cmp(&currency)).ok()?;
    marks.get(place).map(|(_, mark)| mark)
}

/// Whether a mark's letter needs a blank beside a digit: it is no symbol (CLDR, `currencySpacing`). Of the table's marks
/// those end in letters, in a full stop, or in the invisible space of the Cape Verde escudo.
fn is_wordlike(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '.' || letter == '\u{200b}'
}

const NO_BREAK: &[u8] = "\u{a0}".as_bytes();

impl Pattern {
    /// What stands before the number.
    fn open(&self, mark: &Mark, text: &mut Vec<u8>) {
        self.before.write(mark.text, text);
        if mark.ends_wordlike && self.before.has_mark && self.before.right.is_empty() {
            text.extend_from_slice(NO_BREAK);
        }
    }

    /// What stands behind it.
    fn close(&self, mark: &Mark, text: &mut Vec<u8>) {
        if mark.begins_wordlike && self.after.has_mark && self.after.left.is_empty() {
            text.extend_from_slice(NO_BREAK);
        }
        self.after.write(mark.text, text);
    }
}

impl Written {
    /// Of the amount.
    pub fn currency(&self) -> Currency {
        self.money.currency()
    }

    /// The same manner for another amount of the same currency.
    #[must_use]
    pub fn with(self, money: Money) -> Written {
        Written { money, ..self }
    }

    /// Writes it, in UTF-8. It holds neither quotes nor backslashes nor control characters.
    pub fn write(&self, text: &mut Vec<u8>) {
        self.write_opening(text);
        self.write_number(&self.money.digits(), text);
        self.write_closing(text);
    }

    /// What stands before the number.
    pub fn write_opening(&self, text: &mut Vec<u8>) {
        self.pattern().open(self.mark, text);
    }

    /// The number, with the amount's own digits from whoever has them already.
    pub fn write_number(&self, digits: &Digits, text: &mut Vec<u8>) {
        self.locale.number(self.money.currency(), digits, text);
    }

    /// What stands behind the number.
    pub fn write_closing(&self, text: &mut Vec<u8>) {
        self.pattern().close(self.mark, text);
    }

    /// Whether what stands around the number is the same.
    pub fn is_like(&self, other: &Written) -> bool {
        std::ptr::eq(self.pattern(), other.pattern()) && std::ptr::eq(self.mark.text, other.mark.text)
    }

    fn pattern(&self) -> &'static Pattern {
        let row = self.locale.0;
        if self.money.is_negative() { &row.negative } else { &row.positive }
    }
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(40);
        self.write(&mut text);
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq for Written {
    fn eq(&self, other: &Written) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for Written {}

impl Serialize for Written {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
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
    /// `es-CU` → `es-MX`, `tl` → `fil`. `None` when the language is not in the table.
    pub fn find(tag: &str) -> Option<Locale> {
        let mut parts = tag.split(['-', '_']);
        let language = parts.next()?.to_ascii_lowercase();
        // A part of one letter begins an extension, whose parts are no regions.
        let parts = parts.take_while(|part| part.len() > 1);
        let rest: Vec<String> = parts.map(str::to_ascii_uppercase).collect();
        let has = |part: &str| rest.iter().any(|own| own == part);
        let region = rest.iter().find(|part| part.len() == 2 || part.as_str() == "419").map(String::as_str);
        let known = |tag: &str| Locale::all().find(|locale| locale.tag() == tag);
        // Chinese is chosen by its script first; every other language by its region, where the table has that.
        let exact = region.filter(|_| !matches!(language.as_str(), "zh" | "yue"));
        if let Some(locale) = exact.and_then(|region| known(&format!("{language}-{region}"))) {
            return Some(locale);
        }
        let traditional = has("HANT") || (!has("HANS") && (has("TW") || has("HK") || has("MO")));
        let wanted = match (language.as_str(), region) {
            ("zh" | "yue", Some("HK" | "MO")) if traditional => "zh-HK",
            ("zh" | "yue", _) if traditional => "zh-TW",
            ("zh", Some("SG")) => "zh-SG",
            ("zh", _) => "zh-CN",
            ("pt", None) => "pt-BR",
            ("pt", Some(_)) => "pt-PT",
            // Where Spanish writes `1,234.50` and the table has no row for it.
            ("es", Some("419" | "BZ" | "CU")) => "es-MX",
            ("es", Some("PR")) => "es-US",
            // CLDR's aliases of retired and macro codes.
            ("tl", _) => "fil",
            ("in", _) => "id",
            ("no", _) => "nb",
            (language, _) => language,
        };
        known(wanted)
    }

    /// Its tag: `zh-TW`.
    pub fn tag(self) -> &'static str {
        self.0.tag
    }

    /// The currency's mark in this locale: a symbol, or the ISO code.
    pub fn symbol(self, currency: Currency) -> &'static str {
        self.mark(currency, CurrencyMark::Symbol).text
    }

    fn mark(self, currency: Currency, mark: CurrencyMark) -> &'static Mark {
        let Row { symbols, narrow, .. } = self.0;
        let symbol = || mark_of(symbols, currency);
        let found = match mark {
            CurrencyMark::Symbol => symbol(),
            CurrencyMark::Narrow => mark_of(narrow, currency).or_else(symbol),
            CurrencyMark::Code => None,
        };
        found.or_else(|| mark_of(&CODES, currency)).unwrap_or(&ANY)
    }

    /// Writes an amount: `฿713.40`, `1.234,50 €`.
    pub fn write(self, money: Money) -> String {
        self.write_with(money, CurrencyMark::Symbol)
    }

    /// The same with another mark: `$713.40`, `USD 713.40`.
    pub fn write_with(self, money: Money, mark: CurrencyMark) -> String {
        self.written(money, mark).to_string()
    }

    /// The same, not written yet.
    pub fn written(self, money: Money, mark: CurrencyMark) -> Written {
        Written { locale: self, mark: self.mark(money.currency(), mark), money }
    }
}

impl fmt::Debug for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

#[cfg(test)]
mod tests;
