//! What the clock does to payouts.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::super::super::book::Session;
use super::super::super::scenario::Scenario;
use super::super::super::{Sandbox, SandboxError, serial};
use super::super::account::{self, Movement};
use super::super::envelope::Refusal;
use super::super::{App, events};
use super::{Batch, BatchState, Item, ItemState};
use crate::money::Money;

/// A batch is processed this long after it was taken on, and done so long after that.
pub(super) const BEGINS: TimeDelta = TimeDelta::seconds(1);
const TAKES: TimeDelta = TimeDelta::seconds(2);
/// Nobody claimed it: it returns.
const CLAIM: TimeDelta = TimeDelta::days(30);
const COMES_BACK: TimeDelta = TimeDelta::minutes(1);
const REVIEW: TimeDelta = TimeDelta::days(1);

const PAYOUT: &str = "T0001";
const FEE: &str = "T0104";
const REVERSAL: &str = "T1114";
const REFUND: &str = "T1115";

/// Everything a batch moves with.
pub(super) struct Work<'a> {
    pub sandbox: &'a Sandbox,
    pub app: App,
    pub batch: &'a Batch,
}

/// Works off what is due by `now`, each at the moment it fell due.
pub(in super::super::super) async fn work_off(
    sandbox: &Sandbox,
    session: &mut Session,
    now: DateTime<Utc>,
) -> Result<(), SandboxError> {
    let stuck = |_| SandboxError::Setting("a payout could not be worked off".to_owned());
    loop {
        let batches = session.due::<Batch>(now, u32::MAX).await?;
        let items = session.due::<Item>(now, u32::MAX).await?;
        if batches.is_empty() && items.is_empty() {
            return Ok(());
        }
        for mut batch in batches {
            let at = batch.due.unwrap_or(now);
            step_batch(sandbox, session, &mut batch, at).await.map_err(stuck)?;
        }
        for mut item in items {
            let at = item.due.take().unwrap_or(now);
            step_item(sandbox, session, &mut item, at).await.map_err(stuck)?;
        }
    }
}

async fn step_batch(
    sandbox: &Sandbox,
    session: &mut Session,
    batch: &mut Batch,
    at: DateTime<Utc>,
) -> Result<(), Refusal> {
    let app: App = session.find(&batch.client_id).await?.ok_or_else(Refusal::internal)?;
    if batch.state == BatchState::Pending {
        batch.state = BatchState::Processing;
        batch.due = Some(at + TAKES);
        session.put(batch).await?;
        return Work { sandbox, app, batch }.tell(session, "PROCESSING").await;
    }
    let mut items: Vec<Item> = session.under(&batch.id).await?;
    let denied = items.first().is_some_and(|item| item.receiver.starts_with("denied"));
    let work = Work { sandbox, app, batch };
    let (mut freed, mut fees) = (0, Vec::new());
    for item in &mut items {
        let (state, due) = if denied { (ItemState::Failed, None) } else { fate(&item.receiver) };
        item.state = state;
        item.processed = Some(at);
        item.due = due.map(|due| at + due);
        if state != ItemState::OnHold {
            freed += item.cost().minor();
        }
        if state.is_debited() {
            work.debit(session, item, at).await?;
            fees.push(item.clone());
        }
        session.put(item).await?;
        if let Some(name) = state.words().1.filter(|_| !denied) {
            work.tell_item(session, item, name).await?;
        }
    }
    if let Some(first) = items.first() {
        let freed = Money::from_minor(freed, first.cost().currency());
        account::withhold(session, &work.app, freed, false).await?;
    }
    work.charge(session, &fees, at).await?;
    batch.state = if denied { BatchState::Denied } else { BatchState::Success };
    batch.completed = Some(at);
    batch.due = None;
    session.put(batch).await?;
    let app: App = session.find(&batch.client_id).await?.ok_or_else(Refusal::internal)?;
    Work { sandbox, app, batch }.tell(session, if denied { "DENIED" } else { "SUCCESS" }).await
}

/// Where a payout to this receiver stands once it is processed, and after what time it goes on.
fn fate(receiver: &str) -> (ItemState, Option<TimeDelta>) {
    let fates = [
        ("unclaimed", ItemState::Unclaimed, Some(CLAIM)),
        ("returned", ItemState::Unclaimed, Some(COMES_BACK)),
        ("refunded", ItemState::Success, Some(COMES_BACK)),
        ("reversed", ItemState::Success, Some(COMES_BACK)),
        ("onhold", ItemState::OnHold, Some(REVIEW)),
        ("blocked", ItemState::Blocked, None),
        ("failed", ItemState::Failed, None),
    ];
    let found = fates.into_iter().find(|(prefix, ..)| receiver.starts_with(prefix));
    found.map_or((ItemState::Success, None), |(_, state, due)| (state, due))
}

async fn step_item(
    sandbox: &Sandbox,
    session: &mut Session,
    item: &mut Item,
    at: DateTime<Utc>,
) -> Result<(), Refusal> {
    let batch: Batch = session.find(&item.batch_id).await?.ok_or_else(Refusal::internal)?;
    let app: App = session.find(&batch.client_id).await?.ok_or_else(Refusal::internal)?;
    let work = Work { sandbox, app, batch: &batch };
    match item.state {
        ItemState::OnHold => {
            item.state = ItemState::Success;
            item.processed = Some(at);
            account::withhold(session, &work.app, item.cost(), false).await?;
            work.debit(session, item, at).await?;
            work.charge(session, std::slice::from_ref(item), at).await?;
            session.put(item).await?;
        }
        ItemState::Unclaimed => work.back(session, item, ItemState::Returned, at).await?,
        ItemState::Success if item.receiver.starts_with("refunded") => {
            work.back(session, item, ItemState::Refunded, at).await?;
        }
        ItemState::Success => work.back(session, item, ItemState::Reversed, at).await?,
        _ => return Ok(session.put(item).await?),
    }
    match item.state.words().1 {
        Some(name) => work.tell_item(session, item, name).await,
        None => Ok(()),
    }
}

impl Work<'_> {
    /// The money leaves; a transaction begins.
    async fn debit(&self, session: &mut Session, item: &mut Item, at: DateTime<Utc>) -> Result<(), Refusal> {
        let id = serial::capitals(&self.sandbox.ids, 17);
        let converted = item.converted.map(|(paid, _)| paid.negated());
        let differs = self.batch.faults.has(Scenario::BillDiffers);
        let movement = Movement::of_payout(&id, PAYOUT, item.amount.negated(), converted, at)
            .about(None, item.sender_item_id.as_deref())
            .stated_short(differs);
        account::book(session, &self.app, self.sandbox, movement).await?;
        item.transaction_id = Some(id);
        Ok(())
    }

    /// One row for the fees of what was debited together.
    async fn charge(&self, session: &mut Session, items: &[Item], at: DateTime<Utc>) -> Result<(), Refusal> {
        let total: i64 = items.iter().map(|item| item.fee.minor()).sum();
        let Some(first) = items.first().filter(|_| total > 0) else { return Ok(()) };
        let converted = first.converted_fee.map(|fee| {
            let all = items.iter().filter_map(|item| item.converted_fee).map(Money::minor).sum::<i64>();
            Money::from_minor(-all, fee.currency())
        });
        let id = serial::capitals(&self.sandbox.ids, 17);
        let signed = Money::from_minor(-total, first.fee.currency());
        let movement = Movement::of_payout(&id, FEE, signed, converted, at)
            .about(None, Some(&self.batch.sender_batch_id));
        account::book(session, &self.app, self.sandbox, movement).await
    }

    /// The money comes back.
    pub(super) async fn back(
        &self,
        session: &mut Session,
        item: &mut Item,
        state: ItemState,
        at: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        let code = if state == ItemState::Refunded { REFUND } else { REVERSAL };
        let id = serial::capitals(&self.sandbox.ids, 17);
        let converted = item.converted.map(|(paid, _)| paid);
        let movement = Movement::of_payout(&id, code, item.amount, converted, at)
            .about(item.transaction_id.as_deref(), item.sender_item_id.as_deref());
        account::book(session, &self.app, self.sandbox, movement).await?;
        item.state = state;
        item.processed = Some(at);
        item.due = None;
        Ok(session.put(item).await?)
    }

    async fn tell(&self, session: &mut Session, name: &str) -> Result<(), Refusal> {
        let resource = json!({"batch_header": self.batch.represent()});
        let name = format!("PAYMENT.PAYOUTSBATCH.{name}");
        let subject = self.batch.subject();
        Ok(events::tell(self.sandbox, session, subject, &name, "payouts", resource).await?)
    }

    pub(super) async fn tell_item(
        &self,
        session: &mut Session,
        item: &Item,
        name: &str,
    ) -> Result<(), Refusal> {
        let resource = item.resource(self.sandbox, self.batch);
        let name = format!("PAYMENT.PAYOUTS-ITEM.{name}");
        let subject = self.batch.subject();
        Ok(events::tell(self.sandbox, session, subject, &name, "payouts_item", resource).await?)
    }
}
