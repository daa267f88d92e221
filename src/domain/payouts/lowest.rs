//! From what can be paid to the plan of the lowest cost: the treasury's planner is asked, and its choice becomes lines.
//!
//! What is executed is paid in the currency of the account that pays. Routes that convert on the way are priced where a
//! rate is known and shown in the certificate, never chosen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::domain::treasury::{
    self, Effort, Mids, PlanRequest, Planned, Position, Route, RouteTable, Tables, reachable,
};
use crate::money::{Currency, Money};

use super::asked::{Asked, funds};
use super::document::PlanDocument;
use super::lines::{excluded, lines, pots};
use super::offer::Offer;
use super::payable::{Excluded, Payable, PayoutRules};
use super::proof::Proof;
use super::top_up::TopUps;

/// What a draft is made of.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The moment it would be handed over.
    pub now: DateTime<Utc>,
    /// What can be paid.
    pub payables: Vec<Payable>,
    /// What is not, and why.
    pub excluded: Vec<Excluded>,
    /// What it may be paid over.
    pub offers: Vec<Offer>,
    /// The merchant's rules.
    pub rules: PayoutRules,
    /// Routes, prices and holidays.
    pub tables: Arc<Tables>,
    /// Ways to add to pots.
    pub top_ups: TopUps,
    /// The merchant's own positions.
    pub positions: Vec<Position>,
    /// So many days a payable may wait for a lower fee; zero: none does.
    pub max_wait_days: u32,
}

/// A plan's document and what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drafted {
    /// What is approved.
    pub document: PlanDocument,
    /// The certificate, whole: `plan-checker` reads it.
    pub certificate: String,
}

impl Draft {
    /// The currencies that a rate is asked for, and what costs are stated in: the only currency that is paid, else the
    /// dollar.
    pub fn currencies(&self) -> (Currency, BTreeSet<Currency>) {
        let paid: BTreeSet<Currency> = self.payables.iter().map(|payable| payable.net.currency()).collect();
        let home = match (paid.first(), paid.len()) {
            (Some(only), 1) => *only,
            _ => Currency::known("USD"),
        };
        let table = self.tables.routes.into_currencies(&paid);
        let sources = table.routes.iter().map(|route| route.source_currency);
        let sold = self.top_ups.values().flatten().map(|top_up| top_up.sells);
        (home, sources.chain(sold).chain(paid).filter(|currency| *currency != home).collect())
    }

    /// The plan of the lowest cost. `mids`: whatever rates are known of [`Draft::currencies`]; who is owed in a currency
    /// that cannot be valued is left out. The same draft and rates give the same bytes.
    ///
    /// # Errors
    /// [`treasury::PlanError`] when amounts do not fit.
    pub fn plan(mut self, mids: Mids) -> Result<Drafted, treasury::PlanError> {
        self.leave_out(&mids);
        let paid: BTreeSet<Currency> = self.payables.iter().map(|payable| payable.net.currency()).collect();
        let mut request = PlanRequest {
            now: self.now,
            mids,
            routes: sent_together(self.tables.routes.into_currencies(&paid), &self.offers),
            calendars: self.tables.holidays.clone(),
            payables: Vec::new(),
            funds: funds(&self.offers, &self.top_ups),
            positions: self.positions.clone(),
            max_wait_days: self.max_wait_days,
            conversions: false,
            effort: Effort::default(),
        };
        for payable in &mut self.payables {
            if let Some(enough) = with_an_item(&request, payable, &self.offers, &self.rules)? {
                *payable = enough;
            }
        }
        let mut asked = Vec::with_capacity(self.payables.len());
        for payable in &self.payables {
            asked.push(best_reached(&request, payable, &self.offers, &self.rules)?);
        }
        request.payables = asked.iter().map(|asked| asked.request.clone()).collect();
        let planned = treasury::plan(&request)?;
        self.written(&request, &asked, &planned)
    }

    fn leave_out(&mut self, mids: &Mids) {
        let excluded = &mut self.excluded;
        self.payables.retain(|payable| {
            let currency = payable.net.currency();
            let why = if payable.gross.minor() > treasury::Payable::MOST {
                Some(("too_large", format!("{} is more than one plan pays a supplier", payable.gross)))
            } else if mids.weight(currency).is_err() {
                Some(("no_rate", format!("no rate of {currency} is known; plan it by itself")))
            } else {
                None
            };
            match why {
                Some((reason, detail)) => excluded.push(payable.excluded(reason, detail)),
                None => return true,
            }
            false
        });
    }

    fn written(
        &self,
        request: &PlanRequest,
        asked: &[Asked<'_>],
        planned: &Planned,
    ) -> Result<Drafted, treasury::PlanError> {
        let certificate = planned.certificate.json().to_owned();
        let by_place: BTreeMap<(&str, Currency), &Asked<'_>> =
            asked.iter().map(|asked| (asked.place(), asked)).collect();
        let lines = lines(request, &by_place, &self.offers, &planned.plan)?;
        let pots = pots(&self.offers, &lines, &self.top_ups, &planned.plan);
        let unreached = planned.plan.excluded.iter().filter_map(|one| {
            let asked = by_place.get(&(one.supplier.as_str(), one.net.currency()))?;
            Some(excluded(asked.payable, one))
        });
        let proof = Proof::of(planned, PlanDocument::hash_of(&certificate));
        let all = self.excluded.iter().cloned().chain(unreached).collect();
        let netting = planned.plan.netting.clone();
        let document = PlanDocument { as_of: self.now, lines, excluded: all, pots, proof, netting };
        Ok(Drafted { document, certificate })
    }
}

/// The routes with batches no larger than what is sent in one call: a batch's fee is counted as often as it will be taken.
fn sent_together(mut table: RouteTable, offers: &[Offer]) -> RouteTable {
    for route in &mut table.routes {
        let own = offers.iter().filter(|offer| {
            offer.account.rail == route.rail && offer.account.currency == route.source_currency
        });
        let limit = own.map(|offer| u32::try_from(offer.limit.max(1)).unwrap_or(u32::MAX)).min();
        route.batch_size = route.batch_size.into_iter().chain(limit).min();
    }
    table
}

/// A payable whose debts leave less than the least item of its routes, with that item left: debts come off what is paid, and
/// of what is not paid none ever would. None where that changes nothing.
fn with_an_item(
    request: &PlanRequest,
    payable: &Payable,
    offers: &[Offer],
    rules: &PayoutRules,
) -> Result<Option<Payable>, treasury::PlanError> {
    let is_reached = |payable: &Payable| {
        let asked = Asked::of(payable, payable.net, offers, rules)?;
        reachable(request, &asked.request)
    };
    if payable.debt.is_zero() || is_reached(payable)? {
        return Ok(None);
    }
    let own = request.routes.routes.iter().filter(|route| route.target_currency == payable.net.currency());
    let mut tried = BTreeSet::new();
    for route in own {
        let Some(least) = route.item_minimum() else { continue };
        tried.insert(least.minor());
        if route.source_currency == route.target_currency {
            tried.extend(with_its_fee(route, least)?);
        }
    }
    for least in tried {
        let enough = payable.leaving(Money::from_minor(least, payable.net.currency()));
        if let Some(enough) = enough
            && is_reached(&enough)?
        {
            return Ok(Some(enough));
        }
    }
    Ok(None)
}

/// What an item with its fee inside it comes to: of what is sent or of the whole, whichever the route takes it of, and a
/// minor unit more, where rounding falls otherwise.
fn with_its_fee(route: &Route, least: Money) -> Result<[i64; 4], treasury::PlanError> {
    let of_sent = least.checked_add(route.fee(least)?)?;
    let mut of_whole = of_sent;
    for _ in 0..FEE_ROUNDS {
        of_whole = least.checked_add(route.fee(of_whole)?)?;
    }
    let (sent, whole) = (of_sent.minor(), of_whole.minor());
    Ok([sent, sent + 1, whole, whole + 1])
}

/// A fee of the whole grows with the whole: so often what it adds is added. A tenth of a fee of ten percent is a hundredth.
const FEE_ROUNDS: usize = 8;

/// What is asked for a payable: as much as the account that may get most may get. Where nothing reaches that one, the
/// accounts that may get less at first are asked for.
fn best_reached<'a>(
    request: &PlanRequest,
    payable: &'a Payable,
    offers: &[Offer],
    rules: &PayoutRules,
) -> Result<Asked<'a>, treasury::PlanError> {
    let mut limits: Vec<_> = payable.payees.iter().map(|payee| payable.limit(payee, rules)).collect();
    limits.sort_unstable_by_key(|limit| std::cmp::Reverse(limit.minor()));
    limits.dedup();
    let mut tried = Vec::new();
    for limit in limits.iter().copied() {
        let asked = Asked::of(payable, limit, offers, rules)?;
        if limits.len() == 1 || reachable(request, &asked.request)? {
            return Ok(asked);
        }
        tried.push(asked);
    }
    match tried.into_iter().next() {
        Some(first) => Ok(first),
        None => Ok(Asked::of(payable, payable.net, offers, rules)?),
    }
}
