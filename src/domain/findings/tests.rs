use super::*;
use crate::clock::{Clock, from_micros};
use crate::ids::IdSource;

fn finding(kind: FindingKind) -> (Finding, UserId, UserId) {
    let ids = IdSource::seeded(Clock::fixed(from_micros(1_795_000_000_000_000)), 1);
    let finding = Finding {
        id: ids.mint(),
        merchant: ids.mint(),
        kind,
        gateway_account: "paypal".into(),
        payment: None,
        fact: "CAP-1".into(),
        amount: None,
        detail: "asked USD 100.00, the gateway holds USD 10.00".into(),
        state: FindingState::Open,
        opened_at: from_micros(0),
    };
    (finding, ids.mint(), ids.mint())
}

#[test]
fn money_moves_only_with_two_users() {
    let (mut finding, maker, checker) = finding(FindingKind::AmountDiffers);
    let at = from_micros(5);
    let Ok(Decision::Proposed(state)) =
        finding.decide(Hand::own(maker), &[], Action::SendBack.into(), "short", at)
    else {
        panic!("one user is not enough")
    };
    finding.state = state;
    let one = |maker, of| Err(NotSecond::OneHand { maker, of }.into());
    let handed = Hand { user: checker, key_made_by: maker };
    assert_eq!(finding.decide(handed, &[], Action::SendBack.into(), "", at), one(maker, checker));
    let issued = finding.decide(Hand::own(checker), &[checker], Action::SendBack.into(), "", at);
    assert_eq!(issued, one(checker, maker));
    assert_eq!(
        finding.decide(Hand::own(maker), &[], Action::SendBack.into(), "", at),
        Err(NotSecond::FourEyes(maker).into())
    );
    let Ok(Decision::Carry(state)) =
        finding.decide(Hand::own(checker), &[], Action::SendBack.into(), "seen", at)
    else {
        panic!("the second user confirms")
    };
    assert!(matches!(&state, FindingState::Resolved { proposed_by, confirmed_by, reason, .. }
        if *proposed_by == maker && *confirmed_by == checker && reason == "short; seen"));
    finding.state = state;
    assert_eq!(
        finding.decide(Hand::own(checker), &[], Action::Adopt.into(), "", at),
        Err(FindingError::AlreadyResolved(Action::SendBack))
    );
}

#[test]
fn another_action_replaces_the_proposal_and_starts_over() {
    let (mut finding, maker, checker) = finding(FindingKind::DoublePayment);
    let Ok(Decision::Proposed(state)) =
        finding.decide(Hand::own(maker), &[], Action::SendBack.into(), "", from_micros(1))
    else {
        panic!("proposed")
    };
    finding.state = state;
    assert!(matches!(
        finding.decide(Hand::own(checker), &[], Action::Adopt.into(), "", from_micros(2)),
        Ok(Decision::Proposed(_))
    ));
}

#[test]
fn what_is_confirmed_is_what_was_proposed() {
    let (mut finding, maker, checker) = finding(FindingKind::RefundElsewhere);
    let part = |minor| {
        let amount = Money::from_minor(minor, crate::money::Currency::find("SGD").unwrap());
        vec![Allocation { supplier: IdSource::seeded(Clock::fixed(from_micros(0)), 7).mint(), amount }]
    };
    let decide = |finding: &Finding, user, parts: &[Allocation]| {
        let wish = Wish { allocation: parts, ..Action::Adopt.into() };
        finding.decide(Hand::own(user), &[], wish, "", from_micros(1))
    };
    let Ok(Decision::Proposed(state)) = decide(&finding, maker, &part(100)) else { panic!("proposed") };
    finding.state = state;
    assert_eq!(decide(&finding, maker, &part(100)), Err(NotSecond::FourEyes(maker).into()));
    let other = decide(&finding, checker, &part(99));
    assert!(matches!(other, Ok(Decision::Proposed(FindingState::Proposed { by, .. })) if by == checker));
    for same in [part(100), vec![]] {
        let Ok(Decision::Carry(FindingState::Resolved { allocation, .. })) = decide(&finding, checker, &same)
        else {
            panic!("confirmed")
        };
        assert_eq!(allocation, part(100));
    }
    let (wrong, maker, _) = super::tests::finding(FindingKind::AmountDiffers);
    assert_eq!(decide(&wrong, maker, &part(1)), Err(FindingError::NothingToAllocate));
}

#[test]
fn what_left_is_taken_into_the_books_and_what_is_held_is_explained() {
    let (left, maker, _) = finding(FindingKind::RefundElsewhere);
    let refused = left.decide(Hand::own(maker), &[], Action::SendBack.into(), "", from_micros(1));
    assert!(matches!(refused, Err(FindingError::NotApplicable { .. })));
    let (held, maker, _) = finding(FindingKind::GatewayHold);
    assert!(matches!(
        held.decide(Hand::own(maker), &[], Action::Dismiss.into(), "", from_micros(1)),
        Ok(Decision::Carry(_))
    ));
}

#[test]
fn what_nobody_has_explained_holds_up_a_close() {
    let not: Vec<&str> = FindingKind::ALL
        .into_iter()
        .filter(|kind| !kind.holds_up_a_close())
        .map(FindingKind::as_str)
        .collect();
    // Where the money is, is known, or a check of its own says how much of it is not.
    assert_eq!(
        not,
        [
            "gateway_hold",
            "action_needed",
            "dispute_deadline",
            "client_money_short",
            "balance_differs",
            "fee_drift"
        ]
    );
    // Whatever two persons decide over is money that nobody has explained.
    let two = |kind: &FindingKind| kind.allows(Action::Adopt) || kind.allows(Action::SendBack);
    assert!(FindingKind::ALL.iter().filter(|kind| two(kind)).all(|kind| kind.holds_up_a_close()));
}

#[test]
fn a_second_person_confirms_the_payment_that_was_proposed_and_no_other() {
    let (mut finding, maker, checker) = finding(FindingKind::PaidUnknownHere);
    let ids = IdSource::seeded(Clock::fixed(from_micros(0)), 7);
    let (one, other): (PaymentId, PaymentId) = (ids.mint(), ids.mint());
    let decide = |finding: &Finding, user, payment| {
        let wish = Wish { payment, ..Action::Adopt.into() };
        finding.decide(Hand::own(user), &[], wish, "", from_micros(1))
    };
    let Ok(Decision::Proposed(state)) = decide(&finding, maker, Some(one)) else { panic!("proposed") };
    finding.state = state;
    assert!(matches!(decide(&finding, checker, Some(other)), Ok(Decision::Proposed(_))));
    for named in [None, Some(one)] {
        let Ok(Decision::Carry(FindingState::Resolved { payment, .. })) = decide(&finding, checker, named)
        else {
            panic!("confirmed")
        };
        assert_eq!(payment, Some(one));
    }
    finding.state = FindingState::Open;
    let back = Wish { payment: Some(one), ..Action::SendBack.into() };
    let back = finding.decide(Hand::own(maker), &[], back, "", from_micros(1));
    assert_eq!(back, Err(FindingError::NothingToGive));
}
