//! Ways to add to a paying account that a plan is asked with, and what of them it takes: a list for whoever sees to the
//! money. Nothing here moves any.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::treasury::{self, TopUp};
use crate::money::{Currency, Money};

/// By pot. A pot that stands here is topped up by these and no other way.
pub type TopUps = BTreeMap<String, Vec<TopUp>>;

/// How much has to come from where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ToppedUp {
    /// Which account or bank, as the plan was asked.
    pub from: String,
    /// What has to arrive.
    pub amount: Money,
    /// What is sold for it at mid and spread, rounded up: an estimate until the deal is struck.
    pub sells: Money,
    /// What that costs beside mid, in the currency of the plan's costs, half up.
    pub cost: Money,
    /// By when: the first cut-off of the routes that draw on the account.
    pub by: DateTime<Utc>,
}

impl ToppedUp {
    /// What the planner takes, its cost as money of `home`.
    pub fn of(taken: &treasury::ToppedUp, home: Currency) -> ToppedUp {
        let treasury::ToppedUp { from, amount, sells, cost, by } = taken.clone();
        ToppedUp { from, amount, sells, cost: cost.money(home), by }
    }
}
