//! How much a pair moves in a day, from what was published up to a moment and nothing later.
//!
//! A *move* is the relative change between two publications, a whole number of 10⁻⁹ (half to even; the quotient has 28
//! digits before that). Its square, over the days of open market between the two, is one observation of the variance of
//! a day, a whole number of 10⁻¹⁸ (half up). Time is counted in open market and not by the calendar: between a Friday's
//! fixing and a Monday's the market is open for 24 hours as between any two others, and over the ECB's history the
//! variances agree; a holiday's longer move is spread over its weekdays. What a closed market may do in its gap is the
//! weekend premium's matter.
//!
//! σ² is the exponentially weighted mean: seeded with the plain mean of the first `minimum_moves` observations, then
//! σ² ← λ·σ² + (1 − λ)·x for each later one, oldest first, every step half up at 10⁻¹⁸. σ is its square root, rounded up
//! to 10⁻⁹. Relative moves, not logarithms: they are exact in decimals, and for moves of a percent the two differ in the
//! third digit.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::policy::VolatilitySettings;
use super::week::open_days;
use crate::money::{Rate, Rounding};

/// Moves are whole numbers of 1 / this.
pub const UNIT: u64 = 1_000_000_000;

/// A move beyond ten times the rate is counted as ten times: its square still fits, and no cap lets it through.
const LARGEST: u64 = 10 * UNIT;

/// The change between two publications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// The earlier day.
    pub from: NaiveDate,
    /// The later day.
    pub to: NaiveDate,
    /// How far, up or down, in 10⁻⁹ of the earlier rate.
    pub size: u64,
    /// Days of open market between them.
    pub days: u32,
}

impl Move {
    /// Between two rates of one pair.
    pub fn between(earlier: (NaiveDate, Rate), later: (NaiveDate, Rate)) -> Move {
        let (from, to) = (earlier.0, later.0);
        let change = (later.1.value() - earlier.1.value()).checked_div(earlier.1.value());
        let units = change.and_then(|change| change.abs().checked_mul(Decimal::from(UNIT)));
        let units = units.and_then(|units| Rounding::HalfEven.apply(units, 0).to_u64());
        Move { from, to, size: units.unwrap_or(LARGEST).min(LARGEST), days: open_days(from, to) }
    }

    /// Between each two neighbours of a history, oldest first.
    pub fn all(history: &[(NaiveDate, Rate)]) -> Vec<Move> {
        history.windows(2).map(|pair| Move::between(pair[0], pair[1])).collect()
    }

    /// The variance of a day that it bears witness of, in 10⁻¹⁸.
    fn variance(self) -> u128 {
        divided(u128::from(self.size).pow(2), u128::from(self.days))
    }
}

/// The standard deviation of one day's move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Volatility {
    /// σ in 10⁻⁹, rounded up.
    pub sigma: u64,
    /// How many moves it was made of.
    pub moves: u32,
    /// The last day it knows.
    pub until: NaiveDate,
}

impl Volatility {
    /// From the newest `history_moves` of `moves` (oldest first). `None` when there are fewer than `minimum_moves`.
    pub fn of(moves: &[Move], settings: &VolatilitySettings) -> Option<Volatility> {
        let newest = &moves[moves.len().saturating_sub(usize::from(settings.history_moves))..];
        let minimum = usize::from(settings.minimum_moves).max(1);
        let (seed, later) = newest.split_at_checked(minimum)?;
        let sum: u128 = seed.iter().map(|one| one.variance()).sum();
        let mut variance = divided(sum, u128::from(settings.minimum_moves).max(1));
        let decay = u128::from(settings.decay.ten_thousandths());
        for one in later {
            variance = divided(decay * variance + (10_000 - decay) * one.variance(), 10_000);
        }
        Some(Volatility {
            sigma: u64::try_from(root_up(variance)).unwrap_or(LARGEST),
            moves: u32::try_from(newest.len()).unwrap_or(u32::MAX),
            until: newest.last()?.to,
        })
    }

    /// σ as a decimal fraction: `0.002713405` is 27 basis points a day.
    pub fn fraction(self) -> Decimal {
        Decimal::from_i128_with_scale(i128::from(self.sigma), 9)
    }
}

/// A quotient, half up.
fn divided(value: u128, by: u128) -> u128 {
    (value + by / 2) / by
}

/// The smallest whole number whose square is not below `value`.
pub(super) fn root_up(value: u128) -> u128 {
    let root = value.isqrt();
    if root * root < value { root + 1 } else { root }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;
    use chrono::Datelike;
    use proptest::prelude::*;

    fn history(rates: &[&str]) -> Vec<(NaiveDate, Rate)> {
        let (usd, thb) = (Currency::known("USD"), Currency::known("THB"));
        let monday: NaiveDate = "2026-01-05".parse().unwrap();
        let weekdays = monday.iter_days().filter(|day| day.weekday().num_days_from_monday() < 5);
        let rates = rates.iter().map(|text| Rate::parse(usd, thb, text).unwrap());
        weekdays.zip(rates).collect()
    }

    fn settings(minimum: u16, history: u16, decay: &str) -> VolatilitySettings {
        VolatilitySettings {
            minimum_moves: minimum,
            history_moves: history,
            decay: decay.parse().unwrap(),
            ..VolatilitySettings::default()
        }
    }

    #[test]
    fn the_arithmetic_by_hand() {
        // Moves 1 %, 2 %, 0, 5 %: seed (1 + 4) / 2 = 2.5; × 0.9 = 2.25; × 0.9 + 0.1 × 25 = 4.525 (10⁻⁴).
        let moves = Move::all(&history(&["100", "101", "98.98", "98.98", "103.929"]));
        let sizes: Vec<u64> = moves.iter().map(|one| one.size).collect();
        assert_eq!(sizes, [10_000_000, 20_000_000, 0, 50_000_000]);
        let found = Volatility::of(&moves, &settings(2, 250, "0.9")).unwrap();
        // √0.0004525 = 0.0212720473…, rounded up.
        assert_eq!((found.fraction().to_string().as_str(), found.moves), ("0.021272048", 4));
        assert_eq!(found.until, "2026-01-09".parse().unwrap());
        assert!(u128::from(found.sigma - 1).pow(2) < 452_500_000_000_000);
    }

    #[test]
    fn too_little_history_says_so_and_old_history_is_left_out() {
        let moves = Move::all(&history(&["100", "110", "100", "100", "100"]));
        assert_eq!(Volatility::of(&moves, &settings(5, 250, "0.9")), None);
        assert_eq!(Volatility::of(&[], &settings(1, 250, "0.9")), None);
        let wild = Volatility::of(&moves, &settings(2, 250, "0.9")).unwrap();
        let calm = Volatility::of(&moves, &settings(2, 2, "0.9")).unwrap();
        assert!(wild.sigma > 80_000_000, "{wild:?}");
        assert_eq!((calm.sigma, calm.moves), (0, 2));
    }

    #[test]
    fn a_holiday_is_spread_over_its_weekdays_and_a_weekend_is_one_day() {
        let (usd, thb) = (Currency::known("USD"), Currency::known("THB"));
        let on = |day: &str, rate: &str| (day.parse().unwrap(), Rate::parse(usd, thb, rate).unwrap());
        let easter = Move::between(on("2026-04-02", "100"), on("2026-04-07", "103"));
        let weekend = Move::between(on("2026-10-30", "100"), on("2026-11-02", "103"));
        assert_eq!((easter.days, weekend.days), (3, 1));
        let sigma = |one: Move| Volatility::of(&[one], &settings(1, 250, "0.9")).unwrap().sigma;
        assert_eq!((sigma(easter), sigma(weekend)), (17_320_509, 30_000_000));
    }

    #[test]
    fn a_rate_that_explodes_does_not_overflow() {
        let moves = Move::all(&history(&["0.000000000000000001", "999999999", "0.000000000000000001"]));
        assert_eq!((moves[0].size, moves[1].size), (LARGEST, UNIT));
        assert!(Volatility::of(&moves, &settings(1, 250, "0.9999")).is_some());
    }

    proptest! {
        #[test]
        fn a_root_is_the_smallest_that_reaches(value in 0_u128..=u128::from(u64::MAX).pow(2)) {
            let root = root_up(value);
            prop_assert!(root * root >= value && (root == 0 || (root - 1) * (root - 1) < value));
        }

        /// What comes later never changes what was known: no look-ahead.
        #[test]
        fn the_past_does_not_depend_on_the_future(sizes in prop::collection::vec(0_u64..50_000_000, 30..60), later in 0_u64..LARGEST) {
            let day: NaiveDate = "2026-01-05".parse().unwrap();
            let mut moves: Vec<Move> = sizes.iter().map(|size| Move { from: day, to: day, size: *size, days: 1 }).collect();
            let known = moves.len();
            let before = Volatility::of(&moves, &VolatilitySettings::default());
            moves.push(Move { from: day, to: day, size: later, days: 1 });
            prop_assert_eq!(before, Volatility::of(&moves[..known], &VolatilitySettings::default()));
            // And a larger newest move never makes it smaller.
            let quiet = Volatility::of(&moves, &VolatilitySettings::default()).map(|found| found.sigma);
            moves[known].size = LARGEST;
            prop_assert!(quiet <= Volatility::of(&moves, &VolatilitySettings::default()).map(|found| found.sigma));
        }
    }
}
