//! Two persons take what nobody explains as the merchant's own: a bank's charge, a loss, a gain.

use crate::domain::deposits::{BankLine, LineState};
use crate::domain::findings::{Finding, FindingKind};
use crate::domain::ledger::journal::{self, Fact};
use crate::store::{Change, Versioned};

use super::{DepositError, Deposits, post};

impl Deposits {
    /// The line that a finding is about, while money of it stands in suspense.
    ///
    /// # Errors
    /// [`DepositError`].
    pub async fn line_of(&self, finding: &Finding) -> Result<Option<Versioned<BankLine>>, DepositError> {
        let Ok(id) = finding.fact.parse() else { return Ok(None) };
        let line = self.store.bank_line(finding.merchant, id).await?;
        Ok(line.filter(|line| match finding.kind {
            FindingKind::BankUnexplained => line.value.state == LineState::Suspense,
            FindingKind::DepositShort | FindingKind::DepositOver => {
                matches!(line.value.state, LineState::Matched { .. })
            }
            _ => false,
        }))
    }

    /// What a final decision to bear it writes; `None` where no money stands aside for it.
    ///
    /// # Errors
    /// [`DepositError`].
    pub async fn bear(&self, finding: &Finding) -> Result<Option<Change>, DepositError> {
        let (Some(line), Some(amount)) = (self.line_of(finding).await?, finding.amount) else {
            return Ok(None);
        };
        let source = format!("{}/{}", line.value.id, finding.kind.as_str());
        let subject = line.value.id.to_string();
        let at = self.clock.now();
        let fact =
            Fact { ids: &self.ids, merchant: finding.merchant, source: &source, subject: &subject, at };
        let is_charge = finding.kind == FindingKind::DepositShort;
        // 2900 holds what is missing as a debit, what is over or came unexplained as a credit.
        let lies = if is_charge { amount } else { amount.negated() };
        let mut change = Change::new();
        post(&mut change, journal::bank_borne(&fact, &finding.gateway_account, lies, is_charge))?;
        if finding.kind == FindingKind::BankUnexplained {
            let value = BankLine { state: LineState::Resolved, ..line.value };
            change.update_bank_line(&Versioned { value, version: line.version });
        }
        Ok(Some(change))
    }
}
