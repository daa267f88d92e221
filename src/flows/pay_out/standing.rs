//! The ground of a plan: how every supplier stands, by the books, its terms and its accounts.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::ledger::{AccountCode, Layer};
use crate::domain::payouts::{Payee, Standing};
use crate::domain::withholding::Withheld;
use crate::ids::{MerchantId, SupplierId};
use crate::money::{Currency, Money};
use crate::rails::latin;

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
        let paid: BTreeSet<_> = store.paid_accounts(merchant).await?.into_iter().collect();
        let under_way: BTreeSet<_> = store.accounts_under_way(merchant).await?.into_iter().collect();
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
        let known: BTreeMap<SupplierId, _> =
            store.all_suppliers(merchant).await?.into_iter().map(|one| (one.id, one)).collect();
        if let Some(stranger) = wanted.iter().flatten().find(|id| !known.contains_key(*id)) {
            let why = format!("there is no supplier {stranger}");
            return Err(PayOutError::Refused { param: "suppliers", why });
        }
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
