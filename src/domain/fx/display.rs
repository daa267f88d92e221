//! Which currency a shopper is shown, in which locale, and why that one.
//!
//! Precedence, strongest first: the currency asked for, the country asked for, the edge's country header, the country
//! of the address, the region of `Accept-Language` (only a region: `en` names no country), the configured default.
//! All of this is *display*: what is charged is fixed by the quote a shopper accepted.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::{Country, FxSettings, Locale};
use crate::money::Currency;

/// What is known about who is looking at a price.
#[derive(Debug, Clone, Default)]
pub struct Shopper<'a> {
    /// The currency asked for.
    pub currency: Option<Currency>,
    /// The country asked for.
    pub country: Option<Country>,
    /// What a trusted edge says.
    pub edge: Option<Country>,
    /// Where the address is registered.
    pub located: Option<Country>,
    /// The request's `Accept-Language`.
    pub accept_language: Option<&'a str>,
    /// The locale asked for.
    pub locale: Option<&'a str>,
}

/// What decided the currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResolvedBy {
    /// The currency asked for.
    Currency,
    /// The country asked for.
    Country,
    /// The edge's country header.
    Header,
    /// The address.
    Geoip,
    /// The region of `Accept-Language`.
    Language,
    /// Nothing: the configured default.
    Default,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Display {
    /// The currency to show.
    pub currency: Currency,
    /// The country, as far as anything named one.
    pub country: Option<Country>,
    /// What decided the currency.
    pub resolved_by: ResolvedBy,
    /// How to write amounts.
    pub locale: Locale,
}

/// The locale of each country's first language, looked up once.
static SPOKEN: LazyLock<HashMap<Country, Locale>> = LazyLock::new(|| {
    let spoken = |country: Country| {
        let tag = format!("{}-{}", country.languages().first()?, country.code());
        Some((country, Locale::find(&tag)?))
    };
    Country::all().filter_map(spoken).collect()
});

impl Shopper<'_> {
    /// Decides.
    pub fn display(&self, settings: &FxSettings) -> Display {
        let place = [
            (self.country, ResolvedBy::Country),
            (self.edge, ResolvedBy::Header),
            (self.located, ResolvedBy::Geoip),
            (self.language_region(), ResolvedBy::Language),
        ]
        .into_iter()
        .find_map(|(country, by)| country.map(|country| (country, by)));
        let country = place.map(|(country, _)| country);
        let (currency, resolved_by) = match (self.currency, place) {
            (Some(currency), _) => (currency, ResolvedBy::Currency),
            (None, Some((country, by))) => (settings.currency_of(country), by),
            (None, None) => (settings.default_currency, ResolvedBy::Default),
        };
        Display { currency, country, resolved_by, locale: self.locale(country) }
    }

    /// The locale asked for, else the first known of `Accept-Language`, else the country's first language, else en.
    fn locale(&self, country: Option<Country>) -> Locale {
        let asked = || self.locale.and_then(Locale::find);
        let accepted = || self.languages().into_iter().find_map(Locale::find);
        let accepted = || self.accept_language.and_then(|_| accepted());
        let spoken = || SPOKEN.get(&country?).copied();
        asked().or_else(accepted).or_else(spoken).unwrap_or_else(Locale::english)
    }

    /// The first region that is a country: `en-SG,en;q=0.8` → SG.
    fn language_region(&self) -> Option<Country> {
        let region = |tag: &str| {
            // After a single letter come extensions: the `ca` of `en-u-ca-buddhist` is a calendar, not Canada.
            let parts = tag.split('-').take_while(|part| part.len() > 1);
            parts.skip(1).find_map(|part| Country::find(&part.to_ascii_uppercase()).ok())
        };
        self.languages().into_iter().find_map(region)
    }

    /// The tags of `Accept-Language` by weight, ties in their order; refused ones (`q=0`) and junk left out.
    fn languages(&self) -> Vec<&str> {
        let mut tags: Vec<(u16, &str)> = self
            .accept_language
            .unwrap_or_default()
            .split(',')
            .take(32)
            .filter_map(|item| {
                let (tag, parameters) = item.split_once(';').unwrap_or((item, "q=1"));
                let weight = per_mille(parameters.trim().strip_prefix("q=")?)?;
                (weight > 0).then_some((weight, tag.trim()))
            })
            .collect();
        tags.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        tags.into_iter().map(|(_, tag)| tag).collect()
    }
}

/// `1`, `0.8`, `0.75` as thousandths (RFC 9110, 12.4.2).
fn per_mille(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let valid =
        matches!(whole, "0" | "1") && fraction.len() <= 3 && fraction.bytes().all(|b| b.is_ascii_digit());
    let thousandths: u16 = format!("{whole}{fraction:0<3}").parse().ok()?;
    valid.then_some(thousandths.min(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn country(code: &str) -> Option<Country> {
        Country::find(code).ok()
    }

    #[test]
    fn the_stronger_hint_wins() {
        let mut shopper = Shopper {
            currency: Currency::find("JPY").ok(),
            country: country("TH"),
            edge: country("MY"),
            located: country("VN"),
            accept_language: Some("fr;q=0.5, en-SG"),
            locale: None,
        };
        let settings = FxSettings::default();
        let mut seen = Vec::new();
        for step in 0..6 {
            let display = shopper.display(&settings);
            seen.push((display.currency.code(), display.country.map(Country::code), display.resolved_by));
            match step {
                0 => shopper.currency = None,
                1 => shopper.country = None,
                2 => shopper.edge = None,
                3 => shopper.located = None,
                _ => shopper.accept_language = Some("en, fr;q=0.9"),
            }
        }
        assert_eq!(
            seen,
            [
                ("JPY", Some("TH"), ResolvedBy::Currency),
                ("THB", Some("TH"), ResolvedBy::Country),
                ("MYR", Some("MY"), ResolvedBy::Header),
                ("VND", Some("VN"), ResolvedBy::Geoip),
                ("SGD", Some("SG"), ResolvedBy::Language),
                ("USD", None, ResolvedBy::Default),
            ]
        );
    }

    #[test]
    fn the_locale_follows_the_shopper_then_the_country() {
        for (locale, accept, place, expected) in [
            (Some("de"), Some("th"), "SG", "de"),
            (Some("xx"), Some("th"), "SG", "th"),
            (None, Some("eo, ja;q=0.2, ko;q=0.7"), "SG", "ko"),
            (None, Some("ja;q=0, *"), "TH", "th"),
            (None, None, "SG", "en-SG"),
            (None, None, "HK", "zh-HK"),
            (None, None, "CN", "zh-CN"),
            (None, None, "BR", "pt-BR"),
            (None, None, "AT", "de-AT"),
            (None, None, "CL", "es-CL"),
            (None, None, "IE", "en-IE"),
            (None, None, "IL", "en"),
            (None, None, "", "en"),
            (None, Some(";;;,q=,=;q=2"), "VN", "vi"),
        ] {
            let shopper =
                Shopper { locale, accept_language: accept, located: country(place), ..Shopper::default() };
            assert_eq!(shopper.display(&FxSettings::default()).locale.tag(), expected, "{accept:?} {place}");
        }
    }

    #[test]
    fn a_country_may_be_priced_in_another_currency() {
        let kh = Country::find("KH").unwrap();
        let mut settings = FxSettings::default();
        let shopper = Shopper { located: Some(kh), ..Shopper::default() };
        assert_eq!(shopper.display(&settings).currency.code(), "KHR");
        settings.currency_by_country.insert(kh, Currency::known("USD"));
        assert_eq!(shopper.display(&settings).currency.code(), "USD");
    }

    #[test]
    fn only_a_region_of_the_language_names_a_country() {
        for (accept, expected) in [
            ("en-SG", Some("SG")),
            ("en-sg", Some("SG")),
            ("zh-Hant-TW", Some("TW")),
            ("zh-Hant", None),
            ("es-419", None),
            ("en-001, de", None),
            ("en-u-ca-buddhist", None),
            ("x-sg", None),
            ("th-TH-u-ca-buddhist-nu-thai", Some("TH")),
            ("en-EU, fr-XX, ja-JP;q=0.1", Some("JP")),
            ("*", None),
        ] {
            let shopper = Shopper { accept_language: Some(accept), ..Shopper::default() };
            let country = shopper.display(&FxSettings::default()).country;
            assert_eq!(country.map(Country::code), expected, "{accept}");
        }
    }
}
