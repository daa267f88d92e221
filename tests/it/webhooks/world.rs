//! A merchant, its endpoints and the flow that tells them, over a store and a clock of the test's own.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use straits::clock::Clock;
use straits::domain::orders::Holder;
use straits::domain::webhooks::{Delivery, Endpoint, EventFilter};
use straits::flows::webhooks::{Door, Names, NewEndpoint, Parts, Reach, Webhooks};
use straits::ids::{EventId, IdSource, MerchantId, WebhookEndpointId};
use straits::store::outbox::Event;
use straits::store::{Change, Engine, Seek, Store};
use straits::vault::Vault;

/// Names that lead where the test says; each look-up takes the next answer, the last one stays.
#[derive(Debug, Default)]
pub struct Told(Mutex<BTreeMap<String, Vec<&'static str>>>, Mutex<usize>);

impl Told {
    pub fn leads(&self, host: &str, addresses: &[&'static str]) {
        self.0.lock().unwrap().insert(host.into(), addresses.to_vec());
    }

    pub fn asked(&self) -> usize {
        *self.1.lock().unwrap()
    }
}

#[async_trait]
impl Names for Told {
    async fn addresses(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        *self.1.lock().unwrap() += 1;
        let mut all = self.0.lock().unwrap();
        let Some(answers) = all.get_mut(host) else { return Err(std::io::ErrorKind::NotFound.into()) };
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0] };
        Ok(answer.split(' ').map(|address| address.parse().unwrap()).collect())
    }
}

pub struct World {
    pub store: Store,
    pub clock: Clock,
    pub ids: IdSource,
    pub merchant: MerchantId,
    pub names: Arc<Told>,
    pub webhooks: Webhooks,
}

/// How a program of the test is set up.
pub struct Setup {
    pub reach: Reach,
    pub patience: Duration,
    pub roots: Vec<reqwest::Certificate>,
    /// As on SQLite where `None`.
    pub alone: Option<bool>,
}

impl Default for Setup {
    fn default() -> Setup {
        let reach = Reach { loopback: true, ports: vec![443] };
        Setup { reach, patience: Duration::from_secs(5), roots: vec![], alone: None }
    }
}

/// The flow of one program on a store.
pub fn program(store: &Store, clock: &Clock, names: &Arc<Told>, setup: Setup) -> Webhooks {
    let ids = IdSource::random(clock.clone());
    let alone = setup.alone.unwrap_or(store.engine() == Engine::Sqlite);
    Webhooks::new(Parts {
        store: store.clone(),
        clock: clock.clone(),
        vault: Vault::new(&SecretString::from("07".repeat(32)), ids.clone()).unwrap(),
        holder: Holder { boot: ids.mint(), alone },
        door: Door::open(setup.reach, names.clone(), setup.patience, setup.roots).unwrap(),
        ids,
    })
}

impl World {
    pub fn on(store: Store, clock: &Clock, setup: Setup) -> World {
        let (clock, names) = (clock.clone(), Arc::new(Told::default()));
        let ids = IdSource::random(clock.clone());
        let webhooks = program(&store, &clock, &names, setup);
        World { merchant: ids.mint(), store, clock, ids, names, webhooks }
    }

    /// An endpoint and its secret.
    pub async fn listens(&self, url: &str, events: &[&str]) -> (WebhookEndpointId, SecretString) {
        let events = events.iter().map(|text| text.parse::<EventFilter>().unwrap()).collect();
        let new = NewEndpoint { id: self.ids.mint(), url: url.into(), description: String::new(), events };
        let (endpoint, secret) = self.webhooks.create(self.merchant, new, Change::new()).await.unwrap();
        (endpoint.id, secret)
    }

    pub fn event(&self, kind: &str) -> Event {
        Event {
            id: self.ids.mint(),
            merchant: self.merchant,
            kind: kind.into(),
            subject: "pay_1".into(),
            data: serde_json::json!({"id": "pay_1", "note": "größer \u{1f41f} \"quoted\" </b>", "amount": {"amount": "1.00"}}),
            created_at: self.clock.now(),
        }
    }

    pub async fn tell(&self, event: &Event) {
        let mut change = Change::new();
        change.tell(event);
        self.store.commit(change).await.unwrap();
    }

    /// Something happened.
    pub async fn happens(&self, kind: &str) -> EventId {
        let event = self.event(kind);
        self.tell(&event).await;
        event.id
    }

    /// Everything that is due now, to its end.
    pub async fn run(&self) {
        self.webhooks.run_due(Duration::from_secs(20)).await.unwrap();
    }

    pub async fn deliveries(&self, endpoint: WebhookEndpointId) -> Vec<Delivery> {
        self.store.deliveries(endpoint, Seek::Start, 1_000).await.unwrap()
    }

    /// The one delivery of an endpoint.
    pub async fn delivery(&self, endpoint: WebhookEndpointId) -> Delivery {
        let mut all = self.deliveries(endpoint).await;
        assert_eq!(all.len(), 1);
        all.remove(0)
    }

    pub async fn endpoint(&self, id: WebhookEndpointId) -> Endpoint {
        self.store.any_endpoint(id).await.unwrap().unwrap().value.endpoint
    }
}

/// Whether a request carries a signature by this secret, by the reference library; the freshness of its time is the
/// business of tests with a real clock.
pub fn signed_by(secret: &SecretString, heard: &super::receiver::Heard) -> bool {
    let signer = standardwebhooks::Webhook::new(secret.expose_secret()).unwrap();
    let timestamp = heard.header("webhook-timestamp").parse().unwrap();
    let expected = signer.sign(heard.header("webhook-id"), timestamp, &heard.body).unwrap();
    heard.header("webhook-signature").split(' ').any(|signature| signature == expected)
}
