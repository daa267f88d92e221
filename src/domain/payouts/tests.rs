//! Drafts: what is chosen, what is refused, and that each is proven.

mod funded;

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::document::{Line, Told};
use super::lowest::Drafted;
use super::offer::Offer;
use super::payable::tests::{now, rules, standing, usd};
use super::payable::{Payable, PayoutRules};
use super::payout::FeeBearer;
use crate::clock::Clock;
use crate::domain::merchants::{Funding, PayoutAccountKind, RailAccount};
use crate::domain::treasury::Tables;
use crate::ids::IdSource;
use crate::money::{Currency, Money};
use funded::{draft, proven};

/// A rail account of its own that holds nothing.
pub fn offer(name: &str, rail: &str, seed: u64) -> Offer {
    let ids = IdSource::seeded(Clock::fixed(now()), seed);
    let account = RailAccount {
        id: ids.mint(),
        merchant: ids.mint(),
        name: name.into(),
        rail: rail.into(),
        currency: usd(1).currency(),
        funding: Funding::GatewayAccount(name.into()),
        created_at: now(),
    };
    Offer { account, pot: format!("1110[{name}] USD"), held: usd(0), limit: 1_000 }
}

/// A draft without any rates.
pub fn drafted(payables: Vec<Payable>, offers: Vec<Offer>, rules: PayoutRules) -> Drafted {
    at_rates(payables, offers, rules, &[])
}

/// At these rates: units of what costs are stated in for one of each.
pub fn at_rates(
    payables: Vec<Payable>,
    offers: Vec<Offer>,
    rules: PayoutRules,
    rates: &[(&'static str, &str)],
) -> Drafted {
    proven(draft(payables, offers, rules), rates)
}

fn payable(available: i64) -> Payable {
    standing(available, 0).payable(&rules(), now()).unwrap()
}

fn paypal() -> Vec<Offer> {
    vec![offer("paypal", "paypal_payouts", 1)]
}

#[test]
fn the_fee_is_the_tables_and_inside_it_is_the_largest_that_fits() {
    let line = |net: i64, bearer: Option<FeeBearer>| {
        let mut payable = payable(net);
        payable.terms.bearer = bearer;
        let line = drafted(vec![payable], paypal(), rules()).document.lines.remove(0);
        (line.amount.minor(), line.borne.minor(), line.fee.minor())
    };
    for (net, fee) in [(50_000, 1_000), (100_000, 2_000), (1_999_900, 2_000)] {
        assert_eq!(line(net, None), (net, 0, fee));
    }
    // J19.
    assert_eq!(line(50_000, Some(FeeBearer::Supplier)), (49_020, 980, 980));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn what_is_borne_and_sent_is_the_whole_and_nothing_larger_fits(net in 200..5_000_000_i64) {
        let mut one = payable(net);
        one.terms.bearer = Some(FeeBearer::Supplier);
        let lines = drafted(vec![one], paypal(), rules()).document.lines;
        let sum = |of: fn(&Line) -> i64| lines.iter().map(of).sum::<i64>();
        prop_assert_eq!(sum(|line| line.gross.minor()), net);
        for line in &lines {
            prop_assert_eq!(line.amount.minor() + line.borne.minor(), line.net.minor());
            prop_assert!(line.fee.minor() <= line.borne.minor());
        }
        if let [line] = &lines[..] {
            let more = line.amount.minor() + 1;
            let fee = ((more * 2 + 50) / 100).min(2_000);
            prop_assert!(more + fee > net);
        }
    }
}

#[test]
fn the_cheapest_rail_is_taken_and_the_next_one_named() {
    let mut one = payable(50_000);
    let mut bank = one.payees[0].clone();
    bank.account.id = IdSource::seeded(Clock::fixed(now()), 77).mint();
    bank.account.kind = PayoutAccountKind::Bank;
    one.payees.push(bank);
    let offers = vec![offer("paypal", "paypal_payouts", 1), offer("hand", "csv", 2)];
    let document = drafted(vec![one.clone()], offers.clone(), rules()).document;
    let line = &document.lines[0];
    // 5.00 below 1,000.00 by the file, 10.00 by PayPal.
    assert_eq!(
        (line.rail_account, line.account, line.fee),
        (offers[1].account.id, one.payees[1].account.id, usd(500))
    );
    let next = line.next.as_ref().unwrap();
    assert_eq!((next.rail_account, next.difference), (offers[0].account.id, usd(500)));
    assert_eq!((document.proof.cost, document.proof.bound, document.proof.gap), (usd(500), usd(500), usd(0)));
    assert_eq!(document.proof.saved, Some(usd(500)));
    // The supplier's own rail, and none at all.
    let mut own = one.clone();
    own.terms.rail = Some(offers[0].account.id);
    let document = drafted(vec![own], offers, rules()).document;
    assert_eq!(document.lines[0].rail, "paypal_payouts");
    assert_eq!(drafted(vec![one], vec![], rules()).document.excluded[0].reason, "no_route");
}

#[test]
fn the_first_payout_to_a_changed_account_is_capped_and_the_rest_stays() {
    let mut standing = standing(150_000, 0);
    standing.accounts[0].was_paid = false;
    for (changed, paid) in [(true, 100_000), (false, 150_000)] {
        standing.accounts[0].changed = changed;
        let payable = standing.payable(&rules(), now()).unwrap();
        let line = drafted(vec![payable], paypal(), rules()).document.lines.remove(0);
        assert_eq!((line.gross, line.amount, line.capped), (usd(paid), usd(paid), changed));
    }
}

#[test]
fn above_the_routes_limit_a_payable_is_several_lines_that_sum_to_it() {
    let payable = standing(5_000_000, 100_000).payable(&rules(), now()).unwrap();
    let document = drafted(vec![payable], paypal(), rules()).document;
    let sums = |of: fn(&Line) -> Money| document.lines.iter().map(|line| of(line).minor()).sum::<i64>();
    assert_eq!(document.lines.len(), 3);
    assert!(document.lines.iter().all(|line| line.amount.minor() <= 2_000_000));
    assert_eq!(
        (sums(|line| line.gross), sums(|line| line.debt), sums(|line| line.amount)),
        (5_000_000, 100_000, 4_900_000)
    );
    let dropped = document.without(document.lines[0].supplier, usd(1).currency()).unwrap();
    assert_eq!((dropped.lines.len(), dropped.excluded[0].available), (0, usd(5_000_000)));
}

#[test]
fn a_currency_that_no_route_prices_is_paid_at_a_price_that_is_not_verified() {
    let krw = Currency::known("KRW");
    let mut standing = standing(0, 0);
    (standing.available, standing.owed, standing.withholding) =
        (Money::from_minor(50_000, krw), Money::zero(krw), Money::zero(krw));
    standing.accounts[0].account.currency = krw;
    standing.accounts[0].account.kind = PayoutAccountKind::Bank;
    let payable = standing.payable(&rules(), now()).unwrap();
    let mut offer = offer("hand", "csv", 2);
    (offer.account.currency, offer.held) = (krw, Money::zero(krw));
    let line = drafted(vec![payable], vec![offer], rules()).document.lines.remove(0);
    assert_eq!((line.route.as_str(), line.trust.as_str()), ("csv-any-krw", "unverified"));
}

#[test]
fn what_a_conversion_would_cost_is_shown_and_never_executed() {
    let mut thai = standing(0, 0);
    let thb = Currency::known("THB");
    (thai.available, thai.owed, thai.withholding) =
        (Money::from_minor(1_000_000, thb), Money::zero(thb), Money::zero(thb));
    (thai.accounts[0].account.currency, thai.accounts[0].account.country) = (thb, "TH".into());
    let thai = thai.payable(&rules(), now()).unwrap();
    // From dollars alone nothing is paid, whatever it would cost.
    let alone = at_rates(vec![thai.clone()], paypal(), rules(), &[("USD", "35.1")]);
    assert_eq!(alone.document.excluded[0].reason, "no_route");
    // Beside a payable in dollars costs are in dollars, at the rate that is named.
    let mut offers = paypal();
    offers.push(offer("paypal", "paypal_payouts", 5));
    let second = &mut offers[1];
    (second.account.currency, second.held, second.pot) = (thb, Money::zero(thb), "1110[paypal] THB".into());
    let both = at_rates(vec![payable(50_000), thai.clone()], offers.clone(), rules(), &[("THB", "0.0285")]);
    assert!(
        both.document
            .lines
            .iter()
            .all(|line| line.rail_account == offers[0].account.id || line.net.currency() == thb)
    );
    // 10.00 dollars, and 200.00 baht at 0.0285.
    assert_eq!((both.document.lines.len(), both.document.proof.cost), (2, usd(1_570)));
    let whole: serde_json::Value = serde_json::from_str(&both.certificate).unwrap();
    let routes = whole["body"]["routes"].as_array().unwrap();
    let converts = routes.iter().position(|route| route["name"] == "paypal-usd-thb").unwrap();
    let parts = whole["body"]["parts"].as_array().unwrap().iter();
    let suppliers = parts.flat_map(|part| part["suppliers"].as_array().unwrap());
    let shown: Vec<_> = suppliers
        .flat_map(|one| one["alternatives"].as_array().unwrap())
        .filter(|one| one["route"] == converts)
        .collect();
    assert_eq!((shown.len(), &shown[0]["ruled_out"]), (1, &"converts".into()));
    assert_ne!(shown[0]["cost"], "0");
    // Without a rate the baht cannot stand beside the dollars; by themselves they need none.
    let beside = at_rates(vec![payable(50_000), thai.clone()], offers.clone(), rules(), &[]);
    assert_eq!((beside.document.lines.len(), beside.document.excluded[0].reason.as_str()), (1, "no_rate"));
    assert_eq!(at_rates(vec![thai], offers, rules(), &[]).document.lines.len(), 1);
}

#[test]
fn a_batch_is_of_one_route_and_no_larger_than_the_rail_takes() {
    let ids = IdSource::seeded(Clock::fixed(now()), 99);
    let mut payables = vec![];
    for nth in 0..7 {
        let mut one = payable(50_000);
        one.supplier = ids.mint();
        one.payees[0].account.kind = PayoutAccountKind::Bank;
        one.payees[0].account.country = if nth < 5 { "US" } else { "MY" }.into();
        one.terms.town = Some("Springfield".into());
        payables.push(one);
    }
    let mut bank = offer("bank", "pain001", 3);
    bank.limit = 2;
    let document = drafted(payables.clone(), vec![bank.clone()], rules()).document;
    let batches: Vec<(&str, usize)> =
        document.lines.iter().map(|line| (line.route.as_str(), line.batch)).collect();
    let (us, wire) = ("bank-us", "swift-usd-usd");
    assert_eq!(batches, [(us, 1), (us, 1), (us, 2), (us, 2), (us, 3), (wire, 4), (wire, 4)]);
    // 5 × 0.25 and three batches of 15.00, 2 × 25.00 and what correspondents take.
    assert_eq!(document.proof.cost, usd(125 + 3 * 1_500 + 2 * 3_750));
    let calls: Vec<usize> =
        std::iter::successors(Some(0), |done| Some(done + document.next_call(*done, |_| 1_000)?.len()))
            .collect();
    assert_eq!(calls, [0, 2, 4, 5, 7]);
    // The batch's fee is worth it for several, not for one.
    bank.limit = 1_000;
    let both = vec![bank, offer("hand", "csv", 4)];
    let routes = |payables: &[Payable]| {
        let document = drafted(payables.to_vec(), both.clone(), rules()).document;
        document.lines.iter().map(|line| line.route.clone()).collect::<Vec<_>>()
    };
    assert_eq!(routes(&payables[..1]), ["csv-usd"]);
    assert!(routes(&payables[..5]).iter().all(|route| route == us));
}

#[test]
fn every_call_pays_the_fee_of_its_batch() {
    let ids = IdSource::seeded(Clock::fixed(now()), 99);
    let mut offers =
        vec![offer("one", "pain001", 3), offer("two", "pain001", 4), offer("three", "pain001", 5)];
    // The third draws on the first one's money: the rail account makes the call, not the money.
    offers[2].pot = offers[0].pot.clone();
    for (first, second, batches) in [(0, 0, 1), (0, 1, 2), (0, 2, 2), (2, 2, 1)] {
        let payables = [first, second].map(|own| {
            let mut one = payable(50_000);
            one.supplier = ids.mint();
            one.payees[0].account.kind = PayoutAccountKind::Bank;
            one.payees[0].account.country = "US".into();
            one.terms.town = Some("Springfield".into());
            one.terms.rail = Some(offers[own].account.id);
            one
        });
        let document = drafted(payables.into(), offers.clone(), rules()).document;
        let calls: std::collections::BTreeSet<usize> = document.lines.iter().map(|line| line.batch).collect();
        assert_eq!(calls.len(), batches, "{first} {second}");
        let cost = usd(2 * 25 + i64::try_from(batches).unwrap() * 1_500);
        assert_eq!((document.proof.cost, document.proof.gap), (cost, usd(0)), "{first} {second}");
    }
}

#[test]
fn what_is_missing_is_named_with_its_moment() {
    let mut offers = paypal();
    offers[0].held = usd(30_000);
    let document = drafted(vec![payable(50_000)], offers, rules()).document;
    let need = document.funding().unwrap().remove(0);
    assert_eq!((need.needed, need.held, need.missing), (usd(51_000), usd(30_000), usd(21_000)));
    assert!(need.by >= now());
}

/// PayPal carries New Taiwan dollars and forints without decimals: what is over stays in the balance.
#[test]
fn what_a_rail_does_not_carry_stays_in_the_balance() {
    for (code, available, bearer, gross, amount, borne) in [
        ("TWD", 10_050, None, 10_000, 10_000, 0),
        ("TWD", 1_000_000, Some(FeeBearer::Supplier), 999_906, 980_300, 19_606),
        ("HUF", 1_000_000, Some(FeeBearer::Supplier), 999_906, 980_300, 19_606),
        ("HUF", 1_000_050, None, 1_000_000, 1_000_000, 0),
    ] {
        let currency = Currency::known(code);
        let money = |minor| Money::from_minor(minor, currency);
        let mut standing = standing(0, 0);
        (standing.available, standing.owed, standing.withholding) = (money(available), money(0), money(0));
        standing.accounts[0].account.currency = currency;
        standing.terms.bearer = bearer;
        let mut offers = paypal();
        (offers[0].account.currency, offers[0].held) = (currency, money(0));
        let payable = standing.payable(&rules(), now()).unwrap();
        let line = drafted(vec![payable], offers, rules()).document.lines.remove(0);
        let whole = (line.gross.minor(), line.amount.minor(), line.borne.minor());
        assert_eq!(whole, (gross, amount, borne), "{code} {available}");
    }
}

#[test]
fn money_that_lies_idle_is_used_before_more_is_asked_for() {
    let ids = IdSource::seeded(Clock::fixed(now()), 12);
    let mut offers = vec![offer("dbs", "csv", 3), offer("ocbc", "csv", 4)];
    offers.iter_mut().for_each(|offer| offer.held = usd(10_000));
    let payables = (0..2).map(|_| {
        let mut one = payable(8_000);
        one.supplier = ids.mint();
        one.payees[0].account.kind = PayoutAccountKind::Bank;
        one
    });
    let document = drafted(payables.collect(), offers, rules()).document;
    let needs = document.funding().unwrap();
    assert_eq!(needs.len(), 2);
    assert!(needs.iter().all(|need| need.needed == usd(8_500) && need.missing.is_zero()), "{needs:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn lines_come_to_what_the_proof_says(
        owed in proptest::collection::vec((200..3_000_000_i64, 0..48_u8), 1..14),
        limit in 1..20_usize,
    ) {
        let ids = IdSource::seeded(Clock::fixed(now()), 12);
        let payables = owed.iter().map(|(amount, dice)| {
            let mut one = payable(*amount);
            one.supplier = ids.mint();
            if dice & 1 == 1 {
                let mut bank = one.payees[0].clone();
                bank.account.id = ids.mint();
                bank.account.kind = PayoutAccountKind::Bank;
                bank.account.country = if dice & 2 == 2 { "US" } else { "MY" }.into();
                one.payees.push(bank);
            }
            one.terms.town = (dice & 4 == 4).then(|| "Austin".into());
            let bearers = [None, Some(FeeBearer::Platform), Some(FeeBearer::Supplier), Some(FeeBearer::Shared)];
            one.terms.bearer = bearers[usize::from(dice >> 3) % 4];
            one
        });
        let payables: Vec<Payable> = payables.collect();
        let mut offers = paypal();
        offers.extend([offer("bank", "pain001", 2), offer("hand", "csv", 3)]);
        offers.iter_mut().for_each(|offer| offer.limit = limit);
        let document = drafted(payables, offers, rules()).document;
        prop_assert!(document.excluded.is_empty());
        let of = |what: fn(&Line) -> Money| document.lines.iter().map(|line| what(line).minor()).sum::<i64>();
        prop_assert_eq!(of(|line| line.gross), owed.iter().map(|(amount, _)| amount).sum::<i64>());
        prop_assert_eq!(of(|line| line.amount) + of(|line| line.borne), of(|line| line.net));
        // What is charged for each, on the way and for each batch, is what the certificate proves to be the least.
        let mut batches: BTreeMap<usize, (&str, usize)> = BTreeMap::new();
        for line in &document.lines {
            batches.entry(line.batch).or_insert((&line.route, 0)).1 += 1;
        }
        prop_assert!(batches.values().all(|(_, count)| *count <= limit));
        let table = Tables::shipped().routes;
        let fees = batches.values().map(|(route, _)| {
            table.named(route, usd(1).currency(), now().date_naive()).unwrap().fee_of_batch().minor()
        });
        let cost = of(|line| line.fee) + of(|line| line.lifting) + fees.sum::<i64>();
        prop_assert_eq!(usd(cost), document.proof.cost);
        }
}

/// What rails are told is as it was approved, and as many as there are payees cost one walk.
#[test]
fn what_rails_are_told_is_that_of_the_lines() {
    let mut document = drafted(vec![payable(50_000)], paypal(), rules()).document;
    let ids = IdSource::seeded(Clock::fixed(now()), 9);
    let first = document.lines.remove(0);
    for nth in 0..50_000 {
        let (supplier, account) = (ids.mint(), ids.mint());
        let town = (nth % 2 == 0).then(|| format!("Town {nth}"));
        let bearer = if nth % 3 == 0 { FeeBearer::Shared } else { FeeBearer::Platform };
        // A second line to the same account says nothing else.
        for town in [town.clone(), Some("Elsewhere".to_owned())] {
            document.lines.push(Line { supplier, account, town, bearer, ..first.clone() });
        }
    }
    let told = document.told();
    assert_eq!(told.len(), 50_000);
    for line in document.lines.iter().step_by(2) {
        let expected = Told { town: line.town.as_deref(), bearer: line.bearer };
        assert_eq!(told[&(line.supplier, line.account)], expected);
    }
}
