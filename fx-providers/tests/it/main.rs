//! Every source against a server of this process, and every reader against what strangers may send.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

/// The ECB, and the one HTTP client under all sources.
mod ecb;
/// A tiny HTTP server.
mod server;
/// The samples: an answer of each source.
mod samples;
/// What each source asks.
mod requests;
/// What each source makes of a good answer.
mod answers;
/// What each source makes of an error.
mod refusals;
/// What no source may believe.
mod hostile;
/// Files and pegs.
mod local;
/// What providers really sent, where it is at hand.
mod recorded;
/// The documents.
mod documents;
