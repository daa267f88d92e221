//! A gateway's bill against the books: every typed difference with its repair, over a real store on both engines.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use straits::domain::findings::{Action, FindingKind};
use straits::domain::orders::ReportKind;
use straits::domain::reconciliation::{BillKind, BillLine, LineFacts, LineHash, LineStatus};
use straits::store::reconciliations::{Run, RunItem};

use super::far::Pays;
use super::world::{Setup, World, money, taken};
use super::{FORTY, ONE, one};
use crate::engines::on_each_engine;

/// The day of [`taken`].
pub(super) fn noon() -> DateTime<Utc> {
    straits::clock::from_micros(1_795_000_000_000_000)
}

pub(super) fn day() -> NaiveDate {
    noon().date_naive()
}

/// A line of `taken("CAP-{order}", "100.00", "USD", "4.90")`, changed.
pub(super) fn line(order: &str, change: impl FnOnce(&mut LineFacts)) -> BillLine {
    let mut facts = LineFacts {
        gateway_ref: format!("CAP-{order}"),
        related_ref: None,
        our_ref: None,
        payer_country: None,
        kind: BillKind::Payment,
        status: LineStatus::Settled,
        gross: money("100.00", "USD"),
        fee: money("4.90", "USD"),
        tax: money("0.00", "USD"),
        at: noon(),
        account: "STRAITS".into(),
        hash: LineHash([u8::try_from(order.len()).unwrap(); 32]),
    };
    change(&mut facts);
    BillLine::try_new(facts).unwrap()
}

/// A movement without a fee.
pub(super) fn movement(reference: &str, kind: BillKind, amount: &str) -> BillLine {
    line(reference, |facts| {
        facts.gateway_ref = reference.into();
        facts.kind = kind;
        facts.gross = money(amount, "USD");
        facts.fee = money("0.00", "USD");
    })
}

pub(super) async fn run(world: &World, day: NaiveDate) -> (Run, Vec<RunItem>) {
    let open = world.pay.accounts().all()[0].clone();
    let run = world.reconciling.day(open, day).await.unwrap();
    assert_eq!((run.state.as_str(), &run.detail), ("done", &None));
    let items = world.store.reconciliation_items(run.id, 0, 100).await.unwrap();
    (run, items)
}

pub(super) fn told(items: &[RunItem]) -> Vec<(&str, &str)> {
    items.iter().map(|item| (item.kind.as_str(), item.grade.as_str())).collect()
}

/// Our money at the gateway by the books: 1110 and 1120.
async fn at_gateway(world: &World) -> i64 {
    let rows = world.balances().await;
    let ours = rows.iter().filter(|row| matches!(row.account.code.number(), 1110 | 1120));
    ours.map(|row| row.debit_minus_credit.minor()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_agrees_is_matched_and_what_nobody_told_is_found() {
    on_each_engine("what_agrees_is_matched_and_what_nobody_told_is_found", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        one(&world, "told").await;
        // Every callback of this one was lost; the far side has taken it.
        let ghost = world.start("ghost", money("100.00", "USD"), ONE).await;
        world.far.say(ghost, ReportKind::Captured(taken("CAP-ghost", "100.00", "USD", "4.90")));
        world.far.bill(line("told", |_| {}));
        world.far.bill(line("ghost", |facts| facts.our_ref = Some(ghost.to_string())));

        let (first, items) = run(&world, day()).await;
        assert_eq!(told(&items), [("paid_unknown_here", "automatic")]);
        assert_eq!((first.lines, first.matched, first.repaired, first.open), (2, 1, 1, 0));
        assert_eq!(world.state(ghost).await, "captured");
        let timeline = store.timeline(ghost).await.unwrap();
        assert!(timeline.iter().any(|entry| entry.source.as_str() == "bill"), "{timeline:?}");
        let before = world.standing().await;
        assert_eq!(before["1110[paypal] USD"], "190.20");
        assert!(world.findings().await.is_empty());

        // The same bill again says nothing new.
        let (again, items) = run(&world, day()).await;
        assert_eq!((told(&items), again.matched, world.standing().await), (vec![], 2, before));
        world.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_runs_of_one_day_at_once_take_none_of_its_ghosts_for_a_duplicate() {
    on_each_engine("two_runs_of_one_day_at_once", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        for number in 0..40 {
            world.far.bill(line(&format!("ghost-{number}"), |facts| facts.hash = LineHash([number; 32])));
        }
        let ((first, ones), (second, others)) = tokio::join!(run(&world, day()), run(&world, day()));
        for run in [&first, &second] {
            // Whichever came second finds what the first has not booked by then.
            let kinds: std::collections::BTreeMap<String, u64> = serde_json::from_str(&run.by_kind).unwrap();
            assert!(kinds.keys().all(|kind| kind == "paid_unknown_here"), "{}", run.by_kind);
        }
        let findings = world.findings().await;
        assert!(findings.iter().all(|finding| finding.kind == FindingKind::PaidUnknownHere), "{findings:?}");
        assert_eq!(findings.len(), 40);
        // One reads after the other, and finds it booked.
        assert_eq!(ones.len() + others.len(), 40);
        let known: Vec<String> = findings.iter().map(|finding| finding.id.to_string()).collect();
        for item in ones.iter().chain(&others) {
            assert!(item.finding.as_ref().is_none_or(|id| known.contains(id)), "{item:?}");
        }
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ghost_without_a_reference_is_found_by_its_amount_alone() {
    on_each_engine("a_ghost_without_a_reference_is_found_by_its_amount_alone", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let ghost = world.start("ghost", money("100.00", "USD"), ONE).await;
        world.far.say(ghost, ReportKind::Captured(taken("CAP-ghost", "100.00", "USD", "4.90")));
        world.far.bill(line("ghost", |_| {}));
        let (_, items) = run(&world, day()).await;
        assert_eq!(told(&items), [("paid_unknown_here", "flagged")], "one channel and a guess");
        assert_eq!(world.state(ghost).await, "captured");

        // Of two that fit, neither is asked; the money stands aside.
        for order in ["x", "y"] {
            world.start(order, money("100.00", "USD"), ONE).await;
        }
        world.far.bill(line("stranger", |_| {}));
        let (_, items) = run(&world, day()).await;
        assert_eq!(told(&items), [("paid_unknown_here", "waits")]);
        world.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_that_nobody_knows_stands_in_suspense_until_two_decide() {
    on_each_engine("money_that_nobody_knows_stands_in_suspense_until_two_decide", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        world.far.bill(line("stranger", |_| {}));
        world.far.bill(movement("NEWS", BillKind::Unknown { raw: "T9701".into() }, "-3.00"));
        let (ended, items) = run(&world, day()).await;
        assert_eq!(told(&items), [("paid_unknown_here", "waits"), ("unknown_movement", "waits")]);
        assert_eq!((ended.open, ended.repaired), (2, 0));
        world
            .stands(&[
                ("1110[paypal] USD", "92.10"),
                ("2900[paypal] USD", "-97.00"),
                ("5000[paypal] USD", "4.90"),
            ])
            .await;
        assert_eq!(at_gateway(&world).await, 9_210, "what the bill says the gateway has");

        let finding = world.finding(FindingKind::UnknownMovement).await;
        assert!(world.word(world.maker, &finding, Action::Dismiss).await.is_err());
        world.resolve(&finding, Action::Adopt).await;
        let finding = world.finding(FindingKind::PaidUnknownHere).await;
        assert!(finding.detail.contains("bill line"), "{finding:?}");
        world.resolve(&finding, Action::Adopt).await;
        world
            .stands(&[("1110[paypal] USD", "92.10"), ("5000[paypal] USD", "4.90"), ("5030 USD", "-97.00")])
            .await;
        world.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_only_there_goes_through_the_door() {
    on_each_engine("a_refund_only_there_goes_through_the_door", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let payment = one(&world, "paid").await;
        let refund = |reference: &str, capture: &str| {
            let capture = Some(capture.to_owned());
            let mut line = movement(reference, BillKind::Refund, "-40.00").into_facts();
            line.related_ref = capture;
            BillLine::try_new(line).unwrap()
        };
        // One the gateway lists with the payment, one that only the bill names, one of nobody's payment.
        world.far.refund_elsewhere(payment, "R-LISTED", money("40.00", "USD"));
        world.far.bill(line("paid", |_| {}));
        world.far.bill(refund("R-LISTED", "CAP-paid"));
        world.far.bill(refund("R-BILLED", "CAP-paid"));
        world.far.bill(refund("R-NOBODY", "CAP-nobody"));
        let (_, items) = run(&world, day()).await;
        assert_eq!(told(&items), [("refund_only_there", "waits"); 3]);
        assert!(items.iter().all(|item| item.finding.is_some()), "{items:#?}");
        let standing = world.standing().await;
        assert_eq!(
            (standing["2900[paypal] USD"].as_str(), standing["1110[paypal] USD"].as_str()),
            ("120.00", "-24.90")
        );
        let kinds: Vec<_> = world.findings().await.iter().map(|finding| finding.kind).collect();
        let elsewhere = FindingKind::RefundElsewhere;
        assert_eq!(kinds, [elsewhere, elsewhere, FindingKind::UnknownMovement]);
        let (_, items) = run(&world, day()).await;
        assert_eq!(told(&items), [], "once");
        world.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_of_ours_whose_answer_was_lost_is_heard_of_by_the_bill() {
    on_each_engine("a_refund_of_ours_whose_answer_was_lost_is_heard_of_by_the_bill", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let payment = one(&world, "paid").await;
        world.far.plan(&[Pays::LostAfter]);
        let refund = world.refund(payment, FORTY).await.unwrap();
        assert_eq!(refund.state.as_str(), "pending");
        world.far.bill(line("paid", |_| {}));
        let mut back = movement(&format!("R-{}", refund.id), BillKind::Refund, "-40.00").into_facts();
        back.our_ref = Some(refund.id.to_string());
        world.far.bill(BillLine::try_new(back).unwrap());
        let (_, items) = run(&world, day()).await;
        assert_eq!(told(&items), [("refund_only_there", "automatic")]);
        assert_eq!(world.state(payment).await, "partially_refunded");
        assert!(world.findings().await.is_empty());
        world.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_bill_states_otherwise_is_found_and_moves_nothing() {
    on_each_engine("what_the_bill_states_otherwise_is_found_and_moves_nothing", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        for order in ["amount", "fee", "currency", "status", "twice", "late"] {
            one(&world, order).await;
        }
        let before = world.standing().await;
        world.far.bill(line("amount", |facts| facts.gross = money("99.99", "USD")));
        world.far.bill(line("fee", |facts| facts.fee = money("5.00", "USD")));
        world.far.bill(line("currency", |facts| {
            (facts.gross, facts.fee, facts.tax) =
                (money("100.00", "SGD"), money("4.90", "SGD"), money("0.00", "SGD"));
        }));
        world.far.bill(line("status", |facts| facts.status = LineStatus::Denied));
        world.far.bill(line("twice", |_| {}));
        world.far.bill(line("twice", |_| {}));
        world.far.bill(line("late", |facts| facts.at = noon() + TimeDelta::days(5)));
        let (ended, items) = run(&world, day()).await;
        assert_eq!(
            told(&items),
            [
                ("amount", "waits"),
                ("fee", "waits"),
                ("currency", "waits"),
                ("status", "waits"),
                ("duplicate", "waits")
            ]
        );
        assert_eq!(ended.matched, 1);
        let kinds: Vec<_> = world.findings().await.iter().map(|finding| finding.kind.as_str()).collect();
        assert_eq!(kinds, ["bill_amount", "bill_fee", "bill_currency", "bill_status", "bill_duplicate"]);
        assert_eq!(world.standing().await, before, "the gateway confirms what the books have");
        for item in &items {
            assert!(item.body.contains("captured, USD 100.00"), "{}", item.body);
        }
        // Five days later the sixth is billed at last: it waited in the pool, and is told to be late.
        let (ended, items) = run(&world, day() + TimeDelta::days(5)).await;
        assert_eq!((told(&items), ended.matched), (vec![("late", "automatic")], 1));
        world.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_bill_names_waits_three_days_and_is_missed_then() {
    on_each_engine("what_no_bill_names_waits_three_days_and_is_missed_then", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        one(&world, "cut").await;
        let payment = one(&world, "never").await;
        // The gateway's day is cut earlier than ours: the first stands in tomorrow's bill.
        world.far.bill(line("cut", |facts| facts.at = noon() + TimeDelta::days(1)));
        for ahead in 0..3 {
            let (_, items) = run(&world, day() + TimeDelta::days(ahead)).await;
            assert_eq!(told(&items), [], "day {ahead}");
        }
        let (_, items) = run(&world, day() + TimeDelta::days(3)).await;
        assert_eq!(told(&items), [("missing_there", "waits")]);
        let finding = world.finding(FindingKind::MissingThere).await;
        assert_eq!((finding.fact.as_str(), finding.payment), ("CAP-never", Some(payment.to_string())));
        // The gateway was asked, and says that it has it.
        assert!(items[0].body.contains("captured, USD 100.00"), "{}", items[0].body);
        let (_, items) = run(&world, day() + TimeDelta::days(4)).await;
        assert_eq!(told(&items), [], "once");
        world.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_bill_names_before_its_day_is_not_missed_on_it() {
    on_each_engine("what_a_bill_names_before_its_day_is_not_missed_on_it", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        one(&world, "early").await;
        world.far.bill(line("early", |facts| facts.at = noon() - TimeDelta::days(1)));
        let (ended, items) = run(&world, day() - TimeDelta::days(1)).await;
        assert_eq!((told(&items), ended.matched), (vec![], 1));
        for ahead in 0..5 {
            let (_, items) = run(&world, day() + TimeDelta::days(ahead)).await;
            assert_eq!(told(&items), [], "day {ahead}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bill_may_name_days_that_nobody_read_and_be_read_again() {
    on_each_engine("a_bill_may_name_days_that_nobody_read", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        one(&world, "before").await;
        one(&world, "own").await;
        one(&world, "unnamed").await;
        let tomorrow = noon() + TimeDelta::days(1);
        world.far.bill(line("before", |facts| facts.at = tomorrow));
        world.far.bill(line("own", |_| {}));
        let before = world.standing().await;
        // The second day's bill names what happened on the first, whose bill was never read; twice.
        for again in 0..2 {
            let (ended, items) = run(&world, day() + TimeDelta::days(1)).await;
            assert_eq!((told(&items), ended.matched), (vec![], 1), "{again}");
        }
        // The first day's bill afterwards, twice: what tomorrow's named is not missed in it, and its own is matched.
        for again in 0..2 {
            let (ended, items) = run(&world, day()).await;
            assert_eq!((told(&items), ended.matched), (vec![], 1), "{again}");
        }
        let (_, items) = run(&world, day() + TimeDelta::days(1)).await;
        assert_eq!(told(&items), [], "and the second's again");
        assert_eq!(world.standing().await, before);
        assert!(world.findings().await.is_empty());
        // What no bill ever named is missed once, and no other is.
        for (ahead, expected) in [(3, vec![("missing_there", "waits")]), (3, vec![]), (4, vec![])] {
            let (_, items) = run(&world, day() + TimeDelta::days(ahead)).await;
            assert_eq!(told(&items), expected, "day {ahead}");
        }
        assert_eq!(world.finding(FindingKind::MissingThere).await.fact, "CAP-unnamed");
        world.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_line_read_again_is_late_again_and_a_second_bill_of_it_a_duplicate() {
    on_each_engine("a_late_line_read_again_is_late_again", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        one(&world, "late").await;
        run(&world, day()).await;
        let (_, items) = run(&world, day() + TimeDelta::days(3)).await;
        assert_eq!(told(&items), [("missing_there", "waits")]);
        // Missed, and billed at last; reading it again finds the same.
        let fifth = day() + TimeDelta::days(5);
        world.far.bill(line("late", |facts| facts.at = noon() + TimeDelta::days(5)));
        for again in 0..2 {
            let (_, items) = run(&world, fifth).await;
            assert_eq!(told(&items), [("late", "automatic")], "{again}");
            assert!(items[0].finding.is_some(), "it names what was missed");
        }
        assert_eq!(world.findings().await, [], "and nobody misses it any more");
        // Another day's bill names it once more: that is a second naming.
        world.far.bill(line("late", |facts| facts.at = noon() + TimeDelta::days(6)));
        let (_, items) = run(&world, fifth + TimeDelta::days(1)).await;
        assert_eq!(told(&items), [("duplicate", "waits")]);
        world.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holds_reserves_and_fees_apart_are_booked_and_shown() {
    on_each_engine("holds_reserves_and_fees_apart_are_booked_and_shown", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        one(&world, "paid").await;
        world.far.bill(line("paid", |_| {}));
        world.far.bill(movement("H-1", BillKind::Hold, "-20.00"));
        // J23: the gateway's own reserve.
        world.far.bill(movement("V-1", BillKind::Reserve, "-5.00"));
        world.far.bill(movement("F-1", BillKind::Fee, "-1.00"));
        let (_, items) = run(&world, day()).await;
        assert_eq!(told(&items), [("hold", "flagged"), ("hold", "flagged"), ("fee_apart", "flagged")]);
        let standing = world.standing().await;
        let stands = |account: &str| standing.get(account).map(String::as_str);
        assert_eq!(stands("1120[paypal,hold] USD"), Some("20.00"));
        assert_eq!(stands("1120[paypal,reserve] USD"), Some("5.00"));
        assert_eq!(stands("1110[paypal] USD"), Some("69.10"));
        assert_eq!(stands("5000[paypal] USD"), Some("5.90"));

        let later = |reference: &str, kind: BillKind, amount: &str| {
            let mut facts = movement(reference, kind, amount).into_facts();
            facts.at = noon() + TimeDelta::days(1);
            BillLine::try_new(facts).unwrap()
        };
        world.far.bill(later("H-1R", BillKind::HoldReleased, "20.00"));
        world.far.bill(later("V-1R", BillKind::Reserve, "5.00"));
        // More is freed than was held: nobody can say whose it is.
        world.far.bill(later("H-2R", BillKind::HoldReleased, "7.00"));
        let (_, items) = run(&world, day() + TimeDelta::days(1)).await;
        assert_eq!(told(&items), [("release", "flagged"), ("release", "flagged"), ("release", "waits")]);
        let standing = world.standing().await;
        let stands = |account: &str| standing.get(account).map(String::as_str);
        assert_eq!((stands("1120[paypal,hold] USD"), stands("1120[paypal,reserve] USD")), (None, None));
        assert_eq!((stands("1110[paypal] USD"), stands("2900[paypal] USD")), (Some("101.10"), Some("-7.00")));
        world.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bill_that_is_none_leads_to_nothing() {
    on_each_engine("a_bill_that_is_none_leads_to_nothing", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        world.far.bill(line("stranger", |_| {}));
        world.far.break_bills(true);
        let open = world.pay.accounts().all()[0].clone();
        let ended = world.reconciling.day(open, day()).await.unwrap();
        assert_eq!(ended.state, "failed");
        assert!(ended.detail.unwrap().contains("ends in the middle"));
        assert!(world.standing().await.is_empty() && world.findings().await.is_empty());
        // The daily duty asks again, and finds what waits.
        world.far.break_bills(false);
        database.tick(TimeDelta::days(2));
        assert_eq!(world.reconciling.days_of_late().await.unwrap(), 3);
        assert_eq!(world.reconciling.days_of_late().await.unwrap(), 0, "each day once");
        assert_eq!(world.findings().await.len(), 1);
    })
    .await;
}
