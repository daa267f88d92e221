//! Streams accounts and their entries through the accounts' audit.
//!
//! An account's row is read before its entries, and only as many entries as it counted then are followed: the writer
//! may go on meanwhile.

use std::collections::BTreeSet;

use sqlx::Row as _;

use crate::domain::ledger::audit::{AccountAudit, Check, StoredAccount};
use crate::store::{Store, StoreError};

use super::StoredHead;

const ACCOUNTS: i64 = 500;
const ENTRIES: i64 = 1_000;

impl Store {
    /// Feeds every account and its entries; the check is that no account is missing, and that each is found under
    /// every dimension of its owner and under nothing else.
    pub(super) async fn walk_accounts(
        &self,
        head: &StoredHead,
        audit: &mut AccountAudit,
    ) -> Result<Check, StoreError> {
        let mut fault = None;
        let mut after = 0;
        let mut dimensions = 0;
        loop {
            let rows = sqlx::query(
                "SELECT id, code, owner, currency, balance, seq FROM ledger_account
                 WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3",
            )
            .bind(after)
            .bind(head.accounts)
            .bind(ACCOUNTS)
            .fetch_all(self.walks())
            .await?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                let account = StoredAccount {
                    id: row.try_get(0)?,
                    code: row.try_get(1)?,
                    owner: row.try_get(2)?,
                    currency: row.try_get(3)?,
                    balance: row.try_get(4)?,
                    seq: row.try_get(5)?,
                };
                if account.id != after + 1 {
                    fault.get_or_insert(format!("account {} is missing", after + 1));
                }
                after = account.id;
                dimensions += dimensions_of(&account.owner).len();
                self.follow(audit, account, head.number).await?;
            }
        }
        if after != head.accounts {
            fault.get_or_insert(format!("the head counts {} accounts; the last is {after}", head.accounts));
        }
        let fault = match fault {
            None => self.stray_dimension(head.accounts, dimensions).await?,
            fault => fault,
        };
        Ok(Check::new("accounts", format!("{after} accounts"), fault))
    }

    /// Follows one account's entries.
    async fn follow(
        &self,
        audit: &mut AccountAudit,
        account: StoredAccount,
        upto: i64,
    ) -> Result<(), StoreError> {
        let (id, count) = (account.id, account.seq);
        audit.account(account);
        let mut seq = i64::MIN;
        loop {
            // Beyond the account's count only entries of transactions that stood before its row was read are wrong.
            let page = sqlx::query_as::<_, (i64, i64, i64, i64)>(
                "SELECT e.seq, e.amount, e.balance_after, COALESCE(t.block, 0)
                 FROM ledger_entry e LEFT JOIN ledger_transaction t ON t.number = e.transaction_number
                 WHERE e.account_id = $1 AND e.seq > $2 AND (e.seq <= $3 OR e.transaction_number <= $4)
                 ORDER BY e.seq LIMIT $5",
            )
            .bind(id)
            .bind(seq)
            .bind(count)
            .bind(upto)
            .bind(ENTRIES)
            .fetch_all(self.walks())
            .await?;
            for (entry, amount, balance_after, block) in &page {
                audit.entry(*entry, *amount, *balance_after, *block);
                seq = *entry;
            }
            if i64::try_from(page.len()) != Ok(ENTRIES) {
                return Ok(());
            }
        }
    }

    /// A row of the index of dimensions that no account's owner calls for. There are as many rows as the owners call
    /// for, no two alike: if each is called for, none is missing.
    async fn stray_dimension(&self, accounts: i64, expected: usize) -> Result<Option<String>, StoreError> {
        let mut found = 0;
        let mut place = (String::new(), String::new(), 0_i64);
        loop {
            let page = sqlx::query_as::<_, (String, String, i64, Option<String>, Option<String>)>(
                "SELECT d.merchant_id, d.dimension, d.account_id, a.merchant_id, a.owner
                 FROM ledger_dimension d LEFT JOIN ledger_account a ON a.id = d.account_id
                 WHERE (d.merchant_id, d.dimension, d.account_id) > ($1, $2, $3)
                 ORDER BY d.merchant_id, d.dimension, d.account_id LIMIT $4",
            )
            .bind(place.0.clone())
            .bind(place.1.clone())
            .bind(place.2)
            .bind(ENTRIES)
            .fetch_all(self.walks())
            .await?;
            let Some((merchant, dimension, account, _, _)) = page.last() else { break };
            place = (merchant.clone(), dimension.clone(), *account);
            for (merchant, dimension, account, book, owner) in &page {
                let owner = owner.as_deref().unwrap_or_default();
                let called_for = dimensions_of(owner).contains(dimension.as_str());
                if !called_for || book.as_ref() != Some(merchant) {
                    return Ok(Some(format!(
                        "account {account} is listed under {dimension}, which it is not"
                    )));
                }
                found += usize::from(*account <= accounts);
            }
        }
        let missing = || format!("{found} dimensions are listed; the owners of the accounts have {expected}");
        Ok((found != expected).then(missing))
    }
}

fn dimensions_of(owner: &str) -> BTreeSet<&str> {
    owner.split(',').filter(|dimension| !dimension.is_empty()).collect()
}
