//! A lower bound on what it takes to move a sum: the steps one by one, over classes of sums laid on a ring, so that what
//! leaves it on one side enters on the other. Rounded so that it never says more than is true.

/// Entries kept at most.
const ROOM: usize = 2_000_000;
/// Entries that a question is worth, and questions before any are made.
const EACH: usize = 64;
const FIRST: usize = 32;
/// A finer ring has so many times the entries.
const FINER: usize = 4;
/// Fewer steps are tried without.
const FEW: usize = 10;
/// Classes whose least is kept beside them.
const SPAN: usize = 64;
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
    ring: Option<Ring>,
}

impl Sieve {
    /// None where there are few steps.
    pub fn new(steps: Vec<(i128, i128)>, need: i128) -> Option<Sieve> {
        let near = |by: i128| -FAR < by && by < FAR;
        let fits = steps.len() >= FEW && near(need) && steps.iter().all(|(_, by)| near(*by));
        fits.then_some(Sieve { steps, need, asked: 0, ring: None })
    }

    /// Whether a step or more, from a place on, may bring the sum to where what they cost and what is then lost is below
    /// `room`. Nothing is lost `aim` away; `loss` is of the distance from there, and grows to either side.
    pub fn may(&mut self, from: usize, room: i128, aim: i128, loss: impl Fn(i128) -> Option<i128>) -> bool {
        self.asked = self.asked.saturating_add(1);
        let worth = self.asked.saturating_mul(EACH).min(ROOM);
        let entries = self.ring.as_ref().map_or(0, |ring| ring.least.len());
        if self.asked >= FIRST && worth >= entries.saturating_mul(FINER).max(Ring::smallest(&self.steps)) {
            self.ring = Some(Ring::new(&self.steps, self.need, worth));
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
    /// Entries of the coarsest.
    fn smallest(steps: &[(i128, i128)]) -> usize {
        4 * SPAN * steps.len()
    }

    fn new(steps: &[(i128, i128)], need: i128, entries: usize) -> Ring {
        // Whole spans.
        let classes = (entries / steps.len().max(1) / SPAN).clamp(4, 512) * SPAN;
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
