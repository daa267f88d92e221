use proptest::prelude::*;

use super::*;
use crate::domain::reconciliation::{FeeTerms, Terms};

/// The fee of a gross in half-ups of `per_mille` and 0.50, and how it may be rounded otherwise.
fn expected(gross: i64, per_mille: i64) -> Expected {
    let terms = Terms::default().id(FeeTerms { method: "card".into(), contract: None });
    let (whole, rest) = (gross * per_mille / 1_000, gross * per_mille % 1_000);
    let fee = (gross * per_mille + 500) / 1_000 + 50;
    let (below, above) = if rest == 0 {
        (0, 0)
    } else if fee == whole + 50 {
        (0, 1)
    } else {
        (1, 0)
    };
    Expected { terms, fee, below, above }
}

fn sums(grosses: impl IntoIterator<Item = i64>, charged: impl Fn(i64) -> i64) -> FeeSums {
    let mut sums = FeeSums::default();
    for gross in grosses {
        sums.add(gross, charged(gross), expected(gross, 39), &format!("CAP-{gross}"));
    }
    sums
}

#[test]
fn another_contract_is_learned_and_every_line_of_it_drifts() {
    let grosses = (1_000..200_000).step_by(700);
    let sums = sums(grosses.clone(), |gross| expected(gross, 44).fee);
    let learned = sums.learned().unwrap();
    assert!((43_990..=44_010).contains(&learned.percent_millionths), "{learned:?}");
    assert!((490..=510).contains(&learned.fixed_tenths), "{learned:?}");
    let money: i64 = grosses.map(|gross| expected(gross, 44).fee - expected(gross, 39).fee).sum();
    assert_eq!((sums.drift, sums.drifting, sums.rounding), (money.into(), sums.lines, 0));
    assert_eq!((sums.references.len(), sums.references[0].as_str()), (REFERENCES, "CAP-1000"));
}

#[test]
fn a_gateway_that_rounds_down_does_not_drift() {
    let sums = sums((1_000..2_000).step_by(7), |gross| gross * 39 / 1_000 + 50);
    assert_eq!((sums.drift, sums.drifting, sums.references.len()), (0, 0, 0));
    assert!(sums.rounding < 0 && -sums.rounding == sums.rounded, "{sums:?}");
    assert_eq!(sums.charged, sums.agreed + sums.rounding);
    // One minor unit off an exact fee is more than rounding makes.
    let exact = sums_of_one(10_000, 441);
    assert_eq!((exact.drift, exact.rounding), (1, 0));
}

fn sums_of_one(gross: i64, charged: i64) -> FeeSums {
    sums([gross], |_| charged)
}

#[test]
fn few_payments_or_one_amount_teach_nothing() {
    assert_eq!(FeeSums::default().learned(), Err(NotLearned::SmallSample));
    assert_eq!(sums([1_000, 2_000, 3_000, 4_000], |_| 90).learned(), Err(NotLearned::SmallSample));
    assert_eq!(sums([1_000; 50], |_| 90).learned(), Err(NotLearned::OneAmount));
    let mut beyond = sums([1_000; 5], |_| 90);
    beyond.add(i64::MAX, i64::MAX, expected(1, 39), "CAP");
    assert_eq!(beyond.learned(), Err(NotLearned::TooLarge));
    let fixed = sums([1_000, 2_000, 3_000, 4_000, 5_000], |_| 90).learned().unwrap();
    assert_eq!((fixed.percent_millionths, fixed.fixed_tenths), (0, 900));
}

proptest! {
    #[test]
    fn nothing_is_lost_and_days_add_up(
        lines in prop::collection::vec((1_i64..1_000_000, -3_i64..4), 1..60),
        cut in 0_usize..60,
    ) {
        let add = |lines: &[(i64, i64)]| {
            let mut sums = FeeSums::default();
            for (gross, off) in lines {
                let expected = expected(*gross, 39);
                sums.add(*gross, expected.fee + off, expected, "CAP");
            }
            sums
        };
        let whole = add(&lines);
        prop_assert_eq!(whole.charged, whole.agreed + whole.rounding + whole.drift);
        let (first, second) = lines.split_at(cut.min(lines.len()));
        let mut merged = add(first);
        merged.merge(&add(second));
        prop_assert_eq!(&merged, &whole);
        let kept: FeeSums = serde_json::from_str(&serde_json::to_string(&whole).unwrap()).unwrap();
        prop_assert_eq!(kept, whole);
    }
}
