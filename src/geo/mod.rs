//! Where a request comes from: the client's address behind proxies, and the country it is registered in.
//!
//! Country is a hint for *display* only; it never decides what is charged. Addresses are personal data: nothing here
//! logs one, and none is kept.

/// The client's address, as far as it can be known.
mod client;
/// Address → country.
mod database;

pub use client::{Network, NetworkError, TrustedProxies, client_address, edge_country};
pub use database::{Geo, GeoError, Place};
