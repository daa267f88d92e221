//! The audit trail: who did what, when, in which request; a hash chain for each merchant, and a walk along it.
//!
//! A cut tail with the head set back to match is consistent in itself: it shows only against a head noted elsewhere.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, Utc};

use crate::ids::AuditId;

use super::Actor;

/// What was done, before it has its place in the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditNote {
    /// Its id.
    pub id: AuditId,
    /// Who, for which merchant, with which key, in which request.
    pub actor: Actor,
    /// When.
    pub at: DateTime<Utc>,
    /// What: `key.created`, `supplier.updated`.
    pub action: String,
    /// To what: an id.
    pub subject: String,
    /// What is worth knowing besides, without secrets.
    pub detail: String,
}

/// One line of the audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its place in the trail, from 1.
    pub seq: i64,
    /// What was done.
    pub note: AuditNote,
    /// The hash of the entry before.
    pub previous: [u8; 32],
}

impl AuditEntry {
    /// SHA-256 over the previous hash and every field, each behind its length: no two entries write the same bytes.
    pub fn hash(&self) -> [u8; 32] {
        let AuditNote { id, actor, at, action, subject, detail } = &self.note;
        let fields = [
            id.to_string(),
            actor.merchant.to_string(),
            self.seq.to_string(),
            at.timestamp_micros().to_string(),
            actor.user.to_string(),
            actor.key.to_string(),
            actor.request.to_string(),
            action.clone(),
            subject.clone(),
            detail.clone(),
        ];
        let mut bytes = self.previous.to_vec();
        for field in fields {
            bytes.extend_from_slice(&(field.len() as u64).to_be_bytes());
            bytes.extend_from_slice(field.as_bytes());
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, &bytes).as_ref());
        hash
    }
}

/// The end of a trail; written `17:3f5a…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditHead {
    /// The last entry's place; 0 before the first.
    pub seq: i64,
    /// Its hash; zeros before the first.
    pub hash: [u8; 32],
}

/// Not a head as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a head reads `17:` and 64 hexadecimal digits")]
pub struct AuditHeadError;

impl AuditHead {
    /// Before the first entry.
    pub const START: AuditHead = AuditHead { seq: 0, hash: [0; 32] };
}

impl fmt::Display for AuditHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.seq)?;
        self.hash.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for AuditHead {
    type Err = AuditHeadError;

    fn from_str(text: &str) -> Result<AuditHead, AuditHeadError> {
        let (seq, digits) = text.split_once(':').ok_or(AuditHeadError)?;
        if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(AuditHeadError);
        }
        let mut hash = [0; 32];
        for (at, byte) in hash.iter_mut().enumerate() {
            let pair = digits.get(2 * at..2 * at + 2).ok_or(AuditHeadError)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| AuditHeadError)?;
        }
        Ok(AuditHead { seq: seq.parse().map_err(|_| AuditHeadError)?, hash })
    }
}

/// Goes along one trail from its first entry and keeps the first fault it meets.
#[derive(Debug, Clone)]
pub struct TrailWalk {
    at: AuditHead,
    fault: Option<String>,
}

impl Default for TrailWalk {
    fn default() -> TrailWalk {
        TrailWalk { at: AuditHead::START, fault: None }
    }
}

impl TrailWalk {
    /// The next entry, with the hash stored beside it.
    pub fn entry(&mut self, entry: &AuditEntry, stored: [u8; 32]) {
        let expected = self.at.seq + 1;
        let seq = entry.seq;
        if seq != expected {
            self.broken(format!("entry {expected} is missing"));
        } else if entry.previous != self.at.hash {
            self.broken(format!("entry {seq} does not stand on entry {}", self.at.seq));
        } else if entry.hash() != stored {
            self.broken(format!("entry {seq} does not hash to what it says"));
        }
        // On from what the entry says, so that one broken entry is one fault.
        self.at = AuditHead { seq, hash: stored };
    }

    /// Something that stands where an entry should, and is none.
    pub fn broken(&mut self, why: String) {
        self.fault.get_or_insert(why);
    }

    /// What is wrong with the trail that ends at `head`.
    pub fn finish(self, head: AuditHead) -> Option<String> {
        let cut = (self.at != head).then(|| format!("it ends at {}, and its head says {head}", self.at));
        self.fault.or(cut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, from_micros};
    use crate::ids::IdSource;

    #[test]
    fn a_head_reads_back_as_it_is_written() {
        let head = AuditHead { seq: 17, hash: std::array::from_fn(|at| at as u8) };
        assert_eq!(head.to_string().parse(), Ok(head));
        for text in ["", "17", "17:", "17:+f", "x:00", &head.to_string()[..60], &format!("{head}0")] {
            assert_eq!(text.parse::<AuditHead>(), Err(AuditHeadError), "{text}");
        }
    }

    #[test]
    fn every_break_of_a_trail_is_named() {
        let ids = IdSource::seeded(Clock::fixed(from_micros(1)), 3);
        let actor = Actor::service(ids.mint(), ids.mint());
        let mut head = AuditHead::START;
        let mut entries = vec![];
        for place in 0..4 {
            let note = actor.note(&ids, from_micros(place), "key.created", place, "");
            let entry = AuditEntry { seq: head.seq + 1, note, previous: head.hash };
            head = AuditHead { seq: entry.seq, hash: entry.hash() };
            entries.push((entry, head.hash));
        }
        let walk = |entries: &[(AuditEntry, [u8; 32])]| {
            let mut walk = TrailWalk::default();
            entries.iter().for_each(|(entry, stored)| walk.entry(entry, *stored));
            walk.finish(head)
        };
        assert_eq!(walk(&entries), None);
        assert!(walk(&entries[..3]).unwrap().starts_with("it ends at 3:"), "a cut tail");
        let mut gap = entries.clone();
        gap.remove(1);
        assert_eq!(walk(&gap).unwrap(), "entry 2 is missing");
        let mut edited = entries.clone();
        edited[1].0.note.detail = "nothing to see".into();
        assert_eq!(walk(&edited).unwrap(), "entry 2 does not hash to what it says");
        // Hashed anew by whoever edited it, it no longer carries the next one.
        edited[1].1 = edited[1].0.hash();
        assert_eq!(walk(&edited).unwrap(), "entry 3 does not stand on entry 2");
    }
}
