//! An event as it is answered and sent: byte for byte the same, at every try and at every later resend.

use chrono::SecondsFormat;
use serde::Serialize;

use crate::ids::EventId;
use crate::store::outbox::Event;

/// An event.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EventView<'a> {
    /// Its id, and the `webhook-id` of every telling of it.
    pub id: EventId,
    /// `event`.
    pub object: &'static str,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// When, in business time.
    pub created_at: String,
    /// To what.
    pub subject: &'a str,
    /// The object as it was then.
    pub data: &'a serde_json::Value,
}

impl EventView<'_> {
    /// The event as it is shown.
    pub fn of(event: &Event) -> EventView<'_> {
        EventView {
            id: event.id,
            object: "event",
            kind: &event.kind,
            created_at: event.created_at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
            subject: &event.subject,
            data: &event.data,
        }
    }

    /// The bytes that are signed and sent.
    ///
    /// # Errors
    /// What serde says; an event that was stored as JSON is never refused.
    pub fn bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }
}
