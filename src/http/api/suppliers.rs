//! `/v1/suppliers`: who is paid, in which currency, to which account.

use actix_web::web;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::merchants::{PayoutAccount, PayoutAccountKind, Supplier};
use crate::flows::onboard::{NewPayoutAccount, NewSupplier};
use crate::flows::pay_out::{Edit, given};
use crate::http::caller::Caller;
use crate::http::extract::{Json, Paging, Query};
use crate::http::problem::{Answer, Code, Problem};
use crate::http::schemas::{AccountObject, SupplierObject};
use crate::http::service::Service;
use crate::http::wire::{self, CurrencyIn, Page, SecretIn};
use crate::ids::{SupplierAccountId, SupplierId};
use crate::money::Currency;

/// A new supplier.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Chiang Mai Ceramics", "country": "TH", "currency": "THB"}))]
pub struct CreateSupplier {
    /// Legal name.
    #[schema(max_length = 100)]
    name: String,
    /// ISO 3166 alpha-2.
    #[schema(pattern = "^[A-Z]{2}$")]
    country: String,
    /// The currency it is settled in.
    #[schema(value_type = Currency)]
    currency: CurrencyIn,
    /// Its number with its tax office; its statements name it.
    #[schema(pattern = "^[A-Za-z0-9./-]([A-Za-z0-9 ./-]{0,33}[A-Za-z0-9./-])?$")]
    tax_number: Option<String>,
    /// The e-mail address by which it hears that its payout account was changed.
    #[schema(pattern = r#"^[!-~]+@[!-~]+\.[!-~]+$"#, max_length = 254)]
    payout_contact: Option<String>,
}

/// What changes; what is left out stays, `null` empties the tax number and is refused elsewhere.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Chiang Mai Ceramics Ltd"}))]
pub struct UpdateSupplier {
    #[schema(max_length = 100, nullable = false)]
    #[serde(default, deserialize_with = "given")]
    name: Option<String>,
    /// ISO 3166 alpha-2.
    #[schema(pattern = "^[A-Z]{2}$", nullable = false)]
    #[serde(default, deserialize_with = "given")]
    country: Option<String>,
    #[schema(value_type = Option<Currency>, nullable = false)]
    #[serde(default, deserialize_with = "given")]
    currency: Option<CurrencyIn>,
    /// Its number with its tax office; `null`: it has none.
    #[schema(pattern = "^[A-Za-z0-9./-]([A-Za-z0-9 ./-]{0,33}[A-Za-z0-9./-])?$", value_type = Option<String>)]
    #[serde(default)]
    tax_number: Edit<String>,
    /// The e-mail address by which it hears that its payout account was changed.
    #[schema(pattern = r#"^[!-~]+@[!-~]+\.[!-~]+$"#, max_length = 254, nullable = false)]
    #[serde(default, deserialize_with = "given")]
    payout_contact: Option<String>,
}

/// A new payout account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "bank", "country": "TH", "currency": "THB", "holder": "Chiang Mai Ceramics", "number": "1234567890", "bank_code": "004"}))]
pub struct CreateAccount {
    kind: PayoutAccountKind,
    /// ISO 3166 alpha-2.
    #[schema(pattern = "^[A-Z]{2}$")]
    country: String,
    #[schema(value_type = Currency)]
    currency: CurrencyIn,
    /// The name it is held under.
    holder: String,
    /// Sealed on arrival; never answered.
    #[schema(value_type = String, min_length = 4, max_length = 64, write_only)]
    number: SecretIn,
    bank_code: Option<String>,
}

/// A supplier.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "sup_01kb0000000000000000000000", "object": "supplier", "name": "Chiang Mai Ceramics", "country": "TH", "currency": "THB", "tax_number": null, "payout_contact": "payouts@ceramics.example"}))]
pub struct SupplierAnswer {
    #[schema(value_type = SupplierId)]
    id: String,
    #[schema(inline, value_type = SupplierObject)]
    object: &'static str,
    /// Legal name.
    name: String,
    /// ISO 3166 alpha-2.
    #[schema(pattern = "^[A-Z]{2}$")]
    country: String,
    /// The currency it is settled in.
    #[schema(value_type = Currency)]
    currency: String,
    /// Its number with its tax office.
    #[schema(required)]
    tax_number: Option<String>,
    /// The e-mail address by which it hears that its payout account was changed.
    #[schema(required)]
    payout_contact: Option<String>,
}

/// A payout account without its number.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountAnswer {
    #[schema(value_type = SupplierAccountId)]
    id: String,
    #[schema(inline, value_type = AccountObject)]
    object: &'static str,
    #[schema(value_type = SupplierId)]
    supplier: String,
    /// What the number is.
    kind: PayoutAccountKind,
    /// ISO 3166 alpha-2.
    #[schema(pattern = "^[A-Z]{2}$")]
    country: String,
    #[schema(value_type = Currency)]
    currency: String,
    /// The name it is held under.
    holder: String,
    /// The last four characters of the number.
    hint: String,
    #[schema(format = DateTime)]
    created_at: String,
}

fn answer(supplier: &Supplier) -> SupplierAnswer {
    SupplierAnswer {
        id: supplier.id.to_string(),
        object: "supplier",
        name: supplier.name.clone(),
        country: supplier.country.clone(),
        currency: supplier.currency.to_string(),
        tax_number: supplier.tax_number.clone(),
        payout_contact: supplier.contacts.current().map(str::to_owned),
    }
}

fn account_answer(account: &PayoutAccount) -> AccountAnswer {
    AccountAnswer {
        id: account.id.to_string(),
        object: "supplier_account",
        supplier: account.supplier.to_string(),
        kind: account.kind,
        country: account.country.clone(),
        currency: account.currency.to_string(),
        holder: account.holder.clone(),
        hint: account.hint.clone(),
        created_at: wire::time(account.created_at),
    }
}

/// The merchant's suppliers, oldest first.
#[utoipa::path(get, path = "/v1/suppliers", tag = "suppliers", params(Paging), responses(
    (status = 200, description = "A page of suppliers", body = Page<SupplierAnswer>)))]
pub async fn list(service: web::Data<Service>, caller: Caller, paging: Query<Paging>) -> Answer {
    let limit = paging.0.limit()?;
    let seek = paging.0.seek(wire::id)?;
    let suppliers = service.store.suppliers(caller.merchant(), seek, limit as i64 + 1).await?;
    crate::http::json(200, &Page::of(suppliers.iter().map(answer).collect(), limit, &seek))
}

/// Adds a supplier.
#[utoipa::path(post, path = "/v1/suppliers", tag = "suppliers", request_body = CreateSupplier, responses(
    (status = 201, description = "The supplier", body = SupplierAnswer)))]
pub async fn create(service: web::Data<Service>, caller: Caller, body: Json<CreateSupplier>) -> Answer {
    let body = body.value;
    let new = NewSupplier {
        name: wire::label("name", body.name)?,
        country: wire::country("country", body.country)?,
        currency: body.currency.0,
        tax_number: body.tax_number.map(|number| wire::tax_number("tax_number", number)).transpose()?,
        payout_contact: body.payout_contact.map(|text| email("payout_contact", text)).transpose()?,
    };
    let supplier = service.onboarding.create_supplier(&caller.actor, new).await?;
    crate::http::json(201, &answer(&supplier))
}

/// One supplier.
#[utoipa::path(get, path = "/v1/suppliers/{id}", tag = "suppliers", params(("id" = inline(crate::ids::SupplierId), Path, example = "sup_01kb0000000000000000000000")), responses(
    (status = 200, description = "The supplier", body = SupplierAnswer)))]
pub async fn show(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let supplier = visible(&service, &caller, &id).await?;
    crate::http::json(200, &answer(&supplier))
}

/// Changes a supplier; what is booked keeps its currency. A contact that is replaced is told, and for thirty days of every
/// change of the payout account.
#[utoipa::path(patch, path = "/v1/suppliers/{id}", tag = "suppliers", params(("id" = inline(crate::ids::SupplierId), Path, example = "sup_01kb0000000000000000000000")), request_body = UpdateSupplier, responses(
    (status = 200, description = "The supplier", body = SupplierAnswer)))]
pub async fn update(
    service: web::Data<Service>,
    caller: Caller,
    id: web::Path<String>,
    body: Json<UpdateSupplier>,
) -> Answer {
    let id = wire::path_id(&id, "supplier")?;
    let name = body.value.name.map(|name| wire::label("name", name)).transpose()?;
    let country = body.value.country.map(|country| wire::country("country", country)).transpose()?;
    let currency = body.value.currency.map(|currency| currency.0);
    let tax_number = match body.value.tax_number {
        Edit::Set(number) => Edit::Set(wire::tax_number("tax_number", number)?),
        kept_or_cleared => kept_or_cleared,
    };
    let contact = body.value.payout_contact.map(|text| email("payout_contact", text)).transpose()?;
    let now = service.onboarding.clock.now();
    let edit = |supplier: &mut Supplier| {
        if let Some(email) = contact {
            supplier.contacts.replace(email, now);
        }
        supplier.name = name.unwrap_or_else(|| supplier.name.clone());
        supplier.country = country.unwrap_or_else(|| supplier.country.clone());
        supplier.currency = currency.unwrap_or(supplier.currency);
        supplier.tax_number = tax_number.over(supplier.tax_number.take());
    };
    let supplier = service.onboarding.update_supplier(&caller.actor, id, edit).await?;
    crate::http::json(200, &answer(&supplier))
}

/// The payout accounts of a supplier.
#[utoipa::path(get, path = "/v1/suppliers/{id}/accounts", tag = "suppliers", params(("id" = inline(crate::ids::SupplierId), Path, example = "sup_01kb0000000000000000000000"), Paging), responses(
    (status = 200, description = "The accounts", body = Page<AccountAnswer>)))]
pub async fn list_accounts(
    service: web::Data<Service>,
    caller: Caller,
    id: web::Path<String>,
    paging: Query<Paging>,
) -> Answer {
    let supplier = visible(&service, &caller, &id).await?;
    let limit = paging.0.limit()?;
    let seek = paging.0.seek(wire::id)?;
    let found = service.store.payout_accounts(caller.merchant(), supplier.id, seek, limit as i64 + 1);
    crate::http::json(200, &Page::of(found.await?.iter().map(account_answer).collect(), limit, &seek))
}

/// Adds a payout account. Where there was one before, `supplier.payout_account.changed` names the contacts to be told.
#[utoipa::path(post, path = "/v1/suppliers/{id}/accounts", tag = "suppliers", params(("id" = inline(crate::ids::SupplierId), Path, example = "sup_01kb0000000000000000000000")), request_body = CreateAccount, responses(
    (status = 201, description = "The account", body = AccountAnswer)))]
pub async fn add_account(
    service: web::Data<Service>,
    caller: Caller,
    id: web::Path<String>,
    body: Json<CreateAccount>,
) -> Answer {
    let id = wire::path_id(&id, "supplier")?;
    let body = body.value;
    let new = NewPayoutAccount {
        kind: body.kind,
        country: wire::country("country", body.country)?,
        currency: body.currency.0,
        holder: wire::label("holder", body.holder)?,
        number: wire::account_number("number", body.number)?,
        bank_code: body.bank_code.map(|code| wire::label("bank_code", code)).transpose()?,
    };
    let account = service.onboarding.add_payout_account(&caller.actor, id, new).await?;
    crate::http::json(201, &account_answer(&account))
}

async fn visible(service: &Service, caller: &Caller, id: &str) -> Answer<Supplier> {
    let id: SupplierId = wire::path_id(id, "supplier")?;
    caller.may_see(id)?;
    let supplier = service.store.supplier(caller.merchant(), id).await?;
    supplier.map(|row| row.value).ok_or_else(|| Problem::not_found("supplier"))
}

/// An e-mail address, as far as it can be told without sending to it.
fn email(param: &str, text: String) -> Result<String, Problem> {
    let fits =
        text.len() <= 254 && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>,;\"".contains(&byte));
    let parts = text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty()
            && host.contains('.')
            && !host.contains('@')
            && !host.starts_with('.')
            && !host.ends_with('.')
    });
    if fits && parts {
        return Ok(text);
    }
    let detail = "an e-mail address belongs here, such as payouts@supplier.example";
    Err(Problem::new(Code::InvalidBody, detail).at(param))
}
