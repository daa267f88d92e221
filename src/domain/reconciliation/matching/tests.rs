use super::*;
use crate::domain::reconciliation::{BillKind, LineFacts};
use crate::money::{Currency, Money};
use proptest::prelude::*;

fn money(minor: i64) -> Money {
    Money::from_minor(minor, Currency::find("USD").unwrap())
}

pub(super) fn at(hour: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::hours(hour)
}

pub(super) fn fact(number: i64) -> Fact {
    Fact {
        key: Key::of(&format!("CAP{number}")),
        ours: Key::of(&format!("pay_{number}")),
        class: Class::Payment,
        gross: money(1_000 + number),
        fee: Some(94),
        at: at(100),
        number,
        standing: Standing::Fresh,
        expected: None,
    }
}

/// The line that agrees with `fact(number)`.
fn facts_of(number: i64) -> LineFacts {
    LineFacts {
        gateway_ref: format!("CAP{number}"),
        related_ref: None,
        our_ref: Some(format!("pay_{number}")),
        payer_country: None,
        kind: BillKind::Payment,
        status: LineStatus::Settled,
        gross: money(1_000 + number),
        fee: money(94),
        tax: money(0),
        at: at(100),
        account: "A".into(),
        hash: LineHash([u8::try_from(number % 251).unwrap(); 32]),
    }
}

pub(super) fn line(number: i64, change: impl FnOnce(&mut LineFacts)) -> BillLine {
    let mut facts = facts_of(number);
    change(&mut facts);
    BillLine::try_new(facts).unwrap()
}

fn outcome(facts: Vec<Fact>, lines: Vec<BillLine>) -> Outcome {
    let mut matching = Matching::new(facts, Tz::UTC);
    for line in lines {
        matching.line(line).unwrap();
    }
    matching.finish((at(72), at(120)), at(96)).unwrap()
}

pub(super) fn words(outcome: &Outcome) -> Vec<&'static str> {
    outcome.differences.iter().map(Difference::as_str).collect()
}

#[test]
fn each_difference_by_its_name_and_nothing_else() {
    type Change = fn(&mut LineFacts);
    let eur = Currency::find("EUR").unwrap();
    assert_eq!(eur.exponent(), 2);
    let rows: [(&str, Change, &[&str], u64); 9] = [
        ("the same", |_| {}, &[], 1),
        ("amount", |line| line.gross = money(999), &["amount"], 0),
        ("fee", |line| line.fee = money(95), &["fee"], 0),
        ("tax counts with the fee", |line| (line.fee, line.tax) = (money(90), money(4)), &[], 1),
        ("status", |line| line.status = LineStatus::Denied, &["status"], 0),
        ("undone later is a line of its own", |line| line.status = LineStatus::Undone, &[], 1),
        ("late", |line| line.at = at(100 + 73), &["late"], 1),
        ("not late", |line| line.at = at(100 + 72), &[], 1),
        (
            "currency",
            |line| {
                let eur = Currency::find("EUR").unwrap();
                let same = |money: Money| Money::from_minor(money.minor(), eur);
                (line.gross, line.fee, line.tax) = (same(line.gross), same(line.fee), same(line.tax));
            },
            &["currency"],
            0,
        ),
    ];
    for (why, change, expected, matched) in rows {
        let outcome = outcome(vec![fact(1)], vec![line(1, change)]);
        assert_eq!((words(&outcome).as_slice(), outcome.matched), (expected, matched), "{why}");
        assert_eq!(outcome.pooled, [], "{why}");
    }
}

#[test]
fn what_one_side_has_alone() {
    let ghost = outcome(vec![], vec![line(1, |_| {})]);
    assert_eq!(words(&ghost), ["paid_unknown_here"]);
    let refunded = |line: &mut LineFacts| (line.kind, line.fee) = (BillKind::Refund, money(0));
    let refund = outcome(vec![fact(1)], vec![line(1, |_| {}), line(2, refunded)]);
    assert_eq!(words(&refund), ["refund_only_there"]);
    let unknown = outcome(vec![], vec![line(1, |line| line.kind = BillKind::Unknown { raw: "T97".into() })]);
    assert_eq!(words(&unknown), ["unknown_movement"]);
    let denied = outcome(vec![], vec![line(1, |line| line.status = LineStatus::Denied)]);
    assert_eq!(words(&denied), [] as [&str; 0], "a refusal that is not booked agrees");
    let authorised = outcome(vec![], vec![line(1, |line| line.kind = BillKind::Authorisation)]);
    assert_eq!(words(&authorised), [] as [&str; 0]);
    // Of the day: pooled. Before it: missing. Behind it: a later bill's.
    let facts = vec![fact(1), Fact { at: at(95), ..fact(2) }, Fact { at: at(120), ..fact(3) }];
    let missing = outcome(facts, vec![]);
    assert_eq!((words(&missing), missing.pooled), (vec!["missing_there"], vec![fact(1)]));
}

#[test]
fn a_second_naming_is_a_duplicate_and_says_whether_the_bytes_are_the_same() {
    let other = |line: &mut LineFacts| line.hash = LineHash([9; 32]);
    for (second, bytes) in [(line(1, |_| {}), true), (line(1, other), false)] {
        let outcome = outcome(vec![fact(1)], vec![line(1, |_| {}), second]);
        let [Difference::Duplicate { same_bytes, .. }] = outcome.differences.as_slice() else {
            panic!("{outcome:?}")
        };
        assert_eq!((*same_bytes, outcome.matched), (bytes, 1));
    }
    let strangers = outcome(vec![], vec![line(1, |_| {}), line(1, |_| {})]);
    assert_eq!(words(&strangers), ["duplicate", "paid_unknown_here"]);
}

#[test]
fn content_matches_by_our_reference_and_by_one_amount_only() {
    let renamed = |line: &mut LineFacts| line.gateway_ref = "ANOTHER".into();
    let optional = Fact { standing: Standing::Optional, at: at(60), ..fact(1) };
    for ours in [fact(1), optional] {
        let mut renaming = Matching::new(vec![ours], Tz::UTC).renaming_captures(true);
        renaming.line(line(1, renamed)).unwrap();
        let by_ours = renaming.finish((at(72), at(120)), at(96)).unwrap();
        assert_eq!((words(&by_ours), by_ours.matched), (vec!["other_reference"], 1));
        // Where the bill has the name we know, another name under our reference is a second payment; ours is not named.
        let second = outcome(vec![ours], vec![line(1, renamed)]);
        assert_eq!((words(&second), second.matched), (vec!["paid_unknown_here"], 0));
        let both = outcome(vec![ours], vec![line(1, renamed), line(1, |_| {})]);
        assert_eq!((words(&both), both.matched), (vec!["paid_unknown_here"], 1));
    }
    let bare = |line: &mut LineFacts| {
        line.gateway_ref = "ANOTHER".into();
        line.our_ref = None;
    };
    // A payment whose name at the gateway is known is not one of another name, whatever its amount: both are told of.
    let apart = outcome(vec![fact(1)], vec![line(1, bare)]);
    assert_eq!((words(&apart), apart.matched, apart.pooled.len()), (vec!["paid_unknown_here"], 0, 1));
    let unnamed = |number| Fact { key: Key::NONE, ..fact(number) };
    let alone = outcome(vec![unnamed(1)], vec![line(1, bare)]);
    assert_eq!((words(&alone), alone.matched), (vec![], 1));
    let held = Fact { class: Class::Hold, fee: None, ..fact(1) };
    let hold = |line: &mut LineFacts| {
        bare(line);
        (line.kind, line.fee) = (BillKind::HoldReleased, money(0));
    };
    let held = outcome(vec![held], vec![line(1, hold)]);
    assert_eq!(words(&held), ["other_reference"], "a hold is booked under its capture's name");
    // Two of one amount, or three days apart: nobody can say.
    let twin = Fact { gross: money(1_001), ..unnamed(2) };
    let two = outcome(vec![unnamed(1), twin], vec![line(1, bare)]);
    assert_eq!((words(&two), two.pooled.len()), (vec!["paid_unknown_here"], 2));
    let far = outcome(vec![Fact { at: at(27), ..unnamed(1) }], vec![line(1, bare)]);
    assert_eq!(words(&far), ["paid_unknown_here", "missing_there"]);
    // Another's reference is another's payment, whatever the amount.
    let named = outcome(
        vec![fact(1)],
        vec![line(1, |line| {
            line.gateway_ref = "ANOTHER".into();
            line.our_ref = Some("pay_99".into());
        })],
    );
    assert_eq!(words(&named), ["paid_unknown_here"]);
}

proptest! {
    /// Both sides are partitioned: every line and every fact is accounted for once, in whatever order the lines come.
    #[test]
    fn nothing_is_lost_or_counted_twice(
        ours in proptest::collection::btree_set(0..40_i64, 0..30),
        theirs in proptest::collection::btree_set(0..40_i64, 0..30),
        seed in any::<u64>(),
    ) {
        let mut lines: Vec<i64> = theirs.iter().copied().collect();
        lines.sort_by_key(|number| (*number as u64).wrapping_mul(seed | 1));
        let outcome = outcome(
            ours.iter().map(|number| fact(*number)).collect(),
            lines.into_iter().map(|number| line(number, |_| {})).collect(),
        );
        let both = ours.intersection(&theirs).count();
        prop_assert_eq!(outcome.matched as usize, both);
        prop_assert_eq!(outcome.pooled.len(), ours.len() - both);
        prop_assert_eq!(outcome.differences.len(), theirs.len() - both);
        prop_assert!(outcome.differences.iter().all(|found| found.as_str() == "paid_unknown_here"));
    }
}

#[test]
fn what_is_optional_is_matched_by_name_and_never_missed_or_guessed() {
    let optional = |number| Fact { at: at(60), standing: Standing::Optional, ..fact(number) };
    let named = outcome(vec![optional(1)], vec![line(1, |_| {})]);
    assert_eq!((words(&named), named.matched), (vec![], 1));
    assert_eq!(named.elsewhere, [optional(1)]);
    let unnamed = outcome(vec![optional(1)], vec![]);
    assert_eq!((words(&unnamed), unnamed.pooled, unnamed.elsewhere), (vec![], vec![], vec![]));
    let stranger = |line: &mut LineFacts| (line.gateway_ref, line.our_ref) = ("OTHER".into(), None);
    assert_eq!(words(&outcome(vec![optional(1)], vec![line(1, stranger)])), ["paid_unknown_here"]);
    let twice = outcome(vec![optional(1)], vec![line(1, |_| {}), line(1, |_| {})]);
    assert_eq!(words(&twice), ["duplicate"]);
}

/// Movements of a dispute have no names: taken and given back, and a fee, are told apart by what they moved.
#[test]
fn a_disputes_movements_are_found_by_payment_and_amount() {
    let moved =
        |class, minor, number| Fact { key: Key::NONE, class, gross: money(minor), fee: None, ..fact(number) };
    let ours = Key::of("pay_1");
    let facts = |number| {
        let of = |class, minor| Fact { ours, number, ..moved(class, minor, 1) };
        vec![of(Class::Reversal, -1_001), of(Class::Reversal, 1_001), of(Class::Fee, -2_000)]
    };
    let named = |name: &'static str, kind: BillKind, minor: i64| {
        line(1, |line| {
            (line.gateway_ref, line.kind) = (name.to_owned(), kind);
            (line.gross, line.fee) = (money(minor), money(0));
        })
    };
    let lines = || {
        vec![
            named("A", BillKind::DisputeFee, -2_000),
            named("B", BillKind::ChargebackReversed, 1_001),
            named("C", BillKind::Chargeback, -1_001),
        ]
    };
    let all = outcome(facts(7), lines());
    assert_eq!((words(&all), all.matched), (vec![], 3));
    let more = outcome(facts(7), [lines(), vec![named("D", BillKind::Chargeback, -500)]].concat());
    assert_eq!(
        (words(&more), more.matched),
        (vec!["unknown_movement"], 3),
        "another amount is another movement"
    );
}

/// Of two equal movements without names the capture says which is whose, as a fact of the bill's days or looked up.
#[test]
fn equal_movements_are_told_apart_by_the_captures_they_are_about() {
    let taken = |payment: &str, number| Fact {
        key: Key::NONE,
        ours: Key::of(payment),
        class: Class::Reversal,
        gross: money(-1_001),
        fee: None,
        ..fact(number)
    };
    let about = |name: &str, capture: &str| {
        line(1, |line| {
            (line.gateway_ref, line.our_ref) = (name.to_owned(), None);
            (line.kind, line.gross, line.fee) = (BillKind::Chargeback, money(-1_001), money(0));
            line.related_ref = Some(capture.to_owned());
        })
    };
    let matched = |facts: Vec<Fact>, lines: Vec<BillLine>| {
        let mut matching = Matching::new(facts, Tz::UTC);
        lines.into_iter().for_each(|line| matching.line(line).unwrap());
        let unknown = matching.unknown_captures();
        for capture in &unknown {
            if capture == "CAP8" {
                matching.know_capture(capture, "pay_8");
            }
        }
        (unknown, matching.finish((at(72), at(120)), at(96)).unwrap())
    };
    let facts = vec![fact(1), taken("pay_1", 7), taken("pay_8", 8)];
    let lines = vec![line(1, |_| {}), about("X", "CAP1"), about("Y", "CAP8"), about("Z", "CAP9")];
    let (unknown, all) = matched(facts.clone(), lines);
    assert_eq!(unknown, ["CAP8", "CAP9"]);
    assert_eq!(
        (words(&all), all.matched),
        (vec!["unknown_movement"], 3),
        "the third is about another capture"
    );
    // Alone of its amount, and about another payment: not taken for it.
    let lines = vec![line(1, |_| {}), about("Y", "CAP8")];
    let (_, other) = matched(vec![fact(1), taken("pay_1", 7)], lines);
    assert_eq!((words(&other), other.pooled.len()), (vec!["unknown_movement"], 1));
}

/// What a bill put aside is known by its name, whatever kind its line has, and by what it moved in all.
#[test]
fn what_was_put_aside_is_matched_in_any_class_and_never_missed() {
    let aside = Fact {
        ours: Key::NONE,
        class: Class::Aside,
        gross: money(-3_900),
        fee: None,
        standing: Standing::Optional,
        ..fact(1)
    };
    let refund = |fee| {
        line(1, |line| {
            (line.kind, line.gross, line.fee) = (BillKind::Refund, money(-4_000), money(fee));
            line.our_ref = None;
        })
    };
    let known = outcome(vec![aside], vec![refund(-100)]);
    assert_eq!((words(&known), known.matched, known.pooled.len()), (vec![], 1, 0));
    let other = outcome(vec![aside], vec![refund(0)]);
    assert_eq!((words(&other), other.pooled.len()), (vec!["refund_only_there"], 0));
    let twice = outcome(vec![aside], vec![refund(-100), refund(-100)]);
    assert_eq!((words(&twice), twice.matched), (vec!["refund_only_there"], 1));
    assert_eq!(words(&outcome(vec![aside], vec![])), [] as [&str; 0]);
}

/// Whatever a bill's lines differ by, no more of them are kept than of strangers.
#[test]
fn a_bill_that_differs_throughout_is_none_of_these_books() {
    let most = i64::try_from(DIFFERENCES_LIMIT).unwrap();
    for (word, change) in [
        ("duplicate", (|_| {}) as fn(&mut LineFacts)),
        ("fee", |line| line.fee = money(95)),
        ("amount", |line| line.gross = money(7)),
        ("status", |line| line.status = LineStatus::Denied),
        ("late", |line| line.at = at(100) + CUT_OFF + TimeDelta::hours(1)),
    ] {
        let facts = if word == "duplicate" { 1 } else { most + 1 };
        let mut matching = Matching::new((0..facts).map(fact).collect(), Tz::UTC);
        let lines = (0..facts.max(most + 1)).map(|number| line(number.min(facts - 1), change));
        let read = lines.take(DIFFERENCES_LIMIT).try_for_each(|line| matching.line(line));
        assert_eq!(read, Ok(()), "{word}");
        let mut more = || matching.line(line(facts - 1, change));
        // A duplicate's first naming is none.
        let ended = more().and_then(|()| more());
        assert_eq!(ended, Err(TooDifferent), "{word}");
    }
    // What no line names is counted too.
    let missing = (0..=most).map(|number| Fact { at: at(90), ..fact(number) });
    let matching = Matching::new(missing.collect(), Tz::UTC);
    assert!(matches!(matching.finish((at(72), at(120)), at(96)), Err(TooDifferent)));
}

/// A fee beside a movement that is no payment is held against the books by itself.
#[test]
fn a_fee_beside_a_movement_is_one_of_its_own() {
    let taken = Fact { class: Class::Reversal, gross: money(-1_001), fee: None, ..fact(1) };
    let charged = |minor| Fact { class: Class::Fee, gross: money(minor), fee: None, number: 2, ..fact(1) };
    let chargeback = |fee| {
        line(1, |line| {
            (line.kind, line.gross, line.fee) = (BillKind::Chargeback, money(-1_001), money(fee));
        })
    };
    for (fee, facts, expected) in [
        (0, vec![taken], vec![]),
        (-340, vec![taken], vec!["unknown_movement"]),
        (-340, vec![taken, charged(340)], vec![]),
        (2_000, vec![taken, charged(-2_000)], vec![]),
        (-340, vec![], vec!["unknown_movement", "unknown_movement"]),
    ] {
        let matched = u64::from(!facts.is_empty());
        let told = outcome(facts, vec![chargeback(fee)]);
        assert_eq!((words(&told), told.lines, told.matched), (expected, 1, matched), "{fee}");
    }
    // Put aside whole by an earlier reading, it is known whole.
    let aside = Fact { class: Class::Aside, standing: Standing::Optional, gross: money(-661), ..fact(1) };
    let known = outcome(vec![aside], vec![chargeback(-340)]);
    assert_eq!((words(&known), known.matched), (vec![], 1));
    // Where the payout bears it, the books have it with the payout.
    let mut with_payout = Matching::new(vec![taken], Tz::UTC).settled_by(SettlementMode::NetInBatch);
    with_payout.line(chargeback(-340)).unwrap();
    assert_eq!(words(&with_payout.finish((at(72), at(120)), at(96)).unwrap()), [] as [&str; 0]);
}

#[test]
fn what_moved_nothing_agrees_and_its_fee_is_a_fee() {
    let nothing = |fee| line(1, |line| (line.gross, line.fee) = (money(0), money(fee)));
    let charged = Fact { class: Class::Fee, gross: money(-30), fee: None, ..fact(1) };
    assert_eq!(words(&outcome(vec![], vec![nothing(0)])), [] as [&str; 0]);
    assert_eq!(words(&outcome(vec![], vec![nothing(30)])), ["unknown_movement"]);
    let again = outcome(vec![charged], vec![nothing(30)]);
    assert_eq!((words(&again), again.matched), (vec![], 1));
    // Of a capture that is booked, nothing is another amount.
    assert_eq!(words(&outcome(vec![fact(1)], vec![nothing(94)])), ["amount"]);
}
