//! A bank, or a gateway at our word, changed one currency for another: the accounts it took from and paid into, each
//! against the position account (J05, J14). The two legs on the position stand beside each other: so the book of
//! exchange deals reads them as one.

use crate::domain::ledger::{
    Account, AccountCode, JournalEvent, LedgerError, LedgerTransaction, Owner, Posting,
};
use crate::ids::TransactionId;
use crate::money::Money;

use super::booking::{Fact, Movement};

/// `sold` left the accounts of `from`, `bought` came to those of `into`.
///
/// # Errors
/// [`LedgerError`] when the parts do not come to the wholes.
pub fn converted_market(
    fact: &Fact<'_>,
    id: TransactionId,
    event: JournalEvent,
    (sold, from): (Money, Vec<Movement>),
    (bought, into): (Money, Vec<Movement>),
) -> Result<LedgerTransaction, LedgerError> {
    let position = || Account::new(AccountCode::FX_POSITION, Owner::none());
    let mut movements = from;
    movements.push(Movement::debit(position(), sold));
    movements.push(Movement::credit(position(), bought));
    movements.extend(into);
    let postings: Vec<Posting> = movements.iter().map(Movement::posting).collect();
    let transaction = LedgerTransaction::try_new(id, fact.merchant, event, fact.source, fact.at, postings)?;
    Ok(transaction.about(fact.subject))
}
