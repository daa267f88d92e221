//! What a gateway charges, learned from its bills by method and month, beside the contract.

use chrono::{Days, TimeDelta};
use serde_json::{Value, json};
use straits::domain::fees::FeeBook;
use straits::domain::findings::FindingKind;
use straits::domain::merchants::SettlementMode;
use straits::domain::orders::Capture;
use straits::money::Money;
use straits::store::reconciliations::Run;

use super::ONE;
use super::bills::{day, line, noon, run};
use super::world::{Setup, World, taken};
use crate::engines::on_each_engine;

/// 2.9 % + 0.30 by card, else 4.4 % + 0.50.
const CONTRACT: &str = r#"[
    {"name":"any","kind":"gateway","percent":"4.4","fixed":"0.50","when":{"currency":"USD"}},
    {"name":"card","kind":"gateway","percent":"2.9","fixed":"0.30","when":{"currency":"USD","method":"card"}}]"#;

fn setup() -> Setup {
    Setup { fees: FeeBook::of(serde_json::from_str(CONTRACT).unwrap()), ..Setup::default() }
}

fn usd(minor: i64) -> Money {
    super::world::money(&format!("{}.{:02}", minor / 100, minor % 100), "USD")
}

/// A payment of so many cents, and its line on the bill so many days after the first.
async fn billed(world: &World, order: &str, method: Option<&str>, ahead: i64, gross: i64, fee: i64) {
    let at = noon() + TimeDelta::days(ahead);
    let text = |minor: i64| format!("{}.{:02}", minor / 100, minor % 100);
    let payment = world.start_by(method, order, usd(gross), ONE).await;
    let capture = taken(&format!("CAP-{order}"), &text(gross), "USD", &text(fee));
    world.far.approve(payment, Capture { at, ..capture });
    world.hear(payment).await;
    world.far.bill(line(order, |facts| {
        (facts.gross, facts.fee, facts.at) = (usd(gross), usd(fee), at);
    }));
}

/// The rows of a run: month, method, payments, contract, learned or why not, drift, lines, rounding.
fn told(run: &Run) -> Vec<Value> {
    let fees: Vec<Value> = serde_json::from_str(&run.drift).unwrap();
    let terms = |terms: &Value| {
        format!("{} % + {}", terms["percent"].as_str().unwrap(), terms["fixed"].as_str().unwrap())
    };
    let row = |fee: &Value| {
        let learned =
            if fee["learned"].is_null() { fee["not_learned"].clone() } else { json!(terms(&fee["learned"])) };
        let amount = |field: &str| fee[field]["amount"].as_str().unwrap().to_owned();
        json!([
            fee["month"],
            fee["method"],
            fee["payments"],
            terms(&fee["contract"]),
            learned,
            amount("drift"),
            fee["drifting_payments"],
            amount("rounding"),
            fee["finding"].is_string(),
        ])
    };
    fees.iter().map(row).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drift_is_learned_by_method_and_month_from_every_bill_of_it() {
    on_each_engine("a_drift_is_learned_by_method_and_month", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, setup()).await;
        // The contract says 2.9 % + 0.30 by card, the gateway charges 3.4 % + 0.30.
        let (mut today, by_day) = (0, [(1, 0), (2, 0), (3, 0), (4, 1), (5, 1), (6, 1), (7, 20)]);
        for (number, ahead) in by_day {
            database.tick(TimeDelta::days(ahead - today));
            today = ahead;
            let gross = number * 10_000;
            let fee = gross * 34 / 1_000 + 30;
            billed(&world, &format!("card-{number}"), Some("card"), ahead, gross, fee).await;
        }
        // By contract, but for what is rounded up.
        billed(&world, "other-1", None, 20, 1_001, 95).await;
        billed(&world, "other-2", None, 20, 10_000, 490).await;
        // Nobody's payment here: told of no method.
        world.far.bill(line("strange", |facts| {
            (facts.gross, facts.fee, facts.at) = (usd(20_000), usd(930), noon() + TimeDelta::days(20));
        }));

        let (first, _) = run(&world, day()).await;
        let small = json!(["2026-11", "card", 3, "2.9 % + 0.3", "small_sample", "3.00", 3, "0.00", false]);
        assert_eq!(told(&first), [small]);
        assert!(world.findings().await.iter().all(|finding| finding.kind != FindingKind::FeeDrift));

        let by_card = json!(["2026-11", "card", 6, "2.9 % + 0.3", "3.4 % + 0.3", "10.50", 6, "0.00", true]);
        for again in 0..2 {
            let (second, _) = run(&world, day() + Days::new(1)).await;
            assert_eq!(told(&second), std::slice::from_ref(&by_card), "{again}: a day counts once");
        }
        let finding = world.finding(FindingKind::FeeDrift).await;
        assert_eq!(finding.amount, Some(usd(1_050)));
        for part in
            ["2.9 % + 0.3 in 2026-11", "6 of 6 payments (card)", "3.4 % + 0.3", "CAP-card-1, CAP-card-2"]
        {
            assert!(finding.detail.contains(part), "{part}: {}", finding.detail);
        }

        // The next month begins with nothing learned.
        let (december, _) = run(&world, day() + Days::new(20)).await;
        let small = json!(["2026-12", "card", 1, "2.9 % + 0.3", "small_sample", "3.50", 1, "0.00", false]);
        let other = json!(["2026-12", "unknown", 3, "4.4 % + 0.5", "small_sample", "0.00", 0, "0.01", false]);
        assert_eq!(told(&december), [small, other]);
        let drifts =
            world.findings().await.into_iter().filter(|finding| finding.kind == FindingKind::FeeDrift);
        assert_eq!(drifts.count(), 1);
        world.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_waited_in_the_pool_keeps_its_terms_and_invoiced_fees_teach_nothing() {
    on_each_engine("a_line_that_waited_in_the_pool_keeps_its_terms", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, setup()).await;
        let payment = world.start_by(Some("card"), "late", usd(10_000), ONE).await;
        world.far.approve(payment, taken("CAP-late", "100.00", "USD", "3.20"));
        world.hear(payment).await;
        world.far.bill(line("late", |facts| {
            (facts.fee, facts.at) = (usd(320), noon() + TimeDelta::days(2));
        }));
        let (first, _) = run(&world, day()).await;
        assert_eq!(told(&first), [] as [Value; 0]);
        let (third, _) = run(&world, day() + Days::new(2)).await;
        let by_card = json!(["2026-11", "card", 1, "2.9 % + 0.3", "small_sample", "0.00", 0, "0.00", false]);
        assert_eq!(told(&third), [by_card]);
    })
    .await;
    on_each_engine("invoiced_fees_teach_nothing", async |database| {
        let store = database.open().await;
        let invoiced =
            Setup { account: |account| account.settlement = SettlementMode::GrossThenInvoice, ..setup() };
        let world = World::on(&store, &database.clock, invoiced).await;
        billed(&world, "free", None, 0, 10_000, 0).await;
        let (run, _) = run(&world, day()).await;
        assert_eq!(told(&run), [] as [Value; 0]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_fee_far_beyond_the_contract_is_told_at_once() {
    on_each_engine("one_fee_far_beyond_the_contract", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, setup()).await;
        // 4.90 by contract; 5.00 more is what the setting bears with.
        for (order, fee) in [("agreed", 490), ("borne", 990), ("beyond", 991), ("absurd", 4_000)] {
            billed(&world, order, None, 0, 10_000, fee).await;
        }
        let findings = world.findings().await;
        let told: Vec<_> = findings
            .iter()
            .map(|finding| (finding.kind, finding.fact.as_str(), finding.amount.unwrap()))
            .collect();
        let drift = FindingKind::FeeDrift;
        assert_eq!(told, [(drift, "CAP-beyond", usd(501)), (drift, "CAP-absurd", usd(3_510))]);
        assert!(findings.iter().all(|finding| finding.payment.is_some()), "{findings:?}");
        // The bill repeats the fee, and agrees.
        run(&world, day()).await;
        assert_eq!(world.findings().await.len(), 2);
        world.verified().await;
        store.close().await;
    })
    .await;
}
