//! From stored gateway accounts to adapters ready to talk.
//!
//! The stored settings are the account's own. Where a global `[gateways.<name>]` section says otherwise, it wins for the
//! default merchant's accounts only; in live mode a section with credentials makes that merchant's account if there is
//! none yet. An account without an address talks to this server's own far side in sandbox mode, to the gateway's live
//! hosts in live mode.

use std::collections::BTreeMap;

use secrecy::SecretString;

use crate::domain::merchants::{AvailableWhen, FeeOwner, FundsFlow, FxPoint, GatewayAccount, Recharge};
use crate::domain::statements::Availability;
use crate::flows::pay::{Accounts, OpenAccount};
use crate::gateways::transport::Transport;
use crate::gateways::{AccountSettings, BuildError, Context, Descriptor, Trust, registry};
use crate::ids::{IdSource, MerchantId};
use crate::sandbox::Sandbox;
use crate::settings::{GatewaySection, Mode, Settings};
use crate::store::merchants::{StoredGatewayAccount, secrets_place};
use crate::store::{Change, CommitError, Versioned};
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
    http: Transport,
) -> Result<Accounts, AppError> {
    let trust = match sandbox {
        None => Trust::Live,
        Some(sandbox) => Trust::StraitsSandbox { root_der: sandbox.root_certificate_der()? },
    };
    let context = Context { http, clock: built.clock.clone(), ids: built.ids.clone(), trust };
    let default = match seeded {
        Some(seeded) => seeded.default.merchant,
        None => {
            let merchants = built.store.merchants().await?;
            let oldest = merchants.first().ok_or(AppError::NoMerchant)?.id;
            join_configured(built, oldest).await?;
            oldest
        }
    };
    let stored = built.store.gateway_accounts().await?.into_iter().map(|row| row.value).collect();
    let open: Vec<OpenAccount> =
        open_all(stored, default, built.settings, public_url, built.vault, &context)?;
    Ok(Accounts::new(open))
}

/// An account for every section with credentials whose gateway the merchant has none at. Only that it exists is stored:
/// what the section says is laid over it at each start, its secrets stay where they are.
async fn join_configured(built: &Built<'_>, merchant: MerchantId) -> Result<(), AppError> {
    let stored = built.store.gateway_accounts().await?;
    let mut change = Change::new();
    for (gateway, section) in &built.settings.gateways {
        let here = |row: &Versioned<StoredGatewayAccount>| {
            row.value.account.merchant == merchant && row.value.account.gateway == *gateway
        };
        let given = !section.secrets.is_empty() || section.public.contains_key("client_id");
        let Some(descriptor) = registry::find(gateway).filter(|_| given && !stored.iter().any(here)) else {
            continue;
        };
        let name = match section.public.get("country").and_then(serde_json::Value::as_str) {
            Some(country) => format!("{gateway}-{}", country.to_lowercase()),
            None => gateway.clone(),
        };
        let account = usual_account(built.ids, merchant, descriptor, name);
        let sealed = built.vault.seal(&secrets_place(&account), b"{}")?;
        let public = serde_json::Map::new();
        tracing::info!(account = account.name, "the settings' account was added to the default merchant");
        change.insert_gateway_account(&StoredGatewayAccount { account, public, sealed }, built.clock.now());
    }
    if change.is_empty() {
        return Ok(());
    }
    match built.store.commit(change).await {
        // Another process was first; what it wrote counts.
        Ok(_) | Err(CommitError::LostUpdate { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// An account with the usual terms of its gateway: where the capture names the fee, that fee is passed on and the money
/// is there at once; else fee and arrival go by contract.
pub(super) fn usual_account(
    ids: &IdSource,
    merchant: MerchantId,
    gateway: &Descriptor,
    name: String,
) -> GatewayAccount {
    let (recharge, available_when) = if gateway.fee_known_at_capture {
        (Recharge::Actual, AvailableWhen::GatewayAvailable)
    } else {
        (Recharge::Schedule, AvailableWhen::BankReceived)
    };
    GatewayAccount {
        id: ids.mint(),
        merchant,
        gateway: gateway.name.to_owned(),
        name,
        funds_flow: FundsFlow::default(),
        recharge,
        unreturned_fee: None,
        available_when,
        fx_point: FxPoint::default(),
        settlement: GatewayAccount::usual_settlement(available_when),
        holds: vec![],
    }
}

/// Opens and builds every account.
///
/// # Errors
/// [`AppError::Vault`] when a secret does not open, [`AppError::Gateway`] naming account and key.
fn open_all(
    stored: Vec<StoredGatewayAccount>,
    default: MerchantId,
    settings: &Settings,
    public_url: &str,
    vault: &Vault,
    context: &Context,
) -> Result<Vec<OpenAccount>, AppError> {
    let mut open = vec![];
    for mut stored in stored {
        let ours = default == stored.account.merchant;
        let section = settings.gateways.get(&stored.account.gateway).filter(|_| ours);
        let account = effective(&mut stored, section, settings.mode, public_url, vault)?;
        let gateway = registry::build(&stored.account.gateway, &account, context)?;
        let available = availability(&account, settings)?;
        open.push(OpenAccount { account: stored.account, gateway, available });
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
    let address = match mode {
        Mode::Sandbox => Some(format!("{public_url}/sandbox/{}", stored.account.gateway)),
        Mode::Live => registry::find(&stored.account.gateway).map(|known| known.live_base_url.to_owned()),
    };
    if let Some(address) = address.filter(|_| !public.contains_key("base_url")) {
        public.insert("base_url".to_owned(), address.into());
    }
    let settings = AccountSettings { name: stored.account.name.clone(), public, secrets };
    let terms = &mut stored.account;
    lay_over(
        &settings,
        "funds_flow",
        "platform_collects, split_at_gateway, direct_to_supplier",
        &mut terms.funds_flow,
    )?;
    lay_over(&settings, "recharge", "actual, schedule", &mut terms.recharge)?;
    lay_over(
        &settings,
        "available_when",
        "bank_received, gateway_available, calendar",
        &mut terms.available_when,
    )?;
    lay_over(
        &settings,
        "settlement",
        "net_at_capture, net_in_batch, gross_then_invoice",
        &mut terms.settlement,
    )?;
    lay_over(&settings, "fx_point", "capture, available, payout", &mut terms.fx_point)?;
    let mut unreturned = terms.unreturned_fee.unwrap_or(FeeOwner::Platform);
    if lay_over(&settings, "unreturned_fee", "supplier, platform", &mut unreturned)? {
        terms.unreturned_fee = Some(unreturned);
    }
    if let Some(holds) = settings.currencies("holds")? {
        terms.holds = holds;
    }
    Ok(settings)
}

/// Its cut-off and calendars, by the settings.
///
/// # Errors
/// [`BuildError`] naming account and key.
fn availability(account: &AccountSettings, settings: &Settings) -> Result<Availability, BuildError> {
    let (cut_off, days) = ("available_cut_off", "available_days");
    let read = |text: String| {
        let why = "must be a time and a zone such as `18:00 Asia/Singapore`";
        Availability::read_cut_off(&text).ok_or_else(|| account.wrong(cut_off, why))
    };
    let cut_off = account.optional(cut_off)?.map(read).transpose()?;
    let days = account.currencies(days)?.unwrap_or_default();
    Ok(Availability::new(cut_off, days, settings.payout_tables.holidays.clone()))
}

/// A word of the settings in place of what is stored, if there is one; answers whether there was.
///
/// # Errors
/// [`BuildError`] naming account and key.
fn lay_over<T: serde::de::DeserializeOwned>(
    settings: &AccountSettings,
    key: &str,
    words: &str,
    term: &mut T,
) -> Result<bool, BuildError> {
    let Some(word) = settings.optional(key)? else { return Ok(false) };
    *term = serde_json::from_value(word.into())
        .map_err(|_| settings.wrong(key, &format!("must be one of {words}")))?;
    Ok(true)
}
