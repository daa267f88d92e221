//! Refunds before, during and after a dispute, whole and in part, however it ends: what is gone is at most what was
//! captured, the gateway's balance is what the gateway says, and nothing rests in 2020 or 2900 without its open item.

use straits::domain::disputes::{DisputeReport, DisputeState, MovementKind};
use straits::domain::findings::FindingKind;

use super::one;
use super::world::{Setup, World, complaint, decided, money, moved};
use crate::engines::on_each_engine;

#[derive(Debug, Clone, Copy, PartialEq)]
enum When {
    Before,
    During,
    After,
}

/// What the gateway does in the end.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    /// It held, and lets go.
    Won,
    /// It held, and took all of it.
    Lost,
    /// It took all of it, and gave it back.
    TakenAndWon,
}

fn usd(minor: i64) -> straits::money::Money {
    straits::money::Money::from_minor(minor, "USD".parse().unwrap())
}

fn minor(standing: &std::collections::BTreeMap<String, String>, place: &str) -> i64 {
    standing.get(place).map_or(0, |amount| money(amount, "USD").minor())
}

async fn refunded(world: &World, payment: straits::ids::PaymentId, asked: i64) -> i64 {
    let body = format!(r#"{{"amount":{{"amount":"{}","currency":"USD"}}}}"#, usd(asked).amount());
    match world.refund(payment, &body).await {
        Ok(refund) => refund.amount.minor(),
        Err(error) => {
            assert_eq!(error.code(), "refund_exceeds_captured", "{error}");
            0
        }
    }
}

async fn played(world: &World, order: &str, when: When, asked: i64, end: End) {
    let story = format!("{when:?} {asked} {end:?}");
    let before = world.standing().await;
    let payment = one(world, order).await;
    let whole = usd(10_000);
    let mut gone = 0;
    if when == When::Before {
        gone += refunded(world, payment, asked).await;
    }
    let told = complaint(payment, &format!("CAP-{order}"), whole, world.clock.now());
    let open = match end {
        End::Won | End::Lost => DisputeReport { held: true, ..told },
        End::TakenAndWon => moved(&told, MovementKind::Taken, whole),
    };
    world.hear_dispute(open.clone()).await;
    if when == When::During {
        let back = refunded(world, payment, asked).await;
        assert_eq!(
            back == 0,
            end == End::TakenAndWon,
            "{story}: what was taken cannot be given back as well"
        );
        gone += back;
    }
    world.verified().await;
    let closed = match end {
        End::Won => decided(&open, DisputeState::Won),
        End::Lost => decided(&moved(&open, MovementKind::Taken, whole), DisputeState::Lost),
        End::TakenAndWon => decided(&moved(&open, MovementKind::Returned, whole), DisputeState::Won),
    };
    world.hear_dispute(closed.clone()).await;
    world.hear_dispute(closed).await;
    let taken = if end == End::Lost { 10_000 } else { 0 };
    if when == When::After {
        let back = refunded(world, payment, asked).await;
        assert_eq!(back == 0, end == End::Lost, "{story}");
        gone += back;
    }

    let standing = world.standing().await;
    let grown = |place: &str| minor(&standing, place) - minor(&before, place);
    let charged: i64 = world.dispute(payment).await.charged().map(|refund| refund.amount.minor()).sum();
    assert!(gone + charged <= 10_000, "{story}: {gone} and {charged}");
    assert_eq!(grown("1110[paypal] USD"), 10_000 - 490 - gone - taken, "{story}: the gateway's balance");
    for empty in ["1120[paypal,dispute] USD", "2130[A,dispute] USD", "2020[paypal] USD"] {
        assert_eq!(grown(empty), 0, "{story}: {empty} {standing:#?}");
    }
    // What was taken beyond what was left stands aside, and a finding says so.
    let aside = taken - charged;
    assert_eq!(grown("2900[paypal] USD"), aside, "{story}");
    let findings = world.findings().await;
    let about = findings.iter().filter(|finding| finding.payment == Some(payment.to_string()));
    let sum: i64 = about
        .filter(|finding| finding.kind == FindingKind::Reversed)
        .map(|finding| finding.amount.unwrap().minor())
        .sum();
    assert_eq!(sum, if end == End::TakenAndWon && when == When::Before { gone } else { aside }, "{story}");
    // Nobody holds more or less than before the sale but for what remains of it.
    let left = 10_000 - gone - charged;
    let supplier = grown("2100[A] USD") + grown("2110[A] USD") + grown("1200[A] USD");
    let commission = grown("4000 USD");
    assert_eq!(supplier + commission, 490 - left, "{story}: {standing:#?}");
    assert!(-commission <= 1_000 && commission <= 0, "{story}");
    let both = grown("2100[A] USD") < 0 && grown("1200[A] USD") > 0;
    assert!(!both, "{story}: what went back to the shopper can be paid out to the supplier: {standing:#?}");
    assert!(
        grown("2100[A] USD") <= 0
            && minor(&standing, "2100[A] USD") <= 0
            && minor(&standing, "1200[A] USD") >= 0,
        "{story}: {standing:#?}"
    );
    world.verified().await;
}

async fn all_ends(name: &str, when: When) {
    on_each_engine(name, async |database| {
        let store = database.open().await;
        for asked in [4_000, 10_000] {
            for end in [End::Won, End::Lost, End::TakenAndWon] {
                let world = World::on(&store, &database.clock, Setup::default()).await;
                played(&world, &format!("{when:?}-{asked}-{end:?}"), when, asked, end).await;
            }
        }
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_before_a_dispute() {
    all_ends("refund_before_dispute", When::Before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_during_a_dispute() {
    all_ends("refund_during_dispute", When::During).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_after_a_dispute() {
    all_ends("refund_after_dispute", When::After).await;
}
