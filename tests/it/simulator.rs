//! The simulator: a sample of seeds in which nothing breaks, the same seed twice, and errors on purpose that it finds.
//!
//! More seeds: `straits simulate --seeds 1..1001 --lives 1000`.

use std::sync::LazyLock;

use straits::simulator::{Options, Report, Sabotage, Simulator};

static WORLD: LazyLock<Simulator> = LazyLock::new(|| Simulator::new().unwrap());

fn run(seed: u64, lives: u64, sabotage: Option<Sabotage>) -> Report {
    WORLD.run(seed, &Options { lives, sabotage, story: None }).unwrap()
}

#[test]
fn lives_from_a_few_seeds_end_settled_on_both_sides() {
    for seed in [4, 6] {
        let report = run(seed, 32, None);
        assert!(report.broken.is_none(), "seed {seed}: {:#?}", report.broken);
        assert_eq!(report.lives, 32);
        assert!(report.deaths > 0 && report.faults > 50 && report.captured > 5, "{report:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let (first, second, other) = (run(11, 16, None), run(11, 16, None), run(12, 16, None));
    assert_eq!((first.trace.clone(), first.steps), (second.trace, second.steps));
    assert_ne!(first.trace, other.trace);
}

/// Each error is of another kind: one sends twice, one waits to be told, one misreads, one believes, one forgets.
#[test]
fn errors_on_purpose_are_found() {
    let table = [
        (Sabotage::ResendRefunds, &["I2", "I3"][..]),
        (Sabotage::NeverAsk, &["I5"]),
        (Sabotage::MisreadAmounts, &["I2", "I5"]),
        (Sabotage::TrustForged, &["A5"]),
        (Sabotage::ForgetRestore, &["C43"]),
    ];
    for (sabotage, invariants) in table {
        // What has to outlast a round needs a second one.
        let lives = if sabotage == Sabotage::ForgetRestore { 33 } else { 32 };
        let found = (1..=12).find_map(|seed| run(seed, lives, Some(sabotage)).broken);
        let found = found.unwrap_or_else(|| panic!("{sabotage:?} was not found"));
        assert!(invariants.contains(&found.invariant), "{sabotage:?}: {found:#?}");
    }
}

/// Over more than one day PayPal's bills are read: what was planted in them is found, and nothing else.
#[test]
fn what_differs_in_bills_is_found_and_nothing_else() {
    let report = run(5, 64, None);
    assert!(report.broken.is_none(), "{:#?}", report.broken);
    assert!(report.disputes > 0 && report.delays > 0, "{report:?}");
    assert!(report.planted > 0 && report.stops > 0, "{report:?}");
}
