//! From a document to pages: where every line of it stands.

use std::collections::BTreeSet;

use crate::fonts::Faces;
use crate::line::{Line, Setter};
use crate::{Align, Column, Document, Fact, PdfError};

/// A4, lying.
pub(crate) const WIDTH: f32 = 841.89;
pub(crate) const HEIGHT: f32 = 595.28;
const MARGIN: f32 = 40.0;
const INNER: f32 = WIDTH - 2.0 * MARGIN;
const BOTTOM: f32 = HEIGHT - 46.0;
const TITLE: f32 = 16.0;
const TEXT: f32 = 9.0;
const TABLE: f32 = 7.5;
const SMALL: f32 = 7.0;
const NAMES: f32 = 130.0;
const GAP: f32 = 6.0;

/// A line of glyphs at a place.
#[derive(Debug)]
pub(crate) struct Placed {
    pub x: f32,
    pub y: f32,
    pub size: f32,
    pub line: Line,
}

/// A page: lines, and rules across it.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub lines: Vec<Placed>,
    pub rules: Vec<f32>,
}

/// Pages in the making.
pub(crate) struct Sheet<'a> {
    setter: Setter<'a>,
    pages: Vec<Page>,
    page: Page,
    y: f32,
}

/// A column as it lies on paper.
struct Place<'a> {
    column: &'a Column,
    x: f32,
    width: f32,
}

impl<'a> Sheet<'a> {
    pub fn new(faces: &'a Faces) -> Sheet<'a> {
        Sheet { setter: Setter::new(faces), pages: Vec::new(), page: Page::default(), y: MARGIN }
    }

    pub fn document(&mut self, document: &Document) -> Result<(), PdfError> {
        let shares: f32 = document.columns.iter().map(|column| f32::from(column.share)).sum();
        if shares <= 0.0 {
            return Err(PdfError::NoColumns);
        }
        for line in self.setter.lines(&document.title, true, INNER / TITLE) {
            self.place(MARGIN, TITLE, line);
        }
        self.y += 6.0;
        self.facts(&document.facts, false, &document.title);
        self.y += 8.0;

        let mut x = MARGIN;
        let places = document.columns.iter().map(|column| {
            let width = INNER * f32::from(column.share) / shares;
            let place = Place { column, x, width: width - GAP };
            x += width;
            place
        });
        let places: Vec<Place<'_>> = places.collect();
        self.heads(&places);
        for row in &document.rows {
            self.row(&places, row, &document.title);
        }
        self.page.rules.push(self.y);
        self.y += 8.0;
        self.facts(&document.sums, true, &document.title);
        self.y += 6.0;
        for note in &document.notes {
            self.paragraph(note, &document.title);
        }
        if !self.setter.missing.is_empty() {
            let note = "Characters that the fonts of this document have no shape for, and those that show nothing of \
                        themselves, stand here by their numbers in Unicode, as in [U+1F600].";
            self.paragraph(note, &document.title);
        }
        Ok(())
    }

    /// The pages, each with its number, and what is missing in them.
    pub fn finish(mut self) -> (Vec<Page>, BTreeSet<char>) {
        self.pages.push(std::mem::take(&mut self.page));
        let count = self.pages.len();
        for (index, page) in self.pages.iter_mut().enumerate() {
            let line = self.setter.line(&format!("Page {} of {count}", index + 1), false);
            let x = WIDTH - MARGIN - line.width * SMALL;
            page.lines.push(Placed { x, y: HEIGHT - 26.0, size: SMALL, line });
        }
        (self.pages, self.setter.missing)
    }

    /// Puts a line at the current height and goes below it.
    fn place(&mut self, x: f32, size: f32, line: Line) {
        self.put(x, self.y + size, size, line);
        self.y += size * 1.4;
    }

    fn put(&mut self, x: f32, y: f32, size: f32, line: Line) {
        self.page.lines.push(Placed { x, y, size, line });
    }

    /// Begins another page if `height` does not fit on this one; whether it did.
    fn room(&mut self, height: f32, title: &str) -> bool {
        if self.y + height <= BOTTOM {
            return false;
        }
        self.pages.push(std::mem::take(&mut self.page));
        self.y = MARGIN;
        let line = self.setter.lines(title, false, INNER / SMALL).swap_remove(0);
        self.place(MARGIN, SMALL, line);
        self.y += 4.0;
        true
    }

    fn facts(&mut self, facts: &[Fact], bold: bool, title: &str) {
        for fact in facts {
            let names = self.setter.lines(&fact.name, false, (NAMES - GAP) / TEXT);
            let values = self.setter.lines(&fact.value, bold, (INNER - NAMES) / TEXT);
            let rows = names.len().max(values.len());
            let (mut names, mut values) = (names.into_iter(), values.into_iter());
            for _ in 0..rows {
                self.room(TEXT * 1.5, title);
                let y = self.y + TEXT;
                for (x, line) in [(MARGIN, names.next()), (MARGIN + NAMES, values.next())] {
                    if let Some(line) = line {
                        self.put(x, y, TEXT, line);
                    }
                }
                self.y += TEXT * 1.5;
            }
        }
    }

    fn heads(&mut self, places: &[Place<'_>]) {
        self.page.rules.push(self.y);
        let cells: Vec<&str> = places.iter().map(|place| place.column.head.as_str()).collect();
        self.cells(places, &cells, true, None);
        self.page.rules.push(self.y);
    }

    fn row(&mut self, places: &[Place<'_>], row: &[String], title: &str) {
        let cells: Vec<&str> = row.iter().map(String::as_str).collect();
        self.cells(places, &cells, false, Some(title));
    }

    /// One row of the table; on a new page, with its heads, where it does not fit.
    fn cells(&mut self, places: &[Place<'_>], cells: &[&str], bold: bool, title: Option<&str>) {
        let set = places.iter().zip(cells).map(|(place, cell)| match place.column.align {
            Align::Left => self.setter.lines(cell, bold, place.width / TABLE),
            Align::Whole | Align::Right => vec![self.setter.line(cell, bold)],
        });
        let set: Vec<Vec<Line>> = set.collect();
        let rows = set.iter().map(Vec::len).max().unwrap_or(1);
        let height = rows as f32 * TABLE * 1.35 + 3.0;
        if title.is_some_and(|title| self.room(height, title)) {
            self.heads(places);
        }
        for (place, lines) in places.iter().zip(set) {
            for (index, line) in lines.into_iter().enumerate() {
                let fitting = if line.width > 0.0 { place.width / line.width } else { TABLE };
                let size = if place.column.align == Align::Left { TABLE } else { TABLE.min(fitting) };
                let x = match place.column.align {
                    Align::Left | Align::Whole => place.x,
                    Align::Right => place.x + place.width - line.width * size,
                };
                let y = self.y + 1.5 + TABLE + index as f32 * TABLE * 1.35;
                self.put(x, y, size, line);
            }
        }
        self.y += height;
    }

    fn paragraph(&mut self, text: &str, title: &str) {
        for line in self.setter.lines(text, false, INNER / SMALL) {
            self.room(SMALL * 1.5, title);
            self.place(MARGIN, SMALL, line);
        }
        self.y += 3.0;
    }
}
