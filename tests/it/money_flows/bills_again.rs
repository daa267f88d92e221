//! Bills beside what is booked already: read again, about disputes, about strangers of one amount, and what the gateway
//! says when it is asked.

use chrono::{Days, TimeDelta};
use sqlx::AssertSqlSafe;
use straits::domain::country::Country;
use straits::domain::disputes::{DisputeReport, DisputeState, MovementKind};
use straits::domain::findings::{Action, FindingKind};
use straits::domain::orders::ReportKind;
use straits::domain::reconciliation::{BillKind, BillLine, LineFacts, likeliest};
use straits::flows::reconcile::{Parts, Reconciling};
use straits::ids::QuoteId;

use super::bills::{day, line, movement, noon, run, told};
use super::world::{Setup, World, complaint, decided, money, moved, taken};
use super::{ONE, one};
use crate::engines::on_each_engine;

/// A movement about a capture, so many days later.
fn about(reference: &str, kind: BillKind, amount: &str, capture: &str, ahead: i64) -> BillLine {
    let mut facts = movement(reference, kind, amount).into_facts();
    facts.related_ref = Some(capture.to_owned());
    facts.at = noon() + TimeDelta::days(ahead);
    BillLine::try_new(facts).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_bill_put_aside_is_adopted_to_the_last_cent() {
    on_each_engine("what_a_bill_put_aside_is_adopted_to_the_last_cent", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let mut facts = movement("R-NOBODY", BillKind::Refund, "-40.00").into_facts();
        (facts.related_ref, facts.fee) = (Some("CAP-nobody".into()), money("-1.00", "USD"));
        world.far.bill(BillLine::try_new(facts).unwrap());
        let (_, items) = run(&world, day()).await;
        assert_eq!(told(&items), [("refund_only_there", "waits")]);
        world.stands(&[("1110[paypal] USD", "-39.00"), ("2900[paypal] USD", "39.00")]).await;
        let finding = world.finding(FindingKind::UnknownMovement).await;
        world.resolve(&finding, Action::Adopt).await;
        world.stands(&[("1110[paypal] USD", "-39.00"), ("5030 USD", "39.00")]).await;
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_bill_put_aside_is_known_when_it_is_read_again() {
    on_each_engine("what_a_bill_put_aside_is_known_when_it_is_read_again", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        world.far.bill(movement("OUT", BillKind::Adjustment, "-3.00"));
        world.far.bill(movement("IN", BillKind::Adjustment, "2.00"));
        let mut refund = movement("R-NOBODY", BillKind::Refund, "-40.00").into_facts();
        refund.fee = money("-1.00", "USD");
        world.far.bill(BillLine::try_new(refund).unwrap());
        let (first, _) = run(&world, day()).await;
        assert_eq!((first.open, first.matched), (3, 0));
        let before = world.standing().await;
        for again in 0..2 {
            let (ended, items) = run(&world, day()).await;
            assert_eq!((told(&items), ended.matched), (vec![], 3), "{again}");
        }
        for ahead in 1..5 {
            let (_, items) = run(&world, day() + Days::new(ahead)).await;
            assert_eq!(told(&items), [], "day {ahead}");
        }
        assert_eq!((world.findings().await.len(), world.standing().await), (3, before));
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disputes_hold_is_no_second_one_on_the_bill() {
    on_each_engine("a_disputes_hold_is_no_second_one_on_the_bill", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let mut reports = vec![];
        for order in ["same-day", "next-day"] {
            let payment = one(&world, order).await;
            let capture = format!("CAP-{order}");
            let report = complaint(payment, &capture, money("100.00", "USD"), world.clock.now());
            let held = DisputeReport { held: true, ..report };
            world.hear_dispute(held.clone()).await;
            world.far.bill(line(order, |_| {}));
            reports.push(held);
        }
        let before = world.standing().await;
        assert_eq!(before["1120[paypal,dispute] USD"], "200.00");
        world.far.bill(about("H-1", BillKind::Hold, "-100.00", "CAP-same-day", 0));
        database.tick(TimeDelta::days(1));
        let (ended, items) = run(&world, day()).await;
        assert_eq!((told(&items), ended.matched), (vec![], 3));
        // The other one's line stands in the next day's bill.
        world.far.bill(about("H-2", BillKind::Hold, "-100.00", "CAP-next-day", 1));
        for again in 0..2 {
            let (_, items) = run(&world, day() + Days::new(1)).await;
            assert_eq!(told(&items), [("hold", "automatic")], "{again}");
        }
        assert_eq!(world.standing().await, before);
        assert!(world.findings().await.is_empty());

        // Both are free again; a hold of another amount about the same capture is one of its own.
        for held in &reports {
            let mut won = decided(held, DisputeState::Won);
            won.updated_at = world.clock.now();
            world.hear_dispute(won).await;
        }
        let free = world.standing().await;
        assert!(!free.keys().any(|place| place.starts_with("1120")), "{free:?}");
        world.far.bill(about("H-1R", BillKind::HoldReleased, "100.00", "CAP-same-day", 1));
        world.far.bill(about("H-2R", BillKind::HoldReleased, "100.00", "CAP-next-day", 1));
        let (_, items) = run(&world, day() + Days::new(1)).await;
        assert_eq!(told(&items), [("hold", "automatic")]);
        assert_eq!(world.standing().await, free);
        world.far.bill(about("H-3", BillKind::Hold, "-7.00", "CAP-same-day", 1));
        let (_, items) = run(&world, day() + Days::new(1)).await;
        assert_eq!(told(&items), [("hold", "automatic"), ("hold", "flagged")]);
        assert_eq!(world.standing().await["1120[paypal,hold] USD"], "7.00");
        world.verified().await;
        store.close().await;
    })
    .await;
}

/// It is booked under the hold's name, which no bill has for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_a_hold_that_a_dispute_took_over_is_not_missed() {
    on_each_engine("the_end_of_a_hold_that_a_dispute_took_over", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let payment = one(&world, "over").await;
        let report = complaint(payment, "CAP-over", money("100.00", "USD"), world.clock.now());
        world.far.bill(line("over", |_| {}));
        world.far.bill(about("H-1", BillKind::Hold, "-100.00", "CAP-over", 0));
        run(&world, day()).await;
        let held = DisputeReport { held: true, ..report };
        world.hear_dispute(held.clone()).await;
        // The bill with its end is read before the dispute tells it, a day later.
        world.far.bill(about("H-1R", BillKind::HoldReleased, "100.00", "CAP-over", 0));
        let (_, items) = run(&world, day()).await;
        assert_eq!(told(&items), [("release", "automatic")]);
        database.tick(TimeDelta::days(1));
        let mut won = decided(&held, DisputeState::Won);
        won.updated_at = world.clock.now();
        world.hear_dispute(won).await;
        let free = world.standing().await;
        assert!(!free.keys().any(|place| place.starts_with("1120")), "{free:?}");
        for ahead in 1..7 {
            let (_, items) = run(&world, day() + Days::new(ahead)).await;
            assert_eq!(told(&items), [], "day {ahead}");
        }
        assert_eq!(world.standing().await, free);
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn charge_backs_of_one_amount_are_told_apart_by_their_captures() {
    on_each_engine("charge_backs_of_one_amount_are_told_apart", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let mut payments = vec![];
        for order in ["x", "y", "z"] {
            payments.push((order, one(&world, order).await));
        }
        // Disputed days later, when no bill of the captures is at hand.
        database.tick(TimeDelta::days(5));
        for (order, payment) in &payments[..2] {
            let report =
                complaint(*payment, &format!("CAP-{order}"), money("100.00", "USD"), world.clock.now());
            world.hear_dispute(moved(&report, MovementKind::Taken, money("100.00", "USD"))).await;
        }
        let before = world.standing().await;
        world.far.bill(about("CB-1", BillKind::Chargeback, "-100.00", "CAP-x", 5));
        world.far.bill(about("CB-2", BillKind::Chargeback, "-100.00", "CAP-y", 5));
        let (ended, items) = run(&world, day() + Days::new(5)).await;
        assert_eq!((told(&items), ended.matched), (vec![], 2));
        assert_eq!(world.standing().await, before);
        assert!(world.findings().await.is_empty());
        // One about another capture is none of these, whatever its amount.
        world.far.bill(about("CB-3", BillKind::Chargeback, "-100.00", "CAP-z", 5));
        let (_, items) = run(&world, day() + Days::new(5)).await;
        assert_eq!(told(&items), [("reversal", "waits")]);
        assert_eq!(world.standing().await["2900[paypal] USD"], "100.00");
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_of_one_amount_does_not_stand_for_what_is_missing() {
    on_each_engine("a_stranger_of_one_amount_does_not_stand_for", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        one(&world, "missing").await;
        world.far.bill(line("stranger", |_| {}));
        let (_, items) = run(&world, day()).await;
        assert_eq!(told(&items), [("paid_unknown_here", "waits")]);
        let (_, items) = run(&world, day() + Days::new(3)).await;
        assert_eq!(told(&items), [("missing_there", "waits")]);
        assert_eq!(world.finding(FindingKind::MissingThere).await.fact, "CAP-missing");
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_gateway_corrects_when_it_is_asked_waits_for_nobody() {
    on_each_engine("what_the_gateway_corrects_when_it_is_asked", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let capture = |order: &str| taken(&format!("CAP-{order}"), "10.00", "USD", "0.94");
        let hundred = money("100.00", "USD");
        let mended = world.paid("mended", hundred, ONE, capture("mended")).await;
        let apart = world.paid("apart", hundred, ONE, capture("apart")).await;
        // Both are billed with what was asked; asked again, the gateway says so of one only.
        world.far.say(mended, ReportKind::Captured(taken("CAP-mended", "100.00", "USD", "4.90")));
        world.far.bill(line("mended", |_| {}));
        world.far.bill(line("apart", |_| {}));
        let (ended, items) = run(&world, day()).await;
        assert_eq!(told(&items), [("amount", "automatic"), ("amount", "waits")]);
        assert_eq!((ended.repaired, ended.open), (1, 1));
        assert_eq!((world.state(mended).await, world.state(apart).await), ("captured", "in_review"));
        assert!(items[0].finding.is_none() && items[1].finding.is_some(), "{items:#?}");
        let billed = world.findings().await.into_iter().filter(|found| found.kind == FindingKind::BillAmount);
        let billed: Vec<_> = billed.map(|found| found.payment).collect();
        assert_eq!(billed, [Some(apart.to_string())]);
        let (ended, items) = run(&world, day()).await;
        assert_eq!((told(&items), ended.matched), (vec![("amount", "waits")], 1));
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_that_expired_before_its_money_came_is_found_by_its_content() {
    on_each_engine("a_payment_that_expired_before_its_money_came", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let late = world.start("late", money("100.00", "USD"), ONE).await;
        world.far.say(late, ReportKind::Expired);
        world.sync(late).await;
        assert_eq!(world.state(late).await, "expired");
        world.far.say(late, ReportKind::Captured(taken("CAP-late", "100.00", "USD", "4.90")));
        world.far.bill(line("late", |_| {}));
        let (_, items) = run(&world, day()).await;
        assert_eq!(told(&items), [("paid_unknown_here", "flagged")]);
        assert_eq!(world.state(late).await, "captured");
        // One that is still open goes first.
        let shut = world.start("shut", money("30.00", "USD"), ONE).await;
        world.far.say(shut, ReportKind::Expired);
        world.sync(shut).await;
        let open = world.start("open", money("30.00", "USD"), ONE).await;
        world.far.say(open, ReportKind::Captured(taken("CAP-open", "30.00", "USD", "1.82")));
        let thirty = |facts: &mut LineFacts| {
            (facts.gross, facts.fee) = (money("30.00", "USD"), money("1.82", "USD"));
        };
        world.far.bill(line("open", thirty));
        let (_, items) = run(&world, day()).await;
        assert_eq!(told(&items), [("paid_unknown_here", "flagged")]);
        assert_eq!((world.state(open).await, world.state(shut).await), ("captured", "expired"));
        world.verified().await;
        store.close().await;
    })
    .await;
}

/// Two shoppers owe one amount: the one whose price was promised for where the payer is at home paid.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_payments_alike_the_payers_promise_tells_whose_money_it_is() {
    on_each_engine("of_payments_alike_the_payers_promise_tells", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let mut started = vec![];
        for country in ["TH", "MY"] {
            let payment = world.start(country, money("100.00", "USD"), ONE).await;
            let (noon, merchant, quote) =
                (noon().timestamp_micros(), world.merchant.id, world.ids.mint::<QuoteId>());
            let sql = format!(
                "INSERT INTO quote (id, version, merchant_id, units, from_amount, from_currency, to_amount, to_currency,
                   reference_rate, spread_bps, buffer_bps, final_rate, market, lock_for, indicative, created_at,
                   expires_at, country)
                 VALUES ('{quote}', 1, '{merchant}', '[10000]', 10000, 'USD', 10000, 'USD', '1', 0, 0, '1', '{{}}',
                   '30m', 0, {noon}, {noon}, '{country}');
                 UPDATE payment SET quote_id = '{quote}' WHERE id = '{payment}'"
            );
            let mut connection = database.connect().await;
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
            started.push(payment);
        }
        // Nobody can tell whom a line means that names no payer's country, or a third one.
        let there = |payer: Option<&str>| {
            let payer = payer.map(|code| Country::find(code).unwrap());
            line("alike", |facts| facts.payer_country = payer)
        };
        for payer in [None, Some("SG")] {
            let store = &world.store;
            let alike = store.unpaid_payments_like(world.account.id, money("100.00", "USD"), noon(), true, 9);
            assert_eq!(likeliest(&alike.await.unwrap(), &there(payer)), None, "{payer:?}");
        }
        world.far.say(started[1], ReportKind::Captured(taken("CAP-alike", "100.00", "USD", "4.90")));
        world.far.bill(there(Some("MY")));
        let (_, items) = run(&world, day()).await;
        assert_eq!(told(&items), [("paid_unknown_here", "flagged")]);
        assert_eq!(world.state(started[1]).await, "captured");
        assert_ne!(world.state(started[0]).await, "captured");
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_period_with_a_bills_difference_is_not_closed() {
    on_each_engine("a_period_with_a_bills_difference_is_not_closed", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        one(&world, "fee").await;
        world.far.bill(line("fee", |facts| facts.fee = money("5.00", "USD")));
        run(&world, day()).await;
        database.tick(TimeDelta::days(1));
        let stops = async || {
            let checks = world.close_period.look(world.merchant.id, day()).await.unwrap();
            let stops = checks.iter().filter(|check| check.blocks && !check.ok);
            stops.map(|check| check.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(stops().await, ["findings"]);
        let finding = world.finding(FindingKind::BillFee).await;
        world.word(world.maker, &finding, Action::Dismiss).await.unwrap();
        assert_eq!(stops().await, [] as [&str; 0]);
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_missed_is_found_by_a_bill_that_is_read_afterwards() {
    on_each_engine("what_was_missed_is_found_by_a_bill", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        one(&world, "found").await;
        run(&world, day()).await;
        let (_, items) = run(&world, day() + TimeDelta::days(3)).await;
        assert_eq!(told(&items), [("missing_there", "waits")]);
        // In time, in a bill of its own day that the gateway wrote anew.
        world.far.bill(line("found", |_| {}));
        let (ended, items) = run(&world, day()).await;
        assert_eq!((told(&items), ended.matched), (vec![], 1));
        assert_eq!(world.findings().await, []);
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_finding_stands_for_a_balance_until_it_fits() {
    on_each_engine("one_finding_stands_for_a_balance", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        one(&world, "paid").await;
        let compared = async |told: &str| {
            world.far.tell_balances(Ok(vec![money(told, "USD")]));
            world.reconciling.balances().await.unwrap();
            let findings = world.findings().await;
            findings.into_iter().map(|finding| (finding.id, finding.amount.unwrap())).collect::<Vec<_>>()
        };
        let first = compared("90.10").await;
        assert_eq!(first[0].1, money("-5.00", "USD"));
        database.tick(TimeDelta::days(1));
        assert_eq!(compared("90.10").await, first, "the next day asks nothing new");
        let other = compared("80.10").await;
        assert_eq!((other.len(), other[0].1), (1, money("-15.00", "USD")));
        assert_eq!(compared("95.10").await, []);
        let again = compared("80.10").await;
        assert_eq!((again.len(), again[0].1), (1, money("-15.00", "USD")));
        // Explained by a person, it is not asked about once more on that day.
        let finding = world.finding(FindingKind::BalanceDiffers).await;
        world.word(world.maker, &finding, Action::Dismiss).await.unwrap();
        store.close().await;
    })
    .await;
}

/// Two programs read one bill at a time: what one of them opens, both name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payouts_of_two_programs_name_findings_that_stand() {
    on_each_engine("payouts_of_two_programs", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let other = Reconciling::new(Parts {
            store: store.clone(),
            clock: world.clock.clone(),
            ids: world.ids.clone(),
            pay: world.pay.clone(),
            settlements: world.settlements.clone(),
            refunding: world.refunding.clone(),
            deposits: world.deposits.clone(),
            folder: std::env::temp_dir().join("straits-bills"),
        });
        for number in 10..40 {
            // No settlement has so long a name.
            let reference = format!("{}{number}", "W".repeat(140));
            world.far.bill(movement(&reference, BillKind::Withdrawal, "-1.00"));
        }
        let open = world.pay.accounts().all()[0].clone();
        let (one, two) =
            tokio::join!(world.reconciling.day(open.clone(), day()), other.day(open.clone(), day()));
        let mut named = 0;
        for run in [one.unwrap(), two.unwrap()] {
            assert_eq!((run.state.as_str(), &run.detail), ("done", &None));
            for item in store.reconciliation_items(run.id, 0, 100).await.unwrap() {
                let id = item.finding.unwrap().parse().unwrap();
                assert!(store.finding(world.merchant.id, id).await.unwrap().is_some(), "{id}");
                named += 1;
            }
        }
        assert!(named >= 30, "{named}");
        assert_eq!(world.findings().await.len(), 30);
        store.close().await;
    })
    .await;
}
