//! The forms a statement is had in. All say the same: one heading, one list of lines, one way to sum them.

use chrono::{Datelike, NaiveDate};

/// A form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For programs; at most 10,000 lines, or by pages.
    Json,
    /// For programs and spreadsheets; what is issued and hashed.
    Csv,
    /// A workbook: a summary, and the lines.
    Xlsx,
    /// For people.
    Pdf,
    /// ISO 20022 bank-to-customer statement, camt.053.001.08.
    Camt053,
    /// Open Financial Exchange 2.2.
    Ofx,
    /// Xero's bank statement import.
    Xero,
    /// QuickBooks Online's import with one column of amounts.
    QuickBooks,
    /// The same with credits and debits apart.
    QuickBooks4,
}

impl Form {
    /// Every form.
    pub const ALL: [Form; 9] = [
        Form::Json,
        Form::Csv,
        Form::Xlsx,
        Form::Pdf,
        Form::Camt053,
        Form::Ofx,
        Form::Xero,
        Form::QuickBooks,
        Form::QuickBooks4,
    ];

    /// Their words, in the same order.
    pub const WORDS: [&str; 9] =
        ["json", "csv", "xlsx", "pdf", "camt053", "ofx", "xero", "quickbooks", "quickbooks4"];

    /// The word of the API.
    pub fn as_str(self) -> &'static str {
        let at = Form::ALL.iter().position(|form| *form == self);
        at.map_or("", |at| Form::WORDS[at])
    }

    /// By its word.
    pub fn find(word: &str) -> Option<Form> {
        Form::ALL.into_iter().find(|form| form.as_str() == word)
    }

    /// Whether a long statement is several files of this form.
    pub fn takes_parts(self) -> bool {
        matches!(self, Form::QuickBooks | Form::QuickBooks4)
    }

    /// What is written in `Content-Type`, and asked for in `Accept`.
    pub fn media_type(self) -> &'static str {
        match self {
            Form::Json => "application/json",
            Form::Csv | Form::Xero | Form::QuickBooks | Form::QuickBooks4 => "text/csv",
            Form::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Form::Pdf => "application/pdf",
            Form::Camt053 => "application/xml",
            Form::Ofx => "application/x-ofx",
        }
    }

    /// The end of the file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Form::Json => "json",
            Form::Csv => "csv",
            Form::Xlsx => "xlsx",
            Form::Pdf => "pdf",
            Form::Camt053 => "camt053.xml",
            Form::Ofx => "ofx",
            Form::Xero => "xero.csv",
            Form::QuickBooks | Form::QuickBooks4 => "quickbooks.csv",
        }
    }
}

/// How dates are written for programs that read them by their user's habit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dates {
    /// 2026-11-28.
    #[default]
    YearFirst,
    /// 28/11/2026.
    DayFirst,
    /// 11/28/2026.
    MonthFirst,
}

impl Dates {
    /// Their words.
    pub const WORDS: [&str; 3] = ["ymd", "dmy", "mdy"];

    /// By its word.
    pub fn find(word: &str) -> Option<Dates> {
        let all = [Dates::YearFirst, Dates::DayFirst, Dates::MonthFirst];
        Dates::WORDS.into_iter().zip(all).find(|(known, _)| *known == word).map(|(_, dates)| dates)
    }

    pub(super) fn write(self, date: NaiveDate) -> String {
        let (year, month, day) = (date.year(), date.month(), date.day());
        match self {
            Dates::YearFirst => date.to_string(),
            Dates::DayFirst => format!("{day:02}/{month:02}/{year}"),
            Dates::MonthFirst => format!("{month:02}/{day:02}/{year}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back() {
        for form in Form::ALL {
            assert_eq!(Form::find(form.as_str()), Some(form));
        }
        assert_eq!(Form::find("docx"), None);
        let written = Dates::WORDS
            .map(|word| Dates::find(word).unwrap().write(NaiveDate::from_ymd_opt(2026, 3, 9).unwrap()));
        assert_eq!(written, ["2026-03-09", "09/03/2026", "03/09/2026"]);
    }
}
