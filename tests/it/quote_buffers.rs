//! Buffers and weekend premiums in answers, and the back-test: each test fails when the number is a constant.

use chrono::{Datelike as _, TimeDelta};
use rust_decimal::Decimal;
use serde_json::Value;
use straits::clock::Clock;
use straits::domain::fx::{
    AtCap, BufferSource, Country, FxSettings, Lock, PriceRounding, Shopper, WeekendPrices,
};
use straits::flows::price::{Item, PriceError, PricesAnswer, PricesQuestion, Pricing, QuoteAnswer};
use straits::money::Rate;
use straits::store::Change;

use crate::engines::TestDatabase;
use crate::prices::{bundled, currency, money, pricing, promise};
use crate::program::run;

const FRIDAY_NOON: &str = "2026-10-30T15:00:00Z";
const SATURDAY: &str = "2026-10-31T12:00:00Z";

async fn at(moment: &str, settings: FxSettings) -> (TestDatabase, Pricing) {
    let database = TestDatabase::sqlite();
    let clock = Clock::fixed(moment.parse().unwrap());
    let mut pricing = pricing(database.open().await, &clock, settings);
    // The CC0 set is a month old.
    pricing.allow_stale_reference = true;
    (database, pricing)
}

async fn quote(pricing: &Pricing, amount: (&str, &str), to: &str, lock: Lock) -> QuoteAnswer {
    let mut asked = promise(pricing.ids.mint(), &[amount], to);
    asked.lock = Some(lock);
    pricing.promise(&asked, Change::new()).await.unwrap()
}

fn shown(pricing: &Pricing, country: &str) -> PricesAnswer<'static> {
    let shopper = Shopper { country: Country::find(country).ok(), ..Shopper::default() };
    let items = vec![Item { sku: None, price: money("19.90", "USD") }];
    let question =
        PricesQuestion { items, shopper, rounding: Some(PriceRounding::Exact), ..PricesQuestion::default() };
    pricing.localise(question).unwrap()
}

#[tokio::test]
async fn calm_and_wild_pairs_have_different_buffers_and_each_point_is_explained() {
    let (_database, pricing) = at(FRIDAY_NOON, bundled()).await;
    // σ and points computed apart, in exact fractions, from the same file.
    for (to, sigma, points) in [
        ("HKD", "0.000229859", [3, 3, 3, 6]),
        ("THB", "0.003155433", [9, 13, 16, 70]),
        ("JPY", "0.004490014", [12, 18, 23, 100]),
    ] {
        for (lock, volatility) in Lock::ALL.into_iter().zip(points) {
            let answer = quote(&pricing, ("100.00", "USD"), to, lock).await;
            let parts = &answer.rate.buffer;
            let expected = volatility + i32::try_from(parts.weekend_bps).unwrap();
            assert_eq!(answer.rate.buffer_bps, expected, "{to} {lock:?}");
            assert_eq!(parts.sigma, Some(sigma.parse::<Decimal>().unwrap()), "{to}");
            assert_eq!((parts.source, parts.history_days, parts.lag_s), (BufferSource::History, 250, 900));
            // Friday noon in New York: only a day runs into the weekend.
            assert_eq!(parts.weekend_bps, if lock == Lock::OneDay { 25 } else { 0 }, "{to} {lock:?}");
            let reference = Rate::parse(currency("USD"), currency(to), &answer.rate.reference).unwrap();
            let total = straits::money::BasisPoints(answer.rate.spread_bps + answer.rate.buffer_bps);
            let final_rate = reference.with_markup(total).unwrap().value().to_string();
            assert_eq!(answer.rate.final_rate, final_rate);
        }
    }
}

#[tokio::test]
async fn pegs_cost_the_floor_unknown_pairs_their_default_and_one_currency_nothing() {
    let (_database, pricing) = at(SATURDAY, bundled()).await;
    let peg = quote(&pricing, ("100.00", "SGD"), "BND", Lock::OneDay).await.rate;
    assert_eq!((peg.buffer_bps, peg.buffer.weekend_bps), (3, 0));
    assert_eq!((peg.buffer.source, peg.buffer.sigma), (BufferSource::History, Some(Decimal::new(0, 9))));
    let mut more = bundled();
    (more.volatility.minimum_moves, more.volatility.history_moves) = (20, 10);
    let (_other, young) = at(SATURDAY, more).await;
    let unknown = quote(&young, ("100.00", "USD"), "THB", Lock::OneDay).await.rate;
    assert_eq!((unknown.buffer_bps, unknown.buffer.weekend_bps), (125, 25));
    assert_eq!((unknown.buffer.source, unknown.buffer.sigma), (BufferSource::Default, None));
    let none = quote(&pricing, ("100.00", "SGD"), "SGD", Lock::OneDay).await.rate;
    assert_eq!((none.buffer_bps, none.buffer.source, none.spread_bps), (0, BufferSource::None, 0));
}

#[tokio::test]
async fn saturday_is_dearer_than_friday_in_quotes_and_in_prices() {
    let mut settings = bundled();
    settings.weekend.in_prices = WeekendPrices::Always;
    let (_first, friday) = at(FRIDAY_NOON, settings.clone()).await;
    let (_second, saturday) = at(SATURDAY, settings).await;
    let of = |answer: PricesAnswer<'_>| {
        let rate = answer.rate.unwrap();
        (rate.weekend_bps, rate.buffer_bps, answer.items[0].price)
    };
    assert_eq!(of(shown(&friday, "TH")), (0, 0, money("671.22", "THB")));
    // 19.90 × 33.7298603651987111 × 1.0025.
    assert_eq!(of(shown(&saturday, "TH")), (25, 25, money("672.90", "THB")));
    assert_eq!(of(shown(&saturday, "US")), (0, 0, money("19.90", "USD")));

    let on_friday = quote(&friday, ("100.00", "USD"), "THB", Lock::OneHour).await.rate;
    let on_saturday = quote(&saturday, ("100.00", "USD"), "THB", Lock::OneHour).await.rate;
    assert_eq!((on_friday.buffer.weekend_bps, on_saturday.buffer.weekend_bps), (0, 25));
    assert_eq!(on_saturday.buffer_bps, on_friday.buffer_bps + 25);

    // The market opens on Sunday at 17:00 New York, 22:00 UTC after the clocks went back.
    saturday.clock.advance(TimeDelta::hours(34) - TimeDelta::microseconds(1));
    assert_eq!(shown(&saturday, "TH").rate.unwrap().weekend_bps, 25);
    saturday.clock.advance(TimeDelta::microseconds(1));
    assert_eq!(shown(&saturday, "TH").rate.unwrap().weekend_bps, 0);
}

#[tokio::test]
async fn which_shown_prices_carry_the_weekend_is_a_setting() {
    for (in_prices, expected) in
        [(WeekendPrices::Always, 25), (WeekendPrices::Live, 0), (WeekendPrices::Never, 0)]
    {
        let mut settings = bundled();
        settings.weekend.in_prices = in_prices;
        let (_database, pricing) = at(SATURDAY, settings).await;
        assert_eq!(shown(&pricing, "TH").rate.unwrap().weekend_bps, expected, "{in_prices:?}");
        let promised = quote(&pricing, ("100.00", "USD"), "THB", Lock::OneHour).await.rate;
        assert_eq!(promised.buffer.weekend_bps, 25, "a quote carries it all the same");
    }
}

#[tokio::test]
async fn above_the_cap_a_promise_is_held_or_refused() {
    let mut settings = bundled();
    settings.volatility.cap_bps = 50;
    let (_database, mut pricing) = at("2026-10-30T15:00:00Z", settings.clone()).await;
    let held = quote(&pricing, ("100.00", "USD"), "THB", Lock::OneDay).await.rate;
    assert_eq!((held.buffer_bps, held.buffer.capped, held.buffer.volatility_bps), (75, true, 70));
    settings.volatility.at_cap = AtCap::Refuse;
    pricing.settings = settings.into();
    let mut asked = promise(pricing.ids.mint(), &[("100.00", "USD")], "THB");
    asked.lock = Some(Lock::OneDay);
    let refused = pricing.promise(&asked, Change::new()).await;
    assert!(matches!(refused, Err(PriceError::LockTooLong(_))), "{refused:?}");
}

#[test]
fn the_back_test_says_what_was_covered_and_fails_when_it_is_too_little() {
    let folder = tempfile::tempdir().unwrap();
    let test = |variables: &[(&str, &str)], more: &[&str]| {
        let arguments = [&["fx", "backtest", "--json", "--from", "2023-10-31"][..], more].concat();
        let output = run(folder.path(), variables, &arguments);
        let document: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (output.status.code(), document, String::from_utf8(output.stderr).unwrap())
    };
    // The defaults reach their target for every pair and lock.
    let (code, document, words) = test(&[], &[]);
    assert_eq!((code, document["passes"].as_bool()), (Some(0), Some(true)), "{document:#} {words}");
    assert_eq!(document["rows"].as_array().map(Vec::len), Some(13 * 4));

    // Half the σ covers far less: a check that can fail.
    let narrow = [("STRAITS__FX__COVERAGE__K_95", "1.0")];
    let (code, document, _) = test(&narrow, &["--pair", "USD/JPY", "--lock", "24h"]);
    assert_eq!((code, document["passes"].as_bool()), (Some(1), Some(false)), "{document:#}");
    assert_eq!(document["rows"].as_array().map(Vec::len), Some(1));

    // The last day is quoted too, and held against the day after it.
    let (code, document, words) = test(&[], &["--pair", "USD/SGD", "--lock", "24h", "--to", "2023-10-31"]);
    assert_eq!((code, &document["rows"][0]["quotes"]), (Some(0), &Value::from(1)), "{words}");

    // A currency that is no more, and one whose rates ended: up to their own last days.
    for (pair, least) in [("EUR/HRK", 3_000), ("EUR/RUB", 4_000), ("USD/BGN", 5_000)] {
        let output = run(folder.path(), &[], &["fx", "backtest", "--json", "--pair", pair, "--lock", "24h"]);
        let document: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let quotes = document["rows"][0]["quotes"].as_u64();
        assert!(quotes.is_some_and(|quotes| quotes > least), "{pair}: {document:#}");
    }
    // All 27 years: what another program counted is 96.0 to 99.6 % for every pair and lock.
    let pairs = ["fx", "backtest", "--json", "--pair", "USD/SGD", "--pair", "USD/JPY", "--pair", "GBP/USD"];
    let document: Value = serde_json::from_slice(&run(folder.path(), &[], &pairs).stdout).unwrap();
    let rows = document["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 3 * 4);
    for row in rows {
        let share: Decimal = row["share_percent"].as_str().unwrap().parse().unwrap();
        assert!(row["quotes"].as_u64().unwrap() > 6_500, "{row}");
        assert!(share >= Decimal::new(960, 1) && share <= Decimal::new(996, 1), "{row}");
    }

    let (code, _, words) = test(&[], &["--pair", "USD/KES"]);
    assert_eq!(code, Some(1));
    assert!(words.contains("no day to quote USD/KES on"), "{words}");
    let (code, ..) = test(&[], &["--lock", "2h"]);
    assert_eq!(code, Some(2));
}

/// The same counts from the ECB's file and the method as it is printed, sharing no code with the program.
#[test]
fn the_back_test_can_be_recomputed_from_what_it_prints() {
    let folder = tempfile::tempdir().unwrap();
    let asked = ["fx", "backtest", "--json", "--from", "2023-10-31", "--lock", "24h", "--lock", "1h"];
    let output = run(folder.path(), &[], &asked);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let number = |name: &str| u128::from(document["parameters"][name].as_u64().unwrap());
    let (seed, newest) = (number("minimum_moves") as usize, number("history_moves") as usize);
    let (lag_s, floor, weekend) =
        (number("settlement_lag_min") * 60, number("floor_bps"), number("weekend_bps"));
    let decay: Decimal = document["parameters"]["decay"].as_str().unwrap().parse().unwrap();
    let mut compared = 0;
    for row in document["rows"].as_array().unwrap() {
        let code = row["quote"].as_str().unwrap();
        let lock_s: u128 = if row["lock"] == "24h" { 86_400 } else { 3_600 };
        let k: Decimal = row["k"].as_str().unwrap().parse().unwrap();
        let history = published("USD", code);
        let day_of = |index: usize| history[index].0;
        // Relative moves, and the weekdays between.
        let moves: Vec<(Decimal, u32)> = history
            .windows(2)
            .map(|pair| {
                let days = pair[0].0.iter_days().skip(1).take_while(|day| *day <= pair[1].0);
                let open = days.filter(|day| day.weekday().num_days_from_monday() < 5).count();
                (((pair[1].1 - pair[0].1) / pair[0].1).abs(), open as u32)
            })
            .collect();
        let variance = |one: &(Decimal, u32)| one.0 * one.0 / Decimal::from(one.1);
        let (mut quotes, mut covered) = (0, 0);
        for index in seed..moves.len() {
            if day_of(index) < "2023-10-31".parse().unwrap() {
                continue;
            }
            let known = &moves[index.saturating_sub(newest)..index];
            let (first, later) = known.split_at(seed);
            let mean = first.iter().map(variance).sum::<Decimal>() / Decimal::from(seed);
            let sigma2 =
                later.iter().fold(mean, |mean, one| decay * mean + (Decimal::ONE - decay) * variance(one));
            // The smallest whole number of basis points that is not below k·σ·√t.
            let t = Decimal::from(lock_s + lag_s) / Decimal::from(86_400);
            let least = k * k * sigma2 * t * Decimal::from(100_000_000);
            let buffer = (floor..).find(|bps| Decimal::from(bps * bps) >= least).unwrap();
            let friday = day_of(index).weekday() == chrono::Weekday::Fri;
            // 16:00 in Frankfurt is 10:00 in New York: an hour later the market is open for six more, a day later it is not.
            let bps = buffer + if friday && lock_s > 3_600 && sigma2 > Decimal::ZERO { weekend } else { 0 };
            let (size, open) = moves[index];
            quotes += 1;
            let reach = size * size * t / Decimal::from(open) * Decimal::from(100_000_000);
            covered += u64::from(reach <= Decimal::from(bps * bps));
        }
        assert_eq!((row["quotes"].as_u64(), row["covered"].as_u64()), (Some(quotes), Some(covered)), "{row}");
        compared += 1;
    }
    assert_eq!(compared, 2 * 13);
}

/// Units of one currency for another on every day that the ECB published both.
fn published(base: &str, quote: &str) -> Vec<(chrono::NaiveDate, Decimal)> {
    use std::io::Read as _;
    let packed = include_bytes!("../../config/fx/ecb-history.csv.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let head: Vec<&str> = lines.next().unwrap().split(',').map(str::trim).collect();
    let place = |code: &str| head.iter().position(|name| *name == code);
    let euros = |fields: &[&str], code: &str| match code {
        "EUR" => Some(Decimal::ONE),
        code => fields.get(place(code)?)?.trim().parse::<Decimal>().ok(),
    };
    let mut days: Vec<(chrono::NaiveDate, Decimal)> = lines
        .filter_map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            let rate = euros(&fields, quote)? / euros(&fields, base)?;
            Some((fields[0].parse().ok()?, rate))
        })
        .collect();
    days.sort_by_key(|(day, _)| *day);
    days
}
