//! One hundred suppliers with names of many scripts and random movements: every form of each statement says what its JSON
//! says. Without a program: the model is put straight into its writers.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{NaiveDate, TimeDelta};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use straits::clock::{Clock, from_micros};
use straits::domain::ledger::ChainHead;
use straits::domain::statements::{
    Dates, Form, Heading, Issue, Letterhead, Party, Period, Side, Statement, StatementEntry, StatementPdf,
    StatementText, StatementXlsx, TextForm,
};
use straits::ids::{IdSource, PaymentId};
use straits::money::{Currency, Money};

use super::readers::{Told, read};

const SUPPLIERS: u64 = 100;
const CURRENCIES: [&str; 9] = ["CNY", "THB", "VND", "KWD", "USD", "JPY", "EUR", "SGD", "MYR"];
const CHINESE: &str = "深圳市腾讯计算机系统有限公司上海贸易北京百度网络科技广州白云山医药集团股份杭州阿里巴巴喆淼鑫龍鳳齋陳黃張劉趙滙瑋旻瑀峯昉彧瑄裏彣沄囍嘅啲咗嘢";
const THAI: [&str; 12] =
    ["บริษัท", "จำกัด", "มหาชน", "ไทย", "พาณิชย์", "กรุงเทพ", "สยาม", "น้ำ", "เจริญ", "โภคภัณฑ์", "ปูนซิเมนต์", "ผู้ผลิต"];
const VIETNAMESE: [&str; 12] =
    ["Nguyễn", "Thị", "Ánh", "Đào", "Trần", "Hữu", "Phước", "Lê", "Quỳnh", "Bùi", "Đặng", "Vượng"];
const LATIN: [&str; 12] = [
    "Müller",
    "Søren",
    "Łódź",
    "Çelik",
    "Ñandú",
    "Œuvre",
    "Žižek",
    "Ísafjörður",
    "O’Neill",
    "Smith & Co",
    "Straße",
    "Ltd",
];
/// What spreadsheets would run.
const BEGINNINGS: [&str; 6] = ["", "", "=", "+", "-", "@"];

fn words(random: &mut StdRng, of: &[&str], most: usize) -> String {
    let count = random.random_range(1..=most);
    let words: Vec<&str> = (0..count).map(|_| of[random.random_range(0..of.len())]).collect();
    words.join(" ")
}

fn name(random: &mut StdRng, nth: u64) -> String {
    let begin = BEGINNINGS[random.random_range(0..BEGINNINGS.len())];
    let name: String = match nth % 5 {
        0 => {
            let letters: Vec<char> = CHINESE.chars().collect();
            let count = random.random_range(2..24);
            (0..count).map(|_| letters[random.random_range(0..letters.len())]).collect()
        }
        1 => words(random, &THAI, 4),
        2 => words(random, &VIETNAMESE, 5),
        3 => words(random, &LATIN, 4),
        // As long as a name may be.
        _ => {
            let all = [&LATIN[..], &VIETNAMESE[..], &["株式会社", "주식회사", "Holdings", "International"]]
                .concat();
            let mut long = String::new();
            while long.chars().count() < 160 {
                long.push_str(&words(random, &all, 3));
                long.push(' ');
            }
            long.trim_end().to_owned()
        }
    };
    format!("{begin}{name}")
}

/// A statement of random movements that foots.
fn statement(nth: u64) -> (Heading, Vec<StatementEntry>) {
    let mut random = StdRng::seed_from_u64(4_000 + nth);
    let at = from_micros(1_795_000_000_000_000);
    let ids = IdSource::seeded(Clock::fixed(at), nth);
    let currency = Currency::find(CURRENCIES[random.random_range(0..CURRENCIES.len())]).unwrap();
    let money = |minor: i64| Money::from_minor(minor, currency);
    let from: NaiveDate = "2026-11-01".parse().unwrap();
    let opening = random.random_range(-1_000_000..100_000_000_i64);
    let (mut balance, mut day) = (opening, from);
    // Every tenth has nothing to tell.
    let count = if nth % 10 == 9 { 0 } else { random.random_range(1..30) };
    let mut entries = Vec::new();
    for _ in 0..count {
        let minor: i64 = random.random_range(1..90_000_000);
        let side = if random.random_range(0..3) == 0 { Side::Debit } else { Side::Credit };
        balance += if side == Side::Credit { minor } else { -minor };
        day = (day + TimeDelta::days(random.random_range(0..2))).min("2026-11-30".parse().unwrap());
        entries.push(StatementEntry {
            transaction: ids.mint(),
            subject: (random.random_range(0..4) > 0).then(|| ids.mint::<PaymentId>().to_string()),
            booked_on: day,
            value_date: day - TimeDelta::days(random.random_range(0..5)),
            side,
            amount: money(minor),
            narrative: ["Your share of a sale", "A refund's part", "Payout"][random.random_range(0..3)]
                .into(),
            balance: money(balance),
        });
    }
    let party = |name: String, tax: &str| Party {
        name,
        country: Some("SG".to_owned()),
        tax_number: Some(tax.to_owned()),
    };
    let digest: String = (0..64).map(|_| char::from_digit(random.random_range(0..16), 16).unwrap()).collect();
    let head: ChainHead = format!("{}:{digest}", random.random_range(1..9_000_000)).parse().unwrap();
    let issued = nth.is_multiple_of(2);
    let sha256 = digest.chars().rev().collect();
    let heading = Heading {
        supplier: ids.mint(),
        period: Period::try_new(from, "2026-11-30".parse().unwrap(), chrono_tz::Asia::Bangkok).unwrap(),
        opening: money(opening),
        closing: money(balance),
        letterhead: Letterhead {
            issuer: party("Straits & <Söhne>".to_owned(), "200312345G"),
            holder: party(name(&mut random, nth), "91440300-708461136T"),
            ledger_head: Some(head),
        },
        issue: issued.then(|| Issue { id: ids.mint(), number: nth as i64 + 1, sha256 }),
        made_at: at,
    };
    (heading, entries)
}

fn written(form: Form, heading: &Heading, entries: &[StatementEntry]) -> Vec<u8> {
    let mut file = Vec::new();
    match form {
        Form::Xlsx => {
            let mut workbook = StatementXlsx::begin(heading.clone()).unwrap();
            workbook.append(entries).unwrap();
            let mut out = std::io::Cursor::new(Vec::new());
            workbook.finish(&mut out).unwrap();
            file = out.into_inner();
        }
        Form::Pdf => {
            let mut pdf = StatementPdf::begin(heading.clone());
            pdf.append(entries).unwrap();
            file = pdf.finish().unwrap().0;
        }
        _ => {
            let form = TextForm::of(form, Dates::YearFirst, 1).unwrap();
            let mut text = StatementText::begin(form, heading.clone(), &mut file).unwrap();
            text.append(entries, &mut file).unwrap();
            text.finish(&mut file).unwrap();
        }
    }
    file
}

#[test]
fn every_form_says_the_same_for_a_hundred_random_suppliers() {
    let (next, said) = (AtomicUsize::new(0), Mutex::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let nth = next.fetch_add(1, Ordering::Relaxed) as u64;
                    if nth >= SUPPLIERS {
                        return;
                    }
                    let (heading, entries) = statement(nth);
                    let json = Statement::issued(heading.clone(), entries.clone()).unwrap();
                    let json = serde_json::to_value(&json).unwrap();
                    let told = Told::from_json(&json);
                    assert_eq!(told.lines.len(), entries.len());
                    for form in Form::ALL.into_iter().filter(|form| *form != Form::Json) {
                        read(form.as_str(), &written(form, &heading, &entries), &json, &told);
                        *said.lock().unwrap() += 1;
                    }
                }
            });
        }
    });
    assert_eq!(*said.lock().unwrap(), SUPPLIERS as usize * 8);
}
