//! Events become deliveries, exactly once.

use std::collections::BTreeMap;

use crate::domain::webhooks::{Delivery, DeliveryState, Endpoint, EndpointState, TEST_EVENT, events_of};
use crate::ids::MerchantId;
use crate::store::outbox::Event;
use crate::store::{Change, CommitError, Seek};

use super::endpoints::ENDPOINTS_MOST;
use super::{WebhookError, Webhooks};

/// The setting that keeps how far the events are handed on: the place of the last one.
const PLACE: &str = "webhook_place";
/// Events taken at once.
const PAGE: i64 = 256;

impl Webhooks {
    /// Takes the next events and makes their deliveries; answers how many events it took, zero at the end.
    ///
    /// Places grow in the order of commits, so behind the last place nothing is ever written later. Of two programs that
    /// take the same events one hears that the place has moved, and its deliveries are not written.
    ///
    /// # Errors
    /// [`WebhookError`]; nothing was handed on.
    pub async fn hand_on(&self) -> Result<usize, WebhookError> {
        self.narrow().await?;
        let store = &self.parts().store;
        let before = store.setting(PLACE).await?;
        let place = before.as_ref().map_or(Ok(0), |row| row.value.parse());
        let place = place.map_err(|_| WebhookError::Broken(format!("the setting {PLACE} is no number")))?;
        let events = store.events_behind(place, PAGE).await?;
        let Some((last, _)) = events.last() else { return Ok(0) };
        // Read after the events: an endpoint that stood when an event was told is seen.
        let mut listening: BTreeMap<MerchantId, Vec<Endpoint>> = BTreeMap::new();
        for (_, event) in &events {
            if let std::collections::btree_map::Entry::Vacant(place) = listening.entry(event.merchant) {
                let all = store.endpoints(event.merchant, Seek::Start, ENDPOINTS_MOST as i64 * 2).await?;
                place.insert(all.into_iter().map(|row| row.value.endpoint).collect());
            }
        }
        let mut change = Change::new();
        for (_, event) in &events {
            for endpoint in listening.get(&event.merchant).into_iter().flatten() {
                if wants(endpoint, event) {
                    change.insert_delivery(&self.delivery(endpoint, event));
                }
            }
        }
        change.set_setting(PLACE, last, before.as_ref());
        match store.commit(change).await {
            Ok(_) | Err(CommitError::LostUpdate { .. }) => Ok(events.len()),
            Err(error) => Err(error.into()),
        }
    }

    /// A delivery that is due at once.
    pub(super) fn delivery(&self, endpoint: &Endpoint, event: &Event) -> Delivery {
        let now = self.parts().clock.now();
        Delivery {
            id: self.parts().ids.mint(),
            merchant: endpoint.merchant,
            endpoint: endpoint.id,
            event: event.id,
            kind: event.kind.clone(),
            state: DeliveryState::Pending,
            since: now,
            attempts: 0,
            next_at: now,
            lease: None,
            history: vec![],
            created_at: now,
        }
    }
}

/// Whether an endpoint hears of an event: it is enabled, was there when it happened, and asked for it.
fn wants(endpoint: &Endpoint, event: &Event) -> bool {
    endpoint.state == EndpointState::Enabled
        && event.kind != TEST_EVENT
        && endpoint.created_at <= event.created_at
        && events_of(&endpoint.events, &event.kind)
}
