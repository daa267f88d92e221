//! `replay`: what was settled, computed again; and what other fee rules would have made of it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

use chrono::NaiveDate;
use clap::Args;
use serde_json::{Value, json};

use crate::app::{Sources, open_store, restore_clock};
use crate::domain::fees::FeeBook;
use crate::domain::settlement::Whose;
use crate::domain::statements::harmless;
use crate::flows::issue_statement::Statements;
use crate::flows::replay::{ByOtherRules, Replay, Replayed};
use crate::ids::{MerchantId, SupplierId};
use crate::money::Money;
use crate::settings::Settings;
use crate::store::Store;

use super::output::{Out, unless_unread, unwritten};
use super::{CliError, Outcome, books};

/// What is computed again.
#[derive(Debug, Args)]
pub struct ReplayArguments {
    /// The first day, in each merchant's zone
    #[arg(long, value_name = "YYYY-MM-DD")]
    from: NaiveDate,
    /// The last day
    #[arg(long, value_name = "YYYY-MM-DD")]
    to: NaiveDate,
    /// One merchant [default: all]
    #[arg(long, value_name = "ID")]
    merchant: Option<MerchantId>,
    /// What it would have been by other rules: a file like those of config/fees; its schedule takes the place of the one
    /// of its name
    #[arg(long, value_name = "fees=FILE", value_parser = fees_file)]
    with: Option<PathBuf>,
    /// The day on which those rules are asked [default: the latest day on which one of them begins, where that lies behind
    /// `--to`; else each payment's own]
    #[arg(long, value_name = "YYYY-MM-DD", requires = "with")]
    as_of: Option<NaiveDate>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn fees_file(text: &str) -> Result<PathBuf, String> {
    match text.split_once('=') {
        Some(("fees", file)) if !file.is_empty() => Ok(file.into()),
        _ => Err("write `fees=` and a file".to_owned()),
    }
}

/// Computes settlements and issued statements again; byte for byte as they were, or [`Outcome::FoundFaults`].
///
/// # Errors
/// [`CliError`].
pub async fn replay(settings: Settings, asked: ReplayArguments) -> Result<Outcome, CliError> {
    let other = asked.with.as_ref().map(|file| {
        let name = file.display().to_string();
        let text = fs::read_to_string(file).map_err(|error| CliError::Words(format!("{name}: {error}")))?;
        FeeBook::read(&[(&name, &text)]).map_err(words)
    });
    let other = other.transpose()?;
    let begins = other.as_ref().and_then(FeeBook::latest_from).filter(|from| *from > asked.to);
    let as_of = asked.as_of.or(begins);
    let other = other.map(|book| book.asked_on(as_of));
    let Sources { clock, ids } = Sources::system();
    books::there(&settings).await?;
    let store = open_store(&settings, &clock, &ids).await?;
    restore_clock(&store, &clock).await?;
    let mut replay = Replay::new(store.clone(), Statements::new(store.clone(), clock, ids));
    let mut replayed = Replayed::default();
    let mut merchants = store.merchants().await.map_err(words)?;
    merchants.retain(|merchant| asked.merchant.is_none_or(|id| merchant.id == id));
    if let (Some(id), true) = (asked.merchant, merchants.is_empty()) {
        return Err(CliError::Words(format!("there is no merchant {id}")));
    }
    for merchant in &merchants {
        let days = (asked.from, asked.to);
        replay.run(merchant, days, other.as_ref(), &mut replayed).await.map_err(words)?;
    }
    let owners: Vec<MerchantId> = merchants.iter().map(|own| own.id).collect();
    let names = names(&replayed, &store, &owners).await;
    let told = names.and_then(|names| match asked.json {
        true => Out::new().line(format_args!("{:#}", as_json(&replayed, as_of, &names)?)),
        false => tell(&replayed, as_of, &names),
    });
    store.close().await;
    unless_unread(told)?;
    Ok(if replayed.differing == 0 { Outcome::Done } else { Outcome::FoundFaults })
}

fn tell(replayed: &Replayed, as_of: Option<NaiveDate>, names: &Names) -> Result<(), CliError> {
    let mut out = Out::new();
    out.line(format_args!(
        "{} settlements as they were, {} statements",
        replayed.settlements, replayed.statements
    ))?;
    for (engine, many) in &replayed.engines {
        out.line(format_args!("  {many} computed by {engine}"))?;
    }
    for (book, many) in &replayed.fee_books {
        out.line(format_args!("  {many} by fee book {}", book.get(..16).unwrap_or(book)))?;
    }
    if replayed.without_inputs > 0 {
        let many = replayed.without_inputs;
        out.line(format_args!("{many} settlements are older than their inputs are kept: not computed"))?;
    }
    for difference in &replayed.differences {
        out.line(format_args!("DIFFERS {} at {}", difference.what, difference.at))?;
        out.line(format_args!("  stored   {}", difference.stored))?;
        out.line(format_args!("  computed {}", difference.computed))?;
    }
    let untold = replayed.differing.saturating_sub(replayed.differences.len() as u64);
    if untold > 0 {
        out.line(format_args!("and {untold} more that differ"))?;
    }
    if let Some(other) = &replayed.by_other_rules {
        by_other_rules(other, as_of, names, &mut out)?;
    }
    Ok(())
}

fn by_other_rules(
    other: &ByOtherRules,
    as_of: Option<NaiveDate>,
    names: &Names,
    out: &mut Out,
) -> Result<(), CliError> {
    out.line(format_args!("\nby the other rules, {} settlements:", other.compared))?;
    match as_of {
        Some(day) => out.line(format_args!("tried as of {day}"))?,
        None => out.line("tried as of each payment's own day")?,
    }
    let all = other.compared + other.indivisible_count;
    if other.matched < all {
        let none = all - other.matched;
        out.line(format_args!(
            "no rule of the draft matched {none} of {all}: see its gateway, currency and dates; --as-of asks it on another day"
        ))?;
    }
    let mut csv = csv::Writer::from_writer(vec![]);
    csv.write_record(["who", "name", "currency", "then", "with", "difference"]).map_err(words)?;
    for (whose, then, with) in other.then.beside(&other.with) {
        csv.write_record(row(&whose, name_of(names, &whose), (then, with))?).map_err(words)?;
    }
    out.write_all(&csv.into_inner().map_err(words)?).map_err(unwritten)?;
    for (payment, why) in &other.indivisible {
        out.line(format_args!("{payment} could not have been divided: {why}"))?;
    }
    let untold = other.indivisible_count.saturating_sub(other.indivisible.len() as u64);
    if untold > 0 {
        out.line(format_args!("and {untold} more that could not"))?;
    }
    Ok(())
}

/// The same for programs; the first differences and the first payments that could not be divided, all of them counted.
fn as_json(replayed: &Replayed, as_of: Option<NaiveDate>, names: &Names) -> Result<Value, CliError> {
    let differences = replayed
        .differences
        .iter()
        .map(|one| json!({"what": one.what, "at": one.at, "stored": one.stored, "computed": one.computed}));
    let with = replayed.by_other_rules.as_ref().map(|other| {
        let parties = other.then.beside(&other.with).map(|(whose, then, with)| {
            let difference = with.checked_sub(then).map_err(words)?;
            let name = name_of(names, &whose);
            Ok(json!({"who": whose.to_string(), "name": name, "then": then, "with": with, "difference": difference}))
        });
        let indivisible = other.indivisible.iter();
        let indivisible = indivisible.map(|(payment, why)| json!({"payment": payment.to_string(), "why": why}));
        Ok::<_, CliError>(json!({
            "as_of": as_of, "compared": other.compared, "matched": other.matched,
            "parties": parties.collect::<Result<Vec<_>, CliError>>()?,
            "indivisible_count": other.indivisible_count, "indivisible": indivisible.collect::<Vec<_>>(),
        }))
    });
    Ok(json!({
        "settlements": replayed.settlements, "statements": replayed.statements,
        "without_inputs": replayed.without_inputs, "engines": replayed.engines, "fee_books": replayed.fee_books,
        "differing": replayed.differing, "differences": differences.collect::<Vec<_>>(), "with": with.transpose()?,
    }))
}

/// Whoever it is chose the name: no spreadsheet runs it.
fn row(whose: &Whose, name: &str, (then, with): (Money, Money)) -> Result<[String; 6], CliError> {
    Ok([
        whose.to_string(),
        harmless(name),
        then.currency().code().to_owned(),
        then.amount().to_string(),
        with.amount().to_string(),
        with.checked_sub(then).map_err(words)?.amount().to_string(),
    ])
}

/// Suppliers by their names.
type Names = BTreeMap<SupplierId, String>;

fn name_of<'a>(names: &'a Names, whose: &Whose) -> &'a str {
    match whose {
        Whose::Supplier(id) => names.get(id).map_or("", String::as_str),
        Whose::Platform | Whose::Gateway => "",
    }
}

/// The names of the suppliers that other rules would have paid otherwise or not.
async fn names(replayed: &Replayed, store: &Store, merchants: &[MerchantId]) -> Result<Names, CliError> {
    let mut names = Names::new();
    let other = replayed.by_other_rules.iter().flat_map(|other| other.then.beside(&other.with));
    for (whose, ..) in other {
        let Whose::Supplier(id) = whose else { continue };
        for merchant in merchants {
            if let Some(known) = store.supplier(*merchant, id).await.map_err(words)? {
                names.insert(id, known.value.name);
            }
        }
    }
    Ok(names)
}

fn words(error: impl std::fmt::Display) -> CliError {
    CliError::Words(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    #[test]
    fn a_name_is_run_by_no_spreadsheet_and_a_loss_stays_a_number() {
        let usd = |minor| Money::from_minor(minor, Currency::known("USD"));
        for (name, shown) in
            [("=HYPERLINK(\"http://x\")", "'=HYPERLINK(\"http://x\")"), ("@a", "'@a"), ("A = B", "A = B")]
        {
            let row = row(&Whose::Platform, name, (usd(1_000), usd(400))).unwrap();
            assert_eq!(row[1..], [shown, "USD", "10.00", "4.00", "-6.00"]);
        }
    }
}
