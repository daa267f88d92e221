//! `reconcile`: hands a gateway's bill to a running Straits, or has it ask for a day, and says what was found.

use std::path::PathBuf;
use std::time::Duration;

use chrono::NaiveDate;
use clap::Args;
use serde_json::{Value, json};

use crate::settings::Settings;

use super::output::say;
use super::remote::{Remote, RemoteArguments};
use super::{CliError, Outcome};

/// How often the run is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Which bill.
#[derive(Debug, Args)]
pub struct ReconcileArguments {
    /// The gateway, or the name of the account at it
    #[arg(long)]
    gateway: String,
    /// The gateway's own file
    #[arg(required_unless_present = "date", conflicts_with = "date")]
    file: Option<PathBuf>,
    /// Instead of a file: this day, which the gateway is asked for
    #[arg(long)]
    date: Option<NaiveDate>,
    /// Only list what differs: nobody is asked, nothing is booked, no finding is opened
    #[arg(long)]
    dry_run: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: RemoteArguments,
}

/// Reconciles.
///
/// # Errors
/// [`CliError`]: a file that cannot be read, or the server's refusal.
pub async fn reconcile(settings: Settings, given: ReconcileArguments) -> Result<Outcome, CliError> {
    let remote = Remote::find(&settings, given.remote)?;
    let begun = match (&given.file, given.date) {
        (Some(path), _) => {
            let unread = |error: std::io::Error| CliError::Words(format!("{}: {error}", path.display()));
            let file = tokio::fs::File::open(path).await.map_err(unread)?;
            let dry_run = given.dry_run.to_string();
            let fields = [("gateway", given.gateway.as_str()), ("dry_run", &dry_run)];
            remote.hand_in("/v1/reconciliations", &fields, file).await?
        }
        (None, date) => {
            let body = json!({ "gateway": given.gateway, "date": date, "dry_run": given.dry_run });
            remote.post_as_finance("/v1/reconciliations", &body).await?
        }
    };
    let path = format!("/v1/reconciliations/{}", begun["id"].as_str().unwrap_or_default());
    let run = loop {
        let run: Value = remote.get(&path).await?;
        if run["state"] != json!("running") {
            break run;
        }
        tokio::time::sleep(LOOK).await;
    };
    if given.json {
        say!("{run:#}")?;
    } else {
        say!("{}", told(&run))?;
    }
    let clean = run["state"] == json!("done") && run["open"] == json!(0);
    Ok(if clean { Outcome::Done } else { Outcome::FoundFaults })
}

/// A run in lines.
fn told(run: &Value) -> String {
    let text = |name: &str| match &run[name] {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    };
    let mut lines = vec![format!(
        "{}  {}  {} lines, {} matched, {} repaired, {} open",
        text("id"),
        text("state"),
        text("lines"),
        text("matched"),
        text("repaired"),
        text("open")
    )];
    for (kind, count) in run["by_kind"].as_object().into_iter().flatten() {
        lines.push(format!("{count:>8}  {kind}"));
    }
    if let Some(error) = run["error"].as_str() {
        lines.push(error.to_owned());
    }
    lines.join("\n")
}
