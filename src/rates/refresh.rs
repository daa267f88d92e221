//! Asking the live sources: each by a task of its own, never in the way of a start, of a read or of one another.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use fx_providers::{Answer, RateSource, Window};
use tokio::task::JoinSet;

use super::live::Live;
use super::publish::{evidence, publication};
use super::turns::Turn;
use super::{RateBook, RatesError};
use crate::domain::fx::{Due, Publication};

/// How far back the last days of a source reach for sure: the ECB's are ninety of the calendar.
const RECENT_REACH: TimeDelta = TimeDelta::days(85);
/// How often, and how far apart, a program looks for what another one is asking just now.
const LOOKS: u32 = 8;
const LOOK: Duration = Duration::from_secs(2);
/// How long the first answers of a start are gathered at most, and how often they are counted.
const FIRST_ROUND: Duration = Duration::from_secs(3);
const LISTEN: Duration = Duration::from_millis(50);

impl RateBook {
    /// Asks every live source for ever, each at its own pace; returns at once when there is none. To be spawned once;
    /// dropping the task ends them all.
    pub async fn keep_fresh(self: Arc<Self>) {
        if let Err(error) = self.recall_all().await {
            tracing::warn!(%error, "rates of earlier days are not at hand");
        }
        let mut tasks = JoinSet::new();
        self.gathering.store(self.live.iter().any(|live| !live.was_asked()), Ordering::SeqCst);
        tasks.spawn(self.clone().hear_all());
        for index in 0..self.live.len() {
            tasks.spawn(self.clone().tend(index));
        }
        while let Some(ended) = tasks.join_next().await {
            // Only a panic ends a task: it took one source, the others go on.
            if let Err(error) = ended {
                tracing::error!(%error, "a source of rates is asked no more until the next start");
            }
        }
    }

    /// Nothing is judged before every source was asked once, or had the time for it: whoever happened to answer first would
    /// else be what the others are held against.
    async fn hear_all(self: Arc<Self>) {
        let all = async {
            while self.live.iter().any(|live| !live.was_asked()) {
                tokio::time::sleep(LISTEN).await;
            }
        };
        // Whoever is slower than that is heard when it speaks.
        let _ = tokio::time::timeout(FIRST_ROUND, all).await;
        self.gathering.store(false, Ordering::SeqCst);
        self.judge_anew();
    }

    async fn tend(self: Arc<Self>, index: usize) {
        let mut empty_handed = 0;
        while let Some(live) = self.live.get(index) {
            let turn = self.take_turn(live).await;
            match turn {
                Turn::Ours => match self.ask_once(live).await {
                    // Said when it was decided.
                    Ok(()) | Err(RatesError::LeftAlone(_)) => {}
                    Err(error) => {
                        tracing::warn!(source = live.name(), %error, "no new rates; the last good ones stay");
                    }
                },
                // The other one may be asking just now: its answer is worth a few looks.
                Turn::Theirs { news: false } if empty_handed < LOOKS => {
                    empty_handed += 1;
                    tokio::time::sleep(LOOK).await;
                    continue;
                }
                Turn::Theirs { .. } => {}
            }
            empty_handed = 0;
            let [spread] = self.ids.random_bytes::<1>();
            let next = live.plan(self.newest(live.name()).as_deref(), self.clock.now(), spread);
            live.rest(next, || self.clock.now()).await;
        }
    }

    /// Asks every live source once, together. False when one of them gave no answer that counts; the last good rates
    /// stay.
    pub async fn refresh(&self) -> bool {
        let asked = self.live.iter().map(|live| self.ask_once(live));
        let answered = futures_util::future::join_all(asked).await.iter().all(Result::is_ok);
        // All were heard.
        self.gathering.store(false, Ordering::SeqCst);
        self.judge_anew();
        answered
    }

    /// Somebody would like newer rates: the sources are asked as soon as their pace allows. Returns at once.
    pub(super) fn wish(&self) {
        for live in &self.live {
            live.wish.notify_one();
        }
    }

    /// Whoever asks while a question to the same source is under way waits for its answer instead of asking again.
    async fn ask_once(&self, live: &Live) -> Result<(), RatesError> {
        let outcome = self.flights.get_with(live.name(), self.ask(live)).await;
        // The flight has landed: how long its numbers stand is for our clock to say, not for a cache.
        self.flights.invalidate(live.name()).await;
        outcome
    }

    async fn ask(&self, live: &Live) -> Result<(), RatesError> {
        if !live.may_ask(self.clock.now()) {
            return Err(RatesError::LeftAlone(live.name()));
        }
        let outcome = self.question(live).await;
        live.note(&outcome, self.clock.now());
        // Also after a failure: what was fresh may have become stale.
        self.judge_anew();
        outcome
    }

    async fn question(&self, live: &Live) -> Result<(), RatesError> {
        let now = self.clock.now();
        let newest = self.newest(live.name());
        let window = window(&*live.source, newest.as_deref(), now);
        let seen = live.locked().seen.clone().filter(|seen| seen.window == window);
        match live.source.fetch(window, seen.as_ref(), now).await? {
            Answer::NotModified => self.confirm(live.name(), now),
            Answer::Sets { sets, body, validator, notices } => {
                let proof: Arc<str> = evidence(&body).into();
                // Of a whole history only what is new is looked at.
                let known = newest.filter(|_| window == Window::Whole).map(|held| held.as_of);
                let published: Vec<Arc<Publication>> = sets
                    .iter()
                    .filter(|set| known.is_none_or(|known| set.as_of > known))
                    .filter_map(|set| publication(set, proof.clone()))
                    .map(Arc::new)
                    .collect();
                let news = self.take_over(live.name(), published.clone());
                live.take(validator, notices);
                // Kept before it is left: whoever hears that there is news reads all of it.
                self.remember(&news).await;
                self.leave(&published).await;
            }
        }
        Ok(())
    }
}

/// What to ask for: the newest numbers, or, where more than one publication may be missing, the last days; all there is
/// where those do not reach back to what is held.
fn window(source: &dyn RateSource, held: Option<&Publication>, now: DateTime<Utc>) -> Window {
    let (gap, long) = match held.map(|held| (held.due, now - held.as_of)) {
        None => (true, false),
        Some((Due::NextAt(next), age)) => (now >= next + TimeDelta::hours(20), age > RECENT_REACH),
        Some((Due::Every(_), _)) => (false, false),
    };
    let wanted = [(gap && long, Window::Whole), (gap, Window::Recent)];
    let found = wanted.into_iter().find(|(wanted, window)| *wanted && source.offers(*window));
    found.map_or(Window::Latest, |(_, window)| window)
}
