//! Walks every merchant's audit trail from its first entry: they are short beside the ledger, so there is no place to
//! resume from that an edit could hide behind.

use std::collections::BTreeMap;

use crate::domain::access::{AuditHead, TrailWalk};
use crate::domain::ledger::audit::Check;
use crate::ids::MerchantId;
use crate::store::row::Row;
use crate::store::{Store, StoreError, audit, words};

/// Entries per read.
const PAGE: i64 = 500;

impl Store {
    /// Where a merchant's trail ends; before its first entry at [`AuditHead::START`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn audit_head(&self, merchant: MerchantId) -> Result<AuditHead, StoreError> {
        Ok(self.audit_heads().await?.get(&merchant.to_string()).copied().unwrap_or(AuditHead::START))
    }

    /// Whether a head that was noted elsewhere is part of the merchant's trail: a cut tail shows only so.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn check_noted_trail(
        &self,
        merchant: MerchantId,
        noted: AuditHead,
    ) -> Result<Check, StoreError> {
        let row = sqlx::query_as::<_, (Vec<u8>,)>(
            "SELECT hash FROM audit_entry WHERE merchant_id = $1 AND seq = $2",
        )
        .bind(merchant.to_string())
        .bind(noted.seq)
        .fetch_optional(self.walks())
        .await?;
        let fault = match row {
            None if noted == AuditHead::START => None,
            Some((hash,)) if hash == noted.hash => None,
            Some(_) => Some(format!("{merchant}: entry {} is not the one that was noted", noted.seq)),
            None => Some(format!("{merchant}: entry {} was noted and is gone: the tail was cut", noted.seq)),
        };
        Ok(Check::new("noted_trail", format!("{noted} is part of the trail of {merchant}"), fault))
    }

    /// Walks every trail up to the head it had when this began.
    pub(super) async fn verify_trails(&self) -> Result<(BTreeMap<String, AuditHead>, Check), StoreError> {
        // Read before the heads, so that a head is never behind them while the writer works.
        let ends: Vec<(String, i64)> =
            sqlx::query_as("SELECT merchant_id, MAX(seq) FROM audit_entry GROUP BY merchant_id")
                .fetch_all(self.walks())
                .await?;
        let heads = self.audit_heads().await?;
        let beyond =
            ends.iter().find(|(merchant, seq)| heads.get(merchant).is_none_or(|head| head.seq < *seq));
        let mut fault = beyond.map(|(merchant, seq)| {
            format!("the audit trail of {merchant} has an entry {seq} that its head knows nothing of")
        });
        let mut entries = 0;
        for (merchant, head) in &heads {
            entries += head.seq;
            let broken = self.walk_trail(merchant, *head).await?;
            fault = fault.or_else(|| broken.map(|why| format!("the audit trail of {merchant}: {why}")));
        }
        let seen = format!("{} trails, {entries} entries", heads.len());
        Ok((heads, Check::new("audit_trails", seen, fault)))
    }

    async fn walk_trail(&self, merchant: &str, head: AuditHead) -> Result<Option<String>, StoreError> {
        let mut walk = TrailWalk::default();
        let mut after = i64::MIN;
        loop {
            let rows = sqlx::query(
                "SELECT * FROM audit_entry WHERE merchant_id = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4",
            )
            .bind(merchant)
            .bind(after)
            .bind(head.seq)
            .bind(PAGE)
            .fetch_all(self.walks())
            .await?;
            for row in &rows {
                after = Row::of("audit_entry", row).int("seq")?;
                match audit::read_entry(row) {
                    Ok((entry, stored)) => walk.entry(&entry, stored),
                    // What cannot be read was not written by us: a fault of the trail, not of the reading.
                    Err(StoreError::Unreadable { why, .. }) => {
                        walk.broken(format!("entry {after} cannot be read: {why}"));
                    }
                    Err(error) => return Err(error),
                }
            }
            if rows.len() < usize::try_from(PAGE).unwrap_or(usize::MAX) {
                return Ok(walk.finish(head));
            }
        }
    }

    /// Where each merchant's trail ends.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn audit_heads(&self) -> Result<BTreeMap<String, AuditHead>, StoreError> {
        let rows =
            sqlx::query("SELECT merchant_id, seq, hash FROM audit_head").fetch_all(self.walks()).await?;
        let head = |row| {
            let row = Row::of("audit_head", row);
            let head = AuditHead { seq: row.int("seq")?, hash: words::digest(&row, "hash")? };
            Ok((row.text("merchant_id")?, head))
        };
        rows.iter().map(head).collect()
    }
}
