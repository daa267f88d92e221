use proptest::prelude::*;

use super::csv::Columns;
use super::*;
use crate::domain::deposits::ReadStatement;
use crate::money::{Currency, Money};

fn sgd(minor: i64) -> Money {
    Money::from_minor(minor, Currency::find("SGD").unwrap())
}

/// A camt.053 with a collective entry, a charge, a pending line and a reversal, in the words of a version and a prefix.
fn camt(version: &str, prefix: &str) -> String {
    let status = |code: &str| match version >= "07" {
        true => format!("<Sts><Cd>{code}</Cd></Sts>"),
        false => format!("<Sts>{code}</Sts>"),
    };
    let (booked, pending) = (status("BOOK"), status("PDNG"));
    let body = format!(
        r#"<BkToCstmrStmt><GrpHdr><MsgId>M1</MsgId></GrpHdr><Stmt><Id>S-1</Id>
<Acct><Id><Othr><Id>003-901234-5</Id></Othr></Id><Ccy>SGD</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="SGD">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-27</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="SGD">149.38</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-28</Dt></Dt></Bal>
<Ntry><Amt Ccy="SGD">50.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>{booked}<BookgDt><Dt>2026-11-28</Dt></BookgDt><ValDt><Dt>2026-11-27</Dt></ValDt><AcctSvcrRef>B-1</AcctSvcrRef>
 <NtryDtls><Btch><NbOfTxs>2</NbOfTxs></Btch>
 <TxDtls><Refs><EndToEndId>GP-1</EndToEndId></Refs><AmtDtls><TxAmt><Amt Ccy="SGD">30.00</Amt></TxAmt></AmtDtls><CdtDbtInd>CRDT</CdtDbtInd><RmtInf><Ustrd>Grab &amp; go</Ustrd></RmtInf></TxDtls>
 <TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs><AmtDtls><TxAmt><Amt Ccy="SGD">20.00</Amt></TxAmt></AmtDtls></TxDtls></NtryDtls></Ntry>
<Ntry><Amt Ccy="SGD">39.38</Amt><CdtDbtInd>CRDT</CdtDbtInd>{booked}<BookgDt><DtTm>2026-11-28T23:30:00+08:00</DtTm></BookgDt><AcctSvcrRef>B-2</AcctSvcrRef>
 <Chrgs><Rcrd><Amt Ccy="SGD">0.50</Amt><CdtDbtInd>DBIT</CdtDbtInd><ChrgInclInd>true</ChrgInclInd></Rcrd></Chrgs><AddtlNtryInf>wire  GP-2</AddtlNtryInf></Ntry>
<Ntry><Amt Ccy="SGD">40.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><RvslInd>true</RvslInd>{booked}<BookgDt><Dt>2026-11-28</Dt></BookgDt></Ntry>
<Ntry><Amt Ccy="SGD">7.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>{pending}<BookgDt><Dt>2026-11-29</Dt></BookgDt></Ntry>
</Stmt></BkToCstmrStmt>"#
    );
    let body = match prefix {
        "" => body,
        prefix => body
            .replace("</", "\u{0}")
            .replace('<', &format!("<{prefix}:"))
            .replace('\u{0}', &format!("</{prefix}:")),
    };
    let (colon, own) = if prefix.is_empty() {
        (String::new(), String::new())
    } else {
        (format!("{prefix}:"), format!(":{prefix}"))
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><{colon}Document xmlns{own}=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}\">{body}</{colon}Document>"
    )
}

const MT940: &str = "{1:F01DBSSSGSGAXXX0000000000}{2:O9400000}{4:\r\n:20:STMT1\r\n:25:DBSSSGSG/0039012345\r\n:28C:332/1\r\n\
:60F:C261127SGD100,\r\n:61:2611281128CD50,00NTRFGP-1//B-1\r\n/OCMT/SGD50,5/CHGS/SGD0,50/\r\n:86:051?00SWEEP?20GRAB PAY?21DAILY\r\n\
:61:261128RC40,NMSCNONREF\r\n:61:2612310101D10,00FCHGx\r\n:62F:C261128SGD100,00\r\n-}\r\n\
{1:F01}{4:\r\n:20:STMT2\r\n:25:0039012345\r\n:28C:1\r\n:60M:D261128JPY500,\r\n:62M:D261128JPY500,\r\n-}";

const CSV: &str = "\u{feff}Date,Value Date,Description,Debit,Credit,Balance,Reference\n\
2026-11-28,2026-11-27,GRABPAY SWEEP GP-1,,\"1,039.38\",\"1,139.38\",B-1\n2026-11-28,,FEE,(0.38),,1139.00,\n";

#[test]
fn every_version_and_prefix_of_camt_reads_the_same() {
    let first = camt053::read(camt("02", "").as_bytes()).unwrap();
    for version in ["03", "04", "06", "07", "08", "13"] {
        for prefix in ["", "ns0", "camt"] {
            assert_eq!(camt053::read(camt(version, prefix).as_bytes()).unwrap(), first, "{version} {prefix}");
        }
    }
    let [statement] = first.as_slice() else { panic!("{first:?}") };
    assert_eq!((statement.reference.as_str(), statement.account.as_str()), ("S-1", "003-901234-5"));
    let amounts: Vec<i64> = statement.lines.iter().map(|line| line.amount.minor()).collect();
    assert_eq!(amounts, [3000, 2000, 3938, -4000, 700]);
    let [grab, rest, wire, reversal, pending] = statement.lines.as_slice() else { panic!() };
    assert_eq!((grab.names.as_slice(), grab.text.as_str()), (["GP-1".to_owned()].as_slice(), "Grab & go"));
    assert_eq!((grab.reference.as_deref(), rest.reference.as_deref()), (Some("B-1/1"), Some("B-1/2")));
    assert!(rest.names.is_empty() && grab.value_on < grab.booked_on);
    assert_eq!((wire.charges, wire.booked_on.to_string()), (sgd(50), "2026-11-28".to_owned()));
    assert!(reversal.reversal && reversal.reference.is_none() && pending.pending);
}

/// The same entries as a notification tells them.
fn notification() -> String {
    let text = camt("08", "").replace("BkToCstmrStmt", "BkToCstmrDbtCdtNtfctn");
    let text = text.replace("<Stmt>", "<Ntfctn>").replace("</Stmt>", "</Ntfctn>");
    let (head, rest) = text.split_once("<Bal>").unwrap();
    let (_, rest) = rest.rsplit_once("</Bal>").unwrap();
    format!("{head}{rest}")
}

#[test]
fn a_notification_announces_its_entries_whole_with_all_their_names() {
    let (kind, read) = camt053::read_kind(notification().as_bytes()).unwrap();
    let [told] = read.as_slice() else { panic!("{read:?}") };
    assert_eq!((kind, told.opening, told.closing), (camt053::Kind::Notification, None, None));
    assert!(told.lines.iter().all(|line| line.pending), "{told:?}");
    let amounts: Vec<i64> = told.lines.iter().map(|line| line.amount.minor()).collect();
    assert_eq!(amounts, [5000, 3938, -4000, 700]);
    assert_eq!(
        (told.lines[0].names.as_slice(), told.lines[0].reference.as_deref()),
        (["GP-1".to_owned()].as_slice(), Some("B-1"))
    );
    // It is known again as the statement's line of the same reference.
    let line = &camt053::read(camt("08", "").as_bytes()).unwrap().remove(0).lines[2];
    assert_eq!((line.reference.as_deref(), line.key(0)), (Some("B-2"), told.lines[1].key(0)));
    assert_eq!(camt053::read_kind(camt("08", "").as_bytes()).unwrap().0, camt053::Kind::Statement);
    for (from, to) in [
        ("</Document>", ""),
        ("wire  GP-2", "&x;"),
        ("<Document ", "<!DOCTYPE a><Document "),
        ("</BkToCstmrDbtCdtNtfctn>", "</BkToCstmrDbtCdtNtfctn><BkToCstmrStmt><Stmt></Stmt></BkToCstmrStmt>"),
        ("<Ntfctn>", "<Stmt>"),
    ] {
        let bad = notification().replace(from, to);
        assert!(camt053::read(bad.as_bytes()).is_err(), "{from} -> {to}");
    }
}

#[test]
fn what_a_camt_must_not_hold_is_refused() {
    let good = camt("08", "");
    let entity = "<!DOCTYPE d [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>";
    for (from, to, why) in [
        ("<Document", format!("{entity}<Document").as_str(), "document type"),
        ("wire  GP-2", "&x;", "entity"),
        ("149.38", "149.39", "does not foot"),
        ("39.38", "1e3", "none in SGD"),
        ("39.38", "39.385", "none in SGD"),
        ("</Document>", "", "cut off"),
        ("BkToCstmrStmt", "BkToCstmrAcctRpt", "camt.052"),
        ("<CdtDbtInd>DBIT</CdtDbtInd><RvslInd>", "<CdtDbtInd>DEBT</CdtDbtInd><RvslInd>", "neither CRDT"),
        ("<Cd>PDNG</Cd>", "<Cd>MAYB</Cd>", "status"),
        ("<Amt Ccy=\"SGD\">7.00", "<Amt>7.00", "currency"),
        ("<Amt Ccy=\"SGD\">7.00", "<Amt Ccy=\"USD\">7.00", "another currency"),
        ("2026-11-29", "2026-11-31", "date"),
    ] {
        let bad = good.replace(from, to);
        assert_ne!(bad, good, "{from}");
        let error = camt053::read(bad.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(why), "{from} -> {to}: {error}");
    }
    let deep = format!("<Document>{}", "<a>".repeat(10_000));
    assert!(camt053::read(deep.as_bytes()).unwrap_err().to_string().contains("within one another"));
    assert_eq!(camt053::read([0xff, 0xfe, 0x3c].as_slice()), Err(BankFileError::NotText));
    assert_eq!(camt053::read([b'<', 0xff, b'>'].as_slice()), Err(BankFileError::NotText));
    let long = good.replace("wire", &"w".repeat(10_000));
    assert!(camt053::read(long.as_bytes()).unwrap_err().to_string().contains("too long"));
}

#[test]
fn mt940_reads_with_and_without_what_is_optional() {
    let read = mt940::read(MT940.as_bytes()).unwrap();
    let [first, second] = read.as_slice() else { panic!("{read:?}") };
    assert_eq!(
        (first.account.as_str(), first.opening, first.closing),
        ("DBSSSGSG/0039012345", Some(sgd(10_000)), Some(sgd(10_000)))
    );
    let [sweep, back, charge] = first.lines.as_slice() else { panic!() };
    assert_eq!((sweep.amount, sweep.charges, sweep.reference.as_deref()), (sgd(5000), sgd(50), Some("B-1")));
    assert_eq!(sweep.names, ["GP-1"]);
    assert!(sweep.text.contains("SWEEP GRAB PAY DAILY"), "{}", sweep.text);
    assert!(back.reversal && back.names.is_empty());
    assert_eq!((back.amount, charge.amount), (sgd(-4000), sgd(-1000)));
    // An entry of the first of January under a value date of December.
    assert_eq!(
        (charge.value_on.to_string(), charge.booked_on.to_string()),
        ("2026-12-31".to_owned(), "2027-01-01".to_owned())
    );
    assert_eq!(second.closing.map(Money::minor), Some(-500));
    let bare = MT940
        .replace("{1:F01DBSSSGSGAXXX0000000000}{2:O9400000}{4:\r\n", "")
        .replace("\r\n-}\r\n{1:F01}{4:", "");
    assert_eq!(mt940::read(bare.as_bytes()).unwrap(), read);
    for (from, to, why) in [
        (":60F:C261127SGD100,", ":60F:C261127XXQ100,", "XXQ"),
        (":62F:C261128SGD100,00", ":62F:C261128SGD100,01", "does not foot"),
        (":62F:C261128SGD100,00", "", "no :62F:"),
        ("CD50,00", "X50,00", "debit or credit mark"),
        ("261128RC40,", "261328RC40,", "value date"),
        ("CD50,00NTRF", "CD50.00NTRF", "transaction type"),
        (":20:STMT1", ":21:STMT1", "begins with :20:"),
    ] {
        let bad = MT940.replacen(from, to, 1);
        let error = mt940::read(bad.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(why), "{from} -> {to}: {error}");
    }
    // Latin letters of an older bank.
    let mut latin = MT940.replace("GRAB PAY", "GRAB P@Y").into_bytes();
    latin.iter_mut().filter(|byte| **byte == b'@').for_each(|byte| *byte = 0xc4);
    assert!(mt940::read(latin.as_slice()).unwrap()[0].lines[0].text.contains("PÄY"));
}

/// What makers of other countries do differently, one trait after the other.
#[test]
fn camt_of_other_makers_reads() {
    let good = camt("08", "");
    let first = camt053::read(good.as_bytes()).unwrap();
    let utf16 = |big: bool| {
        let told = good.replace("UTF-8", "UTF-16");
        let unit = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        std::iter::once(0xfeff).chain(told.encode_utf16()).flat_map(unit).collect::<Vec<u8>>()
    };
    let marked = format!("\u{feff}{good}");
    for bytes in [utf16(true), utf16(false), marked.into_bytes(), good.replace('\n', "\r\n\t").into_bytes()] {
        assert_eq!(camt053::read(bytes.as_slice()).unwrap(), first);
    }
    let latin = good.replace("UTF-8", "ISO-8859-1").replace("wire", "w@re");
    let latin: Vec<u8> = latin.bytes().map(|byte| if byte == b'@' { 0xfc } else { byte }).collect();
    assert_eq!(camt053::read(latin.as_slice()).unwrap()[0].lines[2].text, "w\u{fc}re GP-2");
    let koi = good.replace("UTF-8", "KOI8-R");
    assert!(camt053::read(koi.as_bytes()).unwrap_err().to_string().contains("save it as UTF-8"));
    let same = |from: &str, to: &str| {
        let other = good.replace(from, to);
        assert_ne!(other, good, "{from}");
        camt053::read(other.as_bytes()).unwrap_or_else(|error| panic!("{from} -> {to}: {error}")).remove(0)
    };
    // Empty references are none; a payer's own amount is not judged; a currency named by the balances only.
    assert_eq!(same("<AcctSvcrRef>B-2</AcctSvcrRef>", "<AcctSvcrRef/>").lines[2].reference, None);
    assert!(same("<EndToEndId>GP-1</EndToEndId>", "<EndToEndId></EndToEndId>").lines[0].names.is_empty());
    let told = "<AmtDtls><InstdAmt><Amt Ccy=\"XAF\">1.5</Amt></InstdAmt><TxAmt>";
    assert_eq!(same("<AmtDtls><TxAmt>", told).lines, first[0].lines);
    assert_eq!(same("<Ccy>SGD</Ccy>", "").currency, first[0].currency);
    // An entry without a date is of the closing balance's day; an announced one too.
    let dateless = same("<BookgDt><Dt>2026-11-28</Dt></BookgDt></Ntry>", "</Ntry>");
    assert_eq!(dateless.lines[3].booked_on.to_string(), "2026-11-28");
    // Parts that do not come to the whole leave it whole.
    let parts = same("<Amt Ccy=\"SGD\">30.00</Amt>", "<Amt Ccy=\"SGD\">30.01</Amt>");
    assert_eq!((parts.lines.len(), parts.lines[0].amount), (4, sgd(5000)));
    // Text that is not parsed, letters by number; a number that is no letter parts words.
    let told = same(
        "wire  GP-2",
        "<![CDATA[W&W]]> M&#252;ller&#0;&#xFFFE;&#x4e2d;&#x1F600;&#55296;GP-2<![CDATA[ ]]>",
    );
    assert_eq!(told.lines[2].text, "W&W M\u{fc}ller \u{4e2d}\u{1f600} GP-2");
    assert_eq!(same("<Amt Ccy=\"SGD\">7.00", "<Amt Ccy=\"SGD\">&#55;<![CDATA[.00]]>").lines, first[0].lines);
    // A statement without entries, and a second one in the file.
    let (head, rest) = good.split_once("<Stmt>").unwrap();
    let quiet =
        "<Stmt><Id>S-0</Id><Acct><Id><IBAN>NL91ABNA0417164300</IBAN></Id><Ccy>EUR</Ccy></Acct></Stmt>";
    let both = camt053::read(format!("{head}{quiet}<Stmt>{rest}").as_bytes()).unwrap();
    assert_eq!((both.len(), both[0].lines.len(), &both[1]), (2, 0, &first[0]));
}

#[test]
fn mt940_of_other_makers_reads() {
    // A Dutch bank's currency behind the account and zeros before the amount, words for where the reference stands.
    let dutch = "\u{feff}:940:\n:20:940S261128\n:25:NL44RABO0123456789 EUR\n:28C:0\n:60F:C261127EUR000000000100,00\n\
:61:261128C000000000050,00N541EREF//X1\n/TRCD/00100/\n:86:/EREF/GP-7//BENM//NAME/SHOP/\n:61:2611281128D5,N100MARF\n\
:62F:C261128EUR000000000145,00\n:64:C261128EUR145,\n:86:/SUM/1/1/\n-\n";
    let read = mt940::read(dutch.as_bytes()).unwrap().remove(0);
    assert_eq!((read.account.as_str(), read.closing.map(Money::minor)), ("NL44RABO0123456789", Some(14_500)));
    assert_eq!((read.lines[0].names.len(), read.lines[0].reference.as_deref()), (0, Some("X1")));
    assert!(read.lines[0].text.contains("/EREF/GP-7/") && read.lines[1].names.is_empty());
    // Words that end with their lines, one line that is full, one that begins with a hyphen.
    let wide = format!("{}GP-9", "x".repeat(61));
    let lines = format!(
        ":20:A\n:25:0039012345\n:28C:1/1\n:60F:C261127SGD0,00\n:61:261128C29,50NTRFNONREF//B-1\n:86:FROM GRABPAY\nGPY1 SWEEP\n\
         -GPY2\n{wide}\n0001 END\n:62F:C261128SGD29,50\n-}}{{5:}}\n"
    );
    let read = mt940::read(lines.as_bytes()).unwrap().remove(0);
    let said = &read.lines[0].text;
    assert!(said.contains("FROM GRABPAY GPY1 SWEEP -GPY2 x") && said.contains("xGP-90001 END"), "{said}");
    // A German bank's code before the account, subfields, its currency's letter as funds code.
    let german = ":20:STARTUMSE\r\n:25:20080000/0123456701EUR\r\n:28C:00001/001\r\n:60F:D261127EUR0,01\r\n\
:61:2611281128CR0,01NTRFNONREF//POS 1\r\n:86:166?00GUTSCHRIFT?20EREF+GP-8?21SVWZ+DANKE?32MEIER\r\n:62F:C261128EUR0,\r\n-";
    let read = mt940::read(german.as_bytes()).unwrap().remove(0);
    assert_eq!((read.account.as_str(), read.lines[0].amount.minor()), ("20080000/0123456701", 1));
    assert!(read.lines[0].text.contains("EREF+GP-8 SVWZ+DANKE"), "{}", read.lines[0].text);
}

#[test]
fn csv_is_read_by_the_names_of_its_columns() {
    let currency = Currency::find("SGD").unwrap();
    let read = csv::read(CSV.as_bytes(), &Columns::default(), currency).unwrap();
    let [ReadStatement { opening, closing, lines, .. }] = read.as_slice() else { panic!() };
    assert_eq!((*opening, *closing), (Some(sgd(10_000)), Some(sgd(113_900))));
    assert_eq!((lines[0].amount, lines[1].amount), (sgd(103_938), sgd(-38)));
    assert_eq!(lines[0].reference.as_deref(), Some("B-1"));
    let german = "Buchungstag;Betrag;Zweck\n28.11.2026;-1.234,50;Miete\n";
    let columns = Columns::default()
        .with("date=Buchungstag;date_format=%d.%m.%Y;amount=Betrag;text=Zweck;decimal=,;separator=semicolon")
        .unwrap();
    let read = csv::read(german.as_bytes(), &columns, currency).unwrap();
    assert_eq!((read[0].lines[0].amount, read[0].opening), (sgd(-123_450), None));
    for (text, why) in [
        ("a,b\n1,2\n", "no column for `date`"),
        ("date,text\n2026-11-28,x\n", "no column for `amount`"),
        ("date,amount\n28/11/2026,1.00\n", "no date"),
        ("date,amount\n2026-11-28,1.001\n", "none in SGD"),
        ("date,amount\n2026-11-28,\n", "no amount"),
        ("date,amount,balance\n2026-11-28,1.00,5.00\n2026-11-28,1.00,7.00\n", "does not follow"),
        ("date,amount,Amount\n", "occurs twice"),
    ] {
        let error = csv::read(text.as_bytes(), &Columns::default(), currency).unwrap_err().to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
    for bad in ["date", "colour=x", "separator=x", "decimal=;"] {
        assert!(Columns::default().with(bad).is_err(), "{bad}");
    }
}

#[test]
fn lines_of_one_reference_have_a_key_each() {
    let detail = |part: &str| {
        format!("<TxDtls><Refs><AcctSvcrRef>B-1</AcctSvcrRef></Refs><Amt Ccy=\"SGD\">{part}</Amt></TxDtls>")
    };
    let (head, rest) =
        camt("08", "").split_once("<TxDtls>").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let (_, rest) = rest.rsplit_once("</TxDtls>").unwrap();
    let text = format!("{head}{}{}{}{rest}", detail("20.00"), detail("20.00"), detail("10.00"));
    let lines = camt053::read(text.as_bytes()).unwrap().remove(0).lines;
    assert_eq!((lines[0].reference.as_deref(), lines[0].key(0)), (Some("B-1"), lines[1].key(0)));
    assert_ne!(lines[0].key(0), lines[2].key(0));
    assert_ne!(lines[0].key(0), lines[1].key(1));
    // No other reference's first key is it.
    let mut other = lines[1].clone();
    other.reference = Some("B-1#1".to_owned());
    assert_ne!(lines[1].key(1), other.key(0));
    // What says that there is none is none.
    let text = MT940.replace("GP-1//B-1", "NONREF//nonref");
    let statement = mt940::read(text.as_bytes()).unwrap().remove(0);
    assert_eq!((&statement.lines[0].reference, statement.reference.as_str()), (&None, "STMT1 332/1"));
}

#[test]
fn a_line_has_one_key_wherever_it_is_printed() {
    let lines = camt053::read(camt("08", "").as_bytes()).unwrap().remove(0).lines;
    let again = camt053::read(camt("02", "x").as_bytes()).unwrap().remove(0).lines;
    for (one, other) in lines.iter().zip(&again) {
        assert_eq!(one.key(0), other.key(0));
    }
    assert_ne!(lines[3].key(0), lines[3].key(1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever is done to a file, it is read or refused.
    #[test]
    fn no_bytes_break_a_reader(
        form in 0..4_usize,
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8, 0..200_usize), 1..12),
    ) {
        let mut bytes = match form {
            0 => camt("08", "ns").into_bytes(),
            1 => MT940.as_bytes().to_vec(),
            2 => notification().into_bytes(),
            _ => CSV.as_bytes().to_vec(),
        };
        for (place, byte, what, length) in cuts {
            if bytes.is_empty() {
                break;
            }
            let at = place.index(bytes.len());
            let end = (at + length).min(bytes.len());
            match what {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => { bytes.drain(at..end); }
                _ => { let part = bytes[at..end].to_vec(); bytes.extend(part); }
            }
        }
        let currency = Currency::find("SGD").unwrap();
        let _ = camt053::read(bytes.as_slice());
        let _ = mt940::read(bytes.as_slice());
        let _ = csv::read(bytes.as_slice(), &Columns::default(), currency);
    }

    #[test]
    fn nothing_at_all_breaks_a_reader(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = camt053::read(bytes.as_slice());
        let _ = mt940::read(bytes.as_slice());
        let _ = csv::read(bytes.as_slice(), &Columns::default(), Currency::find("JPY").unwrap());
    }
}
