//! Lines of conversions that the books have not: the two sides of one belong together.

use std::collections::BTreeMap;

use super::{Matching, TooDifferent, is_final};
use crate::domain::orders::Exchanged;
use crate::domain::reconciliation::bill::BillLine;
use crate::domain::reconciliation::difference::Difference;
use crate::domain::reconciliation::fact::Key;

impl Matching {
    /// One difference of both sides where a movement has exactly two, one out of the balance and one into it; anything else
    /// is told line by line. What a payout was changed for is booked with the payout.
    pub(super) fn pair_conversions(&mut self, lines: Vec<BillLine>) -> Result<(), TooDifferent> {
        let mut movements: BTreeMap<Option<String>, Vec<BillLine>> = BTreeMap::new();
        for line in lines {
            movements.entry(line.related_ref.clone()).or_default().push(line);
        }
        for (movement, lines) in movements {
            let paid_out = movement.as_deref().is_some_and(|name| self.paid_out.contains(&Key::of(name)));
            let exchanged = match lines.as_slice() {
                [one, other] if !paid_out => exchanged(one, other),
                _ => None,
            };
            match (movement, exchanged) {
                (Some(movement), Some(exchanged)) => {
                    let sold = lines.into_iter().find(|line| line.gross.is_negative());
                    let told = sold.map(|line| Difference::ConvertedThere { movement, exchanged, line });
                    told.map_or(Ok(()), |told| self.differ(told))?;
                }
                (_, _) => lines.into_iter().try_for_each(|line| self.differ(Difference::MovedThere(line)))?,
            }
        }
        Ok(())
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
            let outcome = matching.finish((at(72), at(120)), at(96)).unwrap();
            assert_eq!(words(&outcome), expected, "{sides:?}");
            if let [Difference::ConvertedThere { movement, exchanged, .. }] = outcome.differences.as_slice() {
                assert_eq!(movement, "R1");
                assert_eq!((exchanged.sold().minor(), exchanged.bought().minor()), (3_455, 4_000));
            }
        }
    }

    #[test]
    fn what_a_payout_was_changed_for_is_not_booked_a_second_time() {
        let mut matching = Matching::new(vec![], Tz::UTC);
        let payout = line(4_000, |line: &mut LineFacts| {
            (line.gateway_ref, line.our_ref, line.kind) = ("P1".to_owned(), None, BillKind::Payout);
            line.gross = Money::from_minor(-4_000, line.gross.currency());
            (line.fee, line.tax) = (Money::zero(line.fee.currency()), Money::zero(line.tax.currency()));
        });
        for line in [side(Some("P1"), "EUR", -3_455), payout, side(Some("P1"), "USD", 4_000)] {
            matching.line(line).unwrap();
        }
        let outcome = matching.finish((at(72), at(120)), at(96)).unwrap();
        assert_eq!(words(&outcome), ["unknown_movement"; 3]);
    }
}
