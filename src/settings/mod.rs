//! Configuration and environment as typed settings; refuses at start.
//!
//! [`Layers`] knows texts and origins, [`Settings`] what they mean. Nothing below reads the environment or a file of
//! settings again: whoever holds a `Settings` holds values that were checked together.

mod exports;
mod close;
mod fees;
mod fx;
mod geo;
mod layers;
mod network;
mod payouts;
mod polling;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use toml::Value;

use crate::domain::fees::FeeBook;
use crate::domain::fx::FxSettings;
use crate::domain::general_ledger::GlAccounts;
use crate::domain::orders::Ladders;
use crate::domain::payouts::{DebtorAddress, PayoutRules};
use crate::domain::periods::CloseLimits;
use crate::domain::treasury::Tables;
use crate::domain::withholding::TaxRules;
use crate::money::Percent;

pub use payouts::BankChannelSettings;

pub use geo::GeoSettings;
pub use layers::{Layers, Origin, SettingsError, is_secret};
pub use network::{ClientHeader, HeaderForm, Network, NetworkError};

/// Test or real money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Test keys, far sides and the test clock are on.
    Sandbox,
    /// Real gateways, real money.
    Live,
}

impl Mode {
    /// The environment of keys and database: `test` or `live`.
    pub fn environment(self) -> &'static str {
        match self {
            Mode::Sandbox => "test",
            Mode::Live => "live",
        }
    }
}

/// Who may read `/metrics`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsAccess {
    /// Callers on this machine.
    Loopback,
    /// Everybody.
    Anyone,
    /// Nobody.
    Nobody,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object each.
    Json,
    /// For people.
    Text,
}

/// Requests per second and the burst above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Sustained.
    pub per_second: u32,
    /// At once.
    pub burst: u32,
}

/// Bounds of one request and of many.
#[derive(Debug, Clone)]
pub struct Limits {
    /// One key.
    pub per_key: Allowance,
    /// One address without a key.
    pub per_address: Allowance,
    /// Largest body, bytes.
    pub body_bytes: usize,
    /// Gateway notices in flight, bytes.
    pub notifications_bytes: usize,
    /// Time to send the head.
    pub head: Duration,
    /// Time to send the body.
    pub body: Duration,
    /// Time to answer.
    pub request: Duration,
    /// Time to end after SIGTERM.
    pub shutdown: Duration,
}

/// One gateway's section; only the adapter reads its own keys. Keys without a value are left out.
#[derive(Debug, Clone, Default)]
pub struct GatewaySection {
    /// Public values: texts and lists of texts.
    pub public: serde_json::Map<String, serde_json::Value>,
    /// Secrets, newest first.
    pub secrets: BTreeMap<String, Vec<SecretString>>,
}

/// Where and how events are told.
#[derive(Debug, Clone)]
pub struct WebhookSettings {
    /// Ports of receivers.
    pub ports: Vec<u16>,
    /// How long a receiver may take.
    pub patience: Duration,
}

/// Everything, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Test or real money.
    pub mode: Mode,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where shoppers and gateways reach us, without a slash at the end; `None`: the listen address.
    pub public_url: Option<String>,
    /// The data folder.
    pub data_dir: PathBuf,
    /// The database; holds a password.
    pub database_url: SecretString,
    /// Proxies whose headers are believed; loopback is among them in sandbox mode.
    pub trusted_proxies: Vec<Network>,
    /// The header in which they name the client.
    pub client_header: ClientHeader,
    /// Threads that answer; 0: one a core.
    pub workers: usize,
    /// Who may read `/metrics`.
    pub metrics: MetricsAccess,
    /// Keys that seal secrets at rest, newest first; `None`: a file in the data folder (sandbox mode only).
    pub master_key: Option<SecretString>,
    /// Bounds.
    pub limits: Limits,
    /// Rates.
    pub fx: FxSettings,
    /// What gateways charge and the platform takes, by rules.
    pub fees: FeeBook,
    /// How much of a payment a gateway may take beyond its contract before somebody is told.
    pub fee_tolerance: Percent,
    /// When gateways are asked about open payments.
    pub polling: Arc<Ladders>,
    /// A merchant's own account numbers, for exports.
    pub gl_accounts: Arc<GlAccounts>,
    /// Countries of addresses.
    pub geo: GeoSettings,
    /// How much may be unexplained when a period is closed.
    pub close: CloseLimits,
    /// On what rules suppliers are paid out.
    pub payouts: PayoutRules,
    /// Routes, prices and holidays that plans of payouts are made under.
    pub payout_tables: Arc<Tables>,
    /// The rules of withholding that act for this shop.
    pub withholding: Arc<TaxRules>,
    /// Where the merchant has its seat, as its banks are told it.
    pub debtor_address: DebtorAddress,
    /// Where a bank takes files of payouts.
    pub bank_channel: BankChannelSettings,
    /// By gateway.
    pub gateways: BTreeMap<String, GatewaySection>,
    /// Where and how events are told.
    pub webhooks: WebhookSettings,
    /// How log lines look.
    pub log_format: LogFormat,
    /// What is logged.
    pub log_level: String,
}

impl Settings {
    /// Reads the meaning of every value.
    ///
    /// # Errors
    /// [`SettingsError::BadValue`] with the key, its origin and what belongs there.
    pub fn from_layers(layers: &Layers) -> Result<Settings, SettingsError> {
        let read = Reader(layers);
        let mode = read.word("server.mode", &[("sandbox", Mode::Sandbox), ("live", Mode::Live)])?;
        let data_dir = PathBuf::from(read.text("server.data_dir"));
        let master_key = read.secret("server.master_key");
        if mode == Mode::Live && master_key.is_none() {
            let why = "is needed in live mode: set STRAITS_MASTER_KEY or STRAITS_MASTER_KEY_FILE to 32 bytes in hex";
            return Err(read.bad("server.master_key", why));
        }
        let database_url = read.secret("database.url").unwrap_or_else(|| {
            SecretString::from(format!("sqlite://{}", data_dir.join("straits.db").display()))
        });
        let scheme = database_url.expose_secret().split(':').next().unwrap_or_default();
        if !["sqlite", "postgres", "postgresql"].contains(&scheme) {
            return Err(read.bad("database.url", "begins neither with sqlite:// nor with postgres://"));
        }
        Ok(Settings {
            mode,
            listen: read.parsed("server.listen", "is no address with a port, such as 127.0.0.1:8080")?,
            public_url: read.public_url()?,
            data_dir,
            database_url,
            trusted_proxies: read.trusted_proxies(mode)?,
            client_header: read.client_header()?,
            workers: read.number("server.workers", 0, 1024)?,
            metrics: read.word(
                "server.metrics",
                &[
                    ("loopback", MetricsAccess::Loopback),
                    ("anyone", MetricsAccess::Anyone),
                    ("nobody", MetricsAccess::Nobody),
                ],
            )?,
            master_key,
            limits: read.limits(mode)?,
            fx: read.fx(mode)?,
            fees: read.fees()?,
            fee_tolerance: read.fee_tolerance()?,
            polling: read.polling()?,
            gl_accounts: read.gl_accounts()?,
            geo: read.geo(mode)?,
            close: read.close_limits()?,
            payouts: read.payouts(mode)?,
            payout_tables: Arc::new(read.payout_tables()?),
            withholding: Arc::new(read.withholding()?),
            debtor_address: read.debtor_address()?,
            bank_channel: read.bank_channel()?,
            gateways: read.gateways(),
            webhooks: read.webhooks()?,
            log_format: read.word("log.format", &[("json", LogFormat::Json), ("text", LogFormat::Text)])?,
            log_level: read.text("log.level").to_owned(),
        })
    }
}

struct Reader<'a>(&'a Layers);

impl Reader<'_> {
    fn bad(&self, key: &str, why: impl Into<String>) -> SettingsError {
        SettingsError::BadValue { origin: self.0.origin(key), key: key.to_owned(), why: why.into() }
    }

    fn text(&self, key: &str) -> &str {
        self.0.value(key).and_then(Value::as_str).unwrap_or_default()
    }

    fn secret(&self, key: &str) -> Option<SecretString> {
        Some(self.text(key)).filter(|text| !text.is_empty()).map(SecretString::from)
    }

    fn list(&self, key: &str) -> Vec<String> {
        let items = self.0.value(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
    }

    fn parsed<T: std::str::FromStr>(&self, key: &str, why: &str) -> Result<T, SettingsError> {
        self.text(key).parse().map_err(|_| self.bad(key, format!("= `{}` {why}", self.text(key))))
    }

    fn number<T: TryFrom<i64>>(&self, key: &str, least: i64, most: i64) -> Result<T, SettingsError> {
        let value = self.0.value(key).and_then(Value::as_integer).unwrap_or(least);
        let within = Some(value).filter(|value| (least..=most).contains(value));
        within
            .and_then(|value| T::try_from(value).ok())
            .ok_or_else(|| self.bad(key, format!("= {value} is not between {least} and {most}")))
    }

    fn seconds(&self, key: &str) -> Result<Duration, SettingsError> {
        self.number(key, 1, 3_600).map(Duration::from_secs)
    }

    fn word<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Result<T, SettingsError> {
        let given = self.text(key);
        words.iter().find(|(word, _)| *word == given).map(|(_, meaning)| *meaning).ok_or_else(|| {
            let known: Vec<_> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            self.bad(key, format!("= `{given}` is none of {}", known.join(", ")))
        })
    }

    fn public_url(&self) -> Result<Option<String>, SettingsError> {
        let text = self.text("server.public_url").trim_end_matches('/');
        if text.is_empty() {
            return Ok(None);
        }
        let plain = url::Url::parse(text).is_ok_and(|url| {
            ["http", "https"].contains(&url.scheme()) && url.query().is_none() && url.fragment().is_none()
        });
        if !plain {
            return Err(self.bad("server.public_url", "is no address such as https://pay.example"));
        }
        Ok(Some(text.to_owned()))
    }

    fn allowance(&self, per_second: &str, burst: &str) -> Result<Allowance, SettingsError> {
        Ok(Allowance {
            per_second: self.number(per_second, 1, 1_000_000)?,
            burst: self.number(burst, 1, 1_000_000)?,
        })
    }

    fn limits(&self, mode: Mode) -> Result<Limits, SettingsError> {
        let per_key = match mode {
            Mode::Sandbox => {
                self.allowance("limits.sandbox_per_key_per_second", "limits.sandbox_per_key_burst")?
            }
            Mode::Live => self.allowance("limits.per_key_per_second", "limits.per_key_burst")?,
        };
        Ok(Limits {
            per_key,
            per_address: self.allowance("limits.per_address_per_second", "limits.per_address_burst")?,
            body_bytes: self.number::<usize>("limits.body_kib", 1, 16_384)? * 1_024,
            notifications_bytes: self.number::<usize>("limits.notifications_in_flight_mib", 1, 4_096)? << 20,
            head: self.seconds("limits.head_seconds")?,
            body: self.seconds("limits.body_seconds")?,
            request: self.seconds("limits.request_seconds")?,
            shutdown: self.seconds("limits.shutdown_seconds")?,
        })
    }

    fn webhooks(&self) -> Result<WebhookSettings, SettingsError> {
        let port = |text: &String| {
            let port = text.parse().ok().filter(|port: &u16| *port > 0);
            port.ok_or_else(|| self.bad("webhooks.ports", format!("has `{text}`, which is no port")))
        };
        let ports = self.list("webhooks.ports").iter().map(port).collect::<Result<_, _>>()?;
        let patience = self.number::<u64>("webhooks.patience_seconds", 1, 30)?;
        Ok(WebhookSettings { ports, patience: Duration::from_secs(patience) })
    }

    fn gateways(&self) -> BTreeMap<String, GatewaySection> {
        let mut sections: BTreeMap<String, GatewaySection> = BTreeMap::new();
        for (key, value) in self.0.below("gateways") {
            let Some((gateway, key)) = key.split_once('.') else { continue };
            let section = sections.entry(gateway.to_owned()).or_default();
            match value {
                Value::String(text) if text.is_empty() => {}
                Value::String(text) if is_secret(key) => {
                    let secrets = text.split(',').map(|secret| SecretString::from(secret.trim())).collect();
                    section.secrets.insert(key.to_owned(), secrets);
                }
                Value::Array(items) if items.is_empty() => {}
                other => {
                    let value = serde_json::to_value(other).unwrap_or_default();
                    section.public.insert(key.to_owned(), value);
                }
            }
        }
        sections
    }
}
