//! One bounded, validated HTTP request.
//!
//! Connecting may take 10 s, the whole answer 30 s and 16 MiB. Only a refused connection and a 429 that names no time
//! are tried again (three times, doubling from half a second, jittered): everything else would fail the same way or has
//! already cost the source work. `Accept` and `User-Agent` are always sent, because firewalls in front of public data
//! answer "request rejected" with status 200 without them. Keys travel to the source's own host only: a client with a
//! key follows no redirect, and none sends a `Referer`.

use std::time::Duration;

use std::sync::OnceLock;

use backon::{ExponentialBuilder, Retryable};
use chrono::{DateTime, Utc};
use reqwest::header::{
    ACCEPT, DATE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
    RETRY_AFTER, USER_AGENT,
};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};

use crate::json::{self, Value};
use crate::key::Key;
use crate::sheet::Refusal;
use crate::{Answer, RateSet, SourceError, Validator, Window};

const BODY_LIMIT: usize = 16 << 20;
const ERROR_LIMIT: usize = 64 << 10;
const AGENT: &str = concat!("fx-providers/", env!("CARGO_PKG_VERSION"));

/// How a source says no: from the status and the body of an error answer. `None` where it says nothing.
pub(crate) type Explain = fn(u16, &Value) -> Option<Refusal>;

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

/// A client of one source at one place.
#[derive(Debug, Clone)]
pub(crate) struct Fetcher {
    source_name: &'static str,
    origin: String,
    key: Option<Key>,
    /// Made at the first question, since it reads every root certificate of the machine; one without any has no client.
    client: OnceLock<Result<Client, String>>,
    patience: Patience,
}

/// A question; no `Debug`, because it may hold a key.
pub(crate) struct Request {
    address: String,
    query: Vec<(&'static str, String)>,
    headers: Vec<(HeaderName, String)>,
}

impl Request {
    /// Adds a query parameter.
    pub fn query(mut self, name: &'static str, value: impl ToString) -> Request {
        self.query.push((name, value.to_string()));
        self
    }

    /// Adds a header that no log may show.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Request {
        self.headers.push((HeaderName::from_static(name), value.into()));
        self
    }

    fn url(&self) -> Result<Url, String> {
        let mut url = Url::parse(&self.address).map_err(|error| format!("its address: {error}"))?;
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        Ok(url)
    }

    fn headers(&self, seen: Option<&Validator>) -> Result<HeaderMap, String> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        let mut add = |name: &HeaderName, text: &str, secret: bool| {
            let mut value = HeaderValue::from_str(text)
                .map_err(|_| format!("`{name}` holds characters that cannot be sent"))?;
            value.set_sensitive(secret);
            headers.insert(name.clone(), value);
            Ok::<(), String>(())
        };
        for (name, text) in &self.headers {
            add(name, text, *name != ACCEPT)?;
        }
        if let Some(etag) = seen.and_then(|seen| seen.etag.as_deref()) {
            add(&IF_NONE_MATCH, etag, false)?;
        }
        if let Some(modified) = seen.and_then(|seen| seen.modified.as_deref()) {
            add(&IF_MODIFIED_SINCE, modified, false)?;
        }
        Ok(headers)
    }
}

impl Fetcher {
    pub fn new(source_name: &'static str, origin: &str, patience: Patience) -> Fetcher {
        Fetcher::build(source_name, origin, patience, None)
    }

    pub fn keyed(source_name: &'static str, origin: &str, patience: Patience, key: Key) -> Fetcher {
        Fetcher::build(source_name, origin, patience, Some(key))
    }

    fn build(source_name: &'static str, origin: &str, patience: Patience, key: Option<Key>) -> Fetcher {
        let client = OnceLock::new();
        Fetcher { source_name, origin: origin.trim_end_matches('/').to_owned(), key, client, patience }
    }

    fn client(&self) -> Result<&Client, SourceError> {
        let redirects = || if self.key.is_some() { Policy::none() } else { Policy::limited(3) };
        let made = || {
            Client::builder()
                .connect_timeout(self.patience.connect)
                .timeout(self.patience.total)
                .redirect(redirects())
                .referer(false)
                .build()
                .map_err(|error| root_cause(&error))
        };
        let client = self.client.get_or_init(made).as_ref();
        client.map_err(|why| self.unreachable_because(why.clone()))
    }

    /// The key, or nothing.
    pub fn key(&self) -> &str {
        self.key.as_ref().map_or("", Key::reveal)
    }

    /// A question at this source's place.
    pub fn request(&self, path: &str) -> Request {
        Request { address: format!("{}{path}", self.origin), query: Vec::new(), headers: Vec::new() }
    }

    /// Asks and reads, trying again only where that can help.
    pub async fn ask(
        &self,
        request: Request,
        window: Window,
        seen: Option<&Validator>,
        now: DateTime<Utc>,
        read: impl FnOnce(&[u8]) -> Result<Vec<RateSet>, SourceError> + Send,
        explain: Explain,
    ) -> Result<Answer, SourceError> {
        let seen = seen.filter(|seen| seen.window == window);
        let url = request.url().map_err(|why| self.unreachable_because(why))?;
        let headers = request.headers(seen).map_err(|why| self.unreachable_because(why))?;
        let pause = ExponentialBuilder::default()
            .with_min_delay(self.patience.retry_from)
            .with_max_times(3)
            .with_jitter();
        let reply = (|| self.ask_once(url.clone(), headers.clone(), now, explain))
            .retry(pause)
            .when(|failure| failure.again)
            .await
            .map_err(|failure| failure.error)?;
        let Reply::Body { body, etag, modified } = reply else { return Ok(Answer::NotModified) };
        let sets = read(&body).map_err(|error| self.redacted(error))?;
        let given = etag.is_some() || modified.is_some();
        let validator = given.then_some(Validator { window, etag, modified });
        Ok(Answer::Sets { sets, body, validator, notices: Vec::new() })
    }

    async fn ask_once(
        &self,
        url: Url,
        headers: HeaderMap,
        now: DateTime<Utc>,
        explain: Explain,
    ) -> Result<Reply, Failure> {
        let conditional = headers.contains_key(IF_NONE_MATCH) || headers.contains_key(IF_MODIFIED_SINCE);
        let sent = self.client()?.get(url).headers(headers).send().await;
        let response = sent.map_err(|error| self.unreachable(&error))?;
        match response.status() {
            StatusCode::OK => self.read(response).await,
            StatusCode::NOT_MODIFIED if conditional => Ok(Reply::NotModified),
            status => Err(self.refused(status, response, now, explain).await),
        }
    }

    async fn read(&self, mut response: Response) -> Result<Reply, Failure> {
        let header = |name| response.headers().get(name).and_then(text);
        let etag = header(ETAG);
        // Open Exchange Rates wants both back and tells only its `Date`; beside a tag that does no harm elsewhere.
        let modified = header(LAST_MODIFIED).or_else(|| header(DATE).filter(|_| etag.is_some()));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            if body.len() + chunk.len() > BODY_LIMIT {
                let why = format!("more than {BODY_LIMIT} bytes");
                return Err(SourceError::Malformed { source_name: self.source_name, why }.into());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply::Body { body, etag, modified })
    }

    /// What another status means.
    async fn refused(
        &self,
        status: StatusCode,
        mut response: Response,
        now: DateTime<Utc>,
        explain: Explain,
    ) -> Failure {
        let source_name = self.source_name;
        let retry_after =
            response.headers().get(RETRY_AFTER).and_then(text).and_then(|value| pause(&value, now));
        let mut body = Vec::new();
        while let Ok(Some(chunk)) = response.chunk().await {
            body.extend_from_slice(&chunk);
            if body.len() > ERROR_LIMIT {
                break;
            }
        }
        // A source in trouble (5xx) is not refusing anything, whatever its page says.
        let told = Some(&body).filter(|_| status.is_client_error()).and_then(|body| json::read(body).ok());
        if let Some(Refusal { code, message }) = told.and_then(|value| explain(status.as_u16(), &value)) {
            return self.redacted(SourceError::Refused { source_name, code, message }).into();
        }
        match status {
            StatusCode::TOO_MANY_REQUESTS => Failure {
                again: retry_after.is_none(),
                error: SourceError::Throttled { source_name, retry_after },
            },
            other => SourceError::Status { source_name, status: other.as_u16() }.into(),
        }
    }

    /// The key may have come back in the source's words.
    fn redacted(&self, error: SourceError) -> SourceError {
        let Some(key) = &self.key else { return error };
        match error {
            SourceError::Refused { source_name, code, message } => {
                SourceError::Refused { source_name, code: key.redact(&code), message: key.redact(&message) }
            }
            SourceError::Malformed { source_name, why } => {
                SourceError::Malformed { source_name, why: key.redact(&why) }
            }
            other => other,
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        Failure { again: error.is_connect(), error: self.unreachable_because(root_cause(error)) }
    }

    fn unreachable_because(&self, why: String) -> SourceError {
        SourceError::Unreachable { source_name: self.source_name, why }
    }
}

enum Reply {
    Body { body: Vec<u8>, etag: Option<String>, modified: Option<String> },
    NotModified,
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

/// For sources whose refusals are bare statuses.
pub(crate) fn unexplained(_: u16, _: &Value) -> Option<Refusal> {
    None
}

fn text(value: &HeaderValue) -> Option<String> {
    value.to_str().ok().map(str::to_owned)
}

/// `Retry-After`: seconds or a date.
fn pause(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = DateTime::parse_from_rfc2822(value).ok()?.with_timezone(&Utc);
    Some((at - now).to_std().unwrap_or_default())
}

/// The innermost message: "connection refused" rather than "error sending request". Never the URL.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    match error {
        late if late.is_timeout() => "the time was up".to_owned(),
        // Nothing inside: its own words would name the URL, and the URL may hold a key.
        bare if bare.url().is_some() && std::error::Error::source(bare).is_none() => {
            "the request failed".to_owned()
        }
        _ => cause.to_string(),
    }
}
