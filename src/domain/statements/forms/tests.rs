//! Every form of one statement says the same, and none has an end where it does not foot.

use chrono::NaiveDate;

use super::*;
use crate::domain::statements::{Dates, Form, Heading, Letterhead, Party, Period, Side, StatementEntry};
use crate::ids::{Id, SupplierId, TransactionId};
use crate::money::{Currency, Money};

fn usd(minor: i64) -> Money {
    Money::from_minor(minor, Currency::find("USD").unwrap())
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn heading(opening: i64, closing: i64) -> Heading {
    let party =
        |name: &str| Party { name: name.to_owned(), country: None, tax_number: Some("X<1>".to_owned()) };
    Heading {
        supplier: SupplierId::from_bits(1),
        period: Period::try_new(day("2026-03-01"), day("2026-03-31"), chrono_tz::Asia::Singapore).unwrap(),
        opening: usd(opening),
        closing: usd(closing),
        letterhead: Letterhead { issuer: party("=Cmd & Co"), holder: party("深圳 <b>"), ledger_head: None },
        issue: None,
        made_at: "2026-04-01T00:00:00Z".parse().unwrap(),
    }
}

fn entry(signed: i64, balance: i64) -> StatementEntry {
    StatementEntry {
        transaction: TransactionId::from_bits(7),
        subject: Some("=HYPERLINK(\"http://evil\",1)".to_owned()),
        booked_on: day("2026-03-02"),
        value_date: day("2026-02-28"),
        side: if signed > 0 { Side::Credit } else { Side::Debit },
        amount: usd(signed.abs()),
        narrative: "Your share of a sale".into(),
        balance: usd(balance),
    }
}

fn written(
    form: Form,
    part: u32,
    pages: &[&[StatementEntry]],
    ends: (i64, i64),
) -> Result<String, FormError> {
    let mut file = Vec::new();
    let form = TextForm::of(form, Dates::DayFirst, part).unwrap();
    let mut text = StatementText::begin(form, heading(ends.0, ends.1), &mut file)?;
    for page in pages {
        text.append(page, &mut file)?;
    }
    text.finish(&mut file)?;
    Ok(String::from_utf8(file).unwrap())
}

#[test]
fn a_csv_reads_back_row_by_row() {
    let pages: [&[StatementEntry]; 2] = [&[entry(8510, 8510)], &[entry(-9000, -490)]];
    let text = written(Form::Csv, 1, &pages, (0, -490)).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "booked_on,value_date,direction,amount,currency,balance,narrative,transaction,subject"
    );
    assert_eq!(
        lines[2],
        "2026-03-02,2026-02-28,debit,90.00,USD,-4.90,Your share of a sale,txn_00000000000000000000000007,\
         \"'=HYPERLINK(\"\"http://evil\"\",1)\""
    );
    assert_eq!(lines[3], "#END,2,-4.90");
    let mut back = IssuedLines::new(text.clone().into_bytes(), usd(0).currency());
    assert_eq!(back.page(1).unwrap(), pages[0]);
    assert_eq!(back.page(9).unwrap(), pages[1]);
    assert_eq!(back.page(9).unwrap(), []);
    for damaged in [
        text.replace("#END,2", "#END,3"),
        text.replace("#END,2,-4.90\n", ""),
        text.replace("90.00", "90.0"),
        text.replace("debit", "taken"),
        text.replace("USD", "EUR"),
    ] {
        let mut back = IssuedLines::new(damaged.into_bytes(), usd(0).currency());
        assert!(matches!(back.page(9), Err(FormError::Unreadable { .. })));
    }
}

#[test]
fn no_form_has_an_end_without_footing() {
    let wrong: &[StatementEntry] = &[entry(1, 101), entry(1, 103)];
    for form in Form::ALL.into_iter().filter(|form| TextForm::of(*form, Dates::YearFirst, 1).is_some()) {
        let refusal = written(form, 1, &[wrong], (100, 103)).unwrap_err();
        let words = "the statement comes to USD 1.02, the ledger to USD 1.03: a difference of USD -0.01";
        assert_eq!(refusal.to_string(), words, "{form:?}");
        assert!(written(form, 1, &[], (100, 99)).is_err(), "{form:?}");
        assert!(written(form, 1, &[], (100, 100)).is_ok(), "{form:?}");
    }
    let mut workbook = StatementXlsx::begin(heading(100, 103)).unwrap();
    assert!(workbook.append(wrong).is_err());
    assert!(StatementXlsx::begin(heading(100, 99)).unwrap().finish(std::io::sink()).is_err());
    assert!(StatementPdf::begin(heading(100, 103)).append(wrong).is_err());
    assert!(StatementPdf::begin(heading(100, 99)).finish().is_err());
}

#[test]
fn xml_escapes_names_and_has_both_balances() {
    let text = written(Form::Camt053, 1, &[&[entry(-9000, -8900)]], (100, -8900)).unwrap();
    for part in [
        "<Nm>=Cmd &amp; Co</Nm>",
        "<Nm>深圳 &lt;b&gt;</Nm>",
        "<FrDtTm>2026-03-01T00:00:00+08:00</FrDtTm>\n<ToDtTm>2026-03-31T23:59:59+08:00</ToDtTm>",
        "<Cd>OPBD</Cd>",
        "<Amt Ccy=\"USD\">89.00</Amt>\n<CdtDbtInd>DBIT</CdtDbtInd>\n<Dt>\n<Dt>2026-03-31</Dt>",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let text = written(Form::Ofx, 1, &[&[entry(-9000, -8900)]], (100, -8900)).unwrap();
    for part in [
        "<TRNAMT>-90.00</TRNAMT>",
        "<BALAMT>-89.00</BALAMT>",
        "<VALUE>1.00</VALUE>",
        "<DTPOSTED>20260302120000</DTPOSTED>",
        "encoding=\"US-ASCII\"",
        "<ORG>=Cmd &amp; Co</ORG>",
        "dates of Asia/Singapore, tax number X&lt;1&gt;, to &#28145;&#22323; &lt;b&gt;</MKTGINFO>",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(text.is_ascii(), "{text}");
    // Some readers resolve no reference: no field is longer than OFX allows, as it is written.
    let mut long = heading(0, 0);
    long.letterhead.holder.name = "深".repeat(100);
    long.letterhead.issuer.name = "🙂".repeat(100);
    let (mut file, form) = (Vec::new(), TextForm::of(Form::Ofx, Dates::DayFirst, 1).unwrap());
    StatementText::begin(form, long, &mut file).unwrap().finish(&mut file).unwrap();
    let text = String::from_utf8(file).unwrap();
    assert!(text.contains("<ORG>&#128578;&#128578;&#128578;</ORG>"), "{text}");
    let told = text.split_once("<MKTGINFO>").unwrap().1.split_once('<').unwrap().0;
    let told = told.replace("&lt;", "<").replace("&gt;", ">");
    assert!(told.len() <= 360 && told.ends_with("&#28145;"), "{told}");
}

#[test]
fn imports_have_signed_amounts_harmless_names_and_a_thousand_rows() {
    let text = written(Form::Xero, 1, &[&[entry(-9000, -9000)]], (0, -9000)).unwrap();
    assert_eq!(
        text.lines().nth(1).unwrap(),
        "02/03/2026,-90.00,'=Cmd & Co,\"Your share of a sale =HYPERLINK(\"\"http://evil\"\",1)\",\
         txn_00000000000000000000000007,"
    );
    let entries: Vec<StatementEntry> = (1..=2_001).map(|balance| entry(1, balance)).collect();
    let pages: Vec<&[StatementEntry]> = entries.chunks(700).collect();
    let rows = [1, 2, 3, 4]
        .map(|part| written(Form::QuickBooks, part, &pages, (0, 2_001)).unwrap().lines().count() - 1);
    assert_eq!(rows, [1_000, 1_000, 1, 0]);
    assert_eq!([0, 1, 1_000, 1_001, 2_001].map(QuickBooks::parts), [1, 1, 1, 2, 3]);
    let apart = written(Form::QuickBooks4, 1, &[&[entry(-9000, -9000)]], (0, -9000)).unwrap();
    assert!(
        apart.starts_with("Date,Description,Credit,Debit\n") && apart.trim_end().ends_with(",,90.00"),
        "{apart}"
    );
}

#[test]
fn a_long_export_needs_the_memory_of_one_page() {
    for form in [Form::Csv, Form::Camt053, Form::Ofx, Form::Xero] {
        let (mut page, mut written, mut balance) = (Vec::new(), 0, 0);
        let form = TextForm::of(form, Dates::YearFirst, 1).unwrap();
        let mut text = StatementText::begin(form, heading(0, 10_000), &mut page).unwrap();
        for _ in 0..20 {
            let entries: Vec<StatementEntry> = (0..500)
                .map(|_| {
                    balance += 1;
                    entry(1, balance)
                })
                .collect();
            text.append(&entries, &mut page).unwrap();
            written += page.len();
            page.clear();
        }
        text.finish(&mut page).unwrap();
        assert!(written > 20 * page.capacity() / 3, "{form:?}: {written} bytes through {}", page.capacity());
    }
}

/// Statements that are not issued are told apart by whose, which days, which currency and how much they are of, and by nothing
/// else: the same one has the same name tomorrow.
#[test]
fn previews_have_names_of_their_own() {
    let name = |heading: Heading| {
        let (mut file, form) = (Vec::new(), TextForm::of(Form::Camt053, Dates::DayFirst, 1).unwrap());
        StatementText::begin(form, heading, &mut file).unwrap();
        let text = String::from_utf8(file).unwrap();
        let of = |element: &str| {
            let after = text.split_once(&format!("<{element}>")).unwrap().1;
            after.split_once('<').unwrap().0.to_owned()
        };
        assert_eq!(of("MsgId"), of("Id"));
        of("MsgId")
    };
    let zone = chrono_tz::Asia::Singapore;
    let of_days =
        |from, to| Heading { period: Period::try_new(day(from), day(to), zone).unwrap(), ..heading(0, 500) };
    let idr = |minor| Money::from_minor(minor, Currency::find("IDR").unwrap());
    let names = [
        heading(0, 500),
        of_days("2026-03-31", "2026-03-31"),
        of_days("2026-03-01", "2026-03-30"),
        Heading { supplier: SupplierId::from_bits(2), ..heading(0, 500) },
        Heading { opening: idr(0), closing: idr(500), ..heading(0, 500) },
        heading(0, 501),
    ]
    .map(name);
    let apart: std::collections::BTreeSet<&String> = names.iter().collect();
    assert_eq!(apart.len(), names.len(), "{names:?}");
    assert!(names.iter().all(|name| name.len() == 35), "{names:?}");
    let later = Heading { made_at: "2026-04-02T00:00:00Z".parse().unwrap(), ..heading(0, 500) };
    assert_eq!(name(later), names[0]);
}
