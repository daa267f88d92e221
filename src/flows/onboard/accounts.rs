//! A merchant's own accounts at banks and rails.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::domain::access::Actor;
use crate::domain::merchants::{BankAccount, BankAccountKind, Funding, RailAccount};
use crate::domain::payouts::DebtorAddress;
use crate::gateways::registry;
use crate::ids::BankAccountId;
use crate::money::Currency;
use crate::store::bank_accounts::{StoredBankAccount, details_place};
use crate::store::{Change, CommitError};
use crate::vault::{Vault, VaultError};

use super::{OnboardError, Onboarding, ending};

/// What a new bank account is to be; form and check digits were looked at before.
#[derive(Debug)]
pub struct NewBankAccount {
    /// Its name and ledger dimension.
    pub name: String,
    /// Whose money lies on it.
    pub kind: BankAccountKind,
    /// Its one currency.
    pub currency: Currency,
    /// ISO 3166 alpha-2.
    pub country: String,
    /// The bank's BIC.
    pub bic: Option<String>,
    /// Its number or IBAN, sealed as soon as it arrives here.
    pub number: SecretString,
    /// How the bank's statements name it, where not by its number.
    pub statement_id: Option<SecretString>,
    /// Names of the gateway accounts whose takings arrive here.
    pub sweeps: Vec<String>,
    /// The holder's seat.
    pub address: Option<DebtorAddress>,
}

/// What a new rail account is to be.
#[derive(Debug)]
pub struct NewRailAccount {
    /// Its name and ledger dimension.
    pub name: String,
    /// The rail.
    pub rail: String,
    /// Its one currency.
    pub currency: Currency,
    /// Where the money of a payout comes from.
    pub funding: Funding,
}

/// What is sealed of a bank account.
#[derive(Serialize, Deserialize)]
struct Details {
    number: String,
    statement_id: Option<String>,
}

/// The names under which a bank's statements may speak of an account: how the bank itself calls it, else its number.
///
/// # Errors
/// [`VaultError`] when it does not open.
pub fn statement_name(vault: &Vault, stored: &StoredBankAccount) -> Result<SecretString, VaultError> {
    let opened = vault.open(&details_place(stored.account.id), &stored.sealed)?;
    let details: Details = serde_json::from_slice(&opened).map_err(|_| VaultError::Altered)?;
    Ok(details.statement_id.unwrap_or(details.number).into())
}

/// The number of an account.
///
/// # Errors
/// [`VaultError`] when it does not open.
pub fn account_number(vault: &Vault, stored: &StoredBankAccount) -> Result<SecretString, VaultError> {
    let opened = vault.open(&details_place(stored.account.id), &stored.sealed)?;
    let details: Details = serde_json::from_slice(&opened).map_err(|_| VaultError::Altered)?;
    Ok(details.number.into())
}

/// Seals what a bank account must not show.
///
/// # Errors
/// [`VaultError`].
pub fn seal_details(
    vault: &Vault,
    id: BankAccountId,
    number: &SecretString,
    statement_id: Option<&SecretString>,
) -> Result<Vec<u8>, VaultError> {
    let details = serde_json::json!({
        "number": number.expose_secret(),
        "statement_id": statement_id.map(ExposeSecret::expose_secret),
    });
    vault.seal(&details_place(id), details.to_string().as_bytes())
}

impl Onboarding {
    /// Adds a bank account. Its number is sealed; only its last characters are ever answered.
    ///
    /// # Errors
    /// [`OnboardError`]: `NameTaken`, or `Refused` at `sweeps` where a gateway account is not this merchant's or its
    /// takings in this currency arrive elsewhere.
    pub async fn add_bank_account(
        &self,
        actor: &Actor,
        new: NewBankAccount,
    ) -> Result<BankAccount, OnboardError> {
        let known = self.store.all_bank_accounts(actor.merchant).await?;
        let gateways = self.gateway_names(actor).await?;
        if gateways.contains(&new.name) {
            return Err(OnboardError::NameTaken(new.name));
        }
        for swept in &new.sweeps {
            if !gateways.contains(swept) {
                return Err(OnboardError::refused(
                    "sweeps",
                    format!("there is no gateway account `{swept}`"),
                ));
            }
            let elsewhere = known.iter().map(|stored| &stored.account).find(|other| {
                other.currency == new.currency && other.sweeps.iter().any(|name| name == swept)
            });
            if let Some(other) = elsewhere {
                let why = format!("`{swept}` is swept into `{}` ({}) already", other.name, other.currency);
                return Err(OnboardError::refused("sweeps", why));
            }
        }
        let account = BankAccount {
            id: self.ids.mint(),
            merchant: actor.merchant,
            name: new.name,
            kind: new.kind,
            currency: new.currency,
            country: new.country,
            bic: new.bic,
            hint: ending(new.number.expose_secret()),
            sweeps: new.sweeps,
            address: new.address,
            created_at: self.clock.now(),
        };
        let sealed = seal_details(&self.vault, account.id, &new.number, new.statement_id.as_ref())?;
        let mut change = Change::new();
        change.insert_bank_account(&StoredBankAccount { account: account.clone(), sealed });
        let detail = format!("{} {} …{}", account.name, account.currency, account.hint);
        self.named(actor, "bank_account.added", &account.id.to_string(), &detail, &account.name, change)
            .await?;
        Ok(account)
    }

    /// Adds a rail account.
    ///
    /// # Errors
    /// [`OnboardError`]: `NameTaken`, or `Refused` at `funding` where the account is not this merchant's, not of the
    /// same currency, or not for client money.
    pub async fn add_rail_account(
        &self,
        actor: &Actor,
        new: NewRailAccount,
    ) -> Result<RailAccount, OnboardError> {
        match &new.funding {
            Funding::BankAccount(id) => {
                let bank = self.store.bank_account(actor.merchant, *id).await?;
                let bank = bank.ok_or(OnboardError::NotFound("bank account"))?.account;
                if (bank.kind, bank.currency) != (BankAccountKind::Client, new.currency) {
                    let why = format!(
                        "payouts in {} are funded by a client account in {}",
                        new.currency, new.currency
                    );
                    return Err(OnboardError::refused("funding", why));
                }
            }
            Funding::GatewayAccount(name) => {
                let rows = self.store.gateway_accounts().await?.into_iter().map(|row| row.value.account);
                let named = rows.into_iter().find(|row| row.merchant == actor.merchant && row.name == *name);
                let Some(named) = named else {
                    let why = format!("there is no gateway account `{name}`");
                    return Err(OnboardError::refused("funding", why));
                };
                let pays = registry::find(&named.gateway).and_then(|gateway| gateway.payout_rail);
                if pays != Some(new.rail.as_str()) {
                    let way = pays.map_or("nothing".to_owned(), |rail| format!("`{rail}`"));
                    let why = format!("money at `{name}` leaves over {way}, not over `{}`", new.rail);
                    return Err(OnboardError::refused("funding", why));
                }
            }
        }
        let account = RailAccount {
            id: self.ids.mint(),
            merchant: actor.merchant,
            name: new.name,
            rail: new.rail,
            currency: new.currency,
            funding: new.funding,
            created_at: self.clock.now(),
        };
        let mut change = Change::new();
        change.insert_rail_account(&account);
        let detail = format!("{} {} {}", account.name, account.rail, account.currency);
        self.named(actor, "rail_account.added", &account.id.to_string(), &detail, &account.name, change)
            .await?;
        Ok(account)
    }

    async fn gateway_names(&self, actor: &Actor) -> Result<Vec<String>, OnboardError> {
        let rows = self.store.gateway_accounts().await?.into_iter().map(|row| row.value.account);
        Ok(rows.filter(|row| row.merchant == actor.merchant).map(|row| row.name).collect())
    }

    /// Commits a row with a unique name: nothing else of it can be lost.
    async fn named(
        &self,
        actor: &Actor,
        action: &str,
        subject: &str,
        detail: &str,
        name: &str,
        change: Change,
    ) -> Result<(), OnboardError> {
        match self.audited(actor, action, subject, detail, change).await {
            Err(OnboardError::Commit(CommitError::LostUpdate { .. })) => {
                Err(OnboardError::NameTaken(name.to_owned()))
            }
            other => other,
        }
    }
}
