//! The way out: one HTTP client that calls addresses given by merchants, and nothing inside our own network.
//!
//! A name is looked up once, where the connection is made: every address it leads to is judged, and the connection goes
//! to one of those and to no other, with the name for TLS. So a name that led elsewhere when it was registered, or that
//! changes between two look-ups, gains nothing. No redirects, no proxy of the environment, no retries below ours; of the
//! answer's body only the first bytes are read.

use std::fmt::Debug;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use url::{Host, Url};

use super::target::{Reach, TargetError};

/// So much of an answer's body is kept.
const KEPT: usize = 512;
const CONNECT: Duration = Duration::from_secs(5);
/// How long a name is looked up when an address is registered.
const LOOK_UP: Duration = Duration::from_secs(3);

/// Who knows which addresses a name leads to.
#[async_trait]
pub trait Names: Send + Sync + Debug {
    /// The addresses of a host.
    ///
    /// # Errors
    /// What the resolver said.
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The machine's own resolver.
#[derive(Debug, Clone, Copy)]
pub struct SystemNames;

#[async_trait]
impl Names for SystemNames {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// The way out; clones share it.
#[derive(Debug, Clone)]
pub struct Door {
    client: reqwest::Client,
    guard: Arc<Guard>,
}

#[derive(Debug)]
struct Guard {
    reach: Reach,
    names: Arc<dyn Names>,
}

/// What came back of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The status, where there was an answer.
    pub status: Option<u16>,
    /// Why there was none.
    pub error: Option<String>,
    /// When the receiver asks to be called again.
    pub retry_after: Option<TimeDelta>,
    /// The first bytes of the body, as text.
    pub answer: String,
    /// Milliseconds it took.
    pub took_ms: u64,
}

impl Door {
    /// Opens it. `roots`: authorities besides the usual ones.
    ///
    /// # Errors
    /// When the TLS backend cannot start.
    pub fn open(
        reach: Reach,
        names: Arc<dyn Names>,
        patience: Duration,
        roots: Vec<reqwest::Certificate>,
    ) -> Result<Door, reqwest::Error> {
        let guard = Arc::new(Guard { reach, names });
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .dns_resolver(Arc::new(GuardedNames(guard.clone())))
            .connect_timeout(CONNECT.min(patience))
            .timeout(patience)
            .pool_max_idle_per_host(2)
            .pool_idle_timeout(Duration::from_secs(30))
            .user_agent(concat!("Straits-Webhooks/", env!("CARGO_PKG_VERSION")))
            .tls_certs_merge(roots)
            .build()?;
        Ok(Door { client, guard })
    }

    /// Whether an address may be registered: as it is written, and where its name leads to today. A name that leads
    /// nowhere yet may: each delivery judges it again.
    ///
    /// # Errors
    /// [`TargetError`].
    pub async fn judge(&self, text: &str) -> Result<Url, TargetError> {
        let url = self.guard.reach.target(text)?;
        if let Some(Host::Domain(name)) = url.host() {
            let found = tokio::time::timeout(LOOK_UP, self.guard.names.addresses(name)).await;
            for address in found.ok().and_then(Result::ok).unwrap_or_default() {
                self.guard.reach.judge(name, address)?;
            }
        }
        Ok(url)
    }

    /// Posts a body and says what came back; `wall` reads a `Retry-After` that is a date.
    pub async fn post(
        &self,
        address: &str,
        headers: HeaderMap,
        body: Vec<u8>,
        wall: DateTime<Utc>,
    ) -> Answered {
        let url = match self.guard.reach.target(address) {
            Ok(url) => url,
            Err(refused) => return Answered::nothing(refused.to_string(), Duration::ZERO),
        };
        let began = Instant::now();
        let request = self.client.post(url).headers(headers).header(CONTENT_TYPE, "application/json");
        let mut response = match request.body(body).send().await {
            Ok(response) => response,
            Err(error) => return Answered::nothing(words(&error), began.elapsed()),
        };
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|text| read_retry_after(text, wall));
        let mut kept = Vec::new();
        // The status is the answer; a body that breaks off or does not end takes nothing back.
        while kept.len() < KEPT
            && let Ok(Some(chunk)) = response.chunk().await
        {
            kept.extend_from_slice(&chunk[..chunk.len().min(KEPT - kept.len())]);
        }
        Answered {
            status: Some(response.status().as_u16()),
            error: None,
            retry_after,
            answer: printable(&kept),
            took_ms: millis(began.elapsed()),
        }
    }
}

impl Answered {
    fn nothing(error: String, took: Duration) -> Answered {
        let (status, retry_after, answer) = (None, None, String::new());
        Answered { status, error: Some(error), retry_after, answer, took_ms: millis(took) }
    }
}

/// What the client asks instead of the machine's resolver.
struct GuardedNames(Arc<Guard>);

impl Resolve for GuardedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.0.clone();
        Box::pin(async move {
            let host = name.as_str();
            let addresses = guard.names.addresses(host).await?;
            // One that may not be called is no accident: the others are not called either.
            for address in &addresses {
                guard.reach.judge(host, *address)?;
            }
            if addresses.is_empty() {
                return Err(io::Error::from(io::ErrorKind::NotFound).into());
            }
            let addresses: Addrs = Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

/// Why there was no answer, without the address: it may carry a token of the merchant's.
fn words(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        if let Some(refused) = cause.downcast_ref::<TargetError>() {
            return refused.to_string();
        }
        cause = inner;
    }
    let what = match error {
        error if error.is_timeout() => return "no answer in time".to_owned(),
        error if error.is_connect() => "no connection",
        _ => "the connection broke",
    };
    if cause.is::<TargetError>() { cause.to_string() } else { format!("{what}: {cause}") }
}

/// Seconds, or a date of HTTP.
fn read_retry_after(text: &str, wall: DateTime<Utc>) -> Option<TimeDelta> {
    let text = text.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
        let seconds = text.parse().unwrap_or(u32::MAX);
        return Some(TimeDelta::seconds(i64::from(seconds)));
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    Some((date.to_utc() - wall).max(TimeDelta::zero()))
}

/// Text for people: what is no letter becomes a blank.
fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let blank = |letter: char| if letter.is_control() && letter != '\n' { ' ' } else { letter };
    text.chars().map(blank).collect()
}

fn millis(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let wall = from_micros(1_795_000_000_000_000);
        let date = |seconds| (wall + TimeDelta::seconds(seconds)).to_rfc2822();
        for (text, seconds) in [
            ("120".to_owned(), Some(120)),
            (" 0 ".to_owned(), Some(0)),
            ("99999999999999999999".to_owned(), Some(i64::from(u32::MAX))),
            (date(90), Some(90)),
            (date(-90), Some(0)),
            ("Wed, 18 Nov 2026 11:08:20 GMT".to_owned(), Some(1_795_000_100 - 1_795_000_000)),
            ("-1".to_owned(), None),
            ("soon".to_owned(), None),
            (String::new(), None),
        ] {
            let read = read_retry_after(&text, wall).map(|delta| delta.num_seconds());
            assert_eq!(read, seconds, "{text}");
        }
    }
}
