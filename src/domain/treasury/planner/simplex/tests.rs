//! Prices that are reached are at a top: the bound is concave, and no price by itself leads higher.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::super::dual::{Scope, bound, reduced};
use super::super::problem::{Choice, Problem};
use super::super::resource::{Refill, Resource};
use super::raise;

/// Cost units of a minor unit of home: prices are whole numbers of them.
const MINOR: i128 = 1_000_000_000;

/// Suppliers that are paid out of one to three accounts, or over a route with batches, or not at all.
fn drawn(dice: &mut StdRng) -> Problem {
    let suppliers = dice.random_range(2..14);
    let accounts: u32 = dice.random_range(1..4);
    let payments: Vec<i64> = (0..suppliers).map(|_| dice.random_range(100..10_000)).collect();
    let all: i64 = payments.iter().sum();
    let ways = |dice: &mut StdRng, payment: i64| {
        let unpaid = Choice { cost: i128::from(payment) * 50 * MINOR, uses: [].into_iter().collect() };
        let mut ways = vec![unpaid];
        for account in 0..accounts {
            let cost = i128::from(dice.random_range(0..payment)) * MINOR;
            let batch = dice.random_bool(0.4).then_some((accounts, dice.random_range(1..4)));
            let uses = std::iter::once((account, payment)).chain(batch).collect();
            ways.push(Choice { cost, uses });
        }
        ways
    };
    let suppliers = payments.iter().map(|payment| ways(dice, *payment)).collect();
    let mut resources = Vec::new();
    for _ in 0..accounts {
        let refills: Vec<Refill> = (0..dice.random_range(0..3))
            .map(|_| Refill {
                fixed: dice.random_range(0..5_000) * MINOR,
                per_unit: dice.random_range(1..4_000) * MINOR / 1_000,
                limit: dice.random_range(1..all),
            })
            .collect();
        resources.push(Resource::account(dice.random_range(0..all), MINOR, &refills, all));
    }
    resources.push(Resource::batches(dice.random_range(1..8), dice.random_range(1..2_000) * MINOR, 50));
    Problem { suppliers, resources }
}

/// The prices of one resource at which a choice or a supply changes, the others as they are: between them the bound is a
/// straight line, so that its top along this price is at one of them.
fn corners(problem: &Problem, scope: &Scope, prices: &[i128], resource: usize) -> Vec<i128> {
    let others: Vec<i128> =
        prices.iter().enumerate().map(|(one, price)| if one == resource { 0 } else { *price }).collect();
    let mut lines: Vec<Vec<(i128, i128)>> = Vec::new();
    for ways in &problem.suppliers {
        let line = |way: &Choice| (reduced(way, &others), i128::from(way.uses.of(resource)));
        lines.push(ways.iter().map(line).collect());
    }
    let points = problem.resources[resource].points(scope.modes[resource]);
    lines.push(points.into_iter().map(|(supply, cost)| (cost, -i128::from(supply))).collect());
    let mut corners = vec![0];
    for (one, two) in
        lines.iter().flat_map(|own| own.iter().flat_map(|one| own.iter().map(move |two| (one, two))))
    {
        let (cost, amount) = (one.0 - two.0, two.1 - one.1);
        if amount > 0 && cost >= 0 {
            corners.extend([cost / amount, cost / amount + 1]);
        }
    }
    corners
}

#[test]
fn no_price_alone_raises_the_bound_that_is_reached() {
    let mut dice = StdRng::seed_from_u64(20_261_130);
    let mut raised = 0;
    for round in 0..300 {
        let problem = drawn(&mut dice);
        let scope = Scope::whole(&problem);
        let mut prices = vec![0; problem.resources.len()];
        let (before, _) = bound(&problem, &scope, &prices);
        // Above every plan: whoever is paid, and all that can be had.
        let goal = problem.suppliers.iter().flatten().map(|way| way.cost).sum::<i128>();
        raise(&problem, &scope, &mut prices, goal, 10_000);
        let (after, _) = bound(&problem, &scope, &prices);
        for resource in 0..prices.len() {
            for price in corners(&problem, &scope, &prices, resource) {
                let mut other = prices.clone();
                other[resource] = price;
                let (beside, _) = bound(&problem, &scope, &other);
                assert!(
                    beside <= after + after / 1_000_000,
                    "{round}: {resource} at {price}: {beside}, not {after}"
                );
            }
        }
        raised += usize::from(after > before);
    }
    assert!(raised > 200, "only {raised} were raised");
}

#[test]
fn prices_are_never_left_worse_and_no_exchange_moves_none() {
    let mut dice = StdRng::seed_from_u64(7);
    for exchanges in [0, 1, 2, 5] {
        for _ in 0..50 {
            let problem = drawn(&mut dice);
            let scope = Scope::whole(&problem);
            let mut prices: Vec<i128> =
                (0..problem.resources.len()).map(|_| dice.random_range(0..60) * MINOR / 10).collect();
            let (given, (before, _)) = (prices.clone(), bound(&problem, &scope, &prices));
            raise(&problem, &scope, &mut prices, before + 1_000 * MINOR, exchanges);
            assert!(bound(&problem, &scope, &prices).0 >= before);
            assert!(exchanges > 0 || prices == given);
        }
    }
}
