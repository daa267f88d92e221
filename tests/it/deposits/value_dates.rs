//! A bank's value date is a day of the merchant's: money counts from its first instant there, and not before.

use chrono::{TimeDelta, Utc};
use straits::domain::statements::{Period, first_instant};
use straits::store::AsOf;

use super::{ALL_TO_A, batch, camt, captured, grabpay, read, record, usual, world_as};
use crate::engines::on_each_engine;
use crate::money_flows::world::Setup;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_counts_from_the_day_that_the_bank_says_in_the_merchants_zone() {
    on_each_engine("value dates", async |database| {
        let store = database.open().await;
        for zone in [chrono_tz::America::Los_Angeles, chrono_tz::Asia::Singapore, chrono_tz::UTC] {
            let world = world_as(&store, database, Setup { account: grabpay, zone, ..usual() }).await;
            captured(&world, "1", "30.00", ALL_TO_A).await;
            let at = world.clock.now();
            record(&world, batch("GP-11111", at, "30.00", "0", "0.54", "29.46")).await;
            database.tick(TimeDelta::days(2));
            let day = Period::day_of(world.clock.now(), zone);
            let line = [("29.46", "", "B1", "GP-11111")];
            read(&world, &camt("0039012345", &day.from().to_string(), "0.00", "29.46", &line)).await;
            assert_eq!(world.standing().await["1010[dbs] SGD"], "29.46");

            let (begins, ends) = (first_instant(day.from(), zone), day.ends_before());
            assert_eq!(begins, day.begins_at());
            let posted = world.transactions().await;
            let credited = posted.iter().find(|posted| posted.event.as_str() == "bank_credited").unwrap();
            assert_eq!(credited.effective_at, begins, "{zone}");
            let by_value = async |moment: chrono::DateTime<Utc>| {
                let trial = store.trial_balance(world.merchant.id, AsOf::Effective(moment)).await.unwrap();
                let at_bank = trial.lines.iter().filter(|line| line.code.number() == 1010);
                at_bank.map(|line| line.debit_minus_credit.minor()).sum::<i64>()
            };
            assert_eq!(by_value(begins - TimeDelta::microseconds(1)).await, 0, "{zone}");
            assert_eq!(by_value(begins).await, 2_946, "{zone}");
            let releasable = async |before| {
                store.releasable_settlements(&world.account, before, true, 10).await.unwrap().len()
            };
            assert_eq!((releasable(begins).await, releasable(ends).await), (0, 1), "{zone}");
            world.verified().await;
        }
        store.close().await;
    })
    .await;
}
