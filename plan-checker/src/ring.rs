//! A lower bound on what it takes to move a sum: the steps one by one, over classes of sums laid on a ring, so that what
//! leaves it on one side enters on the other. Rounded so that it never says more than is true.

/// Entries kept at most.
const ROOM: usize = 2_000_000;
/// Entries that a question is worth, and questions before any are made.
const EACH: usize = 32;
const FIRST: usize = 32;
/// A finer ring has so many times the entries.
const FINER: usize = 2;
/// Rings of as many entries as are kept differ by such a part: of some width sums fall together that are far apart.
const OTHERWISE: usize = 32;
/// Fewer steps are tried without.
const FEW: usize = 10;
/// Classes whose least is kept beside them.
const SPAN: usize = 64;
/// Spans of a row.
const SPANS: (usize, usize) = (4, 512);
const NEVER: u32 = u32::MAX / 2;
/// Sums beyond are not laid on rings: nothing here is to overflow.
const FAR: i128 = 1 << 100;

/// Steps, and a ring of them that is made once it is worth it, and finer the more is asked.
pub struct Sieve {
    /// (cost, by), cheap first.
    steps: Vec<(i128, i128)>,
    /// About how far they must go.
    need: i128,
    asked: usize,
    /// Entries that are worth the next ring, and how many were made before.
    next: usize,
    drawn: usize,
    ring: Option<Ring>,
}

impl Sieve {
    /// None where there are few steps.
    pub fn new(steps: Vec<(i128, i128)>, need: i128) -> Option<Sieve> {
        let near = |by: i128| -FAR < by && by < FAR;
        let fits = steps.len() >= FEW && near(need) && steps.iter().all(|(_, by)| near(*by));
        let (next, _) = Ring::sizes(&steps);
        fits.then_some(Sieve { steps, need, asked: 0, next, drawn: 0, ring: None })
    }

    /// Whether a step or more, from a place on, may bring the sum to where what they cost and what is then lost is below
    /// `room`. Nothing is lost `aim` away; `loss` is of the distance from there, and grows to either side.
    pub fn may(&mut self, from: usize, room: i128, aim: i128, loss: impl Fn(i128) -> Option<i128>) -> bool {
        self.asked = self.asked.saturating_add(1);
        if self.asked >= FIRST && self.asked.saturating_mul(EACH) >= self.next {
            let (_, most) = Ring::sizes(&self.steps);
            // Where the widest that is kept sees poorly, a little less sees otherwise.
            let entries = self.next.min(most - most / OTHERWISE * self.drawn.min(OTHERWISE / 2));
            self.ring = Some(Ring::new(&self.steps, self.need, entries));
            (self.next, self.drawn) = (self.next.saturating_mul(FINER), self.drawn + 1);
        }
        self.ring.as_ref().is_none_or(|ring| ring.may(from, room, aim, loss))
    }
}

/// For each place: the least that one step or more from there on cost to move the sum by a class.
struct Ring {
    width: i128,
    classes: usize,
    /// Row by row.
    least: Vec<u32>,
    /// The least of each span of them.
    spans: Vec<u32>,
    /// What is cut off of costs.
    cut: u32,
    /// Costs of the steps, summed up.
    sums: Vec<i128>,
}

impl Ring {
    /// Entries of the coarsest and of the finest.
    fn sizes(steps: &[(i128, i128)]) -> (usize, usize) {
        let each = |spans: usize| steps.len().saturating_mul(spans * SPAN);
        (each(SPANS.0), each(SPANS.1).min(ROOM).max(each(SPANS.0)))
    }

    fn new(steps: &[(i128, i128)], need: i128, entries: usize) -> Ring {
        // Whole spans.
        let classes = (entries / steps.len().max(1) / SPAN).clamp(SPANS.0, SPANS.1) * SPAN;
        let largest = steps.iter().map(|(_, by)| by.abs()).max().unwrap_or(0);
        let range = need.abs() + 2 * largest;
        let width = (2 * range / classes as i128).max(1);
        let dearest = steps.iter().map(|(cost, _)| *cost).max().unwrap_or(0);
        let mut cut = 0;
        while dearest >> cut >= 1 << 28 {
            cut += 1;
        }
        let mut least = vec![NEVER; classes * steps.len()];
        let mut later = vec![NEVER; classes];
        for (row, (cost, by)) in least.chunks_exact_mut(classes).zip(steps).rev() {
            let cost = u32::try_from(cost >> cut).unwrap_or(NEVER);
            let class = place((by + width / 2).div_euclid(width), classes);
            let (ahead, turned) = later.split_at(classes - class);
            let with = turned.iter().chain(ahead);
            for ((own, without), with) in row.iter_mut().zip(&later).zip(with) {
                *own = (*without).min(with + cost).min(NEVER);
            }
            // It alone.
            row[class] = row[class].min(cost);
            later.copy_from_slice(row);
        }
        let mut sums = vec![0_i128];
        for (cost, _) in steps {
            sums.push(sums[sums.len() - 1].saturating_add(*cost));
        }
        let spans = least.chunks_exact(SPAN).map(|span| span.iter().copied().min().unwrap_or(NEVER));
        Ring { width, classes, spans: spans.collect(), least, cut, sums }
    }

    fn may(&self, from: usize, room: i128, aim: i128, loss: impl Fn(i128) -> Option<i128>) -> bool {
        let full = self.sums[from].saturating_add(room);
        let steps = self.sums[from + 1..].partition_point(|sum| *sum < full);
        // So far at most is a sum from the middle of its class.
        let blur = (self.width / 2 + 1) * steps as i128;
        // What is lost at a class, where that leaves room.
        let lost = |class: i128| {
            let beside = class * self.width - aim;
            let away = (beside.abs() - blur).max(0) * beside.signum();
            if away == 0 { Some(0) } else { loss(away).filter(|lost| *lost < room) }
        };
        let fits = |lost: i128, least: u32| lost.saturating_add(i128::from(least) << self.cut) < room;
        let row = &self.least[from * self.classes..(from + 1) * self.classes];
        let spans = &self.spans[from * self.classes / SPAN..(from + 1) * self.classes / SPAN];
        let below = aim.div_euclid(self.width);
        [(below, -1_i128), (below + 1, 1)].into_iter().any(|(mut class, side)| {
            // Outwards, span by span, as far as the next place of the first.
            let mut left = self.classes;
            while left > 0 {
                // No class further out loses less.
                let Some(nearest) = lost(class) else { return false };
                let at = place(class, self.classes);
                let rest = if side < 0 { at % SPAN + 1 } else { SPAN - at % SPAN }.min(left);
                let own = if side < 0 { &row[at + 1 - rest..=at] } else { &row[at..at + rest] };
                let one = |(place, least): (usize, &u32)| {
                    let out = if side < 0 { rest - 1 - place } else { place };
                    fits(nearest, *least)
                        && lost(class + side * out as i128).is_some_and(|lost| fits(lost, *least))
                };
                if fits(nearest, spans[at / SPAN]) && own.iter().enumerate().any(one) {
                    return true;
                }
                class += side * rest as i128;
                left -= rest;
            }
            false
        })
    }
}

fn place(class: i128, classes: usize) -> usize {
    usize::try_from(class.rem_euclid(classes as i128)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every set of steps against what the sieve says: it never passes one over, and is of use all the same.
    #[test]
    fn no_set_that_fits_is_passed_over() {
        let mut state = 1_u64;
        let mut roll = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            i128::from((state >> 33) % below)
        };
        let (mut fits, mut passed) = (0, 0);
        for scale in [1, 1_000, 1 << 70] {
            for _ in 0..8 {
                let mut steps: Vec<(i128, i128)> =
                    (0..11).map(|_| (scale * roll(1_000), roll(20_001) - 10_000)).collect();
                steps.sort_unstable();
                let (below, above) = (scale * roll(5), scale * (1 + roll(5)));
                let loss = |away: i128| {
                    let lost = if away < 0 { -away * below } else { away * above };
                    (away < 8_000).then_some(lost)
                };
                let mut sieve = Sieve::new(steps.clone(), roll(40_000) - 20_000).unwrap();
                for _ in 0..1_000 {
                    let from = usize::try_from(roll(11)).unwrap();
                    let (room, aim) = (scale * (1 + roll(2_000)), roll(60_001) - 30_000);
                    let rest = &steps[from..];
                    let any = (1_u32..1 << rest.len()).any(|set| {
                        let own = rest.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1);
                        let (cost, by) = own.fold((0, 0), |sum, (_, one)| (sum.0 + one.0, sum.1 + one.1));
                        loss(by - aim).is_some_and(|lost| cost + lost < room)
                    });
                    let may = sieve.may(from, room, aim, loss);
                    assert!(may || !any, "{steps:?} from {from}, room {room}, aim {aim}");
                    (fits, passed) = (fits + usize::from(any), passed + usize::from(!may));
                }
                assert!(sieve.drawn > 3);
            }
        }
        assert!(fits > 1_000 && passed > 1_000, "{fits} {passed}");
    }
}
