//! Repeated requests: one row for each `Idempotency-Key` of a merchant and route.
//!
//! The row is written in the same change as the effect ([`Change::claim`]), so that there is never an effect without
//! its row. It points at what the request made: after a crash between effect and answer a retry is answered from that
//! resource's present state. Until the answer is kept, or a short lease has passed, a second request with the key is told
//! that the first is at work; after it nothing is carried out again, only told.

use chrono::{DateTime, TimeDelta, Utc};

use crate::ids::{ClaimId, MerchantId};

use super::row::Row;
use super::words;
use super::{Change, Column, Store, StoreError, Table, Value, Versioned};

/// How long a request is believed to be at work.
pub const LEASE: TimeDelta = TimeDelta::seconds(10);

/// Claims.
pub static IDEMPOTENCY: Table = Table {
    name: "idempotency",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("route"),
        Column::text("idempotency_key"),
        Column::bytes("body_hash"),
        Column::text("resource"),
        Column::int("created_at"),
        Column::int("leased_until"),
        Column::int("status"),
        Column::bytes("body"),
    ],
    unique: &[&[1, 2, 3]],
};

/// A request that wants to be carried out once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The row's id.
    pub id: ClaimId,
    /// Who asks.
    pub merchant: MerchantId,
    /// The route as declared: `POST /v1/payments`.
    pub route: String,
    /// The caller's key.
    pub key: String,
    /// SHA-256 of the body's bytes.
    pub body_hash: [u8; 32],
    /// When it was asked, by the wall.
    pub at: DateTime<Utc>,
}

/// What is known of an earlier request with the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The row's id.
    pub id: ClaimId,
    /// SHA-256 of the body's bytes.
    pub body_hash: [u8; 32],
    /// What the request made: an id.
    pub resource: String,
    /// Until when it is believed to be at work, by the wall.
    pub leased_until: DateTime<Utc>,
    /// The answer, once it was given: status and, where it is kept, body.
    pub answer: Option<(u16, Vec<u8>)>,
}

impl Change {
    /// Claims the key for what this change makes; the change is refused (`LostUpdate` of `idempotency`) if the key
    /// is taken.
    pub fn claim(&mut self, claim: &Claim, resource: impl ToString) -> &mut Change {
        self.insert(
            &IDEMPOTENCY,
            vec![
                Value::text(claim.id),
                Value::text(claim.merchant),
                claim.route.as_str().into(),
                claim.key.as_str().into(),
                claim.body_hash.to_vec().into(),
                Value::text(resource),
                claim.at.into(),
                (claim.at + LEASE).into(),
                Value::Null,
                Value::Null,
            ],
        )
    }

    /// Keeps the answer of a claim made by this process, byte for byte.
    pub fn keep_answer(&mut self, claim: ClaimId, version: i64, status: u16, body: &[u8]) -> &mut Change {
        let set = vec![("status", i64::from(status).into()), ("body", body.to_vec().into())];
        self.update(&IDEMPOTENCY, claim, version, set)
    }
}

impl Store {
    /// What is known of a key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn claimed(&self, claim: &Claim) -> Result<Option<Versioned<Claimed>>, StoreError> {
        let row = sqlx::query(
            "SELECT id, version, body_hash, resource, leased_until, COALESCE(status, 0) AS status,
                    COALESCE(body, body_hash) AS body
             FROM idempotency WHERE merchant_id = $1 AND route = $2 AND idempotency_key = $3",
        )
        .bind(claim.merchant.to_string())
        .bind(&claim.route)
        .bind(&claim.key)
        .fetch_optional(self.reads())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let row = Row::of("idempotency", &row);
        let status = u16::try_from(row.int("status")?).map_err(|error| row.unreadable("status", error))?;
        let value = Claimed {
            id: row.parse("id")?,
            body_hash: words::digest(&row, "body_hash")?,
            resource: row.text("resource")?,
            leased_until: row.time("leased_until")?,
            answer: if status == 0 { None } else { Some((status, row.bytes("body")?)) },
        };
        Ok(Some(Versioned { value, version: row.int("version")? }))
    }
}
