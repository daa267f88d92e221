//! Process after process: each starts over what the one before left, and goes through phases until it ends or dies.

use chrono::{DateTime, Utc};
use rand::Rng;

use crate::sandbox::Sandbox;
use crate::simulator::harm::Harm;
use crate::simulator::life::Life;
use crate::simulator::world::runtime;
use crate::simulator::{Broken, SimulationError, check};

use super::{End, Run};

/// How often a start that follows a clean end is tried over a damaged file first.
const HARM: (u32, u32) = (1, 5);

impl Run {
    /// Process after process until the round is over.
    pub(super) fn process_after_process(
        &mut self,
        far: &Sandbox,
        newborn: (u64, Vec<DateTime<Utc>>),
    ) -> Result<Option<Broken>, SimulationError> {
        let mut newborn = Some(newborn);
        loop {
            let runtime = runtime()?;
            self.gate.begin();
            let installed = crate::crash::install(std::sync::Arc::new(self.gate.clone()));
            let end = runtime.block_on(self.process(far, newborn.take()));
            drop(installed);
            // Everything that ran in the process goes with it.
            drop(runtime);
            let end = end?;
            self.whole = matches!(end, End::Over | End::Stopped);
            match end {
                End::Over => return Ok(None),
                End::Broken(broken) => return Ok(Some(broken)),
                End::Died => self.counts.deaths += 1,
                End::Stopped => {
                    self.counts.stops += 1;
                    self.put_back()?;
                }
            }
        }
    }

    async fn process(
        &mut self,
        far: &Sandbox,
        newborn: Option<(u64, Vec<DateTime<Utc>>)>,
    ) -> Result<End, SimulationError> {
        self.rest();
        if self.whole && self.dice.random_ratio(HARM.0, HARM.1) {
            let harm = Harm::draw(&mut self.dice);
            self.trace.note(format!("a start over {harm:?}"));
            self.counts.faults += 1;
            if let Some(what) = self.world.start_over(harm, far, &self.gate).await? {
                return Ok(End::Broken(Broken { invariant: "C38", what, steps: vec![] }));
            }
        }
        self.whole = false;
        let (store, programs) = self.world.boot(far, &self.gate, self.rates.programs).await?;
        let woken = &programs[0];
        if let Some((from, begins)) = newborn {
            for (number, at) in (from..).zip(begins) {
                let mut life = Life::draw(number, &mut self.dice, self.world.ids(), &woken.seeded, at);
                life.mute &= !self.last;
                self.trace.note(format!(
                    "life {number} {} {} {} {:?}",
                    life.id, life.gateway, life.amount, life.shopper
                ));
                self.lives.push(life);
            }
            if !self.last {
                self.stranger(woken, far).await?;
            }
            self.weather(woken, far).await?;
        }
        self.trace.note(format!("boot {}", self.world.clock.now().timestamp_micros()));
        let merchant = woken.seeded.default.merchant;
        for place in 0..self.lives.len() {
            self.lives[place].busy = 0;
            let seen = check::look(&store, merchant, &self.truth, &mut self.lives[place]).await?;
            if let Some(broken) = seen {
                return Ok(End::Broken(broken));
            }
        }
        self.begins_to_ask();
        self.due.catch_up = self.world.clock.now();
        loop {
            let end = self.steps(&store, &programs, far).await?;
            if !matches!(end, End::Over) {
                if let End::Stopped = end {
                    store.close().await;
                }
                return Ok(end);
            }
            self.rest();
            let end = self.phase_ends(&store, woken, far).await?;
            if !matches!(end, End::Over) || !self.next_phase() {
                store.close().await;
                return Ok(end);
            }
        }
    }
}
