//! Why the service does not start or ends.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::gateways::BuildError;
use crate::geo::GeoError;
use crate::sandbox::SandboxError;
use crate::store::{CommitError, StoreError};
use crate::vault::VaultError;

/// Why the service does not start or does not go on, in words for whoever starts it.
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
    /// Another process serves from the data folder.
    #[error(
        "the data folder {} is in use by another straits process{}; stop it or choose another --data-dir (two programs on one PostgreSQL have a folder each)",
        path.display(),
        holder.map(|holder| format!(" (pid {holder})")).unwrap_or_default()
    )]
    FolderInUse {
        /// The folder.
        path: PathBuf,
        /// The other's id, where it has written it down.
        holder: Option<u32>,
    },
    /// Another process serves from the SQLite file, whatever its data folder is.
    #[error(
        "the database {} is in use by another straits process{}; stop it or choose another --database-url (two programs side by side need PostgreSQL)",
        path.display(),
        holder.map(|holder| format!(" (pid {holder})")).unwrap_or_default()
    )]
    DatabaseInUse {
        /// The file.
        path: PathBuf,
        /// The other's id, where it has written it down.
        holder: Option<u32>,
    },
    /// The lock beside the SQLite file.
    #[error("{} cannot be locked: {source}; one process at a time may serve from the database beside it", path.display())]
    DatabaseLock {
        /// The lock.
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
    /// The countries of addresses.
    #[error(transparent)]
    Geo(#[from] GeoError),
    /// A live database without a merchant serves nobody.
    #[error(
        "the database has no merchant yet; make one, and its first key, with `straits merchant add --live --name \"…\"`"
    )]
    NoMerchant,
    /// What a restore left half done is not served.
    #[error("a restore into this database was not finished: drop the database and restore the backup again")]
    RestoreUnfinished,
    /// The one task that writes is gone.
    #[error(
        "the database's writer ended by a fault, and nothing can be written any more: start the service again"
    )]
    WriterGone,
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
