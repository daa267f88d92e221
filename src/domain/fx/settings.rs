//! What the business may change about rates and prices: the section `[fx]` of the configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};

use super::policy::{BufferPolicy, Coverage, LockBuffers, VolatilitySettings, Weekend};
use super::{Country, Endings, Lock, PriceRounding, SourceKey, SourceName, Thresholds};
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
    /// Days of the calendar after its own at whose end a reference rate is stale whatever its source's calendar says: the
    /// ECB's longest gap.
    pub reference_max_age_d: u16,
    /// On top of the mid rate, in shown prices and in quotes.
    pub spread_bps: u16,
    /// On top of the spread in quotes of pairs with too little history.
    pub buffer_bps: LockBuffers,
    /// How volatility is measured, and what a buffer is bounded by.
    pub volatility: VolatilitySettings,
    /// Which share of promises the buffer is to cover.
    pub coverage: Coverage,
    /// On top while the market is closed.
    pub weekend: Weekend,
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
    /// How far sources may differ and a rate may jump, from the operator's file; none: as compiled in.
    #[serde(skip)]
    pub thresholds: Option<Arc<Thresholds>>,
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
            volatility: VolatilitySettings::default(),
            coverage: Coverage::default(),
            weekend: Weekend::default(),
            default_lock: Lock::ThirtyMinutes,
            default_currency: Currency::known("USD"),
            currency_by_country: BTreeMap::new(),
            rounding: PriceRounding::Exact,
            endings: Endings::shipped(),
            thresholds: None,
        }
    }
}

impl FxSettings {
    /// The spread.
    pub fn spread(&self) -> BasisPoints {
        BasisPoints(i32::from(self.spread_bps))
    }

    /// What buffers are priced by.
    pub fn buffers(&self) -> BufferPolicy {
        BufferPolicy {
            volatility: self.volatility,
            coverage: self.coverage,
            weekend: self.weekend,
            defaults: self.buffer_bps,
        }
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
        assert_eq!(settings.buffer_bps.of(Lock::OneDay), BasisPoints(120));
        assert_eq!(settings.buffer_bps.of(Lock::FiveMinutes), BasisPoints(5));
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
