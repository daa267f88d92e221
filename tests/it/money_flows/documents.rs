//! A settlement says what was booked for it: whatever is changed in one of the two, `verify` names the payment.

use sqlx::AssertSqlSafe;
use straits::store::{Verification, VerifyOptions};

use super::two;
use super::world::{Setup, World, money};
use crate::engines::on_each_engine;

/// Columns, what is put in their place, and a word of what `verify` then says.
const TAMPERINGS: &[(&str, &str, &str)] = &[
    ("settlement", "gross = gross + 1", "its frozen numbers of"),
    ("settlement", "lines = REPLACE(lines, '86.92', '86.93')", "not those of its frozen numbers"),
    ("settlement", "frozen = REPLACE(frozen, '\"fee_borne\"', '\"fee_bored\"')", "cannot be read"),
    (
        "settlement",
        "frozen = REPLACE(frozen, '86.92', '86.93'), lines = REPLACE(lines, '86.92', '86.93')",
        "do not sum",
    ),
    (
        "settlement",
        "frozen = REPLACE(REPLACE(frozen, '86.92', '86.93'), '130.38', '130.37'),
         lines = REPLACE(REPLACE(lines, '86.92', '86.93'), '130.38', '130.37')",
        "more than was booked",
    ),
    ("settlement", "fee_version = 'other rules'", "fee rules"),
    ("settlement", "engine = '0'", "program"),
    ("settlement", "rates = '[]'", "a rate that is not among its evidence"),
    ("payment", "capture_ref = 'another'", "is in no book"),
    ("settlement", "payment_id = 'pay_another'", "its settlement is gone"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_that_is_not_what_was_booked_is_named() {
    on_each_engine("a_document_that_is_not_what_was_booked_is_named", async |database| {
        let store = database.open().await;
        let setup = Setup { suppliers: ["CNY", "SGD"], ..Setup::default() };
        let world = World::on(&store, &database.clock, setup).await;
        world.quote(&[("USD", "1"), ("SGD", "1.28"), ("CNY", "7.12")]).await;
        let payment = two(&world, "documents").await;
        world.refund(payment, r#"{"items":["b"]}"#).await.unwrap();
        world.verified().await;
        assert_eq!(world.payment(payment).await.amount, money("250.00", "SGD"));
        let mut connection = database.connect().await;
        for (table, tampering, word) in TAMPERINGS {
            let mut begin = async |sql: String| {
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap().rows_affected()
            };
            begin(format!("CREATE TABLE kept AS SELECT * FROM {table}")).await;
            assert_eq!(begin(format!("UPDATE {table} SET {tampering}")).await, 1, "{tampering}");
            let seen = store.verify(&VerifyOptions::default()).await.unwrap();
            assert!(faults(&seen).contains(word), "{tampering}: {}", faults(&seen));
            begin(format!("DELETE FROM {table}")).await;
            begin(format!("INSERT INTO {table} SELECT * FROM kept")).await;
            begin("DROP TABLE kept".to_owned()).await;
        }
        world.verified().await;
        store.close().await;
    })
    .await;
}

fn faults(seen: &Verification) -> String {
    let faults = seen.checks.iter().filter(|check| !check.ok);
    faults.map(|check| format!("{}: {}", check.name, check.detail)).collect::<Vec<_>>().join("; ")
}
