//! The statement for people: every line up to 2,000, beyond that the totals of each day, with the name of the CSV that
//! has every line.

use chrono::{Datelike, NaiveDate, Timelike};
use statement_pdf::{Align, Column, Document, Fact, Time};

use crate::domain::statements::{Heading, Side, StatementEntry, Tally, Totals};
use crate::money::Money;

use super::FormError;

/// Lines that are shown one by one.
const MOST: usize = 2_000;

/// Writes one PDF.
#[derive(Debug)]
pub struct StatementPdf {
    heading: Heading,
    tally: Tally,
    lines: Vec<StatementEntry>,
    days: Vec<Day>,
}

/// What the lines of one booking date come to, and the balance after them.
#[derive(Debug)]
struct Day {
    date: NaiveDate,
    totals: Totals,
    balance: Money,
}

impl StatementPdf {
    /// Begins the document.
    pub fn begin(heading: Heading) -> StatementPdf {
        StatementPdf { tally: Tally::new(heading.opening), heading, lines: Vec::new(), days: Vec::new() }
    }

    /// Takes lines.
    ///
    /// # Errors
    /// [`FormError::Statement`] where they do not foot.
    pub fn append(&mut self, entries: &[StatementEntry]) -> Result<(), FormError> {
        for entry in entries {
            self.tally.take(entry)?;
            if self.days.last().is_none_or(|day| day.date != entry.booked_on) {
                let totals = Totals::nothing(entry.amount);
                self.days.push(Day { date: entry.booked_on, totals, balance: entry.balance });
            }
            if let Some(day) = self.days.last_mut() {
                day.totals.add(entry)?;
                day.balance = entry.balance;
            }
            if self.lines.len() <= MOST {
                self.lines.push(entry.clone());
            }
        }
        Ok(())
    }

    /// The file.
    ///
    /// # Errors
    /// [`FormError::Statement`] where the lines do not lead to the ledger's closing balance.
    pub fn finish(self) -> Result<(Vec<u8>, Totals), FormError> {
        let totals = self.tally.finish(self.heading.closing)?;
        let pdf = self.document(&totals).render().map_err(|error| FormError::Write(error.to_string()))?;
        Ok((pdf.bytes, totals))
    }

    fn document(&self, totals: &Totals) -> Document {
        let heading = &self.heading;
        let fact = |name: &str, money: Money| Fact::new(name, written(money));
        let mut facts: Vec<Fact> =
            heading.facts().into_iter().map(|(name, value)| Fact::new(name, value)).collect();
        facts.push(fact("Opening balance", heading.opening));
        let by_day = self.lines.len() > MOST;
        let (columns, rows) = if by_day { self.day_table() } else { self.line_table() };
        let mut notes = Vec::new();
        if by_day {
            let csv = heading.file_name("csv");
            notes.push(format!(
                "There are {} entries, more than {MOST}: this document has the totals of each day. Every entry is in \
                 {csv}, the same statement as CSV.",
                totals.entries
            ));
        }
        if totals.entries == 0 {
            notes.push("Nothing moved in this period.".to_owned());
        }
        let title = match &heading.issue {
            Some(issue) => format!("Statement {}", issue.number),
            None => "Statement".to_owned(),
        };
        Document {
            title: format!("{title} · {} · {}", heading.currency(), heading.period.to()),
            facts,
            columns,
            rows,
            sums: vec![
                Fact::new("Entries", totals.entries.to_string()),
                fact("Credits", totals.credits),
                fact("Debits", totals.debits),
                fact("Closing balance", heading.closing),
            ],
            notes,
            made_at: moment(heading),
        }
    }

    fn line_table(&self) -> (Vec<Column>, Vec<Vec<String>>) {
        let columns = vec![
            Column::new("Booked", 50, Align::Left),
            Column::new("Value date", 50, Align::Left),
            Column::new("What happened", 124, Align::Left),
            Column::new("Transaction", 142, Align::Whole),
            Column::new("About", 142, Align::Whole),
            Column::new("Credit", 78, Align::Right),
            Column::new("Debit", 78, Align::Right),
            Column::new("Balance", 86, Align::Right),
        ];
        let rows = self.lines.iter().map(|entry| {
            let amount = entry.amount.digits().to_string();
            let (credit, debit) = match entry.side {
                Side::Credit => (amount, String::new()),
                Side::Debit => (String::new(), amount),
            };
            vec![
                entry.booked_on.to_string(),
                entry.value_date.to_string(),
                entry.narrative.to_string(),
                entry.transaction.to_string(),
                entry.subject.clone().unwrap_or_default(),
                credit,
                debit,
                entry.balance.digits().to_string(),
            ]
        });
        (columns, rows.collect())
    }

    fn day_table(&self) -> (Vec<Column>, Vec<Vec<String>>) {
        let columns = vec![
            Column::new("Booked", 2, Align::Left),
            Column::new("Entries", 1, Align::Right),
            Column::new("Credits", 2, Align::Right),
            Column::new("Debits", 2, Align::Right),
            Column::new("Balance", 2, Align::Right),
        ];
        let rows = self.days.iter().map(|day| {
            vec![
                day.date.to_string(),
                day.totals.entries.to_string(),
                day.totals.credits.digits().to_string(),
                day.totals.debits.digits().to_string(),
                day.balance.digits().to_string(),
            ]
        });
        (columns, rows.collect())
    }
}

/// `SGD 1234.50`: the code, since "$" is four currencies, and the digits of every other form.
fn written(money: Money) -> String {
    format!("{} {}", money.currency(), money.digits())
}

fn moment(heading: &Heading) -> Time {
    let at = heading.made_at;
    // Years, months and the rest are far within these types.
    let small = |number: u32| u8::try_from(number).unwrap_or_default();
    Time {
        year: u16::try_from(at.year()).unwrap_or_default(),
        month: small(at.month()),
        day: small(at.day()),
        hour: small(at.hour()),
        minute: small(at.minute()),
        second: small(at.second()),
    }
}
