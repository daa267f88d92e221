//! `backup` and `restore`: everything in one file, and back, on either engine.

use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;

use crate::app::{FolderLock, Sources, open_store, open_vault, prepare_folder, store_options};
use crate::settings::Settings;
use crate::store::Store;
use crate::store::backup::{BackupError, Checked, Manifest};
use crate::vault::KEY_FILE;

use super::output::say;
use super::{CliError, Outcome};

impl From<BackupError> for CliError {
    fn from(error: BackupError) -> CliError {
        CliError::Words(error.to_string())
    }
}

/// Which backup is put back, and how.
#[derive(Debug, clap::Args)]
pub struct RestoreArguments {
    /// The file that `straits backup` wrote
    file: PathBuf,
    /// Walk the whole books before the database is put in its place
    #[arg(long)]
    verify: bool,
}

/// Writes a backup beside a running service.
///
/// # Errors
/// [`CliError`] in words.
pub async fn backup(settings: Settings, file: &Path) -> Result<Outcome, CliError> {
    let there = Store::is_there(settings.database_url.expose_secret()).await;
    if !there.map_err(crate::app::AppError::from)? {
        return Err(CliError::Words(format!(
            "there is nothing to back up: the data folder is {}, and the database it names is empty or missing",
            settings.data_dir.display()
        )));
    }
    let Sources { clock, ids } = Sources::system();
    let vault = open_vault(&settings, &ids)?;
    let store = open_store(&settings, &clock, &ids).await?;
    let taken = store.backup(file, &vault.key_id(), clock.wall()).await;
    store.close().await;
    tell("backed up", &taken?, file)?;
    say!(
        "not in it: the master key {} that opens its secrets; keep that too, and elsewhere",
        vault.key_id()
    )?;
    Ok(Outcome::Done)
}

/// Makes a database out of a backup; the place must be empty.
///
/// # Errors
/// [`CliError`] in words; nothing is put in place then.
pub async fn restore(settings: Settings, which: RestoreArguments) -> Result<Outcome, CliError> {
    let checked = Checked::read(&which.file)?;
    let Sources { clock, ids } = Sources::system();
    prepare_folder(&settings.data_dir)?;
    // A service that makes its database here meanwhile would have it taken from under it.
    let _held = FolderLock::take(&settings)?;
    let sealed_under = checked.manifest.heading.sealed_under.clone();
    let key_file = settings.data_dir.join(KEY_FILE);
    // A fresh key would be made otherwise, and open nothing.
    let there = settings.master_key.is_some() || key_file.exists();
    if !there || !open_vault(&settings, &ids)?.holds(&sealed_under) {
        return Err(CliError::Words(format!(
            "the secrets in this backup are sealed under the master key {sealed_under}, which is not here: put that key into {} or name it in STRAITS_MASTER_KEY; nothing was restored",
            key_file.display()
        )));
    }
    let done = checked.restore(&store_options(&settings, &clock, &ids), which.verify).await?;
    tell("restored", &done.manifest, &which.file)?;
    say!(
        "{}; when it is served, nothing is sent before the gateways have said what happened since {}",
        if done.verified { "the books hold" } else { "the books were not walked (--verify does that)" },
        done.manifest.heading.taken_at.format("%Y-%m-%d %H:%M:%S UTC")
    )?;
    Ok(Outcome::Done)
}

fn tell(what: &str, manifest: &Manifest, file: &Path) -> Result<(), CliError> {
    say!(
        "{what} {} rows of {} tables ({}, {} money), head {}, {}",
        manifest.rows(),
        manifest.ending.rows.len(),
        manifest.heading.engine,
        manifest.heading.environment,
        manifest.heading.head,
        file.display()
    )
}
