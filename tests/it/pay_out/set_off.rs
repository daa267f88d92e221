//! Debts in another currency come off a payout where the supplier agreed, within the same cap, at the approved rate.

use rust_decimal::Decimal;
use straits::domain::ledger::AccountCode;
use straits::domain::payouts::PayoutState;
use straits::flows::pay_out::{PlanInput, Word};
use straits::store::Change;

use super::money;
use super::world::{From, Treasury};
use crate::engines::on_each_engine;
use crate::money_flows::world::{Setup, World};

const AGREED: &str = r#"{"set_off":{"note":"contract of 1 March, clause 7"}}"#;

/// A has 100.00 USD and owes USD 10.00 and as many yuan; a dollar is 7.12 of them.
async fn indebted(world: World, yuan: &str) -> Treasury {
    world.quote(&[("USD", "1"), ("CNY", "7.12")]).await;
    let treasury = Treasury::on(world, "paypal", From::PayPal, "USD", 10).await;
    let supplier = treasury.supplier("A");
    treasury.payee(supplier).await;
    treasury.fund(AccountCode::SUPPLIER_AVAILABLE, supplier, "100.00").await;
    treasury.fund(AccountCode::SUPPLIER_RECEIVABLE, supplier, "10.00").await;
    treasury.fund_in("CNY", AccountCode::SUPPLIER_RECEIVABLE, supplier, yuan).await;
    treasury.fund(AccountCode::GATEWAY_BALANCE, "paypal", "1000.00").await;
    treasury
}

#[tokio::test(flavor = "multi_thread")]
async fn a_debt_in_another_currency_is_set_off_by_consent() {
    on_each_engine("set off", async |database| {
        for (yuan, terms, debt, covered, left) in [
            ("142.40", r#"{"debt_cap":"50"}"#, "10.00", None, "142.40"),
            ("142.40", AGREED, "30.00", Some(("142.40", "20.00")), ""),
            // The half of the balance is the most that goes to debts: 40.00 are left behind the dollars owed.
            ("712.00", AGREED, "50.00", Some(("284.80", "40.00")), "427.20"),
            ("0.03", AGREED, "10.00", None, "0.03"),
        ] {
            let store = database.open().await;
            let world = World::on(&store, &database.clock, Setup::default()).await;
            let treasury = indebted(world, yuan).await;
            treasury.terms(treasury.supplier("A"), terms).await;
            let plan = treasury.draft().await;
            let line = &plan.document.lines[0];
            assert_eq!(
                (line.debt, line.gross),
                (money(debt, "USD"), money("100.00", "USD")),
                "{yuan} {terms}"
            );
            assert_eq!(line.net, line.gross.checked_sub(line.debt).unwrap());
            let seen = line.set_off.first().map(|set_off| (set_off.covered, set_off.taken, set_off.rate));
            // Yuan into dollars, to the eighteen digits that rates have.
            let rate = Decimal::ONE / Decimal::new(712, 2);
            if let Some((covered, taken)) = covered {
                let seen = seen.unwrap();
                assert_eq!((seen.0, seen.1), (money(covered, "CNY"), money(taken, "USD")));
                assert!((seen.2 - rate).abs() < Decimal::new(1, 12), "{}", seen.2);
            } else {
                assert_eq!(seen, None);
            }
            treasury.approved(&plan).await;
            treasury.say(treasury.world.maker, plan.id, Word::Execute).await.unwrap();
            treasury.paying.carry_out(plan.id).await.unwrap();
            treasury.works(plan.id).await;
            treasury.once(plan.id).await;
            let standing = treasury.world.standing().await;
            let of = |account: &str| standing.get(account).cloned().unwrap_or_default();
            assert_eq!(
                (of("2110[A] USD"), of("1200[A] USD"), of("1200[A] CNY").as_str()),
                (String::new(), String::new(), left)
            );
            let lots = treasury.world.store.open_lots(treasury.world.merchant.id).await.unwrap().lots;
            assert_eq!(
                lots.len(),
                usize::from(covered.is_some()),
                "a set-off leaves a position, nothing else does"
            );
            store.close().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_debt_that_is_paid_meanwhile_is_not_set_off() {
    on_each_engine("set off meanwhile", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let treasury = indebted(world, "142.40").await;
        let supplier = treasury.supplier("A");
        treasury.terms(supplier, AGREED).await;
        let plan = treasury.draft().await;
        treasury.approved(&plan).await;
        treasury.fund_in("CNY", AccountCode::SUPPLIER_RECEIVABLE, supplier, "-0.01").await;
        treasury.say(treasury.world.maker, plan.id, Word::Execute).await.unwrap();
        treasury.paying.carry_out(plan.id).await.unwrap();
        let payout = treasury.payout(plan.id).await;
        let PayoutState::Failed { code, reason } = &payout.state else { panic!("{payout:?}") };
        assert_eq!((code.as_str(), reason.as_str()), ("debt_changed", "less than CNY 142.40 is owed by now"));
        assert!(treasury.rail.taken().is_empty());
        let standing = treasury.world.standing().await;
        assert_eq!(
            (standing["2110[A] USD"].as_str(), standing["1200[A] CNY"].as_str()),
            ("-100.00", "142.39")
        );
        treasury.world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_that_is_withdrawn_behind_the_approval_sets_nothing_off() {
    on_each_engine("consent withdrawn", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let treasury = indebted(world, "142.40").await;
        let supplier = treasury.supplier("A");
        treasury.terms(supplier, AGREED).await;
        let plan = treasury.draft().await;
        assert_eq!(plan.document.lines[0].set_off.len(), 1);
        treasury.approved(&plan).await;
        treasury.terms(supplier, r#"{"set_off":null}"#).await;
        treasury.say(treasury.world.maker, plan.id, Word::Execute).await.unwrap();
        treasury.paying.carry_out(plan.id).await.unwrap();
        let payout = treasury.payout(plan.id).await;
        let PayoutState::Failed { code, .. } = &payout.state else { panic!("{payout:?}") };
        assert_eq!(code, "consent_withdrawn");
        assert!(treasury.rail.taken().is_empty());
        let standing = treasury.world.standing().await;
        assert_eq!(
            (standing["2110[A] USD"].as_str(), standing["1200[A] CNY"].as_str()),
            ("-100.00", "142.40")
        );
        // The next plan nets its own currency's debt only.
        let line = treasury.draft().await.document.lines.remove(0);
        assert_eq!((line.debt, line.set_off.len()), (money("10.00", "USD"), 0));
        treasury.world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_debt_that_its_own_currency_covers_takes_nothing_from_another() {
    on_each_engine("own currency first", async |database| {
        // Half of a balance goes to debts: 284.80 yuan cover 142.40 owed, 100.00 leave 92.40 to the dollars, 12.98 of them.
        for (yuan, covered) in [("284.80", None), ("100.00", Some(("92.40", "12.98")))] {
            let store = database.open().await;
            let world = World::on(&store, &database.clock, Setup::default()).await;
            let treasury = indebted(world, "142.40").await;
            let supplier = treasury.supplier("A");
            treasury.terms(supplier, AGREED).await;
            treasury.fund_in("CNY", AccountCode::SUPPLIER_AVAILABLE, supplier, yuan).await;
            let dollars = Some(vec![money("0.00", "USD").currency()]);
            for currencies in [dollars, None] {
                let (world, input) =
                    (&treasury.world, PlanInput { currencies: currencies.clone(), ..PlanInput::default() });
                let drafted = treasury.paying.draft(
                    world.merchant.id,
                    world.maker,
                    world.ids.mint(),
                    &input,
                    Change::new(),
                );
                let plan = drafted.await.unwrap();
                let line =
                    plan.document.lines.iter().find(|line| line.net.currency().code() == "USD").unwrap();
                let seen = line.set_off.first().map(|set_off| (set_off.covered, set_off.taken));
                let expected = covered.map(|(debt, taken)| (money(debt, "CNY"), money(taken, "USD")));
                assert_eq!(seen, expected, "{yuan} {currencies:?}");
            }
            store.close().await;
        }
    })
    .await;
}
