//! Dates that were saved under other holidays than those that are listed now.

use crate::domain::treasury::PayoutSchedule;
use crate::flows::pay_out::{PayOutError, PayingOut};
use crate::ids::PayoutScheduleId;
use crate::store::{Change, CommitError, Seek, Versioned};

use super::active;

/// Schedules read at once.
const PAGE: u32 = 100;

impl PayingOut {
    /// Gives every schedule the date that comes next by the holidays that are listed now. Answers how many have another one.
    ///
    /// # Errors
    /// [`PayOutError`]; the others keep the date that they had.
    pub async fn redate_schedules(&self) -> Result<usize, PayOutError> {
        let mut count = 0;
        for merchant in self.0.store.merchants().await? {
            let mut seek = Seek::Start;
            loop {
                let page = self.0.store.payout_schedules(merchant.id, Some("active"), seek, PAGE).await?;
                let Some(last) = page.last() else { break };
                seek = Seek::After(last.id);
                for schedule in &page {
                    count += usize::from(self.redate(schedule.id).await?);
                }
            }
        }
        Ok(count)
    }

    /// One of them. A date that has come is its job's; one that is still good goes only to an earlier one: what would have
    /// come before it by now is past, and its turn with it.
    async fn redate(&self, id: PayoutScheduleId) -> Result<bool, PayOutError> {
        let Some(Versioned { value: before, version }) = self.0.store.payout_schedule(id).await? else {
            return Ok(false);
        };
        let (holidays, now) = (&self.0.tables.holidays, self.0.clock.now());
        let Some(saved) = before.next().filter(|saved| saved.at > now) else { return Ok(false) };
        // Where no date is left it goes by the one that it has, which then says so.
        let Ok(state) = active(&before.terms.timing, holidays, now, &self.done(id).await?) else {
            return Ok(false);
        };
        let schedule = PayoutSchedule { state, ..before };
        let closed = schedule.terms.timing.closed_since(holidays, saved.date).is_some();
        if !schedule.next().is_some_and(|next| next.at < saved.at || (closed && next.at > saved.at)) {
            return Ok(false);
        }
        let mut change = Change::new();
        change.update_payout_schedule(&schedule, version);
        self.ask_for_next(&mut change, &schedule);
        match self.0.store.commit(change).await {
            Ok(_) => Ok(true),
            // Another program did so, or its office has changed it.
            Err(CommitError::LostUpdate { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
