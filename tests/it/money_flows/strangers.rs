//! Money that a bill tells of before anybody knows whose it is: set aside at once, and a payment's own as soon as the
//! gateway says so, once.

use chrono::TimeDelta;
use straits::domain::findings::{Action, FindingKind};
use straits::domain::orders::ReportKind;
use straits::domain::reconciliation::{BillKind, BillLine, LineHash};

use super::bills::{day, line, movement, noon, run, told};
use super::world::{Setup, World, money, taken};
use super::{ONE, one};
use crate::engines::on_each_engine;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strangers_money_is_booked_although_a_payment_asks_for_as_much() {
    on_each_engine("a_strangers_money_is_booked", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        // The shopper has not paid; somebody has paid as much past us.
        let unpaid = world.start("unpaid", money("100.00", "USD"), ONE).await;
        world.far.bill(line("stranger", |_| {}));
        let (ended, items) = run(&world, day()).await;
        assert_eq!((told(&items), ended.open), (vec![("paid_unknown_here", "waits")], 1));
        let stands =
            [("1110[paypal] USD", "95.10"), ("2900[paypal] USD", "-100.00"), ("5000[paypal] USD", "4.90")];
        world.stands(&stands).await;
        let findings = world.findings().await;
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!((findings[0].kind, &findings[0].payment), (FindingKind::PaidUnknownHere, &None));
        assert!(findings[0].detail.contains(&format!("{unpaid}: requires_action")), "{findings:?}");
        assert_eq!(world.state(unpaid).await, "requires_action");
        let (ended, items) = run(&world, day()).await;
        assert_eq!((told(&items), ended.matched), (vec![], 1), "once");
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_capture_that_a_bill_told_of_first_is_divided_as_any_other() {
    on_each_engine("a_capture_that_a_bill_told_of_first", async |database| {
        let store = database.open().await;
        for (fee, billed) in [("4.90", "4.90"), ("0.00", "0.00"), ("4.90", "4.70")] {
            let capture = || taken("CAP-late", "100.00", "USD", fee);
            let normal = World::on(&store, &database.clock, Setup::default()).await;
            normal.paid("late", money("100.00", "USD"), ONE, capture()).await;
            let expected = normal.standing().await;

            let world = World::on(&store, &database.clock, Setup::default()).await;
            let late = world.start("late", money("100.00", "USD"), ONE).await;
            // The bill is ahead of the gateway's own answers.
            world.far.bill(line("late", |facts| facts.fee = money(billed, "USD")));
            let (_, items) = run(&world, day()).await;
            assert_eq!(told(&items), [("paid_unknown_here", "waits")]);
            world.far.say(late, ReportKind::Captured(capture()));
            world.hear(late).await;
            assert_eq!(world.state(late).await, "captured");
            assert_eq!(world.standing().await, expected, "{fee} {billed}");
            assert_eq!(world.findings().await, [], "{fee} {billed}");
            let all = store
                .findings(
                    world.merchant.id,
                    straits::store::findings::FindingFilter::default(),
                    straits::store::Seek::Start,
                    10,
                )
                .await
                .unwrap();
            let reason = serde_json::to_string(&all[0].state).unwrap();
            assert!(reason.contains(&late.to_string()), "{reason}");
            world.hear(late).await;
            let (ended, items) = run(&world, day()).await;
            let differs: &[(&str, &str)] = if fee == billed { &[] } else { &[("fee", "waits")] };
            assert_eq!((told(&items), ended.lines), (differs.to_vec(), 1), "{fee} {billed}");
            // What went back of it finds the payment by its capture.
            let mut back = movement("R-1", BillKind::Refund, "-40.00").into_facts();
            back.related_ref = Some("CAP-late".into());
            world.far.bill(BillLine::try_new(back).unwrap());
            run(&world, day()).await;
            let found = world.finding(FindingKind::RefundElsewhere).await;
            assert_eq!(found.payment, Some(late.to_string()));
            world.verified().await;
        }
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_capture_whose_money_was_decided_about_is_not_booked_twice() {
    on_each_engine("a_capture_whose_money_was_decided_about", async |database| {
        let store = database.open().await;
        for fee in ["4.90", "0.00"] {
            let world = World::on(&store, &database.clock, Setup::default()).await;
            let late = world.start("late", money("100.00", "USD"), ONE).await;
            world.far.bill(line("late", |facts| facts.fee = money(fee, "USD")));
            run(&world, day()).await;
            world.resolve(&world.finding(FindingKind::PaidUnknownHere).await, Action::Adopt).await;
            let before = world.standing().await;
            assert_eq!(before["5030 USD"], "-100.00");
            world.far.say(late, ReportKind::Captured(taken("CAP-late", "100.00", "USD", fee)));
            world.hear(late).await;
            world.hear(late).await;
            assert_eq!((world.state(late).await, world.standing().await), ("captured", before));
            let findings = world.findings().await;
            assert_eq!(findings.len(), 1, "{findings:?}");
            assert_eq!(
                (findings[0].kind, &findings[0].payment),
                (FindingKind::Indivisible, &Some(late.to_string()))
            );
            let (_, items) = run(&world, day()).await;
            assert_eq!(told(&items), []);
            // Nothing stands aside for it: a person looks, and writes a journal.
            world.word(world.maker, &findings[0], Action::Dismiss).await.unwrap();
            world.verified().await;
        }
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_bill_told_of_first_and_does_not_match_is_the_payments_to_decide() {
    on_each_engine("what_a_bill_told_of_first_and_does_not_match", async |database| {
        let store = database.open().await;
        for action in [Action::Adopt, Action::SendBack] {
            let world = World::on(&store, &database.clock, Setup::default()).await;
            world.far.bill(line("less", |_| {}));
            run(&world, day()).await;
            let less = world.start("less", money("120.00", "USD"), ONE).await;
            world.far.say(less, ReportKind::Captured(taken("CAP-less", "100.00", "USD", "4.90")));
            world.hear(less).await;
            assert_eq!(world.state(less).await, "in_review");
            let stands = [
                ("1110[paypal] USD", "95.10"),
                ("2900[paypal] USD", "-100.00"),
                ("5000[paypal] USD", "4.90"),
            ];
            world.stands(&stands).await;
            let findings = world.findings().await;
            assert_eq!(findings.len(), 1, "{findings:?}");
            assert_eq!(findings[0].kind, FindingKind::AmountDiffers);
            world.resolve(&findings[0], action).await;
            let standing = world.standing().await;
            assert_eq!(standing.get("2900[paypal] USD"), None, "{standing:?}");
            match action {
                Action::Adopt => assert_eq!(world.state(less).await, "captured"),
                _ => assert_eq!(world.far.paid_back(), [10_000]),
            }
            world.verified().await;
        }
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_does_not_answer_leaves_no_finding_but_a_day_to_repeat() {
    on_each_engine("a_gateway_that_does_not_answer_leaves_no_finding", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        one(&world, "amount").await;
        let ghost = world.start("ghost", money("100.00", "USD"), ONE).await;
        world.far.say(ghost, ReportKind::Captured(taken("CAP-ghost", "100.00", "USD", "4.90")));
        world.far.bill(line("ghost", |facts| facts.our_ref = Some(ghost.to_string())));
        world.far.bill(line("amount", |facts| facts.gross = money("99.99", "USD")));
        world.far.bill(movement("OUT", BillKind::Adjustment, "-3.00"));
        world.far.be_silent(true);
        let open = world.pay.accounts().all()[0].clone();
        let ended = world.reconciling.day(open.clone(), day()).await.unwrap();
        assert_eq!(ended.state, "failed", "{ended:?}");
        assert!(ended.detail.unwrap().contains("did not answer"));
        // What needs no answer is settled all the same.
        let kinds: Vec<_> = world.findings().await.iter().map(|finding| finding.kind).collect();
        assert_eq!(kinds, [FindingKind::UnknownMovement]);
        assert_eq!(world.standing().await["2900[paypal] USD"], "3.00");
        world.far.be_silent(false);
        let (_, items) = run(&world, day()).await;
        assert_eq!(told(&items), [("amount", "waits"), ("paid_unknown_here", "automatic")]);
        assert_eq!(world.state(ghost).await, "captured");
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finding_that_the_bill_says_paid_is_closed_by_the_capture() {
    on_each_engine("a_finding_that_the_bill_says_paid_is_closed", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let late = world.start("late", money("100.00", "USD"), ONE).await;
        world.far.bill(line("late", |facts| facts.our_ref = Some(late.to_string())));
        let (_, items) = run(&world, day()).await;
        assert_eq!(told(&items), [("paid_unknown_here", "waits")]);
        let finding = world.finding(FindingKind::BillStatus).await;
        world.far.say(late, ReportKind::Captured(taken("CAP-late", "100.00", "USD", "4.90")));
        world.hear(late).await;
        assert_eq!(world.state(late).await, "captured");
        assert_eq!(world.findings().await, []);
        let closed = store.finding(world.merchant.id, finding.id).await.unwrap().unwrap().value;
        let closed = serde_json::to_string(&closed.state).unwrap();
        assert!(closed.contains(&late.to_string()), "{closed}");
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_movements_of_one_reference_stand_aside_each_by_itself() {
    on_each_engine("unknown_movements_of_one_reference", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        for (hash, amount) in [(1, "-3.00"), (2, "2.00")] {
            let mut facts = movement("SAME", BillKind::Adjustment, amount).into_facts();
            facts.hash = LineHash([hash; 32]);
            world.far.bill(BillLine::try_new(facts).unwrap());
        }
        let (_, items) = run(&world, day()).await;
        assert_eq!(told(&items), [("unknown_movement", "waits"); 2]);
        world.stands(&[("1110[paypal] USD", "-1.00"), ("2900[paypal] USD", "1.00")]).await;
        let findings = world.findings().await;
        let facts: Vec<&str> = findings.iter().map(|finding| finding.fact.as_str()).collect();
        assert_eq!(facts, ["SAME", "SAME/0202020202020202"]);
        let (ended, items) = run(&world, day()).await;
        assert_eq!((told(&items), ended.matched), (vec![], 2), "read again, both are known");
        world.resolve(&findings[1], Action::Adopt).await;
        world
            .stands(&[("1110[paypal] USD", "-1.00"), ("2900[paypal] USD", "3.00"), ("5030 USD", "-2.00")])
            .await;
        world.resolve(&findings[0], Action::Adopt).await;
        world.stands(&[("1110[paypal] USD", "-1.00"), ("5030 USD", "1.00")]).await;
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateways_clock_may_be_behind_a_little() {
    on_each_engine("a_gateways_clock_may_be_behind_a_little", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let ghost = world.start("ghost", money("100.00", "USD"), ONE).await;
        world.far.say(ghost, ReportKind::Captured(taken("CAP-ghost", "100.00", "USD", "4.90")));
        world.far.bill(line("ghost", |facts| facts.at = noon() - TimeDelta::minutes(4)));
        let (_, items) = run(&world, day()).await;
        assert_eq!(told(&items), [("paid_unknown_here", "flagged")]);
        assert_eq!(world.state(ghost).await, "captured");
        world.verified().await;
        store.close().await;
    })
    .await;
}
