//! What comes after a payout was paid and only the rail itself tells: that the payee's bank sent it back, and what the rail
//! took for it. A notice of that may be lost and no bill follows, so the rail is asked on, slowly.

use chrono::TimeDelta;

use crate::domain::findings::FindingKind;
use crate::domain::payouts::{PayoutBatch, PayoutState};
use crate::store::Change;

use super::ask::{PAGE, SLOWLY};
use super::rails::OpenRail;
use super::{PayOutError, PayingOut};

/// So long after its last news a rail is asked on, so that a fee that it never told is told to a person.
const TELLING: TimeDelta = TimeDelta::days(7);

impl PayingOut {
    /// Asks about what was paid over rails that alone tell what becomes of it. Answers how many batches were asked about.
    pub(super) async fn ask_paid(&self) -> Result<usize, PayOutError> {
        let mut asked = 0;
        for (rail, news_for) in self.rails_with_news().await? {
            asked += self.ask_paid_over(&rail, news_for).await?;
        }
        Ok(asked)
    }

    /// A page of them at a time, those first that were not asked about for longest: the next round goes on, and nothing else
    /// waits for thousands of questions.
    async fn ask_paid_over(&self, rail: &OpenRail, news_for: TimeDelta) -> Result<usize, PayOutError> {
        let now = self.0.clock.now();
        let (since, before) = (now - news_for - TELLING, now - SLOWLY);
        let page = self.0.store.paid_payout_batches(rail.account.id, since, before, PAGE).await?;
        for batch in &page {
            if let Err(error) = self.ask(batch.value.id).await {
                tracing::warn!(batch = %batch.value.id, %error, "what was paid is asked about again");
            }
            if now >= batch.value.created_at + news_for {
                self.tell_of_fee(&batch.value, &rail.account.name, news_for).await?;
            }
        }
        Ok(page.len())
    }

    /// A finding, once a day of payouts: what the rail took for them it will not say any more.
    async fn tell_of_fee(
        &self,
        batch: &PayoutBatch,
        rail: &str,
        news_for: TimeDelta,
    ) -> Result<(), PayOutError> {
        let payouts = self.0.store.payouts_of_batch(batch.id).await?;
        let moved =
            |state: &PayoutState| matches!(state, PayoutState::Paid { .. } | PayoutState::Returned { .. });
        let mut payouts = payouts.iter().map(|payout| &payout.value);
        let untold = payouts.find(|one| one.charged.is_none() && moved(&one.state));
        let Some(one) = untold else { return Ok(()) };
        let day = batch.created_at.date_naive();
        let detail = format!(
            "`{rail}` has not said within {} days what it took for payouts of {day}, {} among them: hold its own list \
             of fees against the books and book by a journal what is missing",
            news_for.num_days(),
            one.id
        );
        let fact = format!("{}/fees/{day}", batch.rail_account);
        let (mut change, kind) = (Change::new(), FindingKind::ActionNeeded);
        self.find(&mut change, batch.merchant, kind, (rail, &fact), None, detail).await?;
        self.written(change).await
    }
}
