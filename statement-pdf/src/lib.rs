//! A headed table as a PDF that can be read in twenty years: a title, facts, rows on as many pages as they need, sums,
//! notes. PDF/A-2u: every font is embedded, every glyph has its Unicode text, so that what is seen can be searched and
//! copied.
//!
//! Names come in any letters. Fonts for Latin (with Vietnamese), Greek, Cyrillic, Thai, Chinese, Hebrew and Arabic are
//! in the crate; texts are shaped, and written right to left where their letters are. A character that no font has is
//! shown by its number, `[U+1F600]`, and the document says so at its end: never a blank, a box or another letter.
//!
//! The same document gives the same bytes. Nothing is read from the system: no clock, no installed fonts.
//!
//! ```
//! use statement_pdf::{Align, Column, Document, Fact, Time};
//!
//! let document = Document {
//!     title: "Statement 17".into(),
//!     facts: vec![Fact::new("For", "深圳市腾讯计算机系统有限公司"), Fact::new("Opening balance", "CNY 0.00")],
//!     columns: vec![Column::new("What", 3, Align::Left), Column::new("Amount", 1, Align::Right)],
//!     rows: vec![vec!["Sale".into(), "85.10".into()]],
//!     sums: vec![Fact::new("Closing balance", "CNY 85.10")],
//!     notes: vec![],
//!     made_at: Time { year: 2026, month: 11, day: 28, hour: 9, minute: 30, second: 0 },
//! };
//! let pdf = document.render()?;
//! assert!(pdf.bytes.starts_with(b"%PDF-1.7"));
//! assert!(pdf.missing.is_empty());
//! # Ok::<(), statement_pdf::PdfError>(())
//! ```

// Places on paper are fractions of a point; no amount is computed here, they come and go as texts.
#![allow(clippy::float_arithmetic)]

mod fonts;
mod line;
mod paper;
mod sheet;

use std::collections::BTreeSet;

/// What a document says. Texts are shown as they are; nothing is computed from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The head of the first page, and of every other page in small.
    pub title: String,
    /// What stands above the table, one line each.
    pub facts: Vec<Fact>,
    /// The table's columns; their heads are repeated on every page.
    pub columns: Vec<Column>,
    /// The table. A row is as high as its highest cell and is never torn; cells beyond the columns are not shown.
    pub rows: Vec<Vec<String>>,
    /// What stands below the table, one line each, in bold where the letters allow.
    pub sums: Vec<Fact>,
    /// Paragraphs at the end.
    pub notes: Vec<String>,
    /// When it was made, in UTC; written into the file.
    pub made_at: Time,
}

/// A name and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// `Tax number`.
    pub name: String,
    /// `91440300708461136T`.
    pub value: String,
}

/// A column of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its head.
    pub head: String,
    /// Its share of the width, beside the other columns' shares.
    pub share: u16,
    /// Where its cells stand, and what becomes of those that are too wide.
    pub align: Align,
}

/// Where cells stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Left; too wide a text takes several lines.
    Left,
    /// Left, for ids and hashes; too wide a text is written smaller, so that it is copied whole.
    Whole,
    /// Right, for numbers; too wide a text is written smaller, since half a number is another number.
    Right,
}

/// A moment in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time {
    /// 2026.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}

/// A document as a file.
#[derive(Clone, PartialEq, Eq)]
pub struct Pdf {
    /// The file.
    pub bytes: Vec<u8>,
    /// How many pages it has.
    pub pages: usize,
    /// The characters that no font has, and that are shown by their numbers.
    pub missing: BTreeSet<char>,
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum PdfError {
    /// A table without columns, or with columns that share nothing.
    #[error("the table has no columns that have a width")]
    NoColumns,
    /// A font of this crate does not read: the file it was built from is broken.
    #[error("font {0} does not read")]
    Font(&'static str),
    /// The writer refused the document.
    #[error("the PDF could not be written: {0}")]
    Write(String),
}

impl Fact {
    /// A fact.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Fact {
        Fact { name: name.into(), value: value.into() }
    }
}

impl Column {
    /// A column.
    pub fn new(head: impl Into<String>, share: u16, align: Align) -> Column {
        Column { head: head.into(), share, align }
    }
}

impl Document {
    /// Writes it.
    ///
    /// # Errors
    /// [`PdfError`].
    pub fn render(&self) -> Result<Pdf, PdfError> {
        let faces = fonts::Faces::load()?;
        let mut sheet = sheet::Sheet::new(&faces);
        sheet.document(self)?;
        let (pages, missing) = sheet.finish();
        let bytes = paper::write(self, &faces, &pages)?;
        Ok(Pdf { bytes, pages: pages.len(), missing })
    }
}

impl std::fmt::Debug for Pdf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Pdf({} bytes, {} pages, {} characters missing)",
            self.bytes.len(),
            self.pages,
            self.missing.len()
        )
    }
}
