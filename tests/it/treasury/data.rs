//! Route tables and calendars: what ships reads, what is wrong is named; cut-offs and holidays of both currencies.

use straits::domain::treasury::{Calendars, RouteTable};
use straits::money::Currency;

use super::world::routes;

#[test]
fn what_ships_reads_and_covers_the_corridors() {
    let text = include_str!("../../../config/routes.toml");
    assert_eq!(&RouteTable::read("config/routes.toml", text).unwrap(), RouteTable::shipped());
    let countries = ["CN", "SG", "TH", "VN", "US", "MY", "ID", "PH", "DE"];
    let rails = ["paypal_payouts", "pain001", "xendit", "csv"];
    let table = &RouteTable::shipped().routes;
    for country in countries {
        assert!(table.iter().any(|route| route.countries.iter().any(|code| code == country)), "{country}");
    }
    for rail in rails {
        assert!(table.iter().any(|route| route.rail == rail), "{rail}");
    }
    let text = include_str!("../../../config/holidays.toml");
    assert_eq!(&Calendars::read("config/holidays.toml", text).unwrap(), Calendars::shipped());
}

#[test]
fn a_table_is_refused_by_file_route_key_and_why() {
    let good = "version = \"1\"\n[[route]]\nname = \"r\"\nrail = \"bank\"\nsource_currency = \"USD\"\ntarget_currency = \"USD\"\ncut_off = \"16:00:00\"\nzone = \"UTC\"\ndays = 1\nbearer = \"DEBT\"\nfrom = \"2026-01-01\"\nsource = \"s\"\ntrust = \"sample\"\n";
    assert!(RouteTable::read("r.toml", good).is_ok());
    let limited = format!("{good}maximum_item = \"9\"\nmaximum_batch = \"9\"\n");
    assert!(RouteTable::read("r.toml", &limited).is_ok());
    for (line, key) in [
        ("fixed = \"1.234\"", "fixed"),
        ("fixed = \"-1\"", "fixed"),
        ("spread_bps = 10", "spread_bps"),
        ("batch_size = 0", "batch_size"),
        ("countries = [\"sg\"]", "countries"),
        ("bands = [{ from = \"5\" }, { from = \"4\" }]", "bands"),
        ("minimum_item = \"5\"\nmaximum_item = \"4\"", "maximum_item"),
        ("maximum_batch = \"9\"", "maximum_batch"),
        ("maximum_item = \"10\"\nmaximum_batch = \"9\"", "maximum_batch"),
        ("maximum_item = \"5\"\nmaximum_batch = \"9\"\nbatch_fee = \"1\"", "maximum_batch"),
        ("until = \"2025-01-01\"", "until"),
        ("fee_of = \"gross\"", "fee_of"),
        ("batch_sise = 1", "batch_sise"),
    ] {
        let error = RouteTable::read("r.toml", &format!("{good}{line}\n")).expect_err(line).to_string();
        assert!(error.contains("r.toml") && error.contains(key), "{line}: {error}");
    }
    for (from, to, word) in [
        ("\"UTC\"", "\"Mars/Base\"", "Mars/Base"),
        ("\"sample\"", "\"sure\"", "trust"),
        ("\"USD\"", "\"USX\"", "USX"),
        ("source = \"s\"", "source = \"\"", "source"),
    ] {
        let error = RouteTable::read("r.toml", &good.replacen(from, to, 1)).expect_err(word).to_string();
        assert!(error.contains(word), "{error}");
    }
    assert!(RouteTable::read("r.toml", &format!("{good}{}", &good[14..])).is_err(), "the same name twice");
}

const DAYS: &str = "version = \"1\"\n[[calendar]]\ncurrency = \"USD\"\nfrom = \"2026-01-01\"\nuntil = \"2026-12-31\"\nholidays = [\"2026-11-26\"]\nsource = \"s\"\ntrust = \"sample\"\n[[calendar]]\ncurrency = \"CNY\"\nfrom = \"2026-01-01\"\nuntil = \"2026-12-31\"\nholidays = [\"2026-11-27\"]\nworking = [\"2026-11-28\"]\nsource = \"s\"\ntrust = \"sample\"\n";

#[test]
fn cut_offs_and_holidays_of_both_currencies() {
    let calendars = Calendars::read("days.toml", DAYS).unwrap();
    let table = routes(&[
        "name = \"both\"\ntarget_currency = \"CNY\"\nzone = \"Asia/Shanghai\"\ndays = 1",
        "name = \"one\"\nsource_currency = \"CNY\"\ntarget_currency = \"CNY\"\nzone = \"Asia/Shanghai\"\ndays = 1",
        "name = \"same_day\"\nzone = \"America/New_York\"",
    ]);
    #[rustfmt::skip]
    let rows = [
        // route, handed over, instructed, expected
        (0, "2026-11-25T07:59:00Z", "2026-11-25", "2026-11-30"), // 15:59 in Shanghai; the 26th and 27th are closed
        (0, "2026-11-25T08:01:00Z", "2026-11-30", "2026-12-01"), // a minute after the cut-off
        (1, "2026-11-26T01:00:00Z", "2026-11-26", "2026-11-28"), // a Saturday on which China pays
        (2, "2026-11-26T15:00:00Z", "2026-11-27", "2026-11-27"), // Thanksgiving
        (2, "2026-11-27T21:01:00Z", "2026-11-30", "2026-11-30"), // 16:01 in New York on a Friday
    ];
    for (route, now, instructed, value) in rows {
        let dates = calendars.value_date(&table.routes[route], now.parse().unwrap()).unwrap();
        assert_eq!(
            (dates.instructed.to_string(), dates.value.to_string()),
            (instructed.into(), value.into()),
            "{now}"
        );
        assert!(dates.covered);
    }
    let late = calendars.value_date(&table.routes[2], "2026-12-31T22:00:00Z".parse().unwrap()).unwrap();
    assert!(!late.covered, "the calendar ends before");
    assert!(calendars.is_good(Currency::find("THB").unwrap(), "2026-11-27".parse().unwrap()));
    for (from, to) in [
        ("\"2026-11-26\"", "\"2027-11-26\""),
        ("until = \"2026-12-31\"", "until = \"2025-12-31\""),
        ("\"CNY\"", "\"USD\""),
    ] {
        let error = Calendars::read("days.toml", &DAYS.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.starts_with("days.toml: calendar USD"), "{error}");
    }
}
