//! Notices as they arrived: header by header, byte for byte, for ever. Bodies are kept compressed (zlib); what they are
//! known by is the hash of their own bytes.
//!
//! One row per gateway and body. The row says what the notice was found to be about when it was verified, so that a row
//! left behind is worked off without verifying again (its signature would be too old by then). That a doubled notice
//! has one *effect* is not this key's work but the state machine's and the ledger's.

use std::io::Read;

use chrono::{DateTime, Utc};
use flate2::Compression;
use flate2::read::{ZlibDecoder, ZlibEncoder};

use crate::ids::{GatewayAccountId, MerchantId, NoticeId};
use crate::money::Money;

use super::row::Row;
use super::{Change, Column, Store, StoreError, Table, Value, Versioned};

/// One row per gateway and body.
pub static INBOX: Table = Table {
    name: "inbox",
    columns: &[
        Column::text("id"),
        Column::text("gateway"),
        Column::text("body_sha256"),
        Column::text("merchant_id"),
        Column::text("gateway_account_id"),
        Column::text("event_ref"),
        Column::text("event_type"),
        Column::text("request_ref"),
        Column::text("gateway_ref"),
        Column::int("stated_amount"),
        Column::text("stated_currency"),
        Column::text("headers"),
        Column::bytes("body"),
        Column::text("state"),
        Column::text("detail"),
        Column::int("received_at"),
        Column::int("settled_at"),
        Column::text("dispute_ref"),
    ],
    unique: &[&[1, 2]],
};

/// A verified notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its id.
    pub id: NoticeId,
    /// The gateway that sent it.
    pub gateway: String,
    /// SHA-256 of the body, hexadecimal.
    pub body_sha256: String,
    /// Whose account verified it.
    pub merchant: MerchantId,
    /// Which account verified it.
    pub account: GatewayAccountId,
    /// The gateway's id of the event.
    pub event_ref: Option<String>,
    /// The gateway's word for what happened.
    pub event_type: String,
    /// Our reference of the payment it is about.
    pub request_ref: Option<String>,
    /// The gateway's reference of the payment it is about.
    pub gateway_ref: Option<String>,
    /// The gateway's id of the dispute it is about.
    pub dispute_ref: Option<String>,
    /// The amount it names, to be held against what was asked.
    pub stated: Option<Money>,
    /// When it arrived, by the wall.
    pub received_at: DateTime<Utc>,
}

/// What became of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// The gateway was asked and the answer applied.
    Done,
    /// There is nothing to apply it to.
    Refused,
}

impl Settled {
    fn as_str(self) -> &'static str {
        match self {
            Settled::Done => "done",
            Settled::Refused => "refused",
        }
    }
}

impl Change {
    /// Keeps a notice; a doubled body is a lost update.
    pub fn receive_notice(
        &mut self,
        notice: &Notice,
        headers: &[(String, String)],
        body: &[u8],
    ) -> &mut Change {
        self.insert(
            &INBOX,
            vec![
                Value::text(notice.id),
                notice.gateway.as_str().into(),
                notice.body_sha256.as_str().into(),
                Value::text(notice.merchant),
                Value::text(notice.account),
                notice.event_ref.clone().into(),
                notice.event_type.as_str().into(),
                notice.request_ref.clone().into(),
                notice.gateway_ref.clone().into(),
                notice.stated.map(Money::minor).into(),
                notice.stated.map(|stated| stated.currency().code()).into(),
                serde_json::to_string(headers).unwrap_or_default().into(),
                squeezed(body).into(),
                "received".into(),
                Value::Null,
                notice.received_at.into(),
                Value::Null,
                notice.dispute_ref.clone().into(),
            ],
        )
    }

    /// Says what became of a notice. `version` is 1 for a notice nobody has settled.
    pub fn settle_notice(
        &mut self,
        notice: NoticeId,
        version: i64,
        settled: Settled,
        detail: &str,
        at: DateTime<Utc>,
    ) -> &mut Change {
        let set =
            vec![("state", settled.as_str().into()), ("detail", detail.into()), ("settled_at", at.into())];
        self.update(&INBOX, notice, version, set)
    }
}

impl Store {
    /// Notices that nobody has settled, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unsettled_notices(
        &self,
        after: Option<NoticeId>,
        limit: u32,
    ) -> Result<Vec<Versioned<Notice>>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, gateway, body_sha256, merchant_id, gateway_account_id, event_ref, event_type, request_ref,
                    gateway_ref, stated_amount, stated_currency, received_at, dispute_ref, version
             FROM inbox WHERE state = 'received' AND id > $1 ORDER BY id LIMIT $2",
        )
        .bind(after.map(|id| id.to_string()).unwrap_or_default())
        .bind(i64::from(limit))
        .fetch_all(self.reads())
        .await?;
        rows.iter().map(|row| read(&Row::of("inbox", row))).collect()
    }

    /// How many notices wait.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn waiting_notices(&self) -> Result<i64, StoreError> {
        let row = sqlx::query("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM inbox WHERE state = 'received'")
            .fetch_one(self.reads())
            .await?;
        Row::of("inbox", &row).int("n")
    }

    /// The body of a notice, for replay and evidence.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn notice_body(&self, id: NoticeId) -> Result<Option<Vec<u8>>, StoreError> {
        let row = sqlx::query("SELECT id, body FROM inbox WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(self.reads())
            .await?;
        row.map(|row| {
            let row = Row::of("inbox", &row);
            whole(&row.bytes("body")?).map_err(|error| row.unreadable("body", error))
        })
        .transpose()
    }
}

fn read(row: &Row<'_>) -> Result<Versioned<Notice>, StoreError> {
    let notice = Notice {
        id: row.parse("id")?,
        gateway: row.text("gateway")?,
        body_sha256: row.text("body_sha256")?,
        merchant: row.parse("merchant_id")?,
        account: row.parse("gateway_account_id")?,
        event_ref: row.optional_text("event_ref")?,
        event_type: row.text("event_type")?,
        request_ref: row.optional_text("request_ref")?,
        gateway_ref: row.optional_text("gateway_ref")?,
        dispute_ref: row.optional_text("dispute_ref")?,
        stated: row.optional_money("stated_amount", "stated_currency")?,
        received_at: row.time("received_at")?,
    };
    row.versioned(notice)
}

fn squeezed(body: &[u8]) -> Vec<u8> {
    let mut small = Vec::with_capacity(body.len() / 2);
    // Reading from memory cannot fail.
    let _ = ZlibEncoder::new(body, Compression::default()).read_to_end(&mut small);
    small
}

fn whole(small: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    ZlibDecoder::new(small).read_to_end(&mut body)?;
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_comes_back_byte_for_byte_and_a_notice_takes_less_room() {
        let notice = br#"{"txType":"Capture","txStatus":"success","status":"success","partnerTxID":"pay_1","payload":{"partnerGroupTxID":"pay_1","newStatus":"success"}}"#;
        let odd: Vec<u8> = (0..=255).collect();
        for body in [&notice[..], b"", b"{}", &odd] {
            assert_eq!(whole(&squeezed(body)).unwrap(), body);
        }
        assert!(squeezed(notice).len() < notice.len() * 3 / 4);
        assert!(whole(&squeezed(notice)[..20]).is_err(), "half a body is none");
    }
}
