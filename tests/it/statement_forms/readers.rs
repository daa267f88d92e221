//! Forms read by programs that are no relations of their writers: calamine for workbooks, poppler for PDF, xmllint for
//! XML, and what a statement says laid beside the JSON.

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use calamine::{Data, Reader, Xlsx};
use serde_json::Value;
use straits::banks::camt053;

/// What a statement says, as texts.
pub struct Told {
    pub opening: String,
    pub closing: String,
    /// Transaction, signed amount, balance after it.
    pub lines: Vec<(String, String, String)>,
}

fn amount(money: &Value) -> String {
    money["amount"].as_str().unwrap().to_owned()
}

impl Told {
    pub fn from_json(json: &Value) -> Told {
        let line = |line: &Value| {
            let sign = if line["direction"] == "debit" { "-" } else { "" };
            let transaction = line["transaction"].as_str().unwrap().to_owned();
            (transaction, format!("{sign}{}", amount(&line["amount"])), amount(&line["balance"]))
        };
        let lines = json["entries"].as_array().unwrap().iter().map(line).collect();
        Told { opening: amount(&json["opening"]), closing: amount(&json["closing"]), lines }
    }

    fn signed(&self) -> Vec<(String, String)> {
        self.lines.iter().map(|(transaction, amount, _)| (transaction.clone(), amount.clone())).collect()
    }
}

/// Holds a file against the JSON.
pub fn read(form: &str, file: &[u8], json: &Value, told: &Told) {
    match form {
        "csv" => csv(file, told),
        "xlsx" => workbook(file, json, told),
        "pdf" => pdf(file, json, told),
        "camt053" => camt(file, json, told),
        "ofx" => ofx(file, json, told),
        "xero" => {
            let rows = rows(file);
            assert!(rows[1..].iter().all(|row| row.len() == 6 && !row[2].starts_with(['=', '+', '-', '@'])));
            let read: Vec<_> = rows[1..].iter().map(|row| (row[4].clone(), row[1].clone())).collect();
            assert_eq!(read, told.signed());
        }
        _ => {
            let rows = rows(file);
            let read = rows[1..].iter().map(|row| {
                let transaction = row[1].rsplit(' ').next().unwrap().to_owned();
                let amount = match row.len() {
                    3 => row[2].clone(),
                    _ if row[3].is_empty() => row[2].clone(),
                    _ => format!("-{}", row[3]),
                };
                (transaction, amount)
            });
            assert_eq!(read.collect::<Vec<_>>(), told.signed());
        }
    }
}

fn rows(file: &[u8]) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(file);
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

fn csv(file: &[u8], told: &Told) {
    let rows = rows(file);
    let (end, rows) = rows[1..].split_last().unwrap();
    assert_eq!(*end, ["#END".to_owned(), told.lines.len().to_string(), told.closing.clone()]);
    let read: Vec<_> = rows
        .iter()
        .map(|row| {
            let sign = if row[2] == "debit" { "-" } else { "" };
            (row[7].clone(), format!("{sign}{}", row[3]), row[5].clone())
        })
        .collect();
    assert_eq!(read, told.lines);
}

/// A cell's number as its text; the file's own digits, since a double's shortest text is what was written.
fn number(cell: &Data, decimals: usize) -> String {
    match cell {
        Data::Float(number) => format!("{number:.decimals$}"),
        Data::Int(number) => format!("{number}"),
        other => panic!("{other:?} is no number"),
    }
}

fn workbook(file: &[u8], json: &Value, told: &Told) {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(file.to_vec())).unwrap();
    let decimals = told.closing.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let lines = book.worksheet_range("Entries").unwrap();
    let read = lines.rows().skip(1).map(|row| {
        let amount = match &row[4] {
            Data::Empty => number(&row[3], decimals),
            debit => format!("-{}", number(debit, decimals)),
        };
        (row[7].to_string(), amount, number(&row[5], decimals))
    });
    assert_eq!(read.collect::<Vec<_>>(), told.lines);
    let summary = book.worksheet_range("Summary").unwrap();
    let summary: BTreeMap<String, Data> =
        summary.rows().map(|row| (row[0].to_string(), row[1].clone())).collect();
    for (name, expected) in [
        ("Opening balance", &told.opening),
        ("Closing balance", &told.closing),
        ("Credits", &amount(&json["totals"]["credits"])),
        ("Debits", &amount(&json["totals"]["debits"])),
    ] {
        assert_eq!(number(&summary[name], decimals), *expected, "{name}");
    }
    let holder = format!("{}, SG", json["holder"]["name"].as_str().unwrap());
    assert_eq!(summary["Issued to"].to_string(), holder);
    assert_eq!(summary["Tax number"].to_string(), json["holder"]["tax_number"].as_str().unwrap());
    assert_eq!(summary["Ledger head"].to_string(), json["ledger_head"].as_str().unwrap());
    let formulas = book.worksheet_formula("Summary").unwrap();
    assert!(formulas.rows().flatten().all(String::is_empty), "no cell is a formula");
}

/// What a program says of a file; `None`, with a word on it, where it is not installed.
fn asked(program: &str, arguments: &[&str], file: &[u8]) -> Option<String> {
    let child = Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        eprintln!("skipped: {program} is missing; tests/run installs it");
        return None;
    };
    let mut input = child.stdin.take().unwrap();
    let file = file.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&file));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", output.status);
    Some(String::from_utf8(output.stdout).unwrap())
}

fn pdf(file: &[u8], json: &Value, told: &Told) {
    let Some(text) = asked("pdftotext", &["-layout", "-", "-"], file) else { return };
    let has = |part: &str| assert!(text.contains(part), "{part} is not in\n{text}");
    let currency = json["currency"].as_str().unwrap();
    has(&format!("{currency} {}", told.opening));
    has(&format!("{currency} {}", told.closing));
    has(&format!("{currency} {}", amount(&json["totals"]["credits"])));
    has(&format!("{currency} {}", amount(&json["totals"]["debits"])));
    // A long name goes over several lines.
    let close = |text: &str| text.split_whitespace().collect::<String>();
    let name = json["holder"]["name"].as_str().unwrap().replace('😀', "[U+1F600]");
    assert!(close(&text).contains(&close(&name)), "{name} is not in\n{text}");
    has(json["holder"]["tax_number"].as_str().unwrap());
    has(json["ledger_head"].as_str().unwrap());
    has(json["zone"].as_str().unwrap());
    if let Some(hash) = json["sha256"].as_str() {
        has(hash);
    }
    if told.lines.len() > 2_000 {
        has("this document has the totals of each day");
        return;
    }
    for (transaction, amount, balance) in &told.lines {
        let line = text.lines().find(|line| line.contains(transaction.as_str()));
        let line = line.unwrap_or_else(|| panic!("{transaction} is not in\n{text}"));
        let words: Vec<&str> = line.split_whitespace().rev().take(2).collect();
        assert_eq!(words, [balance.as_str(), amount.trim_start_matches('-')], "{line}");
    }
    if told.lines.is_empty() {
        has("Nothing moved in this period.");
    }
}

fn camt(file: &[u8], json: &Value, told: &Told) {
    let schema = std::env::var_os("STRAITS_REFERENCE_DIR")
        .map(|folder| PathBuf::from(folder).join("data/iso20022/camt.053.001.08.xsd"))
        .filter(|schema| schema.exists());
    match schema {
        Some(schema) => {
            asked("xmllint", &["--noout", "--nonet", "--schema", schema.to_str().unwrap(), "-"], file);
        }
        None => eprintln!("skipped: STRAITS_REFERENCE_DIR does not name the schema of camt.053"),
    }
    let text = String::from_utf8(file.to_vec()).unwrap();
    assert!(
        text.contains(json["zone"].as_str().unwrap()) && text.contains(json["ledger_head"].as_str().unwrap())
    );
    // Our own reader of banks' statements was written before, against banks' files.
    let read = camt053::read(file).unwrap();
    assert_eq!(read.len(), 1);
    let lines = text.split("<Ntry>").skip(1).map(|entry| {
        let between = |from: &str, to: &str| {
            let rest = entry.split_once(from).unwrap().1;
            rest.split_once(to).unwrap().0.to_owned()
        };
        let sign = if between("<CdtDbtInd>", "</").as_str() == "DBIT" { "-" } else { "" };
        let amount = between("<Amt Ccy=\"", "</Amt>");
        (between("<NtryRef>", "</"), format!("{sign}{}", amount.split_once('>').unwrap().1))
    });
    assert_eq!(lines.collect::<Vec<_>>(), told.signed());
    let balances: Vec<String> = text
        .split("<Bal>")
        .skip(1)
        .map(|balance| {
            let amount = balance.split_once("<Amt ").unwrap().1.split_once('>').unwrap().1;
            let amount = amount.split_once('<').unwrap().0;
            let sign =
                if balance.split_once("<CdtDbtInd>").unwrap().1.starts_with("DBIT") { "-" } else { "" };
            format!("{sign}{amount}")
        })
        .collect();
    assert_eq!(balances, [told.opening.clone(), told.closing.clone()]);
}

fn ofx(file: &[u8], json: &Value, told: &Told) {
    asked("xmllint", &["--noout", "--nonet", "-"], file);
    assert!(file.is_ascii(), "there are readers that take it to be that");
    let text = String::from_utf8(file.to_vec()).unwrap();
    let all = |name: &str| -> Vec<String> {
        let opening = format!("<{name}>");
        let parts = text.split(&opening).skip(1);
        parts.map(|part| part.split_once('<').unwrap().0.to_owned()).collect()
    };
    assert_eq!(all("FITID").into_iter().zip(all("TRNAMT")).collect::<Vec<_>>(), told.signed());
    assert_eq!(all("VALUE"), [told.opening.clone(), told.closing.clone()]);
    assert_eq!(all("BALAMT"), std::slice::from_ref(&told.closing));
    assert_eq!(all("CURDEF"), [json["currency"].as_str().unwrap()]);
    assert_eq!(all("ACCTID")[0].len(), 22);
}
