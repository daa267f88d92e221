//! `verify`, `export` and `doctor`: what the books and the machine say.

use std::io::Write;

use futures_util::StreamExt;
use secrecy::ExposeSecret;
use serde_json::json;

use crate::app::{Sources, open_store, open_vault, restore_clock};
use crate::domain::access::AuditHead;
use crate::domain::ledger::{ChainHead, Layer};
use crate::domain::statements::{Form, harmless};
use crate::flows::issue_statement::{StatementQuery, Statements};
use crate::geo::{Geo, GeoReport, VpnReport};
use crate::http::api::ledger::verified;
use crate::ids::{MerchantId, SupplierId};
use crate::settings::{Mode, Settings};
use crate::store::{Seek, Store, TransactionFilter, Verification, VerifyOptions};
use crate::vault::Vault;

use super::output::{Out, unless_unread, unwritten, unwritten_csv};
use super::{CliError, Outcome};

/// Goes over the books; every check is a line.
///
/// # Errors
/// [`CliError`]; faults in the books are [`Outcome::FoundFaults`].
pub async fn verify(
    settings: Settings,
    full: bool,
    noted: &[Noted],
    as_json: bool,
) -> Result<Outcome, CliError> {
    let store = opened(&settings).await?;
    let ledger = noted.iter().filter_map(|noted| match noted {
        Noted::Ledger(head) => Some(*head),
        Noted::Trail(..) => None,
    });
    let ledger: Vec<ChainHead> = ledger.collect();
    let options = VerifyOptions { full, expected: ledger.first().copied() };
    let mut seen = store.verify(&options).await.map_err(words)?;
    for head in ledger.iter().skip(1) {
        seen.checks.push(store.check_expected(*head).await.map_err(words)?);
    }
    for (merchant, head) in noted.iter().filter_map(Noted::trail) {
        seen.checks.push(store.check_noted_trail(merchant, head).await.map_err(words)?);
    }
    store.close().await;
    unless_unread(tell(&seen, as_json))?;
    Ok(if seen.ok() { Outcome::Done } else { Outcome::FoundFaults })
}

fn tell(seen: &Verification, as_json: bool) -> Result<(), CliError> {
    let mut out = Out::new();
    if as_json {
        return out.line(format_args!("{:#}", json!(verified(seen))));
    }
    for check in &seen.checks {
        let mark = if check.ok { "ok   " } else { "FAULT" };
        out.line(format_args!("{mark}  {:<24} {}", check.name, check.detail))?;
    }
    out.line(format_args!("head  {}", seen.head))?;
    seen.trails.iter().try_for_each(|(merchant, head)| out.line(format_args!("trail {merchant}:{head}")))
}

/// A head that was noted elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Noted {
    /// Of the ledger.
    Ledger(ChainHead),
    /// Of a merchant's audit trail.
    Trail(MerchantId, AuditHead),
}

impl Noted {
    fn trail(&self) -> Option<(MerchantId, AuditHead)> {
        match self {
            Noted::Ledger(_) => None,
            Noted::Trail(merchant, head) => Some((*merchant, *head)),
        }
    }
}

impl std::str::FromStr for Noted {
    type Err = String;

    fn from_str(text: &str) -> Result<Noted, String> {
        let wrong =
            || "write `17:<64 hexadecimal digits>`, or a merchant's id and a colon before it".to_owned();
        match text.split_once(':').and_then(|(merchant, head)| Some((merchant.parse().ok()?, head))) {
            Some((merchant, head)) => Ok(Noted::Trail(merchant, head.parse().map_err(|_| wrong())?)),
            None => text.parse().map(Noted::Ledger).map_err(|_| wrong()),
        }
    }
}

/// Writes every merchant's journal as CSV, oldest transaction last.
///
/// # Errors
/// [`CliError`].
pub async fn journal(settings: Settings) -> Result<Outcome, CliError> {
    let store = opened(&settings).await?;
    let mut csv = csv::Writer::from_writer(Out::new());
    let head = [
        "merchant",
        "number",
        "transaction",
        "event",
        "source",
        "subject",
        "effective_at",
        "recorded_at",
        "block",
        "account",
        "layer",
        "direction",
        "amount",
        "currency",
    ];
    csv.write_record(head).map_err(unwritten_csv)?;
    for merchant in store.merchants().await.map_err(words)? {
        let mut seek = Seek::Start;
        loop {
            let filter = TransactionFilter { subject: None, seek, limit: 500 };
            let page = store.ledger_transactions(merchant.id, &filter).await.map_err(words)?;
            let Some(last) = page.last() else { break };
            seek = Seek::After(last.number);
            for transaction in &page {
                for entry in &transaction.entries {
                    let layer = match entry.layer {
                        Layer::Pending => "pending",
                        Layer::Posted => "posted",
                    };
                    let direction = match entry.direction {
                        crate::domain::ledger::Direction::Debit => "debit",
                        crate::domain::ledger::Direction::Credit => "credit",
                    };
                    let record = [
                        merchant.id.to_string(),
                        transaction.number.to_string(),
                        transaction.id.to_string(),
                        transaction.event.to_string(),
                        harmless(&transaction.source),
                        harmless(transaction.subject.as_deref().unwrap_or_default()),
                        transaction.effective_at.to_rfc3339(),
                        transaction.recorded_at.to_rfc3339(),
                        transaction.block.to_string(),
                        entry.account.to_string(),
                        layer.to_owned(),
                        direction.to_owned(),
                        entry.amount.amount().to_string(),
                        entry.amount.currency().to_string(),
                    ];
                    csv.write_record(record).map_err(unwritten_csv)?;
                }
            }
        }
    }
    csv.flush().map_err(unwritten)?;
    drop(csv);
    store.close().await;
    Ok(Outcome::Done)
}

/// Writes one supplier's statement in one of its forms.
///
/// # Errors
/// [`CliError`]; [`Outcome::FoundFaults`] when the period does not foot.
pub async fn statement(settings: Settings, which: StatementArguments) -> Result<Outcome, CliError> {
    let Sources { clock, ids } = Sources::system();
    there(&settings).await?;
    let store = open_store(&settings, &clock, &ids).await?;
    // A test clock that was moved stands ahead of the machine's; what is booked by then belongs to the statement.
    restore_clock(&store, &clock).await?;
    let merchant = owner(&store, which.supplier).await?;
    let query = StatementQuery {
        supplier: which.supplier,
        currency: which.currency,
        from: which.from,
        to: which.to,
        limit: None,
        after: None,
    };
    let statements = Statements::new(store.clone(), clock, ids);
    let mut out = Out::new();
    if which.format == Form::Json {
        let statement = statements.statement(merchant, &query).await.map_err(words)?;
        out.line(serde_json::to_string(&statement).map_err(words)?)?;
    } else {
        let mut file = statements.file(merchant, &query, which.format.into()).await.map_err(words)?;
        while let Some(chunk) = file.body.next().await {
            out.write_all(&chunk.map_err(words)?).map_err(unwritten)?;
        }
    }
    store.close().await;
    Ok(Outcome::Done)
}

/// Which statement.
#[derive(Debug, Clone, clap::Args)]
pub struct StatementArguments {
    /// The supplier's id
    supplier: SupplierId,
    /// First booking date
    #[arg(long)]
    from: chrono::NaiveDate,
    /// Last booking date
    #[arg(long)]
    to: chrono::NaiveDate,
    /// Without it, the currency the supplier settles in
    #[arg(long)]
    currency: Option<crate::money::Currency>,
    /// json, csv, xlsx, pdf, camt053, ofx, xero, quickbooks or quickbooks4
    #[arg(long, value_name = "FORM", default_value = "csv", value_parser = form)]
    format: Form,
}

fn form(word: &str) -> Result<Form, String> {
    Form::find(word).ok_or_else(|| format!("a statement is had as {}", Form::WORDS.join(", ")))
}

async fn owner(store: &Store, supplier: SupplierId) -> Result<MerchantId, CliError> {
    for merchant in store.merchants().await.map_err(words)? {
        if store.supplier(merchant.id, supplier).await.map_err(words)?.is_some() {
            return Ok(merchant.id);
        }
    }
    Err(CliError::Words(format!("there is no supplier {supplier}")))
}

/// Tests what the service stands on, one line each.
///
/// # Errors
/// None: what fails is [`Outcome::FoundFaults`].
pub async fn doctor(settings: Settings, as_json: bool) -> Result<Outcome, CliError> {
    let Sources { clock, ids } = Sources::system();
    let mut checks: Vec<(&str, Result<String, String>)> = vec![];
    // To look is not to make: what is not there yet stays away.
    let none_yet = || "none yet; the first start makes it".to_owned();
    let data = &settings.data_dir;
    let folder = match data.exists() {
        true => crate::app::prepare_folder(data).map(|()| data.display().to_string()),
        false => crate::app::could_make(data).map(|()| format!("{}: {}", data.display(), none_yet())),
    };
    checks.push(("data_folder", folder.map_err(|error| error.to_string())));
    let key = match settings.master_key.is_some() || Vault::is_in(data) {
        true => open_vault(&settings, &ids).map(|vault| vault.key_id()),
        false => Ok(none_yet()),
    };
    checks.push(("master_key", key.map_err(|error| error.to_string())));
    match Store::is_there(settings.database_url.expose_secret()).await {
        Ok(false) => checks.push(("database", Ok(none_yet()))),
        Err(error) => checks.push(("database", Err(error.to_string()))),
        Ok(true) => match open_store(&settings, &clock, &ids).await {
            Ok(store) => {
                checks.push(("database", Ok(store.engine().to_string())));
                let seen = store.verify(&VerifyOptions::default()).await;
                let head = seen.map_err(|error| error.to_string()).and_then(|seen| match seen.ok() {
                    true => Ok(format!("the books hold, head {}", seen.head)),
                    false => Err("the books do not hold: run straits verify --full".to_owned()),
                });
                checks.push(("books", head));
                store.close().await;
            }
            Err(error) => checks.push(("database", Err(error.to_string()))),
        },
    }
    let geo = Geo::start(settings.geo.clone(), clock.clone()).map_err(|error| error.to_string());
    checks.push(("countries_of_addresses", geo.and_then(|geo| countries(&geo.report(), &settings))));
    let free = std::net::TcpListener::bind(settings.listen);
    let free =
        free.map(|_| settings.listen.to_string()).map_err(|error| format!("{}: {error}", settings.listen));
    checks.push(("port", free));
    let mode = match settings.mode {
        Mode::Sandbox => "sandbox",
        Mode::Live => "live",
    };
    checks.push(("mode", Ok(mode.to_owned())));
    let ok = checks.iter().all(|(_, seen)| seen.is_ok());
    unless_unread(diagnosis(&checks, ok, as_json))?;
    Ok(if ok { Outcome::Done } else { Outcome::FoundFaults })
}

fn diagnosis(checks: &[(&str, Result<String, String>)], ok: bool, as_json: bool) -> Result<(), CliError> {
    let mut out = Out::new();
    if as_json {
        let rows: Vec<_> = checks
            .iter()
            .map(|(name, seen)| {
                let detail = seen.as_ref().unwrap_or_else(|why| why);
                json!({"name": name, "ok": seen.is_ok(), "detail": detail})
            })
            .collect();
        return out.line(format_args!("{:#}", json!({"ok": ok, "checks": rows})));
    }
    checks.iter().try_for_each(|(name, seen)| {
        let (mark, detail) = match seen {
            Ok(detail) => ("ok   ", detail),
            Err(why) => ("FAULT", why),
        };
        out.line(format_args!("{mark}  {name:<24} {detail}"))
    })
}

/// The database in use; a file that was named and cannot be used is a fault, although the service would start.
fn countries(report: &GeoReport, settings: &Settings) -> Result<String, String> {
    if let Some(why) = &report.fault {
        let file = settings.geo.database.clone().unwrap_or_default().display().to_string();
        return Err(format!("{file}: {why}; the one compiled in is used instead"));
    }
    let blocks = match &report.vpn {
        Some(VpnReport { fault: Some(why), .. }) => {
            let file = settings.geo.vpn_ranges.clone().unwrap_or_default().display().to_string();
            return Err(format!("{file}: {why}; no list of VPN exits is used"));
        }
        Some(list) => format!(", {} blocks of VPN exits", list.blocks),
        None => String::new(),
    };
    let built = report.built_at.map_or_else(String::new, |built| built.date_naive().to_string());
    let old = if report.old { ", older than 90 days" } else { "" };
    Ok(format!("{} ({}), built on {built}{old}{blocks}", report.source, report.kind))
}

/// The books that are there: reading them makes none.
async fn opened(settings: &Settings) -> Result<Store, CliError> {
    there(settings).await?;
    let Sources { clock, ids } = Sources::system();
    Ok(open_store(settings, &clock, &ids).await?)
}

pub(super) async fn there(settings: &Settings) -> Result<(), CliError> {
    if Store::is_there(settings.database_url.expose_secret()).await.map_err(words)? {
        return Ok(());
    }
    Err(CliError::Words(format!(
        "there are no books yet: the data folder is {}, and the database it names is empty or missing; name another with --data-dir or --database-url, or make them with `straits serve`",
        settings.data_dir.display()
    )))
}

fn words(error: impl std::fmt::Display) -> CliError {
    CliError::Words(error.to_string())
}
