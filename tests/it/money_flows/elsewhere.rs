//! Refunds made at the gateway's own pages: adopted by two users, out of the settlement or of what stands aside.

use straits::domain::access::NotSecond;
use straits::domain::findings::{Action, FindingError, FindingKind};
use straits::domain::orders::ReportKind;
use straits::domain::refunds::Allocation;
use straits::flows::findings::ResolveError;
use straits::store::Change;

use super::world::{Setup, World, money, taken};
use super::{ONE, one, two};
use crate::engines::on_each_engine;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_made_elsewhere_is_adopted_by_two_users() {
    on_each_engine("a_refund_made_elsewhere_is_adopted_by_two_users", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let payment = one(&world, "elsewhere").await;
        world.far.refund_elsewhere(payment, "R-THERE", money("40.00", "USD"));
        world.sync(payment).await;
        world.sync(payment).await;
        assert_eq!(world.standing().await.get("2900[paypal] USD").map(String::as_str), Some("40.00"));
        assert_eq!(world.findings().await.len(), 1);
        world.verified().await;

        let finding = world.finding(FindingKind::RefundElsewhere).await;
        // It may be the very refund somebody asks for: nothing goes back beside it before it is decided.
        let forty = r#"{"amount":{"amount":"40.00","currency":"USD"}}"#;
        let refused = world.refund(payment, forty).await.unwrap_err();
        assert_eq!(refused.code(), "refund_elsewhere");
        assert!(refused.to_string().contains(&finding.id.to_string()), "{refused}");
        assert_eq!(world.far.calls(), 0);
        for action in [Action::SendBack, Action::Dismiss] {
            let refused = world.word(world.maker, &finding, action).await;
            assert!(matches!(refused, Err(ResolveError::Refused(FindingError::NotApplicable { .. }))));
        }
        world.word(world.maker, &finding, Action::Adopt).await.unwrap();
        let alone = world.word(world.maker, &finding, Action::Adopt).await;
        assert!(
            matches!(alone, Err(ResolveError::Refused(FindingError::NotSecond(NotSecond::FourEyes(_))))),
            "{alone:?}"
        );
        let other = World::on(&store, &database.clock, Setup::default()).await;
        let stranger = other.word(other.checker, &finding, Action::Adopt).await;
        assert!(matches!(stranger, Err(ResolveError::Unknown)));
        world.word(world.checker, &finding, Action::Adopt).await.unwrap();
        let again = world.word(world.checker, &finding, Action::Adopt).await;
        assert!(matches!(again, Err(ResolveError::Refused(FindingError::AlreadyResolved(_)))));

        assert_eq!(world.state(payment).await, "partially_refunded");
        assert_eq!(world.far.calls(), 0, "adopted money is not sent again");
        let timeline = store.timeline(payment).await.unwrap();
        assert_eq!(timeline.last().map(|entry| entry.kind.as_str()), Some("refunded"));
        let (events, _) = store.events(world.merchant.id, None, None, 50).await.unwrap();
        for kind in ["finding.opened", "finding.repaired", "refund.succeeded"] {
            assert_eq!(events.iter().filter(|event| event.kind == kind).count(), 1, "{kind}");
        }
        assert!(!world.standing().await.contains_key("2900[paypal] USD"));
        world.sync(payment).await;
        assert!(world.findings().await.is_empty());
        // It counts: only the rest can go back.
        let more = r#"{"amount":{"amount":"60.01","currency":"USD"}}"#;
        assert_eq!(world.refund(payment, more).await.unwrap_err().code(), "refund_exceeds_captured");
        assert_eq!(world.refund(payment, "{}").await.unwrap().amount, money("60.00", "USD"));
        assert_eq!(world.state(payment).await, "refunded");
        world.verified().await;
        store.close().await;
    })
    .await;
}

/// A shop sees the wrong amount at the gateway's own pages and gives it back there, at once or in parts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_amount_that_went_back_elsewhere_is_met_by_it() {
    on_each_engine("a_wrong_amount_that_went_back_elsewhere_is_met_by_it", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let fee = [("1110[paypal] USD", "-0.94"), ("5000[paypal] USD", "0.94")];

        let whole =
            world.paid("whole", money("100.00", "USD"), ONE, taken("CAP-W", "10.00", "USD", "0.94")).await;
        let wrong = world.finding(FindingKind::AmountDiffers).await;
        world.far.refund_elsewhere(whole, "R-W", money("10.00", "USD"));
        world.sync(whole).await;
        // It may be what is about to be sent: that waits for the decision.
        world.word(world.maker, &wrong, Action::SendBack).await.unwrap();
        let twice = world.word(world.checker, &wrong, Action::SendBack).await.unwrap_err();
        assert!(twice.to_string().contains("R-W"), "{twice}");
        let there = world.finding(FindingKind::RefundElsewhere).await;
        world.resolve(&there, Action::Adopt).await;
        world.stands(&fee).await;
        assert_eq!(world.state(whole).await, "cancelled");
        world.word(world.maker, &wrong, Action::Dismiss).await.unwrap();
        world.sync(whole).await;
        assert!(world.findings().await.is_empty());
        world.verified().await;

        let parts =
            world.paid("parts", money("100.00", "USD"), ONE, taken("CAP-P", "10.00", "USD", "0.94")).await;
        world.far.refund_elsewhere(parts, "R-P", money("4.00", "USD"));
        world.sync(parts).await;
        let there = world.finding(FindingKind::RefundElsewhere).await;
        world.resolve(&there, Action::Adopt).await;
        assert_eq!(world.standing().await.get("2900[paypal] USD").map(String::as_str), Some("-6.00"));
        assert_eq!(world.state(parts).await, "in_review");
        let wrong = world.finding(FindingKind::AmountDiffers).await;
        world.word(world.maker, &wrong, Action::Adopt).await.unwrap();
        let sale = world.word(world.checker, &wrong, Action::Adopt).await;
        assert!(matches!(sale, Err(ResolveError::Indivisible(_))), "{sale:?}");
        let explained = world.word(world.maker, &wrong, Action::Dismiss).await;
        assert!(matches!(explained, Err(ResolveError::MoneyHeld(held)) if held == money("6.00", "USD")));
        assert_eq!(world.far.paid_back(), [0_i64; 0], "nothing was sent so far");
        world.resolve(&wrong, Action::SendBack).await;
        assert_eq!((world.far.paid_back(), world.state(parts).await), (vec![600], "cancelled"));
        world.stands(&[("1110[paypal] USD", "-1.88"), ("5000[paypal] USD", "1.88")]).await;
        world.verified().await;
        store.close().await;
    })
    .await;
}

/// Of two payments of an order the shop gives one back at the gateway: no supplier loses its share.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_payment_that_went_back_elsewhere_costs_no_supplier() {
    on_each_engine("a_second_payment_that_went_back_elsewhere", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let first = world.start("twice", money("100.00", "USD"), ONE).await;
        world.pay.cancel(world.merchant.id, first, Change::new()).await.unwrap();
        one(&world, "twice").await;
        world.far.say(first, ReportKind::Captured(taken("CAP-2", "100.00", "USD", "4.90")));
        world.hear(first).await;
        assert_eq!(world.standing().await.get("2010[paypal] USD").map(String::as_str), Some("-100.00"));
        world.far.refund_elsewhere(first, "R-2", money("100.00", "USD"));
        world.sync(first).await;
        let there = world.finding(FindingKind::RefundElsewhere).await;
        world.resolve(&there, Action::Adopt).await;
        world
            .stands(&[
                ("1110[paypal] USD", "90.20"),
                ("2100[A] USD", "-85.10"),
                ("4000 USD", "-10.00"),
                ("5000[paypal] USD", "9.80"),
                ("5005[paypal] USD", "-4.90"),
            ])
            .await;
        let double = world.finding(FindingKind::DoublePayment).await;
        world.word(world.maker, &double, Action::Dismiss).await.unwrap();
        world.sync(first).await;
        assert!(world.findings().await.is_empty());
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_paid_back_elsewhere_is_divided_as_two_users_say() {
    on_each_engine("a_part_paid_back_elsewhere_is_divided_as_two_users_say", async |database| {
        let store = database.open().await;
        let setup = Setup { suppliers: ["SGD", "SGD"], ..Setup::default() };
        let world = World::on(&store, &database.clock, setup).await;
        let payment = two(&world, "parts").await;
        world.far.refund_elsewhere(payment, "R-THERE", money("40.00", "SGD"));
        world.sync(payment).await;
        let before = world.standing().await;
        let finding = world.finding(FindingKind::RefundElsewhere).await;
        let [a, b] = world.suppliers;
        let parts = |from_a: &str, from_b: &str| -> Vec<Allocation> {
            [(a, from_a), (b, from_b)]
                .into_iter()
                .filter(|(_, amount)| *amount != "0")
                .map(|(supplier, amount)| Allocation { supplier, amount: money(amount, "SGD") })
                .collect()
        };
        let word = async |user, parts: &[Allocation]| {
            world.word_in_parts(user, &finding, Action::Adopt, parts).await
        };
        // One that does not fit is refused to its maker: too little, too much of a part, a stranger's.
        let strange = vec![Allocation { supplier: world.ids.mint(), amount: money("40.00", "SGD") }];
        for wrong in [parts("10.00", "20.00"), parts("0", "140.00"), strange] {
            let refused = word(world.maker, &wrong).await;
            assert!(matches!(refused, Err(ResolveError::Refund(_))), "{refused:?}");
        }
        assert_eq!(world.finding(FindingKind::RefundElsewhere).await.state.as_str(), "open");
        word(world.maker, &parts("30.00", "10.00")).await.unwrap();
        let alone = word(world.maker, &parts("30.00", "10.00")).await;
        assert!(matches!(alone, Err(ResolveError::Refused(FindingError::NotSecond(NotSecond::FourEyes(_))))));
        // The checker means something else: that is a proposal, and the maker's no longer stands.
        assert_eq!(word(world.checker, &parts("0", "40.00")).await.unwrap().state.as_str(), "proposed");
        assert_eq!(world.standing().await, before, "nothing has moved");
        let done = word(world.maker, &parts("0", "40.00")).await.unwrap();
        assert_eq!(done.state.as_str(), "resolved");
        let shown = straits::flows::findings::Resolving::view(&done);
        assert_eq!(shown["decision"]["allocation"][0]["amount"]["amount"], "40.00");
        let after = world.standing().await;
        assert_eq!(after.get("2100[A] SGD"), before.get("2100[A] SGD"), "A is not touched");
        // B's share of 40 of its 100, the commission and its tax: 86.92 − 34.77.
        assert_eq!(after.get("2100[B] SGD").map(String::as_str), Some("-52.15"));
        assert!(!after.contains_key("2900[paypal] SGD"));
        assert_eq!(world.state(payment).await, "partially_refunded");
        world.verified().await;
        store.close().await;
    })
    .await;
}

/// Of two amounts that stand aside the one is met that went back whole, whichever came first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_went_back_whole_is_met_before_what_is_larger() {
    on_each_engine("what_went_back_whole_is_met_before_what_is_larger", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let wrong = taken("CAP-A", "60.00", "USD", "0.94");
        let payment = world.paid("two-wrong", money("100.00", "USD"), ONE, wrong).await;
        world.far.say(payment, ReportKind::Captured(taken("CAP-B", "10.00", "USD", "0.94")));
        world.hear(payment).await;
        assert_eq!(world.standing().await.get("2900[paypal] USD").map(String::as_str), Some("-70.00"));
        world.far.refund_elsewhere(payment, "R-B", money("10.00", "USD"));
        world.sync(payment).await;
        world.resolve(&world.finding(FindingKind::RefundElsewhere).await, Action::Adopt).await;
        assert_eq!(world.standing().await.get("2900[paypal] USD").map(String::as_str), Some("-60.00"));
        world.verified().await;
        // The other one is whole: it may still be the sale.
        let refunds = store.refunds_of(payment).await.unwrap();
        assert_eq!(
            refunds.iter().map(|refund| refund.value.capture_ref.as_str()).collect::<Vec<_>>(),
            ["CAP-B"]
        );
        store.close().await;
    })
    .await;
}
