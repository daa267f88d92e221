//! The ECB's whole history, compiled in: its own file, compressed, read when it is asked about.
//!
//! The file is the ECB's `eurofxref-hist.csv`: one line for each TARGET day since 1999-01-04, newest first, one column
//! for each currency there ever was, `N/A` where it had no rate that day. A start reads the newest line only; the first
//! question about a past day unpacks the text and notes where each day's line begins and which days have a currency; a day
//! is read when it is asked for. So 27 years cost a start nothing and two megabytes afterwards.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::ops::{Range, RangeInclusive};
use std::sync::{Arc, LazyLock};

use chrono::{DateTime, NaiveDate};
use flate2::read::GzDecoder;
use fx_providers::{Code, ecb, parse_rate};

use super::RatesError;
use super::publish::{evidence, publication};
use crate::domain::fx::Publication;

const PACKED: &[u8] = include_bytes!("../../config/fx/ecb-history.csv.gz");
const NAME: &str = "ecb-history.csv.gz";
/// When the file was read from the ECB: 2026-10-30, 15:56 UTC.
const FETCHED_AT: i64 = 1_793_375_760;

/// The hash of the file as it is compiled in.
static EVIDENCE: LazyLock<Arc<str>> = LazyLock::new(|| evidence(PACKED).into());
static UNPACKED: LazyLock<Result<Archive, RatesError>> = LazyLock::new(Archive::unpack);

/// The text, and where each day's line stands in it.
#[derive(Debug)]
struct Archive {
    text: String,
    codes: Vec<Option<Code>>,
    /// Oldest first.
    days: Vec<(NaiveDate, Range<usize>)>,
    /// For each code the runs of `days` that have it, oldest first: a currency may pause for years.
    runs: Vec<Vec<RangeInclusive<usize>>>,
}

/// The newest day, without unpacking the rest.
///
/// # Errors
/// [`RatesError::Bundled`]; a test excludes it.
pub(super) fn newest() -> Result<Publication, RatesError> {
    let mut lines = BufReader::new(GzDecoder::new(PACKED)).lines();
    let mut line = || lines.next().transpose().ok().flatten().ok_or_else(|| refuse("it is cut"));
    let (header, first) = (line()?, line()?);
    let date = date_of(&first).ok_or_else(|| refuse("no date in its second line"))?;
    read_line(&codes(&header), date, &first)
}

/// The last day on or before `date`; `None` before the first.
///
/// # Errors
/// [`RatesError::Bundled`]; a test excludes it.
pub(super) fn on(date: NaiveDate) -> Result<Option<Publication>, RatesError> {
    let archive = UNPACKED.as_ref().map_err(Clone::clone)?;
    let after = archive.days.partition_point(|(day, _)| *day <= date);
    let Some((day, line)) = after.checked_sub(1).and_then(|index| archive.days.get(index)) else {
        return Ok(None);
    };
    read_line(&archive.codes, *day, &archive.text[line.clone()]).map(Some)
}

/// The last day on or before `date`, and before it the days on which those that it lacks were published last, newest
/// first; empty before the first.
///
/// # Errors
/// [`RatesError::Bundled`]; a test excludes it.
pub(super) fn last_words(date: NaiveDate) -> Result<Vec<Publication>, RatesError> {
    let archive = UNPACKED.as_ref().map_err(Clone::clone)?;
    let Some(newest) = archive.days.partition_point(|(day, _)| *day <= date).checked_sub(1) else {
        return Ok(Vec::new());
    };
    let last_of = |runs: &Vec<RangeInclusive<usize>>| {
        let run = runs.iter().rfind(|run| *run.start() <= newest)?;
        Some((*run.end()).min(newest))
    };
    let mut places: Vec<usize> = archive.runs.iter().filter_map(last_of).chain([newest]).collect();
    places.sort_unstable();
    places.dedup();
    let days = places.iter().rev().filter_map(|place| archive.days.get(*place));
    days.map(|(day, line)| read_line(&archive.codes, *day, &archive.text[line.clone()])).collect()
}

/// The first day there is.
///
/// # Errors
/// [`RatesError::Bundled`]; a test excludes it.
pub(super) fn first_day() -> Result<Option<NaiveDate>, RatesError> {
    let archive = UNPACKED.as_ref().map_err(Clone::clone)?;
    Ok(archive.days.first().map(|(day, _)| *day))
}

impl Archive {
    fn unpack() -> Result<Archive, RatesError> {
        let mut text = String::new();
        GzDecoder::new(PACKED).read_to_string(&mut text).map_err(|error| refuse(&error.to_string()))?;
        let header = text.lines().next().unwrap_or_default();
        let (codes, mut start) = (codes(header), header.len() + 1);
        let mut days = Vec::with_capacity(text.len() / 256);
        for line in text.get(start..).unwrap_or_default().split_inclusive('\n') {
            let range = start..start + line.len();
            start = range.end;
            days.push((date_of(line).ok_or_else(|| refuse("a line without a date"))?, range));
        }
        days.sort_by_key(|(day, _)| *day);
        let mut runs: Vec<Vec<RangeInclusive<usize>>> = vec![Vec::new(); codes.len()];
        for (place, (_, line)) in days.iter().enumerate() {
            let cells = text[line.clone()].trim_end().split(',').skip(1);
            for (runs, _) in runs.iter_mut().zip(cells).filter(|(_, cell)| !is_blank(cell)) {
                match runs.last_mut() {
                    Some(run) if run.end() + 1 == place => *run = *run.start()..=place,
                    _ => runs.push(place..=place),
                }
            }
        }
        Ok(Archive { text, codes, days, runs })
    }
}

fn codes(header: &str) -> Vec<Option<Code>> {
    header.trim_end().split(',').skip(1).map(|code| Code::parse(code).ok()).collect()
}

/// Whether a cell says that there was no rate.
fn is_blank(cell: &str) -> bool {
    matches!(cell, "N/A" | "")
}

fn date_of(line: &str) -> Option<NaiveDate> {
    line.get(..10)?.parse().ok()
}

fn read_line(codes: &[Option<Code>], date: NaiveDate, line: &str) -> Result<Publication, RatesError> {
    let mut rates = BTreeMap::new();
    let cells = line.trim_end().split(',').skip(1);
    for (code, cell) in codes.iter().zip(cells).filter(|(_, cell)| !is_blank(cell)) {
        let rate = parse_rate(cell).ok_or_else(|| refuse(&format!("`{cell}` on {date} is no rate")))?;
        code.map(|code| rates.insert(code, rate));
    }
    let fetched_at = DateTime::from_timestamp(FETCHED_AT, 0).unwrap_or_default();
    publication(&ecb::rate_set(date, rates, fetched_at), EVIDENCE.clone())
        .ok_or_else(|| refuse("its base is unknown"))
}

fn refuse(why: &str) -> RatesError {
    RatesError::Bundled { file: NAME, why: why.to_owned() }
}
