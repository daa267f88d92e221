//! ExchangeRate-API: the open access without a key, and the plans with one. One shape, two maps.
//!
//! * Request: open `GET https://open.er-api.com/v6/latest/USD`; keyed `GET https://v6.exchangerate-api.com/v6/latest/USD`
//!   with `Authorization: Bearer KEY`, so that the key stands in no URL.
//! * Answer: `result: success`, `base_code`, and `rates` (open) or `conversion_rates` (keyed), about 160 currencies with
//!   the base itself as 1.
//! * Time: `time_last_update_unix`; the next is due at `time_next_update_unix`, about 00:00:01 UTC. A plan that updates
//!   more often than twice a day is a running source ([`Kind::Mid`]), else the numbers are [`Kind::Reference`]. Over a
//!   weekend `as_of` stays at Friday's close. `time_eol_unix` other than 0 announces that this address shuts down: a
//!   notice.
//! * Errors: `result: error` with `error-type` (`unsupported-code`, `invalid-key`, `inactive-account`, `quota-reached`
//!   …), with status 200 or 4xx. Open access that is asked too often answers 429 for 20 minutes.
//! * Pace: open: once an hour is never limited. Keyed: 1,500 requests a month on the free plan (pro 30,000, business
//!   125,000).
//! * Terms: open access asks for the link "Rates By Exchange Rate API" (`https://www.exchangerate-api.com`) where the
//!   rates are shown, and forbids passing the data on.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use crate::http::{Fetcher, Patience};
use crate::json::{self, Value};
use crate::key::Key;
use crate::sheet::{Flaw, Refusal, Sheet, code, market, unix};
use crate::{
    Answer, Code, Kind, Pace, Quoted, RateSet, RateSource, Schedule, SourceError, Validator, Window,
};

/// The open access in settings and answers.
pub const OPEN: &str = "open-er-api";
/// The keyed plans in settings and answers.
pub const KEYED: &str = "exchangerate-api";
/// Where the open access is.
pub const OPEN_ORIGIN: &str = "https://open.er-api.com";
/// Where the keyed plans are.
pub const KEYED_ORIGIN: &str = "https://v6.exchangerate-api.com";

/// The source.
#[derive(Debug, Clone)]
pub struct ExchangeRateApi {
    fetcher: Fetcher,
    base: Code,
    access: &'static Access,
    every: Duration,
}

/// What differs between open and keyed.
#[derive(Debug)]
struct Access {
    name: &'static str,
    map: &'static str,
    pace: Pace,
}

static OPEN_ACCESS: Access = Access {
    name: OPEN,
    map: "rates",
    pace: Pace {
        shortest: Duration::from_secs(3600),
        quota: "once an hour is never limited; the numbers change once a day",
    },
};

static KEYED_ACCESS: Access = Access {
    name: KEYED,
    map: "conversion_rates",
    pace: Pace { shortest: Duration::from_secs(1800), quota: "1,500 requests a month on the free plan" },
};

impl ExchangeRateApi {
    /// The open access. Calls nobody.
    pub fn open() -> ExchangeRateApi {
        ExchangeRateApi::open_at(OPEN_ORIGIN, Patience::default())
    }

    /// The open access at a mirror, or a test's server.
    pub fn open_at(origin: &str, patience: Patience) -> ExchangeRateApi {
        ExchangeRateApi::with(Fetcher::new(OPEN, origin, patience), &OPEN_ACCESS)
    }

    /// A plan with a key. Calls nobody.
    pub fn keyed(key: Key) -> ExchangeRateApi {
        ExchangeRateApi::keyed_at(KEYED_ORIGIN, Patience::default(), key)
    }

    /// A plan with a key somewhere else.
    pub fn keyed_at(origin: &str, patience: Patience, key: Key) -> ExchangeRateApi {
        ExchangeRateApi::with(Fetcher::keyed(KEYED, origin, patience, key), &KEYED_ACCESS)
    }

    fn with(fetcher: Fetcher, access: &'static Access) -> ExchangeRateApi {
        ExchangeRateApi { fetcher, base: Code::USD, access, every: access.pace.shortest }
    }

    /// Another base than USD.
    pub fn base(self, base: Code) -> ExchangeRateApi {
        ExchangeRateApi { base, ..self }
    }

    /// The pace of a plan that allows another.
    pub fn every(self, every: Duration) -> ExchangeRateApi {
        ExchangeRateApi { every, ..self }
    }
}

#[async_trait]
impl RateSource for ExchangeRateApi {
    fn name(&self) -> &'static str {
        self.access.name
    }

    fn pace(&self) -> Pace {
        Pace { shortest: self.every, ..self.access.pace }
    }

    async fn fetch(
        &self,
        window: Window,
        seen: Option<&Validator>,
        now: DateTime<Utc>,
    ) -> Result<Answer, SourceError> {
        if window != Window::Latest {
            return Err(SourceError::NotOffered { source_name: self.access.name, window });
        }
        let mut request = self.fetcher.request(&format!("/v6/latest/{}", self.base));
        if !self.fetcher.key().is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.fetcher.key()));
        }
        let read = |body: &[u8]| parse(body, now, self.access).map_err(|flaw| flaw.of(self.access.name));
        let mut answer = self.fetcher.ask(request, window, seen, now, read, explain).await?;
        if let Answer::Sets { body, notices, .. } = &mut answer {
            notices.extend(end_of_life(body));
        }
        Ok(answer)
    }
}

/// Reads an answer of the open access. Pure.
///
/// # Errors
/// [`SourceError::Malformed`], [`SourceError::Refused`].
pub fn read_open(body: &[u8], fetched_at: DateTime<Utc>) -> Result<Vec<RateSet>, SourceError> {
    parse(body, fetched_at, &OPEN_ACCESS).map_err(|flaw| flaw.of(OPEN))
}

/// Reads an answer of a keyed plan. Pure.
///
/// # Errors
/// [`SourceError::Malformed`], [`SourceError::Refused`].
pub fn read_keyed(body: &[u8], fetched_at: DateTime<Utc>) -> Result<Vec<RateSet>, SourceError> {
    parse(body, fetched_at, &KEYED_ACCESS).map_err(|flaw| flaw.of(KEYED))
}

fn parse(body: &[u8], fetched_at: DateTime<Utc>, access: &Access) -> Result<Vec<RateSet>, Flaw> {
    let value = json::read(body)?;
    if let Some(refusal) = explain(200, &value) {
        return Err(Flaw::Refused(refusal));
    }
    if value.text("result")? != "success" {
        return Err(Flaw::new("`result` is neither `success` nor `error`"));
    }
    let published_at = unix(&value, "time_last_update_unix", fetched_at)?;
    let next = DateTime::from_timestamp(value.integer("time_next_update_unix")?, 0);
    let next = next.filter(|next| *next > published_at && *next - published_at <= TimeDelta::days(8));
    let next = next.ok_or_else(|| Flaw::new("`time_next_update_unix` is not the time after this"))?;
    let interval = next - published_at;
    let daily = interval >= TimeDelta::hours(12);
    let sheet = Sheet::of(code(value.text("base_code")?)?, value.object(access.map)?)?;
    Ok(vec![RateSet {
        provider: access.name,
        base: sheet.base,
        quoted: Quoted::UnitsPerBase,
        as_of: market(published_at, fetched_at),
        published_at,
        fetched_at,
        kind: if daily { Kind::Reference } else { Kind::Mid },
        schedule: if daily { Schedule::NextAt(next) } else { Schedule::Every(interval) },
        rates: sheet.close()?,
    }])
}

fn explain(_: u16, value: &Value) -> Option<Refusal> {
    let kind = value.words("error-type")?;
    Some(Refusal::new(kind, value.words("extra-info").unwrap_or("no further words")))
}

/// `time_eol_unix`: when this address stops answering.
fn end_of_life(body: &[u8]) -> Option<String> {
    let at = json::read(body).ok()?.integer("time_eol_unix").ok().filter(|at| *at != 0)?;
    let day = DateTime::from_timestamp(at, 0)?.date_naive();
    Some(format!("the source shuts this address down on {day}"))
}
