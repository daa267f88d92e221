//! `fx backtest`: what buffers would have covered, over the history the program carries.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Europe::Berlin;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::app::Sources;
use crate::domain::fx::backtest::{Outcome as Covered, TOLERANCE, walk};
use crate::domain::fx::{AtCap, BufferPolicy, FxSettings, Lock, SourceName, VolatilitySettings};
use crate::money::Currency;
use crate::rates::RateBook;
use crate::settings::Settings;

use super::output::{say, unless_unread};
use super::{CliError, Outcome, reprice};

/// What a dollar shop sells in, as far as the ECB publishes it.
const QUOTES: &str = "SGD,MYR,THB,IDR,PHP,CNY,HKD,KRW,INR,JPY,GBP,EUR,AUD";

const METHOD: &str = "Each published day quotes at its publication (about 16:00 in Frankfurt) with what was known then. \
Covered: |move| * sqrt((lock + lag) / (open days * 1 day)) <= buffer + weekend premium. The move is the relative one to the \
next publication (from two days of lock and lag on: over as many publications as they have whole days), up or down alike; \
open days are the weekdays between the two. So a lock shorter than a day, for which daily rates have no points, and a \
holiday's longer move are scaled by the square root of time. Spreads are left out.";

#[derive(Debug, Subcommand)]
pub enum FxCommand {
    /// Hold the quotes' buffers against history; exit 1 when a share is more than 1 point below its target
    Backtest(Backtest),
    /// Price a catalogue in another currency: CSV in, CSV out, any length
    Reprice(reprice::Reprice),
}

#[derive(Debug, Args)]
pub struct Backtest {
    /// First day that is quoted
    #[arg(long, value_name = "DATE")]
    from: Option<NaiveDate>,
    /// Last day that is quoted [default: the pair's last]
    #[arg(long, value_name = "DATE")]
    to: Option<NaiveDate>,
    /// One pair, such as USD/THB; may be given again
    #[arg(long, value_name = "BASE/QUOTE", conflicts_with_all = ["base", "quotes"])]
    pair: Vec<String>,
    /// The pairs' base
    #[arg(long, value_name = "CURRENCY", default_value = "USD")]
    base: String,
    /// The pairs' other sides
    #[arg(long, value_name = "CURRENCIES", value_delimiter = ',', default_value = QUOTES)]
    quotes: Vec<String>,
    /// One lock: 5m, 30m, 1h or 24h; may be given again [default: all]
    #[arg(long, value_name = "LOCK")]
    lock: Vec<Lock>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Runs it with the settings in force.
///
/// # Errors
/// [`CliError::Words`] for currencies and pairs that have no history.
pub fn backtest(settings: &Settings, asked: &Backtest) -> Result<Outcome, CliError> {
    let words = |error: &dyn std::fmt::Display| CliError::Words(error.to_string());
    let Sources { clock, ids } = Sources::system();
    // What is compiled in, so that two machines print the same.
    let bundled = FxSettings { sources: vec![SourceName::Bundled], ..settings.fx.clone() };
    let rates = RateBook::open(&bundled, clock.clone(), ids).map_err(|error| words(&error))?;
    let policy = settings.fx.buffers();
    let locks = if asked.lock.is_empty() { Lock::ALL.to_vec() } else { asked.lock.clone() };
    let (first, today) = (NaiveDate::from_ymd_opt(1999, 1, 1).unwrap_or_default(), clock.now().date_naive());
    let mut rows = vec![];
    for (base, quote) in pairs(asked)? {
        let to = asked.to.or_else(|| rates.last_day(base, quote)).unwrap_or(NaiveDate::MAX);
        let days = (asked.from.unwrap_or(NaiveDate::MIN), to);
        // The days before `from` are history to quote from.
        let before = usize::from(policy.volatility.history_moves) + 60;
        let span = (days.1.min(today) - days.0.max(first)).num_days();
        // Those after `to` are what its quotes are held against.
        let lag_days = u64::from(policy.volatility.settlement_lag_min) / (24 * 60);
        let after = Days::new(2 * lag_days + 15);
        let most = usize::try_from(span.max(0) + i64::try_from(2 * lag_days + 15).unwrap_or(0)).unwrap_or(0)
            + before;
        let until = days.1.checked_add_days(after).unwrap_or(NaiveDate::MAX);
        let history = rates.daily(base, quote, until, most);
        let outcomes = walk(&history, &locks, &policy, publication, days);
        if outcomes.iter().any(|one| one.quotes == 0) {
            let least = policy.volatility.minimum_moves;
            return Err(CliError::Words(format!(
                "there is no day to quote {base}/{quote} on: it takes {least} daily moves before and one after"
            )));
        }
        rows.extend(outcomes.into_iter().map(|outcome| Row { base, quote, outcome }));
    }
    let told = if asked.json { say!("{:#}", document(&rows, &policy)) } else { print(&rows, &policy) };
    unless_unread(told)?;
    let short = rows.iter().any(|row| !row.outcome.passes());
    Ok(if short { Outcome::FoundFaults } else { Outcome::Done })
}

/// One line of the report.
struct Row {
    base: Currency,
    quote: Currency,
    outcome: Covered,
}

fn pairs(asked: &Backtest) -> Result<Vec<(Currency, Currency)>, CliError> {
    // Currencies that are no more have a past all the same.
    let find = |code: &str| Currency::find_ever(code).map_err(|error| CliError::Words(error.to_string()));
    let pair = |text: &String| {
        let (base, quote) = text
            .split_once('/')
            .ok_or_else(|| CliError::Words(format!("`{text}` is no pair; write USD/THB")))?;
        Ok((find(base)?, find(quote)?))
    };
    if !asked.pair.is_empty() {
        return asked.pair.iter().map(pair).collect();
    }
    let base = find(&asked.base)?;
    asked.quotes.iter().map(|quote| Ok((base, find(quote)?))).collect()
}

/// The moment a day's reference rates are there: about 16:00 in Frankfurt.
fn publication(day: NaiveDate) -> DateTime<Utc> {
    let four = NaiveTime::from_hms_opt(16, 0, 0).unwrap_or(NaiveTime::MIN);
    let local = Berlin.from_local_datetime(&day.and_time(four)).earliest();
    local.map_or_else(|| day.and_time(four).and_utc(), |local| local.with_timezone(&Utc))
}

fn print(rows: &[Row], policy: &BufferPolicy) -> Result<(), CliError> {
    say!("{METHOD}\n")?;
    let VolatilitySettings { minimum_moves, history_moves, .. } = policy.volatility;
    let VolatilitySettings { settlement_lag_min: lag, floor_bps: floor, cap_bps: cap, .. } =
        policy.volatility;
    say!(
        "buffer = k * sigma * sqrt((lock + lag) / 1 day), rounded up to a basis point, {floor} at least and {cap} at most; \
         lag {lag} min, weekend premium {} bps. sigma^2: mean of the first {minimum_moves} of the last {history_moves} moves \
         per open day, then decaying by {}.\n",
        policy.weekend.bps,
        decay_text(policy),
    )?;
    say!("pair     lock  k      quotes  covered  share    target  mean buffer bps  worst uncovered bps")?;
    for Row { base, quote, outcome } in rows {
        let worst = outcome.worst_on.map(|day| format!("  ({day})")).unwrap_or_default();
        let verdict = if outcome.passes() { "" } else { "  BELOW" };
        say!(
            "{base}/{quote}  {:<4}  {:<5}  {:>6}  {:>7}  {:>6}%  {:>5}%  {:>15}  {:>19}{worst}{verdict}",
            outcome.lock.as_str(),
            k(policy, outcome.lock),
            outcome.quotes,
            outcome.covered,
            hundredths(outcome.share()),
            outcome.target / 100,
            tenths(outcome.mean_buffer),
            outcome.worst_uncovered_bps,
        )?;
    }
    let short = rows.iter().filter(|row| !row.outcome.passes()).count();
    say!("\n{short} of {} below target by more than {} points", rows.len(), hundredths(TOLERANCE))
}

/// Everything that the outcome hangs on, so that it can be recomputed.
fn parameters(policy: &BufferPolicy) -> serde_json::Value {
    let own = &policy.volatility;
    json!({
        "decay": decay_text(policy), "minimum_moves": own.minimum_moves, "history_moves": own.history_moves,
        "settlement_lag_min": own.settlement_lag_min, "floor_bps": own.floor_bps, "cap_bps": own.cap_bps,
        "at_cap": match own.at_cap { AtCap::Hold => "hold", AtCap::Refuse => "refuse" },
        "weekend_bps": policy.weekend.bps, "published_at": "16:00 Europe/Berlin",
    })
}

fn decay_text(policy: &BufferPolicy) -> String {
    format!("0.{:04}", policy.volatility.decay.ten_thousandths())
}

fn k(policy: &BufferPolicy, lock: Lock) -> String {
    policy.coverage.k(policy.coverage.target(lock)).value().to_string()
}

fn document(rows: &[Row], policy: &BufferPolicy) -> serde_json::Value {
    let row = |row: &Row| {
        let outcome = &row.outcome;
        json!({
            "base": row.base, "quote": row.quote, "lock": outcome.lock,
            "k": k(policy, outcome.lock), "quotes": outcome.quotes,
            "covered": outcome.covered, "share_percent": hundredths(outcome.share()),
            "target_percent": outcome.target / 100, "mean_buffer_bps": tenths(outcome.mean_buffer),
            "worst_uncovered_bps": outcome.worst_uncovered_bps, "worst_on": outcome.worst_on,
            "passes": outcome.passes(),
        })
    };
    json!({
        "method": METHOD, "parameters": parameters(policy), "tolerance_points": hundredths(TOLERANCE),
        "passes": rows.iter().all(|row| row.outcome.passes()),
        "rows": rows.iter().map(row).collect::<Vec<_>>(),
    })
}

fn hundredths(value: u32) -> String {
    format!("{}.{:02}", value / 100, value % 100)
}

fn tenths(value: u64) -> String {
    format!("{}.{}", value / 10, value % 10)
}
