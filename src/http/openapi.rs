//! `/openapi.json`: what the handlers declare, plus what is the same everywhere and therefore stands in no handler:
//! keys, problem answers, rate-limit headers.

use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, Ref, RefOr, Schema, Server};
use utoipa::{OpenApi, PartialSchema};

use super::caller::Access;
use super::problem::{Code, Problem};
use super::{Handlers, ROUTES};

/// The document for a server at `public_url`.
pub fn document(public_url: &str, sandbox: bool) -> utoipa::openapi::OpenApi {
    let mut document = Handlers::openapi();
    document.info.title = "Straits".to_owned();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    document.info.description = Some(
        "Prices in the shopper's currency, payments through many gateways, split settlements, supplier statements. \
         Amounts are decimal strings; errors are RFC 9457 problem documents whose `type` is a page of this server."
            .to_owned(),
    );
    document.servers = Some(vec![Server::new(public_url)]);
    let components = document.components.get_or_insert_with(Components::new);
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(
        "`pk_…` publishable (rates, prices, quotes), `sk_…` secret with scopes storefront, finance, supplier:<id>, admin",
    ));
    components.add_security_scheme("key", SecurityScheme::Http(bearer.build()));
    components.schemas.insert("Problem".to_owned(), problem_schema());
    for row in ROUTES {
        if matches!(row.access, Access::Sandbox(_)) && !sandbox {
            document.paths.paths.remove(row.path);
            continue;
        }
        if let Some(operation) =
            document.paths.paths.get_mut(row.path).and_then(|item| operation(item, row.method))
        {
            complete(operation, row.access);
        }
    }
    document
}

fn operation<'a>(item: &'a mut PathItem, method: &str) -> Option<&'a mut Operation> {
    match method {
        "get" => item.get.as_mut(),
        "post" => item.post.as_mut(),
        "patch" => item.patch.as_mut(),
        "delete" => item.delete.as_mut(),
        _ => None,
    }
}

fn complete(operation: &mut Operation, access: Access) {
    let mut codes = vec![Code::InvalidParameter, Code::TooManyRequests, Code::Internal];
    match access {
        Access::Public | Access::Gateway => operation.security = Some(vec![]),
        Access::AnyKey | Access::Scopes(_) | Access::Sandbox(_) => {
            operation.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], &str>("key", [])]);
            codes.extend([Code::Unauthorized, Code::KeyScope, Code::NotFound, Code::Unavailable]);
        }
    }
    if operation.request_body.is_some() {
        codes.extend([
            Code::RequestTimeout,
            Code::Conflict,
            Code::PayloadTooLarge,
            Code::UnsupportedMediaType,
            Code::Unprocessable,
        ]);
    }
    for code in codes {
        operation
            .responses
            .responses
            .entry(code.status().to_string())
            .or_insert_with(|| problem_answer(code));
    }
}

fn problem_answer(code: Code) -> RefOr<utoipa::openapi::Response> {
    let example = Problem::new(code, code.remedy()).document("", "/v1/…", "req_01kb0000000000000000000000");
    let content =
        ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).example(Some(example)).build();
    let response =
        ResponseBuilder::new().description(code.title()).content("application/problem+json", content);
    RefOr::T(response.build())
}

fn problem_schema() -> RefOr<Schema> {
    let text = |words: &str| {
        ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).description(Some(words)).build()
    };
    let object = ["type", "title", "detail", "instance", "code", "request_id"].into_iter().fold(
        ObjectBuilder::new().description(Some("RFC 9457; `code` is one of the catalogue at /problems.")),
        |object, name| object.property(name, text("")).required(name),
    );
    let object = object
        .property("status", i32::schema())
        .required("status")
        .property("param", text("The place of the fault: `splits[1].share.percent`."))
        .property("errors", Vec::<std::collections::BTreeMap<String, String>>::schema());
    RefOr::T(Schema::Object(object.build()))
}
