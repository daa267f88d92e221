//! A refund after the wallet was swept: J13 posting by posting, and how old what lies open is meanwhile.

use straits::domain::ledger::ageing::{BANDS, left_open};

use super::*;
use crate::money_flows::far::Pays;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn j13_a_refund_after_the_sweep_is_funded_by_the_next_days_takings() {
    on_each_engine("j13", async |database| {
        let store = database.open().await;
        let world =
            world_as(&store, database, Setup { account: grabpay, fees: fees_of("0"), ..usual() }).await;
        let first = captured(&world, "first", "20.00", ALL_TO_A).await;
        let at = world.clock.now();
        record(&world, batch("GP-1", at, "20.00", "0", "0", "20.00")).await;
        let day = at.date_naive().to_string();
        read(&world, &camt("0039012345", &day, "0.00", "20.00", &[("20.00", "", "B1", "GP-1")])).await;
        let before = world.transactions().await.len();

        world.far.plan(&[Pays::Short]);
        assert_eq!(world.refund(first, "{}").await.unwrap().state.as_str(), "awaiting_funds");
        told_in_part(&world, before, &["refund_decided"]).await;
        // It is on the work list, and gets older there.
        for (days, band) in [(0, 0), (1, 1), (7, 2)] {
            let open = store.open_items(world.merchant.id, AccountCode::REFUND_IN_TRANSIT).await.unwrap();
            let open = left_open(AccountCode::REFUND_IN_TRANSIT, open).unwrap();
            let [item] = open.as_slice() else { panic!("{open:#?}") };
            assert_eq!(item.amount, sgd("-20.00"));
            let now = world.clock.now() + TimeDelta::days(days);
            assert_eq!((item.days(now), item.band(now)), (days, band), "{BANDS:?}");
        }
        database.tick(TimeDelta::days(1));
        captured(&world, "second", "30.00", ALL_TO_A).await;
        world.refunding.recover().await.unwrap();
        assert_eq!(world.state(first).await, "refunded");
        let at = world.clock.now();
        record(&world, batch("GP-2", at, "30.00", "20.00", "0", "10.00")).await;
        let events: [&[&str]; 4] =
            [&["refund_decided"], &["captured", "split"], &["refund_confirmed"], &["gateway_settled"]];
        told_behind(&world, before, "J13", &events).await;
        world
            .stands(&[
                ("1010[dbs] SGD", "20.00"),
                ("1140[grabpay-sg] SGD", "10.00"),
                ("2100[A] SGD", "-30.00"),
            ])
            .await;
        assert!(world.findings().await.is_empty());
        store.close().await;
    })
    .await;
}

/// So far only these were posted.
async fn told_in_part(world: &World, before: usize, events: &[&str]) {
    let posted = world.transactions().await.split_off(before);
    let posted: Vec<&str> = posted.iter().map(|row| row.event.as_str()).collect();
    assert_eq!(posted, events);
}
