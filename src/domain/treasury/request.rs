//! What a plan is made of: payables, funds, mids, routes, calendars. Whoever has these has everything; the planner asks
//! nothing else and knows no clock.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::merchants::PayoutAccountKind;
use crate::money::{Currency, Money};

use super::calendar::Calendars;
use super::netting::Position;
use super::route::{Bearer, Market};
use super::table::RouteTable;
use super::value::Mids;

/// Everything that decides a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRequest {
    /// The moment the run would be handed over.
    pub now: DateTime<Utc>,
    /// Frozen rates and the home currency.
    pub mids: Mids,
    /// The routes, as one version; those of `config/routes.toml` where none are named.
    #[serde(default = "shipped_routes")]
    pub routes: RouteTable,
    /// Bank holidays; those of `config/holidays.toml` where none are named.
    #[serde(default = "shipped_calendars")]
    pub calendars: Calendars,
    /// What is owed, one per supplier and currency.
    pub payables: Vec<Payable>,
    /// What lies where.
    pub funds: Vec<Funds>,
    /// Positions of one legal entity, for netting.
    #[serde(default)]
    pub positions: Vec<Position>,
    /// How many days a payable may wait for a cheaper fee; 0, the default, never.
    #[serde(default)]
    pub max_wait_days: u32,
    /// Whether a rail may convert on the way; where it may not, such routes are priced, shown and ruled out.
    #[serde(default = "yes")]
    pub conversions: bool,
    /// How hard to search.
    #[serde(default)]
    pub effort: Effort,
}

fn shipped_routes() -> RouteTable {
    RouteTable::shipped().clone()
}

fn shipped_calendars() -> Calendars {
    Calendars::shipped().clone()
}

/// One supplier's money in one currency, all amounts in the currency it is paid in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payable {
    /// The supplier's id; with the currency it is unique in a request.
    pub supplier: String,
    /// Available.
    pub gross: Money,
    /// Tax withheld from it.
    #[serde(default)]
    pub withholding: Option<Money>,
    /// Debt of the supplier netted from it, after caps and consent.
    #[serde(default)]
    pub debt: Option<Money>,
    /// The internal deal that made this amount, for the plan's reader.
    #[serde(default)]
    pub conversion: Option<Conversion>,
    /// Where it can be paid to, the likeliest first.
    pub payees: Vec<Payee>,
    /// Who bears fee and deductions by the supplier's terms; without it as the route has it.
    #[serde(default)]
    pub bearer: Option<Bearer>,
    /// Over this account and rail only.
    #[serde(default)]
    pub only: Option<Way>,
    /// The payee's purpose code.
    #[serde(default)]
    pub purpose: Option<String>,
    /// The contract's payment term: the day by which the money must be there.
    #[serde(default)]
    pub due: Option<NaiveDate>,
    /// Why it must not be paid now: `kyb`, `hold:…`, `account_cooling`.
    #[serde(default)]
    pub blocked: Option<String>,
    /// The route it would take without a plan.
    #[serde(default)]
    pub default_route: Option<String>,
    /// What becomes available later; only read where waiting is allowed.
    #[serde(default)]
    pub expected: Vec<Expected>,
}

/// An account of the supplier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payee {
    /// Its name, for whoever executes the plan.
    #[serde(default)]
    pub account: String,
    /// ISO 3166 country.
    pub country: String,
    /// Where the currency has two; without it by the account's country ([`RouteTable::market`]).
    #[serde(default)]
    pub market: Option<Market>,
    /// What its number is; without it every rail reaches it.
    #[serde(default)]
    pub kind: Option<PayoutAccountKind>,
    /// Whether the town of the supplier's address is known.
    #[serde(default = "yes")]
    pub town: bool,
    /// Whether banks carry the letters of its holder's name and of that town.
    #[serde(default = "yes")]
    pub bank_letters: bool,
}

fn yes() -> bool {
    true
}

/// An account that pays, and the rail by which it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Way {
    /// The account among the funds.
    pub account: String,
    /// The rail.
    pub rail: String,
    /// Which of several rail accounts of that rail on that account: what goes out over one is in batches of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<String>,
}

/// An internal deal already struck (J04): it moves no market money here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conversion {
    /// What was given.
    pub from: Money,
    /// At which rate.
    pub rate: String,
}

/// A release to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The day.
    pub on: NaiveDate,
    /// How much.
    pub amount: Money,
}

/// Whose money an account holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Holder {
    /// Held for suppliers: pays suppliers, is never converted or netted for our own ends.
    Client,
    /// Our own.
    Own,
}

/// An account that a rail draws on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Funds {
    /// Its name, unique.
    pub account: String,
    /// The rails that draw on it.
    pub rails: Vec<String>,
    /// What can be spent now.
    pub available: Money,
    /// Client or own money.
    pub holder: Holder,
    /// Ways to add to it, at most four.
    #[serde(default)]
    pub top_ups: Vec<TopUp>,
}

/// A way to add to an account: a transfer, or a market conversion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopUp {
    /// Which account or bank it comes from.
    pub from: String,
    /// The currency that is sold for it.
    pub sells: Currency,
    /// At most so much, in the account's currency.
    pub limit: Money,
    /// Per deal or transfer, in the account's currency.
    #[serde(default)]
    pub fixed: Option<Money>,
    /// Off mid.
    #[serde(default)]
    pub spread_bps: u32,
}

/// How hard to search. Counted, not timed: the same request gives the same plan on any machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effort {
    /// Nodes of the proof for a part of up to 500 payables; larger parts get fewer.
    pub nodes: u32,
}

impl Default for Effort {
    fn default() -> Effort {
        Effort { nodes: 1_500 }
    }
}

/// Why no plan can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A rate is missing or an amount too large.
    #[error(transparent)]
    Value(#[from] super::value::ValueError),
    /// Amounts that do not go together.
    #[error(transparent)]
    Money(#[from] crate::money::MoneyError),
    /// A request that contradicts itself.
    #[error("`{place}`: {why}")]
    Request {
        /// Where.
        place: String,
        /// What, and how to mend it.
        why: String,
    },
}

impl Payable {
    /// The most that is planned, in minor units.
    pub const MOST: i64 = Money::INPUT_LIMIT / 100;
}

impl PlanRequest {
    /// Refuses what no plan could be true to.
    ///
    /// # Errors
    /// [`PlanError::Request`] naming the place.
    pub fn check(&self) -> Result<(), PlanError> {
        let refuse = |place: String, why: &str| Err(PlanError::Request { place, why: why.to_owned() });
        let mut seen = BTreeMap::new();
        for (index, payable) in self.payables.iter().enumerate() {
            let place = |key: &str| format!("payables[{index}].{key}");
            if seen.insert((&payable.supplier, payable.gross.currency()), index).is_some() {
                return refuse(
                    place("supplier"),
                    "a second payable of this supplier in this currency; add them up",
                );
            }
            for (key, part) in [("withholding", payable.withholding), ("debt", payable.debt)] {
                if let Some(part) = part {
                    part.same_currency(payable.gross)?;
                    if part.is_negative() {
                        return refuse(
                            place(key),
                            "it is negative; write what is taken off as a positive amount",
                        );
                    }
                }
            }
            if payable.gross.minor() > Payable::MOST {
                return refuse(place("gross"), "it is beyond 10^14 minor units");
            }
            for later in &payable.expected {
                later.amount.same_currency(payable.gross)?;
            }
        }
        let mut names = BTreeMap::new();
        for (index, funds) in self.funds.iter().enumerate() {
            let place = |key: &str| format!("funds[{index}].{key}");
            if names.insert(&funds.account, index).is_some() {
                return refuse(place("account"), "there are two accounts of this name");
            }
            if funds.top_ups.len() > 4 {
                return refuse(place("top_ups"), "at most four ways to add to an account");
            }
            for top_up in &funds.top_ups {
                top_up.limit.same_currency(funds.available)?;
                top_up.fixed.map_or(Ok(()), |fixed| fixed.same_currency(funds.available))?;
                if top_up.limit.is_negative() || top_up.fixed.is_some_and(Money::is_negative) {
                    return refuse(place("top_ups"), "limits and fixed costs are zero or more");
                }
                if top_up.spread_bps >= 10_000 {
                    return refuse(place("top_ups"), "spread_bps must be below 10000");
                }
            }
        }
        Ok(())
    }
}
