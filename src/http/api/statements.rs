//! What a supplier has and what it was told: balances, statements in JSON and CSV.

use actix_web::http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::StreamExt;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::domain::statements::{Dates, Form, SupplierBalance};
use crate::flows::issue_statement::{FileForm, StatementFile, StatementQuery};
use crate::http::caller::Caller;
use crate::http::extract::Query;
use crate::http::problem::{Answer, Code, Problem};
use crate::http::schemas::{DatesWord, Statement, StatementFormat};
use crate::http::service::Service;
use crate::http::wire::{self, CurrencyIn, Page};
use crate::ids::SupplierId;
use crate::money::Currency;

use super::prices::read_date;

/// What a supplier has, by currency and bucket.
#[utoipa::path(get, path = "/v1/suppliers/{id}/balances", tag = "suppliers", params(("id" = inline(crate::ids::SupplierId), Path, example = "sup_01kb0000000000000000000000")), responses((status = 200, description = "The balances", body = Page<SupplierBalance>)))]
pub async fn balances(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id: SupplierId = wire::path_id(&id, "supplier")?;
    caller.may_see(id)?;
    let balances = service.statements.balances(caller.merchant(), id).await?;
    crate::http::json(200, &Page::whole(balances, false))
}

/// Which statement.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatementParameters {
    /// First booking date, in the merchant's zone.
    #[param(format = Date, example = "2026-11-01")]
    from: String,
    /// Last booking date; may lie ahead.
    #[param(format = Date, example = "2026-11-30")]
    to: String,
    /// Without it, the currency the supplier settles in.
    #[param(inline, value_type = Option<Currency>, example = "THB")]
    currency: Option<CurrencyIn>,
    /// Which form; without it, by `Accept`.
    #[param(inline, value_type = Option<StatementFormat>, example = "json")]
    format: Option<String>,
    /// How `xero` and `quickbooks` are given dates; `ymd` where it is left out.
    #[param(inline, value_type = Option<DatesWord>, example = "ymd")]
    dates: Option<String>,
    /// Which of the files of 1,000 rows, for `quickbooks`.
    #[param(example = "1")]
    part: Option<String>,
    /// Lines of a page, 1 to 100; without it, the whole period.
    limit: Option<String>,
    /// The page begins behind this transaction.
    #[param(inline, value_type = Option<crate::ids::TransactionId>)]
    starting_after: Option<String>,
}

/// A supplier's statement; opening and entries lead to closing, in every form.
#[utoipa::path(get, path = "/v1/suppliers/{id}/statements", tag = "suppliers", params(("id" = inline(crate::ids::SupplierId), Path, example = "sup_01kb0000000000000000000000"), StatementParameters), responses((status = 200, description = "The statement", content(
    (Statement = "application/json"),
    (String = "text/csv", example = json!("booked_on,value_date")),
    (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", example = json!("PK")),
    (String = "application/pdf", example = json!("%PDF-1.7")),
    (String = "application/xml", example = json!("<Document>")),
    (String = "application/x-ofx", example = json!("<OFX>"))))))]
pub async fn statement(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
    query: Query<StatementParameters>,
) -> Answer {
    let id: SupplierId = wire::path_id(&id, "supplier")?;
    caller.may_see(id)?;
    let parameters = query.0;
    let wanted = Wanted {
        format: parameters.format.as_deref(),
        dates: parameters.dates.as_deref(),
        part: parameters.part.as_deref(),
    };
    let how = wanted.read(&request, Form::Json)?;
    let limit = parameters.limit.as_deref().map(|text| wire::limit(Some(text))).transpose()?;
    let query = StatementQuery {
        supplier: id,
        currency: parameters.currency.map(|currency| currency.0),
        from: read_date("from", &parameters.from)?,
        to: read_date("to", &parameters.to)?,
        limit: limit.and_then(|limit| u32::try_from(limit).ok()),
        after: parameters
            .starting_after
            .as_deref()
            .map(|text| wire::id("starting_after", text))
            .transpose()?,
    };
    match how.form {
        Form::Json => crate::http::json(200, &service.statements.statement(caller.merchant(), &query).await?),
        _ => Ok(download(service.statements.file(caller.merchant(), &query, how).await?)),
    }
}

/// A file that goes out as it is made. An error in the middle breaks the connection off: a file without its end is not
/// taken for a whole one.
pub(super) fn download(file: StatementFile) -> HttpResponse {
    let body = file.body.map(|chunk| chunk.map(Bytes::from).map_err(Problem::from));
    let charset = if file.form.media_type().starts_with("text/") { "; charset=utf-8" } else { "" };
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, format!("{}{charset}", file.form.media_type())))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", file.name)))
        .streaming(body)
}

/// What a caller says of the form.
pub(super) struct Wanted<'a> {
    pub format: Option<&'a str>,
    pub dates: Option<&'a str>,
    pub part: Option<&'a str>,
}

impl Wanted<'_> {
    /// The form that is asked for: by name, else the first of `Accept` that there is, else `otherwise`.
    pub fn read(self, request: &HttpRequest, otherwise: Form) -> Answer<FileForm> {
        let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*");
        let form = self.format.map_or_else(|| accepted(accept, otherwise), Form::find);
        let words = || format!("a statement is had as {}", Form::WORDS.join(", "));
        let form = form.ok_or_else(|| Problem::new(Code::NotAcceptable, words()).at("format"))?;
        let refused = |words: &str, param: &str| Problem::new(Code::InvalidParameter, words).at(param);
        let dates = self.dates.map_or(Some(Dates::default()), Dates::find);
        let dates = dates.ok_or_else(|| refused("`dates` is ymd, dmy or mdy", "dates"))?;
        let number = |text: &str| {
            let part = text.parse().ok().filter(|part| *part > 0);
            part.ok_or_else(|| refused("`part` is a whole number from 1", "part"))
        };
        Ok(FileForm { form, dates, part: self.part.map(number).transpose()? })
    }
}

/// By the caller's preference (RFC 9110, 12.5.1): the highest `q`, and of its like the first.
fn accepted(accept: &str, otherwise: Form) -> Option<Form> {
    let wish = |item: &str| {
        let mut parts = item.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        let quality = parts.find_map(|part| part.strip_prefix("q=")).unwrap_or("1");
        // In thousandths; what is no number counts as one.
        let thousandths = match quality.split_once('.') {
            Some(("0", decimals)) => {
                format!("{decimals:0<3}").get(..3).and_then(|digits| digits.parse().ok())
            }
            _ => Some(if quality == "0" { 0 } else { 1_000 }),
        };
        (thousandths.unwrap_or(1_000), media)
    };
    let mut wishes: Vec<(u32, String)> =
        accept.split(',').map(wish).filter(|(quality, _)| *quality > 0).collect();
    wishes.sort_by_key(|(quality, _)| std::cmp::Reverse(*quality));
    wishes.iter().find_map(|(_, media)| match media.as_str() {
        "*/*" => Some(otherwise),
        "application/*" => Some(Form::Json),
        "text/*" => Some(Form::Csv),
        "text/xml" => Some(Form::Camt053),
        media => Form::ALL.into_iter().find(|form| form.media_type() == media),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_preference_decides() {
        let table = [
            ("*/*", Some(Form::Json)),
            ("text/csv", Some(Form::Csv)),
            ("text/html, application/pdf;q=0.9, */*;q=0.1", Some(Form::Pdf)),
            ("application/json;q=0.5, text/csv;q=0.8", Some(Form::Csv)),
            ("application/json;q=0, application/xml", Some(Form::Camt053)),
            ("Application/PDF", Some(Form::Pdf)),
            ("image/png", None),
            ("application/json;q=0", None),
        ];
        for (accept, form) in table {
            assert_eq!(accepted(accept, Form::Json), form, "{accept}");
        }
        assert_eq!(accepted("text/html, */*;q=0.1", Form::Csv), Some(Form::Csv));
    }
}
