//! A gateway says what it charged apart from any payout: in a report (J02), or by an invoice that was paid (J08).

use chrono::{DateTime, Utc};

use crate::domain::deposits::compare;
use crate::domain::ledger::journal;
use crate::domain::merchants::{BankAccountKind, GatewayAccount};
use crate::money::Money;
use crate::store::gateway_settlements::{GATEWAY_SETTLEMENT_ITEM, Settled};
use crate::store::{Change, CommitError};

use super::{CAPTURES_MAX, DepositError, Deposits, post};

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
    /// Trues accrued fees up to what was charged. The same report told again changes nothing.
    ///
    /// # Errors
    /// [`DepositError`]; nothing was booked.
    pub async fn report_fees(
        &self,
        account: &GatewayAccount,
        report: &FeeReport,
        extra: Change,
    ) -> Result<(), DepositError> {
        let currency = report.fee.currency();
        let merchant = self.merchant(account.merchant).await?;
        let captures = match report.captures.is_empty() {
            false => report.captures.clone(),
            true => {
                let open = self.store.unsettled_captures(
                    account,
                    currency,
                    report.at,
                    Settled::Charged,
                    CAPTURES_MAX,
                );
                open.await?.into_iter().map(|capture| capture.reference).collect()
            }
        };
        let references: Vec<&str> = captures.iter().map(String::as_str).collect();
        let accrued = self.store.accrued_fees(account, &references, currency).await?;
        let (fee, what) = compare(accrued, report.fee, report.tax, &merchant.tax_jurisdiction)
            .map_err(DepositError::unavailable)?;
        let source = format!("{}/{}", account.name, report.reference);
        let booking = self.booking(account, &source, &source, report.at);
        let mut change = Change::new();
        match &report.paid_from {
            None => post(&mut change, journal::fee_trued_up(&booking, &fee))?,
            Some(bank) => {
                let banks = self.store.all_bank_accounts(account.merchant).await?;
                let own = banks.iter().map(|stored| &stored.account).any(|own| {
                    own.name == *bank && own.kind == BankAccountKind::Own && own.currency == currency
                });
                if !own {
                    return Err(DepositError::Unknown("own bank account"));
                }
                post(&mut change, journal::fee_invoiced(&booking, &fee, bank))?;
            }
        }
        for capture in &captures {
            change.charge_item(account.merchant, &account.name, &report.reference, capture, currency);
        }
        self.note_drift(&mut change, (account, &source), accrued, report.fee, what).await?;
        change.extend(extra);
        match self.store.commit(change).await {
            Ok(_) | Err(CommitError::AlreadyBooked { .. }) => Ok(()),
            Err(CommitError::LostUpdate { table, key }) if table == GATEWAY_SETTLEMENT_ITEM.name => {
                Err(DepositError::SettledBefore(key))
            }
            Err(CommitError::LostUpdate { table, .. }) => Err(DepositError::Superseded { table }),
            Err(CommitError::BelowFloor { account, .. }) => Err(DepositError::NotEnough(account.to_string())),
            Err(error) => Err(DepositError::unavailable(error)),
        }
    }
}
