//! Whom a supplier hears from us by about its payout account. Who was it lately is told as well: whoever takes a supplier
//! over changes the contact before he changes the account.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// So long a contact that was replaced is still told.
pub const TOLD_AFTER: TimeDelta = TimeDelta::days(30);
/// Contacts that are remembered, besides those who are still told.
const MOST: usize = 50;

/// One contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Its e-mail address.
    pub email: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// A supplier's contacts, oldest first: the last is the one that counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Contacts(Vec<Contact>);

impl Contacts {
    /// Who is the contact now.
    pub fn current(&self) -> Option<&str> {
        self.0.last().map(|contact| contact.email.as_str())
    }

    /// Somebody else from now on; the same changes nothing.
    pub fn replace(&mut self, email: String, now: DateTime<Utc>) {
        if self.current() != Some(email.as_str()) {
            self.0.push(Contact { email, since: now });
        }
        // Whoever floods the list pushes nobody out who has to be told.
        let beyond = self.0.len().saturating_sub(MOST);
        let over = self.0.iter().skip(1).take_while(|next| next.since + TOLD_AFTER <= now).count();
        self.0.drain(..beyond.min(over));
    }

    /// Whether so many were the contact lately that nobody else becomes it before some of them need not be told any more.
    pub fn is_crowded(&self) -> bool {
        self.0.len() > MOST
    }

    /// Everybody who was the contact at some time of the last [`TOLD_AFTER`], the oldest first.
    pub fn told(&self, now: DateTime<Utc>) -> Vec<&str> {
        let mut told: Vec<&str> = vec![];
        for (nth, contact) in self.0.iter().enumerate() {
            let until = self.0.get(nth + 1).map_or(now, |next| next.since);
            if until + TOLD_AFTER > now && !told.contains(&contact.email.as_str()) {
                told.push(&contact.email);
            }
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;

    #[test]
    fn who_was_the_contact_lately_is_told_as_well() {
        let start = from_micros(1_795_000_000_000_000);
        let day = |day: i64| start + TimeDelta::days(day);
        let mut contacts = Contacts::default();
        assert_eq!((contacts.current(), contacts.told(start)), (None, vec![]));
        contacts.replace("a@x.example".into(), day(0));
        contacts.replace("a@x.example".into(), day(5));
        contacts.replace("thief@y.example".into(), day(10));
        for (at, told) in [
            (10, vec!["a@x.example", "thief@y.example"]),
            (39, vec!["a@x.example", "thief@y.example"]),
            (40, vec!["thief@y.example"]),
            (4_000, vec!["thief@y.example"]),
        ] {
            assert_eq!(contacts.told(day(at)), told, "day {at}");
        }
        assert_eq!(contacts.current(), Some("thief@y.example"));
        for nth in 0..200 {
            contacts.replace(format!("{nth}@x.example"), day(50 + nth));
        }
        assert_eq!((contacts.0.len(), contacts.current()), (50, Some("199@x.example")));
        // A flood within one day forgets nobody.
        let told = contacts.told(day(260)).len();
        for nth in 0..60 {
            contacts.replace(format!("flood{nth}@y.example"), day(260));
        }
        assert_eq!((contacts.told(day(260)).len(), contacts.is_crowded()), (told + 60, true));
    }
}
