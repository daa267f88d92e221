//! How long an answer made of the newest rates stays what it is.

use std::time::Duration;

use fx_providers::Schedule;

use super::RateBook;

/// A source whose publication is overdue may answer at any moment: it is asked again within half an hour.
const OVERDUE: Duration = Duration::from_secs(60);

impl RateBook {
    /// Until newer rates may be here: the nearest publication of a live source. `None` where nothing is asked.
    pub fn fresh_for(&self) -> Option<Duration> {
        let now = self.clock.now();
        let book = self.book.load();
        let live = |provider: &str| self.live.iter().any(|live| live.name() == provider);
        let until = book.series.iter().filter(|series| live(series.provider)).map(|series| {
            let due = match series.newest()?.set.schedule {
                Schedule::NextAt(next) => next - now,
                Schedule::Every(interval) => interval - (now - series.newest()?.set.fetched_at),
            };
            due.to_std().ok().filter(|due| *due > Duration::ZERO)
        });
        until.map(|due| due.unwrap_or(OVERDUE)).min()
    }
}
