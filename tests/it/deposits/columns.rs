//! A CSV says neither its account nor its columns: the same file is read once for each account, and always in one way.

use straits::banks::csv::{self, Columns};
use straits::flows::deposits::DepositError;
use straits::ids::BankAccountId;

use super::pages::holds;
use super::*;

/// What the file says is read so, for this account.
async fn take(
    world: &World,
    text: &str,
    account: BankAccountId,
    columns: &str,
) -> Result<BankStatement, DepositError> {
    let columns = Columns::default().with(columns).unwrap();
    let statements = csv::read(text.as_bytes(), &columns, "SGD".parse().unwrap()).unwrap();
    let file = StatementFile::new("csv", text.as_bytes(), statements, Some(account));
    let read = world.deposits.read_statements(&world.vault, world.merchant.id, &file, Change::new());
    read.await.map(|mut read| read.remove(0))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_booked_once_for_each_account_and_in_one_way() {
    on_each_engine("columns", async |database| {
        let store = database.open().await;
        let world = world(&store, database, grabpay).await;
        let stored = store.all_bank_accounts(world.merchant.id).await.unwrap();
        let of = |kind: BankAccountKind| {
            stored.iter().find(|row| row.account.kind == kind).map(|row| row.account.id).unwrap()
        };
        let (client, own) = (of(BankAccountKind::Client), of(BankAccountKind::Own));
        let day = world.clock.now().date_naive();
        let text =
            format!("Date,Amount,Details,Number,Fee\n{day},50.00,one,N1,0.00\n{day},7.00,two,N2,0.00\n");
        // By a column that moves nothing no line is kept: the right one is read afterwards.
        take(&world, &text, client, "amount=fee").await.unwrap();
        holds(&world, "0.00", 0, &[]).await;
        let first = take(&world, &text, client, "").await.unwrap();
        holds(&world, "57.00", 2, &[]).await;
        // With other words each line would be another one.
        for columns in ["text=number", "reference=number", "amount=fee"] {
            let refused = take(&world, &text, client, columns).await.unwrap_err();
            assert!(matches!(refused, DepositError::ReadOtherwise(id) if id == first.id), "{refused}");
        }
        let again = take(&world, &text, client, "text=details").await.unwrap();
        assert_eq!(again.id, first.id);
        holds(&world, "57.00", 2, &[]).await;
        // The other account has its own statement of it, with its own lines.
        for _ in ["once", "twice"] {
            let theirs = take(&world, &text, own, "").await.unwrap();
            assert_eq!((theirs.bank_account, theirs.id == first.id), (own, false));
            let lines = store.bank_lines_of(theirs.id, 10).await.unwrap();
            assert_eq!(lines.len(), 2);
            assert!(lines.iter().all(|line| line.value.bank_account == own));
        }
        holds(&world, "57.00", 4, &[]).await;
        let standing = world.standing().await;
        assert_eq!(standing.get("1000[dbs] SGD").map(String::as_str), Some("57.00"), "{standing:?}");
        world.verified().await;
        store.close().await;
    })
    .await;
}
