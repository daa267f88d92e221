//! The European Central Bank's euro foreign exchange reference rates.
//!
//! * Request: `GET /stats/eurofxref/eurofxref-daily.xml`, or `-hist-90d.xml`, or `-hist.xml` (all since 1999, some eight
//!   megabytes), with `If-None-Match`. No key.
//! * Answer: XML of the gesmes envelope, `Cube/Cube[@time]/Cube[@currency][@rate]`; EUR is the base and absent; the
//!   history is newest first. Decimals differ per currency (0 to 5).
//! * Time: `time` is a date only. Rates are concerted at about 14:15 and published at about 16:00 Frankfurt time on
//!   TARGET days; on other days the file keeps the last day's rates, so a set is never "missing" over a weekend.
//! * Errors: a plain HTTP status, or an HTML page.
//! * Pace: no limit stated; an unchanged file is a 304.
//! * Terms: free to reuse with the line "Source: ECB statistics". "Published for information purposes only": these are
//!   [`Kind::Reference`] rates; nobody deals at them.
//!
//! Refused as a whole, because half a file is worse than an old one: an HTML page with status 200, a cut file, a
//! document type declaration, an element or attribute that does not belong, a currency twice in a day or a day twice,
//! EUR itself, a rate of zero or below, a date more than two days ahead. A code that is new is no error.

mod xml;

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Days, NaiveDate, Utc};
use rust_decimal::Decimal;

use crate::calendar::{frankfurt, next_target_day};
use crate::http::{Fetcher, Patience, unexplained};
use crate::sheet::Flaw;
use crate::{
    Answer, Code, Kind, Pace, Quoted, RateSet, RateSource, Schedule, SourceError, Validator, Window,
};

/// The name in settings and answers.
pub const NAME: &str = "ecb";
/// Where the ECB publishes.
pub const ORIGIN: &str = "https://www.ecb.europa.eu";

/// The source.
#[derive(Debug, Clone)]
pub struct Ecb {
    fetcher: Fetcher,
}

impl Ecb {
    /// The ECB itself. Calls nobody.
    pub fn new() -> Ecb {
        Ecb::at(ORIGIN, Patience::default())
    }

    /// A mirror, or a test's server: scheme, host and port.
    pub fn at(origin: &str, patience: Patience) -> Ecb {
        Ecb { fetcher: Fetcher::new(NAME, origin, patience) }
    }
}

impl Default for Ecb {
    fn default() -> Ecb {
        Ecb::new()
    }
}

#[async_trait]
impl RateSource for Ecb {
    fn name(&self) -> &'static str {
        NAME
    }

    fn pace(&self) -> Pace {
        Pace { shortest: Duration::from_secs(600), quota: "none stated; one publication a day" }
    }

    fn offers(&self, window: Window) -> bool {
        !matches!(window, Window::On(_))
    }

    async fn fetch(
        &self,
        window: Window,
        seen: Option<&Validator>,
        now: DateTime<Utc>,
    ) -> Result<Answer, SourceError> {
        let file = match window {
            Window::Latest => "eurofxref-daily.xml",
            Window::Recent => "eurofxref-hist-90d.xml",
            Window::Whole => "eurofxref-hist.xml",
            Window::On(_) => return Err(SourceError::NotOffered { source_name: NAME, window }),
        };
        let request = self.fetcher.request(&format!("/stats/eurofxref/{file}"));
        self.fetcher.ask(request, window, seen, now, |body| read_bytes(body, now), unexplained).await
    }
}

pub(crate) fn read_bytes(body: &[u8], fetched_at: DateTime<Utc>) -> Result<Vec<RateSet>, SourceError> {
    read(std::str::from_utf8(body).map_err(|_| malformed("it is not UTF-8"))?, fetched_at)
}

/// Reads a daily or historical file into its days, oldest first. Pure.
///
/// # Errors
/// [`SourceError::Malformed`], see the module.
pub fn read(text: &str, fetched_at: DateTime<Utc>) -> Result<Vec<RateSet>, SourceError> {
    let start = text.trim_start_matches('\u{feff}').trim_start();
    let begins = |with: &str| start.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with));
    if begins("<!doctype html") || begins("<html") {
        return Err(malformed("it is an HTML page"));
    }
    let horizon = fetched_at.date_naive() + Days::new(2);
    let days = xml::read_days(text)?;
    if let Some((date, _)) = days.last_key_value().filter(|(date, _)| **date > horizon) {
        return Err(malformed(format!("{date} lies ahead")));
    }
    Ok(days.into_iter().map(|(date, rates)| rate_set(date, rates, fetched_at)).collect())
}

/// One day's rates with the times that belong to the date.
pub fn rate_set(date: NaiveDate, rates: BTreeMap<Code, Decimal>, fetched_at: DateTime<Utc>) -> RateSet {
    RateSet {
        provider: NAME,
        base: Code::EUR,
        quoted: Quoted::UnitsPerBase,
        as_of: frankfurt(date, 14, 15),
        published_at: frankfurt(date, 16, 0),
        fetched_at,
        kind: Kind::Reference,
        schedule: Schedule::NextAt(frankfurt(next_target_day(date), 16, 0)),
        rates,
    }
}

fn malformed(why: impl Into<String>) -> SourceError {
    Flaw::new(why).of(NAME)
}
