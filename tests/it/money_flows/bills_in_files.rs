//! Bills that a person hands in: of which days they are is told by their lines.

use chrono::{DateTime, TimeDelta, Utc};
use straits::domain::orders::{Capture, ReportKind};
use straits::domain::reconciliation::LineFacts;
use straits::flows::reconcile::{Bill, Purpose};
use straits::store::Change;
use straits::store::reconciliations::{Run, RunItem};

use super::ONE;
use super::bills::{day, line, noon, told};
use super::world::{Setup, World, money, taken};
use crate::engines::on_each_engine;

/// A file with everything that the far side bills.
async fn hand_in(world: &World) -> (Run, Vec<RunItem>) {
    hand_in_to(world, Purpose::Settle).await
}

async fn hand_in_to(world: &World, purpose: Purpose) -> (Run, Vec<RunItem>) {
    let open = world.pay.accounts().all()[0].clone();
    let id = world.ids.mint();
    let path = world.reconciling.file_for(id).unwrap();
    std::fs::write(&path, b"as billed").unwrap();
    let bill = Bill::File { path, sha256: "0".repeat(64) };
    let run = world.reconciling.begin(id, &open, &bill, purpose, Change::new()).await.unwrap();
    let run = world.reconciling.carry_out(run, open, bill).await;
    let items = world.store.reconciliation_items(run.id, 0, 100).await.unwrap();
    (run, items)
}

fn after(days: i64) -> DateTime<Utc> {
    noon() + TimeDelta::days(days)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_old_row_makes_no_day_between_missing() {
    on_each_engine("one_old_row_makes_no_day_between_missing", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        database.tick(TimeDelta::days(21));
        let many: Vec<String> = (0..11).map(|nth| format!("many-{nth}")).collect();
        let of_the_day = many.iter().map(|order| (order.as_str(), 20));
        let paid = [("old", 0), ("neighbour", 0), ("between", 10)].into_iter().chain(of_the_day.clone());
        for (order, days) in paid {
            let capture =
                Capture { at: after(days), ..taken(&format!("CAP-{order}"), "100.00", "USD", "4.90") };
            world.paid(order, money("100.00", "USD"), ONE, capture).await;
        }
        for (order, days) in [("old", 0)].into_iter().chain(of_the_day) {
            world.far.bill(line(order, |facts| facts.at = after(days)));
        }
        let (run, items) = hand_in(&world).await;
        assert_eq!((run.state.as_str(), told(&items), run.matched), ("done", vec![], 12), "{run:?}");
        let own = day() + TimeDelta::days(20);
        assert_eq!(run.days, Some((own, own)), "what lies between was not read");
        assert!(
            !store
                .reconciled(world.account.id, day() + TimeDelta::days(10), world.clock.now())
                .await
                .unwrap()
        );
        assert_eq!(world.findings().await, []);

        // So much of the books is not read at once.
        world.far.bill(line("ancient", |facts| facts.at = after(-90)));
        let (run, _) = hand_in(&world).await;
        assert_eq!(run.state, "failed");
        assert!(run.detail.unwrap().contains("more than 100 days: hand it in by parts"));
        world.verified().await;
        store.close().await;
    })
    .await;
}

/// A small shop's report: a payment whose day has no line is missing there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_without_a_line_between_days_with_some_is_the_files_own() {
    on_each_engine("a_day_without_a_line_between_days_with_some", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        database.tick(TimeDelta::days(30));
        let paid = async |order: &str, days: i64| {
            let capture =
                Capture { at: after(days), ..taken(&format!("CAP-{order}"), "100.00", "USD", "4.90") };
            world.paid(order, money("100.00", "USD"), ONE, capture).await;
        };
        for (order, days) in [("first", 0), ("missing", 5), ("last", 10)] {
            paid(order, days).await;
        }
        for (order, days) in [("first", 0), ("last", 10)] {
            world.far.bill(line(order, |facts| facts.at = after(days)));
        }
        let (_, items) = hand_in(&world).await;
        assert_eq!(told(&items), [("missing_there", "waits")]);
        // It is said once.
        let (run, items) = hand_in(&world).await;
        assert_eq!((told(&items), run.matched), (vec![], 2), "{run:?}");
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_lists_what_the_run_in_earnest_settles() {
    on_each_engine("a_dry_run_lists_what_the_run_in_earnest_settles", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        database.tick(TimeDelta::days(30));
        for (order, days) in [("told", 10), ("missing", 5), ("fee", 10)] {
            let capture =
                Capture { at: after(days), ..taken(&format!("CAP-{order}"), "100.00", "USD", "4.90") };
            world.paid(order, money("100.00", "USD"), ONE, capture).await;
        }
        let ghost = world.start("ghost", money("100.00", "USD"), ONE).await;
        let capture = Capture { at: after(10), ..taken("CAP-ghost", "100.00", "USD", "4.90") };
        world.far.say(ghost, ReportKind::Captured(capture));
        let of_the_day = |facts: &mut LineFacts| facts.at = after(10);
        world.far.bill(line("told", of_the_day));
        world.far.bill(line("stranger", of_the_day));
        world.far.bill(line("first", |facts| facts.at = after(0)));
        world.far.bill(line("fee", |facts| (facts.at, facts.fee) = (after(10), money("5.00", "USD"))));
        world.far.bill(line("ghost", |facts| {
            (facts.at, facts.our_ref) = (after(10), Some(ghost.to_string()));
        }));
        let before = (world.standing().await, world.state(ghost).await);

        let (dry, items) = hand_in_to(&world, Purpose::DryRun).await;
        assert_eq!(
            (dry.state.as_str(), dry.dry_run, dry.lines, dry.matched),
            ("done", true, 5, 1),
            "{dry:?}"
        );
        assert_eq!((dry.repaired, dry.open), (0, 5));
        assert!(told(&items).iter().all(|(_, grade)| *grade == "listed"), "{items:?}");
        assert_eq!((world.standing().await, world.state(ghost).await), before);
        assert_eq!(world.findings().await, []);
        assert!(!store.reconciled(world.account.id, day() + TimeDelta::days(10), noon()).await.unwrap());
        assert_eq!(store.days_tried(world.account.id, day()).await.unwrap(), []);

        let (run, settled) = hand_in(&world).await;
        let kinds = |items: &[RunItem]| items.iter().map(|item| item.kind.clone()).collect::<Vec<_>>();
        assert_eq!((kinds(&items), &dry.by_kind), (kinds(&settled), &run.by_kind));
        assert_eq!(run.by_kind, r#"{"fee":1,"missing_there":1,"paid_unknown_here":3}"#);
        assert_eq!(world.state(ghost).await, "captured");
        assert_ne!(world.standing().await, before.0);
        // What has been settled since is not listed again.
        let (dry, items) = hand_in_to(&world, Purpose::DryRun).await;
        assert!(!items.iter().any(|item| item.kind == "missing_there"), "{dry:?}");
        assert_eq!(dry.matched, 4, "{items:?}");
        world.verified().await;
        store.close().await;
    })
    .await;
}
