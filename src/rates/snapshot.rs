//! One consistent set of rates, all on one pivot, each leg with where it comes from.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use fx_providers::{Kind, RateSet, Schedule};

use super::RatesError;
use crate::domain::fx::{FxSettings, MarketRate, RateKind};
use crate::ids::RateSetId;
use crate::money::{Currency, Rate};

/// The currency all rates hang on: the European sources' base.
pub(super) fn pivot() -> Currency {
    Currency::known("EUR")
}

/// `sha256:` and the digest of an answer, in hexadecimal.
pub(super) fn evidence(answer: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, answer);
    let hex = digest.as_ref().iter().map(|byte| format!("{byte:02x}"));
    hex.fold("sha256:".to_owned(), |text, byte| text + &byte)
}

/// One publication and the hash of the answer it came in.
#[derive(Debug)]
pub(super) struct Published {
    pub set: RateSet,
    pub evidence: Arc<str>,
}

/// All publications of one provider, by the date of their market time.
#[derive(Debug, Clone)]
pub(super) struct Series {
    pub provider: &'static str,
    days: BTreeMap<NaiveDate, Arc<Published>>,
}

impl Series {
    pub fn empty(provider: &'static str) -> Series {
        Series { provider, days: BTreeMap::new() }
    }

    pub fn new(provider: &'static str, sets: impl IntoIterator<Item = Arc<Published>>) -> Series {
        let mut series = Series::empty(provider);
        sets.into_iter().for_each(|published| series.insert(published));
        series
    }

    /// A day that is published again (a correction) replaces the first.
    pub fn insert(&mut self, published: Arc<Published>) {
        self.days.insert(published.set.as_of.date_naive(), published);
    }

    pub fn newest(&self) -> Option<&Arc<Published>> {
        self.days.last_key_value().map(|(_, published)| published)
    }

    /// Publications on or before a day, newest first.
    pub fn until(&self, date: NaiveDate) -> impl Iterator<Item = &Arc<Published>> {
        self.days.range(..=date).rev().map(|(_, published)| published)
    }

    /// The publication of a day itself.
    pub fn of(&self, date: NaiveDate) -> Option<&Arc<Published>> {
        self.days.get(&date)
    }

    fn on(&self, date: Option<NaiveDate>) -> Option<&Arc<Published>> {
        let Some(date) = date else { return self.newest() };
        self.days.range(..=date).next_back().map(|(_, published)| published)
    }
}

/// A currency fixed to another: units of it for one unit of its anchor.
#[derive(Debug, Clone)]
pub(super) struct Peg {
    pub factor: Rate,
    pub evidence: Arc<str>,
}

/// When a rate counts as stale.
#[derive(Debug, Clone, Copy)]
pub(super) struct Freshness {
    grace: TimeDelta,
    reference_max_age: TimeDelta,
}

impl From<&FxSettings> for Freshness {
    fn from(settings: &FxSettings) -> Freshness {
        Freshness {
            grace: TimeDelta::hours(i64::from(settings.publication_grace_h)),
            reference_max_age: TimeDelta::days(i64::from(settings.reference_max_age_d)),
        }
    }
}

impl Freshness {
    /// Whether newer numbers than `set` should have been there at `at`.
    pub fn stale(self, set: &RateSet, at: DateTime<Utc>) -> bool {
        match set.schedule {
            Schedule::NextAt(next) => at > next + self.grace || at - set.as_of > self.reference_max_age,
            Schedule::Every(interval) => at - set.fetched_at > interval * 2,
        }
    }
}

/// One set of rates that does not change.
#[derive(Debug, Clone)]
pub struct Snapshot {
    id: RateSetId,
    legs: BTreeMap<Currency, Leg>,
}

/// The way from the pivot to one currency.
#[derive(Debug, Clone)]
struct Leg {
    /// Pivot → currency.
    rate: Rate,
    published: Arc<Published>,
    peg: Option<Peg>,
}

impl Snapshot {
    /// The newest publications, or those standing at the end of `date`. The first series by rank whose publication has
    /// a currency gives it, so a currency that its source gave up has no rate any more; pegs come last and override.
    pub(super) fn build(
        id: RateSetId,
        series: &[Series],
        pegs: &[Peg],
        date: Option<NaiveDate>,
    ) -> Result<Snapshot, RatesError> {
        let mut legs = BTreeMap::new();
        for published in series.iter().filter_map(|series| series.on(date)) {
            if published.set.base.as_str() != pivot().code() {
                continue;
            }
            for (code, value) in &published.set.rates {
                // Codes that ISO 4217 does not know (any more) are left out.
                let Ok(currency) = Currency::find(code.as_str()) else { continue };
                let rate = Rate::try_new(pivot(), currency, *value)?;
                legs.entry(currency).or_insert_with(|| Leg { rate, published: published.clone(), peg: None });
            }
        }
        for peg in pegs {
            let Some(anchor) = legs.get(&peg.factor.base()) else { continue };
            // Both factors have few digits: the product is exact.
            let value = anchor.rate.value() * peg.factor.value();
            let rate = Rate::try_new(pivot(), peg.factor.quote(), value)?;
            let published = anchor.published.clone();
            legs.insert(peg.factor.quote(), Leg { rate, published, peg: Some(peg.clone()) });
        }
        Ok(Snapshot { id, legs })
    }

    /// Its id, kept with whatever is promised from it.
    pub fn id(&self) -> RateSetId {
        self.id
    }

    /// Every currency that has a rate, by code; the pivot among them.
    pub fn currencies(&self) -> impl Iterator<Item = Currency> {
        let mut all: Vec<Currency> = self.legs.keys().copied().chain([pivot()]).collect();
        all.sort();
        all.into_iter()
    }

    /// A pair at a moment.
    pub(super) fn market(
        &self,
        base: Currency,
        quote: Currency,
        at: DateTime<Utc>,
        freshness: Freshness,
    ) -> Result<MarketRate, RatesError> {
        // A currency is worth itself, whether or not a source knows it.
        let (up, down) = match base == quote {
            true => (vec![base], vec![base]),
            false => (self.chain(base)?, self.chain(quote)?),
        };
        // Both chains end at the pivot, so they meet.
        let meet = up.iter().copied().find(|currency| down.contains(currency)).unwrap_or_else(pivot);
        let side = |chain: &[Currency]| chain.iter().copied().take_while(|c| *c != meet).collect::<Vec<_>>();
        let (up, mut down) = (side(&up), side(&down));
        down.reverse();
        let rate = match meet {
            direct if direct == base => self.from(meet, quote)?,
            _ => Rate::cross(self.from(meet, base)?, self.from(meet, quote)?)?,
        };
        let steps: Vec<Currency> = up.iter().chain(&down).copied().collect();
        let origin = self.origin(&steps);
        let published: Vec<&RateSet> = origin.iter().filter_map(|(_, _, set)| *set).collect();
        let running = !published.is_empty() && published.iter().all(|set| set.kind == Kind::Mid);
        Ok(MarketRate {
            rate,
            kind: if running { RateKind::Mid } else { RateKind::Reference },
            path: up.into_iter().chain([meet]).chain(down).collect(),
            providers: origin.iter().map(|(provider, ..)| (*provider).to_owned()).collect(),
            as_of: published.iter().map(|set| set.as_of).min().unwrap_or(at),
            fetched_at: published.iter().map(|set| set.fetched_at).min().unwrap_or(at),
            at,
            stale: published.iter().any(|set| freshness.stale(set, at)),
            evidence: origin.iter().map(|(_, evidence, _)| (*evidence).to_owned()).collect(),
            snapshot: self.id,
        })
    }

    /// From a currency to the pivot, by way of a peg's anchor.
    fn chain(&self, currency: Currency) -> Result<Vec<Currency>, RatesError> {
        if currency == pivot() {
            return Ok(vec![currency]);
        }
        let leg = self.legs.get(&currency).ok_or(RatesError::NoRate(currency))?;
        Ok([Some(currency), leg.peg.as_ref().map(|peg| peg.factor.base()), Some(pivot())]
            .into_iter()
            .flatten()
            .collect())
    }

    /// The rate from a currency's ancestor in its chain: itself, a peg's anchor, or the pivot.
    fn from(&self, ancestor: Currency, currency: Currency) -> Result<Rate, RatesError> {
        if ancestor == currency {
            return Ok(Rate::identity(currency));
        }
        let leg = self.legs.get(&currency).ok_or(RatesError::NoRate(currency))?;
        let anchored = leg.peg.as_ref().filter(|peg| peg.factor.base() == ancestor);
        Ok(anchored.map_or(leg.rate, |peg| peg.factor))
    }

    /// Who gave the steps, each provider once: name, evidence, publication (a peg has none).
    fn origin(&self, steps: &[Currency]) -> Vec<(&str, &str, Option<&RateSet>)> {
        let mut origin: Vec<(&str, &str, Option<&RateSet>)> = Vec::new();
        for leg in steps.iter().filter_map(|currency| self.legs.get(currency)) {
            let own = match &leg.peg {
                Some(peg) => ("peg", &*peg.evidence, None),
                None => (leg.published.set.provider, &*leg.published.evidence, Some(&leg.published.set)),
            };
            if origin.iter().all(|(provider, ..)| *provider != own.0) {
                origin.push(own);
            }
        }
        origin
    }
}
