//! When sources are asked, by whom, and what a failing one costs: nobody anything.

use std::time::Instant;

use fx_providers::ecb;

use super::*;

const NOW: &str = "2026-11-02T15:10:00Z";

fn breaker_of(book: &RateBook, name: &str) -> Breaker {
    book.report().into_iter().find(|one| one.provider == name).unwrap().breaker.unwrap()
}

#[tokio::test]
async fn the_breaker_opens_tries_once_and_closes_by_our_clock() {
    let clock = Clock::fixed(at(NOW));
    let source = Scripted::new("a", vec![dead("a"), dead("a"), dead("a"), dead("a")]);
    let book = book_of(vec![source.clone()], &clock, &bundled_only());
    for failures in 1..=3 {
        assert!(!book.refresh().await);
        assert_eq!(breaker_of(&book, "a").failures(), failures);
    }
    assert!(matches!(breaker_of(&book, "a"), Breaker::Open { since, .. } if since == clock.now()));
    // Left alone: nobody is asked.
    assert!(!book.refresh().await);
    assert_eq!(source.count(), 3);
    clock.advance(TimeDelta::minutes(5));
    assert!(!book.refresh().await);
    assert_eq!(source.count(), 4, "tried once");
    let Breaker::Open { until, .. } = breaker_of(&book, "a") else { panic!("it did not answer") };
    assert_eq!(until, clock.now() + TimeDelta::minutes(10));
    clock.advance(TimeDelta::minutes(10));
    source.says(euro("a", "2026-11-02T15:25:00Z", &[("USD", "1.1173")]));
    assert!(book.refresh().await);
    assert_eq!(breaker_of(&book, "a"), Breaker::Closed { failures: 0 });
    let report = book.report().remove(0);
    assert_eq!((report.error, report.last_error.is_some()), (None, true), "a past error stays readable");
    assert_eq!(report.last_answer, Some(clock.now()));
}

#[tokio::test]
async fn questions_at_once_become_one() {
    let clock = Clock::fixed(at(NOW));
    let answers = (0..9).map(|_| euro("a", NOW, &[("USD", "1.1173")])).collect();
    let source = Scripted::slow("a", Duration::from_millis(30), answers);
    let book = book_of(vec![source.clone()], &clock, &bundled_only());
    let all = futures_util::future::join_all((0..50).map(|_| book.refresh())).await;
    assert!(all.into_iter().all(|fresh| fresh));
    assert_eq!(source.count(), 1);
    assert!(book.refresh().await);
    assert_eq!(source.count(), 2, "an answer is not kept by the flight");
}

#[tokio::test]
async fn dead_and_silent_sources_delay_neither_the_start_nor_reads_nor_one_another() {
    let clock = Clock::fixed(at(NOW));
    let silent = Scripted::slow("silent", Duration::from_secs(3_600), vec![]);
    let gone = Scripted::new("dead", vec![dead("dead")]);
    let good = Scripted::new(ecb::NAME, vec![ecb_daily("2026-11-02", "1.12340", NOW, None)]);
    let started = Instant::now();
    let book = book_of(vec![silent.clone(), gone.clone(), good.clone()], &clock, &bundled_only());
    assert_eq!(number(&book, "EUR", "USD"), "1.1172");
    let task = tokio::spawn(book.clone().keep_fresh());
    while number(&book, "EUR", "USD") != "1.12340" {
        assert!(started.elapsed() < Duration::from_secs(20), "the good source was never heard");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!task.is_finished());
    assert_eq!((silent.count(), gone.count(), good.count()), (1, 1, 1));
    let report = book.report();
    assert_eq!((report[0].as_of, report[0].stale, report[0].error.clone()), (None, true, None));
    assert!(report[1].error.is_some() && report[1].next_ask.is_some_and(|next| next > clock.now()));
    task.abort();
}

#[tokio::test]
async fn a_gap_is_filled_by_the_recent_history_then_the_newest_is_enough() {
    let clock = Clock::fixed(at("2026-11-23T15:10:00Z"));
    let answer = || ecb_daily("2026-11-23", "1.12", "2026-11-23T15:10:00Z", None);
    let source = Scripted::new(ecb::NAME, vec![answer(), answer()]);
    let book = book_of(vec![source.clone()], &clock, &bundled_only());
    book.refresh().await;
    book.refresh().await;
    let asked: Vec<Window> = source.asked.lock().unwrap().iter().map(|(window, _)| *window).collect();
    assert_eq!(asked, [Window::Recent, Window::Latest]);
}

#[tokio::test]
async fn a_gap_beyond_the_recent_history_is_filled_by_the_whole_one_once() {
    let clock = Clock::fixed(at("2027-03-01T15:10:00Z"));
    let xml = "<gesmes:Envelope xmlns:gesmes='a'><Cube>\
               <Cube time='2027-03-01'><Cube currency='USD' rate='1.12'/></Cube>\
               <Cube time='2026-11-03'><Cube currency='USD' rate='1.1190'/></Cube>\
               <Cube time='2026-10-29'><Cube currency='USD' rate='9.9'/></Cube></Cube></gesmes:Envelope>";
    let sets = ecb::read(xml, clock.now()).unwrap();
    let whole = Answer::Sets { sets, body: xml.into(), validator: None, notices: vec![] };
    let daily = ecb_daily("2027-03-01", "1.12", "2027-03-01T15:10:00Z", None);
    let source = Scripted::new(ecb::NAME, vec![Ok(whole), daily]);
    let book = book_of(vec![source.clone()], &clock, &bundled_only());
    book.refresh().await;
    book.refresh().await;
    let asked: Vec<Window> = source.asked.lock().unwrap().iter().map(|(window, _)| *window).collect();
    assert_eq!(asked, [Window::Whole, Window::Latest]);
    let on = |day: &str| {
        let day = book.on(day.parse().unwrap()).unwrap();
        day.mid(currency("EUR"), currency("USD")).unwrap().rate.value().to_string()
    };
    assert_eq!((on("2026-11-04"), on("2027-03-01")), ("1.1190".to_owned(), "1.12".to_owned()));
    assert_ne!(on("2026-10-29"), "9.9", "what is known stays");
}

#[tokio::test]
async fn a_source_that_answers_punctually_with_last_weeks_numbers_is_stale() {
    let clock = Clock::fixed(at("2026-11-02T17:30:00Z"));
    let friday = ecb_daily("2026-10-30", "1.1172", "2026-11-02T17:30:00Z", None);
    let book = book_of(vec![Scripted::new(ecb::NAME, vec![friday])], &clock, &bundled_only());
    assert!(book.refresh().await);
    let market = mid(&book, "EUR", "USD");
    assert_eq!((market.fetched_at, market.stale), (clock.now(), true));
}

#[test]
fn the_next_question_comes_before_the_numbers_go_stale_and_never_faster_than_the_pace() {
    let now = at(NOW);
    let source = Scripted::new("a", vec![]);
    let set = |schedule| RateSet {
        provider: "a",
        base: Code::EUR,
        quoted: Quoted::UnitsPerBase,
        as_of: now,
        published_at: now,
        fetched_at: now,
        kind: Kind::Mid,
        schedule,
        rates: std::collections::BTreeMap::new(),
    };
    let minutes = TimeDelta::minutes;
    for (schedule, earliest, latest) in [
        (Some(Schedule::Every(minutes(60))), minutes(60), minutes(68)),
        // Its interval is shorter than its pace: the pace counts.
        (Some(Schedule::Every(minutes(1))), minutes(5), minutes(6)),
        (Some(Schedule::NextAt(now + minutes(90))), minutes(90), minutes(96)),
        (Some(Schedule::NextAt(now - minutes(90))), minutes(10), minutes(13)),
        (None, minutes(10), minutes(10)),
    ] {
        let held = schedule.and_then(|schedule| publish::publication(&set(schedule), "e".into()));
        let plans: Vec<DateTime<Utc>> = [0, 128, 255]
            .iter()
            .map(|spread| Live::new(source.clone()).plan(held.as_ref(), now, *spread))
            .collect();
        assert!(
            plans.iter().all(|next| *next >= now + earliest && *next <= now + latest),
            "{schedule:?} {plans:?}"
        );
    }
    let failing = Live::new(source);
    failing.note(&Err(RatesError::LeftAlone("a")), now);
    assert_eq!(failing.plan(None, now, 0), now + minutes(5));
}
