//! Keys that were used lately: a request with a known key costs no question to the database.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::domain::access::{ApiKey, KeyHash};
use crate::ids::KeyId;
use crate::store::{Store, StoreError};

/// Keys by hash. A key revoked elsewhere is believed for at most [`KeyRing::MEMORY`]; one revoked here, not at all.
/// It holds keys that exist only, so it is as large as the table of keys at most.
#[derive(Debug, Default)]
pub struct KeyRing {
    known: RwLock<HashMap<KeyHash, Known>>,
}

#[derive(Debug)]
struct Known {
    key: Arc<ApiKey>,
    read_at: Instant,
    /// Microseconds since 1970, in business time.
    used_us: AtomicI64,
}

impl KeyRing {
    /// How long a key is remembered.
    pub const MEMORY: Duration = Duration::from_secs(5);

    /// Finds a key that is not revoked, and notes that it was used.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find(
        &self,
        store: &Store,
        hash: KeyHash,
        now: DateTime<Utc>,
    ) -> Result<Option<Arc<ApiKey>>, StoreError> {
        if let Some(key) = self.remembered(&hash, now) {
            return Ok(Some(key));
        }
        let found = store.key_by_hash(hash).await?.filter(|key| key.revoked_at.is_none()).map(Arc::new);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        match &found {
            Some(key) => {
                let used_us = AtomicI64::new(now.timestamp_micros());
                known.insert(hash, Known { key: key.clone(), read_at: Instant::now(), used_us });
            }
            None => {
                known.remove(&hash);
            }
        }
        Ok(found)
    }

    /// Whether this was a key when it was last looked up, however long ago.
    pub fn knows(&self, hash: &KeyHash) -> bool {
        self.known.read().unwrap_or_else(PoisonError::into_inner).contains_key(hash)
    }

    /// A key that was looked up a moment ago; notes that it was used.
    pub fn remembered(&self, hash: &KeyHash, now: DateTime<Utc>) -> Option<Arc<ApiKey>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let found = known.get(hash).filter(|known| known.read_at.elapsed() < KeyRing::MEMORY)?;
        found.used_us.store(now.timestamp_micros(), Ordering::Relaxed);
        Some(found.key.clone())
    }

    /// Forgets a key.
    pub fn forget(&self, key: &ApiKey) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).remove(&key.hash);
    }

    /// When a key was last used in this process; nothing is written for it.
    pub fn last_used(&self, key: KeyId) -> Option<DateTime<Utc>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let used = known.values().find(|known| known.key.id == key)?.used_us.load(Ordering::Relaxed);
        DateTime::from_timestamp_micros(used)
    }
}
