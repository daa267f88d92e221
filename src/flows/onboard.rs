//! Who joins: merchants, keys, suppliers, payout accounts, accounts at banks and rails. Every change writes its line of the audit trail with it.

mod accounts;
mod told;

use chrono_tz::Tz;
use secrecy::{ExposeSecret, SecretString};

use crate::clock::Clock;
use crate::domain::access::{Actor, ApiKey, Environment, KeyKind, Scope, User, hash, new_key_text};
use crate::domain::merchants::{
    Contacts, Merchant, PayoutAccount, PayoutAccountKind, Recognise, Role, Supplier,
};
use crate::ids::{IdSource, KeyId, MerchantId, SupplierId, UserId};
use crate::money::Currency;
use crate::store::{Change, CommitError, Store, StoreError, Versioned};
use crate::vault::{Vault, VaultError};

pub use accounts::{NewBankAccount, NewRailAccount, account_number, seal_details, statement_name};

/// Why nobody joined.
#[derive(Debug, thiserror::Error)]
pub enum OnboardError {
    /// No such thing of this merchant.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// Another account has the name already.
    #[error("an account named `{0}` is there already")]
    NameTaken(String),
    /// What was given does not fit what is there.
    #[error("{why}")]
    Refused {
        /// The place of it.
        param: &'static str,
        /// What does not fit.
        why: String,
    },
    /// Refused by the database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Refused by the writer.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The secret could not be sealed.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl OnboardError {
    fn refused(param: &'static str, why: String) -> OnboardError {
        OnboardError::Refused { param, why }
    }
}

/// What every verb here needs.
#[derive(Debug, Clone)]
pub struct Onboarding {
    /// The database.
    pub store: Store,
    /// Business time.
    pub clock: Clock,
    /// Ids and randomness.
    pub ids: IdSource,
    /// Secrets at rest.
    pub vault: Vault,
}

/// What a new key is to be.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// For people.
    pub name: String,
    /// Browser or server.
    pub kind: KeyKind,
    /// Test or real money.
    pub environment: Environment,
    /// Who acts when it is used.
    pub user: KeyUser,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Browser origins of a publishable key.
    pub origins: Vec<String>,
}

/// Who acts when a new key is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyUser {
    /// A user of the merchant's.
    Known(UserId),
    /// A new one of this name, made with the key: a checker beside the maker.
    New(String),
}

/// What a new merchant is to be.
#[derive(Debug, Clone)]
pub struct NewMerchant {
    /// Whether it sells for others or for itself.
    pub role: Role,
    /// When commission counts as earned.
    pub recognise: Recognise,
    /// Its name.
    pub name: String,
    /// The zone of its business days.
    pub zone: Tz,
    /// The jurisdiction of its taxes.
    pub tax_jurisdiction: String,
    /// Its number with the tax office.
    pub tax_number: Option<String>,
    /// Origins a shopper may be sent back to.
    pub return_origins: Vec<String>,
    /// The name of its first user, who gets the admin key.
    pub admin: String,
}

/// A merchant as it begins.
#[derive(Debug)]
pub struct Founded {
    /// The merchant.
    pub merchant: Merchant,
    /// Its admin key, without the text.
    pub key: ApiKey,
    /// The text of the key, answered this once.
    pub text: SecretString,
}

/// What a new supplier is to be.
#[derive(Debug, Clone)]
pub struct NewSupplier {
    /// Legal name.
    pub name: String,
    /// ISO 3166 alpha-2.
    pub country: String,
    /// The currency it is settled in.
    pub currency: Currency,
    /// Its number with its tax office.
    pub tax_number: Option<String>,
    /// The e-mail address by which it hears that its payout account was changed.
    pub payout_contact: Option<String>,
}

/// What a new payout account is to be.
#[derive(Debug)]
pub struct NewPayoutAccount {
    /// What the number is.
    pub kind: PayoutAccountKind,
    /// ISO 3166 alpha-2.
    pub country: String,
    /// The currency it takes.
    pub currency: Currency,
    /// The name it is held under.
    pub holder: String,
    /// The number, sealed as soon as it arrives here.
    pub number: SecretString,
    /// The bank's code, where the number needs one.
    pub bank_code: Option<String>,
}

/// What a supplier's payout account number is sealed for.
pub fn account_place(account: &PayoutAccount) -> String {
    format!("supplier_account/{}/details", account.id)
}

impl Onboarding {
    /// Makes a merchant with its first user and an admin key, from which every other key follows.
    ///
    /// # Errors
    /// [`OnboardError`].
    pub async fn found(&self, new: NewMerchant) -> Result<Founded, OnboardError> {
        let merchant = Merchant {
            id: self.ids.mint(),
            name: new.name,
            role: new.role,
            zone: new.zone,
            recognise: new.recognise,
            return_origins: new.return_origins,
            tax_jurisdiction: new.tax_jurisdiction,
            tax_number: new.tax_number,
        };
        let now = self.clock.now();
        let user = User { id: self.ids.mint(), merchant: merchant.id, name: new.admin };
        let admin = NewKey {
            name: "admin".to_owned(),
            kind: KeyKind::Secret,
            environment: self.store.environment(),
            user: KeyUser::Known(user.id),
            scopes: vec![Scope::Admin],
            origins: vec![],
        };
        let (key, text) = self.cut(merchant.id, user.id, user.id, admin);
        let mut change = Change::new();
        change.insert_merchant(&merchant, now).insert_user(&user, now).insert_key(&key);
        let actor = Actor { merchant: merchant.id, user: user.id, key: key.id, request: self.ids.mint() };
        self.audited(&actor, "merchant.created", &merchant.id.to_string(), &merchant.name, change).await?;
        Ok(Founded { merchant, key, text })
    }

    /// Makes a key; its text is answered once and never again.
    ///
    /// # Errors
    /// [`OnboardError`]: `NotFound` when the user or a scope's supplier is not this merchant's.
    pub async fn create_key(
        &self,
        actor: &Actor,
        new: NewKey,
    ) -> Result<(ApiKey, SecretString), OnboardError> {
        let mut change = Change::new();
        let user = match &new.user {
            KeyUser::Known(user) => {
                self.store.user(actor.merchant, *user).await?.ok_or(OnboardError::NotFound("user"))?.id
            }
            KeyUser::New(name) => {
                let user = User { id: self.ids.mint(), merchant: actor.merchant, name: name.clone() };
                change.insert_user(&user, self.clock.now());
                user.id
            }
        };
        for scope in &new.scopes {
            if let Scope::Supplier(supplier) = scope {
                self.store
                    .supplier(actor.merchant, *supplier)
                    .await?
                    .ok_or(OnboardError::NotFound("supplier"))?;
            }
        }
        let (key, text) = self.cut(actor.merchant, actor.user, user, new);
        change.insert_key(&key);
        let scopes: Vec<String> = key.scopes.iter().map(Scope::to_string).collect();
        let detail = format!("{user} {}", scopes.join(" "));
        self.audited(actor, "key.created", &key.id.to_string(), &detail, change).await?;
        Ok((key, text))
    }

    fn cut(
        &self,
        merchant: MerchantId,
        made_by: UserId,
        user: UserId,
        new: NewKey,
    ) -> (ApiKey, SecretString) {
        let text = new_key_text(new.kind, new.environment, &self.ids);
        let key = ApiKey {
            id: self.ids.mint(),
            merchant,
            user,
            made_by,
            name: new.name,
            kind: new.kind,
            environment: new.environment,
            scopes: new.scopes,
            origins: new.origins,
            hint: ending(text.expose_secret()),
            hash: hash(text.expose_secret()),
            created_at: self.clock.now(),
            revoked_at: None,
        };
        (key, text)
    }

    /// Makes a key invalid; doing it again changes nothing.
    ///
    /// # Errors
    /// [`OnboardError`].
    pub async fn revoke_key(&self, actor: &Actor, id: KeyId) -> Result<ApiKey, OnboardError> {
        let mut key = self.store.key(actor.merchant, id).await?.ok_or(OnboardError::NotFound("key"))?;
        if key.value.revoked_at.is_some() {
            return Ok(key.value);
        }
        let now = self.clock.now();
        let mut change = Change::new();
        change.revoke_key(&key, now);
        self.audited(actor, "key.revoked", &id.to_string(), "", change).await?;
        key.value.revoked_at = Some(now);
        Ok(key.value)
    }

    /// Adds a supplier.
    ///
    /// # Errors
    /// [`OnboardError`].
    pub async fn create_supplier(&self, actor: &Actor, new: NewSupplier) -> Result<Supplier, OnboardError> {
        let NewSupplier { name, country, currency, tax_number, payout_contact } = new;
        let (id, merchant, mut contacts) = (self.ids.mint(), actor.merchant, Contacts::default());
        if let Some(email) = payout_contact {
            contacts.replace(email, self.clock.now());
        }
        let supplier = Supplier { id, merchant, name, country, currency, tax_number, contacts };
        let mut change = Change::new();
        change.insert_supplier(&supplier, self.clock.now());
        let detail = format!("{} {}", supplier.country, supplier.currency);
        self.audited(actor, "supplier.created", &supplier.id.to_string(), &detail, change).await?;
        Ok(supplier)
    }

    /// Changes a supplier's name, country, currency, tax number or contact. What is booked keeps its currency.
    ///
    /// # Errors
    /// [`OnboardError`].
    pub async fn update_supplier(
        &self,
        actor: &Actor,
        id: SupplierId,
        edit: impl FnOnce(&mut Supplier),
    ) -> Result<Supplier, OnboardError> {
        let mut supplier = self.supplier(actor, id).await?;
        let before = supplier.value.clone();
        edit(&mut supplier.value);
        if supplier.value != before {
            if supplier.value.contacts != before.contacts && supplier.value.contacts.is_crowded() {
                let why = "the contact has changed too often in the last thirty days: everybody who was it is told of changes; \
                           try again later";
                return Err(OnboardError::refused("payout_contact", why.to_owned()));
            }
            let mut change = Change::new();
            change.update_supplier(&supplier);
            let after = &supplier.value;
            let told = |supplier: &Supplier| {
                let tax_number = supplier.tax_number.as_deref().unwrap_or("-");
                format!("{} {} {} {tax_number}", supplier.name, supplier.country, supplier.currency)
            };
            let detail = format!("{} -> {}", told(&before), told(after));
            if before.contacts.current().is_some() && before.contacts.current() != after.contacts.current() {
                self.tell_of_contact(&mut change, actor, &before, after);
            }
            self.audited(actor, "supplier.updated", &id.to_string(), &detail, change).await?;
        }
        Ok(supplier.value)
    }

    /// Adds a payout account. Its number is sealed; only its last characters are ever answered.
    ///
    /// # Errors
    /// [`OnboardError`].
    pub async fn add_payout_account(
        &self,
        actor: &Actor,
        supplier: SupplierId,
        new: NewPayoutAccount,
    ) -> Result<PayoutAccount, OnboardError> {
        let owner = self.supplier(actor, supplier).await?.value;
        let account = PayoutAccount {
            id: self.ids.mint(),
            supplier,
            kind: new.kind,
            country: new.country,
            currency: new.currency,
            holder: new.holder,
            hint: ending(new.number.expose_secret()),
            created_at: self.clock.now(),
        };
        let details = serde_json::json!({"number": new.number.expose_secret(), "bank_code": new.bank_code});
        let sealed = self.vault.seal(&account_place(&account), details.to_string().as_bytes())?;
        let mut change = Change::new();
        change.insert_payout_account(actor.merchant, &account, sealed);
        self.tell_of_change(&mut change, actor, &owner, &account).await?;
        let detail = format!("{} {} …{}", account.country, account.currency, account.hint);
        self.audited(actor, "supplier.account_added", &supplier.to_string(), &detail, change).await?;
        Ok(account)
    }

    async fn supplier(&self, actor: &Actor, id: SupplierId) -> Result<Versioned<Supplier>, OnboardError> {
        self.store.supplier(actor.merchant, id).await?.ok_or(OnboardError::NotFound("supplier"))
    }

    /// Commits a change with its line of the audit trail.
    async fn audited(
        &self,
        actor: &Actor,
        action: &str,
        subject: &str,
        detail: &str,
        mut change: Change,
    ) -> Result<(), OnboardError> {
        change.audit(actor.note(&self.ids, self.clock.now(), action, subject, detail));
        self.store.commit(change).await?;
        Ok(())
    }
}

fn ending(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    letters[letters.len().saturating_sub(4)..].iter().collect()
}
