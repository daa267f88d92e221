//! What is not believed must not come in by another door.

use super::*;
use crate::domain::fx::RateKind;
use crate::domain::fx::consensus::Standing;

const MONDAY: &str = "2026-11-02T10:00:00Z";

/// Dollars in which everything is `percent` of what it is.
fn dollar(name: &'static str, percent: i64, thb: &str) -> Arc<Scripted> {
    let times = |rate: &str| {
        let rate: rust_decimal::Decimal = rate.parse().unwrap();
        (rate * rust_decimal::Decimal::new(percent, 2)).to_string()
    };
    let (eur, baht) = (times("0.8960"), times(thb));
    let answer = running(name, "USD", Quoted::UnitsPerBase, MONDAY, &[("EUR", &eur), ("THB", &baht)]);
    Scripted::new(name, vec![answer])
}

fn near(book: &RateBook, base: &str, quote: &str, value: &str) {
    let market = mid(book, base, quote);
    let far = (market.rate.value() / value.parse::<rust_decimal::Decimal>().unwrap()
        - rust_decimal::Decimal::ONE)
        .abs();
    assert!(far < rust_decimal::Decimal::new(1, 2), "{base}/{quote}: {market:?} is not about {value}");
}

#[tokio::test]
async fn a_source_that_is_wrong_about_its_base_is_not_believed_against_its_base_either() {
    let clock = Clock::fixed(at(MONDAY));
    // The liar's baht is in the middle: every number of its own is 5 % too high, so that EUR/THB is right.
    let sources = vec![
        dollar("a", 100, "33.70"),
        dollar("b", 100, "33.72"),
        dollar("liar", 105, "33.74"),
        dollar("d", 100, "33.76"),
        dollar("e", 100, "33.78"),
    ];
    let book = book_of(sources, &clock, &bundled_only());
    assert!(book.refresh().await);
    let report = book.report();
    let liar = report.iter().find(|one| one.provider == "liar").unwrap();
    assert!(liar.outvoted.iter().any(|one| one.currency.code() == "USD"), "{liar:?}");
    near(&book, "USD", "THB", "33.74");
    near(&book, "THB", "USD", "0.029638");
    let [usd, thb] = ["USD", "THB"].map(|code| mid(&book, "EUR", code).rate.value());
    let cross = mid(&book, "USD", "THB").rate.value();
    assert!((thb / usd - cross).abs() < rust_decimal::Decimal::new(1, 10), "the triangle is closed");
}

#[tokio::test]
async fn a_unit_error_that_is_held_back_is_in_no_pair() {
    let clock = Clock::fixed(at(MONDAY));
    let book = book_of(vec![dollar("alone", 10_000, "33.74")], &clock, &bundled_only());
    assert!(book.refresh().await);
    assert!(book.latest().is_held(currency("USD")) || number(&book, "EUR", "USD").starts_with("1.1"));
    near(&book, "USD", "THB", "33.7");
}

#[tokio::test]
async fn a_source_that_dates_each_currency_by_itself_keeps_them_all() {
    let clock = Clock::fixed(at(MONDAY));
    let set = |date: &str, rates: &[(&str, &str)]| RateSet {
        provider: "frankfurter",
        base: Code::EUR,
        quoted: Quoted::UnitsPerBase,
        as_of: at(date),
        published_at: at(date),
        fetched_at: at(MONDAY),
        kind: Kind::Reference,
        schedule: Schedule::NextAt(at("2026-11-03T15:00:00Z")),
        rates: rates.iter().map(|(code, rate)| (Code::parse(code).unwrap(), rate.parse().unwrap())).collect(),
    };
    let sets = vec![
        set("2026-10-23T00:00:00Z", &[("KES", "150")]),
        set("2026-10-31T00:00:00Z", &[("USD", "1.1601"), ("THB", "37.61")]),
        set("2026-11-01T00:00:00Z", &[("MVR", "17.9"), ("THB", "37.62")]),
    ];
    let answer = Answer::Sets { sets, body: b"rows".to_vec(), validator: None, notices: vec![] };
    let settings = FxSettings { sources: vec![], ..FxSettings::default() };
    let book = book_of(vec![Scripted::new("frankfurter", vec![Ok(answer)])], &clock, &settings);
    assert!(book.refresh().await);
    for (code, value) in [("USD", "1.1601"), ("THB", "37.62"), ("MVR", "17.9")] {
        let market = mid(&book, "EUR", code);
        assert_eq!((market.rate.value().to_string().as_str(), market.stale), (value, false), "{code}");
    }
    assert!(book.mid(Currency::known("EUR"), currency("KES")).is_err(), "a week is over");
    assert_eq!(book.report()[0].offers, 3);
    let day = book.on("2026-10-31".parse().unwrap()).unwrap();
    assert_eq!(day.mid(Currency::known("EUR"), currency("THB")).unwrap().rate.value().to_string(), "37.61");
}

fn reference(name: &'static str, dollar: &str) -> Arc<Scripted> {
    let set = RateSet {
        provider: name,
        base: Code::EUR,
        quoted: Quoted::UnitsPerBase,
        as_of: at("2026-11-02T00:00:00Z"),
        published_at: at("2026-11-02T00:00:00Z"),
        fetched_at: at(MONDAY),
        kind: Kind::Reference,
        schedule: Schedule::NextAt(at("2026-11-03T00:00:00Z")),
        rates: [(Code::parse("USD").unwrap(), dollar.parse().unwrap())].into_iter().collect(),
    };
    let answer = Answer::Sets { sets: vec![set], body: name.into(), validator: None, notices: vec![] };
    Scripted::new(name, vec![Ok(answer)])
}

#[tokio::test]
async fn references_that_disagree_are_told_and_most_of_four_are_believed() {
    let settings = FxSettings { sources: vec![], ..FxSettings::default() };
    let clock = Clock::fixed(at(MONDAY));
    let four = ["1.2180", "1.1601", "1.1603", "1.1599"];
    let names = ["first", "second", "third", "fourth"];
    let all: Vec<_> = names.iter().zip(four).map(|(name, dollar)| reference(name, dollar)).collect();
    let book = book_of(all[..2].to_vec(), &clock, &settings);
    assert!(book.refresh().await);
    assert_eq!(number(&book, "EUR", "USD"), "1.2180", "of two the ranked one answers");
    let told =
        |book: &RateBook, place: usize| book.report()[place].outvoted.first().map(|one| one.verdict.standing);
    assert!(matches!(told(&book, 1), Some(Standing::Disagrees { .. })), "{:?}", book.report());
    let all: Vec<_> = names.iter().zip(four).map(|(name, dollar)| reference(name, dollar)).collect();
    let book = book_of(all, &clock, &settings);
    assert!(book.refresh().await);
    assert_eq!(number(&book, "EUR", "USD"), "1.1601");
    assert!(matches!(told(&book, 0), Some(Standing::Outvoted { .. })), "{:?}", book.report());
    assert!((1..4).all(|place| told(&book, place).is_none()), "{:?}", book.report());
}

#[tokio::test]
async fn an_operators_thresholds_are_what_is_judged_by() {
    let own = include_str!("../../../config/fx/thresholds.toml")
        .replace("reference_bps = 150", "reference_bps = 1000");
    let own = Arc::new(Thresholds::read(&own).unwrap());
    let clock = Clock::fixed(at(MONDAY));
    for (thresholds, told) in [(None, 1), (Some(own), 0)] {
        let settings = FxSettings { sources: vec![], thresholds, ..FxSettings::default() };
        let two = [reference("first", "1.2180"), reference("second", "1.1601")];
        let book = book_of(two.to_vec(), &clock, &settings);
        assert!(book.refresh().await);
        assert_eq!(book.report()[1].outvoted.len(), told, "{:?}", book.report());
    }
}

#[tokio::test]
async fn a_running_source_whose_market_time_stands_still_is_stale_though_it_answers() {
    let settings = FxSettings { sources: vec![], ..FxSettings::default() };
    for (asked, as_of, stale) in [
        ("2026-11-04T10:00:00Z", "2026-11-04T08:31:00Z", false),
        ("2026-11-04T10:00:00Z", "2026-11-04T08:29:00Z", true),
        ("2026-11-04T10:00:00Z", "2026-11-02T10:00:00Z", true),
        // From Friday's close to Sunday's opening nobody deals.
        ("2026-11-01T12:00:00Z", "2026-10-30T20:30:00Z", false),
        ("2026-11-01T22:59:00Z", "2026-10-30T20:30:00Z", false),
        ("2026-11-01T23:01:00Z", "2026-10-30T20:30:00Z", true),
    ] {
        let clock = Clock::fixed(at(asked));
        let mut answer = euro("runs", asked, &[("USD", "1.16")]).unwrap();
        let Answer::Sets { sets, .. } = &mut answer else { panic!("{answer:?}") };
        sets[0].as_of = at(as_of);
        let book = book_of(vec![Scripted::new("runs", vec![Ok(answer)])], &clock, &settings);
        assert!(book.refresh().await);
        let market = mid(&book, "EUR", "USD");
        assert_eq!((market.stale, market.kind), (stale, RateKind::Mid), "{as_of} at {asked}");
    }
}
