//! Gateway settlements: payouts of gateways, and what each settles.

mod items;

use chrono::{DateTime, Utc};
use sqlx::any::AnyRow;

use crate::domain::deposits::{DepositState, GatewaySettlement, ReportedBatch};
use crate::ids::{GatewaySettlementId, MerchantId};
use crate::money::{Currency, Money};

use super::row::Row;
use super::words::{self, json, word};
use super::{Change, Column, Seek, Store, StoreError, Table, Value, Versioned};

pub use items::{Capture, GATEWAY_SETTLEMENT_ITEM, Settled};

/// Gateway settlements.
pub static GATEWAY_SETTLEMENT: Table = Table {
    name: "gateway_settlement",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("gateway_account"),
        Column::text("reference"),
        Column::text("mode"),
        Column::text("state"),
        Column::text("state_detail"),
        Column::text("currency"),
        Column::int("gross"),
        Column::int("refunds"),
        Column::int("chargebacks"),
        Column::int("held"),
        Column::int("fee"),
        Column::int("tax"),
        Column::int("net"),
        Column::int("accrued"),
        Column::int("rounding"),
        Column::int("drift"),
        Column::text("deposit_reference"),
        Column::int("closed_at"),
        Column::int("paid_at"),
        Column::int("received_at"),
        Column::int("recorded_at"),
    ],
    unique: &[&[1, 2, 3]],
};

/// What a bank's line may call a payout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// The gateway account's name.
    pub gateway_account: String,
    /// The gateway's reference, and what the bank's line was expected to name.
    pub names: Vec<String>,
}

/// What changes until the bank has it.
fn changing(settlement: &GatewaySettlement) -> Vec<(&'static str, Value)> {
    vec![
        ("state", settlement.state.as_str().into()),
        ("state_detail", json(&settlement.state)),
        ("accrued", settlement.accrued.minor().into()),
        ("rounding", settlement.rounding.minor().into()),
        ("drift", settlement.drift.minor().into()),
        ("deposit_reference", settlement.batch.deposit_reference.clone().into()),
        ("paid_at", settlement.batch.paid_at.into()),
        ("received_at", settlement.state.received_at().into()),
    ]
}

impl Change {
    /// A new gateway settlement with its items.
    pub fn insert_gateway_settlement(&mut self, settlement: &GatewaySettlement) -> &mut Change {
        let batch = &settlement.batch;
        let mut fields = changing(settlement);
        fields.extend([
            ("id", Value::text(settlement.id)),
            ("merchant_id", Value::text(settlement.merchant)),
            ("gateway_account", settlement.gateway_account.as_str().into()),
            ("reference", batch.reference.as_str().into()),
            ("mode", word(&settlement.mode)),
            ("currency", Value::text(batch.currency())),
            ("gross", batch.gross.minor().into()),
            ("refunds", batch.refunds.minor().into()),
            ("chargebacks", batch.chargebacks.minor().into()),
            ("held", batch.held.minor().into()),
            ("fee", batch.fee.minor().into()),
            ("tax", batch.tax.minor().into()),
            ("net", batch.net.minor().into()),
            ("closed_at", batch.closed_at.into()),
            ("recorded_at", settlement.recorded_at.into()),
        ]);
        let value = |column: &Column| {
            let field = fields.iter().find(|(name, _)| *name == column.name);
            field.map_or(Value::Null, |(_, value)| value.clone())
        };
        let values = GATEWAY_SETTLEMENT.columns.iter().map(value).collect();
        self.insert(&GATEWAY_SETTLEMENT, values);
        for item in &batch.items {
            self.settle_item(
                settlement.merchant,
                &settlement.gateway_account,
                settlement.id.to_string(),
                item,
            );
        }
        self
    }

    /// Where its money is by now.
    pub fn update_gateway_settlement(&mut self, settlement: &Versioned<GatewaySettlement>) -> &mut Change {
        self.update(&GATEWAY_SETTLEMENT, settlement.value.id, settlement.version, changing(&settlement.value))
    }
}

impl Store {
    /// A merchant's gateway settlement, without its items.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn gateway_settlement(
        &self,
        merchant: MerchantId,
        id: GatewaySettlementId,
    ) -> Result<Option<Versioned<GatewaySettlement>>, StoreError> {
        let query = sqlx::query("SELECT * FROM gateway_settlement WHERE merchant_id = $1 AND id = $2")
            .bind(merchant.to_string())
            .bind(id.to_string());
        self.one(query, read).await
    }

    /// The settlement of a gateway account by the gateway's own reference, without its items.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn gateway_settlement_by_reference(
        &self,
        merchant: MerchantId,
        account: &str,
        reference: &str,
    ) -> Result<Option<Versioned<GatewaySettlement>>, StoreError> {
        let query = sqlx::query(
            "SELECT * FROM gateway_settlement WHERE merchant_id = $1 AND gateway_account = $2 AND reference = $3",
        )
        .bind(merchant.to_string())
        .bind(account.to_owned())
        .bind(reference.to_owned());
        self.one(query, read).await
    }

    /// A merchant's gateway settlements in reading order, oldest first; `state` narrows, empty: all.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn gateway_settlements(
        &self,
        merchant: MerchantId,
        state: &str,
        seek: Seek<GatewaySettlementId>,
        limit: i64,
    ) -> Result<Vec<GatewaySettlement>, StoreError> {
        let sql = match seek.is_backwards() {
            false => {
                "SELECT * FROM gateway_settlement WHERE merchant_id = $1 AND ($2 = '' OR state = $2) AND id > $3
                 ORDER BY id LIMIT $4"
            }
            true => {
                "SELECT * FROM gateway_settlement WHERE merchant_id = $1 AND ($2 = '' OR state = $2) AND id < $3
                 ORDER BY id DESC LIMIT $4"
            }
        };
        let query = sqlx::query(sql)
            .bind(merchant.to_string())
            .bind(state.to_owned())
            .bind(seek.key().map(ToString::to_string).unwrap_or_default())
            .bind(limit);
        self.all(query, |row| read(row).map(|row| row.value)).await
    }

    /// What the payouts of a currency that closed since a moment and are not on their way are called.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn settlements_elsewhere(
        &self,
        merchant: MerchantId,
        currency: Currency,
        since: DateTime<Utc>,
    ) -> Result<Vec<Called>, StoreError> {
        let query = sqlx::query(
            "SELECT gateway_account, reference, deposit_reference FROM gateway_settlement
             WHERE merchant_id = $1 AND currency = $2 AND state <> 'in_transit' AND closed_at >= $3",
        )
        .bind(merchant.to_string())
        .bind(currency.to_string())
        .bind(since.timestamp_micros());
        self.all(query, |row| {
            let row = Row::of("gateway_settlement", row);
            let names = [Some(row.text("reference")?), row.optional_text("deposit_reference")?];
            let names = names.into_iter().flatten().collect();
            Ok(Called { gateway_account: row.text("gateway_account")?, names })
        })
        .await
    }

    /// What is on its way in a currency, longest first: a bank's lines are held against it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn settlements_in_transit(
        &self,
        merchant: MerchantId,
        currency: Currency,
    ) -> Result<Vec<Versioned<GatewaySettlement>>, StoreError> {
        let query = sqlx::query(
            "SELECT * FROM gateway_settlement WHERE merchant_id = $1 AND currency = $2 AND state = 'in_transit'
             ORDER BY paid_at, id",
        )
        .bind(merchant.to_string())
        .bind(currency.to_string());
        self.all(query, read).await
    }
}

fn read(row: &AnyRow) -> Result<Versioned<GatewaySettlement>, StoreError> {
    let row = Row::of("gateway_settlement", row);
    let money = |column: &'static str| row.money(column, "currency");
    let closed_at: DateTime<Utc> = row.time("closed_at")?;
    let batch = ReportedBatch {
        reference: row.text("reference")?,
        closed_at,
        paid_at: row.optional_time("paid_at")?,
        deposit_reference: row.optional_text("deposit_reference")?,
        gross: money("gross")?,
        refunds: money("refunds")?,
        chargebacks: money("chargebacks")?,
        held: money("held")?,
        fee: money("fee")?,
        tax: money("tax")?,
        net: money("net")?,
        items: vec![],
    };
    let state: DepositState = row.json("state_detail")?;
    let settlement = GatewaySettlement {
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        gateway_account: row.text("gateway_account")?,
        mode: words::read(&row, "mode")?,
        batch,
        accrued: money("accrued")?,
        rounding: money("rounding")?,
        drift: money("drift")?,
        state,
        recorded_at: row.time("recorded_at")?,
    };
    row.versioned(settlement)
}

/// An amount of a row that names its currency.
fn amount(row: &Row<'_>) -> Result<Money, StoreError> {
    row.money("amount", "currency")
}
