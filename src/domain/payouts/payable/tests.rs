//! Standings small and large, and what of them is paid.

use super::*;
use crate::clock::{Clock, from_micros};
use crate::domain::merchants::PayoutAccountKind;
use crate::domain::payouts::terms::{Hold, HoldCode};
use crate::ids::IdSource;
use rust_decimal::Decimal;

pub fn usd(minor: i64) -> Money {
    Money::from_minor(minor, Currency::find("USD").unwrap())
}

pub fn rules() -> PayoutRules {
    PayoutRules {
        must_be_known: false,
        cooling: TimeDelta::hours(72),
        first_payout: vec![usd(100_000)],
        debt_cap: Percent::try_new(Decimal::from(50)).unwrap(),
    }
}

pub fn now() -> DateTime<Utc> {
    from_micros(1_795_000_000_000_000)
}

pub fn standing(available: i64, owed: i64) -> Standing {
    let ids = IdSource::seeded(Clock::fixed(now()), 5);
    let supplier = ids.mint();
    let account = PayoutAccount {
        id: ids.mint(),
        supplier,
        kind: PayoutAccountKind::Paypal,
        country: "VN".into(),
        currency: Currency::find("USD").unwrap(),
        holder: "A".into(),
        hint: "….vn".into(),
        created_at: now(),
    };
    Standing {
        supplier,
        name: "A".into(),
        available: usd(available),
        owed: usd(owed),
        foreign: vec![],
        withholding: usd(0),
        taxes: vec![],
        terms: PayoutTerms::default(),
        accounts: vec![Payee { account, was_paid: true, under_way: false, in_bank_letters: true }],
        due: None,
        expected: vec![],
    }
}

/// J24, and what lies around it.
#[test]
fn debts_come_off_up_to_the_cap_of_the_cycle() {
    for (available, owed, debt, net) in [
        (6_000, 2_600, 2_600, 3_400),
        (6_000, 3_100, 3_000, 3_000),
        (6_001, 9_900, 3_000, 3_001),
        (6_000, 0, 0, 6_000),
    ] {
        let payable = standing(available, owed).payable(&rules(), now()).unwrap();
        assert_eq!((payable.debt, payable.net), (usd(debt), usd(net)), "{available} owing {owed}");
    }
}

#[test]
fn a_debt_as_large_as_the_balance_comes_off_it_too() {
    for (cap, owed, withheld, minimum, expected) in [
        (100, 9_900, 0, 0, Some((5_999, 1))),
        (100, 5_990, 50, 0, Some((5_949, 1))),
        (100, 9_900, 0, 1_000, Some((5_000, 1_000))),
        (90, 9_900, 0, 1_000, Some((5_000, 1_000))),
        (90, 9_900, 0, 500, Some((5_400, 600))),
        (100, 9_900, 0, 6_000, Some((0, 6_000))),
        (100, 9_900, 0, 6_001, None),
        (100, 9_900, 6_000, 0, None),
    ] {
        let mut standing = standing(6_000, owed);
        standing.terms.debt_cap = Some(Percent::try_new(Decimal::from(cap)).unwrap());
        standing.terms.minimum = vec![usd(minimum)];
        standing.withholding = usd(withheld);
        let payable = standing.payable(&rules(), now()).ok();
        let seen = payable.map(|payable| (payable.debt.minor(), payable.net.minor()));
        assert_eq!(seen, expected, "{cap} % of {owed}, {withheld} withheld, at least {minimum}");
    }
}

#[test]
fn parts_that_banks_do_not_carry_stay_in_the_balance() {
    let idr = |minor| Money::from_minor(minor, Currency::find("IDR").unwrap());
    for (available, debt, gross, net) in [
        (12_345_678, 0, 12_345_600, 12_345_600),
        (12_345_678, 150, 12_345_650, 12_345_500),
        (12_345_600, 0, 12_345_600, 12_345_600),
    ] {
        let mut standing = standing(1, 0);
        (standing.available, standing.owed, standing.withholding) = (idr(available), idr(debt), idr(0));
        standing.accounts[0].account.currency = idr(0).currency();
        let payable = standing.payable(&rules(), now()).unwrap();
        assert_eq!((payable.gross, payable.net), (idr(gross), idr(net)), "{available} owing {debt}");
    }
}

#[test]
fn whoever_is_not_paid_hears_why() {
    let reason = |edit: fn(&mut Standing)| {
        let mut standing = standing(6_000, 0);
        edit(&mut standing);
        standing.payable(&rules(), now()).unwrap_err().reason
    };
    assert_eq!(reason(|of| of.available = usd(0)), "nothing_left");
    assert_eq!(reason(|of| of.terms.minimum = vec![usd(6_001)]), "below_minimum");
    assert_eq!(reason(|of| of.accounts.clear()), "no_account");
    assert_eq!(reason(|of| of.withholding = usd(6_000)), "nothing_left");
    let held = |of: &mut Standing| {
        let by = IdSource::seeded(Clock::fixed(now()), 9).mint();
        let note = String::new();
        of.terms.holds = vec![Hold { code: HoldCode::Sanctions, currency: None, note, by, at: now() }];
    };
    assert_eq!(reason(held), "sanctions");
}

#[test]
fn a_limited_first_payout_arrives_before_a_second_one_leaves() {
    for (was_paid, under_way, limited, waits) in [
        (false, true, true, true),
        (false, false, true, false),
        (true, true, true, false),
        (false, true, false, false),
    ] {
        let mut standing = standing(6_000, 0);
        (standing.accounts[0].was_paid, standing.accounts[0].under_way) = (was_paid, under_way);
        let mut rules = rules();
        rules.first_payout.retain(|_| limited);
        let reason = standing.payable(&rules, now()).err().map(|excluded| excluded.reason);
        let expected = waits.then(|| FIRST_UNDER_WAY.to_owned());
        assert_eq!(reason, expected, "{was_paid} {under_way} {limited}");
    }
}

#[test]
fn a_changed_account_cools_and_the_one_before_is_paid_meanwhile() {
    let mut standing = standing(6_000, 0);
    let old = standing.accounts[0].account.clone();
    let ids = IdSource::seeded(Clock::fixed(now()), 11);
    let new = PayoutAccount { id: ids.mint(), created_at: now(), ..old.clone() };
    standing.accounts.push(Payee {
        account: new.clone(),
        was_paid: false,
        under_way: false,
        in_bank_letters: true,
    });
    let paid = |at| standing.payable(&rules(), at).unwrap().payees[0].account.id;
    assert_eq!(paid(now() + TimeDelta::hours(71)), old.id);
    assert_eq!(paid(now() + TimeDelta::hours(72)), new.id);
    // The first one ever is nobody's swap; where it takes another currency, only the new one is left.
    standing.accounts[0].account.currency = Currency::find("SGD").unwrap();
    let cooling = standing.payable(&rules(), now()).unwrap_err();
    assert_eq!(cooling.reason, "account_cooling");
}
