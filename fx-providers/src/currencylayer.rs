//! currencylayer.
//!
//! * Request: `GET https://api.currencylayer.com/live?access_key=KEY[&source=EUR]`, `/historical?date=YYYY-MM-DD` for a
//!   past day. At APILayer's gateway `GET https://api.apilayer.com/currency_data/live` with the header `apikey`. The
//!   free plan has the source USD only.
//! * Answer: `success`, `timestamp`, `source`, `quotes` with names of six letters, the source first: `USDSGD`.
//! * Time: `timestamp`. Over a weekend `as_of` stays at Friday's close.
//! * Errors: **with status 200** `{success: false, error: {code, info}}`; the codes stand in the family's module.
//! * Pace: 100 requests a month on the free plan: one in eight hours unless told otherwise.
//! * Terms: a subscription at currencylayer.com (APILayer).

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::apilayer::{Account, Door, FREE, envelope, explain, rate_set};
use crate::http::Patience;
use crate::key::Key;
use crate::sheet::{Flaw, Sheet, code, is_ticker, rate};
use crate::{Answer, Code, Pace, RateSet, RateSource, SourceError, Validator, Window};

/// The name in settings and answers.
pub const NAME: &str = "currencylayer";
/// The first host.
pub const ORIGIN: &str = "https://api.currencylayer.com";
/// APILayer's gateway.
pub const GATEWAY: &str = "https://api.apilayer.com";

/// The source.
#[derive(Debug, Clone)]
pub struct CurrencyLayer {
    account: Account,
    base: Option<Code>,
}

impl CurrencyLayer {
    /// An account at api.currencylayer.com. Calls nobody.
    pub fn new(key: Key) -> CurrencyLayer {
        CurrencyLayer::at(ORIGIN, Patience::default(), key)
    }

    /// The same somewhere else.
    pub fn at(origin: &str, patience: Patience, key: Key) -> CurrencyLayer {
        CurrencyLayer { account: Account::new(NAME, origin, patience, key, Door::Query), base: None }
    }

    /// An account at APILayer's gateway.
    pub fn gateway(origin: &str, patience: Patience, key: Key) -> CurrencyLayer {
        CurrencyLayer { account: Account::new(NAME, origin, patience, key, Door::Header), base: None }
    }

    /// Another base than USD (paid plans).
    pub fn base(self, base: Code) -> CurrencyLayer {
        CurrencyLayer { base: Some(base), ..self }
    }

    /// The pace of a plan that allows another.
    pub fn every(mut self, every: Duration) -> CurrencyLayer {
        self.account.every = every;
        self
    }
}

#[async_trait]
impl RateSource for CurrencyLayer {
    fn name(&self) -> &'static str {
        NAME
    }

    fn pace(&self) -> Pace {
        self.account.pace()
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
        let room = match self.account.door {
            Door::Query => "",
            Door::Header => "/currency_data",
        };
        let mut request = match window {
            Window::Latest => self.account.request(&format!("{room}/live")),
            Window::On(day) => self.account.request(&format!("{room}/historical")).query("date", day),
            Window::Recent | Window::Whole => {
                return Err(SourceError::NotOffered { source_name: NAME, window });
            }
        };
        if let Some(base) = self.base {
            request = request.query("source", base);
        }
        let read = |body: &[u8]| parse(body, now, self.account.every).map_err(|flaw| flaw.of(NAME));
        self.account.fetcher.ask(request, window, seen, now, read, explain).await
    }
}

/// Reads the rates of now or of a day. Pure.
///
/// # Errors
/// [`SourceError::Malformed`], [`SourceError::Refused`].
pub fn read(body: &[u8], fetched_at: DateTime<Utc>) -> Result<Vec<RateSet>, SourceError> {
    parse(body, fetched_at, FREE.shortest).map_err(|flaw| flaw.of(NAME))
}

fn parse(body: &[u8], fetched_at: DateTime<Utc>, every: Duration) -> Result<Vec<RateSet>, Flaw> {
    let (value, at) = envelope(body, fetched_at)?;
    let mut sheet = Sheet::new(code(value.text("source")?)?);
    for (pair, value) in value.object("quotes")? {
        let quote = pair.strip_prefix(sheet.base.as_str());
        let quote = quote.ok_or_else(|| Flaw::new(format!("a quote does not begin with {}", sheet.base)))?;
        if !is_ticker(quote) {
            sheet.enter(quote, rate(quote, value))?;
        }
    }
    rate_set(NAME, sheet, at, fetched_at, every)
}
