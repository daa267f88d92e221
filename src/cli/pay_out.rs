//! `pay-out`: drafts, approves and executes payout plans of a running Straits, each by the key of whoever does it.

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::ids::PlanId;
use crate::money::Currency;
use crate::settings::Settings;

use super::output::say;
use super::remote::{Remote, RemoteArguments};
use super::{CliError, Outcome};

/// What is done.
#[derive(Debug, Subcommand)]
pub enum PayOutCommand {
    /// Draft who can be paid now and hand the draft in for approval, unless it is only looked at
    Plan {
        /// Only in this currency; may be given more than once
        #[arg(long = "currency")]
        currencies: Vec<Currency>,
        /// The plan's day in the merchant's zone, up to 31 days on
        #[arg(long)]
        as_of: Option<NaiveDate>,
        /// Leave it a draft
        #[arg(long)]
        draft: bool,
        #[command(flatten)]
        how: How,
    },
    /// Approve a plan as another user than those who made it
    Approve {
        /// The plan
        plan: PlanId,
        /// The hash of what was looked at, as `pay-out plan` prints it
        #[arg(long)]
        hash: String,
        #[command(flatten)]
        how: How,
    },
    /// Begin to pay what was approved
    Execute {
        /// The plan
        plan: PlanId,
        #[command(flatten)]
        how: How,
    },
    /// Show a plan and how far it is
    Show {
        /// The plan
        plan: PlanId,
        #[command(flatten)]
        how: How,
    },
}

/// Where, by whom, and how it is printed.
#[derive(Debug, Args)]
pub struct How {
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: RemoteArguments,
}

/// Does it.
///
/// # Errors
/// [`CliError`]: the server's refusal.
pub async fn pay_out(settings: Settings, command: PayOutCommand) -> Result<Outcome, CliError> {
    let (plan, how) = match command {
        PayOutCommand::Plan { currencies, as_of, draft, how } => {
            let remote = Remote::find(&settings, how.remote.clone())?;
            let mut body = json!({});
            if !currencies.is_empty() {
                body["currencies"] = json!(currencies);
            }
            if let Some(day) = as_of {
                body["as_of"] = json!(day);
            }
            let mut plan = remote.post_as_finance("/v1/payout-plans", &body).await?;
            // Nothing to approve where nobody is paid.
            if !draft && plan["payouts"] != json!(0) {
                let path = format!("{}/submit", path_of(plan["id"].as_str().unwrap_or_default()));
                plan = remote.post_as_finance(&path, &json!({})).await?;
            }
            (plan, how)
        }
        PayOutCommand::Approve { plan, hash, how } => {
            let remote = Remote::find(&settings, how.remote.clone())?;
            let path = format!("{}/approve", path_of(plan));
            (remote.post_as_second(&path, &json!({ "hash": hash })).await?, how)
        }
        PayOutCommand::Execute { plan, how } => {
            let remote = Remote::find(&settings, how.remote.clone())?;
            (remote.post_as_finance(&format!("{}/execute", path_of(plan)), &json!({})).await?, how)
        }
        PayOutCommand::Show { plan, how } => {
            let remote = Remote::find(&settings, how.remote.clone())?;
            (remote.get(&path_of(plan)).await?, how)
        }
    };
    if how.json {
        say!("{plan:#}")?;
    } else {
        say!("{}", told(&plan))?;
    }
    Ok(Outcome::Done)
}

fn path_of(plan: impl std::fmt::Display) -> String {
    format!("/v1/payout-plans/{plan}")
}

/// A plan in lines.
fn told(plan: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let money = |value: &Value| format!("{} {}", text(&value["currency"]), text(&value["amount"]));
    let each = |name: &str| plan[name].as_array().cloned().unwrap_or_default();
    let mut lines =
        vec![format!("{}  {}  {} payouts", text(&plan["id"]), text(&plan["state"]), plan["payouts"])];
    lines.push(format!("hash  {}", text(&plan["hash"])));
    for line in each("lines") {
        let (amount, name, route) = (money(&line["amount"]), text(&line["name"]), text(&line["route"]));
        lines.push(format!("pays      {amount:>20}  {name}  by {route}, fee {}", money(&line["fee"])));
    }
    for left in each("excluded") {
        lines.push(format!("leaves    {}  {}", text(&left["supplier"]), text(&left["reason"])));
    }
    let counted = plan["progress"].as_object().into_iter().flatten();
    let counted: Vec<String> = counted
        .filter(|(_, count)| **count != json!(0))
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    if !counted.is_empty() {
        lines.push(format!("progress  {}", counted.join(", ")));
    }
    lines.join("\n")
}
