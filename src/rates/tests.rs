use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use fx_providers::{Answer, Validator, Window, ecb};

use super::*;
use crate::domain::fx::RateKind;
use crate::money::{Money, Rounding};

const FRIDAY_EVENING: &str = "2026-10-30T17:00:00Z";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn bundled_only() -> FxSettings {
    FxSettings { sources: vec![SourceName::Bundled], ..FxSettings::default() }
}

fn book(now: &str) -> RateBook {
    let clock = Clock::fixed(at(now));
    RateBook::open(&bundled_only(), clock.clone(), IdSource::seeded(clock, 1)).unwrap()
}

fn currency(code: &str) -> Currency {
    Currency::find(code).unwrap()
}

fn mid(book: &RateBook, base: &str, quote: &str) -> MarketRate {
    book.mid(currency(base), currency(quote)).unwrap()
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
    let own = mid(&book, "KWD", "KWD");
    assert_eq!((own.rate.value().to_string().as_str(), own.stale), ("1", false));
    assert!(book.mid(currency("KWD"), currency("USD")).is_err());
}

#[test]
fn crosses_are_one_division_and_say_their_way() {
    let book = book(FRIDAY_EVENING);
    for (base, quote, value, path, providers) in [
        ("USD", "THB", "33.7298603651987111", "USD EUR THB", "ecb"),
        ("USD", "EUR", "0.895094880057286072", "USD EUR", "ecb"),
        ("USD", "VND", "26386.0842364303616", "USD EUR VND", "ecb fawazahmed0"),
        ("SGD", "BND", "1", "SGD BND", "peg"),
        ("BND", "SGD", "1", "BND SGD", "peg"),
        ("HKD", "MOP", "1.03", "HKD MOP", "peg"),
        ("MOP", "HKD", "0.97087378640776699", "MOP HKD", "peg"),
        ("USD", "BND", "1.27837450769781597", "USD EUR SGD BND", "ecb peg"),
        ("MOP", "BND", "0.158193987786653221", "MOP HKD EUR SGD BND", "peg ecb"),
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

/// Every number of the published history, read by other means, is what the book answers for its day.
#[test]
fn history_is_the_ecbs_to_the_last_digit() {
    let book = book(FRIDAY_EVENING);
    let mut days: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for line in include_str!("../../config/fx/ecb-rates-3y.csv").lines().skip(1) {
        let (date, rest) = line.split_once(',').unwrap();
        days.entry(date).or_default().push(rest.split_once(',').unwrap());
    }
    for (date, rows) in days.iter().step_by(7) {
        let day = book.on(date.parse().unwrap()).unwrap();
        for (code, digits) in rows.iter().filter(|(code, _)| Currency::find(code).is_ok()) {
            let market = day.mid(currency("EUR"), currency(code)).unwrap();
            assert_eq!(
                (market.rate.value().to_string().as_str(), market.stale),
                (*digits, false),
                "{date} {code}"
            );
        }
    }
    assert_eq!(days.len(), 766);
}

#[test]
fn a_day_without_publication_answers_with_the_last_one_before() {
    let book = book(FRIDAY_EVENING);
    for (asked, answered) in [
        ("2026-10-25", "2026-10-23"),
        ("2026-04-06", "2026-04-02"),
        ("2025-12-26", "2025-12-24"),
        ("2026-10-30", "2026-10-30"),
    ] {
        let market = book.on(asked.parse().unwrap()).unwrap().mid(currency("EUR"), currency("USD")).unwrap();
        assert_eq!((market.as_of.date_naive().to_string().as_str(), market.stale), (answered, false));
    }
    let before = book.on("2023-10-30".parse().unwrap()).unwrap();
    assert_eq!(before.mid(currency("EUR"), currency("USD")), Err(RatesError::NoRate(currency("USD"))));
    let tomorrow = "2026-10-31".parse().unwrap();
    assert_eq!(book.on(tomorrow).unwrap_err(), RatesError::Future(tomorrow));
}

#[test]
fn a_currency_without_a_source_has_no_rate() {
    let book = book(FRIDAY_EVENING);
    for code in ["AED", "BDT", "PKR", "RUB"] {
        assert_eq!(book.mid(currency("USD"), currency(code)), Err(RatesError::NoRate(currency(code))));
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
    let clock = Clock::fixed(at("2026-10-30T17:00:00Z"));
    let settings = FxSettings { reference_max_age_d: 1, ..bundled_only() };
    let book = RateBook::open(&settings, clock.clone(), IdSource::seeded(clock.clone(), 1)).unwrap();
    assert!(!mid(&book, "EUR", "USD").stale);
    clock.advance(TimeDelta::hours(21));
    assert!(mid(&book, "EUR", "USD").stale);
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

/// A source that plays a list of answers.
#[derive(Debug)]
struct Scripted {
    answers: Mutex<Vec<Result<Answer, SourceError>>>,
    asked: Mutex<Vec<(Window, Option<Validator>)>>,
    count: AtomicUsize,
}

impl Scripted {
    fn new(answers: Vec<Result<Answer, SourceError>>) -> Arc<Scripted> {
        let answers = Mutex::new(answers);
        Arc::new(Scripted { answers, asked: Mutex::default(), count: AtomicUsize::new(0) })
    }
}

#[async_trait]
impl RateSource for Scripted {
    fn name(&self) -> &'static str {
        ecb::NAME
    }
    fn offers(&self, _: Window) -> bool {
        true
    }
    async fn fetch(
        &self,
        window: Window,
        seen: Option<&Validator>,
        _: DateTime<Utc>,
    ) -> Result<Answer, SourceError> {
        self.asked.lock().unwrap().push((window, seen.cloned()));
        self.count.fetch_add(1, Ordering::SeqCst);
        self.answers.lock().unwrap().remove(0)
    }
}

fn answer(xml: &str, now: &str, etag: Option<&str>) -> Result<Answer, SourceError> {
    let validator =
        etag.map(|etag| Validator { window: Window::Latest, etag: Some(etag.to_owned()), modified: None });
    let body = xml.as_bytes().to_vec();
    Ok(Answer::Sets { sets: ecb::read(xml, at(now))?, body, validator, notices: Vec::new() })
}

fn daily(date: &str, dollar: &str) -> String {
    format!(
        "<gesmes:Envelope xmlns:gesmes='a'><Cube><Cube time='{date}'><Cube currency='USD' rate='{dollar}'/>\
         <Cube currency='QQQ' rate='2'/></Cube></Cube></gesmes:Envelope>"
    )
}

fn live(source: Arc<Scripted>, clock: &Clock) -> RateBook {
    RateBook::with_live(&bundled_only(), vec![source], clock.clone(), IdSource::seeded(clock.clone(), 1))
        .unwrap()
}

#[tokio::test]
async fn a_fresh_publication_replaces_the_bundled_one_and_names_its_evidence() {
    let clock = Clock::fixed(at("2026-11-02T15:10:00Z"));
    let xml = daily("2026-11-02", "1.12340");
    let source = Scripted::new(vec![
        answer(&xml, "2026-11-02T15:10:00Z", Some("\"a\"")),
        Ok(Answer::NotModified),
        Err(SourceError::Throttled { source_name: "ecb", retry_after: None }),
    ]);
    let book = live(source.clone(), &clock);
    let before = book.latest();
    assert!(book.refresh().await);
    let market = mid(&book, "EUR", "USD");
    assert_eq!(market.rate.value().to_string(), "1.12340");
    assert_eq!((market.as_of, market.stale), (at("2026-11-02T13:15:00Z"), false));
    assert_eq!(market.evidence, [snapshot::evidence(xml.as_bytes())]);
    assert_ne!(market.snapshot, before.id());
    let old = book.mid_of(&before, currency("EUR"), currency("USD")).unwrap();
    assert_eq!(old.rate.value().to_string(), "1.1172", "a snapshot in hand does not change");
    let friday = book.on("2026-10-30".parse().unwrap()).unwrap();
    assert_eq!(friday.mid(currency("EUR"), currency("USD")).unwrap().rate.value().to_string(), "1.1172");

    // 304: read anew, as old as before in the market.
    clock.advance(TimeDelta::hours(1));
    assert!(book.refresh().await);
    let again = mid(&book, "EUR", "USD");
    assert_eq!((again.fetched_at, again.as_of), (clock.now(), market.as_of));
    assert_eq!(
        source.asked.lock().unwrap()[1].1.as_ref().and_then(|seen| seen.etag.as_deref()),
        Some("\"a\"")
    );

    // A failure is reported and takes nothing away.
    assert!(!book.refresh().await);
    assert_eq!(mid(&book, "EUR", "USD").rate, market.rate);
    let report = book.report();
    assert_eq!(report[0].error.as_deref(), Some("ecb asks for fewer requests"));
    assert_eq!((report[0].live, report[1].live, report[1].error.clone()), (true, false, None));
}

#[tokio::test]
async fn an_answer_that_is_read_often_but_never_new_goes_stale() {
    let clock = Clock::fixed(at("2026-11-02T17:30:00Z"));
    let source = Scripted::new(vec![answer(&daily("2026-10-30", "1.1172"), "2026-11-02T17:30:00Z", None)]);
    let book = live(source, &clock);
    assert!(book.refresh().await);
    let market = mid(&book, "EUR", "USD");
    assert_eq!((market.fetched_at, market.stale), (clock.now(), true));
}

#[tokio::test]
async fn a_gap_is_filled_by_the_recent_history_then_the_newest_is_enough() {
    let clock = Clock::fixed(at("2026-11-23T15:10:00Z"));
    let source = Scripted::new(vec![
        answer(&daily("2026-11-23", "1.2"), "2026-11-23T15:10:00Z", None),
        answer(&daily("2026-11-23", "1.2"), "2026-11-23T15:10:00Z", None),
    ]);
    let book = live(source.clone(), &clock);
    book.refresh().await;
    book.refresh().await;
    let asked: Vec<Window> = source.asked.lock().unwrap().iter().map(|(window, _)| *window).collect();
    assert_eq!(asked, [Window::Recent, Window::Latest]);
}

/// A source that never answers.
#[derive(Debug)]
struct Silent;

#[async_trait]
impl RateSource for Silent {
    fn name(&self) -> &'static str {
        ecb::NAME
    }
    async fn fetch(&self, _: Window, _: Option<&Validator>, _: DateTime<Utc>) -> Result<Answer, SourceError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_silent_source_delays_neither_start_nor_reads() {
    let clock = Clock::fixed(at(FRIDAY_EVENING));
    let ids = IdSource::seeded(clock.clone(), 1);
    let book = Arc::new(RateBook::with_live(&bundled_only(), vec![Arc::new(Silent)], clock, ids).unwrap());
    let task = tokio::spawn({
        let book = book.clone();
        async move { book.keep_fresh().await }
    });
    tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    assert!(!task.is_finished());
    assert_eq!(mid(&book, "EUR", "USD").rate.value().to_string(), "1.1172");
    task.abort();
}

#[tokio::test]
async fn bundled_never_calls_out() {
    let book = book(FRIDAY_EVENING);
    assert!(book.live.is_empty());
    // Returns at once: there is nobody to ask.
    book.keep_fresh().await;
    assert!(book.report().iter().all(|report| !report.live));
}
