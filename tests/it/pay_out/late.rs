//! What comes after a payout was paid, from a rail that alone tells it and whose notices are lost.

use chrono::TimeDelta;
use straits::domain::findings::FindingKind;
use straits::domain::payouts::PayoutStatus;

use super::money;
use super::world::{From, Treasury};
use crate::engines::{TestDatabase, on_each_engine};
use crate::money_flows::world::{Setup, World};

async fn treasury(database: &TestDatabase) -> Treasury {
    let store = database.open().await;
    let world = World::on(&store, &database.clock, Setup::default()).await;
    Treasury::on(world, "paypal", From::PayPal, "USD", 10).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reversal_and_a_fee_whose_notices_were_lost_are_booked() {
    on_each_engine("late news", async |database| {
        let treasury = treasury(database).await;
        let supplier = treasury.crowd(1, "100.00").await.remove(0);
        let plan = treasury.sent().await;
        treasury.works(plan).await;
        let payout = treasury.payout(plan).await;
        let first = treasury.rail.questions();
        let asked = async || {
            database.tick(TimeDelta::hours(7));
            treasury.paying.recover().await.unwrap();
            treasury.rail.questions() - first
        };
        assert_eq!(asked().await, 0, "its bills tell the rest");

        treasury.rail.tells_alone_for(TimeDelta::days(30));
        let (sum, fee) = (money("100.00", "USD"), Some(money("2.00", "USD")));
        treasury.rail.say(payout.id, PayoutStatus::Paid { debited: sum }, fee);
        assert_eq!(asked().await, 1);
        let standing = treasury.world.standing().await;
        assert_eq!(standing.get("5020[paypal] USD").map(String::as_str), Some("2.00"), "{standing:?}");
        treasury.paying.recover().await.unwrap();
        assert_eq!(treasury.rail.questions() - first, 1, "slowly");

        let back = PayoutStatus::Returned { debited: sum, arrived: sum, reason: "closed".into() };
        treasury.rail.say(payout.id, back, fee);
        assert_eq!(asked().await, 2);
        assert_eq!(treasury.states(plan).await, [("returned", 1)].into());
        let standing = treasury.world.standing().await;
        let owed = standing.get(&format!("2110[{supplier}] USD")).map(String::as_str);
        assert_eq!(owed, Some("-100.00"), "{standing:?}");
        assert_eq!(asked().await, 2, "nothing more can come");
        assert_eq!(treasury.world.findings().await.len(), 0);
        treasury.world.verified().await;
        treasury.world.store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fee_that_was_never_told_is_a_persons_matter_in_the_end() {
    on_each_engine("fee never told", async |database| {
        for (fee, findings) in [(None, 1), (Some(money("0.00", "USD")), 0)] {
            let treasury = treasury(database).await;
            treasury.rail.tells_alone_for(TimeDelta::days(30));
            treasury.crowd(1, "100.00").await;
            let plan = treasury.sent().await;
            treasury.works(plan).await;
            let payout = treasury.payout(plan).await;
            let paid = PayoutStatus::Paid { debited: money("100.00", "USD") };
            treasury.rail.say(payout.id, paid, fee);
            database.tick(TimeDelta::days(29));
            treasury.paying.recover().await.unwrap();
            assert_eq!(treasury.world.findings().await.len(), 0, "it may still be told");
            for _ in 0..2 {
                database.tick(TimeDelta::days(1));
                treasury.paying.recover().await.unwrap();
            }
            let found = treasury.world.findings().await;
            assert_eq!(found.len(), findings, "{found:?}");
            for told in found {
                assert_eq!(told.kind, FindingKind::ActionNeeded);
                assert!(told.detail.contains(&payout.id.to_string()), "{}", told.detail);
            }
            database.tick(TimeDelta::days(8));
            let questions = treasury.rail.questions();
            treasury.paying.recover().await.unwrap();
            assert_eq!(treasury.rail.questions(), questions, "asked long enough");
            treasury.once(plan).await;
            treasury.world.store.close().await;
        }
    })
    .await;
}
