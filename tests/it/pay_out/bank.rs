//! What banks are told: files that hold against the published schema, whatever names and numbers go in.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::Command;

use chrono::NaiveDate;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use straits::clock::{Clock, from_micros};
use straits::domain::merchants::PayoutAccountKind;
use straits::domain::payouts::{DebtorAddress, FeeBearer};
use straits::gateways::transport::Transport;
use straits::gateways::{Creditor, Debtor, GatewayError, PayoutBatchRequest, PayoutOrder, Payouts, call};
use straits::ids::{IdSource, PayoutBatchId};
use straits::money::{Currency, Money};
use straits::rails::{BankChannel, ByHand, Template, WriteError, latin, write_pain001, write_sheet};

/// The published schemas, where they are at hand, and a program that knows them.
pub fn schema(name: &str) -> Option<PathBuf> {
    let folder = std::env::var("STRAITS_REFERENCE_DIR").ok()?;
    let file = PathBuf::from(folder).join("data/iso20022").join(name);
    let knows = Command::new("xmllint").arg("--version").output().is_ok_and(|ran| ran.status.success());
    (knows && file.exists()).then_some(file)
}

pub fn holds(schema: &std::path::Path, text: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file.xml");
    std::fs::write(&file, text).unwrap();
    let ran = Command::new("xmllint").args(["--noout", "--schema"]).arg(schema).arg(&file).output().unwrap();
    if ran.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&ran.stderr).into_owned() + text) }
}

fn order(ids: &IdSource, name: &str, minor: i64, iban: bool) -> PayoutOrder {
    PayoutOrder {
        payout: ids.mint(),
        rail_ref: None,
        amount: Money::from_minor(minor, Currency::find("THB").unwrap()),
        creditor: Creditor {
            name: name.into(),
            country: "TH".into(),
            town: Some("Chiang Mai".into()),
            kind: if iban { PayoutAccountKind::Iban } else { PayoutAccountKind::Bank },
            number: if iban { "DE89 3704 0044 0532 0130 00" } else { "123-4-56789-0" }.to_owned().into(),
            bank_code: Some(if iban { "COBADEFFXXX" } else { "014" }.into()),
        },
        note: "November, §3: 50 % <less>".into(),
        purpose: Some(if iban { "SUPP" } else { "00001 goods" }.into()),
        bearer: Some(FeeBearer::Platform),
    }
}

fn batch(ids: &IdSource, orders: Vec<PayoutOrder>) -> PayoutBatchRequest {
    let id: PayoutBatchId = ids.mint();
    PayoutBatchRequest {
        batch: id,
        request_ref: id.to_string(),
        rail_ref: None,
        orders,
        debtor: Some(Debtor {
            name: "Straits & Söhne Traders".into(),
            country: "SG".into(),
            address: DebtorAddress { town: Some("Singapore".into()), ..DebtorAddress::default() },
            number: "0123456789".to_owned().into(),
            bic: Some("DBSSSGSG".into()),
        }),
        execute_on: NaiveDate::from_ymd_opt(2026, 11, 30).unwrap(),
        made_at: from_micros(1_795_000_000_000_000),
        carried: None,
    }
}

fn ids() -> IdSource {
    IdSource::seeded(Clock::fixed(from_micros(1_795_000_000_000_000)), 3)
}

#[test]
fn a_file_holds_against_the_published_schema_and_adds_up() {
    let ids = ids();
    let orders =
        vec![order(&ids, "Nguyễn Thị Ánh", 3_500_000, false), order(&ids, "Müller GmbH", 12_345, true)];
    let batches = [batch(&ids, orders), batch(&ids, vec![order(&ids, "O’Neill", 1, false)])];
    let text = write_pain001("pln_01", batches[0].made_at, &batches).unwrap();
    assert!(text.contains("<NbOfTxs>3</NbOfTxs><CtrlSum>35123.46</CtrlSum>"), "{text}");
    assert!(
        text.contains("<Nm>Nguyen Thi Anh</Nm><PstlAdr><TwnNm>Chiang Mai</TwnNm><Ctry>TH</Ctry></PstlAdr>")
    );
    assert!(text.contains("<IBAN>DE89370400440532013000</IBAN>") && text.contains("<Cd>SUPP</Cd>"), "{text}");
    assert!(text.contains("<Ustrd>Payout") || !text.contains("<less>"), "{text}");
    // The same content, the same bytes.
    assert_eq!(text, write_pain001("pln_01", batches[0].made_at, &batches).unwrap());
    let Some(schema) = schema("pain.001.001.09.xsd") else {
        println!("schema skipped: no xmllint, or STRAITS_REFERENCE_DIR is not set");
        return;
    };
    holds(&schema, &text).unwrap();
    let broken = text.replace("<TwnNm>", "<Town>").replace("</TwnNm>", "</Town>");
    assert!(holds(&schema, &broken).is_err(), "the schema is really looked at");
}

#[test]
fn whatever_names_go_in_the_schema_holds_or_nothing_is_written() {
    let Some(schema) = schema("pain.001.001.09.xsd") else {
        println!("skipped: no xmllint, or STRAITS_REFERENCE_DIR is not set");
        return;
    };
    let mut runner = TestRunner::new(Config { cases: 48, failure_persistence: None, ..Config::default() });
    let given = ("\\PC{0,90}", "[ -~àéüđơŁ]{1,40}", 1..Money::INPUT_LIMIT, any::<bool>());
    runner
        .run(&given, |(name, town, minor, iban)| {
            let ids = ids();
            let mut one = order(&ids, &name, minor, iban);
            one.creditor.town = Some(town.clone());
            one.note = name.clone();
            match write_pain001("m", from_micros(1_795_000_000_000_000), &[batch(&ids, vec![one])]) {
                Ok(text) => prop_assert_eq!(holds(&schema, &text), Ok(())),
                Err(WriteError::Letters { .. }) => {
                    prop_assert!(latin(&name).is_none() || latin(&town).is_none(), "{name} {town}");
                }
                Err(error) => prop_assert!(false, "{error}"),
            }
            Ok(())
        })
        .unwrap();
}

/// Every text that a bank is told is in its letters, our own ids too.
#[test]
fn a_file_is_in_the_letters_that_banks_carry() {
    let ids = ids();
    let orders =
        vec![order(&ids, "Nguyễn Thị Ánh", 3_500_000, false), order(&ids, "Müller & Co_KG", 12_345, true)];
    let one = batch(&ids, orders);
    let text = ByHand::pain001(Clock::fixed(one.made_at)).file(&one).unwrap().unwrap();
    let told: Vec<&str> = text.split('>').skip(1).filter_map(|part| part.split('<').next()).collect();
    let told: Vec<&str> = told.into_iter().filter(|said| !said.trim().is_empty()).collect();
    assert!(told.len() > 30, "{told:?}");
    for said in told {
        assert_eq!(latin(said).as_deref(), Some(said), "{text}");
    }
    let own = one.orders[0].payout.to_string().replace('_', "-");
    assert!(text.contains(&format!("<InstrId>{own}</InstrId><EndToEndId>{own}</EndToEndId>")), "{text}");
    let own = one.request_ref.replace('_', "-");
    assert!(
        text.contains(&format!("<MsgId>{own}</MsgId>"))
            && text.contains(&format!("<PmtInfId>{own}</PmtInfId>"))
    );
}

/// Long names, currencies with no decimals and with three, many batches: the schema holds and the sums are exact.
#[test]
fn odd_data_in_many_batches_holds_and_adds_up() {
    let Some(schema) = schema("pain.001.001.09.xsd") else {
        println!("skipped: no xmllint, or STRAITS_REFERENCE_DIR is not set");
        return;
    };
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let one = ("[A-Za-zÀ-ž '&/-]{1,200}", "[A-Za-zÀ-ž -]{1,90}", 1..100_000_000_000_i64, any::<bool>());
    let batches = prop::collection::vec((0..4_usize, prop::collection::vec(one, 1..6)), 1..12);
    let codes = ["JPY", "KWD", "THB", "IDR"];
    runner
        .run(&batches, |given| {
            let ids = ids();
            let batch_of = |(code, orders): (usize, Vec<(String, String, i64, bool)>)| {
                let orders = orders.into_iter().map(|(name, town, minor, iban)| {
                    let mut one = order(&ids, &name, minor, iban);
                    one.amount = Money::from_minor(minor, Currency::find(codes[code]).unwrap());
                    (one.creditor.town, one.note) = (Some(town), name);
                    one
                });
                batch(&ids, orders.collect())
            };
            let batches: Vec<PayoutBatchRequest> = given.into_iter().map(batch_of).collect();
            let orders = || batches.iter().flat_map(|batch| &batch.orders);
            let text = match write_pain001("pln_01kb0000000000000000000000", batches[0].made_at, &batches) {
                Ok(text) => text,
                Err(WriteError::Letters { .. }) => {
                    let latin = |text: &str| latin(text).is_none();
                    let foreign = |order: &PayoutOrder| {
                        latin(&order.creditor.name) || order.creditor.town.as_deref().is_some_and(latin)
                    };
                    prop_assert!(orders().any(foreign));
                    return Ok(());
                }
                Err(error) => return Err(TestCaseError::fail(error.to_string())),
            };
            prop_assert_eq!(holds(&schema, &text), Ok(()));
            let numbers = |before: &str| -> Vec<rust_decimal::Decimal> {
                let rest = text.split(before).skip(1);
                rest.map(|rest| rest.split('<').next().unwrap().rsplit('>').next().unwrap().parse().unwrap())
                    .collect()
            };
            let amounts = numbers("<InstdAmt ");
            prop_assert_eq!(amounts.len(), orders().count());
            let sums = numbers("<CtrlSum>");
            prop_assert_eq!(sums.len(), 1 + batches.len());
            prop_assert_eq!(sums[0], amounts.iter().copied().sum::<rust_decimal::Decimal>());
            prop_assert_eq!(sums[0], sums[1..].iter().copied().sum::<rust_decimal::Decimal>());
            let counts = numbers("<NbOfTxs>");
            prop_assert_eq!(counts[0], rust_decimal::Decimal::from(amounts.len()));
            Ok(())
        })
        .unwrap();
    // More than the form has digits for.
    let ids = ids();
    let much = || order(&ids, "A", Money::INPUT_LIMIT, false);
    let many = batch(&ids, (0..200).map(|_| much()).collect());
    assert!(matches!(write_pain001("m", many.made_at, &[many]), Err(WriteError::TooMuch { .. })));
}

/// What one caller posts; the bank that hears it says nothing.
fn hears(listener: std::net::TcpListener) -> String {
    let (stream, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim_end().to_ascii_lowercase().split_once(": ") {
            Some(("content-length", value)) => length = value.parse().unwrap(),
            Some(_) => {}
            None if line.trim_end().is_empty() => break,
            None => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    String::from_utf8(body).unwrap()
}

/// Whoever hands in what can be downloaded hands in the same message: one id, one content, however it travels.
#[tokio::test]
async fn the_channel_and_the_hand_carry_the_same_bytes() {
    let ids = ids();
    let clock = Clock::fixed(from_micros(1_795_000_000_000_000));
    let one = batch(&ids, vec![order(&ids, "A", 100, false), order(&ids, "B", 250, true)]);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let heard = std::thread::spawn(move || hears(listener));
    let channel = BankChannel::new(base, None, Transport::from(call::client().unwrap()), clock.clone());
    let lost = channel.send(&one).await.unwrap_err();
    assert!(matches!(lost, GatewayError::OutcomeUnknown(_)), "{lost}");
    let sent = heard.join().unwrap();
    assert!(sent.contains(&format!("<MsgId>{}</MsgId>", one.request_ref.replace('_', "-"))), "{sent}");
    assert_eq!(channel.file(&one).unwrap().as_deref(), Some(sent.as_str()));
    assert_eq!(ByHand::pain001(clock).file(&one).unwrap(), Some(sent));
}

/// A payee's number, and who bears the charges of its payout.
type Paid<'a> = (&'a str, Option<FeeBearer>);

/// Who bears the charges is said once for all, or of each; a SEPA credit transfer knows one answer.
#[test]
fn who_bears_the_charges_is_told_as_it_was_approved() {
    let ids = ids();
    let at = from_micros(1_795_000_000_000_000);
    let schema = schema("pain.001.001.09.xsd");
    let told = |currency: &str, debtor: &str, orders: &[Paid<'_>]| -> String {
        let order = |(number, bearer): &Paid<'_>| {
            let mut one = order(&ids, "Payee", 1_000, false);
            one.amount = Money::from_minor(1_000, Currency::find(currency).unwrap());
            (one.creditor.number, one.bearer) = ((*number).to_owned().into(), *bearer);
            one
        };
        let mut one = batch(&ids, orders.iter().map(order).collect());
        one.debtor.as_mut().unwrap().number = debtor.to_owned().into();
        let text = write_pain001("m", at, &[one]).unwrap();
        if let Some(schema) = &schema {
            holds(schema, &text).unwrap();
        }
        let (head, payments) = text.split_once("<CdtTrfTxInf>").unwrap();
        let said = |text: &str| {
            let between = |from: &str| Some(text.split_once(from)?.1.split('<').next()?.to_owned());
            let level = between("<SvcLvl><Cd>").map(|level| format!("{level} ")).unwrap_or_default();
            between("<ChrgBr>").map(|charges| level + &charges).unwrap_or_else(|| "-".to_owned())
        };
        let each: Vec<String> = payments.split("<CdtTrfTxInf>").map(said).collect();
        format!("{}: {}", said(head), each.join(", "))
    };
    let (ours, theirs, shared) =
        (Some(FeeBearer::Platform), Some(FeeBearer::Supplier), Some(FeeBearer::Shared));
    let (german, french, thai) = ("DE89370400440532013000", "FR1420041010050500013M02606", "1234567890");
    let table: [(&str, &str, &[Paid<'_>], &str); 10] = [
        ("USD", thai, &[(thai, ours), (thai, ours)], "DEBT: -, -"),
        ("USD", thai, &[(thai, shared), (thai, shared)], "SHAR: -, -"),
        // The fee came off the amount before: the bank does not take it again.
        ("USD", thai, &[(thai, theirs)], "SHAR: -"),
        ("USD", thai, &[(thai, ours), (thai, shared)], "-: DEBT, SHAR"),
        ("USD", thai, &[(thai, None)], "DEBT: -"),
        ("EUR", german, &[(french, shared)], "SEPA SLEV: -"),
        ("EUR", german, &[(french, ours), (german, theirs)], "SEPA SLEV: -, -"),
        ("EUR", german, &[(french, shared), (thai, ours)], "-: SEPA SLEV, DEBT"),
        // From Singapore, and in dollars: none of SEPA's.
        ("EUR", thai, &[(french, shared)], "SHAR: -"),
        ("USD", german, &[(french, ours)], "DEBT: -"),
    ];
    for (currency, debtor, orders, expected) in table {
        assert_eq!(told(currency, debtor, orders), expected, "{currency} {debtor} {orders:?}");
    }
}

/// What is known of the merchant's seat is told, what is not is left out.
#[test]
fn the_debtors_address_is_structured() {
    let ids = ids();
    let some = |text: &str| Some(text.to_owned());
    let whole =
        DebtorAddress { street: some("1 Raffles Place"), post_code: some("048616"), town: some("Singapore") };
    for (address, expected) in [
        (
            whole,
            "<PstlAdr><StrtNm>1 Raffles Place</StrtNm><PstCd>048616</PstCd><TwnNm>Singapore</TwnNm><Ctry>SG</Ctry></PstlAdr>",
        ),
        (
            DebtorAddress { town: some("Singapore"), ..DebtorAddress::default() },
            "<PstlAdr><TwnNm>Singapore</TwnNm><Ctry>SG</Ctry></PstlAdr>",
        ),
        (DebtorAddress::default(), "<PstlAdr><Ctry>SG</Ctry></PstlAdr>"),
    ] {
        let mut one = batch(&ids, vec![order(&ids, "A", 100, false)]);
        one.debtor.as_mut().unwrap().address = address;
        let text = write_pain001("m", one.made_at, &[one]).unwrap();
        let debtor = text.split_once("<Dbtr>").unwrap().1.split_once("</Dbtr>").unwrap().0;
        assert!(debtor.ends_with(expected), "{debtor}");
        if let Some(schema) = schema("pain.001.001.09.xsd") {
            holds(&schema, &text).unwrap();
        }
    }
}

#[test]
fn what_a_bank_would_refuse_is_not_written() {
    let ids = ids();
    let at = from_micros(1_795_000_000_000_000);
    let write = |edit: fn(&mut PayoutBatchRequest)| {
        let mut one = batch(&ids, vec![order(&ids, "A", 100, false)]);
        edit(&mut one);
        write_pain001("m", at, &[one])
    };
    assert!(write(|_| {}).is_ok());
    assert!(write(|batch| batch.orders[0].creditor.town = None).is_err());
    assert!(write(|batch| batch.orders[0].creditor.name = "上海贸易".into()).is_err());
    assert!(write(|batch| batch.orders[0].creditor.number = "1234;5".to_owned().into()).is_err());
    assert!(write(|batch| batch.debtor = None).is_err());
    assert!(write(|batch| batch.orders.clear()).is_err());
}

#[test]
fn a_sheet_has_the_templates_columns_and_says_where_it_ends() {
    let ids = ids();
    let mut one = batch(&ids, vec![order(&ids, "=cmd()", 12_300, false), order(&ids, "B, \"b\"", 45, false)]);
    one.orders[0].creditor.number = "-1".to_owned().into();
    let template = Template::read("number=Account,name=Beneficiary,amount,payout=Reference").unwrap();
    let text = write_sheet(&template, &[one.clone()]).unwrap();
    let rows: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(rows[0], "Account,Beneficiary,amount,Reference");
    // A number stays what the bank compares, a text is none that a spreadsheet runs.
    assert_eq!(rows[1], format!("-1,'=cmd(),123.00,{}", one.orders[0].payout));
    assert_eq!(rows[2], format!("123-4-56789-0,\"B, \"\"b\"\"\",0.45,{}", one.orders[1].payout));
    assert_eq!(rows[3], "#END,2,123.45");
    one.orders[1].bearer = Some(FeeBearer::Shared);
    let template = Template::read("number,amount,payout,charges=Charges").unwrap();
    let text = write_sheet(&template, &[one.clone()]).unwrap();
    let charges: Vec<&str> = text.split("\r\n").take(3).map(|row| row.rsplit(',').next().unwrap()).collect();
    assert_eq!(charges, ["Charges", "DEBT", "SHAR"]);
    // Which account pays is for who asks.
    let template = Template::read("number,amount,payout,from_account=From").unwrap();
    for (template, named) in [(template, true), (Template::default(), false)] {
        let text = write_sheet(&template, &[one.clone()]).unwrap();
        assert_eq!(text.contains("0123456789"), named, "{text}");
    }
}
