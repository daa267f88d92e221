//! The gateway's own balance against the books: what stands there by us, held or not, is what it says. When an account was
//! compared last is remembered, so that whoever rests on it sees how old it is.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::crash;
use crate::domain::findings::{Finding, FindingKind, FindingState};
use crate::flows::pay::OpenAccount;
use crate::ids::{GatewayAccountId, MerchantId};
use crate::money::{Currency, Money};
use crate::store::{Change, Versioned};

use super::{ReconcileError, Reconciling};

/// How often an account is looked at until it is quiet.
const LOOKS: usize = 5;
const BETWEEN: Duration = Duration::from_millis(300);
/// Why a finding is closed whose balance fits again.
const AGREES: &str = "a later comparison agrees";
/// Disputes that changed since so long are asked for before.
const DISPUTED: TimeDelta = TimeDelta::days(3);

/// How old what is known of an account's balance is. A gateway that tells none leaves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastCompared {
    /// When it was compared; `None` where that never came about.
    pub compared_at: Option<DateTime<Utc>>,
    /// When that was tried last.
    pub tried_at: DateTime<Utc>,
    /// Whether money was under way each time: then a difference of no more than that money was not seen.
    #[serde(default)]
    pub in_motion: bool,
}

/// What the books have at the gateway, and how much the calls that are under way may move there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Look {
    booked: BTreeMap<Currency, i64>,
    under_way: BTreeMap<Currency, i64>,
}

/// How a comparison ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compared {
    /// Nothing moved.
    Still,
    /// What the gateway told fits what was under way.
    InMotion,
    Never,
}

impl Reconciling {
    /// Compares every account whose gateway tells its balance; answers how many currencies differ. What moved at the
    /// gateway and is not yet booked is no difference: one is told only where no call that moves money was under way and
    /// the books stood still. An account that is never that quiet is held against what its books and its calls allow, and
    /// is compared another day where it does not fit.
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
        let (mut seen, mut apart, mut in_motion) = (None, 0, false);
        for _ in 0..LOOKS {
            // What a dispute took a moment ago is in the gateway's balance and may be on its way to us.
            if let Err(error) = self.hear_of_disputes(open, self.now() - DISPUTED).await {
                tracing::warn!(account = open.account.name, %error, "disputes could not be asked for");
                break;
            }
            let before = self.look(open).await?;
            let told = match bills.balances().await {
                Ok(Some(told)) => told,
                Ok(None) => return Ok(0),
                Err(error) => {
                    tracing::warn!(account = open.account.name, %error, "the gateway did not tell its balance");
                    break;
                }
            };
            let after = self.look(open).await?;
            match (before, after) {
                (Some(before), Some(after)) if before == after && before.under_way.is_empty() => {
                    let fits = alike(&before.booked, &told);
                    seen = Some((before.booked, told));
                    if fits {
                        apart = 0;
                        break;
                    }
                    apart += 1;
                }
                (Some(before), Some(after)) => in_motion |= within(&before, &after, &told),
                _ => {}
            }
            if !crash::is_scheduled() {
                tokio::time::sleep(BETWEEN).await;
            }
        }
        let mut differing = 0;
        let seen = seen.filter(|_| apart != 1);
        let compared = match (&seen, in_motion) {
            (Some(_), _) => Compared::Still,
            (None, true) => Compared::InMotion,
            (None, false) => Compared::Never,
        };
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

    async fn note_compared(
        &self,
        account: GatewayAccountId,
        compared: Compared,
    ) -> Result<(), ReconcileError> {
        let known = self.0.store.setting(&place(account)).await?;
        let before = self.last_compared(account).await?;
        let now = self.now();
        let (compared_at, in_motion) = match compared {
            Compared::Still => (Some(now), false),
            Compared::InMotion => (Some(now), true),
            Compared::Never => before.map_or((None, false), |last| (last.compared_at, last.in_motion)),
        };
        let last = LastCompared { compared_at, tried_at: now, in_motion };
        let text = serde_json::to_string(&last).map_err(ReconcileError::unavailable)?;
        let mut change = Change::new();
        change.set_setting(&place(account), text, known.as_ref());
        self.commit_once(change).await
    }

    /// `None` where nobody can say how much may move.
    async fn look(&self, open: &OpenAccount) -> Result<Option<Look>, ReconcileError> {
        let Some(mut under_way) = self.0.store.under_way_at(open.account.id).await? else { return Ok(None) };
        let booked = self.booked(open).await?;
        // What came to be under way meanwhile counts as well.
        let Some(later) = self.0.store.under_way_at(open.account.id).await? else { return Ok(None) };
        for (currency, minor) in later {
            let most = under_way.entry(currency).or_default();
            *most = minor.max(*most);
        }
        // What the gateway converts moves amounts that nobody knows before.
        let holds =
            |currency: &Currency| open.account.holds.is_empty() || open.account.holds.contains(currency);
        Ok(under_way.keys().all(holds).then_some(Look { booked, under_way }))
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
        let (merchant, kind) = (open.account.merchant, FindingKind::BalanceDiffers);
        let waiting = self.0.store.undecided_of_kind(merchant, kind, &open.account.name).await?;
        let mut count = 0;
        for (currency, (ours, theirs)) in all {
            let of_currency = |finding: &&Versioned<Finding>| {
                finding.value.amount.is_some_and(|amount| amount.currency() == currency)
            };
            let waiting = waiting.iter().filter(of_currency);
            let mut change = Change::new();
            if ours == theirs {
                for finding in waiting {
                    self.0.settlements.close_explained(&mut change, finding, AGREES, None);
                }
                self.commit_once(change).await?;
                continue;
            }
            count += 1;
            let (ours, theirs) = (Money::from_minor(ours, currency), Money::from_minor(theirs, currency));
            let difference = theirs.checked_sub(ours).map_err(ReconcileError::unavailable)?;
            // One finding for an account and currency: the same difference is the same question, another is one of its own.
            let (same, others): (Vec<_>, Vec<_>) =
                waiting.partition(|finding| finding.value.amount == Some(difference));
            let old = same.iter().skip(1).chain(&others);
            for finding in old {
                let why = format!("a later comparison differs by {difference}");
                self.0.settlements.close_explained(&mut change, finding, &why, None);
            }
            let fact = if same.is_empty() { self.fact_of_balance(open, difference).await? } else { None };
            if let Some(fact) = fact {
                let detail = format!("the gateway has {theirs}, the books have {ours} there");
                let finding =
                    self.0.settlements.finding(kind, &open.account, &fact, Some(difference), detail);
                self.opened(&mut change, finding).await?;
            }
            self.commit_once(change).await?;
        }
        Ok(count)
    }

    /// One a day, which whoever compares at the same time opens too; another difference of that day has its time in it.
    /// `None` where a person has explained this very difference today.
    async fn fact_of_balance(
        &self,
        open: &OpenAccount,
        difference: Money,
    ) -> Result<Option<String>, ReconcileError> {
        let now = self.now();
        let fact = format!("{}/{}/{}", open.account.name, difference.currency(), now.date_naive());
        let kind = FindingKind::BalanceDiffers;
        let Some(known) = self.0.store.finding_about(open.account.merchant, kind, &fact).await? else {
            return Ok(Some(fact));
        };
        let agreed = matches!(&known.value.state, FindingState::Resolved { reason, .. } if reason == AGREES);
        let is_explained = known.value.amount == Some(difference) && !agreed;
        Ok((!is_explained).then(|| format!("{fact}T{}", now.format("%H:%M:%S%.6fZ"))))
    }
}

/// Whether a gateway tells what the books have.
fn alike(booked: &BTreeMap<Currency, i64>, told: &[Money]) -> bool {
    let theirs: BTreeMap<Currency, i64> =
        told.iter().map(|balance| (balance.currency(), balance.minor())).collect();
    let of = |all: &BTreeMap<Currency, i64>, currency| all.get(currency).copied().unwrap_or(0);
    booked.keys().chain(theirs.keys()).all(|currency| of(booked, currency) == of(&theirs, currency))
}

/// Whether a gateway tells what lies between two looks at the books, give or take what was under way.
fn within(before: &Look, after: &Look, told: &[Money]) -> bool {
    let theirs: BTreeMap<Currency, i64> =
        told.iter().map(|balance| (balance.currency(), balance.minor())).collect();
    let of = |all: &BTreeMap<Currency, i64>, currency| all.get(currency).copied().unwrap_or(0);
    let fits = |currency| {
        let (one, other) = (of(&before.booked, currency), of(&after.booked, currency));
        let slack = of(&before.under_way, currency).saturating_add(of(&after.under_way, currency));
        let (least, most) = (one.min(other).saturating_sub(slack), one.max(other).saturating_add(slack));
        (least..=most).contains(&of(&theirs, currency))
    };
    before.booked.keys().chain(after.booked.keys()).chain(theirs.keys()).all(fits)
}

/// The setting that remembers an account's last comparison.
fn place(account: GatewayAccountId) -> String {
    format!("balance_compared/{account}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_balance_fits_what_moved_and_what_is_under_way() {
        let (usd, sgd) = (Currency::known("USD"), Currency::known("SGD"));
        let look = |booked: i64, under_way: i64| Look {
            booked: [(usd, booked)].into(),
            under_way: [(usd, under_way)].into_iter().filter(|(_, minor)| *minor != 0).collect(),
        };
        let told = |minor| [Money::from_minor(minor, usd)];
        for (before, after, theirs, fits) in [
            (look(1_000, 0), look(1_500, 0), 1_000, true),
            (look(1_000, 0), look(1_500, 0), 1_501, false),
            (look(1_000, 0), look(1_000, 300), 1_300, true),
            (look(1_000, 0), look(1_000, 300), 700, true),
            (look(1_000, 200), look(1_200, 300), 1_701, false),
            (look(1_000, 200), look(1_200, 300), 499, false),
        ] {
            assert_eq!(within(&before, &after, &told(theirs)), fits, "{before:?} {after:?} {theirs}");
        }
        let other = [Money::from_minor(1_000, usd), Money::from_minor(1, sgd)];
        assert!(
            !within(&look(1_000, 5), &look(1_000, 5), &other),
            "a currency of which nothing is under way"
        );
    }
}
