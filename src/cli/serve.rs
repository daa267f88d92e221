//! `serve` and `migrate`.

use std::io;
use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::app::{App, Sources, open_store};
use crate::http::api::operations::recorder;
use crate::settings::{LogFormat, Settings};
use crate::store::Store;

use super::output::{self, say};
use super::{CliError, Outcome};

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// [`CliError`] in words.
pub async fn serve(settings: Settings) -> Result<Outcome, CliError> {
    start_log(&settings)?;
    recorder();
    wait_for_database(&settings).await;
    let app = App::build(settings, Sources::system()).await?;
    let stop = stop_signal();
    announce(&app);
    app.serve(stop).await?;
    Ok(Outcome::Done)
}

/// Waits for a database server that is not up, as where both come back from a power cut; until then nobody is answered. What
/// else is wrong with it is told by whoever opens it.
async fn wait_for_database(settings: &Settings) {
    let url = settings.database_url.expose_secret();
    let mut pause = Duration::from_millis(500);
    while let Err(error) = Store::is_there(url).await
        && error.is_away()
    {
        tracing::warn!(%error, "the database is away; trying again");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}

/// Brings the schema up to date.
///
/// # Errors
/// [`CliError`] in words.
pub async fn migrate(settings: Settings) -> Result<Outcome, CliError> {
    let Sources { clock, ids } = Sources::system();
    std::fs::create_dir_all(&settings.data_dir)
        .map_err(|source| crate::app::AppError::Folder { path: settings.data_dir.clone(), source })?;
    let store = open_store(&settings, &clock, &ids).await?;
    store.close().await;
    say!("the schema is up to date")?;
    Ok(Outcome::Done)
}

/// What a person needs next.
pub fn announce(app: &App) {
    let mut words = format!("Straits is ready at {}\n  documentation  {}/docs/\n", app.url(), app.url());
    if let Some(file) = app.sandbox_file() {
        words.push_str(&format!("  test keys      {}\n", file.display()));
    }
    output::announce(&words);
}

/// Log lines go to standard error, so that standard output stays for people and pipes. One that cannot be written (a full
/// disk, a reader that went away) is lost, and nothing else: by itself the log would say so on standard error, and that
/// panics in whatever was at work.
///
/// # Errors
/// [`CliError::Words`] when the level cannot be read.
pub fn start_log(settings: &Settings) -> Result<(), CliError> {
    let filter = EnvFilter::try_new(&settings.log_level)
        .map_err(|error| CliError::Words(format!("log.level = `{}`: {error}", settings.log_level)))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let builder = builder.log_internal_errors(false);
    // A second call in one process keeps the first log.
    let _ = match settings.log_format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.try_init(),
    };
    Ok(())
}

/// SIGTERM or SIGINT, heard from this call on: whoever was told that the service is ready may end it at once.
pub fn stop_signal() -> impl Future<Output = ()> {
    let heard = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
    async move {
        let [terminate, interrupt] = heard.map(|heard| async move {
            match heard {
                Ok(mut heard) => drop(heard.recv().await),
                // It cannot be heard here; the other one still can.
                Err(_) => std::future::pending().await,
            }
        });
        tokio::select! {
            () = terminate => {}
            () = interrupt => {}
        }
    }
}
