//! One bill of an account at a time. Each holds all facts of its days while it is read, a million of them if they are as
//! many; and of two at once the second finds little but what the first has not booked yet.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

use crate::ids::GatewayAccountId;

/// Whose turn it is, account by account.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<GatewayAccountId, Arc<tokio::sync::Mutex<()>>>>);

impl Turns {
    /// Waits for the runs of this account that came before; the turn ends with the guard.
    pub(super) async fn of(&self, account: GatewayAccountId) -> OwnedMutexGuard<()> {
        self.queue(account).lock_owned().await
    }

    fn queue(&self, account: GatewayAccountId) -> Arc<tokio::sync::Mutex<()>> {
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        queues.entry(account).or_default().clone()
    }
}
