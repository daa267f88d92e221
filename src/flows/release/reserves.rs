//! Rolling reserves: part of a share is kept back when the rest becomes payable, and is payable on its own day.

use chrono::{NaiveDate, TimeDelta};

use crate::domain::ledger::journal::{self, Fact};
use crate::domain::ledger::{AccountCode, Layer};
use crate::domain::merchants::Merchant;
use crate::ids::SupplierId;
use crate::money::{Money, Rounding};
use crate::store::{Change, CommitError};

use super::{ReleaseError, Releasing, broken};

impl Releasing {
    /// What of `amount` a supplier's terms keep back, posted in `change`.
    pub(super) async fn keep_back(
        &self,
        change: &mut Change,
        fact: &Fact<'_>,
        supplier: SupplierId,
        amount: Money,
    ) -> Result<Money, ReleaseError> {
        let terms = self.store.payout_terms(supplier).await?;
        let Some(reserve) = terms.and_then(|terms| terms.value.reserve) else {
            return Ok(Money::zero(amount.currency()));
        };
        let kept = amount.percent(reserve.percent).map_err(broken)?.round(Rounding::HalfUp);
        let merchant = self.store.merchant(fact.merchant).await?;
        let zone = merchant.ok_or_else(|| broken(format!("{} is gone", fact.merchant)))?.zone;
        let today = self.clock.now().with_timezone(&zone).date_naive();
        let until = (today + TimeDelta::days(i64::from(reserve.days))).to_string();
        if let Some(transaction) = journal::reserve_held(fact, supplier, &until, kept).map_err(broken)? {
            change.post(transaction);
        }
        Ok(kept)
    }

    /// Makes payable what was kept back until today, and answers how many reserves.
    pub(super) async fn release_reserves(&self, merchant: &Merchant) -> Result<usize, ReleaseError> {
        let now = self.clock.now();
        let (today, mut count) = (now.with_timezone(&merchant.zone).date_naive(), 0);
        for row in self.store.standing_accounts(merchant.id, AccountCode::SUPPLIER_RESERVED).await? {
            let Some((supplier, until)) = row.account.owner.as_str().split_once(',') else { continue };
            let (Ok(supplier), Ok(day)) = (supplier.parse::<SupplierId>(), until.parse::<NaiveDate>()) else {
                continue;
            };
            if day > today || row.layer != Layer::Posted || !row.shown().is_positive() {
                continue;
            }
            // As often as the account was written to: what is kept back again is another fact.
            let source = format!("{}/{}", row.account.owner.as_str(), row.entries);
            let (source, subject) = (format!("{source}/{}", row.shown().currency()), supplier.to_string());
            let (ids, merchant) = (&self.ids, merchant.id);
            let fact = Fact { ids, merchant, source: &source, subject: &subject, at: now };
            let released = journal::reserve_released(&fact, supplier, until, row.shown()).map_err(broken)?;
            let Some(released) = released else { continue };
            match self.store.commit(Change::posting(released)).await {
                Ok(_) => count += 1,
                // Another instance was faster.
                Err(CommitError::AlreadyBooked { .. } | CommitError::BelowFloor { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(count)
    }
}
