//! Builds everything once, serves, and ends in order.
//!
//! Start: listen (so that the address is known), folder, vault, database, clock, far sides, identity, flows, service,
//! `sandbox.json`, ready. End, on SIGTERM or SIGINT: no more connections, running requests finish, jobs hand back, the
//! writer drains; within the configured seconds.

mod duties;
mod flows;
mod gateway_accounts;
mod sandbox_file;
mod seed;

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use actix_web::middleware::from_fn;
use actix_web::{App as WebApp, HttpServer, web};
use arc_swap::ArcSwap;
use chrono::TimeDelta;
use secrecy::ExposeSecret;
use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::domain::access::Environment;
use crate::flows::pay::{Accounts, OpenAccount};
use crate::gateways::{BuildError, Context, Trust};
use crate::geo::{Geo, Network, TrustedProxies};
use crate::http::limits::Limiter;
use crate::http::service::{CLOCK_OFFSET, KeyRing, Service};
use crate::http::{self, caller, edge};
use crate::ids::IdSource;
use crate::sandbox::{GrabPayPartner, PayPalApp, Sandbox, SandboxError, SandboxOptions};
use crate::settings::{Mode, Settings};
use crate::store::{CommitError, Store, StoreError, StoreOptions};
use crate::vault::{Vault, VaultError};

pub use seed::{Identity, Seeded};

/// Why the service does not start, in words for whoever starts it.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}{}", port_advice(*address, source))]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The data folder.
    #[error("the data folder {} cannot be used: {source}; choose another with --data-dir", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The master key.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database's writer.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The far sides.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// A gateway account's settings.
    #[error(transparent)]
    Gateway(#[from] BuildError),
    /// Something stored is not what was written.
    #[error("{0}")]
    Broken(String),
    /// The server.
    #[error("the server ended: {0}")]
    Server(io::Error),
}

fn port_advice(address: SocketAddr, source: &io::Error) -> String {
    if source.kind() == io::ErrorKind::AddrInUse {
        return format!(
            "; port {} is in use by another program: stop it, or start with --listen {}:0 for a free port",
            address.port(),
            address.ip()
        );
    }
    String::new()
}

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
        let public_url = settings.public_url.clone().unwrap_or_else(|| own_url(bound));
        prepare_folder(&settings.data_dir)?;
        let Sources { clock, ids } = sources;
        let vault = open_vault(&settings, &ids)?;
        let store = open_store(&settings, &clock, &ids).await?;
        restore_clock(&store, &clock).await?;
        let (sandbox, seeded) = match settings.mode {
            Mode::Live => (None, None),
            Mode::Sandbox => {
                let seeded = seed::seeded(&store, &vault, &clock, &ids).await?;
                let sandbox = open_sandbox(&settings, &clock, &ids, &public_url).await?;
                provision(&sandbox, &seeded, &public_url).await?;
                (Some(sandbox), Some(seeded))
            }
        };
        let built = Built { settings: &settings, store: &store, vault: &vault, clock: &clock, ids: &ids };
        let accounts = open_accounts(&built, &public_url, sandbox.as_ref(), seeded.as_ref()).await?;
        let flows = flows::build(&built, accounts, &public_url)?;
        let geo = open_geo(&settings)?;
        let trusted = trusted_proxies(&settings)?;
        let origins = store.key_origins().await?;
        let service = web::Data::new(Service {
            limiter: Limiter::new(settings.limits.per_key),
            strangers: Limiter::new(settings.limits.per_address),
            notices: Arc::new(Semaphore::new(settings.limits.notifications_bytes)),
            origins: ArcSwap::from_pointee(origins),
            keys: KeyRing::default(),
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
            delivering: flows.delivering,
            statements: flows.statements,
            jobs: flows.jobs,
            geo,
            trusted,
            sandbox,
        });
        if let Some(seeded) = &seeded {
            sandbox_file::write(&service.settings.data_dir, &service.public_url, seeded)?;
        }
        Ok(App { listener, service, seeded })
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

    /// Serves until `stop` resolves, then ends in order.
    ///
    /// # Errors
    /// [`AppError::Server`].
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Result<(), AppError> {
        let App { listener, service, .. } = self;
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
                .wrap(from_fn(caller::guard))
                .wrap(http::cors(data.clone()))
                .wrap(from_fn(edge::answer))
                .configure(|config| {
                    if let Some(far) = &far {
                        config.service(web::scope("/sandbox").configure(far.routes()));
                    }
                })
                .configure(http::configure)
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
        let running = tokio::spawn(server);
        stop.await;
        service.set_ready(false);
        tracing::info!("stopping: no more connections, running requests finish");
        handle.stop(true).await;
        for task in background {
            task.abort();
        }
        service.store.close().await;
        match running.await {
            Ok(ended) => ended.map_err(AppError::Server),
            Err(error) => Err(AppError::Server(io::Error::other(error))),
        }
    }
}

/// What runs beside the server.
fn background(service: &web::Data<Service>) -> Vec<tokio::task::JoinHandle<()>> {
    let jobs = service.jobs.clone();
    let jobs = tokio::spawn(async move { jobs.run(std::future::pending()).await });
    let rates = service.pricing.rates.clone();
    let rates = tokio::spawn(async move { rates.keep_fresh().await });
    let courier = service.sandbox.clone();
    let courier = courier.map(|sandbox| tokio::spawn(async move { sandbox.run_courier().await }));
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
    [jobs, rates, sweep].into_iter().chain(courier).collect()
}

/// An unspecified address is reached by loopback.
fn own_url(bound: SocketAddr) -> String {
    match bound.ip() {
        ip if ip.is_unspecified() => format!("http://127.0.0.1:{}", bound.port()),
        IpAddr::V6(ip) => format!("http://[{ip}]:{}", bound.port()),
        IpAddr::V4(ip) => format!("http://{ip}:{}", bound.port()),
    }
}

fn prepare_folder(folder: &Path) -> Result<(), AppError> {
    let failed = |source| AppError::Folder { path: folder.to_owned(), source };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let probe = folder.join(".writable");
    std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe)).map_err(failed)
}

/// The vault of these settings: the master key given, or the data folder's own in sandbox mode.
///
/// # Errors
/// [`AppError::Vault`].
pub fn open_vault(settings: &Settings, ids: &IdSource) -> Result<Vault, AppError> {
    Ok(match &settings.master_key {
        Some(keys) => Vault::new(keys, ids.clone())?,
        None => Vault::from_data_folder(&settings.data_dir, ids.clone())?,
    })
}

/// The database of these settings.
///
/// # Errors
/// [`AppError::Store`].
pub async fn open_store(settings: &Settings, clock: &Clock, ids: &IdSource) -> Result<Store, AppError> {
    let environment = match settings.mode {
        Mode::Sandbox => Environment::Test,
        Mode::Live => Environment::Live,
    };
    let url = settings.database_url.expose_secret();
    Ok(Store::open(&StoreOptions::new(url, environment, clock.clone(), ids.clone())).await?)
}

async fn restore_clock(store: &Store, clock: &Clock) -> Result<(), AppError> {
    let stored = store.setting(CLOCK_OFFSET).await?.and_then(|row| row.value.parse().ok());
    clock.restore_offset(TimeDelta::microseconds(stored.unwrap_or(0)));
    Ok(())
}

async fn open_sandbox(
    settings: &Settings,
    clock: &Clock,
    ids: &IdSource,
    public_url: &str,
) -> Result<Sandbox, AppError> {
    let public_url = url::Url::parse(public_url).map_err(|error| AppError::Broken(error.to_string()))?;
    let file = settings.data_dir.join("sandbox.db");
    let options = SandboxOptions { file, clock: clock.clone(), ids: ids.clone(), public_url };
    Ok(Sandbox::open(options).await?)
}

/// Makes the seeded merchants known at the far sides, and our addresses with them.
async fn provision(sandbox: &Sandbox, seeded: &Seeded, public_url: &str) -> Result<(), AppError> {
    let address = |path: &str| {
        url::Url::parse(&format!("{public_url}{path}")).map_err(|error| AppError::Broken(error.to_string()))
    };
    for identity in [&seeded.default, &seeded.other] {
        let text = |gateway: &str, key: &str| {
            identity.gateways.get(gateway).and_then(|client| client.get(key)).cloned().unwrap_or_default()
        };
        let paypal = PayPalApp {
            client_id: text("paypal", "client_id"),
            client_secret: text("paypal", "client_secret").into(),
            webhook_id: text("paypal", "webhook_id"),
            webhook_url: Some(address("/v1/notifications/paypal")?),
            merchant_id: text("paypal", "merchant_id"),
            fee: crate::sandbox::PayPalFee::default(),
            holds: vec![],
            rates: vec![],
        };
        sandbox.provision_paypal(&paypal).await?;
        let currencies = ["SGD", "MYR", "PHP", "THB", "IDR"].iter().filter_map(|code| code.parse().ok());
        let grabpay = GrabPayPartner {
            partner_id: text("grabpay", "partner_id"),
            partner_secret: text("grabpay", "partner_secret").into(),
            client_id: text("grabpay", "client_id"),
            client_secret: text("grabpay", "client_secret").into(),
            merchant_id: text("grabpay", "merchant_id"),
            country: "SG".to_owned(),
            currencies: currencies.collect(),
            webhook_url: Some(address("/v1/notifications/grabpay")?),
            redirect_prefixes: vec![address("/v1/returns/grabpay")?],
            merchant_discount: crate::money::Percent::default(),
        };
        sandbox.provision_grabpay(&grabpay).await?;
    }
    Ok(())
}

async fn open_accounts(
    built: &Built<'_>,
    public_url: &str,
    sandbox: Option<&Sandbox>,
    seeded: Option<&Seeded>,
) -> Result<Accounts, AppError> {
    let trust = match sandbox {
        None => Trust::Live,
        Some(sandbox) => Trust::StraitsSandbox { root_der: sandbox.root_certificate_der()? },
    };
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(30))
        .build()
        .map_err(|error| AppError::Broken(error.to_string()))?;
    let context = Context { http, clock: built.clock.clone(), ids: built.ids.clone(), trust };
    let stored = built.store.gateway_accounts().await?.into_iter().map(|row| row.value).collect();
    let default = match seeded {
        Some(seeded) => Some(seeded.default.merchant),
        None => built.store.merchants().await?.first().map(|merchant| merchant.id),
    };
    let open: Vec<OpenAccount> =
        gateway_accounts::open_all(stored, default, built.settings, public_url, built.vault, &context)?;
    Ok(Accounts::new(open))
}

fn open_geo(settings: &Settings) -> Result<Geo, AppError> {
    let geo = match &settings.geo_database {
        Some(file) => Geo::open(file),
        None => Geo::embedded(),
    };
    geo.map_err(|error| AppError::Broken(error.to_string()))
}

/// Loopback is trusted in sandbox mode, so that a forwarded header can be tried with curl.
fn trusted_proxies(settings: &Settings) -> Result<TrustedProxies, AppError> {
    let mut texts = settings.trusted_proxies.clone();
    if settings.mode == Mode::Sandbox {
        texts.extend(["127.0.0.0/8".to_owned(), "::1/128".to_owned()]);
    }
    let read = |text: &String| {
        text.parse::<Network>()
            .map_err(|error| AppError::Broken(format!("server.trusted_proxies: `{text}`: {error}")))
    };
    Ok(TrustedProxies::new(texts.iter().map(read).collect::<Result<_, _>>()?))
}

/// What the later steps of the start work with.
struct Built<'a> {
    settings: &'a Settings,
    store: &'a Store,
    vault: &'a Vault,
    clock: &'a Clock,
    ids: &'a IdSource,
}
