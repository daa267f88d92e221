//! `plan make` and `plan check`: a payout plan of the lowest cost from a file, and whether a plan's certificate proves what
//! it says. The check needs no database, no settings and none of the planner's code.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Subcommand;

use crate::domain::treasury::{PlanRequest, plan as lowest};

use super::output::{say, unless_unread};
use super::{CliError, Outcome};

#[derive(Debug, Subcommand)]
pub enum PlanCommand {
    /// Make the plan of the lowest cost: which route, account and batches for each payable, what to top up, what it saves
    Make {
        /// What is owed, what lies where and the mids, JSON; `-` reads standard input. Routes and holidays are those of
        /// config/routes.toml and config/holidays.toml unless the file has its own
        file: PathBuf,
        /// Write the certificate here, for `plan check`
        #[arg(long, value_name = "FILE")]
        certificate: Option<PathBuf>,
    },
    /// Recompute feasibility, cost and lower bound from a certificate alone; exit 1 where one digit does not hold
    Check {
        /// The certificate; `-` reads standard input
        file: PathBuf,
        /// The plan that it is to prove, as `GET /v1/payout-plans/{id}` serves it: its content names this certificate, and its
        /// lines pay what is chosen there
        #[arg(long, value_name = "PLAN.json")]
        plan: Option<PathBuf>,
    },
}

/// Runs the command.
///
/// # Errors
/// [`CliError::Words`] when a file cannot be read, is no request, or contradicts itself; [`Outcome::FoundFaults`] when the
/// certificate is refused.
pub fn plan(command: &PlanCommand) -> Result<Outcome, CliError> {
    match command {
        PlanCommand::Make { file, certificate } => make(file, certificate.as_deref()),
        PlanCommand::Check { file, plan } => check(file, plan.as_deref()),
    }
}

fn make(file: &Path, certificate: Option<&Path>) -> Result<Outcome, CliError> {
    let words = |error: &dyn std::fmt::Display| CliError::Words(format!("{}: {error}", file.display()));
    let mut request: PlanRequest = serde_json::from_str(&read(file)?).map_err(|error| words(&error))?;
    let paid = request.payables.iter().map(|payable| payable.gross.currency()).collect();
    request.routes = request.routes.into_currencies(&paid);
    let planned = lowest(&request).map_err(|error| words(&error))?;
    if let Some(target) = certificate {
        let unwritten = |error| CliError::Words(format!("{}: {error}", target.display()));
        fs::write(target, planned.certificate.json()).map_err(unwritten)?;
    }
    let told = serde_json::json!({ "hash": planned.hash, "plan": planned.plan });
    say!("{told:#}")?;
    Ok(Outcome::Done)
}

fn check(file: &Path, plan: Option<&Path>) -> Result<Outcome, CliError> {
    let certificate = read(file)?;
    let checked = match plan {
        Some(plan) => plan_checker::check_plan(&certificate, &read(plan)?),
        None => plan_checker::check(&certificate),
    };
    match checked {
        Ok(verdict) => {
            unless_unread(say!("{}", words(&verdict)))?;
            unless_unread(match plan {
                Some(plan) => {
                    say!("it is the proof of {}: every line pays what is chosen there", plan.display())
                }
                None => say!("of which plan it is the proof was not asked: --plan PLAN.json"),
            })?;
            Ok(Outcome::Done)
        }
        Err(refusal) => {
            unless_unread(say!("refused: {refusal}"))?;
            Ok(Outcome::FoundFaults)
        }
    }
}

fn read(file: &Path) -> Result<String, CliError> {
    let words = |error| CliError::Words(format!("{}: {error}", file.display()));
    if file != Path::new("-") {
        return fs::read_to_string(file).map_err(words);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map(|_| text).map_err(words)
}

fn words(verdict: &plan_checker::Verdict) -> String {
    format!(
        "holds: plan {} of {}, {} suppliers ({} unpaid)\ncost {}, bound {}, gap {} (in 10^-9 minor units of {})\n\
         lowest cost under the dated route table shown ({}), within the gap; taken on its word: tariffs, mids, and why {} \
         alternatives are ruled out",
        verdict.plan,
        verdict.at,
        verdict.suppliers,
        verdict.unpaid,
        verdict.cost,
        verdict.bound,
        verdict.cost - verdict.bound,
        verdict.home,
        verdict.table,
        verdict.ruled_out,
    )
}
