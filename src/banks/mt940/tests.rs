use super::*;

fn message(fields: &str) -> String {
    format!(":20:S\n:25:0039012345\n:28C:3\n:60F:C261121EUR0,00\n{fields}:62F:C261122EUR10,00\n-}}\n")
}

fn read_line(fields: &str) -> ReadLine {
    read(message(fields).as_bytes()).unwrap().remove(0).lines.remove(0)
}

#[test]
fn words_end_with_their_lines_though_the_first_begins_with_a_digit() {
    let read = read_line(":61:2611221122CR10,NMSCNONREF\n:86:20261122 GRABPAY SETTLEMENT\nGP-ABCDE-1 REF\n");
    assert_eq!(read.text, "20261122 GRABPAY SETTLEMENT GP-ABCDE-1 REF");
    assert!(read.tells_of("GP-ABCDE-1"));
    // As it was kept, without its reference.
    assert_eq!(read.former.as_ref().unwrap().text, "20261122 GRABPAY SETTLEMENTGP-ABCDE-1 REF");
    let named = read_line(":61:2611221122CR10,NMSCNONREF//DBS1\n:86:2026 GRAB\nGP-1\n");
    assert_eq!((named.text.as_str(), named.former), ("2026 GRAB GP-1", None));
    // A code of three digits and a separator, or subfields at once.
    for head in ["166?00SWEEP?20GP-\n8 X", "?20SWEEP?21GP-\n8 X"] {
        let read = read_line(&format!(":61:2611221122CR10,NMSCNONREF\n:86:{head}\n"));
        assert!(read.text.contains("SWEEP GP-8 X") && read.former.is_none(), "{read:?}");
    }
    for head in ["166 SWEEP\nGP-8 X", "166-2 SWEEP\nGP-8 X", "1662?SWEEP\nGP-8 X"] {
        let read = read_line(&format!(":61:2611221122CR10,NMSCNONREF\n:86:{head}\n"));
        assert!(read.text.ends_with("SWEEP GP-8 X"), "{read:?}");
    }
}

#[test]
fn an_empty_line_ends_no_field_and_a_field_of_the_banks_own_is_none_of_another() {
    let read = read_line(":61:2611221122C10,00NTRFNONREF\n:86:line one\n \n\nline three\n");
    assert_eq!(read.text, "line one line three");
    assert_eq!(read.former.unwrap().text, "line one");
    let read = read_line(":61:2611221122C10,00NTRFNONREF\n:86:x\n:NS:22foo\n19bar\n");
    assert_eq!(read.text, "x");
    assert_eq!(read.former.unwrap().text, "x :NS:22foo 19bar");
    let read = read_line(":61:2611221122C10,00NTRFNONREF\n/OCMT/EUR10,/\n:NS:22foo\n:86:x\n");
    assert_eq!((read.text.as_str(), read.charges.minor()), ("/OCMT/EUR10,/ x", 0));
    assert_eq!(read.former.unwrap().text, "/OCMT/EUR10,/ :NS:22foo x");
}

#[test]
fn days_on_which_no_bank_books_are_refused() {
    let text = ":20:S\n:25:1\n:60F:C261121EUR0,00\n:61:7511221122CR10,NMSCX\n:62F:C261122EUR10,00\n";
    let error = read(text.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("line 4") && error.contains("value date"), "{error}");
    assert!(read(text.replace(":61:75", ":61:95").as_bytes()).is_ok());
}

#[test]
fn blanks_leave_amount_side_and_day_of_a_line_certain() {
    for (line, day, name, reference) in [
        // A type of fewer letters, filled up.
        ("261122C10,00NOV NONREF", "2026-11-22", None, None),
        ("2611221121C10,00NIC MARF", "2026-11-21", None, None),
        ("261122C10,00NGT EREF ", "2026-11-22", None, None),
        ("261122C10,00NOV EV41411REP170112 ", "2026-11-22", Some("EV41411REP170112"), None),
        ("2611221122CR10,00S   X//B-1", "2026-11-22", Some("X"), Some("B-1")),
        // No entry date, in blanks.
        ("261122    CR10,00NMSCNONREF//", "2026-11-22", None, None),
        ("261122    C10,00NOVBNL47INGB9999999999", "2026-11-22", Some("NL47INGB9999999999"), None),
        // A blank before the type.
        ("2611221121C10,00 NTRFNONREF//2109025", "2026-11-21", None, Some("2109025")),
        ("261122    C10,00 NOV GP-1//B-1", "2026-11-22", Some("GP-1"), Some("B-1")),
    ] {
        let read = read_line(&format!(":61:{line}\n:86:x\n"));
        assert_eq!((read.amount.minor(), read.booked_on.to_string().as_str()), (1_000, day), "{line}");
        assert_eq!(read.value_on.to_string(), "2026-11-22", "{line}");
        assert_eq!(
            (read.names.first().map(String::as_str), read.reference.as_deref()),
            (name, reference),
            "{line}"
        );
    }
    for (line, why) in [
        ("261122  22C10,00NTRFX", "debit or credit mark"),
        ("261122 C10,00NTRFX", "debit or credit mark"),
        ("261122    10,00NTRFX", "debit or credit mark"),
        // What may be of an amount is of no type.
        ("261122C10 000,00NTRFX", "transaction type"),
        ("261122C10 0NTRFX", "transaction type"),
        ("261122C10,00 1234X", "transaction type"),
        ("261122C10,00N 12X", "transaction type"),
        ("261122C10,00    X", "transaction type"),
        ("261122C10,00    ", "transaction type"),
    ] {
        let error = read(message(&format!(":61:{line}\n")).as_bytes()).unwrap_err().to_string();
        assert!(error.contains("line 5") && error.contains(why), "{line}: {error}");
    }
}
