//! `listen`: forwards the events of a running Straits to an address on the developer's machine, signed as webhooks are.
//!
//! It reads `/v1/events` from where it starts, so that nothing has to be registered and no address has to be reachable
//! from outside. The signing secret follows from the key: it is the same at every start.

use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::value::RawValue;
use url::Url;

use crate::clock::Clock;
use crate::domain::webhooks::{EventFilter, events_of};
use crate::flows::webhooks::signed;
use crate::settings::Settings;

use super::output::say;
use super::remote::{Refusal, Remote, RemoteArguments};
use super::serve::stop_signal;
use super::{CliError, Outcome};

const PAUSE: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(15);

/// What is forwarded where.
#[derive(Debug, Args)]
pub struct ListenArguments {
    /// Where to post events, such as http://127.0.0.1:3000/hook
    #[arg(long, value_name = "URL")]
    forward_to: Url,
    /// Only these events or groups, with commas between: payment.captured,refund.*
    #[arg(long, value_name = "EVENTS", value_delimiter = ',')]
    events: Vec<EventFilter>,
    #[command(flatten)]
    remote: RemoteArguments,
}

/// A page of `/v1/events`; the events are kept as they were written.
#[derive(Debug, Deserialize)]
struct Page {
    data: Vec<Box<RawValue>>,
    has_more: bool,
}

/// What is looked at of an event.
#[derive(Debug, Deserialize)]
struct Head {
    id: String,
    r#type: String,
    subject: String,
}

/// Forwards until it is stopped.
///
/// # Errors
/// [`CliError`]: no server, no key, or the server's refusal.
pub async fn listen(settings: Settings, given: ListenArguments) -> Result<Outcome, CliError> {
    let remote = Remote::find(&settings, given.remote)?;
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(PATIENCE)
        .build()
        .map_err(|error| CliError::Words(error.to_string()))?;
    let (secret, clock) = (secret_of(&remote.key), Clock::system());
    let newest: Page = remote.get("/v1/events?limit=1").await?;
    let start = newest.data.first().map(|event| head(event)).transpose()?.map(|head| head.id);
    say!("secret   {}", secret.expose_secret())?;
    say!("events   of {} go to {}; end with Ctrl-C", remote.url, given.forward_to)?;
    let mut forwarding =
        Forwarding { remote, http, secret, clock, to: given.forward_to, events: given.events, last: start };
    tokio::select! {
        ended = forwarding.run() => ended.map(|()| Outcome::Done),
        () = stop_signal() => Ok(Outcome::Done),
    }
}

struct Forwarding {
    remote: Remote,
    http: reqwest::Client,
    secret: SecretString,
    clock: Clock,
    to: Url,
    events: Vec<EventFilter>,
    last: Option<String>,
}

impl Forwarding {
    async fn run(&mut self) -> Result<(), CliError> {
        let mut away = false;
        loop {
            // Behind the last one seen; where nothing was seen, from the first of all, which comes last in the list.
            let behind = self.last.as_ref().map(|id| format!("&ending_before={id}")).unwrap_or_default();
            match self.remote.get::<Page>(&format!("/v1/events?limit=100{behind}")).await {
                Ok(page) => {
                    away = false;
                    for event in page.data.iter().rev() {
                        self.forward(event).await?;
                    }
                    if !page.has_more || self.last.is_none() {
                        tokio::time::sleep(PAUSE).await;
                    }
                }
                Err(Refusal::Away(words)) => {
                    if !std::mem::replace(&mut away, true) {
                        eprintln!("straits: {words}; waiting for it");
                    }
                    tokio::time::sleep(PAUSE).await;
                }
                Err(refusal) => return Err(refusal.into()),
            }
        }
    }

    async fn forward(&mut self, event: &RawValue) -> Result<(), CliError> {
        let Head { id, r#type: kind, subject } = head(event)?;
        self.last = Some(id.clone());
        if !events_of(&self.events, &kind) {
            return Ok(());
        }
        let (body, began) = (event.get().as_bytes().to_vec(), Instant::now());
        let headers = signed(std::slice::from_ref(&self.secret), &id, self.clock.wall(), &body);
        let headers = headers.map_err(CliError::Words)?;
        let request = self.http.post(self.to.clone()).headers(headers);
        let answer = request.header("Content-Type", "application/json").body(body).send().await;
        let outcome = match answer {
            Ok(answer) => answer.status().as_u16().to_string(),
            Err(error) if error.is_timeout() => "no answer in time".to_owned(),
            Err(error) if error.is_connect() => "no connection".to_owned(),
            Err(_) => "the connection broke".to_owned(),
        };
        say!("{kind:<24} {subject}  {id}  {outcome}  {} ms", began.elapsed().as_millis())?;
        Ok(())
    }
}

fn head(event: &RawValue) -> Result<Head, CliError> {
    serde_json::from_str(event.get())
        .map_err(|error| CliError::Words(format!("an event cannot be read: {error}")))
}

/// The secret of a key's own listener.
fn secret_of(key: &SecretString) -> SecretString {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret().as_bytes());
    let tag = hmac::sign(&key, b"straits listen v1");
    SecretString::from(format!("whsec_{}", BASE64.encode(tag.as_ref())))
}
