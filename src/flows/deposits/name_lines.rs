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
        let mut met: HashMap<String, usize> = HashMap::new();
        for told in lines {
            for (reading, is_former) in [(Some(told), false), (told.former.as_deref(), true)] {
                let Some(reading) = reading.filter(|reading| reading.reference.is_some()) else { continue };
                let nth = met.entry(reading.key(0)).or_insert(0);
                let key = reading.key(*nth);
                *nth += 1;
                if self.name_line(account, told, &key, is_former).await? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// False: no line has this key. An entry's number, by which an earlier program told lines apart (`is_former`), names one
    /// only where the statement said nothing else of it.
    async fn name_line(
        &self,
        account: &BankAccount,
        told: &ReadLine,
        key: &str,
        is_former: bool,
    ) -> Result<bool, DepositError> {
        let is_bare = |line: &ReadLine| line.names.is_empty() && line.text.trim().is_empty();
        for _ in 0..DECISIONS {
            let known = self.store.bank_line_by_key(account.id, &sha256(key.as_bytes())).await?;
            let known = known.filter(|known| !is_former || is_bare(&known.value.line));
            let Some(known) = known else { return Ok(false) };
            if known.value.state != LineState::Suspense {
                return Ok(true);
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
            let Some(state) = self.paid_out(&mut change, account, &named).await? else { return Ok(true) };
            self.close_line(&mut change, &named, "named by the bank's notification").await?;
            let value = BankLine { state, ..known.value };
            change.update_bank_line(&Versioned { value, version: known.version });
            match self.store.commit(change).await {
                Ok(_) => return Ok(true),
                Err(CommitError::LostUpdate { .. } | CommitError::AlreadyBooked { .. }) => {}
                Err(error) => return Err(DepositError::unavailable(error)),
            }
        }
        Err(DepositError::Unavailable(format!("a line met {DECISIONS} other changes in a row")))
    }
}
