//! Paying authorities what was withheld for them: one user proposes, another books it.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::access::Hand;
use crate::domain::ledger::journal::{Fact, tax_remitted};
use crate::domain::merchants::BankAccountKind;
use crate::domain::withholding::{Remittance, RemittanceError, RemittanceState, TaxPeriod, TaxRule};
use crate::flows::deposits::Deposits;
use crate::ids::{BankAccountId, MerchantId, RemittanceId, UserId};
use crate::store::Change;
use crate::store::withholding::TaxOf;

use super::{Withholding, WithholdingError};

/// What is to be paid: everything that is left of one period's tax, of at most 1,000 suppliers and rules. What is beyond is
/// for another payment, once this one is booked.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"authority": "BIR", "period": "2026-Q4", "bank_account": "bac_01kb0000000000000000000000", "reference": "1601-EQ 2026-Q4"}))]
pub struct RemittanceInput {
    /// To whom.
    #[schema(pattern = "^[A-Za-z0-9-]{1,30}$")]
    pub authority: String,
    /// Withheld in this period.
    #[schema(value_type = String)]
    pub period: TaxPeriod,
    /// From this client account; its currency is what is paid.
    pub bank_account: BankAccountId,
    /// The bank's or the authority's own.
    #[serde(default)]
    #[schema(max_length = 100)]
    pub reference: String,
}

impl Withholding {
    /// Proposes a payment, with `extra`.
    ///
    /// # Errors
    /// [`WithholdingError`]; nothing was written.
    pub async fn propose(
        &self,
        merchant: MerchantId,
        user: UserId,
        id: RemittanceId,
        input: &RemittanceInput,
        extra: Change,
    ) -> Result<Remittance, WithholdingError> {
        let refused = |param, why: &str| WithholdingError::Refused { param, why: why.to_owned() };
        if !TaxRule::is_name(&input.authority) {
            let why =
                "an authority is letters, digits and hyphens, at most 30: the word of its rules, such as BIR";
            return Err(refused("authority", why));
        }
        if input.reference.chars().count() > 100 {
            return Err(refused("reference", "a reference has at most 100 letters"));
        }
        let found = self.store.bank_account(merchant, input.bank_account).await?;
        let bank = found.ok_or(WithholdingError::Unknown("bank account"))?.account;
        if bank.kind != BankAccountKind::Client {
            return Err(refused(
                "bank_account",
                "withheld tax is client money: it is paid from a client account",
            ));
        }
        let currency = bank.currency;
        let of = TaxOf { merchant, authority: &input.authority, period: input.period, currency };
        let owed = self.store.tax_owed(&of, None, Some(Remittance::MOST_LINES)).await?;
        let lines = Remittance::lines_of(&owed)?;
        if lines.is_empty() {
            let (authority, period) = (input.authority.clone(), input.period);
            return Err(RemittanceError::NothingOwed { authority, period, currency }.into());
        }
        let remittance = Remittance {
            id,
            merchant,
            authority: input.authority.clone(),
            period: input.period,
            currency,
            bank_account: bank.id,
            bank: bank.name,
            reference: input.reference.clone(),
            lines,
            state: RemittanceState::Proposed,
            bank_line: None,
            proposed_by: user,
            created_at: self.clock.now(),
        };
        let mut change = extra;
        change.insert_remittance(&remittance);
        self.store.commit(change).await?;
        Ok(remittance)
    }

    /// Another user's word: booked, or rejected; with `extra`. Whoever proposed it may take it back.
    ///
    /// # Errors
    /// [`WithholdingError`]; nothing was written.
    pub async fn decide(
        &self,
        merchant: MerchantId,
        hand: Hand,
        id: RemittanceId,
        approve: bool,
        extra: Change,
    ) -> Result<Remittance, WithholdingError> {
        let found = self.store.remittance(merchant, id).await?;
        let found = found.ok_or(WithholdingError::Unknown("remittance"))?;
        let (remittance, user, at) = (&found.value, hand.user, self.clock.now());
        let mut change = extra;
        let (state, line) = match approve {
            false => {
                remittance.open().map_err(WithholdingError::from)?;
                (RemittanceState::Rejected { by: user, at }, None)
            }
            true => {
                let (authority, period) = (remittance.authority.as_str(), remittance.period);
                let of = TaxOf { merchant, authority, period, currency: remittance.currency };
                let suppliers = remittance.lines.iter().map(|line| line.supplier);
                let among = suppliers.clone().min().zip(suppliers.max());
                let owed = self.store.tax_owed(&of, among, None).await?;
                let issuers = self.store.key_makers(merchant, &[remittance.proposed_by]).await?;
                for (line, earlier) in remittance.book(hand, &issuers, &owed)? {
                    change.insert_remitted(remittance, line, earlier);
                }
                let state = RemittanceState::Booked { by: user, at };
                let booked = Remittance { state: state.clone(), ..remittance.clone() };
                let line = self.deposits().debited_before(&mut change, &booked).await;
                let line = line.map_err(|error| WithholdingError::Broken(error.to_string()))?;
                let made_up = self.deposits().made_up(&mut change, remittance, &owed).await;
                made_up.map_err(|error| WithholdingError::Broken(error.to_string()))?;
                self.book(&mut change, remittance)?;
                (state, line)
            }
        };
        change.decide_remittance(&found, &state, line);
        self.store.commit(change).await?;
        Ok(Remittance { state, bank_line: line, ..found.value })
    }

    /// Who knows the lines of banks.
    pub(super) fn deposits(&self) -> Deposits {
        Deposits { store: self.store.clone(), ids: self.ids.clone(), clock: self.clock.clone() }
    }

    /// One transaction for each supplier.
    fn book(&self, change: &mut Change, remittance: &Remittance) -> Result<(), WithholdingError> {
        let (subject, merchant, at) = (remittance.id.to_string(), remittance.merchant, self.clock.now());
        for (supplier, amount) in remittance.by_supplier()? {
            let source = format!("{subject}/{supplier}");
            let fact = Fact { ids: &self.ids, merchant, source: &source, subject: &subject, at };
            let booked = tax_remitted(&fact, supplier, &remittance.authority, &remittance.bank, amount);
            if let Some(transaction) = booked.map_err(|error| WithholdingError::Broken(error.to_string()))? {
                change.post(transaction);
            }
        }
        Ok(())
    }

    /// The answer of the API.
    ///
    /// # Errors
    /// [`WithholdingError::Broken`] when its sum does not fit.
    pub fn view(remittance: &Remittance) -> Result<Value, WithholdingError> {
        let mut view = Withholding::summary(remittance)?;
        view["lines"] = json!(remittance.lines);
        Ok(view)
    }

    /// The same without its lines, for lists.
    ///
    /// # Errors
    /// [`WithholdingError::Broken`] when its sum does not fit.
    pub fn summary(remittance: &Remittance) -> Result<Value, WithholdingError> {
        let (decided_by, decided_at) = match &remittance.state {
            RemittanceState::Proposed => (None, None),
            RemittanceState::Booked { by, at }
            | RemittanceState::Returned { by, at, .. }
            | RemittanceState::Rejected { by, at } => (Some(*by), Some(*at)),
        };
        let (returned_line, returned_at, returned_by) = match &remittance.state {
            RemittanceState::Returned { line, returned_at, said_by, .. } => {
                (Some(*line), Some(*returned_at), *said_by)
            }
            _ => (None, None, None),
        };
        Ok(json!({
            "id": remittance.id, "object": "withholding_remittance", "state": remittance.state.as_str(),
            "authority": remittance.authority, "period": remittance.period, "bank_account": remittance.bank_account,
            "reference": remittance.reference, "bank_line": remittance.bank_line, "total": remittance.total()?,
            "line_count": remittance.lines.len(),
            "proposed_by": remittance.proposed_by, "decided_by": decided_by, "decided_at": decided_at,
            "returned_line": returned_line, "returned_at": returned_at, "returned_by": returned_by,
            "created_at": remittance.created_at,
        }))
    }
}
