//! What a deal closes, and at what result.

use std::collections::VecDeque;

use crate::ids::TransactionId;
use crate::money::{Currency, Money, MoneyError};

use super::lot::Lot;
use super::pair::Pair;

/// How many closings one deal makes at most: they are written in one piece with it.
pub const DEAL_LOTS: usize = 5_000;
/// How many of them are of lots that meet among themselves; what has not met by then meets with the next deal.
const MEETINGS: usize = 4_000;

/// What a deal is meant to close.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Covers {
    /// The oldest first.
    Oldest {
        /// Whether it may leave a position of our own: on the wrong side, or by what it exceeds what is open.
        own: bool,
    },
    /// Exactly what these transactions left.
    Named(Vec<TransactionId>),
}

/// Two lots that met, for as much as both had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// In which pair.
    pub pair: Pair,
    /// The earlier lot.
    pub lot: TransactionId,
    /// Its number.
    pub lot_number: i64,
    /// The payment it is about.
    pub subject: Option<String>,
    /// The later one; `None`: the deal itself.
    pub by: Option<(TransactionId, i64)>,
    /// How much of the base was closed, above zero.
    pub base: Money,
    /// The earlier lot's part of its quote; below zero where it was bought.
    pub lot_quote: Money,
    /// The later lot's.
    pub by_quote: Money,
}

impl Closing {
    /// The result: what it brought less what it cost; a loss is below zero.
    ///
    /// # Errors
    /// [`MoneyError`].
    pub fn realized(&self) -> Result<Money, MoneyError> {
        self.lot_quote.checked_add(self.by_quote)
    }
}

/// Everything a deal closes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// Lot by lot.
    pub closings: Vec<Closing>,
    /// What is still open of the lots that were open before.
    pub left: Vec<Lot>,
    /// What of the deal closed nothing: a position of our own.
    pub own: Lot,
}

impl Closed {
    /// Gains and losses of a pair's result, each zero or above: `(gain, loss)`, in each currency that has one.
    ///
    /// # Errors
    /// [`MoneyError`].
    pub fn results(&self) -> Result<Vec<(Pair, Money, Money)>, MoneyError> {
        let mut results: Vec<(Pair, Money, Money)> = Vec::new();
        for closing in &self.closings {
            let realized = closing.realized()?;
            if realized.is_zero() {
                continue;
            }
            let nothing = Money::zero(realized.currency());
            let place = results.iter().position(|(pair, ..)| *pair == closing.pair).unwrap_or(results.len());
            if place == results.len() {
                results.push((closing.pair, nothing, nothing));
            }
            let (_, gain, loss) = &mut results[place];
            if realized.is_positive() {
                *gain = gain.checked_add(realized)?;
            } else {
                *loss = loss.checked_add(realized.abs())?;
            }
        }
        Ok(results)
    }
}

/// Why a deal does not fit what is open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CoverError {
    /// Nothing of it would reduce the position.
    #[error(
        "this deal would add to the position: {pair} stands at {open}; swap `sold` and `bought` if they are the wrong way round, or send `own_position: true` if it is meant"
    )]
    WrongSide {
        /// The pair.
        pair: Pair,
        /// Its open position; below zero: short.
        open: Money,
    },
    /// It is larger than the position.
    #[error(
        "only {open} is open in {pair} and the deal is over {deal}; send `own_position: true` if the rest is a position of your own"
    )]
    TooLarge {
        /// The pair.
        pair: Pair,
        /// The open position, without its sign.
        open: Money,
        /// The deal's amount of the base.
        deal: Money,
    },
    /// What is named is not open.
    #[error("{0} left nothing that is open in this pair and on the side that this deal closes")]
    NotOpen(TransactionId),
    /// What is named does not come to the deal.
    #[error(
        "what `covers` names comes to {named} and the deal is over {deal}; name what comes to exactly the deal"
    )]
    DoesNotSum {
        /// The sum of the named lots.
        named: Money,
        /// The deal's amount of the base.
        deal: Money,
    },
    /// Something is named twice.
    #[error("{0} is named twice")]
    Twice(TransactionId),
    /// It would close too much at once.
    #[error("it would close more than {DEAL_LOTS} lots at once; record it in parts or name what it covers")]
    TooMany,
    /// The sums do not fit.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// What a deal closes of what is open, in booking order.
///
/// Lots of opposite signs meet the oldest first, whoever left them, the deal last: so a refund's mirror meets what it
/// mirrors. Where more of them stand against each other than one deal can write, the rest stays open and the deal closes
/// the oldest on the other side of it. An amount without a cost is a result by itself.
///
/// # Errors
/// [`CoverError`].
pub fn close(open: Vec<Lot>, mut deal: Lot, covers: &Covers) -> Result<Closed, CoverError> {
    let mut closings = Vec::new();
    let (own, mut left): (Vec<Lot>, Vec<Lot>) = open.into_iter().partition(|lot| lot.pair == deal.pair);
    match covers {
        Covers::Named(named) => left.extend(close_named(own, &mut deal, named, &mut closings)?),
        Covers::Oldest { own: may_own } => {
            if !may_own {
                fits(&own, &deal)?;
            }
            let mut queue: VecDeque<Lot> = VecDeque::new();
            for lot in own {
                meet(&mut queue, lot, &mut closings)?;
            }
            take_oldest(&mut queue, &mut deal, &mut closings)?;
            left.extend(queue);
            left.retain(|lot| {
                let closes = lot.pair.is_alone() && closings.len() < DEAL_LOTS;
                if closes {
                    closings.push(alone_closing(lot));
                }
                !closes
            });
        }
    }
    if closings.len() > DEAL_LOTS {
        return Err(CoverError::TooMany);
    }
    left.sort_by_key(|lot| lot.number);
    Ok(Closed { closings, left, own: deal })
}

fn fits(own: &[Lot], deal: &Lot) -> Result<(), CoverError> {
    let pair = deal.pair;
    let open = Money::sum(pair.base(), own.iter().map(|lot| lot.base))?;
    if open.is_zero() || open.is_negative() == deal.base.is_negative() {
        return Err(CoverError::WrongSide { pair, open });
    }
    let (open, deal) = (open.abs(), deal.base.abs());
    if deal.minor() > open.minor() {
        return Err(CoverError::TooLarge { pair, open, deal });
    }
    Ok(())
}

/// Exactly the named lots, whole.
fn close_named(
    mut own: Vec<Lot>,
    deal: &mut Lot,
    named: &[TransactionId],
    closings: &mut Vec<Closing>,
) -> Result<Vec<Lot>, CoverError> {
    if let Some(twice) = named.iter().enumerate().find(|(at, id)| named[..*at].contains(id)) {
        return Err(CoverError::Twice(*twice.1));
    }
    let against = |lot: &Lot| !lot.base.is_zero() && lot.base.is_negative() != deal.base.is_negative();
    let mut sum = Money::zero(deal.pair.base());
    for id in named {
        let lot = own.iter().find(|lot| lot.transaction == *id && against(lot));
        sum = sum.checked_add(lot.ok_or(CoverError::NotOpen(*id))?.base.abs())?;
    }
    if sum != deal.base.abs() {
        return Err(CoverError::DoesNotSum { named: sum, deal: deal.base.abs() });
    }
    for lot in own.iter_mut().filter(|lot| named.contains(&lot.transaction)) {
        pair_off(lot, deal, true, closings)?;
    }
    own.retain(|lot| !lot.base.is_zero());
    Ok(own)
}

/// A lot joins the queue once it has met what stands against it there: the queue has one sign, until the meetings of one
/// deal are made.
fn meet(queue: &mut VecDeque<Lot>, mut lot: Lot, closings: &mut Vec<Closing>) -> Result<(), MoneyError> {
    while !lot.base.is_zero() && closings.len() < MEETINGS {
        let Some(front) = queue.front_mut() else { break };
        if front.base.is_negative() == lot.base.is_negative() {
            break;
        }
        pair_off(front, &mut lot, false, closings)?;
        if front.base.is_zero() {
            queue.pop_front();
        }
    }
    if !lot.base.is_zero() || !lot.quote.is_zero() {
        queue.push_back(lot);
    }
    Ok(())
}

/// The deal closes what stands against it, the oldest first.
fn take_oldest(
    queue: &mut VecDeque<Lot>,
    deal: &mut Lot,
    closings: &mut Vec<Closing>,
) -> Result<(), MoneyError> {
    let side = deal.base.is_negative();
    for lot in queue.iter_mut().filter(|lot| lot.base.is_negative() != side) {
        if deal.base.is_zero() {
            break;
        }
        pair_off(lot, deal, true, closings)?;
    }
    queue.retain(|lot| !lot.base.is_zero() || !lot.quote.is_zero());
    Ok(())
}

/// Two lots of opposite signs meet for as much as both have.
fn pair_off(
    lot: &mut Lot,
    by: &mut Lot,
    is_deal: bool,
    closings: &mut Vec<Closing>,
) -> Result<(), MoneyError> {
    let base = lot.base.abs().min(by.base.abs())?;
    closings.push(Closing {
        pair: lot.pair,
        lot: lot.transaction,
        lot_number: lot.number,
        subject: lot.subject.clone(),
        by: (!is_deal).then_some((by.transaction, by.number)),
        base,
        lot_quote: lot.take(base)?,
        by_quote: by.take(base)?,
    });
    Ok(())
}

/// An amount without a cost is gained (or lost) whole.
fn alone_closing(lot: &Lot) -> Closing {
    let currency: Currency = lot.pair.base();
    Closing {
        pair: lot.pair,
        lot: lot.transaction,
        lot_number: lot.number,
        subject: lot.subject.clone(),
        by: None,
        base: lot.base.abs(),
        lot_quote: lot.base,
        by_quote: Money::zero(currency),
    }
}
