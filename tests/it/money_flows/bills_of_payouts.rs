//! Payouts that a bill names: each is made of the takings before it, and none of another's.

use chrono::{Days, TimeDelta};
use straits::domain::deposits::ReportedBatch;
use straits::domain::fees::FeeBook;
use straits::domain::findings::FindingKind;
use straits::domain::merchants::{AvailableWhen, Recharge, SettlementMode};
use straits::domain::orders::{Capture, ReportKind};
use straits::domain::reconciliation::{BillKind, BillLine, LineHash};
use straits::money::Money;
use straits::store::Change;

use super::bills::{day, line, movement, noon, run, told};
use super::world::{Setup, World, money};
use crate::engines::{TestDatabase, on_each_engine};

const ALL_TO_A: &str = r#"{"splits":[{"supplier":"A","share":{"remainder":true}}]}"#;

fn sgd(amount: &str) -> Money {
    money(amount, "SGD")
}

/// A gateway that keeps 1.8 percent of what it sweeps.
async fn world(database: &TestDatabase, store: &straits::store::Store) -> World {
    let rule = "name = \"one\"\n[[rule]]\nname = \"MDR\"\nkind = \"gateway\"\npercent = \"1.8\"\n";
    let fees = FeeBook::read(&[("one.toml", &format!("{rule}source = \"the story\"\ntrust = \"sample\"\n"))]);
    let setup = Setup {
        fees: fees.unwrap(),
        suppliers: ["SGD", "SGD"],
        account: |account| {
            account.settlement = SettlementMode::NetInBatch;
            account.recharge = Recharge::Schedule;
            account.available_when = AvailableWhen::BankReceived;
        },
        ..Setup::default()
    };
    World::on(store, &database.clock, setup).await
}

/// Captured now, and billed so.
async fn sold(world: &World, order: &str, amount: &str, fee: &str) {
    let at = world.clock.now();
    let capture = Capture {
        capture_ref: format!("CAP-{order}"),
        amount: sgd(amount),
        fee: None,
        receivable: None,
        payer_country: None,
        at,
    };
    world.paid(order, sgd(amount), ALL_TO_A, capture).await;
    world.far.bill(line(order, |facts| {
        (facts.gross, facts.fee, facts.tax, facts.at) = (sgd(amount), sgd(fee), sgd("0"), at);
    }));
}

/// Swept to the bank at this hour behind noon.
fn sweep(world: &World, reference: &str, net: &str, minutes: i64) {
    let mut facts = movement(reference, BillKind::Sweep, "0").into_facts();
    (facts.gross, facts.fee, facts.tax) = (sgd(&format!("-{net}")), sgd("0"), sgd("0"));
    facts.at = noon() + TimeDelta::minutes(minutes);
    world.far.bill(BillLine::try_new(facts).unwrap());
}

async fn place(world: &World, account: &str) -> Option<String> {
    world.standing().await.get(&format!("{account} SGD")).cloned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_sweeps_of_a_day_carry_each_its_own_fees() {
    on_each_engine("two_sweeps_of_a_day_carry_each_its_own_fees", async |database| {
        let store = database.open().await;
        let world = world(database, &store).await;
        sold(&world, "1", "100.00", "1.80").await;
        database.tick(TimeDelta::hours(1));
        sold(&world, "2", "50.00", "0.90").await;
        // The later one is listed first.
        sweep(&world, "W-2", "49.10", 120);
        sweep(&world, "W-1", "98.20", 30);
        let (_, items) = run(&world, day()).await;
        assert_eq!(told(&items), [("gateway_settlement", "automatic"); 2]);
        assert!(world.findings().await.is_empty(), "{:?}", world.findings().await);
        assert_eq!(place(&world, "1140[paypal]").await.as_deref(), Some("147.30"));
        for nothing in ["1100[paypal]", "2310[paypal]", "5010[paypal]"] {
            assert_eq!(place(&world, nothing).await, None, "{nothing}");
        }
        let (_, items) = run(&world, day()).await;
        assert_eq!(told(&items), [], "once");
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_of_yesterdays_takings_bears_yesterdays_fee() {
    on_each_engine("a_sweep_of_yesterdays_takings_bears_yesterdays_fee", async |database| {
        let store = database.open().await;
        let world = world(database, &store).await;
        sold(&world, "yesterday", "100.00", "1.80").await;
        database.tick(TimeDelta::hours(20));
        sold(&world, "morning", "30.00", "0.54").await;
        database.tick(TimeDelta::hours(4));
        sold(&world, "noon", "50.00", "0.90").await;
        sweep(&world, "W-1", "98.20", 23 * 60);
        let (_, items) = run(&world, day() + Days::new(1)).await;
        assert_eq!(told(&items), [("gateway_settlement", "automatic")]);
        assert!(world.findings().await.is_empty(), "{:?}", world.findings().await);
        assert_eq!(place(&world, "1140[paypal]").await.as_deref(), Some("98.20"));
        assert_eq!(place(&world, "1100[paypal]").await.as_deref(), Some("80.00"));
        assert_eq!(place(&world, "2310[paypal]").await.as_deref(), Some("-1.44"));
        assert_eq!(place(&world, "5010[paypal]").await, None);
        // The next one carries the rest.
        sweep(&world, "W-2", "78.56", 47 * 60);
        database.tick(TimeDelta::days(1));
        let (_, items) = run(&world, day() + Days::new(2)).await;
        assert_eq!(told(&items), [("gateway_settlement", "automatic")]);
        assert_eq!(place(&world, "1100[paypal]").await, None);
        assert!(world.findings().await.is_empty(), "{:?}", world.findings().await);
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_that_nothing_explains_bears_what_was_accrued_and_is_shown() {
    on_each_engine("a_sweep_that_nothing_explains_bears_what_was_accrued", async |database| {
        let store = database.open().await;
        let world = world(database, &store).await;
        sold(&world, "1", "100.00", "1.80").await;
        sweep(&world, "W-1", "90.00", 30);
        let (ended, items) = run(&world, day()).await;
        assert_eq!(told(&items), [("gateway_settlement", "flagged")]);
        assert_eq!((ended.repaired, ended.open), (1, 0));
        let kinds: Vec<_> = world.findings().await.iter().map(|finding| finding.kind).collect();
        assert_eq!(kinds, [FindingKind::BatchDiffers]);
        assert!(items[0].finding.is_some());
        assert_eq!(place(&world, "1140[paypal]").await.as_deref(), Some("90.00"));
        // What it kept beside its fee is still to come.
        assert_eq!(place(&world, "1100[paypal]").await.as_deref(), Some("8.20"));
        for nothing in ["2310[paypal]", "5010[paypal]"] {
            assert_eq!(place(&world, nothing).await, None, "{nothing}");
        }
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strangers_fee_is_charged_once_with_the_sweep_that_brings_its_money() {
    on_each_engine("a_strangers_fee_is_charged_once", async |database| {
        let store = database.open().await;
        let world = world(database, &store).await;
        sold(&world, "1", "100.00", "1.80").await;
        let ghost = |order: &str, fee: &str, tax: &str| {
            let (fee, tax) = (sgd(fee), sgd(tax));
            line(order, |facts| (facts.gross, facts.fee, facts.tax) = (sgd("25.00"), fee, tax))
        };
        world.far.bill(ghost("ghost", "0.45", "0.00"));
        world.far.bill(ghost("taxed-ghost", "0.45", "0.04"));
        sweep(&world, "W-1", "147.26", 30);
        let (_, items) = run(&world, day()).await;
        let ghosts = [("paid_unknown_here", "waits"); 2];
        assert_eq!(told(&items), [ghosts.as_slice(), &[("gateway_settlement", "flagged")]].concat());
        assert_eq!(place(&world, "1140[paypal]").await.as_deref(), Some("147.26"));
        assert_eq!(place(&world, "5000[paypal]").await.as_deref(), Some("2.70"));
        assert_eq!(place(&world, "1300[SG]").await.as_deref(), Some("0.04"));
        assert_eq!(place(&world, "2900[paypal]").await.as_deref(), Some("-50.00"));
        for nothing in ["1100[paypal]", "2310[paypal]", "5010[paypal]", "5080"] {
            assert_eq!(place(&world, nothing).await, None, "{nothing}");
        }
        let (_, items) = run(&world, day()).await;
        assert_eq!(told(&items), [], "once");
        // One that is a payment's after all: its fee stays what it was.
        let late = world.start("late", sgd("25.00"), ALL_TO_A).await;
        let capture = Capture {
            capture_ref: "CAP-ghost".into(),
            amount: sgd("25.00"),
            fee: None,
            receivable: None,
            payer_country: None,
            at: noon(),
        };
        world.far.say(late, ReportKind::Captured(capture));
        world.hear(late).await;
        assert_eq!(world.state(late).await, "captured");
        assert_eq!(place(&world, "2900[paypal]").await.as_deref(), Some("-25.00"));
        assert_eq!(place(&world, "5000[paypal]").await.as_deref(), Some("2.70"));
        for nothing in ["1100[paypal]", "2310[paypal]", "5010[paypal]"] {
            assert_eq!(place(&world, nothing).await, None, "{nothing}");
        }
        world.verified().await;
        store.close().await;
    })
    .await;
}

/// Recorded as sent by a person: so much, of the captures so far.
async fn recorded(world: &World, reference: &str, gross: &str, fee: &str, net: &str) {
    let at = world.clock.now();
    let batch = ReportedBatch {
        reference: reference.into(),
        closed_at: at,
        paid_at: Some(at),
        deposit_reference: None,
        gross: sgd(gross),
        refunds: sgd("0"),
        chargebacks: sgd("0"),
        held: sgd("0"),
        fee: sgd(fee),
        tax: sgd("0"),
        net: sgd(net),
        items: vec![],
    };
    world.deposits.record_batch(&world.account, batch, Change::new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_sweep_that_was_recorded_otherwise_only_the_difference_stands_aside() {
    on_each_engine("a_sweep_that_was_recorded_otherwise", async |database| {
        let store = database.open().await;
        let world = world(database, &store).await;
        sold(&world, "1", "50.00", "0.90").await;
        // By hand, with a slip of the pen.
        recorded(&world, "W-1", "50.00", "0.40", "49.60").await;
        sweep(&world, "W-1", "49.10", 30);
        for _ in ["once", "twice"] {
            let (ended, items) = run(&world, day()).await;
            assert_eq!((told(&items), ended.open), (vec![("gateway_settlement", "waits")], 1));
            let findings = world.findings().await;
            let amount = |kind: FindingKind| {
                let of_it: Vec<_> = findings.iter().filter(|finding| finding.kind == kind).collect();
                assert_eq!(of_it.len(), 1, "{findings:#?}");
                of_it[0].amount
            };
            assert_eq!(amount(FindingKind::BatchDiffers), Some(sgd("0.50")));
            assert_eq!(amount(FindingKind::UnknownMovement), Some(sgd("0.50")));
            assert_eq!(place(&world, "1140[paypal]").await.as_deref(), Some("49.60"));
            assert_eq!(place(&world, "1100[paypal]").await.as_deref(), Some("0.50"));
            assert_eq!(place(&world, "2900[paypal]").await.as_deref(), Some("-0.50"));
        }
        // Beside the line that says what was recorded, another one of its name is another movement.
        recorded(&world, "W-2", "0.50", "0.00", "0.50").await;
        sold(&world, "2", "10.00", "0.18").await;
        sweep(&world, "W-2", "0.50", 40);
        let mut other = movement("W-2", BillKind::Sweep, "0").into_facts();
        (other.gross, other.fee, other.tax) = (sgd("-0.20"), sgd("0"), sgd("0"));
        (other.at, other.hash) = (noon() + TimeDelta::minutes(50), LineHash([77; 32]));
        world.far.bill(BillLine::try_new(other).unwrap());
        run(&world, day()).await;
        assert_eq!(place(&world, "2900[paypal]").await.as_deref(), Some("-0.30"));
        world.verified().await;
        store.close().await;
    })
    .await;
}

/// Whatever bills say of it one after the other, what stands aside is what the last one differs by.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_that_bills_state_again_and_again_differs_by_what_the_last_one_says() {
    on_each_engine("a_sweep_that_bills_state_again_and_again", async |database| {
        let store = database.open().await;
        let world = world(database, &store).await;
        sold(&world, "1", "50.00", "0.90").await;
        recorded(&world, "W-1", "50.00", "0.40", "49.60").await;
        let at = world.clock.now();
        let nets = ["49.10", "48.60", "48.10", "49.60", "49.10", "49.60"];
        for (hash, net) in (1_u8..).zip(nets) {
            world.far.bill_anew();
            world.far.bill(line("1", |facts| {
                (facts.gross, facts.fee, facts.tax, facts.at) = (sgd("50.00"), sgd("0.90"), sgd("0"), at);
            }));
            let mut facts = movement("W-1", BillKind::Sweep, "0").into_facts();
            (facts.gross, facts.fee, facts.tax) = (sgd(&format!("-{net}")), sgd("0"), sgd("0"));
            (facts.at, facts.hash) = (noon() + TimeDelta::minutes(30), LineHash([hash; 32]));
            world.far.bill(BillLine::try_new(facts).unwrap());
            let by = sgd("49.60").checked_sub(sgd(net)).unwrap();
            let aside = (!by.is_zero()).then(|| by.negated().amount().to_string());
            for _ in ["once", "twice"] {
                run(&world, day()).await;
                assert_eq!(place(&world, "2900[paypal]").await, aside, "{hash}: {net}");
            }
            let findings = world.findings().await;
            for kind in [FindingKind::BatchDiffers, FindingKind::UnknownMovement] {
                let waits = findings.iter().any(|finding| finding.kind == kind);
                assert_eq!(waits, !by.is_zero(), "{hash}: {net} {findings:#?}");
            }
        }
        world.verified().await;
        store.close().await;
    })
    .await;
}

/// A fee that the gateway gave back with a refund is a part of the payout's fee: it is booked with that alone, whether the
/// refund's payment is known or not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fee_given_back_with_a_refund_is_counted_once_with_the_sweep() {
    on_each_engine("a_fee_given_back_with_a_refund", async |database| {
        let store = database.open().await;
        for (capture, kind) in
            [("CAP-1", FindingKind::RefundElsewhere), ("CAP-NOBODY", FindingKind::UnknownMovement)]
        {
            let world = world(database, &store).await;
            sold(&world, "1", "100.00", "1.80").await;
            let mut back = movement("R-PORTAL", BillKind::Refund, "0").into_facts();
            back.related_ref = Some(capture.into());
            (back.gross, back.fee, back.tax) = (sgd("-10.00"), sgd("-0.18"), sgd("0"));
            world.far.bill(BillLine::try_new(back).unwrap());
            sweep(&world, "W-1", "88.38", 30);
            let (_, items) = run(&world, day()).await;
            assert_eq!(told(&items), [("refund_only_there", "waits"), ("gateway_settlement", "automatic")]);
            assert!(world.findings().await.iter().any(|finding| finding.kind == kind), "{capture}");
            assert_eq!(place(&world, "1140[paypal]").await.as_deref(), Some("88.38"));
            assert_eq!(place(&world, "2900[paypal]").await.as_deref(), Some("10.00"));
            assert_eq!(place(&world, "5010[paypal]").await.as_deref(), Some("-0.18"), "less than agreed");
            for nothing in ["1100[paypal]", "2310[paypal]"] {
                assert_eq!(place(&world, nothing).await, None, "{capture} {nothing}");
            }
            let (_, items) = run(&world, day()).await;
            assert_eq!(told(&items), [], "once");
            world.verified().await;
        }
        store.close().await;
    })
    .await;
}
