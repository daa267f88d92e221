//! A bank takes back what it had booked.

use straits::banks::mt940;

use super::*;

/// The entry under this reference is a reversal.
fn taking_back(text: &str, reference: &str) -> String {
    let entry = format!("<AcctSvcrRef>{reference}<");
    assert!(text.contains(&entry));
    text.replace(&entry, &format!("<RvslInd>true</RvslInd>{entry}"))
}

async fn state(world: &World, settlement: &GatewaySettlement) -> DepositState {
    let stored = world.store.gateway_settlement(world.merchant.id, settlement.id).await.unwrap();
    stored.unwrap().value.state
}

async fn states(world: &World, statements: &[BankStatement]) -> Vec<LineState> {
    let lines = world.store.bank_lines_of(statements[0].id, 100).await.unwrap();
    lines.into_iter().map(|row| row.value.state).collect()
}

pub(super) async fn read_mt940(world: &World, text: &str) -> Vec<BankStatement> {
    let statements = mt940::read(text.as_bytes()).unwrap();
    let file = StatementFile::new("mt940", text.as_bytes(), statements, None);
    world.deposits.read_statements(&world.vault, world.merchant.id, &file, Change::new()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deposit_that_is_taken_back_is_on_its_way_again() {
    on_each_engine("taken_back", async |database| {
        let store = database.open().await;
        let world = world(&store, database, grabpay).await;
        captured(&world, "1", "30.00", ALL_TO_A).await;
        let at = world.clock.now();
        let sent = record(&world, batch("GP-11111", at, "30.00", "0", "0.54", "29.46")).await;
        let sent_only = world.standing().await;
        let day = |days| (at + TimeDelta::days(days)).date_naive().to_string();

        // Short by a charge and by something nobody explains.
        let first = camt("0039012345", &day(0), "0.00", "28.46", &[("28.46", "0.50", "B1", "GP-11111")]);
        let credited = read(&world, &first).await;
        assert_eq!(state(&world, &sent).await.as_str(), "short");
        let short = world.finding(FindingKind::DepositShort).await;

        let back = camt("0039012345", &day(1), "28.46", "0.00", &[("-28.46", "", "B2", "RETURN GP-11111")]);
        let back = taking_back(&back, "B2");
        let reversal = read(&world, &back).await;
        assert_eq!(world.standing().await, sent_only, "everything stands where it stood before the deposit");
        assert_eq!(state(&world, &sent).await, DepositState::InTransit);
        let (old, new) = (states(&world, &credited).await, states(&world, &reversal).await);
        let ([LineState::Reversed { by, .. }], [LineState::Reversing { of }]) = (&old[..], &new[..]) else {
            panic!("{old:?} {new:?}")
        };
        let open = world.findings().await;
        let [finding] = open.as_slice() else { panic!("{open:#?}") };
        assert_eq!((finding.kind, finding.amount), (FindingKind::DepositReversed, Some(sgd("28.46"))));
        assert!(finding.detail.contains(&by.to_string()) && finding.detail.contains(&of.to_string()));
        assert_ne!(finding.id, short.id);

        // The same file, and another that prints the same line, say nothing new.
        read(&world, &back).await;
        read(&world, &format!("{back}\n")).await;
        assert_eq!((world.standing().await, world.findings().await.len()), (sent_only.clone(), 1));
        let posted = world.transactions().await;
        assert_eq!(posted.iter().filter(|row| row.event == JournalEvent::BankReversed).count(), 1);
        assert_eq!(world.releasing.release_due().await.unwrap(), 0);

        // It comes a second time, whole, and is taken back and comes again in the words of another form.
        let again = camt("0039012345", &day(2), "0.00", "29.46", &[("29.46", "", "B3", "GP-11111")]);
        read(&world, &again).await;
        assert_eq!(state(&world, &sent).await.as_str(), "received");
        let ymd = |days| (at + TimeDelta::days(days)).format("%y%m%d").to_string();
        let (three, four) = (ymd(3), ymd(4));
        let text = format!(
            ":20:S3\n:25:0039012345\n:28C:3/1\n:60F:C{three}SGD29,46\n:61:{three}RC29,46NTRFNONREF//B3\n:62F:C{three}SGD0,00\n"
        );
        read_mt940(&world, &text).await;
        assert_eq!((world.standing().await, state(&world, &sent).await), (sent_only, DepositState::InTransit));
        let text = format!(
            ":20:S4\n:25:0039012345\n:28C:4/1\n:60F:C{three}SGD0,00\n:61:{four}C29,46NTRFGP-11111//B4\n:62F:C{four}SGD29,46\n"
        );
        read_mt940(&world, &text).await;
        assert_eq!(state(&world, &sent).await.as_str(), "received");
        assert!(world.findings().await.is_empty(), "what is credited again is no question any more");
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reversal_of_nothing_known_is_unexplained_until_its_line_is_read() {
    on_each_engine("taken_back_first", async |database| {
        let store = database.open().await;
        let world = world(&store, database, grabpay).await;
        captured(&world, "1", "30.00", ALL_TO_A).await;
        let at = world.clock.now();
        let sent = record(&world, batch("GP-11111", at, "30.00", "0", "0.54", "29.46")).await;
        let day = at.date_naive().to_string();
        let gifts = [("100.00", "", "B0", "a gift"), ("200.00", "", "B9", "another")];
        read(&world, &camt("0039012345", &day, "0.00", "300.00", &gifts)).await;
        let before = world.standing().await;

        // The amount alone is no reference; nor is the reference with another amount.
        let entries = [("-29.46", "", "X1", "returned"), ("-9.00", "", "B0", "returned")];
        let strange = camt("0039012345", &day, "300.00", "261.54", &entries);
        let strange = taking_back(&taking_back(&strange, "X1"), "B0");
        let lines = read(&world, &strange).await;
        assert_eq!(states(&world, &lines).await[0], LineState::Suspense);
        assert!(
            !states(&world, &lines).await.iter().any(|state| matches!(state, LineState::Reversing { .. }))
        );

        // A bank that prints the newest line first.
        let entries = [("-29.46", "", "X2", "RETURN GP-11111"), ("29.46", "", "B1", "GP-11111")];
        let both = taking_back(&camt("0039012345", &day, "261.54", "261.54", &entries), "X2");
        let lines = read(&world, &both).await;
        let words: Vec<&str> = states(&world, &lines).await.iter().map(LineState::as_str).collect();
        assert_eq!(
            (words, state(&world, &sent).await),
            (vec!["reversing", "reversed"], DepositState::InTransit)
        );

        // What stood in suspense and is taken back needs nobody.
        let gift =
            taking_back(&camt("0039012345", &day, "261.54", "161.54", &[("-100.00", "", "B0", "")]), "B0");
        read(&world, &gift).await;
        let open: Vec<(FindingKind, Option<Money>)> =
            world.findings().await.iter().map(|finding| (finding.kind, finding.amount)).collect();
        assert!(open.contains(&(FindingKind::BankUnexplained, Some(sgd("-29.46")))), "{open:?}");
        assert!(!open.contains(&(FindingKind::BankUnexplained, Some(sgd("100.00")))), "{open:?}");
        let after = world.standing().await;
        assert_eq!(after.get("1140[grabpay-sg] SGD"), before.get("1140[grabpay-sg] SGD"));
        world.verified().await;
        store.close().await;
    })
    .await;
}
