//! What is sent to a rail in one call: the call's own record, written down before it is made.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::orders::{Holder, Intent, Lease, Outcome};
use crate::ids::{MerchantId, PayoutBatchId, PayoutId, PlanId, RailAccountId};

/// A batch of payouts over one rail account. The row's version is the fencing token of its lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayoutBatch {
    /// Its id; as text it is also the reference sent to the rail (PayPal `sender_batch_id`, ISO 20022 `PmtInfId`).
    pub id: PayoutBatchId,
    /// Whose.
    pub merchant: MerchantId,
    /// Of which plan.
    pub plan: PlanId,
    /// Over which rail account.
    pub rail_account: RailAccountId,
    /// The rail's id, once known.
    pub rail_ref: Option<String>,
    /// The day on which the rail takes it, by its route and the day it was written down; the file for a bank says so.
    pub execute_on: Option<NaiveDate>,
    /// What the latest call carries; none before the first.
    pub carried: Option<Carried>,
    /// Who makes the call.
    pub lease: Option<Lease>,
    /// What came of it.
    pub outcome: Outcome,
    /// The rail's words, where there are some.
    pub detail: Option<String>,
    /// How often the call was made: never twice while its outcome is unknown.
    pub attempts: i64,
    /// When it was written down.
    pub created_at: DateTime<Utc>,
    /// When the rail was last asked about it.
    pub asked_at: Option<DateTime<Utc>>,
}

/// What a call carries, written down before it is made: what became of its payouts later does not change it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// The payouts that go out with it.
    pub payouts: BTreeSet<PayoutId>,
    /// SHA-256 in hex of the file, where the rail is told by one.
    pub file: Option<String>,
    /// Whether a person brings it: then only the bank's own papers say what became of it.
    #[serde(default)]
    pub by_hand: bool,
}

impl PayoutBatch {
    /// Whether somebody may be making the call right now.
    pub fn under_way(&self, holder: Holder, now: DateTime<Utc>) -> bool {
        let alive = |lease: Lease| now < lease.until && (lease.owner == holder.boot || !holder.alone);
        self.outcome == Outcome::Open && self.lease.is_some_and(alive)
    }

    /// Whether the call may be made: it never was, or what came of it was that nothing happened. Who was about to make it
    /// and is gone may have made it.
    pub fn may_be_sent(&self) -> bool {
        self.outcome == Outcome::Open && self.lease.is_none()
    }

    /// Whether its holder is gone and may have made the call.
    pub fn abandoned(&self, holder: Holder, now: DateTime<Utc>) -> bool {
        self.outcome == Outcome::Open && self.lease.is_some() && !self.under_way(holder, now)
    }

    /// The same under the lease of a call that begins now.
    #[must_use]
    pub fn leased(&self, holder: Holder, now: DateTime<Utc>, carried: Carried) -> PayoutBatch {
        let lease = Some(Lease { owner: holder.boot, until: now + Intent::LEASE });
        PayoutBatch { lease, carried: Some(carried), attempts: self.attempts + 1, ..self.clone() }
    }

    /// The same with what came of the call.
    #[must_use]
    pub fn ended(&self, outcome: Outcome, detail: Option<String>) -> PayoutBatch {
        PayoutBatch { lease: None, outcome, detail, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, from_micros};
    use crate::ids::IdSource;

    #[test]
    fn a_call_that_may_have_been_made_is_not_made_again() {
        let start = from_micros(1_795_000_000_000_000);
        let ids = IdSource::seeded(Clock::fixed(start), 1);
        let us = Holder { boot: ids.mint(), alone: true };
        let next_boot = Holder { boot: ids.mint(), alone: true };
        let beside = Holder { boot: ids.mint(), alone: false };
        let written = PayoutBatch {
            id: ids.mint(),
            merchant: ids.mint(),
            plan: ids.mint(),
            rail_account: ids.mint(),
            rail_ref: None,
            execute_on: None,
            carried: None,
            lease: None,
            outcome: Outcome::Open,
            detail: None,
            attempts: 0,
            created_at: start,
            asked_at: None,
        };
        let carried = Carried { payouts: BTreeSet::from([ids.mint()]), file: None, by_hand: false };
        let leased = written.leased(us, start, carried);
        let later = start + Intent::LEASE;
        let table = [
            (&written, us, start, (true, false), "written down"),
            (&leased, us, start, (false, false), "we are at it"),
            (&leased, beside, start, (false, false), "another instance is at it"),
            (&leased, beside, later, (false, true), "its lease ended"),
            (&leased, next_boot, start, (false, true), "the run before is dead"),
            (&leased.ended(Outcome::Open, None), us, start, (true, false), "nothing happened"),
            (&leased.ended(Outcome::Unknown, None), us, later, (false, false), "nobody knows"),
            (&leased.ended(Outcome::Done, None), us, later, (false, false), "it is done"),
        ];
        for (batch, holder, now, expected, why) in table {
            assert_eq!((batch.may_be_sent(), batch.abandoned(holder, now)), expected, "{why}");
        }
    }
}
