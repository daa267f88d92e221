//! How an amount is written: pattern, marks and symbol of a locale, from `config/text/` (an extract of CLDR 48).
//!
//! The digits are ours, the manners CLDR's: grouping by the pattern (`#,##,##0.00` in Hindi), the currency's price-tag
//! digits, a no-break space where a symbol of letters meets a digit (`Rp 20.000`, `THB 713.40`). An amount finer than
//! the price tag shows its ledger digits: money is never hidden.

use std::fmt;
use std::sync::LazyLock;

use crate::money::{Currency, Money};

/// A locale of the table: `th`, `zh-TW`, `en-SG`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Locale(&'static Row);

#[derive(PartialEq, Eq)]
struct Row {
    tag: &'static str,
    before: &'static str,
    after: &'static str,
    primary: usize,
    secondary: usize,
    decimal: &'static str,
    group: &'static str,
    /// Symbols by currency, sorted; a currency that is absent is written by its code.
    symbols: Vec<(Currency, &'static str)>,
}

static TABLE: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let locales = include_str!("../../../config/text/locales.csv");
    let symbols = include_str!("../../../config/text/symbols.csv");
    locales.lines().skip(1).filter_map(|line| read_row(line, symbols)).collect()
});

/// `locale;pattern;decimal;group`; rows that do not parse are left out, and a test holds the count against the file.
fn read_row(line: &'static str, symbols: &'static str) -> Option<Row> {
    let mut fields = line.split(';');
    let (tag, pattern) = (fields.next()?, fields.next()?);
    let (decimal, group) = (fields.next()?, fields.next()?);
    let number = pattern.trim_matches(|mark: char| !"#,0.".contains(mark));
    let (before, after) = pattern.split_once(number)?;
    let whole = number.split('.').next()?;
    let mut groups = whole.rsplit(',').map(str::len);
    let primary = groups.next()?;
    // The left-most part of the pattern only opens the number; with one group mark both sizes are the same.
    let secondary = groups.next().filter(|_| whole.matches(',').count() > 1).unwrap_or(primary);
    Some(Row { tag, before, after, primary, secondary, decimal, group, symbols: read_symbols(tag, symbols) })
}

fn read_symbols(tag: &str, text: &'static str) -> Vec<(Currency, &'static str)> {
    let mut lines = text.lines();
    let column = lines.next().and_then(|head| head.split(';').position(|name| name == tag));
    let cell = |line: &'static str| {
        let currency = Currency::find(line.split(';').next()?).ok()?;
        let symbol = line.split(';').nth(column?).filter(|symbol| !symbol.is_empty())?;
        Some((currency, symbol))
    };
    let mut symbols: Vec<_> = lines.filter_map(cell).collect();
    symbols.sort();
    symbols
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

    /// The best match for a language tag (BCP 47): `th-TH` → `th`, `zh-Hant-HK` → `zh-TW`, `tl` → `fil`. `None` when
    /// the language is not in the table.
    pub fn find(tag: &str) -> Option<Locale> {
        let mut parts = tag.split(['-', '_']);
        let language = parts.next()?.to_ascii_lowercase();
        let rest: Vec<String> = parts.map(str::to_ascii_uppercase).collect();
        let has = |part: &str| rest.iter().any(|own| own == part);
        let traditional = has("HANT") || (!has("HANS") && (has("TW") || has("HK") || has("MO")));
        let wanted = match language.as_str() {
            "zh" | "yue" if traditional => "zh-TW",
            "zh" => "zh-CN",
            "en" if has("SG") => "en-SG",
            // CLDR's aliases of retired and macro codes.
            "tl" => "fil",
            "in" => "id",
            other => other,
        };
        Locale::all().find(|locale| locale.tag() == wanted)
    }

    /// Its tag: `zh-TW`.
    pub fn tag(self) -> &'static str {
        self.0.tag
    }

    /// The currency's mark in this locale: a symbol, or the ISO code.
    pub fn symbol(self, currency: Currency) -> &'static str {
        let symbols = &self.0.symbols;
        let place = symbols.binary_search_by(|(own, _)| own.cmp(&currency));
        place.map_or_else(|_| currency.code(), |index| symbols[index].1)
    }

    /// Writes an amount: `฿713.40`, `1.234,50 €`.
    pub fn write(self, money: Money) -> String {
        let row = self.0;
        let symbol = self.symbol(money.currency());
        let sign = if money.is_negative() { "-" } else { "" };
        let mut before = row.before.replace('¤', symbol);
        if before.ends_with(char::is_alphanumeric) || before.ends_with('.') {
            before.push('\u{a0}');
        }
        let after = row.after.replace('¤', symbol);
        format!("{sign}{before}{}{after}", self.number(money.abs()))
    }

    fn number(self, money: Money) -> String {
        let row = self.0;
        let currency = money.currency();
        let ledger = money.amount();
        let tag = ledger.normalize().scale() <= currency.display_digits();
        let digits = if tag { currency.display_digits() } else { currency.exponent() };
        let text = format!("{ledger:.0$}", digits as usize);
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let mut grouped = String::with_capacity(text.len() * 2);
        for (index, digit) in whole.chars().enumerate() {
            let left = whole.len() - index;
            let boundary = left == row.primary
                || (left > row.primary && (left - row.primary).is_multiple_of(row.secondary));
            if index > 0 && boundary {
                grouped.push_str(row.group);
            }
            grouped.push(digit);
        }
        if !fraction.is_empty() {
            grouped.push_str(row.decimal);
            grouped.push_str(fraction);
        }
        grouped
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
        let rows = include_str!("../../../config/text/locales.csv").lines().count() - 1;
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
            ("en-GB", Some("en")),
            ("zh", Some("zh-CN")),
            ("zh-Hans-SG", Some("zh-CN")),
            ("zh-Hant", Some("zh-TW")),
            ("zh-HK", Some("zh-TW")),
            ("ZH_hant_hk", Some("zh-TW")),
            ("tl", Some("fil")),
            ("pt-BR", None),
            ("", None),
            ("*", None),
        ] {
            assert_eq!(Locale::find(tag).map(Locale::tag), expected, "{tag}");
        }
    }
}
