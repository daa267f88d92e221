//! Lines alike: of one batch, on the pages of a day, in files that come twice, overlap or come in another order.

use straits::banks::mt940;
use straits::domain::deposits::{BankLine, ReadStatement};

use super::reversals::read_mt940;
use super::*;

pub(super) fn sha256(text: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What stands at the bank and unexplained, and the findings of a kind.
pub(super) async fn holds(world: &World, amount: &str, unexplained: usize, gaps: &[&str]) {
    let standing = world.standing().await;
    let at_bank = standing.get("1010[dbs] SGD").map_or("0.00", String::as_str);
    assert_eq!(at_bank, amount, "{standing:?}");
    let open = world.findings().await;
    let of = |kind: FindingKind| open.iter().filter(move |finding| finding.kind == kind);
    assert_eq!(of(FindingKind::BankUnexplained).count(), unexplained, "{open:#?}");
    let found: Vec<Option<Money>> = of(FindingKind::StatementGap).map(|finding| finding.amount).collect();
    assert_eq!(found, gaps.iter().map(|gap| Some(sgd(gap))).collect::<Vec<_>>(), "{open:#?}");
}

/// One page in MT940 of one day: its number, balances, and its fields :61: behind the dates, with what is said of them.
pub(super) fn page(
    world: &World,
    number: &str,
    opening: &str,
    closing: &str,
    lines: &[(&str, &str)],
) -> String {
    let day = world.clock.now().format("%y%m%d");
    let lines: String = lines.iter().map(|(line, said)| format!(":61:{day}{line}\n:86:{said}\n")).collect();
    format!(
        ":20:STMT\n:25:0039012345\n:28C:{number}\n:60M:C{day}SGD{opening}\n{lines}:62M:C{day}SGD{closing}\n-\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_of_one_reference_are_as_many_as_are_printed() {
    on_each_engine("lines_alike", async |database| {
        let store = database.open().await;
        let world = world(&store, database, grabpay).await;
        let day = world.clock.now().date_naive().to_string();
        let line = ("30.00", "", "B1", "of a batch");
        let noon = camt("0039012345", &day, "0.00", "60.00", &[line, line]);
        read(&world, &noon).await;
        holds(&world, "60.00", 2, &[]).await;
        // The same file, its like, and the whole day with one more of them.
        read(&world, &noon).await;
        read(&world, &format!("{noon}\n")).await;
        holds(&world, "60.00", 2, &[]).await;
        let other = ("5.00", "", "B2", "another");
        let whole = camt("0039012345", &day, "0.00", "95.00", &[line, other, line, line]);
        for text in [whole.clone(), format!("{whole}\n"), noon.clone(), format!("{noon}\n\n")] {
            read(&world, &text).await;
            holds(&world, "95.00", 4, &[]).await;
        }
        // What follows the day's middle by the balances was not printed before.
        let next = camt("0039012345", &day, "95.00", "125.00", &[line]);
        read(&world, &next).await;
        read(&world, &format!("{next}\n")).await;
        holds(&world, "125.00", 5, &[]).await;
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pages_line_is_not_the_one_before_it_again() {
    on_each_engine("pages", async |database| {
        let store = database.open().await;
        let line = ("C30,00NTRFNONREF//NONREF", "TRANSFER");
        let pages = |world: &World| {
            [
                page(world, "7/1", "0,", "30,", &[line]),
                page(world, "7/2", "30,", "65,", &[line, ("C5,00NTRFNONREF", "TRANSFER")]),
                page(world, "7/3", "65,", "95,", &[line]),
            ]
        };
        // In one file, then each by itself, then all lines on one page.
        let one_file = world(&store, database, grabpay).await;
        let files = pages(&one_file);
        read_mt940(&one_file, &files.concat()).await;
        holds(&one_file, "95.00", 4, &[]).await;
        let whole = [line, line, ("C5,00NTRFNONREF", "TRANSFER"), line];
        let whole = page(&one_file, "7", "0,", "95,", &whole);
        for text in files.iter().chain([&whole, &format!("{whole}\n"), &files.concat()]) {
            read_mt940(&one_file, text).await;
            holds(&one_file, "95.00", 4, &[]).await;
        }
        // Page by page, the last before the second: what is missing is told until its like, too, is booked.
        let apart = world(&store, database, grabpay).await;
        let files = pages(&apart);
        let told: [(usize, &str, usize, &[&str]); 4] = [
            (0, "30.00", 1, &[]),
            (2, "30.00", 1, &["65.00"]),
            (1, "65.00", 3, &["65.00"]),
            (2, "95.00", 4, &[]),
        ];
        for (place, amount, unexplained, gaps) in told {
            read_mt940(&apart, &files[place]).await;
            holds(&apart, amount, unexplained, gaps).await;
        }
        for text in files.iter().rev().map(|text| format!("{text}\n")).chain([whole]) {
            read_mt940(&apart, &text).await;
            holds(&apart, "95.00", 4, &[]).await;
        }
        one_file.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn balances_that_contradict_are_told_and_nothing_is_kept_of_nothing() {
    on_each_engine("contradicting", async |database| {
        let store = database.open().await;
        let world = world(&store, database, grabpay).await;
        // A page that comes to nothing could be the beginning of the next one: nothing is booked twice, and it is told.
        let (credit, debit) = (("C30,00NTRFNONREF", "TRANSFER"), ("D30,00NTRFNONREF", "BACK"));
        read_mt940(&world, &page(&world, "1", "0,", "0,", &[credit, debit])).await;
        holds(&world, "0.00", 2, &[]).await;
        let next = page(&world, "2", "0,", "30,", &[credit]);
        read_mt940(&world, &next).await;
        holds(&world, "0.00", 2, &["30.00"]).await;
        read_mt940(&world, &next).await;
        holds(&world, "0.00", 2, &["30.00"]).await;
        // An account that is emptied: the morning's file again is no gap, whatever the noon's says.
        let day = (world.clock.now() + TimeDelta::days(1)).date_naive().to_string();
        let morning = camt("0039012345", &day, "30.00", "70.00", &[("40.00", "", "B1", "a")]);
        let noon = camt("0039012345", &day, "70.00", "30.00", &[("-40.00", "", "B2", "b")]);
        for text in [&morning, &noon, &format!("{morning}\n"), &noon, &morning, &format!("{noon}\n")] {
            read(&world, text).await;
        }
        holds(&world, "0.00", 4, &["30.00"]).await;
        // An entry of nothing.
        let free = camt("0039012345", &day, "30.00", "30.00", &[("0.00", "", "B3", "free of charge")]);
        let statements = read(&world, &free).await;
        assert!(store.bank_lines_of(statements[0].id, 10).await.unwrap().is_empty());
        holds(&world, "0.00", 4, &["30.00"]).await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_kept_under_its_former_key_is_known() {
    on_each_engine("former_key", async |database| {
        let store = database.open().await;
        let world = world(&store, database, grabpay).await;
        let line = ("C30,00NTRFNONREF//NONREF", "TRANSFER");
        let text = page(&world, "1", "0,", "90,", &[line, line, ("C30,00NTRFNONREF//NONREF", "ANOTHER")]);
        let ReadStatement { lines, .. } = mt940::read(text.as_bytes()).unwrap().remove(0);
        let account = store.all_bank_accounts(world.merchant.id).await.unwrap().remove(0).account;
        let kept = BankLine {
            id: world.ids.mint(),
            merchant: world.merchant.id,
            bank_account: account.id,
            statement: world.ids.mint(),
            line: lines[0].clone(),
            state: LineState::Resolved,
            recorded_at: world.clock.now(),
        };
        let mut change = Change::new();
        change.insert_bank_line(&kept, &sha256(&lines[0].former_key()));
        store.commit(change).await.unwrap();
        read_mt940(&world, &text).await;
        holds(&world, "60.00", 2, &[]).await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_of_a_day_that_passed_its_last_balance_before_is_a_part() {
    on_each_engine("a_part_of_a_day", async |database| {
        let store = database.open().await;
        let world = world(&store, database, grabpay).await;
        let day = |days| (world.clock.now() + TimeDelta::days(days)).date_naive().to_string();
        read(&world, &camt("0039012345", &day(0), "0.00", "30.00", &[("30.00", "", "B1", "a")])).await;
        let part = ("25.00", "", "B3", "c");
        read(&world, &camt("0039012345", &day(1), "0.00", "25.00", &[part])).await;
        holds(&world, "55.00", 2, &["-30.00"]).await;
        let whole = [("-30.00", "", "B2", "out"), part, ("-25.00", "", "B4", "out")];
        read(&world, &camt("0039012345", &day(1), "30.00", "0.00", &whole)).await;
        holds(&world, "0.00", 4, &[]).await;
        // The part once more in other bytes, then the next day, each twice: it goes on from the whole day.
        let again = camt("0039012345", &day(1), "0.00", "25.00", &[part]) + "\n";
        let next = camt("0039012345", &day(2), "0.00", "1.00", &[("1.00", "", "B5", "d")]);
        for text in [&again, &next, &again, &next, &format!("{next}\n")] {
            read(&world, text).await;
        }
        holds(&world, "1.00", 5, &[]).await;
        store.close().await;
    })
    .await;
}

/// Somebody presses the button twice, or two days come at the same time: no gap is left that is none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_that_are_read_at_once_leave_no_false_gap() {
    on_each_engine("at_once", async |database| {
        let store = database.open().await;
        for round in 0..6 {
            let world = world(&store, database, grabpay).await;
            let day = |days| (world.clock.now() + TimeDelta::days(days)).date_naive().to_string();
            let amounts: Vec<String> = (1..=20).map(|line| format!("{line}.00")).collect();
            let names: Vec<String> = (1..=20).map(|line| format!("B{line}")).collect();
            let lines: Vec<(&str, &str, &str, &str)> = amounts
                .iter()
                .zip(&names)
                .map(|(amount, name)| (amount.as_str(), "", name.as_str(), "x"))
                .collect();
            read(&world, &camt("0039012345", &day(0), "0.00", "5.00", &[("5.00", "", "B0", "x")])).await;
            let first = camt("0039012345", &day(1), "5.00", "215.00", &lines);
            let next = camt("0039012345", &day(2), "215.00", "216.00", &[("1.00", "", "B99", "x")]);
            match round % 2 {
                0 => drop(tokio::join!(read(&world, &first), read(&world, &first), read(&world, &first))),
                _ => drop(tokio::join!(read(&world, &next), read(&world, &first))),
            }
            let (amount, count) = if round % 2 == 0 { ("215.00", 21) } else { ("216.00", 22) };
            holds(&world, amount, count, &[]).await;
            world.verified().await;
        }
        store.close().await;
    })
    .await;
}
