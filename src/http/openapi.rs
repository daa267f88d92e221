//! `/openapi.json`: what the handlers declare, plus what is the same everywhere and therefore stands in no handler:
//! keys, problem answers, rate-limit headers.

use std::collections::BTreeMap;

use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn, PathItem};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, Ref, RefOr, Schema, Server};
use utoipa::{OpenApi, PartialSchema};

use super::caller::Access;
use super::problem::{Code, Problem};
use super::{Declared, Handlers, ROUTES};

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
            complete(operation, row);
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

fn complete(operation: &mut Operation, row: &Declared) {
    operation.security = Some(match row.access {
        Access::Public | Access::Gateway => vec![],
        Access::AnyKey | Access::Scopes(_) | Access::Sandbox(_) => {
            vec![SecurityRequirement::new::<_, [&str; 0], &str>("key", [])]
        }
    });
    operation.operation_id = Some(row.operation.to_owned());
    let mut codes = general(operation, row);
    codes.extend(particular(row.operation));
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in codes {
        by_status.entry(code.status()).or_default().push(code);
    }
    if is_idempotent(operation) {
        for (status, answer) in &mut operation.responses.responses {
            if let (true, RefOr::T(answer)) = (status.starts_with('2'), answer) {
                let words = "`true` where the answer is an earlier one, given again";
                answer.headers.insert("Idempotent-Replayed".to_owned(), RefOr::T(header(words)));
            }
        }
    }
    for (status, codes) in by_status {
        let answers = &mut operation.responses.responses;
        answers.entry(status.to_string()).or_insert_with(|| problem_answer(&codes));
    }
}

fn is_idempotent(operation: &Operation) -> bool {
    parameters(operation).any(|parameter| parameter.name == "Idempotency-Key")
}

fn parameters(operation: &Operation) -> impl Iterator<Item = &Parameter> {
    operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    })
}

/// The problems that follow from what an operation is.
fn general(operation: &Operation, row: &Declared) -> Vec<Code> {
    let mut codes = vec![Code::TooManyRequests, Code::Internal, Code::Timeout];
    let has = |place: ParameterIn| parameters(operation).any(|parameter| parameter.parameter_in == place);
    if has(ParameterIn::Query) {
        codes.extend([Code::InvalidParameter, Code::UnknownField, Code::DuplicateField]);
    }
    if has(ParameterIn::Path) {
        codes.push(Code::NotFound);
        if row.path.contains("{id}") {
            codes.push(Code::WrongIdType);
        }
    }
    let keyed = |codes: &mut Vec<Code>| {
        codes.extend([Code::Unauthorized, Code::WrongEnvironment, Code::Unavailable, Code::Busy]);
    };
    match row.access {
        Access::Public => {}
        Access::Gateway => codes.push(Code::Unavailable),
        Access::AnyKey => {
            keyed(&mut codes);
            codes.push(Code::OriginNotAllowed);
        }
        Access::Scopes(_) | Access::Sandbox(_) => {
            keyed(&mut codes);
            codes.push(Code::KeyScope);
        }
    }
    if is_idempotent(operation) {
        codes.extend([
            Code::IdempotencyKeyRequired,
            Code::IdempotencyKeyInFlight,
            Code::IdempotencyKeyReused,
            Code::Conflict,
        ]);
    }
    if operation.request_body.is_some() {
        codes.extend([Code::RequestTimeout, Code::PayloadTooLarge, Code::UnsupportedEncoding]);
        if row.access != Access::Gateway {
            codes.extend([Code::InvalidJson, Code::InvalidBody, Code::MissingField, Code::UnknownField]);
            codes.push(Code::UnsupportedMediaType);
        }
    }
    codes
}

/// The problems of one operation's own.
fn particular(operation: &str) -> &'static [Code] {
    match operation {
        "prices_rates" => &[Code::RateUnavailable, Code::UnknownCurrency],
        "prices_price" | "prices_prices" => {
            &[Code::InvalidAmount, Code::TooPrecise, Code::TooManyItems, Code::RateUnavailable]
        }
        "prices_quote" => &[
            Code::InvalidAmount,
            Code::TooPrecise,
            Code::TooManyItems,
            Code::RateUnavailable,
            Code::GatewayUnknown,
            Code::RatesStale,
        ],
        "embeds_create" => &[Code::InvalidAmount, Code::TooPrecise],
        "embeds_show" => &[Code::RateUnavailable],
        "price_book_fix" => &[Code::InvalidAmount, Code::TooPrecise, Code::TooManyItems],
        "payments_create" => &[
            Code::AmountMustBeString,
            Code::AmountNotPositive,
            Code::OrderRefInvalid,
            Code::QuoteNotFound,
            Code::UnknownSupplier,
            Code::OrderRefTaken,
            Code::QuoteExpired,
            Code::QuoteUsed,
            Code::QuotePriceChanged,
            Code::GatewayUnknown,
            Code::CurrencyNotSupported,
            Code::GatewayPrecision,
            Code::InvalidSplit,
            Code::ReturnUrlNotAllowed,
            Code::GatewayRefused,
            Code::GatewayUnavailable,
            Code::GatewayThrottled,
        ],
        "payments_sync" => &[Code::Conflict, Code::GatewayUnavailable, Code::GatewayThrottled],
        "payments_cancel" => &[
            Code::PaymentNotCancellable,
            Code::PaymentBeingCompleted,
            Code::GatewayRefused,
            Code::GatewayUnavailable,
            Code::GatewayThrottled,
        ],
        "payments_come_back" => &[Code::ReturnRefused, Code::GatewayUnavailable],
        "settlements_preview_settlement" => {
            &[Code::UnknownSupplier, Code::GatewayUnknown, Code::InvalidSplit, Code::Unprocessable]
        }
        "settlements_refund" => &[
            Code::AllocationRequired,
            Code::FxDifferenceInvalid,
            Code::PaymentNotCaptured,
            Code::PaymentUndivided,
            Code::RefundElsewhere,
            Code::BillsFirst,
            Code::RefundExceedsCaptured,
            Code::RefundInvalid,
            Code::RefundNotSupported,
        ],
        "reconciliations_create" => &[Code::GatewayUnknown, Code::Unprocessable],
        "payout_plans_pain001" | "payout_plans_csv" => &[Code::InvalidBody, Code::WrongState],
        "payout_plans_create" => &[Code::NotFound],
        "payout_plans_approve" => &[
            Code::FourEyes,
            Code::OneHand,
            Code::PlanChanged,
            Code::PlanNotYet,
            Code::ApprovalLimit,
            Code::WrongState,
        ],
        "payout_plans_submit" | "payout_plans_drop_payout" => &[Code::WrongState, Code::Unprocessable],
        "payout_plans_reject" | "payout_plans_cancel" => &[Code::WrongState],
        "payout_plans_execute" => {
            &[Code::WrongState, Code::PlanChanged, Code::PlanNotYet, Code::PayoutsUnseen]
        }
        "payout_schedules_update" | "payout_schedules_delete" => &[Code::Conflict],
        "payouts_fault" => &[Code::FourEyes, Code::OneHand, Code::WrongState],
        "payouts_stop" => &[Code::WrongState, Code::GatewayRefused],
        "payouts_limit" => &[Code::NotFound, Code::Conflict],
        "payouts_set_terms" => &[Code::Conflict, Code::NotFound],
        "withholding_propose" => &[Code::NotFound, Code::Unprocessable],
        "withholding_approve" => &[Code::FourEyes, Code::OneHand, Code::WrongState, Code::Unprocessable],
        "withholding_reject" => &[Code::WrongState],
        "withholding_returned" => &[Code::WrongState, Code::Unprocessable],
        "disputes_evidence" | "disputes_accept" => &[Code::WrongState, Code::Unprocessable],
        "journals_draft" => &[Code::JournalInvalid, Code::PeriodClosed, Code::WrongState],
        "journals_approve" => &[
            Code::FourEyes,
            Code::OneHand,
            Code::WrongState,
            Code::PeriodClosed,
            Code::JournalInvalid,
            Code::Unprocessable,
        ],
        "journals_reject" => &[Code::WrongState],
        "periods_close" => {
            &[Code::FourEyes, Code::OneHand, Code::PeriodClosed, Code::PeriodInvalid, Code::PeriodNotClosable]
        }
        "periods_checks" => &[Code::PeriodClosed, Code::PeriodInvalid],
        "periods_file" => &[Code::BooksDiffer, Code::NotAcceptable, Code::StatementTooLong],
        "settlements_deliver" => &[Code::NotSettled, Code::Unprocessable],
        "findings_resolve" => &[
            Code::FourEyes,
            Code::OneHand,
            Code::FindingResolved,
            Code::ActionNotApplicable,
            Code::AllocationRequired,
            Code::PaymentUndivided,
            Code::RefundElsewhere,
            Code::BillsFirst,
            Code::RefundExceedsCaptured,
            Code::RefundInvalid,
        ],
        "statements_statement" => {
            &[Code::PeriodInvalid, Code::NotAcceptable, Code::StatementTooLong, Code::BooksDiffer]
        }
        "gateway_settlements_create" => &[
            Code::BatchInvalid,
            Code::BatchDiffers,
            Code::GatewayUnknown,
            Code::InvalidAmount,
            Code::TooPrecise,
        ],
        "fee_charges_create" => &[
            Code::BatchDiffers,
            Code::NotFound,
            Code::Unprocessable,
            Code::GatewayUnknown,
            Code::InvalidAmount,
            Code::TooPrecise,
        ],
        "fx_book_record" => &[
            Code::DealInvalid,
            Code::DealRecorded,
            Code::PeriodClosed,
            Code::Unprocessable,
            Code::InvalidAmount,
            Code::TooPrecise,
            Code::AmountNotPositive,
            Code::UnknownCurrency,
        ],
        "fx_results_list" => &[Code::PeriodInvalid],
        "fx_reports_revaluation" => &[Code::PeriodInvalid, Code::RateUnavailable],
        "exports_general_ledger" => &[Code::PeriodInvalid, Code::RateUnavailable, Code::UnknownCurrency],
        "bank_statements_create" => {
            &[Code::StatementUnreadable, Code::StatementReadOtherwise, Code::NotFound]
        }
        "bank_accounts_create" | "rail_accounts_create" => {
            &[Code::NameTaken, Code::NotFound, Code::Unprocessable]
        }
        "suppliers_update" | "keys_revoke" | "webhooks_delete" => &[Code::Conflict],
        "webhooks_rotate" => &[Code::Conflict, Code::RotationUnderWay],
        "webhooks_create" => &[Code::WebhookUrlRefused, Code::TooManyEndpoints],
        "webhooks_update" => &[Code::WebhookUrlRefused, Code::Conflict],
        "webhooks_test" => &[Code::EndpointDisabled],
        "webhooks_retry" => &[Code::EndpointDisabled, Code::Conflict],
        "sandbox_move_clock" => &[Code::ClockBackwards],
        "sandbox_shopper" => &[Code::WrongState, Code::GatewayUnavailable],
        _ => &[],
    }
}

fn header(words: &str) -> Header {
    let mut header =
        Header::new(Schema::Object(ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).build()));
    header.description = Some(words.to_owned());
    header
}

/// One answer for every code of a status, each with its example.
fn problem_answer(codes: &[Code]) -> RefOr<Response> {
    let shown = |code: &Code| {
        let document =
            Problem::new(*code, code.remedy()).document("", "/v1/…", "req_01kb0000000000000000000000");
        let example = ExampleBuilder::new().summary(code.title()).value(Some(document)).build();
        (code.as_str(), RefOr::T(example))
    };
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .examples_from_iter(codes.iter().map(shown))
        .build();
    let titles: Vec<&str> = codes.iter().map(|code| code.title()).collect();
    let mut response =
        ResponseBuilder::new().description(titles.join("; ")).content("application/problem+json", content);
    if codes.iter().any(|code| matches!(code.status(), 429 | 503)) {
        response = response.header("Retry-After", header("Seconds to wait"));
    }
    RefOr::T(response.build())
}

fn problem_schema() -> RefOr<Schema> {
    let string = || ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
    let text = |words: &str| string().description(Some(words)).build();
    let code = || {
        let words = "One of the catalogue at /problems.";
        string()
            .description(Some(words))
            .enum_values(Some(Code::ALL.iter().map(|code| code.as_str())))
            .build()
    };
    let place = "The place of the fault: `splits[1].share.percent`.";
    let fault = ObjectBuilder::new()
        .property("code", code())
        .required("code")
        .property("param", text(place))
        .required("param")
        .property("detail", text("What is wrong there."))
        .required("detail");
    let object = ObjectBuilder::new()
        .description(Some("RFC 9457; some codes have members of their own, such as `quote` or `gateways`."))
        .property("type", text("The page of the code on this server."))
        .property("title", text("One line, the same for every occurrence."))
        .property("status", i32::schema())
        .property("detail", text("What happened this time."))
        .property("instance", text("The path of the request."))
        .property("code", code())
        .property("request_id", text("As in `X-Request-Id`; support finds the request by it."))
        .property("param", text(place))
        .property(
            "errors",
            ArrayBuilder::new().items(fault).description(Some("Every fault that was found.")),
        );
    let required = ["type", "title", "status", "detail", "instance", "code", "request_id"];
    let object = required.into_iter().fold(object, ObjectBuilder::required);
    RefOr::T(Schema::Object(object.build()))
}
