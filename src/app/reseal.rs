//! Sealing everything anew under the newest master key, row by row; stopping halfway leaves both keys needed.

use crate::store::merchants::secrets_place;
use crate::store::sealed::SealedColumn;
use crate::store::{Change, Store, Value};
use crate::vault::Vault;

use super::{AppError, seed};

/// Sealed values read at a time.
const PAGE: u32 = 500;

/// Seals every secret that is not under the newest key, and answers how many.
///
/// # Errors
/// [`AppError::Vault`] when one does not open; [`AppError::Store`], [`AppError::Commit`].
pub async fn reseal(store: &Store, vault: &Vault) -> Result<usize, AppError> {
    let mut count = seed::reseal(store, vault).await?;
    for mut row in store.gateway_accounts().await? {
        if vault.is_current(&row.value.sealed) {
            continue;
        }
        let place = secrets_place(&row.value.account);
        row.value.sealed = vault.seal(&place, &vault.open(&place, &row.value.sealed)?)?;
        let mut change = Change::new();
        change.update_gateway_account(&row);
        store.commit(change).await?;
        count += 1;
    }
    for column in SealedColumn::ALL {
        let mut after = String::new();
        loop {
            let page = store.sealed_rows(column, &after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after.clone_from(&last.id);
            for sealed in page.into_iter().filter(|sealed| !vault.is_current(&sealed.bytes)) {
                let bytes = vault.seal(&sealed.place, &vault.open(&sealed.place, &sealed.bytes)?)?;
                let mut change = Change::new();
                let set = vec![(sealed.column, Value::Bytes(bytes))];
                change.update(sealed.table, &sealed.id, sealed.version, set);
                store.commit(change).await?;
                count += 1;
            }
        }
    }
    Ok(count)
}
