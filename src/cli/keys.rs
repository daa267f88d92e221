//! `keys rotate`: every secret at rest is sealed anew under the newest master key.

use secrecy::{ExposeSecret, SecretString};

use crate::app::{FolderLock, Sources, open_store, open_vault, reseal, retire_signing_keys};
use crate::settings::Settings;
use crate::vault::{KEY_FILE, Vault, fresh_key, write_private};

use super::output::say;
use super::{CliError, Outcome};

/// With a master key of one's own: it is given as `new,old`, and only what `new` sealed remains; beside services that were
/// started with both. With the data folder's key file: a fresh key is put before the old one, everything is sealed anew,
/// and the old one is dropped; beside no service, which would go on sealing under a key that is no longer there.
///
/// # Errors
/// [`CliError`]; run it again, nothing is lost halfway: both keys open until every secret is sealed anew.
pub async fn rotate(settings: Settings) -> Result<Outcome, CliError> {
    let Sources { clock, ids } = Sources::system();
    let file = settings.data_dir.join(KEY_FILE);
    let words = |error: &dyn std::fmt::Display| CliError::Words(error.to_string());
    let mut held = None;
    let fresh = match &settings.master_key {
        Some(_) => None,
        None => {
            if !Vault::is_in(&settings.data_dir) {
                return Err(CliError::Words(format!("there is no key at {}", file.display())));
            }
            held = Some(FolderLock::take(&settings)?);
            let old = std::fs::read_to_string(&file).map_err(|error| words(&error))?;
            let fresh = SecretString::from(fresh_key(&ids));
            let both = format!("{}\n{}", fresh.expose_secret(), old.trim_end());
            write_private(&file, both.as_bytes()).map_err(|error| words(&error))?;
            Some(fresh)
        }
    };
    let vault: Vault = open_vault(&settings, &ids)?;
    let store = open_store(&settings, &clock, &ids).await?;
    // Before anything else: should this stop halfway, what was promised under the old key still holds.
    retire_signing_keys(&store, &vault, clock.wall()).await?;
    let count = reseal(&store, &vault).await?;
    store.close().await;
    if let Some(fresh) = fresh {
        write_private(&file, fresh.expose_secret().as_bytes()).map_err(|error| words(&error))?;
    }
    say!("{count} secrets are sealed under the key {}", vault.key_id())?;
    if held.is_none() {
        say!(
            "every service of this database is started with both keys, new,old, before this command runs: one that was not seals under the old key still. Start it so and run this again, and only then drop the old key"
        )?;
    }
    Ok(Outcome::Done)
}
