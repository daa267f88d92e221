//! Drafts whose accounts are topped up at a price, whose suppliers may wait, and whose positions are netted.

use std::sync::Arc;

use chrono::TimeDelta;
use rust_decimal::Decimal;

use super::super::document::PlanDocument;
use super::super::lowest::{Draft, Drafted};
use super::super::offer::Offer;
use super::super::payable::tests::{now, rules, standing, usd};
use super::super::payable::{Payable, PayoutRules};
use super::super::payout::FeeBearer;
use super::super::top_up::TopUps;
use super::{drafted, offer, payable, paypal};
use crate::clock::Clock;
use crate::domain::merchants::PayoutAccountKind;
use crate::domain::treasury::{Expected, Holder, Mids, Position, Tables, TopUp};
use crate::ids::IdSource;
use crate::money::{Currency, Money, Percent};

/// A draft without ways to add money, waiting or positions.
pub fn draft(payables: Vec<Payable>, offers: Vec<Offer>, rules: PayoutRules) -> Draft {
    Draft {
        now: now(),
        payables,
        excluded: vec![],
        offers,
        rules,
        tables: Arc::new(Tables::shipped()),
        top_ups: TopUps::new(),
        positions: vec![],
        max_wait_days: 0,
    }
}

/// The plan of a draft at these rates, its certificate checked.
pub fn proven(draft: Draft, rates: &[(&'static str, &str)]) -> Drafted {
    let rates = rates.iter().map(|(code, rate)| (Currency::known(code), rate.parse().unwrap()));
    let mids = Mids { home: draft.currencies().0, as_of: now(), rates: rates.collect() };
    let drafted = draft.plan(mids).unwrap();
    let proof = &drafted.document.proof;
    assert!(proof.cost.minor() >= proof.bound.minor(), "{proof:?}");
    assert_eq!(Ok(proof.gap), proof.cost.checked_sub(proof.bound), "{proof:?}");
    let verdict = plan_checker::check(&drafted.certificate).unwrap();
    assert_eq!(verdict.plan, drafted.document.proof.plan);
    drafted
}

fn sgd(minor: i64) -> Money {
    Money::from_minor(minor, Currency::known("SGD"))
}

fn way(from: &str, sells: Money, limit: i64, fixed: i64, spread_bps: u32) -> TopUp {
    let (limit, fixed) = (usd(limit), Some(usd(fixed)));
    TopUp { from: from.into(), sells: sells.currency(), limit, fixed, spread_bps }
}

/// As many as there are amounts, over PayPal, whose pot is topped up so.
fn topped_up(amounts: &[i64], ways: Vec<TopUp>) -> Draft {
    let ids = IdSource::seeded(Clock::fixed(now()), 21);
    let payables = amounts.iter().map(|amount| Payable { supplier: ids.mint(), ..payable(*amount) });
    let mut draft = draft(payables.collect(), paypal(), rules());
    draft.top_ups.insert("1110[paypal] USD".into(), ways);
    draft
}

#[test]
fn the_cheaper_way_is_used_up_before_the_dearer_one() {
    // 500.00 and a fee of 10.00 are lacking.
    let ways = vec![way("dear", usd(0), 100_000, 0, 50), way("cheap", sgd(0), 30_000, 0, 20)];
    let draft = topped_up(&[50_000], ways);
    assert!(draft.currencies().1.contains(&sgd(0).currency()));
    let document = proven(draft, &[("SGD", "0.75")]).document;
    let need = document.funding().unwrap().remove(0);
    let taken: Vec<(&str, Money, Money, Money)> =
        need.top_ups.iter().map(|one| (one.from.as_str(), one.amount, one.sells, one.cost)).collect();
    // 300.00 at 0.75 less 20 points are 400.80; 210.00 with 50 points 211.05.
    let expected =
        [("dear", usd(21_000), usd(21_105), usd(105)), ("cheap", usd(30_000), sgd(40_080), usd(60))];
    assert_eq!(taken, expected);
    assert!(need.top_ups.iter().all(|one| one.by == need.by));
    assert_eq!((need.missing, document.proof.cost), (usd(51_000), usd(1_000 + 105 + 60)));
    assert_eq!(document.proof.rates[&sgd(0).currency()].to_string(), "0.75");
}

#[test]
fn whom_all_ways_do_not_suffice_for_is_left_out() {
    let draft = topped_up(&[50_000, 20_000], vec![way("bank", sgd(0), 25_000, 100, 0)]);
    let document = proven(draft, &[("SGD", "0.75")]).document;
    assert_eq!((document.lines.len(), document.lines[0].amount), (1, usd(20_000)));
    let left_out = &document.excluded[0];
    assert_eq!((left_out.reason.as_str(), left_out.available), ("no_funds", usd(50_000)));
    assert!(left_out.detail.contains("1110[paypal] USD"), "{}", left_out.detail);
    // Nothing at all may be added.
    let draft = topped_up(&[50_000], vec![way("bank", sgd(0), 0, 0, 0)]);
    let document = proven(draft, &[("SGD", "0.75")]).document;
    assert_eq!((document.lines.len(), document.funding().unwrap().len()), (0, 0));
}

#[test]
fn a_pot_that_is_not_named_gets_what_it_lacks_for_free() {
    let mut one = payable(50_000);
    one.payees[0].account.kind = PayoutAccountKind::Bank;
    let mut draft = draft(vec![one], vec![offer("hand", "csv", 2)], rules());
    draft.top_ups.insert("1110[paypal] USD".into(), vec![way("bank", sgd(0), 0, 0, 0)]);
    let document = proven(draft, &[]).document;
    let need = document.funding().unwrap().remove(0);
    assert_eq!((need.missing, need.top_ups.len(), document.proof.cost), (usd(50_500), 0, usd(500)));
}

/// Owed 600.00 now and so much the next day, over a file whose fee of 5.00 falls away from 1,000.00 on.
fn waiting(coming: i64, due_in: Option<i64>, edit: fn(&mut Payable)) -> Draft {
    let mut standing = standing(60_000, 0);
    standing.accounts[0].account.kind = PayoutAccountKind::Bank;
    let today = now().date_naive();
    standing.due = due_in.map(|days| today + TimeDelta::days(days));
    standing.expected = vec![Expected { on: today + TimeDelta::days(1), amount: usd(coming) }];
    let mut one = standing.payable(&rules(), now()).unwrap();
    edit(&mut one);
    Draft { max_wait_days: 5, ..draft(vec![one], vec![offer("hand", "csv", 2)], rules()) }
}

#[test]
fn whoever_may_waits_where_one_payout_costs_less_than_two() {
    let tomorrow = (now().date_naive() + TimeDelta::days(1)).to_string();
    let document = proven(waiting(50_000, Some(20), |_| {}), &[]).document;
    let left_out = &document.excluded[0];
    assert_eq!(
        (document.lines.len(), left_out.reason.as_str(), left_out.available),
        (0, "waits", usd(60_000))
    );
    assert!(left_out.detail.contains(&tomorrow), "{}", left_out.detail);

    let paid = |draft: Draft| proven(draft, &[]).document.lines.len() == 1;
    assert!(paid(Draft { max_wait_days: 0, ..waiting(50_000, Some(20), |_| {}) }), "off by default");
    assert!(paid(waiting(50_000, None, |_| {})), "without a term");
    assert!(paid(waiting(50_000, Some(0), |_| {})), "beyond the term");
    assert!(paid(waiting(1, Some(20), |payable| payable.expected.clear())), "for nothing that is known");
    // What a later plan would take of it is not known.
    let owes = |payable: &mut Payable| {
        (payable.debt, payable.net) = (usd(100), payable.net.checked_sub(usd(100)).unwrap());
    };
    assert!(paid(waiting(50_000, Some(20), owes)));
    let taxed = |payable: &mut Payable| {
        (payable.withholding, payable.net) = (usd(100), payable.net.checked_sub(usd(100)).unwrap());
    };
    assert!(paid(waiting(50_000, Some(20), taxed)));
}

#[test]
fn what_no_route_brings_within_the_term_is_late_and_says_so() {
    let line = |due_in| {
        let draft = Draft { max_wait_days: 0, ..waiting(1, due_in, |_| {}) };
        proven(draft, &[]).document.lines.remove(0)
    };
    assert!(line(Some(-1)).late);
    assert!(!line(Some(20)).late && !line(None).late);
    let text = |due_in| serde_json::to_string(&line(due_in)).unwrap();
    assert!(text(Some(-1)).contains("\"late\":true") && !text(Some(20)).contains("late"));
}

#[test]
fn positions_are_netted_in_the_content_that_is_approved() {
    let own = |held, owed| Position { entity: "us".into(), holder: Holder::Own, held, owed };
    let mut netted = draft(vec![payable(50_000)], paypal(), rules());
    netted.positions = vec![own(sgd(500), sgd(800))];
    let with = proven(netted, &[]).document;
    let line = &with.netting[0];
    assert_eq!((line.netted, line.to_buy, line.surplus), (sgd(500), sgd(300), sgd(0)));
    let without = drafted(vec![payable(50_000)], paypal(), rules()).document;
    assert_ne!(with.canonical().unwrap(), without.canonical().unwrap());
    // The certificate names what the planner planned: the table is in its hash.
    assert_ne!(with.proof.plan, without.proof.plan);
}

/// What was approved before there were top-ups, terms and tables keeps its bytes.
#[test]
fn plans_of_earlier_programs_read_and_keep_their_hash() {
    let document = drafted(vec![payable(50_000)], paypal(), rules()).document;
    let text = document.canonical().unwrap();
    for later in ["top_ups", "netting", "late"] {
        assert!(!text.contains(later), "{later} stands in what earlier programs wrote without: {text}");
    }
    let read: PlanDocument = serde_json::from_str(&text).unwrap();
    assert_eq!((&read, read.canonical().unwrap()), (&document, text));
}

/// A batch holds no more than its route takes together, in items and in money, and nothing is left out for it.
#[test]
fn a_batch_comes_to_no_more_than_its_route_takes() {
    let ids = IdSource::seeded(Clock::fixed(now()), 23);
    let amounts = [1_500_000, 1_500_000, 200_000, 1_500_000, 1_800_000];
    let payables: Vec<Payable> =
        amounts.iter().map(|amount| Payable { supplier: ids.mint(), ..payable(*amount) }).collect();
    for (most, batches) in [(None, 1), (Some("100000.00"), 1), (Some("33000.00"), 2), (Some("20000.00"), 4)] {
        let mut draft = draft(payables.clone(), paypal(), rules());
        let mut tables = Tables::shipped();
        for route in &mut tables.routes.routes {
            route.maximum_batch = most.map(str::to_owned).filter(|_| route.name == "paypal-usd");
        }
        draft.tables = Arc::new(tables);
        let document = proven(draft, &[]).document;
        assert_eq!(document.lines.len(), amounts.len());
        let mut sums = std::collections::BTreeMap::new();
        for line in &document.lines {
            *sums.entry(line.batch).or_insert(0) += line.amount.minor();
        }
        let limit = most.map_or(i64::MAX, |most| Money::parse(most, usd(0).currency()).unwrap().minor());
        assert!(sums.values().all(|sum| *sum <= limit), "{most:?}: {sums:?}");
        assert!(sums.len() >= batches && (batches > 1 || sums.len() == 1), "{most:?}: {sums:?}");
        assert_eq!(sums.keys().copied().collect::<Vec<usize>>(), (1..=sums.len()).collect::<Vec<usize>>());
    }
}

/// Whoever owes as much as it has gets the least item that reaches it, and the rest comes off its debt.
#[test]
fn debts_leave_the_least_item_of_a_route() {
    let all = PayoutRules { debt_cap: Percent::try_new(Decimal::from(100)).unwrap(), ..rules() };
    for (available, owed, expected) in [
        (6_000, 9_900, Some((100, 5_900))),
        (6_000, 5_950, Some((100, 5_900))),
        (6_000, 5_900, Some((100, 5_900))),
        (6_000, 5_000, Some((1_000, 5_000))),
        (150, 9_900, Some((100, 50))),
        (99, 9_900, None),
    ] {
        let payable = standing(available, owed).payable(&all, now()).unwrap();
        let document = drafted(vec![payable], paypal(), all.clone()).document;
        let line = document.lines.first().map(|line| (line.amount.minor(), line.debt.minor()));
        assert_eq!(line, expected, "{available} {owed}: {:?}", document.excluded);
        assert!(document.lines.iter().all(|line| line.gross == usd(available)));
    }
    // Two cents are the fee of a dollar, where the supplier bears it.
    for (available, expected) in [(6_000, Some((100, 5_898))), (102, Some((100, 0))), (101, None)] {
        let mut standing = standing(available, 9_900);
        standing.terms.bearer = Some(FeeBearer::Supplier);
        let payable = standing.payable(&all, now()).unwrap();
        let document = drafted(vec![payable], paypal(), all.clone()).document;
        let line = document.lines.first().map(|line| (line.amount.minor(), line.debt.minor()));
        assert_eq!(line, expected, "{available}: {:?}", document.excluded);
    }
}
