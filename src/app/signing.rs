//! The keys that sign tokens: those of the master keys held, and those of master keys given up lately.
//!
//! A token lives a day at most. Rotating the master key must not take back what was promised, so the signing keys of
//! the old ones are kept, sealed under the newest, for two days: a day for the last token, and one for a process that
//! still signs with the old key until it is started again.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::store::{Change, Store};
use crate::vault::{Signer, SigningSecret, Vault};

use super::AppError;

const SETTING: &str = "signing_retired";
/// How long a signing key outlives its master key.
const KEPT: TimeDelta = TimeDelta::hours(48);

/// A signing key of a master key given up.
#[derive(Debug, Serialize, Deserialize)]
struct Retired {
    /// Sealed, in hex.
    sealed: String,
    until: DateTime<Utc>,
}

/// The signer: the newest master key's signs, the others and those retired lately verify.
///
/// # Errors
/// [`AppError::Vault`] when a retired key does not open; [`AppError::Store`].
pub(super) async fn open_signer(
    store: &Store,
    vault: &Vault,
    now: DateTime<Utc>,
) -> Result<Signer, AppError> {
    let retired = retired(store, vault, now).await?;
    let retired = retired.iter().map(|(secret, _)| secret);
    Ok(Signer::new(vault.signing_secrets().chain(retired)))
}

/// Keeps the signing keys of every master key but the newest, and seals those kept already under the newest.
///
/// # Errors
/// [`AppError::Vault`], [`AppError::Store`], [`AppError::Commit`].
pub async fn retire_signing_keys(store: &Store, vault: &Vault, now: DateTime<Utc>) -> Result<(), AppError> {
    let before = store.setting(SETTING).await?;
    let mut kept = retired(store, vault, now).await?;
    for secret in vault.signing_secrets().skip(1) {
        if !kept.iter().any(|(known, _)| known == secret) {
            kept.push((secret.clone(), now + KEPT));
        }
    }
    if kept.is_empty() && before.is_none() {
        return Ok(());
    }
    let mut rows = vec![];
    for (secret, until) in &kept {
        let sealed = vault.seal(SETTING, secret.as_slice())?;
        rows.push(Retired {
            sealed: sealed.iter().map(|byte| format!("{byte:02x}")).collect(),
            until: *until,
        });
    }
    let text = serde_json::to_string(&rows).map_err(|error| AppError::Broken(error.to_string()))?;
    let mut change = Change::new();
    change.set_setting(SETTING, text, before.as_ref());
    store.commit(change).await?;
    Ok(())
}

/// Those kept and not over.
async fn retired(
    store: &Store,
    vault: &Vault,
    now: DateTime<Utc>,
) -> Result<Vec<(SigningSecret, DateTime<Utc>)>, AppError> {
    let broken = || AppError::Broken(format!("the setting {SETTING} is not what was written"));
    let Some(row) = store.setting(SETTING).await? else { return Ok(vec![]) };
    let rows: Vec<Retired> = serde_json::from_str(&row.value).map_err(|_| broken())?;
    let mut kept = vec![];
    for row in rows.into_iter().filter(|row| row.until > now) {
        let opened = vault.open(SETTING, &unhex(&row.sealed).ok_or_else(broken)?)?;
        let secret: [u8; 32] = opened.as_slice().try_into().map_err(|_| broken())?;
        kept.push((Zeroizing::new(secret), row.until));
    }
    Ok(kept)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
