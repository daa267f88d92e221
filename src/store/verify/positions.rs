//! Positions in currencies: what the book of exchange deals has open is what stands on 3000.

use std::collections::BTreeMap;

use crate::domain::ledger::audit::Check;
use crate::domain::ledger::{AccountCode, Layer};
use crate::ids::MerchantId;
use crate::money::Currency;
use crate::store::{Store, StoreError};

impl Store {
    /// Open lots come to the balance, merchant by merchant and currency by currency: reads from the oldest open lot on.
    pub(super) async fn check_positions(&self) -> Result<Check, StoreError> {
        let merchants = sqlx::query_as::<_, (String,)>(
            "SELECT DISTINCT merchant_id FROM ledger_account WHERE code = $1 AND layer = 1 ORDER BY merchant_id",
        )
        .bind(i64::from(AccountCode::FX_POSITION.number()))
        .fetch_all(self.walks())
        .await?;
        let mut fault = None;
        for (merchant,) in &merchants {
            let Ok(merchant) = merchant.parse::<MerchantId>() else { continue };
            fault = match self.position_fault(merchant).await {
                // What does not read, or was closed for more than it was, is what this check is for.
                Err(StoreError::Unreadable { table, why, .. }) => {
                    Some(format!("{table} of {merchant}: {why}"))
                }
                other => other?,
            };
            if fault.is_some() {
                break;
            }
        }
        Ok(Check::new("positions", "3000: what stands there is what deals left open", fault))
    }

    async fn position_fault(&self, merchant: MerchantId) -> Result<Option<String>, StoreError> {
        let open = self.open_lots(merchant).await?;
        let mut sums: BTreeMap<Currency, i128> = BTreeMap::new();
        for lot in &open.lots {
            for amount in [lot.base, lot.quote] {
                *sums.entry(amount.currency()).or_default() += i128::from(amount.minor());
            }
        }
        let accounts = self.ledger_balances(merchant, AccountCode::FX_POSITION, "").await?;
        for row in accounts.iter().filter(|row| row.layer == Layer::Posted) {
            let currency = row.debit_minus_credit.currency();
            let stands = -i128::from(self.standing_after(&[row.id], open.upto).await?);
            let lots = sums.get(&currency).copied().unwrap_or_default();
            if stands != lots {
                return Ok(Some(format!(
                    "3000 of {merchant} stands at {stands} minor units of {currency}, open lots come to {lots}"
                )));
            }
        }
        Ok(None)
    }
}
