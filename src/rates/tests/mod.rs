//! The rate book with what is compiled in, and with sources that play a script.

mod bundled;
mod several;
mod tending;
mod trust;

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use fx_providers::{Answer, Code, Kind, Pace, Quoted, RateSet, Schedule, Validator, Window};

use super::*;

pub const FRIDAY_EVENING: &str = "2026-10-30T17:00:00Z";

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub fn bundled_only() -> FxSettings {
    FxSettings { sources: vec![SourceName::Bundled], ..FxSettings::default() }
}

pub fn currency(code: &str) -> Currency {
    Currency::find_ever(code).unwrap()
}

pub fn mid(book: &RateBook, base: &str, quote: &str) -> MarketRate {
    book.mid(currency(base), currency(quote)).unwrap()
}

pub fn number(book: &RateBook, base: &str, quote: &str) -> String {
    mid(book, base, quote).rate.value().to_string()
}

/// A source that plays a list of answers, then says nothing new.
#[derive(Debug)]
pub struct Scripted {
    name: &'static str,
    answers: Mutex<Vec<Result<Answer, SourceError>>>,
    pub asked: Mutex<Vec<(Window, Option<Validator>)>>,
    pub slow: Duration,
}

impl Scripted {
    pub fn new(name: &'static str, answers: Vec<Result<Answer, SourceError>>) -> Arc<Scripted> {
        Scripted::slow(name, Duration::ZERO, answers)
    }

    pub fn slow(
        name: &'static str,
        slow: Duration,
        answers: Vec<Result<Answer, SourceError>>,
    ) -> Arc<Scripted> {
        Arc::new(Scripted { name, answers: Mutex::new(answers), asked: Mutex::default(), slow })
    }

    pub fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    pub fn says(&self, answer: Result<Answer, SourceError>) {
        self.answers.lock().unwrap().push(answer);
    }
}

#[async_trait]
impl RateSource for Scripted {
    fn name(&self) -> &'static str {
        self.name
    }
    fn pace(&self) -> Pace {
        Pace { shortest: Duration::from_secs(300), quota: "a test's" }
    }
    fn offers(&self, window: Window) -> bool {
        self.name == "ecb" || window == Window::Latest
    }
    async fn fetch(
        &self,
        window: Window,
        seen: Option<&Validator>,
        _: DateTime<Utc>,
    ) -> Result<Answer, SourceError> {
        self.asked.lock().unwrap().push((window, seen.cloned()));
        tokio::time::sleep(self.slow).await;
        let mut answers = self.answers.lock().unwrap();
        if answers.is_empty() { Ok(Answer::NotModified) } else { answers.remove(0) }
    }
}

pub fn dead(name: &'static str) -> Result<Answer, SourceError> {
    Err(SourceError::Unreachable { source_name: name, why: "connection refused".into() })
}

/// An answer of a running source, renewed every five minutes.
pub fn running(
    name: &'static str,
    base: &str,
    quoted: Quoted,
    now: &str,
    rates: &[(&str, &str)],
) -> Result<Answer, SourceError> {
    let rates = rates.iter().map(|(code, rate)| (Code::parse(code).unwrap(), rate.parse().unwrap()));
    let set = RateSet {
        provider: name,
        base: Code::parse(base).unwrap(),
        quoted,
        as_of: at(now),
        published_at: at(now),
        fetched_at: at(now),
        kind: Kind::Mid,
        schedule: Schedule::Every(TimeDelta::minutes(5)),
        rates: rates.collect(),
    };
    let body = format!("{set:?}").into_bytes();
    Ok(Answer::Sets { sets: vec![set], body, validator: None, notices: vec![] })
}

/// A euro-based answer of a running source.
pub fn euro(name: &'static str, now: &str, rates: &[(&str, &str)]) -> Result<Answer, SourceError> {
    running(name, "EUR", Quoted::UnitsPerBase, now, rates)
}

/// An answer of the ECB.
pub fn ecb_daily(date: &str, dollar: &str, now: &str, etag: Option<&str>) -> Result<Answer, SourceError> {
    let xml = format!(
        "<gesmes:Envelope xmlns:gesmes='a'><Cube><Cube time='{date}'><Cube currency='USD' rate='{dollar}'/>\
         <Cube currency='QQQ' rate='2'/></Cube></Cube></gesmes:Envelope>"
    );
    let validator =
        etag.map(|etag| Validator { window: Window::Latest, etag: Some(etag.to_owned()), modified: None });
    let sets = fx_providers::ecb::read(&xml, at(now))?;
    Ok(Answer::Sets { sets, body: xml.into_bytes(), validator, notices: vec![] })
}

pub fn book_of(live: Vec<Arc<Scripted>>, clock: &Clock, settings: &FxSettings) -> Arc<RateBook> {
    let live = live.into_iter().map(|source| source as Arc<dyn RateSource>).collect();
    let ids = IdSource::seeded(clock.clone(), 1);
    Arc::new(RateBook::with_live(settings, live, clock.clone(), ids).unwrap())
}
