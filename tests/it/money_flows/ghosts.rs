//! Money that a bill alone tells of: given to the payment it was meant for, or sent back to whoever paid it.

use sqlx::AssertSqlSafe;
use straits::domain::findings::{Action, Finding, FindingKind};
use straits::domain::orders::ReportKind;
use straits::domain::reconciliation::BillKind;
use straits::flows::findings::ResolveError;
use straits::ids::PaymentId;
use straits::store::VerifyOptions;

use super::bills::{day, line, movement, run, told};
use super::far::Pays;
use super::world::{Setup, World, money, taken};
use super::{ONE, one};
use crate::engines::on_each_engine;

/// A bill tells of 100.00 under `CAP-ghost`, with a fee of 4.90.
async fn ghost(world: &World) -> Finding {
    world.far.bill(line("ghost", |facts| facts.our_ref = Some("somebody's".into())));
    let (_, items) = run(world, day()).await;
    assert_eq!(told(&items).last(), Some(&("paid_unknown_here", "waits")));
    world.finding(FindingKind::PaidUnknownHere).await
}

/// The payment that was written for it.
async fn unasked(world: &World, finding: &Finding) -> PaymentId {
    let found = world.store.finding(world.merchant.id, finding.id).await.unwrap().unwrap().value;
    found.payment.unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ghosts_money_is_divided_for_the_payment_it_is_given_to() {
    on_each_engine("a_ghosts_money_is_divided", async |database| {
        let store = database.open().await;
        let normal = World::on(&store, &database.clock, Setup::default()).await;
        normal.paid("order", money("100.00", "USD"), ONE, taken("CAP-ghost", "100.00", "USD", "4.90")).await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let order = world.start("order", money("100.00", "USD"), ONE).await;
        let finding = ghost(&world).await;
        let given = world.give(&finding, order).await.unwrap();
        assert_eq!((given.state.as_str(), given.payment), ("resolved", Some(order.to_string())));
        assert_eq!((world.state(order).await, world.standing().await), ("captured", normal.standing().await));
        assert!(world.findings().await.is_empty());
        // The gateway tells of the same capture at last, once for this payment and once for another.
        world.far.say(order, ReportKind::Captured(taken("CAP-ghost", "100.00", "USD", "4.90")));
        world.hear(order).await;
        let (ended, items) = run(&world, day()).await;
        assert_eq!((told(&items), ended.matched), (vec![], 1));
        assert!(world.findings().await.is_empty());
        let before = world.standing().await;
        let other = world.start("other", money("100.00", "USD"), ONE).await;
        world.far.say(other, ReportKind::Captured(taken("CAP-ghost", "100.00", "USD", "4.90")));
        world.hear(other).await;
        assert_eq!(world.standing().await, before, "once");
        let claims = world.finding(FindingKind::Indivisible).await;
        for action in [Action::SendBack, Action::Adopt] {
            world.word(world.maker, &claims, action).await.unwrap();
            let moved = world.word(world.checker, &claims, action).await;
            assert!(matches!(moved, Err(ResolveError::NoMoney)), "{moved:?}");
        }
        // What was sold goes back as of any other payment.
        assert_eq!(world.refund(order, "{}").await.unwrap().state.as_str(), "succeeded");
        assert_eq!(world.far.paid_back(), [10_000]);
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ghost_of_another_amount_waits_in_review_of_its_payment() {
    on_each_engine("a_ghost_of_another_amount", async |database| {
        let store = database.open().await;
        for action in [Action::SendBack, Action::Adopt] {
            let world = World::on(&store, &database.clock, Setup::default()).await;
            let order = world.start("order", money("120.00", "USD"), ONE).await;
            let finding = ghost(&world).await;
            world.give(&finding, order).await.unwrap();
            assert_eq!(world.state(order).await, "in_review");
            world
                .stands(&[
                    ("1110[paypal] USD", "95.10"),
                    ("2900[paypal] USD", "-100.00"),
                    ("5000[paypal] USD", "4.90"),
                ])
                .await;
            world.verified().await;
            // Told once more by the gateway itself, it is the same money.
            world.far.say(order, ReportKind::Captured(taken("CAP-ghost", "100.00", "USD", "4.90")));
            world.hear(order).await;
            let waits = world.finding(FindingKind::AmountDiffers).await;
            assert_eq!(world.findings().await.len(), 1);
            world.resolve(&waits, action).await;
            let standing = world.standing().await;
            assert_eq!(standing.get("2900[paypal] USD"), None, "{standing:?}");
            match action {
                Action::Adopt => assert_eq!(world.state(order).await, "captured"),
                _ => {
                    assert_eq!((world.far.paid_back(), world.state(order).await), (vec![10_000], "cancelled"))
                }
            }
            world.verified().await;
        }
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ghost_is_given_to_no_payment_that_cannot_have_it() {
    on_each_engine("a_ghost_is_given_to_no_payment", async |database| {
        let store = database.open().await;
        let elsewhere = World::on(&store, &database.clock, Setup::default()).await;
        let foreign = elsewhere.start("order", money("100.00", "USD"), ONE).await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let captured = one(&world, "captured").await;
        let other = world.start("other-currency", money("100.00", "SGD"), ONE).await;
        let finding = ghost(&world).await;
        for (payment, why) in [
            (foreign, "no such payment"),
            (captured, "is captured"),
            (other, "another currency"),
            (world.ids.mint(), "no such payment"),
        ] {
            let refused = world.give(&finding, payment).await.unwrap_err();
            assert_eq!(refused.code(), "action_not_applicable");
            assert!(refused.to_string().contains(why), "{refused}");
        }
        assert_eq!(world.finding(FindingKind::PaidUnknownHere).await.state.as_str(), "open");
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ghost_goes_back_to_whoever_paid_it_by_two_people_and_once() {
    on_each_engine("a_ghost_goes_back", async |database| {
        let store = database.open().await;
        for plan in [&[][..], &[Pays::Refused("NO")], &[Pays::LostAfter], &[Pays::LostBefore]] {
            let world = World::on(&store, &database.clock, Setup::default()).await;
            let finding = ghost(&world).await;
            world.far.plan(plan);
            world.word(world.maker, &finding, Action::SendBack).await.unwrap();
            assert!(world.word(world.maker, &finding, Action::SendBack).await.is_err(), "another person");
            assert_eq!(world.far.calls(), 0);
            world.word(world.checker, &finding, Action::SendBack).await.unwrap();
            let row = unasked(&world, &finding).await;
            world.verified().await;
            match plan {
                [Pays::Refused(_)] => {
                    // The money stands where it stood, and so does the question.
                    let again = world.finding(FindingKind::PaidUnknownHere).await;
                    assert_eq!(world.state(row).await, "in_review");
                    world.resolve(&again, Action::SendBack).await;
                    assert_eq!((unasked(&world, &again).await, world.far.calls()), (row, 2));
                }
                [_] => {
                    // Nobody knows: the gateway is asked, and asked again only where it has nothing.
                    assert_eq!((world.state(row).await, world.far.calls()), ("in_review", 1));
                    world.far.asked();
                    world.refunding.recover().await.unwrap();
                    let asked = world.far.asked();
                    assert_eq!(asked.first(), Some(&"query_refund"), "{asked:?}");
                    world.refunding.recover().await.unwrap();
                }
                _ => assert_eq!(world.far.calls(), 1),
            }
            assert_eq!(
                (world.far.paid_back(), world.state(row).await),
                (vec![10_000], "cancelled"),
                "{plan:?}"
            );
            assert!(world.findings().await.is_empty());
            world.stands(&[("1110[paypal] USD", "-4.90"), ("5000[paypal] USD", "4.90")]).await;
            world.verified().await;
            // The bill names both, and its payment is told of at last: its money is gone.
            let refund = store.refunds_of(row).await.unwrap().pop().unwrap().value;
            world.far.bill(movement(&refund.refund_ref.unwrap(), BillKind::Refund, "-100.00"));
            let before = world.standing().await;
            let late = world.start("late", money("100.00", "USD"), ONE).await;
            world.far.say(late, ReportKind::Captured(taken("CAP-ghost", "100.00", "USD", "4.90")));
            world.hear(late).await;
            let (_, items) = run(&world, day()).await;
            assert_eq!((told(&items), world.standing().await), (vec![], before));
            let claims = world.finding(FindingKind::Indivisible).await;
            world.word(world.maker, &claims, Action::SendBack).await.unwrap();
            let moved = world.word(world.checker, &claims, Action::SendBack).await;
            assert!(matches!(moved, Err(ResolveError::NoMoney)), "{moved:?}");
            world.verified().await;
        }
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ghost_that_could_not_go_back_is_kept_or_given_instead() {
    on_each_engine("a_ghost_that_could_not_go_back", async |database| {
        let store = database.open().await;
        for given in [false, true] {
            let world = World::on(&store, &database.clock, Setup::default()).await;
            let finding = ghost(&world).await;
            world.far.plan(&[Pays::Refused("NO")]);
            world.resolve(&finding, Action::SendBack).await;
            let row = unasked(&world, &finding).await;
            // Another of as much is not taken for what was written for the first.
            world.far.bill(line("twin", |_| {}));
            let (_, items) = run(&world, day()).await;
            assert_eq!(told(&items), [("paid_unknown_here", "waits")]);
            assert!(!items[0].body.contains(&row.to_string()), "{}", items[0].body);
            if given {
                let order = world.start("order", money("100.00", "USD"), ONE).await;
                world.give(&finding, order).await.unwrap();
                assert_eq!(world.state(order).await, "captured");
            } else {
                world.resolve(&finding, Action::Adopt).await;
                assert_eq!(world.standing().await["5030 USD"], "-100.00");
            }
            assert_eq!(world.state(row).await, "cancelled");
            assert_eq!(world.standing().await["2900[paypal] USD"], "-100.00", "the other one's");
            world.verified().await;
        }
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_in_suspense_needs_a_finding_of_its_own() {
    on_each_engine("money_in_suspense_needs_a_finding", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        ghost(&world).await;
        // Another matter, and one that comes to as much on the other side.
        world.far.bill(movement("HELD", BillKind::Hold, "-1.00"));
        world.far.bill(movement("OUT", BillKind::Adjustment, "-100.00"));
        run(&world, day()).await;
        assert_eq!(world.standing().await.get("2900[paypal] USD"), None);
        world.verified().await;
        let suspense = async || {
            let seen = store.verify(&VerifyOptions { full: true, expected: None }).await.unwrap();
            let check = seen.checks.into_iter().find(|check| check.name == "suspense").unwrap();
            (check.ok, check.detail)
        };
        let mut connection = database.connect().await;
        for fact in ["CAP-ghost", "OUT"] {
            let set = |state: &str| format!("UPDATE finding SET state = '{state}' WHERE fact = '{fact}'");
            sqlx::raw_sql(AssertSqlSafe(set("resolved"))).execute(&mut connection).await.unwrap();
            let (ok, detail) = suspense().await;
            assert!(!ok && detail.contains(fact), "{fact}: {detail}");
            sqlx::raw_sql(AssertSqlSafe(set("open"))).execute(&mut connection).await.unwrap();
            assert!(suspense().await.0);
        }
        store.close().await;
    })
    .await;
}
