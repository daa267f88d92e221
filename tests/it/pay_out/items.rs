//! What a route does not take at once goes out in several items. The first bears taxes and debts of the payee; the others
//! are never paid without it, in one call or in several.

use chrono::TimeDelta;
use straits::domain::ledger::AccountCode;
use straits::domain::payouts::{Payout, PayoutPlan, PayoutRules, PayoutState};
use straits::flows::pay_out::Word;
use straits::ids::SupplierId;

use super::money;
use super::world::{From, Treasury, rules};
use crate::engines::on_each_engine;
use crate::money_flows::world::{Setup, World};

/// A has three items' worth and owes USD 10.00; another one has two items' worth and owes nothing. The rail takes so many
/// at once.
async fn large(world: World, limit: usize) -> (Treasury, SupplierId) {
    let treasury = Treasury::on(world, "paypal", From::PayPal, "USD", limit).await;
    let (indebted, free) = (treasury.supplier("A"), treasury.join("free").await);
    treasury.payee(indebted).await;
    treasury.fund(AccountCode::SUPPLIER_AVAILABLE, indebted, "50000.00").await;
    treasury.fund(AccountCode::SUPPLIER_RECEIVABLE, indebted, "10.00").await;
    treasury.fund(AccountCode::SUPPLIER_AVAILABLE, free, "30000.00").await;
    treasury.fund(AccountCode::GATEWAY_BALANCE, "paypal", "1000000.00").await;
    (treasury, free)
}

async fn approved(treasury: &Treasury) -> PayoutPlan {
    let plan = treasury.draft().await;
    let debts = |supplier: SupplierId| {
        // In the order in which they are called out.
        let (mut called, mut own) = (0, vec![]);
        while let Some(lines) = plan.document.next_call(called, |_| usize::MAX) {
            called += lines.len();
            own.extend(lines.into_iter().filter(|line| line.supplier == supplier));
        }
        own.into_iter().map(|line| (line.bears(), line.debt.to_string())).collect::<Vec<_>>()
    };
    let [ten, nothing] = ["USD 10.00", "USD 0.00"].map(str::to_owned);
    let indebted = treasury.supplier("A");
    assert_eq!(debts(indebted), [(true, ten), (false, nothing.clone()), (false, nothing)]);
    treasury.approved(&plan).await;
    treasury.say(treasury.world.maker, plan.id, Word::Execute).await.unwrap();
    plan
}

/// The states of a supplier's items, and the codes of what failed.
async fn items(treasury: &Treasury, plan: &PayoutPlan, supplier: SupplierId) -> Vec<String> {
    let own = |payout: &Payout| payout.supplier == supplier;
    let word = |payout: Payout| match payout.state {
        PayoutState::Failed { code, .. } => code,
        state => state.as_str().to_owned(),
    };
    treasury.payouts(plan.id).await.into_iter().filter(own).map(word).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_item_is_paid_without_the_one_that_bears_the_debts() {
    on_each_engine("items", async |database| {
        for limit in [10, 1] {
            let store = database.open().await;
            let world = World::on(&store, &database.clock, Setup::default()).await;
            let (treasury, free) = large(world, limit).await;
            let indebted = treasury.supplier("A");

            // Somebody pays a cent of the debt meanwhile: nothing of A is paid, and all of whom it does not concern.
            let plan = approved(&treasury).await;
            treasury.fund(AccountCode::SUPPLIER_RECEIVABLE, indebted, "-0.01").await;
            treasury.paying.carry_out(plan.id).await.unwrap();
            let refused = ["debt_changed", "first_item_refused", "first_item_refused"];
            assert_eq!(items(&treasury, &plan, indebted).await, refused, "{limit} at once");
            assert_eq!(items(&treasury, &plan, free).await, ["sent", "sent"]);
            let standing = treasury.world.standing().await;
            assert_eq!(
                (standing["2110[A] USD"].as_str(), standing["1200[A] USD"].as_str()),
                ("-50000.00", "9.99")
            );
            treasury.works(plan.id).await;
            treasury.once(plan.id).await;

            // The next plan takes what is owed by then, and pays every item.
            let plan = treasury.draft().await;
            treasury.approved(&plan).await;
            treasury.say(treasury.world.maker, plan.id, Word::Execute).await.unwrap();
            treasury.paying.carry_out(plan.id).await.unwrap();
            assert_eq!(items(&treasury, &plan, indebted).await, ["sent"; 3], "{limit} at once");
            treasury.works(plan.id).await;
            let standing = treasury.world.standing().await;
            assert!(
                !standing.contains_key("1200[A] USD") && !standing.contains_key("2110[A] USD"),
                "{standing:?}"
            );
            treasury.once(plan.id).await;
            store.close().await;
        }
    })
    .await;
}

/// A changed account's first payout is limited as a whole: the call that brings its second item does not meet the first one's
/// as another plan's would.
#[tokio::test(flavor = "multi_thread")]
async fn a_limited_first_payout_goes_out_in_several_calls() {
    on_each_engine("limited items", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let mut treasury = Treasury::on(world, "paypal", From::PayPal, "USD", 1).await;
        treasury.paying =
            treasury.under(PayoutRules { first_payout: vec![money("25000.00", "USD")], ..rules() });
        let supplier = treasury.supplier("A");
        treasury.payee(supplier).await;
        treasury.payee(supplier).await;
        treasury.fund(AccountCode::SUPPLIER_AVAILABLE, supplier, "50000.00").await;
        treasury.fund(AccountCode::GATEWAY_BALANCE, "paypal", "1000000.00").await;
        database.tick(TimeDelta::hours(72));
        let plan = treasury.draft().await;
        let limited: Vec<bool> = plan.document.lines.iter().map(|line| line.capped).collect();
        assert_eq!(limited, [true, true], "{:?}", plan.document.lines);
        treasury.approved(&plan).await;
        treasury.say(treasury.world.maker, plan.id, Word::Execute).await.unwrap();
        treasury.paying.carry_out(plan.id).await.unwrap();
        assert_eq!(items(&treasury, &plan, supplier).await, ["sent", "sent"]);
        // Another plan still waits for it.
        let waits = treasury.draft().await.document;
        assert_eq!((waits.lines.len(), waits.excluded[0].reason.as_str()), (0, "first_payout_under_way"));
        treasury.works(plan.id).await;
        treasury.once(plan.id).await;
        store.close().await;
    })
    .await;
}
