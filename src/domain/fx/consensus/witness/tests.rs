use super::super::LastGood;
use super::super::tests::{decimal, five, judge, judge_as, reference, running, told};
use super::*;

#[test]
fn a_fresh_reference_and_as_many_as_stand_by_it_outvote_those_that_lie_alike() {
    let bank = |value: &str| reference("ecb", 9, value);
    for (values, expected, words) in [
        // Three of five lie alike: two and the bank are as many.
        (
            &["1.2500", "1.2501", "1.2502", "1.1170", "1.1172"][..],
            "3",
            "outvoted outvoted outvoted used agreed outranked",
        ),
        // The same by a false unit: named for what it is.
        (
            &["111.70", "111.71", "111.72", "1.1170", "1.1172"],
            "3",
            "outvoted (UnitError) outvoted (UnitError) outvoted (UnitError) used agreed outranked",
        ),
        (&["1.2500", "1.2501", "1.1170", "1.1172"], "2", "outvoted outvoted used agreed outranked"),
        (&["1.2500", "1.2501", "1.1170"], "2", "outvoted outvoted used outranked"),
        // One honest against three and two of two are too few: whoever was first answers, and the alarm is raised.
        (&["1.2500", "1.2501", "1.2502", "1.1170"], "1", "agreed used agreed outvoted disagrees"),
        (&["1.2500", "1.1170"], "0", "used disagrees disagrees"),
        // The market went, all of it: yesterday's reference is left behind.
        (
            &["1.1700", "1.1701", "1.1702", "1.1703", "1.1704"],
            "2",
            "agreed agreed used agreed agreed disagrees",
        ),
        // Further off than usual, but no further than the dollar moves in a day.
        (
            &["1.1400", "1.1401", "1.1402", "1.1170", "1.1172"],
            "1",
            "agreed used agreed outvoted outvoted outranked",
        ),
    ] {
        let mut sources: Vec<Observation> =
            values.iter().enumerate().map(|(rank, value)| running(&rank.to_string(), rank, value)).collect();
        sources.push(bank("1.1160"));
        let judgement = judge(None, &[], &sources);
        let (accepted, told) = told(&judgement, &sources);
        assert_eq!((accepted.as_str(), told.join(" ").as_str()), (expected, words), "{values:?}");
    }
    // An old reference and one that only fills gaps have no say.
    let liars = ["1.2500", "1.2501", "1.2502", "1.1170", "1.1172"];
    for silent in [
        Observation { fresh: false, ..bank("1.1160") },
        Observation { fills_gaps: true, ..bank("1.1160") },
        Observation { value: None, ..bank("1.1160") },
    ] {
        let mut sources: Vec<Observation> =
            liars.iter().enumerate().map(|(rank, value)| running(&rank.to_string(), rank, value)).collect();
        sources.push(silent);
        assert_ne!(told(&judge(None, &[], &sources), &sources).0, "3");
    }
    // A reference that is wrong itself speaks for nobody.
    let mut sources = five();
    sources.push(bank("111.60"));
    let (accepted, words) = told(&judge(None, &[], &sources), &sources);
    assert_eq!((accepted.as_str(), words[5].as_str()), ("e", "disagrees"));
}

#[test]
fn a_reference_that_lies_a_little_is_outvoted_by_those_of_its_day() {
    for (code, honest, lie) in [
        ("USD", ["1.1601", "1.1603", "1.1599", "1.1602"], "1.1940"),
        ("USD", ["1.1601", "1.1603", "1.1599", "1.1602"], "1.1780"),
        ("SGD", ["1.4281", "1.4283", "1.4280", "1.4284"], "1.4830"),
        ("BRL", ["6.2100", "6.2150", "6.2080", "6.2200"], "6.7200"),
    ] {
        for place in 0..5 {
            let mut values = honest.to_vec();
            values.insert(place, lie);
            let sources: Vec<Observation> =
                values.iter().enumerate().map(|(rank, value)| reference(value, rank, value)).collect();
            let judgement = judge_as(code, None, &sources);
            let (accepted, words) = told(&judgement, &sources);
            assert_ne!(accepted, lie, "{code} {words:?}");
            let outvoted: Vec<usize> = (0..5).filter(|&index| words[index].starts_with("outvoted")).collect();
            assert_eq!(outvoted, [place], "{code} {words:?}");
        }
    }
}

/// Two liars that lie each in its own way are no majority against two honest ones, nor is their frozen friend.
#[test]
fn of_references_one_lies_one_is_inverted_and_one_stands_still() {
    let honest = ["1.1170", "1.1172", "1.1169", "1.1174", "1.1171"];
    for lie in ["1.3000", "1.1520", "111.70", "0.1117"] {
        for liar in 0..5 {
            for (frozen, inverted) in
                [(1, 2), (2, 1), (3, 4), (4, 2)].map(|(a, b)| ((liar + a) % 5, (liar + b) % 5))
            {
                let source = |place: usize| {
                    let fresh = reference(&place.to_string(), place, honest[place]);
                    match place {
                        place if place == liar => Observation { value: Some(decimal(lie)), ..fresh },
                        place if place == inverted => Observation { value: Some(decimal("0.8951")), ..fresh },
                        place if place == frozen => Observation {
                            fresh: false,
                            value: Some(decimal("1.1020")),
                            as_of: "2026-10-28T13:15:00Z".parse().unwrap(),
                            ..fresh
                        },
                        _ => fresh,
                    }
                };
                let sources: Vec<Observation> = (0..5).map(source).collect();
                for last in [None, Some("1.1150")] {
                    let as_of = "2026-11-03T13:00:00Z".parse().unwrap();
                    let last = last.map(|value| LastGood { value: decimal(value), as_of });
                    let (accepted, words) = told(&judge(last, &[], &sources), &sources);
                    let first = (0..5).find(|place| ![liar, frozen, inverted].contains(place)).unwrap();
                    assert_eq!(accepted, first.to_string(), "{lie} {words:?}");
                    assert!(words[liar].starts_with("outvoted"), "{lie} {words:?}");
                    assert_eq!(
                        (words[inverted].as_str(), words[frozen].as_str()),
                        ("outvoted (Inverted)", "stale")
                    );
                }
            }
        }
    }
    // Two that lie alike are as many as the honest: the ranked one answers, and the alarm is raised.
    let values = ["1.3000", "1.1170", "1.3001", "1.1172"];
    let sources: Vec<Observation> =
        values.iter().enumerate().map(|(rank, value)| reference(&rank.to_string(), rank, value)).collect();
    let (accepted, words) = told(&judge(None, &[], &sources), &sources);
    assert_eq!((accepted.as_str(), words.join(" ").as_str()), ("0", "used disagrees outranked disagrees"));
}

#[test]
fn an_honest_fixing_of_the_day_before_is_not_outvoted_for_a_night_s_move() {
    let night = |rank: usize, value: &str| Observation {
        as_of: "2026-11-04T01:30:00Z".parse().unwrap(),
        ..reference(&rank.to_string(), rank, value)
    };
    // Yesterday's fixing, 12 h 15 min before: the euro rose by two percent in the night.
    let sources = [reference("ecb", 0, "1.1400"), night(1, "1.1628"), night(2, "1.1630"), night(3, "1.1629")];
    let (_, words) = told(&judge(None, &[], &sources), &sources);
    assert!(words.iter().all(|word| !word.starts_with("outvoted")), "{words:?}");
}

#[test]
fn of_old_numbers_the_newest_does_not_win_against_all_others() {
    let old = |rank: usize, value: &str, second: u32| Observation {
        fresh: false,
        as_of: format!("2026-11-04T07:55:{second:02}Z").parse().unwrap(),
        ..running(&rank.to_string(), rank, value)
    };
    let sources = [
        old(0, "1.1170", 0),
        old(1, "1.1171", 0),
        old(2, "1.1172", 0),
        old(3, "1.1169", 0),
        old(4, "1.2000", 1),
    ];
    let month = Some(LastGood { value: decimal("1.1100"), as_of: "2026-10-07T13:15:00Z".parse().unwrap() });
    for last in [month, None] {
        let (accepted, words) = told(&judge(last, &[], &sources), &sources);
        assert_eq!((accepted.as_str(), words.join(" ").as_str()), ("0", "used stale stale stale outvoted"));
    }
}

/// Most references tell a day and no hour; the one that lies tells its own.
#[test]
fn a_day_without_its_hour_is_the_same_day() {
    let dated = |source: &str, rank, value: &str| Observation {
        as_of: "2026-11-03T00:00:00Z".parse().unwrap(),
        ..reference(source, rank, value)
    };
    for (code, honest, lie) in [
        ("USD", ["1.1601", "1.1603", "1.1599", "1.1602"], "1.1937"),
        ("USD", ["1.1601", "1.1603", "1.1599", "1.1602"], "1.1830"),
        ("DKK", ["7.4601", "7.4603", "7.4599", "7.4602"], "7.6760"),
        ("TRY", ["48.210", "48.220", "48.205", "48.215"], "49.660"),
    ] {
        let mut sources = vec![reference("ecb", 0, lie)];
        sources.extend((1..).zip(honest).map(|(rank, value)| dated(&rank.to_string(), rank, value)));
        let (accepted, words) = told(&judge_as(code, None, &sources), &sources);
        assert_eq!((accepted.as_str(), words[0].as_str()), ("1", "outvoted"), "{code} {lie}");
    }
    // One lies, one is inverted, one is ten days old: the two that are left are the largest camp.
    let old = Observation {
        fresh: false,
        as_of: "2026-10-24T00:00:00Z".parse().unwrap(),
        ..dated("c", 2, "1.1700")
    };
    let sources = [
        reference("a", 0, "1.1950"),
        dated("b", 1, "0.8620"),
        old,
        dated("d", 3, "1.1602"),
        dated("e", 4, "1.1601"),
    ];
    let (accepted, words) = told(&judge(None, &[], &sources), &sources);
    assert_eq!(accepted, "d", "{words:?}");
    assert_eq!(words[..3], ["outvoted", "outvoted (Inverted)", "stale"], "{words:?}");
}
