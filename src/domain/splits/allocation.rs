//! Shares meet bases: what each share comes to, to the minor unit.

use std::cmp::Reverse;

use rust_decimal::Decimal;

use crate::domain::fees::{Denomination, Figure};
use crate::money::{AllocationPolicy, Money, Rounding, allocate};

use super::error::SplitError;
use super::terms::{Share, ShareBase};

/// What percentages are taken of; all in the currency that is shared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bases {
    pub gross: Money,
    pub net: Money,
    pub received: Money,
}

/// What the shares come to, and how, in words.
#[derive(Debug)]
pub(super) struct Allocated {
    pub amounts: Vec<Money>,
    pub explained: Vec<String>,
}

/// A percentage that neither its cap nor its minimum settles.
struct Loose {
    index: usize,
    exact: Decimal,
    of: ShareBase,
}

impl Bases {
    fn of(&self, base: ShareBase) -> (Money, &'static str) {
        match base {
            ShareBase::Net => (self.net, "net"),
            ShareBase::Gross => (self.gross, "gross"),
            ShareBase::Received => (self.received, "received"),
        }
    }
}

/// Divides `bases.net`; the amounts come in the order of `shares` and never exceed it. `first` is the index of the
/// first share in the request, for errors; `borne` is what the suppliers bear of the gateway's fee.
pub(super) fn allocate_shares(
    shares: &[&Share],
    bases: &Bases,
    borne: Money,
    denomination: Denomination,
    policy: AllocationPolicy,
    first: usize,
) -> Result<Allocated, SplitError> {
    let currency = bases.net.currency();
    let mut amounts = vec![Money::zero(currency); shares.len()];
    let mut explained = vec![String::new(); shares.len()];
    let mut loose = Vec::new();
    let mut minimum_used = None;
    let mut remainder = None;
    let money = |index: usize, key: &str, figure: &Figure| {
        let param = format!("splits[{}].share.{key}", first + index);
        figure.money(denomination).map_err(|source| SplitError::Figure { param, source })
    };
    for (index, share) in shares.iter().enumerate() {
        match share {
            Share::Fixed(fixed) => {
                amounts[index] = money(index, "fixed", fixed)?;
                explained[index] = format!("fixed {}", amounts[index].amount());
            }
            Share::Percent { percent, of, cap, minimum } => {
                let (base, name) = bases.of(*of);
                let exact = base.percent(*percent)?.value();
                let cap = cap.as_ref().map(|cap| money(index, "cap", cap)).transpose()?;
                let minimum = minimum.as_ref().map(|least| money(index, "minimum", least)).transpose()?;
                let terms = format!("{percent} × {name} {} = {}", base.amount(), exact.normalize());
                if let Some(least) = minimum.filter(|least| exact < least.amount()) {
                    amounts[index] = least;
                    explained[index] = format!("{terms}, at least {}", least.amount());
                    minimum_used.get_or_insert((first + index, least));
                } else if let Some(most) = cap.filter(|most| exact > most.amount()) {
                    amounts[index] = most;
                    explained[index] = format!("{terms}, at most {}", most.amount());
                } else {
                    explained[index] = terms;
                    loose.push(Loose { index, exact, of: *of });
                }
            }
            Share::Remainder => remainder = Some(index),
        }
    }
    let settled = Money::sum(currency, amounts.iter().copied())?;
    let exact: Decimal = loose.iter().map(|share| share.exact).sum();
    let free = bases.net.checked_sub(settled)?;
    let exceeds = |shares: Money| match minimum_used {
        Some((index, minimum)) => SplitError::MinimumExceedsNet { index, minimum, net: bases.net },
        None => SplitError::SharesExceedNet { shares, net: bases.net },
    };
    // What the others leave for the remainder; where they leave less than nothing it gets nothing.
    let left = free.amount() - exact;
    if let Some(index) = remainder.filter(|_| left >= Decimal::ZERO) {
        let weights: Vec<Decimal> = loose.iter().map(|share| share.exact).chain([left]).collect();
        let order: Vec<usize> = loose.iter().map(|share| share.index).chain([index]).collect();
        spread_in_order(free, &weights, &order, policy, &mut amounts);
    } else {
        // By the exact amounts, not by the percentages' part in the pool: that would make 547 of a share of 548.18.
        let weights: Vec<Decimal> = loose.iter().map(|share| share.exact).collect();
        let order: Vec<usize> = loose.iter().map(|share| share.index).collect();
        spread_in_order(round_down(exact, free), &weights, &order, policy, &mut amounts);
    }
    for share in &loose {
        if amounts[share.index].amount() != share.exact {
            explained[share.index] =
                format!("{} → {}", explained[share.index], amounts[share.index].amount());
        }
    }
    let total = Money::sum(currency, amounts.iter().copied())?;
    let excess = total.checked_sub(bases.net)?;
    if excess.is_positive() {
        let of_gross = loose.iter().filter(|share| share.of != ShareBase::Net).map(|share| share.index);
        let of_gross: Vec<usize> = of_gross.collect();
        let there = Money::sum(currency, of_gross.iter().map(|&index| amounts[index]))?;
        if excess.minor() > borne.minor().min(there.minor()) {
            return Err(exceeds(total));
        }
        cut(excess, &of_gross, &mut amounts, &mut explained)?;
    }
    if let Some(index) = remainder {
        let others = Money::sum(currency, amounts.iter().copied())?.checked_sub(amounts[index])?;
        explained[index] = left_over(bases.net, others, amounts[index]);
    }
    Ok(Allocated { amounts, explained })
}

/// `what the others leave of net 85.10 − 20.00 = 65.10`; minor units that the policy gives to the platform show.
fn left_over(net: Money, others: Money, share: Money) -> String {
    let text = format!("what the others leave of net {}", net.amount());
    let left = net.amount() - others.amount();
    match (others.is_zero(), left == share.amount()) {
        (true, true) => text,
        (_, true) => format!("{text} − {} = {left}", others.amount()),
        (_, false) => format!(
            "{text} − {} = {left}, less {} that rounding down leaves with the platform = {}",
            others.amount(),
            left - share.amount(),
            share.amount()
        ),
    }
}

/// Divides `pool` by exact amounts that sum to it, or to less than one minor unit more, in the order of the request.
fn spread_in_order(
    pool: Money,
    exact: &[Decimal],
    order: &[usize],
    policy: AllocationPolicy,
    amounts: &mut [Money],
) {
    let mut parts: Vec<(usize, Money, Decimal)> = exact
        .iter()
        .zip(order)
        .map(|(exact, &index)| {
            let floor = round_down(*exact, pool);
            (index, floor, *exact - floor.amount())
        })
        .collect();
    let mut left = parts.iter().fold(pool.minor(), |left, (_, floor, _)| left - floor.minor());
    parts.sort_by_key(|(index, ..)| *index);
    for &(index, floor, _) in &parts {
        amounts[index] = floor;
    }
    match policy {
        AllocationPolicy::LargestRemainder => parts.sort_by_key(|part| Reverse(part.2)),
        AllocationPolicy::FloorThenFirst => {}
        AllocationPolicy::PlatformTakesRemainder => parts.clear(),
    }
    for (index, floor, fraction) in parts {
        let nothing = floor.is_zero() && fraction.is_zero();
        if left > 0 && !nothing {
            amounts[index] = Money::from_minor(floor.minor() + 1, floor.currency());
            left -= 1;
        }
    }
}

/// Takes the suppliers' part of the fee off shares that are not of net.
fn cut(
    excess: Money,
    indexes: &[usize],
    amounts: &mut [Money],
    explained: &mut [String],
) -> Result<(), SplitError> {
    let weights: Vec<Decimal> = indexes.iter().map(|&index| amounts[index].minor().into()).collect();
    let (parts, _) = allocate(excess, &weights, AllocationPolicy::LargestRemainder)?;
    for (&index, part) in indexes.iter().zip(parts) {
        amounts[index] = amounts[index].checked_sub(part)?;
        explained[index] = format!("{}, less {} of the gateway's fee", explained[index], part.amount());
    }
    Ok(())
}

/// Exact amounts here are sums of percentages of checked money, so that they fit; one that does not would exceed
/// every net and be refused.
fn round_down(exact: Decimal, like: Money) -> Money {
    let value = Rounding::Down.apply(exact, like.currency().exponent());
    Money::try_new(value, like.currency()).unwrap_or(Money::from_minor(Money::INPUT_LIMIT, like.currency()))
}
