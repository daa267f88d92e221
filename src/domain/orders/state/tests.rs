use proptest::prelude::*;

use super::*;
use crate::clock::from_micros;
use crate::money::Currency;

fn money(minor: i64, code: &str) -> Money {
    Money::from_minor(minor, Currency::find(code).unwrap())
}

fn asked() -> Asked {
    Asked {
        amount: money(10_000, "USD"),
        request_ref: "pay_1".into(),
        receiver: Some("MERCHANT".into()),
        lapsed: false,
    }
}

fn capture(capture_ref: &str, minor: i64, code: &str) -> ReportKind {
    ReportKind::Captured(Capture {
        capture_ref: capture_ref.into(),
        amount: money(minor, code),
        fee: None,
        receivable: None,
        payer_country: None,
        at: from_micros(1_795_000_000_000_000),
    })
}

fn authorised(minor: Option<i64>) -> ReportKind {
    ReportKind::Authorised { amount: minor.map(|minor| money(minor, "USD")) }
}

fn stated(minor: i64) -> ReportKind {
    ReportKind::Stated { amount: money(minor, "USD") }
}

fn pending() -> ReportKind {
    ReportKind::Pending { reason: "capturing".into(), expected: None, person_by: None }
}

fn expected(minor: i64) -> ReportKind {
    ReportKind::Pending { reason: "ECHECK".into(), expected: Some(money(minor, "USD")), person_by: None }
}

fn failed() -> ReportKind {
    ReportKind::Failed { code: "declined".into() }
}

fn cancelled() -> ReportKind {
    ReportKind::Cancelled { code: "user".into() }
}

fn unknown() -> ReportKind {
    ReportKind::Unknown { raw: "ODD".into() }
}

fn step(state: &PaymentState, asked: &Asked, report: &PaymentReport) -> PaymentState {
    match state.apply(asked, report) {
        Transition::Advance(next) => next,
        Transition::AlreadyThere | Transition::Stale => state.clone(),
        Transition::Conflict(why) => {
            let held = match &report.kind {
                ReportKind::Captured(capture) if why.money_is_ours() => Some(Held::of(capture)),
                _ => None,
            };
            state.under_review(why, held).unwrap_or_else(|| state.clone())
        }
    }
}

fn after(kinds: &[ReportKind]) -> PaymentState {
    kinds
        .iter()
        .fold(PaymentState::Created, |state, kind| step(&state, &asked(), &PaymentReport::of(kind.clone())))
}

#[test]
fn each_report_moves_each_state_as_the_table_says() {
    let requires = ReportKind::RequiresAction;
    let ok = || capture("C1", 10_000, "USD");
    let wrong = || capture("C1", 1_000, "USD");
    let table: &[(&[ReportKind], &str)] = &[
        (&[], "created"),
        (&[ReportKind::RequiresAction], "requires_action"),
        (&[pending()], "pending"),
        (&[pending(), requires.clone()], "pending"),
        (&[authorised(None), pending()], "authorized"),
        (&[authorised(None), expected(10_000)], "pending"),
        (&[expected(10_000), authorised(None), pending(), requires.clone()], "pending"),
        (&[expected(10_000), ok(), expected(10_000)], "captured"),
        (&[expected(10_000), failed(), expected(10_000)], "failed"),
        (&[expected(10_000), ReportKind::Expired, ok()], "captured"),
        (&[expected(9_999)], "in_review"),
        (&[expected(10_000), wrong()], "in_review"),
        (&[authorised(Some(10_000))], "authorized"),
        (&[authorised(Some(9_999))], "in_review"),
        (&[authorised(Some(9_999)), authorised(None)], "in_review"),
        (&[authorised(Some(9_999)), ok()], "captured"),
        (&[authorised(Some(9_999)), failed()], "failed"),
        (&[stated(10_000)], "created"),
        (&[stated(9_999)], "in_review"),
        (&[stated(9_999), authorised(None), ok()], "captured"),
        (&[ok(), stated(9_999)], "captured"),
        (&[failed(), stated(9_999)], "failed"),
        (&[ok()], "captured"),
        (&[ok(), failed(), cancelled(), ReportKind::Expired, requires.clone()], "captured"),
        (&[failed(), ok()], "captured"),
        (&[cancelled(), ok()], "captured"),
        (&[ReportKind::Expired, ok()], "captured"),
        (&[ReportKind::Expired, authorised(None)], "expired"),
        (&[failed(), cancelled()], "failed"),
        (&[wrong()], "in_review"),
        (&[wrong(), failed()], "in_review"),
        (&[wrong(), ok()], "captured"),
        (&[ok(), wrong()], "captured"),
        (&[failed(), wrong()], "in_review"),
        (&[capture("C1", 10_000, "SGD")], "in_review"),
        (&[ReportKind::NotFound, unknown()], "created"),
        (&[requires, ReportKind::NotFound, unknown()], "requires_action"),
    ];
    for (reports, expected) in table {
        assert_eq!(after(reports).as_str(), *expected, "{reports:?}");
    }
}

#[test]
fn money_that_went_back_ends_the_payment_and_says_nothing_new() {
    let held = after(&[capture("C1", 1_000, "USD")]);
    assert_eq!(held.send_back("C2"), Transition::Stale, "another capture went back");
    let Transition::Advance(ended) = held.send_back("C1") else { panic!("it stays in review") };
    assert!(ended.is_closed() && !ended.is_open());
    assert_eq!(ended.send_back("C1"), Transition::AlreadyThere);
    let hear = |kind| ended.apply(&asked(), &PaymentReport::of(kind));
    for kind in [capture("C1", 1_000, "USD"), capture("C1", 10_000, "USD"), capture("C1", 1_000, "SGD")] {
        assert_eq!(hear(kind.clone()), Transition::AlreadyThere, "{kind:?}");
    }
    assert!(matches!(hear(capture("C2", 900, "USD")), Transition::Conflict(_)), "other money is news");
    let Transition::Advance(late) = hear(capture("C2", 10_000, "USD")) else { panic!("not taken") };
    assert!(late.taken().unwrap().late);
    let stored = serde_json::to_string(&ended).unwrap();
    assert_eq!(serde_json::from_str::<PaymentState>(&stored).unwrap(), ended);
    // As it was stored before there was a capture to remember.
    let old: PaymentState = serde_json::from_str(r#"{"state":"cancelled","code":"merchant"}"#).unwrap();
    assert_eq!(old, PaymentState::Cancelled { code: "merchant".into(), returned: None });
    assert_eq!(PaymentState::Created.send_back("C1"), Transition::Stale);
}

#[test]
fn what_is_on_its_way_is_neither_called_off_nor_taken_again() {
    let state = after(&[authorised(None), expected(10_000)]);
    assert_eq!(state.expected(), Some(money(10_000, "USD")));
    assert!(state.is_open() && !state.may_cancel());
    assert!(!state.completes(&asked(), &PaymentReport::of(authorised(None))));
    let stored = serde_json::to_string(&state).unwrap();
    assert_eq!(serde_json::from_str::<PaymentState>(&stored).unwrap(), state);
    let before = r#"{"state":"pending","reason":"ECHECK"}"#;
    assert_eq!(serde_json::from_str::<PaymentState>(before).unwrap().expected(), None);
}

#[test]
fn a_capture_after_the_end_is_late_and_only_then() {
    let taken = |kinds: &[ReportKind]| after(kinds).taken().unwrap().late;
    assert!(taken(&[ReportKind::Expired, capture("C1", 10_000, "USD")]));
    assert!(taken(&[failed(), capture("C1", 10_000, "USD")]));
    assert!(!taken(&[authorised(None), capture("C1", 10_000, "USD")]));
    assert!(!taken(&[capture("C1", 500, "USD"), capture("C2", 10_000, "USD")]));
}

#[test]
fn silence_ends_a_payment_only_when_its_time_is_over() {
    let lapsed = Asked { lapsed: true, ..asked() };
    let table = [
        (PaymentState::Created, ReportKind::NotFound, "expired"),
        (PaymentState::RequiresAction, ReportKind::RequiresAction, "expired"),
        (PaymentState::RequiresAction, ReportKind::NotFound, "expired"),
        (PaymentState::RequiresAction, unknown(), "requires_action"),
        (PaymentState::RequiresAction, pending(), "pending"),
        (PaymentState::Authorized, ReportKind::RequiresAction, "authorized"),
    ];
    for (state, kind, expected) in table {
        assert_eq!(step(&state, &lapsed, &PaymentReport::of(kind.clone())).as_str(), expected, "{kind:?}");
    }
}

#[test]
fn each_difference_is_named() {
    let report = |kind: ReportKind, account: Option<&str>, reference: Option<&str>| PaymentReport {
        account: account.map(Into::into),
        request_ref: reference.map(Into::into),
        ..PaymentReport::of(kind)
    };
    let ok = capture("C1", 10_000, "USD");
    let table = [
        (report(capture("C1", 9_999, "USD"), None, None), "amount_differs", true),
        (report(capture("C1", 10_000, "JPY"), None, None), "currency_differs", true),
        (report(ok.clone(), Some("OTHER"), None), "account_differs", false),
        (report(ok, Some("MERCHANT"), Some("pay_2")), "reference_differs", false),
        (report(pending(), Some("OTHER"), None), "account_differs", false),
    ];
    for (report, word, ours) in table {
        let Transition::Conflict(conflict) = PaymentState::RequiresAction.apply(&asked(), &report) else {
            panic!("{report:?} was believed");
        };
        assert_eq!((conflict.as_str(), conflict.money_is_ours()), (word, ours));
    }
}

#[test]
fn money_is_taken_only_on_a_right_promise_for_a_living_payment() {
    let states = [
        (after(&[]), true),
        (after(&[authorised(None)]), true),
        (after(&[authorised(Some(1))]), true),
        (after(&[ReportKind::Expired]), false),
        (after(&[cancelled()]), false),
        (after(&[capture("C1", 10_000, "USD")]), false),
        (after(&[capture("C1", 1, "USD")]), false),
    ];
    for (state, expected) in states {
        let report = PaymentReport::of(authorised(Some(10_000)));
        assert_eq!(state.completes(&asked(), &report), expected, "{state:?}");
        assert!(!state.completes(&asked(), &PaymentReport::of(authorised(Some(1)))));
        assert!(!state.completes(&asked(), &PaymentReport::of(pending())));
    }
}

#[test]
fn refunds_only_grow_and_never_beyond_the_capture() {
    let captured = after(&[capture("C1", 10_000, "USD")]);
    let Transition::Advance(part) = captured.refund(money(4_000, "USD")) else { panic!("no refund") };
    assert_eq!((part.as_str(), part.refunded()), ("partially_refunded", Some(money(4_000, "USD"))));
    assert_eq!(part.refund(money(4_000, "USD")), Transition::AlreadyThere);
    assert_eq!(part.refund(money(3_000, "USD")), Transition::Stale);
    assert!(matches!(part.refund(money(10_001, "USD")), Transition::Conflict(_)));
    assert!(matches!(part.refund(money(5_000, "SGD")), Transition::Conflict(_)));
    let Transition::Advance(all) = part.refund(money(10_000, "USD")) else { panic!("no refund") };
    assert_eq!((all.as_str(), all.refunded()), ("refunded", Some(money(10_000, "USD"))));
    assert_eq!(PaymentState::Created.refund(money(1, "USD")), Transition::Stale);
}

#[test]
fn a_second_capture_of_one_payment_is_a_conflict_not_a_change() {
    let captured = after(&[capture("C1", 10_000, "USD")]);
    let again = PaymentReport::of(capture("C2", 10_000, "USD"));
    let Transition::Conflict(why) = captured.apply(&asked(), &again) else { panic!("taken twice") };
    assert_eq!(why.as_str(), "captured_again");
    assert_eq!(captured.under_review(why, None), None);
}

/// 0 open, 1 closed or in review without the money that was asked, 2 money taken.
fn class(state: &PaymentState) -> u8 {
    match state {
        state if state.taken().is_some() => 2,
        PaymentState::InReview { .. } => 1,
        state if state.is_closed() => 1,
        _ => 0,
    }
}

fn any_report() -> impl Strategy<Value = ReportKind> {
    prop_oneof![
        Just(ReportKind::RequiresAction),
        Just(pending()),
        Just(authorised(None)),
        Just(authorised(Some(10_000))),
        Just(authorised(Some(9_999))),
        Just(capture("C1", 10_000, "USD")),
        Just(capture("C2", 1_000, "USD")),
        Just(capture("C3", 10_000, "SGD")),
        Just(failed()),
        Just(cancelled()),
        Just(ReportKind::Expired),
        Just(ReportKind::NotFound),
        Just(unknown()),
    ]
}

proptest! {
    /// Whatever order a set of reports comes in, and however often each, the payment ends in the same class, takes the
    /// money at most once and never moves backwards.
    #[test]
    fn any_shuffle_with_repeats_ends_in_the_same_class(
        reports in proptest::collection::vec(any_report(), 1..8),
        order in proptest::collection::vec(any::<prop::sample::Index>(), 0..16),
    ) {
        let mut shuffled: Vec<ReportKind> = order.iter().map(|index| index.get(&reports).clone()).collect();
        shuffled.extend(reports.iter().rev().cloned());
        let walk = |kinds: &[ReportKind]| {
            let mut state = PaymentState::Created;
            let mut captures = 0;
            for kind in kinds {
                let next = step(&state, &asked(), &PaymentReport::of(kind.clone()));
                prop_assert!(class(&next) >= class(&state), "{state:?} went back to {next:?}");
                prop_assert!(next.step() >= state.step(), "{state:?} went back to {next:?}");
                captures += i32::from(next.taken().is_some() && state.taken().is_none());
                state = next;
            }
            prop_assert!(captures <= 1);
            Ok(class(&state))
        };
        prop_assert_eq!(walk(&reports)?, walk(&shuffled)?);
    }

    /// The same report twice is the same as once.
    #[test]
    fn a_repeated_report_changes_nothing(
        before in proptest::collection::vec(any_report(), 0..6), report in any_report()
    ) {
        let once = step(&after(&before), &asked(), &PaymentReport::of(report.clone()));
        let twice = step(&once, &asked(), &PaymentReport::of(report));
        prop_assert_eq!(once, twice);
    }
}
