//! Webhooks: who wants to hear of which events, and how a telling goes on until it is heard or given up.

mod delivery;
mod endpoint;
mod events;
mod schedule;

pub use delivery::{Attempt, Delivery, DeliveryLease, DeliveryState, HISTORY, Heard};
pub use endpoint::{Endpoint, EndpointState, FAILING_FOR, OVERLAP_MOST, OVERLAP_USUAL, Reason, new_secret};
pub use events::{
    EVENT_GROUPS, EVENT_TYPES, EventFilter, STOREFRONT_GROUPS, TEST_EVENT, UnknownEvent, events_of,
};
pub use schedule::{MOST_ATTEMPTS, RETRY_AFTER_MOST, WINDOW, next_attempt};
