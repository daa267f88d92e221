//! Entries becoming facts, one by one: of a million captures nothing is kept but the facts.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet, hash_map};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::domain::ledger::JournalEvent;
use crate::domain::reconciliation::{Class, Expected, Fact, Key, Standing};
use crate::money::{Currency, Money};
use crate::store::reconciliations::Booked;

use super::ReconcileError;
use super::moved::gateway_ref;

/// Facts that there is room for beforehand.
const ROOM_MOST: usize = 2 << 20;

/// Entries becoming facts.
#[derive(Debug)]
pub(super) struct Gathered {
    accrues: bool,
    facts: Vec<Fact>,
    /// Fees whose capture was not the fact before them.
    fees: HashMap<Key, Charged>,
    /// What refunds gave back of their captures' fees, by the refund: its line in the bill has it.
    returned: HashMap<Key, Fact>,
    /// What was charged for payouts, by batch and day: a bill charges together what it charges on one day.
    payout_fees: BTreeMap<(String, NaiveDate), Charged>,
    /// Where the bill's days are cut.
    zone: Tz,
    /// Corrections of what was captured.
    more: HashMap<Key, i64>,
    /// What disputes moved, by dispute and movement: a part of it may be charged to the parties and a part stand aside.
    disputed: BTreeMap<(String, Class), Fact>,
}

/// What was charged apart, and the first entry of it.
#[derive(Debug, Clone, Copy)]
struct Charged {
    minor: i64,
    currency: Currency,
    at: DateTime<Utc>,
    number: i64,
}

impl Charged {
    fn none(entry: &Booked) -> Charged {
        Charged { minor: 0, currency: entry.amount.currency(), at: entry.at, number: entry.number }
    }

    /// A fee of its own, of so much from the account's side.
    fn fact(self, key: Key, ours: Key, minor: i64) -> Fact {
        Fact {
            key,
            ours,
            class: Class::Fee,
            gross: Money::from_minor(minor, self.currency),
            fee: None,
            at: self.at,
            number: self.number,
            standing: Standing::Fresh,
            expected: None,
        }
    }
}

impl Gathered {
    /// None yet. `accrues`: fees are charged with the payouts, and a bill's lines are not held against the books' own.
    pub(super) fn of(accrues: bool, zone: Tz) -> Gathered {
        Gathered {
            accrues,
            zone,
            facts: vec![],
            fees: HashMap::new(),
            returned: HashMap::new(),
            payout_fees: BTreeMap::new(),
            more: HashMap::new(),
            disputed: BTreeMap::new(),
        }
    }

    /// So many entries come, as far as is known. Room for all of them costs nothing before it is used; growing costs half as
    /// much again while what there is moves.
    pub(super) fn expect(&mut self, entries: i64) {
        self.facts.reserve(usize::try_from(entries).unwrap_or(0).min(ROOM_MOST));
    }

    /// Takes the next entry, in the order in which they were booked: a capture's fee comes right behind it. `expected` says
    /// what the contract makes of a payment.
    ///
    /// # Errors
    /// [`ReconcileError::Unavailable`] for sums beyond what is counted.
    pub(super) fn take(
        &mut self,
        entry: &Booked,
        expected: &mut impl FnMut(&Booked) -> Option<Expected>,
    ) -> Result<(), ReconcileError> {
        let bare = entry.source.split(['/', '#']).next().unwrap_or_default();
        let fact = |class: Class, key: Key, ours: Key| Fact {
            key,
            ours,
            class,
            gross: entry.amount,
            fee: None,
            at: entry.at,
            number: entry.number,
            standing: Standing::Fresh,
            expected: None,
        };
        let about_itself = entry.subject.as_deref() == Some(entry.source.as_str());
        let ours = entry.subject.as_deref().map_or(Key::NONE, Key::of);
        match entry.event {
            JournalEvent::Captured | JournalEvent::CapturedTwice | JournalEvent::CapturedUnmatched => {
                // Nobody's money is known by the gateway's name alone.
                let ours = if about_itself { Key::NONE } else { ours };
                let capture = fact(Class::Payment, Key::of(bare), ours);
                self.facts.push(Fact { expected: expected(entry), ..capture });
            }
            JournalEvent::FeeCharged => {
                let (key, charged) = (Key::of(bare), entry.amount.minor().saturating_neg());
                match self.facts.last_mut() {
                    Some(capture) if capture.class == Class::Payment && capture.key == key => {
                        capture.fee = Some(capture.fee.unwrap_or(0).saturating_add(charged));
                    }
                    _ => {
                        let known = self.fees.entry(key).or_insert_with(|| Charged::none(entry));
                        known.minor = known.minor.saturating_add(charged);
                    }
                }
            }
            JournalEvent::FeeReturned => {
                let returned = fact(Class::Fee, Key::of(bare), Key::NONE);
                match self.returned.entry(Key::of(&entry.source)) {
                    hash_map::Entry::Vacant(place) => {
                        place.insert(Fact { standing: Standing::Optional, ..returned });
                    }
                    hash_map::Entry::Occupied(mut known) => {
                        let whole = known.get().gross.checked_add(entry.amount);
                        known.get_mut().gross = whole.map_err(ReconcileError::unavailable)?;
                    }
                }
            }
            JournalEvent::RefundConfirmed => {
                let key = entry.refund_ref.as_deref().map_or(Key::NONE, Key::of);
                self.facts.push(fact(Class::Refund, key, Key::of(&entry.source)));
            }
            // A bill alone told of it, and nobody knows what it is: the same line read again may name it, in any class.
            JournalEvent::SuspenseBooked if about_itself => {
                let aside = fact(Class::Aside, Key::of(gateway_ref(&entry.source)), Key::NONE);
                self.facts.push(Fact { standing: Standing::Optional, ..aside });
            }
            // A dispute's movements are told without a name of their own: payment and amount say which line it is.
            JournalEvent::ChargedBack | JournalEvent::ChargebackReversed => {
                self.disputed(&entry.source, fact(Class::Reversal, Key::NONE, ours))?;
            }
            JournalEvent::SuspenseBooked if entry.source.contains('#') => {
                self.disputed(&entry.source, fact(Class::Reversal, Key::NONE, ours))?;
            }
            // A bill alone told of it.
            JournalEvent::DisputeFeeCharged | JournalEvent::DisputeFeeReturned
                if !entry.source.contains('#') =>
            {
                let fee = fact(Class::Fee, Key::of(bare), ours);
                self.facts.push(Fact { standing: Standing::Optional, ..fee });
            }
            JournalEvent::DisputeFeeCharged | JournalEvent::DisputeFeeReturned => {
                self.disputed(&entry.source, fact(Class::Fee, Key::NONE, ours))?;
            }
            JournalEvent::SuspenseBooked => {
                let more = self.more.entry(Key::of(bare)).or_default();
                *more = more.saturating_add(entry.amount.minor());
                let class = if entry.amount.is_negative() { Class::Refund } else { Class::Other };
                self.facts.push(fact(class, Key::of(bare), Key::NONE));
            }
            JournalEvent::Reversed => self.facts.push(fact(Class::Reversal, Key::of(bare), ours)),
            // Held while a dispute is open: a bill names it by another name, or not at all, and nobody misses it.
            JournalEvent::GatewayHeld | JournalEvent::GatewayReleased if entry.source.contains("/hold") => {
                let held = fact(Class::Hold, Key::NONE, ours);
                self.facts.push(Fact { standing: Standing::Optional, ..held });
            }
            // The end of a payment's hold may be told by its dispute, under the hold's name: a bill has another for it.
            JournalEvent::GatewayReleased if !about_itself => {
                let freed = fact(Class::Hold, Key::of(bare), ours);
                self.facts.push(Fact { standing: Standing::Optional, ..freed });
            }
            JournalEvent::GatewayHeld | JournalEvent::GatewayReleased => {
                self.facts.push(fact(Class::Hold, Key::of(bare), ours));
            }
            JournalEvent::ConvertedByGateway => {
                self.facts.push(fact(Class::Conversion, Key::of(bare), Key::NONE));
            }
            JournalEvent::PayoutConfirmed | JournalEvent::PayoutUnclaimed => {
                self.facts.push(fact(Class::Payout, Key::NONE, Key::of(bare)));
            }
            JournalEvent::PayoutReturned => {
                self.facts.push(fact(Class::PayoutReturned, Key::NONE, Key::of(bare)));
            }
            JournalEvent::PayoutFeeCharged | JournalEvent::PayoutFeeReturned => {
                let batch = entry.payout_batch.clone().unwrap_or_default();
                let day = entry.at.with_timezone(&self.zone).date_naive();
                let known = self.payout_fees.entry((batch, day)).or_insert_with(|| Charged::none(entry));
                known.minor = known.minor.saturating_add(entry.amount.minor());
            }
            // What else stands on the account has no line of its own in a bill: fees accrued and trued up, what was
            // loaded when the book was opened.
            _ => {}
        }
        Ok(())
    }

    fn disputed(&mut self, source: &str, fact: Fact) -> Result<(), ReconcileError> {
        let known = self.disputed.entry((source.to_owned(), fact.class));
        match known {
            Entry::Vacant(place) => {
                place.insert(fact);
            }
            Entry::Occupied(mut place) => {
                let whole = place.get().gross.checked_add(fact.gross).map_err(ReconcileError::unavailable)?;
                place.get_mut().gross = whole;
            }
        }
        Ok(())
    }

    /// After the last entry.
    pub(super) fn facts(mut self) -> Vec<Fact> {
        self.facts.extend(std::mem::take(&mut self.disputed).into_values());
        if !self.more.is_empty() {
            let more = &self.more;
            let captures = self.facts.iter().filter(|fact| fact.class == Class::Payment).map(|fact| fact.key);
            let corrected: HashSet<Key> = captures.filter(|key| more.contains_key(key)).collect();
            // A correction of a capture is part of its amount, not a movement of its own.
            let is_part = |fact: &Fact| matches!(fact.class, Class::Refund | Class::Other);
            self.facts.retain(|fact| !(is_part(fact) && corrected.contains(&fact.key)));
        }
        for fact in self.facts.iter_mut().filter(|fact| fact.class == Class::Payment) {
            if let Some(more) = self.more.get(&fact.key) {
                let gross = fact.gross.minor().saturating_add(*more);
                fact.gross = Money::from_minor(gross, fact.gross.currency());
                // Its contract was asked for another amount.
                fact.expected = None;
            }
            let apart = self.fees.remove(&fact.key).map_or(0, |charged| charged.minor);
            let charged = fact.fee.unwrap_or(0).saturating_add(apart);
            fact.fee = if self.accrues { None } else { Some(charged) };
        }
        // A refund of ours is booked under its own id, a stranger's under the gateway's.
        for fact in self.facts.iter_mut().filter(|fact| fact.class == Class::Refund) {
            let name = if fact.ours == Key::NONE { fact.key } else { fact.ours };
            let returned = self.returned.remove(&name).map_or(0, |returned| returned.gross.minor());
            fact.fee = if self.accrues { None } else { Some(returned.saturating_neg()) };
        }
        // Given back beside a movement that is no refund: it may have a line of its own, and nobody misses it.
        self.facts.extend(std::mem::take(&mut self.returned).into_values());
        let payouts = self.payout_fees.iter().filter(|(_, charged)| charged.minor != 0);
        self.facts.extend(
            payouts.map(|((batch, _), charged)| charged.fact(Key::NONE, Key::of(batch), charged.minor)),
        );
        // Fees that belong to no capture of these days are movements of their own.
        let apart = self.fees.iter().map(|(key, charged)| {
            let minor = charged.minor.saturating_neg();
            charged.fact(*key, Key::NONE, minor)
        });
        self.facts.extend(apart);
        self.facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;

    fn entry(number: i64, event: JournalEvent, source: &str, minor: i64) -> Booked {
        Booked {
            number,
            event,
            source: source.to_owned(),
            refund_ref: None,
            payout_batch: None,
            subject: Some("pay_01kb0000000000000000000000".to_owned()),
            method: None,
            payer_country: None,
            amount: Money::from_minor(minor, Currency::known("USD")),
            at: from_micros(1_795_000_000_000_000),
        }
    }

    fn gathered(entries: &[Booked]) -> Vec<(Class, i64, Option<i64>)> {
        let mut gathered = Gathered::of(false, chrono_tz::UTC);
        entries.iter().for_each(|entry| gathered.take(entry, &mut |_| None).unwrap());
        let mut facts: Vec<_> =
            gathered.facts().iter().map(|fact| (fact.class, fact.gross.minor(), fact.fee)).collect();
        facts.sort();
        facts
    }

    #[test]
    fn a_fee_is_its_captures_wherever_it_was_booked() {
        let capture = entry(1, JournalEvent::Captured, "CAP", 10_000);
        let fee = entry(2, JournalEvent::FeeCharged, "CAP", -490);
        let corrected = entry(9, JournalEvent::FeeCharged, "CAP/corrected", -10);
        let other = entry(3, JournalEvent::Captured, "OTHER", 500);
        let free = (Class::Payment, 500, Some(0));
        let own = (Class::Payment, 10_000, Some(500));
        for order in [
            [&capture, &fee, &other, &corrected],
            [&capture, &fee, &corrected, &other],
            [&fee, &corrected, &other, &capture],
        ] {
            let entries: Vec<Booked> = order.into_iter().cloned().collect();
            assert_eq!(gathered(&entries), [free, own]);
        }
        // Of no capture at hand: movements of their own.
        let apart = [fee, entry(4, JournalEvent::FeeCharged, "F-1", -100)];
        assert_eq!(gathered(&apart), [(Class::Fee, -490, None), (Class::Fee, -100, None)]);
    }

    #[test]
    fn a_refund_has_the_fee_that_it_gave_back() {
        let refund = entry(1, JournalEvent::RefundConfirmed, "ref_1", -4_000);
        let returned = entry(2, JournalEvent::FeeReturned, "ref_1", 30);
        let elsewhere = entry(3, JournalEvent::SuspenseBooked, "R-2", -1_000);
        let theirs = entry(4, JournalEvent::FeeReturned, "R-2", 7);
        let plain = entry(5, JournalEvent::RefundConfirmed, "ref_3", -500);
        let beside = entry(6, JournalEvent::FeeReturned, "CB-1", 340);
        let told = gathered(&[theirs, refund, returned, elsewhere, plain, beside]);
        assert_eq!(
            told,
            [
                (Class::Refund, -4_000, Some(-30)),
                (Class::Refund, -1_000, Some(-7)),
                (Class::Refund, -500, Some(0)),
                (Class::Fee, 340, None),
            ]
        );
    }

    /// A bill of a million lines is read in 256 MiB, of which the facts are the most.
    #[test]
    fn a_capture_with_its_fee_is_kept_as_a_fact_and_no_more() {
        const COUNT: usize = 1 << 14;
        let mut facts = 0;
        let used = allocation_counter::measure(|| {
            let mut gathered = Gathered::of(false, chrono_tz::UTC);
            for number in 0..COUNT {
                let source = format!("CAP-{number}");
                let number = i64::try_from(number).unwrap() * 2;
                gathered
                    .take(&entry(number, JournalEvent::Captured, &source, 10_000), &mut |_| None)
                    .unwrap();
                gathered
                    .take(&entry(number + 1, JournalEvent::FeeCharged, &source, -490), &mut |_| None)
                    .unwrap();
            }
            facts = gathered.facts().len();
        });
        assert_eq!(facts, COUNT);
        // While its table grows, half as much is kept besides.
        let each = used.bytes_max / u64::try_from(COUNT).unwrap();
        let fact = u64::try_from(size_of::<Fact>()).unwrap();
        assert!(each <= fact * 3 / 2 + 1, "{each} bytes for a fact of {fact}");
        assert!(fact <= 144, "{fact}");
    }
}
