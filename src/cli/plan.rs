//! `plan make` and `plan check`: a payout plan of the lowest cost from a file, and whether a plan's certificate proves what
//! it says. The check needs no database, no settings and none of the planner's code.

use std::fs;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde::ser::{Error, SerializeMap};
use serde::{Serialize, Serializer};

use crate::domain::treasury::{Plan, PlanRequest, Planned, plan as lowest};

use super::output::{Out, say, unless_unread, unwritten};
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
    let Planned { plan, hash, certificate: proof } = lowest(&request).map_err(|error| words(&error))?;
    drop(request);
    if let Some(target) = certificate {
        let unwritten = |error| CliError::Words(format!("{}: {error}", target.display()));
        fs::write(target, proof.json()).map_err(unwritten)?;
    }
    drop(proof);
    let mut out = BufWriter::new(Out::new());
    let made = Made { hash: &hash, plan: InOrder(&plan) };
    serde_json::to_writer_pretty(&mut out, &made).map_err(|error| unwritten(error.into()))?;
    out.write_all(b"\n").and_then(|()| out.flush()).map_err(unwritten)?;
    Ok(Outcome::Done)
}

/// What `make` prints.
#[derive(Serialize)]
struct Made<'a> {
    hash: &'a str,
    plan: InOrder<'a>,
}

/// A plan with the keys of every object in the alphabet's order. A tree is made of one member of its lists at a time: that of
/// a hundred thousand payouts is many times as large as the plan.
struct InOrder<'a>(&'a Plan);

impl Serialize for InOrder<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Named one by one, so that a key that the plan gains is not left out here.
        let Plan {
            now,
            mids,
            routes,
            calendars,
            lines,
            excluded,
            accounts,
            batches,
            netting,
            positions,
            totals,
        } = self.0;
        let mut plan = serializer.serialize_map(Some(11))?;
        plan.serialize_entry("accounts", &Each(accounts))?;
        plan.serialize_entry("batches", &Each(batches))?;
        plan.serialize_entry("calendars", calendars)?;
        plan.serialize_entry("excluded", &Each(excluded))?;
        plan.serialize_entry("lines", &Each(lines))?;
        plan.serialize_entry("mids", &Tree(mids))?;
        plan.serialize_entry("netting", &Each(netting))?;
        plan.serialize_entry("now", now)?;
        plan.serialize_entry("positions", &Each(positions))?;
        plan.serialize_entry("routes", routes)?;
        plan.serialize_entry("totals", &Tree(totals))?;
        plan.end()
    }
}

/// A list, each member as a [`Tree`] in its turn.
struct Each<'a, T>(&'a [T]);

impl<T: Serialize> Serialize for Each<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Tree))
    }
}

/// By way of a tree, whose keys are in order.
struct Tree<'a, T>(&'a T);

impl<T: Serialize> Serialize for Tree<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::to_value(self.0).map_err(S::Error::custom)?.serialize(serializer)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &str = r#"{"now": "2026-12-04T06:00:00Z", "calendars": {"version": "none", "calendars": {}},
        "mids": {"home": "USD", "as_of": "2026-12-04T05:00:00Z", "rates": {"USD": "1", "SGD": "0.8"}},
        "routes": {"version": "t", "route": [{"name": "r", "rail": "csv", "source_currency": "USD", "target_currency": "USD",
            "cut_off": "16:00:00", "zone": "UTC", "days": 1, "bearer": "DEBT", "from": "2026-01-01", "source": "x",
            "trust": "sample", "fixed": "1.75", "maximum_item": "1000.00", "batch_fee": "2.00", "batch_size": 2}]},
        "payables": [
            {"supplier": "a", "gross": {"amount": "2212.84", "currency": "USD"}, "payees": [{"account": "p", "country": "US"}]},
            {"supplier": "b", "gross": {"amount": "12.00", "currency": "USD"}, "payees": [{"account": "q", "country": "US"}]},
            {"supplier": "c", "gross": {"amount": "5.00", "currency": "SGD"}, "payees": [{"account": "s", "country": "SG"}]}],
        "funds": [{"account": "f", "available": {"amount": "9000.00", "currency": "USD"}, "rails": ["csv"], "holder": "own"}]}"#;

    #[test]
    fn what_is_written_piece_by_piece_is_the_tree_of_the_whole() {
        let request: PlanRequest = serde_json::from_str(REQUEST).unwrap();
        let Planned { mut plan, hash, .. } = lowest(&request).unwrap();
        assert!(!plan.lines.is_empty() && !plan.excluded.is_empty() && !plan.batches.is_empty(), "{plan:#?}");
        for _ in 0..2 {
            let written = serde_json::to_string_pretty(&Made { hash: &hash, plan: InOrder(&plan) }).unwrap();
            let whole = serde_json::json!({ "hash": hash, "plan": plan });
            assert_eq!(written, format!("{whole:#}"));
            // Nor do empty lists look otherwise.
            plan.lines.clear();
            plan.excluded.clear();
        }
    }
}
