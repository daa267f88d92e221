//! The gateway's own balance against the books: what stands there by us, held or not, is what it says.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::findings::FindingKind;
use crate::flows::pay::OpenAccount;
use crate::money::{Currency, Money};
use crate::store::Change;

use super::{ReconcileError, Reconciling};

/// How often an account is looked at until it is quiet.
const LOOKS: usize = 5;
const BETWEEN: Duration = Duration::from_millis(300);

impl Reconciling {
    /// Compares every account whose gateway tells its balance; answers how many currencies differ. What moved at the
    /// gateway and is not yet booked is no difference: a comparison counts only where no call that moves money was under
    /// way and the books stood still. An account that is never that quiet is compared another day.
    ///
    /// # Errors
    /// [`ReconcileError::Unavailable`].
    pub async fn balances(&self) -> Result<usize, ReconcileError> {
        let mut differing = 0;
        for open in self.0.pay.accounts().all() {
            let Some(bills) = open.gateway.bills() else { continue };
            for _ in 0..LOOKS {
                let before = self.quiet(&open).await?;
                let told = match bills.balances().await {
                    Ok(Some(told)) => told,
                    Ok(None) => break,
                    Err(error) => {
                        tracing::warn!(account = open.account.name, %error, "the gateway did not tell its balance");
                        break;
                    }
                };
                let after = self.quiet(&open).await?;
                if let (Some(booked), true) = (&before, before == after) {
                    differing += self.hold_balances(&open, booked, &told).await?;
                    break;
                }
                tokio::time::sleep(BETWEEN).await;
            }
        }
        Ok(differing)
    }

    /// What the books have at the gateway; `None` while a call is under way that moves money there.
    async fn quiet(&self, open: &OpenAccount) -> Result<Option<BTreeMap<Currency, i64>>, ReconcileError> {
        if self.0.store.is_moving_money(open.account.id).await? {
            return Ok(None);
        }
        let booked = self.booked(open).await?;
        Ok((!self.0.store.is_moving_money(open.account.id).await?).then_some(booked))
    }

    async fn booked(&self, open: &OpenAccount) -> Result<BTreeMap<Currency, i64>, ReconcileError> {
        Ok(self.0.store.standing_at_gateway(open.account.merchant, &open.account.name).await?)
    }

    async fn hold_balances(
        &self,
        open: &OpenAccount,
        booked: &BTreeMap<Currency, i64>,
        told: &[Money],
    ) -> Result<usize, ReconcileError> {
        let mut all: BTreeMap<Currency, (i64, i64)> =
            booked.iter().map(|(currency, minor)| (*currency, (*minor, 0))).collect();
        for balance in told {
            all.entry(balance.currency()).or_default().1 = balance.minor();
        }
        let day = self.now().date_naive();
        let mut count = 0;
        for (currency, (ours, theirs)) in all {
            if ours == theirs {
                continue;
            }
            count += 1;
            let (ours, theirs) = (Money::from_minor(ours, currency), Money::from_minor(theirs, currency));
            let difference = theirs.checked_sub(ours).map_err(ReconcileError::unavailable)?;
            let fact = format!("{}/{currency}/{day}", open.account.name);
            let detail = format!("the gateway has {theirs}, the books have {ours} there");
            let kind = FindingKind::BalanceDiffers;
            let finding = self.0.settlements.finding(kind, &open.account, &fact, Some(difference), detail);
            let mut change = Change::new();
            self.opened(&mut change, finding).await?;
            self.commit_once(change).await?;
        }
        Ok(count)
    }
}
