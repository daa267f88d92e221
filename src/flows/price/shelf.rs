//! Merchants' price books in memory: a shop window asks a thousand times for each time a price is fixed.
//!
//! A book is read whole and believed for two seconds by the machine's clock, far less than an answer may be kept by whoever
//! asked; what this process writes is seen at once. One request reads it anew, the others go on with the one that is
//! there. A book too large to be held is asked for article by article instead.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::domain::fx::PriceBook;
use crate::ids::MerchantId;
use crate::store::{Store, StoreError};

/// How long a book is believed.
const MEMORY: Duration = Duration::from_secs(2);
/// A book with more entries is not held.
const LARGEST: u32 = 5_000;

/// The books.
#[derive(Debug, Default)]
pub struct Shelf {
    held: RwLock<HashMap<MerchantId, Held>>,
    /// Grows with each book that becomes another: what was read before that is not put on the shelf after it.
    changes: AtomicU64,
}

#[derive(Debug, Clone)]
struct Held {
    read_at: Instant,
    /// `None`: too large.
    book: Option<Arc<PriceBook>>,
}

impl Shelf {
    /// A merchant's whole book; `None` where it is too large to be held.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn book(
        &self,
        store: &Store,
        merchant: MerchantId,
        now: DateTime<Utc>,
    ) -> Result<Option<Arc<PriceBook>>, StoreError> {
        if let Some(held) = self.believed(merchant) {
            return Ok(held.book);
        }
        let (begun, changes) = (Instant::now(), self.changes.load(Ordering::SeqCst));
        let entries = store.whole_price_book(merchant, now, LARGEST + 1).await?;
        let fits = entries.len() <= LARGEST as usize;
        let book = fits.then(|| Arc::new(PriceBook::new(entries)));
        let mut all = self.held.write().unwrap_or_else(PoisonError::into_inner);
        if self.changes.load(Ordering::SeqCst) == changes {
            all.insert(merchant, Held { read_at: begun, book: book.clone() });
        }
        Ok(book)
    }

    /// The book of a merchant is another from now on.
    pub fn forget(&self, merchant: MerchantId) {
        let mut all = self.held.write().unwrap_or_else(PoisonError::into_inner);
        self.changes.fetch_add(1, Ordering::SeqCst);
        all.remove(&merchant);
    }

    /// What is held and believed. Of those who find it too old one reads it anew.
    fn believed(&self, merchant: MerchantId) -> Option<Held> {
        let all = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let held = all.get(&merchant)?;
        if held.read_at.elapsed() < MEMORY {
            return Some(held.clone());
        }
        drop(all);
        let mut all = self.held.write().unwrap_or_else(PoisonError::into_inner);
        let held = all.get_mut(&merchant)?;
        if held.read_at.elapsed() < MEMORY {
            return Some(held.clone());
        }
        held.read_at = Instant::now();
        None
    }
}
