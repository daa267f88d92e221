//! What the books have of an account's days, as facts; and the pool between two bills.

use std::collections::{HashMap, HashSet};

use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::domain::reconciliation::{
    CUT_OFF, Class, Expected, Fact, FeeTerms, Key, Outcome, Standing, Terms,
};
use crate::flows::pay::OpenAccount;
use crate::gateways::bills::bounds;
use crate::money::Money;
use crate::store::reconciliations::{Booked, Pooled};
use crate::store::{Change, CommitError, Versioned};

use super::days::Days;
use super::fees::Pricing;
use super::gathered::Gathered;
use super::{ReconcileError, Reconciling};

/// Entries read at a time.
const PAGE: u32 = 1_000;
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
    /// with the pool's own rows. Optional are facts of days that the bill does not speak for, those right before it that no
    /// bill was read of, what a bill of these same days named, and what was missed.
    pub(super) async fn facts(
        &self,
        open: &OpenAccount,
        bill: &Days,
        pricing: &mut Pricing<'_>,
    ) -> Result<(Vec<Fact>, Vec<Versioned<Pooled>>), ReconcileError> {
        let store = &self.0.store;
        let zone =
            open.gateway.bills().ok_or_else(|| ReconcileError::NoBills(open.account.gateway.clone()))?;
        let zone = zone.zone();
        let days = bill.own;
        let (from, until) = (bounds(days.0, zone).0, bounds(days.1, zone).1);
        let since = self.unread_since(open, days.0, zone).await?.min(bill.named.0);
        let span = (bounds(since, zone).0, until.max(bounds(bill.named.1, zone).1) + CUT_OFF);
        let mut gathered = Gathered::of(!open.account.lands_on_balance(), zone);
        gathered.expect(store.count_at_gateway(&open.account, span.0).await?);
        let mut after = 0;
        loop {
            let (page, next) = store.booked_at_gateway(&open.account, after, span, PAGE).await?;
            let mut expected = |entry: &Booked| {
                pricing.expected(entry.method.as_deref(), entry.payer_country, entry.amount, entry.at)
            };
            page.iter().try_for_each(|entry| gathered.take(entry, &mut expected))?;
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
        if !pooled.is_empty() {
            facts.retain(|fact| !pooled.contains(row_id(open, fact).as_str()));
        }
        let tried = store.days_tried(open.account.id, days.0).await?;
        let read = |day| tried.iter().any(|run| run.has_all_of(day, bounds(day, zone).1));
        for fact in facts.iter_mut().filter(|fact| fact.at < until) {
            let day = fact.at.with_timezone(&zone).date_naive();
            if !bill.speak_for(day, read(day)) {
                fact.standing = Standing::Optional;
            }
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
    async fn unread_since(
        &self,
        open: &OpenAccount,
        first: NaiveDate,
        zone: Tz,
    ) -> Result<NaiveDate, ReconcileError> {
        let mut since = first;
        for _ in 0..CUT_OFF.num_days() {
            let Some(before) = since.pred_opt() else { break };
            if self.0.store.reconciled(open.account.id, before, bounds(before, zone).1).await? {
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

/// Under which id a fact stands in the pool.
pub(super) fn row_id(open: &OpenAccount, fact: &Fact) -> String {
    format!("{}/{}/{}", open.account.id, fact.number, fact.gross.currency())
}
