//! Frankfurter, version 2: the rates of more than eighty central banks, blended.
//!
//! * Request: `GET https://api.frankfurter.dev/v2/rates?base=EUR`, with `date=` for a past day or `from=` for the last
//!   ninety, and `providers=ECB,MAS` where only some banks are wanted. No key. `If-None-Match` is honoured.
//! * Answer: an array of rows `{date, base, quote, rate}`, the base itself among them; with `expand=providers` each row
//!   also lists the banks behind it, which is passed over.
//! * Time: every row has its own date, that of its bank: one answer becomes one set per date, and the newest rate of a
//!   currency is in the newest set that has it. `as_of` is the start of that day, the one moment that is not too late
//!   for any bank; a row that is dated ahead (a bank in the east) counts as today's. The next are due at 16:00 Frankfurt
//!   time of the next TARGET day, when the largest contributor publishes.
//! * Errors: `{status, message}` with 404 and 422; 503 when its own deadline passes.
//! * Pace: no quota; abuse is throttled (429). Answers may be cached for a day.
//! * Terms: open source and free; each bank's own terms of use apply to its rates.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};

use crate::calendar::{frankfurt, next_target_day};
use crate::http::{Fetcher, Patience};
use crate::json::{self, Value};
use crate::sheet::{Flaw, Refusal, Sheet, code, date, rate};
use crate::{
    Answer, Code, Kind, Pace, Quoted, RateSet, RateSource, Schedule, SourceError, Validator, Window,
};

/// The name in settings and answers.
pub const NAME: &str = "frankfurter";
/// Where it is.
pub const ORIGIN: &str = "https://api.frankfurter.dev";

/// The source.
#[derive(Debug, Clone)]
pub struct Frankfurter {
    fetcher: Fetcher,
    base: Code,
    banks: Option<String>,
}

impl Frankfurter {
    /// The public service. Calls nobody.
    pub fn new() -> Frankfurter {
        Frankfurter::at(ORIGIN, Patience::default())
    }

    /// One's own instance, or a test's server.
    pub fn at(origin: &str, patience: Patience) -> Frankfurter {
        Frankfurter { fetcher: Fetcher::new(NAME, origin, patience), base: Code::EUR, banks: None }
    }

    /// Another base than EUR.
    pub fn base(self, base: Code) -> Frankfurter {
        Frankfurter { base, ..self }
    }

    /// Only these banks, by Frankfurter's keys: `ECB,MAS`.
    pub fn banks(self, keys: &str) -> Frankfurter {
        Frankfurter { banks: Some(keys.to_owned()), ..self }
    }
}

impl Default for Frankfurter {
    fn default() -> Frankfurter {
        Frankfurter::new()
    }
}

#[async_trait]
impl RateSource for Frankfurter {
    fn name(&self) -> &'static str {
        NAME
    }

    fn pace(&self) -> Pace {
        Pace { shortest: Duration::from_secs(3600), quota: "no quota; abuse is throttled" }
    }

    fn offers(&self, window: Window) -> bool {
        window != Window::Whole
    }

    async fn fetch(
        &self,
        window: Window,
        seen: Option<&Validator>,
        now: DateTime<Utc>,
    ) -> Result<Answer, SourceError> {
        let mut request = self.fetcher.request("/v2/rates").query("base", self.base);
        if let Some(banks) = &self.banks {
            request = request.query("providers", banks);
        }
        request = match window {
            Window::Latest => request,
            Window::Recent => request.query("from", now.date_naive() - Days::new(90)),
            Window::On(day) => request.query("date", day),
            Window::Whole => return Err(SourceError::NotOffered { source_name: NAME, window }),
        };
        self.fetcher.ask(request, window, seen, now, |body| read(body, now), explain).await
    }
}

/// Reads an array of rows into one set per base and date, oldest first. Pure.
///
/// # Errors
/// [`SourceError::Malformed`], [`SourceError::Refused`].
pub fn read(body: &[u8], fetched_at: DateTime<Utc>) -> Result<Vec<RateSet>, SourceError> {
    parse(body, fetched_at).map_err(|flaw| flaw.of(NAME))
}

fn parse(body: &[u8], fetched_at: DateTime<Utc>) -> Result<Vec<RateSet>, Flaw> {
    let rows = match json::read(body)? {
        Value::List(rows) => rows,
        other => {
            let refused = explain(200, &other).map(Flaw::Refused);
            return Err(refused.unwrap_or_else(|| Flaw::new("it is not a list of rates")));
        }
    };
    let mut sheets: BTreeMap<(NaiveDate, Code), Sheet> = BTreeMap::new();
    for row in &rows {
        let day = date(row.text("date")?, fetched_at)?.min(fetched_at.date_naive());
        let (base, quote) = (code(row.text("base")?)?, code(row.text("quote")?)?);
        let sheet = sheets.entry((day, base)).or_insert_with(|| Sheet::new(base));
        sheet.add(quote, rate(quote.as_str(), row.member("rate")?)?)?;
    }
    // A day whose only row is the base itself says nothing.
    let sets: Vec<RateSet> = sheets
        .into_iter()
        .filter_map(|((day, _), sheet)| Some(rate_set(day, sheet.base, sheet.close().ok()?, fetched_at)))
        .collect();
    if sets.is_empty() { Err(Flaw::new("it holds no rate")) } else { Ok(sets) }
}

fn rate_set(
    day: NaiveDate,
    base: Code,
    rates: BTreeMap<Code, rust_decimal::Decimal>,
    fetched_at: DateTime<Utc>,
) -> RateSet {
    RateSet {
        provider: NAME,
        base,
        quoted: Quoted::UnitsPerBase,
        as_of: day.and_time(NaiveTime::MIN).and_utc(),
        published_at: frankfurt(day, 16, 0).min(fetched_at),
        fetched_at,
        kind: Kind::Reference,
        schedule: Schedule::NextAt(frankfurt(next_target_day(day), 16, 0)),
        rates,
    }
}

fn explain(status: u16, value: &Value) -> Option<Refusal> {
    if status == 429 {
        return None;
    }
    let code = value.words("status").map_or_else(|| status.to_string(), str::to_owned);
    Some(Refusal::new(&code, value.words("message")?))
}
