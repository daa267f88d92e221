//! Rates from a text that is compiled in: recorded, or bundled with a program. (A file on a disk is [`crate::file`].)
//!
//! The text has the header `date,currency,rate_per_<base>` and one rate per line, sorted or not. No network is touched.
//! Every line has its end, the last one too.
//! The same refusals as for a live answer: one bad line refuses the file and is named by its number.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use crate::{Answer, Code, RateSet, RateSource, SourceError, Validator, Window, parse_rate};

/// Builds the set of one date: a source's own calendar knows its times.
pub type Dating = fn(NaiveDate, BTreeMap<Code, Decimal>, DateTime<Utc>) -> RateSet;

/// A source that answers from a text.
#[derive(Debug, Clone)]
pub struct Recorded {
    name: &'static str,
    sets: Vec<RateSet>,
    text: &'static str,
}

/// Why a recorded file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct FileError {
    /// Counted from one.
    pub line: usize,
    /// What is wrong.
    pub why: String,
}

impl Recorded {
    /// A source over a text that is compiled in.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn new(
        name: &'static str,
        text: &'static str,
        fetched_at: DateTime<Utc>,
        dating: Dating,
    ) -> Result<Recorded, FileError> {
        Ok(Recorded { name, sets: read(text, fetched_at, dating)?, text })
    }

    /// Every set, oldest first.
    pub fn sets(&self) -> &[RateSet] {
        &self.sets
    }

    /// The file as it is, for evidence.
    pub fn text(&self) -> &'static str {
        self.text
    }
}

#[async_trait]
impl RateSource for Recorded {
    fn name(&self) -> &'static str {
        self.name
    }

    fn offers(&self, _: Window) -> bool {
        true
    }

    async fn fetch(
        &self,
        window: Window,
        _: Option<&Validator>,
        _: DateTime<Utc>,
    ) -> Result<Answer, SourceError> {
        let upto = match window {
            Window::On(date) => self.sets.partition_point(|set| set.as_of.date_naive() <= date),
            Window::Latest | Window::Recent | Window::Whole => self.sets.len(),
        };
        let take = match window {
            Window::Whole => upto,
            Window::Recent => 90,
            Window::Latest | Window::On(_) => 1,
        };
        let sets = self.sets[upto.saturating_sub(take)..upto].to_vec();
        if sets.is_empty() {
            return Err(SourceError::NotOffered { source_name: self.name, window });
        }
        let body = self.text.as_bytes().to_vec();
        Ok(Answer::Sets { sets, body, validator: None, notices: Vec::new() })
    }
}

/// The rates of each day.
pub type Days = BTreeMap<NaiveDate, BTreeMap<Code, Decimal>>;

/// Reads a file into its sets, oldest first. Pure.
///
/// # Errors
/// [`FileError`] with the number of the line.
pub fn read(text: &str, fetched_at: DateTime<Utc>, dating: Dating) -> Result<Vec<RateSet>, FileError> {
    let (_, days) = read_days(text)?;
    Ok(days.into_iter().map(|(date, rates)| dating(date, rates, fetched_at)).collect())
}

/// Reads a file into its base and its days, digits as they stand. Pure.
///
/// # Errors
/// [`FileError`] with the number of the line.
pub fn read_days(text: &str) -> Result<(Code, Days), FileError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.lines().enumerate();
    let header = lines.next().map_or("", |(_, line)| line);
    let base = header.strip_prefix("date,currency,rate_per_");
    let base = base.and_then(|base| Code::parse(&base.to_ascii_uppercase()).ok()).ok_or_else(|| {
        let header: String = header.chars().take(64).collect();
        FileError { line: 1, why: format!("the header is `{header}`, not `date,currency,rate_per_<base>`") }
    })?;
    let mut days = Days::new();
    let mut known = ("", NaiveDate::MIN);
    for (index, line) in lines.filter(|(_, line)| !line.is_empty()) {
        let refuse = |why: &str| {
            let line: String = line.chars().take(64).collect();
            FileError { line: index + 1, why: format!("{why} in `{line}`") }
        };
        let mut fields = line.split(',');
        let (Some(date), Some(code), Some(rate), None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(refuse("three fields expected"));
        };
        // Files are mostly sorted: a date's text is read once.
        if date != known.0 {
            known = (date, date.parse().map_err(|_| refuse("no date"))?);
        }
        let date = known.1;
        let code = Code::parse(code).map_err(|_| refuse("no currency code"))?;
        let rate = parse_rate(rate).ok_or_else(|| refuse("no rate"))?;
        if code == base {
            return Err(refuse("the base itself"));
        }
        if days.entry(date).or_default().insert(code, rate).is_some() {
            return Err(refuse("a second rate for the same day"));
        }
    }
    // A cut in the middle of a number would leave another number.
    if !text.ends_with('\n') {
        let line = text.lines().count();
        return Err(FileError { line, why: "it has no line end: the file may be cut off".to_owned() });
    }
    if days.is_empty() {
        return Err(FileError { line: 2, why: "no rates follow".to_owned() });
    }
    Ok((base, days))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecb;

    #[test]
    fn reads_days_oldest_first_with_their_digits() {
        let text = "date,currency,rate_per_eur\n2026-10-30,USD,1.1172\n2026-10-29,USD,1.113\n";
        let sets = read(text, DateTime::UNIX_EPOCH, ecb::rate_set).unwrap();
        let texts: Vec<String> =
            sets.iter().map(|set| format!("{} {:?}", set.as_of.date_naive(), set.rates)).collect();
        assert_eq!(texts, ["2026-10-29 {USD: 1.113}", "2026-10-30 {USD: 1.1172}"]);
    }

    #[test]
    fn a_number_that_may_be_cut_is_no_number() {
        let text = "date,currency,rate_per_eur\n2026-10-30,USD,1.1172";
        assert_eq!(read(text, DateTime::UNIX_EPOCH, ecb::rate_set).unwrap_err().line, 2);
    }

    #[test]
    fn names_the_bad_line() {
        for (rows, line) in [
            ("", 2),
            ("2026-10-30,USD", 2),
            ("2026-10-30,USD,1,2", 2),
            ("2026-10-30,USD,1\n2026-10-30,USD,1", 3),
            ("2026-10-30,USD,1\n\n2026-13-30,USD,1", 4),
            ("2026-10-30,usd,1", 2),
            ("2026-10-30,USD,0", 2),
            ("2026-10-30,EUR,1", 2),
        ] {
            let text = format!("date,currency,rate_per_eur\n{rows}\n");
            assert_eq!(read(&text, DateTime::UNIX_EPOCH, ecb::rate_set).unwrap_err().line, line, "{rows}");
        }
        for header in
            ["<html>", "", "date,currency,rate_per_", "date,currency,rate_per_euro", "date;currency;rate"]
        {
            assert_eq!(read(header, DateTime::UNIX_EPOCH, ecb::rate_set).unwrap_err().line, 1, "{header}");
        }
    }
}
