//! What the business may change about rates and prices: the section `[fx]` of the configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};

use super::{Country, Endings, Lock, PriceRounding, SourceKey, SourceName};
use crate::money::{BasisPoints, Currency};

/// Rates and prices.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FxSettings {
    /// Where rates come from. `bundled` is the compiled-in history and never calls out; `ecb` asks the ECB. A list, or
    /// one text with commas.
    #[serde(deserialize_with = "sources")]
    pub sources: Vec<SourceName>,
    /// Where a source is, when not at its own address: scheme, host and port of a mirror.
    pub base_urls: BTreeMap<SourceName, String>,
    /// What the sources that ask for a key know us by.
    pub keys: BTreeMap<SourceName, SourceKey>,
    /// The base to ask a source for, where its plan has another than its own.
    pub bases: BTreeMap<SourceName, Currency>,
    /// Minutes between two questions, where its plan allows another pace; 0 is its own.
    pub pace_minutes: BTreeMap<SourceName, u32>,
    /// The file of the source `file`.
    pub rates_file: Option<PathBuf>,
    /// Whether a quote may rest on a stale reference rate (then marked `stale` and `indicative`). Unset: only in
    /// sandbox mode.
    pub allow_stale_reference: Option<bool>,
    /// Hours after a source's next publication is due until its last one counts as stale.
    pub publication_grace_h: u16,
    /// Days after which a reference rate is stale whatever the calendar says: the ECB's longest gap.
    pub reference_max_age_d: u16,
    /// On top of the mid rate, in shown prices and in quotes.
    pub spread_bps: u16,
    /// On top of the spread in quotes: what a promise may cost while it stands.
    pub buffer_bps: LockBuffers,
    /// How long a quote stands when the caller does not say.
    pub default_lock: Lock,
    /// Shown when nothing is known about the shopper, or no rate for the country's currency.
    pub default_currency: Currency,
    /// Countries priced in another currency than their own: `{ KH = "USD" }`.
    pub currency_by_country: BTreeMap<Country, Currency>,
    /// How prices end when the caller does not say.
    pub rounding: PriceRounding,
    /// The rules of step and charm: those compiled in, or the operator's file.
    #[serde(skip)]
    pub endings: Arc<Endings>,
}

/// The buffer of each lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LockBuffers {
    /// Five minutes.
    #[serde(rename = "5m")]
    pub five_minutes: u16,
    /// Thirty minutes.
    #[serde(rename = "30m")]
    pub thirty_minutes: u16,
    /// One hour.
    #[serde(rename = "1h")]
    pub one_hour: u16,
    /// One day.
    #[serde(rename = "24h")]
    pub one_day: u16,
}

/// The 95th percentile of one day's move of Asian currencies against the dollar is 40 to 110 basis points (ECB, three
/// years); shorter locks by the square root of time.
impl Default for LockBuffers {
    fn default() -> LockBuffers {
        LockBuffers { five_minutes: 5, thirty_minutes: 15, one_hour: 20, one_day: 100 }
    }
}

impl Default for FxSettings {
    fn default() -> FxSettings {
        FxSettings {
            sources: vec![SourceName::Ecb, SourceName::Bundled],
            base_urls: BTreeMap::new(),
            keys: BTreeMap::new(),
            bases: BTreeMap::new(),
            pace_minutes: BTreeMap::new(),
            rates_file: None,
            allow_stale_reference: None,
            publication_grace_h: 2,
            reference_max_age_d: 5,
            spread_bps: 0,
            buffer_bps: LockBuffers::default(),
            default_lock: Lock::ThirtyMinutes,
            default_currency: Currency::known("USD"),
            currency_by_country: BTreeMap::new(),
            rounding: PriceRounding::Exact,
            endings: Endings::shipped(),
        }
    }
}

impl FxSettings {
    /// The spread.
    pub fn spread(&self) -> BasisPoints {
        BasisPoints(i32::from(self.spread_bps))
    }

    /// The buffer of a lock.
    pub fn buffer(&self, lock: Lock) -> BasisPoints {
        BasisPoints(i32::from(match lock {
            Lock::FiveMinutes => self.buffer_bps.five_minutes,
            Lock::ThirtyMinutes => self.buffer_bps.thirty_minutes,
            Lock::OneHour => self.buffer_bps.one_hour,
            Lock::OneDay => self.buffer_bps.one_day,
        }))
    }

    /// The currency a country is priced in.
    pub fn currency_of(&self, country: Country) -> Currency {
        self.currency_by_country.get(&country).copied().unwrap_or_else(|| country.currency())
    }
}

/// `["ecb", "bundled"]` or `"ecb,bundled"`, the form an environment variable has.
fn sources<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SourceName>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Listed {
        Text(String),
        List(Vec<String>),
    }
    let names = match Listed::deserialize(deserializer)? {
        Listed::Text(text) => text.split(',').map(|name| name.trim().to_owned()).collect(),
        Listed::List(names) => names,
    };
    let known = |name: &String| SourceName::find(name).map_err(serde::de::Error::custom);
    match names.iter().map(known).collect::<Result<Vec<_>, _>>()? {
        none if none.is_empty() => {
            Err(serde::de::Error::custom("name at least one rate source, such as bundled"))
        }
        some => Ok(some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lists_texts_and_overrides() {
        let settings: FxSettings = toml::from_str(
            "sources = \"bundled\"\nspread_bps = 150\nbuffer_bps = { 24h = 120 }\ncurrency_by_country = { KH = \"USD\" }",
        )
        .unwrap();
        assert_eq!(settings.sources, [SourceName::Bundled]);
        assert_eq!(settings.buffer(Lock::OneDay), BasisPoints(120));
        assert_eq!(settings.buffer(Lock::FiveMinutes), BasisPoints(5));
        assert_eq!(settings.currency_of(Country::find("KH").unwrap()).code(), "USD");
        assert_eq!(settings.currency_of(Country::find("LA").unwrap()).code(), "LAK");
        let listed: FxSettings = toml::from_str("sources = [\"ecb\", \"bundled\"]").unwrap();
        assert_eq!(listed, FxSettings::default());
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for text in
            ["sources = \"oanda\"", "sources = []", "spread = 1", "currency_by_country = { XX = \"USD\" }"]
        {
            assert!(toml::from_str::<FxSettings>(text).is_err(), "{text}");
        }
    }
}
