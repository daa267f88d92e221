//! Contracts' payment terms: by when a balance is to be paid, and what is known to become available by then.
//!
//! A day counts as the planner counts it: what is released in the course of a day (UTC) is there from the next one on.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::domain::ledger::{AccountCode, Layer};
use crate::domain::merchants::AvailableWhen;
use crate::domain::payouts::{Standing, oldest_day};
use crate::domain::statements::first_instant;
use crate::domain::treasury::Expected;
use crate::ids::{MerchantId, SupplierId};
use crate::money::{Currency, Money, Rounding};

use super::{PayOutError, PayingOut};

/// The longest that a plan may let somebody wait, in days.
const LONGEST: u32 = 31;

type ByPlace<T> = BTreeMap<(SupplierId, Currency), Vec<T>>;

/// How long a plan or a schedule may let suppliers wait, within the bounds that the API states.
///
/// # Errors
/// [`PayOutError::Refused`], with the place.
pub(super) fn bounded_wait(days: u32) -> Result<(), PayOutError> {
    if days > LONGEST {
        let why = format!("nobody waits longer than {LONGEST} days");
        return Err(PayOutError::Refused { param: "max_wait_days", why });
    }
    Ok(())
}

impl PayingOut {
    /// Says of each supplier with a payment term by when its balance is to be there and, where the plan `may_wait`, what is
    /// known to become available.
    pub(super) async fn with_terms(
        &self,
        merchant: MerchantId,
        standings: &mut [Standing],
        may_wait: bool,
    ) -> Result<(), PayOutError> {
        let terms = standings.iter().filter_map(|standing| standing.terms.payment_term_days);
        let Some(longest) = terms.max() else { return Ok(()) };
        let found = self.0.store.merchant(merchant).await?;
        let zone = found.ok_or(PayOutError::Unknown("merchant"))?.zone;
        let day = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
        // Whatever was there before is overdue by every term.
        let since = self.0.clock.now() - TimeDelta::days(i64::from(longest) + 1);
        let mut arrivals = ByPlace::new();
        for arrival in self.0.store.arrivals(merchant, since).await? {
            let place = (arrival.supplier, arrival.amount.currency());
            arrivals.entry(place).or_default().push((day(arrival.at), arrival.amount));
        }
        let mut coming =
            if may_wait { self.coming(merchant, zone, standings).await? } else { ByPlace::new() };
        for standing in standings {
            let Some(term) = standing.terms.payment_term_days else { continue };
            let place = (standing.supplier, standing.currency());
            let arrived = arrivals.remove(&place).unwrap_or_default();
            let oldest = oldest_day(standing.available, arrived).unwrap_or_else(|| day(since));
            standing.due = Some(oldest + TimeDelta::days(i64::from(term)));
            standing.expected = coming.remove(&place).unwrap_or_default();
        }
        Ok(())
    }

    /// Reserves with their days, and pending shares that are released at the begin of the next business days, less what is
    /// kept back of them.
    async fn coming(
        &self,
        merchant: MerchantId,
        zone: Tz,
        standings: &[Standing],
    ) -> Result<ByPlace<Expected>, PayOutError> {
        let (store, mut coming) = (&self.0.store, ByPlace::new());
        let today = self.0.clock.now().with_timezone(&zone).date_naive();
        for row in store.standing_accounts(merchant, AccountCode::SUPPLIER_RESERVED).await? {
            let Some((supplier, until)) = row.account.owner.as_str().split_once(',') else { continue };
            let (Ok(supplier), Ok(until)) = (supplier.parse::<SupplierId>(), until.parse::<NaiveDate>())
            else {
                continue;
            };
            let amount = row.shown();
            if until > today && row.layer == Layer::Posted && amount.is_positive() {
                let on = there_on(first_instant(until, zone));
                coming.entry((supplier, amount.currency())).or_default().push(Expected { on, amount });
            }
        }
        for open in self.0.pay.accounts().of(merchant) {
            let account = &open.account;
            if !account.lands_here() {
                continue;
            }
            let at_bank = account.available_when == AvailableWhen::BankReceived;
            let mut told: BTreeMap<(SupplierId, Currency), Money> = BTreeMap::new();
            for (day, before) in open.available.ahead(self.0.clock.now(), zone) {
                let on = there_on(first_instant(day, zone));
                for (supplier, share) in store.pending_shares(account, before, at_bank).await? {
                    let own = standings.iter().find(|standing| standing.supplier == supplier);
                    let Some(own) = own else { continue };
                    let place = (supplier, share.currency());
                    // What is there on a day includes what was on the days before.
                    let earlier = told.insert(place, share).unwrap_or(Money::zero(share.currency()));
                    let more = share.checked_sub(earlier).map_err(PayOutError::unavailable)?;
                    let amount = less_reserve(own, more)?;
                    if amount.is_positive() {
                        coming.entry(place).or_default().push(Expected { on, amount });
                    }
                }
            }
        }
        Ok(coming)
    }
}

/// What of a share becomes available when it is released; what is kept back rounded up.
fn less_reserve(standing: &Standing, share: Money) -> Result<Money, PayOutError> {
    let Some(reserve) = standing.terms.reserve else { return Ok(share) };
    let kept = share.percent(reserve.percent).map_err(PayOutError::unavailable)?.round(Rounding::Up);
    share.checked_sub(kept).map_err(PayOutError::unavailable)
}

/// The first day at whose beginning a moment is past.
fn there_on(at: DateTime<Utc>) -> NaiveDate {
    let day = at.date_naive();
    if at.time() == NaiveTime::MIN { day } else { day + TimeDelta::days(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_released_in_the_course_of_a_day_is_there_on_the_next() {
        for (at, day) in [
            ("2026-12-01T00:00:00Z", "2026-12-01"),
            // The second begins in Singapore.
            ("2026-12-01T16:00:00Z", "2026-12-02"),
            ("2026-12-31T05:00:00Z", "2027-01-01"),
        ] {
            assert_eq!(there_on(at.parse().unwrap()), day.parse::<NaiveDate>().unwrap(), "{at}");
        }
    }
}
