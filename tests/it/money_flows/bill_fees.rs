//! The fee column of a bill's lines: what a line's net moved is what the books move, whatever it is about; and a second
//! payment under the reference of one.

use chrono::{Days, TimeDelta};
use straits::domain::disputes::MovementKind;
use straits::domain::findings::FindingKind;
use straits::domain::orders::ReportKind;
use straits::domain::reconciliation::{BillKind, BillLine};
use straits::money::Money;

use super::bills::{day, line, movement, noon, run, told};
use super::one;
use super::world::{Setup, World, complaint, money, moved, taken};
use crate::engines::on_each_engine;

/// A movement with a fee, about a capture.
fn with_fee(reference: &str, kind: BillKind, amount: &str, fee: &str, capture: &str) -> BillLine {
    let mut facts = movement(reference, kind, amount).into_facts();
    facts.fee = money(fee, "USD");
    facts.related_ref = (!capture.is_empty()).then(|| capture.to_owned());
    BillLine::try_new(facts).unwrap()
}

/// What the bill's lines moved, and what the books have on the gateway's balance.
async fn at_gateway(world: &World, lines: &[BillLine]) -> (Money, Money) {
    let usd = money("0.00", "USD").currency();
    let rows = world.balances().await;
    let ours = rows.iter().filter(|row| row.account.code.number() == 1110);
    let booked = Money::sum(usd, ours.map(|row| row.debit_minus_credit)).unwrap();
    (Money::sum(usd, lines.iter().map(BillLine::net)).unwrap(), booked)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fee_of_a_bill_is_booked_once_and_open() {
    on_each_engine("every_fee_of_a_bill_is_booked_once_and_open", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        one(&world, "back").await;
        let lines = [
            line("back", |_| {}),
            with_fee("CB-1", BillKind::Chargeback, "-100.00", "-3.40", "CAP-back"),
            with_fee("W-1", BillKind::Withdrawal, "-10.00", "0.25", ""),
            with_fee("F-1", BillKind::DisputeFee, "0.00", "20.00", ""),
            with_fee("F-2", BillKind::Fee, "0.00", "3.00", "CAP-back"),
            with_fee("H-1", BillKind::Hold, "-5.00", "0.10", ""),
            with_fee("P-1", BillKind::Payment, "0.00", "0.30", ""),
            with_fee("P-2", BillKind::Payment, "0.00", "0.00", ""),
        ];
        lines.iter().for_each(|line| world.far.bill(line.clone()));
        let (_, items) = run(&world, day()).await;
        let mut kinds = told(&items);
        kinds.sort_unstable();
        let fee = ("fee_apart", "flagged");
        assert_eq!(
            kinds,
            [
                fee,
                fee,
                fee,
                fee,
                fee,
                fee,
                ("gateway_settlement", "automatic"),
                ("hold", "flagged"),
                ("reversal", "waits")
            ]
        );
        assert!(items.iter().all(|item| item.kind != "fee_apart" || item.finding.is_some()), "{items:#?}");
        let (billed, booked) = at_gateway(&world, &lines).await;
        assert_eq!(booked, billed);
        // 4.90 of the capture, 0.25, 3.00, 0.10 and 0.30, less the 3.40 that came back; the dispute's 20.00 by itself.
        let standing = world.standing().await;
        assert_eq!(standing["5000[paypal] USD"], "5.15");
        assert_eq!(standing["5040[paypal] USD"], "20.00");
        assert_eq!(
            (standing["2900[paypal] USD"].as_str(), standing["1140[paypal] USD"].as_str()),
            ("100.00", "10.00")
        );
        let findings = world.findings().await;
        let fees = findings.iter().filter(|finding| finding.kind == FindingKind::UnexplainedFee);
        let details: Vec<&str> = fees.map(|finding| finding.detail.as_str()).collect();
        assert_eq!(details.len(), 6, "{details:?}");
        assert!(details.iter().all(|detail| !detail.contains("USD 0.00")), "{details:?}");
        assert!(details.iter().any(|detail| detail.starts_with("USD 3.40: given back")), "{details:?}");

        // Read again, all of it is known.
        for again in 0..2 {
            let (ended, items) = run(&world, day()).await;
            assert_eq!((told(&items), ended.lines), (vec![], 8), "{again}");
        }
        for ahead in 1..5 {
            let (_, items) = run(&world, day() + Days::new(ahead)).await;
            assert_eq!(told(&items), [], "day {ahead}");
        }
        assert_eq!((world.standing().await, world.findings().await.len()), (standing, findings.len()));
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chargeback_that_its_dispute_told_of_is_held_against_its_fee() {
    on_each_engine("a_chargeback_that_its_dispute_told_of_is_held", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        for order in ["told", "untold"] {
            let payment = one(&world, order).await;
            let report =
                complaint(payment, &format!("CAP-{order}"), money("100.00", "USD"), world.clock.now());
            let report = moved(&report, MovementKind::Taken, money("100.00", "USD"));
            world.hear_dispute(report.clone()).await;
            if order == "told" {
                world.hear_dispute(moved(&report, MovementKind::Fee, money("20.00", "USD"))).await;
            }
        }
        let lines = [
            line("told", |_| {}),
            line("untold", |_| {}),
            with_fee("CB-1", BillKind::Chargeback, "-100.00", "20.00", "CAP-told"),
            with_fee("CB-2", BillKind::Chargeback, "-100.00", "15.00", "CAP-untold"),
        ];
        lines.iter().for_each(|line| world.far.bill(line.clone()));
        database.tick(TimeDelta::days(1));
        let (_, items) = run(&world, day()).await;
        assert_eq!(told(&items), [("fee_apart", "flagged")], "the dispute told of the other one");
        assert_eq!(world.finding(FindingKind::UnexplainedFee).await.fact, "CB-2");
        let (billed, booked) = at_gateway(&world, &lines).await;
        assert_eq!(booked, billed);
        let (ended, items) = run(&world, day()).await;
        assert_eq!((told(&items), ended.matched), (vec![], 4));
        world.verified().await;
        store.close().await;
    })
    .await;
}

/// The gateway has taken an order's money twice; the bill of the second capture is read before any of the first one's day.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_payment_under_one_reference_is_asked_about_and_never_swallowed() {
    on_each_engine("a_second_payment_under_one_reference", async |database| {
        let store = database.open().await;
        for confirmed in [true, false] {
            let world = World::on(&store, &database.clock, Setup::default()).await;
            let payment = one(&world, "twice").await;
            if confirmed {
                world.far.say(payment, ReportKind::Captured(taken("CAP-again", "100.00", "USD", "4.90")));
            }
            world.far.bill(line("again", |facts| {
                facts.our_ref = Some(payment.to_string());
                facts.at = noon() + TimeDelta::days(1);
            }));
            let (_, items) = run(&world, day() + Days::new(1)).await;
            let grade = if confirmed { "automatic" } else { "waits" };
            assert_eq!(told(&items), [("paid_unknown_here", grade)]);
            let kind = if confirmed { FindingKind::DoublePayment } else { FindingKind::BillStatus };
            let finding = world.finding(kind).await;
            assert_eq!((finding.fact.as_str(), finding.payment), ("CAP-again", Some(payment.to_string())));
            assert_eq!(items[0].finding, Some(finding.id.to_string()));
            let aside = world.standing().await.get("2900[paypal] USD").cloned();
            assert_eq!(aside.as_deref(), confirmed.then_some("-100.00"));

            // The first capture's own line, read at last, is no duplicate of it.
            world.far.bill(line("twice", |facts| facts.our_ref = Some(payment.to_string())));
            let (ended, items) = run(&world, day()).await;
            assert_eq!((told(&items), ended.matched), (vec![], 1), "{confirmed}");
            // The second one's again: booked, or as open as before.
            let (_, items) = run(&world, day() + Days::new(1)).await;
            let open: &[(&str, &str)] = if confirmed { &[] } else { &[("paid_unknown_here", "waits")] };
            assert_eq!(told(&items), open);
            let kinds: Vec<_> = world.findings().await.iter().map(|finding| finding.kind).collect();
            assert_eq!(kinds, [kind]);
            world.verified().await;
        }
        store.close().await;
    })
    .await;
}
