//! What the books have of an account's days, as facts; and the pool between two bills.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};

use crate::domain::ledger::JournalEvent;
use crate::domain::reconciliation::{
    CUT_OFF, Class, Expected, Fact, FeeTerms, Key, Outcome, Standing, Terms,
};
use crate::flows::pay::OpenAccount;
use crate::gateways::bills::bounds;
use crate::money::Money;
use crate::store::reconciliations::{Booked, Pooled};
use crate::store::{Change, CommitError, Versioned};

use super::fees::Pricing;
use super::{ReconcileError, Reconciling};

/// Entries read at a time.
const PAGE: u32 = 5_000;
/// Pool rows written at a time.
const ROWS: usize = 500;

/// How long after it happened a fact that is settled may be named again by the same bill, or at last.
const LATEST: TimeDelta = TimeDelta::days(60);

/// A fact as the pool keeps it.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    key: Key,
    ours: Key,
    class: Class,
    gross: Money,
    fee: Option<i64>,
    number: i64,
    /// The first and last day of the bill that named it; rows of before do not say.
    #[serde(default)]
    by: Option<(NaiveDate, NaiveDate)>,
    /// What the contract says of its fee; rows of before do not say.
    #[serde(default)]
    expected: Option<KeptFee>,
}

/// [`Expected`] with its terms written out.
#[derive(Debug, Serialize, Deserialize)]
struct KeptFee {
    terms: FeeTerms,
    fee: i64,
    below: u8,
    above: u8,
}

impl Reconciling {
    /// Facts of the days, those before that no bill has named yet, and those that happened within the cut-off behind;
    /// with the pool's own rows. Optional are facts of the days right before that no bill was read of,
    /// what a bill of these same days named, and what was missed.
    pub(super) async fn facts(
        &self,
        open: &OpenAccount,
        days: (NaiveDate, NaiveDate),
        pricing: &mut Pricing<'_>,
    ) -> Result<(Vec<Fact>, Vec<Versioned<Pooled>>), ReconcileError> {
        let store = &self.0.store;
        let zone =
            open.gateway.bills().ok_or_else(|| ReconcileError::NoBills(open.account.gateway.clone()))?;
        let zone = zone.zone();
        let (from, until) = (bounds(days.0, zone).0, bounds(days.1, zone).1);
        let span = (bounds(self.unread_since(open, days.0).await?, zone).0, until + CUT_OFF);
        let mut gathered = Gathered { accrues: !open.account.lands_on_balance(), ..Gathered::default() };
        let mut after = 0;
        loop {
            let (page, next) = store.booked_at_gateway(&open.account, after, span, PAGE).await?;
            page.iter().try_for_each(|entry| gathered.take(entry, pricing))?;
            match next {
                Some(next) => after = next,
                None => break,
            }
        }
        let mut facts = gathered.facts();
        let waiting = store.pooled_facts(open.account.id, "waiting", from - TimeDelta::days(400)).await?;
        let mut rows = waiting;
        for state in ["named", "missing"] {
            rows.extend(store.pooled_facts(open.account.id, state, from - LATEST).await?);
        }
        let pooled: HashSet<&str> = rows.iter().map(|row| row.value.id.as_str()).collect();
        // A fact in the pool comes from its row, or was named by the bill of other days and is settled.
        facts.retain(|fact| !pooled.contains(row_id(open, fact).as_str()));
        for fact in facts.iter_mut().filter(|fact| fact.at < from) {
            fact.standing = Standing::Optional;
        }
        for row in &rows {
            let kept: Kept = serde_json::from_str(&row.value.fact).map_err(ReconcileError::unavailable)?;
            let overlaps = |by: (NaiveDate, NaiveDate)| by.0 <= days.1 && by.1 >= days.0;
            if row.value.state == "named" && !kept.by.is_none_or(overlaps) {
                continue;
            }
            let Kept { key, ours, class, gross, fee, number, .. } = kept;
            let expected = kept.expected.map(|KeptFee { terms, fee, below, above }| Expected {
                terms: pricing.terms.id(terms),
                fee,
                below,
                above,
            });
            let standing = if row.value.state == "waiting" { Standing::Waiting } else { Standing::Optional };
            facts.push(Fact { key, ours, class, gross, fee, at: row.value.at, number, standing, expected });
        }
        Ok((facts, rows))
    }

    /// The first of the days right before the bill's that no bill was read of, within the cut-off; else the bill's own.
    async fn unread_since(&self, open: &OpenAccount, first: NaiveDate) -> Result<NaiveDate, ReconcileError> {
        let mut since = first;
        for _ in 0..CUT_OFF.num_days() {
            let Some(before) = since.pred_opt() else { break };
            if self.0.store.reconciled(open.account.id, before).await? {
                break;
            }
            since = before;
        }
        Ok(since)
    }

    /// What no line named waits; what waited and was named, or is missed, waits no more.
    pub(super) fn pool_of(
        &self,
        open: &OpenAccount,
        days: (NaiveDate, NaiveDate),
        outcome: &Outcome,
        rows: &[Versioned<Pooled>],
        terms: &Terms,
    ) -> Result<Vec<Change>, ReconcileError> {
        let known: HashMap<&str, &Versioned<Pooled>> =
            rows.iter().map(|row| (row.value.id.as_str(), row)).collect();
        let missing = outcome.differences.iter().filter(|difference| difference.line().is_none());
        let missing: HashSet<String> =
            missing.filter_map(|difference| difference.fact()).map(|fact| row_id(open, fact)).collect();
        let mut changes: Vec<Change> = vec![];
        let enter = |fact: &Fact, state: &str| {
            let mut change = Change::new();
            let row = Pooled {
                id: row_id(open, fact),
                state: state.to_owned(),
                fact: kept(fact, (state == "named").then_some(days), terms)?,
                at: fact.at,
            };
            change.pool_fact(open.account.merchant, open.account.id, &row);
            Ok::<Change, ReconcileError>(change)
        };
        for fact in outcome.pooled.iter().filter(|fact| !known.contains_key(row_id(open, fact).as_str())) {
            changes.push(enter(fact, "waiting")?);
        }
        // What waits and was not named goes on waiting, also where it happened behind the bill's days.
        for fact in &outcome.elsewhere {
            let Some(row) = known.get(row_id(open, fact).as_str()) else {
                changes.push(enter(fact, "named")?);
                continue;
            };
            if row.value.state != "named" {
                let fact = kept(fact, Some(days), terms)?;
                let mut change = Change::new();
                change.settle_pooled(row, "named", &fact);
                changes.push(change);
            }
        }
        for row in rows.iter().filter(|row| missing.contains(&row.value.id)) {
            let mut change = Change::new();
            change.settle_pooled(row, "missing", &row.value.fact);
            changes.push(change);
        }
        Ok(changes)
    }

    /// Writes the pool down.
    pub(super) async fn pool(&self, changes: Vec<Change>) -> Result<(), ReconcileError> {
        for chunk in changes.chunks(ROWS) {
            let mut all = Change::new();
            for change in chunk {
                all.extend(change.clone());
            }
            match self.0.store.commit(all).await {
                Ok(_) => {}
                // Another run of the same day is at it: row by row, what it wrote counts.
                Err(CommitError::LostUpdate { .. }) => {
                    for change in chunk {
                        self.commit_once(change.clone()).await?;
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

fn kept(fact: &Fact, by: Option<(NaiveDate, NaiveDate)>, terms: &Terms) -> Result<String, ReconcileError> {
    let Fact { key, ours, class, gross, fee, number, .. } = *fact;
    let expected = fact.expected.and_then(|Expected { terms: id, fee, below, above }| {
        Some(KeptFee { terms: terms.get(id)?.clone(), fee, below, above })
    });
    let kept = Kept { key, ours, class, gross, fee, number, by, expected };
    serde_json::to_string(&kept).map_err(ReconcileError::unavailable)
}

fn row_id(open: &OpenAccount, fact: &Fact) -> String {
    format!("{}/{}/{}", open.account.id, fact.number, fact.gross.currency())
}

/// Entries becoming facts: a capture's fee is booked beside it, under the same reference.
#[derive(Debug, Default)]
struct Gathered {
    accrues: bool,
    facts: Vec<Fact>,
    fees: HashMap<Key, (i64, Booked)>,
    /// What was charged for payouts, by batch: a bill charges them together.
    payout_fees: HashMap<String, (i64, Booked)>,
    /// Corrections of what was captured.
    more: HashMap<Key, i64>,
    /// What disputes moved, by dispute and movement: a part of it may be charged to the parties and a part stand aside.
    disputed: BTreeMap<(String, Class), Fact>,
}

impl Gathered {
    fn take(&mut self, entry: &Booked, pricing: &mut Pricing<'_>) -> Result<(), ReconcileError> {
        let bare = entry.source.split(['/', '#']).next().unwrap_or_default();
        let fact = |class: Class, key: Key, ours: Key| Fact {
            key,
            ours,
            class,
            gross: entry.amount,
            fee: None,
            at: entry.at,
            number: entry.number,
            standing: Standing::Fresh,
            expected: None,
        };
        let ours = entry.subject.as_deref().map_or(Key::NONE, Key::of);
        match entry.event {
            JournalEvent::Captured | JournalEvent::CapturedTwice | JournalEvent::CapturedUnmatched => {
                let expected =
                    pricing.expected(entry.method.as_deref(), entry.payer_country, entry.amount, entry.at);
                self.facts.push(Fact { expected, ..fact(Class::Payment, Key::of(bare), ours) });
            }
            JournalEvent::FeeCharged => {
                let charged = entry.amount.minor().saturating_neg();
                let known = self.fees.entry(Key::of(bare)).or_insert_with(|| (0, entry.clone()));
                known.0 = known.0.saturating_add(charged);
            }
            JournalEvent::RefundConfirmed => {
                let key = entry.refund_ref.as_deref().map_or(Key::NONE, Key::of);
                self.facts.push(fact(Class::Refund, key, Key::of(&entry.source)));
            }
            // A bill alone told of it, and nobody knows what it is: the same line read again may name it, in any class.
            JournalEvent::SuspenseBooked if entry.subject.as_deref() == Some(entry.source.as_str()) => {
                let aside = fact(Class::Aside, Key::of(&entry.source), Key::NONE);
                self.facts.push(Fact { standing: Standing::Optional, ..aside });
            }
            // A dispute's movements are told without a name of their own: payment and amount say which line it is.
            JournalEvent::ChargedBack | JournalEvent::ChargebackReversed => {
                self.disputed(&entry.source, fact(Class::Reversal, Key::NONE, ours))?;
            }
            JournalEvent::SuspenseBooked if entry.source.contains('#') => {
                self.disputed(&entry.source, fact(Class::Reversal, Key::NONE, ours))?;
            }
            JournalEvent::DisputeFeeCharged | JournalEvent::DisputeFeeReturned => {
                self.disputed(&entry.source, fact(Class::Fee, Key::NONE, ours))?;
            }
            JournalEvent::SuspenseBooked => {
                let more = self.more.entry(Key::of(bare)).or_default();
                *more = more.saturating_add(entry.amount.minor());
                let class = if entry.amount.is_negative() { Class::Refund } else { Class::Other };
                self.facts.push(fact(class, Key::of(bare), Key::NONE));
            }
            JournalEvent::Reversed => self.facts.push(fact(Class::Reversal, Key::of(bare), ours)),
            // Held while a dispute is open: a bill names it by another name, or not at all, and nobody misses it.
            JournalEvent::GatewayHeld | JournalEvent::GatewayReleased if entry.source.contains("/hold") => {
                let held = fact(Class::Hold, Key::NONE, ours);
                self.facts.push(Fact { standing: Standing::Optional, ..held });
            }
            JournalEvent::GatewayHeld | JournalEvent::GatewayReleased => {
                self.facts.push(fact(Class::Hold, Key::of(bare), ours));
            }
            JournalEvent::ConvertedByGateway => {
                self.facts.push(fact(Class::Conversion, Key::of(bare), Key::NONE));
            }
            JournalEvent::PayoutConfirmed | JournalEvent::PayoutUnclaimed => {
                self.facts.push(fact(Class::Payout, Key::NONE, Key::of(bare)));
            }
            JournalEvent::PayoutReturned => {
                self.facts.push(fact(Class::PayoutReturned, Key::NONE, Key::of(bare)));
            }
            JournalEvent::PayoutFeeCharged | JournalEvent::PayoutFeeReturned => {
                let batch = entry.payout_batch.clone().unwrap_or_default();
                let known = self.payout_fees.entry(batch).or_insert_with(|| (0, entry.clone()));
                known.0 = known.0.saturating_add(entry.amount.minor());
            }
            // What else stands on the account has no line of its own in a bill: fees accrued and trued up, what was
            // loaded when the book was opened.
            _ => {}
        }
        Ok(())
    }

    fn disputed(&mut self, source: &str, fact: Fact) -> Result<(), ReconcileError> {
        let known = self.disputed.entry((source.to_owned(), fact.class));
        match known {
            Entry::Vacant(place) => {
                place.insert(fact);
            }
            Entry::Occupied(mut place) => {
                let whole = place.get().gross.checked_add(fact.gross).map_err(ReconcileError::unavailable)?;
                place.get_mut().gross = whole;
            }
        }
        Ok(())
    }

    fn facts(mut self) -> Vec<Fact> {
        self.facts.extend(std::mem::take(&mut self.disputed).into_values());
        let captures: HashSet<Key> =
            self.facts.iter().filter(|fact| fact.class == Class::Payment).map(|fact| fact.key).collect();
        // A correction of a capture is part of its amount, not a movement of its own.
        self.facts.retain(|fact| {
            !(self.more.contains_key(&fact.key)
                && captures.contains(&fact.key)
                && matches!(fact.class, Class::Refund | Class::Other))
        });
        for fact in self.facts.iter_mut().filter(|fact| fact.class == Class::Payment) {
            if let Some(more) = self.more.get(&fact.key) {
                let gross = fact.gross.minor().saturating_add(*more);
                fact.gross = Money::from_minor(gross, fact.gross.currency());
                // Its contract was asked for another amount.
                fact.expected = None;
            }
            let charged = self.fees.remove(&fact.key).map(|(charged, _)| charged);
            fact.fee = if self.accrues { None } else { Some(charged.unwrap_or(0)) };
        }
        for (batch, (charged, entry)) in self.payout_fees.drain().filter(|(_, (charged, _))| *charged != 0) {
            self.facts.push(Fact {
                key: Key::NONE,
                ours: Key::of(&batch),
                class: Class::Fee,
                gross: Money::from_minor(charged, entry.amount.currency()),
                fee: None,
                at: entry.at,
                number: entry.number,
                standing: Standing::Fresh,
                expected: None,
            });
        }
        // Fees that belong to no capture of these days are movements of their own.
        for (key, (_, entry)) in self.fees.drain() {
            self.facts.push(Fact {
                key,
                ours: Key::NONE,
                class: Class::Fee,
                gross: entry.amount,
                fee: None,
                at: entry.at,
                number: entry.number,
                standing: Standing::Fresh,
                expected: None,
            });
        }
        self.facts
    }
}
