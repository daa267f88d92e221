//! The `currency-api` of fawazahmed0: public domain, about 160 currencies, VND and TWD among them.
//!
//! * Request: `GET https://cdn.jsdelivr.net/npm/@fawazahmed0/currency-api@latest/v1/currencies/eur.min.json`, with a date
//!   in place of `latest` for a past day; when that fails, the same file at `https://latest.currency-api.pages.dev`.
//!   No key.
//! * Answer: `{"date": …, "eur": {"usd": …}}`: lower-case codes, the second name is the base. Beside currencies it holds
//!   cryptocurrencies, metals and dead currencies (one unit of EUR is 97 billion VEB); what ISO 4217 does not list today
//!   is passed over unread.
//! * Time: `date` is the day of publication, in the morning (05:00 to 10:00 UTC), with the values of the evening before:
//!   `as_of` is the start of that day, on weekends Friday's close.
//! * Errors: 404 from the content network, as text.
//! * Pace: no limit stated; the file changes once a day.
//! * Terms: CC0-1.0. No guarantee: against the ECB it differs by about 13 basis points for USD, at times by 80.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use rust_decimal::Decimal;

use crate::calendar::market_time;
use crate::http::{Fetcher, Patience, unexplained};
use crate::json::{self, Value};
use crate::sheet::{Flaw, Sheet, code, date, rate};
use crate::{
    Answer, Code, Kind, Pace, Quoted, RateSet, RateSource, Schedule, SourceError, Validator, Window,
};

/// The name in settings and answers.
pub const NAME: &str = "fawazahmed0";
/// The content network.
pub const ORIGIN: &str = "https://cdn.jsdelivr.net/npm/@fawazahmed0/currency-api@{date}";
/// Asked when the first fails.
pub const FALLBACK: &str = "https://{date}.currency-api.pages.dev";

/// ISO 4217 of 2026-01-01 without funds, metals and testing codes.
const TAKEN: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD \
    CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD \
    HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD \
    MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR \
    RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS \
    UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XDR XOF XPF YER ZAR ZMW ZWG";

/// The source.
#[derive(Debug, Clone)]
pub struct Fawazahmed0 {
    /// In the order they are asked; `{date}` stands for the version.
    origins: Vec<String>,
    fetcher: Fetcher,
    base: Code,
}

impl Fawazahmed0 {
    /// The content network, with its fallback. Calls nobody.
    pub fn new() -> Fawazahmed0 {
        Fawazahmed0::at(ORIGIN, Patience::default()).or_at(FALLBACK)
    }

    /// A mirror, or a test's server; `{date}` in it becomes `latest` or the day.
    pub fn at(origin: &str, patience: Patience) -> Fawazahmed0 {
        let fetcher = Fetcher::new(NAME, "", patience);
        Fawazahmed0 { origins: vec![origin.to_owned()], fetcher, base: Code::EUR }
    }

    /// Another place, asked when those before it fail.
    pub fn or_at(mut self, origin: &str) -> Fawazahmed0 {
        self.origins.push(origin.to_owned());
        self
    }

    /// Another base than EUR.
    pub fn base(self, base: Code) -> Fawazahmed0 {
        Fawazahmed0 { base, ..self }
    }
}

impl Default for Fawazahmed0 {
    fn default() -> Fawazahmed0 {
        Fawazahmed0::new()
    }
}

#[async_trait]
impl RateSource for Fawazahmed0 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn pace(&self) -> Pace {
        Pace { shortest: Duration::from_secs(3600), quota: "none stated; the file changes once a day" }
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
        let version = match window {
            Window::Latest => "latest".to_owned(),
            Window::On(day) => day.to_string(),
            Window::Recent | Window::Whole => {
                return Err(SourceError::NotOffered { source_name: NAME, window });
            }
        };
        let path = format!("/v1/currencies/{}.min.json", self.base.as_str().to_ascii_lowercase());
        let mut outcome = Err(SourceError::NotOffered { source_name: NAME, window });
        for origin in &self.origins {
            let place = origin.trim_end_matches('/').replace("{date}", &version);
            let request = self.fetcher.request(&format!("{place}{path}"));
            outcome = self.fetcher.ask(request, window, seen, now, |body| read(body, now), unexplained).await;
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }
}

/// Reads a file of one base. Pure.
///
/// # Errors
/// [`SourceError::Malformed`].
pub fn read(body: &[u8], fetched_at: DateTime<Utc>) -> Result<Vec<RateSet>, SourceError> {
    parse(body, fetched_at).map_err(|flaw| flaw.of(NAME))
}

fn parse(body: &[u8], fetched_at: DateTime<Utc>) -> Result<Vec<RateSet>, Flaw> {
    let value = json::read(body)?;
    let day = date(value.text("date")?, fetched_at)?;
    let Value::Object(members) = &value else { return Err(Flaw::new("it is not an object")) };
    let mut others = members.iter().filter(|(name, _)| *name != "date");
    let (Some((name, Value::Object(rates))), None) = (others.next(), others.next()) else {
        return Err(Flaw::new("it is not a date and one object of rates"));
    };
    let base = lower_case(name)?;
    let mut sheet = Sheet::new(base);
    for (name, value) in rates {
        let Ok(currency) = lower_case(name) else { continue };
        if TAKEN.split(' ').any(|taken| taken == currency.as_str()) {
            sheet.add(currency, rate(currency.as_str(), value)?)?;
        }
    }
    Ok(vec![RateSet { base, ..rate_set(day, sheet.close()?, fetched_at) }])
}

/// A code as this source writes it.
fn lower_case(name: &str) -> Result<Code, Flaw> {
    match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Err(Flaw::new("a code is not in lower case")),
        false => code(&name.to_ascii_uppercase()),
    }
}

/// One day's euro rates with the times that belong to the date.
pub fn rate_set(date: NaiveDate, rates: BTreeMap<Code, Decimal>, fetched_at: DateTime<Utc>) -> RateSet {
    let at = |date: NaiveDate, hour| {
        date.and_time(NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default()).and_utc()
    };
    RateSet {
        provider: NAME,
        base: Code::EUR,
        quoted: Quoted::UnitsPerBase,
        as_of: market_time(at(date, 0)),
        published_at: at(date, 10).min(fetched_at),
        fetched_at,
        kind: Kind::Reference,
        schedule: Schedule::NextAt(at(date + Days::new(1), 10)),
        rates,
    }
}
