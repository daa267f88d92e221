//! `/v1/bank-accounts`: where client money and the merchant's own lie, and which gateways pay into them.

use actix_web::web;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::merchants::{BankAccount, BankAccountKind, Iban, bic};
use crate::domain::payouts::DebtorAddress;
use crate::flows::onboard::NewBankAccount;
use crate::http::caller::Caller;
use crate::http::extract::{Json, Paging, Query};
use crate::http::problem::{Answer, Code, Problem};
use crate::http::schemas::BankAccountObject;
use crate::http::service::Service;
use crate::http::wire::{self, CurrencyIn, Page, SecretIn};
use crate::ids::BankAccountId;
use crate::money::Currency;

/// A new bank account: an `iban`, or a `number` with the bank's `bic`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "dbs", "kind": "client", "currency": "SGD", "country": "SG", "number": "0039012345", "bic": "DBSSSGSG", "sweeps": ["grabpay-sg"], "address": {"street": "1 Raffles Place", "post_code": "048616", "town": "Singapore"}}))]
pub struct CreateBankAccount {
    /// Its name in the books, in small letters: part of the ledger's account.
    #[schema(pattern = "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")]
    name: String,
    kind: BankAccountKind,
    /// Its one currency; an account with several is added once for each.
    #[schema(value_type = Currency)]
    currency: CurrencyIn,
    /// ISO 3166 alpha-2.
    #[schema(pattern = "^[A-Z]{2}$")]
    country: String,
    /// ISO 13616; sealed on arrival, never answered.
    #[schema(value_type = Option<String>, min_length = 15, max_length = 42, write_only)]
    iban: Option<SecretIn>,
    /// A national number; sealed on arrival, never answered.
    #[schema(value_type = Option<String>, min_length = 4, max_length = 64, write_only)]
    number: Option<SecretIn>,
    /// ISO 9362; required beside a national number.
    #[schema(pattern = "^[A-Za-z0-9]{8}([A-Za-z0-9]{3})?$")]
    bic: Option<String>,
    /// How the bank's statements name the account, where not by its number; sealed, never answered.
    #[schema(value_type = Option<String>, min_length = 4, max_length = 64, write_only)]
    statement_id: Option<SecretIn>,
    /// Names of the gateway accounts whose takings in this currency arrive here.
    #[serde(default)]
    #[schema(max_items = 100)]
    sweeps: Vec<String>,
    /// The holder's seat, as pain.001 files tell the bank; letters without accents, digits and / - ? : ( ) . , ' +. Without it
    /// what the settings say of the default merchant, and nothing of others.
    address: Option<DebtorAddress>,
}

/// A bank account without its number.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "bac_01kb0000000000000000000000", "object": "bank_account", "name": "dbs", "kind": "client", "currency": "SGD", "country": "SG", "bic": "DBSSSGSG", "hint": "2345", "ledger_account": "1010[dbs]", "sweeps": ["grabpay-sg"], "address": null, "created_at": "2026-11-28T08:00:00Z"}))]
pub struct BankAccountAnswer {
    #[schema(value_type = BankAccountId)]
    id: String,
    #[schema(inline, value_type = BankAccountObject)]
    object: &'static str,
    /// Its name in the books.
    name: String,
    kind: BankAccountKind,
    #[schema(value_type = Currency)]
    currency: String,
    /// ISO 3166 alpha-2.
    #[schema(pattern = "^[A-Z]{2}$")]
    country: String,
    #[schema(required)]
    bic: Option<String>,
    /// The last four characters of the number.
    hint: String,
    /// The account of the books that is its money.
    ledger_account: String,
    /// Names of the gateway accounts whose takings in this currency arrive here.
    sweeps: Vec<String>,
    #[schema(required)]
    address: Option<DebtorAddress>,
    #[schema(format = DateTime)]
    created_at: String,
}

fn answer(account: &BankAccount) -> BankAccountAnswer {
    BankAccountAnswer {
        id: account.id.to_string(),
        object: "bank_account",
        name: account.name.clone(),
        kind: account.kind,
        currency: account.currency.to_string(),
        country: account.country.clone(),
        bic: account.bic.clone(),
        hint: account.hint.clone(),
        ledger_account: format!("{}[{}]", account.kind.code(), account.name),
        sweeps: account.sweeps.clone(),
        address: account.address.clone(),
        created_at: wire::time(account.created_at),
    }
}

/// The merchant's bank accounts, oldest first.
#[utoipa::path(get, path = "/v1/bank-accounts", tag = "accounts", params(Paging), responses(
    (status = 200, description = "A page of bank accounts", body = Page<BankAccountAnswer>)))]
pub async fn list(service: web::Data<Service>, caller: Caller, paging: Query<Paging>) -> Answer {
    let limit = paging.0.limit()?;
    let seek = paging.0.seek(wire::id)?;
    let found = service.store.bank_accounts(caller.merchant(), seek, limit as i64 + 1).await?;
    let rows = found.iter().map(|stored| answer(&stored.account)).collect();
    crate::http::json(200, &Page::of(rows, limit, &seek))
}

/// Adds a bank account.
#[utoipa::path(post, path = "/v1/bank-accounts", tag = "accounts", request_body = CreateBankAccount, responses(
    (status = 201, description = "The bank account", body = BankAccountAnswer)))]
pub async fn create(service: web::Data<Service>, caller: Caller, body: Json<CreateBankAccount>) -> Answer {
    let body = body.value;
    let country = wire::country("country", body.country)?;
    let invalid = |error: &dyn std::fmt::Display, param: &str| {
        Problem::new(Code::InvalidBody, error.to_string()).at(param.to_owned())
    };
    if let Some(odd) = body.address.as_ref().and_then(DebtorAddress::odd_part) {
        let detail = "it is empty, too long, or has letters that banks do not carry";
        return Err(invalid(&detail, &format!("address.{odd}")));
    }
    let bic = body.bic.map(|text| bic(&text)).transpose().map_err(|error| invalid(&error, "bic"))?;
    let number = match (body.iban, body.number) {
        (Some(SecretIn(text)), None) => {
            let iban = Iban::read(text.expose_secret()).map_err(|error| invalid(&error, "iban"))?;
            if iban.country() != country {
                return Err(invalid(&"the IBAN begins with another country than `country`", "iban"));
            }
            SecretString::from(iban.as_str().to_owned())
        }
        (None, Some(number)) => {
            if bic.is_none() {
                let detail = "a national account number needs the bank's `bic`";
                return Err(Problem::new(Code::MissingField, detail).at("bic"));
            }
            wire::account_number("number", number)?
        }
        (Some(_), Some(_)) => return Err(invalid(&"give `iban` or `number`, not both", "number")),
        (None, None) => {
            return Err(Problem::new(Code::MissingField, "give `iban`, or `number` with `bic`").at("iban"));
        }
    };
    let new = NewBankAccount {
        name: wire::account_name("name", body.name)?,
        kind: body.kind,
        currency: body.currency.0,
        country,
        bic,
        number,
        statement_id: body.statement_id.map(|name| wire::account_number("statement_id", name)).transpose()?,
        sweeps: wire::names("sweeps", body.sweeps)?,
        address: body.address,
    };
    let account = service.onboarding.add_bank_account(&caller.actor, new).await?;
    crate::http::json(201, &answer(&account))
}

/// One bank account.
#[utoipa::path(get, path = "/v1/bank-accounts/{id}", tag = "accounts", params(("id" = inline(crate::ids::BankAccountId), Path, example = "bac_01kb0000000000000000000000")), responses(
    (status = 200, description = "The bank account", body = BankAccountAnswer)))]
pub async fn show(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id = wire::path_id(&id, "bank account")?;
    let found = service.store.bank_account(caller.merchant(), id).await?;
    let found = found.ok_or_else(|| Problem::not_found("bank account"))?;
    crate::http::json(200, &answer(&found.account))
}
