//! `plan check`: whether a payout plan's certificate proves what it says. Needs no database, no settings and none of the
//! planner's code.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::{CliError, Outcome};

#[derive(Debug, Subcommand)]
pub enum PlanCommand {
    /// Recompute feasibility, cost and lower bound from a certificate alone; exit 1 where one digit does not hold
    Check {
        /// The certificate; `-` reads standard input
        file: PathBuf,
    },
}

/// Runs the command.
///
/// # Errors
/// [`CliError::Words`] when the file cannot be read; [`Outcome::FoundFaults`] when the certificate is refused.
pub fn plan(command: &PlanCommand) -> Result<Outcome, CliError> {
    let PlanCommand::Check { file } = command;
    let text = read(file).map_err(|error| CliError::Words(format!("{}: {error}", file.display())))?;
    match plan_checker::check(&text) {
        Ok(verdict) => {
            println!("{}", words(&verdict));
            Ok(Outcome::Done)
        }
        Err(refusal) => {
            println!("refused: {refusal}");
            Ok(Outcome::FoundFaults)
        }
    }
}

fn read(file: &Path) -> std::io::Result<String> {
    if file != Path::new("-") {
        return std::fs::read_to_string(file);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map(|_| text)
}

fn words(verdict: &plan_checker::Verdict) -> String {
    format!(
        "holds: plan {}, {} suppliers ({} unpaid)\ncost {}, bound {}, gap {} (in 10^-9 minor units of {})\n\
         lowest cost under the tariffs in the certificate; taken on its word: tariffs, mids, and why {} alternatives are \
         ruled out",
        verdict.plan,
        verdict.suppliers,
        verdict.unpaid,
        verdict.cost,
        verdict.bound,
        verdict.cost - verdict.bound,
        verdict.home,
        verdict.ruled_out,
    )
}
