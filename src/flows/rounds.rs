//! A round of questions to gateways: account beside account, a few at a time at each.
//!
//! Oldest first, so that nothing starves; a few at a time per account, so that an outage does not end in a storm; each
//! account by itself, so that one gateway that does not answer holds up no other. An account that stays silent several
//! times in a row is left alone for that round, and the next one begins further along, so that a few that can never be
//! answered do not hide the rest.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};

use crate::ids::GatewayAccountId;

/// Calls under way at one account.
const AT_ONCE: usize = 8;
/// After so many silences in a row an account is left alone for this round.
const PATIENCE: usize = 8;

/// One piece of work.
pub(super) type Work = BoxFuture<'static, Result<(), InVain>>;

/// Why a piece of work came to nothing.
#[derive(Debug)]
pub(super) struct InVain {
    /// Only a gateway's own silence is a reason to leave it alone.
    pub silent: bool,
    /// In words, for the log.
    pub why: String,
}

/// How a round went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Round {
    /// Pieces of work there were.
    pub of: usize,
    /// Pieces of work that were taken up.
    pub tried: usize,
    /// Of these, in vain.
    pub failed: usize,
}

impl Round {
    /// Both together.
    pub fn and(self, other: Round) -> Round {
        Round { of: self.of + other.of, tried: self.tried + other.tried, failed: self.failed + other.failed }
    }
}

/// Where the next round begins, after one that ran out of patience.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    first: AtomicUsize,
    one_by_one: bool,
}

impl Rounds {
    /// Everything one after the other, also account after account: for whoever schedules each step himself.
    pub fn one_by_one() -> Rounds {
        Rounds { one_by_one: true, ..Rounds::default() }
    }

    /// Does each piece of work, account beside account.
    pub async fn go<T: Send>(
        &self,
        mut work: Vec<(GatewayAccountId, T)>,
        each: impl Fn(T) -> Work + Sync,
    ) -> Round {
        let of = work.len();
        let first = self.first.load(Ordering::Relaxed) % work.len().max(1);
        work.rotate_left(first);
        let mut by_account: BTreeMap<GatewayAccountId, Vec<T>> = BTreeMap::new();
        for (account, piece) in work {
            by_account.entry(account).or_default().push(piece);
        }
        let (abreast, accounts) = if self.one_by_one { (1, 1) } else { (AT_ONCE, by_account.len()) };
        let rounds = by_account.into_iter().map(|(account, pieces)| at_one(account, pieces, abreast, &each));
        let tallies: Vec<Tally> = stream::iter(rounds).buffered(accounts.max(1)).collect().await;
        let broken = tallies.iter().any(Tally::out_of_patience);
        self.first.store(if broken { first + PATIENCE } else { 0 }, Ordering::Relaxed);
        tallies.into_iter().fold(Round { of, tried: 0, failed: 0 }, |sum, tally| Round {
            of: sum.of,
            tried: sum.tried + tally.tried.into_inner(),
            failed: sum.failed + tally.failed.into_inner(),
        })
    }
}

/// The work of one account, a few pieces at a time.
async fn at_one<T>(
    account: GatewayAccountId,
    pieces: Vec<T>,
    abreast: usize,
    each: impl Fn(T) -> Work,
) -> Tally {
    let tally = Tally::default();
    stream::iter(pieces)
        .for_each_concurrent(abreast, |piece| {
            let (tally, work) = (&tally, (!tally.out_of_patience()).then(|| each(piece)));
            async move {
                let Some(work) = work else { return };
                let outcome = work.await;
                if let Err(InVain { why, .. }) = &outcome {
                    tracing::debug!(account = %account, why, "in vain");
                }
                tally.count(&outcome);
            }
        })
        .await;
    let failed = tally.failed.load(Ordering::Relaxed);
    if failed > 0 {
        tracing::warn!(account = %account, failed, "questions in vain; they are asked again later");
    }
    tally
}

/// How a round goes at one account.
#[derive(Debug, Default)]
struct Tally {
    tried: AtomicUsize,
    failed: AtomicUsize,
    silences: AtomicUsize,
}

impl Tally {
    fn out_of_patience(&self) -> bool {
        self.silences.load(Ordering::Relaxed) >= PATIENCE
    }

    fn count(&self, outcome: &Result<(), InVain>) {
        self.tried.fetch_add(1, Ordering::Relaxed);
        match outcome {
            Ok(()) => self.silences.store(0, Ordering::Relaxed),
            Err(InVain { silent, .. }) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                self.silences.fetch_add(usize::from(*silent), Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, from_micros};
    use crate::ids::IdSource;
    use futures_util::FutureExt;
    use std::sync::{Arc, Mutex};

    #[tokio::test]
    async fn a_silent_account_is_left_alone_and_holds_up_no_other() {
        let ids = IdSource::seeded(Clock::fixed(from_micros(0)), 1);
        let (silent, talking): (GatewayAccountId, GatewayAccountId) = (ids.mint(), ids.mint());
        let work =
            || (0..100).map(|nth| (if nth % 2 == 0 { silent } else { talking }, nth)).collect::<Vec<_>>();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let each = |nth: i32| {
            let asked = asked.clone();
            async move {
                asked.lock().unwrap().push(nth);
                if nth % 2 == 0 { Err(InVain { silent: true, why: "no answer".into() }) } else { Ok(()) }
            }
            .boxed()
        };
        let rounds = Rounds::default();
        let round = rounds.go(work(), each).await;
        assert_eq!(round.tried - round.failed, 50, "the other account's are all answered");
        assert!((PATIENCE..2 * PATIENCE).contains(&round.failed), "{round:?}");
        let seen = std::mem::take(&mut *asked.lock().unwrap());
        rounds.go(work(), each).await;
        let further = asked.lock().unwrap().iter().any(|nth| nth % 2 == 0 && !seen.contains(nth));
        assert!(further, "the next round begins further along");
    }
}
