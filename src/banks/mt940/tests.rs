use super::*;

fn read_line(fields: &str) -> ReadLine {
    let text =
        format!(":20:S\n:25:0039012345\n:28C:3\n:60F:C261121EUR0,00\n{fields}:62F:C261122EUR10,00\n-}}\n");
    read(text.as_bytes()).unwrap().remove(0).lines.remove(0)
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
