//! An intent: a call to a gateway that moves or promises money, written down before it is made.
//!
//! There is one `create` and at most one `complete` per payment and one `refund` per refund, for ever; each carries the
//! one reference under which the gateway knows the call. Who makes the call holds the [`Lease`]. Each change of the row
//! raises its version, and every write names the version it was read at: the version is the fencing token, and a holder
//! that slept past its lease finds its write refused. A lease is short and renewed while the call is under way, so that
//! what a dead holder left is taken up within seconds.
//!
//! | outcome | meaning | what follows |
//! |---|---|---|
//! | `open` | not made, or nothing happened (not sent, slow down, ask later) | may be made |
//! | `unknown` | made; what came of it is not known | ask first; see below |
//! | `done` | the gateway did it | nothing |
//! | `refused` | a definite no | nothing |
//!
//! An unknown call is never followed by another one under a new reference. The *same* call under the *same* reference is
//! made again only if the gateway, asked, says that the shopper agreed and nothing was taken, and only within
//! [`Intent::REPEATABLE_FOR`], the shortest time for which a gateway knows a call again (PayPal keeps an Orders
//! `PayPal-Request-Id` for six hours; GrabPay's `complete` answers with the latest status however often it is called).
//! After that a person decides.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{BootId, IntentId, MerchantId, PaymentId, RefundId};

/// A call to a gateway, written down before it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Its id.
    pub id: IntentId,
    /// Whose.
    pub merchant: MerchantId,
    /// The payment it is about.
    pub payment: PaymentId,
    /// What is asked.
    pub kind: IntentKind,
    /// The reference under which the gateway knows the call.
    pub request_ref: String,
    /// Who makes it.
    pub lease: Option<Lease>,
    /// What came of it.
    pub outcome: Outcome,
    /// The gateway's words, where there are some.
    pub detail: Option<String>,
    /// How often it was made.
    pub attempts: i64,
    /// When it was written down.
    pub created_at: DateTime<Utc>,
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IntentKind {
    /// Open the payment.
    Create,
    /// Take the money.
    Complete,
    /// Pay back.
    Refund(RefundId),
}

/// Who makes the call, and until when nobody else may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The run of the program that holds it.
    pub owner: BootId,
    /// Business time.
    pub until: DateTime<Utc>,
}

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Not made, or nothing happened.
    Open,
    /// The gateway did it.
    Done,
    /// A definite no.
    Refused,
    /// Made, and nobody knows.
    Unknown,
}

/// Who asks for a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// This run of the program.
    pub boot: BootId,
    /// Whether no other program can be at work on this database (SQLite): every lease of another run is then a dead one's.
    pub alone: bool,
}

impl Intent {
    /// How long the same call under the same reference is still the same call at every gateway.
    pub const REPEATABLE_FOR: TimeDelta = TimeDelta::hours(6);

    /// How long after its last sign of life a holder is believed to be at the call.
    pub const LEASE: TimeDelta = TimeDelta::seconds(10);

    /// How often a holder whose call is under way renews its lease.
    pub const RENEWAL: Duration = Duration::from_secs(3);

    /// A new intent, leased by the one who writes it down.
    pub fn leased(
        id: IntentId,
        merchant: MerchantId,
        payment: PaymentId,
        kind: IntentKind,
        holder: Holder,
        now: DateTime<Utc>,
    ) -> Intent {
        let request_ref = match kind {
            IntentKind::Create | IntentKind::Complete => payment.to_string(),
            IntentKind::Refund(refund) => refund.to_string(),
        };
        Intent {
            id,
            merchant,
            payment,
            kind,
            request_ref,
            lease: Some(Lease { owner: holder.boot, until: now + Intent::LEASE }),
            outcome: Outcome::Open,
            detail: None,
            attempts: 1,
            created_at: now,
        }
    }

    /// What the store keeps unique: one such intent, for ever.
    pub fn unique_key(&self) -> String {
        match self.kind {
            IntentKind::Create | IntentKind::Complete => format!("{}:{}", self.kind.as_str(), self.payment),
            IntentKind::Refund(refund) => format!("refund:{refund}"),
        }
    }

    /// Whether what came of it is still open.
    pub fn unsettled(&self) -> bool {
        matches!(self.outcome, Outcome::Open | Outcome::Unknown)
    }

    /// Whether somebody may be making the call right now.
    pub fn under_way(&self, holder: Holder, now: DateTime<Utc>) -> bool {
        self.unsettled()
            && self
                .lease
                .is_some_and(|lease| now < lease.until && (lease.owner == holder.boot || !holder.alone))
    }

    /// Whether `holder` may make the call now, having just heard from the gateway that it is wanted and not done.
    pub fn may_call(&self, holder: Holder, now: DateTime<Utc>) -> bool {
        self.unsettled() && !self.under_way(holder, now) && now < self.created_at + Intent::REPEATABLE_FOR
    }

    /// Whether only a person can say what came of it.
    pub fn needs_a_person(&self, now: DateTime<Utc>) -> bool {
        self.unsettled() && now >= self.created_at + Intent::REPEATABLE_FOR
    }
}

impl IntentKind {
    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            IntentKind::Create => "create",
            IntentKind::Complete => "complete",
            IntentKind::Refund(_) => "refund",
        }
    }
}

impl Outcome {
    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Open => "open",
            Outcome::Done => "done",
            Outcome::Refused => "refused",
            Outcome::Unknown => "unknown",
        }
    }

    /// Reads the stored word.
    pub fn find(text: &str) -> Option<Outcome> {
        [Outcome::Open, Outcome::Done, Outcome::Refused, Outcome::Unknown]
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, from_micros};
    use crate::ids::IdSource;

    #[test]
    fn a_lease_binds_others_until_it_ends_or_its_holder_is_dead() {
        let start = from_micros(1_795_000_000_000_000);
        let ids = IdSource::seeded(Clock::fixed(start), 1);
        let us = Holder { boot: ids.mint(), alone: true };
        let intent = Intent::leased(ids.mint(), ids.mint(), ids.mint(), IntentKind::Complete, us, start);
        let next_boot = Holder { boot: ids.mint(), alone: true };
        let beside = Holder { boot: ids.mint(), alone: false };
        let (soon, later) = (start + TimeDelta::seconds(1), start + Intent::LEASE);
        let too_late = start + Intent::REPEATABLE_FOR;
        let table = [
            (Outcome::Open, us, soon, false, "we are at it"),
            (Outcome::Open, beside, soon, false, "another instance is at it"),
            (Outcome::Open, next_boot, soon, true, "on SQLite the run before is dead"),
            (Outcome::Open, beside, later, true, "the lease ended"),
            (Outcome::Unknown, us, later, true, "the same call again"),
            (Outcome::Unknown, us, too_late, false, "the gateway may have forgotten the reference"),
            (Outcome::Done, us, later, false, "it is done"),
            (Outcome::Refused, us, later, false, "it was refused"),
        ];
        for (outcome, holder, now, expected, why) in table {
            let intent = Intent { outcome, ..intent.clone() };
            assert_eq!(intent.may_call(holder, now), expected, "{why}");
        }
    }
}
