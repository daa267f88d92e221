//! The ground of a plan: how every supplier stands, by the books, its terms and its accounts.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::ledger::{AccountCode, Layer};
use crate::domain::payouts::{Payee, PayoutTerms, Standing};
use crate::domain::withholding::Withheld;
use crate::ids::{MerchantId, SupplierId};
use crate::money::{Currency, Money};
use crate::rails::latin;
use crate::store::Versioned;

use super::plan::PlanInput;
use super::{PayOutError, PayingOut};

impl PayingOut {
    /// How every supplier stands that has something to be paid, by supplier and currency.
    pub(super) async fn standings(
        &self,
        merchant: MerchantId,
        input: &PlanInput,
    ) -> Result<Vec<Standing>, PayOutError> {
        let (store, currencies) = (&self.0.store, input.currencies.as_ref());
        let available = self.balances(merchant, AccountCode::SUPPLIER_AVAILABLE).await?;
        let owed = self.balances(merchant, AccountCode::SUPPLIER_RECEIVABLE).await?;
        let wanted: Option<BTreeSet<SupplierId>> =
            input.suppliers.as_ref().map(|ids| ids.iter().copied().collect());
        let terms: BTreeMap<SupplierId, _> = store.payout_terms_of(merchant).await?.into_iter().collect();
        let accounts = self.payees(merchant, &terms).await?;
        let known: BTreeMap<SupplierId, _> =
            store.all_suppliers(merchant).await?.into_iter().map(|one| (one.id, one)).collect();
        let acting = self.0.withholding.acting(merchant).await.map_err(PayOutError::unavailable)?;
        let mut standings = Vec::new();
        for ((supplier, currency), amount) in available {
            let asked = wanted.as_ref().is_none_or(|wanted| wanted.contains(&supplier))
                && currencies.is_none_or(|wanted| wanted.contains(&currency));
            let Some(known) = known.get(&supplier).filter(|_| asked) else { continue };
            let class = terms.get(&supplier).and_then(|row| row.value.tax_class);
            let taxes = acting.due(known, class, currency).await;
            let taxes = taxes.map_err(PayOutError::unavailable)?;
            standings.push(Standing {
                supplier,
                name: known.name.clone(),
                available: amount,
                owed: owed.get(&(supplier, currency)).copied().unwrap_or(Money::zero(currency)),
                foreign: vec![],
                withholding: Withheld::sum(currency, &taxes).map_err(PayOutError::unavailable)?,
                taxes,
                terms: terms
                    .get(&supplier)
                    .map(|row| row.value.clone())
                    .unwrap_or_default()
                    .with_minimum(input.minimum.iter().flatten()),
                accounts: accounts.get(&supplier).cloned().unwrap_or_default(),
                due: None,
                expected: vec![],
            });
        }
        Ok(standings)
    }

    /// Everybody's accounts, oldest first, with what has become of payouts to them.
    pub(super) async fn payees(
        &self,
        merchant: MerchantId,
        terms: &BTreeMap<SupplierId, Versioned<PayoutTerms>>,
    ) -> Result<BTreeMap<SupplierId, Vec<Payee>>, PayOutError> {
        let store = &self.0.store;
        let paid: BTreeSet<_> = store.paid_accounts(merchant).await?.into_iter().collect();
        let under_way = store.accounts_under_way(merchant).await?.into_iter();
        let under_way: BTreeSet<_> = under_way.map(|(account, currency, _)| (account, currency)).collect();
        let mut accounts: BTreeMap<SupplierId, Vec<Payee>> = BTreeMap::new();
        for account in store.all_payout_accounts(merchant).await? {
            let was_paid = paid.contains(&account.id);
            let under_way = under_way.contains(&(account.id, account.currency));
            let town = terms.get(&account.supplier).and_then(|row| row.value.town.as_deref());
            let in_bank_letters = [Some(account.holder.as_str()), town].into_iter().flatten();
            let in_bank_letters = in_bank_letters.map(latin).all(|written| written.is_some());
            let own = accounts.entry(account.supplier).or_default();
            let changed = !own.is_empty();
            own.push(Payee { was_paid, under_way, changed, in_bank_letters, account });
        }
        Ok(accounts)
    }

    /// Refuses a plan that names a supplier who is none of the merchant's.
    pub(super) async fn no_strangers(
        &self,
        merchant: MerchantId,
        input: &PlanInput,
    ) -> Result<(), PayOutError> {
        let Some(wanted) = &input.suppliers else { return Ok(()) };
        let known = self.0.store.all_suppliers(merchant).await?;
        let known: BTreeSet<SupplierId> = known.into_iter().map(|one| one.id).collect();
        match wanted.iter().find(|id| !known.contains(*id)) {
            Some(stranger) => {
                let why = format!("there is no supplier {stranger}");
                Err(PayOutError::Refused { param: "suppliers", why })
            }
            None => Ok(()),
        }
    }

    /// What stands on a bucket of every supplier, as people read it.
    pub(super) async fn balances(
        &self,
        merchant: MerchantId,
        code: AccountCode,
    ) -> Result<BTreeMap<(SupplierId, Currency), Money>, PayOutError> {
        let rows = self.0.store.standing_accounts(merchant, code).await?;
        let posted = rows.into_iter().filter(|row| row.layer == Layer::Posted);
        Ok(posted
            .filter_map(|row| {
                let supplier: SupplierId = row.account.owner.as_str().parse().ok()?;
                Some(((supplier, row.shown().currency()), row.shown()))
            })
            .collect())
    }
}
