//! Of several programs on one database one asks a source, the others take what it said from the database: a source's pace
//! holds over all of them.
//!
//! A turn is a row, claimed by its version. It lasts for the source's shortest pace; whoever comes within it reads what
//! the other was told. The database being away stops nobody from asking.

use std::sync::Arc;

use chrono::TimeDelta;

use super::RateBook;
use super::live::{LONGEST_PAUSE, Live, SHORTEST_PAUSE};
use crate::domain::fx::Publication;
use crate::store::rates::RateTurn;
use crate::store::{Change, CommitError, Versioned};

/// Whose turn it is at a source.
#[derive(Debug)]
pub(super) enum Turn {
    /// Ours.
    Ours,
    /// Somebody else's; whether what it was told is news to us.
    Theirs { news: bool },
}

impl RateBook {
    /// Takes the turn at a source, or what another program was told in its turn.
    pub(super) async fn take_turn(&self, live: &Live) -> Turn {
        let Some(store) = &self.store else { return Turn::Ours };
        let now = self.clock.now();
        let held = match store.rate_turn(live.name()).await {
            Ok(held) => held,
            Err(error) => {
                tracing::warn!(source = live.name(), %error, "whose turn it is to ask is not known");
                return Turn::Ours;
            }
        };
        if let Some(Versioned { value: turn, .. }) = &held
            && turn.asked_by != self.boot
            && now < turn.asked_at + shortest(live)
        {
            return Turn::Theirs { news: self.hear_of(live, turn).await };
        }
        let mut change = Change::new();
        change.take_rate_turn(live.name(), self.boot, now, held.map(|held| held.version));
        match store.commit(change).await {
            Err(CommitError::LostUpdate { .. }) => Turn::Theirs { news: false },
            Ok(_) => Turn::Ours,
            Err(error) => {
                tracing::warn!(source = live.name(), %error, "the turn to ask was not written down");
                Turn::Ours
            }
        }
    }

    /// Takes over what another program was told: the newest numbers, and whatever else was kept since ours were read, for an
    /// answer may speak of several days and each currency's last word be of another.
    async fn hear_of(&self, live: &Live, turn: &RateTurn) -> bool {
        let (Some(store), Some(theirs)) = (&self.store, &turn.newest) else { return false };
        let ours = self.newest(live.name()).map(|ours| ours.fetched_at);
        if ours.is_some_and(|ours| ours >= theirs.fetched_at) {
            return false;
        }
        let mut told = match store.rates_read_since(live.name(), ours).await {
            Ok(kept) => kept,
            Err(error) => {
                tracing::warn!(source = live.name(), %error, "only the newest of what another program was told is known");
                Vec::new()
            }
        };
        told.push(theirs.clone());
        told.sort_by_key(|publication| (publication.as_of, publication.fetched_at));
        self.take_over(live.name(), told.into_iter().map(Arc::new).collect());
        live.note(&Ok(()), self.clock.now());
        true
    }

    /// Leaves the newest of what a source said to the others.
    pub(super) async fn leave(&self, published: &[Arc<Publication>]) {
        let newest = published.iter().max_by_key(|publication| publication.as_of);
        let (Some(store), Some(newest)) = (&self.store, newest) else { return };
        let Ok(Some(held)) = store.rate_turn(&newest.source).await else { return };
        if held.value.asked_by != self.boot {
            return;
        }
        let mut change = Change::new();
        change.leave_rates(newest, held.version);
        if let Err(error) = store.commit(change).await {
            tracing::debug!(source = %newest.source, %error, "other programs ask for themselves");
        }
    }
}

/// How long a turn lasts.
fn shortest(live: &Live) -> TimeDelta {
    TimeDelta::from_std(live.source.pace().shortest).unwrap_or(LONGEST_PAUSE).max(SHORTEST_PAUSE)
}
