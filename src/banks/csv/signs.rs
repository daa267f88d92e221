//! Which side a figure below zero stands on in a column that says the side itself.

use crate::banks::BankFileError;
use crate::banks::text::shown;
use crate::domain::deposits::ReadLine;
use crate::money::Money;

use super::footing::Footed;
use super::{Head, Reading};

/// Figures below zero in columns that say the side themselves.
#[derive(Default)]
pub(super) struct Signs {
    met: Vec<Doubted>,
    /// Whether a debit has no sign.
    plain: bool,
}

/// One of them.
pub(super) struct Doubted {
    /// The how manieth of the rows.
    place: usize,
    /// The file's line.
    row: u64,
    column: Option<usize>,
    figure: Money,
    /// Of a debit: what its row is if it is a reversal.
    back: Option<Money>,
}

impl Signs {
    pub(super) fn meet(&mut self, reading: &Reading<'_>, place: usize) -> Result<(), BankFileError> {
        let Head { amount, credit, debit, .. } = *reading.head;
        if reading.row.cell(amount).is_some() {
            return Ok(());
        }
        let (into, out) = (reading.money(credit)?, reading.money(debit)?);
        let row = reading.row.number;
        if let Some(figure) = into.filter(|figure| figure.is_negative()) {
            self.met.push(Doubted { place, row, column: credit, figure, back: None });
        }
        match out {
            Some(figure) if figure.is_negative() => {
                let back = into.unwrap_or(Money::zero(reading.currency)).checked_sub(figure)?;
                self.met.push(Doubted { place, row, column: debit, figure, back: Some(back) });
            }
            Some(figure) => self.plain |= figure.is_positive(),
            None => {}
        }
        Ok(())
    }

    /// Takes the debits below zero for reversals; whether there are any. Of lines as they stand in the file.
    pub(super) fn turn(&self, lines: &mut [ReadLine]) -> bool {
        let turned = self.met.iter().filter_map(|doubted| Some((doubted.place, doubted.back?)));
        turned.map(|(place, back)| lines[place].amount = back).count() > 0
    }

    /// The first of which nobody can tell whether the money came or went.
    pub(super) fn doubted(&self, footed: Option<&Footed>, is_turned: bool) -> Option<&Doubted> {
        let is_open = |doubted: &&Doubted| {
            let is_said = doubted.back.is_some() && !self.plain && !is_turned;
            !is_said && !footed.is_some_and(|footed| footed.holds(doubted.place))
        };
        self.met.iter().find(is_open)
    }
}

impl Doubted {
    pub(super) fn refused(&self, head: &Head) -> BankFileError {
        let column = self.column.and_then(|column| head.names.get(column)).map_or("", String::as_str);
        let why = format!(
            "{} stands below zero, and no balances before its row and behind tell whether the money came or went: name the \
             column of balances (`balance=`), or take a form of the file that has them and begins earlier",
            self.figure
        );
        BankFileError::at(format!("row {}, column `{}`", self.row, shown(column)), why)
    }
}
