use super::*;

const FIXTURE: &str = include_str!("../../fixtures/settlement_report.csv");
const ACCOUNT: &str = "STRAYTS2222SG";

fn read(bytes: &[u8]) -> Result<Vec<BillLine>, BillError> {
    Report::new(bytes, ACCOUNT).collect()
}

fn told(lines: &[BillLine]) -> Vec<String> {
    let tell = |line: &BillLine| {
        format!(
            "{} {} {} fee {} net {} {}",
            line.gateway_ref,
            line.kind.as_str(),
            line.gross,
            line.fee,
            line.net(),
            line.our_ref.as_deref().unwrap_or("-")
        )
    };
    lines.iter().map(tell).collect()
}

#[test]
fn reads_the_fixture_to_the_cent() {
    let lines = read(FIXTURE.as_bytes()).unwrap();
    assert_eq!(
        told(&lines),
        [
            "42311647XV020574X payment USD 100.00 fee USD 4.90 net USD 95.10 pay_01kaw000000000000000000001",
            "1Y107995YT783430V refund USD -40.00 fee USD 0.00 net USD -40.00 ref_01kaw000000000000000000001",
            // Ten thousand yen are 10000, and a fee in dollars is a line of its own.
            "7JP00000000000001 payment JPY 10000 fee JPY 0 net JPY 10000 -",
            "7JP00000000000001 fee USD -2.50 fee USD 0.00 net USD -2.50 -",
            "8AB12345CD678901E withdrawal USD -50.00 fee USD 0.00 net USD -50.00 -",
        ]
    );
    assert_eq!(lines[0].at.to_rfc3339(), "2026-11-22T10:11:12+00:00");
    let marked = format!("\u{feff}{}", FIXTURE.replace('\n', "\r\n"));
    assert_eq!(read(marked.as_bytes()).unwrap(), lines, "a byte order mark and CRLF change nothing");
}

#[test]
fn columns_go_by_name_and_by_place_in_another_language() {
    let swapped = |text: &str| {
        let swap = |line: &str| {
            let mut cells: Vec<&str> = line.split(',').collect();
            if matches!(cells[0], "\"CH\"" | "\"SB\"") {
                cells.swap(1, 14);
            }
            cells.join(",")
        };
        text.lines().map(swap).collect::<Vec<_>>().join("\n") + "\n"
    };
    let lines = read(FIXTURE.as_bytes()).unwrap();
    assert_eq!(told(&read(swapped(FIXTURE).as_bytes()).unwrap()), told(&lines));
    let head = FIXTURE.lines().nth(3).unwrap();
    let spanish: Vec<String> = (1..22).map(|at| format!("\"Columna {at}\"")).collect();
    let translated = FIXTURE.replace(head, &format!("\"CH\",{}", spanish.join(",")));
    assert_eq!(told(&read(translated.as_bytes()).unwrap()), told(&lines));
}

#[test]
fn refuses_what_is_not_whole_or_does_not_add_up() {
    let without = |row: &str| {
        FIXTURE
            .lines()
            .filter(|line| !line.starts_with(row))
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    };
    let body = FIXTURE.lines().nth(4).unwrap();
    let cases = [
        ("no file", String::new()),
        ("a page of HTML", "<!doctype html><title>Log in</title>".into()),
        ("no trailer", without("\"FF\"")),
        ("cut in a row", FIXTURE[..FIXTURE.len() / 2].to_owned()),
        ("no section footer", without("\"SF\"")),
        ("no report footer for a currency", FIXTURE.replace("\"RF\",\"JPY\",10000,0,0,0\n", "")),
        ("a row left out", FIXTURE.replace(&format!("{body}\n"), "")),
        ("a row twice", FIXTURE.replace(body, &format!("{body}\n{body}"))),
        ("an amount changed", FIXTURE.replace("\"CR\",10000,\"USD\"", "\"CR\",10001,\"USD\"")),
        ("a side changed", FIXTURE.replace("\"DR\",4000", "\"CR\",4000")),
        ("a fee's side changed", FIXTURE.replace("\"DR\",490", "\"CR\",490")),
        ("a count changed", FIXTURE.replace("\"SC\",4", "\"SC\",5")),
        ("a negative amount", FIXTURE.replace("\"DR\",4000", "\"DR\",-4000")),
        ("a decimal point", FIXTURE.replace("\"DR\",4000", "\"DR\",40.00")),
        ("a separator", FIXTURE.replace("\"DR\",4000", "\"DR\",\"4,000\"")),
        ("full-width digits", FIXTURE.replace("\"DR\",4000", "\"DR\",４０００")),
        ("no currency", FIXTURE.replace("10000,\"JPY\"", "10000,\"XXQ\"")),
        ("a currency PayPal has not", FIXTURE.replace("10000,\"JPY\"", "10000,\"VND\"")),
        ("a formula for an id", FIXTURE.replace("\"8AB12345CD678901E\"", "\"=1+1\"")),
        ("a formula for a code", FIXTURE.replace("\"T0400\"", "\"@SUM\"")),
        ("no date", FIXTURE.replace("2026/11/22 05:00:00 -0800", "22.11.2026")),
        ("a column twice", FIXTURE.replace("\"Invoice ID\"", "\"Transaction ID\"")),
        ("columns of another report", FIXTURE.replace("\"Gross Transaction Amount\"", "\"Amount\"")),
        ("something behind the end", format!("{FIXTURE}\"SB\"\n")),
        ("rows out of order", FIXTURE.replace("\"FH\",01\n", "")),
        ("an amount beyond the ledger", FIXTURE.replace("\"DR\",4000", "\"DR\",9999999999999999999")),
    ];
    for (why, text) in cases {
        let refused = read(text.as_bytes());
        assert!(
            matches!(refused, Err(BillError::Malformed { .. } | BillError::Trailer(_))),
            "{why}: {refused:?}"
        );
    }
    let other = read(FIXTURE.replace("\"STRAYTS2222SG\",009", "\"SOMEBODYELSE1\",009").as_bytes());
    assert!(matches!(other, Err(BillError::OtherAccount { .. })), "{other:?}");
}

#[test]
fn nothing_follows_an_error() {
    let mut report = Report::new(b"\"RH\"\n\"SB\"\n\"FH\"\n".as_slice(), ACCOUNT);
    assert!(report.next().unwrap().is_err());
    assert!(report.next().is_none());
}

proptest::proptest! {
    /// Whatever becomes of the bytes, the reader ends, and money never changes unseen: a bill that is read has the
    /// fixture's own total in every currency.
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
        let sum = |lines: &[BillLine]| {
            let mut sums: BTreeMap<String, i64> = BTreeMap::new();
            for line in lines {
                *sums.entry(line.net().currency().code().to_owned()).or_default() += line.net().minor();
            }
            sums
        };
        if let Ok(lines) = read(&bytes) {
            let whole = read(FIXTURE.as_bytes()).unwrap();
            proptest::prop_assert_eq!(sum(&lines), sum(&whole));
        }
    }
}
