use super::*;
use crate::domain::deposits::ReadLine;
use crate::money::Currency;

/// A file in a version, of one statement with these elements behind its account.
fn file(version: &str, body: &str) -> String {
    format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}\"><BkToCstmrStmt><Stmt><Id>S</Id><Acct><Id>\
         <Othr><Id>0039012345</Id></Othr></Id><Ccy>EUR</Ccy></Acct>{body}</Stmt></BkToCstmrStmt></Document>"
    )
}

fn balance(code: &str, amount: &str) -> String {
    format!(
        "<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>"
    )
}

/// A credit of 50.00 with a number, and what else it says.
fn entry(number: &str, inner: &str) -> String {
    format!(
        "<Ntry><NtryRef>{number}</NtryRef><Amt Ccy=\"EUR\">50.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>\
         <BookgDt><Dt>2026-11-20</Dt></BookgDt>{inner}</Ntry>"
    )
}

fn details(inner: &str) -> String {
    format!("<NtryDtls><TxDtls>{inner}</TxDtls></NtryDtls>")
}

fn parsed(version: &str, body: &str) -> Result<ReadStatement, String> {
    read(file(version, body).as_bytes()).map(|mut read| read.remove(0)).map_err(|error| error.to_string())
}

fn line(body: &str) -> ReadLine {
    parsed("08", body).unwrap().lines.remove(0)
}

#[test]
fn a_number_that_counts_entries_is_no_reference_of_the_banks() {
    let told = |number: &str, own: &str, payer: &str| {
        let own = format!("<AcctSvcrRef>{own}</AcctSvcrRef>");
        entry(number, &details(&format!("<Refs>{own}<EndToEndId>{payer}</EndToEndId></Refs>")))
    };
    // The bank's reference of the only transaction is the entry's.
    let (one, two) = (line(&told("1", "BANK-A", "C1")), line(&told("1", "BANK-B", "C2")));
    assert_eq!((one.reference.as_deref(), one.names.as_slice()), (Some("BANK-A"), &["C1".to_owned()][..]));
    assert_ne!(one.key(0), two.key(0));
    // As it was kept: by the number, with the other reference as a name.
    let former = one.former.clone().unwrap();
    assert_eq!((former.reference.as_deref(), former.names.join(" ").as_str()), (Some("1"), "BANK-A C1"));
    // In another file it has another number and is the same line.
    assert_eq!(one.key(0), line(&told("17", "BANK-A", "C1")).key(0));
    // Without any reference of the bank's: by all it says, whatever its number.
    let by_name = |number: &str, name: &str| {
        line(&entry(number, &details(&format!("<Refs><EndToEndId>{name}</EndToEndId></Refs>"))))
    };
    for number in ["1", "0000000017", "NTRY-3", "2/7"] {
        let line = by_name(number, "INV-A");
        assert_eq!((&line.reference, line.key(0)), (&None, by_name("2", "INV-A").key(0)), "{number}");
        assert_ne!(line.key(0), by_name(number, "INV-B").key(0));
        assert_eq!(line.former.unwrap().reference.as_deref(), Some(number));
    }
    // A number that does not count, one where nothing else is said, and an entry's own reference.
    let long = by_name("2026112000017", "INV-A");
    assert_eq!((long.reference.as_deref(), &long.former), (Some("2026112000017"), &None));
    let bare = line(&entry("1", ""));
    assert_eq!((bare.reference.as_deref(), &bare.former), (Some("1"), &None));
    let own = line(&entry("1", "<AcctSvcrRef>B-1</AcctSvcrRef>"));
    assert_eq!((own.reference.as_deref(), &own.former), (Some("B-1"), &None));
    // A collective entry's lines are told apart by what they say.
    let part = |name: &str| {
        format!("<TxDtls><Refs><EndToEndId>{name}</EndToEndId></Refs><Amt Ccy=\"EUR\">25.00</Amt></TxDtls>")
    };
    let lines =
        parsed("08", &entry("1", &format!("<NtryDtls>{}{}</NtryDtls>", part("X"), part("Y")))).unwrap().lines;
    assert_eq!((&lines[0].reference, lines.len()), (&None, 2));
    assert_ne!(lines[0].key(0), lines[1].key(0));
    assert_eq!(lines[1].former.as_ref().unwrap().reference.as_deref(), Some("1/2"));
}

/// The same elements as a notification has them, behind what its group's header says.
fn announced(header: &str, body: &str) -> Result<ReadStatement, String> {
    let file =
        file("08", body).replace("<BkToCstmrStmt>", &format!("<BkToCstmrStmt><GrpHdr>{header}</GrpHdr>"));
    let file = file.replace("BkToCstmrStmt", "BkToCstmrDbtCdtNtfctn").replace("Stmt>", "Ntfctn>");
    read(file.as_bytes()).map(|mut read| read.remove(0)).map_err(|error| error.to_string())
}

#[test]
fn an_announced_entry_without_a_day_is_of_the_day_on_which_it_was_told() {
    let dateless = entry("1", "<AcctSvcrRef>B-1</AcctSvcrRef>");
    let dateless = dateless.replace("<BookgDt><Dt>2026-11-20</Dt></BookgDt>", "");
    let made = |day: &str| format!("<CreDtTm>{day}T23:30:00+08:00</CreDtTm>");
    let told = |group: &str, own: &str| {
        let read = announced(group, &format!("{own}{dateless}"));
        read.map(|read| (read.lines[0].booked_on.to_string(), read.lines[0].value_on.to_string()))
    };
    let on = |day: &str| Ok((day.to_owned(), day.to_owned()));
    assert_eq!(told(&made("2026-11-21"), &made("2026-11-22")), on("2026-11-22"));
    assert_eq!(told(&made("2026-11-21"), ""), on("2026-11-21"));
    assert_eq!(
        told(&made("2026-11-21"), "<CreDtTm>2026-13-01T00:00:00</CreDtTm>"),
        on("2026-11-21"),
        "a day that is none"
    );
    // Its own day goes before.
    let dated = announced(&made("2026-11-21"), &entry("1", "")).unwrap();
    assert_eq!(dated.lines[0].booked_on.to_string(), "2026-11-20");
    // Of no day at all; and a statement books, so only a balance may tell its day.
    let refused = [told("", ""), told("<CreDtTm>soon</CreDtTm>", "")].map(|read| read.unwrap_err());
    let booked = parsed("08", &format!("{}{dateless}", made("2026-11-21"))).unwrap_err();
    for error in refused.into_iter().chain([booked]) {
        assert!(error.contains("Ntry, entry 1") && error.contains("without a date"), "{error}");
    }
}

#[test]
fn a_batch_booked_in_one_is_called_what_its_sender_calls_it_and_none_of_its_parts_is() {
    let batch = |message: &str, payment: &str| {
        format!("<Btch><MsgId>{message}</MsgId><PmtInfId>{payment}</PmtInfId><NbOfTxs>2</NbOfTxs></Btch>")
    };
    let told = |bank: &str, inner: &str| line(&entry("1", &format!("{bank}<NtryDtls>{inner}</NtryDtls>")));
    let paid = |refs: &str| format!("<TxDtls><Refs>{refs}</Refs></TxDtls>");
    let whole = told("", &batch("M-1", "P-1"));
    assert_eq!((whole.names.join(" ").as_str(), &whole.reference), ("M-1 P-1", &None));
    // As it was kept, without them: by its number, as nothing else was said.
    let former = whole.former.unwrap();
    assert_eq!((former.reference.as_deref(), former.names.len()), (Some("1"), 0));
    // One name for both is one; what says that there is none is none; what a transaction repeats stands once.
    for (inner, names) in [
        (batch("P-1", "P-1"), "P-1"),
        (batch("NOTPROVIDED", "P-1"), "P-1"),
        (format!("{}{}", batch("M-1", "P-1"), paid("<PmtInfId>P-1</PmtInfId>")), "M-1 P-1"),
        (format!("{}</NtryDtls><NtryDtls>{}", batch("M-1", "P-1"), batch("M-1", "P-2")), "M-1 P-1 P-2"),
    ] {
        assert_eq!(told("", &inner).names.join(" "), names, "{inner}");
    }
    let one = told("", &format!("{}{}", batch("M-1", "P-1"), paid("<EndToEndId>E-1</EndToEndId>")));
    assert_eq!(one.names, ["M-1", "P-1", "E-1"]);
    let former = one.former.unwrap();
    assert_eq!((&former.reference, former.names.join(" ").as_str()), (&None, "E-1"));
    // Where the bank has a reference of its own, that tells the line apart, as before.
    let own = told("<AcctSvcrRef>B-1</AcctSvcrRef>", &batch("M-1", "P-1"));
    let bare = told("<AcctSvcrRef>B-1</AcctSvcrRef>", "");
    assert_eq!((own.key(0), own.former, own.names.len()), (bare.key(0), None, 2));
    let refs = "<AcctSvcrRef>B-1</AcctSvcrRef><EndToEndId>E-1</EndToEndId>";
    let own = told("", &format!("{}{}", batch("M-1", "P-1"), paid(refs)));
    assert_eq!((own.reference.as_deref(), own.names.join(" ").as_str()), (Some("B-1"), "M-1 P-1 E-1"));
    let former = own.former.unwrap();
    assert_eq!((former.reference.as_deref(), former.names.join(" ").as_str()), (Some("1"), "B-1 E-1"));
    // A list longer than what is kept of it leaves the batch its names.
    let many: String = (0..300).map(|nth| paid(&format!("<EndToEndId>E-{nth}</EndToEndId>"))).collect();
    let many = told("", &format!("{}{many}", batch("M-1", "P-1")));
    assert_eq!((many.names.len(), many.names[..3].join(" ").as_str()), (200, "M-1 P-1 E-0"));
    // Parts are called what they themselves say; announced, the entry is whole.
    let part = |name: &str| {
        format!("<TxDtls><Refs><EndToEndId>{name}</EndToEndId></Refs><Amt Ccy=\"EUR\">25.00</Amt></TxDtls>")
    };
    let parts = format!("<NtryDtls>{}{}{}</NtryDtls>", batch("M-1", "P-1"), part("X"), part("Y"));
    let parts = entry("1", &parts);
    let lines = parsed("08", &parts).unwrap().lines;
    let names: Vec<String> = lines.iter().map(|line| line.names.join(" ")).collect();
    assert_eq!(names, ["X", "Y"]);
    let told = announced("", &parts).unwrap().lines;
    assert_eq!((told.len(), told[0].names.join(" ").as_str()), (1, "M-1 P-1 X Y"));
}

#[test]
fn a_refusal_says_where_and_what_there_should_be() {
    let first = entry("1", "");
    let dollars = entry("2", "").replace("EUR", "USD");
    let error = parsed("08", &format!("{first}{dollars}")).unwrap_err();
    assert!(error.contains("Stmt/Ntry, entry 2: ") && error.contains("another currency"), "{error}");
    assert!(error.contains("USD, not EUR"), "{error}");
    // Without a currency of the account it is that of the first entry.
    let nameless = file("08", &format!("{first}{dollars}")).replace("<Ccy>EUR</Ccy>", "");
    let error = read(nameless.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("entry 2: ") && error.contains("USD, not EUR"), "{error}");
    for (code, name) in [("OPBD", "the opening balance"), ("CLBD", "the closing balance")] {
        let error = parsed("08", &balance(code, "50.00").replace("EUR", "USD")).unwrap_err();
        assert!(error.starts_with(&format!("statement `S`: {name} is of another currency")), "{error}");
        assert!(error.ends_with("USD, not EUR"), "{error}");
    }
    for status in ["", "<Sts/>", "<Sts> </Sts>", "<Sts><Cd/></Sts>"] {
        let error = parsed("08", &first.replace("<Sts>BOOK</Sts>", status)).unwrap_err();
        assert!(error.contains("entry 1: `Sts` is missing") && error.contains("camt.053"), "{error}");
    }
    let report = file("08", &first).replace("BkToCstmrStmt", "BkToCstmrAcctRpt").replace("Stmt>", "Rpt>");
    let error = read(report.as_bytes()).unwrap_err().to_string();
    assert!(error.starts_with("Document/BkToCstmrAcctRpt: an intraday report (camt.052)"), "{error}");
    assert!(error.ends_with("ask the bank for camt.053"), "{error}");
    for other in ["", "<Document></Document>", "<x/>"] {
        let error = read(other.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with("the file: it holds no `BkToCstmrStmt`"), "{other}: {error}");
    }
    let cut = read("<Document><BkToCstmrStmt>".as_bytes()).unwrap_err().to_string();
    assert_eq!(cut, "Document/BkToCstmrStmt: the file is cut off");
}

#[test]
fn a_balance_between_pages_is_the_end_of_a_page() {
    let ends = |body: &str| parsed("08", body).map(|read| (read.opening, read.closing));
    let eur = |minor| Some(Money::from_minor(minor, Currency::find("EUR").unwrap()));
    let one = entry("1", "");
    type Page<'a> = (&'a [(&'a str, &'a str)], i64, i64);
    let pages: [Page<'_>; 6] = [
        (&[("PRCD", "150.00"), ("OPBD", "150.00"), ("ITBD", "200.00")], 15_000, 20_000),
        (&[("ITBD", "200.00"), ("CLBD", "250.00")], 20_000, 25_000),
        (&[("CLBD", "250.00"), ("ITBD", "200.00")], 20_000, 25_000),
        (&[("ITBD", "1.00"), ("ITBD", "51.00")], 100, 5_100),
        (&[("OPBD", "1.00"), ("ITBD", "30.00"), ("CLBD", "51.00")], 100, 5_100),
        (&[("OPBD", "1.00"), ("ITBD", "30.00"), ("ITBD", "51.00")], 100, 5_100),
    ];
    for (balances, opening, closing) in pages {
        let body: String = balances.iter().map(|(code, amount)| balance(code, amount)).collect();
        assert_eq!(ends(&format!("{body}{one}")), Ok((eur(opening), eur(closing))), "{balances:?}");
    }
    assert_eq!(ends(&format!("{}{one}", balance("ITBD", "50.00"))), Ok((None, eur(5_000))));
    let wrong = format!("{}{}{one}", balance("OPBD", "170.00"), balance("ITBD", "999.00"));
    assert!(ends(&wrong).unwrap_err().contains("does not foot"));
}

#[test]
fn version_2_tells_of_charges_within_the_amount() {
    let charge = entry("1", "<Chrgs><Amt Ccy=\"EUR\">2.00</Amt><CdtDbtInd>DBIT</CdtDbtInd></Chrgs>");
    let taken = |version: &str, body: &str| parsed(version, body).unwrap().lines[0].charges.minor();
    assert_eq!(taken("02", &charge), 200);
    assert_eq!(taken("02", &charge.replace("DBIT</CdtDbtInd></Chrgs>", "CRDT</CdtDbtInd></Chrgs>")), 0);
    let records = charge.replace("<Chrgs>", "<Chrgs><Rcrd>").replace("</Chrgs>", "</Rcrd></Chrgs>");
    assert_eq!((taken("08", &records), taken("02", &records)), (0, 200));
    let outside = records.replace("</Rcrd>", "<ChrgInclInd>false</ChrgInclInd></Rcrd>");
    assert_eq!(taken("02", &outside), 0);
    // By a prefix too.
    let file = file("02", &charge)
        .replace("<Document xmlns=", "<n:Document xmlns:n=")
        .replace("</Document", "</n:Document");
    assert_eq!(read(file.as_bytes()).unwrap()[0].lines[0].charges.minor(), 200);
}

#[test]
fn an_amount_that_decides_nothing_refuses_nothing() {
    for inner in [
        details("<Amt Ccy=\"CNH\">40.00</Amt>"),
        details("<Amt Ccy=\"USD\">5.43215</Amt>"),
        details("<Amt Ccy=\"EUR\">50.001</Amt>"),
        details("<AmtDtls><TxAmt><Amt Ccy=\"BGN\">97.79</Amt></TxAmt></AmtDtls>"),
        "<Chrgs><Rcrd><Amt Ccy=\"USD\">0.0012</Amt></Rcrd></Chrgs>".to_owned(),
        "<Chrgs><Rcrd><Amt Ccy=\"EUR\">0.0012</Amt></Rcrd></Chrgs>".to_owned(),
    ] {
        let line = line(&entry("1", &inner));
        assert_eq!((line.amount.minor(), line.charges.minor()), (5_000, 0), "{inner}");
    }
    let two = details("<Amt Ccy=\"EUR\">25.001</Amt>")
        .replace("</TxDtls>", "</TxDtls><TxDtls><Amt Ccy=\"EUR\">25.00</Amt></TxDtls>");
    let within = "<Chrgs><Rcrd><Amt Ccy=\"EUR\">0.0012</Amt><ChrgInclInd>true</ChrgInclInd></Rcrd></Chrgs>";
    for (inner, figure) in [(two.as_str(), "`25.001`"), (within, "`0.0012`")] {
        let error = parsed("08", &format!("{}{}", entry("1", ""), entry("2", inner))).unwrap_err();
        assert!(error.contains("Stmt/Ntry, entry 2") && error.contains(figure), "{error}");
    }
}

#[test]
fn days_on_which_no_bank_books_are_refused() {
    for day in ["9999-12-31", "0001-01-01", "1989-12-31", "2101-01-01"] {
        let error = parsed("08", &entry("1", "").replace("2026-11-20", day)).unwrap_err();
        assert!(error.contains("entry 1") && error.contains("no day between 1990 and 2100"), "{error}");
    }
    for day in ["1990-01-01", "2100-12-31"] {
        assert!(parsed("08", &entry("1", "").replace("2026-11-20", day)).is_ok(), "{day}");
    }
}
