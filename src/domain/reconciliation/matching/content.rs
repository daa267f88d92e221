//! What is left on both sides once references were compared.

use std::collections::HashMap;

use super::{CUT_OFF, Matching, TooDifferent};
use crate::domain::reconciliation::bill::BillLine;
use crate::domain::reconciliation::difference::Difference;
use crate::domain::reconciliation::fact::{Class, Key, Standing};
use crate::money::{Currency, Money};

impl Matching {
    /// What is left on both sides, by our reference, else by amount and time where there is one of each.
    pub(super) fn match_by_content(&mut self) -> Result<(), TooDifferent> {
        if self.strangers.is_empty() && self.undecided.is_empty() {
            return Ok(());
        }
        let free: Vec<usize> = (0..self.facts.len()).filter(|place| !self.seen[*place]).collect();
        let mut by_ours: HashMap<(Key, Class), Vec<usize>> = HashMap::new();
        let mut by_amount: HashMap<(Class, Currency, i64), Vec<usize>> = HashMap::new();
        for place in free {
            let fact = &self.facts[place];
            // One order may be paid twice: what has another name than its capture is another capture.
            let captured = fact.key != Key::NONE && fact.class == Class::Payment && !self.renames;
            if fact.ours != Key::NONE && !captured {
                by_ours.entry((fact.ours, fact.class)).or_default().push(place);
            }
            // An amount alone says nothing where no line has to be, nor where the line would have the name we know: what
            // has another name is another payment or refund, and this one is missing.
            let named = fact.key != Key::NONE && matches!(fact.class, Class::Payment | Class::Refund);
            if fact.standing != Standing::Optional && !named {
                by_amount.entry(content(fact.class, fact.gross)).or_default().push(place);
            }
        }
        let mut alike: HashMap<(Class, Currency, i64), usize> = HashMap::new();
        for line in &self.strangers {
            let Some(class) = line.kind.class() else { continue };
            *alike.entry(content(class, line.gross)).or_default() += 1;
        }
        let mut conversions = Vec::new();
        for line in std::mem::take(&mut self.strangers) {
            let Some(class) = line.kind.class() else { continue };
            let about = self.about(&line, class);
            let names = [line.our_ref.as_deref().map(Key::of), about];
            let mut places = names.into_iter().flatten().filter_map(|ours| by_ours.get(&(ours, class)));
            let ours = places.find_map(|places| self.same_movement(places, &line));
            let only = ours.is_none()
                && line.our_ref.is_none()
                && alike.get(&content(class, line.gross)) == Some(&1);
            let by_amount = || match by_amount.get(&content(class, line.gross)).map(Vec::as_slice) {
                Some(&[place]) if only && !self.seen[place] => {
                    let fact = &self.facts[place];
                    let another = about.is_some_and(|about| fact.ours != Key::NONE && fact.ours != about);
                    (!another && (line.at - fact.at).abs() <= CUT_OFF).then_some(place)
                }
                _ => None,
            };
            match ours.or_else(by_amount) {
                Some(place) => {
                    self.seen[place] = true;
                    let fact = self.facts[place];
                    let known = self.differences.len();
                    self.hold_against(place, line.clone())?;
                    // Where only our own references are known, nothing is unlike what was expected.
                    if self.differences.len() == known && fact.key != Key::NONE {
                        self.differ(Difference::OtherReference(fact, line))?;
                    }
                }
                None if class == Class::Conversion => conversions.push(line),
                None => self.differ(match class {
                    Class::Payment => Difference::PaidThere(line),
                    Class::Refund => Difference::RefundThere(line),
                    _ => Difference::MovedThere(line),
                })?,
            }
        }
        self.pair_conversions(conversions)?;
        for line in std::mem::take(&mut self.undecided) {
            let Some(class) = line.kind.class() else { continue };
            let ours = line.our_ref.as_deref().and_then(|ours| by_ours.get(&(Key::of(ours), class)));
            if let Some(place) = ours.and_then(|places| self.same_movement(places, &line)) {
                self.seen[place] = true;
                self.hold_against(place, line)?;
            }
        }
        Ok(())
    }

    /// Of facts about one payment that no line has named, the one that moved as much; a payment or a refund also where it
    /// moved another amount, for of those there is one under our reference.
    fn same_movement(&self, places: &[usize], line: &BillLine) -> Option<usize> {
        let free = || places.iter().copied().filter(|place| !self.seen[*place]);
        let one = |place: &usize| matches!(self.facts[*place].class, Class::Payment | Class::Refund);
        free().find(|place| self.facts[*place].gross == line.gross).or_else(|| free().rfind(one))
    }
}

fn content(class: Class, gross: Money) -> (Class, Currency, i64) {
    (class, gross.currency(), gross.minor())
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::super::tests::{at, fact, line, words};
    use super::*;
    use crate::domain::reconciliation::{LineFacts, LineStatus};

    #[test]
    fn what_is_not_final_under_another_name_is_held_against_what_our_reference_names() {
        let run = |renames: bool, names: &[(&str, LineStatus)]| {
            let mut matching = Matching::new(vec![fact(1)], Tz::UTC).renaming_captures(renames);
            for (name, status) in names.iter().copied() {
                let named = |line: &mut LineFacts| (line.gateway_ref, line.status) = (name.into(), status);
                matching.line(line(1, named)).unwrap();
            }
            words(&matching.finish((at(72), at(120)), at(96)).unwrap()).join(" ")
        };
        for status in [LineStatus::Pending, LineStatus::Denied] {
            let (failed, taken) = (("ANOTHER", status), ("A THIRD", LineStatus::Settled));
            assert_eq!(run(true, &[failed]), "status");
            // The attempt that failed stands beside the one that took the money.
            assert_eq!(run(true, &[failed, taken]), "other_reference");
            assert_eq!(run(true, &[taken, failed]), "other_reference");
            // Where the bill has our name of a capture, another name is another capture, and was not taken.
            assert_ne!(run(false, &[failed]), "status");
        }
    }
}
