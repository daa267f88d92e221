//! A share that waits for a rate is nobody's fault and somebody's work: after a day finance is told, once for each pair and
//! each time that its rate is missing.
//!
//! Such a time has no row of its own: it is known by the day since which the pair's longest-waiting share waits. A rate that
//! comes converts them all, what was refunded too, so that another day means another time.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use crate::domain::findings::FindingKind;
use crate::domain::merchants::GatewayAccount;
use crate::ids::MerchantId;
use crate::money::Currency;
use crate::store::Change;
use crate::store::settlements::SettlementRecord;

use super::{SettleError, Settlements};

/// Sources that publish once a working day have had their turn.
const PATIENCE: TimeDelta = TimeDelta::days(1);

/// Pairs without a rate that one round has met; shares are read oldest first, so that the first one of each tells.
pub(super) type Unrated = BTreeSet<(MerchantId, Currency, Currency)>;

impl Settlements {
    /// Opens the finding about a pair without a rate, if its first share has waited long enough and nobody was told.
    pub(super) async fn tell_of_unrated(
        &self,
        met: &mut Unrated,
        account: &GatewayAccount,
        record: &SettlementRecord,
        (base, quote): (Currency, Currency),
    ) -> Result<(), SettleError> {
        let first = met.insert((account.merchant, base, quote));
        if !first || self.0.clock.now() < record.created_at + PATIENCE {
            return Ok(());
        }
        let detail = format!(
            "suppliers' shares in {base} wait to become {quote} and no source has a fresh rate of the pair, {} for the \
             longest; they stay pending until one has: add a source or a peg that knows {quote}",
            record.payment
        );
        let fact = format!("rate {base}{quote} since {}", record.created_at.date_naive());
        let finding = self.finding(FindingKind::ActionNeeded, account, &fact, None, detail);
        let mut change = Change::new();
        self.open(&mut change, finding).await?;
        if !change.is_empty() {
            self.0.store.commit(change).await?;
        }
        Ok(())
    }
}
