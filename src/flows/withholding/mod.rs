//! Tax withheld from suppliers: their sales are counted as they become available, payouts account for them, what was
//! withheld is certified and paid to its authority, again where the bank brings it back. Nothing of it happens before an
//! authority appoints the shop.

mod certify;
mod count;
mod due;
mod error;
mod remit;
mod returned;

use std::sync::Arc;

use chrono::NaiveDate;

use crate::clock::Clock;
use crate::domain::statements::Period;
use crate::domain::withholding::TaxRules;
use crate::ids::{IdSource, MerchantId};
use crate::store::Store;

pub(in crate::flows) use count::{Counting, Event};
pub use error::WithholdingError;
pub use remit::RemittanceInput;
pub use returned::ReturnedInput;

/// The flow; clones share what it works with.
#[derive(Debug, Clone)]
pub struct Withholding {
    /// Reads, and the one writer.
    pub store: Store,
    /// Ids.
    pub ids: IdSource,
    /// Business time.
    pub clock: Clock,
    /// The rules that act for this shop.
    pub rules: Arc<TaxRules>,
}

impl Withholding {
    /// Today in a merchant's zone.
    async fn today(&self, merchant: MerchantId) -> Result<Period, WithholdingError> {
        let found = self.store.merchant(merchant).await?;
        let zone = found.ok_or(WithholdingError::Unknown("merchant"))?.zone;
        Ok(Period::day_of(self.clock.now(), zone))
    }

    /// The day on which something is booked now.
    pub(in crate::flows) async fn day(&self, merchant: MerchantId) -> Result<NaiveDate, WithholdingError> {
        Ok(self.today(merchant).await?.from())
    }
}
