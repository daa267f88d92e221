//! A backup is taken while lives go on; then the process ends and its folder is put back to it. The far sides keep what
//! they know: what was done since has to be found, and nothing may be sent before every open call was asked about.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::domain::findings::FindingKind;
use crate::sandbox::Direct;
use crate::store::backup::Checked;
use crate::store::restored::{Phase, Restored};
use crate::store::{Change, Store, Versioned};

use super::life::{Billed, Life, Seen};
use super::run::Run;
use super::truth::{Deal, GivenBack};
use super::world::{World, runtime};
use super::{Sabotage, SimulationError};

/// Under which key the backup's secrets are sealed, for what it matters here.
const KEY: &str = "simulated";

/// A backup of this round, and what was so when it was taken.
#[derive(Debug)]
pub(super) struct Kept {
    file: PathBuf,
    /// Of each payment that has a row in it.
    known: BTreeMap<String, Known>,
}

/// What is known of one payment's refunds.
#[derive(Debug)]
struct Known {
    /// Those at the gateways, by then.
    there: BTreeSet<String>,
    /// Ours, sent or not: what comes of them is asked for by their names.
    ours: BTreeSet<String>,
    /// Whether nothing more was to come of it.
    ended: bool,
}

impl Known {
    /// Refunds at the gateway of which nothing here knows any more.
    fn lost<'d>(&'d self, deal: &'d Deal) -> impl Iterator<Item = &'d String> {
        let all = deal.given_back.iter().chain(&deal.promised);
        let known =
            |theirs: &String, back: &GivenBack| self.there.contains(theirs) || self.ours.contains(&back.ours);
        all.filter(move |(theirs, back)| !known(theirs, back)).map(|(theirs, _)| theirs)
    }
}

impl Kept {
    /// Nobody needs it any more.
    pub(super) fn forget(self) -> std::io::Result<()> {
        std::fs::remove_file(self.file)
    }
}

fn refunds(deal: &Deal) -> BTreeSet<String> {
    deal.given_back.keys().chain(deal.promised.keys()).cloned().collect()
}

fn broken(error: impl std::fmt::Display) -> SimulationError {
    SimulationError::Broken(error.to_string())
}

fn is_open(state: &str) -> bool {
    matches!(state, "created" | "requires_action" | "pending" | "authorized" | "in_review")
}

/// A call that takes or gives money.
fn moves_money(direct: &Direct) -> bool {
    let path = direct.url.path();
    direct.method == reqwest::Method::POST
        && ["/capture", "/refund", "/charge/complete"].iter().any(|end| path.ends_with(end))
}

impl Run {
    /// Somebody takes a backup beside the running process.
    pub(super) async fn backed_up(&mut self, store: &Store) -> Result<(), SimulationError> {
        let file = self.world.path().join(format!("backup-{}", self.rounds));
        store.backup(&file, KEY, self.world.clock.now()).await.map_err(broken)?;
        let mut known = BTreeMap::new();
        for life in self.lives.iter().filter(|life| life.seen.state.is_some()) {
            let rows = store.refunds_of(life.id).await?;
            let ours = rows.iter().map(|refund| refund.value.id.to_string()).collect();
            let row = store.payment(life.id).await?;
            let ended = row.is_some_and(|row| row.value.state.is_closed());
            known.insert(life.name.clone(), Known { there: refunds(self.truth.of(&life.name)), ours, ended });
        }
        self.backed_up_in = self.rounds;
        self.kept = Some(Kept { file, known });
        self.trace.note("a backup is taken".to_owned());
        Ok(())
    }

    /// Puts the folder back to this round's backup, if there is one and the model can follow. The process is gone.
    pub(super) fn put_back(&mut self) -> Result<(), SimulationError> {
        let Some(kept) = self.kept.take() else { return Ok(()) };
        if self.lives.iter().all(|life| self.can_follow(life, &kept)) {
            self.rest();
            let forgets = self.sabotaged(Sabotage::ForgetRestore);
            runtime()?.block_on(self.world.restore(&kept, forgets))?;
            self.trace.note("the folder is put back to the backup".to_owned());
            self.counts.restores += 1;
            (self.held, self.restored) = (true, true);
            self.strangers.clear();
            for place in 0..self.lives.len() {
                self.lives[place].seen = Seen::default();
                match kept.known.get(&self.lives[place].name) {
                    Some(known) => self.refunds_unknown(place, known),
                    None => self.begins_anew(place),
                }
            }
        }
        Ok(kept.forget()?)
    }

    /// What nobody would ever tell again here: GrabPay's bills are not read, and payments whose money only a bill tells
    /// of keep the gateways from being asked to the end. What is undecided may come to anything.
    fn can_follow(&self, life: &Life, kept: &Kept) -> bool {
        let deal = self.truth.of(&life.name);
        let silent = (life.mute && !deal.takings.is_empty()) || self.ghosts.iter().any(|ghost| ghost.mute);
        let (paypal, now) = (life.gateway == "paypal", refunds(deal));
        match kept.known.get(&life.name) {
            Some(known) => {
                let lost: Vec<&String> = known.lost(deal).collect();
                let promised = lost.iter().any(|theirs| deal.promised.contains_key(*theirs));
                // Nor may money that stands aside there be sent back: only bills would tell that it was not sent already.
                let aside = life.wrong_amount && !deal.takings.is_empty() && !known.ended;
                !silent && !promised && (paypal || (lost.is_empty() && !aside))
            }
            None => {
                let plain = life.billed == Billed::Truly && !life.wrong_amount;
                let begun = life.complaint.as_ref().is_some_and(|complaint| complaint.begun);
                !silent && !begun && now.is_empty() && (deal.takings.is_empty() || !paypal || plain)
            }
        }
    }

    /// Refunds of ours that nobody here knows any more were made elsewhere, as far as anybody here can tell.
    fn refunds_unknown(&mut self, place: usize, known: &Known) {
        let life = &self.lives[place];
        let deal = self.truth.of(&life.name);
        let by_us =
            |theirs: &&String| deal.given_back.get(*theirs).is_some_and(|back| back.ours != life.name);
        let lost: Vec<String> = known.lost(deal).filter(by_us).cloned().collect();
        let seen = lost.is_empty() && deal.given_back.is_empty();
        self.lives[place].delays.unseen |= !seen;
        for theirs in lost {
            self.planted_now(FindingKind::RefundElsewhere, theirs);
        }
    }

    /// Its payment is not here any more, nor is the key it was asked for under: the merchant asks for another one. Money
    /// of the first is told by the next bill.
    fn begins_anew(&mut self, place: usize) {
        let life = &self.lives[place];
        if !life.started {
            return;
        }
        let takings: Vec<String> = self.truth.of(&life.name).takings.keys().cloned().collect();
        if life.gateway == "paypal" && !takings.is_empty() {
            self.strange.push((self.rounds, life.name.clone()));
            for taking in takings {
                self.planted_now(FindingKind::PaidUnknownHere, taking);
            }
        }
        let id = self.world.ids().mint();
        self.lives[place].anew(id);
        self.trace.note(format!("life {} is asked for anew as {id}", self.lives[place].number));
    }

    /// What stands open in the books that were put back, and so has to be asked about.
    pub(super) fn begins_to_ask(&mut self) {
        if std::mem::take(&mut self.held) {
            let open = |life: &&Life| life.seen.state.is_some_and(is_open);
            self.unasked = self.lives.iter().filter(open).map(|life| life.name.clone()).collect();
        }
    }

    /// A gateway's answer about this life came whole.
    pub(super) fn asked_about(&mut self, life: Option<usize>) {
        if let Some(life) = life {
            self.unasked.remove(&self.lives[life].name);
        }
    }

    /// Money would move before everything was asked about.
    pub(super) fn too_early(&mut self, direct: &Direct) {
        if let Some(name) = self.unasked.first().filter(|_| moves_money(direct)) {
            let what = format!("{} was sent before {name} was asked about", direct.url);
            self.astray = Some(("C43", what));
        }
    }
}

impl World {
    async fn restore(&self, kept: &Kept, forgets: bool) -> Result<(), SimulationError> {
        let file = self.path().join("straits.db");
        for left in ["", "-wal", "-shm"] {
            let mut name = file.clone().into_os_string();
            name.push(left);
            match std::fs::remove_file(&name) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        let checked = Checked::read(&kept.file).map_err(broken)?;
        checked.restore(&self.store_options(), true).await.map_err(broken)?;
        if !forgets {
            return Ok(());
        }
        let store = Store::open(&self.store_options()).await?;
        if let Some(Versioned { value, version }) = store.restored().await? {
            let mut change = Change::new();
            let done = Restored { phase: Phase::Done, ..value.clone() };
            change.set_restored(&done, &Versioned { value, version })?;
            store.commit(change).await.map_err(broken)?;
        }
        store.close().await;
        Ok(())
    }
}
