//! `kill -9` in the middle of batches: whatever was answered is there, nothing is half there, the books verify.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use straits::domain::ledger::JournalEvent;
use straits::store::{Store, TransactionFilter, VerifyOptions};

use crate::books::{Book, posting, sgd};
use crate::engines::{TestDatabase, on_each_engine};

/// The address of the victim's database; without it the victim has nothing to do.
const VICTIM: &str = "STRAITS_TEST_VICTIM";

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_survives_a_kill_and_nothing_is_half_written() {
    on_each_engine("kill", async |database| {
        database.open().await.close().await;
        for (round, answers) in [1, 25, 90].into_iter().enumerate() {
            let answered = kill_after(database, round, answers);
            let store = database.open().await;
            let verification = store.verify(&VerifyOptions { full: true, expected: None }).await.unwrap();
            assert!(verification.ok(), "{:#?}", verification.checks);
            assert_whole(&store, &answered).await;
            store.close().await;
        }
    })
    .await;
}

/// Runs a victim until it has answered so often, kills it, and says which merchant it wrote for and what it answered.
fn kill_after(database: &TestDatabase, round: usize, answers: usize) -> Vec<String> {
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["store_crash::the_victim", "--exact", "--nocapture"])
        .env(VICTIM, &database.url)
        .env("STRAITS_TEST_ROUND", round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let mut answered = Vec::new();
    while answered.len() < answers {
        let line = lines.next().expect("the victim ended by itself").unwrap();
        answered.extend(line.split_once("answered ").map(|(_, words)| words.to_owned()));
    }
    victim.kill().unwrap();
    victim.wait().unwrap();
    let rest = lines.map_while(Result::ok);
    answered.extend(rest.filter_map(|line| line.split_once("answered ").map(|(_, words)| words.to_owned())));
    answered
}

async fn assert_whole(store: &Store, answered: &[String]) {
    let (merchant, _) = answered[0].split_once(' ').unwrap();
    let all = TransactionFilter { limit: 100_000, ..TransactionFilter::default() };
    let transactions = store.ledger_transactions(merchant.parse().unwrap(), &all).await.unwrap();
    let of = |event| -> BTreeSet<String> {
        let mine = transactions.iter().filter(move |transaction| transaction.event == event);
        mine.map(|transaction| transaction.source.clone()).collect()
    };
    let (earned, returned) = (of(JournalEvent::Split), of(JournalEvent::Reversed));
    assert_eq!(earned, returned, "a change is whole or not there");
    for source in &earned {
        assert!(store.setting(source).await.unwrap().is_some(), "{source}: posted without its row");
    }
    for words in answered {
        let (_, source) = words.split_once(' ').unwrap();
        assert!(earned.contains(source), "{source} was answered and is gone");
    }
}

/// Commits as fast as it can and says so, until it is killed. Each change is a row and two transactions.
#[tokio::test(flavor = "multi_thread")]
async fn the_victim() {
    let Ok(url) = std::env::var(VICTIM) else { return };
    let round = std::env::var("STRAITS_TEST_ROUND").unwrap();
    let database = TestDatabase::existing(url);
    let store = database.open().await;
    let book = std::sync::Arc::new(Book::new(&database.clock, 4));
    let callers = (0..16).map(|caller| {
        let (store, book, round) = (store.clone(), std::sync::Arc::clone(&book), round.clone());
        tokio::spawn(async move {
            for place in 0.. {
                let source = format!("{round}.{caller}.{place}");
                let mut change = posting(book.earned(caller % 4, &source, sgd(5)));
                change.post(book.taken_back(caller % 4, &source, sgd(5)));
                change.set_setting(&source, "here", None);
                store.commit(change).await.unwrap();
                println!("answered {} {source}", book.merchant);
            }
        })
    });
    futures_util::future::join_all(callers).await;
}
