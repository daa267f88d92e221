//! Debts in other currencies than what is paid, of suppliers that agreed to have them set off: each is covered once, by
//! its own currency's balance first, then by the others in the order of their codes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::ledger::AccountCode;
use crate::domain::payouts::{ForeignDebt, Payable, Standing};
use crate::ids::{MerchantId, SupplierId};
use crate::money::{Currency, Money, MoneyError, Rate};
use crate::rates::{RateBook, Snapshot};

use super::{PayOutError, PayingOut};

/// What is left of the debts while a plan is drafted, and the rates it is drafted at.
pub(super) struct ForeignDebts {
    left: BTreeMap<(SupplierId, Currency), Money>,
    rates: Arc<RateBook>,
    snapshot: Arc<Snapshot>,
}

impl PayingOut {
    /// The debts that balances in other currencies may cover.
    pub(super) async fn foreign_debts(
        &self,
        merchant: MerchantId,
        standings: &[Standing],
    ) -> Result<ForeignDebts, PayOutError> {
        let agreed = |standing: &&Standing| standing.terms.set_off.is_some();
        let agreed: Vec<&Standing> = standings.iter().filter(agreed).collect();
        let mut left = BTreeMap::new();
        if !agreed.is_empty() {
            left = self.balances(merchant, AccountCode::SUPPLIER_RECEIVABLE).await?;
            left.retain(|(supplier, _), _| agreed.iter().any(|standing| standing.supplier == *supplier));
        }
        // What a debt's own currency will cover is left to it, whether this plan pays in that currency or not.
        let available = self.balances(merchant, AccountCode::SUPPLIER_AVAILABLE).await?;
        for ((supplier, currency), amount) in available {
            let Some(standing) = agreed.iter().find(|standing| standing.supplier == supplier) else {
                continue;
            };
            let owed = left.get(&(supplier, currency)).copied().unwrap_or(Money::zero(currency));
            let most = standing.most_netted(amount, &self.0.rules).map_err(PayOutError::unavailable)?;
            let own = owed.min(most).map_err(PayOutError::unavailable)?;
            take(&mut left, supplier, own).map_err(PayOutError::unavailable)?;
        }
        let rates = self.0.rates.clone();
        Ok(ForeignDebts { left, snapshot: rates.latest(), rates })
    }
}

impl ForeignDebts {
    /// Those that a standing's balance may cover; one whose rate is unknown or stale waits for a later plan.
    pub(super) fn of(&self, standing: &Standing) -> Vec<ForeignDebt> {
        let own = self.left.iter().filter(|((supplier, currency), owed)| {
            *supplier == standing.supplier && *currency != standing.currency() && owed.is_positive()
        });
        let valued = own.filter_map(|((_, currency), owed)| {
            let rate = self.mid(*currency, standing.currency())?;
            Some(ForeignDebt { owed: *owed, rate })
        });
        valued.collect()
    }

    /// What a payable covers is nobody else's to cover.
    pub(super) fn take(&mut self, payable: &Payable) -> Result<(), PayOutError> {
        let covered = payable.set_off.iter().map(|set_off| set_off.covered);
        let mut taken = covered.map(|covered| take(&mut self.left, payable.supplier, covered));
        taken.try_for_each(|taken| taken.map_err(PayOutError::unavailable))
    }

    fn mid(&self, from: Currency, into: Currency) -> Option<Rate> {
        let market = self.rates.mid_of(&self.snapshot, from, into).ok()?;
        (!market.stale).then_some(market.rate)
    }
}

fn take(
    left: &mut BTreeMap<(SupplierId, Currency), Money>,
    supplier: SupplierId,
    covered: Money,
) -> Result<(), MoneyError> {
    if let Some(owed) = left.get_mut(&(supplier, covered.currency())) {
        *owed = owed.checked_sub(covered)?;
    }
    Ok(())
}
