//! Everything that can go wrong at the edge, as RFC 9457 problem documents.
//!
//! One catalogue, [`Code`], holds every code with its status, title and remedy; `GET /problems/{code}` shows it to
//! people and `type` in every answer is that page's address. A [`Problem`] is a code with the particulars of one
//! request. What is no problem of the caller's becomes `internal`, which says nothing but the request's id: the cause
//! goes to the log.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Map, Value, json};

use crate::ids::IdError;
use crate::money::MoneyError;

macro_rules! catalogue {
    ($($name:ident $code:literal $status:literal $title:literal => $remedy:literal;)*) => {
        /// Every code an answer can carry.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $title] $name),* }

        impl Code {
            /// The whole catalogue.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];
            /// The stable word in `code`.
            pub fn as_str(self) -> &'static str { match self { $(Code::$name => $code),* } }
            /// The HTTP status.
            pub fn status(self) -> u16 { match self { $(Code::$name => $status),* } }
            /// One line, the same for every occurrence.
            pub fn title(self) -> &'static str { match self { $(Code::$name => $title),* } }
            /// What the caller does about it.
            pub fn remedy(self) -> &'static str { match self { $(Code::$name => $remedy),* } }
        }
    };
}

catalogue! {
    InvalidJson "invalid_json" 400 "The body is not JSON" => "Send one JSON document in UTF-8; `detail` names line and column.";
    InvalidBody "invalid_body" 400 "A value in the body cannot be read" => "`param` names the place and `detail` what belongs there.";
    InvalidParameter "invalid_parameter" 400 "A parameter cannot be read" => "`param` names it and `detail` what belongs there.";
    MissingField "missing_field" 400 "A required field is missing" => "Add the field that `param` names.";
    UnknownField "unknown_field" 400 "A field is not known here" => "Remove or correct the field that `param` names; a misspelt field never becomes a default.";
    DuplicateField "duplicate_field" 400 "A field occurs twice" => "Send each field of an object once.";
    AmountMustBeString "amount_must_be_string" 400 "An amount must be a string" => "Write amounts as strings, `\"12.34\"`: a JSON number may lose digits on the way.";
    InvalidAmount "invalid_amount" 400 "An amount cannot be read" => "Write digits with an optional decimal point: no exponent, separator, sign or blank.";
    TooPrecise "too_precise" 400 "An amount has more decimals than its currency" => "Round to the currency's minor unit; `detail` says how many decimals it has.";
    AmountTooLarge "amount_too_large" 400 "An amount is larger than the ledger holds" => "Amounts stay below 10^16 minor units.";
    UnknownCurrency "unknown_currency" 400 "A currency is not known" => "Use an alphabetic code of ISO 4217 in capitals, such as SGD.";
    WrongIdType "wrong_id_type" 400 "An id of another kind" => "`detail` names the kind that belongs there and the kind that was given.";
    MalformedId "malformed_id" 400 "An id cannot be read" => "Send ids as they were answered: a prefix, an underscore, 26 characters.";
    IdempotencyKeyRequired "idempotency_key_required" 400 "An Idempotency-Key is required" => "Send the header `Idempotency-Key` with a value of your own, unique for each operation, 1 to 255 printable characters.";
    OrderRefInvalid "order_ref_invalid" 400 "The order reference is none" => "Use 1 to 127 visible characters.";
    AmountNotPositive "amount_not_positive" 400 "The amount must be above zero" => "Send an amount above zero.";
    FxDifferenceInvalid "fx_difference_invalid" 400 "Nobody can bear the rate's move like this" => "Use platform or supplier: who cancels lawfully gets back what was paid.";
    PeriodInvalid "period_invalid" 400 "The dates are no period" => "Send `from` and `to` as dates, the first not after the last.";
    ReturnRefused "return_refused" 400 "What came back with the shopper is not this payment's" => "Open the gateway's page again from the payment's `next_action`.";
    AllocationRequired "allocation_required" 400 "Say which suppliers bear the refund" => "Send `items` or `allocation`: a part pro rata could debit the wrong supplier.";
    Unauthorized "unauthorized" 401 "No valid key" => "Send `Authorization: Bearer <key>` with a key that is not revoked.";
    WrongEnvironment "wrong_environment" 401 "A key of the other environment" => "Use test keys in sandbox mode and live keys in live mode.";
    KeyScope "key_scope" 403 "The key's scopes do not reach here" => "Use a key with one of the scopes that `detail` names.";
    OriginNotAllowed "origin_not_allowed" 403 "This origin may not use the key" => "Add the origin to the publishable key, or call from your server with a secret key.";
    FourEyes "four_eyes" 403 "A second person must decide" => "Ask a user other than the one who proposed it.";
    OneHand "one_hand" 403 "One of the two made the other's key" => "Ask a user whose keys neither of them made, or let users make their own keys with an administrator's key of their own.";
    ApprovalLimit "approval_limit" 403 "Above what this user may approve" => "Ask a user who may approve the amount that `detail` names.";
    NotFound "not_found" 404 "Nothing is here" => "Check the address and the id; what belongs to another merchant or supplier is not found either.";
    MethodNotAllowed "method_not_allowed" 405 "The method is not used here" => "The header `Allow` names the methods of this address.";
    NotAcceptable "not_acceptable" 406 "The requested form does not exist" => "`detail` names the forms.";
    RequestTimeout "request_timeout" 408 "The body took too long" => "Send the whole body within the time limit.";
    IdempotencyKeyInFlight "idempotency_key_in_flight" 409 "The first request with this key is still at work" => "Ask again after the seconds in `Retry-After`; the answer will be the first request's.";
    QuoteExpired "quote_expired" 409 "The quote has expired" => "Show the shopper the fresh quote in `quote` and pay with it.";
    QuotePriceChanged "quote_price_changed" 409 "The price has changed" => "Show the shopper the fresh quote in `quote` and pay with it; make the page anew.";
    QuoteUsed "quote_used" 409 "The quote is used" => "A quote pays once; make a new one.";
    OrderRefTaken "order_ref_taken" 409 "The order has a payment already" => "Go on with the payment in `payment`, or cancel it first.";
    ClockBackwards "clock_backwards" 409 "The test clock only moves forward" => "Choose a time after the one in `detail`.";
    PaymentNotCancellable "payment_not_cancellable" 409 "Too late to call the payment off" => "`detail` names the state; refund what was captured.";
    PaymentBeingCompleted "payment_being_completed" 409 "The money is being taken right now" => "Read the payment again in a moment.";
    PaymentNotCaptured "payment_not_captured" 409 "There is no money to give back" => "Cancel the payment instead.";
    PaymentUndivided "payment_undivided" 409 "The money waits for a decision" => "Resolve the finding that `detail` speaks of.";
    RefundElsewhere "refund_elsewhere" 409 "Money of the payment went back elsewhere" => "Resolve the finding that `detail` names: it may be the very refund that is asked for.";
    BillsFirst "bills_first" 409 "Bills have to be read first" => "Hand in the gateway's bills of the days that `detail` names (`POST /v1/reconciliations`), once these days are over.";
    PayoutsUnseen "payouts_unseen" 409 "It is not known who was paid already" => "Resolve the finding that `detail` names: after a restore a supplier may have been paid by what the backup did not have.";
    NotSettled "not_settled" 409 "The payment has no settlement" => "Only what was captured and divided can be delivered.";
    WrongState "wrong_state" 409 "Not in this state" => "`detail` names the state; read the resource again.";
    PlanChanged "plan_changed" 409 "The plan is another one by now" => "Look at the plan again and approve the hash that it has now.";
    PlanNotYet "plan_not_yet" 409 "The plan's day has not come" => "Ask again in the days that `detail` names, or make a plan without `as_of`.";
    EndpointDisabled "endpoint_disabled" 409 "The webhook endpoint is disabled" => "Enable the endpoint with `{\"enabled\": true}` first.";
    RotationUnderWay "rotation_under_way" 409 "An old secret still signs" => "`detail` says until when; rotate after it, or with `overlap_hours` 0.";
    TooManyEndpoints "too_many_endpoints" 409 "Enough webhook endpoints" => "Delete an endpoint that is not used; `detail` names the limit.";
    Conflict "conflict" 409 "Somebody else changed it meanwhile" => "Read the resource again and repeat the request.";
    DealRecorded "deal_recorded" 409 "The bank's reference is recorded" => "A reference is recorded once; `detail` names the deal that has it.";
    RefundExceedsCaptured "refund_exceeds_captured" 409 "More than is left of the payment" => "`detail` names what is still refundable.";
    ActionNotApplicable "action_not_applicable" 409 "This decision does not fit the finding" => "`detail` says which decisions do.";
    BatchInvalid "batch_invalid" 422 "The batch contradicts itself" => "`detail` names the sums that do not agree; send what the gateway's report says.";
    BatchDiffers "batch_differs" 409 "The batch was recorded otherwise" => "A batch does not change, and a capture is settled once; `detail` names what differs.";
    StatementUnreadable "statement_unreadable" 422 "The file is no statement" => "`detail` names the place; nothing of the file was booked.";
    StatementReadOtherwise "statement_read_otherwise" 409 "The file was read with other columns" => "Send it with the columns of the first time; `detail` names the statement, whose lines are booked.";
    NameTaken "name_taken" 409 "The name is taken" => "Choose another name: it tells accounts apart in the books.";
    FindingResolved "finding_resolved" 409 "The finding is resolved" => "Nothing is left to do.";
    PeriodClosed "period_closed" 409 "The period is closed" => "Date it behind the day that `detail` names; what is heard late is booked late.";
    PeriodNotClosable "period_not_closable" 409 "Something is unexplained" => "`checks` says what was found and which limits hold; settle it, or raise the limit.";
    PayloadTooLarge "payload_too_large" 413 "The body is too large" => "`detail` names the limit; send less at once.";
    UnsupportedEncoding "unsupported_encoding" 415 "An encoded body" => "Send the body without Content-Encoding.";
    UnsupportedMediaType "unsupported_media_type" 415 "The body's type is not read here" => "Send `Content-Type: application/json`.";
    IdempotencyKeyReused "idempotency_key_reused" 422 "The key was used with another body" => "Use a new Idempotency-Key for a new operation, and the same bytes for a retry.";
    CurrencyNotSupported "currency_not_supported" 422 "The gateway does not take this currency" => "Choose one of the gateways in `gateways`, or another currency.";
    GatewayPrecision "gateway_precision" 422 "The gateway takes fewer decimals" => "Use the amount in `nearest`, or one of the gateways in `gateways`.";
    QuoteTokenInvalid "quote_token_invalid" 400 "The token is not one of ours" => "Send the token as it was answered, letter for letter; make a new one.";
    QuoteOfOtherMerchant "quote_of_other_merchant" 403 "The token is another merchant's" => "Make the token with a key of the merchant that takes the payment.";
    LockTooLong "lock_too_long" 422 "The pair moves too much for so long a promise" => "Ask for a shorter lock.";
    QuoteNotFound "quote_not_found" 404 "No such quote" => "Use the id of a quote of this merchant.";
    RefundInvalid "refund_invalid" 422 "The refund does not fit the settlement" => "`detail` names what does not fit.";
    RefundNotSupported "refund_not_supported" 422 "The gateway cannot pay back" => "Pay back by other means and resolve the finding that follows.";
    TooManyItems "too_many_items" 422 "Too many items at once" => "Send at most a thousand items.";
    GatewayUnknown "gateway_unknown" 422 "No account at this gateway" => "Choose one of the gateways that `detail` names.";
    UnknownSupplier "unknown_supplier" 404 "A supplier is not known" => "Use the id of a supplier of this merchant.";
    InvalidSplit "invalid_split" 422 "The amount cannot be divided like this" => "`detail` names the share that does not fit.";
    WebhookUrlRefused "webhook_url_refused" 422 "Webhooks do not go to this address" => "Use an https address of the open internet at port 443; `detail` says what is wrong with this one.";
    ReturnUrlNotAllowed "return_url_not_allowed" 422 "The return address is not allowed" => "Use an address of one of the merchant's origins.";
    RateUnavailable "rate_unavailable" 422 "No rate between these currencies" => "Choose currencies that `/v1/rates` answers.";
    StatementTooLong "statement_too_long" 422 "The statement has too many entries for one answer" => "Ask with `limit`, or for `format=csv`; for QuickBooks with `part`.";
    JournalInvalid "journal_invalid" 422 "The lines are no journal" => "`param` names the line and `detail` what does not fit.";
    DealInvalid "deal_invalid" 422 "The deal does not fit" => "`param` names the place, `detail` what does not fit there and how it would.";
    Unprocessable "unprocessable" 422 "Well formed, but it cannot be done" => "`detail` says why.";
    TooManyRequests "too_many_requests" 429 "Too many requests" => "Wait the seconds in `Retry-After`; `RateLimit-*` tell how much is left.";
    HeadersTooLarge "headers_too_large" 431 "The head of the request is too large" => "Send fewer or shorter headers.";
    Internal "internal" 500 "Something is broken on our side" => "Nothing of the cause is shown here; tell support the `request_id`.";
    BooksDiffer "books_differ" 500 "The books contradict themselves" => "Nothing is shown that does not foot; run `straits verify` and tell support the `request_id`.";
    GatewayRefused "gateway_refused" 502 "The gateway refused" => "`detail` carries the gateway's own words.";
    GatewayUnavailable "gateway_unavailable" 502 "The gateway did not answer" => "Ask again; nothing was done twice.";
    GatewayThrottled "gateway_throttled" 503 "The gateway asks to slow down" => "Ask again after the seconds in `Retry-After`.";
    RatesStale "rates_stale" 503 "The rates are too old to promise a price" => "Ask again after the seconds in `Retry-After`.";
    Busy "busy" 503 "Too much work at once" => "Ask again after the seconds in `Retry-After`; nothing was done.";
    Unavailable "unavailable" 503 "A part this needs is away" => "Ask again after the seconds in `Retry-After`; nothing was done.";
    Timeout "timeout" 504 "The answer took too long" => "Repeat the request with the same Idempotency-Key: it answers what became of the first.";
}

impl Code {
    /// Finds a code by its word.
    pub fn find(word: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.as_str() == word)
    }

    /// The code for an error that only has a status.
    pub fn for_status(status: StatusCode) -> Code {
        match status.as_u16() {
            400 => Code::InvalidParameter,
            401 => Code::Unauthorized,
            403 => Code::KeyScope,
            404 => Code::NotFound,
            405 => Code::MethodNotAllowed,
            406 => Code::NotAcceptable,
            408 => Code::RequestTimeout,
            413 => Code::PayloadTooLarge,
            415 => Code::UnsupportedMediaType,
            429 => Code::TooManyRequests,
            431 => Code::HeadersTooLarge,
            503 => Code::Unavailable,
            504 => Code::Timeout,
            _ => Code::Internal,
        }
    }
}

/// A code with the particulars of one request; boxed, because every answer of a handler has room for one.
#[derive(Debug, Clone)]
pub struct Problem(Box<Particulars>);

#[derive(Debug, Clone)]
struct Particulars {
    code: Code,
    detail: String,
    param: Option<String>,
    errors: Vec<FieldError>,
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// One of several faults of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Its code.
    pub code: Code,
    /// Where: `splits[1].share.percent`.
    pub param: String,
    /// What is wrong there.
    pub detail: String,
}

/// What handlers answer.
pub type Answer<T = HttpResponse> = Result<T, Problem>;

impl Problem {
    /// A problem with its particulars in words.
    pub fn new(code: Code, detail: impl Into<String>) -> Problem {
        let detail = detail.into();
        let (errors, members, headers) = (vec![], Map::new(), vec![]);
        Problem(Box::new(Particulars { code, detail, param: None, errors, members, headers }))
    }

    /// Nothing here, or nothing of this caller's: the two answer alike.
    pub fn not_found(what: &str) -> Problem {
        Problem::new(Code::NotFound, format!("there is no such {what}"))
    }

    /// Our fault: `cause` goes to the log and nowhere else.
    pub fn internal(cause: impl fmt::Display) -> Problem {
        tracing::error!(%cause, "internal error");
        Problem::new(Code::Internal, "the request could not be completed; the cause is in the server's log")
    }

    /// Names the place: `splits[1].share.percent`.
    #[must_use]
    pub fn at(mut self, param: impl Into<String>) -> Problem {
        self.0.param = Some(param.into());
        self
    }

    /// Adds a member of its own, such as a fresh `quote`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl serde::Serialize) -> Problem {
        self.0.members.insert(name.to_owned(), serde_json::to_value(value).unwrap_or(Value::Null));
        self
    }

    /// Adds faults to `errors`.
    #[must_use]
    pub fn and(mut self, errors: Vec<FieldError>) -> Problem {
        self.0.errors.extend(errors);
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Problem {
        self.0.headers.push((name, value));
        self
    }

    /// Says when to ask again.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Problem {
        self.header(actix_web::http::header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The document; the edge adds what only it knows.
    pub fn document(&self, base_url: &str, instance: &str, request_id: &str) -> Value {
        let mut document = self.0.members.clone();
        let mut put = |name: &str, value: Value| document.insert(name.to_owned(), value);
        put("type", json!(format!("{base_url}/problems/{}", self.0.code.as_str())));
        put("title", json!(self.0.code.title()));
        put("status", json!(self.0.code.status()));
        put("detail", json!(self.0.detail));
        put("instance", json!(instance));
        put("code", json!(self.0.code.as_str()));
        put("request_id", json!(request_id));
        if let Some(param) = &self.0.param {
            put("param", json!(param));
        }
        let first = self.0.param.as_ref().map(|param| FieldError {
            code: self.0.code,
            param: param.clone(),
            detail: self.0.detail.clone(),
        });
        let errors: Vec<Value> = first
            .iter()
            .filter(|_| self.0.errors.is_empty())
            .chain(&self.0.errors)
            .map(|error| json!({"code": error.code.as_str(), "param": error.param, "detail": error.detail}))
            .collect();
        if !errors.is_empty() {
            put("errors", Value::Array(errors));
        }
        Value::Object(document)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code.as_str(), self.0.detail)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Status and headers; the body is written at the edge, which knows the request.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status_code());
        for (name, value) in &self.0.headers {
            response.headers_mut().insert(name.clone(), value.clone());
        }
        response
    }
}

impl From<MoneyError> for Problem {
    fn from(error: MoneyError) -> Problem {
        let code = match &error {
            MoneyError::TooPrecise { .. } => Code::TooPrecise,
            MoneyError::NotANumber(_) => Code::InvalidAmount,
            MoneyError::TooLarge { .. } => Code::AmountTooLarge,
            MoneyError::CurrencyMismatch { .. } => Code::Unprocessable,
        };
        Problem::new(code, error.to_string())
    }
}

impl From<IdError> for Problem {
    fn from(error: IdError) -> Problem {
        let code = match &error {
            IdError::WrongType { .. } => Code::WrongIdType,
            IdError::Malformed { .. } => Code::MalformedId,
        };
        Problem::new(code, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_words_that_are_found_again() {
        for code in Code::ALL {
            assert_eq!(Code::find(code.as_str()), Some(*code), "{code:?}");
            assert!((400..600).contains(&code.status()), "{code:?}");
            assert!(code.remedy().ends_with('.') && !code.title().ends_with('.'), "{code:?}");
        }
    }

    #[test]
    fn the_document_names_place_and_request_and_keeps_its_own_members() {
        let problem =
            Problem::new(Code::QuoteExpired, "expired at noon").at("quote").with("quote", json!({"id": 1}));
        let document = problem.document("http://x", "/v1/payments", "req_1");
        assert_eq!(document["type"], "http://x/problems/quote_expired");
        assert_eq!(document["status"], 409);
        assert_eq!(document["errors"][0]["param"], "quote");
        assert_eq!(document["quote"]["id"], 1);
    }
}
