//! What holds of the judgement whatever is said.

use proptest::prelude::*;

use super::tests::{judge, running, told};
use super::*;

fn honest() -> impl Strategy<Value = Vec<Decimal>> {
    proptest::collection::vec(1_000_000_i64..1_009_000, 3..9)
        .prop_map(|values| values.into_iter().map(|value| Decimal::new(value, 6)).collect())
}

fn sources(values: &[Decimal]) -> Vec<Observation> {
    let one = |(rank, value): (usize, &Decimal)| Observation {
        value: Some(*value),
        ..running(&format!("s{rank}"), rank, "1")
    };
    values.iter().enumerate().map(one).collect()
}

fn accepted(observations: &[Observation]) -> Decimal {
    match judge(None, &[], observations).accepted {
        Accepted::Source(index) => observations[index].value.unwrap(),
        other => panic!("{other:?}"),
    }
}

proptest! {
    #[test]
    fn the_order_in_which_sources_are_heard_does_not_matter(values in honest(), by in 0_usize..9, turned: bool) {
        let heard = sources(&values);
        let mut other = heard.clone();
        other.rotate_left(by % heard.len());
        if turned {
            other.reverse();
        }
        let (one, two) = (judge(None, &[], &heard), judge(None, &[], &other));
        let name = |judgement: &Judgement, all: &[Observation]| told(judgement, all).0;
        prop_assert_eq!(name(&one, &heard), name(&two, &other));
        for (observation, verdict) in heard.iter().zip(&one.verdicts) {
            let place = other.iter().position(|two| two.source == observation.source).unwrap();
            prop_assert_eq!(verdict, &two.verdicts[place]);
        }
    }

    /// Whatever one of four or more says, the accepted rate stays among what the honest ones say.
    #[test]
    fn one_liar_never_moves_the_rate_beyond_the_honest(values in honest(), lie in 1_i64..3_000_000_000, scale in 0_u32..9, place in 0_usize..9) {
        let mut all = values.clone();
        all.insert(place % (values.len() + 1), Decimal::new(lie, scale));
        let rate = accepted(&sources(&all));
        let (least, most) = (values.iter().min().unwrap(), values.iter().max().unwrap());
        prop_assert!(rate >= *least && rate <= *most, "{rate} is not within {least} and {most}");
    }

    /// An honest majority within the floor is never outvoted.
    #[test]
    fn who_is_near_is_never_outvoted(values in honest()) {
        prop_assume!(values.len() >= QUORUM);
        let heard = sources(&values);
        for verdict in judge(None, &[], &heard).verdicts {
            prop_assert!(matches!(verdict.standing, Standing::Used | Standing::Agreed), "{verdict:?}");
        }
    }

    /// The accepted rate is a number that somebody published.
    #[test]
    fn nothing_is_made_up(values in honest()) {
        prop_assert!(values.contains(&accepted(&sources(&values))));
    }
}
