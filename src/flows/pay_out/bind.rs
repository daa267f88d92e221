//! Shares that the rate of the payout binds (`fx_point = payout`): before a plan is drafted those of whom it could pay, over
//! one of its rail accounts and to an account that is paid to now, are converted at this moment's rate and become available;
//! the others stay pending, and the plan says why.

use std::collections::BTreeMap;

use crate::domain::payouts::{Excluded, Offer, reached};
use crate::flows::release::Releasing;
use crate::ids::{MerchantId, SupplierId};
use crate::money::{Currency, Money};

use super::plan::PlanInput;
use super::{PayOutError, PayingOut};

impl PayingOut {
    /// Binds the rates of everybody that a plan is asked for and that can be paid over one of `offers`. Answers who stays
    /// unconverted.
    pub(super) async fn bind_rates(
        &self,
        merchant: MerchantId,
        input: &PlanInput,
        offers: &[Offer],
    ) -> Result<Vec<Excluded>, PayOutError> {
        let (store, now) = (&self.0.store, self.0.clock.now());
        let terms: BTreeMap<SupplierId, _> = store.payout_terms_of(merchant).await?.into_iter().collect();
        let payees = self.payees(merchant, &terms).await?;
        let rules = self.valued(payees.values().flatten().map(|payee| payee.account.currency));
        let barred = |supplier: SupplierId, currency: Currency| {
            let own = terms.get(&supplier).map(|row| row.value.clone()).unwrap_or_default();
            if let Some(code) = own.barred(currency, rules.must_be_known, now) {
                return Some(code);
            }
            let accounts = payees.get(&supplier).map(Vec::as_slice).unwrap_or_default();
            if let Err((code, _)) = reached(accounts, currency, &rules, now) {
                return Some(code);
            }
            let mut over = offers.iter().map(|offer| &offer.account);
            let pays = over.any(|to| to.currency == currency && own.rail.is_none_or(|own| own == to.id));
            (!pays).then_some("no_route")
        };
        let asked = |supplier: SupplierId, currency: Currency| {
            input.suppliers.as_ref().is_none_or(|only| only.contains(&supplier))
                && input.currencies.as_ref().is_none_or(|only| only.contains(&currency))
        };
        let due = |supplier, currency| asked(supplier, currency) && barred(supplier, currency).is_none();
        let releasing = Releasing {
            store: store.clone(),
            ids: self.0.ids.clone(),
            clock: self.0.clock.clone(),
            accounts: self.0.pay.accounts().clone(),
            withholding: self.0.withholding.clone(),
            settlements: self.0.settlements.clone(),
        };
        let stays = releasing.release_for_payout(merchant, &due).await.map_err(PayOutError::unavailable)?;
        let mut sums: BTreeMap<(SupplierId, Currency, Currency), Money> = BTreeMap::new();
        for share in stays.iter().filter(|share| asked(share.supplier, share.into)) {
            let place = (share.supplier, share.left.currency(), share.into);
            let sum = sums.entry(place).or_insert(Money::zero(share.left.currency()));
            *sum = sum.checked_add(share.left).map_err(PayOutError::unavailable)?;
        }
        let excluded = sums.into_iter().map(|((supplier, _, into), available)| {
            let (reason, detail) = match barred(supplier, into) {
                Some(code) => (code, format!("it becomes {into} when it can be paid out")),
                None => {
                    ("no_rate", format!("it becomes {into} with its payout, and no source has a fresh rate"))
                }
            };
            Excluded { supplier, available, reason: reason.to_owned(), detail }
        });
        Ok(excluded.collect())
    }
}
