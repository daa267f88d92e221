//! The solved parts as a document that a person reads and approves.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeZone, Utc};

use crate::money::{Currency, Money};

use super::super::netting::net as netted;
use super::super::plan::{AccountUse, Batch, Excluded, Line, Next, Plan, ToppedUp, Totals};
use super::super::position::positions;
use super::super::request::{PlanError, PlanRequest};
use super::super::route::Route;
use super::super::value::Cost;
use super::alternatives::{Alternative, UNPAID, net};
use super::naive::naive;
use super::parts::{Candidate, Part, Shared, refills};
use super::resource::drawn;
use super::search::Solution;

/// Writes the plan.
pub fn document(
    request: &PlanRequest,
    solved: &[(Part, Solution)],
    mut excluded: Vec<Excluded>,
) -> Result<Plan, PlanError> {
    let home = request.mids.home;
    let mut lines = Vec::new();
    let mut unpaid = 0_u32;
    for (part, solution) in solved {
        for (candidate, chosen) in part.candidates.iter().zip(&solution.assignment) {
            let alternative = &candidate.alternatives[candidate.choices[*chosen]];
            if let Some(reason) = left_out(request, candidate, alternative)? {
                unpaid += u32::from(reason.reason == "no_funds");
                excluded.push(reason);
            } else {
                lines.push((candidate.payable, alternative.route, line(request, candidate, alternative)?));
            }
        }
    }
    lines.sort_by_key(|(payable, ..)| *payable);
    excluded
        .sort_by(|one, two| (&one.supplier, one.net.currency()).cmp(&(&two.supplier, two.net.currency())));
    let batches = batches(request, &lines);
    let lines: Vec<Line> = lines.into_iter().map(|(.., line)| line).collect();
    // A supplier left unpaid counts in the search, not in the money.
    let left = i128::from(unpaid) * UNPAID;
    let cost = solved.iter().map(|(_, solution)| solution.cost).sum::<i128>() - left;
    let bound = solved.iter().map(|(_, solution)| solution.bound).sum::<i128>() - left;
    let naive = naive(request, solved);
    let saved = naive.filter(|_| unpaid == 0).map(|naive| Cost(naive - cost).money(home));
    let mut sent: BTreeMap<Currency, Money> = BTreeMap::new();
    for line in &lines {
        let sum = sent.entry(line.sent.currency()).or_insert(Money::zero(line.sent.currency()));
        *sum = sum.checked_add(line.sent)?;
    }
    let totals = Totals {
        home,
        cost: Cost(cost),
        cost_home: Cost(cost).money(home),
        bound: Cost(bound),
        gap: Cost(cost - bound),
        unpaid,
        naive: naive.filter(|_| unpaid == 0).map(Cost),
        saved_home: saved,
        sent: sent.into_values().collect(),
    };
    Ok(Plan {
        now: request.now,
        mids: request.mids.clone(),
        routes: request.routes.version.clone(),
        calendars: request.calendars.version().to_owned(),
        accounts: accounts(request, solved, &lines)?,
        batches,
        netting: netted(&request.positions, &request.routes.not_netted)?,
        positions: positions(&request.funds, &request.payables)?,
        lines,
        excluded,
        totals,
    })
}

fn left_out(
    request: &PlanRequest,
    candidate: &Candidate,
    chosen: &Alternative,
) -> Result<Option<Excluded>, PlanError> {
    let payable = &request.payables[candidate.payable];
    let (reason, detail) = match (chosen.route, chosen.waits_until) {
        (None, _) => {
            let routes = candidate.open().filter_map(|one| one.account);
            let mut accounts: Vec<&str> =
                routes.map(|account| request.funds[account].account.as_str()).collect();
            accounts.dedup();
            ("no_funds", format!("not enough, even topped up, in {}", accounts.join(", ")))
        }
        (Some(route), Some(day)) => {
            ("waits", format!("until {day}: cheaper together by {}", request.routes.routes[route].name))
        }
        _ => return Ok(None),
    };
    let (supplier, net) = (payable.supplier.clone(), net(payable)?);
    Ok(Some(Excluded { supplier, net, reason: reason.to_owned(), detail }))
}

fn line(request: &PlanRequest, candidate: &Candidate, chosen: &Alternative) -> Result<Line, PlanError> {
    let payable = &request.payables[candidate.payable];
    let currency = payable.gross.currency();
    let zero = Money::zero(currency);
    let missing =
        || PlanError::Request { place: payable.supplier.clone(), why: "no route was chosen".to_owned() };
    let (place, account) = chosen.route.zip(chosen.account).ok_or_else(missing)?;
    let dates = chosen.dates.ok_or_else(missing)?;
    let route = &request.routes.routes[place];
    let payee = payable.payees.get(chosen.payee).map(|payee| payee.account.clone());
    let target = |minor| Money::from_minor(minor, currency);
    let source = |minor| Money::from_minor(minor, route.source_currency);
    let cost = Cost(chosen.cost - candidate.later);
    let name = |one: &Alternative| {
        let account = one.account.map_or("", |account| request.funds[account].account.as_str());
        (
            one.route.map_or("", |route| request.routes.routes[route].name.as_str()).to_owned(),
            account.to_owned(),
        )
    };
    let others = candidate.open().filter(|one| one.route.is_some() && one.waits_until.is_none());
    let others = others.filter(|one| (one.route, one.account) != (chosen.route, chosen.account));
    let next = others.min_by_key(|one| one.cost).map(|one| {
        let (route, account) = name(one);
        let own = Cost(one.cost - candidate.later);
        Next { route, account, cost: own, difference: Cost(own.0 - cost.0).money(request.mids.home) }
    });
    let items = chosen.items.iter().flat_map(|(count, amount)| {
        std::iter::repeat_n(target(*amount), usize::try_from(*count).unwrap_or(0))
    });
    Ok(Line {
        supplier: payable.supplier.clone(),
        gross: payable.gross,
        withholding: payable.withholding.unwrap_or(zero),
        debt: payable.debt.unwrap_or(zero),
        net: net(payable)?,
        conversion: payable.conversion.clone(),
        route: route.name.clone(),
        rail: route.rail.clone(),
        payee: payee.unwrap_or_default(),
        account: request.funds[account].account.clone(),
        through: payable.only.as_ref().and_then(|only| only.through.clone()),
        items: items.collect(),
        sent: target(chosen.sent()),
        fee: source(chosen.fee),
        lifting: source(chosen.lifting),
        bearer: payable.bearer.unwrap_or(route.bearer),
        debit: source(chosen.debit),
        cost,
        cost_home: cost.money(request.mids.home),
        instructed: dates.instructed,
        expected: dates.value,
        calendar_covers: dates.covered,
        late: payable.due.is_some_and(|due| dates.value > due),
        next,
    })
}

fn accounts(
    request: &PlanRequest,
    solved: &[(Part, Solution)],
    lines: &[Line],
) -> Result<Vec<AccountUse>, PlanError> {
    let mut table = Vec::new();
    for (part, solution) in solved {
        let used = part.problem.used(&solution.assignment);
        for (place, shared) in part.shared.iter().enumerate() {
            let Shared::Account(account) = shared else { continue };
            let funds = &request.funds[*account];
            let (refills, used) = (refills(request, *account)?, used[place]);
            let mode = part.problem.resources[place].mode(used);
            let short = used - funds.available.minor().max(0);
            let by = first_cut_off(request, lines, &funds.account);
            let mut top_ups = Vec::new();
            let amounts = drawn(&refills, mode, short.max(0));
            for ((top_up, refill), amount) in funds.top_ups.iter().zip(&refills).zip(amounts) {
                if amount > 0 {
                    let amount = Money::from_minor(amount, funds.available.currency());
                    top_ups.push(ToppedUp {
                        from: top_up.from.clone(),
                        amount,
                        sells: request.mids.sell(amount, top_up.sells, top_up.spread_bps)?,
                        cost: Cost(refill.fixed + refill.per_unit * i128::from(amount.minor())),
                        by,
                    });
                }
            }
            let debited = Money::from_minor(used, funds.available.currency());
            table.push(AccountUse {
                account: funds.account.clone(),
                available: funds.available,
                debited,
                by,
                top_ups,
            });
        }
    }
    table.sort_by(|one, two| one.account.cmp(&two.account));
    Ok(table)
}

/// The earliest cut-off of the routes that draw on an account.
fn first_cut_off(request: &PlanRequest, lines: &[Line], account: &str) -> DateTime<Utc> {
    let drawing = lines.iter().filter(|line| line.account == account);
    let moments =
        drawing.filter_map(|line| cut_off(request.routes.on(&line.route, line.instructed)?, line.instructed));
    moments.min().unwrap_or(request.now)
}

fn cut_off(route: &Route, day: NaiveDate) -> Option<DateTime<Utc>> {
    let local = route.zone.from_local_datetime(&day.and_time(route.cut_off));
    Some(local.earliest()?.with_timezone(&Utc))
}

/// Batches of each route, account and rail account, in the order of the table.
fn batches(request: &PlanRequest, lines: &[(usize, Option<usize>, Line)]) -> Vec<Batch> {
    let mut table = Vec::new();
    let mut count: BTreeMap<(usize, &str, Option<&str>), u64> = BTreeMap::new();
    for (_, route, line) in lines {
        let Some(route) = route.filter(|route| batched(&request.routes.routes[*route])) else { continue };
        let own = (route, line.account.as_str(), line.through.as_deref());
        *count.entry(own).or_insert(0) += line.items.len() as u64;
    }
    for ((route, account, through), items) in count {
        let route = &request.routes.routes[route];
        let size = u64::from(route.batch_size.unwrap_or(u32::MAX));
        for (number, start) in (0..items).step_by(usize::try_from(size).unwrap_or(usize::MAX)).enumerate() {
            table.push(Batch {
                route: route.name.clone(),
                account: account.to_owned(),
                through: through.map(str::to_owned),
                number: u32::try_from(number + 1).unwrap_or(u32::MAX),
                items: u32::try_from(size.min(items - start)).unwrap_or(u32::MAX),
                fee: route.fee_of_batch(),
            });
        }
    }
    table
}

fn batched(route: &Route) -> bool {
    route.batch_size.is_some() || route.fee_of_batch().is_positive()
}
