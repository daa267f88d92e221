//! The bundled history and the ECB adapter against the ECB's own numbers read in another way: its statistics service.

use std::path::PathBuf;

use straits::clock::Clock;
use straits::domain::fx::{FxSettings, SourceName};
use straits::ids::IdSource;
use straits::money::Currency;
use straits::rates::RateBook;

fn reference() -> Option<PathBuf> {
    let folder = std::env::var_os("STRAITS_REFERENCE_DIR").map(|folder| PathBuf::from(folder).join("data"));
    if folder.is_none() {
        eprintln!("skipped: STRAITS_REFERENCE_DIR is not set, the ECB's recorded answers are not here");
    }
    folder
}

fn book() -> RateBook {
    let clock = Clock::fixed("2026-10-30T17:00:00Z".parse().unwrap());
    let settings = FxSettings { sources: vec![SourceName::Bundled], ..FxSettings::default() };
    RateBook::open(&settings, clock.clone(), IdSource::seeded(clock, 1)).unwrap()
}

/// `FREQ,CURRENCY,TIME_PERIOD,OBS_VALUE`; trailing zeros differ between the ECB's own publications and are left aside.
#[test]
fn the_statistics_service_says_the_same() {
    let Some(folder) = reference() else { return };
    let text = std::fs::read_to_string(folder.join("fx-samples/recorded/ecb_sdmx_recent.csv")).unwrap();
    let book = book();
    let euro = Currency::find("EUR").unwrap();
    let mut compared = 0;
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let [_, code, date, value] = fields[..] else { panic!("{line}") };
        let day = book.on(date.parse().unwrap()).unwrap();
        let market = day.mid(euro, Currency::find(code).unwrap()).unwrap();
        assert_eq!(market.as_of.date_naive().to_string(), date, "{line}");
        assert_eq!(market.rate.value().normalize().to_string(), trimmed(value), "{line}");
        compared += 1;
    }
    assert!(compared > 600, "{compared}");
}

#[test]
fn the_daily_file_says_the_same() {
    let Some(folder) = reference() else { return };
    let text = std::fs::read_to_string(folder.join("ecb-eurofxref-daily-2026-10-30.csv")).unwrap();
    let mut rows = text.lines().map(|line| line.split(',').map(str::trim).collect::<Vec<_>>());
    let (codes, values) = (rows.next().unwrap(), rows.next().unwrap());
    let book = book();
    let pairs = codes.iter().zip(&values).skip(1).filter(|(code, _)| !code.is_empty());
    let compared = pairs.map(|(code, value)| {
        let market = book.mid(Currency::find("EUR").unwrap(), Currency::find(code).unwrap()).unwrap();
        assert_eq!(market.rate.value().normalize().to_string(), trimmed(value), "{code}");
    });
    assert_eq!(compared.count(), 29);
}

/// Without trailing zeros, as text: no number type in between.
fn trimmed(value: &str) -> &str {
    if value.contains('.') { value.trim_end_matches('0').trim_end_matches('.') } else { value }
}
