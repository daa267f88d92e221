//! API keys. Only hashes are here; a key is found by the hash of what was presented.

use chrono::{DateTime, Utc};
use sqlx::any::AnyRow;

use crate::domain::access::{ApiKey, KeyHash, Scope};
use crate::ids::{KeyId, MerchantId, UserId};

use super::row::Row;
use super::words::{self, json};
use super::{Change, Column, Seek, Store, StoreError, Table, Value, Versioned};

/// API keys.
pub static API_KEY: Table = Table {
    name: "api_key",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("user_id"),
        Column::text("name"),
        Column::text("kind"),
        Column::text("environment"),
        Column::text("scopes"),
        Column::text("origins"),
        Column::text("hint"),
        Column::bytes("hash"),
        Column::int("created_at"),
        Column::int("revoked_at"),
        Column::text("made_by"),
    ],
    unique: &[&[9]],
};

impl Change {
    /// A new key.
    pub fn insert_key(&mut self, key: &ApiKey) -> &mut Change {
        let scopes: Vec<String> = key.scopes.iter().map(Scope::to_string).collect();
        self.insert(
            &API_KEY,
            vec![
                Value::text(key.id),
                Value::text(key.merchant),
                Value::text(key.user),
                key.name.as_str().into(),
                key.kind.as_str().into(),
                key.environment.as_str().into(),
                json(&scopes),
                json(&key.origins),
                key.hint.as_str().into(),
                key.hash.0.to_vec().into(),
                key.created_at.into(),
                key.revoked_at.into(),
                Value::text(key.made_by),
            ],
        )
    }

    /// The key is no longer valid.
    pub fn revoke_key(&mut self, key: &Versioned<ApiKey>, at: DateTime<Utc>) -> &mut Change {
        self.update(&API_KEY, key.value.id, key.version, vec![("revoked_at", at.into())])
    }
}

impl Store {
    /// The key with this hash, revoked or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn key_by_hash(&self, hash: KeyHash) -> Result<Option<ApiKey>, StoreError> {
        let query = sqlx::query("SELECT * FROM api_key WHERE hash = $1").bind(hash.0.to_vec());
        let key = self.one(query, read_key).await?;
        // The index found it by its bytes; the comparison that decides takes the same time for every hash.
        Ok(key.map(|key| key.value).filter(|key| key.hash == hash))
    }

    /// A merchant's key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn key(
        &self,
        merchant: MerchantId,
        id: KeyId,
    ) -> Result<Option<Versioned<ApiKey>>, StoreError> {
        let query = sqlx::query("SELECT * FROM api_key WHERE merchant_id = $1 AND id = $2")
            .bind(merchant.to_string())
            .bind(id.to_string());
        self.one(query, read_key).await
    }

    /// Who else made a key that users of a merchant's office had, valid or not: it may have been used by its maker.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn key_makers(
        &self,
        merchant: MerchantId,
        users: &[UserId],
    ) -> Result<Vec<UserId>, StoreError> {
        let mut makers = vec![];
        for user in users {
            let query = sqlx::query(
                "SELECT * FROM api_key WHERE merchant_id = $1 AND user_id = $2 AND made_by <> $2",
            )
            .bind(merchant.to_string())
            .bind(user.to_string());
            let keys = self.all(query, |row| read_key(row).map(|key| key.value)).await?;
            makers.extend(keys.iter().filter(|key| key.hears_of_everything()).map(|key| key.made_by));
        }
        Ok(makers)
    }

    /// Every origin that some publishable key allows.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn key_origins(&self) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query("SELECT id, origins FROM api_key WHERE kind = 'pk' AND revoked_at IS NULL")
            .fetch_all(self.reads())
            .await?;
        let mut origins = vec![];
        for row in &rows {
            origins.extend(Row::of("api_key", row).json::<Vec<String>>("origins")?);
        }
        origins.sort_unstable();
        origins.dedup();
        Ok(origins)
    }

    /// A merchant's keys after an id, newest last.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keys(
        &self,
        merchant: MerchantId,
        seek: Seek<KeyId>,
        limit: i64,
    ) -> Result<Vec<ApiKey>, StoreError> {
        let sql = match seek.is_backwards() {
            false => "SELECT * FROM api_key WHERE merchant_id = $1 AND id > $2 ORDER BY id LIMIT $3",
            true => "SELECT * FROM api_key WHERE merchant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        };
        let query = sqlx::query(sql)
            .bind(merchant.to_string())
            .bind(seek.key().map(ToString::to_string).unwrap_or_default())
            .bind(limit);
        self.all(query, |row| read_key(row).map(|key| key.value)).await
    }
}

fn read_key(row: &AnyRow) -> Result<Versioned<ApiKey>, StoreError> {
    let row = Row::of("api_key", row);
    let scopes: Vec<String> = row.json("scopes")?;
    let scopes = scopes.iter().map(|scope| scope.parse()).collect::<Result<Vec<Scope>, _>>();
    let value = ApiKey {
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        user: row.parse("user_id")?,
        made_by: row.parse("made_by")?,
        name: row.text("name")?,
        kind: row.parse("kind")?,
        environment: row.parse("environment")?,
        scopes: scopes.map_err(|error| row.unreadable("scopes", error))?,
        origins: row.json("origins")?,
        hint: row.text("hint")?,
        hash: KeyHash(words::digest(&row, "hash")?),
        created_at: row.time("created_at")?,
        revoked_at: row.optional_time("revoked_at")?,
    };
    Ok(Versioned { value, version: row.int("version")? })
}
