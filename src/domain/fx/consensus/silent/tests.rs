use chrono::{DateTime, Utc};

use super::super::tests::{decimal, judge, reference, running, told};
use super::super::{Accepted, Held, LastGood, Observation};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn last(value: &str, as_of: &str) -> Option<LastGood> {
    Some(LastGood { value: decimal(value), as_of: at(as_of) })
}

/// A running source that fell silent a quarter of an hour ago.
fn old(rank: usize, value: &str, second: u32) -> Observation {
    Observation {
        fresh: false,
        as_of: at(&format!("2026-11-04T09:45:{second:02}Z")),
        ..running(&rank.to_string(), rank, value)
    }
}

fn words(before: Option<LastGood>, held: &[Held], sources: &[Observation]) -> (String, String) {
    let (accepted, words) = told(&judge(before, held, sources), sources);
    (accepted, words.join(" "))
}

#[test]
fn of_three_old_ones_the_ranked_one_answers_and_who_differs_is_told() {
    let sources = [old(0, "1.1170", 0), old(1, "1.1171", 0), old(2, "1.1450", 1)];
    for before in [None, last("1.1168", "2026-11-04T09:40:00Z"), last("1.1170", "2026-11-04T09:45:00Z")] {
        let told = words(before, &[], &sources);
        assert_eq!(told, ("0".into(), "used stale disagrees".into()), "{before:?}");
    }
    // A liar of the first rank answers, for two against one prove nothing, but it is told that they differ.
    let sources = [old(0, "1.1450", 0), old(1, "1.1171", 0), old(2, "1.1170", 1)];
    assert_eq!(words(None, &[], &sources), ("0".into(), "used disagrees disagrees".into()));
    // Where what is known still stands, whoever is away from it is told as well.
    let sources = [old(0, "1.3000", 0), old(1, "1.3001", 0)];
    let known = last("1.1168", "2026-11-04T09:40:00Z");
    assert_eq!(words(known, &[], &sources), ("last known good".into(), "disagrees disagrees".into()));
}

#[test]
fn one_fresh_liar_does_not_outlive_three_who_fell_silent() {
    let lies = |value: &str| running("3", 3, value);
    let silent = [old(0, "1.1170", 0), old(1, "1.1172", 0), old(2, "1.1169", 0)];
    let known = last("1.1171", "2026-11-04T09:45:00Z");
    for (value, before, word) in [
        ("1.1450", known, "outvoted"),
        ("1.1450", None, "outvoted"),
        ("1.2290", known, "outvoted"),
        ("111.70", known, "outvoted (UnitError)"),
        // No further off than honest ones are within half a day.
        ("1.1300", known, "used"),
    ] {
        let sources = [silent.to_vec(), vec![lies(value)]].concat();
        let (accepted, told) = words(before, &[], &sources);
        assert_eq!(accepted, if word == "used" { "3" } else { "0" }, "{value} {told}");
        assert!(told.ends_with(word), "{value} {told}");
    }
    // Two against one prove nothing, two fresh ones are no lonely voice, and yesterday's silence is none of today's.
    let day_before = |one: &Observation| Observation { as_of: at("2026-11-03T09:00:00Z"), ..one.clone() };
    for sources in [
        [silent[..2].to_vec(), vec![lies("1.1450")]].concat(),
        [silent.to_vec(), vec![lies("1.1450"), running("4", 4, "1.1451")]].concat(),
        [silent.iter().map(day_before).collect(), vec![lies("1.1450")]].concat(),
    ] {
        assert_eq!(words(known, &[], &sources).0, "3", "{sources:?}");
    }
    // A fresh reference answers where the fresh liar may not.
    let sources = [silent.to_vec(), vec![lies("1.1450"), reference("ecb", 4, "1.1160")]].concat();
    assert_eq!(words(known, &[], &sources), ("ecb".into(), "stale stale stale outvoted used".into()));
}

#[test]
fn a_lie_told_again_is_none_while_a_silent_one_of_the_day_stands_by_the_last_rate() {
    let since = at("2026-11-04T08:50:00Z");
    let held = [Held { source: "3".into(), value: decimal("1.2290"), as_of: since, since }];
    let known = last("1.1171", "2026-11-04T08:45:00Z");
    let lies = running("3", 3, "1.2290");
    let silent = Observation { as_of: at("2026-11-04T08:45:00Z"), ..old(0, "1.1171", 0) };
    let alone = [lies.clone()];
    assert_eq!(words(known, &held, &alone).0, "3", "nobody says otherwise");
    let (accepted, told) = words(known, &held, &[silent.clone(), lies.clone()]);
    assert_eq!((accepted.as_str(), told.as_str()), ("0", "used held back"));
    let before = Observation { as_of: at("2026-11-03T08:45:00Z"), ..silent };
    assert_eq!(words(known, &held, &[before, lies]).0, "3", "the day before is over");
}

#[test]
fn a_fresh_number_that_is_held_back_is_a_voice_about_the_old_ones() {
    let known = last("1.1800", "2026-11-04T09:40:00Z");
    let sources = [old(0, "1.1171", 0), old(1, "1.1172", 0), old(2, "1.1500", 1), running("3", 3, "1.1170")];
    let (accepted, told) = words(known, &[], &sources);
    // It jumps by five percent, and what is old and says the same is seconded by it. With it three of four outvote the
    // stranger, who is near enough to what is known to have answered.
    assert_eq!((accepted.as_str(), told.as_str()), ("0", "used stale outvoted held back"));
}

#[test]
fn nobody_fresh_leaves_the_newest_and_nobody_at_all_what_was_known() {
    let old = |source: &str, rank, as_of: &str| Observation {
        fresh: false,
        as_of: at(as_of),
        ..reference(source, rank, "1.1150")
    };
    // Within a day rank decides, beyond it the newer one.
    for (newer, answers) in [("2026-10-29T13:15:00Z", "ecb"), ("2026-10-29T13:15:01Z", "mas")] {
        let stale = [old("ecb", 0, "2026-10-28T13:15:00Z"), old("mas", 1, newer)];
        assert_eq!(told(&judge(None, &[], &stale), &stale).0, answers);
    }
    let stale = [old("ecb", 0, "2026-10-28T13:15:00Z"), old("mas", 1, "2026-10-29T13:15:01Z")];
    let known = last("1.1140", "2026-10-30T13:15:00Z");
    assert_eq!(judge(known, &[], &stale).accepted, Accepted::LastKnownGood);
    assert_eq!(judge(known, &[], &[]).accepted, Accepted::LastKnownGood);
    assert_eq!(judge(None, &[], &[]).accepted, Accepted::Nothing);
}
