//! What nobody has heard the end of is asked about, sooner at first, and never sent again.

use chrono::TimeDelta;

use crate::domain::findings::FindingKind;
use crate::domain::orders::Outcome;
use crate::domain::payouts::{Carried, Payout, PayoutBatch, PayoutState};
use crate::gateways::PayoutBatchReport;
use crate::ids::PayoutBatchId;
use crate::store::{Change, CommitError, Versioned};

use super::{DECISIONS, PayOutError, PayingOut};

/// Batches read at a time.
pub(super) const PAGE: u32 = 100;
/// How often a batch is asked about in the end.
pub(super) const SLOWLY: TimeDelta = TimeDelta::hours(6);
/// How often a batch is asked about, by its age.
const PACES: [(TimeDelta, TimeDelta); 3] = [
    (TimeDelta::hours(1), TimeDelta::minutes(2)),
    (TimeDelta::days(1), TimeDelta::minutes(15)),
    (TimeDelta::MAX, SLOWLY),
];
/// After so long, a call that nobody knows the end of is a person's matter; it is asked about all the same.
const ASKED_FOR: TimeDelta = TimeDelta::hours(1);
/// So long after its day, what a person brought to a bank is expected on its statements: a weekend and a day of rest.
const SILENT: TimeDelta = TimeDelta::days(4);
/// After so long, a batch that waits for money is told to a person.
const WAITED: TimeDelta = TimeDelta::hours(24);

impl PayingOut {
    /// Takes up whatever is not at its end: plans not wholly written down, batches not sent, batches not answered for, and
    /// what was paid over a rail that may still say more of it. Answers how many batches were taken up.
    ///
    /// # Errors
    /// [`PayOutError::Unavailable`] when rows cannot be read; one rail's trouble stops no other.
    pub async fn recover(&self) -> Result<usize, PayOutError> {
        let mut after = None;
        loop {
            let page = self.0.store.executing_payout_plans(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.value.id);
            for plan in &page {
                if let Err(error) = self.instruct(plan.value.id).await {
                    tracing::warn!(plan = %plan.value.id, %error, "a plan is taken up again");
                }
                self.stop_rest(plan.value.id).await?;
            }
        }
        let taken = self.take_up_batches(|batch| self.is_due(batch)).await? + self.ask_paid().await?;
        let mut after = None;
        loop {
            let page = self.0.store.executing_payout_plans(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(taken) };
            after = Some(last.value.id);
            for plan in &page {
                self.settle_plan(plan.value.id).await?;
            }
        }
    }

    /// Asks about every batch that the rail may still have news of, due or not: before its balance is looked at.
    ///
    /// # Errors
    /// As [`PayingOut::recover`].
    pub async fn ask_all(&self) -> Result<usize, PayOutError> {
        self.take_up_batches(|_| true).await
    }

    async fn take_up_batches(&self, wanted: impl Fn(&PayoutBatch) -> bool) -> Result<usize, PayOutError> {
        // Whoever asks now looks at none twice.
        let (before, mut after, mut taken) = (self.0.clock.now() + TimeDelta::seconds(1), None, 0);
        loop {
            let page = self.0.store.open_payout_batches(before, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(taken) };
            after = Some(last.value.id);
            for batch in page.iter().filter(|batch| wanted(&batch.value)) {
                taken += 1;
                if let Err(error) = self.take_up(batch).await {
                    tracing::warn!(batch = %batch.value.id, %error, "a batch of payouts is taken up again");
                }
            }
        }
    }

    fn is_due(&self, batch: &PayoutBatch) -> bool {
        let now = self.0.clock.now();
        let age = now - batch.created_at;
        let pace = PACES.iter().find(|(until, _)| age < *until).map_or(PACES[2].1, |(_, pace)| *pace);
        batch.asked_at.is_none_or(|asked| now - asked >= pace)
    }

    async fn take_up(&self, batch: &Versioned<PayoutBatch>) -> Result<(), PayOutError> {
        if batch.value.under_way(self.0.holder, self.0.clock.now()) {
            return Ok(());
        }
        if batch.value.may_be_sent() {
            let sent = self.send(batch.value.id).await;
            if sent.is_err() {
                self.tell_of_waiting(&batch.value).await?;
            }
            return sent;
        }
        self.ask(batch.value.id).await
    }

    /// Asks about a batch that was sent, or may have been.
    ///
    /// # Errors
    /// [`PayOutError`]; it is asked again.
    pub async fn ask(&self, id: PayoutBatchId) -> Result<(), PayOutError> {
        let mut batch = self.batch(id).await?;
        if batch.value.abandoned(self.0.holder, self.0.clock.now()) {
            self.unknown(&batch, "whoever sent it died before its answer was written down".to_owned())
                .await?;
            batch = self.batch(id).await?;
        }
        // What two persons say was never taken is asked about once the rail has named it all the same.
        let is_named = batch.value.attempts > 0 && batch.value.rail_ref.is_some();
        match batch.value.outcome {
            Outcome::Open => return Ok(()),
            Outcome::Refused if !is_named => return Ok(()),
            Outcome::Refused | Outcome::Done | Outcome::Unknown => {}
        }
        let rail = self.rail(batch.value.merchant, batch.value.rail_account).await?;
        let payouts = self.0.store.payouts_of_batch(id).await?;
        let payouts: Vec<&Payout> = payouts.iter().map(|payout| &payout.value).collect();
        let request = self.request(&batch.value, &rail, &payouts).await?;
        let Some(way) = rail.payouts() else { return Ok(()) };
        let answer = way.query(&request).await;
        let by_hand = way.by_hand();
        self.asked(batch.clone(), by_hand, answer.as_ref().ok().and_then(Option::as_ref)).await?;
        match answer {
            Ok(Some(report)) => self.apply(&batch.value, &report).await,
            Ok(None) if by_hand && batch.value.outcome == Outcome::Done => {
                let waits = payouts.iter().filter(|payout| payout.state == PayoutState::Sent).count();
                self.tell_of_silence(&batch.value, &rail.account.name, waits).await
            }
            Ok(None) => self.leave_to_a_person(&batch.value, &rail.account.name).await,
            Err(error) => {
                self.leave_to_a_person(&batch.value, &rail.account.name).await?;
                Err(error.into())
            }
        }
    }

    /// Writes down that a batch was asked about and whether the rail knows it, whoever touched the row meanwhile. What two
    /// persons have ended stays ended: what the rail says against them is told of its payouts.
    async fn asked(
        &self,
        mut batch: Versioned<PayoutBatch>,
        by_hand: bool,
        known: Option<&PayoutBatchReport>,
    ) -> Result<(), PayOutError> {
        for _ in 0..DECISIONS {
            let mut asked = PayoutBatch { asked_at: Some(self.0.clock.now()), ..batch.value.clone() };
            // Written by a program that did not say so.
            asked.carried = asked.carried.map(|carried| Carried { by_hand, ..carried });
            let mut change = Change::new();
            if let Some(report) = known {
                asked.rail_ref = report.rail_ref.clone().or(asked.rail_ref);
                if batch.value.outcome != Outcome::Refused {
                    asked = asked.ended(Outcome::Done, None);
                    self.is_known(&mut change, &batch.value).await?;
                }
            }
            change.update_payout_batch(&asked, batch.version);
            match self.0.store.commit(change).await {
                Ok(_) => return Ok(()),
                Err(CommitError::LostUpdate { .. }) => batch = self.batch(batch.value.id).await?,
                Err(error) => return Err(error.into()),
            }
        }
        Err(PayOutError::Unavailable(format!("{} met {DECISIONS} other changes in a row", batch.value.id)))
    }

    /// The rail has said that it took a batch of which nobody knew that: no person need say so any more.
    pub(super) async fn is_known(&self, change: &mut Change, batch: &PayoutBatch) -> Result<(), PayOutError> {
        if batch.outcome != Outcome::Unknown {
            return Ok(());
        }
        let (kind, fact) = (FindingKind::PayoutUnknown, batch.id.to_string());
        if let Some(found) = self.0.store.finding_about(batch.merchant, kind, &fact).await? {
            let why = "the rail has said since that it took it";
            self.0.settlements.close_explained(change, &found, why, None);
        }
        Ok(())
    }

    /// A finding, once: only a person can say what became of it.
    async fn leave_to_a_person(&self, batch: &PayoutBatch, rail: &str) -> Result<(), PayOutError> {
        if batch.outcome != Outcome::Unknown || self.0.clock.now() < batch.created_at + ASKED_FOR {
            return Ok(());
        }
        let detail = format!(
            "whether `{rail}` took batch {} is not known; it is not sent again. Look for that reference there",
            batch.id
        );
        let mut change = Change::new();
        let place = (rail, batch.id.to_string());
        let (merchant, kind) = (batch.merchant, FindingKind::PayoutUnknown);
        self.find(&mut change, merchant, kind, (place.0, &place.1), None, detail).await?;
        self.written(change).await
    }

    /// A finding, once: the bank's statements should have shown by now what a person brought to it.
    async fn tell_of_silence(
        &self,
        batch: &PayoutBatch,
        rail: &str,
        waits: usize,
    ) -> Result<(), PayOutError> {
        let due = batch.execute_on.unwrap_or(batch.created_at.date_naive());
        if waits == 0 || self.0.clock.now().date_naive() < due + SILENT {
            return Ok(());
        }
        let detail = format!(
            "the file of batch {} was for `{rail}` to pay on {due}, and no statement or status report of the bank names \
             {waits} of its payouts. Ask the bank: hand in what it says, or say by two persons that it never took them",
            batch.id
        );
        let (mut change, fact) = (Change::new(), batch.id.to_string());
        let (merchant, kind) = (batch.merchant, FindingKind::PayoutUnknown);
        self.find(&mut change, merchant, kind, (rail, &fact), None, detail).await?;
        self.written(change).await
    }

    async fn tell_of_waiting(&self, batch: &PayoutBatch) -> Result<(), PayOutError> {
        if self.0.clock.now() < batch.created_at + WAITED {
            return Ok(());
        }
        let batch = self.batch(batch.id).await?.value;
        let why = batch.detail.clone().unwrap_or_default();
        let detail = format!("batch {} could not be sent for a day: {why}", batch.id);
        let (mut change, fact) = (Change::new(), batch.id.to_string());
        let kind = FindingKind::ActionNeeded;
        self.find(&mut change, batch.merchant, kind, ("", &fact), None, detail).await?;
        self.written(change).await
    }
}
