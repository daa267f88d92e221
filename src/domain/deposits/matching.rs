//! Which payouts a bank's credit is: by the reference it names, else by its amount within some days.

use chrono::NaiveDate;

use crate::domain::merchants::compact;
use crate::money::{Money, MoneyError};

use super::bank_statement::ReadLine;

/// A payout that is on its way to the bank account of the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The gateway account's name.
    pub gateway_account: String,
    /// What a bank's line would name.
    pub reference: String,
    /// What was sent.
    pub net: Money,
    /// The day on which it was sent.
    pub sent_on: NaiveDate,
}

/// What a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Which payouts, by their place in the list.
    pub places: Vec<usize>,
    /// What was sent less what came and what the bank says it kept: above zero is missing.
    pub missing: Money,
}

/// How many days a credit may come after it was sent, where it names nothing.
const DAYS_AFTER: i64 = 7;
/// And before: clocks and days of gateways and banks differ.
const DAYS_BEFORE: i64 = 1;
/// A shorter reference could stand in any text by chance.
pub(super) const REFERENCE_MIN: usize = 5;

/// Finds the payouts of a credit; the longest on their way come first in `sent`.
///
/// # Errors
/// [`MoneyError`] when amounts do not fit.
pub fn find_match(line: &ReadLine, sent: &[Sent]) -> Result<Option<Match>, MoneyError> {
    if !line.amount.is_positive() || line.reversal {
        return Ok(None);
    }
    let came = line.amount.checked_add(line.charges)?;
    let sum = |places: &[usize]| Money::sum(came.currency(), places.iter().map(|place| sent[*place].net));
    let said = said(line);
    let named: Vec<usize> =
        (0..sent.len()).filter(|place| tells_of(&said, &sent[*place].reference)).collect();
    if !named.is_empty() {
        let missing = sum(&named)?.checked_sub(came)?;
        return Ok(Some(Match { places: named, missing }));
    }
    let near = |place: &usize| {
        let days = (line.booked_on - sent[*place].sent_on).num_days();
        (-DAYS_BEFORE..=DAYS_AFTER).contains(&days)
    };
    let near: Vec<usize> = (0..sent.len()).filter(near).collect();
    let nothing = Money::zero(came.currency());
    if let Some(place) = near.iter().find(|place| sent[**place].net == came) {
        return Ok(Some(Match { places: vec![*place], missing: nothing }));
    }
    // One deposit for many: payouts of one gateway account that follow one another.
    let mut accounts: Vec<&str> = near.iter().map(|place| sent[*place].gateway_account.as_str()).collect();
    accounts.dedup();
    for account in accounts {
        let own: Vec<usize> =
            near.iter().copied().filter(|place| sent[*place].gateway_account == account).collect();
        for from in 0..own.len() {
            for to in from + 2..=own.len().min(from + 31) {
                if sum(&own[from..to])? == came {
                    return Ok(Some(Match { places: own[from..to].to_vec(), missing: nothing }));
                }
            }
        }
    }
    Ok(None)
}

/// Whether a credit names a payout by what a bank's line would call it.
pub fn names_deposit(line: &ReadLine, reference: &str) -> bool {
    tells_of(&said(line), reference)
}

fn said(line: &ReadLine) -> Vec<String> {
    let names = line.names.iter().chain(&line.reference).map(String::as_str);
    names.chain([line.text.as_str()]).map(compact).collect()
}

fn tells_of(said: &[String], reference: &str) -> bool {
    let reference = compact(reference);
    reference.len() >= REFERENCE_MIN && said.iter().any(|text| text.contains(&reference))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    fn sgd(minor: i64) -> Money {
        Money::from_minor(minor, Currency::find("SGD").unwrap())
    }

    fn sent(account: &str, reference: &str, minor: i64, day: &str) -> Sent {
        Sent {
            gateway_account: account.to_owned(),
            reference: reference.to_owned(),
            net: sgd(minor),
            sent_on: day.parse().unwrap(),
        }
    }

    fn line(minor: i64, charges: i64, text: &str) -> ReadLine {
        let day = "2026-11-28".parse().unwrap();
        ReadLine {
            reference: None,
            amount: sgd(minor),
            booked_on: day,
            value_on: day,
            pending: false,
            reversal: false,
            charges: sgd(charges),
            names: vec![],
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_reference_wins_over_an_amount_and_a_sum_over_nothing() {
        let sent = [
            sent("grabpay-sg", "GP-20261126-AAAA", 3988, "2026-11-26"),
            sent("grabpay-sg", "GP-20261127-BBBB", 3988, "2026-11-27"),
            sent("other", "OT-77", 100, "2026-11-27"),
            sent("grabpay-sg", "GP-20261101-CCCC", 555, "2026-11-01"),
        ];
        for (line, places, missing) in [
            (line(3988, 0, "SWEEP gp 20261127 bbbb"), Some(vec![1]), 0),
            (line(3938, 0, "GP-20261127-BBBB"), Some(vec![1]), 50),
            (line(3938, 50, "GP-20261127-BBBB"), Some(vec![1]), 0),
            (line(4000, 0, "GP-20261127-BBBB"), Some(vec![1]), -12),
            (line(7976, 0, "GP-20261127-BBBB GP-20261126-AAAA"), Some(vec![0, 1]), 0),
            (line(3988, 0, "a sweep"), Some(vec![0]), 0),
            (line(7976, 0, "two sweeps"), Some(vec![0, 1]), 0),
            (line(555, 0, "too late"), None, 0),
            (line(555, 0, "GP-20261101-CCCC"), Some(vec![3]), 0),
            (line(4088, 0, "two gateways in one"), None, 0),
            (line(-3988, 0, "GP-20261127-BBBB"), None, 0),
        ] {
            let found = find_match(&line, &sent).unwrap();
            let expected = places.map(|places| Match { places, missing: sgd(missing) });
            assert_eq!(found, expected, "{line:?}");
        }
    }
}
