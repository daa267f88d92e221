//! An account that holds euros only (J06): what PayPal changes to pay a refund in dollars is booked once, whoever tells it.

use straits::domain::findings::FindingKind;
use straits::domain::orders::Exchanged;
use straits::domain::reconciliation::{BillKind, BillLine, LineHash};
use straits::ids::PaymentId;

use super::FORTY;
use super::bills::{day, line, run, told};
use super::world::{Setup, World, converted, money, taken};
use crate::engines::on_each_engine;

/// 90 % of what was received.
const RECEIVED: &str = r#"{"splits":[{"supplier":"A","share":{"percent":"90","of":"received"}}]}"#;

/// Forty dollars cost 36 euros.
fn forty() -> Option<Exchanged> {
    Exchanged::try_new(money("36.00", "EUR"), money("40.00", "USD"))
}

async fn paid(world: &World, order: &str) -> PaymentId {
    let capture = taken(&format!("CAP-{order}"), "100.00", "USD", "3.49");
    let capture = converted(capture, money("86.86", "EUR"), "0.90");
    let payment = world.paid(order, money("100.00", "USD"), RECEIVED, capture).await;
    world.far.bill(line(order, |facts| facts.fee = money("3.49", "USD")));
    sides(world, &format!("CAP-{order}"), ["-96.51", "86.86"]);
    payment
}

/// A movement, and both sides of what was changed for it.
fn sides(world: &World, movement: &str, [usd, euro]: [&str; 2]) {
    for (nth, (amount, code)) in [(usd, "USD"), (euro, "EUR")].into_iter().enumerate() {
        world.far.bill(plain(&format!("T-{movement}-{nth}"), movement, BillKind::Conversion, (amount, code)));
    }
}

fn plain(name: &str, related: &str, kind: BillKind, (amount, code): (&str, &str)) -> BillLine {
    let mut facts = line(name, |_| {}).into_facts();
    (facts.gateway_ref, facts.related_ref, facts.kind) = (name.to_owned(), Some(related.to_owned()), kind);
    facts.gross = money(amount, code);
    (facts.fee, facts.tax) = (money("0.00", code), money("0.00", code));
    let last = name.as_bytes().iter().rev();
    facts.hash = LineHash(std::array::from_fn(|at| last.clone().nth(at).copied().unwrap_or(7)));
    BillLine::try_new(facts).unwrap()
}

/// The refund of forty, as the bill of the day names it.
async fn billed(world: &World, payment: PaymentId, capture: &str) {
    let refund = world.store.refunds_of(payment).await.unwrap().remove(0).value;
    let name = refund.refund_ref.unwrap();
    world.far.bill(plain(&name, capture, BillKind::Refund, ("-40.00", "USD")));
    sides(world, &name, ["40.00", "-36.00"]);
}

async fn at_paypal(world: &World) -> Vec<(String, String)> {
    let standing = world.standing().await;
    standing.into_iter().filter(|(account, _)| account.starts_with("1110")).collect()
}

fn euros(amount: &str) -> Vec<(String, String)> {
    vec![("1110[paypal] EUR".to_owned(), amount.to_owned())]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_changed_for_a_refund_is_booked_once_by_its_answer_or_by_the_bill() {
    on_each_engine("what_is_changed_for_a_refund_is_booked_once", async |database| {
        let store = database.open().await;
        let mut ends = vec![];
        for answered in [true, false] {
            let world =
                World::on(&store, &database.clock, Setup { holds: &["EUR"], ..Setup::default() }).await;
            let payment = paid(&world, "one").await;
            assert_eq!(at_paypal(&world).await, euros("86.86"));
            world.far.exchanges(forty().filter(|_| answered));
            world.refund(payment, FORTY).await.unwrap();
            if answered {
                assert_eq!(at_paypal(&world).await, euros("50.86"));
            }
            billed(&world, payment, "CAP-one").await;
            let (ran, items) = run(&world, day()).await;
            let expected: &[(&str, &str)] = if answered { &[] } else { &[("conversion", "flagged")] };
            assert_eq!((told(&items).as_slice(), ran.open), (expected, 0));
            assert_eq!(at_paypal(&world).await, euros("50.86"));
            // The same bill again, and the same answer again, say nothing new.
            let (again, items) = run(&world, day()).await;
            assert_eq!((told(&items), again.matched), (vec![], ran.lines));
            world.far.exchanges(forty());
            world.sync(payment).await;
            assert!(world.findings().await.is_empty());
            world.verified().await;
            ends.push(world.standing().await);
        }
        assert_eq!(ends[0], ends[1]);
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_made_elsewhere_takes_what_was_changed_for_it() {
    on_each_engine("a_refund_made_elsewhere_takes_what_was_changed_for_it", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup { holds: &["EUR"], ..Setup::default() }).await;
        paid(&world, "one").await;
        world.far.bill(plain("R-HAND", "CAP-one", BillKind::Refund, ("-40.00", "USD")));
        sides(&world, "R-HAND", ["40.00", "-36.00"]);
        let (_, items) = run(&world, day()).await;
        let mut items = told(&items);
        items.sort_unstable();
        assert_eq!(items, [("conversion", "flagged"), ("refund_only_there", "waits")]);
        assert_eq!(at_paypal(&world).await, euros("50.86"));
        let open: Vec<FindingKind> = world.findings().await.iter().map(|finding| finding.kind).collect();
        assert_eq!(open, [FindingKind::RefundElsewhere]);
        world.verified().await;
        store.close().await;
    })
    .await;
}
