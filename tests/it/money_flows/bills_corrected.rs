//! What a bill stated otherwise and states as the books have it later: its finding needs nobody any more.

use straits::domain::findings::{Action, FindingKind, FindingState};
use straits::domain::reconciliation::{BillLine, LineFacts, LineHash, LineStatus};
use straits::store::reconciliations::RunItem;

use super::bills::{day, line, run, told};
use super::one;
use super::world::{Setup, World, money};
use crate::engines::on_each_engine;

/// The day's bill has this line alone.
async fn billed(world: &World, line: BillLine) -> Vec<RunItem> {
    world.far.bill_anew();
    world.far.bill(line);
    run(world, day()).await.1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_difference_is_closed_by_the_bill_that_agrees_and_opened_by_another_one() {
    on_each_engine("a_difference_is_closed_by_the_bill_that_agrees", async |database| {
        let store = database.open().await;
        type Slip = fn(&mut LineFacts);
        let slips: [(FindingKind, &str, Slip); 4] = [
            (FindingKind::BillAmount, "amount", |facts| facts.gross = money("99.99", "USD")),
            (FindingKind::BillFee, "fee", |facts| facts.fee = money("5.00", "USD")),
            (FindingKind::BillCurrency, "currency", |facts| {
                (facts.gross, facts.fee, facts.tax) =
                    (money("100.00", "SGD"), money("4.90", "SGD"), money("0.00", "SGD"));
            }),
            (FindingKind::BillStatus, "status", |facts| facts.status = LineStatus::Pending),
        ];
        let world = World::on(&store, &database.clock, Setup::default()).await;
        for (kind, word, slip) in slips {
            let order = format!("paid-{word}");
            one(&world, &order).await;
            let before = world.standing().await;
            assert_eq!(told(&billed(&world, line(&order, slip)).await), [(word, "waits")]);
            let finding = world.finding(kind).await;
            // The other payments' lines say nothing of it.
            billed(&world, line("other", |facts| facts.status = LineStatus::Pending)).await;
            assert_eq!(world.finding(kind).await.id, finding.id);
            assert_eq!(told(&billed(&world, line(&order, |_| {})).await), []);
            assert_eq!(world.findings().await, [], "{word}");
            // The same difference once more, after the bill had agreed.
            assert_eq!(told(&billed(&world, line(&order, slip)).await), [(word, "waits")]);
            assert_eq!(world.finding(kind).await.id, finding.id);
            billed(&world, line(&order, |_| {})).await;
            assert_eq!((world.findings().await, world.standing().await), (vec![], before), "{word}");
        }
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_person_dismissed_is_asked_again_with_other_figures_only() {
    on_each_engine("what_a_person_dismissed_is_asked_again", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        one(&world, "paid").await;
        let charged = |fee: &str, hash: u8| {
            line("paid", |facts| (facts.fee, facts.hash) = (money(fee, "USD"), LineHash([hash; 32])))
        };
        billed(&world, charged("5.00", 1)).await;
        let finding = world.finding(FindingKind::BillFee).await;
        world.word(world.maker, &finding, Action::Dismiss).await.unwrap();
        for hash in [1, 2] {
            assert_eq!(told(&billed(&world, charged("5.00", hash)).await), [("fee", "waits")]);
            assert_eq!(world.findings().await, [], "written anew, it says the same");
        }
        billed(&world, charged("6.00", 3)).await;
        let again = world.finding(FindingKind::BillFee).await;
        assert_eq!((again.id, &again.state), (finding.id, &FindingState::Open));
        assert!(again.detail.contains("6.00") && !finding.detail.contains("6.00"), "{}", again.detail);
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_difference_has_the_figures_of_the_last_bill() {
    on_each_engine("an_open_difference_has_the_figures_of_the_last_bill", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        one(&world, "paid").await;
        let charged = |fee: &str, hash: u8| {
            line("paid", |facts| (facts.fee, facts.hash) = (money(fee, "USD"), LineHash([hash; 32])))
        };
        billed(&world, charged("5.00", 1)).await;
        let finding = world.finding(FindingKind::BillFee).await;
        assert_eq!(told(&billed(&world, charged("60.00", 2)).await), [("fee", "waits")]);
        let other = world.finding(FindingKind::BillFee).await;
        assert_eq!((other.id, &other.state), (finding.id, &FindingState::Open));
        assert!(other.detail.contains("60.00") && !finding.detail.contains("60.00"), "{}", other.detail);
        store.close().await;
    })
    .await;
}
