//! From stored gateway accounts to adapters ready to talk.
//!
//! The stored settings are the account's own. Where a global `[gateways.<name>]` section says otherwise, it wins for the
//! default merchant's accounts only. An account without an address talks to this server's own far side in sandbox mode.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::SecretString;

use crate::flows::pay::{Accounts, OpenAccount};
use crate::gateways::{AccountSettings, Context, Trust, registry};
use crate::ids::MerchantId;
use crate::sandbox::Sandbox;
use crate::settings::{GatewaySection, Mode, Settings};
use crate::store::merchants::{StoredGatewayAccount, secrets_place};
use crate::vault::Vault;

use super::{AppError, Built, Seeded};

/// Every stored account, ready to talk.
///
/// # Errors
/// [`AppError`] naming account and key.
pub(super) async fn open_accounts(
    built: &Built<'_>,
    public_url: &str,
    sandbox: Option<&Sandbox>,
    seeded: Option<&Seeded>,
) -> Result<Accounts, AppError> {
    let trust = match sandbox {
        None => Trust::Live,
        Some(sandbox) => Trust::StraitsSandbox { root_der: sandbox.root_certificate_der()? },
    };
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(30))
        .build()
        .map_err(|error| AppError::Broken(error.to_string()))?;
    let context = Context { http, clock: built.clock.clone(), ids: built.ids.clone(), trust };
    let stored = built.store.gateway_accounts().await?.into_iter().map(|row| row.value).collect();
    let default = match seeded {
        Some(seeded) => Some(seeded.default.merchant),
        None => built.store.merchants().await?.first().map(|merchant| merchant.id),
    };
    let open: Vec<OpenAccount> =
        open_all(stored, default, built.settings, public_url, built.vault, &context)?;
    Ok(Accounts::new(open))
}

/// Opens and builds every account.
///
/// # Errors
/// [`AppError::Vault`] when a secret does not open, [`AppError::Gateway`] naming account and key.
fn open_all(
    stored: Vec<StoredGatewayAccount>,
    default: Option<MerchantId>,
    settings: &Settings,
    public_url: &str,
    vault: &Vault,
    context: &Context,
) -> Result<Vec<OpenAccount>, AppError> {
    let mut open = vec![];
    for mut stored in stored {
        let ours = default == Some(stored.account.merchant);
        let section = settings.gateways.get(&stored.account.gateway).filter(|_| ours);
        let account = effective(&mut stored, section, settings.mode, public_url, vault)?;
        let gateway = registry::build(&stored.account.gateway, &account, context)?;
        open.push(OpenAccount { account: stored.account, gateway });
    }
    Ok(open)
}

/// The account's settings with the global ones laid over.
fn effective(
    stored: &mut StoredGatewayAccount,
    section: Option<&GatewaySection>,
    mode: Mode,
    public_url: &str,
    vault: &Vault,
) -> Result<AccountSettings, AppError> {
    let opened = vault.open(&secrets_place(&stored.account), &stored.sealed)?;
    let texts: BTreeMap<String, Vec<String>> =
        serde_json::from_slice(&opened).map_err(|error| AppError::Broken(error.to_string()))?;
    let seal = |texts: Vec<String>| texts.into_iter().map(SecretString::from).collect();
    let mut secrets: BTreeMap<String, Vec<SecretString>> =
        texts.into_iter().map(|(key, texts)| (key, seal(texts))).collect();
    let mut public = stored.public.clone();
    if let Some(section) = section {
        public.extend(section.public.clone());
        secrets.extend(section.secrets.clone());
    }
    if mode == Mode::Sandbox && !public.contains_key("base_url") {
        let address = format!("{public_url}/sandbox/{}", stored.account.gateway);
        public.insert("base_url".to_owned(), address.into());
    }
    if let Some(holds) = public.get("holds").and_then(|holds| serde_json::from_value(holds.clone()).ok()) {
        stored.account.holds = holds;
    }
    Ok(AccountSettings { name: stored.account.name.clone(), public, secrets })
}
