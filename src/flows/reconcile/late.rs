//! Which days are asked for: the last ones, and whatever was missed before while no bill could be had.

use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::flows::pay::OpenAccount;
use crate::gateways::bills::{Way, bounds};
use crate::store::reconciliations::DaysTried;

use super::{ReconcileError, Reconciling};

/// Days of late are asked for in every round until they are reconciled, from the first run on or before it.
const LATE: u64 = 3;
/// Days before are asked for once a day, as far back as the books are looked through.
const MISSED: u64 = 60;
/// How long a missed day is left alone once it was asked for in vain.
const REST: TimeDelta = TimeDelta::hours(20);
/// A day's bill is complete so long after the day.
pub(super) const COMPLETE: TimeDelta = TimeDelta::hours(12);

impl Reconciling {
    /// Every account whose bills can be had: its days of late that are over for half a day and were not reconciled, and
    /// those before that were missed since its first run. By then the gateway shows what it moved. Answers how many were;
    /// one account's trouble stops no other, and a day that failed is asked for again.
    ///
    /// # Errors
    /// [`ReconcileError::Unavailable`] once all accounts had their turn, where the trouble is our own: the store, the disk,
    /// the folder of the bills. A gateway that has no bill yet, or one that is none, is told in its run.
    pub async fn days_of_late(&self) -> Result<usize, ReconcileError> {
        let (mut done, mut in_the_way) = (0, None);
        for open in self.0.pay.accounts().all() {
            let Some(bills) = open.gateway.bills() else { continue };
            if bills.way() == Way::ByHand {
                continue;
            }
            let now = self.now();
            let today = (now - COMPLETE).with_timezone(&bills.zone()).date_naive();
            let since = today.checked_sub_days(Days::new(MISSED)).unwrap_or(today);
            let tried = self.0.store.days_tried(open.account.id, since).await?;
            for day in wanted(&tried, today, now, bills.zone()) {
                match self.day_of_late(open.clone(), day, bounds(day, bills.zone()).1).await {
                    Ok(was_done) => done += usize::from(was_done),
                    Err(error) => {
                        let account = &open.account.name;
                        in_the_way.get_or_insert_with(|| format!("{account}, {day}: {error}"));
                    }
                }
            }
        }
        in_the_way.map_or(Ok(done), |why| Err(ReconcileError::Unavailable(why)))
    }

    /// Whether the day was reconciled now; an error is trouble of our own.
    async fn day_of_late(
        &self,
        open: Arc<OpenAccount>,
        day: NaiveDate,
        ended: DateTime<Utc>,
    ) -> Result<bool, ReconcileError> {
        // Somebody may have asked for it since.
        if self.0.store.reconciled(open.account.id, day, ended).await? {
            return Ok(false);
        }
        match self.day_with_reason(open, day).await? {
            (_, Some(ours @ ReconcileError::Unavailable(_))) => Err(ours),
            (run, _) => Ok(run.state == "done"),
        }
    }
}

/// The days before `today` that are to be asked for, oldest first.
fn wanted(tried: &[DaysTried], today: NaiveDate, now: DateTime<Utc>, zone: Tz) -> Vec<NaiveDate> {
    let first = tried.iter().map(|days| days.first).min();
    let days = (1..=MISSED).rev().filter_map(|back| Some((back, today.checked_sub_days(Days::new(back))?)));
    let is_wanted = |(back, day): &(u64, NaiveDate)| {
        let mut of_day = tried.iter().filter(|days| (days.first..=days.last).contains(day));
        let ended = bounds(*day, zone).1;
        match *back <= LATE {
            true => !of_day.any(|days| days.has_all_of(*day, ended)),
            false => {
                let rests = |days: &DaysTried| !days.done && now - days.started_at < REST;
                first.is_some_and(|first| first <= *day)
                    && !of_day.any(|days| days.has_all_of(*day, ended) || rests(days))
            }
        }
    };
    days.filter(is_wanted).map(|(_, day)| day).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_missed_since_the_first_run_is_asked_for_once_a_day() {
        let today: NaiveDate = "2026-11-28".parse().unwrap();
        let now = today.and_hms_opt(15, 0, 0).unwrap().and_utc();
        let tried = |first: &str, last: &str, done, hours| DaysTried {
            first: first.parse().unwrap(),
            last: last.parse().unwrap(),
            done,
            started_at: now - TimeDelta::hours(hours),
        };
        let days = |tried: &[DaysTried]| {
            let days = wanted(tried, today, now, chrono_tz::UTC);
            days.iter().map(|day| day.format("%m-%d").to_string()).collect::<Vec<_>>().join(" ")
        };
        let by_hand = [tried("2026-11-18", "2026-11-26", true, 40)];
        assert_eq!(
            days(&by_hand),
            "11-26 11-27",
            "a file that was brought on its last day has not all of it"
        );
        assert_eq!(days(&[]), "11-25 11-26 11-27", "a new account has no past");
        let outage =
            [tried("2026-11-18", "2026-11-18", true, 230), tried("2026-11-19", "2026-11-19", false, 206)];
        assert_eq!(days(&outage), "11-19 11-20 11-21 11-22 11-23 11-24 11-25 11-26 11-27");
        let asked = [
            tried("2026-11-18", "2026-11-18", true, 230),
            tried("2026-11-19", "2026-11-20", true, 2),
            tried("2026-11-21", "2026-11-21", false, 2),
            tried("2026-11-22", "2026-11-22", false, 21),
            tried("2026-11-23", "2026-11-24", true, 80),
            tried("2026-11-25", "2026-11-25", false, 1),
            tried("2026-11-26", "2026-11-26", true, 1),
        ];
        assert_eq!(days(&asked), "11-22 11-25 11-27", "a file may bring several days at once");
    }
}
