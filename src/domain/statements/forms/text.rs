//! A statement as text, in constant memory: rows go into a buffer that the caller drains.
//!
//! Each line is footed again as it goes, and the end is only written if the last balance is the ledger's: a file
//! without its end (`#END`, `</Document>`, `</OFX>`) is not a statement.

use crate::domain::statements::{Dates, Form, Heading, StatementEntry, Tally, Totals};

use super::{FormError, QuickBooks, camt053, csv, imports, ofx};

/// A form that is text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextForm {
    /// The statement's own.
    Csv,
    /// ISO 20022.
    Camt053,
    /// Open Financial Exchange.
    Ofx,
    /// For Xero.
    Xero(Dates),
    /// For QuickBooks Online.
    QuickBooks(QuickBooks),
}

impl TextForm {
    /// The text form of a form; `None` for JSON, workbooks and PDF.
    pub fn of(form: Form, dates: Dates, part: u32) -> Option<TextForm> {
        match form {
            Form::Csv => Some(TextForm::Csv),
            Form::Camt053 => Some(TextForm::Camt053),
            Form::Ofx => Some(TextForm::Ofx),
            Form::Xero => Some(TextForm::Xero(dates)),
            Form::QuickBooks => Some(TextForm::QuickBooks(QuickBooks { apart: false, dates, part })),
            Form::QuickBooks4 => Some(TextForm::QuickBooks(QuickBooks { apart: true, dates, part })),
            Form::Json | Form::Xlsx | Form::Pdf => None,
        }
    }
}

/// Writes one statement as text.
#[derive(Debug)]
pub struct StatementText {
    form: TextForm,
    heading: Heading,
    tally: Tally,
}

impl StatementText {
    /// Writes what stands above the lines.
    ///
    /// # Errors
    /// [`FormError::Write`].
    pub fn begin(form: TextForm, heading: Heading, buffer: &mut Vec<u8>) -> Result<StatementText, FormError> {
        match form {
            TextForm::Csv => csv::begin(buffer)?,
            TextForm::Camt053 => camt053::begin(&heading, buffer),
            TextForm::Ofx => ofx::begin(&heading, buffer),
            TextForm::Xero(_) => imports::begin_xero(buffer)?,
            TextForm::QuickBooks(how) => how.begin(buffer)?,
        }
        let tally = Tally::new(heading.opening);
        Ok(StatementText { form, heading, tally })
    }

    /// Writes lines.
    ///
    /// # Errors
    /// [`FormError::Statement`] at the first line whose balance does not follow from the one before; the buffer then
    /// holds whole lines only.
    pub fn append(&mut self, entries: &[StatementEntry], buffer: &mut Vec<u8>) -> Result<(), FormError> {
        let before = self.tally.entries();
        for entry in entries {
            self.tally.take(entry)?;
        }
        match self.form {
            TextForm::Csv => csv::append(entries, buffer),
            TextForm::Camt053 => {
                camt053::append(entries, buffer);
                Ok(())
            }
            TextForm::Ofx => {
                ofx::append(entries, buffer);
                Ok(())
            }
            TextForm::Xero(dates) => {
                imports::append_xero(entries, dates, &self.heading.letterhead.issuer.name, buffer)
            }
            TextForm::QuickBooks(how) => how.append(before, entries, buffer),
        }
    }

    /// Writes the end.
    ///
    /// # Errors
    /// [`FormError::Statement`] when the lines do not lead to the ledger's closing balance: there is no end then.
    pub fn finish(self, buffer: &mut Vec<u8>) -> Result<Totals, FormError> {
        let totals = self.tally.finish(self.heading.closing)?;
        match self.form {
            TextForm::Csv => csv::finish(&totals, self.heading.closing, buffer)?,
            TextForm::Camt053 => camt053::finish(&self.heading, &totals, buffer),
            TextForm::Ofx => ofx::finish(&self.heading, buffer),
            TextForm::Xero(_) | TextForm::QuickBooks(_) => {}
        }
        Ok(totals)
    }
}
