//! One consistent set of rates: for each currency the accepted number, whose it is, and what became of the others.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::RatesError;
use super::series::{Freshness, RECENT_DAYS};
use crate::domain::fx::consensus::{Observation, Verdict};
use crate::domain::fx::{MarketRate, Publication, Quotient, RateKind};
use crate::ids::RateSetId;
use crate::money::{Currency, Rate};

/// The currency all rates are judged against: the European sources' base.
pub(super) fn pivot() -> Currency {
    Currency::known("EUR")
}

/// A currency fixed to another: units of it for one unit of its anchor.
#[derive(Debug, Clone)]
pub(super) struct Peg {
    pub factor: Rate,
    /// Its first day, where that is told.
    pub since: Option<NaiveDate>,
    pub evidence: Arc<str>,
}

/// One set of rates that does not change.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub(super) id: RateSetId,
    pub(super) legs: BTreeMap<Currency, Leg>,
    pub(super) verdicts: BTreeMap<Currency, Vec<(Observation, Verdict)>>,
    /// When the judgement may come out otherwise although nobody published.
    pub(super) until: Option<DateTime<Utc>>,
}

/// The way from the pivot to one currency.
#[derive(Debug, Clone)]
pub(super) struct Leg {
    pub publication: Arc<Publication>,
    pub peg: Option<Peg>,
    /// Newer numbers are there and not believed: these are the last known good ones.
    pub held: bool,
}

impl Leg {
    /// Units of the currency for one of the pivot, by its publication; a peg's anchor is not its business.
    pub fn quotient(&self, currency: Currency) -> Option<Quotient> {
        self.publication.from_pivot(pivot(), currency)
    }
}

/// Where one step of a path comes from: name, evidence, publication (a peg has none).
type Origin<'a> = (&'a str, &'a str, Option<&'a Leg>);

impl Snapshot {
    /// Its id, kept with whatever is promised from it.
    pub fn id(&self) -> RateSetId {
        self.id
    }

    /// Every currency that has a rate, by code; the pivot among them.
    pub fn currencies(&self) -> impl Iterator<Item = Currency> {
        let mut all: Vec<Currency> = self.legs.keys().copied().chain([pivot()]).collect();
        all.sort();
        all.dedup();
        all.into_iter()
    }

    /// Whether a currency's source has published others for more than a week since.
    pub(super) fn has_paused(&self, currency: Currency) -> bool {
        let Some(own) = self.legs.get(&currency).map(|leg| &leg.publication) else { return false };
        let since = own.as_of + TimeDelta::days(RECENT_DAYS);
        let newer = |leg: &Leg| leg.publication.source == own.source && leg.publication.as_of > since;
        self.legs.values().any(newer)
    }

    /// Whether a currency's newer numbers are held back, so that the last known good ones answer.
    pub fn is_held(&self, currency: Currency) -> bool {
        self.legs.get(&currency).is_some_and(|leg| leg.held)
    }

    /// A pair at a moment: the published number where both accepted rates are of the one publication that quotes the two
    /// against each other, else one division of the accepted ones.
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
        let quotient = self.from(meet, base)?.inverse().times(self.from(meet, quote)?);
        let rate = quotient.and_then(divided).ok_or(RatesError::NoRate(quote))?;
        let mut origins: Vec<Origin<'_>> = Vec::new();
        let mut sides = self.origins(meet, quote);
        sides.reverse();
        for origin in self.origins(meet, base).into_iter().chain(sides) {
            if origins.iter().all(|(source, ..)| *source != origin.0) {
                origins.push(origin);
            }
        }
        let legs: Vec<&Leg> = origins.iter().filter_map(|(_, _, leg)| *leg).collect();
        let running = !legs.is_empty() && legs.iter().all(|leg| leg.publication.kind == RateKind::Mid);
        Ok(MarketRate {
            rate: Rate::try_new(base, quote, rate)?,
            kind: if running { RateKind::Mid } else { RateKind::Reference },
            path: up.into_iter().chain([meet]).chain(down).collect(),
            providers: origins.iter().map(|(source, ..)| (*source).to_owned()).collect(),
            as_of: legs.iter().map(|leg| leg.publication.as_of).min().unwrap_or(at),
            fetched_at: legs.iter().map(|leg| leg.publication.fetched_at).min().unwrap_or(at),
            at,
            stale: legs.iter().any(|leg| leg.held || freshness.stale(&leg.publication, at)),
            evidence: origins.iter().map(|(_, evidence, _)| (*evidence).to_owned()).collect(),
            snapshot: self.id,
        })
    }

    fn leg(&self, currency: Currency) -> Result<&Leg, RatesError> {
        self.legs.get(&currency).ok_or(RatesError::NoRate(currency))
    }

    /// From a currency to the pivot, by way of a peg's anchor and of its source's own base.
    fn chain(&self, currency: Currency) -> Result<Vec<Currency>, RatesError> {
        let mut chain = vec![currency];
        if currency != pivot() {
            let leg = self.leg(currency)?;
            let anchor = leg.peg.as_ref().map(|peg| peg.factor.base());
            for next in [anchor, self.own_base(leg), Some(pivot())].into_iter().flatten() {
                if !chain.contains(&next) {
                    chain.push(next);
                }
            }
        }
        Ok(chain)
    }

    /// The base of a leg's publication, where the base's own accepted rate is of that publication too. Only rates against
    /// the pivot are judged: a source that is wrong about its base says so in no other of them, and its numbers against
    /// the base would come in by the back door.
    fn own_base(&self, leg: &Leg) -> Option<Currency> {
        let base = leg.publication.base;
        let same = |own: &Leg| own.peg.is_none() && Arc::ptr_eq(&own.publication, &leg.publication);
        (base == pivot() || self.legs.get(&base).is_some_and(same)).then_some(base)
    }

    /// Units of a currency for one of an ancestor in its chain: itself, a peg's anchor, its source's base, the pivot.
    fn from(&self, ancestor: Currency, currency: Currency) -> Result<Quotient, RatesError> {
        if ancestor == currency {
            return Ok(Quotient::whole(rust_decimal::Decimal::ONE));
        }
        let leg = self.leg(currency)?;
        let (published, factor) = match &leg.peg {
            Some(peg) if peg.factor.base() == ancestor => return Ok(Quotient::whole(peg.factor.value())),
            Some(peg) => (peg.factor.base(), Some(Quotient::whole(peg.factor.value()))),
            None => (currency, None),
        };
        let quotient = match ancestor == leg.publication.base {
            true => leg.publication.from_base(published),
            false => leg.quotient(published),
        };
        let quotient = match factor {
            Some(factor) => quotient.and_then(|quotient| quotient.times(factor)),
            None => quotient,
        };
        quotient.ok_or(RatesError::NoRate(currency))
    }

    /// Who gave the way from a currency up to an ancestor.
    fn origins(&self, ancestor: Currency, currency: Currency) -> Vec<Origin<'_>> {
        let Some(leg) = self.legs.get(&currency).filter(|_| ancestor != currency) else { return Vec::new() };
        let published = (&*leg.publication.source, &*leg.publication.evidence, Some(leg));
        match &leg.peg {
            Some(peg) if peg.factor.base() == ancestor => vec![("peg", &*peg.evidence, None)],
            Some(peg) => vec![("peg", &*peg.evidence, None), published],
            None => vec![published],
        }
    }

    /// How old the accepted number of a currency may become before somebody should be asked.
    pub(super) fn is_overdue(&self, now: DateTime<Utc>) -> bool {
        self.until.is_some_and(|until| now > until)
    }

    /// What several sources said of a currency.
    pub(super) fn judged(&self, currency: Currency) -> &[(Observation, Verdict)] {
        self.verdicts.get(&currency).map(Vec::as_slice).unwrap_or_default()
    }
}

/// One division, eighteen significant digits; a number that needs none stays as published.
pub(super) fn divided(quotient: Quotient) -> Option<rust_decimal::Decimal> {
    let value = quotient.value()?;
    match quotient.under == rust_decimal::Decimal::ONE {
        true => Some(value),
        false => Some(value.round_sf(Rate::SIGNIFICANT_DIGITS)?.normalize()),
    }
}

/// The shortest time between two judgements that nobody's publication caused.
pub(super) const REST: TimeDelta = TimeDelta::seconds(1);
