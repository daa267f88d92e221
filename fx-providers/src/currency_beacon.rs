//! CurrencyBeacon.
//!
//! * Request: `GET https://api.currencybeacon.com/v1/latest?base=USD` with `Authorization: Bearer KEY`;
//!   `/v1/historical?date=YYYY-MM-DD` for a past day.
//! * Answer: `meta {code: 200}` and `date`, `base`, `rates`, inside `response` or beside it, or both.
//! * Time: `date`, a point in time; for past days only a date, which is read as that day's start. Over a weekend `as_of`
//!   stays at Friday's close.
//! * Errors: `meta {code, error_type, error_detail}`, with status 200 or 4xx.
//! * Pace: once an hour by default; the free plan has a monthly quota.
//! * Terms: a subscription; see currencybeacon.com/terms.
//! * Unverified: the JSON of errors; no answer of the service itself was seen.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDateTime, NaiveTime, TimeDelta, Utc};

use crate::http::{Fetcher, Patience};
use crate::json::{self, Value};
use crate::key::Key;
use crate::sheet::{Flaw, Refusal, Sheet, code, date, market, moment};
use crate::{
    Answer, Code, Kind, Pace, Quoted, RateSet, RateSource, Schedule, SourceError, Validator, Window,
};

/// The name in settings and answers.
pub const NAME: &str = "currencybeacon";
/// Where it is.
pub const ORIGIN: &str = "https://api.currencybeacon.com";

const EVERY: Duration = Duration::from_secs(3600);

/// The source.
#[derive(Debug, Clone)]
pub struct CurrencyBeacon {
    fetcher: Fetcher,
    base: Code,
    every: Duration,
}

impl CurrencyBeacon {
    /// The service. Calls nobody.
    pub fn new(key: Key) -> CurrencyBeacon {
        CurrencyBeacon::at(ORIGIN, Patience::default(), key)
    }

    /// A mirror, or a test's server.
    pub fn at(origin: &str, patience: Patience, key: Key) -> CurrencyBeacon {
        CurrencyBeacon { fetcher: Fetcher::keyed(NAME, origin, patience, key), base: Code::USD, every: EVERY }
    }

    /// Another base than USD.
    pub fn base(self, base: Code) -> CurrencyBeacon {
        CurrencyBeacon { base, ..self }
    }

    /// The pace of a plan that allows another.
    pub fn every(self, every: Duration) -> CurrencyBeacon {
        CurrencyBeacon { every, ..self }
    }
}

#[async_trait]
impl RateSource for CurrencyBeacon {
    fn name(&self) -> &'static str {
        NAME
    }

    fn pace(&self) -> Pace {
        Pace { shortest: self.every, quota: "a monthly quota by plan" }
    }

    fn offers(&self, window: Window) -> bool {
        !matches!(window, Window::Recent | Window::Whole)
    }

    async fn fetch(
        &self,
        window: Window,
        seen: Option<&Validator>,
        now: DateTime<Utc>,
    ) -> Result<Answer, SourceError> {
        let request = match window {
            Window::Latest => self.fetcher.request("/v1/latest"),
            Window::On(day) => self.fetcher.request("/v1/historical").query("date", day),
            Window::Recent | Window::Whole => {
                return Err(SourceError::NotOffered { source_name: NAME, window });
            }
        };
        let request = request.query("base", self.base);
        let request = request.header("authorization", format!("Bearer {}", self.fetcher.key()));
        let read = |body: &[u8]| parse(body, now, self.every).map_err(|flaw| flaw.of(NAME));
        self.fetcher.ask(request, window, seen, now, read, explain).await
    }
}

/// Reads the rates of now or of a day. Pure.
///
/// # Errors
/// [`SourceError::Malformed`], [`SourceError::Refused`].
pub fn read(body: &[u8], fetched_at: DateTime<Utc>) -> Result<Vec<RateSet>, SourceError> {
    parse(body, fetched_at, EVERY).map_err(|flaw| flaw.of(NAME))
}

fn parse(body: &[u8], fetched_at: DateTime<Utc>, every: Duration) -> Result<Vec<RateSet>, Flaw> {
    let value = json::read(body)?;
    if let Some(refusal) = explain(200, &value) {
        return Err(Flaw::Refused(refusal));
    }
    let inside = value.optional("response").filter(|inner| inner.optional("rates").is_some());
    let answer = inside.unwrap_or(&value);
    let published_at = time(answer.text("date")?, fetched_at)?;
    let sheet = Sheet::of(code(answer.text("base")?)?, answer.object("rates")?)?;
    Ok(vec![RateSet {
        provider: NAME,
        base: sheet.base,
        quoted: Quoted::UnitsPerBase,
        as_of: market(published_at, fetched_at),
        published_at,
        fetched_at,
        kind: Kind::Mid,
        schedule: Schedule::Every(TimeDelta::from_std(every).unwrap_or(TimeDelta::MAX)),
        rates: sheet.close()?,
    }])
}

/// A point in time with an offset, one without (UTC), or a date.
fn time(text: &str, fetched_at: DateTime<Utc>) -> Result<DateTime<Utc>, Flaw> {
    if let Ok(at) = text.parse::<DateTime<Utc>>() {
        return moment(at, fetched_at);
    }
    let plain = |form| NaiveDateTime::parse_from_str(text, form);
    if let Ok(at) = plain("%Y-%m-%d %H:%M:%S%.f").or_else(|_| plain("%Y-%m-%dT%H:%M:%S%.f")) {
        return moment(at.and_utc(), fetched_at);
    }
    Ok(date(text, fetched_at)?.and_time(NaiveTime::MIN).and_utc())
}

fn explain(status: u16, value: &Value) -> Option<Refusal> {
    let meta = value.optional("meta");
    let code = meta.and_then(|meta| meta.words("code")).map_or_else(|| status.to_string(), str::to_owned);
    if code == "200" {
        return None;
    }
    let told = |name| meta.and_then(|meta| meta.words(name));
    let words: Vec<&str> = [told("error_type"), told("error_detail")].into_iter().flatten().collect();
    meta.map(|_| Refusal::new(&code, &words.join(": ")))
}
