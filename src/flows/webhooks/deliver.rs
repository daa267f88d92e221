//! Sending what is due: leased, signed, called, recorded.

use std::time::Duration;

use chrono::TimeDelta;
use secrecy::SecretString;

use crate::crash::{Point, point};
use crate::domain::webhooks::{Attempt, Delivery, DeliveryLease, Endpoint, EndpointState, Heard, Reason};
use crate::ids::WebhookEndpointId;
use crate::store::webhook_endpoints::{StoredEndpoint, endpoint_secrets_place};
use crate::store::{Change, CommitError, Versioned};

use super::door::Answered;
use super::narrow::{is_a_shops, is_a_shops_event};
use super::sign::signed;
use super::view::EventView;
use super::{WebhookError, Webhooks};

/// Calls to one endpoint at the same time.
const AT_ONCE: usize = 4;
/// How long a holder is believed to be at a call: longer than any call and its record take.
const LEASE: TimeDelta = TimeDelta::seconds(60);
/// How often the loop looks for events and due deliveries.
const LOOK: Duration = Duration::from_millis(500);
/// How often a result is written before the lease is left to lapse.
const WRITES: u32 = 5;

impl Webhooks {
    /// Hands on and sends until `stop` resolves, then lets calls under way come to their end.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let rounds = async {
            loop {
                if let Err(error) = self.launch().await {
                    tracing::warn!(%error, "a round of webhooks broke off; the next one follows");
                }
                let _ = tokio::time::timeout(LOOK, self.0.bell.notified()).await;
            }
        };
        tokio::select! {
            () = rounds => {}
            () = stop => {}
        }
        while !self.busy().is_empty() {
            let _ = tokio::time::timeout(LOOK, self.0.bell.notified()).await;
        }
    }

    /// Sends everything that is due now, and waits for it, but no longer than `patience`: what a slow receiver is still
    /// at goes on by itself.
    ///
    /// # Errors
    /// [`WebhookError`] when the rows cannot be read.
    pub async fn run_due(&self, patience: Duration) -> Result<(), WebhookError> {
        let work = async {
            loop {
                let launched = self.launch().await?;
                if launched == 0 && self.busy().is_empty() {
                    return Ok(());
                }
                let _ = tokio::time::timeout(Duration::from_millis(20), self.0.bell.notified()).await;
            }
        };
        tokio::time::timeout(patience, work).await.unwrap_or(Ok(()))
    }

    /// Looks once more, soon.
    pub(super) fn ring(&self) {
        self.0.bell.notify_one();
    }

    /// One round: hands on what was told, and sets going what is due wherever there is room; answers how many calls.
    async fn launch(&self) -> Result<usize, WebhookError> {
        if self.held().await? {
            return Ok(0);
        }
        while self.hand_on().await? > 0 {}
        let parts = self.parts();
        let (mut after, mut launched) = (String::new(), 0);
        while let Some(id) = parts.store.endpoint_with_deliveries(&after).await? {
            after = id.to_string();
            let Some(endpoint) = parts.store.any_endpoint(id).await? else { continue };
            // One that fails is tried one by one until it answers well.
            let most = if endpoint.value.endpoint.failing_since.is_some() { 1 } else { AT_ONCE };
            let free = most.saturating_sub(self.busy().get(&id).copied().unwrap_or(0));
            if free == 0 {
                continue;
            }
            let (now, wall) = (parts.clock.now(), parts.clock.wall());
            let due = parts.store.due_deliveries(id, now, wall, parts.holder, free as i64).await?;
            for delivery in due {
                let Ok(room) = self.0.room.clone().try_acquire_owned() else { return Ok(launched) };
                launched += 1;
                let slot = Slot::take(self, id);
                let (webhooks, endpoint) = (self.clone(), endpoint.clone());
                tokio::spawn(async move {
                    let (_room, _slot) = (room, slot);
                    webhooks.deliver(delivery, endpoint).await;
                });
            }
        }
        Ok(launched)
    }

    /// One try, from the lease to the record.
    async fn deliver(&self, due: Versioned<Delivery>, endpoint: Versioned<StoredEndpoint>) {
        let id = due.value.id;
        match self.try_once(due, endpoint).await {
            Ok(()) => {}
            // Another program is at it, or wrote what came of it.
            Err(WebhookError::Commit(CommitError::LostUpdate { .. })) => {}
            Err(error) => {
                tracing::warn!(delivery = %id, %error, "a webhook's try was not recorded; it is made again")
            }
        }
    }

    async fn try_once(
        &self,
        due: Versioned<Delivery>,
        endpoint: Versioned<StoredEndpoint>,
    ) -> Result<(), WebhookError> {
        let parts = self.parts();
        let wall = parts.clock.wall();
        let Versioned { value: mut delivery, version } = due;
        delivery.lease = Some(DeliveryLease { owner: parts.holder.boot, until: wall + LEASE });
        let mut change = Change::new();
        change.update_delivery(&delivery, version);
        parts.store.commit(change).await?;
        point(Point::WebhookLeased).await;
        let called = self.call(&delivery, &endpoint.value).await;
        point(Point::WebhookSent).await;
        let (answered, heard) = match called {
            Ok(answered) => {
                let heard = judge(&answered);
                (answered, heard)
            }
            // Nothing was sent, and nothing will be better next time.
            Err(WebhookError::Broken(why)) => (
                Answered {
                    error: Some(why),
                    status: None,
                    retry_after: None,
                    answer: String::new(),
                    took_ms: 0,
                },
                Heard::Never,
            ),
            Err(error) => return Err(error),
        };
        let error = match (answered.status, heard) {
            (_, Heard::Well) => None,
            (Some(status), _) if (300..400).contains(&status) => {
                Some(format!("the receiver answered {status}; redirects are not followed"))
            }
            (Some(status), _) => Some(format!("the receiver answered {status}")),
            (None, _) => answered.error,
        };
        let outcome = answered.status.map_or("none".to_owned(), |status| format!("{}xx", status / 100));
        metrics::counter!("straits_webhook_attempts_total", "answer" => outcome).increment(1);
        let Answered { status, answer, took_ms, .. } = answered;
        let attempt = Attempt { at: wall, status, error, took_ms, answer };
        let [jitter] = parts.ids.random_bytes::<1>();
        delivery.tried(attempt, heard, parts.clock.now(), jitter);
        self.record(&delivery, version + 1).await?;
        point(Point::WebhookRecorded).await;
        if heard != Heard::Well || endpoint.value.endpoint.failing_since.is_some() {
            self.note_health(endpoint.value.endpoint.id, heard, status).await?;
        }
        Ok(())
    }

    /// The call itself.
    async fn call(&self, delivery: &Delivery, stored: &StoredEndpoint) -> Result<Answered, WebhookError> {
        let parts = self.parts();
        if stored.endpoint.state != EndpointState::Enabled {
            return Err(WebhookError::Broken("the endpoint is disabled or deleted".to_owned()));
        }
        // Queued before its filter was narrowed.
        if is_a_shops(&stored.endpoint.events) && !is_a_shops_event(&delivery.kind) {
            return Err(WebhookError::Broken("the endpoint hears of a shop's own business only".to_owned()));
        }
        let event = parts.store.event(delivery.merchant, delivery.event).await?;
        let event = event.ok_or_else(|| WebhookError::Broken("the event is gone".to_owned()))?;
        let body = EventView::of(&event).bytes().map_err(|error| WebhookError::Broken(error.to_string()))?;
        let secrets = self.secrets(stored)?;
        let wall = parts.clock.wall();
        let headers = signed(&secrets, &event.id.to_string(), wall, &body).map_err(WebhookError::Broken)?;
        Ok(parts.door.post(&stored.endpoint.url, headers, body, wall).await)
    }

    /// The secrets that sign now: the newest, and the one before it while that is still valid.
    pub(super) fn secrets(&self, stored: &StoredEndpoint) -> Result<Vec<SecretString>, WebhookError> {
        let parts = self.parts();
        let place = endpoint_secrets_place(stored.endpoint.id);
        let opened = parts.vault.open(&place, &stored.sealed)?;
        let all: Vec<String> =
            serde_json::from_slice(&opened).map_err(|error| WebhookError::Broken(error.to_string()))?;
        let both = stored.endpoint.previous_until.is_some_and(|until| parts.clock.wall() < until);
        Ok(all.into_iter().take(if both { 2 } else { 1 }).map(SecretString::from).collect())
    }

    /// Writes what came of a try; a busy writer is asked again, since the call was made and cannot be unmade.
    async fn record(&self, delivery: &Delivery, version: i64) -> Result<(), WebhookError> {
        for tries in 1..=WRITES {
            let mut change = Change::new();
            change.update_delivery(delivery, version);
            match self.parts().store.commit(change).await {
                Err(CommitError::Busy | CommitError::Unavailable(_)) if tries < WRITES => {
                    tokio::time::sleep(Duration::from_millis(100 << tries)).await;
                }
                outcome => return Ok(outcome.map(|_| ())?),
            }
        }
        Ok(())
    }

    /// Takes note of how the endpoint does; 410 disables it at once, days of failures do in the end.
    async fn note_health(
        &self,
        id: WebhookEndpointId,
        heard: Heard,
        status: Option<u16>,
    ) -> Result<(), WebhookError> {
        let (store, now) = (&self.parts().store, self.parts().clock.now());
        for _ in 0..WRITES {
            let Some(mut row) = store.any_endpoint(id).await? else { return Ok(()) };
            let endpoint = &mut row.value.endpoint;
            let changed = match heard {
                _ if endpoint.state != EndpointState::Enabled => false,
                Heard::Well => endpoint.heard(),
                _ if status == Some(410) => {
                    endpoint.turn(EndpointState::Disabled(Reason::Gone), now);
                    true
                }
                Heard::NotYet(_) => endpoint.failed(now),
                Heard::Never => false,
            };
            if !changed {
                return Ok(());
            }
            tell_if_disabled(endpoint);
            let mut change = Change::new();
            change.update_endpoint(&row.value, row.version);
            match store.commit(change).await {
                // Another try has noted something: look at what stands now.
                Err(CommitError::LostUpdate { .. }) => {}
                outcome => return Ok(outcome.map(|_| ())?),
            }
        }
        Ok(())
    }
}

fn tell_if_disabled(endpoint: &Endpoint) {
    if let Some(reason) = endpoint.state.reason() {
        tracing::warn!(endpoint = %endpoint.id, ?reason, "a webhook endpoint is disabled");
    }
}

/// What an answer means: 2xx is heard, 410 never will be, anything else may be.
fn judge(answered: &Answered) -> Heard {
    match answered.status {
        Some(200..=299) => Heard::Well,
        Some(410) => Heard::Never,
        _ => Heard::NotYet(answered.retry_after),
    }
}

/// A call under way at an endpoint; dropping it frees the slot and rings the bell.
struct Slot(Webhooks, WebhookEndpointId);

impl Slot {
    fn take(webhooks: &Webhooks, id: WebhookEndpointId) -> Slot {
        *webhooks.busy().entry(id).or_default() += 1;
        Slot(webhooks.clone(), id)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut busy = self.0.busy();
        if let Some(count) = busy.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                busy.remove(&self.1);
            }
        }
        drop(busy);
        self.0.ring();
    }
}
