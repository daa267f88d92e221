//! Our ids as banks carry them, and as they come back. An id has a `_` behind its prefix, and that is none of a bank's
//! letters: it is written `-`. What came back is read whatever a bank made of that sign, and of small letters.

use crate::domain::deposits::ReadLine;
use crate::ids::{Id, parse_id};

/// Letters of an id behind its prefix.
const LETTERS: usize = 26;

/// An id as it is told to a bank.
pub(super) fn to_bank(id: &str) -> String {
    id.replace('_', "-")
}

/// The id that a text is.
pub fn bank_id<T: Id>(text: &str) -> Option<T> {
    let text = text.trim();
    let (prefix, rest) = text.split_at_checked(T::PREFIX.len())?;
    let rest = rest.strip_prefix(is_sign).unwrap_or(rest);
    let is_ours = prefix.eq_ignore_ascii_case(T::PREFIX);
    is_ours.then(|| parse_id(&format!("{}_{}", T::PREFIX, rest.to_ascii_lowercase())).ok()).flatten()
}

/// The ids of a kind that a bank's line names: where it has names, by these; MT940 and CSV have them in their words.
pub fn bank_ids_of<T: Id + PartialEq>(line: &ReadLine) -> Vec<T> {
    let mut found: Vec<T> = line.names.iter().flat_map(|name| bank_ids_in(name)).collect();
    if found.is_empty() {
        let words = [line.reference.as_deref().unwrap_or_default(), &line.text];
        found = words.into_iter().flat_map(bank_ids_in).collect();
    }
    found
}

/// The ids of a kind that a text names, each once. One begins and ends as a word does, and may be broken between: a line of a
/// statement has room for less.
fn bank_ids_in<T: Id + PartialEq>(text: &str) -> Vec<T> {
    let bytes = text.as_bytes();
    let joins = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphanumeric);
    let starts = (0..bytes.len()).filter(|at| !joins(at.checked_sub(1)));
    let mut found: Vec<T> = vec![];
    for at in starts {
        let begins = bytes.get(at..at + T::PREFIX.len());
        if !begins.is_some_and(|begins| begins.eq_ignore_ascii_case(T::PREFIX.as_bytes())) {
            continue;
        }
        let mut letters = bytes.iter().enumerate().skip(at + T::PREFIX.len());
        let (mut id, mut end) = (String::with_capacity(LETTERS), at);
        while id.len() < LETTERS
            && let Some((place, letter)) = letters.next()
        {
            match letter {
                letter if letter.is_ascii_alphanumeric() => {
                    id.push(char::from(letter.to_ascii_lowercase()));
                    end = place;
                }
                letter if is_sign(char::from(*letter)) => {}
                _ => break,
            }
        }
        if !joins(end.checked_add(1))
            && let Ok(id) = parse_id::<T>(&format!("{}_{id}", T::PREFIX))
            && !found.contains(&id)
        {
            found.push(id);
        }
    }
    found
}

/// What banks put in the place of a sign that they do not carry, and where they break a line.
fn is_sign(letter: char) -> bool {
    matches!(letter, '_' | '-' | ' ' | '.' | '/' | '+' | '?' | ':')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, from_micros};
    use crate::ids::{IdSource, PayoutBatchId, PayoutId};

    fn ids() -> IdSource {
        IdSource::seeded(Clock::fixed(from_micros(1_795_000_000_000_000)), 7)
    }

    #[test]
    fn an_id_is_read_whatever_a_bank_made_of_its_sign_and_letters() {
        let (payout, batch): (PayoutId, PayoutBatchId) = (ids().mint(), ids().mint());
        let told = to_bank(&payout.to_string());
        assert_eq!(crate::rails::latin(&told), Some(told));
        for sign in ["_", "-", " ", ".", "/", ""] {
            for loud in [false, true] {
                let as_told = |id: String| {
                    let id = id.replace('_', sign);
                    if loud { id.to_ascii_uppercase() } else { id }
                };
                let (one, all) = (as_told(payout.to_string()), as_told(batch.to_string()));
                assert_eq!((bank_id(&one), bank_id(&all)), (Some(payout), Some(batch)), "{one} {all}");
                assert_eq!(bank_id::<PayoutBatchId>(&one), None);
                assert_eq!(bank_id::<PayoutId>(&all), None);
            }
        }
        let longer = format!("{payout}0");
        for no in ["", "po", "po_", "pó", "NONREF", longer.as_str(), &longer[1..], &longer[..28]] {
            assert_eq!(bank_id::<PayoutId>(no), None, "{no}");
        }
    }

    #[test]
    fn a_text_names_ids_that_begin_and_end_as_words_do() {
        let ids = ids();
        let (one, two): (PayoutId, PayoutId) = (ids.mint(), ids.mint());
        let (told, other) = (to_bank(&one.to_string()), two.to_string().to_ascii_uppercase());
        let broken = format!("{} {}", &told[..22], &told[22..]);
        for (text, expected) in [
            (told.clone(), vec![one]),
            (format!("EREF+{told}"), vec![one]),
            (format!("/EREF/{told}/REMI/Payout {told}"), vec![one]),
            (format!("166 SEPA EREF+{broken} SVWZ+Payout"), vec![one]),
            (format!("PAYOUT:{other}, then {told}."), vec![two, one]),
            (format!("付款{told}完"), vec![one]),
            (format!("x{told}"), vec![]),
            (format!("{told}0"), vec![]),
            (format!("po {}", &told[3..28]), vec![]),
            ("po po- pob".to_owned(), vec![]),
            (String::new(), vec![]),
        ] {
            assert_eq!(bank_ids_in::<PayoutId>(&text), expected, "{text}");
        }
    }
}
