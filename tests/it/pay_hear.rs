//! What gateways tell us: often, late, out of order, forged, or never.

use chrono::TimeDelta;
use straits::domain::merchants::GatewayAccount;
use straits::domain::orders::ReportKind;
use straits::flows::pay::{OpenAccount, PayError};
use straits::gateways::ReturnParameters;
use straits::ids::PaymentId;
use straits::money::{Currency, Money};

use crate::engines::on_each_engine;
use crate::pay_world::{Call, Fault, World, capture, usd};

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_notices_at_once_have_one_effect() {
    on_each_engine("hundred notices", async |database| {
        let world = World::on(database).await;
        for same_body in [true, false] {
            let id = world.approved(&format!("order-{same_body}")).await;
            let notices = (0..100).map(|nth| world.hear(id, if same_body { 0 } else { nth }));
            for answer in futures_util::future::join_all(notices).await {
                assert_eq!(answer, Ok(200));
            }
            world.pay.drain().await.unwrap();
            world.is_captured_once(id).await;
        }
        assert_eq!(world.far.calls(Call::Complete), 2);
        assert!(world.far.calls(Call::Query) < 20, "a crowd shares its answers");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn notice_return_poll_and_sync_together_take_the_money_once() {
    on_each_engine("all at once", async |database| {
        let world = World::on(database).await;
        let id = world.approved("order-1").await;
        let (heard, landed, synced, recovered) = tokio::join!(
            world.hear(id, 1),
            world.come_back(id),
            world.pay.sync(world.merchant.id, id),
            world.pay.recover(),
        );
        assert_eq!(heard, Ok(200));
        let location = landed.unwrap().location.unwrap();
        assert_eq!(location, format!("https://shop.example/thanks?order=1&payment={id}&state=captured"));
        assert_eq!(synced.unwrap().state, "captured");
        recovered.unwrap();
        world.is_captured_once(id).await;
        assert_eq!(world.events(id).await, ["payment.requires_action", "payment.captured"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_notice_is_made_good_by_a_poll() {
    on_each_engine("lost notice", async |database| {
        let world = World::on(database).await;
        let id = world.approved("order-1").await;
        let round = world.pay.recover().await.unwrap();
        assert_eq!((round.asked, round.failed), (1, 0));
        world.is_captured_once(id).await;
        assert_eq!(world.pay.recover().await.unwrap().asked, 0, "a settled payment is left alone");
        assert_eq!(world.hear(id, 1).await, Ok(200), "the notice comes at last");
        world.is_captured_once(id).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_is_kept_when_the_gateway_does_not_answer_and_drained_later() {
    on_each_engine("kept notice", async |database| {
        let world = World::on(database).await;
        let id = world.approved("order-1").await;
        world.far.fail(Call::Query, Fault::LostBefore);
        assert_eq!(world.hear(id, 1).await, Ok(200), "kept is enough for success");
        assert_eq!(
            (world.state(id).await, world.store.waiting_notices().await.unwrap()),
            ("requires_action", 1)
        );
        assert_eq!(world.pay.drain().await, Ok(1));
        world.is_captured_once(id).await;
        let timeline = world.view(id).await.timeline.unwrap();
        assert!(timeline.iter().any(|line| line.source == "callback" && line.evidence.len() == 64));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_genuine_changes_nothing() {
    on_each_engine("forged", async |database| {
        let world = World::on(database).await;
        let id = world.approved("order-1").await;
        let body = format!(r#"{{"payment":"{id}"}}"#);
        assert_eq!(world.hear_raw(&body, "by somebody else").await, Ok(401));
        assert_eq!(world.hear_raw("{", "by farpay").await, Ok(401));
        world.far.verifier_down(true);
        assert!(matches!(world.hear_raw(&body, "by farpay").await, Err(PayError::Unavailable(_))));
        world.far.verifier_down(false);
        assert_eq!((world.state(id).await, world.far.calls(Call::Query)), ("requires_action", 0));
        assert_eq!(world.store.waiting_notices().await.unwrap(), 0);
        let forged = ReturnParameters(vec![("state".into(), id.to_string()), ("forged".into(), "1".into())]);
        assert!(matches!(world.pay.come_back("farpay", &forged).await, Err(PayError::ReturnRefused(_))));
        assert_eq!(
            world.pay.come_back("nopay", &forged).await,
            Err(PayError::UnknownGateway("nopay".into()))
        );
        assert_eq!(world.state(id).await, "requires_action");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_database_a_gateway_is_told_to_come_again() {
    on_each_engine("no database", async |database| {
        let world = World::on(database).await;
        let id = world.approved("order-1").await;
        world.store.close().await;
        assert!(matches!(world.hear(id, 1).await, Err(PayError::Unavailable(_))));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_genuine_notice_about_an_unknown_payment_is_kept_as_a_finding() {
    on_each_engine("ghost", async |database| {
        let world = World::on(database).await;
        let ghost: PaymentId = world.ids.mint();
        assert_eq!(world.hear(ghost, 1).await, Ok(200));
        assert_eq!(world.hear_raw(r#"{"news":"of the account"}"#, "by farpay").await, Ok(200));
        assert_eq!(world.told(), ["finding ghost"]);
        assert_eq!(world.store.waiting_notices().await.unwrap(), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_amount_currency_or_receiver_is_reviewed_and_a_right_answer_still_captures() {
    on_each_engine("mismatch", async |database| {
        let world = World::on(database).await;
        let sgd = Money::from_minor(10_000, Currency::find("SGD").unwrap());
        for (order, amount, finding) in
            [("amount", usd(1_000), "amount_differs"), ("currency", sgd, "currency_differs")]
        {
            let id = world.approved(order).await;
            world.far.say(id, capture(&format!("wrong {order}"), amount));
            for nth in 0..3 {
                assert_eq!(world.hear(id, nth).await, Ok(200), "the gateway hears success all the same");
            }
            assert_eq!(world.state(id).await, "in_review");
            let fact = format!("captured_unmatched wrong {order}");
            assert_eq!(
                world.booked(id).await,
                std::slice::from_ref(&fact),
                "what the gateway holds is booked at once, once"
            );
            assert_eq!(world.told(), [format!("Mismatch {amount}"), format!("finding {finding}")]);
            world.far.say(id, capture(&format!("C-{id}"), usd(10_000)));
            world.pay.recover().await.unwrap();
            assert_eq!(world.state(id).await, "captured");
            assert_eq!(world.booked(id).await, [fact, format!("captured C-{id}")]);
            world.books.told.lock().unwrap().clear();
        }
        let id = world.approved("receiver").await;
        world.far.name_receiver("SOMEBODY ELSE");
        world.far.say(id, capture("C-other", usd(10_000)));
        world.far.list_refund("R-other", usd(10_000));
        world.hear(id, 1).await.unwrap();
        assert_eq!(world.state(id).await, "in_review");
        assert!(world.booked(id).await.is_empty(), "it is not our money");
        assert_eq!(world.told(), ["finding account_differs"], "nor is what went back of it");
        world.far.name_receiver("US");
        world.far.approve(id);
        assert_eq!(world.pay.sync(world.merchant.id, id).await.unwrap().state, "captured");
        world.is_captured_once(id).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_accounts_under_one_secret_the_one_with_the_payment_is_meant() {
    on_each_engine("twin accounts", async |database| {
        let world = World::on(database).await;
        let id = world.approved("order-1").await;
        let gateway = world.pay.accounts().find(world.account.id).unwrap().gateway.clone();
        let open = |account: GatewayAccount| OpenAccount {
            account,
            gateway: gateway.clone(),
            available: Default::default(),
        };
        let twin = GatewayAccount { id: world.ids.mint(), name: "twin".into(), ..world.account.clone() };
        world.pay.accounts().replace(vec![open(twin), open(world.account.clone())]);
        assert_eq!(world.hear(id, 1).await, Ok(200));
        world.is_captured_once(id).await;
        assert_eq!(world.told(), ["Matched USD 100.00"], "it is no stranger's");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_after_the_end_is_late_and_flagged() {
    on_each_engine("late", async |database| {
        let world = World::on(database).await;
        let id = world.start(world.order("order-1")).await.unwrap().id;
        world.clock.advance(TimeDelta::hours(2));
        world.pay.recover().await.unwrap();
        assert_eq!(world.state(id).await, "expired");
        world.far.approve(id);
        world.hear(id, 1).await.unwrap();
        assert_eq!((world.state(id).await, world.far.calls(Call::Complete)), ("expired", 0));
        world.far.say(id, capture("C-late", usd(10_000)));
        world.hear(id, 2).await.unwrap();
        let view = world.view(id).await;
        assert_eq!((view.state, view.late), ("captured", true));
        assert_eq!(world.told(), ["Late USD 100.00"]);
        assert!(world.events(id).await.contains(&"payment.late".to_owned()));
        world.far.say(id, ReportKind::Failed { code: "late".into() });
        world.hear(id, 3).await.unwrap();
        assert_eq!(world.state(id).await, "captured", "nothing is taken back");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_payment_of_one_order_is_owed_back_not_divided() {
    on_each_engine("double payment", async |database| {
        let world = World::on(database).await;
        let first = world.start(world.order("order-1")).await.unwrap().id;
        world.pay.cancel(world.merchant.id, first, Default::default()).await.unwrap();
        let second = world.start(world.order("order-1")).await.unwrap().id;
        world.far.say(first, capture("C-first", usd(10_000)));
        world.far.say(second, capture("C-second", usd(10_000)));
        // Both arrive at once: exactly one of them settles the order.
        let (one, other) = tokio::join!(world.hear(first, 1), world.hear(second, 1));
        assert_eq!((one, other), (Ok(200), Ok(200)));
        world.pay.drain().await.unwrap();
        let booked = [world.booked(first).await, world.booked(second).await].concat();
        let twice = booked.iter().filter(|line| line.starts_with("captured_twice")).count();
        let divided = booked.iter().filter(|line| line.starts_with("captured ")).count();
        assert_eq!((twice, divided), (1, 1), "{booked:?}");
        assert_eq!((world.state(first).await, world.state(second).await), ("captured", "captured"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_states_another_amount_takes_no_money_and_a_right_answer_still_does() {
    on_each_engine("stated amounts", async |database| {
        let world = World::on(database).await;
        let id = world.approved("order-1").await;
        let stated = |cents: i64| format!(r#"{{"payment":"{id}","cents":{cents}}}"#);
        assert_eq!(world.hear_raw(&stated(1), "by farpay").await, Ok(200), "the sender hears success");
        assert_eq!((world.state(id).await, world.far.calls(Call::Query)), ("in_review", 0));
        assert_eq!(world.told(), ["finding amount_differs"]);
        assert_eq!(world.store.waiting_notices().await.unwrap(), 0, "it is kept and settled");
        assert_eq!(world.hear_raw(&stated(10_000), "by farpay").await, Ok(200));
        world.is_captured_once(id).await;
        assert_eq!(world.hear_raw(&stated(2), "by farpay").await, Ok(200));
        world.is_captured_once(id).await;
        let findings = world.told().into_iter().filter(|told| told == "finding amount_differs").count();
        assert_eq!(findings, 2, "after the capture it is a finding and no change of state");
        let timeline = world.view(id).await.timeline.unwrap();
        assert_eq!(timeline.iter().filter(|line| line.report == "amount_differs").count(), 2);
    })
    .await;
}
