//! Endpoints of before hear no more than their makers may.
//!
//! A shop's key once made endpoints that hear of everything. Who made or changed an endpoint last stands in the audit trail
//! with its key: where that is a shop's, the endpoint hears from now on what it would if it were made now. This is done
//! once for a database, before the first event is handed on; what was queued for such an endpoint is not sent.

use std::sync::atomic::Ordering;

use crate::domain::webhooks::{Endpoint, EventFilter, STOREFRONT_GROUPS, TEST_EVENT};
use crate::store::{Change, CommitError, Seek};

use super::endpoints::ENDPOINTS_MOST;
use super::{WebhookError, Webhooks};

/// The setting that says that it was done.
const DONE: &str = "webhooks_narrowed";
/// What puts an endpoint into somebody's hands.
const BY: [&str; 2] = ["webhook_endpoint.create", "webhook_endpoint.update"];

impl Webhooks {
    /// Narrows what has to be narrowed, once.
    pub(super) async fn narrow(&self) -> Result<(), WebhookError> {
        if self.0.narrowed.load(Ordering::Relaxed) {
            return Ok(());
        }
        let store = &self.parts().store;
        let done = store.setting(DONE).await?;
        if done.is_none() {
            let mut change = Change::new();
            for merchant in store.merchants().await? {
                let all = store.endpoints(merchant.id, Seek::Start, ENDPOINTS_MOST as i64 * 2).await?;
                for mut row in all.into_iter().filter(|row| !is_a_shops(&row.value.endpoint.events)) {
                    let endpoint = &mut row.value.endpoint;
                    if self.is_in_a_shops_hands(endpoint).await? {
                        tracing::warn!(endpoint = %endpoint.id, "a shop's webhook endpoint heard of everything; it hears of its own now");
                        endpoint.events = narrowed(&endpoint.events);
                        change.update_endpoint(&row.value, row.version);
                    }
                }
            }
            change.set_setting(DONE, 1, None);
            match store.commit(change).await {
                Ok(_) => {}
                // Another program did it, or an endpoint was changed meanwhile: looked at again before the next event.
                Err(CommitError::LostUpdate { .. }) if store.setting(DONE).await?.is_some() => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.0.narrowed.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn is_in_a_shops_hands(&self, endpoint: &Endpoint) -> Result<bool, WebhookError> {
        let store = &self.parts().store;
        let key = store.last_key_at(endpoint.merchant, &endpoint.id.to_string(), BY).await?;
        let Some(key) = key else { return Ok(false) };
        let key = store.key(endpoint.merchant, key).await?;
        Ok(key.is_some_and(|key| !key.value.hears_of_everything()))
    }
}

/// Whether an endpoint hears of a shop's own business only.
pub(super) fn is_a_shops(filters: &[EventFilter]) -> bool {
    !filters.is_empty() && filters.iter().all(EventFilter::is_storefront)
}

/// Whether an event is a shop's own business, or a test.
pub(super) fn is_a_shops_event(kind: &str) -> bool {
    let group = kind.split_once('.').map(|(group, _)| group);
    kind == TEST_EVENT || group.is_some_and(|group| STOREFRONT_GROUPS.contains(&group))
}

/// What is left of a filter that a shop may have; all of its own where nothing is.
fn narrowed(filters: &[EventFilter]) -> Vec<EventFilter> {
    let own: Vec<EventFilter> = filters.iter().filter(|filter| filter.is_storefront()).cloned().collect();
    if own.is_empty() { EventFilter::storefront() } else { own }
}
