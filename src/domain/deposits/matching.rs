//! Which payouts a bank's credit is: by the reference it names, else by its amount within some days.

use std::ops::Range;

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

/// What banks on the way keep of a credit is a part of it, or a charge in major units.
const TENTH: i64 = 10;
const CHARGES_MOST: i64 = 50;
/// How many days a credit may come after it was sent, where it names nothing.
const DAYS_AFTER: i64 = 7;
/// And before: clocks and days of gateways and banks differ.
const DAYS_BEFORE: i64 = 1;
/// A shorter reference could stand in any text by chance.
pub(super) const REFERENCE_MIN: usize = 5;

/// Finds the payouts of a credit; the longest on their way come first in `sent`. Where it names none, those that could be
/// of two gateway accounts are none.
///
/// # Errors
/// [`MoneyError`] when amounts do not fit.
pub fn find_match(line: &ReadLine, sent: &[Sent]) -> Result<Option<Match>, MoneyError> {
    if !line.amount.is_positive() || line.reversal {
        return Ok(None);
    }
    let came = line.amount.checked_add(line.charges)?;
    let sum = |places: &[usize]| Money::sum(came.currency(), places.iter().map(|place| sent[*place].net));
    let references: Vec<&str> = sent.iter().map(|sent| sent.reference.as_str()).collect();
    let mut named = named(line, &references);
    if !named.is_empty() {
        // What a field is goes before what a text tells of, unless all of it together is what came.
        let is_one = |place: &usize| is_called(line, references[*place]);
        if named.iter().any(is_one) && sum(&named)? != came {
            named.retain(is_one);
        }
        let whole = sum(&named)?;
        let missing = whole.checked_sub(came)?;
        return Ok(is_arrival(whole, came, missing).then_some(Match { places: named, missing }));
    }
    let near = |place: &usize| {
        let days = (line.booked_on - sent[*place].sent_on).num_days();
        (-DAYS_BEFORE..=DAYS_AFTER).contains(&days)
    };
    let near: Vec<usize> = (0..sent.len()).filter(near).collect();
    let mut accounts: Vec<&str> = near.iter().map(|place| sent[*place].gateway_account.as_str()).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let of = |account: &str| -> Vec<usize> {
        near.iter().copied().filter(|place| sent[*place].gateway_account == account).collect()
    };
    let (mut whole, mut many) = (vec![], vec![]);
    for account in accounts {
        let own = of(account);
        whole.extend(own.iter().find(|place| sent[**place].net == came).map(|place| vec![*place]));
        many.extend(run(&own, |places| Ok(sum(places)? == came))?);
    }
    let mut found = if whole.is_empty() { many } else { whole };
    let missing = Money::zero(came.currency());
    Ok(match found.len() {
        1 => found.pop().map(|places| Match { places, missing }),
        _ => None,
    })
}

/// Whether what came is that money less what banks keep of it: not more than a tenth, or fifty major units of what is
/// mostly there. A small credit that only tells of a payout is none.
fn is_arrival(whole: Money, came: Money, missing: Money) -> bool {
    let charges = (whole.minor() / TENTH).max(CHARGES_MOST * 10_i64.pow(whole.currency().exponent()));
    missing.minor() <= charges && missing.minor() <= came.minor()
}

/// One deposit for many: payouts of one gateway account that follow one another.
fn run(
    own: &[usize],
    fits: impl Fn(&[usize]) -> Result<bool, MoneyError>,
) -> Result<Option<Vec<usize>>, MoneyError> {
    for from in 0..own.len() {
        for to in from + 2..=own.len().min(from + 31) {
            if fits(&own[from..to])? {
                return Ok(Some(own[from..to].to_vec()));
            }
        }
    }
    Ok(None)
}

/// Whether a credit names a payout by what a bank's line would call it.
pub fn names_deposit(line: &ReadLine, reference: &str) -> bool {
    !named(line, &[reference]).is_empty()
}

/// Whether a field of the line is this reference, and not merely tells of it.
fn is_called(line: &ReadLine, reference: &str) -> bool {
    let reference = compact(reference);
    line.names.iter().chain(&line.reference).any(|name| compact(name) == reference)
}

/// Which references a line names. A reference that begins or ends within a word is not named, nor is one that stands nowhere
/// but within a longer one that is: `BATCH-1` is not `BATCH-10`.
pub(super) fn named(line: &ReadLine, references: &[&str]) -> Vec<usize> {
    let texts = line.names.iter().chain(&line.reference).chain([&line.text]);
    let texts: Vec<Said> = texts.map(|text| Said::of(text)).collect();
    let references: Vec<String> = references.iter().map(|reference| compact(reference)).collect();
    let mut found: Vec<Vec<(usize, Range<usize>)>> = vec![];
    for reference in &references {
        let places = texts
            .iter()
            .enumerate()
            .flat_map(|(at, said)| said.places(reference).into_iter().map(move |place| (at, place)));
        found.push(if reference.len() < REFERENCE_MIN { vec![] } else { places.collect() });
    }
    let within = |place: &(usize, Range<usize>)| {
        found.iter().flatten().any(|(at, other)| {
            *at == place.0
                && other.len() > place.1.len()
                && other.start <= place.1.start
                && place.1.end <= other.end
        })
    };
    (0..references.len()).filter(|own| found[*own].iter().any(|place| !within(place))).collect()
}

/// A text as references are compared in it, and where its words begin and end.
struct Said {
    text: String,
    /// For each byte of the text: whether a letter or digit stands right before it, and after it.
    joined: Vec<(bool, bool)>,
}

impl Said {
    fn of(text: &str) -> Said {
        let mut said = Said { text: String::new(), joined: vec![] };
        let letters: Vec<char> = text.chars().collect();
        // References are of ASCII: a text in another script may stand right beside one.
        let joins =
            |at: Option<usize>| at.and_then(|at| letters.get(at)).is_some_and(char::is_ascii_alphanumeric);
        for (at, letter) in letters.iter().enumerate() {
            let own = compact(letter.encode_utf8(&mut [0; 4]));
            let joined = (joins(at.checked_sub(1)), joins(at.checked_add(1)));
            said.joined.extend(own.bytes().map(|_| joined));
            said.text.push_str(&own);
        }
        said
    }

    /// Where a compact reference stands as whole words.
    fn places(&self, reference: &str) -> Vec<Range<usize>> {
        let Some(first) = reference.chars().next() else { return vec![] };
        let (mut found, mut from) = (vec![], 0);
        while let Some(at) = self.text.get(from..).and_then(|rest| rest.find(reference)) {
            let place = from + at..from + at + reference.len();
            if !self.joined[place.start].0 && !self.joined[place.end - 1].1 {
                found.push(place);
            }
            from += at + first.len_utf8();
        }
        found
    }
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
            former: None,
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

    #[test]
    fn a_reference_within_another_is_not_named() {
        let both = [
            sent("grabpay-sg", "BATCH-1", 1000, "2026-11-26"),
            sent("grabpay-sg", "BATCH-10", 2000, "2026-11-27"),
        ];
        let called = |minor: i64, name: &str, text: &str| ReadLine {
            names: vec![name.to_owned()],
            ..line(minor, 0, text)
        };
        for (line, places, missing) in [
            (line(2000, 0, "BATCH-10"), Some(vec![1]), 0),
            (line(1000, 0, "sweep batch 1."), Some(vec![0]), 0),
            (line(3000, 0, "BATCH-10/BATCH-1"), Some(vec![0, 1]), 0),
            (line(2000, 0, "BATCH-1 0"), Some(vec![1]), 0),
            (line(2000, 0, "\u{8f6c}\u{8d26}BATCH-10\u{5165}\u{8d26}"), Some(vec![1]), 0),
            // Words that go on are other words; their money is what its amount says.
            (line(2500, 0, "BATCH-100"), None, 0),
            (line(2500, 0, "XBATCH-10"), None, 0),
            (line(2500, 0, "BATCH-1A"), None, 0),
            (line(1000, 0, "BATCH-100"), Some(vec![0]), 0),
            // A field that is the reference, unless the others named make up what came.
            (called(2000, "BATCH-10", "after BATCH-1"), Some(vec![1]), 0),
            (called(1990, "Batch 10", "after BATCH-1"), Some(vec![1]), 10),
            (called(3000, "BATCH-10", "and BATCH-1"), Some(vec![0, 1]), 0),
        ] {
            let found = find_match(&line, &both).unwrap();
            let expected = places.map(|places| Match { places, missing: sgd(missing) });
            assert_eq!(found, expected, "{line:?}");
        }
        assert!(names_deposit(&line(1, 0, "of BATCH-10"), "BATCH-10"));
        assert!(!names_deposit(&line(1, 0, "of BATCH-10"), "BATCH-1"));
    }

    #[test]
    fn an_amount_that_two_gateway_accounts_sent_is_nobodys() {
        let sent = [
            sent("a", "AAAA-1", 1000, "2026-11-26"),
            sent("b", "BBBB-1", 1000, "2026-11-26"),
            sent("b", "BBBB-2", 500, "2026-11-26"),
            sent("a", "AAAA-2", 500, "2026-11-26"),
            sent("a", "AAAA-3", 700, "2026-11-26"),
            sent("a", "AAAA-4", 700, "2026-11-27"),
        ];
        for (line, places) in [
            (line(1000, 0, "a sweep"), None),
            (line(1000, 0, "BBBB-1"), Some(vec![1])),
            (line(1500, 0, "a sweep"), None),
            // Of one gateway account: the one that is longest on its way.
            (line(700, 0, "a sweep"), Some(vec![4])),
            (line(1400, 0, "a sweep"), Some(vec![4, 5])),
        ] {
            let found = find_match(&line, &sent).unwrap();
            assert_eq!(found.map(|found| found.places), places, "{line:?}");
        }
    }
}
