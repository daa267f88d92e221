use super::*;

const FIXTURE: &str = include_str!("../../fixtures/settlement_report.csv");
const ZONE: Tz = Tz::Asia__Singapore;

fn read_as(bytes: &[u8], columns: &Columns) -> Result<Vec<BillLine>, BillError> {
    Report::new(bytes, columns, "merchant-1", ZONE).collect()
}

fn read(text: &str) -> Result<Vec<BillLine>, BillError> {
    read_as(text.as_bytes(), &Columns::default())
}

fn told(lines: &[BillLine]) -> Vec<String> {
    let tell = |line: &BillLine| {
        format!("{} {} fee {} tax {} net {}", line.kind.as_str(), line.gross, line.fee, line.tax, line.net())
    };
    lines.iter().map(tell).collect()
}

#[test]
fn reads_the_fixture_to_the_cent() {
    let lines = read(FIXTURE).unwrap();
    assert_eq!(
        told(&lines),
        [
            "payment SGD 100.00 fee SGD 2.00 tax SGD 0.18 net SGD 97.82",
            "refund SGD -40.00 fee SGD 0.00 tax SGD 0.00 net SGD -40.00",
            "withdrawal SGD -57.82 fee SGD 0.00 tax SGD 0.00 net SGD -57.82",
        ]
    );
    assert_eq!(lines[0].at.to_rfc3339(), "2026-11-22T10:11:12+00:00", "local time of the report's zone");
    assert_eq!(lines[1].related_ref.as_deref(), Some("2f5d1a0b6c7e48f9a1b2c3d4e5f60718"));
}

#[test]
fn another_contracts_columns_are_a_setting() {
    let columns: Columns = serde_json::from_str(
        r#"{"delimiter": ",", "transaction": "Txn", "partner": "Ref", "kind": "What", "gross": "Amt", "fee": "MDR",
            "net": "Payable", "currency": "Ccy", "at": "When", "amounts": "minor", "time": "%d/%m/%Y %H:%M %z",
            "fees_are_negative": true, "types": {"Sale": "payment"}, "trailer": ""}"#,
    )
    .unwrap();
    let text = "Ccy,Txn,Ref,What,Amt,MDR,Payable,When\nSGD,a1,pay_1,Sale,10000,-218,9782,22/11/2026 18:11 +0800\n\
                SGD,a2,,Bonus,5,0,5,22/11/2026 18:12 +0800\n";
    let lines = read_as(text.as_bytes(), &columns).unwrap();
    assert_eq!(
        told(&lines),
        [
            "payment SGD 100.00 fee SGD 2.18 tax SGD 0.00 net SGD 97.82",
            "unknown SGD 0.05 fee SGD 0.00 tax SGD 0.00 net SGD 0.05",
        ]
    );
    assert_eq!(lines[1].kind, BillKind::Unknown { raw: "Bonus".into() });
    let cut = read_as(&text.as_bytes()[..text.len() - 1], &columns);
    assert!(matches!(cut, Err(BillError::Trailer(_))), "{cut:?}");
    assert!(serde_json::from_str::<Columns>(r#"{"colour": "red"}"#).is_err());
}

#[test]
fn a_portals_export_with_a_prolog_statuses_and_no_signs() {
    let columns: Columns = serde_json::from_str(
        r#"{"delimiter": ",", "transaction": "Txn", "partner": "", "kind": "What", "gross": "Amt", "net": "",
            "currency": "Ccy", "at": "When", "time": "%Y-%m-%d %H:%M", "unsigned": true, "grouping": ",",
            "prolog": 2, "status": "State", "statuses": {"ok": "settled", "no": "failed", "soon": "pending"},
            "types": {"Sale": "payment", "Return": "refund"}, "trailer": ""}"#,
    )
    .unwrap();
    let head = "Report of merchant-1\n\nTxn,What,Amt,MDR Fee,Ccy,When,State\n";
    let text = format!(
        "{head}a1,Sale,\"1,234.50\",24.69,SGD,2026-11-22 18:11,ok\na2,Return,40.00,,SGD,2026-11-22 18:12,ok\n\
         a3,Sale,9.00,,SGD,2026-11-22 18:13,no\na4,Sale,8.00,,SGD,2026-11-22 18:14,soon\n"
    );
    let lines = read_as(text.as_bytes(), &columns).unwrap();
    assert_eq!(
        told(&lines),
        [
            "payment SGD 1234.50 fee SGD 24.69 tax SGD 0.00 net SGD 1209.81",
            "refund SGD -40.00 fee SGD 0.00 tax SGD 0.00 net SGD -40.00",
            "payment SGD 9.00 fee SGD 0.00 tax SGD 0.00 net SGD 9.00",
            "payment SGD 8.00 fee SGD 0.00 tax SGD 0.00 net SGD 8.00",
        ]
    );
    let status: Vec<LineStatus> = lines.iter().map(|line| line.status).collect();
    let (done, soon, no) = (LineStatus::Settled, LineStatus::Pending, LineStatus::Denied);
    assert_eq!(status, [done, done, no, soon]);
    for (odd, why) in [
        (text.replace("1,234.50", "12,34.50"), "amount"),
        (text.replace(",soon", ",later"), "statuses"),
        (text.replace("Return,40.00", "Return,-40.00"), "sign"),
        (text.replacen("Report", "Txn", 1).replacen("\n\n", "\n", 1), "column"),
    ] {
        let refused = read_as(odd.as_bytes(), &columns).unwrap_err().to_string();
        assert!(refused.contains(why), "{why}: {refused}");
    }
}

#[test]
fn refuses_what_is_not_whole_or_does_not_add_up() {
    let row = FIXTURE.lines().nth(1).unwrap();
    let cases = [
        ("no file", String::new()),
        ("HTML", "<html>\n".into()),
        ("no trailer", FIXTURE.replace("TOTAL|3|0.00\n", "")),
        ("cut in a row", FIXTURE[..FIXTURE.len() - 30].to_owned()),
        ("another count", FIXTURE.replace("TOTAL|3", "TOTAL|2")),
        ("another sum", FIXTURE.replace("TOTAL|3|0.00", "TOTAL|3|0.01")),
        ("no sum", FIXTURE.replace("TOTAL|3|0.00", "TOTAL|3")),
        ("behind the end", format!("{FIXTURE}{row}\n")),
        ("a row twice", FIXTURE.replace(row, &format!("{row}\n{row}"))),
        ("net that is none", FIXTURE.replace("|97.82|", "|97.83|")),
        ("too precise", FIXTURE.replace("|2.00|0.18|97.82|", "|2.000|0.18|97.82|")),
        ("an exponent", FIXTURE.replace("|100.00|", "|1e2|")),
        ("a formula", FIXTURE.replace("GP-20261122-AB12CD34", "=1+1")),
        ("a type that is no word", FIXTURE.replace("|Refund|", "|=cmd|")),
        ("no currency", FIXTURE.replace("SGD|2026-11-22 18", "XXQ|2026-11-22 18")),
        ("no time", FIXTURE.replace("2026-11-22 18:11:12", "2026-11-32 18:11:12")),
        ("a column twice", FIXTURE.replacen("Tax|", "MDR Fee|", 1)),
        ("a column missing", FIXTURE.replacen("Gross Amount", "Gross", 1)),
    ];
    for (why, text) in cases {
        let refused = read(&text);
        assert!(
            matches!(refused, Err(BillError::Malformed { .. } | BillError::Trailer(_))),
            "{why}: {refused:?}"
        );
    }
    let other = read(&FIXTURE.replace("|merchant-1|Refund", "|merchant-2|Refund"));
    assert!(matches!(other, Err(BillError::OtherAccount { .. })), "{other:?}");
}

proptest::proptest! {
    /// A bill that is read after its bytes were changed still has its own total.
    #[test]
    fn mutated_bytes_never_change_the_money(
        edits in proptest::collection::vec((0..FIXTURE.len(), proptest::prelude::any::<u8>(), 0..3_u8), 1..4),
    ) {
        let mut bytes = FIXTURE.as_bytes().to_vec();
        for (at, byte, act) in edits {
            let at = at.min(bytes.len().saturating_sub(1));
            match act {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        if let Ok(lines) = read_as(&bytes, &Columns::default()) {
            let sum: i64 = lines.iter().map(|line| line.net().minor()).sum();
            proptest::prop_assert_eq!(sum, 0);
        }
    }
}
