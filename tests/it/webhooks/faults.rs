//! What receivers do wrong, and what becomes of their events.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use secrecy::SecretString;
use straits::clock::Clock;
use straits::domain::webhooks::{DeliveryState, EndpointState, FAILING_FOR, MOST_ATTEMPTS, Reason};
use straits::flows::webhooks::{EventView, WebhookError};
use straits::store::Change;
use straits::store::retention::DELIVERIES_KEPT;

use super::receiver::{Receiver, Say};
use super::world::{Setup, World, program, signed_by};
use crate::engines::on_each_engine;

#[tokio::test]
async fn what_is_not_heard_is_told_again_under_the_same_id_until_it_is() {
    on_each_engine("told again", async |database| {
        let world = World::on(database.open().await, &database.clock, Setup::default());
        let receiver = Receiver::start().await;
        let (endpoint, secret) = world.listens(&receiver.url, &[]).await;
        let truncated = "HTTP/1.1 503 X\r\ncontent-length: 100\r\n\r\nshort".to_owned();
        let garbage = "SSH-2.0-OpenSSH_9.2\r\n".to_owned();
        receiver.say([Say::status(500), Say::Close, Say::Raw(truncated), Say::Raw(garbage)]);
        let event = world.happens("payment.captured").await;
        for tries in 1..=5 {
            world.run().await;
            world.run().await;
            let delivery = world.delivery(endpoint).await;
            assert_eq!((delivery.attempts, receiver.heard().len() as i64), (tries, tries), "once each");
            let pending = delivery.state == DeliveryState::Pending;
            assert_eq!(pending, tries < 5, "{delivery:#?}");
            if pending {
                assert!(delivery.next_at > world.clock.now() && delivery.lease.is_none());
                assert!(world.endpoint(endpoint).await.failing_since.is_some());
                world.clock.advance(delivery.next_at - world.clock.now());
            }
        }
        assert_eq!(world.endpoint(endpoint).await.failing_since, None);
        let tries = world.delivery(endpoint).await.history;
        let statuses: Vec<_> = tries.iter().rev().map(|attempt| attempt.status).collect();
        assert_eq!(statuses, [Some(500), None, Some(503), None, Some(204)]);
        assert!(tries[0].error.is_none() && tries[1..].iter().all(|attempt| attempt.error.is_some()));
        let stored = world.store.event(world.merchant, event).await.unwrap().unwrap();
        for heard in receiver.heard() {
            assert_eq!(heard.head, "POST /hook HTTP/1.1");
            assert_eq!(heard.header("webhook-id"), event.to_string());
            assert_eq!(heard.header("content-type"), "application/json");
            assert!(heard.header("user-agent").starts_with("Straits-Webhooks/"));
            assert_eq!(heard.body, EventView::of(&stored).bytes().unwrap(), "byte for byte");
            assert!(signed_by(&secret, &heard));
        }

        // Sent again by hand, it is the same once more.
        let delivery = world.delivery(endpoint).await;
        let again =
            world.webhooks.resend(world.merchant, endpoint, delivery.id, Change::new()).await.unwrap();
        assert_eq!((again.state, again.attempts), (DeliveryState::Pending, 0));
        world.run().await;
        let heard = receiver.heard();
        assert_eq!((heard.len(), &heard[5].body), (6, &heard[0].body));
        assert_eq!(world.delivery(endpoint).await.history.len(), 6);
        world.store.close().await;
    })
    .await;
}

#[tokio::test]
async fn ten_tries_in_three_days_and_five_days_of_nothing_but_failures_disable() {
    on_each_engine("given up", async |database| {
        let world = World::on(database.open().await, &database.clock, Setup::default());
        let (endpoint, _) = world.listens("http://127.0.0.1:9/hook", &[]).await;
        world.happens("payment.captured").await;
        let start = world.clock.now();
        world.run().await;
        while let delivery @ straits::domain::webhooks::Delivery { state: DeliveryState::Pending, .. } =
            world.delivery(endpoint).await
        {
            assert_eq!(
                delivery.history[0].error.as_deref().map(|why| why.contains("no connection")),
                Some(true)
            );
            world.clock.advance(delivery.next_at - world.clock.now());
            world.run().await;
        }
        let delivery = world.delivery(endpoint).await;
        assert_eq!(delivery.attempts, MOST_ATTEMPTS);
        let spent = world.clock.now() - start;
        assert!(spent > TimeDelta::days(3) && spent < TimeDelta::hours(84), "{spent}");
        assert_eq!(world.endpoint(endpoint).await.state, EndpointState::Enabled);

        world.clock.advance(FAILING_FOR - spent);
        world.happens("payment.captured").await;
        world.run().await;
        let given_up = world.endpoint(endpoint).await;
        assert_eq!(given_up.state, EndpointState::Disabled(Reason::Failing));
        let refused = world.webhooks.resend(world.merchant, endpoint, delivery.id, Change::new()).await;
        assert!(matches!(refused, Err(WebhookError::Disabled)));
        // What was pending then is given up when it is due, and after thirty days nothing of it is left.
        world.clock.advance(TimeDelta::minutes(1));
        world.run().await;
        let standing = world.store.deliveries_standing().await.unwrap();
        assert_eq!((standing.pending, standing.failed, standing.endpoints_given_up), (0, 2, 1));
        let before = world.clock.now() + TimeDelta::seconds(1);
        assert_eq!(world.store.outdated_deliveries(before - DELIVERIES_KEPT, 10).await.unwrap().len(), 0);
        let outdated = world.store.outdated_deliveries(before, 10).await.unwrap();
        assert_eq!(outdated.len(), 2);
        let mut change = Change::new();
        outdated.into_iter().for_each(|row| {
            change.remove(row);
        });
        world.store.commit(change).await.unwrap();
        assert!(world.deliveries(endpoint).await.is_empty());
        world.store.close().await;
    })
    .await;
}

#[tokio::test]
async fn gone_disables_and_too_many_puts_off() {
    on_each_engine("410 and 429", async |database| {
        let world = World::on(database.open().await, &database.clock, Setup::default());
        let receiver = Receiver::start().await;
        let (endpoint, _) = world.listens(&receiver.url, &[]).await;
        let now = world.clock.now();
        for (status, asked, least) in [(429, "7200", 7_200), (503, "1", 300), (429, "99999999", 86_400)] {
            receiver.say([Say::with(status, &format!("retry-after: {asked}\r\n"))]);
            if status == 429 && asked == "7200" {
                world.happens("payment.captured").await;
            } else {
                world.clock.advance(world.delivery(endpoint).await.next_at - world.clock.now());
            }
            world.run().await;
            let wait = (world.delivery(endpoint).await.next_at - world.clock.now()).num_seconds();
            assert!((least..=least + least / 10 + 1).contains(&wait), "{status} {asked}: {wait}");
        }
        assert!(world.clock.now() > now);
        world.clock.advance(world.delivery(endpoint).await.next_at - world.clock.now());
        receiver.say([Say::status(410)]);
        world.run().await;
        assert!(matches!(world.delivery(endpoint).await.state, DeliveryState::Failed(_)));
        assert_eq!(world.endpoint(endpoint).await.state, EndpointState::Disabled(Reason::Gone));
        let heard = receiver.heard().len();
        world.happens("payment.captured").await;
        world.run().await;
        assert_eq!((receiver.heard().len(), world.deliveries(endpoint).await.len()), (heard, 1));
        world.store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_of_an_endless_answer_only_the_beginning_is_read() {
    let database = crate::engines::TestDatabase::sqlite();
    let world = World::on(database.open().await, &database.clock, Setup::default());
    let (receiver, inner) = (Receiver::start().await, Receiver::start().await);
    let (endpoint, _) = world.listens(&receiver.url, &[]).await;
    let away = format!("location: {}\r\n", inner.url);
    receiver.say([
        Say::with(302, "location: http://169.254.169.254/latest/meta-data/\r\n"),
        Say::with(307, &away),
        Say::Endless,
    ]);
    world.happens("payment.captured").await;
    world.run().await;
    let redirected = world.delivery(endpoint).await;
    assert_eq!(redirected.history[0].status, Some(302));
    assert!(redirected.history[0].error.as_deref().unwrap().contains("redirects are not followed"));
    world.clock.advance(TimeDelta::minutes(1));
    world.run().await;
    assert!(inner.heard().is_empty());
    world.clock.advance(TimeDelta::minutes(10));
    world.run().await;
    let heard = world.delivery(endpoint).await;
    assert!(matches!(heard.state, DeliveryState::Delivered(_)), "{heard:#?}");
    assert_eq!(heard.history[0].answer, "x".repeat(512));
    world.store.close().await;
}

#[tokio::test]
async fn a_receiver_that_says_nothing_holds_up_no_other() {
    on_each_engine("slow receiver", async |database| {
        let setup = Setup { patience: Duration::from_secs(2), ..Setup::default() };
        let world = World::on(database.open().await, &database.clock, setup);
        let (dead, well) = (Receiver::start().await, Receiver::start().await);
        let (silent, _) = world.listens(&dead.url, &[]).await;
        let (lively, _) = world.listens(&well.url, &[]).await;
        dead.say(std::iter::repeat_n(Say::Nothing, 40));
        for _ in 0..20 {
            world.happens("payment.captured").await;
        }
        let (webhooks, began) = (world.webhooks.clone(), Instant::now());
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let running = tokio::spawn(async move { webhooks.run(async { drop(stopped.await) }).await });
        well.wait_for(20).await;
        assert!(began.elapsed() < Duration::from_secs(2), "before the silent one's patience ended");
        assert!(dead.heard().len() <= 4, "a few at a time");
        let _ = stop.send(());
        running.await.unwrap();
        let done = world.deliveries(lively).await;
        assert!(done.iter().all(|delivery| matches!(delivery.state, DeliveryState::Delivered(_))));
        let tried: Vec<_> =
            world.deliveries(silent).await.into_iter().filter(|row| row.attempts > 0).collect();
        assert_eq!(tried[0].history[0].error.as_deref(), Some("no answer in time"));
        world.store.close().await;
    })
    .await;
}

#[tokio::test]
async fn while_one_program_is_at_it_no_other_sends_and_a_dead_ones_call_is_made_again() {
    on_each_engine("leases", async |database| {
        let setup = || Setup { alone: Some(false), ..Setup::default() };
        let world = World::on(database.open().await, &database.clock, setup());
        let receiver = Receiver::start().await;
        let (endpoint, _) = world.listens(&receiver.url, &[]).await;
        receiver.say([Say::Nothing]);
        world.happens("payment.captured").await;
        let webhooks = world.webhooks.clone();
        let first = tokio::spawn(async move { webhooks.run_due(Duration::from_secs(20)).await });
        receiver.wait_for(1).await;
        let beside = program(&world.store, &world.clock, &world.names, setup());
        beside.run_due(Duration::from_secs(5)).await.unwrap();
        assert_eq!(receiver.heard().len(), 1, "it is leased, and its holder may be alive");
        // A minute later by its wall it is believed dead: between the call and the record.
        let later = Clock::fixed(world.clock.wall() + TimeDelta::seconds(61));
        let after = program(&world.store, &later, &world.names, setup());
        after.run_due(Duration::from_secs(5)).await.unwrap();
        let heard = receiver.wait_for(2).await;
        assert_eq!(heard[0].header("webhook-id"), heard[1].header("webhook-id"));
        assert_eq!(heard[0].body, heard[1].body);
        // The first one wakes up: what it has to say is not written over what its successor wrote.
        first.await.unwrap().unwrap();
        let delivery = world.delivery(endpoint).await;
        assert!(matches!(delivery.state, DeliveryState::Delivered(_)), "{delivery:#?}");
        assert_eq!(delivery.history.len(), 1);
        // Where no other program can be at work, a run before this one is dead at once.
        receiver.say([Say::Nothing]);
        world.happens("payment.late").await;
        let webhooks = world.webhooks.clone();
        let hung = tokio::spawn(async move { webhooks.run_due(Duration::from_secs(20)).await });
        receiver.wait_for(3).await;
        let alone = Setup { alone: Some(true), ..Setup::default() };
        program(&world.store, &world.clock, &world.names, alone)
            .run_due(Duration::from_secs(5))
            .await
            .unwrap();
        assert_eq!(receiver.wait_for(4).await[2].body, receiver.heard()[3].body);
        hung.await.unwrap().unwrap();
        world.store.close().await;
    })
    .await;
}

#[tokio::test]
async fn while_a_secret_is_replaced_both_sign() {
    on_each_engine("rotation", async |database| {
        let world = World::on(database.open().await, &database.clock, Setup::default());
        let receiver = Receiver::start().await;
        let (endpoint, first) = world.listens(&receiver.url, &[]).await;
        let rotate = async |hours| {
            let overlap = TimeDelta::hours(hours);
            world.webhooks.rotate(world.merchant, endpoint, overlap, Change::new()).await.unwrap().1
        };
        let heard = async || {
            world.happens("payment.captured").await;
            world.run().await;
            receiver.heard().pop().unwrap()
        };
        let told = heard().await;
        assert!(signed_by(&first, &told) && told.header("webhook-signature").matches("v1,").count() == 1);
        let second = rotate(24).await;
        let told = heard().await;
        assert!(signed_by(&first, &told) && signed_by(&second, &told));
        // The test clock does not end the overlap: it is the receiver's to change over, in real time.
        world.clock.advance(TimeDelta::days(2));
        assert!(signed_by(&first, &heard().await));
        // A third secret would break the promise to whoever has the first; one that leaked is ended at once.
        let early = world.webhooks.rotate(world.merchant, endpoint, TimeDelta::hours(1), Change::new()).await;
        assert!(matches!(early, Err(WebhookError::Rotating(_))), "{early:?}");
        assert!(signed_by(&first, &heard().await));
        let third = rotate(0).await;
        let told = heard().await;
        let by = |secret: &SecretString| signed_by(secret, &told);
        assert_eq!((by(&first), by(&second), by(&third)), (false, false, true));
        world.store.close().await;
    })
    .await;
}
