//! One installation without an edge: no listener, no jobs, no courier. Whoever wakes it decides what happens and when.

use crate::clock::Clock;
use crate::flows::dispute::Disputing;
use crate::flows::findings::Resolving;
use crate::flows::issue_statement::Statements;
use crate::flows::pay::Pay;
use crate::flows::reconcile::Reconciling;
use crate::flows::refund::Refunding;
use crate::flows::settle::Settlements;
use crate::ids::IdSource;
use crate::sandbox::Sandbox;
use crate::settings::Settings;
use crate::store::Store;

use super::flows::WaysOut;
use super::{AppError, Built, Seeded, far_sides, flows, gateway_accounts, open_vault, seed, signing};

/// The verbs of one process, from its start to its end.
#[derive(Debug)]
pub struct Woken {
    /// Payments.
    pub pay: Pay,
    /// Refunds.
    pub refunding: Refunding,
    /// Findings.
    pub resolving: Resolving,
    /// Conversions that wait for a rate.
    pub settlements: Settlements,
    /// What is said in disputes.
    pub disputing: Disputing,
    /// Bills against the books.
    pub reconciling: Reconciling,
    /// What suppliers are told.
    pub statements: Statements,
    /// The merchants.
    pub seeded: Seeded,
}

/// Founds an installation in the settings' data folder: merchants, keys, and what the far sides know of them.
///
/// # Errors
/// [`AppError`].
pub async fn found(
    settings: &Settings,
    (clock, ids): (&Clock, &IdSource),
    store: &Store,
    public_url: &str,
) -> Result<Sandbox, AppError> {
    let vault = open_vault(settings, ids)?;
    let seeded = seed::seeded(store, &vault, clock, ids).await?;
    let sandbox = far_sides::open_sandbox(settings, clock, ids, public_url).await?;
    far_sides::provision(settings, &sandbox, &seeded, public_url).await?;
    Ok(sandbox)
}

/// Starts a process over `store` that reaches others by `out`. Rounds take one piece of work after the other.
///
/// # Errors
/// [`AppError`].
pub async fn wake(
    settings: &Settings,
    (clock, ids): (&Clock, &IdSource),
    store: &Store,
    sandbox: &Sandbox,
    (out, public_url): (WaysOut, &str),
) -> Result<Woken, AppError> {
    let vault = open_vault(settings, ids)?;
    let seeded = seed::seeded(store, &vault, clock, ids).await?;
    let built = Built { settings, store, vault: &vault, clock, ids };
    let (far, known) = (Some(sandbox), Some(&seeded));
    let accounts = gateway_accounts::open_accounts(&built, public_url, far, known, out.http.clone()).await?;
    let signer = signing::open_signer(store, &vault, clock.wall()).await?;
    let flows = flows::build(&built, accounts, signer, (out, public_url), true).await?;
    Ok(Woken {
        pay: flows.pay,
        refunding: flows.refunding,
        settlements: flows.resolving.settlements.clone(),
        resolving: flows.resolving,
        disputing: flows.disputing,
        reconciling: flows.reconciling,
        statements: flows.statements,
        seeded,
    })
}
