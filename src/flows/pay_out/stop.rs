//! What is not yet sent can be stopped: the supplier has its balance back. What is being sent goes on; what waits for its
//! payee, or at the rail, can be taken back where the rail does that.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::deposits::BankLine;
use crate::domain::ledger::journal::Fact;
use crate::domain::merchants::Funding;
use crate::domain::orders::Outcome;
use crate::domain::payouts::{Payout, PayoutBatch, PayoutState, PlanState, undone};
use crate::gateways::GatewayError;
use crate::ids::{IdSource, MerchantId, PayoutBatchId, PayoutId, PlanId};
use crate::money::Money;
use crate::rails::bank_ids_of;
use crate::store::{Change, CommitError, Store, Versioned};

use super::{PayOutError, PayingOut};

/// Why a payout that was stopped has failed.
const STOPPED: &str = "stopped";

impl PayingOut {
    /// Stops every batch of a stopped plan that was not sent.
    pub(super) async fn stop_rest(&self, id: PlanId) -> Result<(), PayOutError> {
        let Some(plan) = self.0.store.payout_plan(id).await? else { return Ok(()) };
        if !matches!(plan.value.state, PlanState::Executing { stopped: Some(_), .. }) {
            return Ok(());
        }
        for batch in self.0.store.payout_batches_of(id).await? {
            if !batch.value.may_be_sent() {
                continue;
            }
            let mut change = Change::new();
            let ended = batch.value.ended(Outcome::Refused, Some(STOPPED.to_owned()));
            change.update_payout_batch(&ended, batch.version);
            for payout in self.0.store.payouts_of_batch(batch.value.id).await? {
                if payout.value.state == PayoutState::Held {
                    self.give_up(&mut change, &payout, STOPPED, "stopped before it was sent")?;
                }
            }
            // Lost: somebody was about to send it.
            self.written(change).await?;
        }
        self.settle_plan(id).await
    }

    /// Stops one payout; written down with `extra`. It is either not yet sent, or waits for its payee or at a rail that
    /// has not passed it on.
    ///
    /// # Errors
    /// [`PayOutError::TooLate`], and what the rail says.
    pub async fn stop(
        &self,
        merchant: MerchantId,
        id: PayoutId,
        extra: Change,
    ) -> Result<Payout, PayOutError> {
        let payout = self.payout_of(merchant, id).await?;
        let batch = self.batch(payout.value.batch).await?;
        match &payout.value.state {
            PayoutState::Held if batch.value.may_be_sent() => {
                let mut change = extra;
                self.give_up(&mut change, &payout, STOPPED, "stopped before it was sent")?;
                // Whoever is about to send the batch reads it again.
                change.update_payout_batch(&batch.value, batch.version);
                self.0.store.commit(change).await?;
                self.close_if_empty(&batch.value).await?;
                self.settle_plan(payout.value.plan).await?;
            }
            PayoutState::Unclaimed { .. } => {
                self.0.store.commit(extra).await?;
                self.take_back(&batch.value, &payout.value).await?;
            }
            PayoutState::Sent if self.rail(merchant, batch.value.rail_account).await?.calls_back() => {
                self.0.store.commit(extra).await?;
                match self.take_back(&batch.value, &payout.value).await {
                    // It was passed on before.
                    Err(PayOutError::Rail(GatewayError::Refused { .. })) => {
                        return Err(PayOutError::TooLate(payout.value.state.as_str()));
                    }
                    called => called?,
                }
            }
            state => return Err(PayOutError::TooLate(state.as_str())),
        }
        Ok(self.payout_of(merchant, id).await?.value)
    }

    async fn take_back(&self, batch: &PayoutBatch, payout: &Payout) -> Result<(), PayOutError> {
        let rail = self.rail(batch.merchant, batch.rail_account).await?;
        let request = self.request(batch, &rail, &[payout]).await?;
        if let (Some(way), Some(order)) = (rail.payouts(), request.orders.first()) {
            way.take_back(&request, order).await?;
        }
        self.ask(batch.id).await
    }

    /// A batch of which everything was stopped is not sent.
    async fn close_if_empty(&self, batch: &PayoutBatch) -> Result<(), PayOutError> {
        let payouts = self.0.store.payouts_of_batch(batch.id).await?;
        if payouts.iter().any(|payout| payout.value.state == PayoutState::Held) {
            return Ok(());
        }
        let batch = self.batch(batch.id).await?;
        if !batch.value.may_be_sent() {
            return Ok(());
        }
        let mut change = Change::new();
        let ended = batch.value.ended(Outcome::Refused, Some(STOPPED.to_owned()));
        change.update_payout_batch(&ended, batch.version);
        self.written(change).await
    }

    /// The payouts of a batch that is not sent yet and may be, and the batch as it stands then; those of suppliers who may
    /// not be paid any more are given up. `None`: somebody else has it.
    pub(super) async fn still_payable(
        &self,
        batch: Versioned<PayoutBatch>,
        payouts: Vec<Versioned<Payout>>,
    ) -> Result<Option<(Versioned<PayoutBatch>, Vec<Payout>)>, PayOutError> {
        let (mut change, mut left) = (Change::new(), Vec::with_capacity(payouts.len()));
        for payout in payouts.into_iter().filter(|payout| payout.value.state == PayoutState::Held) {
            let terms = self.0.store.payout_terms(payout.value.supplier).await?;
            let terms = terms.map(|row| row.value).unwrap_or_default();
            let (currency, must) = (payout.value.amount.currency(), self.0.rules.must_be_known);
            match terms.barred(currency, must, self.0.clock.now()) {
                Some(code) => self.give_up(&mut change, &payout, code, "payouts are held")?,
                None => left.push(payout.value),
            }
        }
        if change.is_empty() {
            return Ok(Some((batch, left)));
        }
        // Whoever else is about to send the batch has these in it still: it reads the batch again.
        change.update_payout_batch(&batch.value, batch.version);
        match self.0.store.commit(change).await {
            Ok(_) => Ok(Some((Versioned { version: batch.version + 1, ..batch }, left))),
            Err(CommitError::LostUpdate { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn give_up(
        &self,
        change: &mut Change,
        payout: &Versioned<Payout>,
        code: &str,
        reason: &str,
    ) -> Result<(), PayOutError> {
        let failed = given_up(&self.0.ids, self.0.clock.now(), change, payout, (code, reason))?;
        self.tell_payout(change, &failed);
        Ok(())
    }

    pub(super) async fn payout_of(
        &self,
        merchant: MerchantId,
        id: PayoutId,
    ) -> Result<Versioned<Payout>, PayOutError> {
        let found = self.0.store.payout(id).await?;
        found.filter(|payout| payout.value.merchant == merchant).ok_or(PayOutError::Unknown("payout"))
    }
}

/// What was set aside is the supplier's again; the payout as it is then.
fn given_up(
    ids: &IdSource,
    now: DateTime<Utc>,
    change: &mut Change,
    payout: &Versioned<Payout>,
    (code, reason): (&str, &str),
) -> Result<Payout, PayOutError> {
    let (source, merchant) = (payout.value.id.to_string(), payout.value.merchant);
    let fact = Fact { ids, merchant, source: &source, subject: &source, at: now };
    if let Some(transaction) = undone(&fact, &payout.value).map_err(PayOutError::unavailable)? {
        change.post(transaction);
    }
    let state = PayoutState::Failed { code: code.to_owned(), reason: reason.to_owned() };
    let failed = Payout { state, updated_at: now, ..payout.value.clone() };
    change.update_payout(&failed, payout.version);
    Ok(failed)
}

/// What two persons' word that a rail never took a batch comes to.
pub(in crate::flows) enum NeverTaken {
    /// Nothing waits for that word: somebody knows otherwise by now.
    Nothing,
    /// The suppliers have their balances back.
    Undone {
        /// What is written.
        change: Change,
        /// What is set aside for them until then.
        held: Money,
    },
    /// A line of the bank may be the debit.
    Debited(String),
}

/// Two persons looked: the rail never took the batch. Of a call whose end nobody knows, and of what a person brought to a
/// bank that says nothing of it; never where the bank's statement shows a debit that may be it.
///
/// # Errors
/// [`PayOutError`].
pub(in crate::flows) async fn never_taken(
    store: &Store,
    ids: &IdSource,
    now: DateTime<Utc>,
    merchant: MerchantId,
    id: PayoutBatchId,
) -> Result<NeverTaken, PayOutError> {
    let batch = store.payout_batch(id).await?.filter(|batch| batch.value.merchant == merchant);
    let Some(batch) = batch else { return Ok(NeverTaken::Nothing) };
    let by_hand = batch.value.carried.as_ref().is_some_and(|carried| carried.by_hand);
    let waits = match batch.value.outcome {
        Outcome::Unknown => PayoutState::Unknown,
        Outcome::Done if by_hand => PayoutState::Sent,
        Outcome::Open | Outcome::Done | Outcome::Refused => return Ok(NeverTaken::Nothing),
    };
    let mut payouts = store.payouts_of_batch(id).await?;
    payouts.retain(|payout| payout.value.state == waits);
    let Some(currency) = payouts.first().map(|payout| payout.value.amount.currency()) else {
        return Ok(NeverTaken::Nothing);
    };
    let held = Money::sum(currency, payouts.iter().map(|payout| payout.value.amount));
    let held = held.map_err(PayOutError::unavailable)?;
    if let Some(line) = debit(store, &batch.value, &payouts, held).await? {
        let (amount, day) = (line.line.amount, line.line.booked_on);
        return Ok(NeverTaken::Debited(format!(
            "line {} of {day} moved {amount}: it may be the debit",
            line.id
        )));
    }
    let (why, mut change) = ("two persons found that the rail never took it", Change::new());
    change.update_payout_batch(&batch.value.ended(Outcome::Refused, Some(why.to_owned())), batch.version);
    for payout in &payouts {
        given_up(ids, now, &mut change, payout, ("never_taken", why))?;
    }
    Ok(NeverTaken::Undone { change, held })
}

/// A line of the paying bank account that nobody has explained and that may be the debit of these payouts: it names one
/// of them, or is one of their amounts or all of them.
async fn debit(
    store: &Store,
    batch: &PayoutBatch,
    payouts: &[Versioned<Payout>],
    held: Money,
) -> Result<Option<BankLine>, PayOutError> {
    let rail = store.rail_account(batch.merchant, batch.rail_account).await?;
    let Some(Funding::BankAccount(paying)) = rail.map(|rail| rail.funding) else { return Ok(None) };
    let amounts: BTreeSet<i64> =
        payouts.iter().map(|payout| payout.value.amount.minor()).chain([held.minor()]).collect();
    let ids: BTreeSet<PayoutId> = payouts.iter().map(|payout| payout.value.id).collect();
    let names = |line: &BankLine| {
        bank_ids_of(&line.line).iter().any(|id| ids.contains(id))
            || bank_ids_of(&line.line).contains(&batch.id)
    };
    let since = batch.created_at.date_naive() - TimeDelta::days(1);
    let may_be = |line: &BankLine| {
        line.bank_account == paying
            && line.line.amount.is_negative()
            && (names(line)
                || (line.line.booked_on >= since && amounts.contains(&line.line.amount.abs().minor())))
    };
    let lines = store.open_bank_lines(batch.merchant, held.currency(), may_be).await?;
    Ok(lines.into_iter().map(|line| line.value).next())
}
