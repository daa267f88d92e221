//! Address → country of registration, from a MaxMind-format file that was examined before it is used.
//!
//! The file is read into memory: mapping it would be `unsafe` and gains nothing. The format has no checksum, so the
//! examination asks what a wrong file cannot answer: the tree is whole ([`super::tree`]), every record that it leads to
//! can be read, there are as many countries as the world has, well-known addresses are where everybody knows, and no
//! large country has become another ([`super::moved`]).
//! Afterwards no lookup can fail; should the reader panic all the same, the address is unknown and the service goes on.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

use chrono::{DateTime, TimeDelta, Utc};
use maxminddb::{Reader, WithinOptions};

use crate::domain::fx::Country;

use super::moved::Samples;
use super::record::Record;
use super::special::{is_nowhere, plain};
use super::tree::{self, Shape};

static EMBEDDED: &[u8] = include_bytes!("../../config/geo/country.mmdb");

/// The compiled-in file's word on large countries, gathered when a file of the operator's is first examined.
static SAMPLES: LazyLock<Option<Samples>> = LazyLock::new(|| {
    let embedded = Database::embedded().ok()?;
    let networks = embedded.0.networks(WithinOptions::default()).ok()?.filter_map(|found| {
        let found = found.ok()?;
        let network = found.network().ok()?;
        let IpAddr::V4(base) = network.network() else { return None };
        let country = found.decode::<Record<'_>>().ok()??.country()?;
        Some((base, network.prefix(), country))
    });
    Some(Samples::of(networks))
});

/// Different records that are read. A city file has fewer.
const RECORDS_MAX: usize = 4_000_000;
/// Of the well-known addresses, so many no file may be without; they come first.
const NEVER_MISSING: usize = 3;

/// Resolvers of internet providers, and where every file that was looked at has them. Of those that a file knows, one in
/// four may have moved.
const KNOWN: [([u8; 4], &str); 16] = [
    ([8, 8, 8, 8], "US"),
    ([168, 95, 1, 1], "TW"),
    ([165, 21, 83, 88], "SG"),
    ([202, 188, 0, 133], "MY"),
    ([203, 144, 207, 29], "TH"),
    ([203, 162, 4, 191], "VN"),
    ([202, 134, 0, 155], "ID"),
    ([124, 6, 181, 12], "PH"),
    ([202, 96, 209, 133], "CN"),
    ([202, 175, 3, 3], "MO"),
    ([168, 126, 63, 1], "KR"),
    ([202, 12, 27, 33], "JP"),
    ([80, 10, 246, 2], "FR"),
    ([194, 25, 0, 60], "DE"),
    ([151, 99, 125, 1], "IT"),
    ([196, 25, 1, 1], "ZA"),
];

/// Where an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Registered in this country.
    Country(Country),
    /// Private, loopback, reserved, for documentation: of no country.
    Private,
    /// The file says that the address tells nothing about its user: a VPN, Tor, anycast. The country is its own.
    Anonymous(Option<Country>),
    /// Not in the file, or in it under a code that is no country.
    Unknown,
}

/// The bytes of a file.
#[derive(Debug, Clone)]
enum Bytes {
    Embedded,
    Read(Arc<Vec<u8>>),
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        match self {
            Bytes::Embedded => EMBEDDED,
            Bytes::Read(bytes) => bytes,
        }
    }
}

/// An open file; never changes.
#[derive(Debug)]
pub struct Database(Reader<Bytes>);

/// What an examination found in a file that passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Examined {
    /// Countries it knows.
    pub countries: usize,
    /// Different records.
    pub records: usize,
    /// Of four addresses of no place, how many it names a country for. It is not asked about such.
    pub nowhere_named: usize,
}

impl Database {
    /// The compiled-in file. A test examines it.
    ///
    /// # Errors
    /// Why it cannot be opened; a test excludes it.
    pub fn embedded() -> Result<Database, String> {
        Reader::from_source(Bytes::Embedded).map(Database).map_err(|error| error.to_string())
    }

    /// Opens and examines the bytes of a file. `wall` is the real time: nothing was built after it. `least` is the number of
    /// countries it must know.
    ///
    /// # Errors
    /// Why it is not used, in words; never an address.
    pub fn examine(
        bytes: Vec<u8>,
        wall: DateTime<Utc>,
        least: usize,
    ) -> Result<(Database, Examined), String> {
        let examined = contained(|| {
            let bytes = Bytes::Read(Arc::new(bytes));
            let reader = Reader::from_source(bytes.clone()).map_err(|error| bounded(error.to_string()))?;
            let database = Database(reader);
            let found = database.look_through(bytes.as_ref(), wall, least)?;
            SAMPLES.as_ref().map_or(Ok(()), |samples| samples.hold_against(&database))?;
            Ok((database, found))
        });
        examined.unwrap_or_else(|| Err("it made its reader panic".to_owned()))
    }

    fn look_through(&self, bytes: &[u8], wall: DateTime<Utc>, least: usize) -> Result<Examined, String> {
        let metadata = self.0.metadata();
        if metadata.database_type.is_empty() {
            return Err("it does not say what it is".to_owned());
        }
        let built = self.built_at().filter(|built| *built > DateTime::UNIX_EPOCH);
        let built = built.ok_or("it does not say when it was built")?;
        if built > wall + TimeDelta::days(1) {
            return Err(format!("it was built in the future, {}", built.date_naive()));
        }
        let shape = Shape {
            nodes: usize::try_from(metadata.node_count).map_err(|_| "its tree is too large")?,
            record_bits: metadata.record_size,
            ip_version: metadata.ip_version,
        };
        let (mut countries, mut records) = (BTreeSet::new(), 0_usize);
        tree::walk(bytes, shape, |address| {
            records += 1;
            if records > RECORDS_MAX {
                return Err(format!("is one of more than {RECORDS_MAX}; a country file has fewer"));
            }
            let found = self.0.lookup(address).and_then(|found| found.decode::<Record<'_>>());
            let record = found.map_err(|error| format!("cannot be read: {}", bounded(error.to_string())))?;
            countries.extend(record.and_then(|record| record.country()));
            Ok(())
        })?;
        if countries.len() < least {
            return Err(format!(
                "it knows {} countries and at least {least} are expected, the setting geo.least_countries; its type is `{}`",
                countries.len(),
                bounded(metadata.database_type.clone())
            ));
        }
        let raw = |octets: [u8; 4]| self.lookup(IpAddr::from(octets)).0;
        let named: Vec<bool> = KNOWN
            .iter()
            .enumerate()
            .filter_map(|(place, (octets, code))| match raw(*octets) {
                Some(found) => Some(found.code() == *code),
                None => (place < NEVER_MISSING).then_some(false),
            })
            .collect();
        let right = named.iter().filter(|right| **right).count();
        if 4 * right < 3 * named.len() || named[..NEVER_MISSING].contains(&false) {
            return Err(format!(
                "it is right about {right} of the {} well-known addresses that it should know; three in four are expected, \
                 and 8.8.8.8 (US), 168.95.1.1 (TW) and 165.21.83.88 (SG)",
                named.len()
            ));
        }
        let nowhere = [[192, 168, 1, 1], [10, 0, 0, 1], [203, 0, 113, 5], [100, 64, 0, 1]];
        let nowhere_named = nowhere.iter().filter(|octets| raw(**octets).is_some()).count();
        Ok(Examined { countries: countries.len(), records, nowhere_named })
    }

    /// When the data was built.
    pub fn built_at(&self) -> Option<DateTime<Utc>> {
        let seconds = i64::try_from(self.0.metadata().build_epoch).ok()?;
        DateTime::from_timestamp(seconds, 0)
    }

    /// What the file calls itself.
    pub fn kind(&self) -> String {
        bounded(self.0.metadata().database_type.clone())
    }

    /// Where an address is. IPv4 inside IPv6 (mapped, NAT64, 6to4) is looked up as IPv4.
    pub fn place(&self, address: IpAddr) -> Place {
        let address = plain(address);
        if is_nowhere(address) {
            return Place::Private;
        }
        match self.lookup(address) {
            (country, true) => Place::Anonymous(country),
            (Some(country), false) => Place::Country(country),
            (None, false) => Place::Unknown,
        }
    }

    /// The country that the file names for an address, whatever else it says of it.
    pub(super) fn country_named(&self, address: IpAddr) -> Option<Country> {
        self.lookup(address).0
    }

    /// The country, and whether the address hides its user.
    fn lookup(&self, address: IpAddr) -> (Option<Country>, bool) {
        let found = contained(|| {
            let record: Record<'_> = self.0.lookup(address).ok()?.decode().ok().flatten()?;
            Some((record.country(), record.hides_its_user()))
        });
        found.flatten().unwrap_or((None, false))
    }
}

/// Runs a foreign reader over foreign bytes. A panic in it ends here; it only reads, so nothing is left half done.
fn contained<T>(read: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(read)).ok()
}

/// A foreign text, short enough for a line of the log.
fn bounded(text: String) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(200).collect()
}

#[cfg(test)]
mod corrupt;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(super) mod writer;
