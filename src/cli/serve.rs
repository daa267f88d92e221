//! `serve` and `migrate`.

use std::io::{self, Write};

use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::app::{App, Sources, open_store};
use crate::http::api::operations::recorder;
use crate::settings::{LogFormat, Settings};

use super::{CliError, Outcome};

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// [`CliError`] in words.
pub async fn serve(settings: Settings) -> Result<Outcome, CliError> {
    start_log(&settings)?;
    recorder();
    let app = App::build(settings, Sources::system()).await?;
    announce(&app);
    app.serve(stop_signal()).await?;
    Ok(Outcome::Done)
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
    println!("the schema is up to date");
    Ok(Outcome::Done)
}

/// What a person needs next.
pub fn announce(app: &App) {
    let mut words = format!("Straits is ready at {}\n  documentation  {}/docs/\n", app.url(), app.url());
    if let Some(file) = app.sandbox_file() {
        words.push_str(&format!("  test keys      {}\n", file.display()));
    }
    // A reader that closed the pipe has seen enough; the service goes on.
    let _ = io::stdout().lock().write_all(words.as_bytes());
}

/// Log lines go to standard error, so that standard output stays for people and pipes.
///
/// # Errors
/// [`CliError::Words`] when the level cannot be read.
pub fn start_log(settings: &Settings) -> Result<(), CliError> {
    let filter = EnvFilter::try_new(&settings.log_level)
        .map_err(|error| CliError::Words(format!("log.level = `{}`: {error}", settings.log_level)))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // A second call in one process keeps the first log.
    let _ = match settings.log_format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.try_init(),
    };
    Ok(())
}

/// SIGTERM or SIGINT.
pub async fn stop_signal() {
    let interrupted = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = interrupted => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => {
            let _ = interrupted.await;
        }
    }
}
