//! Bills: what a gateway says it moved on one day, line by line.
//!
//! A bill is read forward and once, and never held: a reader keeps one line, a page keeps five hundred. So its lines
//! are known before its trailer is; **whoever reads must not act on a line before the whole bill was read without an
//! error**, for a bill that ends early or does not add up is none.

use std::io::BufRead;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, TimeZone, Utc};
use chrono_tz::Tz;
use tokio::io::AsyncWrite;

use super::GatewayError;
use crate::domain::reconciliation::BillLine;
use crate::money::Money;

/// No bill is longer.
pub const BILL_LIMIT: u64 = 2 * 1024 * 1024 * 1024;

/// Why a bill is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BillError {
    /// The file or connection it comes from broke.
    #[error("the bill cannot be read: {0}")]
    Broken(String),
    /// Beyond a limit.
    #[error("line {line}: {what}")]
    TooLarge {
        /// Where, from 1.
        line: u64,
        /// What is too large, and the limit.
        what: String,
    },
    /// Not what the gateway writes.
    #[error("line {line}: {why}")]
    Malformed {
        /// Where, from 1; 0 for an answer that is no file.
        line: u64,
        /// What is wrong and what belongs there.
        why: String,
    },
    /// The trailer is missing or contradicts the lines.
    #[error("the bill does not add up: {0}")]
    Trailer(String),
    /// Another account's bill.
    #[error("this is the bill of account `{named}`, not of `{ours}`")]
    OtherAccount {
        /// The account that reads.
        ours: String,
        /// The account the bill names.
        named: String,
    },
    /// The gateway has no bill of that day, or not yet.
    #[error("the gateway has no bill of that day yet")]
    Absent,
    /// The gateway did not give it.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
}

/// The lines of a file, one at a time; after an error there are no more. `None` only once the trailer was found right.
pub type BillLines<'a> = Box<dyn Iterator<Item = Result<BillLine, BillError>> + Send + 'a>;

/// How the bill of a day is had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Asked for page by page: [`Bills::page`].
    Pages,
    /// A file to be fetched: [`Bills::download`].
    File,
    /// Nothing to ask: a person brings the file.
    ByHand,
}

/// From an instant until before another.
pub(super) type Window = (DateTime<Utc>, DateTime<Utc>);

/// Where the next page of a day begins. Only the adapter that made it reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bookmark {
    /// What is still to be asked, the next window last.
    pub(super) windows: Vec<Window>,
    /// The page within that window, from 1.
    pub(super) page: u32,
}

/// One page of a day's bill.
#[derive(Debug)]
pub struct BillPage {
    /// Its lines, oldest first.
    pub lines: Vec<BillLine>,
    /// Where it goes on; `None` at the end.
    pub next: Option<Bookmark>,
}

/// Reading a gateway's bills.
#[async_trait]
pub trait Bills: Send + Sync {
    /// The zone in which the gateway's days are cut.
    fn zone(&self) -> Tz;

    /// How the bill of a day is had.
    fn way(&self) -> Way;

    /// Whether its bills may name a capture otherwise than its answers and notices do. Then our own reference tells which
    /// it is, and has to be of one capture only.
    fn renames_captures(&self) -> bool {
        false
    }

    /// Reads the gateway's file. Blocks on `source`: not for the runtime's own threads where that is a disk.
    fn read<'a>(&'a self, source: Box<dyn BufRead + Send + 'a>) -> BillLines<'a>;

    /// A page of the day's bill, the first without a bookmark.
    ///
    /// # Errors
    /// [`BillError`].
    async fn page(&self, _day: NaiveDate, _from: Option<Bookmark>) -> Result<BillPage, BillError> {
        Err(BillError::Broken("this gateway gives no pages".into()))
    }

    /// What the gateway says stands on the account, held or not, by currency; `None` where it does not tell.
    ///
    /// # Errors
    /// [`GatewayError`].
    async fn balances(&self) -> Result<Option<Vec<Money>>, GatewayError> {
        Ok(None)
    }

    /// Writes the day's file into `into`, at most [`BILL_LIMIT`]; answers its length.
    ///
    /// # Errors
    /// [`BillError`]; what was written until then is of no use.
    async fn download(
        &self,
        _day: NaiveDate,
        _into: &mut (dyn AsyncWrite + Send + Unpin),
    ) -> Result<u64, BillError> {
        Err(BillError::Broken("this gateway gives no file".into()))
    }
}

/// The first instant of a day in a zone, and that of the next day. Where midnight is left out the day begins at its
/// first instant.
pub fn bounds(day: NaiveDate, zone: Tz) -> (DateTime<Utc>, DateTime<Utc>) {
    let next = day.succ_opt().unwrap_or(day);
    (begins(day, zone), begins(next, zone))
}

fn begins(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = day.and_time(chrono::NaiveTime::MIN);
    let quarters = (0..16).map(|quarter| midnight + chrono::TimeDelta::minutes(15 * quarter));
    let first = quarters.into_iter().find_map(|local| zone.from_local_datetime(&local).earliest());
    first.map_or_else(|| midnight.and_utc(), |at| at.with_timezone(&Utc))
}
