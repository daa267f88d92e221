//! The plan as a document: what is paid to whom, by which route, at what cost, and what it would have cost otherwise.
//! Its canonical bytes are its JSON in the order of the fields; its hash is what is approved and what is sent.

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::money::{Currency, Money};

use super::netting::Netted;
use super::position::Position;
use super::request::Conversion;
use super::route::Bearer;
use super::value::{Cost, Mids};

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The moment it is of.
    pub now: DateTime<Utc>,
    /// Frozen rates.
    pub mids: Mids,
    /// Which route table: "lowest cost under the dated route table shown".
    pub routes: String,
    /// Which holidays.
    pub calendars: String,
    /// What is paid.
    pub lines: Vec<Line>,
    /// What is not, and why.
    pub excluded: Vec<Excluded>,
    /// What each account pays, and the funding list.
    pub accounts: Vec<AccountUse>,
    /// Batches with a fee, and how items fall into batches with a limit.
    pub batches: Vec<Batch>,
    /// One entity's own positions, netted.
    pub netting: Vec<Netted>,
    /// Funds against payables by currency.
    pub positions: Vec<Position>,
    /// Sums.
    pub totals: Totals,
}

/// One supplier's payout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The supplier.
    pub supplier: String,
    /// Available.
    pub gross: Money,
    /// Withheld.
    pub withholding: Money,
    /// Debt netted.
    pub debt: Money,
    /// Gross less both.
    pub net: Money,
    /// The internal deal behind it.
    pub conversion: Option<Conversion>,
    /// The route.
    pub route: String,
    /// Its rail.
    pub rail: String,
    /// The account that is debited.
    pub account: String,
    /// The rail account on it that the supplier's terms name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<String>,
    /// The account that is paid to.
    pub payee: String,
    /// What leaves us for the supplier, item by item.
    pub items: Vec<Money>,
    /// Their sum; with a fee inside it is below the net.
    pub sent: Money,
    /// The rail's fee.
    pub fee: Money,
    /// What correspondents take, by the table.
    pub lifting: Money,
    /// Who bears fee and deductions.
    pub bearer: Bearer,
    /// What the account is debited.
    pub debit: Money,
    /// Fee, deductions and spread, exact.
    pub cost: Cost,
    /// The same as money of home.
    pub cost_home: Money,
    /// The day on which the rail takes it.
    pub instructed: NaiveDate,
    /// Expected value date (by the route table), never promised.
    pub expected: NaiveDate,
    /// Whether both holiday calendars cover that day.
    pub calendar_covers: bool,
    /// After the contract's payment term: no route makes it.
    pub late: bool,
    /// The next-cheapest alternative.
    pub next: Option<Next>,
}

/// What the same payout would cost otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Next {
    /// The route.
    pub route: String,
    /// Its account.
    pub account: String,
    /// Its own cost.
    pub cost: Cost,
    /// That, less the chosen one's; below zero where it is cheaper by itself and the whole is not.
    pub difference: Money,
}

/// A supplier that is not paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excluded {
    /// The supplier.
    pub supplier: String,
    /// What stays owed.
    pub net: Money,
    /// `blocked`, `nothing_left`, `no_route`, `no_funds`, `waits`.
    pub reason: String,
    /// More of it: the block's code, what ruled each route out, the day it waits for.
    pub detail: String,
}

/// What one account pays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountUse {
    /// The account.
    pub account: String,
    /// Before.
    pub available: Money,
    /// Debited by the plan.
    pub debited: Money,
    /// The first cut-off of the routes that draw on it.
    pub by: DateTime<Utc>,
    /// How it is topped up.
    pub top_ups: Vec<ToppedUp>,
}

/// One line of the funding list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToppedUp {
    /// Where it comes from.
    pub from: String,
    /// How much must arrive.
    pub amount: Money,
    /// What is sold for it at mid and spread, an estimate where the deal is still to be struck.
    pub sells: Money,
    /// What it costs.
    pub cost: Cost,
    /// The latest moment: the first cut-off of the routes that need it.
    pub by: DateTime<Utc>,
}

/// Items handed over together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// The route.
    pub route: String,
    /// The account that they are paid from.
    pub account: String,
    /// The rail account on it that terms name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<String>,
    /// 1, 2, …
    pub number: u32,
    /// How many items.
    pub items: u32,
    /// Its fee.
    pub fee: Money,
}

/// Sums in the home currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// The home currency.
    pub home: Currency,
    /// What the plan costs, exact.
    pub cost: Cost,
    /// The same as money.
    pub cost_home: Money,
    /// No plan under this table costs less.
    pub bound: Cost,
    /// Cost less bound.
    pub gap: Cost,
    /// Payables left unpaid for lack of funds.
    pub unpaid: u32,
    /// Each by its default or first route, item by item, each in a batch of its own, each shortage bought by itself;
    /// none where that cannot pay everybody this plan pays.
    pub naive: Option<Cost>,
    /// Naive less cost.
    pub saved_home: Option<Money>,
    /// Sent per currency.
    pub sent: Vec<Money>,
}

impl Plan {
    /// The bytes that are hashed.
    ///
    /// # Errors
    /// None of a plan that the planner made; `serde_json`'s, whose texts and numbers always write.
    pub fn canonical(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    /// SHA-256 of the canonical bytes, in hexadecimal.
    ///
    /// # Errors
    /// As [`Plan::canonical`].
    pub fn hash(&self) -> Result<String, serde_json::Error> {
        Ok(hexadecimal(&self.canonical()?))
    }
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    digest(&SHA256, bytes).as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
