use super::super::tests::{five, judge, reference, running, told};
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
