//! A bank's statement is taken in: every line once, each explained by what gateways sent or put into suspense.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use secrecy::ExposeSecret;

use crate::crash::{Point, point};
use crate::domain::deposits::{BankLine, Extent, LineState, ReadLine, ReadStatement, apart};
use crate::domain::findings::FindingKind;
use crate::domain::merchants::{BankAccount, compact};
use crate::flows::onboard::statement_name;
use crate::flows::pay::sha256;
use crate::ids::{BankAccountId, BankStatementId, MerchantId};
use crate::money::Money;
use crate::store::bank_statements::BankStatement;
use crate::store::{Change, CommitError, Versioned};
use crate::vault::Vault;

use super::alike::{Alike, Claims};
use super::taken::extent;
use super::{DECISIONS, DepositError, Deposits};

/// A file that books nothing and names what statements have booked.
const NOTIFICATION: &str = "camt054";
/// Statements of the same days that are laid beside one another.
pub(super) const BESIDE_MAX: i64 = 1_000;

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
    /// Takes a file's statements, with `extra`. The same file again, or another that prints the same lines, books nothing
    /// twice; where the first reading broke off, the second goes on.
    ///
    /// # Errors
    /// [`DepositError`]: `Unknown` where an account is not this merchant's, `Ambiguous` where it may be two of them,
    /// `ReadOtherwise` where the file's lines were taken as others, before anything is booked.
    pub async fn read_statements(
        &self,
        vault: &Vault,
        merchant: MerchantId,
        file: &StatementFile,
        extra: Change,
    ) -> Result<Vec<BankStatement>, DepositError> {
        let accounts = self.accounts_of(vault, merchant, file).await?;
        let mut known = self.kept_statements(merchant, file, &accounts, &extra).await?;
        point(Point::StatementKept).await;
        for ((read, account), statement) in file.statements.iter().zip(&accounts).zip(&mut known) {
            let beside = self.store.bank_statements_beside(statement, BESIDE_MAX).await?;
            if file.format == NOTIFICATION {
                self.name_lines(account, &read.lines).await?;
            }
            let fresh = match self.is_taken(statement, read, &beside).await? {
                true => Money::zero(account.currency),
                false => {
                    let fresh = self.take_lines(account, statement, read, &beside).await?;
                    self.no_longer_doubted(statement).await?;
                    fresh
                }
            };
            self.doubt_passed_over(account, statement, &beside).await?;
            self.check_sequence(account, statement, read, fresh).await?;
            self.try_again(account).await?;
            self.remit_again(account).await?;
            self.convert_again(account).await?;
            self.pay_fees_again(account).await?;
            self.take_back_again(account).await?;
            self.come_back_again(merchant).await?;
            self.is_read(statement).await?;
        }
        let mut looked = HashSet::new();
        for account in accounts.iter().filter(|account| looked.insert(account.id)) {
            self.close_gaps(account).await?;
            let of_it = known.iter().filter(|statement| statement.bank_account == account.id);
            // A notification tells of lines, not of all of a day.
            let last =
                of_it.filter_map(|statement| statement.to_on).max().filter(|_| file.format != NOTIFICATION);
            if let Some(upto) = last {
                self.miss_remittances(account, upto).await?;
                self.miss_fees(account, upto).await?;
                self.miss_deals(account, upto).await?;
            }
        }
        Ok(known)
    }

    /// All of it is taken: until then whoever asks is told that it is not.
    async fn is_read(&self, statement: &mut BankStatement) -> Result<(), DepositError> {
        if statement.read_at.is_some() {
            return Ok(());
        }
        point(Point::StatementTaken).await;
        let now = self.clock.now();
        let mut change = Change::new();
        change.bank_statement_is_read(statement.id, now);
        match self.store.commit(change).await {
            // Lost: somebody else reads the same file.
            Ok(_) | Err(CommitError::LostUpdate { .. }) => {}
            Err(error) => return Err(DepositError::unavailable(error)),
        }
        statement.read_at = Some(now);
        Ok(())
    }

    pub(super) fn statement(
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
            read_at: None,
        }
    }

    /// The merchant's account of each statement.
    pub(super) async fn accounts_of(
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
            let of_currency =
                || stored.iter().zip(&names).filter(|(row, _)| row.account.currency == read.currency);
            // Some banks put their own code before the number; where one of the numbers is the whole, there is no code.
            let is_whole = names.contains(&told);
            let is_named = |name: &String| match is_whole {
                true => *name == told,
                false => name.len() >= 6 && told.ends_with(name.as_str()),
            };
            let named: Vec<BankAccountId> =
                of_currency().filter(|(_, name)| is_named(name)).map(|(row, _)| row.account.id).collect();
            let found = match (file.account, named.as_slice()) {
                (Some(id), named) if told.is_empty() || named.contains(&id) => Some(id),
                (Some(_), _) | (None, []) => None,
                (None, [one]) => Some(*one),
                (None, _) => return Err(DepositError::Ambiguous { account: read.account.clone() }),
            };
            let found = of_currency().find(|(row, _)| found == Some(row.account.id));
            let found = found.map(|(row, _)| row.account.clone());
            accounts.push(found.ok_or(DepositError::Unknown("bank account"))?);
        }
        Ok(accounts)
    }

    /// Takes what is booked and was not read before; answers what those come to that were first read in this statement.
    /// Of lines alike as many are known as others may have printed; what moved nothing is not kept.
    async fn take_lines(
        &self,
        account: &BankAccount,
        statement: &BankStatement,
        read: &ReadStatement,
        beside: &[BankStatement],
    ) -> Result<Money, DepositError> {
        let extents: Vec<Extent> = beside.iter().filter_map(extent).collect();
        let apart: HashSet<BankStatementId> = match Extent::of(read) {
            Some(own) => apart(&own, &extents).into_iter().map(|place| beside[place].id).collect(),
            None => HashSet::new(),
        };
        let moved = |line: &&ReadLine| !line.pending && !line.amount.is_zero();
        let mut printed: HashMap<String, Vec<&ReadLine>> = HashMap::new();
        for line in read.lines.iter().filter(moved) {
            printed.entry(line.key(0)).or_default().push(line);
        }
        let mut alike: HashMap<String, Alike> = HashMap::with_capacity(printed.len());
        let mut claims = Claims::new();
        let mut fresh = Money::zero(account.currency);
        for line in read.lines.iter().filter(moved) {
            let key = line.key(0);
            let group = printed.get(&key).map(Vec::as_slice).unwrap_or_default();
            let known = match alike.entry(key) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => {
                    let known = self.alike(account, statement, &apart, group, &mut claims).await?;
                    for _ in 0..known.own {
                        fresh = fresh.checked_add(line.amount).map_err(DepositError::unavailable)?;
                    }
                    place.insert(known)
                }
            };
            known.printed += 1;
            let mut decisions = 0;
            while known.printed + known.elsewhere > known.all {
                if decisions == DECISIONS {
                    return Err(met_others());
                }
                decisions += 1;
                let key = sha256(line.key(known.next).as_bytes());
                let fresh_line = BankLine {
                    id: self.ids.mint(),
                    merchant: account.merchant,
                    bank_account: account.id,
                    statement: statement.id,
                    line: line.clone(),
                    state: LineState::Unbooked,
                    recorded_at: self.clock.now(),
                };
                let taken = self.take_line(account, fresh_line, &key).await?;
                point(Point::StatementLine).await;
                if taken {
                    fresh = fresh.checked_add(line.amount).map_err(DepositError::unavailable)?;
                    (known.all, known.own, known.next) = (known.all + 1, known.own + 1, known.next + 1);
                } else {
                    // Somebody else read one like it at the same time; perhaps in this very file.
                    let now = self.alike(account, statement, &apart, group, &mut claims).await?;
                    for _ in known.own..now.own {
                        fresh = fresh.checked_add(line.amount).map_err(DepositError::unavailable)?;
                    }
                    *known = Alike { printed: known.printed, ..now };
                }
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
        Err(met_others())
    }

    /// Lines that the books could not hold before are tried again.
    async fn try_again(&self, account: &BankAccount) -> Result<(), DepositError> {
        let waits = |line: &BankLine| line.bank_account == account.id && line.state == LineState::Unbooked;
        for row in self.store.open_bank_lines(account.merchant, account.currency, waits).await? {
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
}

fn met_others() -> DepositError {
    DepositError::Unavailable(format!("a line met {DECISIONS} other changes in a row"))
}
