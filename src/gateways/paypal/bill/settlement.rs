//! The settlement report: rows typed by their first cell, amounts without sign or decimal point.
//!
//! `RH FH (SH CH SB… SF… SC)… RF… RC FF`, in that order. `SF` states each currency's total of gross credits, gross debits,
//! fee credits and fee debits of a section, `RF` of the report; `SC`, `RC` and `FF` count body rows. Columns are found by
//! the names in `CH`, in PayPal's own places where the account's language has others. A file that ends before `FF`, goes
//! on behind it, or does not add up is no bill.

use std::collections::{BTreeMap, VecDeque};
use std::io::BufRead;

use chrono::{DateTime, Utc};

use super::super::amount::DECIMALS;
use super::codes;
use crate::domain::reconciliation::{BillKind, BillLine, LineFacts, LineStatus};
use crate::gateways::bills::BillError;
use crate::gateways::rows::{self, Rows};
use crate::money::{Currency, Money};

/// Columns we read, with the place PayPal gives them (the first cell is the row's type).
const COLUMNS: [(&str, usize); 12] = [
    ("transaction id", 1),
    ("invoice id", 2),
    ("paypal reference id", 3),
    ("transaction event code", 5),
    ("transaction completion date", 7),
    ("transaction debit or credit", 8),
    ("gross transaction amount", 9),
    ("gross transaction currency", 10),
    ("fee debit or credit", 11),
    ("fee amount", 12),
    ("fee currency", 13),
    ("custom field", 14),
];
/// Their places in [`COLUMNS`].
mod slot {
    pub const ID: usize = 0;
    pub const INVOICE: usize = 1;
    pub const REFERENCE: usize = 2;
    pub const CODE: usize = 3;
    pub const AT: usize = 4;
    pub const SIDE: usize = 5;
    pub const GROSS: usize = 6;
    pub const CURRENCY: usize = 7;
    pub const FEE_SIDE: usize = 8;
    pub const FEE: usize = 9;
    pub const FEE_CURRENCY: usize = 10;
    pub const CUSTOM: usize = 11;
}
use slot::{AT, CODE, CURRENCY, CUSTOM, FEE, FEE_CURRENCY, FEE_SIDE, GROSS, ID, INVOICE, REFERENCE, SIDE};

/// Gross credits, gross debits, fee credits, fee debits of one currency, in PayPal's units.
type Totals = BTreeMap<String, [i128; 4]>;

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    Headed,
    BetweenSections,
    InSection,
    Body,
    SectionFooter,
    ReportFooter,
    ReportCounted,
    Closed,
    Failed,
}

/// A settlement report being read.
pub(super) struct Report<'a, R> {
    rows: Rows<R>,
    account: &'a str,
    place: Place,
    columns: [usize; 12],
    section: Totals,
    report: Totals,
    section_rows: u64,
    report_rows: u64,
    ready: VecDeque<BillLine>,
}

impl<R: BufRead> Iterator for Report<'_, R> {
    type Item = Result<BillLine, BillError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Some(Ok(line));
            }
            if self.place == Place::Failed {
                return None;
            }
            match self.step() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.place = Place::Failed;
                    return Some(Err(error));
                }
            }
        }
    }
}

impl<'a, R: BufRead> Report<'a, R> {
    pub fn new(source: R, account: &'a str) -> Report<'a, R> {
        Report {
            rows: Rows::new(source, b','),
            account,
            place: Place::Start,
            columns: [0; 12],
            section: Totals::new(),
            report: Totals::new(),
            section_rows: 0,
            report_rows: 0,
            ready: VecDeque::new(),
        }
    }

    /// Reads one row; false at the right end.
    fn step(&mut self) -> Result<bool, BillError> {
        if !self.rows.advance()? {
            let closed = self.place == Place::Closed;
            return if closed { Ok(false) } else { Err(trailer("the file ends before its last row, FF")) };
        }
        let kind = self.rows.cell(0).into_owned();
        self.place = match (self.place, kind.as_str()) {
            (Place::Start, "RH") => self.named(3).map(|()| Place::Headed)?,
            (Place::Headed, "FH") => Place::BetweenSections,
            (Place::BetweenSections, "SH") => {
                self.named(3)?;
                (self.section, self.section_rows) = (Totals::new(), 0);
                Place::InSection
            }
            (Place::InSection, "CH") => self.name_columns().map(|()| Place::Body)?,
            (Place::Body, "SB") => self.body().map(|()| Place::Body)?,
            (Place::InSection | Place::Body | Place::SectionFooter, "SF") => {
                let section = std::mem::take(&mut self.section);
                self.section = self.agree(section)?;
                Place::SectionFooter
            }
            (Place::InSection | Place::Body | Place::SectionFooter, "SC") => {
                none_left(&self.section, "section")?;
                self.counts(self.section_rows)?;
                Place::BetweenSections
            }
            (Place::BetweenSections | Place::ReportFooter, "RF") => {
                let report = std::mem::take(&mut self.report);
                self.report = self.agree(report)?;
                Place::ReportFooter
            }
            (Place::BetweenSections | Place::ReportFooter, "RC") => {
                if self.place == Place::ReportFooter {
                    none_left(&self.report, "report")?;
                }
                self.counts(self.report_rows)?;
                Place::ReportCounted
            }
            (Place::BetweenSections | Place::ReportCounted, "FF") => {
                self.counts(self.report_rows)?;
                Place::Closed
            }
            (Place::Closed, _) => return Err(self.rows.malformed("stands behind the file's last row")),
            (_, "RH" | "FH" | "SH" | "CH" | "SB" | "SF" | "SC" | "RF" | "RC" | "FF") => {
                return Err(self.rows.malformed(format!("the row {kind} does not belong here")));
            }
            _ => return Err(self.rows.malformed("is no row of a settlement report (RH, FH, SH, CH, SB …)")),
        };
        Ok(true)
    }

    /// The account a header names must be ours, where it names one.
    fn named(&self, at: usize) -> Result<(), BillError> {
        let named = self.rows.cell(at);
        if named.is_empty() || named == self.account {
            return Ok(());
        }
        let named = named.chars().take(24).collect();
        Err(BillError::OtherAccount { ours: self.account.to_owned(), named })
    }

    fn name_columns(&mut self) -> Result<(), BillError> {
        let normal = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase();
        let names: Vec<String> = (0..self.rows.len()).map(|at| normal(&self.rows.cell(at))).collect();
        let mut found = 0;
        for (slot, (name, usual)) in COLUMNS.iter().enumerate() {
            let mut places = names.iter().enumerate().filter(|(_, known)| known == name).map(|(at, _)| at);
            self.columns[slot] = places.next().inspect(|_| found += 1).unwrap_or(*usual);
            if places.next().is_some() {
                return Err(self.rows.malformed(format!("names the column `{name}` twice")));
            }
        }
        match found {
            12 => Ok(()),
            // Another language: PayPal's own places.
            0 if names.len() > 17 => Ok(()),
            _ => Err(self.rows.malformed("lacks columns of a settlement report, such as `Transaction ID`")),
        }
    }

    fn cell(&self, column: usize) -> std::borrow::Cow<'_, str> {
        self.rows.cell(self.columns[column])
    }

    fn body(&mut self) -> Result<(), BillError> {
        let (gross, gross_units, gross_side) = self.amount(SIDE, GROSS, CURRENCY)?;
        let gross = if gross_side == Side::Credit { gross } else { gross.negated() };
        let fee =
            if self.cell(FEE).is_empty() { None } else { Some(self.amount(FEE_SIDE, FEE, FEE_CURRENCY)?) };
        let at = DateTime::parse_from_str(&self.cell(AT), "%Y/%m/%d %H:%M:%S %z")
            .map_err(|_| self.rows.malformed("a date is not written as 2024/08/20 00:01:17 -0700"))?;
        let id = rows::reference(&self.cell(ID));
        let facts = LineFacts {
            gateway_ref: id
                .ok_or_else(|| self.rows.malformed("Transaction ID is no reference of PayPal's"))?,
            related_ref: rows::reference(&self.cell(REFERENCE)),
            our_ref: rows::reference(&self.cell(CUSTOM)).or_else(|| rows::reference(&self.cell(INVOICE))),
            payer_country: None,
            kind: codes::kind(&self.cell(CODE))
                .ok_or_else(|| self.rows.malformed("Transaction Event Code is no code"))?,
            status: LineStatus::Settled,
            gross,
            fee: match fee {
                Some((fee, _, Side::Debit)) => fee,
                Some((fee, _, Side::Credit)) => fee.negated(),
                None => Money::zero(gross.currency()),
            },
            tax: Money::zero(gross.currency()),
            at: at.with_timezone(&Utc),
            account: self.account.to_owned(),
            hash: self.rows.hash(),
        };
        for totals in [&mut self.section, &mut self.report] {
            let row = totals.entry(gross.currency().code().to_owned()).or_default();
            row[usize::from(gross_side == Side::Debit)] += i128::from(gross_units);
            if let Some((fee, units, side)) = fee {
                let row = totals.entry(fee.currency().code().to_owned()).or_default();
                row[2 + usize::from(side == Side::Debit)] += i128::from(units);
            }
        }
        self.section_rows += 1;
        self.report_rows += 1;
        let ready = &mut self.ready;
        complete(facts, self.rows.number(), |line| ready.push_back(line))
    }

    fn amount(&self, side: usize, units: usize, currency: usize) -> Result<(Money, i64, Side), BillError> {
        let code = self.cell(currency);
        let currency =
            Currency::find(&code).map_err(|_| self.rows.malformed("names a currency that is none"))?;
        let decimals = DECIMALS.iter().find(|(known, _)| *known == currency.code());
        let (_, decimals) =
            decimals.ok_or_else(|| self.rows.malformed(format!("PayPal has no accounts in {currency}")))?;
        let units = self.units(units)?;
        let side = match self.cell(side).as_ref() {
            "CR" => Side::Credit,
            "DR" => Side::Debit,
            "" if units == 0 => Side::Credit,
            _ => return Err(self.rows.malformed("a side is neither CR nor DR")),
        };
        let step = 10_i64.pow(currency.exponent().saturating_sub(*decimals));
        let minor = units.checked_mul(step).filter(|minor| *minor <= Money::INPUT_LIMIT);
        let minor = minor.ok_or_else(|| self.rows.malformed("an amount is too large"))?;
        Ok((Money::from_minor(minor, currency), units, side))
    }

    /// A whole number without sign.
    fn units(&self, column: usize) -> Result<i64, BillError> {
        digits(&self.cell(column))
            .ok_or_else(|| self.rows.malformed("an amount is not digits alone, such as 10000 for $100.00"))
    }

    /// Holds a footer's totals against those of its currency, which are then settled.
    fn agree(&self, mut totals: Totals) -> Result<Totals, BillError> {
        let currency = self.rows.cell(1).into_owned();
        let stated = [2, 3, 4, 5].map(|at| digits(&self.rows.cell(at)).map(i128::from));
        let counted = totals.remove(&currency).unwrap_or_default();
        if stated == counted.map(Some) {
            return Ok(totals);
        }
        let stated: Vec<String> = (2..6).map(|at| self.rows.cell(at).chars().take(20).collect()).collect();
        let currency: String = currency.chars().take(3).collect();
        Err(trailer(&format!("its totals in {currency} are {stated:?}, its rows make {counted:?}")))
    }

    fn counts(&self, counted: u64) -> Result<(), BillError> {
        let stated = digits(&self.rows.cell(1)).and_then(|stated| u64::try_from(stated).ok());
        if stated == Some(counted) {
            return Ok(());
        }
        let stated = self.rows.cell(1).chars().take(20).collect::<String>();
        Err(trailer(&format!("it states `{stated}` rows and has {counted}")))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Credit,
    Debit,
}

fn digits(text: &str) -> Option<i64> {
    let plain = (1..=16).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn none_left(totals: &Totals, what: &str) -> Result<(), BillError> {
    match totals.iter().find(|(_, totals)| totals.iter().any(|total| *total != 0)) {
        None => Ok(()),
        Some((currency, _)) => Err(trailer(&format!("the {what} states no totals in {currency}"))),
    }
}

fn trailer(why: &str) -> BillError {
    BillError::Trailer(why.to_owned())
}

/// One line, or two where the fee is in another currency than what moved.
pub(super) fn complete(
    mut facts: LineFacts,
    line: u64,
    mut each: impl FnMut(BillLine),
) -> Result<(), BillError> {
    let too_large = |error: crate::money::MoneyError| BillError::Malformed { line, why: error.to_string() };
    let fee = facts.fee;
    if fee.currency() == facts.gross.currency() {
        each(BillLine::try_new(facts).map_err(too_large)?);
        return Ok(());
    }
    facts.fee = Money::zero(facts.gross.currency());
    let nothing = Money::zero(fee.currency());
    let apart = LineFacts {
        kind: BillKind::Fee,
        related_ref: Some(facts.gateway_ref.clone()),
        gross: fee.negated(),
        fee: nothing,
        tax: nothing,
        ..facts.clone()
    };
    each(BillLine::try_new(facts).map_err(too_large)?);
    each(BillLine::try_new(apart).map_err(too_large)?);
    Ok(())
}

#[cfg(test)]
mod tests;
