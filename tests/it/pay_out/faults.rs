//! Whatever happens between two steps: none is sent twice.

use std::time::Duration;

use chrono::TimeDelta;
use straits::domain::findings::FindingKind;
use straits::domain::ledger::AccountCode;
use straits::domain::payouts::PayoutStatus;
use straits::flows::pay_out::Word;
use straits::store::Change;

use straits::domain::payouts::PayoutReport;
use straits::gateways::PayoutBatchReport;

use super::far::Goes;
use super::money;
use super::world::{From, Treasury};
use crate::engines::{TestDatabase, on_each_engine};
use crate::money_flows::world::{Setup, World};

async fn treasury(database: &TestDatabase, limit: usize) -> Treasury {
    let store = database.open().await;
    let world = World::on(&store, &database.clock, Setup::default()).await;
    Treasury::on(world, "paypal", From::PayPal, "USD", limit).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_went_wrong_is_asked_about_or_made_again_but_never_twice() {
    on_each_engine("payout faults", async |database| {
        for (goes, calls, ends) in [
            (Goes::LostAfter, 1, "completed"),
            (Goes::NotSent, 2, "completed"),
            (Goes::Short, 2, "completed"),
            (Goes::Refused, 1, "partially_failed"),
        ] {
            let treasury = treasury(database, 10).await;
            treasury.crowd(3, "100.00").await;
            treasury.rail.plan(&[goes]);
            let plan = treasury.executing().await;
            let _ = treasury.paying.carry_out(plan).await;
            database.tick(TimeDelta::minutes(5));
            treasury.paying.recover().await.unwrap();
            treasury.works(plan).await;
            assert_eq!((treasury.rail.calls(), treasury.state(plan).await), (calls, ends), "{goes:?}");
            treasury.once(plan).await;
            if goes == Goes::Refused {
                let standing = treasury.world.standing().await;
                assert!(!standing.keys().any(|account| account.starts_with("2140")), "{standing:?}");
            }
            treasury.world.store.close().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_arrived_is_a_persons_matter_and_is_not_sent_again() {
    on_each_engine("payout unknown", async |database| {
        let treasury = treasury(database, 10).await;
        treasury.crowd(2, "100.00").await;
        treasury.rail.plan(&[Goes::LostBefore]);
        let plan = treasury.executing().await;
        treasury.paying.carry_out(plan).await.unwrap_err();
        assert_eq!(treasury.states(plan).await.get("unknown"), Some(&2));
        for round in 0..20 {
            // It does not answer, then it knows nothing of it.
            treasury.rail.silent(round < 10);
            database.tick(TimeDelta::minutes(30));
            treasury.paying.recover().await.unwrap();
        }
        let finding = treasury.world.finding(FindingKind::PayoutUnknown).await;
        assert!(finding.fact.starts_with("pob_"), "{finding:?}");
        assert_eq!(treasury.world.findings().await.len(), 1);
        assert_eq!((treasury.rail.calls(), treasury.state(plan).await), (1, "executing"));
        assert!(treasury.rail.questions() >= 10, "{}", treasury.rail.questions());
        // It cannot be stopped: it may have been paid.
        let payout = treasury.payouts(plan).await.remove(0);
        assert!(treasury.paying.stop(payout.merchant, payout.id, Change::new()).await.is_err());
        treasury.world.verified().await;
        treasury.world.store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_in_the_call_is_asked_about_by_the_next_run() {
    on_each_engine("payout deaths", async |database| {
        for (goes, ends) in [(Goes::StuckAfter, "completed"), (Goes::StuckBefore, "executing")] {
            let treasury = treasury(database, 10).await;
            treasury.crowd(2, "100.00").await;
            treasury.rail.plan(&[goes]);
            let plan = treasury.executing().await;
            let work = treasury.paying.carry_out(plan);
            assert!(tokio::time::timeout(Duration::from_millis(1_500), work).await.is_err());
            assert_eq!(treasury.states(plan).await.get("held"), Some(&2));
            let next = treasury.beside(true);
            database.tick(TimeDelta::minutes(5));
            next.recover().await.unwrap();
            treasury.works(plan).await;
            assert_eq!((treasury.rail.calls(), treasury.state(plan).await), (1, ends), "{goes:?}");
            if ends == "completed" {
                treasury.once(plan).await;
            }
            treasury.world.store.close().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_instances_at_one_plan_pay_everybody_once() {
    on_each_engine("payout race", async |database| {
        let treasury = treasury(database, 3).await;
        treasury.crowd(20, "100.00").await;
        let plan = treasury.executing().await;
        let (one, two) = (treasury.beside(false), treasury.beside(false));
        let racing = |paying: straits::flows::pay_out::PayingOut| {
            tokio::spawn(async move {
                for _ in 0..3 {
                    let _ = paying.carry_out(plan).await;
                    let _ = paying.recover().await;
                }
            })
        };
        let (first, second) = (racing(one), racing(two));
        first.await.unwrap();
        second.await.unwrap();
        treasury.works(plan).await;
        assert_eq!((treasury.rail.calls(), treasury.state(plan).await), (7, "completed"));
        assert_eq!(treasury.payouts(plan).await.len(), 20);
        treasury.once(plan).await;
        treasury.world.store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_sent_can_be_stopped_and_progress_shows_it() {
    on_each_engine("payout stop", async |database| {
        let treasury = treasury(database, 2).await;
        treasury.crowd(6, "100.00").await;
        // There is too little on the account for any of them.
        let plan = treasury.executing().await;
        let first = {
            treasury.rail.plan(&[Goes::Short, Goes::Short, Goes::Short]);
            let _ = treasury.paying.carry_out(plan).await;
            treasury.payouts(plan).await.remove(0)
        };
        let merchant = treasury.world.merchant.id;
        let stopped = treasury.paying.stop(merchant, first.id, Change::new()).await.unwrap();
        assert_eq!(stopped.state.as_str(), "failed");
        // One batch goes, then the rest of the plan is stopped.
        let batch = treasury.world.store.payout_batches_of(plan).await.unwrap().remove(0);
        treasury.paying.send(batch.value.id).await.unwrap();
        treasury.say(treasury.world.checker, plan, Word::Cancel).await.unwrap();
        let view = treasury.paying.show(merchant, plan).await.unwrap();
        let progress = &view["progress"];
        assert_eq!(
            (&progress["sent"], &progress["failed"], &progress["waiting"]),
            (&1.into(), &5.into(), &0.into())
        );
        treasury.works(plan).await;
        assert_eq!(treasury.state(plan).await, "partially_failed");
        let standing = treasury.world.standing().await;
        assert!(!standing.keys().any(|account| account.starts_with("2140")), "{standing:?}");
        treasury.once(plan).await;
        treasury.world.store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_news_twice_and_news_that_cannot_be_move_nothing() {
    on_each_engine("payout news", async |database| {
        let treasury = treasury(database, 10).await;
        treasury.crowd(1, "100.00").await;
        let plan = treasury.sent().await;
        let payout = treasury.payout(plan).await;
        let fee = Some(money("2.00", "USD"));
        let paid = PayoutStatus::Paid { debited: money("100.00", "USD") };
        for _ in 0..3 {
            treasury.rail.say(payout.id, paid.clone(), fee);
            treasury.paying.ask(payout.batch).await.unwrap();
        }
        let before = treasury.world.standing().await;
        assert_eq!(before.get("5020[paypal] USD").map(String::as_str), Some("2.00"));
        let failed = PayoutStatus::Failed { code: "X".into(), reason: "no".into() };
        for strange in [failed, PayoutStatus::Unknown { raw: "MAYBE".into() }, PayoutStatus::Pending] {
            treasury.rail.say(payout.id, strange, fee);
            treasury.paying.ask(payout.batch).await.unwrap();
            treasury.paying.ask(payout.batch).await.unwrap();
        }
        assert_eq!(treasury.world.standing().await, before);
        assert_eq!(treasury.world.findings().await.len(), 1);
        treasury.world.finding(FindingKind::PayoutDiffers).await;
        treasury.once(plan).await;

        // Unclaimed is taken back at a word, and is the supplier's again.
        let supplier = treasury.join("late").await;
        treasury.fund(AccountCode::SUPPLIER_AVAILABLE, supplier, "50.00").await;
        let plan = treasury.sent().await;
        let payout = treasury.payout(plan).await;
        treasury.rail.say(payout.id, PayoutStatus::Unclaimed { debited: money("50.00", "USD") }, None);
        treasury.paying.ask(payout.batch).await.unwrap();
        assert_eq!(treasury.state(plan).await, "executing");
        let back = treasury.paying.stop(payout.merchant, payout.id, Change::new()).await.unwrap();
        assert_eq!((back.state.as_str(), treasury.rail.taken_back()), ("returned", vec![payout.id]));
        assert_eq!(treasury.state(plan).await, "partially_failed");
        treasury.world.verified().await;
        treasury.world.store.close().await;
    })
    .await;
}

/// A rail that speaks of somebody whom it was not asked to pay.
#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_is_none_of_the_batch_is_told_once() {
    on_each_engine("payout stranger", async |database| {
        let treasury = treasury(database, 10).await;
        treasury.crowd(1, "100.00").await;
        let plan = treasury.sent().await;
        let batch = treasury.world.store.payout_batches_of(plan).await.unwrap().remove(0).value;
        let stranger = PayoutReport {
            payout: treasury.world.ids.mint(),
            rail_ref: None,
            status: PayoutStatus::Paid { debited: money("100.00", "USD") },
            stated: None,
            fee: None,
            at: treasury.world.clock.now(),
        };
        let report = PayoutBatchReport { rail_ref: None, payouts: vec![stranger.clone()] };
        let before = treasury.world.standing().await;
        for _ in 0..2 {
            treasury.paying.apply(&batch, &report).await.unwrap();
        }
        assert_eq!(treasury.world.standing().await, before);
        let finding = treasury.world.finding(FindingKind::PayoutDiffers).await;
        assert_eq!((finding.fact, treasury.world.findings().await.len()), (stranger.payout.to_string(), 1));
        treasury.world.store.close().await;
    })
    .await;
}

/// Nobody is paid over whom a hold was placed before the call was made, though it was tried before.
#[tokio::test(flavor = "multi_thread")]
async fn a_hold_between_two_tries_keeps_the_money_here() {
    on_each_engine("payout held between tries", async |database| {
        let treasury = treasury(database, 10).await;
        let suppliers = treasury.crowd(2, "100.00").await;
        treasury.rail.plan(&[Goes::NotSent]);
        let plan = treasury.executing().await;
        let _ = treasury.paying.carry_out(plan).await;
        assert_eq!(treasury.states(plan).await, [("held", 2)].into());
        treasury.terms(suppliers[0], r#"{"holds":[{"code":"sanctions"}]}"#).await;
        database.tick(TimeDelta::minutes(5));
        treasury.paying.recover().await.unwrap();
        treasury.works(plan).await;
        assert_eq!(treasury.states(plan).await, [("failed", 1), ("paid", 1)].into());
        let barred = treasury.payouts(plan).await.into_iter().find(|payout| payout.supplier == suppliers[0]);
        assert!(format!("{:?}", barred.unwrap().state).contains("sanctions"));
        assert_eq!((treasury.state(plan).await, treasury.rail.taken().len()), ("partially_failed", 1));
        treasury.once(plan).await;
        treasury.world.store.close().await;
    })
    .await;
}

/// Two instances have read one batch, and a hold is placed between them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_one_sender_gave_up_the_other_does_not_send() {
    on_each_engine("payout held between two", async |database| {
        let treasury = treasury(database, 10).await;
        let suppliers = treasury.crowd(2, "100.00").await;
        treasury.rail.plan(&[Goes::NotSent]);
        let plan = treasury.executing().await;
        let _ = treasury.paying.carry_out(plan).await;
        let batch = treasury.world.store.payout_batches_of(plan).await.unwrap().remove(0).value.id;
        let sending = async || {
            let (heard, word) = treasury.rail.gate();
            let paying = treasury.beside(false);
            let work = tokio::spawn(async move { paying.send(batch).await });
            tokio::task::block_in_place(|| heard.recv_timeout(Duration::from_secs(30))).unwrap();
            (work, word)
        };
        let (first, go_first) = sending().await;
        treasury.terms(suppliers[0], r#"{"holds":[{"code":"sanctions"}]}"#).await;
        let (second, go_second) = sending().await;
        assert_eq!(treasury.states(plan).await, [("failed", 1), ("held", 1)].into());
        go_first.send(()).unwrap();
        first.await.unwrap().unwrap();
        assert_eq!(treasury.rail.taken().len(), 0, "it still had the one who is held");
        go_second.send(()).unwrap();
        second.await.unwrap().unwrap();
        assert_eq!((treasury.rail.calls(), treasury.rail.taken().len()), (2, 1));
        treasury.works(plan).await;
        assert_eq!(treasury.states(plan).await, [("failed", 1), ("paid", 1)].into());
        treasury.once(plan).await;
        treasury.world.store.close().await;
    })
    .await;
}
