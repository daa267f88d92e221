//! Telling merchants what happened: webhooks by Standard Webhooks 1.0.0.
//!
//! Events are written with what they tell of. [`Webhooks::hand_on`] walks them in the order in which they were written,
//! from one place kept in the database, and makes a delivery for every endpoint that wants one in the same change that
//! moves the place on: each event meets each endpoint exactly once, whichever process does it. [`Webhooks::run`] sends
//! what is due: leased, signed anew for each try, a few at a time for each endpoint, so that one that is slow or dead
//! holds up no other. A process that dies between the call and its record makes the same event come again, under the
//! same id: at least once.

mod deliver;
mod door;
mod endpoints;
mod hand_on;
mod narrow;
mod sign;
mod target;
mod view;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::{Notify, Semaphore};

use crate::clock::Clock;
use crate::domain::orders::Holder;
use crate::ids::{IdSource, WebhookEndpointId};
use crate::store::{CommitError, Store, StoreError};
use crate::vault::{Vault, VaultError};

use super::pay::Sending;

pub use door::{Answered, Door, Names, SystemNames};
pub use endpoints::{ENDPOINTS_MOST, EndpointEdit, NewEndpoint};
pub use sign::signed;
pub use target::{Reach, TargetError};
pub use view::EventView;

/// Why something about webhooks was not done.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// No such thing of this merchant.
    #[error("there is no such {0}")]
    Unknown(&'static str),
    /// The address is not called.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// Enough endpoints.
    #[error("a merchant has at most {ENDPOINTS_MOST} endpoints; delete one that is not used")]
    TooMany,
    /// The endpoint hears nothing.
    #[error("the endpoint is disabled; enable it first")]
    Disabled,
    /// Receivers were promised that the secret before signs until then.
    #[error(
        "the secret before this one signs until {}; a third would end that early: rotate again after it, or with \
         `overlap_hours` 0, which ends both old secrets at once", .0.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    )]
    Rotating(DateTime<Utc>),
    /// The event is no longer there, or what was kept cannot be read.
    #[error("{0}")]
    Broken(String),
    /// Refused by the database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Refused by the writer.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The secrets do not open.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// What the flow works with.
#[derive(Debug)]
pub struct Parts {
    /// The database.
    pub store: Store,
    /// Due times by business time, signatures and leases by the wall.
    pub clock: Clock,
    /// Ids, secrets, jitter.
    pub ids: IdSource,
    /// Secrets at rest.
    pub vault: Vault,
    /// Whose leases these are.
    pub holder: Holder,
    /// The way out.
    pub door: Door,
}

/// Webhooks of one program; clones share them.
#[derive(Debug, Clone)]
pub struct Webhooks(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parts: Parts,
    /// Calls under way by endpoint.
    busy: Mutex<HashMap<WebhookEndpointId, usize>>,
    /// Room for calls to all endpoints together.
    room: Arc<Semaphore>,
    /// Something may be due, or a call has ended.
    bell: Notify,
    /// Nothing is held back since a restore: so it stays while this program runs.
    free: AtomicBool,
    /// Endpoints of before hear no more than their makers may.
    narrowed: AtomicBool,
}

/// Calls to all endpoints at the same time. A call lasts seconds at most, and an endpoint has few of them.
const ABREAST: usize = 256;

impl Webhooks {
    /// Over its parts.
    pub fn new(parts: Parts) -> Webhooks {
        let (busy, room, bell) = (Mutex::default(), Arc::new(Semaphore::new(ABREAST)), Notify::new());
        let (free, narrowed) = (AtomicBool::new(false), AtomicBool::new(false));
        Webhooks(Arc::new(Inner { parts, busy, room, bell, free, narrowed }))
    }

    /// Whether nothing may be told yet. After a restore the gateways are asked first: what the backup remembers may have
    /// come otherwise since.
    async fn held(&self) -> Result<bool, WebhookError> {
        if self.0.free.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let restored = self.parts().store.restored().await?;
        let held = Sending::after(restored.map(|restored| restored.value.phase)) == Sending::Held;
        self.0.free.store(!held, Ordering::Relaxed);
        Ok(held)
    }

    fn busy(&self) -> MutexGuard<'_, HashMap<WebhookEndpointId, usize>> {
        self.0.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn parts(&self) -> &Parts {
        &self.0.parts
    }
}
