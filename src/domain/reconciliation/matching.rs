//! Matching a bill against the books, line by line.
//!
//! First exactly: the gateway's own reference and the class of movement. What is left on both sides then by content: the
//! reference we sent (never for a capture that the bill would have named as we know it), or the payment whose capture is
//! named; else class, currency and amount within the cut-off, where both sides have exactly one such and the books know
//! no name that the bill would have said. A million facts lie sorted beside each other; of the bill only what matched
//! nothing is kept. Nothing here decides or books: whoever reads the bill acts on [`Outcome`] once the whole of it was
//! read without an error.

mod content;
mod converted;

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::bill::{BillLine, LineHash, LineStatus};
use super::difference::Difference;
use super::drift::FeeLessons;
use super::fact::{Class, Fact, Key, Standing};
use crate::domain::merchants::SettlementMode;

/// Days are cut in another zone and minute on each side: for so long a difference may be none.
pub const CUT_OFF: TimeDelta = TimeDelta::days(3);
/// Each of a bill's differences is kept until its end: more of them is not a bill of these books.
const DIFFERENCES_LIMIT: usize = 100_000;

/// The bill has too little to do with the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "more than {DIFFERENCES_LIMIT} lines or bookings differ or match nothing: this is not the bill of these books"
)]
pub struct TooDifferent;

/// A bill being matched.
#[derive(Debug)]
pub struct Matching {
    /// By key and class.
    facts: Vec<Fact>,
    seen: Vec<bool>,
    strangers: Vec<BillLine>,
    /// Lines that are not final under names the books do not have: ours only by our own reference.
    undecided: Vec<BillLine>,
    strange: HashSet<(Key, Class, LineHash)>,
    /// A quarter of the hash of the line that matched a fact, by the fact's place; only consulted for a second naming.
    first: Vec<u64>,
    /// Payments by their captures, where those are no facts at hand.
    captures: HashMap<Key, Key>,
    /// Refunds and reversals among the lines, by the gateway's names of them.
    went_back: HashSet<Key>,
    /// Lines whose fee stands beside their movement: one that agrees is counted once.
    beside: HashSet<LineHash>,
    /// Whether a capture may have another name in the bill than in the gateway's answers.
    renames: bool,
    /// How the account is settled: it says which fees are no movements of their own.
    mode: SettlementMode,
    /// References of which it is asked whether they agree by now, and those that do.
    watched: HashSet<Key>,
    agreed: HashSet<Key>,
    differences: Vec<Difference>,
    fees: FeeLessons,
    lines: u64,
    matched: u64,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// Lines read.
    pub lines: u64,
    /// Lines that agree with a fact in every respect.
    pub matched: u64,
    /// What does not agree.
    pub differences: Vec<Difference>,
    /// Facts that no line named and that are too young to be missed.
    pub pooled: Vec<Fact>,
    /// Facts that a line named although they happened before or behind the bill's days, waited, or were
    /// optional.
    pub elsewhere: Vec<Fact>,
    /// Those of the watched references that agree with a fact in every respect, and that no other line differs by.
    pub agreed: HashSet<Key>,
    /// What the gateway charged for payments, beside the contract.
    pub fees: FeeLessons,
}

impl Matching {
    /// Over everything the books have that the bill may name, in any order; `zone` is that of the bill's days.
    pub fn new(mut facts: Vec<Fact>, zone: Tz) -> Matching {
        facts.sort_unstable_by_key(|fact| (fact.key, fact.class, fact.number));
        let seen = vec![false; facts.len()];
        Matching {
            facts,
            strangers: vec![],
            undecided: vec![],
            strange: HashSet::new(),
            first: vec![0; seen.len()],
            seen,
            captures: HashMap::new(),
            went_back: HashSet::new(),
            beside: HashSet::new(),
            renames: false,
            mode: SettlementMode::NetAtCapture,
            watched: HashSet::new(),
            agreed: HashSet::new(),
            differences: vec![],
            fees: FeeLessons::of(zone),
            lines: 0,
            matched: 0,
        }
    }

    /// Of a gateway whose bills may name a capture otherwise than its answers do: our reference tells it, and a payment is
    /// captured once under it. Of every other a capture of another name is another capture, whose reference it may have.
    #[must_use]
    pub fn renaming_captures(self, renames: bool) -> Matching {
        Matching { renames, ..self }
    }

    /// Of an account that is settled so; at capture, if nothing is said.
    #[must_use]
    pub fn settled_by(self, mode: SettlementMode) -> Matching {
        Matching { mode, ..self }
    }

    /// It says in the end which of these references agree.
    #[must_use]
    pub fn watching(self, watched: HashSet<Key>) -> Matching {
        Matching { watched, ..self }
    }

    /// Takes the next line. A fee that the books do not have with it is a movement of its own ([`BillLine::apart`]); what moved
    /// nothing agrees, unless the books have something of its name.
    ///
    /// # Errors
    /// [`TooDifferent`].
    pub fn line(&mut self, line: BillLine) -> Result<(), TooDifferent> {
        self.lines += 1;
        let Some(class) = line.kind.class() else { return Ok(()) };
        let is_known = !self.places(key_of(&line, class), class).is_empty();
        if !is_known && is_final(&line) && self.was_put_aside(&line) {
            return Ok(());
        }
        let whole = is_known && line.gross.is_zero() && class != Class::Fee;
        let mode = self.fees_of(&line, class);
        let (movement, fee) = if whole { (line, None) } else { line.apart(mode) };
        let moved = is_known || !movement.gross.is_zero() || !movement.net().is_zero();
        if moved {
            self.movement(movement, class)?;
        }
        let Some(fee) = fee else { return Ok(()) };
        if moved {
            self.beside.insert(fee.hash);
        }
        self.movement(fee, Class::Fee)
    }

    /// By which mode a line's fee stands apart: a payout's also where it was booked so before.
    fn fees_of(&self, line: &BillLine, class: Class) -> SettlementMode {
        let charged = line.net().minor().saturating_sub(line.gross.minor());
        let key = key_of(line, class);
        let mut booked = self.places(key, Class::Fee).map(|place| self.facts[place].gross.minor());
        match class {
            Class::Settlement if booked.any(|booked| booked == charged) => SettlementMode::NetAtCapture,
            _ => self.mode,
        }
    }

    fn movement(&mut self, line: BillLine, class: Class) -> Result<(), TooDifferent> {
        let key = key_of(&line, class);
        if matches!(class, Class::Refund | Class::Reversal) {
            self.went_back.insert(key);
        }
        let mut places = self.places(key, class);
        let of_currency = |place: &usize| {
            class != Class::Conversion || self.facts[*place].gross.currency() == line.gross.currency()
        };
        let free = places.clone().filter(of_currency).find(|place| !self.seen[*place]);
        if let Some(place) = free {
            self.seen[place] = true;
            self.first[place] = quarter(line.hash);
            return self.hold_against(place, line);
        }
        if let Some(place) = places.find(of_currency) {
            let same_bytes = self.first[place] == quarter(line.hash);
            return self.differ(Difference::Duplicate { line, same_bytes });
        }
        // What was refused or is not final, and is not booked, agrees; under another name it may be booked all the same.
        if !is_final(&line) {
            let renamed = class == Class::Refund || (class == Class::Payment && self.renames);
            if renamed && line.our_ref.is_some() && self.undecided.len() < DIFFERENCES_LIMIT {
                self.undecided.push(line);
            }
            return Ok(());
        }
        if self.was_put_aside(&line) {
            return Ok(());
        }
        if !self.strange.insert((key, class, line.hash)) {
            return self.differ(Difference::Duplicate { line, same_bytes: true });
        }
        self.room()?;
        self.strangers.push(line);
        Ok(())
    }

    /// Whether an earlier reading put as much aside under its name; no other line is taken for that any more.
    fn was_put_aside(&mut self, line: &BillLine) -> bool {
        // Earlier programs put aside the net of whatever it was.
        let amounts = [line.unexplained(self.mode), line.net()];
        let free = |place: &usize| !self.seen[*place] && amounts.contains(&self.facts[*place].gross);
        let found = self.places(Key::of(&line.gateway_ref), Class::Aside).find(free);
        if let Some(place) = found {
            self.seen[place] = true;
            self.matched += 1;
        }
        found.is_some()
    }

    fn differ(&mut self, difference: Difference) -> Result<(), TooDifferent> {
        self.room()?;
        self.differences.push(difference);
        Ok(())
    }

    /// Whether one more difference can be kept.
    fn room(&self) -> Result<(), TooDifferent> {
        let kept = self.differences.len() + self.strangers.len();
        if kept < DIFFERENCES_LIMIT { Ok(()) } else { Err(TooDifferent) }
    }

    /// Captures that unmatched lines are about and that are no facts at hand, each once: whose they are tells equal
    /// movements of two payments apart.
    pub fn unknown_captures(&self) -> Vec<String> {
        let about = self.strangers.iter().filter(|line| line.kind.class().is_some_and(is_about_a_capture));
        let named = about.filter_map(|line| line.related_ref.as_deref());
        let unknown = named.filter(|capture| self.payment_of(Key::of(capture)).is_none());
        unknown.map(str::to_owned).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// A capture is this payment's, by our reference.
    pub fn know_capture(&mut self, capture: &str, ours: &str) {
        self.captures.insert(Key::of(capture), Key::of(ours));
    }

    fn payment_of(&self, capture: Key) -> Option<Key> {
        let mut at_hand = self.places(capture, Class::Payment).map(|place| self.facts[place].ours);
        at_hand.rfind(|ours| *ours != Key::NONE).or_else(|| self.captures.get(&capture).copied())
    }

    /// The payment that a movement is about by the capture it names.
    fn about(&self, line: &BillLine, class: Class) -> Option<Key> {
        let capture = line.related_ref.as_deref().filter(|_| is_about_a_capture(class))?;
        self.payment_of(Key::of(capture))
    }

    /// After the last line; the bill's days are from `first` until before `until`. What happened from `from` on may still
    /// stand in a later bill: the caller pools it.
    ///
    /// # Errors
    /// [`TooDifferent`].
    pub fn finish(
        mut self,
        (first, until): (DateTime<Utc>, DateTime<Utc>),
        from: DateTime<Utc>,
    ) -> Result<Outcome, TooDifferent> {
        self.match_by_content()?;
        let (mut pooled, mut elsewhere) = (vec![], vec![]);
        for (fact, seen) in std::mem::take(&mut self.facts).into_iter().zip(std::mem::take(&mut self.seen)) {
            match seen {
                true if fact.standing != Standing::Fresh || fact.at < first || fact.at >= until => {
                    elsewhere.push(fact)
                }
                true => {}
                // Another bill's: one that was read, was never read, or is to come.
                false if fact.standing == Standing::Optional || fact.at >= until => {}
                false if fact.at >= from => pooled.push(fact),
                false => self.differ(Difference::MissingThere(fact))?,
            }
        }
        for key in self.differences.iter().filter_map(by_which_it_differs) {
            self.agreed.remove(&key);
        }
        Ok(Outcome {
            lines: self.lines,
            matched: self.matched,
            differences: self.differences,
            pooled,
            elsewhere,
            agreed: self.agreed,
            fees: self.fees,
        })
    }

    fn places(&self, key: Key, class: Class) -> std::ops::Range<usize> {
        let from = self.facts.partition_point(|fact| (fact.key, fact.class) < (key, class));
        let more = self.facts[from..].iter().take_while(|fact| (fact.key, fact.class) == (key, class));
        from..from + more.count()
    }

    /// Field by field; the first that differs is told, the fee beside it.
    fn hold_against(&mut self, place: usize, line: BillLine) -> Result<(), TooDifferent> {
        let fact = self.facts[place];
        let charged = line.fee.minor().saturating_add(line.tax.minor());
        let differs = if fact.gross.currency() != line.gross.currency() {
            Some(Difference::Currency(fact, line.clone()))
        } else if matches!(line.status, LineStatus::Denied | LineStatus::Pending) {
            Some(Difference::Status(fact, line.clone()))
        } else if fact.gross != line.gross {
            Some(Difference::Amount(fact, line.clone()))
        } else if fact.fee.is_some_and(|booked| booked != charged) {
            Some(Difference::Fee(fact, line.clone()))
        } else {
            None
        };
        // What is not final charged nothing yet; what was undone was charged for.
        if let Some(expected) = fact.expected.filter(|_| is_final(&line) && fact.gross == line.gross) {
            self.fees.learn(&line, expected);
        }
        match differs {
            Some(difference) => self.differ(difference),
            None => {
                let counts = fact.class != Class::Fee || !self.beside.contains(&line.hash);
                self.matched += u64::from(counts);
                // A fee beside its movement has the same name.
                if fact.class != Class::Fee && !self.watched.is_empty() {
                    self.agreed.extend(self.watched.get(&Key::of(&line.gateway_ref)));
                }
                if line.at - fact.at > CUT_OFF { self.differ(Difference::Late(fact, line)) } else { Ok(()) }
            }
        }
    }
}

/// Under which name the books would have a line: both sides of a conversion hang on what was converted.
fn key_of(line: &BillLine, class: Class) -> Key {
    let named = if class == Class::Conversion { line.related_ref.as_deref() } else { None };
    Key::of(named.unwrap_or(&line.gateway_ref))
}

/// What is not final may never move money, and what was undone did.
fn is_final(line: &BillLine) -> bool {
    matches!(line.status, LineStatus::Settled | LineStatus::Undone)
}

/// Whether a movement of this class says which capture it is about.
fn is_about_a_capture(class: Class) -> bool {
    matches!(class, Class::Reversal | Class::Fee | Class::Hold)
}

/// The reference of a line that does not agree, and not merely comes late or under another name.
fn by_which_it_differs(difference: &Difference) -> Option<Key> {
    let agrees = matches!(difference, Difference::Late(..) | Difference::OtherReference(..));
    difference.line().filter(|_| !agrees).map(|line| Key::of(&line.gateway_ref))
}

fn quarter(hash: LineHash) -> u64 {
    hash.0.first_chunk().map_or(0, |quarter| u64::from_be_bytes(*quarter))
}

#[cfg(test)]
mod tests;
