//! What may have been paid already and is not known here: by us, before a backup was restored.
//!
//! A restored book owes what it owed when the backup was taken. Whoever was paid since would be drafted, approved and paid
//! again. So over no rail is anything paid until what it did between backup and restore has been told: by the gateway's
//! bills of all of these days, or by bank statements that lead over them without a break, with nothing of it undecided.
//! Where nothing can tell, a person says so, by resolving a finding.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};

use crate::domain::findings::{FindingKind, FindingState};
use crate::domain::merchants::Funding;
use crate::domain::payouts::PayoutPlan;
use crate::gateways::bills::bounds;
use crate::ids::{FindingId, MerchantId, RailAccountId};
use crate::money::Money;
use crate::store::bank_statements::BankStatement;
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
            // First: what ends being read behind this question has its findings written by then.
            let told = self.is_told(&rail, &restored.value).await?;
            let since = restored.value.gap_from();
            if let Some(finding) = self.undecided_since(plan.merchant, &place, since).await? {
                return Err(PayOutError::Unseen { rail: rail.account.name, finding });
            }
            if told {
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

    /// Money that left the place, or lines of it that are missing, found since the backup and decided by nobody.
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
                // Its zone is the bank's: a day more on either side is certainly enough.
                let day = chrono::TimeDelta::days(1);
                let days = ((from - day).date_naive(), (until + day).date_naive());
                let statements = self.0.store.bank_statements_over(*bank, days.0).await?;
                Ok(tell_of_all(&statements, days, until))
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
             statements that lead over them without a break) read, or compare its own pages with the suppliers' balances, book what \
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

/// Whether statements lead without a break from a day or before it to another: each goes on where those before it end, by
/// its days or by the balance that it begins with. What leads to the last day was taken in since the restore; what was taken
/// in before it may have been printed in the middle of its last day.
fn tell_of_all(
    statements: &[BankStatement],
    (first, last): (NaiveDate, NaiveDate),
    restored_at: DateTime<Utc>,
) -> bool {
    let mut reached: Option<(NaiveDate, NaiveDate, Option<Money>)> = None;
    for statement in statements {
        let (Some(from), Some(to)) = (statement.from_on, statement.to_on) else { continue };
        let goes_on = match reached {
            None => from <= first,
            Some((_, next, closing)) => from <= next || (closing.is_some() && statement.opening == closing),
        };
        if !goes_on {
            continue;
        }
        if to >= last && statement.recorded_at > restored_at {
            return true;
        }
        if reached.is_none_or(|(end, ..)| to >= end) {
            let is_whole = statement.recorded_at > restored_at;
            let next = if is_whole { to.succ_opt().unwrap_or(to) } else { to };
            reached = Some((to, next, statement.closing));
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, from_micros};
    use crate::ids::IdSource;

    #[test]
    fn statements_tell_of_all_days_only_without_a_break() {
        let began = from_micros(1_795_000_000_000_000);
        let ids = IdSource::seeded(Clock::fixed(began), 1);
        let eur = crate::money::Currency::find("EUR").unwrap();
        let day = |day: i64| (began + chrono::TimeDelta::days(day)).date_naive();
        let balance = |minor: i64| Some(Money::from_minor(minor, eur)).filter(|_| minor >= 0);
        // From and to which day, from and to which balance; below zero: not said. Those up to day 3 were read before the backup.
        let told = |rows: &[(i64, i64, i64, i64)]| {
            let statements = rows.iter().map(|(from, to, opening, closing)| BankStatement {
                id: ids.mint(),
                merchant: ids.mint(),
                bank_account: ids.mint(),
                file_hash: String::new(),
                place: 0,
                format: "csv".to_owned(),
                reference: String::new(),
                currency: eur,
                opening: balance(*opening),
                closing: balance(*closing),
                from_on: Some(day(*from)),
                to_on: Some(day(*to)),
                line_count: 1,
                pending_count: 0,
                recorded_at: began + chrono::TimeDelta::days(if *to <= 3 { *to } else { 8 }),
                read_at: Some(began),
            });
            // The backup is of day 3, the restore of day 5.
            let restored_at = began + chrono::TimeDelta::days(5);
            tell_of_all(&Vec::from_iter(statements), (day(2), day(6)), restored_at)
        };
        for (told_of, rows) in [
            (false, &[][..]),
            (true, &[(2, 6, -1, -1)]),
            (true, &[(1, 4, -1, -1), (5, 7, -1, -1)]),
            // The day of the payouts was left out.
            (false, &[(6, 7, -1, -1)]),
            (false, &[(1, 2, -1, -1), (6, 7, -1, -1)]),
            (false, &[(1, 2, 0, 50), (6, 7, 20, 30)]),
            // Printed in the middle of the backup's day: what followed on that day was left out, or told again.
            (false, &[(1, 3, -1, -1), (4, 7, -1, -1)]),
            (true, &[(1, 3, -1, -1), (3, 7, -1, -1)]),
            // Quiet days, and the balance says so.
            (true, &[(1, 2, 0, 50), (6, 7, 50, 30)]),
            (true, &[(-9, -9, 0, 50), (-8, 1, 50, 40), (4, 8, 40, 30)]),
            // It leads not far enough.
            (false, &[(1, 5, -1, -1)]),
        ] {
            assert_eq!(told(rows), told_of, "{rows:?}");
        }
    }
}
