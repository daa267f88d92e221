//! Reading the books: pages that fit together, balances at a time, the trial balance, and random books that verify.

use chrono::TimeDelta;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestRunner};
use straits::clock::Clock;
use straits::domain::ledger::{
    Account, AccountCode, AccountEntry, Direction, JournalEvent, Layer, Owner, Place, Posting,
};
use straits::domain::merchants::{
    AvailableWhen, FundsFlow, FxPoint, GatewayAccount, Recharge, SettlementMode,
};
use straits::domain::periods::{CloseState, PeriodClose};
use straits::money::{Currency, Money};
use straits::store::{
    AsOf, Change, CommitError, Seek, Store, StoreOptions, TransactionFilter, VerifyOptions,
};

use crate::books::{Book, happened, posting, sgd};
use crate::engines::on_each_engine;

fn usd(minor: i64) -> Money {
    Money::from_minor(minor, Currency::find("USD").unwrap())
}

/// Every entry, page by page.
async fn walk(store: &Store, accounts: &[i64], from: i64, upto: i64, page: u32) -> Vec<AccountEntry> {
    let mut entries: Vec<AccountEntry> = Vec::new();
    let mut place = Place::after(from);
    loop {
        let next = store.account_entries(accounts, place, upto, page).await.unwrap();
        let Some(last) = next.last() else { return entries };
        place = last.place;
        entries.extend(next);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_over_several_accounts_fit_together_and_foot() {
    on_each_engine("pages", async |database| {
        let store = database.open().await;
        let book = Book::new(&database.clock, 2);
        let available = Account::new(AccountCode::SUPPLIER_AVAILABLE, Owner::of(book.suppliers[0]));
        let mut cut = 0;
        for round in 0..20_i64 {
            let mut change = Change::new();
            change.post(book.earned(0, &format!("a{round}"), sgd(100 + round)));
            change.post(book.earned(1, &format!("b{round}"), sgd(50)));
            // Within the supplier's own accounts: two entries of one transaction.
            let postings =
                vec![Posting::debit(book.pending(0), sgd(30)), Posting::credit(available.clone(), sgd(30))];
            change.post(book.transaction(JournalEvent::Delivered, &format!("c{round}"), postings));
            store.commit(change).await.unwrap();
            if round == 9 {
                cut = store.last_number_by(database.clock.now()).await.unwrap();
                assert_eq!(cut, 30);
            }
            database.tick(TimeDelta::minutes(1));
        }
        let upto = store.last_number_by(database.clock.now()).await.unwrap();
        let mine = store.ledger_balances_of(book.merchant, &book.suppliers[0].to_string()).await.unwrap();
        let accounts: Vec<i64> = mine.iter().map(|balance| balance.id).collect();
        assert_eq!(
            mine.iter().map(|balance| balance.account.clone()).collect::<Vec<_>>(),
            [book.pending(0), available]
        );
        let whole = walk(&store, &accounts, 0, upto, 1_000).await;
        assert_eq!(whole.len(), 60);
        assert!(whole.windows(2).all(|pair| pair[0].place < pair[1].place));
        for page in [1, 2, 3, 7, 59, 60, 61] {
            assert_eq!(walk(&store, &accounts, 0, upto, page).await, whole, "pages of {page}");
        }
        // From the middle: opening, entries and closing agree, whatever the page.
        let extent = store.extent(&accounts, cut, upto).await.unwrap();
        let second_half = walk(&store, &accounts, cut, upto, 4).await;
        let sum: i64 = second_half.iter().map(|entry| entry.debit_minus_credit.minor()).sum();
        assert_eq!((extent.entries, extent.movement), (30, sum));
        assert!(extent.foots());
        let stands: i64 = mine.iter().map(|balance| balance.debit_minus_credit.minor()).sum();
        assert_eq!(extent.closing, stands);
        assert_eq!(second_half, whole[30..]);
        assert_eq!(store.standing_after(&accounts, 0).await.unwrap(), 0);
        assert_eq!(store.account_entries(&[], Place::after(0), upto, 5).await.unwrap(), []);
        store.close().await;
    })
    .await;
}

/// What a bill is held against: entries in several currencies, some of one transaction, whatever the page.
#[tokio::test(flavor = "multi_thread")]
async fn what_stands_at_a_gateway_is_read_in_whole_transactions() {
    on_each_engine("landing", async |database| {
        let store = database.open().await;
        let book = Book::new(&database.clock, 1);
        for round in 0..12_i64 {
            let mut change = Change::new();
            let fee = |amount| {
                vec![Posting::debit(book.pending(0), amount), Posting::credit(book.gateway(), amount)]
            };
            change.post(book.earned(0, &format!("s{round}"), sgd(100 + round)));
            change.post(book.transaction(JournalEvent::FeeCharged, &format!("s{round}"), fee(sgd(4))));
            if round % 3 == 0 {
                change.post(book.earned(0, &format!("u{round}"), usd(200 + round)));
                let mut both = fee(usd(3));
                both.extend(fee(sgd(2)));
                both.extend(fee(sgd(1)));
                change.post(book.transaction(JournalEvent::Reversed, &format!("b{round}"), both));
            }
            store.commit(change).await.unwrap();
        }
        let account = GatewayAccount {
            id: book.ids.mint(),
            merchant: book.merchant,
            gateway: "paypal".into(),
            name: "paypal".into(),
            funds_flow: FundsFlow::PlatformCollects,
            recharge: Recharge::Actual,
            unreturned_fee: None,
            available_when: AvailableWhen::GatewayAvailable,
            fx_point: FxPoint::Capture,
            settlement: SettlementMode::NetAtCapture,
            holds: vec![],
        };
        let span = (happened() - TimeDelta::hours(1), happened() + TimeDelta::hours(1));
        let read = async |limit: u32| {
            let (mut all, mut after) = (Vec::new(), 0);
            loop {
                let (page, next) = store.booked_at_gateway(&account, after, span, limit).await.unwrap();
                all.extend(page.into_iter().map(|entry| (entry.number, entry.source, entry.amount)));
                match next {
                    Some(next) => {
                        assert!(next > after, "pages of {limit} stand still at {after}");
                        after = next;
                    }
                    None => return all,
                }
            }
        };
        let whole = read(1_000).await;
        assert_eq!(whole.len(), 12 * 2 + 4 * 4);
        assert!(whole.windows(2).all(|pair| pair[0].0 <= pair[1].0));
        for limit in [1, 2, 3, 5, 23, 24, 35, 36, 37] {
            assert_eq!(read(limit).await, whole, "pages of {limit}");
        }
        let later = (happened() + TimeDelta::hours(1), happened() + TimeDelta::hours(2));
        let (none, _) = store.booked_at_gateway(&account, 0, later, 1_000).await.unwrap();
        assert_eq!(none, [], "of other hours");
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_accounts_are_merged_in_booking_order() {
    on_each_engine("many accounts", async |database| {
        let store = database.open().await;
        let book = Book::new(&database.clock, 150);
        let changes = (0..150).map(|supplier| posting(book.earned(supplier, &format!("{supplier}"), sgd(1))));
        let outcomes = futures_util::future::join_all(changes.map(|change| store.commit(change))).await;
        assert!(outcomes.iter().all(Result::is_ok));
        let mut accounts: Vec<i64> = Vec::new();
        let mut seek = Seek::Start;
        loop {
            let page = store.ledger_accounts(book.merchant, seek, 40).await.unwrap();
            let Some(last) = page.last() else { break };
            seek = Seek::After(last.id);
            accounts.extend(page.iter().map(|balance| balance.id));
        }
        assert_eq!(accounts.len(), 151);
        let entries = walk(&store, &accounts, 0, 150, 70).await;
        assert_eq!(entries.len(), 300);
        assert!(entries.windows(2).all(|pair| pair[0].place < pair[1].place));
        assert_eq!(store.standing_after(&accounts, 150).await.unwrap(), 0);
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_come_newest_first_with_their_entries() {
    on_each_engine("transactions", async |database| {
        let store = database.open().await;
        let book = Book::new(&database.clock, 1);
        let other = Book::new(&database.clock, 1);
        for place in 0..7 {
            store.commit(posting(book.earned(0, &format!("{place}"), sgd(100)))).await.unwrap();
            store.commit(posting(other.earned(0, &format!("{place}"), sgd(100)))).await.unwrap();
        }
        let mut filter = TransactionFilter { limit: 3, ..TransactionFilter::default() };
        let mut sources = Vec::new();
        loop {
            let page = store.ledger_transactions(book.merchant, &filter).await.unwrap();
            let Some(last) = page.last() else { break };
            filter.seek = Seek::After(last.number);
            for transaction in &page {
                assert_eq!((transaction.merchant, transaction.effective_at), (book.merchant, happened()));
                let sides: Vec<_> = transaction.entries.iter().map(|entry| entry.direction).collect();
                assert_eq!(sides, [Direction::Debit, Direction::Credit]);
                assert!(transaction.entries.iter().all(|entry| entry.amount == sgd(100)));
                assert_eq!(transaction.entries[1].account, book.pending(0));
            }
            sources.extend(page.into_iter().map(|transaction| transaction.source));
        }
        assert_eq!(sources, ["6", "5", "4", "3", "2", "1", "0"]);
        // Backwards from the oldest: nearest first.
        let all = TransactionFilter { limit: 9, ..TransactionFilter::default() };
        let oldest = store.ledger_transactions(book.merchant, &all).await.unwrap();
        let seek = Seek::Before(oldest[6].number);
        let back = TransactionFilter { seek, limit: 2, ..TransactionFilter::default() };
        let back = store.ledger_transactions(book.merchant, &back).await.unwrap();
        assert_eq!(back.iter().map(|transaction| &*transaction.source).collect::<Vec<_>>(), ["1", "2"]);
        let newest = TransactionFilter { limit: 1, ..TransactionFilter::default() };
        let one = store.ledger_transactions(book.merchant, &newest).await.unwrap().remove(0);
        assert_eq!(store.ledger_transaction(book.merchant, one.id).await.unwrap().as_ref(), Some(&one));
        // Another merchant's transaction is not there.
        assert_eq!(store.ledger_transaction(other.merchant, one.id).await.unwrap(), None);
        let about =
            TransactionFilter { subject: one.subject.clone(), limit: 9, ..TransactionFilter::default() };
        assert_eq!(store.ledger_transactions(book.merchant, &about).await.unwrap(), [one]);
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trial_balance_is_of_its_time() {
    on_each_engine("trial balance", async |database| {
        let store = database.open().await;
        let book = Book::new(&database.clock, 2);
        store.commit(posting(book.earned(0, "first", sgd(100)))).await.unwrap();
        let noon = database.clock.now();
        database.tick(TimeDelta::hours(1));
        store.commit(posting(book.earned(1, "second", sgd(11)))).await.unwrap();
        // What is booked behind it at the same moment is not of its number.
        let second = store.last_number_by(database.clock.now()).await.unwrap();
        store.commit(posting(book.earned(1, "third", usd(7)))).await.unwrap();
        let line = |code, minor| (code, Layer::Posted, minor);
        let (gateway, pending) = (AccountCode::GATEWAY_BALANCE, AccountCode::SUPPLIER_PENDING);
        let now = vec![
            line(gateway, sgd(111)),
            line(pending, sgd(-111)),
            line(gateway, usd(7)),
            line(pending, usd(-7)),
        ];
        let before = TimeDelta::microseconds(1);
        let cases = [
            (AsOf::Now, now.clone()),
            (AsOf::Recorded(noon), vec![line(gateway, sgd(100)), line(pending, sgd(-100))]),
            (AsOf::Recorded(noon - before), vec![]),
            (AsOf::Recorded(database.clock.now()), now.clone()),
            (AsOf::Number(second), vec![line(gateway, sgd(111)), line(pending, sgd(-111))]),
            (AsOf::Effective(happened()), now),
            (AsOf::Effective(happened() - before), vec![]),
        ];
        for (as_of, expected) in cases {
            let trial = store.trial_balance(book.merchant, as_of).await.unwrap();
            let lines: Vec<_> =
                trial.lines.iter().map(|line| (line.code, line.layer, line.debit_minus_credit)).collect();
            assert_eq!(lines, expected, "{as_of:?}");
            assert!(trial.balances());
        }
        let exact = store.ledger_balances(book.merchant, gateway, "paypal").await.unwrap();
        assert_eq!(exact.iter().map(|balance| balance.shown()).collect::<Vec<_>>(), [sgd(111), usd(7)]);
        assert!(store.ledger_balances(book.merchant, gateway, "pay").await.unwrap().is_empty());
        store.close().await;
    })
    .await;
}

/// A close posts nothing; a writer whose clock is behind takes its time from it all the same.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_books_into_a_period_that_was_closed_meanwhile() {
    on_each_engine("books behind a close", async |database| {
        let store = database.open().await;
        let book = Book::new(&database.clock, 1);
        store.commit(posting(book.earned(0, "first", sgd(100)))).await.unwrap();
        let behind = Clock::fixed(database.clock.now());
        database.tick(TimeDelta::days(1));
        let at = database.clock.now();
        let proposed = PeriodClose {
            id: book.ids.mint(),
            merchant: book.merchant,
            until: (at - TimeDelta::days(1)).date_naive(),
            zone: chrono_tz::UTC,
            ends_before: at - TimeDelta::hours(1),
            state: CloseState::Proposed,
            checks: vec![],
            proposed_by: book.ids.mint(),
            created_at: at,
        };
        let mut change = Change::new();
        change.propose_close(&proposed);
        store.commit(change).await.unwrap();
        let last_number = store.last_number_by(at).await.unwrap();
        let ledger_head = store.chain_head().await.unwrap().to_string();
        let state = CloseState::Closed { by: book.ids.mint(), at, last_number, ledger_head, statements: 0 };
        let mut change = Change::new();
        change.close_period(&PeriodClose { state, ..proposed }, 1);
        store.commit(change).await.unwrap();
        let whole = VerifyOptions { full: true, expected: None };
        assert!(store.verify(&whole).await.unwrap().ok());
        store.close().await;

        let slow = StoreOptions { clock: behind, ..database.options() };
        let store = Store::open(&slow).await.unwrap();
        let booked = store.commit(posting(book.earned(0, "second", sgd(1)))).await.unwrap();
        assert_eq!(booked.recorded_at, at);
        let verified = store.verify(&whole).await.unwrap();
        assert!(verified.ok(), "{verified:?}");
        store.close().await;
    })
    .await;
}

/// Random earnings and withdrawals in random batches; whatever is accepted must add up, and the ledger must verify.
#[tokio::test(flavor = "multi_thread")]
async fn random_books_always_verify() {
    on_each_engine("random books", async |database| {
        let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
        let step = (0..5_usize, 0..400_i64, proptest::bool::weighted(0.6), 0..90_usize);
        let steps = proptest::collection::vec(step, 150).new_tree(&mut runner).unwrap().current();
        let options = StoreOptions { batch_cap: 16, ..database.options() };
        let store = Store::open(&options).await.unwrap();
        let book = Book::new(&database.clock, 5);
        let changes = steps.iter().map(|&(supplier, minor, earns, source)| {
            let (source, amount) = (format!("fact {source}"), sgd(minor + 1));
            let transaction = match earns {
                true => book.earned(supplier, &source, amount),
                false => book.taken_back(supplier, &source, amount),
            };
            store.commit(posting(transaction))
        });
        let outcomes = futures_util::future::join_all(changes).await;
        let mut expected = [0_i64; 5];
        let mut accepted = 0;
        let mut facts = std::collections::BTreeSet::new();
        for (step, outcome) in steps.iter().zip(&outcomes) {
            let &(supplier, minor, earns, source) = step;
            let signed = if earns { minor + 1 } else { -minor - 1 };
            match outcome {
                Ok(_) => {
                    assert!(facts.insert((earns, source)), "fact {source} twice");
                    expected[supplier] += signed;
                    accepted += 1;
                    assert!(expected[supplier] >= 0, "{steps:?}");
                }
                Err(CommitError::AlreadyBooked { .. }) => assert!(facts.contains(&(earns, source))),
                Err(CommitError::BelowFloor { balance, .. }) => {
                    assert_eq!(balance.minor(), expected[supplier] + signed);
                }
                Err(error) => panic!("{error}"),
            }
        }
        for (supplier, expected) in expected.iter().enumerate() {
            let owner = book.suppliers[supplier].to_string();
            let balances = store.ledger_balances_of(book.merchant, &owner).await.unwrap();
            let stands: i64 = balances.iter().map(|balance| balance.shown().minor()).sum();
            assert_eq!(stands, *expected);
        }
        let all = TransactionFilter { limit: 1_000, ..TransactionFilter::default() };
        assert_eq!(store.ledger_transactions(book.merchant, &all).await.unwrap().len(), accepted);
        let verification = store.verify(&VerifyOptions { full: true, expected: None }).await.unwrap();
        assert!(verification.ok(), "{:#?}", verification.checks);
        store.close().await;
    })
    .await;
}
