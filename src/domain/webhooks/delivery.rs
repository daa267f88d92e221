//! A delivery: one event on its way to one endpoint.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{BootId, EventId, MerchantId, WebhookDeliveryId, WebhookEndpointId};

use super::next_attempt;

/// So many tries are remembered, the newest first.
pub const HISTORY: usize = 20;

/// One event on its way to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub id: WebhookDeliveryId,
    /// Whose.
    pub merchant: MerchantId,
    /// To where.
    pub endpoint: WebhookEndpointId,
    /// What.
    pub event: EventId,
    /// The event's type.
    pub kind: String,
    /// How far it is.
    pub state: DeliveryState,
    /// When the schedule in force began, in business time: with the event, or with the last resend.
    pub since: DateTime<Utc>,
    /// Tries since then.
    pub attempts: i64,
    /// When the next try is due, in business time, while it is pending.
    pub next_at: DateTime<Utc>,
    /// Who is sending it.
    pub lease: Option<DeliveryLease>,
    /// The last tries, the newest first.
    pub history: Vec<Attempt>,
    /// When it was made, in business time.
    pub created_at: DateTime<Utc>,
}

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// Tried when it is due.
    Pending,
    /// Answered well.
    Delivered(DateTime<Utc>),
    /// Given up.
    Failed(DateTime<Utc>),
}

/// Who is at it, until when. By the wall: the sender's patience with a receiver is real time, and moving the test clock
/// must not make two send at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryLease {
    /// The run that sends.
    pub owner: BootId,
    /// It is believed to be at it until then.
    pub until: DateTime<Utc>,
}

/// What one try came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = WebhookAttempt)]
pub struct Attempt {
    /// When it was made, by the wall: the signature's time.
    pub at: DateTime<Utc>,
    /// The receiver's HTTP status, where it answered.
    #[schema(required, minimum = 100, maximum = 599)]
    pub status: Option<u16>,
    /// Why it does not count as heard.
    #[schema(required)]
    pub error: Option<String>,
    /// Milliseconds until the answer or the fault.
    #[schema(minimum = 0)]
    pub took_ms: u64,
    /// The first bytes of the answer's body, as text.
    pub answer: String,
}

/// What a try means for its delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// A 2xx: done.
    Well,
    /// Anything else that may be better next time; the receiver may have said when.
    NotYet(Option<TimeDelta>),
    /// It will not be better: 410, or an endpoint that may not be called.
    Never,
}

impl DeliveryState {
    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            DeliveryState::Pending => "pending",
            DeliveryState::Delivered(_) => "delivered",
            DeliveryState::Failed(_) => "failed",
        }
    }

    /// When it ended.
    pub fn ended_at(self) -> Option<DateTime<Utc>> {
        match self {
            DeliveryState::Pending => None,
            DeliveryState::Delivered(at) | DeliveryState::Failed(at) => Some(at),
        }
    }
}

impl Delivery {
    /// Takes note of a try that ended at `now`.
    pub fn tried(&mut self, attempt: Attempt, heard: Heard, now: DateTime<Utc>, jitter: u8) {
        self.history.insert(0, attempt);
        self.history.truncate(HISTORY);
        (self.attempts, self.lease) = (self.attempts + 1, None);
        self.state = match heard {
            Heard::Well => DeliveryState::Delivered(now),
            Heard::Never => DeliveryState::Failed(now),
            Heard::NotYet(retry_after) => {
                match next_attempt(self.since, self.attempts, now, retry_after, jitter) {
                    Some(next) => {
                        self.next_at = next;
                        DeliveryState::Pending
                    }
                    None => DeliveryState::Failed(now),
                }
            }
        };
    }

    /// Sends it again from the beginning of the schedule, whatever came of it before.
    pub fn resend(&mut self, now: DateTime<Utc>) {
        (self.state, self.since, self.next_at, self.attempts) = (DeliveryState::Pending, now, now, 0);
    }
}
