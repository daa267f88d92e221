//! From what a source answers to the house's own publication.

use std::sync::Arc;

use fx_providers::{Kind, RateSet, Schedule};

use crate::domain::fx::{Due, Publication, Quoted, RateKind};
use crate::money::Currency;

/// `sha256:` and the digest of an answer, in hexadecimal.
pub(super) fn evidence(answer: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, answer);
    let hex = digest.as_ref().iter().map(|byte| format!("{byte:02x}"));
    hex.fold("sha256:".to_owned(), |text, byte| text + &byte)
}

/// The set in our words. Codes that ISO 4217 does not know, or knew no more on that day, are left out; a base of that
/// kind gives nothing.
pub(super) fn publication(set: &RateSet, evidence: Arc<str>) -> Option<Publication> {
    let day = set.as_of.date_naive();
    let known = |code: &fx_providers::Code| {
        let found = Currency::find_ever(code.as_str()).ok();
        found.filter(|currency| currency.last_day().is_none_or(|last| day <= last))
    };
    let base = known(&set.base)?;
    let mut rates: Vec<(Currency, rust_decimal::Decimal)> = set
        .rates
        .iter()
        .filter_map(|(code, value)| Some((known(code)?, *value)))
        .filter(|(currency, _)| *currency != base)
        .collect();
    rates.sort_unstable_by_key(|(currency, _)| *currency);
    Some(Publication {
        source: set.provider.into(),
        base,
        quoted: match set.quoted {
            fx_providers::Quoted::UnitsPerBase => Quoted::UnitsPerBase,
            fx_providers::Quoted::BasePerUnit => Quoted::BasePerUnit,
        },
        kind: match set.kind {
            Kind::Reference => RateKind::Reference,
            Kind::Mid => RateKind::Mid,
        },
        as_of: set.as_of,
        published_at: set.published_at,
        fetched_at: set.fetched_at,
        due: match set.schedule {
            Schedule::NextAt(next) => Due::NextAt(next),
            Schedule::Every(interval) => Due::Every(interval),
        },
        evidence,
        rates: rates.into(),
    })
}
