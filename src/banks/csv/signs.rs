//! Which side a figure below zero stands on in a column that says the side itself.

use crate::banks::BankFileError;
use crate::money::Money;

use super::{Head, Reading};

/// Figures below zero in columns that say the side themselves.
#[derive(Default)]
pub(super) struct Signs {
    /// Why the first in a column of credits is doubted.
    of_credits: Option<BankFileError>,
    /// The rows with one in a column of debits, and what they are if it is a reversal.
    pub(super) of_debits: Vec<(usize, Money)>,
    /// Why the first of them is doubted.
    doubted: Option<BankFileError>,
    /// Whether a debit has no sign.
    plain: bool,
}

impl Signs {
    pub(super) fn meet(&mut self, reading: &Reading<'_>, place: usize) -> Result<(), BankFileError> {
        let Head { amount, credit, debit, .. } = *reading.head;
        if reading.row.cell(amount).is_some() {
            return Ok(());
        }
        let (into, out) = (reading.money(credit)?, reading.money(debit)?);
        let doubt = |column, figure: Money| {
            let why = format!(
                "{figure} stands below zero, and without a balance in its row or another nobody can tell whether the money \
                 came or went: name the column of balances (`balance=`), or take a form of the file that has them"
            );
            reading.at(column, why)
        };
        if let Some(figure) = into.filter(|figure| figure.is_negative()) {
            self.of_credits.get_or_insert_with(|| doubt(credit, figure));
        }
        match out {
            Some(figure) if figure.is_negative() => {
                let zero = Money::zero(reading.currency);
                self.of_debits.push((place, into.unwrap_or(zero).checked_sub(figure)?));
                self.doubted.get_or_insert_with(|| doubt(debit, figure));
            }
            Some(figure) => self.plain |= figure.is_positive(),
            None => {}
        }
        Ok(())
    }

    /// Why a file without balances is not read.
    pub(super) fn doubt(self) -> Option<BankFileError> {
        self.of_credits.or(self.doubted.filter(|_| self.plain))
    }
}
