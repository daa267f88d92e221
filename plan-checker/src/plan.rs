//! A plan as `GET /v1/payout-plans/{id}` serves it against its certificate: the proof is of these very lines.
//!
//! | what | how |
//! |---|---|
//! | the certificate | its SHA-256 is the one that the approved content names; plan, table, moment, home, rates, cost, bound and gap are the same |
//! | each supplier | route, bearer, account, items, fees, what correspondents take and what leaves its balance are those of the chosen alternative |
//! | batches | as many calls as fees were counted |
//! | money | each paying account holds what the proof assumed, and needs and lacks what the lines come to; what is named to be added comes to what is lacking, each within a limit of the certificate; from where, at what cost and by when as the content has it |
//! | the content | what is served comes to the hash that is served, and so to what was approved |
//! | nobody else | whoever is in the certificate is in the plan, paid or not; whoever is paid is in the certificate |
//!
//! Names, towns, tax, what is set off, where money comes from and by when it is needed are not in a certificate: only the hash
//! covers them. Cost and bound are rounded half up to the minor unit, the gap is what is between them.

mod funding;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::certificate::{Alternative, Bearer, Body, Part, Resource, Supplier};
use crate::exact::{add, ceiling, count};
use crate::{Refusal, Verdict, compact, content, hexadecimal, ways};
use funding::{Need, Pot};

#[derive(Deserialize)]
struct Served {
    as_of: String,
    hash: String,
    payouts: usize,
    totals: Vec<Total>,
    lines: Vec<Line>,
    excluded: Vec<Excluded>,
    funding: Vec<Need>,
    pots: Vec<Pot>,
    proof: Proof,
}

#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Money {
    amount: String,
    currency: String,
}

#[derive(Deserialize)]
struct Total {
    gross: Money,
    amount: Money,
    fee: Money,
}

#[derive(Deserialize)]
struct Line {
    supplier: String,
    account: String,
    rail_account: String,
    route: String,
    batch: usize,
    gross: Money,
    withholding: Money,
    debt: Money,
    net: Money,
    amount: Money,
    borne: Money,
    fee: Money,
    lifting: Money,
    bearer: String,
}

#[derive(Deserialize)]
struct Excluded {
    supplier: String,
    available: Money,
    reason: String,
}

#[derive(Deserialize)]
struct Proof {
    certificate: String,
    plan: String,
    routes: String,
    home: String,
    rates: BTreeMap<String, String>,
    cost: Money,
    bound: Money,
    gap: Money,
    of_draft: bool,
}

/// Checks a certificate, and that it is that of a plan, as `GET /v1/payout-plans/{id}` serves it.
///
/// # Errors
/// [`Refusal`] with the first thing that does not hold.
pub fn check_plan(certificate: &str, plan: &str) -> Result<Verdict, Refusal> {
    let served: Served = serde_json::from_str(plan).map_err(|error| {
        Refusal::Unreadable(format!("the plan is none that GET /v1/payout-plans serves: {error}"))
    })?;
    let found = hexadecimal(&Sha256::digest(compact(certificate).as_bytes()));
    same("proof.certificate", &served.proof.certificate, &found)?;
    let verdict = crate::check(certificate)?;
    let body = crate::read(certificate)?;
    proof(&body, &served)?;
    let mut left = BTreeMap::new();
    for line in &served.lines {
        left.entry((line.supplier.as_str(), line.net.currency.as_str())).or_insert_with(Vec::new).push(line);
    }
    for part in &body.parts {
        for supplier in &part.suppliers {
            let paid = left.remove(&(supplier.supplier.as_str(), supplier.currency.as_str()));
            one(&body, part, supplier, paid.as_deref(), &served)
                .map_err(|refusal| inside(&supplier.supplier, refusal))?;
        }
        batches(&body, part, &served)?;
    }
    if let Some(((supplier, currency), _)) = left.first_key_value() {
        return Err(Refusal::wrong(
            *supplier,
            format!("it is paid in {currency} and not in the certificate"),
        ));
    }
    sums(&body, &served)?;
    for need in &served.funding {
        funding::check(&body, &served, need).map_err(|refusal| inside(&need.account, refusal))?;
    }
    let comes_to = hexadecimal(&Sha256::digest(content::canonical(plan)?.as_bytes()));
    if served.hash != comes_to {
        let what = format!(
            "the plan says {}, its content comes to {comes_to}: it is not what was approved",
            served.hash
        );
        return Err(Refusal::wrong("hash", what));
    }
    Ok(verdict)
}

fn inside(whole: &str, refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::Wrong { place, what } => Refusal::wrong(format!("{whole}, {place}"), what),
        other => other,
    }
}

fn same<T: PartialEq + std::fmt::Display>(place: &str, plan: T, certificate: T) -> Result<(), Refusal> {
    if plan == certificate {
        return Ok(());
    }
    Err(Refusal::wrong(place, format!("the plan says {plan}, the certificate {certificate}")))
}

impl Money {
    /// In minor units.
    fn minor(&self, body: &Body, currency: &str) -> Result<i128, Refusal> {
        same("currency", self.currency.as_str(), currency)?;
        let exponent = body.exponents.get(currency).copied();
        let exponent =
            exponent.ok_or_else(|| Refusal::wrong("exponents", format!("{currency} is missing")))?;
        let text = self.amount.strip_prefix('-').unwrap_or(&self.amount);
        let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
        let bare: String = text.chars().filter(|letter| *letter != '.').collect();
        let number = bare.parse::<i128>().ok().filter(|_| bare.bytes().all(|byte| byte.is_ascii_digit()));
        let number = number.filter(|_| u32::try_from(fraction.len()) == Ok(exponent));
        let number = number.ok_or_else(|| Refusal::Unreadable(format!("`{}` is no amount", self.amount)))?;
        Ok(if text.len() == self.amount.len() { number } else { -number })
    }
}

fn proof(body: &Body, served: &Served) -> Result<(), Refusal> {
    let proof = &served.proof;
    same("proof.plan", &proof.plan, &body.plan)?;
    same("proof.routes", &proof.routes, &body.table)?;
    same("proof.home", &proof.home, &body.home)?;
    same("as_of", &served.as_of, &body.at)?;
    for (currency, rate) in &proof.rates {
        let shortest = |text: &str| match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
            false => text.to_owned(),
        };
        if let Some(mid) = body.mids.get(currency) {
            same("proof.rates", &shortest(rate), mid)?;
        }
    }
    let half_up = |units: i128| (units + body.units.0 / 2).div_euclid(body.units.0);
    let (cost, bound) = (half_up(body.cost.0), half_up(body.bound.0));
    for (place, stated, comes_to) in [
        ("proof.cost", &proof.cost, cost),
        ("proof.bound", &proof.bound, bound),
        ("proof.gap", &proof.gap, cost - bound),
    ] {
        same(place, stated.minor(body, &body.home)?, comes_to)?;
    }
    same("payouts", served.payouts, served.lines.len())
}

/// What a supplier is paid against what the certificate chose for it.
fn one(
    body: &Body,
    part: &Part,
    supplier: &Supplier,
    lines: Option<&[&Line]>,
    served: &Served,
) -> Result<(), Refusal> {
    let chosen = &supplier.alternatives[supplier.chosen];
    let pays = chosen.route.filter(|_| chosen.waits.is_none());
    let out = |excluded: &&Excluded| {
        excluded.supplier == supplier.supplier && excluded.available.currency == supplier.currency
    };
    let out = served.excluded.iter().find(out);
    let (route, lines) = match (pays, lines) {
        (Some(route), Some(lines)) => (&body.routes[route], lines),
        // Taken out by hand since.
        (Some(_), None) if served.proof.of_draft && out.is_some_and(|out| out.reason == "dropped") => {
            return Ok(());
        }
        (None, None) if out.is_some() => return Ok(()),
        (Some(_), None) => return Err(Refusal::wrong("lines", "the certificate pays it, the plan does not")),
        (None, Some(_)) => return Err(Refusal::wrong("lines", "the plan pays it, the certificate does not")),
        (None, None) => return Err(Refusal::wrong("excluded", "it is neither paid nor left out")),
    };
    let bearer = match supplier.bearer.unwrap_or(route.bearer) {
        Bearer::Debtor => "platform",
        Bearer::Creditor => "supplier",
        Bearer::Shared => "shared",
    };
    let (mut items, mut fees, mut whole, mut least_whole) = (Vec::new(), 0, 0, 0);
    for line in lines {
        same("route", &line.route, &route.name)?;
        same("bearer", line.bearer.as_str(), bearer)?;
        if let Some(payee) = &chosen.payee {
            same("account", &line.account, payee)?;
        }
        same("rail_account", pot(served, &line.rail_account), account(part, chosen))?;
        let of = |money: &Money| money.minor(body, &supplier.currency);
        let (amount, net, fee) = (of(&line.amount)?, of(&line.net)?, of(&line.fee)?);
        same("lifting", of(&line.lifting)?, route.lifting.0)?;
        same("borne", of(&line.borne)?, add(net, -amount)?)?;
        let off = add(of(&line.debt)?, of(&line.withholding)?)?;
        same("gross", of(&line.gross)?, add(net, off)?)?;
        // What leaves the balance is sent, or pays what the supplier bears.
        let least = if bearer == "supplier" { add(amount, fee)? } else { amount };
        if net < least || (bearer != "supplier" && net != amount) {
            return Err(Refusal::wrong("net", "it is not what is sent and what the supplier bears"));
        }
        items.push(amount);
        (fees, whole, least_whole) = (add(fees, fee)?, add(whole, net)?, add(least_whole, least)?);
    }
    let mut chosen_items = Vec::new();
    for (times, amount) in &chosen.items {
        chosen_items.extend((0..*times).map(|_| amount.0));
    }
    items.sort_unstable();
    chosen_items.sort_unstable();
    if items != chosen_items {
        return Err(Refusal::wrong("items", "the plan's amounts are not the certificate's"));
    }
    same("fee", fees, chosen.fee.0)?;
    // With a fee inside, the whole leaves the balance where rounding alone, a minor unit of each item, left something over;
    // what the rail or the limits do not carry stays owed.
    let rounded = add(supplier.net.0, -least_whole)? <= count(items.len())?;
    let all = if bearer == "supplier" && route.step.0 == 1 && rounded { supplier.net.0 } else { least_whole };
    same("net", whole, all)
}

/// The account behind a rail account.
fn pot<'a>(served: &'a Served, rail_account: &str) -> &'a str {
    let need = served.funding.iter().find(|need| need.rail_accounts.iter().any(|own| own == rail_account));
    need.map_or("none", |need| need.account.as_str())
}

fn account<'a>(part: &'a Part, chosen: &Alternative) -> &'a str {
    match chosen.account.and_then(|account| part.resources.get(account)) {
        Some(Resource::Account { name, .. }) => name,
        _ => "none",
    }
}

/// As many calls as there are fees; fewer where payouts were taken out by hand.
fn batches(body: &Body, part: &Part, served: &Served) -> Result<(), Refusal> {
    let mut counted: BTreeMap<(&str, &str), i128> = BTreeMap::new();
    for (place, resource) in part.resources.iter().enumerate() {
        let Resource::Batches { route, account, .. } = resource else { continue };
        let Some(Resource::Account { name, .. }) = part.resources.get(*account) else { continue };
        let mut used = 0;
        for supplier in &part.suppliers {
            let own = ways::uses(part, supplier, supplier.chosen)?;
            for (_, amount) in own.iter().filter(|(other, _)| *other == place) {
                used = add(used, *amount)?;
            }
        }
        let tariff = &body.routes[*route];
        let size = tariff.batch_size.map_or(i128::from(u32::MAX), i128::from);
        let calls = counted.entry((tariff.name.as_str(), name.as_str())).or_insert(0);
        *calls = add(*calls, ceiling(used, size))?;
    }
    for ((route, account), calls) in counted {
        let own = served.lines.iter().filter(|line| line.route == route);
        let own = own.filter(|line| pot(served, &line.rail_account) == account);
        let made: BTreeSet<usize> = own.map(|line| line.batch).collect();
        let made = count(made.len())?;
        if made != calls && !(served.proof.of_draft && made < calls) {
            let what = format!("{made} calls over {route} out of {account}, {calls} in the certificate");
            return Err(Refusal::wrong("batches", what));
        }
    }
    Ok(())
}

/// Sums by currency.
fn sums(body: &Body, served: &Served) -> Result<(), Refusal> {
    for total in &served.totals {
        let currency = total.gross.currency.as_str();
        let of = |what: fn(&Line) -> &Money| {
            let own = served.lines.iter().map(what).filter(|money| money.currency == currency);
            own.map(|money| money.minor(body, currency)).try_fold(0, |sum, one| add(sum, one?))
        };
        same("totals.gross", total.gross.minor(body, currency)?, of(|line| &line.gross)?)?;
        same("totals.amount", total.amount.minor(body, currency)?, of(|line| &line.amount)?)?;
        same("totals.fee", total.fee.minor(body, currency)?, of(|line| &line.fee)?)?;
    }
    Ok(())
}
