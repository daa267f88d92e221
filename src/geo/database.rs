//! Address → country of registration, from a MaxMind-format file.
//!
//! The compiled-in file is built from the five registries' statistics (`config/geo/README.md`); an operator may point
//! at a better one, MaxMind's nested layout (`country.iso_code`, else `registered_country.iso_code`) or a flat one
//! (`country_code`). The file is read into memory: mapping it would be `unsafe` and gains nothing. Addresses of no
//! place are answered before the lookup, because free files are wrong about them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use maxminddb::Reader;
use serde::Deserialize;

use crate::domain::fx::Country;

static EMBEDDED: &[u8] = include_bytes!("../../config/geo/country.mmdb");

/// The open database.
#[derive(Debug)]
pub struct Geo(Source);

#[derive(Debug)]
enum Source {
    Embedded(Reader<&'static [u8]>),
    File(Reader<Vec<u8>>),
}

/// The database cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the country database {file} cannot be used: {why}")]
pub struct GeoError {
    /// Which file.
    pub file: String,
    /// What is wrong.
    pub why: String,
}

/// Where an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Registered in this country.
    Country(Country),
    /// Private, loopback, reserved, for documentation: of no country.
    Private,
    /// Not in the file, or in it under a code that is no country.
    Unknown,
}

impl Place {
    /// The country, if it is one.
    pub fn country(self) -> Option<Country> {
        match self {
            Place::Country(country) => Some(country),
            Place::Private | Place::Unknown => None,
        }
    }
}

impl Geo {
    /// The compiled-in file.
    ///
    /// # Errors
    /// [`GeoError`]; a test excludes it.
    pub fn embedded() -> Result<Geo, GeoError> {
        let refuse = |error: maxminddb::MaxMindDbError| GeoError {
            file: "country.mmdb".into(),
            why: error.to_string(),
        };
        Reader::from_source(EMBEDDED).map(|reader| Geo(Source::Embedded(reader))).map_err(refuse)
    }

    /// An operator's own file. A file that knows none of three well-known addresses is refused: it is a city block
    /// list, an ASN file, or broken.
    ///
    /// # Errors
    /// [`GeoError`].
    pub fn open(path: &Path) -> Result<Geo, GeoError> {
        let refuse = |why: String| GeoError { file: path.display().to_string(), why };
        let reader = Reader::open_readfile(path).map_err(|error| refuse(error.to_string()))?;
        let geo = Geo(Source::File(reader));
        let probes = [[8, 8, 8, 8], [168, 95, 1, 1], [165, 21, 83, 88]].map(IpAddr::from);
        match probes.iter().any(|&probe| geo.place(probe).country().is_some()) {
            true => Ok(geo),
            false => Err(refuse("it names no country for 8.8.8.8, 168.95.1.1 and 165.21.83.88".into())),
        }
    }

    /// When the data was built, seconds since 1970.
    pub fn built_at(&self) -> u64 {
        match &self.0 {
            Source::Embedded(reader) => reader.metadata().build_epoch,
            Source::File(reader) => reader.metadata().build_epoch,
        }
    }

    /// Where an address is. IPv4 inside IPv6 (mapped, NAT64, 6to4) is looked up as IPv4.
    pub fn place(&self, address: IpAddr) -> Place {
        let address = plain(address);
        if is_nowhere(address) {
            return Place::Private;
        }
        let country = match &self.0 {
            Source::Embedded(reader) => lookup(reader, address),
            Source::File(reader) => lookup(reader, address),
        };
        country.map_or(Place::Unknown, Place::Country)
    }

    /// The country of an address.
    pub fn country_of(&self, address: IpAddr) -> Option<Country> {
        self.place(address).country()
    }
}

/// The layouts that are in use.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    country_code: Option<&'a str>,
    #[serde(borrow)]
    country: Option<Nested<'a>>,
    #[serde(borrow)]
    registered_country: Option<Nested<'a>>,
}

#[derive(Deserialize)]
struct Nested<'a> {
    #[serde(borrow)]
    iso_code: Option<&'a str>,
}

impl<'a> Record<'a> {
    fn code(&self) -> Option<&'a str> {
        let nested = |place: &Option<Nested<'a>>| place.as_ref().and_then(|place| place.iso_code);
        self.country_code.or_else(|| nested(&self.country)).or_else(|| nested(&self.registered_country))
    }
}

fn lookup<S: AsRef<[u8]>>(reader: &Reader<S>, address: IpAddr) -> Option<Country> {
    let found = reader.lookup(address).ok()?;
    let record: Record<'_> = found.decode().ok().flatten()?;
    record.code().and_then(|code| Country::find(code).ok())
}

/// IPv4 out of `::ffff:0:0/96`, `64:ff9b::/96` (NAT64) and `2002::/16` (6to4).
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address.to_canonical() else { return address.to_canonical() };
    match v6.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            IpAddr::V4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        _ => IpAddr::V6(v6),
    }
}

/// Addresses of no country: the special-purpose registries of IANA (RFC 6890 and its successors).
fn is_nowhere(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_documentation()
                || v4.is_multicast()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 198 && (18..20).contains(&b))
        }
        IpAddr::V6(v6) => is_nowhere_v6(v6),
    }
}

fn is_nowhere_v6(v6: Ipv6Addr) -> bool {
    let segments = v6.segments();
    v6.is_unspecified()
        || v6.is_loopback()
        || v6.is_multicast()
        || v6.is_unique_local()
        || v6.is_unicast_link_local()
        || (segments[0] == 0x2001 && segments[1] == 0xdb8)
        || (segments[0] == 0x3fff && segments[1] < 0x1000)
        || (segments[0] == 0x100 && segments[1..4] == [0, 0, 0])
}

#[cfg(test)]
mod tests;
