//! A bank takes a line back: what was booked of it is booked the other way round, and its payouts are on their way
//! again. What two persons decided, or a transfer between own accounts, is left to persons.

use crate::domain::deposits::{BankLine, DepositState, Earlier, GatewaySettlement, LineState, find_reversed};
use crate::domain::findings::FindingKind;
use crate::domain::ledger::journal::{self, Fact, Movement};
use crate::domain::ledger::{Direction, Layer};
use crate::domain::merchants::BankAccount;
use crate::store::{Change, TransactionFilter, Versioned};

use super::match_line::credited_at;
use super::{DepositError, Deposits, post};

/// Lines of one amount at one account among which the one that is taken back is looked for.
const CANDIDATES: i64 = 100;
/// Transactions about one line: far more than there can be.
const TRANSACTIONS: u32 = 100;

impl Deposits {
    /// What a reversal does, where the line that it takes back is known and a machine may undo it.
    pub(super) async fn taken_back(
        &self,
        change: &mut Change,
        account: &BankAccount,
        line: &BankLine,
    ) -> Result<Option<LineState>, DepositError> {
        let Some((original, payouts)) = self.original(account, line).await? else { return Ok(None) };
        let mut booked = self.booked_of(&original.value).await?;
        booked.extend(self.booked_of(line).await?);
        let (source, at) = (line.id.to_string(), credited_at(line));
        let fact = Fact { ids: &self.ids, merchant: line.merchant, source: &source, subject: &source, at };
        post(change, journal::bank_reversed(&fact, &booked))?;

        let why = format!("taken back by the bank with {} on {}", line.id, line.line.booked_on);
        for kind in [FindingKind::BankUnexplained, FindingKind::DepositShort, FindingKind::DepositOver] {
            self.close_finding(change, &original.value, kind, &why).await?;
        }
        if !payouts.is_empty() {
            let names: Vec<&str> = payouts.iter().map(|row| row.value.batch.reference.as_str()).collect();
            let why = format!(
                "takes back {} of {}; on the way again: {}",
                original.value.id,
                original.value.line.booked_on,
                names.join(", ")
            );
            let (kind, amount) = (FindingKind::DepositReversed, line.line.amount.abs());
            self.open_line(change, account, line, kind, amount, &format!("{} {why}", line.id)).await?;
        }
        for row in payouts {
            let value = GatewaySettlement { state: DepositState::InTransit, ..row.value };
            change.update_gateway_settlement(&Versioned { value, version: row.version });
        }
        let (of, version) = (original.value.id, original.version);
        let value = BankLine { state: LineState::Reversed { by: line.id }, ..original.value };
        change.update_bank_line(&Versioned { value, version });
        Ok(Some(LineState::Reversing { of }))
    }

    /// The line that is taken back, with the payouts that it was.
    async fn original(
        &self,
        account: &BankAccount,
        line: &BankLine,
    ) -> Result<Option<(Versioned<BankLine>, Vec<Versioned<GatewaySettlement>>)>, DepositError> {
        if !line.line.reversal {
            return Ok(None);
        }
        let (amount, upto) = (line.line.amount.negated(), line.line.booked_on);
        let candidates = self.store.bank_lines_of_amount(account.id, amount, upto, CANDIDATES).await?;
        let mut known = vec![];
        for row in candidates {
            let mut payouts = vec![];
            if let LineState::Matched { settlements } = &row.value.state {
                for id in settlements {
                    payouts.extend(self.store.gateway_settlement(line.merchant, *id).await?);
                }
            }
            known.push((row, payouts));
        }
        let earlier: Vec<Earlier<'_>> = known
            .iter()
            .map(|(row, payouts)| Earlier {
                line: &row.value.line,
                payouts: payouts.iter().map(|row| row.value.deposit_reference().to_owned()).collect(),
            })
            .collect();
        let Some(place) = find_reversed(&line.line, &earlier) else { return Ok(None) };
        let found = known.swap_remove(place);
        let undone = match &found.0.value.state {
            LineState::Matched { settlements } => {
                let of_it =
                    |row: &Versioned<GatewaySettlement>| row.value.state.line() == Some(found.0.value.id);
                settlements.len() == found.1.len() && found.1.iter().all(of_it)
            }
            LineState::Suspense | LineState::Unbooked => true,
            _ => false,
        };
        Ok(undone.then_some(found))
    }

    /// What stands in the books about a line.
    async fn booked_of(&self, line: &BankLine) -> Result<Vec<Movement>, DepositError> {
        let filter = TransactionFilter {
            subject: Some(line.id.to_string()),
            limit: TRANSACTIONS,
            ..TransactionFilter::default()
        };
        let posted = self.store.ledger_transactions(line.merchant, &filter).await?;
        let entries = posted.into_iter().flat_map(|transaction| transaction.entries);
        let real = entries.filter(|entry| entry.layer == Layer::Posted);
        Ok(real
            .map(|entry| match entry.direction {
                Direction::Debit => Movement::debit(entry.account, entry.amount),
                Direction::Credit => Movement::credit(entry.account, entry.amount),
            })
            .collect())
    }

    /// Reversals that were printed or read before the line they take back.
    pub(super) async fn take_back_again(&self, account: &BankAccount) -> Result<(), DepositError> {
        let open = self.store.open_bank_lines(account.merchant, account.currency, 1_000).await?;
        let waits = |row: &Versioned<BankLine>| {
            row.value.bank_account == account.id
                && row.value.line.reversal
                && row.value.state == LineState::Suspense
        };
        for row in open.into_iter().filter(waits) {
            let mut change = Change::new();
            let Some(state) = self.taken_back(&mut change, account, &row.value).await? else { continue };
            self.close_line(&mut change, &row.value, "the line it takes back was read").await?;
            let row = Versioned { value: BankLine { state, ..row.value }, version: row.version };
            change.update_bank_line(&row);
            self.commit_or_leave(change).await?;
        }
        Ok(())
    }
}
