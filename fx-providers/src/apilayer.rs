//! What Fixer and currencylayer share, both of the house APILayer: the envelope, the error inside a 200, and two doors.
//!
//! The older hosts take the key as `access_key` in the query. The gateway `api.apilayer.com` takes it as the header
//! `apikey` and refuses with its own `{message}` and 401, 403 or 429. All answers carry `success`; `false` comes with
//! status 200 and `error {code, type?, info}`: 101 bad key, 102 inactive account, 103 no such endpoint, 104 quota used up,
//! 105 the plan lacks the feature, 106 no result, 201 and 202 bad currency, 301 and 302 bad date.
//!
//! Unverified: what the gateway answers with 401 and 429.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::http::{Fetcher, Patience, Request};
use crate::json::{self, Value};
use crate::key::Key;
use crate::sheet::{Flaw, Refusal, Sheet, market, unix};
use crate::{Kind, Pace, Quoted, RateSet, Schedule};

/// 100 requests a month: every eight hours.
pub(crate) const FREE: Pace =
    Pace { shortest: Duration::from_secs(8 * 3600), quota: "100 requests a month on the free plan" };

/// How the key is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Door {
    /// In the query.
    Query,
    /// In the header of the gateway.
    Header,
}

/// An account at one of the hosts.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub fetcher: Fetcher,
    pub door: Door,
    pub every: Duration,
}

impl Account {
    pub fn new(name: &'static str, origin: &str, patience: Patience, key: Key, door: Door) -> Account {
        Account { fetcher: Fetcher::keyed(name, origin, patience, key), door, every: FREE.shortest }
    }

    pub fn request(&self, path: &str) -> Request {
        let request = self.fetcher.request(path);
        match self.door {
            Door::Query => request.query("access_key", self.fetcher.key()),
            Door::Header => request.header("apikey", self.fetcher.key()),
        }
    }

    pub fn pace(&self) -> Pace {
        Pace { shortest: self.every, ..FREE }
    }
}

/// The answer, once it says that it is one, and its time.
pub(crate) fn envelope(body: &[u8], fetched_at: DateTime<Utc>) -> Result<(Value, DateTime<Utc>), Flaw> {
    let value = json::read(body)?;
    if let Some(refusal) = explain(200, &value) {
        return Err(Flaw::Refused(refusal));
    }
    if value.optional("success") != Some(&Value::Bool(true)) {
        return Err(Flaw::new("`success` is not true"));
    }
    let at = unix(&value, "timestamp", fetched_at)?;
    Ok((value, at))
}

/// The one set of an answer.
pub(crate) fn rate_set(
    provider: &'static str,
    sheet: Sheet,
    published_at: DateTime<Utc>,
    fetched_at: DateTime<Utc>,
    every: Duration,
) -> Result<Vec<RateSet>, Flaw> {
    Ok(vec![RateSet {
        provider,
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

/// `error {code, type?, info}` beside `success: false`, or the gateway's `message`.
pub(crate) fn explain(status: u16, value: &Value) -> Option<Refusal> {
    if let Some(error) = value.optional("error") {
        let code = error.words("code").map_or_else(|| status.to_string(), str::to_owned);
        let told = [error.words("type"), error.words("info").or_else(|| error.words("message"))];
        let told: Vec<&str> = told.into_iter().flatten().collect();
        return Some(Refusal::new(&code, &told.join(": ")));
    }
    if value.optional("success") == Some(&Value::Bool(false)) {
        return Some(Refusal::new("false", "`success` is false, without a reason"));
    }
    let message = value.words("message").filter(|_| status != 200)?;
    Some(Refusal::new(&status.to_string(), message))
}
