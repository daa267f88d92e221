//! Lines of conversions that the books have not: the two sides of one belong together.

use std::collections::BTreeMap;

use super::{Matching, TooDifferent, is_final};
use crate::domain::orders::Exchanged;
use crate::domain::reconciliation::bill::BillLine;
use crate::domain::reconciliation::difference::Difference;
use crate::domain::reconciliation::fact::Key;

impl Matching {
    /// One difference of both sides where a refund or reversal of the bill has exactly two, one out of the balance and one
    /// into it; anything else is told line by line. What was changed for a capture or a payout is booked with that.
    pub(super) fn pair_conversions(&mut self, lines: Vec<BillLine>) -> Result<(), TooDifferent> {
        let mut movements: BTreeMap<Option<String>, Vec<BillLine>> = BTreeMap::new();
        for line in lines {
            movements.entry(line.related_ref.clone()).or_default().push(line);
        }
        for (movement, lines) in movements {
            let movement = movement.filter(|name| self.went_back.contains(&Key::of(name)));
            match (movement, <[BillLine; 2]>::try_from(lines)) {
                (Some(movement), Ok([one, other])) => match exchanged(&one, &other) {
                    Some(exchanged) => {
                        let lines = Box::new([one, other]);
                        self.differ(Difference::ConvertedThere { movement, exchanged, lines })?;
                    }
                    None => self.each_by_itself(vec![one, other])?,
                },
                (None, Ok(lines)) => self.each_by_itself(lines.to_vec())?,
                (_, Err(lines)) => self.each_by_itself(lines)?,
            }
        }
        Ok(())
    }

    fn each_by_itself(&mut self, lines: Vec<BillLine>) -> Result<(), TooDifferent> {
        lines.into_iter().try_for_each(|line| self.differ(Difference::MovedThere(line)))
    }
}

fn exchanged(one: &BillLine, other: &BillLine) -> Option<Exchanged> {
    let plain = |line: &BillLine| is_final(line) && line.net() == line.gross;
    let (sold, bought) = if one.gross.is_negative() { (one, other) } else { (other, one) };
    let both = plain(sold) && plain(bought) && sold.gross.is_negative();
    Exchanged::try_new(sold.gross.abs(), bought.gross).filter(|_| both)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, line, words};
    use super::*;
    use crate::domain::reconciliation::{BillKind, LineFacts};
    use crate::money::{Currency, Money};
    use chrono_tz::Tz;

    fn side(movement: Option<&str>, code: &str, minor: i64) -> BillLine {
        let zero = Money::zero(Currency::find(code).unwrap());
        line(minor.abs(), |line: &mut LineFacts| {
            line.gateway_ref = format!("T{minor}");
            line.related_ref = movement.map(str::to_owned);
            (line.our_ref, line.kind) = (None, BillKind::Conversion);
            (line.gross, line.fee, line.tax) = (Money::from_minor(minor, zero.currency()), zero, zero);
        })
    }

    /// The movement that was changed for.
    fn movement(name: &str, kind: BillKind) -> BillLine {
        line(4_000, |line: &mut LineFacts| {
            (line.gateway_ref, line.our_ref, line.kind) = (name.to_owned(), None, kind);
            line.gross = Money::from_minor(-4_000, line.gross.currency());
            (line.fee, line.tax) = (Money::zero(line.fee.currency()), Money::zero(line.tax.currency()));
        })
    }

    #[test]
    fn two_sides_of_one_movement_are_one_conversion_and_nothing_else_is() {
        type Side = (Option<&'static str>, &'static str, i64);
        let rows: [(&[Side], &[&str]); 7] = [
            (&[(Some("R1"), "USD", 4_000), (Some("R1"), "EUR", -3_455)], &["conversion"]),
            (&[(Some("R1"), "EUR", -3_455), (Some("R1"), "USD", 4_000)], &["conversion"]),
            (&[(Some("R1"), "EUR", -3_455), (Some("R2"), "USD", 4_000)], &["unknown_movement"; 2]),
            (&[(None, "EUR", -3_455), (None, "USD", 4_000)], &["unknown_movement"; 2]),
            (&[(Some("R1"), "EUR", -3_455), (Some("R1"), "EUR", 4_000)], &["unknown_movement"; 2]),
            (&[(Some("R1"), "EUR", 3_455), (Some("R1"), "USD", 4_000)], &["unknown_movement"; 2]),
            (
                &[(Some("R1"), "EUR", -3_455), (Some("R1"), "USD", 4_000), (Some("R1"), "USD", 1)],
                &["unknown_movement"; 3],
            ),
        ];
        for (sides, expected) in rows {
            let mut matching = Matching::new(vec![], Tz::UTC);
            for (movement, code, minor) in sides {
                matching.line(side(*movement, code, *minor)).unwrap();
            }
            matching.line(movement("R1", BillKind::Refund)).unwrap();
            let outcome = matching.finish((at(72), at(120)), at(96)).unwrap();
            let words: Vec<_> =
                words(&outcome).into_iter().filter(|word| *word != "refund_only_there").collect();
            assert_eq!(words, expected, "{sides:?}");
            for told in &outcome.differences {
                let Difference::ConvertedThere { movement, exchanged, .. } = told else { continue };
                assert_eq!(movement, "R1");
                assert_eq!((exchanged.sold().minor(), exchanged.bought().minor()), (3_455, 4_000));
            }
        }
    }

    #[test]
    fn what_was_changed_for_a_capture_or_a_payout_is_not_booked_beside_it() {
        for (kind, alone) in
            [(BillKind::Payment, "paid_unknown_here"), (BillKind::Payout, "unknown_movement")]
        {
            let mut matching = Matching::new(vec![], Tz::UTC);
            let sides = [side(Some("P1"), "EUR", -3_455), side(Some("P1"), "USD", 4_000)];
            for line in [movement("P1", kind)].into_iter().chain(sides) {
                matching.line(line).unwrap();
            }
            let outcome = matching.finish((at(72), at(120)), at(96)).unwrap();
            assert_eq!(words(&outcome), [alone, "unknown_movement", "unknown_movement"]);
        }
    }
}
