//! A payment to an authority that the bank brought back with a credit that says nothing of it: a user says so. One is enough,
//! as the bank's line proves it.

use serde::Deserialize;

use crate::domain::deposits::{BankLine, LineState};
use crate::domain::withholding::{Remittance, RemittanceError};
use crate::flows::deposits::DepositError;
use crate::ids::{BankLineId, MerchantId, RemittanceId, UserId};
use crate::store::{Change, Versioned};

use super::{Withholding, WithholdingError};

/// What brought the payment back.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"bank_line": "bln_01kb0000000000000000000000"}))]
pub struct ReturnedInput {
    /// A credit of exactly the payment's total at its bank account that stands in suspense.
    pub bank_line: BankLineId,
}

impl Withholding {
    /// A user says that a credit brought a payment back, with `extra`: its tax is owed again.
    ///
    /// # Errors
    /// [`WithholdingError`]; nothing was written.
    pub async fn returned(
        &self,
        merchant: MerchantId,
        user: UserId,
        id: RemittanceId,
        input: &ReturnedInput,
        extra: Change,
    ) -> Result<Remittance, WithholdingError> {
        let broken = |error: DepositError| WithholdingError::Broken(error.to_string());
        let found = self.store.remittance(merchant, id).await?;
        let payment = found.ok_or(WithholdingError::Unknown("remittance"))?;
        let line = self.store.bank_line(merchant, input.bank_line).await?;
        let line = line.ok_or(WithholdingError::Unknown("bank line"))?;
        let account = self.store.bank_account(merchant, payment.value.bank_account).await?;
        let account = account.ok_or(WithholdingError::Unknown("bank account"))?.account;
        let (value, read) = (&payment.value, &line.value.line);
        // Whatever the line is: what is not booked does not come back.
        value.returned(line.value.id, self.clock.now(), Some(user))?;
        let taken = self.deposits().debit_of(payment.clone()).await.map_err(broken)?;
        let taken = taken.ok_or(RemittanceError::NotSeen)?;
        let total = value.total()?;
        let gone_on = taken.original.value.line.booked_on;
        let why = if line.value.bank_account != account.id {
            Some(format!("it is not of {}", account.name))
        } else if line.value.state != LineState::Suspense {
            Some(format!("it is `{}`, not in suspense", line.value.state.as_str()))
        } else if read.amount != total {
            Some(format!("it is of {}, the payment of {total}", read.amount))
        } else if read.booked_on < gone_on {
            Some(format!("it is of {}, before the debit of {gone_on}", read.booked_on))
        } else {
            None
        };
        if let Some(why) = why {
            return Err(RemittanceError::NotItsReturn { line: line.value.id, why }.into());
        }
        let mut change = extra;
        let deposits = self.deposits();
        let state =
            deposits.undo(&mut change, &account, &line.value, taken, Some(user)).await.map_err(broken)?;
        let closed = deposits.close_line(&mut change, &line.value, "it brings withheld tax back").await;
        closed.map_err(broken)?;
        let value = BankLine { state, ..line.value };
        change.update_bank_line(&Versioned { value, version: line.version });
        self.store.commit(change).await?;
        let now = self.store.remittance(merchant, id).await?;
        Ok(now.ok_or(WithholdingError::Unknown("remittance"))?.value)
    }
}
