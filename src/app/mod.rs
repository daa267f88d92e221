//! Builds everything once, serves, and ends in order.
//!
//! Start: listen (so that the address is known), folder and its lock, vault, database, clock, far sides, identity, flows,
//! service, `sandbox.json`, ready. End, on SIGTERM or SIGINT: no more connections, running requests and jobs finish, the
//! writer drains; within the configured seconds.

pub mod duties;
mod error;
mod far_sides;
mod flows;
mod folder_lock;
mod gateway_accounts;
mod opening;
mod payout_duties;
mod reseal;
mod sandbox_file;
mod seed;
mod signing;
mod wake;

use std::io;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use actix_web::middleware::from_fn;
use actix_web::{App as WebApp, HttpServer, web};
use arc_swap::ArcSwap;
use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::gateways::call;
use crate::gateways::transport::Transport;
use crate::geo::{Geo, Proxies};
use crate::http::key_ring::KeyRing;
use crate::http::limits::Limiter;
use crate::http::requests::Requests;
use crate::http::service::{Bell, Service};
use crate::http::{self, edge};
use crate::ids::IdSource;
use crate::settings::{Mode, Settings};
use crate::store::Store;
use crate::vault::Vault;

pub use error::AppError;
pub use flows::WaysOut;
pub use folder_lock::FolderLock;
pub use opening::{could_make, open_store, open_vault, prepare_folder, restore_clock, store_options};
pub use payout_duties::RunPayoutSchedule;
pub use reseal::reseal;
pub use seed::{Identity, Seeded};
pub use signing::retire_signing_keys;
pub use wake::{Woken, found, wake};

/// So long beyond the deadline the database may take to be closed.
const CLOSING: Duration = Duration::from_secs(5);

/// Where time and randomness come from.
#[derive(Debug, Clone)]
pub struct Sources {
    /// Time.
    pub clock: Clock,
    /// Ids, keys, nonces.
    pub ids: IdSource,
}

impl Sources {
    /// The machine's.
    pub fn system() -> Sources {
        let clock = Clock::system();
        Sources { ids: IdSource::random(clock.clone()), clock }
    }
}

/// The whole program, built and not yet serving.
#[derive(Debug)]
pub struct App {
    listener: TcpListener,
    service: web::Data<Service>,
    seeded: Option<Seeded>,
    folder: FolderLock,
}

impl App {
    /// Builds everything. Nothing is answered before [`App::serve`].
    ///
    /// # Errors
    /// [`AppError`] in words for whoever starts it.
    pub async fn build(settings: Settings, sources: Sources) -> Result<App, AppError> {
        let address = settings.listen;
        let listener = TcpListener::bind(address).map_err(|source| AppError::Listen { address, source })?;
        let bound = listener.local_addr().map_err(|source| AppError::Listen { address, source })?;
        let public_url = settings.public_url.clone().unwrap_or_else(|| opening::own_url(bound));
        prepare_folder(&settings.data_dir)?;
        let folder = FolderLock::take(&settings)?;
        let Sources { clock, ids } = sources;
        let vault = open_vault(&settings, &ids)?;
        let store = open_store(&settings, &clock, &ids).await?;
        opening::restore_clock(&store, &clock).await?;
        let (sandbox, seeded) = match settings.mode {
            Mode::Live => (None, None),
            Mode::Sandbox => {
                let seeded = seed::seeded(&store, &vault, &clock, &ids).await?;
                seed::banks::open(&seeded, &store, &vault, &clock, &ids).await?;
                let sandbox = far_sides::open_sandbox(&settings, &clock, &ids, &public_url).await?;
                far_sides::provision(&settings, &sandbox, &seeded, &public_url).await?;
                (Some(sandbox), Some(seeded))
            }
        };
        let built = Built { settings: &settings, store: &store, vault: &vault, clock: &clock, ids: &ids };
        let http = call::client().map_err(|error| AppError::Broken(error.to_string()))?;
        let out = flows::WaysOut::open(&settings, Transport::from(http))?;
        let (far, known) = (sandbox.as_ref(), seeded.as_ref());
        let accounts =
            gateway_accounts::open_accounts(&built, &public_url, far, known, out.http.clone()).await?;
        let signer = signing::open_signer(&store, &vault, clock.wall()).await?;
        let flows = flows::build(&built, accounts, signer, (out, &public_url), false).await?;
        // The days without payments may be others than when it last ran.
        if let Err(error) = flows.paying_out.redate_schedules().await {
            tracing::warn!(%error, "payout schedules keep the dates that they had");
        }
        let geo = Geo::start(settings.geo.clone(), clock.clone())?;
        let proxies = Proxies::new(&settings);
        let origins = store.key_origins().await?;
        let service = web::Data::new(Service {
            limiter: Limiter::new(settings.limits.per_key),
            strangers: Limiter::new(settings.limits.per_address),
            notices: Arc::new(Semaphore::new(settings.limits.notifications_bytes)),
            origins: ArcSwap::from_pointee(origins),
            keys: KeyRing::default(),
            bell: Bell::default(),
            requests: Requests::new(settings.log_format),
            ready: AtomicBool::new(false),
            settings,
            public_url,
            clock,
            ids,
            store,
            vault,
            onboarding: flows.onboarding,
            pricing: flows.pricing,
            pay: flows.pay,
            refunding: flows.refunding,
            paying_out: flows.paying_out,
            withholding: flows.withholding,
            delivering: flows.delivering,
            reconciling: flows.reconciling,
            statements: flows.statements,
            resolving: flows.resolving,
            webhooks: flows.webhooks,
            disputing: flows.disputing,
            client_money: flows.client_money,
            deposits: flows.deposits,
            fx_book: flows.fx_book,
            gl_export: flows.gl_export,
            journals: flows.journals,
            close_period: flows.close_period,
            jobs: flows.jobs,
            geo,
            proxies,
            sandbox,
        });
        if let Some(seeded) = &seeded {
            sandbox_file::write(&service.settings.data_dir, &service.public_url, seeded)?;
        }
        Ok(App { listener, service, seeded, folder })
    }

    /// Where it is reached.
    pub fn url(&self) -> &str {
        &self.service.public_url
    }

    /// What handlers are given.
    pub fn service(&self) -> &web::Data<Service> {
        &self.service
    }

    /// Test keys and far sides' clients, in sandbox mode.
    pub fn seeded(&self) -> Option<&Seeded> {
        self.seeded.as_ref()
    }

    /// The file with the test keys, in sandbox mode.
    pub fn sandbox_file(&self) -> Option<PathBuf> {
        self.seeded.as_ref().map(|_| self.service.settings.data_dir.join(sandbox_file::NAME))
    }

    /// Serves until `stop` resolves, then ends in order. It ends by itself, with an error, when the database's writer is
    /// gone: whoever watches the process starts it again.
    ///
    /// # Errors
    /// [`AppError::Server`], [`AppError::WriterGone`].
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Result<(), AppError> {
        // Folder and database are held until everything has ended.
        let App { listener, service, folder: _folder, .. } = self;
        let limits = service.settings.limits.clone();
        let workers = match service.settings.workers {
            0 => std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
            own => own,
        };
        let (data, far) = (service.clone(), service.sandbox.clone());
        let server = HttpServer::new(move || {
            let far = far.clone();
            WebApp::new()
                .app_data(data.clone())
                .wrap(from_fn(edge::answer))
                .configure(|config| {
                    if let Some(far) = &far {
                        config.service(web::scope("/sandbox").configure(far.routes()));
                    }
                })
                .configure(|config| http::configure(config, &data))
        })
        .workers(workers)
        .client_request_timeout(limits.head)
        .shutdown_timeout(limits.shutdown.as_secs())
        .disable_signals()
        .listen(listener)
        .map_err(AppError::Server)?
        .run();
        let handle = server.handle();
        service.set_ready(true);
        let background = background(&service);
        let (end_jobs, jobs_end) = tokio::sync::oneshot::channel::<()>();
        let jobs = service.jobs.clone();
        let mut jobs = tokio::spawn(async move { jobs.run(async { drop(jobs_end.await) }).await });
        let (end_telling, telling_ends) = tokio::sync::oneshot::channel::<()>();
        let webhooks = service.webhooks.clone();
        let mut telling = tokio::spawn(async move { webhooks.run(async { drop(telling_ends.await) }).await });
        let running = tokio::spawn(server);
        let writes = tokio::select! {
            () = stop => true,
            () = service.store.ended() => false,
        };
        service.set_ready(false);
        if !writes {
            tracing::error!("the database's writer is gone");
        }
        tracing::info!("stopping: no more connections, running requests and jobs finish");
        let deadline = tokio::time::Instant::now() + limits.shutdown;
        let _ = (end_jobs.send(()), end_telling.send(()));
        handle.stop(true).await;
        if tokio::time::timeout_at(deadline, &mut jobs).await.is_err() {
            tracing::warn!("a job did not end in time; the next start takes it up");
            jobs.abort();
        }
        if tokio::time::timeout_at(deadline, &mut telling).await.is_err() {
            tracing::warn!("a webhook's receiver did not answer in time; it is told again");
            telling.abort();
        }
        for task in background {
            task.abort();
        }
        service.requests.flush();
        // A statement that was given up may run on.
        if !service.store.close_by(deadline + CLOSING).await {
            tracing::warn!("a statement did not end in time; the database is left open");
        }
        match running.await {
            Ok(ended) => ended.map_err(AppError::Server)?,
            Err(error) => return Err(AppError::Server(io::Error::other(error))),
        }
        if writes { Ok(()) } else { Err(AppError::WriterGone) }
    }
}

/// What runs beside the server and may be broken off at any time.
fn background(service: &web::Data<Service>) -> Vec<tokio::task::JoinHandle<()>> {
    let rates = service.pricing.rates.clone();
    let rates = tokio::spawn(async move { rates.keep_fresh().await });
    let courier = service.sandbox.clone();
    let courier = courier.map(|sandbox| tokio::spawn(async move { sandbox.run_courier().await }));
    let watch = service.geo.rhythm().map(|rhythm| tokio::spawn(watch_countries(service.clone(), rhythm)));
    let requests = service.clone();
    let lines = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            requests.requests.flush();
        }
    });
    let keys = service.clone();
    let origins = tokio::spawn(async move {
        loop {
            tokio::time::sleep(KeyRing::MEMORY).await;
            if let Err(error) = keys.refresh_origins().await {
                tracing::debug!(%error, "the origins of keys were not read; those known stay");
            }
        }
    });
    let service = service.clone();
    let sweep = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(60)).await;
            service.limiter.sweep();
            service.strangers.sweep();
            if let Some(recorder) = http::api::operations::recorder() {
                recorder.run_upkeep();
            }
        }
    });
    [rates, lines, origins, sweep].into_iter().chain(courier).chain(watch).collect()
}

/// Looks at the operator's country file again and again, on a thread that may wait for the disk.
async fn watch_countries(service: web::Data<Service>, rhythm: Duration) {
    loop {
        tokio::time::sleep(rhythm).await;
        let service = service.clone();
        if tokio::task::spawn_blocking(move || service.geo.look()).await.is_err() {
            tracing::error!("the look at the country database broke off; the one in use stays");
        }
    }
}

/// What the later steps of the start work with.
struct Built<'a> {
    settings: &'a Settings,
    store: &'a Store,
    vault: &'a Vault,
    clock: &'a Clock,
    ids: &'a IdSource,
}
