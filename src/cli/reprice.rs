//! `fx reprice`: a catalogue's prices in another currency, line by line, in constant memory.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::PathBuf;

use clap::Args;

use crate::app::Sources;
use crate::domain::fx::{Ended, FxSettings, SourceName};
use crate::money::{Currency, Money, Rate, Repricing, Rounding};
use crate::rates::RateBook;
use crate::settings::Settings;

use super::output::{Out, unwritten, unwritten_csv};
use super::{CliError, Outcome};

#[derive(Debug, Args)]
pub struct Reprice {
    /// The currency of the catalogue
    #[arg(long, value_name = "CURRENCY")]
    from: String,
    /// The currency wanted
    #[arg(long, value_name = "CURRENCY")]
    to: String,
    /// Units of `to` for one of `from` [default: the newest rate compiled in, with the configured spread]
    #[arg(long, value_name = "RATE")]
    rate: Option<String>,
    /// CSV with the header `sku,amount`; - is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
}

/// Reads `sku,amount` and writes `sku,amount,price`: converted exactly, rounded half up once to the digits of the
/// currency's price tags, one step of them at least for what costs anything, as `/v1/prices` does with `exact`.
///
/// # Errors
/// [`CliError::Words`] with the line that is no price; what was written before it is right.
pub fn reprice(settings: &Settings, asked: &Reprice) -> Result<Outcome, CliError> {
    let find = |code: &str| Currency::find(code).map_err(|error| CliError::Words(error.to_string()));
    let (from, to) = (find(&asked.from)?, find(&asked.to)?);
    let rate = rate(settings, asked, from, to)?;
    let repricing = Repricing::new(rate, to.display_digits(), Rounding::HalfUp);
    let cannot_read = |why: io::Error| CliError::Words(format!("{}: {why}", asked.file.display()));
    let source: Box<dyn Read> = match asked.file.as_os_str() == "-" {
        true => Box::new(io::stdin().lock()),
        false => Box::new(File::open(&asked.file).map_err(cannot_read)?),
    };
    let priced = write(&repricing, from, source, Out::new())?;
    eprintln!("{priced} prices at {} {to} for 1 {from}", rate.value());
    Ok(Outcome::Done)
}

fn rate(settings: &Settings, asked: &Reprice, from: Currency, to: Currency) -> Result<Rate, CliError> {
    let words = |error: &dyn std::fmt::Display| CliError::Words(error.to_string());
    if let Some(text) = &asked.rate {
        return Rate::parse(from, to, text).map_err(|error| words(&error));
    }
    let Sources { clock, ids } = Sources::system();
    let bundled = FxSettings { sources: vec![SourceName::Bundled], ..settings.fx.clone() };
    let rates = RateBook::open(&bundled, clock, ids).map_err(|error| words(&error))?;
    let market = rates.mid(from, to).map_err(|error| words(&error))?;
    market.rate.with_markup(settings.fx.spread()).map_err(|error| words(&error))
}

fn write(
    repricing: &Repricing,
    from: Currency,
    source: impl Read,
    target: impl Write,
) -> Result<u64, CliError> {
    let mut reader = csv::Reader::from_reader(BufReader::with_capacity(1 << 16, source));
    let header = reader.headers().map_err(|error| CliError::Words(error.to_string()))?;
    if header != ["sku", "amount"].as_slice() {
        let found = header.iter().collect::<Vec<_>>().join(",");
        return Err(CliError::Words(format!("line 1: the header is `{found}`; write `sku,amount`")));
    }
    let mut writer = csv::WriterBuilder::new().buffer_capacity(1 << 16).from_writer(target);
    writer.write_record(["sku", "amount", "price"]).map_err(unwritten_csv)?;
    let least = Ended::least(repricing.pair().1).price;
    let mut row = csv::StringRecord::new();
    let mut priced = 0;
    while reader.read_record(&mut row).map_err(|error| CliError::Words(error.to_string()))? {
        let line = row.position().map_or(0, csv::Position::line);
        let refuse = |why: &dyn std::fmt::Display| CliError::Words(format!("line {line}: {why}"));
        let (sku, amount) = (&row[0], &row[1]);
        let own = Money::parse(amount, from).map_err(|error| refuse(&error))?;
        let price = match repricing.price(own).map_err(|error| refuse(&error))? {
            nothing if nothing.is_zero() && own.is_positive() => least,
            price => price,
        };
        writer.write_record([sku, own.digits().as_str(), price.digits().as_str()]).map_err(unwritten_csv)?;
        priced += 1;
    }
    writer.flush().map_err(unwritten)?;
    Ok(priced)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn priced(text: &str) -> Result<String, String> {
        let (usd, idr) = (Currency::known("USD"), Currency::known("IDR"));
        let rate = Rate::parse(usd, idr, "18148.2").unwrap();
        let repricing = Repricing::new(rate, idr.display_digits(), Rounding::HalfUp);
        let mut target = Vec::new();
        write(&repricing, usd, text.as_bytes(), &mut target).map_err(|error| error.to_string())?;
        Ok(String::from_utf8(target).unwrap())
    }

    #[test]
    fn a_catalogue_keeps_its_order_and_its_names() {
        let read = "sku,amount\nmug,9.99\n\"a, \"\"b\"\"\",0\nmug,100\n";
        let written =
            "sku,amount,price\nmug,9.99,181301.00\n\"a, \"\"b\"\"\",0.00,0.00\nmug,100.00,1814820.00\n";
        assert_eq!(priced(read), Ok(written.to_owned()));
    }

    #[test]
    fn what_costs_anything_is_not_given_away() {
        let (vnd, usd) = (Currency::known("VND"), Currency::known("USD"));
        let rate = Rate::parse(vnd, usd, "0.0000379").unwrap();
        let repricing = Repricing::new(rate, usd.display_digits(), Rounding::HalfUp);
        let mut target = Vec::new();
        write(&repricing, vnd, "sku,amount\nsweet,100\ngift,0\nbag,1000\n".as_bytes(), &mut target).unwrap();
        let written = String::from_utf8(target).unwrap();
        assert_eq!(written, "sku,amount,price\nsweet,100,0.01\ngift,0,0.00\nbag,1000,0.04\n");
    }

    #[test]
    fn what_is_no_price_is_named_by_its_line() {
        for (text, words) in [
            ("amount,sku\n1,a\n", "line 1: the header is `amount,sku`"),
            ("sku,amount\na,1.00\nb,1.234\n", "line 3: USD has 2 decimals"),
            ("sku,amount\na,1e3\n", "line 2: `1e3` is not an amount"),
            ("sku,amount\na,9999999999999999.00\n", "line 2: the amount in USD is too large"),
            ("sku,amount\na\n", "line: 2"),
        ] {
            let refused = priced(text).unwrap_err();
            assert!(refused.contains(words), "{text}: {refused}");
        }
    }
}
