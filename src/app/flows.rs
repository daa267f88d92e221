//! The verbs over what was built: one instance of each flow, sharing store, clock and rates.

use std::sync::{Arc, Mutex};

use crate::domain::orders::Holder;
use crate::flows::deliver::Delivering;
use crate::flows::findings::Resolving;
use crate::flows::issue_statement::Statements;
use crate::flows::onboard::Onboarding;
use crate::flows::pay::{self, Accounts, Pay};
use crate::flows::price::Pricing;
use crate::flows::refund::{self, Refunding};
use crate::flows::settle::{self, Settlements};
use crate::jobs::{Jobs, payment_duties};
use crate::rates::{RateBook, Volatilities};
use crate::settings::Mode;
use crate::store::Engine;
use crate::vault::Signer;

use super::duties::{ConvertWaiting, NoteHead, RemoveOutdated, SendRefunds, VerifyBooks};
use super::{AppError, Built};

/// One of each.
pub struct Flows {
    pub onboarding: Onboarding,
    pub pricing: Pricing,
    pub pay: Pay,
    pub refunding: Refunding,
    pub delivering: Delivering,
    pub statements: Statements,
    pub resolving: Resolving,
    pub jobs: Jobs,
}

/// Builds them.
///
/// # Errors
/// [`AppError::Broken`] when the rate book does not open.
pub async fn build(
    built: &Built<'_>,
    accounts: Accounts,
    signer: Signer,
    public_url: &str,
    one_by_one: bool,
) -> Result<Flows, AppError> {
    let (store, clock, ids) = (built.store.clone(), built.clock.clone(), built.ids.clone());
    let holder = Holder { boot: ids.mint(), alone: store.engine() == Engine::Sqlite };
    let fx = &built.settings.fx;
    let rates = RateBook::open(fx, clock.clone(), ids.clone());
    let rates = rates.map_err(|error| AppError::Broken(error.to_string()))?;
    let rates = Arc::new(rates.kept_in(store.clone()).await?);
    let allow_stale_reference = fx.allow_stale_reference.unwrap_or(false);
    let settlements = Settlements::new(settle::Parts {
        store: store.clone(),
        clock: clock.clone(),
        ids: ids.clone(),
        rates: rates.clone(),
        fees: built.settings.fees.clone(),
        allow_stale_reference,
    });
    let parts = pay::Parts::new(
        store.clone(),
        clock.clone(),
        ids.clone(),
        built.vault.clone(),
        accounts,
        Arc::new(settlements.clone()),
        Arc::new(store.clone()),
        holder,
        public_url.to_owned(),
        built.settings.mode == Mode::Sandbox,
    );
    let pay = Pay::new(if one_by_one { parts.one_by_one() } else { parts });
    let parts = refund::Parts {
        store: store.clone(),
        ids: ids.clone(),
        pay: pay.clone(),
        settlements: settlements.clone(),
        rates: rates.clone(),
        holder,
        clock: clock.clone(),
    };
    let refunding = if one_by_one { Refunding::one_by_one(parts) } else { Refunding::new(parts) };
    let resolving = Resolving {
        store: store.clone(),
        ids: ids.clone(),
        clock: clock.clone(),
        pay: pay.clone(),
        settlements: settlements.clone(),
        refunding: refunding.clone(),
    };
    let mut duties = payment_duties(&pay);
    duties.push(Arc::new(SendRefunds(refunding.clone())));
    duties.push(Arc::new(ConvertWaiting(settlements)));
    duties.push(Arc::new(NoteHead {
        store: store.clone(),
        clock: clock.clone(),
        ids: ids.clone(),
        noted: Mutex::default(),
    }));
    duties.push(Arc::new(VerifyBooks(store.clone())));
    duties.push(Arc::new(RemoveOutdated { store: store.clone(), clock: clock.clone() }));
    Ok(Flows {
        onboarding: Onboarding {
            store: store.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            vault: built.vault.clone(),
        },
        pricing: Pricing {
            rates,
            volatilities: Arc::new(Volatilities::new(fx.volatility)),
            pairs: Arc::default(),
            shelf: Arc::default(),
            signer,
            settings: Arc::new(fx.clone()),
            allow_stale_reference,
            store: store.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
        },
        refunding,
        delivering: Delivering {
            store: store.clone(),
            ids: ids.clone(),
            clock: clock.clone(),
            pay: pay.clone(),
        },
        resolving,
        statements: Statements::new(store.clone(), clock.clone(), ids.clone()),
        jobs: Jobs::new(store, clock, ids, holder, duties),
        pay,
    })
}
