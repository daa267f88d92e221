//! What can be done with one payable: every route into its currency, from every account it may draw on, priced to the
//! minor unit, or ruled out with the reason.

use std::collections::BTreeSet;

use chrono::{NaiveDate, NaiveTime, TimeDelta};

use crate::money::{Money, MoneyError};

use super::super::calendar::ValueDate;
use super::super::request::{Payable, PlanError, PlanRequest};
use super::super::route::Route;
use super::corridor::{mark_last_resorts, reach};
use super::days::Days;
use super::price::price;

/// Above what any payment costs, in whatever home: 10^10 minor units are 100 million dollars, or rupiah (some 6,000 dollars).
/// So a supplier is left out only where the funds do not suffice.
pub const UNPAID: i128 = 10_000_000_000_000_000_000;

/// One way to pay (or not to pay) one payable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// Its place in the route table; none: left unpaid.
    pub route: Option<usize>,
    /// Its place among the funds.
    pub account: Option<usize>,
    /// The place of the account that is paid among the payable's.
    pub payee: usize,
    /// Equal items: how many, of how much, in the target currency's minor units.
    pub items: Vec<(u32, i64)>,
    /// Fees in the source currency's minor units.
    pub fee: i64,
    /// What correspondents take, likewise.
    pub lifting: i64,
    /// What the account is debited.
    pub debit: i64,
    /// All of it in cost units; with what the rest of the horizon costs where waiting is possible.
    pub cost: i128,
    /// When it would be there.
    pub dates: Option<ValueDate>,
    /// The day until which it waits, and what it pays then.
    pub waits_until: Option<NaiveDate>,
    pub all: Option<i64>,
    /// Why it is not among the choices.
    pub ruled_out: Option<&'static str>,
}

impl Alternative {
    /// What leaves us, in the target currency's minor units.
    pub fn sent(&self) -> i64 {
        self.items.iter().map(|(count, amount)| i64::from(*count) * amount).sum()
    }

    /// How many items.
    pub fn count(&self) -> u32 {
        self.items.iter().map(|(count, _)| count).sum()
    }

    /// Whether it is to leave the supplier unpaid.
    pub fn is_unpaid(&self) -> bool {
        self.route.is_none() && self.waits_until.is_none() && self.ruled_out.is_none()
    }

    pub(super) fn unpaid(later: i128) -> Alternative {
        Alternative {
            route: None,
            account: None,
            payee: 0,
            items: Vec::new(),
            fee: 0,
            lifting: 0,
            debit: 0,
            cost: UNPAID + later,
            dates: None,
            waits_until: None,
            all: None,
            ruled_out: None,
        }
    }
}

/// Gross less what is withheld and netted.
pub fn net(payable: &Payable) -> Result<Money, MoneyError> {
    let zero = Money::zero(payable.gross.currency());
    let rest = payable.gross.checked_sub(payable.withholding.unwrap_or(zero))?;
    rest.checked_sub(payable.debt.unwrap_or(zero))
}

/// Every alternative, the last one being to leave it unpaid; and what the later part costs where waiting is possible.
pub fn alternatives(
    request: &PlanRequest,
    days: &Days,
    payable: &Payable,
    net: Money,
) -> Result<(Vec<Alternative>, i128), PlanError> {
    let horizon = waiting(request, payable)?;
    let later = horizon.as_ref().map_or(Ok(None), |horizon| horizon.later(request, payable))?.unwrap_or(0);
    let mut found = Vec::new();
    for (index, route) in request.routes.routes.iter().enumerate() {
        if route.target_currency != net.currency() {
            continue;
        }
        let reached = reach(request, days, payable, index);
        let priced = match priceable(request, route) {
            true => price(request, route, payable.bearer, net)?,
            false => Vec::new(),
        };
        let accounts = accounts(request, payable, route);
        let reason = reached.as_ref().err().copied();
        let reason = reason.or_else(|| priced.is_empty().then_some("item_limits"));
        let reason = reason.or_else(|| accounts.is_empty().then_some("no_account"));
        let own = |one: Alternative| {
            let (cost, dates) = (one.cost + later, days.shown(index));
            Alternative { route: Some(index), cost, dates, ..one }
        };
        match reason {
            Some(_) => {
                let first = priced.into_iter().next().unwrap_or_else(|| Alternative::unpaid(0));
                found.push(Alternative { ruled_out: reason, ..own(first) });
            }
            None => {
                let priced: Vec<Alternative> = priced.into_iter().map(own).collect();
                for payee in reached.unwrap_or_default() {
                    for account in &accounts {
                        let on = |one| Alternative { account: Some(*account), payee, ..one };
                        found.extend(priced.iter().cloned().map(on));
                    }
                }
            }
        }
        if let Some(horizon) = &horizon {
            found.extend(horizon.wait(request, payable, index, net)?);
        }
    }
    mark_last_resorts(request, &mut found);
    mark_late(payable, &mut found);
    found.push(Alternative::unpaid(later));
    Ok((found, later))
}

/// The accounts that a route may draw on for a payable.
fn accounts(request: &PlanRequest, payable: &Payable, route: &Route) -> Vec<usize> {
    let own = |account: &str| {
        payable.only.as_ref().is_none_or(|only| only.account == account && only.rail == route.rail)
    };
    let drawn = request.funds.iter().enumerate().filter(|(_, funds)| {
        funds.available.currency() == route.source_currency
            && funds.rails.contains(&route.rail)
            && own(&funds.account)
    });
    drawn.map(|(place, _)| place).collect()
}

/// Whether a rate is known for what a route converts: what is only shown needs none.
fn priceable(request: &PlanRequest, route: &Route) -> bool {
    let known = |currency| request.mids.weight(currency).is_ok();
    request.conversions || (known(route.source_currency) && known(route.target_currency))
}

/// Beyond the term a route is out, unless all are: then the term is missed whatever is done, and the plan says so.
fn mark_late(payable: &Payable, found: &mut [Alternative]) {
    let Some(due) = payable.due else { return };
    let open = |one: &Alternative| one.ruled_out.is_none();
    let in_time = |one: &Alternative| one.dates.is_some_and(|dates| dates.value <= due);
    if found.iter().any(|one| open(one) && in_time(one)) {
        for one in found.iter_mut().filter(|one| open(one) && !in_time(one)) {
            one.ruled_out = Some("after_due");
        }
    }
}

/// The last day to wait for within limit and term from which a route still arrives in time, and what is available by then
/// on top. What comes behind it comes by itself whatever is chosen.
struct Horizon {
    day: NaiveDate,
    more: Money,
    days: Days,
}

fn waiting(request: &PlanRequest, payable: &Payable) -> Result<Option<Horizon>, PlanError> {
    let Some(due) = payable.due.filter(|_| request.max_wait_days > 0) else { return Ok(None) };
    let today = request.now.date_naive();
    let limit = today + TimeDelta::days(i64::from(request.max_wait_days));
    let within = payable.expected.iter().filter(|later| later.on > today && later.on <= limit.min(due));
    let ends: BTreeSet<NaiveDate> = within.clone().map(|later| later.on).collect();
    for day in ends.into_iter().rev() {
        let by_then = within.clone().filter(|later| later.on <= day).map(|later| later.amount);
        let more = Money::sum(payable.gross.currency(), by_then)?;
        let days = Days::at(request, day.and_time(NaiveTime::MIN).and_utc());
        let horizon = Horizon { day, more, days };
        if more.is_positive() && horizon.arrives_by(request, payable, due) {
            return Ok(Some(horizon));
        }
    }
    Ok(None)
}

impl Horizon {
    /// Whether some route that is open then arrives in time.
    fn arrives_by(&self, request: &PlanRequest, payable: &Payable, due: NaiveDate) -> bool {
        let own = |route: &Route| route.target_currency == payable.gross.currency();
        let in_time = |index| self.days.shown(index).is_some_and(|dates| dates.value <= due);
        let mut routes = request.routes.routes.iter().enumerate();
        routes.any(|(index, route)| {
            own(route) && in_time(index) && self.ways(request, payable, index).is_some()
        })
    }

    /// What comes later by itself, by the cheapest route that some account pays over.
    fn later(&self, request: &PlanRequest, payable: &Payable) -> Result<Option<i128>, PlanError> {
        let mut least = None::<i128>;
        for (index, route) in request.routes.routes.iter().enumerate() {
            if self.ways(request, payable, index).is_some() {
                let priced = price(request, route, payable.bearer, self.more)?;
                least = priced.into_iter().map(|one| one.cost).chain(least).min();
            }
        }
        Ok(least)
    }

    /// The payees that a route leads to by then, where an account pays over it: for what can never be paid nobody waits.
    fn ways(&self, request: &PlanRequest, payable: &Payable, index: usize) -> Option<Vec<usize>> {
        let payees = reach(request, &self.days, payable, index).ok()?;
        (!accounts(request, payable, &request.routes.routes[index]).is_empty()).then_some(payees)
    }

    fn wait(
        &self,
        request: &PlanRequest,
        payable: &Payable,
        index: usize,
        net: Money,
    ) -> Result<Vec<Alternative>, PlanError> {
        let Some(payees) = self.ways(request, payable, index) else { return Ok(Vec::new()) };
        let dates = self.days.shown(index);
        if dates.is_none_or(|dates| payable.due.is_none_or(|due| dates.value > due)) {
            return Ok(Vec::new());
        }
        let (payee, waits_until) = (payees.first().copied().unwrap_or(0), Some(self.day));
        let all = net.checked_add(self.more)?;
        let priced = price(request, &request.routes.routes[index], payable.bearer, all)?;
        let own = |priced| {
            let all = Some(all.minor());
            Alternative { route: Some(index), payee, dates, waits_until, all, ..priced }
        };
        Ok(priced.into_iter().map(own).collect())
    }
}
