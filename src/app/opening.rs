//! The first steps of a start: folder, key, database, clock.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use secrecy::ExposeSecret;

use crate::clock::Clock;
use crate::domain::access::Environment;
use crate::http::service::CLOCK_OFFSET;
use crate::ids::IdSource;
use crate::settings::{Mode, Settings};
use crate::store::{Store, StoreOptions};
use crate::vault::Vault;

use super::AppError;

/// Makes the data folder and sees that it can be written to.
///
/// # Errors
/// [`AppError::Folder`].
pub fn prepare_folder(folder: &Path) -> Result<(), AppError> {
    let failed = |source| AppError::Folder { path: folder.to_owned(), source };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let probe = folder.join(".writable");
    std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe)).map_err(failed)
}

/// Whether [`prepare_folder`] could make a folder that is not there yet; makes nothing.
///
/// # Errors
/// [`AppError::Folder`] with the nearest folder above it, where nothing can be made.
pub fn could_make(folder: &Path) -> Result<(), AppError> {
    let above = |folder: &Path| match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let mut nearest = above(folder);
    while !nearest.exists() && nearest != Path::new(".") {
        nearest = above(&nearest);
    }
    let failed = |kind: ErrorKind| AppError::Folder { path: nearest.clone(), source: kind.into() };
    match std::fs::metadata(&nearest) {
        Ok(found) if !found.is_dir() => Err(failed(ErrorKind::NotADirectory)),
        Ok(found) if found.permissions().readonly() => Err(failed(ErrorKind::PermissionDenied)),
        Ok(_) => Ok(()),
        Err(error) => Err(failed(error.kind())),
    }
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
    Ok(Store::open(&store_options(settings, clock, ids)).await?)
}

/// Where the database of these settings is, and what it must hold.
pub fn store_options(settings: &Settings, clock: &Clock, ids: &IdSource) -> StoreOptions {
    let environment = match settings.mode {
        Mode::Sandbox => Environment::Test,
        Mode::Live => Environment::Live,
    };
    let url = settings.database_url.expose_secret();
    StoreOptions::new(url, environment, clock.clone(), ids.clone())
}

/// Takes up the test clock where it stood.
///
/// # Errors
/// [`AppError::Store`].
pub async fn restore_clock(store: &Store, clock: &Clock) -> Result<(), AppError> {
    let stored = store.setting(CLOCK_OFFSET).await?.and_then(|row| row.value.parse().ok());
    clock.restore_offset(TimeDelta::microseconds(stored.unwrap_or(0)));
    Ok(())
}

/// An unspecified address is reached by loopback.
pub(super) fn own_url(bound: SocketAddr) -> String {
    match bound.ip() {
        ip if ip.is_unspecified() => format!("http://127.0.0.1:{}", bound.port()),
        IpAddr::V6(ip) => format!("http://[{ip}]:{}", bound.port()),
        IpAddr::V4(ip) => format!("http://{ip}:{}", bound.port()),
    }
}
