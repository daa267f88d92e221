//! A file that was read before: its statements are kept once for each account, and its lines are read as they were then.

use std::collections::HashSet;

use crate::domain::deposits::ReadStatement;
use crate::domain::merchants::BankAccount;
use crate::ids::MerchantId;
use crate::store::bank_statements::BankStatement;
use crate::store::{Change, CommitError};
use crate::vault::Vault;

use super::taken::LINES_MAX;
use super::{DECISIONS, DepositError, Deposits, StatementFile};

/// The form of which the reader says what its columns are.
const CSV: &str = "csv";

impl Deposits {
    /// What is kept of a file's statements, in its order: fewer than it holds where they were not read for these accounts.
    ///
    /// # Errors
    /// [`DepositError`].
    pub async fn known_statements(
        &self,
        vault: &Vault,
        merchant: MerchantId,
        file: &StatementFile,
    ) -> Result<Vec<BankStatement>, DepositError> {
        let accounts = self.accounts_of(vault, merchant, file).await?;
        let stored = self.store.bank_statements_of(merchant, &file.hash).await?;
        let known = accounts.iter().enumerate().filter_map(|(place, account)| kept(&stored, place, account));
        Ok(known.cloned().collect())
    }

    /// The file's statements: those that are not kept yet are written down, and `extra` with them in every case.
    pub(super) async fn kept_statements(
        &self,
        merchant: MerchantId,
        file: &StatementFile,
        accounts: &[BankAccount],
        extra: &Change,
    ) -> Result<Vec<BankStatement>, DepositError> {
        let foreign = extra.tables();
        for _ in 0..DECISIONS {
            let stored = self.store.bank_statements_of(merchant, &file.hash).await?;
            let (mut change, mut statements) = (extra.clone(), Vec::with_capacity(accounts.len()));
            for (place, (read, account)) in file.statements.iter().zip(accounts).enumerate() {
                if let Some(known) = kept(&stored, place, account) {
                    self.is_read_alike(known, read).await?;
                    statements.push(known.clone());
                } else {
                    let statement = self.statement(merchant, account.id, file, place, read);
                    change.insert_bank_statement(&statement);
                    statements.push(statement);
                }
            }
            if change.is_empty() {
                return Ok(statements);
            }
            match self.store.commit(change).await {
                Ok(_) => return Ok(statements),
                Err(CommitError::LostUpdate { table, .. }) if foreign.contains(&table) => {
                    return Err(DepositError::Superseded { table });
                }
                // Somebody else reads the same file.
                Err(CommitError::LostUpdate { .. }) => {}
                Err(error) => return Err(DepositError::unavailable(error)),
            }
        }
        Err(DepositError::Unavailable(format!("a file met {DECISIONS} other changes in a row")))
    }

    /// Refuses a reading under which the lines that are kept of the statement are others: each would be booked once more.
    /// One of which no line is kept may be read in any way.
    async fn is_read_alike(&self, known: &BankStatement, read: &ReadStatement) -> Result<(), DepositError> {
        if known.format != CSV {
            return Ok(());
        }
        let told: HashSet<String> = read.lines.iter().map(|line| line.key(0)).collect();
        let lines = self.store.bank_lines_of(known.id, LINES_MAX).await?;
        match lines.iter().all(|kept| told.contains(&kept.value.line.key(0))) {
            true => Ok(()),
            false => Err(DepositError::ReadOtherwise(known.id)),
        }
    }
}

/// The kept statement of a place in the file, of this account.
fn kept<'a>(stored: &'a [BankStatement], place: usize, account: &BankAccount) -> Option<&'a BankStatement> {
    let is_there = |known: &BankStatement| usize::try_from(known.place) == Ok(place);
    stored.iter().find(|known| known.bank_account == account.id && is_there(known))
}
