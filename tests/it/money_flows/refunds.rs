//! Refunds: never more than was captured, never twice, and undone to the cent when they fail.

use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::join_all;
use straits::domain::orders::{IntentKind, Outcome, ReportKind};
use straits::flows::refund::{RefundFlowError, RefundInput};
use straits::money::Money;
use straits::store::Change;

use super::far::Pays;
use super::world::{Setup, World, money, taken};
use super::{FORTY, ONE, one, two};
use crate::engines::on_each_engine;

/// A refund of one-supplier payments in full, the supplier bearing the fee the gateway keeps (J10).
const GONE: &[(&str, &str)] = &[
    ("1110[paypal] USD", "-4.90"),
    ("1200[A] USD", "4.90"),
    ("5000[paypal] USD", "4.90"),
    ("5005[paypal] USD", "-4.90"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refunds_side_by_side_never_exceed_what_was_captured() {
    on_each_engine("refunds_side_by_side_never_exceed_what_was_captured", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let payment = one(&world, "crowd").await;
        let asks = (0..8).map(|_| {
            let (refunding, merchant, id) = (world.refunding.clone(), world.merchant.id, world.ids.mint());
            let input: RefundInput = serde_json::from_str(FORTY).unwrap();
            tokio::spawn(async move { refunding.request(merchant, payment, id, &input, Change::new()).await })
        });
        let answers = join_all(asks).await.into_iter().map(Result::unwrap);
        let (made, refused): (Vec<_>, Vec<_>) = answers.partition(Result::is_ok);
        assert_eq!((made.len(), refused.len()), (2, 6));
        for refusal in refused {
            assert_eq!(refusal.unwrap_err().code(), "refund_exceeds_captured");
        }
        assert_eq!(world.far.paid_back(), [4_000, 4_000]);
        assert_eq!(world.state(payment).await, "partially_refunded");
        // What is left goes, and then there is nothing.
        assert_eq!(world.refund(payment, "{}").await.unwrap().amount, money("20.00", "USD"));
        assert_eq!(world.state(payment).await, "refunded");
        assert_eq!(world.refund(payment, "{}").await.unwrap_err().code(), "refund_exceeds_captured");
        world.stands(GONE).await;
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_outcome_is_asked_about_and_paid_once() {
    on_each_engine("an_unknown_outcome_is_asked_about_and_paid_once", async |database| {
        let store = database.open().await;
        // What goes wrong, how often the far side is called in all, and whether it had paid before it was asked.
        for (fault, calls, paid) in
            [(Pays::LostAfter, 1, true), (Pays::LostBefore, 2, false), (Pays::NotSent, 2, false)]
        {
            let world = World::on(&store, &database.clock, Setup::default()).await;
            let payment = one(&world, "lost").await;
            world.far.plan(&[fault]);
            let refund = world.refund(payment, "{}").await.unwrap();
            assert_eq!((refund.state.as_str(), world.far.paid_back().len()), ("pending", usize::from(paid)));
            assert_eq!(world.refund(payment, FORTY).await.unwrap_err().code(), "refund_exceeds_captured");
            world.verified().await;
            world.refunding.recover().await.unwrap();
            world.refunding.recover().await.unwrap();
            let refund = world.refunding.get(world.merchant.id, refund.id).await.unwrap();
            assert_eq!((refund.state.as_str(), world.far.calls()), ("succeeded", calls), "{fault:?}");
            assert_eq!(world.far.paid_back(), [10_000], "{fault:?}");
            assert_eq!(world.state(payment).await, "refunded");
            world.sync(payment).await;
            world.stands(GONE).await;
        }
        // Past the time for which a gateway knows a call again, nothing is sent any more: a person must look.
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let payment = one(&world, "forgotten").await;
        world.far.plan(&[Pays::LostBefore]);
        world.refund(payment, "{}").await.unwrap();
        database.tick(TimeDelta::hours(7));
        world.refunding.recover().await.unwrap();
        assert_eq!((world.far.calls(), world.far.paid_back().len()), (1, 0));
        world.verified().await;
        store.close().await;
    })
    .await;
}

/// Nobody may have an answer to a call whose end a notice has told already: it is not made again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_changes_nothing_of_what_a_notice_has_told_before_it() {
    on_each_engine("a_lost_answer_changes_nothing_of_what_a_notice_has_told_before_it", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let payment = one(&world, "overtaken").await;
        world.far.plan(&[Pays::LostAfter]);
        let answer = world.far.holds_answer();
        let told = async {
            while world.far.paid_back().is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            world.hear(payment).await;
            answer.notify_one();
        };
        let (refund, ()) = tokio::join!(world.refund(payment, "{}"), told);
        assert_eq!(refund.unwrap().state.as_str(), "succeeded");
        let intents = store.intents_of(payment).await.unwrap();
        let call = intents.iter().find(|intent| matches!(intent.value.kind, IntentKind::Refund(_))).unwrap();
        assert_eq!((call.value.outcome, call.value.lease), (Outcome::Done, None));
        world.refunding.recover().await.unwrap();
        assert_eq!((world.far.calls(), world.far.paid_back()), (1, vec![10_000]));
        world.stands(GONE).await;
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_definite_no_undoes_the_decision_to_the_cent() {
    on_each_engine("a_definite_no_undoes_the_decision_to_the_cent", async |database| {
        let store = database.open().await;
        let world =
            World::on(&store, &database.clock, Setup { suppliers: ["SGD", "SGD"], ..Setup::default() }).await;
        let payment = two(&world, "no").await;
        let before = world.standing().await;
        world.far.plan(&[Pays::Refused("CAPTURE_FULLY_REFUNDED")]);
        let refund = world
            .refund(
                payment,
                r#"{"allocation":[{"supplier":"B","amount":{"amount":"33.33","currency":"SGD"}}]}"#,
            )
            .await
            .unwrap();
        assert_eq!(refund.state.as_str(), "failed");
        assert_eq!(world.standing().await, before);
        assert_eq!(world.state(payment).await, "captured");
        world.verified().await;
        // Nothing of it counts: the whole can still go back.
        let whole = world.refund(payment, "{}").await.unwrap();
        assert_eq!(whole.amount, money("250.00", "SGD"));
        world.stands(&[("1110[paypal] SGD", "-9.75"), ("5000[paypal] SGD", "9.75")]).await;
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_balance_too_small_waits_for_funds_and_is_asked_again() {
    on_each_engine("a_balance_too_small_waits_for_funds_and_is_asked_again", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let payment = one(&world, "short").await;
        world.far.plan(&[Pays::Short, Pays::Short]);
        let refund = world.refund(payment, "{}").await.unwrap();
        assert_eq!(refund.state.as_str(), "awaiting_funds");
        assert_eq!(world.standing().await.get("2020[paypal] USD").map(String::as_str), Some("-100.00"));
        let (events, _) =
            store.events(world.merchant.id, Some(&refund.id.to_string()), None, 10).await.unwrap();
        assert_eq!(events.first().map(|event| event.kind.as_str()), Some("refund.awaiting_funds"));
        world.refunding.recover().await.unwrap();
        assert_eq!((world.far.calls(), world.far.paid_back().len()), (2, 0));
        world.verified().await;
        // Takings of the next day, long after any other call would be given up.
        database.tick(TimeDelta::hours(20));
        world.refunding.recover().await.unwrap();
        assert_eq!((world.far.calls(), world.far.paid_back()), (3, vec![10_000]));
        assert_eq!(world.state(payment).await, "refunded");
        world.stands(GONE).await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_that_takes_time_is_known_by_the_gateways_id() {
    on_each_engine("a_refund_that_takes_time_is_known_by_the_gateways_id", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let payment = one(&world, "slow").await;
        world.far.plan(&[Pays::Later]);
        let refund = world.refund(payment, FORTY).await.unwrap();
        assert_eq!((refund.state.as_str(), refund.refund_ref), ("pending", Some(format!("R-{}", refund.id))));
        assert_eq!(store.unknown_intents().await.unwrap(), 0);
        world.sync(payment).await;
        assert_eq!(world.state(payment).await, "captured");
        world.far.pay_out();
        world.sync(payment).await;
        world.sync(payment).await;
        assert_eq!(
            world.refunding.get(world.merchant.id, refund.id).await.unwrap().state.as_str(),
            "succeeded"
        );
        assert_eq!(world.state(payment).await, "partially_refunded");
        assert!(world.findings().await.is_empty());
        assert_eq!(world.far.calls(), 1);
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fee_that_comes_back_goes_to_whoever_had_borne_it() {
    on_each_engine("a_fee_that_comes_back_goes_to_whoever_had_borne_it", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let payment = one(&world, "fee").await;
        world.far.returns_fee(money("4.90", "USD"));
        world.refund(payment, "{}").await.unwrap();
        world.stands(&[]).await;
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_falls_on_nobody_by_chance_and_on_no_stranger() {
    on_each_engine("a_refund_falls_on_nobody_by_chance_and_on_no_stranger", async |database| {
        let store = database.open().await;
        let world =
            World::on(&store, &database.clock, Setup { suppliers: ["SGD", "SGD"], ..Setup::default() }).await;
        let payment = two(&world, "mixed").await;
        for (input, code) in [
            (r#"{"amount":{"amount":"10.00","currency":"SGD"}}"#, "allocation_required"),
            (r#"{"items":["c"]}"#, "refund_invalid"),
            (r#"{"items":["a"],"amount":{"amount":"1.00","currency":"SGD"}}"#, "refund_invalid"),
            (r#"{"amount":{"amount":"250.01","currency":"SGD"}}"#, "refund_exceeds_captured"),
            (r#"{"amount":{"amount":"10.00","currency":"USD"}}"#, "refund_invalid"),
            (r#"{"amount":{"amount":"0.00","currency":"SGD"}}"#, "refund_invalid"),
            (r#"{"fx_difference":"customer"}"#, "fx_difference_invalid"),
        ] {
            assert_eq!(world.refund(payment, input).await.unwrap_err().code(), code, "{input}");
        }
        let open = world.start("open", money("1.00", "SGD"), "{}").await;
        assert_eq!(world.refund(open, "{}").await.unwrap_err().code(), "payment_not_captured");
        // Another merchant knows neither the payment nor its refund.
        let other = World::on(&store, &database.clock, Setup::default()).await;
        assert!(matches!(other.refund(payment, "{}").await, Err(RefundFlowError::Unknown("payment"))));
        let refund = world.refund(payment, r#"{"items":["b"]}"#).await.unwrap();
        let seen = other.refunding.get(other.merchant.id, refund.id).await;
        assert!(matches!(seen, Err(RefundFlowError::Unknown("refund"))));
        // Many small refunds of one part take exactly that part.
        let taken: Vec<Money> = join_all((0..3).map(|_| {
            world.refund(
                payment,
                r#"{"allocation":[{"supplier":"A","amount":{"amount":"50.00","currency":"SGD"}}]}"#,
            )
        }))
        .await
        .into_iter()
        .map(|refund| refund.unwrap().amount)
        .collect();
        assert_eq!(taken, [money("50.00", "SGD"); 3]);
        world.stands(&[("1110[paypal] SGD", "-9.75"), ("5000[paypal] SGD", "9.75")]).await;
        assert_eq!(world.state(payment).await, "refunded");
        store.close().await;
    })
    .await;
}

/// Money that came after its payment had lapsed is found on the ladder, booked as usual, flagged, and can go back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_that_came_late_can_go_back() {
    on_each_engine("money_that_came_late_can_go_back", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let id = world.start("late", money("100.00", "USD"), ONE).await;
        database.tick(TimeDelta::hours(4));
        world.pay.climb("paypal", &store).await.unwrap();
        assert_eq!(world.state(id).await, "expired");
        world.far.say(id, ReportKind::Captured(taken("C-late", "100.00", "USD", "4.90")));
        // A flow that nobody configured looks once a day.
        database.tick(TimeDelta::hours(25));
        let climbed = world.pay.climb("paypal", &store).await.unwrap();
        assert_eq!((climbed.asked, world.state(id).await), (1, "captured"));
        assert!(world.payment(id).await.state.taken().unwrap().late);
        world.verified().await;
        assert_eq!(world.refund(id, "{}").await.unwrap().state.as_str(), "succeeded");
        assert_eq!(world.state(id).await, "refunded");
        world.stands(GONE).await;
        world.verified().await;
        store.close().await;
    })
    .await;
}
