//! What the lines of a call are held against when they are written down: balances, debts, holds, accounts and taxes as they
//! stand by then. What cannot be paid any more says why.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::domain::ledger::AccountCode;
use crate::domain::merchants::PayoutAccount;
use crate::domain::payouts::{FIRST_UNDER_WAY, Line, PayoutPlan};
use crate::ids::{SupplierAccountId, SupplierId};
use crate::money::{Currency, Money};
use crate::store::payouts::PayoutFilter;
use crate::store::{Change, Seek, TransactionFilter};

use super::withhold::TaxGround;
use super::{PayOutError, PayingOut};

/// The ground of one call.
pub(super) struct Ground {
    available: BTreeMap<(SupplierId, Currency), Money>,
    owed: BTreeMap<(SupplierId, Currency), Money>,
    barred: BTreeMap<(SupplierId, Currency), &'static str>,
    taxes: TaxGround,
    /// Who agrees to have debts in other currencies set off.
    agreed: BTreeSet<SupplierId>,
    accounts: BTreeSet<SupplierAccountId>,
    /// Changed accounts whose limited first payout, another plan's, has not arrived.
    tried: BTreeSet<SupplierAccountId>,
    /// Changed accounts from which a payout has come back since the plan was drafted, and that no other one has reached: what
    /// lifted their limit then does so no more.
    limited_again: BTreeSet<SupplierAccountId>,
    /// Changed accounts that this call would pay first, with the versions of their rows from before that was looked at: of
    /// two plans at once only one is first.
    untried: BTreeMap<SupplierAccountId, (PayoutAccount, i64)>,
    /// Payees whose taxes or debts one item of several bears, until that item is written down.
    unborne: BTreeSet<(SupplierId, Currency)>,
}

impl PayingOut {
    pub(super) async fn ground(
        &self,
        plan: &PayoutPlan,
        lines: &[&Line],
        today: NaiveDate,
    ) -> Result<Ground, PayOutError> {
        let (store, now) = (&self.0.store, self.0.clock.now());
        let terms: BTreeMap<SupplierId, _> =
            store.payout_terms_of(plan.merchant).await?.into_iter().collect();
        let classes = terms.iter().filter_map(|(id, row)| Some((*id, row.value.tax_class?)));
        let mut barred = BTreeMap::new();
        for line in lines {
            let (currency, must) = (line.net.currency(), self.0.rules.must_be_known);
            let own = terms.get(&line.supplier).map(|row| row.value.clone()).unwrap_or_default();
            if let Some(code) = own.barred(currency, must, now) {
                barred.insert((line.supplier, currency), code);
            }
        }
        let accounts = store.all_payout_accounts(plan.merchant).await?;
        let paid: BTreeSet<_> = store.paid_accounts(plan.merchant).await?.into_iter().collect();
        let mut seen = BTreeSet::new();
        let first: BTreeSet<_> =
            accounts.iter().filter(|account| seen.insert(account.supplier)).map(|first| first.id).collect();
        // A supplier's first account is nobody's change.
        let is_limited = |account: &SupplierAccountId| {
            !first.contains(account) && !paid.contains(account) && self.0.rules.limits_first()
        };
        let asked: BTreeSet<_> = lines.iter().map(|line| line.account).filter(is_limited).collect();
        let mut untried = BTreeMap::new();
        for account in accounts.iter().filter(|account| asked.contains(&account.id)) {
            if let Some(version) = store.payout_account_version(account.id).await? {
                untried.insert(account.id, (account.clone(), version));
            }
        }
        let back = store.accounts_returned_since(plan.merchant, plan.created_at).await?;
        // What the plan's earlier calls send is part of the same first payout.
        let tried = store.accounts_under_way(plan.merchant).await?.into_iter();
        let tried = tried.filter(|(.., by)| *by != plan.id).map(|(account, ..)| account);
        Ok(Ground {
            tried: tried.filter(is_limited).collect(),
            limited_again: back.into_iter().filter(is_limited).collect(),
            untried,
            available: self.balances(plan.merchant, AccountCode::SUPPLIER_AVAILABLE).await?,
            owed: self.balances(plan.merchant, AccountCode::SUPPLIER_RECEIVABLE).await?,
            taxes: self.tax_ground(lines, classes.collect(), today).await?,
            unborne: self.unborne(plan, lines).await?,
            agreed: terms
                .iter()
                .filter(|(_, row)| row.value.set_off.is_some())
                .map(|(supplier, _)| *supplier)
                .collect(),
            barred,
            accounts: accounts.into_iter().map(|account| account.id).collect(),
        })
    }

    /// Payees of a call whose taxes or debts another item of the plan bears, and of whom nothing was booked by an earlier
    /// call: whatever was booked came with or behind the bearing item.
    async fn unborne(
        &self,
        plan: &PayoutPlan,
        lines: &[&Line],
    ) -> Result<BTreeSet<(SupplierId, Currency)>, PayOutError> {
        let asked: BTreeSet<_> = lines.iter().map(|line| line.payee()).collect();
        let bearing = plan.document.lines.iter().filter(|line| line.bears()).map(Line::payee);
        let mut unborne: BTreeSet<_> = bearing.filter(|payee| asked.contains(payee)).collect();
        let (store, merchant) = (&self.0.store, plan.merchant);
        let follows =
            |payee: &(SupplierId, Currency)| !lines.iter().any(|line| line.bears() && line.payee() == *payee);
        for payee in unborne.clone().into_iter().filter(follows) {
            let filter = PayoutFilter { supplier: Some(payee.0), plan: Some(plan.id), state: None };
            for payout in store.payouts(merchant, filter, Seek::Start, u32::MAX).await? {
                let subject = Some(payout.id.to_string());
                let about = TransactionFilter { subject, limit: 1, ..TransactionFilter::default() };
                let booked = store.ledger_transactions(merchant, &about).await?;
                if payout.amount.currency() == payee.1 && !booked.is_empty() {
                    unborne.remove(&payee);
                    break;
                }
            }
        }
        Ok(unborne)
    }
}

impl Ground {
    /// What a line takes is no other line's; a changed account's first payout is no other plan's.
    pub(super) fn take(&mut self, change: &mut Change, line: &Line) -> Result<(), PayOutError> {
        if let Some((account, version)) = self.untried.remove(&line.account) {
            change.take_payout_account(&account, version);
        }
        let off = |of: &mut BTreeMap<(SupplierId, Currency), Money>, taken: Money| {
            let Some(money) = of.get_mut(&(line.supplier, taken.currency())) else { return Ok(()) };
            *money = money.checked_sub(taken).map_err(PayOutError::unavailable)?;
            Ok(())
        };
        if line.bears() {
            self.unborne.remove(&line.payee());
        }
        off(&mut self.available, line.gross)?;
        off(&mut self.owed, line.netted().map_err(PayOutError::unavailable)?)?;
        line.set_off.iter().try_for_each(|set_off| off(&mut self.owed, set_off.covered))
    }

    /// Why a line is not paid after all.
    pub(super) fn refuses(&self, line: &Line) -> Option<(&'static str, String)> {
        if let Some(code) = self.barred.get(&line.payee()) {
            return Some((code, "payouts are held".to_owned()));
        }
        if !line.bears() && self.unborne.contains(&line.payee()) {
            let why = "the payee's item that bears its taxes and debts was not paid".to_owned();
            return Some(("first_item_refused", why));
        }
        if !self.accounts.contains(&line.account) {
            return Some(("account_gone", "the account it was approved for is gone".to_owned()));
        }
        if self.tried.contains(&line.account) {
            let why = "the first payout to its account has not arrived yet".to_owned();
            return Some((FIRST_UNDER_WAY, why));
        }
        if !line.capped && self.limited_again.contains(&line.account) {
            let why =
                "a payout to its account came back meanwhile: its first one is limited again".to_owned();
            return Some(("first_payout_returned", why));
        }
        let stands = |of: &BTreeMap<(SupplierId, Currency), Money>, wanted: Money| {
            let place = (line.supplier, wanted.currency());
            of.get(&place).map_or(0, |money| money.minor()) >= wanted.minor()
        };
        if !stands(&self.available, line.gross) {
            return Some(("insufficient_balance", format!("less than {} is available by now", line.gross)));
        }
        if let Some(changed) = self.taxes.refuses(line) {
            return Some(changed);
        }
        if !line.set_off.is_empty() && !self.agreed.contains(&line.supplier) {
            let why = "the supplier no longer agrees that debts in other currencies are set off".to_owned();
            return Some(("consent_withdrawn", why));
        }
        let covered = line.set_off.iter().map(|set_off| set_off.covered);
        let debts = line.netted().into_iter().chain(covered);
        debts
            .into_iter()
            .find(|debt| !stands(&self.owed, *debt))
            .map(|debt| ("debt_changed", format!("less than {debt} is owed by now")))
    }
}
