//! What an adapter is built from: its account's settings, and what every adapter shares. All complain in the same words.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;
use secrecy::SecretString;
use url::{Host, Url};

use super::Gateway;
use super::transport::Transport;
use crate::clock::Clock;
use crate::ids::IdSource;
use crate::money::Currency;

/// What a gateway is, for routes, settings and answers.
#[derive(Debug)]
pub struct Descriptor {
    /// The name in routes, settings and stored rows: `paypal`.
    pub name: &'static str,
    /// For people: `PayPal`.
    pub title: &'static str,
    /// The protocol spoken: `Orders v2`.
    pub api: &'static str,
    /// Where its live API is, unless the settings say otherwise.
    pub live_base_url: &'static str,
    /// Whether shoppers pay there; where not, what lies there is a float for payouts.
    pub takes_payments: bool,
    /// The payout rail it is, where money can be sent from its balance: `paypal_payouts`.
    pub payout_rail: Option<&'static str>,
    /// Whether the capture names the gateway's own fee.
    pub fee_known_at_capture: bool,
    /// Smallest time between two ladder polls of one payment.
    pub poll_pace_s: u32,
    /// How long a payment that was opened waits for the shopper, seconds.
    pub session_life_s: u32,
    /// Builds the adapter from one gateway account's settings.
    pub build: Build,
}

impl Descriptor {
    /// Smallest time between two questions of ours about one payment.
    pub fn poll_pace(&self) -> TimeDelta {
        TimeDelta::seconds(i64::from(self.poll_pace_s))
    }

    /// How long a payment that was opened waits for the shopper.
    pub fn session_life(&self) -> TimeDelta {
        TimeDelta::seconds(i64::from(self.session_life_s))
    }
}

/// Builds an adapter from one account's settings.
pub type Build = fn(&AccountSettings, &Context) -> Result<Arc<dyn Gateway>, BuildError>;

/// One merchant's account at a gateway, as stored: its own keys are a table that only the adapter reads.
#[derive(Debug, Clone)]
pub struct AccountSettings {
    /// The account's name, also the ledger's dimension: `paypal`, `grabpay-sg`.
    pub name: String,
    /// Public settings: `base_url`, `client_id`, `merchant_id`, `webhook_id`, `partner_id`, `country` …
    pub public: serde_json::Map<String, serde_json::Value>,
    /// Secrets, opened: `client_secret`, `partner_secret` …
    pub secrets: BTreeMap<String, Vec<SecretString>>,
}

/// What every adapter is given.
#[derive(Clone, Debug)]
pub struct Context {
    /// Shared HTTP client: timeouts, no redirects; or a line in this process.
    pub http: Transport,
    /// Business and wall time.
    pub clock: Clock,
    /// Nonces and verifiers.
    pub ids: IdSource,
    /// Which certificate hosts and roots are allowed.
    pub trust: Trust,
}

/// Which certificate hosts and roots a gateway's notices may be signed under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The gateway's production hosts and roots, compiled in.
    Live,
    /// The gateway's own sandbox hosts, compiled in.
    GatewaySandbox,
    /// Our sandbox: loopback, and this data folder's own root certificate (DER).
    StraitsSandbox {
        /// The root certificate, DER.
        root_der: Vec<u8>,
    },
}

/// An account's settings do not make an adapter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// A key is missing or of the wrong form.
    #[error("gateway account `{account}`: `{key}` {why}")]
    Setting {
        /// The account.
        account: String,
        /// The key.
        key: String,
        /// What is wrong and what belongs there.
        why: String,
    },
}

impl AccountSettings {
    /// A public setting that must be there.
    ///
    /// # Errors
    /// [`BuildError::Setting`].
    pub fn text(&self, key: &str) -> Result<String, BuildError> {
        self.optional(key)?.ok_or_else(|| self.wrong(key, "is missing"))
    }

    /// A public setting that may be left out.
    ///
    /// # Errors
    /// [`BuildError::Setting`] when it is there and not a text.
    pub fn optional(&self, key: &str) -> Result<Option<String>, BuildError> {
        match self.public.get(key) {
            None | Some(serde_json::Value::Null) => Ok(None),
            Some(serde_json::Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
            Some(_) => Err(self.wrong(key, "must be a text that is not empty")),
        }
    }

    /// A list of currencies that may be left out.
    ///
    /// # Errors
    /// [`BuildError::Setting`] naming what is no currency.
    pub fn currencies(&self, key: &str) -> Result<Option<Vec<Currency>>, BuildError> {
        let Some(value) = self.public.get(key) else { return Ok(None) };
        let codes: Vec<String> = serde_json::from_value(value.clone())
            .map_err(|_| self.wrong(key, "must be a list of currency codes such as [\"SGD\"]"))?;
        let read = |code: &String| Currency::find(code).map_err(|error| self.wrong(key, &error.to_string()));
        codes.iter().map(read).collect::<Result<_, _>>().map(Some)
    }

    /// A table of settings that may be left out; a text is read as JSON.
    ///
    /// # Errors
    /// [`BuildError::Setting`] naming what does not belong there.
    pub fn table<T: serde::de::DeserializeOwned>(&self, key: &str) -> Result<Option<T>, BuildError> {
        let read = |value: &serde_json::Value| match value {
            serde_json::Value::String(text) => serde_json::from_str(text),
            table => T::deserialize(table),
        };
        let wrong = |error: serde_json::Error| self.wrong(key, &format!("is not read: {error}"));
        self.public.get(key).map(read).transpose().map_err(wrong)
    }

    /// A time zone by its IANA name, that may be left out.
    ///
    /// # Errors
    /// [`BuildError::Setting`] when it is no zone.
    pub fn zone(&self, key: &str) -> Result<Option<chrono_tz::Tz>, BuildError> {
        let name = self.optional(key)?;
        let read = |name: String| {
            name.parse().map_err(|_| self.wrong(key, "must be a time zone such as \"Asia/Singapore\""))
        };
        name.map(read).transpose()
    }

    /// A secret, newest first; older ones are still valid while it is being rotated.
    ///
    /// # Errors
    /// [`BuildError::Setting`] when there is none.
    pub fn secret(&self, key: &str) -> Result<Vec<SecretString>, BuildError> {
        let found = self.secrets.get(key).filter(|secrets| !secrets.is_empty());
        found.cloned().ok_or_else(|| self.wrong(key, "is missing from the account's secrets"))
    }

    /// The gateway's address, without a slash at its end: https, except our own sandbox on loopback.
    ///
    /// # Errors
    /// [`BuildError::Setting`].
    pub fn base_url(&self, trust: &Trust) -> Result<String, BuildError> {
        let text = self.text("base_url")?;
        let url =
            Url::parse(&text).map_err(|_| self.wrong("base_url", "must be an address such as https://…"))?;
        let rehearsal = matches!(trust, Trust::StraitsSandbox { .. }) && is_loopback(&url);
        if url.scheme() != "https" && !(rehearsal && url.scheme() == "http") {
            return Err(self.wrong("base_url", "must be https"));
        }
        Ok(text.trim_end_matches('/').to_owned())
    }

    /// The complaint.
    pub fn wrong(&self, key: &str, why: &str) -> BuildError {
        BuildError::Setting { account: self.name.clone(), key: key.to_owned(), why: why.to_owned() }
    }
}

/// A literal loopback address or `localhost`.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
