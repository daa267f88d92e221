//! Shares that the rate of the payout binds: converted and released when a payout plan is drafted.

use crate::domain::merchants::FxPoint;
use crate::flows::settle::Unconverted;
use crate::ids::{MerchantId, SupplierId};
use crate::money::{Currency, Money};
use crate::store::Versioned;
use crate::store::settlements::SettlementRecord;

use super::{AT_ONCE, ReleaseError, Releasing, broken};

/// Whom a plan is about to pay, and in what.
pub(in crate::flows) type Due<'a> = &'a (dyn Fn(SupplierId, Currency) -> bool + Send + Sync);

impl Releasing {
    /// Converts and releases the shares of those who are `due`, as far as there are rates. Answers all that stays unconverted
    /// for a payout: theirs for want of a rate, others' as it was.
    ///
    /// # Errors
    /// [`ReleaseError`]; what was released before it stands.
    pub(in crate::flows) async fn release_for_payout(
        &self,
        merchant: MerchantId,
        due: Due<'_>,
    ) -> Result<Vec<Unconverted>, ReleaseError> {
        let mut stays = vec![];
        for open in self.accounts.all() {
            let account = &open.account;
            if account.merchant != merchant || !account.lands_here() {
                continue;
            }
            let mut behind = None;
            loop {
                let page = self.store.settlements_until_payout(account, behind, AT_ONCE).await?;
                let Some(last) = page.last() else { break };
                behind = Some((last.value.created_at, last.value.id));
                let mut ready = vec![];
                for row in page {
                    let (row, left) = self.convert_for_payout(row, due).await?;
                    ready.extend(row);
                    stays.extend(left);
                }
                self.release(account, ready).await?;
            }
        }
        Ok(stays)
    }

    /// One settlement: as it is to be released, unless nothing of it is, and what stays unconverted.
    async fn convert_for_payout(
        &self,
        row: Versioned<SettlementRecord>,
        due: Due<'_>,
    ) -> Result<(Option<Versioned<SettlementRecord>>, Vec<Unconverted>), ReleaseError> {
        let shares = self.settlements.unconverted(&row.value, FxPoint::Payout).await.map_err(broken)?;
        let theirs = shares.iter().filter(|share| due(share.supplier, share.into));
        let theirs: Vec<SupplierId> = theirs.map(|share| share.supplier).collect();
        if theirs.is_empty() && !self.is_free(&row.value, &shares).await? {
            return Ok((None, shares));
        }
        let id = row.value.payment;
        if !theirs.is_empty() && !self.settlements.convert_paid_out(row, theirs).await.map_err(broken)? {
            return Ok((None, shares));
        }
        let Some(row) = self.store.settlement_of(id).await? else { return Ok((None, vec![])) };
        let left = self.settlements.unconverted(&row.value, FxPoint::Payout).await.map_err(broken)?;
        Ok((Some(row), left))
    }

    /// Whether something of a settlement can be released as it is: it was converted and not released, or nothing is left that
    /// is to be converted.
    async fn is_free(&self, record: &SettlementRecord, shares: &[Unconverted]) -> Result<bool, ReleaseError> {
        let stays = |supplier: SupplierId, left: Money| {
            shares.iter().any(|of| of.supplier == supplier && of.left.currency() == left.currency())
        };
        let left = self.left(record).await?;
        Ok(shares.is_empty() || left.into_iter().any(|(supplier, left)| !stays(supplier, left)))
    }
}
