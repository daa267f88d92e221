use super::*;
use proptest::prelude::*;

fn currency(code: &str) -> Currency {
    Currency::find(code).unwrap()
}

fn usd(minor: i64) -> Money {
    Money::from_minor(minor, currency("USD"))
}

fn too_large(code: &str) -> MoneyError {
    MoneyError::TooLarge { currency: currency(code) }
}

#[test]
fn reads_plain_decimals_in_the_currencys_own_precision() {
    #[rustfmt::skip]
    let table = [
        ("SGD", "12.34",             1234,                   "SGD 12.34"),
        ("SGD", "12",                1200,                   "SGD 12.00"),
        ("SGD", "0.1",               10,                     "SGD 0.10"),
        ("SGD", "-12.34",            -1234,                  "SGD -12.34"),
        ("SGD", "-0",                0,                      "SGD 0.00"),
        ("SGD", "-0.00",             0,                      "SGD 0.00"),
        ("SGD", "007.50",            750,                    "SGD 7.50"),
        ("EUR", "1.23",              123,                    "EUR 1.23"),
        ("JPY", "1235",              1235,                   "JPY 1235"),
        ("KWD", "1.234",             1234,                   "KWD 1.234"),
        ("CLF", "1.2345",            12345,                  "CLF 1.2345"),
        ("HUF", "10.05",             1005,                   "HUF 10.05"),
        ("MGA", "10.05",             1005,                   "MGA 10.05"),
        ("IDR", "100000000000000.00", 10_000_000_000_000_000, "IDR 100000000000000.00"),
    ];
    for (code, text, minor, shown) in table {
        let money = Money::parse(text, currency(code)).unwrap();
        assert_eq!((money.minor(), money.to_string().as_str()), (minor, shown), "{code} {text}");
    }
}

#[test]
fn refuses_every_other_writing() {
    #[rustfmt::skip]
    let writings = [
        "", " ", "-", ".", "1e3", "1E3", "1_000", "+1", "1.", ".5", "-.5", "1.2.3", "--1", "1-", " 1", "1 ", "1\n", "1,5",
        "1,000.00", "0x10", "１２", "١٢", "NaN", "inf", "Infinity", "1/2", "$1", "1 USD", "12345678901234567890123456789",
        "1\u{a0}000", "\u{2212}1", "\0",
    ];
    for text in writings {
        assert_eq!(
            Money::parse(text, currency("USD")),
            Err(MoneyError::NotANumber(text.to_owned())),
            "{text:?}"
        );
    }
    // Only the head of a long text is repeated.
    let long = "9".repeat(1000);
    assert_eq!(Money::parse(&long, currency("USD")), Err(MoneyError::NotANumber("9".repeat(40))));
}

#[test]
fn refuses_more_decimals_than_the_currency_has() {
    for (code, text) in
        [("EUR", "1.234"), ("JPY", "1234.56"), ("VND", "1.0"), ("KWD", "1.2345"), ("SGD", "1.230")]
    {
        let currency = currency(code);
        let refusal =
            MoneyError::TooPrecise { currency, exponent: currency.exponent(), given: text.to_owned() };
        assert_eq!(Money::parse(text, currency), Err(refusal), "{code} {text}");
    }
    let surplus = Decimal::new(100_005, 4);
    assert!(matches!(Money::try_new(surplus, currency("USD")), Err(MoneyError::TooPrecise { .. })));
    assert_eq!(Money::try_new(Decimal::new(100_000, 4), currency("USD")), Ok(usd(1000)));
}

#[test]
fn refuses_what_is_too_large_and_never_wraps() {
    let refused = Err(too_large("USD"));
    assert_eq!(Money::parse("100000000000000.01", currency("USD")), refused);
    assert_eq!(Money::parse("-100000000000000.01", currency("USD")), refused);
    assert_eq!(Money::parse("9999999999999999999999999999", currency("USD")), refused);
    assert_eq!(Money::try_new(Decimal::MAX, currency("USD")), refused);
    assert_eq!(Money::try_new(Decimal::MIN, currency("CLF")), Err(too_large("CLF")));
    assert_eq!(usd(i64::MAX).checked_add(usd(1)), refused);
    assert_eq!(usd(-i64::MAX).checked_sub(usd(1)), refused);
    assert_eq!(usd(-i64::MAX).checked_add(usd(-i64::MAX)), refused);
    assert_eq!(Money::sum(currency("USD"), [usd(i64::MAX), usd(1), usd(-1)]), refused);
    assert_eq!(usd(i64::MAX).percent("1000".parse().unwrap()), Err(too_large("USD")));
    assert_eq!(usd(i64::MAX).checked_add(usd(-i64::MAX)), Ok(usd(0)));
}

#[test]
fn never_mixes_currencies() {
    let (sgd, eur) = (Money::from_minor(100, currency("SGD")), Money::from_minor(100, currency("EUR")));
    let mismatch = MoneyError::CurrencyMismatch { left: currency("SGD"), right: currency("EUR") };
    let results = [sgd.checked_add(eur), sgd.checked_sub(eur), sgd.min(eur), sgd.max(eur)];
    assert!(results.into_iter().all(|result| result == Err(mismatch.clone())));
    assert_eq!(Money::sum(currency("SGD"), [sgd, eur]), Err(mismatch.clone()));
    assert_ne!(sgd, eur);
    assert_eq!(mismatch.to_string(), "SGD and EUR cannot be added or compared");
}

#[test]
fn json_is_an_amount_as_text_and_a_currency() {
    let money = Money::parse("12.30", currency("SGD")).unwrap();
    let text = r#"{"amount":"12.30","currency":"SGD"}"#;
    assert_eq!(serde_json::to_string(&money).unwrap(), text);
    assert_eq!(serde_json::from_str::<Money>(text).unwrap(), money);
    for refused in [
        r#"{"amount":12.30,"currency":"SGD"}"#,
        r#"{"amount":"12.30"}"#,
        r#"{"amount":"12.30","currency":"sgd"}"#,
        r#"{"amount":"12.30","currency":"SGD","scale":2}"#,
        r#"{"amount":"12.30","amount":"99.00","currency":"SGD"}"#,
        r#"{"amount":"12.305","currency":"SGD"}"#,
        r#"{"amount":null,"currency":"SGD"}"#,
        r#""12.30 SGD""#,
    ] {
        assert!(serde_json::from_str::<Money>(refused).is_err(), "{refused}");
    }
}

proptest! {
    #[test]
    fn text_reads_back(minor in -Money::INPUT_LIMIT..=Money::INPUT_LIMIT, index in 0_usize..165) {
        let currency = Currency::all().nth(index).unwrap();
        let money = Money::from_minor(minor, currency);
        prop_assert_eq!(Money::parse(&money.amount().to_string(), currency), Ok(money));
        prop_assert_eq!(Money::try_new(money.amount(), currency), Ok(money));
    }

    #[test]
    fn sums_are_those_of_whole_numbers(a in any::<i64>(), b in any::<i64>()) {
        let expected = |exact: Option<i64>| exact.filter(|&minor| minor != i64::MIN).map(usd).ok_or(too_large("USD"));
        prop_assert_eq!(usd(a).checked_add(usd(b)), expected(a.checked_add(b)));
        prop_assert_eq!(usd(a).checked_sub(usd(b)), expected(a.checked_sub(b)));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
        if let Ok(money) = Money::parse(&text, currency("USD")) {
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-'));
            prop_assert!(money.minor().abs() <= Money::INPUT_LIMIT);
        }
    }
}

#[test]
fn a_part_of_an_amount_is_multiplied_before_it_is_divided() {
    let jpy = |minor| Money::from_minor(minor, currency("JPY"));
    // 15 × 1 ÷ 30 is a tie, which a division first (0.0333… × 15 = 0.4999…) would not see.
    for (of, part, whole, expected) in [
        (15, 1, 30, 1),
        (-15, 1, 30, -1),
        (15, -1, 30, -1),
        (14, 1, 30, 0),
        (100, 1, 3, 33),
        (100, 2, 3, 67),
        (7, 5, 5, 7),
        (7, 0, 0, 7),
        (7, 0, 9, 0),
        (Money::INPUT_LIMIT, Money::INPUT_LIMIT - 1, Money::INPUT_LIMIT, Money::INPUT_LIMIT - 1),
    ] {
        assert_eq!(usd(of).prorated(jpy(part), jpy(whole)), Ok(usd(expected)), "{of} × {part} ÷ {whole}");
    }
    assert!(matches!(usd(1).prorated(usd(1), jpy(2)), Err(MoneyError::CurrencyMismatch { .. })));
}

proptest! {
    #[test]
    fn a_part_is_never_half_a_unit_off(of in -Money::INPUT_LIMIT..=Money::INPUT_LIMIT, part in 0..=Money::INPUT_LIMIT, rest in 0..=Money::INPUT_LIMIT) {
        let (part, whole) = (usd(part), usd(part + rest));
        let prorated = i128::from(usd(of).prorated(part, whole).unwrap().minor());
        prop_assume!(!whole.is_zero());
        let off = prorated * i128::from(whole.minor()) - i128::from(of) * i128::from(part.minor());
        prop_assert!(2 * off.abs() <= i128::from(whole.minor()));
    }
}

proptest::proptest! {
    #[test]
    fn plain_amounts_are_read_as_all_others(whole in 0_u64..10_u64.pow(12), fraction in "[0-9]{0,5}", which in 0_usize..4) {
        let currency = Currency::known(["JPY", "USD", "KWD", "CLF"][which]);
        let text = if fraction.is_empty() { whole.to_string() } else { format!("{whole}.{fraction}") };
        let decimal: Decimal = text.parse().unwrap();
        let closely = match fraction.len() <= currency.exponent() as usize {
            true => Money::try_new(decimal, currency).ok(),
            false => None,
        };
        proptest::prop_assert_eq!(Money::parse(&text, currency).ok(), closely);
    }
}
