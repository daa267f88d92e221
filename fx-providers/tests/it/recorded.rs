//! What the two central banks really sent. The recordings may not be passed on, so they are read from a folder of
//! references where there is one (`STRAITS_REFERENCE_DIR`), and this says so where there is none.

use fx_providers::{Code, Quoted, RateSet, bnm, bot};

use crate::samples::at;

fn recording(name: &str) -> Option<Vec<u8>> {
    let folder = std::env::var_os("STRAITS_REFERENCE_DIR").filter(|folder| !folder.is_empty());
    let Some(folder) = folder else {
        eprintln!("skipped: STRAITS_REFERENCE_DIR is not set, {name} was not read");
        return None;
    };
    let path = std::path::Path::new(&folder).join("data/fx-samples/recorded").join(name);
    match std::fs::read(&path) {
        Ok(body) => Some(body),
        Err(error) => {
            eprintln!("skipped: {}: {error}", path.display());
            None
        }
    }
}

fn rate(set: &RateSet, code: &str) -> String {
    set.rates[&Code::parse(code).unwrap()].normalize().to_string()
}

#[test]
fn the_bank_of_malaysia_s_session() {
    let Some(body) = recording("bnm_exchange_rate_session0900.json") else { return };
    let sets = bnm::read(&body, at("2026-03-20T00:00:00Z")).unwrap();
    assert_eq!(sets.len(), 1);
    let set = &sets[0];
    assert_eq!((set.base.as_str(), set.quoted, set.rates.len()), ("MYR", Quoted::BasePerUnit, 27));
    assert_eq!((set.as_of, set.published_at), (at("2026-03-19T01:00:00Z"), at("2026-03-19T15:01:22Z")));
    for (code, expected) in [
        ("USD", "3.93"),
        ("INR", "0.042244"),
        ("VND", "0.000149"),
        ("XDR", "5.3538"),
        ("SAR", "1.046828"),
        ("EGP", "0.0752"),
    ] {
        assert_eq!(rate(set, code), expected, "{code}");
    }
}

#[test]
fn the_bank_of_malaysia_s_months() {
    let Some(body) = recording("bnm_SGD_year_2026_month_3.json") else { return };
    let sets = bnm::read(&body, at("2026-03-20T00:00:00Z")).unwrap();
    assert_eq!(sets.len(), 14);
    assert_eq!(rate(&sets[0], "SGD"), "3.0857");
    assert_eq!(rate(&sets[13], "SGD"), "3.0646");
    let Some(body) = recording("bnm_VND_year_2026_month_3.json") else { return };
    let sets = bnm::read(&body, at("2026-03-20T00:00:00Z")).unwrap();
    assert_eq!((rate(&sets[0], "VND"), rate(&sets[2], "VND")), ("0.00015".to_owned(), "0.000151".to_owned()));
}

#[test]
fn the_bank_of_thailand_s_days() {
    let Some(body) = recording("bot_daily_avg.json") else { return };
    let sets = bot::read(&body, at("2026-04-05T12:00:00Z")).unwrap();
    let set = sets.last().unwrap();
    assert_eq!((set.base.as_str(), set.quoted, set.rates.len()), ("THB", Quoted::BasePerUnit, 19));
    assert_eq!(set.as_of, at("2026-04-03T11:00:00Z"));
    for (code, expected) in
        [("USD", "32.6448"), ("JPY", "0.204832"), ("IDR", "0.0019296"), ("SGD", "25.3897")]
    {
        assert_eq!(rate(set, code), expected, "{code}");
    }
}
