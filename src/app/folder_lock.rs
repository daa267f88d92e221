//! One process to a data folder: `sandbox.json`, the far sides' book and the addresses in it are one process's own. And
//! one to an SQLite file, from whichever folder: who is alone on it takes every other's lease for a dead one's.
//!
//! The locks are the system's on open files and end with the process, however that ends: there is no stale one. What
//! reads beside a running service (`verify`, `doctor`, `backup`, …) does not ask for them.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Error, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;

use crate::settings::Settings;
use crate::store::Store;

use super::AppError;

/// The file's name in the data folder; it holds the process's id, for whoever is refused.
const NAME: &str = "straits.lock";

/// Folder and database file are this process's while this lives.
#[derive(Debug)]
pub struct FolderLock {
    _folder: File,
    _database: Option<File>,
}

/// Why there is no lock.
enum NotTaken {
    /// Another process has it, whose id is this.
    Held(Option<u32>),
    Failed(Error),
}

impl FolderLock {
    /// Takes the data folder, which must be there, and the SQLite file, which need not.
    ///
    /// # Errors
    /// [`AppError::FolderInUse`], [`AppError::DatabaseInUse`] while another process has them; [`AppError::Folder`],
    /// [`AppError::DatabaseLock`] where nothing can be locked.
    pub fn take(settings: &Settings) -> Result<FolderLock, AppError> {
        let path = settings.data_dir.clone();
        let folder = lock(&path.join(NAME)).map_err(|not| match not {
            NotTaken::Held(holder) => AppError::FolderInUse { path, holder },
            NotTaken::Failed(source) => AppError::Folder { path, source },
        })?;
        let database = match Store::file_of(settings.database_url.expose_secret()) {
            Some(file) => lock_of_database(&file)?,
            None => None,
        };
        Ok(FolderLock { _folder: folder, _database: database })
    }
}

/// A lock beside the file, and beside the real one should this be a link to it. Where there is no folder for it there is
/// no database either; whoever opens that says so.
fn lock_of_database(file: &Path) -> Result<Option<File>, AppError> {
    let path = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let beside: PathBuf = path.with_added_extension("lock");
    match lock(&beside) {
        Ok(held) => Ok(Some(held)),
        Err(NotTaken::Failed(source)) if source.kind() == ErrorKind::NotFound => Ok(None),
        Err(NotTaken::Failed(source)) => Err(AppError::DatabaseLock { path: beside, source }),
        Err(NotTaken::Held(holder)) => Err(AppError::DatabaseInUse { path, holder }),
    }
}

fn lock(path: &Path) -> Result<File, NotTaken> {
    let mut options = OpenOptions::new();
    // Not truncated on opening: until the lock is ours the text is another's.
    options.read(true).write(true).create(true).truncate(false);
    let mut file = options.open(path).map_err(NotTaken::Failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut told = String::new();
            let holder = file.read_to_string(&mut told).ok().and_then(|_| told.trim().parse().ok());
            return Err(NotTaken::Held(holder));
        }
        Err(TryLockError::Error(source)) => return Err(NotTaken::Failed(source)),
    }
    file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(NotTaken::Failed)?;
    Ok(file)
}
