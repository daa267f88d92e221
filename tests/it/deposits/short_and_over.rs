//! What came is less or more than what was sent: J09 posting by posting, and what two persons decide.

use straits::domain::ledger::PostedTransaction;
use straits::flows::findings::ResolveError;

use super::*;
use crate::money_flows::world::Line;

/// The transactions of a story, posting by posting.
fn story(id: &str) -> Vec<Vec<Line>> {
    let file: Value = serde_json::from_str(include_str!("../../scenarios/postings.json")).unwrap();
    let story = file["scenarios"].as_array().unwrap().iter().find(|story| story["id"] == id).unwrap();
    let lines = |transaction: &Value| {
        let text = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
        let line = |line: &Value| {
            (text(line, "side"), text(line, "account"), text(line, "amount"), text(line, "currency"))
        };
        let mut lines: Vec<Line> = transaction["lines"].as_array().unwrap().iter().map(line).collect();
        lines.sort();
        lines
    };
    story["transactions"].as_array().unwrap().iter().map(lines).collect()
}

fn line(side: &str, account: &str, amount: &str) -> Line {
    (side.to_owned(), account.to_owned(), amount.to_owned(), "SGD".to_owned())
}

/// What was posted about the bank's line, in its order.
async fn about_the_line(world: &World) -> Vec<(JournalEvent, Vec<Line>)> {
    let told = |row: &PostedTransaction| (row.event, world.lines(row));
    let posted = world.transactions().await;
    posted.iter().map(told).filter(|(event, _)| *event != JournalEvent::GatewaySettled).collect()
}

/// A batch of 39.88 that settles nothing known here is sent, and a line comes that names it.
async fn came(world: &World, amount: &str, charge: &str) -> GatewaySettlement {
    let at = world.clock.now();
    let sent = record(world, batch("GP-20261118-AB", at, "39.88", "0", "0", "39.88")).await;
    // The batch settles captures that nobody knows here: told, and booked all the same.
    let differs = world.finding(FindingKind::BatchDiffers).await;
    world.word(world.maker, &differs, Action::Dismiss).await.unwrap();
    let day = at.date_naive().to_string();
    let line = (amount, charge, "B1", "GP-20261118-AB");
    read(world, &camt("0039012345", &day, "0.00", amount, &[line])).await;
    world.store.gateway_settlement(world.merchant.id, sent.id).await.unwrap().unwrap().value
}

/// Nobody bears it alone.
async fn adopted_by_two(world: &World, kind: FindingKind, amount: &str) {
    let found = world.finding(kind).await;
    assert_eq!(found.amount, Some(sgd(amount)));
    assert!(world.word(world.maker, &found, Action::Dismiss).await.is_err());
    world.word(world.maker, &found, Action::Adopt).await.unwrap();
    let alone = world.word(world.maker, &found, Action::Adopt).await.unwrap_err();
    assert!(matches!(alone, ResolveError::Refused(_)), "{alone}");
    world.word(world.checker, &found, Action::Adopt).await.unwrap();
    assert!(world.findings().await.is_empty());
    world.verified().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn j09_short_by_a_charge_the_bank_names_or_does_not() {
    on_each_engine("j09", async |database| {
        let store = database.open().await;
        let named = world(&store, database, grabpay).await;
        assert_eq!(came(&named, "39.38", "0.50").await.state.as_str(), "short");
        let [told] = story("J09").try_into().unwrap();
        assert_eq!(about_the_line(&named).await, [(JournalEvent::BankCredited, told)]);
        named
            .stands(&[
                ("1010[dbs] SGD", "39.38"),
                ("1100[grabpay-sg] SGD", "-39.88"),
                ("5090[dbs] SGD", "0.50"),
            ])
            .await;
        assert!(named.findings().await.is_empty());
        named.verified().await;

        let unnamed = world(&store, database, grabpay).await;
        assert_eq!(came(&unnamed, "39.38", "").await.state.as_str(), "short");
        adopted_by_two(&unnamed, FindingKind::DepositShort, "0.50").await;
        let credited =
            [("Cr", "1140[grabpay-sg]", "39.88"), ("Dr", "1010[dbs]", "39.38"), ("Dr", "2900[dbs]", "0.50")];
        let borne = [("Cr", "2900[dbs]", "0.50"), ("Dr", "5090[dbs]", "0.50")];
        let lines = |of: &[(&str, &str, &str)]| -> Vec<Line> {
            of.iter().map(|(side, account, amount)| line(side, account, amount)).collect()
        };
        let expected =
            [(JournalEvent::BankCredited, lines(&credited)), (JournalEvent::BankBorne, lines(&borne))];
        assert_eq!(about_the_line(&unnamed).await, expected);
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_was_sent_is_borne_by_two() {
    on_each_engine("deposit_over", async |database| {
        let store = database.open().await;
        let world = world(&store, database, grabpay).await;
        assert_eq!(came(&world, "40.00", "").await.state.as_str(), "received");
        world
            .stands(&[
                ("1010[dbs] SGD", "40.00"),
                ("1100[grabpay-sg] SGD", "-39.88"),
                ("2900[dbs] SGD", "-0.12"),
            ])
            .await;
        adopted_by_two(&world, FindingKind::DepositOver, "0.12").await;
        let credited = vec![
            line("Cr", "1140[grabpay-sg]", "39.88"),
            line("Cr", "2900[dbs]", "0.12"),
            line("Dr", "1010[dbs]", "40.00"),
        ];
        let borne = vec![line("Cr", "5030", "0.12"), line("Dr", "2900[dbs]", "0.12")];
        assert_eq!(
            about_the_line(&world).await,
            [(JournalEvent::BankCredited, credited), (JournalEvent::BankBorne, borne)]
        );
        store.close().await;
    })
    .await;
}
