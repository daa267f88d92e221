//! Traps of `rusty-money` 0.5 and `rust_decimal` 1.43 that were observed, each shown twice: what the crate does, so
//! that an upgrade that changes it is noticed, and what Straits does instead.

#![allow(clippy::disallowed_methods, reason = "the traps are the disallowed methods")]

use std::str::FromStr;

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use rusty_money::{Exchange, ExchangeRate, FormattableCurrency, Money as Theirs, MoneyError as Their, iso};
use straits::money::{
    AllocationPolicy, Currency, Money, MoneyError, Percent, Rate, RateError, Rounding, allocate,
};

fn currency(code: &str) -> Currency {
    Currency::find(code).unwrap()
}

fn decimal(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

fn minor(parts: &[Money]) -> Vec<i64> {
    parts.iter().map(|part| part.minor()).collect()
}

mod rusty_money_parses_by_locale {
    use super::*;

    #[test]
    fn a_point_may_mean_thousands() {
        assert_eq!(Theirs::from_str("1.234", iso::EUR).unwrap().try_to_minor_units(), Ok(123_400));
        assert_eq!(Theirs::from_str("1.000", iso::EUR).unwrap().try_to_minor_units(), Ok(100_000));
        assert_eq!(Theirs::from_str("1.234", iso::VND).unwrap().try_to_minor_units(), Ok(1234));
        assert_eq!(Theirs::from_str("1234.50", iso::EUR), Err(Their::InvalidAmount));
        assert_eq!(Theirs::from_str("-1234.50", iso::EUR), Err(Their::InvalidAmount));
        assert_eq!(Theirs::from_str("1,234", iso::USD).unwrap().try_to_minor_units(), Ok(123_400));

        assert!(matches!(Money::parse("1.234", currency("EUR")), Err(MoneyError::TooPrecise { .. })));
        assert!(matches!(Money::parse("1.234", currency("VND")), Err(MoneyError::TooPrecise { .. })));
        assert_eq!(Money::parse("-1234.50", currency("EUR")).unwrap().minor(), -123_450);
        assert!(matches!(Money::parse("1,234", currency("USD")), Err(MoneyError::NotANumber(_))));
    }

    #[test]
    fn underscores_and_signs_pass() {
        for (text, units) in [("1_000", 100_000), ("+5", 500)] {
            assert_eq!(Theirs::from_str(text, iso::USD).unwrap().try_to_minor_units(), Ok(units));
            assert!(matches!(Money::parse(text, currency("USD")), Err(MoneyError::NotANumber(_))));
        }
    }

    #[test]
    fn codes_are_case_sensitive_in_both() {
        assert!(iso::find("usd").is_none());
        assert!(Currency::find("usd").is_err());
    }
}

mod rusty_money_keeps_surplus_decimals {
    use super::*;

    #[test]
    fn cutting_is_silent() {
        let surplus = Theirs::from_decimal(decimal("10.0005"), iso::USD);
        assert_eq!(surplus.to_string(), "$10.00");
        assert_eq!(surplus.to_minor_units(), 1000);
        assert_eq!(surplus.try_to_minor_units(), Err(Their::PrecisionLoss));
        assert_eq!(Theirs::from_str("1234.56", iso::JPY).unwrap().to_string(), "¥1,235");

        let refusal = Money::try_new(decimal("10.0005"), currency("USD")).unwrap_err();
        assert_eq!(refusal.to_string(), "USD has 2 decimals; `10.0005` has more");
        assert!(matches!(Money::parse("1234.56", currency("JPY")), Err(MoneyError::TooPrecise { .. })));
        assert!(matches!(Money::parse("1.2345", currency("KWD")), Err(MoneyError::TooPrecise { .. })));
    }

    #[test]
    fn overflow_becomes_zero() {
        let huge = Theirs::from_decimal(Decimal::MAX, iso::USD);
        assert_eq!(huge.to_minor_units(), 0);
        assert_eq!(huge.try_to_minor_units(), Err(Their::Overflow));

        let usd = currency("USD");
        assert_eq!(Money::try_new(Decimal::MAX, usd), Err(MoneyError::TooLarge { currency: usd }));
    }

    #[test]
    fn equality_across_currencies_has_two_answers() {
        let (usd, eur) = (Theirs::from_minor(1, iso::USD), Theirs::from_minor(1, iso::EUR));
        assert!(usd != eur);
        assert!(usd.eq(&eur).is_err());

        let (usd, eur) = (Money::from_minor(1, currency("USD")), Money::from_minor(1, currency("EUR")));
        assert!(usd != eur);
        assert!(matches!(usd.checked_sub(eur), Err(MoneyError::CurrencyMismatch { .. })));
    }
}

mod rusty_money_knows_other_currencies {
    use super::*;

    #[test]
    fn three_exponents_are_wrong_and_no_others() {
        let differing: Vec<(&str, u32, u32)> = Currency::all()
            .filter_map(|ours| iso::find(ours.code()).map(|theirs| (ours, theirs)))
            .filter(|(ours, theirs)| ours.exponent() != theirs.exponent)
            .map(|(ours, theirs)| (ours.code(), ours.exponent(), theirs.exponent))
            .collect();
        assert_eq!(differing, [("HUF", 2, 0), ("MGA", 2, 1), ("MRU", 2, 1)]);
    }

    #[test]
    fn computing_with_it_uses_our_exponents() {
        for code in ["HUF", "MGA", "MRU"] {
            let ours = currency(code);
            assert_eq!(FormattableCurrency::exponent(&ours), 2);
            assert_eq!(Theirs::from_minor(1005, &ours).try_to_minor_units(), Ok(1005));
            assert_eq!(Money::parse("10.05", ours).unwrap().to_string(), format!("{code} 10.05"));
        }
    }

    #[test]
    fn retired_codes_and_metals_pass_for_currencies() {
        for code in ["ANG", "BYR", "ROL", "SKK", "STD", "ZMK", "XAU", "XDR", "XXX"] {
            assert!(iso::find(code).is_some(), "{code}");
            assert!(Currency::find(code).is_err(), "{code}");
        }
    }
}

mod rusty_money_divides_unevenly {
    use super::*;

    fn theirs(amount: &str, weights: &[u32]) -> Vec<Decimal> {
        let parts = Theirs::from_decimal(decimal(amount), iso::USD).allocate(weights.to_vec()).unwrap();
        parts.iter().map(|part| *part.amount()).collect()
    }

    fn ours(amount: &str, weights: &[u32]) -> Vec<i64> {
        let whole = Money::parse(amount, currency("USD")).unwrap();
        let weights: Vec<Decimal> = weights.iter().copied().map(Decimal::from).collect();
        minor(&allocate(whole, &weights, AllocationPolicy::LargestRemainder).unwrap().0)
    }

    #[test]
    fn a_refund_is_not_the_mirror_of_its_charge() {
        assert_eq!(theirs("100.00", &[1, 1, 1]), ["33.34", "33.33", "33.33"].map(decimal));
        assert_eq!(theirs("-100.00", &[1, 1, 1]), ["-33.33", "-33.33", "-33.34"].map(decimal));

        assert_eq!(ours("100.00", &[1, 1, 1]), [3334, 3333, 3333]);
        assert_eq!(ours("-100.00", &[1, 1, 1]), [-3334, -3333, -3333]);
    }

    #[test]
    fn the_rest_goes_by_order_not_by_remainder() {
        assert_eq!(theirs("0.01", &[1, 98, 1]), ["0.01", "0.00", "0.00"].map(decimal));
        assert_eq!(theirs("10.00", &[333, 667, 9000]), ["0.34", "0.66", "9.00"].map(decimal));

        assert_eq!(ours("0.01", &[1, 98, 1]), [0, 1, 0]);
        assert_eq!(ours("10.00", &[333, 667, 9000]), [33, 67, 900]);
    }

    #[test]
    fn fractions_of_a_cent_get_lost() {
        assert_eq!(theirs("100.005", &[1, 1]).iter().sum::<Decimal>(), decimal("100.00"));

        assert!(matches!(Money::parse("100.005", currency("USD")), Err(MoneyError::TooPrecise { .. })));
    }
}

mod rusty_money_prints_for_one_reader {
    use super::*;

    #[test]
    fn long_amounts_group_wrongly_and_small_ones_lose_their_value() {
        let show = |text: &str| Theirs::from_decimal(decimal(text), iso::USD).to_string();
        assert_eq!(show("1234567890123456.5"), "$1234567,890,123,456.50");
        assert_eq!(show("-0.001"), "-$0.00");
        assert_eq!(show("0.125"), "$0.12");

        let shown = Money::parse("12345678901234.50", currency("USD")).unwrap().to_string();
        assert_eq!(shown, "USD 12345678901234.50");
    }

    #[test]
    fn one_sign_means_four_currencies() {
        let shown =
            [iso::SGD, iso::TWD, iso::HKD, iso::USD].map(|theirs| Theirs::from_major(1, theirs).to_string());
        assert!(shown.iter().all(|text| text == "$1.00"), "{shown:?}");
        let idr = Theirs::from_major(1_234_567, iso::IDR).to_string();
        assert_eq!(idr, "Rp1,234,567.00", "an Indonesian writes Rp 1.234.567");

        let ours =
            ["SGD", "TWD", "HKD", "USD"].map(|code| Money::from_minor(100, currency(code)).to_string());
        assert_eq!(ours, ["SGD 1.00", "TWD 1.00", "HKD 1.00", "USD 1.00"]);
    }
}

mod rusty_money_trusts_any_rate {
    use super::*;

    #[test]
    fn zero_negative_and_unrounded() {
        for value in [Decimal::ZERO, Decimal::NEGATIVE_ONE] {
            assert!(ExchangeRate::new(iso::USD, iso::VND, value).is_ok());
            let ours = Rate::try_new(currency("USD"), currency("VND"), value);
            assert_eq!(ours, Err(RateError::OutOfRange(value.to_string())));
        }
        let theirs = ExchangeRate::new(iso::USD, iso::VND, decimal("25950.123456789")).unwrap();
        let converted = theirs.convert(&Theirs::from_minor(1999, iso::USD)).unwrap();
        assert_eq!(*converted.amount(), decimal("518742.96790121211"));

        let rate = Rate::parse(currency("USD"), currency("VND"), "25950.123456789").unwrap();
        let exact = rate.convert(Money::from_minor(1999, currency("USD"))).unwrap();
        assert_eq!(exact.value(), decimal("518742.96790121211"));
        assert_eq!(exact.round(Rounding::HalfUp).to_string(), "VND 518743");
    }

    #[test]
    fn a_book_of_rates_knows_one_direction_only() {
        let mut book = Exchange::new();
        book.set_rate(&ExchangeRate::new(iso::USD, iso::EUR, decimal("0.9")).unwrap());
        assert!(book.get_rate(iso::USD, iso::EUR).is_some());
        assert!(book.get_rate(iso::EUR, iso::USD).is_none());

        let rate = Rate::parse(currency("USD"), currency("EUR"), "0.9").unwrap();
        let back = rate.convert_back(Money::parse("9.00", currency("EUR")).unwrap()).unwrap();
        assert_eq!(back.round(Rounding::Down).to_string(), "USD 10.00");
    }
}

mod rust_decimal_rounds_in_silence {
    use super::*;

    #[test]
    fn a_sum_or_product_that_does_not_fit_is_rounded() {
        let large = decimal("1000000000000000000000000000");
        assert_eq!(large.checked_add(decimal("0.001")), Some(large));
        let fine = decimal("0.0000000000000000000000000011");
        assert_eq!(fine.checked_mul(fine), Some(Decimal::ZERO));

        // An amount of 16 digits at a rate of 18: 34 digits, beyond any Decimal, exact here.
        let usd = currency("USD");
        let amount = Money::from_minor(Money::INPUT_LIMIT - 1, usd);
        let rate = Rate::parse(usd, currency("EUR"), "0.123456789012345678").unwrap();
        let exact = i128::from(amount.minor()) * 123_456_789_012_345_678;
        let converted = rate.convert(amount).unwrap();
        assert_eq!(i128::from(converted.round(Rounding::Down).minor()), exact / 10_i128.pow(18));
        assert_eq!(i128::from(converted.round(Rounding::Up).minor()), exact / 10_i128.pow(18) + 1);
    }

    #[test]
    fn a_tie_can_be_made_by_rounding_before_rounding() {
        let usd = currency("USD");
        let amount = Money::from_minor(9_999_999_999_999_999, usd);
        let rate = Rate::parse(usd, currency("EUR"), "0.510000000000000001").unwrap();
        // The exact product is 5099999999999999.499999999999999999 minor units: just below the tie.
        let theirs = amount.amount().checked_mul(rate.value()).unwrap();
        let theirs = theirs.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
        let ours = rate.convert(amount).unwrap().round(Rounding::HalfUp);
        assert_eq!(ours.minor(), 5_099_999_999_999_999);
        assert_eq!(theirs - ours.amount(), decimal("0.01"), "a Decimal rounds to the tie, then up");
    }

    #[test]
    fn reading_rounds_and_takes_almost_anything() {
        for text in ["1e3", "1_000", "+1", "1.", ".5"] {
            let lenient =
                if text.contains('e') { Decimal::from_scientific(text) } else { Decimal::from_str(text) };
            assert!(lenient.is_ok(), "{text}");
            assert!(Money::parse(text, currency("USD")).is_err(), "{text}");
            assert!(text.parse::<Percent>().is_err(), "{text}");
            assert!(Rate::parse(currency("USD"), currency("EUR"), text).is_err(), "{text}");
        }
        let thirty_digits = "1.00000000000000000000000000005";
        assert!(Decimal::from_str(thirty_digits).is_ok());
        assert!(Decimal::from_str_exact(thirty_digits).is_err());
        assert!(Rate::parse(currency("USD"), currency("EUR"), thirty_digits).is_err());
        assert!(matches!(Money::parse(thirty_digits, currency("USD")), Err(MoneyError::NotANumber(_))));
    }

    #[test]
    fn division_and_default_rounding() {
        assert_eq!((Decimal::ONE / Decimal::from(3)).scale(), 28);
        assert_eq!(decimal("2.5").round_dp(0), decimal("2"), "half to even");

        let (usd, eur) = (currency("USD"), currency("EUR"));
        let third = Rate::try_new(usd, eur, Decimal::ONE / Decimal::from(3)).unwrap();
        assert_eq!(third.value().to_string(), "0.333333333333333333");
        let half = Money::from_minor(5, usd).percent("50".parse().unwrap()).unwrap();
        assert_eq!(half.round(Rounding::default()).minor(), 3, "half up");
    }

    #[test]
    fn decimals_are_not_padded_and_zero_has_a_sign() {
        assert_eq!(decimal("2").round_dp(2).to_string(), "2");
        let mut largest = Decimal::MAX;
        largest.rescale(2);
        assert_eq!(largest.scale(), 0, "rescale gives up in silence");
        let mut zero = decimal("0.00");
        zero.set_sign_negative(true);
        assert!(zero.is_sign_negative() && zero == Decimal::ZERO);

        assert_eq!(Money::parse("2", currency("USD")).unwrap().amount().to_string(), "2.00");
        let money = Money::try_new(zero, currency("USD")).unwrap();
        assert!(!money.is_negative() && money.amount().to_string() == "0.00");
    }

    #[test]
    fn json_numbers_pass_through_floating_point() {
        let number: Decimal = serde_json::from_str("29478.533308940001").unwrap();
        assert_ne!(number.to_string(), "29478.533308940001");
        assert_eq!(number.to_f64(), Some(29_478.533_308_94));

        assert!(serde_json::from_str::<Money>(r#"{"amount":2.50,"currency":"USD"}"#).is_err());
        assert!(serde_json::from_str::<Percent>("2.50").is_err());
        let money: Money = serde_json::from_str(r#"{"amount":"2.50","currency":"USD"}"#).unwrap();
        assert_eq!(serde_json::to_string(&money).unwrap(), r#"{"amount":"2.50","currency":"USD"}"#);
    }
}
