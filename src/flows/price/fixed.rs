//! The price book: written, withdrawn, and asked once for all articles of a question.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::{PriceError, Pricing};
use crate::domain::access::Actor;
use crate::domain::fx::{Country, FixedPrice, FixedPriceError, PriceBook, Sku};
use crate::ids::{FixedPriceId, MerchantId};
use crate::money::Money;
use crate::store::Change;

/// An entry to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFixedPrice {
    /// Of what.
    pub sku: Sku,
    /// In this country only.
    pub country: Option<Country>,
    /// The price.
    pub price: Money,
    /// Its first moment; none: now.
    pub valid_from: Option<DateTime<Utc>>,
    /// Its end.
    pub valid_until: Option<DateTime<Utc>>,
}

/// An entry that cannot be, and which of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct EntryRefused {
    /// Its place in the request.
    pub index: usize,
    /// Why.
    pub why: FixedPriceError,
}

impl Pricing {
    /// Drafts entries: nothing is stored.
    ///
    /// # Errors
    /// [`PriceError::Entry`], naming the first that cannot be; [`PriceError::NoItems`]; [`PriceError::TooManyItems`].
    pub fn draft_prices(
        &self,
        merchant: MerchantId,
        entries: Vec<NewFixedPrice>,
    ) -> Result<Vec<FixedPrice>, PriceError> {
        match entries.len() {
            0 => return Err(PriceError::NoItems),
            given if given > Pricing::MAX_ITEMS => return Err(PriceError::TooManyItems { given }),
            _ => {}
        }
        let now = self.clock.now();
        let drafted = entries.into_iter().enumerate().map(|(index, new)| {
            let entry = FixedPrice {
                id: self.ids.mint(),
                merchant,
                sku: new.sku,
                country: new.country,
                price: new.price,
                valid_from: new.valid_from.unwrap_or(now),
                valid_until: new.valid_until,
                created_at: now,
                withdrawn_at: None,
            };
            entry.check().map_err(|why| PriceError::Entry(EntryRefused { index, why }))
        });
        drafted.collect()
    }

    /// Writes drafted entries, all or none, with a line of the audit trail and `with` (the caller's idempotency key).
    ///
    /// # Errors
    /// [`PriceError::Commit`].
    pub async fn fix_prices(
        &self,
        actor: &Actor,
        entries: &[FixedPrice],
        with: Change,
    ) -> Result<(), PriceError> {
        let Some(first) = entries.first() else { return Err(PriceError::NoItems) };
        let mut change = with;
        for entry in entries {
            change.insert_fixed_price(entry);
        }
        let detail = match entries {
            [one] => format!("{} {}{}", one.sku, one.price, in_country(one.country)),
            many => format!("{} entries", many.len()),
        };
        change.audit(actor.note(&self.ids, self.clock.now(), "price_book.fixed", first.id, detail));
        self.store.commit(change).await?;
        Ok(())
    }

    /// Takes an entry back; doing it again changes nothing. `None` for an unknown id and for another merchant's.
    ///
    /// # Errors
    /// [`PriceError::Store`], [`PriceError::Commit`].
    pub async fn withdraw_price(
        &self,
        actor: &Actor,
        id: FixedPriceId,
    ) -> Result<Option<FixedPrice>, PriceError> {
        let Some(mut entry) = self.store.fixed_price(actor.merchant, id).await? else { return Ok(None) };
        if entry.value.withdrawn_at.is_none() {
            let now = self.clock.now();
            let detail =
                format!("{} {}{}", entry.value.sku, entry.value.price, in_country(entry.value.country));
            let mut change = Change::new();
            change.withdraw_fixed_price(&entry, now);
            change.audit(actor.note(&self.ids, now, "price_book.withdrawn", id, detail));
            self.store.commit(change).await?;
            entry.value.withdrawn_at = Some(now);
        }
        Ok(Some(entry.value))
    }

    /// The merchant's own prices of these articles: one question to the database, none where no article is named.
    ///
    /// Read anew for each question: what one instance writes, every instance's next answer has. A name that is no sku
    /// has no entry.
    ///
    /// # Errors
    /// [`PriceError::TooManyItems`], [`PriceError::Store`].
    pub async fn book_of<'s>(
        &self,
        merchant: MerchantId,
        skus: impl Iterator<Item = &'s str>,
    ) -> Result<PriceBook, PriceError> {
        let skus: HashSet<Sku> = skus.filter_map(|sku| sku.parse().ok()).collect();
        if skus.len() > Pricing::MAX_ITEMS {
            return Err(PriceError::TooManyItems { given: skus.len() });
        }
        let skus: Vec<&Sku> = skus.iter().collect();
        Ok(self.store.price_book(merchant, &skus, self.clock.now()).await?)
    }
}

fn in_country(country: Option<Country>) -> String {
    country.map(|country| format!(" in {country}")).unwrap_or_default()
}
