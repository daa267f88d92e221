//! All sources by name: what each needs, and how to open one from settings.
//!
//! ```
//! use fx_providers::catalog::{OpenError, Setup, find, open};
//! let source = open("open-er-api", &Setup::default())?;
//! assert_eq!((source.name(), source.pace().shortest.as_secs()), ("open-er-api", 3600));
//! assert_eq!(open("fixer", &Setup::default()).unwrap_err(), OpenError::KeyMissing("fixer"));
//! assert!(find("fixer").is_some_and(|entry| entry.takes.key));
//! # Ok::<(), OpenError>(())
//! ```

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::bnm::Bnm;
use crate::bot::Bot;
use crate::currency_beacon::CurrencyBeacon;
use crate::currencylayer::CurrencyLayer;
use crate::ecb::Ecb;
use crate::exchangerate_api::ExchangeRateApi;
use crate::fawazahmed0::Fawazahmed0;
use crate::file::RateFile;
use crate::fixer::Fixer;
use crate::frankfurter::Frankfurter;
use crate::http::Patience;
use crate::open_exchange_rates::OpenExchangeRates;
use crate::wise::Wise;
use crate::{
    Code, Key, RateSet, RateSource, SourceError, bnm, bot, currency_beacon, currencylayer, ecb,
    exchangerate_api, fawazahmed0, file, fixer, frankfurter, open_exchange_rates, wise,
};

/// The settings of one source; all optional.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// Another place: scheme, host, port.
    pub origin: Option<String>,
    /// The key.
    pub key: Option<Key>,
    /// Another base, where the source (and the plan) has it.
    pub base: Option<Code>,
    /// The pace of a plan that allows another.
    pub every: Option<Duration>,
    /// The file.
    pub path: Option<PathBuf>,
    /// How patient.
    pub patience: Patience,
}

/// What a source takes beside an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Takes {
    /// A key, which it then needs.
    pub key: bool,
    /// A base.
    pub base: bool,
    /// A pace.
    pub every: bool,
    /// A path, which it then needs (and no origin).
    pub path: bool,
}

/// A source's reader: a body and when it was read.
pub type Reader = fn(&[u8], DateTime<Utc>) -> Result<Vec<RateSet>, SourceError>;

/// One source of the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Its name in settings and answers.
    pub name: &'static str,
    /// Where it is.
    pub origin: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// What its terms ask of whoever shows its rates, in a line.
    pub terms: &'static str,
    /// Reads its answer.
    pub read: Reader,
    open: fn(Opening) -> Arc<dyn RateSource>,
}

/// Why a source cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Nothing of that name.
    #[error("no source is called `{0}`")]
    Unknown(String),
    /// It needs a key.
    #[error("the source {0} needs a key")]
    KeyMissing(&'static str),
    /// It needs a path.
    #[error("the source {0} needs a path")]
    PathMissing(&'static str),
    /// It has no such setting.
    #[error("the source {name} takes no {setting}")]
    NotTaken {
        /// Which source.
        name: &'static str,
        /// Which setting.
        setting: &'static str,
    },
}

/// A checked setup.
struct Opening {
    origin: String,
    moved: bool,
    key: Key,
    base: Option<Code>,
    every: Option<Duration>,
    path: PathBuf,
    patience: Patience,
}

/// Nothing beside an origin.
const PLAIN: Takes = Takes { key: false, base: false, every: false, path: false };
/// What most subscriptions take.
const PLAN: Takes = Takes { key: true, base: true, every: true, path: false };

/// Applies a setting that is there.
fn set<S, T>(source: S, value: Option<T>, apply: fn(S, T) -> S) -> S {
    match value {
        Some(value) => apply(source, value),
        None => source,
    }
}

/// Whether an account of Fixer or currencylayer is at APILayer's gateway.
fn is_gateway(origin: &str) -> bool {
    let place = reqwest::Url::parse(origin).ok();
    place.is_some_and(|place| place.host_str() == Some("api.apilayer.com"))
}

/// Every source, in the order of the crate's table.
pub static ALL: &[Entry] = &[
    Entry {
        name: ecb::NAME,
        origin: ecb::ORIGIN,
        takes: PLAIN,
        terms: "Source: ECB statistics; for information only",
        read: ecb::read_bytes,
        open: |o| Arc::new(Ecb::at(&o.origin, o.patience)),
    },
    Entry {
        name: frankfurter::NAME,
        origin: frankfurter::ORIGIN,
        takes: Takes { base: true, ..PLAIN },
        terms: "free; each central bank's own terms apply",
        read: frankfurter::read,
        open: |o| Arc::new(set(Frankfurter::at(&o.origin, o.patience), o.base, Frankfurter::base)),
    },
    Entry {
        name: exchangerate_api::OPEN,
        origin: exchangerate_api::OPEN_ORIGIN,
        takes: Takes { base: true, ..PLAIN },
        terms: "link \"Rates By Exchange Rate API\" (https://www.exchangerate-api.com); no redistribution",
        read: exchangerate_api::read_open,
        open: |o| {
            let source = ExchangeRateApi::open_at(&o.origin, o.patience);
            Arc::new(set(source, o.base, ExchangeRateApi::base))
        },
    },
    Entry {
        name: exchangerate_api::KEYED,
        origin: exchangerate_api::KEYED_ORIGIN,
        takes: PLAN,
        terms: "subscription (exchangerate-api.com)",
        read: exchangerate_api::read_keyed,
        open: |o| {
            let source = ExchangeRateApi::keyed_at(&o.origin, o.patience, o.key);
            let source = set(source, o.base, ExchangeRateApi::base);
            Arc::new(set(source, o.every, ExchangeRateApi::every))
        },
    },
    Entry {
        name: fawazahmed0::NAME,
        origin: fawazahmed0::ORIGIN,
        takes: Takes { base: true, ..PLAIN },
        terms: "CC0-1.0",
        read: fawazahmed0::read,
        open: |o| {
            let source = Fawazahmed0::at(&o.origin, o.patience);
            let source = if o.moved { source } else { source.or_at(fawazahmed0::FALLBACK) };
            Arc::new(set(source, o.base, Fawazahmed0::base))
        },
    },
    Entry {
        name: open_exchange_rates::NAME,
        origin: open_exchange_rates::ORIGIN,
        takes: PLAN,
        terms: "subscription (openexchangerates.org); the free plan asks for a link back",
        read: open_exchange_rates::read,
        open: |o| {
            let source = OpenExchangeRates::at(&o.origin, o.patience, o.key);
            let source = set(source, o.base, OpenExchangeRates::base);
            Arc::new(set(source, o.every, OpenExchangeRates::every))
        },
    },
    Entry {
        name: fixer::NAME,
        origin: fixer::ORIGIN,
        takes: PLAN,
        terms: "subscription (fixer.io)",
        read: fixer::read,
        open: |o| {
            let source = match is_gateway(&o.origin) {
                true => Fixer::gateway(&o.origin, o.patience, o.key),
                false => Fixer::at(&o.origin, o.patience, o.key),
            };
            Arc::new(set(set(source, o.base, Fixer::base), o.every, Fixer::every))
        },
    },
    Entry {
        name: currencylayer::NAME,
        origin: currencylayer::ORIGIN,
        takes: PLAN,
        terms: "subscription (currencylayer.com)",
        read: currencylayer::read,
        open: |o| {
            let source = match is_gateway(&o.origin) {
                true => CurrencyLayer::gateway(&o.origin, o.patience, o.key),
                false => CurrencyLayer::at(&o.origin, o.patience, o.key),
            };
            Arc::new(set(set(source, o.base, CurrencyLayer::base), o.every, CurrencyLayer::every))
        },
    },
    Entry {
        name: wise::NAME,
        origin: wise::ORIGIN,
        takes: PLAN,
        terms: "an account and API token (wise.com)",
        read: wise::read,
        open: |o| {
            let source = Wise::at(&o.origin, o.patience, o.key);
            Arc::new(set(set(source, o.base, Wise::base), o.every, Wise::every))
        },
    },
    Entry {
        name: currency_beacon::NAME,
        origin: currency_beacon::ORIGIN,
        takes: PLAN,
        terms: "subscription (currencybeacon.com)",
        read: currency_beacon::read,
        open: |o| {
            let source = CurrencyBeacon::at(&o.origin, o.patience, o.key);
            let source = set(source, o.base, CurrencyBeacon::base);
            Arc::new(set(source, o.every, CurrencyBeacon::every))
        },
    },
    Entry {
        name: bnm::NAME,
        origin: bnm::ORIGIN,
        takes: PLAIN,
        terms: "Source: Bank Negara Malaysia",
        read: bnm::read,
        open: |o| Arc::new(Bnm::at(&o.origin, o.patience)),
    },
    Entry {
        name: bot::NAME,
        origin: bot::ORIGIN,
        takes: Takes { key: true, ..PLAIN },
        terms: "Source: Bank of Thailand",
        read: bot::read,
        open: |o| Arc::new(Bot::at(&o.origin, o.patience, o.key)),
    },
    Entry {
        name: file::NAME,
        origin: "",
        takes: Takes { path: true, ..PLAIN },
        terms: "the file's own",
        read: file::read,
        open: |o| Arc::new(RateFile::new(o.path)),
    },
];

/// The entry of that name.
pub fn find(name: &str) -> Option<&'static Entry> {
    ALL.iter().find(|entry| entry.name == name)
}

/// Opens a source. Calls nobody. A setting the source does not take is refused rather than ignored.
///
/// # Errors
/// [`OpenError`].
pub fn open(name: &str, setup: &Setup) -> Result<Arc<dyn RateSource>, OpenError> {
    let entry = find(name).ok_or_else(|| OpenError::Unknown(name.chars().take(64).collect()))?;
    let (name, takes) = (entry.name, entry.takes);
    for (given, taken, setting) in [
        (setup.origin.is_some(), !takes.path, "origin"),
        (setup.key.is_some(), takes.key, "key"),
        (setup.base.is_some(), takes.base, "base"),
        (setup.every.is_some(), takes.every, "pace"),
        (setup.path.is_some(), takes.path, "path"),
    ] {
        if given && !taken {
            return Err(OpenError::NotTaken { name, setting });
        }
    }
    if takes.key && setup.key.as_ref().is_none_or(|key| key.reveal().is_empty()) {
        return Err(OpenError::KeyMissing(name));
    }
    if takes.path && setup.path.is_none() {
        return Err(OpenError::PathMissing(name));
    }
    Ok((entry.open)(Opening {
        origin: setup.origin.clone().unwrap_or_else(|| entry.origin.to_owned()),
        moved: setup.origin.is_some(),
        key: setup.key.clone().unwrap_or_else(|| Key::new("")),
        base: setup.base,
        every: setup.every,
        path: setup.path.clone().unwrap_or_default(),
        patience: setup.patience,
    }))
}
