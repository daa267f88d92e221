//! What a plan stands on, inside the content that is approved: which tables, which rates, the cost, what proves it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::domain::treasury::{Cost, Planned};
use crate::ids::RailAccountId;
use crate::money::{Currency, Money};

use super::top_up::ToppedUp;

/// The plan as it was drafted is of lowest cost under the dated route table shown, within the gap; what is taken out by hand
/// later is not planned anew. Charges outside the table are outside the proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Proof {
    /// SHA-256 of the certificate, the bytes that `GET …/certificate` answers.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub certificate: String,
    /// The planner's own hash of what it planned: the certificate names it.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub plan: String,
    /// Version of the route table.
    pub routes: String,
    /// Version of the holidays.
    pub holidays: String,
    /// What costs are stated in: the plan's only currency, else the dollar.
    pub home: Currency,
    /// Frozen rates: units of `home` for one of each.
    #[schema(value_type = BTreeMap<String, String>)]
    pub rates: BTreeMap<Currency, Decimal>,
    /// Fees, deductions on the way and batches, by the table, whoever bears them; and what is named to top accounts up.
    pub cost: Money,
    /// No plan under this table costs less, rounded as it is: half up, as the cost. So the cost is never shown below it.
    pub bound: Money,
    /// Cost less bound, as shown.
    pub gap: Money,
    /// What it would cost by the first route of the table each, item by item.
    #[schema(required)]
    pub naive: Option<Money>,
    /// That, less the cost.
    #[schema(required)]
    pub saved: Option<Money>,
    /// Payouts were taken out by hand since: these figures are those of the draft, not of what is left.
    pub of_draft: bool,
}

/// The money behind some rail accounts, as it stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Pot {
    /// The ledger's account and currency.
    #[schema(example = "1110[paypal] USD")]
    pub account: String,
    /// The rail accounts that the plan pays over from it.
    pub rail_accounts: Vec<RailAccountId>,
    /// What stood there, less what was already on its way.
    pub held: Money,
    /// The first cut-off of the routes that draw on it.
    pub by: DateTime<Utc>,
    /// How it is topped up, where the plan was asked with ways to do so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub top_ups: Vec<ToppedUp>,
    /// What calls cost by themselves, where the table names a fee.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub batch_fees: Vec<BatchFee>,
}

/// What one of the plan's calls costs by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BatchFee {
    /// Which, from 1.
    pub batch: usize,
    /// By the table.
    pub fee: Money,
}

impl Proof {
    /// Of a plan and the hash of its certificate.
    pub fn of(planned: &Planned, certificate: String) -> Proof {
        let (plan, totals) = (&planned.plan, &planned.plan.totals);
        let home = totals.home;
        let bound = totals.bound.money(home);
        let rates = plan.mids.rates.iter().filter(|(currency, _)| **currency != home);
        Proof {
            certificate,
            plan: planned.hash.clone(),
            routes: plan.routes.clone(),
            holidays: plan.calendars.clone(),
            home,
            rates: rates.map(|(currency, rate)| (*currency, *rate)).collect(),
            cost: totals.cost_home,
            bound,
            gap: totals.cost_home.checked_sub(bound).unwrap_or(Money::zero(home)),
            naive: totals.naive.map(|Cost(naive)| Cost(naive).money(home)),
            saved: totals.saved_home,
            of_draft: false,
        }
    }
}
