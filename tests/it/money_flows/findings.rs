//! Money that does not match: booked at once, decided by two users, undone where the gateway refuses.

use chrono::TimeDelta;
use straits::domain::fees::FeeBook;
use straits::domain::findings::{Action, FindingKind};
use straits::domain::merchants::Recharge;
use straits::domain::orders::{Capture, ReportKind};
use straits::flows::findings::ResolveError;
use straits::store::Change;

use super::far::Pays;
use super::world::{Setup, World, converted, money, taken};
use super::{FORTY, ONE, one};
use crate::engines::on_each_engine;

/// J01, as it stands after its split.
const DIVIDED: &[(&str, &str)] = &[
    ("1110[paypal] USD", "95.10"),
    ("2100[A] USD", "-85.10"),
    ("4000 USD", "-10.00"),
    ("5000[paypal] USD", "4.90"),
    ("5005[paypal] USD", "-4.90"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_amount_is_adopted_at_what_it_is() {
    on_each_engine("a_wrong_amount_is_adopted_at_what_it_is", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let capture = taken("CAP", "10.00", "USD", "0.94");
        let payment = world.paid("less", money("100.00", "USD"), ONE, capture).await;
        world.sync(payment).await;
        let finding = world.finding(FindingKind::AmountDiffers).await;
        let explained = world.word(world.maker, &finding, Action::Dismiss).await;
        assert!(matches!(explained, Err(ResolveError::MoneyHeld(held)) if held == money("10.00", "USD")));
        assert_eq!(world.refund(payment, "{}").await.unwrap_err().code(), "payment_undivided");
        world.resolve(&finding, Action::Adopt).await;
        assert_eq!(world.state(payment).await, "captured");
        world
            .stands(&[
                ("1110[paypal] USD", "9.06"),
                ("2100[A] USD", "-8.06"),
                ("4000 USD", "-1.00"),
                ("5000[paypal] USD", "0.94"),
                ("5005[paypal] USD", "-0.94"),
            ])
            .await;
        world.sync(payment).await;
        assert!(world.findings().await.is_empty());
        assert_eq!(world.refund(payment, "{}").await.unwrap().amount, money("10.00", "USD"));
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_corrects_itself_frees_the_money() {
    on_each_engine("a_gateway_that_corrects_itself_frees_the_money", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let capture = taken("CAP", "10.00", "USD", "0.94");
        let payment = world.paid("corrected", money("100.00", "USD"), ONE, capture).await;
        assert_eq!(world.state(payment).await, "in_review");
        world.far.say(payment, ReportKind::Captured(taken("CAP", "100.00", "USD", "4.90")));
        world.hear(payment).await;
        assert_eq!(world.state(payment).await, "captured");
        world.stands(DIVIDED).await;
        // What is left of it is an explanation, which one user gives.
        let finding = world.finding(FindingKind::AmountDiffers).await;
        world.word(world.maker, &finding, Action::Dismiss).await.unwrap();
        world.verified().await;
        store.close().await;
    })
    .await;
}

/// A promise of another amount is explained away by one user; then its money comes, and is a question of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_that_comes_after_its_promise_was_dismissed_asks_again() {
    on_each_engine("money_that_comes_after_its_promise_was_dismissed", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let payment = world.start("promised", money("100.00", "USD"), ONE).await;
        let expected = Some(money("10.00", "USD"));
        world.far.say(payment, ReportKind::Pending { reason: "ECHECK".into(), expected, person_by: None });
        world.hear(payment).await;
        assert_eq!(world.state(payment).await, "in_review");
        let promised = world.finding(FindingKind::AmountDiffers).await;
        world.word(world.maker, &promised, Action::Dismiss).await.unwrap();
        assert!(world.findings().await.is_empty());
        // Told again, the promise stays explained.
        world.hear(payment).await;
        assert!(world.findings().await.is_empty());

        world.far.say(payment, ReportKind::Captured(taken("CAP", "10.00", "USD", "0.94")));
        world.hear(payment).await;
        assert_eq!(world.standing().await.get("2900[paypal] USD").map(String::as_str), Some("-10.00"));
        world.verified().await;
        let finding = world.finding(FindingKind::AmountDiffers).await;
        assert_eq!(finding.id, promised.id);
        let (events, _) = store.events(world.merchant.id, None, None, 50).await.unwrap();
        assert_eq!(events.iter().filter(|event| event.kind == "finding.opened").count(), 2);
        world.resolve(&finding, Action::SendBack).await;
        assert_eq!((world.far.paid_back(), world.state(payment).await), (vec![1_000], "cancelled"));
        // The capture is told of once more: its money is gone, and nobody is asked again.
        world.sync(payment).await;
        assert!(world.findings().await.is_empty());
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_that_cannot_be_sent_back_asks_again() {
    on_each_engine("money_that_cannot_be_sent_back_asks_again", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let capture = taken("CAP", "10.00", "USD", "0.94");
        world.paid("refused", money("100.00", "USD"), ONE, capture).await;
        world.far.plan(&[Pays::Refused("REFUND_NOT_ALLOWED")]);
        let finding = world.finding(FindingKind::AmountDiffers).await;
        world.resolve(&finding, Action::SendBack).await;
        assert_eq!(world.standing().await.get("2900[paypal] USD").map(String::as_str), Some("-10.00"));
        world.verified().await;
        let finding = world.finding(FindingKind::AmountDiffers).await;
        assert_eq!(finding.state.as_str(), "open");
        world.resolve(&finding, Action::SendBack).await;
        assert_eq!(world.far.paid_back(), [1_000]);
        world.stands(&[("1110[paypal] USD", "-0.94"), ("5000[paypal] USD", "0.94")]).await;
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_free_once_its_wrong_money_went_back() {
    on_each_engine("an_order_is_free_once_its_wrong_money_went_back", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let wrong = taken("CAP-W", "10.00", "USD", "0.94");
        let first = world.paid("once-more", money("100.00", "USD"), ONE, wrong).await;
        world.far.plan(&[Pays::Later]);
        let finding = world.finding(FindingKind::AmountDiffers).await;
        world.resolve(&finding, Action::SendBack).await;
        // Until the gateway says that it is paid, nothing has ended.
        assert_eq!(world.state(first).await, "in_review");
        world.far.pay_out();
        assert_eq!(world.refunding.recover().await.unwrap(), 1);
        assert_eq!(world.state(first).await, "cancelled");
        let shown = world.pay.get(world.merchant.id, first).await.unwrap();
        assert_eq!(shown.failure.map(|failure| failure.code).as_deref(), Some("sent_back"));

        let second =
            world.paid("once-more", money("100.00", "USD"), ONE, taken("CAP", "100.00", "USD", "4.90"));
        assert_eq!(world.state(second.await).await, "captured");
        let before = world.transactions().await.len();
        // The old capture is told of again, by a notice and by a question; then the gateway corrects itself too late.
        for kind in [taken("CAP-W", "10.00", "USD", "0.94"), taken("CAP-W", "100.00", "USD", "4.90")] {
            world.far.say(first, ReportKind::Captured(kind));
            world.hear(first).await;
            world.sync(first).await;
        }
        assert_eq!(store.waiting_notices().await.unwrap(), 0);
        assert_eq!((world.transactions().await.len(), world.state(first).await), (before, "cancelled"));
        assert!(world.findings().await.is_empty());
        let (events, _) = store.events(world.merchant.id, Some(&first.to_string()), None, 20).await.unwrap();
        assert_eq!(events.iter().filter(|event| event.kind == "payment.cancelled").count(), 1);
        world.verified().await;
        store.close().await;
    })
    .await;
}

/// The gateway corrects itself while the money that stood aside is on its way back: what it adds stands aside too, and
/// can only follow.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_correction_divides_no_money_that_is_on_its_way_back() {
    on_each_engine("a_correction_divides_no_money_on_its_way_back", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let wrong = taken("CAP", "10.00", "USD", "0.94");
        let payment = world.paid("on-its-way", money("100.00", "USD"), ONE, wrong).await;
        world.far.plan(&[Pays::Later]);
        let finding = world.finding(FindingKind::AmountDiffers).await;
        world.resolve(&finding, Action::SendBack).await;
        world.far.say(payment, ReportKind::Captured(taken("CAP", "100.00", "USD", "0.94")));
        world.hear(payment).await;
        assert_eq!(world.state(payment).await, "captured");
        let standing = world.standing().await;
        assert_eq!(standing.get("2900[paypal] USD").map(String::as_str), Some("-90.00"));
        assert!(!standing.contains_key("2100[A] USD"), "{standing:?}");
        assert_eq!(world.refund(payment, "{}").await.unwrap_err().code(), "payment_undivided");
        world.verified().await;

        world.far.pay_out();
        world.refunding.recover().await.unwrap();
        assert_eq!(world.state(payment).await, "partially_refunded");
        let finding = world.finding(FindingKind::Indivisible).await;
        world.word(world.maker, &finding, Action::Adopt).await.unwrap();
        let divided = world.word(world.checker, &finding, Action::Adopt).await;
        assert!(matches!(divided, Err(ResolveError::Indivisible(_))), "{divided:?}");
        let finding = world.finding(FindingKind::Indivisible).await;
        world.resolve(&finding, Action::SendBack).await;
        let mut back = world.far.paid_back();
        back.sort_unstable();
        assert_eq!((back, world.state(payment).await), (vec![1_000, 9_000], "refunded"));
        world.stands(&[("1110[paypal] USD", "-0.94"), ("5000[paypal] USD", "0.94")]).await;
        world.verified().await;
        store.close().await;
    })
    .await;
}

/// The tariff rises between a capture and the day on which two users adopt it: the capture's own day counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_is_adopted_as_of_the_day_of_its_capture() {
    on_each_engine("money_is_adopted_as_of_the_day_of_its_capture", async |database| {
        let store = database.open().await;
        let rules = r#"[
            {"name":"tariff","kind":"gateway","percent":"2","when":{"currency":"USD"}},
            {"name":"tariff","kind":"gateway","percent":"2.5",
             "when":{"currency":"USD","from":"2026-11-19"}}]"#;
        let fees = FeeBook::of(serde_json::from_str(rules).unwrap());
        let world = World::on(&store, &database.clock, Setup { fees, ..Setup::default() }).await;
        let capture = Capture { fee: None, ..taken("CAP", "100.00", "USD", "0.00") };
        let at = capture.at;
        let payment = world.paid("less", money("200.00", "USD"), ONE, capture).await;
        let finding = world.finding(FindingKind::AmountDiffers).await;
        database.tick(TimeDelta::days(2));
        world.resolve(&finding, Action::Adopt).await;
        assert_eq!(world.payment(payment).await.state.taken().map(|taken| taken.at), Some(at));
        world
            .stands(&[
                ("1110[paypal] USD", "100.00"),
                ("2100[A] USD", "-88.00"),
                ("2310[paypal] USD", "-2.00"),
                ("4000 USD", "-10.00"),
                ("5000[paypal] USD", "2.00"),
                ("5005[paypal] USD", "-2.00"),
            ])
            .await;
        world.verified().await;
        store.close().await;
    })
    .await;
}

/// Where suppliers bear the contract's figure, what was charged beyond it is drift: of adopted money too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_fee_of_adopted_money_is_told_apart_from_its_drift() {
    on_each_engine("the_fee_of_adopted_money_is_told_apart", async |database| {
        let store = database.open().await;
        let setup = Setup { account: |account| account.recharge = Recharge::Schedule, ..Setup::default() };
        let world = World::on(&store, &database.clock, setup).await;
        // 4.90 by contract.
        let capture = taken("CAP", "100.00", "USD", "6.00");
        world.paid("less", money("200.00", "USD"), ONE, capture).await;
        let finding = world.finding(FindingKind::AmountDiffers).await;
        world.resolve(&finding, Action::Adopt).await;
        world
            .stands(&[
                ("1110[paypal] USD", "94.00"),
                ("2100[A] USD", "-85.10"),
                ("4000 USD", "-10.00"),
                ("5000[paypal] USD", "4.90"),
                ("5005[paypal] USD", "-4.90"),
                ("5010[paypal] USD", "1.10"),
            ])
            .await;
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_payment_of_an_order_can_be_a_sale_of_its_own() {
    on_each_engine("a_second_payment_of_an_order_can_be_a_sale_of_its_own", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let first = world.start("twice", money("100.00", "USD"), ONE).await;
        world.pay.cancel(world.merchant.id, first, Change::new()).await.unwrap();
        one(&world, "twice").await;
        world.far.say(first, ReportKind::Captured(taken("CAP-2", "100.00", "USD", "4.90")));
        world.hear(first).await;
        assert_eq!(world.standing().await.get("2010[paypal] USD").map(String::as_str), Some("-100.00"));
        let undivided = world.refund(first, "{}").await.unwrap_err();
        assert_eq!(undivided.code(), "payment_undivided");
        world.verified().await;
        let finding = world.finding(FindingKind::DoublePayment).await;
        world.resolve(&finding, Action::Adopt).await;
        let twice = DIVIDED.iter().map(|(account, balance)| {
            (
                account.to_string(),
                (balance.parse::<rust_decimal::Decimal>().unwrap() * rust_decimal::Decimal::TWO).to_string(),
            )
        });
        assert_eq!(world.standing().await, twice.collect());
        world.refund(first, FORTY).await.unwrap();
        assert_eq!(world.state(first).await, "partially_refunded");
        world.verified().await;
        store.close().await;
    })
    .await;
}

/// J06 told twice: the second payment was converted by the gateway too, and its share is of what was received.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_payment_that_the_gateway_converted_is_divided_by_what_it_received() {
    on_each_engine("a_second_payment_that_the_gateway_converted", async |database| {
        let store = database.open().await;
        let setup = || Setup { holds: &["EUR"], ..Setup::default() };
        let terms = r#"{"splits":[{"supplier":"A","share":{"percent":"90","of":"received"}}]}"#;
        let capture = |capture_ref: &str| {
            converted(taken(capture_ref, "100.00", "USD", "3.49"), money("86.86", "EUR"), "0.90")
        };
        let plain = World::on(&store, &database.clock, setup()).await;
        plain.paid("once", money("100.00", "USD"), terms, capture("CAP-P")).await;
        let once = plain.standing().await;
        let world = World::on(&store, &database.clock, setup()).await;
        let first = world.start("twice", money("100.00", "USD"), terms).await;
        world.pay.cancel(world.merchant.id, first, Change::new()).await.unwrap();
        world.paid("twice", money("100.00", "USD"), terms, capture("CAP-1")).await;
        world.far.say(first, ReportKind::Captured(capture("CAP-2")));
        world.hear(first).await;
        let finding = world.finding(FindingKind::DoublePayment).await;
        world.resolve(&finding, Action::Adopt).await;
        let twice = once.iter().map(|(account, balance)| {
            let balance: rust_decimal::Decimal = balance.parse().unwrap();
            (account.clone(), (balance * rust_decimal::Decimal::TWO).to_string())
        });
        assert_eq!(world.standing().await, twice.collect());
        world.verified().await;

        // And money that was not what was asked.
        let world = World::on(&store, &database.clock, setup()).await;
        let wrong = converted(taken("CAP-W", "50.00", "USD", "1.75"), money("43.42", "EUR"), "0.90");
        let payment = world.paid("half", money("100.00", "USD"), terms, wrong).await;
        world.resolve(&world.finding(FindingKind::AmountDiffers).await, Action::Adopt).await;
        assert_eq!(world.state(payment).await, "captured");
        assert_eq!(world.standing().await.get("2100[A] EUR").map(String::as_str), Some("-39.07"));
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_capture_of_one_payment_only_goes_back() {
    on_each_engine("a_second_capture_of_one_payment_only_goes_back", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let payment = one(&world, "again").await;
        world.far.say(payment, ReportKind::Captured(taken("CAP-2", "100.00", "USD", "4.90")));
        world.hear(payment).await;
        world.hear(payment).await;
        assert_eq!(store.waiting_notices().await.unwrap(), 0, "a capture that is booked is no news");
        assert_eq!(world.standing().await.get("2900[paypal] USD").map(String::as_str), Some("-100.00"));
        let finding = world.finding(FindingKind::DoublePayment).await;
        world.word(world.maker, &finding, Action::Adopt).await.unwrap();
        let divided = world.word(world.checker, &finding, Action::Adopt).await;
        assert!(matches!(divided, Err(ResolveError::Indivisible(_))), "{divided:?}");
        let finding = world.finding(FindingKind::DoublePayment).await;
        world.resolve(&finding, Action::SendBack).await;
        assert_eq!(world.far.paid_back(), [10_000]);
        // What was captured first stays captured: it was the other one that went back.
        assert_eq!(world.state(payment).await, "captured");
        world.verified().await;
        let whole = world.refund(payment, "{}").await.unwrap();
        assert_eq!((whole.amount, world.state(payment).await), (money("100.00", "USD"), "refunded"));
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_agreement_cannot_divide_stands_aside() {
    on_each_engine("what_the_agreement_cannot_divide_stands_aside", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let terms = r#"{"splits":[{"supplier":"A","share":{"fixed":"95.00"}}],"fee_bearer":"suppliers"}"#;
        // 4.90 by contract, for which there would be room.
        let capture = taken("CAP", "100.00", "USD", "6.00");
        let payment = world.paid("tight", money("100.00", "USD"), terms, capture).await;
        assert_eq!(world.state(payment).await, "captured");
        let aside =
            [("1110[paypal] USD", "94.00"), ("2900[paypal] USD", "-100.00"), ("5000[paypal] USD", "6.00")];
        world.stands(&aside).await;
        assert_eq!(world.refund(payment, "{}").await.unwrap_err().code(), "payment_undivided");
        let finding = world.finding(FindingKind::Indivisible).await;
        world.word(world.maker, &finding, Action::Adopt).await.unwrap();
        let divided = world.word(world.checker, &finding, Action::Adopt).await;
        assert!(matches!(divided, Err(ResolveError::Indivisible(_))), "{divided:?}");
        world.stands(&aside).await;
        world.verified().await;
        let finding = world.finding(FindingKind::Indivisible).await;
        world.resolve(&finding, Action::SendBack).await;
        assert_eq!(world.state(payment).await, "refunded");
        world.stands(&[("1110[paypal] USD", "-6.00"), ("5000[paypal] USD", "6.00")]).await;
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_capture_is_divided_and_flagged() {
    on_each_engine("a_late_capture_is_divided_and_flagged", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let payment = world.start("late", money("100.00", "USD"), ONE).await;
        world.pay.cancel(world.merchant.id, payment, Change::new()).await.unwrap();
        world.far.say(payment, ReportKind::Captured(taken("CAP", "100.00", "USD", "4.90")));
        world.hear(payment).await;
        assert_eq!(world.state(payment).await, "captured");
        let (events, _) =
            store.events(world.merchant.id, Some(&payment.to_string()), None, 20).await.unwrap();
        let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
        assert!(kinds.contains(&"payment.late") && kinds.contains(&"settlement.created"), "{kinds:?}");
        world.stands(DIVIDED).await;
        assert!(world.findings().await.is_empty());
        world.verified().await;
        store.close().await;
    })
    .await;
}
