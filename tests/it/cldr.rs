//! The tables of `config/text/` are made here from the CLDR's own files, and what they write is held against texts that
//! another implementation of the CLDR wrote.
//!
//! To renew them: unpack npm's `cldr-numbers-full` into a folder and run
//! `CLDR_DIR=<folder> CLDR_WRITE=1 cargo test --test it cldr`; without `CLDR_WRITE` the test only compares. The samples
//! come from Node's `Intl.NumberFormat` (`samples.mjs`).

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use straits::domain::fx::{CurrencyMark, Locale};
use straits::money::{Currency, Money};

/// Our tags. Languages whose digits are not 0 to 9 by default (my, bn, fa) and those that need direction marks (ar, he)
/// are left out: the formatter would write them wrong.
const TAGS: &str = "en en-AU en-CA en-GB en-HK en-ID en-IE en-IN en-KE en-MY en-NG en-NZ en-PH en-PK en-SG en-ZA \
                    zh-CN zh-SG zh-HK zh-TW ms ms-BN ms-SG id th vi fil km lo ja ko hi de de-AT de-CH de-LI fr \
                    fr-CA fr-CH fr-LU fr-MA es es-AR es-BO es-CL es-CO es-CR es-DO es-EC es-GT es-HN es-MX es-NI \
                    es-PA es-PE es-PY es-SV es-US es-UY es-VE it it-CH pt-BR pt-PT pt-AO nl pl ru ru-KZ uk tr sv \
                    da nb fi cs hu ro";
const SOURCE: &str = "CLDR 48.2.0 (npm cldr-numbers-full, Unicode-3.0). Made by tests/it/cldr.rs.";

/// The CLDR's own name of a tag: its names leave out what is likely.
fn folder_of(tag: &str) -> &str {
    match tag {
        "zh-CN" => "zh",
        "zh-SG" => "zh-Hans-SG",
        "zh-HK" => "zh-Hant-HK",
        "zh-TW" => "zh-Hant",
        "pt-BR" => "pt",
        own => own,
    }
}

struct Language {
    tag: &'static str,
    numbers: Value,
    currencies: Value,
}

impl Language {
    fn read(cldr: &Path, tag: &'static str) -> Language {
        let folder = folder_of(tag);
        let file = |name: &str| -> Value {
            let path = cldr.join("main").join(folder).join(name);
            let text =
                std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            serde_json::from_str::<Value>(&text).unwrap()["main"][folder]["numbers"].take()
        };
        let (numbers, mut currencies) = (file("numbers.json"), file("currencies.json"));
        assert_eq!(numbers["defaultNumberingSystem"], "latn", "{tag} has digits of its own");
        Language { tag, numbers, currencies: currencies["currencies"].take() }
    }

    fn row(&self) -> String {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let marks = &self.numbers["symbols-numberSystem-latn"];
        let own = |special: &str, usual: &str| text(marks.get(special).unwrap_or(&marks[usual]));
        let pattern = text(&self.numbers["currencyFormats-numberSystem-latn"]["standard"]);
        let (positive, negative) = pattern.split_once(';').unwrap_or((&pattern, ""));
        let negative = if negative.is_empty() { format!("-{positive}") } else { negative.to_owned() };
        let negative = negative.replace('-', &text(&marks["minusSign"]));
        let (decimal, group) = (own("currencyDecimal", "decimal"), own("currencyGroup", "group"));
        let minimum = text(&self.numbers["minimumGroupingDigits"]);
        format!("{};{positive};{negative};{decimal};{group};{minimum}", self.tag)
    }

    fn symbol(&self, code: &str) -> String {
        self.currencies[code]["symbol"].as_str().unwrap_or(code).to_owned()
    }

    fn narrow(&self, code: &str) -> String {
        let narrow = self.currencies[code]["symbol-alt-narrow"].as_str();
        narrow.map_or_else(|| self.symbol(code), str::to_owned)
    }
}

/// One row for each currency that has a cell.
fn table(languages: &[Language], cell: impl Fn(&Language, &str) -> String) -> String {
    let tags: Vec<&str> = languages.iter().map(|language| language.tag).collect();
    let mut out = format!("currency;{}\n", tags.join(";"));
    for currency in Currency::all() {
        let cells: Vec<String> = languages.iter().map(|language| cell(language, currency.code())).collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            writeln!(out, "{};{}", currency.code(), cells.join(";")).unwrap();
        }
    }
    out
}

/// Every file of `config/text/` with what belongs in it.
fn generated(cldr: &Path) -> [(&'static str, String); 3] {
    let languages: Vec<Language> = TAGS.split_whitespace().map(|tag| Language::read(cldr, tag)).collect();
    let rows: Vec<String> = languages.iter().map(Language::row).collect();
    let other = |text: String, than: String| if text == than { String::new() } else { text };
    let symbols = table(&languages, |language, code| other(language.symbol(code), code.to_owned()));
    let narrow = table(&languages, |language, code| other(language.narrow(code), language.symbol(code)));
    let head = "locale;positive;negative;decimal;group;minimum_grouping";
    [
        (
            "locales.csv",
            format!("# How numbers are written, by language: {SOURCE}\n{head}\n{}\n", rows.join("\n")),
        ),
        (
            "symbols.csv",
            format!("# Marks of currencies, by language; an empty cell: the ISO code. {SOURCE}\n{symbols}"),
        ),
        (
            "narrow.csv",
            format!(
                "# Narrow marks of currencies, where they differ; an empty cell: the mark of symbols.csv. {SOURCE}\n{narrow}"
            ),
        ),
    ]
}

#[test]
fn the_tables_are_the_cldrs() {
    let Some(cldr) = std::env::var_os("CLDR_DIR").map(PathBuf::from) else {
        eprintln!("skipped: CLDR_DIR is not set; unpack npm's cldr-numbers-full 48.2.0 and name its folder");
        return;
    };
    let package = std::fs::read_to_string(cldr.join("package.json")).unwrap();
    assert!(package.contains("\"version\": \"48.2.0\""), "another version: renew the tables and their heads");
    for (name, text) in generated(&cldr) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/text").join(name);
        if std::env::var_os("CLDR_WRITE").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        assert!(std::fs::read_to_string(&path).unwrap() == text, "{name} is not what the CLDR makes of it");
    }
}

#[test]
fn amounts_are_written_as_the_cldr_writes_them() {
    let samples = include_str!("cldr/samples.csv");
    let mut faults = Vec::new();
    let mut count = 0;
    for line in samples.lines().skip(1) {
        let [locale, code, mark, amount, expected] = line.split(';').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        let mark = match mark {
            "symbol" => CurrencyMark::Symbol,
            "narrow" => CurrencyMark::Narrow,
            _ => CurrencyMark::Code,
        };
        let found = Locale::find(locale).unwrap();
        assert_eq!(found.tag(), locale);
        let money = Money::parse(amount, Currency::find(code).unwrap()).unwrap();
        let written = found.write_with(money, mark);
        if written != expected {
            faults.push(format!("{line} was written {written}"));
        }
        count += 1;
    }
    assert!(count > 500, "only {count} samples");
    assert!(faults.is_empty(), "{} of {count}:\n{}", faults.len(), faults.join("\n"));
}

/// CLDR 48.2 and 48.0 differ here: an apostrophe where Node's ICU 78 has a narrow space. We write the newer.
#[test]
fn french_swiss_groups_are_the_newer_cldrs() {
    let money = Money::parse("1234567.50", Currency::find("CHF").unwrap()).unwrap();
    assert_eq!(Locale::find("fr-CH").unwrap().write(money), "1'234'567.50\u{a0}CHF");
}
