//! `simulate`: lives from seeds; one line per seed, and what does not hold with the steps that led there. The lines are the
//! list of seeds: whoever runs one of them again sees the same trace.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;

use crate::simulator::{Options, Report, SimulationError, Simulator};

use super::output::{say, unless_unread};
use super::{CliError, Outcome};

#[derive(Debug, Args)]
pub struct Simulate {
    /// One seed
    #[arg(long, value_name = "N", conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Seeds one after the other, in ranges whose last one is not included and alone: 1..1001,77,901
    #[arg(long, value_name = "A..B,C", value_parser = seeds)]
    seeds: Option<Seeds>,
    /// Lives per seed
    #[arg(long, value_name = "M", default_value_t = 1_000)]
    lives: u64,
    /// Seeds at once; as many as there are processors unless said otherwise
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Write every step of the seed to this file
    #[arg(long, value_name = "FILE", conflicts_with = "seeds")]
    trace: Option<PathBuf>,
}

/// Ranges of seeds, in the order in which they were named.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seeds(Vec<Range<u64>>);

fn seeds(text: &str) -> Result<Seeds, String> {
    let read = |text: &str| text.trim().parse::<u64>().map_err(|error| format!("`{text}`: {error}"));
    let range = |part: &str| match part.split_once("..") {
        Some((from, to)) => Ok(read(from)?..read(to)?),
        None => Ok(only(read(part)?)),
    };
    text.split(',').map(range).collect::<Result<_, String>>().map(Seeds)
}

fn only(seed: u64) -> Range<u64> {
    seed..seed.saturating_add(1)
}

/// Runs the seeds, each on a thread of its own; a seed that breaks something ends there and the next one goes on. Their lines
/// come in the order of the seeds, whichever ends first.
///
/// # Errors
/// [`CliError::Words`] when it could not run; [`Outcome::FoundFaults`] when something does not hold.
pub fn simulate(asked: &Simulate) -> Result<Outcome, CliError> {
    let words = |error: SimulationError| CliError::Words(error.to_string());
    let seeds = match (&asked.seeds, asked.seed) {
        (Some(seeds), _) => seeds.0.clone(),
        (None, seed) => vec![only(seed.unwrap_or(1))],
    };
    let seeds = seeds.into_iter().flatten();
    let began = Instant::now();
    let simulator = Simulator::new().map_err(words)?;
    let options = Options { lives: asked.lives, sabotage: None, story: asked.trace.clone() };
    let jobs = asked.jobs.unwrap_or_else(cores).max(1);
    let (mut total, mut broken, mut count) = (Report::default(), 0_u64, 0_u64);
    let mut told = Ok(());
    abreast(&simulator, seeds, (&options, jobs), |report| {
        broken += u64::from(report.broken.is_some());
        count += 1;
        add(&mut total, &report);
        told = unless_unread(tell(&report));
        told.is_ok()
    })
    .map_err(words)?;
    told?;
    total.took = began.elapsed();
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

/// One seed for each processor.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Keeps this thread and those it makes on one of the processors this program may use. A seed's threads work in turns, and
/// whoever sleeps on another processor is woken far more slowly. Only where each processor has a seed: fewer would all choose
/// the first ones, here and in the programs beside this.
#[cfg(target_os = "linux")]
fn stay_on(job: usize, jobs: usize) {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let Ok(ours) = sched_getaffinity(None) else { return };
    let usable: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|cpu| ours.is_set(*cpu)).collect();
    if jobs < usable.len() {
        return;
    }
    if let Some(cpu) = usable.get(job % usable.len().max(1)) {
        let mut one = CpuSet::new();
        one.set(*cpu);
        // Where it may not be chosen, it is only slower.
        let _ = sched_setaffinity(None, &one);
    }
}

#[cfg(not(target_os = "linux"))]
fn stay_on(_job: usize, _jobs: usize) {}

/// Runs so many seeds at once and hands their reports over in the order of the seeds, until `goes_on` says no or one could
/// not run. Seeds have nothing in common: each has a folder, a clock and a runtime of its own.
fn abreast(
    simulator: &Simulator,
    seeds: impl Iterator<Item = u64> + Send,
    (options, jobs): (&Options, usize),
    mut goes_on: impl FnMut(Report) -> bool,
) -> Result<(), SimulationError> {
    let jobs = seeds.size_hint().1.map_or(jobs, |count| jobs.min(count));
    let left = Mutex::new(seeds.enumerate());
    let next = || left.lock().unwrap_or_else(PoisonError::into_inner).next();
    let ends = AtomicBool::new(false);
    let (done, reports) = channel();
    std::thread::scope(|scope| {
        for job in 0..jobs {
            let (done, next, ends) = (done.clone(), &next, &ends);
            scope.spawn(move || {
                stay_on(job, jobs);
                while let Some((place, seed)) = next().filter(|_| !ends.load(Ordering::SeqCst)) {
                    // Nobody listens any more once the command is over.
                    let _ = done.send((place, simulator.run(seed, options)));
                }
            });
        }
        drop(done);
        let mut early = BTreeMap::new();
        let mut awaited = 0;
        for (place, outcome) in reports {
            early.insert(place, outcome);
            while let Some(outcome) = early.remove(&awaited) {
                awaited += 1;
                let went = outcome.map(&mut goes_on);
                if !matches!(went, Ok(true)) {
                    ends.store(true, Ordering::SeqCst);
                    return went.map(|_| ());
                }
            }
        }
        Ok(())
    })
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
}

fn per_second(lives: u64, took: Duration) -> String {
    let tenths = u128::from(lives) * 10_000 / took.as_millis().max(1);
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_ranges_and_single_ones_in_the_order_named() {
        let Seeds(read) = seeds("1..4, 77,9..9,18446744073709551615").unwrap();
        assert_eq!(read.into_iter().flatten().collect::<Vec<_>>(), [1, 2, 3, 77]);
        for wrong in ["", "1..", "a", "1,,2", "-1"] {
            assert!(seeds(wrong).is_err(), "{wrong}");
        }
    }
}
