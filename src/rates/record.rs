//! What was published is kept in the database, so that a restart and a question about a past day know it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use futures_util::future::join_all;

use super::RateBook;
use crate::domain::fx::Publication;
use crate::store::{Change, CommitError, StoreError};

/// Days whose publications are at hand before the first question; older ones follow in the background.
const RECENT: TimeDelta = TimeDelta::days(14);

impl RateBook {
    /// Keeps publications. That the database does not take them is logged and takes nothing from the readers.
    pub(super) async fn remember(&self, news: &[Arc<Publication>]) {
        let Some(store) = &self.store else { return };
        let keep = async |publication: &Arc<Publication>| {
            let mut change = Change::new();
            change.keep_rates(publication);
            match store.commit(change).await {
                // Another process heard the same.
                Ok(_) | Err(CommitError::LostUpdate { .. }) => {}
                Err(error) => tracing::warn!(source = %publication.source, %error, "rates were not kept"),
            }
        };
        join_all(news.iter().map(keep)).await;
    }

    /// Reads what was published lately and judges it in the order in which it came: what was held back before the
    /// restart is held back after it.
    pub(super) async fn recall_recent(&self) -> Result<(), StoreError> {
        let Some(store) = &self.store else { return Ok(()) };
        let since = (self.clock.now() - RECENT).date_naive();
        let mut kept = store.rates_kept(Some(since)).await?;
        kept.sort_by_key(|publication| publication.fetched_at);
        let _pen = self.pen();
        for publication in kept {
            let mut series = self.book.load().series.clone();
            let at = publication.fetched_at.min(self.clock.now());
            let own = series.iter_mut().find(|series| series.source == publication.source);
            // A source that is configured no more has no say.
            let Some(own) = own else { continue };
            own.insert(Arc::new(publication));
            self.replace_as_of(series, at);
        }
        let series = self.book.load().series.clone();
        self.replace(series);
        Ok(())
    }

    /// Reads everything that was kept: history, which changes nothing about today.
    pub(super) async fn recall_all(&self) -> Result<(), StoreError> {
        let Some(store) = &self.store else { return Ok(()) };
        let kept = store.rates_kept(None).await?;
        let _pen = self.pen();
        let mut series = self.book.load().series.clone();
        for own in &mut series {
            let source = own.source.clone();
            let of_it = kept.iter().filter(|publication| publication.source == source);
            own.fill(of_it.cloned().map(Arc::new));
        }
        self.replace(series);
        self.recalled.store(true, Ordering::Release);
        Ok(())
    }

    /// Whether all that was kept is at hand: history of today's rates is not whole before.
    pub(super) fn knows_the_past(&self) -> bool {
        self.store.is_none() || self.recalled.load(Ordering::Acquire)
    }
}
