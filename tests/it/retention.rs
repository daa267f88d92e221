//! What is kept for a time goes when that time is over and never earlier; nothing else goes.

use std::sync::Arc;

use chrono::TimeDelta;
use straits::app::duties::RemoveOutdated;
use straits::domain::orders::Holder;
use straits::ids::{IdSource, MerchantId};
use straits::jobs::{Duty, Jobs};
use straits::store::idempotency::Claim;
use straits::store::jobs::Job;
use straits::store::{Change, CommitError, Engine, Store};

use crate::engines::{TestDatabase, on_each_engine};

struct Bench {
    store: Store,
    ids: IdSource,
    merchant: MerchantId,
    duty: RemoveOutdated,
}

impl Bench {
    async fn on(database: &TestDatabase) -> Bench {
        let (store, clock) = (database.open().await, database.clock.clone());
        let ids = IdSource::random(clock.clone());
        let merchant = ids.mint();
        Bench { store: store.clone(), ids, merchant, duty: RemoveOutdated { store, clock } }
    }

    /// A key that was claimed this long ago, by the wall.
    fn claim(&self, key: &str, age: TimeDelta) -> Claim {
        Claim {
            id: self.ids.mint(),
            merchant: self.merchant,
            route: "POST /v1/payments".into(),
            key: key.into(),
            body_hash: [7; 32],
            at: self.duty.clock.wall() - age,
        }
    }

    async fn write(&self, claims: &[Claim]) {
        let mut change = Change::new();
        for claim in claims {
            change.claim(claim, "pay_1");
        }
        self.store.commit(change).await.unwrap();
    }

    async fn known(&self, claim: &Claim) -> bool {
        self.store.claimed(claim).await.unwrap().is_some()
    }

    fn program(&self, duty: impl Duty + 'static) -> Jobs {
        let holder = Holder { boot: self.ids.mint(), alone: self.store.engine() == Engine::Sqlite };
        let clock = self.duty.clock.clone();
        Jobs::new(self.store.clone(), clock, self.ids.clone(), holder, vec![Arc::new(duty)])
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_kept_for_thirty_days_by_the_wall_and_not_a_moment_less() {
    on_each_engine("a_key_is_kept_for_thirty_days", async |database| {
        let bench = Bench::on(database).await;
        let (month, moment) = (TimeDelta::days(30), TimeDelta::microseconds(1));
        let kept = [bench.claim("fresh", TimeDelta::zero()), bench.claim("just", month)];
        let over = [bench.claim("over", month + moment), bench.claim("old", month * 12)];
        // More than one batch of old ones.
        let many: Vec<Claim> =
            (0..1_203).map(|place| bench.claim(&format!("old {place}"), month * 2)).collect();
        for claims in [kept.as_slice(), &over, &many] {
            bench.write(claims).await;
        }
        // Business time that runs ahead takes no key away: the promise is by the caller's clock.
        database.tick(TimeDelta::days(400));
        bench.duty.run("").await.unwrap();
        for claim in &kept {
            assert!(bench.known(claim).await, "{}", claim.key);
        }
        for claim in over.iter().chain(&many) {
            assert!(!bench.known(claim).await, "{}", claim.key);
        }
        assert!(bench.store.outdated_claims(bench.duty.clock.wall() - month, 10).await.unwrap().is_empty());
        // The key is free again.
        bench.write(&over).await;
        bench.store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_changed_since_it_was_read_stays() {
    on_each_engine("a_row_that_changed_since_it_was_read_stays", async |database| {
        let bench = Bench::on(database).await;
        let claim = bench.claim("slow", TimeDelta::days(31));
        bench.write(std::slice::from_ref(&claim)).await;
        let found = bench.store.outdated_claims(bench.duty.clock.wall(), 10).await.unwrap();
        let mut answer = Change::new();
        answer.keep_answer(claim.id, 1, 201, b"{}");
        bench.store.commit(answer).await.unwrap();
        let mut removal = Change::new();
        for row in found {
            removal.remove(row);
        }
        assert_eq!(removal.tables(), ["idempotency"]);
        let lost = bench.store.commit(removal).await;
        assert!(matches!(lost, Err(CommitError::LostUpdate { table: "idempotency", .. })), "{lost:?}");
        assert!(bench.known(&claim).await);
        bench.store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn done_jobs_go_after_a_week_and_failed_ones_wait() {
    on_each_engine("done_jobs_go_after_a_week_and_failed_ones_wait", async |database| {
        let bench = Bench::on(database).await;
        let now = database.clock.now();
        let week = TimeDelta::days(7);
        let job = |name: &str, done: bool, why: Option<&str>| {
            let mut job = Job::new(bench.ids.mint(), "once", now);
            (job.dedup, job.last_error) = (Some(name.to_owned()), why.map(str::to_owned));
            job.done_at = done.then_some(now);
            job
        };
        let jobs = [
            job("done", true, None),
            job("given up", true, Some("it does not work")),
            job("open", false, None),
        ];
        let mut change = Change::new();
        for job in &jobs {
            change.insert_job(job);
        }
        bench.store.commit(change).await.unwrap();
        let left = async || {
            let mut left = Vec::new();
            for job in &jobs {
                let name = job.dedup.clone().unwrap();
                if bench.store.job_named(&name).await.unwrap().is_some() {
                    left.push(name);
                }
            }
            left
        };
        // By its own pace, through the due moments.
        let program =
            bench.program(RemoveOutdated { store: bench.store.clone(), clock: database.clock.clone() });
        program.advance(now + week).await.unwrap();
        assert_eq!(left().await, ["done", "given up", "open"], "not a moment early");
        program.advance(now + week + TimeDelta::hours(1)).await.unwrap();
        assert_eq!(left().await, ["given up", "open"]);
        assert_eq!(bench.store.dead_jobs().await.unwrap(), 1);
        // The duty's own row stays, however long.
        program.advance(now + week * 20).await.unwrap();
        assert!(bench.store.job_named("remove_outdated").await.unwrap().is_some());
        assert_eq!(left().await, ["given up", "open"]);
        bench.store.close().await;
    })
    .await;
}
