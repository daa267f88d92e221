//! The gateway's own balance against the books: what stands there by us, held or not, is what it says.

use std::collections::BTreeMap;

use crate::domain::findings::FindingKind;
use crate::flows::pay::OpenAccount;
use crate::money::{Currency, Money};
use crate::store::Change;

use super::{ReconcileError, Reconciling};

impl Reconciling {
    /// Compares every account whose gateway tells its balance; answers how many currencies differ. Books that moved while
    /// the gateway was asked are compared another day.
    ///
    /// # Errors
    /// [`ReconcileError::Unavailable`].
    pub async fn balances(&self) -> Result<usize, ReconcileError> {
        let mut differing = 0;
        for open in self.0.pay.accounts().all() {
            let Some(bills) = open.gateway.bills() else { continue };
            let before = self.booked(&open).await?;
            let told = match bills.balances().await {
                Ok(Some(told)) => told,
                Ok(None) => continue,
                Err(error) => {
                    tracing::warn!(account = open.account.name, %error, "the gateway did not tell its balance");
                    continue;
                }
            };
            if self.booked(&open).await? == before {
                differing += self.hold_balances(&open, &before, &told).await?;
            }
        }
        Ok(differing)
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
