//! `/v1/keys`: made, shown once, revoked.

use actix_web::web;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::access::{ApiKey, Environment, KeyKind, Scope};
use crate::flows::onboard::{KeyUser, NewKey};
use crate::http::caller::Caller;
use crate::http::extract::{Json, Paging, Query};
use crate::http::problem::{Answer, Code, Problem};
use crate::http::schemas::{EnvironmentWord, KeyKindWord, KeyObject};
use crate::http::service::Service;
use crate::http::wire::{self, IdIn, Page};
use crate::ids::{KeyId, UserId};
use crate::settings::Mode;

/// What a new key is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "web shop", "scopes": ["storefront"]}))]
pub struct CreateKey {
    /// For people.
    #[schema(max_length = 100)]
    name: String,
    /// `pk` for browsers or `sk` for servers (default).
    #[schema(value_type = Option<KeyKindWord>)]
    kind: Option<String>,
    /// Of a secret key: `storefront`, `finance`, `supplier:<id>`, `admin`.
    #[serde(default)]
    scopes: Vec<String>,
    /// Of a publishable key: origins of the pages that use it.
    #[serde(default)]
    origins: Vec<String>,
    /// Who acts when it is used; default: the caller's own user.
    #[schema(value_type = Option<UserId>)]
    user: Option<IdIn<UserId>>,
    /// Or the name of a new user, who is made with the key: four eyes are two users.
    #[schema(max_length = 100)]
    new_user: Option<String>,
}

/// A key without its text.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyAnswer {
    #[schema(value_type = KeyId)]
    id: String,
    #[schema(inline, value_type = KeyObject)]
    object: &'static str,
    /// For people.
    name: String,
    /// `pk` for browsers, `sk` for servers.
    #[schema(value_type = KeyKindWord)]
    kind: &'static str,
    #[schema(inline, value_type = EnvironmentWord)]
    environment: &'static str,
    /// Of a secret key.
    scopes: Vec<String>,
    /// Of a publishable key.
    origins: Vec<String>,
    /// Who acts when it is used.
    #[schema(value_type = UserId)]
    user: String,
    /// Who made it, and so has had its text; where payouts are approved, that person and its user count as one.
    #[schema(value_type = UserId)]
    made_by: String,
    /// The last four characters.
    hint: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(required, format = DateTime)]
    revoked_at: Option<String>,
    /// In this process, since it started.
    #[schema(required, format = DateTime)]
    last_used_at: Option<String>,
    /// The key itself; only in the answer that made it.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

fn answer(service: &Service, key: &ApiKey) -> KeyAnswer {
    KeyAnswer {
        id: key.id.to_string(),
        object: "key",
        name: key.name.clone(),
        kind: key.kind.as_str(),
        environment: key.environment.as_str(),
        scopes: key.scopes.iter().map(Scope::to_string).collect(),
        origins: key.origins.clone(),
        user: key.user.to_string(),
        made_by: key.made_by.to_string(),
        hint: key.hint.clone(),
        created_at: wire::time(key.created_at),
        revoked_at: key.revoked_at.map(wire::time),
        last_used_at: service.keys.last_used(key.id).map(wire::time),
        key: None,
    }
}

/// The merchant's keys, oldest first.
#[utoipa::path(get, path = "/v1/keys", tag = "keys", params(Paging), responses(
    (status = 200, description = "A page of keys", body = Page<KeyAnswer>)))]
pub async fn list(service: web::Data<Service>, caller: Caller, paging: Query<Paging>) -> Answer {
    let limit = paging.0.limit()?;
    let seek = paging.0.seek(wire::id)?;
    let keys = service.store.keys(caller.merchant(), seek, limit as i64 + 1).await?;
    let rows = keys.iter().map(|key| answer(&service, key)).collect();
    crate::http::json(200, &Page::of(rows, limit, &seek))
}

/// Makes a key. Its text is in this answer and nowhere else.
#[utoipa::path(post, path = "/v1/keys", tag = "keys", request_body = CreateKey, responses(
    (status = 201, description = "The key with its text", body = KeyAnswer)))]
pub async fn create(service: web::Data<Service>, caller: Caller, body: Json<CreateKey>) -> Answer {
    let body = body.value;
    let environment = match service.settings.mode {
        Mode::Sandbox => Environment::Test,
        Mode::Live => Environment::Live,
    };
    let kind: KeyKind = body
        .kind
        .as_deref()
        .unwrap_or("sk")
        .parse()
        .map_err(|error: crate::domain::access::UnknownWord| invalid("kind", &error.to_string()))?;
    let scopes = read_scopes(kind, &body.scopes)?;
    let new = NewKey {
        name: wire::label("name", body.name)?,
        kind,
        environment,
        user: match (body.user, body.new_user) {
            (None, None) => KeyUser::Known(caller.key.user),
            (Some(user), None) => KeyUser::Known(user.0),
            (None, Some(name)) => KeyUser::New(wire::label("new_user", name)?),
            (Some(_), Some(_)) => {
                return Err(invalid("new_user", "either `user` or `new_user` belongs here"));
            }
        },
        scopes,
        origins: body
            .origins
            .into_iter()
            .map(|origin| wire::origin("origins", origin))
            .collect::<Result<_, _>>()?,
    };
    let (key, text) = service.onboarding.create_key(&caller.actor, new).await?;
    service.allow_origins(&key.origins);
    let answer = KeyAnswer { key: Some(text.expose_secret().to_owned()), ..answer(&service, &key) };
    crate::http::json(201, &answer)
}

fn read_scopes(kind: KeyKind, words: &[String]) -> Answer<Vec<Scope>> {
    let mut scopes = vec![];
    for (index, word) in words.iter().enumerate() {
        let scope = word.parse::<Scope>();
        scopes.push(scope.map_err(|error| invalid(&format!("scopes[{index}]"), &error.to_string()))?);
    }
    scopes.sort_unstable();
    scopes.dedup();
    let suppliers = scopes.iter().filter(|scope| matches!(scope, Scope::Supplier(_))).count();
    match kind {
        KeyKind::Publishable if !scopes.is_empty() => {
            Err(invalid("scopes", "a publishable key reads rates, prices and quotes; it has no scopes"))
        }
        KeyKind::Secret if scopes.is_empty() => {
            Err(invalid("scopes", "a secret key needs at least one scope"))
        }
        _ if suppliers > 1 || (suppliers == 1 && scopes.len() > 1) => {
            Err(invalid("scopes", "a supplier's key has that one scope only"))
        }
        _ => Ok(scopes),
    }
}

fn invalid(param: &str, detail: &str) -> Problem {
    Problem::new(Code::InvalidBody, detail).at(param)
}

/// Revokes a key at once.
#[utoipa::path(delete, path = "/v1/keys/{id}", tag = "keys", params(("id" = inline(crate::ids::KeyId), Path, example = "key_01kb0000000000000000000000")), responses(
    (status = 200, description = "The revoked key", body = KeyAnswer)))]
pub async fn revoke(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id = wire::path_id(&id, "key")?;
    let key = service.onboarding.revoke_key(&caller.actor, id).await?;
    service.keys.forget(&key);
    crate::http::json(200, &answer(&service, &key))
}
