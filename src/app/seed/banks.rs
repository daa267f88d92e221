//! The bank and rail accounts of a sandbox: for each currency one account for client money and one of the merchant's
//! own, at a bank whose statements the far side serves.
//!
//! They are looked for at each start, not only the first, so that a folder made before there were any has them too.

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
const CURRENCIES: [(&str, bool); 6] =
    [("SGD", true), ("MYR", true), ("PHP", true), ("THB", true), ("IDR", true), ("USD", false)];

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
        if !store.all_bank_accounts(identity.merchant).await?.is_empty() {
            continue;
        }
        match store.commit(accounts(identity, vault, clock, ids)?).await {
            // Another process was first; what it wrote counts.
            Ok(_) | Err(CommitError::LostUpdate { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn accounts(identity: &Identity, vault: &Vault, clock: &Clock, ids: &IdSource) -> Result<Change, AppError> {
    let mut change = Change::new();
    let currency = |code: &str| Currency::find(code).map_err(|error| AppError::Broken(error.to_string()));
    for (code, swept) in CURRENCIES {
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
                created_at: clock.now(),
            };
            change.insert_bank_account(&StoredBankAccount { account, sealed });
        }
    }
    change.insert_rail_account(&RailAccount {
        id: ids.mint(),
        merchant: identity.merchant,
        name: "paypal-payouts".to_owned(),
        rail: "paypal_payouts".to_owned(),
        currency: currency("USD")?,
        funding: Funding::GatewayAccount("paypal".to_owned()),
        created_at: clock.now(),
    });
    Ok(change)
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
