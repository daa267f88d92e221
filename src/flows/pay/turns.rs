//! One at a time per payment, and a crowd shares one answer.
//!
//! A hundred notices about one payment need two questions, not a hundred: one that may have been under way before the
//! last of them came, and one that began after. A caller takes a ticket and waits for its turn; if by then somebody has
//! asked *and began after the ticket was taken*, that answer is as fresh as its own would be, and it takes that. An
//! answer to a question that began earlier is never shared: the news may have come in between.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::crash;
use crate::ids::PaymentId;

/// Turns by payment; a payment nobody asks about takes no room.
#[derive(Debug)]
pub(super) struct Turns<T>(Mutex<HashMap<PaymentId, Arc<Gate<T>>>>);

#[derive(Debug)]
struct Gate<T> {
    tickets: AtomicU64,
    /// The last answer, and the highest ticket that was out when its question began.
    last: tokio::sync::Mutex<Option<(u64, T)>>,
}

/// Forgets the gate when the last caller leaves, also one that is cancelled.
struct Visit<'a, T> {
    turns: &'a Turns<T>,
    payment: PaymentId,
    gate: Arc<Gate<T>>,
}

/// An answer, and whether this caller asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn<T> {
    pub(super) answer: T,
    pub(super) own: bool,
}

impl<T> Default for Turns<T> {
    fn default() -> Turns<T> {
        Turns(Mutex::default())
    }
}

impl<T: Clone + Send> Turns<T> {
    /// Waits for the payment's turn; then either takes an answer that is fresh enough, or asks.
    pub(super) async fn take<F: Future<Output = T>>(
        &self,
        payment: PaymentId,
        ask: impl FnOnce() -> F,
    ) -> Turn<T> {
        let visit = self.visit(payment);
        let ticket = visit.gate.tickets.fetch_add(1, Ordering::SeqCst) + 1;
        let mut last = crash::lock(&visit.gate.last).await;
        if let Some((covers, answer)) = last.as_ref()
            && *covers >= ticket
        {
            return Turn { answer: answer.clone(), own: false };
        }
        let covers = visit.gate.tickets.load(Ordering::SeqCst);
        let answer = ask().await;
        *last = Some((covers, answer.clone()));
        Turn { answer, own: true }
    }

    fn visit(&self, payment: PaymentId) -> Visit<'_, T> {
        let fresh = || Arc::new(Gate { tickets: AtomicU64::new(0), last: tokio::sync::Mutex::new(None) });
        let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let gate = gates.entry(payment).or_insert_with(fresh).clone();
        Visit { turns: self, payment, gate }
    }
}

impl<T> Drop for Visit<'_, T> {
    fn drop(&mut self) {
        let mut gates = self.turns.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The map's own handle and ours: nobody else waits.
        if Arc::strong_count(&self.gate) == 2 {
            gates.remove(&self.payment);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::time::Duration;

    use super::*;
    use crate::clock::{Clock, from_micros};
    use crate::ids::IdSource;

    #[tokio::test]
    async fn a_crowd_asks_twice_and_each_answer_is_younger_than_its_question() {
        let payment = IdSource::seeded(Clock::fixed(from_micros(0)), 1).mint();
        let turns: Turns<usize> = Turns::default();
        let (asked, arrived) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let visits = (0..100).map(|_| async {
            let before = asked.load(Ordering::SeqCst);
            arrived.fetch_add(1, Ordering::SeqCst);
            let turn = turns
                .take(payment, || async {
                    let nth = asked.fetch_add(1, Ordering::SeqCst) + 1;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    nth
                })
                .await;
            assert!(turn.answer > before, "an answer from before it came");
        });
        futures_util::future::join_all(visits).await;
        assert_eq!((arrived.into_inner(), asked.into_inner()), (100, 2));
        assert!(turns.0.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_caller_that_gives_up_leaves_nothing_behind() {
        let payment = IdSource::seeded(Clock::fixed(from_micros(0)), 1).mint();
        let turns: Turns<()> = Turns::default();
        let stuck = turns.take(payment, std::future::pending);
        assert!(tokio::time::timeout(Duration::from_millis(5), stuck).await.is_err());
        assert!(turns.0.lock().unwrap().is_empty());
        assert!(turns.take(payment, || async {}).await.own);
    }
}
