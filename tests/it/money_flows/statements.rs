//! What a supplier is told agrees with the books: whole, page by page, as a file, bucket by bucket.

use std::collections::BTreeMap;
use std::pin::pin;

use chrono::{NaiveDate, TimeDelta};
use futures_util::StreamExt;
use straits::domain::ledger::{Account, AccountCode, Chart, JournalEvent, LedgerTransaction, Owner, Posting};
use straits::domain::statements::{Bucket, Statement, StatementEntry};
use straits::flows::issue_statement::{StatementFlowError, StatementQuery};
use straits::money::Money;
use straits::store::Change;

use super::world::{Setup, World, money};
use super::{FORTY, one};
use crate::engines::{TestDatabase, on_each_engine};
use crate::scenarios_flows::OPENING;

fn question(world: &World, from: NaiveDate, to: NaiveDate) -> StatementQuery {
    let supplier = world.suppliers[0];
    StatementQuery { supplier, currency: None, from, to, limit: None, after: None }
}

async fn statement(world: &World, query: &StatementQuery) -> Statement {
    world.statements.statement(world.merchant.id, query).await.unwrap()
}

fn foots(statement: &Statement) {
    let opening = statement.opening();
    let signed = statement.entries().iter().map(StatementEntry::signed);
    let sum = Money::sum(opening.currency(), signed).unwrap();
    assert_eq!(opening.checked_add(sum).unwrap(), statement.closing());
}

/// Three days of sales and refunds, and a bucket moved within the supplier's money.
async fn three_days(world: &World, database: &TestDatabase) -> [NaiveDate; 3] {
    let mut days = Vec::new();
    for day in 0..3 {
        days.push(database.clock.now().date_naive());
        for sale in 0..3 {
            let payment = one(world, &format!("order-{day}-{sale}")).await;
            if sale > 0 {
                world.refund(payment, if sale == 1 { FORTY } else { "{}" }).await.unwrap();
            }
        }
        release(world, &format!("release-{day}"), money("5.00", "USD")).await;
        database.tick(TimeDelta::days(1));
    }
    days.try_into().unwrap()
}

/// Within the supplier's money: no line of a statement.
async fn release(world: &World, source: &str, amount: Money) {
    let of = |code| Account::new(code, Owner::of(world.suppliers[0]));
    let postings = vec![
        Posting::debit(of(AccountCode::SUPPLIER_PENDING), amount),
        Posting::credit(of(AccountCode::SUPPLIER_AVAILABLE), amount),
    ];
    book(world, source, postings).await;
}

async fn book(world: &World, source: &str, postings: Vec<Posting>) {
    let (id, merchant, at) = (world.ids.mint(), world.merchant.id, world.clock.now());
    let event = JournalEvent::Opening;
    let mut change = Change::new();
    change.post(LedgerTransaction::try_new(id, merchant, event, source, at, postings).unwrap());
    world.store.commit(change).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_any_size_are_the_whole() {
    on_each_engine("pages_of_any_size_are_the_whole", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let [first, second, third] = three_days(&world, database).await;
        let balances = world.statements.balances(world.merchant.id, world.suppliers[0]).await.unwrap();
        let whole = statement(&world, &question(&world, first, third)).await;
        foots(&whole);
        assert_eq!((whole.opening(), whole.closing()), (money("0.00", "USD"), balances[0].balance));
        assert_eq!((whole.entries().len(), whole.has_more()), (15, false));

        // Days follow one another: one's closing is the next one's opening, and together they are the whole.
        let mut entries = Vec::new();
        let mut opening = whole.opening();
        for day in [first, second, third] {
            let own = statement(&world, &question(&world, day, day)).await;
            foots(&own);
            assert_eq!(own.opening(), opening);
            opening = own.closing();
            entries.extend_from_slice(own.entries());
        }
        assert_eq!((entries.as_slice(), opening), (whole.entries(), whole.closing()));
        let later = third + TimeDelta::days(30);
        assert_eq!(statement(&world, &question(&world, first, later)).await.entries(), whole.entries());

        for limit in 1..=16 {
            let mut query = StatementQuery { limit: Some(limit), ..question(&world, first, third) };
            let mut entries: Vec<StatementEntry> = Vec::new();
            let mut opening = whole.opening();
            loop {
                let page = statement(&world, &query).await;
                foots(&page);
                assert_eq!(page.opening(), opening, "limit {limit}");
                assert!(page.entries().len() <= limit as usize);
                opening = page.closing();
                entries.extend_from_slice(page.entries());
                if !page.has_more() {
                    break;
                }
                query.after = entries.last().map(|entry| entry.transaction);
            }
            assert_eq!((entries.as_slice(), opening), (whole.entries(), whole.closing()), "limit {limit}");
        }
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_file_says_what_the_answer_says() {
    on_each_engine("the_file_says_what_the_answer_says", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let [_, second, third] = three_days(&world, database).await;
        let query = question(&world, second, third);
        let whole = statement(&world, &query).await;
        let mut file = Vec::new();
        let mut stream = pin!(world.statements.csv(world.merchant.id, &query).await.unwrap());
        while let Some(chunk) = stream.next().await {
            file.extend(chunk.unwrap());
        }
        let text = String::from_utf8(file).unwrap();
        let rows: Vec<&str> = text.lines().skip(1).collect();
        let (end, rows) = rows.split_last().unwrap();
        assert_eq!(*end, format!("#END,{},{}", whole.entries().len(), whole.closing().amount()));
        let expected: Vec<String> = whole
            .entries()
            .iter()
            .map(|entry| {
                let (amount, subject) = (entry.amount, entry.subject.clone().unwrap_or_default());
                format!(
                    "{},{},{},{},{},{},{},{},{subject}",
                    entry.booked_on,
                    entry.value_date,
                    entry.side,
                    amount.amount(),
                    amount.currency(),
                    entry.balance.amount(),
                    entry.narrative.as_ref(),
                    entry.transaction
                )
            })
            .collect();
        assert_eq!(rows, expected);
        let other = World::on(&store, &database.clock, Setup::default()).await;
        for (merchant, supplier) in
            [(other.merchant.id, world.suppliers[0]), (world.merchant.id, other.suppliers[0])]
        {
            let query = StatementQuery { supplier, ..query.clone() };
            assert!(matches!(
                world.statements.statement(merchant, &query).await,
                Err(StatementFlowError::Unknown("supplier"))
            ));
            assert!(matches!(
                world.statements.csv(merchant, &query).await.err(),
                Some(StatementFlowError::Unknown("supplier"))
            ));
            assert!(matches!(
                world.statements.balances(merchant, supplier).await,
                Err(StatementFlowError::Unknown("supplier"))
            ));
        }
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn six_buckets_and_a_debt_are_the_ledgers_own() {
    on_each_engine("six_buckets_and_a_debt_are_the_ledgers_own", async |database| {
        Chart::know_beside(OPENING).unwrap();
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        one(&world, "sale").await;
        let day = database.clock.now().date_naive();
        let supplier = world.suppliers[0];
        let of = |code: AccountCode, before: &str, after: &str| {
            Account::new(code, Owner::of(format!("{before}{supplier}{after}")))
        };
        let credits = [
            (of(AccountCode::SUPPLIER_AVAILABLE, "", ""), "20.01"),
            (of(AccountCode::SUPPLIER_RESERVED, "", ",d90"), "8.51"),
            (of(AccountCode::SUPPLIER_RESERVED, "", ",d30"), "1.49"),
            (of(AccountCode::SUPPLIER_HELD, "", ",dispute"), "4.00"),
            (of(AccountCode::PAYOUT_IN_TRANSIT, "paypal,", ""), "3.00"),
            (of(AccountCode::PAYOUT_IN_TRANSIT, "bank,", ""), "0.50"),
            (of(AccountCode::PAYOUT_UNCLAIMED, "paypal,", ""), "2.00"),
        ];
        let mut postings: Vec<Posting> = credits
            .into_iter()
            .map(|(account, amount)| Posting::credit(account, money(amount, "USD")))
            .collect();
        postings.push(Posting::debit(of(AccountCode::SUPPLIER_RECEIVABLE, "", ""), money("9.51", "USD")));
        let against = Account::new(AccountCode::find(9000).unwrap(), Owner::of("opening"));
        postings.push(Posting::debit(against, money("30.00", "USD")));
        book(&world, "buckets", postings).await;

        let balances = world.statements.balances(world.merchant.id, supplier).await.unwrap();
        let [balance] = balances.as_slice() else { panic!("{balances:?}") };
        let told: BTreeMap<String, String> = Bucket::ALL
            .into_iter()
            .map(|bucket| (format!("{bucket:?}"), balance.in_bucket(bucket).amount().to_string()))
            .collect();
        let expected = [
            ("Pending", "85.10"),
            ("Available", "20.01"),
            ("Reserved", "10.00"),
            ("Held", "4.00"),
            ("InTransit", "3.50"),
            ("Unclaimed", "2.00"),
            ("Owed", "9.51"),
        ];
        assert_eq!(told, expected.map(|(bucket, amount)| (bucket.to_owned(), amount.to_owned())).into());
        assert_eq!(balance.balance, money("115.10", "USD"));
        assert_eq!(statement(&world, &question(&world, day, day)).await.closing(), balance.balance);
        // Only that no payout is behind what is on its way is a fault.
        let options = straits::store::VerifyOptions { full: true, expected: None };
        let seen = store.verify(&options).await.unwrap();
        let faults: Vec<&str> =
            seen.checks.iter().filter(|check| !check.ok).map(|check| check.name).collect();
        assert_eq!(faults, ["payouts_in_transit", "payouts_unclaimed"]);
        store.close().await;
    })
    .await;
}
