//! The sources of rates by name, and the keys some of them ask for.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};

macro_rules! sources {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// A source of rates.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum SourceName {
            $($(#[$doc])* $name,)*
        }

        impl SourceName {
            /// Every source.
            pub const ALL: &[SourceName] = &[$(SourceName::$name,)*];

            /// As settings and answers write it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(SourceName::$name => $word,)*
                }
            }
        }
    };
}

sources! {
    /// Compiled in: the ECB's history, a CC0 set, pegs. Never calls out.
    Bundled = "bundled",
    /// The European Central Bank. No key.
    Ecb = "ecb",
    /// Frankfurter: central banks, blended. No key.
    Frankfurter = "frankfurter",
    /// ExchangeRate-API's open answer, once a day. No key.
    OpenErApi = "open-er-api",
    /// ExchangeRate-API. Key.
    ExchangeRateApi = "exchangerate-api",
    /// fawazahmed0's public-domain set: answers only where no other reference has a currency. No key.
    Fawazahmed0 = "fawazahmed0",
    /// Open Exchange Rates. Key.
    OpenExchangeRates = "openexchangerates",
    /// Fixer. Key.
    Fixer = "fixer",
    /// currencylayer. Key.
    CurrencyLayer = "currencylayer",
    /// Wise. Key.
    Wise = "wise",
    /// CurrencyBeacon. Key.
    CurrencyBeacon = "currencybeacon",
    /// Bank Negara Malaysia. No key.
    Bnm = "bnm",
    /// Bank of Thailand. Key.
    Bot = "bot",
    /// A file of the operator's own.
    File = "file",
}

/// No source of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is no rate source; known: {}", SourceName::ALL.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", "))]
pub struct SourceNameError {
    /// What was given.
    pub given: String,
}

impl SourceName {
    /// Finds a source by its name. Keys of settings write `_` for `-`, as variables must.
    ///
    /// # Errors
    /// [`SourceNameError`] with every name there is.
    pub fn find(name: &str) -> Result<SourceName, SourceNameError> {
        let written = name.replace('_', "-");
        let found = SourceName::ALL.iter().copied().find(|source| source.as_str() == written);
        found.ok_or_else(|| SourceNameError { given: name.chars().take(40).collect() })
    }
}

impl Serialize for SourceName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for SourceName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SourceName, D::Error> {
        let name = String::deserialize(deserializer)?;
        SourceName::find(&name).map_err(serde::de::Error::custom)
    }
}

/// What a source knows us by; never printed.
#[derive(Clone)]
pub struct SourceKey(SecretString);

impl SourceKey {
    /// The key itself, for the adapter that sends it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for SourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl PartialEq for SourceKey {
    fn eq(&self, other: &SourceKey) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for SourceKey {}

impl<'de> Deserialize<'de> for SourceKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SourceKey, D::Error> {
        Ok(SourceKey(SecretString::from(String::deserialize(deserializer)?)))
    }
}
