//! A bank's statement is taken in: every line once, each explained by what gateways sent or put into suspense.

use std::collections::HashMap;

use secrecy::ExposeSecret;

use crate::domain::deposits::{BankLine, LineState, ReadLine, ReadStatement};
use crate::domain::findings::FindingKind;
use crate::domain::merchants::{BankAccount, compact};
use crate::flows::onboard::statement_name;
use crate::flows::pay::sha256;
use crate::ids::{BankAccountId, BankStatementId, MerchantId};
use crate::money::Money;
use crate::store::bank_statements::BankStatement;
use crate::store::{Change, CommitError, Versioned};
use crate::vault::Vault;

use super::{DECISIONS, DepositError, Deposits};

/// A file that books nothing and names what statements have booked.
const NOTIFICATION: &str = "camt054";

/// A file of statements, as read.
#[derive(Debug)]
pub struct StatementFile {
    /// `camt053`, `camt054`, `mt940`, `csv`.
    pub format: &'static str,
    /// SHA-256 of its bytes, lower-case hexadecimal.
    pub hash: String,
    /// What it holds.
    pub statements: Vec<ReadStatement>,
    /// The account, where the file does not name it.
    pub account: Option<BankAccountId>,
}

impl StatementFile {
    /// A file of these bytes.
    pub fn new(
        format: &'static str,
        bytes: &[u8],
        statements: Vec<ReadStatement>,
        account: Option<BankAccountId>,
    ) -> StatementFile {
        StatementFile { format, hash: sha256(bytes), statements, account }
    }
}

impl Deposits {
    /// Takes a file's statements, with `extra` the first time. The same file again, or another that prints the same
    /// lines, books nothing twice; where the first reading broke off, the second goes on.
    ///
    /// # Errors
    /// [`DepositError`]: `Unknown` where an account is not this merchant's, before anything is booked.
    pub async fn read_statements(
        &self,
        vault: &Vault,
        merchant: MerchantId,
        file: &StatementFile,
        extra: Change,
    ) -> Result<Vec<BankStatement>, DepositError> {
        let accounts = self.accounts_of(vault, merchant, file).await?;
        let mut known = self.store.bank_statements_of(merchant, &file.hash).await?;
        if known.is_empty() {
            let mut change = extra;
            let foreign = change.tables();
            for (place, (read, account)) in file.statements.iter().zip(&accounts).enumerate() {
                let statement = self.statement(merchant, account.id, file, place, read);
                change.insert_bank_statement(&statement);
                known.push(statement);
            }
            match self.store.commit(change).await {
                Ok(_) => {}
                Err(CommitError::LostUpdate { table, .. }) if foreign.contains(&table) => {
                    return Err(DepositError::Superseded { table });
                }
                Err(CommitError::LostUpdate { .. }) => {
                    known = self.store.bank_statements_of(merchant, &file.hash).await?;
                }
                Err(error) => return Err(DepositError::unavailable(error)),
            }
        }
        for ((read, account), statement) in file.statements.iter().zip(&accounts).zip(&known) {
            let before = self.store.bank_statement_before(statement).await?;
            if file.format == NOTIFICATION {
                self.name_lines(account, &read.lines).await?;
            }
            let fresh = self.take_lines(account, statement, &read.lines).await?;
            self.check_sequence(account, statement, before, fresh).await?;
            self.try_again(account).await?;
            self.remit_again(account).await?;
            self.take_back_again(account).await?;
            self.miss_remittances(account, statement.to_on).await?;
        }
        Ok(known)
    }

    fn statement(
        &self,
        merchant: MerchantId,
        account: BankAccountId,
        file: &StatementFile,
        place: usize,
        read: &ReadStatement,
    ) -> BankStatement {
        let booked = || read.lines.iter().filter(|line| !line.pending);
        BankStatement {
            id: self.ids.mint(),
            merchant,
            bank_account: account,
            file_hash: file.hash.clone(),
            place: i64::try_from(place).unwrap_or(i64::MAX),
            format: file.format.to_owned(),
            reference: read.reference.clone(),
            currency: read.currency,
            opening: read.opening,
            closing: read.closing,
            from_on: booked().map(|line| line.booked_on).min(),
            to_on: booked().map(|line| line.booked_on).max(),
            line_count: i64::try_from(booked().count()).unwrap_or(i64::MAX),
            pending_count: i64::try_from(read.lines.len() - booked().count()).unwrap_or(i64::MAX),
            recorded_at: self.clock.now(),
        }
    }

    /// The merchant's account of each statement.
    async fn accounts_of(
        &self,
        vault: &Vault,
        merchant: MerchantId,
        file: &StatementFile,
    ) -> Result<Vec<BankAccount>, DepositError> {
        let stored = self.store.all_bank_accounts(merchant).await?;
        let mut names = Vec::with_capacity(stored.len());
        for row in &stored {
            let name = statement_name(vault, row).map_err(DepositError::unavailable)?;
            names.push(compact(name.expose_secret()));
        }
        let mut accounts = Vec::with_capacity(file.statements.len());
        for read in &file.statements {
            let told = compact(&read.account);
            // Some banks put their own code before the number.
            let is_named =
                |name: &String| told == *name || (name.len() >= 6 && told.ends_with(name.as_str()));
            let found = stored.iter().zip(&names).find(|(row, name)| match file.account {
                Some(id) => row.account.id == id && (told.is_empty() || is_named(name)),
                None => is_named(name) && row.account.currency == read.currency,
            });
            let found = found.map(|(row, _)| row.account.clone());
            let found = found.filter(|account| account.currency == read.currency);
            accounts.push(found.ok_or(DepositError::Unknown("bank account"))?);
        }
        Ok(accounts)
    }

    /// Takes what is booked and was not read before; answers what that comes to.
    async fn take_lines(
        &self,
        account: &BankAccount,
        statement: &BankStatement,
        lines: &[ReadLine],
    ) -> Result<Money, DepositError> {
        let mut alike: HashMap<String, usize> = HashMap::new();
        let mut fresh = Money::zero(account.currency);
        for read in lines.iter().filter(|line| !line.pending) {
            let nth = alike.entry(read.key(0)).or_insert(0);
            let key = sha256(read.key(*nth).as_bytes());
            *nth += 1;
            if self.store.bank_line_by_key(account.id, &key).await?.is_some() {
                continue;
            }
            let line = BankLine {
                id: self.ids.mint(),
                merchant: account.merchant,
                bank_account: account.id,
                statement: statement.id,
                line: read.clone(),
                state: LineState::Unbooked,
                recorded_at: self.clock.now(),
            };
            if self.take_line(account, line, &key).await? {
                fresh = fresh.checked_add(read.amount).map_err(DepositError::unavailable)?;
            }
        }
        Ok(fresh)
    }

    /// Writes a line down with what it is; false where somebody else did.
    async fn take_line(
        &self,
        account: &BankAccount,
        mut line: BankLine,
        key: &str,
    ) -> Result<bool, DepositError> {
        for _ in 0..DECISIONS {
            let (mut change, state) = self.explained(account, &line).await?;
            line.state = state;
            change.insert_bank_line(&line, key);
            match self.store.commit(change).await {
                Ok(_) => return Ok(true),
                // The books miss what came before: it is kept, and tried again when more is known.
                Err(CommitError::BelowFloor { .. }) => {
                    let mut change = Change::new();
                    line.state = LineState::Unbooked;
                    change.insert_bank_line(&line, key);
                    let why = "the books do not hold what the bank took: an opening balance is missing";
                    self.open_line(
                        &mut change,
                        account,
                        &line,
                        FindingKind::BankUnexplained,
                        line.line.amount,
                        why,
                    )
                    .await?;
                    match self.store.commit(change).await {
                        Ok(_) => return Ok(true),
                        Err(CommitError::LostUpdate { .. }) => {}
                        Err(error) => return Err(DepositError::unavailable(error)),
                    }
                }
                Err(CommitError::LostUpdate { .. } | CommitError::AlreadyBooked { .. }) => {}
                Err(error) => return Err(DepositError::unavailable(error)),
            }
            if self.store.bank_line_by_key(account.id, key).await?.is_some() {
                return Ok(false);
            }
        }
        Err(DepositError::Unavailable(format!("a line met {DECISIONS} other changes in a row")))
    }

    /// Lines that the books could not hold before are tried again.
    async fn try_again(&self, account: &BankAccount) -> Result<(), DepositError> {
        let open = self.store.open_bank_lines(account.merchant, account.currency, 1_000).await?;
        let waits = |row: &Versioned<BankLine>| {
            row.value.bank_account == account.id && row.value.state == LineState::Unbooked
        };
        for row in open.into_iter().filter(waits) {
            let (mut change, state) = self.explained(account, &row.value).await?;
            let explained = !matches!(state, LineState::Suspense);
            let row = Versioned { value: BankLine { state, ..row.value }, version: row.version };
            change.update_bank_line(&row);
            if explained {
                self.close_line(&mut change, &row.value, "explained by what came later").await?;
            }
            self.commit_or_leave(change).await?;
        }
        Ok(())
    }

    /// The new lines lead from the balance before to this one, or something between them was never read.
    async fn check_sequence(
        &self,
        account: &BankAccount,
        statement: &BankStatement,
        before: Option<BankStatement>,
        fresh: Money,
    ) -> Result<(), DepositError> {
        let Some(before) = before else { return Ok(()) };
        let (Some(from), Some(to)) = (before.closing, statement.closing) else { return Ok(()) };
        let reached = from.checked_add(fresh).map_err(DepositError::unavailable)?;
        if reached == to || statement.line_count == 0 || fresh.is_zero() {
            return Ok(());
        }
        let gap = to.checked_sub(reached).map_err(DepositError::unavailable)?;
        let detail = format!(
            "{}: {from} and the new lines come to {reached}, the statement says {to}; a statement between them is missing",
            account.name
        );
        let mut change = Change::new();
        let fact = statement_fact(statement.id);
        let place = (account.merchant, account.name.as_str());
        self.open_finding(&mut change, place, (FindingKind::StatementGap, &fact), Some(gap), detail).await?;
        self.commit_or_leave(change).await
    }
}

fn statement_fact(id: BankStatementId) -> String {
    id.to_string()
}
