//! A bank's CSV: columns are found by their names, which differ from bank to bank; a mapping says which is which. What
//! stands above the names is passed over, and the newest line may come first.

mod columns;
mod footing;
mod signs;

use std::io::Read;

use chrono::{Datelike, NaiveDate};

use crate::domain::deposits::{ReadLine, ReadStatement};
use crate::money::{Currency, Money};

use super::source::Source;
use super::text::{amount, booked_day, kept, shown, windows};
use super::{BankFileError, LINES_MAX};

pub use columns::Columns;
use footing::{Balance, footed};
use signs::Signs;

/// Rows among which the columns' names are looked for.
const HEAD_ROWS: usize = 30;

/// Reads a file of one account in one currency. Where there is a balance column, every row is footed, from the first to the
/// last or, where the newest comes first, back. Letters that are not UTF-8 are Windows'.
///
/// A figure below zero in a column of credits is a reversal, money out; in one of debits it is the debit with its sign, or
/// where the balances say so a reversal, money in. It is refused where no two balances around it tell which, unless every
/// debit of the file has a sign.
///
/// # Errors
/// [`BankFileError`] with the row and the column.
pub fn read(
    file: impl Read,
    columns: &Columns,
    currency: Currency,
) -> Result<Vec<ReadStatement>, BankFileError> {
    let mut rows = Rows::of(file, columns.separator);
    let head = Head::find(&mut rows, columns)?;
    let (mut lines, mut balances) = (vec![], vec![]);
    let mut signs = Signs::default();
    while let Some(row) = rows.next()? {
        if lines.len() >= LINES_MAX {
            return Err(BankFileError::TooMuch);
        }
        let reading = Reading { head: &head, row: &row, columns, currency };
        lines.push(reading.line()?);
        signs.meet(&reading, lines.len() - 1)?;
        balances.push(Balance { row: row.number, said: reading.money(head.balance)? });
    }
    let (footed, is_turned) = match footed(&mut lines, &balances, currency) {
        Err(fault) if signs.turn(&mut lines) => {
            (footed(&mut lines, &balances, currency).map_err(|_| fault)?, true)
        }
        footed => (footed?, false),
    };
    if let Some(doubted) = signs.doubted(footed.as_ref(), is_turned) {
        return Err(doubted.refused(&head));
    }
    let statement = ReadStatement {
        reference: String::new(),
        account: String::new(),
        currency,
        opening: footed.as_ref().map(|footed| footed.opening),
        closing: footed.as_ref().map(|footed| footed.closing),
        lines,
    };
    let checked = statement.check();
    checked.map_err(|fault| BankFileError::Fault { reference: String::new(), fault })?;
    Ok(vec![statement])
}

struct Row {
    /// The file's line in which it begins, counted from one.
    number: u64,
    cells: Vec<String>,
}

impl Row {
    fn cell(&self, place: Option<usize>) -> Option<&str> {
        place.and_then(|place| self.cells.get(place)).map(String::as_str).filter(|text| !text.is_empty())
    }
}

/// The rows that are not empty.
struct Rows<R: Read> {
    reader: ::csv::Reader<Source<R>>,
    record: ::csv::ByteRecord,
}

impl<R: Read> Rows<R> {
    fn of(file: R, separator: char) -> Rows<R> {
        let reader = ::csv::ReaderBuilder::new()
            .delimiter(u8::try_from(separator).unwrap_or(b','))
            .has_headers(false)
            .flexible(true)
            .from_reader(Source::new(file));
        Rows { reader, record: ::csv::ByteRecord::new() }
    }

    fn next(&mut self) -> Result<Option<Row>, BankFileError> {
        loop {
            let place = format!("row {}", self.reader.position().line());
            self.reader.get_mut().next_part();
            let read = self.reader.read_byte_record(&mut self.record);
            if !read.map_err(|error| unread(&error, &place))? {
                return Ok(None);
            }
            let number = self.record.position().map_or(0, ::csv::Position::line);
            let cells: Vec<String> = self.record.iter().map(|cell| windows(cell).trim().to_owned()).collect();
            if cells.iter().any(|cell| !cell.is_empty()) {
                return Ok(Some(Row { number, cells }));
            }
        }
    }
}

/// The row of the columns' names, and where each column is.
struct Head {
    names: Vec<String>,
    date: usize,
    value_date: Option<usize>,
    amount: Option<usize>,
    direction: Option<usize>,
    credit: Option<usize>,
    debit: Option<usize>,
    currency: Option<usize>,
    balance: Option<usize>,
    reference: Option<usize>,
    text: Option<usize>,
    charges: Option<usize>,
}

impl Head {
    fn find<R: Read>(rows: &mut Rows<R>, columns: &Columns) -> Result<Head, BankFileError> {
        let mut without_money = None;
        for _ in 0..HEAD_ROWS {
            let Some(row) = rows.next()? else { break };
            let place = format!("row {}", row.number);
            let find = |names: &[String]| -> Result<Option<usize>, BankFileError> {
                for name in names {
                    let mut places = (0..row.cells.len()).filter(|at| row.cells[*at].to_lowercase() == *name);
                    if let Some(found) = places.next() {
                        return match places.next() {
                            None => Ok(Some(found)),
                            Some(_) => {
                                let why = format!("the column `{}` occurs twice", shown(name));
                                Err(BankFileError::at(&place, why))
                            }
                        };
                    }
                }
                Ok(None)
            };
            let Some(date) = find(&columns.date)? else { continue };
            let (amount, credit, debit) =
                (find(&columns.amount)?, find(&columns.credit)?, find(&columns.debit)?);
            if matches!((amount, credit, debit), (None, None, None)) {
                without_money = without_money.or(Some(place));
                continue;
            }
            let direction = find(&columns.direction)?.filter(|found| amount.is_some_and(|own| own != *found));
            return Ok(Head {
                date,
                value_date: find(&columns.value_date)?,
                amount,
                direction,
                credit,
                debit,
                currency: find(&columns.currency)?,
                balance: find(&columns.balance)?,
                reference: find(&columns.reference)?,
                text: find(&columns.text)?,
                charges: find(&columns.charges)?,
                names: row.cells,
            });
        }
        Err(match without_money {
            Some(place) => BankFileError::at(place, "no column for `amount`, nor for `credit` and `debit`"),
            None => {
                let why = format!("no column for `date`: {}", columns.date.join(", "));
                BankFileError::at(format!("the first {HEAD_ROWS} rows"), why)
            }
        })
    }
}

/// One row of which the columns are known.
struct Reading<'a> {
    head: &'a Head,
    row: &'a Row,
    columns: &'a Columns,
    currency: Currency,
}

impl Reading<'_> {
    fn at(&self, column: Option<usize>, why: impl std::fmt::Display) -> BankFileError {
        let named = column.and_then(|place| self.head.names.get(place));
        let named = named.map_or_else(String::new, |name| format!(", column `{}`", shown(name)));
        BankFileError::at(format!("row {}{named}", self.row.number), why)
    }

    fn money(&self, column: Option<usize>) -> Result<Option<Money>, BankFileError> {
        let read = self.row.cell(column).map(|text| match self.columns.decimal {
            None if may_be_decimals(text, self.currency) => Err(format!(
                "the `,` in `{}` may group digits or stand before the decimals of {}; say which with `decimal=.` or \
                 `decimal=,`",
                shown(text),
                self.currency
            )),
            decimal => signed(text, decimal.unwrap_or('.'), self.currency),
        });
        read.transpose().map_err(|why| self.at(column, why))
    }

    fn day(&self, column: Option<usize>) -> Result<Option<NaiveDate>, BankFileError> {
        let format = &self.columns.date_format;
        let read = self.row.cell(column).map(|text| {
            let date = NaiveDate::parse_from_str(text, format).map_err(|_| {
                let text = shown(text);
                self.at(column, format!("`{text}` is no date written {format}; say how in `date_format`"))
            })?;
            if (0..100).contains(&date.year()) {
                let text = shown(text);
                let why =
                    format!("`{text}` has a year of two digits: write %y in place of %Y in `date_format`");
                return Err(self.at(column, why));
            }
            booked_day(date).map_err(|why| self.at(column, why))
        });
        read.transpose()
    }

    fn line(&self) -> Result<ReadLine, BankFileError> {
        self.is_of_the_account()?;
        let (amount, date) = (self.amount()?, Some(self.head.date));
        let booked_on = self.day(date)?.ok_or_else(|| self.at(date, "it has no date"))?;
        Ok(ReadLine {
            reference: self.row.cell(self.head.reference).map(|text| kept(text, 140)),
            amount,
            booked_on,
            value_on: self.day(self.head.value_date)?.unwrap_or(booked_on),
            pending: false,
            reversal: false,
            charges: self.money(self.head.charges)?.map_or(Money::zero(self.currency), Money::abs),
            names: vec![],
            text: kept(self.row.cell(self.head.text).unwrap_or_default(), 500),
            former: None,
        })
    }

    fn is_of_the_account(&self) -> Result<(), BankFileError> {
        let column = self.head.currency;
        match self.row.cell(column).filter(|code| !code.eq_ignore_ascii_case(self.currency.code())) {
            None => Ok(()),
            Some(other) => {
                let (other, own) = (shown(other), self.currency);
                let why = format!(
                    "`{other}` is not the account's {own}; set `currency=` to nothing if it says something else"
                );
                Err(self.at(column, why))
            }
        }
    }

    fn amount(&self) -> Result<Money, BankFileError> {
        let Head { amount, direction, credit, debit, .. } = *self.head;
        match (self.money(amount)?, self.money(credit)?, self.money(debit)?) {
            (Some(said), ..) => self.directed(said, direction),
            (None, Some(credit), None) => Ok(credit),
            (None, None, Some(debit)) => Ok(debit.abs().negated()),
            (None, Some(credit), Some(debit)) => Ok(credit.checked_sub(debit.abs())?),
            (None, None, None) => Err(self.at(amount, "it has no amount")),
        }
    }

    /// An amount with the sign that the column beside it says.
    fn directed(&self, amount: Money, column: Option<usize>) -> Result<Money, BankFileError> {
        if column.is_none() {
            return Ok(amount);
        }
        let word = self.row.cell(column).unwrap_or_default();
        match columns::is_debit(word) {
            Some(true) => Ok(amount.abs().negated()),
            Some(false) if amount.is_negative() => {
                Err(self.at(column, format!("`{}` contradicts {amount}", shown(word))))
            }
            Some(false) => Ok(amount),
            None => {
                let word = shown(word);
                let why = format!(
                    "`{word}` says neither debit nor credit; set `direction=` to nothing if it says something else"
                );
                Err(self.at(column, why))
            }
        }
    }
}

fn unread(error: &::csv::Error, place: &str) -> BankFileError {
    let other = |source: &std::io::Error| source.kind() == std::io::ErrorKind::InvalidData;
    match error.kind() {
        ::csv::ErrorKind::Io(source) if other(source) => BankFileError::NotText,
        _ => BankFileError::at(place, error),
    }
}

/// Whether the one comma may be a decimal one although three digits stand behind it: the currency has three decimals.
fn may_be_decimals(text: &str, currency: Currency) -> bool {
    let behind = text.split_once(',').map(|(_, behind)| behind).unwrap_or_default();
    let digits = behind.chars().filter(char::is_ascii_digit).count();
    currency.exponent() == 3 && digits == 3 && !behind.contains(',') && !text.contains('.')
}

/// `-1,234.50`, `1 234,50`, `1'234.50`, `(12.00)`. Signs between digits group them by threes or are no grouping: a decimal
/// comma is never taken for one that groups.
fn signed(text: &str, decimal: char, currency: Currency) -> Result<Money, String> {
    let (plain, bracketed) = match text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        Some(inner) => (inner, true),
        None => (text, false),
    };
    let (plain, minus) = match plain.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => (rest, true),
        None => (plain.strip_prefix('+').unwrap_or(plain), false),
    };
    let other = if decimal == '.' { ',' } else { '.' };
    let groups =
        |letter: char| letter == other || letter.is_whitespace() || matches!(letter, '\'' | '\u{2019}');
    let plain = plain.trim();
    let whole = plain.split_once(decimal).map_or(plain, |(whole, _)| whole);
    let mut signs: Vec<char> = whole.chars().filter(|letter| groups(*letter)).collect();
    signs.dedup();
    let mut parts = whole.split(groups);
    let first = parts.next().unwrap_or_default().len();
    let by_threes = signs.len() < 2 && parts.all(|part| part.len() == 3) && (1..=3).contains(&first);
    if !signs.is_empty() && !by_threes {
        return Err(format!(
            "`{}` is none in {currency} with `{decimal}` before the decimals and digits grouped by threes; set \
             `decimal={other}` if `{other}` stands before them",
            shown(text)
        ));
    }
    let (grouped, rest) = plain.split_at(whole.len());
    let digits: String = grouped.chars().filter(|letter| !groups(*letter)).chain(rest.chars()).collect();
    let money = amount(&digits, decimal, currency).map_err(|error| error.to_string())?;
    Ok(if minus || bracketed { money.negated() } else { money })
}

#[cfg(test)]
mod tests;
