//! A file of the operator's that may be replaced or written to at any moment.

use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};

/// A file changed less than this ago may change again without its times showing it.
const UNSETTLED: TimeDelta = TimeDelta::seconds(2);

/// Size, times and identity: a file replaced or written to has another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    identity: (u64, u64),
    pub bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Mark {
    pub fn of(file: &Metadata) -> Mark {
        Mark {
            identity: (file.dev(), file.ino()),
            bytes: file.size(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }

    pub fn is_settled(&self, wall: DateTime<Utc>) -> bool {
        let latest = DateTime::from_timestamp(self.modified.0.max(self.changed.0), 0);
        latest.is_none_or(|latest| wall - latest > UNSETTLED)
    }
}

/// Refuses folders, pipes and devices.
pub(super) fn regular(file: &Metadata) -> Result<(), String> {
    match (file.is_file(), file.is_dir()) {
        (true, _) => Ok(()),
        (_, true) => Err("it is a folder, not a file".to_owned()),
        _ => Err("it is no regular file".to_owned()),
    }
}

/// Reads no more than is allowed, and only what stood still meanwhile.
pub(super) fn read_whole(path: &Path, mark: Mark, bytes_max: u64) -> Result<Vec<u8>, String> {
    let too_large = || format!("it is larger than {} MiB, the setting geo.max_mib", bytes_max >> 20);
    if mark.bytes > bytes_max {
        return Err(too_large());
    }
    let words = |error: std::io::Error| error.to_string();
    let file = File::open(path).map_err(words)?;
    regular(&file.metadata().map_err(words)?)?;
    let mut bytes = Vec::new();
    (&file).take(bytes_max.saturating_add(1)).read_to_end(&mut bytes).map_err(words)?;
    if u64::try_from(bytes.len()).map_or(true, |read| read > bytes_max) {
        return Err(too_large());
    }
    match Mark::of(&file.metadata().map_err(words)?) == mark {
        true => Ok(bytes),
        false => Err("it is being written to".to_owned()),
    }
}
