//! `simulate`: lives from seeds; one line per seed, and what does not hold with the steps that led there. The lines are the
//! list of seeds: whoever runs one of them again sees the same trace.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::simulator::{Options, Report, Simulator};

use super::output::{say, unless_unread};
use super::{CliError, Outcome};

#[derive(Debug, Args)]
pub struct Simulate {
    /// One seed
    #[arg(long, value_name = "N", conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Seeds one after the other, the last one not included: 1..1001
    #[arg(long, value_name = "A..B", value_parser = range)]
    seeds: Option<Range<u64>>,
    /// Lives per seed
    #[arg(long, value_name = "M", default_value_t = 1_000)]
    lives: u64,
    /// Write every step of the seed to this file
    #[arg(long, value_name = "FILE", conflicts_with = "seeds")]
    trace: Option<PathBuf>,
}

fn range(text: &str) -> Result<Range<u64>, String> {
    let read = |text: &str| text.trim().parse::<u64>().map_err(|error| format!("`{text}`: {error}"));
    let (from, to) = text.split_once("..").ok_or("write A..B, such as 1..1001")?;
    Ok(read(from)?..read(to)?)
}

/// Runs the seeds; a seed that breaks something ends there and the next one goes on.
///
/// # Errors
/// [`CliError::Words`] when it could not run; [`Outcome::FoundFaults`] when something does not hold.
pub fn simulate(asked: &Simulate) -> Result<Outcome, CliError> {
    let words = |error: crate::simulator::SimulationError| CliError::Words(error.to_string());
    let seeds = match (&asked.seeds, asked.seed) {
        (Some(seeds), _) => seeds.clone(),
        (None, seed) => seed.unwrap_or(1)..seed.unwrap_or(1).saturating_add(1),
    };
    let simulator = Simulator::new().map_err(words)?;
    let options = Options { lives: asked.lives, sabotage: None, story: asked.trace.clone() };
    let (mut total, mut broken, mut count) = (Report::default(), 0_u64, 0_u64);
    for seed in seeds {
        let report = simulator.run(seed, &options).map_err(words)?;
        broken += u64::from(report.broken.is_some());
        unless_unread(tell(&report))?;
        count += 1;
        add(&mut total, &report);
    }
    unless_unread(say!(
        "{} lives over {count} seeds, {broken} with a broken invariant; {} steps, {} deaths, {} stops, {} faults, {} repairs, \
         {} captured, {} refunds, {} disputes, {} decided later, {} restores, {} planted; {} lives/s",
        total.lives,
        total.steps,
        total.deaths,
        total.stops,
        total.faults,
        total.repairs,
        total.captured,
        total.refunds,
        total.disputes,
        total.delays,
        total.restores,
        total.planted,
        per_second(total.lives, total.took)
    ))?;
    Ok(if broken == 0 { Outcome::Done } else { Outcome::FoundFaults })
}

fn tell(report: &Report) -> Result<(), CliError> {
    say!("{}", line(report))?;
    let Some(found) = &report.broken else { return Ok(()) };
    say!("BROKEN {} {}", found.invariant, found.what)?;
    found.steps.iter().try_for_each(|step| say!("    {step}"))
}

fn line(report: &Report) -> String {
    format!(
        "seed {} lives {} steps {} deaths {} stops {} faults {} repairs {} captured {} refunds {} disputes {} later {} restores {} planted {} trace {} {} lives/s",
        report.seed,
        report.lives,
        report.steps,
        report.deaths,
        report.stops,
        report.faults,
        report.repairs,
        report.captured,
        report.refunds,
        report.disputes,
        report.delays,
        report.restores,
        report.planted,
        report.trace,
        per_second(report.lives, report.took)
    )
}

fn add(total: &mut Report, report: &Report) {
    total.lives += report.lives;
    total.steps += report.steps;
    total.deaths += report.deaths;
    total.stops += report.stops;
    total.faults += report.faults;
    total.repairs += report.repairs;
    total.captured += report.captured;
    total.refunds += report.refunds;
    total.disputes += report.disputes;
    total.delays += report.delays;
    total.restores += report.restores;
    total.planted += report.planted;
    total.took += report.took;
}

fn per_second(lives: u64, took: Duration) -> String {
    let tenths = u128::from(lives) * 10_000 / took.as_millis().max(1);
    format!("{}.{}", tenths / 10, tenths % 10)
}
