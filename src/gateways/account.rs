//! Reading one account's settings, so that every adapter complains in the same words.

use secrecy::SecretString;
use url::{Host, Url};

use super::{AccountSettings, BuildError, Trust};
use crate::money::Currency;

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
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
