//! A bank's notification (camt.054) books nothing. Where a statement booked many payments as one line without their names,
//! it says which they were: what stood in suspense is then what these payouts sent.

use std::collections::HashMap;

use crate::domain::deposits::{BankLine, LineState, ReadLine};
use crate::domain::ledger::journal::{self, Fact};
use crate::domain::merchants::BankAccount;
use crate::flows::pay::sha256;
use crate::store::{Change, CommitError, Versioned};

use super::match_line::in_books;
use super::{DECISIONS, DepositError, Deposits, post};

impl Deposits {
    /// Lines in suspense that a notification names. What it announces before the statement has it is not kept: the same
    /// file is sent again after the statement.
    pub(super) async fn name_lines(
        &self,
        account: &BankAccount,
        lines: &[ReadLine],
    ) -> Result<(), DepositError> {
        let mut alike: HashMap<String, usize> = HashMap::new();
        let is_called = |line: &&ReadLine| {
            line.reference.is_some() || line.former.as_ref().is_some_and(|former| former.reference.is_some())
        };
        for line in lines.iter().filter(is_called) {
            let nth = alike.entry(line.key(0)).or_insert(0);
            self.name_line(account, line, *nth).await?;
            *nth += 1;
        }
        Ok(())
    }

    async fn name_line(
        &self,
        account: &BankAccount,
        told: &ReadLine,
        nth: usize,
    ) -> Result<(), DepositError> {
        let readings = [Some(told), told.former.as_deref()];
        for _ in 0..DECISIONS {
            let mut known = None;
            for reading in readings.iter().flatten().filter(|reading| reading.reference.is_some()) {
                let key = sha256(reading.key(nth).as_bytes());
                known = match known {
                    None => self.store.bank_line_by_key(account.id, &key).await?,
                    known => known,
                };
            }
            let Some(known) = known else { return Ok(()) };
            if known.value.state != LineState::Suspense {
                return Ok(());
            }
            let mut named = known.value.clone();
            named.line.names.extend(told.names.iter().cloned());
            let mut change = Change::new();
            // It leaves suspense, and is booked as what it is.
            let (subject, at) = (named.id.to_string(), self.credited_at(&named).await?);
            let source = format!("{subject}/named");
            let (ids, merchant) = (&self.ids, named.merchant);
            let fact = Fact { ids, merchant, source: &source, subject: &subject, at };
            let back = named.line.amount.negated();
            post(&mut change, journal::bank_unexplained(&fact, &in_books(account), back))?;
            let Some(state) = self.paid_out(&mut change, account, &named).await? else { return Ok(()) };
            self.close_line(&mut change, &named, "named by the bank's notification").await?;
            let value = BankLine { state, ..known.value };
            change.update_bank_line(&Versioned { value, version: known.version });
            match self.store.commit(change).await {
                Ok(_) => return Ok(()),
                Err(CommitError::LostUpdate { .. } | CommitError::AlreadyBooked { .. }) => {}
                Err(error) => return Err(DepositError::unavailable(error)),
            }
        }
        Err(DepositError::Unavailable(format!("a line met {DECISIONS} other changes in a row")))
    }
}
