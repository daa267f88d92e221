//! Lines that nobody has explained: more than are read at once, and those of one sum.

use sqlx::{AssertSqlSafe, Connection};
use straits::ids::BankLineId;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_of_a_thousand_open_lines_finds_its_other_side() {
    on_each_engine("the_newest_of_a_thousand_open_lines", async |database| {
        let store = database.open().await;
        let world = world(&store, database, grabpay).await;
        own_funds(&world).await;
        let day = world.clock.now().date_naive().to_string();
        read(&world, &camt("0039012345", &day, "0.00", "7.77", &[("7.77", "", "B0", "who knows")])).await;
        // A thousand like it.
        let mut connection = database.connect().await;
        let columns = "version, merchant_id, bank_account_id, statement_id, amount, charges, currency, booked_on,
            value_on, is_reversal, reference, names, said, state, state_detail, recorded_at";
        let copies: String = (0..1_000)
            .map(|_| {
                let id: BankLineId = world.ids.mint();
                format!("INSERT INTO bank_line (id, line_key, {columns}) SELECT '{id}', '{id}', {columns} FROM bank_line WHERE reference = 'B0' LIMIT 1;\n")
            })
            .collect();
        sqlx::raw_sql(AssertSqlSafe(format!("BEGIN;\n{copies}COMMIT;"))).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        database.tick(TimeDelta::seconds(1));
        let day = world.clock.now().date_naive().to_string();
        read(&world, &camt("0039012345", &day, "7.77", "47.77", &[("40.00", "", "B1", "top-up")])).await;
        read(&world, &camt("0039012346", &day, "1000.00", "960.00", &[("-40.00", "", "O1", "top-up")])).await;
        let standing = world.standing().await;
        assert_eq!(standing.get("2900[dbs] SGD").map(String::as_str), Some("-7.77"), "{standing:?}");
        // And a payout that is told of late finds its credit among them.
        database.tick(TimeDelta::seconds(1));
        read(&world, &camt("0039012345", &day, "47.77", "67.77", &[("20.00", "", "B2", "BATCH-9")])).await;
        record(&world, batch("BATCH-9", world.clock.now(), "20.00", "0", "0", "20.00")).await;
        let standing = world.standing().await;
        assert_eq!(standing.get("1140[grabpay-sg] SGD"), None, "{standing:?}");
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_is_told_by_more_than_its_sum() {
    on_each_engine("a_transfer_is_told_by_more_than_its_sum", async |database| {
        let store = database.open().await;
        let world = world(&store, database, grabpay).await;
        own_funds(&world).await;
        let day = world.clock.now().date_naive().to_string();
        let (client, own) = ("0039012345", "0039012346");
        // Two that sent as much, and a rent of that sum: nobody can tell.
        let two = [("300.00", "", "B1", "J TAN"), ("300.00", "", "B2", "A LIM")];
        read(&world, &camt(client, &day, "0.00", "600.00", &two)).await;
        read(&world, &camt(own, &day, "1000.00", "700.00", &[("-300.00", "", "O1", "RENT")])).await;
        let standing = world.standing().await;
        assert_eq!(standing.get("2900[dbs] SGD").map(String::as_str), Some("-300.00"), "{standing:?}");
        assert_eq!(world.findings().await.len(), 3);
        // One that shares a reference is meant, whatever else has its sum.
        read(&world, &camt(own, &day, "700.00", "400.00", &[("-300.00", "", "O2", "to client, ref B2")]))
            .await;
        let open = world.findings().await;
        let facts: Vec<bool> = open.iter().map(|finding| finding.detail.contains("A LIM")).collect();
        assert_eq!(facts, [false, false], "{open:#?}");
        // The only two of a sum that say no word alike: a transfer, and a person looks.
        read(&world, &camt(client, &day, "600.00", "670.00", &[("70.00", "", "B3", "C ONG")])).await;
        read(&world, &camt(own, &day, "400.00", "330.00", &[("-70.00", "", "O3", "FLOWERS")])).await;
        let standing = world.standing().await;
        assert!(!standing.contains_key("2900[dbs] SGD"), "{standing:?}");
        let open = world.findings().await;
        assert_eq!(open.len(), 3, "{open:#?}");
        let guess = open.iter().find(|finding| finding.detail.contains("C ONG")).unwrap();
        world.word(world.maker, guess, Action::Dismiss).await.unwrap();
        store.close().await;
    })
    .await;
}
