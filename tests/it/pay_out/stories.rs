//! J18 to J22 and J24 of the worked examples, told by the flows; J23 is in `standing`.

use straits::domain::ledger::AccountCode;
use straits::domain::payouts::PayoutStatus;

use super::money;
use super::world::{From, Treasury};
use crate::engines::on_each_engine;
use crate::money_flows::world::{Setup, World};
use crate::scenarios_flows::Telling;

fn usd(amount: &str) -> straits::money::Money {
    money(amount, "USD")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payouts_from_a_gateways_balance_are_booked_as_told() {
    on_each_engine("J18 J19 J22", async |database| {
        let store = database.open().await;
        for (id, terms, amount, fee) in [
            ("J18", "{}", "500.00", "10.00"),
            ("J19", r#"{"fee_bearer":"supplier"}"#, "490.20", "9.80"),
            ("J22", "{}", "500.00", "10.00"),
        ] {
            let world = World::on(&store, &database.clock, Setup::default()).await;
            let treasury = Treasury::on(world, "paypal", From::PayPal, "USD", 10).await;
            let supplier = treasury.supplier("A");
            treasury.payee(supplier).await;
            treasury.terms(supplier, terms).await;
            let telling = Telling::opened(id, treasury.world).await;
            let treasury = Treasury { world: telling.world, ..treasury };
            let plan = treasury.sent().await;
            let payout = treasury.payout(plan).await;
            let (debited, fee) = (usd(amount), Some(usd(fee)));
            let statuses = match id {
                "J22" => vec![
                    PayoutStatus::Unclaimed { debited },
                    PayoutStatus::Returned { debited, arrived: debited, reason: "not claimed".into() },
                ],
                _ => vec![PayoutStatus::Paid { debited }],
            };
            for status in statuses {
                treasury.rail.say(payout.id, status, fee);
                treasury.paying.ask(payout.batch).await.unwrap();
            }
            let telling = Telling { world: treasury.world, ..telling };
            telling.told().await;
        }
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payouts_from_a_bank_account_are_booked_as_told() {
    on_each_engine("J20 J21", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let treasury = Treasury::on(world, "bank", From::Bank("scb"), "THB", 10).await;
        treasury.payee(treasury.supplier("A")).await;
        // Banks want the town of an address.
        assert!(treasury.draft().await.document.lines.is_empty());
        treasury.terms(treasury.supplier("A"), r#"{"town":"Bangkok"}"#).await;
        let telling = Telling::opened("J20", treasury.world).await;
        let treasury = Treasury { world: telling.world, ..treasury };
        let plan = treasury.sent().await;
        let payout = treasury.payout(plan).await;
        let debited = money("35000.00", "THB");
        treasury.rail.say(payout.id, PayoutStatus::Paid { debited }, Some(money("25.00", "THB")));
        treasury.paying.ask(payout.batch).await.unwrap();
        Telling { world: treasury.world, ..telling }.told().await;

        let world = World::on(&store, &database.clock, Setup::default()).await;
        let treasury = Treasury::on(world, "swift", From::Bank("usd"), "USD", 10).await;
        let supplier = treasury.supplier("A");
        treasury.payee(supplier).await;
        treasury.terms(supplier, r#"{"town":"Bangkok"}"#).await;
        treasury.fund(AccountCode::SUPPLIER_AVAILABLE, supplier, "500.00").await;
        treasury.fund(AccountCode::BANK_CLIENT, "usd", "500.00").await;
        let plan = treasury.sent().await;
        let payout = treasury.payout(plan).await;
        treasury.rail.say(payout.id, PayoutStatus::Paid { debited: usd("500.00") }, None);
        treasury.paying.ask(payout.batch).await.unwrap();
        assert_eq!(treasury.state(plan).await, "completed");
        let telling = Telling::opened("J21", treasury.world).await;
        let reason = "account closed".to_owned();
        let back = PayoutStatus::Returned { debited: usd("500.00"), arrived: usd("487.50"), reason };
        treasury.rail.say(payout.id, back, None);
        treasury.paying.ask(payout.batch).await.unwrap();
        telling.told().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn debts_are_netted_from_a_payout_as_told() {
    on_each_engine("J24", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let treasury = Treasury::on(world, "paypal", From::PayPal, "USD", 10).await;
        treasury.payee(treasury.supplier("A")).await;
        let telling = Telling::opened("J24", treasury.world).await;
        let treasury = Treasury { world: telling.world, ..treasury };
        let plan = treasury.draft().await;
        let line = &plan.document.lines[0];
        assert_eq!((line.debt, line.net, line.gross), (usd("26.00"), usd("34.00"), usd("60.00")));
        treasury.approved(&plan).await;
        treasury.say(treasury.world.maker, plan.id, straits::flows::pay_out::Word::Execute).await.unwrap();
        treasury.paying.carry_out(plan.id).await.unwrap();
        treasury.works(plan.id).await;
        // The story ends before the payout: what is netted first is the story's, and only that.
        let posted = treasury.world.transactions().await;
        let lines = |at: usize| treasury.world.lines(&posted[telling.before + at]);
        let line = |side: &str, account: &str, amount: &str| {
            (side.to_owned(), account.to_owned(), amount.to_owned(), "USD".to_owned())
        };
        assert_eq!(lines(0), [line("Cr", "1200[A]", "26.00"), line("Dr", "2110[A]", "26.00")]);
        assert_eq!(lines(1), [line("Cr", "2140[paypal,A]", "34.00"), line("Dr", "2110[A]", "34.00")]);
        treasury.once(plan.id).await;
        store.close().await;
    })
    .await;
}
