//! Bank of Thailand: daily average rates of the commercial banks, baht against 19 currencies.
//!
//! * Request: `GET https://gateway.api.bot.or.th/Stat-ExchangeRate/v2/DAILY_AVG_EXG_RATE/?start_period=&end_period=`
//!   with `Authorization: KEY`. At most 31 days; a holiday has no rows, so the newest day is looked for in the last ten.
//! * Answer: `result.data.data_detail`, a row per day and currency, numbers as texts: `buying_sight`,
//!   `buying_transfer`, `selling`, `mid_rate`. **Baht per unit of the currency** ([`Quoted::BasePerUnit`]); how many
//!   units stands only in the currency's name, `JAPAN : YEN (100 YEN) (JPY)`, `INDONESIA : RUPIAH (1,000 RUPIAH) (IDR)`,
//!   and is taken out by moving the point.
//! * Time: `period` is a date. The averages are of the whole day and out in its evening: 18:00 in Bangkok stands for
//!   both.
//! * Errors: `{httpCode, httpMessage, moreInformation}` or `{message}` with 4xx; a row of empty texts for no data.
//! * Pace: a free key; once an hour by default.
//! * Terms: statistics of the bank (bot.or.th), with attribution.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Asia::Bangkok;

use crate::calendar::{local, next_weekday};
use crate::http::{Fetcher, Patience};
use crate::json::{self, Value};
use crate::key::Key;
use crate::sheet::{Flaw, Refusal, Sheet, code, date, decimal, middle};
use crate::{Answer, Kind, Pace, Quoted, RateSet, RateSource, Schedule, SourceError, Validator, Window};

/// The name in settings and answers.
pub const NAME: &str = "bot";
/// Where it is.
pub const ORIGIN: &str = "https://gateway.api.bot.or.th";

/// The source.
#[derive(Debug, Clone)]
pub struct Bot {
    fetcher: Fetcher,
}

impl Bot {
    /// The bank. Calls nobody.
    pub fn new(key: Key) -> Bot {
        Bot::at(ORIGIN, Patience::default(), key)
    }

    /// A mirror, or a test's server.
    pub fn at(origin: &str, patience: Patience, key: Key) -> Bot {
        Bot { fetcher: Fetcher::keyed(NAME, origin, patience, key) }
    }
}

#[async_trait]
impl RateSource for Bot {
    fn name(&self) -> &'static str {
        NAME
    }

    fn pace(&self) -> Pace {
        Pace { shortest: Duration::from_secs(3600), quota: "31 days at a time" }
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
        let today = now.with_timezone(&Bangkok).date_naive();
        let (end, days) = match window {
            Window::Latest => (today, 10),
            Window::Recent => (today, 30),
            Window::On(day) => (day, 10),
            Window::Whole => return Err(SourceError::NotOffered { source_name: NAME, window }),
        };
        let request = self.fetcher.request("/Stat-ExchangeRate/v2/DAILY_AVG_EXG_RATE/");
        let request = request
            .query("start_period", end.checked_sub_days(Days::new(days)).unwrap_or(end))
            .query("end_period", end);
        let request = request.header("authorization", self.fetcher.key());
        let read = |body: &[u8]| {
            let mut sets = read(body, now)?;
            if window != Window::Recent {
                sets.drain(..sets.len().saturating_sub(1));
            }
            Ok(sets)
        };
        self.fetcher.ask(request, window, seen, now, read, explain).await
    }
}

/// Reads a range of days into one set per day, oldest first. Pure.
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
    let baht = code("THB")?;
    let mut sheets: BTreeMap<NaiveDate, Sheet> = BTreeMap::new();
    for row in value.member("result")?.member("data")?.list("data_detail")? {
        let name = row.text("currency_id")?;
        if name.is_empty() && row.text("period")?.is_empty() {
            continue;
        }
        let day = date(row.text("period")?, fetched_at)?;
        let power = unit(row.text("currency_name_eng")?)?;
        let part = |field| match row.optional(field) {
            Some(Value::Text(text)) if text.is_empty() => Ok(None),
            Some(Value::Text(text)) => decimal(name, text, power).map(Some),
            Some(_) => Err(Flaw::new(format!("`{field}` is not a text"))),
            None => Ok(None),
        };
        let rate = middle(name, part("buying_transfer")?, part("mid_rate")?, part("selling")?)?;
        sheets.entry(day).or_insert_with(|| Sheet::new(baht)).add(code(name)?, rate)?;
    }
    if sheets.is_empty() {
        return Err(Flaw::new("it holds no rate"));
    }
    let evening = |day| local(Bangkok, day, 18, 0);
    let set = |(day, sheet): (NaiveDate, Sheet)| {
        Ok(RateSet {
            provider: NAME,
            base: baht,
            quoted: Quoted::BasePerUnit,
            as_of: evening(day).min(fetched_at),
            published_at: evening(day).min(fetched_at),
            fetched_at,
            kind: Kind::Reference,
            schedule: Schedule::NextAt(evening(next_weekday(day))),
            rates: sheet.close()?,
        })
    };
    sheets.into_iter().map(set).collect()
}

/// The power of ten of `(100 YEN)` or `(1,000 RUPIAH)` in a currency's name; none means one unit.
fn unit(name: &str) -> Result<u32, Flaw> {
    let inside = name.split('(').skip(1).filter_map(|part| part.split_once(')')).map(|(inside, _)| inside);
    let number = |inside: &str| {
        let first: String = inside.split(' ').next().unwrap_or_default().replace(',', "");
        Some(first).filter(|first| first.starts_with(|letter: char| letter.is_ascii_digit()))
    };
    let mut numbers = inside.filter_map(number);
    let (Some(text), None) = (numbers.next(), numbers.next()) else {
        return match name.bytes().any(|byte| byte.is_ascii_digit()) {
            true => Err(Flaw::new("a currency's name holds a number that is no unit")),
            false => Ok(0),
        };
    };
    let power = (0..=6).find(|power| 10_u32.pow(*power).to_string() == text);
    power.ok_or_else(|| Flaw::new("a currency's unit is no power of ten"))
}

fn explain(status: u16, value: &Value) -> Option<Refusal> {
    let code = value.words("httpCode").map_or_else(|| status.to_string(), str::to_owned);
    let told = ["httpMessage", "moreInformation", "message"].map(|name| value.words(name));
    let told: Vec<&str> = told.into_iter().flatten().collect();
    (!told.is_empty()).then(|| Refusal::new(&code, &told.join(": ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_hides_in_the_name() {
        for (name, power) in [
            ("USA : DOLLAR (USD) ", 0),
            ("JAPAN : YEN (100 YEN) (JPY) ", 2),
            ("INDONESIA : RUPIAH (1,000 RUPIAH) (IDR)", 3),
            ("", 0),
        ] {
            assert_eq!(unit(name), Ok(power), "{name}");
        }
        for name in ["A : B (250 B) (ABC)", "A : B (100 B) (100 C)", "A : B 100 (ABC)", "A (1.000 B)"] {
            assert!(unit(name).is_err(), "{name}");
        }
    }
}
