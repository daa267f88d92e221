//! How many payouts go out in one call: as many as the rail takes, or as the settings say.

use straits::domain::ledger::AccountCode;
use straits::domain::payouts::PayoutRules;
use straits::flows::pay_out::PlanInput;
use straits::store::Change;

use super::world::{From, Treasury, rules};
use crate::engines::on_each_engine;
use crate::money_flows::world::{Setup, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_a_thousand_go_out_in_one_call_where_the_rail_takes_them() {
    on_each_engine("a call of 1,001 payouts", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let treasury = Treasury::on(world, "paypal-usd", From::PayPal, "USD", 15_000).await;
        // PayPal takes 20,000.00 in one item.
        treasury.crowd(1, "20020000.00").await;
        treasury.fund(AccountCode::GATEWAY_BALANCE, "paypal", "20000000.00").await;
        let fewer = treasury.under(PayoutRules { items_per_call: Some(600), ..rules() });
        let (world, input) = (&treasury.world, PlanInput::default());
        let drafted = fewer.draft(world.merchant.id, world.maker, world.ids.mint(), &input, Change::new());
        let calls: Vec<usize> = drafted.await.unwrap().document.lines.iter().map(|line| line.batch).collect();
        let of = |call: usize| calls.iter().filter(|batch| **batch == call).count();
        assert_eq!((of(1), of(2), calls.len()), (600, 401, 1_001));

        let plan = treasury.sent().await;
        assert_eq!(treasury.payouts(plan).await.len(), 1_001);
        assert_eq!((treasury.rail.calls(), treasury.rail.taken().len()), (1, 1_001));
        assert!(treasury.rail.taken().values().all(|times| *times == 1));
        store.close().await;
    })
    .await;
}
