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
        items_per_call: None,
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
        accounts: vec![Payee {
            account,
            was_paid: true,
            under_way: false,
            changed: false,
            in_bank_letters: true,
        }],
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
    for (was_paid, under_way, changed, limited, waits) in [
        (false, true, true, true, true),
        (false, false, true, true, false),
        (true, true, true, true, false),
        (false, true, true, false, false),
        (false, true, false, true, false),
    ] {
        let mut standing = standing(6_000, 0);
        let account = &mut standing.accounts[0];
        (account.was_paid, account.under_way, account.changed) = (was_paid, under_way, changed);
        let mut rules = rules();
        rules.first_payout.retain(|_| limited);
        let reason = standing.payable(&rules, now()).err().map(|excluded| excluded.reason);
        let expected = waits.then(|| FIRST_UNDER_WAY.to_owned());
        assert_eq!(reason, expected, "{was_paid} {under_way} {changed} {limited}");
    }
}

/// 1,000.00 dollars at 33.333333; a currency without a rate is paid nothing at first.
#[test]
fn the_limit_is_worth_the_same_in_every_currency() {
    let (thb, vnd) = (Currency::known("THB"), Currency::known("VND"));
    let rate = |base, quote| (quote == thb).then(|| Rate::parse(base, quote, "33.3333339").unwrap());
    let rules = rules().valued([thb, vnd, usd(1).currency()], rate);
    assert_eq!(rules.first_payout, [usd(100_000), Money::from_minor(3_333_333, thb)]);
    let mut standing = standing(6_000, 0);
    (standing.available, standing.owed, standing.withholding) =
        (Money::from_minor(5_000_000, vnd), Money::zero(vnd), Money::zero(vnd));
    let account = &mut standing.accounts[0];
    (account.account.currency, account.was_paid) = (vnd, false);
    assert!(standing.payable(&rules, now()).is_ok(), "its first account of all");
    standing.accounts[0].changed = true;
    assert_eq!(standing.payable(&rules, now()).unwrap_err().reason, "no_rate");
}

/// Debts in other currencies give way as well, the last one first, each by what its rate makes of it.
#[test]
fn debts_in_other_currencies_leave_what_is_to_be_paid() {
    let set_off = |covered: i64, code: &'static str, taken: i64, rate: &str| SetOff {
        covered: Money::from_minor(covered, Currency::known(code)),
        taken: usd(taken),
        rate: rate.parse().unwrap(),
    };
    let (thai, viet) = (set_off(100_000, "THB", 3_000, "0.03"), set_off(400_000, "VND", 1_600, "0.00004"));
    for (own, foreign, more, debt, left) in [
        (500, vec![thai], 300, 3_200, vec![(100_000, 3_000)]),
        (0, vec![thai], 100, 2_900, vec![(96_666, 2_900)]),
        (50, vec![thai], 100, 2_950, vec![(96_666, 2_900)]),
        (0, vec![thai, viet], 1_600, 3_000, vec![(100_000, 3_000)]),
        (0, vec![thai, viet], 1_700, 2_900, vec![(96_666, 2_900)]),
        (100, vec![thai], 3_050, 50, vec![]),
    ] {
        let mut payable = standing(6_000, 0).payable(&rules(), now()).unwrap();
        let taken: i64 = foreign.iter().map(|one| one.taken.minor()).sum();
        (payable.debt, payable.net) = (usd(own + taken), usd(6_000 - own - taken));
        payable.set_off = foreign;
        let leaving = payable.leaving(usd(payable.net.minor() + more)).unwrap();
        let seen: Vec<_> =
            leaving.set_off.iter().map(|one| (one.covered.minor(), one.taken.minor())).collect();
        assert_eq!((leaving.debt, seen), (usd(debt), left), "{own} {more}");
        assert_eq!(leaving.net, usd(6_000 - debt));
        assert!(payable.leaving(usd(6_001)).is_none());
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
        changed: true,
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
