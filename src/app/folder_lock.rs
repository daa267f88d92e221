//! One process to a data folder: `sandbox.json`, the far sides' book and the addresses in it are one process's own.
//!
//! The lock is the system's on an open file and ends with the process, however that ends: there is no stale one. What
//! reads beside a running service (`verify`, `doctor`, `backup`, …) does not ask for it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::Path;

use super::AppError;

/// The file's name in the data folder; it holds the process's id, for whoever is refused.
const NAME: &str = "straits.lock";

/// The folder is this process's while this lives.
#[derive(Debug)]
pub struct FolderLock {
    _held: File,
}

impl FolderLock {
    /// Takes the folder, which must be there.
    ///
    /// # Errors
    /// [`AppError::FolderInUse`] while another process has it; [`AppError::Folder`] where nothing can be locked.
    pub fn take(folder: &Path) -> Result<FolderLock, AppError> {
        let failed = |source| AppError::Folder { path: folder.to_owned(), source };
        let mut options = OpenOptions::new();
        // Not truncated on opening: until the lock is ours the text is another's.
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(folder.join(NAME)).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut told = String::new();
                let holder = file.read_to_string(&mut told).ok().and_then(|_| told.trim().parse().ok());
                return Err(AppError::FolderInUse { path: folder.to_owned(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(failed)?;
        Ok(FolderLock { _held: file })
    }
}
