//! The one door: what a rail says of payouts, by whatever way it came, moves them and the books in one change.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::crash::{Point, point};
use crate::domain::findings::{Finding, FindingKind};
use crate::domain::ledger::Account;
use crate::domain::ledger::journal::{Fact, payout_fee_charged};
use crate::domain::payouts::{
    Payout, PayoutBatch, PayoutReport, PayoutState, PayoutTransition, ReturnFault, postings,
};
use crate::gateways::PayoutBatchReport;
use crate::ids::{IdSource, PayoutId};
use crate::money::Money;
use crate::store::{Change, CommitError, Versioned};

use super::{DECISIONS, PayOutError, PayingOut, payout_view};

/// Payouts moved by one change.
const TOGETHER: usize = 200;

impl PayingOut {
    /// Applies what a rail says of a batch.
    ///
    /// # Errors
    /// [`PayOutError`]; what was applied before it stands, the rest is asked about again.
    pub async fn apply(&self, batch: &PayoutBatch, report: &PayoutBatchReport) -> Result<(), PayOutError> {
        let known: BTreeMap<PayoutId, Versioned<Payout>> = self
            .0
            .store
            .payouts_of_batch(batch.id)
            .await?
            .into_iter()
            .map(|payout| (payout.value.id, payout))
            .collect();
        for reports in report.payouts.chunks(TOGETHER) {
            let mut change = Change::new();
            for told in reports {
                match known.get(&told.payout) {
                    Some(payout) => self.advance(&mut change, payout, told).await?,
                    None => self.stranger(&mut change, batch, told).await?,
                }
            }
            if change.is_empty() {
                continue;
            }
            point(Point::PayoutReported).await;
            match self.0.store.commit(change).await {
                Ok(_) => {}
                // Somebody was faster with one of them, or the books have too little for all: one by one, from how they
                // stand now.
                Err(
                    CommitError::LostUpdate { .. }
                    | CommitError::AlreadyBooked { .. }
                    | CommitError::BelowFloor { .. }
                    | CommitError::Unknown(_),
                ) => {
                    for told in reports {
                        self.apply_one(told).await?;
                    }
                }
                Err(error) => return Err(error.into()),
            }
            point(Point::PayoutRecorded).await;
        }
        self.settle_plan(batch.plan).await
    }

    async fn apply_one(&self, told: &PayoutReport) -> Result<(), PayOutError> {
        for _ in 0..DECISIONS {
            let Some(payout) = self.0.store.payout(told.payout).await? else { return Ok(()) };
            let mut change = Change::new();
            self.advance(&mut change, &payout, told).await?;
            if change.is_empty() {
                return Ok(());
            }
            match self.0.store.commit(change).await {
                Ok(_) => return Ok(()),
                Err(
                    CommitError::LostUpdate { .. }
                    | CommitError::AlreadyBooked { .. }
                    | CommitError::Unknown(_),
                ) => {}
                Err(CommitError::BelowFloor { .. }) => return self.short(&payout.value, told).await,
                Err(error) => return Err(error.into()),
            }
        }
        Err(PayOutError::Unavailable(format!("{} met {DECISIONS} other changes in a row", told.payout)))
    }

    /// The rail speaks of a payout that is none of the batch: it may have paid somebody whom we did not ask it to pay.
    async fn stranger(
        &self,
        change: &mut Change,
        batch: &PayoutBatch,
        told: &PayoutReport,
    ) -> Result<(), PayOutError> {
        let fact = told.payout.to_string();
        let rail = self.0.store.rail_account(batch.merchant, batch.rail_account).await?;
        let rail = rail.map(|rail| rail.name).unwrap_or_default();
        let detail = format!("`{rail}` speaks of {fact} in batch {}, which did not ask for it", batch.id);
        self.find(change, batch.merchant, FindingKind::PayoutDiffers, (&rail, &fact), None, detail).await
    }

    /// The rail paid out of money that the books do not have there: a person says how it came there. The payout stays as
    /// it is and is asked about until then.
    async fn short(&self, payout: &Payout, told: &PayoutReport) -> Result<(), PayOutError> {
        let (rail, fact) = (payout.booking.rail.as_str(), payout.id.to_string());
        let detail = format!(
            "`{rail}` says that {fact} moved, and the books have less than that on {}: book what was moved there",
            payout.booking.cash
        );
        let (mut change, kind) = (Change::new(), FindingKind::ActionNeeded);
        self.find(&mut change, payout.merchant, kind, (rail, &fact), Some(payout.amount), detail).await?;
        if let PayoutTransition::Differs { why, .. } = payout.apply(told) {
            let finding = self.differs(payout, told, payout.amount, &why);
            self.0.settlements.open(&mut change, finding).await.map_err(PayOutError::unavailable)?;
        }
        self.written(change).await
    }

    /// What a report means for one payout, in `change`; what cannot be becomes a finding.
    async fn advance(
        &self,
        change: &mut Change,
        payout: &Versioned<Payout>,
        told: &PayoutReport,
    ) -> Result<(), PayOutError> {
        let value = &payout.value;
        match moved(&self.0.ids, self.0.clock.now(), change, payout, told, None)? {
            Moved::Nothing => {}
            Moved::Conflict(why) => {
                let finding = self.differs(value, told, value.amount, &why);
                self.0.settlements.open(change, finding).await.map_err(PayOutError::unavailable)?;
            }
            Moved::Otherwise { now, left, why } => {
                let reached = match &now.state {
                    PayoutState::Paid { reached, .. } => *reached,
                    _ => None,
                };
                let aside = reached.map(|reached| value.amount.checked_sub(reached).map(Money::abs));
                let aside = aside.transpose().map_err(PayOutError::unavailable)?;
                let finding = self.differs(value, told, aside.unwrap_or(value.amount), &why);
                let opened = match aside {
                    // What was decided before was not about this money.
                    Some(_) => self.0.settlements.open_again(change, finding).await,
                    None => self.0.settlements.open(change, finding).await,
                };
                opened.map_err(PayOutError::unavailable)?;
                if now.state != value.state {
                    self.tell_moved(change, &now, left);
                }
            }
            Moved::On { now, left } => {
                if now.state != value.state {
                    self.tell_moved(change, &now, left);
                }
            }
        }
        Ok(())
    }

    /// What a person is told of a payout of which the rail says what was not instructed, with what the rail calls it.
    fn differs(&self, payout: &Payout, told: &PayoutReport, amount: Money, why: &str) -> Finding {
        let named = told.rail_ref.as_ref().map(|named| format!("; its name there is {named}"));
        let detail = format!("{why}{}", named.unwrap_or_default());
        let (rail, fact) = (payout.booking.rail.as_str(), payout.id.to_string());
        self.finding(payout.merchant, FindingKind::PayoutDiffers, (rail, &fact), Some(amount), detail)
    }

    /// Tells how a payout ended that nothing had left for.
    pub(super) fn tell_payout(&self, change: &mut Change, payout: &Payout) {
        self.tell_moved(change, payout, None);
    }

    /// Tells how a payout ended, and what had left for it.
    fn tell_moved(&self, change: &mut Change, payout: &Payout, left: Option<Money>) {
        let kind = match payout.state {
            PayoutState::Paid { .. } => "payout.paid",
            PayoutState::Failed { .. } => "payout.failed",
            PayoutState::Returned { .. } => "payout.returned",
            PayoutState::Held | PayoutState::Sent | PayoutState::Unknown | PayoutState::Unclaimed { .. } => {
                return;
            }
        };
        let subject = payout.id.to_string();
        self.0.settlements.tell(change, payout.merchant, kind, &subject, payout_view(payout, left));
    }
}

/// What a report did to a payout.
pub(in crate::flows) enum Moved {
    /// It said nothing new.
    Nothing,
    /// It said what cannot be.
    Conflict(String),
    /// It moved on.
    On {
        /// How it stands now; boxed, because the others are small.
        now: Box<Payout>,
        /// What left the paying account on the way here.
        left: Option<Money>,
    },
    /// It stands like this now, and other money than was instructed is spoken of.
    Otherwise {
        /// Boxed likewise.
        now: Box<Payout>,
        /// What left the paying account on the way here.
        left: Option<Money>,
        /// What differs, in words.
        why: String,
    },
}

/// What a report means for one payout: its states and their postings, what was charged, the rail's name of it. `at_bank` is
/// the account whose line says so; a rail's own word is of the account that it pays from.
pub(in crate::flows) fn moved(
    ids: &IdSource,
    at: DateTime<Utc>,
    change: &mut Change,
    payout: &Versioned<Payout>,
    told: &PayoutReport,
    at_bank: Option<&Account>,
) -> Result<Moved, PayOutError> {
    let mut now = payout.value.clone();
    let source = now.id.to_string();
    let fact = Fact { ids, merchant: now.merchant, source: &source, subject: &source, at: told.at };
    let (states, otherwise) = match now.apply(told) {
        PayoutTransition::AlreadyThere => (vec![], None),
        PayoutTransition::Conflict { why } => return Ok(Moved::Conflict(why)),
        PayoutTransition::Advance(states) => (states, None),
        PayoutTransition::Differs { states, why } => (states, Some(why)),
    };
    let mut left = now.state.debited();
    for next in states {
        let posted = postings(&fact, &now, &next, ReturnFault::Supplier, at_bank);
        if let Some(transaction) = posted.map_err(PayOutError::unavailable)? {
            change.post(transaction);
        }
        now.state = next;
        left = now.state.debited().or(left);
    }
    now.rail_ref = told.rail_ref.clone().or(now.rail_ref);
    if let Some(total) = told.fee {
        let from = at_bank.unwrap_or(&payout.value.booking.fees);
        charge(change, payout.version, &mut now, (total, from), &fact)?;
    }
    if now == payout.value {
        return Ok(Moved::Nothing);
    }
    now.updated_at = at;
    change.update_payout(&now, payout.version);
    let now = Box::new(now);
    Ok(match otherwise {
        None => Moved::On { now, left },
        Some(why) => Moved::Otherwise { now, left, why },
    })
}

/// What the rail charged since it last said so, to which account; below zero where it gave some back.
fn charge(
    change: &mut Change,
    version: i64,
    payout: &mut Payout,
    (total, from): (Money, &Account),
    fact: &Fact<'_>,
) -> Result<(), PayOutError> {
    let before = payout.charged.unwrap_or(Money::zero(total.currency()));
    let more = total.checked_sub(before).map_err(PayOutError::unavailable)?;
    // That nothing was taken is known too.
    payout.charged = Some(total);
    if more.is_zero() {
        return Ok(());
    }
    let source = format!("{}/fee/{version}", payout.id);
    let posted = payout_fee_charged(&Fact { source: &source, ..*fact }, &payout.booking, from, more);
    if let Some(transaction) = posted.map_err(PayOutError::unavailable)? {
        change.post(transaction);
    }
    Ok(())
}
