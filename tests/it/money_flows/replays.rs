//! What was settled is computed again: the same bytes after conversions that waited, refunds and gateways' own
//! conversions; whatever is changed is named; other rules say what they would have made of it.

use chrono::{Days, NaiveDate};
use sqlx::AssertSqlSafe;
use straits::domain::access::Hand;
use straits::domain::fees::FeeBook;
use straits::domain::settlement::Whose;
use straits::flows::replay::{Replay, ReplayError, Replayed};
use straits::money::Money;

use super::world::{Setup, World, converted, money, taken};
use super::{FORTY, ONE, TWO, one, two};
use crate::engines::on_each_engine;

const RATES: &[(&str, &str)] = &[("USD", "1"), ("SGD", "1.28"), ("CNY", "7.12")];

async fn replay(world: &World, other: Option<&FeeBook>) -> Result<Replayed, ReplayError> {
    let mut replay = Replay::new(world.store.clone(), world.statements.clone());
    let mut replayed = Replayed::default();
    let today = world.clock.now().date_naive();
    let days = (today.checked_sub_days(Days::new(1)).unwrap(), today);
    replay.run(&world.merchant, days, other, &mut replayed).await?;
    Ok(replayed)
}

fn differences(replayed: &Replayed) -> String {
    replayed.differences.iter().map(|one| format!("{one:?}")).collect::<Vec<_>>().join("; ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_settled_is_computed_again_byte_for_byte() {
    on_each_engine("everything_settled_is_computed_again_byte_for_byte", async |database| {
        let store = database.open().await;
        let setup = Setup { suppliers: ["CNY", "SGD"], holds: &["USD", "SGD"], ..Setup::default() };
        let world = World::on(&store, &database.clock, setup).await;
        // Waits for a rate, loses a part to a refund, is converted.
        let waits = one(&world, "waits").await;
        world.refund(waits, FORTY).await.unwrap();
        world.quote(RATES).await;
        assert_eq!(world.settlements.convert_waiting().await.unwrap(), 1);
        two(&world, "at once").await;
        // The gateway converts what the account does not hold.
        let euros = taken("CAP-euros", "100.00", "EUR", "4.90");
        let euros = converted(euros, money("104.61", "USD"), "1.1000");
        world.paid("euros", money("100.00", "EUR"), ONE, euros).await;
        // No fee in the capture: by contract.
        let accrued =
            straits::domain::orders::Capture { fee: None, ..taken("CAP-accrued", "250.00", "SGD", "0") };
        world.paid("accrued", money("250.00", "SGD"), TWO, accrued).await;
        let replayed = replay(&world, None).await.unwrap();
        assert_eq!((replayed.settlements, replayed.differing), (4, 0), "{}", differences(&replayed));
        assert_eq!(replayed.fee_books.values().sum::<u64>(), 4);
        assert_eq!(replayed.fee_books.len(), 1);
        store.close().await;
    })
    .await;
}

/// What is put in the place of what was stored, and a word of what is then said.
const TAMPERINGS: &[(&str, &str)] = &[
    ("frozen = REPLACE(frozen, '130.38', '130.37')", "130.37"),
    ("lines = REPLACE(lines, '86.92', '86.93')", "86.93"),
    ("inputs = REPLACE(inputs, '250.00', '250.01')", "250.01"),
    ("inputs = REPLACE(inputs, '\"percent\":\"12\"', '\"percent\":\"13\"')", "101.86"),
    ("inputs = 'x'", "cannot be read"),
    ("fee_version = 'other'", "other"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_was_changed_is_named() {
    on_each_engine("whatever_was_changed_is_named", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        world.quote(RATES).await;
        let whole = two(&world, "whole").await;
        let record = store.settlement_of(whole).await.unwrap().unwrap().value;
        let mut connection = database.connect().await;
        let mut run = async |sql: String| {
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap().rows_affected()
        };
        run("CREATE TABLE kept AS SELECT * FROM settlement".to_owned()).await;
        for (tampering, word) in TAMPERINGS {
            assert_eq!(run(format!("UPDATE settlement SET {tampering}")).await, 1, "{tampering}");
            let replayed = replay(&world, None).await.unwrap();
            let told = differences(&replayed);
            assert_eq!(replayed.differing, 1, "{tampering}: {told}");
            assert!(told.contains(word) && told.contains(&record.id.to_string()), "{tampering}: {told}");
            run("DELETE FROM settlement".to_owned()).await;
            run("INSERT INTO settlement SELECT * FROM kept".to_owned()).await;
        }
        // Without inputs it is only left alone where none were kept yet.
        run("UPDATE settlement SET inputs = NULL".to_owned()).await;
        let robbed = replay(&world, None).await.unwrap();
        let told = differences(&robbed);
        assert_eq!((robbed.without_inputs, robbed.settlements, robbed.differing), (0, 0, 1), "{told}");
        assert!(told.contains("inputs") && told.contains(&record.id.to_string()), "{told}");
        run("UPDATE settlement SET created_at = created_at - 1".to_owned()).await;
        run("UPDATE fee_book SET created_at = created_at + 1".to_owned()).await;
        let old = replay(&world, None).await.unwrap();
        assert_eq!((old.without_inputs, old.settlements, old.differing), (1, 0, 0));
        run("UPDATE fee_book SET created_at = created_at - 1".to_owned()).await;
        // Gone, it is missed: its postings are there.
        run("DELETE FROM settlement".to_owned()).await;
        let gone = replay(&world, None).await.unwrap();
        let told = differences(&gone);
        assert_eq!((gone.settlements, gone.differing), (0, 1), "{told}");
        assert!(told.contains("its settlement") && told.contains(&whole.to_string()), "{told}");
        run("INSERT INTO settlement SELECT * FROM kept".to_owned()).await;
        // Rules that were changed behind their name are not believed.
        assert_eq!(run("UPDATE fee_book SET rules = REPLACE(rules, '0', '1')".to_owned()).await, 1);
        let damaged = replay(&world, None).await.unwrap();
        let told = differences(&damaged);
        assert_eq!((damaged.settlements, damaged.differing), (0, 1), "{told}");
        assert!(told.contains("its fee book") && told.contains("its hash is another"), "{told}");
        assert!(told.contains(&record.id.to_string()), "{told}");
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_rules_say_what_they_would_have_cost() {
    on_each_engine("other_rules_say_what_they_would_have_cost", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let accrued = straits::domain::orders::Capture { fee: None, ..taken("CAP-1", "100.00", "USD", "0") };
        world.paid("1", money("100.00", "USD"), ONE, accrued).await;
        let draft = r#"name = "PayPal Singapore"
            [[rule]]
            name = "dearer"
            kind = "gateway"
            when = { gateway = "paypal", currency = "USD" }
            percent = "6"
            fixed = "0.10"
            bearer = "suppliers"
            source = "an offer"
            trust = "contract""#;
        let name = FeeBook::shipped().schedules().iter().find(|schedule| schedule.name.contains("paypal") || schedule.name.contains("PayPal"));
        let draft = draft.replace("PayPal Singapore", &name.unwrap().name);
        let draft = FeeBook::read(&[("draft.toml", &draft)]).unwrap();
        let replayed = replay(&world, Some(&draft)).await.unwrap();
        assert_eq!((replayed.settlements, replayed.differing), (1, 0), "{}", differences(&replayed));
        let other = replayed.by_other_rules.unwrap();
        let rows: Vec<(Whose, Money, Money)> = other.then.beside(&other.with).collect();
        let of = |whose: Whose| rows.iter().find(|row| row.0 == whose).map(|row| (row.1.amount().to_string(), row.2.amount().to_string()));
        // 6 % of 100.00 and 0.10; the supplier bears it, the platform keeps its tenth.
        let (then, with) = of(Whose::Gateway).unwrap();
        assert_eq!(with, "6.10");
        let (share_then, share_with) = of(Whose::Supplier(world.suppliers[0])).unwrap();
        assert_eq!(share_with, "83.90");
        let sum = |a: &str, b: &str| money(a, "USD").checked_add(money(b, "USD")).unwrap();
        assert_eq!(sum(&then, &share_then), money("90.00", "USD"));
        assert_eq!(of(Whose::Platform).unwrap(), ("10.00".to_owned(), "10.00".to_owned()));
        assert_eq!((other.compared, other.indivisible_count), (1, 0));
        // What a gateway charged moves by what the tariffs differ in: ten cents off its tariff stay ten cents off.
        let charged = money(&then, "USD").checked_add(money("0.10", "USD")).unwrap().amount().to_string();
        world.paid("2", money("100.00", "USD"), ONE, taken("CAP-2", "100.00", "USD", &charged)).await;
        let other = replay(&world, Some(&draft)).await.unwrap().by_other_rules.unwrap();
        let rows: Vec<(Whose, Money, Money)> = other.then.beside(&other.with).collect();
        let gateway = rows.iter().find(|row| row.0 == Whose::Gateway).unwrap();
        assert_eq!((gateway.1, gateway.2), (sum(&then, &charged), money("12.30", "USD")));
        // A rule that leaves nothing to divide is said, payment by payment.
        let greedy = FeeBook::read(&[("greedy.toml", &format!(
            "name = \"{}\"\n[[rule]]\nname = \"all\"\nkind = \"gateway\"\npercent = \"95\"\nbearer = \"suppliers\"\nsource = \"s\"\ntrust = \"contract\"", name.unwrap().name))]).unwrap();
        let other = replay(&world, Some(&greedy)).await.unwrap().by_other_rules.unwrap();
        assert_eq!((other.compared, other.indivisible_count), (0, 2), "{:?}", other.indivisible);
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn issued_statements_are_made_again() {
    on_each_engine("issued_statements_are_made_again", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        one(&world, "told").await;
        let day: NaiveDate = world.clock.now().date_naive();
        world.clock.advance(chrono::TimeDelta::days(1));
        let close = async |user| {
            world
                .close_period
                .close(world.merchant.id, user, world.ids.mint(), day, straits::store::Change::new())
                .await
                .unwrap()
        };
        close(Hand::own(world.maker)).await;
        close(Hand::own(world.checker)).await;
        let replayed = replay(&world, None).await.unwrap();
        assert!(replayed.statements >= 1, "{replayed:?}");
        assert_eq!((replayed.settlements, replayed.differing), (1, 0), "{}", differences(&replayed));
        store.close().await;
    })
    .await;
}

/// What was changed behind the program's back, and what is said of the statement; everything else is computed.
const BEHIND: &[(&str, &str, &str, &str)] = &[
    (
        "ledger_entry",
        "UPDATE ledger_entry SET amount = amount + 1 WHERE seq = 1 AND account_id IN
            (SELECT id FROM ledger_account WHERE owner = '{A}' AND currency = 'USD')",
        "all of it",
        "cannot be made again",
    ),
    ("issued_statement", "UPDATE issued_statement SET body = '{body}' WHERE id = '{id}'", "line 2", "85.11"),
    (
        "issued_statement",
        "UPDATE issued_statement SET body = '{damaged}' WHERE id = '{id}'",
        "all of it",
        "cannot be read",
    ),
    ("fee_book", "UPDATE fee_book SET rules = 'x'", "its fee book", "cannot be read"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_changed_is_named_nothing_is_written_and_the_rest_is_computed() {
    on_each_engine("replays of damaged books", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        world.quote(RATES).await;
        one(&world, "A's").await;
        two(&world, "both").await;
        let day: NaiveDate = world.clock.now().date_naive();
        world.clock.advance(chrono::TimeDelta::days(1));
        for user in [world.maker, world.checker] {
            let (flow, id) = (&world.close_period, world.ids.mint());
            let closed =
                flow.close(world.merchant.id, Hand::own(user), id, day, straits::store::Change::new());
            closed.await.unwrap();
        }
        let whole = replay(&world, None).await.unwrap();
        assert_eq!((whole.settlements, whole.differing), (2, 0), "{}", differences(&whole));
        assert!(whole.statements >= 2, "{whole:?}");
        let supplier = world.suppliers[0].to_string();
        let issued = store.issued_statements(
            world.merchant.id,
            Some(world.suppliers[0]),
            straits::store::Seek::Start,
            10,
        );
        let issued = issued.await.unwrap();
        let issued = issued.iter().find(|issued| issued.opening.currency().code() == "USD").unwrap();
        let (_, bytes) = store.issued_statement(world.merchant.id, issued.id).await.unwrap().unwrap();
        let altered = String::from_utf8(bytes).unwrap().replace("85.10", "85.11");
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let mut packer = flate2::write::ZlibEncoder::new(vec![], flate2::Compression::default());
        std::io::Write::write_all(&mut packer, altered.as_bytes()).unwrap();
        let packed = packer.finish().unwrap();
        let is_postgres = database.url.starts_with("postgres");
        let literal = |bytes: &[u8]| match is_postgres {
            true => format!("'\\x{}'", hex(bytes)),
            false => format!("x'{}'", hex(bytes)),
        };
        let mut connection = database.connect().await;
        let mut run = async |sql: String| {
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap().rows_affected()
        };
        for (table, damage, at, word) in BEHIND {
            run(format!("CREATE TABLE kept AS SELECT * FROM {table}")).await;
            let sql = damage.replace("{A}", &supplier).replace("{id}", &issued.id.to_string());
            let sql = sql.replace("'{body}'", &literal(&packed)).replace("'{damaged}'", &literal(b"no zlib"));
            assert!(run(sql).await > 0, "{damage}");
            let before = store.chain_head().await.unwrap();
            let replayed = replay(&world, None).await.unwrap();
            let told = differences(&replayed);
            assert!(told.contains(at) && told.contains(word), "{damage}: {told}");
            let (settlements, statements) = match *table {
                "fee_book" => (0, whole.statements),
                _ => (2, whole.statements - 1),
            };
            assert_eq!(
                (replayed.settlements, replayed.statements),
                (settlements, statements),
                "{damage}: {told}"
            );
            assert_eq!(replayed.differing, if *table == "fee_book" { 2 } else { 1 }, "{damage}: {told}");
            assert_eq!(store.chain_head().await.unwrap(), before);
            assert_eq!(world.findings().await, [], "a replay only reads");
            run(format!("DELETE FROM {table}")).await;
            run(format!("INSERT INTO {table} SELECT * FROM kept")).await;
            run("DROP TABLE kept".to_owned()).await;
        }
        let again = replay(&world, None).await.unwrap();
        assert_eq!((again.differing, again.statements), (0, whole.statements));
        store.close().await;
    })
    .await;
}
