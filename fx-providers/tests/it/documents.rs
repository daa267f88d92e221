//! The README names every source, with its terms, and nothing that is not there.

use fx_providers::catalog::{ALL, OpenError, Setup, open};
use fx_providers::{Code, Key};

const README: &str = include_str!("../../README.md");

#[test]
fn every_source_has_its_row() {
    for entry in ALL {
        let row = README.lines().find(|line| line.starts_with(&format!("| `{}` |", entry.name)));
        let row = row.unwrap_or_else(|| panic!("{} has no row in the README", entry.name));
        assert!(row.contains(entry.terms), "{}: {row}", entry.terms);
        assert_eq!(row.contains("| key |"), entry.takes.key, "{row}");
    }
    let rows = README.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows, ALL.len(), "a row without a source");
}

#[test]
fn settings_a_source_does_not_take_are_refused() {
    let none = Setup::default;
    for (name, setup, expected) in [
        ("nobody", none(), "no source is called `nobody`"),
        ("fixer", none(), "the source fixer needs a key"),
        ("fixer", Setup { key: Some(Key::new("  ")), ..none() }, "the source fixer needs a key"),
        ("file", none(), "the source file needs a path"),
        ("ecb", Setup { key: Some(Key::new("k")), ..none() }, "the source ecb takes no key"),
        ("ecb", Setup { base: Some(Code::USD), ..none() }, "the source ecb takes no base"),
        ("bnm", Setup { path: Some("x".into()), ..none() }, "the source bnm takes no path"),
        ("file", Setup { origin: Some("x".into()), ..none() }, "the source file takes no origin"),
        (
            "frankfurter",
            Setup { every: Some(std::time::Duration::from_secs(1)), ..none() },
            "the source frankfurter takes no pace",
        ),
    ] {
        let error: OpenError = open(name, &setup).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}
