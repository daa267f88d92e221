//! Whether a route leads to a payable's payee at all, before any price; and when a route without a price may be taken.

use super::super::request::{Payable, Payee, PlanRequest};
use super::super::route::Route;
use super::alternatives::Alternative;
use super::days::Days;

/// Reasons that say a route is of another corridor. With any other reason the table does price this one.
const ELSEWHERE: [&str; 7] = [
    "other_currency",
    "not_in_force",
    "earlier_text",
    "other_country",
    "other_market",
    "other_kind_of_account",
    "converts",
];

/// The payees that a route leads to on some days, by their places.
///
/// # Errors
/// Why it leads to none.
pub fn reach(
    request: &PlanRequest,
    days: &Days,
    payable: &Payable,
    place: usize,
) -> Result<Vec<usize>, &'static str> {
    let route = &request.routes.routes[place];
    let converts = route.source_currency != route.target_currency;
    let checks = [
        (route.target_currency != payable.gross.currency(), "other_currency"),
        (days.of(place) == Err("not_in_force"), "not_in_force"),
        (days.of(place) == Err("earlier_text"), "earlier_text"),
        (!route.deliverable, "not_deliverable"),
        (converts && !request.conversions, "converts"),
    ];
    if let Some((_, reason)) = checks.into_iter().find(|(fails, _)| *fails) {
        return Err(reason);
    }
    let (mut reached, mut first) = (Vec::new(), None);
    for (place, payee) in payable.payees.iter().enumerate() {
        match misses(request, route, payee) {
            None => reached.push(place),
            // The one that came nearest says why.
            Some(reason) => first = first.max(Some(reason)),
        }
    }
    if reached.is_empty() {
        return Err(first.map_or("no_payee_account", |(_, reason)| reason));
    }
    if route.purpose_required && payable.purpose.is_none() {
        return Err("purpose_code_missing");
    }
    days.of(place).map(|_| reached)
}

/// Why a route does not lead to an account, and how near it came.
fn misses(request: &PlanRequest, route: &Route, payee: &Payee) -> Option<(usize, &'static str)> {
    let market = payee.market.or_else(|| request.routes.market(route.target_currency, &payee.country));
    let checks = [
        (
            !route.reaches.is_empty() && payee.kind.is_some_and(|kind| !route.reaches.contains(&kind)),
            "other_kind_of_account",
        ),
        (!route.countries.is_empty() && !route.countries.contains(&payee.country), "other_country"),
        (route.market.is_some() && market.is_some() && route.market != market, "other_market"),
        (route.needs_town && !payee.town, "town_missing"),
        (route.needs_town && !payee.bank_letters, "not_in_bank_letters"),
    ];
    checks.into_iter().enumerate().find_map(|(place, (fails, reason))| fails.then_some((place, reason)))
}

/// A route without a price is out where a priced one is a way, or where the table prices this corridor on its rail.
pub fn mark_last_resorts(request: &PlanRequest, found: &mut [Alternative]) {
    let route = |one: &Alternative| one.route.map(|place| &request.routes.routes[place]);
    let priced: Vec<(String, bool)> = found
        .iter()
        .filter_map(|one| {
            let route = route(one).filter(|route| !route.last_resort)?;
            let covers = one.ruled_out.is_none_or(|reason| !ELSEWHERE.contains(&reason));
            covers.then(|| (route.rail.clone(), one.ruled_out.is_none() && one.account.is_some()))
        })
        .collect();
    for one in found.iter_mut().filter(|one| one.ruled_out.is_none()) {
        let Some(route) = one.route.map(|place| &request.routes.routes[place]) else { continue };
        if route.last_resort && priced.iter().any(|(rail, is_way)| *is_way || *rail == route.rail) {
            one.ruled_out = Some("priced_elsewhere");
        }
    }
}
