//! The deterministic simulator: whole payments' lives, with everything that can go wrong, from one seed.
//!
//! Our real flows over our real store; the sandbox's far sides without sockets; one thread, one action on at a time. Who
//! goes on, what is lost on the way, when the process dies and what time it is follow from the seed, and so do ids, nonces
//! and keys' uses: the same seed gives the same steps, and the hash of its trace says so.
//!
//! | room | holds |
//! |---|---|
//! | `gate` | where whoever runs stops: crash points, requests to gateways, locks |
//! | `run`, `step`, `begin` | rounds of lives and the processes they are lived in; who is on next; what begins next |
//! | `acts`, `life`, `complaint` | what is done to our process, and the life it belongs to |
//! | `restore` | a backup, and the way back to it |
//! | `delays` | what PayPal decides later, or is asked for at its own pages |
//! | `planted` | differences in bills, and whether each was found |
//! | `faults`, `harm` | what goes wrong, how often; files that nobody may start over |
//! | `weather` | what a round has as a whole: a gateway that is away, a share nobody agreed to |
//! | `way`, `mail`, `forgery` | requests and notices on their way, and what befalls them |
//! | `truth` | what truly happened, read off the far sides' answers by itself |
//! | `check`, `books` | what must hold |
//! | `world` | data folder, clock, far sides, the process |
//!
//! Faults of the failure model, groups A to C, and where those are tested that have no place here:
//!
//! | faults | here |
//! |---|---|
//! | A1–A4, A9, A10 | notices twice, swapped, late, lost, about nobody's payment, at another gateway's door |
//! | A5–A8, A11, A13, A14, A16 | forged, old, with another amount, another merchant's, malformed, written anew, certificates from elsewhere |
//! | A19, B26, C40, C41 | COMMITs lost before and after, the database down for a step, deaths at every crash point, stops |
//! | B20, B21, B23, B27, B28 | requests and answers lost, garbled, twice; 429, 5xx, nobody there |
//! | B25 | bills that differ, and payments of which only a bill tells |
//! | C33, C44 | six actions abreast on the same payments; sums over all lives |
//! | C38 | files cut off, overwritten, gone beside their log |
//! | A15, A18 | no: there is no socket and no peer (`http_manners`, `callbacks`, `geo`, `storefront`) |
//! | A16 in part | no: another CA's chain, a certificate that ended, equal checksums (tests beside `paypal/sign.rs`) |
//! | B29 | the gateways' clock up to four minutes before or behind ours; beyond five they refuse every request |
//! | B31, B32 | PayPal keeps another share than agreed; a gateway is away for minutes, and all is asked after it |
//! | C35 | one or two programs over the one database, whoever is on stops for minutes and wakes |
//! | C37, C39, C42 | no: a lock, a full disk or a migration of another process (`store_faults`, `store_open`) |
//! | C41 in part | no: a power cut needs a disk that forgets (`kill`, `store_crash`); a death here is the process's |
//! | C43 | back to a backup of this round; then what was done since is found, and nothing is sent before it was asked about |
//! | C43 in part | no: refunds at GrabPay, disputes of lost payments and money that a bill misstates, lost with the backup |
//! | B22, B30, C34 | no: nobody is paid out here (`pay_out`, `crash`, `job_leases`) |
//! | without a number | captures and refunds that PayPal decides minutes or hours later, or denies; refunds made at its own pages |

mod acts;
mod begin;
mod books;
mod check;
mod complaint;
mod delays;
mod faults;
mod forgery;
mod gate;
mod harm;
mod life;
mod mail;
mod planted;
mod restore;
mod run;
mod step;
mod trace;
mod truth;
mod way;
mod weather;
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
    /// A database that was put back to a backup does not say so.
    ForgetRestore,
}

/// Something that must hold and does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// `I1` … `I8`, or a fault's own number: `A5` for a notice that was accepted and must not be, `A9` for one that was
    /// kept and told nobody, `A16` for a call to whom nobody may call, `B25` for a difference of a bill that was not found or
    /// is none, `C38` for a start over a damaged file, `C43` for money that moved before what was open at a backup was asked
    /// about.
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
    /// Times it was asked to stop, and did.
    pub stops: u64,
    /// Requests and answers that met a fault.
    pub faults: u64,
    /// Findings decided by two people; each was looked at afterwards.
    pub repairs: u64,
    /// Payments captured.
    pub captured: u64,
    /// Refunds the gateways paid.
    pub refunds: u64,
    /// Disputes at PayPal.
    pub disputes: u64,
    /// Times PayPal decided what had waited.
    pub delays: u64,
    /// Times the folder was put back to an earlier backup.
    pub restores: u64,
    /// Differences planted in bills.
    pub planted: u64,
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
