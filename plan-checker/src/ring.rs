//! A lower bound on what it takes to move a sum: the steps one by one, over classes of sums laid on a ring, so that what
//! leaves it on one side enters on the other. Rounded so that it never says more than is true.

/// Entries kept at most.
const ROOM: usize = 10_000_000;
const NEVER: u32 = u32::MAX / 2;

/// For each place: the least that steps from there on cost to move the sum by a class.
pub struct Ring {
    width: i128,
    classes: usize,
    least: Vec<Vec<u32>>,
    /// What is cut off of costs.
    cut: u32,
    /// Costs of the steps, summed up.
    sums: Vec<i128>,
}

impl Ring {
    /// Of steps (cost, by), cheap first; `need` is about how far they must go.
    pub fn new(steps: &[(i128, i128)], need: i128) -> Ring {
        let classes = (ROOM / (steps.len() + 1)).clamp(256, 32_768) | 1;
        let largest = steps.iter().map(|(_, by)| by.abs()).max().unwrap_or(0);
        let range = need.abs() + 2 * largest;
        let width = (2 * range / classes as i128).max(1);
        let dearest = steps.iter().map(|(cost, _)| *cost).max().unwrap_or(0);
        let mut cut = 0;
        while dearest >> cut >= 1 << 28 {
            cut += 1;
        }
        let mut least = vec![vec![NEVER; classes]];
        least[0][0] = 0;
        let mut sums = vec![0_i128];
        for (cost, by) in steps.iter().rev() {
            let cost = u32::try_from(cost >> cut).unwrap_or(NEVER);
            let class = place((by + width / 2).div_euclid(width), classes);
            let later = least.last().map_or(&[][..], Vec::as_slice);
            let turned = later[classes - class..].iter().chain(&later[..classes - class]);
            let row = later
                .iter()
                .zip(turned)
                .map(|(without, with)| (*without).min(with.saturating_add(cost)).min(NEVER));
            let row = row.collect();
            least.push(row);
        }
        least.reverse();
        for (cost, _) in steps {
            sums.push(sums[sums.len() - 1].saturating_add(*cost));
        }
        Ring { width, classes, least, cut, sums }
    }

    /// Whether steps from a place on may bring the sum to where what they cost and what is then lost is below `room`.
    /// Nothing is lost `aim` away; `loss` grows to either side of it.
    pub fn may(&self, from: usize, room: i128, aim: i128, loss: impl Fn(i128) -> Option<i128>) -> bool {
        let full = self.sums[from].saturating_add(room);
        let steps = self.sums[from + 1..].iter().take_while(|sum| **sum < full).count();
        let blur = (self.width / 2 + 1) * steps as i128;
        let middle = (aim + self.width / 2).div_euclid(self.width);
        [-1_i128, 1].into_iter().any(|side| {
            let mut class = if side < 0 { middle } else { middle + 1 };
            for _ in 0..self.classes {
                let beside = class * self.width - aim;
                let away = (beside.abs() - blur).max(0) * beside.signum();
                let lost = if away == 0 { Some(0) } else { loss(aim + away) };
                let Some(lost) = lost.filter(|lost| *lost < room) else { return false };
                let cost = i128::from(self.least[from][place(class, self.classes)]) << self.cut;
                if lost + cost < room {
                    return true;
                }
                class += side;
            }
            false
        })
    }
}

fn place(class: i128, classes: usize) -> usize {
    usize::try_from(class.rem_euclid(classes as i128)).unwrap_or(0)
}
