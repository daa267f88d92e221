//! The bank and rail accounts of a sandbox: for each currency one account for client money and one of the merchant's
//! own, at a bank whose statements the far side serves.
//!
//! They are looked for at each start, not only the first, so that a folder made before a currency had any has them too.

use secrecy::SecretString;

use crate::clock::Clock;
use crate::domain::merchants::{BankAccount, BankAccountKind, Funding, RailAccount};
use crate::flows::onboard::seal_details;
use crate::ids::IdSource;
use crate::money::Currency;
use crate::store::bank_accounts::StoredBankAccount;
use crate::store::{Change, CommitError, Store};
use crate::vault::Vault;

use super::{Identity, Seeded};
use crate::app::AppError;

/// Currencies with accounts, and whether the merchant's GrabPay account pays into that of client money.
const CURRENCIES: [(&str, bool); 9] = [
    ("SGD", true),
    ("MYR", true),
    ("PHP", true),
    ("THB", true),
    ("IDR", true),
    ("USD", false),
    ("CNY", false),
    ("VND", false),
    ("EUR", false),
];

/// Adds the accounts of both merchants that are not there.
///
/// # Errors
/// [`AppError`].
pub(in crate::app) async fn open(
    seeded: &Seeded,
    store: &Store,
    vault: &Vault,
    clock: &Clock,
    ids: &IdSource,
) -> Result<(), AppError> {
    for identity in [&seeded.default, &seeded.other] {
        let there = store.all_bank_accounts(identity.merchant).await?;
        let has = |code: &str| there.iter().any(|stored| stored.account.currency.code() == code);
        let missing: Vec<_> = CURRENCIES.into_iter().filter(|(code, _)| !has(code)).collect();
        if missing.is_empty() {
            continue;
        }
        let mut change = accounts(identity, vault, clock, ids, &missing)?;
        if there.is_empty() {
            change.insert_rail_account(&paypal_payouts(identity, clock, ids)?);
        }
        match store.commit(change).await {
            // Another process was first; what it wrote counts.
            Ok(_) | Err(CommitError::LostUpdate { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn currency(code: &str) -> Result<Currency, AppError> {
    Currency::find(code).map_err(|error| AppError::Broken(error.to_string()))
}

fn accounts(
    identity: &Identity,
    vault: &Vault,
    clock: &Clock,
    ids: &IdSource,
    missing: &[(&str, bool)],
) -> Result<Change, AppError> {
    let mut change = Change::new();
    for &(code, swept) in missing {
        for kind in [BankAccountKind::Client, BankAccountKind::Own] {
            let number = far_number(identity, code, kind);
            let id = ids.mint();
            let sealed = seal_details(vault, id, &SecretString::from(number.clone()), None)?;
            let sweeps = swept && kind == BankAccountKind::Client;
            let account = BankAccount {
                id,
                merchant: identity.merchant,
                name: format!("bank-{}", code.to_lowercase()),
                kind,
                currency: currency(code)?,
                country: "SG".to_owned(),
                bic: Some("STRTSGS0".to_owned()),
                hint: number[number.len() - 4..].to_owned(),
                sweeps: if sweeps { vec!["grabpay-sg".to_owned()] } else { vec![] },
                address: None,
                created_at: clock.now(),
            };
            change.insert_bank_account(&StoredBankAccount { account, sealed });
        }
    }
    Ok(change)
}

fn paypal_payouts(identity: &Identity, clock: &Clock, ids: &IdSource) -> Result<RailAccount, AppError> {
    Ok(RailAccount {
        id: ids.mint(),
        merchant: identity.merchant,
        name: "paypal-payouts".to_owned(),
        rail: "paypal_payouts".to_owned(),
        currency: currency("USD")?,
        funding: Funding::GatewayAccount("paypal".to_owned()),
        created_at: clock.now(),
    })
}

/// The number of an account at the far side's bank: the first twelve digits of the merchant's id at Grab, the currency,
/// and 1 for client money, 2 for the merchant's own.
pub(in crate::app) fn far_number(identity: &Identity, currency: &str, kind: BankAccountKind) -> String {
    let partner = identity.gateways.get("grabpay").and_then(|client| client.get("partner_id"));
    let digits = partner.map(String::as_str).unwrap_or_default().chars().filter(char::is_ascii_hexdigit);
    let digits: String = digits.take(12).collect();
    let kind = match kind {
        BankAccountKind::Client => 1,
        BankAccountKind::Own => 2,
    };
    format!("{}{currency}{kind}", digits.to_uppercase())
}
