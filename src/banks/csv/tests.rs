use super::*;

fn sgd(minor: i64) -> Money {
    Money::from_minor(minor, Currency::find("SGD").unwrap())
}

fn parsed(text: impl AsRef<[u8]>, columns: &str) -> Result<ReadStatement, String> {
    let columns = Columns::default().with(columns).unwrap();
    let read = read(text.as_ref(), &columns, Currency::find("SGD").unwrap());
    read.map(|mut read| read.remove(0)).map_err(|error| error.to_string())
}

fn amounts(text: impl AsRef<[u8]>, columns: &str) -> Vec<i64> {
    let read = parsed(text, columns).unwrap();
    read.lines.iter().map(|line| line.amount.minor()).collect()
}

#[test]
fn digits_are_grouped_by_threes_or_the_file_is_refused() {
    for (decimal, text, minor) in [
        ('.', "1,234,567.50", 123_456_750),
        ('.', "12,500", 1_250_000),
        ('.', "1234.50", 123_450),
        ('.', "1'234.5", 123_450),
        ('.', "- 1\u{202f}234.50", -123_450),
        ('.', "(12.00)", -1_200),
        (',', "1.234.567,50", 123_456_750),
        (',', "12,50", 1_250),
        (',', "\u{2212}1\u{a0}234,5", -123_450),
        (',', "+1.234", 123_400),
    ] {
        assert_eq!(signed(text, decimal, sgd(0).currency()), Ok(sgd(minor)), "{text}");
    }
    for (decimal, text) in [
        ('.', "12,50"),
        ('.', "1,2345.00"),
        ('.', "1234,567.00"),
        ('.', ",500"),
        ('.', "1,234 567.00"),
        ('.', "1.234,50"),
        (',', "1234.50"),
        (',', "1.50"),
        (',', "1.2345"),
        ('.', "1,,234"),
    ] {
        assert!(signed(text, decimal, sgd(0).currency()).is_err(), "{text}");
    }
    let error = parsed("Date,Paid In\n2026-11-28,1.00\n2026-11-28,\"12,50\"\n", "").unwrap_err();
    for part in ["row 3", "column `Paid In`", "`12,50`", "set `decimal=,`"] {
        assert!(error.contains(part), "{error}");
    }
    let error = parsed("Date,Amount\n2026-11-28,1234.50\n", "decimal=,").unwrap_err();
    assert!(error.contains("set `decimal=.`"), "{error}");
    assert_eq!(amounts("Date,Amount\n2026-11-28,\"12,50\"\n", "decimal=,"), [1_250]);
}

/// In a currency of three decimals a comma before three digits is either; `decimal` says which.
#[test]
fn a_comma_that_may_be_a_decimal_one_is_not_guessed() {
    let told = |amount: &str, columns: &str, code: &str| {
        let text = format!("Date;Amount\n2026-11-28;{amount}\n");
        let columns = Columns::default().with(&format!("separator=semicolon;{columns}")).unwrap();
        let read = read(text.as_bytes(), &columns, Currency::find(code).unwrap());
        read.map(|read| read[0].lines[0].amount.minor()).map_err(|error| error.to_string())
    };
    for amount in ["12,500", "-12,500", "(12,500)", "0,500"] {
        let error = told(amount, "", "TND").unwrap_err();
        for part in ["row 2, column `Amount`", amount, "`decimal=.` or `decimal=,`"] {
            assert!(error.contains(part), "{error}");
        }
    }
    for (amount, columns, code, minor) in [
        ("12,500", "decimal=,", "TND", 12_500),
        ("12,500", "decimal=.", "TND", 12_500_000),
        ("12.500", "", "TND", 12_500),
        ("1,234.500", "", "TND", 1_234_500),
        ("1,234,567", "", "TND", 1_234_567_000),
        ("12 500", "", "TND", 12_500_000),
        ("12,500", "", "EUR", 1_250_000),
        ("12,500", "", "JPY", 12_500),
    ] {
        assert_eq!(told(amount, columns, code), Ok(minor), "{amount} {columns} {code}");
    }
}

#[test]
fn a_word_beside_the_amount_says_its_side() {
    let text =
        "Date,Amount,Debit/Credit\n2026-11-28,10.00,Debit\n2026-11-28,-2.00,DR.\n2026-11-28,3.00,credit\n";
    assert_eq!(amounts(text, ""), [-1_000, -200, 300]);
    let text = "Date,Amount,S/H\n2026-11-28,10.00,S\n2026-11-28,3.00,H\n";
    assert_eq!(amounts(text, "direction=S/H"), [-1_000, 300]);
    assert_eq!(amounts("Date,Amount,D/C\n2026-11-28,10.00,any\n", "direction="), [1_000]);
    // The amount itself may be called so; credit and debit columns need no word.
    assert_eq!(amounts("Date,Debit/Credit\n2026-11-28,-10.00\n", "amount=Debit/Credit"), [-1_000]);
    assert_eq!(amounts("Date,Debit,Credit,Direction\n2026-11-28,10.00,,x\n", ""), [-1_000]);
    for (row, why) in [
        ("2026-11-28,10.00,Fee", "row 2, column `Debit/Credit`: `Fee` says neither"),
        ("2026-11-28,10.00,", "says neither"),
        ("2026-11-28,-10.00,Credit", "`Credit` contradicts"),
    ] {
        let error = parsed(format!("Date,Amount,Debit/Credit\n{row}\n"), "").unwrap_err();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn a_line_of_another_currency_is_refused() {
    let text = "Date,Amount,Currency\n2026-11-28,10.00,sgd\n2026-11-28,1.00,\n2026-11-28,10.00,USD\n";
    let error = parsed(text, "").unwrap_err();
    assert!(error.contains("row 4, column `Currency`: `USD` is not the account's SGD"), "{error}");
    assert_eq!(amounts(text, "currency="), [1_000, 100, 1_000]);
    let text = text.replace("Currency", "Valuta");
    assert!(parsed(&text, "currency=Valuta").is_err());
    assert_eq!(amounts(&text, ""), [1_000, 100, 1_000]);
}

#[test]
fn what_stands_above_the_names_is_passed_over() {
    let head = "sep=,\nAccount Details For:,\"My Account, 003-901234-5\"\nStatement as at:,28 Nov 2026\n\nDate,28 Nov 2026\n,,\n";
    let rows = "Date,Text,Amount,,\n28/11/2026,Caf\u{e9},\"1,000.00\",,\n,,,,\n29/11/2026 09:30,x,1.00\n";
    let format = "date_format=%d/%m/%Y;text=Text";
    let error = parsed(format!("{head}{rows}"), format).unwrap_err();
    assert!(error.contains("row 10, column `Date`: `29/11/2026 09:30` is no date"), "{error}");
    let rows = rows.replace(" 09:30", "");
    let read = parsed(format!("{head}{rows}"), format).unwrap();
    assert_eq!(read.lines.iter().map(|line| line.amount.minor()).collect::<Vec<_>>(), [100_000, 100]);
    assert_eq!(read.lines[0].text, "Caf\u{e9}");
    assert_eq!(read.lines[1].booked_on.to_string(), "2026-11-29");
    // Not below thirty rows, and the columns that are needed are told.
    let far = format!("{}{rows}", "x,y\n".repeat(30));
    assert!(parsed(far, format).unwrap_err().contains("the first 30 rows: no column for `date`"));
    let error = parsed("about\nDate,Text\n2026-11-28,x\n", "").unwrap_err();
    assert!(error.contains("row 2: no column for `amount`"), "{error}");
    // Columns that nobody asks for may have one name.
    assert_eq!(amounts("Date,Code,Code,Amount\n2026-11-28,1,2,3.00\n", ""), [300]);
}

#[test]
fn letters_of_windows_are_read() {
    let mut text = "Date;Amount;Details\n2026-11-28;1,00;M@ller #5\n".to_owned().into_bytes();
    text.iter_mut().filter(|byte| **byte == b'@').for_each(|byte| *byte = 0xfc);
    text.iter_mut().filter(|byte| **byte == b'#').for_each(|byte| *byte = 0x80);
    let read = parsed(&text, "separator=semicolon;decimal=,").unwrap();
    assert_eq!(read.lines[0].text, "M\u{fc}ller \u{20ac}5");
    // In the columns' names too.
    let text: Vec<u8> = "Date,Betr\u{e4}ge\n2026-11-28,1.00\n".chars().map(|letter| letter as u8).collect();
    assert_eq!(amounts(text, "amount=Betr\u{e4}ge"), [100]);
}

#[test]
fn the_newest_line_may_come_first() {
    let head = "Date,Amount,Balance\n";
    let rows = ["2026-11-27,10.00,110.00\n", "2026-11-27,-10.00,100.00\n", "2026-11-28,5.00,105.00\n"];
    let forth = parsed(format!("{head}{}", rows.concat()), "").unwrap();
    let back: String = rows.iter().rev().copied().collect();
    assert_eq!(parsed(format!("{head}{back}"), "").unwrap(), forth);
    assert_eq!((forth.opening, forth.closing), (Some(sgd(10_000)), Some(sgd(10_500))));
    // Of one day only the balances tell; either way round where both do, by the days.
    let read = parsed(format!("{head}2026-11-28,5.00,105.00\n2026-11-28,-10.00,100.00\n"), "").unwrap();
    assert_eq!((read.opening, read.closing), (Some(sgd(11_000)), Some(sgd(10_500))));
    let read = parsed(format!("{head}2026-11-28,10.00,110.00\n2026-11-27,-10.00,100.00\n"), "").unwrap();
    assert_eq!((read.opening, read.closing), (Some(sgd(11_000)), Some(sgd(11_000))));
    assert_eq!(read.lines[0].amount, sgd(-1_000));
    // A balance may stand at some rows only: at each day's end.
    let sparse = "2026-11-27,1.00,\n2026-11-27,2.00,103.00\n2026-11-28,3.00,\n2026-11-28,4.00,110.00\n";
    let read = parsed(format!("{head}{sparse}"), "").unwrap();
    assert_eq!((read.opening, read.closing), (Some(sgd(10_000)), Some(sgd(11_000))));
    let wrong = sparse.replace("110.00", "111.00");
    let error = parsed(format!("{head}{wrong}"), "").unwrap_err();
    assert!(error.contains("row 5: the balance SGD 111.00 does not follow"), "{error}");
}

#[test]
fn a_figure_below_zero_in_a_column_of_its_side_is_never_money_in_by_itself() {
    // Where balances are, they say: a reversal of a credit goes out, one of a debit comes in.
    let head = "Date,Credit,Debit,Balance\n";
    let rows = "2026-11-27,10.00,,110.00\n2026-11-28,-5.00,,105.00\n2026-11-28,,-3.00,102.00\n";
    assert_eq!(amounts(format!("{head}{rows}"), ""), [1_000, -500, -300]);
    let rows = "2026-11-27,10.00,,110.00\n2026-11-28,,7.00,103.00\n2026-11-28,,-3.00,106.00\n";
    assert_eq!(amounts(format!("{head}{rows}"), ""), [1_000, -700, 300]);
    let back = "2026-11-28,,-3.00,106.00\n2026-11-28,,7.00,103.00\n2026-11-27,10.00,,110.00\n";
    assert_eq!(amounts(format!("{head}{back}"), ""), [1_000, -700, 300]);
    let wrong = rows.replace("106.00", "104.00");
    assert!(parsed(format!("{head}{wrong}"), "").unwrap_err().contains("row 4: the balance"));
    // A credit below zero that came in by the balance contradicts it.
    let wrong = "2026-11-27,10.00,,110.00\n2026-11-28,-5.00,,115.00\n";
    assert!(parsed(format!("{head}{wrong}"), "").unwrap_err().contains("row 3: the balance"));
    // Without any it is refused, unless all debits have their sign.
    let head = "Date,Credit,Debit\n";
    assert_eq!(
        amounts(format!("{head}2026-11-28,,-3.00\n2026-11-28,2.00,\n2026-11-28,0.00,-1\n"), ""),
        [-300, 200, -100]
    );
    for (rows, place) in [
        ("2026-11-27,10.00,\n2026-11-28,-5.00,\n", "row 3, column `Credit`: SGD -5.00 stands below zero"),
        ("2026-11-27,,-5.00\n2026-11-28,,7.00\n", "row 2, column `Debit`: SGD -5.00 stands below zero"),
    ] {
        let error = parsed(format!("{head}{rows}"), "").unwrap_err();
        assert!(error.contains(place) && error.contains("`balance=`"), "{error}");
    }
}

#[test]
fn balances_tell_a_side_only_where_they_stand_on_both() {
    let head = "Date,Credit,Debit,Balance\n";
    for (rows, place) in [
        // It foots either way: from 106.00, or from 100.00.
        ("2026-11-27,,-3.00,103.00\n2026-11-28,,7.00,96.00\n", "row 2, column `Debit`"),
        ("2026-11-28,,7.00,96.00\n2026-11-27,,-3.00,103.00\n", "row 3, column `Debit`"),
        ("2026-11-27,-5.00,,105.00\n2026-11-28,,7.00,98.00\n", "row 2, column `Credit`"),
        // One balance holds nothing.
        ("2026-11-27,10.00,,\n2026-11-28,-5.00,,105.00\n", "row 3, column `Credit`"),
        // Behind the last one.
        (
            "2026-11-27,10.00,,110.00\n2026-11-28,-5.00,,105.00\n2026-11-28,-2.00,,\n",
            "row 4, column `Credit`",
        ),
        // What balances say of one debit with a sign is not said of another that none holds.
        ("2026-11-27,,-4.00,100.00\n2026-11-28,,-3.00,103.00\n", "row 2, column `Debit`"),
    ] {
        let error = parsed(format!("{head}{rows}"), "").unwrap_err();
        assert!(error.contains(place) && error.contains("stands below zero"), "{rows}: {error}");
    }
    // Every debit has its sign, and the balances say so too.
    let signed = "2026-11-27,,-3.00,97.00\n2026-11-28,,-7.00,90.00\n";
    assert_eq!(amounts(format!("{head}{signed}"), ""), [-300, -700]);
    // Rows between two balances have none of their own.
    let between = "2026-11-27,10.00,,110.00\n2026-11-28,-5.00,,\n2026-11-28,2.00,,107.00\n";
    assert_eq!(amounts(format!("{head}{between}"), ""), [1_000, -500, 200]);
}

#[test]
fn days_on_which_no_bank_books_are_refused() {
    for day in ["+262142-12-31", "-262143-01-01", "9999-12-31", "0100-01-01", "1989-12-31"] {
        let error = parsed(format!("Date,Amount\n2026-11-28,1.00\n{day},1.00\n"), "").unwrap_err();
        assert!(error.contains("row 3, column `Date`") && error.contains("between 1990 and 2100"), "{error}");
    }
    let error = parsed("Date,Amount\n26.11.26,1.00\n", "date_format=%d.%m.%Y").unwrap_err();
    assert!(error.contains("row 2") && error.contains("write %y in place of %Y"), "{error}");
    for day in ["0000-01-01", "0026-11-28"] {
        assert!(parsed(format!("Date,Amount\n{day},1.00\n"), "").unwrap_err().contains("%y"), "{day}");
    }
    let read = parsed("Date,Amount\n26.11.26,1.00\n", "date_format=%d.%m.%y").unwrap();
    assert_eq!(read.lines[0].booked_on.to_string(), "2026-11-26");
    let error = parsed("Date,Value Date,Amount\n2026-11-28,0001-01-01,1.00\n", "").unwrap_err();
    assert!(error.contains("column `Value Date`"), "{error}");
}
