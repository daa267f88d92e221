//! PayPal's answers: a resource, or the error envelope `{name, message, debug_id, details, links}`.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use serde_json::{Value, json};

use super::super::{Sandbox, SandboxError, serial};
use super::issues;

/// An answer that stands: what the handler changed is kept.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub body: Option<Value>,
    /// The work is done and the connection breaks: nothing of the answer arrives.
    pub broken: bool,
}

impl Answer {
    pub(super) fn ok(body: Value) -> Answer {
        Answer { status: 200, body: Some(body), broken: false }
    }

    pub(super) fn created(body: Value) -> Answer {
        Answer { status: 201, body: Some(body), broken: false }
    }

    pub(super) fn empty(status: u16) -> Answer {
        Answer { status, body: None, broken: false }
    }

    pub(super) fn broken_if(self, broken: bool) -> Answer {
        Answer { broken, ..self }
    }

    /// What goes over the wire.
    pub(super) fn send(self, sandbox: &Sandbox) -> HttpResponse {
        let mut answer = HttpResponse::build(StatusCode::from_u16(self.status).unwrap_or_default());
        answer.insert_header(("Paypal-Debug-Id", debug_id(sandbox)));
        if self.broken {
            let cut = std::io::Error::other("the connection breaks");
            let body = futures_util::stream::once(async { Err::<actix_web::web::Bytes, _>(cut) });
            return answer.streaming(body);
        }
        match self.body {
            Some(body) => answer
                .insert_header((header::CONTENT_TYPE, "application/json"))
                .body(serde_json::to_string(&body).unwrap_or_default()),
            None => answer.finish(),
        }
    }
}

/// One line of `details`.
#[derive(Debug, Clone)]
pub(super) struct Detail {
    field: Option<String>,
    issue: &'static str,
}

impl Detail {
    /// A fault at a JSON pointer of the body.
    pub(super) fn at(field: impl Into<String>, issue: &'static str) -> Detail {
        Detail { field: Some(field.into()), issue }
    }
}

/// A refusal; what the handler changed is undone.
#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    name: &'static str,
    message: &'static str,
    details: Vec<Detail>,
}

impl Refusal {
    /// 400: the request breaks the schema.
    pub(super) fn invalid(details: Vec<Detail>) -> Refusal {
        let message = "Request is not well-formed, syntactically incorrect, or violates schema.";
        Refusal { status: 400, name: "INVALID_REQUEST", message, details }
    }

    /// 400 for one field.
    pub(super) fn invalid_at(field: &str, issue: &'static str) -> Refusal {
        Refusal::invalid(vec![Detail::at(field, issue)])
    }

    /// 422: well formed, against the business rules.
    pub(super) fn unprocessable(issue: &'static str) -> Refusal {
        Refusal::unprocessable_all(vec![Detail { field: None, issue }])
    }

    /// 422 with several details.
    pub(super) fn unprocessable_all(details: Vec<Detail>) -> Refusal {
        let message = "The requested action could not be performed, semantically incorrect, or failed \
                       business validation.";
        Refusal { status: 422, name: "UNPROCESSABLE_ENTITY", message, details }
    }

    /// 422 as asked for by `PayPal-Mock-Response`.
    pub(super) fn mocked(code: &str) -> Refusal {
        match code {
            "INTERNAL_SERVER_ERROR" => Refusal::internal(),
            "AUTHENTICATION_FAILURE" => Refusal::unauthenticated(),
            "RESOURCE_NOT_FOUND" => Refusal::not_found(),
            other => {
                Refusal::unprocessable(issues::find(other).map_or("TRANSACTION_REFUSED", |(issue, _)| issue))
            }
        }
    }

    /// 400: a report with more results than are shown. Its name is known, its exact shape is not published.
    pub(super) fn too_many_results() -> Refusal {
        let message = "Result set size is greater than the maximum limit. Change the filter criteria.";
        Refusal { status: 400, name: "RESULTSET_TOO_LARGE", message, details: Vec::new() }
    }

    /// 404.
    pub(super) fn not_found() -> Refusal {
        Refusal {
            status: 404,
            name: "RESOURCE_NOT_FOUND",
            message: "The specified resource does not exist.",
            details: vec![Detail { field: None, issue: "INVALID_RESOURCE_ID" }],
        }
    }

    /// 401.
    pub(super) fn unauthenticated() -> Refusal {
        Refusal {
            status: 401,
            name: "AUTHENTICATION_FAILURE",
            message: "Authentication failed due to missing authorization header, or invalid \
                      authentication credentials.",
            details: Vec::new(),
        }
    }

    /// 403: another app's resource.
    pub(super) fn forbidden() -> Refusal {
        Refusal {
            status: 403,
            name: "NOT_AUTHORIZED",
            message: "Authorization failed due to insufficient permissions.",
            details: vec![Detail { field: None, issue: "PERMISSION_DENIED" }],
        }
    }

    /// 415.
    pub(super) fn unsupported_media_type() -> Refusal {
        Refusal {
            status: 415,
            name: "UNSUPPORTED_MEDIA_TYPE",
            message: "The server does not support the request payload's media type.",
            details: Vec::new(),
        }
    }

    /// 500.
    pub(super) fn internal() -> Refusal {
        Refusal {
            status: 500,
            name: "INTERNAL_SERVER_ERROR",
            message: "An internal server error has occurred.",
            details: Vec::new(),
        }
    }

    /// As an answer: for refusals that leave something behind.
    pub(super) fn answer(self, sandbox: &Sandbox) -> Answer {
        let details: Vec<Value> = self
            .details
            .iter()
            .map(|detail| match &detail.field {
                Some(field) => json!({"field": field, "location": "body", "issue": detail.issue,
                                      "description": issues::describe(detail.issue)}),
                None => json!({"issue": detail.issue, "description": issues::describe(detail.issue)}),
            })
            .collect();
        let mut body = json!({"name": self.name, "message": self.message, "debug_id": debug_id(sandbox),
                              "links": []});
        if !details.is_empty() {
            body["details"] = Value::Array(details);
        }
        Answer { status: self.status, body: Some(body), broken: false }
    }
}

/// The Payouts API's own refusals: their details carry sentences and links. What the handler changed is kept.
pub(super) fn problem(
    sandbox: &Sandbox,
    status: u16,
    name: &str,
    message: &str,
    details: Vec<Value>,
) -> Answer {
    let mut body = json!({"name": name, "message": message, "debug_id": debug_id(sandbox),
                          "information_link": "https://developer.paypal.com/docs/api/payments.payouts-batch/#errors",
                          "links": []});
    if !details.is_empty() {
        body["details"] = Value::Array(details);
    }
    Answer { status, body: Some(body), broken: false }
}

impl From<SandboxError> for Refusal {
    fn from(error: SandboxError) -> Refusal {
        tracing::error!(%error, "PayPal's far side");
        Refusal::internal()
    }
}

fn debug_id(sandbox: &Sandbox) -> String {
    serial::hex(&sandbox.ids).chars().take(13).collect()
}
