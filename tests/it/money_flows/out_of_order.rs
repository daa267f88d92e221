//! What a dispute tells that a capture or a bill told before, and what comes back in parts, late or after persons decided.

use chrono::TimeDelta;
use straits::domain::disputes::{DisputeReport, DisputeState, MovementKind};
use straits::domain::findings::{Action, Finding, FindingKind};
use straits::domain::ledger::journal::{self, Booking};
use straits::domain::orders::MoneyReport;
use straits::domain::reconciliation::{BillKind, BillLine};
use straits::ids::PaymentId;
use straits::store::Change;

use super::bills::{day, line, movement, run, told};
use super::far::Pays;
use super::fx::lots_are_the_position;
use super::world::{Setup, World, complaint, decided, money, moved};
use super::{one, two};
use crate::engines::on_each_engine;

fn usd(amount: &str) -> straits::money::Money {
    money(amount, "USD")
}

async fn disputed(world: &World, order: &str) -> (PaymentId, DisputeReport) {
    let payment = one(world, order).await;
    (payment, complaint(payment, &format!("CAP-{order}"), usd("100.00"), world.clock.now()))
}

/// Another dispute about the same capture.
fn complaint_of(world: &World, payment: PaymentId, order: &str) -> DisputeReport {
    let report = complaint(payment, &format!("CAP-{order}"), usd("10.00"), world.clock.now());
    DisputeReport { gateway_ref: format!("PP-D-{order}-2"), ..report }
}

async fn at(world: &World, account: &str) -> String {
    world.standing().await.get(account).cloned().unwrap_or_default()
}

const HELD: &str = "1120[paypal,dispute] USD";

/// A bill's line about an order's capture.
fn billed(order: &str, reference: &str, kind: BillKind, amount: &str, fee: &str) -> BillLine {
    let mut facts = movement(reference, kind, amount).into_facts();
    (facts.related_ref, facts.fee) = (Some(format!("CAP-{order}")), usd(fee));
    BillLine::try_new(facts).unwrap()
}

/// The findings about money that was taken or came back, which stand open.
async fn reversals(world: &World) -> Vec<Finding> {
    world.findings().await.into_iter().filter(|found| found.kind == FindingKind::Reversed).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_that_comes_back_of_several_suppliers_waits_and_stops_nothing() {
    on_each_engine("a_part_that_comes_back_of_several_suppliers", async |database| {
        let store = database.open().await;
        let setup = Setup { suppliers: ["SGD", "SGD"], ..Setup::default() };
        let world = World::on(&store, &database.clock, setup).await;
        let payment = two(&world, "parts").await;
        let whole = complaint(payment, "CAP-parts", money("250.00", "SGD"), world.clock.now());
        let lost = moved(&whole, MovementKind::Taken, money("250.00", "SGD"));
        world.hear_dispute(lost.clone()).await;
        let charged = world.standing().await;
        let won = decided(&moved(&lost, MovementKind::Returned, money("100.00", "SGD")), DisputeState::Won);
        world.hear_dispute(won).await;
        let standing = world.standing().await;
        assert_eq!(standing.get("2900[paypal] SGD").map(String::as_str), Some("-100.00"));
        assert_eq!(standing.get("1200[A] SGD"), charged.get("1200[A] SGD"), "whose part it is persons say");
        assert_eq!(world.dispute(payment).await.state, DisputeState::Won);
        assert_eq!(world.finding(FindingKind::Reversed).await.amount, Some(money("100.00", "SGD")));
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_win_undoes_each_conversion_as_one_lot() {
    on_each_engine("a_win_undoes_each_conversion_as_one_lot", async |database| {
        let store = database.open().await;
        let setup = Setup { suppliers: ["CNY", "SGD"], ..Setup::default() };
        let world = World::on(&store, &database.clock, setup).await;
        world.quote(&[("USD", "1"), ("CNY", "7.12"), ("SGD", "1.30")]).await;
        let terms = r#"{"splits":[{"supplier":"A","share":{"percent":"40"}},
            {"supplier":"B","share":{"remainder":true}}]}"#;
        let capture = super::taken("CAP-lots", "100.00", "USD", "4.90");
        let payment = world.paid("lots", usd("100.00"), terms, capture).await;
        let lots = async || {
            let open = world.store.open_lots(world.merchant.id).await.unwrap().lots;
            let mut pairs: Vec<_> =
                open.iter().map(|lot| (lot.pair.to_string(), lot.base.minor(), lot.quote.minor())).collect();
            pairs.sort();
            pairs
        };
        let whole = complaint(payment, "CAP-lots", usd("100.00"), world.clock.now());
        let lost = moved(&whole, MovementKind::Taken, usd("100.00"));
        world.hear_dispute(lost.clone()).await;
        world
            .hear_dispute(decided(&moved(&lost, MovementKind::Returned, usd("100.00")), DisputeState::Won))
            .await;
        let mut sums = std::collections::BTreeMap::new();
        for (pair, base, quote) in lots().await {
            let sum: &mut (i64, i64) = sums.entry(pair).or_default();
            *sum = (sum.0 + base, sum.1 + quote);
        }
        let pairs: Vec<&str> = sums.keys().map(String::as_str).collect();
        assert_eq!(pairs, ["USDCNY", "USDSGD"], "no leg stands alone: {sums:?}");
        assert!(sums.values().all(|(base, quote)| base.signum() == -quote.signum()), "{sums:?}");
        lots_are_the_position(&world).await;
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_appeal_brings_back_becomes_available() {
    on_each_engine("what_an_appeal_brings_back_becomes_available", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let (_, report) = disputed(&world, "late").await;
        let lost = decided(&moved(&report, MovementKind::Taken, usd("100.00")), DisputeState::Lost);
        world.hear_dispute(lost.clone()).await;
        database.tick(TimeDelta::days(3));
        world.releasing.release_due().await.unwrap();
        let won = decided(&moved(&lost, MovementKind::Returned, usd("100.00")), DisputeState::Won);
        world.hear_dispute(won).await;
        world.releasing.release_due().await.unwrap();
        assert_eq!(
            (at(&world, "2100[A] USD").await, at(&world, "2110[A] USD").await),
            ("".into(), "-85.10".into())
        );
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_that_fails_undoes_what_is_left_of_its_debt() {
    on_each_engine("a_refund_that_fails_undoes_what_is_left_of_its_debt", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let (payment, report) = disputed(&world, "fails").await;
        // Another dispute's hold leaves the supplier nothing: the refund makes a debt.
        let held = DisputeReport { held: true, ..report };
        world.hear_dispute(held.clone()).await;
        let before = at(&world, "1200[A] USD").await;
        world.far.plan(&[Pays::Later]);
        world.refund(payment, super::FORTY).await.unwrap();
        let debt = at(&world, "1200[A] USD").await;
        assert_ne!(debt, before);
        let amount = format!(r#"{{"amount":"{debt}","currency":"USD"}}"#);
        world.booked(&format!(r#"{{"template":"write_off","supplier":"A","amount":{amount}}}"#)).await;
        world.far.give_up("CHARGED_BACK");
        world.sync(payment).await;
        let refunds = store.refunds_of(payment).await.unwrap();
        assert_eq!(refunds[0].value.state.as_str(), "failed");
        // The loss came in after all, and no supplier is paid twice.
        for gone in ["1200[A] USD", "5060[A] USD", "2020[paypal] USD"] {
            assert_eq!(at(&world, gone).await, "", "{gone}");
        }
        world.hear_dispute(decided(&held, DisputeState::Won)).await;
        assert_eq!(at(&world, "2100[A] USD").await, "-85.10");
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_returned_fee_is_the_suppliers_to_the_last_cent() {
    on_each_engine("a_returned_fee_is_the_suppliers_to_the_last_cent", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let payment = one(&world, "fee-back").await;
        world.far.returns_fee(usd("1.96"));
        world.refund(payment, super::FORTY).await.unwrap();
        database.tick(TimeDelta::days(3));
        world.releasing.release_due().await.unwrap();
        assert_eq!(at(&world, "2100[A] USD").await, "", "nothing stays pending");
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_told_early_ends_with_its_dispute() {
    on_each_engine("a_hold_told_early_ends_with_its_dispute", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let held_by_capture = async |order: &str| {
            let (payment, report) = disputed(&world, order).await;
            let (reference, reason) = (format!("CAP-{order}"), "dispute".to_owned());
            let (amount, at) = (usd("100.00"), world.clock.now());
            world.far.tell_money(payment, MoneyReport::Held { reference, amount, reason, at });
            world.sync(payment).await;
            report
        };
        // First heard of when it is decided.
        let report = held_by_capture("decided").await;
        assert_eq!(at(&world, HELD).await, "100.00");
        let won = decided(&report, DisputeState::Won);
        world.hear_dispute(won.clone()).await;
        assert_eq!(at(&world, HELD).await, "");
        // Said again when something else is held of the payment, it ends nothing.
        let payment = won.request_ref.as_deref().unwrap().parse().unwrap();
        let (reference, reason) = ("HOLD-2".to_owned(), "dispute".to_owned());
        let (amount, when) = (usd("10.00"), world.clock.now());
        world.far.tell_money(payment, MoneyReport::Held { reference, amount, reason, at: when });
        world.sync(payment).await;
        world.hear_dispute(DisputeReport { updated_at: won.updated_at + TimeDelta::seconds(1), ..won }).await;
        assert_eq!(at(&world, HELD).await, "10.00");
        world.hear_dispute(decided(&complaint_of(&world, payment, "decided"), DisputeState::Won)).await;
        assert_eq!(at(&world, HELD).await, "", "another one does");
        // About a part of what the capture says is held.
        let report = held_by_capture("part").await;
        let part = DisputeReport { held: true, amount: usd("60.00"), ..report };
        world.hear_dispute(part.clone()).await;
        assert_eq!(at(&world, HELD).await, "100.00", "held once");
        world.hear_dispute(decided(&part, DisputeState::Won)).await;
        assert_eq!(at(&world, HELD).await, "");
        // A second dispute about the same capture has a hold of its own.
        let second = DisputeReport { gateway_ref: "PP-D-second".into(), ..part };
        world.hear_dispute(second.clone()).await;
        assert_eq!(at(&world, HELD).await, "60.00");
        world.hear_dispute(decided(&second, DisputeState::Won)).await;
        assert_eq!(at(&world, HELD).await, "");
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_bill_told_first_is_booked_once() {
    on_each_engine("what_a_bill_told_first_is_booked_once", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let (payment, report) = disputed(&world, "billed").await;
        world.far.bill(super::bills::line("billed", |_| {}));
        for (reference, kind, amount) in [
            ("T-HOLD", BillKind::Hold, "-100.00"),
            ("T-BACK", BillKind::Chargeback, "-100.00"),
            ("T-FEE", BillKind::DisputeFee, "-20.00"),
        ] {
            let mut facts = movement(reference, kind, amount).into_facts();
            facts.related_ref = Some("CAP-billed".to_owned());
            world.far.bill(BillLine::try_new(facts).unwrap());
        }
        run(&world, day()).await;
        let standing = async || {
            let held = at(&world, "1120[paypal,hold] USD").await;
            [held, at(&world, "1110[paypal] USD").await, at(&world, "5040[paypal] USD").await]
        };
        let told = standing().await;
        assert_eq!(told, ["100.00", "-124.90", "20.00"], "as the bill says");
        let held = DisputeReport { held: true, ..report };
        world.hear_dispute(held.clone()).await;
        let fee = moved(&held, MovementKind::Fee, usd("20.00"));
        world.hear_dispute(moved(&fee, MovementKind::Taken, usd("100.00"))).await;
        assert_eq!(standing().await, told, "and no more");
        // The capture says so as well.
        let (reference, amount, at_) = ("CAP-billed".to_owned(), usd("100.00"), world.clock.now());
        world.far.tell_money(payment, MoneyReport::Reversed { reference, amount, at: at_ });
        world.sync(payment).await;
        assert_eq!(standing().await, told);
        let over = moved(&fee, MovementKind::Taken, usd("100.00"));
        world.hear_dispute(decided(&over, DisputeState::Lost)).await;
        assert_eq!(standing().await, ["", "-24.90", "20.00"]);
        assert_eq!(at(&world, "1200[A] USD").await, "20.00", "who bears fees bears this one");
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taking_told_first_is_known_whatever_is_booked_beside_it() {
    on_each_engine("a_taking_told_first_is_known", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let (_, with_fee) = disputed(&world, "fee").await;
        let (_, adopted) = disputed(&world, "adopted").await;
        for order in ["fee", "adopted"] {
            world.far.bill(line(order, |_| {}));
        }
        world.far.bill(billed("fee", "T-FEE", BillKind::Chargeback, "-100.00", "-3.40"));
        world.far.bill(billed("adopted", "T-BACK", BillKind::Chargeback, "-100.00", "0.00"));
        run(&world, day()).await;
        let at_gateway = async || at(&world, "1110[paypal] USD").await;
        assert_eq!(at_gateway().await, "-6.40");
        let findings = reversals(&world).await;
        let finding = findings.iter().find(|found| found.fact == "T-BACK").unwrap();
        world.resolve(finding, Action::Adopt).await;
        for report in [with_fee, adopted] {
            world.hear_dispute(moved(&report, MovementKind::Taken, usd("100.00"))).await;
        }
        assert_eq!(at_gateway().await, "-6.40", "taken once");
        assert_eq!(at(&world, "2900[paypal] USD").await, "100.00");
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dispute_ends_no_hold_that_is_not_its_own() {
    on_each_engine("a_dispute_ends_no_hold_that_is_not_its_own", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let held = async || [at(&world, "1120[paypal,hold] USD").await, at(&world, HELD).await];
        let (_, report) = disputed(&world, "own").await;
        world.far.bill(line("own", |_| {}));
        world.far.bill(billed("own", "H-SELLER", BillKind::Hold, "-100.00", "0.00"));
        run(&world, day()).await;
        let part = DisputeReport { held: true, amount: usd("40.00"), ..report };
        world.hear_dispute(part.clone()).await;
        assert_eq!(held().await, ["100.00", "40.00"], "each is its own");
        world.far.bill(billed("own", "H-DISPUTE", BillKind::Hold, "-40.00", "0.00"));
        run(&world, day()).await;
        assert_eq!(held().await, ["100.00", "40.00"]);
        world.hear_dispute(decided(&part, DisputeState::Won)).await;
        assert_eq!(held().await, ["100.00", ""]);
        world.far.bill(billed("own", "H-DISPUTE-R", BillKind::HoldReleased, "40.00", "0.00"));
        world.far.bill(billed("own", "H-SELLER-R", BillKind::HoldReleased, "100.00", "0.00"));
        run(&world, day()).await;
        assert_eq!(held().await, ["", ""]);
        assert_eq!(at(&world, "1110[paypal] USD").await, "95.10");
        assert_eq!(at(&world, "2900[paypal] USD").await, "");
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_whose_end_a_bill_told_is_not_released_again() {
    on_each_engine("a_hold_whose_end_a_bill_told", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let (payment, report) = disputed(&world, "freed").await;
        let (reference, reason) = ("CAP-freed".to_owned(), "dispute".to_owned());
        let (amount, when) = (usd("100.00"), world.clock.now());
        world.far.tell_money(payment, MoneyReport::Held { reference, amount, reason, at: when });
        world.sync(payment).await;
        assert_eq!(at(&world, HELD).await, "100.00");
        world.far.bill(line("freed", |_| {}));
        world.far.bill(billed("freed", "T-FREE", BillKind::HoldReleased, "100.00", "0.00"));
        let stands = [("1110[paypal] USD", "95.10"), (HELD, ""), ("2900[paypal] USD", "")];
        for again in 0..2 {
            run(&world, day()).await;
            for (account, balance) in stands {
                assert_eq!(at(&world, account).await, balance, "{account} {again}");
            }
        }
        world.hear_dispute(decided(&report, DisputeState::Won)).await;
        for (account, balance) in stands {
            assert_eq!(at(&world, account).await, balance, "{account}");
        }
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_back_and_a_bill_told_first_is_booked_once() {
    on_each_engine("what_comes_back_and_a_bill_told_first", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let standing = async || {
            let suspense = at(&world, "2900[paypal] USD").await;
            [at(&world, "1110[paypal] USD").await, at(&world, "5040[paypal] USD").await, suspense]
        };
        let (_, report) = disputed(&world, "back").await;
        let taken = moved(&report, MovementKind::Taken, usd("100.00"));
        let taken = moved(&taken, MovementKind::Fee, usd("20.00"));
        world.hear_dispute(taken.clone()).await;
        world.far.bill(line("back", |_| {}));
        for (reference, kind, amount) in [
            ("T-TAKEN", BillKind::Chargeback, "-100.00"),
            ("T-FEE", BillKind::DisputeFee, "-20.00"),
            ("T-WON", BillKind::ChargebackReversed, "100.00"),
            ("T-FEE-BACK", BillKind::DisputeFee, "20.00"),
        ] {
            world.far.bill(billed("back", reference, kind, amount, "0.00"));
        }
        let (_, items) = run(&world, day()).await;
        let mut kinds = told(&items);
        kinds.sort_unstable();
        assert_eq!(kinds, [("fee_apart", "flagged"), ("reversal", "waits")]);
        assert_eq!(standing().await, ["95.10", "", "-100.00"], "as the bill says");
        let won = moved(&taken, MovementKind::Returned, usd("100.00"));
        let won = moved(&won, MovementKind::FeeReturned, usd("20.00"));
        world.hear_dispute(decided(&won, DisputeState::Won)).await;
        assert_eq!(standing().await, ["95.10", "", ""], "and no more");
        let supplier = [at(&world, "2100[A] USD").await, at(&world, "1200[A] USD").await];
        assert_eq!(supplier, ["-85.10", ""], "it has its share again");
        let (_, items) = run(&world, day()).await;
        assert_eq!(told(&items), []);
        let findings = reversals(&world).await;
        assert_eq!(findings.len(), 1);
        world.word(world.maker, &findings[0], Action::Dismiss).await.unwrap();
        world.verified().await;

        // All of it by the bill first, each fee in its line's own column.
        let (_, mut report) = disputed(&world, "column").await;
        world.far.bill(line("column", |_| {}));
        world.far.bill(billed("column", "C-TAKEN", BillKind::Chargeback, "-100.00", "20.00"));
        world.far.bill(billed("column", "C-WON", BillKind::ChargebackReversed, "100.00", "-20.00"));
        run(&world, day()).await;
        assert_eq!(standing().await, ["190.20", "", ""]);
        for (kind, amount) in [
            (MovementKind::Taken, "100.00"),
            (MovementKind::Fee, "20.00"),
            (MovementKind::Returned, "100.00"),
            (MovementKind::FeeReturned, "20.00"),
        ] {
            report = moved(&report, kind, usd(amount));
        }
        world.hear_dispute(decided(&report, DisputeState::Won)).await;
        assert_eq!(standing().await, ["190.20", "", ""]);
        world.verified().await;
        store.close().await;
    })
    .await;
}

/// Persons have decided whose it is: the dispute undoes nothing on top of that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_back_and_was_decided_of_stays_so() {
    on_each_engine("what_came_back_and_was_decided_of_stays_so", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let (_, report) = disputed(&world, "ours").await;
        let taken = moved(&report, MovementKind::Taken, usd("100.00"));
        world.hear_dispute(taken.clone()).await;
        world.far.bill(line("ours", |_| {}));
        world.far.bill(billed("ours", "T-TAKEN", BillKind::Chargeback, "-100.00", "0.00"));
        world.far.bill(billed("ours", "T-WON", BillKind::ChargebackReversed, "100.00", "0.00"));
        run(&world, day()).await;
        let findings = reversals(&world).await;
        world.resolve(&findings[0], Action::Adopt).await;
        let decided_so = world.standing().await;
        assert_eq!(decided_so.get("5030 USD").map(String::as_str), Some("-100.00"));
        let won = moved(&taken, MovementKind::Returned, usd("100.00"));
        world.hear_dispute(decided(&won, DisputeState::Won)).await;
        assert_eq!(world.standing().await, decided_so);
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taking_that_a_bill_told_and_its_return_meet_in_one_finding() {
    on_each_engine("a_taking_that_a_bill_told_and_its_return", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        for (order, adopted) in [("open", false), ("adopted", true)] {
            let (_, report) = disputed(&world, order).await;
            world.far.bill(line(order, |_| {}));
            let reference = format!("T-{order}");
            world.far.bill(billed(order, &reference, BillKind::Chargeback, "-100.00", "0.00"));
            run(&world, day()).await;
            if adopted {
                let findings = reversals(&world).await;
                world.resolve(&findings[0], Action::Adopt).await;
            }
            let taken = moved(&report, MovementKind::Taken, usd("100.00"));
            world.hear_dispute(taken.clone()).await;
            let back = moved(&taken, MovementKind::Returned, usd("100.00"));
            world.hear_dispute(decided(&back, DisputeState::Won)).await;
            let findings = reversals(&world).await;
            assert_eq!(findings.len(), 1, "{findings:#?}");
            assert_eq!(findings[0].fact == reference, !adopted);
            if adopted {
                // The platform bore it, and has it back.
                world.resolve(&findings[0], Action::Adopt).await;
            } else {
                world.word(world.maker, &findings[0], Action::Dismiss).await.unwrap();
            }
            for account in ["2900[paypal] USD", "5030 USD"] {
                assert_eq!(at(&world, account).await, "", "{account} {order}");
            }
            world.verified().await;
        }
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_what_a_capture_says_was_taken_the_bills_part_is_booked_once() {
    on_each_engine("of_what_a_capture_says_was_taken", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let (payment, report) = disputed(&world, "part").await;
        world.far.bill(line("part", |_| {}));
        world.far.bill(billed("part", "T-PART", BillKind::Chargeback, "-40.00", "0.00"));
        run(&world, day()).await;
        let (reference, amount, when) = ("CAP-part".to_owned(), usd("100.00"), world.clock.now());
        world.far.tell_money(payment, MoneyReport::Reversed { reference, amount, at: when });
        for again in 0..2 {
            world.sync(payment).await;
            assert_eq!(at(&world, "2900[paypal] USD").await, "100.00", "{again}");
        }
        world.hear_dispute(moved(&report, MovementKind::Taken, amount)).await;
        assert_eq!(at(&world, "2900[paypal] USD").await, "100.00");
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_wins_at_once_bring_one_loss_in_once() {
    on_each_engine("two_wins_at_once_bring_one_loss_in_once", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let mut reports = vec![];
        for order in ["first", "second"] {
            let (_, report) = disputed(&world, order).await;
            let taken = moved(&report, MovementKind::Taken, usd("100.00"));
            world.hear_dispute(taken.clone()).await;
            reports.push(moved(&taken, MovementKind::Returned, usd("100.00")));
        }
        let debt = at(&world, "1200[A] USD").await;
        let half = r#"{"amount":"4.90","currency":"USD"}"#;
        assert_eq!(debt, "9.80");
        world.booked(&format!(r#"{{"template":"write_off","supplier":"A","amount":{half}}}"#)).await;
        world.booked(&format!(r#"{{"template":"write_off","supplier":"A","amount":{half}}}"#)).await;
        let [one, other] = reports.try_into().unwrap();
        tokio::join!(world.hear_dispute(one), world.hear_dispute(other));
        assert_eq!(at(&world, "5060[A] USD").await, "", "each win brings its own in");
        assert_eq!(at(&world, "2100[A] USD").await, "-170.20");
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_reversals_drafted_at_once_one_stands() {
    on_each_engine("of_reversals_drafted_at_once_one_stands", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        one(&world, "journal").await;
        let amount = r#"{"amount":"5.00","currency":"USD"}"#;
        let journal =
            world.booked(&format!(r#"{{"template":"allowance","supplier":"A","amount":{amount}}}"#)).await;
        let template = format!(r#"{{"template":"reversal","journal":"{}"}}"#, journal.id);
        let drafts = tokio::join!(
            world.draft(&template, None),
            world.draft(&template, None),
            world.draft(&template, None),
            world.draft(&template, None)
        );
        let drafts = [drafts.0, drafts.1, drafts.2, drafts.3];
        assert_eq!(drafts.iter().filter(|draft| draft.is_ok()).count(), 1, "{drafts:?}");
        store.close().await;
    })
    .await;
}

/// The name under which its release would be booked is taken: it stays pending, and whatever is due with it and behind it
/// is released.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_share_that_cannot_be_released_keeps_no_other_back() {
    on_each_engine("a_share_that_cannot_be_released_keeps_no_other_back", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let (first, _) = (one(&world, "first").await, one(&world, "second").await);
        let row = store.settlement_of(first).await.unwrap().unwrap();
        let supplier = world.suppliers[0];
        let source = format!("{}/{}/{supplier}/USD", row.value.id, row.version);
        let (ids, merchant, account) = (&world.ids, world.account.merchant, &world.account);
        let (subject, at) = (supplier.to_string(), world.clock.now());
        let booking = Booking { ids, merchant, account, source: &source, subject: &subject, at };
        let mut change = Change::new();
        change.post(journal::released(&booking, supplier, usd("1.00")).unwrap().unwrap());
        store.commit(change).await.unwrap();
        database.tick(TimeDelta::days(1));
        assert_eq!(world.releasing.release_due().await.unwrap(), 1);
        assert_eq!(world.releasing.release_due().await.unwrap(), 0);
        world.verified().await;
        store.close().await;
    })
    .await;
}
