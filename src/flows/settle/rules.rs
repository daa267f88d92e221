//! The fee rules in force, kept once under their hash before anything is settled by them.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::domain::fees::FeeBook;
use crate::store::{Change, CommitError};

use super::{SettleError, Settlements};

/// The rules as they are kept.
#[derive(Debug)]
pub(super) struct Rules {
    id: String,
    text: String,
    kept: AtomicBool,
}

impl Rules {
    pub(super) fn of(book: &FeeBook) -> Rules {
        let (id, text) = book.kept();
        Rules { id, text, kept: AtomicBool::new(false) }
    }
}

impl Settlements {
    /// The name of the fee rules in force; they are kept by then.
    pub(super) async fn fees_kept(&self) -> Result<String, SettleError> {
        let rules = &self.1;
        if !rules.kept.load(Ordering::Acquire) {
            if self.0.store.fee_book(&rules.id).await?.is_none() {
                let mut change = Change::new();
                change.keep_fee_book(&rules.id, &rules.text, self.0.clock.now());
                match self.0.store.commit(change).await {
                    // Another instance was first: the same text, or it had another name.
                    Ok(_) | Err(CommitError::LostUpdate { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            rules.kept.store(true, Ordering::Release);
        }
        Ok(rules.id.clone())
    }
}
