//! `verify` finds every tampering, and says where.

use sqlx::{AnyConnection, AssertSqlSafe, Row};
use straits::domain::access::{Actor, AuditHead};
use straits::domain::ledger::ChainHead;
use straits::store::{Change, Engine, Store, Verification, VerifyOptions};

use crate::books::{Book, posting, sgd};
use crate::engines::{TestDatabase, on_each_engine};

async fn full(store: &Store) -> Verification {
    store.verify(&VerifyOptions { full: true, expected: None }).await.unwrap()
}

/// Every way to tamper with a trail of six, the word of the fault, and whether a noted head is needed to see it.
#[tokio::test(flavor = "multi_thread")]
async fn a_tampered_audit_trail_is_found_and_named() {
    on_each_engine("a_tampered_audit_trail_is_found_and_named", async |database| {
        let store = database.open().await;
        let book = Book::new(&database.clock, 1);
        let other = Book::new(&database.clock, 1);
        for (book, count) in [(&book, 6), (&other, 2)] {
            for place in 0..count {
                let actor = Actor::service(book.merchant, book.ids.mint());
                let mut change = Change::new();
                change.audit(actor.note(&book.ids, database.clock.now(), "key.created", place, "by hand"));
                store.commit(change).await.unwrap();
            }
        }
        let noted = store.audit_head(book.merchant).await.unwrap();
        let seen = store.verify(&VerifyOptions::default()).await.unwrap();
        assert!(seen.ok(), "{:#?}", seen.checks);
        assert_eq!(seen.trails.get(&book.merchant.to_string()), Some(&noted));
        assert_eq!(noted.to_string().parse(), Ok(noted));
        let trail = async || {
            // Not only `full` looks: an edit may be of yesterday.
            let seen = store.verify(&VerifyOptions::default()).await.unwrap();
            let check = seen.checks.into_iter().find(|check| check.name == "audit_trails").unwrap();
            (check.ok, check.detail)
        };
        assert_eq!(trail().await, (true, "2 trails, 8 entries".to_owned()));
        let mut connection = database.connect().await;
        let merchant = book.merchant.to_string();
        let of = |seq: i64| format!("WHERE merchant_id = '{merchant}' AND seq = {seq}");
        for (set, back) in [
            ("detail = 'by nobody'", "detail = 'by hand'"),
            ("at = at + 1", "at = at - 1"),
            ("action = 'key.revoked'", "action = 'key.created'"),
        ] {
            run(&mut connection, &format!("UPDATE audit_entry SET {set} {}", of(3))).await;
            let (ok, why) = trail().await;
            assert!(!ok && why.contains(&merchant) && why.contains("entry 3 does not hash"), "{set}: {why}");
            run(&mut connection, &format!("UPDATE audit_entry SET {back} {}", of(3))).await;
            assert!(trail().await.0, "{set}");
        }
        // A cut tail: seen against the head, and when that was set back too, against one noted elsewhere.
        let merchant = other.merchant.to_string();
        let noted = store.audit_head(other.merchant).await.unwrap();
        assert!(store.check_noted_trail(other.merchant, noted).await.unwrap().ok);
        run(&mut connection, &format!("DELETE FROM audit_entry WHERE merchant_id = '{merchant}' AND seq = 2")).await;
        let (ok, why) = trail().await;
        assert!(!ok && why.contains("it ends at 1:"), "{why}");
        let set_back = format!(
            "UPDATE audit_head SET seq = 1, hash = (SELECT hash FROM audit_entry WHERE merchant_id = '{merchant}' AND seq = 1)
             WHERE merchant_id = '{merchant}'"
        );
        run(&mut connection, &set_back).await;
        assert!(trail().await.0, "consistent in itself");
        let check = store.check_noted_trail(other.merchant, noted).await.unwrap();
        assert!(!check.ok && check.detail.contains("entry 2 was noted and is gone"), "{check:?}");
        let strange = AuditHead { hash: [7; 32], ..store.audit_head(other.merchant).await.unwrap() };
        assert!(!store.check_noted_trail(other.merchant, strange).await.unwrap().ok);
        // What no program of ours wrote, and then nothing at all.
        run(&mut connection, &format!("UPDATE audit_entry SET request_id = 'nobody' {}", of(3))).await;
        let (ok, why) = trail().await;
        assert!(!ok && why.contains("entry 3 cannot be read"), "{why}");
        run(&mut connection, &format!("DELETE FROM audit_entry {}", of(3))).await;
        let (ok, why) = trail().await;
        assert!(!ok && why.contains("entry 3 is missing"), "{why}");
        // A head that went whole.
        run(&mut connection, &format!("DELETE FROM audit_head WHERE merchant_id = '{merchant}'")).await;
        let (ok, why) = trail().await;
        assert!(!ok && why.contains("its head knows nothing of"), "{why}");
        store.close().await;
    })
    .await;
}

fn failed(verification: &Verification) -> Vec<&'static str> {
    verification.checks.iter().filter(|check| !check.ok).map(|check| check.name).collect()
}

async fn run(connection: &mut AnyConnection, sql: &str) {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await.unwrap();
    assert!(done.rows_affected() > 0, "{sql} changed nothing");
}

/// Twelve blocks of one transaction each, for two suppliers.
async fn filled(database: &TestDatabase) -> (Store, Book) {
    let store = database.open().await;
    let book = Book::new(&database.clock, 2);
    for place in 0..12_i64 {
        let source = format!("capture {place}");
        let supplier = usize::try_from(place % 2).unwrap();
        store.commit(posting(book.earned(supplier, &source, sgd(1_000 + place)))).await.unwrap();
        database.tick(chrono::TimeDelta::seconds(1));
    }
    (store, book)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_untouched_ledger_verifies_whole_and_from_where_it_was_verified() {
    on_each_engine("verify", async |database| {
        let (store, book) = filled(database).await;
        let first = store.verify(&VerifyOptions::default()).await.unwrap();
        assert!(first.ok(), "{:#?}", first.checks);
        assert_eq!(first.head, store.chain_head().await.unwrap());
        assert_eq!(first.head.seq, 12);
        assert_eq!(store.last_verified().await.unwrap(), Some(first.head));
        store.commit(posting(book.earned(0, "one more", sgd(5)))).await.unwrap();
        let second = store.verify(&VerifyOptions::default()).await.unwrap();
        let chain = second.checks.iter().find(|check| check.name == "hash_chain").unwrap();
        assert!(second.ok() && chain.detail.starts_with("1 blocks up to 13:"), "{chain:?}");
        assert!(full(&store).await.ok());
        store.close().await;
    })
    .await;
}

/// One column of one row, changed and changed back; the check that must fail, and what its detail must name.
const TAMPERINGS: &[(&str, &str, &str, &str, &str)] = &[
    ("ledger_entry", "amount", "amount + 1", "account_id = 2 AND seq = 3", "entries_gapless"),
    ("ledger_entry", "balance_after", "balance_after - 1", "account_id = 2 AND seq = 3", "entries_gapless"),
    ("ledger_entry", "seq", "100", "account_id = 2 AND seq = 6", "entries_gapless"),
    ("ledger_entry", "position", "7", "account_id = 2 AND seq = 3", "hash_chain"),
    ("ledger_entry", "transaction_number", "6", "account_id = 2 AND seq = 3", "hash_chain"),
    ("ledger_entry", "transaction_number", "900", "account_id = 2 AND seq = 3", "head"),
    ("ledger_entry", "account_id", "77", "account_id = 2 AND seq = 6", "hash_chain"),
    ("ledger_transaction", "id", "'txn_00000000000000000000000000'", "number = 5", "hash_chain"),
    ("ledger_transaction", "effective_at", "effective_at + 1", "number = 5", "hash_chain"),
    ("ledger_transaction", "recorded_at", "recorded_at + 1", "number = 5", "hash_chain"),
    ("ledger_transaction", "source", "'capture 4x'", "number = 5", "hash_chain"),
    ("ledger_transaction", "subject", "NULL", "number = 5", "hash_chain"),
    ("ledger_transaction", "event", "'captured'", "number = 5", "hash_chain"),
    ("ledger_transaction", "merchant_id", "'mer_0000000000000000000000000a'", "number = 5", "hash_chain"),
    ("ledger_transaction", "block", "6", "number = 5", "hash_chain"),
    ("ledger_transaction", "number", "50", "number = 12", "hash_chain"),
    ("ledger_account", "owner", "'paypal2'", "id = 1", "hash_chain"),
    ("ledger_account", "code", "1100", "id = 1", "hash_chain"),
    ("ledger_account", "currency", "'THB'", "id = 1", "hash_chain"),
    ("ledger_account", "layer", "0", "id = 1", "hash_chain"),
    ("ledger_account", "merchant_id", "'mer_0000000000000000000000000a'", "id = 1", "hash_chain"),
    ("ledger_account", "balance", "balance + 1", "id = 1", "balances_equal_entries"),
    ("ledger_account", "seq", "seq + 1", "id = 1", "balances_equal_entries"),
    ("ledger_account", "id", "9", "id = 3", "accounts"),
    ("ledger_dimension", "dimension", "'paypal2'", "account_id = 1", "accounts"),
    ("ledger_dimension", "account_id", "2", "account_id = 1", "accounts"),
    ("ledger_block", "first_transaction", "6", "seq = 5", "hash_chain"),
    ("ledger_block", "transactions", "2", "seq = 5", "hash_chain"),
    ("ledger_block", "recorded_at", "recorded_at + 1", "seq = 5", "hash_chain"),
    ("ledger_block", "seq", "40", "seq = 5", "hash_chain"),
    ("ledger_head", "seq", "11", "id = 1", "head"),
    ("ledger_head", "number", "13", "id = 1", "head"),
    ("ledger_head", "accounts", "4", "id = 1", "accounts"),
    ("ledger_head", "recorded_at", "recorded_at + 1", "id = 1", "head"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_column_of_every_table_is_guarded() {
    on_each_engine("tampering", async |database| {
        let (store, _) = filled(database).await;
        let mut connection = database.connect().await;
        for (table, column, value, place, check) in TAMPERINGS {
            let keep = format!("CREATE TABLE kept AS SELECT * FROM {table}");
            sqlx::raw_sql(AssertSqlSafe(keep)).execute(&mut connection).await.unwrap();
            run(&mut connection, &format!("UPDATE {table} SET {column} = {value} WHERE {place}")).await;
            let verification = full(&store).await;
            let failed = failed(&verification);
            assert!(failed.contains(check), "{table}.{column}: {:#?}", verification.checks);
            run(&mut connection, &format!("DELETE FROM {table}")).await;
            run(&mut connection, &format!("INSERT INTO {table} SELECT * FROM kept")).await;
            sqlx::raw_sql("DROP TABLE kept").execute(&mut connection).await.unwrap();
            assert!(full(&store).await.ok(), "{table}.{column} was not put back");
        }
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_hash_byte_names_its_block() {
    on_each_engine("hash bytes", async |database| {
        let (store, _) = filled(database).await;
        let mut connection = database.connect().await;
        for (column, place) in [("hash", "seq = 7"), ("prev_hash", "seq = 7")] {
            let sql = format!("SELECT {column} FROM ledger_block WHERE {place}");
            let row = sqlx::query(AssertSqlSafe(sql)).fetch_one(&mut connection).await.unwrap();
            let good: Vec<u8> = row.get(0);
            let mut bad = good.clone();
            bad[31] ^= 1;
            let update = format!("UPDATE ledger_block SET {column} = $1 WHERE {place}");
            sqlx::query(AssertSqlSafe(update.clone())).bind(bad).execute(&mut connection).await.unwrap();
            let verification = full(&store).await;
            let chain = verification.checks.iter().find(|check| check.name == "hash_chain").unwrap();
            assert!(!chain.ok && chain.detail.starts_with("block 7 "), "{chain:?}");
            sqlx::query(AssertSqlSafe(update)).bind(good).execute(&mut connection).await.unwrap();
        }
        let (seq, bad) = (12, vec![9_u8; 32]);
        sqlx::query("UPDATE ledger_head SET hash = $1 WHERE seq = $2")
            .bind(bad)
            .bind(seq)
            .execute(&mut connection)
            .await
            .unwrap();
        assert_eq!(failed(&full(&store).await), ["head"]);
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_names_the_account() {
    on_each_engine("named account", async |database| {
        let (store, book) = filled(database).await;
        let mut connection = database.connect().await;
        run(&mut connection, "UPDATE ledger_account SET balance = balance + 5 WHERE id = 2").await;
        let verification = full(&store).await;
        assert_eq!(failed(&verification), ["balances_equal_entries", "trial_balance_zero"]);
        let check = verification.checks.iter().find(|check| check.name == "balances_equal_entries").unwrap();
        assert!(check.detail.contains(&book.suppliers[0].to_string()), "{check:?}");
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_tail_shows_against_a_head_that_was_noted() {
    on_each_engine("cut tail", async |database| {
        let (store, _) = filled(database).await;
        let noted: ChainHead = store.chain_head().await.unwrap().to_string().parse().unwrap();
        let mut connection = database.connect().await;
        // Blocks 11 and 12 vanish, and whoever did it is thorough.
        for sql in [
            "UPDATE ledger_account SET
                 seq = (SELECT MAX(e.seq) FROM ledger_entry e
                        WHERE e.account_id = ledger_account.id AND e.transaction_number <= 10),
                 balance = (SELECT e.balance_after FROM ledger_entry e
                        WHERE e.account_id = ledger_account.id AND e.transaction_number <= 10
                        ORDER BY e.seq DESC LIMIT 1)",
            "DELETE FROM ledger_entry WHERE transaction_number > 10",
            "DELETE FROM ledger_transaction WHERE number > 10",
            "DELETE FROM ledger_block WHERE seq > 10",
            "UPDATE ledger_head SET seq = 10, number = 10,
                 hash = (SELECT b.hash FROM ledger_block b WHERE b.seq = 10),
                 recorded_at = (SELECT b.recorded_at FROM ledger_block b WHERE b.seq = 10)",
        ] {
            run(&mut connection, sql).await;
        }
        assert!(full(&store).await.ok(), "it is consistent in itself");
        let options = VerifyOptions { full: true, expected: Some(noted) };
        let verification = store.verify(&options).await.unwrap();
        assert_eq!(failed(&verification), ["expected_head"]);
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_runs_beside_the_writer() {
    on_each_engine("verify beside the writer", async |database| {
        let store = database.open().await;
        let book = Book::new(&database.clock, 4);
        let writing = async {
            for round in 0..30 {
                let changes = (0..10).map(|place| {
                    let source = format!("{round}.{place}");
                    store.commit(posting(book.earned(place % 4, &source, sgd(7))))
                });
                let outcomes = futures_util::future::join_all(changes).await;
                assert!(outcomes.iter().all(Result::is_ok));
            }
        };
        let verifying = async {
            for _ in 0..15 {
                let verification = full(&store).await;
                assert!(verification.ok(), "{:#?}", verification.checks);
            }
        };
        tokio::join!(writing, verifying);
        assert!(full(&store).await.ok());
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_left_in_clearing_is_a_fault() {
    use straits::domain::ledger::{Account, AccountCode, JournalEvent, Owner, Posting};
    on_each_engine("clearing", async |database| {
        let store = database.open().await;
        let book = Book::new(&database.clock, 1);
        let clearing = Account::new(AccountCode::ORDER_CLEARING, Owner::of("paypal"));
        let postings = vec![Posting::debit(book.gateway(), sgd(50)), Posting::credit(clearing, sgd(50))];
        store.commit(posting(book.transaction(JournalEvent::Captured, "c", postings))).await.unwrap();
        let verification = full(&store).await;
        assert_eq!(failed(&verification), ["clearing"]);
        assert_eq!(store.engine(), Engine::of(&database.url).unwrap());
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_its_way_back_must_be_what_the_open_refunds_come_to() {
    use straits::domain::ledger::{Account, AccountCode, JournalEvent, Owner, Posting};
    use straits::domain::orders::refund::{Refund, RefundKind, RefundState};
    on_each_engine("refunds in transit", async |database| {
        let store = database.open().await;
        let book = Book::new(&database.clock, 1);
        let in_transit = Account::new(AccountCode::REFUND_IN_TRANSIT, Owner::of("paypal"));
        let postings = vec![Posting::debit(book.gateway(), sgd(50)), Posting::credit(in_transit, sgd(50))];
        let decided = book.transaction(JournalEvent::RefundDecided, "r", postings);
        let ids = straits::ids::IdSource::random(database.clock.clone());
        let refund = |minor: i64| Refund {
            id: ids.mint(),
            merchant: decided.merchant(),
            payment: ids.mint(),
            kind: RefundKind::Settlement,
            amount: sgd(minor),
            reason: String::new(),
            capture_ref: "C".into(),
            refund_ref: None,
            state: RefundState::Pending,
            decided: "{}".into(),
            created_at: database.clock.now(),
            updated_at: database.clock.now(),
        };
        let mut change = posting(decided.clone());
        change.insert_refund(&refund(49));
        store.commit(change).await.unwrap();
        // One open refund is not enough: a cent of 2020 belongs to none.
        assert_eq!(failed(&full(&store).await), ["refunds_in_transit"]);
        let mut change = straits::store::Change::new();
        change.insert_refund(&refund(1));
        store.commit(change).await.unwrap();
        assert!(full(&store).await.ok());
        store.close().await;
    })
    .await;
}

/// A deal that was allowed when it was booked is judged by the rules of that time, also after an update.
#[tokio::test(flavor = "multi_thread")]
async fn a_deal_of_before_the_rule_is_not_judged_by_it() {
    use straits::domain::ledger::{Account, AccountCode, JournalEvent, Owner, Posting};
    on_each_engine("a deal of before", async |database| {
        let store = database.open().await;
        let book = Book::new(&database.clock, 1);
        store.commit(posting(book.earned(0, "capture", sgd(10)))).await.unwrap();
        let deal = |source: &str| {
            let clearing = Account::new(AccountCode::ORDER_CLEARING, Owner::of("paypal"));
            let postings = vec![Posting::debit(book.gateway(), sgd(5)), Posting::credit(clearing, sgd(5))];
            posting(book.transaction(JournalEvent::ConvertedMarket, source, postings))
        };
        store.commit(deal("allowed")).await.unwrap();
        let (merchant, now) = (book.merchant, database.clock.now().timestamp_micros());
        let mut connection = database.connect().await;
        // A period that was closed before, and in which the deal is dated.
        let close = format!(
            "INSERT INTO period_close (id, merchant_id, until, zone, ends_before, state, checks, decision, proposed_by,
               created_at, closed_at, last_number, version)
             VALUES ('per', '{merchant}', '2026-11-18', 'UTC', {}, 'closed', '[]', '{{}}', 'usr', 0, 0, 9, 1)",
            now + 86_400_000_000
        );
        run(&mut connection, &close).await;
        let closed = async |store: &Store| {
            let seen = full(store).await;
            let check = seen.checks.into_iter().find(|check| check.name == "closed_periods").unwrap();
            (check.ok, check.detail)
        };
        let (ok, detail) = closed(&store).await;
        assert!(!ok && detail.contains("converted_market of allowed"), "{detail}");
        store.close().await;
        // As it was before the rule, and updated.
        let before = "DROP TABLE judged_from; DELETE FROM _sqlx_migrations WHERE version = 91";
        sqlx::raw_sql(before).execute(&mut connection).await.unwrap();
        let store = database.open().await;
        assert!(closed(&store).await.0);
        store.commit(deal("too late")).await.unwrap();
        let (ok, detail) = closed(&store).await;
        assert!(!ok && detail.contains("converted_market of too late"), "{detail}");
        store.close().await;
    })
    .await;
}
