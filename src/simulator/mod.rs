//! The deterministic simulator: whole payments' lives, with everything that can go wrong, from one seed.
//!
//! Our real flows over our real store; the sandbox's far sides without sockets; one thread, one action on at a time. Who
//! goes on, what is lost on the way, when the process dies and what time it is follow from the seed, and so do ids, nonces
//! and keys' uses: the same seed gives the same steps, and the hash of its trace says so.
//!
//! | room | holds |
//! |---|---|
//! | `gate` | where whoever runs stops: crash points, requests to gateways, locks |
//! | `run`, `step` | rounds of lives; who is on next |
//! | `acts`, `life` | what is done to our process, and the life it belongs to |
//! | `faults` | what goes wrong, how often |
//! | `way`, `mail` | requests and notices on their way, and what befalls them |
//! | `truth` | what truly happened, read off the far sides' answers by itself |
//! | `check`, `books` | what must hold |
//! | `world` | data folder, clock, far sides, the process |
//!
//! Simulated: groups A to C of the failure model as far as they need no socket and no second process (see
//! ARCHITECTURE.md). A death is that of the process, not of the machine: what is committed stays.

mod acts;
mod books;
mod check;
mod faults;
mod gate;
mod life;
mod mail;
mod run;
mod step;
mod trace;
mod truth;
mod way;
mod world;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::app::AppError;
use crate::gateways::GatewayError;
use crate::sandbox::SandboxError;
use crate::settings::SettingsError;
use crate::store::StoreError;

use life::Life;
use run::Run;
use world::Template;

/// What to simulate.
#[derive(Debug, Clone)]
pub struct Options {
    /// Lives per seed.
    pub lives: u64,
    /// An error on purpose, to see that it is found.
    pub sabotage: Option<Sabotage>,
    /// A file for the whole trace, one line a step.
    pub story: Option<PathBuf>,
}

/// Errors on purpose: each breaks one rule of the design, and the simulator has to find it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    /// Refunds are sent again under another reference.
    ResendRefunds,
    /// Nobody asks the gateways by himself.
    NeverAsk,
    /// A captured amount is read one minor unit too large.
    MisreadAmounts,
    /// A forged notice is let through in the place of the genuine one's signature check.
    TrustForged,
}

/// Something that must hold and does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// `I1` … `I8`, or `A5` for a forged notice that was accepted.
    pub invariant: &'static str,
    /// What was seen.
    pub what: String,
    /// The last steps that led there.
    pub steps: Vec<String>,
}

/// What came of one seed.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// Lives that ended settled on both sides.
    pub lives: u64,
    /// Steps taken.
    pub steps: u64,
    /// Deaths of the process.
    pub deaths: u64,
    /// Requests and answers that met a fault.
    pub faults: u64,
    /// Findings decided by two people; each was looked at afterwards.
    pub repairs: u64,
    /// Payments captured.
    pub captured: u64,
    /// Refunds the gateways paid.
    pub refunds: u64,
    /// Of the whole trace, in hex.
    pub trace: String,
    /// How long it took; not part of the trace.
    pub took: Duration,
    /// The first thing that does not hold; the seed ends there.
    pub broken: Option<Broken>,
}

/// Why a simulation did not run.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// The folder.
    #[error("the simulation's folder: {0}")]
    Folder(#[from] std::io::Error),
    /// The settings.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The installation.
    #[error(transparent)]
    App(#[from] AppError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The far sides.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The HTTP client.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// Anything else.
    #[error("{0}")]
    Broken(String),
}

/// A founded world that seeds start from.
#[derive(Debug)]
pub struct Simulator(Template);

impl Simulator {
    /// Founds it.
    ///
    /// # Errors
    /// [`SimulationError`].
    pub fn new() -> Result<Simulator, SimulationError> {
        Ok(Simulator(Template::found()?))
    }

    /// Runs one seed. Call it outside of a runtime.
    ///
    /// # Errors
    /// [`SimulationError`] when it could not run; what it found is in the report.
    pub fn run(&self, seed: u64, options: &Options) -> Result<Report, SimulationError> {
        let began = Instant::now();
        let mut report = Run::new(&self.0, seed, options.clone())?.live_through()?;
        report.took = began.elapsed();
        Ok(report)
    }
}

fn broken(invariant: &'static str, life: &Life, what: &str) -> Broken {
    Broken {
        invariant,
        what: format!("life {} ({} at {}): {what}", life.number, life.id, life.gateway),
        steps: vec![],
    }
}
