//! What the books have of a gateway account: the entries of the accounts where its money stands.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::country::Country;
use crate::domain::ledger::{AccountCode, JournalEvent};
use crate::domain::merchants::GatewayAccount;
use crate::domain::reconciliation::{Candidate, Promise};
use crate::ids::{GatewayAccountId, MerchantId};
use crate::money::{Currency, Money};
use crate::store::row::Row;
use crate::store::{Store, StoreError};

/// Something may be booked as long before the moment that the gateway gives it.
const AHEAD: TimeDelta = TimeDelta::hours(1);
/// A gateway's clock may be so far behind ours.
const BEHIND: TimeDelta = TimeDelta::minutes(5);

/// One entry on the account's landing (1110 or 1100), with the fact it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booked {
    /// The ledger's transaction.
    pub number: i64,
    /// What happened.
    pub event: JournalEvent,
    /// The fact's reference.
    pub source: String,
    /// Where that is a refund of ours: the gateway's id of it.
    pub refund_ref: Option<String>,
    /// Where that is a payout of ours: the batch it went out with.
    pub payout_batch: Option<String>,
    /// The payment it is about.
    pub subject: Option<String>,
    /// That payment's method at the gateway.
    pub method: Option<String>,
    /// Where its payer is.
    pub payer_country: Option<Country>,
    /// From the account's side.
    pub amount: Money,
    /// When it happened.
    pub at: DateTime<Utc>,
}

/// Where captured money stands.
fn landing(account: &GatewayAccount) -> AccountCode {
    match account.lands_on_balance() {
        true => AccountCode::GATEWAY_BALANCE,
        false => AccountCode::GATEWAY_RECEIVABLE,
    }
}

impl Store {
    /// Entries of an account's landing behind transaction `after`, of facts that happened from `from` until before
    /// `until`, whole transactions with about `limit` entries of each currency; with the number to go on behind, `None` at
    /// the end.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn booked_at_gateway(
        &self,
        account: &GatewayAccount,
        after: i64,
        (from, until): (DateTime<Utc>, DateTime<Utc>),
        limit: u32,
    ) -> Result<(Vec<Booked>, Option<i64>), StoreError> {
        let code = landing(account);
        // Nothing is booked before it happened: so the numbers before that moment need not be read.
        let after = if after > 0 { after } else { self.last_number_by(from - AHEAD).await? };
        // Where the page ends is found first: sorting what comes behind it would cost all of the books for every page.
        let landing = (account.merchant.to_string(), i64::from(code.number()), account.name.as_str());
        let (end,) = sqlx::query_as::<_, (Option<i64>,)>(
            "SELECT MIN(page.number) FROM (
                SELECT (SELECT e.transaction_number FROM ledger_entry e
                        WHERE e.account_id = a.id AND e.transaction_number > $4
                        ORDER BY e.transaction_number LIMIT 1 OFFSET $5) AS number
                FROM ledger_account a
                WHERE a.merchant_id = $1 AND a.code = $2 AND a.owner = $3 AND a.layer = 1) page",
        )
        .bind(&landing.0)
        .bind(landing.1)
        .bind(landing.2)
        .bind(after)
        .bind(i64::from(limit))
        .fetch_one(self.reads())
        .await?;
        let rows = sqlx::query(
            "SELECT t.number, t.event, t.source, t.subject, t.effective_at, a.currency, e.amount, r.refund_ref,
                    p.method, p.payer_country, o.batch_id
             FROM ledger_account a
             JOIN ledger_entry e ON e.account_id = a.id
             JOIN ledger_transaction t ON t.number = e.transaction_number
             LEFT JOIN refund r ON r.id = t.source
             LEFT JOIN payment p ON p.id = t.subject
             LEFT JOIN payout o ON o.id = t.subject
             WHERE a.merchant_id = $1 AND a.code = $2 AND a.owner = $3 AND a.layer = 1
             AND e.transaction_number > $4 AND e.transaction_number <= $5
             ORDER BY t.number, a.currency, e.position",
        )
        .bind(&landing.0)
        .bind(landing.1)
        .bind(landing.2)
        .bind(after)
        .bind(end.unwrap_or(i64::MAX))
        .fetch_all(self.reads())
        .await?;
        let mut booked = Vec::with_capacity(rows.len());
        for row in &rows {
            let row = Row::of("ledger_transaction", row);
            let number = row.int("number")?;
            let at = row.time("effective_at")?;
            if at < from || at >= until {
                continue;
            }
            let event = row.text("event")?;
            let country = row.optional_text("payer_country")?;
            let country = country.map(|code| Country::find(&code)).transpose();
            booked.push(Booked {
                number,
                event: JournalEvent::find(&event).ok_or_else(|| row.unreadable("event", &event))?,
                source: row.text("source")?,
                refund_ref: row.optional_text("refund_ref")?,
                payout_batch: row.optional_text("batch_id")?,
                subject: row.optional_text("subject")?,
                method: row.optional_text("method")?,
                payer_country: country.map_err(|error| row.unreadable("payer_country", error))?,
                amount: row.money("amount", "currency")?,
                at,
            });
        }
        Ok((booked, end))
    }

    /// How many entries there are at an account's landing of whatever was booked since shortly before a moment.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn count_at_gateway(
        &self,
        account: &GatewayAccount,
        from: DateTime<Utc>,
    ) -> Result<i64, StoreError> {
        let after = self.last_number_by(from - AHEAD).await?;
        let (count,) = sqlx::query_as::<_, (i64,)>(
            "SELECT COUNT(*) FROM ledger_account a JOIN ledger_entry e ON e.account_id = a.id
             WHERE a.merchant_id = $1 AND a.code = $2 AND a.owner = $3 AND a.layer = 1 AND e.transaction_number > $4",
        )
        .bind(account.merchant.to_string())
        .bind(i64::from(landing(account).number()))
        .bind(account.name.as_str())
        .bind(after)
        .fetch_one(self.reads())
        .await?;
        Ok(count)
    }

    /// What stands at a gateway account by the books, spendable and held together, by currency, minor units. What payees
    /// have not taken is not among it: the gateway shows it as gone until it comes back.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn standing_at_gateway(
        &self,
        merchant: MerchantId,
        account: &str,
    ) -> Result<BTreeMap<Currency, i64>, StoreError> {
        let query = sqlx::query(
            "SELECT a.currency, CAST(SUM(a.balance) AS BIGINT) AS balance
             FROM ledger_dimension d JOIN ledger_account a ON a.id = d.account_id
             WHERE d.merchant_id = $1 AND d.dimension = $2 AND a.merchant_id = $1 AND a.layer = 1
             AND a.code IN ($3, $4) AND NOT (a.code = $4 AND a.owner LIKE '%,unclaimed') GROUP BY a.currency",
        )
        .bind(merchant.to_string())
        .bind(account)
        .bind(i64::from(AccountCode::GATEWAY_BALANCE.number()))
        .bind(i64::from(AccountCode::GATEWAY_HELD.number()));
        let rows = self.all(query, |row| {
            let row = Row::of("ledger_account", row);
            Ok((row.parse("currency")?, row.int("balance")?))
        });
        Ok(rows.await?.into_iter().collect())
    }

    /// The payment that a fact of the gateway is booked for.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn subject_of_capture(
        &self,
        merchant: MerchantId,
        capture_ref: &str,
    ) -> Result<Option<String>, StoreError> {
        let query = sqlx::query(
            // What was nobody's at first is a payment's since it left suspense for it.
            "SELECT number, subject FROM ledger_transaction WHERE merchant_id = $1 AND source = $2
             AND event IN ('captured', 'captured_twice', 'captured_unmatched', 'suspense_resolved')
             ORDER BY CASE WHEN subject = source THEN 1 ELSE 0 END, number LIMIT 1",
        )
        .bind(merchant.to_string())
        .bind(capture_ref);
        let subject =
            self.one(query, |row| Row::of("ledger_transaction", row).optional_text("subject")).await?;
        Ok(subject.flatten())
    }

    /// Reference and subject of a transaction.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn fact_of_transaction(
        &self,
        merchant: MerchantId,
        number: i64,
    ) -> Result<Option<(String, Option<String>)>, StoreError> {
        let query = sqlx::query(
            "SELECT number, source, subject FROM ledger_transaction WHERE merchant_id = $1 AND number = $2",
        )
        .bind(merchant.to_string())
        .bind(number);
        self.one(query, |row| {
            let row = Row::of("ledger_transaction", row);
            Ok((row.text("source")?, row.optional_text("subject")?))
        })
        .await
    }

    /// Payments of an account that are not paid, asked for exactly this amount within the day before a moment (by a clock of
    /// the gateway's that may be behind), those that are open or those that closed without money, each with the quote that
    /// it came from; oldest first. What has got money that a bill told of is none of them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unpaid_payments_like(
        &self,
        account: GatewayAccountId,
        amount: Money,
        at: DateTime<Utc>,
        open: bool,
        limit: u32,
    ) -> Result<Vec<Candidate>, StoreError> {
        let query = sqlx::query(
            "SELECT p.id, q.country, q.expires_at FROM payment p LEFT JOIN quote q ON q.id = p.quote_id
             WHERE p.gateway_account_id = $1 AND p.amount = $2 AND p.currency = $3 AND p.capture_ref IS NULL
             AND p.created_at BETWEEN $4 AND $5 AND p.is_open = $6 AND NOT EXISTS (
                 SELECT 1 FROM finding f WHERE f.merchant_id = p.merchant_id AND f.payment_id = p.id
                 AND f.kind = 'paid_unknown_here')
             ORDER BY p.id LIMIT $7",
        )
        .bind(account.to_string())
        .bind(amount.minor())
        .bind(amount.currency().code())
        .bind((at - TimeDelta::days(1)).timestamp_micros())
        .bind((at + BEHIND).timestamp_micros())
        .bind(i64::from(open))
        .bind(i64::from(limit));
        self.all(query, |row| {
            let row = Row::of("payment", row);
            let country = row.optional_text("country")?;
            let country = country.as_deref().map(Country::find).transpose();
            let country = country.map_err(|error| row.unreadable("country", error))?;
            let until = row.optional_time("expires_at")?;
            let quote = until.map(|until| Promise { country, until });
            Ok(Candidate { payment: row.parse("id")?, quote })
        })
        .await
    }
}
