//! How code is written, wherever it stands.

use super::Source;
use super::floors::has_word;

/// Where floating point is allowed: readers of foreign JSON, whose visitors must take every kind of number in order to
/// refuse or pass over it; and the cells of a workbook, which have no other numbers and are made from decimal text.
/// Nowhere near an amount or a rate that is reckoned with.
pub const FLOATS_ALLOWED: &[&str] =
    &["src/domain/statements/forms/xlsx.rs", "src/gateways/json.rs", "src/http/body/tree.rs"];

/// A file is looked at twice from here on; tests at its end do not count.
const LINES_MAX: usize = 400;

/// Where SQL may stand: the store, and the far side's own book, which shares nothing with it.
const SQL_PLACES: [&str; 3] = ["src/store/", "src/sandbox/book.rs", "src/sandbox/schema.sql"];

/// SQL in a text elsewhere.
pub fn sql_outside_the_store(sources: &[Source]) -> Vec<String> {
    const STATEMENTS: [&str; 7] =
        ["SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "CREATE TABLE ", "ALTER TABLE ", "PRAGMA "];
    let mut faults = Vec::new();
    let elsewhere = |source: &&Source| !SQL_PLACES.iter().any(|place| source.path.starts_with(place));
    for source in sources.iter().filter(elsewhere) {
        for statement in STATEMENTS {
            for (at, _) in source.texts.match_indices(statement) {
                faults.push(format!(
                    "{}:{} has SQL (`{statement}`): it belongs in src/store",
                    source.path,
                    source.line_at(at)
                ));
            }
        }
    }
    faults
}

/// What engines that speak PostgreSQL's wire often lack, in a statement of ours.
pub fn not_on_every_engine(sources: &[Source]) -> Vec<String> {
    const LACKING: [&str; 8] =
        ["LISTEN", "NOTIFY", "SEQUENCE", "SERIAL", "BIGSERIAL", "NEXTVAL", "TRIGGER", "DEFERRABLE"];
    let mut faults = Vec::new();
    for source in sources {
        for (at, word) in split_words(&source.texts) {
            let upper = word.to_ascii_uppercase();
            if LACKING.contains(&word) || upper == "NEXTVAL" || upper.starts_with("PG_ADVISORY") {
                faults.push(format!("{}:{} has {word}", source.path, source.line_at(at)));
            }
        }
    }
    faults
}

/// A statement that changes what is booked. Three tables beside the books hold running figures and do change: the
/// account's balance and seq, the head of the chain, how far it was verified. Everything else of the ledger is only
/// ever inserted.
pub fn changes_of_the_books(sources: &[Source]) -> Vec<String> {
    const RUNNING: [&str; 3] = ["ledger_account", "ledger_head", "ledger_verified"];
    let mut faults = Vec::new();
    for source in sources {
        let words: Vec<(usize, &str)> = split_words(&source.texts);
        for (index, (at, word)) in words.iter().enumerate() {
            if !word.starts_with("ledger_") {
                continue;
            }
            let before = |steps: usize| {
                index.checked_sub(steps).map_or("", |place| words[place].1).to_ascii_uppercase()
            };
            let updates = matches!(before(1).as_str(), "UPDATE" | "ONLY")
                || (before(1) == "INTO" && before(2) == "REPLACE");
            let destroys = (before(1) == "FROM" && before(2) == "DELETE")
                || matches!(before(1).as_str(), "TRUNCATE")
                || (before(1) == "TABLE" && matches!(before(2).as_str(), "DROP" | "TRUNCATE" | "ALTER"));
            if destroys || (updates && !RUNNING.contains(word)) {
                faults.push(format!(
                    "{}:{} changes {word}: the books are append-only",
                    source.path,
                    source.line_at(*at)
                ));
            }
        }
    }
    faults
}

fn split_words(text: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, letter) in text.char_indices().chain([(text.len(), ' ')]) {
        let in_word = letter.is_alphanumeric() || letter == '_';
        match (start, in_word) {
            (None, true) => start = Some(at),
            (Some(begin), false) => {
                words.push((begin, &text[begin..at]));
                start = None;
            }
            _ => {}
        }
    }
    words
}

/// `f32` and `f64` outside the files that are named.
pub fn floats(sources: &[Source], allowed: &[&str]) -> Vec<String> {
    let outside = sources.iter().filter(|source| !allowed.contains(&source.path.as_str()));
    let mut faults = lines_with(
        outside,
        &["f32", "f64"],
        "is floating point: money, rates and times are whole or decimal",
    );
    for path in allowed {
        let unused = |source: &Source| source.path == *path && !has_word(&source.code, "f64");
        if sources.iter().any(unused) {
            faults.push(format!("{path} needs no floating point any more: take it off the list"));
        }
    }
    faults
}

/// The machine's clock, read elsewhere.
pub fn clocks(sources: &[Source]) -> Vec<String> {
    let outside = sources.iter().filter(|source| source.path != "src/clock.rs");
    lines_with(
        outside,
        &["Utc::now", "Local::now", "SystemTime::now"],
        "reads the machine's clock: take a `Clock`",
    )
}

/// Standard output, written to elsewhere.
pub fn outputs(sources: &[Source]) -> Vec<String> {
    let outside = sources.iter().filter(|source| source.path != "src/cli/output.rs");
    lines_with(
        outside,
        &["println!", "print!", "io::stdout"],
        "writes to standard output: say it in `cli/output.rs`",
    )
}

/// Files that want dividing.
pub fn long_files(sources: &[Source]) -> Vec<String> {
    let length =
        |source: &Source| source.text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count();
    let long = sources.iter().filter(|source| length(source) > LINES_MAX);
    long.map(|source| format!("{} has {} lines: divide it", source.path, length(source))).collect()
}

/// Names that say nothing.
pub fn empty_names(sources: &[Source]) -> Vec<String> {
    const EMPTY: [&str; 9] =
        ["util", "utils", "common", "helper", "helpers", "manager", "managers", "misc", "stuff"];
    let mut faults = Vec::new();
    for source in sources {
        let modules = source.module();
        let inline = source
            .code_lines()
            .filter_map(|(_, line)| line.trim().trim_start_matches("pub ").strip_prefix("mod "));
        let inline = inline.map(|name| name.trim_end_matches([';', '{', ' ']));
        if let Some(name) = modules.into_iter().chain(inline).find(|name| EMPTY.contains(name)) {
            faults.push(format!("{}: a module named `{name}`: a noun is missing", source.path));
        }
    }
    faults
}

/// Files that do not say why they are.
pub fn headless(sources: &[Source]) -> Vec<String> {
    let headless = sources.iter().filter(|source| {
        let opening = if source.path.ends_with(".sql") { "-- " } else { "//!" };
        !source.path.ends_with("/tests.rs")
            && !source.text.starts_with(opening)
            && !source.text.trim().is_empty()
    });
    headless.map(|source| format!("{} does not say why it is", source.path)).collect()
}

/// Words of work that was not finished.
pub fn leftovers(sources: &[Source]) -> Vec<String> {
    const WORDS: [&str; 7] = ["TODO", "FIXME", "HACK", "todo!", "unimplemented!", "dbg!", "<<<<<<<"];
    let mut faults = Vec::new();
    for source in sources {
        for (index, line) in source.text.lines().enumerate() {
            if let Some(word) =
                WORDS.iter().find(|word| has_word(line, word.trim_end_matches('!')) && line.contains(*word))
            {
                faults.push(format!("{}:{} has `{word}`: finish it", source.path, index + 1));
            }
        }
    }
    faults
}

fn lines_with<'a>(sources: impl Iterator<Item = &'a Source>, words: &[&str], why: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources {
        for (line, code) in source.code_lines() {
            for word in words.iter().filter(|word| has_word(code, word)) {
                faults.push(format!("{}:{line} `{word}` {why}", source.path));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(path: &str, text: &str) -> Vec<Source> {
        vec![Source::new(path, text)]
    }

    #[test]
    fn sql_is_found_in_texts_only() {
        let text = "// SELECT 1\nlet a = \"SELECT 1\";\nlet b = r#\"\n  UPDATE payment SET x\"#;\n";
        assert_eq!(sql_outside_the_store(&one("src/flows/pay.rs", text)).len(), 2);
        assert_eq!(sql_outside_the_store(&one("src/store/payments.rs", text)), Vec::<String>::new());
    }

    #[test]
    fn the_books_are_append_only() {
        #[rustfmt::skip]
        let table = [
            ("UPDATE ledger_entry SET amount = 0",                            1),
            ("update\n  ledger_entry set amount = 0",                         1),
            ("DELETE FROM ledger_transaction WHERE id = $1",                  1),
            ("DELETE FROM ledger_account",                                    1),
            ("DROP TABLE ledger_block",                                       1),
            ("ALTER TABLE ledger_entry ADD COLUMN memo TEXT",                 1),
            ("INSERT OR REPLACE INTO ledger_entry VALUES (1)",                1),
            ("WITH v AS (SELECT 1) UPDATE ledger_account SET balance = 1",    0),
            ("UPDATE ledger_head SET seq = 1",                                0),
            ("INSERT INTO ledger_entry (amount) VALUES (1)",                  0),
            ("SELECT amount FROM ledger_entry",                               0),
            ("UPDATE payment SET state = 'x' FROM ledger_entry",              0),
            ("CREATE TABLE ledger_entry (seq BIGINT) -- DELETE FROM ledger_entry", 0),
        ];
        for (sql, faults) in table {
            assert_eq!(changes_of_the_books(&one("migrations/0001_x.sql", sql)).len(), faults, "{sql}");
            if !sql.contains("--") {
                let rust = format!("const Q: &str = \"{sql}\";");
                assert_eq!(changes_of_the_books(&one("src/store/ledger.rs", &rust)).len(), faults, "{rust}");
            }
        }
    }

    #[test]
    fn what_not_every_engine_has_is_found() {
        for (sql, faults) in [
            ("SELECT pg_advisory_xact_lock(1)", 1),
            ("SELECT nextval('numbers')", 1),
            ("CREATE TABLE t (id BIGSERIAL PRIMARY KEY)", 1),
            ("CREATE TRIGGER t BEFORE INSERT ON u", 1),
            ("SELECT seq FROM ledger_head WHERE id = 1 FOR UPDATE", 0),
        ] {
            assert_eq!(not_on_every_engine(&one("migrations/0001_x.sql", sql)).len(), faults, "{sql}");
        }
    }

    #[test]
    fn floating_point_is_found_and_unneeded_leave_withdrawn() {
        let sources = one("src/money/rate.rs", "let half: f64 = 0.5; // f64\nlet f64_free = 1;\n");
        assert_eq!(floats(&sources, &[]).len(), 1);
        assert_eq!(floats(&sources, &["src/money/rate.rs"]), Vec::<String>::new());
        assert_eq!(floats(&one("src/ids.rs", ""), &["src/ids.rs"]).len(), 1);
    }

    #[test]
    fn other_clocks_are_found() {
        let text = "let now = chrono::Utc::now();\nlet wall = std::time::SystemTime::now();\n";
        assert_eq!(clocks(&one("src/jobs.rs", text)).len(), 2);
        assert_eq!(clocks(&one("src/clock.rs", text)), Vec::<String>::new());
    }

    #[test]
    fn long_files_empty_names_and_missing_heads_are_found() {
        let long = format!("//! Why.\n{}", "fn a() {}\n".repeat(LINES_MAX));
        assert_eq!(long_files(&one("src/a.rs", &long)).len(), 1);
        let tested = format!("//! Why.\n#[cfg(test)]\nmod tests {{\n{}}}\n", "fn a() {}\n".repeat(LINES_MAX));
        assert_eq!(long_files(&one("src/a.rs", &tested)), Vec::<String>::new());
        assert_eq!(empty_names(&one("src/money/utils.rs", "")).len(), 1);
        assert_eq!(empty_names(&one("src/common/mod.rs", "")).len(), 1);
        assert_eq!(empty_names(&one("src/a.rs", "mod helpers {\n}\n")).len(), 1);
        assert_eq!(empty_names(&one("src/manage.rs", "mod commons;\n")), Vec::<String>::new());
        assert_eq!(headless(&one("src/a.rs", "use std::fmt;\n")).len(), 1);
    }

    #[test]
    fn leftovers_are_found() {
        assert_eq!(
            leftovers(&one("src/a.rs", "// TODO later\nfn a() { todo!() }\nlet todos = 1;\n")).len(),
            2
        );
    }
}
