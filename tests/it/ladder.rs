//! Open payments asked about as the ladder says: every callback lost, late money, a silent gateway, two programs, readers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use straits::domain::orders::Holder;
use straits::flows::pay::{Climbed, Commits};
use straits::ids::PaymentId;
use straits::jobs::{ClimbLadders, Jobs};
use straits::store::payments::Watch;
use straits::store::{Change, CommitError, Committed};

use crate::engines::on_each_engine;
use crate::pay_world::{Call, Fault, World, capture, usd};

impl World {
    fn jobs(&self) -> Jobs {
        let holder = Holder { boot: self.ids.mint(), alone: false };
        let duty = Arc::new(ClimbLadders(self.pay.clone()));
        Jobs::new(self.store.clone(), self.clock.clone(), self.ids.clone(), holder, vec![duty])
    }

    async fn advance(&self, jobs: &Jobs, by: TimeDelta) {
        jobs.advance(self.clock.now() + by).await.unwrap();
    }

    /// Open payments, the oldest first, a second apart.
    async fn crowd(&self, count: usize) -> Vec<PaymentId> {
        let mut ids = Vec::new();
        for nth in 0..count {
            ids.push(self.start(self.order(&format!("order-{nth}"))).await.unwrap().id);
            self.clock.advance(TimeDelta::milliseconds(10));
        }
        ids
    }

    /// When each is asked next, and how often it was asked in vain.
    async fn due(&self, crowd: &[PaymentId]) -> Vec<(DateTime<Utc>, i64, PaymentId)> {
        let mut due = Vec::new();
        for id in crowd {
            let watch = self.store.watch(*id).await.unwrap().unwrap().value;
            due.push((watch.next_ask_at.unwrap(), watch.in_vain, *id));
        }
        due
    }

    fn questions(&self) -> usize {
        self.far.calls(Call::Query)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_every_callback_lost_a_payment_is_captured_within_the_next_rung() {
    on_each_engine("all callbacks lost", async |database| {
        let world = World::on(database).await;
        let jobs = world.jobs();
        let at_once = world.approved("order-1").await;
        world.advance(&jobs, TimeDelta::seconds(14)).await;
        assert_eq!((world.state(at_once).await, world.questions()), ("requires_action", 0));
        world.advance(&jobs, TimeDelta::seconds(4)).await;
        world.is_captured_once(at_once).await;
        // A shopper who takes his time, past the rungs of the first minute.
        let slow = world.start(world.order("order-2")).await.unwrap().id;
        world.advance(&jobs, TimeDelta::seconds(70)).await;
        world.far.approve(slow);
        world.advance(&jobs, TimeDelta::seconds(240 - 70 + 3)).await;
        world.is_captured_once(slow).await;
        let asked = world.questions();
        world.advance(&jobs, TimeDelta::days(3)).await;
        assert_eq!(world.questions(), asked, "what has ended well is asked about no more");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lapsed_payment_is_asked_about_once_more_and_money_that_comes_late_is_found() {
    on_each_engine("late", async |database| {
        let world = World::on(database).await;
        let jobs = world.jobs();
        let (late, never) = (
            world.start(world.order("order-1")).await.unwrap(),
            world.start(world.order("order-2")).await.unwrap(),
        );
        world.advance(&jobs, TimeDelta::minutes(59)).await;
        assert_eq!(world.state(late.id).await, "requires_action");
        world.advance(&jobs, TimeDelta::minutes(1) + TimeDelta::seconds(4)).await;
        for id in [late.id, never.id] {
            assert_eq!(world.state(id).await, "expired", "it was asked about after its session ended");
        }
        world.far.say(late.id, capture("C-late", usd(10_000)));
        world.advance(&jobs, TimeDelta::minutes(12)).await;
        let view = world.view(late.id).await;
        assert_eq!((view.state, view.late), ("captured", true));
        assert_eq!(world.booked(late.id).await, ["captured C-late"]);
        assert!(world.events(late.id).await.contains(&"payment.late".to_owned()));
        assert!(world.told().iter().any(|told| told.starts_with("Late")));
        // The other one is let go in the end.
        let before = world.questions();
        world.advance(&jobs, TimeDelta::days(30)).await;
        assert!((3..=12).contains(&(world.questions() - before)), "{}", world.questions() - before);
        assert_eq!(world.pay.next_question("farpay").await.unwrap(), None);
        assert_eq!(world.state(never.id).await, "expired");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_ends_without_a_storm_the_longest_overdue_first() {
    on_each_engine("outage", async |database| {
        let world = World::on(database).await;
        let crowd = world.crowd(60).await;
        world.clock.advance(TimeDelta::minutes(2));
        world.far.deaf_to(&crowd);
        let round = world.pay.climb("farpay", &world.store).await.unwrap();
        assert!((8..16).contains(&round.failed) && round.failed == round.asked, "{round:?}");
        let rest = world.pay.rest_of("farpay").expect("it is left alone");
        assert_eq!(world.pay.climb("farpay", &world.store).await.unwrap(), Climbed::default());
        let mut due = world.due(&crowd).await;
        due.retain(|(_, in_vain, _)| *in_vain == 0);
        due.sort();
        let during = world.questions();
        world.pay.look(world.merchant.id, crowd[50]).await.unwrap();
        assert_eq!(world.questions(), during, "a read does not ask either");
        world.far.deaf_to(&[]);
        world.clock.advance_to(rest).unwrap();
        let tried = world.pay.climb("farpay", &world.store).await.unwrap();
        assert_eq!(tried, Climbed { asked: 1, failed: 0 }, "one question tries it");
        let begun = Instant::now();
        let round = world.pay.climb("farpay", &world.store).await.unwrap();
        assert_eq!((round.asked, round.failed), (40, 0), "two seconds' worth");
        assert!(begun.elapsed() >= Duration::from_millis(1_800), "{:?}", begun.elapsed());
        let after = world.due(&crowd).await;
        let asked = |id: &PaymentId| after.iter().any(|(due, _, known)| known == id && *due > rest);
        assert!(due[..41].iter().all(|(_, _, id)| asked(id)), "the longest overdue were asked");
        assert!(!due[41..].iter().any(|(_, _, id)| asked(id)), "the others wait");
        // A gateway that asks to slow down is left alone at once.
        world.clock.advance(TimeDelta::minutes(5));
        world.far.fail(Call::Query, Fault::Throttled);
        let before = world.questions();
        world.pay.climb("farpay", &world.store).await.unwrap();
        assert!(world.questions() - before <= 8, "those under way and no more");
        assert!(world.pay.rest_of("farpay").is_some());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_programs_each_question_is_put_by_one() {
    on_each_engine("two climb", async |database| {
        let world = World::on(database).await;
        world.crowd(20).await;
        world.clock.advance(TimeDelta::seconds(20));
        let (one, two) =
            tokio::join!(world.pay.climb("farpay", &world.store), world.pay.climb("farpay", &world.store));
        assert_eq!(one.map_or(0, |one| one.asked) + two.map_or(0, |two| two.asked), 20);
        assert_eq!(world.questions(), 20);
    })
    .await;
}

/// A lease that is lost.
struct Lost;

#[async_trait::async_trait]
impl Commits for Lost {
    async fn commit(&self, _: Change) -> Result<Committed, CommitError> {
        Err(CommitError::LostUpdate { table: "job", key: "taken over".into() })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lost_the_lease_asks_nothing() {
    on_each_engine("lost lease", async |database| {
        let world = World::on(database).await;
        world.crowd(3).await;
        world.clock.advance(TimeDelta::seconds(20));
        assert!(world.pay.climb("farpay", &Lost).await.is_err());
        assert_eq!(world.questions(), 0);
        assert_eq!(world.pay.climb("farpay", &world.store).await.unwrap().asked, 3, "they are still due");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_has_the_gateway_asked_now_and_then_and_never_waits_long() {
    on_each_engine("reads", async |database| {
        let world = World::on(database).await;
        let id = world.approved("order-1").await;
        let look = || world.pay.look(world.merchant.id, id);
        assert_eq!((look().await.unwrap().state, world.questions()), ("requires_action", 0), "too soon");
        world.clock.advance(TimeDelta::seconds(6));
        world.far.fail(Call::Query, Fault::StuckBefore);
        let begun = Instant::now();
        assert_eq!(look().await.unwrap().state, "requires_action");
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        for _ in 0..5 {
            look().await.unwrap();
        }
        assert_eq!(world.questions(), 1, "one question, however many read");
        let other = world.approved("order-2").await;
        world.clock.advance(TimeDelta::seconds(6));
        assert_eq!(world.pay.look(world.merchant.id, other).await.unwrap().state, "captured");
        world.is_captured_once(other).await;
        let asked = world.questions();
        world.clock.advance(TimeDelta::hours(1));
        world.pay.look(world.merchant.id, other).await.unwrap();
        assert_eq!(world.questions(), asked, "its end is known");
    })
    .await;
}

/// Ten thousand open payments cost a look of those that are due.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_due_is_not_looked_at() {
    on_each_engine("index", async |database| {
        let world = World::on(database).await;
        let now = world.clock.now();
        let mut change = Change::new();
        for nth in 0..10_000 {
            let due = now + TimeDelta::seconds(if nth < 20 { -nth } else { nth });
            let (payment, gateway) = (world.ids.mint(), "farpay".to_owned());
            change.insert_watch(&Watch { payment, gateway, next_ask_at: Some(due), asked_at: now, in_vain: 0 });
        }
        world.store.commit(change).await.unwrap();
        let begun = Instant::now();
        let due = world.store.due_watches("farpay", now, 40).await.unwrap();
        let first = world.store.first_watch("farpay").await.unwrap();
        println!("10,000 open, 20 due: found in {:?}", begun.elapsed());
        assert_eq!((due.len(), first), (20, Some(now - TimeDelta::seconds(19))));
        assert!(due.windows(2).all(|pair| pair[0].value.next_ask_at <= pair[1].value.next_ask_at));
        let mut connection = database.connect().await;
        let plan = match world.store.engine() {
            straits::store::Engine::Sqlite => "EXPLAIN QUERY PLAN ",
            straits::store::Engine::Postgres => "SET enable_seqscan = off; EXPLAIN ",
        };
        let (set, plan) = plan.rsplit_once("; ").map_or(("SELECT 1", plan), |(set, plan)| (set, plan));
        sqlx::raw_sql(set).execute(&mut connection).await.unwrap();
        let sql = format!(
            "{plan}SELECT * FROM payment_watch WHERE gateway = 'farpay' AND next_ask_at IS NOT NULL AND next_ask_at <= 5
             ORDER BY next_ask_at, payment_id LIMIT 40"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap();
        let column = if plan.starts_with("EXPLAIN QUERY") { 3 } else { 0 };
        let text: Vec<String> = rows.iter().map(|row| sqlx::Row::get(row, column)).collect();
        let text = text.join("\n");
        assert!(text.contains("payment_watch_due"), "{text}");
    })
    .await;
}

/// The running program, by the wall: neither notice nor shopper comes back, and the payment is captured within its first
/// rung and five seconds.
#[tokio::test(flavor = "multi_thread")]
async fn the_running_program_finds_a_paid_payment_within_the_first_rung() {
    let folder = tempfile::tempdir().unwrap();
    let app = crate::app::TestApp::on(folder.path(), &[]).await;
    let started = Instant::now();
    let id = app.pay("paypal", "order-1").await["id"].as_str().unwrap().to_owned();
    let lost = serde_json::json!({"payment": id});
    assert_eq!(app.post("storefront", "/v1/sandbox/scenarios/lost_callback", &lost).await.status, 200);
    let paid = serde_json::json!({"shopper": "approve"});
    assert_eq!(app.post("storefront", &format!("/v1/sandbox/payments/{id}"), &paid).await.status, 200);
    // The list asks nobody: only the ladder can find it.
    let state = async || {
        let page = app.get("storefront", "/v1/payments?order_ref=order-1").await.json();
        page["data"][0]["state"].as_str().unwrap().to_owned()
    };
    while state().await != "captured" {
        assert!(started.elapsed() < Duration::from_secs(20), "after {:?}", started.elapsed());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("captured {:.1} s after its creation", started.elapsed().as_secs_f32());
    assert!(started.elapsed() >= Duration::from_secs(15), "not by the ladder");
}

/// Who asks quicker than a gateway bears does not start, and reads why.
#[tokio::test(flavor = "multi_thread")]
async fn a_ladder_that_is_too_quick_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("polling.toml");
    let default = "[default]\nrungs = [\"1m\"]\nlate = [\"1h\"]\n";
    for (own, why) in [
        (
            "[grabpay]\nrungs = [\"2m\", \"90s\"]\n",
            "asks again after 90 s; the gateway bears a question every 120 s",
        ),
        ("[nopay]\n", "is no gateway"),
    ] {
        std::fs::write(&file, format!("{default}{own}")).unwrap();
        let path = file.display().to_string();
        let settings = crate::app::settings(folder.path(), &[("polling.ladders", path.as_str())]).unwrap();
        let refused = straits::app::App::build(settings, straits::app::Sources::system()).await.unwrap_err();
        assert!(refused.to_string().contains(why), "{refused}");
    }
    std::fs::write(&file, "[default]\nrungs = [\"soon\"]\n").unwrap();
    let path = file.display().to_string();
    let refused = crate::app::settings(folder.path(), &[("polling.ladders", path.as_str())]).unwrap_err();
    assert!(
        refused.to_string().contains("default.rungs") && refused.to_string().contains("`soon`"),
        "{refused}"
    );
}
