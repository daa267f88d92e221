//! Asking the live sources: never in the way of a start or a read.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use fx_providers::{Answer, RateSource, Schedule, Validator, Window};

use super::snapshot::{Published, Series, Snapshot, evidence};
use super::{Book, RateBook, RatesError};

const SHORTEST_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 3600);

/// A source and what it said last.
#[derive(Debug)]
pub(super) struct Live {
    source: Arc<dyn RateSource>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    seen: Option<Validator>,
    error: Option<String>,
}

impl Live {
    pub fn new(source: Arc<dyn RateSource>) -> Live {
        Live { source, state: Mutex::default() }
    }

    pub fn name(&self) -> &'static str {
        self.source.name()
    }

    pub fn error(&self) -> Option<String> {
        self.locked().error.clone()
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RateBook {
    /// Asks every live source for ever, pausing until the next publication is due; returns at once when there is no
    /// live source. To be spawned once; dropping the task ends it.
    pub async fn keep_fresh(&self) {
        let mut failures = 0_u32;
        while !self.live.is_empty() {
            failures = if self.refresh().await { 0 } else { failures.saturating_add(1) };
            tokio::time::sleep(self.pause(failures)).await;
        }
    }

    /// Asks every live source once. False when one of them gave no answer that counts; the last good rates stay.
    pub async fn refresh(&self) -> bool {
        let mut all = true;
        for live in &self.live {
            let outcome = self.ask(live).await;
            if let Err(error) = &outcome {
                tracing::warn!(source = live.name(), %error, "no new rates; the last good ones stay");
            }
            all &= outcome.is_ok();
            live.locked().error = outcome.err().map(|error| error.to_string());
        }
        all
    }

    async fn ask(&self, live: &Live) -> Result<(), RatesError> {
        let now = self.clock.now();
        let newest = self.newest(live.name());
        let gap = newest.as_ref().is_none_or(|held| !no_gap(held, now));
        let window = if gap && live.source.offers(Window::Recent) { Window::Recent } else { Window::Latest };
        let seen = live.locked().seen.clone();
        match live.source.fetch(window, seen.as_ref(), now).await? {
            Answer::NotModified => {
                let Some(held) = newest else { return Ok(()) };
                let mut set = held.set.clone();
                set.fetched_at = now;
                self.take_over(
                    live.name(),
                    vec![Arc::new(Published { set, evidence: held.evidence.clone() })],
                )
            }
            Answer::Sets { sets, body, validator, notices: _ } => {
                let proof: Arc<str> = evidence(&body).into();
                let published =
                    sets.into_iter().map(|set| Arc::new(Published { set, evidence: proof.clone() }));
                self.take_over(live.name(), published.collect())?;
                live.locked().seen = validator;
                Ok(())
            }
        }
    }

    /// Replaces the book by one that holds these publications too.
    fn take_over(&self, provider: &'static str, published: Vec<Arc<Published>>) -> Result<(), RatesError> {
        let held = self.book.load_full();
        let mut series = held.series.clone();
        if let Some(own) = series.iter_mut().find(|series| series.provider == provider) {
            published.into_iter().for_each(|one| own.insert(one));
        }
        let latest = Arc::new(Snapshot::build(self.ids.mint(), &series, &held.pegs, None)?);
        self.book.store(Arc::new(Book { series, pegs: held.pegs.clone(), latest }));
        Ok(())
    }

    fn newest(&self, provider: &str) -> Option<Arc<Published>> {
        let book = self.book.load();
        book.series.iter().find(|series| series.provider == provider).and_then(Series::newest).cloned()
    }

    /// Until shortly after the next publication; sooner after failures, which double from a minute to an hour.
    fn pause(&self, failures: u32) -> Duration {
        if failures > 0 {
            return SHORTEST_PAUSE * 2_u32.saturating_pow((failures - 1).min(6));
        }
        let now = self.clock.now();
        let due = self.live.iter().filter_map(|live| self.newest(live.name())).map(|held| {
            match held.set.schedule {
                Schedule::NextAt(next) if next > now => next + TimeDelta::minutes(5) - now,
                // Overdue: the source is late, or the test clock is ahead of the world.
                Schedule::NextAt(_) => TimeDelta::minutes(30),
                Schedule::Every(interval) => interval,
            }
        });
        due.min()
            .and_then(|pause| pause.to_std().ok())
            .unwrap_or(LONGEST_PAUSE)
            .clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
    }
}

/// Whether at most one publication is missing after `held`.
fn no_gap(held: &Published, now: DateTime<Utc>) -> bool {
    match held.set.schedule {
        Schedule::NextAt(next) => now < next + TimeDelta::hours(20),
        Schedule::Every(_) => true,
    }
}
