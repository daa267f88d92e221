//! Disputes beside refunds: what is taken twice, in part, too much or too early, and what we say.

use chrono::TimeDelta;
use straits::domain::disputes::{AnswerKind, Dispute, DisputeReport, DisputeState, Evidence, MovementKind};
use straits::domain::findings::{Action, FindingKind};
use straits::domain::orders::MoneyReport;
use straits::flows::dispute::DisputeFlowError;
use straits::ids::PaymentId;
use straits::store::Change;

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

async fn say(
    world: &World,
    dispute: &Dispute,
    kind: AnswerKind,
) -> Result<serde_json::Value, DisputeFlowError> {
    let answer = world.ids.mint();
    world.disputing.say(world.merchant.id, dispute.id, answer, kind, Change::new()).await
}

fn evidence() -> AnswerKind {
    let evidence: Evidence =
        serde_json::from_str(r#"{"notes":"delivered","tracking":[{"carrier":"DHL","number":"1"}]}"#).unwrap();
    AnswerKind::Evidence { evidence }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refunded_and_charged_back_is_never_more_than_captured() {
    on_each_engine("refunded_and_charged_back_is_never_more_than_captured", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let (payment, report) = disputed(&world, "both").await;
        world.refund(payment, super::FORTY).await.unwrap();
        // The bank takes all of it although 40 went back: 60 is the parties', 40 nobody can be charged with.
        let report = moved(&report, MovementKind::Taken, usd("100.00"));
        world.hear_dispute(report.clone()).await;
        let standing = world.standing().await;
        assert_eq!(standing.get("2900[paypal] USD").map(String::as_str), Some("40.00"));
        assert_eq!(standing.get("1110[paypal] USD").map(String::as_str), Some("-44.90"));
        assert_eq!(standing.get("4000 USD"), None, "the whole commission went back, in two parts");
        assert_eq!(standing.get("1200[A] USD").map(String::as_str), Some("4.90"));
        let more = r#"{"amount":{"amount":"0.01","currency":"USD"}}"#;
        assert_eq!(world.refund(payment, more).await.unwrap_err().code(), "refund_exceeds_captured");
        assert_eq!(world.finding(FindingKind::Reversed).await.amount, Some(usd("40.00")));
        world.verified().await;

        // Of what comes back, what was taken last is undone first: the rest stays with the parties.
        let report = moved(&report, MovementKind::Returned, usd("30.00"));
        world.hear_dispute(report.clone()).await;
        let dispute = world.dispute(payment).await;
        assert_eq!(dispute.taken().unwrap(), usd("70.00"));
        assert_eq!(dispute.charged().map(|refund| refund.amount).collect::<Vec<_>>(), [usd("30.00")]);
        world.verified().await;
        let report = moved(&report, MovementKind::Returned, usd("70.00"));
        world.hear_dispute(decided(&report, DisputeState::Won)).await;
        let standing = world.standing().await;
        assert_eq!(standing.get("2900[paypal] USD"), None, "what stood aside is gone too");
        assert_eq!(standing.get("1110[paypal] USD").map(String::as_str), Some("55.10"));
        // Nothing stands aside any more: one person says so.
        let finding = world.finding(FindingKind::Reversed).await;
        assert!(world.word(world.maker, &finding, Action::Adopt).await.is_ok(), "proposed");
        world.word(world.checker, &finding, Action::Dismiss).await.unwrap();
        assert_eq!(world.refund(payment, "{}").await.unwrap().amount, usd("60.00"));
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_of_several_suppliers_payment_waits_for_two_persons() {
    on_each_engine("a_part_of_several_suppliers_payment_waits_for_two_persons", async |database| {
        let store = database.open().await;
        let setup = Setup { suppliers: ["SGD", "SGD"], ..Setup::default() };
        let world = World::on(&store, &database.clock, setup).await;
        let payment = two(&world, "parts").await;
        let before = world.standing().await;
        let part = complaint(payment, "CAP-parts", money("100.00", "SGD"), world.clock.now());
        let held = DisputeReport { held: true, ..part };
        world.hear_dispute(held.clone()).await;
        assert!(!world.standing().await.keys().any(|place| place.starts_with("2130")), "whose is not known");
        let lost = moved(&decided(&held, DisputeState::Lost), MovementKind::Taken, money("100.00", "SGD"));
        world.hear_dispute(lost).await;
        let standing = world.standing().await;
        assert_eq!(standing.get("2900[paypal] SGD").map(String::as_str), Some("100.00"));
        assert_eq!(standing.get("2100[A] SGD"), before.get("2100[A] SGD"));
        let finding = world.finding(FindingKind::Reversed).await;
        let early = world.word(world.maker, &finding, Action::Dismiss).await;
        assert!(early.is_err(), "money stands aside: {early:?}");
        world.resolve(&finding, Action::Adopt).await;
        assert_eq!(world.standing().await.get("5030 SGD").map(String::as_str), Some("100.00"));
        world.verified().await;

        // The whole of it needs no allocation.
        let whole = two(&world, "whole").await;
        let taken = complaint(whole, "CAP-whole", money("250.00", "SGD"), world.clock.now());
        world.hear_dispute(moved(&taken, MovementKind::Taken, money("250.00", "SGD"))).await;
        assert_eq!(world.dispute(whole).await.charged().count(), 1);
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_becomes_a_loss_and_an_appeal_a_win() {
    on_each_engine("a_hold_becomes_a_loss_and_an_appeal_a_win", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let (payment, report) = disputed(&world, "hold").await;
        let free = world.standing().await;
        let held = DisputeReport { held: true, ..report };
        world.hear_dispute(held.clone()).await;
        let standing = world.standing().await;
        assert_eq!(standing.get("1120[paypal,dispute] USD").map(String::as_str), Some("100.00"));
        assert_eq!(standing.get("2130[A,dispute] USD").map(String::as_str), Some("-85.10"));
        assert_eq!(standing.get("2100[A] USD"), None);
        let lost = decided(&moved(&held, MovementKind::Taken, usd("100.00")), DisputeState::Lost);
        world.hear_dispute(lost.clone()).await;
        world
            .stands(&[
                ("1110[paypal] USD", "-4.90"),
                ("1200[A] USD", "4.90"),
                ("5000[paypal] USD", "4.90"),
                ("5005[paypal] USD", "-4.90"),
            ])
            .await;
        world.verified().await;
        let mut won = decided(&moved(&lost, MovementKind::Returned, usd("100.00")), DisputeState::Won);
        won.updated_at += TimeDelta::days(1);
        world.hear_dispute(won).await;
        assert_eq!(world.standing().await, free, "as before the complaint");
        let (events, _) = store.events(world.merchant.id, None, None, 50).await.unwrap();
        let kinds: Vec<&str> = events
            .iter()
            .map(|event| event.kind.as_str())
            .filter(|kind| kind.starts_with("dispute."))
            .collect();
        let count = |kind: &str| kinds.iter().filter(|seen| **seen == kind).count();
        assert_eq!(
            (count("dispute.opened"), count("dispute.closed"), count("dispute.updated")),
            (1, 1, 1),
            "{kinds:?}"
        );
        let timeline = store.timeline(payment).await.unwrap();
        let said: Vec<&str> = timeline.iter().map(|entry| entry.kind.as_str()).collect();
        assert_eq!(said[said.len() - 3..], ["dispute_needs_response", "dispute_lost", "dispute_won"]);
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_capture_said_first_is_not_booked_again() {
    on_each_engine("what_the_capture_said_first_is_not_booked_again", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let (payment, report) = disputed(&world, "early").await;
        let (at, amount) = (world.clock.now(), usd("100.00"));
        let reference = "CAP-early".to_owned();
        world.far.tell_money(payment, MoneyReport::Reversed { reference, amount, at });
        world.sync(payment).await;
        world.hear_dispute(moved(&report, MovementKind::Taken, amount)).await;
        let standing = world.standing().await;
        assert_eq!(standing.get("1110[paypal] USD").map(String::as_str), Some("-4.90"), "taken once");
        assert_eq!(standing.get("2900[paypal] USD").map(String::as_str), Some("100.00"));

        let (payment, report) = disputed(&world, "early-hold").await;
        let (reference, reason) = ("CAP-early-hold".to_owned(), "dispute".to_owned());
        world.far.tell_money(payment, MoneyReport::Held { reference, amount, reason, at });
        world.sync(payment).await;
        let held = DisputeReport { held: true, ..report };
        world.hear_dispute(held.clone()).await;
        let place = "1120[paypal,dispute] USD";
        assert_eq!(world.standing().await.get(place).map(String::as_str), Some("100.00"), "held once");
        world.hear_dispute(decided(&held, DisputeState::Won)).await;
        assert_eq!(world.standing().await.get(place), None);
        world.verified().await;
        store.close().await;
    })
    .await;
}

/// What the capture told of once is one taking: an appeal that is lost takes the money once more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_again_after_it_came_back_is_booked() {
    on_each_engine("what_is_taken_again_after_it_came_back_is_booked", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let (payment, report) = disputed(&world, "appeal").await;
        let (at, amount) = (world.clock.now(), usd("100.00"));
        let reference = "CAP-appeal".to_owned();
        world.far.tell_money(payment, MoneyReport::Reversed { reference, amount, at });
        world.sync(payment).await;
        let at_gateway = async || world.standing().await.get("1110[paypal] USD").cloned();
        let mut report = report;
        // Told in two parts: both are what the capture said.
        for part in ["60.00", "40.00"] {
            report = moved(&report, MovementKind::Taken, usd(part));
            world.hear_dispute(report.clone()).await;
            assert_eq!(at_gateway().await.as_deref(), Some("-4.90"));
        }
        report = moved(&report, MovementKind::Returned, amount);
        world.hear_dispute(report.clone()).await;
        assert_eq!(at_gateway().await.as_deref(), Some("95.10"));
        assert_eq!(world.standing().await.get("2900[paypal] USD"), None);
        report = moved(&report, MovementKind::Taken, amount);
        world.hear_dispute(report.clone()).await;
        assert_eq!(at_gateway().await.as_deref(), Some("-4.90"), "taken again");
        assert_eq!(world.dispute(payment).await.charged().count(), 1);
        world.verified().await;

        // Of another dispute about a capture it is a taking of its own as well, and of more than was said the rest.
        let (payment, report) = disputed(&world, "more").await;
        let reference = "CAP-more".to_owned();
        world.far.tell_money(payment, MoneyReport::Reversed { reference, amount: usd("30.00"), at });
        world.sync(payment).await;
        let before = at_gateway().await;
        assert_eq!(before.as_deref(), Some("60.20"));
        world.hear_dispute(moved(&report, MovementKind::Taken, usd("50.00"))).await;
        assert_eq!(at_gateway().await.as_deref(), Some("40.20"), "20.00 more than the capture said");
        let second = DisputeReport { gateway_ref: "PP-D-second".into(), ..report };
        world.hear_dispute(moved(&second, MovementKind::Taken, usd("10.00"))).await;
        assert_eq!(at_gateway().await.as_deref(), Some("30.20"));
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fee_and_a_word_that_nobody_knows() {
    on_each_engine("a_fee_and_a_word_that_nobody_knows", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let (payment, report) = disputed(&world, "fees").await;
        let fee = moved(&report, MovementKind::Fee, usd("20.00"));
        world.hear_dispute(fee.clone()).await;
        let standing = world.standing().await;
        assert_eq!(standing.get("4030[dispute] USD").map(String::as_str), Some("-20.00"));
        assert_eq!(standing.get("2100[A] USD").map(String::as_str), Some("-65.10"), "out of its own share");
        let back = moved(&fee, MovementKind::FeeReturned, usd("20.00"));
        world.hear_dispute(back.clone()).await;
        let standing = world.standing().await;
        assert_eq!((standing.get("4030[dispute] USD"), standing.get("5040[paypal] USD")), (None, None));
        assert_eq!(standing.get("2100[A] USD").map(String::as_str), Some("-85.10"));
        world.hear_dispute(moved(&back, MovementKind::OtherTaken, usd("3.00"))).await;
        assert_eq!(world.standing().await.get("2900[paypal] USD").map(String::as_str), Some("3.00"));
        assert_eq!(world.finding(FindingKind::Reversed).await.payment, Some(payment.to_string()));
        world.verified().await;

        // About nobody's payment: kept, and a finding.
        let stranger = complaint(world.ids.mint(), "CAP-nobody", usd("1.00"), world.clock.now());
        world.hear_dispute(stranger).await;
        world.finding(FindingKind::UnknownPayment).await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_we_say_is_said_once_and_looked_for() {
    on_each_engine("what_we_say_is_said_once_and_looked_for", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let (payment, report) = disputed(&world, "said").await;
        world.hear_dispute(report).await;
        let dispute = world.dispute(payment).await;
        world.far.loses_answer(true);
        let told = say(&world, &dispute, evidence()).await.unwrap();
        assert_eq!(
            (told["state"].as_str(), told["answers"][0]["outcome"].as_str()),
            (Some("under_review"), Some("unknown"))
        );
        // Nothing is said on top of what is not settled, and nothing is sent again.
        let again = say(&world, &dispute, AnswerKind::Accept { note: String::new() }).await;
        assert!(matches!(again, Err(DisputeFlowError::WrongState { .. })), "{again:?}");
        database.clock.advance(TimeDelta::minutes(5));
        assert_eq!(world.disputing.recover().await.unwrap(), 1);
        let view = world.disputing.get(world.merchant.id, dispute.id).await.unwrap();
        assert_eq!(view["answers"][0]["outcome"], "done");
        let late = say(&world, &dispute, evidence()).await;
        assert!(matches!(late, Err(DisputeFlowError::WrongState { state: "under_review", .. })), "{late:?}");
        say(&world, &dispute, AnswerKind::Accept { note: "lost".into() }).await.unwrap();
        let accepted = world.dispute(payment).await;
        assert_eq!((accepted.state, accepted.taken().unwrap()), (DisputeState::Accepted, usd("100.00")));
        assert_eq!(world.far.said(), 2);
        let after = say(&world, &dispute, AnswerKind::Accept { note: String::new() }).await;
        assert!(matches!(after, Err(DisputeFlowError::WrongState { state: "accepted", .. })), "{after:?}");
        let other = World::on(&store, &database.clock, Setup::default()).await;
        let stranger = other.disputing.get(other.merchant.id, dispute.id).await;
        assert!(matches!(stranger, Err(DisputeFlowError::Unknown)));

        // One that never arrived is a person's matter after an hour.
        let (payment, report) = disputed(&world, "lost-word").await;
        world.hear_dispute(report).await;
        let dispute = world.dispute(payment).await;
        world.far.loses_answer(false);
        say(&world, &dispute, evidence()).await.unwrap();
        database.clock.advance(TimeDelta::minutes(90));
        world.disputing.recover().await.unwrap();
        world.disputing.recover().await.unwrap();
        assert_eq!(world.finding(FindingKind::OutcomeUnknown).await.payment, Some(payment.to_string()));
        assert_eq!(world.far.said(), 3, "it is not sent again");
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_notices_are_made_good_and_deadlines_are_seen() {
    on_each_engine("lost_notices_are_made_good_and_deadlines_are_seen", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let (payment, report) = disputed(&world, "quiet").await;
        world.far.tell_dispute(report);
        world.disputing.ask_all().await.unwrap();
        world.disputing.ask_all().await.unwrap();
        assert_eq!(world.dispute(payment).await.state, DisputeState::NeedsResponse);
        assert_eq!(world.disputing.watch_deadlines().await.unwrap(), 0, "ten days are left");
        database.clock.advance(TimeDelta::days(8));
        assert_eq!(world.disputing.watch_deadlines().await.unwrap(), 1);
        assert_eq!(world.disputing.watch_deadlines().await.unwrap(), 1);
        let near = world.findings().await;
        assert_eq!(near.iter().filter(|finding| finding.kind == FindingKind::DisputeDeadline).count(), 1);
        let standing = store.standing().await.unwrap();
        assert_eq!(
            (standing.disputes_open, standing.dispute_deadline),
            (1, world.dispute(payment).await.deadline)
        );
        database.clock.advance(TimeDelta::days(3));
        let late = say(&world, &world.dispute(payment).await, evidence()).await;
        assert!(matches!(late, Err(DisputeFlowError::WrongState { .. })), "its deadline has passed");
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_debt_shows_in_the_client_money_check_and_never_in_verify() {
    on_each_engine("a_debt_shows_in_the_client_money_check_and_never_in_verify", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let (payment, report) = disputed(&world, "debt").await;
        let merchant = world.merchant.id;
        let short = async || {
            let checks = world.client_money.report(merchant, None).await.unwrap();
            checks.iter().map(|check| check.top_up().unwrap()).find(|top_up| top_up.is_positive())
        };
        assert_eq!(short().await, None);
        let before = database.clock.now();
        database.clock.advance(TimeDelta::hours(1));
        let charged = moved(&report, MovementKind::Taken, usd("100.00"));
        world.hear_dispute(moved(&charged, MovementKind::Fee, usd("20.00"))).await;
        // 1110 at -24.90, nothing owed to others: own money has to fill the hole.
        assert_eq!(short().await, Some(usd("24.90")));
        world.client_money.check_all().await.unwrap();
        assert!(world.findings().await.is_empty(), "the day is not over: it can still be topped up");
        database.clock.advance(TimeDelta::days(1));
        world.client_money.check_all().await.unwrap();
        world.client_money.check_all().await.unwrap();
        let finding = world.finding(FindingKind::ClientMoneyShort).await;
        assert_eq!((finding.amount, finding.fact.as_str()), (Some(usd("24.90")), "USD"));
        world.verified().await;
        // What was explained away opens again while it is short.
        world.word(world.maker, &finding, Action::Dismiss).await.unwrap();
        world.client_money.check_all().await.unwrap();
        world.finding(FindingKind::ClientMoneyShort).await;
        let then = world.client_money.report(merchant, Some(before)).await.unwrap();
        assert!(then.iter().all(|check| check.top_up().unwrap().is_zero()), "as the books stood");
        assert_eq!(world.dispute(payment).await.fee().unwrap(), usd("20.00"));
        store.close().await;
    })
    .await;
}
