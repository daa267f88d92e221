//! Which payment to an authority a debit at the bank is. The payment is booked when two persons agree on it; the bank's line
//! says that it went, and is not booked again.

use crate::domain::withholding::{Remittance, RemittanceState};

use super::bank_statement::ReadLine;

/// How many days apart a payment and a debit may be that does not name it. Whoever carries it to the bank takes his time.
const NEAR_DAYS: i64 = 31;

/// Whether a line names a payment: by its reference or its id.
pub fn names_remittance(line: &ReadLine, payment: &Remittance) -> bool {
    line.tells_of(&payment.reference) || line.tells_of(&payment.id.to_string())
}

/// The payment that a debit is, among those of its account: the only one of its sum that it names, else, where it names
/// none, the only one near it. One whose debit was seen is no longer it; a line that names only such is none's.
pub fn find_remittance<'a>(
    line: &ReadLine,
    payments: impl IntoIterator<Item = &'a Remittance>,
) -> Option<&'a Remittance> {
    let same = payments.into_iter().filter(|payment| is_worth(line, payment));
    let (mut fits, unnamed): (Vec<_>, Vec<_>) = same.partition(|payment| names_remittance(line, payment));
    if fits.is_empty() {
        fits = unnamed;
        fits.retain(|payment| is_near(line, payment));
    }
    fits.retain(|payment| payment.bank_line.is_none());
    match fits.as_slice() {
        [one] => Some(*one),
        _ => None,
    }
}

/// Whether a line debits what was paid, whenever it was; never of a payment that is not booked.
fn is_worth(line: &ReadLine, payment: &Remittance) -> bool {
    let booked = matches!(payment.state, RemittanceState::Booked { .. });
    booked && payment.total().is_ok_and(|total| total.negated() == line.amount)
}

fn is_near(line: &ReadLine, payment: &Remittance) -> bool {
    match payment.state {
        RemittanceState::Booked { at, .. } => {
            (line.booked_on - at.date_naive()).num_days().abs() <= NEAR_DAYS
        }
        RemittanceState::Proposed | RemittanceState::Rejected { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use chrono::{Days, NaiveDate};

    use super::*;
    use crate::clock::{Clock, from_micros};
    use crate::domain::withholding::RemittanceLine;
    use crate::ids::IdSource;
    use crate::money::{Currency, Money};

    fn php(minor: i64) -> Money {
        Money::from_minor(minor, Currency::find("PHP").unwrap())
    }

    fn line(minor: i64, text: &str, day: NaiveDate) -> ReadLine {
        ReadLine {
            reference: None,
            amount: php(minor),
            booked_on: day,
            value_on: day,
            pending: false,
            reversal: false,
            charges: php(0),
            names: vec![],
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_debit_is_the_payment_it_names_else_the_only_one_of_its_sum() {
        let clock = Clock::fixed(from_micros(1_795_000_000_000_000));
        let (ids, today) = (IdSource::seeded(clock.clone(), 1), clock.now().date_naive());
        let booked = |reference: &str, minor: i64| Remittance {
            id: ids.mint(),
            merchant: ids.mint(),
            authority: "BIR".to_owned(),
            period: "2026-Q4".parse().unwrap(),
            currency: Currency::find("PHP").unwrap(),
            bank_account: ids.mint(),
            bank: "bpi".to_owned(),
            reference: reference.to_owned(),
            lines: vec![RemittanceLine {
                supplier: ids.mint(),
                rule: "ph-remittance".to_owned(),
                amount: php(minor),
            }],
            state: RemittanceState::Booked { by: ids.mint(), at: clock.now() },
            bank_line: None,
            proposed_by: ids.mint(),
            created_at: clock.now(),
        };
        let (one, two, bare) = (booked("1601-EQ 2026-Q4", 5_000), booked("1602", 5_000), booked("", 5_000));
        let seen = Remittance { bank_line: Some(ids.mint()), ..booked("1603", 5_000) };
        let open = Remittance { state: RemittanceState::Proposed, ..booked("1604", 5_000) };
        let again = booked("1603", 5_000);
        let month = Days::new(32);
        let cases = [
            // Named, whatever else costs as much, and whenever.
            (vec![&one, &two, &bare], line(-5_000, "TAX 1601-EQ  2026-Q4 BIR", today), Some(&one)),
            (vec![&one, &two], line(-5_000, "1602", today + month), Some(&two)),
            (vec![&one, &two], line(-5_000, &one.id.to_string(), today), Some(&one)),
            // Part of a word is no name, and neither is an empty reference.
            (vec![&one, &two], line(-5_000, "16021", today), None),
            (vec![&bare, &two], line(-5_000, "", today), None),
            // Alone of its sum.
            (vec![&one, &seen], line(-5_000, "BIR", today), Some(&one)),
            (vec![&one], line(-5_000, "BIR", today + month), None),
            (vec![&one], line(-5_000, "BIR", today - month), None),
            // What was seen, is not booked, differs or comes in is none.
            (vec![&one, &seen], line(-5_000, "1603", today), None),
            (vec![&open], line(-5_000, "1604", today), None),
            (vec![&one], line(-4_999, "1601-EQ 2026-Q4", today), None),
            (vec![&one], line(5_000, "1601-EQ 2026-Q4", today), None),
            // Two of one reference: the one that was not seen, if there is one.
            (vec![&two, &two], line(-5_000, "1602", today), None),
            (vec![&again, &seen], line(-5_000, "1603", today), Some(&again)),
        ];
        for (payments, line, expected) in cases {
            let found = find_remittance(&line, payments.iter().copied());
            assert_eq!(found.map(|one| one.id), expected.map(|one| one.id), "{line:?}");
        }
    }
}
