//! What left the paying accounts with payouts that came back since.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;

use crate::domain::ledger::JournalEvent;
use crate::domain::payouts::{Payout, PayoutState};
use crate::ids::{MerchantId, PayoutId};
use crate::money::Money;
use crate::store::row::Row;
use crate::store::{Store, StoreError};

use super::{account_of, binds, money_of};

/// Payouts asked about by one statement.
const AT_ONCE: usize = 128;

impl Store {
    /// What had been debited for those of a merchant's payouts that came back: their states say what arrived.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn debited_before(
        &self,
        merchant: MerchantId,
        payouts: &[Payout],
    ) -> Result<BTreeMap<PayoutId, Money>, StoreError> {
        let back = payouts.iter().filter(|payout| matches!(payout.state, PayoutState::Returned { .. }));
        let back: Vec<&Payout> = back.collect();
        let mut debited = BTreeMap::new();
        for chunk in back.chunks(AT_ONCE) {
            let size = chunk.len().next_power_of_two();
            let sql = format!(
                "SELECT t.source, a.code, a.owner, a.currency, e.amount FROM ledger_transaction t
                 JOIN ledger_entry e ON e.transaction_number = t.number
                 JOIN ledger_account a ON a.id = e.account_id
                 WHERE t.merchant_id = $1 AND t.event IN ($2, $3) AND t.source IN ({}) AND e.amount < 0",
                binds(4, size)
            );
            let query = sqlx::query(AssertSqlSafe(sql))
                .bind(merchant.to_string())
                .bind(JournalEvent::PayoutConfirmed.as_str())
                .bind(JournalEvent::PayoutUnclaimed.as_str());
            let padding = std::iter::repeat_n(String::new(), size - chunk.len());
            let sources = chunk.iter().map(|payout| payout.id.to_string()).chain(padding);
            let query = sources.fold(query, |query, source| query.bind(source));
            for row in &query.fetch_all(self.reads()).await? {
                let row = Row::of("ledger_entry", row);
                let (id, account) = (row.parse::<PayoutId>("source")?, account_of(&row)?);
                // What it set aside or converted is credited too; only one of the accounts is the one that paid.
                if chunk.iter().any(|payout| payout.id == id && payout.booking.cash == account) {
                    debited.insert(id, money_of(&row, "amount")?.abs());
                }
            }
        }
        Ok(debited)
    }
}
