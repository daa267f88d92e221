//! Fixer.
//!
//! * Request: `GET https://data.fixer.io/api/latest?access_key=KEY[&base=USD]`, `/api/YYYY-MM-DD` for a past day. At
//!   APILayer's gateway `GET https://api.apilayer.com/fixer/latest` with the header `apikey`. The free plan has the base
//!   EUR only and speaks plain HTTP only: `Fixer::at("http://data.fixer.io", …)`, which shows the key to whoever
//!   listens.
//! * Answer: `success`, `timestamp`, `base`, `date`, `rates`.
//! * Time: `timestamp` is when the numbers were collected. Over a weekend `as_of` stays at Friday's close.
//! * Errors: **with status 200** `{success: false, error: {code, type, info}}`; the codes stand in the family's module.
//! * Pace: 100 requests a month on the free plan: one in eight hours unless told otherwise.
//! * Terms: a subscription at fixer.io (APILayer).

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::apilayer::{Account, Door, FREE, envelope, explain, rate_set};
use crate::http::Patience;
use crate::key::Key;
use crate::sheet::{Flaw, Sheet, code, date};
use crate::{Answer, Code, Pace, RateSet, RateSource, SourceError, Validator, Window};

/// The name in settings and answers.
pub const NAME: &str = "fixer";
/// The first host.
pub const ORIGIN: &str = "https://data.fixer.io";
/// APILayer's gateway.
pub const GATEWAY: &str = "https://api.apilayer.com";

/// The source.
#[derive(Debug, Clone)]
pub struct Fixer {
    account: Account,
    base: Option<Code>,
}

impl Fixer {
    /// An account at data.fixer.io. Calls nobody.
    pub fn new(key: Key) -> Fixer {
        Fixer::at(ORIGIN, Patience::default(), key)
    }

    /// The same somewhere else.
    pub fn at(origin: &str, patience: Patience, key: Key) -> Fixer {
        Fixer { account: Account::new(NAME, origin, patience, key, Door::Query), base: None }
    }

    /// An account at APILayer's gateway.
    pub fn gateway(origin: &str, patience: Patience, key: Key) -> Fixer {
        Fixer { account: Account::new(NAME, origin, patience, key, Door::Header), base: None }
    }

    /// Another base than EUR (paid plans).
    pub fn base(self, base: Code) -> Fixer {
        Fixer { base: Some(base), ..self }
    }

    /// The pace of a plan that allows another.
    pub fn every(mut self, every: Duration) -> Fixer {
        self.account.every = every;
        self
    }
}

#[async_trait]
impl RateSource for Fixer {
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
            Door::Query => "/api",
            Door::Header => "/fixer",
        };
        let mut request = match window {
            Window::Latest => self.account.request(&format!("{room}/latest")),
            Window::On(day) => self.account.request(&format!("{room}/{day}")),
            Window::Recent | Window::Whole => {
                return Err(SourceError::NotOffered { source_name: NAME, window });
            }
        };
        if let Some(base) = self.base {
            request = request.query("base", base);
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
    date(value.text("date")?, fetched_at)?;
    let sheet = Sheet::of(code(value.text("base")?)?, value.object("rates")?)?;
    rate_set(NAME, sheet, at, fetched_at, every)
}
