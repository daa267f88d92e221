//! What is compiled in: digits, crosses, history, staleness.

use super::*;
use crate::domain::fx::RateKind;
use crate::money::{Money, Rounding};

fn book(now: &str) -> RateBook {
    let clock = Clock::fixed(at(now));
    RateBook::open(&bundled_only(), clock.clone(), IdSource::seeded(clock, 1)).unwrap()
}

fn names(currencies: &[Currency]) -> String {
    currencies.iter().map(|currency| currency.code()).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_direct_pair_has_the_sources_own_digits() {
    let book = book(FRIDAY_EVENING);
    for (quote, digits) in [
        ("USD", "1.1172"),
        ("GBP", "0.8338"),
        ("ISK", "136"),
        ("IDR", "20275.17"),
        ("SGD", "1.4282"),
        ("VND", "29478.53330894"),
        ("BND", "1.4282"),
        ("MOP", "9.028156"),
    ] {
        assert_eq!(mid(&book, "EUR", quote).rate.value().to_string(), digits, "{quote}");
    }
}

#[test]
fn a_currency_without_a_source_is_still_worth_itself() {
    let book = book(FRIDAY_EVENING);
    let own = mid(&book, "LYD", "LYD");
    assert_eq!((own.rate.value().to_string().as_str(), own.stale), ("1", false));
    assert!(book.mid(currency("LYD"), currency("USD")).is_err());
}

#[test]
fn crosses_are_one_division_and_say_their_way() {
    let book = book(FRIDAY_EVENING);
    for (base, quote, value, path, providers) in [
        ("USD", "THB", "33.7298603651987111", "USD EUR THB", "ecb"),
        ("USD", "EUR", "0.895094880057286072", "USD EUR", "ecb"),
        ("USD", "VND", "26386.0842364303616", "USD EUR VND", "ecb fawazahmed0"),
        ("SGD", "BND", "1", "SGD BND", "peg"),
        ("EUR", "XOF", "655.957", "EUR XOF", "peg"),
        ("XAF", "XOF", "1", "XAF EUR XOF", "peg"),
        ("USD", "XOF", "587.1437522377372", "USD EUR XOF", "ecb peg"),
        ("BND", "SGD", "1", "BND SGD", "peg"),
        ("HKD", "MOP", "1.03", "HKD MOP", "peg"),
        ("MOP", "HKD", "0.97087378640776699", "MOP HKD", "peg"),
        ("USD", "BND", "1.27837450769781597", "USD EUR SGD BND", "ecb peg"),
        ("MOP", "BND", "0.158193987786653221", "MOP HKD EUR SGD BND", "peg ecb"),
        ("USD", "AED", "3.6725", "USD AED", "peg"),
        ("AED", "SAR", "1.02110279101429544", "AED USD SAR", "peg"),
        ("JPY", "JPY", "1", "JPY", ""),
    ] {
        let market = mid(&book, base, quote);
        let text = market.rate.value().to_string();
        assert_eq!(text, value, "{base}→{quote}");
        assert_eq!((names(&market.path).as_str(), market.providers.join(" ").as_str()), (path, providers));
        assert_eq!((market.providers.len(), market.kind), (market.evidence.len(), RateKind::Reference));
    }
}

#[test]
fn the_number_of_significant_digits_is_kept_in_small_rates_too() {
    let book = book(FRIDAY_EVENING);
    let billion = Money::parse("1000000000.00", currency("IDR")).unwrap();
    let dollars = mid(&book, "IDR", "USD").rate.convert(billion).unwrap().round(Rounding::HalfUp);
    assert_eq!(dollars.to_string(), "USD 55101.88");
}

/// The ECB's file, unpacked here by other means.
fn history() -> (Vec<String>, Vec<Vec<String>>) {
    let packed = include_bytes!("../../../config/fx/ecb-history.csv.gz");
    let mut rows = csv::Reader::from_reader(flate2::read::GzDecoder::new(&packed[..]));
    let header = rows.headers().unwrap().iter().map(str::to_owned).collect();
    (header, rows.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect())
}

/// Every number of a sample of the published history is what the book answers for its day, to the last digit; a currency
/// that had none that day has none.
#[test]
fn twenty_seven_years_are_the_ecbs_to_the_last_digit() {
    let book = book(FRIDAY_EVENING);
    let (header, rows) = history();
    assert_eq!((rows.len(), rows[0][0].as_str(), rows[7125][0].as_str()), (7126, "2026-10-30", "1999-01-04"));
    let mut compared = 0;
    for row in rows.iter().step_by(61).chain([&rows[7125]]) {
        let day = book.on(row[0].parse().unwrap()).unwrap();
        for (code, digits) in header.iter().zip(row).skip(1).filter(|(code, _)| !code.is_empty()) {
            let market = day.mid(currency("EUR"), currency(code));
            match digits.as_str() {
                // It paused, or it is over.
                "N/A" => assert!(
                    market.is_err() || market.is_ok_and(|market| market.stale),
                    "{code} on {}",
                    row[0]
                ),
                _ => {
                    let market = market.unwrap();
                    let told = (market.rate.value().to_string(), market.stale, market.path.len());
                    assert_eq!(told, (digits.clone(), false, 2), "{code} on {}", row[0]);
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 3_500, "{compared}");
}

#[test]
fn the_history_is_the_file_that_the_readme_names() {
    let packed = include_bytes!("../../../config/fx/ecb-history.csv.gz");
    let mut text = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&packed[..]), &mut text).unwrap();
    let readme = include_str!("../../../config/fx/README.md");
    for bytes in [&packed[..], &text] {
        let hash = publish::evidence(bytes);
        assert!(readme.contains(hash.trim_start_matches("sha256:")), "{hash}");
    }
    assert!(packed.len() < 1 << 20);
}

#[test]
fn currencies_that_are_no_more_have_rates_of_their_days_only() {
    let book = book(FRIDAY_EVENING);
    for (code, last, digits, after) in [
        ("HRK", "2022-12-30", "7.5365", "2023-01-02"),
        ("BGN", "2025-12-31", "1.9558", "2026-01-02"),
        ("CYP", "2007-12-31", "0.585274", "2008-01-02"),
    ] {
        let ask = |date: &str| book.on(date.parse().unwrap()).unwrap().mid(currency("EUR"), currency(code));
        assert_eq!(ask(last).unwrap().rate.value().to_string(), digits, "{code}");
        assert_eq!(ask(after), Err(RatesError::NoRate(currency(code))));
        assert!(book.mid(currency("EUR"), currency(code)).is_err());
        assert!(book.latest().currencies().all(|now| now.code() != code));
    }
}

/// A source's last word of a currency on or before the day, however long before, said to be old; not of money that was no
/// more by then.
#[test]
fn a_currency_that_paused_has_its_last_rate_before_the_day() {
    let book = book(FRIDAY_EVENING);
    for (code, asked, digits, as_of, stale) in [
        ("RUB", "2022-03-01", "117.201", "2022-03-01", false),
        ("RUB", "2022-03-02", "117.201", "2022-03-01", true),
        ("RUB", "2026-10-30", "117.201", "2022-03-01", true),
        ("ISK", "2008-12-09", "290", "2008-12-09", false),
        ("ISK", "2012-01-01", "290", "2008-12-09", true),
        ("ISK", "2018-01-31", "290", "2008-12-09", true),
        ("HRK", "2022-12-31", "7.5365", "2022-12-30", false),
    ] {
        let day = book.on(asked.parse().unwrap()).unwrap();
        let market = day.last_word(currency("EUR"), currency(code)).unwrap();
        let told = (market.rate.value().to_string(), market.as_of.date_naive().to_string(), market.stale);
        assert_eq!(told, (digits.to_owned(), as_of.to_owned(), stale), "{code} on {asked}");
    }
    // Nothing is valued by what was said years ago.
    let late = book.on("2026-10-30".parse().unwrap()).unwrap();
    assert!(late.mid(currency("EUR"), currency("RUB")).is_err());
    let listed: Vec<Currency> = book.on("2022-03-04".parse().unwrap()).unwrap().currencies().collect();
    assert!(listed.contains(&currency("RUB")), "of this week");
    let listed: Vec<Currency> = book.on("2022-03-11".parse().unwrap()).unwrap().currencies().collect();
    assert!(!listed.contains(&currency("RUB")) && listed.contains(&currency("USD")), "by name only");
    // Before its first day it has none, and now none but the newest counts.
    let early = book.on("2003-01-02".parse().unwrap()).unwrap();
    assert!(early.mid(currency("EUR"), currency("THB")).is_err());
    assert!(book.mid(currency("EUR"), currency("RUB")).is_err());
    assert!(book.latest().currencies().all(|now| now.code() != "RUB"));
}

#[test]
fn a_day_without_publication_answers_with_the_last_one_before() {
    let book = book(FRIDAY_EVENING);
    for (asked, answered) in [
        ("2026-10-25", "2026-10-23"),
        ("2026-04-06", "2026-04-02"),
        ("2025-12-26", "2025-12-24"),
        ("2001-09-16", "2001-09-14"),
        ("2026-10-30", "2026-10-30"),
    ] {
        let market = book.on(asked.parse().unwrap()).unwrap().mid(currency("EUR"), currency("USD")).unwrap();
        assert_eq!((market.as_of.date_naive().to_string().as_str(), market.stale), (answered, false));
    }
    let (date, first) = ("1999-01-03".parse().unwrap(), "1999-01-04".parse().unwrap());
    assert_eq!(book.on(date).unwrap_err(), RatesError::BeforeFirst { date, first });
    let tomorrow = "2026-10-31".parse().unwrap();
    assert_eq!(book.on(tomorrow).unwrap_err(), RatesError::Future(tomorrow));
}

#[test]
fn a_currency_without_a_source_has_no_rate() {
    let book = book(FRIDAY_EVENING);
    for code in ["LYD", "KES", "GEL", "RUB"] {
        assert_eq!(book.mid(currency("USD"), currency(code)), Err(RatesError::NoRate(currency(code))));
    }
}

/// What a shop in Karachi, Cairo or Kathmandu shows without a network: each with the way it came.
#[test]
fn currencies_without_an_ecb_rate_come_from_the_cc0_set_or_a_peg() {
    let book = book(FRIDAY_EVENING);
    for (base, quote, value, providers) in [
        ("EUR", "PKR", "314.84663777", "fawazahmed0"),
        ("EUR", "EGP", "59.13277029", "fawazahmed0"),
        ("EUR", "KWD", "0.35071891", "fawazahmed0"),
        ("EUR", "MNT", "4088.70877128", "fawazahmed0"),
        ("USD", "JOD", "0.709", "peg"),
        ("USD", "XCG", "1.79", "peg"),
        ("INR", "NPR", "1.6", "peg"),
        ("EUR", "BAM", "1.95583", "peg"),
        ("EUR", "XPF", "119.331742243436754", "peg"),
        ("GBP", "GIP", "1", "peg"),
        ("ZAR", "NAD", "1", "peg"),
        ("EUR", "BTN", "109", "ecb peg"),
    ] {
        let market = mid(&book, base, quote);
        let told = market.rate.value().to_string();
        match (base, quote) {
            ("EUR", "BTN") => assert_eq!(told, number(&book, "EUR", "INR")),
            _ => assert_eq!(told, value, "{base}→{quote}"),
        }
        assert_eq!(market.providers.join(" "), providers, "{base}→{quote}");
    }
    assert!(
        book.latest().currencies().count() >= 29 + 18 + 28,
        "{}",
        names(&book.latest().currencies().collect::<Vec<_>>())
    );
}

/// A day of the CC0 set knows every pegged currency as well: no peg is mistyped, turned round or given up.
#[test]
fn every_peg_is_near_what_the_cc0_set_has() {
    let set = include_bytes!("../../../fx-providers/fixtures/fawazahmed0-eur-2026-09-29.json");
    let sets = fx_providers::fawazahmed0::read(set, at("2026-09-29T12:00:00Z")).unwrap();
    let pegs = crate::rates::bundled::pegs().unwrap();
    assert_eq!(pegs.len(), 30);
    let of = |currency: Currency| match currency.code() {
        "EUR" => rust_decimal::Decimal::ONE,
        code => sets[0].rates[&Code::parse(code).unwrap()],
    };
    for peg in pegs {
        let (pegged, anchor) = (of(peg.factor.quote()), of(peg.factor.base()));
        let off = pegged / (anchor * peg.factor.value()) - rust_decimal::Decimal::ONE;
        // The set's own numbers of small currencies are off by up to 72 basis points.
        assert!(off.abs() < rust_decimal::Decimal::new(1, 2), "{} {off}", peg.factor.quote());
    }
}

#[test]
fn stale_when_the_next_publication_is_overdue() {
    for (now, quote, stale) in [
        ("2026-10-30T17:00:00Z", "USD", false),
        // All weekend, and on Monday until 16:00 Frankfurt time and two hours.
        ("2026-11-01T23:00:00Z", "USD", false),
        ("2026-11-02T16:59:00Z", "USD", false),
        ("2026-11-02T17:00:01Z", "USD", true),
        ("2026-11-23T12:00:00Z", "USD", true),
        // The CC0 set comes every morning.
        ("2026-09-30T11:59:00Z", "VND", false),
        ("2026-09-30T12:00:01Z", "VND", true),
        // A peg alone does not age; with its anchor it does.
        ("2026-11-23T12:00:00Z", "BND", true),
    ] {
        assert_eq!(mid(&book(now), "EUR", quote).stale, stale, "{now} {quote}");
    }
    let pegged = mid(&book("2026-11-23T12:00:00Z"), "SGD", "BND");
    assert_eq!((pegged.stale, pegged.age()), (false, TimeDelta::zero()));
}

#[test]
fn a_long_holiday_does_not_outlive_the_limit_of_days() {
    let clock = Clock::fixed(at("2026-10-30T16:59:00Z"));
    let settings = FxSettings { reference_max_age_d: 1, ..bundled_only() };
    let book = RateBook::open(&settings, clock.clone(), IdSource::seeded(clock.clone(), 1)).unwrap();
    for (now, stale) in [
        ("2026-10-30T17:00:00Z", false),
        // A day of the calendar, to its end.
        ("2026-10-31T23:59:59Z", false),
        ("2026-11-01T00:00:00Z", true),
    ] {
        clock.advance_to(at(now)).unwrap();
        assert_eq!(mid(&book, "EUR", "USD").stale, stale, "{now}");
    }
}

/// From Maundy Thursday to Easter Tuesday nobody publishes, the longest gap there is: five days and the hours from the
/// fixing to the next publication.
#[test]
fn over_easter_the_last_fixing_stands_until_the_next_is_overdue() {
    let clock = Clock::fixed(at("2026-04-02T15:00:00Z"));
    let settings = FxSettings { sources: vec![], ..FxSettings::default() };
    let book = book_of(vec![Scripted::new("ecb", vec![])], &clock, &settings);
    let Ok(Answer::Sets { sets, .. }) = ecb_daily("2026-04-02", "1.1525", "2026-04-02T15:00:00Z", None)
    else {
        panic!("no answer");
    };
    let thursday = publish::publication(&sets[0], "e".into()).unwrap();
    book.take_over("ecb", vec![Arc::new(thursday)]);
    for (now, stale) in [
        ("2026-04-06T20:00:00Z", false),
        ("2026-04-07T12:16:00Z", false),
        ("2026-04-07T13:00:00Z", false),
        // 16:00 in Frankfurt, and two hours.
        ("2026-04-07T16:00:00Z", false),
        ("2026-04-07T16:00:01Z", true),
    ] {
        clock.advance_to(at(now)).unwrap();
        assert_eq!(mid(&book, "EUR", "USD").stale, stale, "{now}");
    }
}

proptest::proptest! {
    /// There and back at the market's rate, rounded down both times, never gains.
    #[test]
    fn there_and_back_never_gains(minor in 1_i64..10_000_000_000, a in 0_usize..36, b in 0_usize..36) {
        static BOOK: std::sync::LazyLock<RateBook> = std::sync::LazyLock::new(|| book(FRIDAY_EVENING));
        let book = &BOOK;
        let all: Vec<Currency> = book.latest().currencies().collect();
        let (a, b) = (all[a % all.len()], all[b % all.len()]);
        let start = Money::from_minor(minor, a);
        let there = book.mid(a, b).unwrap().rate.convert(start).unwrap().round(Rounding::Down);
        let back = book.mid(b, a).unwrap().rate.convert(there).unwrap().round(Rounding::Down);
        proptest::prop_assert!(back.minor() <= start.minor(), "{start} became {there} became {back}");
    }
}

#[tokio::test]
async fn bundled_never_calls_out() {
    let book = Arc::new(book(FRIDAY_EVENING));
    assert!(book.live.is_empty());
    // Returns at once: there is nobody to ask.
    book.clone().keep_fresh().await;
    assert!(book.report().iter().all(|report| !report.live && report.breaker.is_none()));
}

#[test]
fn a_peg_does_not_answer_for_the_days_before_it() {
    let (series, eve) = (crate::rates::bundled::series().unwrap(), at("2026-10-30T23:59:59Z"));
    let mut pegs = crate::rates::bundled::pegs().unwrap();
    pegs.retain(|peg| peg.factor.quote() == currency("XOF"));
    pegs[0].since = Some("2026-10-31".parse().unwrap());
    let (freshness, shipped) = (Freshness::from(&bundled_only()), Thresholds::shipped().unwrap());
    let thresholds = &*shipped;
    let ids = IdSource::seeded(Clock::fixed(eve), 3);
    for (now, has) in [(eve, false), (eve + TimeDelta::seconds(1), true)] {
        let judging = Judging { pegs: &pegs, freshness, thresholds, now, previous: None };
        let snapshot = judging.snapshot(ids.mint(), &judging::newest(&series));
        let rate = snapshot.market(currency("EUR"), currency("XOF"), now, freshness);
        assert_eq!(rate.is_ok(), has, "{now}");
    }
}
