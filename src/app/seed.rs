//! What a first sandbox start puts into an empty database: two merchants with users, keys, suppliers and accounts at
//! every gateway.
//!
//! The keys' texts and the far sides' secrets are kept together in one sealed setting, the one exception to "only
//! hashes are stored": every data folder with the same master key writes the same `sandbox.json`, and a folder with
//! another key is refused (`master_key_mismatch`) before it does anything.

pub(super) mod banks;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono_tz::Tz;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::clock::Clock;
use crate::domain::access::{ApiKey, Environment, KeyKind, Scope, User, hash, new_key_text};
use crate::domain::merchants::{Contacts, GatewayAccount, Merchant, Recognise, Role, Supplier};
use crate::gateways::{grabpay, paypal, xendit};
use crate::ids::{IdSource, MerchantId, SupplierId, UserId};
use crate::money::Currency;
use crate::store::merchants::{StoredGatewayAccount, secrets_place};
use crate::store::{Change, CommitError, Store};
use crate::vault::Vault;

use super::AppError;
use super::gateway_accounts::usual_account;

const SETTING: &str = "sandbox_identity";
const PLACE: &str = "setting/sandbox_identity";

/// Suppliers of each merchant: name, country, currency.
const SUPPLIERS: &[(&str, &str, &str)] = &[
    ("Shenzhen Lantern Works", "CN", "CNY"),
    ("Tiong Bahru Coffee Roasters", "SG", "SGD"),
    ("Chiang Mai Ceramics", "TH", "THB"),
    ("Hoi An Silk", "VN", "VND"),
    ("Portland Paper Goods", "US", "USD"),
];

/// Everything of one merchant that a client needs; the texts are secrets.
#[derive(Clone, Serialize, Deserialize)]
pub struct Identity {
    /// The merchant.
    pub merchant: MerchantId,
    /// `publishable`, `storefront`, `finance`, `maker`, `checker`, `supplier`, `admin`.
    pub keys: BTreeMap<String, String>,
    /// The supplier that the supplier's key sees.
    pub supplier_id: SupplierId,
    /// The suppliers.
    pub suppliers: Vec<SeededSupplier>,
    /// By gateway: what a client of the far side needs, without its address.
    pub gateways: BTreeMap<String, BTreeMap<String, String>>,
}

/// A supplier as `sandbox.json` lists it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SeededSupplier {
    /// Its id.
    pub id: SupplierId,
    /// Its name.
    pub name: String,
    /// The currency it is settled in.
    pub currency: Currency,
    /// ISO 3166 alpha-2.
    pub country: String,
}

/// Both merchants of a sandbox.
#[derive(Clone, Serialize, Deserialize)]
pub struct Seeded {
    /// The one that global gateway settings are for.
    pub default: Identity,
    /// A stranger to it, for tests of isolation.
    pub other: Identity,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity({})", self.merchant)
    }
}

impl std::fmt::Debug for Seeded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Seeded({}, {})", self.default.merchant, self.other.merchant)
    }
}

/// What is there, or what is put there now.
///
/// # Errors
/// [`AppError::Vault`] with `master_key_mismatch`; [`AppError::Store`], [`AppError::Commit`].
pub async fn seeded(store: &Store, vault: &Vault, clock: &Clock, ids: &IdSource) -> Result<Seeded, AppError> {
    if let Some(seeded) = stored(store, vault).await? {
        return Ok(seeded);
    }
    let mut change = Change::new();
    let mut sower = Sower { clock, ids, vault, change: &mut change };
    let seeded =
        Seeded { default: sower.merchant("Straits Demo Shop")?, other: sower.merchant("Other Shop")? };
    let text = serde_json::to_vec(&seeded).map_err(|error| AppError::Broken(error.to_string()))?;
    change.set_setting(SETTING, BASE64.encode(vault.seal(PLACE, &text)?), None);
    match store.commit(change).await {
        Ok(_) => Ok(seeded),
        // Another process was first; what it wrote counts.
        Err(error @ CommitError::LostUpdate { .. }) => {
            stored(store, vault).await?.ok_or(AppError::Commit(error))
        }
        Err(error) => Err(error.into()),
    }
}

async fn stored(store: &Store, vault: &Vault) -> Result<Option<Seeded>, AppError> {
    let Some(row) = store.setting(SETTING).await? else { return Ok(None) };
    let broken = |why: String| AppError::Broken(format!("the setting {SETTING}: {why}"));
    let sealed = BASE64.decode(&row.value).map_err(|error| broken(error.to_string()))?;
    let text = vault.open(PLACE, &sealed)?;
    serde_json::from_slice(&text).map(Some).map_err(|error| broken(error.to_string()))
}

struct Sower<'a> {
    clock: &'a Clock,
    ids: &'a IdSource,
    vault: &'a Vault,
    change: &'a mut Change,
}

impl Sower<'_> {
    fn merchant(&mut self, name: &str) -> Result<Identity, AppError> {
        let merchant = Merchant {
            id: self.ids.mint(),
            name: name.to_owned(),
            role: Role::default(),
            zone: Tz::UTC,
            recognise: Recognise::default(),
            return_origins: vec![],
            tax_jurisdiction: "SG".to_owned(),
            tax_number: None,
        };
        self.change.insert_merchant(&merchant, self.clock.now());
        let suppliers = self.suppliers(merchant.id)?;
        // The Thai one: its share is converted in most payments, which shows more than one that is not.
        let supplier_id = suppliers[2].id;
        let keys = self.keys(merchant.id, supplier_id);
        let gateways = BTreeMap::from([
            ("paypal".to_owned(), self.paypal(merchant.id)?),
            ("grabpay".to_owned(), self.grabpay(merchant.id)?),
            ("xendit".to_owned(), self.xendit(merchant.id)?),
        ]);
        Ok(Identity { merchant: merchant.id, keys, supplier_id, suppliers, gateways })
    }

    fn suppliers(&mut self, merchant: MerchantId) -> Result<Vec<SeededSupplier>, AppError> {
        let mut seeded = vec![];
        for (name, country, currency) in SUPPLIERS {
            let currency = Currency::find(currency).map_err(|error| AppError::Broken(error.to_string()))?;
            let (name, country) = ((*name).to_owned(), (*country).to_owned());
            let id = self.ids.mint();
            let supplier = Supplier {
                id,
                merchant,
                name: name.clone(),
                country: country.clone(),
                currency,
                tax_number: None,
                contacts: Contacts::default(),
            };
            self.change.insert_supplier(&supplier, self.clock.now());
            seeded.push(SeededSupplier { id, name, currency, country });
        }
        Ok(seeded)
    }

    fn keys(&mut self, merchant: MerchantId, supplier: SupplierId) -> BTreeMap<String, String> {
        let [shop, maker, checker, partner, admin] =
            ["shop", "maker", "checker", "supplier", "admin"].map(|name| self.user(merchant, name));
        let mut keys = BTreeMap::from([
            ("publishable".to_owned(), self.key(merchant, shop, "publishable", vec![])),
            ("storefront".to_owned(), self.key(merchant, shop, "storefront", vec![Scope::Storefront])),
            ("maker".to_owned(), self.key(merchant, maker, "finance", vec![Scope::Finance])),
            ("checker".to_owned(), self.key(merchant, checker, "checker", vec![Scope::Finance])),
            ("supplier".to_owned(), self.key(merchant, partner, "supplier", vec![Scope::Supplier(supplier)])),
            ("admin".to_owned(), self.key(merchant, admin, "admin", vec![Scope::Admin])),
        ]);
        if let Some(maker) = keys.get("maker").cloned() {
            keys.insert("finance".to_owned(), maker);
        }
        keys
    }

    fn user(&mut self, merchant: MerchantId, name: &str) -> UserId {
        let user = User { id: self.ids.mint(), merchant, name: name.to_owned() };
        self.change.insert_user(&user, self.clock.now());
        user.id
    }

    fn key(&mut self, merchant: MerchantId, user: UserId, name: &str, scopes: Vec<Scope>) -> String {
        let kind = if scopes.is_empty() { KeyKind::Publishable } else { KeyKind::Secret };
        let text = new_key_text(kind, Environment::Test, self.ids);
        let text = text.expose_secret();
        self.change.insert_key(&ApiKey {
            id: self.ids.mint(),
            merchant,
            user,
            made_by: user,
            name: name.to_owned(),
            kind,
            environment: Environment::Test,
            scopes,
            origins: vec![],
            hint: text[text.len() - 4..].to_owned(),
            hash: hash(text),
            created_at: self.clock.now(),
            revoked_at: None,
        });
        text.to_owned()
    }

    fn paypal(&mut self, merchant: MerchantId) -> Result<BTreeMap<String, String>, AppError> {
        let client = BTreeMap::from([
            ("client_id".to_owned(), format!("A{}", self.token())),
            ("client_secret".to_owned(), format!("E{}", self.token())),
            ("webhook_id".to_owned(), self.token()[..17].to_uppercase()),
            ("merchant_id".to_owned(), self.token()[..13].to_uppercase()),
        ]);
        let account = usual_account(self.ids, merchant, &paypal::DESCRIPTOR, "paypal".to_owned());
        let public = json!({
            "client_id": client["client_id"], "webhook_id": client["webhook_id"],
            "merchant_id": client["merchant_id"], "verification": "self",
        });
        self.store_account(account, public, &[("client_secret", &client["client_secret"])])?;
        Ok(client)
    }

    fn grabpay(&mut self, merchant: MerchantId) -> Result<BTreeMap<String, String>, AppError> {
        let client = BTreeMap::from([
            ("partner_id".to_owned(), self.uuid()),
            ("partner_secret".to_owned(), self.token()),
            ("client_id".to_owned(), self.token()[..32].to_owned()),
            ("client_secret".to_owned(), self.token()),
            ("merchant_id".to_owned(), self.uuid()),
        ]);
        let account = usual_account(self.ids, merchant, &grabpay::DESCRIPTOR, "grabpay-sg".to_owned());
        let public = json!({
            "partner_id": client["partner_id"], "client_id": client["client_id"],
            "merchant_id": client["merchant_id"], "country": "SG",
            "currencies": ["SGD", "MYR", "PHP", "THB", "IDR"],
        });
        let secrets =
            [("partner_secret", &client["partner_secret"]), ("client_secret", &client["client_secret"])];
        self.store_account(account, public, &secrets)?;
        Ok(client)
    }

    fn xendit(&mut self, merchant: MerchantId) -> Result<BTreeMap<String, String>, AppError> {
        let client = BTreeMap::from([
            ("business_id".to_owned(), self.token()[..24].to_owned()),
            ("secret_key".to_owned(), format!("xnd_development_{}", self.token())),
            ("callback_token".to_owned(), self.token()),
        ]);
        let account = usual_account(self.ids, merchant, &xendit::DESCRIPTOR, "xendit".to_owned());
        let public = json!({"business_id": client["business_id"]});
        let secrets = [("secret_key", &client["secret_key"]), ("callback_token", &client["callback_token"])];
        self.store_account(account, public, &secrets)?;
        Ok(client)
    }

    fn store_account(
        &mut self,
        account: GatewayAccount,
        public: serde_json::Value,
        secrets: &[(&str, &String)],
    ) -> Result<(), AppError> {
        let public = public.as_object().cloned().unwrap_or_default();
        let secrets: BTreeMap<&str, [&String; 1]> =
            secrets.iter().map(|(key, text)| (*key, [*text])).collect();
        let text = serde_json::to_vec(&secrets).map_err(|error| AppError::Broken(error.to_string()))?;
        let sealed = self.vault.seal(&secrets_place(&account), &text)?;
        self.change
            .insert_gateway_account(&StoredGatewayAccount { account, public, sealed }, self.clock.now());
        Ok(())
    }

    /// 64 hexadecimal digits.
    fn token(&self) -> String {
        self.ids.random_bytes::<32>().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn uuid(&self) -> String {
        uuid::Builder::from_random_bytes(self.ids.random_bytes()).into_uuid().to_string()
    }
}

/// Seals the identity anew; 1 if it was needed.
///
/// # Errors
/// As [`seeded`].
pub(super) async fn reseal(store: &Store, vault: &Vault) -> Result<usize, AppError> {
    let (Some(seeded), Some(row)) = (stored(store, vault).await?, store.setting(SETTING).await?) else {
        return Ok(0);
    };
    let text = serde_json::to_vec(&seeded).map_err(|error| AppError::Broken(error.to_string()))?;
    let mut change = Change::new();
    change.set_setting(SETTING, BASE64.encode(vault.seal(PLACE, &text)?), Some(&row));
    store.commit(change).await?;
    Ok(1)
}
