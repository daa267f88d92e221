//! Whether calls that move or promise money may be made. They may not after a restore, until the gateways were asked what
//! became of everything that was open: what the backup does not know may have been done already.

use std::sync::atomic::{AtomicU8, Ordering};

use super::{Pay, PayError};
use crate::store::restored::Phase;

/// What may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sending {
    /// Everything.
    Free,
    /// Everything, but a payment is asked about before money of it goes back.
    AskFirst,
    /// Nothing: questions only.
    Held,
}

impl Sending {
    /// What may be sent on a database whose restore has come so far; `None` for one that was not restored.
    pub fn after(restore: Option<Phase>) -> Sending {
        match restore {
            None | Some(Phase::Done) => Sending::Free,
            Some(Phase::Payments) => Sending::AskFirst,
            Some(Phase::Loading | Phase::Intents) => Sending::Held,
        }
    }
}

/// One for all flows of a program.
#[derive(Debug, Default)]
pub(super) struct Gate(AtomicU8);

impl Pay {
    /// Says what may be sent from here on.
    pub fn let_send(&self, sending: Sending) {
        let word = match sending {
            Sending::Free => 0,
            Sending::AskFirst => 1,
            Sending::Held => 2,
        };
        self.0.gate.0.store(word, Ordering::SeqCst);
    }

    /// What may be sent.
    pub fn sending(&self) -> Sending {
        match self.0.gate.0.load(Ordering::SeqCst) {
            0 => Sending::Free,
            1 => Sending::AskFirst,
            _ => Sending::Held,
        }
    }

    /// While not everything may be sent: looks whether another instance has come further, and says what may be sent.
    ///
    /// # Errors
    /// [`PayError::Unavailable`].
    pub async fn look_again(&self) -> Result<Sending, PayError> {
        if self.sending() != Sending::Free {
            let restored = self.0.store.restored().await?;
            self.let_send(Sending::after(restored.map(|restored| restored.value.phase)));
        }
        Ok(self.sending())
    }

    /// Refuses what would be sent while nothing may be.
    ///
    /// # Errors
    /// [`PayError::Held`].
    pub fn may_send(&self) -> Result<(), PayError> {
        match self.sending() {
            Sending::Free | Sending::AskFirst => Ok(()),
            Sending::Held => Err(PayError::Held),
        }
    }
}
