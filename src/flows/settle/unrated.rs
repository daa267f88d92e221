//! A share that waits for a rate is nobody's fault and somebody's work: after a day finance is told, once for each pair.

use chrono::TimeDelta;

use crate::domain::findings::FindingKind;
use crate::domain::merchants::GatewayAccount;
use crate::money::Currency;
use crate::store::Change;
use crate::store::settlements::SettlementRecord;

use super::{SettleError, Settlements};

/// Sources that publish once a working day have had their turn.
const PATIENCE: TimeDelta = TimeDelta::days(1);

impl Settlements {
    /// Opens the finding about a pair without a rate, if the share has waited long enough and nobody was told.
    pub(super) async fn tell_of_unrated(
        &self,
        account: &GatewayAccount,
        record: &SettlementRecord,
        (base, quote): (Currency, Currency),
    ) -> Result<(), SettleError> {
        if self.0.clock.now() < record.created_at + PATIENCE {
            return Ok(());
        }
        let detail = format!(
            "suppliers' shares in {base} wait to become {quote} and no source has a fresh rate of the pair, {} for the \
             longest; they stay pending until one has: add a source or a peg that knows {quote}",
            record.payment
        );
        let fact = format!("rate {base}{quote}");
        let finding = self.finding(FindingKind::ActionNeeded, account, &fact, None, detail);
        let mut change = Change::new();
        self.open(&mut change, finding).await?;
        if !change.is_empty() {
            self.0.store.commit(change).await?;
        }
        Ok(())
    }
}
