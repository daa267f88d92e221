//! Decisions about one payment that are taken side by side, and one beside money that arrives: what the one looked at, the
//! other cannot have taken.

use std::time::Duration;

use straits::domain::findings::{Action, Finding, FindingKind};
use straits::domain::orders::ReportKind;
use straits::flows::findings::ResolveError;
use straits::ids::PaymentId;

use super::ONE;
use super::far::Pays;
use super::world::{Setup, World, money, taken};
use crate::engines::on_each_engine;

/// USD 10.00 of 100.00 came and stands aside.
async fn wrong(world: &World, order: &str) -> PaymentId {
    let capture = taken(&format!("CAP-{order}"), "10.00", "USD", "0.94");
    world.paid(order, money("100.00", "USD"), ONE, capture).await
}

async fn version(world: &World, payment: PaymentId) -> i64 {
    world.store.payment(payment).await.unwrap().unwrap().version
}

/// What went back of a payment, in minor units.
async fn back(world: &World, payment: PaymentId) -> i64 {
    let refunds = world.store.refunds_of(payment).await.unwrap();
    refunds.iter().filter(|one| one.value.counts()).map(|one| one.value.amount.minor()).sum()
}

async fn elsewhere(world: &World, refund: &str) -> Finding {
    let all = world.findings().await;
    let about = |one: &&Finding| one.kind == FindingKind::RefundElsewhere && one.fact == refund;
    all.iter().find(about).unwrap_or_else(|| panic!("{refund}: {all:?}")).clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_decisions_at_once_do_not_take_the_same_money() {
    on_each_engine("two_decisions_at_once", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        for nth in 0..4 {
            let payment = wrong(&world, &format!("parts-{nth}")).await;
            let (four, seven) = (format!("R-4-{nth}"), format!("R-7-{nth}"));
            world.far.refund_elsewhere(payment, &four, money("4.00", "USD"));
            world.far.refund_elsewhere(payment, &seven, money("7.00", "USD"));
            world.sync(payment).await;
            let (four, seven) = (elsewhere(&world, &four).await, elsewhere(&world, &seven).await);
            for one in [&four, &seven] {
                world.word(world.maker, one, Action::Adopt).await.unwrap();
            }
            let (one, two) = tokio::join!(
                world.word(world.checker, &four, Action::Adopt),
                world.word(world.checker, &seven, Action::Adopt)
            );
            assert!(one.is_ok() != two.is_ok(), "one of 10.00 only: {one:?} {two:?}");
            let gone = if one.is_ok() { 400 } else { 700 };
            assert_eq!(back(&world, payment).await, gone);
            // Taken again it finds too little.
            let lost = if one.is_ok() { &seven } else { &four };
            let again = world.word(world.checker, lost, Action::Adopt).await;
            assert!(again.is_err() && !matches!(again, Err(ResolveError::Superseded { .. })), "{again:?}");
            assert_eq!(back(&world, payment).await, gone);
        }
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_decision_that_moves_money_raises_the_version_of_its_payment() {
    on_each_engine("every_decision_raises_the_version", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        // The far side takes its time: only the decision itself is written.
        world.far.plan(&[Pays::Later]);
        let sent = wrong(&world, "sent").await;
        let finding = world.finding(FindingKind::AmountDiffers).await;
        let before = version(&world, sent).await;
        world.word(world.maker, &finding, Action::SendBack).await.unwrap();
        assert_eq!(version(&world, sent).await, before, "a proposal moves nothing");
        world.word(world.checker, &finding, Action::SendBack).await.unwrap();
        assert!(version(&world, sent).await > before, "a refund was decided");

        let part = wrong(&world, "part").await;
        world.far.refund_elsewhere(part, "R-PART", money("4.00", "USD"));
        world.sync(part).await;
        let before = version(&world, part).await;
        world.resolve(&elsewhere(&world, "R-PART").await, Action::Adopt).await;
        assert!(version(&world, part).await > before, "part of it went back");
        store.close().await;
    })
    .await;
}

/// The promise of a wrong amount is dismissed as its money arrives: whichever is first, money that stands aside has somebody
/// to ask.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_finding_is_dismissed_past_money_that_arrives() {
    on_each_engine("no_finding_is_dismissed_past_money", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        for nth in 0..40_u64 {
            let payment = world.start(&format!("promised-{nth}"), money("100.00", "USD"), ONE).await;
            world.far.say(payment, ReportKind::Authorised { amount: Some(money("10.00", "USD")) });
            world.hear(payment).await;
            let about = |one: &&Finding| one.payment.as_deref() == Some(payment.to_string().as_str());
            let promised = world.findings().await.iter().find(about).expect("another amount").clone();
            let came = taken(&format!("CAP-{nth}"), "10.00", "USD", "0.94");
            world.far.say(payment, ReportKind::Captured(came));
            let dismissed = async {
                // Somewhere in it the money is written between its reading and its own writing.
                tokio::time::sleep(Duration::from_micros(nth * 150)).await;
                world.word(world.maker, &promised, Action::Dismiss).await
            };
            let (_, ()) = tokio::join!(dismissed, world.hear(payment));
            let open = world.findings().await;
            assert!(open.iter().any(|one| about(&one)), "USD 10.00 stand aside and nobody is asked: {nth}");
        }
        store.close().await;
    })
    .await;
}
