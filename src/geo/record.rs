//! One record of a country file, in the layouts that are in use.
//!
//! Flat: `country_code` (DB-IP, IPinfo Lite, ours), or `country` as a text. Nested: `country.iso_code`, else
//! `registered_country.iso_code` (MaxMind). Flags that say an address hides its user stand in `traits` or flat.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::domain::fx::Country;

/// What is read of a record; everything else is passed over.
#[derive(Debug, Deserialize)]
pub struct Record<'a> {
    #[serde(borrow, default)]
    country_code: Option<&'a str>,
    #[serde(borrow, default)]
    country: Named<'a>,
    #[serde(borrow, default)]
    registered_country: Named<'a>,
    #[serde(default)]
    traits: Traits,
}

/// What MaxMind's files say of the address itself.
#[derive(Debug, Default, Deserialize)]
struct Traits {
    #[serde(default)]
    is_anonymous: bool,
    #[serde(default)]
    is_anonymous_proxy: bool,
    #[serde(default)]
    is_anonymous_vpn: bool,
    #[serde(default)]
    is_tor_exit_node: bool,
    #[serde(default)]
    is_anycast: bool,
}

impl<'a> Record<'a> {
    /// The code as it is written.
    pub fn code(&self) -> Option<&'a str> {
        self.country_code.or(self.country.0).or(self.registered_country.0)
    }

    /// The country. A few files write small letters; `EU`, `AP`, `ZZ`, `A1` are none.
    pub fn country(&self) -> Option<Country> {
        let [first, second] = self.code()?.as_bytes() else { return None };
        let code = [first.to_ascii_uppercase(), second.to_ascii_uppercase()];
        std::str::from_utf8(&code).ok().and_then(|code| Country::find(code).ok())
    }

    /// Whether the file says that the address tells nothing about where its user is.
    pub fn hides_its_user(&self) -> bool {
        let traits = &self.traits;
        traits.is_anonymous
            || traits.is_anonymous_proxy
            || traits.is_anonymous_vpn
            || traits.is_tor_exit_node
            || traits.is_anycast
            || matches!(self.code(), Some("A1" | "T1"))
    }
}

/// A country as a map with `iso_code`, or as a text: a code, or a name that is passed over.
#[derive(Debug, Default)]
struct Named<'a>(Option<&'a str>);

impl<'de: 'a, 'a> Deserialize<'de> for Named<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NamedVisitor)
    }
}

struct NamedVisitor;

impl<'de> Visitor<'de> for NamedVisitor {
    type Value = Named<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a country")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Named<'de>, E> {
        Ok(Named(Some(text).filter(|text| text.len() == 2)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named<'de>, A::Error> {
        let mut code = None;
        while let Some(key) = map.next_key::<&str>()? {
            if key == "iso_code" {
                code = Some(map.next_value::<&str>()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Named(code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_layout_in_use() {
        for (record, expected, hides) in [
            (r#"{"country_code":"SG"}"#, Some("SG"), false),
            (r#"{"country_code":"sg"}"#, Some("SG"), false),
            (
                r#"{"country":{"iso_code":"SG","geoname_id":1,"names":{"en":"Singapore"}},"continent":{"code":"AS"}}"#,
                Some("SG"),
                false,
            ),
            (
                r#"{"asn":"AS1","country":"Singapore","country_code":"SG","continent_code":"AS"}"#,
                Some("SG"),
                false,
            ),
            (r#"{"country":"SG","country_name":"Singapore"}"#, Some("SG"), false),
            (r#"{"registered_country":{"iso_code":"AU"}}"#, Some("AU"), false),
            (r#"{"country":{"iso_code":"SG"},"registered_country":{"iso_code":"AU"}}"#, Some("SG"), false),
            (r#"{"country":{},"registered_country":{"iso_code":"AU"}}"#, Some("AU"), false),
            (r#"{"autonomous_system_number":7473}"#, None, false),
            (r#"{"country_code":"EU"}"#, None, false),
            (r#"{"country_code":"ZZ"}"#, None, false),
            (r#"{"country_code":"SGP"}"#, None, false),
            (r#"{"country_code":""}"#, None, false),
            (r#"{"country_code":"A1"}"#, None, true),
            (
                r#"{"country":{"iso_code":"CH"},"traits":{"is_anonymous_proxy":true,"ip_count":7}}"#,
                Some("CH"),
                true,
            ),
            (r#"{"country":{"iso_code":"CH"},"traits":{"is_anycast":true}}"#, Some("CH"), true),
            (r#"{"country":{"iso_code":"CH"},"traits":{"is_satellite_provider":true}}"#, Some("CH"), false),
        ] {
            let read: Record<'_> = serde_json::from_str(record).unwrap();
            let country = read.country().map(Country::code);
            assert_eq!((country, read.hides_its_user()), (expected, hides), "{record}");
        }
    }

    #[test]
    fn refuses_other_kinds_in_their_places() {
        for record in [
            r#"{"country_code":7}"#,
            r#"{"country":7}"#,
            r#"{"country":{"iso_code":["SG"]}}"#,
            r#"{"traits":{"is_anycast":"yes"}}"#,
        ] {
            assert!(serde_json::from_str::<Record<'_>>(record).is_err(), "{record}");
        }
    }
}
