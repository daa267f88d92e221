//! A plan that fills accounts evenly: where several hold the money and prices do not tell them apart, nearly everybody
//! would draw on the first.

use std::cmp::Reverse;

use super::dual::{Scope, cheapest, reduced};
use super::problem::{Choice, Problem};

/// Ways that cost this much more at the prices count as alike: about a minor unit.
const ALIKE: i128 = 1_000_000_000;

/// The largest first, each by one of its cheapest ways, from the account of which most is left in parts of what it holds. Who
/// fits nowhere draws where money can be had beyond that.
pub fn pack(problem: &Problem, scope: &Scope, prices: &[i128]) -> Vec<usize> {
    let held: Vec<i64> = (0..problem.resources.len()).map(|one| holds(problem, scope, one)).collect();
    let mut left = held.clone();
    let money = |choice: &Choice| {
        let own = choice.uses.iter().find(|(one, _)| problem.resources[*one as usize].is_money());
        own.map(|(one, amount)| (*one as usize, *amount))
    };
    let mut chosen: Vec<usize> = Vec::with_capacity(problem.suppliers.len());
    for supplier in 0..problem.suppliers.len() {
        chosen.push(cheapest(problem, scope, supplier, prices).1);
    }
    let mut order: Vec<usize> = (0..chosen.len()).collect();
    let amount = |one: &usize| money(&problem.suppliers[*one][chosen[*one]]).map_or(0, |(_, amount)| amount);
    order.sort_by_key(|one| (Reverse(amount(one)), *one));
    for supplier in order {
        let (least, _) = cheapest(problem, scope, supplier, prices);
        let alike = scope.open(problem, supplier);
        let alike = alike.filter(|(_, choice)| reduced(choice, prices).saturating_sub(least) <= ALIKE);
        let ranked = alike.map(|(way, choice)| {
            let fits = choice.uses.iter().all(|(one, amount)| *amount <= left[*one as usize]);
            let (account, _) = money(choice).unwrap_or((0, 0));
            let full = i128::from(left[account]) * (1 << 32) / i128::from(held[account].max(1));
            let more = problem.resources[account].ways();
            ((fits, if fits { full } else { more as i128 }), Reverse(way))
        });
        if let Some((_, Reverse(way))) = ranked.max() {
            chosen[supplier] = way;
            for (one, amount) in problem.suppliers[supplier][way].uses.iter() {
                left[*one as usize] = left[*one as usize].saturating_sub(*amount);
            }
        }
    }
    chosen
}

/// What there is of a resource without anything beyond; of what is no money all that the scope allows.
fn holds(problem: &Problem, scope: &Scope, one: usize) -> i64 {
    let (own, modes) = (&problem.resources[one], scope.modes[one]);
    let points = own.points(if own.is_money() { (modes.0, modes.0) } else { modes });
    let supplies = points.into_iter().map(|(supply, _)| supply);
    if own.is_money() { supplies.min().unwrap_or(0) } else { supplies.max().unwrap_or(0) }
}

#[cfg(test)]
mod tests {
    use super::super::dual::bound;
    use super::super::resource::Resource;
    use super::*;

    #[test]
    fn accounts_at_one_price_are_filled_alike_and_none_is_overdrawn() {
        let (amounts, held) = ([50, 40, 30, 30, 20, 10, 10, 5, 5], [100_i64, 60, 40]);
        let resources = held.map(|held| Resource::account(held, 1, &[], 200)).to_vec();
        let ways = |amount: i64| {
            (0..3).map(move |one| Choice { cost: 0, uses: [(one, amount)].into_iter().collect() })
        };
        let suppliers = amounts.into_iter().map(|amount| ways(amount).collect()).collect();
        let problem = Problem { suppliers, resources };
        let (scope, prices) = (Scope::whole(&problem), [7; 3]);
        let (_, first) = bound(&problem, &scope, &prices);
        assert_eq!(problem.used(&first), [200, 0, 0], "the first of equals");
        let used = problem.used(&pack(&problem, &scope, &prices));
        assert_eq!(used, held, "200 of 200");
        assert_eq!(problem.cost(&pack(&problem, &scope, &prices)), 0);
    }
}
