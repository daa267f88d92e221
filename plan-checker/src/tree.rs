//! The tree that proves a part's bound.

use std::collections::BTreeMap;

use crate::Refusal;
use crate::certificate::{Node, Part, Whole};
use crate::exact::{add, multiply};
use crate::table::prove;
use crate::trial::{Open, try_all};
use crate::ways::{Numbers, Way};

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

/// Nor to so many entries of tables.
const MOST_WORK: u64 = 40_000_000_000;

/// The bound: of prices of everything at once, or the tree's where it is higher.
pub fn bound(part: &Part, numbers: &Numbers) -> Result<i128, Refusal> {
    let whole = Scope {
        modes: numbers.supply.iter().map(|supply| (0, supply.count() - 1)).collect(),
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
    let mut tree =
        Tree { part, numbers, seen: vec![false; part.nodes.len()], tries: MOST_TRIES, work: MOST_WORK };
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
    work: u64,
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
            Node::Narrow { prices, at_least, rest } => {
                let rest_of = self.narrow(scope, prices, at_least.0, place)?;
                // What is left out costs so much at the least, the rest what its own node proves.
                Ok(self.node(*rest, rest_of)?.min(at_least.0))
            }
            Node::Leaf { prices, bound, at_least, table } => {
                let leaf = Leaf::new(self.numbers, &scope, prices)?;
                stated(place, bound.0, leaf.bound)?;
                let Some(Whole(at_least)) = at_least else {
                    return if table.is_none() { Ok(leaf.bound) } else { Err(wrong("a table for no claim")) };
                };
                if *at_least <= leaf.bound {
                    return Err(wrong("it claims no more than its prices prove"));
                }
                let open = Open { numbers: self.numbers, modes: &scope.modes, resources: &scope.resources };
                match table {
                    Some(table) => prove(&open, &leaf, table, *at_least, &mut self.work)?,
                    None => try_all(&open, leaf, *at_least, &mut self.tries)?,
                }
                Ok(*at_least)
            }
        }
    }

    /// Without ways and modes that, whatever else is chosen, make a plan cost `at_least` or more at these prices.
    fn narrow(
        &self,
        mut scope: Scope,
        prices: &[Whole],
        at_least: i128,
        place: usize,
    ) -> Result<Scope, Refusal> {
        let leaf = Leaf::new(self.numbers, &scope, prices)?;
        let room = add(at_least, -leaf.bound)?;
        if room <= 0 {
            return Err(Refusal::wrong(
                format!("node {place}"),
                "its prices prove by themselves what it claims",
            ));
        }
        for (adds, member, way) in &leaf.departures {
            if *adds >= room {
                scope.left.entry(scope.suppliers[*member]).or_default().push(way.place);
            }
        }
        for resource in &scope.resources {
            let (supply, price) = (&self.numbers.supply[*resource], leaf.price[*resource]);
            let (mut from, mut to) = scope.modes[*resource];
            let (least, _) = supply.least((from, to), price)?;
            let far =
                |mode: usize| Ok::<bool, Refusal>(add(supply.least((mode, mode), price)?.0, -least)? >= room);
            while from < to && far(from)? {
                from += 1;
            }
            while from < to && far(to)? {
                to -= 1;
            }
            scope.modes[*resource] = (from, to);
        }
        Ok(scope)
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
            sum = add(sum, self.numbers.supply[place].least(scope.modes[place], price.0)?.0)?;
        }
        let mut owner: BTreeMap<usize, &str> = BTreeMap::new();
        let mut members: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for supplier in &scope.suppliers {
            let currency = self.part.suppliers[*supplier].currency.as_str();
            members.entry(currency).or_default().push(*supplier);
            let ways = self.numbers.ways[*supplier].iter();
            for (resource, _) in
                ways.flat_map(|way| way.uses.iter()).filter(|(one, _)| !priced.contains_key(one))
            {
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
        ways.iter()
            .filter(move |way| taken.is_none_or(|taken| taken == way.place) && !left.contains(&way.place))
    }
}

/// A leaf at its prices: what they prove, who takes what, and what each departure from that adds.
pub struct Leaf<'a> {
    pub bound: i128,
    pub price: Vec<i128>,
    pub taken: Vec<&'a Way>,
    /// (what it adds, whose, what instead).
    pub departures: Vec<(i128, usize, &'a Way)>,
}

impl<'a> Leaf<'a> {
    fn new(numbers: &'a Numbers, scope: &Scope, prices: &[Whole]) -> Result<Leaf<'a>, Refusal> {
        let negative =
            |(resource, price): (&usize, &Whole)| price.0 < 0 && !numbers.supply[*resource].is_count();
        if prices.len() != scope.resources.len() || scope.resources.iter().zip(prices).any(negative) {
            return Err(Refusal::wrong("prices", "one of zero or more for each resource"));
        }
        let mut price = vec![0_i128; numbers.supply.len()];
        for (resource, own) in &scope.priced {
            price[*resource] = *own;
        }
        let mut bound = 0_i128;
        for (resource, own) in scope.resources.iter().zip(prices) {
            price[*resource] = own.0;
            bound = add(bound, numbers.supply[*resource].least(scope.modes[*resource], own.0)?.0)?;
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
        Ok(Leaf { bound, price, taken, departures })
    }
}
