//! What it takes at least to bring the use of one resource to where it should be: over classes of amounts, since the
//! exact sums are too many. A lower bound by which most sets of departures need not be tried.
//!
//! Classes lie on a ring: what goes beyond its end comes in at the other, which only makes more seem possible.

/// A departure as this resource sees it: what it adds, and by how much it moves the use.
pub type Move = (i128, i64);

/// Entries of a table.
const MOST: usize = 2_000_000;
/// Entries that are made in the time of a try.
const OF_A_TRY: usize = 40;
/// Fewer moves are tried without a table.
const FEW: usize = 10;
/// Classes of a block.
const BLOCK: usize = 64;
/// Not to be reached.
const FAR: u32 = u32::MAX / 2;

/// Least additions by which the moves from one place on shift the use, class by class.
#[derive(Debug)]
pub struct Reach {
    /// Width of a class.
    width: i64,
    /// Classes to either side of none.
    side: i64,
    /// A row for each place, the last for no move at all.
    rows: Vec<u32>,
    /// The least of each block of a row: most blocks need not be looked into.
    blocks: Vec<u32>,
    /// Additions are kept in units of 2 to this, rounded down.
    shift: u32,
    /// Sums of what the moves before a place add.
    before: Vec<i128>,
}

impl Reach {
    /// A table for moves in the order of what they add, worth so many tries; none where there are few.
    pub fn new(moves: &[Move], need: i64, tries: usize) -> Option<Reach> {
        if moves.len() < FEW {
            return None;
        }
        let entries = MOST.min(tries.saturating_mul(OF_A_TRY));
        let classes = (entries / (moves.len() + 1)).clamp(256, 32_768);
        let side = i64::try_from(classes / 2).unwrap_or(1);
        let largest = moves.iter().map(|(_, by)| by.saturating_abs()).max().unwrap_or(0);
        let range = need.saturating_abs().saturating_add(largest.saturating_mul(2));
        let width = (range / side).max(1);
        let columns = usize::try_from(2 * side + 1).unwrap_or(1);
        let dearest = moves.iter().map(|(adds, _)| *adds).max().unwrap_or(0);
        let shift = (128 - dearest.leading_zeros()).saturating_sub(28);
        let round = 2 * side + 1;
        let mut rows = vec![FAR; columns * (moves.len() + 1)];
        rows[columns * moves.len()] = 0;
        for (place, (adds, by)) in moves.iter().enumerate().rev() {
            let adds = u32::try_from(adds >> shift).unwrap_or(FAR).min(FAR);
            let class = nearest(*by, width);
            let (earlier, later) = rows.split_at_mut(columns * (place + 1));
            let (row, next) = (&mut earlier[columns * place..], &later[..columns]);
            for (column, least) in row.iter_mut().enumerate() {
                let from = i64::try_from(column).unwrap_or(0) - class;
                let from = next[usize::try_from(from.rem_euclid(round)).unwrap_or(0)];
                *least = next[column].min(from.saturating_add(adds)).min(FAR);
            }
        }
        let mut before = vec![0_i128; moves.len() + 1];
        for (place, (adds, _)) in moves.iter().enumerate() {
            before[place + 1] = before[place].saturating_add(*adds);
        }
        let least = |block: &[u32]| block.iter().copied().min().unwrap_or(FAR);
        let blocks = rows.chunks(columns).flat_map(|row| row.chunks(BLOCK).map(least)).collect();
        Some(Reach { width, side, rows, blocks, shift, before })
    }

    /// Whether moves from a place on could make the use lose, with what they add, less than `room`. `aim`: the shift at
    /// which nothing is lost; `loss`: of a shift, growing to either side of it.
    pub fn allows(&self, place: usize, room: i128, aim: i64, loss: impl Fn(i64) -> i128) -> bool {
        // So many moves at most add less than the room; each is off its class by half a width at most.
        let most = self.before[place].saturating_add(room);
        let count = self.before[place..].partition_point(|sum| *sum < most).saturating_sub(1);
        let off = (self.width / 2 + 1).saturating_mul(i64::try_from(count).unwrap_or(0));
        let columns = usize::try_from(2 * self.side + 1).unwrap_or(1);
        let row = &self.rows[columns * place..columns * (place + 1)];
        let in_row = columns.div_ceil(BLOCK);
        let blocks = &self.blocks[in_row * place..in_row * (place + 1)];
        let adds = |least: u32| i128::from(least) << self.shift;
        // From the aim outwards, until the loss alone is too much.
        let middle = nearest(aim, self.width);
        for up in [false, true] {
            let mut class = if up { middle + 1 } else { middle };
            let mut seen = 0;
            while seen < columns {
                let shift = class.saturating_mul(self.width);
                let away = (shift - aim).abs().saturating_sub(off).max(0);
                let lost = if away == 0 { 0 } else { loss(aim + (shift - aim).signum() * away) };
                if lost >= room {
                    break;
                }
                let column = usize::try_from(class.rem_euclid(2 * self.side + 1)).unwrap_or(0);
                // What lies further out loses no less: a block that adds too much here does so throughout.
                let (block, begins) =
                    (column / BLOCK, if up { column } else { column + 1 }.is_multiple_of(BLOCK));
                let step = if begins && (block + 1) * BLOCK <= columns && lost + adds(blocks[block]) >= room {
                    BLOCK
                } else if lost + adds(row[column]) < room {
                    return true;
                } else {
                    1
                };
                class += if up { 1 } else { -1 } * i64::try_from(step).unwrap_or(1);
                seen += step;
            }
        }
        false
    }
}

fn nearest(by: i64, width: i64) -> i64 {
    (by + width / 2).div_euclid(width)
}
