//! What is the same line and what the same statement: numbers that begin anew in each file, lines that an earlier program
//! kept, statements that are read out of order or at one time.

use straits::banks::mt940;
use straits::domain::deposits::{BankLine, ReadLine};

use super::pages::{holds, page, sha256};
use super::reversals::read_mt940;
use super::*;

/// A statement without balances: entries of 50.00 by number, the bank's reference of the transaction, and the payer's.
fn numbered(id: &str, day: &str, entries: &[(&str, &str, &str)]) -> String {
    let entries: String = entries
        .iter()
        .map(|(number, own, payer)| {
            format!(
                "<Ntry><NtryRef>{number}</NtryRef><Amt Ccy=\"SGD\">50.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>\
                 <BookgDt><Dt>{day}</Dt></BookgDt><NtryDtls><TxDtls><Refs><AcctSvcrRef>{own}</AcctSvcrRef>\
                 <EndToEndId>{payer}</EndToEndId></Refs></TxDtls></NtryDtls></Ntry>"
            )
        })
        .collect();
    format!(
        "<Document><BkToCstmrStmt><Stmt><Id>{id}</Id><Acct><Id><Othr><Id>0039012345</Id></Othr></Id><Ccy>SGD</Ccy></Acct>\
         {entries}</Stmt></BkToCstmrStmt></Document>"
    )
}

/// A statement under a name of its own.
fn called(id: &str, text: &str) -> String {
    let (head, rest) = text.split_once("<Id>").unwrap();
    let (_, rest) = rest.split_once("</Id>").unwrap();
    format!("{head}<Id>{id}</Id>{rest}")
}

/// A line as an earlier program kept it.
async fn kept_before(world: &World, line: ReadLine) {
    let account = world.store.all_bank_accounts(world.merchant.id).await.unwrap().remove(0).account;
    let key = sha256(&line.key(0));
    let kept = BankLine {
        id: world.ids.mint(),
        merchant: world.merchant.id,
        bank_account: account.id,
        statement: world.ids.mint(),
        line,
        state: LineState::Resolved,
        recorded_at: world.clock.now(),
    };
    let mut change = Change::new();
    change.insert_bank_line(&kept, &key);
    world.store.commit(change).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_of_one_number_are_not_one_entry() {
    on_each_engine("one_number", async |database| {
        let store = database.open().await;
        let day = database.clock.now().date_naive().to_string();
        for [a, b] in [["BANK-A", "BANK-B"], ["", ""]] {
            let world = world(&store, database, grabpay).await;
            let (one, two) = (("1", a, "C1"), ("1", b, "C2"));
            let (first, second) = (numbered("J1", &day, &[one]), numbered("J2", &day, &[two]));
            read(&world, &first).await;
            holds(&world, "50.00", 1, &[]).await;
            // The same number is the number of another entry there.
            read(&world, &second).await;
            holds(&world, "100.00", 2, &[]).await;
            // The files again, and the whole day with other numbers: each once.
            let whole = numbered("J3", &day, &[("1", b, "C2"), ("2", a, "C1")]);
            for text in [&first, &second, &whole, &format!("{first}\n"), &format!("{whole}\n")] {
                read(&world, text).await;
                holds(&world, "100.00", 2, &[]).await;
            }
            world.verified().await;
        }
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_an_earlier_program_kept_otherwise_is_known() {
    on_each_engine("kept_otherwise", async |database| {
        let store = database.open().await;
        let day = database.clock.now().date_naive().to_string();
        // By their numbers: two of the three that say the same, and one by another number.
        let world_of_camt = world(&store, database, grabpay).await;
        let text =
            numbered("J1", &day, &[("1", "", "C1"), ("2", "", "C1"), ("3", "", "C1"), ("4", "B-4", "C4")]);
        let lines = camt053::read(text.as_bytes()).unwrap().remove(0).lines;
        for line in [&lines[0], &lines[2], &lines[3]] {
            kept_before(&world_of_camt, *line.former.clone().unwrap()).await;
        }
        for text in [&text, &text, &format!("{text}\n")] {
            read(&world_of_camt, text).await;
            holds(&world_of_camt, "50.00", 1, &[]).await;
        }
        // By words without what parts them.
        let world_of_mt940 = world(&store, database, grabpay).await;
        let said = "20261122 SWEEP\n\nGP-ABCDE-1";
        let text = page(
            &world_of_mt940,
            "1",
            "0,",
            "60,",
            &[("C30,00NTRFNONREF", said), ("C30,00NTRFNONREF", said)],
        );
        let line = mt940::read(text.as_bytes()).unwrap().remove(0).lines.remove(0);
        kept_before(&world_of_mt940, *line.former.unwrap()).await;
        for text in [&text, &text, &format!("{text}\n")] {
            read_mt940(&world_of_mt940, text).await;
            holds(&world_of_mt940, "30.00", 1, &[]).await;
        }
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_was_passed_over_is_asked_for_once_another_leads_back() {
    on_each_engine("passed_over", async |database| {
        let store = database.open().await;
        let world = world(&store, database, grabpay).await;
        let day = |days| (world.clock.now() + TimeDelta::days(days)).date_naive().to_string();
        let of = |id: &str, opening, closing, entries: &[BankEntry<'_>]| {
            called(id, &camt("0039012345", &day(0), opening, closing, entries))
        };
        read(&world, &of("X1", "100.00", "200.00", &[("100.00", "", "XA", "")])).await;
        // In two parts it may be the same in other words.
        let parts = of("X3", "100.00", "200.00", &[("60.00", "", "XB", ""), ("40.00", "", "XC", "")]);
        read(&world, &parts).await;
        holds(&world, "100.00", 1, &[]).await;
        // One that leads back says that it was not.
        read(&world, &of("X2", "200.00", "100.00", &[("-100.00", "", "XD", "")])).await;
        holds(&world, "0.00", 2, &["100.00"]).await;
        let gap = world.finding(FindingKind::StatementGap).await;
        assert!(gap.detail.contains("`X3`") && gap.detail.contains("read its file again"), "{}", gap.detail);
        let next = camt("0039012345", &day(1), "200.00", "210.00", &[("10.00", "", "XE", "")]);
        read(&world, &next).await;
        holds(&world, "10.00", 3, &["100.00"]).await;
        // Read again it is booked, once.
        for _ in 0..2 {
            read(&world, &parts).await;
            holds(&world, "110.00", 5, &[]).await;
        }
        world.verified().await;

        // As many lines with other references of the bank's are another statement, before anything leads back.
        let day = day(3);
        let of = |id: &str, opening, closing, entries: &[BankEntry<'_>]| {
            called(id, &camt("0039012345", &day, opening, closing, entries))
        };
        read(&world, &of("Y1", "210.00", "220.00", &[("10.00", "", "YA", "a")])).await;
        read(&world, &of("Y3", "210.00", "220.00", &[("10.00", "", "YC", "c")])).await;
        holds(&world, "130.00", 7, &["-10.00"]).await;
        read(&world, &of("Y2", "220.00", "210.00", &[("-10.00", "", "YB", "b")])).await;
        holds(&world, "120.00", 8, &[]).await;
        // A page that is read again under another name, the way back being known, asks for nothing.
        read(&world, &of("Y4", "210.00", "220.00", &[("10.00", "", "YA", "a")])).await;
        holds(&world, "120.00", 8, &[]).await;
        // Saying the same it is the same, whatever the bank calls it.
        read(&world, &of("Z1", "220.00", "225.00", &[("5.00", "", "ZA", "a sweep")])).await;
        read(&world, &of("Z3", "220.00", "225.00", &[("5.00", "", "ZC", "a sweep")])).await;
        holds(&world, "125.00", 9, &[]).await;
        world.verified().await;
        store.close().await;
    })
    .await;
}

/// Two lines that an earlier program cut to the same words are not both the one that it kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_kept_once_is_known_once() {
    on_each_engine("kept_once", async |database| {
        let store = database.open().await;
        let world = world(&store, database, grabpay).await;
        let credit = "C50,00NTRFNONREF";
        let text = page(&world, "1", "0,", "100,", &[(credit, "SWEEP\n\nREF-A"), (credit, "SWEEP\n\nREF-B")]);
        let line = mt940::read(text.as_bytes()).unwrap().remove(0).lines.remove(0);
        kept_before(&world, *line.former.unwrap()).await;
        // In the other order too: what is kept in its own words is no other line's.
        let turned =
            page(&world, "1", "0,", "100,", &[(credit, "SWEEP\n\nREF-B"), (credit, "SWEEP\n\nREF-A")]);
        for text in [&text, &format!("{text}\n"), &turned] {
            read_mt940(&world, text).await;
            holds(&world, "50.00", 1, &[]).await;
        }
        store.close().await;
    })
    .await;
}

/// A day as seven files under names of their own: however its lines fall to them, nothing is missing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_in_many_files_at_once_leaves_no_gap() {
    on_each_engine("many_at_once", async |database| {
        let store = database.open().await;
        for round in 0..4 {
            let world = world(&store, database, grabpay).await;
            let day = |days| (world.clock.now() + TimeDelta::days(days)).date_naive().to_string();
            read(&world, &camt("0039012345", &day(0), "0.00", "5.00", &[("5.00", "", "B0", "x")])).await;
            let line = ("10.00", "", "", "");
            let whole = camt("0039012345", &day(1), "5.00", "35.00", &[line; 3]);
            let files: Vec<String> = (0..7).map(|file| called(&format!("S{round}-{file}"), &whole)).collect();
            let all = |file: usize| read(&world, &files[file]);
            tokio::join!(all(0), all(1), all(2), all(3), all(4), all(5), all(6));
            holds(&world, "35.00", 4, &[]).await;
            world.verified().await;
        }
        store.close().await;
    })
    .await;
}
