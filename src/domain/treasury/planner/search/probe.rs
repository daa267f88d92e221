//! Where a node is branched: each likely split is tried a little, and the one taken whose halves both rise most.

use super::{Open, Search};
use crate::domain::treasury::planner::dual::{Scope, bound};
use crate::domain::treasury::planner::simplex::raise;
use crate::domain::treasury::planner::split::Split;

/// A split, and prices to start from in its halves.
pub(super) struct Probed {
    pub split: Split,
    pub prices: [Vec<i128>; 2],
    rise: [i128; 2],
}

impl Probed {
    /// Whether both halves are nearer to the end, or one of them by much.
    pub fn tells(&self) -> bool {
        let [one, two] = self.rise;
        one.min(two) >= WHOLE / 64 || one.max(two) >= WHOLE / 8
    }
}

/// Parts of what is missing.
const WHOLE: i128 = 1 << 40;
/// Exchanges for each half.
const EXCHANGES: usize = 60;

impl Search<'_> {
    /// The best of some splits. One that leaves a single half is best of all.
    pub(super) fn probe(&self, open: &Open, splits: impl IntoIterator<Item = Split>) -> Option<Probed> {
        let mut best: Option<((i128, i128), Probed)> = None;
        for split in splits.into_iter().filter(|split| split.divides(self.problem, &open.scope)) {
            let [one, two] = split.scopes(&open.scope).map(|scope| self.rise(open, &scope));
            let rise = [one.0, two.0];
            let rank = ((rise[0] + 1) * (rise[1] + 1), rise[0].max(rise[1]));
            if best.as_ref().is_none_or(|(before, _)| rank > *before) {
                best = Some((rank, Probed { split, prices: [one.1, two.1], rise }));
            }
        }
        best.map(|(_, probed)| probed)
    }

    fn rise(&self, open: &Open, scope: &Scope) -> (i128, Vec<i128>) {
        let mut prices = open.prices.clone();
        let goal = self.cost - self.limits.slack(self.cost);
        raise(self.problem, scope, &mut prices, goal, EXCHANGES);
        let (lower, _) = bound(self.problem, scope, &prices);
        let missing = (goal - open.lower).max(1);
        // Whatever is beyond reach is beyond 128 bits in parts.
        let gained = lower.saturating_sub(open.lower).clamp(0, missing);
        let parts = gained.checked_mul(WHOLE).map_or(gained / (missing / WHOLE).max(1), |parts| parts / missing);
        (parts, prices)
    }
}
