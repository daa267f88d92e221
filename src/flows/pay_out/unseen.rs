//! What may have been paid already and is not known here: by us, before a backup was restored.
//!
//! A restored book owes what it owed when the backup was taken. Whoever was paid since would be drafted, approved and paid
//! again. So over no rail is anything paid until what it did between backup and restore has been told: by the gateway's
//! bills of all of these days, or by a bank statement that leads beyond them, with nothing of it undecided. Where nothing
//! can tell, a person says so, by resolving a finding.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::domain::findings::{FindingKind, FindingState};
use crate::domain::merchants::Funding;
use crate::domain::payouts::PayoutPlan;
use crate::gateways::bills::bounds;
use crate::ids::{FindingId, MerchantId, RailAccountId};
use crate::store::restored::Restored;
use crate::store::{Change, CommitError};

use super::rails::OpenRail;
use super::{PayOutError, PayingOut};

impl PayingOut {
    /// Refuses a plan over a rail of which it is not known whom it has paid since the backup.
    pub(super) async fn nothing_was_paid_unseen(&self, plan: &PayoutPlan) -> Result<(), PayOutError> {
        let Some(restored) = self.0.store.restored().await? else { return Ok(()) };
        let rails: BTreeSet<RailAccountId> =
            plan.document.lines.iter().map(|line| line.rail_account).collect();
        for id in rails {
            let rail = self.rail(plan.merchant, id).await?;
            let place = self.place_of(&rail).await?;
            let since = restored.value.restored_at;
            if let Some(finding) = self.undecided_since(plan.merchant, &place, since).await? {
                return Err(PayOutError::Unseen { rail: rail.account.name, finding });
            }
            if self.is_told(&rail, &restored.value).await? {
                continue;
            }
            if let Some(finding) = self.no_word_on(&rail, &place, &restored.value).await? {
                return Err(PayOutError::Unseen { rail: rail.account.name, finding });
            }
        }
        Ok(())
    }

    /// The name of the gateway account or bank account out of which a rail pays.
    async fn place_of(&self, rail: &OpenRail) -> Result<String, PayOutError> {
        let bank = match &rail.account.funding {
            Funding::GatewayAccount(name) => return Ok(name.clone()),
            Funding::BankAccount(id) => self.0.store.bank_account(rail.account.merchant, *id).await?,
        };
        Ok(bank.map(|row| row.account.name).unwrap_or_default())
    }

    /// Money that left the place, or lines of it that are missing, found since the restore and decided by nobody.
    async fn undecided_since(
        &self,
        merchant: MerchantId,
        place: &str,
        since: DateTime<Utc>,
    ) -> Result<Option<FindingId>, PayOutError> {
        for kind in [FindingKind::UnknownMovement, FindingKind::BankUnexplained, FindingKind::StatementGap] {
            let found = self.0.store.undecided_of_kind(merchant, kind, place).await?;
            let found = found.into_iter().map(|finding| finding.value).find(|finding| {
                let left = finding.amount.is_none_or(|amount| amount.is_negative());
                finding.opened_at > since && (left || kind == FindingKind::StatementGap)
            });
            if let Some(found) = found {
                return Ok(Some(found.id));
            }
        }
        Ok(None)
    }

    /// Whether all that happened at the place between backup and restore was read.
    async fn is_told(&self, rail: &OpenRail, restored: &Restored) -> Result<bool, PayOutError> {
        let (from, until) = (restored.gap_from(), restored.restored_at);
        match &rail.account.funding {
            Funding::BankAccount(bank) => {
                // Its zone is the bank's: a day more is certainly the next one.
                let day = (until + chrono::TimeDelta::days(1)).date_naive();
                Ok(self.0.store.has_bank_statement_since(*bank, day, until).await?)
            }
            Funding::GatewayAccount(name) => {
                let Some(open) = self.gateway(rail.account.merchant, name) else { return Ok(false) };
                let Some(zone) = open.gateway.bills().map(|bills| bills.zone()) else { return Ok(false) };
                let on = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
                for day in on(from).iter_days().take_while(|day| *day <= on(until)) {
                    if !self.0.store.reconciled(open.account.id, day, bounds(day, zone).1).await? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
        }
    }

    /// The finding that asks a person to look at the rail's own pages; none once it is resolved.
    async fn no_word_on(
        &self,
        rail: &OpenRail,
        place: &str,
        restored: &Restored,
    ) -> Result<Option<FindingId>, PayOutError> {
        let merchant = rail.account.merchant;
        let fact = format!("{}/{}", rail.account.id, restored.restored_at.timestamp());
        let kind = FindingKind::ActionNeeded;
        let (from, until) = (restored.gap_from(), restored.restored_at);
        let detail = format!(
            "the database was restored: who was paid over rail account `{}` between {from} and {until} is not in these \
             books, and would be paid again. Have the bills of `{place}` (a gateway's of all of these days, a bank's \
             statement that leads beyond them) read, or compare its own pages with the suppliers' balances, book what \
             was paid, and resolve this",
            rail.account.name
        );
        let mut change = Change::new();
        self.find(&mut change, merchant, kind, (place, &fact), None, detail).await?;
        match self.0.store.commit(change).await {
            Ok(_) | Err(CommitError::LostUpdate { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let found = self.0.store.finding_about(merchant, kind, &fact).await?;
        let found = found.ok_or_else(|| PayOutError::unavailable("a finding is not written yet"))?.value;
        let resolved = matches!(found.state, FindingState::Resolved { .. });
        Ok((!resolved).then_some(found.id))
    }
}
