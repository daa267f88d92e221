//! The tree that proves a part's bound.

use std::collections::BTreeMap;

use crate::Refusal;
use crate::certificate::{Node, Part, Whole};
use crate::exact::{add, multiply};
use crate::ways::{Numbers, Way, cost};

/// What a node still allows, and of whom it speaks.
#[derive(Clone)]
struct Scope {
    modes: Vec<(usize, usize)>,
    taken: BTreeMap<usize, usize>,
    left: BTreeMap<usize, Vec<usize>>,
    /// Suppliers, resources of their own, and what is shared with others, at its prices.
    suppliers: Vec<usize>,
    resources: Vec<usize>,
    priced: BTreeMap<usize, i128>,
}

/// No honest proof comes near to so many plans to be tried.
const MOST_TRIES: u64 = 100_000_000;
/// Nor so many departures at once.
const DEEPEST: usize = 256;

/// The bound: of prices of everything at once, or the tree's where it is higher.
pub fn bound(part: &Part, numbers: &Numbers) -> Result<i128, Refusal> {
    let whole = Scope {
        modes: numbers.modes.iter().map(|modes| (0, modes.len() - 1)).collect(),
        taken: BTreeMap::new(),
        left: BTreeMap::new(),
        suppliers: (0..part.suppliers.len()).collect(),
        resources: (0..part.resources.len()).collect(),
        priced: BTreeMap::new(),
    };
    let root = Leaf::new(numbers, &whole, &part.prices)?.bound;
    if root != part.root.0 {
        return Err(Refusal::wrong("root", format!("stated {}, comes to {root}", part.root.0)));
    }
    let mut tree = Tree { part, numbers, seen: vec![false; part.nodes.len()], tries: MOST_TRIES };
    let proven = tree.node(0, whole)?;
    if tree.seen.iter().any(|seen| !seen) {
        return Err(Refusal::wrong("nodes", "some are not in the tree"));
    }
    Ok(proven.max(root))
}

struct Tree<'a> {
    part: &'a Part,
    numbers: &'a Numbers,
    seen: Vec<bool>,
    tries: u64,
}

impl Tree<'_> {
    /// What a node proves; every node but the root is the child of one other, so the leaves cover every plan.
    fn node(&mut self, place: usize, scope: Scope) -> Result<i128, Refusal> {
        let wrong = |what: &str| Refusal::wrong(format!("node {place}"), what);
        let node = self.part.nodes.get(place).ok_or_else(|| wrong("it is none"))?;
        if std::mem::replace(&mut self.seen[place], true) {
            return Err(wrong("it stands twice in the tree"));
        }
        match node {
            Node::Modes { resource, at, low, high } => {
                if !scope.resources.contains(resource) && scope.priced.contains_key(resource) {
                    return Err(wrong("it cuts what is priced already"));
                }
                let (from, to) = *scope.modes.get(*resource).ok_or_else(|| wrong("no such resource"))?;
                if *at < from || *at >= to {
                    return Err(wrong("it cuts outside what is allowed"));
                }
                let (mut one, mut two) = (scope.clone(), scope);
                one.modes[*resource].1 = *at;
                two.modes[*resource].0 = *at + 1;
                Ok(self.node(*low, one)?.min(self.node(*high, two)?))
            }
            Node::Choice { supplier, choice, take, leave } => {
                let ways = self.numbers.ways.get(*supplier).ok_or_else(|| wrong("no such supplier"))?;
                if !scope.allowed(ways, *supplier).any(|way| way.place == *choice) {
                    return Err(wrong("it branches on what is not allowed"));
                }
                let (mut one, mut two) = (scope.clone(), scope);
                one.taken.insert(*supplier, *choice);
                two.left.entry(*supplier).or_default().push(*choice);
                Ok(self.node(*take, one)?.min(self.node(*leave, two)?))
            }
            Node::Apart { prices, blocks, bound } => {
                let comes_to = self.apart(scope, prices, blocks).map_err(|refusal| match refusal {
                    Refusal::Wrong { place: inner, what } => {
                        Refusal::wrong(format!("node {place}, {inner}"), what)
                    }
                    other => other,
                })?;
                stated(place, bound.0, comes_to)?;
                Ok(comes_to)
            }
            Node::Leaf { prices, bound, at_least } => {
                let leaf = Leaf::new(self.numbers, &scope, prices)?;
                stated(place, bound.0, leaf.bound)?;
                let Some(Whole(at_least)) = at_least else { return Ok(leaf.bound) };
                if *at_least <= leaf.bound {
                    return Err(wrong("it claims no more than its prices prove"));
                }
                leaf.try_all(self.numbers, &scope, *at_least, &mut self.tries)?;
                Ok(*at_least)
            }
        }
    }

    /// Each currency by itself: none may use what another uses, but for what is priced.
    fn apart(
        &mut self,
        scope: Scope,
        prices: &BTreeMap<String, Whole>,
        blocks: &BTreeMap<String, usize>,
    ) -> Result<i128, Refusal> {
        let mut priced = BTreeMap::new();
        let mut sum = 0_i128;
        for (resource, price) in prices {
            let place: usize = resource
                .parse()
                .ok()
                .filter(|place: &usize| place.to_string() == *resource && scope.resources.contains(place))
                .ok_or_else(|| Refusal::wrong("prices", format!("`{resource}` is no resource here")))?;
            if price.0 < 0 || !scope.priced.is_empty() {
                return Err(Refusal::wrong("prices", "zero or more, and once"));
            }
            priced.insert(place, price.0);
            sum = add(sum, supplied(self.numbers, &scope, place, price.0)?)?;
        }
        let mut owner: BTreeMap<usize, &str> = BTreeMap::new();
        let mut members: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for supplier in &scope.suppliers {
            let currency = self.part.suppliers[*supplier].currency.as_str();
            members.entry(currency).or_default().push(*supplier);
            let ways = self.numbers.ways[*supplier].iter();
            for (resource, _) in ways.flat_map(|way| way.uses.iter()).filter(|(one, _)| !priced.contains_key(one)) {
                if *owner.entry(*resource).or_insert(currency) != currency {
                    return Err(Refusal::wrong("blocks", format!("resource {resource} is used by two")));
                }
            }
        }
        if members.keys().ne(blocks.keys()) {
            return Err(Refusal::wrong("blocks", "not the currencies of the suppliers"));
        }
        let unused = scope.resources.iter().any(|one| !priced.contains_key(one) && !owner.contains_key(one));
        if unused {
            return Err(Refusal::wrong("prices", "a resource belongs to nobody and has no price"));
        }
        for (currency, node) in blocks {
            let own = |resource: &&usize| owner.get(*resource).is_some_and(|owner| *owner == currency);
            let block = Scope {
                suppliers: members.remove(currency.as_str()).unwrap_or_default(),
                resources: scope.resources.iter().filter(own).copied().collect(),
                priced: priced.clone(),
                modes: scope.modes.clone(),
                taken: scope.taken.clone(),
                left: scope.left.clone(),
            };
            sum = add(sum, self.node(*node, block)?)?;
        }
        Ok(sum)
    }
}

fn stated(place: usize, stated: i128, comes_to: i128) -> Result<(), Refusal> {
    if stated == comes_to {
        return Ok(());
    }
    Err(Refusal::wrong(format!("node {place}, bound"), format!("stated {stated}, comes to {comes_to}")))
}

impl Scope {
    fn allowed<'a>(&self, ways: &'a [Way], supplier: usize) -> impl Iterator<Item = &'a Way> {
        let taken = self.taken.get(&supplier).copied();
        let left = self.left.get(&supplier).cloned().unwrap_or_default();
        ways.iter().filter(move |way| {
            taken.is_none_or(|taken| taken == way.place) && !left.contains(&way.place)
        })
    }
}

/// What supply costs less what it is priced at, at the least.
fn supplied(numbers: &Numbers, scope: &Scope, resource: usize, price: i128) -> Result<i128, Refusal> {
    let (from, to) = scope.modes[resource];
    let mut least: Option<i128> = None;
    for (supply, cost) in numbers.modes[resource][from..=to].iter().flatten() {
        let own = add(*cost, -multiply(price, *supply)?)?;
        least = Some(least.map_or(own, |least| least.min(own)));
    }
    Ok(least.unwrap_or(0))
}

/// A leaf at its prices: what they prove, who takes what, and what each departure from that adds.
struct Leaf<'a> {
    bound: i128,
    taken: Vec<&'a Way>,
    /// (what it adds, whose, what instead).
    departures: Vec<(i128, usize, &'a Way)>,
}

impl<'a> Leaf<'a> {
    fn new(numbers: &'a Numbers, scope: &Scope, prices: &[Whole]) -> Result<Leaf<'a>, Refusal> {
        if prices.len() != scope.resources.len() || prices.iter().any(|price| price.0 < 0) {
            return Err(Refusal::wrong("prices", "one of zero or more for each resource"));
        }
        let mut price = vec![0_i128; numbers.modes.len()];
        for (resource, own) in &scope.priced {
            price[*resource] = *own;
        }
        let mut bound = 0_i128;
        for (resource, own) in scope.resources.iter().zip(prices) {
            price[*resource] = own.0;
            bound = add(bound, supplied(numbers, scope, *resource, own.0)?)?;
        }
        let (mut taken, mut departures) = (Vec::with_capacity(scope.suppliers.len()), Vec::new());
        for (member, supplier) in scope.suppliers.iter().enumerate() {
            let mut at_prices = Vec::new();
            for way in scope.allowed(&numbers.ways[*supplier], *supplier) {
                let cost = way.uses.iter().try_fold(way.cost, |cost, (resource, amount)| {
                    add(cost, multiply(price[*resource], *amount)?)
                })?;
                at_prices.push((cost, way));
            }
            let least = at_prices.iter().map(|(cost, _)| *cost).min();
            let least = least.ok_or_else(|| Refusal::wrong("leaf", "a supplier without a choice"))?;
            bound = add(bound, least)?;
            let mut first = true;
            for (cost, way) in at_prices {
                if cost == least && first {
                    first = false;
                    taken.push(way);
                } else {
                    departures.push((cost - least, member, way));
                }
            }
        }
        Ok(Leaf { bound, taken, departures })
    }

    /// Every set of departures that adds less than what is claimed over the bound costs what is claimed, or more.
    fn try_all(
        mut self,
        numbers: &'a Numbers,
        scope: &Scope,
        at_least: i128,
        tries: &mut u64,
    ) -> Result<(), Refusal> {
        let room = at_least - self.bound;
        self.departures.retain(|(adds, ..)| *adds < room);
        self.departures.sort_by_key(|(adds, member, way)| (*adds, *member, way.place));
        let mut trial = Trial { numbers, scope, at_least, departures: &self.departures, used: Vec::new(), own: 0, away: Vec::new() };
        trial.used = vec![0; numbers.modes.len()];
        for way in &self.taken {
            trial.turn(None, way)?;
        }
        trial.weigh()?;
        trial.sets(0, room, &mut self.taken, tries)
    }
}

struct Trial<'a, 'b> {
    numbers: &'a Numbers,
    scope: &'b Scope,
    at_least: i128,
    departures: &'b [(i128, usize, &'a Way)],
    used: Vec<i128>,
    own: i128,
    away: Vec<usize>,
}

impl<'a> Trial<'a, '_> {
    fn turn(&mut self, from: Option<&Way>, to: &Way) -> Result<(), Refusal> {
        if let Some(from) = from {
            self.own = add(self.own, -from.cost)?;
            for (resource, amount) in &from.uses {
                self.pay(*resource, -*amount)?;
            }
        }
        self.own = add(self.own, to.cost)?;
        for (resource, amount) in &to.uses {
            self.pay(*resource, *amount)?;
        }
        Ok(())
    }

    /// What is shared costs its price; the rest is counted.
    fn pay(&mut self, resource: usize, amount: i128) -> Result<(), Refusal> {
        match self.scope.priced.get(&resource) {
            Some(price) => self.own = add(self.own, multiply(*price, amount)?)?,
            None => self.used[resource] = add(self.used[resource], amount)?,
        }
        Ok(())
    }

    fn weigh(&self) -> Result<(), Refusal> {
        let mut total = self.own;
        for resource in &self.scope.resources {
            let (from, to) = self.scope.modes[*resource];
            match cost(&self.numbers.modes[*resource][from..=to], self.used[*resource]) {
                Some(cost) => total = add(total, cost)?,
                None => return Ok(()),
            }
        }
        if total < self.at_least {
            let what = format!("a plan of {total} is below the {} that is claimed", self.at_least);
            return Err(Refusal::wrong("leaf", what));
        }
        Ok(())
    }

    fn sets(
        &mut self,
        from: usize,
        room: i128,
        taken: &mut Vec<&'a Way>,
        tries: &mut u64,
    ) -> Result<(), Refusal> {
        for place in from..self.departures.len() {
            let (adds, member, way) = self.departures[place];
            if adds >= room {
                break;
            }
            if self.away.contains(&member) {
                continue;
            }
            if *tries == 0 || self.away.len() == DEEPEST {
                return Err(Refusal::wrong("leaf", "more would have to be tried than any honest proof needs"));
            }
            *tries -= 1;
            let before = taken[member];
            self.turn(Some(before), way)?;
            self.away.push(member);
            taken[member] = way;
            self.weigh()?;
            self.sets(place + 1, room - adds, taken, tries)?;
            taken[member] = before;
            self.away.pop();
            self.turn(Some(way), before)?;
        }
        Ok(())
    }
}
