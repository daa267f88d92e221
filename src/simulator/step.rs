//! One step: who is on next, and what befalls them.

use chrono::TimeDelta;
use rand::Rng;

use crate::app::Woken;
use crate::crash::Verdict;
use crate::sandbox::Sandbox;
use crate::store::Store;

use super::acts::{Act, Kind};
use super::books;
use super::check;
use super::faults::strikes;
use super::gate::{Ended, Parked, Stop};
use super::run::{End, Phase, Run};
use super::way;
use super::{Broken, SimulationError};

/// Actions under way at once.
const ABREAST: usize = 6;
/// How often a process is asked to stop, in ten thousandths, once there is a backup to go back to.
const STOP_WITH_BACKUP: u32 = 60;
/// When whoever was refused asks again.
const COME_AGAIN: TimeDelta = TimeDelta::seconds(20);
/// Everything is looked at after so many steps.
const WHOLE_LOOK: u64 = 1_000;

impl Run {
    pub(super) fn faulty(&self) -> bool {
        matches!(self.phase, Phase::Faulty(_))
    }

    /// Step after step until the phase is over or the process dies.
    pub(super) async fn steps(
        &mut self,
        store: &Store,
        programs: &[Woken],
        far: &Sandbox,
    ) -> Result<End, SimulationError> {
        let mut acts: Vec<Act> = vec![];
        let mut stopping = false;
        self.stir();
        loop {
            let now = self.world.clock.now();
            let (Phase::Faulty(until) | Phase::Calm(until) | Phase::Lapsed(until)) = self.phase;
            if acts.is_empty() && now >= until {
                return Ok(End::Over);
            }
            if acts.is_empty() && stopping {
                return Ok(End::Stopped);
            }
            // After a restore every payment there ever was is asked about: the more there are, the less often.
            let backs_up = self.dice.random_range(0..10_000 * self.rounds) < u64::from(self.rates.backup);
            if backs_up && self.faulty() && !self.last && self.backed_up_in < self.rounds {
                self.backed_up(store).await?;
            }
            let stop = if self.kept.is_some() { STOP_WITH_BACKUP } else { self.rates.stop };
            if !stopping && self.faulty() && self.dice.random_range(0..10_000) < stop {
                self.trace.note("the process is asked to stop".to_owned());
                stopping = true;
            }
            if std::mem::take(&mut self.knock) {
                self.mail.extend(far.letters().await?);
            }
            let fresh = acts.len() < ABREAST && now < until && self.dice.random_bool(0.4);
            let program = self.any(programs);
            if (fresh || acts.is_empty())
                && !stopping
                && let Some(act) = self.begin(store, program, far).await?
            {
                acts.push(act);
                continue;
            }
            let ready: Vec<usize> = (0..acts.len()).filter(|&place| !acts[place].is_stalled(now)).collect();
            let stalled = ready.len() < acts.len();
            if ready.is_empty() || strikes(&mut self.dice, if stalled { 150 } else { 30 }) {
                let most = if ready.is_empty() { 15_000 } else { 4_000 };
                let passes = self.dice.random_range(1..most);
                self.world.pass(TimeDelta::milliseconds(passes));
                self.knock = true;
                self.trace.note(format!("passes {passes}"));
                continue;
            }
            let place = ready[self.dice.random_range(0..ready.len())];
            if self.faulty() && self.dice.random_range(0..10_000) < self.rates.stall {
                let stalls = self.dice.random_range(20..240);
                self.trace.note(format!("{} stalls for {stalls} s", acts[place].kind.word()));
                acts[place].stalls = Some(now + TimeDelta::seconds(stalls));
                self.counts.faults += 1;
                continue;
            }
            let before = self.gate.commits();
            let down = self.faulty() && self.dice.random_range(0..10_000) < self.rates.down;
            if down {
                self.trace.note("the database is down".to_owned());
                self.world.database_down();
            }
            let end = self.step(&mut acts, place, far).await?;
            if down {
                self.stir();
            }
            if let Some(end) = end {
                return Ok(end);
            }
            let wrote = self.gate.commits() > before;
            let about = acts.get(place).and_then(|act| act.kind.life().or(act.about));
            if let Some(found) = self.after(store, &programs[0], wrote, about).await? {
                return Ok(End::Broken(found));
            }
            acts.retain(|act| !act.stopped);
        }
    }

    /// One of the programs: whatever somebody wants next comes to it.
    fn any<'a>(&mut self, programs: &'a [Woken]) -> &'a Woken {
        match programs {
            [only] => only,
            _ => &programs[self.dice.random_range(0..programs.len())],
        }
    }

    /// What must hold after a step.
    async fn after(
        &mut self,
        store: &Store,
        woken: &Woken,
        wrote: bool,
        about: Option<usize>,
    ) -> Result<Option<Broken>, SimulationError> {
        if let Some((invariant, what)) = self.astray.take() {
            return Ok(Some(Broken { invariant, what, steps: vec![] }));
        }
        if !wrote || self.lives.is_empty() {
            return Ok(None);
        }
        let merchant = woken.seeded.default.merchant;
        let some = usize::try_from(self.trace.steps).unwrap_or(0) % self.lives.len();
        let life = &mut self.lives[about.unwrap_or(some)];
        let before = life.seen.state;
        let found = check::look(store, merchant, &self.truth, life).await?;
        if life.seen.state != before {
            let line = format!("life {} is {}", life.number, life.seen.state.unwrap_or("none"));
            self.trace.note(line);
        }
        if found.is_some() || self.trace.steps < self.checked_at + WHOLE_LOOK {
            return Ok(found);
        }
        self.checked_at = self.trace.steps;
        self.rest();
        let found = books::verified(store, false).await?;
        self.stir();
        Ok(found)
    }

    /// Lets one action on.
    async fn step(
        &mut self,
        acts: &mut [Act],
        place: usize,
        far: &Sandbox,
    ) -> Result<Option<End>, SimulationError> {
        let act = &mut acts[place];
        let life = act.kind.life().and_then(|life| self.lives.get(life)).map(|life| life.number);
        let name = match life {
            Some(number) => format!("life {number} {}", act.kind.word()),
            None => act.kind.word().to_owned(),
        };
        let parked = self.gate.take(act.who);
        if let Some(parked) = &parked
            && self.faulty()
            && self.dice.random_range(0..10_000) < self.rates.death
        {
            let at = match parked {
                Parked::Point(point, _) => point.as_str(),
                Parked::Sent(..) => "request in hand",
                Parked::Answered(..) => "answer on its way",
                Parked::Resumed(_) => "behind a lock",
            };
            self.trace.step(format!("{name} the process dies at {at}"));
            return Ok(Some(End::Died));
        }
        let on = match parked {
            None => "on".to_owned(),
            Some(Parked::Point(point, go)) => {
                let _ = go.send(Verdict::GoOn);
                point.as_str().to_owned()
            }
            Some(Parked::Resumed(go)) => {
                let _ = go.send(());
                "lock".to_owned()
            }
            Some(Parked::Answered(answer, go)) => {
                let _ = go.send(answer);
                "answered".to_owned()
            }
            Some(Parked::Sent(request, go)) => {
                let direct = way::direct(&request);
                let bills = matches!(act.kind, Kind::Bills);
                let (words, answer) = self.carried(direct.clone(), far, bills).await;
                act.about = self.life_in(&direct).or(act.about);
                self.gate.put(act.who, Parked::Answered(answer, go));
                self.trace.step(format!("{name} sends {words}"));
                return Ok(None);
            }
        };
        let stop = self.gate.run(act.who, &mut act.work).await;
        match stop {
            Stop::Parked => self.trace.step(format!("{name} {on}")),
            Stop::Blocked => self.trace.step(format!("{name} {on}, waits")),
            Stop::Dead(point) => {
                self.trace.step(format!("{name} {on}, the process dies at {}", point.as_str()));
                return Ok(Some(End::Died));
            }
            Stop::Ended(ended) => {
                self.trace.step(format!("{name} {on}, ended: {}", ended.words));
                act.stopped = true;
                if ended.accepted {
                    self.strangers.extend(act.names.take());
                }
                let kind = std::mem::replace(&mut act.kind, Kind::Drain);
                let about = kind.life();
                let found = self.ended(kind, &ended, far).await?;
                // Whose rows it touched is still to be looked at.
                if let Some(life) = about {
                    act.kind = Kind::Sync(life);
                }
                return Ok(found.map(End::Broken));
            }
        }
        Ok(None)
    }

    /// An action is over.
    async fn ended(
        &mut self,
        kind: Kind,
        ended: &Ended,
        far: &Sandbox,
    ) -> Result<Option<Broken>, SimulationError> {
        if let (Some(life), false) = (kind.life(), matches!(kind, Kind::Hear { .. })) {
            self.lives[life].busy = self.lives[life].busy.saturating_sub(1);
        }
        if let (Kind::Start(life), false, true) = (&kind, ended.accepted, self.restored) {
            // Nothing is sent yet: the merchant was told to come again.
            self.lives[*life].begins_at = self.world.clock.now() + COME_AGAIN;
        }
        if let Kind::CatchUp = kind {
            self.due.catch_up = self.world.clock.now() + TimeDelta::seconds(30);
        }
        if let Kind::Sync(life) = kind {
            self.lives[life].delays.unseen &= !ended.accepted || self.faulty();
        }
        if let Kind::Resolve(_) = kind {
            self.counts.repairs += u64::from(ended.words.contains("resolved"));
        }
        // A question that another had put before is shared, and was not answered: from now on each is.
        if matches!((&kind, self.phase), (Kind::Bills, Phase::Lapsed(_))) && ended.words.contains("done") {
            self.ghosts.iter_mut().for_each(|ghost| ghost.mute = false);
        }
        let Kind::Hear { letter, forged, life } = kind else { return Ok(None) };
        if forged && ended.accepted {
            let what = format!("life {}: a forged notice was accepted", life.unwrap_or_default());
            return Ok(Some(Broken { invariant: "A5", what, steps: vec![] }));
        }
        if let Some(letter) = letter {
            far.mark(*letter, ended.accepted).await?;
        }
        Ok(None)
    }
}
