//! One bounded, validated HTTP request.
//!
//! Connecting may take 10 s, the whole answer 30 s and 16 MiB. Only a refused connection and a 429 are tried again
//! (three times, doubling from half a second, jittered): everything else would fail the same way or has already cost
//! the source work. `Accept` and `User-Agent` are always sent, because firewalls in front of public data answer "request
//! rejected" with status 200 without them.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use reqwest::header::{ACCEPT, ETAG, IF_NONE_MATCH, USER_AGENT};
use reqwest::{Client, Response, StatusCode};

use crate::SourceError;

const BODY_LIMIT: usize = 16 << 20;
const AGENT: &str = concat!("fx-providers/", env!("CARGO_PKG_VERSION"));

/// A 200 with its tag, or `None` for a 304.
pub(crate) type Reply = Option<(Vec<u8>, Option<String>)>;

/// How patient a client is; tests are less so.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For the connection.
    pub connect: Duration,
    /// For the whole answer.
    pub total: Duration,
    /// Before the first repetition; doubles.
    pub retry_from: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            connect: Duration::from_secs(10),
            total: Duration::from_secs(30),
            retry_from: Duration::from_millis(500),
        }
    }
}

/// A client of one source.
#[derive(Debug, Clone)]
pub(crate) struct Fetcher {
    source_name: &'static str,
    /// A machine without root certificates has no client; that shows at the first question, not at start.
    client: Result<Client, String>,
    patience: Patience,
}

impl Fetcher {
    pub fn new(source_name: &'static str, patience: Patience) -> Fetcher {
        let client = Client::builder()
            .connect_timeout(patience.connect)
            .timeout(patience.total)
            .redirect(reqwest::redirect::Policy::limited(3))
            .build()
            .map_err(|error| root_cause(&error));
        Fetcher { source_name, client, patience }
    }

    /// GETs `url`, trying again only where that can help.
    pub async fn get(&self, url: &str, etag: Option<&str>) -> Result<Reply, SourceError> {
        let pause = ExponentialBuilder::default()
            .with_min_delay(self.patience.retry_from)
            .with_max_times(3)
            .with_jitter();
        (|| self.get_once(url, etag))
            .retry(pause)
            .when(|failure| failure.again)
            .await
            .map_err(|failure| failure.error)
    }

    async fn get_once(&self, url: &str, etag: Option<&str>) -> Result<Reply, Failure> {
        let client = self
            .client
            .as_ref()
            .map_err(|why| SourceError::Unreachable { source_name: self.source_name, why: why.clone() })?;
        let mut request = client.get(url).header(ACCEPT, "*/*").header(USER_AGENT, AGENT);
        if let Some(etag) = etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        match response.status() {
            StatusCode::OK => self.read(response).await.map(Some),
            StatusCode::NOT_MODIFIED if etag.is_some() => Ok(None),
            StatusCode::TOO_MANY_REQUESTS => Err(Failure {
                again: true,
                error: SourceError::Throttled { source_name: self.source_name, retry_after: None },
            }),
            other => {
                Err(SourceError::Status { source_name: self.source_name, status: other.as_u16() }.into())
            }
        }
    }

    async fn read(&self, mut response: Response) -> Result<(Vec<u8>, Option<String>), Failure> {
        let etag = response.headers().get(ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            if body.len() + chunk.len() > BODY_LIMIT {
                let why = format!("more than {BODY_LIMIT} bytes");
                return Err(SourceError::Malformed { source_name: self.source_name, why }.into());
            }
            body.extend_from_slice(&chunk);
        }
        Ok((body, etag))
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let why = root_cause(error);
        Failure {
            again: error.is_connect(),
            error: SourceError::Unreachable { source_name: self.source_name, why },
        }
    }
}

struct Failure {
    again: bool,
    error: SourceError,
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Failure {
        Failure { again: false, error }
    }
}

/// The innermost message: "connection refused" rather than "error sending request". Never the URL.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if error.is_timeout() { "the time was up".to_owned() } else { cause.to_string() }
}
