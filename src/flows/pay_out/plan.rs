//! A draft: who can be paid what, over which rail, and why others are not.

use serde::Deserialize;

use crate::domain::payouts::{Draft, Drafted, PayoutPlan, PlanDocument, PlanState, Standing};
use crate::domain::treasury::{self, MID_DIGITS, Mids};
use crate::ids::{MerchantId, PlanId, RailAccountId, SupplierId, UserId};
use crate::money::{Currency, Money};
use crate::store::Change;

use super::{PayOutError, PayingOut};

/// What a plan is asked for: `{"suppliers"?,"currencies"?,"rail_account"?,"minimum"?}`.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanInput {
    /// Only these; without it everybody.
    #[schema(min_items = 1)]
    #[serde(default)]
    pub suppliers: Option<Vec<SupplierId>>,
    /// Only in these; without it in each.
    #[schema(min_items = 1)]
    #[serde(default)]
    pub currencies: Option<Vec<Currency>>,
    /// Only over this one; without it over the cheapest for each.
    #[serde(default)]
    pub rail_account: Option<RailAccountId>,
    /// Less than this waits for a later plan, by currency; a supplier's own minimum counts where it is higher.
    #[schema(max_items = 50)]
    #[serde(default)]
    pub minimum: Option<Vec<Money>>,
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
        let (plan, certificate) = self.composed(merchant, vec![user], id, input).await?;
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
        let mut offers = self.offers(merchant).await?;
        if let Some(only) = input.rail_account {
            offers.retain(|offer| offer.account.id == only);
            if offers.is_empty() {
                let why = format!("nothing can be paid over {only}");
                return Err(PayOutError::Refused { param: "rail_account", why });
            }
        }
        let (mut payables, mut excluded) = (Vec::new(), Vec::new());
        let standings = self.standings(merchant, input).await?;
        let mut foreign = self.foreign_debts(merchant, &standings).await?;
        for standing in standings {
            let standing = Standing { foreign: foreign.of(&standing), ..standing };
            match standing.payable(&self.0.rules, now) {
                Ok(payable) => {
                    foreign.take(&payable)?;
                    payables.push(payable);
                }
                Err(why) => excluded.push(why),
            }
        }
        let (rules, tables) = (self.0.rules.clone(), self.0.tables.clone());
        let draft = Draft { now, payables, excluded, offers, rules, tables };
        let Drafted { document, certificate } = self.lowest(draft).await?;
        let hash = PlanDocument::hash_of(&document.canonical()?);
        let state = PlanState::Draft;
        Ok((PayoutPlan { id, merchant, document, hash, state, makers, created_at: now }, certificate))
    }

    /// The plan of the lowest cost at the rates that the book has now.
    async fn lowest(&self, draft: Draft) -> Result<Drafted, PayOutError> {
        let (home, others) = draft.currencies();
        let snapshot = self.0.rates.latest();
        let mid = |currency: Currency| {
            let market = self.0.rates.mid_of(&snapshot, currency, home).ok()?;
            let value = market.rate.value().round_sf(MID_DIGITS)?;
            (!value.is_zero()).then_some((currency, value))
        };
        let mids = Mids { home, as_of: draft.now, rates: others.into_iter().filter_map(mid).collect() };
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
