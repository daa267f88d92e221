//! Wise: its own middle rates, in real time.
//!
//! * Request: `GET https://api.wise.com/v1/rates?source=USD` with `Authorization: Bearer KEY`: without `target` one
//!   answer holds every currency (`target` takes one only). `time=` asks for a moment of the past. The sandbox is
//!   `https://api.sandbox.transferwise.tech`.
//! * Answer: an array of rows `{rate, source, target, time}`.
//! * Time: `time` per row, with an offset without a colon: `2026-09-29T05:00:00+0000`. Rows of one UTC day make one set,
//!   of the newest of them; a row that is more than 15 minutes older is left out, so that one slow currency ages no
//!   other and is not taken for new itself. Over a weekend `as_of` stays at Friday's close.
//! * Errors: 400, 401, 403 with `{error, error_description}` or `{errors: [{code, message}]}`; 429 with `Retry-After`.
//! * Pace: a minute by default; the limit is 500 requests a minute.
//! * Terms: an account and an API token; the rates are those Wise converts at, before its fee.
//! * Unverified: the JSON of errors; no answer of the service itself was seen.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rust_decimal::Decimal;

use crate::http::{Fetcher, Patience};
use crate::json::{self, Value};
use crate::key::Key;
use crate::sheet::{Flaw, Refusal, Sheet, code, market, moment, rate};
use crate::{
    Answer, Code, Kind, Pace, Quoted, RateSet, RateSource, Schedule, SourceError, Validator, Window,
};

/// The name in settings and answers.
pub const NAME: &str = "wise";
/// Where it is.
pub const ORIGIN: &str = "https://api.wise.com";

const EVERY: Duration = Duration::from_secs(60);
/// How much older than the newest row of its set a row may be.
const SLOWEST: TimeDelta = TimeDelta::minutes(15);

/// The source.
#[derive(Debug, Clone)]
pub struct Wise {
    fetcher: Fetcher,
    base: Code,
    every: Duration,
}

impl Wise {
    /// The service. Calls nobody.
    pub fn new(key: Key) -> Wise {
        Wise::at(ORIGIN, Patience::default(), key)
    }

    /// The sandbox, or a test's server.
    pub fn at(origin: &str, patience: Patience, key: Key) -> Wise {
        Wise { fetcher: Fetcher::keyed(NAME, origin, patience, key), base: Code::USD, every: EVERY }
    }

    /// Another base than USD; exotic ones are refused.
    pub fn base(self, base: Code) -> Wise {
        Wise { base, ..self }
    }

    /// Another pace.
    pub fn every(self, every: Duration) -> Wise {
        Wise { every, ..self }
    }
}

#[async_trait]
impl RateSource for Wise {
    fn name(&self) -> &'static str {
        NAME
    }

    fn pace(&self) -> Pace {
        Pace { shortest: self.every, quota: "500 requests a minute" }
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
        let request = self.fetcher.request("/v1/rates").query("source", self.base);
        let request = request.header("authorization", format!("Bearer {}", self.fetcher.key()));
        let request = match window {
            Window::Latest => request,
            // The day's last second.
            Window::On(day) => request.query("time", format!("{day}T23:59:59")),
            Window::Recent | Window::Whole => {
                return Err(SourceError::NotOffered { source_name: NAME, window });
            }
        };
        let read = |body: &[u8]| parse(body, now, self.every).map_err(|flaw| flaw.of(NAME));
        self.fetcher.ask(request, window, seen, now, read, explain).await
    }
}

/// When a rate was, of which currency.
type Row = (DateTime<Utc>, Code, Decimal);

/// Reads an array of rows into one set per source currency and day, oldest first. Pure.
///
/// # Errors
/// [`SourceError::Malformed`], [`SourceError::Refused`].
pub fn read(body: &[u8], fetched_at: DateTime<Utc>) -> Result<Vec<RateSet>, SourceError> {
    parse(body, fetched_at, EVERY).map_err(|flaw| flaw.of(NAME))
}

fn parse(body: &[u8], fetched_at: DateTime<Utc>, every: Duration) -> Result<Vec<RateSet>, Flaw> {
    let rows = match json::read(body)? {
        Value::List(rows) => rows,
        other => {
            let refused = explain(200, &other).map(Flaw::Refused);
            return Err(refused.unwrap_or_else(|| Flaw::new("it is not a list of rates")));
        }
    };
    let mut days: BTreeMap<(NaiveDate, Code), Vec<Row>> = BTreeMap::new();
    for row in &rows {
        let at = time(row.text("time")?, fetched_at)?;
        let (base, quote) = (code(row.text("source")?)?, code(row.text("target")?)?);
        let day = days.entry((at.date_naive(), base)).or_default();
        day.push((at, quote, rate(quote.as_str(), row.member("rate")?)?));
    }
    let mut sheets = vec![];
    for ((_, base), rows) in days {
        let Some(newest) = rows.iter().map(|(at, ..)| *at).max() else { continue };
        let mut sheet = Sheet::new(base);
        for (_, quote, rate) in rows.into_iter().filter(|(at, ..)| newest - *at <= SLOWEST) {
            sheet.add(quote, rate)?;
        }
        sheets.push((newest, sheet));
    }
    let set = |(published_at, sheet): (DateTime<Utc>, Sheet)| {
        Some(RateSet {
            provider: NAME,
            base: sheet.base,
            quoted: Quoted::UnitsPerBase,
            as_of: market(published_at, fetched_at),
            published_at,
            fetched_at,
            kind: Kind::Mid,
            schedule: Schedule::Every(TimeDelta::from_std(every).unwrap_or(TimeDelta::MAX)),
            rates: sheet.close().ok()?,
        })
    };
    let sets: Vec<RateSet> = sheets.into_iter().filter_map(set).collect();
    if sets.is_empty() { Err(Flaw::new("it holds no rate")) } else { Ok(sets) }
}

/// `2026-09-29T05:00:00+0000`; a colon in the offset, a `Z` and fractions of a second are read too.
fn time(text: &str, fetched_at: DateTime<Utc>) -> Result<DateTime<Utc>, Flaw> {
    let at = DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z").or_else(|_| text.parse());
    let at = at.map_err(|_| Flaw::new("`time` is no point in time"))?;
    moment(at.with_timezone(&Utc), fetched_at)
}

fn explain(status: u16, value: &Value) -> Option<Refusal> {
    if let Some(Value::List(errors)) = value.optional("errors") {
        let first = errors.first()?;
        return Some(Refusal::new(
            first.words("code")?,
            first.words("message").unwrap_or("no further words"),
        ));
    }
    let code = value.words("error")?;
    let told = value.words("error_description").or_else(|| value.words("message"));
    let told = told.map_or_else(|| format!("status {status}"), str::to_owned);
    Some(Refusal::new(code, &told))
}
