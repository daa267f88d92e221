//! Foreign exchange rates from public sources, read into exact decimals.
//!
//! A source answers with [`RateSet`]s: the numbers of one publication, digit for digit as published, with the times that
//! belong to them: the market's, the publication's and that of reading. Nothing is inverted or averaged here; what to
//! make of several sources is the caller's business. Numbers never pass through binary floating point: a JSON number is
//! read from its own text and keeps twelve significant digits ([`number`]).
//!
//! | source | base | kind | key |
//! |---|---|---|---|
//! | [`ecb::Ecb`] | EUR | reference, TARGET days about 16:00 Frankfurt time | none |
//! | [`frankfurter::Frankfurter`] | any | reference, more than 80 central banks | none |
//! | [`exchangerate_api::ExchangeRateApi`] | any | once a day, open; up to 5 minutes, keyed | none or key |
//! | [`fawazahmed0::Fawazahmed0`] | any | reference, once a day | none |
//! | [`open_exchange_rates::OpenExchangeRates`] | USD, others by plan | middle, hourly | key |
//! | [`fixer::Fixer`] | EUR, others by plan | middle | key |
//! | [`currencylayer::CurrencyLayer`] | USD, others by plan | middle | key |
//! | [`wise::Wise`] | most | middle, real time | key |
//! | [`currency_beacon::CurrencyBeacon`] | any | middle | key |
//! | [`bnm::Bnm`] | MYR, quoted per unit of the other | reference, working days | none |
//! | [`bot::Bot`] | THB, quoted per unit of the other | reference, working days | key |
//! | [`file::RateFile`] | any | what the file holds | none |
//! | [`recorded::Recorded`] | any | what the text holds | none |
//!
//! [`catalog`] lists them by name and opens one from settings; [`pegs`] reads currencies fixed by law.
//!
//! ```
//! use fx_providers::{Code, Quoted, ecb, exchangerate_api};
//! let fetched_at = "2026-10-30T15:10:00Z".parse()?;
//! let sets = ecb::read(include_str!("../fixtures/ecb-eurofxref-daily.xml"), fetched_at)?;
//! let dollar = sets[0].rates[&Code::parse("USD")?];
//! assert_eq!(dollar.to_string(), "1.1172");
//! assert_eq!(sets[0].as_of.to_rfc3339(), "2026-10-30T13:15:00+00:00");
//!
//! let sets = exchangerate_api::read_open(include_bytes!("../fixtures/open-er-api-latest.json"), fetched_at)?;
//! assert_eq!(sets[0].rates[&Code::parse("VND")?].to_string(), "25947.76805");
//! assert_eq!(sets[0].quoted, Quoted::UnitsPerBase);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Time is handed in (`now`): the crate reads no clock, so that a test can stand on any day. Readers (`read`) are pure
//! functions; only [`RateSource::fetch`] calls out, within the limits of [`http::Patience`]. An answer that is wrong in
//! one place is refused as a whole.

/// Days and hours on which sources and the market stand still.
pub mod calendar;
/// Numbers from text, exactly.
pub mod number;
/// Keys that open sources.
mod key;
/// A strict reader of JSON.
mod json;
/// What the readers share.
mod sheet;
/// One bounded, validated HTTP request, and how patient it is.
pub mod http;
/// What a source answers.
mod rate_set;
/// The European Central Bank's reference rates.
pub mod ecb;
/// Frankfurter: central banks, blended.
pub mod frankfurter;
/// ExchangeRate-API: open and keyed.
pub mod exchangerate_api;
/// fawazahmed0's public-domain rates.
pub mod fawazahmed0;
/// Open Exchange Rates.
pub mod open_exchange_rates;
/// What Fixer and currencylayer share.
mod apilayer;
/// Fixer.
pub mod fixer;
/// currencylayer.
pub mod currencylayer;
/// Wise.
pub mod wise;
/// CurrencyBeacon.
pub mod currency_beacon;
/// Bank Negara Malaysia.
pub mod bnm;
/// Bank of Thailand.
pub mod bot;
/// Rates from a compiled-in text.
pub mod recorded;
/// Rates from an operator's file.
pub mod file;
/// Currencies fixed to others.
pub mod pegs;
/// All sources by name.
pub mod catalog;

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};

pub use key::Key;
pub use rate_set::{Code, CodeError, Kind, Quoted, RateSet, Schedule, parse_rate};

/// A place rates come from.
#[async_trait]
pub trait RateSource: Send + Sync + std::fmt::Debug {
    /// Its name in settings, answers and audit rows: `ecb`.
    fn name(&self) -> &'static str;

    /// How often it may be asked, in its own words. Nothing here enforces it: whoever asks keeps it.
    fn pace(&self) -> Pace {
        Pace { shortest: Duration::from_secs(60), quota: "none stated" }
    }

    /// Whether it can answer such a question at all; where not, [`fetch`](RateSource::fetch) says
    /// [`SourceError::NotOffered`] without calling anybody.
    fn offers(&self, window: Window) -> bool {
        window == Window::Latest
    }

    /// Asks once. `seen` is the validator of the answer the caller already holds.
    ///
    /// # Errors
    /// [`SourceError`]; nothing of a bad answer is returned.
    async fn fetch(
        &self,
        window: Window,
        seen: Option<&Validator>,
        now: DateTime<Utc>,
    ) -> Result<Answer, SourceError>;
}

/// How much to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Window {
    /// The newest publication.
    Latest,
    /// The last days, as far as one question reaches (the ECB: about ninety): fills a gap after a pause.
    Recent,
    /// All there ever was, where one question brings it (the ECB: since 1999): fills a longer gap.
    Whole,
    /// One past day. A source without a publication on that day answers with the one before, dated as it is.
    On(NaiveDate),
}

/// How often a source may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The shortest time between two questions.
    pub shortest: Duration,
    /// The source's own limit, in words, for people: `1,500 requests a month`.
    pub quota: &'static str,
}

/// Lets a source answer "nothing new".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validator {
    /// The window it was given for.
    pub window: Window,
    /// The entity tag, as the source wrote it.
    pub etag: Option<String>,
    /// The date of the last change, as the source wrote it.
    pub modified: Option<String>,
}

/// What a source said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The answer the caller holds is still the newest (304).
    NotModified,
    /// New rate sets, oldest first.
    Sets {
        /// At least one. Where a source dates its currencies apart (Frankfurter), one answer holds several days, and the
        /// newest number of a currency is in the newest set that has it.
        sets: Vec<RateSet>,
        /// The answer as it came, for evidence.
        body: Vec<u8>,
        /// To be handed back at the next question.
        validator: Option<Validator>,
        /// What the source announces beside its rates, for people to read: that it shuts down on a date. Mostly empty.
        notices: Vec<String>,
    },
}

/// Why a source gave no rates.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// No connection, or it broke, or the time was up.
    #[error("{source_name} cannot be reached: {why}")]
    Unreachable {
        /// Which source.
        source_name: &'static str,
        /// What the network said.
        why: String,
    },
    /// The source asks for patience (429) and kept asking.
    #[error("{source_name} asks for fewer requests")]
    Throttled {
        /// Which source.
        source_name: &'static str,
        /// How long it wants to be left alone, where it says so.
        retry_after: Option<Duration>,
    },
    /// The source says no in words of its own, whatever the status: a bad key, a used-up quota, a plan without the
    /// feature. Asking again does not help before somebody acts.
    #[error("{source_name} refuses: {code}: {message}")]
    Refused {
        /// Which source.
        source_name: &'static str,
        /// Its own code: `104`, `invalid-key`.
        code: String,
        /// Its own words, cut to a line; never holds the key.
        message: String,
    },
    /// The source has no such window; nobody was called.
    #[error("{source_name} has no rates for {window:?}")]
    NotOffered {
        /// Which source.
        source_name: &'static str,
        /// What was asked for.
        window: Window,
    },
    /// Another status than 200 and 304, without an explanation.
    #[error("{source_name} answered {status}")]
    Status {
        /// Which source.
        source_name: &'static str,
        /// The HTTP status.
        status: u16,
    },
    /// An answer that holds no rates: an HTML page, a cut file, a rate of zero.
    #[error("{source_name} answered something that is not a rate file: {why}")]
    Malformed {
        /// Which source.
        source_name: &'static str,
        /// What is wrong.
        why: String,
    },
}
