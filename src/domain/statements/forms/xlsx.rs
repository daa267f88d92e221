//! The statement as a workbook: a summary, and the lines.
//!
//! The lines go to a temporary file as they come, so that memory stays the same however many there are. Texts are
//! written as texts, never as formulas, and those that begin like one are marked so that they stay texts when a person
//! edits them. A spreadsheet's numbers are floating point with 15 digits: amounts are made from their decimal text, which
//! 15 digits come back to, and what has more is written as text rather than as another amount.

use std::io::Write;

use chrono::{Datelike, NaiveDate};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use crate::domain::statements::{Heading, StatementEntry, Tally, Totals};
use crate::money::Money;

use super::FormError;

/// A sheet has 1,048,576 rows; one is the head.
const MOST: u64 = 1_048_575;
const COLUMNS: [(&str, u16); 9] = [
    ("Booked", 11),
    ("Value date", 11),
    ("What happened", 34),
    ("Credit", 16),
    ("Debit", 16),
    ("Balance", 16),
    ("Currency", 9),
    ("Transaction", 34),
    ("About", 34),
];

/// Writes one workbook.
pub struct StatementXlsx {
    workbook: Workbook,
    heading: Heading,
    tally: Tally,
    formats: Formats,
}

struct Formats {
    head: Format,
    date: Format,
    amount: Format,
    text: Format,
}

impl std::fmt::Debug for StatementXlsx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StatementXlsx({} of {} lines)", self.heading.supplier, self.tally.entries())
    }
}

impl From<XlsxError> for FormError {
    fn from(error: XlsxError) -> FormError {
        FormError::Write(error.to_string())
    }
}

impl StatementXlsx {
    /// Begins the workbook.
    ///
    /// # Errors
    /// [`FormError::Write`]: there is no room for a temporary file.
    pub fn begin(heading: Heading) -> Result<StatementXlsx, FormError> {
        let mut workbook = Workbook::new();
        let made_at = ExcelDateTime::from_timestamp(heading.made_at.timestamp())?;
        let title = format!("Statement of {}", heading.letterhead.holder.name);
        workbook.set_properties(
            &DocProperties::new()
                .set_title(title)
                .set_author(&heading.letterhead.issuer.name)
                .set_creation_datetime(&made_at),
        );
        let decimals = heading.currency().exponent() as usize;
        let point = if decimals > 0 { "." } else { "" };
        let formats = Formats {
            head: Format::new().set_bold(),
            date: Format::new().set_num_format("yyyy-mm-dd"),
            amount: Format::new().set_num_format(format!("0{point}{}", "0".repeat(decimals))),
            text: Format::new().set_quote_prefix(),
        };
        workbook.add_worksheet().set_name("Summary")?;
        let lines = workbook.add_worksheet_with_constant_memory()?;
        lines.set_name("Entries")?;
        lines.set_freeze_panes(1, 0)?;
        for (column, (name, width)) in (0..).zip(COLUMNS) {
            lines.set_column_width(column, width)?;
            lines.write_string_with_format(0, column, name, &formats.head)?;
        }
        let tally = Tally::new(heading.opening);
        Ok(StatementXlsx { workbook, heading, tally, formats })
    }

    /// Writes lines.
    ///
    /// # Errors
    /// [`FormError::Statement`] where they do not foot, [`FormError::TooLong`] beyond a sheet's rows.
    pub fn append(&mut self, entries: &[StatementEntry]) -> Result<(), FormError> {
        let sheet = self.workbook.worksheet_from_index(1)?;
        for entry in entries {
            self.tally.take(entry)?;
            let row = u32::try_from(self.tally.entries()).ok().filter(|row| u64::from(*row) <= MOST);
            let row = row.ok_or(FormError::TooLong { form: "a workbook", most: MOST })?;
            date(sheet, row, 0, entry.booked_on, &self.formats)?;
            date(sheet, row, 1, entry.value_date, &self.formats)?;
            text(sheet, row, 2, &entry.narrative, &self.formats)?;
            let column = if entry.signed().is_negative() { 4 } else { 3 };
            amount(sheet, row, column, entry.amount, &self.formats)?;
            amount(sheet, row, 5, entry.balance, &self.formats)?;
            text(sheet, row, 6, entry.amount.currency().code(), &self.formats)?;
            text(sheet, row, 7, &entry.transaction.to_string(), &self.formats)?;
            text(sheet, row, 8, entry.subject.as_deref().unwrap_or_default(), &self.formats)?;
        }
        Ok(())
    }

    /// Writes the summary, and the workbook to `file`.
    ///
    /// # Errors
    /// [`FormError::Statement`] where the lines do not lead to the ledger's closing balance.
    pub fn finish(mut self, file: impl Write + Send) -> Result<Totals, FormError> {
        let totals = self.tally.finish(self.heading.closing)?;
        let formats = &self.formats;
        let sheet = self.workbook.worksheet_from_index(0)?;
        sheet.set_column_width(0, 22)?;
        sheet.set_column_width(1, 70)?;
        let mut row = 0;
        let mut name = |sheet: &mut Worksheet, name: &str| -> Result<u32, FormError> {
            sheet.write_string_with_format(row, 0, name, &formats.head)?;
            row += 1;
            Ok(row - 1)
        };
        for (fact, value) in self.heading.facts() {
            let row = name(sheet, fact)?;
            text(sheet, row, 1, &value, formats)?;
        }
        for (fact, money) in [
            ("Opening balance", self.heading.opening),
            ("Credits", totals.credits),
            ("Debits", totals.debits),
            ("Closing balance", self.heading.closing),
        ] {
            let row = name(sheet, fact)?;
            amount(sheet, row, 1, money, formats)?;
        }
        let row = name(sheet, "Entries")?;
        text(sheet, row, 1, &totals.entries.to_string(), formats)?;
        self.workbook.save_to_writer(file)?;
        Ok(totals)
    }
}

fn date(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    date: NaiveDate,
    formats: &Formats,
) -> Result<(), FormError> {
    // Excel's calendar begins with 1900.
    let parts = (u16::try_from(date.year()), u8::try_from(date.month()), u8::try_from(date.day()));
    if let (Ok(year @ 1900..), Ok(month), Ok(day)) = parts {
        let known = ExcelDateTime::from_ymd(year, month, day)?;
        sheet.write_datetime_with_format(row, column, known, &formats.date)?;
    } else {
        sheet.write_string(row, column, date.to_string())?;
    }
    Ok(())
}

fn text(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    words: &str,
    formats: &Formats,
) -> Result<(), FormError> {
    if words == super::csv::harmless(words) {
        sheet.write_string(row, column, words)?;
    } else {
        sheet.write_string_with_format(row, column, words, &formats.text)?;
    }
    Ok(())
}

fn amount(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    money: Money,
    formats: &Formats,
) -> Result<(), FormError> {
    let digits = money.digits().to_string();
    let exact = money.minor().unsigned_abs() < 1_000_000_000_000_000;
    match digits.parse::<f64>() {
        Ok(number) if exact => sheet.write_number_with_format(row, column, number, &formats.amount)?,
        _ => sheet.write_string(row, column, digits)?,
    };
    Ok(())
}
