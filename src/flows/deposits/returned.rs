//! Payments to tax authorities that the bank brings back, by a reversal of their debit or a credit that names them: the tax is
//! owed again, supplier by supplier, and is proposed anew. A credit that names none waits for a person.

use crate::domain::deposits::{BankLine, LineState, find_returned, names_deposit};
use crate::domain::findings::FindingKind;
use crate::domain::ledger::journal::{self, Fact};
use crate::domain::merchants::BankAccount;
use crate::domain::withholding::{Owed, Remittance, RemittanceLine};
use crate::ids::UserId;
use crate::store::withholding::TaxOf;
use crate::store::{Change, Versioned};

use super::{DepositError, Deposits, TakenBack, post};

impl Deposits {
    /// The payment that a credit names, with the debit that it brings back; none where the credit names what else may come
    /// in.
    pub(super) async fn brought_back(
        &self,
        account: &BankAccount,
        line: &BankLine,
    ) -> Result<Option<TakenBack>, DepositError> {
        let read = &line.line;
        if !read.amount.is_positive() {
            return Ok(None);
        }
        let mut rows = self.named_by(line).await?;
        let found = find_returned(read, rows.iter().map(|row| &row.value)).map(|payment| payment.id);
        let Some(place) = rows.iter().position(|row| Some(row.value.id) == found) else { return Ok(None) };
        if self.names_what_comes_in(account, line).await? {
            return Ok(None);
        }
        let taken = self.debit_of(rows.swap_remove(place)).await?;
        Ok(taken.filter(|taken| taken.original.value.line.booked_on <= read.booked_on))
    }

    /// Whether a credit names a market deal or a gateway's payout on its way: then it brings nothing back.
    pub(super) async fn names_what_comes_in(
        &self,
        account: &BankAccount,
        line: &BankLine,
    ) -> Result<bool, DepositError> {
        let read = &line.line;
        let legs = self.store.open_fx_bank_legs(account.id, read.amount).await?;
        if legs.iter().any(|leg| read.tells_of(&leg.value.bank_ref)) {
            return Ok(true);
        }
        let mut sent = self.store.settlements_in_transit(line.merchant, account.currency).await?;
        sent.retain(|row| account.sweeps.contains(&row.value.gateway_account));
        Ok(sent.iter().any(|row| names_deposit(read, row.value.deposit_reference())))
    }

    /// A payment with its debit, where a statement had it.
    ///
    /// # Errors
    /// [`DepositError`].
    pub(in crate::flows) async fn debit_of(
        &self,
        payment: Versioned<Remittance>,
    ) -> Result<Option<TakenBack>, DepositError> {
        let Some(line) = payment.value.bank_line else { return Ok(None) };
        let Some(original) = self.store.bank_line(payment.value.merchant, line).await? else {
            return Ok(None);
        };
        let is_its = original.value.state == LineState::Remitted { remittance: payment.value.id };
        Ok(is_its.then(|| TakenBack { original, payouts: vec![], payment: Some(payment), charge: None }))
    }

    /// What a payment had settled is owed again; answers what that means, in words.
    pub(super) async fn owed_again(
        &self,
        change: &mut Change,
        line: &BankLine,
        payment: &Versioned<Remittance>,
        said_by: Option<UserId>,
    ) -> Result<String, DepositError> {
        let (paid, at) = (&payment.value, self.credited_at(line).await?);
        let state = paid.returned(line.id, at, said_by).map_err(DepositError::unavailable)?;
        change.decide_remittance(payment, &state, paid.bank_line);
        let earlier = self.store.remitted_counts(paid).await?;
        for row in &paid.lines {
            let back = RemittanceLine { amount: row.amount.negated(), ..row.clone() };
            let earlier = earlier.get(&(row.supplier, row.rule.clone())).copied().unwrap_or(0);
            change.insert_remitted(paid, &back, earlier);
        }
        let subject = paid.id.to_string();
        for (supplier, amount) in paid.by_supplier().map_err(DepositError::unavailable)? {
            let source = format!("{subject}/{supplier}/returned");
            let fact =
                Fact { ids: &self.ids, merchant: paid.merchant, source: &source, subject: &subject, at };
            post(change, journal::tax_returned(&fact, supplier, &paid.authority, &paid.bank, amount))?;
        }
        let total = paid.total().map_err(DepositError::unavailable)?;
        let (authority, period) = (&paid.authority, paid.period);
        Ok(format!(
            "{total} to {authority} for {period} ({subject}) is owed again: find out why it came back and propose it anew"
        ))
    }

    /// A payment that is being booked against `owed`: those that came back and that it makes up for need nobody any more.
    pub(in crate::flows) async fn made_up(
        &self,
        change: &mut Change,
        payment: &Remittance,
        owed: &[Owed],
    ) -> Result<(), DepositError> {
        for (returned, line) in self.store.remittances_returned(&tax_of(payment)).await? {
            if payment.makes_up_for(&returned, owed).map_err(DepositError::unavailable)? {
                let (fact, why) = (line.to_string(), format!("paid again with {}", payment.id));
                self.close_about(change, payment.merchant, (FindingKind::DepositReversed, &fact), &why)
                    .await?;
            }
        }
        Ok(())
    }
}

/// Whose tax a payment is.
fn tax_of(payment: &Remittance) -> TaxOf<'_> {
    let Remittance { merchant, authority, period, currency, .. } = payment;
    TaxOf { merchant: *merchant, authority, period: *period, currency: *currency }
}
