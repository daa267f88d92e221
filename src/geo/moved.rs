//! A file held against the one compiled in: whether a whole country has become another.
//!
//! Well-known addresses see a file that is wrong everywhere, not one in which a single country bears another's code, or
//! none. Files differ about single networks, and about offshore registries that lend theirs to the world; none differs
//! about all the largest networks of a country with a million addresses, and in one direction.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use super::database::Database;
use crate::domain::fx::Country;

/// Networks of a country that are asked about, the largest.
const NETWORKS: usize = 24;
/// Fewer answers than this prove nothing.
const ANSWERS: usize = 12;
/// A country with fewer addresses is not asked about.
const ADDRESSES: u64 = 1 << 20;

/// One address in each of the largest networks of every large country.
#[derive(Debug)]
pub(super) struct Samples(Vec<(Country, Vec<IpAddr>)>);

impl Samples {
    /// Of the networks of a file: base, prefix length, country.
    pub fn of(networks: impl Iterator<Item = (Ipv4Addr, u8, Country)>) -> Samples {
        let mut by_country: BTreeMap<Country, Vec<(u8, u32)>> = BTreeMap::new();
        for (base, prefix, country) in networks {
            by_country.entry(country).or_default().push((prefix.min(32), base.to_bits()));
        }
        let sizes =
            |networks: &[(u8, u32)]| networks.iter().map(|(prefix, _)| 1_u64 << (32 - prefix)).sum::<u64>();
        by_country.retain(|_, networks| networks.len() >= NETWORKS && sizes(networks) >= ADDRESSES);
        let sampled = by_country.into_iter().map(|(country, mut networks)| {
            networks.sort_unstable();
            networks.truncate(NETWORKS);
            // Somewhere in the middle, where a network of networks is less likely to be the registry's own.
            let middle =
                |(prefix, base): &(u8, u32)| base | u32::MAX.checked_shr(u32::from(*prefix) + 1).unwrap_or(0);
            (country, networks.iter().map(|network| Ipv4Addr::from_bits(middle(network)).into()).collect())
        });
        Samples(sampled.collect())
    }

    /// Refuses a file that has all of a country in one other, of another currency, or nowhere while it has the rest.
    ///
    /// # Errors
    /// Which country, in words.
    pub fn hold_against(&self, other: &Database) -> Result<(), String> {
        let mut nowhere = Vec::new();
        for (country, addresses) in &self.0 {
            let mut counts: BTreeMap<Country, usize> = BTreeMap::new();
            let found = addresses.iter().filter_map(|address| other.country_named(*address));
            found.for_each(|found| *counts.entry(found).or_default() += 1);
            let named: usize = counts.values().sum();
            if named == 0 {
                nowhere.push(*country);
                continue;
            }
            let most = counts.iter().max_by_key(|(_, count)| **count);
            let moved = most.filter(|(found, count)| {
                named >= ANSWERS
                    && 10 * **count >= 9 * named
                    && !counts.contains_key(country)
                    // Nobody is shown another price where both pay with the same money.
                    && found.currency() != country.currency()
            });
            if let Some((found, count)) = moved {
                return Err(format!(
                    "it has {count} of {named} large networks of {} in {}, and none where it was",
                    country.code(),
                    found.code()
                ));
            }
        }
        match nowhere.first() {
            Some(lost) if 10 * nowhere.len() < self.0.len() => {
                Err(format!("it has none of {} large networks of {}", NETWORKS, lost.code()))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::database::writer::{Writer, flat};

    fn country(code: &str) -> Country {
        Country::find(code).unwrap()
    }

    /// 30 networks /15 of each, side by side from 60.0.0.0 on.
    const COUNTRIES: [&str; 12] = ["TH", "VN", "DE", "FR", "MY", "ID", "PH", "JP", "KR", "CN", "IN", "AU"];

    fn networks() -> impl Iterator<Item = (Ipv4Addr, u8, &'static str)> {
        let each =
            |place: u32| (Ipv4Addr::from_bits((60 << 24) + (place << 17)), COUNTRIES[place as usize / 30]);
        (0..360).map(each).map(|(base, code)| (base, 15, code))
    }

    fn samples() -> Samples {
        Samples::of(networks().map(|(base, prefix, code)| (base, prefix, country(code))))
    }

    /// A file in which networks of `from` are in what `to` says of each.
    fn file(from: &str, to: impl Fn(usize) -> Option<&'static str>) -> Database {
        let mut writer = Writer::of(flat);
        let mut seen = 0;
        for (base, prefix, code) in networks() {
            let said = if code == from { to(seen) } else { Some(code) };
            seen += usize::from(code == from);
            if let Some(said) = said {
                writer = writer.with(base.octets(), prefix.into(), flat(said));
            }
        }
        let wall = "2026-11-28T00:00:00Z".parse().unwrap();
        Database::examine(writer.bytes(), wall, 150).unwrap().0
    }

    #[test]
    fn a_country_that_moved_as_a_whole_is_seen_and_one_that_is_spread_is_not() {
        let samples = samples();
        assert_eq!(samples.0.len(), COUNTRIES.len());
        let why = |database: Database| samples.hold_against(&database).err().unwrap_or_default();
        assert_eq!(why(file("", |_| None)), "");
        assert_eq!(
            why(file("TH", |_| Some("US"))),
            "it has 24 of 24 large networks of TH in US, and none where it was"
        );
        assert_eq!(why(file("TH", |_| None)), "it has none of 24 large networks of TH");
        // One that stayed, many directions, few answers, the same money.
        assert_eq!(why(file("TH", |place| Some(if place == 3 { "TH" } else { "US" }))), "");
        assert_eq!(why(file("TH", |place| Some(["US", "SG", "HK"][place % 3]))), "");
        assert_eq!(why(file("TH", |place| (place < 11).then_some("US"))), "");
        assert_eq!(why(file("DE", |_| Some("AT"))), "");
    }

    #[test]
    fn small_countries_are_not_asked_about() {
        let few = (0..NETWORKS as u32 - 1)
            .map(|place| (Ipv4Addr::from_bits((60 << 24) + (place << 17)), 15, country("TH")));
        assert_eq!(Samples::of(few).0.len(), 0, "too few networks");
        let small = (0..100).map(|place| (Ipv4Addr::from_bits((60 << 24) + (place << 8)), 24, country("TH")));
        assert_eq!(Samples::of(small).0.len(), 0, "too few addresses");
    }
}
