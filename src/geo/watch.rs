//! The database and the list of VPN exits in use, and the operator's files they are taken from, which may be replaced
//! while the service runs.
//!
//! A look compares size, times and identity of the file with the last look. What changed is read whole, examined, and
//! takes the place of the old one in one step; requests see either. What fails changes nothing: the old one answers on,
//! and the reason stands in the log, in `/readyz` and in the metrics until a look succeeds. A file that is being copied
//! into place fails as long as it is not whole, and is looked at again as it grows.

use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, TimeDelta, Utc};

use crate::clock::Clock;
use crate::domain::fx::Country;
use crate::settings::GeoSettings;

use super::database::{Database, Examined, Place};
use super::file::{Mark, read_whole, regular};
use super::hidden::Hidden;

/// From this age on, the data is called old: address blocks change hands.
const OLD: TimeDelta = TimeDelta::days(90);

/// The database cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the country database {file} cannot be used: {why}")]
pub struct GeoError {
    /// Which file.
    pub file: String,
    /// What is wrong; never an address.
    pub why: String,
}

/// Where addresses are.
#[derive(Debug)]
pub struct Geo {
    settings: GeoSettings,
    clock: Clock,
    inuse: ArcSwap<InUse>,
    hidden: ArcSwap<Hidden>,
    looked: Mutex<Looked>,
}

#[derive(Debug)]
struct InUse {
    database: Database,
    /// SHA-256 of the operator's file; `None`: the one compiled in.
    file: Option<[u8; 32]>,
}

/// What the last look saw.
#[derive(Debug, Default)]
struct Looked {
    mark: Option<Mark>,
    /// SHA-256 of a file that was refused, and why: it is not examined again.
    refused: Option<([u8; 32], String)>,
    fault: Option<String>,
    told_old: bool,
    list: Option<Mark>,
    list_fault: Option<String>,
}

/// What operators are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeoReport {
    /// The operator's file, or `embedded`.
    pub source: String,
    /// What the file calls itself.
    pub kind: String,
    /// When it was built.
    pub built_at: Option<DateTime<Utc>>,
    /// Whether that is more than 90 days ago.
    pub old: bool,
    /// Why the operator's file, as it stands now, is not in use.
    pub fault: Option<String>,
    /// The operator's list of VPN exits, where one is named.
    pub vpn: Option<VpnReport>,
}

/// The same of the list of VPN exits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VpnReport {
    /// Blocks in use, those that meet as one.
    pub blocks: usize,
    /// Why the list, as it stands now, is not in use.
    pub fault: Option<String>,
}

/// What a look did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Nothing is configured, or nothing changed.
    Same,
    /// The file as it stands now is in use.
    Taken,
    /// The file as it stands now is refused; what was in use stays.
    Refused,
}

impl Geo {
    /// Begins with the operator's file, or, when there is none or it fails, with the one compiled in.
    ///
    /// # Errors
    /// [`GeoError`] for the compiled-in file; a test excludes it.
    pub fn start(settings: GeoSettings, clock: Clock) -> Result<Geo, GeoError> {
        let refuse = |why| GeoError { file: "country.mmdb (compiled in)".to_owned(), why };
        let inuse = InUse { database: Database::embedded().map_err(refuse)?, file: None };
        let inuse = ArcSwap::from_pointee(inuse);
        let geo = Geo { settings, clock, inuse, hidden: ArcSwap::default(), looked: Mutex::default() };
        geo.look();
        Ok(geo)
    }

    /// Looks at the operator's files. Reads and examines what changed: not for a thread that answers requests. Says what
    /// became of the database.
    pub fn look(&self) -> Look {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let look = match self.settings.database.as_deref() {
            Some(path) => self.look_at(path, &mut looked),
            None => Look::Same,
        };
        if let Some(path) = self.settings.vpn_ranges.as_deref() {
            self.look_at_list(path, &mut looked);
        }
        let report = self.report_with(&looked);
        if report.old && !looked.told_old {
            let built_at = report.built_at.map(|built| built.date_naive().to_string());
            tracing::warn!(file = report.source, built_at, "the country database is older than 90 days");
        }
        looked.told_old = report.old;
        look
    }

    fn look_at(&self, path: &Path, looked: &mut Looked) -> Look {
        match self.newer(path, looked) {
            Ok(None) => Look::Same,
            Ok(Some(database)) => {
                looked.fault = None;
                self.inuse.store(Arc::new(database));
                metrics::counter!("straits_geo_loads", "result" => "taken").increment(1);
                Look::Taken
            }
            Err(why) => {
                if looked.fault.as_ref() != Some(&why) {
                    tracing::warn!(file = %path.display(), why, "the country database is not used; the one in use stays");
                    metrics::counter!("straits_geo_loads", "result" => "refused").increment(1);
                }
                looked.fault = Some(why);
                Look::Refused
            }
        }
    }

    fn look_at_list(&self, path: &Path, looked: &mut Looked) {
        match self.newer_list(path, looked) {
            Ok(None) => {}
            Ok(Some(list)) => {
                looked.list_fault = None;
                tracing::info!(file = %path.display(), blocks = list.blocks(), "the list of VPN exits is in use");
                self.hidden.store(Arc::new(list));
            }
            Err(why) => {
                if looked.list_fault.as_ref() != Some(&why) {
                    tracing::warn!(file = %path.display(), why, "the list of VPN exits is not used; the one in use stays");
                }
                looked.list_fault = Some(why);
            }
        }
    }

    /// The list, when the file is another than at the last look.
    fn newer_list(&self, path: &Path, looked: &mut Looked) -> Result<Option<Hidden>, String> {
        let before = looked.list.take();
        let file = fs::metadata(path).map_err(|error| error.to_string())?;
        regular(&file)?;
        let mark = Mark::of(&file);
        if before == Some(mark) {
            looked.list = before;
            return looked.list_fault.clone().map_or(Ok(None), Err);
        }
        let bytes = read_whole(path, mark, self.settings.bytes_max)?;
        looked.list = Some(mark).filter(|mark| mark.is_settled(self.clock.wall()));
        Hidden::read(&bytes).map(Some)
    }

    /// The file's database, when it is not the one in use and better be; `None` when all is as it was.
    fn newer(&self, path: &Path, looked: &mut Looked) -> Result<Option<InUse>, String> {
        let before = looked.mark.take();
        // Asked by name first: opening a pipe would wait for its writer.
        let file = fs::metadata(path).map_err(|error| error.to_string())?;
        regular(&file)?;
        let mark = Mark::of(&file);
        if before == Some(mark) {
            looked.mark = before;
            return looked.fault.clone().map_or(Ok(None), Err);
        }
        let bytes = read_whole(path, mark, self.settings.bytes_max)?;
        let wall = self.clock.wall();
        looked.mark = Some(mark).filter(|mark| mark.is_settled(wall));
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, &bytes).as_ref());
        let inuse = self.inuse.load();
        if inuse.file == Some(hash) {
            looked.fault = None;
            return Ok(None);
        }
        if let Some((_, why)) = looked.refused.as_ref().filter(|(refused, _)| *refused == hash) {
            return Err(why.clone());
        }
        let examined = self.examine(bytes, wall, &inuse);
        looked.refused = examined.as_ref().err().map(|why| (hash, why.clone()));
        let (database, found) = examined?;
        tracing::info!(
            file = %path.display(),
            kind = database.kind(),
            built_at = database.built_at().map(|built| built.to_rfc3339()),
            countries = found.countries,
            records = found.records,
            nowhere_named = found.nowhere_named,
            "the country database is in use"
        );
        Ok(Some(InUse { database, file: Some(hash) }))
    }

    /// A file of the operator's gives way only to one built as late, unless the settings say otherwise. At a start
    /// there is none: then the operator's choice counts, whatever was compiled in.
    fn examine(
        &self,
        bytes: Vec<u8>,
        wall: DateTime<Utc>,
        inuse: &InUse,
    ) -> Result<(Database, Examined), String> {
        let (database, found) = Database::examine(bytes, wall, self.settings.least_countries)?;
        let (built, before) = (database.built_at(), inuse.database.built_at());
        if inuse.file.is_some() && built < before && !self.settings.accept_older {
            let day = |built: Option<DateTime<Utc>>| {
                built.map_or_else(String::new, |day| day.date_naive().to_string())
            };
            return Err(format!(
                "it was built on {}, before the one in use ({}); geo.older_file = \"accept\" takes it",
                day(built),
                day(before)
            ));
        }
        Ok((database, found))
    }

    /// What operators are shown.
    pub fn report(&self) -> GeoReport {
        self.report_with(&self.looked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn report_with(&self, looked: &Looked) -> GeoReport {
        let inuse = self.inuse.load();
        let own = inuse.file.and(self.settings.database.as_ref());
        let built_at = inuse.database.built_at();
        GeoReport {
            source: own.map_or_else(|| "embedded".to_owned(), |path| path.display().to_string()),
            kind: inuse.database.kind(),
            built_at,
            old: built_at.is_none_or(|built| self.clock.wall() - built > OLD),
            fault: looked.fault.clone(),
            vpn: self
                .settings
                .vpn_ranges
                .as_ref()
                .map(|_| VpnReport { blocks: self.hidden.load().blocks(), fault: looked.list_fault.clone() }),
        }
    }

    /// Where an address is.
    pub fn place(&self, address: IpAddr) -> Place {
        match self.inuse.load().database.place(address) {
            Place::Country(country) if self.hidden.load().contains(address) => {
                Place::Anonymous(Some(country))
            }
            Place::Unknown if self.hidden.load().contains(address) => Place::Anonymous(None),
            place => place,
        }
    }

    /// Whether an address tells nothing about who uses it, and is not believed all the same: then what an edge says of
    /// it tells nothing either.
    pub fn hides(&self, address: IpAddr) -> bool {
        !self.settings.believe_anonymous && matches!(self.place(address), Place::Anonymous(_))
    }

    /// The country of an address, as far as it is believed.
    pub fn country_of(&self, address: IpAddr) -> Option<Country> {
        match self.place(address) {
            Place::Country(country) => Some(country),
            Place::Anonymous(country) => country.filter(|_| self.settings.believe_anonymous),
            Place::Private | Place::Unknown => None,
        }
    }

    /// How often [`Geo::look`] wants to be called; `None`: there is nothing to look at.
    pub fn rhythm(&self) -> Option<std::time::Duration> {
        self.settings.database.as_ref().or(self.settings.vpn_ranges.as_ref()).map(|_| self.settings.look)
    }

    /// Whether an address that hides its user is believed all the same.
    pub fn believes_anonymous(&self) -> bool {
        self.settings.believe_anonymous
    }
}

#[cfg(test)]
mod tests;
