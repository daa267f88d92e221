//! The world of one run: a data folder, a clock, the far sides, and the process that lives and dies in it.
//!
//! An installation is founded once and copied for each run: its certificates cost more than a thousand lives. The folder
//! lies in memory where the system has such a place; there `synchronous=FULL` costs nothing. Nothing else of the store is
//! changed for speed, but power cuts are not simulated: a death is that of the process.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::app::{WaysOut, Woken, found, open_store, wake};
use crate::clock::Clock;
use crate::domain::access::Environment;
use crate::flows::webhooks::Door;
use crate::gateways::transport::Transport;
use crate::gateways::{GatewayError, call};
use crate::ids::IdSource;
use crate::sandbox::{Sandbox, SandboxOptions};
use crate::settings::{Layers, Settings};
use crate::store::{CommitFault, CommitFaults, Store, StoreOptions};

use super::SimulationError;
use super::gate::Gate;

/// Where our edge would be; nothing listens there.
pub(super) const PUBLIC_URL: &str = "http://127.0.0.1:8080";
/// 24 November 2026, 01:00 in Singapore.
const BEGINNING_S: i64 = 1_795_453_200;

/// A founded installation to copy from.
#[derive(Debug)]
pub(super) struct Template {
    folder: Folder,
    http: reqwest::Client,
    door: Door,
}

/// A folder that goes when this goes.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Result<Folder, SimulationError> {
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let nonce: u64 = rand::rng().random();
        let path = base.join(format!("straits-simulation-{}-{name}-{nonce:016x}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Template {
    pub(super) fn found() -> Result<Template, SimulationError> {
        let folder = Folder::new("template")?;
        let settings = settings(&folder.0)?;
        let clock = Clock::fixed(beginning());
        let ids = IdSource::seeded(clock.clone(), 0);
        runtime()?.block_on(async {
            let store = open_store(&settings, &clock, &ids).await?;
            let sandbox = found(&settings, (&clock, &ids), &store, PUBLIC_URL).await?;
            sandbox.close().await;
            store.close().await;
            Ok::<_, SimulationError>(())
        })?;
        let http = call::client().map_err(|error| GatewayError::NotSent(error.to_string()))?;
        let door = WaysOut::open(&settings, Transport::from(http.clone()))?.door;
        Ok(Template { folder, http, door })
    }
}

/// One thread: whoever is on is the only one.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, SimulationError> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

fn beginning() -> DateTime<chrono::Utc> {
    DateTime::from_timestamp(BEGINNING_S, 0).unwrap_or_default()
}

fn settings(folder: &Path) -> Result<Settings, SimulationError> {
    let layers = Layers::defaults().flag("--data-dir", "server.data_dir", &folder.to_string_lossy())?;
    Ok(Settings::from_layers(&layers)?)
}

/// No COMMIT arrives.
const DOWN: u32 = u32::MAX;

/// Lets a COMMIT's answer be lost, as the seed has it.
#[derive(Debug)]
struct Commits {
    dice: Mutex<StdRng>,
    per_ten_thousand: AtomicU32,
}

impl CommitFaults for Commits {
    fn next(&self) -> Option<CommitFault> {
        let rate = self.per_ten_thousand.load(Ordering::Relaxed);
        let mut dice = self.dice.lock().unwrap_or_else(PoisonError::into_inner);
        match dice.random_range(0..10_000_u32) {
            _ if rate == DOWN => Some(CommitFault::LostBefore),
            roll if roll < rate / 2 => Some(CommitFault::LostBefore),
            roll if roll < rate => Some(CommitFault::LostAfter),
            _ => None,
        }
    }
}

/// The world of one run.
#[derive(Debug)]
pub(super) struct World {
    folder: Folder,
    settings: Settings,
    pub clock: Clock,
    /// The gateways', which differs.
    theirs: Clock,
    ids: IdSource,
    http: reqwest::Client,
    door: Door,
    commits: Arc<Commits>,
}

impl World {
    /// `ahead`: how far the gateways' clock is before ours.
    pub(super) fn copy(template: &Template, seed: u64, ahead: TimeDelta) -> Result<World, SimulationError> {
        let folder = Folder::new(&seed.to_string())?;
        for entry in std::fs::read_dir(&template.folder.0)? {
            let entry = entry?;
            std::fs::copy(entry.path(), folder.0.join(entry.file_name()))?;
        }
        let clock = Clock::fixed(beginning());
        let dice = Mutex::new(StdRng::seed_from_u64(seed ^ 0xc0ff_ee00));
        Ok(World {
            settings: settings(&folder.0)?,
            folder,
            ids: IdSource::seeded(clock.clone(), seed),
            clock,
            theirs: Clock::fixed(beginning() + ahead),
            http: template.http.clone(),
            door: template.door.clone(),
            commits: Arc::new(Commits { dice, per_ten_thousand: AtomicU32::new(0) }),
        })
    }

    /// The far sides; they outlive our process.
    pub(super) async fn far_sides(&self, seed: u64) -> Result<Sandbox, SimulationError> {
        let options = SandboxOptions {
            file: self.folder.0.join("sandbox.db"),
            clock: self.theirs.clone(),
            ids: IdSource::seeded(self.theirs.clone(), !seed),
            public_url: PUBLIC_URL.parse().map_err(|_| SimulationError::Broken("an address".into()))?,
        };
        Ok(Sandbox::open(options).await?)
    }

    /// Time passes, here and there.
    pub(super) fn pass(&self, by: TimeDelta) {
        self.clock.pass(by);
        self.theirs.pass(by);
    }

    /// How many COMMITs of ten thousand, or their answers, are lost from now on.
    pub(super) fn commits_lost(&self, per_ten_thousand: u32) {
        self.commits.per_ten_thousand.store(per_ten_thousand, Ordering::Relaxed);
    }

    /// Nothing is committed from now on.
    pub(super) fn database_down(&self) {
        self.commits_lost(DOWN);
    }

    /// Whether an address is the far sides'.
    pub(super) fn is_ours(&self, url: &url::Url) -> bool {
        url.as_str().starts_with(PUBLIC_URL) && url.path().starts_with("/sandbox/")
    }

    /// Where the files lie.
    pub(super) fn path(&self) -> &Path {
        &self.folder.0
    }

    /// Ids for what others than our process make: merchants' orders.
    pub(super) fn ids(&self) -> &IdSource {
        &self.ids
    }

    /// The store's place.
    pub(super) fn store_options(&self) -> StoreOptions {
        use secrecy::ExposeSecret;
        let url = self.settings.database_url.expose_secret();
        StoreOptions::new(url, Environment::Test, self.clock.clone(), self.ids.clone())
    }

    /// Starts our process: so many programs over one database, each with its own name, locks and memory.
    pub(super) async fn boot(
        &self,
        far: &Sandbox,
        gate: &Gate,
        programs: usize,
    ) -> Result<(Store, Vec<Woken>), SimulationError> {
        let mut options = self.store_options();
        options.readers = Some(1);
        options.faults = Some(self.commits.clone());
        let store = Store::open(&options).await?;
        let sources = (&self.clock, &self.ids);
        let mut woken = vec![];
        for _ in 0..programs {
            let http = Transport::over(Arc::new(gate.clone()), self.http.clone());
            let out = WaysOut { http, door: self.door.clone() };
            woken.push(wake(&self.settings, sources, &store, far, (out, PUBLIC_URL)).await?);
        }
        Ok((store, woken))
    }
}
