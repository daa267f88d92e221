//! A draft: who can be paid what, over which rail, and why others are not.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::Deserialize;

use crate::domain::payouts::{
    Draft, Drafted, Offer, PayoutPlan, PayoutRules, PlanDocument, PlanState, Standing,
};
use crate::domain::statements::first_instant;
use crate::domain::treasury::{self, MID_DIGITS, Mids, NamedTopUp, booked};
use crate::ids::{MerchantId, PlanId, RailAccountId, SupplierId, UserId};
use crate::money::{Currency, Money};
use crate::store::{AsOf, Change};

use super::top_ups::{by_pot, rated};
use super::waiting::bounded_wait;
use super::{PayOutError, PayingOut};

/// Suppliers that a plan or a schedule may name.
const MOST_SUPPLIERS: usize = 1_000;
/// Days that a plan's day may lie ahead.
const MOST_DAYS_AHEAD: i64 = 31;
/// Currencies that it may name.
const MOST_CURRENCIES: usize = 50;

/// What a plan is asked for: `{"as_of"?,"suppliers"?,"currencies"?,"rail_account"?,"minimum"?,"top_ups"?,"max_wait_days"?}`.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanInput {
    /// The plan's day in the merchant's zone, from today to 31 days on; without it this moment. Routes in force, cut-offs,
    /// holidays and dates are those of a plan that is carried out at its beginning; balances, accounts and rates are today's.
    /// It is approved seven days before at the earliest and carried out from then on, for seven days.
    #[serde(default)]
    pub as_of: Option<NaiveDate>,
    /// Only these, each once; without it everybody.
    #[schema(min_items = 1, max_items = 1000)]
    #[serde(default)]
    pub suppliers: Option<Vec<SupplierId>>,
    /// Only in these, each once; without it in each.
    #[schema(min_items = 1, max_items = 50)]
    #[serde(default)]
    pub currencies: Option<Vec<Currency>>,
    /// Only over this one; without it over the cheapest for each.
    #[serde(default)]
    pub rail_account: Option<RailAccountId>,
    /// Less than this waits for a later plan, by currency; a supplier's own minimum counts where it is higher.
    #[schema(max_items = 50)]
    #[serde(default)]
    pub minimum: Option<Vec<Money>>,
    /// Ways to add to paying accounts, at most four for each. What a named account lacks comes by these, the cheapest first,
    /// or whoever it does not suffice for is left out (`no_funds`); an account that is not named gets what it lacks for free.
    #[schema(max_items = 200)]
    #[serde(default)]
    pub top_ups: Vec<NamedTopUp>,
    /// So many days suppliers with a payment term may wait for what is known to be released, within the term and where one
    /// payout then costs less than two (`waits`). By default nobody waits: it is others' money.
    #[schema(maximum = 31)]
    #[serde(default)]
    pub max_wait_days: u32,
}

/// What a plan or a schedule is asked for, within the bounds that the API states.
///
/// # Errors
/// [`PayOutError::Refused`], with the place.
pub(super) fn bounded(
    suppliers: Option<&[SupplierId]>,
    currencies: Option<&[Currency]>,
    minimum: &[Money],
) -> Result<(), PayOutError> {
    let refuse = |param, why: &str| Err(PayOutError::Refused { param, why: why.to_owned() });
    if suppliers.is_some_and(|all| all.is_empty() || all.len() > MOST_SUPPLIERS || !each_once(all.iter())) {
        return refuse("suppliers", "name 1 to 1,000 suppliers, each once, or leave it out for everybody");
    }
    if currencies.is_some_and(|all| all.is_empty() || all.len() > MOST_CURRENCIES || !each_once(all.iter())) {
        return refuse("currencies", "name 1 to 50 currencies, each once, or leave it out for all");
    }
    if minimum.len() > MOST_CURRENCIES || minimum.iter().any(|minimum| minimum.minor() < 0) {
        return refuse("minimum", "a minimum is zero or above, for at most 50 currencies");
    }
    if !each_once(minimum.iter().map(|minimum| minimum.currency())) {
        return refuse("minimum", "a currency has one minimum");
    }
    Ok(())
}

fn each_once<T: Ord>(all: impl Iterator<Item = T>) -> bool {
    let mut seen = BTreeSet::new();
    all.into_iter().all(|one| seen.insert(one))
}

impl PlanInput {
    /// As it is asked for by a person or a program, where it fits.
    ///
    /// # Errors
    /// [`PayOutError::Refused`], with the place.
    pub fn checked(&self) -> Result<&PlanInput, PayOutError> {
        let minimum = self.minimum.as_deref().unwrap_or_default();
        bounded(self.suppliers.as_deref(), self.currencies.as_deref(), minimum)?;
        bounded_wait(self.max_wait_days)?;
        Ok(self)
    }
}

impl PayingOut {
    /// Makes a draft, with `extra`.
    ///
    /// # Errors
    /// [`PayOutError`]; nothing was written.
    pub async fn draft(
        &self,
        merchant: MerchantId,
        user: UserId,
        id: PlanId,
        input: &PlanInput,
        extra: Change,
    ) -> Result<PayoutPlan, PayOutError> {
        let (plan, certificate) = self.composed(merchant, vec![user], id, input.checked()?).await?;
        let mut change = extra;
        change.insert_payout_plan(&plan, &certificate);
        self.0.store.commit(change).await?;
        Ok(plan)
    }

    /// The same and what proves it, not written down.
    pub(super) async fn composed(
        &self,
        merchant: MerchantId,
        makers: Vec<UserId>,
        id: PlanId,
        input: &PlanInput,
    ) -> Result<(PayoutPlan, String), PayOutError> {
        let now = self.0.clock.now();
        let at = self.day_of(merchant, input.as_of).await?;
        let mut offers = self.offers(merchant).await?;
        let top_ups = by_pot(&input.top_ups, &offers)?;
        if let Some(only) = input.rail_account {
            offers.retain(|offer| offer.account.id == only);
            if offers.is_empty() {
                let why = format!("nothing can be paid over {only}");
                return Err(PayOutError::Refused { param: "rail_account", why });
            }
        }
        // What is refused binds nobody's rate.
        self.no_strangers(merchant, input).await?;
        self.ratable(&input.top_ups, &offers)?;
        let (mut payables, mut excluded) = (Vec::new(), self.bind_rates(merchant, input, &offers).await?);
        let mut standings = self.standings(merchant, input).await?;
        self.with_terms(merchant, &mut standings, input.max_wait_days > 0).await?;
        let mut foreign = self.foreign_debts(merchant, &standings).await?;
        let rules = self.valued(standings.iter().map(Standing::currency));
        for standing in standings {
            let standing = Standing { foreign: foreign.of(&standing), ..standing };
            // Holds, papers and cooling accounts are looked at today, whatever the plan's day: its payees are picked today.
            match standing.payable(&rules, now) {
                Ok(payable) => {
                    foreign.take(&payable)?;
                    payables.push(payable);
                }
                Err(why) => excluded.push(why),
            }
        }
        let trial = self.0.store.trial_balance(merchant, AsOf::Now).await?;
        let positions = booked(&merchant.to_string(), &trial).map_err(PayOutError::unavailable)?;
        let draft = Draft {
            now: at,
            payables,
            excluded,
            offers,
            rules,
            tables: self.0.tables.clone(),
            top_ups,
            positions,
            max_wait_days: input.max_wait_days,
        };
        let Drafted { document, certificate } = self.lowest(draft, &input.top_ups).await?;
        let hash = PlanDocument::hash_of(&document.canonical()?);
        let state = PlanState::Draft;
        let (schedule, created_at) = (None, now);
        Ok((PayoutPlan { id, merchant, document, hash, state, makers, schedule, created_at }, certificate))
    }

    /// The moment of a plan: now, or the beginning of its day.
    async fn day_of(
        &self,
        merchant: MerchantId,
        as_of: Option<NaiveDate>,
    ) -> Result<DateTime<Utc>, PayOutError> {
        let now = self.0.clock.now();
        let Some(day) = as_of else { return Ok(now) };
        let found = self.0.store.merchant(merchant).await?;
        let zone = found.ok_or(PayOutError::Unknown("merchant"))?.zone;
        let today = now.with_timezone(&zone).date_naive();
        let last = today + TimeDelta::days(MOST_DAYS_AHEAD);
        if !(today..=last).contains(&day) {
            let why = format!("a plan's day lies from {today} to {last}");
            return Err(PayOutError::Refused { param: "as_of", why });
        }
        Ok(first_instant(day, zone).max(now))
    }

    /// The rules, with what a first payout may be in each of these.
    pub(super) fn valued(&self, currencies: impl IntoIterator<Item = Currency>) -> PayoutRules {
        let snapshot = self.0.rates.latest();
        let mid = |base, quote| Some(self.0.rates.mid_of(&snapshot, base, quote).ok()?.rate);
        self.0.rules.clone().valued(currencies, mid)
    }

    /// What one of each of these is worth in `home`, at the rates that the book has now.
    fn mids(&self, home: Currency, others: impl IntoIterator<Item = Currency>) -> Mids {
        let snapshot = self.0.rates.latest();
        let mid = |currency: Currency| {
            let market = self.0.rates.mid_of(&snapshot, currency, home).ok()?;
            let value = market.rate.value().round_sf(MID_DIGITS)?;
            (!value.is_zero()).then_some((currency, value))
        };
        Mids { home, as_of: self.0.clock.now(), rates: others.into_iter().filter_map(mid).collect() }
    }

    /// Refuses ways to add that cannot be estimated whatever the plan's costs will be stated in.
    fn ratable(&self, named: &[NamedTopUp], offers: &[Offer]) -> Result<(), PayOutError> {
        let homes = offers.iter().map(|offer| offer.account.currency).chain([Currency::known("USD")]);
        let mut refused = Ok(());
        for home in homes.collect::<BTreeSet<_>>() {
            let sold = named.iter().map(|top_up| top_up.sells).filter(|sold| *sold != home);
            refused = rated(named, &self.mids(home, sold));
            if refused.is_ok() {
                break;
            }
        }
        refused
    }

    /// The plan of the lowest cost at the rates that the book has now.
    async fn lowest(&self, draft: Draft, named: &[NamedTopUp]) -> Result<Drafted, PayOutError> {
        let (home, others) = draft.currencies();
        let mids = self.mids(home, others);
        rated(named, &mids)?;
        // Some hundred suppliers take a moment: no other request waits for it.
        let planned = tokio::task::spawn_blocking(move || draft.plan(mids)).await;
        let refused =
            |error: treasury::PlanError| PayOutError::Refused { param: "suppliers", why: error.to_string() };
        planned.map_err(PayOutError::unavailable)?.map_err(refused)
    }

    /// What proves a plan, the bytes whose hash its content names.
    ///
    /// # Errors
    /// [`PayOutError::Unknown`].
    pub async fn certificate(&self, merchant: MerchantId, id: PlanId) -> Result<String, PayOutError> {
        self.load(merchant, id).await?;
        let found = self.0.store.payout_certificate(id).await?;
        found.ok_or(PayOutError::Unknown("payout plan"))
    }
}
