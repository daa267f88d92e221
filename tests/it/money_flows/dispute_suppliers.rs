//! Disputes about a payment of several suppliers: each bears its own share, and the shares are the whole; also while a
//! refund of it waits for funds.

use chrono::TimeDelta;
use straits::domain::disputes::{DisputeReport, DisputeState, MovementKind};
use straits::domain::findings::FindingKind;
use straits::domain::ledger::{Direction, JournalEvent, PostedTransaction};
use straits::ids::PaymentId;

use super::far::Pays;
use super::two;
use super::world::{Setup, World, complaint, decided, money, moved};
use crate::engines::on_each_engine;

fn sgd(amount: &str) -> straits::money::Money {
    money(amount, "SGD")
}

async fn sold(world: &World, order: &str) -> (PaymentId, DisputeReport) {
    let payment = two(world, order).await;
    (payment, complaint(payment, &format!("CAP-{order}"), sgd("250.00"), world.clock.now()))
}

/// Debits less credits of a transaction: at A, at B, at the gateway, and of the platform with its tax.
fn parties(world: &World, transaction: &PostedTransaction) -> [i64; 4] {
    let mut sums = [0; 4];
    for entry in &transaction.entries {
        let account = world.lettered(&entry.account.to_string());
        let place = match account.get(4..6) {
            Some("[A") => 0,
            Some("[B") => 1,
            Some("[p") => 2,
            _ => 3,
        };
        let amount = entry.amount.minor();
        sums[place] += if entry.direction == Direction::Debit { amount } else { -amount };
    }
    sums
}

/// The transactions of an event, each by its parties.
async fn of(world: &World, event: JournalEvent) -> Vec<[i64; 4]> {
    let all = world.transactions().await;
    all.iter().filter(|transaction| transaction.event == event).map(|of| parties(world, of)).collect()
}

/// What each supplier holds less what it owes, minor units.
async fn holds(world: &World) -> [i64; 2] {
    let rows = world.balances().await;
    ["[A", "[B"].map(|letter| {
        let own =
            rows.iter().filter(|row| world.lettered(&row.account.to_string()).get(4..6) == Some(letter));
        -own.map(|row| row.debit_minus_credit.minor()).sum::<i64>()
    })
}

/// A 130.38, B 86.92, commission 30.00 and tax 2.70.
const SHARES: [i64; 4] = [13_038, 8_692, -25_000, 3_270];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_supplier_bears_its_own_share_and_the_shares_are_the_whole() {
    on_each_engine("every_supplier_bears_its_own_share", async |database| {
        let store = database.open().await;
        for (held, released) in [(false, false), (true, false), (false, true), (true, true)] {
            let story = format!("held {held}, released {released}");
            let world =
                World::on(&store, &database.clock, Setup { suppliers: ["SGD", "SGD"], ..Setup::default() })
                    .await;
            let (payment, told) = sold(&world, "whole").await;
            if released {
                database.tick(TimeDelta::days(3));
                world.releasing.release_due().await.unwrap();
            }
            let free = (world.standing().await, holds(&world).await);
            assert_eq!(free.1, [13_038, 8_692], "{story}");
            let open = DisputeReport { held, ..told };
            world.hear_dispute(open.clone()).await;
            assert_eq!(holds(&world).await, free.1, "{story}: held is not taken");
            let lost = decided(&moved(&open, MovementKind::Taken, sgd("250.00")), DisputeState::Lost);
            world.hear_dispute(lost.clone()).await;
            assert_eq!(of(&world, JournalEvent::ChargedBack).await, [SHARES], "{story}");
            assert_eq!(holds(&world).await, [0, 0], "{story}: nobody has more or less than nothing of it");
            let charged: i64 =
                world.dispute(payment).await.charged().map(|refund| refund.amount.minor()).sum();
            assert_eq!(charged, 25_000, "{story}");
            world.verified().await;
            // Back comes the whole, to each what was its own.
            let mut won = decided(&moved(&lost, MovementKind::Returned, sgd("250.00")), DisputeState::Won);
            won.updated_at += TimeDelta::days(1);
            world.hear_dispute(won).await;
            assert_eq!(
                of(&world, JournalEvent::ChargebackReversed).await,
                [SHARES.map(|share: i64| -share)],
                "{story}"
            );
            assert_eq!((world.standing().await, holds(&world).await), free, "{story}");
            world.verified().await;
        }
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_that_waits_for_funds_is_not_sent_once_a_dispute_took_the_whole() {
    on_each_engine("a_refund_that_waits_for_funds_is_not_sent", async |database| {
        let store = database.open().await;
        let world =
            World::on(&store, &database.clock, Setup { suppliers: ["SGD", "SGD"], ..Setup::default() }).await;
        let (payment, told) = sold(&world, "waits").await;
        world.far.plan(&[Pays::Short]);
        let body = r#"{"allocation":[{"supplier":"A","amount":{"amount":"60.00","currency":"SGD"}},
            {"supplier":"B","amount":{"amount":"40.00","currency":"SGD"}}]}"#;
        let refund = world.refund(payment, body).await.unwrap();
        assert_eq!(refund.state.as_str(), "awaiting_funds");
        let decided_back = parties(&world, world.transactions().await.last().unwrap());
        world.hear_dispute(moved(&told, MovementKind::Taken, sgd("250.00"))).await;
        // 150.00 is the parties', and together with the refund each bore its whole share; 100.00 stands aside.
        let [charged] = of(&world, JournalEvent::ChargedBack).await[..] else { panic!("once") };
        assert_eq!(charged[2], -15_000);
        let both = |place: usize| charged[place] + decided_back[place];
        assert_eq!([both(0), both(1)], [13_038, 8_692], "{charged:?} {decided_back:?}");
        assert_eq!(holds(&world).await, [0, 0]);
        assert_eq!(world.standing().await["2900[paypal] SGD"], "100.00");
        world.verified().await;

        // The next day's takings would pay it: the shopper has it already.
        database.tick(TimeDelta::hours(20));
        world.refunding.recover().await.unwrap();
        assert_eq!((world.far.calls(), world.far.paid_back()), (1, vec![]));
        let after = store.refund(world.merchant.id, refund.id).await.unwrap().unwrap().value;
        assert_eq!(after.state.as_str(), "failed");
        let standing = world.standing().await;
        assert_eq!(
            standing.get("2020[paypal] SGD"),
            None,
            "nothing is owed to the shopper any more: {standing:#?}"
        );
        assert_eq!(standing["1110[paypal] SGD"], "-9.75", "the fee, and nothing else");
        assert_eq!(world.finding(FindingKind::Reversed).await.amount, Some(sgd("100.00")));
        world.verified().await;
        world.refunding.recover().await.unwrap();
        assert_eq!(world.far.calls(), 1);

        // Of a part that was taken there is room for the rest.
        let (payment, told) = sold(&world, "room").await;
        world.far.plan(&[Pays::Short]);
        let refund = world.refund(payment, body).await.unwrap();
        world
            .hear_dispute(moved(
                &DisputeReport { amount: sgd("50.00"), ..told },
                MovementKind::Taken,
                sgd("50.00"),
            ))
            .await;
        database.tick(TimeDelta::hours(20));
        world.refunding.recover().await.unwrap();
        let after = store.refund(world.merchant.id, refund.id).await.unwrap().unwrap().value;
        assert_eq!((after.state.as_str(), world.far.paid_back()), ("succeeded", vec![10_000]));
        world.verified().await;
        store.close().await;
    })
    .await;
}
