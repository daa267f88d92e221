//! `/v1/bank-statements`: files of banks, and what came of each of their lines.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use actix_web::{HttpRequest, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::banks::csv::Columns;
use crate::banks::{FILE_MAX, camt053, csv, mt940};
use crate::domain::deposits::{BankLine, LineState, ReadStatement};
use crate::flows::deposits::StatementFile;
use crate::http::caller::Caller;
use crate::http::extract::{Paging, Query};
use crate::http::idempotent::{self, Asked, KeyHeader};
use crate::http::problem::{Answer, Code, Problem};
use crate::http::schemas::{
    BankStatementFormat, BankStatementObject, BankStatementState, LineStateWord, ListObject,
};
use crate::http::service::Service;
use crate::http::spool::{self, Spooled};
use crate::http::wire::{self, Page};
use crate::ids::{BankAccountId, BankLineId, BankStatementId, GatewaySettlementId};
use crate::money::{Currency, Money};
use crate::store::Change;
use crate::store::bank_statements::BankStatement;
use crate::store::idempotency::Claim;

/// Lines shown with one statement.
const LINES_SHOWN: i64 = 1_000;

/// A statement of a bank.
#[derive(Debug, Serialize, ToSchema)]
pub struct BankStatementAnswer {
    id: BankStatementId,
    #[schema(inline, value_type = BankStatementObject)]
    object: &'static str,
    /// `incomplete`: some of its lines are not taken yet. If it stays so, the program ended while it read them: send the
    /// file again, and the rest is read.
    #[schema(value_type = BankStatementState)]
    state: &'static str,
    bank_account: BankAccountId,
    #[schema(inline, value_type = BankStatementFormat)]
    format: String,
    /// The bank's own name of it.
    reference: String,
    currency: Currency,
    /// The booked balance before the first line, where the bank says it.
    #[schema(required)]
    opening: Option<Money>,
    /// The booked balance after the last line, where the bank says it.
    #[schema(required)]
    closing: Option<Money>,
    /// The day of its first booked line.
    #[schema(required)]
    from: Option<NaiveDate>,
    /// The day of its last booked line.
    #[schema(required)]
    to: Option<NaiveDate>,
    /// Booked lines it prints.
    lines: i64,
    /// Announced lines it prints: not kept.
    pending: i64,
    /// SHA-256 of the file.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    file: String,
    recorded_at: DateTime<Utc>,
    /// The lines that were first read in it, the first thousand; only of one statement, never in lists.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    entries: Option<Vec<LineAnswer>>,
}

/// One line of a bank.
#[derive(Debug, Serialize, ToSchema)]
pub struct LineAnswer {
    id: BankLineId,
    #[schema(value_type = LineStateWord)]
    state: &'static str,
    /// Above zero: credited.
    amount: Money,
    /// What the bank kept before it credited the rest.
    charges: Money,
    booked_on: NaiveDate,
    value_date: NaiveDate,
    /// Whether it takes an earlier line back.
    reversal: bool,
    /// The bank's own reference.
    #[schema(required)]
    reference: Option<String>,
    /// References that others gave it.
    names: Vec<String>,
    /// What else it says.
    text: String,
    /// The other side of a transfer, the line that takes this one back, or the one that this one takes back.
    #[schema(required)]
    counterpart: Option<BankLineId>,
    /// The payouts it is.
    gateway_settlements: Vec<GatewaySettlementId>,
}

fn line_answer(line: BankLine) -> LineAnswer {
    LineAnswer {
        id: line.id,
        state: line.state.as_str(),
        amount: line.line.amount,
        charges: line.line.charges,
        booked_on: line.line.booked_on,
        value_date: line.line.value_on,
        reversal: line.line.reversal,
        reference: line.line.reference,
        names: line.line.names,
        text: line.line.text,
        counterpart: line.state.counterpart(),
        gateway_settlements: match line.state {
            LineState::Matched { settlements } => settlements,
            _ => vec![],
        },
    }
}

fn answer(statement: BankStatement, entries: Option<Vec<LineAnswer>>) -> BankStatementAnswer {
    BankStatementAnswer {
        id: statement.id,
        object: "bank_statement",
        state: if statement.read_at.is_some() { "complete" } else { "incomplete" },
        bank_account: statement.bank_account,
        format: statement.format,
        reference: statement.reference,
        currency: statement.currency,
        opening: statement.opening,
        closing: statement.closing,
        from: statement.from_on,
        to: statement.to_on,
        lines: statement.line_count,
        pending: statement.pending_count,
        file: statement.file_hash,
        recorded_at: statement.recorded_at,
        entries,
    }
}

/// The statements that a file held.
#[derive(Debug, Serialize, ToSchema)]
pub struct FileAnswer {
    #[schema(inline, value_type = ListObject)]
    object: &'static str,
    data: Vec<BankStatementAnswer>,
}

/// What a file does not say itself.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReadParameters {
    /// The account; required for CSV, which names none, and where two of yours end as the file's account does.
    #[param(value_type = Option<BankAccountId>)]
    bank_account: Option<String>,
    /// Columns of a CSV by name, where they are not called `date`, `amount`, `direction`, `currency` …:
    /// `date=Buchungstag;date_format=%d.%m.%Y;amount=Betrag;decimal=,;separator=semicolon`. `direction=S/H` says where
    /// debit or credit stands, `currency=` that no column is the line's currency.
    #[param(example = "date=Posting Date;credit=Paid In;debit=Paid Out")]
    columns: Option<String>,
}

/// The merchant's bank statements, oldest first.
#[utoipa::path(get, path = "/v1/bank-statements", tag = "deposits", params(Paging), responses(
    (status = 200, description = "A page of statements", body = Page<BankStatementAnswer>)))]
pub async fn list(service: web::Data<Service>, caller: Caller, paging: Query<Paging>) -> Answer {
    let (limit, seek) = (paging.0.limit()?, paging.0.seek(wire::id)?);
    let found = service.store.bank_statements(caller.merchant(), seek, limit as i64 + 1).await?;
    let rows = found.into_iter().map(|row| answer(row, None)).collect();
    crate::http::json(200, &Page::of(rows, limit, &seek))
}

/// One statement with what came of its lines.
#[utoipa::path(get, path = "/v1/bank-statements/{id}", tag = "deposits", params(("id" = inline(crate::ids::BankStatementId), Path, example = "bst_01kb0000000000000000000000")), responses(
    (status = 200, description = "The statement", body = BankStatementAnswer)))]
pub async fn show(service: web::Data<Service>, caller: Caller, id: web::Path<String>) -> Answer {
    let id: BankStatementId = wire::path_id(&id, "bank statement")?;
    let found = service.store.bank_statement(caller.merchant(), id).await?;
    let found = found.ok_or_else(|| Problem::not_found("bank statement"))?;
    crate::http::json(200, &with_lines(&service, found).await?)
}

async fn with_lines(service: &Service, statement: BankStatement) -> Answer<BankStatementAnswer> {
    let lines = service.store.bank_lines_of(statement.id, LINES_SHOWN).await?;
    let lines = lines.into_iter().map(|line| line_answer(line.value)).collect();
    Ok(answer(statement, Some(lines)))
}

/// Takes a file in: camt.053 or camt.054 as `application/xml`, MT940 as `text/plain`, CSV as `text/csv`. The same file
/// again, or another that prints the same lines, books nothing twice; a CSV whose lines are booked is read again in the same
/// columns only. A camt.054 books nothing: it names the payouts of a
/// line that a statement booked without their names. At most 256 MiB.
#[utoipa::path(post, path = "/v1/bank-statements", tag = "deposits", params(ReadParameters, KeyHeader),
    request_body(content(
        (String = "application/xml", example = "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt>…</BkToCstmrStmt></Document>"),
        (String = "text/plain", example = ":20:STMT1\n:25:0039012345\n:60F:C261127SGD100,\n:61:261128C39,88NTRFGP-1//B-1\n:62F:C261128SGD139,88"),
        (String = "text/csv", example = "Date,Description,Amount\n2026-11-28,GRABPAY SWEEP GP-1,39.88")), description = "The file as the bank wrote it"),
    responses((status = 201, description = "The statements it holds", body = FileAnswer)))]
pub async fn create(
    service: web::Data<Service>,
    caller: Caller,
    request: HttpRequest,
    query: Query<ReadParameters>,
    payload: web::Payload,
) -> Answer {
    let bank = query.0.bank_account.as_deref().map(|text| wire::id("bank_account", text)).transpose()?;
    let columns = Columns::default().with(query.0.columns.as_deref().unwrap_or_default());
    let columns = columns.map_err(|why| Problem::new(Code::InvalidParameter, why).at("columns"))?;
    if request.headers().contains_key(CONTENT_ENCODING) {
        return Err(Problem::new(Code::UnsupportedEncoding, "send the body without Content-Encoding"));
    }
    let told = told_format(&request)?;
    let spooled = Spooled(service.reconciling.file_for(service.ids.mint::<BankStatementId>())?);
    let hash = spool::keep(payload, &spooled.0, FILE_MAX, service.settings.limits.body).await?;
    let format = match told {
        Some(format) => format,
        None => web::block({
            let path = spooled.0.clone();
            move || looked_at(&path)
        })
        .await
        .map_err(Problem::internal)??,
    };
    let currency = match (format, bank) {
        ("csv", None) => {
            let detail = "a CSV names no account: say which in `bank_account`";
            return Err(Problem::new(Code::InvalidParameter, detail).at("bank_account"));
        }
        (_, Some(id)) => {
            let found = service.store.bank_account(caller.merchant(), id).await?;
            Some(found.ok_or_else(|| Problem::not_found("bank account"))?.account.currency)
        }
        (_, None) => None,
    };
    let read = web::block(move || parse(format, &spooled, &columns, currency)).await;
    let (format, statements) = read.map_err(Problem::internal)??;
    let file = Arc::new(StatementFile { format, hash: hash.clone(), statements, account: bank });
    let (deposits, vault, merchant) = (service.deposits.clone(), service.vault.clone(), caller.merchant());
    let read = |extra: Change| {
        let (deposits, vault, file) = (deposits.clone(), vault.clone(), file.clone());
        tokio::spawn(async move { deposits.read_statements(&vault, merchant, &file, extra).await })
    };
    // What a file does not say itself is a part of what is asked.
    let word = match (bank, &query.0.columns) {
        (None, None) => hash.clone(),
        (bank, columns) => {
            let bank = bank.map(|id| id.to_string()).unwrap_or_default();
            format!("{hash}\n{bank}\n{}", columns.as_deref().unwrap_or_default())
        }
    };
    let asked = Asked { service: &service, caller: &caller, request: &request, body: word.as_bytes() };
    let carry = async |claim: Claim| {
        let mut extra = caller.noted(&service, "bank_statement.read", &hash, file.format);
        extra.claim(&claim, &hash);
        shown(&service, read(extra).await.map_err(Problem::internal)??).await
    };
    // The resource is the file, which is the same by the key.
    let recall = async |_: String| {
        let mut known = deposits.known_statements(&vault, merchant, &file).await?;
        // The reading that the key stands for broke off: this one goes on.
        if known.iter().any(|statement| statement.read_at.is_none()) {
            known = read(Change::new()).await.map_err(Problem::internal)??;
        }
        shown(&service, known).await
    };
    idempotent::once(asked, StatusCode::CREATED, carry, recall).await
}

async fn shown(service: &Service, statements: Vec<BankStatement>) -> Answer<FileAnswer> {
    let mut data = Vec::with_capacity(statements.len());
    for statement in statements {
        data.push(with_lines(service, statement).await?);
    }
    Ok(FileAnswer { object: "list", data })
}

/// What the body is by its type; nothing where that says no more than text.
fn told_format(request: &HttpRequest) -> Answer<Option<&'static str>> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "application/xml" | "text/xml" => Ok(Some("camt053")),
        "text/csv" => Ok(Some("csv")),
        "text/plain" | "application/octet-stream" => Ok(None),
        _ => {
            let detail = "send camt.053 or camt.054 as application/xml, MT940 as text/plain, CSV as text/csv";
            Err(Problem::new(Code::UnsupportedMediaType, detail))
        }
    }
}

/// What the file looks like by its first bytes.
fn looked_at(path: &Path) -> Answer<&'static str> {
    let mut head = vec![];
    File::open(path).and_then(|file| file.take(64).read_to_end(&mut head)).map_err(Problem::internal)?;
    let is_letter = |byte: &&u8| !byte.is_ascii_whitespace() && (1..0x80).contains(*byte);
    Ok(if head.iter().find(is_letter) == Some(&b'<') { "camt053" } else { "mt940" })
}

fn parse(
    format: &str,
    file: &Spooled,
    columns: &Columns,
    currency: Option<Currency>,
) -> Answer<(&'static str, Vec<ReadStatement>)> {
    let file = File::open(&file.0).map_err(Problem::internal)?;
    Ok(match (format, currency) {
        ("camt053", _) => match camt053::read_kind(file)? {
            (camt053::Kind::Statement, read) => ("camt053", read),
            (camt053::Kind::Notification, read) => ("camt054", read),
        },
        ("csv", Some(currency)) => ("csv", csv::read(file, columns, currency)?),
        _ => ("mt940", mt940::read(file)?),
    })
}
