//! The one door: preconditions, races, floors, repeated facts, and what a broken COMMIT leaves behind.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::Row;
use straits::domain::ledger::{Account, AccountCode, JournalEvent, LedgerTransaction, Owner, Posting};
use straits::ids::{IdSource, MerchantId, PaymentId, SupplierId, TransactionId};
use straits::money::{Currency, Money};
use straits::store::{
    Change, Column, CommitError, CommitFault, CommitFaults, Kind, SETTING, Store, Table, Value,
};

use crate::engines::{TestDatabase, on_each_engine};

fn sgd(minor: i64) -> Money {
    Money::from_minor(minor, Currency::find("SGD").unwrap())
}

fn gateway() -> Account {
    Account::new(AccountCode::GATEWAY_BALANCE, Owner::of("paypal"))
}

fn pending(supplier: SupplierId) -> Account {
    Account::new(AccountCode::SUPPLIER_PENDING, Owner::of(supplier))
}

/// Money lands at the gateway and is owed to a supplier.
fn earned(
    ids: &IdSource,
    merchant: MerchantId,
    supplier: SupplierId,
    source: &str,
    minor: i64,
) -> LedgerTransaction {
    let postings =
        vec![Posting::debit(gateway(), sgd(minor)), Posting::credit(pending(supplier), sgd(minor))];
    let at = straits::clock::from_micros(1_795_000_000_000_000);
    LedgerTransaction::try_new(
        ids.mint::<TransactionId>(),
        merchant,
        JournalEvent::Split,
        source,
        at,
        postings,
    )
    .unwrap()
    .about(ids.mint::<PaymentId>())
}

/// The way back.
fn taken_back(
    ids: &IdSource,
    merchant: MerchantId,
    supplier: SupplierId,
    source: &str,
    minor: i64,
) -> LedgerTransaction {
    let postings =
        vec![Posting::debit(pending(supplier), sgd(minor)), Posting::credit(gateway(), sgd(minor))];
    let at = straits::clock::from_micros(1_795_000_000_000_000);
    LedgerTransaction::try_new(
        ids.mint::<TransactionId>(),
        merchant,
        JournalEvent::Reversed,
        source,
        at,
        postings,
    )
    .unwrap()
}

fn posting(transaction: LedgerTransaction) -> Change {
    let mut change = Change::new();
    change.post(transaction);
    change
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_tasks_racing_on_one_row_exactly_one_wins() {
    on_each_engine("race on one row", async |database| {
        let store = database.open().await;
        let mut first = Change::new();
        first.set_setting("prize", "nobody", None);
        store.commit(first).await.unwrap();
        let before = store.setting("prize").await.unwrap().unwrap();
        let tasks: Vec<_> = (0..64)
            .map(|task| {
                let (store, before) = (store.clone(), before.clone());
                tokio::spawn(async move {
                    let mut change = Change::new();
                    change.set_setting("prize", task, Some(&before));
                    (task, store.commit(change).await)
                })
            })
            .collect();
        let mut winners = Vec::new();
        for task in tasks {
            match task.await.unwrap() {
                (task, Ok(_)) => winners.push(task),
                (_, Err(error)) => {
                    assert_eq!(error, CommitError::LostUpdate { table: "setting", key: "prize".into() });
                }
            }
        }
        let after = store.setting("prize").await.unwrap().unwrap();
        assert_eq!(winners.len(), 1);
        assert_eq!((after.value, after.version), (winners[0].to_string(), before.version + 1));
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_floor_holds_within_one_batch_and_the_rest_commits() {
    on_each_engine("floor in a batch", async |database| {
        let store = database.open().await;
        let ids = IdSource::random(database.clock.clone());
        let (merchant, supplier): (MerchantId, SupplierId) = (ids.mint(), ids.mint());
        store.commit(posting(earned(&ids, merchant, supplier, "start", 100))).await.unwrap();
        let changes = [60, 60, 40, 1].map(|minor| {
            posting(taken_back(
                &ids,
                merchant,
                supplier,
                &format!("back {minor} {}", ids.mint::<PaymentId>()),
                minor,
            ))
        });
        let outcomes = commit_together(&store, changes).await;
        let floor = |minor| CommitError::BelowFloor { account: pending(supplier), balance: sgd(minor) };
        assert!(outcomes[0].is_ok() && outcomes[2].is_ok(), "{outcomes:?}");
        assert_eq!(outcomes[1].as_ref().unwrap_err(), &floor(-20));
        assert_eq!(outcomes[3].as_ref().unwrap_err(), &floor(-1));
        store.close().await;
    })
    .await;
}

async fn commit_together<const N: usize>(
    store: &Store,
    changes: [Change; N],
) -> Vec<Result<straits::store::Committed, CommitError>> {
    // Each change is queued when its future is first polled, in this order; none is waited for before all are queued.
    futures_util::future::join_all(changes.into_iter().map(|change| store.commit(change))).await
}
