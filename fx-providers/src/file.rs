//! Rates from a file of the operator's own: an agreed rate, a bank's list, an export of another system.
//!
//! The text has the header `date,currency,rate_per_<base>` and one rate per line, as in [`crate::recorded`]: one bad line
//! refuses the file and is named by its number. Rates keep twelve significant digits.
//!
//! The file is looked at when asked, and read again only when its time of change or its length differs; the validator
//! holds both and a digest, so that a file that was written anew with the same content is nothing new. As it has only
//! dates, `as_of` is the start of the day, `published_at` the time of the file's change, and the next rates are due
//! when the next working day is over. It is [`Kind::Reference`] unless said to be the rate to deal at.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use rust_decimal::Decimal;

use crate::calendar::next_weekday;
use crate::number::read_number;
use crate::recorded::read_days;
use crate::{
    Answer, Code, Kind, Pace, Quoted, RateSet, RateSource, Schedule, SourceError, Validator, Window,
};

/// The name in settings and answers.
pub const NAME: &str = "file";

/// No larger file is read.
const LIMIT: u64 = 16 << 20;

/// The source.
#[derive(Debug, Clone)]
pub struct RateFile {
    path: PathBuf,
    kind: Kind,
}

impl RateFile {
    /// A file that need not exist yet. Reads nothing.
    pub fn new(path: impl Into<PathBuf>) -> RateFile {
        RateFile { path: path.into(), kind: Kind::Reference }
    }

    /// What its numbers claim to be.
    pub fn kind(self, kind: Kind) -> RateFile {
        RateFile { kind, ..self }
    }
}

#[async_trait]
impl RateSource for RateFile {
    fn name(&self) -> &'static str {
        NAME
    }

    fn pace(&self) -> Pace {
        Pace { shortest: Duration::from_secs(10), quota: "a local file" }
    }

    fn offers(&self, _: Window) -> bool {
        true
    }

    async fn fetch(
        &self,
        window: Window,
        seen: Option<&Validator>,
        now: DateTime<Utc>,
    ) -> Result<Answer, SourceError> {
        let tag = seen.filter(|seen| seen.window == window).and_then(|seen| seen.etag.as_deref());
        let (held, digest) = tag.and_then(|tag| tag.rsplit_once('-')).unzip();
        let (change, state) = look(&self.path).await?;
        if held == Some(state.as_str()) {
            return Ok(Answer::NotModified);
        }
        let body = tokio::fs::read(&self.path).await.map_err(unreachable)?;
        let content = digest_of(&body);
        if digest == Some(content.as_str()) {
            return Ok(Answer::NotModified);
        }
        let mut sets = read(&body, now)?;
        for set in &mut sets {
            set.kind = self.kind;
            set.published_at = change.clamp(set.as_of, now.max(set.as_of));
        }
        let upto = match window {
            Window::On(day) => sets.partition_point(|set| set.as_of.date_naive() <= day),
            Window::Latest | Window::Recent | Window::Whole => sets.len(),
        };
        let take = match window {
            Window::Whole => upto,
            Window::Recent => 90,
            Window::Latest | Window::On(_) => 1,
        };
        let sets = sets[upto.saturating_sub(take)..upto].to_vec();
        if sets.is_empty() {
            return Err(SourceError::NotOffered { source_name: NAME, window });
        }
        let validator = Validator { window, etag: Some(format!("{state}-{content}")), modified: None };
        Ok(Answer::Sets { sets, body, validator: Some(validator), notices: Vec::new() })
    }
}

/// Reads a file into one set per day, oldest first. Pure.
///
/// # Errors
/// [`SourceError::Malformed`] with the number of the line.
pub fn read(body: &[u8], fetched_at: DateTime<Utc>) -> Result<Vec<RateSet>, SourceError> {
    let malformed = |why: String| SourceError::Malformed { source_name: NAME, why };
    let text = std::str::from_utf8(body).map_err(|_| malformed("it is not UTF-8".to_owned()))?;
    let horizon = fetched_at.date_naive() + Days::new(2);
    let (base, days) = read_days(text).map_err(|error| malformed(error.to_string()))?;
    if let Some((day, _)) = days.last_key_value().filter(|(day, _)| **day > horizon) {
        return Err(malformed(format!("{day} lies ahead")));
    }
    days.into_iter()
        .map(|(day, rates)| {
            let short = |(code, rate): (Code, Decimal)| {
                let rate = read_number(&rate.to_string());
                rate.map(|rate| (code, rate)).map_err(|error| malformed(format!("{code} on {day} {error}")))
            };
            Ok(rate_set(base, day, rates.into_iter().map(short).collect::<Result<_, _>>()?, fetched_at))
        })
        .collect()
}

fn rate_set(
    base: Code,
    day: NaiveDate,
    rates: BTreeMap<Code, Decimal>,
    fetched_at: DateTime<Utc>,
) -> RateSet {
    let start = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    RateSet {
        provider: NAME,
        base,
        quoted: Quoted::UnitsPerBase,
        as_of: start(day).min(fetched_at),
        published_at: start(day).min(fetched_at),
        fetched_at,
        kind: Kind::Reference,
        schedule: Schedule::NextAt(start(next_weekday(day) + Days::new(1))),
        rates,
    }
}

/// When the file was changed, and that with its length as a tag.
async fn look(path: &Path) -> Result<(DateTime<Utc>, String), SourceError> {
    let metadata = tokio::fs::metadata(path).await.map_err(unreachable)?;
    if metadata.len() > LIMIT {
        let why = format!("more than {LIMIT} bytes");
        return Err(SourceError::Malformed { source_name: NAME, why });
    }
    let change = DateTime::<Utc>::from(metadata.modified().map_err(unreachable)?);
    Ok((change, format!("{}.{}-{}", change.timestamp(), change.timestamp_subsec_nanos(), metadata.len())))
}

/// Tells contents of one file apart; it guards against nobody.
fn digest_of(body: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn unreachable(error: std::io::Error) -> SourceError {
    SourceError::Unreachable { source_name: NAME, why: error.to_string() }
}
