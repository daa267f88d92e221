//! The gateway's own balance against the books: what stands there by us, held or not, is what it says. When an account was
//! compared last is remembered, so that whoever rests on it sees how old it is.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::findings::FindingKind;
use crate::flows::pay::OpenAccount;
use crate::ids::{GatewayAccountId, MerchantId};
use crate::money::{Currency, Money};
use crate::store::Change;

use super::{ReconcileError, Reconciling};

/// How often an account is looked at until it is quiet.
const LOOKS: usize = 5;
const BETWEEN: Duration = Duration::from_millis(300);
/// Disputes that changed since so long are asked for before.
const DISPUTED: TimeDelta = TimeDelta::days(3);

/// How old what is known of an account's balance is. A gateway that tells none leaves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastCompared {
    /// When it was compared; `None` where that never came about.
    pub compared_at: Option<DateTime<Utc>>,
    /// When that was tried last.
    pub tried_at: DateTime<Utc>,
}

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
            differing += self.balances_of(&open).await?;
        }
        Ok(differing)
    }

    /// The same for one merchant's accounts, unless they were compared since a moment.
    ///
    /// # Errors
    /// [`ReconcileError::Unavailable`].
    pub async fn balances_since(
        &self,
        merchant: MerchantId,
        since: DateTime<Utc>,
    ) -> Result<BTreeMap<String, LastCompared>, ReconcileError> {
        let mut known = BTreeMap::new();
        for open in self.0.pay.accounts().all().iter().filter(|open| open.account.merchant == merchant) {
            let fresh = |last: &LastCompared| last.compared_at.is_some_and(|at| at >= since);
            let mut last = self.last_compared(open.account.id).await?;
            if !last.as_ref().is_some_and(fresh) {
                self.balances_of(open).await?;
                last = self.last_compared(open.account.id).await?;
            }
            known.extend(last.map(|last| (open.account.name.clone(), last)));
        }
        Ok(known)
    }

    async fn balances_of(&self, open: &OpenAccount) -> Result<usize, ReconcileError> {
        let Some(bills) = open.gateway.bills() else { return Ok(0) };
        // What differs once may have moved between the two answers: it is told where no later look finds it mended.
        let (mut seen, mut apart) = (None, 0);
        for _ in 0..LOOKS {
            // What a dispute took a moment ago is in the gateway's balance and may be on its way to us.
            if let Err(error) = self.hear_of_disputes(open, self.now() - DISPUTED).await {
                tracing::warn!(account = open.account.name, %error, "disputes could not be asked for");
                break;
            }
            let before = self.quiet(open).await?;
            let told = match bills.balances().await {
                Ok(Some(told)) => told,
                Ok(None) => return Ok(0),
                Err(error) => {
                    tracing::warn!(account = open.account.name, %error, "the gateway did not tell its balance");
                    break;
                }
            };
            let after = self.quiet(open).await?;
            if let (Some(booked), true) = (&before, before == after) {
                let fits = alike(booked, &told);
                seen = Some((booked.clone(), told));
                if fits {
                    apart = 0;
                    break;
                }
                apart += 1;
            }
            tokio::time::sleep(BETWEEN).await;
        }
        let mut differing = 0;
        let seen = seen.filter(|_| apart != 1);
        let compared = seen.is_some();
        if let Some((booked, told)) = seen {
            differing = self.hold_balances(open, &booked, &told).await?;
        }
        self.note_compared(open.account.id, compared).await?;
        Ok(differing)
    }

    async fn last_compared(&self, account: GatewayAccountId) -> Result<Option<LastCompared>, ReconcileError> {
        let known = self.0.store.setting(&place(account)).await?;
        known.map(|row| serde_json::from_str(&row.value).map_err(ReconcileError::unavailable)).transpose()
    }

    async fn note_compared(&self, account: GatewayAccountId, compared: bool) -> Result<(), ReconcileError> {
        let known = self.0.store.setting(&place(account)).await?;
        let before = self.last_compared(account).await?.and_then(|last| last.compared_at);
        let now = self.now();
        let last = LastCompared { compared_at: if compared { Some(now) } else { before }, tried_at: now };
        let text = serde_json::to_string(&last).map_err(ReconcileError::unavailable)?;
        let mut change = Change::new();
        change.set_setting(&place(account), text, known.as_ref());
        self.commit_once(change).await
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

/// Whether a gateway tells what the books have.
fn alike(booked: &BTreeMap<Currency, i64>, told: &[Money]) -> bool {
    let theirs: BTreeMap<Currency, i64> =
        told.iter().map(|balance| (balance.currency(), balance.minor())).collect();
    let of = |all: &BTreeMap<Currency, i64>, currency| all.get(currency).copied().unwrap_or(0);
    booked.keys().chain(theirs.keys()).all(|currency| of(booked, currency) == of(&theirs, currency))
}

/// The setting that remembers an account's last comparison.
fn place(account: GatewayAccountId) -> String {
    format!("balance_compared/{account}")
}
