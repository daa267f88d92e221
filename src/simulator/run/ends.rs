//! The end of a phase: every life is held against the truth; after the last phase it is over, and counted.

use crate::app::Woken;
use crate::ids::MerchantId;
use crate::sandbox::Sandbox;
use crate::simulator::{Broken, SimulationError, books, broken, check};
use crate::store::Store;

use super::{End, Phase, Run};

impl Run {
    /// What must hold at the end of a phase.
    pub(super) async fn phase_ends(
        &mut self,
        store: &Store,
        woken: &Woken,
        far: &Sandbox,
    ) -> Result<End, SimulationError> {
        let merchant = woken.seeded.default.merchant;
        for place in 0..self.lives.len() {
            self.look_at_complaint(place, woken, far).await?;
            let seen = check::look(store, merchant, &self.truth, &mut self.lives[place]).await?;
            if let Some(broken) = seen {
                return Ok(End::Broken(broken));
            }
            let open = self.still_open(store, merchant, place).await?;
            if let Some(open) = open {
                return Ok(End::Broken(open));
            }
        }
        if !matches!(self.phase, Phase::Lapsed(_)) {
            return Ok(End::Over);
        }
        if let Some(kept) = self.kept.take() {
            kept.forget()?;
        }
        for ghost in std::mem::take(&mut self.ghosts) {
            let open = check::unsettled(store, merchant, &self.truth, &ghost).await?;
            // The bill came before the answer: told, and settled by the answer.
            if let Some(open) = open.filter(|open| open != "a finding waits: bill_status") {
                let what = format!("no bill brought it: {open}");
                return Ok(End::Broken(broken("I5", &ghost, &what)));
            }
            self.ended[0].push(ghost.name);
        }
        let told = self.strange.extract_if(.., |(round, _)| *round < self.rounds);
        self.ended[0].extend(told.map(|(_, reference)| reference));
        for place in 0..self.lives.len() {
            let life = &self.lives[place];
            let (name, at) = (life.name.clone(), usize::from(life.gateway == "grabpay"));
            let deal = self.truth.of(&name);
            self.counts.captured += u64::try_from(deal.takings.len()).unwrap_or(0);
            self.counts.refunds += u64::try_from(deal.given_back.len()).unwrap_or(0);
            let ghost = self.is_ghost(place);
            if !ghost {
                self.ended[at].push(name);
            }
            let state = self.lives[place].seen.state.unwrap_or("none");
            self.trace.note(format!("life {} over {state}", self.lives[place].number));
        }
        for life in std::mem::take(&mut self.lives) {
            self.plant(&life);
            if life.mute && !self.truth.of(&life.name).takings.is_empty() {
                self.quiet.insert(life.name.clone());
                self.ghosts.push(life);
            }
        }
        let opened = self.opened(store, merchant).await?;
        if let Some(found) = self.differences(&opened) {
            return Ok(End::Broken(found));
        }
        let strangers = std::mem::take(&mut self.strangers);
        let found = match books::strangers(&opened, &strangers) {
            None => books::verified(store, false).await?,
            found => found,
        };
        let found = match found {
            None => books::at_gateways(store, merchant, &self.truth, &self.ended).await?,
            found => found,
        };
        let head = store.chain_head().await?;
        self.trace.note(format!("head {head}"));
        Ok(found.map_or(End::Over, End::Broken))
    }

    /// Whether a life should be settled by now and is not.
    async fn still_open(
        &self,
        store: &Store,
        merchant: MerchantId,
        place: usize,
    ) -> Result<Option<Broken>, SimulationError> {
        let life = &self.lives[place];
        if self.is_ghost(place) {
            return Ok(None);
        }
        let deal = self.truth.of(&life.name);
        let due = match self.phase {
            Phase::Faulty(_) => false,
            Phase::Calm(_) => !deal.takings.is_empty() && !deal.waits(),
            Phase::Lapsed(_) => true,
        };
        if !due {
            return Ok(None);
        }
        let open = check::unsettled(store, merchant, &self.truth, life).await?;
        Ok(open.map(|open| broken("I5", life, &format!("not settled in time: {open}"))))
    }

    /// Its money was taken, and only a bill will tell.
    fn is_ghost(&self, place: usize) -> bool {
        let life = &self.lives[place];
        life.mute && !self.truth.of(&life.name).takings.is_empty()
    }
}
