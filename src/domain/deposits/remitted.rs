//! Which payment to an authority a debit at the bank is. The payment is booked when two persons agree on it; the bank's line
//! says that it went, and is not booked again.

use chrono::{DateTime, Utc};

use crate::domain::withholding::{Remittance, RemittanceState};

use super::bank_statement::ReadLine;

/// How many days apart a payment and a debit may be that does not name it. Whoever carries it to the bank takes his time.
pub const NEAR_DAYS: i64 = 31;

/// Whether a line names a payment: by its reference or its id.
pub fn names_remittance(line: &ReadLine, payment: &Remittance) -> bool {
    line.tells_of(&payment.reference) || line.tells_of(&payment.id.to_string())
}

/// The payment that a debit is, among those of its account: of its sum and not seen yet, one that it names, else, where it
/// names none at all, one near it. Those of one sum that nothing tells apart stand for each other: the oldest is it. What
/// takes money back is no payment.
pub fn find_remittance<'a>(
    line: &ReadLine,
    payments: impl IntoIterator<Item = &'a Remittance>,
) -> Option<&'a Remittance> {
    if line.reversal {
        return None;
    }
    let named: (Vec<_>, Vec<_>) = payments.into_iter().partition(|payment| names_remittance(line, payment));
    let is_named = !named.0.is_empty();
    let mut fits = if is_named { named.0 } else { named.1 };
    fits.retain(|payment| {
        payment.bank_line.is_none() && is_worth(line, payment) && (is_named || is_near(line, payment))
    });
    let by_id = |payment: &&Remittance| line.tells_of(&payment.id.to_string());
    if fits.iter().any(by_id) {
        fits.retain(by_id);
    }
    if is_named && fits.windows(2).any(|two| two[0].reference != two[1].reference) {
        return None;
    }
    fits.into_iter().min_by_key(|payment| (booked_at(payment), payment.id))
}

/// Whether a line debits what was paid, whenever it was; never of a payment that is not booked.
fn is_worth(line: &ReadLine, payment: &Remittance) -> bool {
    booked_at(payment).is_some() && payment.total().is_ok_and(|total| total.negated() == line.amount)
}

fn is_near(line: &ReadLine, payment: &Remittance) -> bool {
    booked_at(payment).is_some_and(|at| (line.booked_on - at.date_naive()).num_days().abs() <= NEAR_DAYS)
}

fn booked_at(payment: &Remittance) -> Option<DateTime<Utc>> {
    match payment.state {
        RemittanceState::Booked { at, .. } => Some(at),
        RemittanceState::Proposed | RemittanceState::Rejected { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use chrono::{Days, NaiveDate, TimeDelta};

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
    fn a_debit_is_the_payment_it_names_else_the_oldest_of_its_sum() {
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
        let (twice, other) = (booked("1602", 5_000), booked("1605", 4_000));
        let before = clock.now() - TimeDelta::days(3);
        let early = Remittance {
            state: RemittanceState::Booked { by: ids.mint(), at: before },
            ..booked("1606", 5_000)
        };
        let back = |text: &str| ReadLine { reversal: true, ..line(-5_000, text, today) };
        let month = Days::new(32);
        let cases = [
            // Named, whatever else costs as much, and whenever.
            (vec![&one, &two, &bare], line(-5_000, "TAX 1601-EQ  2026-Q4 BIR", today), Some(&one)),
            (vec![&one, &two], line(-5_000, "1602", today + month), Some(&two)),
            (vec![&one, &two], line(-5_000, &one.id.to_string(), today), Some(&one)),
            // Part of a word is no name, and neither is an empty reference.
            (vec![&one, &two], line(-5_000, "16021", today), Some(&one)),
            (vec![&two, &bare], line(-5_000, "", today), Some(&two)),
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
            (vec![&again, &seen], line(-5_000, "1603", today), Some(&again)),
            (vec![&twice, &two], line(-5_000, "1602", today), Some(&two)),
            (vec![&two, &twice], line(-5_000, &format!("1602 {}", twice.id), today), Some(&twice)),
            // Nothing tells them apart: the oldest. One that names two, or another one, is neither.
            (vec![&two, &one], line(-5_000, "BIR", today), Some(&one)),
            (vec![&two, &early], line(-5_000, "BIR", today), Some(&early)),
            (vec![&one, &two], line(-5_000, "1601-EQ 2026-Q4 1602", today), None),
            (vec![&one, &other], line(-5_000, "1605", today), None),
            (vec![&one, &open], line(-5_000, "1604", today), None),
            // The bank took a credit back: it paid nothing, whatever it names.
            (vec![&one], back("BIR"), None),
            (vec![&one], back("1601-EQ 2026-Q4"), None),
        ];
        for (payments, line, expected) in cases {
            let found = find_remittance(&line, payments.iter().copied());
            assert_eq!(found.map(|one| one.id), expected.map(|one| one.id), "{line:?}");
        }
    }
}
