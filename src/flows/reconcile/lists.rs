//! What runs found, for whoever asks.

use crate::ids::{MerchantId, ReconciliationId};
use crate::store::Seek;

use super::{ItemView, ReconcileError, Reconciling, RunView};

impl Reconciling {
    /// One run of a merchant.
    ///
    /// # Errors
    /// [`ReconcileError::Unknown`].
    pub async fn get(&self, merchant: MerchantId, id: ReconciliationId) -> Result<RunView, ReconcileError> {
        let run = self.0.store.reconciliation(merchant, id).await?.ok_or(ReconcileError::Unknown)?;
        Ok(RunView::of(&run.value))
    }

    /// What a run found, behind a place.
    ///
    /// # Errors
    /// [`ReconcileError::Unknown`].
    pub async fn items(
        &self,
        merchant: MerchantId,
        id: ReconciliationId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<ItemView>, ReconcileError> {
        self.0.store.reconciliation(merchant, id).await?.ok_or(ReconcileError::Unknown)?;
        let items = self.0.store.reconciliation_items(id, after, limit).await?;
        Ok(items.iter().map(ItemView::of).collect())
    }

    /// A merchant's runs, in reading order.
    ///
    /// # Errors
    /// [`ReconcileError::Unavailable`].
    pub async fn list(
        &self,
        merchant: MerchantId,
        seek: Seek<ReconciliationId>,
        limit: u32,
    ) -> Result<Vec<RunView>, ReconcileError> {
        let runs = self.0.store.reconciliations(merchant, seek, limit).await?;
        Ok(runs.iter().map(RunView::of).collect())
    }
}
