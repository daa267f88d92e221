//! Files and pegs: what an operator writes.

use fx_providers::file::RateFile;
use fx_providers::pegs::PegTable;
use fx_providers::{Answer, Code, Kind, RateSource, SourceError, Validator, Window};

use crate::samples::{READ_AT, SAMPLES, at};

const CSV: &str = SAMPLES[12].1;

async fn ask(
    source: &RateFile,
    window: Window,
    seen: Option<&Validator>,
) -> Result<(Vec<String>, Option<Validator>), SourceError> {
    match source.fetch(window, seen, at(READ_AT)).await? {
        Answer::NotModified => Ok((Vec::new(), None)),
        Answer::Sets { sets, validator, .. } => {
            let days = sets.iter().map(|set| set.as_of.date_naive().to_string());
            Ok((days.collect(), validator))
        }
    }
}

#[tokio::test]
async fn a_file_is_read_again_when_it_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rates.csv");
    let source = RateFile::new(&path).kind(Kind::Mid);
    let missing = ask(&source, Window::Latest, None).await.unwrap_err();
    assert!(matches!(missing, SourceError::Unreachable { source_name: "file", .. }), "{missing:?}");

    std::fs::write(&path, CSV).unwrap();
    let (days, seen) = ask(&source, Window::Latest, None).await.unwrap();
    assert_eq!(days, ["2026-10-30"]);
    let (days, none) = ask(&source, Window::Latest, seen.as_ref()).await.unwrap();
    assert!(days.is_empty() && none.is_none());
    let (days, _) = ask(&source, Window::Recent, seen.as_ref()).await.unwrap();
    assert_eq!(days, ["2026-10-29", "2026-10-30"], "another window is another question");
    let (days, _) = ask(&source, Window::On("2026-10-29".parse().unwrap()), None).await.unwrap();
    assert_eq!(days, ["2026-10-29"]);
    let window = Window::On("2026-10-28".parse().unwrap());
    let before = ask(&source, window, None).await;
    assert_eq!(before.unwrap_err(), SourceError::NotOffered { source_name: "file", window });

    // Written anew with the same content: nothing new. Another content: new.
    let later = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_793_383_200);
    let touch = || std::fs::File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
    touch();
    assert!(ask(&source, Window::Latest, seen.as_ref()).await.unwrap().0.is_empty());
    std::fs::write(&path, CSV.replace("1.2784", "1.2785")).unwrap();
    touch();
    let Ok(Answer::Sets { sets, body, .. }) = source.fetch(Window::Latest, seen.as_ref(), at(READ_AT)).await
    else {
        panic!("the change was missed")
    };
    assert_eq!(sets[0].rates[&Code::parse("SGD").unwrap()].to_string(), "1.2785");
    assert_eq!((sets[0].kind, sets[0].published_at), (Kind::Mid, at("2026-10-30T18:00:00Z")));
    assert_eq!(body, CSV.replace("1.2784", "1.2785").as_bytes());

    std::fs::write(&path, CSV.replace("25950", "25,950")).unwrap();
    let error = ask(&source, Window::Latest, seen.as_ref()).await.unwrap_err().to_string();
    assert!(error.ends_with("line 3: three fields expected in `2026-10-29,VND,25,950`"), "{error}");
}

fn table(text: &str) -> Result<PegTable, String> {
    toml::from_str(text).map_err(|error| error.to_string())
}

fn peg(currency: &str, anchor: &str, rate: &str) -> String {
    format!(
        "[[peg]]\ncurrency = \"{currency}\"\nanchor = \"{anchor}\"\nrate = {rate}\nauthority = \"a bank\"\n"
    )
}

#[test]
fn pegs_are_exact() {
    let text =
        format!("{}since = \"1999-01-01\"\n{}", peg("XOF", "EUR", "\"655.957\""), peg("BND", "SGD", "\"1\""));
    let table = table(&text).unwrap();
    let franc = table.of(Code::parse("XOF").unwrap()).unwrap();
    assert_eq!(
        (franc.rate.to_string().as_str(), franc.anchor, franc.authority.as_str()),
        ("655.957", Code::EUR, "a bank")
    );
    assert_eq!(franc.since, "1999-01-01".parse().ok());
    let all: Vec<&str> = table.iter().map(|peg| peg.currency.as_str()).collect();
    assert_eq!(all, ["BND", "XOF"]);
    assert!(table.of(Code::EUR).is_none());
}

#[test]
fn pegs_that_cannot_hold_are_refused() {
    for (text, expected) in [
        (peg("XOF", "EUR", "655.957"), "invalid type: floating point"),
        (peg("XOF", "EUR", "\"0\""), "the peg of XOF has no exact rate"),
        (peg("XOF", "EUR", "\"1e3\""), "the peg of XOF has no exact rate"),
        (peg("xof", "EUR", "\"1\""), "`xof` is not a currency code"),
        (peg("XOF", "XOF", "\"1\""), "XOF is fixed to itself"),
        (format!("{}{}", peg("XOF", "EUR", "\"1\""), peg("XOF", "USD", "\"1\"")), "XOF is fixed twice"),
        (
            format!(
                "{}{}{}",
                peg("AAA", "BBB", "\"1\""),
                peg("BBB", "CCC", "\"1\""),
                peg("CCC", "BBB", "\"1\"")
            ),
            "AAA is fixed to itself",
        ),
        (peg("XOF", "EUR", "\"1\"").replace("a bank", " "), "the peg of XOF names no authority"),
        (peg("XOF", "EUR", "\"1\"") + "since = \"long ago\"", "the peg of XOF holds since no date"),
        (peg("XOF", "EUR", "\"1\"") + "spread = \"1\"", "unknown field `spread`"),
        ("pegs = []".to_owned(), "unknown field `pegs`"),
    ] {
        let error = table(&text).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    }
    // A chain is no circle.
    assert!(table(&format!("{}{}", peg("AAA", "BBB", "\"1\""), peg("BBB", "CCC", "\"1\""))).is_ok());
}
