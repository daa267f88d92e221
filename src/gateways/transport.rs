//! How an adapter's request reaches its gateway: over the network, or over a line in this process.
//!
//! The adapters build the same requests either way. A [`Line`] is for whoever must decide what becomes of each request
//! and each answer, and when: the simulator.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::{Method, Request, RequestBuilder};

/// Carries requests. Clones share connections.
#[derive(Clone, Debug)]
pub struct Transport {
    /// Builds every request, and sends those that go over the network.
    client: reqwest::Client,
    line: Option<Arc<dyn Line>>,
}

/// A way to gateways that is no network.
#[async_trait]
pub trait Line: Send + Sync + Debug {
    /// Brings one request there and its answer back.
    ///
    /// # Errors
    /// [`Broken`].
    async fn carry(&self, request: Request) -> Result<Carried, Broken>;
}

/// A whole answer as a line brings it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// No answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A connection never stood, or the request is none: nothing happened.
    #[error("{0}")]
    NotSent(String),
    /// Nobody can say how far it came.
    #[error("{0}")]
    Unanswered(String),
}

/// An answer as it comes in.
#[derive(Debug)]
pub(super) enum Response {
    Network(reqwest::Response),
    Carried(Carried),
}

impl From<reqwest::Client> for Transport {
    fn from(client: reqwest::Client) -> Transport {
        Transport { client, line: None }
    }
}

impl Transport {
    /// Everything goes over `line`; `client` only builds the requests.
    pub fn over(line: Arc<dyn Line>, client: reqwest::Client) -> Transport {
        Transport { client, line: Some(line) }
    }

    pub(crate) fn request(&self, method: Method, url: impl reqwest::IntoUrl) -> RequestBuilder {
        self.client.request(method, url)
    }

    /// Sends once.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Response, Broken> {
        match &self.line {
            None => Ok(Response::Network(request.send().await?)),
            Some(line) => Ok(Response::Carried(line.carry(request.build()?).await?)),
        }
    }
}

impl Response {
    pub fn status(&self) -> u16 {
        match self {
            Response::Network(response) => response.status().as_u16(),
            Response::Carried(carried) => carried.status,
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        match self {
            Response::Network(response) => response.headers().get(name)?.to_str().ok(),
            Response::Carried(carried) => {
                carried.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
            }
        }
    }

    /// The next piece of the body; `None` behind the last.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Broken> {
        match self {
            Response::Network(response) => Ok(response.chunk().await?.map(Into::into)),
            Response::Carried(carried) => {
                let body = std::mem::take(&mut carried.body);
                Ok((!body.is_empty()).then_some(body))
            }
        }
    }

    /// The body, if it is no longer than `limit`; `Ok(None)` when it is.
    pub async fn body(self, limit: usize) -> Result<Option<Vec<u8>>, Broken> {
        let mut response = match self {
            Response::Network(response) => response,
            Response::Carried(Carried { body, .. }) => return Ok((body.len() <= limit).then_some(body)),
        };
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > limit {
                return Ok(None);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Some(body))
    }
}

/// Only a connection that never stood proves that nothing was sent.
impl From<reqwest::Error> for Broken {
    fn from(error: reqwest::Error) -> Broken {
        // The address carries references of ours, never a secret, but logs stay short.
        let error = error.without_url();
        let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        if error.is_connect() || error.is_builder() {
            return Broken::NotSent(cause);
        }
        let what = if error.is_timeout() { "no answer in time" } else { "the connection broke" };
        Broken::Unanswered(format!("{what}: {cause}"))
    }
}
