//! What merchants do with endpoints: make, change, rotate the secret, delete, try out, send again.

use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::domain::webhooks::{
    Delivery, Endpoint, EndpointState, EventFilter, Reason, TEST_EVENT, new_secret,
};
use crate::ids::{MerchantId, WebhookDeliveryId, WebhookEndpointId};
use crate::store::outbox::Event;
use crate::store::webhook_endpoints::{StoredEndpoint, endpoint_secrets_place};
use crate::store::{Change, Seek, Versioned};

use super::{WebhookError, Webhooks};

/// Endpoints of one merchant.
pub const ENDPOINTS_MOST: usize = 16;

/// What a new endpoint is to be.
#[derive(Debug, Clone)]
pub struct NewEndpoint {
    /// Its id.
    pub id: WebhookEndpointId,
    /// Where.
    pub url: String,
    /// For people.
    pub description: String,
    /// Of which events; all where it is empty.
    pub events: Vec<EventFilter>,
}

/// What is to be different; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct EndpointEdit {
    /// Where.
    pub url: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Of which events.
    pub events: Option<Vec<EventFilter>>,
    /// Whether it hears anything.
    pub enabled: Option<bool>,
}

impl Webhooks {
    /// Makes an endpoint and answers its secret, this once. `extra` is written with it.
    ///
    /// # Errors
    /// [`WebhookError`]; nothing was made.
    pub async fn create(
        &self,
        merchant: MerchantId,
        new: NewEndpoint,
        extra: Change,
    ) -> Result<(Endpoint, SecretString), WebhookError> {
        let parts = self.parts();
        let url = parts.door.judge(&new.url).await?;
        let all = parts.store.endpoints(merchant, Seek::Start, ENDPOINTS_MOST as i64).await?;
        if all.len() >= ENDPOINTS_MOST {
            return Err(WebhookError::TooMany);
        }
        let now = parts.clock.now();
        let endpoint = Endpoint {
            id: new.id,
            merchant,
            url: url.into(),
            description: new.description,
            events: new.events,
            state: EndpointState::Enabled,
            state_since: now,
            failing_since: None,
            previous_until: None,
            created_at: now,
        };
        let secret = new_secret(&parts.ids);
        let sealed = self.sealed(endpoint.id, &[&secret])?;
        let mut change = extra;
        change.insert_endpoint(&StoredEndpoint { endpoint: endpoint.clone(), sealed });
        parts.store.commit(change).await?;
        Ok((endpoint, secret))
    }

    /// Changes an endpoint. One that is enabled again hears of what happens from now on.
    ///
    /// # Errors
    /// [`WebhookError`]; nothing was changed.
    pub async fn update(
        &self,
        merchant: MerchantId,
        id: WebhookEndpointId,
        edit: EndpointEdit,
        extra: Change,
    ) -> Result<Endpoint, WebhookError> {
        let parts = self.parts();
        let mut row = self.stored(merchant, id).await?;
        let endpoint = &mut row.value.endpoint;
        if let Some(url) = edit.url {
            endpoint.url = parts.door.judge(&url).await?.into();
        }
        if let Some(description) = edit.description {
            endpoint.description = description;
        }
        if let Some(events) = edit.events {
            endpoint.events = events;
        }
        match edit.enabled {
            Some(true) => endpoint.turn(EndpointState::Enabled, parts.clock.now()),
            Some(false) if endpoint.state == EndpointState::Enabled => {
                endpoint.turn(EndpointState::Disabled(Reason::Asked), parts.clock.now());
            }
            _ => {}
        }
        self.written(row, extra).await
    }

    /// Gives an endpoint a new secret and answers it, this once. The old one signs beside it for `overlap`, so that a
    /// receiver can change over whenever it likes in between. Two sign at most: while an old one does, only a rotation
    /// without overlap is taken, for secrets that got into wrong hands.
    ///
    /// # Errors
    /// [`WebhookError`]; the secret is as it was.
    pub async fn rotate(
        &self,
        merchant: MerchantId,
        id: WebhookEndpointId,
        overlap: TimeDelta,
        extra: Change,
    ) -> Result<(Endpoint, SecretString), WebhookError> {
        let mut row = self.stored(merchant, id).await?;
        let promised = row.value.endpoint.previous_until.filter(|until| *until > self.parts().clock.wall());
        if let Some(until) = promised.filter(|_| !overlap.is_zero()) {
            return Err(WebhookError::Rotating(until));
        }
        let secret = new_secret(&self.parts().ids);
        let before = self.secrets(&row.value)?;
        let both: Vec<&SecretString> = std::iter::once(&secret).chain(before.first()).collect();
        row.value.sealed = self.sealed(id, &both)?;
        row.value.endpoint.previous_until = Some(self.parts().clock.wall() + overlap);
        Ok((self.written(row, extra).await?, secret))
    }

    /// Deletes an endpoint and forgets its secrets; what is pending for it is given up.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn delete(
        &self,
        merchant: MerchantId,
        id: WebhookEndpointId,
        extra: Change,
    ) -> Result<Endpoint, WebhookError> {
        let mut row = self.stored(merchant, id).await?;
        row.value.endpoint.turn(EndpointState::Deleted, self.parts().clock.now());
        (row.value.endpoint.previous_until, row.value.sealed) = (None, vec![]);
        self.written(row, extra).await
    }

    /// Tells an endpoint, and it alone, an event that says nothing, so that its owner can see it arrive.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn test(
        &self,
        merchant: MerchantId,
        id: WebhookEndpointId,
        extra: Change,
    ) -> Result<Delivery, WebhookError> {
        let parts = self.parts();
        let endpoint = self.stored(merchant, id).await?.value.endpoint;
        if endpoint.state != EndpointState::Enabled {
            return Err(WebhookError::Disabled);
        }
        let event = Event {
            id: parts.ids.mint(),
            merchant,
            kind: TEST_EVENT.to_owned(),
            subject: id.to_string(),
            data: json!({ "id": id, "object": "webhook_endpoint", "url": endpoint.url }),
            created_at: parts.clock.now(),
        };
        let delivery = self.delivery(&endpoint, &event);
        let mut change = extra;
        change.tell(&event).insert_delivery(&delivery);
        parts.store.commit(change).await?;
        self.ring();
        Ok(delivery)
    }

    /// Sends an event to an endpoint once more, from the beginning of the schedule and under the same id, whatever came of
    /// it before.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn resend(
        &self,
        merchant: MerchantId,
        endpoint: WebhookEndpointId,
        id: WebhookDeliveryId,
        extra: Change,
    ) -> Result<Delivery, WebhookError> {
        let parts = self.parts();
        if self.stored(merchant, endpoint).await?.value.endpoint.state != EndpointState::Enabled {
            return Err(WebhookError::Disabled);
        }
        let row = parts.store.delivery(merchant, endpoint, id).await?;
        let Versioned { mut value, version } = row.ok_or(WebhookError::Unknown("delivery"))?;
        value.resend(parts.clock.now());
        let mut change = extra;
        change.update_delivery(&value, version);
        parts.store.commit(change).await?;
        self.ring();
        Ok(value)
    }

    async fn stored(
        &self,
        merchant: MerchantId,
        id: WebhookEndpointId,
    ) -> Result<Versioned<StoredEndpoint>, WebhookError> {
        let row = self.parts().store.endpoint(merchant, id).await?;
        row.ok_or(WebhookError::Unknown("webhook endpoint"))
    }

    async fn written(&self, row: Versioned<StoredEndpoint>, extra: Change) -> Result<Endpoint, WebhookError> {
        let mut change = extra;
        change.update_endpoint(&row.value, row.version);
        self.parts().store.commit(change).await?;
        self.ring();
        Ok(row.value.endpoint)
    }

    fn sealed(&self, id: WebhookEndpointId, secrets: &[&SecretString]) -> Result<Vec<u8>, WebhookError> {
        let texts: Vec<&str> = secrets.iter().map(|secret| secret.expose_secret()).collect();
        let text = serde_json::to_vec(&texts).map_err(|error| WebhookError::Broken(error.to_string()))?;
        let text = zeroize::Zeroizing::new(text);
        Ok(self.parts().vault.seal(&endpoint_secrets_place(id), &text)?)
    }
}
