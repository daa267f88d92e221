//! Whose line it is: the account that a statement names, and the payouts that a credit names.

use straits::flows::deposits::DepositError;
use straits::ids::BankAccountId;

use super::*;

async fn account(world: &World, name: &str, kind: BankAccountKind, number: &str) -> BankAccountId {
    let account = BankAccount {
        id: world.ids.mint(),
        merchant: world.merchant.id,
        name: name.into(),
        kind,
        currency: "SGD".parse().unwrap(),
        country: "SG".into(),
        bic: None,
        hint: number[3..].into(),
        sweeps: vec![],
        address: None,
        created_at: world.clock.now(),
    };
    let id = account.id;
    let sealed = seal_details(&world.vault, id, &number.to_owned().into(), None).unwrap();
    let mut change = Change::new();
    change.insert_bank_account(&StoredBankAccount { account, sealed });
    world.store.commit(change).await.unwrap();
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_is_of_the_account_whose_number_is_the_whole() {
    on_each_engine("whose_account", async |database| {
        let store = database.open().await;
        let world = world(&store, database, grabpay).await;
        let own = account(&world, "uob", BankAccountKind::Own, "1234567").await;
        let client = account(&world, "ocbc", BankAccountKind::Client, "991234567").await;
        let day = world.clock.now().date_naive().to_string();
        let read = async |number: &str, told: Option<BankAccountId>| {
            let text = camt(number, &day, "0.00", "1.00", &[("1.00", "", number, "a")]);
            let statements = camt053::read(text.as_bytes()).unwrap();
            let file = StatementFile::new("camt053", text.as_bytes(), statements, told);
            let read = world.deposits.read_statements(&world.vault, world.merchant.id, &file, Change::new());
            read.await.map(|statements| statements[0].bank_account)
        };
        assert_eq!(read("99-1234567", None).await.unwrap(), client);
        assert_eq!(read("1234567", None).await.unwrap(), own);
        assert_eq!(read("UOVB/1234567", None).await.unwrap(), own);
        let two = read("SG 99 1234567", None).await.unwrap_err();
        assert!(matches!(&two, DepositError::Ambiguous { account } if account == "SG 99 1234567"), "{two}");
        assert_eq!(read("SG 99 1234567", Some(client)).await.unwrap(), client);
        // The number is another account's, whatever is said of it.
        for (number, told) in [("991234567", Some(own)), ("77", None), ("77", Some(own))] {
            let unknown = read(number, told).await.unwrap_err();
            assert!(matches!(unknown, DepositError::Unknown(_)), "{number}: {unknown}");
        }
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credit_is_of_the_payout_it_names_and_not_of_one_whose_name_begins_so() {
    on_each_engine("whose_credit", async |database| {
        let store = database.open().await;
        let world = world(&store, database, grabpay).await;
        let at = world.clock.now();
        let day = at.date_naive().to_string();
        for (reference, net) in [("BATCH-1", "10.00"), ("BATCH-10", "20.00")] {
            record(&world, batch(reference, at, net, "0", "0", net)).await;
        }
        read(&world, &camt("0039012345", &day, "0.00", "20.00", &[("20.00", "", "B1", "BATCH-10")])).await;
        let standing = world.standing().await;
        assert_eq!(standing.get("1140[grabpay-sg] SGD").map(String::as_str), Some("10.00"), "{standing:?}");
        read(&world, &camt("0039012345", &day, "20.00", "30.00", &[("10.00", "", "B2", "BATCH-1")])).await;
        let kinds: Vec<FindingKind> = world.findings().await.iter().map(|finding| finding.kind).collect();
        assert!(kinds.iter().all(|kind| *kind == FindingKind::BatchDiffers), "{kinds:?}");
        let standing = world.standing().await;
        assert!(!standing.contains_key("1140[grabpay-sg] SGD") && !standing.contains_key("2900[dbs] SGD"));
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credit_that_names_a_received_payout_is_no_other_of_its_amount() {
    on_each_engine("whose_credit_again", async |database| {
        let store = database.open().await;
        let world = world(&store, database, grabpay).await;
        let at = world.clock.now();
        let day = at.date_naive().to_string();
        for reference in ["GPSWEEP-D1", "GPSWEEP-D2"] {
            record(&world, batch(reference, at, "10.00", "0", "0", "10.00")).await;
        }
        let stands = async |on_its_way: Option<&str>, aside: Option<&str>| {
            let standing = world.standing().await;
            let amount = |account: &str| standing.get(account).map(String::as_str);
            assert_eq!((amount("1140[grabpay-sg] SGD"), amount("2900[dbs] SGD")), (on_its_way, aside));
        };
        let credit = |bank: &'static str, text: &'static str| ("10.00", "", bank, text);
        read(&world, &camt("0039012345", &day, "0.00", "10.00", &[credit("B1", "GPSWEEP-D1")])).await;
        stands(Some("10.00"), None).await;
        // The first one's name once more: the second is still on its way.
        read(&world, &camt("0039012345", &day, "10.00", "20.00", &[credit("B2", "of GPSWEEP-D1")])).await;
        stands(Some("10.00"), Some("-10.00")).await;
        world.finding(FindingKind::BankUnexplained).await;
        read(&world, &camt("0039012345", &day, "20.00", "30.00", &[credit("B3", "a sweep")])).await;
        stands(None, Some("-10.00")).await;
        world.verified().await;
        store.close().await;
    })
    .await;
}
