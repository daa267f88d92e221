//! The certificate: everything it takes to recompute, without this program, that a plan is feasible, what it costs and
//! that nothing under the same route table costs less than the bound.
//!
//! Amounts are minor units, costs cost units, all whole numbers written as texts. `plan-checker/` reads it; its head
//! says what is recomputed.

mod resource;
mod written;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use super::plan::Plan;
use super::planner::alternatives::{Alternative, UNPAID};
use super::planner::parts::{Part, Shared};
use super::planner::resource::Counted;
use super::planner::search::{Node, Solution};
use super::request::{Payable, PlanError, PlanRequest};
use super::route::{Bearer, FeeBase, Route};
use super::value::{Cost, Mids, UNITS};
use crate::money::{Currency, Money, Rounding};
use resource::{ResourceProof, TableProof, TopUpProof};
use written::{Each, written};

/// A certificate as text: `{"digest":…,"body":{…}}`, the digest being SHA-256 of the body's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate(String);

impl Certificate {
    /// The JSON.
    pub fn json(&self) -> &str {
        &self.0
    }
}

type Text = String;

#[derive(Serialize)]
struct Body<'a, P> {
    format: &'static str,
    plan: &'a str,
    /// The moment it is of.
    at: DateTime<Utc>,
    /// The version of the route table.
    table: &'a str,
    home: Currency,
    units: Text,
    unpaid: Text,
    exponents: BTreeMap<Currency, u32>,
    mids: BTreeMap<Currency, Text>,
    routes: Vec<Tariff<'a>>,
    parts: P,
    cost: Cost,
    bound: Cost,
    gap: Cost,
}

#[derive(Serialize)]
struct Tariff<'a> {
    name: &'a str,
    source: Currency,
    target: Currency,
    fixed: Text,
    percent: Text,
    minimum: Option<Text>,
    cap: Option<Text>,
    rounding: Rounding,
    fee_of: FeeBase,
    bearer: Bearer,
    lifting: Text,
    spread_bps: u32,
    minimum_item: Text,
    maximum_item: Option<Text>,
    step: Text,
    batch_size: Option<u32>,
    batch_fee: Text,
    /// First and last day on which it takes items.
    from: NaiveDate,
    until: Option<NaiveDate>,
    bands: Vec<BandTariff>,
}

#[derive(Serialize)]
struct BandTariff {
    from: Text,
    fixed: Text,
    percent: Text,
}

#[derive(Serialize)]
struct PartProof<'a, S> {
    resources: Vec<ResourceProof<'a>>,
    suppliers: S,
    nodes: Vec<NodeProof>,
    /// Of everything at once: what one more minor unit (one more item of a batch) would save; and what they prove.
    prices: Vec<Text>,
    root: Cost,
    cost: Cost,
    bound: Cost,
}

#[derive(Serialize)]
struct SupplierProof<'a> {
    supplier: &'a str,
    currency: Currency,
    net: Text,
    later: Cost,
    /// Where the supplier's terms override the routes'.
    #[serde(skip_serializing_if = "Option::is_none")]
    bearer: Option<Bearer>,
    /// The rail account that its terms name.
    #[serde(skip_serializing_if = "Option::is_none")]
    through: Option<&'a str>,
    alternatives: Vec<AlternativeProof<'a>>,
    chosen: usize,
}

#[derive(Serialize)]
struct AlternativeProof<'a> {
    route: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<usize>,
    /// Which of the supplier's accounts, where it has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    payee: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waits: Option<Text>,
    /// What it pays then.
    #[serde(skip_serializing_if = "Option::is_none")]
    all: Option<Text>,
    /// The day on which the route takes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    instructed: Option<NaiveDate>,
    items: Vec<(u32, Text)>,
    fee: Text,
    debit: Text,
    cost: Cost,
    /// A reason that takes it out, else none; what is merely dearer is a choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    ruled_out: Option<&'static str>,
    /// Why a choice was not taken: `dearer`, or `dearer_at_prices` where only scarcity makes it so.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_taken: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
enum NodeProof {
    Modes {
        resource: usize,
        at: usize,
        low: usize,
        high: usize,
    },
    Choice {
        supplier: usize,
        choice: usize,
        take: usize,
        leave: usize,
    },
    /// Prices of what several currencies share, by resource; a node for each currency.
    Apart {
        prices: BTreeMap<usize, Text>,
        blocks: BTreeMap<Currency, usize>,
        bound: Cost,
    },
    /// What by itself makes a plan cost `at_least` at these prices is left out below: alternatives, and modes at either end.
    Narrow {
        prices: Vec<Text>,
        at_least: Cost,
        rest: usize,
    },
    /// Prices of the resources that are not priced above, in their order.
    Leaf {
        prices: Vec<Text>,
        bound: Cost,
        #[serde(skip_serializing_if = "Option::is_none")]
        at_least: Option<Cost>,
        #[serde(skip_serializing_if = "Option::is_none")]
        table: Option<TableProof>,
    },
}

/// Writes the certificate of a plan.
///
/// # Errors
/// [`PlanError`] where an amount cannot be valued, which the planner would have met before.
pub(super) fn certify(
    request: &PlanRequest,
    plan: &Plan,
    hash: &str,
    parts: &[(Part, Solution)],
) -> Result<Certificate, PlanError> {
    let mut currencies: Vec<Currency> = vec![request.mids.home];
    for route in &request.routes.routes {
        currencies.extend([route.source_currency, route.target_currency]);
    }
    currencies.extend(request.funds.iter().map(|funds| funds.available.currency()));
    let has_mid =
        |currency: &Currency| *currency == request.mids.home || request.mids.rates.contains_key(currency);
    currencies.retain(has_mid);
    let body = Body {
        format: "straits-plan-certificate-6",
        plan: hash,
        at: request.now,
        table: &request.routes.version,
        home: request.mids.home,
        units: UNITS.to_string(),
        unpaid: UNPAID.to_string(),
        exponents: currencies.iter().map(|currency| (*currency, currency.exponent())).collect(),
        mids: currencies.iter().map(|currency| (*currency, mid(&request.mids, *currency))).collect(),
        routes: request.routes.routes.iter().map(tariff).collect(),
        parts: Each(parts.iter().map(|(part, solution)| proof(request, part, solution))),
        cost: plan.totals.cost,
        bound: plan.totals.bound,
        gap: plan.totals.gap,
    };
    written(&body)
        .map(Certificate)
        .map_err(|why| PlanError::Request { place: "certificate".to_owned(), why: why.to_string() })
}

fn mid(mids: &Mids, currency: Currency) -> Text {
    match mids.rates.get(&currency) {
        Some(mid) if currency != mids.home => mid.normalize().to_string(),
        _ => "1".to_owned(),
    }
}

fn tariff(route: &Route) -> Tariff<'_> {
    let minor = |text: Option<&str>, currency: Currency| {
        text.and_then(|text| Money::parse(text, currency).ok()).map(|money| money.minor().to_string())
    };
    let source = |text: &Option<String>| minor(text.as_deref(), route.source_currency);
    let or_zero = |text: Option<Text>| text.unwrap_or_else(|| "0".to_owned());
    let percent =
        |percent: Option<crate::money::Percent>| percent.unwrap_or_default().value().normalize().to_string();
    Tariff {
        name: &route.name,
        source: route.source_currency,
        target: route.target_currency,
        fixed: or_zero(source(&route.fixed)),
        percent: percent(route.percent),
        minimum: source(&route.minimum),
        cap: source(&route.cap),
        rounding: route.rounding,
        fee_of: route.fee_of,
        bearer: route.bearer,
        lifting: route.lifting().minor().to_string(),
        spread_bps: route.spread_bps,
        minimum_item: route.item_minimum().map_or(1, Money::minor).to_string(),
        maximum_item: route.item_limit().map(|limit| limit.minor().to_string()),
        step: route.step().to_string(),
        batch_size: route.batch_size,
        batch_fee: route.fee_of_batch().minor().to_string(),
        from: route.from,
        until: route.until,
        bands: route
            .bands
            .iter()
            .map(|band| BandTariff {
                from: or_zero(minor(Some(&band.from), route.source_currency)),
                fixed: or_zero(source(&band.fixed)),
                percent: percent(band.percent),
            })
            .collect(),
    }
}

fn texts(numbers: &[i128]) -> Vec<Text> {
    numbers.iter().map(i128::to_string).collect()
}

fn proof<'a>(
    request: &'a PlanRequest,
    part: &'a Part,
    solution: &'a Solution,
) -> PartProof<'a, impl Serialize + 'a> {
    let resources = part.shared.iter().map(|shared| match shared {
        Shared::Account(account) => {
            let funds = &request.funds[*account];
            let top_ups = funds.top_ups.iter().map(|top_up| TopUpProof {
                fixed: top_up.fixed.map_or(0, Money::minor).to_string(),
                spread_bps: top_up.spread_bps,
                limit: top_up.limit.minor().to_string(),
            });
            ResourceProof::Account {
                name: &funds.account,
                currency: funds.available.currency(),
                available: funds.available.minor().max(0).to_string(),
                top_ups: top_ups.collect(),
            }
        }
        Shared::Batches { route, account, through } => ResourceProof::Batches {
            route: *route,
            // Its account is listed: who shares the one draws on the other.
            account: part.shared.binary_search(&Shared::Account(*account)).unwrap_or(0),
            through: through.and_then(|named| self::through(&request.payables[named])),
        },
    });
    let order = part.order();
    let counts = part.problem.resources.iter().filter_map(|own| own.counts()).map(|counted| match counted {
        Counted::Heads { account } => ResourceProof::Heads { account },
        Counted::Unpaid { currency } => ResourceProof::Unpaid { currency: order[currency] },
    });
    let resources = resources.chain(counts);
    let suppliers = part.candidates.iter().zip(&solution.assignment).map(move |(candidate, chosen)| {
        let payable = &request.payables[candidate.payable];
        let chosen = candidate.choices[*chosen];
        let best = &candidate.alternatives[chosen];
        let net = super::planner::alternatives::net(payable).map_or(0, Money::minor);
        let alternatives = candidate.alternatives.iter().enumerate().map(|(place, one)| {
            let not_taken = (place != chosen && one.ruled_out.is_none())
                .then_some(if one.cost >= best.cost { "dearer" } else { "dearer_at_prices" });
            alternative(part, payable, one, not_taken)
        });
        SupplierProof {
            supplier: &payable.supplier,
            currency: payable.gross.currency(),
            net: net.to_string(),
            later: Cost(candidate.later),
            bearer: payable.bearer,
            through: through(payable),
            alternatives: alternatives.collect(),
            chosen,
        }
    });
    let nodes = solution.nodes.iter().map(|node| match node {
        Node::Modes { resource, at, low, high } => {
            NodeProof::Modes { resource: *resource, at: *at, low: *low, high: *high }
        }
        // The proof names the supplier's alternative, not our number of it.
        Node::Choice { supplier, choice, take, leave } => NodeProof::Choice {
            supplier: *supplier,
            choice: part.candidates[*supplier].choices[*choice],
            take: *take,
            leave: *leave,
        },
        Node::Apart { prices, blocks, bound } => NodeProof::Apart {
            prices: prices.iter().map(|(one, price)| (*one, price.to_string())).collect(),
            blocks: order.iter().copied().zip(blocks.iter().copied()).collect(),
            bound: Cost(*bound),
        },
        Node::Narrow { prices, at_least, rest } => {
            NodeProof::Narrow { prices: texts(prices), at_least: Cost(*at_least), rest: *rest }
        }
        Node::Leaf { prices, bound, at_least, table } => NodeProof::Leaf {
            prices: texts(prices),
            bound: Cost(*bound),
            at_least: at_least.map(Cost),
            table: table.as_ref().map(TableProof::of),
        },
    });
    PartProof {
        resources: resources.collect(),
        suppliers: Each(suppliers),
        nodes: nodes.collect(),
        prices: texts(&solution.prices),
        root: Cost(solution.root),
        cost: Cost(solution.cost),
        bound: Cost(solution.bound),
    }
}

fn through(payable: &Payable) -> Option<&str> {
    payable.only.as_ref().and_then(|only| only.through.as_deref())
}

fn alternative<'a>(
    part: &Part,
    payable: &'a Payable,
    one: &Alternative,
    not_taken: Option<&'static str>,
) -> AlternativeProof<'a> {
    let resource = |shared: Shared| part.shared.binary_search(&shared).ok();
    let account = one.account.filter(|_| one.waits_until.is_none() && one.ruled_out.is_none());
    let several = payable.payees.len() > 1 && one.route.is_some();
    let payee = payable.payees.get(one.payee).filter(|_| several).map(|payee| payee.account.as_str());
    AlternativeProof {
        route: one.route,
        payee,
        account: account.and_then(|account| resource(Shared::Account(account))),
        waits: one.waits_until.map(|day| day.to_string()),
        all: one.all.map(|all| all.to_string()),
        instructed: one.dates.map(|dates| dates.instructed),
        items: one.items.iter().map(|(count, amount)| (*count, amount.to_string())).collect(),
        fee: one.fee.to_string(),
        debit: one.debit.to_string(),
        cost: Cost(one.cost),
        ruled_out: one.ruled_out,
        not_taken,
    }
}
