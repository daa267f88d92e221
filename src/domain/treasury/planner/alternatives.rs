//! What can be done with one payable: every route into its currency, from every account it may draw on, priced to the
//! minor unit, or ruled out with the reason.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

use crate::money::{Money, MoneyError};

use super::super::calendar::ValueDate;
use super::super::request::{Payable, PlanError, PlanRequest};
use super::super::route::{Bearer, FeeBase, Route};
use super::super::value::Cost;

/// Above what any run's fixed costs can come to: a supplier is left out only where the funds do not suffice.
pub const UNPAID: i128 = 100_000_000_000_000_000;

/// Choices are kept in 64 bits.
const MOST: usize = 60;

/// One way to pay (or not to pay) one payable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// Its place in the route table; none: left unpaid.
    pub route: Option<usize>,
    /// Its place among the funds.
    pub account: Option<usize>,
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
    /// The day until which it waits.
    pub waits_until: Option<NaiveDate>,
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

    fn unpaid(later: i128) -> Alternative {
        Alternative {
            route: None,
            account: None,
            items: Vec::new(),
            fee: 0,
            lifting: 0,
            debit: 0,
            cost: UNPAID + later,
            dates: None,
            waits_until: None,
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
    payable: &Payable,
    net: Money,
) -> Result<(Vec<Alternative>, i128), PlanError> {
    let horizon = waiting(request, payable)?;
    let mut later = 0;
    if let Some((day, more)) = &horizon {
        let mut costs = Vec::new();
        for route in &request.routes.routes {
            if ruled_out(payable, route, request.now.date_naive()).is_none()
                && let Some(priced) = price(request, route, *more)?
            {
                costs.push(priced.cost);
            }
        }
        let _ = day;
        later = costs.into_iter().min().unwrap_or(0);
    }
    let mut found = Vec::new();
    for (index, route) in request.routes.routes.iter().enumerate() {
        if route.target_currency != net.currency() {
            continue;
        }
        let mut reason = ruled_out(payable, route, request.now.date_naive());
        let priced = price(request, route, net)?;
        if reason.is_none() && priced.is_none() {
            reason = Some("item_limits");
        }
        let mut one = Alternative { route: Some(index), ..priced.unwrap_or_else(|| Alternative::unpaid(0)) };
        one.cost += later;
        one.dates = request.calendars.value_date(route, request.now);
        one.ruled_out = reason.or_else(|| one.dates.is_none().then_some("no_business_day"));
        let accounts = request.funds.iter().enumerate().filter(|(_, funds)| {
            funds.available.currency() == route.source_currency && funds.rails.contains(&route.rail)
        });
        let accounts: Vec<usize> = accounts.map(|(place, _)| place).collect();
        if accounts.is_empty() {
            let reason = one.ruled_out.or(Some("no_account"));
            found.push(Alternative { ruled_out: reason, ..one.clone() });
        }
        found.extend(accounts.into_iter().map(|place| Alternative { account: Some(place), ..one.clone() }));
        if let Some((day, more)) = &horizon
            && let Some(waiting) = wait(request, payable, index, net.checked_add(*more)?, *day)?
        {
            found.push(waiting);
        }
    }
    mark_late(payable, &mut found);
    while found.len() >= MOST {
        let dearest =
            (0..found.len()).max_by_key(|place| (found[*place].ruled_out.is_some(), found[*place].cost));
        found.remove(dearest.unwrap_or(0));
    }
    found.push(Alternative::unpaid(later));
    Ok((found, later))
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

/// Why a route is no way for a payable, before any price.
fn ruled_out(payable: &Payable, route: &Route, day: NaiveDate) -> Option<&'static str> {
    let checks = [
        (route.target_currency != payable.gross.currency(), "other_currency"),
        (!route.in_force(day), "not_in_force"),
        (!route.deliverable, "not_deliverable"),
        (!route.countries.is_empty() && !route.countries.contains(&payable.country), "other_country"),
        (
            route.market.is_some() && payable.market.is_some() && route.market != payable.market,
            "other_market",
        ),
        (!payable.rails.is_empty() && !payable.rails.contains(&route.rail), "no_payee_account_on_rail"),
        (route.purpose_required && payable.purpose.is_none(), "purpose_code_missing"),
    ];
    checks.into_iter().find_map(|(fails, reason)| fails.then_some(reason))
}

/// The last day to wait for within limit and term, and what is available by then on top.
fn waiting(request: &PlanRequest, payable: &Payable) -> Result<Option<(NaiveDate, Money)>, PlanError> {
    let Some(due) = payable.due.filter(|_| request.max_wait_days > 0) else { return Ok(None) };
    let today = request.now.date_naive();
    let limit = today + TimeDelta::days(i64::from(request.max_wait_days));
    let within = payable.expected.iter().filter(|later| later.on > today && later.on <= limit.min(due));
    let Some(day) = within.clone().map(|later| later.on).max() else { return Ok(None) };
    let more = Money::sum(payable.gross.currency(), within.map(|later| later.amount))?;
    Ok(more.is_positive().then_some((day, more)))
}

fn wait(
    request: &PlanRequest,
    payable: &Payable,
    index: usize,
    all: Money,
    day: NaiveDate,
) -> Result<Option<Alternative>, PlanError> {
    let route = &request.routes.routes[index];
    if ruled_out(payable, route, day).is_some() {
        return Ok(None);
    }
    let start: DateTime<Utc> = day.and_time(NaiveTime::MIN).and_utc();
    let dates = request.calendars.value_date(route, start);
    if dates.is_none_or(|dates| payable.due.is_none_or(|due| dates.value > due)) {
        return Ok(None);
    }
    let priced = price(request, route, all)?;
    Ok(priced.map(|priced| Alternative { route: Some(index), dates, waits_until: Some(day), ..priced }))
}

/// The cheapest shape of an amount on a route: as few items as its limit allows, full ones first or all alike.
fn price(request: &PlanRequest, route: &Route, amount: Money) -> Result<Option<Alternative>, PlanError> {
    if !amount.is_positive() || route.target_currency != amount.currency() {
        return Ok(None);
    }
    let minor = amount.minor();
    let limit = route.item_limit().map_or(i64::MAX, Money::minor);
    let count = minor / limit + i64::from(minor % limit != 0);
    let Ok(pieces) = u32::try_from(count) else { return Ok(None) };
    let mut best: Option<Alternative> = None;
    let (even, over) = (minor / count, minor % count);
    let shapes = [
        vec![(pieces - 1, limit), (1, minor - (count - 1).saturating_mul(limit.min(minor)))],
        vec![(u32::try_from(over).unwrap_or(0), even + 1), (pieces - u32::try_from(over).unwrap_or(0), even)],
    ];
    for shape in shapes {
        let shape: Vec<(u32, i64)> = shape.into_iter().filter(|(count, _)| *count > 0).collect();
        let Some(priced) = price_shape(request, route, &shape, amount)? else { continue };
        if best.as_ref().is_none_or(|best| priced.cost < best.cost) {
            best = Some(priced);
        }
    }
    Ok(best)
}

fn price_shape(
    request: &PlanRequest,
    route: &Route,
    shape: &[(u32, i64)],
    amount: Money,
) -> Result<Option<Alternative>, PlanError> {
    let least = route.item_minimum().map_or(1, Money::minor);
    let (mut items, mut fee, mut base) = (Vec::new(), 0_i64, 0_i64);
    let mut pieces = 0_i64;
    // A fee of the gross says nothing of how the gross would be divided.
    if route.fee_of == FeeBase::Gross && shape.iter().map(|(count, _)| count).sum::<u32>() > 1 {
        return Ok(None);
    }
    for (count, share) in shape {
        let share = Money::from_minor(*share, amount.currency());
        let (sent, sold, own_fee) = match route.bearer {
            Bearer::Creditor => {
                let sent = inside(route, share)?;
                let own = if route.fee_of == FeeBase::Gross { route.fee(share)? } else { route.fee(sent)? };
                (sent, sent, own)
            }
            Bearer::Debtor | Bearer::Shared => {
                let sold = request.mids.sell(share, route.source_currency, route.spread_bps)?;
                (share, sold, route.fee(sold)?)
            }
        };
        if sent.minor() < least.max(1) {
            return Ok(None);
        }
        let times = i64::from(*count);
        items.push((*count, sent.minor()));
        pieces += times;
        fee = fee.saturating_add(own_fee.minor().saturating_mul(times));
        base = base.saturating_add(sold.minor().saturating_mul(times));
    }
    let lifting = route.lifting().minor().saturating_mul(pieces);
    let ours = if route.bearer == Bearer::Debtor { lifting } else { 0 };
    let debit = base.saturating_add(fee).saturating_add(ours);
    let all = Money::from_minor(debit.saturating_add(lifting - ours), route.source_currency);
    let sent: i64 = items.iter().map(|(count, amount)| i64::from(*count) * amount).sum();
    let Cost(paid) = request.mids.value(all)?;
    let Cost(arrives) = request.mids.value(Money::from_minor(sent, amount.currency()))?;
    Ok(Some(Alternative { items, fee, lifting, debit, cost: paid - arrives, ..Alternative::unpaid(0) }))
}

/// The largest amount that, with its own fee, the balance holds (J19); with a fee of the gross, the rest (F15).
fn inside(route: &Route, balance: Money) -> Result<Money, MoneyError> {
    if route.fee_of == FeeBase::Gross {
        return balance.checked_sub(route.fee(balance)?);
    }
    let currency = balance.currency();
    let fits = |minor: i64| -> Result<bool, MoneyError> {
        let sent = Money::from_minor(minor, currency);
        Ok(sent.checked_add(route.fee(sent)?)?.minor() <= balance.minor())
    };
    // Within a band the fee only grows; the highest band that fits has the largest amount.
    let mut top = balance.minor();
    for band in route.bands.iter().rev() {
        let from = Money::parse(&band.from, currency)?.minor();
        if from <= top && fits(from)? {
            return largest(from, top, &fits).map(|minor| Money::from_minor(minor, currency));
        }
        top = top.min(from - 1);
    }
    if top < 0 || !fits(0)? {
        return Ok(Money::zero(currency));
    }
    largest(0, top, &fits).map(|minor| Money::from_minor(minor, currency))
}

fn largest(
    mut low: i64,
    mut high: i64,
    fits: &impl Fn(i64) -> Result<bool, MoneyError>,
) -> Result<i64, MoneyError> {
    while low < high {
        let middle = low + (high - low + 1) / 2;
        if fits(middle)? { low = middle } else { high = middle - 1 }
    }
    Ok(low)
}
