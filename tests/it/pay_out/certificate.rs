//! The draft is the planner's plan: its certificate is stored with it and holds before a checker that shares no code with
//! what made it; the same ground gives the same content; some hundred suppliers are drafted while a person waits.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use serde_json::Value;
use straits::domain::access::Actor;
use straits::domain::ledger::AccountCode;
use straits::domain::merchants::{PayoutAccountKind, RailAccount};
use straits::domain::payouts::{PayoutPlan, PlanDocument, Proof};
use straits::flows::onboard::{NewPayoutAccount, NewSupplier};
use straits::store::Change;

use super::money;
use super::world::{From, Treasury};
use crate::engines::{TestDatabase, on_each_engine};
use crate::money_flows::world::{Setup, World};

pub async fn treasury(database: &TestDatabase, from: From) -> Treasury {
    let store = database.open().await;
    let world = World::on(&store, &database.clock, Setup::default()).await;
    Treasury::on(world, "rail", from, "USD", 100).await
}

pub async fn certificate(treasury: &Treasury, plan: &PayoutPlan) -> String {
    treasury.paying.certificate(treasury.world.merchant.id, plan.id).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_served_proves_the_plan_and_one_digit_more_does_not() {
    on_each_engine("payout certificate", async |database| {
        let treasury = treasury(database, From::PayPal).await;
        let suppliers = treasury.crowd(3, "500.00").await;
        treasury.terms(suppliers[0], r#"{"fee_bearer":"supplier"}"#).await;
        let plan = treasury.draft().await;
        let text = certificate(&treasury, &plan).await;
        let proof = &plan.document.proof;
        assert_eq!(PlanDocument::hash_of(&text), proof.certificate, "the content names these bytes");
        let verdict = plan_checker::check(&text).unwrap();
        assert_eq!((&verdict.plan, &verdict.table), (&proof.plan, &proof.routes));
        assert_eq!(
            (proof.cost, proof.bound, proof.gap),
            (money("29.80", "USD"), proof.cost, money("0.00", "USD"))
        );

        // What is chosen there is what the lines pay.
        let whole: Value = serde_json::from_str(&text).unwrap();
        for line in &plan.document.lines {
            let proofs = whole["body"]["parts"].as_array().unwrap().iter();
            let mut proofs = proofs.flat_map(|part| part["suppliers"].as_array().unwrap());
            let one = proofs.find(|one| one["supplier"] == line.supplier.to_string()).unwrap();
            let chosen = &one["alternatives"][usize::try_from(one["chosen"].as_u64().unwrap()).unwrap()];
            assert_eq!(chosen["items"][0][1], line.amount.minor().to_string());
            assert_eq!(chosen["fee"], line.fee.minor().to_string());
        }

        let digits = text.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_digit());
        let places: Vec<usize> = digits.map(|(place, _)| place).collect();
        for place in places.iter().copied().step_by(places.len() / 50) {
            let mut bytes = text.clone().into_bytes();
            bytes[place] = b'0' + (bytes[place] - b'0' + 1) % 10;
            let changed = String::from_utf8(bytes).unwrap();
            assert!(plan_checker::check(&changed).is_err(), "{}", &text[place.saturating_sub(30)..=place]);
        }

        // The same ground, the same content; another plan of what is there by then, another certificate.
        assert_eq!(treasury.draft().await.hash, plan.hash);
        treasury.fund(AccountCode::SUPPLIER_AVAILABLE, suppliers[1], "1.00").await;
        assert_ne!(certificate(&treasury, &treasury.draft().await).await, text);
        assert_eq!(certificate(&treasury, &plan).await, text);

        // What one payout less would cost was not planned: the proof stays that of the draft, and says so.
        let word = straits::flows::pay_out::Word::Drop {
            supplier: suppliers[2],
            currency: money("1.00", "USD").currency(),
        };
        let edited = treasury.say(treasury.world.maker, plan.id, word).await.unwrap();
        assert_ne!(edited.hash, plan.hash);
        assert_eq!(edited.document.proof, Proof { of_draft: true, ..proof.clone() });
        assert_eq!(certificate(&treasury, &edited).await, text);
        treasury.world.store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_that_is_on_its_way_is_not_planned_twice() {
    on_each_engine("payout funding", async |database| {
        let treasury = treasury(database, From::PayPal).await;
        let suppliers = treasury.crowd(1, "500.00").await;
        let held = |plan: &PayoutPlan| plan.document.funding().unwrap()[0].held;
        let first = treasury.draft().await;
        assert_eq!(held(&first), money("1000000.00", "USD"));
        let sent = treasury.sent().await;
        treasury.fund(AccountCode::SUPPLIER_AVAILABLE, suppliers[0], "1000000.00").await;
        let plan = treasury.draft().await;
        assert_eq!(held(&plan), money("999500.00", "USD"), "500.00 are on their way");
        let need = plan.document.funding().unwrap().remove(0);
        // Fifty items of 20,000.00, each with the highest fee: 1,001,000.00.
        assert_eq!((plan.document.lines.len(), need.needed), (50, money("1001000.00", "USD")));
        assert_eq!((need.missing, need.account.as_str()), (money("1500.00", "USD"), "1110[paypal] USD"));
        assert!(need.by > database.clock.now());
        treasury.works(sent).await;
        // All of it is executed, item by item, and nobody twice.
        let plan = treasury.sent().await;
        treasury.works(plan).await;
        assert_eq!((treasury.state(plan).await, treasury.payouts(plan).await.len()), ("completed", 50));
        treasury.once(plan).await;
        treasury.world.store.close().await;
    })
    .await;
}

/// So many suppliers in America, each with a bank account and every second with PayPal; a bank and a file by hand beside
/// PayPal, all three out of one pot.
pub async fn choice(treasury: &Treasury, count: usize) {
    let world = &treasury.world;
    let mut change = Change::new();
    for (name, rail) in [("bank", "pain001"), ("hand", "csv")] {
        let (id, account) = (world.ids.mint(), treasury.account.clone());
        change.insert_rail_account(&RailAccount { id, name: name.into(), rail: rail.into(), ..account });
    }
    world.store.commit(change).await.unwrap();
    let actor = Actor::service(world.merchant.id, world.ids.mint());
    let (usd, country) = (treasury.account.currency, "US".to_owned());
    for nth in 0..count {
        let name = format!("S{nth}");
        let new = NewSupplier {
            name,
            country: country.clone(),
            currency: usd,
            tax_number: None,
            payout_contact: None,
        };
        let supplier = treasury.onboarding.create_supplier(&actor, new).await.unwrap().id;
        let kinds = [(PayoutAccountKind::Bank, "1234567890"), (PayoutAccountKind::Paypal, "a@example.com")];
        for (kind, number) in kinds.into_iter().take(1 + nth % 2) {
            let bank_code = (kind == PayoutAccountKind::Bank).then(|| "021000021".to_owned());
            let (holder, number) = ("Payee".to_owned(), number.to_owned().into());
            let account =
                NewPayoutAccount { kind, country: country.clone(), currency: usd, holder, number, bank_code };
            treasury.onboarding.add_payout_account(&actor, supplier, account).await.unwrap();
        }
        if nth % 3 > 0 {
            treasury.terms(supplier, r#"{"town":"Austin"}"#).await;
        }
        let amount = format!("{}.{:02}", 5 + nth * 37 % 1_900, nth % 100);
        treasury.fund(AccountCode::SUPPLIER_AVAILABLE, supplier, &amount).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn some_hundred_suppliers_are_drafted_while_a_person_waits() {
    on_each_engine("payout crowd", async |database| {
        let treasury = treasury(database, From::PayPal).await;
        choice(&treasury, 400).await;
        // The second account of a supplier has cooled.
        database.tick(TimeDelta::hours(72));
        let start = Instant::now();
        let plan = treasury.draft().await;
        let took = start.elapsed();
        let document = &plan.document;
        assert_eq!((document.lines.len(), document.excluded.len()), (400, 0));
        let text = certificate(&treasury, &plan).await;
        let start = Instant::now();
        let verdict = plan_checker::check(&text).unwrap();
        println!("400 suppliers: {took:?}, {} KiB, checked in {:?}", text.len() / 1_024, start.elapsed());
        assert_eq!((verdict.suppliers, verdict.unpaid), (400, 0));
        assert!(document.proof.gap.is_zero() && document.proof.saved.unwrap().is_positive());
        // Whoever has no town is not paid by the bank, small sums go by PayPal, large ones free of charge by hand.
        let routes: BTreeMap<&str, usize> =
            document.lines.iter().fold(BTreeMap::new(), |mut counts, line| {
                *counts.entry(line.route.as_str()).or_default() += 1;
                counts
            });
        assert_eq!(
            routes.keys().copied().collect::<Vec<_>>(),
            ["bank-us", "csv-usd", "paypal-usd"],
            "{routes:?}"
        );
        let needs = document.funding().unwrap();
        assert_eq!((needs.len(), needs[0].rail_accounts.len()), (1, 3), "one pot, three rails");
        // Unoptimised and on whatever machine; what a person waits for is a fraction of it.
        assert!(took < Duration::from_secs(30), "{took:?}");
        assert_eq!(treasury.draft().await.hash, plan.hash);
        treasury.world.store.close().await;
    })
    .await;
}
