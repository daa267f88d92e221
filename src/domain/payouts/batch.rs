//! What is sent to a rail in one call: the call's own record, written down before it is made.

use chrono::{DateTime, Utc};

use crate::domain::orders::{Intent, Lease, Outcome};
use crate::ids::{MerchantId, PayoutBatchId, PlanId, RailAccountId};

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

impl PayoutBatch {
    /// Whether somebody may be making the call right now.
    pub fn under_way(&self, now: DateTime<Utc>) -> bool {
        self.outcome == Outcome::Open && self.lease.is_some_and(|lease| now < lease.until)
    }

    /// The lease of a call that begins now.
    pub fn leased(owner: crate::ids::BootId, now: DateTime<Utc>) -> Lease {
        Lease { owner, until: now + Intent::LEASE }
    }
}
