//! A share that waits for a rate is nobody's fault and somebody's work: after a day finance is told, once for each pair and
//! each time that its rate is missing.
//!
//! Such a time has no row of its own: it is known by the day since which the pair's longest-waiting share waits. A rate that
//! comes converts them all, what was refunded too, so that another day means another time.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::findings::FindingKind;
use crate::domain::merchants::GatewayAccount;
use crate::ids::{MerchantId, PaymentId};
use crate::money::Currency;
use crate::store::Change;

use super::{SettleError, Settlements};

/// Sources that publish once a working day have had their turn.
const PATIENCE: TimeDelta = TimeDelta::days(1);

/// Pairs without a rate that one round has met, each with the share that waits the longest.
#[derive(Debug, Default)]
pub(super) struct Unrated(BTreeMap<(MerchantId, Currency, Currency), Longest>);

#[derive(Debug)]
struct Longest {
    account: GatewayAccount,
    payment: PaymentId,
    since: DateTime<Utc>,
}

impl Unrated {
    /// A payment's share has waited for a pair's rate since then.
    pub(super) fn meet(
        &mut self,
        account: &GatewayAccount,
        payment: PaymentId,
        (base, quote): (Currency, Currency),
        since: DateTime<Utc>,
    ) {
        let place = (account.merchant, base, quote);
        if self.0.get(&place).is_none_or(|known| since < known.since) {
            self.0.insert(place, Longest { account: account.clone(), payment, since });
        }
    }
}

impl Settlements {
    /// Opens the finding about each pair without a rate, if a share has waited long enough and nobody was told.
    pub(super) async fn tell_of_unrated(&self, met: Unrated) -> Result<(), SettleError> {
        for ((_, base, quote), Longest { account, payment, since }) in met.0 {
            if self.0.clock.now() < since + PATIENCE {
                continue;
            }
            let detail = format!(
                "suppliers' shares in {base} wait to become {quote} and no source has a fresh rate of the pair, {payment} \
                 for the longest; they stay pending until one has: add a source or a peg that knows {quote}"
            );
            let fact = format!("rate {base}{quote} since {}", since.date_naive());
            let finding = self.finding(FindingKind::ActionNeeded, &account, &fact, None, detail);
            let mut change = Change::new();
            self.open(&mut change, finding).await?;
            if !change.is_empty() {
                self.0.store.commit(change).await?;
            }
        }
        Ok(())
    }
}
