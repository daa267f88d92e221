//! Outcomes nobody knows, and a process that dies between any two phases: in the end every approved payment is captured
//! once, under its one reference.

use std::time::Duration;

use chrono::TimeDelta;
use straits::domain::orders::ReportKind;
use straits::flows::pay::PayError;
use straits::ids::PaymentId;

use crate::engines::on_each_engine;
use crate::pay_world::{Call, Fault, World, capture, usd};

/// The process dies in the middle of `work`.
async fn dies_in(work: impl Future) {
    assert!(tokio::time::timeout(Duration::from_millis(300), work).await.is_err(), "it did not get stuck");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_outcome_is_asked_about_and_never_doubled() {
    on_each_engine("unknown outcomes", async |database| {
        let world = World::on(database).await;
        // The call to complete: lost on the way, its answer lost, not sent, told to wait.
        for (nth, (fault, completes)) in [
            (Fault::LostBefore, 2),
            (Fault::LostAfter, 1),
            (Fault::NotSent, 2),
            (Fault::Throttled, 2),
            (Fault::Later("BALANCE"), 2),
        ]
        .into_iter()
        .enumerate()
        {
            let id = world.approved(&format!("order-{nth}")).await;
            let before = world.far.calls(Call::Complete);
            world.far.fail(Call::Complete, fault.clone());
            world.hear(id, 1).await.unwrap();
            assert_eq!(world.state(id).await, "authorized", "{fault:?}");
            world.pay.recover().await.unwrap();
            world.is_captured_once(id).await;
            assert_eq!(world.far.calls(Call::Complete) - before, completes, "{fault:?}");
        }
        assert_eq!(world.store.unknown_intents().await.unwrap(), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_creation_stays_created_until_the_gateway_says() {
    on_each_engine("unknown creation", async |database| {
        let world = World::on(database).await;
        world.far.fail(Call::Create, Fault::LostAfter);
        let known = world.start(world.order("order-1")).await.unwrap();
        world.far.fail(Call::Create, Fault::LostBefore);
        let lost = world.start(world.order("order-2")).await.unwrap();
        assert_eq!((known.state, lost.state), ("created", "created"));
        assert_eq!(world.store.unknown_intents().await.unwrap(), 2);
        world.pay.recover().await.unwrap();
        assert_eq!(world.state(known.id).await, "requires_action");
        assert_eq!(world.state(lost.id).await, "created", "silence is no failure");
        world.clock.advance(TimeDelta::hours(4));
        world.pay.recover().await.unwrap();
        assert_eq!(world.state(lost.id).await, "expired");
        assert_eq!(world.far.calls(Call::Create), 2, "nothing was sent again");
        assert_eq!(world.store.unknown_intents().await.unwrap(), 0);
        assert_eq!(world.pay.recover().await.unwrap().asked, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_asked_for_again_or_the_payment_says_that_it_will_lapse() {
    on_each_engine("lost sessions", async |database| {
        let mut world = World::on(database).await;
        world.far.gives_again(true);
        world.far.fail(Call::Create, Fault::LostAfter);
        let lost = world.start(world.order("order-1")).await.unwrap();
        assert_eq!((lost.state, &lost.next_action), ("created", &None));
        // By the round of questions, after the process died in the call, and by whoever asks.
        let died = survives(&mut world, "order-2", Call::Create, Fault::StuckAfter).await;
        world.far.fail(Call::Create, Fault::LostAfter);
        let asked = world.start(world.order("order-3")).await.unwrap().id;
        world.pay.sync(world.merchant.id, asked).await.unwrap();
        for id in [lost.id, died, asked] {
            let found = world.view(id).await;
            assert_eq!(
                (found.state, found.next_action.unwrap()["type"].as_str()),
                ("requires_action", Some("redirect"))
            );
            // What the adapter keeps is there as well: the shopper comes back and the money is taken.
            world.far.approve(id);
            assert_eq!(world.come_back(id).await.unwrap().state, "captured");
            world.is_captured_once(id).await;
        }
        assert_eq!(world.far.calls(Call::Create), 3, "nothing was opened twice");

        world.far.gives_again(false);
        world.far.fail(Call::Create, Fault::LostAfter);
        let gone = world.start(world.order("order-4")).await.unwrap().id;
        world.pay.recover().await.unwrap();
        world.pay.recover().await.unwrap();
        let found = world.view(gone).await;
        let told: Vec<_> =
            found.timeline.unwrap().into_iter().filter(|line| line.report == "session_lost").collect();
        assert_eq!((found.state, found.next_action, told.len()), ("requires_action", None, 1));
        assert!(told[0].detail["why"].as_str().unwrap().contains("order_ref is free"), "{told:?}");
        let taken = world.start(world.order("order-4")).await;
        assert_eq!(taken, Err(PayError::OrderRefTaken { payment: gone }));
        world.clock.advance(TimeDelta::hours(4));
        world.pay.recover().await.unwrap();
        assert_eq!(world.state(gone).await, "expired");
        assert_eq!(world.start(world.order("order-4")).await.unwrap().state, "requires_action");
        assert_eq!(world.store.unknown_intents().await.unwrap(), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definite_no_to_completing_fails_the_payment_unless_the_gateway_says_otherwise() {
    on_each_engine("complete refused", async |database| {
        let world = World::on(database).await;
        let declined = world.approved("order-1").await;
        world.far.fail(Call::Complete, Fault::Refused("TRANSACTION_REFUSED"));
        world.hear(declined, 1).await.unwrap();
        let view = world.view(declined).await;
        assert_eq!((view.state, view.failure.unwrap().code.as_str()), ("failed", "TRANSACTION_REFUSED"));
        assert_eq!(world.far.takes(declined), 0);

        // The same no, and the gateway does not answer when it is asked once more: nothing is decided yet.
        let silent = world.approved("order-2").await;
        world.far.fail(Call::Complete, Fault::Refused("TRANSACTION_REFUSED"));
        world.far.fail_after(Call::Query, 1, Fault::NotSent);
        world.hear(silent, 1).await.unwrap();
        assert_eq!(world.state(silent).await, "authorized");
        world.pay.recover().await.unwrap();
        world.is_captured_once(silent).await;
    })
    .await;
}

/// One approved payment, a death at `call`, a restart, and one round of questions.
async fn survives(world: &mut World, order: &str, call: Call, fault: Fault) -> PaymentId {
    let id = if call == Call::Create {
        let start = world.order(order);
        let id = start.id;
        world.far.fail(call, fault);
        dies_in(world.start(start)).await;
        id
    } else {
        let id = world.approved(order).await;
        world.far.fail(call, fault);
        dies_in(world.pay.sync(world.merchant.id, id)).await;
        id
    };
    world.reboot();
    world.pay.recover().await.unwrap();
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_between_any_two_phases_is_survived() {
    on_each_engine("deaths", async |database| {
        let mut world = World::on(database).await;
        for (nth, (call, fault)) in [
            (Call::Query, Fault::StuckBefore),
            (Call::Query, Fault::StuckAfter),
            (Call::Complete, Fault::StuckBefore),
            (Call::Complete, Fault::StuckAfter),
        ]
        .into_iter()
        .enumerate()
        {
            let id = survives(&mut world, &format!("order-{nth}"), call, fault).await;
            world.is_captured_once(id).await;
        }
        let never_sent = survives(&mut world, "order-8", Call::Create, Fault::StuckBefore).await;
        assert_eq!(world.state(never_sent).await, "created");
        let sent = survives(&mut world, "order-9", Call::Create, Fault::StuckAfter).await;
        assert_eq!(world.state(sent).await, "requires_action");
        assert_eq!(world.far.calls(Call::Create), 6, "nothing was sent again");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_kept_before_a_death_is_worked_off_after_it() {
    on_each_engine("death in a notice", async |database| {
        let mut world = World::on(database).await;
        let id = world.approved("order-1").await;
        world.far.fail(Call::Query, Fault::StuckBefore);
        dies_in(world.hear(id, 1)).await;
        assert_eq!(world.store.waiting_notices().await.unwrap(), 1);
        world.reboot();
        assert_eq!(world.pay.recover().await.unwrap().notices, 1);
        world.is_captured_once(id).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_gateway_that_does_not_answer_is_left_alone_for_the_round() {
    on_each_engine("outage", async |database| {
        let world = World::on(database).await;
        let mut payments = vec![];
        for nth in 0..40 {
            payments.push(world.approved(&format!("order-{nth}")).await);
        }
        for _ in 0..40 {
            world.far.fail(Call::Query, Fault::NotSent);
        }
        let round = world.pay.recover().await.unwrap();
        assert!(round.asked < 20 && round.failed == round.asked, "{round:?}");
        // A few that can never be answered do not hide the rest.
        world.far.heal();
        world.far.deaf_to(&payments[..10]);
        for _ in 0..4 {
            world.pay.recover().await.unwrap();
        }
        for id in &payments[10..] {
            world.is_captured_once(*id).await;
        }
        world.far.deaf_to(&[]);
        world.pay.recover().await.unwrap();
        for id in payments {
            world.is_captured_once(id).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_nobody_knows_is_never_success_and_never_failure() {
    on_each_engine("unknown word", async |database| {
        let world = World::on(database).await;
        let id = world.approved("order-1").await;
        world.far.say(id, ReportKind::Unknown { raw: "HALF_PAID".into() });
        world.hear(id, 1).await.unwrap();
        assert_eq!(world.state(id).await, "requires_action");
        let timeline = world.view(id).await.timeline.unwrap();
        assert!(timeline.iter().any(|line| line.detail["said"]["raw"] == "HALF_PAID"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_six_hours_an_unknown_outcome_is_a_persons_matter_and_no_call_is_made() {
    on_each_engine("unknown for ever", async |database| {
        let world = World::on(database).await;
        let id = world.approved("order-1").await;
        world.far.fail(Call::Complete, Fault::LostBefore);
        world.hear(id, 1).await.unwrap();
        world.clock.advance(TimeDelta::hours(6));
        world.pay.recover().await.unwrap();
        assert_eq!((world.state(id).await, world.far.calls(Call::Complete)), ("authorized", 1));
        assert_eq!(world.told(), ["finding unknown complete"]);
        world.far.say(id, capture("C-late", usd(10_000)));
        world.pay.recover().await.unwrap();
        assert_eq!((world.state(id).await, world.store.unknown_intents().await.unwrap()), ("captured", 0));
        assert_eq!(world.told()[1..], ["Matched USD 100.00"]);
    })
    .await;
}
