//! How long an answer made of the newest rates stays what it is.

use std::time::Duration;

use super::RateBook;
use crate::domain::fx::Due;

/// A source whose publication is overdue may answer at any moment: it is asked again within half an hour.
const OVERDUE: Duration = Duration::from_secs(60);

impl RateBook {
    /// Until newer rates may be here, or older ones are believed no more: the nearest publication of a live source, the
    /// nearest end of one that is fresh. `None` where nothing is asked.
    pub fn fresh_for(&self) -> Option<Duration> {
        let now = self.clock.now();
        let book = self.book.load();
        let live = |source: &str| self.live.iter().any(|live| live.name() == source);
        let until = book.series.iter().filter(|series| live(&series.source)).map(|series| {
            let newest = series.newest()?;
            let due = match newest.due {
                Due::NextAt(next) => next - now,
                Due::Every(interval) => interval - (now - newest.fetched_at),
            };
            due.to_std().ok().filter(|due| *due > Duration::ZERO)
        });
        let nearest = until.map(|due| due.unwrap_or(OVERDUE)).min()?;
        let end = book.latest.until.and_then(|until| (until - now).to_std().ok());
        Some(end.map_or(nearest, |end| end.min(nearest)))
    }
}
