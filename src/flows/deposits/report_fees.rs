//! A gateway says what it charged apart from any payout: in a report (J02), or by an invoice that was paid (J08).

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use crate::domain::deposits::{FeeCharge, FeeDifference, compare};
use crate::domain::findings::FindingKind;
use crate::domain::ledger::journal;
use crate::domain::merchants::{BankAccount, BankAccountKind, GatewayAccount, SettlementMode};
use crate::money::Money;
use crate::store::gateway_settlements::{GATEWAY_SETTLEMENT_ITEM, Settled};
use crate::store::{Change, CommitError};

use super::{CAPTURES_MAX, DECISIONS, DepositError, Deposits, post};

/// Fees of captures, as the gateway charged them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeeReport {
    /// The gateway's own reference of the report or invoice.
    pub reference: String,
    /// When it was charged or paid.
    pub at: DateTime<Utc>,
    /// The captures by the gateway's references; empty: every capture up to `at` whose fee nothing charged before.
    pub captures: Vec<String>,
    /// Without tax.
    pub fee: Money,
    /// Tax on it.
    pub tax: Money,
    /// The name of the merchant's own bank account that paid the invoice; `None` where the gateway took it from what it
    /// owes.
    pub paid_from: Option<String>,
}

impl Deposits {
    /// Trues accrued fees up to what was charged. The same report told again changes nothing. `extra` is committed with it,
    /// or alone where nothing is new.
    ///
    /// # Errors
    /// [`DepositError`]; nothing was booked.
    pub async fn report_fees(
        &self,
        account: &GatewayAccount,
        report: &FeeReport,
        extra: Change,
    ) -> Result<FeeCharge, DepositError> {
        let bank = self.paying_account(account, report).await?;
        let foreign = extra.tables();
        for _ in 0..DECISIONS {
            let known = self
                .store
                .fee_charge_by_reference(account.merchant, &account.name, &report.reference)
                .await?;
            let (change, charge) = match known {
                Some(known) => {
                    same(&known, report, bank.as_ref())?;
                    (Change::new(), known)
                }
                None => self.charged(account, report, bank.as_ref()).await?,
            };
            let mut change = change;
            change.extend(extra.clone());
            match self.store.commit(change).await {
                Ok(_) => return Ok(charge),
                Err(CommitError::LostUpdate { table, .. }) if foreign.contains(&table) => {
                    return Err(DepositError::Superseded { table });
                }
                Err(CommitError::LostUpdate { table, key }) if table == GATEWAY_SETTLEMENT_ITEM.name => {
                    return Err(DepositError::SettledBefore(key));
                }
                // The same report at the same time, or a line of the bank: looked at again.
                Err(CommitError::LostUpdate { .. } | CommitError::AlreadyBooked { .. }) => {}
                Err(CommitError::BelowFloor { account, .. }) => {
                    return Err(DepositError::NotEnough(account.to_string()));
                }
                Err(error) => return Err(DepositError::unavailable(error)),
            }
        }
        Err(DepositError::Unavailable(format!("{} met {DECISIONS} other changes", report.reference)))
    }

    /// The captures that a report is for: those that it names, or all that nothing charged yet. What comes off a batch was
    /// told by that batch, and is charged no second time.
    async fn charged_captures(
        &self,
        account: &GatewayAccount,
        report: &FeeReport,
    ) -> Result<Vec<String>, DepositError> {
        let currency = report.fee.currency();
        let by_batch = account.settlement == SettlementMode::NetInBatch;
        if report.captures.is_empty() {
            let (by, most) = (Settled::Charged, CAPTURES_MAX + 1);
            let open = self.store.unsettled_captures(account, currency, report.at, by, most).await?;
            if open.len() as i64 > CAPTURES_MAX {
                return Err(DepositError::TooMany(CAPTURES_MAX));
            }
            let mut open: Vec<String> = open.into_iter().map(|capture| capture.reference).collect();
            if by_batch {
                let names: Vec<&str> = open.iter().map(String::as_str).collect();
                let paid: HashSet<String> =
                    self.store.captures_paid(account, &names).await?.into_iter().collect();
                open.retain(|capture| !paid.contains(capture));
            }
            return Ok(open);
        }
        let names: Vec<&str> = report.captures.iter().map(String::as_str).collect();
        let known = self.store.captures_named(account, &names).await?;
        let ours: HashSet<&str> = known
            .iter()
            .filter(|capture| capture.amount.currency() == currency)
            .map(|capture| capture.reference.as_str())
            .collect();
        if let Some(place) = names.iter().position(|name| !ours.contains(name)) {
            return Err(DepositError::NoCapture { place, reference: names[place].to_owned(), currency });
        }
        match self.store.captures_paid(account, &names).await?.pop() {
            Some(settled) if by_batch => Err(DepositError::SettledBefore(settled)),
            _ => Ok(report.captures.clone()),
        }
    }

    /// What a bill booked under a charge's reference is that charge already, or another matter.
    async fn not_billed(&self, account: &GatewayAccount, reference: &str) -> Result<(), DepositError> {
        for kind in [FindingKind::UnexplainedFee, FindingKind::UnknownMovement] {
            if self.store.finding_about(account.merchant, kind, reference).await?.is_some() {
                return Err(DepositError::Billed(reference.to_owned()));
            }
        }
        Ok(())
    }

    /// The own account that paid an invoice.
    async fn paying_account(
        &self,
        account: &GatewayAccount,
        report: &FeeReport,
    ) -> Result<Option<BankAccount>, DepositError> {
        let Some(name) = &report.paid_from else { return Ok(None) };
        let banks = self.store.all_bank_accounts(account.merchant).await?.into_iter();
        let own = banks.map(|stored| stored.account).find(|own| {
            (own.name == *name || own.id.to_string() == *name)
                && own.kind == BankAccountKind::Own
                && own.currency == report.fee.currency()
        });
        own.map(Some).ok_or(DepositError::Unknown("own bank account in the invoice's currency"))
    }

    /// The change that a new charge makes.
    async fn charged(
        &self,
        account: &GatewayAccount,
        report: &FeeReport,
        bank: Option<&BankAccount>,
    ) -> Result<(Change, FeeCharge), DepositError> {
        let currency = report.fee.currency();
        let merchant = self.merchant(account.merchant).await?;
        let captures = self.charged_captures(account, report).await?;
        let references: Vec<&str> = captures.iter().map(String::as_str).collect();
        let accrued = self.store.accrued_fees(account, &references, currency).await?;
        let (fee, what) = compare(accrued, report.fee, report.tax, &merchant.tax_jurisdiction)
            .map_err(DepositError::unavailable)?;
        let none = Money::zero(currency);
        let (rounding, drift) = match what {
            FeeDifference::None => (none, none),
            FeeDifference::Rounding(by) => (by, none),
            FeeDifference::Drift(by) => (none, by),
        };
        let mut charge = FeeCharge {
            id: self.ids.mint(),
            merchant: account.merchant,
            gateway_account: account.name.clone(),
            reference: report.reference.clone(),
            charged_at: report.at,
            fee: report.fee,
            tax: report.tax,
            captures: u32::try_from(captures.len()).unwrap_or(u32::MAX),
            accrued: accrued.fee.checked_add(accrued.tax).map_err(DepositError::unavailable)?,
            rounding,
            drift,
            paid_from: bank.map(|bank| bank.id),
            bank_line: None,
            returned: None,
            recorded_at: self.clock.now(),
        };
        let source = format!("{}/{}", account.name, report.reference);
        let booking = self.booking(account, &source, &source, report.at);
        let mut change = Change::new();
        if bank.is_none() {
            self.not_billed(account, &report.reference).await?;
        }
        match bank {
            None => post(&mut change, journal::fee_trued_up(&booking, &fee))?,
            Some(bank) => {
                post(&mut change, journal::fee_invoiced(&booking, &fee, &bank.name))?;
                let debit = self.fee_debited_before(&mut change, bank, &charge).await?;
                charge.bank_line = debit.map(|line| line.id);
            }
        }
        for capture in &captures {
            change.charge_item(account.merchant, &account.name, &report.reference, capture, currency);
        }
        self.note_drift(&mut change, (account, &source), accrued, report.fee, what).await?;
        change.insert_fee_charge(&charge);
        Ok((change, charge))
    }
}

/// Whether two reports of one reference say the same.
fn same(known: &FeeCharge, told: &FeeReport, bank: Option<&BankAccount>) -> Result<(), DepositError> {
    let field = match () {
        () if known.fee != told.fee => "fee",
        () if known.tax != told.tax => "tax",
        () if known.charged_at != told.at => "charged_at",
        () if !told.captures.is_empty() && known.captures as usize != told.captures.len() => "captures",
        () if known.paid_from != bank.map(|bank| bank.id) => "paid_from",
        () => return Ok(()),
    };
    Err(DepositError::Differs { reference: told.reference.clone(), field })
}
