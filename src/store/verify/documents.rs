//! Holds what is stored beside the books against them: settlements against their postings, captured payments against
//! the transaction that says so.

use std::collections::BTreeMap;

use sqlx::Row as _;

use crate::domain::ledger::audit::Check;
use crate::domain::ledger::{AccountCode, JournalEvent};
use crate::domain::settlement::{BookedEntry, StoredSettlement, document_fault};
use crate::money::{Currency, Money};
use crate::store::row::Row;
use crate::store::{Store, StoreError};

/// Settlements per read.
const PAGE: i64 = 200;

impl Store {
    /// Every check of this kind.
    pub(super) async fn check_documents(&self) -> Result<[Check; 2], StoreError> {
        Ok([self.check_settlements().await?, self.check_captures().await?])
    }

    async fn check_settlements(&self) -> Result<Check, StoreError> {
        let (mut after, mut seen, mut fault) = (String::new(), 0_u64, None);
        loop {
            let rows = sqlx::query(
                "SELECT merchant_id, payment_id, gross, currency, lines, frozen, rates, fee_version, engine
                 FROM settlement WHERE payment_id > $1 ORDER BY payment_id LIMIT $2",
            )
            .bind(after.clone())
            .bind(PAGE)
            .fetch_all(self.walks())
            .await?;
            let Some(last) = rows.last() else { break };
            let last: String = last.try_get("payment_id")?;
            let booked = self.booked_divisions(&after, &last).await?;
            for row in &rows {
                let row = Row::of("settlement", row);
                let (merchant, payment) = (row.text("merchant_id")?, row.text("payment_id")?);
                let wrong = document_fault(
                    &StoredSettlement {
                        gross: row.money("gross", "currency")?,
                        lines: &row.text("lines")?,
                        frozen: &row.text("frozen")?,
                        rates: &row.text("rates")?,
                        fee_version: &row.text("fee_version")?,
                        engine: &row.text("engine")?,
                    },
                    booked.get(&(merchant, payment.clone())).map_or(&[], Vec::as_slice),
                );
                if let Some(why) = wrong {
                    fault.get_or_insert(format!("the settlement of {payment}: {why}"));
                }
            }
            seen += rows.len() as u64;
            after = last;
        }
        Ok(Check::new("settlements", format!("{seen} settlements say what was booked for them"), fault))
    }

    /// The divisions and conversions booked for the payments after `after` up to `last`, by merchant and payment.
    async fn booked_divisions(
        &self,
        after: &str,
        last: &str,
    ) -> Result<BTreeMap<(String, String), Vec<BookedEntry>>, StoreError> {
        let rows = sqlx::query(
            "SELECT t.merchant_id, t.subject, t.event, a.code, a.owner, a.currency, e.amount
             FROM settlement s
             JOIN ledger_transaction t ON t.merchant_id = s.merchant_id AND t.subject = s.payment_id
             JOIN ledger_entry e ON e.transaction_number = t.number
             JOIN ledger_account a ON a.id = e.account_id
             WHERE s.payment_id > $1 AND s.payment_id <= $2 AND t.event IN ($3, $4)",
        )
        .bind(after.to_owned())
        .bind(last.to_owned())
        .bind(JournalEvent::Split.as_str())
        .bind(JournalEvent::ConvertedInternal.as_str())
        .fetch_all(self.walks())
        .await?;
        let mut booked: BTreeMap<_, Vec<BookedEntry>> = BTreeMap::new();
        for row in &rows {
            let row = Row::of("ledger_entry", row);
            let of = (row.text("merchant_id")?, row.text("subject")?);
            let event = row.text("event")?;
            let code = row.int("code")?;
            let currency = row.text("currency")?;
            let read = (
                JournalEvent::find(&event),
                u16::try_from(code).ok().and_then(|code| AccountCode::find(code).ok()),
                Currency::find(&currency).ok(),
            );
            // What cannot be read is a fault of the ledger, and its own check says so.
            let (Some(event), Some(code), Some(currency)) = read else { continue };
            let amount = Money::from_minor(row.int("amount")?, currency);
            booked.entry(of).or_default().push(BookedEntry {
                event,
                code,
                owner: row.text("owner")?,
                amount,
            });
        }
        Ok(booked)
    }

    async fn check_captures(&self) -> Result<Check, StoreError> {
        let unbooked = sqlx::query_as::<_, (String, String)>(
            "SELECT p.id, p.capture_ref FROM payment p
             WHERE p.capture_ref IS NOT NULL AND NOT EXISTS (
                 SELECT 1 FROM ledger_transaction t WHERE t.merchant_id = p.merchant_id AND t.source = p.capture_ref
                 AND t.event IN ($1, $2, $3))
             LIMIT 1",
        )
        .bind(JournalEvent::Captured.as_str())
        .bind(JournalEvent::CapturedUnmatched.as_str())
        .bind(JournalEvent::CapturedTwice.as_str())
        .fetch_optional(self.walks())
        .await?;
        let undocumented = sqlx::query_as::<_, (String, String)>(
            "SELECT p.id, p.capture_ref FROM payment p
             WHERE p.capture_ref IS NOT NULL AND NOT EXISTS (SELECT 1 FROM settlement s WHERE s.payment_id = p.id)
             AND EXISTS (
                 SELECT 1 FROM ledger_transaction t WHERE t.merchant_id = p.merchant_id AND t.source = p.capture_ref
                 AND t.subject = p.id AND t.event = $1)
             LIMIT 1",
        )
        .bind(JournalEvent::Split.as_str())
        .fetch_optional(self.walks())
        .await?;
        let says =
            |why: &'static str| move |(payment, capture)| format!("{payment}, captured as {capture}, {why}");
        let fault = unbooked.map(says("is in no book"));
        let fault = fault.or_else(|| undocumented.map(says("was divided, and its settlement is gone")));
        Ok(Check::new(
            "captures",
            "every captured payment is in the books, every divided one has its settlement",
            fault,
        ))
    }
}
