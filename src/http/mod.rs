//! The HTTP edge: one table of routes, callers, strict bodies, problems.
//!
//! Handlers are thin: parse, call a flow, answer. The table below is the whole surface: it mounts the routes, says who
//! may use them, and is what `/openapi.json` is made of; a test holds the two against each other.

/// Handlers, one file for each group of routes.
pub mod api;
pub mod body;
pub mod caching;
pub mod caller;
pub mod edge;
pub mod extract;
mod faults;
mod gauges;
pub mod idempotent;
pub mod key_ring;
pub mod limits;
mod line;
mod misread;
mod openapi;
mod priced;
pub mod problem;
pub mod requests;
pub mod schemas;
pub mod service;
pub mod spool;
pub mod wire;

use actix_cors::Cors;
use actix_web::http::Method;
use actix_web::http::header::{ALLOW, HeaderName, HeaderValue};
use actix_web::middleware::{Condition, from_fn};
use actix_web::{HttpRequest, HttpResponse, Route, guard as on_guard, web};

use caller::{Access, Need};
use problem::{Answer, Code, Problem};
use service::Service;

pub use openapi::document;

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Declared {
    /// `GET`.
    pub method: &'static str,
    /// `/v1/keys/{id}`.
    pub path: &'static str,
    /// Who may.
    pub access: Access,
    /// Its name in the document: `payments_create`.
    pub operation: &'static str,
}

/// How each method is mounted; HEAD is answered wherever GET is.
mod method {
    use super::{Route, on_guard, web};

    pub fn get() -> Route {
        web::route().guard(on_guard::Any(on_guard::Get()).or(on_guard::Head()))
    }
    pub use web::{delete, patch, post};
}

macro_rules! declared {
    ($method:ident $path:literal $module:ident $handler:ident $access:expr) => {
        Declared {
            method: stringify!($method),
            path: $path,
            access: $access,
            operation: concat!(stringify!($module), "_", stringify!($handler)),
        }
    };
}

macro_rules! routes {
    ($($path:literal { $($method:ident $module:ident :: $handler:ident $access:expr;)* })*) => {
        /// Every route.
        pub const ROUTES: &[Declared] = &[$($(declared!($method $path $module $handler $access),)*)*];

        fn mount(config: &mut web::ServiceConfig, service: &web::Data<Service>) {
            $({
                const ROWS: &[Declared] = &[$(declared!($method $path $module $handler $access),)*];
                config.service(
                    web::resource($path)
                        $(.route(method::$method().to(api::$module::$handler)))*
                        .default_service(web::to(method_not_allowed))
                        .wrap(from_fn(|request, next| caller::guard(ROWS, request, next)))
                        .wrap(Condition::new(in_browsers(ROWS), cors(service))),
                );
            })*
        }

        #[derive(utoipa::OpenApi)]
        #[openapi(paths($($(api::$module::$handler,)*)*))]
        struct Handlers;
    };
}

const SHOP: &[Need] = &[Need::Storefront];
const SHOP_OR_FINANCE: &[Need] = &[Need::Storefront, Need::Finance];
const OFFICE: &[Need] = &[Need::Storefront, Need::Finance, Need::Admin];
const FINANCE: &[Need] = &[Need::Finance];
const FINANCE_OR_SUPPLIER: &[Need] = &[Need::Finance, Need::Supplier];
const FINANCE_OR_ADMIN: &[Need] = &[Need::Finance, Need::Admin];
const ADMIN: &[Need] = &[Need::Admin];

routes! {
    "/livez" { get operations::livez Access::Public; }
    "/readyz" { get operations::readyz Access::Public; }
    "/metrics" { get operations::metrics Access::Public; }
    "/version" { get operations::version Access::Public; }
    "/openapi.json" { get operations::openapi Access::Public; }

    // What shop windows ask comes before addresses with ids in them, each of which costs a pattern to pass by.
    "/v1/rates" { get prices::rates Access::AnyKey; }
    "/v1/rates/sources" { get rates::sources Access::AnyKey; }
    "/v1/prices" {
        get prices::price Access::AnyKey;
        post prices::prices Access::AnyKey;
    }
    "/v1/prices/embeds" { post embeds::create Access::Scopes(SHOP); }
    "/v1/prices/embeds/{token}" { get embeds::show Access::Public; }
    "/v1/price-book" {
        get price_book::list Access::Scopes(SHOP_OR_FINANCE);
        post price_book::fix Access::Scopes(SHOP_OR_FINANCE);
    }
    "/v1/price-book/{id}" { delete price_book::withdraw Access::Scopes(SHOP_OR_FINANCE); }
    "/v1/quotes" { post quotes::quote Access::AnyKey; }
    "/v1/quotes/{id}" { get quotes::show_quote Access::AnyKey; }

    "/problems" { get operations::problems Access::Public; }
    "/problems/{code}" { get operations::problem Access::Public; }

    "/v1/keys" {
        get keys::list Access::Scopes(ADMIN);
        post keys::create Access::Scopes(ADMIN);
    }
    "/v1/keys/{id}" { delete keys::revoke Access::Scopes(ADMIN); }
    "/v1/audit" { get audit::list Access::Scopes(ADMIN); }

    "/v1/suppliers" {
        get suppliers::list Access::Scopes(FINANCE);
        post suppliers::create Access::Scopes(FINANCE);
    }
    "/v1/suppliers/{id}" {
        get suppliers::show Access::Scopes(FINANCE_OR_SUPPLIER);
        patch suppliers::update Access::Scopes(FINANCE);
    }
    "/v1/bank-accounts" {
        get bank_accounts::list Access::Scopes(FINANCE_OR_ADMIN);
        post bank_accounts::create Access::Scopes(FINANCE_OR_ADMIN);
    }
    "/v1/bank-accounts/{id}" { get bank_accounts::show Access::Scopes(FINANCE_OR_ADMIN); }
    "/v1/bank-statements" {
        get bank_statements::list Access::Scopes(FINANCE);
        post bank_statements::create Access::Scopes(FINANCE);
    }
    "/v1/bank-statements/{id}" { get bank_statements::show Access::Scopes(FINANCE); }
    "/v1/gateway-settlements" {
        get gateway_settlements::list Access::Scopes(FINANCE);
        post gateway_settlements::create Access::Scopes(FINANCE);
    }
    "/v1/gateway-settlements/{id}" { get gateway_settlements::show Access::Scopes(FINANCE); }
    "/v1/fee-charges" {
        get fee_charges::list Access::Scopes(FINANCE);
        post fee_charges::create Access::Scopes(FINANCE);
    }
    "/v1/fee-charges/{id}" { get fee_charges::show Access::Scopes(FINANCE); }
    "/v1/rail-accounts" {
        get rail_accounts::list Access::Scopes(FINANCE_OR_ADMIN);
        post rail_accounts::create Access::Scopes(FINANCE_OR_ADMIN);
    }
    "/v1/rail-accounts/{id}" { get rail_accounts::show Access::Scopes(FINANCE_OR_ADMIN); }
    "/v1/payout-plans" {
        get payout_plans::list Access::Scopes(FINANCE);
        post payout_plans::create Access::Scopes(FINANCE);
    }
    "/v1/payout-plans/{id}" { get payout_plans::show Access::Scopes(FINANCE); }
    "/v1/payout-plans/{id}/submit" { post payout_plans::submit Access::Scopes(FINANCE); }
    "/v1/payout-plans/{id}/approve" { post payout_plans::approve Access::Scopes(FINANCE); }
    "/v1/payout-plans/{id}/reject" { post payout_plans::reject Access::Scopes(FINANCE); }
    "/v1/payout-plans/{id}/cancel" { post payout_plans::cancel Access::Scopes(FINANCE); }
    "/v1/payout-plans/{id}/execute" { post payout_plans::execute Access::Scopes(FINANCE); }
    "/v1/payout-plans/{id}/drop" { post payout_plans::drop_payout Access::Scopes(FINANCE); }
    "/v1/payout-plans/{id}/certificate" { get payout_plans::certificate Access::Scopes(FINANCE); }
    "/v1/payout-plans/{id}/pain001" { get payout_plans::pain001 Access::Scopes(FINANCE); }
    "/v1/payout-plans/{id}/pain002" { post payout_plans::pain002 Access::Scopes(FINANCE); }
    "/v1/payout-plans/{id}/csv" { get payout_plans::csv Access::Scopes(FINANCE); }
    "/v1/payout-schedules" {
        get payout_schedules::list Access::Scopes(FINANCE);
        post payout_schedules::create Access::Scopes(FINANCE);
    }
    "/v1/payout-schedules/preview" { post payout_schedules::preview Access::Scopes(FINANCE); }
    "/v1/payout-schedules/{id}" {
        get payout_schedules::show Access::Scopes(FINANCE);
        patch payout_schedules::update Access::Scopes(FINANCE);
        delete payout_schedules::delete Access::Scopes(FINANCE);
    }
    "/v1/payouts" { get payouts::list Access::Scopes(FINANCE_OR_SUPPLIER); }
    "/v1/payouts/{id}" { get payouts::show Access::Scopes(FINANCE_OR_SUPPLIER); }
    "/v1/payouts/{id}/stop" { post payouts::stop Access::Scopes(FINANCE); }
    "/v1/payouts/{id}/fault" { post payouts::fault Access::Scopes(FINANCE); }
    "/v1/approver-limits" {
        get payouts::limits Access::Scopes(FINANCE_OR_ADMIN);
        post payouts::limit Access::Scopes(ADMIN);
    }
    "/v1/withholding-certificates" { get withholding::certificates Access::Scopes(FINANCE_OR_SUPPLIER); }
    "/v1/withholding-certificates/{number}" { get withholding::certificate Access::Scopes(FINANCE_OR_SUPPLIER); }
    "/v1/withholding-remittances" {
        get withholding::remittances Access::Scopes(FINANCE);
        post withholding::propose Access::Scopes(FINANCE);
    }
    "/v1/withholding-remittances/{id}" { get withholding::remittance Access::Scopes(FINANCE); }
    "/v1/withholding-remittances/{id}/approve" { post withholding::approve Access::Scopes(FINANCE); }
    "/v1/withholding-remittances/{id}/reject" { post withholding::reject Access::Scopes(FINANCE); }
    "/v1/withholding-remittances/{id}/returned" { post withholding::returned Access::Scopes(FINANCE); }
    "/v1/payments" {
        get payments::list Access::Scopes(OFFICE);
        post payments::create Access::Scopes(SHOP);
    }
    "/v1/payments/{id}" { get payments::show Access::Scopes(OFFICE); }
    "/v1/payments/{id}/sync" { post payments::sync Access::Scopes(SHOP_OR_FINANCE); }
    "/v1/payments/{id}/cancel" { post payments::cancel Access::Scopes(SHOP_OR_FINANCE); }
    "/v1/payments/{id}/deliver" { post settlements::deliver Access::Scopes(SHOP_OR_FINANCE); }
    "/v1/payments/{id}/refunds" { post settlements::refund Access::Scopes(SHOP_OR_FINANCE); }
    "/v1/payments/{id}/settlement" { get settlements::show Access::Scopes(OFFICE); }
    "/v1/refunds/{id}" { get settlements::show_refund Access::Scopes(OFFICE); }
    "/v1/settlements/preview" { post settlements::preview_settlement Access::Scopes(OFFICE); }

    "/v1/disputes" { get disputes::list Access::Scopes(OFFICE); }
    "/v1/disputes/{id}" { get disputes::show Access::Scopes(OFFICE); }
    "/v1/disputes/{id}/evidence" { post disputes::evidence Access::Scopes(SHOP_OR_FINANCE); }
    "/v1/disputes/{id}/accept" { post disputes::accept Access::Scopes(FINANCE); }

    "/v1/notifications/{gateway}" { post payments::notify Access::Gateway; }
    "/v1/notifications/{gateway}/{account}" { post payments::notify_account Access::Gateway; }
    "/v1/returns/{gateway}" { get payments::come_back Access::Gateway; }

    "/v1/findings" { get findings::list Access::Scopes(FINANCE); }
    "/v1/findings/{id}" { get findings::show Access::Scopes(FINANCE); }
    "/v1/findings/{id}/resolve" { post findings::resolve Access::Scopes(FINANCE); }

    "/v1/events" { get events::list Access::Scopes(OFFICE); }
    "/v1/events/{id}" { get events::show Access::Scopes(OFFICE); }
    "/v1/webhooks" {
        get webhooks::list Access::Scopes(OFFICE);
        post webhooks::create Access::Scopes(OFFICE);
    }
    "/v1/webhooks/{id}" {
        get webhooks::show Access::Scopes(OFFICE);
        patch webhooks::update Access::Scopes(OFFICE);
        delete webhooks::delete Access::Scopes(OFFICE);
    }
    "/v1/webhooks/{id}/rotate-secret" { post webhooks::rotate Access::Scopes(OFFICE); }
    "/v1/webhooks/{id}/test" { post webhooks::test Access::Scopes(OFFICE); }
    "/v1/webhooks/{id}/deliveries" { get webhooks::deliveries Access::Scopes(OFFICE); }
    "/v1/webhooks/{id}/deliveries/{delivery}/retry" { post webhooks::retry Access::Scopes(OFFICE); }
    "/v1/reconciliations" {
        get reconciliations::list Access::Scopes(FINANCE);
        post reconciliations::create Access::Scopes(FINANCE);
    }
    "/v1/reconciliations/{id}" { get reconciliations::show Access::Scopes(FINANCE); }
    "/v1/reconciliations/{id}/findings" { get reconciliations::findings Access::Scopes(FINANCE); }

    "/v1/fx/deals" {
        get fx_book::deals Access::Scopes(FINANCE);
        post fx_book::record Access::Scopes(FINANCE);
    }
    "/v1/fx/deals/{id}" { get fx_book::show Access::Scopes(FINANCE); }
    "/v1/fx/exposure" { get fx_reports::exposure Access::Scopes(FINANCE); }
    "/v1/fx/results" { get fx_results::list Access::Scopes(FINANCE); }
    "/v1/fx/revaluation" { get fx_reports::revaluation Access::Scopes(FINANCE); }

    "/v1/exports/gl" { get exports::general_ledger Access::Scopes(FINANCE); }

    "/v1/ledger/accounts" { get ledger::accounts Access::Scopes(FINANCE); }
    "/v1/ledger/transactions" { get ledger::transactions Access::Scopes(FINANCE); }
    "/v1/ledger/transactions/{id}" { get ledger::show Access::Scopes(FINANCE); }
    "/v1/ledger/suspense" { get open_items::suspense Access::Scopes(FINANCE); }
    "/v1/ledger/ageing" { get open_items::ageing Access::Scopes(FINANCE); }
    "/v1/journals" {
        get journals::list Access::Scopes(FINANCE);
        post journals::draft Access::Scopes(FINANCE);
    }
    "/v1/journals/{id}" { get journals::show Access::Scopes(FINANCE); }
    "/v1/journals/{id}/approve" { post journals::approve Access::Scopes(FINANCE); }
    "/v1/journals/{id}/reject" { post journals::reject Access::Scopes(FINANCE); }
    "/v1/periods" { get periods::list Access::Scopes(FINANCE); }
    "/v1/periods/checks" { get periods::checks Access::Scopes(FINANCE); }
    "/v1/periods/close" { post periods::close Access::Scopes(FINANCE); }
    "/v1/statements" { get periods::issued Access::Scopes(FINANCE_OR_SUPPLIER); }
    "/v1/statements/{id}" { get periods::statement Access::Scopes(FINANCE_OR_SUPPLIER); }
    "/v1/statements/{id}/file" { get periods::file Access::Scopes(FINANCE_OR_SUPPLIER); }
    "/v1/ledger/client-money" { get client_money::report Access::Scopes(FINANCE); }
    "/v1/ledger/trial-balance" { get ledger::trial_balance Access::Scopes(FINANCE); }
    "/v1/ledger/verify" { get ledger::verify Access::Scopes(FINANCE); }

    "/v1/sandbox/clock" {
        get sandbox::clock Access::Sandbox(OFFICE);
        post sandbox::move_clock Access::Sandbox(OFFICE);
    }
    "/v1/sandbox/payments/{id}" { post sandbox::shopper Access::Sandbox(OFFICE); }
    "/v1/sandbox/scenarios/{name}" { post sandbox::scenario Access::Sandbox(OFFICE); }

    "/v1/suppliers/{id}/balances" { get statements::balances Access::Scopes(FINANCE_OR_SUPPLIER); }
    "/v1/suppliers/{id}/statements" { get statements::statement Access::Scopes(FINANCE_OR_SUPPLIER); }
    "/v1/suppliers/{id}/payout-terms" {
        get payouts::terms Access::Scopes(FINANCE);
        patch payouts::set_terms Access::Scopes(FINANCE);
    }
    "/v1/suppliers/{id}/accounts" {
        get suppliers::list_accounts Access::Scopes(FINANCE_OR_SUPPLIER);
        post suppliers::add_account Access::Scopes(FINANCE);
    }
}

/// The row for a method among those of one address.
fn row(rows: &'static [Declared], method: &Method) -> Option<&'static Declared> {
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    rows.iter().find(|row| row.method.eq_ignore_ascii_case(method))
}

/// What publishable keys may ask, browsers ask.
fn in_browsers(rows: &[Declared]) -> bool {
    rows.iter().any(|row| row.access == Access::AnyKey)
}

/// Mounts every route, each behind its own guard, the documentation, and the answers for what is not there.
pub fn configure(config: &mut web::ServiceConfig, service: &web::Data<Service>) {
    mount(config, service);
    config
        .route("/docs", web::get().to(api::operations::docs))
        .service(
            utoipa_swagger_ui::SwaggerUi::new("/docs/{_:.*}")
                .config(utoipa_swagger_ui::Config::new(["/openapi.json"]).use_base_layout()),
        )
        .default_service(web::to(not_found));
}

/// CORS for what a browser may ask with a publishable key. A preflight carries no key, so it is answered for every
/// origin that some key allows; the guard then holds the origin against the key itself.
fn cors(service: &web::Data<Service>) -> Cors {
    let sandbox = service.settings.mode == crate::settings::Mode::Sandbox;
    let service = service.clone();
    Cors::default()
        .allowed_origin_fn(move |origin, _| {
            let origin = origin.to_str().unwrap_or_default();
            let known = service.origins.load().iter().any(|allowed| allowed == origin);
            known || (sandbox && caller::is_loopback(origin))
        })
        .allowed_methods(["GET", "POST"])
        .allowed_headers([
            "authorization",
            "content-type",
            "idempotency-key",
            "accept-language",
            "if-none-match",
        ])
        .expose_headers(["x-request-id", "retry-after", "ratelimit-remaining", "idempotent-replayed", "etag"])
        // `Vary` is the answers' own matter: what may be cached says what it depends on.
        .disable_vary_header()
        .max_age(600)
}

async fn not_found(request: HttpRequest) -> Answer {
    Err(Problem::new(Code::NotFound, format!("there is nothing at this address; see {}", docs_of(&request))))
}

fn docs_of(request: &HttpRequest) -> String {
    let service = request.app_data::<web::Data<Service>>();
    service.map(|service| format!("{}/docs/", service.public_url)).unwrap_or_default()
}

async fn method_not_allowed(request: HttpRequest) -> Answer {
    let pattern = request.match_pattern().unwrap_or_default();
    let mut methods: Vec<String> =
        ROUTES.iter().filter(|row| row.path == pattern).map(|row| row.method.to_uppercase()).collect();
    if methods.iter().any(|method| method == "GET") {
        methods.push("HEAD".to_owned());
    }
    let allow = methods.join(", ");
    let problem = Problem::new(Code::MethodNotAllowed, format!("this address answers {allow}"));
    Err(match HeaderValue::from_str(&allow) {
        Ok(value) => problem.header(ALLOW, value),
        Err(_) => problem,
    })
}

/// A JSON answer.
fn json(status: u16, body: &impl serde::Serialize) -> Answer {
    json_text(status, serde_json::to_vec(body).map_err(Problem::internal)?)
}

/// The same, written already.
fn json_text(status: u16, text: Vec<u8>) -> Answer {
    let status = actix_web::http::StatusCode::from_u16(status).map_err(Problem::internal)?;
    let kind = (HeaderName::from_static("content-type"), HeaderValue::from_static("application/json"));
    Ok(HttpResponse::build(status).insert_header(kind).body(text))
}
