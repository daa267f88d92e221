//! A bank takes a line back: what was booked of it is booked the other way round, and its payouts are on their way
//! again; withheld tax and a gateway's invoice that it paid are owed again. What two persons decided, or a transfer
//! between own accounts, is left to persons.

use crate::domain::deposits::{
    BankLine, DepositState, Earlier, FeeCharge, GatewaySettlement, LineState, find_reversed,
};
use crate::domain::findings::FindingKind;
use crate::domain::ledger::journal::{self, Fact, Movement};
use crate::domain::ledger::{Direction, Layer};
use crate::domain::merchants::BankAccount;
use crate::domain::withholding::{Remittance, RemittanceState};
use crate::ids::UserId;
use crate::store::{Change, TransactionFilter, Versioned};

use super::{DepositError, Deposits, post};

/// Lines of one amount at one account among which the one that is taken back is looked for.
const CANDIDATES: i64 = 100;
/// Transactions about one line: far more than there can be.
const TRANSACTIONS: u32 = 100;

/// A line that is taken back, with what it moved.
#[derive(Debug)]
pub(in crate::flows) struct TakenBack {
    /// The line.
    pub original: Versioned<BankLine>,
    /// The payouts that it was.
    pub payouts: Vec<Versioned<GatewaySettlement>>,
    /// The payment to an authority that it debited.
    pub payment: Option<Versioned<Remittance>>,
    /// The gateway's invoice that it paid.
    pub charge: Option<Versioned<FeeCharge>>,
}

impl Deposits {
    /// What a reversal does, or a credit that brings a payment back, where the line that it takes back is known and a machine
    /// may undo it.
    pub(super) async fn taken_back(
        &self,
        change: &mut Change,
        account: &BankAccount,
        line: &BankLine,
    ) -> Result<Option<LineState>, DepositError> {
        let Some(taken) = self.original(account, line).await? else { return Ok(None) };
        self.undo(change, account, line, taken, None).await.map(Some)
    }

    /// Undoes what is taken back with `line`, as the line says or `said_by` does; what `line` is then.
    ///
    /// # Errors
    /// [`DepositError`].
    pub(in crate::flows) async fn undo(
        &self,
        change: &mut Change,
        account: &BankAccount,
        line: &BankLine,
        taken: TakenBack,
        said_by: Option<UserId>,
    ) -> Result<LineState, DepositError> {
        let TakenBack { original, payouts, payment, charge } = taken;
        let at = self.credited_at(line).await?;
        // Each about the line whose it is: what was unexplained of either is one item, and comes to nothing.
        let sources = [line.id.to_string(), format!("{}/own", line.id)];
        for (taken, source) in [&original.value, line].into_iter().zip(&sources) {
            let (booked, subject) = (self.booked_of(taken).await?, taken.id.to_string());
            let fact = Fact { ids: &self.ids, merchant: line.merchant, source, subject: &subject, at };
            post(change, journal::bank_reversed(&fact, &booked))?;
        }

        let why = format!("taken back by the bank with {} on {}", line.id, line.line.booked_on);
        for kind in [FindingKind::BankUnexplained, FindingKind::DepositShort, FindingKind::DepositOver] {
            self.close_finding(change, &original.value, kind, &why).await?;
        }
        let undone = match (&payment, &charge) {
            (Some(payment), _) => Some(self.owed_again(change, line, payment, said_by).await?),
            (None, Some(charge)) => Some(unpaid_again(&charge.value)),
            (None, None) => on_the_way_again(&payouts),
        };
        if let Some(undone) = undone {
            let (old, day) = (original.value.id, original.value.line.booked_on);
            let why = format!("{} takes back {old} of {day}; {undone}", line.id);
            let (kind, amount) = (FindingKind::DepositReversed, line.line.amount.abs());
            match &charge {
                Some(charge) => self.fee_came_back(change, account, line, charge, &why).await?,
                None => self.open_line(change, account, line, kind, amount, &why).await?,
            }
        }
        let settlements = payouts.iter().map(|row| row.value.id).collect();
        for row in payouts {
            let value = GatewaySettlement { state: DepositState::InTransit, ..row.value };
            change.update_gateway_settlement(&Versioned { value, version: row.version });
        }
        let (of, version) = (original.value.id, original.version);
        let value = BankLine { state: LineState::Reversed { by: line.id, settlements }, ..original.value };
        change.update_bank_line(&Versioned { value, version });
        Ok(LineState::Reversing { of })
    }

    /// The line that is taken back: what the reversal says, else what the credit names.
    async fn original(
        &self,
        account: &BankAccount,
        line: &BankLine,
    ) -> Result<Option<TakenBack>, DepositError> {
        let Some(found) = self.reversed(account, line).await? else {
            return match self.fee_brought_back(account, line).await? {
                Some(found) => Ok(Some(found)),
                None => self.brought_back(account, line).await,
            };
        };
        let id = found.original.value.id;
        let is_undone = match &found.original.value.state {
            LineState::Matched { settlements } => {
                let of_it = |row: &Versioned<GatewaySettlement>| row.value.state.line() == Some(id);
                settlements.len() == found.payouts.len() && found.payouts.iter().all(of_it)
            }
            LineState::Remitted { .. } => found.payment.as_ref().is_some_and(|payment| {
                payment.value.bank_line == Some(id)
                    && matches!(payment.value.state, RemittanceState::Booked { .. })
            }),
            LineState::FeePaid { .. } => {
                found.charge.as_ref().is_some_and(|charge| charge.value.bank_line == Some(id))
            }
            // A payment that was booked at the very time at which its debit was read: it is found first.
            LineState::Suspense => self.remittance_of(account, &found.original.value).await?.is_none(),
            LineState::Unbooked => true,
            _ => false,
        };
        Ok(is_undone.then_some(found))
    }

    /// The line that a reversal takes back.
    async fn reversed(
        &self,
        account: &BankAccount,
        line: &BankLine,
    ) -> Result<Option<TakenBack>, DepositError> {
        if !line.line.reversal {
            return Ok(None);
        }
        let (amount, upto) = (line.line.amount.negated(), line.line.booked_on);
        let candidates = self.store.bank_lines_of_amount(account.id, amount, upto, CANDIDATES).await?;
        let mut known = vec![];
        for original in candidates {
            let (mut payouts, mut payment, mut paid) = (vec![], None, None);
            match &original.value.state {
                LineState::Matched { settlements } => {
                    for id in settlements {
                        payouts.extend(self.store.gateway_settlement(line.merchant, *id).await?);
                    }
                }
                LineState::Remitted { remittance } => {
                    payment = self.store.remittance(line.merchant, *remittance).await?;
                }
                LineState::FeePaid { charge } => {
                    paid = self.store.fee_charge(line.merchant, *charge).await?;
                }
                _ => {}
            }
            known.push(TakenBack { original, payouts, payment, charge: paid });
        }
        let earlier: Vec<Earlier<'_>> = known
            .iter()
            .map(|taken| Earlier { line: &taken.original.value.line, called: taken.called() })
            .collect();
        Ok(find_reversed(&line.line, &earlier).map(|place| known.swap_remove(place)))
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

    /// Reversals, and credits that bring payments back, that were printed or read before the line they take back.
    pub(super) async fn take_back_again(&self, account: &BankAccount) -> Result<(), DepositError> {
        let waits = |line: &BankLine| {
            line.bank_account == account.id
                && (line.line.reversal || line.line.amount.is_positive())
                && line.state == LineState::Suspense
        };
        for row in self.store.open_bank_lines(account.merchant, account.currency, waits).await? {
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

impl TakenBack {
    /// What others call what the line moved.
    fn called(&self) -> Vec<String> {
        let payouts = self.payouts.iter().map(|row| row.value.deposit_reference().to_owned());
        let payment = self.payment.iter().map(|row| &row.value);
        let charge = self.charge.iter().map(|row| &row.value);
        payouts
            .chain(payment.flat_map(|paid| [paid.reference.clone(), paid.id.to_string()]))
            .chain(charge.flat_map(|charge| [charge.reference.clone(), charge.id.to_string()]))
            .collect()
    }
}

/// What a finding says of payouts that the bank took back.
fn on_the_way_again(payouts: &[Versioned<GatewaySettlement>]) -> Option<String> {
    let names: Vec<&str> = payouts.iter().map(|row| row.value.batch.reference.as_str()).collect();
    (!names.is_empty()).then(|| format!("on the way again: {}", names.join(", ")))
}

/// What a finding says of an invoice whose debit the bank took back.
fn unpaid_again(charge: &FeeCharge) -> String {
    let FeeCharge { gateway_account, reference, .. } = charge;
    format!(
        "{gateway_account}'s invoice {reference} is unpaid again: find out why it came back, and pay it; if the gateway gave it up, a journal clears 2310"
    )
}
