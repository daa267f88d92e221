//! A bank's CSV: columns are found by their names, which differ from bank to bank; a mapping says which is which.

use std::collections::HashMap;
use std::io::Read;

use chrono::NaiveDate;

use crate::domain::deposits::{ReadLine, ReadStatement};
use crate::money::{Currency, Money};

use super::source::Source;
use super::text::{amount, kept, shown};
use super::{BankFileError, LINES_MAX};

/// Which column is what. The default names are those that banks use most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// The booking date.
    pub date: Vec<String>,
    /// The value date, where there is one.
    pub value_date: Vec<String>,
    /// How dates are written, in `chrono`'s letters.
    pub date_format: String,
    /// A signed amount; else `credit` and `debit`.
    pub amount: Vec<String>,
    /// What came in.
    pub credit: Vec<String>,
    /// What went out.
    pub debit: Vec<String>,
    /// The balance after the line.
    pub balance: Vec<String>,
    /// The bank's reference.
    pub reference: Vec<String>,
    /// What the line says.
    pub text: Vec<String>,
    /// What the bank kept.
    pub charges: Vec<String>,
    /// `.` or `,`.
    pub decimal: char,
    /// `,`, `;`, tab or `|`.
    pub separator: char,
}

impl Default for Columns {
    fn default() -> Columns {
        let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect();
        Columns {
            date: names(&["date", "booking date", "transaction date", "posting date"]),
            value_date: names(&["value date"]),
            date_format: "%Y-%m-%d".to_owned(),
            amount: names(&["amount"]),
            credit: names(&["credit", "deposit", "paid in"]),
            debit: names(&["debit", "withdrawal", "paid out"]),
            balance: names(&["balance", "running balance"]),
            reference: names(&["reference", "bank reference", "transaction id"]),
            text: names(&["description", "details", "narrative", "remarks"]),
            charges: names(&["charges", "bank charges"]),
            decimal: '.',
            separator: ',',
        }
    }
}

impl Columns {
    /// Changes the mapping by `name=value` parts with semicolons between them: `date=Buchungstag;date_format=%d.%m.%Y`.
    ///
    /// # Errors
    /// What part cannot be read.
    pub fn with(mut self, text: &str) -> Result<Columns, String> {
        for part in text.split(';').filter(|part| !part.trim().is_empty()) {
            let (name, value) =
                part.split_once('=').ok_or_else(|| format!("`{}` is no name=value", shown(part)))?;
            let value = value.trim();
            let one = || vec![value.to_lowercase()];
            let mut letters = value.chars();
            match name.trim() {
                "date" => self.date = one(),
                "value_date" => self.value_date = one(),
                "date_format" => self.date_format = value.to_owned(),
                "amount" => self.amount = one(),
                "credit" => self.credit = one(),
                "debit" => self.debit = one(),
                "balance" => self.balance = one(),
                "reference" => self.reference = one(),
                "text" => self.text = one(),
                "charges" => self.charges = one(),
                "decimal" if matches!(value, "." | ",") => self.decimal = letters.next().unwrap_or('.'),
                "separator" => {
                    self.separator = match value {
                        "comma" | "," => ',',
                        "semicolon" => ';',
                        "tab" => '\t',
                        "pipe" | "|" => '|',
                        other => {
                            return Err(format!(
                                "`{}` separates nothing; write comma, semicolon, tab or pipe",
                                shown(other)
                            ));
                        }
                    };
                }
                other => return Err(format!("there is no column `{}`", shown(other))),
            }
        }
        Ok(self)
    }
}

/// Reads a file of one account in one currency. Where there is a balance column, every row is footed.
///
/// # Errors
/// [`BankFileError`] with the row's number.
pub fn read(
    file: impl Read,
    columns: &Columns,
    currency: Currency,
) -> Result<Vec<ReadStatement>, BankFileError> {
    let mut reader = ::csv::ReaderBuilder::new()
        .delimiter(u8::try_from(columns.separator).unwrap_or(b','))
        .flexible(true)
        .trim(::csv::Trim::All)
        .from_reader(Source::new(file));
    let headers = reader.headers().map_err(|error| unread(&error, "row 1"))?.clone();
    let mut places = HashMap::new();
    for (place, name) in headers.iter().enumerate() {
        if places.insert(name.to_lowercase(), place).is_some() {
            return Err(BankFileError::at("row 1", format!("the column `{}` occurs twice", shown(name))));
        }
    }
    let find = |names: &[String]| names.iter().find_map(|name| places.get(name).copied());
    let date = find(&columns.date);
    let date = date.ok_or_else(|| {
        BankFileError::at("row 1", format!("no column for `date`: {}", columns.date.join(", ")))
    })?;
    let money = (find(&columns.amount), find(&columns.credit), find(&columns.debit));
    if matches!(money, (None, None, None)) {
        return Err(BankFileError::at("row 1", "no column for `amount`, nor for `credit` and `debit`"));
    }
    let (value_date, balance) = (find(&columns.value_date), find(&columns.balance));
    let (reference, said, kept_back) =
        (find(&columns.reference), find(&columns.text), find(&columns.charges));
    let mut lines = vec![];
    let (mut opening, mut standing): (Option<Money>, Option<Money>) = (None, None);
    let mut record = ::csv::StringRecord::new();
    for row in 2.. {
        let place = format!("row {row}");
        let at = |why: String| BankFileError::at(place.clone(), why);
        reader.get_mut().next_part();
        if !reader.read_record(&mut record).map_err(|error| unread(&error, &place))? {
            break;
        }
        if record.iter().all(str::is_empty) {
            continue;
        }
        if lines.len() >= LINES_MAX {
            return Err(BankFileError::TooMuch);
        }
        let cell =
            |place: Option<usize>| place.and_then(|place| record.get(place)).filter(|text| !text.is_empty());
        let signed =
            |text: &str| signed(text, columns.decimal, currency).map_err(|error| at(error.to_string()));
        let day = |text: &str| {
            NaiveDate::parse_from_str(text, &columns.date_format)
                .map_err(|_| at(format!("`{}` is no date written {}", shown(text), columns.date_format)))
        };
        let amount = match (cell(money.0), cell(money.1), cell(money.2)) {
            (Some(text), ..) => signed(text)?,
            (None, Some(credit), None) => signed(credit)?.abs(),
            (None, None, Some(debit)) => signed(debit)?.abs().negated(),
            (None, Some(credit), Some(debit)) => signed(credit)?.abs().checked_sub(signed(debit)?.abs())?,
            (None, None, None) => return Err(at("it has no amount".to_owned())),
        };
        let booked_on = day(cell(Some(date)).ok_or_else(|| at("it has no date".to_owned()))?)?;
        if let Some(text) = cell(balance) {
            let after = signed(text)?;
            let before = after.checked_sub(amount)?;
            if standing.is_some_and(|standing| standing != before) {
                return Err(at(format!("the balance {after} does not follow from the row above")));
            }
            opening = opening.or(Some(before));
            standing = Some(after);
        }
        lines.push(ReadLine {
            reference: cell(reference).map(|text| kept(text, 140)),
            amount,
            booked_on,
            value_on: cell(value_date).map(day).transpose()?.unwrap_or(booked_on),
            pending: false,
            reversal: false,
            charges: cell(kept_back).map(signed).transpose()?.map_or(Money::zero(currency), Money::abs),
            names: vec![],
            text: kept(cell(said).unwrap_or_default(), 500),
        });
    }
    let statement = ReadStatement {
        reference: String::new(),
        account: String::new(),
        currency,
        opening,
        closing: standing,
        lines,
    };
    let checked = statement.check();
    checked.map_err(|fault| BankFileError::Fault { reference: String::new(), fault })?;
    Ok(vec![statement])
}

fn unread(error: &::csv::Error, place: &str) -> BankFileError {
    let other = |source: &std::io::Error| source.kind() == std::io::ErrorKind::InvalidData;
    match error.kind() {
        ::csv::ErrorKind::Utf8 { .. } => BankFileError::NotText,
        ::csv::ErrorKind::Io(source) if other(source) => BankFileError::NotText,
        _ => BankFileError::at(place, error),
    }
}

/// `-1,234.50`, `1 234,50`, `(12.00)`.
fn signed(text: &str, decimal: char, currency: Currency) -> Result<Money, BankFileError> {
    let (text, bracketed) = match text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        Some(inner) => (inner, true),
        None => (text, false),
    };
    let (text, minus) = match text.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => (rest, true),
        None => (text.strip_prefix('+').unwrap_or(text), false),
    };
    let grouping = if decimal == '.' { ',' } else { '.' };
    let plain: String = text
        .chars()
        .filter(|letter| *letter != grouping && !letter.is_whitespace() && *letter != '\'')
        .collect();
    let money = amount(&plain, decimal, currency)?;
    Ok(if minus || bracketed { money.negated() } else { money })
}
