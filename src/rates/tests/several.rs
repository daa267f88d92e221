//! Several sources: who is believed, whose digits, what is shown.

use fx_providers::ecb;

use super::*;
use crate::domain::fx::RateKind;
use crate::domain::fx::consensus::{LooksLike, Standing};

const MONDAY: &str = "2026-11-02T10:00:00Z";
const FIVE: [(&str, &str, &str); 5] = [
    ("a", "1.1170", "1.4280"),
    ("b", "1.1172", "1.4283"),
    ("c", "1.1169", "1.4281"),
    ("d", "1.1174", "1.4284"),
    ("e", "1.1171", "1.4282"),
];

fn five(now: &str, wrong: Option<(usize, &'static str)>) -> Vec<Arc<Scripted>> {
    let one = |(place, (name, dollar, singapore)): (usize, &(&'static str, &str, &str))| {
        let dollar = wrong.filter(|(liar, _)| *liar == place).map_or(*dollar, |(_, lie)| lie);
        Scripted::new(name, vec![euro(name, now, &[("USD", dollar), ("SGD", singapore)])])
    };
    FIVE.iter().enumerate().map(one).collect()
}

#[tokio::test]
async fn five_sources_one_lying_is_dropped_and_shown() {
    for (lie, looks_like) in
        [("0.8951", Some(LooksLike::Inverted)), ("111.72", Some(LooksLike::UnitError)), ("1.1600", None)]
    {
        let clock = Clock::fixed(at(MONDAY));
        let book = book_of(five(MONDAY, Some((2, lie))), &clock, &bundled_only());
        assert!(book.refresh().await);
        let market = mid(&book, "EUR", "USD");
        assert_eq!((market.rate.value().to_string().as_str(), market.providers[0].as_str()), ("1.1172", "b"));
        assert_eq!((market.kind, market.stale), (RateKind::Mid, false));
        let report = book.report();
        let liar = report.iter().find(|one| one.provider == "c").unwrap();
        let [outvoted] = &liar.outvoted[..] else { panic!("{:?}", liar.outvoted) };
        assert_eq!((outvoted.currency.code(), outvoted.value.unwrap().to_string().as_str()), ("USD", lie));
        assert!(
            matches!(outvoted.verdict.standing, Standing::Outvoted { limit_bps: 100 | 300, looks_like: seen } if seen == looks_like),
            "{outvoted:?}"
        );
        assert!(outvoted.verdict.deviation_bps.unwrap().abs() > 100);
        let honest = report.iter().filter(|one| one.provider != "c");
        assert!(honest.into_iter().all(|one| one.outvoted.is_empty()), "{report:?}");
        // The Singapore dollar of the same source is as good as any.
        assert_eq!((liar.offers, report.len()), (2, 7));
        assert_eq!(number(&book, "EUR", "SGD"), "1.4282");
    }
}

#[tokio::test]
async fn a_direct_pair_has_the_sources_own_digits_whatever_its_base_and_way_round() {
    let clock = Clock::fixed(at(MONDAY));
    let settings = FxSettings { sources: vec![], ..FxSettings::default() };
    let dollar = running(
        "dollar",
        "USD",
        Quoted::UnitsPerBase,
        MONDAY,
        &[("EUR", "0.8951"), ("SGD", "1.27840"), ("THB", "33.7300")],
    );
    let book = book_of(vec![Scripted::new("dollar", vec![dollar])], &clock, &settings);
    assert!(book.refresh().await);
    for (base, quote, value, path) in [
        ("USD", "SGD", "1.27840", "USD SGD"),
        ("USD", "EUR", "0.8951", "USD EUR"),
        ("SGD", "THB", "26.3845431789737171", "SGD USD THB"),
        ("EUR", "SGD", "1.42822031057982348", "EUR USD SGD"),
    ] {
        let market = mid(&book, base, quote);
        let steps: Vec<&str> = market.path.iter().map(|step| step.code()).collect();
        let told = (market.rate.value().to_string(), steps.join(" "));
        assert_eq!(told, (value.to_owned(), path.to_owned()), "{base}→{quote}");
        assert_eq!((market.providers.len(), market.evidence.len()), (1, 1));
    }
    let ringgit = running(
        "ringgit",
        "MYR",
        Quoted::BasePerUnit,
        MONDAY,
        &[("EUR", "4.5325"), ("USD", "4.0570"), ("VND", "0.000153760")],
    );
    let book = book_of(vec![Scripted::new("ringgit", vec![ringgit])], &clock, &settings);
    assert!(book.refresh().await);
    for (base, quote, value) in [
        ("USD", "MYR", "4.0570"),
        ("VND", "MYR", "0.000153760"),
        ("EUR", "USD", "1.11720483115602662"),
        ("MYR", "USD", "0.24648755237860488"),
    ] {
        assert_eq!(number(&book, base, quote), value, "{base}→{quote}");
    }
}

#[tokio::test]
async fn a_jump_is_held_back_shown_and_believed_when_the_next_publication_says_it_again() {
    let clock = Clock::fixed(at("2026-11-02T15:10:00Z"));
    let monday = ecb_daily("2026-11-02", "1.1900", "2026-11-02T15:10:00Z", None);
    let ecb = Scripted::new(ecb::NAME, vec![monday]);
    let book = book_of(vec![ecb.clone()], &clock, &bundled_only());
    assert!(book.refresh().await);
    let market = mid(&book, "EUR", "USD");
    assert_eq!((market.rate.value().to_string().as_str(), market.stale), ("1.1172", true));
    assert!(book.now().is_held(currency("USD")));
    let held = book.report()[0].outvoted[0].clone();
    assert!(matches!(held.verdict.standing, Standing::HeldBack { limit_bps: 300, .. }), "{held:?}");
    assert_eq!(held.verdict.deviation_bps, Some(652));

    clock.advance_to(at("2026-11-03T15:10:00Z")).unwrap();
    ecb.says(ecb_daily("2026-11-03", "1.1905", "2026-11-03T15:10:00Z", None));
    assert!(book.refresh().await);
    let market = mid(&book, "EUR", "USD");
    assert_eq!((market.rate.value().to_string().as_str(), market.stale), ("1.1905", false));
    assert!(book.report()[0].outvoted.is_empty());
}

#[tokio::test]
async fn running_sources_that_fall_silent_give_way_to_the_reference_without_anybody_asking() {
    let clock = Clock::fixed(at(MONDAY));
    let book = book_of(five(MONDAY, None), &clock, &bundled_only());
    assert!(book.refresh().await);
    assert_eq!(mid(&book, "EUR", "USD").kind, RateKind::Mid);
    // Two of their intervals later they are stale; Friday's reference is not, until Monday evening.
    clock.advance(TimeDelta::minutes(10));
    assert_eq!(mid(&book, "EUR", "USD").kind, RateKind::Mid);
    clock.advance(TimeDelta::seconds(1));
    let market = mid(&book, "EUR", "USD");
    assert_eq!(
        (market.kind, market.stale, market.providers[0].as_str()),
        (RateKind::Reference, false, "ecb")
    );
    // Then nothing is fresh, and nothing is gone: the newest that is known stands, and is stale.
    clock.advance(TimeDelta::days(30));
    for code in ["USD", "SGD", "THB", "VND", "BND"] {
        assert!(mid(&book, "EUR", code).stale, "{code}");
    }
}

#[tokio::test]
async fn a_currency_missing_from_one_answer_is_not_lost() {
    let clock = Clock::fixed(at(MONDAY));
    let settings = FxSettings { sources: vec![], ..FxSettings::default() };
    let source = Scripted::new("a", vec![euro("a", MONDAY, &[("USD", "1.1"), ("SGD", "1.42")])]);
    let book = book_of(vec![source.clone()], &clock, &settings);
    assert!(book.refresh().await);
    clock.advance(TimeDelta::minutes(5));
    source.says(euro("a", "2026-11-02T10:05:00Z", &[("USD", "1.1001")]));
    assert!(book.refresh().await);
    let kept = mid(&book, "EUR", "SGD");
    assert_eq!((kept.rate.value().to_string().as_str(), kept.stale), ("1.42", true));
    assert_eq!(number(&book, "EUR", "USD"), "1.1001");
}

#[tokio::test]
async fn a_refresh_leaves_snapshots_in_hand_alone_and_costs_no_history() {
    let clock = Clock::fixed(at("2026-11-02T15:10:00Z"));
    let ecb = Scripted::new(
        ecb::NAME,
        vec![
            ecb_daily("2026-11-02", "1.12340", "2026-11-02T15:10:00Z", Some("\"a\"")),
            Ok(Answer::NotModified),
            dead("ecb"),
        ],
    );
    let book = book_of(vec![ecb.clone()], &clock, &bundled_only());
    let before = book.latest();
    assert!(book.refresh().await);
    let market = mid(&book, "EUR", "USD");
    assert_eq!(market.rate.value().to_string(), "1.12340");
    assert_eq!((market.as_of, market.stale), (at("2026-11-02T13:15:00Z"), false));
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
    let seen = ecb.asked.lock().unwrap()[1].1.clone();
    assert_eq!(seen.and_then(|seen| seen.etag).as_deref(), Some("\"a\""));

    // A failure is reported and takes nothing away.
    assert!(!book.refresh().await);
    assert_eq!(mid(&book, "EUR", "USD").rate, market.rate);
    let report = book.report();
    assert_eq!(report[0].error.as_deref(), Some("ecb cannot be reached: connection refused"));
    assert_eq!((report[0].live, report[1].live, report[1].error.clone()), (true, false, None));
}
