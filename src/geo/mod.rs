//! Where a request comes from: the client's address behind proxies, and the country it is registered in.
//!
//! Country is a hint for *display* only; it never decides what is charged. Addresses are personal data: nothing here
//! logs one, and none is kept.

/// The client's address, as far as it can be known.
mod client;
/// Address → country.
mod database;
/// The header `Forwarded`.
mod forwarded;
/// Blocks whose addresses tell nothing.
mod hidden;
/// Where a file ends.
mod ending;
/// The layouts of a record.
mod record;
/// Addresses of no country.
mod special;
/// Countries that have become others.
mod moved;
/// The search tree of a file.
mod tree;
/// A file that may change.
mod file;
/// The files in use, and the next ones.
mod watch;

pub use client::{EdgeCountry, Proxies};
pub use database::Place;
pub use special::is_public;
pub use watch::{Geo, GeoError, GeoReport, Look, VpnReport};
