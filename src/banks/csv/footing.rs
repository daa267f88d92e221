//! Rows held against the balances that some of them say.

use std::ops::Range;

use crate::banks::BankFileError;
use crate::domain::deposits::ReadLine;
use crate::money::{Currency, Money};

/// The balance that a row says.
pub(super) struct Balance {
    pub(super) row: u64,
    pub(super) said: Option<Money>,
}

/// Where the rows lead from and to.
pub(super) struct Footed {
    pub(super) opening: Money,
    pub(super) closing: Money,
    /// The rows between the first balance and the last, as they stand in the file: another amount of any of them would not
    /// foot. The opening is reckoned from what stands before, the closing from what stands behind.
    held: Range<usize>,
}

impl Footed {
    /// Whether a balance before a row and one at it or behind tell its amount.
    pub(super) fn holds(&self, place: usize) -> bool {
        self.held.contains(&place)
    }
}

/// The ends, where rows say any balance. The lines are brought into the order of time.
pub(super) fn footed(
    lines: &mut [ReadLine],
    balances: &[Balance],
    currency: Currency,
) -> Result<Option<Footed>, BankFileError> {
    let rows: Vec<(Money, &Balance)> = lines.iter().map(|line| line.amount).zip(balances).collect();
    let (forth, back) =
        (chained(rows.iter().copied(), currency), chained(rows.iter().rev().copied(), currency));
    let newest_first = matches!(&*lines, [first, .., last] if first.booked_on > last.booked_on);
    let (footed, is_back) = match (newest_first, forth, back) {
        (false, Ok(forth), _) => (forth, false),
        (true, _, Ok(back)) | (false, Err(_), Ok(back)) => (back, true),
        (true, Ok(forth), Err(_)) => (forth, false),
        (false, Err(fault), Err(_)) | (true, Err(_), Err(fault)) => return Err(fault),
    };
    if !is_back {
        return Ok(footed);
    }
    lines.reverse();
    let from_the_end = |place: usize| lines.len() - place;
    Ok(footed.map(|footed| Footed {
        held: from_the_end(footed.held.end)..from_the_end(footed.held.start),
        ..footed
    }))
}

/// The same in one order; places are counted in it.
fn chained<'a>(
    rows: impl Iterator<Item = (Money, &'a Balance)>,
    currency: Currency,
) -> Result<Option<Footed>, BankFileError> {
    let (mut footed, mut sum): (Option<(Money, Range<usize>)>, Money) = (None, Money::zero(currency));
    for (place, (amount, Balance { row, said })) in rows.enumerate() {
        sum = sum.checked_add(amount)?;
        let Some(said) = *said else { continue };
        let before = said.checked_sub(sum)?;
        let (opening, held) = footed.get_or_insert((before, place + 1..place + 1));
        if *opening != before {
            let why = format!("the balance {said} does not follow from the rows before it");
            return Err(BankFileError::at(format!("row {row}"), why));
        }
        held.end = place + 1;
    }
    let Some((opening, held)) = footed else { return Ok(None) };
    Ok(Some(Footed { opening, closing: opening.checked_add(sum)?, held }))
}
