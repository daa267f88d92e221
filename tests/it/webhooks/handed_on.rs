//! Each event meets each endpoint that wants it exactly once, whichever process tells and whichever hands on.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sqlx::Connection;
use straits::domain::access::{Actor, ApiKey, Environment, KeyKind, Scope};
use straits::domain::merchants::{Merchant, Recognise, Role};
use straits::domain::webhooks::{DeliveryState, EventFilter};
use straits::flows::webhooks::NewEndpoint;
use straits::ids::{KeyId, UserId, WebhookEndpointId};
use straits::store::outbox::EventReader;
use straits::store::{Change, Engine, Seek};

use super::receiver::Heard;
use super::receiver::Receiver;
use super::world::{Setup, World, program};
use crate::engines::on_each_engine;

#[tokio::test]
async fn an_event_whose_older_id_is_written_later_is_neither_skipped_nor_listed_out_of_turn() {
    on_each_engine("order of events", async |database| {
        let world = World::on(database.open().await, &database.clock, Setup::default());
        let receiver = Receiver::start().await;
        let (endpoint, _) = world.listens(&receiver.url, &[]).await;
        let (older, younger) = (world.event("payment.captured"), world.event("payment.late"));
        assert!(older.id < younger.id);
        world.tell(&younger).await;
        assert_eq!(world.webhooks.hand_on().await.unwrap(), 1);
        world.tell(&older).await;
        assert_eq!(world.webhooks.hand_on().await.unwrap(), 1);
        assert_eq!(world.webhooks.hand_on().await.unwrap(), 0);
        assert_eq!(world.deliveries(endpoint).await.len(), 2);

        let ids = |events: Vec<straits::store::outbox::Event>| {
            events.into_iter().map(|event| event.id).collect::<Vec<_>>()
        };
        let (store, merchant) = (&world.store, world.merchant);
        let all = ids(store.events_from(merchant, EventReader::Office, Seek::Start, 10).await.unwrap());
        assert_eq!(all, [older.id, younger.id], "the one written last comes first");
        let next = ids(store
            .events_from(merchant, EventReader::Office, Seek::Before(younger.id), 10)
            .await
            .unwrap());
        assert_eq!(next, [older.id], "a reader who goes on from what it saw misses none");
        let earlier =
            ids(store.events_from(merchant, EventReader::Office, Seek::After(older.id), 10).await.unwrap());
        assert_eq!(earlier, [younger.id]);
        let strange = ids(store
            .events_from(world.ids.mint(), EventReader::Office, Seek::Before(younger.id), 10)
            .await
            .unwrap());
        assert!(strange.is_empty());
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn two_programs_that_tell_and_hand_on_at_once_skip_none_and_double_none() {
    on_each_engine("two programs", async |database| {
        let world = World::on(database.open().await, &database.clock, Setup::default());
        let receiver = Receiver::start().await;
        let (all, _) = world.listens(&receiver.url, &[]).await;
        let (refunds, _) = world.listens(&receiver.url, &["refund.*"]).await;
        // On SQLite there is one program only: it hands on twice at once all the same.
        let beside = match database.engine() {
            Engine::Sqlite => world.store.clone(),
            Engine::Postgres => database.open().await,
        };
        let other = program(&beside, &world.clock, &world.names, Setup::default());
        let tell = |store: straits::store::Store, kind: &'static str| {
            let world = &world;
            async move {
                for _ in 0..150 {
                    let mut change = straits::store::Change::new();
                    change.tell(&world.event(kind)).tell(&world.event("settlement.created"));
                    store.commit(change).await.unwrap();
                }
            }
        };
        let hand_on = |webhooks: straits::flows::webhooks::Webhooks| async move {
            for _ in 0..60 {
                webhooks.hand_on().await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        tokio::join!(
            tell(world.store.clone(), "payment.captured"),
            tell(beside.clone(), "refund.succeeded"),
            hand_on(world.webhooks.clone()),
            hand_on(other),
        );
        while world.webhooks.hand_on().await.unwrap() > 0 {}
        let told =
            world.store.events_from(world.merchant, EventReader::Office, Seek::Start, 1_000).await.unwrap();
        let expected: BTreeSet<_> = told.iter().map(|event| event.id).collect();
        assert_eq!(expected.len(), 600);
        let met: Vec<_> = world.deliveries(all).await.into_iter().map(|delivery| delivery.event).collect();
        assert_eq!(met.len(), 600);
        assert_eq!(met.into_iter().collect::<BTreeSet<_>>(), expected);
        let some = world.deliveries(refunds).await;
        assert_eq!(some.len(), 150);
        assert!(some.iter().all(|delivery| delivery.kind == "refund.succeeded"));
        beside.close().await;
        world.store.close().await;
    })
    .await;
}

#[tokio::test]
async fn an_endpoint_hears_of_nothing_before_it_was_there_or_while_it_is_disabled() {
    on_each_engine("from when on", async |database| {
        let world = World::on(database.open().await, &database.clock, Setup::default());
        let receiver = Receiver::start().await;
        world.happens("payment.failed").await;
        database.tick(chrono::TimeDelta::seconds(1));
        let (endpoint, _) = world.listens(&receiver.url, &[]).await;
        world.happens("payment.captured").await;
        world.run().await;
        let edit =
            |enabled| straits::flows::webhooks::EndpointEdit { enabled: Some(enabled), ..Default::default() };
        let turn = async |enabled| {
            let change = straits::store::Change::new();
            world.webhooks.update(world.merchant, endpoint, edit(enabled), change).await.unwrap();
        };
        turn(false).await;
        world.happens("payment.expired").await;
        world.run().await;
        turn(true).await;
        world.happens("payment.late").await;
        world.run().await;
        assert_eq!(receiver.types(), ["payment.captured", "payment.late"]);
        world.store.close().await;
    })
    .await;
}

/// What the flows tell is what filters can name.
#[test]
fn every_event_that_is_told_is_known() {
    let word =
        regex::Regex::new(r#""((?:payment|dispute|refund|settlement|finding|payout|statement)\.[a-z_]+)""#)
            .unwrap();
    let mut told = BTreeSet::new();
    let mut folders = vec![std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/flows")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = std::fs::read_to_string(path).unwrap();
                told.extend(word.captures_iter(&text).map(|found| found[1].to_owned()));
            }
        }
    }
    let unknown: Vec<_> =
        told.iter().filter(|kind| !straits::domain::webhooks::EVENT_TYPES.contains(&kind.as_str())).collect();
    assert!(told.len() > 10 && unknown.is_empty(), "{unknown:?}");
}

/// The merchant with two keys: a shop's and the office's.
async fn keys(world: &World, now: DateTime<Utc>) -> [KeyId; 2] {
    let mut change = Change::new();
    let merchant = Merchant {
        id: world.merchant,
        name: "Straits Traders".into(),
        role: Role::Agent,
        zone: chrono_tz::UTC,
        recognise: Recognise::Capture,
        return_origins: vec![],
        tax_jurisdiction: "SG".into(),
        tax_number: None,
    };
    change.insert_merchant(&merchant, now);
    let keys = [Scope::Storefront, Scope::Finance].map(|scope| {
        let (id, user): (KeyId, UserId) = (world.ids.mint(), world.ids.mint());
        change.insert_key(&ApiKey {
            id,
            merchant: world.merchant,
            user,
            made_by: user,
            name: "a server".into(),
            kind: KeyKind::Secret,
            environment: Environment::Test,
            scopes: vec![scope],
            origins: vec![],
            hint: "abcd".into(),
            hash: straits::domain::access::hash(&id.to_string()),
            created_at: now,
            revoked_at: None,
        });
        id
    });
    world.store.commit(change).await.unwrap();
    keys
}

/// A line of the audit trail: a key did something to an endpoint.
fn noted(world: &World, key: KeyId, action: &str, id: WebhookEndpointId) -> Change {
    let actor = Actor { merchant: world.merchant, user: world.ids.mint(), key, request: world.ids.mint() };
    let mut change = Change::new();
    change.audit(actor.note(&world.ids, world.clock.now(), action, id, ""));
    change
}

fn kinds(heard: &[Heard]) -> Vec<String> {
    let mut kinds: Vec<String> =
        heard.iter().map(|heard| heard.json()["type"].as_str().unwrap().to_owned()).collect();
    kinds.sort();
    kinds
}

/// Made when a shop's key could still hear everything: what it hears is narrowed, and what waits for it is not sent.
#[tokio::test]
async fn an_endpoint_of_before_hears_no_more_than_the_key_that_made_it_may() {
    on_each_engine("an_endpoint_of_before", async |database| {
        let world = World::on(database.open().await, &database.clock, Setup::default());
        let [shop, office] = keys(&world, world.clock.now()).await;
        // As it was before: nothing was narrowed, and nothing more is.
        assert_eq!(world.webhooks.hand_on().await.unwrap(), 0);
        let mut made = vec![];
        for (by, then, filter) in [
            (Some(shop), None, None),
            (Some(shop), None, Some("finding.*")),
            (Some(office), None, None),
            (Some(shop), Some(office), None),
            (Some(office), Some(shop), None),
            (None, None, None),
        ] {
            let receiver = Receiver::start().await;
            let id = world.ids.mint();
            let events: Vec<EventFilter> =
                filter.into_iter().map(|filter: &str| filter.parse().unwrap()).collect();
            let new = NewEndpoint { id, url: receiver.url.clone(), description: String::new(), events };
            let extra = by.map(|by| noted(&world, by, "webhook_endpoint.create", id)).unwrap_or_default();
            world.webhooks.create(world.merchant, new, extra).await.unwrap();
            if let Some(then) = then {
                world.store.commit(noted(&world, then, "webhook_endpoint.update", id)).await.unwrap();
            }
            made.push((id, receiver));
        }
        world.happens("finding.opened").await;
        world.happens("payment.captured").await;
        assert_eq!(world.webhooks.hand_on().await.unwrap(), 2);
        let mut connection = database.connect().await;
        sqlx::raw_sql("DELETE FROM setting WHERE key = 'webhooks_narrowed'")
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();

        // The next program narrows first.
        let next = program(&world.store, &database.clock, &world.names, Setup::default());
        world.happens("settlement.created").await;
        world.happens("refund.succeeded").await;
        next.run_due(std::time::Duration::from_secs(20)).await.unwrap();
        let all = ["finding.opened", "payment.captured", "refund.succeeded", "settlement.created"];
        let own = ["payment.captured", "refund.succeeded"];
        let expected: [&[&str]; 6] = [&own, &["refund.succeeded"], &all, &all, &own, &all];
        for ((id, receiver), expected) in made.iter().zip(expected) {
            assert_eq!(kinds(&receiver.heard()), expected, "{id}");
            let narrow = expected.len() < all.len();
            let events = world.endpoint(*id).await.events;
            assert_eq!(events, if narrow { EventFilter::storefront() } else { vec![] });
            let failed = world.deliveries(*id).await.into_iter();
            let failed = failed.filter(|delivery| matches!(delivery.state, DeliveryState::Failed(_)));
            assert_eq!(
                failed.map(|delivery| delivery.kind).collect::<Vec<_>>(),
                ["finding.opened"][..usize::from(narrow)]
            );
        }
        world.store.close().await;
    })
    .await;
}
