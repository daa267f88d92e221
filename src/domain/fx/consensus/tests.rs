use std::sync::{Arc, LazyLock};

use super::super::Thresholds;
use super::*;
use crate::money::Currency;

const NOW: &str = "2026-11-04T10:00:00Z";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(super) fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// A running source that renewed its numbers five minutes ago.
pub(super) fn running(source: &str, rank: usize, value: &str) -> Observation {
    Observation {
        source: source.into(),
        rank,
        kind: RateKind::Mid,
        fills_gaps: false,
        value: Some(decimal(value)),
        as_of: at("2026-11-04T09:55:00Z"),
        fresh: true,
        unchanged_since: at("2026-11-04T09:55:00Z"),
        interval: Some(TimeDelta::minutes(5)),
    }
}

pub(super) fn reference(source: &str, rank: usize, value: &str) -> Observation {
    Observation {
        kind: RateKind::Reference,
        as_of: at("2026-11-03T13:15:00Z"),
        interval: None,
        ..running(source, rank, value)
    }
}

fn class(code: &str) -> &'static PairClass {
    static SHIPPED: LazyLock<Arc<Thresholds>> = LazyLock::new(|| Thresholds::shipped().unwrap());
    SHIPPED.of(Currency::find(code).unwrap()).unwrap()
}

fn last(value: &str, as_of: &str) -> Option<LastGood> {
    Some(LastGood { value: decimal(value), as_of: at(as_of) })
}

pub(super) fn judge(last: Option<LastGood>, held: &[Held], observations: &[Observation]) -> Judgement {
    Bench { class: class("USD"), last, held, now: at(NOW) }.judge(observations)
}

pub(super) fn judge_as(code: &str, last: Option<LastGood>, observations: &[Observation]) -> Judgement {
    Bench { class: class(code), last, held: &[], now: at(NOW) }.judge(observations)
}

fn yesterday(value: &str) -> Option<LastGood> {
    last(value, "2026-11-03T13:15:00Z")
}

/// Each verdict as `source: word`, and whose number is accepted.
pub(super) fn told(judgement: &Judgement, observations: &[Observation]) -> (String, Vec<String>) {
    let accepted = match judgement.accepted {
        Accepted::Source(index) => observations[index].source.to_string(),
        Accepted::LastKnownGood => "last known good".to_owned(),
        Accepted::Nothing => "nothing".to_owned(),
    };
    let word = |standing: Standing| match standing {
        Standing::Outvoted { looks_like: Some(looks), .. } => format!("outvoted ({looks:?})"),
        Standing::HeldBack { looks_like: Some(looks), .. } => format!("held back ({looks:?})"),
        Standing::Outvoted { .. } => "outvoted".to_owned(),
        Standing::HeldBack { .. } => "held back".to_owned(),
        Standing::Disagrees { .. } => "disagrees".to_owned(),
        Standing::Frozen { .. } => "frozen".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    };
    (accepted, judgement.verdicts.iter().map(|verdict| word(verdict.standing)).collect())
}

/// What may be wrong with one of five sources.
fn lie(observation: Observation, how: &str) -> Observation {
    let value = observation.value.unwrap();
    let value = match how {
        "inverted" => Some(Decimal::ONE / value),
        "unit" => Some(value * Decimal::from(100)),
        "tenth" => Some(value / Decimal::from(10)),
        // Numbers per dollar given out as numbers per euro.
        "swapped base" => Some(value * decimal("0.8951")),
        "three percent" => Some(value * decimal("1.03")),
        "three percent times five" => Some(value * decimal("1.15")),
        "zero" => Some(Decimal::ZERO),
        "no number" => None,
        "far" => Some(decimal("999999999.9")),
        "beyond" => Some(decimal("1000000000")),
        "frozen" => {
            let since = at("2026-11-04T02:00:00Z");
            return Observation {
                value: Some(value * decimal("0.9995")),
                unchanged_since: since,
                ..observation
            };
        }
        other => panic!("{other}"),
    };
    Observation { value, ..observation }
}

const HONEST: [(&str, &str); 5] =
    [("a", "1.1170"), ("b", "1.1172"), ("c", "1.1169"), ("d", "1.1174"), ("e", "1.1171")];

pub(super) fn five() -> Vec<Observation> {
    HONEST.iter().enumerate().map(|(rank, (source, value))| running(source, rank, value)).collect()
}

#[test]
fn five_sources_one_of_them_lying_in_every_way() {
    for (how, word) in [
        ("inverted", "outvoted (Inverted)"),
        ("unit", "outvoted (UnitError)"),
        ("tenth", "outvoted (UnitError)"),
        ("swapped base", "outvoted"),
        ("three percent", "outvoted"),
        ("far", "outvoted"),
        ("zero", "refused"),
        ("no number", "refused"),
        ("beyond", "refused"),
        ("frozen", "frozen"),
    ] {
        for liar in 0..5 {
            for before in [None, yesterday("1.1150")] {
                let mut sources = five();
                sources[liar] = lie(sources[liar].clone(), how);
                let judgement = judge(before, &[], &sources);
                let (accepted, words) = told(&judgement, &sources);
                assert_eq!(words[liar], word, "{how} by {liar}");
                assert_ne!(accepted, HONEST[liar].0);
                let Accepted::Source(index) = judgement.accepted else { panic!("{how}: {accepted}") };
                let value = sources[index].value.unwrap();
                assert!(value >= decimal("1.1169") && value <= decimal("1.1174"), "{how}: {value}");
                let honest = words.iter().enumerate().filter(|(place, _)| *place != liar);
                assert!(honest.into_iter().all(|(_, word)| word == "agreed" || word == "used"), "{words:?}");
            }
        }
    }
}

#[test]
fn one_lying_one_frozen_one_inverted_all_at_once_are_all_named() {
    for lying in ["unit", "tenth", "three percent times five"] {
        for (liar, frozen, inverted) in [(0, 1, 2), (4, 0, 1), (2, 4, 0), (1, 3, 4)] {
            for before in [None, yesterday("1.1150")] {
                let mut sources = five();
                sources[liar] = lie(sources[liar].clone(), lying);
                sources[frozen] = lie(sources[frozen].clone(), "frozen");
                sources[inverted] = lie(sources[inverted].clone(), "inverted");
                let judgement = judge(before, &[], &sources);
                let (accepted, words) = told(&judgement, &sources);
                assert_eq!(words[frozen], "frozen");
                assert!(words[liar].starts_with("outvoted"), "{lying}: {words:?}");
                assert_eq!(words[inverted], "outvoted (Inverted)", "{lying}");
                let honest = (0..5).filter(|place| ![liar, frozen, inverted].contains(place));
                let honest: Vec<&str> = honest.map(|place| HONEST[place].0).collect();
                assert_eq!(accepted, honest[0], "{words:?}");
            }
        }
    }
}

#[test]
fn two_liars_on_one_side_are_not_the_middle_of_four() {
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
        let values = ["1.30", "1.60", "1.1170", "1.1172"];
        let sources: Vec<Observation> =
            order.iter().map(|&rank| running(&rank.to_string(), rank, values[rank])).collect();
        let (accepted, words) = told(&judge(None, &[], &sources), &sources);
        assert_eq!(accepted, "2");
        assert_eq!(words.iter().filter(|word| *word == "outvoted").count(), 2, "{words:?}");
    }
    // Two against two: nobody can be proved wrong, and the better ranked answers.
    let sources: Vec<Observation> = ["1.30", "1.301", "1.1170", "1.1172"]
        .iter()
        .enumerate()
        .map(|(rank, value)| running(&rank.to_string(), rank, value))
        .collect();
    let (accepted, words) = told(&judge(None, &[], &sources), &sources);
    assert_eq!((accepted.as_str(), words.join(" ")), ("0", "used agreed agreed agreed".to_owned()));
}

/// Half that stand together outweigh whoever is beyond the floor with fewer beside it, however the deviation is stretched.
#[test]
fn beside_a_half_that_stands_together_the_floor_decides() {
    for (others, outvoted) in [
        (["1.13375000", "1.15050000"], [true, true]),
        (["1.12870000", "1.12930000"], [false, false]),
        (["1.12760000", "1.15000000"], [false, true]),
        (["1.08400000", "0.89500000"], [true, true]),
    ] {
        let values = ["1.1170", "1.1171", others[0], others[1]];
        let sources: Vec<Observation> =
            values.iter().enumerate().map(|(rank, value)| running(&rank.to_string(), rank, value)).collect();
        let judgement = judge(None, &[], &sources);
        let told = judgement.verdicts.iter().map(|one| matches!(one.standing, Standing::Outvoted { .. }));
        assert_eq!(told.collect::<Vec<_>>(), [false, false, outvoted[0], outvoted[1]], "{others:?}");
    }
}

#[test]
fn the_limit_and_the_distance_are_told() {
    let mut sources = five();
    sources[3] = lie(sources[3].clone(), "three percent");
    let judgement = judge(None, &[], &sources);
    let verdict = judgement.verdicts[3];
    assert_eq!(verdict.standing, Standing::Outvoted { limit_bps: 100, looks_like: None });
    assert_eq!(verdict.deviation_bps, Some(304));
    // Where the honest ones are far apart themselves, the deviation allows more than the floor.
    let wide: Vec<Observation> = ["1.10", "1.12", "1.14", "1.16", "1.23"]
        .iter()
        .enumerate()
        .map(|(rank, value)| running(&rank.to_string(), rank, value))
        .collect();
    let judgement = judge(None, &[], &wide);
    assert!(judgement.verdicts.iter().all(|verdict| !matches!(verdict.standing, Standing::Outvoted { .. })));
}

#[test]
fn among_three_nobody_is_rejected_the_first_answers_and_a_difference_alarms() {
    let sources = [running("a", 0, "1.1170"), running("b", 1, "1.1400"), running("c", 2, "1.1171")];
    let judgement = judge(None, &[], &sources);
    let (accepted, words) = told(&judgement, &sources);
    assert_eq!((accepted.as_str(), words), ("a", vec!["used".into(), "disagrees".into(), "agreed".into()]));
    assert_eq!(judgement.verdicts[1].deviation_bps, Some(206));
    let two = judge(None, &[], &sources[1..]);
    assert_eq!(told(&two, &sources[1..]).0, "b");
    let one = judge(None, &[], &sources[2..]);
    assert_eq!(told(&one, &sources[2..]), ("c".into(), vec!["used".into()]));
}

#[test]
fn references_are_ranked_and_a_gap_filler_answers_only_where_nobody_else_does() {
    let filler = Observation { fills_gaps: true, ..reference("cc0", 0, "1.1300") };
    let bank = reference("ecb", 1, "1.1172");
    let other = reference("mas", 2, "1.1160");
    let all = [filler.clone(), bank.clone(), other.clone()];
    let (accepted, words) = told(&judge(None, &[], &all), &all);
    assert_eq!((accepted.as_str(), words[2].as_str()), ("ecb", "outranked"), "never the mean of the two");
    let alone = [filler.clone()];
    assert_eq!(told(&judge(None, &[], &alone), &alone).0, "cc0");
    // An old reference of its own is still better than a gap filler, and is then stale.
    let old = [filler, Observation { fresh: false, ..bank.clone() }];
    assert_eq!(told(&judge(None, &[], &old), &old).0, "ecb");
    // A fresh one of lower rank is better than an old one.
    let next = [Observation { fresh: false, ..bank.clone() }, other];
    assert_eq!(told(&judge(None, &[], &next), &next).0, "mas");
    // Running sources come first.
    let both = [bank, running("wise", 3, "1.1180")];
    let (accepted, words) = told(&judge(None, &[], &both), &both);
    assert_eq!((accepted.as_str(), words[0].as_str()), ("wise", "outranked"));
}

#[test]
fn a_jump_is_held_back_until_a_second_source_or_the_next_publication_agrees() {
    let jumped = reference("ecb", 0, "1.1600");
    let alone = [jumped.clone()];
    let first = judge(yesterday("1.1150"), &[], &alone);
    assert_eq!(told(&first, &alone), ("last known good".into(), vec!["held back".into()]));
    // A second source that agrees, of either kind.
    for second in [reference("mas", 1, "1.1610"), running("wise", 1, "1.1590")] {
        let two = [jumped.clone(), second];
        let accepted = told(&judge(yesterday("1.1150"), &[], &two), &two).0;
        assert!(accepted == "ecb" || accepted == "wise", "{accepted}");
    }
    // One that does not agree answers itself.
    let two = [jumped.clone(), reference("mas", 1, "1.1160")];
    let (accepted, words) = told(&judge(yesterday("1.1150"), &[], &two), &two);
    assert_eq!((accepted.as_str(), words[0].as_str()), ("mas", "held back"));
    // The same again, an hour later at the earliest, in a newer publication.
    for (since, as_of, value, believed) in [
        ("2026-11-03T15:10:00Z", "2026-11-03T13:15:00Z", "1.1600", true),
        ("2026-11-04T09:30:00Z", "2026-11-03T13:15:00Z", "1.1600", false),
        ("2026-11-03T15:10:00Z", "2026-11-04T13:15:00Z", "1.1600", false),
        ("2026-11-03T15:10:00Z", "2026-11-03T13:15:00Z", "1.2000", false),
    ] {
        let held = [Held { source: "ecb".into(), value: decimal(value), as_of: at(as_of), since: at(since) }];
        let newer = [Observation { as_of: at("2026-11-04T09:00:00Z"), ..jumped.clone() }];
        let judgement = judge(yesterday("1.1150"), &held, &newer);
        assert_eq!(judgement.accepted == Accepted::Source(0), believed, "{since} {as_of} {value}");
    }
}

#[test]
fn a_lie_told_again_is_none_while_somebody_stands_by_the_last_rate() {
    let (lies, since) = (running("wise", 0, "1.1600"), at("2026-11-04T08:50:00Z"));
    let held = [Held { source: "wise".into(), value: decimal("1.1600"), as_of: since, since }];
    let judged = |others: &[Observation]| {
        let all = [std::slice::from_ref(&lies), others].concat();
        told(&judge(yesterday("1.1150"), &held, &all), &all).0
    };
    assert_eq!(judged(&[]), "wise");
    let other = |as_of: &str| Observation { as_of: at(as_of), ..running("xe", 1, "1.1155") };
    assert_eq!(judged(&[other("2026-11-04T09:54:00Z")]), "xe");
    assert_eq!(judged(&[other("2026-11-04T08:45:00Z")]), "wise", "that was said before the jump");
}

#[test]
fn a_unit_error_or_an_inverted_pair_is_never_believed_on_one_sources_word() {
    for (value, word) in [
        ("111.72", "held back (UnitError)"),
        ("0.011172", "held back (UnitError)"),
        ("0.8951", "held back (Inverted)"),
        ("2.5", "held back"),
    ] {
        let lying = [reference("ecb", 0, value)];
        let held = [Held {
            source: "ecb".into(),
            value: decimal(value),
            as_of: at("2026-11-01T13:15:00Z"),
            since: at("2026-11-01T15:00:00Z"),
        }];
        let judgement = judge(yesterday("1.1172"), &[], &lying);
        assert_eq!(told(&judgement, &lying), ("last known good".into(), vec![word.into()]));
        let again = judge(yesterday("1.1172"), &held, &lying);
        // An inverted dollar is 20 % away: not absurd, so repetition confirms it; the others need a second source.
        let believed = again.accepted == Accepted::Source(0);
        assert_eq!(believed, value == "0.8951", "{value}");
    }
}

#[test]
fn old_knowledge_allows_a_longer_way() {
    for (as_of, value, believed) in [
        ("2026-11-03T13:15:00Z", "1.1650", false),
        // 25 days: five times three percent.
        ("2026-10-09T13:15:00Z", "1.1650", true),
        ("2026-10-09T13:15:00Z", "1.2900", false),
        ("2026-11-03T13:15:00Z", "1.1484", true),
    ] {
        let alone = [reference("ecb", 0, value)];
        let judgement = judge(last("1.1150", as_of), &[], &alone);
        assert_eq!(judgement.accepted == Accepted::Source(0), believed, "{as_of} {value}");
    }
}

#[test]
fn a_weekend_freezes_nobody() {
    let stopped = at("2026-10-30T22:00:00Z");
    let sources: Vec<Observation> =
        five().into_iter().map(|one| Observation { unchanged_since: stopped, ..one }).collect();
    let judgement = judge(None, &[], &sources);
    assert!(
        judgement
            .verdicts
            .iter()
            .all(|verdict| matches!(verdict.standing, Standing::Used | Standing::Agreed))
    );
    // One that moves alone proves nothing about the others.
    let mut one_moves = sources;
    one_moves[0].unchanged_since = at("2026-11-04T09:55:00Z");
    let judgement = judge(None, &[], &one_moves);
    assert!(judgement.verdicts.iter().all(|verdict| !matches!(verdict.standing, Standing::Frozen { .. })));
}

#[test]
fn a_pegged_currency_is_watched_more_closely_than_an_exotic_one() {
    let four = |value: &str| -> Vec<Observation> {
        let values = ["8.7650", "8.7655", "8.7660", value];
        values.iter().enumerate().map(|(rank, value)| running(&rank.to_string(), rank, value)).collect()
    };
    let sources = four("8.8500");
    for (code, outvoted) in [("HKD", true), ("SGD", false), ("BRL", false)] {
        let bench = Bench { class: class(code), last: None, held: &[], now: at(NOW) };
        let standing = bench.judge(&sources).verdicts[3].standing;
        assert_eq!(matches!(standing, Standing::Outvoted { .. }), outvoted, "{code}");
    }
}

#[test]
fn basis_points_are_signed_rounded_and_bounded() {
    for (value, from, points) in [
        ("1.01", "1", Some(100)),
        ("0.99995", "1", Some(-1)),
        ("1.00004", "1", Some(0)),
        ("999999999", "0.0000001", Some(i32::MAX)),
        ("1", "0", None),
    ] {
        assert_eq!(bps(decimal(value), decimal(from)), points, "{value}/{from}");
    }
}
