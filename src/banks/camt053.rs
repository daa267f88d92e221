//! ISO 20022 camt.053, "bank to customer statement", versions .001.02 to .001.13: what a statement is did not change
//! between them, only where a status stands. Elements are known by their local names below `Stmt`, so that any prefix
//! and namespace reads. Document types and entities are refused: nothing is expanded, nothing is fetched.
//!
//! camt.054, "debit credit notification", has the same entries below `Ntfctn` and no balances. It announces: what it says
//! is booked stands in a statement too, perhaps as one line of many payments. So its entries are read whole and pending,
//! with all the references that they list; one without a day is of the day on which it was told.
//!
//! camt.052, "account report", is refused: what it tells of may come otherwise until the day ends.

mod entry;
mod statement;

use std::io::{ErrorKind, Read};

use chrono::NaiveDate;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use crate::domain::deposits::ReadStatement;
use crate::money::Money;

use super::source::Source;
use super::text::{amount, currency, iso_date, kept};
use super::{BankFileError, LINES_MAX, STATEMENTS_MAX};

use entry::Said;
use statement::Statement;

/// Elements within one another.
const DEPTH_MAX: usize = 40;
/// Letters of one text.
const TEXT_MAX: usize = 4_000;

/// The versions that say nothing of whether a charge is within an amount.
const VERSION_2: [&str; 2] = ["camt.053.001.02", "camt.054.001.02"];

/// What holds everything in a camt.052.
const INTRADAY: &str = "BkToCstmrAcctRpt";

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// camt.053: what was booked, between balances.
    #[default]
    Statement,
    /// camt.054: what is or will be booked.
    Notification,
}

impl Kind {
    /// The element that holds everything, and the one for each account.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Kind::Statement => ("BkToCstmrStmt", "Stmt"),
            Kind::Notification => ("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
        }
    }
}

/// Reads every statement or notification of a file, piece by piece.
///
/// # Errors
/// [`BankFileError`] with the path of elements.
pub fn read(file: impl Read) -> Result<Vec<ReadStatement>, BankFileError> {
    read_kind(file).map(|(_, read)| read)
}

/// The same, and which of them it holds.
///
/// # Errors
/// As [`read`].
pub fn read_kind(file: impl Read) -> Result<(Kind, Vec<ReadStatement>), BankFileError> {
    let mut reader = Reader::from_reader(Source::new(file));
    let mut file = File::default();
    let mut room = vec![];
    loop {
        let at = reader.buffer_position();
        room.clear();
        reader.get_mut().next_part();
        match reader.read_event_into(&mut room).map_err(|error| unread(&error, at))? {
            Event::Start(element) => file.open(&element)?,
            Event::Empty(element) => {
                file.open(&element)?;
                file.close()?;
            }
            Event::End(_) => file.close()?,
            Event::Text(text) => file.text(&text)?,
            Event::CData(text) => file.text(&text)?,
            Event::GeneralRef(name) => file.text(letter(name.as_ref())?.encode_utf8(&mut [0; 4]))?,
            Event::DocType(_) => return Err(BankFileError::at("the head", "a document type is refused")),
            Event::Eof if file.path.is_empty() && file.complete => return file.end(),
            Event::Eof if file.path.is_empty() => {
                let why = "it holds no `BkToCstmrStmt` (camt.053) and no `BkToCstmrDbtCdtNtfctn` (camt.054)";
                return Err(file.at(why));
            }
            Event::Eof => return Err(file.at("the file is cut off")),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

/// Why nothing more is read behind this byte.
fn unread(error: &quick_xml::Error, at: u64) -> BankFileError {
    match error {
        quick_xml::Error::Encoding(_) => BankFileError::NotText,
        quick_xml::Error::Io(error) if error.kind() == ErrorKind::InvalidData => BankFileError::NotText,
        quick_xml::Error::Io(error) => BankFileError::at(format!("byte {at}"), error),
        error => BankFileError::at(format!("byte {at}"), error),
    }
}

/// The five entities that XML itself has, and letters by number.
fn letter(name: &str) -> Result<char, BankFileError> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix('x') {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => number.parse(),
        };
        let found = code.ok().and_then(char::from_u32);
        let is_allowed =
            |letter: &char| matches!(letter, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..);
        // What no XML may hold is no letter of a text.
        return Ok(found.filter(is_allowed).unwrap_or(' '));
    }
    match name {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "apos" => Ok('\''),
        "quot" => Ok('"'),
        _ => Err(BankFileError::at("an entity", "only XML's own five are read")),
    }
}

#[derive(Default)]
struct File {
    /// Local names of the open elements.
    path: Vec<String>,
    /// The text of the innermost, so far.
    content: String,
    /// The currency that the innermost names.
    money: Option<String>,
    complete: bool,
    kind: Kind,
    /// Version 2 knows no `ChrgInclInd`: the charges it tells of are those within the entry's amount.
    charges_within: bool,
    /// The day on which it was made, by its group's header.
    made_on: Option<NaiveDate>,
    statement: Option<Statement>,
    /// Entries of the statement so far.
    entries: usize,
    read: Vec<ReadStatement>,
    lines: usize,
}

impl File {
    fn at(&self, why: impl std::fmt::Display) -> BankFileError {
        if self.path.is_empty() {
            return BankFileError::at("the file", why);
        }
        let path = self.path.join("/");
        match self.inside().is_some_and(|inside| inside.split('/').next() == Some("Ntry")) {
            true => BankFileError::at(format!("{path}, entry {}", self.entries), why),
            false => BankFileError::at(path, why),
        }
    }

    fn open(&mut self, element: &BytesStart<'_>) -> Result<(), BankFileError> {
        if self.path.len() >= DEPTH_MAX {
            return Err(self.at("too many elements within one another"));
        }
        let local = element.local_name();
        let name: &str = local.as_ref();
        self.path.push(name.chars().take(70).collect());
        self.content.clear();
        self.money = None;
        for attribute in element.attributes() {
            let attribute = attribute.map_err(|error| self.at(error))?;
            let key: &str = attribute.key.as_ref();
            let is_space = key == "xmlns" || key.starts_with("xmlns:");
            if key == "Ccy" || is_space {
                let value = attribute.normalized_value(XmlVersion::Implicit1_0);
                let value = value.map_err(|error| self.at(error))?.into_owned();
                if is_space {
                    self.charges_within |= VERSION_2.iter().any(|version| value.ends_with(version));
                } else {
                    self.money = Some(value);
                }
            }
        }
        if name == INTRADAY {
            let why = "an intraday report (camt.052) books nothing for good: ask the bank for camt.053";
            return Err(self.at(why));
        }
        let kind = [Kind::Statement, Kind::Notification].into_iter().find(|kind| kind.names().0 == name);
        if let Some(kind) = kind {
            if self.complete && self.kind != kind {
                return Err(self.at("a file is statements or notifications, not both"));
            }
            (self.complete, self.kind) = (true, kind);
        }
        let (whole, each) = self.kind.names();
        if self.below(whole) == Some(each) {
            if self.statement.is_some() || self.read.len() >= STATEMENTS_MAX {
                return Err(BankFileError::TooMuch);
            }
            self.statement = Some(Statement::default());
            self.entries = 0;
        }
        if let (Some(inside), Some(statement)) = (self.inside(), &mut self.statement) {
            match inside.as_str() {
                "Ntry" => self.entries += 1,
                "Ntry/NtryDtls/TxDtls" => statement.entry.begin_detail(),
                _ => {}
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), BankFileError> {
        if self.content.len() + text.len() > TEXT_MAX {
            return match text.trim().is_empty() {
                true => Ok(()),
                false => Err(self.at("a text is too long")),
            };
        }
        self.content.push_str(text);
        Ok(())
    }

    /// The name directly below an element of this name.
    fn below(&self, name: &str) -> Option<&str> {
        let [.., parent, own] = self.path.as_slice() else { return None };
        (parent == name).then_some(own.as_str())
    }

    /// The path below `Stmt`.
    fn inside(&self) -> Option<String> {
        let (_, each) = self.kind.names();
        let from = self.path.iter().position(|name| name == each)?;
        Some(self.path[from + 1..].join("/"))
    }

    /// The amount that the innermost element holds.
    fn amount(&self) -> Result<Money, BankFileError> {
        let code = self.money.as_deref().ok_or_else(|| self.at("an amount names no currency (`Ccy`)"))?;
        amount(self.content.trim(), '.', currency(code)?)
    }

    fn close(&mut self) -> Result<(), BankFileError> {
        if self.below("GrpHdr") == Some("CreDtTm") {
            self.made_on = iso_date(self.content.trim()).ok();
        }
        if let Some(inside) = self.inside()
            && let Some(mut statement) = self.statement.take()
        {
            let ended = self.take_up(&mut statement, &inside)?;
            match ended {
                true => {
                    let read = statement.end()?;
                    self.read.push(read);
                }
                false => self.statement = Some(statement),
            }
        }
        self.path.pop();
        self.content.clear();
        self.money = None;
        Ok(())
    }

    /// An element of a statement ends; true for the statement itself.
    fn take_up(&mut self, statement: &mut Statement, inside: &str) -> Result<bool, BankFileError> {
        let text = self.content.trim();
        match inside {
            "" => return Ok(true),
            "Id" => statement.id = kept(text, 70),
            "CreDtTm" => statement.made_on = iso_date(text).ok(),
            "Acct/Id/IBAN" | "Acct/Id/Othr/Id" => statement.account = kept(text, 70),
            "Acct/Ccy" => statement.currency = Some(currency(text)?),
            "Bal/Tp/CdOrPrtry/Cd" => statement.balance.code = kept(text, 10),
            "Bal/Amt" => statement.balance.amount = Some(self.amount()?),
            "Bal/CdtDbtInd" => statement.balance.is_debit = is_debit(text).map_err(|why| self.at(why))?,
            "Bal/Dt/Dt" | "Bal/Dt/DtTm" => statement.day = statement.day.max(iso_date(text).ok()),
            "Bal" => statement.end_balance(),
            "Ntry" => {
                let entry = std::mem::take(&mut statement.entry);
                let lines = match self.kind {
                    Kind::Statement => entry.end(statement.day, self.charges_within),
                    Kind::Notification => {
                        entry.announced(statement.made_on.or(self.made_on), self.charges_within)
                    }
                };
                let lines = lines.map_err(|why| self.at(why))?;
                self.lines += lines.len();
                if self.lines > LINES_MAX {
                    return Err(BankFileError::TooMuch);
                }
                statement.take_lines(lines).map_err(|why| self.at(why))?;
            }
            _ => {
                if let Some(inside) = inside.strip_prefix("Ntry/") {
                    // What a payer was told in whatever currency is read only where it counts.
                    let said = self.money.as_deref().map(|currency| Said::new(text, currency));
                    statement.entry.take_up(inside, text, said).map_err(|why| self.at(why))?;
                }
            }
        }
        Ok(false)
    }

    fn end(self) -> Result<(Kind, Vec<ReadStatement>), BankFileError> {
        if self.read.is_empty() {
            return Err(BankFileError::at(self.kind.names().0, "it holds no statement"));
        }
        Ok((self.kind, self.read))
    }
}

/// Which side an amount stands on.
fn is_debit(text: &str) -> Result<bool, String> {
    match text {
        "DBIT" => Ok(true),
        "CRDT" => Ok(false),
        other => Err(format!("`{}` is neither CRDT nor DBIT", super::text::shown(other))),
    }
}

#[cfg(test)]
mod tests;
