//! What waits for a later bill is settled last: a run that breaks off before its findings are written loses none of them.

use chrono::Days;
use sqlx::{AssertSqlSafe, Connection};
use straits::domain::findings::FindingKind;

use super::bills::{day, line};
use super::one;
use super::world::{Setup, World};
use crate::engines::on_each_engine;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_breaks_off_before_its_findings_stand_leaves_the_pool_as_it_was() {
    on_each_engine("a_run_that_breaks_off_before_its_findings_stand", async |database| {
        // The finding itself cannot be written, then what the run says of it.
        for broken in ["finding", "reconciliation_item"] {
            let store = database.open().await;
            let world = World::on(&store, &database.clock, Setup::default()).await;
            one(&world, "never").await;
            let open = world.pay.accounts().all()[0].clone();
            let run = async |ahead: u64| {
                world.reconciling.day(open.clone(), day() + Days::new(ahead)).await.unwrap()
            };
            assert_eq!(run(0).await.state, "done");
            let waiting = async || {
                let since = straits::clock::from_micros(0);
                store.pooled_facts(world.account.id, "waiting", since).await.unwrap().len()
            };
            assert_eq!(waiting().await, 1);

            let mut connection = database.connect().await;
            let rename = async |connection: &mut sqlx::AnyConnection, from: &str, to: &str| {
                let sql = AssertSqlSafe(format!("ALTER TABLE {from} RENAME TO {to}"));
                sqlx::raw_sql(sql).execute(connection).await.unwrap();
            };
            rename(&mut connection, broken, "elsewhere").await;
            let ended = run(3).await;
            assert_eq!(ended.state, "failed", "{broken}: {ended:?}");
            rename(&mut connection, "elsewhere", broken).await;
            connection.close().await.unwrap();
            assert_eq!(waiting().await, 1, "{broken}: it still waits");

            // The day is read again, and what was missed is found.
            let ended = run(3).await;
            assert_eq!(
                (ended.state.as_str(), ended.by_kind.as_str()),
                ("done", r#"{"missing_there":1}"#),
                "{broken}"
            );
            assert_eq!(world.finding(FindingKind::MissingThere).await.fact, "CAP-never");
            assert_eq!(waiting().await, 0);
            // And billed at last it is late, once.
            world.far.bill(line("never", |facts| facts.at += chrono::TimeDelta::days(5)));
            assert_eq!(run(5).await.by_kind, r#"{"late":1}"#, "{broken}");
            world.verified().await;
            store.close().await;
        }
    })
    .await;
}
