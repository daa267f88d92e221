//! Bank Negara Malaysia: ringgit against 27 currencies, Asian ones that others lack among them.
//!
//! * Request: `GET https://api.bnm.gov.my/public/exchange-rate?session=0900` with
//!   `Accept: application/vnd.BNM.API.v1+json`, without which it answers 4xx. No key. Past days exist for one currency
//!   at a time (`/exchange-rate/USD/year/2026/month/3`): [`crate::bnm::read`] reads that shape too, the
//!   source does not ask for it.
//! * Answer: `data`, a row per currency (or one currency's object), with `unit` 1 or 100 and `rate` (or a list of them)
//!   of `date`, `buying_rate`, `selling_rate`, `middle_rate`. **Ringgit per `unit` of the currency**, so the sets are
//!   [`Quoted::BasePerUnit`] with the unit taken out by moving the point. Numbers are 17-digit doubles
//!   (`3.9300000000000002`). `SDR` is ISO's XDR and has a middle only. Four decimals: VND per 100 is `0.0149`, worth
//!   a look before pricing with it.
//! * Time: `rate.date` at the session's hour in Kuala Lumpur; published when `meta.last_updated` says.
//! * Errors: `{message, code?}` with 4xx; an empty or null `data`.
//! * Pace: no limit stated; once an hour by default. Sessions are 0900, 1130, 1200 and 1700 on working days.
//! * Terms: open data of the bank (bnm.gov.my), with attribution.
//! * Unverified: the sessions other than 0900.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::Asia::Kuala_Lumpur;

use crate::calendar::{local, next_weekday};
use crate::http::{Fetcher, Patience};
use crate::json::{self, Value};
use crate::sheet::{Flaw, Refusal, Sheet, code, date, middle, rate_per};
use crate::{Answer, Kind, Pace, Quoted, RateSet, RateSource, Schedule, SourceError, Validator, Window};

/// The name in settings and answers.
pub const NAME: &str = "bnm";
/// Where it is.
pub const ORIGIN: &str = "https://api.bnm.gov.my";

/// The hour of a fixing in Kuala Lumpur.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Session {
    /// 09:00, the opening.
    Opening,
    /// 11:30.
    LateMorning,
    /// 12:00, noon.
    Noon,
    /// 17:00, the close.
    Close,
}

impl Session {
    const ALL: [Session; 4] = [Session::Opening, Session::LateMorning, Session::Noon, Session::Close];

    fn text(self) -> &'static str {
        match self {
            Session::Opening => "0900",
            Session::LateMorning => "1130",
            Session::Noon => "1200",
            Session::Close => "1700",
        }
    }

    fn at(self, day: NaiveDate) -> DateTime<Utc> {
        let (hour, minute) = match self {
            Session::Opening => (9, 0),
            Session::LateMorning => (11, 30),
            Session::Noon => (12, 0),
            Session::Close => (17, 0),
        };
        local(Kuala_Lumpur, day, hour, minute)
    }
}

/// The source.
#[derive(Debug, Clone)]
pub struct Bnm {
    fetcher: Fetcher,
    session: Session,
}

impl Bnm {
    /// The bank, at its opening session. Calls nobody.
    pub fn new() -> Bnm {
        Bnm::at(ORIGIN, Patience::default())
    }

    /// A mirror, or a test's server.
    pub fn at(origin: &str, patience: Patience) -> Bnm {
        Bnm { fetcher: Fetcher::new(NAME, origin, patience), session: Session::Opening }
    }

    /// Another session than the opening.
    pub fn session(self, session: Session) -> Bnm {
        Bnm { session, ..self }
    }
}

impl Default for Bnm {
    fn default() -> Bnm {
        Bnm::new()
    }
}

#[async_trait]
impl RateSource for Bnm {
    fn name(&self) -> &'static str {
        NAME
    }

    fn pace(&self) -> Pace {
        Pace { shortest: Duration::from_secs(3600), quota: "none stated" }
    }

    async fn fetch(
        &self,
        window: Window,
        seen: Option<&Validator>,
        now: DateTime<Utc>,
    ) -> Result<Answer, SourceError> {
        if window != Window::Latest {
            return Err(SourceError::NotOffered { source_name: NAME, window });
        }
        let request = self.fetcher.request("/public/exchange-rate").query("session", self.session.text());
        let request = request.header("accept", "application/vnd.BNM.API.v1+json");
        self.fetcher.ask(request, window, seen, now, |body| read(body, now), explain).await
    }
}

/// Reads a session of all currencies, or a month of one, into one set per day, oldest first. Pure.
///
/// # Errors
/// [`SourceError::Malformed`], [`SourceError::Refused`].
pub fn read(body: &[u8], fetched_at: DateTime<Utc>) -> Result<Vec<RateSet>, SourceError> {
    parse(body, fetched_at).map_err(|flaw| flaw.of(NAME))
}

fn parse(body: &[u8], fetched_at: DateTime<Utc>) -> Result<Vec<RateSet>, Flaw> {
    let value = json::read(body)?;
    if let Some(refusal) = explain(200, &value) {
        return Err(Flaw::Refused(refusal));
    }
    let meta = value.member("meta")?;
    // `quote=fx` would turn the numbers round.
    if meta.text("quote")? != "rm" {
        return Err(Flaw::new("`quote` is not `rm`"));
    }
    let told = meta.text("session")?;
    let session = Session::ALL.into_iter().find(|session| session.text() == told);
    let session = session.ok_or_else(|| Flaw::new("`session` is none of the four"))?;
    let updated = NaiveDateTime::parse_from_str(meta.text("last_updated")?, "%Y-%m-%d %H:%M:%S")
        .map_err(|_| Flaw::new("`last_updated` is no point in time"))?;
    date(&updated.date().to_string(), fetched_at)?;
    let updated = updated.and_local_timezone(Kuala_Lumpur).earliest().map(|at| at.with_timezone(&Utc));

    let ringgit = code("MYR")?;
    let mut sheets: BTreeMap<NaiveDate, Sheet> = BTreeMap::new();
    let rows = match value.member("data")? {
        Value::List(rows) => rows.as_slice(),
        one => std::slice::from_ref(one),
    };
    for row in rows {
        let name = row.text("currency_code")?;
        let currency = code(if name == "SDR" { "XDR" } else { name })?;
        let power = power_of_ten(row.integer("unit")?)?;
        let days = match row.member("rate")? {
            Value::List(days) => days.as_slice(),
            one => std::slice::from_ref(one),
        };
        for rate in days {
            let day = date(rate.text("date")?, fetched_at)?;
            let part = |name| rate.optional(name).map(|number| rate_per(currency.as_str(), number, power));
            let (bid, mid, ask) = (part("buying_rate"), part("middle_rate"), part("selling_rate"));
            let rate = middle(currency.as_str(), bid.transpose()?, mid.transpose()?, ask.transpose()?)?;
            sheets.entry(day).or_insert_with(|| Sheet::new(ringgit)).add(currency, rate)?;
        }
    }
    if sheets.is_empty() {
        return Err(Flaw::new("it holds no rate"));
    }
    let newest = sheets.last_key_value().map(|(day, _)| *day);
    let set = |(day, sheet): (NaiveDate, Sheet)| {
        let as_of = session.at(day).min(fetched_at);
        // `last_updated` speaks of the newest day only.
        let published_at = updated.filter(|_| Some(day) == newest).unwrap_or(as_of);
        Ok(RateSet {
            provider: NAME,
            base: ringgit,
            quoted: Quoted::BasePerUnit,
            as_of,
            published_at: published_at.clamp(as_of, fetched_at),
            fetched_at,
            kind: Kind::Reference,
            schedule: Schedule::NextAt(session.at(next_weekday(day))),
            rates: sheet.close()?,
        })
    };
    sheets.into_iter().map(set).collect()
}

/// 1, 10, 100 …: only these can be taken out of a number exactly.
fn power_of_ten(unit: i64) -> Result<u32, Flaw> {
    let power = (0..=6).find(|power| 10_i64.pow(*power) == unit);
    power.ok_or_else(|| Flaw::new(format!("`unit` is {unit}, no power of ten")))
}

fn explain(status: u16, value: &Value) -> Option<Refusal> {
    let message = value.words("message").or_else(|| value.words("error"))?;
    let code = value.words("code").map_or_else(|| status.to_string(), str::to_owned);
    Some(Refusal::new(&code, message))
}
