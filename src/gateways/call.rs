//! How every adapter calls its gateway: one discipline, so that a fault means the same thing everywhere.
//!
//! | what happened | outcome |
//! |---|---|
//! | no connection was ever established (refused, DNS, TLS) | [`GatewayError::NotSent`] |
//! | time-out, broken connection, answer above 1 MiB, redirect, 5xx | [`GatewayError::OutcomeUnknown`] |
//! | 429 | [`GatewayError::Throttled`] with `Retry-After` |
//! | 2xx that is not JSON of the promised shape (HTML, garbage, cut short, doubled names) | [`GatewayError::OutcomeUnknown`] |
//! | 4xx | the adapter reads the gateway's own error body; without one: [`GatewayError::OutcomeUnknown`] |
//!
//! Nothing is sent twice here.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, Utc};
use reqwest::header::{CONTENT_TYPE, DATE, RETRY_AFTER};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::bills::BillError;
use super::transport::{Broken, Transport};
use super::{GatewayError, json};

/// No answer of a gateway is longer.
const ANSWER_LIMIT: usize = 1024 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(30);
const FILE_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// The client for [`super::Context::http`]: no redirects, no retries, 5 s to connect, 30 s in all.
///
/// # Errors
/// When the TLS backend cannot start.
pub fn client() -> Result<reqwest::Client, reqwest::Error> {
    client_within(TOTAL_TIMEOUT)
}

/// As [`client`], with another limit on the whole call.
///
/// # Errors
/// When the TLS backend cannot start.
pub fn client_within(total: Duration) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(total)
        .user_agent(concat!("straits/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// A whole answer, read within the limit.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    /// The server's clock, for finding out why a signed date was refused.
    pub date: Option<DateTime<Utc>>,
    json: bool,
    body: Vec<u8>,
}

/// Sends once and reads the answer whole. 429, 3xx and 5xx never reach the adapter.
pub(crate) async fn send(http: &Transport, request: reqwest::RequestBuilder) -> Result<Answer, GatewayError> {
    let response = http.send(request).await?;
    let status = response.status();
    let retry_after_s = response.header(RETRY_AFTER.as_str()).and_then(|text| text.trim().parse().ok());
    let date = response.header(DATE.as_str()).and_then(|text| DateTime::parse_from_rfc2822(text).ok());
    let date = date.map(|at| at.to_utc());
    let json = response.header(CONTENT_TYPE.as_str()).is_some_and(is_json);
    match status {
        429 => return Err(GatewayError::Throttled { retry_after_s }),
        200..=299 | 400..=499 => {}
        _ => return Err(GatewayError::OutcomeUnknown(format!("HTTP {status}"))),
    }
    let body = response.body(ANSWER_LIMIT).await?;
    let body = body.ok_or_else(|| GatewayError::OutcomeUnknown("the answer is longer than 1 MiB".into()))?;
    Ok(Answer { status, date, json, body })
}

/// Sends once and writes a 200's body into `into`, at most `limit` bytes. Anything else than 200 gives no file.
pub(super) async fn stream(
    http: &Transport,
    request: reqwest::RequestBuilder,
    into: &mut (dyn AsyncWrite + Send + Unpin),
    limit: u64,
) -> Result<u64, BillError> {
    // A bill of 2 GiB takes longer than any answer may.
    let mut response = http.send(request.timeout(FILE_TIMEOUT)).await.map_err(GatewayError::from)?;
    match response.status() {
        200 => {}
        404 => return Err(BillError::Absent),
        429 => return Err(GatewayError::Throttled { retry_after_s: None }.into()),
        status => return Err(GatewayError::OutcomeUnknown(format!("HTTP {status}")).into()),
    }
    let mut written = 0;
    while let Some(chunk) = response.chunk().await.map_err(GatewayError::from)? {
        written += chunk.len() as u64;
        if written > limit {
            return Err(BillError::TooLarge { line: 0, what: "a bill is at most 2 GiB".into() });
        }
        into.write_all(&chunk).await.map_err(|error| BillError::Broken(error.to_string()))?;
    }
    into.flush().await.map_err(|error| BillError::Broken(error.to_string()))?;
    Ok(written)
}

/// SHA-256, hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write;
    digest(&SHA256, bytes).as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl From<Broken> for GatewayError {
    fn from(broken: Broken) -> GatewayError {
        match broken {
            Broken::NotSent(why) => GatewayError::NotSent(why),
            Broken::Unanswered(why) => GatewayError::OutcomeUnknown(why),
        }
    }
}

fn is_json(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json") || kind.to_ascii_lowercase().ends_with("+json")
}

impl Answer {
    /// Whether the call was granted.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as it came.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// SHA-256 of the body as it came, hexadecimal.
    pub fn sha256(&self) -> String {
        sha256(&self.body)
    }

    /// The body as `T`, strictly.
    ///
    /// # Errors
    /// [`GatewayError::OutcomeUnknown`]: an answer that cannot be read proves nothing either way.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, GatewayError> {
        let unknown = |why: String| GatewayError::OutcomeUnknown(format!("HTTP {}: {why}", self.status));
        if !self.json {
            return Err(unknown("the answer is not JSON".into()));
        }
        json::read(&self.body).map_err(|error| unknown(error.to_string()))
    }

    /// Words for a refused signature or token when the two clocks are more than `limit_s` apart.
    pub fn clock_skew(&self, wall: DateTime<Utc>, limit_s: i64) -> Option<String> {
        let apart = (self.date? - wall).num_seconds();
        (apart.abs() > limit_s).then(|| format!("the gateway's clock is {apart} s ahead of ours"))
    }
}
