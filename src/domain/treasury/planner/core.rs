//! What is left of a problem where a plan is known: at prices that prove a bound, a way that by itself adds as much as the plan
//! lies above it is in no cheaper plan, nor is a mode. Most suppliers are left a single way; the search goes over the others.

use super::dual::{Scope, bound, cheapest, reduced};
use super::problem::{Choice, Problem};
use super::search::Node;

/// The rest of a problem.
#[derive(Debug, Clone)]
pub struct Core {
    pub problem: Problem,
    pub scope: Scope,
    /// Suppliers that still have several ways, in their order, and the ways.
    members: Vec<(usize, Vec<usize>)>,
    /// What the others take.
    taken: Vec<usize>,
}

impl Core {
    /// Without whatever makes a plan cost `at_least` or more.
    pub fn new(problem: &Problem, scope: &Scope, prices: &[i128], at_least: i128) -> Core {
        let (lower, taken) = bound(problem, scope, prices);
        let room = at_least.saturating_sub(lower);
        let (mut members, mut suppliers) = (Vec::new(), Vec::new());
        let (mut cost, mut used) = (0_i128, vec![0_i64; problem.resources.len()]);
        for (supplier, only) in taken.iter().enumerate() {
            let (least, _) = cheapest(problem, scope, supplier, prices);
            let open = scope.open(problem, supplier);
            let near = open.filter(|(_, choice)| reduced(choice, prices).saturating_sub(least) < room);
            let (places, choices): (Vec<usize>, Vec<Choice>) = near.unzip();
            if places.len() > 1 {
                members.push((supplier, places));
                suppliers.push(choices);
                continue;
            }
            let only = &problem.suppliers[supplier][*only];
            cost = cost.saturating_add(only.cost);
            for (resource, amount) in only.uses.iter() {
                used[*resource as usize] += amount;
            }
        }
        // What the others take, as suppliers without a choice.
        let rest = used.into_iter().zip(0_u32..).filter(|(amount, _)| *amount != 0);
        suppliers.push(vec![Choice { cost, uses: [].into_iter().collect() }]);
        suppliers.extend(
            rest.map(|(amount, one)| vec![Choice { cost: 0, uses: [(one, amount)].into_iter().collect() }]),
        );
        let modes = (0..problem.resources.len()).map(|one| modes(problem, scope, prices, one, room));
        let scope = Scope::of_modes(modes.collect());
        Core { problem: Problem { suppliers, resources: problem.resources.clone() }, scope, members, taken }
    }

    /// Its part of a plan.
    pub fn part(&self, plan: &[usize]) -> Option<Vec<usize>> {
        let fixed = self.problem.suppliers.len() - self.members.len();
        let own = self
            .members
            .iter()
            .map(|(supplier, places)| places.iter().position(|one| *one == plan[*supplier]));
        own.chain(std::iter::repeat_n(Some(0), fixed)).collect()
    }

    /// A plan of it as one of the whole.
    pub fn whole(&self, part: &[usize]) -> Vec<usize> {
        let mut plan = self.taken.clone();
        for ((supplier, places), own) in self.members.iter().zip(part) {
            plan[*supplier] = places[*own];
        }
        plan
    }

    /// A node of its tree as one of the whole's, `by` places further on.
    pub fn moved(&self, node: Node, by: usize) -> Node {
        match node.moved(by) {
            Node::Choice { supplier, choice, take, leave } => {
                let (supplier, places) = &self.members[supplier];
                Node::Choice { supplier: *supplier, choice: places[choice], take, leave }
            }
            other => other,
        }
    }
}

/// A scope without whatever makes a plan cost `at_least` or more at these prices; none where nothing does.
pub fn narrower(problem: &Problem, scope: &Scope, prices: &[i128], at_least: i128) -> Option<Scope> {
    let (lower, _) = bound(problem, scope, prices);
    let room = at_least.saturating_sub(lower);
    let (mut narrow, mut any) = (scope.clone(), false);
    for supplier in 0..problem.suppliers.len() {
        let (least, _) = cheapest(problem, scope, supplier, prices);
        for (place, choice) in scope.open(problem, supplier) {
            if reduced(choice, prices).saturating_sub(least) >= room {
                narrow.leave(supplier, place);
                any = true;
            }
        }
    }
    for one in 0..problem.resources.len() {
        let modes = modes(problem, scope, prices, one, room);
        any |= modes != scope.modes[one];
        narrow.modes[one] = modes;
    }
    (any && room > 0).then_some(narrow)
}

/// The modes of a resource that may be in a cheaper plan, from the first to the last.
fn modes(problem: &Problem, scope: &Scope, prices: &[i128], one: usize, room: i128) -> (usize, usize) {
    let (own, price) = (&problem.resources[one], prices[one]);
    let (mut from, mut to) = scope.modes[one];
    let (least, _) = own.dual(price, (from, to));
    let far = |mode: usize| own.dual(price, (mode, mode)).0.saturating_sub(least) >= room;
    while from < to && far(from) {
        from += 1;
    }
    while from < to && far(to) {
        to -= 1;
    }
    (from, to)
}
