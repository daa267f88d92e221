//! What a bank's line is: payouts of gateways, the other side of a transfer, or nobody knows.

use chrono::{DateTime, Utc};

use crate::domain::access::Actor;
use crate::domain::deposits::{
    BankLine, DepositState, GatewaySettlement, LineState, Match, Sent, find_match, names_remittance,
};
use crate::domain::findings::{FindingKind, FindingState};
use crate::domain::ledger::journal::{self, Deposit, Fact};
use crate::domain::ledger::{Account, AccountCode, Owner};
use crate::domain::merchants::{BankAccount, BankAccountKind};
use crate::domain::statements::first_instant;
use crate::ids::MerchantId;
use crate::money::{Currency, Money};
use crate::store::{Change, CommitError, Versioned};

use super::{DepositError, Deposits, finding_data, post};

/// How many days apart the two lines of a transfer may be.
const TRANSFER_DAYS: i64 = 3;

/// The account of the books that is a bank account's money.
pub(super) fn in_books(account: &BankAccount) -> Account {
    let code = match account.kind {
        BankAccountKind::Client => AccountCode::BANK_CLIENT,
        BankAccountKind::Own => AccountCode::BANK_OPERATING,
    };
    Account::new(code, Owner::of(&account.name))
}

impl Deposits {
    /// When the money counts: as the day begins that the bank says, in the merchant's zone.
    pub(super) async fn credited_at(&self, line: &BankLine) -> Result<DateTime<Utc>, DepositError> {
        Ok(first_instant(line.line.value_on, self.merchant(line.merchant).await?.zone))
    }

    /// The change that a new line makes, and what it is then.
    pub(super) async fn explained(
        &self,
        account: &BankAccount,
        line: &BankLine,
    ) -> Result<(Change, LineState), DepositError> {
        let mut change = Change::new();
        let (source, at) = (line.id.to_string(), self.credited_at(line).await?);
        let fact = Fact { ids: &self.ids, merchant: line.merchant, source: &source, subject: &source, at };
        let books = in_books(account);
        let (found, open) = self.found(account, line).await?;
        if let Some(state) = self.paid_out(&mut change, account, line).await? {
            return Ok((change, state));
        }
        if let Some(state) = self.taken_back(&mut change, account, line).await? {
            return Ok((change, state));
        }
        // What names a payout of ours is nothing else that it could be by its sum.
        if self.waits_for_debit(account, line).await? {
            return self.unexplained(change, account, line, &fact).await;
        }
        if let Some(found) = found {
            let sent = sums(&found, &open)?;
            let deposit = Deposit {
                account: &books,
                received: line.line.amount,
                charges: line.line.charges,
                missing: found.missing,
                sent: &sent,
            };
            post(&mut change, journal::bank_credited(&fact, &deposit))?;
            let state = self.arrived(&mut change, account, line, &found, &open).await?;
            return Ok((change, state));
        }
        // What it names goes before all that it could be by its sum.
        if let Some(state) = self.fee_paid(&mut change, account, line, false).await? {
            return Ok((change, state));
        }
        let debit = self.remittance_of(account, line).await?;
        let named = debit.as_ref().is_some_and(|debit| names_remittance(&line.line, &debit.payment.value));
        if let Some(state) = self.converted(&mut change, line, !named).await? {
            return Ok((change, state));
        }
        if let Some(debit) = debit {
            let state = self.remitted(&mut change, line, &debit).await?;
            return Ok((change, state));
        }
        if let Some(state) = self.transfer(&mut change, account, line, &fact).await? {
            return Ok((change, state));
        }
        if let Some(state) = self.fee_paid(&mut change, account, line, true).await? {
            return Ok((change, state));
        }
        self.unexplained(change, account, line, &fact).await
    }

    /// To suspense, with its finding.
    async fn unexplained(
        &self,
        mut change: Change,
        account: &BankAccount,
        line: &BankLine,
        fact: &Fact<'_>,
    ) -> Result<(Change, LineState), DepositError> {
        post(&mut change, journal::bank_unexplained(fact, &in_books(account), line.line.amount))?;
        let said = match line.line.text.is_empty() {
            true => line.line.names.join(" "),
            false => line.line.text.clone(),
        };
        let kind = FindingKind::BankUnexplained;
        self.open_line(&mut change, account, line, kind, line.line.amount, &said).await?;
        Ok((change, LineState::Suspense))
    }

    /// The payouts of a line among what is on its way to its account.
    pub(super) async fn found(
        &self,
        account: &BankAccount,
        line: &BankLine,
    ) -> Result<(Option<Match>, Vec<Versioned<GatewaySettlement>>), DepositError> {
        if account.sweeps.is_empty()
            || !line.line.amount.is_positive()
            || self.waits_for_debit(account, line).await?
        {
            return Ok((None, vec![]));
        }
        let mut open = self.store.settlements_in_transit(line.merchant, account.currency).await?;
        open.retain(|row| account.sweeps.contains(&row.value.gateway_account));
        let sent: Vec<Sent> = open.iter().map(|row| sent(&row.value)).collect();
        let found = find_match(&line.line, &sent).map_err(DepositError::unavailable)?;
        Ok((self.unless_named_before(account, line, &sent, found).await?, open))
    }

    /// Payouts arrived: their rows, and a finding where the sums differ.
    async fn arrived(
        &self,
        change: &mut Change,
        account: &BankAccount,
        line: &BankLine,
        found: &Match,
        open: &[Versioned<GatewaySettlement>],
    ) -> Result<LineState, DepositError> {
        let at = self.credited_at(line).await?;
        let short = found.missing.is_positive() || line.line.charges.is_positive();
        let zero = Money::zero(account.currency);
        let mut settlements = vec![];
        for row in found.places.iter().filter_map(|place| open.get(*place)) {
            let state = match short {
                true => DepositState::Short {
                    line: line.id,
                    at,
                    missing: found.missing.max(zero).unwrap_or(zero),
                },
                false => DepositState::Received { line: Some(line.id), at },
            };
            let value = GatewaySettlement { state, ..row.value.clone() };
            settlements.push(value.id);
            change.update_gateway_settlement(&Versioned { value, version: row.version });
        }
        let names: Vec<&str> = found
            .places
            .iter()
            .filter_map(|place| open.get(*place))
            .map(|row| row.value.batch.reference.as_str())
            .collect();
        let names = names.join(", ");
        if found.missing.is_positive() {
            let why = format!("{} is missing of {names}", found.missing);
            self.open_line(change, account, line, FindingKind::DepositShort, found.missing, &why).await?;
        } else if found.missing.is_negative() {
            let over = found.missing.abs();
            let why = format!("{over} more than was sent with {names}");
            self.open_line(change, account, line, FindingKind::DepositOver, over, &why).await?;
        }
        self.credited_again(change, account, line, &settlements).await?;
        Ok(LineState::Matched { settlements })
    }

    /// The other line of a transfer between the merchant's own accounts, where it was read before: one that shares a
    /// reference, else the only one of its sum, were there no other of this sum either. Where both say no word alike, that
    /// is a guess, and the finding of the line before stays for a person to look at.
    async fn transfer(
        &self,
        change: &mut Change,
        account: &BankAccount,
        line: &BankLine,
        fact: &Fact<'_>,
    ) -> Result<Option<LineState>, DepositError> {
        let near = |other: &BankLine| {
            other.bank_account != account.id
                && other.state == LineState::Suspense
                && other.line.amount == line.line.amount.negated()
                && (other.line.booked_on - line.line.booked_on).num_days().abs() <= TRANSFER_DAYS
        };
        let mut others =
            self.store.open_bank_lines_of(line.merchant, line.line.amount.negated(), near).await?;
        let named = others.iter().position(|other| line.line.shares_reference(&other.value.line));
        let other = match named {
            Some(place) => others.swap_remove(place),
            None if others.len() == 1 => others.remove(0),
            None => return Ok(None),
        };
        let rival = |rival: &BankLine| {
            rival.bank_account != other.value.bank_account
                && rival.id != line.id
                && rival.state == LineState::Suspense
                && rival.line.amount == line.line.amount
                && (rival.line.booked_on - other.value.line.booked_on).num_days().abs() <= TRANSFER_DAYS
        };
        let rivals = match named {
            Some(_) => vec![],
            None => self.store.open_bank_lines_of(line.merchant, line.line.amount, rival).await?,
        };
        if !rivals.is_empty() {
            return Ok(None);
        }
        let there = self.store.bank_account(line.merchant, other.value.bank_account).await?;
        let Some(there) = there.map(|stored| stored.account).filter(|there| there.kind != account.kind)
        else {
            return Ok(None);
        };
        post(change, journal::topped_up(fact, &in_books(account), &there.name, line.line.amount))?;
        let value = BankLine { state: LineState::Transferred { with: line.id }, ..other.value.clone() };
        if named.is_some() || line.line.says_the_same(&other.value.line) {
            self.close_line(change, &value, "the other side of a transfer").await?;
        }
        change.update_bank_line(&Versioned { value, version: other.version });
        Ok(Some(LineState::Transferred { with: other.value.id }))
    }

    /// A batch became known: lines that stood in suspense are held against it.
    pub(super) async fn match_again(
        &self,
        merchant: MerchantId,
        currency: Currency,
    ) -> Result<(), DepositError> {
        let stands = |line: &BankLine| line.state == LineState::Suspense;
        for row in self.store.open_bank_lines(merchant, currency, stands).await? {
            let Some(stored) = self.store.bank_account(merchant, row.value.bank_account).await? else {
                continue;
            };
            let account = stored.account;
            let (Some(found), open) = self.found(&account, &row.value).await? else { continue };
            let mut change = Change::new();
            let (source, at) = (row.value.id.to_string(), self.credited_at(&row.value).await?);
            let fact = Fact { ids: &self.ids, merchant, source: &source, subject: &source, at };
            let sent = sums(&found, &open)?;
            let books = in_books(&account);
            let deposit = Deposit {
                account: &books,
                received: row.value.line.amount,
                charges: row.value.line.charges,
                missing: found.missing,
                sent: &sent,
            };
            post(&mut change, journal::bank_matched(&fact, &deposit))?;
            let state = self.arrived(&mut change, &account, &row.value, &found, &open).await?;
            self.close_line(&mut change, &row.value, "the gateway reported what it sent").await?;
            let value = BankLine { state, ..row.value };
            change.update_bank_line(&Versioned { value, version: row.version });
            match self.store.commit(change).await {
                // Lost: somebody else explained it, or the next report will.
                Ok(_) | Err(CommitError::LostUpdate { .. } | CommitError::AlreadyBooked { .. }) => {}
                Err(error) => return Err(DepositError::unavailable(error)),
            }
        }
        Ok(())
    }

    /// Opens a finding about a line.
    pub(super) async fn open_line(
        &self,
        change: &mut Change,
        account: &BankAccount,
        line: &BankLine,
        kind: FindingKind,
        amount: Money,
        why: &str,
    ) -> Result<(), DepositError> {
        let detail = format!("{} {} on {}: {why}", account.name, line.line.amount, line.line.booked_on);
        let (fact, place) = (line.id.to_string(), (line.merchant, account.name.as_str()));
        self.open_finding(change, place, (kind, &fact), Some(amount), detail).await
    }

    /// The finding that a line was unexplained needs nobody any more.
    pub(in crate::flows) async fn close_line(
        &self,
        change: &mut Change,
        line: &BankLine,
        why: &str,
    ) -> Result<(), DepositError> {
        self.close_finding(change, line, FindingKind::BankUnexplained, why).await
    }

    /// A finding about a line needs nobody any more.
    pub(super) async fn close_finding(
        &self,
        change: &mut Change,
        line: &BankLine,
        kind: FindingKind,
        why: &str,
    ) -> Result<(), DepositError> {
        self.close_about(change, line.merchant, (kind, &line.id.to_string()), why).await
    }

    /// A finding about a fact needs nobody any more.
    pub(super) async fn close_about(
        &self,
        change: &mut Change,
        merchant: MerchantId,
        (kind, fact): (FindingKind, &str),
        why: &str,
    ) -> Result<(), DepositError> {
        let found = self.store.finding_about(merchant, kind, fact).await?;
        let Some(finding) = found.filter(|found| !matches!(found.value.state, FindingState::Resolved { .. }))
        else {
            return Ok(());
        };
        let service = Actor::service(merchant, self.ids.mint()).user;
        let state = FindingState::explained(service, why, self.clock.now());
        change.decide_finding(&finding, &state);
        let mut decided = finding.value;
        decided.state = state;
        let subject = decided.id.to_string();
        self.tell(change, merchant, "finding.repaired", &subject, finding_data(&decided));
        Ok(())
    }
}

/// A payout as the bank would see it.
fn sent(settlement: &GatewaySettlement) -> Sent {
    let at = settlement.batch.paid_at.unwrap_or(settlement.batch.closed_at);
    Sent {
        gateway_account: settlement.gateway_account.clone(),
        reference: settlement.deposit_reference().to_owned(),
        net: settlement.batch.net,
        sent_on: at.date_naive(),
    }
}

/// What each gateway account sent of a match.
fn sums(found: &Match, open: &[Versioned<GatewaySettlement>]) -> Result<Vec<(String, Money)>, DepositError> {
    let mut sums: Vec<(String, Money)> = vec![];
    for row in found.places.iter().filter_map(|place| open.get(*place)) {
        let (account, net) = (&row.value.gateway_account, row.value.batch.net);
        match sums.iter_mut().find(|(known, _)| known == account) {
            Some((_, sum)) => *sum = sum.checked_add(net).map_err(DepositError::unavailable)?,
            None => sums.push((account.clone(), net)),
        }
    }
    Ok(sums)
}
