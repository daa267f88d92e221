//! One seed from beginning to end: rounds of lives, first with faults, then without, then time for what lapses.

/// What must hold when a phase ends.
mod ends;
/// The process of a round, and those after it.
mod process;

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use chrono::{DateTime, TimeDelta, Utc};

use crate::ids::FindingId;
use crate::sandbox::{Letter, Sandbox};

use super::books;
use super::faults::Rates;
use super::gate::Gate;
use super::life::{Billed, Life};
use super::mail::Handed;
use super::planted::Planted;
use super::restore::Kept;
use super::trace::Trace;
use super::truth::Truth;
use super::weather::Outage;
use super::world::{Template, World, runtime};
use super::{Broken, Options, Report, Sabotage, SimulationError};

/// Lives side by side.
const ROUND: u64 = 32;
/// After the last life of a round has begun, faults go on for so long.
const FAULTY: TimeDelta = TimeDelta::minutes(8);
/// Within this after faults have stopped everything that was paid is settled: three rounds of questions.
const BUDGET: TimeDelta = TimeDelta::minutes(7);
/// And what was not paid, after it has lapsed: two.
const AFTER_LAPSE: TimeDelta = TimeDelta::seconds(270);
/// After this every approval and session has lapsed.
const LAPSE: TimeDelta = TimeDelta::hours(8);

/// Where a round is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Everything goes wrong, until then.
    Faulty(DateTime<Utc>),
    /// Nothing goes wrong any more, until then.
    Calm(DateTime<Utc>),
    /// What nobody paid has lapsed; a last round of questions, until then.
    Lapsed(DateTime<Utc>),
}

/// Why a process ended.
#[derive(Debug)]
pub(super) enum End {
    /// The phase is over.
    Over,
    /// It died.
    Died,
    /// It was asked to stop, and did.
    Stopped,
    /// Something does not hold.
    Broken(Broken),
}

/// When the process's own duties are due.
#[derive(Debug, Clone, Copy)]
pub(super) struct Due {
    pub drain: DateTime<Utc>,
    pub ask: DateTime<Utc>,
    pub refunds: DateTime<Utc>,
    pub disputes: DateTime<Utc>,
    pub catch_up: DateTime<Utc>,
    pub bills: DateTime<Utc>,
}

impl Due {
    fn all(now: DateTime<Utc>) -> Due {
        Due { drain: now, ask: now, refunds: now, disputes: now, catch_up: now, bills: now }
    }
}

/// What was counted.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub deaths: u64,
    pub stops: u64,
    pub faults: u64,
    pub repairs: u64,
    pub captured: u64,
    pub refunds: u64,
    pub disputes: u64,
    pub delays: u64,
    pub restores: u64,
}

/// A run of one seed.
#[derive(Debug)]
pub(super) struct Run {
    pub seed: u64,
    pub options: Options,
    pub dice: StdRng,
    pub world: World,
    pub gate: Gate,
    pub truth: Truth,
    pub trace: Trace,
    pub rates: Rates,
    pub phase: Phase,
    pub lives: Vec<Life>,
    /// Notices the far sides have claimed and the network has not brought yet.
    pub mail: Vec<Letter>,
    /// Notices that came before.
    pub old: Vec<Handed>,
    pub due: Due,
    pub acts: u64,
    pub counts: Counts,
    /// Payments of ended rounds, by gateway.
    pub ended: [Vec<String>; 2],
    pub checked_at: u64,
    /// Findings up to this one were looked at.
    pub read_to: Option<FindingId>,
    /// There may be mail.
    pub knock: bool,
    /// Where somebody was asked whom nobody may ask, or too early, and by which fault's number.
    pub astray: Option<(&'static str, String)>,
    /// This round's backup; there is one a round.
    pub kept: Option<Kept>,
    pub backed_up_in: u64,
    /// The folder was put back just now, and open payments of which nobody was asked since.
    pub held: bool,
    pub unasked: BTreeSet<String>,
    /// The folder was put back once.
    pub restored: bool,
    /// Notices that were accepted about payments nobody knows.
    pub strangers: Vec<String>,
    /// The process before this one closed its files.
    pub whole: bool,
    /// Rounds so far, this one included.
    pub rounds: u64,
    /// Lives of the round before whose money was taken and of which the gateway says nothing.
    pub ghosts: Vec<Life>,
    /// Differences planted in bills, movements of strangers that no bill has told yet, captures that bills get wrong.
    pub planted: Vec<Planted>,
    pub strange: Vec<(u64, String)>,
    pub misbilled: BTreeMap<String, Billed>,
    /// Payments of which a bill told first.
    pub quiet: BTreeSet<String>,
    /// No round follows in which a bill would be read.
    pub last: bool,
    /// A gateway that is away, from when until when.
    pub outage: Option<Outage>,
}

impl Run {
    pub(super) fn new(template: &Template, seed: u64, options: Options) -> Result<Run, SimulationError> {
        let mut dice = StdRng::seed_from_u64(seed);
        let rates = Rates::draw(&mut dice);
        let world = World::copy(template, seed, rates.ahead)?;
        let now = world.clock.now();
        Ok(Run {
            seed,
            dice,
            gate: Gate::new(seed.rotate_left(17)),
            truth: Truth::default(),
            trace: Trace::new(options.story.as_deref())?,
            rates,
            phase: Phase::Faulty(now),
            lives: vec![],
            mail: vec![],
            old: vec![],
            due: Due::all(now),
            acts: 0,
            counts: Counts::default(),
            ended: [vec![], vec![]],
            checked_at: 0,
            read_to: None,
            options,
            knock: true,
            astray: None,
            kept: None,
            backed_up_in: 0,
            held: false,
            unasked: BTreeSet::new(),
            restored: false,
            strangers: vec![],
            whole: true,
            rounds: 0,
            ghosts: vec![],
            planted: vec![],
            strange: vec![],
            misbilled: BTreeMap::new(),
            quiet: BTreeSet::new(),
            last: false,
            outage: None,
            world,
        })
    }

    /// Lives round after round until there were enough, or something does not hold.
    pub(super) fn live_through(mut self) -> Result<Report, SimulationError> {
        let far = runtime()?.block_on(self.world.far_sides(self.seed))?;
        let (mut done, mut found) = (0, None);
        while done < self.options.lives && found.is_none() {
            let round = ROUND.min(self.options.lives - done);
            found = self.round(&far, done, round)?;
            if found.is_none() {
                done += round;
            }
        }
        if found.is_none() {
            found = runtime()?.block_on(self.last_look(&far))?;
        }
        if let Some(broken) = &mut found {
            let who = broken.what.split_whitespace().nth(1).map(|number| format!("life {number} "));
            let about =
                if broken.what.starts_with("life ") { who.unwrap_or_default() } else { String::new() };
            broken.steps = self.trace.last(&about, 60);
        }
        Ok(Report {
            seed: self.seed,
            lives: done,
            steps: self.trace.steps,
            deaths: self.counts.deaths,
            stops: self.counts.stops,
            faults: self.counts.faults,
            repairs: self.counts.repairs,
            captured: self.counts.captured,
            refunds: self.counts.refunds,
            disputes: self.counts.disputes,
            delays: self.counts.delays,
            restores: self.counts.restores,
            planted: u64::try_from(self.planted.len()).unwrap_or(0),
            trace: self.trace.hash(),
            took: std::time::Duration::ZERO,
            broken: found,
        })
    }

    fn round(&mut self, far: &Sandbox, from: u64, count: u64) -> Result<Option<Broken>, SimulationError> {
        self.next_morning();
        let now = self.world.clock.now();
        self.due = Due::all(now);
        self.mail.clear();
        self.lives = vec![];
        self.unasked.clear();
        self.rounds += 1;
        self.last = from + count >= self.options.lives;
        let mut last = now;
        let begins: Vec<DateTime<Utc>> = (0..count)
            .map(|_| {
                last += TimeDelta::seconds(self.dice.random_range(0..12));
                last
            })
            .collect();
        self.phase = Phase::Faulty(last + FAULTY);
        self.process_after_process(far, (from, begins))
    }

    /// Whether there is one.
    fn next_phase(&mut self) -> bool {
        let now = self.world.clock.now();
        self.phase = match self.phase {
            Phase::Faulty(_) => Phase::Calm(now + BUDGET),
            Phase::Calm(_) => {
                self.world.pass(LAPSE);
                let now = now + LAPSE;
                self.due = Due::all(now);
                Phase::Lapsed(now + AFTER_LAPSE)
            }
            Phase::Lapsed(_) => return false,
        };
        self.knock = true;
        true
    }

    /// Faults at the writer rest: what is read and noted now is ours, not the process's.
    pub(super) fn rest(&self) {
        self.gate.writer_dies(0);
        self.world.commits_lost(0);
    }

    /// Everything once more, from the first block on, and the far side's own word for its balances.
    async fn last_look(&mut self, far: &Sandbox) -> Result<Option<Broken>, SimulationError> {
        self.rest();
        let (store, woken) = self.world.boot(far, &self.gate, 1).await?;
        let found = match books::verified(&store, true).await? {
            None => books::told(&store, &woken[0], far, &self.world.clock).await?,
            found => found,
        };
        store.close().await;
        Ok(found)
    }

    /// One in the morning of the next day in Singapore: a wallet is swept at midnight, and what it held by day pays that
    /// day's refunds.
    fn next_morning(&mut self) {
        let now = self.world.clock.now();
        let day = TimeDelta::days(1).num_seconds();
        let one_oclock = TimeDelta::hours(17).num_seconds();
        let passed = (now.timestamp() - one_oclock).rem_euclid(day);
        self.world.pass(TimeDelta::seconds(day - passed));
    }

    /// Lets go wrong at the writer what the phase has.
    pub(super) fn stir(&self) {
        let faulty = matches!(self.phase, Phase::Faulty(_));
        let (deaths, commits) = if faulty { (self.rates.death * 100, self.rates.commit) } else { (0, 0) };
        self.gate.writer_dies(deaths);
        self.world.commits_lost(commits);
    }

    pub(super) fn sabotaged(&self, by: Sabotage) -> bool {
        self.options.sabotage == Some(by)
    }
}
