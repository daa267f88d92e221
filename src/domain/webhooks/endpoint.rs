//! An endpoint: where a merchant wants to hear of events.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::ids::{IdSource, MerchantId, WebhookEndpointId};

use super::EventFilter;

/// An endpoint that answered nothing well for so long is disabled.
pub const FAILING_FOR: TimeDelta = TimeDelta::days(5);
/// How long the old secret signs beside the new one, where nobody says otherwise.
pub const OVERLAP_USUAL: TimeDelta = TimeDelta::hours(24);
/// And at most.
pub const OVERLAP_MOST: TimeDelta = TimeDelta::days(7);

/// Where a merchant wants to hear of events; its secrets are kept beside it, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its id.
    pub id: WebhookEndpointId,
    /// Whose.
    pub merchant: MerchantId,
    /// Where.
    pub url: String,
    /// For people.
    pub description: String,
    /// Of which events; all where it is empty.
    pub events: Vec<EventFilter>,
    /// Whether it is told anything.
    pub state: EndpointState,
    /// Since when, in business time.
    pub state_since: DateTime<Utc>,
    /// Since when every try has failed, in business time.
    pub failing_since: Option<DateTime<Utc>>,
    /// Until when, by the wall, the secret before this one signs too.
    pub previous_until: Option<DateTime<Utc>>,
    /// When it was made, in business time.
    pub created_at: DateTime<Utc>,
}

/// Whether an endpoint is told anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointState {
    /// It is.
    Enabled,
    /// It is not, until somebody enables it again.
    Disabled(Reason),
    /// It is gone; its row stays for its deliveries.
    Deleted,
}

/// Why an endpoint is disabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The merchant asked for it.
    Asked,
    /// It answered 410: it wants to hear no more.
    Gone,
    /// Every try failed for [`FAILING_FOR`].
    Failing,
}

impl EndpointState {
    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            EndpointState::Enabled => "enabled",
            EndpointState::Disabled(_) => "disabled",
            EndpointState::Deleted => "deleted",
        }
    }

    /// Why it is disabled.
    pub fn reason(self) -> Option<Reason> {
        match self {
            EndpointState::Disabled(reason) => Some(reason),
            EndpointState::Enabled | EndpointState::Deleted => None,
        }
    }
}

impl Endpoint {
    /// Takes note of a failed try; `true` where that changes the endpoint.
    pub fn failed(&mut self, now: DateTime<Utc>) -> bool {
        match self.failing_since {
            None => self.failing_since = Some(now),
            Some(since) if now - since >= FAILING_FOR && self.state == EndpointState::Enabled => {
                self.turn(EndpointState::Disabled(Reason::Failing), now);
            }
            Some(_) => return false,
        }
        true
    }

    /// Takes note of a good answer; `true` where that changes the endpoint.
    pub fn heard(&mut self) -> bool {
        self.failing_since.take().is_some()
    }

    /// Enables, disables or deletes it.
    pub fn turn(&mut self, state: EndpointState, now: DateTime<Utc>) {
        if self.state != state {
            (self.state, self.state_since, self.failing_since) = (state, now, None);
        }
    }
}

/// A new signing secret: `whsec_` and 32 random bytes in base64, as Standard Webhooks writes symmetric secrets.
pub fn new_secret(ids: &IdSource) -> SecretString {
    SecretString::from(format!("whsec_{}", BASE64.encode(ids.random_bytes::<32>())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, from_micros};

    #[test]
    fn an_endpoint_that_only_fails_is_disabled_after_five_days() {
        let start = from_micros(0);
        let ids = IdSource::seeded(Clock::fixed(start), 1);
        let mut endpoint = Endpoint {
            id: ids.mint(),
            merchant: ids.mint(),
            url: "https://shop.example/hook".into(),
            description: String::new(),
            events: vec![],
            state: EndpointState::Enabled,
            state_since: start,
            failing_since: None,
            previous_until: None,
            created_at: start,
        };
        assert!(endpoint.failed(start));
        assert!(!endpoint.failed(start + FAILING_FOR - TimeDelta::seconds(1)), "nothing new");
        assert!(endpoint.heard() && !endpoint.heard());
        let again = start + FAILING_FOR;
        assert!(endpoint.failed(again), "the count begins anew after a good answer");
        assert_eq!(endpoint.state, EndpointState::Enabled);
        assert!(endpoint.failed(again + FAILING_FOR));
        assert_eq!(endpoint.state, EndpointState::Disabled(Reason::Failing));
        assert_eq!(endpoint.state_since, again + FAILING_FOR);
        endpoint.turn(EndpointState::Enabled, again + FAILING_FOR);
        assert!(endpoint.failed(again + FAILING_FOR), "enabled again, it has its five days again");
        assert_eq!(endpoint.state, EndpointState::Enabled);
    }
}
