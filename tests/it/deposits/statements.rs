//! Files that come twice or overlap, lines before their batch, several batches in one deposit, batches told again.

use chrono::TimeDelta;
use straits::domain::deposits::DepositState;
use straits::domain::findings::{Action, FindingKind};
use straits::flows::deposits::StatementFile;
use straits::store::Change;

use super::{ALL_TO_A, batch, camt, captured, grabpay, own_funds, read, record, sgd, world};
use crate::engines::on_each_engine;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_is_booked_once_however_many_files_print_it() {
    on_each_engine("a_line_once", async |database| {
        let store = database.open().await;
        let world = world(&store, database, grabpay).await;
        let day = world.clock.now().date_naive().to_string();
        let lines = [("10.00", "", "B1", "a"), ("20.00", "", "B2", "b"), ("20.00", "", "B3", "b")];
        let first = camt("0039012345", &day, "0.00", "30.00", &lines[..2]);
        let one = read(&world, &first).await;
        assert_eq!(read(&world, &first).await, one, "the same file");
        // Another file prints the second line again, in another case of the same account, and goes on.
        read(&world, &camt("003 901 2345", &day, "10.00", "50.00", &lines[1..])).await;
        world.stands(&[("1010[dbs] SGD", "50.00"), ("2900[dbs] SGD", "-50.00")]).await;
        let open = world.findings().await;
        assert_eq!(open.iter().filter(|finding| finding.kind == FindingKind::BankUnexplained).count(), 3);
        assert_eq!(open.len(), 3, "{open:#?}");
        // A day that nobody sent.
        read(&world, &camt("0039012345", &day, "60.00", "61.00", &[("1.00", "", "B9", "x")])).await;
        assert_eq!(world.finding(FindingKind::StatementGap).await.amount, Some(sgd("10.00")));
        // It comes after all, behind the one that goes on from it.
        read(&world, &camt("0039012345", &day, "50.00", "60.00", &[("10.00", "", "B8", "w")])).await;
        let open = world.findings().await;
        assert!(open.iter().all(|finding| finding.kind != FindingKind::StatementGap), "{open:#?}");
        // What nobody knows is borne by two, never explained away by one while it stands.
        let unknown = world.finding(FindingKind::BankUnexplained).await;
        assert!(world.word(world.maker, &unknown, Action::Dismiss).await.is_err());
        world.resolve(&unknown, Action::Adopt).await;
        world
            .stands(&[("1010[dbs] SGD", "61.00"), ("2900[dbs] SGD", "-51.00"), ("5030 SGD", "-10.00")])
            .await;
        world.verified().await;
        store.close().await;
    })
    .await;
}

/// A bank's day comes as camt.053 and as MT940, as a batch and with its parts, under other references.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_in_another_form_is_the_same_day() {
    on_each_engine("other_form", async |database| {
        let store = database.open().await;
        let world = world(&store, database, grabpay).await;
        for (order, reference) in [("1", "GP-11111"), ("2", "GP-22222")] {
            captured(&world, order, "10.40", ALL_TO_A).await;
            let at = world.clock.now();
            record(&world, batch(reference, at, "10.40", "0", "0.19", "10.21")).await;
        }
        let day = world.clock.now().date_naive();
        let (iso, short) = (day.to_string(), day.format("%y%m%d"));
        read(&world, &camt("0039012345", &iso, "0.00", "10.21", &[("10.21", "", "B1", "sweep")])).await;
        let transit = [
            ("1010[dbs] SGD", "10.21"),
            ("1140[grabpay-sg] SGD", "10.21"),
            ("2100[A] SGD", "-20.80"),
            ("5000[grabpay-sg] SGD", "0.38"),
        ];
        world.stands(&transit).await;
        let mt940 = format!(
            ":20:A\r\n:25:0039012345\r\n:28C:1/1\r\n:60F:C{short}SGD0,00\r\n:61:{short}C10,21NTRFNONREF//X-9\r\n\
             :86:SWEEP\r\n:62F:C{short}SGD10,21\r\n-\r\n"
        );
        let statements = straits::banks::mt940::read(mt940.as_bytes()).unwrap();
        let file = StatementFile::new("mt940", mt940.as_bytes(), statements, None);
        for _ in 0..2 {
            let read = world.deposits.read_statements(&world.vault, world.merchant.id, &file, Change::new());
            read.await.unwrap();
        }
        // The same way in two parts.
        let parts = [("5.00", "", "P1", "sweep"), ("5.21", "", "P2", "sweep")];
        read(&world, &camt("0039012345", &iso, "0.00", "10.21", &parts)).await;
        world.stands(&transit).await;
        assert_eq!(world.findings().await, []);
        // The second one goes on from there; what goes back and comes again is no repetition.
        read(&world, &camt("0039012345", &iso, "10.21", "20.42", &[("10.21", "", "B2", "sweep")])).await;
        assert_eq!(world.standing().await["1010[dbs] SGD"], "20.42");
        read(&world, &camt("0039012345", &iso, "20.42", "10.21", &[("-10.21", "", "B3", "out")])).await;
        read(&world, &camt("0039012345", &iso, "10.21", "20.42", &[("10.21", "", "B4", "in again")])).await;
        assert_eq!(world.standing().await["1010[dbs] SGD"], "20.42");
        world.verified().await;
        store.close().await;
    })
    .await;
}

/// A credit of cents may tell of a payout; it does not bring it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_tells_of_a_payout_is_not_it() {
    on_each_engine("only_tells", async |database| {
        let store = database.open().await;
        let world = world(&store, database, grabpay).await;
        captured(&world, "1", "600.00", ALL_TO_A).await;
        let at = world.clock.now();
        record(&world, batch("GP-11111", at, "600.00", "0", "10.80", "589.20")).await;
        let day = at.date_naive().to_string();
        let told = ("0.10", "", "B1", "INTEREST ADJUSTMENT RE GP-11111");
        read(&world, &camt("0039012345", &day, "0.00", "0.10", &[told])).await;
        let transit = async || world.standing().await.get("1140[grabpay-sg] SGD").cloned();
        assert_eq!(transit().await.as_deref(), Some("589.20"));
        assert_eq!(world.standing().await["2900[dbs] SGD"], "-0.10");
        let part = ("300.00", "", "B2", "GP-11111 part 1");
        read(&world, &camt("0039012345", &day, "0.10", "300.10", &[part])).await;
        assert_eq!(transit().await.as_deref(), Some("589.20"));
        // Less a wire's charge it is there.
        let whole = ("564.20", "", "B3", "GP-11111");
        read(&world, &camt("0039012345", &day, "300.10", "864.30", &[whole])).await;
        assert_eq!(transit().await, None);
        assert_eq!(world.finding(FindingKind::DepositShort).await.amount, Some(sgd("25.00")));
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bank_may_be_faster_than_the_gateway_and_pay_many_batches_at_once() {
    on_each_engine("bank_first", async |database| {
        let store = database.open().await;
        let world = world(&store, database, grabpay).await;
        captured(&world, "1", "30.00", ALL_TO_A).await;
        let at = world.clock.now();
        let day = at.date_naive().to_string();
        read(&world, &camt("0039012345", &day, "0.00", "29.46", &[("29.46", "", "B1", "GP-11111 sweep")]))
            .await;
        world.finding(FindingKind::BankUnexplained).await;
        let sent = record(&world, batch("GP-11111", at, "30.00", "0", "0.54", "29.46")).await;
        assert_eq!(sent.state.as_str(), "received");
        assert!(world.findings().await.is_empty());
        let standing = world.standing().await;
        assert!(!standing.contains_key("2900[dbs] SGD") && !standing.contains_key("1140[grabpay-sg] SGD"));
        // Told again it says nothing new; with other figures it is refused.
        let again = batch("GP-11111", at, "30.00", "0", "0.54", "29.46");
        let told = world.deposits.record_batch(&world.account, again.clone(), Change::new()).await.unwrap();
        assert!(!told.is_news);
        let other = batch("GP-11111", at, "30.00", "0", "0.53", "29.47");
        assert!(world.deposits.record_batch(&world.account, other, Change::new()).await.is_err());
        let broken = batch("GP-2", at, "30.00", "0", "0.53", "29.46");
        assert!(world.deposits.record_batch(&world.account, broken, Change::new()).await.is_err());

        // Closed first, sent later; two of them come in one deposit that names neither.
        for (order, reference) in [("2", "GP-22222"), ("3", "GP-33333")] {
            captured(&world, order, "20.00", ALL_TO_A).await;
            let mut closed = batch(reference, world.clock.now(), "20.00", "0", "0.36", "19.64");
            closed.paid_at = None;
            assert_eq!(record(&world, closed.clone()).await.state, DepositState::Expected);
            closed.paid_at = Some(world.clock.now());
            assert_eq!(record(&world, closed).await.state, DepositState::InTransit);
            database.tick(TimeDelta::minutes(1));
        }
        read(&world, &camt("0039012345", &day, "29.46", "68.74", &[("39.28", "", "B2", "incoming")])).await;
        assert!(world.findings().await.is_empty(), "{:#?}", world.findings().await);
        for row in store.gateway_settlements(world.merchant.id, "", Default::default(), 10).await.unwrap() {
            assert_eq!(row.state.as_str(), "received", "{row:?}");
        }
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_released_is_refunded_from_what_is_available() {
    on_each_engine("released_refund", async |database| {
        let store = database.open().await;
        let world = world(&store, database, grabpay).await;
        own_funds(&world).await;
        let payment = captured(&world, "1", "30.00", ALL_TO_A).await;
        let at = world.clock.now();
        record(&world, batch("GP-11111", at, "30.00", "0", "0.54", "29.46")).await;
        let day = at.date_naive().to_string();
        read(&world, &camt("0039012345", &day, "0.00", "29.46", &[("29.46", "", "B1", "GP-11111")])).await;
        // Another payment's pending share is not touched by the refund of one that was released.
        database.tick(TimeDelta::days(2));
        captured(&world, "2", "7.00", ALL_TO_A).await;
        assert_eq!(world.releasing.release_due().await.unwrap(), 1);
        world.refund(payment, r#"{"amount":{"amount":"10.00","currency":"SGD"}}"#).await.unwrap();
        let standing = world.standing().await;
        assert_eq!((standing["2100[A] SGD"].as_str(), standing["2110[A] SGD"].as_str()), ("-7.00", "-20.00"));
        world.verified().await;
        store.close().await;
    })
    .await;
}
