//! The daily client-money check: a report, a metric, and a finding that names the top-up.

use chrono::{DateTime, Utc};

use crate::clock::Clock;
use crate::domain::findings::{Finding, FindingKind, FindingState};
use crate::domain::ledger::ClientMoney;
use crate::domain::statements::Period;
use crate::ids::{IdSource, MerchantId};
use crate::money::Money;
use crate::store::outbox::Event;
use crate::store::{AsOf, Change, CommitError, Store, StoreError};

use super::settle::finding_data;

/// The check; clones share what it works with.
#[derive(Debug, Clone)]
pub struct ClientMoneyCheck {
    /// Reads, and the one writer.
    pub store: Store,
    /// Ids.
    pub ids: IdSource,
    /// Business time.
    pub clock: Clock,
}

/// Why there is no check.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The books cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The finding cannot be written.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// A sum does not fit.
    #[error(transparent)]
    Money(#[from] crate::money::MoneyError),
}

impl ClientMoneyCheck {
    /// A merchant's check, now or as the books stood.
    ///
    /// # Errors
    /// [`CheckError`].
    pub async fn report(
        &self,
        merchant: MerchantId,
        as_of: Option<DateTime<Utc>>,
    ) -> Result<Vec<ClientMoney>, CheckError> {
        let trial = self.store.trial_balance(merchant, as_of.map_or(AsOf::Now, AsOf::Recorded)).await?;
        Ok(ClientMoney::of(&trial)?)
    }

    /// Every merchant's check. What is missing now is a metric. What was missing when the merchant's last business day
    /// ended, and still is, becomes a finding that stays open until somebody says why; once explained, the next check that
    /// finds something missing opens it again.
    ///
    /// # Errors
    /// [`CheckError`]; the next round tries again.
    pub async fn check_all(&self) -> Result<(), CheckError> {
        for merchant in self.store.merchants().await? {
            let day = Period::day_of(self.clock.now(), merchant.zone);
            let ended = self.report(merchant.id, Some(day.begins_at())).await?;
            let overnight = |currency| {
                let check = ended.iter().find(|check| check.held.currency() == currency);
                check.is_some_and(|check| check.top_up().is_ok_and(Money::is_positive))
            };
            for check in self.report(merchant.id, None).await? {
                let top_up = check.top_up()?;
                let minor = i32::try_from(top_up.minor()).unwrap_or(i32::MAX);
                let (whose, currency) = (merchant.id.to_string(), top_up.currency().code());
                metrics::gauge!("straits_client_money_short", "merchant" => whose, "currency" => currency)
                    .set(minor);
                if top_up.is_positive() && overnight(top_up.currency()) {
                    tracing::error!(merchant = %merchant.id, %top_up, "client money is short");
                    self.find(merchant.id, &check).await?;
                }
            }
        }
        Ok(())
    }

    async fn find(&self, merchant: MerchantId, check: &ClientMoney) -> Result<(), CheckError> {
        let (kind, top_up) = (FindingKind::ClientMoneyShort, check.top_up()?);
        let fact = top_up.currency().code();
        let detail = format!(
            "{} is held and {} is owed to others; add {top_up} from own money today (position of conversions {}, owed by \
             suppliers {})",
            check.held, check.owed, check.position, check.receivable
        );
        let known = self.store.finding_about(merchant, kind, fact).await?;
        let mut change = Change::new();
        let finding = match known {
            Some(known) if !matches!(known.value.state, FindingState::Resolved { .. }) => return Ok(()),
            Some(known) => {
                change.decide_finding(&known, &FindingState::Open);
                Finding { state: FindingState::Open, ..known.value }
            }
            None => {
                let finding = Finding {
                    id: self.ids.mint(),
                    merchant,
                    kind,
                    gateway_account: String::new(),
                    payment: None,
                    fact: fact.to_owned(),
                    amount: Some(top_up),
                    detail,
                    state: FindingState::Open,
                    opened_at: self.clock.now(),
                };
                change.open_finding(&finding);
                finding
            }
        };
        change.tell(&Event {
            id: self.ids.mint(),
            merchant,
            kind: "finding.opened".to_owned(),
            subject: finding.id.to_string(),
            data: finding_data(&finding),
            created_at: self.clock.now(),
        });
        match self.store.commit(change).await {
            // A lost update: somebody else opened it.
            Ok(_) | Err(CommitError::LostUpdate { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
