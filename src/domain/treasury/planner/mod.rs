//! From a request to a plan: alternatives, parts, the search for the lowest total, the document, its certificate.
//! Whole numbers throughout: the same request gives the same plan, hash and certificate.
//!
//! | file | what |
//! |---|---|
//! | `corridor`, `price` | whether a route leads to a payee; what an amount costs on it |
//! | `tiers`, `division` | what an item costs by its amount; into which items an amount is divided |
//! | `days` | when each route takes it, and whether its price is in force then |
//! | `alternatives` | every way to pay one payable, priced |
//! | `parts`, `problem`, `resource` | what shares nothing falls apart; the rest as integers |
//! | `dual`, `follow`, `simplex` | prices of what is shared, and the bound they prove |
//! | `apart` | currencies that share money, each by itself at its price |
//! | `search`, `split` | a tree over how money and batches are had, then over single suppliers; where it is branched |
//! | `tried`, `reach` | what prices leave open, tried out to the end |
//! | `pack`, `local`, `naive` | plans that fill accounts, improved by moves and exchanges; what it would cost without a plan |
//! | `document` | the plan as a document |

pub(super) mod alternatives;
mod apart;
mod core;
mod corridor;
mod days;
mod division;
mod document;
mod dual;
mod follow;
mod local;
mod naive;
mod pack;
pub(super) mod parts;
mod price;
mod problem;
mod reach;
pub(super) mod resource;
pub(super) mod search;
mod simplex;
mod split;
pub(super) mod table;
mod tiers;
mod tried;

use std::collections::BTreeMap;

use super::certificate::{Certificate, certify};
use super::plan::{Excluded, Plan};
use super::request::{Payable, PlanError, PlanRequest};
use super::value::UNITS;
use alternatives::{Alternative, alternatives};
use days::Days;
use parts::Candidate;
use search::Limits;

/// Up to this many payables a part is solved as one, to the last cost unit.
const TO_THE_UNIT: usize = 24;
/// Up to this many suppliers that share money are proven by trying out what is left open.
const MIDDLE: usize = 600;
/// Up to this many, until no plan can be cheaper where plans differ by that much at the least, else to below half a minor
/// unit of home, where the effort suffices; beyond it, to a twentieth of one for each payable.
const TO_THE_CENT: usize = 2_000;
/// A minor unit of the least currency is about so much; what is finer comes of spreads.
const COARSE: i128 = 1_000_000;
/// Of a part in one currency so many nodes are looked at for one, the smaller it is.
const OF_ONE: usize = 8;
/// Where currencies share money, the last unit is of spreads: the share of the effort that is left for it.
const SEVERAL_AGAIN: usize = 8;
/// Entries of tables that are looked at in the time of a try, and for one part in all: less than the checker looks at.
const OF_A_TRY: usize = 20_000;
const MOST_WORK: usize = 36_000_000_000;
/// So many plans tried count as much as a node.
const TRIES_OF_A_NODE: usize = 300;

/// A plan, its hash and its certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The document.
    pub plan: Plan,
    /// SHA-256 of its canonical bytes: what is approved.
    pub hash: String,
    /// What proves it.
    pub certificate: Certificate,
}

/// Makes the plan of the lowest cost.
///
/// # Errors
/// [`PlanError`] where the request contradicts itself or a rate is missing.
pub fn plan(request: &PlanRequest) -> Result<Planned, PlanError> {
    request.check()?;
    let mut candidates = Vec::new();
    let mut excluded = Vec::new();
    let mut through: BTreeMap<&str, usize> = BTreeMap::new();
    let days = Days::at(request, request.now);
    for (index, payable) in request.payables.iter().enumerate() {
        match consider(request, &days, index, payable)? {
            Ok(mut candidate) => {
                let named = payable.only.as_ref().and_then(|only| only.through.as_deref());
                candidate.through = named.map(|named| *through.entry(named).or_insert(index));
                candidates.push(candidate);
            }
            Err(reason) => excluded.push(reason),
        }
    }
    let parts = parts::parts(request, candidates)?;
    let solved = parts.into_iter().map(|part| {
        let grain = part.problem.grain();
        let mut solution = apart::solve(
            &part.problem,
            &part.groups(),
            limits(request, &part, grain, part.order().len() == 1),
            limits(request, &part, grain, true),
        );
        local::settle(&part.problem, &mut solution.assignment);
        solution.cost = part.problem.cost(&solution.assignment);
        let next = solution.bound.div_euclid(grain) + i128::from(solution.bound.rem_euclid(grain) != 0);
        solution.bound = (next * grain).min(solution.cost);
        (part, solution)
    });
    let solved: Vec<_> = solved.collect();
    let plan = document::document(request, &solved, excluded)?;
    let unwritable =
        |error: serde_json::Error| PlanError::Request { place: "plan".to_owned(), why: error.to_string() };
    let hash = plan.hash().map_err(unwritable)?;
    let certificate = certify(request, &plan, &hash, &solved)?;
    Ok(Planned { plan, hash, certificate })
}

/// Whether a payable of the request could be paid at all, whatever else is paid.
///
/// # Errors
/// [`PlanError`] as [`plan`].
pub fn reachable(request: &PlanRequest, payable: &Payable) -> Result<bool, PlanError> {
    Ok(consider(request, &Days::at(request, request.now), 0, payable)?.is_ok())
}

/// How hard to search a part, `one`: everything at once, else each currency by itself.
fn limits(request: &PlanRequest, part: &parts::Part, grain: i128, one: bool) -> Limits {
    let (nodes, count) = (request.effort.nodes as usize, part.problem.suppliers.len());
    let fewer = MIDDLE * nodes / count.max(1);
    // No plan is cheaper by less than the grain.
    // Finer grains are proven as far as cost and bound are shown alike, then with some effort to the last unit.
    let shown = one && count > TO_THE_UNIT && count <= TO_THE_CENT && grain < COARSE;
    let within =
        if count <= TO_THE_UNIT || (one && count <= MIDDLE) || (count <= TO_THE_CENT && grain >= COARSE) {
            grain - 1
        } else if count <= TO_THE_CENT {
            UNITS / 2 - 1
        } else {
            i128::try_from(count).unwrap_or(0) * UNITS / 20
        };
    let tries = nodes.saturating_mul(TRIES_OF_A_NODE);
    let most = if one { nodes.saturating_mul(OF_ONE) } else { nodes };
    // The effort grows without end, what is looked at to check a part does not.
    let work = tries.saturating_mul(OF_A_TRY).min(MOST_WORK);
    let again = if part.order().len() == 1 { 2 } else { SEVERAL_AGAIN };
    Limits { nodes: most.min(fewer).max(80), tries, work, within, shown, again }
}

/// A payable as a candidate, or why it is none.
fn consider(
    request: &PlanRequest,
    days: &Days,
    index: usize,
    payable: &Payable,
) -> Result<Result<Candidate, Excluded>, PlanError> {
    let net = alternatives::net(payable)?;
    let exclude = |reason: &str, detail: String| Excluded {
        supplier: payable.supplier.clone(),
        net,
        reason: reason.to_owned(),
        detail,
    };
    if let Some(code) = &payable.blocked {
        return Ok(Err(exclude("blocked", code.clone())));
    }
    if !net.is_positive() {
        return Ok(Err(exclude("nothing_left", "withholding and debt take all of it".to_owned())));
    }
    let (alternatives, later) = alternatives(request, days, payable, net)?;
    let open = |one: &Alternative| one.ruled_out.is_none() && one.route.is_some();
    if !alternatives.iter().any(open) {
        let named = alternatives.iter().filter_map(|one| {
            let route = &request.routes.routes[one.route?];
            Some(format!("{}: {}", route.name, one.ruled_out?))
        });
        return Ok(Err(exclude("no_route", named.collect::<Vec<_>>().join(", "))));
    }
    let choices = (0..alternatives.len()).filter(|place| alternatives[*place].ruled_out.is_none());
    let choices = choices.collect();
    Ok(Ok(Candidate { payable: index, alternatives, choices, later, through: None }))
}
