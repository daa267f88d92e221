//! Which earlier line of the same account a bank takes back: the opposite amount under a reference they share.

use crate::domain::merchants::compact;

use super::bank_statement::ReadLine;
use super::matching::named;

/// An earlier line that could be the one, and what that is called which it moved.
#[derive(Debug, Clone)]
pub struct Earlier<'a> {
    /// What the bank said.
    pub line: &'a ReadLine,
    /// What the gateways call the payouts that it was, or the reference and id of the payment to an authority.
    pub called: Vec<String>,
}

/// The place of the line that `reversal` takes back; `None` where none or more than one would do: which of two it is,
/// only a person can ask the bank. A reference of the line's own goes before one that is merely named in the text.
pub fn find_reversed(reversal: &ReadLine, earlier: &[Earlier<'_>]) -> Option<usize> {
    if !reversal.reversal {
        return None;
    }
    let told = references(reversal);
    let fits = |place: &usize| {
        let line = earlier[*place].line;
        !line.reversal && line.amount == reversal.amount.negated() && line.booked_on <= reversal.booked_on
    };
    let fitting: Vec<usize> = (0..earlier.len()).filter(fits).collect();
    let shares = |place: &usize| references(earlier[*place].line).iter().any(|own| told.contains(own));
    let called: Vec<(usize, &str)> = fitting
        .iter()
        .flat_map(|place| {
            let Earlier { line, called } = &earlier[*place];
            let own = line.names.iter().chain(&line.reference).chain(called);
            own.map(move |name| (*place, name.as_str()))
        })
        .collect();
    let names: Vec<&str> = called.iter().map(|(_, name)| *name).collect();
    let named: Vec<usize> = named(reversal, &names).into_iter().map(|at| called[at].0).collect();
    let is_named = |place: &usize| named.contains(place);
    for ranked in [
        fitting.iter().copied().filter(shares).collect::<Vec<usize>>(),
        fitting.iter().copied().filter(is_named).collect(),
    ] {
        match ranked.as_slice() {
            [] => {}
            [one] => return Some(*one),
            _ => return None,
        }
    }
    None
}

fn references(line: &ReadLine) -> Vec<String> {
    let all = line.names.iter().chain(&line.reference).map(|name| compact(name));
    all.filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::{Currency, Money};

    fn line(minor: i64, day: &str, reference: &str, text: &str, reversal: bool) -> ReadLine {
        let sgd = Currency::find("SGD").unwrap();
        let day = day.parse().unwrap();
        ReadLine {
            reference: Some(reference.to_owned()).filter(|text| !text.is_empty()),
            amount: Money::from_minor(minor, sgd),
            booked_on: day,
            value_on: day,
            pending: false,
            reversal,
            charges: Money::zero(sgd),
            names: vec![],
            text: text.to_owned(),
            former: None,
        }
    }

    #[test]
    fn a_shared_reference_goes_before_a_named_one_and_two_that_fit_are_nobodys_guess() {
        let lines = [
            line(2946, "2026-11-20", "B1", "GP-11111", false),
            line(2946, "2026-11-21", "BANK-777", "", false),
            line(2946, "2026-11-22", "BANK-777", "", false),
            line(5000, "2026-11-20", "B5", "", false),
            line(2946, "2026-11-29", "B6", "", false),
            line(-700, "2026-11-20", "B7", "a charge", false),
            line(2946, "2026-11-20", "B8", "", true),
            line(300, "2026-11-20", "BANK-1", "", false),
            line(300, "2026-11-21", "BANK-10", "", false),
        ];
        let earlier: Vec<Earlier<'_>> = lines
            .iter()
            .map(|line| Earlier {
                line,
                called: if line.text == "GP-11111" { vec!["GP-11111".into()] } else { vec![] },
            })
            .collect();
        let back = |minor, reference, text| line(minor, "2026-11-28", reference, text, true);
        for (reversal, place) in [
            (back(-2946, "b-1", ""), Some(0)),
            (back(-2946, "NEW", "return of gp 11111"), Some(0)),
            (back(-2946, "B1", "of BANK-777"), Some(0)),
            (back(-2946, "BANK-777", ""), None),
            (back(-2946, "NEW", "of BANK-777"), None),
            (back(-2946, "", ""), None),
            (back(-2945, "B1", ""), None),
            (back(-5000, "B5", ""), Some(3)),
            (back(-2946, "B6", ""), None),
            (back(-2946, "B8", ""), None),
            (back(700, "B7", ""), Some(5)),
            (line(-2946, "2026-11-28", "B1", "", false), None),
            (back(-300, "NEW", "of BANK-1"), Some(7)),
            (back(-300, "NEW", "of BANK-10"), Some(8)),
            (back(-300, "NEW", "of BANK-100"), None),
            (back(-300, "NEW", "of BANK-10 and BANK-1"), None),
        ] {
            assert_eq!(find_reversed(&reversal, &earlier), place, "{reversal:?}");
        }
    }
}
