use super::*;
use proptest::prelude::*;
use rust_decimal::Decimal;

proptest::proptest! {
    #[test]
    fn a_short_exact_amount_is_written_as_a_long_one(
        negative in proptest::bool::ANY,
        whole in (0_u64..EIGHT, 0_u32..8).prop_map(|(whole, fewer)| whole / 10_u64.pow(fewer)),
        fraction in (proptest::num::u64::ANY, 0_u32..19, 0_u32..19),
        decimals in 1_usize..20,
    ) {
        let (fraction, fewer, zeros) = fraction;
        let power = 10_u64.pow(zeros);
        let fraction = fraction % 10_u64.pow(decimals as u32) / 10_u64.pow(fewer) / power * power;
        let short = ExactDigits::short(negative, whole, fraction, decimals);
        let long = ExactDigits::long(negative, whole, fraction.into(), decimals).unwrap();
        proptest::prop_assert_eq!(short.as_str(), long.as_str());
    }

    #[test]
    fn they_are_the_decimals_own(
        minor in proptest::num::i64::ANY.prop_map(|minor| minor >> (minor & 63)),
        decimals in 0_u32..=4,
    ) {
        let digits = Digits::new(minor, decimals);
        let text = Decimal::new(minor, decimals).to_string();
        proptest::prop_assert_eq!(digits.as_str(), text.as_str());
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        proptest::prop_assert_eq!(digits.parts(), (whole.as_bytes(), fraction.as_bytes()));
    }
}

#[test]
fn exact_digits_end_with_the_last_that_counts() {
    for (negative, whole, fraction, decimals, text) in [
        (false, 671, 224_221_267_454_350_890, 18, "671.22422126745435089"),
        (false, 0, 0, 18, "0"),
        (true, 0, 50, 3, "-0.05"),
        (false, 70, 0, 0, "70"),
        (false, 3, 12_345_678_901_234_567_890_123, 26, "3.00012345678901234567890123"),
        (true, u64::MAX, 123_456_789, 9, "-18446744073709551615.123456789"),
    ] {
        let exact = ExactDigits::new(negative, whole, fraction, decimals).unwrap();
        assert_eq!(exact.as_str(), text);
        assert_eq!(ExactDigits::of(text), exact);
    }
    assert!(ExactDigits::new(false, u64::MAX, 0, 19).is_none(), "that is more than it holds");
}

#[test]
fn the_ends_of_the_range_and_small_amounts() {
    for (minor, decimals, text) in [
        (0, 2, "0.00"),
        (0, 0, "0"),
        (-5, 2, "-0.05"),
        (7, 4, "0.0007"),
        (5, 2, "0.05"),
        (99, 2, "0.99"),
        (999, 2, "9.99"),
        (1_000, 2, "10.00"),
        (9_999, 2, "99.99"),
        (10_000, 2, "100.00"),
        (99_999, 2, "999.99"),
        (100_000, 2, "1000.00"),
        (999_999, 2, "9999.99"),
        (1_000_000, 2, "10000.00"),
        (9_999_999, 2, "99999.99"),
        (10_000_000, 2, "100000.00"),
        (98_765_432, 2, "987654.32"),
        (99_999_999, 2, "999999.99"),
        (100_000_000, 2, "1000000.00"),
        (i64::MIN, 4, "-922337203685477.5808"),
        (i64::MAX, 0, "9223372036854775807"),
    ] {
        assert_eq!(Digits::new(minor, decimals).to_string(), text);
    }
}
