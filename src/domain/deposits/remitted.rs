//! Which payment to an authority a debit at the bank is. The payment is booked when two persons agree on it; the bank's line
//! says that it went, and is not booked again. A credit that names it brings it back.

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
    prefer_ids(line, &mut fits);
    if is_named && fits.windows(2).any(|two| two[0].reference != two[1].reference) {
        return None;
    }
    fits.into_iter().min_by_key(|payment| (booked_at(payment), payment.id))
}

/// The payment that a credit brings back: the only booked one of its sum that it names. `None` where two could be meant, and
/// while no line has shown its debit.
pub fn find_returned<'a>(
    line: &ReadLine,
    payments: impl IntoIterator<Item = &'a Remittance>,
) -> Option<&'a Remittance> {
    let fits = payments.into_iter().filter(|payment| {
        booked_at(payment).is_some()
            && payment.total().is_ok_and(|total| total == line.amount)
            && names_remittance(line, payment)
    });
    let mut fits: Vec<&Remittance> = fits.collect();
    prefer_ids(line, &mut fits);
    match fits.as_slice() {
        [one] if one.bank_line.is_some() => Some(one),
        _ => None,
    }
}

/// Payments that a debit names and is worth and that another line was taken for, the oldest first: that one may have been
/// another's. Those whose reference differs are none: which is meant nobody knows.
pub fn find_taken<'a>(
    line: &ReadLine,
    payments: impl IntoIterator<Item = &'a Remittance>,
) -> Vec<&'a Remittance> {
    if line.reversal {
        return vec![];
    }
    let fits = payments.into_iter().filter(|payment| {
        payment.bank_line.is_some() && is_worth(line, payment) && names_remittance(line, payment)
    });
    let mut fits: Vec<&Remittance> = fits.collect();
    prefer_ids(line, &mut fits);
    if fits.windows(2).any(|two| two[0].reference != two[1].reference) {
        return vec![];
    }
    fits.sort_by_key(|payment| (booked_at(payment), payment.id));
    fits
}

/// Where a line names payments by their ids, those are meant.
fn prefer_ids(line: &ReadLine, payments: &mut Vec<&Remittance>) {
    let by_id = |payment: &&Remittance| line.tells_of(&payment.id.to_string());
    if payments.iter().any(by_id) {
        payments.retain(by_id);
    }
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
        RemittanceState::Proposed | RemittanceState::Returned { .. } | RemittanceState::Rejected { .. } => {
            None
        }
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
            former: None,
        }
    }

    fn booked(ids: &IdSource, reference: &str, minor: i64, at: DateTime<Utc>) -> Remittance {
        Remittance {
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
            state: RemittanceState::Booked { by: ids.mint(), at },
            bank_line: None,
            proposed_by: ids.mint(),
            created_at: at,
        }
    }

    #[test]
    fn a_credit_brings_back_the_one_that_it_names_and_a_debit_may_claim_what_another_was_taken_for() {
        let clock = Clock::fixed(from_micros(1_795_000_000_000_000));
        let (ids, now) = (IdSource::seeded(clock.clone(), 1), clock.now());
        let today = now.date_naive();
        let seen = |reference: &str, minor| Remittance {
            bank_line: Some(ids.mint()),
            ..booked(&ids, reference, minor, now)
        };
        let (one, two, alike) = (seen("1601", 5_000), seen("1602", 5_000), seen("1601", 5_000));
        let unseen = booked(&ids, "1603", 5_000, now);
        let (line_id, at) = (ids.mint(), now);
        let gone = Remittance { state: one.returned(line_id, at, None).unwrap(), ..seen("1601", 5_000) };
        let back = |minor, text: &str| ReadLine { reversal: true, ..line(minor, text, today) };
        let cases = [
            (vec![&one, &two], line(5_000, "RETURN 1601", today), Some(&one), vec![]),
            (vec![&one, &two], back(5_000, "1601"), Some(&one), vec![]),
            (vec![&one, &gone], line(5_000, "1601", today), Some(&one), vec![]),
            (vec![&gone], line(5_000, "1601", today), None, vec![]),
            (vec![&one], line(4_999, "1601", today), None, vec![]),
            (vec![&one], line(5_000, "tax", today), None, vec![]),
            // Two could be meant, unless the id says which; a payment without its debit is not back before it went.
            (vec![&one, &two], line(5_000, "1601 1602", today), None, vec![]),
            (vec![&one, &alike], line(5_000, "1601", today), None, vec![]),
            (vec![&one, &alike], line(5_000, &format!("1601 {}", alike.id), today), Some(&alike), vec![]),
            (vec![&unseen], line(5_000, "1603", today), None, vec![]),
            // Debits: only what is seen was taken by another.
            (vec![&one, &two], line(-5_000, "1601", today), None, vec![one.id]),
            (vec![&alike, &one], line(-5_000, "1601", today), None, vec![one.id, alike.id]),
            (vec![&alike, &one], line(-5_000, &alike.id.to_string(), today), None, vec![alike.id]),
            (vec![&one, &two], line(-5_000, "1601 1602", today), None, vec![]),
            (vec![&gone, &unseen], line(-5_000, "1601 1603", today), None, vec![]),
            (vec![&one], line(-4_999, "1601", today), None, vec![]),
            (vec![&one], back(-5_000, "1601"), None, vec![]),
        ];
        for (payments, line, brought, taken) in cases {
            let found = find_returned(&line, payments.iter().copied());
            assert_eq!(found.map(|one| one.id), brought.map(|one| one.id), "{line:?}");
            let found = find_taken(&line, payments.iter().copied());
            assert_eq!(found.iter().map(|one| one.id).collect::<Vec<_>>(), taken, "{line:?}");
        }
    }

    #[test]
    fn a_debit_is_the_payment_it_names_else_the_oldest_of_its_sum() {
        let clock = Clock::fixed(from_micros(1_795_000_000_000_000));
        let (ids, today) = (IdSource::seeded(clock.clone(), 1), clock.now().date_naive());
        let booked = |reference: &str, minor: i64| booked(&ids, reference, minor, clock.now());
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
