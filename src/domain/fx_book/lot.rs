//! What one transaction left on the position account in one pair.

use chrono::{DateTime, Utc};

use crate::domain::ledger::{AccountEntry, JournalEvent};
use crate::ids::TransactionId;
use crate::money::{Money, MoneyError};

use super::pair::Pair;

/// A lot. Amounts are above zero where the position is long: USD 85.10 bought at a cost of CNY 605.91 is
/// `base` 85.10, `quote` −605.91.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lot {
    /// The transaction that left it.
    pub transaction: TransactionId,
    /// Its place in the books.
    pub number: i64,
    /// What happened.
    pub event: JournalEvent,
    /// The fact: a deal's id where a market deal left it.
    pub source: String,
    /// The payment it is about.
    pub subject: Option<String>,
    /// In which currencies.
    pub pair: Pair,
    /// What is open of the base.
    pub base: Money,
    /// What that cost or brought.
    pub quote: Money,
    /// When it was booked.
    pub at: DateTime<Utc>,
}

impl Lot {
    /// Takes `base` (above zero, at most what is open) off and answers its part of the quote: rounded half up, the last
    /// part takes the rest.
    pub(super) fn take(&mut self, base: Money) -> Result<Money, MoneyError> {
        let whole = self.base.abs();
        let quote = self.quote.prorated(base, whole)?;
        self.reduce(base, quote)?;
        Ok(quote)
    }

    /// What an earlier closing took off.
    ///
    /// # Errors
    /// [`MoneyError`] where it is of another pair.
    pub fn reduce(&mut self, base: Money, quote: Money) -> Result<(), MoneyError> {
        let signed = if self.base.is_negative() { base.negated() } else { base };
        self.base = self.base.checked_sub(signed)?;
        self.quote = self.quote.checked_sub(quote)?;
        Ok(())
    }
}

/// The lots that entries of the position account are, in booking order. Legs of one conversion stand beside each other
/// in their transaction; what nets to nothing (a conversion by the gateway at capture) is none, and results are not
/// lots.
///
/// # Errors
/// [`MoneyError::TooLarge`].
pub fn lots(entries: &[AccountEntry]) -> Result<Vec<Lot>, MoneyError> {
    let mut lots: Vec<Lot> = Vec::new();
    for legs in entries.chunk_by(|one, next| one.place.number == next.place.number) {
        if legs[0].event == JournalEvent::Realized || nets_to_nothing(legs)? {
            continue;
        }
        let before = lots.len();
        let mut rest = legs;
        while let Some((first, behind)) = rest.split_first() {
            let (next, pair) = match behind.first().filter(|second| belong(first, second)) {
                Some(second) => {
                    let [one, other] = [first, second].map(|leg| leg.debit_minus_credit.negated());
                    let pair = Pair::of(one.currency(), other.currency()).map(|pair| (pair, one, other));
                    (&behind[1..], pair)
                }
                None => (behind, None),
            };
            let (pair, one, other) = pair.unwrap_or_else(|| {
                let amount = first.debit_minus_credit.negated();
                (Pair::alone(amount.currency()), amount, Money::zero(amount.currency()))
            });
            let (base, quote) = if one.currency() == pair.base() { (one, other) } else { (other, one) };
            match lots[before..].iter_mut().find(|lot| lot.pair == pair) {
                Some(lot) => {
                    lot.base = lot.base.checked_add(base)?;
                    lot.quote = lot.quote.checked_add(quote)?;
                }
                None => lots.push(Lot {
                    transaction: first.transaction,
                    number: first.place.number,
                    event: first.event,
                    source: first.source.clone(),
                    subject: first.subject.clone(),
                    pair,
                    base,
                    quote,
                    at: first.recorded_at,
                }),
            }
            rest = next;
        }
    }
    lots.retain(|lot| !lot.base.is_zero() || !lot.quote.is_zero());
    Ok(lots)
}

/// Whether two legs are one conversion's: beside each other, on opposite sides, of two currencies.
fn belong(first: &AccountEntry, second: &AccountEntry) -> bool {
    let (one, other) = (first.debit_minus_credit, second.debit_minus_credit);
    second.place.position == first.place.position + 1
        && one.currency() != other.currency()
        && one.is_negative() != other.is_negative()
}

fn nets_to_nothing(legs: &[AccountEntry]) -> Result<bool, MoneyError> {
    for leg in legs {
        let currency = leg.debit_minus_credit.currency();
        let same = legs.iter().map(|leg| leg.debit_minus_credit).filter(|leg| leg.currency() == currency);
        if !Money::sum(currency, same)?.is_zero() {
            return Ok(false);
        }
    }
    Ok(true)
}
