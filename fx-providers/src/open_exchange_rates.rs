//! Open Exchange Rates.
//!
//! * Request: `GET https://openexchangerates.org/api/latest.json?app_id=KEY`, `historical/YYYY-MM-DD.json` for a past
//!   day; `base=` on paid plans (the free one has USD only), `show_bid_ask=1` on the largest. `If-None-Match` together
//!   with `If-Modified-Since` makes an unchanged answer small, though it counts against the quota.
//! * Answer: `timestamp`, `base`, `rates`; with bid and ask each rate is an object of `bid`, `ask`, `mid`.
//! * Time: `timestamp`, renewed every hour at one or two minutes past on most plans. Over a weekend the numbers stand
//!   still: `as_of` stays at Friday's close.
//! * Errors: the HTTP status and `{error: true, status, message, description}`: `missing_app_id`, `invalid_app_id` (401),
//!   `access_restricted` (403), `not_allowed` (429: the plan lacks the feature), `invalid_base` (400), `not_found` (404).
//! * Pace: once an hour by default, which the free plan's 1,000 requests a month allow; `usage.json` tells what is left.
//! * Terms: a subscription; the free plan asks for a link back. See openexchangerates.org/terms.
//! * Unverified: the shape with bid and ask, which only the largest plans have.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

use crate::http::{Fetcher, Patience};
use crate::json::{self, Value};
use crate::key::Key;
use crate::sheet::{Flaw, Refusal, Sheet, code, is_ticker, market, middle, rate, unix};
use crate::{
    Answer, Code, Kind, Pace, Quoted, RateSet, RateSource, Schedule, SourceError, Validator, Window,
};

/// The name in settings and answers.
pub const NAME: &str = "openexchangerates";
/// Where it is.
pub const ORIGIN: &str = "https://openexchangerates.org";

const EVERY: Duration = Duration::from_secs(3600);

/// The source.
#[derive(Debug, Clone)]
pub struct OpenExchangeRates {
    fetcher: Fetcher,
    base: Option<Code>,
    every: Duration,
    bid_ask: bool,
}

impl OpenExchangeRates {
    /// The service. Calls nobody.
    pub fn new(key: Key) -> OpenExchangeRates {
        OpenExchangeRates::at(ORIGIN, Patience::default(), key)
    }

    /// A mirror, or a test's server.
    pub fn at(origin: &str, patience: Patience, key: Key) -> OpenExchangeRates {
        let fetcher = Fetcher::keyed(NAME, origin, patience, key);
        OpenExchangeRates { fetcher, base: None, every: EVERY, bid_ask: false }
    }

    /// Another base than USD (paid plans).
    pub fn base(self, base: Code) -> OpenExchangeRates {
        OpenExchangeRates { base: Some(base), ..self }
    }

    /// The pace of a plan that allows another.
    pub fn every(self, every: Duration) -> OpenExchangeRates {
        OpenExchangeRates { every, ..self }
    }

    /// Asks for bid and ask, of which the source's own middle is kept (largest plans).
    pub fn with_bid_ask(self) -> OpenExchangeRates {
        OpenExchangeRates { bid_ask: true, ..self }
    }
}

#[async_trait]
impl RateSource for OpenExchangeRates {
    fn name(&self) -> &'static str {
        NAME
    }

    fn pace(&self) -> Pace {
        Pace { shortest: self.every, quota: "1,000 requests a month on the free plan" }
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
        let path = match window {
            Window::Latest => "/api/latest.json".to_owned(),
            Window::On(day) => format!("/api/historical/{day}.json"),
            Window::Recent | Window::Whole => {
                return Err(SourceError::NotOffered { source_name: NAME, window });
            }
        };
        let mut request = self.fetcher.request(&path).query("app_id", self.fetcher.key());
        if let Some(base) = self.base {
            request = request.query("base", base);
        }
        if self.bid_ask {
            request = request.query("show_bid_ask", 1);
        }
        let read = |body: &[u8]| parse(body, now, self.every).map_err(|flaw| flaw.of(NAME));
        self.fetcher.ask(request, window, seen, now, read, explain).await
    }
}

/// Reads `latest.json` or a historical file. Pure.
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
    let published_at = unix(&value, "timestamp", fetched_at)?;
    let mut sheet = Sheet::new(code(value.text("base")?)?);
    for (name, value) in value.object("rates")?.iter().filter(|(name, _)| !is_ticker(name)) {
        sheet.enter(name, one(name, value))?;
    }
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

/// A number, or bid, ask and middle.
fn one(name: &str, value: &Value) -> Result<Decimal, Flaw> {
    let Value::Object(_) = value else { return rate(name, value) };
    let part = |part| value.optional(part).map(|value| rate(name, value)).transpose();
    middle(name, part("bid")?, part("mid")?, part("ask")?)
}

fn explain(status: u16, value: &Value) -> Option<Refusal> {
    if value.optional("error") != Some(&Value::Bool(true)) {
        return None;
    }
    let code = value.words("message").map_or_else(|| status.to_string(), str::to_owned);
    Some(Refusal::new(&code, value.words("description").unwrap_or("no further words")))
}
